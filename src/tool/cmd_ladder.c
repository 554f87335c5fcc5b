/*
 * `outlet ladder`: a conversation drawn as a ladder, from a capture file or from the running network.  Live, two streams are
 * watched: the frames, and the calls of programs, which are put beside the segments they caused.
 */
#include "tool/capread.h"
#include "tool/live.h"
#include "tool/table.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static const char help[] =
	"Usage: outlet ladder [OPTIONS] FILE\n"
	"       outlet ladder [OPTIONS] [-- PROGRAM ARGS]\n\n"
	"Draws a conversation as a ladder: segments with relative sequence numbers, both ends' states, the\n"
	"socket calls that caused them, what was lost, sent again, or dropped, and why.  FILE is pcapng or\n"
	"pcap, anybody's.  Without FILE the running network is watched until Ctrl-C or until PROGRAM ends, and\n"
	"drawn row by row where the output is a terminal:\n"
	"  outlet ladder -- outlet run curl http://web/\n\n"
	"  --list             the conversations, a line each, instead of a drawing\n"
	"  --flow N           the N-th of them (the first TCP connection with data)\n"
	"  --all              each of them\n"
	"  --port PORT        the first with this port at either end\n"
	"  --svg FILE         draw as SVG into FILE too; with --all FILE gets numbers\n"
	"  -w FILE            live: keep the capture in FILE\n"
	"  --rows N           about N rows, what says nothing new left out (60; 0: all)\n"
	"  --width N          columns (the terminal's)\n"
	"  --color WHEN       always, never, or auto\n"
	"  --ascii            no box drawing\n"
	"  --quiet            no drawing in the terminal\n"
	"  --host NAME        live: only at this host\n"
	"  --seconds N        live: end after this long\n"
	"  --net NAME         live: the network's name, or its file\n"
	"  --json             the rows, for machines\n"
	"Exit status: 0; 1 where something failed or there was nothing to draw; PROGRAM's where there is one.\n";

enum { SVG_ROWS = 400, TERM_ROWS = 60, LIVE_SIGHTINGS = 20000 };	/* that can be gone through five times a second */
struct opts {
	const char *file, *svg, *net, *host, *keep, *port;
	bool list, all, json, quiet;
	int flow;			/* -1: choose */
	long rows;			/* -1: the default */
	struct lad_style style;
};
struct job {
	struct ladder *l;
	struct capread read;
	FILE *keep;
	bool failed;
	int64_t born_ns;		/* what the service's events count from, since 1970 */
	const struct opts *o;
	struct lad_live *live;		/* NULL: all is drawn at the end */
	size_t flow;			/* that it shows; SIZE_MAX: none chosen yet */
	ol_time flow_first;
	size_t flow_size;
};

/* ---- in ----------------------------------------------------------------------------------------------------------- */
static bool failed(struct job *j, const char *fmt, const char *what)
{
	tool_fail("ladder", fmt, what);
	j->failed = true;
	return false;
}

static bool frames(void *ctx, const uint8_t *p, size_t len)
{
	struct job *j = ctx;
	struct capread_frame f;
	const char *why;
	char call[112];
	int got;
	if (j->keep && fwrite(p, 1, len, j->keep) != len)
		return failed(j, "cannot keep the capture: %s", strerror(errno));
	if (ol_capture_reader_feed(j->read.reader, p, len) < 0)
		return failed(j, "%s", "no memory");
	while ((got = capread_next(&j->read, &f, &why)) == 1) {
		struct lad_frame lf = capread_lad(&f, call);
		if (f.readable && !ladder_add(j->l, &lf))
			return failed(j, "%s", "no memory");
	}
	return got < 0 ? failed(j, "the capture cannot be read: %s", why) : true;
}

static bool read_file(struct job *j, const char *path)
{
	static uint8_t buf[65536];
	int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;
	if (fd < 0) {
		tool_fail("ladder", "cannot read %s: %s", path, strerror(errno));
		return false;
	}
	while (!j->failed && (n = read(fd, buf, sizeof buf)) > 0)
		frames(j, buf, (size_t)n);
	if (n < 0)
		failed(j, "cannot read the capture: %s", strerror(errno));
	if (fd != STDIN_FILENO)
		close(fd);
	if (!j->failed && ol_capture_reader_left(j->read.reader))
		fprintf(stderr, "outlet ladder: %s ends in the middle of a frame; showing what came before\n", path);
	return !j->failed;
}

