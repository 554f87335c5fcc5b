/*
 * Our stack on one end of a TAP device, the Linux kernel on the other, in a network namespace of our own:
 *
 *	our sockets -- stack -- memory wire (its faults) -- TAP -- kernel -- ordinary sockets in a child process
 *
 * Bytes in both directions at once, either side connecting, with the wire good and bad, SHA-256 of what was sent held against what
 * arrived; and connections opened and closed by the thousand.
 * tap --help says what else.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <outlet/ol_sock.h>
#include <outlet/ol_tap.h>
#include <outlet/ol_wire.h>
#include "base/check.h"
#include "peer.h"
#include "sha256.h"

enum { STACK_PORT = 0, TAP_PORT = 1, CHUNK = 65536, SILENCE_S = 60 };

struct world {
	struct ol_pool *pool;
	struct ol_stack *stk;
	struct ol_wire *wire;
	struct ol_tap *tap;
	int ifi;
	ol_time moved;			/* when something last came or went: silence means a hang */
};

static struct world w;
static uint8_t buf[CHUNK];

static ol_time now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * OL_SEC + t.tv_nsec;
}

/* ---- the loop ----------------------------------------------------------------------------------------------------- */
static void carry(ol_time now)
{
	struct ol_pkt *p;
	struct ol_pktq together;
	unsigned port;
	ol_pktq_init(&together);
	for (int n = 0; n < 256 && (p = ol_tap_receive(w.tap, now)); n++)
		ol_wire_send(w.wire, TAP_PORT, p, now);
	for (bool more = true; more; ) {
		more = false;
		for (; (p = ol_wire_receive(w.wire, now, &port)); more = true) {
			w.moved = now;
			if (port == TAP_PORT)
				ol_tap_send(w.tap, p);
			else
				ol_pktq_put(&together, p);
		}
		ol_stack_input_batch(w.stk, w.ifi, &together, now);
		ol_stack_expire(w.stk, now);
		for (; (p = ol_stack_output(w.stk, w.ifi, now)); more = true)
			ol_wire_send(w.wire, STACK_PORT, p, now);
	}
}

static void wait_for_something(void)
{
	ol_time a = ol_stack_deadline(w.stk), b = ol_wire_deadline(w.wire), t = (a < b ? a : b) - now_ns();
	struct pollfd p = { ol_tap_fd(w.tap), (short)(POLLIN | (ol_tap_pending(w.tap) ? POLLOUT : 0)), 0 };
	struct timespec ts = { 0, 0 };
	t = t < 0 ? 0 : t > 20 * OL_MS ? 20 * OL_MS : t;	/* the child's report is looked for, too */
	ts.tv_nsec = t;
	ppoll(&p, 1, &ts, NULL);
	if (p.revents & POLLOUT)
		ol_tap_flush(w.tap);
}

static const char *build(const char *faults, bool plain)
{
	static char why[256];
	struct ol_faults f = { 0 };
	struct ol_addr a;
	struct ol_config *cfg = ol_config_new();
	uint8_t seed[16] = "tap test's seed";
	ol_time now = now_ns();
	w = (struct world){ .pool = ol_pool_new(0), .moved = now };
	if (ol_faults_parse(&f, faults, why, sizeof why))
		return why;
	if (ol_tap_open(&w.tap, &(struct ol_tap_config){ .name = "oltap0", .plain = plain, .pool = w.pool }, why, sizeof why))
		return why;
	if (netns_configure("oltap0", KERNEL_ADDR, 1500))
		return "the kernel's end of the TAP device does not take its address";
	ol_config_seed(cfg, seed);
	w.stk = ol_stack_new(cfg, w.pool, now);
	ol_config_free(cfg);
	w.wire = ol_wire_new(&(struct ol_wire_config){ .link = OL_LINK_ETHER, .ports = 2, .strict = plain, .seed = 7 });
	ol_wire_set_faults(w.wire, OL_WIRE_ALL_PORTS, OL_WIRE_IN, &f, now);
	struct ol_iface_config ic = { .name = "eth0", .link = OL_LINK_ETHER, .features = ol_wire_features(w.wire),
		.mac = { { 2, 0, 0, 0, 0, 2 } } };
	w.ifi = ol_iface_add(w.stk, &ic);
	ol_addr_parse(OUR_ADDR, &a);
	return w.ifi > 0 && ol_addr_add(w.stk, w.ifi, &a, 24) == 0 ? NULL : "the stack does not take its interface";
}

