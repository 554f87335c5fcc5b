/*
 * path: one measurement over one wire, from a sender to a receiver, each our stack or the Linux kernel.
 *
 *	sender -- our wire: rate, queue, delay, loss, reordering ... both ways -- receiver
 *
 * With our stack at both ends time is virtual and a run of minutes takes moments; with the kernel at either it is real.  The last line
 * of output is the result, as "name=value" words.  What they mean is said by --help.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <outlet/ol_wire.h>
#include "base/check.h"
#include "driver/driver.h"
#include "ends.h"

enum { SEND_PORT, RECV_PORT, BINS = 20000, SEGMENT = 1448 };
#define BIN (100 * OL_US)

static const char help[] =
	"usage: path [options]\n"
	"  --from, --to outlet|linux   the two ends (outlet); linux needs root or user namespaces, and runs in real time\n"
	"  --cc NAME                   the sender's congestion control (cubic)\n"
	"  --seconds S                 how long is sent (10)\n"
	"  --forth, --back FAULTS      what the wire does in each direction, as for `outlet wire`: \"delay=10ms loss=1%\"\n"
	"  --seed N                    of the wire's chance and our stacks' (1)\n"
	"  --flows N, --stagger S      several at once, each beginning S seconds after the one before (our stack only)\n"
	"  --settings LIST             of our stacks: tcp_recovery=0,tcp_pacing=1\n"
	"  --burst N --pause S         N segments every S seconds\n"
	"  --tail K --after B          of the burst that follows B others (3) the last K segments are lost, once\n"
	"Result: bytes and late (in the second half) of each flow; seconds; resent (segments), rto, tlp, undone, dsacked as the sender\n"
	"counted; queue50 and queue95, the queue's delay in ms; of --tail, in ms after the burst's last segment was sent: quiet, when the\n"
	"last ACK of what was not lost came; probe, when something was sent again; whole, when the receiver had acknowledged all.\n";

struct options {
	bool linux_from, linux_to;
	struct plan plan;
	const char *forth, *back;
	uint32_t after, tail;
};

/* The burst whose tail is lost: when its last segment was sent, the last ACK came before the first repetition, and so on. */
struct tail { ol_time last, quiet, probe, whole; };
static struct {
	struct options o;
	struct ol_pool *pool;
	struct ol_wire *wire;
	struct end *end[2];
	bool real;
	ol_time now;
	uint64_t rate;
	/* the queue's delay, weighed by time */
	double bin[BINS], binned;
	ol_time sampled;
	/* bursts */
	bool base_set;
	uint32_t base, high;		/* first byte of text; end of what was sent, relative to it */
	struct tail tail;
} g;

static ol_time clock_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * OL_SEC + t.tv_nsec;
}

/* ---- the tail of a burst ------------------------------------------------------------------------------------------ */
/* A segment of the sender's: notes times; true when it is to be lost. */
static bool sent(const struct ol_pkt *pkt)
{
	struct driver_tcp h;
	if (!g.o.tail || !driver_tcp_find(pkt, &h))
		return false;
	const uint8_t *t = pkt->data + h.tcp;
	if (t[13] & 2) {
		g.base = get32(t + 4) + 1;
		g.base_set = true;
	}
	uint32_t ip_len = get16(pkt->data + h.ip + 2), len = h.ip + ip_len - h.text, at = get32(t + 4) - g.base;
	if (!g.base_set || !len || at > 1u << 30)
		return false;
	uint32_t from = g.o.after * g.o.plan.burst, to = from + g.o.plan.burst;
	bool again = at < g.high;
	g.high = MAX(g.high, at + len);
	if (at < from || at >= to)
		return false;
	if (again) {
		if (!g.tail.probe)
			g.tail.probe = g.now;
		return false;
	}
	g.tail.last = g.now;
	return at + len > to - g.o.tail * SEGMENT;
}

static bool ack_of(const struct ol_pkt *pkt, uint32_t *ack)
{
	struct driver_tcp h;
	if (!g.o.tail || !g.base_set || !driver_tcp_find(pkt, &h))
		return false;
	*ack = get32(pkt->data + h.tcp + 8) - g.base;
	return *ack < 1u << 30;
}

/* An ACK leaves the receiver. */
static void acknowledged(const struct ol_pkt *pkt)
{
	uint32_t ack;
	if (ack_of(pkt, &ack) && ack >= (g.o.after + 1) * g.o.plan.burst && !g.tail.whole)
		g.tail.whole = g.now;
}

/* It reaches the sender. */
static void heard(const struct ol_pkt *pkt)
{
	uint32_t ack;
	if (ack_of(pkt, &ack) && ack > g.o.after * g.o.plan.burst && !g.tail.probe)
		g.tail.quiet = g.now;
}

static double after_last(ol_time t) { return t ? (double)(t - g.tail.last) / 1e6 : -1; }

static void print_tail(void)
{
	printf(" quiet=%.2f probe=%.2f whole=%.2f", after_last(g.tail.quiet), after_last(g.tail.probe), after_last(g.tail.whole));
}

