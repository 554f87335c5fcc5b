/*
 * The loss half over a path (loss_path.h).  What is claimed: everything arrives, however bad the path; a good path's
 * capacity is used; recovery takes round trips, not timeouts; order lost is not loss.
 */
#include <math.h>
#include "loss_path.h"

/* However bad the path, everything arrives: loss, reordering, repetition and lost ACKs in every mixture. */
TEST(everything_arrives_over_every_path)
{
	for (uint64_t seed = 1; seed <= 150; seed++) {
		struct world w;
		struct rng r;
		rng_init(&r, seed);
		struct path p = {
			.delay = (1 + rng_below(&r, 100)) * OL_MS, .rate = 1e5 * (1 + rng_below(&r, 100)),
			.queue = 5000 + rng_below(&r, 200000), .loss = rng_unit(&r) * 0.3,
			.reorder = rng_unit(&r) * 0.5, .repeat = rng_unit(&r) * 0.1, .ack_loss = rng_unit(&r) * 0.3,
			.reorder_by = (ol_time)(rng_unit(&r) * 100 * OL_MS),
		};
		struct drv_opt o = { .cc = tcp_cc_name(rng_below(&r, 3)), .no_sack = rng_chance(&r, 0.3),
				     .ts = rng_chance(&r, 0.5) };
		carry(&w, &p, seed, 300, o);
		end(&w);
	}
}

/* A clean path with a buffer of one bandwidth-delay product is used to more than nine tenths. */
TEST(clean_path_is_used_fully)
{
	for (unsigned k = 0; tcp_cc_name(k); k++) {
		struct world w;
		struct path p = { .delay = 20 * OL_MS, .rate = 2.5e6, .queue = 100000 };
		double t = carry(&w, &p, 7, 60000, (struct drv_opt){ .cc = tcp_cc_name(k) });
		print_message("%s: %.2f of the rate, %lu dropped\n", tcp_cc_name(k), 60e6 / t / 2.5e6, w.dropped);
		ok(60e6 / t > 0.9 * 2.5e6);
		eq(w.d->tcb->loss.n_rto, 0);
		end(&w);
	}
}

/* Mathis et al. 1997: Reno's rate under random loss is about MSS / RTT * sqrt(3/2) / sqrt(p). */
TEST(reno_meets_its_response_function)
{
	const double losses[] = { 0.001, 0.01 };
	for (int k = 0; k < 2; k++) {
		struct world w;
		struct path p = { .delay = 25 * OL_MS, .loss = losses[k] };
		uint32_t segs = k ? 20000 : 60000;
		double t = carry(&w, &p, 11, segs, (struct drv_opt){ .cc = "reno" });
		double want = 1 / 0.05 * 1.2247 / sqrt(losses[k]), got = segs / t;
		print_message("loss %.3f: %.0f segments a second, the formula says %.0f; %u timeouts, %u undos\n",
			      losses[k], got, want, w.d->tcb->loss.n_rto, w.d->tcb->loss.n_undo);
		ok(got > 0.8 * want && got < 1.3 * want);
		end(&w);
	}
}

/*
 * RFC 9438 5.1: CUBIC's average window under deterministic loss is 1.054 * RTT^0.75 / p^0.75 segments (C = 0.4), or
 * Reno's.
 */
TEST(cubic_meets_its_response_function)
{
	struct world w;
	struct path p = { .delay = 100 * OL_MS, .loss = 0.0005, .ssthresh = 80 };
	double t = carry(&w, &p, 13, 150000, (struct drv_opt){ .cc = "cubic" });
	double got = 150000 / t * 0.2, want = 1.054 * pow(0.2 / 0.0005, 0.75);
	print_message("average window %.0f, the formula says %.0f; %u timeouts\n", got, want, w.d->tcb->loss.n_rto);
	ok(got > 0.75 * want && got < 1.4 * want);
	end(&w);
}

