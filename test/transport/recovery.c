/*
 * Loss recovery step by step: fast retransmit with and without SACK, PRR, limited transmit, timeouts, F-RTO, undo, ECN.
 * The driver plays TCP's core; the same claims are made end to end by the scenarios of the whole stack.
 */
#include "loss_driver.h"

static uint32_t cwnd(const struct drv *d) { return d->tcb->loss.cwnd / d->tcb->snd_mss; }
static uint32_t ssthresh(const struct drv *d) { return d->tcb->loss.ssthresh / d->tcb->snd_mss; }
static int state(const struct drv *d) { return d->tcb->loss.ca_state; }

/* ---- fast retransmit --------------------------------------------------------------------------------------------- */
/* RFC 6675 5: three segments SACKed above it prove the first lost; it goes at once, and nothing before. */
/* req: 6675-5-a, 6675-5-d, 8985-6.2-b */
TEST(third_sacked_segment_sends_the_hole_at_once)
{
	struct drv *d = drv_new(.rtt_ms = 100);
	drv_write(d, 0, 4000);
	drv_out(d, "1:4001");
	drv_ack(d, 100, .ack = 1, .sack = { 1001, 2001 });
	drv_ack(d, 0, .ack = 1, .sack = { 1001, 3001 });
	drv_out(d, "");
	drv_ack(d, 0, .ack = 1, .sack = { 1001, 4001 });
	drv_out(d, "1:1001");
	eq(state(d), TCP_CAS_RECOVERY);
	drv_ack(d, 100, .ack = 4001);
	eq(state(d), TCP_CAS_OPEN);
	drv_out(d, "");
	drv_free(d);
}

/* RFC 5681 3.2: without SACK the third duplicate ACK does it. */
/* req: 5681-3.2-b, 5681-3.2-f, 6582-3.2-b, 8985-4-a */
TEST(third_duplicate_ack_sends_the_first_segment)
{
	struct drv *d = drv_new(.rtt_ms = 100, .no_sack = true, .cc = "reno");
	drv_write(d, 0, 10000);
	drv_out(d, "1:10001");
	drv_ack(d, 100, .ack = 1);
	drv_ack(d, 0, .ack = 1);
	drv_out(d, "");
	drv_ack(d, 0, .ack = 1);
	drv_out(d, "1:1001");
	eq(ssthresh(d), 5);				/* equation 4: half of FlightSize */
	drv_ack(d, 100, .ack = 10001);
	drv_free(d);
}

/* RFC 5681 2: an ACK with text, or one that moves the window, is no duplicate. */
/* req: 5681-2-b */
TEST(acks_with_text_or_window_updates_are_no_duplicates)
{
	struct drv *d = drv_new(.rtt_ms = 100, .no_sack = true);
	drv_write(d, 0, 10000);
	drv_out(d, "1:10001");
	for (int i = 0; i < 4; i++) {
		drv_ack(d, 1, .ack = 1, .text = true);
		drv_ack(d, 1, .ack = 1, .wnd_update = true);
	}
	drv_out(d, "");
	eq(state(d), TCP_CAS_OPEN);
	drv_free(d);
}

/* RFC 6582 3.2 step 3: each partial ACK shows the next hole, which goes at once, until RecoveryPoint is reached. */
/* req: 6582-3.2-c, 6582-3.2-e, 5681-3.2-g */
TEST(partial_acks_send_hole_after_hole_without_sack)
{
	struct drv *d = drv_new(.rtt_ms = 100, .no_sack = true, .cc = "reno");
	drv_write(d, 0, 10000);
	drv_out(d, "1:10001");
	for (int i = 0; i < 7; i++)			/* 1:1001, 2001:3001, 4001:5001 are lost */
		drv_ack(d, i ? 0 : 100, .ack = 1);
	drv_out(d, "1:1001");
	drv_ack(d, 100, .ack = 2001);
	drv_out(d, "2001:3001");
	eq(state(d), TCP_CAS_RECOVERY);
	drv_ack(d, 100, .ack = 4001);
	drv_out(d, "4001:5001");
	drv_ack(d, 100, .ack = 10001);
	drv_out(d, "");
	eq(state(d), TCP_CAS_OPEN);
	eq(cwnd(d), 5);
	drv_free(d);
}

/* RFC 6582 3.2 step 1: duplicate ACKs for what was outstanding before the last recovery start no new one. */
/* req: 6582-3.2-a */
TEST(recovery_point_stops_a_second_reduction_for_one_flight)
{
	struct drv *d = drv_new(.rtt_ms = 100, .no_sack = true, .cc = "reno");
	drv_write(d, 0, 10000);
	for (int i = 0; i < 3; i++)
		drv_ack(d, i ? 0 : 100, .ack = 1);
	d->out[0] = 0;
	drv_write(d, 0, 10000);
	drv_ack(d, 100, .ack = 5001);			/* partial: still the same episode */
	eq(ssthresh(d), 5);
	for (int i = 0; i < 5; i++)
		drv_ack(d, 1, .ack = 5001);
	eq(ssthresh(d), 5);
	eq(state(d), TCP_CAS_RECOVERY);
	drv_free(d);
}

