/*
 * Listeners: backlog, half-open connections, SYN cookies, deferred accept, choice among several.  RFC 9293
 * 3.10.7.2, RFC 4987.
 */
#include "tcp_ladder.h"

static void handshake(struct ladder *l, uint16_t port)
{
	ladder_peer_port(l, port);
	in (l, 0, "S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>");
	out(l, 0, "S. 0:0(0) ack 1");
	in (l, 0, ". 1:1(0) ack 1 win 257");
}

/* Linux: one more than asked for; then SYNs are dropped, and so is the ACK that would end a handshake. */
TEST(tcp_backlog_bounds_what_waits_for_accept)
{
	struct ladder *l = ladder_listening(.backlog = 2);
	for (uint16_t p = 1; p <= 3; p++)
		handshake(l, p);
	eq(tcp_listener_waiting(ladder_listener(l)), 3);
	ladder_peer_port(l, 4);
	in (l, 0, "S 0:0(0) win 32792 <mss 1000>");
	none(l);
	eq(ladder_fate(l, OL_DROP_TCP_ACCEPT_QUEUE), 1);
	app(l, 0, "accept");
	handshake(l, 4);
	eq(tcp_listener_waiting(ladder_listener(l)), 3);
	ladder_end(l);
}

TEST(tcp_last_ack_of_the_handshake_is_dropped_while_the_queue_is_full)
{
	struct ladder *l = ladder_listening(.cfg = "tcp_syncookies=0", .backlog = 2);
	handshake(l, 1);
	handshake(l, 2);
	ladder_peer_port(l, 4);
	in (l, 0, "S 0:0(0) win 32792 <mss 1000>");
	out(l, 0, "S. 0:0(0) ack 1");
	ladder_peer_port(l, 3);
	in (l, 0, "S 0:0(0) win 32792 <mss 1000>");
	out(l, 0, "S. 0:0(0) ack 1");
	in (l, 0, ". 1:1(0) ack 1 win 257");			/* fills the queue */
	eq(tcp_listener_waiting(ladder_listener(l)), 3);
	ladder_peer_port(l, 4);
	out(l, 1000, "S. 0:0(0) ack 1");			/* the record still tries */
	in (l, 0, ". 1:1(0) ack 1 win 257");
	eq(tcp_listener_waiting(ladder_listener(l)), 3);
	app(l, 0, "accept");
	in (l, 0, "P. 1:11(10) ack 1 win 257");		/* the peer thinks it is connected: its text ends the handshake */
	out(l, 0, ". 1:1(0) ack 11");
	eq(tcp_listener_waiting(ladder_listener(l)), 3);
	ladder_end(l);
}

/* req: 9293-3.10.7.2-a, 9293-3.10.7.2-b, 9293-3.10.7.2-e */
TEST(tcp_listener_ignores_resets_and_resets_acks)
{
	struct ladder *l = ladder_listening();
	in (l, 0, "R 0:0(0) win 0");
	none(l);
	in (l, 0, ". 0:0(0) ack 55 win 100");
	out(l, 0, "R 55:55(0)");
	in (l, 0, "S. 0:0(0) ack 55 win 100");
	out(l, 0, "R 55:55(0)");
	in (l, 0, "F 0:0(0) win 100");
	none(l);
	in (l, 0, "P 0:10(10) win 100");
	none(l);
	ladder_end(l);
}

TEST(tcp_syn_ack_is_repeated_and_the_record_forgotten)
{
	struct ladder *l = ladder(.cfg = "tcp_synack_retries=2");
	app(l, 0, "listen 2");
	in (l, 0, "S 0:0(0) win 1000 <mss 1000>");
	out(l, 0, "S. 0:0(0) ack 1");
	in (l, 100, "S 0:0(0) win 1000 <mss 1000>");		/* the SYN again: our answer was lost */
	out(l, 0, "S. 0:0(0) ack 1");
	out(l, 900, "S. 0:0(0) ack 1");
	out(l, 2000, "S. 0:0(0) ack 1");
	wait(l, 4100);
	eq(ladder_tcp(l)->n_syn, 0);
	ladder_end(l);
}

