/*
 * Loss recovery to the letter, where one number more or less is another rule: what each variable holds when an episode begins, and
 * which of two things goes first.  RFC 5681, 5682, 6298, 6582, 6675, 8985, 9937.
 */
#include "loss_driver.h"

static uint32_t cwnd(const struct drv *d) { return d->tcb->loss.cwnd / d->tcb->snd_mss; }
static int state(const struct drv *d) { return d->tcb->loss.ca_state; }
static uint32_t point(const struct drv *d) { return drv_rel(d, d->tcb->loss.recovery_point); }

/* No probes; ten segments are on their way, and a round trip was 100 ms. */
static struct drv *ten(bool rack, bool no_sack, const char *cc)
{
	struct tcp_loss_cfg cfg = tcp_loss_cfg_default();
	cfg.tlp = false;
	cfg.rack = rack;
	struct drv *d = drv_new(.rtt_ms = 100, .cfg = &cfg, .no_sack = no_sack, .cc = cc);
	drv_write(d, 0, 10000);
	drv_out(d, "1:10001");
	return d;
}

static void timeout(struct drv *d)
{
	unsigned before = d->tcb->loss.n_rto;
	d->out[0] = 0;
	while (d->tcb->loss.n_rto == before)
		drv_pass(d, OL_MS);
}

/* ---- RFC 5681, 6582: windows and duplicates ------------------------------------------------------------------------ */

/* Equation 4 by FlightSize, not by the window, which was not full; and two segments at least. */
/* req: 5681-3.1-h */
TEST(ssthresh_after_a_timeout_is_half_of_what_was_under_way)
{
	for (int k = 0; k < 2; k++) {
		struct tcp_loss_cfg cfg = tcp_loss_cfg_default();
		cfg.tlp = false;
		struct drv *d = drv_new(.rtt_ms = 100, .cfg = &cfg, .cc = k ? "cubic" : "reno");
		if (!k) {
			drv_write(d, 0, 8000);
			timeout(d);
			eq(d->tcb->loss.ssthresh, 4000);
			drv_ack(d, 100, .ack = 8001);
		}
		d->tcb->loss.cwnd = 2000;
		d->tcb->loss.ssthresh = 100000;
		d->out[0] = 0;
		drv_write(d, 0, 1000);
		timeout(d);
		eq(d->tcb->loss.ssthresh, 2000);
		eq(d->tcb->loss.cwnd, 1000);
		drv_free(d);
	}
}

/* What limited transmit sent is not in the FlightSize that ssthresh is taken from, and it moves no window; with SACK and without. */
/* req: 5681-3.2-d, 6675-5-d, 5681-3.2-f */
TEST(limited_transmit_counts_for_nothing)
{
	for (int no_sack = 0; no_sack < 2; no_sack++) {
		struct drv *d = ten(true, no_sack, "reno");
		d->queued += 10000;
		drv_ack(d, 100, .ack = 1, .sack = { no_sack ? 0 : 1001, 2001 });
		drv_ack(d, 1, .ack = 1, .sack = { no_sack ? 0 : 1001, 3001 });
		drv_out(d, "10001:12001");
		eq(d->tcb->loss.cwnd, 10000);
		drv_ack(d, 1, .ack = 1, .sack = { no_sack ? 0 : 1001, 4001 });
		eq(state(d), TCP_CAS_RECOVERY);
		eq(d->tcb->loss.ssthresh, 5000);
		eq(point(d), 12001);
		drv_free(d);
	}
}

/* An ACK from before SND.UNA is no duplicate. */
/* req: 5681-2-b */
TEST(old_acks_are_no_duplicates)
{
	struct drv *d = ten(true, true, "reno");
	drv_ack(d, 100, .ack = 3001);
	for (int i = 0; i < 5; i++)
		drv_ack(d, 1, .ack = 1001);
	drv_out(d, "");
	eq(state(d), TCP_CAS_OPEN);
	eq(d->tcb->loss.dupacks, 0);
	drv_free(d);
}

/* In a recovery without SACK each further duplicate lets a segment out, once those under way are no more than ssthresh. */
/* req: 5681-3.2-f, 9937-6.2-a */
TEST(further_duplicates_let_new_text_out)
{
	struct drv *d = ten(true, true, "reno");
	d->queued += 20000;
	for (int i = 0; i < 3; i++)
		drv_ack(d, i ? 0 : 100, .ack = 1);
	drv_out(d, "10001:12001 1:1001");
	for (int i = 0; i < 9; i++)
		drv_ack(d, 1, .ack = 1);
	/* by half as many, then one for one: twelve under way are to become five */
	ok(drv_rel(d, d->tcb->snd_nxt) >= 15001 && drv_rel(d, d->tcb->snd_nxt) <= 18001);
	ok(tcp_loss_pipe(d->tcb) <= 5000 + 1000);
	drv_free(d);
}

