/*
 * What is a matter of time: retransmission and its end (RFC 9293 3.8.1, 3.8.3), keep-alives (3.8.4), delayed ACKs
 * (3.8.6.3), the timestamps' clock and age (RFC 7323 4, 5), sequence numbers' clock (RFC 9293 3.4.1).
 */
#include <errno.h>
#include "base/be.h"
#include "tcp_ladder.h"
#include "transport/tcp/tcp_isn.h"

#define TS_SYN "mss 1000,sackOK,TS val 1000 ecr 0,nop,wscale 7"

/* ---- retransmission and giving up -------------------------------------------------------------------------------- */

/* The front of the queue goes, as one segment, and the timer starts over: twice as long each time. */
/* req: 9293-3.10.8-b, MUST-18, MUST-19, 6298-5-c */
TEST(tcp_timeout_resends_the_front_and_starts_the_timer_again)
{
	struct ladder *l = ladder_established(.cfg = "tcp_early_retrans=0,tcp_mtu_probing=0", .syn = "mss 1000");
	app(l, 0, "write 3000");
	eq(ladder_flush(l), 3);
	int rto = (int)(ladder_tcb(l)->rto_ns / OL_MS);
	for (int i = 0; i < 5; i++) {
		wait(l, (rto << i) - 2);
		by (l, 4, ". 1:1001(1000) ack 1");
		none(l);
	}
	ladder_end(l);
}

/* R2 of a SYN: it is repeated for three minutes at least, counted and ended as text is; with nothing set. */
/* req: MUST-22, MUST-23 */
TEST(tcp_syn_is_repeated_for_three_minutes)
{
	struct ladder *l = ladder();
	app(l, 0, "connect");
	ol_time start = ladder_now(l), last = start;
	unsigned n = 0;
	for (int i = 0; i < 400 && tcp_state(ladder_tcb(l)) == OL_TCP_SYN_SENT; i++) {
		if (ladder_flush(l))
			n++, last = ladder_now(l);
		in (l, 1000, "R 0:0(0) win 0");			/* no answer to anything: a second passes */
	}
	ok(n > 5);
	ok(last - start <= 600 * OL_SEC);
	ok(ladder_now(l) - start >= 180 * OL_SEC);
	state_is(l, CLOSED);
	app(l, 0, "error = timedout");
	ladder_end(l);
	l = ladder(.cfg = "tcp_syn_retries=2");			/* and R2 is the user's to set, as for text */
	app(l, 0, "connect");
	out(l, 0, "S 0:0(0)");
	out(l, 1000, "S 0:0(0)");
	out(l, 2000, "S 0:0(0)");
	wait(l, 4100);
	state_is(l, CLOSED);
	ladder_end(l);
}

/* One connection's R2 is its user's, below and above what holds for the others; a SYN's as well. */
/* req: MUST-21, MUST-22 */
TEST(tcp_r2_is_set_for_one_connection)
{
	static const struct { int timeout_s, alive_ms, dead_ms; } t[] = { { 3, 2900, 200 }, { 0, 6000, 60000 }, { 3600, 3590000, 20000 } };
	for (size_t i = 0; i < 3; i++) {
		struct ladder *l = ladder_established(.cfg = "tcp_retries2=4");
		tcp_opts(ladder_tcb(l))->user_timeout = t[i].timeout_s * OL_SEC;
		tcp_opts_changed(ladder_tcb(l), ladder_now(l));
		app(l, 0, "write 100");
		app(l, t[i].alive_ms, "peek 1 = again");
		app(l, t[i].dead_ms, "peek 1 = timedout");
		ladder_flush(l);
		ladder_end(l);
	}
	struct ladder *l = ladder();
	app(l, 0, "connect");
	tcp_opts(ladder_tcb(l))->syncnt = 2;
	out(l, 0, "S 0:0(0)");
	out(l, 1000, "S 0:0(0)");
	out(l, 2000, "S 0:0(0)");
	wait(l, 4100);
	state_is(l, CLOSED);
	app(l, 0, "error = timedout");
	ladder_end(l);
}