/* RFC 3042: the first two duplicate ACKs send new text, one segment each; cwnd stays. */
/* req: 5681-3.2-c, 5681-3.2-d, 5681-3.2-e */
TEST(limited_transmit_sends_new_text_for_the_first_two)
{
	struct drv *d = drv_new(.rtt_ms = 100);
	drv_write(d, 0, 15000);
	drv_out(d, "1:10001");
	drv_ack(d, 110, .ack = 1, .sack = { 1001, 2001 });
	drv_out(d, "10001:11001");
	drv_ack(d, 10, .ack = 1, .sack = { 1001, 3001 });
	drv_out(d, "11001:12001");
	eq(cwnd(d), 10);
	drv_ack(d, 10, .ack = 3001);
	drv_out(d, "12001:14001");			/* what left, and one more: slow start goes on */
	eq(state(d), TCP_CAS_OPEN);
	drv_free(d);
}

/* req: 5681-3.2-c */
TEST(limited_transmit_works_without_sack)
{
	struct drv *d = drv_new(.rtt_ms = 100, .no_sack = true);
	drv_write(d, 0, 15000);
	drv_out(d, "1:10001");
	drv_ack(d, 110, .ack = 1);
	drv_out(d, "10001:11001");
	drv_ack(d, 10, .ack = 1);
	drv_out(d, "11001:12001");
	drv_ack(d, 10, .ack = 3001);
	drv_out(d, "12001:14001");
	drv_free(d);
}

/* RFC 6675's IsLost, where RACK is off: three SACKed above, and not before. */
/* req: 6675-4-b, 8985-9.2-a */
TEST(islost_without_rack_needs_three_sacked_above)
{
	struct tcp_loss_cfg cfg = tcp_loss_cfg_default();
	cfg.rack = false;
	struct drv *d = drv_new(.rtt_ms = 100, .cfg = &cfg);
	drv_write(d, 0, 10000);
	d->out[0] = 0;
	drv_ack(d, 100, .ack = 1, .sack = { 2001, 3001 });
	drv_ack(d, 0, .ack = 1, .sack = { 6001, 7001 }, );
	eq(d->tcb->loss.sb.lost.bytes, 0);
	drv_ack(d, 0, .ack = 1, .sack = { 8001, 9001 });
	eq(d->tcb->loss.sb.lost.bytes, 2000);		/* below all three; 3001:6001 has but two above */
	drv_out(d, "1:1001");
	drv_free(d);
}

/* ---- PRR --------------------------------------------------------------------------------------------------------- */
/* RFC 9937: what was delivered goes out again, one for one, from the recovery's start; at its end cwnd is ssthresh. */
/* req: 9937-6.1-a, 9937-6.2-a, 9937-6.2-e, 9937-6.2-f, 9937-6.4-a, 6675-5-c, 6675-5-d, 6675-5-e */
TEST(prr_sends_one_for_one_below_ssthresh_and_ends_at_it)
{
	struct drv *d = drv_new(.rtt_ms = 100);
	drv_write(d, 0, 10000);
	drv_ack(d, 110, .ack = 1, .sack = { 1001, 2001 });
	drv_ack(d, 10, .ack = 1, .sack = { 1001, 3001 });
	drv_out(d, "1:10001");
	drv_ack(d, 10, .ack = 1, .sack = { 1001, 4001 });
	drv_out(d, "1:1001");
	eq(cwnd(d), 7);
	eq(ssthresh(d), 7);
	drv_write(d, 10, 7000);
	drv_out(d, "");
	for (uint32_t i = 0; i < 6; i++) {
		char want[32];
		drv_ack(d, 10, .ack = 1, .sack = { 1001, 5001 + 1000 * i });
		snprintf(want, sizeof want, "%u:%u", 10001 + 1000 * i, 11001 + 1000 * i);
		drv_out(d, want);
	}
	drv_ack(d, 20, .ack = 10001);
	drv_out(d, "16001:17001");
	eq(state(d), TCP_CAS_OPEN);
	eq(cwnd(d), 7);
	drv_free(d);
}

