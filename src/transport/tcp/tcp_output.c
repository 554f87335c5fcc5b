/*
 * Sending: what may go, cut straight from the send queue.  RFC 9293 3.7.4 (Nagle), 3.8.6.2.1 (silly window avoidance), 3.8.6.1
 * (probes).  Whether the network takes more is the loss half's word (tcp_loss.h); how a segment is made, tcp_segment.c.
 */
#include "transport/tcp/tcp_local.h"
#include "transport/tcp/tcp_loss.h"
#include "transport/tcp/tcp_marks.h"
#include "transport/tcp/tcp_mtup.h"
#include "transport/tcp/tcp_output.h"
#include "transport/tcp/tcp_segment.h"
#include "transport/tcp/tcp_tcb.h"
#include "transport/tcp/tcp_tell.h"
#include "transport/tcp/tcp_timer.h"
#include "base/check.h"

enum { MAX_TEXT = 65535 - 60 - 40 };

tcp_seq tcp_text_end(const struct tcp_tcb *tcb) { return seq_add(tcb->sndq_seq, (uint32_t)tcb->sndq.len); }

uint32_t tcp_unsent_bytes(const struct tcp_tcb *tcb)
{
	return tcb->fin_sent || tcb->sndq.len == 0 ? 0 : seq_len(seq_max(tcb->snd_nxt, tcb->sndq_seq), tcp_text_end(tcb));
}

/* Behind the last byte queued there is nothing to be kept apart from, but for a FIN, which may ride. */
uint32_t tcp_record_end(const struct tcp_tcb *tcb, tcp_seq seq)
{
	tcp_seq end;
	return tcp_marks_next(&tcb->records, seq, &end) && seq_lt(end, tcp_text_end(tcb)) ? seq_len(seq, end) : UINT32_MAX;
}

/* ---- text ------------------------------------------------------------------------------------------------------- */

/* The FIN rides on the last text when all of it is there, and counts as one more. */
static bool takes_fin(const struct tcp_tcb *tcb, tcp_seq end)
{
	return tcb->fin_queued && seq_eq(end, tcp_text_end(tcb));
}

static uint32_t full_text(const struct tcp_tcb *tcb)		/* text bytes of a full segment now, SACK blocks taken off */
{
	uint32_t opts = tcp_extra_options(tcb);
	return tcb->snd_mss > opts + 8 ? tcb->snd_mss - opts : 8;
}

/* The most text of one packet: a super-segment where the interface will cut it. */
static uint32_t burst(const struct tcp_tcb *tcb, uint32_t mss)
{
	uint8_t tso = tcb->node.remote.addr.ver == 6 ? OL_IF_TSO6 : OL_IF_TSO4;
	if (!(tcb->path.features & tso) || tcb->urg_out)
		return mss;
	if (tcb->accecn.on && tcb->accecn.r_cep & 2)		/* RFC 9768 3.3.4: who cuts leaves CWR on the first piece alone */
		return mss;
	return MAX(MAX_TEXT / mss * mss, mss);
}

static bool push_in(const struct tcp_tcb *tcb, tcp_seq seq, uint32_t len)
{
	tcp_seq end;
	return tcp_marks_next(&tcb->push, seq, &end) && seq_le(end, seq_add(seq, len));
}

/* The first number the peer has no room for.  Fast Open: the window that its SYN offers begins behind ours. */
static tcp_seq window_edge(const struct tcp_tcb *tcb)
{
	return seq_add(tcb->snd_una, tcb->snd_wnd + (tcb->state == OL_TCP_SYN_RECEIVED));
}

uint32_t tcp_usable_window(const struct tcp_tcb *tcb)
{
	int32_t u = seq_diff(tcb->snd_nxt, window_edge(tcb));
	return u > 0 ? (uint32_t)u : 0;
}