/* ---- the queue ---------------------------------------------------------------------------------------------------- */
static void sample_queue(void)
{
	struct ol_wire_stats st;
	if (!g.rate || g.now == g.sampled)
		return;
	ol_wire_get_stats(g.wire, SEND_PORT, OL_WIRE_IN, &st);
	double delay = (double)st.queued * 1514 * 8 * 1e9 / (double)g.rate;
	double w = (double)(g.now - g.sampled);
	g.bin[(int)MIN(delay / BIN, (double)(BINS - 1))] += w;
	g.binned += w;
	g.sampled = g.now;
}

static double queue_quantile(double q)
{
	double sum = 0;
	for (int i = 0; i < BINS; i++)
		if ((sum += g.bin[i]) >= q * g.binned)
			return i * (double)BIN / 1e6;
	return 0;
}

/* ---- the loop ----------------------------------------------------------------------------------------------------- */
static void from_end(int which)
{
	for (struct ol_pkt *p; (p = end_output(g.end[which], g.now)); ) {
		if (which == SEND_PORT && sent(p)) {
			ol_pkt_free(p);
			continue;
		}
		if (which == RECV_PORT)
			acknowledged(p);
		ol_wire_send(g.wire, (unsigned)which, p, g.now);
	}
}

static bool carry(void)
{
	unsigned port;
	bool any = false;
	sample_queue();
	for (int i = 0; i < 2; i++) {
		end_work(g.end[i], g.now);
		from_end(i);
	}
	for (struct ol_pkt *p; (p = ol_wire_receive(g.wire, g.now, &port)); any = true) {
		if (port == SEND_PORT)
			heard(p);
		end_input(g.end[port], p, g.now);
		from_end((int)port);
	}
	return any;
}

static ol_time next_deadline(void)
{
	return MIN(ol_wire_deadline(g.wire), MIN(end_deadline(g.end[0]), end_deadline(g.end[1])));
}

static void wait_until(ol_time t)
{
	struct pollfd p[2] = { { end_fd(g.end[0]), POLLIN, 0 }, { end_fd(g.end[1]), POLLIN, 0 } };
	ol_time rest = MIN(MAX(t - clock_ns(), 0), 20 * OL_MS);
	ppoll(p, 2, &(struct timespec){ 0, rest }, NULL);
}

static bool run(struct report *from, struct report *to)
{
	ol_time give_up = g.now + g.o.plan.length + g.o.plan.flows * g.o.plan.stagger + 60 * OL_SEC;
	bool a = false, b = false;
	while (!(a && b) && g.now < give_up) {
		while (carry())
			;
		a = a || end_done(g.end[SEND_PORT], from, g.now);
		b = b || end_done(g.end[RECV_PORT], to, g.now);
		ol_time t = next_deadline();
		if (g.real) {
			wait_until(t);
			g.now = MAX(g.now, clock_ns());
		} else {
			CHECK(t > g.now);		/* all is at rest, so what comes next lies ahead */
			g.now = t;
		}
	}
	return a && b;
}

/* ---- the seam of the ends ------------------------------------------------------------------------------------------ */
void end_free(struct end *e) { e->free(e); }
void end_input(struct end *e, struct ol_pkt *pkt, ol_time now) { e->input(e, pkt, now); }
struct ol_pkt *end_output(struct end *e, ol_time now) { return e->output(e, now); }
void end_work(struct end *e, ol_time now) { e->work(e, now); }
ol_time end_deadline(const struct end *e) { return e->deadline(e); }
int end_fd(const struct end *e) { return e->fd; }
bool end_done(struct end *e, struct report *r, ol_time now)
{
	if (e->over)
		*r = e->report;
	return e->over;
}

/* ---- the command -------------------------------------------------------------------------------------------------- */
static int usage(const char *why, const char *what)
{
	fprintf(stderr, "path: %s%s\n%s", why, what, help);
	return 2;
}

static bool number(const char *s, double scale, double max, int64_t *out)
{
	char *end;
	double v = strtod(s, &end) * scale;
	if (end == s || *end || !(v >= 0 && v <= max))
		return false;
	*out = (int64_t)v;
	return true;
}

