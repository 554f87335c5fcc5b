/*
 * Rules of TCP's extensions in every state they hold in, not in ESTABLISHED alone: window scale, timestamps and PAWS (RFC 7323),
 * SACK and D-SACK as the receiver sends them (RFC 2018, RFC 2883), resets, SYNs and ACKs that may be guesses (RFC 5961); and those
 * of RFC 5681, RFC 6298 and RFC 3168 that show only where both ends and the handshake are there.
 */
#include "base/be.h"
#include "tcp_ladder.h"
#include "transport/tcp/tcp_steps.h"

#define TS_SYN "mss 1000,sackOK,TS val 1000 ecr 0,nop,wscale 7"
#define TS(v) " <nop,nop,TS val " #v " ecr last>"

/* Closed by us and then by the peer, whose FIN has the timestamp 1000. */
static struct ladder *time_wait(void)
{
	struct ladder *l = ladder_established(.syn = TS_SYN);
	app(l, 0, "shutdown wr");
	out(l, 0, "F. 1:1(0) ack 1");
	in (l, 0, "F. 1:1(0) ack 2 win 257" TS(1000));
	out(l, 0, ". 2:2(0) ack 2");
	app(l, 0, "close");
	return l;
}

/* ---- window scale ------------------------------------------------------------------------------------------------- */

/* A SYN that crosses ours without the option ends it; with it, its own window is still not shifted, and only those after it are. */
/* req: 7323-2.2-a, 7323-2.2-d, 7323-2.3-b, 7323-2.3-c */
TEST(tcp_window_scale_of_crossing_syns)
{
	for (int asks = 0; asks < 2; asks++) {
		struct ladder *l = ladder_syn_sent(.cfg = "tcp_timestamps=0,tcp_sack=0");
		in (l, 5, "S 0:0(0) win 1000 <mss 1000%s>", asks ? ",nop,wscale 7" : "");
		out(l, 0, asks ? "S. 0:0(0) ack 1 <mss 1460,nop,wscale 8>" : "S. 0:0(0) ack 1 <mss 1460>");
		eq(ladder_tcb(l)->snd_wnd, 1000);
		in (l, 5, ". 1:1(0) ack 1 win 300");
		state_is(l, ESTABLISHED);
		eq(ladder_tcb(l)->snd_wnd, asks ? 300 << 7 : 300);
		ladder_end(l);
	}
}

/* req: 7323-2.2-d, 7323-2.3-c */
TEST(tcp_window_of_a_syn_to_a_listener_is_not_shifted)
{
	struct ladder *l = ladder_established();		/* 32792 in the SYN, then 257 << 7 */
	eq(ladder_tcb(l)->max_wnd, 257 << 7);
	ladder_end(l);
}

/* What SYN-RECEIVED and TIME-WAIT say has no SYN: its window is shifted, and it has timestamps where they were agreed on. */
/* req: 7323-2.3-c, 7323-3.2-c */
TEST(tcp_records_of_connections_shift_and_stamp)
{
	struct ladder *l = ladder_half_open(.syn = TS_SYN);
	in (l, 600, "P. 400000:400010(10) ack 1 win 257" TS(1000));
	out(l, 0, ". 1:1(0) ack 1 win %d <nop,nop,TS val * ecr 1000>", 65535 >> 8);
	ladder_end(l);
	l = time_wait();
	in (l, 600, "P. 400000:400010(10) ack 2 win 257" TS(1001));
	struct ol_pkt *p = ladder_take(l);
	uint32_t wnd = be16_at(p->data + 34);
	ok(wnd > 0 && wnd <= 540000 >> 8);			/* half of the buffer, and not what is left of 65535 */
	eq(p->len, 20 + 20 + 12);
	ol_pkt_free(p);
	ladder_end(l);
}

static void all_within(struct ladder *l, uint32_t edge)
{
	for (struct ol_pkt *p; (p = ladder_take(l)); ol_pkt_free(p))
		ok(be32_at(p->data + 24) - ladder_tcb(l)->iss.v + p->len - 40 <= edge);
}

/* RFC 7323 2.4: once the window was taken back what lies beyond it is not sent again, however much is lost and however wide cwnd. */
/* req: 7323-2.4-d, 7323-2.4-a */
TEST(tcp_nothing_goes_again_beyond_an_edge_taken_back)
{
	struct ladder *l = ladder_established(.cfg = "tcp_early_retrans=0");
	app(l, 0, "write 10000");
	eq(ladder_flush(l), 10);
	in (l, 20, ". 1:1(0) ack 1 win 24 <sack 6001:9001>");	/* 3072 bytes; six segments lost */
	in (l, 0, ". 1:1(0) ack 1 win 24 <sack 6001:10001>");
	for (int i = 0; i < 20; i++) {
		app(l, 100, "nodelay 1");
		all_within(l, 3073);
	}
	in (l, 0, ". 1:1(0) ack 1001 win 16 <sack 6001:10001>");	/* 3049 */
	for (int i = 0; i < 20; i++) {
		app(l, 100, "nodelay 1");
		all_within(l, 3049);
	}
	state_is(l, ESTABLISHED);
	in (l, 0, ". 1:1(0) ack 3001 win 257 <sack 6001:10001>");
	unsigned n = 0;
	for (int i = 0; i < 20; i++) {
		app(l, 100, "nodelay 1");
		n += ladder_flush(l);
	}
	ok(n > 0);						/* wide again: it goes on */
	ladder_end(l);
}

