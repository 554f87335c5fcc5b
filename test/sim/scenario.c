/*
 * What is simulated: two hosts on a bad wire, many connections through a switch, ways across routers, ends that break off,
 * cables that are pulled.  Everything not fixed in a scenario is drawn from the seed: faults, sizes, family, manners.
 */
#include "scenario.h"
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "flow.h"
#include "scenario_int.h"

enum { PORT = SCENARIO_PORT };
#define LIMIT (2 * 3600 * OL_SEC)		/* of virtual time: what is not over by then hangs */
#define AFTERWARDS (1500 * OL_SEC)		/* TIME-WAIT, neighbours, and an orphan's nine waits of at most two minutes */

static struct scenario_result result;		/* of the scenario that runs; a program runs one at a time */

/*
 * One draw to a statement, or a declarator: the order of a call's arguments is the compiler's, and the same seed must be the same run
 * whoever compiled it.
 */
static uint32_t draw(struct sim *s, uint32_t below) { return rng_below(sim_rng(s), below); }

/* ---- ending ------------------------------------------------------------------------------------------------------- */
static void all_gone(struct sim *s, int hosts)
{
	for (int i = 0; i < hosts; i++) {
		struct ol_sock_info info;
		uint64_t cursor = 0;
		while (ol_sock_next(sim_stack(s, i), &cursor, &info, sim_now(s)))
			if (info.type == SOCK_STREAM)
				sim_fail(s, "host %d still has a socket in %s", i, ol_tcp_state_name(info.state));
	}
}

void scenario_finish(struct sim *s, struct flows *f, int hosts)
{
	sim_run(s, flows_done(f), sim_now(s) + LIMIT);
	result.took = sim_now(s);
	flows_finish(f);
	sim_run(s, NULL, sim_now(s) + AFTERWARDS);
	all_gone(s, hosts);
	struct flows_sum sum = flows_sum(f);
	result.bytes = sum.bytes;
	result.flows = sum.flows;
	result.broken = sum.broken;
	flows_free(f);
}

/* ---- two hosts, one wire ------------------------------------------------------------------------------------------ */
struct pair { int a, b, wire; const char *b_addr; };

static struct pair make_pair(struct sim *s, bool strict, bool ip6, const char *config)
{
	struct pair p = { .a = sim_host(s, "a", config), .b = sim_host(s, "b", config) };
	p.wire = sim_wire(s, &(struct ol_wire_config){ .link = OL_LINK_ETHER, .ports = 2, .strict = strict });
	sim_plug(s, p.a, p.wire, ip6 ? "fd00::1/64" : "10.0.0.1/24", 0);
	sim_plug(s, p.b, p.wire, ip6 ? "fd00::2/64" : "10.0.0.2/24", 0);
	p.b_addr = ip6 ? "fd00::2" : "10.0.0.2";
	return p;
}

struct span { uint32_t least, below; };		/* a size: least + something below `below` */
static void bulk(struct sim *s, struct pair p, struct span up_span, struct span down_span, bool may_fail)
{
	uint64_t up = up_span.least + draw(s, up_span.below), down = down_span.least + draw(s, down_span.below);
	struct flows *f = flows_new(s);
	flow_listen(f, p.b, strchr(p.b_addr, ':') ? "::" : "0.0.0.0", PORT, 16);
	flow_add(f, &(struct flow_spec){ .client = p.a, .server = p.b, .addr = p.b_addr, .port = PORT, .up = up, .down = down,
		.key = rng_u64(sim_rng(s)), .slow_reader = draw(s, 8) == 0, .slow_writer = draw(s, 8) == 0, .may_fail = may_fail,
		.client_by = draw(s, 2) ? FLOW_SHUTDOWN : FLOW_CLOSE, .server_by = draw(s, 2) ? FLOW_SHUTDOWN : FLOW_CLOSE });
	scenario_finish(s, f, 2);
}

