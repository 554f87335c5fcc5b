#ifndef TRANSPORT_TCP_TCP_RATE_H
#define TRANSPORT_TCP_TCP_RATE_H
/* Delivery rate: how fast the network hands our bytes to the peer, draft-ietf-ccwg-bbr 4.1. */
#include <stdbool.h>
#include <stdint.h>
#include <outlet/ol_time.h>

struct tcp_tcb;
struct tcp_tx;
struct tcp_sb_rec;

struct tcp_rate {
	uint64_t delivered, lost;	/* C.delivered, C.lost: bytes since birth */
	/* C.app_limited: C.delivered at which the phase without enough to send ends; 0: none */
	uint64_t app_limited;
	ol_time delivered_at, first_sent_at;
	uint64_t pacing_rate, max_pacing;	/* bytes a second; 0: not paced, no bound */
	uint64_t last_rate;		/* the last valid sample, bytes a second */
	bool last_app_limited;
};

/* One ACK's worth: RS of the draft, and what else a congestion control asks of an ACK. */
struct tcp_rate_sample {
	bool valid, app_limited, retrans;	/* of the record sampled: the last sent of those newly delivered */
	ol_time prior_time, sent_at, send_elapsed, interval;
	uint64_t prior_delivered, prior_lost;
	uint64_t delivered;		/* bytes delivered in `interval` */
	uint64_t lost;			/* bytes lost between its sending and now */
	uint64_t rate;			/* bytes a second; 0: no sample */
	ol_time rtt;			/* -1: none */
	uint32_t newly_acked;		/* bytes this ACK delivered, by ACK or SACK */
	uint32_t newly_lost;		/* bytes marked lost because of it */
	uint32_t tx_in_flight;		/* in flight when the record was sent, with it */
	uint32_t prior_in_flight;	/* in flight before this ACK */
};

/** 4.1.2.2: the moment of a transmission of len bytes. */
struct tcp_tx rate_sent(struct tcp_tcb *tcb, uint32_t len, ol_time now);
/** 4.1.2.3, UpdateRateSample: len bytes of record r were delivered. */
void rate_delivered(struct tcp_tcb *tcb, struct tcp_rate_sample *rs, const struct tcp_sb_rec *r, uint32_t len,
		    ol_time now);
/** GenerateRateSample. */
void rate_generate(struct tcp_tcb *tcb, struct tcp_rate_sample *rs, ol_time now);

#endif