/* RFC 7323 2.4: all that was offered is taken, in whatever order it comes, though memory is taken up meanwhile: the first is last. */
/* req: 7323-2.4-b */
TEST(tcp_promised_window_is_kept_above_a_gap)
{
	for (int backwards = 0; backwards < 2; backwards++) {
		struct ladder *l = ladder_established(.cfg = "tcp_rmem=4096:60000:60000");
		uint32_t n = ladder_tcb(l)->rcv_wnd / 1000;
		ok(n > 20);
		for (uint32_t k = 1; k < n; k++) {
			uint32_t at = 1 + 1000 * (backwards ? n - k : k);
			in (l, 1, ". %u:%u(1000) ack 1 win 257", at, at + 1000);
		}
		ladder_flush(l);
		in (l, 1, ". 1:1001(1000) ack 1 win 257");
		out(l, 0, ". 1:1(0) ack %u", n * 1000 + 1);
		eq(tcp_readable(ladder_tcb(l)), n * 1000);
		ladder_flush(l);
		ladder_end(l);
	}
}

/* ---- timestamps ------------------------------------------------------------------------------------------------- */

/* "SEG.TSval >= TS.Recent" is a matter of the circle: after 4294967295 comes 0. */
/* req: 7323-4.3-a */
TEST(tcp_recent_timestamp_follows_the_circle)
{
	struct ladder *l = ladder_established(.syn = "mss 1000,sackOK,TS val 4294967290 ecr 0,nop,wscale 7");
	in (l, 0, "P. 1:11(10) ack 1 win 257 <nop,nop,TS val 4294967295 ecr last>");
	out(l, 0, ". 1:1(0) ack 11 <nop,nop,TS val * ecr 4294967295>");
	in (l, 0, "P. 11:21(10) ack 1 win 257" TS(3));
	out(l, 0, ". 1:1(0) ack 21 <nop,nop,TS val * ecr 3>");
	ladder_end(l);
}

/* An ACK held back is about the first of the segments it covers: "SEG.SEQ <= Last.ACK.sent", not RCV.NXT. */
/* req: 7323-4.3-a, 7323-4.3-b */
TEST(tcp_delayed_acknowledgement_echoes_the_earliest)
{
	struct ladder *l = ladder_established(.syn = TS_SYN);
	in (l, 0, "P. 1:11(10) ack 1 win 257" TS(1001));
	out(l, 0, ". 1:1(0) ack 11 <nop,nop,TS val * ecr 1001>");
	ladder_tcb(l)->quick = 0;				/* ACKs are delayed from here */
	in (l, 0, "P. 11:21(10) ack 1 win 257" TS(1010));
	in (l, 10, "P. 21:31(10) ack 1 win 257" TS(1020));
	none(l);
	by (l, 40, ". 1:1(0) ack 31 <nop,nop,TS val * ecr 1010>");
	ladder_end(l);
}

/* Every segment, whatever it is and in whatever state it comes, is asked for its age, and answered if it is too old. */
/* req: 7323-5.3-a, 7323-5.3-b */
TEST(tcp_paws_looks_at_every_segment)
{
	struct ladder *l = ladder_established(.cfg = "tcp_invalid_ratelimit=0", .syn = TS_SYN);
	app(l, 0, "write 100");
	out(l, 0, "P. 1:101(100) ack 1");
	in (l, 0, ". 1:1(0) ack 101 win 257" TS(999));		/* an ACK alone */
	out(l, 0, ". 101:101(0) ack 1 <nop,nop,TS val * ecr 1000>");
	eq(ladder_tcb(l)->snd_una.v, ladder_tcb(l)->iss.v + 1);
	in (l, 0, ". 1001:2001(1000) ack 1 win 257" TS(999));	/* text above a gap */
	out(l, 0, ". 101:101(0) ack 1 <nop,nop,TS val * ecr 1000>");
	eq(ladder_tcb(l)->rcvq.ooo_count, 0);
	in (l, 0, ". 4000000:4000010(10) ack 1 win 257" TS(999));	/* before its number is looked at */
	ladder_flush(l);
	eq(ladder_fate(l, OL_DROP_TCP_PAWS), 3);
	eq(ladder_fate(l, OL_DROP_TCP_SEQ), 0);
	in (l, 0, "F. 1:1(0) ack 101 win 257" TS(1001));
	ladder_flush(l);
	state_is(l, CLOSE_WAIT);
	app(l, 0, "write 100");
	out(l, 0, "P. 101:201(100) ack 2");
	in (l, 0, ". 2:2(0) ack 201 win 257" TS(1000));		/* CLOSE-WAIT */
	eq(ladder_fate(l, OL_DROP_TCP_PAWS), 4);
	ladder_flush(l);
	app(l, 0, "shutdown wr");
	in (l, 0, ". 2:2(0) ack 202 win 257" TS(1000));		/* LAST-ACK */
	state_is(l, LAST_ACK);
	eq(ladder_fate(l, OL_DROP_TCP_PAWS), 5);
	ladder_flush(l);
	ladder_end(l);
	l = ladder_established(.cfg = "tcp_invalid_ratelimit=0", .syn = TS_SYN);
	app(l, 0, "shutdown wr");
	out(l, 0, "F. 1:1(0) ack 1");
	in (l, 0, ". 1:1(0) ack 2 win 257" TS(999));		/* FIN-WAIT-1 */
	state_is(l, FIN_WAIT_1);
	out(l, 0, ". 2:2(0) ack 1");
	in (l, 0, ". 1:1(0) ack 2 win 257" TS(1000));
	state_is(l, FIN_WAIT_2);
	in (l, 600, "F. 1:1(0) ack 2 win 257" TS(999));		/* FIN-WAIT-2 */
	state_is(l, FIN_WAIT_2);
	out(l, 0, ". 2:2(0) ack 1");
	ladder_end(l);
}

