/*
 * Address conflict detection, RFC 5227, as a station on the wire sees it.  All of it is met with the interface's setting at
 * probe; off, which is the default, leaves an address used at once, and announce leaves out 2.1.
 */
#include "bench.h"
#include <errno.h>

enum { ETH = 2 };
static const struct ol_mac mine = { { 2, 0, 0, 0, 0, 9 } };
static struct bench b;
static struct { enum acd_news what; ol_time at; } news[64];
static int n_news;

static void heard(void *ctx, int ifi, const struct ol_addr *a, enum acd_news what, ol_time now)
{
	eq(ifi, ETH);
	if (n_news < 64) {
		news[n_news].what = what;
		news[n_news].at = now;
	}
	n_news++;
}

static void start_seeded(enum ol_acd acd, enum ol_defend defend, uint8_t seed)
{
	struct link_config c = link_config_default();
	c.seed[0] = seed;
	bench_new(&b, &c);
	struct link_user u = { &b, bench_owns, bench_solicit, bench_failed, NULL, heard };
	link_set_user(b.link, &u);
	struct ol_iface_config e = { .name = "eth1", .link = OL_LINK_ETHER, .mac = mine };
	eq(link_iface_add(b.link, &e), ETH);
	eq(link_iface_acd(b.link, ETH, acd, defend), 0);
	n_news = 0;
}
static void start(enum ol_acd acd, enum ol_defend defend) { start_seeded(acd, defend, 0); }

static int claim(uint32_t a)
{
	struct ol_addr addr = ol_addr_ip4(a);
	return acd_start(b.link, ETH, &addr, false, b.now);
}

static enum acd_state state_of(uint32_t a)
{
	struct acd_row r;
	struct ol_addr addr = ol_addr_ip4(a);
	for (unsigned i = 0; acd_get(b.link, i, &r); i++)
		if (ol_addr_eq(&r.addr, &addr))
			return r.state;
	return (enum acd_state)-1;
}

/* What another station says in ARP. */
static enum ol_fate said(uint16_t op, struct ol_mac sha, uint32_t spa, uint32_t tpa)
{
	struct arp_pkt a = { .op = op, .sha = sha, .tha = op == ARP_REPLY ? mine : (struct ol_mac){ { 0 } }, .spa = ol_addr_ip4(spa),
		.tpa = ol_addr_ip4(tpa) };
	struct ol_pkt *p = ol_pkt_new(b.pool, 60);
	bool many;
	uint8_t *f = ol_pkt_put(p, 60);
	memset(f, 0, 60);
	wire_eth_build(f, &mac_broadcast, &sha, ETH_ARP);
	wire_arp_build(f + 14, &a);
	return link_input(b.link, ETH, &p, &many, b.now);
}

/* The next frame out is an ARP request to all from us, with these addresses. */
static void asks(uint32_t spa, uint32_t tpa)
{
	struct arp_pkt r;
	struct ol_addr s = ol_addr_ip4(spa), t = ol_addr_ip4(tpa);
	struct ol_pkt *p = link_dequeue(b.link, ETH);
	assert_non_null(p);
	eq_mem(p->data, mac_broadcast.b, 6);
	eq(wire_arp_parse(&r, p->data + 14, p->len - 14), OL_PASS);
	ok(r.op == ARP_REQUEST && mac_eq(&r.sha, &mine) && ol_addr_eq(&r.spa, &s) && ol_addr_eq(&r.tpa, &t));
	ok(mac_eq(&r.tha, &(struct ol_mac){ { 0 } }));
	ol_pkt_free(p);
}
static void silence(void) { ok(!link_dequeue(b.link, ETH)); }

/* Time passes until something is said; how long it was. */
static ol_time next_due(void)
{
	ol_time was = b.now, at;
	while (!link_pending(b.link) && (at = wheel_deadline(&b.wheel)) != OL_NEVER)
		bench_pass(&b, at > b.now ? at - b.now : 0);
	return b.now - was;
}

