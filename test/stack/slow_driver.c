/* A driver that takes frames slower than connections make them: nothing is lost on the way into the own interface's queue. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <outlet/ol_sock.h>
#include "unit.h"

enum { CONNS = 8, TAKE_NS = 10000 };

struct host { struct ol_stack *stk; int ifi; };
struct world {
	struct ol_pool *pool;
	struct host a, b;
	ol_time now;
	ol_sock listener, c[CONNS], s[CONNS];
	uint64_t sent[CONNS], got[CONNS];
};

static struct host host(struct ol_pool *pool, const char *address, uint32_t txqlen, ol_time now)
{
	struct ol_config *cfg = ol_config_new();
	struct host h = { ol_stack_new(cfg, pool, now), 0 };
	ol_config_free(cfg);
	struct ol_iface_config ic = { .name = "ip0", .link = OL_LINK_IP, .mtu = 1500, .txqlen = txqlen };
	struct ol_addr addr;
	h.ifi = ol_iface_add(h.stk, &ic);
	ok(h.ifi > 0 && ol_addr_parse(address, &addr) && !ol_addr_add(h.stk, h.ifi, &addr, 24));
	return h;
}

static void back(struct world *w)
{
	for (struct ol_pkt *p; (p = ol_stack_output(w->b.stk, w->b.ifi, w->now)); )
		ol_stack_input(w->a.stk, w->a.ifi, p, w->now);
}

/* a's driver takes one frame; b's are fast. */
static void step(struct world *w)
{
	w->now += TAKE_NS;
	ol_stack_expire(w->a.stk, w->now);
	ol_stack_expire(w->b.stk, w->now);
	struct ol_pkt *p = ol_stack_output(w->a.stk, w->a.ifi, w->now);
	if (p)
		ol_stack_input(w->b.stk, w->b.ifi, p, w->now);
	back(w);
}

static struct world *world(uint32_t txqlen, int n)
{
	static struct world w;
	w = (struct world){ .now = OL_SEC };
	w.pool = ol_pool_new(0);
	w.a = host(w.pool, "10.0.0.1", txqlen, w.now);
	w.b = host(w.pool, "10.0.0.2", 0, w.now);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(80), .sin_addr.s_addr = inet_addr("10.0.0.2") };
	w.listener = ol_socket(w.b.stk, AF_INET, SOCK_STREAM, 0, w.now);
	eq(ol_bind(w.b.stk, w.listener, (void *)&to, sizeof to, w.now), 0);
	eq(ol_listen(w.b.stk, w.listener, 100, w.now), 0);
	for (int i = 0; i < n; i++) {
		w.c[i] = ol_socket(w.a.stk, AF_INET, SOCK_STREAM, 0, w.now);
		ol_connect(w.a.stk, w.c[i], (void *)&to, sizeof to, w.now);
		step(&w);
		step(&w);
		w.s[i] = ol_accept(w.b.stk, w.listener, NULL, NULL, w.now);
		ok(w.s[i] >= 0);
	}
	return &w;
}

static void world_free(struct world *w)
{
	ol_stack_free(w->a.stk);
	ol_stack_free(w->b.stk);
	ol_pool_free(w->pool);
}

static uint8_t byte_at(uint64_t i) { return (uint8_t)(i * 7 + (i >> 11)); }

static void feed(struct world *w, int i, uint64_t total)
{
	static uint8_t buf[65536];
	while (w->sent[i] < total) {
		size_t n = total - w->sent[i] < sizeof buf ? total - w->sent[i] : sizeof buf;
		for (size_t k = 0; k < n; k++)
			buf[k] = byte_at(w->sent[i] + k);
		ssize_t r = ol_send(w->a.stk, w->c[i], buf, n, 0, w->now);
		if (r <= 0)
			return;
		w->sent[i] += (uint64_t)r;
	}
}

static void eat(struct world *w, int i)
{
	static uint8_t buf[65536];
	for (ssize_t n; (n = ol_recv(w->b.stk, w->s[i], buf, sizeof buf, 0, w->now)) > 0; )
		for (ssize_t k = 0; k < n; k++)
			ok(buf[k] == byte_at(w->got[i]++));
}

