/* TLP.max_ack_delay, RFC 8985 7.2: what a peer has shown of its ACKs decides how long the probe of a single segment waits. */
#include "loss_driver.h"

enum { RTT = 50 };

/* One segment after another, each acknowledged alone, so many ms late. */
static void singles(struct drv *d, int n, int late)
{
	for (int i = 0; i < n; i++) {
		drv_write(d, 10, 1000);
		drv_ack(d, RTT + late, .ack = d->queued + 1);
	}
}

/* The next deadline is a probe's: so many ms from now. */
static ol_time next_probe(struct drv *d)
{
	uint32_t was = d->tcb->loss.n_tlp;
	ol_time from = d->now;
	drv_pass(d, tcp_loss_deadline(d->tcb, NULL) - from);
	eq(d->tcb->loss.n_tlp, was + 1);
	return (d->now - from) / OL_MS;
}

/* How long after a single segment the probe goes, in ms; it is acknowledged as if only the first copy had been lost. */
static ol_time probe_after(struct drv *d)
{
	d->tcb->rto_ns = 2 * OL_SEC;			/* out of the way */
	drv_write(d, 10, 1000);
	return next_probe(d);
}

/* How long a probe waits for a delayed ACK. */
static ol_time patient(const struct drv *d) { return 2 * (d->tcb->srtt_ns / OL_MS) + 200; }

static bool prompt(const struct drv *d, ol_time after)
{
	ol_time srtt = d->tcb->srtt_ns / OL_MS;
	return after >= 2 * srtt && after <= 2 * srtt + RTT / 4;
}

/* Whoever sends a request and loses it has waited long enough after two round trips. */
/* req: 8985-7.2-a */
TEST(stranger_is_not_expected_to_hold_back_an_ack)
{
	struct drv *d = drv_new(.rtt_ms = RTT);
	ok(prompt(d, probe_after(d)));
	drv_free(d);
}

/* req: 8985-7.2-a */
TEST(peer_that_was_seen_to_hold_back_an_ack_is_waited_for)
{
	struct drv *d = drv_new(.rtt_ms = RTT);
	singles(d, 1, 40);
	eq(probe_after(d), patient(d));
	drv_free(d);
}

/* Nobody waits for it, and whoever answers it may first have to close, too. */
/* req: 8985-7.2-a */
TEST(fin_that_went_alone_is_given_the_time_of_a_delayed_ack)
{
	struct drv *d = drv_new(.rtt_ms = RTT);
	d->tcb->rto_ns = 2 * OL_SEC;
	drv_write(d, 10, 1);				/* a FIN takes one number of the sequence, as an octet does */
	d->tcb->fin_sent = true;
	tcp_tlp_arm(d->tcb, d->now);
	eq(next_probe(d), 2 * RTT + 200);
	drv_free(d);
}

/* req: 8985-7.2-a */
TEST(peer_that_acknowledges_each_segment_at_once_is_waited_for_no_longer)
{
	struct drv *d = drv_new(.rtt_ms = RTT);
	singles(d, 1, 40);
	singles(d, 2, 0);
	ok(prompt(d, probe_after(d)));
	drv_free(d);
}

TEST(one_prompt_ack_proves_nothing)
{
	struct drv *d = drv_new(.rtt_ms = RTT);
	singles(d, 1, 40);
	singles(d, 1, 0);
	eq(probe_after(d), patient(d));
	drv_free(d);
}

/* The first k of three segments sent together are acknowledged: how long after that the probe goes. */
static ol_time tail_probe_after(struct drv *d, int k)
{
	drv_write(d, 10, 3000);
	drv_ack(d, RTT, .ack = d->queued + 1 - 3000 + 1000 * k);
	d->tcb->loss.rto_at = d->now + 2 * OL_SEC;
	tcp_tlp_arm(d->tcb, d->now);
	return next_probe(d);
}

/* req: 8985-7.2-a */
TEST(last_segment_of_a_flight_is_probed_for_without_waiting_though_the_peer_holds_acks_back)
{
	struct drv *d = drv_new(.rtt_ms = RTT);
	singles(d, 1, 40);
	ok(prompt(d, tail_probe_after(d, 2)));
	drv_free(d);
}

