/*
 * Moving text: RFC 9293 3.7.4, 3.8.5, 3.8.6, 3.10.2, 3.10.3; delayed ACKs, Nagle, windows, urgent data,
 * timestamps, SACK sent.
 */
#include "tcp_ladder.h"
#include "transport/tcp/tcp_segment.h"

/* The first segments of a connection are acknowledged at once; after that every second, or after 40 ms. */
/* req: SHLD-18, SHLD-19 */
TEST(tcp_delayed_ack)
{
	struct ladder *l = ladder_established();
	int at = 1;
	for (int i = 0; i < 16; i++, at += 1000) {
		in (l, 1, ". %d:%d(1000) ack 1 win 257", at, at + 1000);
		out(l, 0, ". 1:1(0) ack %d", at + 1000);
	}
	in (l, 1, ". 16001:17001(1000) ack 1 win 257");
	none(l);
	in (l, 1, ". 17001:18001(1000) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 18001");
	in (l, 1, ". 18001:19001(1000) ack 1 win 257");
	none(l);
	out(l, 40, ". 1:1(0) ack 19001");
	ladder_end(l);
}

/* After the first sixteen, which are acknowledged at once: where the next segment begins. */
static int past_the_quick_ones(struct ladder *l)
{
	int at = 1;
	for (int i = 0; i < 16; i++, at += 1000) {
		in (l, 1, ". %d:%d(1000) ack 1 win 257", at, at + 1000);
		ladder_flush(l);
	}
	return at;
}

/* 3.10.7.4: of a series of segments all are processed before an ACK is sent, and that one takes in the odd one. */
/* req: MUST-58, MUST-59 */
TEST(tcp_segments_that_came_together_get_one_ack)
{
	struct ladder *l = ladder_established();
	int at = past_the_quick_ones(l);
	ladder_together(l);
	for (int i = 0; i < 5; i++, at += 1000) {
		in (l, i == 0, ". %d:%d(1000) ack 1 win 257", at, at + 1000);
		none(l);
	}
	ladder_together_end(l);
	out(l, 0, ". 1:1(0) ack %d", at);
	none(l);
	ladder_together(l);					/* of one alone nothing is due */
	in (l, 1, ". %d:%d(1000) ack 1 win 257", at, at + 1000);
	ladder_together_end(l);
	none(l);
	out(l, 40, ". 1:1(0) ack %d", at + 1000);
	ladder_end(l);
}

/* A whole window told of in one ACK would leave as one burst again; and Linux's CUBIC would take the connection for idle. */
TEST(tcp_series_of_segments_that_get_one_ack_are_sixteen_long)
{
	struct ladder *l = ladder_established();
	int at = past_the_quick_ones(l);
	ladder_together(l);
	for (int i = 1; i <= 40; i++, at += 1000) {
		in (l, i == 1, ". %d:%d(1000) ack 1 win 257", at, at + 1000);
		if (i % 16)
			none(l);
		else
			out(l, 0, ". 1:1(0) ack %d", at + 1000);
	}
	ladder_together_end(l);
	out(l, 0, ". 1:1(0) ack %d", at);
	none(l);
	ladder_end(l);
}

/* Also where each alone would be acknowledged at once, and where the last of them ends the stream. */
/* req: MUST-58, MUST-59 */
TEST(tcp_first_segments_that_came_together_get_one_ack)
{
	struct ladder *l = ladder_established();
	ladder_together(l);
	in (l, 1, ". 1:1001(1000) ack 1 win 257");
	in (l, 0, ". 1001:2001(1000) ack 1 win 257");
	in (l, 0, "FP. 2001:2501(500) ack 1 win 257");
	none(l);
	ladder_together_end(l);
	out(l, 0, ". 1:1(0) ack 2502");
	none(l);
	state_is(l, CLOSE_WAIT);
	ladder_end(l);
}

/* What an ACK among them lets go takes the ACK of what came before along; the rest is told of at the end. */
/* req: MUST-58, MUST-59 */
TEST(tcp_ack_of_what_came_together_rides_on_text)
{
	struct ladder *l = ladder_established(.cfg = "tcp_init_cwnd=1", .syn = "mss 1000,nop,wscale 8");
	int at = past_the_quick_ones(l);
	app(l, 0, "write 2000");
	out(l, 0, ". 1:1001(1000) ack %d", at);
	ladder_together(l);
	in (l, 1, ". %d:%d(1000) ack 1 win 257", at, at + 1000);
	in (l, 0, ". %d:%d(1000) ack 1 win 257", at + 1000, at + 2000);
	none(l);
	in (l, 0, ". %d:%d(0) ack 1001 win 257", at + 2000, at + 2000);
	out(l, 0, "P. 1001:2001(1000) ack %d", at + 2000);
	ladder_together_end(l);
	none(l);
	ladder_end(l);
}

/*
 * RFC 8985 7.2: who acknowledges so tells of a flight but its last segment in one ACK.  It was sent segment by segment, and its end is
 * probed for in two round trips all the same.
 */