/* Faults of every kind, each there or not, as bad as `worst` per cent allows. */
static void draw_faults(struct sim *s, int wire, int port)
{
	char text[256];
	struct rng *r = sim_rng(s);
	unsigned loss = draw(s, 2) ? draw(s, 500) : 0, dup = draw(s, 2) ? draw(s, 200) : 0, late = draw(s, 2) ? draw(s, 1000) : 0;
	unsigned bad = draw(s, 2) ? draw(s, 100) : 0, delay = draw(s, 60000), jitter = draw(s, 2) ? draw(s, delay + 1) : 0;
	unsigned late_by = 1 + draw(s, 30000);
	bool unordered = rng_chance(r, 0.3);
	snprintf(text, sizeof text, "loss=%u.%02u%% dup=%u.%02u%% corrupt=%u.%02u%% delay=%uus jitter=%uus reorder=%u.%02u%%/%uus%s",
		 loss / 100, loss % 100, dup / 100, dup % 100, bad / 100, bad % 100, delay, jitter, late / 100, late % 100,
		 late_by, unordered ? " unordered" : "");
	sim_faults(s, wire, port, text);
	if (rng_chance(r, 0.3)) {
		struct ol_faults f;
		ol_wire_get_faults(sim_wire_get(s, wire), port, OL_WIRE_IN, &f);
		f.rate_bps = 1000000u * (1 + draw(s, 100));
		f.queue_packets = 5 + draw(s, 200);
		f.codel = rng_chance(r, 0.5);
		ol_wire_set_faults(sim_wire_get(s, wire), port, OL_WIRE_IN, &f, sim_now(s));
	}
}

static void tcp_clean(struct sim *s)
{
	bool strict = draw(s, 2), v6 = draw(s, 2);
	struct pair p = make_pair(s, strict, v6, NULL);
	sim_faults(s, p.wire, OL_WIRE_ALL_PORTS, "delay=5ms");
	bulk(s, p, (struct span){ 9, 4000000 }, (struct span){ 0, 4000000 }, false);
}

static void tcp_bulk(struct sim *s)
{
	bool strict = draw(s, 4) != 0, v6 = draw(s, 3) == 0;
	struct pair p = make_pair(s, strict, v6, NULL);
	sim_introduce_all(s);
	draw_faults(s, p.wire, 0);
	draw_faults(s, p.wire, 1);
	bulk(s, p, (struct span){ 8, 400000 }, (struct span){ 0, 400000 }, false);
}

/* Everything at once, as the conditions of acceptance ask. */
static void tcp_storm(struct sim *s)
{
	struct pair p = make_pair(s, true, draw(s, 3) == 0, NULL);
	sim_introduce_all(s);
	sim_faults(s, p.wire, OL_WIRE_ALL_PORTS, "loss=5% dup=2% corrupt=1% delay=10ms jitter=3ms reorder=5%/8ms");
	bulk(s, p, (struct span){ 100000, 200000 }, (struct span){ 100000, 200000 }, false);
}

/*
 * 1 % of loss and 2 ms there and back: RFC 5681's response function alone gives some 70 Mbit/s each way.  A tenth of that is asked, so
 * that what fails is a connection that stood still, not one that was unlucky.
 */
static void tcp_pace(struct sim *s)
{
	enum { BYTES = 4000000 };
	struct pair p = make_pair(s, true, draw(s, 2), NULL);
	sim_introduce_all(s);
	sim_faults(s, p.wire, OL_WIRE_ALL_PORTS, "loss=1% dup=0.5% delay=1ms reorder=1%/2ms");
	struct flows *f = flows_new(s);
	flow_listen(f, p.b, strchr(p.b_addr, ':') ? "::" : "0.0.0.0", PORT, 16);
	flow_add(f, &(struct flow_spec){ .client = p.a, .server = p.b, .addr = p.b_addr, .port = PORT, .up = BYTES, .down = BYTES,
		.key = rng_u64(sim_rng(s)) });
	scenario_finish(s, f, 2);
	SIM_CHECK(s, result.took < BYTES * INT64_C(8) * OL_SEC / 7000000);
}

/* Losses without damage, for captures that must be without a fault. */
static void tcp_loss(struct sim *s)
{
	bool strict = draw(s, 2), v6 = draw(s, 2);
	struct pair p = make_pair(s, strict, v6, NULL);
	sim_faults(s, p.wire, OL_WIRE_ALL_PORTS, "loss=2% dup=1% delay=10ms reorder=2%/5ms");
	bulk(s, p, (struct span){ 100000, 100000 }, (struct span){ 100000, 100000 }, false);
}

