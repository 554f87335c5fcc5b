/*
 * RFC 6675 4 where RACK is off (tcp_recovery=0): IsLost() by what was SACKed above, and the last resorts of NextSeg(), its
 * rules (3) and (4).  Rules (1) and (2), what is lost and then new text, are tcp_loss_next and tcp_loss_quota, with RACK or
 * without.  With RACK a timer finds what IsLost() cannot yet name, and nothing goes on suspicion.
 *
 *	SND.UNA            high_rxt                          high_sacked                  SND.NXT
 *	   |  sent again, or SACKed  |  hole: rule (3)  |  SACKed  |       outstanding    | last: rule (4) |
 *
 * Always, in RECOVERY: nothing below high_rxt goes out again; one rescue at most.
 */
#include "base/check.h"
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_recovery.h"

/* ---- IsLost() ---------------------------------------------------------------------------------------------------- */
/*
 * What rule (3) has sent again is lost now: its first copy leaves the pipe, SetPipe() (a), the second stays in it, (b), and by
 * rule (1.a) there is no third.
 */
static bool sent_on_suspicion(const struct tcp_loss *l, const struct tcp_sb_rec *r)
{
	return l->ca_state == TCP_CAS_RECOVERY && r->flags & SB_RETRANS && seq_lt(r->seq, l->high_rxt);
}

static void lose(struct tcp_tcb *tcb, uint32_t i, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	if (!sent_on_suspicion(l, &l->sb.rec[i])) {
		tcp_lost(tcb, i, now);
		return;
	}
	sb_mark_first_lost(&l->sb, i);
	tcp_lost_count(tcb, &l->sb.rec[i], now);
}

/* Lost is what lies below DupThresh SACKed segments, or below more than (DupThresh - 1) * SMSS SACKed bytes. */
void sack_detect_loss(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	struct tcp_sb *sb = &l->sb;
	uint32_t segs = 0, bytes = 0, i = sb->sacked.bytes ? sb_find(sb, seq_sub(sb->high_sacked, 1)) : SB_NONE;
	for (; i != SB_NONE; i = sb->rec[i].prev) {
		const struct tcp_sb_rec *r = &sb->rec[i];
		if (!(r->flags & SB_SACKED))
			continue;
		segs += r->segs;
		bytes += r->len;
		if (segs >= l->reordering || bytes > (l->reordering - 1) * tcb->snd_mss)
			break;
	}
	if (i == SB_NONE)
		return;
	tcp_seq below = sb->rec[i].seq;
	if (seq_lt(l->lost_below, tcb->snd_una) || seq_gt(l->lost_below, tcb->snd_nxt))
		l->lost_below = tcb->snd_una;
	for (i = sb->rec[i].prev; i != SB_NONE && seq_gt(sb_end(&sb->rec[i]), l->lost_below); i = sb->rec[i].prev)
		if (!(sb->rec[i].flags & (SB_SACKED | SB_LOST)))
			lose(tcb, i, now);
	l->lost_below = seq_max(l->lost_below, below);
}

/* ---- NextSeg(), rules (3) and (4) -------------------------------------------------------------------------------- */
/* RFC 6675 5, step 4.3: the first segment goes again, and no rescue before more than that is acknowledged. */
void sack_recovery_begins(struct tcp_tcb *tcb)
{
	struct tcp_loss *l = &tcb->loss;
	const struct tcp_sb_rec *r = &l->sb.rec[l->sb.first];
	l->high_rxt = tcb->snd_una;
	l->rescue_rxt = seq_add(tcb->snd_una, MIN(r->len, (uint32_t)r->mss));
	l->rescuing = false;
}

bool sack_resent(struct tcp_tcb *tcb, tcp_seq end)
{
	struct tcp_loss *l = &tcb->loss;
	if (l->ca_state != TCP_CAS_RECOVERY)
		return false;
	if (!l->rescuing) {			/* step C.2 */
		l->high_rxt = seq_max(l->high_rxt, end);
		return false;
	}
	l->rescuing = false;
	l->rescue_rxt = l->recovery_point;
	return true;
}

/* Rule (3): the lowest hole above HighRxt and below what was SACKed, though IsLost() does not say so yet. */
static bool suspect(const struct tcp_tcb *tcb, struct tcp_loss_range *out)
{
	const struct tcp_loss *l = &tcb->loss;
	const struct tcp_sb *sb = &l->sb;
	tcp_seq from = seq_max(l->high_rxt, tcb->snd_una);
	uint32_t i = sb->sacked.bytes ? sb_find(sb, from) : SB_NONE;
	if (i != SB_NONE && sb->rec[i].flags & SB_SACKED)
		i = sb->rec[i].next;		/* SACKed neighbours are one record: this one is not */
	if (i == SB_NONE)
		return false;
	const struct tcp_sb_rec *r = &sb->rec[i];
	from = seq_max(from, r->seq);
	if (seq_ge(from, sb->high_sacked))
		return false;
	uint32_t off = seq_len(r->seq, from), len = MIN(r->mss - off % r->mss, r->len - off);
	*out = (struct tcp_loss_range){ from, MIN(len, tcp_full_segment(tcb)), TCP_RESEND_FAST };
	return true;
}

/* Rule (4): the highest segment that is outstanding and not SACKed, once. */
static bool rescue(const struct tcp_tcb *tcb, struct tcp_loss_range *out)
{
	const struct tcp_sb *sb = &tcb->loss.sb;
	if (seq_le(tcb->snd_una, tcb->loss.rescue_rxt) || sb->last == SB_NONE)
		return false;
	uint32_t i = sb->rec[sb->last].flags & SB_SACKED ? sb->rec[sb->last].prev : sb->last;
	if (i == SB_NONE)
		return false;
	*out = tcp_last_segment(tcb, &sb->rec[i], TCP_RESEND_FAST);
	return true;
}

bool tcp_loss_last_resort(struct tcp_tcb *tcb, struct tcp_loss_range *out, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	l->rescuing = false;
	if (l->cfg->rack || !tcb->sack_ok || l->ca_state != TCP_CAS_RECOVERY || !l->sb.out.bytes || sb_wanted(&l->sb) != SB_NONE)
		return false;
	/* step C: while cwnd - pipe >= 1 SMSS */
	if ((uint64_t)tcp_loss_pipe(tcb) + tcp_full_segment(tcb) > l->cwnd || !sb_reserve(&l->sb, 4) || tcp_pacing_holds(tcb, now))
		return false;
	if (suspect(tcb, out))
		return true;
	return l->rescuing = rescue(tcb, out);
}