/* Losses in two windows, one after the other, are two reductions. */
/* req: 5681-4.3-a */
TEST(losses_of_successive_windows_reduce_twice)
{
	struct drv *d = ten(true, false, "reno");
	d->queued += 20000;
	drv_ack(d, 100, .ack = 1, .sack = { 1001, 10001 });
	eq(d->tcb->loss.ssthresh, 5000);
	uint32_t una = drv_rel(d, d->tcb->snd_nxt);
	drv_ack(d, 100, .ack = una);
	eq(state(d), TCP_CAS_OPEN);
	uint32_t end = drv_rel(d, d->tcb->snd_nxt);
	ok(end >= una + 4000);
	drv_ack(d, 100, .ack = una, .sack = { una + 1000, end });
	eq(state(d), TCP_CAS_RECOVERY);
	eq(d->tcb->loss.ssthresh, 2000 + (end - una == 5000 ? 500 : (end - una) / 2 - 2000));
	drv_free(d);
}

/* A retransmission after a timeout that is lost as well is one more sign: recovery, and half once more. */
/* req: 5681-4.3-a, 8985-9.3-b */
TEST(lost_retransmission_after_a_timeout_reduces_again)
{
	struct drv *d = ten(true, false, "reno");
	d->cfg.frto = false;
	timeout(d);
	eq(d->tcb->loss.ssthresh, 5000);
	drv_ack(d, 100, .ack = 1001);
	drv_out(d, "1:3001");
	drv_ack(d, 110, .ack = 1001, .sack = { 2001, 3001 });	/* the later of the two came */
	drv_pass(d, 40 * OL_MS);				/* and the earlier does not, for a quarter of the round trip */
	drv_ack(d, 1, .ack = 1001, .sack = { 2001, 4001 });
	eq(d->tcb->loss.n_rto, 1);
	eq(state(d), TCP_CAS_RECOVERY);
	ok(strstr(d->out, "1001:2001"));
	drv_free(d);
}

/* "recover" is the highest sequence number sent, when a recovery begins and when the timer fires: duplicates below it begin nothing. */
/* req: 6582-3.2-a, 6582-3.2-b */
TEST(recover_is_what_was_sent_by_then)
{
	struct drv *d = ten(true, true, "reno");
	for (int i = 0; i < 3; i++)
		drv_ack(d, i ? 0 : 100, .ack = 1);
	eq(point(d), 10001);
	drv_free(d);
	d = ten(true, true, "reno");
	d->cfg.frto = false;
	d->queued += 10000;
	timeout(d);
	eq(point(d), 10001);
	drv_ack(d, 100, .ack = 1001);
	uint32_t s = d->tcb->loss.ssthresh;
	for (int i = 0; i < 6; i++)				/* of what went twice */
		drv_ack(d, 1, .ack = 1001);
	eq(d->tcb->loss.n_fast, 0);
	eq(d->tcb->loss.ssthresh, s);
	drv_free(d);
}

/* A partial ACK takes from the window what it acknowledged and gives back a segment: of those known to have arrived none counts twice. */
/* req: 6582-3.2-c, 9937-6.2-a */
TEST(partial_ack_takes_what_duplicates_stood_for)
{
	struct drv *d = ten(true, true, "reno");
	for (int i = 0; i < 6; i++)
		drv_ack(d, i ? 0 : 100, .ack = 1);
	eq(tcp_loss_pipe(d->tcb), 10000 - 6000);		/* one is lost and went again */
	drv_ack(d, 100, .ack = 4001);				/* the hole, and three of the six */
	drv_out(d, "1:1001 4001:5001");
	eq(d->tcb->loss.dupacks, 3);
	eq(tcp_loss_pipe(d->tcb), 6000 - 3000);
	drv_free(d);
}

/* ---- RFC 6298: measuring, and the timer -------------------------------------------------------------------------- */

/* |SRTT - R'|: a sample below counts as one above does. */
/* req: 6298-2-c */
TEST(variance_grows_with_short_round_trips_too)
{
	struct drv *d = drv_new();
	tcp_loss_rtt(d->tcb, 400 * OL_MS, d->now);
	tcp_loss_rtt(d->tcb, 80 * OL_MS, d->now);
	eq(d->tcb->rttvar_ns, 230 * OL_MS);			/* 3/4 * 200 + 1/4 * 320 */
	eq(d->tcb->srtt_ns, 360 * OL_MS);
	drv_free(d);
}