/* req: 9293-3.10.7.4-i, MUST-11, MUST-65, 4987-3.5-a */
TEST(tcp_half_open_checks_resets_syns_and_acks)
{
	struct ladder *l = ladder_half_open();
	in (l, 0, ". 1:1(0) ack 2 win 1000");			/* not our ISN */
	out(l, 0, "R 2:2(0)");
	in (l, 0, ". 1:1(0) ack 0 win 1000");
	out(l, 0, "R 0:0(0)");
	in (l, 0, "R 5:5(0) win 0");
	out(l, 0, ". 1:1(0) ack 1 <>");				/* a challenge */
	in (l, 0, "R 99999:99999(0) win 0");
	none(l);
	eq(ladder_tcp(l)->n_syn, 1);
	in (l, 0, "R 1:1(0) win 0");				/* exact: back to LISTEN, and nobody is told */
	eq(ladder_tcp(l)->n_syn, 0);
	none(l);
	app(l, 0, "accept = again");
	ladder_end(l);
}

/* req: 4987-3.6-a, 4987-3.6-b */
/* RFC 4987 3.6: beyond the queue a SYN costs no memory, and the options survive in the timestamp. */
TEST(tcp_syn_cookies_carry_the_handshake)
{
	struct ladder *l = ladder_half_open(.backlog = 1);
	ladder_peer_port(l, 7);
	in (l, 0, "S 0:0(0) win 32792 <mss 1460,sackOK,TS val 5 ecr 0,nop,wscale 7>");
	out(l, 0, "S. 0:0(0) ack 1 <mss 1460,sackOK,TS val * ecr 5,nop,wscale 8>");
	eq(ladder_tcp(l)->n_syn, 1);
	in (l, 20, "P. 1:11(10) ack 1 win 257 <nop,nop,TS val 6 ecr last>");
	out(l, 0, ". 1:1(0) ack 11 <nop,nop,TS val * ecr 6>");
	app(l, 0, "accept");
	const struct tcp_tcb *t = ladder_tcb(l);
	ok(t->sack_ok && t->ts_ok && t->ws_ok);
	eq(t->snd_wscale, 7);
	eq(t->snd_wnd, 257 << 7);
	eq(t->peer_mss, 1460);
	app(l, 0, "read 100 = 10");
	ladder_peer_port(l, 8);
	in (l, 0, "S 0:0(0) win 32792 <mss 1460>");
	out(l, 0, "S. 0:0(0) ack 1 <mss 1460>");
	in (l, 0, ". 1:1(0) ack 50 win 257");			/* a guess */
	out(l, 0, "R 50:50(0)");
	in (l, 200000, ". 1:1(0) ack 1 win 257");		/* too old */
	ladder_flush(l);
	app(l, 0, "accept = again");
	ladder_end(l);
}

/* The cookie's answer is the handshake's last segment and no other: one that overtook it would begin the stream in the middle. */
TEST(tcp_syn_cookie_is_not_answered_by_a_later_segment)
{
	struct ladder *l = ladder_half_open(.cfg = "tcp_syncookies=2", .syn = "mss 1460");
	for (int ahead = 1; ahead < 8; ahead++) {
		in (l, 0, "P. %d:%d(10) ack 1 win 257", 1 + ahead, 11 + ahead);
		ladder_flush(l);
		app(l, 0, "accept = again");
	}
	in (l, 0, ". 1:1(0) ack 1 win 257");
	app(l, 0, "accept");
	ladder_end(l);
}

/*
 * A cookie is as old as it says itself, whatever the listener has done since: here it gives another one meanwhile.
 */