static int options(struct options *o, int argc, char **argv)
{
	enum { FROM = 1, TO, CC, SECONDS, FORTH, BACK, SEED, FLOWS, STAGGER, SETTINGS, BURST, PAUSE, TAIL, AFTER, HELP };
	static const struct option names[] = {
		{ "from", 1, 0, FROM }, { "to", 1, 0, TO }, { "cc", 1, 0, CC }, { "seconds", 1, 0, SECONDS }, { "forth", 1, 0, FORTH },
		{ "back", 1, 0, BACK }, { "seed", 1, 0, SEED }, { "flows", 1, 0, FLOWS }, { "stagger", 1, 0, STAGGER },
		{ "settings", 1, 0, SETTINGS }, { "burst", 1, 0, BURST }, { "pause", 1, 0, PAUSE }, { "tail", 1, 0, TAIL },
		{ "after", 1, 0, AFTER }, { "help", 0, 0, HELP }, { 0 },
	};
	*o = (struct options){ .plan = { .cc = "cubic", .length = 10 * OL_SEC, .flows = 1, .seed = 1, .pause = OL_SEC }, .after = 3, .forth = "none", .back = "none" };
	for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1; ) {
		int64_t n = 0;
		bool good = true;
		switch (c) {
		case FROM: case TO:
			good = strcmp(optarg, "linux") == 0 || strcmp(optarg, "outlet") == 0;
			*(c == FROM ? &o->linux_from : &o->linux_to) = strcmp(optarg, "linux") == 0;
			break;
		case CC: o->plan.cc = optarg; break;
		case FORTH: o->forth = optarg; break;
		case BACK: o->back = optarg; break;
		case SETTINGS: o->plan.settings = optarg; break;
		case SECONDS: good = number(optarg, 1e9, 1e14, &o->plan.length); break;
		case STAGGER: good = number(optarg, 1e9, 1e13, &o->plan.stagger); break;
		case PAUSE: good = number(optarg, 1e9, 1e12, &o->plan.pause) && o->plan.pause; break;
		case SEED: good = number(optarg, 1, 9e15, &n); o->plan.seed = (uint64_t)n; break;
		case FLOWS: good = number(optarg, 1, FLOWS_MAX, &n) && n; o->plan.flows = (unsigned)n; break;
		case BURST: good = number(optarg, 1, 1000, &n) && n; o->plan.burst = (uint32_t)n * SEGMENT; break;
		case TAIL: good = number(optarg, 1, 1000, &n); o->tail = (uint32_t)n; break;
		case AFTER: good = number(optarg, 1, 1000, &n); o->after = (uint32_t)n; break;
		case HELP: fputs(help, stdout); exit(0);
		default: return usage("", "");
		}
		if (!good)
			return usage("not such a value: ", optarg);
	}
	o->plan.plain = o->tail != 0;
	if (optind < argc)
		return usage("what is this: ", argv[optind]);
	if ((o->linux_from || o->linux_to) && o->plan.flows > 1)
		return usage("several flows need our stack at both ends", "");
	if (o->tail && (!o->plan.burst || o->tail * SEGMENT > o->plan.burst))
		return usage("--tail needs --burst, and no more segments than that", "");
	return 0;
}

static bool faults(unsigned port, const char *text)
{
	struct ol_faults f = { 0 };
	char why[256];
	if (ol_faults_parse(&f, text, why, sizeof why)) {
		fprintf(stderr, "path: %s\n", why);
		return false;
	}
	if (port == SEND_PORT)
		g.rate = f.rate_bps;
	ol_wire_set_faults(g.wire, (int)port, OL_WIRE_IN, &f, g.now);
	return true;
}

static bool open_end(int which, bool is_linux)
{
	const char *why = NULL;
	g.end[which] = is_linux ? end_linux(&g.o.plan, which == SEND_PORT, g.pool, &why)
				: end_outlet(&g.o.plan, which == SEND_PORT, g.pool, g.now);
	if (!g.end[which])
		printf("SKIP: %s\n", why);
	return g.end[which] != NULL;
}

int main(int argc, char **argv)
{
	struct report from = { .rto = 0 }, to = { .rto = 0 };
	int rc = options(&g.o, argc, argv);
	if (rc)
		return rc;
	g.real = g.o.linux_from || g.o.linux_to;
	g.sampled = g.now = g.real ? clock_ns() : OL_SEC;
	/* A late wire is another wire: it goes before ordinary programs.  It sleeps nearly always; where it may not, so be it. */
	if (g.real && sched_setscheduler(0, SCHED_RR, &(struct sched_param){ .sched_priority = 1 }))
		setpriority(PRIO_PROCESS, 0, -15);
	g.pool = ol_pool_new(0);
	g.wire = ol_wire_new(&(struct ol_wire_config){ .link = OL_LINK_ETHER, .ports = 2, .seed = g.o.plan.seed });
	if (!faults(SEND_PORT, g.o.forth) || !faults(RECV_PORT, g.o.back))
		return 2;
	if (!open_end(RECV_PORT, g.o.linux_to) || !open_end(SEND_PORT, g.o.linux_from))
		return 77;
	bool good = run(&from, &to);
	if (!good)
		fprintf(stderr, "path: the ends did not finish\n");
	printf("seconds=%.3f", (double)g.o.plan.length / 1e9);
	for (unsigned i = 0; i < g.o.plan.flows; i++)
		printf(" bytes%u=%llu late%u=%llu", i, (unsigned long long)to.bytes[i], i, (unsigned long long)to.late[i]);
	printf(" resent=%u rto=%u tlp=%u undone=%u dsacked=%u queue50=%.1f queue95=%.1f", from.resent, from.rto, from.tlp, from.undone,
	       from.dsacked, queue_quantile(0.5), queue_quantile(0.95));
	if (g.o.tail)
		print_tail();
	printf("\n");
	end_free(g.end[0]);
	end_free(g.end[1]);
	ol_wire_free(g.wire);
	ol_pool_free(g.pool);
	return good ? 0 : 1;
}
