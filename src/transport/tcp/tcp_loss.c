/*
 * The seam (tcp_loss.h): what the core tells is noted on the scoreboard, what it asks is answered from there.  What the path's MTU
 * has to do with it is in tcp_loss_mtu.c, a window that is not used in tcp_cwv.c, the deadlines in tcp_loss_timer.c, pacing in
 * tcp_pacing.c.
 */
#include <linux/tcp.h>
#include "base/check.h"
#include "transport/tcp/tcp_accecn.h"
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_output.h"
#include "transport/tcp/tcp_recovery.h"

struct tcp_loss_cfg tcp_loss_cfg_default(void)
{
	return (struct tcp_loss_cfg){
		.rto_min = 200 * OL_MS, .rto_max = 120 * OL_SEC, .rto_initial = OL_SEC, .max_ack_delay = 200 * OL_MS,
		.initial_cwnd = 10, .reordering = 3, .max_reordering = 300, .limit_cwnd = 1u << 30,
		.rack = true, .tlp = true, .frto = true, .hystart = true, .pace_ss = 200, .pace_ca = 120,
	};
}

uint32_t tcp_full_segment(const struct tcp_tcb *tcb)
{
	return CLAMP(tcb->snd_mss, 1u, 65535u);
}

/* The size in which what is being told of was cut: the scoreboard's records have the peer's boundaries. */
static uint16_t cut_of(const struct tcp_tcb *tcb)
{
	uint32_t mss = tcp_full_segment(tcb);
	return (uint16_t)(tcb->snd_cut ? MIN(tcb->snd_cut, mss) : mss);
}

uint32_t tcp_initial_window(const struct tcp_tcb *tcb)
{
	return MIN((uint64_t)tcb->loss.cfg->initial_cwnd * tcp_full_segment(tcb), (uint64_t)tcb->loss.cfg->limit_cwnd);
}

void tcp_loss_init(struct tcp_tcb *tcb, const struct tcp_loss_cfg *cfg, const char *cc, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	*l = (struct tcp_loss){
		.cfg = cfg, .ssthresh = TCP_INFINITE_SSTHRESH, .reordering = cfg->reordering, .cwnd_stamp = now,
		.rto_at = OL_NEVER, .tlp_at = OL_NEVER, .reo_at = OL_NEVER, .pacing_at = now,
	};
	sb_init(&l->sb);
	l->sb.stock = tcb->tcp ? &tcb->tcp->records : NULL;
	rack_init(&l->rack);
	l->cwnd = tcp_initial_window(tcb);
	tcb->srtt_ns = tcb->rttvar_ns = 0;
	tcb->rto_ns = cfg->rto_initial;
	l->cc = tcp_cc_find(cc && *cc ? cc : "cubic");
	if (!l->cc)
		l->cc = tcp_cc_find("cubic");
	l->cc->init(tcb, now);
}

void tcp_loss_fini(struct tcp_tcb *tcb)
{
	if (tcb->loss.cc && tcb->loss.cc->fini)
		tcb->loss.cc->fini(tcb);
	tcb->loss.cc = NULL;
	sb_fini(&tcb->loss.sb);
}

bool tcp_loss_set_cc(struct tcp_tcb *tcb, const char *name, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	const struct tcp_cc_ops *cc = tcp_cc_find(name);
	if (!cc)
		return false;
	if (cc == l->cc)
		return true;
	if (l->cc->fini)
		l->cc->fini(tcb);
	l->cc = cc;
	l->rate.pacing_rate = 0;
	for (unsigned i = 0; i < TCP_CC_STATE_WORDS; i++)
		l->cc_state[i] = 0;
	l->cc->init(tcb, now);
	return true;
}

