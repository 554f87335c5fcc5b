/* Segments in SYN-SENT, RFC 9293 3.10.7.3, step by step in the order given there. */
#include "transport/tcp/tcp_loss.h"
#include "transport/tcp/tcp_segment.h"
#include "transport/tcp/tcp_steps.h"
#include "transport/tcp/tcp_tcb.h"

static enum ol_fate syn_sent_ack(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	if (!(in->seg.flags & TCP_ACK))
		return OL_PASS;
	if (seq_le(in->seg.ack, tcb->iss) || seq_gt(in->seg.ack, tcb->snd_nxt))
		return tcp_bad_handshake_ack(tcb, in, now);
	return OL_PASS;
}

static enum ol_fate syn_sent_rst(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	if (!(in->seg.flags & TCP_RST))
		return OL_PASS;
	if (!(in->seg.flags & TCP_ACK))
		return OL_DROP_TCP_RST_OUTSIDE;			/* anyone could have sent it */
	tcp_enter_closed(tcb, tcp_reset_error(tcb), now);
	return OL_DONE;
}

/*
 * RFC 3168 6.1.1: ECE alone answers ECE and CWR, and a SYN that crosses ours asks as ours did.  Who has sent a SYN without, as
 * tcp_ecn_fallback does the second time, "MUST NOT set ECT".
 */
static void ecn_agree(struct tcp_tcb *tcb, const struct tcp_in *in, ol_time now)
{
	const struct tcp_config *cfg = &tcb->tcp->cfg;
	uint8_t both = in->seg.flags & (TCP_ECE | TCP_CWR), yes = in->seg.flags & TCP_ACK ? TCP_ECE : TCP_ECE | TCP_CWR;
	if (tcp_accecn_agree(tcb, in, now))
		return;
	bool bare = tcb->loss.syn_retrans > 0 && cfg->ecn_fallback;
	tcb->ecn_ok = tcp_ecn_asks(cfg) && !bare && both == yes;
}

/* 3.10.7.3: "If there are other controls or text in the segment, queue them for processing after ..." ESTABLISHED. */
static void keep_syn_text(struct tcp_tcb *tcb, struct tcp_in *in)
{
	bool all = in->seg.text.len <= tcb->rcv_wnd;
	tcb->syn_fin = all && (in->seg.flags & TCP_FIN);
	in->seg.text.len = MIN(in->seg.text.len, (size_t)tcb->rcv_wnd);
	if (in->seg.text.len > 0)
		tcb->syn_text = tcp_take_text(in);
}

static enum ol_fate syn_sent_syn(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	struct tcp_seg *s = &in->seg;
	if (!(s->flags & TCP_SYN))
		return OL_DROP_TCP_FLAGS;
	tcp_agree(tcb, &in->opt);
	tcb->ts_recent_at = now;
	ecn_agree(tcb, in, now);
	tcp_sync_mss(tcb, now);
	tcb->irs = s->seq;
	tcb->rcv_nxt = tcb->rcv_wup = tcb->last_ack_sent = tcb->copied = seq_add(s->seq, 1);
	tcb->rcv_up = tcb->rcv_nxt;
	s->seq = tcb->rcv_nxt;
	s->flags &= (uint8_t)~TCP_SYN;
	tcb->snd_wl1 = seq_sub(tcb->irs, 1);
	tcb->rcv_mss = MIN(tcb->rcv_mss, (uint32_t)tcb->adv_mss);
	if (!(s->flags & TCP_ACK)) {				/* simultaneous open */
		keep_syn_text(tcb, in);
		tcb->snd_wnd = tcb->max_wnd = s->wnd;
		tcp_enter(tcb, OL_TCP_SYN_RECEIVED, now);
		tcp_send_synack(tcb, now);
		return OL_DONE;
	}
	tcp_loss_left(tcb, net_found(tcb->tcp->net, &tcb->node.remote.addr), now);
	tcp_process_ack(tcb, in, now);
	tcp_enter_established(tcb, now);
	tcp_ack_habit_begin(tcb);
	tcp_fastopen_opened(tcb, in, now);
	tcb->ack_now = true;
	tcp_trim(tcb, in);
	return OL_PASS;
}

static tcp_step *const tcp_syn_sent_steps[] = {
	syn_sent_ack,		/* first:   ACK */
	syn_sent_rst,		/* second:  RST */
				/* third:   security: left out */
	syn_sent_syn,		/* fourth:  SYN; fifth: neither SYN nor RST */
	tcp_step_urg, tcp_step_text, tcp_step_fin,	/* what else the segment has: 3.10.7.4 from the sixth on */
};

enum ol_fate tcp_syn_sent(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	enum ol_fate fate = tcp_run_steps(tcp_syn_sent_steps, ARRAY_LEN(tcp_syn_sent_steps), tcb, in, now);
	if (tcb->accecn.code_ack && tcb->in_demux)
		tcp_send_ack(tcb, now);				/* RFC 9768 3.2.2.1: before text that waits, which has no place for a code */
	return fate;
}
