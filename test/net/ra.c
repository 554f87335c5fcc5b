/* Routers: asked for, heard, kept, chosen between.  RFC 4861 6, RFC 4191, RFC 8106. */
#include "lan.h"
#include "base/be.h"

#define R1 "fe80::a"
#define R2 "fe80::b"
#define R3 "fe80::c"
#define FAR "2001:db8:9::9"

static struct net_config config(void)
{
	struct net_config c = net_config_default();
	c.ip6.dad_transmits = 0;
	return c;
}

/* A host that has asked for routers long ago, with an address that others can reach. */
static void start(void)
{
	lan_settled(config());
	addr(&w, 0, LAN, "2001:db8::1/64");
}

static enum ol_fate router(const char *from, uint16_t lifetime_s)
{
	ra(lifetime_s);
	return hear(from, "ff02::1");
}

/* ---- asking ---------------------------------------------------------------------------------------------------------- */

/* req: 4861-6.3.7-a, 4861-4.1-a */
TEST(ra_is_asked_for_three_times_after_a_moment)
{
	long firsts[2];
	for (int seed = 0; seed < 2; seed++) {
		struct net_config c = config();
		c.seed[3] = (uint8_t)seed;
		lan_start(c);
		firsts[seed] = said_after(1000);
		ok(firsts[seed] >= 0);
		later(3999);
		silent();
		later(1);
		says("RS " LAN_LL " > ff02::2 slla");
		later(3999);
		silent();
		later(1);
		says("RS " LAN_LL " > ff02::2 slla");
		later(3600 * 1000L);
		silent();
		world_end(&w);
	}
	ok(firsts[0] != firsts[1]);
	/* while the address is still looked for, its hardware is not told (RFC 4429 3.2); without one, neither: 4861-4.1-a */
	struct net_config c = net_config_default();
	c.ip6.dad_transmits = 5;
	for (int optimistic = 0; optimistic < 2; optimistic++) {
		bool asked = false;
		c.ip6.optimistic_dad = optimistic;
		lan_start(c);
		later(1000);
		for (const char *s; *(s = said()); )
			if (!strncmp(s, "RS", 2)) {
				eq_str(s, optimistic ? "RS " LAN_LL " > ff02::2" : "RS :: > ff02::2");
				asked = true;
			}
		ok(asked);
		world_end(&w);
	}
}

/* req: 4861-6.3.7-b */
TEST(ra_ends_the_asking_when_it_names_a_router)
{
	lan_start(config());
	ok(said_after(1000) >= 0);
	eq(router(R1, 0), OL_PASS);		/* no router for us: the asking goes on */
	later(4000);
	says("RS " LAN_LL " > ff02::2 slla");
	eq(router(R1, 1800), OL_PASS);
	later(60000);
	silent();
	world_end(&w);
}

/* req: 4861-6.1.1-a, 4861-6.2.4-a */
TEST(ra_is_not_ours_to_send)
{
	uint8_t rs[48] = { 0 };
	static const char *const dsts[] = { "ff02::1", "ff02::2", LAN_LL };
	struct ol_addr s = ip(R1);
	for (int forwards = 0; forwards < 2; forwards++) {
		struct net_config c = config();
		c.forward6 = forwards;
		lan_settled(c);
		for (int i = 0; i < 3; i++) {
			struct ol_addr d = ip(dsts[i]);
			wire_icmp6_build(rs + 40, &(struct icmp_hdr){ ICMP6_RS, 0, 0 }, 8, &s, &d);
			wire_ip6_build(rs, &(struct ip6_hdr){ .src = s, .dst = d, .len = 8, .next = 58, .hop = 255 });
			give(&w, 0, LAN, rs, sizeof rs, true);
			forget(&w, 0);
		}
		later(60000);
		silent();
		world_end(&w);
	}
}

/* ---- which are believed ---------------------------------------------------------------------------------------------- */

