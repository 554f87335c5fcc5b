#ifndef TRANSPORT_TCP_LOCAL_H
#define TRANSPORT_TCP_LOCAL_H
/* What of a connection's lies in its interface's own queue, and whether more may: as little as keeps the wire busy. */
#include <stdbool.h>
#include <stdint.h>
#include "base/list.h"

struct tcp_tcb;

struct tcp_local {
	struct list wait;			/* of the queue's waiting */
	uint32_t mark[2];			/* of the older half, and of the one being filled */
	uint32_t bytes;				/* in the latter */
};

/** May text go to the interface now?  False: it waits, and tcp_drained comes back to it. */
bool tcp_local_room(struct tcp_tcb *tcb);
/** Is the last segment sent still there? */
bool tcp_local_queued(const struct tcp_tcb *tcb);
/** So much of it was handed over. */
void tcp_local_sent(struct tcp_tcb *tcb, uint32_t bytes);

#endif
