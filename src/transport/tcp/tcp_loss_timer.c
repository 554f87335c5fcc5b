/* The deadlines of the loss half: RTO (RFC 6298 5), tail loss probe (RFC 8985 7.2), reordering (6.3) and pacing. */
#include "base/check.h"
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_recovery.h"

#define TCP_MIN_PTO (2 * OL_MS)		/* no probe before a peer beside us can have answered: Linux's shortest timer */

void tcp_rto_start(struct tcp_tcb *tcb, ol_time now)
{
	tcb->loss.rto_at = now + tcp_rto_now(tcb);
}

/* RFC 8985 7.2: a probe in two round trips, where the RTO would come later; 7.3: one for each round trip measured. */
void tcp_tlp_arm(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	l->tlp_at = OL_NEVER;
	if (!l->cfg->tlp || !tcb->sack_ok || !l->established || !l->sb.out.bytes || l->sb.sacked.bytes || l->tlp_out ||
	    l->tlp_stale ||
	    (l->ca_state != TCP_CAS_OPEN && l->ca_state != TCP_CAS_CWR))
		return;
	ol_time pto = OL_SEC;
	if (tcb->srtt_ns) {
		pto = MAX(2 * tcb->srtt_ns, TCP_MIN_PTO);
		if (l->sb.out.segs == 1)
			pto += tcp_ack_habit_delay(tcb);
	}
	l->tlp_at = MIN(now + pto, l->rto_at);
}

ol_time tcp_loss_deadline(const struct tcp_tcb *tcb, enum tcp_loss_timer *kind)
{
	const struct tcp_loss *l = &tcb->loss;
	ol_time at = l->rto_at;
	enum tcp_loss_timer k = at == OL_NEVER ? TCP_LOSS_NONE : TCP_LOSS_RTO;
	if (l->tlp_at != OL_NEVER && l->tlp_at <= at)
		at = l->tlp_at, k = TCP_LOSS_TLP;
	if (l->reo_at < at)
		at = l->reo_at, k = TCP_LOSS_REO;
	if (l->pacing_held && l->pacing_at < at)
		at = l->pacing_at, k = TCP_LOSS_PACING;
	if (kind)
		*kind = k;
	return at;
}

static void on_tlp(struct tcp_tcb *tcb, bool new_ready, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	l->tlp_at = OL_NEVER;
	tcp_rto_start(tcb, now);
	if (l->tlp_out || !l->sb.out.bytes)
		return;
	l->tlp_new = new_ready;
	l->tlp_again = !new_ready;
}

static void on_rto(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	l->rto_at = l->tlp_at = OL_NEVER;
	if (!l->sb.out.bytes)
		return;
	if (l->established)
		tcp_recovery_rto(tcb, now);
	else					/* a SYN: no window to answer for yet */
		sb_mark_lost(&l->sb, l->sb.first);
	l->n_rto++;
	l->backoff += l->backoff < UINT8_MAX;
	l->rto_shift += l->rto_shift < 32;	/* RFC 6298 5.5 */
	tcp_rto_start(tcb, now);
}

enum tcp_loss_timer tcp_loss_expire(struct tcp_tcb *tcb, bool new_ready, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	enum tcp_loss_timer kind;
	if (tcp_loss_deadline(tcb, &kind) > now)
		return TCP_LOSS_NONE;
	switch (kind) {
	case TCP_LOSS_RTO:
		on_rto(tcb, now);
		break;
	case TCP_LOSS_TLP:
		on_tlp(tcb, new_ready, now);
		break;
	case TCP_LOSS_REO:
		tcp_recovery_reo(tcb, now);
		break;
	case TCP_LOSS_PACING:
		l->pacing_held = false;
		break;
	case TCP_LOSS_NONE:
		break;
	}
	return kind;
}

void tcp_loss_tlp_later(struct tcp_tcb *tcb, ol_time now)
{
	tcb->loss.tlp_at = OL_NEVER;
	tcp_rto_start(tcb, now);
}

void tcp_loss_revert_rto(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	if (!l->rto_shift || !l->sb.n)
		return;
	/* RFC 6069 3: undo the last doubling; the RTO runs from the last transmission.  One that is over is due next, and not at
	 * an instant whose timers have been served already. */
	l->rto_shift--;
	l->rto_at = MAX(l->sb.rec[l->sb.first].sent_at + tcp_rto_now(tcb), now + 1);
}