/* req: 4861-6.1.2-a, 4861-4.6-a */
TEST(ra_that_is_not_valid_is_dropped)
{
	static const uint8_t endless[8] = { 1, 0 }, beyond[8] = { 1, 2 };
	start();
	ra(1800);
	eq(hear("2001:db8::9", "ff02::1"), OL_DROP_ND_BAD);		/* not link-local */
	ra(1800);
	eq(hear_with(R1, "ff02::1", 254, 0), OL_DROP_ND_BAD);
	ra(1800);
	eq(hear_with(R1, "ff02::1", 255, 1), OL_DROP_ND_BAD);
	ra(1800);
	opt(endless, sizeof endless);
	eq(hear(R1, "ff02::1"), OL_DROP_ND_BAD);
	ra(1800);
	opt(beyond, sizeof beyond);
	eq(hear(R1, "ff02::1"), OL_DROP_ND_BAD);
	eq_str(way(FAR), "nowhere");
	/* too short, and of a wrong checksum */
	uint8_t p[56] = { 0 };
	struct ol_addr s = ip(R1), d = ip("ff02::1");
	wire_icmp6_build(p + 40, &(struct icmp_hdr){ ICMP6_RA, 0, 1800 }, 12, &s, &d);
	wire_ip6_build(p, &(struct ip6_hdr){ .src = s, .dst = d, .len = 12, .next = 58, .hop = 255 });
	eq(give(&w, 0, LAN, p, 52, true), OL_DROP_ND_BAD);
	wire_icmp6_build(p + 40, &(struct icmp_hdr){ ICMP6_RA, 0, 1800 }, 16, &s, &d);
	wire_ip6_build(p, &(struct ip6_hdr){ .src = s, .dst = d, .len = 16, .next = 58, .hop = 255 });
	p[43] ^= 1;
	eq(give(&w, 0, LAN, p, 56, true), OL_DROP_ICMP_CHECKSUM);
	eq_str(way(FAR), "nowhere");
	p[43] ^= 1;
	eq(give(&w, 0, LAN, p, 56, true), OL_PASS);
	forget(&w, 0);
	eq_str(way(FAR), R1 " from 2001:db8::1");
	world_end(&w);
}

/* req: 4861-6.1.2-b, 4861-9-a */
TEST(ra_with_what_nobody_knows_counts_all_the_same)
{
	static const uint8_t strange[16] = { 200, 2, 0xff, 0xff, 0xff };
	start();
	ra(1800);
	opt(strange, sizeof strange);
	ra_head()->flags = 0xff;
	opt_prefix("2001:db8:7::/64", PREFIX_ONLINK | 0x1f, 3600, 3600);
	opt(strange, sizeof strange);
	opt_mtu(1400);				/* in whatever order */
	eq(hear(R1, "ff02::1"), OL_PASS);
	eq_str(way(FAR), R1 " from 2001:db8::1");
	eq_str(way("2001:db8:7::7"), "2001:db8:7::7 from 2001:db8::1");
	struct ol_ip6_link link;
	net_ip6_link(w.h[0].net, LAN, &link);
	eq(link.mtu, 1400);
	world_end(&w);
}

/* req: 4862-5.5-a */
TEST(ra_is_believed_by_hosts_unless_they_are_told_not_to)
{
	for (int accept = 0; accept <= 2; accept++)
		for (int forwards = 0; forwards < 2; forwards++) {
			struct net_config c = net_config_default();
			eq(c.ip6.accept_ra, 1);
			c.ip6.accept_ra = (uint8_t)accept;
			c.forward6 = forwards;
			bool believes = accept == 2 || (accept == 1 && !forwards);
			lan_start(c);
			bool asks = false;
			later(4000);
			for (const char *s; *(s = said()); )
				asks |= !strncmp(s, "RS", 2);
			eq(asks, believes);
			ra(1800);
			opt_prefix("2001:db8:7::/64", PREFIX_ONLINK | PREFIX_AUTO, 3600, 3600);
			eq(hear(R1, "ff02::1"), OL_PASS);
			eq_str(way(FAR), believes ? R1 " from 2001:db8:7::ff:fe00:1" : "nowhere");
			world_end(&w);
		}
}