/* Calls whose result is worth a place beside the rungs. */
static bool telling(const char *call)
{
	static const char *const names[] = { "bind", "listen", "connect", "accept", "shutdown" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(call, names[i]) == 0)
			return true;
	return false;
}

static void take_event(struct job *j, const json_t *e)
{
	const char *call = js_text(e, "call"), *error = json_string_value(json_object_get(e, "result"));
	char text[LAD_CALL_TEXT];
	if (strcmp(js_text(e, "event"), "call") != 0 || !telling(call))
		return;
	if (error && strcmp(error, "EAGAIN") == 0)
		return;			/* somebody looked, and nothing was there */
	if (error && strcmp(error, "EINPROGRESS") == 0)
		error = NULL;		/* how a non-blocking connect begins: no failure */
	snprintf(text, sizeof text, "%s(%s)%s%s", call, js_text(e, "args"), error ? " = " : "", error ? error : "");
	/* What accept returned is the connection's socket; the listener's own number says nothing about it. */
	bool accepted = strcmp(call, "accept") == 0 && !error;
	struct lad_call c = { .time = js_int(e, "time_us") * OL_US + j->born_ns, .host = js_text(e, "host"), .text = text,
			      .sock = js_int(e, accepted ? "result" : "sock") };
	if (!ladder_add_call(j->l, &c))
		failed(j, "%s", "no memory");
}

static bool events(void *ctx, const uint8_t *p, size_t len)
{
	struct job *j = ctx;
	while (len) {
		const uint8_t *nl = memchr(p, '\n', len);
		size_t n = nl ? (size_t)(nl - p) + 1 : len;
		json_t *e = json_loadb((const char *)p, n, JSON_DISABLE_EOF_CHECK, NULL);
		if (e)
			take_event(j, e);
		json_decref(e);
		p += n;
		len -= n;
	}
	return !j->failed;
}

static json_t *question(const char *verb, const char *host)
{
	json_t *q = json_pack("{ss}", "verb", verb);
	if (q && host)
		json_object_set_new(q, "host", json_string(host));
	return q;
}

/* ---- row by row, where a terminal shows it ------------------------------------------------------------------------ */
static size_t flow_with_port(const struct ladder *l, const char *port);

/* The conversation that is shown as it goes on; chosen once, and TCP, since look-ups of names come before it. */
static bool choose(struct job *j)
{
	struct lad_flow_info f;
	const struct opts *o = j->o;
	if (j->flow == SIZE_MAX)
		j->flow = o->flow > 0 ? (size_t)o->flow - 1 : o->port ? flow_with_port(j->l, o->port) : ladder_flow_best(j->l);
	bool good = ladder_flow_info(j->l, j->flow, &f) && (o->flow > 0 || o->port || strcmp(f.proto, "TCP") == 0);
	if (!good)
		j->flow = SIZE_MAX;
	j->flow_first = good ? f.first : 0;
	j->flow_size = good ? f.sightings : 0;
	return good;
}

static void tick(void *ctx)
{
	struct job *j = ctx;
	struct timespec ts;
	if (!j->live || !choose(j) || j->flow_size > LIVE_SIGHTINGS)
		return;
	struct lad_view *v = ladder_view(j->l, j->flow);
	clock_gettime(CLOCK_REALTIME, &ts);
	if (v && !ladder_live_rows(j->live, v, ts.tv_sec * OL_SEC + ts.tv_nsec - j->flow_first, false)) {
		puts("More than fits; Ctrl-C, or the end of the program, draws it shortened.");
		ladder_live_free(j->live);
		j->live = NULL;
	}
	lad_view_free(v);
}

/* What is left of it.  False: it is not the one that is wanted now, or was too long. */
static bool finish_live(struct job *j, size_t flow)
{
	struct lad_view *v = j->live && j->flow == flow && ladder_live_shown(j->live) ? ladder_view(j->l, flow) : NULL;
	bool good = v && j->flow_size <= LIVE_SIGHTINGS && ladder_live_rows(j->live, v, 0, true);
	lad_view_free(v);
	return good;
}

