/*
 * Explicit congestion notification, RFC 3168 6.1: the handshake's four flags, which packets say ECT, the echo and its
 * answer.
 */
#include "tcp_ladder.h"

/* A passive open that agreed on ECN. */
static struct ladder *agreed(const char *cfg)
{
	struct ladder *l = ladder_listening(.cfg = cfg ? cfg : "tcp_ecn=1");
	in (l, 0, "SEW 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>");
	out(l, 0, "SE. 0:0(0) ack 1 [noecn]");
	in (l, 20, ". 1:1(0) ack 1 win 257");
	app(l, 0, "accept");
	ok(ladder_tcb(l)->ecn_ok);
	return l;
}

/* req: 3168-6.1.1-a, 3168-6.1.1-d, SHLD-8 */
TEST(tcp_ecn_setup_packets)
{
	struct ladder *l = ladder(.cfg = "tcp_ecn=1,tcp_timestamps=0");
	app(l, 0, "connect");
	out(l, 0, "SEW 0:0(0) [noecn]");			/* ECN-setup SYN: both */
	in (l, 5, "SE. 0:0(0) ack 1 win 1000 <mss 1000>");	/* ECN-setup SYN-ACK: ECE alone */
	out(l, 0, ". 1:1(0) ack 1 [noecn]");
	app(l, 0, "write 100");
	out(l, 0, "P. 1:101(100) ack 1 [ect0]");
	ladder_end(l);
	l = agreed(NULL);					/* asserts the other side's */
	app(l, 0, "write 100");
	out(l, 0, "P. 1:101(100) ack 1 [ect0]");
	ladder_end(l);
	l = agreed("tcp_ecn=2");				/* only when asked */
	ladder_end(l);
	l = ladder(.cfg = "tcp_ecn=2");
	app(l, 0, "connect");
	out(l, 0, "S 0:0(0) [noecn]");
	ladder_end(l);
}

/* Any other pair of flags agrees on nothing, and then no packet says ECT and no ACK says ECE. */
/* req: 3168-6.1.1-b, 3168-6.1.1-c, 3168-6.1.1-e */
TEST(tcp_ecn_without_both_setup_packets_is_off)
{
	static const char *const answers[] = { "S.", "SW.", "SEW." };	/* the last reflects whatever it gets */
	for (int i = 0; i < 3; i++) {
		struct ladder *l = ladder(.cfg = "tcp_ecn=1,tcp_timestamps=0");
		app(l, 0, "connect");
		out(l, 0, "SEW 0:0(0)");
		in (l, 5, "%s 0:0(0) ack 1 win 1000 <mss 1000>", answers[i]);
		out(l, 0, ". 1:1(0) ack 1 [noecn]");
		app(l, 0, "write 100");
		out(l, 0, "P. 1:101(100) ack 1 [noecn]");
		in (l, 0, "P. 1:101(100) ack 101 win 1000 [ce]");
		out(l, 0, ". 101:101(0) ack 101 [noecn]");
		ladder_end(l);
	}
	/* A SYN that asks crosses ours that did not: who "has sent no non-ECN-setup SYN" only may set ECT. */
	struct ladder *x = ladder(.cfg = "tcp_ecn=2,tcp_timestamps=0");
	app(x, 0, "connect");
	out(x, 0, "S 0:0(0)");
	in (x, 5, "SEW 0:0(0) win 1000 <mss 1000>");
	out(x, 0, "S. 0:0(0) ack 1 [noecn]");
	in (x, 5, ". 1:1(0) ack 1 win 1000");
	app(x, 0, "write 100");
	out(x, 0, "P. 1:101(100) ack 1 [noecn]");
	ladder_end(x);
	struct ladder *f = ladder(.cfg = "tcp_ecn=1,tcp_timestamps=0");	/* the first SYN asked, the second did not */
	app(f, 0, "connect");
	out(f, 0, "SEW 0:0(0)");
	out(f, 1000, "S 0:0(0)");
	in (f, 5, "SE. 0:0(0) ack 1 win 1000 <mss 1000>");
	out(f, 0, ". 1:1(0) ack 1 [noecn]");
	app(f, 0, "write 100");
	out(f, 0, "P. 1:101(100) ack 1 [noecn]");
	ladder_end(f);
	static const char *const syns[] = { "S", "SE", "SW" };
	for (int i = 0; i < 3; i++) {
		struct ladder *l = ladder_listening(.cfg = "tcp_ecn=1");
		in (l, 0, "%s 0:0(0) win 1000 <mss 1000>", syns[i]);
		out(l, 0, "S. 0:0(0) ack 1 [noecn]");		/* no ECE to who did not ask */
		in (l, 20, ". 1:1(0) ack 1 win 1000");
		app(l, 0, "accept");
		app(l, 0, "write 100");
		out(l, 0, "P. 1:101(100) ack 1 [noecn]");
		ladder_end(l);
	}
	struct ladder *l = ladder_listening(.cfg = "tcp_ecn=0");
	in (l, 0, "SEW 0:0(0) win 1000 <mss 1000>");
	out(l, 0, "S. 0:0(0) ack 1 [noecn]");
	ladder_end(l);
}