/* req: 8985-7.2-a */
TEST(tcp_end_of_a_flight_is_probed_for_after_one_ack_of_the_rest)
{
	struct ladder *l = ladder_established(.syn = "mss 1000,sackOK,nop,nop");
	int at = 1;
	for (int i = 0; i < 8; i++, at += 2000) {
		app(l, 0, "write 2000");
		ladder_flush(l);
		in (l, 50, ". 1:1(0) ack %d win 60000", at + 2000);
	}
	app(l, 0, "write 1000");
	ladder_flush(l);
	at += 1000;
	in (l, 70, ". 1:1(0) ack %d win 60000", at);	/* and holds back the ACK of a single one */
	app(l, 0, "write 4000");
	for (int i = 0; i < 4; i++)
		out(l, 0, "%s %d:%d(1000) ack 1", i < 3 ? "." : "P.", at + 1000 * i, at + 1000 * i + 1000);
	in (l, 50, ". 1:1(0) ack %d win 60000", at + 3000);
	by (l, 140, "P. %d:%d(1000) ack 1", at + 3000, at + 4000);
	ladder_end(l);
}

/* RFC 5681 4.2: a gap is told of at once, by each segment behind it: their number and their blocks are the message. */
TEST(tcp_gap_among_segments_that_came_together_is_told_by_each)
{
	struct ladder *l = ladder_established(.syn = "mss 1000,sackOK");
	int at = past_the_quick_ones(l);
	ladder_together(l);
	in (l, 1, ". %d:%d(1000) ack 1 win 257", at, at + 1000);
	none(l);
	in (l, 0, ". %d:%d(1000) ack 1 win 257", at + 2000, at + 3000);
	out(l, 0, ". 1:1(0) ack %d <nop,nop,sack %d:%d>", at + 1000, at + 2000, at + 3000);
	in (l, 0, ". %d:%d(1000) ack 1 win 257", at + 3000, at + 4000);
	out(l, 0, ". 1:1(0) ack %d <nop,nop,sack %d:%d>", at + 1000, at + 2000, at + 4000);
	in (l, 0, ". %d:%d(1000) ack 1 win 257", at + 1000, at + 2000);
	out(l, 0, ". 1:1(0) ack %d", at + 4000);
	ladder_together_end(l);
	none(l);
	ladder_end(l);
}

/* A reset among them: nobody is left to acknowledge to. */
TEST(tcp_reset_among_segments_that_came_together_is_the_last_word)
{
	struct ladder *l = ladder_established();
	int at = past_the_quick_ones(l);
	ladder_together(l);
	in (l, 1, ". %d:%d(1000) ack 1 win 257", at, at + 1000);
	in (l, 0, ". %d:%d(1000) ack 1 win 257", at + 1000, at + 2000);
	in (l, 0, "R. %d:%d(0) ack 1 win 257", at + 2000, at + 2000);
	ladder_together_end(l);
	none(l);
	state_is(l, CLOSED);
	ladder_end(l);
}

/* An answer takes the ACK along. */
TEST(tcp_ack_rides_on_text)
{
	struct ladder *l = ladder_established(.cfg = "tcp_early_retrans=0");
	in (l, 0, "P. 1:101(100) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 101");
	app(l, 0, "read 1000 = 100");
	app(l, 0, "write 50");
	out(l, 0, "P. 1:51(50) ack 101");
	in (l, 10, "P. 101:201(100) ack 51 win 257");
	none(l);
	app(l, 1, "write 50");
	out(l, 0, "P. 51:101(50) ack 201");
	wait(l, 100);
	ladder_end(l);
}

/* req: MUST-60, MUST-61 */
TEST(tcp_push_stands_on_the_last_segment_of_a_write)
{
	struct ladder *l = ladder_established(.cfg = "tcp_early_retrans=0");
	app(l, 0, "write 2500");
	out(l, 0, ". 1:1001(1000) ack 1");
	out(l, 0, ". 1001:2001(1000) ack 1");
	out(l, 0, "P. 2001:2501(500) ack 1");
	none(l);
	in (l, 20, ". 1:1(0) ack 2001 win 257");
	by (l, 500, "P. 2001:2501(500) ack 1");			/* sent again it is the last all the same */
	ladder_end(l);
}

/* req: SHLD-7, MUST-17, MUST-60 */
TEST(tcp_nagle_holds_a_second_small_segment)
{
	struct ladder *l = ladder_established();
	app(l, 0, "write 100");
	out(l, 0, "P. 1:101(100) ack 1");
	app(l, 1, "write 100");
	app(l, 1, "write 100");
	none(l);
	in (l, 20, ". 1:1(0) ack 101 win 257");
	out(l, 0, "P. 101:301(200) ack 1");
	app(l, 0, "nodelay 1");
	app(l, 0, "write 7");
	out(l, 0, "P. 301:308(7) ack 1");
	app(l, 0, "write 7");
	out(l, 0, "P. 308:315(7) ack 1");
	app(l, 0, "nodelay 0");
	app(l, 0, "write 7");
	none(l);
	app(l, 0, "nodelay 1");				/* what is held goes at that word */
	out(l, 0, "P. 315:322(7) ack 1");
	ladder_end(l);
}