/* The records that stand for a connection before and after it ask as well; a reset is asked nowhere. */
/* req: 7323-5.3-a, 7323-5.3-b, 7323-5.2-b */
TEST(tcp_paws_before_and_after_the_connection)
{
	struct ladder *l = ladder_half_open(.syn = TS_SYN);
	in (l, 600, ". 1:1(0) ack 1 win 257" TS(999));
	out(l, 0, ". 1:1(0) ack 1 <nop,nop,TS val * ecr 1000>");
	eq(ladder_fate(l, OL_DROP_TCP_PAWS), 1);
	eq(ladder_tcp(l)->n_syn, 1);
	in (l, 0, "R 1:1(0) win 0" TS(999));
	eq(ladder_tcp(l)->n_syn, 0);
	ladder_end(l);
	l = time_wait();
	in (l, 50000, "F. 1:1(0) ack 2 win 257" TS(999));
	out(l, 0, ". 2:2(0) ack 2 <nop,nop,TS val * ecr 1000>");
	wait(l, 11000);
	eq(ladder_tcp(l)->n_tw, 0);				/* 2 MSL did not begin anew */
	ladder_end(l);
	l = time_wait();
	in (l, 0, "R 2:2(0) win 0" TS(999));
	eq(ladder_tcp(l)->n_tw, 0);
	ladder_end(l);
}

/* It is idleness that counts: a connection in use for 25 days believes its TS.Recent as on the first. */
/* req: 7323-5.5-a */
TEST(tcp_recent_timestamp_of_a_busy_connection_stays)
{
	struct ladder *l = ladder_established(.syn = TS_SYN);
	for (int day = 0; day < 30; day++) {
		in (l, 86400000, "P. %d:%d(10) ack 1 win 257 <nop,nop,TS val %d ecr last>", 1 + 10 * day, 11 + 10 * day, 1001 + day);
		ladder_flush(l);
	}
	in (l, 0, "P. 301:311(10) ack 1 win 257" TS(1000));
	eq(ladder_fate(l, OL_DROP_TCP_PAWS), 1);
	ladder_flush(l);
	ladder_end(l);
}

/* The segment that found TS.Recent void gives it its new value (rule R3), and PAWS works from there. */
/* req: 7323-5.5-a, 7323-4.3-a */
TEST(tcp_recent_timestamp_begins_anew_after_24_days)
{
	struct ladder *l = ladder_established(.syn = TS_SYN);
	for (int day = 0; day < 25; day++)
		wait(l, 86400000);
	in (l, 0, "P. 1:11(10) ack 1 win 257" TS(900));
	out(l, 0, ". 1:1(0) ack 11 <nop,nop,TS val * ecr 900>");
	in (l, 0, "P. 11:21(10) ack 1 win 257" TS(899));
	out(l, 0, ". 1:1(0) ack 11 <nop,nop,TS val * ecr 900>");
	eq(ladder_fate(l, OL_DROP_TCP_PAWS), 1);
	ladder_end(l);
}

/* ---- SACK and D-SACK ----------------------------------------------------------------------------------------------- */

/* Without the peer's SACK-Permitted none is sent, whoever opened. */
/* req: 2018-4-a */
TEST(tcp_no_sack_for_who_did_not_permit_it)
{
	for (int how = 0; how < 3; how++) {
		struct ladder *l = how == 0 ? ladder_syn_sent() : how == 1 ? ladder_crossed(.syn = "mss 1000") :
						  ladder_established(.syn = "mss 1000");
		if (how == 0) {
			in (l, 10, "S. 0:0(0) ack 1 win 1000 <mss 1000>");
			out(l, 0, ". 1:1(0) ack 1");
		} else if (how == 1) {
			in (l, 10, ". 1:1(0) ack 1 win 1000");
		}
		state_is(l, ESTABLISHED);
		in (l, 0, ". 1001:2001(1000) ack 1 win 1000");
		out(l, 0, ". 1:1(0) ack 1 <>");
		in (l, 0, ". 1001:2001(1000) ack 1 win 1000");	/* nor a D-SACK */
		out(l, 0, ". 1:1(0) ack 1 <>");
		ladder_end(l);
	}
}

/* The first block has the newest, also where its bytes moved into a packet that was held already. */
/* req: 2018-4-d */
TEST(tcp_first_sack_block_grows_with_small_segments)
{
	struct ladder *l = ladder_established();
	in (l, 0, ". 3001:3011(10) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 1 <nop,nop,sack 3001:3011>");
	in (l, 0, ". 1001:1011(10) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 1 <nop,nop,sack 1001:1011 3001:3011>");
	in (l, 0, ". 3011:3021(10) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 1 <nop,nop,sack 3001:3021 1001:1011>");
	ladder_end(l);
}

