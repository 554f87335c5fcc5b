/*
 * Segments for a connection, RFC 9293 3.10.7.4: the order of the steps, and those that judge whether the segment may be
 * meant (first to fourth), with RFC 5961 (resets, SYNs and ACKs that may be guesses) and RFC 7323 (PAWS).  The
 * fifth is in tcp_input_ack.c, the sixth to eighth in tcp_input_text.c, SYN-SENT in tcp_syn_sent.c.
 */
#include "transport/tcp/tcp_input.h"
#include "transport/tcp/tcp_output.h"
#include "transport/tcp/tcp_rcvq.h"
#include "transport/tcp/tcp_segment.h"
#include "transport/tcp/tcp_sndbuf.h"
#include "transport/tcp/tcp_steps.h"
#include "transport/tcp/tcp_tcb.h"

enum { CE = 3, ECN_MASK = 3 };

/* ---- answers to what is not acceptable -------------------------------------------------------------------------- */

/* One answer per connection and tcp_invalid_ratelimit: two ends that disagree must not keep each other busy. */
bool tcp_answer_allowed(struct tcp_tcb *tcb, ol_time now)
{
	if (tcb->challenge_at && now - tcb->challenge_at < tcb->tcp->cfg.invalid_ratelimit_ns)
		return false;
	tcb->challenge_at = now ? now : 1;
	return true;
}

/* RFC 5961 7: and all connections together are bounded, by a number an outsider cannot count down exactly. */
bool tcp_challenge_allowed(struct tcp *tcp, ol_time *last, ol_time now)
{
	if (*last && now - *last < tcp->cfg.invalid_ratelimit_ns)
		return false;
	uint32_t limit = tcp->cfg.challenge_ack_limit;
	if (now - tcp->challenge.from >= OL_SEC || tcp->challenge.from == 0) {
		tcp->challenge.from = now ? now : 1;
		tcp->challenge.left = limit ? limit / 2 + rng_below(&tcp->rng, limit) : 0;
	}
	if (tcp->challenge.left == 0 && limit != INT32_MAX)
		return false;
	tcp->challenge.left--;
	*last = now ? now : 1;
	return true;
}

void tcp_challenge_ack(struct tcp_tcb *tcb, ol_time now)
{
	if (tcp_challenge_allowed(tcb->tcp, &tcb->challenge_at, now))
		tcp_send_ack(tcb, now);
}

/* <SEQ=SEG.ACK><CTL=RST>: the handshake's answer to an ACK of something else. */
enum ol_fate tcp_bad_handshake_ack(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	if (!(in->seg.flags & TCP_RST))
		(void)tcp_reply_rst(tcb->tcp, in, now);
	return OL_DROP_TCP_ACK_HANDSHAKE;
}

/* ---- first: sequence number ------------------------------------------------------------------------------------- */

enum { PAWS_IDLE_DAYS = 24 };		/* RFC 7323 5.5: a TS.Recent older than this says nothing */

bool tcp_ts_recent_void(const struct tcp_tcb *tcb, ol_time now)
{
	return now - tcb->ts_recent_at > PAWS_IDLE_DAYS * INT64_C(86400) * OL_SEC;
}

/* RFC 7323 5.3 R1; 3.2: once agreed on, every segment but a reset has the option. */
enum ol_fate tcp_paws(const struct tcp_tcb *tcb, const struct tcp_in *in, ol_time now)
{
	if (!tcb->ts_ok || (in->seg.flags & TCP_RST))
		return OL_PASS;
	if (!in->opt.ts_ok)
		return in->seg.flags & TCP_SYN ? OL_PASS : OL_DROP_TCP_NO_TIMESTAMP;
	if ((int32_t)(in->opt.tsval - tcb->ts_recent) >= 0)
		return OL_PASS;
	if (tcp_ts_recent_void(tcb, now))
		return OL_PASS;
	return OL_DROP_TCP_PAWS;
}

uint32_t tcp_seg_len(const struct tcp_in *in)
{
	return (uint32_t)in->seg.text.len + !!(in->seg.flags & TCP_SYN) + !!(in->seg.flags & TCP_FIN);
}

/* The right edge we promised; it may lie behind RCV.NXT + what tcp_window would say now. */
uint32_t tcp_receive_window(const struct tcp_tcb *tcb)
{
	int32_t w = seq_diff(tcb->rcv_nxt, seq_add(tcb->rcv_wup, tcb->rcv_wnd));
	return w > 0 ? (uint32_t)w : 0;
}

/*
 * RFC 9293 3.4, the four cases.  Two liberties: a segment without text may sit on the window's right edge, where a peer
 * stands that has used all of the window; and a window of zero still lets ACK, URG, RST and a bare FIN on RCV.NXT
 * through (MUST-66), the text is cut off.
 */
