#ifndef TRANSPORT_TCP_TCP_CWV_H
#define TRANSPORT_TCP_TCP_CWV_H
/* Congestion window validation, RFC 2861 and RFC 7661: tcp_cwv.c. */
#include <stdbool.h>
#include <stdint.h>
#include <outlet/ol_time.h>
#include "base/seq.h"

enum { CWV_SLOTS = 5 };			/* the sampling period in equal parts, as 4.5.1 proposes */
struct tcp_cwv {			/* RFC 7661's */
	uint32_t slot[CWV_SLOTS];	/* the largest sample of each; slot[now] is being filled */
	uint8_t now;
	ol_time slot_at;		/* when it began */
	bool defined;			/* pipeACK is not "undefined" */
	bool sampling;			/* since `from` was SND.UNA; until `to` is: a round trip */
	tcp_seq from, to;
	bool unvalidated;		/* the non-validated phase, since phase_at */
	ol_time phase_at;
	bool responding;		/* a loss in that phase: bytes is max(pipeACK, LossFlightSize) */
	uint32_t bytes;
	uint64_t retrans_at;		/* bytes sent again until then: R is what came to it */
};

struct tcp_tcb;
struct tcp_loss;
/** New text is about to go, the first after a pause perhaps. */
void cwv_restart_after_idle(struct tcp_tcb *tcb, ol_time now);
/** Output has ended, cwnd the limit or not. */
void cwv_used(struct tcp_tcb *tcb, bool limited, ol_time now);
/** May the window grow?  Only what is used may: in slow start when more than half is, later when all is (RFC 7661 1). */
bool cwv_window_is_limit(const struct tcp_loss *l);
/** SND.UNA advanced, and recovery has had its say. */
void cwv_acked(struct tcp_tcb *tcb, ol_time now);
/** A reduction begins, ssthresh is chosen: lowers it where the window was not validated. */
void cwv_reduce(struct tcp_tcb *tcb);
/** It is over, by acknowledgement; or undone or overtaken by a timeout, then nothing is due (`ended` false). */
void cwv_reduced(struct tcp_tcb *tcb, bool ended);

#endif
