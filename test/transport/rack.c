/* RACK and tail loss probes, RFC 8985, on the bare loss half. */
#include "loss_driver.h"

static int state(const struct drv *d) { return d->tcb->loss.ca_state; }
static uint32_t lost(const struct drv *d) { return d->tcb->loss.sb.lost.segs; }

/* 6.2 step 5: one SACK far ahead, fewer than three: what was sent before waits a quarter of the RTT, then is lost. */
/* req: 8985-6.2-b, 8985-6.2-c, 8985-3.3.2-a, 8985-4-a */
TEST(reordering_timer_waits_a_quarter_of_the_round_trip)
{
	struct drv *d = drv_new(.rtt_ms = 100);
	drv_write(d, 0, 4000);
	d->out[0] = 0;
	drv_ack(d, 100, .ack = 1, .sack = { 3001, 4001 });
	drv_out(d, "");
	eq(state(d), TCP_CAS_DISORDER);
	drv_out_at(d, 25, "1:1001");
	eq(lost(d), 3);
	eq(state(d), TCP_CAS_RECOVERY);
	drv_free(d);
}

/* 6.2 step 4: three SACKed segments and no reordering ever seen: no waiting. */
/* req: 8985-3.3.2-a */
TEST(dupthresh_closes_the_reordering_window)
{
	struct drv *d = drv_new(.rtt_ms = 100);
	drv_write(d, 0, 10000);
	d->out[0] = 0;
	drv_ack(d, 100, .ack = 1, .sack = { 2001, 3001 });
	drv_ack(d, 1, .ack = 1, .sack = { 2001, 3001, 6001, 7001 });
	drv_ack(d, 1, .ack = 1, .sack = { 2001, 3001, 6001, 7001, 8001, 9001 });
	drv_out(d, "1:1001");
	eq(lost(d), 6);					/* all below 8001 that are not SACKed */
	drv_free(d);
}

/* Reordering makes its degree known, and afterwards DupThresh no longer hurries. */
/* req: 8985-3.3.2-a, 8985-3.3.2-b */
TEST(seen_reordering_is_given_time_to_settle)
{
	struct drv *d = drv_new(.rtt_ms = 100);
	drv_write(d, 0, 10000);
	drv_ack(d, 100, .ack = 1, .sack = { 7001, 8001 });
	drv_ack(d, 2, .ack = 1, .sack = { 3001, 4001, 7001, 8001 });
	eq(d->tcb->loss.reordering, 5);			/* 3001 came when 8001 had been reached */
	drv_ack(d, 2, .ack = 10001);
	drv_write(d, 0, 10000);
	d->out[0] = 0;
	drv_ack(d, 100, .ack = 10001, .sack = { 11001, 17001 });
	eq(lost(d), 0);					/* six SACKed, and still it may only be late */
	drv_ack(d, 20, .ack = 20001);
	drv_out(d, "");
	eq(d->n_again, 0);
	drv_free(d);
}

/* However wide DSACKs have made it, the window ends at a smoothed round trip. */
/* req: 8985-3.3.2-b, 8985-8-a */
TEST(reordering_window_is_bounded_by_the_smoothed_round_trip)
{
	struct drv *d = drv_new(.rtt_ms = 100);
	struct tcp_loss *l = &d->tcb->loss;
	drv_write(d, 0, 3000);
	ol_time sent = d->now;
	l->reord_seen = 1;
	l->rack.reo_wnd_mult = 200;			/* 200 quarters of 100 ms: five seconds */
	drv_ack(d, 100, .ack = 1, .sack = { 1001, 2001 });
	eq(l->reo_at, sent + 100 * OL_MS + d->tcb->srtt_ns);
	eq(l->tlp_at, OL_NEVER);			/* one of the two at a time: RFC 8985 8 */
	drv_free(d);
}

/* 6.2 step 4: a DSACK shows a needless retransmission and widens the window; a clean round trip later another may. */
/* req: 8985-4-b, 2883-5-a */
TEST(dsack_widens_the_reordering_window_once_a_round_trip)
{
	struct drv *d = drv_new(.rtt_ms = 100);
	drv_write(d, 0, 10000);
	drv_ack(d, 100, .ack = 1, .sack = { 2001, 10001 });
	eq(d->tcb->loss.rack.reo_wnd_mult, 1);
	drv_write(d, 0, 5000);
	drv_ack(d, 20, .ack = 10001, .sack = { 1, 1001 });
	eq(d->tcb->loss.rack.reo_wnd_mult, 2);
	drv_ack(d, 1, .ack = 10001, .sack = { 1001, 2001 });
	eq(d->tcb->loss.rack.reo_wnd_mult, 2);		/* of the same round trip */
	eq(d->tcb->loss.rack.reo_wnd_persist, 16);
	drv_free(d);
}

/* A DSACK of more than we ever sent twice was not our doing. */
TEST(dsack_without_retransmission_is_not_believed)
{
	struct drv *d = drv_new(.rtt_ms = 100);
	drv_write(d, 0, 10000);
	drv_ack(d, 100, .ack = 5001, .sack = { 1, 1001 });
	eq(d->tcb->loss.n_dsack, 0);
	eq(d->tcb->loss.rack.reo_wnd_mult, 1);
	drv_free(d);
}