/* ---- what is kept ---------------------------------------------------------------------------------------------------- */

/* req: 4861-6.3.4-a, 4861-6.3.4-b */
TEST(ra_value_left_unsaid_changes_nothing)
{
	struct ol_ip6_link link;
	start();
	ra(1800);
	ra_head()->hop_limit = 33;
	ra_head()->reachable_ms = 5000;
	ra_head()->retrans_ms = 250;
	opt_mtu(1400);
	opt_prefix("2001:db8:7::/64", PREFIX_ONLINK | PREFIX_AUTO, 3600, 3600);
	eq(hear(R1, "ff02::1"), OL_PASS);
	for (int i = 0; i < 2; i++) {
		eq(net_ip6_link(w.h[0].net, LAN, &link), 0);
		eq(link.hop_limit, 33);
		eq(link.mtu, 1400);
		eq(link.base_reachable, 5 * OL_SEC);
		eq(link.retrans, OL_SEC / 4);
		eq(router(R2, 600), OL_PASS);		/* of another router, and says nothing else */
	}
	eq_str(way("2001:db8:7::7"), "2001:db8:7::7 from 2001:db8:7::ff:fe00:1");
	struct ol_router r;
	ok(net_router_get(w.h[0].net, 1, &r));
	world_end(&w);
}

/* What the values do: the hop limit of what is sent, the time between two questions, how long a neighbour is reachable. */
TEST(ra_values_are_obeyed)
{
	start();
	ra(1800);
	ra_head()->hop_limit = 33;
	ra_head()->reachable_ms = 1000;
	ra_head()->retrans_ms = 250;
	eq(hear(R1, "ff02::1"), OL_PASS);
	eq(send_to(&w, 0, NULL, "2001:db8::2", 17, 64, 0, false), OL_DONE);
	says("NS 2001:db8::1 > ff02::1:ff00:2 2001:db8::2 slla");
	later(249);
	silent();
	later(1);
	says("NS 2001:db8::1 > ff02::1:ff00:2 2001:db8::2 slla");
	eq(hear_na("2001:db8::2", "2001:db8::1", "2001:db8::2", ND_SOLICITED, true), OL_PASS);
	struct ol_pkt *p = frame(&w, 0, LAN);
	eq(p->data[14 + 7], 33);
	ol_pkt_free(p);
	eq(neigh_state_of("2001:db8::2", NULL), NEIGH_REACHABLE);
	later(400);
	eq(neigh_state_of("2001:db8::2", NULL), NEIGH_REACHABLE);
	later(1200);					/* between 0.5 and 1.5 of a second */
	eq(neigh_state_of("2001:db8::2", NULL), NEIGH_STALE);
	world_end(&w);
}

/* req: 4861-6.3.4-f */
TEST(ra_mtu_is_taken_within_reason)
{
	static const struct { uint32_t said, is; } rows[] = { { 1279, 1500 }, { 1280, 1280 }, { 1500, 1500 }, { 1501, 1500 }, { 9000, 1500 }, { 0, 1500 }, { 1400, 1400 } };
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct net_path path;
		struct ol_addr d = ip(FAR);
		start();
		ra(1800);
		opt_mtu(rows[i].said);
		eq(hear(R1, "ff02::1"), OL_PASS);
		eq(net_route(w.h[0].net, &d, NULL, 0, &path), OL_OK);
		eq(path.mtu, rows[i].is);
		struct ol_ip6_link link;
		eq(net_ip6_link(w.h[0].net, LAN, &link), 0);
		eq(link.mtu, rows[i].is);
		world_end(&w);
	}
}