void tcp_loss_established(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	l->established = true;
	/* RFC 6928 2: one SYN lost may have been a short RTO's fault; two are a sign. */
	l->cwnd = l->syn_retrans > 1 ? tcp_full_segment(tcb) : tcp_initial_window(tcb);
	l->ssthresh = TCP_INFINITE_SSTHRESH;
	l->ca_state = TCP_CAS_OPEN;
	l->backoff = l->rto_shift = 0;
	l->cwnd_stamp = now;
	l->undo_valid = false;
	l->recovery_point = tcb->snd_una;
	l->max_flight_end = l->lost_below = tcb->snd_una;
	if (l->syn_retrans)				/* RFC 6298 5.7 */
		tcb->rto_ns = MAX(tcb->rto_ns, 3 * OL_SEC);
}

void tcp_loss_handshake_marked(struct tcp_tcb *tcb)
{
	tcb->loss.cwnd = tcp_full_segment(tcb);
}

void tcp_loss_rtt(struct tcp_tcb *tcb, ol_time rtt_ns, ol_time now)
{
	rack_min_rtt(&tcb->loss.rack, MAX(rtt_ns, 1), now);
	tcp_rtt_sample(tcb, rtt_ns);
}

uint32_t tcp_loss_pipe(const struct tcp_tcb *tcb)
{
	const struct tcp_loss *l = &tcb->loss;
	uint32_t pipe = sb_pipe(&l->sb);
	return l->dupacks ? pipe - (uint32_t)MIN((uint64_t)l->dupacks * tcb->snd_mss, (uint64_t)pipe) : pipe;
}

/* ---- out --------------------------------------------------------------------------------------------------------- */
bool tcp_loss_room(struct tcp_tcb *tcb)
{
	return sb_reserve(&tcb->loss.sb, 2);			/* a SYN may have text */
}

void tcp_loss_note(struct tcp_tcb *tcb, tcp_seq seq, uint32_t len, uint32_t mss, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	uint32_t segs = l->sb.out.segs;
	if (!l->sb.out.bytes)
		tcp_cc_tell(tcb, TCP_CC_TX_START, now);
	struct tcp_tx tx = rate_sent(tcb, len, now);
	sb_append(&l->sb, seq, len, (uint16_t)mss, &tx, now);
	l->segs_sent += l->sb.out.segs - segs;
	if (tcp_in_reduction(l))
		l->prr_out += len;
	l->last_sent = now;
	tcp_pacing_spend(tcb, len, now);
	if (l->rto_at == OL_NEVER)		/* RFC 6298 5.1 */
		tcp_rto_start(tcb, now);
	if (l->tlp_new) {			/* this was the probe: RFC 8985 7.3 */
		l->tlp_new = l->tlp_retrans = false;
		l->tlp_out = true;
		l->tlp_end = seq_add(seq, len);
		l->tlp_stale = true;
		l->n_tlp++;
		tcp_rto_start(tcb, now);
	} else {
		tcp_tlp_arm(tcb, now);
	}
}

void tcp_loss_sent(struct tcp_tcb *tcb, tcp_seq seq, uint32_t len, ol_time now)
{
	tcp_loss_note(tcb, seq, len, cut_of(tcb), now);
}

/*
 * Marks [seq, seq + len) as sent again, cutting records at its ends.  What went in one piece is one record from here on: the
 * peer's SACK will name segments as they were cut now.  A rescue is not counted in the pipe.  Returns how many segments that were.
 */
