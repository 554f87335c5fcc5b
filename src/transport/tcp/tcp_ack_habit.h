#ifndef TRANSPORT_TCP_TCP_ACK_HABIT_H
#define TRANSPORT_TCP_TCP_ACK_HABIT_H
/* How long the peer holds its ACKs back, RFC 8985 7.2's TLP.max_ack_delay: tcp_ack_habit.c. */
#include <stdbool.h>
#include <stdint.h>
#include <outlet/ol_time.h>

struct tcp_tcb;
struct tcp_acked;

struct tcp_ack_habit {
	uint8_t at_once;		/* so many ACKs in a row told of one segment each, without delay */
	bool prompt;			/* there were enough of them, since it was last wrong */
	uint8_t wrong;			/* so often a probe went although the ACK was only held back */
	uint8_t held;			/* so many told of one segment, late ... */
	ol_time longest;		/* ... by at most this */
};

/** We opened it, and it is ESTABLISHED: what an earlier connection to the server has shown. */
void tcp_ack_habit_begin(struct tcp_tcb *tcb);
/** It ends: the next one begins with what it has shown, if we opened it. */
void tcp_ack_habit_keep(struct tcp_tcb *tcb);
/** What an ACK shows, once it is on the scoreboard and before its round trip counts. */
void tcp_ack_habit_note(struct tcp_tcb *tcb, const struct tcp_acked *a, ol_time now);
/** A probe went while the ACK was only held back: what was known of the peer is not so. */
void tcp_ack_habit_forget(struct tcp_tcb *tcb);
/** The longest the ACK of a segment that is alone outstanding may be held back, for all that is known. */
ol_time tcp_ack_habit_delay(const struct tcp_tcb *tcb);

#endif
