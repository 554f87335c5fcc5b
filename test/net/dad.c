/* Duplicate address detection: RFC 4862 5.4, RFC 4429, RFC 7527. */
#include "lan.h"
#include "wire/eth.h"

/* Routers are no concern here. */
static struct net_config config(bool optimistic)
{
	struct net_config c = net_config_default();
	c.ip6.optimistic_dad = optimistic;
	c.ip6.router_solicitations = 0;
	return c;
}
#define TENTATIVELY config(false)
#define AT_ONCE config(true)

/* What the wire last heard it ask is said again, byte for byte. */
static enum ol_fate echo(void)
{
	for (struct ol_pkt *p; (p = frame(&w, 0, LAN)); ol_pkt_free(p))
		if (p->data[54] == ICMP6_NS) {
			enum ol_fate fate = give(&w, 0, LAN, p->data + 14, p->len - 14, true);
			ol_pkt_free(p);
			return fate;
		}
	fail();
	return OL_DONE;
}

/* req: 4862-5.3-a, 4862-5.4-a, 4862-5.4.2-a, 4862-5.4.2-b, 4862-5.4.2-c, 4291-2.1-a */
TEST(dad_asks_once_from_nowhere_before_an_address_is_ours)
{
	lan_start(TENTATIVELY);
	eq_str(addresses(), LAN_LL " tentative auto");
	long wait = said_after(1000);
	ok(wait > 0);					/* by chance, so that all do not speak together */
	/* its groups were joined before: reports may be on the way, the question is answered only by who is in the group */
	eq_str(addresses(), LAN_LL " tentative auto");
	later(999);
	eq_str(addresses(), LAN_LL " tentative auto");
	later(1);
	eq_str(addresses(), LAN_LL " ready auto");
	silent();
	world_end(&w);
	/* the words themselves, and that reports of its group come from nowhere till then */
	lan_start(TENTATIVELY);
	later(1000);
	bool asked = false;
	for (struct ol_pkt *p; (p = frame(&w, 0, LAN)); ol_pkt_free(p)) {
		static const uint8_t nowhere[16];
		eq_mem(p->data + 22, nowhere, 16);
		asked |= p->data[54] == ICMP6_NS;
	}
	ok(asked);
	world_end(&w);
}

/* req: 4862-5.4.2-c, 4862-5.4-a, 6980-5-a */
TEST(dad_question_has_the_form_that_all_understand)
{
	lan_start(AT_ONCE);
	later(1000);					/* it is the first thing it says, so by chance within a second */
	says("NS :: > ff02::1:ff00:1 " LAN_LL " nonce");
	silent();
	world_end(&w);
}

/* req: 4862-5.1-a */
TEST(dad_transmits_are_a_setting_of_the_interface)
{
	struct net_config c = AT_ONCE;
	struct ol_ip6_config own;
	lan_settled(c);
	eq(net_ip6_get(w.h[0].net, LAN, &own), 0);
	eq(own.dad_transmits, 1);
	own.dad_transmits = 3;
	eq(net_ip6_set(w.h[0].net, LAN, &own, w.now), 0);
	addr(&w, 0, LAN, "fd00::1/64");
	for (int i = 0; i < 3; i++) {
		later(0);
		says("NS :: > ff02::1:ff00:1 fd00::1 nonce");
		silent();
		eq_str(addresses(), "fd00::1 optimistic, " LAN_LL " ready auto");
		later(1000);
	}
	silent();
	eq_str(addresses(), "fd00::1 ready, " LAN_LL " ready auto");
	own.dad_transmits = 0;
	eq(net_ip6_set(w.h[0].net, LAN, &own, w.now), 0);
	addr(&w, 0, LAN, "fd00::2/64");
	eq_str(addresses(), "fd00::1 ready, fd00::2 ready, " LAN_LL " ready auto");
	later(5000);
	silent();
	world_end(&w);
}

/* Of the loopback, and of links without neighbour discovery, nobody is asked. */
TEST(dad_is_for_links_with_neighbours)
{
	lan_start(AT_ONCE);
	struct ol_addr_info i;
	int tun = iface_new(&w, 0, OL_LINK_IP, 1500, 0);
	addr(&w, 0, tun, "fd01::1/64");
	eq(net_addr_info(w.h[0].net, tun, 0, &i), 0);
	eq(i.state, OL_ADDR_READY);
	eq(net_addr_info(w.h[0].net, tun, 1, &i), -2);
	eq(net_addr_info(w.h[0].net, 1, 1, &i), 0);
	eq(i.state, OL_ADDR_READY);
	world_end(&w);
}

