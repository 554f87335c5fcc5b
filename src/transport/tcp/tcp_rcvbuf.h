#ifndef TRANSPORT_TCP_RCVBUF_H
#define TRANSPORT_TCP_RCVBUF_H
/* The receive buffer: how large it is. */
#include "transport/tcp/tcp_int.h"

/** The user took something. */
void tcp_rcvbuf_tune(struct tcp_tcb *tcb, ol_time now);
/** Text that ends at `end` waits behind a gap: room for it beside what the user takes in a round trip. */
void tcp_rcvbuf_grow_for_gap(struct tcp_tcb *tcb, tcp_seq end);

#endif
