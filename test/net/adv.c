/* A router that advertises itself: RFC 4861 6.2. */
#include "lan.h"
#include "base/be.h"

#define SAID(lifetime) "RA " LAN_LL " > ff02::1 " lifetime " slla prefix"

static struct net_config config(bool forwards, uint8_t dad)
{
	struct net_config c = net_config_default();
	c.forward6 = forwards;
	c.ip6.dad_transmits = dad;
	return c;
}

static struct ol_ra_config offer(void)
{
	struct ol_ra_config c = { .interval_s = 600, .lifetime_s = 1800, .hop_limit = 64, .n_prefixes = 1 };
	c.prefix[0] = (struct ol_ra_prefix){ ip("2001:db8:7::"), 64, true, true, 86400, 14400 };
	return c;
}

static int advertise(const struct ol_ra_config *c) { return net_advertise(w.h[0].net, LAN, c, w.now); }

static enum ol_fate solicited(const char *src, bool slla)
{
	uint8_t b[56] = { 0 };
	struct ol_addr s = ip(src), d = ip("ff02::2");
	size_t len = slla ? 16 : 8;
	memcpy(b + 48, (uint8_t[]){ ND_OPT_SLLA, 1 }, 2);
	memcpy(b + 50, lan_mac.b, 6);
	wire_icmp6_build(b + 40, &(struct icmp_hdr){ ICMP6_RS, 0, 0 }, len, &s, &d);
	wire_ip6_build(b, &(struct ip6_hdr){ .src = s, .dst = d, .len = (uint16_t)len, .next = 58, .hop = 255 });
	enum ol_fate fate = give(&w, 0, LAN, b, 40 + len, true);
	forget(&w, 0);
	return fate;
}

/* 6.2.4: the first three within 16 s of each other, then each between a third of the interval and all of it, by chance. */
TEST(adv_is_sent_often_at_first_and_then_at_random)
{
	struct ol_ra_config c = offer();
	lan_settled(config(true, 0));
	eq(advertise(&c), 0);
	ok(said_after(500) >= 0);
	for (int i = 0; i < 3; i++) {
		long ms = said_after(16000);
		ok(ms >= 3000);
	}
	long last = 0;
	for (int i = 0; i < 5; i++) {
		long ms = said_after(600 * 1000);
		ok(ms >= 200 * 1000 && ms != last);
		last = ms;
	}
	world_end(&w);
}

/* 6.2.6: who asks need not wait, but 3 s lie between two; 6.1.1: and what is asked must be well formed. */
TEST(adv_answers_who_asks_but_not_too_often)
{
	struct ol_ra_config c = offer();
	bool router = true;
	lan_settled(config(true, 0));
	eq(advertise(&c), 0);
	later(100 * 1000);
	while (*said())
		;
	eq(solicited("fe80::9", true), OL_PASS);
	ok(said_after(500) >= 0);
	eq(neigh_state_of("fe80::9", &router), NEIGH_STALE);
	ok(!router);
	for (int i = 0; i < 20; i++)
		eq(solicited("::", false), OL_PASS);
	long ms = said_after(3500);
	ok(ms >= 2500);
	later(2000);
	silent();
	eq(solicited("::", true), OL_DROP_ND_BAD);
	world_end(&w);
}

/* 6.2.5: it says that it ends. */
TEST(adv_says_when_it_ends)
{
	struct ol_ra_config c = offer();
	lan_settled(config(true, 0));
	eq(advertise(&c), 0);
	later(500);
	says(SAID("1800"));
	eq(advertise(NULL), 0);
	says(SAID("0"));
	later(3600 * 1000L);
	silent();
	eq(advertise(NULL), 0);
	silent();
	world_end(&w);
}