static uint32_t mark_resent(struct tcp_tcb *tcb, tcp_seq seq, uint32_t len, bool rescue, ol_time now)
{
	struct tcp_sb *sb = &tcb->loss.sb;
	tcp_seq end = seq_add(seq, len);
	uint32_t segs = 0, i = sb_find(sb, seq), k = sb_find(sb, end);
	if (k != SB_NONE && seq_lt(sb->rec[k].seq, end))
		sb_split(sb, k, seq_len(sb->rec[k].seq, end));
	if (i != SB_NONE && seq_lt(sb->rec[i].seq, seq)) {
		k = sb_split(sb, i, seq_len(sb->rec[i].seq, seq));
		i = k == SB_NONE ? i : k;
	}
	while (i != SB_NONE && seq_lt(sb->rec[i].seq, end)) {
		while (seq_lt(sb_end(&sb->rec[i]), end) && sb_join_lost(sb, i))
			;
		if (!(sb->rec[i].flags & SB_SACKED)) {
			struct tcp_tx tx = rate_sent(tcb, sb->rec[i].len, now);
			uint8_t flags = sb->rec[i].flags;
			sb_mark_resent(sb, i, cut_of(tcb), &tx, now);
			if (rescue && !(flags & (SB_LOST | SB_RETRANS)))
				sb_mark_not_counted(sb, i);
			segs += sb->rec[i].segs;
		}
		i = sb->rec[i].next;
	}
	return segs;
}

void tcp_loss_resent(struct tcp_tcb *tcb, tcp_seq seq, uint32_t len, uint32_t tsval, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	bool head = seq_le(seq, tcb->snd_una), rescue = sack_resent(tcb, seq_add(seq, len));
	uint32_t segs = mark_resent(tcb, seq, len, rescue, now);
	l->segs_retrans += segs;
	l->bytes_retrans += len;
	l->undo_retrans = MAX(l->undo_retrans, 0) + segs;
	if (!l->rexmit_ts_ok && tcb->ts_ok) {
		l->rexmit_ts_ok = true;
		l->rexmit_ts = tsval;
	}
	if (!l->established)
		l->syn_retrans += l->syn_retrans < UINT8_MAX;
	if (tcp_in_reduction(l))
		l->prr_out += len;
	l->last_sent = now;
	tcp_pacing_spend(tcb, len, now);
	if (l->tlp_again) {			/* RFC 8985 7.3 */
		l->tlp_again = false;
		l->tlp_out = l->tlp_retrans = true;
		l->tlp_end = tcb->snd_nxt;
		l->tlp_stale = true;
		l->n_tlp++;
	}
	l->tlp_at = OL_NEVER;
	if (head || l->rto_at == OL_NEVER)
		tcp_rto_start(tcb, now);
}

struct tcp_loss_range tcp_last_segment(const struct tcp_tcb *tcb, const struct tcp_sb_rec *r, enum tcp_resend why)
{
	uint32_t mss = MIN(tcp_full_segment(tcb), r->mss), before = (r->len - 1) / mss * mss;
	return (struct tcp_loss_range){ seq_add(r->seq, before), r->len - before, why };
}

/* The last segment sent: what a probe repeats where there is nothing new. */
static bool probe_range(const struct tcp_tcb *tcb, struct tcp_loss_range *out)
{
	const struct tcp_sb *sb = &tcb->loss.sb;
	if (sb->last == SB_NONE || sb->rec[sb->last].flags & SB_SACKED)
		return false;
	*out = tcp_last_segment(tcb, &sb->rec[sb->last], TCP_RESEND_TLP);
	return true;
}

/*
 * How much from record i on may go in one piece: at most `most` bytes, to where what is lost or what the user calls a
 * record (MSG_EOR) ends.  Segments sent short
 * are put together where two fit in one (RFC 9293 3.8.1 lets a retransmission repacketize), full ones keep their
 * bounds, unless they are too long for the path now: then all of it is cut anew.
 */
static uint32_t lost_run(const struct tcp_tcb *tcb, uint32_t i, uint32_t most, uint32_t mss)
{
	const struct tcp_sb *sb = &tcb->loss.sb;
	uint32_t len = 0;
	most = MIN(most, tcp_record_left(tcb, sb->rec[i].seq));
	for (; i != SB_NONE && len < most; i = sb->rec[i].next) {
		const struct tcp_sb_rec *r = &sb->rec[i];
		if ((r->flags & (SB_SACKED | SB_LOST | SB_RETRANS)) != SB_LOST)
			break;
		if (r->mss <= mss && len % mss && len % mss + r->len > mss)
			break;
		len += r->len;
	}
	return MIN(len, most);
}

