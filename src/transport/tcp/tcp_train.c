/* The rest of a train (net/gro.h): the short way of a segment that is just what was expected next. */
#include "transport/tcp/tcp_output.h"
#include "transport/tcp/tcp_steps.h"
#include "transport/tcp/tcp_timer.h"

/* RFC 7323 appendix A's layout, which is all a train has. */
static void read_timestamps(struct tcp_opt *opt, const struct wire_bytes *o)
{
	opt->ts_ok = o->len == TCP_OPT_TS_LEN;
	opt->tsval = opt->ts_ok ? be32_at(o->p + 4) : 0;
	opt->tsecr = opt->ts_ok ? be32_at(o->p + 8) : 0;
}

/* No flags but PSH; where RFC 9768 is agreed on, its count may stand there, if it says nothing new. */
static bool plain_flags(const struct tcp_tcb *tcb, const struct tcp_seg *s)
{
	uint8_t ace = wire_tcp_ace(s), others = s->flags & (uint8_t)~(TCP_PSH | TCP_ECE | TCP_CWR);
	return others == TCP_ACK && (tcb->accecn.on ? tcp_accecn_no_news(&tcb->accecn, ace) : ace == 0);
}

/*
 * What the segment before left may be anything: it may have been refused.  Plain is: established, text at RCV.NXT that fits,
 * an ACK that is no news, and nothing of ours on its way or waiting, so that the loss half has nothing to hear of it.
 */
static bool plain_next(const struct tcp_tcb *tcb, const struct tcp_in *in, ol_time now)
{
	const struct tcp_seg *s = &in->seg;
	return tcb->state == OL_TCP_ESTABLISHED && seq_eq(s->seq, tcb->rcv_nxt) && s->text.len > 0 &&
	       s->text.len <= tcp_receive_window(tcb) && plain_flags(tcb, s) && !tcb->fin_ahead && !tcb->urg_in &&
	       seq_eq(s->ack, tcb->snd_una) && tcp_outstanding(tcb) == 0 && tcb->loss.ca_state == TCP_CAS_OPEN &&
	       tcp_unsent_bytes(tcb) == 0 && in->rx->ttl >= tcb->opts.min_ttl && tcp_paws(tcb, in, now) == OL_PASS;
}

bool tcp_tcb_input_next(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now)
{
	read_timestamps(&in->opt, &in->seg.opt);
	in->wnd = (uint32_t)in->seg.wnd << tcb->snd_wscale;
	if (!plain_next(tcb, in, now))
		return false;
	tcb->stat.segs_in++;
	tcb->cause = OL_CAUSE_SEGMENT;
	tcp_update_ts_recent(tcb, in, now);
	(void)tcp_update_window(tcb, in);
	tcp_ack_came(tcb, now);
	tcb->stuck_at = tcb->persist_at != OL_NEVER ? now : OL_NEVER;
	if (tcb->accecn.on)
		tcp_accecn_received_next(tcb, in);
	tcp_measure(tcb, in, now);
	tcp_take_in_order(tcb, in, now);
	if (tcb->ack_now)
		tcp_output(tcb, now);
	else
		tcp_timer_update(tcb, now);
	return true;
}
