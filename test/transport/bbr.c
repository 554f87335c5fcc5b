/*
 * BBR against what draft-ietf-ccwg-bbr says of itself, its appendix of test cases in particular: over a path of known
 * rate and delay, which state follows which, on what ground, and what the model then holds.
 */
#include "loss_path.h"
#include "transport/tcp/tcp_bbr.h"

enum { RATE = 2500000, RTT_MS = 40, BDP = RATE / 1000 * RTT_MS, LONG = 2000000 };

/* What happened: each change of state, told to `on`, which may change the path and says when it has seen enough. */
struct seen {
	enum bbr_state last;
	unsigned n[BBR_NO_STATE];		/* times entered */
	bool (*on)(struct world *w, struct seen *s, enum bbr_state from, enum bbr_state to);
	bool (*each)(struct world *w, struct seen *s);	/* after each event; may be NULL */
	ol_time at[BBR_NO_STATE];		/* last entered */
	uint64_t round[BBR_NO_STATE];
	unsigned phase;
	uint64_t note;
};

static struct bbr *model(const struct world *w) { return bbr_of(w->d->tcb); }

static bool watch(struct world *w)
{
	struct seen *s = w->p.ctx;
	struct bbr *b = model(w);
	if (s->each && s->each(w, s))
		return true;
	if (b->state == s->last)
		return false;
	enum bbr_state from = s->last;
	s->last = b->state;
	s->n[b->state]++;
	s->at[b->state] = w->d->now;
	s->round[b->state] = b->round_count;
	return s->on && s->on(w, s, from, b->state);
}

static double run(struct world *w, struct seen *s, struct path p, uint32_t segs)
{
	p.watch = watch;
	p.ctx = s;
	return carry(w, &p, 0xbb3, segs, (struct drv_opt){ .cc = "bbr" });
}

static struct path usual(void)
{
	return (struct path){ .delay = RTT_MS / 2 * OL_MS, .rate = RATE, .queue = 4 * BDP };
}

static bool on_leaving_startup(struct world *w, struct seen *s, enum bbr_state from, enum bbr_state to)
{
	return from == BBR_STARTUP;
}

/* req: BBR-4.1-a */
TEST(bbr_startup_ends_where_the_rate_no_longer_grows)
{
	struct world w;
	struct seen s = { .on = on_leaving_startup };
	run(&w, &s, usual(), LONG);
	struct bbr *b = model(&w);
	eq(b->state, BBR_DRAIN);
	ok(b->full_bw_now && b->full_bw_reached);
	eq(b->full_bw_count, 3);
	ok(bbr_max_bw(b) > 0.98 * RATE && bbr_max_bw(b) < 1.02 * RATE);
	eq(w.dropped, 0);
	end(&w);
}

/* 5.3.1.3: six gaps and more than 2 % in a round, in recovery for a round, end it also where the program is the limit. */
TEST(bbr_startup_ends_on_losses_though_the_application_is_the_limit)
{
	struct world w;
	struct seen s = { .on = on_leaving_startup };
	struct path p = usual();
	p.app_rate = 1500;
	p.loss = 0.2;
	run(&w, &s, p, 20000);
	struct bbr *b = model(&w);
	ok(b->state == BBR_DRAIN || b->state == BBR_DOWN);	/* little is in flight: DRAIN may end at once */
	ok(b->full_bw_reached && !b->full_bw_now);
	eq(b->undo_state, BBR_STARTUP);
	ok(b->inflight_longterm != BBR_INFINITE);
	end(&w);
}

/* Five gaps a round are not enough. */
TEST(bbr_startup_does_not_end_on_a_few_losses)
{
	struct drv *d = drv_new(.rtt_ms = 40, .cc = "bbr");
	struct bbr *b = bbr_of(d->tcb);
	d->queued = 100000;
	drv_output(d);
	for (int gaps = 5; gaps <= 6; gaps++) {
		struct tcp_rate_sample rs = { .valid = true, .lost = 5000, .tx_in_flight = 20000 };
		b->loss_ranges = (uint32_t)gaps;
		b->loss_round_start = true;
		b->state = BBR_STARTUP;
		b->full_bw_reached = false;
		d->tcb->loss.ca_state = TCP_CAS_RECOVERY;
		bbr_check_startup(d->tcb, b, &rs);
		eq(b->state, gaps == 5 ? BBR_STARTUP : BBR_DRAIN);
	}
	drv_free(d);
}

