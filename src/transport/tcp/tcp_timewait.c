/*
 * TIME-WAIT: the last 2 MSL of a connection's name, in a record of 128 bytes.  All records live equally long, so a
 * queue in order of birth is also in order of death and one timer serves all of them.  RFC 9293 3.10.7.4 and 3.6.1;
 * reuse by RFC 6191 and MAY-2; RFC 1337 as a setting.
 */
#include "transport/tcp/tcp_demux.h"
#include "transport/tcp/tcp_segment.h"
#include "transport/tcp/tcp_tcb.h"
#include "transport/tcp/tcp_timewait.h"
#include "base/check.h"
#include <stdlib.h>

enum { PAWS_IDLE_MS = 24u * 86400 * 1000 };

static void arm(struct tcp *tcp)
{
	struct list *n = list_first(&tcp->tw);
	timer_arm(tcp->wheel, &tcp->tw_timer, n ? list_of(n, struct tcp_tw, fifo)->at : OL_NEVER);
	if (!n)
		timer_stop(tcp->wheel, &tcp->tw_timer);
}

bool tcp_tw_add(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp *tcp = tcb->tcp;
	if (tcp->n_tw >= tcp->cfg.max_tw_buckets)
		return false;
	struct tcp_tw *tw = calloc(1, sizeof *tw);
	if (!tw)
		return false;
	uint8_t ace = tcb->accecn.on ? tcp_accecn_ace(tcb, false) : 0;	/* 0 is also what a segment of no ECN has */
	tw->node = (struct tcp_node){
		.kind = TCP_NODE_TW, .local = tcb->node.local, .remote = tcb->node.remote,
		.aux = { tcb->ts_ok, (uint8_t)(tcb->rcv_wscale | ace << 4), tcb->opts.tos },
	};
	tw->at = now + tcp->cfg.tw_ns;
	tw->snd_nxt = tcb->snd_nxt;
	tw->rcv_nxt = tcb->rcv_nxt;
	tw->rcv_wnd = tcb->rcv_wnd;
	tw->ts_recent = tcb->ts_recent;
	tw->ts_recent_ms = (uint32_t)(tcb->ts_recent_at / OL_MS);
	tw->ts_offset = tcb->ts_offset;
	tcp_leave_demux(tcb);
	tcp_demux_add(&tcp->demux, &tw->node);
	list_append(&tcp->tw, &tw->fifo);
	tcp->n_tw++;
	if (tcp->n_tw == 1)
		arm(tcp);
	return true;
}

void tcp_tw_free(struct tcp *tcp, struct tcp_tw *tw)
{
	tcp_demux_del(&tcp->demux, &tw->node);
	list_del(&tw->fifo);
	tcp->n_tw--;
	free(tw);
}

void tcp_tw_expire(struct tcp *tcp, ol_time now)
{
	for (struct list *n; (n = list_first(&tcp->tw)); ) {
		struct tcp_tw *tw = list_of(n, struct tcp_tw, fifo);
		if (tw->at > now)
			break;
		tcp_tw_free(tcp, tw);
	}
	arm(tcp);
}

static void restart(struct tcp *tcp, struct tcp_tw *tw, ol_time now)
{
	tw->at = now + tcp->cfg.tw_ns;
	list_del(&tw->fifo);
	list_append(&tcp->tw, &tw->fifo);
}

static void answer(struct tcp *tcp, struct tcp_tw *tw, ol_time now)
{
	struct tcp_bare b = {
		.local = tw->node.local, .remote = tw->node.remote, .seq = tw->snd_nxt, .ack = tw->rcv_nxt, .flags = TCP_ACK,
		.wnd = (uint16_t)MIN(tw->rcv_wnd >> (tw->node.aux[1] & 15), 65535u), .ace = tw->node.aux[1] >> 4, .tos = tw->node.aux[2] & 0xfc,
		.state = OL_TCP_TIME_WAIT, .cause = OL_CAUSE_SEGMENT,
		.opt = { .ts_ok = tw->node.aux[0], .tsval = (uint32_t)(now / OL_MS) + tw->ts_offset, .tsecr = tw->ts_recent },
	};
	tcp_send_bare(tcp, &b, now);
}

