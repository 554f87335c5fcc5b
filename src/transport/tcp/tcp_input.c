/*
 * Segments for a connection: RFC 9293 3.10.7.3 (SYN-SENT) and 3.10.7.4 (the others), step by step in the RFC's
 * order, with RFC 5961 (resets, SYNs and ACKs that may be guesses), RFC 7323 (PAWS, TS.Recent), RFC 3168 and RFC 6093.
 *
 * A step returns OL_PASS when the next is to look at the segment, else what became of it.  Text that is kept takes the
 * packet with it (in->pkt is NULL then).  CLOSED is entered here; whoever called reaps.
 */
#include "transport/tcp/tcp_int.h"
#include "base/check.h"
#include <netinet/in.h>

enum { CE = 3, ECN_MASK = 3 };

/* ---- answers to what is not acceptable -------------------------------------------------------------------------- */

/* One answer per connection and tcp_invalid_ratelimit: two ends that disagree must not keep each other busy. */
static bool answer_allowed(struct tcp_tcb *tcb, ol_time now)
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
static enum ol_fate bad_handshake_ack(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	if (!(in->seg.flags & TCP_RST))
		(void)tcp_reply_rst(tcb->tcp, in, now);
	return OL_DROP_TCP_ACK_HANDSHAKE;
}

/* ---- first: sequence number ------------------------------------------------------------------------------------- */

enum { PAWS_IDLE_DAYS = 24 };		/* RFC 7323 5.5: a TS.Recent older than this says nothing */

/* RFC 7323 5.3 R1; 3.2: once agreed on, every segment but a reset has the option. */
static enum ol_fate paws(const struct tcp_tcb *tcb, const struct tcp_in *in, ol_time now)
{
	if (!tcb->ts_ok || (in->seg.flags & TCP_RST))
		return OL_PASS;
	if (!in->opt.ts_ok)
		return in->seg.flags & TCP_SYN ? OL_PASS : OL_DROP_TCP_NO_TIMESTAMP;
	if ((int32_t)(in->opt.tsval - tcb->ts_recent) >= 0)
		return OL_PASS;
	if (now - tcb->ts_recent_at > PAWS_IDLE_DAYS * INT64_C(86400) * OL_SEC)
		return OL_PASS;
	return OL_DROP_TCP_PAWS;
}

static uint32_t seg_len(const struct tcp_in *in)
{
	return (uint32_t)in->seg.text.len + !!(in->seg.flags & TCP_SYN) + !!(in->seg.flags & TCP_FIN);
}

/* The right edge we promised; it may lie behind RCV.NXT + what tcp_window would say now. */
static uint32_t receive_window(const struct tcp_tcb *tcb)
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
	uint32_t wnd = receive_window(tcb), len = seg_len(in);
	tcp_seq seq = in->seg.seq, nxt = tcb->rcv_nxt;
	if (len == 0)
		return seq_eq(seq, nxt) || seq_in(seq, nxt, wnd) || (seq_eq(seq, seq_add(nxt, wnd)) && !(in->seg.flags & TCP_RST));
	if (wnd == 0)
		return seq_eq(seq, nxt);
	return seq_in(seq, nxt, wnd) || seq_in(seq_add(seq, len - 1), nxt, wnd) ||
	       (seq_le(seq, nxt) && seq_ge(seq_add(seq, len), seq_add(nxt, wnd)));
}

/* Cuts off what lies outside the window, so that what is left begins at RCV.NXT or after it. */
static void trim(struct tcp_tcb *tcb, struct tcp_in *in)
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
			tcp_rcvq_dsack(&tcb->rcvq, s->seq, seq_add(s->seq, n));
			tcb->ack_now = true;
		}
		s->text.p += n;
		s->text.len -= n;
		s->seq = seq_add(s->seq, n);
	}
	tcp_seq edge = seq_add(tcb->rcv_nxt, receive_window(tcb));
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
		tcp_rcvq_dsack(&tcb->rcvq, s->seq, seq_min(seq_add(s->seq, len), tcb->rcv_nxt));
		tcb->stat.dsack_dups++;
	}
	/* MUST-69: an ACK in reply.  One with text cannot be part of a quarrel of empty ACKs; the others are limited. */
	if ((len > 0 && !(s->flags & TCP_SYN)) || answer_allowed(tcb, now))
		tcb->ack_now = true;
	return fate;
}

