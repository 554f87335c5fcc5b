#ifndef BASE_TXQ_H
#define BASE_TXQ_H
/*
 * The outside of a bounded queue towards a wire: how much went in and came out, and who waits for room.  The queue's
 * owner counts; whoever fills it looks before it sends, and stands in `waiting` (its own node) when there is no room.
 * The counters only grow, modulo 2^32: the packet with which `in` became m is in the queue while out < m =< in.
 */
#include <stdbool.h>
#include <stdint.h>
#include "base/list.h"

struct txq {
	uint32_t in, out, max;		/* packets; in - out <= max are in the queue */
	struct list waiting;
};

static inline uint32_t txq_len(const struct txq *q) { return q->in - q->out; }
static inline bool txq_gone(const struct txq *q, uint32_t mark) { return mark - q->out - 1 >= txq_len(q); }

#endif