/* 6.2: a retransmission that was lost too is found when something sent after it arrives, long before the RTO. */
/* req: 8985-6.1-a, 8985-6.2-a, 8985-9.3-b, 5681-4.3-a */
TEST(lost_retransmission_is_sent_a_third_time)
{
	struct drv *d = drv_new(.rtt_ms = 100);
	drv_write(d, 0, 20000);
	drv_ack(d, 100, .ack = 1, .sack = { 1001, 4001 });
	d->out[0] = 0;
	for (uint32_t i = 0; i < 6; i++)
		drv_ack(d, 1, .ack = 1, .sack = { 1001, 5001 + 1000 * i });	/* by PRR new text goes */
	d->out[0] = 0;
	drv_ack(d, 95, .ack = 1, .sack = { 1001, 11001 });	/* sent after the retransmission */
	ok(strstr(d->out, "1:1001") == d->out);
	eq(d->tcb->loss.n_rto, 0);
	drv_free(d);
}

/* 7.2, 7.3: two round trips without an ACK: a probe, new text where there is some. */
/* req: 8985-7.2-a, 8985-7.2-b, 8985-7.3-b */
TEST(tail_loss_probe_comes_after_two_round_trips)
{
	struct drv *d = drv_new(.rtt_ms = 50);
	drv_write(d, 0, 4000);
	drv_out(d, "1:4001");
	drv_out_at(d, 100, "3001:4001");		/* nothing new: the last segment again */
	eq(state(d), TCP_CAS_OPEN);
	drv_free(d);
	d = drv_new(.rtt_ms = 50);
	drv_write(d, 0, 15000);
	drv_out(d, "1:10001");
	drv_out_at(d, 100, "10001:11001");		/* new text, though the window is full */
	drv_free(d);
}

/* Two round trips of a peer beside us are less than its own delay: no probe before 2 ms. */
TEST(probe_leaves_a_near_peer_two_milliseconds)
{
	struct drv *d = drv_new(.rtt_ms = 1);
	d->tcb->srtt_ns = 20 * OL_US;
	drv_write(d, 0, 4000);
	drv_out(d, "1:4001");
	drv_pass(d, OL_MS);
	drv_out(d, "");
	drv_out_at(d, 1, "3001:4001");
	drv_free(d);
}

/* 7.2: a single segment's ACK may be held back by a peer of whom that is known: that long again. */
/* req: 8985-7.2-a */
TEST(probe_of_a_single_segment_allows_for_delayed_acks)
{
	struct drv *d = drv_new(.rtt_ms = 50);
	d->tcb->loss.habit.held = 1;
	d->tcb->rto_ns = 2 * OL_SEC;
	drv_write(d, 0, 1000);
	d->out[0] = 0;
	drv_out_at(d, 300, "1:1001");
	drv_free(d);
}

/* 7.2: never later than the RTO, which then runs anew. */
/* req: 8985-7.2-a, 8985-7.3-c */
TEST(probe_takes_the_place_of_an_earlier_timeout)
{
	struct drv *d = drv_new(.rtt_ms = 100);
	d->tcb->loss.habit.held = 1;			/* the probe waits for 200 ms more */
	drv_write(d, 0, 1000);
	d->out[0] = 0;
	drv_out_at(d, 300, "1:1001");
	eq(d->tcb->loss.n_rto, 0);
	drv_out_at(d, 300, "1:1001");
	eq(d->tcb->loss.n_rto, 1);
	drv_free(d);
}

/* 7.4.2: the probe's ACK reveals a loss that it mended itself: the window shrinks all the same. */
/* req: 8985-7.4.2-a */
TEST(probe_that_mends_a_loss_shrinks_the_window)
{
	struct drv *d = drv_new(.rtt_ms = 50);
	drv_write(d, 0, 10000);
	drv_ack(d, 50, .ack = 9001);			/* the last one is lost */
	drv_pass(d, 300 * OL_MS);
	eq(d->n_again, 1);
	uint32_t before = d->tcb->loss.cwnd;
	drv_ack(d, 50, .ack = 10001);			/* TLP.end_seq itself: a DSACK may still come */
	ok(d->tcb->loss.cwnd >= before);
	before = d->tcb->loss.cwnd;
	drv_write(d, 0, 1000);
	drv_ack(d, 50, .ack = 11001);			/* no DSACK came, and something later did */
	eq(d->tcb->loss.cwnd, before / 10 * 7);
	eq(state(d), TCP_CAS_OPEN);
	drv_free(d);
}

/* 7.4.1: a DSACK for the probe: nothing had been lost, nothing shrinks. */
/* req: 8985-7.4.2-a */
TEST(probe_that_was_needless_shrinks_nothing)
{
	struct drv *d = drv_new(.rtt_ms = 50);
	drv_write(d, 0, 10000);
	drv_ack(d, 50, .ack = 9001);
	drv_pass(d, 300 * OL_MS);
	uint32_t before = d->tcb->loss.cwnd;
	drv_ack(d, 5, .ack = 10001);
	drv_ack(d, 50, .ack = 10001, .sack = { 9001, 10001 });
	drv_write(d, 0, 1000);
	drv_ack(d, 50, .ack = 11001);
	ok(d->tcb->loss.cwnd >= before);
	drv_free(d);
}

/* One probe at a time: the next thing to happen is the RTO. */
/* req: 8985-7.3-a */
TEST(only_one_probe_is_out_at_a_time)
{
	struct drv *d = drv_new(.rtt_ms = 50);
	drv_write(d, 0, 4000);
	drv_pass(d, 100 * OL_MS);
	eq(d->tcb->loss.n_tlp, 1);
	drv_pass(d, 240 * OL_MS);
	eq(d->tcb->loss.n_tlp, 1);
	eq(d->tcb->loss.n_rto, 0);
	drv_pass(d, 20 * OL_MS);
	eq(d->tcb->loss.n_rto, 1);
	drv_free(d);
}