/* Our SYN-ACK was lost, it seems: the SYN that a Fast Open began with comes again, its text and cookie or not. */
static bool syn_again(const struct tcp_tcb *tcb, const struct tcp_in *in)
{
	return tcb->state == OL_TCP_SYN_RECEIVED && tcb->fo_child && seq_eq(in->seg.seq, tcb->irs) &&
	       (in->seg.flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
}

static enum ol_fate tcp_step_seq(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	if (syn_again(tcb, in)) {
		if (answer_allowed(tcb, now))
			tcp_send_syn(tcb, now);				/* noted: its ACK times nothing (RFC 6298 3) */
		return OL_DONE;
	}
	if (crossing_syn_ack(tcb, in)) {
		in->seg.flags &= (uint8_t)~TCP_SYN;
		in->seg.seq = seq_add(in->seg.seq, 1);
	}
	enum ol_fate fate = paws(tcb, in, now);
	if (fate == OL_DROP_TCP_PAWS)
		return unacceptable(tcb, in, fate, now);
	if (fate != OL_PASS)
		return fate;
	if (!acceptable(tcb, in))
		return unacceptable(tcb, in, OL_DROP_TCP_SEQ, now);
	if (!(in->seg.flags & (TCP_RST | TCP_SYN)))
		trim(tcb, in);
	return OL_PASS;
}

/* ---- second: RST ------------------------------------------------------------------------------------------------ */

static enum ol_err reset_error(const struct tcp_tcb *tcb)
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
	tcp_enter_closed(tcb, reset_error(tcb), now);
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

/* ---- fifth: ACK ------------------------------------------------------------------------------------------------- */

/* RFC 7323 4.3: the timestamp to echo is that of the segment which the last ACK we sent was about. */
static void update_ts_recent(struct tcp_tcb *tcb, const struct tcp_in *in, ol_time now)
{
	if (!tcb->ts_ok || !in->opt.ts_ok || seq_gt(in->seg.seq, tcb->last_ack_sent))
		return;
	if ((int32_t)(in->opt.tsval - tcb->ts_recent) >= 0) {
		tcb->ts_recent = in->opt.tsval;
		tcb->ts_recent_at = now;
	}
}

static void drop_pushes(struct tcp_tcb *tcb)
{
	struct tcp_push *q = &tcb->push;
	while (q->n > 0 && seq_le(q->ring[q->first], tcb->snd_una)) {
		q->first = (q->first + 1) & (q->cap - 1);
		q->n--;
	}
}

static void take_acked(struct tcp_tcb *tcb, tcp_seq ack)
{
	uint32_t acked = seq_len(tcb->snd_una, ack);
	tcb->snd_una = ack;
	tcb->stat.bytes_acked += acked;
	tcp_seq upto = seq_min(ack, tcp_text_end(tcb));
	if (seq_gt(upto, tcb->sndq_seq)) {
		chunkq_drop(&tcb->sndq, seq_len(tcb->sndq_seq, upto));
		tcb->sndq_seq = upto;
	}
	drop_pushes(tcb);
	if (tcb->urg_out && seq_le(tcb->snd_up, ack))
		tcb->urg_out = false;
	if (seq_lt(tcb->snd_sml, ack))
		tcb->snd_sml = ack;
}

/* RFC 9293 3.10.7.4, fifth: a window is taken from the newest segment only. */
static bool update_window(struct tcp_tcb *tcb, const struct tcp_in *in)
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

static ol_time ts_rtt(const struct tcp_tcb *tcb, const struct tcp_in *in, ol_time now)
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

static void ack_came(struct tcp_tcb *tcb, ol_time now)
{
	tcb->last_ack_in_at = now;
	tcb->keepalive_sent = 0;
	tcb->probes = 0;
}

static void process_ack(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	struct tcp_ack_event ev = {
		.ack = in->seg.ack, .prior_una = tcb->snd_una, .sack = in->opt.sack,
		.n_sack = tcb->sack_ok ? (unsigned)in->opt.n_sack : 0, .ece = tcb->ecn_ok && (in->seg.flags & TCP_ECE),
		.text = seg_len(in) > 0 || in->dup_text, .has_ts = tcb->ts_ok && in->opt.ts_ok, .tsecr = in->opt.tsecr,
		.ts_rtt_ns = ts_rtt(tcb, in, now),
	};
	bool progress = seq_gt(in->seg.ack, tcb->snd_una);
	if (progress)
		take_acked(tcb, in->seg.ack);
	if (seq_ge(in->seg.ack, tcb->snd_una))
		ev.wnd_update = update_window(tcb, in);
	ev.new_ready = tcp_unsent_bytes(tcb) > 0 && seq_lt(tcb->snd_nxt, seq_add(tcb->snd_una, tcb->snd_wnd));
	ack_came(tcb, now);
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

/* RFC 3168 6.1.3: a CE mark is echoed in every ACK until the sender says CWR. */
static void note_ecn(struct tcp_tcb *tcb, const struct tcp_in *in)
{
	if (!tcb->ecn_ok)
		return;
	if (in->seg.flags & TCP_CWR)
		tcb->ecn_echo = false;
	if (in->ce) {
		tcb->ecn_echo = true;
		tcb->ack_now = true;
	}
}

static void take_syn_text(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now);

static enum ol_fate ack_syn_received(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	const struct tcp_seg *s = &in->seg;
	if (!seq_gt(s->ack, tcb->snd_una) || !seq_le(s->ack, tcb->snd_nxt))
		return bad_handshake_ack(tcb, in, now);
	tcb->snd_wl1 = seq_sub(s->seq, 1);			/* so that this segment's window is taken */
	update_ts_recent(tcb, in, now);
	if (tcb->fo_child)
		tcp_loss_established(tcb, now);			/* text is under way: this ACK may tell of its loss */
	process_ack(tcb, in, now);
	tcp_enter_established(tcb, now);
	tcp_fastopen_opened(tcb, in, now);
	if (tcb->syn_text || tcb->syn_fin)
		take_syn_text(tcb, in, now);
	return tcb->in_demux ? OL_PASS : OL_DONE;
}

static enum ol_fate tcp_step_ack(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
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
			if (answer_allowed(tcb, now))
				tcb->ack_now = true;
			return OL_DROP_TCP_ACK_AHEAD;
		}
		if (seq_lt(s->ack, seq_sub(tcb->snd_una, tcb->max_wnd))) {
			tcp_challenge_ack(tcb, now);		/* req: 5961-5.2-a */
			return OL_DROP_TCP_ACK_OLD;
		}
		update_ts_recent(tcb, in, now);
		process_ack(tcb, in, now);
	}
	note_ecn(tcb, in);
	return after_ack(tcb, now);
}

