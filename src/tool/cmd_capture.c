/*
 * `outlet capture`: frames of a running network, as pcapng into a file or as a line each.  Needs no privilege: the service
 * hands over what its own hosts see, loopback too.
 */
#include "tool/capread.h"
#include "tool/dissect.h"
#include "tool/live.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char help[] =
	"Usage: outlet capture [OPTIONS] [-w FILE] [-- PROGRAM ARGS]\n\n"
	"Shows the frames of a running network, one line each, or writes them as pcapng, which tcpdump,\n"
	"tshark and Wireshark read; comments carry host, socket, state, call, fate and what the wire did.\n"
	"Ends with Ctrl-C, with PROGRAM, or as said:\n\n"
	"  -w FILE            write pcapng; - is standard output\n"
	"  -c COUNT           end after this many frames\n"
	"  --seconds N        end after this long\n"
	"  --host NAME        only at this host\n"
	"  -i NAME            only at interfaces of this name (eth0, lo)\n"
	"  --wire NAME        only on this wire, each frame once\n"
	"  -q                 no summary at the end\n"
	"  --net NAME         the network's name, or its file\n"
	"  --json             one object per line\n"
	"Exit status: 0; 1 where something failed; PROGRAM's where there is one.\n";

struct capture {
	struct capread read;
	FILE *file;			/* -w, or NULL */
	const char *path;
	bool json, failed;
	uint64_t limit;
};

static void stamp(int64_t ns, char *buf, size_t len)
{
	time_t t = (time_t)(ns / OL_SEC);
	struct tm tm;
	char hms[16];
	localtime_r(&t, &tm);
	strftime(hms, sizeof hms, "%H:%M:%S", &tm);
	snprintf(buf, len, "%s.%06d", hms, (int)(ns % OL_SEC / 1000));
}

static const char *way(const struct capread_frame *f)
{
	return f->f.dir == OL_CAPTURE_INBOUND ? "in" : f->f.dir == OL_CAPTURE_OUTBOUND ? "out" : "-";
}

static void print_line(const struct capread_frame *f, const char *words)
{
	const struct ol_capture_note *n = &f->note;
	const char *facts[] = { n->state, n->call, n->cause, *n->fate_text ? n->fate_text : n->fate, n->wire };
	char when[32], where[128];
	stamp(f->f.time_ns, when, sizeof when);
	snprintf(where, sizeof where, "%s%s%s", f->host, *f->host ? " " : "", f->iface);
	printf("%s %-12s %-3s %s", when, where, way(f), words);
	bool any = false;
	for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
		if (!*facts[i])
			continue;
		printf("%s%s", any ? ", " : "  | ", facts[i]);
		any = true;
	}
	putchar('\n');
}

static void set(json_t *o, const char *key, const char *value)
{
	if (*value)
		json_object_set_new(o, key, json_string(value));
}