/* req: MUST-60, MUST-61 */
TEST(tcp_cork_holds_until_pulled)
{
	struct ladder *l = ladder_established();
	app(l, 0, "cork 1");
	app(l, 0, "write 100");
	app(l, 0, "write 1000");
	out(l, 0, "P. 1:1001(1000) ack 1");		/* a full segment is not held */
	none(l);
	app(l, 5, "cork 0");
	out(l, 0, "P. 1001:1101(100) ack 1");
	app(l, 0, "cork 1");
	in (l, 20, ". 1:1(0) ack 1101 win 257");
	app(l, 0, "write 5");
	wait(l, 190);
	by (l, 100, "P. 1101:1106(5) ack 1");		/* nobody holds for ever */
	ladder_end(l);
}

/* req: MUST-60, MUST-61 */
TEST(tcp_more_holds_until_the_rest_comes)
{
	struct ladder *l = ladder_established();
	app(l, 0, "more 100");
	none(l);
	app(l, 10, "write 100");
	out(l, 0, "P. 1:201(200) ack 1");
	in (l, 20, ". 1:1(0) ack 201 win 257");
	app(l, 0, "more 100");
	by (l, 300, "P. 201:301(100) ack 1");			/* and not for ever */
	ladder_end(l);
}

/* The peer's window is the bound; a piece of it not worth sending is not sent. */
/* req: MUST-38 */
TEST(tcp_sender_avoids_the_silly_window)
{
	struct ladder *l = ladder_established();
	in (l, 0, ". 1:1(0) ack 1 win 16");		/* 2048 bytes */
	app(l, 0, "write 5000");
	out(l, 0, ". 1:1001(1000) ack 1");
	out(l, 0, ". 1001:2001(1000) ack 1");
	none(l);
	in (l, 10, ". 1:1(0) ack 2001 win 1");		/* 128 bytes: not a segment, not half the largest window */
	none(l);
	in (l, 10, ". 1:1(0) ack 2001 win 8");
	out(l, 0, ". 2001:3001(1000) ack 1");
	in (l, 10, ". 1:1(0) ack 3001 win 1");
	none(l);
	by (l, 1000, "P. 3001:3129(128) ack 1");		/* 3.8.6.2.1 (4): an override timeout, lest nothing ever goes */
	ladder_end(l);
}

/* req: MUST-35, MUST-36, MUST-37, SHLD-29, SHLD-30 */
TEST(tcp_zero_window_is_probed_with_backoff_and_for_ever)
{
	struct ladder *l = ladder_established();
	in (l, 50, ". 1:1(0) ack 1 win 0");
	app(l, 0, "write 1000");
	none(l);
	ol_time rto = ladder_tcb(l)->rto_ns;
	for (int i = 0; i < 40; i++) {
		ol_time wait_ms = (rto << (i < 16 ? i : 16)) / OL_MS;
		by (l, (int)(wait_ms > 120000 ? 120000 : wait_ms) + 1, ". 0:0(0) ack 1");
		in (l, 0, ". 1:1(0) ack 1 win 0");
	}
	state_is(l, ESTABLISHED);
	in (l, 10, ". 1:1(0) ack 1 win 257");
	out(l, 0, "P. 1:1001(1000) ack 1");
	ladder_end(l);
}

/* req: MUST-34: a window taken back does no harm */
TEST(tcp_shrunken_window_is_survived)
{
	struct ladder *l = ladder_established();
	app(l, 0, "write 3000");
	eq(ladder_flush(l), 3);
	in (l, 10, ". 1:1(0) ack 1001 win 0");
	none(l);
	state_is(l, ESTABLISHED);
	in (l, 10, ". 1:1(0) ack 3001 win 257");
	none(l);
	app(l, 0, "write 100");
	out(l, 0, "P. 3001:3101(100) ack 1");
	ladder_end(l);
}