/* A measurement each round trip, also where there are no timestamps. */
/* req: 6298-3-b */
TEST(every_round_trip_is_measured)
{
	for (int ts = 0; ts < 2; ts++) {
		struct drv *d = drv_new(.rtt_ms = 100, .ts = ts);
		for (uint32_t i = 0; i < 10; i++) {
			ol_time before = d->tcb->srtt_ns;
			drv_write(d, 0, 1000);
			drv_ack(d, 200 + 10 * (int)i, .ack = 1001 + 1000 * i, .echo_ago = 200 + 10 * (int)i);
			ok(d->tcb->srtt_ns > before);
		}
		drv_free(d);
	}
}

/* Karn holds for SACKs as well: what went twice and is SACKed measures nothing, nor does what was put together with it. */
/* req: 6298-3-a */
TEST(sack_of_what_was_sent_twice_measures_nothing)
{
	struct drv *d = ten(true, false, "reno");
	drv_ack(d, 100, .ack = 1, .sack = { 2001, 10001 });
	drv_out(d, "1:2001");
	ol_time srtt = d->tcb->srtt_ns;
	drv_ack(d, 500, .ack = 1, .sack = { 1001, 10001 });	/* the second of the two */
	eq(d->tcb->srtt_ns, srtt);
	drv_ack(d, 500, .ack = 10001);
	eq(d->tcb->srtt_ns, srtt);
	drv_free(d);
}

/* Never sooner than an RTO after the last transmission: a fast retransmit, and an ICMP error that takes a doubling back, included. */
/* req: 6298-5-a */
TEST(timer_runs_from_the_last_transmission)
{
	struct drv *d = ten(true, true, "reno");
	drv_ack(d, 250, .ack = 1);
	drv_ack(d, 0, .ack = 1);
	drv_ack(d, 0, .ack = 1);
	drv_out(d, "1:1001");
	ok(tcp_loss_deadline(d->tcb, NULL) >= d->now + tcp_rto_now(d->tcb));
	drv_free(d);
	d = ten(true, true, "reno");
	timeout(d);
	ol_time sent = d->now;
	drv_pass(d, 10 * OL_MS);
	ol_time doubled = tcp_rto_now(d->tcb);
	tcp_loss_revert_rto(d->tcb, d->now);			/* RFC 6069 */
	eq(tcp_rto_now(d->tcb), doubled / 2);
	eq(tcp_loss_deadline(d->tcb, NULL), sent + doubled / 2);
	drv_free(d);
}

/* Each ACK of new data, in whatever state, one RTO from then. */
/* req: 6928-9-a, 6298-5-b */
TEST(timer_restarts_in_a_recovery_too)
{
	struct drv *d = ten(true, false, "reno");
	drv_ack(d, 100, .ack = 1, .sack = { 1001, 2001, 3001, 10001 });
	eq(state(d), TCP_CAS_RECOVERY);
	drv_ack(d, 100, .ack = 2001, .sack = { 3001, 10001 });
	eq(state(d), TCP_CAS_RECOVERY);
	ok(tcp_loss_deadline(d->tcb, NULL) >= d->now + tcp_rto_now(d->tcb));
	drv_free(d);
}

/* ---- RFC 5682 ---------------------------------------------------------------------------------------------------- */

/* Step 2.b: two segments, however many were acknowledged; the ACK of what went again proves nothing, and the next does. */
/* req: 5682-2.1-a, 5682-3.1-a */
TEST(frto_sends_two_segments_and_waits)
{
	for (int no_sack = 0; no_sack < 2; no_sack++) {
		struct drv *d = ten(true, no_sack, "reno");
		d->queued += 20000;
		timeout(d);
		drv_out(d, "1:1001");
		drv_ack(d, 10, .ack = 1001);
		drv_out(d, "10001:12001");
		eq(state(d), TCP_CAS_LOSS);			/* it may be the retransmission's */
		eq(d->tcb->loss.n_spurious_rto, 0);
		drv_free(d);
	}
	struct drv *d = ten(true, true, "reno");
	d->queued += 20000;
	timeout(d);
	drv_ack(d, 10, .ack = 5001);
	drv_out(d, "1:1001 10001:12001");			/* though five made room for six */
	drv_free(d);
}

/* What was never sent again and is SACKed says as much as what is acknowledged; the new text itself says nothing. */
/* req: 5682-3.1-a */
TEST(frto_asks_for_what_went_once_before_the_timeout)
{
	struct drv *d = ten(true, false, "reno");
	d->queued += 20000;
	timeout(d);
	drv_ack(d, 10, .ack = 1001);
	drv_ack(d, 10, .ack = 1001, .sack = { 2001, 3001 });
	eq(d->tcb->loss.n_spurious_rto, 1);
	ok(state(d) < TCP_CAS_RECOVERY);
	drv_free(d);
	d = ten(true, false, "reno");
	d->queued += 20000;
	timeout(d);
	drv_ack(d, 10, .ack = 1001);
	drv_ack(d, 100, .ack = 1001, .sack = { 10001, 11001 });
	eq(d->tcb->loss.n_spurious_rto, 0);
	eq(state(d), TCP_CAS_LOSS);
	drv_free(d);
}