/* The peer's SYN crosses ours and nothing follows: still an attempt to open, and as patient as one. */
/* req: MUST-23 */
TEST(tcp_syn_that_was_crossed_is_repeated_for_three_minutes)
{
	struct ladder *l = ladder_crossed();
	ol_time start = ladder_now(l);
	unsigned n = 0;
	while (tcp_state(ladder_tcb(l)) == OL_TCP_SYN_RECEIVED && ladder_now(l) - start < 600 * OL_SEC) {
		app(l, 1000, "nodelay 1");
		n += ladder_flush(l);
	}
	eq(n, tcp_config_default().syn_retries);
	ok(ladder_now(l) - start >= 180 * OL_SEC);
	state_is(l, CLOSED);
	app(l, 0, "error = timedout");
	ladder_end(l);
}

/* R1 and R2 as the RFC has them: three retransmissions, and no end before a hundred seconds. */
/* req: SHLD-10, SHLD-11, MUST-20 */
TEST(tcp_text_is_repeated_for_a_hundred_seconds)
{
	ok(tcp_config_default().retries1 >= 3);
	struct ladder *l = ladder_established();
	app(l, 0, "write 100");
	for (int i = 0; i < 1000; i++) {
		app(l, 100, "nodelay 1");
		ladder_flush(l);
	}
	state_is(l, ESTABLISHED);
	for (int i = 0; i < 20000 && tcp_state(ladder_tcb(l)) == OL_TCP_ESTABLISHED; i++) {
		app(l, 100, "nodelay 1");
		ladder_flush(l);
	}
	state_is(l, CLOSED);
	ladder_end(l);
}

/* An ICMP error that ends nothing is kept, and is what the program hears when patience is over. */
/* req: MUST-47, MUST-56, SHLD-25 */
TEST(tcp_soft_errors_reach_the_program)
{
	struct ladder *l = ladder_syn_sent(.cfg = "tcp_syn_retries=2");
	ladder_icmp(l, OL_ERR_HOSTUNREACH, false, 0, 0);
	state_is(l, SYN_SENT);
	app(l, 0, "error = none");
	out(l, 1000, "S 0:0(0)");
	out(l, 2000, "S 0:0(0)");
	wait(l, 4100);
	app(l, 0, "error = hostunreach");
	ladder_end(l);
	l = ladder_established(.cfg = "tcp_retries2=3");
	app(l, 0, "write 100");
	ladder_icmp(l, OL_ERR_NETUNREACH, true, 0, 1);
	state_is(l, ESTABLISHED);
	for (int i = 0; i < 100 && tcp_state(ladder_tcb(l)) == OL_TCP_ESTABLISHED; i++) {
		app(l, 100, "nodelay 1");
		ladder_flush(l);
	}
	app(l, 0, "write 1 = netunreach");
	ladder_end(l);
}

/* Two connections, one error: it finds the one whose segment it quotes. */
/* req: MUST-54 */
TEST(tcp_icmp_errors_find_their_connection)
{
	struct ladder *l = ladder_syn_sent();
	struct tcp_tcb *first = ladder_tcb(l);
	ladder_peer_port(l, 5);
	app(l, 0, "connect");
	out(l, 0, "S 0:0(0)");
	struct tcp_tcb *other = ladder_tcb(l);
	ladder_icmp(l, OL_ERR_CONNREFUSED, true, 0, 0);
	eq(tcp_state(other), OL_TCP_CLOSED);
	eq(tcp_state(first), OL_TCP_SYN_SENT);
	ladder_peer_port(l, 6);					/* and about nobody's it finds nobody */
	ladder_icmp(l, OL_ERR_CONNREFUSED, true, 0, 0);
	eq(tcp_state(first), OL_TCP_SYN_SENT);
	tcp_release(first, ladder_now(l));
	ladder_end(l);
	l = ladder_half_open();					/* what a listener has half open: given up, or not */
	ladder_icmp(l, OL_ERR_HOSTUNREACH, false, 0, 0);
	ladder_icmp(l, OL_ERR_CONNREFUSED, true, 0, 5);		/* of nothing sent */
	eq(ladder_tcp(l)->n_syn, 1);
	ladder_icmp(l, OL_ERR_CONNREFUSED, true, 0, 0);
	eq(ladder_tcp(l)->n_syn, 0);
	wait(l, 10000);
	ladder_end(l);
}

