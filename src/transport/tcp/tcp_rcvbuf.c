/*
 * The receive buffer: how large it is, unless the user set a size (SO_RCVBUF).  Dynamic right-sizing, Linux's measures: it holds
 * twice what the user took in the last round trip, and grows with it; text behind a gap, which nobody can take yet, has room beside.
 */
#include "transport/tcp/tcp_rcvbuf.h"
#include "base/check.h"

void tcp_rcvbuf_tune(struct tcp_tcb *tcb, ol_time now)
{
	if (tcb->opts.rcvbuf || !tcb->tcp->cfg.moderate_rcvbuf || !tcb->rcv_rtt_ns || now - tcb->rcv_tune.at < tcb->rcv_rtt_ns)
		return;
	uint32_t took = seq_len(tcb->rcv_tune.seq, tcb->copied);
	if (took > tcb->rcv_tune.space) {
		uint64_t want = 2 * (uint64_t)took + 16u * tcb->adv_mss;
		want += want * 2 * (took - tcb->rcv_tune.space) / tcb->rcv_tune.space;
		uint64_t buf = MIN(2 * want, (uint64_t)tcb->tcp->cfg.rmem[2]);
		tcb->rcvbuf = MAX(tcb->rcvbuf, (uint32_t)buf);
		tcb->rcv_tune.space = took;
	}
	tcb->rcv_tune.seq = tcb->copied;
	tcb->rcv_tune.at = now;
}

void tcp_rcvbuf_grow_for_gap(struct tcp_tcb *tcb, tcp_seq end)
{
	if (!tcb->held || tcb->opts.rcvbuf || !tcb->tcp->cfg.moderate_rcvbuf)
		return;					/* what nobody accepted yet, or reads any more, keeps to its size */
	uint64_t want = 2 * (uint64_t)tcb->rcv_tune.space + seq_len(tcb->rcv_nxt, end);
	uint64_t buf = MIN(2 * want, (uint64_t)tcb->tcp->cfg.rmem[2]);
	tcb->rcvbuf = MAX(tcb->rcvbuf, (uint32_t)buf);
}