/* req: 5227-2.1-a, 5227-2.1-b, 5227-2.1.1-a, 5227-2.3-a with the setting at probe */
TEST(an_address_is_probed_three_times_and_announced_twice)
{
	for (uint8_t seed = 0; seed < 50; seed++) {
		start_seeded(OL_ACD_PROBE, OL_DEFEND_ONCE, seed);
		eq(claim(OUR_IP), 1);
		silence();
		ol_time t = next_due();
		ok(t >= 0 && t <= OL_SEC);
		asks(0, OUR_IP);
		for (int i = 1; i < 3; i++) {
			t = next_due();
			ok(t >= OL_SEC && t <= 2 * OL_SEC);
			asks(0, OUR_IP);
		}
		eq(n_news, 0);
		eq(next_due(), 2 * OL_SEC);
		eq(n_news, 1);
		eq(news[0].what, ACD_OURS);
		asks(OUR_IP, OUR_IP);
		eq(state_of(OUR_IP), ACD_ANNOUNCED);
		bench_pass(&b, 2 * OL_SEC);
		asks(OUR_IP, OUR_IP);
		bench_pass(&b, 3600 * OL_SEC);			/* and then never again */
		silence();
		eq(state_of(OUR_IP), ACD_HELD);
		bench_end(&b);
	}
}

TEST(probes_of_different_hosts_do_not_meet)
{
	ol_time first[8];
	for (uint8_t i = 0; i < 8; i++) {
		start_seeded(OL_ACD_PROBE, OL_DEFEND_ONCE, i);
		claim(OUR_IP);
		first[i] = next_due();
		for (int k = 0; k < i; k++)
			ok(first[k] != first[i]);
		bench_end(&b);
	}
}

/* req: 5227-2.1.1-b, 5227-2.1.1-c */
TEST(whoever_says_the_address_while_it_is_probed_has_it)
{
	static const struct { uint16_t op; uint32_t spa, tpa; ol_time at; enum ol_fate fate; } rows[] = {
		{ ARP_REPLY, OUR_IP, OUR_IP, 0, OL_DROP_ARP_TAKEN },		/* from the very beginning */
		{ ARP_REQUEST, OUR_IP, PEER_IP, 3 * OL_SEC, OL_DROP_ARP_TAKEN },
		{ ARP_REQUEST, 0, OUR_IP, 3 * OL_SEC, OL_DROP_ARP_TAKEN },	/* it is probed by another */
		{ ARP_REQUEST, PEER_IP, OUR_IP, 3 * OL_SEC, OL_DONE },		/* a question is no conflict */
		{ ARP_REQUEST, 0, PEER_IP, 3 * OL_SEC, OL_DONE },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bool lost = rows[i].fate != OL_DONE;
		start(OL_ACD_PROBE, OL_DEFEND_ALWAYS);
		claim(OUR_IP);
		bench_pass(&b, rows[i].at);
		eq(said(rows[i].op, peer_mac, rows[i].spa, rows[i].tpa), rows[i].fate);
		eq(n_news, lost);
		if (lost)
			eq(news[0].what, ACD_GONE);
		eq(state_of(OUR_IP), lost ? ACD_LOST : ACD_PROBING);
		bench_drain(&b, NULL);
		bench_pass(&b, 60 * OL_SEC);
		eq(n_news, 1);
		eq(state_of(OUR_IP), lost ? ACD_LOST : ACD_HELD);
		bench_end(&b);
	}
}

/* req: 5227-2.1.1-b until two seconds after the last probe */
TEST(the_watch_lasts_until_two_seconds_after_the_last_probe)
{
	start(OL_ACD_PROBE, OL_DEFEND_ONCE);
	claim(OUR_IP);
	for (int i = 0; i < 3; i++) {
		next_due();
		asks(0, OUR_IP);
	}
	bench_pass(&b, 2 * OL_SEC - 1);
	eq(said(ARP_REPLY, peer_mac, OUR_IP, 0), OL_DROP_ARP_TAKEN);
	eq(state_of(OUR_IP), ACD_LOST);
	bench_end(&b);
}

/* req: 5227-2.1.1-c */
TEST(our_own_probe_brought_back_by_a_repeater_is_no_conflict)
{
	start(OL_ACD_PROBE, OL_DEFEND_ONCE);
	claim(OUR_IP);
	bench_pass(&b, 2 * OL_SEC);
	said(ARP_REQUEST, mine, 0, OUR_IP);
	said(ARP_REQUEST, bench_mac, 0, OUR_IP);		/* our other interface, on the same wire */
	eq(state_of(OUR_IP), ACD_PROBING);
	eq(n_news, 0);
	bench_end(&b);
}