/* ---- sixth: URG ------------------------------------------------------------------------------------------------- */

static bool receives(uint8_t state)
{
	return state == OL_TCP_ESTABLISHED || state == OL_TCP_FIN_WAIT_1 || state == OL_TCP_FIN_WAIT_2;
}

/* RFC 6093: the pointer names the byte behind the urgent one; what applications call urgent is that one byte. */
static enum ol_fate tcp_step_urg(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	if (!(in->seg.flags & TCP_URG) || in->seg.urp == 0 || !receives(tcb->state))
		return OL_PASS;
	tcp_seq up = seq_add(in->seg.seq, in->seg.urp);
	if (seq_le(up, tcb->copied) || (tcb->urg_in && seq_le(up, tcb->rcv_up)))
		return OL_PASS;
	tcb->rcv_up = up;
	tcb->urg_in = true;
	tcb->urg_valid = tcb->urg_taken = false;
	tcp_event(tcb);						/* MUST-32: whether text came along or not */
	return OL_PASS;
}

static void fetch_urgent(struct tcp_tcb *tcb)
{
	if (!tcb->urg_in || tcb->urg_valid || tcb->urg_taken || seq_lt(tcb->rcv_nxt, tcb->rcv_up))
		return;
	struct iovec v = { &tcb->urg_byte, 1 };
	size_t off = seq_len(tcb->copied, seq_sub(tcb->rcv_up, 1));
	tcb->urg_valid = tcp_rcvq_copy(&tcb->rcvq, off, &v, 1, 1) == 1;
}