static bool on_leaving_drain(struct world *w, struct seen *s, enum bbr_state from, enum bbr_state to)
{
	return from == BBR_DRAIN;
}

/* The path slows down, below DRAIN's pace, as the plateau is about to be seen: nothing drains. */
static bool each_slows(struct world *w, struct seen *s)
{
	if (model(w)->full_bw_count == 2)
		w->p.rate = RATE * 0.3;
	return false;
}

TEST(bbr_drain_ends_when_the_queue_is_gone)
{
	struct world w;
	struct seen s = { .on = on_leaving_drain };
	run(&w, &s, usual(), LONG);
	struct bbr *b = model(&w);
	ok(b->state == BBR_DOWN || b->state == BBR_CRUISE);
	ok(tcp_loss_pipe(w.d->tcb) <= bbr_inflight(w.d->tcb, b, bbr_bw(b), 1) + 2 * MSS);
	ok(b->round_count <= b->drain_start_round + 3);
	end(&w);
}

/* req: BBR-4.1-a */
TEST(bbr_drain_ends_after_three_rounds_in_any_case)
{
	struct world w;
	struct seen s = { .on = on_leaving_drain, .each = each_slows };
	run(&w, &s, usual(), LONG);
	struct bbr *b = model(&w);
	eq(b->state, BBR_DOWN);
	ok(tcp_loss_pipe(w.d->tcb) > bbr_inflight(w.d->tcb, b, bbr_bw(b), 1));
	eq(b->round_count, b->drain_start_round + 4);
	end(&w);
}

/* 5.3.3.7: a plateau ends the probe; without losses nothing is remembered as too high. */
static bool on_leaving_up(struct world *w, struct seen *s, enum bbr_state from, enum bbr_state to)
{
	if (to == BBR_UP && s->phase)
		w->p.loss = 0.1;
	return from == BBR_UP;
}

TEST(bbr_up_ends_on_a_plateau)
{
	struct world w;
	struct seen s = { .on = on_leaving_up };
	run(&w, &s, usual(), LONG);
	struct bbr *b = model(&w);
	eq(b->state, BBR_DOWN);
	ok(b->full_bw_now);
	eq(b->inflight_longterm, BBR_INFINITE);
	ok(s.round[BBR_DOWN] >= s.round[BBR_UP] + 3);
	end(&w);
}

/* req: BBR-4.5.10-a */
TEST(bbr_up_ends_on_losses_and_remembers_how_much_was_too_much)
{
	struct world w;
	struct seen s = { .on = on_leaving_up, .phase = 1 };
	run(&w, &s, usual(), LONG);
	struct bbr *b = model(&w);
	eq(b->state, BBR_DOWN);
	ok(b->prev_probe_too_high && !b->full_bw_now);
	eq(b->undo_state, BBR_UP);
	ok(b->inflight_longterm >= 0.69 * BDP && b->inflight_longterm < 2.3 * BDP);
	end(&w);
}

/* 5.3.3.6: after a probe that lost, the next only touches that volume; when it did no harm another follows at once. */
static bool on_precaution(struct world *w, struct seen *s, enum bbr_state from, enum bbr_state to)
{
	struct bbr *b = model(w);
	if (to == BBR_UP && s->phase == 0) {
		w->p.loss = 0.1;
		s->phase = 1;
	} else if (from == BBR_UP && s->phase == 1) {
		ok(b->prev_probe_too_high);
	} else if (from == BBR_DOWN && s->phase == 1) {
		w->p.loss = 0;
		b->inflight_longterm = BDP + BDP / 10;	/* so much it was that was too much */
		s->phase = 2;
	} else if (from == BBR_UP && s->phase == 2) {
		ok(b->prev_probe_precautionary && !b->prev_probe_too_high);
		ok(w->d->tcb->loss.cwnd <= BDP + BDP / 8);
		s->phase = 3;
	} else if (s->phase == 3) {
		return true;
	}
	return false;
}