/* ---- keep-alives ------------------------------------------------------------ */

static void keepalive(struct ladder *l, ol_time idle, ol_time intvl, uint8_t cnt)
{
	struct tcp_opts *o = tcp_opts(ladder_tcb(l));
	o->keepalive = true;
	o->keepidle = idle;
	o->keepintvl = intvl;
	o->keepcnt = cnt;
	tcp_opts_changed(ladder_tcb(l), ladder_now(l));
}

/* req: MUST-26, MUST-27, SHLD-12, MAY-5 */
TEST(tcp_keepalives_wait_for_idleness_and_for_acknowledgements)
{
	struct ladder *l = ladder_established(.cfg = "tcp_retries2=10");
	keepalive(l, 10 * OL_SEC, OL_SEC, 3);
	for (int i = 0; i < 5; i++) {				/* while the peer speaks there is nothing to ask */
		wait(l, 9000);
		in (l, 0, ". 1:1(0) ack 1 win 257");
	}
	in (l, 9500, "P. 1:11(10) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 11");
	wait(l, 9900);
	out(l, 100, ". 0:0(0) ack 11");
	in (l, 0, ". 11:11(0) ack 1 win 257");
	/* text on its way: it asks by being sent again, for 100 s */
	app(l, 0, "write 100");
	out(l, 0, "P. 1:101(100) ack 11");
	for (int i = 0; i < 1000; i++) {
		app(l, 40, "nodelay 1");
		for (struct ol_pkt *p; (p = ladder_take(l)); ol_pkt_free(p))
			eq(p->len, 20 + 20 + 100);		/* never a probe */
	}
	in (l, 0, ". 11:11(0) ack 101 win 257");
	state_is(l, ESTABLISHED);
	wait(l, 9900);
	out(l, 100, ". 100:100(0) ack 11");
	ladder_end(l);
}

/* req: MUST-28, MUST-25 */
TEST(tcp_keepalive_interval_is_two_hours_where_nobody_says_otherwise)
{
	struct ladder *l = ladder_established();
	keepalive(l, 0, 0, 0);
	wait(l, 7199000);
	by (l, 2000, ". 0:0(0) ack 1");
	ladder_end(l);
	l = ladder_established(.cfg = "tcp_keepalive_time=60");	/* req: MUST-27 */
	keepalive(l, 0, 0, 0);
	wait(l, 59000);
	by (l, 2000, ". 0:0(0) ack 1");
	ladder_end(l);
}

/* req: MUST-29 */
TEST(tcp_one_unanswered_probe_ends_nothing)
{
	struct ladder *l = ladder_established();
	keepalive(l, 10 * OL_SEC, OL_SEC, 0);
	out(l, 10000, ". 0:0(0) ack 1");
	for (int i = 1; i < 9; i++)
		out(l, 1000, ". 0:0(0) ack 1");
	state_is(l, ESTABLISHED);				/* eight without an answer */
	in (l, 500, ". 1:1(0) ack 1 win 257");
	wait(l, 9900);
	out(l, 100, ". 0:0(0) ack 1");				/* and the count begins anew */
	out(l, 1000, ". 0:0(0) ack 1");
	state_is(l, ESTABLISHED);
	ladder_end(l);
}

/* ---- acknowledgements ------------------------------------------------------------ */

