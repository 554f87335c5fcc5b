/*
 * BBR, draft-ietf-ccwg-bbr (version 3): sends at the rate the path was seen to deliver, with about two bandwidth-delay
 * products in flight, and probes now and then for more of the one and less of the other.  Here are what happens when
 * (5.2), what follows from the model (5.6), and the interface; tcp_bbr.h tells the rest.
 *
 * Left open by the draft: an ECN echo starts the CWR state, whose window BBR does not shrink; its model takes it for a lost packet.
 */
#include <stdlib.h>
#include "base/check.h"
#include "transport/tcp/tcp_bbr.h"

const struct bbr_gains bbr_gains[] = {
	[BBR_STARTUP] = { BBR_STARTUP_GAIN, 2 }, [BBR_DRAIN] = { 0.5, 2 }, [BBR_DOWN] = { 0.9, 2 }, [BBR_CRUISE] = { 1, 2 },
	[BBR_REFILL] = { 1, 2 }, [BBR_UP] = { 1.25, 2.25 }, [BBR_PROBE_RTT] = { 1, 0.5 },
};

/* ---- 5.6: control parameters ------------------------------------------------------------------------------------- */
void bbr_set_pacing(struct tcp_tcb *tcb, const struct bbr *b, double gain)
{
	uint64_t rate = (uint64_t)(gain * (double)bbr_bw(b) * 0.99);	/* a little below: queues drain */
	if (rate && (b->full_bw_reached || rate > tcb->loss.rate.pacing_rate))
		tcb->loss.rate.pacing_rate = rate;
}

/* 5.6.4.4 */
void bbr_save_cwnd(struct tcp_tcb *tcb, struct bbr *b)
{
	bool low = b->in_episode || b->state == BBR_PROBE_RTT;
	b->prior_cwnd = low ? MAX(b->prior_cwnd, tcb->loss.cwnd) : tcb->loss.cwnd;
}

void bbr_restore_cwnd(struct tcp_tcb *tcb, struct bbr *b)
{
	tcb->loss.cwnd = MAX(tcb->loss.cwnd, b->prior_cwnd);
}

uint64_t bbr_probe_rtt_cwnd(const struct tcp_tcb *tcb, const struct bbr *b)
{
	return MAX(bbr_bdp(tcb, b, bbr_bw(b), bbr_gains[BBR_PROBE_RTT].cwnd), bbr_min_pipe(tcb));
}

/* 5.6.4.7 */
static void bound_cwnd(struct tcp_tcb *tcb, const struct bbr *b)
{
	struct tcp_loss *l = &tcb->loss;
	uint64_t cap = BBR_INFINITE;
	if (b->state == BBR_CRUISE || b->state == BBR_PROBE_RTT)
		cap = bbr_with_headroom(tcb, b);
	else if (bbr_in_probe_bw(b))
		cap = b->inflight_longterm;
	cap = MAX(MIN(cap, b->inflight_shortterm), bbr_min_pipe(tcb));
	l->cwnd = (uint32_t)MIN((uint64_t)l->cwnd, cap);
}

/* 5.6.4.6 */
static void set_cwnd(struct tcp_tcb *tcb, const struct bbr *b, const struct tcp_rate_sample *rs)
{
	struct tcp_loss *l = &tcb->loss;
	uint64_t most = bbr_bdp(tcb, b, bbr_bw(b), bbr_gains[b->state].cwnd) + bbr_extra_acked(b);
	most = bbr_quantization(tcb, b, most);
	uint64_t cwnd = l->cwnd;
	if (b->full_bw_reached)
		cwnd = MIN(cwnd + rs->newly_acked, most);
	else if (cwnd < most || l->rate.delivered < (uint64_t)l->cfg->initial_cwnd * tcb->snd_mss)
		cwnd += rs->newly_acked;
	cwnd = MAX(cwnd, bbr_min_pipe(tcb));
	if (b->state == BBR_PROBE_RTT)			/* 5.6.4.5 */
		cwnd = MIN(cwnd, bbr_probe_rtt_cwnd(tcb, b));
	l->cwnd = (uint32_t)MIN(cwnd, (uint64_t)l->cfg->limit_cwnd);
	bound_cwnd(tcb, b);
}