static enum ol_fate answer_limited(struct tcp *tcp, struct tcp_tw *tw, ol_time now)
{
	if (!tw->answered_at || now - tw->answered_at >= tcp->cfg.invalid_ratelimit_ns) {
		tw->answered_at = now ? now : 1;
		answer(tcp, tw, now);
	}
	return OL_DROP_TCP_TIME_WAIT;
}

static bool ts_fresh(const struct tcp_tw *tw, ol_time now)
{
	return tw->node.aux[0] && (uint32_t)(now / OL_MS) - tw->ts_recent_ms < PAWS_IDLE_MS;
}

/* RFC 6191 2: is this SYN younger than all the old connection sent? */
static bool younger(const struct tcp_tw *tw, const struct tcp_in *in, ol_time now)
{
	if (tw->node.aux[0] && in->opt.ts_ok && ts_fresh(tw, now)) {
		int32_t d = (int32_t)(in->opt.tsval - tw->ts_recent);
		if (d != 0)
			return d > 0;
	}
	if (!tw->node.aux[0] && in->opt.ts_ok)
		return true;						/* 2 (d): no old segment can pass its PAWS */
	return seq_gt(in->seg.seq, tw->rcv_nxt);
}

static enum ol_fate tw_rst(struct tcp *tcp, struct tcp_tw *tw, struct tcp_in *in, ol_time now)
{
	if (!seq_eq(in->seg.seq, tw->rcv_nxt)) {
		if (!seq_in(in->seg.seq, tw->rcv_nxt, tw->rcv_wnd))
			return OL_DROP_TCP_RST_OUTSIDE;
		if (tcp_challenge_allowed(tcp, &tw->answered_at, now))
			answer(tcp, tw, now);
		return OL_DROP_TCP_RST_INEXACT;
	}
	if (tcp->cfg.rfc1337)
		return OL_DROP_TCP_TIME_WAIT;
	tcp_tw_free(tcp, tw);
	arm(tcp);
	return OL_DONE;
}

enum ol_fate tcp_tw_input(struct tcp *tcp, struct tcp_tw *tw, struct tcp_in *in, bool *again, ol_time now)
{
	const struct tcp_seg *s = &in->seg;
	uint32_t len = (uint32_t)s->text.len + !!(s->flags & TCP_FIN);
	*again = false;
	if (s->flags & TCP_RST)
		return tw_rst(tcp, tw, in, now);
	if ((s->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && younger(tw, in, now)) {
		in->isn_set = true;
		in->isn = seq_add(tw->snd_nxt, 65535 + 2);
		tcp_tw_free(tcp, tw);
		arm(tcp);
		*again = true;
		return OL_PASS;
	}
	if (s->flags & TCP_SYN)
		return answer_limited(tcp, tw, now);
	if (!(s->flags & TCP_ACK))
		return OL_DROP_TCP_NO_ACK;
	bool old_ts = ts_fresh(tw, now) && in->opt.ts_ok && (int32_t)(in->opt.tsval - tw->ts_recent) < 0;
	if (old_ts)
		return answer_limited(tcp, tw, now);
	if (len == 0 && seq_eq(s->seq, tw->rcv_nxt))
		return OL_DROP_TCP_TIME_WAIT;
	if ((s->flags & TCP_FIN) && seq_eq(seq_add(s->seq, len), tw->rcv_nxt)) {	/* our ACK of it was lost */
		restart(tcp, tw, now);
		answer(tcp, tw, now);
		return OL_DONE;
	}
	return answer_limited(tcp, tw, now);
}

bool tcp_tw_reusable(const struct tcp *tcp, const struct tcp_tw *tw, ol_time now)
{
	bool wanted = tcp->cfg.tw_reuse == 1 || (tcp->cfg.tw_reuse == 2 && ol_addr_is_loopback(&tw->node.remote.addr));
	return wanted && tw->node.aux[0] && (uint32_t)(now / OL_MS) - tw->ts_recent_ms >= 1000;
}
