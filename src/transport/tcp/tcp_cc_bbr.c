/*
 * BBR, draft-ietf-ccwg-bbr (version 3): sends at the rate the path was seen to deliver, with about two bandwidth-delay
 * products in flight, and probes now and then for more of the one and less of the other.  Function names are the
 * draft's without its prefix; sections are those of draft-ietf-ccwg-bbr-02.
 *
 * Differences: losses are judged once an ACK by its delivery-rate sample (5.5.10.2 does so per lost packet as well);
 * fast recovery takes what was lost off the window but has no round of packet conservation, which under steady random
 * loss would never end; an ECN echo only starts the CWR state; the offload budget is one super-segment each way.
 */
#include <stdlib.h>
#include "base/check.h"
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_recovery.h"

#define STARTUP_GAIN 2.77
#define DRAIN_GAIN 0.5
#define LOSS_THRESH 0.02
#define BETA 0.7
#define HEADROOM 0.15
#define MIN_RTT_LEN (10 * OL_SEC)
#define PROBE_RTT_INTERVAL (5 * OL_SEC)
#define PROBE_RTT_DURATION (200 * OL_MS)
#define NO_LIMIT UINT64_MAX
enum { MIN_PIPE = 4, STARTUP_FULL_LOSSES = 6, RENO_ROUNDS = 63, EXTRA_ROUNDS = 5 };

enum state { STARTUP, DRAIN, DOWN, CRUISE, REFILL, UP, PROBE_RTT };
enum ack_phase { PROBE_FEEDBACK, PROBE_STARTING, PROBE_STOPPING, REFILLING };
static const struct { double pacing, cwnd; } gains[] = {
	[STARTUP] = { STARTUP_GAIN, 2 }, [DRAIN] = { DRAIN_GAIN, 2 }, [DOWN] = { 0.9, 2 }, [CRUISE] = { 1, 2 },
	[REFILL] = { 1, 2 }, [UP] = { 1.25, 2.25 }, [PROBE_RTT] = { 1, 0.5 },
};

struct bbr {
	enum state state;
	enum ack_phase ack_phase;
	uint32_t random;
	/* 2.9, rates in bytes a second, volumes in bytes */
	uint64_t bw_filter[2], bw_shortterm, inflight_shortterm, inflight_longterm;
	uint64_t bw_latest, inflight_latest;
	uint64_t next_round, loss_round, rounds;		/* C.delivered at which they end */
	bool round_start, loss_round_start, loss_in_round, probe_samples, idle_restart;
	uint32_t losses_in_round;
	/* 5.3.1.2, full pipe */
	uint64_t full_bw;
	uint8_t full_bw_count;
	bool full_bw_now, full_bw_reached;
	/* 5.3.3, the cycle */
	ol_time cycle_at, probe_wait;
	uint32_t rounds_since_probe, up_rounds;
	uint64_t up_count, up_acks;
	/* 5.3.4, 5.5.7 */
	ol_time min_rtt, min_rtt_at, probe_rtt_min, probe_rtt_min_at, probe_rtt_done_at;
	bool probe_rtt_expired, probe_rtt_round_done;
	/* 5.5.9, ACK aggregation */
	ol_time extra_from;
	uint64_t extra_delivered, extra_max[2], extra_round;
	/* 5.6.4.4 */
	uint32_t saved_cwnd;
	bool in_recovery;
};

/* NULL where memory was short: then the window stays what it is. */
static struct bbr *bbr(struct tcp_tcb *tcb)
{
	struct bbr *b;
	__builtin_memcpy(&b, tcb->loss.cc_state, sizeof b);
	return b;
}

static uint64_t max_bw(const struct bbr *b) { return MAX(b->bw_filter[0], b->bw_filter[1]); }
static uint64_t bw(const struct bbr *b) { return MIN(max_bw(b), b->bw_shortterm); }
static bool in_probe_bw(const struct bbr *b) { return b->state >= DOWN && b->state <= UP; }
static bool probing(const struct bbr *b) { return b->state == STARTUP || b->state == REFILL || b->state == UP; }
static uint64_t min_pipe(const struct tcp_tcb *tcb) { return (uint64_t)MIN_PIPE * tcb->snd_mss; }

