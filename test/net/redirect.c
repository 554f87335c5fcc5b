/* Redirects: RFC 4861 8. */
#include "lan.h"

#define R1 "fe80::a"
#define R2 "fe80::b"
#define R3 "fe80::c"
#define US "2001:db8::1"
#define FAR "2001:db8:9::9"
#define ELSEWHERE "2001:db8:9::8"

static void start(void)
{
	struct net_config c = silent_config();
	lan_settled(c);
	addr(&w, 0, LAN, US "/64");
	ra(9000);
	opt_mac(ND_OPT_SLLA, &lan_mac);
	eq(hear(R1, "ff02::1"), OL_PASS);
	eq_str(way(FAR), R1 " from " US);
}

static enum ol_fate redirected(const char *from, const char *target, const char *dst)
{
	redirect(target, dst);
	return hear(from, US);
}

/* req: 4861-8.3-a, 4861-8.3-c */
TEST(redirect_names_a_better_first_hop)
{
	bool is_router = false;
	start();
	redirect(R2, FAR);
	opt_mac(ND_OPT_TLLA, &lan_mac);
	eq(hear(R1, US), OL_PASS);
	eq_str(way(FAR), R2 " from " US);
	eq_str(way(ELSEWHERE), R1 " from " US);		/* of one destination */
	eq(neigh_state_of(R2, &is_router), NEIGH_STALE);
	ok(is_router);
	eq(send_to(&w, 0, NULL, FAR, 17, 64, 0, false), OL_DONE);
	says("17 " US " > " FAR " to 02:09:09:09:09:09");
	/* the first hop is R2 now, and only R2 may say otherwise */
	eq(redirected(R1, R3, FAR), OL_DROP_ND_REDIRECT);
	eq_str(way(FAR), R2 " from " US);
	eq(redirected(R2, R3, FAR), OL_PASS);
	eq_str(way(FAR), R3 " from " US);
	world_end(&w);
}

/* req: 4861-8.3-b, 4861-8.3-c */
TEST(redirect_to_itself_says_that_the_destination_is_on_the_link)
{
	bool is_router = true;
	start();
	redirect(FAR, FAR);
	opt_mac(ND_OPT_TLLA, &lan_mac);
	eq(hear(R1, US), OL_PASS);
	eq_str(way(FAR), FAR " from " US);
	eq(neigh_state_of(FAR, &is_router), NEIGH_STALE);
	ok(!is_router);
	world_end(&w);
}

/* req: 4861-8.1-a */
TEST(redirect_that_is_not_valid_is_dropped)
{
	static const uint8_t endless[8] = { 2, 0 };
	start();
	redirect(R2, FAR);
	eq(hear("2001:db8::9", US), OL_DROP_ND_BAD);		/* not link-local */
	redirect(R2, FAR);
	eq(hear_with(R1, US, 254, 0), OL_DROP_ND_BAD);
	redirect(R2, FAR);
	eq(hear_with(R1, US, 255, 1), OL_DROP_ND_BAD);
	redirect(R2, FAR);
	opt(endless, sizeof endless);
	eq(hear(R1, US), OL_DROP_ND_BAD);
	eq(redirected(R2, R3, FAR), OL_DROP_ND_REDIRECT);	/* not our first hop */
	eq(redirected(R1, R2, "ff0e::1"), OL_DROP_ND_BAD);
	eq(redirected(R1, "2001:db8::7", FAR), OL_DROP_ND_BAD);	/* neither link-local nor the destination */
	eq(redirected(R1, "ff02::1", FAR), OL_DROP_ND_BAD);
	eq(redirected(R1, LAN_LL, FAR), OL_DROP_ND_REDIRECT);	/* to ourselves */
	eq(redirected(R1, R2, "2001:db8::7"), OL_DROP_ND_REDIRECT);	/* a neighbour needs no router */
	uint8_t p[79] = { 0 };					/* one byte too short */
	struct ol_addr s = ip(R1), d = ip(US);
	wire_icmp6_build(p + 40, &(struct icmp_hdr){ ICMP6_REDIRECT, 0, 0 }, 39, &s, &d);
	wire_ip6_build(p, &(struct ip6_hdr){ .src = s, .dst = d, .len = 39, .next = 58, .hop = 255 });
	eq(give(&w, 0, LAN, p, sizeof p, false), OL_DROP_ND_BAD);
	eq_str(way(FAR), R1 " from " US);
	world_end(&w);
}

