/*
 * An ACK, read onto the scoreboard: DSACK (RFC 2883 4), SACK blocks (RFC 2018 5), the cumulative ACK.  Nothing is
 * decided here; struct tcp_acked carries what was learnt to recovery, the RTT estimate and congestion control.
 *
 * Blocks are a stranger's: whatever lies outside [SND.UNA, SND.NXT] is ignored, a block that covers part of a segment
 * covers none of it, and one ACK's work is bounded by what is new in it.
 */
#include "base/check.h"
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_recovery.h"

void tcp_reordering_seen(struct tcp_tcb *tcb, tcp_seq low, tcp_seq high)
{
	struct tcp_loss *l = &tcb->loss;
	uint32_t mss = MAX(tcb->snd_mss, 1u);
	if (!seq_lt(low, high))
		return;
	uint32_t segs = (seq_len(low, high) + mss - 1) / mss;
	if (segs > l->reordering)
		l->reordering = MIN(segs, l->cfg->max_reordering);
	l->reord_seen++;
}

/* `len` bytes from the start of r arrived; what is remembered of r is still that of its last transmission. */
static void arrived(struct tcp_tcb *tcb, struct tcp_acked *a, const struct tcp_sb_rec *r, bool by_sack, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	a->delivered += r->len;
	a->delivered_segs += r->segs;
	rack_delivered(&l->rack, r, now);
	rate_delivered(tcb, &a->rs, r, r->len, now);
	if (r->flags & SB_EVER)
		return;
	/*
	 * A SACK may tell late what came long ago, when the SACKs that told it first were lost: it times nothing given
	 * up.
	 */
	bool timed = !by_sack || !(r->flags & SB_LOST);
	ol_time *first = by_sack ? &a->first_sacked : &a->first_acked;
	ol_time *last = by_sack ? &a->last_sacked : &a->last_acked;
	if (timed) {
		*first = MIN(*first, r->sent_at);
		*last = *last == OL_NEVER ? r->sent_at : MAX(*last, r->sent_at);
	}
	/* RFC 5682 3.1 asks for this; the point is where the present episode began. */
	if (seq_le(sb_end(r), l->recovery_point))
		a->orig_acked = true;
	/* RFC 8985 6.2 step 3: sent once, and yet later here than what was sent after it. */
	if (a->prior_high_ok && seq_lt(r->seq, a->prior_high) && (!a->reordered || seq_lt(r->seq, a->reordered_at))) {
		a->reordered = true;
		a->reordered_at = r->seq;
	}
}

/* ---- DSACK, RFC 2883 4 ------------------------------------------------------------------------------------------- */
/* Is the first block a report of a duplicate?  It lies below the ACK or inside the second block. */
static bool is_dsack(const struct tcp_ack_event *ev)
{
	const struct tcp_sack_block *b = ev->sack;
	if (!ev->n_sack || !seq_lt(b[0].left, b[0].right))
		return false;
	if (seq_lt(b[0].left, ev->ack))
		return true;
	return ev->n_sack > 1 && seq_le(b[1].left, b[0].left) && seq_le(b[0].right, b[1].right);
}

/* Was what still waits for its ACK sent twice, all of it?  What was acknowledged is forgotten: the peer's word stands. */
static bool sent_twice(const struct tcp_sb *sb, tcp_seq left, tcp_seq right)
{
	uint32_t i = sb->first == SB_NONE ? SB_NONE : sb_find(sb, seq_max(left, sb->rec[sb->first].seq));
	for (; i != SB_NONE && seq_lt(sb->rec[i].seq, right); i = sb->rec[i].next)
		if (!(sb->rec[i].flags & SB_EVER))
			return false;
	return true;
}

static void dsack(struct tcp_tcb *tcb, struct tcp_acked *a)
{
	struct tcp_loss *l = &tcb->loss;
	const struct tcp_sack_block *b = &a->ev->sack[0];
	uint32_t len = seq_len(b->left, b->right), mss = MAX(tcb->snd_mss, 1u);
	/* Of what we never sent, of another age, or of more than we ever repeated: not caused by us. */
	if (seq_gt(b->right, tcb->snd_nxt) || seq_diff(b->left, tcb->snd_una) > (1 << 30) || len > (1u << 30))
		return;
	uint32_t segs = (len + mss - 1) / mss;
	if (segs > l->segs_retrans)
		return;
	a->dsack = true;
	l->n_dsack += segs;
	if (l->tlp_out && l->tlp_retrans && seq_eq(b->right, l->tlp_end))
		a->dsack_tlp = true;
	else
		l->rack.dsack_seen = true;
	if (l->undo_valid && l->undo_retrans > 0 && seq_gt(b->right, l->undo_marker) &&
	    sent_twice(&l->sb, b->left, b->right))
		l->undo_retrans = MAX(l->undo_retrans - segs, 0);
}

/* ---- SACK, RFC 2018 5 -------------------------------------------------------------------------------------------- */
/*
 * Cuts out of record i the whole segments that lie in [from, to), offsets within it.  Returns that record, or SB_NONE
 * where there is none or memory is short: then the SACK counts for nothing, which is always safe.
 */
