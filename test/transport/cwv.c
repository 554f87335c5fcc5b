/* Congestion window validation, RFC 7661, on the bare loss half: a window grown once and not used since. */
#include "loss_driver.h"

enum { MSS = 1000 };

/* A round trip of 100 ms in which `bytes` go out and come back acknowledged, two segments an ACK. */
static void trip(struct drv *d, uint32_t bytes)
{
	drv_write(d, 0, bytes);
	drv_pass(d, 100 * OL_MS);
	for (uint32_t end = drv_rel(d, d->tcb->snd_nxt); drv_rel(d, d->tcb->snd_una) < end; )
		drv_ack(d, 0, .ack = MIN(drv_rel(d, d->tcb->snd_una) + 2 * MSS, end));
}

/* Grown to 40 segments by use, all of them acknowledged. */
static struct drv *grown(bool cwv)
{
	struct tcp_loss_cfg cfg = tcp_loss_cfg_default();
	cfg.cwv = cwv;
	cfg.hystart = false;
	struct drv *d = drv_new(.rtt_ms = 100, .cfg = &cfg);
	while (d->tcb->loss.cwnd < 40 * MSS)
		trip(d, d->tcb->loss.cwnd);
	d->tcb->loss.ssthresh = d->tcb->loss.cwnd = 40 * MSS;
	return d;
}

/* Two segments a round trip for two seconds: three round trips, or a second, are the sampling period. */
static void rest(struct drv *d)
{
	for (int i = 0; i < 20; i++)
		trip(d, 2 * MSS);
}

/* One segment of `bytes` is lost and mended. */
static void lose_one(struct drv *d, uint32_t bytes)
{
	drv_write(d, 0, bytes);
	uint32_t una = drv_rel(d, d->tcb->snd_una), end = drv_rel(d, d->tcb->snd_nxt);
	drv_ack(d, 100, .ack = una, .sack = { una + MSS, end });
}

/* req: 7661-4.2-a, 7661-4.4-a, 7661-4.4-b */
TEST(cwv_unused_window_is_kept_and_does_not_grow)
{
	struct drv *d = grown(true);
	trip(d, 30 * MSS);
	ok(!d->tcb->loss.cwv.unvalidated);		/* three quarters of it were just used */
	rest(d);
	ok(d->tcb->loss.cwv.unvalidated);
	uint32_t before = d->tcb->loss.cwnd;
	ok(before >= 40 * MSS);
	rest(d);
	eq(d->tcb->loss.cwnd, before);
	trip(d, before);				/* all of it, and it comes back: validated */
	trip(d, before);
	ok(!d->tcb->loss.cwv.unvalidated);
	drv_free(d);
}

/* 4.4.1: half of the most that was used, then less what had to be sent again. */
/* req: 7661-4.4.1-a */
TEST(cwv_loss_takes_the_window_to_what_was_used)
{
	for (int on = 0; on < 2; on++) {
		struct drv *d = grown(on);
		rest(d);
		uint32_t cwnd = d->tcb->loss.cwnd;
		lose_one(d, 8 * MSS);			/* LossFlightSize 8, pipeACK 2 */
		eq(d->tcb->loss.ca_state, TCP_CAS_RECOVERY);
		eq(d->tcb->loss.ssthresh, on ? 4 * MSS : cwnd / 10 * 7);
		drv_ack(d, 100, .ack = drv_rel(d, d->tcb->snd_nxt));
		eq(d->tcb->loss.ca_state, TCP_CAS_OPEN);
		if (on) {
			eq(d->tcb->loss.cwnd, 3500);	/* (8000 - 1000) / 2 */
			eq(d->tcb->loss.ssthresh, 3500);
			ok(!d->tcb->loss.cwv.defined);	/* and nothing is known of the path any more */
		}
		drv_free(d);
	}
	struct drv *d = grown(true);			/* never under one segment */
	rest(d);
	drv_write(d, 0, 2 * MSS);
	uint32_t una = drv_rel(d, d->tcb->snd_una);
	drv_ack(d, 100, .ack = una, .sack = { una + MSS, una + 2 * MSS });
	drv_pass(d, 30 * OL_MS);			/* the reordering timer */
	eq(d->tcb->loss.ca_state, TCP_CAS_RECOVERY);
	drv_ack(d, 100, .ack = drv_rel(d, d->tcb->snd_nxt));
	eq(d->tcb->loss.cwnd, MSS);
	drv_free(d);
}

