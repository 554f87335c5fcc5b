/*
 * Loss recovery: when an episode begins, what it does to the window, when it ends, and when it turns out to have been a
 * mistake.  States are Linux's, since programs read them in TCP_INFO:
 *
 *	OPEN       nothing odd			DISORDER   SACKs or duplicate ACKs, not enough for a loss
 *	CWR        ECN echo, or a loss that a tail loss probe mended: the window shrinks, nothing to send again
 *	RECOVERY   fast recovery, RFC 6675 5, RFC 6582 without SACK; the window follows PRR, RFC 9937
 *	LOSS       after a retransmission timeout, RFC 5681 3.1; F-RTO (RFC 5682) tells whether it was one
 *
 * Losses come from RACK (tcp_rack.c), from RFC 6675's IsLost where tcp_recovery=0 (tcp_sack.c), or from duplicate ACKs
 * (tcp_dupack.c).  What tells of a mistake, and what it gives back, is in tcp_undo.c.
 *
 * Always: within an episode ssthresh is taken from the congestion control once; RecoveryPoint does not go back.
 */
#include "base/check.h"
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_recovery.h"

uint32_t tcp_current_ssthresh(const struct tcp_tcb *tcb)
{
	const struct tcp_loss *l = &tcb->loss;
	return tcp_in_reduction(l) ? l->ssthresh : MAX(l->ssthresh, l->cwnd / 4 * 3);
}

/* ---- the window in an episode ------------------------------------------------------------------------------------ */
/*
 * RFC 9937 5: RecoverFS is what was in flight before the ACK that begins the episode (NULL where a timer does): without what had
 * been SACKed by then, with what this ACK took.
 */
static void begin_reduction(struct tcp_tcb *tcb, const struct tcp_acked *a, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	uint32_t out = l->sb.out.bytes, old = l->sb.sacked.bytes - (a ? a->sacked_bytes : 0);
	l->recovery_point = tcb->snd_nxt;
	l->tlp_out = false;
	l->prior_cwnd = l->cwnd;
	l->prr_delivered = l->prr_out = 0;
	l->recover_fs = MAX(out - MIN(old, out) + (a && a->una_advanced ? a->acked : 0), MAX(tcb->snd_mss, 1u));
	l->ssthresh = l->cc->ssthresh(tcb, now);
	cwv_reduce(tcb);
	l->cwr_due = true;
	l->ece_floor = false;
}

static void end_reduction(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	if (!l->cc->control && l->ssthresh < TCP_INFINITE_SSTHRESH && (l->ca_state == TCP_CAS_CWR || l->undo_valid)) {
		l->cwnd = l->ece_floor ? tcb->snd_mss : l->ssthresh;
		l->cwnd_stamp = now;
	}
	l->ece_floor = false;
	cwv_reduced(tcb, l->undo_valid || l->ca_state == TCP_CAS_CWR);
	tcp_cc_tell(tcb, TCP_CC_RECOVERY_END, now);
}

void tcp_prr(struct tcp_tcb *tcb, uint32_t delivered, bool safe)
{
	struct tcp_loss *l = &tcb->loss;
	uint32_t pipe = tcp_loss_pipe(tcb), mss = tcb->snd_mss;
	int64_t sndcnt;
	if (!delivered && l->prr_out)
		return;
	l->prr_delivered += delivered;
	if (pipe > l->ssthresh) {		/* proportional */
		uint64_t goal = ((uint64_t)l->prr_delivered * l->ssthresh + l->recover_fs - 1) / l->recover_fs;
		sndcnt = (int64_t)goal - l->prr_out;
	} else {				/* slow start reduction bound */
		sndcnt = MAX((int64_t)l->prr_delivered - l->prr_out, (int64_t)delivered);
		if (safe)
			sndcnt += mss;
		sndcnt = MIN(sndcnt, (int64_t)l->ssthresh - pipe);
	}
	if (!l->prr_out)			/* the fast retransmit itself is never held back */
		sndcnt = MAX(sndcnt, (int64_t)mss);
	l->cwnd = MIN((uint64_t)pipe + (uint64_t)MAX(sndcnt, 0), (uint64_t)l->cfg->limit_cwnd);
}

