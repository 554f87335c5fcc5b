/*
 * Congestion control curves against the formulas: a path without loss whose ACKs come one round trip after what they
 * acknowledge, so that windows are functions of time one can compute.
 */
#include "loss_driver.h"

/* Acknowledges everything outstanding, in pieces of two segments, one round trip after it went. */
static void round_trip(struct drv *d, int rtt_ms)
{
	uint32_t end = drv_rel(d, d->tcb->snd_nxt), at = drv_rel(d, d->tcb->snd_una), mss = d->tcb->snd_mss;
	drv_pass(d, rtt_ms * OL_MS - (end - at) / (2 * mss) - 1);
	while (at < end) {
		at = MIN(at + 2 * mss, end);
		d->now += 1;
		struct tcp_ack_event ev = { .ack = drv_abs(d, at), .prior_una = d->tcb->snd_una, .ts_rtt_ns = -1,
					    .new_ready = true };
		d->tcb->snd_una = ev.ack;
		tcp_loss_ack(d->tcb, &ev, d->now);
		drv_output(d);
	}
}

static double segs(const struct drv *d) { return (double)d->tcb->loss.cwnd / d->tcb->snd_mss; }

/* A sender of the given window in congestion avoidance, with more to send than it ever will. */
static struct drv *avoiding(const char *cc, uint32_t cwnd, uint32_t mss)
{
	struct drv *d = drv_new(.mss = mss, .cc = cc, .rtt_ms = 100);
	d->busy = true;
	d->queued = 1u << 31;
	d->tcb->loss.cwnd = cwnd * mss;
	d->tcb->loss.ssthresh = d->tcb->loss.cwnd;
	drv_output(d);
	return d;
}

static void reduce(struct drv *d)	/* one segment lost, found by three SACKs, mended in a round trip */
{
	uint32_t una = drv_rel(d, d->tcb->snd_una), mss = d->tcb->snd_mss;
	uint32_t end = drv_rel(d, d->tcb->snd_nxt);
	drv_ack(d, 100, .ack = una, .sack = { una + mss, end });
	eq(d->tcb->loss.ca_state, TCP_CAS_RECOVERY);
	d->queued = drv_rel(d, d->tcb->snd_nxt) - 1;
	drv_ack(d, 100, .ack = drv_rel(d, d->tcb->snd_nxt));
	eq(d->tcb->loss.ca_state, TCP_CAS_OPEN);
	d->queued = 1u << 31;
	drv_output(d);
}

/* RFC 5681 3.1: slow start doubles each round trip, delayed ACKs or not (RFC 3465). */
/* req: 5681-3.1-a, 5681-3.1-e, 9438-4.10-a */
TEST(slow_start_doubles_each_round_trip)
{
	const char *const names[] = { "reno", "cubic" };
	for (int k = 0; k < 2; k++) {
		struct drv *d = drv_new(.cc = names[k], .rtt_ms = 100);
		d->busy = true;
		d->queued = 1u << 31;
		drv_output(d);
		for (int i = 0; i < 6; i++) {
			eq(d->tcb->loss.cwnd, 10000 << i);
			round_trip(d, 100);
		}
		drv_free(d);
	}
}

/* RFC 6928: ten segments to begin with. */
/* req: 6928-2-a, 5681-3.1-b */
TEST(initial_window_is_ten_segments)
{
	struct drv *d = drv_new(.mss = 1460);
	drv_write(d, 0, 100000);
	drv_out(d, "1:14601");
	drv_free(d);
}

/* RFC 5681 3.1, equation 3: a segment a round trip; equation 4: half on a loss. */
/* req: 5681-3.1-g */
TEST(reno_adds_a_segment_a_round_trip_and_halves)
{
	struct drv *d = avoiding("reno", 40, 1000);
	for (int i = 1; i <= 50; i++) {
		round_trip(d, 100);
		ok(segs(d) >= 40 + i * 0.96 - 1 && segs(d) <= 40 + i);
	}
	double before = segs(d);
	reduce(d);
	ok(segs(d) >= before / 2 - 1 && segs(d) <= before / 2 + 1);
	drv_free(d);
}

/*
 * RFC 9438 4.6: 0.7 of the window; 4.2: back at W_max after K = cbrt(W_max * 0.3 / 0.4) seconds, flat there, steep
 * after.
 */
