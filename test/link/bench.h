#ifndef TEST_LINK_BENCH_H
#define TEST_LINK_BENCH_H
/* One link floor on the bench: what it asks of the floor above is written down, time is turned by hand. */
#include "unit.h"
#include "base/timer.h"
#include "link/link.h"
#include "wire/arp.h"
#include "wire/eth.h"
#include "wire/ip4.h"

struct bench {
	struct ol_pool *pool;
	struct wheel wheel;
	struct link *link;
	ol_time now;
	int asked, asked_known, failed;		/* solicitations; those to a known station; packets given up */
	ol_time asked_at[16];
};

static const struct ol_mac bench_mac = { { 2, 0, 0, 0, 0, 1 } }, peer_mac = { { 2, 0, 0, 0, 0, 2 } }, other_mac = { { 2, 0, 0, 0, 0, 3 } };
#define OUR_IP  0x0a000001u
#define PEER_IP 0x0a000002u

static bool bench_owns(void *ctx, int ifi, const struct ol_addr *a)
{
	struct ol_addr ours = ol_addr_ip4(OUR_IP);
	return ol_addr_eq(a, &ours);
}

static void bench_solicit(void *ctx, int ifi, const struct ol_addr *target, const struct ol_mac *known, const struct ol_pkt *waiting,
			  ol_time now)
{
	struct bench *b = ctx;
	if (b->asked < 16)
		b->asked_at[b->asked] = now;
	b->asked++;
	b->asked_known += known != NULL;
	if (target->ver == 4) {
		struct ol_addr spa = ol_addr_ip4(OUR_IP);
		arp_request(b->link, ifi, &spa, target, known, now);
	}
}

static void bench_failed(void *ctx, int ifi, struct ol_pkt *pkt, ol_time now)
{
	((struct bench *)ctx)->failed++;
	ol_pkt_free(pkt);
}

static inline void bench_new(struct bench *b, const struct link_config *cfg)
{
	struct link_config c = cfg ? *cfg : link_config_default();
	*b = (struct bench){ .pool = ol_pool_new(0), .now = OL_SEC };
	wheel_init(&b->wheel, b->now);
	b->link = link_new(&c, b->pool, &b->wheel, b->now);
	struct link_user u = { b, bench_owns, bench_solicit, bench_failed };
	link_set_user(b->link, &u);
	struct ol_iface_config e = { .name = "eth0", .link = OL_LINK_ETHER, .mac = bench_mac, .txqlen = 100 };
	eq(link_iface_add(b->link, &e), 1);
}

static inline void bench_end(struct bench *b)
{
	link_free(b->link);
	eq(b->wheel.count, 0);
	eq(ol_pool_used(b->pool), 0);
	ol_pool_free(b->pool);
}

static inline void bench_pass(struct bench *b, ol_time ns)
{
	ol_time until = b->now + ns;
	for (ol_time d; (d = wheel_deadline(&b->wheel)) <= until; ) {
		b->now = d > b->now ? d : b->now;
		for (struct timer *t; (t = wheel_expire(&b->wheel, b->now)); )
			link_expire(b->link, t, b->now);
	}
	b->now = until;
}

/* A datagram of n bytes to dst by way of the cache. */
static inline enum ol_fate bench_send(struct bench *b, uint32_t dst, size_t n)
{
	struct ol_pkt *p = ol_pkt_new(b->pool, n);
	struct ip4_hdr h = { .src = ol_addr_ip4(OUR_IP), .dst = ol_addr_ip4(dst), .len = (uint16_t)n, .hlen = 20, .ttl = 64, .proto = 17 };
	memset(ol_pkt_put(p, n), 0x55, n);
	wire_ip4_build(p->data, &h);
	struct ol_addr next = ol_addr_ip4(dst);
	return link_output(b->link, 1, &next, false, p, b->now);
}

/* Frees all frames queued; returns how many were IPv4. */
static inline int bench_drain(struct bench *b, struct ol_mac *last_dst)
{
	int n = 0;
	for (struct ol_pkt *p; (p = link_dequeue(b->link, 1)); ol_pkt_free(p)) {
		struct eth_hdr h;
		eq(wire_eth_parse(&h, p->data, p->len), OL_PASS);
		n += h.type == ETH_IP4;
		if (last_dst && h.type == ETH_IP4)
			*last_dst = h.dst;
	}
	return n;
}

static inline enum ol_fate bench_arp(struct bench *b, uint16_t op, struct ol_mac sha, uint32_t spa, uint32_t tpa, bool broadcast)
{
	struct arp_pkt a = { .op = op, .sha = sha, .tha = op == ARP_REPLY ? bench_mac : (struct ol_mac){ { 0 } },
		.spa = ol_addr_ip4(spa), .tpa = ol_addr_ip4(tpa) };
	struct ol_pkt *p = ol_pkt_new(b->pool, 60);
	bool many;
	uint8_t *f = ol_pkt_put(p, 60);
	memset(f, 0, 60);
	wire_eth_build(f, broadcast ? &mac_broadcast : &bench_mac, &sha, ETH_ARP);
	wire_arp_build(f + 14, &a);
	return link_input(b->link, 1, &p, &many, b->now);
}

static inline int bench_state(struct bench *b, uint32_t a)
{
	struct neigh_row row;
	struct ol_addr want = ol_addr_ip4(a);
	for (unsigned i = 0; neigh_get(b->link, i, &row, b->now); i++)
		if (ol_addr_eq(&row.addr, &want))
			return (int)row.state;
	return -1;
}

#endif
