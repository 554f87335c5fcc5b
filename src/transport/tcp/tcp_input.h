#ifndef TRANSPORT_TCP_INPUT_H
#define TRANSPORT_TCP_INPUT_H
/*
 * A segment on its way through the steps of RFC 9293 3.10.7, and where it comes in.  The steps themselves: tcp_steps.h.
 */
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_option.h"
#include "wire/tcp.h"

struct tcp_in {
	struct tcp_seg seg;			/* wire/tcp.h: host order; seg.text borrows from pkt */
	struct tcp_opt opt;
	struct ol_pkt *pkt;			/* NULL once a queue has it */
	const struct net_rx *rx;
	uint32_t wnd;				/* seg.wnd, scaled */
	uint32_t payload;			/* text bytes it came with */
	bool syn;				/* it came as a SYN */
	bool ce;				/* congestion experienced, RFC 3168 */
	bool isn_set; tcp_seq isn;		/* a SYN that takes TIME-WAIT over: our ISN must lie above the old numbers */
};

enum ol_fate tcp_tcb_input(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now);
/**
 * A segment of a train, not its first (net/gro.h): true, if the connection is in so plain a state that all there is to do is
 * take the text; then it is taken, just as tcp_tcb_input would.  False: nothing was done.  in->opt need not be set.
 */
bool tcp_tcb_input_next(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now);
void tcp_challenge_ack(struct tcp_tcb *tcb, ol_time now);
/** RFC 7413 4.2.2: takes the text of the SYN that made tcb, as far as the window offered goes. */
void tcp_take_syn_text(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now);
/** RFC 5961 7, for whoever answers: may another go now? */
bool tcp_challenge_allowed(struct tcp *tcp, ol_time *last, ol_time now);

#endif