/* ---- seventh: segment text -------------------------------------------------------------------------------------- */

/*
 * Text bytes of the peer's segments, as far as this packet tells.  One longer than any segment for us was put together on
 * its way and may not say of what: of equal pieces then, as few as what both ends announced allows.
 */
static uint32_t piece_len(const struct tcp_tcb *tcb, const struct tcp_in *in)
{
	uint32_t len = (uint32_t)in->seg.text.len, most = MIN(tcb->adv_mss, tcb->peer_mss);
	if (in->pkt && in->pkt->gso != OL_GSO_NONE && in->pkt->gso_size)
		return in->pkt->gso_size;
	if (len <= tcb->adv_mss || most == 0)
		return len;
	uint32_t pieces = (len + most - 1) / most;
	return (len + pieces - 1) / pieces;
}

/* Estimates the peer's segment size and how soon an ACK is wanted. */
static void measure(struct tcp_tcb *tcb, const struct tcp_in *in, ol_time now)
{
	uint32_t one = piece_len(tcb, in);
	if (one >= tcb->rcv_mss)
		tcb->rcv_mss = MIN(one, (uint32_t)tcb->adv_mss);
	else
		tcb->pushed = true;
	if (tcb->ato_ns == 0) {
		tcb->ato_ns = tcb->tcp->cfg.delack_ns;
		tcb->quick = TCP_QUICK_ACKS;
	} else if (now - tcb->last_rcv_at > tcb->rto_ns) {
		tcb->quick = TCP_QUICK_ACKS;			/* after a pause the peer may be in slow start again */
	}
	tcb->last_rcv_at = now;
	tcb->stat.data_segs_in++;
}

/* Round trips of the receiving side: for tuning the buffer alone. */
static void measure_rcv_rtt(struct tcp_tcb *tcb, const struct tcp_in *in, ol_time now)
{
	ol_time m = -1;
	if (tcb->ts_ok) {
		if (in->seg.text.len >= tcb->rcv_mss)
			m = ts_rtt(tcb, in, now);
	} else if (seq_ge(tcb->rcv_nxt, tcb->rcv_rtt.seq)) {
		m = now - tcb->rcv_rtt.at;
		tcb->rcv_rtt.seq = seq_add(tcb->rcv_nxt, tcb->rcv_wnd);
		tcb->rcv_rtt.at = now;
	}
	if (m > 0)
		tcb->rcv_rtt_ns = tcb->rcv_rtt_ns ? (7 * tcb->rcv_rtt_ns + m) / 8 : m;
}

/* RFC 9293 3.8.6.3, RFC 5681 4.2: every second full segment, at once on a gap, else within tcp_delack_ms. */
static void decide_ack(struct tcp_tcb *tcb, ol_time now)
{
	if (seq_len(tcb->rcv_wup, tcb->rcv_nxt) > tcb->rcv_mss || (tcb->quick > 0 && !tcb->pingpong) || tcb->opts.quickack ||
	    tcb->rcvq.ooo)
		tcb->ack_now = true;
	tcb->ack_pending = true;
	if (tcb->delack_at == OL_NEVER)
		tcb->delack_at = now + tcb->tcp->cfg.delack_ns;
}

/* The packet, cut to the segment's text.  It leaves `in`. */
static struct ol_pkt *take_text(struct tcp_in *in)
{
	struct ol_pkt *p = in->pkt;
	in->pkt = NULL;
	ol_pkt_pull(p, (size_t)(in->seg.text.p - p->data));
	ol_pkt_trim(p, in->seg.text.len);
	return p;
}