/* RFC 9937: above ssthresh it sends in the proportion of the new window to what was in flight. */
/* req: 9937-6.1-b, 9937-6.2-c, 9937-6.2-e */
TEST(prr_is_proportional_above_ssthresh)
{
	struct drv *d = drv_new(.rtt_ms = 100, .cc = "reno");
	d->tcb->loss.cwnd = 20000;
	drv_write(d, 0, 60000);
	d->out[0] = 0;
	d->n_new = d->n_again = 0;
	for (uint32_t i = 1; i < 20; i++) {		/* only the first of twenty is lost */
		drv_ack(d, i == 1 ? 100 : 1, .ack = 1, .sack = { 1001, 1001 + 1000 * i });
		eq(d->n_again, i >= 3);			/* the hole at once, however little the rule gives it */
	}
	/* Two by limited transmit, the hole, and half of what the rest delivered. */
	eq(ssthresh(d), 10);				/* of the 20 there were before limited transmit */
	eq(d->n_again, 1);
	ok(d->n_new >= 9 && d->n_new <= 11);
	ok(tcp_loss_pipe(d->tcb) <= 12000);
	drv_free(d);
}

/* Much delivered at once gives back no more than ssthresh. */
/* req: 9937-6.2-d, 9937-6.2-f */
TEST(prr_stops_at_ssthresh)
{
	struct drv *d = drv_new(.rtt_ms = 100);
	drv_write(d, 0, 30000);
	drv_ack(d, 110, .ack = 1, .sack = { 1001, 10001 });	/* nine of ten, and one lost */
	eq(state(d), TCP_CAS_RECOVERY);
	eq(ssthresh(d), 7);
	eq(cwnd(d), 7);
	eq(tcp_loss_pipe(d->tcb), 7000);
	drv_free(d);
}

/* What one recovery sent is not held against the next. */
/* req: 9937-6.1-a */
TEST(prr_starts_anew_each_time)
{
	struct drv *d = drv_new(.rtt_ms = 100, .cc = "reno");
	uint64_t sent[2];
	uint32_t una = 1;
	for (int k = 0; k < 2; k++) {
		d->tcb->loss.cwnd = 20000;
		d->tcb->loss.ssthresh = 20000;
		drv_write(d, 0, 20000);
		uint32_t end = una + 20000;
		drv_write(d, 0, 40000);
		d->n_new = 0;
		for (uint32_t i = 1; i < 20; i++) {
			drv_ack(d, i == 1 ? 100 : 1, .ack = una, .sack = { una + 1000, una + 1000 + 1000 * i });
			if (i == 8)
				sent[k] = d->n_new;		/* while more than ssthresh is under way */
		}
		una = drv_rel(d, d->tcb->snd_nxt);
		ok(una > end);
		drv_ack(d, 100, .ack = una);
		una = drv_rel(d, d->tcb->snd_nxt);
		drv_ack(d, 100, .ack = una);
		eq(state(d), TCP_CAS_OPEN);
		while (drv_rel(d, d->tcb->snd_nxt) <= d->queued)
			drv_ack(d, 100, .ack = drv_rel(d, d->tcb->snd_nxt));
		una = drv_rel(d, d->tcb->snd_nxt);
		drv_ack(d, 100, .ack = una);
	}
	eq(sent[0], sent[1]);
	drv_free(d);
}

/* RFC 9937, SafeACK: an ACK that makes progress without showing more loss may add one segment; others may not. */
/* req: 9937-6.2-b, 9937-6.2-d, 8985-9.3-a, 6675-4-c */
TEST(prr_grows_only_on_safe_acks)
{
	struct drv *d = drv_new(.rtt_ms = 10);
	drv_write(d, 0, 20000);
	d->out[0] = 0;
	drv_ack(d, 10, .ack = 1, .sack = { 4001, 5001 });
	drv_ack(d, 2, .ack = 1, .sack = { 4001, 6001 });
	drv_out(d, "10001:12001");
	drv_ack(d, 2, .ack = 1, .sack = { 4001, 7001 });
	drv_out(d, "1:1001");
	for (uint32_t i = 0; i < 5; i++)
		drv_ack(d, 2, .ack = 1, .sack = { 4001, 8001 + 1000 * i });
	drv_out(d, "1001:4001 12001:14001");
	drv_ack(d, 10, .ack = 1001, .sack = { 4001, 12001 });
	drv_out(d, "14001:16001");
	drv_ack(d, 2, .ack = 1001, .sack = { 2001, 12001 });
	drv_out(d, "1001:2001 16001:17001");		/* its copy was sent before theirs, and they have arrived */
	drv_ack(d, 2, .ack = 12001);			/* much at once, and still not beyond ssthresh */
	eq(tcp_loss_pipe(d->tcb) <= d->tcb->loss.ssthresh, true);
	drv_free(d);
}