/* The window we offer closes with what the program leaves unread, never moves back, and opens in large steps. */
/* req: MUST-39, SHLD-14, 9293-3.10.7.4-q */
TEST(tcp_receive_window_closes_and_opens)
{
	struct ladder *l = ladder_established(.cfg = "tcp_rmem=4096:40000:40000,tcp_window_scaling=0", .syn = "mss 1000");
	uint32_t at = 1, edge = 20001;
	for (int i = 0; i < 40 && at + 1000 <= edge; i++) {
		in (l, 1, ". %u:%u(1000) ack 1 win 32000", at, at + 1000);
		at += 1000;
		if (i % 2)
			ladder_flush(l);
		const struct tcp_tcb *t = ladder_tcb(l);
		uint32_t now_edge = t->rcv_wup.v + t->rcv_wnd - t->irs.v;
		ok(now_edge >= edge);
		edge = now_edge;
	}
	wait(l, 0);
	ladder_flush(l);
	eq(tcp_window(ladder_tcb(l)) < 1000, 1);
	app(l, 50, "read 100000 = 20000");
	out(l, 0, ". 1:1(0) ack 20001 win 20000");
	ladder_end(l);
	l = ladder_established();				/* nor by what the scale cannot say */
	ok(ladder_tcb(l)->rcv_wscale > 0);
	uint32_t right = ladder_tcb(l)->rcv_nxt.v + ladder_tcb(l)->rcv_wnd;
	for (at = 1; at < 5001; at += 10) {
		in (l, 1, "P. %u:%u(10) ack 1 win 257", at, at + 10);
		ladder_flush(l);
		ok(ladder_tcb(l)->rcv_wup.v + ladder_tcb(l)->rcv_wnd - right < 0x80000000u);
		right = ladder_tcb(l)->rcv_wup.v + ladder_tcb(l)->rcv_wnd;
	}
	ladder_end(l);
}

/* req: 2018-4-b, 2018-4-c, 2018-4-d, 2018-4-e, 9293-3.10.7.4-q, 5681-3.2-a */
TEST(tcp_sack_blocks_name_the_newest_first)
{
	struct ladder *l = ladder_established();
	in (l, 0, ". 1001:2001(1000) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 1 <nop,nop,sack 1001:2001>");
	in (l, 0, ". 3001:4001(1000) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 1 <nop,nop,sack 3001:4001 1001:2001>");
	in (l, 0, ". 5001:6001(1000) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 1 <nop,nop,sack 5001:6001 3001:4001 1001:2001>");
	in (l, 0, ". 2001:3001(1000) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 1 <nop,nop,sack 1001:4001 5001:6001>");
	in (l, 0, ". 1:1001(1000) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 4001 <nop,nop,sack 5001:6001>");
	in (l, 0, ". 4001:5001(1000) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 6001");
	app(l, 0, "read 10000 = 6000");
	ladder_end(l);
}

/* req: 2883-4-a, 2883-4-b, 2883-4-c, 9293-3.10.7.4-d */
TEST(tcp_dsack_tells_what_came_twice)
{
	struct ladder *l = ladder_established();
	in (l, 0, ". 1:1001(1000) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 1001");
	in (l, 0, ". 1:1001(1000) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 1001 <nop,nop,sack 1:1001>");
	in (l, 0, ". 501:1501(1000) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 1501 <nop,nop,sack 501:1001>");
	in (l, 0, ". 2001:3001(1000) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 1501 <nop,nop,sack 2001:3001>");
	in (l, 0, ". 2001:3001(1000) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 1501 <nop,nop,sack 2001:3001 2001:3001>");
	uint8_t buf[2000];
	size_t n;
	struct iovec v = { buf, sizeof buf };
	eq(tcp_recv(ladder_tcb(l), &v, 1, 0, &n, ladder_now(l)), OL_OK);
	eq(n, 1500);
	for (size_t i = 0; i < n; i++)
		eq(buf[i], (uint8_t)(1 + i));		/* the ladder's text counts up: of what came twice each byte is there once */
	ladder_end(l);
}

/* req: SHLD-31 */
/* The bytes are those that were sent, whatever order they came in. */
TEST(tcp_text_is_put_in_order)
{
	struct ladder *l = ladder_established();
	uint8_t got[3000];
	struct iovec v = { got, sizeof got };
	size_t n;
	in (l, 0, ". 2001:3001(1000) ack 1 win 257");
	in (l, 0, ". 501:1501(1000) ack 1 win 257");
	in (l, 0, ". 1401:2101(700) ack 1 win 257");
	in (l, 0, ". 1:601(600) ack 1 win 257");
	eq(tcp_recv(ladder_tcb(l), &v, 1, 0, &n, ladder_now(l)), OL_OK);
	eq(n, 3000);
	for (size_t i = 0; i < n; i++)
		eq(got[i], (uint8_t)(i + 1));
	ladder_end(l);
}

/* req: MUST-62, MUST-30, MUST-31 */
TEST(tcp_urgent_pointer_names_the_byte_behind)
{
	struct ladder *l = ladder_established();
	app(l, 0, "write 10");
	out(l, 0, "P. 1:11(10) ack 1");
	app(l, 0, "urg 1");
	out(l, 0, "PU. 11:12(1) ack 1 urg 1");
	in (l, 10, "PU. 1:11(10) ack 12 win 257 urg 10");
	out(l, 0, ". 12:12(0) ack 11");
	ok(tcp_ready(ladder_tcb(l)) & OL_EV_PRI);
	ok(!tcp_at_mark(ladder_tcb(l)));
	app(l, 0, "read 100 = 9");			/* up to the mark */
	ok(tcp_at_mark(ladder_tcb(l)));
	app(l, 0, "readurg = 1");
	app(l, 0, "readurg = inval");
	in (l, 0, "P. 11:21(10) ack 12 win 257");
	app(l, 0, "read 100 = 10");			/* the urgent byte itself is not in the stream */
	ladder_end(l);
}