/* req: 4861-6.3.4-e */
TEST(ra_teaches_who_its_router_is)
{
	bool is_router = false;
	start();
	ra(1800);
	opt_mac(ND_OPT_SLLA, &lan_mac);
	eq(hear(R1, "ff02::1"), OL_PASS);
	eq(neigh_state_of(R1, &is_router), NEIGH_STALE);
	ok(is_router);
	eq(send_to(&w, 0, NULL, FAR, 17, 64, 0, false), OL_DONE);
	says("17 2001:db8::1 > " FAR " to 02:09:09:09:09:09");
	/* one that was known as a host before */
	eq(hear_ns(R2, "ff02::1:ff00:1", LAN_LL, true), OL_PASS);
	eq(neigh_state_of(R2, &is_router), NEIGH_DELAY);
	ok(!is_router);
	eq(router(R2, 1800), OL_PASS);			/* says no link address: what is known stays */
	eq(neigh_state_of(R2, &is_router), NEIGH_DELAY);
	ok(is_router);
	world_end(&w);
}

/* ---- default routers ------------------------------------------------------------------------------------------------- */

/* req: 4861-6.3.4-c, 4861-6.3.4-d, 4861-6.3.5-a */
TEST(ra_routers_come_and_go)
{
	start();
	eq_str(way(FAR), "nowhere");
	eq(router(R1, 1800), OL_PASS);
	eq(router(R2, 600), OL_PASS);
	eq_str(way(FAR), R1 " from 2001:db8::1");
	later(300 * 1000);
	eq(router(R1, 0), OL_PASS);			/* at once, and what went by it goes elsewhere */
	eq_str(way(FAR), R2 " from 2001:db8::1");
	later(299 * 1000);
	eq_str(way(FAR), R2 " from 2001:db8::1");
	later(1000);
	eq_str(way(FAR), "nowhere");			/* its time was up */
	eq(router(R3, 10), OL_PASS);
	later(9000);
	eq(router(R3, 10), OL_PASS);			/* said again, it lives on */
	later(9000);
	eq_str(way(FAR), R3 " from 2001:db8::1");
	world_end(&w);
}

/* Whoever sits on the wire can name any number of routers; some are kept, and the first of them. */
TEST(ra_flood_of_routers_is_bounded)
{
	struct ol_router r;
	char text[32];
	unsigned n = 0;
	start();
	for (unsigned i = 1; i <= 500; i++) {
		ra(1800);
		snprintf(text, sizeof text, "fe80::%x", i);
		char prefix[32];
		snprintf(prefix, sizeof prefix, "2001:dba:%x::/64", i);
		opt_prefix(prefix, PREFIX_ONLINK | PREFIX_AUTO, 86400, 86400);
		snprintf(prefix, sizeof prefix, "2001:db9:%x::/64", i);
		opt_route(prefix, 0, 1800);
		eq(hear(text, "ff02::1"), OL_PASS);
	}
	while (net_router_get(w.h[0].net, n, &r))
		n++;
	ok(n >= 2 + 2 && n <= 24);
	struct ol_addr_info i;
	for (n = 0; !net_addr_info(w.h[0].net, LAN, n, &i); n++)
		;
	ok(n <= 2 + 16);
	struct ol_route route;
	for (n = 0; !net_route_get(w.h[0].net, n, &route); n++)
		;
	ok(n <= 24 + 16 + 8);
	eq_str(way(FAR), "fe80::1 from 2001:db8::1");
	world_end(&w);
}

/* Asks for the neighbour until it is given up. */
static void does_not_answer(const char *dst)
{
	eq(send_to(&w, 0, NULL, dst, 17, 64, 0, false), OL_DONE);
	later(4000);
	while (*said())
		;
}

/* req: 4861-6.3.6-a */
TEST(ra_silent_router_is_passed_over)
{
	start();
	eq(router(R1, 9000), OL_PASS);
	eq(router(R2, 9000), OL_PASS);
	eq_str(way(FAR), R1 " from 2001:db8::1");
	does_not_answer(FAR);
	eq_str(way(FAR), R2 " from 2001:db8::1");
	does_not_answer(FAR);
	eq_str(way(FAR), R1 " from 2001:db8::1");	/* all are silent: they take turns */
	does_not_answer(FAR);
	eq_str(way(FAR), R2 " from 2001:db8::1");
	eq(router(R1, 9000), OL_PASS);			/* one speaks again */
	eq_str(way(FAR), R1 " from 2001:db8::1");
	world_end(&w);
}

