/*
 * MSG_EOR on a stream: no segment has bytes of both sides of a record's end, whatever is waiting and however it is sent.
 * What each does without MSG_EOR stands beside it where that is not plain.  The scripts eor*.pkt have the rest.
 */
#include "tcp_ladder.h"
#include "base/rng.h"
#include "transport/tcp/tcp_marks.h"

#define NEW() ladder_established()

/* The ring against a plain array, over the end of the sequence space and with its places used again. */
TEST(marks_are_found_by_number)
{
	enum { N = 3000 };
	struct tcp_marks m = { 0 };
	struct rng r;
	rng_init(&r, 3);
	tcp_seq put[N], end, at = seq_from(0xffffff00);
	unsigned n = 0, gone = 0;
	while (n < N) {
		at = seq_add(at, 1 + (uint32_t)rng_below(&r, 9));
		ok(tcp_marks_reserve(&m));
		tcp_marks_put(&m, at);
		ok(seq_eq(*tcp_marks_last(&m), at));
		put[n++] = at;
		if (rng_chance(&r, 0.4)) {
			tcp_seq una = put[gone + (unsigned)rng_below(&r, n - gone)];
			tcp_marks_drop(&m, una);
			while (gone < n && seq_le(put[gone], una))
				gone++;
			eq(m.n, n - gone);
		}
		for (unsigned i = gone; i < n; i++) {
			ok(tcp_marks_next(&m, seq_sub(put[i], 1), &end));
			ok(seq_eq(end, put[i]));
		}
		ok(!tcp_marks_next(&m, at, &end));
	}
	tcp_marks_fini(&m);
	eq(m.cap, 0);
}

/* Its short end waits for an ACK as a write's would (RFC 9293 3.7.4), but not for text that may not join it. */
TEST(record_is_not_filled_up_and_not_held_once_more_is_there)
{
	struct ladder *l = NEW();
	app(l, 0, "write 10");
	out(l, 0, "P. 1:11(10) ack 1");
	app(l, 0, "record 300");
	none(l);
	app(l, 0, "write 200");
	out(l, 0, "P. 11:311(300) ack 1");
	none(l);
	in (l, 10, ". 1:1(0) ack 311 win 257");
	out(l, 0, "P. 311:511(200) ack 1");
	none(l);
	ladder_end(l);
}

TEST(record_ends_a_super_segment)
{
	struct ladder *l = ladder_established(.features = OL_IF_CSUM | OL_IF_TSO4);
	app(l, 0, "cork 1");
	app(l, 0, "more 900");
	app(l, 0, "record 2600");				/* 3000 of 3500 are whole segments */
	out(l, 0, ". 1:3001(3000) ack 1");
	app(l, 0, "write 4700");
	out(l, 0, "P. 3001:3501(500) ack 1");
	out(l, 0, ". 3501:7501(4000) ack 1");
	none(l);
	ladder_end(l);
}

/* RFC 9293 3.8.1 lets a retransmission put small segments together; records stay apart, PSH and all. */
static void sent_again(const char *how, bool joined)
{
	struct ladder *l = NEW();
	app(l, 0, "nodelay 1");
	for (int i = 0; i < 3; i++)
		app(l, 0, "%s", how);
	eq(ladder_flush(l), 3);
	by (l, 400, "P. 601:901(300) ack 1");			/* the tail loss probe */
	if (joined) {
		by (l, 2000, "P. 1:901(900) ack 1");
		none(l);
	} else {
		by (l, 2000, "P. 1:301(300) ack 1");
		out(l, 0, "P. 301:601(300) ack 1");
		out(l, 0, "P. 601:901(300) ack 1");
		none(l);
	}
	ladder_end(l);
}
TEST(writes_join_when_sent_again) { sent_again("write 300", true); }
TEST(records_do_not_join_when_sent_again) { sent_again("record 300", false); }