static bool acceptable(const struct tcp_tcb *tcb, const struct tcp_in *in)
{
	uint32_t wnd = tcp_receive_window(tcb), len = tcp_seg_len(in);
	tcp_seq seq = in->seg.seq, nxt = tcb->rcv_nxt;
	if (len == 0)
		return seq_eq(seq, nxt) || seq_in(seq, nxt, wnd) || (seq_eq(seq, seq_add(nxt, wnd)) && !(in->seg.flags & TCP_RST));
	if (wnd == 0)
		return seq_eq(seq, nxt);
	return seq_in(seq, nxt, wnd) || seq_in(seq_add(seq, len - 1), nxt, wnd) ||
	       (seq_le(seq, nxt) && seq_ge(seq_add(seq, len), seq_add(nxt, wnd)));
}

/* Cuts off what lies outside the window, so that what is left begins at RCV.NXT or after it. */
void tcp_trim(struct tcp_tcb *tcb, struct tcp_in *in)
{
	struct tcp_seg *s = &in->seg;
	if (seq_lt(s->seq, tcb->rcv_nxt)) {
		uint32_t old = seq_len(s->seq, tcb->rcv_nxt);
		if (s->flags & TCP_SYN) {
			old--;
			s->seq = seq_add(s->seq, 1);
		}
		uint32_t n = (uint32_t)MIN((size_t)old, s->text.len);
		if (n > 0) {
			tcp_accecn_text_again(tcb, in);
			tcp_rcvq_dsack(&tcb->rcvq, s->seq, seq_add(s->seq, n));
			tcb->ack_now = true;
		}
		s->text.p += n;
		s->text.len -= n;
		s->seq = seq_add(s->seq, n);
	}
	tcp_seq edge = seq_add(tcb->rcv_nxt, tcp_receive_window(tcb));
	if (seq_lt(s->seq, edge) && tcb->rcvq.readable == 0)
		return;				/* one packet that begins in the window is worth it while nothing waits to be read: as Linux */
	if (seq_gt(seq_add(s->seq, (uint32_t)s->text.len), edge)) {
		s->text.len = seq_lt(s->seq, edge) ? seq_len(s->seq, edge) : 0;
		s->flags &= (uint8_t)~(TCP_FIN | TCP_PSH);
		tcb->ack_now = true;
	}
}

/*
 * In SYN-RECEIVED after a simultaneous open the peer's SYN-ACK repeats its SYN: only its ACK is new (RFC 9293
 * fig. 8).
 */
static bool crossing_syn_ack(const struct tcp_tcb *tcb, const struct tcp_in *in)
{
	return tcb->state == OL_TCP_SYN_RECEIVED && (in->seg.flags & (TCP_SYN | TCP_ACK | TCP_RST)) == (TCP_SYN | TCP_ACK) &&
	       seq_eq(in->seg.seq, tcb->irs) && seq_gt(in->seg.ack, tcb->snd_una) && seq_le(in->seg.ack, tcb->snd_nxt);
}

static enum ol_fate unacceptable(struct tcp_tcb *tcb, struct tcp_in *in, enum ol_fate fate, ol_time now)
{
	const struct tcp_seg *s = &in->seg;
	if (s->flags & TCP_RST)
		return OL_DROP_TCP_RST_OUTSIDE;
	uint32_t len = (uint32_t)s->text.len;
	if (len > 0 && seq_lt(s->seq, tcb->rcv_nxt)) {
		tcb->quick = TCP_QUICK_ACKS;			/* our ACK was lost, it seems */
		tcb->pingpong = 0;
		if (fate != OL_DROP_TCP_PAWS)
			tcp_accecn_text_again(tcb, in);
		tcp_rcvq_dsack(&tcb->rcvq, s->seq, seq_min(seq_add(s->seq, len), tcb->rcv_nxt));
		tcb->stat.dsack_dups++;
	}
	/* RFC 9293 3.10.7.4: an ACK in reply.  One with text cannot be part of a quarrel of empty ACKs; the others are limited. */
	if ((len > 0 && !(s->flags & TCP_SYN)) || tcp_answer_allowed(tcb, now))
		tcb->ack_now = true;
	if (tcb->ack_now && tcp_accecn_synack_again(tcb, in))
		tcp_send_ack(tcb, now);				/* req: 9768-3.2.2.1-a before any text */
	return fate;
}

