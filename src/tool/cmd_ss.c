/*
 * `outlet ss`: every socket of a network, as ss(8) shows the kernel's, with the host and the program that own it.
 */
#include "tool/ask.h"
#include "tool/table.h"
#include <getopt.h>
#include <string.h>
#include <strings.h>

static const char help[] =
	"Usage: outlet ss [OPTIONS]\n\n"
	"Lists the sockets of a network: state, queues, timer, congestion window, round-trip time, owner.\n\n"
	"  -t, -u, -w       only TCP, UDP, raw sockets\n"
	"  -l               only listening ones\n"
	"  -4, -6           only IPv4, IPv6\n"
	"  --state STATE    only in this state (established, listen, time-wait ...); may be repeated\n"
	"  --port PORT      only with this port at either end\n"
	"  --program NAME   only of this program\n"
	"  --host NAME      only of this host\n"
	"  -v, --verbose    a second line: windows, timers, bytes, retransmissions, congestion control\n"
	"  --net NAME       the network's name, or its file\n"
	"  --json           for machines\n"
	"Queues: bytes received and not yet read; bytes sent or waiting and not yet acknowledged.\n"
	"Of a listener: connections that wait for accept(), and how many may.\n"
	"Exit status: 0, or 1 where there is no such network or host.\n";

enum { MAX_STATES = 16 };
struct filter {
	bool tcp, udp, raw, listening, v4, v6;
	const char *state[MAX_STATES]; unsigned n_states;
	const char *port, *program;
};

static bool same_state(const char *a, const char *b)
{
	for (; *a && *b; a++, b++) {
		char x = *a == '_' ? '-' : *a, y = *b == '_' ? '-' : *b;
		if (strncasecmp(&x, &y, 1) != 0)
			return false;
	}
	return *a == *b;
}

static bool has_port(const char *endpoint, const char *port)
{
	const char *colon = strrchr(endpoint, ':');
	return colon && strcmp(colon + 1, port) == 0;
}

static bool wanted(const json_t *s, const struct filter *f)
{
	const char *type = js_text(s, "type"), *state = js_text(s, "state"), *domain = js_text(s, "domain");
	if ((f->tcp || f->udp || f->raw) && !(f->tcp && strcmp(type, "stream") == 0) && !(f->udp && strcmp(type, "dgram") == 0) &&
	    !(f->raw && strcmp(type, "raw") == 0))
		return false;
	if ((f->v4 && !f->v6 && strcmp(domain, "inet") != 0) || (f->v6 && !f->v4 && strcmp(domain, "inet6") != 0))
		return false;
	if (f->listening && strcmp(state, "LISTEN") != 0)
		return false;
	if (f->port && !has_port(js_text(s, "local"), f->port) && !has_port(js_text(s, "remote"), f->port))
		return false;
	if (f->program && strcmp(f->program, js_text(s, "program")) != 0)
		return false;
	bool any = !f->n_states;
	for (unsigned i = 0; i < f->n_states; i++)
		any |= same_state(f->state[i], state);
	return any;
}

static const char *proto_name(const json_t *s)
{
	static char other[24];
	int64_t proto = js_int(s, "protocol");
	bool six = strcmp(js_text(s, "domain"), "inet6") == 0;
	if (strcmp(js_text(s, "type"), "raw") == 0) {
		snprintf(other, sizeof other, "raw%s/%d", six ? "6" : "", (int)proto);
		return other;
	}
	return strcmp(js_text(s, "type"), "stream") == 0 ? (six ? "tcp6" : "tcp") : (six ? "udp6" : "udp");
}

static void timer_cell(struct table *t, const json_t *s)
{
	const char *timer = js_text(s, "timer");
	const json_t *ms = json_object_get(s, "timer_ms");
	if (!*timer || strcmp(timer, "off") == 0 || !json_is_integer(ms))
		table_cell(t, "-");
	else if (json_integer_value(ms) < 10000)
		table_cell(t, "%s %lld ms", timer, (long long)json_integer_value(ms));
	else
		table_cell(t, "%s %.0f s", timer, (double)json_integer_value(ms) / 1e3);
}

static void owner_cell(struct table *t, const json_t *s)
{
	if (json_is_integer(json_object_get(s, "pid")))
		table_cell(t, "%s/%lld", js_text(s, "program"), (long long)js_int(s, "pid"));
	else
		table_cell(t, "-");
}

static void verbose_note(struct table *t, const json_t *s)
{
	char sent[16], got[16], rto[24], var[24];
	if (!json_object_get(s, "mss"))
		return;
	table_note(t, "      mss %lld, ssthresh %lld, windows %lld out %lld in, rtt varies %s, rto %s, %s bytes sent, %s received, %lld sent again, %s",
		   (long long)js_int(s, "mss"), (long long)js_int(s, "ssthresh"), (long long)js_int(s, "snd_wnd"),
		   (long long)js_int(s, "rcv_wnd"), human_us((double)js_int(s, "rttvar_us"), var), human_us((double)js_int(s, "rto_us"), rto),
		   human_count((unsigned long long)js_int(s, "bytes_sent"), sent), human_count((unsigned long long)js_int(s, "bytes_received"), got),
		   (long long)js_int(s, "retransmits"), js_text(s, "congestion"));
}