/* req: 4987-3.6-b, 9293-3.10.7.2-b */
TEST(tcp_old_syn_cookie_is_no_handshake)
{
	struct ladder *l = ladder_half_open(.cfg = "tcp_syncookies=2");
	in (l, 100000, "S 0:0(0) win 32792 <mss 1460>");
	ladder_flush(l);				/* its SYN-ACK; what follows is still about the first */
	in (l, 100000, ". 1:1(0) ack 1 win 257");
	out(l, 0, "R 1:1(0)");
	app(l, 0, "accept = again");
	ladder_end(l);
}

/* A cookie has few bits for the MSS: what comes back is one no larger than the peer's own, and not much smaller. */
/* req: MUST-16, MUST-14, MUST-15 */
TEST(tcp_syn_cookie_never_makes_the_mss_larger)
{
	static const unsigned mss[] = { 64, 100, 300, 535, 536, 1000, 1219, 1300, 1459, 1460, 9000 };
	for (size_t i = 0; i < sizeof mss / sizeof *mss; i++) {
		char syn[20];
		snprintf(syn, sizeof syn, "mss %u", mss[i]);
		struct ladder *l = ladder_half_open(.cfg = "tcp_syncookies=2", .syn = syn);
		in (l, 10, ". 1:1(0) ack 1 win 30000");
		app(l, 0, "accept");
		eq(ladder_tcp(l)->n_syn, 0);
		ok(ladder_tcb(l)->peer_mss <= mss[i] && ladder_tcb(l)->snd_mss <= mss[i]);
		ok(ladder_tcb(l)->peer_mss > mss[i] / 3);
		ladder_end(l);
	}
	struct ladder *l = ladder_half_open(.v6 = true, .cfg = "tcp_syncookies=2", .syn = "nop,nop,nop,nop");
	in (l, 10, ". 1:1(0) ack 1 win 30000");
	app(l, 0, "accept");
	eq(ladder_tcb(l)->peer_mss, 1220);
	ladder_end(l);
}

/* req: 4987-3.6-b */
TEST(tcp_syn_cookie_of_a_minute_ago_is_good)
{
	struct ladder *l = ladder_half_open(.cfg = "tcp_syncookies=2", .syn = "mss 1460");
	in (l, 60000, ". 1:1(0) ack 1 win 257");
	app(l, 0, "accept");
	eq(ladder_tcb(l)->peer_mss, 1460);
	ladder_end(l);
}

TEST(tcp_syn_queue_without_cookies_drops)
{
	struct ladder *l = ladder_half_open(.cfg = "tcp_syncookies=0", .backlog = 1);
	ladder_peer_port(l, 7);
	in (l, 0, "S 0:0(0) win 1000 <mss 1000>");
	none(l);
	eq(ladder_fate(l, OL_DROP_TCP_SYN_QUEUE), 1);
	ladder_end(l);
}

TEST(tcp_deferred_accept_waits_for_text)
{
	struct ladder *l = ladder_listening();
	tcp_listener_opts(ladder_listener(l))->defer_accept = 3 * OL_SEC;
	in (l, 0, "S 0:0(0) win 1000 <mss 1000>");
	out(l, 0, "S. 0:0(0) ack 1");
	in (l, 10, ". 1:1(0) ack 1 win 1000");
	app(l, 0, "accept = again");
	wait(l, 1500);
	in (l, 0, "P. 1:11(10) ack 1 win 1000");
	out(l, 0, ". 1:1(0) ack 11");
	app(l, 0, "accept");
	app(l, 0, "read 100 = 10");
	ladder_end(l);
}

