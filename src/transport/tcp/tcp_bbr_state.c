/*
 * BBR's state machine, draft-ietf-ccwg-bbr 5.3 and 5.4: it speeds up to learn what the path can (STARTUP, UP), slows
 * down to leave no queue (DRAIN, DOWN), holds the pace between (CRUISE, REFILL), and every few seconds looks at the path
 * almost empty (PROBE_RTT).
 */
#include "base/check.h"
#include "transport/tcp/tcp_bbr.h"

/* ---- 5.3.1: startup ---------------------------------------------------------------------------------------------- */
void bbr_reset_full_bw(struct bbr *b)
{
	b->full_bw = 0;
	b->full_bw_count = 0;
	b->full_bw_now = false;
}

void bbr_check_full_bw(struct bbr *b, const struct tcp_rate_sample *rs)
{
	if (b->full_bw_now || !b->round_start || rs->app_limited)
		return;
	if ((double)rs->rate >= (double)b->full_bw * 1.25) {
		bbr_reset_full_bw(b);
		b->full_bw = rs->rate;
		return;
	}
	b->full_bw_now = ++b->full_bw_count >= 3;
	b->full_bw_reached |= b->full_bw_now;
}

/* 5.3.1.3 CheckStartupHighLoss, at the end of a round that began with a loss */
static bool startup_loses_much(const struct tcp_tcb *tcb, const struct bbr *b, const struct tcp_rate_sample *rs)
{
	if (tcb->loss.ca_state < TCP_CAS_RECOVERY)
		return false;
	if (!tcb->sack_ok)
		return b->loss_ranges != 0;
	return b->loss_round_start && b->loss_ranges >= BBR_STARTUP_FULL_LOSSES && bbr_inflight_too_high(tcb, rs);
}

void bbr_check_startup(struct tcp_tcb *tcb, struct bbr *b, const struct tcp_rate_sample *rs)
{
	if (b->state != BBR_STARTUP)
		return;
	if (!b->full_bw_reached && startup_loses_much(tcb, b, rs)) {
		b->undo_state = BBR_STARTUP;
		b->full_bw_reached = true;
		b->inflight_longterm = MAX(bbr_bdp(tcb, b, bbr_bw(b), 1), b->inflight_latest);
	}
	if (!b->full_bw_reached)
		return;
	b->state = BBR_DRAIN;				/* 5.3.2 EnterDrain */
	b->drain_start_round = b->round_count;
}

/* ---- 5.3.2: drain ------------------------------------------------------------------------------------------------ */
void bbr_check_drain(struct tcp_tcb *tcb, struct bbr *b, ol_time now)
{
	if (b->state == BBR_DRAIN && (tcp_loss_pipe(tcb) <= bbr_inflight(tcb, b, bbr_bw(b), 1) ||
				      b->round_count > b->drain_start_round + BBR_DRAIN_ROUNDS))
		bbr_start_down(tcb, b, now);
}

/* ---- 5.3.3: the cycle -------------------------------------------------------------------------------------------- */
/* Which of 0 .. n - 1: so that connections do not probe in step. */
static uint32_t pick(struct bbr *b, uint32_t n)
{
	b->random = b->random * 1664525u + 1013904223u;
	return (b->random >> 8) % n;
}

void bbr_start_down(struct tcp_tcb *tcb, struct bbr *b, ol_time now)
{
	bbr_reset_congestion_signals(b);
	b->probe_up_acked_per_inc = BBR_INFINITE;
	b->rounds_since_probe_up = pick(b, 2);		/* PickProbeWait */
	b->bw_probe_wait = 2 * OL_SEC + (ol_time)pick(b, 1000) * OL_MS;
	b->cycle_stamp = now;
	b->ack_phase = BBR_ACKS_STOPPING;
	bbr_start_round(tcb, b);
	b->state = BBR_DOWN;
}

void bbr_start_refill(struct tcp_tcb *tcb, struct bbr *b)
{
	bbr_reset_short_term(b);
	b->bw_probe_up_rounds = 0;
	b->bw_probe_up_acked = 0;
	b->prev_probe_precautionary = false;
	b->ack_phase = BBR_ACKS_REFILLING;
	bbr_start_round(tcb, b);
	b->state = BBR_REFILL;
}