/* A duplicate is the end of it, in step 3 and, without SACK, in step 2: what is not acknowledged goes again in slow start. */
/* req: 5682-2.1-b */
TEST(frto_ends_with_a_duplicate_at_either_step)
{
	struct drv *d = ten(true, true, "reno");
	d->queued += 20000;
	timeout(d);
	drv_out(d, "1:1001");
	drv_ack(d, 100, .ack = 1);				/* step 2.a */
	drv_ack(d, 100, .ack = 1001);
	ok(!strncmp(d->out, "1001:", 5));
	eq(drv_rel(d, d->tcb->snd_nxt), 10001);
	drv_free(d);
	d = ten(true, true, "reno");
	d->queued += 20000;
	timeout(d);
	drv_ack(d, 100, .ack = 501);				/* nor is it the ACK of all that went again */
	drv_ack(d, 100, .ack = 1001);
	eq(drv_rel(d, d->tcb->snd_nxt), 10001);
	drv_free(d);
	d = ten(true, true, "reno");
	d->queued += 20000;
	timeout(d);
	drv_ack(d, 100, .ack = 1001);
	drv_out(d, "1:1001 10001:12001");
	drv_ack(d, 100, .ack = 1001);				/* step 3.a */
	ok(!strncmp(d->out, "1001:", 5));
	drv_ack(d, 100, .ack = 4001);				/* no second chance */
	eq(d->tcb->loss.n_spurious_rto, 0);
	eq(state(d), TCP_CAS_LOSS);
	drv_free(d);
	d = ten(true, false, "reno");				/* with SACK: news of new text, though its ACK rides on text */
	d->queued += 20000;
	timeout(d);
	drv_ack(d, 100, .ack = 1001);
	d->out[0] = 0;
	drv_ack(d, 100, .ack = 1001, .sack = { 10001, 11001 }, .text = true);
	ok(!strncmp(d->out, "1001:", 5));
	drv_free(d);
}

/* ---- RFC 6675 ---------------------------------------------------------------------------------------------------- */

/* IsLost: three SACKed segments however small, or more than two segments' worth of bytes in whatever number; and no less of either. */
/* req: 6675-4-b, 6675-5-b */
TEST(islost_counts_segments_or_bytes)
{
	struct tcp_loss_cfg cfg = tcp_loss_cfg_default();
	cfg.tlp = cfg.rack = false;
	struct drv *d = drv_new(.rtt_ms = 100, .cfg = &cfg);
	for (int i = 0; i < 6; i++)
		drv_write(d, 1, 100);
	drv_ack(d, 100, .ack = 1, .sack = { 101, 301 });
	eq(d->tcb->loss.sb.lost.bytes, 0);
	drv_ack(d, 1, .ack = 1, .sack = { 101, 401 });
	eq(d->tcb->loss.sb.lost.bytes, 100);
	drv_free(d);
	for (int more = 0; more < 2; more++) {
		d = drv_new(.rtt_ms = 100, .cfg = &cfg);
		drv_write(d, 0, 6000);
		d->tcb->snd_mss = more ? 999 : 1000;		/* the path became narrower */
		drv_ack(d, 100, .ack = 1, .sack = { 1001, 3001 });
		eq(d->tcb->loss.sb.lost.bytes, more ? 1000 : 0);
		drv_free(d);
	}
}

/* On entry: RecoveryPoint is HighData, ssthresh and in the end cwnd half of FlightSize; a partial ACK ends nothing, that of all does. */
/* req: 6675-5-c, 6675-5-d */
TEST(recovery_lasts_to_its_point)
{
	for (int rack = 0; rack < 2; rack++) {
		struct drv *d = ten(rack, false, "reno");
		drv_ack(d, 100, .ack = 1, .sack = { 1001, 5001 });
		drv_out(d, "1:1001");
		eq(state(d), TCP_CAS_RECOVERY);
		eq(d->tcb->loss.ssthresh, 5000);
		eq(point(d), 10001);
		drv_ack(d, 100, .ack = 5001);
		eq(state(d), TCP_CAS_RECOVERY);
		drv_ack(d, 1, .ack = 9001);
		eq(state(d), TCP_CAS_RECOVERY);
		drv_ack(d, 1, .ack = 10001);
		eq(state(d), TCP_CAS_OPEN);
		eq(d->tcb->loss.cwnd, 5000);
		drv_free(d);
	}
}

