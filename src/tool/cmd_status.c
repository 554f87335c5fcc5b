/*
 * `outlet up`, `down`, `status`, `hosts` and `counters`: the network as a whole.
 */
#include "tool/ask.h"
#include "tool/table.h"
#include <getopt.h>
#include <string.h>

struct args { const char *net, *host; bool json, now; };
enum { OPT_NET = 256, OPT_JSON, OPT_NOW };

/* Options of all five; a command that has no use for one refuses it.  Returns TOOL_OK, or the status to leave with (-1: helped). */
static int parse(struct args *a, int argc, char **argv, const char *help, const char *takes)
{
	static const struct option all[] = { { "net", required_argument, NULL, OPT_NET }, { "host", required_argument, NULL, 'H' },
		{ "json", no_argument, NULL, OPT_JSON }, { "now", no_argument, NULL, OPT_NOW }, { "help", no_argument, NULL, 'h' }, { 0 } };
	*a = (struct args){ 0 };
	opterr = 0;
	optind = 0;
	for (int c; (c = getopt_long(argc, argv, "hH:", all, NULL)) != -1; ) {
		const char *name = c == 'H' ? "host" : c == OPT_NOW ? "now" : c == OPT_JSON ? "json" : "net";
		if (c == 'h') {
			fputs(help, stdout);
			return -1;
		}
		if (c == '?' || c == ':' || !strstr(takes, name))
			return tool_usage(argv[0], "`%s` is no option here, or lacks its value", argv[optind - 1]);
		switch (c) {
		case OPT_NET: a->net = optarg; break;
		case 'H': a->host = optarg; break;
		case OPT_JSON: a->json = true; break;
		case OPT_NOW: a->now = true; break;
		}
	}
	return TOOL_OK;
}

static int no_more(int argc, char **argv)
{
	return optind < argc ? tool_usage(argv[0], "`%s` is one word too many", argv[optind]) : TOOL_OK;
}

/* Asks one question and shows the answer. */
static int ask_and(const char *cmd, const char *net, bool spawn, json_t *question, int (*show)(const json_t *, const struct args *),
		   const struct args *a)
{
	struct ask ask;
	if (!ask_open(&ask, cmd, net, spawn)) {
		json_decref(question);
		return TOOL_FAILED;
	}
	json_t *answer = ask_one(&ask, question);
	int status = !answer ? TOOL_FAILED : a->json ? js_print(answer) : show(answer, a);
	json_decref(answer);
	ask_close(&ask);
	return status;
}

/* ---- up, down --------------------------------------------------------------------------------------------------------- */
static int run_up(int argc, char **argv)
{
	static const char help[] =
		"Usage: outlet up [--net NAME] [--json] [FILE]\n\n"
		"Starts a network and keeps it until `outlet down`, even when no program runs on it.\n"
		"Without FILE it is the default network, on which every program gets a host of its own;\n"
		"with a network file (outlet-network(5)) it is that one, named after the file.\n"
		"`outlet run` starts a network too; that one goes with its last program.\n\n"
		"  --net NAME   the network's name, or its file\n"
		"  --json       the answer for machines\n"
		"Exit status: 0 when it is up, 1 when not, 2 for a wrong command line.\n";
	struct args a;
	struct ask ask;
	int status = parse(&a, argc, argv, help, "net json");
	if (status)
		return status < 0 ? TOOL_OK : status;
	const char *net = optind < argc ? argv[optind++] : a.net;
	if (net != a.net && a.net)
		return tool_usage("up", "give the network as FILE or with --net, not both");
	if (no_more(argc, argv))
		return TOOL_USAGE;
	if (!ask_open(&ask, "up", net, true))
		return TOOL_FAILED;
	json_t *answer = ask_one(&ask, json_pack("{ss}", "verb", "up"));
	json_t *st = answer ? ask_one(&ask, json_pack("{ss}", "verb", "status")) : NULL;
	status = st ? TOOL_OK : TOOL_FAILED;
	if (st && a.json)
		status = js_print(st);
	else if (st)
		printf("The network %s is up with %lld hosts (process %lld, log %s).\n", js_text(st, "net"), (long long)js_int(st, "hosts"),
		       (long long)js_int(st, "pid"), js_text(st, "log"));
	json_decref(answer);
	json_decref(st);
	ask_close(&ask);
	return status;
}

static int show_down(const json_t *o, const struct args *a)
{
	int64_t guests = js_int(o, "guests");
	if (a->now || guests == 0)
		puts("The network is going down.");
	else
		printf("The network goes down when its last program ends; %lld still run (`outlet down --now` does not wait).\n",
		       (long long)guests);
	return TOOL_OK;
}