/* req: 4861-6.3.5-a, 4861-7.2.5-e */
TEST(redirect_lasts_while_its_router_and_its_target_do)
{
	start();
	ra(9000);
	eq(hear(R3, "ff02::1"), OL_PASS);
	/* the router that said so is gone */
	eq(redirected(R1, R2, FAR), OL_PASS);
	ra(0);
	eq(hear(R1, "ff02::1"), OL_PASS);
	eq_str(way(FAR), R3 " from " US);
	/* the target does not answer */
	eq(redirected(R3, R2, FAR), OL_PASS);
	eq_str(way(FAR), R2 " from " US);
	eq(send_to(&w, 0, NULL, FAR, 17, 64, 0, false), OL_DONE);
	later(4000);
	eq_str(way(FAR), R3 " from " US);
	/* the target says that it is no router */
	redirect(R2, FAR);
	opt_mac(ND_OPT_TLLA, &lan_mac);
	eq(hear(R3, US), OL_PASS);
	eq_str(way(FAR), R2 " from " US);
	eq(hear_na(R2, "ff02::1", R2, ND_OVERRIDE, true), OL_PASS);
	eq_str(way(FAR), R3 " from " US);
	/* the cable is out */
	eq(redirected(R3, R2, FAR), OL_PASS);
	plug(false);
	plug(true);
	ra(9000);
	eq(hear(R3, "ff02::1"), OL_PASS);
	eq_str(way(FAR), R3 " from " US);
	world_end(&w);
}

/* Whoever is our router can name any number of destinations; the oldest is forgotten. */
TEST(redirect_flood_is_bounded)
{
	char dst[40];
	start();
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(dst, sizeof dst, "2001:db8:9::%x", i + 1);
		eq(redirected(R1, R2, dst), OL_PASS);
	}
	eq_str(way("2001:db8:9::1"), R1 " from " US);
	eq_str(way("2001:db8:9::3e8"), R2 " from " US);
	unsigned n = 0;
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(dst, sizeof dst, "2001:db8:9::%x", i + 1);
		n += !strcmp(way(dst), R2 " from " US);
	}
	eq(n, 256);
	world_end(&w);
}

/* Who forwards, or does not want them, does not listen; nobody here sends any.  req: 4861-8.3-d */
TEST(redirect_is_for_hosts_that_want_them)
{
	for (int forwards = 0; forwards < 2; forwards++) {
		struct net_config c = silent_config();
		c.forward6 = forwards;
		c.ip6.accept_redirects = forwards;
		c.ip6.accept_ra = 2;
		lan_settled(c);
		addr(&w, 0, LAN, US "/64");
		ra(9000);
		eq(hear(R1, "ff02::1"), OL_PASS);
		eq(redirected(R1, R2, FAR), OL_PASS);
		eq_str(way(FAR), R1 " from " US);
		/* a datagram that goes out where it came in: a router would say so (RFC 4861 8.2), a host does not forward it */
		uint8_t p[48] = { 0 };
		struct ol_addr s = ip("2001:db8::9"), d = ip(FAR);
		wire_ip6_build(p, &(struct ip6_hdr){ .src = s, .dst = d, .len = 8, .next = 59, .hop = 9 });
		eq(give(&w, 0, LAN, p, sizeof p, false), forwards ? OL_FORWARDED : OL_DROP_IP_NOT_OURS);
		for (const char *text; *(text = said()); )
			ok(strncmp(text, "REDIRECT", 8) != 0);
		world_end(&w);
	}
}