/* req: 4862-5.4-c */
TEST(dad_is_of_each_address_whatever_its_identifier)
{
	lan_settled(AT_ONCE);
	addr(&w, 0, LAN, "fd00::ff:fe00:1/64");		/* the identifier of the link-local address, known to be good */
	later(0);
	says("NS :: > ff02::1:ff00:1 fd00::ff:fe00:1 nonce");
	world_end(&w);
}

/* req: 4862-5.4.3-a, 4862-5.4-a */
TEST(dad_tentative_address_is_nobodys_yet)
{
	lan_settled(TENTATIVELY);
	addr(&w, 0, LAN, "fd00::1/64");
	struct ol_addr a;
	unsigned plen;
	eq(net_addr_get(w.h[0].net, LAN, 0, &a, &plen), 0);
	ok(ol_addr_is_linklocal(&a));			/* the only one there is */
	a = ip("fd00::1");
	ok(!net_is_local(w.h[0].net, &a, 0));
	eq(hear_ns("fd00::9", "ff02::1:ff00:1", "fd00::1", true), OL_PASS);
	eq(neigh_state_of("fd00::9", NULL), -1);
	later(500);
	for (const char *s; *(s = said()); )
		ok(!strncmp(s, "NS :: >", 7));		/* its own question, no answer */
	eq_str(way("fd00::9"), "fd00::9 from fe80::ff:fe00:1");	/* RFC 6724: what is not assigned is no candidate */
	later(2000);
	eq_str(way("fd00::9"), "fd00::9 from fd00::1");
	ok(net_is_local(w.h[0].net, &a, 0));
	world_end(&w);
}

/* A router without an address of its own yet does not ask from nowhere: that would mean that it wants the address itself. */
TEST(dad_alone_asks_from_nowhere)
{
	struct net_config c = TENTATIVELY;
	uint8_t p[48] = { 0 };
	struct ol_addr s = ip("fd01::9"), d = ip("fd00::9");
	c.forward6 = true;
	lan_start(c);
	int plain = iface_new(&w, 0, OL_LINK_IP, 1500, 0);
	addr(&w, 0, LAN, "fd00::1/64");
	wire_ip6_build(p, &(struct ip6_hdr){ .src = s, .dst = d, .len = 8, .next = 17, .hop = 9 });
	eq(give(&w, 0, plain, p, sizeof p, false), OL_FORWARDED);
	for (const char *text; *(text = said()); )
		ok(strncmp(text, "NS ::", 5) != 0);
	world_end(&w);
}

/* req: 4862-5.4.3-b, 4862-5.4.5-a */
TEST(dad_question_of_another_for_our_address_makes_it_a_duplicate)
{
	for (int optimistic = 0; optimistic < 2; optimistic++) {
		lan_settled(optimistic ? AT_ONCE : TENTATIVELY);
		addr(&w, 0, LAN, "fd00::1/64");
		eq(hear_ns("::", "ff02::1:ff00:1", "fd00::2:0:1", false), OL_PASS);	/* of another address */
		eq(address("fd00::1").state, optimistic ? OL_ADDR_OPTIMISTIC : OL_ADDR_TENTATIVE);
		eq(hear_ns("::", "ff02::1:ff00:1", "fd00::1", false), OL_DROP_ND_DUPLICATE);
		eq(net_count(w.h[0].net, OL_DROP_ND_DUPLICATE), 1);
		eq(address("fd00::1").state, OL_ADDR_DUPLICATE);
		later(5000);
		silent();				/* it asks no more, and claims nothing */
		struct ol_addr a = ip("fd00::1");
		eq(address("fd00::1").state, OL_ADDR_DUPLICATE);
		ok(!net_is_local(w.h[0].net, &a, 0));
		eq(hear_ns("fd00::9", "ff02::1:ff00:1", "fd00::1", true), OL_PASS);
		silent();
		ok(strcmp(way("fd00::9"), "fd00::9 from fd00::1") != 0);
		eq(net_addr_del(w.h[0].net, LAN, &a, w.now), 0);
		world_end(&w);
	}
}