/* Whatever is set, half a second is never reached. */
/* req: MUST-40, 5681-4.2-a */
TEST(tcp_no_acknowledgement_waits_half_a_second)
{
	struct tcp_config c = tcp_config_default();
	eq(tcp_config_set(&c, "tcp_delack_ms", "500"), -EINVAL);
	eq(tcp_config_set(&c, "tcp_delack_ms", "499"), 0);
	struct ladder *l = ladder_established(.cfg = "tcp_delack_ms=499");
	for (int i = 0; i < 40; i++) {
		in (l, 1000, ". %d:%d(1000) ack 1 win 257", 1 + 1000 * i, 1001 + 1000 * i);
		by (l, 499, ". 1:1(0) ack %d", 1001 + 1000 * i);
	}
	int at = 40001, ours = 1;
	for (int i = 0; i < 10; i++, at += 30, ours += 10) {
		in (l, 1000, "P. %d:%d(10) ack %d win 257", at, at + 10, ours);
		ladder_flush(l);				/* after a pause it is acknowledged at once */
		app(l, 1, "write 10");				/* a program that answers lets the next wait ... */
		out(l, 0, "P. %d:%d(10) ack %d", ours, ours + 10, at + 10);
		in (l, 10, "P. %d:%d(10) ack %d win 257", at + 10, at + 20, ours + 10);
		none(l);
		in (l, 300, "P. %d:%d(10) ack %d win 257", at + 20, at + 30, ours + 10);
		none(l);
		by (l, 199, ". %d:%d(0) ack %d", ours + 10, ours + 10, at + 30);	/* ... and what trickles in makes it no longer */
	}
	app(l, 1, "write 10");
	out(l, 0, "P. 101:111(10) ack 40301");
	in (l, 10, "P. 40301:40311(10) ack 111 win 257");
	app(l, 0, "write 10");
	out(l, 0, "P. 111:121(10) ack 40311");
	in (l, 10, "F. 40311:40311(0) ack 121 win 257");	/* a FIN */
	none(l);
	by (l, 499, ". 121:121(0) ack 40312");
	ladder_end(l);
}

/* Text in order, above a gap, old, filling: never two ACKs for one segment. */
/* req: 5681-4.2-b */
TEST(tcp_one_segment_earns_one_acknowledgement_at_most)
{
	struct ladder *l = ladder_established();
	uint32_t x = 12345;
	for (int i = 0; i < 2000; i++) {
		x = x * 1664525 + 1013904223;
		uint32_t nxt = ladder_tcb(l)->rcv_nxt.v - ladder_tcb(l)->irs.v, at = nxt + x % 5000;
		at = at > 2000 ? at - 2000 : 1;
		in (l, x % 7 == 0, ". %u:%u(1000) ack 1 win 257", at, at + 1000);
		ok(ladder_flush(l) <= 1);
		size_t got;
		struct iovec v = { (char[5000]){ 0 }, 5000 };
		(void)tcp_recv(ladder_tcb(l), &v, 1, 0, &got, ladder_now(l));
		ladder_flush(l);				/* a window update is another matter */
	}
	ladder_end(l);
}

/* ---- timestamps ------------------------------------------------------------ */

static uint32_t tsval_of(struct ladder *l)
{
	uint32_t v;
	struct ol_pkt *p = ladder_take(l);
	const uint8_t *tcp = p->data + 20;
	struct tcp_opt o;
	tcp_opt_parse(&o, tcp + 20, (tcp[12] >> 4) * 4u - 20);
	ok(o.ts_ok);
	v = o.tsval;
	ol_pkt_free(p);
	return v;
}

/* A millisecond a tick: in proportion to time, within 1 ms to 1 s, so that it recycles in 49 days. */
/* req: 7323-4.1-a, 7323-5.4-a */
TEST(tcp_timestamp_clock_ticks_in_milliseconds)
{
	struct ladder *l = ladder_established(.syn = TS_SYN);
	static const int ms[] = { 1, 10, 250, 1000, 60000, 3600000, 86400000 };
	app(l, 0, "nodelay 1");
	app(l, 0, "write 10");
	uint32_t before = tsval_of(l), at = 11;
	for (size_t i = 0; i < sizeof ms / sizeof *ms; i++, at += 10) {
		in (l, 0, ". 1:1(0) ack %u win 257 <nop,nop,TS val 1001 ecr last>", at);
		app(l, ms[i], "write 10");
		uint32_t v = tsval_of(l);
		eq(v - before, (uint32_t)ms[i]);
		before = v;
	}
	ladder_end(l);
}