/* As many blocks as fit, four, or three beside timestamps; and on text as on ACKs alone. */
/* req: 2018-4-b, 2018-4-c, 2018-4-e */
TEST(tcp_sack_blocks_fill_what_room_there_is)
{
	for (int ts = 0; ts < 2; ts++) {
		struct ladder *l = ladder_established(.syn = ts ? TS_SYN : NULL);
		for (int i = 1; i <= 5; i++)
			in (l, 0, ". %d:%d(100) ack 1 win 257%s", 1 + 1000 * i, 101 + 1000 * i, ts ? TS(1000) : "");
		ladder_flush(l);
		app(l, 0, "write 10");
		out(l, 0, ts ? "P. 1:11(10) ack 1 <nop,nop,TS val * ecr 1000,nop,nop,sack 5001:5101 4001:4101 3001:3101>" :
			       "P. 1:11(10) ack 1 <nop,nop,sack 5001:5101 4001:4101 3001:3101 2001:2101>");
		ladder_flush(l);
		ladder_end(l);
	}
}

/* What fills a gap, or a part of it, is acknowledged at once. */
/* req: 5681-3.2-a */
TEST(tcp_text_that_fills_a_gap_is_acknowledged_at_once)
{
	struct ladder *l = ladder_established();
	in (l, 0, ". 201:301(100) ack 1 win 257");
	in (l, 0, ". 401:501(100) ack 1 win 257");
	ladder_flush(l);
	ladder_tcb(l)->quick = 0;
	in (l, 0, ". 1:201(200) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 301 <nop,nop,sack 401:501>");
	ladder_tcb(l)->quick = 0;
	in (l, 0, ". 301:401(100) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 501 <>");
	ladder_end(l);
}

/* SACKed text stays in the queue: the peer may throw it away, and gets all of it again. */
/* req: 2018-8-a, 6675-4-a */
TEST(tcp_sacked_text_can_be_sent_again)
{
	struct ladder *l = ladder_established(.cfg = "tcp_early_retrans=0");
	app(l, 0, "write 5000");
	eq(ladder_flush(l), 5);
	in (l, 20, ". 1:1(0) ack 1 win 257 <sack 2001:5001>");
	ladder_flush(l);
	in (l, 20, ". 1:1(0) ack 1001 win 257 <sack 3001:5001>");
	for (uint32_t una = 1001; una < 5001; una += 1000) {	/* and then it knows nothing of it */
		bool again = false;
		for (int i = 0; i < 40 && !again; i++) {
			app(l, 50, "nodelay 1");
			for (struct ol_pkt *p; (p = ladder_take(l)); ol_pkt_free(p))
				again |= be32_at(p->data + 24) - ladder_tcb(l)->iss.v == una && p->len == 40 + 1000;
		}
		ok(again || una > 1001);			/* those behind the first may have gone with one before */
		in (l, 10, ". 1:1(0) ack %u win 257", una + 1000);
	}
	state_is(l, ESTABLISHED);
	eq(ladder_tcb(l)->sndq.len, 0);
	ladder_flush(l);
	ladder_end(l);
}

/* What memory no longer holds is in no block: whole ones go, of others the end. */
/* req: 2018-8-c */
TEST(tcp_sack_blocks_end_where_what_is_held_does)
{
	struct ladder *l = ladder_established();
	struct tcp_tcb *t = ladder_tcb(l);
	in (l, 0, ". 2001:3001(1000) ack 1 win 257");
	in (l, 0, ". 4001:5001(1000) ack 1 win 257");
	in (l, 0, ". 5001:6001(1000) ack 1 win 257");
	ladder_flush(l);
	tcp_rcvq_prune(&t->rcvq, t->rcvq.truesize - 1);
	in (l, 0, ". 8001:8501(500) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 1 <nop,nop,sack 8001:8501 4001:5001 2001:3001>");
	tcp_rcvq_prune(&t->rcvq, t->rcvq.truesize - 1);
	in (l, 0, ". 10001:10501(500) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 1 <nop,nop,sack 10001:10501 4001:5001 2001:3001>");
	in (l, 0, ". 1:2001(2000) ack 1 win 257");		/* nor what is acknowledged */
	out(l, 0, ". 1:1(0) ack 3001 <nop,nop,sack 10001:10501 4001:5001>");
	ladder_end(l);
}

/* The newest is named although it is thrown away, and whether D-SACKs are on or not. */
/* req: 2018-8-b */
TEST(tcp_first_block_names_what_found_no_room)
{
	for (int dsack = 0; dsack < 2; dsack++) {
		struct ladder *l = ladder_established(.cfg = dsack ? "tcp_dsack=1" : "tcp_dsack=0");
		struct tcp_tcb *t = ladder_tcb(l);
		in (l, 0, ". 2001:3001(1000) ack 1 win 257");
		ladder_flush(l);
		t->opts.rcvbuf = t->rcvbuf = 1000;
		in (l, 0, ". 4001:5001(1000) ack 1 win 257");
		eq(ladder_fate(l, OL_DROP_TCP_RCVBUF), 1);
		out(l, 0, ". 1:1(0) ack 1 <nop,nop,sack 4001:5001 2001:3001>");
		t->opts.rcvbuf = t->rcvbuf = 100000;
		in (l, 0, ". 2001:3001(1000) ack 1 win 257");
		out(l, 0, dsack ? ". 1:1(0) ack 1 <nop,nop,sack 2001:3001 2001:3001>" : ". 1:1(0) ack 1 <nop,nop,sack 2001:3001>");
		ladder_end(l);
	}
}