static void tcp_burst(struct sim *s)
{
	struct pair p = make_pair(s, true, draw(s, 2), NULL);
	sim_faults(s, p.wire, OL_WIRE_ALL_PORTS, "burst=1%/20% delay=15ms rate=20mbit queue=50");
	/* eight retransmissions in one burst: it may give up */
	bulk(s, p, (struct span){ 8, 300000 }, (struct span){ 0, 300000 }, true);
}

/* ---- a pulled cable ----------------------------------------------------------------------------------------------- */
struct puller { struct sim_app app; int wire; bool cut; unsigned left; };

static void pull(struct sim_app *app, ol_time now)
{
	struct puller *p = (struct puller *)(void *)app;
	p->cut = !p->cut;
	sim_faults(app->sim, p->wire, OL_WIRE_ALL_PORTS, p->cut ? "delay=20ms cut" : "delay=20ms");
	if (p->cut || p->left-- > 0)
		app->wake = now + (ol_time)draw(app->sim, 5000) * OL_MS + OL_MS;
}

/* Seconds without a wire, several times: TCP comes back by itself. */
static void tcp_cut(struct sim *s)
{
	struct pair p = make_pair(s, true, draw(s, 2), NULL);
	struct puller puller = { .app.run = pull, .wire = p.wire, .left = draw(s, 4) };
	sim_faults(s, p.wire, OL_WIRE_ALL_PORTS, "delay=20ms");
	sim_app_add(s, &puller.app, (ol_time)draw(s, 500) * OL_MS + 1);
	bulk(s, p, (struct span){ 8, 2000000 }, (struct span){ 0, 2000000 }, false);
	sim_app_del(s, &puller.app);
}

/* ---- many connections --------------------------------------------------------------------------------------------- */
static struct flow_spec small_flow(struct sim *s, int client, int server, const char *addr)
{
	return (struct flow_spec){ .client = client, .server = server, .addr = addr, .port = PORT, .up = 8 + draw(s, 20000),
		.down = draw(s, 20000), .key = rng_u64(sim_rng(s)), .start = sim_now(s) + 1 + (ol_time)draw(s, 3000) * OL_MS,
		.slow_reader = draw(s, 6) == 0, .slow_writer = draw(s, 6) == 0,
		.client_by = draw(s, 2) ? FLOW_SHUTDOWN : FLOW_CLOSE, .server_by = draw(s, 2) ? FLOW_SHUTDOWN : FLOW_CLOSE };
}

/* Five hosts on a switch, each with each. */
static void many(struct sim *s, unsigned flows, int backlog, bool breaking, bool fast)
{
	enum { HOSTS = 5 };
	static const char *const prefix[HOSTS] = { "10.0.0.1/24", "10.0.0.2/24", "10.0.0.3/24", "10.0.0.4/24", "10.0.0.5/24" };
	static const char *const addr[HOSTS] = { "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5" };
	struct flows *f = flows_new(s);
	int w = sim_wire(s, &(struct ol_wire_config){ .link = OL_LINK_ETHER, .ports = HOSTS, .strict = draw(s, 2) });
	for (int i = 0; i < HOSTS; i++) {
		char name[8];
		snprintf(name, sizeof name, "h%d", i + 1);
		int h = sim_host(s, name, fast ? "tcp_fastopen=0x403" : NULL);
		sim_plug(s, h, w, prefix[i], 0);
		flow_listen(f, h, "0.0.0.0", PORT, backlog);
		if (draw(s, 3))
			draw_faults(s, w, i);
	}
	sim_introduce_all(s);
	for (unsigned i = 0; i < flows; i++) {
		int a = (int)draw(s, HOSTS), b = (int)draw(s, HOSTS);	/* also to itself, over lo */
		struct flow_spec spec = small_flow(s, a, b, addr[b]);
		spec.may_fail = backlog < 64;
		if (breaking) {
			spec.client_by = (enum flow_end_by)draw(s, 4);
			spec.server_by = (enum flow_end_by)draw(s, 4);
		}
		spec.fast = fast && draw(s, 5);
		flow_add(f, &spec);
	}
	scenario_finish(s, f, HOSTS);
}

static void tcp_many(struct sim *s) { many(s, 60, 128, false, false); }
static void tcp_mix(struct sim *s) { many(s, 60, 128, true, false); }
static void tcp_fast(struct sim *s) { many(s, 60, draw(s, 3) ? 128 : 1 + (int)draw(s, 4), draw(s, 2), true); }