/* Which of 0 .. n - 1: so that connections do not probe in step. */
static uint32_t pick(struct bbr *b, uint32_t n)
{
	b->random = b->random * 1664525u + 1013904223u;
	return (b->random >> 8) % n;
}

/* 5.6.4.2: gain times what bandwidth and round trip hold. */
static uint64_t bdp(const struct tcp_tcb *tcb, const struct bbr *b, uint64_t rate, double gain)
{
	if (b->min_rtt == OL_NEVER || !rate)
		return (uint64_t)(gain * tcb->loss.cfg->initial_cwnd * tcb->snd_mss);
	return (uint64_t)(gain * (double)rate * (double)b->min_rtt / 1e9);
}

static uint64_t inflight(const struct tcp_tcb *tcb, const struct bbr *b, double gain)
{
	uint64_t v = MAX(bdp(tcb, b, bw(b), gain), (uint64_t)2 * tcp_loss_tso_goal(tcb));
	v = MAX(v, min_pipe(tcb));
	return b->state == UP ? v + 2 * tcb->snd_mss : v;
}

static uint64_t with_headroom(const struct tcp_tcb *tcb, const struct bbr *b)
{
	if (b->inflight_longterm == NO_LIMIT)
		return NO_LIMIT;
	uint64_t room = MAX((uint64_t)tcb->snd_mss, (uint64_t)(HEADROOM * (double)b->inflight_longterm));
	return MAX(b->inflight_longterm > room ? b->inflight_longterm - room : 0, min_pipe(tcb));
}

/* ---- 5.5.1, 5.3.1.2 ---------------------------------------------------------------------------------------------- */
static void start_round(struct tcp_tcb *tcb, struct bbr *b)
{
	b->next_round = tcb->loss.rate.delivered;
}

static void update_round(struct tcp_tcb *tcb, struct bbr *b, const struct tcp_rate_sample *rs)
{
	b->round_start = rs->valid && rs->prior_delivered >= b->next_round;
	if (!b->round_start)
		return;
	start_round(tcb, b);
	b->rounds++;
	b->rounds_since_probe++;
}

static void reset_full_bw(struct bbr *b)
{
	b->full_bw = 0;
	b->full_bw_count = 0;
	b->full_bw_now = false;
}

static void check_full_bw(struct bbr *b, const struct tcp_rate_sample *rs)
{
	if (b->full_bw_now || rs->app_limited || !b->round_start)
		return;
	if ((double)rs->rate >= (double)b->full_bw * 1.25) {
		reset_full_bw(b);
		b->full_bw = rs->rate;
		return;
	}
	b->full_bw_now = ++b->full_bw_count >= 3;
	b->full_bw_reached |= b->full_bw_now;
}

/* ---- 5.5.10: what losses say ------------------------------------------------------------------------------------- */
static void reset_short_term(struct bbr *b)
{
	b->bw_shortterm = b->inflight_shortterm = NO_LIMIT;
}

static void update_signals(struct tcp_tcb *tcb, struct bbr *b, const struct tcp_rate_sample *rs)
{
	b->loss_round_start = false;
	if (!rs->valid)
		return;
	b->bw_latest = MAX(b->bw_latest, rs->rate);
	b->inflight_latest = MAX(b->inflight_latest, rs->delivered);
	if (rs->prior_delivered >= b->loss_round) {
		b->loss_round = tcb->loss.rate.delivered;
		b->loss_round_start = true;
	}
	if (rs->rate && (rs->rate >= max_bw(b) || !rs->app_limited))
		b->bw_filter[1] = MAX(b->bw_filter[1], rs->rate);
	if (rs->newly_lost) {
		b->loss_in_round = true;
		b->losses_in_round++;
	}
}

/* AdaptLowerBoundsFromCongestion: a round with losses, while not probing, bounds the model for a while. */
static void adapt_lower_bounds(struct tcp_tcb *tcb, struct bbr *b)
{
	if (probing(b) || !b->loss_in_round)
		return;
	if (b->bw_shortterm == NO_LIMIT)
		b->bw_shortterm = max_bw(b);
	if (b->inflight_shortterm == NO_LIMIT)
		b->inflight_shortterm = tcb->loss.cwnd;
	b->bw_shortterm = MAX(b->bw_latest, (uint64_t)(BETA * (double)b->bw_shortterm));
	b->inflight_shortterm = MAX(b->inflight_latest, (uint64_t)(BETA * (double)b->inflight_shortterm));
}