void tcp_take_syn_text(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	in->seg.text.len = MIN(in->seg.text.len, (size_t)tcb->rcv_wnd);
	uint32_t len = (uint32_t)in->seg.text.len;
	if (len == 0)
		return;
	tcb->stat.data_segs_in++;				/* not measured: the SYN-ACK is its ACK */
	tcp_rcvq_append(&tcb->rcvq, take_text(in));
	tcb->rcv_nxt = tcb->rcv_wup = seq_add(tcb->rcv_nxt, len);
	tcb->stat.bytes_received += len;
	tcb->fo_acked = true;
}

/* Memory the queue may take: a half above the buffer, as what is not worth a window is still worth keeping. */
static size_t most_held(const struct tcp_tcb *tcb) { return (size_t)tcb->rcvbuf + tcb->rcvbuf / 2; }

static enum ol_fate hold(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	tcb->ack_now = true;					/* SHOULD, RFC 5681 4.2: a duplicate ACK at once */
	tcb->stat.rcv_ooopack++;
	tcp_grow_for_gap(tcb, seq_add(in->seg.seq, (uint32_t)in->seg.text.len));
	if (tcb->rcvq.truesize + in->pkt->cap > most_held(tcb)) {
		tcp_seq end = seq_add(in->seg.seq, (uint32_t)in->seg.text.len);
		tcp_rcvq_dsack(&tcb->rcvq, in->seg.seq, end);	/* req: 2018-8-b the first block, though it is thrown away */
		return OL_DROP_TCP_RCVBUF;
	}
	return tcp_rcvq_hold(&tcb->rcvq, take_text(in), in->seg.seq) ? OL_HELD_TCP : OL_DROP_TCP_DUPLICATE;
}

/* The text begins at RCV.NXT. */
static void take_in_order(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	uint32_t len = (uint32_t)in->seg.text.len;
	bool gap = tcb->rcvq.ooo;
	tcp_rcvq_append(&tcb->rcvq, take_text(in));
	if (tcb->rcvq.truesize > most_held(tcb))
		tcp_rcvq_prune(&tcb->rcvq, most_held(tcb));
	uint32_t got = len + (gap ? tcp_rcvq_absorb(&tcb->rcvq, seq_add(tcb->rcv_nxt, len)) : 0);
	tcb->rcv_nxt = seq_add(tcb->rcv_nxt, got);
	tcb->stat.bytes_received += got;
	fetch_urgent(tcb);
	measure_rcv_rtt(tcb, in, now);
	decide_ack(tcb, now);
	if (gap)
		tcb->ack_now = true;
	tcp_event(tcb);
}

static enum ol_fate tcp_step_text(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	uint32_t len = (uint32_t)in->seg.text.len;
	if (len == 0 || !receives(tcb->state))
		return OL_PASS;
	if ((tcb->orphan || tcb->rd_shut) && tcb->state != OL_TCP_ESTABLISHED) {	/* MUST: 9293 3.6.1: say that data was lost */
		tcp_enter_closed(tcb, OL_ERR_CONNRESET, now);
		(void)tcp_reply_rst(tcb->tcp, in, now);
		return OL_DROP_TCP_AFTER_CLOSE;
	}
	measure(tcb, in, now);
	if (seq_gt(in->seg.seq, tcb->rcv_nxt)) {
		enum ol_fate fate = hold(tcb, in, now);
		return in->seg.flags & TCP_FIN ? OL_PASS : fate;
	}
	take_in_order(tcb, in, now);
	return OL_PASS;
}

/* ---- eighth: FIN ------------------------------------------------------------------------------------------------ */

