/* Ending connections: RFC 9293 3.6, 3.10.4, 3.10.5, TIME-WAIT, resets and guesses (RFC 5961). */
#include "tcp_ladder.h"

/* req: 9293-3.6-a, 9293-3.10.2-b, 9293-3.10.7.4-l, 9293-3.10.8-c, MUST-13 */
TEST(tcp_close_goes_through_fin_wait_to_time_wait)
{
	struct ladder *l = ladder_established();
	app(l, 0, "shutdown wr");
	state_is(l, FIN_WAIT_1);
	out(l, 0, "F. 1:1(0) ack 1");
	in (l, 10, ". 1:1(0) ack 2 win 257");
	state_is(l, FIN_WAIT_2);
	in (l, 0, "P. 1:11(10) ack 2 win 257");			/* half closed: the other direction lives */
	out(l, 0, ". 2:2(0) ack 11");
	app(l, 0, "read 100 = 10");
	app(l, 0, "write 1 = pipe");
	in (l, 10, "F. 11:11(0) ack 2 win 257");
	out(l, 0, ". 2:2(0) ack 12");
	state_is(l, TIME_WAIT);
	app(l, 0, "read 100 = eof");
	eq(ladder_tcp(l)->n_tw, 1);
	app(l, 0, "close");
	wait(l, 59900);
	eq(ladder_tcp(l)->n_tw, 1);
	wait(l, 200);
	eq(ladder_tcp(l)->n_tw, 0);
	ladder_end(l);
}

/* req: MUST-12, 9293-3.10.3-a, 9293-3.10.4-c, 9293-3.10.7.4-s, 9293-3.10.7.4-t, 9293-3.10.7.4-m */
TEST(tcp_peer_closes_first)
{
	struct ladder *l = ladder_established();
	in (l, 0, "FP. 1:101(100) ack 1 win 257");
	out(l, 40, ". 1:1(0) ack 102");
	state_is(l, CLOSE_WAIT);
	ok(tcp_ready(ladder_tcb(l)) & OL_EV_RDHUP);
	app(l, 0, "read 1000 = 100");
	app(l, 0, "read 1000 = eof");
	app(l, 0, "write 10");
	out(l, 0, "P. 1:11(10) ack 102");
	app(l, 0, "shutdown wr");
	out(l, 0, "F. 11:11(0) ack 102");
	state_is(l, LAST_ACK);
	in (l, 10, ". 102:102(0) ack 12 win 257");
	state_is(l, CLOSED);
	in (l, 10, ". 102:102(0) ack 12 win 257");		/* nobody there any more, and no TIME-WAIT on this side */
	out(l, 0, "R 12:12(0)");
	ladder_end(l);
}

/* RFC 9293 3.6, figure 13. */
TEST(tcp_simultaneous_close)
{
	struct ladder *l = ladder_established();
	app(l, 0, "shutdown wr");
	out(l, 0, "F. 1:1(0) ack 1");
	in (l, 5, "F. 1:1(0) ack 1 win 257");
	out(l, 0, ". 2:2(0) ack 2");
	state_is(l, CLOSING);
	in (l, 5, ". 2:2(0) ack 2 win 257");
	none(l);
	state_is(l, TIME_WAIT);
	ladder_end(l);
}

/* The ACK of the text in front of it is none of the FIN, in each state that waits for that. */
/* req: 9293-3.10.7.4-l, 9293-3.10.7.4-m */
TEST(tcp_ack_short_of_the_fin_leaves_the_state)
{
	for (int first = 0; first < 3; first++) {		/* FIN-WAIT-1, CLOSING, LAST-ACK */
		struct ladder *l = ladder_established(.cfg = "tcp_early_retrans=0");
		if (first == 2) {
			in (l, 0, "F. 1:1(0) ack 1 win 257");
			out(l, 0, ". 1:1(0) ack 2");
		}
		app(l, 0, "cork 1");
		app(l, 0, "write 100");
		app(l, 0, "shutdown wr");
		out(l, 0, "FP. 1:101(100) ack %d", first == 2 ? 2 : 1);
		if (first == 1) {
			in (l, 0, "F. 1:1(0) ack 1 win 257");
			out(l, 0, ". 102:102(0) ack 2");
		}
		enum ol_tcp_state waits = tcp_state(ladder_tcb(l));
		eq(waits, first == 0 ? OL_TCP_FIN_WAIT_1 : first == 1 ? OL_TCP_CLOSING : OL_TCP_LAST_ACK);
		in (l, 1, ". %d:%d(0) ack 101 win 257", first ? 2 : 1, first ? 2 : 1);
		eq(tcp_state(ladder_tcb(l)), waits);
		in (l, 1, ". %d:%d(0) ack 102 win 257", first ? 2 : 1, first ? 2 : 1);
		eq(tcp_state(ladder_tcb(l)), first == 0 ? OL_TCP_FIN_WAIT_2 : first == 1 ? OL_TCP_TIME_WAIT : OL_TCP_CLOSED);
		ladder_end(l);
	}
}