/* Twice is also what only a part of a segment is, on either side of what is held, and what a late segment covers as well. */
/* req: 2883-4-a, 2883-4-b, 2883-4-c */
TEST(tcp_dsack_tells_of_parts)
{
	struct ladder *l = ladder_established();
	in (l, 0, ". 2001:3001(1000) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 1 <nop,nop,sack 2001:3001>");
	in (l, 0, ". 1501:2501(1000) ack 1 win 257");		/* its end */
	out(l, 0, ". 1:1(0) ack 1 <nop,nop,sack 2001:2501 1501:3001>");
	in (l, 0, ". 2501:3501(1000) ack 1 win 257");		/* its beginning */
	out(l, 0, ". 1:1(0) ack 1 <nop,nop,sack 2501:3001 1501:3501>");
	in (l, 0, ". 5001:5501(500) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 1 <nop,nop,sack 5001:5501 1501:3501>");	/* told once */
	in (l, 0, ". 4501:5901(1400) ack 1 win 257");		/* its middle */
	out(l, 0, ". 1:1(0) ack 1 <nop,nop,sack 5001:5501 4501:5901 1501:3501>");
	in (l, 0, ". 1:1601(1600) ack 1 win 257");		/* it fills the gap, and says a hundred bytes again */
	out(l, 0, ". 1:1(0) ack 3501 <nop,nop,sack 1501:1601 4501:5901>");
	in (l, 0, ". 5001:5101(100) ack 1 win 257");		/* within a larger block */
	out(l, 0, ". 1:1(0) ack 3501 <nop,nop,sack 5001:5101 4501:5901>");
	ladder_end(l);
}

/* ---- RFC 5961 ------------------------------------------------------------------------------------------------------ */

static void to_state(struct ladder *l, enum ol_tcp_state state)
{
	switch (state) {
	case OL_TCP_CLOSE_WAIT: case OL_TCP_LAST_ACK:
		in (l, 0, "F. 1:1(0) ack 1 win 257");
		ladder_flush(l);
		if (state == OL_TCP_LAST_ACK)
			app(l, 0, "shutdown wr");
		break;
	case OL_TCP_FIN_WAIT_1: case OL_TCP_FIN_WAIT_2: case OL_TCP_CLOSING:
		app(l, 0, "shutdown wr");
		ladder_flush(l);
		if (state == OL_TCP_FIN_WAIT_2)
			in (l, 0, ". 1:1(0) ack 2 win 257");
		if (state == OL_TCP_CLOSING)
			in (l, 0, "F. 1:1(0) ack 1 win 257");
		break;
	default:
		break;
	}
	ladder_flush(l);
	eq(tcp_state(ladder_tcb(l)), state);
}

/* In each synchronized state: an exact reset ends it, one in the window is challenged, one outside is nothing; so is each SYN challenged. */
/* req: 5961-3.2-a, 5961-3.2-b, 5961-3.2-c, 5961-4.2-a */
TEST(tcp_guesses_meet_every_state_alike)
{
	static const enum ol_tcp_state states[] = { OL_TCP_ESTABLISHED, OL_TCP_CLOSE_WAIT, OL_TCP_LAST_ACK, OL_TCP_FIN_WAIT_1,
						    OL_TCP_FIN_WAIT_2, OL_TCP_CLOSING };
	for (int v6 = 0; v6 < 2; v6++)
	for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
		struct ladder *l = ladder_established(.v6 = v6, .cfg = "tcp_early_retrans=0");
		to_state(l, states[i]);
		struct tcp_tcb *t = ladder_tcb(l);
		uint32_t nxt = t->rcv_nxt.v - t->irs.v, snd = t->snd_nxt.v - t->iss.v;
		static const char *const guess[] = { "R %u:%u(0) win 0", "S %u:%u(0) win 1000 <mss 1000>", "S. %u:%u(0) ack 1 win 1000 <mss 1000>" };
		for (int g = 0; g < 3; g++) {
			for (int k = 0; k < 5; k++) {
				uint32_t edge = nxt + tcp_receive_window(t);	/* each answer may move it */
				const uint32_t at[] = { nxt + 1, edge - 1, edge, nxt - 1, edge + 100000 };
				char text[80];
				snprintf(text, sizeof text, guess[g], at[k], at[k]);
				app(l, 600, "nodelay 1");	/* a challenge each half second */
				ladder_flush(l);
				in (l, 0, "%s", text);
				if (g > 0 || k < 2)
					out(l, 0, ". %u:%u(0) ack %u", snd, snd, nxt);
				none(l);
				eq(tcp_state(t), states[i]);
			}
		}
		app(l, 600, "nodelay 1");
		ladder_flush(l);
		in (l, 0, "S %u:%u(0) win 1000 <mss 1000>", nxt, nxt);
		out(l, 0, ". %u:%u(0) ack %u", snd, snd, nxt);
		eq(tcp_state(t), states[i]);
		in (l, 0, "R %u:%u(0) win 0", nxt, nxt);
		state_is(l, CLOSED);
		none(l);
		ladder_end(l);
	}
}

/* "MUST ... drop": nothing of a segment with SYN is taken, neither its ACK nor its text. */
/* req: 5961-4.2-a */
TEST(tcp_nothing_of_a_challenged_syn_is_taken)
{
	struct ladder *l = ladder_established(.cfg = "tcp_invalid_ratelimit=0");
	app(l, 0, "write 100");
	out(l, 0, "P. 1:101(100) ack 1");
	in (l, 0, "S. 1:101(100) ack 101 win 1000 <mss 1000>");
	out(l, 0, ". 101:101(0) ack 1");
	in (l, 0, "S. 0:100(100) ack 101 win 1000 <mss 1000>");
	out(l, 0, ". 101:101(0) ack 1");
	eq(ladder_tcb(l)->snd_una.v, ladder_tcb(l)->iss.v + 1);
	app(l, 0, "read 100 = again");
	ladder_end(l);
}