static uint32_t cut_out(struct tcp_sb *sb, uint32_t i, uint32_t from, uint32_t to)
{
	uint32_t len = sb->rec[i].len, mss = sb->rec[i].mss;
	from = (from + mss - 1) / mss * mss;
	if (to < len)
		to = to / mss * mss;
	if (from >= to)
		return SB_NONE;
	if (from) {
		i = sb_split(sb, i, from);
		if (i == SB_NONE)
			return SB_NONE;
	}
	if (to < len && sb_split(sb, i, to - from) == SB_NONE)
		return SB_NONE;
	return i;
}

static void sack_block(struct tcp_tcb *tcb, struct tcp_acked *a, tcp_seq left, tcp_seq right, ol_time now)
{
	struct tcp_sb *sb = &tcb->loss.sb;
	uint32_t i = sb_find(sb, left);
	while (i != SB_NONE && seq_lt(sb->rec[i].seq, right)) {
		const struct tcp_sb_rec *r = &sb->rec[i];
		if (!(r->flags & SB_SACKED)) {
			uint32_t from = seq_lt(r->seq, left) ? seq_len(r->seq, left) : 0;
			uint32_t to = seq_lt(right, sb_end(r)) ? seq_len(r->seq, right) : r->len;
			uint32_t k = cut_out(sb, i, from, to);
			if (k == SB_NONE) {
				i = sb->rec[i].next;
				continue;
			}
			a->data_sacked = true;
			a->sacked_bytes += sb->rec[k].len;
			arrived(tcb, a, &sb->rec[k], true, now);
			i = sb_mark_sacked(sb, k);
		}
		i = sb->rec[i].next;
	}
}

static void sack_blocks(struct tcp_tcb *tcb, struct tcp_acked *a, ol_time now)
{
	const struct tcp_ack_event *ev = a->ev;
	unsigned i = 0;
	if (is_dsack(ev)) {
		dsack(tcb, a);
		i = 1;
	}
	for (; i < ev->n_sack; i++) {
		const struct tcp_sack_block *b = &ev->sack[i];
		/*
		 * A block that begins at SND.UNA contradicts the ACK that put SND.UNA there, whether it comes with it or in one sent
		 * before: the peer has thrown that text away since (RFC 2018 8).
		 */
		if (seq_lt(b->left, b->right) && seq_gt(b->left, ev->prior_una) && seq_le(b->right, tcb->snd_nxt) &&
		    seq_gt(b->right, tcb->snd_una))
			sack_block(tcb, a, b->left, b->right, now);
	}
}

/* ---- the cumulative ACK ------------------------------------------------------------------------------------------ */
static void cumulative(struct tcp_tcb *tcb, struct tcp_acked *a, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	struct tcp_sb *sb = &l->sb;
	while (sb->first != SB_NONE && seq_lt(sb->rec[sb->first].seq, tcb->snd_una)) {
		struct tcp_sb_rec r = sb->rec[sb->first];
		uint32_t segs = sb->out.segs;
		if (seq_lt(tcb->snd_una, sb_end(&r)))
			r.len = seq_len(r.seq, tcb->snd_una);
		sb_ack_first(sb, tcb->snd_una);
		r.segs = segs > sb->out.segs ? segs - sb->out.segs : 0;
		a->acked_segs += r.segs;
		a->retrans_acked |= (r.flags & SB_EVER) != 0;
		if (!(r.flags & SB_SACKED)) {
			a->data_acked = true;
			arrived(tcb, a, &r, false, now);
		}
	}
}

void tcp_acked_read(struct tcp_tcb *tcb, struct tcp_acked *a, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	a->una_advanced = seq_gt(tcb->snd_una, a->ev->prior_una);
	a->acked = a->una_advanced ? seq_len(a->ev->prior_una, tcb->snd_una) : 0;
	a->dup = !a->una_advanced && !a->ev->text && !a->ev->wnd_update && seq_eq(a->ev->ack, tcb->snd_una) &&
		 l->sb.out.bytes != 0;
	a->prior_high_ok = l->sb.sacked.bytes != 0;
	a->prior_high = l->sb.high_sacked;
	a->prior_pipe = tcp_loss_pipe(tcb);
	a->prior_lost = l->rate.lost;
	a->first_acked = a->last_acked = a->first_sacked = a->last_sacked = OL_NEVER;
	a->rs = (struct tcp_rate_sample){ .rtt = -1, .prior_in_flight = a->prior_pipe };
	if (tcb->sack_ok && a->ev->n_sack)
		sack_blocks(tcb, a, now);
	cumulative(tcb, a, now);
	if (a->una_advanced && !l->sb.out.bytes)
		l->emptied_at = now;
	if (!tcb->sack_ok && a->retrans_acked)
		a->orig_acked = false;		/* it may all have come before the hole that was mended: there are no SACKs to tell */
	if (a->reordered && tcb->sack_ok)
		tcp_reordering_seen(tcb, a->reordered_at, a->prior_high);
}
