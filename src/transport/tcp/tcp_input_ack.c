/*
 * The fifth step of RFC 9293 3.10.7.4, the ACK field: RFC 5961 5.2, what was acknowledged leaves the send queue, the window is
 * taken, RFC 7323's TS.Recent, and the loss half (tcp_loss.h) hears of it; RFC 3168's marks.
 */
#include "transport/tcp/tcp_loss.h"
#include "transport/tcp/tcp_marks.h"
#include "transport/tcp/tcp_mtup.h"
#include "transport/tcp/tcp_output.h"
#include "transport/tcp/tcp_segment.h"
#include "transport/tcp/tcp_steps.h"
#include "transport/tcp/tcp_tcb.h"
#include "transport/tcp/tcp_tell.h"
#include "transport/tcp/tcp_timer.h"

/* RFC 7323 4.3: the timestamp to echo is that of the segment which the last ACK we sent was about; 5.5: also where it begins anew. */
void tcp_update_ts_recent(struct tcp_tcb *tcb, const struct tcp_in *in, ol_time now)
{
	if (!tcb->ts_ok || !in->opt.ts_ok || seq_gt(in->seg.seq, tcb->last_ack_sent))
		return;
	if ((int32_t)(in->opt.tsval - tcb->ts_recent) >= 0 || tcp_ts_recent_void(tcb, now)) {
		tcb->ts_recent = in->opt.tsval;
		tcb->ts_recent_at = now;
	}
}

static void take_acked(struct tcp_tcb *tcb, tcp_seq ack, ol_time now)
{
	uint32_t acked = seq_len(tcb->snd_una, ack);
	if (tcb->tell)
		tcp_tell_acked(tcb, ack.v, now);
	tcb->snd_una = ack;
	tcb->stat.bytes_acked += acked;
	tcp_seq upto = seq_min(ack, tcp_text_end(tcb));
	if (seq_gt(upto, tcb->sndq_seq)) {
		chunkq_drop(&tcb->sndq, seq_len(tcb->sndq_seq, upto));
		tcb->sndq_seq = upto;
	}
	tcp_marks_drop(&tcb->push, ack);
	tcp_marks_drop(&tcb->records, ack);
	if (tcb->urg_out && seq_le(tcb->snd_up, ack))
		tcb->urg_out = false;
	if (seq_lt(tcb->snd_sml, ack))
		tcb->snd_sml = ack;
}

/* RFC 9293 3.10.7.4, fifth: a window is taken from the newest segment only. */
bool tcp_update_window(struct tcp_tcb *tcb, const struct tcp_in *in)
{
	const struct tcp_seg *s = &in->seg;
	if (!seq_lt(tcb->snd_wl1, s->seq) && !(seq_eq(tcb->snd_wl1, s->seq) && seq_le(tcb->snd_wl2, s->ack)))
		return false;
	bool changed = in->wnd != tcb->snd_wnd;
	tcb->snd_wnd = in->wnd;
	tcb->snd_wl1 = s->seq;
	tcb->snd_wl2 = s->ack;
	tcb->max_wnd = MAX(tcb->max_wnd, in->wnd);
	return changed;
}

ol_time tcp_ts_rtt(const struct tcp_tcb *tcb, const struct tcp_in *in, ol_time now)
{
	if (!tcb->ts_ok || !in->opt.ts_ok || in->opt.tsecr == 0)
		return -1;
	int32_t ms = (int32_t)(tcp_ts_clock(tcb, now) - in->opt.tsecr);
	return ms >= 0 && ms < 600000 ? MAX(ms * OL_MS, OL_MS / 2) : -1;
}

/* RFC 4861 7.3.1.  Neighbours live in seconds: ten words in one are enough. */
static void confirm(struct tcp_tcb *tcb, ol_time now)
{
	if (now - tcb->confirmed_at < OL_SEC / 10)
		return;
	tcb->confirmed_at = now;
	net_confirm(tcb->tcp->net, &tcb->node.remote.addr, now);
}

void tcp_ack_came(struct tcp_tcb *tcb, ol_time now)
{
	tcb->last_ack_in_at = now;
	tcb->keepalive_sent = 0;
	tcb->probes = 0;
}