/* req: 9438-4.2-a, 9438-4.4-a, 9438-4.5-a, 9438-4.6-a, 9438-5.1-a */
TEST(cubic_follows_its_curve)
{
	struct drv *d = avoiding("cubic", 1000, 1000);
	reduce(d);
	ok(segs(d) > 699 && segs(d) < 711);		/* 700, and the first round trip's growth */
	ol_time start = d->now;
	double k = 9.086, w_max = 1000, worst = 0;	/* cbrt(300 / 0.4) */
	for (int i = 0; i < 150; i++) {
		round_trip(d, 100);
		double t = (double)(d->now - start) / 1e9, want = 0.4 * (t - k) * (t - k) * (t - k) + w_max;
		double off = (segs(d) - want) / want;
		worst = MAX(worst, off < 0 ? -off : off);
	}
	ok(worst < 0.02);
	ok(segs(d) > 1060 && segs(d) < 1120);		/* 15 s: 0.4 * 5.9^3 over W_max */
	drv_free(d);
}

/*
 * RFC 9438 4.3: where Reno would be faster (small windows, short round trips) the window is Reno's with CUBIC's alpha.
 */
/* req: 9438-4.3-a */
TEST(cubic_is_never_slower_than_reno)
{
	struct drv *d = avoiding("cubic", 20, 1000);
	reduce(d);
	double w = segs(d);
	eq((int)(w * 1000), 14000);
	for (int i = 1; i <= 10; i++) {
		round_trip(d, 20);
		double want = 14 + 0.529 * i;		/* alpha = 3 * 0.3 / 1.7 a round trip */
		ok(segs(d) > want - 0.8 && segs(d) < want + 0.4);
	}
	drv_free(d);
}

/* Once Reno would be back at the window before the reduction it would grow by a whole segment a round trip, and so does W_est. */
/* req: 9438-4.3-a */
TEST(cubic_grows_as_reno_beyond_its_prior_window)
{
	struct drv *d = avoiding("cubic", 20, 1000);
	reduce(d);
	for (int i = 0; i < 30; i++)
		round_trip(d, 20);
	ok(segs(d) > 36 && segs(d) < 40);			/* 14 to 20 in eleven and a half, then one each */
	drv_free(d);
}

/* RFC 9438 4.7: a loss below the last maximum gives up more: the next W_max is 0.85 of the window. */
/* req: 9438-4.7-a */
TEST(cubic_converges_fast)
{
	struct drv *d = avoiding("cubic", 1000, 1000);
	reduce(d);					/* W_max 1000, window 700 */
	reduce(d);					/* below it: W_max 0.85 * 700, window 490 */
	ok(segs(d) > 489 && segs(d) < 503);
	for (int i = 0; i < 63; i++)			/* K = cbrt((595 - 490) / 0.4) = 6.4 s */
		round_trip(d, 100);
	ok(segs(d) > 585 && segs(d) < 605);
	drv_free(d);
}

/* The arithmetic stands any window: growing to the largest there is, it stops there and nothing wraps. */
TEST(cubic_never_exceeds_the_largest_window)
{
	struct drv *d = avoiding("cubic", 16000, 65000);
	d->tcb->loss.cfg = &d->cfg;
	struct tcp_rate_sample rs = { .rtt = 100 * OL_MS };
	uint32_t before = d->tcb->loss.cwnd;
	for (int i = 0; i < 2000; i++) {
		d->now += 1000 * OL_SEC;
		d->tcb->loss.cc->grow(d->tcb, 1u << 30, &rs, d->now);
		ok(d->tcb->loss.cwnd >= before && d->tcb->loss.cwnd <= 1u << 30);
		before = d->tcb->loss.cwnd;
	}
	eq(before, 1u << 30);
	drv_free(d);
}

/* The probe of a path's MTU succeeded: the window of before is remembered in bytes, not in segments that were smaller. */
/* req: 4821-4-c */
TEST(cubic_keeps_its_maximum_in_bytes_when_segments_grow)
{
	struct drv *d = avoiding("cubic", 200, 500);
	reduce(d);
	uint32_t most = 200 * 500;
	for (int i = 0; i < 10; i++)
		round_trip(d, 100);
	d->tcb->snd_mss = 1000;
	for (int i = 0; i < 50 && d->tcb->loss.cwnd < most; i++) {
		uint32_t before = d->tcb->loss.cwnd;
		round_trip(d, 100);
		ok(d->tcb->loss.cwnd - before < most / 50);	/* it flattens towards the maximum, and does not leap at twice of it */
	}
	ok(d->tcb->loss.cwnd > most - most / 50 && d->tcb->loss.cwnd < most + most / 50);
	drv_free(d);
}