/* RFC 5682 2.1, from step 2.b on: until an ACK tells late from lost, two segments of new text and nothing again. */
static bool frto_asks(const struct tcp_tcb *tcb)
{
	const struct tcp_loss *l = &tcb->loss;
	return l->frto_new || (l->frto && l->ca_state == TCP_CAS_LOSS && seq_gt(tcb->snd_nxt, l->recovery_point));
}

bool tcp_loss_next(struct tcp_tcb *tcb, struct tcp_loss_range *out, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	struct tcp_sb *sb = &l->sb;
	uint32_t mss = tcp_full_segment(tcb);
	l->rescuing = false;
	if (l->tlp_again) {
		if (sb_reserve(sb, 4) && probe_range(tcb, out)) {
			out->len = MIN(out->len, tcp_record_left(tcb, out->seq));
			return true;
		}
		l->tlp_again = false;
	}
	uint32_t i = sb_wanted(sb);
	if (i == SB_NONE || frto_asks(tcb) || !sb_reserve(sb, 4) || tcp_pacing_holds(tcb, now))
		return false;
	uint32_t pipe = tcp_loss_pipe(tcb), room = l->cwnd > pipe ? l->cwnd - pipe : 0;
	uint32_t least = lost_run(tcb, i, mss, mss);
	if (room < least && pipe && l->established)	/* a SYN that had text with it waits for nobody */
		return false;
	uint32_t most = MAX(room / mss, 1u) * mss;
	if (l->rate.pacing_rate)
		most = MIN(most, tcp_loss_tso_goal(tcb));
	out->seq = sb->rec[i].seq;
	out->len = lost_run(tcb, i, most, mss);
	out->why = l->ca_state == TCP_CAS_LOSS ? TCP_RESEND_RTO : TCP_RESEND_FAST;
	return true;
}

uint32_t tcp_loss_quota(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	uint32_t mss = tcp_full_segment(tcb);
	if (!sb_reserve(&l->sb, 1))
		return 0;
	if (l->tlp_new)
		return mss;
	if (tcp_pacing_holds(tcb, now))
		return 0;
	cwv_restart_after_idle(tcb, now);
	uint32_t pipe = tcp_loss_pipe(tcb);
	if (!l->established)			/* Fast Open: a SYN-ACK without text takes no room */
		pipe -= MIN(pipe, 1u);
	uint32_t room = l->cwnd > pipe ? l->cwnd - pipe : 0;
	if (frto_asks(tcb))
		room = MIN(room, 2 * mss - MIN(2 * mss, seq_len(l->recovery_point, tcb->snd_nxt)));
	else if (room < mss && !pipe)
		return mss;
	if (room < mss)
		return 0;
	if (l->rate.pacing_rate)
		room = MIN(room, tcp_loss_tso_goal(tcb));
	return room / mss * mss;
}

void tcp_loss_stopped(struct tcp_tcb *tcb, enum tcp_stop why, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	uint32_t pipe = tcp_loss_pipe(tcb), out = l->sb.out.bytes;
	bool limited = pipe + tcp_full_segment(tcb) > l->cwnd;
	l->frto_new = false;
	if (l->tlp_new) {			/* the new text did not go after all */
		l->tlp_new = false;
		l->tlp_again = true;
	}
	if (why == TCP_STOP_APP && !limited && sb_wanted(&l->sb) == SB_NONE)
		l->rate.app_limited = MAX(l->rate.delivered + pipe, (uint64_t)1);
	if (!out) {
		sb_trim(&l->sb);		/* room was asked for and not used */
		return;
	}
	cwv_used(tcb, limited, now);
}

/* ---- in ---------------------------------------------------------------------------------------------------------- */
static void reduce(struct tcp_tcb *tcb, const struct tcp_acked *a)
{
	struct tcp_loss *l = &tcb->loss;
	tcp_prr(tcb, a->delivered, a->una_advanced && !a->rs.newly_lost);
	if (l->ece_floor && l->ca_state == TCP_CAS_CWR)
		l->cwnd = tcp_full_segment(tcb);
}

