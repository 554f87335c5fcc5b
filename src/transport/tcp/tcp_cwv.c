/*
 * Congestion window validation, RFC 7661 (experimental; tcp_cwv, off unless asked: Linux has none).  A window that was grown and is not used
 * says what the path once took.  pipeACK, the most acknowledged in a round trip of late, says how much of it is still proven:
 *
 *	pipeACK >= cwnd/2	validated: everything as ever
 *	pipeACK <  cwnd/2	not validated: the window is kept for five minutes and grows only where it is the limit; a loss takes it to
 *				half of what was really used, and what had to be sent again off that (4.4.1)
 *
 * With it RFC 2861's decay (tcp_slow_start_after_idle) is off, which 7661 obsoletes.  4.4.2's burst control is pacing's affair.
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

void cwv_phase(struct tcp_tcb *tcb, uint32_t initial_window, ol_time now)
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
