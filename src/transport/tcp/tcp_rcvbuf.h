#ifndef TRANSPORT_TCP_RCVBUF_H
#define TRANSPORT_TCP_RCVBUF_H
/* The receive buffer: how large it is. */
#include "transport/tcp/tcp_int.h"

/** Text that ends at `end` waits behind a gap: room for it beside what the user takes in a round trip. */
void tcp_grow_for_gap(struct tcp_tcb *tcb, tcp_seq end);

#endif