static bool inflight_too_high(const struct tcp_rate_sample *rs)
{
	return rs->valid && (double)rs->lost > (double)rs->tx_in_flight * LOSS_THRESH;
}

/* ---- 5.3.3: the cycle -------------------------------------------------------------------------------------------- */
static void start_down(struct tcp_tcb *tcb, struct bbr *b, ol_time now)
{
	b->loss_in_round = false;
	b->bw_latest = b->inflight_latest = 0;
	b->up_count = NO_LIMIT;
	b->rounds_since_probe = pick(b, 2);
	b->probe_wait = 2 * OL_SEC + (ol_time)pick(b, 1000) * OL_MS;
	b->cycle_at = now;
	b->ack_phase = PROBE_STOPPING;
	start_round(tcb, b);
	b->state = DOWN;
}

static void start_refill(struct tcp_tcb *tcb, struct bbr *b)
{
	reset_short_term(b);
	b->up_rounds = 0;
	b->up_acks = 0;
	b->ack_phase = REFILLING;
	start_round(tcb, b);
	b->state = REFILL;
}

static void raise_slope(struct tcp_tcb *tcb, struct bbr *b)
{
	uint64_t growth = 1ull << b->up_rounds;		/* segments this round */
	b->up_rounds = MIN(b->up_rounds + 1, 30u);
	b->up_count = MAX(tcb->loss.cwnd / growth, (uint64_t)1);
}

static void start_up(struct tcp_tcb *tcb, struct bbr *b, const struct tcp_rate_sample *rs, ol_time now)
{
	b->ack_phase = PROBE_STARTING;
	start_round(tcb, b);
	reset_full_bw(b);
	b->full_bw = rs->rate;
	b->cycle_at = now;
	b->state = UP;
	raise_slope(tcb, b);
}

static bool time_to_probe(struct tcp_tcb *tcb, struct bbr *b, ol_time now)
{
	/* 5.3.3.5: as often as Reno would, where Reno would be faster. */
	uint64_t target = MIN(bdp(tcb, b, bw(b), 1), (uint64_t)tcb->loss.cwnd) / tcb->snd_mss;
	if (now - b->cycle_at <= b->probe_wait && b->rounds_since_probe < MIN(target, (uint64_t)RENO_ROUNDS))
		return false;
	start_refill(tcb, b);
	return true;
}

static void probe_upward(struct tcp_tcb *tcb, struct bbr *b, const struct tcp_rate_sample *rs)
{
	if (!tcb->loss.cwnd_limited || tcb->loss.cwnd < b->inflight_longterm)
		return;
	b->up_acks += rs->newly_acked;
	if (b->up_acks >= b->up_count) {
		uint64_t n = b->up_acks / b->up_count;
		b->up_acks -= n * b->up_count;
		b->inflight_longterm += n * tcb->snd_mss;
	}
	if (b->round_start)
		raise_slope(tcb, b);
}

static void adapt_long_term(struct tcp_tcb *tcb, struct bbr *b, const struct tcp_rate_sample *rs, ol_time now)
{
	if (b->ack_phase == PROBE_STARTING && b->round_start)
		b->ack_phase = PROBE_FEEDBACK;
	if (b->ack_phase == PROBE_STOPPING && b->round_start) {
		b->ack_phase = PROBE_FEEDBACK;
		if (in_probe_bw(b) && !rs->app_limited) {	/* AdvanceMaxBwFilter: a cycle is over */
			b->bw_filter[0] = b->bw_filter[1];
			b->bw_filter[1] = 0;
		}
	}
	if (!inflight_too_high(rs)) {
		if (b->inflight_longterm == NO_LIMIT || !rs->valid)
			return;
		b->inflight_longterm = MAX(b->inflight_longterm, (uint64_t)rs->tx_in_flight);
		if (b->state == UP)
			probe_upward(tcb, b, rs);
	} else if (b->probe_samples) {			/* HandleInflightTooHigh */
		uint64_t target = MIN(bdp(tcb, b, bw(b), 1), (uint64_t)tcb->loss.cwnd);
		b->probe_samples = false;
		if (!rs->app_limited)
			b->inflight_longterm = MAX((uint64_t)rs->tx_in_flight, (uint64_t)(BETA * (double)target));
		if (b->state == UP)
			start_down(tcb, b, now);
	}
}