static void process_fin(struct tcp_tcb *tcb, ol_time now)
{
	tcb->rcv_nxt = seq_add(tcb->rcv_nxt, 1);
	tcb->fin_received = true;
	tcb->fin_ahead = false;
	tcp_rcvq_prune(&tcb->rcvq, 0);				/* nothing lies behind a FIN */
	tcb->rcvq.dsack_set = false;
	tcp_event(tcb);
	if (tcb->state != OL_TCP_ESTABLISHED)
		tcb->ack_now = true;
	switch (tcb->state) {
	case OL_TCP_ESTABLISHED:				/* our own FIN may follow soon: the ACK rides on it, or is delayed */
		if (tcb->ato_ns == 0 || receive_window(tcb) == 0)
			tcb->ack_now = true;			/* not a byte came before, or the peer has to ask for room anyway */
		tcb->pingpong = 1;
		tcb->ack_pending = true;
		if (tcb->delack_at == OL_NEVER)
			tcb->delack_at = now + tcb->tcp->cfg.delack_ns;
		tcp_enter(tcb, OL_TCP_CLOSE_WAIT, now);
		break;
	case OL_TCP_FIN_WAIT_1:
		tcp_enter(tcb, OL_TCP_CLOSING, now);
		break;
	case OL_TCP_FIN_WAIT_2:
		tcb->state = OL_TCP_TIME_WAIT;
		tcp_send_ack(tcb, now);
		tcp_enter_time_wait(tcb, now);
		break;
	default:
		break;
	}
}

static enum ol_fate tcp_step_fin(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	if ((in->seg.flags & TCP_FIN) && !tcb->fin_received && receives(tcb->state)) {
		tcp_seq at = seq_add(in->seg.seq, (uint32_t)in->seg.text.len);
		tcb->fin_ahead = true;
		tcb->fin_at = at;
		if (!seq_eq(at, tcb->rcv_nxt))
			tcb->ack_now = true;
	}
	if (tcb->fin_ahead && seq_le(tcb->fin_at, tcb->rcv_nxt) && receives(tcb->state))
		process_fin(tcb, now);
	return OL_DONE;
}

/* What came on the SYN that crossed ours is processed now; the segment at hand may say some of it again. */
static void take_syn_text(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	struct ol_pkt *p = tcb->syn_text;
	struct tcp_in was = { .pkt = p, .rx = in->rx };
	was.seg.seq = seq_add(tcb->irs, 1);
	was.seg.flags = TCP_ACK | (tcb->syn_fin ? TCP_FIN : 0);
	if (p) {
		was.seg.text.p = p->data;
		was.seg.text.len = p->len;
	}
	tcb->syn_text = NULL;
	tcb->syn_fin = false;
	if (tcp_step_text(tcb, &was, now) == OL_PASS)
		(void)tcp_step_fin(tcb, &was, now);
	if (was.pkt)
		ol_pkt_free(was.pkt);
	tcb->ack_now = true;
	trim(tcb, in);
}

/* ---- the order -------------------------------------------------------------------------------------------------- */

typedef enum ol_fate tcp_step(struct tcp_tcb *, struct tcp_in *, ol_time);

