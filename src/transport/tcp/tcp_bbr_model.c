/*
 * BBR's model of the path, draft-ietf-ccwg-bbr 5.5: how fast it delivers, how long it takes empty, how it bunches ACKs,
 * and what losses say of both.
 *
 * What a loss episode started from is saved once, at its first loss; the draft's NoteLoss would do so again after
 * HandleInflightTooHigh has begun a new cycle, and lose what there is to return to.
 */
#include "base/check.h"
#include "transport/tcp/tcp_bbr.h"

/* ---- 5.5.1: rounds ----------------------------------------------------------------------------------------------- */
void bbr_start_round(struct tcp_tcb *tcb, struct bbr *b)
{
	b->next_round_delivered = tcb->loss.rate.delivered;
}

static void update_round(struct tcp_tcb *tcb, struct bbr *b, const struct tcp_rate_sample *rs)
{
	b->round_start = rs->valid && rs->prior_delivered >= b->next_round_delivered;
	if (!b->round_start)
		return;
	bbr_start_round(tcb, b);
	b->round_count++;
	b->rounds_since_probe_up++;
}

/* 5.5.5 UpdateMaxBw.  A rate while the application was the limit counts where it is above what was known. */
static void update_max_bw(struct tcp_tcb *tcb, struct bbr *b, const struct tcp_rate_sample *rs)
{
	update_round(tcb, b, rs);
	if (rs->rate && (rs->rate >= bbr_max_bw(b) || !rs->app_limited))
		b->max_bw_filter[1] = MAX(b->max_bw_filter[1], rs->rate);
}

/* ---- 5.5.7: the round trip without a queue ------------------------------------------------------------------------ */
void bbr_update_min_rtt(struct bbr *b, const struct tcp_rate_sample *rs, ol_time now)
{
	b->probe_rtt_expired = now > b->probe_rtt_min_stamp + BBR_PROBE_RTT_INTERVAL;
	if (rs->rtt >= 0 && (rs->rtt < b->probe_rtt_min_delay || b->probe_rtt_expired)) {
		b->probe_rtt_min_delay = rs->rtt;
		b->probe_rtt_min_stamp = now;
	}
	if (b->probe_rtt_min_delay < b->min_rtt || now > b->min_rtt_stamp + BBR_MIN_RTT_LEN) {
		b->min_rtt = b->probe_rtt_min_delay;
		b->min_rtt_stamp = b->probe_rtt_min_stamp;
	}
}

/* ---- 5.5.9: ACK aggregation -------------------------------------------------------------------------------------- */
/*
 * UpdateWindowedMaxFilter: the best, the best since it, and the best since that, so that one falls back to the next when
 * the window leaves it behind.
 */
static void extra_filter(struct bbr *b, uint64_t value, uint64_t window)
{
	uint64_t t = b->round_count;
	if (value >= b->extra[0].value || t - b->extra[2].round > window) {
		for (unsigned i = 0; i < ARRAY_LEN(b->extra); i++)
			b->extra[i].value = value, b->extra[i].round = t;
		return;
	}
	for (unsigned from = 1; from < ARRAY_LEN(b->extra); from++) {
		if (value < b->extra[from].value)
			continue;
		for (unsigned i = from; i < ARRAY_LEN(b->extra); i++)
			b->extra[i].value = value, b->extra[i].round = t;
		break;
	}
	while (t - b->extra[0].round > window) {
		b->extra[0] = b->extra[1];
		b->extra[1] = b->extra[2];
		b->extra[2].value = value;
		b->extra[2].round = t;
	}
}

void bbr_update_aggregation(struct tcp_tcb *tcb, struct bbr *b, const struct tcp_rate_sample *rs, ol_time now)
{
	uint64_t expected = (uint64_t)((double)bbr_bw(b) * (double)(now - b->extra_interval_start) / 1e9);
	if (b->extra_delivered <= expected) {		/* slower than expected: a new interval */
		b->extra_delivered = expected = 0;
		b->extra_interval_start = now;
	}
	b->extra_delivered += rs->newly_acked;
	uint64_t extra = b->extra_delivered - MIN(expected, b->extra_delivered);
	extra_filter(b, MIN(extra, (uint64_t)tcb->loss.cwnd), b->full_bw_reached ? BBR_EXTRA_ROUNDS : 1);
}