static void raise_slope(struct tcp_tcb *tcb, struct bbr *b)
{
	uint64_t growth = 1ull << b->bw_probe_up_rounds;	/* segments this round */
	b->bw_probe_up_rounds = MIN(b->bw_probe_up_rounds + 1, 30u);
	b->probe_up_acked_per_inc = MAX(tcb->loss.cwnd / growth, (uint64_t)MAX(tcb->snd_mss, 1u));
}

static void start_up(struct tcp_tcb *tcb, struct bbr *b, const struct tcp_rate_sample *rs)
{
	b->ack_phase = BBR_ACKS_STARTING;
	bbr_start_round(tcb, b);
	bbr_reset_full_bw(b);
	b->full_bw = rs->rate;
	b->state = BBR_UP;
	raise_slope(tcb, b);
}

/* 5.3.3.8: after two to three seconds, or as often as Reno would, where Reno would be faster. */
static bool time_to_probe(struct tcp_tcb *tcb, struct bbr *b, ol_time now)
{
	uint64_t reno = bbr_target_inflight(tcb, b) / MAX(tcb->snd_mss, 1u);
	if (now <= b->cycle_stamp + b->bw_probe_wait && b->rounds_since_probe_up < MIN(reno, (uint64_t)BBR_RENO_ROUNDS))
		return false;
	bbr_start_refill(tcb, b);
	return true;
}

static bool time_to_cruise(const struct tcp_tcb *tcb, const struct bbr *b)
{
	uint64_t flight = tcp_loss_pipe(tcb);
	return flight <= bbr_with_headroom(tcb, b) && flight <= bbr_inflight(tcb, b, bbr_max_bw(b), 1);
}

static bool time_to_go_down(struct tcp_tcb *tcb, struct bbr *b, const struct tcp_rate_sample *rs)
{
	/*
	 * 5.3.3.6: the last probe went too high; this one only touches what was too much, and looks a round later.  In flight
	 * before this ACK: after it the window, which inflight_longterm bounds, is never full.
	 */
	if (b->prev_probe_too_high && rs->prior_in_flight >= b->inflight_longterm) {
		b->prev_probe_precautionary = true;
		return true;
	}
	if (tcb->loss.cwnd_limited && tcb->loss.cwnd >= b->inflight_longterm) {
		bbr_reset_full_bw(b);			/* held by inflight_longterm, not by the path */
		b->full_bw = rs->rate;
		return false;
	}
	return b->full_bw_now;
}

static void probe_longterm_upward(struct tcp_tcb *tcb, struct bbr *b, const struct tcp_rate_sample *rs)
{
	if (!tcb->loss.cwnd_limited || tcb->loss.cwnd < b->inflight_longterm)
		return;
	b->bw_probe_up_acked += rs->newly_acked;
	if (b->bw_probe_up_acked >= b->probe_up_acked_per_inc) {
		uint64_t n = b->bw_probe_up_acked / b->probe_up_acked_per_inc;
		b->bw_probe_up_acked -= n * b->probe_up_acked_per_inc;
		b->inflight_longterm += n * tcb->snd_mss;
	}
	if (b->round_start)
		raise_slope(tcb, b);
}

/* 5.3.3.9 AdaptLongTermModel; true: it decided the next state. */
static bool adapt_long_term(struct tcp_tcb *tcb, struct bbr *b, const struct tcp_rate_sample *rs)
{
	if (b->ack_phase == BBR_ACKS_STARTING && b->round_start)
		b->ack_phase = BBR_ACKS_FEEDBACK;
	if (b->ack_phase == BBR_ACKS_STOPPING && b->round_start) {
		b->is_bw_probe_sample = false;
		b->ack_phase = BBR_ACKS_INIT;
		if (bbr_in_probe_bw(b) && !rs->app_limited) {	/* 5.5.6 AdvanceMaxBwFilter: a cycle is over */
			b->max_bw_filter[0] = b->max_bw_filter[1];
			b->max_bw_filter[1] = 0;
		}
		if (bbr_in_probe_bw(b) && b->prev_probe_precautionary && !b->prev_probe_too_high) {
			bbr_start_refill(tcb, b);
			return true;
		}
	}
	if (bbr_inflight_too_high(tcb, rs) || !rs->valid || b->inflight_longterm == BBR_INFINITE)
		return false;
	b->inflight_longterm = MAX(b->inflight_longterm, (uint64_t)rs->tx_in_flight);
	if (b->state == BBR_UP)
		probe_longterm_upward(tcb, b, rs);
	return false;
}

