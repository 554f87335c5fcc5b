#ifndef TRANSPORT_TCP_SNDBUF_H
#define TRANSPORT_TCP_SNDBUF_H
/* The send buffer: how large it is, what a write may add, when a writer is told of room. */
#include "transport/tcp/tcp_int.h"

uint32_t tcp_notsent_lowat(const struct tcp_tcb *tcb);	/* TCP_NOTSENT_LOWAT, or the setting; UINT32_MAX: no bound */
uint32_t tcp_grain(const struct tcp_tcb *tcb);		/* bytes of one burst, whole segments */
bool tcp_has_space(const struct tcp_tcb *tcb);		/* enough to call a writer for */
void tcp_sndbuf_tune(struct tcp_tcb *tcb);		/* room for twice the congestion window, unless the user set a size */
/** After an ACK and what it let go: grows the buffer, and tells a writer that met it full. */
void tcp_sndbuf_check(struct tcp_tcb *tcb, ol_time now);

#endif