/* req: 9293-3.6-b */
/* The FIN waits for what is queued, rides on the last of it, and is sent again with it. */
TEST(tcp_fin_follows_the_text)
{
	struct ladder *l = ladder_established();
	app(l, 0, "write 15500");
	outs(l, 1, 10001, 1000, "ack 1");
	none(l);
	app(l, 0, "close");
	none(l);
	in (l, 50, ". 1:1(0) ack 10001 win 257");
	outs(l, 10001, 15001, 1000, "ack 1");
	out(l, 0, "FP. 15001:15501(500) ack 1");
	in (l, 50, ". 1:1(0) ack 15001 win 257");
	by (l, 300, "FP. 15001:15501(500) ack 1");
	in (l, 10, "F. 1:1(0) ack 15502 win 257");
	out(l, 0, ". 15502:15502(0) ack 2");
	eq(ladder_tcp(l)->n_tw, 1);
	eq(ladder_tcp(l)->n_tcb, 0);
	ladder_end(l);
}

/* req: SHLD-3 */
/* RFC 2525 2.17: what was never read is lost, and the peer has to know. */
TEST(tcp_close_with_unread_text_resets)
{
	struct ladder *l = ladder_established();
	in (l, 0, "P. 1:101(100) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 101");
	app(l, 0, "close");
	out(l, 0, "R. 1:1(0) ack 101");
	eq(ladder_tcp(l)->n_tcb, 0);
	ladder_end(l);
	l = ladder_established();				/* that no more will come makes it no less */
	in (l, 0, "FP. 1:101(100) ack 1 win 257");
	by (l, 40, ". 1:1(0) ack 102");
	state_is(l, CLOSE_WAIT);
	app(l, 0, "close");
	out(l, 0, "R. 1:1(0) ack 102");
	ladder_end(l);
	l = ladder_established();
	app(l, 0, "shutdown wr");
	out(l, 0, "F. 1:1(0) ack 1");
	in (l, 0, "P. 1:101(100) ack 1 win 257");
	out(l, 0, ". 2:2(0) ack 101");
	app(l, 0, "close");
	out(l, 0, "R. 2:2(0) ack 101");
	ladder_end(l);
}

/* req: SHLD-3 */
/* Text for a program that let go. */
TEST(tcp_text_after_close_is_answered_with_reset)
{
	struct ladder *l = ladder_established();
	app(l, 0, "close");
	out(l, 0, "F. 1:1(0) ack 1");
	in (l, 0, ". 1:1(0) ack 2 win 257");
	in (l, 0, "P. 1:101(100) ack 2 win 257");
	out(l, 0, "R 2:2(0)");
	eq(ladder_tcp(l)->n_tcb, 0);
	ladder_end(l);
	l = ladder_established();				/* and before our FIN was acknowledged */
	app(l, 0, "close");
	out(l, 0, "F. 1:1(0) ack 1");
	in (l, 0, "P. 1:101(100) ack 1 win 257");
	out(l, 0, "R 1:1(0)");
	eq(ladder_tcp(l)->n_tcb, 0);
	ladder_end(l);
}

TEST(tcp_orphan_does_not_wait_for_ever_in_fin_wait_2)
{
	struct ladder *l = ladder_established();
	app(l, 0, "close");
	out(l, 0, "F. 1:1(0) ack 1");
	in (l, 0, ". 1:1(0) ack 2 win 257");
	wait(l, 59000);
	eq(ladder_tcp(l)->n_tcb, 1);
	wait(l, 1100);
	eq(ladder_tcp(l)->n_tcb, 0);
	ladder_end(l);
}