/* Our SYN-ACK was lost, it seems: the SYN that a Fast Open began with comes again, its text and cookie or not. */
static bool syn_again(const struct tcp_tcb *tcb, const struct tcp_in *in)
{
	return tcb->state == OL_TCP_SYN_RECEIVED && tcb->fo_child && seq_eq(in->seg.seq, tcb->irs) &&
	       (in->seg.flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
}

/* RFC 9768 3.1.5: both kinds of ECN in one handshake, and neither end can know which the other believes in. */
static enum ol_fate contradiction(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	(void)tcp_reply_rst(tcb->tcp, in, now);
	tcp_enter_closed(tcb, OL_ERR_CONNRESET, now);
	return OL_DROP_TCP_FLAGS;
}

static enum ol_fate tcp_step_seq(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	if (syn_again(tcb, in)) {
		if (!tcp_accecn_syn_again(&tcb->accecn.shake, in))
			return contradiction(tcb, in, now);
		if (tcp_answer_allowed(tcb, now))
			tcp_send_syn(tcb, now);				/* noted: its ACK times nothing (RFC 6298 3) */
		return OL_DONE;
	}
	if (crossing_syn_ack(tcb, in)) {
		if (tcb->accecn.on && wire_tcp_ace(&in->seg) == 1)
			return contradiction(tcb, in, now);
		in->seg.flags &= (uint8_t)~TCP_SYN;
		in->seg.seq = seq_add(in->seg.seq, 1);
	}
	enum ol_fate fate = tcp_paws(tcb, in, now);
	if (fate == OL_DROP_TCP_PAWS)
		return unacceptable(tcb, in, fate, now);
	if (fate != OL_PASS)
		return fate;
	if (!acceptable(tcb, in))
		return unacceptable(tcb, in, OL_DROP_TCP_SEQ, now);
	if (!(in->seg.flags & (TCP_RST | TCP_SYN)))
		tcp_trim(tcb, in);
	return OL_PASS;
}

/* ---- second: RST ------------------------------------------------------------------------------------------------ */

enum ol_err tcp_reset_error(const struct tcp_tcb *tcb)
{
	bool opening = tcb->state == OL_TCP_SYN_SENT || (tcb->state == OL_TCP_SYN_RECEIVED && !tcb->passive);
	return opening ? OL_ERR_CONNREFUSED : OL_ERR_CONNRESET;	/* to whoever still holds it, in every state */
}

/* A reset that does not sit exactly on RCV.NXT may be a guess: it earns a challenge ACK, not our connection. */
static enum ol_fate tcp_step_rst(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	if (!(in->seg.flags & TCP_RST))
		return OL_PASS;
	if (!seq_eq(in->seg.seq, tcb->rcv_nxt)) {
		tcp_challenge_ack(tcb, now);			/* req: 5961-3.2-b */
		return OL_DROP_TCP_RST_INEXACT;
	}
	tcp_fastopen_reset(tcb, now);
	tcp_enter_closed(tcb, tcp_reset_error(tcb), now);
	return OL_DONE;
}

/* ---- fourth: SYN ------------------------------------------------------------------------------------------------ */

static enum ol_fate tcp_step_syn(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	if (!(in->seg.flags & TCP_SYN))
		return OL_PASS;
	tcp_challenge_ack(tcb, now);				/* RFC 5961 4.2: whatever its number */
	return OL_DROP_TCP_SYN_CHALLENGED;
}

/* ---- the order -------------------------------------------------------------------------------------------------- */

enum ol_fate tcp_run_steps(tcp_step *const *steps, size_t n, struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	enum ol_fate fate = OL_PASS;
	for (size_t i = 0; i < n && fate == OL_PASS; i++)
		fate = steps[i](tcb, in, now);
	return fate;
}

/* RFC 9293 3.10.7.4, "other states": the checks, in the RFC's order. */
static tcp_step *const tcp_steps[] = {
	tcp_step_seq,		/* first:   sequence number; before it PAWS, RFC 7323 5.3 */
	tcp_step_rst,		/* second:  RST; RFC 5961 3.2 */
				/* third:   security and compartment: left out, no IP of today has them */
	tcp_step_syn,		/* fourth:  SYN; RFC 5961 4.2 */
	tcp_step_ack,		/* fifth:   ACK; RFC 5961 5.2, then RFC 5681 and RFC 6675 in the loss half */
	tcp_step_urg,		/* sixth:   URG; RFC 6093 */
	tcp_step_text,		/* seventh: segment text */
	tcp_step_fin,		/* eighth:  FIN */
};

enum ol_fate tcp_tcb_input(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	if (tcb->opts.min_ttl && in->rx->ttl < tcb->opts.min_ttl)
		return OL_DROP_TCP_MIN_TTL;
	in->wnd = (uint32_t)in->seg.wnd << (in->seg.flags & TCP_SYN ? 0 : tcb->snd_wscale);
	in->ce = (in->rx->tos & ECN_MASK) == CE;
	tcb->stat.segs_in++;
	tcb->cause = OL_CAUSE_SEGMENT;
	enum ol_fate fate = tcb->state == OL_TCP_SYN_SENT
		? tcp_syn_sent(tcb, in, now)
		: tcp_run_steps(tcp_steps, ARRAY_LEN(tcp_steps), tcb, in, now);
	tcp_output(tcb, now);
	tcp_sndbuf_check(tcb, now);
	return fate;
}