/* ---- 5.5.10.2: losses while probing ------------------------------------------------------------------------------ */
static bool too_high(const struct tcp_tcb *tcb, uint64_t lost, uint64_t in_flight)
{
	return (double)lost > (double)in_flight * BBR_LOSS_THRESH || (lost && !tcb->sack_ok);
}

bool bbr_inflight_too_high(const struct tcp_tcb *tcb, const struct tcp_rate_sample *rs)
{
	return rs->valid && too_high(tcb, rs->lost, rs->tx_in_flight);
}

static void handle_inflight_too_high(struct tcp_tcb *tcb, struct bbr *b, uint64_t in_flight, bool app_limited, ol_time now)
{
	b->prev_probe_too_high = true;
	b->is_bw_probe_sample = false;			/* one answer to each probe */
	if (!app_limited)
		b->inflight_longterm = MAX(in_flight, (uint64_t)(BBR_BETA * (double)bbr_target_inflight(tcb, b)));
	if (b->state == BBR_UP) {
		b->undo_state = BBR_UP;
		bbr_start_down(tcb, b, now);
	}
}

/* InflightAtLoss: how much of what was in flight with this record the path took before its losses passed the threshold. */
static uint64_t inflight_at_loss(uint64_t size, uint64_t in_flight, uint64_t lost)
{
	double before = (double)(in_flight - MIN(size, in_flight)), lost_before = (double)(lost - MIN(size, lost));
	double prefix = (BBR_LOSS_THRESH * before - lost_before) / (1 - BBR_LOSS_THRESH);
	return (uint64_t)MAX(before + prefix, 0.0);
}

void bbr_note_loss(struct tcp_tcb *tcb, struct bbr *b)
{
	if (!b->is_loss_in_round)
		b->loss_round_delivered = tcb->loss.rate.delivered;
	if (!b->in_episode)
		bbr_save_state(tcb, b);
	b->is_loss_in_round = true;
}

void bbr_lost_packet(struct tcp_tcb *tcb, struct bbr *b, const struct tcp_sb_rec *r, ol_time now)
{
	b->loss_ranges += !b->is_loss_in_round || !seq_eq(r->seq, b->last_lost_end);
	b->last_lost_end = sb_end(r);
	bbr_note_loss(tcb, b);
	if (!b->is_bw_probe_sample)
		return;
	uint64_t lost = tcb->loss.rate.lost - r->tx.lost;	/* since it was sent */
	if (too_high(tcb, lost, r->tx.in_flight))
		handle_inflight_too_high(tcb, b, inflight_at_loss(r->len, r->tx.in_flight, lost), r->tx.app_limited, now);
}

/* ---- 5.5.10.3: losses while not probing -------------------------------------------------------------------------- */
void bbr_reset_congestion_signals(struct bbr *b)
{
	b->is_loss_in_round = false;
	b->bw_latest = b->inflight_latest = 0;
}

void bbr_reset_short_term(struct bbr *b)
{
	b->bw_shortterm = b->inflight_shortterm = BBR_INFINITE;
}

static void adapt_lower_bounds(struct tcp_tcb *tcb, struct bbr *b)
{
	if (bbr_probing(b) || !b->is_loss_in_round)
		return;
	if (b->bw_shortterm == BBR_INFINITE)		/* InitLowerBounds */
		b->bw_shortterm = bbr_max_bw(b);
	if (b->inflight_shortterm == BBR_INFINITE)
		b->inflight_shortterm = tcb->loss.cwnd;
	b->bw_shortterm = MAX(b->bw_latest, (uint64_t)(BBR_BETA * (double)b->bw_shortterm));
	b->inflight_shortterm = MAX(b->inflight_latest, (uint64_t)(BBR_BETA * (double)b->inflight_shortterm));
}

void bbr_update_signals(struct tcp_tcb *tcb, struct bbr *b, const struct tcp_rate_sample *rs)
{
	b->loss_round_start = false;
	if (rs->valid) {				/* UpdateLatestDeliverySignals */
		b->bw_latest = MAX(b->bw_latest, rs->rate);
		b->inflight_latest = MAX(b->inflight_latest, rs->delivered);
		if (rs->prior_delivered >= b->loss_round_delivered) {
			b->loss_round_delivered = tcb->loss.rate.delivered;
			b->loss_round_start = true;
		}
	}
	update_max_bw(tcb, b, rs);			/* UpdateCongestionSignals */
	if (!b->loss_round_start)
		return;
	adapt_lower_bounds(tcb, b);
	b->is_loss_in_round = false;
}