void tcp_process_ack(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	struct tcp_ack_event ev = {
		.ack = in->seg.ack, .prior_una = tcb->snd_una, .sack = in->opt.sack,
		.n_sack = tcb->sack_ok ? (unsigned)in->opt.n_sack : 0, .ece = tcb->ecn_ok && (in->seg.flags & TCP_ECE),
		.text = tcp_seg_len(in) > 0 || in->payload > 0, .has_ts = tcb->ts_ok && in->opt.ts_ok, .tsecr = in->opt.tsecr,
		.ts_rtt_ns = tcp_ts_rtt(tcb, in, now),
	};
	struct tcp_accecn_echo echo;
	if (tcb->accecn.on && tcp_accecn_read(tcb, in, &echo))
		ev.echo = &echo;
	bool progress = seq_gt(in->seg.ack, tcb->snd_una);
	if (progress)
		take_acked(tcb, in->seg.ack, now);
	if (seq_ge(in->seg.ack, tcb->snd_una))
		ev.wnd_update = tcp_update_window(tcb, in);
	ev.new_ready = tcp_unsent_bytes(tcb) > 0 && seq_lt(tcb->snd_nxt, seq_add(tcb->snd_una, tcb->snd_wnd));
	tcp_ack_came(tcb, now);
	tcp_loss_ack(tcb, &ev, now);
	tcp_mtup_result(tcb, now);
	if (progress) {
		tcp_timer_progress(tcb, now);
		tcb->soft_error = OL_OK;
		tcb->soft_new = false;
		confirm(tcb, now);
	} else if (tcp_outstanding(tcb) == 0) {
		tcb->stuck_at = tcb->persist_at != OL_NEVER ? now : OL_NEVER;
	}
	if (tcb->snd_wnd > 0 && ev.wnd_update)
		tcb->persist_backoff = 0;
}

static bool fin_acked(const struct tcp_tcb *tcb)
{
	return tcb->fin_sent && seq_eq(tcb->snd_una, seq_add(tcp_text_end(tcb), 1));
}

/* What our FIN's acknowledgement means in each state. */
static enum ol_fate after_ack(struct tcp_tcb *tcb, ol_time now)
{
	if (!fin_acked(tcb))
		return OL_PASS;
	switch (tcb->state) {
	case OL_TCP_FIN_WAIT_1:
		tcp_enter(tcb, OL_TCP_FIN_WAIT_2, now);
		if (tcb->orphan)
			tcp_orphan_fin_wait_2(tcb, now);
		return tcb->in_demux ? OL_PASS : OL_DONE;
	case OL_TCP_CLOSING:
		tcp_enter_time_wait(tcb, now);
		return OL_DONE;
	case OL_TCP_LAST_ACK:
		tcp_enter_closed(tcb, OL_OK, now);
		return OL_DONE;
	default:
		return OL_PASS;
	}
}

/* RFC 3168 6.1.3: a CE mark is echoed in every ACK until the sender says CWR; RFC 9768 counts. */
static void note_ecn(struct tcp_tcb *tcb, const struct tcp_in *in)
{
	if (tcb->accecn.on)
		tcp_accecn_received(tcb, in);
	if (!tcb->ecn_ok)
		return;
	if (in->seg.flags & TCP_CWR)
		tcb->ecn_echo = false;
	if (in->ce) {
		tcb->ecn_echo = true;
		tcb->ack_now = true;
	}
}

static enum ol_fate ack_syn_received(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	const struct tcp_seg *s = &in->seg;
	if (!seq_gt(s->ack, tcb->snd_una) || !seq_le(s->ack, tcb->snd_nxt))
		return tcp_bad_handshake_ack(tcb, in, now);
	tcb->snd_wl1 = seq_sub(s->seq, 1);			/* so that this segment's window is taken */
	tcp_update_ts_recent(tcb, in, now);
	if (tcb->fo_child)
		tcp_loss_established(tcb, now);			/* text is under way: this ACK may tell of its loss */
	tcp_process_ack(tcb, in, now);
	tcp_enter_established(tcb, now);
	tcp_fastopen_opened(tcb, in, now);
	if (tcb->syn_text || tcb->syn_fin)
		tcp_take_crossing_text(tcb, in, now);
	return tcb->in_demux ? OL_PASS : OL_DONE;
}

enum ol_fate tcp_step_ack(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	const struct tcp_seg *s = &in->seg;
	if (!(s->flags & TCP_ACK))
		return OL_DROP_TCP_NO_ACK;
	if (tcb->state == OL_TCP_SYN_RECEIVED) {
		enum ol_fate fate = ack_syn_received(tcb, in, now);
		if (fate != OL_PASS)
			return fate;
	} else {
		if (seq_gt(s->ack, tcb->snd_nxt)) {
			if (tcp_answer_allowed(tcb, now))
				tcb->ack_now = true;
			return OL_DROP_TCP_ACK_AHEAD;
		}
		if (seq_lt(s->ack, seq_sub(tcb->snd_una, tcb->max_wnd))) {
			tcp_challenge_ack(tcb, now);		/* req: 5961-5.2-a */
			return OL_DROP_TCP_ACK_OLD;
		}
		tcp_update_ts_recent(tcb, in, now);
		tcp_process_ack(tcb, in, now);
	}
	note_ecn(tcb, in);
	return after_ack(tcb, now);
}