TEST(bbr_probes_with_precaution_after_losses)
{
	struct world w;
	struct seen s = { .on = on_precaution };
	run(&w, &s, usual(), LONG);
	eq(s.phase, 3);
	/* DOWN may have become CRUISE within the round, what follows is REFILL within it */
	ok(model(&w)->state == BBR_REFILL || model(&w)->round_count <= s.round[BBR_DOWN] + 1);
	end(&w);
}

/* A program that writes little proves nothing about the path: no plateau is seen, however long it goes on. */
static bool each_app_limited(struct world *w, struct seen *s)
{
	struct bbr *b = model(w);
	ok(b->state == BBR_STARTUP || b->state == BBR_PROBE_RTT);
	ok(!b->full_bw_reached);
	return w->d->now - w->start > 30 * OL_SEC;
}

/* req: BBR-4.5.2-a */
TEST(bbr_stays_in_startup_while_the_application_is_the_limit)
{
	struct world w;
	struct seen s = { .each = each_app_limited };
	struct path p = usual();
	p.app_rate = 100;
	run(&w, &s, p, 100000);
	ok(s.n[BBR_PROBE_RTT] >= 3);		/* and PROBE_RTT leads back there, 5.3.4.4 */
	ok(s.n[BBR_STARTUP] >= 3);
	end(&w);
}

static bool on_down(struct world *w, struct seen *s, enum bbr_state from, enum bbr_state to)
{
	if (to == BBR_DOWN && s->phase && s->n[BBR_DOWN] == 2) {
		w->p.rate = RATE * 0.5;			/* DOWN's nine tenths of what was: nothing drains */
		model(w)->probe_rtt_min_stamp = w->d->now;	/* and PROBE_RTT does not come between */
	}
	return from == BBR_DOWN && s->n[BBR_DOWN] >= 2;
}

TEST(bbr_down_ends_when_room_is_made)
{
	struct world w;
	struct seen s = { .on = on_down };
	run(&w, &s, usual(), LONG);
	struct bbr *b = model(&w);
	eq(b->state, BBR_CRUISE);
	ok(tcp_loss_pipe(w.d->tcb) <= bbr_inflight(w.d->tcb, b, bbr_max_bw(b), 1) + 2 * MSS);
	end(&w);
}

TEST(bbr_down_does_not_wait_for_ever)
{
	struct world w;
	struct seen s = { .on = on_down, .phase = 1 };
	run(&w, &s, usual(), LONG);
	struct bbr *b = model(&w);
	eq(b->state, BBR_REFILL);
	ol_time in_down = w.d->now - s.at[BBR_DOWN];
	ok(in_down > b->bw_probe_wait || b->rounds_since_probe_up >= BBR_RENO_ROUNDS ||
	   b->rounds_since_probe_up >= bbr_target_inflight(w.d->tcb, b) / MSS);
	ok(in_down <= b->bw_probe_wait + 200 * OL_MS);
	end(&w);
}

/* 5.3.4: every five seconds without a new minimum, for 200 ms and a round, with half of what the path holds. */
static bool each_probe_rtt(struct world *w, struct seen *s)
{
	struct bbr *b = model(w);
	if (b->state == BBR_PROBE_RTT)
		s->note = w->d->tcb->loss.cwnd;
	return false;
}

static bool on_probe_rtt(struct world *w, struct seen *s, enum bbr_state from, enum bbr_state to)
{
	return from == BBR_PROBE_RTT;
}