void bbr_update_cycle(struct tcp_tcb *tcb, struct bbr *b, const struct tcp_rate_sample *rs, ol_time now)
{
	if (!b->full_bw_reached || adapt_long_term(tcb, b, rs))
		return;
	switch (b->state) {
	case BBR_DOWN:
		if (!time_to_probe(tcb, b, now) && time_to_cruise(tcb, b))
			b->state = BBR_CRUISE;
		break;
	case BBR_CRUISE:
		time_to_probe(tcb, b, now);
		break;
	case BBR_REFILL:
		if (b->round_start) {
			b->is_bw_probe_sample = true;
			start_up(tcb, b, rs);
		}
		break;
	case BBR_UP:
		if (time_to_go_down(tcb, b, rs)) {
			b->prev_probe_too_high = false;		/* not yet, at least */
			bbr_start_down(tcb, b, now);
		}
		break;
	default:
		break;
	}
}

/* ---- 5.3.4: the round trip without a queue ----------------------------------------------------------------------- */
static void exit_probe_rtt(struct tcp_tcb *tcb, struct bbr *b, ol_time now)
{
	bbr_reset_short_term(b);
	if (b->full_bw_reached) {
		bbr_start_down(tcb, b, now);
		b->state = BBR_CRUISE;			/* what is in flight is low already */
	} else {
		b->state = BBR_STARTUP;
	}
}

static void check_probe_rtt_done(struct tcp_tcb *tcb, struct bbr *b, ol_time now)
{
	if (b->probe_rtt_done_stamp == OL_NEVER || now <= b->probe_rtt_done_stamp)
		return;
	b->probe_rtt_min_stamp = now;
	bbr_restore_cwnd(tcb, b);
	exit_probe_rtt(tcb, b, now);
}

static void handle_probe_rtt(struct tcp_tcb *tcb, struct bbr *b, ol_time now)
{
	uint32_t flight = tcp_loss_pipe(tcb);		/* what is sent now says nothing of the path's rate */
	tcb->loss.rate.app_limited = MAX(tcb->loss.rate.delivered + flight, (uint64_t)1);
	if (b->probe_rtt_done_stamp == OL_NEVER) {
		if (flight > bbr_probe_rtt_cwnd(tcb, b))
			return;
		b->probe_rtt_done_stamp = now + BBR_PROBE_RTT_DURATION;
		b->probe_rtt_round_done = false;
		bbr_start_round(tcb, b);
		return;
	}
	b->probe_rtt_round_done |= b->round_start;
	if (b->probe_rtt_round_done)
		check_probe_rtt_done(tcb, b, now);
}

void bbr_check_probe_rtt(struct tcp_tcb *tcb, struct bbr *b, const struct tcp_rate_sample *rs, ol_time now)
{
	if (b->state != BBR_PROBE_RTT && b->probe_rtt_expired && !b->idle_restart) {
		bbr_save_cwnd(tcb, b);
		b->state = BBR_PROBE_RTT;
		b->probe_rtt_done_stamp = OL_NEVER;
		b->ack_phase = BBR_ACKS_STOPPING;
		bbr_start_round(tcb, b);
	}
	if (b->state == BBR_PROBE_RTT)
		handle_probe_rtt(tcb, b, now);
	if (rs->newly_acked)
		b->idle_restart = false;
}

/* ---- 5.4: from idle, at the path's own rate and no faster --------------------------------------------------------- */
void bbr_restart_from_idle(struct tcp_tcb *tcb, struct bbr *b, ol_time now)
{
	if (!tcb->loss.rate.app_limited)
		return;
	b->idle_restart = true;
	b->extra_interval_start = now;
	if (bbr_in_probe_bw(b))
		bbr_set_pacing(tcb, b, 1);
	else if (b->state == BBR_PROBE_RTT)
		check_probe_rtt_done(tcb, b, now);
}