static void update_cycle(struct tcp_tcb *tcb, struct bbr *b, const struct tcp_rate_sample *rs, ol_time now)
{
	uint64_t flight = tcp_loss_pipe(tcb);
	if (!b->full_bw_reached)
		return;
	adapt_long_term(tcb, b, rs, now);
	switch (b->state) {
	case DOWN:
		if (!time_to_probe(tcb, b, now) && flight <= with_headroom(tcb, b) && flight <= inflight(tcb, b, 1))
			b->state = CRUISE;
		break;
	case CRUISE:
		time_to_probe(tcb, b, now);
		break;
	case REFILL:
		if (b->round_start) {
			b->probe_samples = true;
			start_up(tcb, b, rs, now);
		}
		break;
	case UP:					/* IsTimeToGoDown */
		if (tcb->loss.cwnd_limited && tcb->loss.cwnd >= b->inflight_longterm) {
			reset_full_bw(b);
			b->full_bw = rs->rate;
		} else if (b->full_bw_now) {
			start_down(tcb, b, now);
		}
		break;
	default:
		break;
	}
}

/* 5.3.1.3: losses that outrun a deep start. */
static void check_startup(struct tcp_tcb *tcb, struct bbr *b, const struct tcp_rate_sample *rs, ol_time now)
{
	if (b->state == STARTUP && b->loss_round_start && b->losses_in_round >= STARTUP_FULL_LOSSES &&
	    inflight_too_high(rs)) {
		b->full_bw_reached = true;
		b->inflight_longterm = MAX(bdp(tcb, b, max_bw(b), 1), b->inflight_latest);
	}
	if (b->state == STARTUP && b->full_bw_reached)
		b->state = DRAIN;
	if (b->state == DRAIN && tcp_loss_pipe(tcb) <= inflight(tcb, b, 1))
		start_down(tcb, b, now);
}

/* ---- 5.3.4: the round trip without a queue ----------------------------------------------------------------------- */
static void update_min_rtt(struct bbr *b, const struct tcp_rate_sample *rs, ol_time now)
{
	b->probe_rtt_expired = now > b->probe_rtt_min_at + PROBE_RTT_INTERVAL;
	if (rs->rtt > 0 && (rs->rtt < b->probe_rtt_min || b->probe_rtt_expired)) {
		b->probe_rtt_min = rs->rtt;
		b->probe_rtt_min_at = now;
	}
	if (b->probe_rtt_min < b->min_rtt || now > b->min_rtt_at + MIN_RTT_LEN) {
		b->min_rtt = b->probe_rtt_min;
		b->min_rtt_at = b->probe_rtt_min_at;
	}
}

static uint64_t probe_rtt_cwnd(const struct tcp_tcb *tcb, const struct bbr *b)
{
	return MAX(bdp(tcb, b, bw(b), gains[PROBE_RTT].cwnd), min_pipe(tcb));
}

static void save_cwnd(struct tcp_tcb *tcb, struct bbr *b)
{
	bool low = b->in_recovery || b->state == PROBE_RTT;
	b->saved_cwnd = low ? MAX(b->saved_cwnd, tcb->loss.cwnd) : tcb->loss.cwnd;
}

static void restore_cwnd(struct tcp_tcb *tcb, struct bbr *b)
{
	tcb->loss.cwnd = MAX(tcb->loss.cwnd, b->saved_cwnd);
}