/* A SYN-ACK that is sent again is a SYN-ACK: not ECT. */
/* req: 3168-6.1.1-d, 3168-6.1.1.1-a */
TEST(tcp_ecn_no_handshake_packet_is_marked)
{
	struct ladder *l = ladder_listening(.cfg = "tcp_ecn=1");
	in (l, 0, "SEW 0:0(0) win 32792 <mss 1000>");
	out(l, 0, "SE. 0:0(0) ack 1 [noecn]");
	out(l, 1000, "SE. 0:0(0) ack 1 [noecn]");
	ladder_end(l);
	l = ladder(.cfg = "tcp_ecn=1");			/* silence may be about ECN: the second SYN does not ask */
	app(l, 0, "connect");
	out(l, 0, "SEW 0:0(0)");
	out(l, 1000, "S 0:0(0) [noecn]");
	ladder_end(l);
	l = ladder(.cfg = "tcp_ecn=1,tcp_ecn_fallback=0");
	app(l, 0, "connect");
	out(l, 0, "SEW 0:0(0) [noecn]");
	out(l, 1000, "SEW 0:0(0) [noecn]");
	ladder_end(l);
}

/*
 * From the mark on every ACK says ECE, until CWR says that it was heard; a mark on the very packet with CWR counts
 * anew.
 */
/* req: 3168-6.1.3-a */
TEST(tcp_ecn_echo_lasts_until_cwr)
{
	struct ladder *l = agreed(NULL);
	in (l, 0, "P. 1:101(100) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 101");
	in (l, 0, "P. 101:201(100) ack 1 win 257 [ce]");
	out(l, 0, "E. 1:1(0) ack 201");
	for (int i = 2; i < 6; i++) {
		in (l, 5, "P. %d:%d(100) ack 1 win 257", 1 + 100 * i, 101 + 100 * i);
		out(l, 0, "E. 1:1(0) ack %d", 101 + 100 * i);
	}
	app(l, 0, "write 50");					/* and what goes with text */
	out(l, 0, "PE. 1:51(50) ack 601 [ect0]");
	in (l, 0, "PW. 601:701(100) ack 51 win 257");
	out(l, 40, ". 51:51(0) ack 701");			/* heard */
	in (l, 0, "P. 701:801(100) ack 51 win 257 [ce]");
	out(l, 0, "E. 51:51(0) ack 801");
	in (l, 0, "PW. 801:901(100) ack 51 win 257 [ce]");
	out(l, 0, "E. 51:51(0) ack 901");
	ladder_end(l);
}

/* The echo halves the window, as one drop would, once for a window of data; the next new text says CWR, once. */
/* req: 3168-6.1.2-a, 3168-5-b, 3168-5-a, 8311-4.2-a */
TEST(tcp_ecn_echo_has_the_effect_of_one_drop)
{
	struct ladder *l = agreed("tcp_ecn=1,tcp_congestion_control=reno");
	app(l, 0, "write 40000");
	outs(l, 1, 10001, 1000, "ack 1 [ect0]");		/* ECT(0), never ECT(1) */
	none(l);
	in (l, 20, "E. 1:1(0) ack 1001 win 257");
	eq(ladder_tcb(l)->loss.ssthresh, 4500);			/* half of what is under way */
	unsigned cwr = 0;
	for (int i = 2; i <= 10; i++) {				/* the same window: nothing more is taken away */
		in (l, 1, "E. 1:1(0) ack %d win 257", 1 + 1000 * i);
		eq(ladder_tcb(l)->loss.ssthresh, 4500);
		for (struct ol_pkt *p; (p = ladder_take(l)); ol_pkt_free(p)) {
			bool says = p->data[33] & 0x80;
			ok(!says || !cwr);			/* on the first, and on no other */
			ok(says || cwr);
			cwr += says;
			eq(p->data[1] & 3, 2);
		}
	}
	eq(cwr, 1);
	ok(ladder_tcb(l)->loss.cwnd <= 6000);
	uint32_t una = ladder_tcb(l)->snd_nxt.v - ladder_tcb(l)->iss.v;
	in (l, 20, ". 1:1(0) ack %u win 257", una);	/* the window is over: the next echo is another event */
	ladder_flush(l);
	in (l, 20, "E. 1:1(0) ack %u win 257", una + 1000);
	ok(ladder_tcb(l)->loss.ssthresh < 4500 && ladder_tcb(l)->loss.ssthresh >= 2000);
	ladder_end(l);
}