static uint32_t retransmitted(struct world *w, int i)
{
	struct tcp_info ti;
	socklen_t len = sizeof ti;
	eq(ol_getsockopt(w->a.stk, w->c[i], IPPROTO_TCP, TCP_INFO, &ti, &len, w->now), 0);
	return ti.tcpi_total_retrans;
}

static void transfer(uint32_t txqlen, int n, uint64_t total)
{
	struct world *w = world(txqlen, n);
	bool done = false;
	for (uint64_t steps = 0; !done; steps++) {
		ok(steps < 3 * (uint64_t)n * total / 1448 + 1000);	/* nobody stands still */
		done = true;
		for (int i = 0; i < n; i++) {
			feed(w, i, total);
			eat(w, i);
			done = done && w->got[i] == total;
		}
		step(w);
		if (!(steps % 1000))
			ol_stack_check(w->a.stk);
	}
	for (int i = 0; i < n; i++)
		eq(retransmitted(w, i), 0);
	eq(ol_stack_count(w->a.stk, OL_DROP_LINK_QUEUE_FULL), 0);
	world_free(w);
}

TEST(slow_driver_loses_nothing_of_one_connection) { transfer(0, 1, 8 << 20); }
TEST(slow_driver_loses_nothing_of_many_connections) { transfer(0, CONNS, 1 << 20); }
TEST(slow_driver_with_a_short_queue_loses_nothing) { transfer(20, CONNS, 1 << 19); }
TEST(slow_driver_with_a_queue_of_one_loses_nothing) { transfer(1, 2, 1 << 18); }

/* The queue holds no more of one connection than tcp_limit_output_bytes and a segment. */
TEST(slow_driver_queue_is_bounded_per_connection)
{
	struct world *w = world(0, 1);
	for (int i = 0; i < 4000; i++) {
		feed(w, 0, 64 << 20);
		eat(w, 0);
		step(w);
	}
	size_t held = 0;
	ol_time now = w->now;
	/* the wire is cut: what still comes out is what lay there, and what it made room for, until acknowledgements lack */
	struct ol_pkt *p = ol_stack_output(w->a.stk, w->a.ifi, now);
	ok(p != NULL);
	held = ol_pool_used(w->pool);
	ol_pkt_free(p);
	ok(held > 100 * 1024);
	ok(held < 2 * (256 << 10));
	world_free(w);
}

/* A connection that waits when its interface goes down is not forgotten: it goes on as after any loss. */
TEST(slow_driver_waiting_survives_an_interface_down)
{
	struct world *w = world(0, 1);
	uint64_t total = 4 << 20;
	for (int i = 0; i < 500; i++) {
		feed(w, 0, total);
		eat(w, 0);
		step(w);
	}
	eq(ol_iface_up(w->a.stk, w->a.ifi, false), 0);
	step(w);
	eq(ol_iface_up(w->a.stk, w->a.ifi, true), 0);
	for (int i = 0; i < 2000000 && w->got[0] < total; i++) {
		feed(w, 0, total);
		eat(w, 0);
		step(w);
	}
	eq(w->got[0], total);
	world_free(w);
}

/* Closing or resetting a connection that waits leaves nothing behind. */
TEST(slow_driver_waiting_may_be_closed)
{
	struct world *w = world(20, CONNS);
	for (int k = 0; k < 300; k++) {
		for (int i = 0; i < CONNS; i++) {
			feed(w, i, 8 << 20);
			eat(w, i);
		}
		step(w);
	}
	struct linger now = { 1, 0 };
	for (int i = 0; i < CONNS; i += 2) {
		eq(ol_setsockopt(w->a.stk, w->c[i], SOL_SOCKET, SO_LINGER, &now, sizeof now, w->now), 0);
		eq(ol_close(w->a.stk, w->c[i], w->now), 0);
	}
	for (int k = 0; k < 3000; k++) {
		for (int i = 1; i < CONNS; i += 2)
			eat(w, i);
		step(w);
	}
	ol_stack_check(w->a.stk);
	world_free(w);
}