/* What was not agreed on is not looked at: no echo, and no PAWS that would drop the older. */
/* req: 7323-3.2-f */
TEST(tcp_timestamps_not_agreed_on_are_ignored)
{
	struct ladder *l = ladder_established();
	in (l, 0, "P. 1:11(10) ack 1 win 257 <nop,nop,TS val 900 ecr 5>");
	out(l, 0, ". 1:1(0) ack 11 <>");
	in (l, 0, "P. 11:21(10) ack 1 win 257 <nop,nop,TS val 800 ecr 5>");
	out(l, 0, ". 1:1(0) ack 21 <>");
	in (l, 0, "P. 21:31(10) ack 1 win 257 <nop,nop,TS val 4000000000 ecr 5>");	/* from before whatever 0 would be */
	out(l, 0, ". 1:1(0) ack 31 <>");
	in (l, 0, "P. 31:41(10) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 41 <>");
	app(l, 0, "read 100 = 40");
	eq(ladder_fate(l, OL_DROP_TCP_PAWS), 0);
	ladder_end(l);
}

/* A segment held above a gap has been asked for its age when it came; TS.Recent rising above it takes nothing back. */
/* req: 7323-5.3-c */
TEST(tcp_held_text_is_not_asked_for_its_age_again)
{
	struct ladder *l = ladder_established(.syn = TS_SYN);
	in (l, 0, ". 1001:2001(1000) ack 1 win 257 <nop,nop,TS val 1010 ecr last>");
	in (l, 0, ". 1:501(500) ack 1 win 257 <nop,nop,TS val 2000 ecr last>");
	in (l, 0, ". 501:1001(500) ack 1 win 257 <nop,nop,TS val 2001 ecr last>");
	app(l, 0, "read 5000 = 2000");
	eq(ladder_fate(l, OL_DROP_TCP_PAWS), 0);
	ladder_end(l);
}

/*
 * After 24 days of silence the peer's clock may have gone round half its circle: what TS.Recent says no longer counts.
 */
/* req: 7323-5.5-a */
TEST(tcp_recent_timestamp_is_void_after_24_days)
{
	struct ladder *l = ladder_established(.syn = TS_SYN);
	in (l, 0, "P. 1:11(10) ack 1 win 257 <nop,nop,TS val 1000 ecr last>");
	out(l, 0, ". 1:1(0) ack 11");
	for (int day = 0; day < 23; day++)
		wait(l, 86400000);
	in (l, 0, "P. 11:21(10) ack 1 win 257 <nop,nop,TS val 999 ecr last>");
	out(l, 0, ". 1:1(0) ack 11 <nop,nop,TS val * ecr 1000>");	/* older still */
	eq(ladder_fate(l, OL_DROP_TCP_PAWS), 1);
	wait(l, 86400000);
	wait(l, 10000);
	in (l, 0, "P. 11:21(10) ack 1 win 257 <nop,nop,TS val 999 ecr last>");
	out(l, 0, ". 1:1(0) ack 21");
	eq(ladder_fate(l, OL_DROP_TCP_PAWS), 1);
	ladder_end(l);
}

/* PAWS relies on segments that are not cut on their way: DF stands on all of them, and the path's answer is heeded. */
/* req: 7323-5.7-a */
TEST(tcp_paws_goes_with_path_mtu_discovery)
{
	struct ladder *l = ladder_established(.syn = "mss 1460,sackOK,TS val 9 ecr 0,nop,wscale 7");
	app(l, 0, "write 1448");
	struct ol_pkt *p = ladder_take(l);
	eq(p->len, 1500);
	eq(p->data[6] & 0x40, 0x40);
	ol_pkt_free(p);
	ladder_icmp(l, OL_ERR_MSGSIZE, false, 1000, 1);
	for (int n = 0; (p = ladder_take(l)); n++) {
		ok(n < 3 && p->len <= 1000);
		eq(p->data[6] & 0x40, 0x40);
		ol_pkt_free(p);
	}
	ladder_end(l);
}

