/* Pacing: when the next segment may go, at the rate of the congestion control or of SO_MAX_PACING_RATE. */
#include "base/check.h"
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_recovery.h"

#define TCP_SUPER_MAX 65280u		/* text of a super-segment */

uint64_t tcp_loss_pacing_rate(const struct tcp_tcb *tcb)
{
	return tcb->loss.rate.pacing_rate;
}

ol_time tcp_loss_pacing_next(const struct tcp_tcb *tcb)
{
	return tcb->loss.pacing_at;
}

/* Window-based controls are paced when asked to be: faster than a window a round trip, so that the window can fill. */
void tcp_pacing_update(struct tcp_tcb *tcb)
{
	struct tcp_loss *l = &tcb->loss;
	if (l->cc->control) {
		if (l->rate.max_pacing && (!l->rate.pacing_rate || l->rate.pacing_rate > l->rate.max_pacing))
			l->rate.pacing_rate = l->rate.max_pacing;
		return;
	}
	if ((!l->cfg->pace_all && !l->rate.max_pacing) || !tcb->srtt_ns) {
		l->rate.pacing_rate = l->rate.max_pacing;
		return;
	}
	unsigned percent = l->cwnd < l->ssthresh / 2 ? l->cfg->pace_ss : l->cfg->pace_ca;
	uint32_t window = MAX(l->cwnd, l->sb.out.bytes);
	double rate = (double)window * 1e9 / (double)tcb->srtt_ns * MAX(percent, 100u) / 100;
	if (l->rate.max_pacing)
		rate = MIN(rate, (double)l->rate.max_pacing);
	l->rate.pacing_rate = MAX((uint64_t)rate, (uint64_t)1);
}

void tcp_loss_set_max_pacing(struct tcp_tcb *tcb, uint64_t bytes_a_second)
{
	tcb->loss.rate.max_pacing = bytes_a_second;
	tcp_pacing_update(tcb);
}

void tcp_pacing_spend(struct tcp_tcb *tcb, uint32_t len, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	l->pacing_held = false;
	if (!l->rate.pacing_rate)
		return;
	double ns = (double)len * 1e9 / (double)l->rate.pacing_rate;
	l->pacing_at = MAX(l->pacing_at, now) + (ol_time)MIN(ns, 1e10);
}

bool tcp_pacing_holds(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	l->pacing_held = (l->rate.pacing_rate || l->ece_hold) && now < l->pacing_at;
	l->ece_hold &= l->pacing_held;
	return l->pacing_held;
}

uint32_t tcp_loss_tso_goal(const struct tcp_tcb *tcb)
{
	uint32_t mss = tcp_full_segment(tcb), goal = TCP_SUPER_MAX;
	if (tcb->loss.rate.pacing_rate)		/* a millisecond's worth, but never less than two segments */
		goal = (uint32_t)CLAMP(tcb->loss.rate.pacing_rate / 1000, (uint64_t)2 * mss, (uint64_t)goal);
	return MAX(goal / mss, 1u) * mss;
}
