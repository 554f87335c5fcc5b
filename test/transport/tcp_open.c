/* Opening connections: RFC 9293 3.5, 3.10.1, 3.10.7.2, 3.10.7.3; options on SYNs. */
#include "tcp_ladder.h"
#include "transport/tcp/tcp_isn.h"

/* req: 9293-3.10.7.2-c, 7323-2.2-d, 7323-2.3-a */
TEST(tcp_passive_open_answers_syn_with_syn_ack)
{
	struct ladder *l = ladder();
	app(l, 0, "listen 10");
	app(l, 0, "accept = again");
	in (l, 0, "S 0:0(0) win 32792 <mss 1000,sackOK,TS val 5 ecr 0,nop,wscale 7>");
	out(l, 0, "S. 0:0(0) ack 1 win 65535 <mss 1460,sackOK,TS val * ecr 5,nop,wscale 8>");
	none(l);
	app(l, 0, "accept = again");			/* not before the handshake is done */
	in (l, 10, ". 1:1(0) ack 1 win 257 <nop,nop,TS val 6 ecr last>");
	none(l);
	app(l, 0, "accept");
	state_is(l, ESTABLISHED);
	ladder_end(l);
}

TEST(tcp_passive_open_over_ipv6)
{
	struct ladder *l = ladder(.v6 = true);
	app(l, 0, "listen 10");
	in (l, 0, "S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>");
	out(l, 0, "S. 0:0(0) ack 1 win 65535 <mss 1460,nop,nop,sackOK,nop,wscale 8>");
	in (l, 10, "P. 1:11(10) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 11");
	app(l, 0, "accept");
	app(l, 0, "read 100 = 10");
	ladder_end(l);
}

/* The layouts that peers know. */
/* req: 7323-2.2-a, 7323-2.2-b, 7323-3.2-a, 2018-4-a */
TEST(tcp_syn_ack_carries_only_what_the_syn_offered)
{
	static const struct { const char *syn, *synack; } t[] = {
		{ "S 0:0(0) win 1000", "S. 0:0(0) ack 1 <mss 1460>" },
		{ "S 0:0(0) win 1000 <mss 1000>", "S. 0:0(0) ack 1 <mss 1460>" },
		{ "S 0:0(0) win 1000 <mss 1000,nop,wscale 2>", "S. 0:0(0) ack 1 <mss 1460,nop,wscale 8>" },
		{ "S 0:0(0) win 1000 <mss 1000,sackOK,nop,nop>", "S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK>" },
		{ "S 0:0(0) win 1000 <mss 1000,nop,nop,TS val 3 ecr 0>", "S. 0:0(0) ack 1 <mss 1460,nop,nop,TS val * ecr 3>" },
	};
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct ladder *l = ladder_listening();
		in (l, 0, "%s", t[i].syn);
		out(l, 0, "%s", t[i].synack);
		ladder_end(l);
	}
}

/* req: 9293-3.10.7.3-e, MUST-14 */
TEST(tcp_active_open_sends_syn_and_acks_the_syn_ack)
{
	struct ladder *l = ladder();
	app(l, 0, "connect");
	out(l, 0, "S 0:0(0) win 65535 <mss 1460,sackOK,TS val * ecr 0,nop,wscale 8>");
	state_is(l, SYN_SENT);
	app(l, 0, "write 10 = again");
	app(l, 0, "read 10 = again");
	in (l, 20, "S. 0:0(0) ack 1 win 5000 <mss 1200,sackOK,TS val 9 ecr last,nop,wscale 3>");
	out(l, 0, ". 1:1(0) ack 1 <nop,nop,TS val * ecr 9>");
	none(l);
	state_is(l, ESTABLISHED);
	ok(tcp_ready(ladder_tcb(l)) & OL_EV_OUT);
	eq(ladder_tcb(l)->snd_mss, 1188);
	ladder_end(l);
}

/* RFC 6298 2.1, 5.5: one second, then twice as long each time; then it is given up. */
/* req: 6298-2-a, 6298-5-c, MUST-20 */
TEST(tcp_syn_is_repeated_with_backoff_and_given_up)
{
	struct ladder *l = ladder(.cfg = "tcp_syn_retries=3");
	app(l, 0, "connect");
	out(l, 0, "S 0:0(0)");
	out(l, 1000, "S 0:0(0)");
	out(l, 2000, "S 0:0(0)");
	out(l, 4000, "S 0:0(0)");
	wait(l, 8100);
	state_is(l, CLOSED);
	app(l, 0, "error = timedout");
	app(l, 0, "error = none");
	ladder_end(l);
}