/* Watches the network.  Returns the exit status so far. */
static int watch(struct job *j, const struct opts *o, struct live *l)
{
	struct ask caps, evs;
	if (!ask_open(&caps, "ladder", o->net, l->program != NULL))
		return TOOL_FAILED;
	if (!ask_open(&evs, "ladder", o->net, false)) {
		ask_close(&caps);
		return TOOL_FAILED;
	}
	json_t *st = ask_one(&evs, question("status", NULL));
	j->born_ns = js_int(st, "born_ns");
	json_decref(st);
	l->cmd = "ladder";
	l->tick = tick;
	l->tick_ctx = j;
	l->settle = 0.3;
	l->n = 2;
	l->stream[0] = (struct live_stream){ .ask = &caps, .piece = frames, .ctx = j };
	l->stream[1] = (struct live_stream){ .ask = &evs, .piece = events, .ctx = j };
	if (!l->program && isatty(STDERR_FILENO))
		fprintf(stderr, "Watching %s until Ctrl-C.\n", caps.net.name);
	bool good = ask_begin(&caps, question("capture", o->host)) && ask_begin(&evs, question("events", o->host)) && live_run(l) &&
		    !j->failed;
	json_decref(l->stream[0].end);
	json_decref(l->stream[1].end);
	ask_close(&caps);
	ask_close(&evs);
	return good ? l->status : TOOL_FAILED;
}

/* ---- out ---------------------------------------------------------------------------------------------------------- */
static void list_flows(const struct ladder *l)
{
	struct table *t = table_new(">FLOW,PROTO,LEFT,RIGHT,>MS,>FRAMES,>BYTES RIGHT,>BYTES LEFT");
	struct lad_flow_info f;
	char a[OL_ADDR_STRLEN], b[OL_ADDR_STRLEN], x[16], y[16];
	for (size_t i = 0; t && ladder_flow_info(l, i, &f) && table_row(t); i++) {
		table_cell(t, "%zu", i + 1);
		table_cell(t, "%s", f.proto);
		table_cell(t, "%s", f.end[0].port ? ol_endpoint_str(&f.end[0], a) : ol_addr_str(&f.end[0].addr, a));
		table_cell(t, "%s", f.end[1].port ? ol_endpoint_str(&f.end[1], b) : ol_addr_str(&f.end[1].addr, b));
		table_cell(t, "%.3f", (double)(f.last - f.first) / OL_MS);
		table_cell(t, "%zu", f.sightings);
		table_cell(t, "%s", human_count(f.bytes[0], x));
		table_cell(t, "%s", human_count(f.bytes[1], y));
	}
	if (t)
		table_print(t, false, stdout);
	table_free(t);
}

static json_t *row_json(const struct lad_row *r)
{
	static const char *const ends[] = { "arrived", "lost", "dropped", "under way", "unseen" };
	static const struct { unsigned bit; const char *name; } marks[] = { { LAD_RETRANSMIT, "retransmission" },
		{ LAD_DUP_ACK, "duplicate ack" }, { LAD_ZERO_WINDOW, "zero window" }, { LAD_RESET, "reset" },
		{ LAD_WIRE_DUP, "duplicated by the wire" }, { LAD_OUT_OF_ORDER, "out of order" }, { LAD_PROBE, "probe" },
		{ LAD_ICMP_ERROR, "icmp error" } };
	json_t *o = json_pack("{ss sf}", "from", r->from == LAD_LEFT ? "left" : "right", "sent_ms", (double)r->sent / OL_MS);
	json_t *list = json_array();
	if (r->has_received && !r->is_call)
		json_object_set_new(o, "received_ms", json_real((double)r->received / OL_MS));
	if (!r->is_call) {
		json_object_set_new(o, "segment", json_sprintf("%s%s", r->text, r->extra));
		json_object_set_new(o, "len", json_integer(r->text_len));
		json_object_set_new(o, "end", json_string(ends[r->end]));
	}
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
		if (r->marks & marks[i].bit)
			json_array_append_new(list, json_string(marks[i].name));
	if (json_array_size(list))
		json_object_set(o, "marks", list);
	json_decref(list);
	if (*r->note)
		json_object_set_new(o, "note", json_string(r->note));
	for (int side = 0; side < 2; side++) {
		if (*r->state[side])
			json_object_set_new(o, side ? "state_right" : "state_left", json_string(r->state[side]));
		if (*r->call[side])
			json_object_set_new(o, side ? "call_right" : "call_left", json_string(r->call[side]));
	}
	return o;
}

static json_t *view_json(const struct lad_view *v)
{
	char a[OL_ADDR_STRLEN], b[OL_ADDR_STRLEN];
	json_t *rows = json_array();
	for (size_t i = 0; i < v->n; i++)
		json_array_append_new(rows, row_json(&v->rows[i]));
	return json_pack("{ss s{ss ss} s{ss ss} sI sI sf sb so}", "proto", v->proto, "left", "host", v->name[0], "end",
			 ol_endpoint_str(&v->end[0], a), "right", "host", v->name[1], "end", ol_endpoint_str(&v->end[1], b), "lost",
			 (json_int_t)v->lost, "retransmitted", (json_int_t)v->retransmitted, "span_ms", (double)v->span / OL_MS,
			 "states_inferred", (int)v->states_inferred, "rows", rows);
}

