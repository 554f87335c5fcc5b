#ifndef TRANSPORT_TCP_TCP_RACK_H
#define TRANSPORT_TCP_TCP_RACK_H
/* RACK's variables, RFC 8985 5.2. */
#include <stdbool.h>
#include <stdint.h>
#include <outlet/ol_time.h>
#include "base/seq.h"

struct tcp_rack {
	ol_time xmit_ts;		/* RACK.xmit_ts: when the most recently sent of all delivered was sent; 0: none yet */
	tcp_seq end_seq;		/* RACK.end_seq: where it ended */
	ol_time rtt;			/* RACK.rtt of it */
	ol_time min_rtt;		/* RACK.min_RTT; OL_NEVER until known */
	ol_time min_rtt_at;
	tcp_seq fack;			/* RACK.fack: highest sequence delivered */
	tcp_seq dsack_round;		/* RACK.dsack_round, when dsack_round_on */
	uint8_t reo_wnd_mult;		/* RACK.reo_wnd_mult */
	uint8_t reo_wnd_persist;	/* recoveries it will last */
	bool reordering_seen, dsack_round_on, advanced, dsack_seen;
};

#endif
