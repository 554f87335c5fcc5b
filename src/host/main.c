/*
 * outletd: runs one network.  Started by `outlet run` and `outlet up`, or by hand; says on --ready-fd "ok" once it
 * can be connected to, or the one sentence that tells why not, which by hand goes to stderr.
 */
#include "host/svc.h"
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const char usage[] =
	"usage: outletd --net NAME [--file FILE] [--ready-fd N] [--check]\n"
	"Runs one network for `outlet run` and the other tools.\n"
	"  --net NAME     the network's name; its socket is NAME.sock in $XDG_RUNTIME_DIR/outlet or /tmp/outlet-UID\n"
	"  --file FILE    the network file; without one: a switch and a host for every run\n"
	"  --ready-fd N   descriptor to say \"ok\" on, or what is wrong\n"
	"  --check        only read the file and make the network; say what is wrong\n";

static void say_ready(int fd, const char *text)
{
	if (fd < 0)
		return;
	ssize_t n = write(fd, text, strlen(text));
	(void)n;				/* whoever wanted to know may be gone */
	close(fd);
}

struct signals { struct watch watch; struct svc *svc; };

static void on_signal(struct watch *w, uint32_t events)
{
	struct signals *sig = list_of(w, struct signals, watch);
	struct signalfd_siginfo info;
	(void)events;
	if (read(w->fd, &info, sizeof info) != (ssize_t)sizeof info)
		return;
	svc_log(sig->svc, "told to end by signal %u from process %u", info.ssi_signo, info.ssi_pid);
	unlink(sig->svc->sock_path);
	sig->svc->loop.stop = true;
}

static int watch_signals(struct signals *sig, struct svc *s)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sig->svc = s;
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : watch_add(&s->loop, &sig->watch, fd, EPOLLIN, on_signal);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "net", required_argument, NULL, 'n' }, { "file", required_argument, NULL, 'f' },
		{ "ready-fd", required_argument, NULL, 'r' }, { "check", no_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	const char *net = IPC_NET_DEFAULT, *file = NULL;
	int ready = -1;
	bool check = false;
	for (int opt; (opt = getopt_long(argc, argv, "h", options, NULL)) != -1; ) {
		switch (opt) {
		case 'n': net = optarg; break;
		case 'f': file = optarg; break;
		case 'r': ready = atoi(optarg); break;
		case 'c': check = true; break;
		case 'h': fputs(usage, stdout); return 0;
		default: fputs(usage, stderr); return 2;
		}
	}
	if (optind < argc || !ipc_net_name_ok(net)) {
		fputs(usage, stderr);
		return 2;
	}
	static struct svc svc;
	static struct signals signals;
	char why[1024] = "";
	int err = svc_init(&svc, net, file, why, sizeof why);
	if (!err && !check)
		err = svc_listen(&svc, why, sizeof why);
	if (!err && (err = watch_signals(&signals, &svc)) != 0)
		snprintf(why, sizeof why, "no signal descriptor: %s", strerror(-err));
	if (err) {
		strncat(why, "\n", sizeof why - strlen(why) - 1);
		fprintf(stderr, "outletd: %s", why);
		say_ready(ready, why);
		return 1;
	}
	if (!check) {
		say_ready(ready, "ok\n");
		svc_log(&svc, "running, process %d", (int)getpid());
		while (!svc.loop.stop)
			loop_turn(&svc.loop, OL_NEVER);
		svc_log(&svc, "ends");
	}
	watch_close(&svc.loop, &signals.watch);
	svc_fini(&svc);
	return 0;
}