/* A window of zero has still one number that is exact. */
/* req: 5961-3.2-a, 5961-3.2-c */
TEST(tcp_exact_reset_where_the_window_is_closed)
{
	struct ladder *l = ladder_established(.cfg = "tcp_rmem=4096:4096:4096");
	struct tcp_tcb *t = ladder_tcb(l);
	for (uint32_t at = 1; tcp_receive_window(t) > 0; at += 1000) {
		ok(at < 100000);
		in (l, 0, ". %u:%u(1000) ack 1 win 257", at, at + 1000);
		ladder_flush(l);
	}
	uint32_t nxt = t->rcv_nxt.v - t->irs.v;
	in (l, 600, "R %u:%u(0) win 0", nxt + 1, nxt + 1);
	none(l);
	state_is(l, ESTABLISHED);
	in (l, 600, "R %u:%u(0) win 0", nxt, nxt);
	state_is(l, CLOSED);
	ladder_end(l);
}

/* The records of SYN-RECEIVED and TIME-WAIT go by the same three rules; and so does SYN-RECEIVED of a simultaneous open. */
/* req: 5961-3.2-a, 5961-3.2-b, 5961-3.2-c */
TEST(tcp_guessed_resets_before_and_after_the_connection)
{
	struct ladder *l = ladder_half_open();
	in (l, 0, "R 400000:400000(0) win 0");
	none(l);
	in (l, 0, "R 2:2(0) win 0");
	out(l, 0, ". 1:1(0) ack 1");
	eq(ladder_tcp(l)->n_syn, 1);
	in (l, 0, "R 1:1(0) win 0");
	eq(ladder_tcp(l)->n_syn, 0);
	ladder_end(l);
	l = time_wait();
	in (l, 600, "R 40000000:40000000(0) win 0");
	none(l);
	in (l, 600, "R 3:3(0) win 0");
	out(l, 0, ". 2:2(0) ack 2");
	eq(ladder_tcp(l)->n_tw, 1);
	in (l, 0, "R 2:2(0) win 0");
	eq(ladder_tcp(l)->n_tw, 0);
	ladder_end(l);
	l = ladder_crossed();
	in (l, 10, "R 3:3(0) win 0");
	out(l, 0, ". 1:1(0) ack 1");
	state_is(l, SYN_RECEIVED);
	in (l, 0, "R 1:1(0) win 0");
	state_is(l, CLOSED);
	ladder_end(l);
}

/* SND.UNA - MAX.SND.WND =< SEG.ACK =< SND.NXT, to the byte, and by the largest window ever: the one of now may be closed. */
/* req: 5961-5.2-a */
TEST(tcp_acks_are_plausible_to_the_byte)
{
	struct ladder *l = ladder_established();
	uint32_t most = ladder_tcb(l)->max_wnd;
	for (uint32_t done = 1; done < 100001; done += 5000) {	/* further than that window */
		app(l, 0, "write 5000");
		ladder_flush(l);
		in (l, 10, ". 1:1(0) ack %u win %d", done + 5000, done == 95001 ? 1 : 257);
		ladder_flush(l);
	}
	eq(ladder_tcb(l)->max_wnd, most);
	in (l, 600, "P. 1:11(10) ack %u win 1", 100001 - most);
	out(l, 0, ". 100001:100001(0) ack 11");
	app(l, 0, "read 100 = 10");
	in (l, 600, "P. 11:21(10) ack %u win 1", 100001 - most - 1);
	out(l, 0, ". 100001:100001(0) ack 11");
	app(l, 0, "read 100 = again");
	in (l, 600, "P. 11:21(10) ack 100002 win 1");
	out(l, 0, ". 100001:100001(0) ack 11");
	app(l, 0, "read 100 = again");
	in (l, 600, "P. 11:21(10) ack 100001 win 1");
	app(l, 0, "read 100 = 10");
	ladder_flush(l);
	ladder_end(l);
}

/* ---- RFC 5681, RFC 6298, RFC 3168: what the handshake has to do with it, and what the receiver has ------------------------ */

/* To the byte: a peer that offers 800 gets 800, and after them nothing. */
/* req: 5681-2-a */
TEST(tcp_receivers_window_is_kept_to_the_byte)
{
	struct ladder *l = ladder_listening();
	in (l, 0, "S 0:0(0) win 800 <mss 1000>");
	out(l, 0, "S. 0:0(0) ack 1");
	in (l, 10, ". 1:1(0) ack 1 win 800");
	app(l, 0, "accept");
	app(l, 0, "write 2000");
	out(l, 0, ". 1:801(800) ack 1");
	none(l);
	in (l, 10, ". 1:1(0) ack 401 win 801");			/* the edge at 1202 */
	out(l, 0, ". 801:1202(401) ack 1");
	none(l);
	ladder_flush(l);
	ladder_end(l);
}