/* req: 9293-3.10.5-a */
TEST(tcp_abort_resets)
{
	struct ladder *l = ladder_established();
	app(l, 0, "abort");
	out(l, 0, "R. 1:1(0) ack 1");
	state_is(l, CLOSED);
	ladder_end(l);
}

/* req: 5961-3.2-a, 5961-3.2-b, 5961-3.2-c, 9293-3.10.7.4-e */
TEST(tcp_only_an_exact_reset_ends_a_connection)
{
	struct ladder *l = ladder_established();
	in (l, 0, "R 2:2(0) win 0");				/* in the window, not on RCV.NXT: challenge */
	out(l, 0, ". 1:1(0) ack 1");
	in (l, 0, "R 3:3(0) win 0");				/* one challenge in half a second */
	none(l);
	in (l, 600, "R 400000:400000(0) win 0");			/* outside */
	none(l);
	in (l, 0, "R 0:0(0) win 0");
	none(l);
	state_is(l, ESTABLISHED);
	in (l, 0, "R 1:1(0) win 0");
	state_is(l, CLOSED);
	none(l);
	app(l, 0, "write 1 = reset");
	app(l, 0, "write 1 = pipe");
	app(l, 0, "read 1 = eof");
	eq(ladder_fate(l, OL_DROP_TCP_RST_INEXACT), 2);
	eq(ladder_fate(l, OL_DROP_TCP_RST_OUTSIDE), 2);
	ladder_end(l);
}

/* req: 5961-4.2-a, 9293-3.10.7.4-f */
TEST(tcp_syn_in_a_connection_is_challenged)
{
	struct ladder *l = ladder_established();
	in (l, 0, "S 100:100(0) win 1000 <mss 1000>");
	out(l, 0, ". 1:1(0) ack 1");
	state_is(l, ESTABLISHED);
	in (l, 600, "S. 0:0(0) ack 1 win 1000 <mss 1000>");	/* our ACK was lost, it seems */
	out(l, 0, ". 1:1(0) ack 1");
	state_is(l, ESTABLISHED);
	ladder_end(l);
}

/* req: 5961-5.2-a, 9293-3.10.7.4-j */
TEST(tcp_acks_outside_the_plausible_are_dropped)
{
	struct ladder *l = ladder_established();
	in (l, 0, ". 1:1(0) ack 2 win 257");
	out(l, 0, ". 1:1(0) ack 1");
	in (l, 600, "P. 1:11(10) ack 4000000000 win 257");
	out(l, 0, ". 1:1(0) ack 1");
	app(l, 0, "read 10 = again");
	eq(ladder_fate(l, OL_DROP_TCP_ACK_AHEAD), 1);
	eq(ladder_fate(l, OL_DROP_TCP_ACK_OLD), 1);
	ladder_end(l);
}

/* req: 9293-3.10.7.4-b, 9293-3.10.7.4-h */
TEST(tcp_segment_outside_the_window_is_answered)
{
	struct ladder *l = ladder_established();
	in (l, 0, "P. 400000:400010(10) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 1");
	in (l, 0, ". 0:0(0) ack 1 win 257");			/* a keepalive probe */
	out(l, 0, ". 1:1(0) ack 1");
	in (l, 0, ". 1:1(0) win 257");
	none(l);
	ladder_end(l);
}

/* Closed by us and then by the peer, which is TIME-WAIT on our side. */
static struct ladder *closed(struct ladder *l)
{
	app(l, 0, "shutdown wr");
	out(l, 0, "F. 1:1(0) ack 1");
	in (l, 0, "F. 1:1(0) ack 2 win 257");
	out(l, 0, ". 2:2(0) ack 2");
	app(l, 0, "close");
	return l;
}
#define time_wait(...) closed(ladder_established(__VA_ARGS__))

