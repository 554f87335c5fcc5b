/* Neighbour discovery on Ethernet: what is answered, what is learnt, what is refused.  RFC 4861 7. */
#include "world.h"
#include "wire/eth.h"

static struct world w;

static void start(void)
{
	world_new(&w);
	host_new(&w, NULL);
	iface_new(&w, 0, OL_LINK_ETHER, 1500, 0);
	addr(&w, 0, 2, "fd00::1/64");
}

static const struct ol_mac peer = { { 2, 9, 9, 9, 9, 9 } };

static enum ol_fate nd(const char *src, const char *dst, uint8_t type, uint8_t code, uint8_t flags, const char *target, bool mac, uint8_t hop)
{
	uint8_t p[96] = { 0 };
	struct nd_msg m = { .target = ip(target), .has_mac = mac, .mac = peer, .flags = flags };
	struct ol_addr s = ip(src), d = ip(dst);
	size_t n = wire_nd_build(p + 40, type, &m);
	wire_icmp6_build(p + 40, &(struct icmp_hdr){ type, code, (uint32_t)flags << 24 }, n, &s, &d);
	wire_ip6_build(p, &(struct ip6_hdr){ .src = s, .dst = d, .len = (uint16_t)n, .next = 58, .hop = hop });
	enum ol_fate fate = give(&w, 0, 2, p, 40 + n, ol_addr_is_multicast(&d));
	forget(&w, 0);
	return fate;
}

static int state_of(const char *a)
{
	struct neigh_row row;
	struct ol_addr want = ip(a);
	for (unsigned i = 0; neigh_get(w.h[0].link, i, &row, w.now); i++)
		if (!memcmp(row.addr.b, want.b, 16))
			return (int)row.state;
	return -1;
}

/* req: 4291-2.1-a */
TEST(an_interface_with_ipv6_has_a_link_local_address)
{
	struct ol_addr a;
	unsigned plen;
	char buf[OL_ADDR_STRLEN];
	start();
	eq(net_addr_get(w.h[0].net, 2, 1, &a, &plen), 0);
	eq_str(ol_addr_str(&a, buf), "fe80::ff:fe00:1%2");	/* of 02:00:00:00:00:01 */
	eq(plen, 64);
	world_end(&w);
}

/* req: 4861-7.2.3-a, 4861-7.2.3-b, 4861-7.2.4-a, 4861-7.2.4-c, 4861-4.4-a */
TEST(a_solicitation_is_answered_and_its_sender_learnt)
{
	start();
	eq(nd("fe80::9", "ff02::1:ff00:1", ICMP6_NS, 0, 0, "fd00::1", true, 255), OL_PASS);
	eq(state_of("fe80::9"), NEIGH_DELAY);		/* STALE, and our answer was sent to it */
	struct ol_pkt *p = frame(&w, 0, 2);
	assert_non_null(p);
	struct nd_msg m;
	eq_mem(p->data, peer.b, 6);
	ok(wire_nd_parse(&m, ICMP6_NA, p->data + 54, p->len - 54));
	eq(p->data[54], ICMP6_NA);
	eq(p->data[21], 255);
	eq(m.flags, ND_SOLICITED | ND_OVERRIDE);
	ok(m.has_mac && mac_eq(&m.mac, &link_iface(w.h[0].link, 2)->mac));
	struct ol_addr s = ol_addr_from(6, p->data + 22), us = ip("fd00::1");
	ok(ol_addr_eq(&s, &us) && ol_addr_eq(&m.target, &us));
	ol_pkt_free(p);
	eq(nd("fe80::9", "ff02::1:ff00:1", ICMP6_NS, 0, 0, "fd00::2:0:1", true, 255), OL_PASS);
	ok(!frame(&w, 0, 2));				/* not ours to answer for */
	world_end(&w);
}