/* A loss in the middle of a flight costs one round trip, not a timeout; also when many are lost at once. */
TEST(burst_of_losses_is_mended_without_a_timeout)
{
	struct world w;
	struct path p = { .delay = 50 * OL_MS, .drop_from = 40, .drop_to = 60 };
	double t = carry(&w, &p, 3, 400, (struct drv_opt){ .cc = "cubic" });
	eq(w.d->tcb->loss.n_rto, 0);
	eq(w.d->n_again, 20);			/* each once */
	ok(t < 1.35);				/* at 35 segments a round trip after the loss */
	end(&w);
}

/* RFC 8985 7: the last segments of a flight lost: a probe after two round trips, what it reveals one later. */
TEST(tail_loss_is_mended_by_a_probe)
{
	for (uint32_t lost = 1; lost <= 3; lost++) {
		struct world w;
		struct path p = { .delay = 50 * OL_MS, .drop_from = 10 - lost, .drop_to = 10 };
		double t = carry(&w, &p, 5, 10, (struct drv_opt){ .cc = "cubic" });
		eq(w.d->tcb->loss.n_rto, 0);
		/* The last ACK comes at 100 ms, or at 140 ms when it is delayed.  Of a single segment the RTO is nearer; three cost
		 * a round trip more, since PRR answers what one probe delivered with one segment. */
		const double most[] = { 0, 0.14 + 0.31 + 0.1, 0.1 + 0.2 + 0.1 + 0.1, 0.14 + 0.21 + 0.1 + 0.1 + 0.1 };
		ok(t < most[lost] + 0.01);
		end(&w);
	}
}

/*
 * Order lost is not loss: with a fifth of all segments late by up to RTT/4 nothing times out, and little is sent twice.
 */
TEST(reordering_is_not_taken_for_loss)
{
	for (int ts = 0; ts < 2; ts++) {
		struct world w;
		struct path p = { .delay = 20 * OL_MS, .rate = 2.5e6, .queue = 300000, .reorder = 0.2,
				  .reorder_by = 10 * OL_MS };
		double t = carry(&w, &p, 17, 20000, (struct drv_opt){ .cc = "cubic", .ts = ts });
		print_message("%s timestamps: %.0f segments a second of 2500, %lu again, %lu needless, %u undos\n",
			      ts ? "with" : "without", 20000 / t, w.d->n_again, w.needless, w.d->tcb->loss.n_undo);
		eq(w.d->tcb->loss.n_rto, 0);
		ok(w.d->n_again < 400);
		ok(20000 / t > 0.85 * 2500);
		end(&w);
	}
}

/*
 * draft-ietf-ccwg-bbr: random loss below its threshold is not taken for congestion; CUBIC would have a tenth of this.
 */
TEST(bbr_keeps_its_rate_under_random_loss)
{
	struct world w;
	struct path p = { .delay = 25 * OL_MS, .rate = 2.5e6, .queue = 125000, .loss = 0.01 };
	double t = carry(&w, &p, 19, 40000, (struct drv_opt){ .cc = "bbr", .ts = true });
	print_message("%.2f of the rate; %u timeouts, %lu needless\n", 40e6 / t / 2.5e6,
		      w.d->tcb->loss.n_rto, w.needless);
	ok(40e6 / t > 0.75 * 2.5e6);
	eq(w.d->tcb->loss.n_rto, 0);
	end(&w);
}

/* It learns the path's round trip, and keeps the queue far below what a deep buffer would take. */
/* req: BBR-4.6.2-a */
TEST(bbr_leaves_a_deep_buffer_mostly_empty)
{
	struct world w;
	struct path p = { .delay = 20 * OL_MS, .rate = 2.5e6, .queue = 2000000 };
	double t = carry(&w, &p, 23, 60000, (struct drv_opt){ .cc = "bbr" });
	print_message("%.2f of the rate; srtt %.1f ms of 40, %lu dropped\n", 60e6 / t / 2.5e6,
		      (double)w.d->tcb->srtt_ns / 1e6, w.dropped);
	ok(60e6 / t > 0.9 * 2.5e6);
	ok(w.d->tcb->srtt_ns < 80 * OL_MS);
	eq(w.dropped, 0);
	end(&w);
}