/* A timeout in a recovery ends it; SACKs begin no other one before all that was sent by then is acknowledged. */
/* req: 6675-5.1-a */
TEST(timeout_ends_a_recovery)
{
	for (int rack = 0; rack < 2; rack++) {
		struct drv *d = ten(rack, false, "reno");
		d->cfg.frto = false;
		d->queued += 2000;
		drv_ack(d, 100, .ack = 1, .sack = { 1001, 4001 });
		eq(state(d), TCP_CAS_RECOVERY);
		timeout(d);
		eq(state(d), TCP_CAS_LOSS);
		eq(point(d), drv_rel(d, d->tcb->snd_nxt));
		uint32_t n = d->tcb->loss.n_fast, s = d->tcb->loss.ssthresh;
		for (uint32_t i = 5001; i <= 9001; i += 1000) {
			drv_ack(d, 1, .ack = 1, .sack = { 1001, i });
			eq(state(d), TCP_CAS_LOSS);
		}
		eq(d->tcb->loss.n_fast, n);
		eq(d->tcb->loss.ssthresh, s);
		drv_ack(d, 100, .ack = drv_rel(d, d->tcb->snd_nxt));
		ok(state(d) < TCP_CAS_RECOVERY);
		drv_free(d);
	}
}

/* Once reneging is seen no mark is believed: all that was SACKed goes again. */
/* req: 2018-5-c, 2018-5-b, 2018-8-a */
TEST(no_sack_is_believed_after_reneging)
{
	struct drv *d = ten(true, false, "reno");
	drv_ack(d, 100, .ack = 1, .sack = { 1001, 4001, 6001, 9001 });
	drv_ack(d, 100, .ack = 1001, .sack = { 6001, 9001 });	/* and where is what lies behind? */
	timeout(d);
	eq(d->tcb->loss.sb.sacked.bytes, 0);
	ok(!strncmp(d->out, "1001:", 5));
	drv_free(d);
}

/* Rule (3) before rule (4): a hole that SACKs show goes before the end of the flight, of which nothing is known. */
/* req: 6675-4-d */
TEST(suspected_text_goes_before_the_rescue)
{
	struct drv *d = ten(false, false, "reno");
	drv_ack(d, 100, .ack = 1, .sack = { 1001, 4001 });
	drv_out(d, "1:1001");
	drv_ack(d, 1, .ack = 1, .sack = { 1001, 6001 });
	drv_out(d, "");
	drv_ack(d, 100, .ack = 6001, .sack = { 7001, 8001 });
	ok(!strncmp(d->out, "6001:7001", 9));
	drv_free(d);
}

/* ---- RFC 2883 at the sender ---------------------------------------------------------------------------------------- */

/* Below the ACK field it stands beside is what makes a block a D-SACK: one that an old ACK has above its own is an ordinary one. */
/* req: 2883-5-a */
TEST(block_of_an_old_ack_is_no_dsack)
{
	struct drv *d = ten(true, false, "reno");
	d->queued += 10000;
	drv_ack(d, 100, .ack = 1, .sack = { 1001, 4001 });	/* something went twice */
	drv_ack(d, 100, .ack = 6001);
	eq(d->tcb->loss.n_dsack, 0);
	drv_ack(d, 0, .ack = 3001, .sack = { 4001, 5001 });	/* overtaken by that */
	eq(d->tcb->loss.n_dsack, 0);
	eq(d->tcb->loss.rack.reo_wnd_mult, 1);
	drv_ack(d, 0, .ack = 3001, .sack = { 1, 1001 });	/* and below it, one */
	eq(d->tcb->loss.n_dsack, 1);
	drv_free(d);
}

/* ---- RFC 8985 ---------------------------------------------------------------------------------------------------- */

/* RACK.segment is the latest sent of those delivered; an ACK of a retransmission that came sooner than any round trip is the original's. */
/* req: 8985-6.2-a, 8985-6.1-a */
TEST(rack_knows_the_latest_that_was_delivered)
{
	struct drv *d = ten(true, false, "reno");
	const struct tcp_rack *rack = &d->tcb->loss.rack;
	d->queued += 10000;
	ol_time first = d->now;
	drv_ack(d, 100, .ack = 1, .sack = { 1001, 10001 });
	ok(drv_rel(d, rack->end_seq) == 10001 && rack->xmit_ts == first);
	eq(d->n_again, 1);
	ol_time again = d->now;
	uint32_t end = rack->order;
	drv_ack(d, 20, .ack = 1001, .sack = { 2001, 10001 });	/* 20 ms after it went again: no round trip is so short */
	eq(rack->order, end);
	eq(rack->xmit_ts, first);
	drv_free(d);
	d = ten(true, false, "reno");
	rack = &d->tcb->loss.rack;
	drv_ack(d, 100, .ack = 1, .sack = { 1001, 10001 });
	again = d->now;
	drv_ack(d, 100, .ack = 1001, .sack = { 2001, 10001 });	/* now it may be: lower in number, later in time */
	eq(rack->xmit_ts, again);
	eq(drv_rel(d, rack->end_seq), 1001);
	drv_free(d);
	d = drv_new(.rtt_ms = 100);
	rack = &d->tcb->loss.rack;
	drv_write(d, 0, 1000);
	drv_write(d, 7, 1000);
	ol_time second = d->now;
	drv_ack(d, 100, .ack = 1, .sack = { 1001, 2001 });
	drv_ack(d, 1, .ack = 2001);				/* the earlier, later: RACK.segment stays */
	eq(rack->xmit_ts, second);
	eq(drv_rel(d, rack->end_seq), 2001);
	drv_free(d);
}