/* ---- ends, and mistakes ------------------------------------------------------------------------------------------- */
static void enter(struct tcp_tcb *tcb, enum tcp_cas s)
{
	tcb->loss.ca_state = s;
}

/* OPEN, or DISORDER while something still hints at trouble. */
static void keep_open(struct tcp_tcb *tcb)
{
	struct tcp_loss *l = &tcb->loss;
	enum tcp_cas s = TCP_CAS_OPEN;
	if (l->sb.sacked.bytes || l->dupacks || l->sb.lost.bytes || l->sb.retrans.bytes)
		s = TCP_CAS_DISORDER;
	if (l->ca_state != s) {
		enter(tcb, s);
		l->recovery_point = tcb->snd_nxt;
	}
}

static bool undo_dsack(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	if (!l->undo_valid || l->undo_retrans)
		return false;
	undo_reduction(tcb, false, now);
	return true;
}

/*
 * SND.UNA has reached RecoveryPoint.  True: hold the state until something above it is acknowledged, RFC 6582 3.2 step
 * 3.
 */
static bool undo_recovery(struct tcp_tcb *tcb, const struct tcp_acked *a, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	if (undo_may(l, a))
		undo_reduction(tcb, false, now);
	else
		rack_recovery_over(&l->rack);
	if (seq_eq(tcb->snd_una, l->recovery_point) && !tcb->sack_ok && l->sb.out.bytes)
		return true;
	enter(tcb, TCP_CAS_OPEN);
	return false;
}

static bool undo_partial(struct tcp_tcb *tcb, const struct tcp_acked *a, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	if (!l->undo_valid || !undo_was_late(l, a))
		return false;
	/* What was thought lost was late: remember how late. */
	if (l->sb.sacked.bytes)
		tcp_reordering_seen(tcb, a->ev->prior_una, l->sb.high_sacked);
	if (l->sb.retrans.bytes)
		return true;			/* copies are still under way: no more of them, and wait */
	undo_reduction(tcb, true, now);
	keep_open(tcb);
	return true;
}

static bool undo_loss(struct tcp_tcb *tcb, const struct tcp_acked *a, bool by_frto, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	if (!by_frto && !undo_may(l, a))
		return false;
	undo_reduction(tcb, true, now);
	l->n_spurious_rto++;
	l->backoff = l->rto_shift = 0;
	l->frto = l->frto_new = false;
	if (by_frto || tcb->sack_ok)
		keep_open(tcb);
	return true;
}

/* ---- what is lost ------------------------------------------------------------------------------------------------- */
void tcp_lost_count(struct tcp_tcb *tcb, const struct tcp_sb_rec *r, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	l->rate.lost += r->len;
	if (l->cc->lost)
		l->cc->lost(tcb, r, now);
}

void tcp_lost(struct tcp_tcb *tcb, uint32_t i, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	const struct tcp_sb_rec *r = &l->sb.rec[i];
	bool known = (r->flags & (SB_LOST | SB_RETRANS)) == SB_LOST;
	/* RFC 4821 7.6.2: too big, it seems, and nothing that congestion control should hear of */
	bool probe = l->probe == TCP_PROBE_OUT && seq_eq(r->seq, l->probe_from) && !(r->flags & SB_EVER);
	sb_mark_lost(&l->sb, i);
	if (!known && !probe)
		tcp_lost_count(tcb, r, now);
}

static void identify_losses(struct tcp_tcb *tcb, struct tcp_acked *a, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	uint32_t retrans = l->sb.retrans.bytes;
	if (!tcb->sack_ok) {
		dupack_detect_loss(tcb, a, now);
	} else if (l->cfg->rack) {
		rack_update_reo_wnd(tcb, a->dsack && !a->dsack_tlp);
		if (rack_detect_loss(tcb, &l->reo_at, now))
			a->lost_retrans = l->sb.retrans.bytes < retrans;
	} else {
		sack_detect_loss(tcb, now);
	}
}