static void check_probe_rtt(struct tcp_tcb *tcb, struct bbr *b, const struct tcp_rate_sample *rs, ol_time now)
{
	if (b->state != PROBE_RTT && b->probe_rtt_expired && !b->idle_restart) {
		save_cwnd(tcb, b);
		b->state = PROBE_RTT;
		b->probe_rtt_done_at = OL_NEVER;
		b->ack_phase = PROBE_STOPPING;
		start_round(tcb, b);
	}
	if (rs->newly_acked)
		b->idle_restart = false;
	if (b->state != PROBE_RTT)
		return;
	uint32_t flight = tcp_loss_pipe(tcb);		/* what is sent now says nothing of the path's rate */
	tcb->loss.rate.app_limited = MAX(tcb->loss.rate.delivered + flight, (uint64_t)1);
	if (b->probe_rtt_done_at == OL_NEVER) {
		if (flight <= probe_rtt_cwnd(tcb, b)) {
			b->probe_rtt_done_at = now + PROBE_RTT_DURATION;
			b->probe_rtt_round_done = false;
			start_round(tcb, b);
		}
		return;
	}
	b->probe_rtt_round_done |= b->round_start;
	if (!b->probe_rtt_round_done || now <= b->probe_rtt_done_at)
		return;
	b->probe_rtt_min_at = now;
	reset_short_term(b);
	if (b->full_bw_reached) {
		start_down(tcb, b, now);
		b->state = CRUISE;
	} else {
		b->state = STARTUP;
	}
	restore_cwnd(tcb, b);
}

/* ---- 5.5.9, 5.6: what follows ------------------------------------------------------------------------------------ */
static void update_aggregation(struct tcp_tcb *tcb, struct bbr *b, const struct tcp_rate_sample *rs, ol_time now)
{
	uint64_t expected = (uint64_t)((double)bw(b) * (double)(now - b->extra_from) / 1e9);
	if (b->extra_delivered <= expected) {
		b->extra_delivered = expected = 0;
		b->extra_from = now;
	}
	b->extra_delivered += rs->newly_acked;
	if (b->rounds - b->extra_round >= EXTRA_ROUNDS) {	/* the most of the last five to ten rounds */
		b->extra_round = b->rounds;
		b->extra_max[0] = b->extra_max[1];
		b->extra_max[1] = 0;
	}
	uint64_t extra = MIN(b->extra_delivered - MIN(expected, b->extra_delivered), (uint64_t)tcb->loss.cwnd);
	b->extra_max[1] = MAX(b->extra_max[1], extra);
}

static void set_pacing(struct tcp_tcb *tcb, const struct bbr *b)
{
	/* a little below: queues drain */
	uint64_t rate = (uint64_t)(gains[b->state].pacing * (double)bw(b) * 0.99);
	if (rate && (b->full_bw_reached || rate > tcb->loss.rate.pacing_rate))
		tcb->loss.rate.pacing_rate = rate;
}

static void bound_cwnd(struct tcp_tcb *tcb, const struct bbr *b)
{
	struct tcp_loss *l = &tcb->loss;
	uint64_t cap = NO_LIMIT;
	if (b->state == CRUISE || b->state == PROBE_RTT)
		cap = with_headroom(tcb, b);
	else if (in_probe_bw(b))
		cap = b->inflight_longterm;
	cap = MIN(cap, b->inflight_shortterm);
	cap = MIN(MAX(cap, min_pipe(tcb)), (uint64_t)l->cfg->limit_cwnd);
	if (b->state == PROBE_RTT)
		cap = MIN(cap, probe_rtt_cwnd(tcb, b));
	l->cwnd = MIN((uint64_t)l->cwnd, cap);
}

static void set_cwnd(struct tcp_tcb *tcb, const struct bbr *b, const struct tcp_rate_sample *rs)
{
	struct tcp_loss *l = &tcb->loss;
	uint64_t most = inflight(tcb, b, gains[b->state == PROBE_RTT ? CRUISE : b->state].cwnd);
	uint64_t cwnd = l->cwnd;
	most += MAX(b->extra_max[0], b->extra_max[1]);
	if (rs->newly_lost)				/* 5.6.4.4 */
		cwnd = MAX(cwnd > rs->newly_lost ? cwnd - rs->newly_lost : 0, (uint64_t)tcb->snd_mss);
	if (b->full_bw_reached)
		cwnd = MIN(cwnd + rs->newly_acked, most);
	else if (cwnd < most || l->rate.delivered < (uint64_t)l->cfg->initial_cwnd * tcb->snd_mss)
		cwnd += rs->newly_acked;
	cwnd = MAX(cwnd, min_pipe(tcb));
	l->cwnd = (uint32_t)MIN(cwnd, (uint64_t)l->cfg->limit_cwnd);
	bound_cwnd(tcb, b);
}