/*
 * Longer than the pointer's 16 bits can say: the first segments point as far as they can, the later to the end; and one that is
 * received tells of more than it carries.
 */
/* req: MUST-31, MUST-62 */
TEST(tcp_urgent_text_of_any_length)
{
	struct ladder *l = ladder_established(.cfg = "tcp_wmem=4096:400000:400000,tcp_init_cwnd=100");
	in (l, 0, ". 1:1(0) ack 1 win 1000");
	app(l, 0, "urg 80000");
	for (unsigned at = 1; at < 80001; at += 1000) {
		unsigned left = 80001 - at;
		out(l, 0, "%s %u:%u(1000) ack 1 urg %u", left == 1000 ? "PU." : "U.", at, at + 1000, left < 65535 ? left : 65535);
	}
	in (l, 10, "U. 1:11(10) ack 80001 win 1000 urg 65535");
	eq(ladder_tcb(l)->rcv_up.v - ladder_tcb(l)->irs.v, 65536);
	ladder_flush(l);
	ladder_end(l);
	l = ladder_established(.cfg = "tcp_early_retrans=0");	/* and says so when it is sent again */
	app(l, 0, "urg 10");
	out(l, 0, "PU. 1:11(10) ack 1 urg 10");
	by (l, 500, "PU. 1:11(10) ack 1 urg 10");
	ladder_end(l);
}

TEST(tcp_urgent_byte_inline)
{
	struct ladder *l = ladder_established();
	tcp_opts(ladder_tcb(l))->oobinline = true;
	in (l, 10, "PU. 1:11(10) ack 1 win 257 urg 5");
	app(l, 0, "readurg = inval");
	app(l, 0, "read 100 = 10");
	ladder_end(l);
}

/* req: 7323-3.2-a, 7323-3.2-c, 7323-4.3-a, 7323-4.3-b, 7323-4.3-c */
TEST(tcp_timestamps_are_echoed_by_the_rule)
{
	struct ladder *l = ladder_established(.syn = "mss 1000,sackOK,TS val 1 ecr 0,nop,wscale 7");
	in (l, 0, ". 1:1001(1000) ack 1 win 257 <nop,nop,TS val 10 ecr last>");
	out(l, 0, ". 1:1(0) ack 1001 <nop,nop,TS val * ecr 10>");
	in (l, 0, ". 2001:3001(1000) ack 1 win 257 <nop,nop,TS val 12 ecr last>");	/* above a gap: not echoed */
	out(l, 0, ". 1:1(0) ack 1001 <nop,nop,TS val * ecr 10,nop,nop,sack 2001:3001>");
	in (l, 0, ". 1001:2001(1000) ack 1 win 257 <nop,nop,TS val 11 ecr last>");
	out(l, 0, ". 1:1(0) ack 3001 <nop,nop,TS val * ecr 11>");
	ladder_end(l);
}

/* req: 7323-5.3-a, 7323-5.3-b, 7323-3.2-d, 7323-3.2-e, 7323-5.2-b */
TEST(tcp_paws_drops_what_is_old)
{
	struct ladder *l = ladder_established(.syn = "mss 1000,sackOK,TS val 1000 ecr 0,nop,wscale 7");
	in (l, 0, ". 1:1001(1000) ack 1 win 257 <nop,nop,TS val 1005 ecr last>");
	out(l, 0, ". 1:1(0) ack 1001");
	in (l, 0, ". 1001:2001(1000) ack 1 win 257 <nop,nop,TS val 1004 ecr last>");
	out(l, 0, ". 1:1(0) ack 1001 <nop,nop,TS val * ecr 1005>");
	in (l, 0, ". 1001:2001(1000) ack 1 win 257");
	none(l);
	app(l, 0, "read 5000 = 1000");
	eq(ladder_fate(l, OL_DROP_TCP_PAWS), 1);
	eq(ladder_fate(l, OL_DROP_TCP_NO_TIMESTAMP), 1);
	in (l, 0, "R 1001:1001(0) win 0");		/* resets are not asked for theirs */
	state_is(l, CLOSED);
	ladder_end(l);
}

