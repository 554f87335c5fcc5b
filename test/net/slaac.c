/* Addresses made from what routers advertise: RFC 4862 5.5, RFC 7217; which of them speaks: RFC 6724 5. */
#include "lan.h"

#define R1 "fe80::a"
#define MADE "2001:db8:7::ff:fe00:1"		/* of that prefix and the hardware address */
#define PREFIX "2001:db8:7::/64"
enum { HOUR = 3600 };

static struct net_config config(void)
{
	struct net_config c = net_config_default();
	c.ip6.dad_transmits = 0;
	c.ip6.router_solicitations = 0;
	return c;
}

static void prefix(const char *text, uint8_t flags, uint32_t valid_s, uint32_t preferred_s)
{
	ra(1800);
	opt_prefix(text, flags, valid_s, preferred_s);
	eq(hear(R1, "ff02::1"), OL_PASS);
}

/* Seconds left until the address is invalid, and until it is deprecated. */
static long valid(const char *a) { return (long)((address(a).valid_until - w.now) / OL_SEC); }
static long preferred(const char *a) { return (long)((address(a).preferred_until - w.now) / OL_SEC); }

/* req: 4862-5.5-a */
TEST(slaac_makes_an_address_of_a_prefix)
{
	lan_settled(config());
	prefix(PREFIX, PREFIX_AUTO | PREFIX_ONLINK, 9000, 5000);
	eq_str(addresses(), MADE " ready auto, " LAN_LL " ready auto");
	eq(valid(MADE), 9000);
	eq(preferred(MADE), 5000);
	eq(address(MADE).plen, 64);
	eq_str(way("2001:db8:9::9"), R1 " from " MADE);
	prefix(PREFIX, PREFIX_AUTO, ND_INFINITE, ND_INFINITE);
	ok(address(MADE).valid_until == OL_NEVER && address(MADE).preferred_until == OL_NEVER);
	world_end(&w);
	/* it is asked for as any other: req: 4862-5.4-a */
	struct net_config c = config();
	c.ip6.dad_transmits = 1;
	lan_settled(c);
	prefix(PREFIX, PREFIX_AUTO, 9000, 5000);
	later(0);
	says("NS :: > ff02::1:ff00:1 " MADE " nonce");
	eq(hear_na(MADE, "ff02::1", MADE, ND_OVERRIDE, true), OL_DROP_ND_DUPLICATE);
	prefix(PREFIX, PREFIX_AUTO, 9000, 5000);	/* said again, it is somebody else's still */
	later(5000);
	eq_str(addresses(), MADE " duplicate auto, " LAN_LL " ready auto");
	world_end(&w);
}

/* req: 4862-5.5.3-a, 4862-5.5.3-b */
TEST(slaac_leaves_alone_what_makes_no_address)
{
	struct net_config c = config();
	lan_settled(c);
	prefix(PREFIX, PREFIX_ONLINK, 9000, 5000);			/* no A flag */
	prefix("fe80::/64", PREFIX_AUTO, 9000, 5000);
	prefix(PREFIX, PREFIX_AUTO, 5000, 5001);			/* preferred for longer than valid */
	prefix(PREFIX, PREFIX_AUTO, 0, 0);
	prefix("2001:db8:7::/63", PREFIX_AUTO, 9000, 5000);		/* 63 and 64 are not 128 */
	prefix("2001:db8:7::/65", PREFIX_AUTO, 9000, 5000);
	prefix("2001:db8:7::/128", PREFIX_AUTO, 9000, 5000);
	prefix("ff05::/64", PREFIX_AUTO, 9000, 5000);
	static const uint8_t torn[24] = { ND_OPT_PREFIX, 3, 64, PREFIX_AUTO, 0, 1, 0, 0, 0, 1 };
	static const uint8_t longer[32] = { ND_OPT_PREFIX, 4, 129, PREFIX_AUTO | PREFIX_ONLINK, 0, 1, 0, 0, 0, 1 };
	ra(1800);
	opt(torn, sizeof torn);
	opt(longer, sizeof longer);
	eq(hear(R1, "ff02::1"), OL_PASS);
	eq_str(addresses(), LAN_LL " ready auto");
	world_end(&w);
	c.ip6.autoconf = false;
	lan_settled(c);
	prefix(PREFIX, PREFIX_AUTO | PREFIX_ONLINK, 9000, 5000);
	eq_str(addresses(), LAN_LL " ready auto");
	eq_str(way("2001:db8:7::7"), "2001:db8:7::7 from " LAN_LL);	/* it is on the link all the same */
	world_end(&w);
}

