/*
 * ICMP errors about segments of ours.  Anyone can send one, so RFC 5927 is kept: the sequence number quoted must be of
 * something outstanding (5927 4.1); hard errors do not end a synchronized connection (5927 5.2), they are noted; a "too
 * big" is believed when it names a size below what we send and not below what IP guarantees (5927 7, RFC 8201 4).
 * RFC 9293 3.9.2.2 (MUST-54 to MUST-56).  Source quench is ignored (RFC 6633).
 */
#include "transport/tcp/tcp_demux.h"
#include "transport/tcp/tcp_listen.h"
#include "transport/tcp/tcp_loss.h"
#include "transport/tcp/tcp_output.h"
#include "transport/tcp/tcp_tcb.h"
#include "transport/tcp/tcp_timer.h"
#include "base/check.h"

enum { IP4_LEAST = 68 + 20, IP6_LEAST = 1280 };

struct quoted { struct ol_endpoint local, remote; tcp_seq seq; };

static bool read_quote(struct quoted *q, const struct ol_pkt *p, const struct net_rx *rx)
{
	if (p->len < 8)						/* RFC 792 promises eight bytes */
		return false;
	q->local = (struct ol_endpoint){ rx->src, be16_at(p->data) };	/* rx names the datagram as we sent it */
	q->remote = (struct ol_endpoint){ rx->dst, be16_at(p->data + 2) };
	q->seq = seq_from(be32_at(p->data + 4));
	return true;
}

static void too_big(struct tcp_tcb *tcb, const struct quoted *q, uint32_t mtu, ol_time now)
{
	uint32_t least = tcb->node.remote.addr.ver == 6 ? IP6_LEAST : IP4_LEAST;
	mtu = MAX(mtu, least);
	if (mtu > tcb->path.mtu || tcb->opts.pmtudisc == 0)
		return;
	if (mtu < tcb->path.mtu)			/* or another connection learnt it first */
		net_pmtu_update(tcb->tcp->net, &tcb->node.remote.addr, mtu, now);
	uint32_t was = tcb->snd_mss;
	tcp_sync_mss(tcb, now);
	if (tcb->snd_mss < was)
		tcp_loss_keep_segments(tcb, was);
	if (!tcp_synchronized(tcb->state) && !(tcb->state == OL_TCP_SYN_SENT && tcb->fo_data))
		return;
	tcp_loss_mtu_shrunk(tcb, now);
	tcb->cause = OL_CAUSE_SEGMENT;
	tcp_output(tcb, now);
}

static void unreachable(struct tcp_tcb *tcb, const struct net_rx *rx, ol_time now)
{
	bool opening = tcb->state == OL_TCP_SYN_SENT || tcb->state == OL_TCP_SYN_RECEIVED;
	if (tcb->fo_child && !tcb->listener)
		opening = false;				/* accepted already: a connection like any other */
	if (opening && rx->error.hard) {
		tcp_fastopen_failed(tcb, now);
		tcp_enter_closed(tcb, rx->error.err, now);	/* MUST-56, while nothing can be lost yet */
		return;
	}
	tcb->soft_error = rx->error.err;			/* MUST-56: noted; the timeout decides */
	tcb->soft_new = true;
	if (!opening && tcb->loss.backoff > 0) {
		tcp_loss_revert_rto(tcb, now);			/* RFC 6069: the link is down, not full */
		tcp_timer_update(tcb, now);
	}
}

void tcp_icmp(struct tcp *tcp, const struct ol_pkt *pkt, const struct net_rx *rx, ol_time now)
{
	struct quoted q;
	if (rx->what != NET_UP_ERROR || !read_quote(&q, pkt, rx))
		return;
	struct tcp_node *n = tcp_demux_find(&tcp->demux, &q.local, &q.remote);
	if (!n)
		return;
	if (n->kind == TCP_NODE_SYN) {
		struct tcp_synrec *s = (struct tcp_synrec *)(void *)n;
		if (seq_eq(q.seq, s->iss) && rx->error.hard)
			tcp_synrec_free(s);
		return;
	}
	if (n->kind != TCP_NODE_TCB)
		return;
	struct tcp_tcb *tcb = (struct tcp_tcb *)(void *)n;
	if (seq_lt(q.seq, tcb->snd_una) || seq_ge(q.seq, tcb->snd_nxt))		/* RFC 5927 4.1: not outstanding */
		return;
	if (rx->error.err == OL_ERR_MSGSIZE && rx->error.info)	/* a Parameter Problem's is a pointer */
		too_big(tcb, &q, rx->error.info, now);
	else
		unreachable(tcb, rx, now);
	tcp_reap(tcb);
}