/* req: 9293-3.10.7.3-c, 5961-3.2-d */
TEST(tcp_reset_to_syn_means_refused)
{
	struct ladder *l = ladder_syn_sent();
	in (l, 5, "R 0:0(0) win 0");			/* no ACK: anyone could have sent it */
	state_is(l, SYN_SENT);
	in (l, 5, "R. 0:0(0) ack 2 win 0");		/* of something not sent */
	state_is(l, SYN_SENT);
	in (l, 5, "R. 0:0(0) ack 1 win 0");
	state_is(l, CLOSED);
	none(l);
	app(l, 0, "read 10 = refused");
	app(l, 0, "write 10 = pipe");
	app(l, 0, "read 10 = eof");
	ladder_end(l);
}

/* RFC 9293 3.10.7.3 first: an ACK of something never sent. */
/* req: 9293-3.10.7.3-a, 9293-3.10.7.3-g */
TEST(tcp_unacceptable_ack_in_syn_sent_earns_a_reset)
{
	struct ladder *l = ladder_syn_sent();
	in (l, 5, ". 0:0(0) ack 77 win 100");
	out(l, 0, "R 77:77(0) win 0");
	in (l, 5, "S. 0:0(0) ack 77 win 100");
	out(l, 0, "R 77:77(0)");
	in (l, 5, ". 0:0(0) ack 1 win 100");		/* acceptable, but neither SYN nor RST */
	none(l);
	state_is(l, SYN_SENT);
	ladder_end(l);
}

/* RFC 9293 3.5, figure 8. */
/* req: MUST-10, MUST-14, 9293-3.10.7.3-f */
TEST(tcp_simultaneous_open)
{
	struct ladder *l = ladder(.cfg = "tcp_timestamps=0");
	app(l, 0, "connect");
	out(l, 0, "S 0:0(0)");
	in (l, 5, "S 0:0(0) win 1000 <mss 1000>");
	out(l, 0, "S. 0:0(0) ack 1 <mss 1460>");
	state_is(l, SYN_RECEIVED);
	in (l, 5, "S. 0:0(0) ack 1 win 1000 <mss 1000>");
	state_is(l, ESTABLISHED);
	none(l);
	app(l, 0, "write 100");
	out(l, 0, "P. 1:101(100) ack 1");
	ladder_end(l);
}

TEST(tcp_simultaneous_open_refused)
{
	struct ladder *l = ladder_crossed();
	in (l, 5, "R 1:1(0) win 0");
	state_is(l, CLOSED);
	app(l, 0, "error = refused");
	ladder_end(l);
}

/* A closed port answers, and a reset is never answered. */
/* req: 9293-3.10.7.1-a */
TEST(tcp_closed_port_resets)
{
	struct ladder *l = ladder();
	in (l, 0, "S 0:0(0) win 1000 <mss 1000>");
	out(l, 0, "R. 0:0(0) ack 1 win 0");
	in (l, 0, "F 5:15(10) win 1000");
	out(l, 0, "R. 0:0(0) ack 16");
	in (l, 0, ". 5:5(0) ack 33 win 1000");
	out(l, 0, "R 33:33(0)");
	in (l, 0, "R 5:5(0) win 1000");
	none(l);
	eq(ladder_fate(l, OL_DROP_TCP_NO_CONNECTION), 3);
	eq(ladder_fate(l, OL_DROP_TCP_RST_NO_CONNECTION), 1);
	ladder_end(l);
}

/* req: MUST-15, MUST-14 */
TEST(tcp_without_mss_option_536_is_assumed)
{
	struct ladder *l = ladder_established(.syn = "sackOK,nop,nop");
	app(l, 0, "write 1000");
	out(l, 0, ". 1:537(536) ack 1");
	out(l, 0, "P. 537:1001(464) ack 1");
	ladder_end(l);
}

/* req: MUST-15 */
TEST(tcp_without_mss_option_1220_is_assumed_on_ipv6)
{
	struct ladder *l = ladder_established(.v6 = true, .syn = "sackOK,nop,nop");
	app(l, 0, "write 1500");
	out(l, 0, ". 1:1221(1220) ack 1");
	out(l, 0, "P. 1221:1501(280) ack 1");
	ladder_end(l);
	l = ladder_syn_sent(.v6 = true, .cfg = "tcp_timestamps=0");	/* and by who opened actively */
	in (l, 5, "S. 0:0(0) ack 1 win 5000");
	out(l, 0, ". 1:1(0) ack 1");
	app(l, 0, "write 1500");
	out(l, 0, ". 1:1221(1220) ack 1");
	ladder_flush(l);
	ladder_end(l);
}

/* req: MUST-5, MUST-6, MUST-7 */
TEST(tcp_malformed_options_do_no_harm)
{
	static const char *const opts[] = { "raw 0200", "raw 0201", "raw 02ff", "raw fe02", "raw 0802", "raw 050b",
		"raw 0302" };
	for (size_t i = 0; i < sizeof opts / sizeof *opts; i++) {
		struct ladder *l = ladder_listening();
		in (l, 0, "S 0:0(0) win 1000 <mss 700,%s>", opts[i]);
		out(l, 0, "S. 0:0(0) ack 1 <mss 1460>");
		in (l, 0, ". 1:1(0) ack 1 win 1000");
		app(l, 0, "accept");
		eq(ladder_tcb(l)->peer_mss, 700);
		ladder_end(l);
	}
}

