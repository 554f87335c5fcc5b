#ifndef TRANSPORT_TCP_TCP_MARKS_H
#define TRANSPORT_TCP_TCP_MARKS_H
/*
 * Places in what is queued for sending, in order: where writes ended (PSH), where records ended (MSG_EOR).  A mark is the
 * number behind the byte it is about.  Marks go when what they are about is acknowledged.
 */
#include <stdbool.h>
#include <stdint.h>
#include "base/seq.h"

struct tcp_marks { tcp_seq *ring; uint32_t cap, first, n; };	/* all zero: none, and no memory */

void tcp_marks_fini(struct tcp_marks *m);
/** Makes sure that one more can be put; false: memory is short. */
bool tcp_marks_reserve(struct tcp_marks *m);
/** Behind all others; a place must be reserved. */
void tcp_marks_put(struct tcp_marks *m, tcp_seq end);
/** The first mark behind seq; false: there is none. */
bool tcp_marks_next(const struct tcp_marks *m, tcp_seq seq, tcp_seq *end);
/** Forgets marks up to `una`. */
void tcp_marks_drop(struct tcp_marks *m, tcp_seq una);
/** The last one; there is one. */
static inline tcp_seq *tcp_marks_last(const struct tcp_marks *m) { return &m->ring[(m->first + m->n - 1) & (m->cap - 1)]; }

#endif