/* The handshake adds nothing to the window, on either side; a SYN-ACK lost twice leaves one segment, and RTO is three seconds then. */
/* req: 5681-3.1-c, 5681-3.1-d, 6928-2-b, 6298-5-d, 6298-5-a, 6298-5-c, 6298-3-a */
TEST(tcp_window_and_timer_after_the_handshake)
{
	struct ladder *l = ladder_established();
	eq(ladder_tcb(l)->loss.cwnd, 10 * 1000);
	ok(ladder_tcb(l)->srtt_ns == 20 * OL_MS);
	ladder_end(l);
	l = ladder_syn_sent(.cfg = "tcp_timestamps=0");
	in (l, 20, "S. 0:0(0) ack 1 win 30000 <mss 1000>");
	out(l, 0, ". 1:1(0) ack 1");
	eq(ladder_tcb(l)->loss.cwnd, 10 * 1000);
	ladder_end(l);
	for (int lost = 1; lost < 4; lost++) {
		l = ladder_half_open(.syn = "mss 1000");
		for (int i = 0; i < lost; i++) {		/* not before a second, then two, then four */
			wait(l, (1000 << i) - 1);
			out(l, 1, "S. 0:0(0) ack 1");
		}
		in (l, 20, ". 1:1(0) ack 1 win 30000");
		app(l, 0, "accept");
		eq(ladder_tcb(l)->srtt_ns, 0);			/* Karn: which of them did it answer? */
		eq(ladder_tcb(l)->rto_ns, 3 * OL_SEC);
		eq(ladder_tcb(l)->loss.cwnd, lost > 1 ? 1000 : 10000);
		app(l, 0, "write 3000");
		eq(ladder_flush(l), lost > 1 ? 1 : 3);
		ladder_end(l);
	}
}

/* "The RTO MUST be re-initialized to 3 seconds when data transmission begins", though timestamps measured the SYN that went again. */
/* req: 6298-5-d, 6298-3-a */
TEST(tcp_timer_after_a_lost_syn_with_timestamps)
{
	struct ladder *l = ladder_syn_sent();
	out(l, 1000, "S 0:0(0)");
	in (l, 20, "S. 0:0(0) ack 1 win 30000 <mss 1000,sackOK,TS val 9 ecr last,nop,wscale 7>");
	out(l, 0, ". 1:1(0) ack 1");
	eq(ladder_tcb(l)->srtt_ns, 20 * OL_MS);
	eq(ladder_tcb(l)->rto_ns, 3 * OL_SEC);
	app(l, 0, "write 100");
	ladder_flush(l);
	in (l, 20, ". 1:1(0) ack 101 win 257" TS(10));
	ok(ladder_tcb(l)->rto_ns < OL_SEC);			/* and what text measures counts as ever */
	ladder_end(l);
}

/* A FIN, or text that finds no room, makes an ACK one that is no duplicate: it says something else. */
/* req: 5681-2-b */
TEST(tcp_acks_with_fin_or_text_are_no_duplicates)
{
	struct ladder *l = ladder_established(.syn = "mss 1000");
	app(l, 0, "write 10000");
	eq(ladder_flush(l), 10);
	in (l, 20, ". 1:1(0) ack 1 win 32792");
	in (l, 0, ". 1:1(0) ack 1 win 32792");
	in (l, 0, "F. 1:1(0) ack 1 win 32792");
	for (struct ol_pkt *p; (p = ladder_take(l)); ol_pkt_free(p))
		ok(p->len <= 40);				/* its ACK, and nothing again */
	eq(ladder_tcb(l)->loss.dupacks, 2);
	ladder_flush(l);
	ladder_end(l);
	l = ladder_established(.cfg = "tcp_rmem=4096:4096:4096,tcp_early_retrans=0", .syn = "mss 1000");
	struct tcp_tcb *t = ladder_tcb(l);
	for (uint32_t at = 1; tcp_receive_window(t) > 0; at += 1000) {
		ok(at < 100000);
		in (l, 0, ". %u:%u(1000) ack 1 win 32792", at, at + 1000);
		ladder_flush(l);
	}
	uint32_t nxt = t->rcv_nxt.v - t->irs.v;
	app(l, 0, "write 10000");
	eq(ladder_flush(l), 10);
	for (int i = 0; i < 6; i++) {				/* it asks for room, with a byte */
		in (l, 1, ". %u:%u(1) ack 1 win 32792", nxt, nxt + 1);
		for (struct ol_pkt *p; (p = ladder_take(l)); ol_pkt_free(p))
			ok(p->len <= 40);
	}
	eq(t->loss.dupacks, 0);
	ladder_flush(l);
	ladder_end(l);
}

/* What comes while an ACK waits does not put it off, a FIN's is no later, and a SYN in a connection earns one and no second. */
/* req: 5681-4.2-a, 5681-4.2-b */
TEST(tcp_delayed_acknowledgement_is_not_put_off)
{
	struct ladder *l = ladder_established(.cfg = "tcp_delack_ms=100");
	in (l, 0, "P. 1:11(10) ack 1 win 257");
	ladder_flush(l);
	ladder_tcb(l)->quick = 0;
	for (uint32_t i = 1; i < 4; i++) {
		in (l, 30, "P. %u:%u(10) ack 1 win 257", 1 + 10 * i, 11 + 10 * i);
		none(l);
	}
	out(l, 40, ". 1:1(0) ack 41");				/* a hundred from the first */
	ladder_tcb(l)->quick = 0;
	in (l, 500, "F. 41:41(0) ack 1 win 257");
	ladder_turn_to(l, ladder_tcb(l));
	by (l, 100, ". 1:1(0) ack 42");
	in (l, 600, "S 42:42(0) win 257");
	out(l, 0, ". 1:1(0) ack 42");
	none(l);
	ladder_end(l);
}

/* A program's IP_TOS does not mark what ECN has to mark: neither SYN-ACK nor text where nothing was agreed on. */
/* req: 3168-6.1.1-d, 3168-6.1.1-b */
TEST(tcp_tos_of_a_program_sets_no_ecn_bits)
{
	struct ladder *l = ladder_listening(.cfg = "tcp_ecn=0");
	tcp_listener_opts(ladder_listener(l))->tos = 0xff;
	in (l, 0, "S 0:0(0) win 1000 <mss 1000>");
	out(l, 0, "S. 0:0(0) ack 1 [noecn]");
	in (l, 10, ". 1:1(0) ack 1 win 1000");
	app(l, 0, "accept");
	app(l, 0, "write 100");
	out(l, 0, "P. 1:101(100) ack 1 [noecn]");
	ladder_end(l);
}