/* Transmit times are kept to the nanosecond, and one sent after RACK.segment is never lost for it, however long ago. */
/* req: 8985-4-a, 8985-6.2-b */
TEST(rack_compares_transmit_times)
{
	struct drv *d = drv_new(.rtt_ms = 100);
	drv_write(d, 0, 1000);
	drv_pass(d, 3 * OL_MS);
	drv_write(d, 0, 1000);
	ol_time second = d->now;
	drv_write(d, 4, 1000);
	d->out[0] = 0;
	drv_ack(d, 100, .ack = 1, .sack = { 1001, 2001 });
	ol_time rtt = d->now - second;
	eq(d->tcb->loss.rack.rtt, rtt);
	eq(d->tcb->loss.reo_at, second - 3 * OL_MS + rtt + 25 * OL_MS);
	drv_out_at(d, 22, "1:1001");				/* 104 ms and a quarter of 100 after it went */
	eq(d->tcb->loss.sb.lost.bytes, 1000);
	drv_pass(d, 60 * OL_MS);
	ok(!strstr(d->out, "2001"));				/* the third went after it */
	drv_free(d);
}

/* RFC 6675's count has no say where RACK is at work: reordering was seen, and three SACKed above prove nothing. */
/* req: 8985-9.2-a, 8985-3.3.2-a */
TEST(rack_alone_says_what_is_lost)
{
	struct drv *d = ten(true, false, "reno");
	d->tcb->loss.reord_seen = 1;
	drv_ack(d, 100, .ack = 1, .sack = { 1001, 9001 });
	eq(d->tcb->loss.sb.lost.bytes, 0);
	drv_out(d, "");
	drv_pass(d, 24 * OL_MS);
	drv_out(d, "");
	drv_out_at(d, 1, "1:1001");
	drv_free(d);
}

/* 7.4.2: a plain duplicate says that both copies came, as a DSACK would: no loss, no response. */
/* req: 8985-7.4.2-a */
TEST(duplicate_clears_the_probe)
{
	struct drv *d = drv_new(.rtt_ms = 50);
	drv_write(d, 0, 10000);
	drv_ack(d, 50, .ack = 9001);
	drv_pass(d, 300 * OL_MS);
	eq(d->n_again, 1);
	uint32_t before = d->tcb->loss.cwnd;
	drv_write(d, 0, 1000);
	drv_ack(d, 5, .ack = 10001);
	drv_ack(d, 5, .ack = 10001);
	drv_ack(d, 50, .ack = 11001);
	ok(d->tcb->loss.cwnd >= before);
	drv_free(d);
}

/* The reordering window: none in a recovery where no reordering was seen; a quarter of the round trip as often as DSACKs made it. */
/* req: 8985-3.3.2-a */
TEST(reordering_window_in_a_recovery_and_with_a_multiplier)
{
	struct drv *d = drv_new(.rtt_ms = 100);
	drv_write(d, 0, 6000);
	drv_ack(d, 100, .ack = 1, .sack = { 2001, 3001 });
	drv_pass(d, 25 * OL_MS);
	eq(state(d), TCP_CAS_RECOVERY);
	uint32_t before = d->tcb->loss.sb.lost.bytes;
	drv_ack(d, 1, .ack = 1, .sack = { 5001, 6001, 2001, 3001 });	/* two SACKed, not three */
	eq(d->tcb->loss.sb.lost.bytes, before + 2000);
	drv_free(d);
	d = ten(true, false, "reno");
	d->tcb->loss.reord_seen = 1;
	d->tcb->loss.rack.reo_wnd_mult = 2;
	drv_ack(d, 100, .ack = 1, .sack = { 1001, 2001 });
	drv_out_at(d, 50, "1:1001");
	drv_free(d);
}

/* Sixteen recoveries without another DSACK, and the window is a quarter again. */
/* req: 8985-4-b */
TEST(reordering_window_narrows_after_sixteen_recoveries)
{
	struct tcp_rack rack;
	rack_init(&rack);
	rack.reo_wnd_mult = 3;
	rack.reo_wnd_persist = 16;
	for (int i = 0; i < 16; i++) {
		eq(rack.reo_wnd_mult, 3);
		rack_recovery_over(&rack);
	}
	eq(rack.reo_wnd_mult, 1);
}