/* req: BBR-4.3.4-a */
TEST(bbr_looks_at_the_path_almost_empty)
{
	struct world w;
	struct seen s = { .on = on_probe_rtt, .each = each_probe_rtt };
	run(&w, &s, usual(), LONG);
	struct bbr *b = model(&w);
	eq(b->state, BBR_CRUISE);
	ol_time began = s.at[BBR_PROBE_RTT] - w.start;
	ok(began > 5 * OL_SEC && began < 8 * OL_SEC);
	ol_time took = w.d->now - s.at[BBR_PROBE_RTT];
	ok(took >= 200 * OL_MS && took < 400 * OL_MS);
	ok(s.note >= 4 * MSS && s.note <= 0.52 * BDP);
	ok(w.d->tcb->loss.cwnd > 0.8 * BDP);	/* and returns to what it was */
	ok(b->min_rtt >= RTT_MS * OL_MS && b->min_rtt < (RTT_MS + 2) * OL_MS);
	end(&w);
}

/* 5.4: a pause empties the queue as well as PROBE_RTT would. */
TEST(bbr_does_not_probe_the_round_trip_after_a_pause)
{
	for (int idle = 0; idle < 2; idle++) {
		struct drv *d = drv_new(.rtt_ms = 40, .cc = "bbr");
		struct bbr *b = bbr_of(d->tcb);
		drv_write(d, 0, 4000);
		drv_ack(d, 40, 4001);
		b->state = BBR_CRUISE;
		b->full_bw_reached = true;
		if (idle) {
			drv_pass(d, 6 * OL_SEC);
			drv_write(d, 0, 1000);
			ok(b->idle_restart);
			eq(d->tcb->loss.rate.pacing_rate, (uint64_t)(0.99 * (double)bbr_bw(b)));
			drv_ack(d, 41, 5001);
			ok(b->state != BBR_PROBE_RTT);
			ok(!b->idle_restart);
		} else {
			drv_write(d, 0, 1000);
			drv_pass(d, 100 * OL_MS);
			b->idle_restart = false;
			b->probe_rtt_min_stamp = d->now - 6 * OL_SEC;
			drv_ack(d, 1, 5001);
			eq(b->state, BBR_PROBE_RTT);
		}
		drv_free(d);
	}
}

/* 5.5.9: where ACKs come in bunches the window grows by a bunch, and the path is used. */
static bool each_bunched(struct world *w, struct seen *s)
{
	struct bbr *b = model(w);
	s->note = MAX(s->note, bbr_extra_acked(b));
	s->phase |= b->full_bw_reached && w->d->tcb->loss.cwnd > bbr_bdp(w->d->tcb, b, bbr_bw(b), 2);
	return false;
}

TEST(bbr_makes_up_for_bunched_acks)
{
	struct world w;
	struct seen s = { .each = each_bunched };
	struct path p = usual();
	p.ack_slot = 25 * OL_MS;
	double t = run(&w, &s, p, 40000);
	ok(s.note > BDP / 4);
	ok(s.phase);
	ok(40000.0 * MSS / t > 0.9 * RATE);
	end(&w);
}

TEST(bbr_keeps_four_segments_where_the_path_holds_less_than_one)
{
	struct world w;
	struct seen s = { 0 };
	struct path p = { .delay = 10 * OL_MS, .rate = 20000, .queue = 20000 };
	double t = run(&w, &s, p, 600);
	ok(w.d->tcb->loss.cwnd >= 4 * MSS);
	ok(600.0 * MSS / t > 0.9 * 20000);
	ok(s.n[BBR_DOWN] > 0);
	end(&w);
}

/* ---- the path changes -------------------------------------------------------------------------------------------- */
static bool each_changed(struct world *w, struct seen *s)
{
	struct bbr *b = model(w);
	if (s->phase == 0 && b->state == BBR_CRUISE) {
		w->p.rate = (double)s->note;
		w->free_at = w->d->now;
		s->phase = 1;
		s->at[BBR_STARTUP] = w->d->now;
	}
	return s->phase && w->d->now - s->at[BBR_STARTUP] > 12 * OL_SEC;
}

TEST(bbr_finds_ten_times_the_rate)
{
	struct world w;
	struct seen s = { .each = each_changed, .note = 10 * RATE };
	struct path p = usual();
	p.queue = 10 * BDP;
	run(&w, &s, p, LONG);
	ok(bbr_max_bw(model(&w)) > 0.9 * 10 * RATE);
	end(&w);
}

