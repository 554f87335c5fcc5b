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

enum tcp_told {				/* the first three in Linux's numbers, SCM_TSTAMP_* */
	TCP_TOLD_SND,			/* the segment with the byte left the interface's queue */
	TCP_TOLD_SCHED,			/* it was handed to the interface */
	TCP_TOLD_ACK,			/* all up to the byte was acknowledged */
	TCP_TOLD_COPIED,		/* MSG_ZEROCOPY: what was written is acknowledged and its memory free */
};
struct tcp_report {
	struct list node;		/* of tcp_tell.reports */
	uint8_t what;			/* enum tcp_told */
	uint32_t first, last;		/* COPIED: numbers of the writes; else both: the byte, counted from tcp_tell.base */
	ol_time at;			/* when; COPIED: unused */
	uint32_t len;
	uint8_t *text;			/* the end of what was written, at most a segment; lies behind the struct */
};
struct tcp_note;
struct tcp_tcb;
struct tcp;
struct tcp_tell {
	struct list notes, reports;	/* struct tcp_note, in the order of their bytes; struct tcp_report */
	struct tcp_note *spare;		/* for the next write, so that noting it cannot fail */
	uint32_t n_notes;
	uint32_t next_copy;		/* number of the next write with MSG_ZEROCOPY */
	uint32_t base;			/* the sequence number that is byte 0 of stamps */
	bool loop;			/* stamps come with their text */
	size_t charged;			/* memory of the stamps in reports: at most SO_RCVBUF, what is more is not told */
};
void tcp_tell_init(struct tcp_tell *t);
void tcp_tell_fini(struct tcp_tell *t);
/** Byte 0 is the first one not acknowledged (SOF_TIMESTAMPING_OPT_ID), or the next to be written (OPT_ID_TCP). */
void tcp_tell_count(struct tcp_tcb *tcb, bool from_next);
/** Before a write with TCP_SEND_TOLD: false, memory is short, or very many wait to be told of already. */
bool tcp_tell_reserve(struct tcp_tell *t);
/** The oldest report, which is the caller's to free(); NULL: none. */
struct tcp_report *tcp_tell_take(struct tcp_tell *t);
static inline bool tcp_tell_waits(const struct tcp_tell *t) { return t && !list_empty(&t->reports); }

/* ---- TCP's own ---------------------------------------------------------------------------------------------------- */
/** A write of len bytes with such flags (TCP_SEND_*) ended with the last byte queued.  Reserved, where the flags have COPIED. */
void tcp_tell_written(struct tcp_tcb *tcb, size_t len, unsigned flags, ol_time now);
/** Text was handed to the interface, for the first time or again. */
void tcp_tell_sent(struct tcp_tcb *tcb, uint32_t seq, uint32_t len, ol_time now);
/** A packet left the interface's queue. */
void tcp_tell_left(struct tcp *tcp, int ifi, ol_time now);
/** All before `ack` was acknowledged and is about to leave the send queue. */
void tcp_tell_acked(struct tcp_tcb *tcb, uint32_t ack, ol_time now);
/** The user lets go of the connection: nobody is told any more. */
void tcp_tell_release(struct tcp_tcb *tcb);
/** The send queue is gone, with what was not acknowledged. */
void tcp_tell_dropped(struct tcp_tcb *tcb);

#endif
