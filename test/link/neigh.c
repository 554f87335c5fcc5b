/* The neighbour cache by way of ARP: RFC 826 in its order, RFC 4861 7.3.3's machine, and every bound. */
#include "bench.h"

/* req: 826-generation-a, 1122-2.3.2.2-a, 1122-2.3.3-f, 4861-7.3.2-a */
TEST(packets_wait_for_the_answer_and_go_in_order)
{
	struct bench b;
	struct ol_mac dst = { { 0 } };
	bench_new(&b, NULL);
	for (size_t i = 0; i < 5; i++)
		eq(bench_send(&b, PEER_IP, 100 + i), OL_DONE);
	eq(b.asked, 1);
	struct ol_pkt *p = link_dequeue(b.link, 1);
	ok(mac_is_broadcast(&(struct ol_mac){ { p->data[0], p->data[1], p->data[2], p->data[3], p->data[4], p->data[5] } }));
	eq(p->len, 60);
	ol_pkt_free(p);
	ok(!link_dequeue(b.link, 1));
	eq(bench_state(&b, PEER_IP), NEIGH_INCOMPLETE);
	eq(bench_arp(&b, ARP_REPLY, peer_mac, PEER_IP, OUR_IP, false), OL_DONE);
	eq(bench_state(&b, PEER_IP), NEIGH_REACHABLE);
	for (size_t i = 0; i < 5; i++) {
		p = link_dequeue(b.link, 1);
		eq(p->len, 114 + i);
		eq_mem(p->data, peer_mac.b, 6);
		ol_pkt_free(p);
	}
	eq(bench_send(&b, PEER_IP, 100), OL_DONE);
	eq(bench_drain(&b, &dst), 1);
	ok(mac_eq(&dst, &peer_mac));
	eq(b.asked, 1);
	bench_end(&b);
}

/* req: 1122-2.3.2.1-b, 4861-7.2.2-b, 4861-10-a */
TEST(one_question_a_second_three_times_then_failure)
{
	struct bench b;
	bench_new(&b, NULL);
	ol_time t0 = b.now;
	bench_send(&b, PEER_IP, 100);
	for (int i = 0; i < 29; i++) {
		bench_pass(&b, 100 * OL_MS);
		bench_send(&b, PEER_IP, 100);
	}
	eq(b.asked, 3);
	for (int i = 0; i < 3; i++)
		ok(b.asked_at[i] == t0 + i * OL_SEC);
	eq(b.failed, 0);
	bench_pass(&b, 100 * OL_MS);
	eq(b.failed, 30);
	eq(link_count(b.link, OL_DROP_NEIGH_FAILED), 30);
	eq(bench_state(&b, PEER_IP), -1);
	eq(bench_drain(&b, NULL), 0);
	bench_end(&b);
}

/* req: 4861-7.2.2-a */
TEST(the_waiting_queue_is_bounded_and_keeps_the_newest)
{
	struct link_config c = link_config_default();
	struct bench b;
	c.neigh_queue = 3;
	c.neigh_queue_total = 5;
	bench_new(&b, &c);
	for (size_t i = 0; i < 10; i++)
		eq(bench_send(&b, PEER_IP, 100 + i), OL_DONE);
	eq(link_count(b.link, OL_DROP_NEIGH_QUEUE_FULL), 7);
	for (uint32_t i = 0; i < 10; i++)		/* many neighbours: the total holds */
		bench_send(&b, PEER_IP + 10 + i, 100);
	size_t held = ol_pool_used(b.pool);
	ok(held <= (5 + 4) * 2048);			/* five packets and the requests in the output queue */
	ol_pkt_free(link_dequeue(b.link, 1));
	bench_drain(&b, NULL);
	bench_arp(&b, ARP_REPLY, peer_mac, PEER_IP, OUR_IP, false);
	struct ol_pkt *p = link_dequeue(b.link, 1);
	eq(p->len, 114 + 7);
	ol_pkt_free(p);
	eq(bench_drain(&b, NULL), 2);
	bench_end(&b);
}

/* req: 4861-7.3.3-a, 4861-7.3.3-b, 1122-2.3.2.1-a */
TEST(stale_is_used_then_probed_then_forgotten)
{
	struct bench b;
	bench_new(&b, NULL);
	bench_send(&b, PEER_IP, 100);
	bench_arp(&b, ARP_REPLY, peer_mac, PEER_IP, OUR_IP, false);
	bench_pass(&b, 46 * OL_SEC);			/* more than 1.5 times REACHABLE_TIME */
	eq(bench_state(&b, PEER_IP), NEIGH_STALE);
	bench_drain(&b, NULL);
	bench_pass(&b, 600 * OL_SEC);			/* nobody sends: nobody asks */
	eq(b.asked, 1);
	bench_send(&b, PEER_IP, 100);
	eq(bench_drain(&b, NULL), 1);			/* goes at once */
	eq(bench_state(&b, PEER_IP), NEIGH_DELAY);
	bench_pass(&b, 4900 * OL_MS);
	eq(b.asked, 1);
	bench_pass(&b, 100 * OL_MS);
	eq(bench_state(&b, PEER_IP), NEIGH_PROBE);
	eq(b.asked_known, 1);
	bench_pass(&b, 2 * OL_SEC);
	eq(b.asked_known, 3);
	bench_send(&b, PEER_IP, 100);			/* still used while probed */
	eq(bench_drain(&b, NULL), 1);
	bench_pass(&b, OL_SEC);
	eq(bench_state(&b, PEER_IP), -1);
	eq(b.asked, 4);
	bench_end(&b);
}

