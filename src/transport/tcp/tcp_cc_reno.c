/*
 * Reno, RFC 5681 3.1: slow start to ssthresh, then a segment a round trip, counted in bytes acknowledged (RFC 3465) so
 * that delayed ACKs do not slow it; half on a loss.
 */
#include "base/check.h"
#include "transport/tcp/tcp_hystart.h"
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_recovery.h"

struct reno {
	struct tcp_hystart hystart;
	uint32_t acked;			/* bytes since the window last grew */
};
_Static_assert(sizeof(struct reno) <= 8 * TCP_CC_STATE_WORDS, "fits cc_state");

static struct reno *reno(struct tcp_tcb *tcb)
{
	return (struct reno *)tcb->loss.cc_state;
}

static void reno_init(struct tcp_tcb *tcb, ol_time now)
{
	hystart_init(&reno(tcb)->hystart);
}

/* Equation 4.  FlightSize, not cwnd: a window the peer or the application never let grow full promises nothing. */
static uint32_t reno_ssthresh(struct tcp_tcb *tcb, ol_time now)
{
	const struct tcp_loss *l = &tcb->loss;
	reno(tcb)->acked = 0;
	return MAX(MIN(l->cwnd, l->sb.out.bytes) / 2, 2 * tcb->snd_mss);
}

static void reno_grow(struct tcp_tcb *tcb, uint32_t acked, const struct tcp_rate_sample *rs, ol_time now)
{
	struct tcp_loss *l = &tcb->loss;
	struct reno *r = reno(tcb);
	if (tcp_in_slow_start(l)) {
		acked = hystart_slow_start(tcb, &r->hystart, acked);
		if (!acked)
			return;
	}
	r->acked = MIN((uint64_t)r->acked + acked, (uint64_t)2 * l->cwnd);
	while (r->acked >= l->cwnd && l->cwnd < l->cfg->limit_cwnd) {	/* twice at most */
		r->acked -= l->cwnd;
		l->cwnd += tcb->snd_mss;
	}
}

static void reno_rtt(struct tcp_tcb *tcb, ol_time rtt, ol_time now)
{
	hystart_rtt(&reno(tcb)->hystart, rtt);
}

const struct tcp_cc_ops tcp_cc_reno = {
	.name = "reno", .init = reno_init, .ssthresh = reno_ssthresh, .grow = reno_grow, .rtt = reno_rtt,
};