/* What was cut for a longer path is cut anew as a whole, not each old segment into a full one and a rest. */
TEST(tcp_a_smaller_path_mtu_cuts_the_whole_anew)
{
	struct ladder *l = ladder_established(.syn = "mss 1460,sackOK,nop,nop,nop,wscale 7");
	app(l, 0, "write 7300");
	eq(ladder_flush(l), 5);
	ladder_icmp(l, OL_ERR_MSGSIZE, false, 1200, 1);
	outs(l, 1, 6961, 1160, "ack 1");
	out(l, 0, "P. 6961:7301(340) ack 1");
	none(l);
	in (l, 20, ". 1:1(0) ack 1161 win 257 <sack 2321:7301>");
	out(l, 0, ". 1161:2321(1160) ack 1");			/* the pieces are known by their new bounds */
	in (l, 0, ". 1:1(0) ack 7301 win 257");
	none(l);
	ladder_end(l);
}

/* The window is counted in segments, and their number is what stays. */
/* req: 1191-6.4-a, 1191-6.4-d, 5681-3.1-i */
TEST(tcp_a_smaller_path_mtu_leaves_the_window_its_segments)
{
	struct ladder *l = ladder_established(.syn = "mss 1460,sackOK,nop,nop,nop,wscale 7");
	app(l, 0, "write 14600");
	eq(ladder_flush(l), 10);
	ladder_icmp(l, OL_ERR_MSGSIZE, false, 1200, 1);
	eq(ladder_flush(l), 10);
	eq(ladder_tcb(l)->loss.cwnd, 10 * 1160);
	ladder_icmp(l, OL_ERR_MSGSIZE, false, 1200, 1);		/* the same word again is no news */
	eq(ladder_tcb(l)->loss.cwnd, 10 * 1160);
	none(l);
	in (l, 100, ". 1:1(0) ack 1161 win 257");
	out(l, 0, ". 11601:12761(1160) ack 1");
	ladder_flush(l);
	ladder_end(l);
}

/* ---- window scale ------------------------------------------------------------ */

/* Each side shifts by its own count, both by none when one of them did not ask. */
/* req: 7323-2.3-b */
TEST(tcp_windows_are_shifted_as_agreed)
{
	struct ladder *l = ladder_established(.syn = "mss 1000,nop,wscale 3");
	eq(ladder_tcb(l)->snd_wnd, 257 << 3);			/* the peer's windows by the peer's count */
	eq(ladder_tcb(l)->rcv_wscale, 8);			/* ours by ours */
	in (l, 0, "P. 1:11(10) ack 1 win 257");
	struct ol_pkt *p = ladder_take(l);
	eq((uint32_t)be16_at(p->data + 34) << 8, ladder_tcb(l)->rcv_wnd & ~255u);
	ol_pkt_free(p);
	ladder_end(l);
	l = ladder_established(.syn = "mss 1000");
	eq(ladder_tcb(l)->snd_wnd, 32792);
	eq(ladder_tcb(l)->rcv_wscale, 0);
	ladder_end(l);
	l = ladder_established(.cfg = "tcp_window_scaling=0", .syn = "mss 1000,nop,wscale 3");
	eq(ladder_tcb(l)->snd_wscale, 0);
	in (l, 0, ". 1:1(0) ack 1 win 5000");
	eq(ladder_tcb(l)->snd_wnd, 5000);
	ladder_end(l);
}

