/* `outlet wire`: the wires of a network, what befell frames on them, and new faults while programs run. */
#include "tool/ask.h"
#include "tool/table.h"
#include <getopt.h>
#include <string.h>

static const char help[] =
	"Usage: outlet wire [--net NAME] [--json]\n"
	"       outlet wire [--net NAME] [--json] [--host HOST [--interface NAME]] [--dir in|out] WIRE FAULTS...\n\n"
	"Lists the wires with what is wrong with them and what befell frames; or changes that while\n"
	"programs run.  FAULTS add to those in force:\n"
	"  none                   a perfect wire\n"
	"  loss=1%                lost by chance       burst=1%/30%   lost in bursts: start, stop\n"
	"  delay=20ms jitter=5ms  later                unordered      jitter lets packets overtake\n"
	"  reorder=2%/10ms        how often, how late  dup=1%         arrives twice\n"
	"  corrupt=0.1%           one bit turned over  rate=10mbit    queue=100  codel\n"
	"  cut, cut=no            nothing passes\n"
	"For example: outlet wire backbone loss=5% delay=50ms\n\n"
	"  --host HOST       only at this host's end of the wire, and only --interface NAME\n"
	"  --dir in|out      only from the host into the wire (in) or out of it to the host (out)\n"
	"  --net NAME        the network's name, or its file\n"
	"  --json            for machines\n"
	"Exit status: 0, or 1 where there is no such network or wire or the faults are wrongly worded.\n";

static void join_befell(const json_t *dir, char *buf, size_t len)
{
	const char *name;
	json_t *count;
	size_t at = 0;
	*buf = 0;
	json_object_foreach((json_t *)(uintptr_t)json_object_get(dir, "befell"), name, count) {
		int n = snprintf(buf + at, len - at, "%s%s %lld", at ? ", " : "", name, (long long)json_integer_value(count));
		at = n > 0 && (size_t)n < len - at ? at + (size_t)n : len - 1;
	}
	if (!at)
		snprintf(buf, len, "-");
}

static void port_row(struct table *t, const json_t *wire, const json_t *port, const char *dir, bool first)
{
	const json_t *d = json_object_get(port, dir);
	char befell[TABLE_CELL], bytes[16], mtu[24] = "";
	if (!table_row(t))
		return;
	join_befell(d, befell, sizeof befell);
	table_cell(t, "%s", first ? js_text(wire, "name") : "");
	table_cell(t, "%s", first ? js_text(wire, "mode") : "");
	if (first)
		snprintf(mtu, sizeof mtu, "%lld", (long long)js_int(wire, "mtu"));
	table_cell(t, "%s", mtu);
	table_cell(t, "%s%s%s", js_text(port, "host"), *js_text(port, "host") ? " " : "tap ", js_text(port, "interface"));
	table_cell(t, "%s", strcmp(dir, "in") == 0 ? "sends" : "receives");
	table_cell(t, "%lld", (long long)js_int(d, "frames"));
	table_cell(t, "%s", human_count((unsigned long long)js_int(d, "bytes"), bytes));
	table_cell(t, "%s", js_text(d, "faults"));
	table_cell(t, "%s", befell);
}

static int show(const json_t *o)
{
	struct table *t = table_new("WIRE,MODE,>MTU,PORT,DIRECTION,>FRAMES,>BYTES,FAULTS,BEFELL");
	size_t i, k;
	json_t *wire, *port;
	if (!t)
		return tool_fail("wire", "no memory");
	json_array_foreach(json_object_get(o, "wires"), i, wire) {
		json_array_foreach(json_object_get(wire, "ports"), k, port) {
			const json_t *out = json_object_get(port, "out");
			port_row(t, wire, port, "in", k == 0);
			/* What comes out repeats what went in, unless something is wrong on that side too. */
			if (strcmp(js_text(out, "faults"), "none") != 0 || json_object_size(json_object_get(out, "befell")))
				port_row(t, wire, port, "out", false);
		}
	}
	if (table_rows(t))
		table_print(t, false, stdout);
	else
		puts("Nothing is plugged into a wire yet.");
	table_free(t);
	return TOOL_OK;
}

/* The words of the command line as one text. */
static bool join(char **words, int n, char *buf, size_t len)
{
	size_t at = 0;
	for (int i = 0; i < n; i++) {
		int k = snprintf(buf + at, len - at, "%s%s", i ? " " : "", words[i]);
		if (k < 0 || (size_t)k >= len - at)
			return false;
		at += (size_t)k;
	}
	return true;
}

static int change(const json_t *o)
{
	printf("%s: %s\n", js_text(o, "wire"), js_text(o, "faults"));
	return TOOL_OK;
}

static int run(int argc, char **argv)
{
	enum { NET = 256, JSON, HOST, INTERFACE, DIR };
	static const struct option options[] = { { "net", required_argument, NULL, NET }, { "json", no_argument, NULL, JSON },
		{ "host", required_argument, NULL, HOST }, { "interface", required_argument, NULL, INTERFACE },
		{ "dir", required_argument, NULL, DIR }, { "help", no_argument, NULL, 'h' }, { 0 } };
	const char *net = NULL;
	char faults[512];
	bool json = false;
	json_t *q = json_pack("{ss}", "verb", "wire");
	opterr = 0;
	optind = 0;
	for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1; ) {
		switch (c) {
		case NET: net = optarg; break;
		case JSON: json = true; break;
		case HOST: json_object_set_new(q, "host", json_string(optarg)); break;
		case INTERFACE: json_object_set_new(q, "interface", json_string(optarg)); break;
		case DIR: json_object_set_new(q, "dir", json_string(optarg)); break;
		case 'h':
			fputs(help, stdout);
			json_decref(q);
			return TOOL_OK;
		default:
			json_decref(q);
			return tool_usage("wire", "`%s` is no option here, or lacks its value", argv[optind - 1]);
		}
	}
	int words = argc - optind;
	if (words == 1) {
		json_decref(q);
		return tool_usage("wire", "name the faults too, for example: %s loss=1%%", argv[optind]);
	}
	if (words && !join(argv + optind + 1, words - 1, faults, sizeof faults)) {
		json_decref(q);
		return tool_usage("wire", "too many faults");
	}
	if (words) {
		json_object_set_new(q, "wire", json_string(argv[optind]));
		json_object_set_new(q, "faults", json_string(faults));
	}
	struct ask ask;
	if (!ask_open(&ask, "wire", net, false)) {
		json_decref(q);
		return TOOL_FAILED;
	}
	json_t *answer = ask_one(&ask, q);
	int status = !answer ? TOOL_FAILED : json ? js_print(answer) : words ? change(answer) : show(answer);
	json_decref(answer);
	ask_close(&ask);
	return status;
}

const struct tool_cmd cmd_wire = { "wire", "wires and their faults; change them while programs run", run };