/*
 * Listeners that are overrun answer with SYN cookies (RFC 4987 3.6), which know nothing of a segment that overtook the handshake's
 * last: such a connection may be reset, and its program is told.
 */
static void tcp_crowd(struct sim *s) { many(s, 150, 1 + (int)draw(s, 4), false, false); }

/* ---- routers ------------------------------------------------------------------------------------------------------ */
/*
 *	a -- r1 -- r2 -- b	the middle wire may have a smaller MTU, so that path MTU discovery has something to find
 */
static void routers(struct sim *s)
{
	struct flows *f = flows_new(s);
	int a = sim_host(s, "a", NULL), r1 = sim_host(s, "r1", "ip_forward=1"), r2 = sim_host(s, "r2", "ip_forward=1");
	int b = sim_host(s, "b", NULL), w[3];
	uint32_t mtu = draw(s, 2) ? 600 + draw(s, 900) : 0;
	for (int i = 0; i < 3; i++)
		w[i] = sim_wire(s, &(struct ol_wire_config){ .link = OL_LINK_ETHER, .ports = 2, .strict = draw(s, 2), .mtu = i == 1 ? mtu : 0 });
	sim_plug(s, a, w[0], "10.0.1.1/24", 0);
	sim_plug(s, r1, w[0], "10.0.1.254/24", 0);
	sim_plug(s, r1, w[1], "10.0.2.1/24", 0);
	sim_plug(s, r2, w[1], "10.0.2.2/24", 0);
	sim_plug(s, r2, w[2], "10.0.3.254/24", 0);
	sim_plug(s, b, w[2], "10.0.3.1/24", 0);
	sim_route(s, a, "0.0.0.0/0", "10.0.1.254");
	sim_route(s, r1, "10.0.3.0/24", "10.0.2.2");
	sim_route(s, r2, "10.0.1.0/24", "10.0.2.1");
	sim_route(s, b, "0.0.0.0/0", "10.0.3.254");
	sim_introduce_all(s);
	for (int i = 0; i < 3; i++)
		if (draw(s, 2))
			draw_faults(s, w[i], OL_WIRE_ALL_PORTS);
	flow_listen(f, b, "0.0.0.0", PORT, 16);
	for (int i = 0; i < 5; i++) {
		struct flow_spec spec = small_flow(s, a, b, "10.0.3.1");
		spec.up += draw(s, 200000);
		flow_add(f, &spec);
	}
	scenario_finish(s, f, 4);
}

/*
 * The same way, but the wire in the middle is narrower than the routers believe (a tunnel, say), drops what does not fit, and nobody is
 * told: RFC 2923 2.1's black hole.  Without RFC 4821 not one of these transfers ends.
 */