/* A router tells its hardware address with it, so it waits until its own address is known to be its. */
TEST(adv_waits_for_its_own_address)
{
	struct ol_ra_config c = offer();
	lan_start(config(true, 3));
	eq(advertise(&c), 0);
	later(2900);
	for (const char *s; *(s = said()); )
		ok(strncmp(s, "RA", 2) != 0);
	later(3000);
	bool heard = false;
	for (const char *s; *(s = said()); )
		heard |= !strcmp(s, SAID("1800"));
	ok(heard);
	plug(false);
	later(3600 * 1000L);
	silent();
	plug(true);
	later(5000);
	heard = false;
	for (const char *s; *(s = said()); )
		heard |= !strcmp(s, SAID("1800"));
	ok(heard);
	world_end(&w);
}

/* req: 4861-6.2.4-a */
TEST(adv_is_for_those_who_forward)
{
	struct ol_ra_config c = offer();
	lan_settled(config(false, 0));
	eq(advertise(&c), -1);
	later(60 * 1000);
	silent();
	world_end(&w);
}

/* 6.2.1: what cannot be said. */
TEST(adv_settings_are_checked)
{
	lan_settled(config(true, 0));
	for (int i = 0; i < 9; i++) {
		struct ol_ra_config c = offer();
		switch (i) {
		case 0: c.interval_s = 3; break;
		case 1: c.interval_s = 1801; break;
		case 2: c.lifetime_s = 599; break;
		case 3: c.lifetime_s = 9001; break;
		case 4: c.reachable_ms = 3600001; break;
		case 5: c.n_prefixes = 9; break;
		case 6: c.prefix[0].preferred_s = 86401; break;
		case 7: c.prefix[0].prefix = ip("fe80::"); break;
		case 8: c.mtu = 1279; break;
		}
		eq(advertise(&c), -22);
	}
	struct ol_ra_config c = offer();
	eq(net_advertise(w.h[0].net, 1, &c, w.now), -95);
	eq(net_advertise(w.h[0].net, 99, &c, w.now), -19);
	world_end(&w);
}

/* A host and a router, each ours: the host needs nothing but the wire.  And when the router ends, it has no way any more. */
TEST(adv_makes_a_host_out_of_nothing)
{
	struct net_config router = config(true, 1), host = config(false, 1);
	struct ol_ra_config c = offer();
	struct ol_ip6_link link;
	struct ol_addr a, server = ip("2001:db8:7::53"), far = ip("2001:db8:9::9");
	struct net_path path;
	unsigned plen;
	c.mtu = 1400;
	c.hop_limit = 33;
	c.n_servers = 1;
	c.server[0] = server;
	world_new(&w);
	host_new(&w, &router);
	host_new(&w, &host);
	for (int i = 0; i < 2; i++) {
		eq(iface_new(&w, i, OL_LINK_ETHER, 1500, 0), LAN);
		net_ip6_start(w.h[i].net, LAN, w.now);
	}
	join(&w, 0, LAN, 1, LAN);
	addr(&w, 0, LAN, "2001:db8:7::1/64");
	eq(advertise(&c), 0);
	pass(&w, 10 * OL_SEC);
	eq(net_addr_get(w.h[1].net, LAN, 0, &a, &plen), 0);
	struct ol_addr want = ip("2001:db8:7:0:0:ff:fe00:101");
	ok(ol_addr_eq(&a, &want));
	eq(net_route(w.h[1].net, &far, NULL, 0, &path), OL_OK);
	ok(ol_addr_eq(&path.src, &want));
	eq(path.mtu, 1400);
	eq(net_ip6_link(w.h[1].net, LAN, &link), 0);
	eq(link.hop_limit, 33);
	ok(net_server_get(w.h[1].net, LAN, 0, &a) && ol_addr_eq(&a, &server));
	ping(&w, 1, "2001:db8:7::1", 10, 0, false);
	pass(&w, OL_SEC);
	bool answered = false;
	for (int i = 0; i < w.h[1].n_up; i++)
		answered |= up(&w, 1, i)->pkt->data[0] == ICMP6_ECHO_REPLY;
	ok(answered);
	eq(advertise(NULL), 0);
	pass(&w, OL_SEC);
	eq(net_route(w.h[1].net, &far, NULL, 0, &path), OL_ERR_NETUNREACH);
	ok(!net_server_get(w.h[1].net, LAN, 0, &a));
	world_end(&w);
}