/* ---- beginnings -------------------------------------------------------------------------------------------------- */
/*
 * RFC 9438 4.6: echoes take the window down to one segment, where losses stop at two.  At one it is the timer's turn (RFC
 * 3168 6.1.2): the next segment goes when an RTO has passed, twice as long for each echo in a row.  An echo that may still be
 * about the reduction before, the peer not having been told of it, counts no second time.
 */
static void reduce_to_one(struct tcp_tcb *tcb, const struct tcp_acked *a, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	bool at_one = l->cwnd <= tcb->snd_mss;
	begin_reduction(tcb, a, now);
	l->ece_floor = true;
	if (!at_one)
		return;
	ol_time wait = tcp_rto_now(tcb) << MIN(l->ece_run, (uint8_t)6);
	l->ece_run += l->ece_run < UINT8_MAX;
	l->ece_hold = true;
	l->pacing_at = MAX(l->pacing_at, now + MIN(wait, l->cfg->rto_max));
	l->rto_at = now + tcp_rto_now(tcb);			/* where nothing is outstanding it goes again */
}

static void enter_cwr(struct tcp_tcb *tcb, const struct tcp_acked *a, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	bool small = !l->cc->control && l->cwnd <= 2 * tcb->snd_mss;
	l->prior_ssthresh = 0;
	if (l->ca_state >= TCP_CAS_CWR || (small && l->cwr_due))
		return;
	l->undo_valid = false;
	if (small)
		reduce_to_one(tcb, a, now);
	else
		begin_reduction(tcb, a, now);
	if (l->cc->marked)
		l->cc->marked(tcb);
	enter(tcb, TCP_CAS_CWR);
}

static void enter_recovery(struct tcp_tcb *tcb, const struct tcp_acked *a, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	l->n_fast++;
	l->prior_ssthresh = 0;
	tcp_recovery_probe_unsure(l, TCP_PROBE_UNSURE);
	undo_begin(tcb);
	if (!tcp_in_reduction(l)) {
		if (!a || !a->ece)
			l->prior_ssthresh = tcp_current_ssthresh(tcb);
		begin_reduction(tcb, a, now);
	}
	sack_recovery_begins(tcb);
	l->recovery_point = tcb->snd_nxt;
	enter(tcb, TCP_CAS_RECOVERY);
	tcp_cc_tell(tcb, TCP_CC_RECOVERY_BEGIN, now);
}

/*
 * F-RTO, RFC 5682 2.1 and with SACK 3.1: new text sent after the timeout tells late from lost.  Where it is not at work only the
 * end is waited for.
 */
static void ack_after_timeout(struct tcp_tcb *tcb, struct tcp_acked *a, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	bool recovered = seq_ge(tcb->snd_una, l->recovery_point);
	if (a->una_advanced && undo_loss(tcb, a, false, now))
		return;
	if (l->frto) {
		if (a->orig_acked && undo_loss(tcb, a, true, now))
			return;			/* step 3.b: the timeout was spurious */
		if (seq_gt(tcb->snd_nxt, l->recovery_point)) {
			if (a->data_sacked || a->dup)
				l->frto = false;	/* step 3.a: it was not */
		} else if (a->una_advanced && !recovered && (tcb->sack_ok || !l->sb.retrans.bytes)) {
			l->recovery_point = tcb->snd_nxt;
			l->frto_new = a->ev->new_ready;	/* step 2.b: two segments of new text */
			l->frto = l->frto_new;
			if (l->frto_new)
				return;
		} else if (!tcb->sack_ok && (a->una_advanced || a->dup)) {
			l->frto = false;		/* step 2.a: a duplicate, or not all that went again; 3.1 waits */
		}
	}
	if (recovered) {
		l->frto = false;
		undo_recovery(tcb, a, now);
		return;
	}
	if (!tcb->sack_ok) {
		if (seq_gt(tcb->snd_nxt, l->recovery_point) && a->dup)
			dupack_count(tcb, a);
		else if (a->una_advanced)
			l->dupacks = 0;
	}
}

