/*
 * The sixth to eighth step of RFC 9293 3.10.7.4: the urgent pointer (RFC 6093), segment text with what it tells about when to
 * acknowledge (RFC 5681 4.2) and how large the buffer should be, and FIN.
 */
#include "transport/tcp/tcp_rcvbuf.h"
#include "transport/tcp/tcp_rcvq.h"
#include "transport/tcp/tcp_segment.h"
#include "transport/tcp/tcp_steps.h"
#include "transport/tcp/tcp_tcb.h"

/* ---- sixth: URG ------------------------------------------------------------------------------------------------- */

bool tcp_receives(uint8_t state)
{
	return state == OL_TCP_ESTABLISHED || state == OL_TCP_FIN_WAIT_1 || state == OL_TCP_FIN_WAIT_2;
}

/* RFC 6093: the pointer names the byte behind the urgent one; what applications call urgent is that one byte. */
enum ol_fate tcp_step_urg(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	if (!(in->seg.flags & TCP_URG) || in->seg.urp == 0 || !tcp_receives(tcb->state))
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
void tcp_measure(struct tcp_tcb *tcb, const struct tcp_in *in, ol_time now)
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
			m = tcp_ts_rtt(tcb, in, now);
	} else if (seq_ge(tcb->rcv_nxt, tcb->rcv_rtt.seq)) {
		m = now - tcb->rcv_rtt.at;
		tcb->rcv_rtt.seq = seq_add(tcb->rcv_nxt, tcb->rcv_wnd);
		tcb->rcv_rtt.at = now;
	}
	if (m > 0)
		tcb->rcv_rtt_ns = tcb->rcv_rtt_ns ? (7 * tcb->rcv_rtt_ns + m) / 8 : m;
}

/*
 * RFC 9293 3.8.6.3, RFC 5681 4.2: every second full segment, at once on a gap, else within tcp_delack_ms.  Of segments that came
 * together all are processed first, and one ACK tells of them (3.10.7.4, MUST-58, MUST-59): the odd one does not wait for the next
 * batch, which from a sender with a small window comes a round trip later.  A gap cannot wait: how many duplicate ACKs there are,
 * and which block each has first, is what they say.
 *
 * A series ends with the sixteenth all the same.  A window that is acknowledged whole leaves as one burst again, and to Linux's CUBIC
 * a flight that was acknowledged at once is a connection that was idle: its curve stands still for that round trip.
 */
static void decide_ack(struct tcp_tcb *tcb, ol_time now)
{
	enum { SERIES = 16 };
	uint32_t untold = seq_len(tcb->rcv_wup, tcb->rcv_nxt);
	bool due = untold > tcb->rcv_mss || (tcb->quick > 0 && !tcb->pingpong) || tcb->opts.quickack;
	bool more_to_come = tcb->tcp->in_batch && untold < SERIES * tcb->rcv_mss;
	if (tcb->rcvq.ooo || (due && !more_to_come))
		tcb->ack_now = true;
	else if (due && list_empty(&tcb->ack_later))
		list_append(&tcb->tcp->ack_later, &tcb->ack_later);
	tcb->ack_pending = true;
	if (tcb->delack_at == OL_NEVER)
		tcb->delack_at = now + tcb->tcp->cfg.delack_ns;
}

/* The packet, cut to the segment's text.  It leaves `in`. */
struct ol_pkt *tcp_take_text(struct tcp_in *in)
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
	tcp_rcvq_append(&tcb->rcvq, tcp_take_text(in));
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
	tcp_rcvbuf_grow_for_gap(tcb, seq_add(in->seg.seq, (uint32_t)in->seg.text.len));
	if (tcb->rcvq.truesize + in->pkt->cap > most_held(tcb)) {
		tcp_seq end = seq_add(in->seg.seq, (uint32_t)in->seg.text.len);
		tcp_rcvq_thrown(&tcb->rcvq, in->seg.seq, end);	/* req: 2018-8-b the first block, though it is thrown away */
		return OL_DROP_TCP_RCVBUF;
	}
	return tcp_rcvq_hold(&tcb->rcvq, tcp_take_text(in), in->seg.seq) ? OL_HELD_TCP : OL_DROP_TCP_DUPLICATE;
}

/* The text begins at RCV.NXT. */
void tcp_take_in_order(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	uint32_t len = (uint32_t)in->seg.text.len;
	bool gap = tcb->rcvq.ooo;
	tcp_rcvq_append(&tcb->rcvq, tcp_take_text(in));
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

enum ol_fate tcp_step_text(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	uint32_t len = (uint32_t)in->seg.text.len;
	if (len == 0 || !tcp_receives(tcb->state))
		return OL_PASS;
	if ((tcb->orphan || tcb->rd_shut) && tcb->state != OL_TCP_ESTABLISHED) {	/* SHLD-3: say that data was lost */
		tcp_enter_closed(tcb, OL_ERR_CONNRESET, now);
		(void)tcp_reply_rst(tcb->tcp, in, now);
		return OL_DROP_TCP_AFTER_CLOSE;
	}
	tcp_measure(tcb, in, now);
	if (seq_gt(in->seg.seq, tcb->rcv_nxt)) {
		enum ol_fate fate = hold(tcb, in, now);
		return in->seg.flags & TCP_FIN ? OL_PASS : fate;
	}
	tcp_take_in_order(tcb, in, now);
	return OL_PASS;
}

/* ---- eighth: FIN ------------------------------------------------------------------------------------------------ */

static void process_fin(struct tcp_tcb *tcb, ol_time now)
{
	tcb->rcv_nxt = seq_add(tcb->rcv_nxt, 1);
	tcb->fin_received = true;
	tcb->fin_ahead = false;
	tcp_rcvq_prune(&tcb->rcvq, 0);				/* nothing lies behind a FIN */
	tcb->rcvq.dsack_set = tcb->rcvq.thrown = false;
	tcp_event(tcb);
	if (tcb->state != OL_TCP_ESTABLISHED)
		tcb->ack_now = true;
	switch (tcb->state) {
	case OL_TCP_ESTABLISHED:				/* our own FIN may follow soon: the ACK rides on it, or is delayed */
		if (tcb->ato_ns == 0 || tcp_receive_window(tcb) == 0)
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

enum ol_fate tcp_step_fin(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	if ((in->seg.flags & TCP_FIN) && !tcb->fin_received && tcp_receives(tcb->state)) {
		tcp_seq at = seq_add(in->seg.seq, (uint32_t)in->seg.text.len);
		tcb->fin_ahead = true;
		tcb->fin_at = at;
		if (!seq_eq(at, tcb->rcv_nxt))
			tcb->ack_now = true;
	}
	if (tcb->fin_ahead && seq_le(tcb->fin_at, tcb->rcv_nxt) && tcp_receives(tcb->state))
		process_fin(tcb, now);
	return OL_DONE;
}

/* What came on the SYN that crossed ours is processed now; the segment at hand may say some of it again. */
void tcp_take_crossing_text(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
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
	tcp_trim(tcb, in);
}
