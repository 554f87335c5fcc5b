#ifndef TRANSPORT_TCP_TIMER_H
#define TRANSPORT_TCP_TIMER_H
/*
 * The timer node that stands for all deadlines of a connection.  Whoever moves one (tcp_tcb.delack_at and the others, those of
 * tcp_loss.h) calls tcp_timer_update in the same event.
 */
#include "transport/tcp/tcp_int.h"

void tcp_timer_update(struct tcp_tcb *tcb, ol_time now);	/* arms the node if a deadline is earlier than it */
void tcp_tcb_expire(struct tcp_tcb *tcb, ol_time now);
/** Something of ours was acknowledged: back-off and retries start over. */
void tcp_timer_progress(struct tcp_tcb *tcb, ol_time now);

#endif