/* An ACK from before SND.UNA may still bring SACKs, and they count. */
/* req: 6675-5-a */
TEST(old_ack_still_delivers_its_sacks)
{
	struct drv *d = drv_new(.rtt_ms = 10);
	drv_write(d, 0, 10000);
	drv_ack(d, 10, .ack = 1, .sack = { 1001, 2001 });
	drv_ack(d, 0, .ack = 1, .sack = { 1001, 3001 });
	d->out[0] = 0;
	drv_ack(d, 0, .ack = 1, .sack = { 1001, 3001, 8001, 9001 });
	drv_out(d, "1:1001");
	drv_ack(d, 12, .ack = 4001, .sack = { 8001, 9001 });
	drv_out(d, "4001:7001");
	drv_write(d, 0, 10000);
	drv_ack(d, 2, .ack = 3001, .sack = { 5001, 7001 });
	drv_out(d, "7001:8001 10001:11001");
	drv_free(d);
}

/* ---- timeouts ---------------------------------------------------------------------------------------------------- */
/* RFC 5681 3.1: one segment after a timeout, then slow start to ssthresh; RFC 6298 5.5: RTO doubles. */
/* req: 5681-3.1-a, 5681-3.1-h, 6298-5-a, 6298-5-b, 6298-5-c, 6675-5.1-a, MUST-18 */
TEST(timeout_sends_one_segment_and_backs_off)
{
	struct tcp_loss_cfg cfg = tcp_loss_cfg_default();
	cfg.tlp = false;
	struct drv *d = drv_new(.rtt_ms = 100, .cfg = &cfg);
	drv_write(d, 0, 10000);
	drv_out(d, "1:10001");
	drv_out_at(d, 300, "1:1001");
	eq(state(d), TCP_CAS_LOSS);
	eq(cwnd(d), 1);
	eq(ssthresh(d), 7);
	eq(d->tcb->loss.backoff, 1);
	drv_out_at(d, 600, "1:1001");
	drv_out_at(d, 1200, "1:1001");
	eq(ssthresh(d), 7);				/* once per flight */
	eq(d->tcb->loss.backoff, 3);
	drv_ack(d, 100, .ack = 1001);
	drv_out(d, "1001:3001");			/* cwnd 2 */
	eq(d->tcb->loss.backoff, 0);
	drv_ack(d, 100, .ack = 3001);
	drv_out(d, "3001:7001");
	drv_ack(d, 100, .ack = 7001);
	drv_out(d, "7001:10001");
	drv_ack(d, 100, .ack = 10001);
	eq(state(d), TCP_CAS_OPEN);
	drv_free(d);
}

/* RFC 6298 3, Karn: what was sent twice is not measured, and RTO stays doubled until something was. */
/* req: 6298-3-a, MUST-18 */
TEST(karn_keeps_the_doubled_rto_until_a_clean_measurement)
{
	struct tcp_loss_cfg cfg = tcp_loss_cfg_default();
	cfg.tlp = false;
	struct drv *d = drv_new(.rtt_ms = 100, .cfg = &cfg);
	drv_write(d, 0, 1000);
	drv_out(d, "1:1001");
	drv_out_at(d, 300, "1:1001");
	ol_time srtt = d->tcb->srtt_ns;
	drv_ack(d, 500, .ack = 1001);
	eq(d->tcb->srtt_ns, srtt);
	eq(tcp_rto_now(d->tcb), 600 * OL_MS);
	drv_write(d, 0, 1000);
	drv_ack(d, 100, .ack = 2001);
	eq(tcp_rto_now(d->tcb), 300 * OL_MS);
	drv_free(d);
}

/* RFC 7323 4.1: with timestamps it can be measured all the same. */
/* req: 6298-3-a, 6298-3-b, MUST-18 */
TEST(timestamps_measure_what_was_sent_twice)
{
	struct tcp_loss_cfg cfg = tcp_loss_cfg_default();
	cfg.tlp = false;
	struct drv *d = drv_new(.rtt_ms = 100, .ts = true, .cfg = &cfg);
	drv_write(d, 0, 1000);
	drv_pass(d, 350 * OL_MS);
	eq(d->n_again, 1);
	drv_ack(d, 100, .ack = 1001, .echo_ago = 150);
	eq(d->tcb->loss.rto_shift, 0);
	ok(d->tcb->srtt_ns > 100 * OL_MS && d->tcb->srtt_ns <= 150 * OL_MS);
	drv_free(d);
}