/* req: 4861-7.3.1-a, 1122-3.3.1.4-f */
TEST(a_transports_word_or_a_solicited_answer_confirms)
{
	struct bench b;
	struct ol_addr peer = ol_addr_ip4(PEER_IP);
	bench_new(&b, NULL);
	bench_send(&b, PEER_IP, 100);
	bench_arp(&b, ARP_REPLY, peer_mac, PEER_IP, OUR_IP, false);
	bench_pass(&b, 46 * OL_SEC);
	bench_send(&b, PEER_IP, 100);
	eq(bench_state(&b, PEER_IP), NEIGH_DELAY);
	neigh_confirm(b.link, 1, &peer, b.now);
	eq(bench_state(&b, PEER_IP), NEIGH_REACHABLE);
	bench_pass(&b, 6 * OL_SEC);
	eq(b.asked, 1);
	bench_pass(&b, 46 * OL_SEC);
	bench_send(&b, PEER_IP, 100);
	bench_pass(&b, 5 * OL_SEC);
	eq(bench_state(&b, PEER_IP), NEIGH_PROBE);
	bench_arp(&b, ARP_REPLY, peer_mac, PEER_IP, OUR_IP, false);
	eq(bench_state(&b, PEER_IP), NEIGH_REACHABLE);
	bench_drain(&b, NULL);
	bench_end(&b);
}

/* req: 826-reception-b, 826-reception-c, 826-reception-d, 826-reception-e */
TEST(requests_for_us_are_answered_and_their_sender_is_learnt)
{
	struct bench b;
	struct arp_pkt r;
	bench_new(&b, NULL);
	eq(bench_arp(&b, ARP_REQUEST, peer_mac, PEER_IP, OUR_IP, true), OL_DONE);
	struct ol_pkt *p = link_dequeue(b.link, 1);
	assert_non_null(p);
	eq_mem(p->data, peer_mac.b, 6);
	eq(wire_arp_parse(&r, p->data + 14, p->len - 14), OL_PASS);
	struct ol_addr us = ol_addr_ip4(OUR_IP), peer = ol_addr_ip4(PEER_IP);
	ok(r.op == ARP_REPLY && mac_eq(&r.sha, &bench_mac) && mac_eq(&r.tha, &peer_mac) && ol_addr_eq(&r.spa, &us) && ol_addr_eq(&r.tpa, &peer));
	ol_pkt_free(p);
	eq(bench_state(&b, PEER_IP), NEIGH_STALE);
	bench_arp(&b, ARP_REQUEST, other_mac, PEER_IP, 0x0a000063, true);	/* for someone else: known senders are updated */
	bench_arp(&b, ARP_REQUEST, other_mac, 0x0a000055, 0x0a000063, true);	/* unknown ones are not added */
	eq(bench_state(&b, 0x0a000055), -1);
	ok(!link_dequeue(b.link, 1));
	struct ol_mac dst;
	bench_send(&b, PEER_IP, 100);
	eq(bench_drain(&b, &dst), 1);
	ok(mac_eq(&dst, &other_mac));
	bench_end(&b);
}

/* req: 5227-1.1-a */
TEST(a_probe_is_answered_and_teaches_nothing)
{
	struct bench b;
	bench_new(&b, NULL);
	eq(bench_arp(&b, ARP_REQUEST, peer_mac, 0, OUR_IP, true), OL_DONE);
	struct ol_pkt *p = link_dequeue(b.link, 1);
	assert_non_null(p);
	ol_pkt_free(p);
	eq(bench_state(&b, 0), -1);
	bench_end(&b);
}

TEST(unasked_and_impossible_news_is_refused)
{
	struct bench b;
	struct ol_mac group = { { 3, 0, 0, 0, 0, 2 } }, zero = { { 0 } };
	bench_new(&b, NULL);
	bench_arp(&b, ARP_REPLY, peer_mac, PEER_IP, OUR_IP, false);
	eq(bench_state(&b, PEER_IP), -1);
	eq(bench_arp(&b, ARP_REQUEST, group, PEER_IP, OUR_IP, true), OL_DROP_ARP_BAD);
	eq(bench_arp(&b, ARP_REQUEST, zero, PEER_IP, OUR_IP, true), OL_DROP_ARP_BAD);
	eq(bench_arp(&b, ARP_REQUEST, peer_mac, 0xe0000001, OUR_IP, true), OL_DROP_ARP_BAD);
	eq(bench_arp(&b, ARP_REQUEST, peer_mac, OUR_IP, OUR_IP, true), OL_DROP_ARP_CONFLICT);
	eq(bench_arp(&b, ARP_REQUEST, bench_mac, OUR_IP, OUR_IP, true), OL_DROP_LINK_NOT_OURS);
	ok(!link_dequeue(b.link, 1));
	bench_end(&b);
}