/* One range the loss half wants again; false: no memory. */
static bool resend(struct tcp_tcb *tcb, const struct tcp_loss_range *r, ol_time now)
{
	if (seq_eq(r->seq, tcb->iss) && !tcp_synchronized(tcb->state)) {	/* numbers come round */
		tcp_send_syn(tcb, now);
		return true;
	}
	if (tcb->accecn.on)
		tcp_accecn_resending(tcb, r->seq);
	uint32_t left = seq_lt(r->seq, tcp_text_end(tcb)) ? seq_len(r->seq, tcp_text_end(tcb)) : 0;
	int32_t room = seq_diff(r->seq, window_edge(tcb));
	uint32_t most = room > 0 ? MIN(r->len, (uint32_t)room) : r->len;	/* req: 7323-2.4-d not beyond an edge taken back */
	uint32_t text = MIN(MIN(most, left), burst(tcb, full_text(tcb)));
	struct tcp_out o = { .seq = r->seq, .text = text, .flags = TCP_ACK };
	uint32_t len = text;
	if (tcb->fin_sent && text < most && text == left) {
		o.flags |= TCP_FIN;
		len++;
	}
	if (text > 0 && push_in(tcb, o.seq, text))
		o.flags |= TCP_PSH;
	if (len == 0 || !tcp_local_room(tcb) || !tcp_transmit(tcb, &o, now))
		return false;
	tcp_loss_resent(tcb, o.seq, len, tcb->ts_ok ? tcp_ts_clock(tcb, now) : 0, now);
	if (tcb->tell)
		tcp_tell_sent(tcb, o.seq.v, text, now);
	tcb->stat.retrans += (text + tcb->snd_mss - 1) / tcb->snd_mss;
	tcb->stat.bytes_retrans += text;
	tcb->stat.data_segs_out++;
	tcb->last_snd_at = now;
	return true;
}

static bool send_new(struct tcp_tcb *tcb, uint32_t text, uint8_t flags, bool probe, ol_time now)
{
	struct tcp_out o = { .seq = tcb->snd_nxt, .text = text, .flags = TCP_ACK | flags, .fresh = true, .whole = probe };
	tcp_seq end = seq_add(o.seq, text);
	if (text > 0 && push_in(tcb, o.seq, text))
		o.flags |= TCP_PSH;
	/* The FIN needs a number in the window too; it is sent where the window is closed only when alone: RFC 9293 3.8.6.1. */
	if (takes_fin(tcb, end) && seq_lt(end, window_edge(tcb)))
		o.flags |= TCP_FIN;
	if (tcb->ecn_ok && text > 0 && tcp_loss_cwr_due(&tcb->loss))
		o.flags |= TCP_CWR;
	if (!tcp_transmit(tcb, &o, now))
		return false;
	if (o.flags & TCP_CWR || (tcb->accecn.on && text > 0))	/* RFC 9768 3.1.5 has no CWR; new text is where it would be */
		tcp_loss_cwr_sent(&tcb->loss);
	uint32_t len = text + (o.flags & TCP_FIN ? 1 : 0);
	if (tcp_outstanding(tcb) == 0)
		tcb->stuck_at = now;
	tcb->snd_nxt = seq_add(end, o.flags & TCP_FIN ? 1 : 0);
	tcb->fin_sent |= !!(o.flags & TCP_FIN);
	if (probe)
		tcp_loss_probe_sent(tcb, o.seq, len, now);
	else
		tcp_loss_sent(tcb, o.seq, len, now);
	if (text > 0 && text < tcb->snd_mss)
		tcb->snd_sml = end;
	if (tcb->tell)
		tcp_tell_sent(tcb, o.seq.v, text, now);
	tcb->stat.bytes_sent += text;
	tcb->stat.data_segs_out += text > 0;
	if (text > 0) {
		if (now - tcb->last_rcv_at < tcb->ato_ns && tcb->pingpong < UINT8_MAX)
			tcb->pingpong++;			/* an answer: ACKs will find such company again */
		tcb->last_snd_at = now;
	}
	return true;
}