/* req: MUST-24, MUST-25 */
TEST(tcp_keepalive_is_off_unless_asked_and_then_probes)
{
	struct ladder *l = ladder_established();
	wait(l, 8000000);
	tcp_opts(ladder_tcb(l))->keepalive = true;
	tcp_opts(ladder_tcb(l))->keepidle = 10 * OL_SEC;
	tcp_opts(ladder_tcb(l))->keepintvl = OL_SEC;
	tcp_opts(ladder_tcb(l))->keepcnt = 3;
	in (l, 0, ". 1:1(0) ack 1 win 257");
	tcp_opts_changed(ladder_tcb(l), ladder_now(l));
	ok(ladder_tcb(l)->timer.at > ladder_now(l));		/* whoever has served this instant does not serve it twice */
	wait(l, 9990);
	out(l, 10, ". 0:0(0) ack 1");
	in (l, 5, ". 1:1(0) ack 1 win 257");
	wait(l, 9990);
	out(l, 10, ". 0:0(0) ack 1");
	out(l, 1000, ". 0:0(0) ack 1");
	out(l, 1000, ". 0:0(0) ack 1");
	out(l, 1000, "R. 1:1(0) ack 1");
	state_is(l, CLOSED);
	app(l, 0, "read 1 = timedout");
	ladder_end(l);
	l = ladder_listening();					/* what a listener has, its connections have; and when the peer has closed, too */
	tcp_listener_opts(ladder_listener(l))->keepalive = true;
	tcp_listener_opts(ladder_listener(l))->keepidle = 10 * OL_SEC;
	tcp_listener_opts(ladder_listener(l))->keepintvl = OL_SEC;
	in (l, 0, "S 0:0(0) win 1000 <mss 1000>");
	out(l, 0, "S. 0:0(0) ack 1");
	in (l, 0, ". 1:1(0) ack 1 win 1000");
	app(l, 0, "accept");
	by (l, 10010, ". 0:0(0) ack 1");
	in (l, 0, "F. 1:1(0) ack 1 win 1000");
	by (l, 500, ". 1:1(0) ack 2");
	by (l, 10010, ". 0:0(0) ack 2");
	ladder_end(l);
}

/* req: MUST-20 */
TEST(tcp_gives_up_after_r2)
{
	struct ladder *l = ladder_established(.cfg = "tcp_retries2=4");
	app(l, 0, "write 100");
	unsigned n = 0;
	for (int i = 0; i < 100 && tcp_state(ladder_tcb(l)) == OL_TCP_ESTABLISHED; i++) {
		app(l, 100, "nodelay 1");
		n += ladder_flush(l);
	}
	ok(n >= 5 && n <= 7);				/* the segment, perhaps a probe, four retransmissions */
	state_is(l, CLOSED);
	app(l, 0, "write 1 = timedout");
	ladder_end(l);
	l = ladder_established(.cfg = "tcp_orphan_retries=4");	/* nor does it try for ever where nobody holds it */
	app(l, 0, "write 100");
	app(l, 0, "close");
	for (int i = 0; i < 100 && ladder_tcp(l)->n_tcb > 0; i++) {
		in (l, 100, "R 9000001:9000001(0) win 0");
		ladder_flush(l);
	}
	eq(ladder_tcp(l)->n_tcb, 0);
	ladder_end(l);
}

/* req: 9293-3.10.8-a, MUST-21 */
TEST(tcp_user_timeout_ends_the_wait)
{
	struct ladder *l = ladder_established();
	tcp_opts(ladder_tcb(l))->user_timeout = 3 * OL_SEC;
	tcp_opts_changed(ladder_tcb(l), ladder_now(l));
	app(l, 0, "write 100");
	app(l, 2900, "peek 1 = again");
	app(l, 200, "peek 1 = timedout");
	ladder_flush(l);
	ladder_end(l);
}

/* req: 5927-4.1-a, MUST-16 */
/* RFC 1191, 8201: smaller segments at once, without a congestion response; RFC 5927: not on anybody's word. */
TEST(tcp_path_mtu_shrinks)
{
	struct ladder *l = ladder_established(.syn = "mss 1460,sackOK,nop,nop,nop,wscale 7");
	app(l, 0, "write 1460");
	out(l, 0, "P. 1:1461(1460) ack 1");
	ladder_icmp(l, OL_ERR_MSGSIZE, false, 1200, 999999);
	none(l);
	ladder_icmp(l, OL_ERR_MSGSIZE, false, 1200, 1);
	out(l, 0, ". 1:1161(1160) ack 1");
	out(l, 0, "P. 1161:1461(300) ack 1");
	ladder_icmp(l, OL_ERR_MSGSIZE, false, 40, 1);	/* below what IP guarantees */
	ok(ladder_tcb(l)->snd_mss >= 48);
	ladder_flush(l);
	ladder_end(l);
}

/*
 * req: 1191-6.4-b, 1191-6.4-c
 * What one connection learns of a path holds for all that take it: the next segment is as short, none is tried too long first.
 */
