/*
 * Was it a mistake?  An episode of recovery that began although nothing was lost shows in timestamps (Eifel, RFC 3522 and 4015) or
 * in DSACKs for all that was sent again (RFC 3708, counted in tcp_acked.c); then the window returns.  When that is asked and what
 * becomes of the state is tcp_recovery.c's.
 */
#include "base/check.h"
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_recovery.h"

void undo_begin(struct tcp_tcb *tcb)
{
	struct tcp_loss *l = &tcb->loss;
	l->undo_valid = true;
	l->undo_marker = tcb->snd_una;
	l->undo_retrans = l->sb.retrans.segs ? (int64_t)l->sb.retrans.segs : -1;
	if (!l->sb.retrans.bytes && (!l->sb.n || !(l->sb.rec[l->sb.first].flags & SB_EVER)))
		l->rexmit_ts_ok = false;
}

/* Eifel: the ACK echoes a time before the first retransmission, so it was the original that arrived. */
static bool eifel(const struct tcp_loss *l, const struct tcp_acked *a)
{
	return l->rexmit_ts_ok && a->ev->has_ts && a->ev->tsecr && (int32_t)(a->ev->tsecr - l->rexmit_ts) < 0;
}

bool undo_was_late(const struct tcp_loss *l, const struct tcp_acked *a)
{
	return l->undo_retrans < 0 || eifel(l, a);
}

bool undo_may(const struct tcp_loss *l, const struct tcp_acked *a)
{
	return l->undo_valid && (!l->undo_retrans || undo_was_late(l, a));
}

void undo_reduction(struct tcp_tcb *tcb, bool unmark, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	if (unmark)
		sb_unmark_lost(&l->sb);
	if (l->prior_ssthresh) {
		l->cwnd = l->cc->undo ? l->cc->undo(tcb) : MAX(l->cwnd, l->prior_cwnd);
		if (l->cfg->moderate_cwnd_on_undo)
			l->cwnd = MIN(l->cwnd, tcp_loss_pipe(tcb) + 3 * tcb->snd_mss);
		if (l->prior_ssthresh > l->ssthresh) {
			l->ssthresh = l->prior_ssthresh;
			l->cwr_due = false;
		}
	}
	l->cwnd_stamp = now;
	l->undo_valid = false;
	l->rack.advanced = true;
	l->n_undo++;
}