/* "x.svg", of several "x-2.svg". */
static bool write_svg(const struct opts *o, const struct lad_view *v, size_t number)
{
	char path[4096];
	const char *dot = strrchr(o->svg, '.');
	int stem = dot && !strchr(dot, '/') ? (int)(dot - o->svg) : (int)strlen(o->svg);
	struct lad_style style = { .max_rows = o->rows >= 0 ? (size_t)o->rows : SVG_ROWS };
	if (number)
		snprintf(path, sizeof path, "%.*s-%zu%s", stem, o->svg, number, o->svg + stem);
	else
		snprintf(path, sizeof path, "%s", o->svg);
	FILE *f = fopen(path, "we");
	bool good = f && ladder_svg(v, &style, f);
	if (f && fclose(f))
		good = false;
	if (!good)
		tool_fail("ladder", "cannot write %s: %s", path, strerror(errno));
	return good;
}

static bool show(struct job *j, const struct opts *o, size_t flow, size_t number, json_t *all)
{
	struct lad_view *v = ladder_view(j->l, flow);
	bool good = v != NULL;
	if (!v) {
		tool_fail("ladder", "no memory to draw it; try with a smaller capture");
		return false;
	}
	if (all)
		json_array_append_new(all, view_json(v));
	else if (!o->quiet && !finish_live(j, flow))
		good = ladder_print(v, &o->style, stdout);
	if (o->svg)
		good = write_svg(o, v, number) && good;
	lad_view_free(v);
	return good;
}

static size_t flow_with_port(const struct ladder *l, const char *port)
{
	struct lad_flow_info f;
	char *end;
	unsigned long n = strtoul(port, &end, 10);
	size_t found = SIZE_MAX;
	for (size_t i = 0; !*end && ladder_flow_info(l, i, &f); i++) {
		if (f.end[0].port != n && f.end[1].port != n)
			continue;
		if (f.bytes[0] || f.bytes[1])
			return i;
		if (found == SIZE_MAX)
			found = i;
	}
	return found;
}

static int draw(struct job *j, const struct opts *o)
{
	const struct ladder *l = j->l;
	size_t n = ladder_flows(l), flow = o->flow > 0 ? (size_t)o->flow - 1 : o->port ? flow_with_port(l, o->port) : ladder_flow_best(l);
	if (!n)
		return tool_fail("ladder", "nothing to draw: no frame came");
	if (ladder_dropped(l))
		fprintf(stderr, "outlet ladder: %zu frames were too many and are left out\n", ladder_dropped(l));
	if (o->list) {
		list_flows(l);
		return TOOL_OK;
	}
	if (flow >= n && o->flow <= 0)
		return tool_fail("ladder", "no conversation has port %s; `--list` shows them", o->port);
	if (flow >= n)
		return tool_fail("ladder", "there are only %zu conversations; `--list` shows them", n);
	json_t *all = o->json ? json_array() : NULL;
	bool good = true;
	for (size_t i = o->all ? 0 : flow; good && i < (o->all ? n : flow + 1); i++) {
		if (i && o->all && !o->json && !o->quiet)
			putchar('\n');
		good = show(j, o, i, o->all ? i + 1 : 0, all);
	}
	if (all)
		good = js_print(all) == TOOL_OK && good;
	json_decref(all);
	if (good && !o->all && !o->json && !o->quiet && n > 1 && isatty(STDOUT_FILENO))
		printf("%zu more conversations; --list shows them, --flow N draws one.\n", n - 1);
	return good ? TOOL_OK : TOOL_FAILED;
}

/* ---- command line --------------------------------------------------------------------------------------------------- */
static unsigned terminal_width(void)
{
	struct winsize w;
	const char *columns = getenv("COLUMNS");
	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col)
		return w.ws_col;
	return columns && atoi(columns) > 0 ? (unsigned)atoi(columns) : 0;
}

static bool number(const char *s, double max, double *out)
{
	char *end;
	*out = strtod(s, &end);
	return end != s && !*end && *out >= 0 && *out <= max;
}