/* RFC 6298 2: first measurement R gives SRTT R, RTTVAR R/2; the following are weighed by 1/8 and 1/4. */
/* req: 6298-2-a, 6298-2-b, 6298-2-c, 6298-4-a, MUST-18 */
TEST(rtt_estimate_follows_rfc6298)
{
	struct drv *d = drv_new();
	eq(d->tcb->rto_ns, OL_SEC);
	tcp_loss_rtt(d->tcb, 400 * OL_MS, d->now);
	eq(d->tcb->srtt_ns, 400 * OL_MS);
	eq(d->tcb->rttvar_ns, 200 * OL_MS);
	eq(d->tcb->rto_ns, 1200 * OL_MS);
	tcp_loss_rtt(d->tcb, 480 * OL_MS, d->now);
	eq(d->tcb->rttvar_ns, 170 * OL_MS);
	eq(d->tcb->srtt_ns, 410 * OL_MS);
	eq(d->tcb->rto_ns, (410 + 4 * 170) * OL_MS);
	for (int i = 0; i < 200; i++)
		tcp_loss_rtt(d->tcb, 10 * OL_MS, d->now);
	ok(d->tcb->rto_ns >= 210 * OL_MS && d->tcb->rto_ns < 230 * OL_MS);	/* the floor under the margin */
	drv_free(d);
}

/* RFC 7323 G: ten samples in a round trip weigh together what one would. */
/* req: 7323-4.2-a */
TEST(many_samples_a_round_trip_are_weighed_as_one)
{
	struct drv *d = drv_new(.rtt_ms = 100);
	d->tcb->loss.cwnd = 20000;
	drv_write(d, 0, 40000);
	drv_pass(d, 200 * OL_MS);
	for (uint32_t i = 1; i <= 10; i++) {
		drv_ack(d, 0, .ack = 1 + 2000 * i);	/* a window in all, and as much goes out behind it */
		d->tcb->loss.cwnd = 20000;
	}
	ok(d->tcb->srtt_ns > 110 * OL_MS && d->tcb->srtt_ns < 115 * OL_MS);	/* 1/8 of the way to 200; one by one it would be 3/4 */
	drv_free(d);
}

/* RFC 6298 5.7 and RFC 6928 2: a SYN lost once makes RTO 3 s, lost twice also the window one segment. */
/* req: 6298-5-d, 6928-2-b, 5681-3.1-c, 5681-3.1-d */
TEST(lost_syns_are_remembered)
{
	struct drv *d = drv_new();
	for (int i = 0; i < 2; i++) {
		tcp_loss_init(d->tcb, &d->cfg, NULL, d->now);
		ok(tcp_loss_room(d->tcb));
		d->tcb->snd_una = d->tcb->snd_nxt = d->base;
		tcp_loss_sent(d->tcb, d->tcb->snd_nxt, 1, d->now);
		d->tcb->snd_nxt = seq_add(d->tcb->snd_nxt, 1);
		for (int k = 0; k <= i; k++) {
			struct tcp_loss_range r;
			d->now += OL_SEC << k;
			eq(tcp_loss_expire(d->tcb, false, d->now - 1), TCP_LOSS_NONE);
			eq(tcp_loss_expire(d->tcb, false, d->now), TCP_LOSS_RTO);
			ok(tcp_loss_next(d->tcb, &r, d->now));
			eq(r.len, 1);
			tcp_loss_resent(d->tcb, r.seq, r.len, 0, d->now);
			ok(!tcp_loss_next(d->tcb, &r, d->now));
		}
		struct tcp_ack_event ev = { .ack = d->tcb->snd_nxt, .prior_una = d->tcb->snd_una, .ts_rtt_ns = -1 };
		d->tcb->snd_una = d->tcb->snd_nxt;
		tcp_loss_ack(d->tcb, &ev, d->now);
		tcp_loss_established(d->tcb, d->now);
		eq(d->tcb->rto_ns, 3 * OL_SEC);
		eq(cwnd(d), i ? 1 : 10);
		tcp_loss_fini(d->tcb);
	}
	free(d->tcb);
	free(d);
}

/* RFC 2018 8: the peer may throw SACKed text away; when the ACK stops at it, it is sent again after a moment. */
/* req: 2018-5-b, 2018-5-c, 2018-8-a */
TEST(reneging_is_noticed_and_mended)
{
	struct drv *d = drv_new(.rtt_ms = 100);
	drv_write(d, 0, 10000);
	drv_ack(d, 100, .ack = 1, .sack = { 1001, 10001 });
	d->out[0] = 0;
	drv_ack(d, 100, .ack = 1001);			/* the hole is filled, and yet not all is acknowledged */
	drv_out_at(d, 50, "1001:2001");
	eq(state(d), TCP_CAS_LOSS);
	drv_ack(d, 100, .ack = 2001);
	drv_out(d, "2001:4001");
	drv_free(d);
}

/* ---- F-RTO, undo ------------------------------------------------------------------------------------------------- */
/*
 * RFC 5682 2.1: the ACK after a timeout sends new text; when that too is answered by progress, nothing had been lost.
 */