/* req: 7661-4.2-b */
TEST(cwv_measures_nothing_in_a_recovery)
{
	struct drv *d = grown(true);
	trip(d, 40 * MSS);
	lose_one(d, 40 * MSS);
	eq(d->tcb->loss.ca_state, TCP_CAS_RECOVERY);
	uint32_t slots[CWV_SLOTS];
	memcpy(slots, d->tcb->loss.cwv.slot, sizeof slots);
	uint32_t una = drv_rel(d, d->tcb->snd_una), end = drv_rel(d, d->tcb->snd_nxt);
	drv_write(d, 0, 40 * MSS);
	drv_ack(d, 1, .ack = una + MSS / 2, .sack = { una + MSS, end });	/* progress, and still in it */
	eq(d->tcb->loss.ca_state, TCP_CAS_RECOVERY);
	eq_mem(slots, d->tcb->loss.cwv.slot, sizeof slots);
	ok(!d->tcb->loss.cwv.sampling);
	drv_free(d);
}

/* req: 7661-4.4.3-a */
TEST(cwv_window_is_halved_after_five_minutes_unused)
{
	struct drv *d = grown(true);
	rest(d);
	ol_time since = d->tcb->loss.cwv.phase_at;
	uint32_t cwnd = d->tcb->loss.cwnd;
	d->tcb->loss.ssthresh = 2 * MSS;
	drv_pass(d, since + 299 * OL_SEC - d->now);
	trip(d, 2 * MSS);
	eq(d->tcb->loss.cwnd, cwnd);
	drv_pass(d, 2 * OL_SEC);
	trip(d, 2 * MSS);
	eq(d->tcb->loss.cwnd, cwnd / 2);
	eq(d->tcb->loss.ssthresh, cwnd / 4 * 3);
	drv_pass(d, 3000 * OL_SEC);			/* ten periods more: the initial window is the floor */
	trip(d, 2 * MSS);
	eq(d->tcb->loss.cwnd, 10 * MSS);
	drv_free(d);
}

/* The line is at half of cwnd, and a pipeACK not measured yet is on neither side of it. */
/* req: 7661-4.4-a */
TEST(cwv_phase_turns_at_half_the_window)
{
	for (uint32_t used = 16; used <= 20; used += 4) {
		struct drv *d = grown(true);
		d->tcb->loss.cc = tcp_cc_find("reno");		/* its window does not move meanwhile */
		for (int i = 0; i < 20; i++) {
			trip(d, used * MSS);
			d->tcb->loss.cwnd = 40 * MSS;
		}
		drv_write(d, 0, MSS);
		eq(d->tcb->loss.cwv.unvalidated, used < 20);
		drv_free(d);
	}
	struct tcp_loss_cfg cfg = tcp_loss_cfg_default();
	cfg.cwv = true;
	struct drv *d = drv_new(.rtt_ms = 100, .cfg = &cfg);
	drv_write(d, 0, MSS);
	ok(!d->tcb->loss.cwv.defined && !d->tcb->loss.cwv.unvalidated);
	drv_free(d);
}

/* Not limited by the window it does not grow, in slow start neither, though half of it is in flight. */
/* req: 7661-4.4-b */
TEST(cwv_unvalidated_window_does_not_grow_in_slow_start)
{
	struct drv *d = grown(true);
	rest(d);
	d->tcb->loss.ssthresh = TCP_INFINITE_SSTHRESH;
	uint32_t cwnd = d->tcb->loss.cwnd;
	drv_write(d, 0, cwnd / 4 * 3);
	ok(d->tcb->loss.cwv.unvalidated);
	drv_ack(d, 100, .ack = drv_rel(d, d->tcb->snd_una) + 2 * MSS);
	eq(d->tcb->loss.cwnd, cwnd);
	drv_free(d);
}

/* max(pipeACK, LossFlightSize): here the first is the larger; and a threshold above three quarters stays after five minutes. */
/* req: 7661-4.4.1-a, 7661-4.4.3-a */
TEST(cwv_keeps_the_larger_of_two)
{
	struct drv *d = grown(true);
	for (int i = 0; i < 20; i++)
		trip(d, 10 * MSS);
	lose_one(d, 4 * MSS);
	eq(d->tcb->loss.ca_state, TCP_CAS_RECOVERY);
	eq(d->tcb->loss.ssthresh, 5 * MSS);
	drv_free(d);
	d = grown(true);
	rest(d);
	d->tcb->loss.ssthresh = 100 * MSS;
	drv_pass(d, 301 * OL_SEC);
	trip(d, 2 * MSS);
	eq(d->tcb->loss.ssthresh, 100 * MSS);
	drv_free(d);
}