/* req: 4861-7.2.3-c, 4861-7.2.4-b */
TEST(a_nameless_solicitation_is_answered_to_all_and_teaches_nothing)
{
	static const uint8_t all[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	start();
	eq(nd("::", "ff02::1:ff00:1", ICMP6_NS, 0, 0, "fd00::1", false, 255), OL_PASS);
	struct ol_pkt *p = frame(&w, 0, 2);
	assert_non_null(p);
	eq_mem(p->data, all, 6);
	eq(p->data[58], ND_OVERRIDE);
	ol_pkt_free(p);
	eq(state_of("::"), -1);
	world_end(&w);
}

/* req: 4861-7.1.1-a, 4861-7.1.2-a, 6980-5-b */
TEST(invalid_discovery_is_dropped)
{
	start();
	eq(nd("fe80::9", "fd00::1", ICMP6_NS, 0, 0, "fd00::1", true, 254), OL_DROP_ND_BAD);
	eq(nd("fe80::9", "fd00::1", ICMP6_NS, 1, 0, "fd00::1", true, 255), OL_DROP_ND_BAD);
	eq(nd("fe80::9", "fd00::1", ICMP6_NS, 0, 0, "ff02::1", true, 255), OL_DROP_ND_BAD);
	eq(nd("::", "fd00::1", ICMP6_NS, 0, 0, "fd00::1", false, 255), OL_DROP_ND_BAD);
	eq(nd("::", "ff02::1:ff00:1", ICMP6_NS, 0, 0, "fd00::1", true, 255), OL_DROP_ND_BAD);
	eq(nd("fe80::9", "fd00::1", ICMP6_NA, 0, ND_SOLICITED, "fe80::9", true, 1), OL_DROP_ND_BAD);
	eq(nd("fe80::9", "fd00::1", ICMP6_NA, 3, ND_SOLICITED, "fe80::9", true, 255), OL_DROP_ND_BAD);
	eq(nd("fe80::9", "ff02::1", ICMP6_NA, 0, ND_SOLICITED, "fe80::9", true, 255), OL_DROP_ND_BAD);
	eq(nd("fe80::9", "fd00::1", ICMP6_NA, 0, 0, "ff02::9", true, 255), OL_DROP_ND_BAD);
	eq(nd("fe80::9", "fd00::1", ICMP6_NA, 0, 0, "fd00::1", true, 255), OL_DROP_ARP_CONFLICT);
	eq(state_of("fe80::9"), -1);
	ok(!frame(&w, 0, 2));
	/* in an atomic fragment, whatever it is */
	uint8_t p[96] = { 0 };
	struct nd_msg m = { .target = ip("fd00::1"), .has_mac = true, .mac = peer };
	struct ol_addr s = ip("fe80::9"), d = ip("fd00::1");
	size_t n = wire_nd_build(p + 48, ICMP6_NS, &m);
	for (uint8_t type = ICMP6_RS; type <= ICMP6_REDIRECT; type++) {
		n = type == ICMP6_REDIRECT ? 40 : n;
		wire_icmp6_build(p + 48, &(struct icmp_hdr){ type, 0, 0 }, n, &s, &d);
		wire_ip6_frag_build(p + 40, &(struct ip6_frag){ .id = 1, .next = 58 });
		wire_ip6_build(p, &(struct ip6_hdr){ .src = s, .dst = d, .len = (uint16_t)(8 + n), .next = IP6_FRAGMENT, .hop = 255 });
		eq(give(&w, 0, 2, p, 48 + n, false), OL_DROP_ND_BAD);
	}
	ok(!frame(&w, 0, 2));
	world_end(&w);
}

/* req: 4861-4.3-a, 4861-7.2.2-b, 4861-7.2.5-a */
TEST(resolution_asks_the_solicited_node_and_probes_by_unicast)
{
	static const uint8_t group[6] = { 0x33, 0x33, 0xff, 0, 0, 9 };
	struct nd_msg m;
	start();
	nd("fd00::9", "fd00::1", ICMP6_NA, 0, ND_SOLICITED | ND_OVERRIDE, "fd00::9", true, 255);
	eq(state_of("fd00::9"), -1);
	send_to(&w, 0, NULL, "fd00::9", 17, 100, 0, false);
	struct ol_pkt *p = frame(&w, 0, 2);
	assert_non_null(p);
	eq_mem(p->data, group, 6);
	ok(p->data[54] == ICMP6_NS && wire_nd_parse(&m, ICMP6_NS, p->data + 54, p->len - 54) && m.has_mac);
	struct ol_addr s = ol_addr_from(6, p->data + 22), us = ip("fd00::1");
	ok(ol_addr_eq(&s, &us));
	ol_pkt_free(p);
	ok(!frame(&w, 0, 2));
	nd("fd00::9", "fd00::1", ICMP6_NA, 0, ND_SOLICITED | ND_OVERRIDE, "fd00::9", true, 255);
	eq(state_of("fd00::9"), NEIGH_REACHABLE);
	p = frame(&w, 0, 2);
	eq(p->len, 14 + 40 + 100);
	ol_pkt_free(p);
	pass(&w, 46 * OL_SEC);
	send_to(&w, 0, NULL, "fd00::9", 17, 100, 0, false);
	ol_pkt_free(frame(&w, 0, 2));
	w.now += 5 * OL_SEC;
	for (struct timer *t; (t = wheel_expire(&w.h[0].wheel, w.now)); )
		link_expire(w.h[0].link, t, w.now);
	eq(state_of("fd00::9"), NEIGH_PROBE);
	p = frame(&w, 0, 2);
	assert_non_null(p);
	eq_mem(p->data, peer.b, 6);
	eq(p->data[54], ICMP6_NS);
	ol_pkt_free(p);
	world_end(&w);
}

TEST(link_local_addresses_stay_on_their_link)
{
	start();
	iface_new(&w, 0, OL_LINK_ETHER, 1500, 0);
	addr(&w, 0, 3, "fd00:2::1/64");
	struct ol_addr a = ip("fe80::9");
	struct net_path path;
	for (uint32_t i = 2; i <= 3; i++) {
		a.scope = i;
		eq(net_route(w.h[0].net, &a, NULL, 0, &path), OL_OK);
		eq(path.ifi, i);
		eq(path.src.scope, i);
	}
	/* our own one, through lo and back with its scope */
	struct ol_addr own;
	unsigned plen;
	eq(net_addr_get(w.h[0].net, 3, 1, &own, &plen), 0);
	ok(ol_addr_is_linklocal(&own));
	struct net_tx tx = { .dst = own, .proto = 17 };
	eq(net_output(w.h[0].net, &tx, ol_pkt_from(w.pool, "hello", 5), w.now), OL_DONE);
	pump(&w);
	ok(ol_addr_eq(&up(&w, 0, 0)->rx.dst, &own) && ol_addr_eq(&up(&w, 0, 0)->rx.src, &own));
	world_end(&w);
}
