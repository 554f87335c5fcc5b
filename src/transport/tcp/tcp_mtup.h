#ifndef TRANSPORT_TCP_MTUP_H
#define TRANSPORT_TCP_MTUP_H
/* The search for the path's MTU, RFC 4821: how far it is, and what it wants to send.  Sizes are of whole IP datagrams. */
#include <stdbool.h>
#include <stdint.h>
#include <outlet/ol_time.h>
#include "base/seq.h"

struct tcp_tcb;

struct tcp_mtup {
	bool on;
	bool jump;				/* the next probe is of `high`, not of the middle */
	uint8_t tries;				/* of the present size without a clear result */
	uint32_t low, high;			/* RFC 4821 7.1: search_low, which is eff_pmtu too; search_high */
	uint32_t probe;				/* size of the one that is out; 0: none */
	ol_time next_at;			/* no probe before */
	ol_time again_at;			/* converged: when the range opens again; 0: not converged */
	/* 7.8, while what raised eff_pmtu is on trial */
	uint32_t saved;				/* eff_pmtu before; 0: nothing is */
	uint16_t loss_before;			/* of a thousand bytes that left, lost, since the trial before */
	uint8_t bad;				/* intervals with much loss, in a row */
	tcp_seq trial_from;			/* SND.NXT when eff_pmtu rose */
	ol_time trial_at;			/* this interval ends; and C.lost and C.delivered when it began: */
	uint64_t trial_lost, trial_delivered;
};

/** The MTU to cut to: the path's as IP knows it, or less where that was not proved. */
uint32_t tcp_mtup_limit(struct tcp_tcb *tcb);
void tcp_mtup_established(struct tcp_tcb *tcb, ol_time now);
/** R1 was reached, or passed, without an answer. */
void tcp_mtup_stuck(struct tcp_tcb *tcb, ol_time now);
/** Bytes of text of the probe that should go before any other new text; 0: none now. */
uint32_t tcp_mtup_want(struct tcp_tcb *tcb, ol_time now);
void tcp_mtup_sent(struct tcp_tcb *tcb, uint32_t text);
/** After each ACK and timeout: what became of the probe? */
void tcp_mtup_result(struct tcp_tcb *tcb, ol_time now);

#endif