/* When its time is over a last SYN-ACK asks once more, a little late rather than early; a bare ACK is enough then. */
TEST(tcp_deferred_accept_gives_in)
{
	struct ladder *l = ladder_listening();
	tcp_listener_opts(ladder_listener(l))->defer_accept = 3 * OL_SEC;
	in (l, 0, "S 0:0(0) win 1000 <mss 1000>");
	out(l, 0, "S. 0:0(0) ack 1");
	in (l, 10, ". 1:1(0) ack 1 win 1000");
	wait(l, 2000);
	in (l, 0, ". 1:1(0) ack 1 win 1000");
	app(l, 0, "accept = again");
	wait(l, 990);				/* 3 s since the SYN-ACK */
	by (l, 100, "S. 0:0(0) ack 1");
	in (l, 0, ". 1:1(0) ack 1 win 1000");
	app(l, 0, "accept");
	ladder_end(l);
}

TEST(tcp_closing_a_listener_resets_what_was_not_accepted)
{
	struct ladder *l = ladder_listening();
	handshake(l, 1);
	app(l, 0, "closelisten");
	out(l, 0, "R. 1:1(0) ack 1");
	eq(ladder_tcp(l)->n_tcb, 0);
	ladder_end(l);
}

/* The most exact address wins; both families where the listener says so. */
TEST(tcp_listener_choice)
{
	struct ladder *l = ladder();
	struct tcp *t = ladder_tcp(l);
	struct tcp_opts o = tcp_opts_default(t), only = o;
	struct tcp_listener *any, *v4, *exact, *six, *x;
	struct ol_endpoint e = { .port = 99 }, e4 = { ol_addr_ip4(0), 99 }, ex = { ol_addr_ip4(0x0a000001), 99 };
	struct ol_endpoint p4 = { ol_addr_ip4(0x0a000009), 1 }, to6 = { .port = 98 }, p6 = { .port = 1 };
	only.v6only = true;
	eq(tcp_listen(t, &any, &o, &e, 1, false, NULL, 0), OL_OK);
	ok(tcp_listener_find(t, &ex, &p4, 1) == any);
	eq(tcp_listen(t, &v4, &o, &e4, 1, false, NULL, 0), OL_OK);
	ok(tcp_listener_find(t, &ex, &p4, 1) == v4);
	eq(tcp_listen(t, &exact, &o, &ex, 1, false, NULL, 0), OL_OK);
	ok(tcp_listener_find(t, &ex, &p4, 1) == exact);
	eq(tcp_listen(t, &x, &o, &ex, 1, true, NULL, 0), OL_ERR_ADDRINUSE);
	eq(tcp_listen(t, &six, &only, &to6, 1, false, NULL, 0), OL_OK);
	ol_addr_parse("fd00::1", &to6.addr);
	ol_addr_parse("fd00::2", &p6.addr);
	ok(tcp_listener_find(t, &to6, &p6, 1) == six);
	ex.port = 98;
	ok(tcp_listener_find(t, &ex, &p4, 1) == NULL);
	ladder_end(l);
}

/* SO_REUSEPORT: one group, and each connection's name chooses. */
TEST(tcp_reuseport_spreads_by_name)
{
	struct ladder *l = ladder();
	struct tcp *t = ladder_tcp(l);
	struct tcp_opts o = tcp_opts_default(t);
	struct tcp_listener *g[4];
	struct ol_endpoint e = { ol_addr_ip4(0), 99 }, to = { ol_addr_ip4(0x0a000001), 99 };
	int hits[4] = { 0 };
	for (int i = 0; i < 4; i++)
		eq(tcp_listen(t, &g[i], &o, &e, 1, true, NULL, 0), OL_OK);
	for (uint16_t p = 1; p <= 400; p++) {
		struct ol_endpoint from = { ol_addr_ip4(0x0a000002), p };
		struct tcp_listener *x = tcp_listener_find(t, &to, &from, 1);
		ok(x == tcp_listener_find(t, &to, &from, 1));
		for (int i = 0; i < 4; i++)
			hits[i] += x == g[i];
	}
	for (int i = 0; i < 4; i++)
		ok(hits[i] > 60 && hits[i] < 140);
	ladder_end(l);
}