/* req: 4862-5.4.4-a, 4862-5.4.5-a */
TEST(dad_advertisement_of_our_address_makes_it_a_duplicate)
{
	for (int optimistic = 0; optimistic < 2; optimistic++) {
		lan_settled(optimistic ? AT_ONCE : TENTATIVELY);
		addr(&w, 0, LAN, "fd00::1/64");
		later(1);
		/* as its owner says it: from the address itself, to all */
		eq(hear_na("fd00::1", "ff02::1", "fd00::1", ND_OVERRIDE, true), OL_DROP_ND_DUPLICATE);
		eq(address("fd00::1").state, OL_ADDR_DUPLICATE);
		later(5000);
		eq(address("fd00::1").state, OL_ADDR_DUPLICATE);
		world_end(&w);
	}
}

/* Once an address is ours it stays ours: RFC 4862 5.4 leaves no other way. */
TEST(dad_leaves_alone_what_is_known_to_be_ours)
{
	lan_settled(AT_ONCE);
	addr(&w, 0, LAN, "fd00::1/64");
	later(1500);
	while (*said())
		;
	eq(hear_ns("::", "ff02::1:ff00:1", "fd00::1", false), OL_PASS);
	says("NA fd00::1 > ff02::1 fd00::1 O tlla");
	eq(hear_na("fd00::9", "ff02::1", "fd00::1", ND_OVERRIDE, true), OL_DROP_ARP_CONFLICT);
	eq(address("fd00::1").state, OL_ADDR_READY);
	world_end(&w);
}

/* req: 4862-5.4.3-b */
TEST(dad_knows_its_own_question_when_it_comes_back)
{
	lan_settled(AT_ONCE);
	addr(&w, 0, LAN, "fd00::1/64");
	later(0);
	eq(echo(), OL_PASS);
	forget(&w, 0);
	eq(address("fd00::1").state, OL_ADDR_OPTIMISTIC);
	later(2000);
	eq(address("fd00::1").state, OL_ADDR_READY);
	world_end(&w);
}

/* req: 4862-5.4.5-b */
TEST(dad_of_the_hardware_s_own_address_failing_ends_ipv6_there)
{
	lan_start(AT_ONCE);
	addr(&w, 0, LAN, "fd00::1/64");
	later(0);
	eq(hear_na(LAN_LL, "ff02::1", LAN_LL, ND_OVERRIDE, true), OL_DROP_ND_DUPLICATE);
	struct ol_ip6_link link;
	eq(net_ip6_link(w.h[0].net, LAN, &link), 0);
	ok(link.disabled);
	while (*said())
		;
	eq_str(way("fd00::9"), "nowhere");
	eq(hear_ns("fd00::9", "ff02::1:ff00:1", "fd00::1", true), OL_DROP_ND_DISABLED);
	later(60000);
	struct ol_pkt *p = frame(&w, 0, LAN);
	ok(!p);						/* not even a report */
	/* a cable put in anew may be another network */
	plug(false);
	plug(true);
	later(3000);
	eq_str(addresses(), "fd00::1 ready, " LAN_LL " ready auto");
	eq_str(way("fd00::9"), "fd00::9 from fd00::1");
	world_end(&w);
}

/* RFC 7217 6: an identifier that was drawn is drawn again, some times.  req: 7217-6-a */
TEST(dad_of_a_drawn_identifier_failing_draws_another)
{
	struct net_config c = AT_ONCE;
	c.ip6.addr_gen_mode = OL_GEN_STABLE;
	lan_start(c);
	struct ol_addr_info i, before = { 0 };
	char text[OL_ADDR_STRLEN];
	for (int times = 0; times < 4; times++) {
		later(0);
		eq(net_addr_info(w.h[0].net, LAN, 0, &i), 0);
		eq(i.state, OL_ADDR_OPTIMISTIC);
		ok(!ol_addr_eq(&i.addr, &before.addr));
		before = i;
		i.addr.scope = 0;
		ol_addr_str(&i.addr, text);
		eq(hear_na(text, "ff02::1", text, ND_OVERRIDE, true), OL_DROP_ND_DUPLICATE);
	}
	eq(net_addr_info(w.h[0].net, LAN, 0, &i), 0);
	eq(i.state, OL_ADDR_DUPLICATE);			/* that is enough */
	struct ol_ip6_link link;
	net_ip6_link(w.h[0].net, LAN, &link);
	ok(!link.disabled);				/* and says nothing of the hardware address */
	world_end(&w);
}

/* ---- optimistic: RFC 4429 -------------------------------------------------------------------------------------------- */