static void print_json(const struct capread_frame *f, const char *words)
{
	const struct ol_capture_note *n = &f->note;
	json_t *o = json_pack("{sI si}", "time_ns", (json_int_t)f->f.time_ns, "len", (int)f->f.orig_len);
	set(o, "host", f->host);
	set(o, "interface", f->iface);
	if (f->f.dir != OL_CAPTURE_UNKNOWN)
		set(o, "direction", way(f));
	set(o, "frame", words);
	if (n->sock >= 0)
		json_object_set_new(o, "sock", json_integer(n->sock));
	set(o, "state", n->state);
	set(o, "call", n->call);
	set(o, "cause", n->cause);
	set(o, "fate", n->fate);
	set(o, "wire", n->wire);
	json_dumpf(o, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(o);
}

static void print_frame(const struct capture *c, const struct capread_frame *f)
{
	char words[512];
	struct dis d;
	if (f->readable) {
		dissect(&d, f->link, f->f.data, f->f.len, f->f.orig_len);
		dissect_line(&d, words, sizeof words);
	} else {
		snprintf(words, sizeof words, "%u bytes of link type %u", f->f.orig_len, f->f.linktype);
	}
	if (c->json)
		print_json(f, words);
	else
		print_line(f, words);
}

static bool failed(struct capture *c, const char *what, const char *why)
{
	tool_fail("capture", "%s: %s", what, why);
	c->failed = true;
	return false;
}

static bool piece(void *ctx, const uint8_t *p, size_t len)
{
	struct capture *c = ctx;
	struct capread_frame f;
	const char *why;
	int got;
	if (c->file && fwrite(p, 1, len, c->file) != len)
		return failed(c, c->path, strerror(errno));
	if (ol_capture_reader_feed(c->read.reader, p, len) < 0)
		return failed(c, "no memory for a frame", "end some programs");
	while ((got = capread_next(&c->read, &f, &why)) == 1) {
		if (!c->file)
			print_frame(c, &f);
		if (c->limit && c->read.frames >= c->limit)
			return false;
	}
	if (got < 0)
		return failed(c, "the network's service sent what is no capture", why);
	if (!c->file && (fflush(stdout) || ferror(stdout)))
		return failed(c, "cannot write", strerror(errno));
	return true;
}

/* O_EXCL would refuse /dev/stdout and pipes; a capture tells what programs said, so it is the owner's alone. */
static FILE *make_file(const char *path)
{
	if (strcmp(path, "-") == 0)
		return stdout;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return fd < 0 ? NULL : fdopen(fd, "w");
}

static int capture(struct capture *c, struct live *l, const char *net, json_t *q, bool quiet)
{
	struct ask ask;
	if (c->path && !(c->file = make_file(c->path))) {
		json_decref(q);
		return tool_fail("capture", "cannot write %s: %s", c->path, strerror(errno));
	}
	if (!ask_open(&ask, "capture", net, l->program != NULL)) {
		json_decref(q);
		return TOOL_FAILED;
	}
	l->cmd = "capture";
	l->n = 1;
	l->settle = 0.3;
	l->stream[0] = (struct live_stream){ .ask = &ask, .piece = piece, .ctx = c };
	bool good = capread_open(&c->read) && ask_begin(&ask, q) && live_run(l) && !c->failed;
	json_decref(l->stream[0].end);
	if (c->file && c->file != stdout && fclose(c->file))
		good = failed(c, c->path, strerror(errno));
	if (good && !quiet && !c->json && c->file != stdout)
		fprintf(stderr, "%llu frames%s%s\n", (unsigned long long)c->read.frames, c->file ? " in " : "", c->file ? c->path : "");
	capread_close(&c->read);
	ask_close(&ask);
	return !good ? TOOL_FAILED : l->status;
}

static bool positive(const char *s, double *out)
{
	char *end;
	*out = strtod(s, &end);
	return end != s && !*end && *out > 0 && *out < 1e15;
}

static int run(int argc, char **argv)
{
	enum { NET = 256, JSON, HOST, WIRE, SECONDS };
	static const struct option options[] = { { "net", required_argument, NULL, NET }, { "json", no_argument, NULL, JSON },
		{ "host", required_argument, NULL, HOST }, { "wire", required_argument, NULL, WIRE },
		{ "seconds", required_argument, NULL, SECONDS }, { "help", no_argument, NULL, 'h' }, { 0 } };
	struct capture c = { 0 };
	struct live l = { 0 };
	json_t *q = json_pack("{ss}", "verb", "capture");
	const char *net = NULL;
	double count = 0;
	bool quiet = false;
	int status = -1;
	opterr = 0;
	optind = 0;
	for (int o; status < 0 && (o = getopt_long(argc, argv, "+hw:c:i:q", options, NULL)) != -1; ) {
		switch (o) {
		case 'w': c.path = optarg; break;
		case 'q': quiet = true; break;
		case 'i': json_object_set_new(q, "interface", json_string(optarg)); break;
		case HOST: json_object_set_new(q, "host", json_string(optarg)); break;
		case WIRE: json_object_set_new(q, "wire", json_string(optarg)); break;
		case NET: net = optarg; break;
		case JSON: c.json = true; break;
		case 'c': if (!positive(optarg, &count)) status = tool_usage("capture", "`%s` is no count", optarg); break;
		case SECONDS: if (!positive(optarg, &l.seconds)) status = tool_usage("capture", "`%s` is no time in seconds", optarg); break;
		case 'h':
			fputs(help, stdout);
			status = TOOL_OK;
			break;
		default:
			status = tool_usage("capture", "`%s` is no option here, or lacks its value", argv[optind - 1]);
		}
	}
	if (status >= 0) {
		json_decref(q);
		return status;
	}
	c.limit = (uint64_t)count;
	l.program = optind < argc ? argv + optind : NULL;
	return capture(&c, &l, net, q, quiet);
}

const struct tool_cmd cmd_capture = { "capture", "frames as pcapng, or a line each", run };