static void unbuild(void)
{
	ol_stack_free(w.stk);
	ol_wire_free(w.wire);
	ol_tap_close(w.tap);
	ol_pool_free(w.pool);
}

/* ---- our sockets -------------------------------------------------------------------------------------------------- */
static ol_sock our_listener(uint16_t port, ol_time now)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	ol_sock s = ol_socket(w.stk, AF_INET, SOCK_STREAM, 0, now);
	if (s < 0 || ol_bind(w.stk, s, (struct sockaddr *)&in, sizeof in, now) || ol_listen(w.stk, s, 1024, now))
		return -1;
	return s;
}

static ol_sock our_connect(uint16_t port, ol_time now)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	inet_pton(AF_INET, KERNEL_ADDR, &in.sin_addr);
	ol_sock s = ol_socket(w.stk, AF_INET, SOCK_STREAM, 0, now);
	if (s < 0)
		return s;
	int rc = ol_connect(w.stk, s, (struct sockaddr *)&in, sizeof in, now);
	return rc && rc != -EINPROGRESS ? rc : s;
}

struct stream { ol_sock listener, s; uint64_t bytes, n_sent, n_got; struct sha256 out, in; bool shut, eof; int err; };

static void pump_out(struct stream *t, ol_time now)
{
	while (t->n_sent < t->bytes) {
		uint64_t run;
		const uint8_t *b = pattern(t->n_sent, &run);
		run = run < t->bytes - t->n_sent ? run : t->bytes - t->n_sent;
		ssize_t n = ol_send(w.stk, t->s, b, run < CHUNK ? run : CHUNK, 0, now);
		if (n < 0) {
			t->err = n == -EAGAIN ? t->err : (int)n;
			return;
		}
		sha256_add(&t->out, b, (size_t)n);
		t->n_sent += (uint64_t)n;
	}
	if (!t->shut) {
		t->shut = true;
		t->err = ol_shutdown(w.stk, t->s, SHUT_WR, now);
	}
}

static void pump_in(struct stream *t, ol_time now)
{
	for (ssize_t n; !t->eof; t->n_got += (uint64_t)n) {
		n = ol_recv(w.stk, t->s, buf, sizeof buf, 0, now);
		if (n < 0) {
			t->err = n == -EAGAIN ? t->err : (int)n;
			return;
		}
		t->eof = n == 0;
		sha256_add(&t->in, buf, (size_t)n);
	}
}

static void pump(struct stream *t, ol_time now)
{
	struct ol_event ev;
	int err = 0;
	socklen_t len = sizeof err;
	while (ol_event_next(w.stk, &ev))
		;
	if (t->s < 0 && t->listener >= 0)
		t->s = ol_accept(w.stk, t->listener, NULL, NULL, now);
	if (t->s < 0 || !(ol_poll(w.stk, t->s) & (OL_EV_OUT | OL_EV_IN | OL_EV_ERR | OL_EV_HUP)))
		return;
	if (ol_poll(w.stk, t->s) & OL_EV_ERR && ol_getsockopt(w.stk, t->s, SOL_SOCKET, SO_ERROR, &err, &len, now) == 0 && err)
		t->err = -err;
	if (!t->err)
		pump_in(t, now);
	if (!t->err)
		pump_out(t, now);
}

/* ---- streams ------------------------------------------------------------------------------------------------------ */
static bool same(struct stream *t, const struct sums *r)
{
	uint8_t out[32], in[32];
	sha256_end(&t->out, out);
	sha256_end(&t->in, in);
	return t->n_sent == r->n_got && t->n_got == r->n_sent && memcmp(out, r->got, 32) == 0 && memcmp(in, r->sent, 32) == 0;
}

