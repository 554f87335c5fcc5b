#ifndef TRANSPORT_TCP_TCP_TELL_H
#define TRANSPORT_TCP_TCP_TELL_H
/*
 * What the user of a connection is told of what it sent, beside the stream: the error queue of its socket.
 *
 *	write --> note, on the write's last byte --> what happens to that byte --> report --> tcp_tell_take
 *
 * A struct tcp_tell is the user's, who makes it when it first wants to be told, keeps it longer than the connection, and
 * lends it to the connection (tcp_set_tell) until tcp_release.  A connection without one pays a comparison.
 */
#include <stdbool.h>
#include <stdint.h>
#include <outlet/ol_time.h>
#include "base/list.h"

enum tcp_told {
	TCP_TOLD_COPIED,		/* MSG_ZEROCOPY: what was written is acknowledged and its memory free */
};
struct tcp_report {
	struct list node;		/* of tcp_tell.reports */
	uint8_t what;			/* enum tcp_told */
	uint32_t first, last;		/* COPIED: numbers of the writes */
};
struct tcp_note;
struct tcp_tell {
	struct list notes, reports;	/* struct tcp_note, in the order of their bytes; struct tcp_report */
	struct tcp_note *spare;		/* for the next write, so that noting it cannot fail */
	uint32_t n_notes;
	uint32_t next_copy;		/* number of the next write with MSG_ZEROCOPY */
};
void tcp_tell_init(struct tcp_tell *t);
void tcp_tell_fini(struct tcp_tell *t);
/** Before a write with TCP_SEND_TOLD: false, memory is short, or very many wait to be told of already. */
bool tcp_tell_reserve(struct tcp_tell *t);
/** The oldest report, which is the caller's to free(); NULL: none. */
struct tcp_report *tcp_tell_take(struct tcp_tell *t);
static inline bool tcp_tell_waits(const struct tcp_tell *t) { return t && !list_empty(&t->reports); }

/* ---- TCP's own ---------------------------------------------------------------------------------------------------- */
struct tcp_tcb;
/** A write with such flags (TCP_SEND_*) ended with the last byte queued; reserved. */
void tcp_tell_written(struct tcp_tcb *tcb, unsigned flags);
/** All before SND.UNA was acknowledged and is gone. */
void tcp_tell_acked(struct tcp_tcb *tcb);
/** The send queue is gone, with what was not acknowledged. */
void tcp_tell_dropped(struct tcp_tcb *tcb);

#endif