static void control(struct tcp_tcb *tcb, struct tcp_acked *a, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	/* Where the network reorders, SACKs are news as good as ACKs. */
	bool news = a->data_acked || a->una_advanced || (l->reordering > l->cfg->reordering && a->data_sacked);
	if (a->rs.rtt > 0 && l->cc->rtt)
		l->cc->rtt(tcb, a->rs.rtt, now);
	if (l->cc->control)
		l->cc->control(tcb, &a->rs, now);
	else if (tcp_in_reduction(l))
		reduce(tcb, a);
	else if (news && a->delivered && !a->ece && cwv_window_is_limit(l))	/* req: 3168-6.1.2-b */
		l->cc->grow(tcb, a->delivered, &a->rs, now);
	l->cwnd = MIN(l->cwnd, l->cfg->limit_cwnd);
	tcp_pacing_update(tcb);
}

/*
 * SACKed text at SND.UNA: the peer threw it away (RFC 2018 8), or ACKs were reordered.  Wait a little, then believe the
 * worst.
 */
static void check_reneging(struct tcp_tcb *tcb, const struct tcp_acked *a, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	if (!a->una_advanced)
		return;
	l->reneging = l->sb.n && l->sb.rec[l->sb.first].flags & SB_SACKED;
	if (l->reneging)
		l->rto_at = now + MAX(tcb->srtt_ns / 2, 10 * OL_MS);
}

static void timers_after_ack(struct tcp_tcb *tcb, const struct tcp_acked *a, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	if (!l->sb.out.bytes) {			/* RFC 6298 5.2 */
		l->rto_at = l->tlp_at = l->reo_at = OL_NEVER;
		l->tlp_new = l->tlp_again = false;
	} else if (a->una_advanced) {		/* 5.3 */
		if (!l->reneging)
			tcp_rto_start(tcb, now);
		tcp_tlp_arm(tcb, now);
	}
	if (l->reo_at != OL_NEVER || l->ca_state >= TCP_CAS_RECOVERY)
		l->tlp_at = OL_NEVER;
}

void tcp_loss_left(struct tcp_tcb *tcb, ol_time at, ol_time now)
{
	struct tcp_sb *sb = &tcb->loss.sb;
	for (uint32_t i = sb->n && at <= now ? sb->first : SB_NONE; i != SB_NONE; i = sb->rec[i].next)
		sb->rec[i].sent_at = MAX(sb->rec[i].sent_at, at);
}

void tcp_loss_ack(struct tcp_tcb *tcb, const struct tcp_ack_event *ev, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	struct tcp_acked a = { .ev = ev };
	if (!l->sb.out.bytes && l->ca_state == TCP_CAS_OPEN && !ev->ece && !ev->echo && !ev->n_sack)
		return;
	tcp_acked_read(tcb, &a, now);
	a.ece = ev->echo ? tcp_accecn_marks(tcb, &a, ev->echo) : ev->ece;
	tcp_ack_habit_note(tcb, &a, now);
	tcp_rtt_ack(tcb, &a, now);
	if (a.una_advanced)
		l->backoff = 0;
	check_reneging(tcb, &a, now);
	if (l->established) {
		tcp_recovery_tlp_ack(tcb, &a, now);
		tcp_recovery_ack(tcb, &a, now);
		tcp_recovery_probe_ack(tcb);
	}
	if (l->cfg->cwv && a.una_advanced)
		cwv_acked(tcb, now);
	l->segs_delivered += a.delivered_segs;
	a.rs.newly_acked = a.delivered;
	a.rs.newly_lost = (uint32_t)(l->rate.lost - a.prior_lost);
	rate_generate(tcb, &a.rs, now);
	if (l->established)
		control(tcb, &a, now);
	timers_after_ack(tcb, &a, now);
	if (l->ca_state <= TCP_CAS_DISORDER && !l->sb.retrans.bytes &&
	    (!l->sb.n || !(l->sb.rec[l->sb.first].flags & SB_EVER)))
		l->rexmit_ts_ok = false;
}