static bool stream_case(const char *faults, bool we_connect, bool plain, uint64_t bytes)
{
	struct sums r = { 0 };
	const char *no = build(faults, plain);
	if (no) {
		printf("FAIL %s\n", no);
		return false;
	}
	ol_time began = now_ns();
	struct stream t = { .listener = -1, .s = -1, .bytes = bytes };
	sha256_init(&t.out);
	sha256_init(&t.in);
	if (!we_connect)
		t.listener = our_listener(80, began);
	struct peer peer = peer_stream(!we_connect, 80, bytes);
	if (we_connect)
		t.s = our_connect(80, now_ns());
	bool done = false;
	while (!t.err && !(done && t.eof && t.shut) && now_ns() - w.moved < SILENCE_S * OL_SEC) {
		ol_time now = now_ns();
		carry(now);
		pump(&t, now);
		carry(now);
		done = done || peer_done(&peer, &r);
		wait_for_something();
	}
	double s = (double)(now_ns() - began) / 1e9;
	bool good = done && !r.err && !t.err && same(&t, &r);
	printf("%s %-13s %-8s %-47s %llu + %llu bytes in %.1f s, %.0f Mbit/s", good ? "ok  " : "FAIL", we_connect ? "we connect" : "Linux connects",
	       plain ? "plain" : "offloads", faults, (unsigned long long)t.n_sent, (unsigned long long)t.n_got, s,
	       (double)(t.n_sent + t.n_got) * 8 / s / 1e6);
	if (!good)
		printf(": %s; ours: %s; theirs: %s", done ? "the sums or lengths differ, or an error" : "it hangs", strerror(-t.err), strerror(-r.err));
	printf("\n");
	peer_kill(&peer);
	unbuild();
	return good;
}

/* ---- connections by the thousand ---------------------------------------------------------------------------------- */
enum { AT_ONCE = 8, MAX_OPEN = 64 };
struct conn { ol_sock s; bool sent; };
struct conns { struct conn c[MAX_OPEN]; unsigned open, begun, finished, n; ol_sock listener; bool active; int err; };

static void close_conn(struct conns *k, unsigned i, ol_time now)
{
	ol_close(w.stk, k->c[i].s, now);
	k->c[i] = k->c[--k->open];
	k->finished++;
}

/* True: it is over and another stands in its place. */
static bool step_conn(struct conns *k, unsigned i, ol_time now)
{
	struct conn *c = &k->c[i];
	char ch = 'x';
	unsigned ready = ol_poll(w.stk, c->s);
	if (ready & OL_EV_ERR) {
		int err = 0;
		socklen_t len = sizeof err;
		ol_getsockopt(w.stk, c->s, SOL_SOCKET, SO_ERROR, &err, &len, now);
		k->err = -err;
		return false;
	}
	if (k->active && !c->sent && ready & OL_EV_OUT)
		c->sent = ol_send(w.stk, c->s, &ch, 1, 0, now) == 1;
	if (!(ready & OL_EV_IN))
		return false;
	ssize_t n = ol_recv(w.stk, c->s, &ch, 1, 0, now);
	if (n == 1 && !k->active && !c->sent) {
		c->sent = ol_send(w.stk, c->s, &ch, 1, 0, now) == 1;
		return false;
	}
	if (n < 0 && n != -EAGAIN)
		k->err = (int)n;
	bool over = k->active ? n == 1 : n == 0;
	if (over)
		close_conn(k, i, now);
	return over;
}

static void step_conns(struct conns *k, ol_time now)
{
	struct ol_event ev;
	while (ol_event_next(w.stk, &ev))
		;
	while (!k->err && k->open < MAX_OPEN && k->begun < k->n) {
		ol_sock s = -EAGAIN;
		if (!k->active)
			s = ol_accept(w.stk, k->listener, NULL, NULL, now);
		else if (k->open < AT_ONCE)
			s = our_connect(81, now);
		if (s < 0) {
			k->err = s == -EAGAIN ? 0 : s;
			break;
		}
		k->c[k->open++] = (struct conn){ .s = s };
		k->begun++;
	}
	for (unsigned i = 0; i < k->open && !k->err; )
		i += !step_conn(k, i, now);
}

static unsigned left_over(void)
{
	struct ol_sock_info info;
	uint64_t cursor = 0;
	unsigned n = 0;
	while (ol_sock_next(w.stk, &cursor, &info, now_ns()))
		n += info.state != OL_TCP_TIME_WAIT && info.state != OL_TCP_LISTEN;
	return n;
}

static bool conns_case(const char *faults, bool we_connect, unsigned n)
{
	struct sums r = { 0 };
	const char *no = build(faults, false);
	if (no) {
		printf("FAIL %s\n", no);
		return false;
	}
	ol_time began = now_ns(), closed = 0;
	struct conns k = { .n = n, .active = we_connect, .listener = -1 };
	if (!we_connect)
		k.listener = our_listener(81, began);
	struct peer peer = peer_conns(!we_connect, 81, n, we_connect ? 2 * AT_ONCE : AT_ONCE);
	bool done = false;
	/* and then, at most 5 s, until the last FINs have been acknowledged */
	while (!k.err && now_ns() - w.moved < SILENCE_S * OL_SEC && !(closed && (!left_over() || now_ns() - closed > 5 * OL_SEC))) {
		ol_time now = now_ns();
		carry(now);
		step_conns(&k, now);
		carry(now);
		done = done || peer_done(&peer, &r);
		if (done && k.finished == n && !closed)
			closed = now;
		wait_for_something();
	}
	double s = (double)(now_ns() - began) / 1e9;
	unsigned left = left_over();
	bool good = done && !r.err && !k.err && k.finished == n && left == 0;
	printf("%s %-13s connections %-47s %u opened and closed in %.1f s, %.0f a second", good ? "ok  " : "FAIL",
	       we_connect ? "we connect" : "Linux connects", faults, k.finished, s, k.finished / s);
	if (!good)
		printf(": ours: %s; theirs: %s; %u left over", strerror(-k.err), strerror(-r.err), left);
	printf("\n");
	peer_kill(&peer);
	unbuild();
	return good;
}