/* req: 1122-2.3.2.1-c */
TEST(how_long_an_entry_is_trusted_is_a_setting)
{
	struct link_config c = link_config_default();
	struct bench b;
	c.base_reachable_ns = 2 * OL_SEC;
	bench_new(&b, &c);
	bench_send(&b, PEER_IP, 100);
	bench_arp(&b, ARP_REPLY, peer_mac, PEER_IP, OUR_IP, false);
	bench_pass(&b, 900 * OL_MS);
	eq(bench_state(&b, PEER_IP), NEIGH_REACHABLE);
	bench_pass(&b, 2200 * OL_MS);			/* beyond 1.5 times */
	eq(bench_state(&b, PEER_IP), NEIGH_STALE);
	bench_end(&b);
}

TEST(static_neighbours_stay_where_they_are)
{
	struct bench b;
	struct ol_addr peer = ol_addr_ip4(PEER_IP);
	struct ol_mac dst;
	bench_new(&b, NULL);
	bench_send(&b, PEER_IP, 100);			/* waits, and goes when the entry is made */
	eq(link_neigh_add(b.link, 1, &peer, &peer_mac, b.now), 0);
	eq(bench_drain(&b, &dst), 1);
	ok(mac_eq(&dst, &peer_mac));
	bench_arp(&b, ARP_REPLY, other_mac, PEER_IP, OUR_IP, false);
	bench_pass(&b, 3600 * OL_SEC);
	bench_send(&b, PEER_IP, 100);
	eq(bench_drain(&b, &dst), 1);
	ok(mac_eq(&dst, &peer_mac));
	eq(bench_state(&b, PEER_IP), NEIGH_STATIC);
	link_iface_up(b.link, 1, false, b.now);
	link_iface_up(b.link, 1, true, b.now);
	eq(bench_state(&b, PEER_IP), NEIGH_STATIC);
	bench_end(&b);
}

TEST(the_cache_is_bounded_and_keeps_those_in_use)
{
	struct link_config c = link_config_default();
	struct bench b;
	c.neigh_max = 50;
	bench_new(&b, &c);
	bench_send(&b, PEER_IP, 100);
	bench_arp(&b, ARP_REPLY, peer_mac, PEER_IP, OUR_IP, false);
	for (uint32_t i = 0; i < 1000; i++) {
		bench_send(&b, PEER_IP + 1 + i, 100);
		bench_send(&b, PEER_IP, 100);
		bench_drain(&b, NULL);
	}
	eq(bench_state(&b, PEER_IP), NEIGH_REACHABLE);
	struct neigh_row row;
	unsigned n = 0;
	while (neigh_get(b.link, n, &row, b.now))
		n++;
	eq(n, 50);
	bench_end(&b);
}

/* req: 4861-7.2.5-a, 4861-7.2.5-b, 4861-7.2.5-c, 4861-7.2.5-d */
TEST(advertisements_follow_the_table)
{
	/* state before, mac, solicited, override -> state after, whose address */
	static const struct { bool known, same, solicited, override; int after; bool moved; } rows[] = {
		{ false, true,  true,  false, NEIGH_REACHABLE, false }, { false, true,  false, true,  NEIGH_DELAY, false },
		{ true,  true,  true,  false, NEIGH_REACHABLE, false }, { true,  false, true,  false, NEIGH_STALE, false },
		{ true,  false, false, false, NEIGH_STALE, false },     { true,  false, true,  true,  NEIGH_REACHABLE, true },
		{ true,  false, false, true,  NEIGH_STALE, true },      { true,  true,  false, true,  NEIGH_REACHABLE, false },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct bench b;
		struct ol_addr peer = ol_addr_ip4(PEER_IP);
		struct neigh_row row;
		bench_new(&b, NULL);
		bench_send(&b, PEER_IP, 100);
		if (rows[i].known)
			neigh_advert(b.link, 1, &peer, &peer_mac, true, true, b.now);
		neigh_advert(b.link, 1, &peer, rows[i].same ? &peer_mac : &other_mac, rows[i].solicited, rows[i].override, b.now);
		ok(neigh_get(b.link, 0, &row, b.now));
		eq(row.state, rows[i].after);		/* DELAY: STALE, and what waited was sent */
		ok(mac_eq(&row.mac, rows[i].moved ? &other_mac : &peer_mac));
		bench_end(&b);
	}
}