static void socket_row(struct table *t, const json_t *s, bool verbose)
{
	char rtt[24];
	bool tcp = js_int(s, "cwnd") > 0;	/* neither listeners nor TIME-WAIT have one */
	if (!table_row(t))
		return;
	table_cell(t, "%s", js_text(s, "host"));
	table_cell(t, "%s", proto_name(s));
	table_cell(t, "%s", js_text(s, "state"));
	table_cell(t, "%lld", (long long)js_int(s, "recv_q"));
	table_cell(t, "%lld", (long long)js_int(s, "send_q"));
	table_cell(t, "%s", js_text(s, "local"));
	table_cell(t, "%s", js_text(s, "remote"));
	timer_cell(t, s);
	table_cell(t, tcp ? "%lld" : "-", (long long)js_int(s, "cwnd"));
	table_cell(t, "%s", tcp && js_int(s, "srtt_us") > 0 ? human_us((double)js_int(s, "srtt_us"), rtt) : "-");
	owner_cell(t, s);
	if (verbose)
		verbose_note(t, s);
}

static int show(json_t *answer, const struct filter *f, bool json, bool verbose)
{
	json_t *list = json_object_get(answer, "sockets"), *s;
	size_t i;
	for (i = json_array_size(list); i-- > 0; )
		if (!wanted(json_array_get(list, i), f))
			json_array_remove(list, i);
	if (json)
		return js_print(answer);
	struct table *t = table_new("HOST,PROTO,STATE,>RECV-Q,>SEND-Q,LOCAL,REMOTE,TIMER,>CWND,>RTT,PROGRAM");
	if (!t)
		return tool_fail("ss", "no memory");
	json_array_foreach(list, i, s)
		socket_row(t, s, verbose);
	table_print(t, false, stdout);
	table_free(t);
	return TOOL_OK;
}

static bool known_state(const char *s)
{
	static const char *const states[] = { "ESTABLISHED", "SYN-SENT", "SYN-RECEIVED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSED",
		"CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING", "UNCONN" };
	for (size_t i = 0; i < sizeof states / sizeof *states; i++)
		if (same_state(s, states[i]))
			return true;
	return false;
}

static int run(int argc, char **argv)
{
	enum { NET = 256, JSON, STATE, PORT, PROGRAM, HOST };
	static const struct option options[] = { { "net", required_argument, NULL, NET }, { "json", no_argument, NULL, JSON },
		{ "state", required_argument, NULL, STATE }, { "port", required_argument, NULL, PORT },
		{ "program", required_argument, NULL, PROGRAM }, { "host", required_argument, NULL, HOST },
		{ "verbose", no_argument, NULL, 'v' }, { "help", no_argument, NULL, 'h' }, { 0 } };
	struct filter f = { 0 };
	const char *net = NULL, *host = NULL;
	bool json = false, verbose = false;
	opterr = 0;
	optind = 0;
	for (int c; (c = getopt_long(argc, argv, "htuwlav46np", options, NULL)) != -1; ) {
		switch (c) {
		case 't': f.tcp = true; break;
		case 'u': f.udp = true; break;
		case 'w': f.raw = true; break;
		case 'l': f.listening = true; break;
		case '4': f.v4 = true; break;
		case '6': f.v6 = true; break;
		case 'a': case 'n': case 'p': break;	/* habits from ss(8): always so here */
		case 'v': verbose = true; break;
		case NET: net = optarg; break;
		case JSON: json = true; break;
		case PORT: f.port = optarg; break;
		case PROGRAM: f.program = optarg; break;
		case HOST: host = optarg; break;
		case STATE:
			if (!known_state(optarg))
				return tool_usage("ss", "there is no state `%s`; one is for example established or time-wait", optarg);
			if (f.n_states < MAX_STATES)
				f.state[f.n_states++] = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return TOOL_OK;
		default:
			return tool_usage("ss", "`%s` is no option here, or lacks its value", argv[optind - 1]);
		}
	}
	if (optind < argc)
		return tool_usage("ss", "`%s` is one word too many", argv[optind]);
	struct ask ask;
	if (!ask_open(&ask, "ss", net, false))
		return TOOL_FAILED;
	json_t *q = json_pack("{ss}", "verb", "ss");
	if (q && host)
		json_object_set_new(q, "host", json_string(host));
	json_t *answer = ask_one(&ask, q);
	int status = answer ? show(answer, &f, json, verbose) : TOOL_FAILED;
	json_decref(answer);
	ask_close(&ask);
	return status;
}

const struct tool_cmd cmd_ss = { "ss", "every socket: state, queues, timers, cwnd, rtt, owner", run };