/* RFC 9438 4.8: a timeout is slow start up to ssthresh, and then a curve that begins there, not one towards the window of before. */
/* req: 9438-4.8-a */
TEST(cubic_begins_anew_after_a_timeout)
{
	struct drv *d = avoiding("cubic", 100, 1000);
	uint32_t all = drv_rel(d, d->tcb->snd_nxt);
	d->cfg.frto = false;				/* it would see that nothing was lost */
	d->queued = all - 1;
	drv_pass(d, 600 * OL_MS);			/* a probe, and then the timeout */
	eq(d->tcb->loss.ca_state, TCP_CAS_LOSS);
	eq(d->tcb->loss.ssthresh, 70000);
	drv_ack(d, 100, .ack = all);
	d->queued = 1u << 31;
	drv_output(d);
	int rounds = 0;
	while (segs(d) < 69) {
		round_trip(d, 100);
		ok(++rounds <= 9);			/* it doubles */
	}
	for (int i = 0; i < 10; i++)
		round_trip(d, 100);
	ok(segs(d) >= 70 && segs(d) < 80);		/* a second later; the old curve would be at 87 */
	drv_free(d);
}

/* RFC 9406: when round trips grow, slow start turns conservative and ends, without a loss. */
/* req: 9406-4.2-a, 9406-4.2-b, 9406-4.3-a, 9406-4.3-b */
TEST(hystart_leaves_slow_start_when_delay_rises)
{
	struct drv *d = drv_new(.rtt_ms = 100);
	d->busy = true;
	d->queued = 1u << 31;
	drv_output(d);
	for (int i = 0; i < 4; i++)
		round_trip(d, 100);
	eq(d->tcb->loss.ssthresh, TCP_INFINITE_SSTHRESH);
	uint32_t before = d->tcb->loss.cwnd;
	for (int i = 0; i < 8; i++)
		round_trip(d, 130 + i);
	ok(d->tcb->loss.ssthresh < TCP_INFINITE_SSTHRESH);
	ok(d->tcb->loss.cwnd < 16 * before);		/* 256 times it would have been */
	drv_free(d);
}

/* A later slow start knows where it must end: a delay that rises does not slow it. */
/* req: 9406-4.3-c, 9406-4.2-d */
TEST(hystart_serves_the_first_slow_start_only)
{
	struct drv *d = drv_new(.rtt_ms = 100);
	struct tcp_loss *l = &d->tcb->loss;
	d->busy = true;
	d->queued = 1u << 31;
	l->ssthresh = 1000000;				/* as after an earlier loss */
	drv_output(d);
	for (int i = 0; i < 4; i++)
		round_trip(d, 100);
	for (int i = 0; i < 2; i++) {
		uint32_t before = l->cwnd;
		round_trip(d, 130 + 20 * i);
		ok(l->cwnd > 2 * before - before / 10);
	}
	drv_free(d);
}

/* RFC 9406 4.2: a rise that was noise does not end slow start: below the baseline again it goes on. */
/* req: 9406-4.2-c */
TEST(hystart_resumes_slow_start_after_noise)
{
	struct drv *d = drv_new(.rtt_ms = 100);
	d->busy = true;
	d->queued = 1u << 31;
	drv_output(d);
	for (int i = 0; i < 3; i++)
		round_trip(d, 100);
	round_trip(d, 140);
	round_trip(d, 140);
	round_trip(d, 100);
	round_trip(d, 100);
	uint32_t before = d->tcb->loss.cwnd;
	round_trip(d, 100);
	ok(d->tcb->loss.cwnd > 2 * before - d->tcb->snd_mss);
	eq(d->tcb->loss.ssthresh, TCP_INFINITE_SSTHRESH);
	drv_free(d);
}

/* Time in which nothing was sent is no time of the curve's: it goes on from where it was. */
/* req: 9438-4.2-a */
TEST(cubic_does_not_grow_while_idle)
{
	struct drv *d = avoiding("cubic", 1000, 1000);
	reduce(d);
	for (int i = 0; i < 20; i++)
		round_trip(d, 100);
	d->queued = drv_rel(d, d->tcb->snd_nxt) - 1;
	drv_ack(d, 100, .ack = drv_rel(d, d->tcb->snd_nxt));	/* all of it, and nothing more to send */
	double before = segs(d);
	drv_pass(d, 60 * OL_SEC);
	d->queued = 1u << 31;
	drv_output(d);
	round_trip(d, 100);
	ok(segs(d) < before + before / 10);			/* a minute on the curve would be half as much again in this round trip */
	drv_free(d);
}