/* req: 5227-2.1.1-d */
TEST(after_ten_conflicts_one_new_address_a_minute)
{
	start(OL_ACD_PROBE, OL_DEFEND_ONCE);
	for (uint32_t i = 0; i < 10; i++) {
		ol_time t0 = b.now;
		claim(0x0a000100 + i);
		next_due();
		ok(b.now - t0 <= OL_SEC);
		asks(0, 0x0a000100 + i);
		said(ARP_REPLY, peer_mac, 0x0a000100 + i, 0);
	}
	for (uint32_t i = 10; i < 15; i++) {
		ol_time t0 = b.now;
		n_news = 0;
		claim(0x0a000100 + i);
		next_due();
		if (i > 10)
			ok(b.now - t0 >= 59 * OL_SEC && b.now - t0 <= 61 * OL_SEC);
		asks(0, 0x0a000100 + i);
		said(ARP_REPLY, peer_mac, 0x0a000100 + i, 0);
	}
	bench_end(&b);
}

/* req: 5227-2.4-a, 5227-2.4-b the middle way, and the default where there is a watch */
TEST(an_address_in_use_is_defended_once)
{
	start(OL_ACD_ANNOUNCE, OL_DEFEND_ONCE);
	eq(claim(OUR_IP), 0);
	asks(OUR_IP, OUR_IP);
	bench_pass(&b, 5 * OL_SEC);
	asks(OUR_IP, OUR_IP);
	eq(said(ARP_REQUEST, peer_mac, OUR_IP, OUR_IP), OL_DROP_ARP_DEFENDED);
	asks(OUR_IP, OUR_IP);
	silence();
	bench_pass(&b, 10 * OL_SEC);
	eq(said(ARP_REPLY, peer_mac, OUR_IP, PEER_IP), OL_DROP_ARP_DEFENDED);	/* long enough ago */
	asks(OUR_IP, OUR_IP);
	bench_pass(&b, 10 * OL_SEC - 1);
	eq(n_news, 0);
	eq(said(ARP_REPLY, peer_mac, OUR_IP, PEER_IP), OL_DROP_ARP_LOST);
	eq(n_news, 1);
	eq(news[0].what, ACD_GONE);
	silence();
	struct acd_row r;
	ok(acd_get(b.link, 0, &r) && mac_eq(&r.rival, &peer_mac));
	eq(link_count(b.link, OL_DROP_ARP_DEFENDED), 2);
	eq(link_count(b.link, OL_DROP_ARP_LOST), 1);
	bench_end(&b);
}

/* req: 5227-2.4-a, 5227-2.4-b the two other ways */
TEST(an_address_is_given_up_at_once_or_never)
{
	start(OL_ACD_ANNOUNCE, OL_DEFEND_NEVER);
	claim(OUR_IP);
	eq(said(ARP_REPLY, peer_mac, OUR_IP, PEER_IP), OL_DROP_ARP_LOST);
	eq(n_news, 1);
	bench_end(&b);

	start(OL_ACD_ANNOUNCE, OL_DEFEND_ALWAYS);
	claim(OUR_IP);
	bench_pass(&b, 60 * OL_SEC);
	for (struct ol_pkt *p; (p = link_dequeue(b.link, ETH)); )
		ol_pkt_free(p);
	int sent = 0;
	for (int i = 0; i < 100; i++) {				/* a quarrel of 50 s */
		said(ARP_REPLY, peer_mac, OUR_IP, PEER_IP);
		for (struct ol_pkt *p; (p = link_dequeue(b.link, ETH)); sent++)
			ol_pkt_free(p);
		bench_pass(&b, OL_SEC / 2);
	}
	eq(sent, 5);
	eq(n_news, 0);
	eq(link_count(b.link, OL_DROP_ARP_CONFLICT), 95);
	bench_end(&b);
}