/* req: 4861-7.2.5-e */
TEST(ra_router_that_says_it_is_none_is_none)
{
	start();
	for (int i = 0; i < 2; i++) {
		ra(1800);
		opt_mac(ND_OPT_SLLA, &lan_mac);
		eq(hear(i ? R2 : R1, "ff02::1"), OL_PASS);
	}
	eq(hear_na(R1, "ff02::1", R1, ND_ROUTER | ND_OVERRIDE, true), OL_PASS);
	eq_str(way(FAR), R1 " from 2001:db8::1");
	eq(hear_na(R1, "ff02::1", R1, ND_OVERRIDE, true), OL_PASS);
	eq_str(way(FAR), R2 " from 2001:db8::1");
	bool is_router = true;
	neigh_state_of(R1, &is_router);
	ok(!is_router);
	world_end(&w);
}

/* Preferences order routers that are equally good otherwise.  req: 4191-2.2-a */
TEST(ra_preference_orders_routers)
{
	/* the bits as they are on the wire: 01 high, 00 medium, 11 low, 10 counts as medium */
	start();
	ra(1800);
	ra_head()->pref = -1;
	eq(hear(R1, "ff02::1"), OL_PASS);
	ra(1800);
	ra_head()->pref = 2;
	eq(hear(R2, "ff02::1"), OL_PASS);
	eq_str(way(FAR), R2 " from 2001:db8::1");
	eq(router(R3, 1800), OL_PASS);
	eq_str(way(FAR), R2 " from 2001:db8::1");	/* both medium: the first stays */
	ra(1800);
	ra_head()->pref = 1;
	eq(hear(R3, "ff02::1"), OL_PASS);
	eq_str(way(FAR), R3 " from 2001:db8::1");
	struct ol_router r;
	int seen = 0;
	for (unsigned i = 0; net_router_get(w.h[0].net, i, &r); i++) {
		r.gateway.scope = 0;
		struct ol_addr one = ip(R1), two = ip(R2);
		eq(r.pref, ol_addr_eq(&r.gateway, &one) ? -1 : ol_addr_eq(&r.gateway, &two) ? 0 : 1);
		seen++;
	}
	eq(seen, 3);
	does_not_answer(FAR);				/* the best is silent: the second best, not the worst */
	eq_str(way(FAR), R2 " from 2001:db8::1");
	world_end(&w);
}

/* req: 4191-3-a */
TEST(ra_tells_of_ways_to_prefixes)
{
	start();
	eq(router(R1, 1800), OL_PASS);
	ra(0);						/* no default router, but a way to somewhere */
	opt_route("2001:db8:9::/48", 0, 600);
	opt_route("2001:db8:a::/48", 2, 600);		/* a reserved preference: ignored */
	opt_route("fe80::/64", 0, 600);
	eq(hear(R2, "ff02::1"), OL_PASS);
	eq_str(way(FAR), R2 " from 2001:db8::1");
	eq_str(way("2001:db8:a::1"), R1 " from 2001:db8::1");
	eq_str(way("2001:db8:5::1"), R1 " from 2001:db8::1");
	later(600 * 1000);
	eq_str(way(FAR), R1 " from 2001:db8::1");
	static const uint8_t torn[8] = { ND_OPT_ROUTE, 1, 64 };	/* 64 bits of prefix, none there */
	ra(0);
	opt(torn, sizeof torn);
	eq(hear(R2, "ff02::1"), OL_PASS);
	world_end(&w);
}

/* What an administrator said comes before what routers say, and stays when they take theirs back. */
TEST(ra_routes_come_after_those_given_by_hand)
{
	start();
	struct ol_route r = { .dst.ver = 6, .gateway = ip("2001:db8::2"), .ifi = LAN };
	eq(net_route_add(w.h[0].net, &r), 0);
	eq(router(R1, 1800), OL_PASS);
	eq_str(way(FAR), "2001:db8::2 from 2001:db8::1");
	eq(net_route_del(w.h[0].net, &r), 0);
	eq_str(way(FAR), R1 " from 2001:db8::1");
	r = (struct ol_route){ .dst.ver = 6, .gateway = ip(R1), .ifi = LAN, .metric = 5 };
	eq(net_route_add(w.h[0].net, &r), 0);
	eq(router(R1, 0), OL_PASS);
	eq_str(way(FAR), R1 " from 2001:db8::1");
	world_end(&w);
}