static int run_down(int argc, char **argv)
{
	static const char help[] =
		"Usage: outlet down [--net NAME] [--now] [--json]\n\n"
		"Lets a network end when its last program does.\n\n"
		"  --now        end it at once; its programs lose their connections\n"
		"  --net NAME   the network's name, or its file\n"
		"  --json       the answer for machines\n"
		"Exit status: 0, or 1 where no such network runs.\n";
	struct args a;
	int status = parse(&a, argc, argv, help, "net json now");
	if (status)
		return status < 0 ? TOOL_OK : status;
	const char *net = optind < argc ? argv[optind++] : a.net;
	if (no_more(argc, argv))
		return TOOL_USAGE;
	return ask_and("down", net, false, json_pack("{ss sb}", "verb", "down", "now", a.now), show_down, &a);
}

/* ---- status, hosts ---------------------------------------------------------------------------------------------------- */
static int show_status(const json_t *o, const struct args *a)
{
	char bytes[16];
	(void)a;
	printf("network   %s%s\n", js_text(o, "net"), js_bool(o, "pinned") ? " (stays until `outlet down`)" : " (goes with its last program)");
	if (*js_text(o, "file"))
		printf("file      %s\n", js_text(o, "file"));
	printf("process   %lld, version %s, up for %.1f s\n", (long long)js_int(o, "pid"), js_text(o, "version"),
	       (double)js_int(o, "uptime_ms") / 1e3);
	printf("log       %s\n", js_text(o, "log"));
	printf("holds     %lld hosts, %lld programs, %lld sockets, %s bytes of packets\n", (long long)js_int(o, "hosts"),
	       (long long)js_int(o, "guests"), (long long)js_int(o, "sockets"),
	       human_count((unsigned long long)js_int(o, "pool_bytes"), bytes));
	return TOOL_OK;
}

static int run_status(int argc, char **argv)
{
	static const char help[] =
		"Usage: outlet status [--net NAME] [--json]\n\n"
		"Says whether a network runs, since when, and how much it holds.\n\n"
		"  --net NAME   the network's name, or its file\n"
		"  --json       for machines\n"
		"Exit status: 0 when it runs, 1 when not.\n";
	struct args a;
	int status = parse(&a, argc, argv, help, "net json");
	if (status)
		return status < 0 ? TOOL_OK : status;
	if (no_more(argc, argv))
		return TOOL_USAGE;
	return ask_and("status", a.net, false, json_pack("{ss}", "verb", "status"), show_status, &a);
}

static void join_addresses(const json_t *list, char *buf, size_t len)
{
	size_t i, at = strlen(buf);
	json_t *v;
	json_array_foreach((json_t *)(uintptr_t)list, i, v) {
		int n = snprintf(buf + at, len - at, "%s%s", at ? " " : "", json_string_value(v) ? json_string_value(v) : "?");
		at = n > 0 && (size_t)n < len - at ? at + (size_t)n : len - 1;
	}
}

static void host_rows(struct table *t, const json_t *host)
{
	char addrs[TABLE_CELL], rx[16], tx[16], guests[TABLE_CELL] = "";
	size_t i, at = 0;
	json_t *v;
	json_array_foreach(json_object_get(host, "guests"), i, v) {
		int n = snprintf(guests + at, sizeof guests - at, "%s%s/%lld", i ? " " : "", js_text(v, "program"), (long long)js_int(v, "pid"));
		at = n > 0 && (size_t)n < sizeof guests - at ? at + (size_t)n : sizeof guests - 1;
	}
	json_array_foreach(json_object_get(host, "interfaces"), i, v) {
		if (!table_row(t))
			return;
		*addrs = 0;
		join_addresses(json_object_get(v, "addresses"), addrs, sizeof addrs);
		join_addresses(json_object_get(v, "unassigned"), addrs, sizeof addrs);
		table_cell(t, "%s", i ? "" : js_text(host, "name"));
		table_cell(t, "%s%s", js_text(v, "name"), js_bool(v, "up") ? "" : " (down)");
		table_cell(t, "%s", addrs);
		table_cell(t, "%s", *js_text(v, "wire") ? js_text(v, "wire") : "-");
		table_cell(t, "%lld", (long long)js_int(v, "mtu"));
		table_cell(t, "%s", human_count((unsigned long long)js_int(v, "rx_bytes"), rx));
		table_cell(t, "%s", human_count((unsigned long long)js_int(v, "tx_bytes"), tx));
		table_cell(t, "%s", i ? "" : js_bool(host, "forwarding") ? "router" : "-");
		table_cell(t, "%s", i ? "" : *guests ? guests : "-");
	}
}