void bbr_advance_signals(struct bbr *b, const struct tcp_rate_sample *rs)
{
	if (!b->loss_round_start)
		return;
	b->bw_latest = rs->rate;
	b->inflight_latest = rs->delivered;
	b->loss_ranges = 0;
}

/* ---- 5.5.11: a loss that was none -------------------------------------------------------------------------------- */
void bbr_save_state(struct tcp_tcb *tcb, struct bbr *b)
{
	bbr_save_cwnd(tcb, b);
	b->in_episode = b->undo_saved = true;
	b->undo_state = BBR_NO_STATE;
	b->undo_bw_shortterm = b->bw_shortterm;
	b->undo_inflight_shortterm = b->inflight_shortterm;
	b->undo_inflight_longterm = b->inflight_longterm;
}

void bbr_spurious_loss(struct tcp_tcb *tcb, struct bbr *b)
{
	bbr_restore_cwnd(tcb, b);
	b->is_loss_in_round = false;
	b->loss_ranges = 0;
	bbr_reset_full_bw(b);
	if (!b->undo_saved)
		return;
	b->bw_shortterm = MAX(b->bw_shortterm, b->undo_bw_shortterm);
	b->inflight_shortterm = MAX(b->inflight_shortterm, b->undo_inflight_shortterm);
	b->inflight_longterm = MAX(b->inflight_longterm, b->undo_inflight_longterm);
	if (b->undo_state == BBR_STARTUP && b->state != BBR_STARTUP) {
		b->full_bw_reached = false;
		if (b->state != BBR_PROBE_RTT)
			b->state = BBR_STARTUP;
	} else if (b->undo_state == BBR_UP && b->state != BBR_UP && b->state != BBR_PROBE_RTT) {
		bbr_start_refill(tcb, b);
	}
	b->undo_state = BBR_NO_STATE;
	b->undo_saved = false;
}

/* ---- 5.6.4.2: volumes that follow from the model ----------------------------------------------------------------- */
uint64_t bbr_bdp(const struct tcp_tcb *tcb, const struct bbr *b, uint64_t bw, double gain)
{
	if (b->min_rtt == OL_NEVER || !bw)
		return (uint64_t)tcb->loss.cfg->initial_cwnd * tcb->snd_mss;
	return (uint64_t)(gain * (double)bw * (double)b->min_rtt / 1e9);
}

/* QuantizationBudget; three send quanta: one waits here, one is being cut, one is on its way to being acknowledged. */
uint64_t bbr_quantization(const struct tcp_tcb *tcb, const struct bbr *b, uint64_t inflight)
{
	inflight = MAX(inflight, (uint64_t)3 * tcp_loss_tso_goal(tcb));
	inflight = MAX(inflight, bbr_min_pipe(tcb));
	return b->state == BBR_UP ? inflight + 2 * tcb->snd_mss : inflight;
}

uint64_t bbr_inflight(const struct tcp_tcb *tcb, const struct bbr *b, uint64_t bw, double gain)
{
	return bbr_quantization(tcb, b, bbr_bdp(tcb, b, bw, gain));
}

uint64_t bbr_target_inflight(const struct tcp_tcb *tcb, const struct bbr *b)
{
	return MIN(bbr_bdp(tcb, b, bbr_bw(b), 1), (uint64_t)tcb->loss.cwnd);
}

/* 5.3.3.9: a little below what once was too much, so that others find room. */
uint64_t bbr_with_headroom(const struct tcp_tcb *tcb, const struct bbr *b)
{
	if (b->inflight_longterm == BBR_INFINITE)
		return BBR_INFINITE;
	uint64_t room = MAX((uint64_t)tcb->snd_mss, (uint64_t)(BBR_HEADROOM * (double)b->inflight_longterm));
	return MAX(b->inflight_longterm - MIN(room, b->inflight_longterm), bbr_min_pipe(tcb));
}