/*
 * A piece shorter than a segment, which is all there is: Nagle's rule as Minshall refined it, one small segment at a
 * time (RFC 9293 3.7.4: MUST-17 lets it be switched off), and cork.
 */
static bool may_send_small(const struct tcp_tcb *tcb)
{
	if (tcb->push_now || tcb->fin_queued)
		return true;
	if (tcb->urg_out && seq_gt(tcb->snd_up, tcb->snd_nxt))
		return true;
	if (tcb->opts.cork || tcb->more)
		return false;
	return tcb->opts.nodelay || tcp_outstanding(tcb) == 0 || seq_le(tcb->snd_sml, tcb->snd_una);
}

/*
 * How much of the unsent goes in the next packet; 0 and *why when none.  The network is asked last.  Waiting for more makes
 * a piece longer only where more may join it: the end of a record (MSG_EOR) that has something behind it goes as it is.
 */
static uint32_t next_piece(struct tcp_tcb *tcb, enum tcp_stop *why, ol_time now)
{
	uint32_t unsent = tcp_unsent_bytes(tcb), mss = full_text(tcb), whole = MIN(unsent, tcp_record_left(tcb, tcb->snd_nxt));
	uint32_t n = MIN(whole, tcp_usable_window(tcb));
	if (n < mss && n < whole) {			/* RFC 9293 3.8.6.2.1 (3): half of the largest window ever is worth it */
		*why = tcp_loss_pipe(tcb) + mss > tcb->loss.cwnd ? TCP_STOP_CWND : TCP_STOP_RWND;
		if (n == 0 || n < tcb->max_wnd / 2)
			return 0;
	} else if (n < mss) {
		*why = TCP_STOP_OTHER;
		if (whole == unsent && !may_send_small(tcb))
			return 0;
	} else {
		n = MIN(n - n % mss, burst(tcb, mss));
	}
	uint32_t quota = tcp_loss_quota(tcb, now);
	if (quota >= n)
		return n;
	*why = TCP_STOP_CWND;
	return quota - quota % mss;
}

/* A probe of the path's MTU goes before other new text.  False: it is due and waits for room in the window (RFC 4821 7.4). */
static bool send_mtu_probe(struct tcp_tcb *tcb, ol_time now)
{
	uint32_t text = tcp_mtup_want(tcb, now);
	enum tcp_probe_room room = text ? tcp_loss_probe_room(tcb, text, now) : TCP_PROBE_NOT_NOW;
	if (room == TCP_PROBE_GO && tcp_local_room(tcb) && send_new(tcb, text, 0, true, now))
		tcp_mtup_sent(tcb, text);
	return room != TCP_PROBE_WAITS;
}

static enum tcp_stop send_text(struct tcp_tcb *tcb, ol_time now)
{
	enum tcp_stop why = TCP_STOP_OTHER;
	if (tcb->mtup.on && !send_mtu_probe(tcb, now))
		return TCP_STOP_CWND;
	while (tcp_unsent_bytes(tcb) > 0) {
		uint32_t n = next_piece(tcb, &why, now);
		if (n == 0)
			return why;
		if (!tcp_local_room(tcb) || !send_new(tcb, n, 0, false, now))
			return TCP_STOP_OTHER;
	}
	if (tcb->fin_queued && !tcb->fin_sent) {
		if (tcp_usable_window(tcb) == 0)
			return TCP_STOP_RWND;
		if (!tcp_loss_room(tcb) || !send_new(tcb, 0, 0, false, now))
			return TCP_STOP_OTHER;
	}
	return TCP_STOP_APP;
}

/* next: tcp_loss_next, what is lost; or tcp_loss_last_resort. */
static void send_again(struct tcp_tcb *tcb, bool (*next)(struct tcp_tcb *, struct tcp_loss_range *, ol_time), ol_time now)
{
	struct tcp_loss_range r;
	for (uint32_t bound = 0; bound < SB_MAX_RECORDS && next(tcb, &r, now); bound++) {
		if (!seq_eq(r.seq, tcb->snd_una) && seq_ge(r.seq, window_edge(tcb)) &&
		    tcp_synchronized(tcb->state))
			break;				/* the peer took the window back: only the first byte probes it */
		if (!resend(tcb, &r, now))
			break;
	}
}

