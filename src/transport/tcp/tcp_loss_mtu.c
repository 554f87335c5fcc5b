/*
 * The path's MTU, as far as losses tell of it: a probe, which is larger than the other segments, and a path that takes less than was
 * sent.  Neither is congestion (RFC 4821 7.6.2, RFC 1191 6.5).  The search is tcp_mtup.c's.
 *
 *	probe:	NONE --sent--> OUT --acknowledged--> ARRIVED
 *	                        |--it alone is lost--> MISSED --all that was out then is acknowledged--> LOST
 *	                        `--(or from MISSED) other losses: UNSURE, a timeout: TIMEOUT
 */
#include "base/check.h"
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_recovery.h"

/* ---- a probe ----------------------------------------------------------------------------------------------------- */
enum tcp_probe_room tcp_loss_probe_room(struct tcp_tcb *tcb, uint32_t len, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	if (l->tlp_new || l->tlp_again || l->frto_new || !sb_reserve(&l->sb, 1))
		return TCP_PROBE_NOT_NOW;
	if (tcp_pacing_holds(tcb, now))
		return TCP_PROBE_WAITS;
	cwv_restart_after_idle(tcb, now);
	uint32_t pipe = tcp_loss_pipe(tcb), room = l->cwnd > pipe ? l->cwnd - pipe : 0;
	if (room >= len)
		return TCP_PROBE_GO;
	return pipe ? TCP_PROBE_WAITS : TCP_PROBE_NOT_NOW;
}

void tcp_loss_probe_sent(struct tcp_tcb *tcb, tcp_seq seq, uint32_t len, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	tcp_loss_note(tcb, seq, len, MIN(len, 65535u), now);
	l->probe = TCP_PROBE_OUT;
	l->probe_from = seq;
	l->probe_to = seq_add(seq, len);
}

/*
 * 7.6.2: is something lost that tells of congestion?  The probe alone does not, unless its text was lost once more when it was
 * sent again in ordinary segments.  Not being congestion it begins no episode: what is lost goes out as the window lets it.
 */
bool tcp_loss_congests(struct tcp_tcb *tcb, bool lost_retrans)
{
	struct tcp_loss *l = &tcb->loss;
	const struct tcp_sb *sb = &l->sb;
	uint32_t of_probe = 0;
	if (l->probe != TCP_PROBE_OUT && l->probe != TCP_PROBE_MISSED)
		return sb->lost.bytes != 0;
	/* a record for each segment it was sent again in, at most: bounded by its length */
	for (uint32_t i = sb_find(sb, seq_max(l->probe_from, tcb->snd_una)); i != SB_NONE; i = sb->rec[i].next) {
		if (seq_ge(sb->rec[i].seq, l->probe_to))
			break;
		if (sb->rec[i].flags & SB_LOST)
			of_probe += sb->rec[i].len;
	}
	if (sb->lost.bytes > of_probe || (of_probe && lost_retrans))
		return true;
	if (of_probe && l->probe == TCP_PROBE_OUT) {
		l->probe = TCP_PROBE_MISSED;
		l->probe_until = tcb->snd_nxt;
	}
	return false;
}

void tcp_recovery_probe_ack(struct tcp_tcb *tcb)
{
	struct tcp_loss *l = &tcb->loss;
	if (l->probe == TCP_PROBE_OUT && seq_ge(tcb->snd_una, l->probe_to))
		l->probe = TCP_PROBE_ARRIVED;
	else if (l->probe == TCP_PROBE_MISSED && seq_ge(tcb->snd_una, l->probe_until))
		l->probe = TCP_PROBE_LOST;
}

enum tcp_probe_state tcp_loss_probe_result(struct tcp_tcb *tcb)
{
	enum tcp_probe_state s = tcb->loss.probe;
	if (s >= TCP_PROBE_ARRIVED)
		tcb->loss.probe = TCP_PROBE_NONE;
	return s;
}

/* ---- a smaller path ---------------------------------------------------------------------------------------------- */
void tcp_loss_keep_segments(struct tcp_tcb *tcb, uint32_t was_mss)
{
	struct tcp_loss *l = &tcb->loss;
	l->cwnd = MAX(l->cwnd / was_mss, 1u) * tcp_full_segment(tcb);
	if (l->ssthresh < TCP_INFINITE_SSTHRESH)
		l->ssthresh = MAX(l->ssthresh / was_mss, 2u) * tcp_full_segment(tcb);
}

void tcp_loss_mtu_shrunk(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	struct tcp_sb *sb = &l->sb;
	bool marked = false;
	if (!l->established) {			/* a SYN with text was too big: the SYN goes again, without */
		if (sb->n)
			sb_mark_lost(sb, sb->first);
		return;
	}
	for (uint32_t i = sb->first; i != SB_NONE; i = sb->rec[i].next)
		if (sb->rec[i].mss > tcb->snd_mss && sb->rec[i].len > tcb->snd_mss && !(sb->rec[i].flags & SB_SACKED)) {
			sb_mark_lost(sb, i);
			marked = true;
		}
	if (marked && l->ca_state != TCP_CAS_LOSS)
		tcp_resend_only(tcb, now);
}