/* req: 3168-6.1.4-a, 3168-6.1.5-a, 3168-6.1.6-a */
TEST(tcp_ecn_only_fresh_text_is_marked)
{
	struct ladder *l = agreed("tcp_ecn=1,tcp_early_retrans=0");
	in (l, 0, "P. 1:101(100) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 101 [noecn]");			/* a pure ACK */
	app(l, 0, "write 1000");
	out(l, 0, "P. 1:1001(1000) ack 101 [ect0]");
	by (l, 1000, "P. 1:1001(1000) ack 101 [noecn]");	/* the timeout also owes a CWR: not on this */
	in (l, 0, ". 101:101(0) ack 1001 win 0");
	app(l, 0, "write 1000");
	by (l, 5000, ". 1000:1000(0) ack 101 [noecn]");		/* a window probe: neither ECT nor CWR */
	in (l, 0, ". 101:101(0) ack 1001 win 257");
	out(l, 0, "PW. 1001:2001(1000) ack 101 [ect0]");	/* here it goes */
	app(l, 0, "shutdown wr");
	out(l, 0, "F. 2001:2001(0) ack 101 [noecn]");
	ladder_end(l);
	l = agreed("tcp_ecn=1");				/* fast retransmission too */
	app(l, 0, "write 5000");
	eq(ladder_flush(l), 5);
	in (l, 20, ". 1:1(0) ack 1 win 257 <sack 1001:4001>");
	out(l, 0, ". 1:1001(1000) ack 1 [noecn]");
	in (l, 0, "R 5:5(0) win 0");
	out(l, 0, ". 5001:5001(0) ack 1 [noecn]");		/* a challenge */
	ladder_end(l);
}

/*
 * RFC 9438 4.6, RFC 3168 6.1.2: echo after echo the window falls to one segment; then the timer says when the next
 * goes.
 */
/* req: 9438-4.6-c, 3168-6.1.2-b, 3168-6.1.2-c */
TEST(tcp_ecn_echoes_reduce_to_one_segment_and_then_the_rate)
{
	static const char *const names[] = { "reno", "cubic" };
	for (int k = 0; k < 2; k++) {
		char cfg[80];
		snprintf(cfg, sizeof cfg, "tcp_ecn=1,tcp_init_cwnd=2,tcp_congestion_control=%s", names[k]);
		struct ladder *l = agreed(cfg);
		app(l, 0, "write 20000");
		out(l, 0, ". 1:1001(1000) ack 1 [ect0]");
		out(l, 0, ". 1001:2001(1000) ack 1 [ect0]");
		in (l, 20, "E. 1:1(0) ack 1001 win 257");
		none(l);
		in (l, 1, "E. 1:1(0) ack 2001 win 257");	/* the peer knows of no reduction yet: the same event */
		eq(ladder_tcb(l)->loss.cwnd, 1000);
		eq(ladder_tcb(l)->loss.ssthresh, 2000);
		out(l, 0, ".W 2001:3001(1000) ack 1");
		none(l);
		in (l, 20, "E. 1:1(0) ack 3001 win 257");	/* marked again, at one segment */
		int rto = (int)(ladder_tcb(l)->rto_ns / OL_MS);
		wait(l, rto - 1);
		by (l, 2, ".W 3001:4001(1000) ack 1");
		in (l, 20, "E. 1:1(0) ack 4001 win 257");	/* and again: twice as long */
		rto = (int)(ladder_tcb(l)->rto_ns / OL_MS);
		wait(l, 2 * rto - 1);
		by (l, 2, ".W 4001:5001(1000) ack 1");
		none(l);
		in (l, 20, ". 1:1(0) ack 5001 win 257");	/* no mark: on at once */
		out(l, 0, ". 5001:6001(1000) ack 1 [ect0]");
		in (l, 20, ". 1:1(0) ack 6001 win 257");
		ok(ladder_tcb(l)->loss.cwnd >= 2000);
		ok(ladder_flush(l) >= 2);
		ladder_end(l);
	}
}