static void black_hole(struct sim *s)
{
	struct flows *f = flows_new(s);
	bool ip6 = draw(s, 2);
	uint32_t mtu = ip6 ? 1280 + draw(s, 200) : 600 + draw(s, 880);
	static const char *const set[] = { NULL, "tcp_mtu_probing=2", "tcp_mtu_probing=2,tcp_base_mss=512" };
	const char *how = set[draw(s, ARRAY_LEN(set))];
	int a = sim_host(s, "a", how), r1 = sim_host(s, "r1", "ip_forward=1,forwarding=1");
	int r2 = sim_host(s, "r2", "ip_forward=1,forwarding=1"), b = sim_host(s, "b", how), w[3];
	for (int i = 0; i < 3; i++) {
		w[i] = sim_wire(s, &(struct ol_wire_config){ .link = OL_LINK_ETHER, .ports = 2, .strict = true, .mtu = i == 1 ? mtu : 0 });
		sim_faults(s, w[i], OL_WIRE_ALL_PORTS, draw(s, 2) ? "delay=5ms" : "delay=5ms loss=0.2% reorder=1%/3ms");
	}
	sim_plug(s, a, w[0], ip6 ? "fd01::1/64" : "10.0.1.1/24", 0);
	sim_plug(s, r1, w[0], ip6 ? "fd01::fe/64" : "10.0.1.254/24", 0);
	sim_plug(s, r1, w[1], ip6 ? "fd02::1/64" : "10.0.2.1/24", 1500);
	sim_plug(s, r2, w[1], ip6 ? "fd02::2/64" : "10.0.2.2/24", 1500);
	sim_plug(s, r2, w[2], ip6 ? "fd03::fe/64" : "10.0.3.254/24", 0);
	sim_plug(s, b, w[2], ip6 ? "fd03::1/64" : "10.0.3.1/24", 0);
	sim_route(s, a, ip6 ? "::/0" : "0.0.0.0/0", ip6 ? "fd01::fe" : "10.0.1.254");
	sim_route(s, r1, ip6 ? "fd03::/64" : "10.0.3.0/24", ip6 ? "fd02::2" : "10.0.2.2");
	sim_route(s, r2, ip6 ? "fd01::/64" : "10.0.1.0/24", ip6 ? "fd02::1" : "10.0.2.1");
	sim_route(s, b, ip6 ? "::/0" : "0.0.0.0/0", ip6 ? "fd03::fe" : "10.0.3.254");
	sim_introduce_all(s);
	flow_listen(f, b, ip6 ? "::" : "0.0.0.0", PORT, 16);
	for (int i = 0; i < 3; i++)
		flow_add(f, &(struct flow_spec){ .client = a, .server = b, .addr = ip6 ? "fd03::1" : "10.0.3.1", .port = PORT,
			.up = 100000 + draw(s, 400000), .down = 100000 + draw(s, 400000), .key = rng_u64(sim_rng(s)) });
	scenario_finish(s, f, 4);
	/*
	 * Where a SYN had to be sent again the RTO begins at 3 s (RFC 6298 5.7).  The base MSS is tried at the fourth timeout and half of it at
	 * the fifth, so a side may stand still for 3 + 6 + 12 + 25 + 50 s, and the other side's turn comes when the first has got through.
	 */
	SIM_CHECK(s, result.took < 240 * OL_SEC);
}

/* ---- datagrams ---------------------------------------------------------------------------------------------------- */
enum { DATAGRAMS = 400 };
struct udp { struct sim_app app; int host; ol_sock s; unsigned n, got; uint16_t len[DATAGRAMS]; uint8_t seen[DATAGRAMS]; bool done; };

static void datagram(unsigned n, uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(n * 31 + i * 7);
	p[0] = (uint8_t)n;
	p[1] = (uint8_t)(n >> 8);
}

static void udp_send(struct sim_app *app, ol_time now)
{
	struct udp *u = (struct udp *)(void *)app;
	uint8_t buf[9000];
	if (u->n == DATAGRAMS) {
		u->done = true;
		return;
	}
	datagram(u->n, buf, u->len[u->n]);
	ssize_t rc = ol_send(sim_stack(app->sim, u->host), u->s, buf, u->len[u->n], 0, now);
	SIM_CHECK(app->sim, rc == u->len[u->n] || rc == -ECONNREFUSED || rc == -EAGAIN);
	u->n++;
	app->wake = now + 1 + (ol_time)draw(app->sim, 20 * OL_MS);
}

static void udp_recv(struct sim_app *app, ol_time now)
{
	struct udp *u = (struct udp *)(void *)app;
	uint8_t buf[10000], want[9000];
	for (ssize_t n; (n = ol_recv(sim_stack(app->sim, u->host), u->s, buf, sizeof buf, 0, now)) >= 0; u->got++) {
		SIM_CHECK(app->sim, n >= 2);
		unsigned i = buf[0] | (unsigned)buf[1] << 8;
		SIM_CHECK(app->sim, i < DATAGRAMS && n == u->len[i]);
		datagram(i, want, (size_t)n);
		SIM_CHECK(app->sim, memcmp(buf, want, (size_t)n) == 0);
		SIM_CHECK(app->sim, ++u->seen[i] <= 2);		/* the wire repeats a packet once */
	}
}

/*
 * Datagrams of up to 9000 bytes, so fragments too: whole, right and at most repeated, or lost.  Fragments or damage, not both: one
 * checksum covers all fragments, and two damaged ones may cancel out in it.
 */