TEST(bbr_forgets_a_rate_that_is_gone)
{
	struct world w;
	struct seen s = { .each = each_changed, .note = RATE / 10 };
	struct path p = usual();
	p.queue = BDP;
	run(&w, &s, p, LONG);
	ok(bbr_max_bw(model(&w)) < 1.15 * RATE / 10);
	end(&w);
}

/* Twice the delay after two seconds; when the model has seen it, the delay from before. */
static bool each_detour(struct world *w, struct seen *s)
{
	ol_time min_rtt = model(w)->min_rtt, now = w->d->now;
	if (min_rtt < 50 * OL_MS)
		s->at[BBR_STARTUP] = model(w)->min_rtt_stamp;	/* the last time the short way was seen */
	if (s->phase == 0 && now > w->start + 2 * OL_SEC) {
		w->p.delay = RTT_MS * OL_MS;
		s->phase = 1;
	} else if (s->phase == 1 && min_rtt >= 2 * RTT_MS * OL_MS) {
		s->note = (uint64_t)(now - s->at[BBR_STARTUP]);
		s->at[BBR_DOWN] = now;
		w->p.delay = RTT_MS / 2 * OL_MS;
		s->phase = 2;
	}
	return s->phase == 2 && min_rtt < 50 * OL_MS;
}

/* 5.5.7: the least round trip of ten seconds.  A longer one is not believed before the last short one is as old; a shorter at once. */
/* req: BBR-4.5.7-a */
TEST(bbr_believes_a_longer_round_trip_after_ten_seconds)
{
	struct world w;
	struct seen s = { .each = each_detour };
	struct path p = usual();
	run(&w, &s, p, LONG);
	eq(s.phase, 2);
	ok(s.note > 10 * OL_SEC && s.note < 10 * OL_SEC + 200 * OL_MS);
	ok(w.d->now - s.at[BBR_DOWN] < 400 * OL_MS);
	end(&w);
}

/* A policer has no queue: what is above its rate is lost.  The model settles where little is. */
TEST(bbr_settles_below_a_policer)
{
	struct world w;
	struct seen s = { 0 };
	struct path p = usual();
	p.queue = 20 * MSS;
	double t = run(&w, &s, p, 60000);
	print_message("%.2f of the rate, %.1f %% dropped\n", 60000.0 * MSS / t / RATE, 100.0 * (double)w.dropped / 60000);
	ok(60000.0 * MSS / t > 0.75 * RATE);
	ok(w.dropped < 60000 * 0.03);
	eq(w.d->tcb->loss.n_rto, 0);
	end(&w);
}

/* ---- 5.5.11: losses that were none ------------------------------------------------------------------------------- */
/* A probe, some of whose segments are late; what was believed lost comes after all. */
static void late(struct drv *d, enum bbr_state state, bool timeout)
{
	struct bbr *b = bbr_of(d->tcb);
	drv_write(d, 0, 60000);
	for (uint32_t a = 2001; a <= 8001; a += 2000)
		drv_ack(d, a == 2001 ? 40 : 0, a);
	b->state = state;
	b->full_bw_reached = state != BBR_STARTUP;
	b->is_bw_probe_sample = true;
	b->inflight_longterm = 1000000;
	if (timeout)
		drv_pass(d, 3 * OL_SEC);
	else
		drv_ack(d, 40, 8001, .sack = { 12001, drv_rel(d, d->tcb->snd_nxt) });
}