/* req: 9293-3.10.7.4-n */
/* RFC 9293 3.10.7.4: the only thing that can arrive is the peer's FIN again; it starts 2 MSL anew. */
TEST(tcp_time_wait_acks_the_fin_again)
{
	struct ladder *l = time_wait();
	in (l, 30000, "F. 1:1(0) ack 2 win 257");
	out(l, 0, ". 2:2(0) ack 2");
	wait(l, 59000);
	eq(ladder_tcp(l)->n_tw, 1);
	wait(l, 1100);
	eq(ladder_tcp(l)->n_tw, 0);
	ladder_end(l);
	l = ladder_established();				/* with the text in front of it as well */
	app(l, 0, "shutdown wr");
	out(l, 0, "F. 1:1(0) ack 1");
	in (l, 0, "FP. 1:11(10) ack 2 win 257");
	out(l, 0, ". 2:2(0) ack 12");
	in (l, 30000, "FP. 1:11(10) ack 2 win 257");
	out(l, 0, ". 2:2(0) ack 12");
	wait(l, 59000);
	eq(ladder_tcp(l)->n_tw, 1);
	wait(l, 1100);
	eq(ladder_tcp(l)->n_tw, 0);
	ladder_end(l);
}

/* req: 6191-2-e, MAY-2 */
/* RFC 9293 MAY-2, RFC 6191: a SYN above the old numbers begins anew, and our ISN is above ours. */
TEST(tcp_time_wait_makes_way_for_a_younger_syn)
{
	struct ladder *l = time_wait();
	in (l, 1000, "S 1:1(0) win 1000 <mss 1000>");		/* not above RCV.NXT */
	out(l, 0, ". 2:2(0) ack 2");
	in (l, 1000, "S 3:3(0) win 1000 <mss 1000>");
	out(l, 0, "S. 65539:65539(0) ack 4");
	eq(ladder_tcp(l)->n_tw, 0);
	ladder_end(l);
}

/* req: 1337-3-a */
TEST(tcp_time_wait_can_ignore_resets)
{
	struct ladder *l = time_wait();
	in (l, 0, "R 2:2(0) win 0");
	eq(ladder_tcp(l)->n_tw, 0);
	ladder_end(l);
	l = time_wait(.cfg = "tcp_rfc1337=1");
	in (l, 0, "R 2:2(0) win 0");
	eq(ladder_tcp(l)->n_tw, 1);
	ladder_end(l);
}

TEST(tcp_time_wait_records_are_bounded)
{
	struct ladder *l = ladder_established(.cfg = "tcp_max_tw_buckets=0");
	app(l, 0, "shutdown wr");
	out(l, 0, "F. 1:1(0) ack 1");
	in (l, 0, "F. 1:1(0) ack 2 win 257");
	out(l, 0, ". 2:2(0) ack 2");
	state_is(l, CLOSED);
	eq(ladder_tcp(l)->n_tw, 0);
	ladder_end(l);
}

/* A FIN that overtakes text waits for it. */
/* req: 9293-3.10.7.4-s */
TEST(tcp_fin_out_of_order_waits_for_the_text)
{
	struct ladder *l = ladder_established();
	in (l, 0, "F. 101:201(100) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 1 <nop,nop,sack 101:201>");
	state_is(l, ESTABLISHED);
	in (l, 0, ". 1:101(100) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 202");
	state_is(l, CLOSE_WAIT);
	app(l, 0, "read 1000 = 200");
	app(l, 0, "read 1000 = eof");
	ladder_end(l);
}

/* req: MUST-56, 5927-4.1-a, 5927-5.2-a */
TEST(tcp_icmp_errors_end_only_what_is_opening)
{
	struct ladder *l = ladder_established();
	app(l, 0, "write 100");
	out(l, 0, "P. 1:101(100) ack 1");
	ladder_icmp(l, OL_ERR_CONNREFUSED, true, 0, 1);
	state_is(l, ESTABLISHED);
	ladder_end(l);
	l = ladder_syn_sent();
	ladder_icmp(l, OL_ERR_CONNREFUSED, true, 0, 500);		/* of nothing we sent */
	state_is(l, SYN_SENT);
	ladder_icmp(l, OL_ERR_CONNREFUSED, true, 0, 0);
	state_is(l, CLOSED);
	app(l, 0, "error = refused");
	ladder_end(l);
}