TEST(tcp_path_mtu_learnt_by_another_is_kept)
{
	struct ladder *l = ladder_established(.syn = "mss 1460,sackOK,nop,nop,nop,wscale 7");
	app(l, 0, "write 1460");
	out(l, 0, "P. 1:1461(1460) ack 1");
	in (l, 10, ". 1:1(0) ack 1461 win 1000");
	app(l, 0, "write 1460");
	out(l, 0, "P. 1461:2921(1460) ack 1");
	net_pmtu_update(ladder_tcb(l)->tcp->net, &ladder_tcb(l)->node.remote.addr, 1200, ladder_now(l));
	app(l, 0, "write 1460");
	out(l, 0, ". 2921:4081(1160) ack 1");
	out(l, 0, "P. 4081:4381(300) ack 1");
	none(l);						/* what is under way may have fitted */
	ladder_icmp(l, OL_ERR_MSGSIZE, false, 1200, 1461);	/* it did not */
	out(l, 0, ". 1461:2621(1160) ack 1");
	out(l, 0, "P. 2621:2921(300) ack 1");
	none(l);
	ladder_end(l);
}

/* Super-segments where the wire takes them over. */
TEST(tcp_tso_sends_one_packet_for_many_segments)
{
	struct ladder *l = ladder_established(.features = OL_IF_CSUM | OL_IF_TSO4);
	app(l, 0, "write 9500");
	out(l, 0, ". 1:9001(9000) ack 1");
	out(l, 0, "P. 9001:9501(500) ack 1");
	none(l);
	ladder_end(l);
}

/* req: 9293-3.10.7.4-k */
TEST(tcp_old_segments_do_not_change_the_window)
{
	struct ladder *l = ladder_established();
	in (l, 0, ". 1001:2001(1000) ack 1 win 100");
	ladder_flush(l);
	eq(ladder_tcb(l)->snd_wnd, 100 << 7);
	in (l, 0, ". 1:1001(1000) ack 1 win 50");		/* older by its number */
	ladder_flush(l);
	eq(ladder_tcb(l)->snd_wnd, 100 << 7);
	in (l, 0, ". 2001:2001(0) ack 1 win 60");
	eq(ladder_tcb(l)->snd_wnd, 60 << 7);
	in (l, 0, ". 2001:2001(0) ack 1 win 70");		/* the same numbers: a window update is news */
	eq(ladder_tcb(l)->snd_wnd, 70 << 7);
	app(l, 0, "write 2000");
	ladder_flush(l);
	in (l, 10, ". 2001:2001(0) ack 2001 win 80");
	in (l, 0, ". 2001:2001(0) ack 1001 win 90");		/* overtaken: older by its ACK */
	eq(ladder_tcb(l)->snd_wnd, 80 << 7);
	in (l, 0, "P. 2005:2011(6) ack 1001 win 90");		/* SND.UNA =< SEG.ACK is asked whatever the number */
	eq(ladder_tcb(l)->snd_wnd, 80 << 7);
	in (l, 0, "P. 2001:2011(10) ack 1001 win 90");
	eq(ladder_tcb(l)->snd_wnd, 80 << 7);
	in (l, 0, ". 2011:2011(0) ack 2001 win 100");
	eq(ladder_tcb(l)->snd_wnd, 100 << 7);
	ladder_flush(l);
	ladder_end(l);
}

/* req: 9293-3.10.7.4-c, MUST-66 */
TEST(tcp_zero_receive_window_still_takes_acks_and_resets)
{
	struct ladder *l = ladder_established(.cfg = "tcp_rmem=4096:8000:8000,tcp_window_scaling=0", .syn = "mss 1000");
	app(l, 0, "write 100");
	out(l, 0, "P. 1:101(100) ack 1");
	ins(l, 1, 1, 4001, 1000, "ack 1 win 32000");
	ladder_flush(l);
	uint32_t nxt = ladder_tcb(l)->rcv_nxt.v - ladder_tcb(l)->irs.v;
	in (l, 1, ". %u:%u(1000) ack 101 win 32000", nxt, nxt + 1000);
	eq(tcp_unacked(ladder_tcb(l)), 0);
	eq(ladder_tcb(l)->rcv_nxt.v - ladder_tcb(l)->irs.v, nxt);
	ladder_flush(l);
	ok(!(tcp_ready(ladder_tcb(l)) & OL_EV_PRI));
	in (l, 1, "U. %u:%u(0) ack 101 win 32000 urg 9", nxt, nxt);
	ok(tcp_ready(ladder_tcb(l)) & OL_EV_PRI);
	in (l, 1, "PU. %u:%u(1000) ack 101 win 32000 urg 20", nxt, nxt + 1000);	/* of one with text as well */
	eq(ladder_tcb(l)->rcv_up.v - ladder_tcb(l)->irs.v, nxt + 20);
	eq(ladder_tcb(l)->rcv_nxt.v - ladder_tcb(l)->irs.v, nxt);
	ladder_flush(l);
	in (l, 1, "R %u:%u(0) win 0", nxt, nxt);
	state_is(l, CLOSED);
	ladder_end(l);
}

