/*
 * RACK, RFC 8985 section 6: a segment is lost when one sent later was delivered and enough time has passed for mere
 * reordering to show.  The steps are numbered as in 6.2; step 3 (reordering seen) is in tcp_acked.c, where segments
 * are met one by one.  Tail loss probes, section 7, are in tcp_recovery.c.
 */
#include "base/check.h"
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_rack.h"
#include "transport/tcp/tcp_recovery.h"

#define RACK_MIN_RTT_WINDOW (300 * OL_SEC)	/* paths change: a minimum older than this is forgotten */
enum { RACK_REO_PERSIST = 16 };
enum { RACK_REO_LOOK = 64 };		/* records looked at for the last of several reordering timeouts */

void rack_init(struct tcp_rack *rack)
{
	*rack = (struct tcp_rack){ .min_rtt = OL_NEVER, .reo_wnd_mult = 1 };
}

void rack_min_rtt(struct tcp_rack *rack, ol_time rtt, ol_time now)
{
	if (rtt <= rack->min_rtt || now - rack->min_rtt_at > RACK_MIN_RTT_WINDOW) {
		rack->min_rtt = MAX(rtt, 1);
		rack->min_rtt_at = now;
	}
}

void rack_delivered(struct tcp_rack *rack, const struct tcp_sb_rec *r, ol_time now)
{
	ol_time rtt = now - r->sent_at;
	/* The ACK of a retransmission may be that of the original: quicker than any round trip, it must be. */
	if (r->flags & SB_EVER && rack->min_rtt != OL_NEVER && rtt < rack->min_rtt)
		return;
	rack->advanced = true;
	rack->rtt = rtt;
	/*
	 * RACK_sent_after: by the order of transmissions, which is what RFC 8985 would know from a clock that never
	 * ties.
	 */
	if (!rack->any || sb_sent_before(rack->order, rack->end_seq, r->order, sb_end(r))) {
		rack->any = true;
		rack->order = r->order;
		rack->xmit_ts = r->sent_at;
		rack->end_seq = sb_end(r);
	}
}

void rack_update_reo_wnd(struct tcp_tcb *tcb, bool dsack)
{
	struct tcp_rack *rack = &tcb->loss.rack;
	/* At most once a round trip: those reported in one round trip were sent under one window. */
	if (rack->dsack_round_on && seq_ge(tcb->snd_una, rack->dsack_round))
		rack->dsack_round_on = false;
	if (!dsack || rack->dsack_round_on)
		return;
	rack->dsack_round_on = true;
	rack->dsack_round = tcb->snd_nxt;
	rack->reo_wnd_mult = MIN(rack->reo_wnd_mult + 1, 255u);
	rack->reo_wnd_persist = RACK_REO_PERSIST;
}

void rack_recovery_over(struct tcp_rack *rack)
{
	if (rack->reo_wnd_persist && --rack->reo_wnd_persist == 0)
		rack->reo_wnd_mult = 1;
}

/* RACK_update_reo_wnd's last lines: how long to wait for a straggler. */
static ol_time reo_wnd(const struct tcp_tcb *tcb)
{
	const struct tcp_loss *l = &tcb->loss;
	if (!l->reord_seen) {
		if (l->ca_state >= TCP_CAS_RECOVERY)
			return 0;
		if (l->sb.sacked.segs >= l->cfg->reordering)	/* DupThresh */
			return 0;
	}
	if (l->rack.min_rtt == OL_NEVER)
		return 0;
	return MIN(l->rack.min_rtt / 4 * l->rack.reo_wnd_mult, tcb->srtt_ns);
}

/* RACK_detect_loss */
bool rack_detect_loss(struct tcp_tcb *tcb, ol_time *reo_at, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	struct tcp_sb *sb = &l->sb;
	*reo_at = OL_NEVER;
	if (!l->rack.any)
		return false;
	ol_time wnd = reo_wnd(tcb), last = 0;
	bool marked = false;
	unsigned waiting = 0;
	for (uint32_t i = sb->oldest, newer; i != SB_NONE; i = newer) {
		const struct tcp_sb_rec *r = &sb->rec[i];
		newer = r->newer;
		if (!sb_sent_before(r->order, sb_end(r), l->rack.order, l->rack.end_seq))
			break;
		ol_time at = r->sent_at + l->rack.rtt + wnd;
		if (at <= now) {
			tcp_lost(tcb, i, now);
			marked = true;
		} else {
			last = at;	/* the list is in order of transmission: the last is the latest */
			if (++waiting == RACK_REO_LOOK)
				break;
		}
	}
	if (waiting)
		*reo_at = last;
	return marked;
}
