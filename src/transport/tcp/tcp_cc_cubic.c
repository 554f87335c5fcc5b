/*
 * CUBIC, RFC 9438: after a reduction the window follows a cubic function of time, flat around the size at which the
 * last loss struck, whatever the round-trip time; never slower than Reno would be (4.3).  Constants and names are the
 * RFC's; windows here are in segments, as in its formulas, and floating point, which no window or time can overflow.
 *
 * cwnd stands where the RFC has flight_size in 4.6: the window only grows while it is used (tcp_loss.c), so the two
 * agree where it matters, and programs see what they see on Linux.
 */
#include "base/check.h"
#include "transport/tcp/tcp_hystart.h"
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_recovery.h"

#define CUBIC_C 0.4
#define CUBIC_BETA 0.7
#define CUBIC_ALPHA (3 * (1 - CUBIC_BETA) / (1 + CUBIC_BETA))	/* 4.3: as aggressive as Reno with its half */

struct curve {
	double w_max, k;		/* segments; seconds */
	double w_est;			/* Reno's window, segments */
	double cwnd_prior;
	ol_time epoch_start;
	bool epoch;			/* congestion avoidance has begun since the last reduction */
};
struct cubic {
	struct curve now, before;	/* before: what to return to when the reduction was a mistake, 4.9 */
	struct tcp_hystart hystart;
	double part;			/* of a byte the window has yet to grow by */
	ol_time est_at;			/* when w_est was brought up to date */
	uint32_t est_acked;		/* bytes acknowledged since */
	uint32_t mss;			/* what its segments were when last looked */
};
_Static_assert(sizeof(struct cubic) <= 8 * TCP_CC_STATE_WORDS, "fits cc_state");

static struct cubic *cubic(struct tcp_tcb *tcb)
{
	return (struct cubic *)tcb->loss.cc_state;
}

static double segments(const struct tcp_tcb *tcb, uint32_t bytes)
{
	return (double)bytes / MAX(tcb->snd_mss, 1u);
}

static void cubic_init(struct tcp_tcb *tcb, ol_time now)
{
	hystart_init(&cubic(tcb)->hystart);
}

static void rescale(struct curve *v, double by)
{
	v->w_max *= by;
	v->w_est *= by;
	v->cwnd_prior *= by;
}

/* RFC 4821 4: other segments, the same bytes.  The curve is drawn anew from where the window stands. */
static void follow_mss(struct tcp_tcb *tcb, struct cubic *c)
{
	uint32_t mss = MAX(tcb->snd_mss, 1u);
	if (c->mss == mss)
		return;
	if (c->mss) {
		rescale(&c->now, (double)c->mss / mss);
		rescale(&c->before, (double)c->mss / mss);
		c->now.epoch = c->before.epoch = false;
	}
	c->mss = mss;
}

/* 4.6 and, where losses come below the last maximum because others want room, 4.7: fast convergence. */
static uint32_t cubic_ssthresh(struct tcp_tcb *tcb, ol_time now)
{
	struct cubic *c = cubic(tcb);
	uint32_t cwnd = tcb->loss.cwnd;
	follow_mss(tcb, c);
	double w = segments(tcb, cwnd);
	c->before = c->now;
	c->now.w_max = w < c->now.w_max ? w * (1 + CUBIC_BETA) / 2 : w;
	c->now.cwnd_prior = w;
	c->now.epoch = false;
	return MAX((uint32_t)((uint64_t)cwnd * 7 / 10), 2 * tcb->snd_mss);
}

/* Newton's method, from a power of two above the root; x is at most 2^30 segments over C. */
static double cube_root(double x)
{
	double y = 1;
	while (y * y * y < x)
		y *= 2;
	for (int i = 0; i < 8; i++)
		y -= (y * y * y - x) / (3 * y * y);
	return y;
}

static void epoch_begins(struct tcp_tcb *tcb, struct cubic *c, ol_time now)
{
	double w = segments(tcb, tcb->loss.cwnd);
	c->now.epoch = true;
	c->now.epoch_start = c->est_at = now;
	c->now.w_est = w;
	c->est_acked = 0;
	c->part = 0;
	if (w < c->now.w_max) {
		c->now.k = cube_root((c->now.w_max - w) / CUBIC_C);
	} else {				/* after a timeout (4.8), or past the old maximum */
		c->now.k = 0;
		c->now.w_max = w;
	}
}