/* Ends what SND.UNA has outrun.  True: that was all this ACK means. */
static bool end_episode(struct tcp_tcb *tcb, struct tcp_acked *a, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	if (seq_lt(tcb->snd_una, l->recovery_point))
		return false;
	if (l->ca_state == TCP_CAS_CWR && (!seq_eq(tcb->snd_una, l->recovery_point) || !l->sb.out.bytes)) {
		end_reduction(tcb, now);
		enter(tcb, TCP_CAS_OPEN);
	} else if (l->ca_state == TCP_CAS_RECOVERY) {
		if (!tcb->sack_ok)
			l->dupacks = 0;
		if (undo_recovery(tcb, a, now))
			return true;
		end_reduction(tcb, now);
	}
	return false;
}

/* What an ACK means in each state.  True: it begins a recovery. */
static bool ack_in_recovery(struct tcp_tcb *tcb, struct tcp_acked *a, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	if (!a->una_advanced) {
		if (!tcb->sack_ok && a->dup)
			dupack_count(tcb, a);
	} else if (undo_partial(tcb, a, now)) {
		return false;
	}
	if (undo_dsack(tcb, now)) {
		end_reduction(tcb, now);
		keep_open(tcb);
	}
	identify_losses(tcb, a, now);
	return l->ca_state != TCP_CAS_RECOVERY && l->sb.lost.bytes;
}

/* RFC 6675 5.1: none before RecoveryPoint; but a retransmission that was lost is another congestion event, section 5. */
static bool ack_in_loss(struct tcp_tcb *tcb, struct tcp_acked *a, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	ack_after_timeout(tcb, a, now);
	identify_losses(tcb, a, now);
	if (l->ca_state == TCP_CAS_LOSS)
		return a->lost_retrans;
	keep_open(tcb);
	return l->sb.lost.bytes;
}

static bool ack_otherwise(struct tcp_tcb *tcb, struct tcp_acked *a, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	if (!tcb->sack_ok) {
		if (a->una_advanced)
			l->dupacks = 0;
		if (a->dup)
			dupack_count(tcb, a);
	}
	if (l->ca_state <= TCP_CAS_DISORDER)
		undo_dsack(tcb, now);
	identify_losses(tcb, a, now);
	if (tcp_loss_congests(tcb, a->lost_retrans))
		return true;
	if (a->ece)
		enter_cwr(tcb, a, now);
	if (l->ca_state != TCP_CAS_CWR)
		keep_open(tcb);
	return false;
}

void tcp_recovery_ack(struct tcp_tcb *tcb, struct tcp_acked *a, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	bool begins;
	if (!tcb->sack_ok && a->una_advanced)
		dupack_take(tcb, a);
	if (a->ece)
		l->prior_ssthresh = 0;
	else if (a->una_advanced)
		l->ece_run = 0;
	if (end_episode(tcb, a, now))
		return;
	if (l->ca_state == TCP_CAS_RECOVERY)
		begins = ack_in_recovery(tcb, a, now);
	else if (l->ca_state == TCP_CAS_LOSS)
		begins = ack_in_loss(tcb, a, now);
	else
		begins = ack_otherwise(tcb, a, now);
	if (begins)
		enter_recovery(tcb, a, now);
}