/* The cable is out: what routers of that network said is nothing. */
TEST(ra_is_forgotten_with_the_link)
{
	struct ol_ip6_link link;
	struct ol_router r;
	struct ol_addr a;
	lan_settled(config());
	ra(1800);
	ra_head()->hop_limit = 9;
	opt_mtu(1300);
	opt_prefix("2001:db8:7::/64", PREFIX_ONLINK | PREFIX_AUTO, 3600, 3600);
	eq(hear(R1, "ff02::1"), OL_PASS);
	plug(false);
	plug(true);
	eq_str(addresses(), LAN_LL " ready auto");
	eq_str(way(FAR), "nowhere");
	eq_str(way("2001:db8:7::7"), "nowhere");
	ok(!net_router_get(w.h[0].net, 0, &r) && !net_server_get(w.h[0].net, LAN, 0, &a));
	eq(net_ip6_link(w.h[0].net, LAN, &link), 0);
	eq(link.hop_limit, 64);
	eq(link.mtu, 1500);
	ok(said_after(1000) >= 0);			/* and it asks again */
	world_end(&w);
}

/* ---- on-link prefixes ------------------------------------------------------------------------------------------------ */

/* req: 4861-4.6.2-a, 4861-6.3.4-g, 4861-6.3.4-h */
TEST(ra_prefix_is_on_the_link_while_it_is_said_so)
{
	start();
	eq(router(R1, 9000), OL_PASS);
	ra(9000);
	opt_prefix("2001:db8:7::/64", PREFIX_ONLINK, 1000, 1000);
	opt_prefix("fe80::/64", PREFIX_ONLINK, 1, 1);		/* the link-local prefix is not to be touched */
	eq(hear(R1, "ff02::1"), OL_PASS);
	eq_str(way("2001:db8:7::7"), "2001:db8:7::7 from 2001:db8::1");
	ra(9000);
	opt_prefix("2001:db8:7::/64", 0, 0, 0);			/* without L: says nothing, least of all the contrary */
	eq(hear(R1, "ff02::1"), OL_PASS);
	eq_str(way("2001:db8:7::7"), "2001:db8:7::7 from 2001:db8::1");
	later(999 * 1000);
	ra(9000);
	opt_prefix("2001:db8:7::/64", PREFIX_ONLINK, 1000, 1000);
	eq(hear(R1, "ff02::1"), OL_PASS);
	later(999 * 1000);
	eq_str(way("2001:db8:7::7"), "2001:db8:7::7 from 2001:db8::1");
	later(1000);
	eq_str(way("2001:db8:7::7"), R1 " from 2001:db8::1");	/* its time was up */
	ra(9000);
	opt_prefix("2001:db8:7::/64", PREFIX_ONLINK, ND_INFINITE, ND_INFINITE);
	eq(hear(R1, "ff02::1"), OL_PASS);
	later(1000 * 1000L);
	eq_str(way("2001:db8:7::7"), "2001:db8:7::7 from 2001:db8::1");
	ra(9000);
	opt_prefix("2001:db8:7::/64", PREFIX_ONLINK, 0, 0);
	eq(hear(R1, "ff02::1"), OL_PASS);
	eq_str(way("2001:db8:7::7"), R1 " from 2001:db8::1");	/* at once */
	eq_str(way("fe80::9"), "fe80::9 from " LAN_LL);
	world_end(&w);
}

