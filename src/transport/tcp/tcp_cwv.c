/*
 * Congestion window validation.  A window that was grown and is not used says what the path once took.
 *
 * RFC 2861 (tcp_slow_start_after_idle, off with the default settings): the window is halved for each RTO that passes idle, and drifts
 * down to what is used while the application is the limit.  Either way a window that is not used does not grow.
 *
 * RFC 7661 (experimental; tcp_cwv, off unless asked: Linux has none) in its place, which it obsoletes.  pipeACK, the most acknowledged
 * in a round trip of late, says how much of the window is still proven:
 *
 *	pipeACK >= cwnd/2	validated: everything as ever
 *	pipeACK <  cwnd/2	not validated: the window is kept for five minutes and grows only where it is the limit; a loss takes it to
 *				half of what was really used, and what had to be sent again off that (4.4.1)
 *
 * 4.4.2's burst control is pacing's affair.
 */
#include "base/check.h"
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_recovery.h"

#define NVP (300 * OL_SEC)			/* 4.4: the non-validated period */

static ol_time sampling_period(const struct tcp_tcb *tcb) { return MAX(3 * tcb->srtt_ns, OL_SEC); }

/* Slots whose time has passed are emptied; after a whole period without a sample all are, and pipeACK is 0. */
static void turn(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_cwv *c = &tcb->loss.cwv;
	ol_time each = sampling_period(tcb) / CWV_SLOTS;
	for (int i = 0; i < CWV_SLOTS && now - c->slot_at >= each; i++) {
		c->now = (uint8_t)((c->now + 1) % CWV_SLOTS);
		c->slot[c->now] = 0;
		c->slot_at += each;
	}
	if (now - c->slot_at >= each)
		c->slot_at = now;
}

static uint32_t pipe_ack(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_cwv *c = &tcb->loss.cwv;
	uint32_t most = 0;
	turn(tcb, now);
	for (int i = 0; i < CWV_SLOTS; i++)
		most = MAX(most, c->slot[i]);
	return most;
}

void cwv_acked(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_cwv *c = &tcb->loss.cwv;
	if (tcb->loss.ca_state >= TCP_CAS_RECOVERY) {	/* 4.2: not updated meanwhile */
		c->sampling = false;
		return;
	}
	if (c->sampling && seq_ge(tcb->snd_una, c->to)) {
		turn(tcb, now);
		c->slot[c->now] = MAX(c->slot[c->now], seq_len(c->from, tcb->snd_una));
		c->defined = true;
		c->sampling = false;
	}
	if (!c->sampling && seq_lt(tcb->snd_una, tcb->snd_nxt)) {
		c->sampling = true;
		c->from = tcb->snd_una;
		c->to = tcb->snd_nxt;
	}
}

/* 4.4.3, once for each period that has passed. */
static void period_over(struct tcp_tcb *tcb, uint32_t initial_window)
{
	struct tcp_loss *l = &tcb->loss;
	l->ssthresh = MAX(l->ssthresh, l->cwnd / 4 * 3);
	l->cwnd = MIN(l->cwnd, MAX(l->cwnd / 2, initial_window));
	l->cwv.phase_at += NVP;
}

/* Which phase is it?  Asked whenever output ends; does what is due at the end of the non-validated period. */
static void phase(struct tcp_tcb *tcb, uint32_t initial_window, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	struct tcp_cwv *c = &l->cwv;
	if (!c->sampling && seq_lt(tcb->snd_una, tcb->snd_nxt) && l->ca_state < TCP_CAS_RECOVERY) {
		c->sampling = true;			/* the first text after a pause */
		c->from = tcb->snd_una;
		c->to = tcb->snd_nxt;
	}
	while (c->unvalidated && now - c->phase_at > NVP)
		period_over(tcb, initial_window);
	bool was = c->unvalidated;
	c->unvalidated = c->defined && l->ca_state < TCP_CAS_CWR && pipe_ack(tcb, now) < l->cwnd / 2;
	if (c->unvalidated && !was)
		c->phase_at = now;
}