static enum ol_fate run(tcp_step *const *steps, size_t n, struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
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

/* ---- SYN-SENT, 3.10.7.3 ----------------------------------------------------------------------------------------- */

static enum ol_fate syn_sent_ack(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	if (!(in->seg.flags & TCP_ACK))
		return OL_PASS;
	if (seq_le(in->seg.ack, tcb->iss) || seq_gt(in->seg.ack, tcb->snd_nxt))
		return bad_handshake_ack(tcb, in, now);
	return OL_PASS;
}

static enum ol_fate syn_sent_rst(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	if (!(in->seg.flags & TCP_RST))
		return OL_PASS;
	if (!(in->seg.flags & TCP_ACK))
		return OL_DROP_TCP_RST_OUTSIDE;			/* anyone could have sent it */
	tcp_enter_closed(tcb, reset_error(tcb), now);
	return OL_DONE;
}

static void ecn_agree(struct tcp_tcb *tcb, uint8_t flags)	/* RFC 3168 6.1.1: ECE alone answers ECE and CWR */
{
	uint8_t both = flags & (TCP_ECE | TCP_CWR);
	if (flags & TCP_ACK)
		tcb->ecn_ok = tcb->tcp->cfg.ecn == 1 && both == TCP_ECE;
	else
		tcb->ecn_ok = tcb->tcp->cfg.ecn != 0 && both == (TCP_ECE | TCP_CWR);
}

/* 3.10.7.3: "If there are other controls or text in the segment, queue them for processing after ..." ESTABLISHED. */
static void keep_syn_text(struct tcp_tcb *tcb, struct tcp_in *in)
{
	bool all = in->seg.text.len <= tcb->rcv_wnd;
	tcb->syn_fin = all && (in->seg.flags & TCP_FIN);
	in->seg.text.len = MIN(in->seg.text.len, (size_t)tcb->rcv_wnd);
	if (in->seg.text.len > 0)
		tcb->syn_text = take_text(in);
}

static enum ol_fate syn_sent_syn(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	struct tcp_seg *s = &in->seg;
	if (!(s->flags & TCP_SYN))
		return OL_DROP_TCP_FLAGS;
	tcp_agree(tcb, &in->opt);
	tcb->ts_recent_at = now;
	ecn_agree(tcb, s->flags);
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
	process_ack(tcb, in, now);
	tcp_enter_established(tcb, now);
	tcp_fastopen_opened(tcb, in, now);
	tcb->ack_now = true;
	trim(tcb, in);
	return OL_PASS;
}

static tcp_step *const tcp_syn_sent_steps[] = {
	syn_sent_ack,		/* first:   ACK */
	syn_sent_rst,		/* second:  RST */
				/* third:   security: left out */
	syn_sent_syn,		/* fourth:  SYN; fifth: neither SYN nor RST */
	tcp_step_urg, tcp_step_text, tcp_step_fin,	/* what else the segment has: 3.10.7.4 from the sixth on */
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
		? run(tcp_syn_sent_steps, ARRAY_LEN(tcp_syn_sent_steps), tcb, in, now)
		: run(tcp_steps, ARRAY_LEN(tcp_steps), tcb, in, now);
	tcp_output(tcb, now);
	tcp_sndbuf_check(tcb, now);
	return fate;
}

/* ---- the rest of a train ---------------------------------------------------------------------------------------- */

/* RFC 7323 appendix A's layout, which is all a train has. */
static void read_timestamps(struct tcp_opt *opt, const struct wire_bytes *o)
{
	opt->ts_ok = o->len == TCP_OPT_TS_LEN;
	opt->tsval = opt->ts_ok ? be32_at(o->p + 4) : 0;
	opt->tsecr = opt->ts_ok ? be32_at(o->p + 8) : 0;
}

/*
 * What the segment before left may be anything: it may have been refused.  Plain is: established, text at RCV.NXT that fits,
 * an ACK that is no news, and nothing of ours on its way or waiting, so that the loss half has nothing to hear of it.
 */
static bool plain_next(const struct tcp_tcb *tcb, const struct tcp_in *in, ol_time now)
{
	const struct tcp_seg *s = &in->seg;
	return tcb->state == OL_TCP_ESTABLISHED && seq_eq(s->seq, tcb->rcv_nxt) && s->text.len > 0 &&
	       s->text.len <= receive_window(tcb) && (s->flags & ~TCP_PSH) == TCP_ACK && !tcb->fin_ahead && !tcb->urg_in &&
	       seq_eq(s->ack, tcb->snd_una) && tcp_outstanding(tcb) == 0 && tcb->loss.ca_state == TCP_CAS_OPEN &&
	       tcp_unsent_bytes(tcb) == 0 && in->rx->ttl >= tcb->opts.min_ttl && paws(tcb, in, now) == OL_PASS;
}

bool tcp_tcb_input_next(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	read_timestamps(&in->opt, &in->seg.opt);
	in->wnd = (uint32_t)in->seg.wnd << tcb->snd_wscale;
	if (!plain_next(tcb, in, now))
		return false;
	tcb->stat.segs_in++;
	tcb->cause = OL_CAUSE_SEGMENT;
	update_ts_recent(tcb, in, now);
	(void)update_window(tcb, in);
	ack_came(tcb, now);
	tcb->stuck_at = tcb->persist_at != OL_NEVER ? now : OL_NEVER;
	measure(tcb, in, now);
	take_in_order(tcb, in, now);
	if (tcb->ack_now)
		tcp_output(tcb, now);
	else
		tcp_timer_update(tcb, now);
	return true;
}