static int show_hosts(const json_t *o, const struct args *a)
{
	struct table *t = table_new("HOST,INTERFACE,ADDRESSES,WIRE,>MTU,>RECEIVED,>SENT,ROLE,PROGRAMS");
	size_t i;
	json_t *v;
	bool found = false;
	if (!t)
		return tool_fail("hosts", "no memory");
	json_array_foreach(json_object_get(o, "hosts"), i, v) {
		if (a->host && strcmp(a->host, js_text(v, "name")) != 0)
			continue;
		host_rows(t, v);
		found = true;
	}
	if (found)
		table_print(t, true, stdout);
	table_free(t);
	json_array_foreach(json_object_get(o, "hosts"), i, v) {
		if (!a->host || strcmp(a->host, js_text(v, "name")) != 0)
			continue;
		size_t k;
		json_t *r;
		puts("\nroutes");
		json_array_foreach(json_object_get(v, "routes"), k, r)
			printf("  %-24s %s%s%s%s\n", js_text(r, "dst"), *js_text(r, "gateway") ? "by " : "on the wire", js_text(r, "gateway"),
			       *js_text(r, "interface") ? " at " : "", js_text(r, "interface"));
	}
	if (!found && a->host)
		return tool_fail("hosts", "the network has no host %s; `outlet hosts` lists them", a->host);
	if (!found)
		puts("The network has no hosts yet; `outlet run` makes one for each program.");
	return TOOL_OK;
}

/* As parse; the host may also stand alone, without --host. */
static int parse_host(struct args *a, int argc, char **argv, const char *help)
{
	int status = parse(a, argc, argv, help, "net json host");
	if (status)
		return status;
	if (optind < argc && !a->host)
		a->host = argv[optind++];
	return no_more(argc, argv) ? TOOL_USAGE : 0;
}

static int run_hosts(int argc, char **argv)
{
	static const char help[] =
		"Usage: outlet hosts [--net NAME] [--host NAME] [--json]\n\n"
		"Lists the hosts of a network, their interfaces, addresses, wires and programs.\n\n"
		"  --host NAME  this host alone, and its routes\n"
		"  --net NAME   the network's name, or its file\n"
		"  --json       for machines\n"
		"Exit status: 0, or 1 where there is no such network or host.\n";
	struct args a;
	int status = parse_host(&a, argc, argv, help);
	if (status)
		return status < 0 ? TOOL_OK : status;
	return ask_and("hosts", a.net, false, json_pack("{ss}", "verb", "hosts"), show_hosts, &a);
}

/* ---- counters --------------------------------------------------------------------------------------------------------- */
static int show_counters(const json_t *o, const struct args *a)
{
	struct table *t = table_new("HOST,>COUNT,FATE,MEANS");
	size_t i, k;
	json_t *host, *v;
	(void)a;
	if (!t)
		return tool_fail("counters", "no memory");
	json_array_foreach(json_object_get(o, "hosts"), i, host) {
		json_array_foreach(json_object_get(host, "counters"), k, v) {
			if (!table_row(t))
				break;
			table_cell(t, "%s", js_text(host, "name"));
			table_cell(t, "%lld", (long long)js_int(v, "count"));
			table_cell(t, "%s", js_text(v, "fate"));
			table_cell(t, "%s", js_text(v, "text"));
		}
	}
	if (table_rows(t))
		table_print(t, false, stdout);
	else
		puts("No packet has come yet.");
	table_free(t);
	return TOOL_OK;
}

static int run_counters(int argc, char **argv)
{
	static const char help[] =
		"Usage: outlet counters [--net NAME] [--host NAME] [--json]\n\n"
		"Says what became of the packets of each host: delivered, forwarded, or dropped and why.\n\n"
		"  --host NAME  this host alone\n"
		"  --net NAME   the network's name, or its file\n"
		"  --json       for machines\n"
		"Exit status: 0, or 1 where there is no such network or host.\n";
	struct args a;
	int status = parse_host(&a, argc, argv, help);
	if (status)
		return status < 0 ? TOOL_OK : status;
	json_t *q = json_pack("{ss}", "verb", "counters");
	if (q && a.host)
		json_object_set_new(q, "host", json_string(a.host));
	return ask_and("counters", a.net, false, q, show_counters, &a);
}

const struct tool_cmd cmd_up = { "up", "start a network and keep it", run_up };
const struct tool_cmd cmd_down = { "down", "let a network end, or end it now", run_down };
const struct tool_cmd cmd_status = { "status", "does a network run, and what does it hold", run_status };
const struct tool_cmd cmd_hosts = { "hosts", "its hosts, their interfaces, addresses and programs", run_hosts };
const struct tool_cmd cmd_counters = { "counters", "what became of packets, host by host", run_counters };