/* req: 4862-5.5.3-c, 4862-5.5.3-d */
TEST(slaac_lifetimes_are_cut_to_two_hours_and_no_shorter)
{
	lan_settled(config());
	prefix(PREFIX, PREFIX_AUTO, 24 * HOUR, 24 * HOUR);
	prefix(PREFIX, PREFIX_AUTO, 3 * HOUR, HOUR);		/* more than two hours: as it is said */
	eq(valid(MADE), 3 * HOUR);
	eq(preferred(MADE), HOUR);
	prefix(PREFIX, PREFIX_AUTO, 10, 5);			/* an attack, perhaps: two hours */
	eq(valid(MADE), 2 * HOUR);
	eq(preferred(MADE), 5);					/* that one is always believed */
	later(1000 * 1000);
	prefix(PREFIX, PREFIX_AUTO, 10, 5);			/* less than two hours are left: they stay */
	eq(valid(MADE), 2 * HOUR - 1000);
	eq(preferred(MADE), 5);
	prefix(PREFIX, PREFIX_AUTO, 2 * HOUR - 900, 7);		/* longer than what is left */
	eq(valid(MADE), 2 * HOUR - 900);
	prefix(PREFIX, PREFIX_AUTO, 0, 0);
	eq(valid(MADE), 2 * HOUR - 900);
	ok(address(MADE).deprecated);
	prefix(PREFIX, PREFIX_AUTO, ND_INFINITE, ND_INFINITE);
	ok(!address(MADE).deprecated);
	prefix(PREFIX, PREFIX_AUTO, 1, 1);
	eq(valid(MADE), 2 * HOUR);				/* from for ever, too */
	world_end(&w);
}

static bool is_ours(const char *text)
{
	struct ol_addr a = ip(text);
	return net_is_local(w.h[0].net, &a, 0);
}

/* req: 4862-5.5.4-a, 4862-5.5.4-b, 4862-5.5.4-c */
TEST(slaac_deprecated_address_listens_and_an_invalid_one_is_gone)
{
	lan_settled(config());
	prefix(PREFIX, PREFIX_AUTO | PREFIX_ONLINK, 3 * HOUR, 100);
	prefix("2001:db8:8::/64", PREFIX_AUTO, 4 * HOUR, 4 * HOUR);
	eq_str(way("2001:db8:7::7"), "2001:db8:7::7 from " MADE);
	later(100 * 1000);
	ok(address(MADE).deprecated);
	eq_str(way("2001:db8:7::7"), "2001:db8:7::7 from 2001:db8:8::ff:fe00:1");	/* RFC 6724 rule 3 before rule 8 */
	ok(is_ours(MADE));
	eq(hear_ns("2001:db8:7::7", "ff02::1:ff00:1", MADE, true), OL_PASS);
	says("NA " MADE " > 2001:db8:7::7 " MADE " SO tlla");
	eq(send_to(&w, 0, MADE, "2001:db8:7::7", 17, 64, 0, false), OL_DONE);		/* who holds on to it may */
	says("17 " MADE " > 2001:db8:7::7 to 02:09:09:09:09:09");
	later((3L * HOUR - 100) * 1000);
	while (*said())
		;
	ok(!is_ours(MADE));
	eq_str(addresses(), "2001:db8:8::ff:fe00:1 ready auto, " LAN_LL " ready auto");
	eq(hear_ns("2001:db8:7::7", "ff02::1:ff00:1", MADE, true), OL_PASS);
	silent();
	world_end(&w);
	/* the only one with the scope: a deprecated address is better than none */
	lan_settled(config());
	prefix(PREFIX, PREFIX_AUTO, 3 * HOUR, 0);
	eq_str(way("2001:db8:9::9"), R1 " from " MADE);
	world_end(&w);
}

/* A prefix that made an address and one given by hand do not meet; what is given by hand is not touched. */
TEST(slaac_does_not_touch_what_was_given_by_hand)
{
	lan_settled(config());
	addr(&w, 0, LAN, "2001:db8:7::1/64");
	prefix(PREFIX, PREFIX_AUTO | PREFIX_ONLINK, 9000, 5000);
	prefix(PREFIX, PREFIX_AUTO | PREFIX_ONLINK, 1, 1);
	eq(address("2001:db8:7::1").valid_until, OL_NEVER);
	eq_str(addresses(), "2001:db8:7::1 ready, " MADE " ready auto, " LAN_LL " ready auto");
	struct ol_addr a = ip("2001:db8:7::1");
	eq(net_addr_del(w.h[0].net, LAN, &a, w.now), 0);
	later(2000);
	eq_str(way("2001:db8:7::7"), R1 " from " MADE);		/* its prefix was on the link by hand, and by a router for a second */
	/* the very address that would be made */
	a = ip(MADE);
	eq(net_addr_del(w.h[0].net, LAN, &a, w.now), 0);
	addr(&w, 0, LAN, MADE "/64");
	prefix(PREFIX, PREFIX_AUTO, 9000, 5000);
	eq_str(addresses(), MADE " ready, " LAN_LL " ready auto");
	world_end(&w);
}

