/*
 * Delivery-rate samples, draft-ietf-ccwg-bbr 4.1.2 (before that draft-cheng-iccrg-delivery-rate-estimation).  A sample
 * is what was delivered between the sending of a segment and its acknowledgement, over the longer of the time it took
 * to send and the time it took to acknowledge, so that neither compressed ACKs nor bursts make the path look faster.
 */
#include "base/check.h"
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_rate.h"

struct tcp_tx rate_sent(struct tcp_tcb *tcb, uint32_t len, ol_time now)
{
	struct tcp_rate *c = &tcb->loss.rate;
	uint32_t in_flight = sb_pipe(&tcb->loss.sb);
	if (!in_flight)
		c->first_sent_at = c->delivered_at = now;
	return (struct tcp_tx){
		.first_sent_at = c->first_sent_at, .delivered_at = c->delivered_at, .delivered = c->delivered,
		.lost = c->lost, .in_flight = in_flight + len, .app_limited = c->app_limited != 0,
	};
}

void rate_delivered(struct tcp_tcb *tcb, struct tcp_rate_sample *rs, const struct tcp_sb_rec *r, uint32_t len,
		    ol_time now)
{
	struct tcp_rate *c = &tcb->loss.rate;
	c->delivered += len;
	c->delivered_at = now;
	if (rs->valid && (r->tx.delivered < rs->prior_delivered || r->sent_at < rs->sent_at))
		return;
	rs->valid = true;
	rs->sent_at = r->sent_at;
	rs->prior_delivered = r->tx.delivered;
	rs->prior_time = r->tx.delivered_at;
	rs->prior_lost = r->tx.lost;
	rs->tx_in_flight = r->tx.in_flight;
	rs->app_limited = r->tx.app_limited;
	rs->retrans = r->flags & SB_EVER;
	rs->send_elapsed = r->sent_at - r->tx.first_sent_at;
	c->first_sent_at = r->sent_at;
}

void rate_generate(struct tcp_tcb *tcb, struct tcp_rate_sample *rs, ol_time now)
{
	struct tcp_rate *c = &tcb->loss.rate;
	if (c->app_limited && c->delivered > c->app_limited)
		c->app_limited = 0;
	if (!rs->valid)
		return;
	rs->delivered = c->delivered - rs->prior_delivered;
	rs->lost = c->lost - rs->prior_lost;
	rs->interval = MAX(rs->send_elapsed, now - rs->prior_time);
	/* Shorter than any round trip: a retransmission was taken for its original, or the clock is too coarse. */
	if (rs->interval <= 0 || rs->interval < tcb->loss.rack.min_rtt)
		return;
	rs->rate = (uint64_t)((double)rs->delivered * 1e9 / (double)rs->interval);
	/* A rate while the sender had nothing more to send is only a lower bound of what the path can. */
	if (!rs->app_limited || rs->rate >= c->last_rate) {
		c->last_rate = rs->rate;
		c->last_app_limited = rs->app_limited;
	}
}