TEST(bbr_returns_to_its_probe_when_a_fast_recovery_was_needless)
{
	struct drv *d = drv_new(.rtt_ms = 40, .cc = "bbr", .ts = true);
	struct bbr *b = bbr_of(d->tcb);
	late(d, BBR_UP, false);
	eq(d->tcb->loss.ca_state, TCP_CAS_RECOVERY);
	eq(b->state, BBR_DOWN);
	eq(b->undo_state, BBR_UP);
	ok(b->inflight_longterm < 1000000);
	ok(b->prior_cwnd >= d->tcb->loss.cwnd);
	/* Eifel: the originals' timestamps come back */
	drv_ack(d, 5, drv_rel(d, d->tcb->snd_nxt), .echo_ago = 45);
	eq(d->tcb->loss.n_undo, 1);
	eq(b->state, BBR_REFILL);
	ok(b->inflight_longterm >= 1000000);
	eq(b->bw_shortterm, BBR_INFINITE);
	eq(b->undo_state, BBR_NO_STATE);
	drv_free(d);
}

TEST(bbr_returns_to_its_probe_when_a_timeout_was_needless)
{
	struct drv *d = drv_new(.rtt_ms = 40, .cc = "bbr", .ts = true);
	struct bbr *b = bbr_of(d->tcb);
	late(d, BBR_UP, true);
	eq(d->tcb->loss.ca_state, TCP_CAS_LOSS);
	eq(b->state, BBR_DOWN);
	drv_ack(d, 5, drv_rel(d, d->tcb->snd_nxt), .echo_ago = 3045);
	eq(d->tcb->loss.n_spurious_rto, 1);
	eq(b->state, BBR_REFILL);
	ok(b->inflight_longterm >= 1000000);
	drv_free(d);
}

/* 5.5.10.2: the volume at which losses passed the threshold, by each lost record's own sending. */
TEST(bbr_takes_a_lost_records_own_volume)
{
	struct drv *d = drv_new(.rtt_ms = 40, .cc = "bbr");
	struct bbr *b = bbr_of(d->tcb);
	b->min_rtt = 40 * OL_MS;
	b->max_bw_filter[1] = 100000;
	b->state = BBR_REFILL;
	b->is_bw_probe_sample = true;
	d->tcb->loss.rate.lost = 5000;			/* with this record's 1000 */
	struct tcp_sb_rec r = { .seq = d->base, .len = 1000, .tx = { .in_flight = 101000, .lost = 3000 } };
	bbr_lost_packet(d->tcb, b, &r, d->now);
	/* 2000 of 101000 lost is below 2 %: nothing */
	eq(b->inflight_longterm, BBR_INFINITE);
	r.tx.lost = 2000;				/* 3000 of 101000: 2000 before, of 100000 */
	bbr_lost_packet(d->tcb, b, &r, d->now);
	eq(b->inflight_longterm, 100000);
	ok(!b->is_bw_probe_sample && b->prev_probe_too_high);
	d->tcb->loss.rate.lost = 50000;			/* one answer to each probe */
	bbr_lost_packet(d->tcb, b, &r, d->now);
	eq(b->inflight_longterm, 100000);
	drv_free(d);
}

static bool on_cruise(struct world *w, struct seen *s, enum bbr_state from, enum bbr_state to)
{
	return to == BBR_CRUISE;
}

/* RFC 3168 5: a mark is answered as one lost packet is.  What the model keeps of a round with a loss it keeps of one with a mark. */
/* req: 3168-5-b */
TEST(bbr_takes_a_mark_for_a_loss)
{
	struct world w;
	struct seen s = { .on = on_cruise };
	run(&w, &s, usual(), LONG);
	struct drv *d = w.d;
	struct bbr *b = model(&w);
	eq(b->state, BBR_CRUISE);
	ok(b->bw_shortterm == BBR_INFINITE && b->inflight_shortterm == BBR_INFINITE);
	uint32_t una = drv_rel(d, d->tcb->snd_una), all = drv_rel(d, d->tcb->snd_nxt);
	drv_ack(d, 1, .ack = una + MSS, .ece = true);
	eq(d->tcb->loss.ca_state, TCP_CAS_CWR);
	drv_ack(d, 40, .ack = all);
	drv_ack(d, 40, .ack = drv_rel(d, d->tcb->snd_nxt));	/* of what went after the mark: a round is over */
	ok(b->bw_shortterm != BBR_INFINITE && b->inflight_shortterm != BBR_INFINITE);
	end(&w);
}