/* -1: go on; else the status to leave with. */
static int parse(struct opts *o, struct live *l, int argc, char **argv)
{
	enum { NET = 256, JSON, HOST, SECONDS, LIST, FLOW, ALL, PORT, SVG, ROWS, WIDTH, COLOR, ASCII, QUIET };
	static const struct option options[] = { { "net", required_argument, NULL, NET }, { "json", no_argument, NULL, JSON },
		{ "host", required_argument, NULL, HOST }, { "seconds", required_argument, NULL, SECONDS }, { "list", no_argument, NULL, LIST },
		{ "flow", required_argument, NULL, FLOW }, { "all", no_argument, NULL, ALL }, { "port", required_argument, NULL, PORT },
		{ "svg", required_argument, NULL, SVG }, { "rows", required_argument, NULL, ROWS }, { "width", required_argument, NULL, WIDTH },
		{ "color", required_argument, NULL, COLOR }, { "colour", required_argument, NULL, COLOR }, { "ascii", no_argument, NULL, ASCII },
		{ "quiet", no_argument, NULL, QUIET }, { "help", no_argument, NULL, 'h' }, { 0 } };
	double x = 0;
	*o = (struct opts){ .flow = -1, .rows = -1 };
	o->style.width = terminal_width();
	o->style.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	opterr = 0;
	optind = 0;
	for (int c; (c = getopt_long(argc, argv, "+hqw:", options, NULL)) != -1; ) {
		bool good = true;
		switch (c) {
		case NET: o->net = optarg; break;
		case JSON: o->json = true; break;
		case HOST: o->host = optarg; break;
		case LIST: o->list = true; break;
		case ALL: o->all = true; break;
		case PORT: o->port = optarg; break;
		case SVG: o->svg = optarg; break;
		case ASCII: o->style.ascii = true; break;
		case 'q': case QUIET: o->quiet = true; break;
		case 'w': o->keep = optarg; break;
		case SECONDS: good = number(optarg, 1e9, &l->seconds); break;
		case FLOW: good = number(optarg, 1e9, &x) && x >= 1; o->flow = (int)x; break;
		case ROWS: good = number(optarg, 1e9, &x); o->rows = (long)x; break;
		case WIDTH: good = number(optarg, 250, &x) && x >= 60; o->style.width = (unsigned)x; break;
		case COLOR:
			good = strcmp(optarg, "always") == 0 || strcmp(optarg, "never") == 0 || strcmp(optarg, "auto") == 0;
			if (good && strcmp(optarg, "auto") != 0)
				o->style.colour = *optarg == 'a';
			break;
		case 'h':
			fputs(help, stdout);
			return TOOL_OK;
		default:
			return tool_usage("ladder", "`%s` is no option here, or lacks its value", argv[optind - 1]);
		}
		if (!good)
			return tool_usage("ladder", "`%s` is not a value that this option takes", optarg);
	}
	o->style.max_rows = o->rows >= 0 ? (size_t)o->rows : TERM_ROWS;
	bool program = optind > 1 && strcmp(argv[optind - 1], "--") == 0 && optind < argc;
	if (program)
		l->program = argv + optind;
	else if (optind + 1 == argc)
		o->file = argv[optind];
	else if (optind < argc)
		return tool_usage("ladder", "one file at a time; a program comes after --");
	return -1;
}

static int run(int argc, char **argv)
{
	struct opts o;
	struct live l = { 0 };
	int status = parse(&o, &l, argc, argv);
	if (status >= 0)
		return status;
	struct job j = { .l = ladder_new(), .o = &o, .flow = SIZE_MAX };
	if (!j.l || !capread_open(&j.read)) {
		ladder_free(j.l);
		return tool_fail("ladder", "no memory");
	}
	if (o.keep && !o.file && !(j.keep = fopen(o.keep, "we")))
		status = tool_fail("ladder", "cannot write %s: %s", o.keep, strerror(errno));
	else if (o.file)
		status = read_file(&j, o.file) ? TOOL_OK : TOOL_FAILED;
	else {
		if (isatty(STDOUT_FILENO) && !o.list && !o.all && !o.json && !o.quiet)
			j.live = ladder_live_new(&o.style, stdout);
		status = watch(&j, &o, &l);
	}
	if (j.keep && fclose(j.keep) && !status)
		status = tool_fail("ladder", "cannot write %s: %s", o.keep, strerror(errno));
	/* A program's failure is worth seeing too. */
	if (!j.failed && (!status || l.status)) {
		int drawn = draw(&j, &o);
		status = status ? status : drawn;
	}
	ladder_live_free(j.live);
	capread_close(&j.read);
	ladder_free(j.l);
	return status;
}

const struct tool_cmd cmd_ladder = { "ladder", "a conversation drawn: segments, states, calls, losses; in text or SVG", run };