/* req: 5942-4-a, 5942-4-b */
TEST(ra_address_says_nothing_of_what_is_on_the_link)
{
	start();
	ra(9000);
	opt_prefix("2001:db8:7::/64", PREFIX_AUTO, 9000, 9000);
	eq(hear(R1, "ff02::1"), OL_PASS);
	eq_str(way("2001:db8:7::7"), R1 " from 2001:db8:7::ff:fe00:1");
	eq(router(R1, 0), OL_PASS);
	eq_str(way("2001:db8:7::7"), "nowhere");		/* no router does not mean that all are neighbours */
	struct net_path path;
	struct ol_addr d = ip("2001:db8:7::7");
	eq(net_route(w.h[0].net, &d, NULL, LAN, &path), OL_ERR_NETUNREACH);	/* nor where one is bound to the interface */
	world_end(&w);
}

/* ---- names: RFC 8106 ------------------------------------------------------------------------------------------------- */

static void opt_rdnss(uint32_t lifetime_s, const char *a, const char *b)
{
	uint8_t o[40] = { ND_OPT_RDNSS, b ? 5 : 3 };
	struct ol_addr x = ip(a), y = b ? ip(b) : x;
	be32_put(o + 4, lifetime_s);
	memcpy(o + 8, x.b, 16);
	memcpy(o + 24, y.b, 16);
	opt(o, b ? 40 : 24);
}

static void opt_dnssl(uint32_t lifetime_s, const char *names, size_t len)
{
	uint8_t o[256] = { ND_OPT_DNSSL, (uint8_t)(1 + (len + 7) / 8) };
	be32_put(o + 4, lifetime_s);
	memcpy(o + 8, names, len);
	opt(o, o[1] * 8u);
}

static const char *servers(void)
{
	static char text[512];
	struct ol_addr a;
	char buf[256];
	*text = 0;
	for (unsigned i = 0; net_server_get(w.h[0].net, LAN, i, &a); i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", ol_addr_str(&a, buf));
	for (unsigned i = 0; net_domain_get(w.h[0].net, LAN, i, buf); i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", buf);
	return text;
}

/* req: 8106-5.1-a */
TEST(ra_tells_of_name_servers_and_search_domains)
{
	static const char names[] = "\7example\3org\0\4test\0";
	start();
	ra(1800);
	opt_rdnss(600, "2001:db8::53", "2001:db8::54");
	opt_dnssl(300, names, sizeof names - 1);
	eq(hear(R1, "ff02::1"), OL_PASS);
	eq_str(servers(), "2001:db8::53 2001:db8::54 example.org test ");
	later(300 * 1000);
	eq_str(servers(), "2001:db8::53 2001:db8::54 ");
	ra(1800);
	opt_rdnss(0, "2001:db8::53", NULL);			/* no longer */
	opt_rdnss(ND_INFINITE, "2001:db8::55", NULL);
	eq(hear(R1, "ff02::1"), OL_PASS);
	eq_str(servers(), "2001:db8::54 2001:db8::55 ");
	later(300 * 1000);
	eq_str(servers(), "2001:db8::55 ");
	for (unsigned i = 1; i <= 50; i++) {			/* a flood */
		char a[32];
		snprintf(a, sizeof a, "2001:db8:5::%x", i);
		ra(1800);
		opt_rdnss(600 + i, a, NULL);
		eq(hear(R1, "ff02::1"), OL_PASS);
	}
	unsigned n = 0;
	struct ol_addr a;
	while (net_server_get(w.h[0].net, LAN, n, &a))
		n++;
	eq(n, 8);
	world_end(&w);
}

TEST(ra_names_that_are_none_are_not_kept)
{
	static const struct { const char *p; size_t len; } bad[] = {
		{ "\7exampl", 7 }, { "\100aaaaaaaa", 9 }, { "\300\14aaaaaa", 8 }, { "\3a.b\0", 5 }, { "\3a b\0", 5 }, { "\0\0\0", 3 },
	};
	static const uint8_t torn[16] = { ND_OPT_RDNSS, 2, 0, 0, 0, 0, 1, 0 };
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		start();
		ra(1800);
		opt_dnssl(300, bad[i].p, bad[i].len);
		opt(torn, sizeof torn);
		opt_rdnss(300, "ff02::53", NULL);
		eq(hear(R1, "ff02::1"), OL_PASS);
		eq_str(servers(), "");
		world_end(&w);
	}
}