/* The probe and its segment both arrive, and the receiver says so: that flight's end was only acknowledged late. */
TEST(flights_of_a_peer_that_was_probed_in_vain_wait_like_single_segments)
{
	struct drv *d = drv_new(.rtt_ms = RTT);
	(void)tail_probe_after(d, 2);
	drv_ack(d, 5, .ack = d->queued + 1);
	drv_ack(d, RTT, .ack = d->queued + 1, .sack = { d->queued - 999, d->queued + 1 });
	singles(d, 1, 0);				/* RFC 8985 7.3: a round trip has to be measured between two probes */
	eq(tail_probe_after(d, 2), patient(d));
	drv_free(d);
}

/* RFC 5681 4.2: an ACK of two segments is what a receiver sends that delays. */
TEST(ack_of_two_segments_takes_the_word_back)
{
	struct drv *d = drv_new(.rtt_ms = RTT);
	singles(d, 1, 40);
	singles(d, 20, 0);
	drv_write(d, 10, 2000);
	drv_ack(d, RTT, .ack = d->queued + 1);
	eq(probe_after(d), patient(d));
	drv_free(d);
}

TEST(delay_that_was_seen_often_enough_is_the_delay_that_is_allowed)
{
	struct drv *d = drv_new(.rtt_ms = RTT);
	singles(d, 7, 40);
	ol_time srtt = d->tcb->srtt_ns / OL_MS;
	eq(probe_after(d), 2 * srtt + 200);
	drv_free(d);
	d = drv_new(.rtt_ms = RTT);
	singles(d, 8, 40);
	srtt = d->tcb->srtt_ns / OL_MS;
	ol_time after = probe_after(d);
	ok(after >= 2 * srtt + 40 && after < 2 * srtt + 80);
	drv_free(d);
}

/* Longer than the worst case is the path's doing. */
TEST(delay_allowed_is_never_above_the_worst_case)
{
	struct drv *d = drv_new(.rtt_ms = RTT);
	singles(d, 8, 190);
	ol_time srtt = d->tcb->srtt_ns / OL_MS;
	ol_time after = probe_after(d);
	ok(after >= 2 * srtt + 199 && after <= 2 * srtt + 201);
	drv_free(d);
}

/* The peer began to delay: its DSACK says that the probe was one too many. */
TEST(needless_probe_ends_what_was_believed)
{
	struct drv *d = drv_new(.rtt_ms = RTT);
	singles(d, 2, 0);
	(void)probe_after(d);
	drv_ack(d, 5, .ack = d->queued + 1);
	drv_ack(d, RTT, .ack = d->queued + 1, .sack = { d->queued - 999, d->queued + 1 });
	singles(d, 7, 0);				/* four times the word: eight */
	eq(probe_after(d), patient(d));
	drv_ack(d, RTT, .ack = d->queued + 1);
	singles(d, 8, 0);
	ok(probe_after(d) <= 2 * (d->tcb->srtt_ns / OL_MS) + RTT / 4);
	drv_free(d);
}

/* A network whose every tail has to be mended in two round trips asks for no patience with anybody. */
/* req: 8985-7.2-a */
TEST(delay_allowed_is_never_above_the_setting)
{
	struct tcp_loss_cfg cfg = tcp_loss_cfg_default();
	cfg.max_ack_delay = 0;
	struct drv *d = drv_new(.rtt_ms = RTT, .cfg = &cfg);
	eq(probe_after(d), 2 * RTT);			/* a stranger */
	drv_free(d);
	d = drv_new(.rtt_ms = RTT, .cfg = &cfg);
	singles(d, 8, 40);				/* one that was seen to delay */
	eq(probe_after(d), 2 * (d->tcb->srtt_ns / OL_MS));
	drv_free(d);
	d = drv_new(.rtt_ms = RTT, .cfg = &cfg);
	eq(tail_probe_after(d, 2), 2 * RTT);		/* and at the end of a flight */
	drv_free(d);
}

/* Karn: the ACK of what went twice says nothing of how late it is. */
TEST(ack_of_a_probe_is_no_sign_of_promptness)
{
	struct drv *d = drv_new(.rtt_ms = RTT);
	singles(d, 1, 40);
	singles(d, 1, 0);
	(void)probe_after(d);
	drv_ack(d, RTT, .ack = d->queued + 1);
	singles(d, 1, 0);
	ok(probe_after(d) >= 2 * RTT + 200);
	drv_free(d);
}