/* ---- timers ------------------------------------------------------------------------------------------------------ */
void tcp_recovery_tlp_ack(struct tcp_tcb *tcb, const struct tcp_acked *a, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	if (!l->tlp_out || seq_lt(a->ev->ack, l->tlp_end))
		return;
	if (!l->tlp_retrans || a->dsack_tlp) {
		l->tlp_out = false;		/* new text, acknowledged; or both copies came: nothing was lost */
		if (a->dsack_tlp)
			tcp_ack_habit_forget(tcb);
	} else if (seq_gt(a->ev->ack, l->tlp_end)) {
		/* The probe mended a loss and nobody noticed: the window must. */
		l->tlp_out = false;
		if (l->ca_state < TCP_CAS_CWR) {
			l->prior_ssthresh = 0;
			l->undo_valid = false;
			begin_reduction(tcb, a, now);
			enter(tcb, TCP_CAS_CWR);
			end_reduction(tcb, now);
			keep_open(tcb);
		}
	} else if (a->dup && !a->data_sacked) {
		l->tlp_out = false;		/* a mere duplicate: both copies came */
		tcp_ack_habit_forget(tcb);
	}
}

void tcp_recovery_reo(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	uint32_t retrans = l->sb.retrans.bytes;
	l->reo_at = OL_NEVER;
	if (!rack_detect_loss(tcb, &l->reo_at, now))
		return;
	if (l->ca_state >= TCP_CAS_RECOVERY)
		return;
	if (!tcp_loss_congests(tcb, l->sb.retrans.bytes < retrans)) {
		if (l->ca_state != TCP_CAS_CWR)
			keep_open(tcb);
		return;
	}
	enter_recovery(tcb, NULL, now);
	if (!l->cc->control)
		tcp_prr(tcb, 0, false);
}

/* RFC 8985 6.3, RACK_mark_losses_on_RTO: the first is lost, and all but what was sent a moment ago; without RACK that, too. */
static void mark_losses_on_rto(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	struct tcp_sb *sb = &l->sb;
	uint32_t lost = sb->lost.bytes;
	if (sb->rec[sb->first].flags & SB_SACKED)
		sb_renege(sb);
	l->rate.lost += sb->lost.bytes - lost;
	l->dupacks = 0;
	for (uint32_t i = sb->first; i != SB_NONE; i = sb->rec[i].next) {
		const struct tcp_sb_rec *r = &sb->rec[i];
		if (r->flags & SB_SACKED)
			continue;
		if (i != sb->first && l->cfg->rack && tcb->sack_ok && l->rack.any && r->sent_at + l->rack.rtt > now)
			continue;
		tcp_lost(tcb, i, now);
	}
}

void tcp_recovery_rto(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	bool first = l->ca_state < TCP_CAS_RECOVERY, again = l->backoff != 0;
	tcp_recovery_probe_unsure(l, TCP_PROBE_TIMEOUT);
	mark_losses_on_rto(tcb, now);
	l->reneging = false;
	l->tlp_out = l->tlp_new = l->tlp_again = false;
	l->reo_at = OL_NEVER;
	/* RFC 5681 3.1: ssthresh once per flight; a timeout of what was already sent again keeps it. */
	if (l->ca_state <= TCP_CAS_DISORDER || seq_le(l->recovery_point, tcb->snd_una) ||
	    (l->ca_state == TCP_CAS_LOSS && !again)) {
		l->prior_ssthresh = tcp_current_ssthresh(tcb);
		l->prior_cwnd = l->cwnd;
		l->ssthresh = l->cc->ssthresh(tcb, now);
		undo_begin(tcb);
		tcp_cc_tell(tcb, TCP_CC_LOSS_BEGIN, now);
	}
	l->cwnd = tcp_loss_pipe(tcb) + tcb->snd_mss;	/* LW, one segment */
	l->cwnd_stamp = now;
	if (l->ca_state <= TCP_CAS_DISORDER && l->sb.sacked.segs >= l->cfg->reordering)
		l->reordering = MIN(l->reordering, l->cfg->reordering);
	cwv_reduced(tcb, false);			/* RFC 7661 4.4: out of its phase, and on as ever */
	enter(tcb, TCP_CAS_LOSS);
	l->recovery_point = tcb->snd_nxt;
	l->cwr_due = true;
	l->frto = l->cfg->frto && (first || again);
	l->frto_new = false;
}