static void udp(struct sim *s)
{
	struct pair p = make_pair(s, draw(s, 2), false, NULL);
	struct udp *tx = calloc(1, sizeof *tx), *rx = calloc(1, sizeof *rx);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(0x0a000002) };
	sim_introduce_all(s);
	for (unsigned i = 0; i < DATAGRAMS; i++)
		rx->len[i] = tx->len[i] = (uint16_t)(draw(s, 4) ? 2 + draw(s, 1400) : 2 + draw(s, 8990));
	bool damage = draw(s, 2);
	for (unsigned i = 0; i < DATAGRAMS && damage; i++)
		rx->len[i] = tx->len[i] = MIN(tx->len[i], 1400);
	sim_faults(s, p.wire, OL_WIRE_ALL_PORTS, damage ? "loss=2% dup=2% corrupt=1% delay=10ms jitter=9ms unordered"
		   : "loss=2% dup=2% delay=10ms jitter=9ms unordered");
	tx->app.run = udp_send;
	rx->app.run = udp_recv;
	tx->host = p.a;
	rx->host = p.b;
	tx->s = ol_socket(sim_stack(s, p.a), AF_INET, SOCK_DGRAM, 0, 0);
	rx->s = ol_socket(sim_stack(s, p.b), AF_INET, SOCK_DGRAM, 0, 0);
	SIM_CHECK(s, ol_bind(sim_stack(s, p.b), rx->s, (struct sockaddr *)&to, sizeof to, 0) == 0);
	SIM_CHECK(s, ol_connect(sim_stack(s, p.a), tx->s, (struct sockaddr *)&to, sizeof to, 0) == 0);
	ol_set_tag(sim_stack(s, p.b), rx->s, &rx->app);
	sim_app_add(s, &tx->app, 1);
	sim_app_add(s, &rx->app, OL_NEVER);
	sim_run(s, &tx->done, LIMIT);
	sim_run(s, NULL, sim_now(s) + 60 * OL_SEC);
	SIM_CHECK(s, rx->got > DATAGRAMS / 2);
	result.flows = rx->got;
	result.took = sim_now(s);
	ol_close(sim_stack(s, p.a), tx->s, sim_now(s));
	ol_close(sim_stack(s, p.b), rx->s, sim_now(s));
	sim_app_del(s, &tx->app);
	sim_app_del(s, &rx->app);
	free(tx);
	free(rx);
}

/* ---- the list ----------------------------------------------------------------------------------------------------- */
static const struct scenario scenarios[] = {
	{ "tcp_clean", "two hosts, a good wire, megabytes both ways", tcp_clean },
	{ "tcp_bulk", "two hosts, a wire with any mix of faults, both ways", tcp_bulk },
	{ "tcp_random", "anything: the network, its faults, the stacks' settings, the programs' manners", scenario_random },
	{ "tcp_storm", "5 % loss, repeats, late and damaged packets all at once", tcp_storm },
	{ "tcp_pace", "1 % loss: a transfer may not stand still", tcp_pace },
	{ "tcp_loss", "loss, repeats and late packets, but no damage", tcp_loss },
	{ "tcp_burst", "losses in bursts on a slow wire with a short queue", tcp_burst },
	{ "tcp_cut", "the cable is pulled for seconds, again and again", tcp_cut },
	{ "tcp_many", "sixty connections between five hosts on a switch", tcp_many },
	{ "tcp_mix", "the same, where ends reset, walk off and close early", tcp_mix },
	{ "tcp_fast", "the same by Fast Open, among ordinary opens, perhaps with little room", tcp_fast },
	{ "tcp_crowd", "more connections than the listeners have room for", tcp_crowd },
	{ "tcp_routers", "across two routers, perhaps through a smaller MTU", routers },
	{ "tcp_hole", "across a wire that swallows what is too long, without a word", black_hole },
	{ "udp", "datagrams and fragments: right, or lost", udp },
};

const struct scenario *scenario_get(unsigned i) { return i < ARRAY_LEN(scenarios) ? &scenarios[i] : NULL; }

const struct scenario *scenario_find(const char *name)
{
	for (unsigned i = 0; i < ARRAY_LEN(scenarios); i++)
		if (strcmp(scenarios[i].name, name) == 0)
			return &scenarios[i];
	return NULL;
}

struct scenario_result scenario_run(const struct scenario *sc, uint64_t seed, ol_capture_sink *capture, void *ctx)
{
	struct sim *s = sim_new(&(struct sim_config){ .seed = seed, .capture = capture, .capture_ctx = ctx });
	result = (struct scenario_result){ 0 };
	sc->run(s);
	sim_free(s);
	return result;
}