/* req: 4861-7.2.1-b */
TEST(slaac_group_stays_while_an_address_needs_it)
{
	lan_settled(config());				/* its link-local address has the same last bytes */
	prefix(PREFIX, PREFIX_AUTO, 3 * HOUR, 100);
	later(3L * HOUR * 1000);
	while (*said())
		;
	eq_str(addresses(), LAN_LL " ready auto");
	eq(hear_ns("fe80::9", "ff02::1:ff00:1", LAN_LL, true), OL_PASS);
	says("NA " LAN_LL " > fe80::9 " LAN_LL " SO tlla");
	struct ol_addr a = ip(LAN_LL);
	a.scope = LAN;
	eq(net_addr_del(w.h[0].net, LAN, &a, w.now), 0);
	eq(hear_ns("fe80::9", "ff02::1:ff00:1", LAN_LL, true), OL_DROP_IP_NOT_OURS);	/* and is left with the last */
	world_end(&w);
}

/* ---- RFC 7217 -------------------------------------------------------------------------------------------------------- */

static struct ol_addr made(unsigned seed, const char *pfx, int host)
{
	struct net_config c = config();
	struct ol_addr_info i;
	c.ip6.addr_gen_mode = OL_GEN_STABLE;
	c.seed[7] = (uint8_t)seed;
	world_new(&w);
	for (int h = 0; h <= host; h++)
		host_new(&w, &c);
	iface_new(&w, 0, OL_LINK_ETHER, 1500, 0);
	net_ip6_start(w.h[0].net, LAN, w.now);
	prefix(pfx, PREFIX_AUTO, 9000, 5000);
	eq(net_addr_info(w.h[0].net, LAN, 0, &i), 0);
	ok(i.autoconf && !ol_addr_is_linklocal(&i.addr));
	world_end(&w);
	return i.addr;
}

/* req: 7217-5-a, 7217-5-b */
TEST(slaac_stable_identifier_is_of_prefix_interface_and_secret)
{
	struct ol_addr a = made(1, PREFIX, 0), again = made(1, PREFIX, 0), other_prefix = made(1, "2001:db8:8::/64", 0),
		other_secret = made(2, PREFIX, 0);
	ok(ol_addr_eq(&a, &again));
	ok(memcmp(a.b + 8, other_prefix.b + 8, 8) != 0);
	ok(memcmp(a.b + 8, other_secret.b + 8, 8) != 0);
	static const uint8_t eui[8] = { 0, 0, 0, 0xff, 0xfe, 0, 0, 1 };
	ok(memcmp(a.b + 8, eui, 8) != 0);
	/* two interfaces of one host */
	struct net_config c = config();
	struct ol_addr_info i, k;
	c.ip6.addr_gen_mode = OL_GEN_STABLE;
	lan_start(c);
	int second = iface_new(&w, 0, OL_LINK_ETHER, 1500, 0);
	net_ip6_start(w.h[0].net, second, w.now);
	eq(net_addr_info(w.h[0].net, LAN, 0, &i), 0);
	eq(net_addr_info(w.h[0].net, second, 0, &k), 0);
	ok(memcmp(i.addr.b + 8, k.addr.b + 8, 8) != 0);
	world_end(&w);
}

/* Settings that are none are refused. */
TEST(slaac_settings_are_checked)
{
	struct ol_ip6_config conf;
	lan_start(config());
	eq(net_ip6_get(w.h[0].net, LAN, &conf), 0);
	conf.addr_gen_mode = 1;
	eq(net_ip6_set(w.h[0].net, LAN, &conf, w.now), -22);
	conf.addr_gen_mode = OL_GEN_STABLE;
	conf.accept_ra = 3;
	eq(net_ip6_set(w.h[0].net, LAN, &conf, w.now), -22);
	conf.accept_ra = 1;
	eq(net_ip6_set(w.h[0].net, 99, &conf, w.now), -19);
	eq(net_ip6_set(w.h[0].net, 1, &conf, w.now), -95);		/* lo has no neighbours */
	int small = iface_new(&w, 0, OL_LINK_ETHER, 1279, 0);
	eq(net_ip6_set(w.h[0].net, small, &conf, w.now), -95);		/* req: 8200-5-a */
	net_ip6_start(w.h[0].net, small, w.now);
	struct ol_addr_info i;
	eq(net_addr_info(w.h[0].net, small, 0, &i), -2);
	world_end(&w);
}