/* req: 5682-2.1-a, 5682-3.1-a, 9438-4.9-a */
TEST(frto_finds_a_spurious_timeout_and_restores_the_window)
{
	struct tcp_loss_cfg cfg = tcp_loss_cfg_default();
	cfg.tlp = false;
	struct drv *d = drv_new(.rtt_ms = 100, .cfg = &cfg);
	drv_write(d, 0, 20000);
	drv_out(d, "1:10001");
	drv_out_at(d, 300, "1:1001");			/* the path stalled: nothing was lost */
	drv_ack(d, 50, .ack = 1001);			/* the original's */
	drv_out(d, "10001:12001");			/* step 2.b: new text, no retransmission */
	drv_ack(d, 1, .ack = 2001);			/* never sent again, and yet here */
	eq(state(d), TCP_CAS_OPEN);
	eq(d->tcb->loss.n_spurious_rto, 1);
	ok(cwnd(d) >= 10);
	eq(d->tcb->loss.ssthresh, TCP_INFINITE_SSTHRESH);
	eq(d->tcb->loss.sb.lost.bytes, 0);
	drv_free(d);
}

/* RFC 5682 2.1 step 3.a: SACKs of the new text and no progress: the timeout was right, go on resending. */
/* req: 5682-2.1-b */
TEST(frto_lets_a_real_timeout_be)
{
	struct tcp_loss_cfg cfg = tcp_loss_cfg_default();
	cfg.tlp = false;
	struct drv *d = drv_new(.rtt_ms = 100, .cfg = &cfg);
	drv_write(d, 0, 20000);
	drv_pass(d, 300 * OL_MS);
	d->out[0] = 0;
	drv_ack(d, 100, .ack = 1001);
	drv_out(d, "10001:12001");
	drv_ack(d, 100, .ack = 1001, .sack = { 10001, 11001 });
	eq(state(d), TCP_CAS_LOSS);
	ok(strstr(d->out, "1001:2001") == d->out);
	drv_ack(d, 100, .ack = 5001, .sack = { 10001, 11001 });	/* originals among it, and still it was a loss */
	eq(state(d), TCP_CAS_LOSS);
	drv_free(d);
}

/* RFC 3522, Eifel: an ACK that echoes a time before the retransmission was the original's. */
/* req: 6582-4-a */
TEST(eifel_undoes_a_fast_retransmit)
{
	struct drv *d = drv_new(.rtt_ms = 100, .ts = true);
	drv_write(d, 0, 10000);
	drv_ack(d, 100, .ack = 1, .sack = { 1001, 4001 }, .echo_ago = 100);
	eq(state(d), TCP_CAS_RECOVERY);
	eq(cwnd(d), 7);
	drv_ack(d, 20, .ack = 10001, .echo_ago = 120);
	eq(state(d), TCP_CAS_OPEN);
	eq(d->tcb->loss.n_undo, 1);
	ok(cwnd(d) >= 10);
	eq(d->tcb->loss.ssthresh, TCP_INFINITE_SSTHRESH);
	drv_free(d);
}

/* The same ACK echoing the retransmission undoes nothing. */
TEST(ack_of_the_retransmission_keeps_the_reduction)
{
	struct drv *d = drv_new(.rtt_ms = 100, .ts = true);
	drv_write(d, 0, 10000);
	drv_ack(d, 100, .ack = 1, .sack = { 1001, 4001 }, .echo_ago = 100);
	drv_ack(d, 100, .ack = 10001, .echo_ago = 100);
	eq(d->tcb->loss.n_undo, 0);
	eq(cwnd(d), 7);
	drv_free(d);
}

/* RFC 3708: DSACKs for everything sent again show that none of it was needed. */
TEST(dsacks_for_all_retransmissions_undo)
{
	struct drv *d = drv_new(.rtt_ms = 100);
	drv_write(d, 0, 10000);
	drv_ack(d, 100, .ack = 1, .sack = { 2001, 5001 });
	drv_out(d, "1:10001 1:2001");
	drv_ack(d, 20, .ack = 10001);			/* both were only late */
	eq(cwnd(d), 7);
	drv_ack(d, 80, .ack = 10001, .sack = { 1, 1001 });
	eq(cwnd(d), 7);					/* one of two */
	drv_ack(d, 0, .ack = 10001, .sack = { 1001, 2001 });
	eq(d->tcb->loss.n_undo, 1);
	ok(cwnd(d) >= 10);
	drv_free(d);
}