/* ---- all of it ---------------------------------------------------------------------------------------------------- */
static const char bad[] = "loss=1% dup=0.5% reorder=1%/300us delay=100us", worse[] = "loss=5% dup=1% reorder=2%/300us delay=100us";
static const struct { const char *name, *faults; bool we, plain, conns; } cases[] = {
	{ "clean", "none" }, { "clean-we", "none", .we = true },
	{ "bad", bad }, { "bad-we", bad, .we = true },
	{ "worse", worse }, { "worse-we", worse, .we = true },
	{ "plain", "none", .plain = true }, { "plain-we", "none", .we = true, .plain = true },
	{ "conns", "none", .conns = true }, { "conns-we", "none", .we = true, .conns = true },
	{ "conns-bad", bad, .we = true, .conns = true },
};

static int usage(int status)
{
	fprintf(status ? stderr : stdout, "usage: tap [--full] [--bytes N] [--conns N] [CASE...]\n"
		"  --full      1 GiB each way and 10,000 connections, in place of 8 MiB and 300\n"
		"  --bytes N   so many each way (2 MiB where the loss is 5 %%, unless --full or --bytes)\n"
		"  --conns N   so many connections\n"
		"Ends with 0 if all was right, 1 if not, 77 if it cannot run here (and says why).  Cases (-we: our side connects; all of them):\n ");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		fprintf(status ? stderr : stdout, " %s", cases[i].name);
	fprintf(status ? stderr : stdout, "\n");
	return status;
}

static int skip(const char *why)
{
	printf("SKIP: %s\n", why);
	return 77;
}

static bool named(const char *name, char **names, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return n == 0;
}

static bool number(const char *text, uint64_t most, uint64_t *n)
{
	char *end;
	errno = 0;
	*n = strtoull(text, &end, 0);
	return *text >= '0' && *text <= '9' && !*end && !errno && *n > 0 && *n <= most;
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = { { "full", 0, 0, 'f' }, { "bytes", 1, 0, 'b' }, { "conns", 1, 0, 'c' }, { "help", 0, 0, 'h' }, { 0 } };
	uint64_t bytes = 0, conns = 0;
	bool full = false, good = true;
	for (int c; (c = getopt_long(argc, argv, "", long_options, NULL)) != -1; )
		if (c == 'f')
			full = true;
		else if (c == 'h')
			return usage(0);
		else if (!(c == 'b' && number(optarg, UINT64_C(1) << 40, &bytes)) && !(c == 'c' && number(optarg, 1000000, &conns)))
			return usage(2);
	char **names = argv + optind;
	for (int i = 0; i < argc - optind; i++) {
		bool known = false;
		for (size_t k = 0; k < ARRAY_LEN(cases); k++)
			known |= strcmp(cases[k].name, names[i]) == 0;
		if (!known)
			return usage(2);
	}
	struct ol_tap *probe;
	char why[256];
	setvbuf(stdout, NULL, _IOLBF, 0);
	const char *no = netns_enter();
	if (no)
		return skip(no);
	if (ol_tap_open(&probe, &(struct ol_tap_config){ .name = "oltap0" }, why, sizeof why))
		return skip(why);
	ol_tap_close(probe);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t little = cases[i].faults == worse ? UINT64_C(2) << 20 : UINT64_C(8) << 20;
		if (!named(cases[i].name, names, argc - optind))
			continue;
		good &= cases[i].conns
			? conns_case(cases[i].faults, cases[i].we, (unsigned)(conns ? conns : full ? 10000 : 300))
			: stream_case(cases[i].faults, cases[i].we, cases[i].plain, bytes ? bytes : full ? UINT64_C(1) << 30 : little);
	}
	return good ? 0 : 1;
}
