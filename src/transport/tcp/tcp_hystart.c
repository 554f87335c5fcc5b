/*
 * Slow start (RFC 5681 3.1 with RFC 3465's byte counting) and HyStart++ (RFC 9406), which leaves it when the round-trip
 * time begins to rise: first into conservative slow start, to see whether the rise was noise, then for good.
 *
 * L, the segments one ACK may add, is infinite, as for paced senders: RFC 9406 4.2 proposes 8 where bursts are a worry,
 * but a super-segment or a stretch ACK would then cost a round trip each; Linux does the same.  Per 4.3 HyStart++
 * serves only the first slow start: later ones know their ssthresh.
 */
/*
 * req-not: 5681-3.1-f the window grows by all that was delivered, not by one segment an ACK: stretch ACKs are the rule
 */
#include "base/check.h"
#include "transport/tcp/tcp_hystart.h"
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_recovery.h"

#define MIN_RTT_THRESH (4 * OL_MS)
#define MAX_RTT_THRESH (16 * OL_MS)
enum { MIN_RTT_DIVISOR = 8, N_RTT_SAMPLE = 8, CSS_GROWTH_DIVISOR = 4, CSS_ROUNDS = 5 };

void hystart_init(struct tcp_hystart *h)
{
	*h = (struct tcp_hystart){ .last_min = OL_NEVER, .current_min = OL_NEVER, .css_baseline = OL_NEVER };
}

void hystart_rtt(struct tcp_hystart *h, ol_time rtt)
{
	h->current_min = MIN(h->current_min, rtt);
	h->samples += h->samples < UINT8_MAX;
}

/* RFC 9406 4.2: rounds approximate round trips, as what is outstanding when one begins. */
static void round_begins(struct tcp_tcb *tcb, struct tcp_hystart *h)
{
	struct tcp_loss *l = &tcb->loss;
	if (h->in_round && seq_lt(tcb->snd_una, h->window_end))
		return;
	if (h->in_round && h->css && ++h->css_rounds >= CSS_ROUNDS)
		l->ssthresh = l->cwnd;
	h->in_round = true;
	h->window_end = tcb->snd_nxt;
	h->last_min = h->current_min;
	h->current_min = OL_NEVER;
	h->samples = 0;
}

static void delay_increase(struct tcp_hystart *h)
{
	if (h->samples < N_RTT_SAMPLE)
		return;
	if (h->css) {				/* the rise was noise: back to slow start */
		if (h->current_min < h->css_baseline) {
			h->css = false;
			h->css_baseline = OL_NEVER;
		}
		return;
	}
	if (h->current_min == OL_NEVER || h->last_min == OL_NEVER)
		return;
	ol_time thresh = CLAMP(h->last_min / MIN_RTT_DIVISOR, MIN_RTT_THRESH, MAX_RTT_THRESH);
	if (h->current_min >= h->last_min + thresh) {
		h->css = true;
		h->css_baseline = h->current_min;
		h->css_rounds = 0;
	}
}

uint32_t hystart_slow_start(struct tcp_tcb *tcb, struct tcp_hystart *h, uint32_t acked)
{
	struct tcp_loss *l = &tcb->loss;
	uint32_t gain = acked;
	if (l->cfg->hystart && l->ssthresh == TCP_INFINITE_SSTHRESH) {
		delay_increase(h);
		if (h->css)
			gain /= CSS_GROWTH_DIVISOR;
		round_begins(tcb, h);
		if (!tcp_in_slow_start(l))
			return 0;
	}
	uint32_t room = MIN(l->ssthresh, l->cfg->limit_cwnd) - MIN(l->cwnd, l->cfg->limit_cwnd);
	gain = MIN(gain, room);
	l->cwnd += gain;
	return gain < room ? 0 : acked - gain;
}