/* ---- ECN, path MTU ----------------------------------------------------------------------------------------------- */
/* RFC 3168 6.1.2: an echo shrinks the window once a round trip and asks for CWR; nothing is sent again. */
TEST(ecn_echo_shrinks_the_window_once_a_round_trip)
{
	struct drv *d = drv_new(.rtt_ms = 100);
	drv_write(d, 0, 30000);
	d->out[0] = 0;
	drv_ack(d, 100, .ack = 1001, .ece = true);
	eq(state(d), TCP_CAS_CWR);
	ok(tcp_loss_cwr_due(&d->tcb->loss));
	uint32_t s = ssthresh(d);
	eq(s, 7);
	for (uint32_t i = 2; i <= 10; i++)
		drv_ack(d, 1, .ack = 1 + 1000 * i, .ece = true);
	eq(ssthresh(d), s);
	eq(d->n_again, 0);
	eq(d->tcb->loss.sb.out.segs, s);		/* PRR has brought the flight down to it */
	drv_free(d);
}

/* RFC 1191 6.5, RFC 8201 5.2: what was too long goes again in smaller pieces, and the window does not shrink for it. */
TEST(path_mtu_shrinking_resends_without_a_reduction)
{
	struct drv *d = drv_new(.rtt_ms = 100, .mss = 1460);
	drv_write(d, 0, 14600);
	drv_out(d, "1:14601");
	d->tcb->snd_mss = 1000;
	tcp_loss_mtu_shrunk(d->tcb, d->now);
	drv_output(d);
	drv_out(d, "1:14601");
	eq(d->n_again, 15);
	eq(d->tcb->loss.cwnd, 14600);
	drv_ack(d, 100, .ack = 14601);
	eq(state(d), TCP_CAS_OPEN);
	drv_free(d);
}

/* ---- the window's validation ------------------------------------------------------------------------------------- */
/* RFC 5681 4.1: after more than an RTO of silence sending restarts with the restart window, where that is asked for. */
/* req: 5681-4.1-a */
TEST(idle_restart_is_a_setting)
{
	for (int on = 0; on < 2; on++) {
		struct tcp_loss_cfg cfg = tcp_loss_cfg_default();
		cfg.slow_start_after_idle = on;
		struct drv *d = drv_new(.rtt_ms = 100, .cfg = &cfg);
		drv_write(d, 0, 26000);
		drv_ack(d, 100, .ack = 10001);
		eq(cwnd(d), 20);
		drv_ack(d, 100, .ack = 26001);
		eq(cwnd(d), 36);
		drv_write(d, 2000, 20000);
		eq(cwnd(d), on ? 10 : 36);
		drv_free(d);
	}
}

/* RFC 7661 1: a window that is not used does not grow. */
/* req: 7661-4.4-b, 9438-4.6-b */
TEST(unused_window_does_not_grow)
{
	struct drv *d = drv_new(.rtt_ms = 100);
	drv_write(d, 0, 5000);
	drv_ack(d, 100, .ack = 5001);
	eq(cwnd(d), 10);
	drv_write(d, 0, 9000);
	for (uint32_t i = 1; i <= 4; i++)
		drv_ack(d, 5, .ack = 5001 + 2000 * i);
	eq(cwnd(d), 18);
	drv_ack(d, 5, .ack = 14001);
	eq(cwnd(d), 18);				/* twice what was in flight, no more */
	drv_free(d);
}

/* SO_MAX_PACING_RATE: no faster than that over any time. */
TEST(max_pacing_rate_is_kept)
{
	struct drv *d = drv_new(.rtt_ms = 10);
	d->tcb->loss.cwnd = 1u << 24;
	tcp_loss_set_max_pacing(d->tcb, 1000000);
	d->busy = true;
	drv_write(d, 0, 2000000);
	for (int i = 0; i < 100; i++)
		drv_ack(d, 10, .ack = drv_rel(d, d->tcb->snd_nxt));
	uint32_t sent = drv_rel(d, d->tcb->snd_nxt);
	ok(sent > 980000 && sent <= 1010000);
	drv_free(d);
}

/*
 * Whatever ACKs a peer makes up, no belief breaks, the window stays within bounds, and what is outstanding has a timer.
 */
