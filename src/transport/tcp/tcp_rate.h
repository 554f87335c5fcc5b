#ifndef TRANSPORT_TCP_TCP_RATE_H
#define TRANSPORT_TCP_TCP_RATE_H
/* Delivery rate: how fast the network hands our bytes to the peer, draft-ietf-ccwg-bbr 4.1; and pacing. */
#include <stdbool.h>
#include <stdint.h>
#include <outlet/ol_time.h>

struct tcp_rate {
	uint64_t delivered, lost;	/* C.delivered, C.lost: bytes */
	uint64_t app_limited;		/* C.delivered at which the present application-limited phase ends; 0: none */
	ol_time delivered_at, first_sent_at;
	uint64_t pacing_rate, max_pacing;	/* bytes a second; 0: not paced, no bound */
	uint64_t last_rate;		/* the last sample, bytes a second, and how it came about */
	ol_time last_interval;
	bool last_app_limited;
};

/* One ACK's worth, RS of the draft. */
struct tcp_rate_sample {
	uint64_t prior_delivered;
	ol_time prior_time, interval, send_elapsed, ack_elapsed;
	ol_time rtt;			/* of the most recently sent; -1 unknown */
	uint64_t delivered;		/* bytes between prior_delivered and now */
	uint64_t rate;			/* bytes a second; 0: no sample */
	uint32_t newly_acked;		/* bytes ACKed or SACKed by this ACK */
	uint32_t newly_lost;		/* bytes marked lost on it */
	uint32_t acked;			/* bytes ACKed cumulatively */
	uint32_t prior_in_flight;
	uint32_t tx_in_flight;		/* in flight when the sampled segment was sent */
	uint64_t lost;			/* bytes lost while it was in flight */
	bool app_limited, retrans, valid;
};

#endif
