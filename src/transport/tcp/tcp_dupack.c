/*
 * Duplicate ACKs in place of SACK, RFC 5681 3.2 and RFC 6582: where the peer has no SACK each of them stands for one segment that
 * arrived, nobody knows which; it leaves the pipe (tcp_loss_pipe) as a SACKed one would.  What is lost is the first outstanding
 * segment, once `reordering` of them came, and in a recovery with each partial ACK.
 *
 * Always: what they stand for and the holes, one at least, are together no more than what is outstanding.
 */
#include "base/check.h"
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_recovery.h"

/* Each stands for one segment received, but the first outstanding one was not: there cannot be more than the others. */
static void limit_dupacks(struct tcp_tcb *tcb)
{
	struct tcp_loss *l = &tcb->loss;
	uint32_t holes = MIN(MAX(l->sb.lost.segs, 1u), l->sb.out.segs);
	if (l->dupacks + holes <= l->sb.out.segs)
		return;
	l->dupacks = l->sb.out.segs - holes;
	l->reordering = MIN(MAX(l->sb.out.segs, l->reordering), l->cfg->max_reordering);
	l->reord_seen++;
}

void dupack_count(struct tcp_tcb *tcb, struct tcp_acked *a)
{
	uint32_t before = tcb->loss.dupacks++;
	limit_dupacks(tcb);
	if (tcb->loss.dupacks > before)
		a->delivered += tcb->snd_mss;
}

void dupack_take(struct tcp_tcb *tcb, struct tcp_acked *a)
{
	struct tcp_loss *l = &tcb->loss;
	uint32_t others = a->acked_segs ? a->acked_segs - 1 : 0;
	uint32_t taken = MIN(others, l->dupacks), bytes = taken * tcb->snd_mss;
	l->dupacks -= taken;
	a->delivered = a->delivered > bytes ? a->delivered - bytes : MIN(a->delivered, tcb->snd_mss);
	limit_dupacks(tcb);
}

void dupack_detect_loss(struct tcp_tcb *tcb, const struct tcp_acked *a, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	struct tcp_sb *sb = &l->sb;
	bool first = l->ca_state < TCP_CAS_RECOVERY && l->dupacks >= l->reordering;
	bool partial = l->ca_state >= TCP_CAS_RECOVERY && a->una_advanced;
	uint32_t i = sb->first;
	if ((!first && !partial) || i == SB_NONE || sb->rec[i].flags & SB_LOST)
		return;
	if (sb->rec[i].len > sb->rec[i].mss)
		sb_split(sb, i, sb->rec[i].mss);
	tcp_lost(tcb, i, now);
	limit_dupacks(tcb);
}