TEST(no_ack_however_odd_breaks_a_belief)
{
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct rng r;
		rng_init(&r, seed);
		struct drv *d = drv_new(.cc = tcp_cc_name(rng_below(&r, 3)), .no_sack = rng_chance(&r, 0.2),
					.ts = rng_chance(&r, 0.5), .rtt_ms = rng_below(&r, 200));
		d->busy = true;
		for (int step = 0; step < 400; step++) {
			uint32_t una = drv_rel(d, d->tcb->snd_una), nxt = drv_rel(d, d->tcb->snd_nxt);
			uint32_t span = nxt - una + 1;
			struct drv_ack a = { .ece = rng_chance(&r, 0.05), .text = rng_chance(&r, 0.1),
					     .wnd_update = rng_chance(&r, 0.1), .echo_ago = (int)rng_below(&r, 5000) - 100 };
			a.ack = rng_chance(&r, 0.8) ? una + rng_below(&r, MIN(span, 3000u)) :
						      una - rng_below(&r, MIN(una, 5000u));
			for (unsigned i = 0; i < 8; i++)
				a.sack[i] = rng_chance(&r, 0.95) ? una + rng_below(&r, span + 500) :
								   (uint32_t)rng_u64(&r);
			if (rng_chance(&r, 0.3))
				a.sack[0] = 0;
			d->queued = MIN(d->queued + rng_below(&r, 20000), nxt + 60000);
			if (rng_chance(&r, 0.05))
				d->tcb->snd_mss = 500 + rng_below(&r, 1000);
			if (rng_chance(&r, 0.02))
				tcp_loss_mtu_shrunk(d->tcb, d->now);
			drv_ack_(d, (int)rng_below(&r, rng_chance(&r, 0.1) ? 2000 : 20), a);
			tcp_loss_check(d->tcb);
			ok(tcp_loss_pipe(d->tcb) <= d->tcb->loss.sb.out.bytes + d->tcb->loss.sb.retrans.bytes);
			ok(d->tcb->loss.cwnd <= d->cfg.limit_cwnd);
		}
		drv_free(d);
	}
}

/* The ACKs of the originals were lost: the first word of what was in vain comes with the ACK of all. */
TEST(a_dsack_beside_the_ack_of_all_undoes)
{
	struct drv *d = drv_new(.rtt_ms = 100);
	drv_write(d, 0, 10000);
	for (uint32_t i = 1; i <= 3; i++)
		drv_ack(d, i == 1 ? 100 : 0, .ack = 1, .sack = { 1001, 1001 + 1000 * i });
	eq(d->tcb->loss.ca_state, TCP_CAS_RECOVERY);
	drv_ack(d, 100, .ack = 10001, .sack = { 1, 1001 });
	eq(d->tcb->loss.n_undo, 1);
	eq(d->tcb->loss.ca_state, TCP_CAS_OPEN);
	ok(d->tcb->loss.cwnd >= 10000);
	drv_free(d);
}

/* A block that names bytes never sent twice is no word about our retransmissions. */
TEST(a_dsack_of_what_was_sent_once_undoes_nothing)
{
	struct drv *d = drv_new(.rtt_ms = 100);
	drv_write(d, 0, 10000);
	for (uint32_t i = 1; i <= 3; i++)
		drv_ack(d, i == 1 ? 100 : 0, .ack = 1, .sack = { 1001, 1001 + 1000 * i });
	drv_ack(d, 100, .ack = 10001, .sack = { 1001, 2001 });
	eq(d->tcb->loss.n_undo, 0);
	drv_free(d);
}

/* Pacing held the repetition back until the original was acknowledged: nothing was lost, and the window returns. */
TEST(a_loss_that_was_never_sent_again_is_undone)
{
	struct drv *d = drv_new(.rtt_ms = 40, .cc = "cubic");
	drv_write(d, 0, 8000);
	tcp_loss_set_max_pacing(d->tcb, 1000);		/* a segment a second from now on */
	drv_write(d, 0, 1000);
	drv_out(d, "1:9001");
	uint32_t cwnd = d->tcb->loss.cwnd;
	drv_ack(d, 40, 1, .sack = { 1001, 5001 });
	eq(d->tcb->loss.ca_state, TCP_CAS_RECOVERY);
	ok(d->tcb->loss.ssthresh < cwnd);
	drv_out(d, "");					/* held */
	drv_ack(d, 5, 9001);
	eq(d->tcb->loss.n_undo, 1);
	eq(d->tcb->loss.ca_state, TCP_CAS_OPEN);
	ok(d->tcb->loss.cwnd >= cwnd);
	ok(d->tcb->loss.ssthresh >= TCP_INFINITE_SSTHRESH);
	drv_free(d);
}

/* RFC 6069: a doubling that is taken back late leaves a timeout that is over; it is due next, and never in the past. */
TEST(a_backoff_taken_back_is_due_next)
{
	struct drv *d = drv_new(.rtt_ms = 100, .no_sack = true);
	drv_write(d, 0, 1000);
	drv_out(d, "1:1001");
	drv_out_at(d, 300, "1:1001");
	drv_pass(d, 400 * OL_MS);			/* the next is due at 600, undoubled at 300 */
	tcp_loss_revert_rto(d->tcb, d->now);
	ok(tcp_loss_deadline(d->tcb, NULL) > d->now);
	drv_pass(d, 1);
	drv_out(d, "1:1001");
	drv_free(d);
}
