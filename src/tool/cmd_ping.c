/* `outlet ping`: ICMP echoes from one host of the network to another, by the service itself: no raw socket needed. */
#include "tool/live.h"
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
	"Usage: outlet ping [--host FROM] [OPTIONS] TO\n\n"
	"Sends ICMP echo requests from host FROM to TO, a host's name or an address.\n"
	"Without --host they come from the first host that is not TO.\n\n"
	"  -c COUNT         this many (4)\n"
	"  -i SECONDS       between two of them (1)\n"
	"  -W SECONDS       to wait for each answer (2)\n"
	"  -s BYTES         of payload (56)\n"
	"  --host FROM      from this host\n"
	"  --net NAME       the network's name, or its file\n"
	"  --json           for machines: one object per answer, then the sum\n"
	"Exit status: 0 when an answer came, 1 when none did.\n";

struct ping { bool json; int64_t size; };

static bool show(void *ctx, const uint8_t *p, size_t len)
{
	const struct ping *ping = ctx;
	if (ping->json) {
		printf("%.*s%s", (int)len, (const char *)p, len && p[len - 1] == '\n' ? "" : "\n");
		fflush(stdout);
		return true;
	}
	json_t *o = json_loadb((const char *)p, len, 0, NULL);
	if (*js_text(o, "error"))
		printf("seq %lld: %s\n", (long long)js_int(o, "seq"), js_text(o, "error"));
	else if (o)
		printf("%lld bytes from %s: seq %lld, ttl %lld, %.3f ms\n", (long long)ping->size + 8, js_text(o, "from"),
		       (long long)js_int(o, "seq"), (long long)js_int(o, "ttl"), (double)js_int(o, "rtt_us") / 1e3);
	fflush(stdout);
	json_decref(o);
	return true;
}

static int sum(const json_t *end, bool json)
{
	if (json) {
		json_dumpf(end, stdout, JSON_COMPACT);
		putchar('\n');
	} else if (js_int(end, "received")) {
		printf("%lld sent, %lld answered; least %.3f ms, mean %.3f ms, most %.3f ms\n", (long long)js_int(end, "sent"),
		       (long long)js_int(end, "received"), (double)js_int(end, "min_us") / 1e3, (double)js_int(end, "avg_us") / 1e3,
		       (double)js_int(end, "max_us") / 1e3);
	} else {
		printf("%lld sent, none answered\n", (long long)js_int(end, "sent"));
	}
	return js_int(end, "received") ? TOOL_OK : TOOL_FAILED;
}

/* A host to ping from when none was named: the first that is not the target. */
static char *some_host(struct ask *ask, const char *to)
{
	json_t *answer = ask_one(ask, json_pack("{ss}", "verb", "hosts")), *h;
	char *name = NULL;
	size_t i;
	json_array_foreach(json_object_get(answer, "hosts"), i, h)
		if (!name && strcmp(js_text(h, "name"), to) != 0)
			name = strdup(js_text(h, "name"));
	if (answer && !name)
		tool_fail("ping", "no host to ping from; name one with --host, or `outlet up FILE` first");
	json_decref(answer);
	return name;
}

static bool number(const char *s, double min, double max, double *out)
{
	char *end;
	*out = strtod(s, &end);
	return end != s && !*end && *out >= min && *out <= max;
}

static int ping(struct ask *ask, const char *from, const char *to, json_t *q, bool json)
{
	struct ping p = { json, js_int(q, "size") };
	json_object_set_new(q, "host", json_string(from));
	json_object_set_new(q, "to", json_string(to));
	struct live l = { .cmd = "ping", .n = 1, .stream = { { .ask = ask, .piece = show, .ctx = &p } } };
	if (!ask_begin(ask, q) || !live_run(&l))
		return TOOL_FAILED;
	int status = l.stream[0].end ? sum(l.stream[0].end, json) : TOOL_FAILED;
	json_decref(l.stream[0].end);
	return status;
}

static int run(int argc, char **argv)
{
	enum { NET = 256, JSON, HOST };
	static const struct option options[] = { { "net", required_argument, NULL, NET }, { "json", no_argument, NULL, JSON },
		{ "host", required_argument, NULL, HOST }, { "help", no_argument, NULL, 'h' }, { 0 } };
	double count = 4, interval = 1, timeout = 2, size = 56;
	const char *net = NULL, *host = NULL;
	bool json = false, good = true;
	opterr = 0;
	optind = 0;
	for (int c; (c = getopt_long(argc, argv, "hc:i:W:s:", options, NULL)) != -1; ) {
		switch (c) {
		case 'c': good = number(optarg, 1, 1e6, &count); break;
		case 'i': good = number(optarg, 0.001, 3600, &interval); break;
		case 'W': good = number(optarg, 0.001, 3600, &timeout); break;
		case 's': good = number(optarg, 0, 65507, &size); break;
		case NET: net = optarg; break;
		case JSON: json = true; break;
		case HOST: host = optarg; break;
		case 'h':
			fputs(help, stdout);
			return TOOL_OK;
		default:
			return tool_usage("ping", "`%s` is no option here, or lacks its value", argv[optind - 1]);
		}
		if (!good)
			return tool_usage("ping", "`%s` is not a number that -%c takes", optarg, c);
	}
	if (optind + 1 != argc)
		return tool_usage("ping", optind == argc ? "name the host or address to ping" : "one target at a time");
	struct ask ask;
	if (!ask_open(&ask, "ping", net, false))
		return TOOL_FAILED;
	char *from = host ? strdup(host) : some_host(&ask, argv[optind]);
	json_t *q = json_pack("{ss sI sI sI sI}", "verb", "ping", "count", (json_int_t)count, "interval_ms", (json_int_t)(interval * 1000),
			      "timeout_ms", (json_int_t)(timeout * 1000), "size", (json_int_t)size);
	int status = TOOL_FAILED;
	if (from && q)
		status = ping(&ask, from, argv[optind], q, json);
	else
		json_decref(q);
	free(from);
	ask_close(&ask);
	return status;
}

const struct tool_cmd cmd_ping = { "ping", "ICMP echoes from one host to another", run };