/* The probe's time runs from the last new text or cumulative ACK; where no round trip was measured it is a second. */
/* req: 8985-7.2-a, 8985-7.2-b */
TEST(probe_is_due_two_round_trips_after_the_last_ack)
{
	struct drv *d = drv_new(.rtt_ms = 50);
	drv_write(d, 0, 4000);
	d->out[0] = 0;
	drv_ack(d, 50, .ack = 1001);
	drv_out_at(d, 100, "3001:4001");
	drv_free(d);
	d = drv_new();
	d->tcb->rto_ns = 5 * OL_SEC;
	drv_write(d, 0, 4000);
	d->out[0] = 0;
	drv_out_at(d, 1000, "3001:4001");
	drv_free(d);
}

/* What is marked lost waits for room after a timeout as well: the window is one segment then, whatever is marked. */
/* req: 8985-9.3-a */
TEST(lost_text_waits_for_the_window_after_a_timeout)
{
	struct drv *d = ten(true, false, "reno");
	timeout(d);
	drv_out(d, "1:1001");
	ok(d->tcb->loss.sb.lost.bytes >= 9000);
	eq(cwnd(d), 1);
	drv_pass(d, 100 * OL_MS);
	drv_out(d, "");
	drv_free(d);
}

/* ---- RFC 3168: marks ----------------------------------------------------------------------------------------------- */

/* At one segment a mark sets the retransmission timer anew, though it tells of nothing acknowledged. */
/* req: 3168-6.1.2-c */
TEST(mark_at_one_segment_resets_the_timer)
{
	struct tcp_loss_cfg cfg = tcp_loss_cfg_default();
	cfg.tlp = false;
	struct drv *d = drv_new(.rtt_ms = 100, .cfg = &cfg, .cc = "reno");
	d->tcb->loss.cwnd = 1000;
	drv_write(d, 0, 1000);
	drv_ack(d, 150, .ack = 1, .ece = true);
	eq(d->tcb->loss.rto_at, d->now + tcp_rto_now(d->tcb));
	drv_free(d);
}

/* The episode that a mark began ends with cwnd at ssthresh as well. */
/* req: 9937-6.4-a, 3168-5-b */
TEST(window_is_ssthresh_when_a_mark_is_answered)
{
	struct drv *d = ten(true, false, "reno");
	drv_ack(d, 100, .ack = 1001, .ece = true);
	eq(state(d), TCP_CAS_CWR);
	uint32_t s = d->tcb->loss.ssthresh;
	d->tcb->loss.cwnd = 9000;
	drv_ack(d, 100, .ack = 10001);
	eq(state(d), TCP_CAS_OPEN);
	ok(d->tcb->loss.cwnd >= s && d->tcb->loss.cwnd <= s + 1000);	/* and grows from there with the same ACK */
	drv_free(d);
}

/* ---- RFC 9937 ---------------------------------------------------------------------------------------------------- */

/* RecoverFS: what was in flight before the ACK that begins it: less what was SACKed by then, and with what that ACK itself took. */
/* req: 9937-6.1-a, 9937-6.1-b */
TEST(recover_fs_is_what_was_in_flight_before)
{
	struct drv *d = ten(true, false, "reno");
	struct tcp_loss *l = &d->tcb->loss;
	drv_ack(d, 100, .ack = 1, .sack = { 5001, 6001 });
	drv_ack(d, 0, .ack = 1, .sack = { 5001, 7001 });
	eq(state(d), TCP_CAS_DISORDER);
	drv_ack(d, 0, .ack = 1, .sack = { 5001, 9001 });
	eq(state(d), TCP_CAS_RECOVERY);
	eq(l->recover_fs, 10000 - 2000);			/* two were SACKed before, two by this one */
	drv_ack(d, 100, .ack = 10001);
	eq(state(d), TCP_CAS_OPEN);
	l->reord_seen = 0;
	drv_write(d, 0, 4000);					/* and anew in the next */
	drv_ack(d, 100, .ack = 10001, .sack = { 11001, 14001 });
	eq(state(d), TCP_CAS_RECOVERY);
	eq(l->recover_fs, 4000);
	drv_free(d);
	d = ten(true, false, "reno");
	drv_ack(d, 100, .ack = 2001, .sack = { 3001, 8001 });
	eq(state(d), TCP_CAS_RECOVERY);
	eq(d->tcb->loss.recover_fs, 10000);			/* two acknowledged by the very ACK */
	drv_free(d);
}

