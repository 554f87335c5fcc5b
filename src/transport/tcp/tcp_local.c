/*
 * The interface's own queue: a connection does not flood it.  What lies there was handed over but is not in the network
 * yet; more of it only makes round trips longer, and what the queue would refuse is no word of the network, so it is
 * never offered.  Linux calls the same idea TCP small queues (tcp_limit_output_bytes).
 *
 * A connection may have `limit_output` bytes waiting there, in two halves, each with a mark: the count of packets the
 * queue had taken when the half's last one went in.  The queue is first in, first out, so that a half has
 * left when as many came out; then it is filled anew.
 *
 *	queue:  out ..... mark[0] ........ mark[1] .. in	the older half is full, `bytes` are in the newer
 *
 * Text also stops short of a full queue: the last eighth is for ACKs and for other protocols.  Whoever is stopped waits
 * in the queue's list; tcp_drained, called when a packet came out, lets go on those that can, the first in line first.
 * Any other event of the connection asks again too, so nobody waits for ever where nobody calls it.
 */
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_local.h"
#include "transport/tcp/tcp_output.h"
#include "transport/tcp/tcp_tell.h"
#include "base/check.h"
#include "base/txq.h"

static bool own_room(const struct tcp_tcb *tcb, const struct txq *q)
{
	const struct tcp_local *w = &tcb->local;
	return w->bytes < tcb->tcp->cfg.limit_output / 2 || txq_gone(q, w->mark[0]);
}

bool tcp_local_room(struct tcp_tcb *tcb)
{
	struct txq *q = net_txq(tcb->tcp->net, tcb->path.ifi);
	if (!q || (own_room(tcb, q) && txq_len(q) < q->max - q->max / 8))
		return true;
	if (list_empty(&tcb->local.wait))
		list_append(&q->waiting, &tcb->local.wait);
	return false;
}

bool tcp_local_queued(const struct tcp_tcb *tcb)
{
	const struct txq *q = net_txq(tcb->tcp->net, tcb->path.ifi);
	return q && !txq_gone(q, tcb->local.mark[1]);
}

void tcp_local_sent(struct tcp_tcb *tcb, uint32_t bytes)
{
	struct tcp_local *w = &tcb->local;
	const struct txq *q = net_txq(tcb->tcp->net, tcb->path.ifi);
	if (!q)
		return;
	if (w->bytes >= tcb->tcp->cfg.limit_output / 2 || txq_gone(q, w->mark[1])) {
		w->mark[0] = w->mark[1];
		w->bytes = 0;
	}
	w->mark[1] = q->in;
	w->bytes += bytes;
}

void tcp_drained(struct tcp *tcp, int ifi, ol_time now)
{
	struct txq *q = net_txq(tcp->net, ifi);
	if (!list_empty(&tcp->leaving))
		tcp_tell_left(tcp, ifi, now);
	for (struct list *n; q && (n = list_first(&q->waiting)); ) {
		struct tcp_tcb *tcb = list_of(n, struct tcp_tcb, local.wait);
		if (txq_len(q) > q->max / 2 || !own_room(tcb, q))
			return;				/* it has not begun to matter, or the first in line is still in it */
		list_del(n);
		tcb->cause = OL_CAUSE_SEND;
		tcp_output(tcb, now);
	}
}