/* req: 9293-3.10.7.4-p */
TEST(tcp_text_after_the_peers_fin_is_ignored)
{
	struct ladder *l = ladder_established();
	in (l, 0, "F. 1:1(0) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 2");
	in (l, 0, "P. 2:12(10) ack 1 win 257");
	app(l, 0, "read 100 = eof");
	state_is(l, CLOSE_WAIT);
	ladder_end(l);
}

/* req: 9293-3.10.4-a, 9293-3.10.5-b */
TEST(tcp_close_in_syn_sent_says_nothing)
{
	struct ladder *l = ladder_syn_sent();
	app(l, 0, "close");
	none(l);
	eq(ladder_tcp(l)->n_tcb, 0);
	ladder_end(l);
}

/* req: 9293-3.10.4-b, 9293-3.10.2-b */
TEST(tcp_close_in_syn_received_does_not_wait_for_the_handshake)
{
	struct ladder *l = ladder_crossed(.cfg = "tcp_timestamps=0");
	app(l, 0, "shutdown wr");
	out(l, 0, "F. 1:1(0) ack 1");				/* nothing was sent, nothing waits */
	app(l, 0, "write 1 = pipe");
	none(l);
	in (l, 5, ". 1:1(0) ack 1 win 1000");			/* the SYN is acknowledged, the FIN not yet */
	none(l);
	state_is(l, FIN_WAIT_1);
	in (l, 5, ". 1:1(0) ack 2 win 1000");
	state_is(l, FIN_WAIT_2);
	ladder_end(l);
	for (unsigned both = 0; both < 2; both++) {		/* they are sent again as long as need be, and acknowledged one by one or at once */
		l = ladder_crossed(.cfg = "tcp_timestamps=0");
		app(l, 0, "close");
		out(l, 0, "F. 1:1(0) ack 1");
		by (l, 1000, "S. 0:0(0) ack 1");
		in (l, 5, "%s 0:0(0) ack %u win 1000", "S.", 1 + both);
		if (!both)
			by (l, 3000, "F. 1:1(0) ack 1");
		in (l, 5, "F. 1:1(0) ack 2 win 1000");
		out(l, 0, ". 2:2(0) ack 2");
		eq(ladder_tcp(l)->n_tw, 1);
		eq(ladder_tcp(l)->n_tcb, 0);
		ladder_end(l);
	}
}

/* req: 9293-3.10.4-d */
TEST(tcp_second_close_sends_no_second_fin)
{
	struct ladder *l = ladder_established();
	app(l, 0, "shutdown wr");
	out(l, 0, "F. 1:1(0) ack 1");
	app(l, 0, "shutdown wr");
	none(l);
	ladder_end(l);
}

/* req: 6191-2-a, 6191-2-b, SHLD-4 */
TEST(tcp_time_wait_with_timestamps_asks_them_first)
{
	struct ladder *l = ladder_established(.syn = "mss 1000,sackOK,TS val 100 ecr 0,nop,wscale 7");
	app(l, 0, "shutdown wr");
	out(l, 0, "F. 1:1(0) ack 1");
	in (l, 0, "F. 1:1(0) ack 2 win 257 <nop,nop,TS val 105 ecr last>");
	out(l, 0, ". 2:2(0) ack 2");
	in (l, 100, "S 5:5(0) win 1000 <mss 1000,sackOK,TS val 104 ecr 0>");	/* above RCV.NXT, but older */
	out(l, 0, ". 2:2(0) ack 2");
	in (l, 1000, "S 5:5(0) win 1000 <mss 1000,sackOK,TS val 106 ecr 0>");
	out(l, 0, "S. 65539:65539(0) ack 6");
	ladder_end(l);
}

/* RFC 5961 7: however many ask, the answers of a second are bounded. */
/* req: 5961-7-a */
TEST(tcp_challenge_acks_are_bounded)
{
	struct ladder *l = ladder_established(.cfg = "tcp_challenge_ack_limit=10,tcp_invalid_ratelimit=0");
	unsigned n = 0;
	for (int i = 0; i < 100; i++) {
		in(l, 0, "R 5:5(0) win 0");
		n += ladder_flush(l);
	}
	ok(n >= 5 && n <= 15);
	ladder_end(l);
}
