/* `outlet run`: an unmodified program on a host of a network; its options, and what is checked before it starts. */
#include "guest/guest.h"
#include "ipc/ipc.h"
#include "tool/tool.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options { const char *host, *net; bool end_with_program, verbose; char **argv; };

static int help(void)
{
	fputs("Usage: outlet run [OPTIONS] [--] PROGRAM [ARGUMENTS]\n\n"
	      "Runs an unmodified program on a host of a network of yours.  Its sockets are Outlet's; everything else is as\n"
	      "ever.  The network's service starts by itself and goes when the last program has left.\n\n"
	      "  --host NAME          on this host; without it, on one of its own named after the program\n"
	      "  --net NAME|FILE      in this network, or the one described by a network file (default: $OUTLET_NET, else\n"
	      "                       the network \"default\")\n"
	      "  --end-with-program   when PROGRAM ends, end what it left running instead of waiting for it\n"
	      "  -v, --verbose        say on stderr what is done\n\n"
	      "The exit status is PROGRAM's, 128+N if signal N ended it, 127 if there is no such program, 126 if it cannot\n"
	      "be executed, 125 if Outlet itself failed.\n", stdout);
	return 0;
}

/* -1: go on; else the exit status. */
static int parse(struct options *o, int argc, char **argv)
{
	enum { HOST = 256, NET, END };
	static const struct option longs[] = {
		{ "host", required_argument, NULL, HOST }, { "net", required_argument, NULL, NET },
		{ "end-with-program", no_argument, NULL, END }, { "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' }, { 0 },
	};
	int k;
	opterr = 0;
	while ((k = getopt_long(argc, argv, "+:hv", longs, NULL)) != -1)
		switch (k) {
		case HOST: o->host = optarg; break;
		case NET: o->net = optarg; break;
		case END: o->end_with_program = true; break;
		case 'v': o->verbose = true; break;
		case 'h': return help();
		case ':':
			tool_usage("run", "the option `%s` needs a value", argv[optind - 1]);
			return TOOL_OUTLET;
		default:
			tool_usage("run", "there is no option `%s`", argv[optind - 1]);
			return TOOL_OUTLET;
		}
	o->argv = argv + optind;
	if (*o->argv)
		return -1;
	tool_usage("run", "which program?");
	return TOOL_OUTLET;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash && slash[1] ? slash + 1 : path;
}

/* A guest within a guest has its supervisor already, and its host. */
static int just_become(const struct options *o)
{
	if (o->verbose || o->host || o->net)
		fprintf(stderr, "outlet run: %s runs inside `outlet run` already and stays on the host it is on\n", o->argv[0]);
	execvp(o->argv[0], o->argv);
	int err = errno;
	tool_fail("run", "cannot run %s: %s", o->argv[0], strerror(err));
	return err == ENOENT ? TOOL_NO_PROGRAM : TOOL_NO_EXEC;
}

static int connect_service(const struct options *o)
{
	struct tool_net net;
	char text[4096];
	struct ipc_hello hello = { .version = IPC_VERSION, .role = IPC_ROLE_GUEST, .pid = getpid() };
	if (tool_net(&net, o->net))
		return -1;
	if (o->host && strlen(o->host) >= sizeof hello.host) {
		tool_fail("run", "the host's name `%s` is too long: at most %zu characters", o->host, sizeof hello.host - 1);
		return -1;
	}
	snprintf(hello.host, sizeof hello.host, "%s", o->host ? o->host : "");
	snprintf(hello.program, sizeof hello.program, "%s", base_name(o->argv[0]));
	int fd = ipc_connect(&(struct ipc_where){ .net = net.name, .file = net.file, .spawn = true }, &hello, text, sizeof text);
	if (fd < 0)
		tool_fail("run", "%s", text);
	else if (o->verbose)
		fprintf(stderr, "outlet run: %s in network %s: %s\n", o->argv[0], net.name, text);
	return fd;
}

static int run(int argc, char **argv)
{
	struct options o = { 0 };
	char why[512];
	int status = parse(&o, argc, argv);
	if (status >= 0)
		return status;
	int missing = guest_find_program(o.argv[0]);
	if (missing) {
		tool_fail("run", missing == GUEST_NO_PROGRAM ? "there is no program `%s`" : "`%s` may not be executed", o.argv[0]);
		return missing;
	}
	if (guest_is_nested())
		return just_become(&o);
	if (guest_supported(why, sizeof why)) {
		tool_fail("run", "%s", why);
		return TOOL_OUTLET;
	}
	int fd = connect_service(&o);
	if (fd < 0)
		return TOOL_OUTLET;
	return guest_run(&(struct guest_options){
		.argv = o.argv, .service = fd, .end_with_program = o.end_with_program, .verbose = o.verbose });
}

const struct tool_cmd cmd_run = { "run", "run a program on a host of the network", run };