/* A program that reads nothing costs no more memory than its buffer, whatever the segments look like. */
TEST(tcp_small_segments_cost_little_memory)
{
	struct ladder *l = ladder_established();
	uint32_t at = 1;
	for (int i = 0; i < 3000; i++, at += 10) {
		in (l, 0, "P. %u:%u(10) ack 1 win 257", at, at + 10);
		ladder_flush(l);
	}
	eq(tcp_readable(ladder_tcb(l)), 30000);
	ok(ladder_tcb(l)->rcvq.truesize < 70000);
	for (int i = 0; i < 3000; i++) {			/* and with gaps between them */
		in (l, 0, "P. %u:%u(10) ack 1 win 257", at + 20 + 20 * i, at + 30 + 20 * i);
		ladder_flush(l);
	}
	ok(ladder_tcb(l)->rcvq.truesize <= ladder_tcb(l)->rcvbuf * 3 / 2);
	ladder_end(l);
}

/* ---- room for what lies behind a gap ---------------------------------------------------------------------------- */

#define SMALL_RMEM "tcp_rmem=4096:131072:33554432"

/* What waits behind a gap is no fault of the reader's: the buffer makes room for it, once somebody reads. */
TEST(tcp_a_gap_makes_the_buffer_grow)
{
	struct ladder *l = ladder_established(.cfg = SMALL_RMEM);
	struct tcp_tcb *t = ladder_tcb(l);
	in (l, 0, ". 2001:41001(39000) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 1 <nop,nop,sack 2001:41001>");
	ok(tcp_rcvbuf(t) > 131072);
	t->opts.rcvbuf = t->rcvbuf = 131072;		/* a size the user chose stays */
	in (l, 0, ". 41001:60001(19000) ack 1 win 257");
	eq(tcp_rcvbuf(t), 131072);
	ladder_flush(l);
	ladder_end(l);
}

TEST(tcp_a_gap_before_accept_makes_nothing_grow)
{
	struct ladder *l = ladder_half_open(.cfg = SMALL_RMEM);
	in (l, 1, ". 1:1(0) ack 1 win 257");
	in (l, 0, ". 2001:41001(39000) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 1 <nop,nop,sack 2001:41001>");
	app(l, 0, "accept");
	eq(tcp_rcvbuf(ladder_tcb(l)), 131072);
	ladder_end(l);
}

/* RFC 9293 3.10.7.4 "could" trim what lies beyond the window: one packet is kept whole while nothing waits to be read. */
/* req: 9293-3.10.7.4-d */
TEST(tcp_one_packet_may_reach_beyond_the_window)
{
	struct ladder *l = ladder_established(.cfg = SMALL_RMEM);
	in (l, 0, ". 41001:101001(60000) ack 1 win 257");	/* the window ends at 65536 */
	out(l, 0, ". 1:1(0) ack 1 <nop,nop,sack 41001:101001>");
	ladder_end(l);
	l = ladder_established(.cfg = SMALL_RMEM);
	in (l, 0, ". 1:1001(1000) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 1001");
	tcp_opts(ladder_tcb(l))->rcvbuf = 131072;
	uint32_t end = ladder_tcb(l)->rcv_wup.v + ladder_tcb(l)->rcv_wnd - ladder_tcb(l)->irs.v;
	in (l, 0, ". 41001:101001(60000) ack 1 win 257");	/* a byte waits: cut at the edge */
	eq(ladder_tcb(l)->rcvq.ooo_bytes, end - 41001);
	ladder_flush(l);
	ladder_end(l);
}

/* RFC 6675 4, rule 4, as the whole of TCP does it: the text is all sent, nothing is known to be lost, the last goes again. */
/* req: 6675-4-d */
TEST(tcp_rescues_the_tail_without_rack)
{
	struct ladder *l = ladder_established(.cfg = "tcp_recovery=0,tcp_early_retrans=0,tcp_congestion_control=reno");
	app(l, 0, "write 10000");
	eq(ladder_flush(l), 10);
	in (l, 20, ". 1:1(0) ack 1 win 257 <sack 1001:4001>");
	out(l, 0, ". 1:1001(1000) ack 1");
	in (l, 1, ". 1:1(0) ack 1 win 257 <sack 1001:7001>");
	none(l);
	in (l, 20, ". 1:1(0) ack 7001 win 257");
	out(l, 0, "P. 9001:10001(1000) ack 1");
	none(l);
	in (l, 20, ". 1:1(0) ack 7001 win 257 <sack 9001:10001>");
	out(l, 0, ". 7001:8001(1000) ack 1");
	out(l, 0, ". 8001:9001(1000) ack 1");
	none(l);
	ladder_end(l);
}

/* A packet longer than any segment was put together on its way: of which pieces, what both ends announced tells. */
TEST(tcp_a_packet_of_many_segments_tells_their_size)
{
	struct ladder *l = ladder_established(.syn = "mss 1100,sackOK,nop,nop,nop,wscale 7");
	in (l, 0, ". 1:10001(10000) ack 1 win 257");
	eq(ladder_tcb(l)->rcv_mss, 1000);
	in (l, 0, ". 10001:11201(1200) ack 1 win 257");	/* one segment, and a longer one */
	eq(ladder_tcb(l)->rcv_mss, 1200);
	ladder_flush(l);
	ladder_end(l);
}