/* Equation 1 */
static double w_cubic(const struct curve *v, double t)
{
	double d = t - v->k;
	return CUBIC_C * d * d * d + v->w_max;
}

/* Equation 4, a few times a round trip: what Reno would have by now. */
static void reno_estimate(struct tcp_tcb *tcb, struct cubic *c, ol_time now)
{
	if (now - c->est_at < tcb->srtt_ns / 4)
		return;
	double alpha = c->now.w_est < c->now.cwnd_prior ? CUBIC_ALPHA : 1;
	c->now.w_est += alpha * segments(tcb, c->est_acked) / segments(tcb, tcb->loss.cwnd);
	c->est_acked = 0;
	c->est_at = now;
}

static void grow_by(struct tcp_tcb *tcb, struct cubic *c, double bytes)
{
	uint32_t limit = tcb->loss.cfg->limit_cwnd, room = limit - MIN(tcb->loss.cwnd, limit);
	c->part += MAX(bytes, 0.0);
	uint32_t whole = (uint32_t)MIN(c->part, (double)room);
	c->part = MIN(c->part - whole, 1.0);
	tcb->loss.cwnd += whole;
}

static void cubic_grow(struct tcp_tcb *tcb, uint32_t acked, const struct tcp_rate_sample *rs, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	struct cubic *c = cubic(tcb);
	if (tcp_in_slow_start(l)) {
		acked = hystart_slow_start(tcb, &c->hystart, acked);
		if (!acked)
			return;
	}
	follow_mss(tcb, c);
	if (!c->now.epoch)
		epoch_begins(tcb, c, now);
	c->est_acked += acked;
	reno_estimate(tcb, c, now);
	double t = (double)(now - c->now.epoch_start) / 1e9, rtt = (double)tcb->srtt_ns / 1e9;
	double w = segments(tcb, l->cwnd);
	if (w_cubic(&c->now, t) < c->now.w_est) {		/* 4.3: the Reno-friendly region */
		grow_by(tcb, c, (c->now.w_est - w) * tcb->snd_mss - c->part);
		return;
	}
	double target = CLAMP(w_cubic(&c->now, t + rtt), w, 1.5 * w);	/* 4.2 */
	grow_by(tcb, c, (target - w) / w * acked);			/* 4.4, 4.5 */
}

static uint32_t cubic_undo(struct tcp_tcb *tcb)
{
	struct cubic *c = cubic(tcb);
	follow_mss(tcb, c);
	c->now = c->before;
	return MAX(tcb->loss.cwnd, tcb->loss.prior_cwnd);
}

static void cubic_event(struct tcp_tcb *tcb, enum tcp_cc_event what, ol_time now)
{
	struct cubic *c = cubic(tcb);
	switch (what) {
	case TCP_CC_LOSS_BEGIN:			/* 4.8: a timeout starts from nothing */
		c->now = (struct curve){ .cwnd_prior = c->now.cwnd_prior };
		hystart_init(&c->hystart);
		break;
	case TCP_CC_TX_START:			/* 4.2: time in which nothing was sent is none; waiting for an ACK is not idle */
		if (c->now.epoch) {
			ol_time idle = now - MAX(tcb->loss.last_sent, tcb->loss.emptied_at);
			c->now.epoch_start = MIN(c->now.epoch_start + MAX(idle, 0), now);
		}
		break;
	default:
		break;
	}
}

static void cubic_rtt(struct tcp_tcb *tcb, ol_time rtt, ol_time now)
{
	hystart_rtt(&cubic(tcb)->hystart, rtt);
}

const struct tcp_cc_ops tcp_cc_cubic = {
	.name = "cubic", .init = cubic_init, .ssthresh = cubic_ssthresh, .grow = cubic_grow, .undo = cubic_undo,
	.event = cubic_event, .rtt = cubic_rtt,
};
