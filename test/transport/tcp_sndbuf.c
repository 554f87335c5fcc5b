/*
 * The send buffer: where a write ends, when a writer is told of room, what TCP_INFO says held it up.  In most of them the
 * peer's window is 32896 bytes, its MSS 1000: a burst is 16 segments.
 */
#include "tcp_ladder.h"
#include <linux/tcp.h>

#define BUF(sndbuf) ladder_established(.cfg = "tcp_wmem=4096:" sndbuf ":4194304")

/* Was the writer called since the last time? */
static bool called(struct ladder *l)
{
	struct tcp_tcb *tcb = ladder_tcb(l);
	bool yes = !list_empty(&tcb->event) && (tcp_ready(tcb) & OL_EV_OUT);
	list_del(&tcb->event);
	return yes;
}

/* One burst may be begun while the queue costs less than the buffer, and the first of a long write leaves at once. */
TEST(tcp_a_write_ends_where_a_burst_ends)
{
	struct ladder *l = BUF("50000");
	app(l, 0, "write 59000 = 58000");		/* 10 segments went, 3 bursts of 16 wait */
	eq(ladder_flush(l), 10);
	app(l, 0, "write 1 = again");
	eq(tcp_writable(ladder_tcb(l)), 0);
	ladder_end(l);
}

TEST(tcp_a_small_buffer_holds_one_burst)
{
	struct ladder *l = ladder_established(.cfg = "tcp_wmem=4096:4096:4096");
	eq(tcp_writable(ladder_tcb(l)), 16000);
	app(l, 0, "write 60000 = 26000");		/* what 10 segments left behind is filled up */
	eq(ladder_flush(l), 10);
	ladder_end(l);
}

/* A third must be free, and while the congestion window is full the buffer does not grow to make it so. */
TEST(tcp_a_writer_is_called_when_a_third_is_free)
{
	struct ladder *l = BUF("50000");
	app(l, 0, "write 59000 = 58000");
	eq(ladder_flush(l), 10);
	called(l);
	in (l, 20, ". 1:1(0) ack 10001 win 257");
	ok(!called(l));
	eq(ladder_flush(l), 20);
	in (l, 20, ". 1:1(0) ack 17001 win 257");	/* less than a burst waits, and its ACK is due: the buffer grows */
	ok(called(l));
	ladder_end(l);
}

/* The buffer follows the congestion window: twice of it, each segment at what it costs. */
TEST(tcp_the_send_buffer_follows_the_window)
{
	struct ladder *l = BUF("50000");
	eq(ladder_tcb(l)->sndbuf, 50000);
	app(l, 0, "write 59000 = 58000");
	called(l);
	in (l, 1, ". 1:1(0) ack 10001 win 257");
	ok(!called(l));
	in (l, 1, ". 1:1(0) ack 26001 win 257");
	ok(called(l));
	eq(ladder_tcb(l)->sndbuf, 2 * 36 * 2304);
	app(l, 0, "write 180000 = 128000");
	ladder_flush(l);
	ladder_end(l);
}

/* With TCP_NOTSENT_LOWAT the call comes when less than half of it waits; who asks may write as soon as less than all does. */
TEST(tcp_notsent_lowat_calls_at_half)
{
	struct ladder *l = ladder_established(.cfg = "tcp_notsent_lowat=20000");
	app(l, 0, "write 60000 = 42000");		/* 10 segments went; two bursts wait, the second begun at 16000 */
	called(l);
	in (l, 20, ". 1:1(0) ack 1001 win 257");	/* 30000 wait */
	ok(!(tcp_ready(ladder_tcb(l)) & OL_EV_OUT));
	in (l, 1, ". 1:1(0) ack 8001 win 257");		/* 16000 do */
	ok(!called(l));
	ok(tcp_ready(ladder_tcb(l)) & OL_EV_OUT);
	in (l, 1, ". 1:1(0) ack 12001 win 257");	/* 8000 do */
	ok(called(l));
	ladder_flush(l);
	ladder_end(l);
}

/* Where the congestion window is full too, it is not the peer's window that holds us up. */
TEST(tcp_info_blames_the_network_before_the_peer)
{
	struct ladder *l = ladder_established(.syn = "mss 1000");
	struct tcp_info ti;
	in (l, 0, ". 1:1(0) ack 1 win 10000");
	app(l, 0, "write 15000");
	eq(ladder_flush(l), 10);
	in (l, 50, ". 1:1(0) ack 1001 win 9000");	/* still full */
	tcp_info_fill(ladder_tcb(l), &ti, sizeof ti, ladder_now(l));
	eq(ti.tcpi_rwnd_limited, 0);
	ok(ti.tcpi_busy_time >= 50000);
	in (l, 0, ". 1:1(0) ack 10001 win 2000");
	eq(ladder_flush(l), 2);
	in (l, 30, ". 1:1(0) ack 10001 win 2000");
	tcp_info_fill(ladder_tcb(l), &ti, sizeof ti, ladder_now(l));
	ok(ti.tcpi_rwnd_limited >= 29000 && ti.tcpi_rwnd_limited <= 31000);
	ladder_end(l);
}
