#ifndef TRANSPORT_TCP_TCP_SEGMENT_H
#define TRANSPORT_TCP_TCP_SEGMENT_H
/* How a connection's segments are made: tcp_segment.c.  Which, and when: tcp_output.c. */
#include "transport/tcp/tcp_int.h"

struct tcp_out {				/* a segment to be made */
	tcp_seq seq;
	uint32_t text;
	uint8_t flags;
	uint8_t ace;			/* of a SYN: RFC 9768's three flags, if not 0 */
	bool fresh;			/* never sent before: RFC 3168 6.1.5 marks only such */
	bool whole;			/* a probe of the path's MTU: larger than the others, and not to be cut */
};
/** False: no memory, nothing went. */
bool tcp_transmit(struct tcp_tcb *tcb, const struct tcp_out *o, ol_time now);

#endif