void tcp_resend_only(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	tcp_recovery_probe_unsure(l, TCP_PROBE_UNSURE);
	l->ssthresh = tcp_current_ssthresh(tcb);
	l->prior_ssthresh = 0;
	l->undo_valid = false;
	l->recovery_point = tcb->snd_nxt;
	l->ca_state = TCP_CAS_LOSS;
	l->frto = l->frto_new = false;
	tcp_rto_start(tcb, now);
}

void tcp_loss_syn_text(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_sb *sb = &tcb->loss.sb;
	for (uint32_t i = sb->first; i != SB_NONE; i = sb->rec[i].next)
		sb_mark_lost(sb, i);
	tcp_resend_only(tcb, now);
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */
static uint32_t us(ol_time t)
{
	return t == OL_NEVER ? UINT32_MAX : (uint32_t)MIN(t / OL_US, (ol_time)UINT32_MAX);
}

void tcp_loss_info(const struct tcp_tcb *tcb, struct tcp_info *info, ol_time now)
{
	const struct tcp_loss *l = &tcb->loss;
	uint32_t mss = tcp_full_segment(tcb);
	info->tcpi_ca_state = l->ca_state;
	info->tcpi_retransmits = l->backoff;
	info->tcpi_backoff = l->rto_shift;
	info->tcpi_rto = us(tcp_rto_now(tcb));
	info->tcpi_unacked = l->sb.out.segs;
	info->tcpi_sacked = l->sb.sacked.segs + l->dupacks;
	info->tcpi_lost = l->sb.lost.segs;
	info->tcpi_retrans = l->sb.retrans.segs;
	info->tcpi_rtt = us(tcb->srtt_ns);
	info->tcpi_rttvar = us(tcb->rttvar_ns);
	info->tcpi_snd_ssthresh = l->ssthresh >= TCP_INFINITE_SSTHRESH ? TCP_INFINITE_SSTHRESH : l->ssthresh / mss;
	info->tcpi_snd_cwnd = MAX(l->cwnd / mss, 1u);
	info->tcpi_reordering = l->reordering;
	info->tcpi_total_retrans = (uint32_t)l->segs_retrans;
	info->tcpi_pacing_rate = l->rate.pacing_rate ? l->rate.pacing_rate : UINT64_MAX;
	info->tcpi_max_pacing_rate = l->rate.max_pacing ? l->rate.max_pacing : UINT64_MAX;
	info->tcpi_min_rtt = us(l->rack.min_rtt);
	info->tcpi_delivery_rate = l->rate.last_rate;
	info->tcpi_delivery_rate_app_limited = l->rate.last_app_limited;
	info->tcpi_delivered = (uint32_t)l->segs_delivered;
	info->tcpi_delivered_ce = (uint32_t)l->segs_delivered_ce;
	info->tcpi_bytes_retrans = l->bytes_retrans;
	info->tcpi_dsack_dups = l->n_dsack;
	info->tcpi_reord_seen = l->reord_seen;
}

void tcp_loss_check(const struct tcp_tcb *tcb)
{
	const struct tcp_loss *l = &tcb->loss;
	sb_check(&l->sb, tcb->snd_una, tcb->snd_nxt);
	CHECK(l->cwnd > 0 && l->ssthresh > 0);
	CHECK(l->ca_state <= TCP_CAS_LOSS);
	CHECK(!l->sb.out.bytes || l->rto_at != OL_NEVER);
	CHECK(l->sb.out.bytes || (l->tlp_at == OL_NEVER && l->reo_at == OL_NEVER));
	CHECK(l->tlp_at == OL_NEVER || l->tlp_at <= l->rto_at);
}