/* req: 5227-2.5-a */
TEST(while_the_address_is_in_use_requests_and_probes_are_answered)
{
	start(OL_ACD_PROBE, OL_DEFEND_ONCE);
	claim(OUR_IP);
	bench_pass(&b, 20 * OL_SEC);
	for (struct ol_pkt *p; (p = link_dequeue(b.link, ETH)); )
		ol_pkt_free(p);
	for (int probe = 0; probe < 2; probe++) {
		struct arp_pkt r;
		eq(said(ARP_REQUEST, peer_mac, probe ? 0 : PEER_IP, OUR_IP), OL_DONE);
		struct ol_pkt *p = link_dequeue(b.link, ETH);
		assert_non_null(p);
		eq(wire_arp_parse(&r, p->data + 14, p->len - 14), OL_PASS);
		eq(r.op, ARP_REPLY);
		eq_mem(p->data, peer_mac.b, 6);
		ol_pkt_free(p);
	}
	eq(n_news, 1);
	bench_end(&b);
}

/* req: 5227-2.1-a also when the link comes up again */
TEST(a_link_that_comes_up_again_is_probed_again)
{
	start(OL_ACD_PROBE, OL_DEFEND_ONCE);
	claim(OUR_IP);
	bench_pass(&b, 20 * OL_SEC);
	eq(link_iface_up(b.link, ETH, false, b.now), 0);
	bench_pass(&b, 100 * OL_SEC);
	eq(n_news, 1);
	link_iface_up(b.link, ETH, true, b.now);
	eq(news[1].what, ACD_DOUBTED);
	eq(state_of(OUR_IP), ACD_PROBING);
	n_news = 0;
	next_due();
	asks(0, OUR_IP);
	link_iface_up(b.link, ETH, false, b.now);		/* in the middle of it */
	bench_pass(&b, 100 * OL_SEC);
	silence();
	link_iface_up(b.link, ETH, true, b.now);
	bench_pass(&b, 20 * OL_SEC);
	eq(news[n_news - 1].what, ACD_OURS);
	eq(state_of(OUR_IP), ACD_HELD);
	bench_end(&b);
}

/* The default: nothing is sent, nothing waits, a conflict is counted. */
TEST(without_the_setting_nothing_is_sent)
{
	start(OL_ACD_OFF, OL_DEFEND_ONCE);
	eq(claim(OUR_IP), 0);
	bench_pass(&b, 60 * OL_SEC);
	silence();
	eq(said(ARP_REQUEST, peer_mac, OUR_IP, OUR_IP), OL_DROP_ARP_CONFLICT);
	silence();
	struct acd_row r;
	ok(!acd_get(b.link, 0, &r));
	eq(link_iface_acd(b.link, ETH, (enum ol_acd)3, OL_DEFEND_ONCE), -EINVAL);
	eq(link_iface_acd(b.link, ETH, OL_ACD_OFF, (enum ol_defend)3), -EINVAL);
	eq(link_iface_acd(b.link, 3, OL_ACD_OFF, OL_DEFEND_ONCE), -ENODEV);
	bench_end(&b);
}

TEST(what_was_lost_is_remembered_up_to_a_bound)
{
	struct acd_row r;
	unsigned n = 0;
	start(OL_ACD_ANNOUNCE, OL_DEFEND_NEVER);
	for (uint32_t i = 0; i < 100; i++) {
		claim(0x0a000100 + i);
		said(ARP_REPLY, peer_mac, 0x0a000100 + i, 0);
	}
	while (acd_get(b.link, n, &r))
		n++;
	eq(n, 16);
	eq(state_of(0x0a000100 + 83), (enum acd_state)-1);
	eq(state_of(0x0a000100 + 84), ACD_LOST);
	claim(0x0a000100 + 99);					/* added again: no longer lost */
	eq(state_of(0x0a000100 + 99), ACD_ANNOUNCED);
	bench_end(&b);
}

/* req: 3927-2.5-c */
TEST(link_local_senders_speak_to_all)
{
	enum { LL = 0xa9fe0105 };
	struct ol_addr spa = ol_addr_ip4(LL), tpa = ol_addr_ip4(0xa9fe0207);
	start(OL_ACD_OFF, OL_DEFEND_ONCE);
	arp_request(b.link, ETH, &spa, &tpa, &peer_mac, b.now);	/* a poll, which would else go to one */
	struct ol_pkt *p = link_dequeue(b.link, ETH);
	assert_non_null(p);
	eq_mem(p->data, mac_broadcast.b, 6);
	ol_pkt_free(p);
	bench_end(&b);
}