void cwv_reduce(struct tcp_tcb *tcb)
{
	struct tcp_loss *l = &tcb->loss;
	struct tcp_cwv *c = &l->cwv;
	c->responding = c->unvalidated;
	c->unvalidated = c->sampling = false;
	if (!c->responding)
		return;
	uint32_t most = l->sb.out.bytes;		/* LossFlightSize */
	for (int i = 0; i < CWV_SLOTS; i++)
		most = MAX(most, c->slot[i]);
	c->bytes = most;
	c->retrans_at = l->bytes_retrans;
	l->ssthresh = MIN(l->ssthresh, MAX(most / 2, tcb->snd_mss));
}

void cwv_reduced(struct tcp_tcb *tcb, bool ended)
{
	struct tcp_loss *l = &tcb->loss;
	struct tcp_cwv *c = &l->cwv;
	if (c->responding && ended) {
		uint64_t again = l->bytes_retrans - c->retrans_at;
		uint32_t left = again < c->bytes ? (uint32_t)(c->bytes - again) / 2 : 0;
		l->cwnd = l->ssthresh = MIN(l->ssthresh, MAX(left, tcb->snd_mss));
	}
	c->responding = c->unvalidated = c->sampling = c->defined = false;	/* pipeACK is undefined again */
	for (int i = 0; i < CWV_SLOTS; i++)
		c->slot[i] = 0;
}

/* ---- what is used: RFC 2861, or the phases of RFC 7661 -------------------------------------------------------------- */
/*
 * RFC 5681 4.1: after an idle time longer than RTO the path may have changed; halve per RTO, not below the restart
 * window.
 */
void cwv_restart_after_idle(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	ol_time rto = tcp_rto_now(tcb), idle = now - l->last_sent;
	if (!l->cfg->slow_start_after_idle || l->cfg->cwv || l->sb.out.bytes || !l->segs_sent || idle <= rto || l->cc->control)
		return;
	uint32_t restart = MIN(tcp_initial_window(tcb), l->cwnd);
	l->ssthresh = tcp_current_ssthresh(tcb);
	for (idle -= rto; idle > 0 && l->cwnd > restart; idle -= rto)
		l->cwnd /= 2;
	l->cwnd = MAX(l->cwnd, restart);
	l->cwnd_stamp = l->last_sent = now;
	l->cwnd_used = 0;
	tcp_cc_tell(tcb, TCP_CC_IDLE_RESTART, now);
}

/* A window that was not used proves nothing, RFC 2861 3: it drifts down to what was. */
static void application_limited(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	if (l->ca_state == TCP_CAS_OPEN) {
		uint32_t used = MAX(l->cwnd_used, tcp_initial_window(tcb));
		if (used < l->cwnd) {
			l->ssthresh = tcp_current_ssthresh(tcb);
			l->cwnd = (l->cwnd + used) / 2;
		}
		l->cwnd_used = 0;
	}
	l->cwnd_stamp = now;
}

bool cwv_window_is_limit(const struct tcp_loss *l)
{
	if (l->cwnd_limited)
		return true;
	if (l->cwv.unvalidated)			/* RFC 7661 4.4 */
		return false;
	return tcp_in_slow_start(l) && l->cwnd < 2ull * l->max_flight;
}

void cwv_used(struct tcp_tcb *tcb, bool limited, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	uint32_t out = l->sb.out.bytes;
	if (seq_ge(tcb->snd_una, l->max_flight_end) || limited || (!l->cwnd_limited && out > l->max_flight)) {
		l->cwnd_limited = limited;
		l->max_flight = out;
		l->max_flight_end = tcb->snd_nxt;
	}
	if (l->cfg->cwv)
		phase(tcb, tcp_initial_window(tcb), now);
	if (cwv_window_is_limit(l)) {
		l->cwnd_used = 0;
		l->cwnd_stamp = now;
	} else {
		l->cwnd_used = MAX(l->cwnd_used, out);
		if (l->cfg->slow_start_after_idle && !l->cfg->cwv && now - l->cwnd_stamp >= tcp_rto_now(tcb) && !l->cc->control)
			application_limited(tcb, now);
	}
}