/* ---- 5.2.3: on each ACK ------------------------------------------------------------------------------------------ */
static void bbr_control(struct tcp_tcb *tcb, const struct tcp_rate_sample *rs, ol_time now)
{
	struct bbr *b = bbr_of(tcb);
	if (!b)
		return;
	if (b->in_episode && tcb->loss.ca_state < TCP_CAS_CWR) {
		b->in_episode = false;			/* 5.6.4.4 */
		bbr_restore_cwnd(tcb, b);
	}
	bbr_update_signals(tcb, b, rs);
	bbr_update_aggregation(tcb, b, rs, now);
	bbr_check_full_bw(b, rs);
	bbr_check_startup(tcb, b, rs);
	bbr_check_drain(tcb, b, now);
	bbr_update_cycle(tcb, b, rs, now);
	bbr_update_min_rtt(b, rs, now);
	bbr_check_probe_rtt(tcb, b, rs, now);
	bbr_advance_signals(b, rs);
	bbr_set_pacing(tcb, b, bbr_gains[b->state].pacing);
	set_cwnd(tcb, b, rs);
}

/* ---- the interface ----------------------------------------------------------------------------------------------- */
/* 5.2.1; 5.6.2 InitPacingRate */
static void bbr_init(struct tcp_tcb *tcb, ol_time now)
{
	struct bbr *b = calloc(1, sizeof *b);
	__builtin_memcpy(tcb->loss.cc_state, &b, sizeof b);
	if (!b)
		return;
	b->random = tcb->iss.v ^ (uint32_t)(now >> 10);
	b->probe_rtt_min_delay = OL_NEVER;
	b->min_rtt = tcb->srtt_ns ? tcb->srtt_ns : OL_NEVER;
	b->min_rtt_stamp = b->probe_rtt_min_stamp = b->cycle_stamp = b->extra_interval_start = now;
	b->probe_rtt_done_stamp = OL_NEVER;
	b->inflight_longterm = b->probe_up_acked_per_inc = BBR_INFINITE;
	b->undo_state = BBR_NO_STATE;
	bbr_reset_short_term(b);
	bbr_start_round(tcb, b);
	b->loss_round_delivered = b->next_round_delivered;
	ol_time rtt = tcb->srtt_ns ? tcb->srtt_ns : OL_MS;
	tcb->loss.rate.pacing_rate = (uint64_t)(BBR_STARTUP_GAIN * tcb->loss.cwnd * 1e9 / (double)rtt);
}

static void bbr_fini(struct tcp_tcb *tcb)
{
	free(bbr_of(tcb));
}

/* 5.6.4.4: OnEnterFastRecovery, OnEnterRTO. */
static uint32_t bbr_ssthresh(struct tcp_tcb *tcb, ol_time now)
{
	struct bbr *b = bbr_of(tcb);
	if (b && b->in_episode)
		bbr_save_cwnd(tcb, b);
	else if (b)
		bbr_save_state(tcb, b);
	return tcb->loss.ssthresh;			/* means nothing here */
}

static void bbr_lost(struct tcp_tcb *tcb, const struct tcp_sb_rec *r, ol_time now)
{
	struct bbr *b = bbr_of(tcb);
	if (b)
		bbr_lost_packet(tcb, b, r, now);
}

static uint32_t bbr_undo(struct tcp_tcb *tcb)
{
	struct bbr *b = bbr_of(tcb);
	if (b)
		bbr_spurious_loss(tcb, b);
	return MAX(tcb->loss.cwnd, tcb->loss.prior_cwnd);
}

/* RFC 3168 5: as one packet lost, which is below what bounds anything at once, but lowers what the next round may take. */
static void bbr_marked(struct tcp_tcb *tcb)
{
	struct bbr *b = bbr_of(tcb);
	if (b)
		bbr_note_loss(tcb, b);
}

/* 5.2.2: before a transmission */
static void bbr_event(struct tcp_tcb *tcb, enum tcp_cc_event what, ol_time now)
{
	struct bbr *b = bbr_of(tcb);
	if (b && what == TCP_CC_TX_START)
		bbr_restart_from_idle(tcb, b, now);
}

static void bbr_grow(struct tcp_tcb *tcb, uint32_t acked, const struct tcp_rate_sample *rs, ol_time now)
{
}

const struct tcp_cc_ops tcp_cc_bbr = {
	.name = "bbr", .init = bbr_init, .fini = bbr_fini, .ssthresh = bbr_ssthresh, .grow = bbr_grow,
	.control = bbr_control, .lost = bbr_lost, .marked = bbr_marked, .undo = bbr_undo, .event = bbr_event,
};
