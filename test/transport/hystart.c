/* HyStart++, RFC 9406 4.2 and 4.3, number by number: rounds, samples, thresholds, conservative slow start. */
#include "loss_driver.h"
#include "transport/tcp/tcp_hystart.h"

enum { GAIN = 1000 };

struct start { struct drv *d; struct tcp_hystart h; };

static struct start begin(void)
{
	struct start s = { .d = drv_new(.cc = "reno") };
	hystart_init(&s.h);
	return s;
}

/* n ACKs of GAIN bytes that each measured `rtt`; returns how much the last let the window grow. */
static uint32_t acks(struct start *s, int n, ol_time rtt)
{
	struct tcp_tcb *t = s->d->tcb;
	uint32_t before = t->loss.cwnd;
	while (n--) {
		before = t->loss.cwnd;
		hystart_rtt(&s->h, rtt);
		hystart_slow_start(t, &s->h, GAIN);
	}
	return t->loss.cwnd - before;
}

/* All that was outstanding is acknowledged, and as much again goes: the next ACK begins a round. */
static void turn(struct start *s)
{
	struct tcp_tcb *t = s->d->tcb;
	t->snd_una = t->snd_nxt;
	t->snd_nxt = seq_add(t->snd_nxt, 100000);
	hystart_slow_start(t, &s->h, 0);
}

/* Eight samples of a round, and the round before had `base`. */
static struct start two_rounds(ol_time base)
{
	struct start s = begin();
	turn(&s);
	acks(&s, 8, base);
	turn(&s);
	return s;
}

/* RttThresh is an eighth of the last round's minimum, 4 ms at least and 16 ms at most. */
/* req: 9406-4.2-a, 9406-4.3-a */
TEST(hystart_threshold_is_an_eighth_within_bounds)
{
	static const struct { ol_time base, thresh; } t[] = {
		{ 8 * OL_MS, 4 * OL_MS }, { 32 * OL_MS, 4 * OL_MS }, { 100 * OL_MS, 12500 * OL_US }, { 128 * OL_MS, 16 * OL_MS },
		{ 400 * OL_MS, 16 * OL_MS },
	};
	for (size_t i = 0; i < sizeof t / sizeof *t; i++)
		for (int above = 0; above < 2; above++) {
			struct start s = two_rounds(t[i].base);
			acks(&s, 9, t[i].base + t[i].thresh - !above);
			eq(s.h.css, above);
			drv_free(s.d);
		}
}

/* Eight samples before anything is said, of this round alone; the least of them counts, against the round before and no other. */
/* req: 9406-4.2-a, 9406-4.3-a */
TEST(hystart_takes_eight_samples_of_a_round)
{
	struct start s = two_rounds(100 * OL_MS);
	acks(&s, 7, 200 * OL_MS);
	ok(!s.h.css);
	acks(&s, 1, 200 * OL_MS);
	ok(s.h.css);
	drv_free(s.d);
	s = two_rounds(100 * OL_MS);
	acks(&s, 1, 101 * OL_MS);
	acks(&s, 20, 200 * OL_MS);				/* one of them was quick: there is no queue */
	ok(!s.h.css);
	turn(&s);
	acks(&s, 7, 200 * OL_MS);
	ok(!s.h.css);
	drv_free(s.d);
	s = two_rounds(100 * OL_MS);
	for (int i = 1; i < 5; i++) {				/* it rises, but from round to round by less than an eighth */
		acks(&s, 10, (100 + 10 * i) * OL_MS);
		ok(!s.h.css);
		turn(&s);
	}
	drv_free(s.d);
}

/* Conservative: a quarter as fast, for five rounds, the one in which it began included; then it is congestion avoidance. */
/* req: 9406-4.2-b, 9406-4.3-a, 9406-4.3-b */
TEST(hystart_is_conservative_for_five_rounds)
{
	struct start s = two_rounds(100 * OL_MS);
	struct tcp_loss *l = &s.d->tcb->loss;
	eq(acks(&s, 7, 150 * OL_MS), GAIN);
	eq(acks(&s, 1, 150 * OL_MS), GAIN / 4);
	for (int round = 1; round < 5; round++) {
		turn(&s);
		eq(acks(&s, 10, 150 * OL_MS), GAIN / 4);
		eq(l->ssthresh, TCP_INFINITE_SSTHRESH);
	}
	turn(&s);
	eq(l->ssthresh, l->cwnd);
	eq(acks(&s, 1, 150 * OL_MS), 0);
	drv_free(s.d);
}

/* Below the baseline, which is the delay that began it, it was noise: slow start goes on; at it or above it was not. */
/* req: 9406-4.2-c */
TEST(hystart_baseline_is_where_the_rise_began)
{
	struct start s = two_rounds(100 * OL_MS);
	acks(&s, 8, 120 * OL_MS);
	ok(s.h.css);
	turn(&s);
	acks(&s, 10, 130 * OL_MS);
	turn(&s);
	acks(&s, 10, 125 * OL_MS);				/* less than in the round before, and more than the baseline */
	ok(s.h.css);
	turn(&s);
	acks(&s, 10, 120 * OL_MS);
	ok(s.h.css);
	turn(&s);
	acks(&s, 7, 119 * OL_MS);
	ok(s.h.css);
	eq(acks(&s, 1, 119 * OL_MS), GAIN);
	ok(!s.h.css);
	drv_free(s.d);
}