/* RFC 7323 2.4.  A window taken back by rounding, or for worse reasons. */
/* req: 7323-2.4-a, 7323-2.4-c, 7323-2.4-d, MUST-34, SHLD-15 */
TEST(tcp_window_taken_back_bounds_what_is_sent)
{
	struct ladder *l = ladder_established(.cfg = "tcp_early_retrans=0,tcp_mtu_probing=0");
	in (l, 0, ". 1:1(0) ack 1 win 32");			/* 4096 bytes */
	app(l, 0, "write 6000");
	eq(ladder_flush(l), 4);
	in (l, 10, ". 1:1(0) ack 1001 win 12");			/* the right edge went from 4097 back to 2537 */
	state_is(l, ESTABLISHED);
	none(l);						/* nothing new, though the congestion window has room */
	wait(l, 150);
	for (int i = 0; i < 4; i++) {				/* again and again, but nothing beyond the edge */
		by (l, 10000, ". 1001:2001(1000) ack 1");
		none(l);
	}
	in (l, 10, ". 1:1(0) ack 2001 win 4");			/* 2513: half of the front lies beyond it */
	ladder_flush(l);
	for (int i = 0; i < 3; i++) {
		struct ol_pkt *p = NULL;
		for (int k = 0; k < 1000 && !p; k++) {
			app(l, 20, "nodelay 1");
			p = ladder_take(l);
		}
		ok(p && p->len <= 40 + 512);
		ol_pkt_free(p);
	}
	ladder_end(l);
}

/* What lies inside the edge that was taken back is sent again, all of it; what lies beyond is not. */
/* req: SHLD-16, MUST-34 */
TEST(tcp_text_inside_a_shrunken_window_is_sent_again)
{
	struct ladder *l = ladder_established(.cfg = "tcp_early_retrans=0,tcp_mtu_probing=0,tcp_recovery=0", .syn = "mss 1000");
	in (l, 0, ". 1:1(0) ack 1 win 30000");
	app(l, 0, "write 5000");
	outs(l, 1, 4001, 1000, "ack 1");
	out(l, 0, "P. 4001:5001(1000) ack 1");
	by (l, 1000, ". 1:1001(1000) ack 1");			/* lost, all of it */
	in (l, 20, ". 1:1(0) ack 1001 win 2000");		/* the right edge: 3001, it was 30001 */
	outs(l, 1001, 3001, 1000, "ack 1");
	none(l);
	in (l, 20, ". 1:1(0) ack 3001 win 2000");
	out(l, 0, ". 3001:4001(1000) ack 1");
	out(l, 0, "P. 4001:5001(1000) ack 1");
	none(l);
	ladder_end(l);
}

/* A segment that was in the window of any ACK we sent is taken, whatever became of our memory since. */
/* req: 7323-2.4-b */
TEST(tcp_promised_window_is_kept)
{
	struct ladder *l = ladder_established(.cfg = "tcp_rmem=4096:60000:60000", .syn = "mss 1000,sackOK,nop,nop,nop,wscale 7");
	uint32_t edge = ladder_tcb(l)->rcv_nxt.v + ladder_tcb(l)->rcv_wnd - ladder_tcb(l)->irs.v, at = 1;
	/* nobody reads, and each segment comes out of order by one */
	while (at + 1000 <= edge) {
		if (at + 2000 <= edge)
			in (l, 1, ". %u:%u(1000) ack 1 win 257", at + 1000, at + 2000);
		in (l, 1, ". %u:%u(1000) ack 1 win 257", at, at + 1000);
		at += at + 2000 <= edge ? 2000 : 1000;
	}
	eq(ladder_tcb(l)->rcv_nxt.v - ladder_tcb(l)->irs.v, at);
	eq(tcp_readable(ladder_tcb(l)), at - 1);
	ladder_flush(l);
	ladder_end(l);
}

/* ---- initial sequence numbers ------------------------------------------------------------ */

static uint32_t isn(const char *seed, uint32_t remote, uint16_t port, ol_time now)
{
	struct tcp t = { .key_isn = sipkey_derive((const uint8_t *)seed, "tcp isn") };
	struct ol_endpoint a = { ol_addr_ip4(0x0a000001), 1 }, b = { ol_addr_ip4(remote), port };
	return tcp_isn(&t, &a, &b, now).v;
}