/* 3.3: it answers for the address, but overrides nobody's cache; 3.2: what it asks changes nobody's cache. */
TEST(dad_optimistic_address_is_used_at_once_and_leaves_caches_in_peace)
{
	lan_start(AT_ONCE);
	w.now++;
	addr(&w, 0, LAN, "fd00::1/64");
	struct ol_addr a = ip("fd00::1");
	ok(net_is_local(w.h[0].net, &a, 0));
	later(0);
	says("NS :: > ff02::1:ff00:1 fd00::1 nonce");	/* this one need not wait: 3.3 */
	eq(hear_ns("fd00::9", "ff02::1:ff00:1", "fd00::1", true), OL_PASS);
	says("NA fd00::1 > fd00::9 fd00::1 S tlla");
	eq(send_to(&w, 0, NULL, "fd00::8", 17, 64, 0, false), OL_DONE);
	says("NS fd00::1 > ff02::1:ff00:8 fd00::8");	/* no slla */
	eq(hear_na("fd00::8", "fd00::1", "fd00::8", ND_SOLICITED, true), OL_PASS);
	says("17 fd00::1 > fd00::8 to 02:09:09:09:09:09");
	later(1000);
	says("NS :: > ff02::1:ff00:1 " LAN_LL " nonce");
	eq(send_to(&w, 0, NULL, "fd00::7", 17, 64, 0, false), OL_DONE);
	says("NS fd00::1 > ff02::1:ff00:7 fd00::7 slla");
	eq(hear_ns("fd00::9", "ff02::1:ff00:1", "fd00::1", true), OL_PASS);
	says("NA fd00::1 > fd00::9 fd00::1 SO tlla");
	world_end(&w);
}

/* One whose own address is settled asks from that. */
TEST(dad_optimistic_host_asks_from_a_settled_address)
{
	lan_settled(AT_ONCE);
	addr(&w, 0, LAN, "fd00::1/64");
	eq(send_to(&w, 0, "fd00::1", "fd00::8", 17, 64, 0, false), OL_DONE);
	says("NS " LAN_LL " > ff02::1:ff00:8 fd00::8 slla");
	world_end(&w);
}

/* Two that have just come up speak with each other at once, though neither may tell its link address when it asks. */
TEST(dad_two_optimistic_hosts_reach_each_other_at_once)
{
	struct net_config c = net_config_default();
	world_new(&w);
	for (int i = 0; i < 2; i++) {
		host_new(&w, &c);
		iface_new(&w, i, OL_LINK_ETHER, 1500, 0);
		addr(&w, i, LAN, i ? "fd00::2/64" : "fd00::1/64");
	}
	join(&w, 0, LAN, 1, LAN);
	eq(send_to(&w, 0, NULL, "fd00::2", 17, 64, 0, false), OL_DONE);
	pump(&w);
	eq(w.h[1].n_up, 1);
	eq(send_to(&w, 1, NULL, "fd00::1", 17, 64, 0, false), OL_DONE);
	pump(&w);
	eq(w.h[0].n_up, 1);
	pass(&w, 3 * OL_SEC);
	world_end(&w);
}

/* Two that want the same address: no more than one gets it.  One that has it keeps it. */
TEST(dad_of_one_address_for_two)
{
	struct net_config c = AT_ONCE;
	struct ol_addr_info i;
	for (int late = 0; late < 2; late++) {
		world_new(&w);
		for (int h = 0; h < 2; h++) {
			host_new(&w, &c);
			iface_new(&w, h, OL_LINK_ETHER, 1500, 0);
		}
		join(&w, 0, LAN, 1, LAN);
		addr(&w, 0, LAN, "fd00::1/64");
		if (late)
			pass(&w, 5 * OL_SEC);
		addr(&w, 1, LAN, "fd00::1/64");
		pass(&w, 5 * OL_SEC);
		eq(net_addr_info(w.h[0].net, LAN, 0, &i), 0);
		bool first = i.state == OL_ADDR_READY;
		eq(net_addr_info(w.h[1].net, LAN, 0, &i), 0);
		ok(late ? first && i.state == OL_ADDR_DUPLICATE : !first || i.state == OL_ADDR_DUPLICATE);
		world_end(&w);
	}
}

/* A cable out and in again: everything is asked for anew. */
TEST(dad_begins_anew_with_the_link)
{
	lan_settled(AT_ONCE);
	plug(false);
	later(5000);
	silent();
	plug(true);
	eq_str(addresses(), LAN_LL " optimistic auto");
	later(1000);
	says("NS :: > ff02::1:ff00:1 " LAN_LL " nonce");
	later(1000);
	eq_str(addresses(), LAN_LL " ready auto");
	world_end(&w);
}