static void bbr_control(struct tcp_tcb *tcb, const struct tcp_rate_sample *rs, ol_time now)
{
	struct bbr *b = bbr(tcb);
	if (!b)
		return;
	if (b->in_recovery && tcb->loss.ca_state < TCP_CAS_CWR) {
		b->in_recovery = false;
		restore_cwnd(tcb, b);
	}
	update_round(tcb, b, rs);
	update_signals(tcb, b, rs);
	if (b->loss_round_start)
		adapt_lower_bounds(tcb, b);
	update_aggregation(tcb, b, rs, now);
	check_full_bw(b, rs);
	check_startup(tcb, b, rs, now);
	update_cycle(tcb, b, rs, now);
	update_min_rtt(b, rs, now);
	check_probe_rtt(tcb, b, rs, now);
	if (b->loss_round_start) {			/* AdvanceLatestDeliverySignals */
		b->bw_latest = rs->rate;
		b->inflight_latest = rs->delivered;
		b->loss_in_round = false;
		b->losses_in_round = 0;
	}
	set_pacing(tcb, b);
	set_cwnd(tcb, b, rs);
}

/* ---- the interface ----------------------------------------------------------------------------------------------- */
static void bbr_init(struct tcp_tcb *tcb, ol_time now)
{
	struct bbr *b = calloc(1, sizeof *b);
	__builtin_memcpy(tcb->loss.cc_state, &b, sizeof b);
	if (!b)
		return;
	b->random = tcb->iss.v ^ (uint32_t)(now >> 10);
	b->min_rtt = b->probe_rtt_min = OL_NEVER;
	b->min_rtt_at = b->probe_rtt_min_at = b->cycle_at = b->extra_from = now;
	b->inflight_longterm = b->up_count = NO_LIMIT;
	reset_short_term(b);
	start_round(tcb, b);
	b->loss_round = b->next_round;
	ol_time rtt = tcb->srtt_ns ? tcb->srtt_ns : OL_MS;
	tcb->loss.rate.pacing_rate = (uint64_t)(STARTUP_GAIN * tcb->loss.cwnd * 1e9 / (double)rtt);
}

static void bbr_fini(struct tcp_tcb *tcb)
{
	free(bbr(tcb));
}

static uint32_t bbr_ssthresh(struct tcp_tcb *tcb, ol_time now)
{
	struct bbr *b = bbr(tcb);
	if (b) {
		save_cwnd(tcb, b);
		b->in_recovery = true;
	}
	return tcb->loss.ssthresh;			/* means nothing here */
}

static uint32_t bbr_undo(struct tcp_tcb *tcb)
{
	struct bbr *b = bbr(tcb);
	if (b) {					/* what the loss taught was wrong */
		reset_full_bw(b);
		reset_short_term(b);
		b->loss_in_round = b->in_recovery = false;
	}
	return MAX(tcb->loss.cwnd, tcb->loss.prior_cwnd);
}

static void bbr_event(struct tcp_tcb *tcb, enum tcp_cc_event what, ol_time now)
{
	struct bbr *b = bbr(tcb);
	if (!b)
		return;
	if (what == TCP_CC_TX_START && tcb->loss.rate.app_limited) {
		b->idle_restart = true;			/* 5.4.2: at the path's own rate, no faster */
		b->extra_from = now;
		if (in_probe_bw(b) && bw(b))
			tcb->loss.rate.pacing_rate = bw(b);
	}
}

static void bbr_grow(struct tcp_tcb *tcb, uint32_t acked, const struct tcp_rate_sample *rs, ol_time now)
{
}

const struct tcp_cc_ops tcp_cc_bbr = {
	.name = "bbr", .init = bbr_init, .fini = bbr_fini, .ssthresh = bbr_ssthresh, .grow = bbr_grow,
	.control = bbr_control, .undo = bbr_undo, .event = bbr_event,
};