/*
 * M + F(name, secret).  M is a clock of four microseconds; F differs from secret to secret without a pattern in the
 * name, so what one pair's number is says nothing of another's.
 */
/* The number that stands in the next segment out. */
static uint32_t seq_of(struct ladder *l)
{
	struct ol_pkt *p = ladder_take(l);
	ok(p && (p->data[33] & 0x02));
	uint32_t v = be32_at(p->data + 24);
	ol_pkt_free(p);
	return v;
}

/* And it is what SYNs and SYN-ACKs begin with: the same name a second later is 250000 ticks on, another name is elsewhere. */
/* req: MUST-8, MUST-9, 6528-3-a */
TEST(tcp_syns_begin_with_the_clocks_number)
{
	uint32_t seq[2][3];
	for (int active = 0; active < 2; active++) {
		struct ladder *l = ladder_listening();
		for (int i = 0; i < 3; i++) {
			int ms = i == 1 ? 1000 : 0;
			ladder_peer_port(l, i == 2 ? 6 : 5);
			if (active)
				app(l, ms, "connect");
			else
				in (l, ms, "S 7:7(0) win 1000 <mss 1000>");
			seq[active][i] = seq_of(l);
			if (active)
				app(l, 0, "close");
			else
				in (l, 0, "R 8:8(0) win 0");
		}
		eq(seq[active][1] - seq[active][0], 250000);
		ok(seq[active][2] - seq[active][1] > 0x10000 + 250000);	/* by chance one in ten thousand, and the seed is fixed */
		ladder_end(l);
	}
}

/* req: MUST-8, MUST-9, SHLD-1, 6528-3-a, 6528-3-b */
TEST(tcp_isn_is_a_clock_and_a_keyed_hash)
{
	const char *seed = "sixteen bytes, a", *other = "sixteen bytes, b";
	for (int i = 1; i < 100; i++)
		eq(isn(seed, 7, 80, 4000 * i) - isn(seed, 7, 80, 0), i);
	unsigned near = 0, same_step = 0;
	for (uint16_t port = 1; port < 2000; port++) {
		uint32_t here = isn(seed, 7, port, 0), there = isn(other, 7, port, 0), next = isn(seed, 7, port + 1, 0);
		near += here - there + 0x100000 < 0x200000;	/* by chance one in 2048 */
		same_step += next - here == isn(other, 7, port + 1, 0) - there;
		ok(isn(seed, 8, port, 0) != here);
	}
	ok(near < 10);
	eq(same_step, 0);
}

/* RFC 9293 3.8.6.1: the first probe after an RTO, each next after twice the time before, and not sooner. */
/* req: SHLD-29, SHLD-30, MUST-36 */
TEST(tcp_window_probes_come_at_doubling_intervals)
{
	struct ladder *l = ladder_established();
	in (l, 50, ". 1:1(0) ack 1 win 0");
	int rto = (int)(ladder_tcb(l)->rto_ns / OL_MS);
	app(l, 0, "write 1000");
	for (int i = 0; i < 6; i++) {
		wait(l, (rto << i) - 2);
		by (l, 4, ". 0:0(0) ack 1");
		in (l, 0, ". 1:1(0) ack 1 win 0");
	}
	for (int i = 6; i < 10; i++) {				/* and where none is answered they go on until R2 */
		int ms = rto << i, most = (int)(tcp_config_default().rto_max_ns / OL_MS);
		wait(l, (ms < most ? ms : most) - 2);
		by (l, 4, ". 0:0(0) ack 1");
	}
	state_is(l, ESTABLISHED);
	ladder_end(l);
	l = ladder_established();				/* a FIN needs a number in the window too */
	in (l, 50, ". 1:1(0) ack 1 win 0");
	app(l, 0, "shutdown wr");
	none(l);
	by (l, rto + 2, ". 0:0(0) ack 1");
	in (l, 0, ". 1:1(0) ack 1 win 1");
	out(l, 0, "F. 1:1(0) ack 1");
	ladder_end(l);
}
