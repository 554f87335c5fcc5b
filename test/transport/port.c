/* Ports: the choice of ephemeral ones (RFC 6056) and sharing; who may bind beside whom is held against the kernel in test/sock. */
#include "unit.h"
#include <stdlib.h>
#include "transport/port.h"

static const uint8_t seed_a[16] = { 1 }, seed_b[16] = { 2 };
static struct ol_endpoint to(uint32_t addr, uint16_t port) { return (struct ol_endpoint){ ol_addr_ip4(addr), port }; }
static bool never(void *ctx, const struct ol_endpoint *local) { return false; }

static struct ports *ports_new(const uint8_t *seed, uint16_t lo, uint16_t hi)
{
	struct ports *p = malloc(sizeof *p);
	ports_init(p, seed, lo, hi);
	return p;
}

/* req: 6056-3.2-a, 6056-3.3-b, 6056-5-a: every ephemeral port is one of the range, all of them are used, and none twice while it is bound */
TEST(port_ephemeral_ones_cover_their_range_once)
{
	enum { LO = 40000, HI = 40099, N = HI - LO + 1 };
	struct ports *p = ports_new(seed_a, LO, HI);
	static struct port_bind b[N + 1];
	bool seen[N] = { false };
	for (int i = 0; i < N; i++) {
		b[i] = (struct port_bind){ .local = to(0, 0) };
		eq(port_bind(p, &b[i]), OL_OK);
		ok(b[i].local.port >= LO && b[i].local.port <= HI);
		ok(!seen[b[i].local.port - LO]);
		seen[b[i].local.port - LO] = true;
	}
	b[N] = (struct port_bind){ .local = to(0, 0) };
	eq(port_bind(p, &b[N]), OL_ERR_ADDRINUSE);
	eq(b[N].local.port, 0);
	port_release(p, &b[17]);
	eq(port_bind(p, &b[N]), OL_OK);
	eq(b[N].local.port, b[17].local.port);
	free(p);
}

/* req: 6056-3.3-a, 6056-3.3-c: the order depends on the key and on the peer, so an outsider cannot foretell it */
TEST(port_order_depends_on_key_and_peer)
{
	struct ports *p = ports_new(seed_a, 32768, 60999), *q = ports_new(seed_b, 32768, 60999);
	struct port_bind x = { .local = to(1, 0) }, y = x, z = x;
	struct ol_endpoint peer = to(0x0a000002, 80), other = to(0x0a000003, 80);
	eq(port_choose(p, &x, &peer, never, NULL), OL_OK);
	eq(port_choose(q, &y, &peer, never, NULL), OL_OK);
	ok(x.local.port != y.local.port);
	eq(port_choose(p, &z, &other, never, NULL), OL_OK);
	ok(abs(z.local.port - x.local.port) > 1);
	struct port_bind next = { .local = to(1, 0) };
	eq(port_choose(p, &next, &peer, never, NULL), OL_OK);
	ok(next.local.port != x.local.port);
	free(p);
	free(q);
}

struct pairs { struct ol_endpoint taken; int asked; };
static bool busy(void *ctx, const struct ol_endpoint *local)
{
	struct pairs *t = ctx;
	t->asked++;
	return local->port == t->taken.port;
}

/* Connections may share a port, each with another peer; one that somebody named is not theirs to share */
TEST(port_chosen_ones_are_shared_by_pair)
{
	struct ports *p = ports_new(seed_a, 50000, 50000);
	struct port_bind a = { .local = to(1, 0) }, b = a, c = a, named = { .local = to(1, 50000) };
	struct ol_endpoint peer = to(2, 80);
	struct pairs t = { to(1, 0), 0 };
	eq(port_choose(p, &a, &peer, busy, &t), OL_OK);
	eq(port_choose(p, &b, &peer, busy, &t), OL_OK);		/* to whom `busy` says the pair is free */
	eq(b.local.port, a.local.port);
	t.taken.port = 50000;
	eq(port_choose(p, &c, &peer, busy, &t), OL_ERR_ADDRNOTAVAIL);
	eq(t.asked, 3);
	eq(port_bind(p, &named), OL_ERR_ADDRINUSE);
	port_release(p, &a);
	port_release(p, &b);
	eq(port_bind(p, &named), OL_OK);
	t.taken.port = 0;
	eq(port_choose(p, &c, &peer, busy, &t), OL_ERR_ADDRNOTAVAIL);
	free(p);
}

static bool lingers(void *ctx, const struct port_bind *b) { return b->local.port == 80; }

/* An orphan or TIME-WAIT keeps its port from those who did not say SO_REUSEADDR */
TEST(port_lingering_ones_ask_for_reuseaddr)
{
	struct ports *p = ports_new(seed_a, 1, 2);
	struct port_bind plain = { .local = to(0, 80) }, reuse = { .local = to(0, 80), .reuseaddr = true };
	p->lingers = lingers;
	eq(port_bind(p, &plain), OL_ERR_ADDRINUSE);
	eq(port_bind(p, &reuse), OL_OK);
	reuse.listening = true;
	eq(port_listen(p, &reuse), OL_OK);
	struct port_bind again = { .local = to(0, 80), .reuseaddr = true };
	eq(port_bind(p, &again), OL_ERR_ADDRINUSE);
	free(p);
}

/* SO_REUSEPORT joins one owner's sockets alone; a device apart is no conflict */
TEST(port_reuseport_is_for_one_owner)
{
	struct ports *p = ports_new(seed_a, 1, 2);
	struct port_bind a = { .local = to(0, 80), .reuseport = true, .owner = 1 }, b = a, c = a;
	b.owner = 2;
	eq(port_bind(p, &a), OL_OK);
	eq(port_bind(p, &b), OL_ERR_ADDRINUSE);
	eq(port_bind(p, &c), OL_OK);
	struct port_bind d1 = { .local = to(0, 81), .ifi = 1 }, d2 = { .local = to(0, 81), .ifi = 2 }, d = { .local = to(0, 81) };
	eq(port_bind(p, &d1), OL_OK);
	eq(port_bind(p, &d2), OL_OK);
	eq(port_bind(p, &d), OL_ERR_ADDRINUSE);
	free(p);
}