/* RFC 9293 3.8.6.1: with nothing under way no ACK will come, so a timer must ask. */
static void watch_window(struct tcp_tcb *tcb, enum tcp_stop why, ol_time now)
{
	bool waiting = tcp_unsent_bytes(tcb) > 0 || (tcb->fin_queued && !tcb->fin_sent);
	if (tcp_outstanding(tcb) > 0 || !waiting || why == TCP_STOP_CWND) {
		tcb->persist_at = OL_NEVER;
		tcb->persist_backoff = 0;
		return;
	}
	if (tcb->persist_at == OL_NEVER) {
		tcb->persist_at = now + tcb->rto_ns;
		if (tcb->stuck_at == OL_NEVER)
			tcb->stuck_at = now;
	}
}

/* What time was spent on while there was something to send: TCP_INFO tells. */
static void clock_work(struct tcp_tcb *tcb, enum tcp_stop why, ol_time now)
{
	enum tcp_chrono c = TCP_CHRONO_BUSY;
	if (tcb->sndq.len == 0 && tcp_outstanding(tcb) == 0)
		c = TCP_CHRONO_IDLE;
	else if (why == TCP_STOP_RWND)
		c = TCP_CHRONO_RWND;
	else if (why == TCP_STOP_APP && tcb->nospace && tcb->sndq.len > 0)
		c = TCP_CHRONO_SNDBUF;
	tcb->stat.chrono_ns[tcb->stat.chrono] += now - tcb->stat.chrono_at;
	tcb->stat.chrono_at = now;
	tcb->stat.chrono = (uint8_t)c;
}

/* RFC 9293 3.10.4: CLOSE in SYN-RECEIVED with nothing to be sent before it.  FIN-WAIT-1 is what the SYN's ACK makes of it. */
static bool closes_early(const struct tcp_tcb *tcb)
{
	return tcb->state == OL_TCP_SYN_RECEIVED && tcb->fin_queued && tcb->sndq.len == 0;
}

void tcp_output(struct tcp_tcb *tcb, ol_time now)
{
	if (!tcb->in_demux)
		return;
	/* Another connection may have learnt the path's MTU, and what is longer would not even leave this host. */
	if (tcb->path_generation != net_generation(tcb->tcp->net))
		tcp_sync_mss(tcb, now);
	send_again(tcb, tcp_loss_next, now);
	if (tcp_carries(tcb) || closes_early(tcb)) {
		enum tcp_stop why = send_text(tcb, now);
		if (why != TCP_STOP_CWND)		/* RFC 6675 4: rules (3) and (4) where (2) has nothing */
			send_again(tcb, tcp_loss_last_resort, now);
		tcp_loss_stopped(tcb, why, now);
		watch_window(tcb, why, now);
		clock_work(tcb, why, now);
	}
	if (tcb->ack_now && tcb->state != OL_TCP_SYN_SENT)
		tcp_send_ack(tcb, now);
	tcp_timer_update(tcb, now);
}

/* What the window takes goes now, however small; else an empty segment asks for the window. */
void tcp_send_forced(struct tcp_tcb *tcb, ol_time now)
{
	uint32_t n = MIN(MIN(tcp_unsent_bytes(tcb), tcp_usable_window(tcb)), full_text(tcb));
	n = MIN(n, tcp_record_left(tcb, tcb->snd_nxt));
	bool fin = tcp_unsent_bytes(tcb) == 0 && tcb->fin_queued && !tcb->fin_sent && tcp_usable_window(tcb) > 0;
	if ((n > 0 || fin) && tcp_loss_room(tcb))
		(void)send_new(tcb, n, n > 0 ? TCP_PSH : 0, false, now);
	else
		tcp_send_probe(tcb, now);
}
