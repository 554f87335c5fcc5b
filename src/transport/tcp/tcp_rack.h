#ifndef TRANSPORT_TCP_TCP_RACK_H
#define TRANSPORT_TCP_TCP_RACK_H
/* RACK's variables, RFC 8985 5.2 and 5.3, and what it offers recovery. */
#include <stdbool.h>
#include <stdint.h>
#include <outlet/ol_time.h>
#include "base/seq.h"

struct tcp_tcb;
struct tcp_sb_rec;

struct tcp_rack {
	/* RACK.xmit_ts: when the last sent of all delivered was sent; valid with `any` */
	ol_time xmit_ts;
	ol_time rtt;			/* RACK.rtt: its round trip */
	ol_time min_rtt, min_rtt_at;	/* RACK.min_RTT, over the last five minutes; OL_NEVER until known */
	uint32_t order;			/* its place among all transmissions */
	tcp_seq end_seq;		/* RACK.end_seq: where it ended */
	tcp_seq dsack_round;		/* RACK.dsack_round, if dsack_round_on */
	uint32_t reo_wnd_mult;		/* RACK.reo_wnd_mult */
	uint8_t reo_wnd_persist;	/* RACK.reo_wnd_persist: recoveries it will last */
	bool any, advanced, dsack_round_on, dsack_seen;
};

void rack_init(struct tcp_rack *rack);
/** RFC 8985 6.2 step 1: a round trip for RACK.min_RTT. */
void rack_min_rtt(struct tcp_rack *rack, ol_time rtt, ol_time now);
/** Step 2: this record was delivered. */
void rack_delivered(struct tcp_rack *rack, const struct tcp_sb_rec *r, ol_time now);
/** Step 4: the reordering window after an ACK; `dsack`: it reported needless retransmissions. */
void rack_update_reo_wnd(struct tcp_tcb *tcb, bool dsack);
/** Step 5: marks what is lost; *reo_at gets when to look again, OL_NEVER for never.  True: something was marked. */
bool rack_detect_loss(struct tcp_tcb *tcb, ol_time *reo_at, ol_time now);
/** A recovery ended without an undo: one recovery less that a widened window lasts. */
void rack_recovery_over(struct tcp_rack *rack);

#endif