/* RFC 7323 2.3: a shift above 14 counts as 14. */
/* req: 7323-2.3-d, 7323-2.3-c */
TEST(tcp_window_scale_is_bounded)
{
	struct ladder *l = ladder_established(.syn = "mss 1000,nop,wscale 15");
	eq(ladder_tcb(l)->snd_wscale, 14);
	eq(ladder_tcb(l)->snd_wnd, 257u << 14);
	ladder_end(l);
}

/* Text and FIN on a SYN that crosses ours wait for ESTABLISHED: "queue them", 3.10.7.3. */
/* req: 9293-3.10.7.3-h */
TEST(tcp_text_on_a_crossing_syn_waits_for_established)
{
	struct ladder *l = ladder_syn_sent();
	in (l, 10, "S 0:3(3) win 1000 <mss 1000>");
	out(l, 0, "S. 0:0(0) ack 1");			/* not acknowledged yet: it may have to come again */
	app(l, 0, "read 10 = again");
	in (l, 10, ". 4:4(0) ack 1 win 1000");
	out(l, 0, ". 1:1(0) ack 4");
	app(l, 0, "read 10 = 3");
	in (l, 10, "P. 1:6(5) ack 1 win 1000");		/* some of it again */
	app(l, 0, "read 10 = 2");
	ladder_flush(l);
	ladder_end(l);
}

TEST(tcp_fin_on_a_crossing_syn_waits_for_established)
{
	struct ladder *l = ladder_syn_sent();
	in (l, 10, "SF 0:3(3) win 1000 <mss 1000>");
	out(l, 0, "S. 0:0(0) ack 1");
	state_is(l, SYN_RECEIVED);
	in (l, 10, "P. 1:4(3) ack 1 win 1000");		/* the peer says its text again: once is enough */
	state_is(l, CLOSE_WAIT);
	out(l, 0, ". 1:1(0) ack 5");
	app(l, 0, "read 10 = 3");
	app(l, 0, "read 10 = eof");
	ladder_end(l);
}

TEST(tcp_text_on_a_crossing_syn_goes_with_the_connection)
{
	struct ladder *l = ladder_syn_sent();
	in (l, 10, "S 0:3(3) win 1000 <mss 1000>");
	out(l, 0, "S. 0:0(0) ack 1");
	in (l, 10, "R 1:1(0) win 0");
	state_is(l, CLOSED);
	app(l, 0, "read 10 = refused");
	ladder_end(l);
}

/* The text of a SYN-ACK is not thrown away: 3.10.7.3, "continue processing at the sixth step". */
TEST(tcp_syn_ack_with_text)
{
	struct ladder *l = ladder_syn_sent(.cfg = "tcp_timestamps=0");
	in (l, 5, "S. 0:10(10) ack 1 win 1000 <mss 1000>");
	out(l, 0, ". 1:1(0) ack 11");
	app(l, 0, "read 100 = 10");
	ladder_end(l);
}

/* The same name again, a little later: a later number; another name: no telling. */
/* req: 6528-3-a */
TEST(tcp_isn_rises_with_the_clock_and_differs_by_name)
{
	struct ladder *l = ladder();
	struct ol_endpoint a = { ol_addr_ip4(0x0a000001), 1 }, b = { ol_addr_ip4(0x0a000002), 2 }, c = { b.addr, 3 };
	tcp_seq x = tcp_isn(ladder_tcp(l), &a, &b, OL_SEC), y = tcp_isn(ladder_tcp(l), &a, &b, OL_SEC + 4 * OL_MS);
	eq(seq_len(x, y), 1000);
	ok(!seq_eq(x, tcp_isn(ladder_tcp(l), &a, &c, OL_SEC)));
	ladder_end(l);
}

/* RFC 7323 2.2: the window of a segment with SYN is never shifted, neither the first nor one that comes again. */
/* req: 7323-2.2-d */
TEST(tcp_windows_of_syns_are_not_scaled)
{
	struct ladder *l = ladder(.cfg = "tcp_timestamps=0");
	app(l, 0, "connect");
	out(l, 0, "S 0:0(0) win 65535");
	in (l, 5, "S 0:0(0) win 1000 <mss 1000,nop,wscale 7>");
	out(l, 0, "S. 0:0(0) ack 1 win 65535");
	in (l, 5, "S. 0:0(0) ack 1 win 2000 <mss 1000,nop,wscale 7>");
	eq(ladder_tcb(l)->snd_wnd, 2000);
	in (l, 5, ". 1:1(0) ack 1 win 30");
	eq(ladder_tcb(l)->snd_wnd, 30 << 7);
	ladder_end(l);
}