/* One ACK for all that was out, and the next flight goes at once: that round trip is time of the curve's like any other. */
/* req: 9438-4.2-a */
TEST(cubic_grows_as_much_when_a_flight_is_acknowledged_at_once)
{
	double grown[2];
	for (int at_once = 0; at_once < 2; at_once++) {
		struct drv *d = avoiding("cubic", 1000, 1000);
		reduce(d);
		for (int i = 0; i < 60; i++) {
			if (at_once)
				drv_ack(d, 100, .ack = drv_rel(d, d->tcb->snd_nxt));
			else
				round_trip(d, 100);
		}
		grown[at_once] = segs(d);
		drv_free(d);
	}
	ok(grown[1] > grown[0] * 0.97 && grown[1] < grown[0] * 1.03);
}

/* A window that was the limit once and is not now does not grow, in congestion avoidance neither. */
/* req: 9438-4.6-b */
TEST(window_that_is_no_longer_the_limit_stays)
{
	const char *const names[] = { "reno", "cubic" };
	for (int k = 0; k < 2; k++) {
		struct drv *d = drv_new(.cc = names[k], .rtt_ms = 100);
		drv_write(d, 0, 20000);
		drv_ack(d, 100, .ack = 10001);
		drv_ack(d, 100, .ack = 20001);
		uint32_t cwnd = d->tcb->loss.ssthresh = d->tcb->loss.cwnd;
		for (uint32_t i = 1; i <= 50; i++) {
			drv_write(d, 0, 2000);
			drv_ack(d, 100, .ack = 20001 + 2000 * i);
		}
		eq(d->tcb->loss.cwnd, cwnd);
		drv_free(d);
	}
}

/* Slow start goes all the way to ssthresh, wherever that came from. */
/* req: 9438-4.10-a, 5681-3.1-a */
TEST(slow_start_ends_at_ssthresh)
{
	const char *const names[] = { "reno", "cubic" };
	for (int k = 0; k < 2; k++) {
		struct drv *d = drv_new(.cc = names[k], .rtt_ms = 100);
		d->busy = true;
		d->queued = 1u << 31;
		d->tcb->loss.ssthresh = 40000;
		drv_output(d);
		round_trip(d, 100);
		eq(d->tcb->loss.cwnd, 20000);
		round_trip(d, 100);
		eq(d->tcb->loss.cwnd, 40000);
		round_trip(d, 100);
		ok(d->tcb->loss.cwnd <= 42000);
		drv_free(d);
	}
}

/* A loss that the reordering timer finds reduces as one that an ACK shows. */
/* req: 9438-4.6-a */
TEST(cubic_reduces_at_once_when_a_timer_finds_the_loss)
{
	struct drv *d = drv_new(.cc = "cubic", .rtt_ms = 100);
	drv_write(d, 0, 10000);
	drv_ack(d, 100, .ack = 1, .sack = { 9001, 10001 });
	eq(d->tcb->loss.cwnd, 10000);
	drv_pass(d, 25 * OL_MS);
	eq(d->tcb->loss.ca_state, TCP_CAS_RECOVERY);
	eq(d->tcb->loss.ssthresh, 7000);
	ok(d->tcb->loss.cwnd <= 7000);
	drv_free(d);
}

/* TCP_CONGESTION: names there are are found, others are not, and a living connection may change. */
TEST(congestion_control_is_chosen_by_name)
{
	ok(tcp_cc_find("reno") && tcp_cc_find("cubic"));
	ok(!tcp_cc_find("none such"));
	for (unsigned i = 0; tcp_cc_name(i); i++)
		ok(tcp_cc_find(tcp_cc_name(i)));
	struct drv *d = drv_new();
	eq_str(d->tcb->loss.cc->name, "cubic");
	ok(tcp_loss_set_cc(d->tcb, "reno", d->now));
	eq_str(d->tcb->loss.cc->name, "reno");
	ok(!tcp_loss_set_cc(d->tcb, "none such", d->now));
	eq_str(d->tcb->loss.cc->name, "reno");
	drv_free(d);
}