/* The text of a SYN that the server did not take is sent again like any other. */
TEST(record_of_a_syn_stays_apart)
{
	struct ladder *l = ladder(.cfg = "tcp_timestamps=0,tcp_fastopen=5");	/* 4: without a cookie */
	app(l, 0, "fastrecord 300");
	ladder_flush(l);
	in (l, 10, "S. 0:0(0) ack 1 win 20000 <mss 1000>");
	out(l, 0, "P. 1:301(300) ack 1");
	app(l, 0, "nodelay 1");
	app(l, 0, "write 200");
	out(l, 0, "P. 301:501(200) ack 1");
	by (l, 3000, "P. 1:301(300) ack 1");
	out(l, 0, "P. 301:501(200) ack 1");
	ladder_end(l);
}

/* RFC 4821: a probe takes 1030 bytes of what waits, were the record's end not at 900; the one after it does. */
TEST(record_is_not_in_a_probe_with_what_follows)
{
	struct ladder *l = ladder_established(.cfg = "tcp_mtu_probing=2,tcp_base_mss=600,tcp_init_cwnd=20", .syn = "mss 1460,sackOK,nop,nop,nop,wscale 7");
	in (l, 0, ". 1:1(0) ack 1 win 0");
	app(l, 0, "record 900");
	app(l, 0, "write 4000");
	none(l);
	in (l, 10, ". 1:1(0) ack 1 win 2000");
	out(l, 0, ". 1:601(600) ack 1");
	out(l, 0, "P. 601:901(300) ack 1");
	out(l, 0, ". 901:1501(600) ack 1");
	ladder_flush(l);
	in (l, 10, ". 1:1(0) ack 4501 win 2000");
	out(l, 0, "P. 4501:4901(400) ack 1");
	in (l, 10, ". 1:1(0) ack 4901 win 2000");
	app(l, 0, "write 5600");
	out(l, 0, ". 4901:5931(1030) ack 1");
	ladder_end(l);
}

/* The FIN is no text: it rides. */
TEST(fin_rides_on_a_record)
{
	struct ladder *l = NEW();
	app(l, 0, "cork 1");
	app(l, 0, "record 300");
	none(l);
	app(l, 0, "shutdown wr");
	out(l, 0, "FP. 1:301(300) ack 1");
	by (l, 400, "FP. 1:301(300) ack 1");
	ladder_end(l);
}

/* A call that queued a part has ended nothing. */
TEST(record_of_which_a_part_was_queued_goes_on)
{
	struct ladder *l = ladder_established(.cfg = "tcp_wmem=4096:4096:4096");
	app(l, 0, "record 60000 = 26000");
	eq(ladder_tcb(l)->records.n, 0);
	eq(ladder_flush(l), 10);
	in (l, 10, ". 1:1(0) ack 10001 win 257");
	ladder_flush(l);
	in (l, 10, ". 1:1(0) ack 26001 win 257");
	app(l, 0, "record 300");
	eq(ladder_tcb(l)->records.n, 1);
	in (l, 10, ". 1:1(0) ack 26301 win 257");
	eq(ladder_tcb(l)->records.n, 0);
	ladder_end(l);
}

/* Each is a packet, whatever its size, so SO_SNDBUF holds few of them. */
TEST(records_cost_what_a_packet_costs)
{
	struct ladder *l = ladder_established(.cfg = "tcp_wmem=4096:50000:50000");
	struct tcp_tcb *tcb = ladder_tcb(l);
	struct iovec one = { (char[]){ "x" }, 1 };
	unsigned n = 0;
	size_t done;
	in(l, 0, ". 1:1(0) ack 1 win 0");
	while (n < 1000 && !tcp_send(tcb, &one, 1, TCP_SEND_EOR, &done, ladder_now(l)))
		n++;
	ok(n >= 30 && n <= 50000 / 1280 + 1);
	eq(tcp_writable(tcb), 0);
	none(l);
	in(l, 10, ". 1:1(0) ack 1 win 257");
	eq(ladder_flush(l), n - 1);				/* the last is a small one with nothing behind: Nagle */
	in(l, 10, ". 1:1(0) ack 11 win 257");
	ok(tcp_writable(tcb) > 0);
	ladder_end(l);
}