/* SYNs that cross: the SYN-ACK has ECE and not CWR; both asked. */
/* req: 3168-6.1.1-a, 3168-6.1.1-c */
TEST(tcp_ecn_of_crossing_syns)
{
	struct ladder *l = ladder(.cfg = "tcp_ecn=1,tcp_timestamps=0");
	app(l, 0, "connect");
	out(l, 0, "SEW 0:0(0)");
	in (l, 5, "SEW 0:0(0) win 1000 <mss 1000>");
	out(l, 0, "SE. 0:0(0) ack 1");
	ladder_end(l);
	l = ladder(.cfg = "tcp_ecn=1,tcp_timestamps=0");
	app(l, 0, "connect");
	out(l, 0, "SEW 0:0(0)");
	in (l, 5, "S 0:0(0) win 1000 <mss 1000>");
	out(l, 0, "S. 0:0(0) ack 1");
	ladder_end(l);
}

/* ---- RFC 5961 7, RFC 6191, RFC 5927 ---------------------------------------------------------------------------------- */

/* How many challenges a second has is drawn anew each second: who counts them learns nothing of other connections. */
/* req: 5961-7-a */
TEST(tcp_challenges_of_a_second_cannot_be_counted_down)
{
	struct ladder *l = ladder_established(.cfg = "tcp_challenge_ack_limit=100,tcp_invalid_ratelimit=0");
	unsigned n[6] = { 0 }, same = 0;
	for (int s = 0; s < 6; s++) {
		for (int i = 0; i < 200; i++) {
			in (l, 0, "R 5:5(0) win 0");
			n[s] += ladder_flush(l);
		}
		ok(n[s] >= 50 && n[s] < 150);
		same += s > 0 && n[s] == n[s - 1];
		wait(l, 1000);
	}
	ok(same < 3);
	ladder_end(l);
	l = ladder_established();				/* and one connection has one each half second */
	unsigned all = 0;
	for (int i = 0; i < 100; i++) {
		in (l, 10, "R 5:5(0) win 0");
		all += ladder_flush(l);
	}
	ok(all >= 2 && all <= 3);
	ladder_end(l);
}

/* A SYN with the very timestamp of the old connection's last segment is younger if its number is. */
/* req: 6191-2-b */
TEST(tcp_time_wait_and_equal_timestamps)
{
	struct ladder *l = time_wait();
	in (l, 600, "S 1:1(0) win 1000 <mss 1000,sackOK,TS val 1000 ecr 0>");
	out(l, 0, ". 2:2(0) ack 2");
	eq(ladder_tcp(l)->n_tw, 1);
	in (l, 600, "S 3:3(0) win 1000 <mss 1000,sackOK,TS val 1000 ecr 0>");
	out(l, 0, "S. 65539:65539(0) ack 4");
	ladder_end(l);
}

/* Only what quotes something outstanding counts: not what is acknowledged already, nor what was never sent; and in no state is it the end. */
/* req: 5927-4.1-a, 5927-5.2-a */
TEST(tcp_icmp_must_quote_what_is_outstanding)
{
	struct ladder *l = ladder_established();
	app(l, 0, "write 100");
	ladder_flush(l);
	in (l, 10, ". 1:1(0) ack 101 win 257");
	app(l, 0, "write 100");
	ladder_flush(l);
	ladder_icmp(l, OL_ERR_CONNREFUSED, true, 0, 1);
	ladder_icmp(l, OL_ERR_CONNREFUSED, true, 0, 100);
	ladder_icmp(l, OL_ERR_CONNREFUSED, true, 0, 201);
	eq(ladder_tcb(l)->soft_error, OL_OK);
	ladder_icmp(l, OL_ERR_CONNREFUSED, true, 0, 101);
	eq(ladder_tcb(l)->soft_error, OL_ERR_CONNREFUSED);
	state_is(l, ESTABLISHED);
	ladder_flush(l);
	ladder_end(l);
	static const enum ol_tcp_state states[] = { OL_TCP_CLOSE_WAIT, OL_TCP_LAST_ACK, OL_TCP_FIN_WAIT_1, OL_TCP_CLOSING };
	for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
		l = ladder_established(.cfg = "tcp_early_retrans=0");
		to_state(l, states[i]);
		if (states[i] == OL_TCP_CLOSE_WAIT)
			app(l, 0, "write 100");
		ladder_flush(l);
		ladder_icmp(l, OL_ERR_CONNREFUSED, true, 0, 1);
		eq(tcp_state(ladder_tcb(l)), states[i]);
		ladder_flush(l);
		ladder_end(l);
	}
}

/* Each connection has a timestamp origin of its own. */
/* req: 7323-7.1-a */
TEST(tcp_timestamp_origins_differ_from_connection_to_connection)
{
	struct ladder *l = ladder_syn_sent();
	uint32_t first = ladder_tcb(l)->ts_offset;
	struct tcp_tcb *other = ladder_tcb(l);
	app(l, 0, "connect 2");
	ladder_flush(l);
	ok(ladder_tcb(l) != other && ladder_tcb(l)->ts_offset != first);
	tcp_release(other, ladder_now(l));
	ladder_end(l);
}