/* DeliveredData: what is SACKed counts once, and without SACK duplicates stand for no more than was in flight. */
/* req: 9937-6.2-a */
TEST(delivered_data_is_counted_once)
{
	struct drv *d = ten(true, false, "reno");
	drv_ack(d, 100, .ack = 1, .sack = { 1001, 4001 });
	eq(d->tcb->loss.prr_delivered, 3000);
	drv_ack(d, 100, .ack = 4001);
	eq(d->tcb->loss.prr_delivered, 4000);
	drv_free(d);
	d = ten(true, true, "reno");
	for (int i = 0; i < 40; i++)
		drv_ack(d, i ? 1 : 100, .ack = 1);
	eq(state(d), TCP_CAS_RECOVERY);
	ok(d->tcb->loss.prr_delivered <= d->tcb->loss.recover_fs);
	drv_free(d);
}

/* CEIL(prr_delivered * ssthresh / RecoverFS) - prr_out, to the byte. */
/* req: 9937-6.2-c, 9937-6.2-f */
TEST(prr_rounds_up)
{
	struct drv *d = ten(true, false, "reno");
	struct tcp_loss *l = &d->tcb->loss;
	l->ssthresh = 5001;
	l->recover_fs = 10000;
	l->prr_delivered = 0;
	l->prr_out = 1000;
	tcp_prr(d->tcb, 3000, false);
	eq(l->cwnd, 10000 + 1501 - 1000);			/* 1500.3 */
	drv_free(d);
}

/* Below ssthresh: as much as was delivered or is owed, whichever is more, and one segment on top where the ACK is safe; to ssthresh. */
/* req: 9937-6.2-d */
TEST(prr_below_ssthresh_to_the_byte)
{
	static const struct { uint32_t delivered, before, out; bool safe; uint32_t more; } t[] = {
		{ 1000, 4000, 5000, false, 1000 }, { 1000, 4000, 3000, false, 2000 }, { 1000, 4000, 5000, true, 2000 },
		{ 1000, 4000, 3000, true, 3000 }, { 1000, 4000, 500, true, 3500 },
	};
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct drv *d = ten(true, false, "reno");
		struct tcp_loss *l = &d->tcb->loss;
		l->ssthresh = 13500;
		l->recover_fs = 10000;
		l->prr_delivered = t[i].before;
		l->prr_out = t[i].out;
		tcp_prr(d->tcb, t[i].delivered, t[i].safe);
		eq(l->cwnd, 10000 + t[i].more);
		drv_free(d);
	}
}

/* SafeACK: SND.UNA advances and nothing more is found lost; SACKs alone, or progress that shows another loss, are not safe. */
/* req: 9937-6.2-d */
TEST(safe_ack_is_progress_without_new_loss)
{
	for (int how = 0; how < 3; how++) {
		struct drv *d = drv_new(.rtt_ms = 100, .cc = "reno");
		d->tcb->loss.cwnd = 40000;
		drv_write(d, 0, 40000);
		d->queued += 40000;
		/* nearly all gone: the pipe is far below ssthresh */
		drv_ack(d, 100, .ack = 1, .sack = { 30001, 40001 });
		eq(state(d), TCP_CAS_RECOVERY);
		uint32_t again = (uint32_t)d->n_again, nxt = drv_rel(d, d->tcb->snd_nxt), pipe = tcp_loss_pipe(d->tcb);
		ok(pipe < d->tcb->loss.ssthresh);
		d->tcb->loss.prr_out = d->tcb->loss.prr_delivered;	/* nothing is owed */
		if (how == 0)
			drv_ack(d, 100, .ack = 1001, .sack = { 30001, 40001 });		/* safe */
		else if (how == 1)
			drv_ack(d, 100, .ack = 1, .sack = { 29001, 40001 });		/* no progress */
		else								/* what went again after it came: lost once more */
			drv_ack(d, 200, .ack = 1001, .sack = { 3001, 4001, 30001, 40001 });
		uint32_t sent = 1000 * ((uint32_t)d->n_again - again) + drv_rel(d, d->tcb->snd_nxt) - nxt;
		eq(sent, how == 0 ? 2000 : how == 1 ? 1000 : 2000);
		drv_free(d);
	}
}

/* At the end cwnd is ssthresh, whether it stood below or above. */
/* req: 9937-6.4-a, 5681-3.2-g */
TEST(window_is_ssthresh_when_a_recovery_is_over)
{
	for (int above = 0; above < 2; above++) {
		struct drv *d = ten(true, false, "reno");
		drv_ack(d, 100, .ack = 1, .sack = { 1001, 10001 });
		eq(d->tcb->loss.ssthresh, 5000);
		d->tcb->loss.cwnd = above ? 8000 : 2000;
		drv_ack(d, 100, .ack = 10001);
		eq(d->tcb->loss.cwnd, 5000);
		drv_free(d);
	}
}
