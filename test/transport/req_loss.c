/*
 * Rules of loss recovery and congestion control that the scenarios of recovery.c and cc.c pass by: RFC 5681 2 and 3.1,
 * RFC 6675 4 and 5, RFC 5682 2.1, RFC 6298 5.3, RFC 9406 4.2, RFC 6928.
 */
#include "loss_driver.h"

static uint32_t cwnd(const struct drv *d) { return d->tcb->loss.cwnd / d->tcb->snd_mss; }
static uint32_t ssthresh(const struct drv *d) { return d->tcb->loss.ssthresh / d->tcb->snd_mss; }
static int state(const struct drv *d) { return d->tcb->loss.ca_state; }

/* Never beyond min(cwnd, rwnd) above SND.UNA: in slow start, in recovery, after a timeout, whatever the peer offers. */
/* req: 5681-2-a */
TEST(nothing_is_sent_beyond_either_window)
{
	struct rng r;
	rng_init(&r, 0x5681);
	for (int run = 0; run < 40; run++) {
		struct drv *d = drv_new(.rtt_ms = 50, .no_sack = run & 1, .cc = run & 2 ? "reno" : "cubic");
		d->queued = 1u << 20;
		drv_output(d);
		for (int i = 0; i < 60; i++) {
			struct tcp_tcb *t = d->tcb;
			uint32_t out = seq_len(t->snd_una, t->snd_nxt), una = drv_rel(d, t->snd_una);
			if (out <= 1000 || rng_below(&r, 12) == 0) {
				drv_pass(d, 3000 * OL_MS);		/* timeouts */
				drv_ack(d, 1, .ack = drv_rel(d, t->snd_nxt));
				continue;
			}
			uint32_t old_nxt = drv_rel(d, t->snd_nxt), wnd = 4000 + 1000 * rng_below(&r, 40);
			t->snd_wnd = wnd;
			d->out[0] = 0;
			if (rng_below(&r, 3) == 0)			/* a hole at the front */
				drv_ack(d, 1, .ack = una, .sack = { run & 1 ? 0 : una + 1000, una + out });
			else
				drv_ack(d, 1, .ack = una + 1000 * rng_below(&r, out / 1000 + 1));
			uint32_t now_nxt = drv_rel(d, t->snd_nxt);
			una = drv_rel(d, t->snd_una);
			if (now_nxt > old_nxt) {
				ok(now_nxt - una <= wnd);
				ok(tcp_loss_pipe(t) <= t->loss.cwnd);
			}
		}
		drv_free(d);
	}
}

/* Slow start below ssthresh, a segment a round trip above, one segment and a doubled RTO after a timeout. */
/* req: MUST-19, 5681-3.1-a, 6298-5-c */
TEST(slow_start_then_avoidance_then_backoff)
{
	struct drv *d = drv_new(.rtt_ms = 100, .cc = "reno");
	d->busy = true;
	d->queued = 1u << 30;
	d->tcb->loss.ssthresh = 40000;
	drv_output(d);
	uint32_t want[] = { 10, 20, 40, 41, 42, 43 };
	for (int i = 0; i < 6; i++) {
		eq(cwnd(d), want[i]);
		drv_pass(d, 100 * OL_MS);
		for (uint32_t end = drv_rel(d, d->tcb->snd_nxt); drv_rel(d, d->tcb->snd_una) < end; )
			drv_ack(d, 0, .ack = drv_rel(d, d->tcb->snd_una) + 1000);
	}
	uint32_t flight = d->tcb->loss.sb.out.bytes;
	ol_time rto = tcp_rto_now(d->tcb);
	d->busy = false;
	d->cfg.tlp = false;
	drv_pass(d, 5 * OL_SEC);
	ok(d->tcb->loss.n_rto >= 3);
	eq(cwnd(d), 1);
	ok(d->tcb->loss.ssthresh <= flight / 2 + 1000);
	eq(tcp_rto_now(d->tcb), rto << d->tcb->loss.n_rto);
	drv_free(d);
}

/* Ten segments on their way, and no tail loss probe. */
static struct drv *ten_segments(struct tcp_loss_cfg *cfg, bool rack)
{
	*cfg = tcp_loss_cfg_default();
	cfg->rack = rack;
	cfg->tlp = false;
	struct drv *d = drv_new(.rtt_ms = 100, .cfg = cfg, .cc = "reno");
	drv_write(d, 0, 10000);
	drv_out(d, "1:10001");
	return d;
}

/*
 * The next to go, without RACK: what is lost, lowest first, each once; then new text; never what is merely not yet
 * known.
 */
/* req: 6675-4-d, 6675-5-e */
TEST(lost_text_goes_before_new_text)
{
	struct tcp_loss_cfg cfg;
	struct drv *d = ten_segments(&cfg, false);
	d->queued += 10000;
	/* 1 and 2001 are lost, 6001 and above unknown */
	drv_ack(d, 100, .ack = 1, .sack = { 1001, 2001, 3001, 6001 });
	drv_out(d, "1:1001");
	drv_ack(d, 1, .ack = 1, .sack = { 1001, 2001, 3001, 7001 });
	drv_out(d, "2001:3001");					/* rule 1: the next lost */
	drv_ack(d, 1, .ack = 1, .sack = { 1001, 2001, 3001, 8001 });
	drv_ack(d, 1, .ack = 1, .sack = { 1001, 2001, 3001, 9001 });
	/* rule 2: new text, and none of 6001 to 10001 */
	drv_out(d, "10001:12001");
	drv_ack(d, 100, .ack = 12001);
	eq(state(d), TCP_CAS_OPEN);
	drv_free(d);
}

/* Ten segments, of which the first three above SND.UNA were SACKed: the first has gone again, in a window of five. */
static struct drv *first_is_lost(struct tcp_loss_cfg *cfg, bool rack)
{
	struct drv *d = ten_segments(cfg, rack);
	drv_ack(d, 100, .ack = 1, .sack = { 1001, 4001 });
	drv_out(d, "1:1001");
	eq(ssthresh(d), 5);
	return d;
}

/*
 * NextSeg()'s rule 3: with nothing known to be lost and no new text, or none that the peer's window takes, what lies below
 * SACKed text goes on suspicion.  It is in the pipe twice until IsLost() says that the first copy is not, and goes but once.
 */
/* req: 6675-4-d, 6675-4-c */
TEST(suspected_text_goes_where_there_is_no_new_text)
{
	for (int closed = 0; closed < 2; closed++) {
		struct tcp_loss_cfg cfg;
		struct drv *d = first_is_lost(&cfg, false);
		d->queued += closed ? 5000 : 0;
		d->tcb->snd_wnd = 10000;
		drv_ack(d, 1, .ack = 1, .sack = { 1001, 6001 });	/* the window is full */
		drv_out(d, "");
		drv_ack(d, 1, .ack = 1, .sack = { 7001, 8001, 1001, 6001 });
		drv_out(d, "6001:7001");				/* one SACKed above it, not three */
		eq(d->tcb->loss.sb.lost.bytes, 1000);
		eq(tcp_loss_pipe(d->tcb), 5000);			/* 1, 6001 twice, 8001 and 9001 */
		drv_ack(d, 1, .ack = 1, .sack = { 7001, 9001, 1001, 6001 });
		drv_out(d, "");						/* room, and nothing above HighRxt */
		drv_ack(d, 1, .ack = 1, .sack = { 7001, 10001, 1001, 6001 });
		drv_out(d, "");						/* lost now, and already sent again */
		eq(d->tcb->loss.sb.lost.bytes, 2000);
		eq(tcp_loss_pipe(d->tcb), 2000);
		drv_free(d);
	}
}

/*
 * Rule 4: where SACKs tell of no hole above what went again, the highest segment goes, once for a recovery and not before more
 * than the first segment sent again is acknowledged.  HighRxt stays where it was: the holes that its SACK shows go too.
 */
/* req: 6675-4-d */
TEST(tail_of_a_flight_is_rescued_once)
{
	struct tcp_loss_cfg cfg;
	struct drv *d = first_is_lost(&cfg, false);
	drv_ack(d, 1, .ack = 1, .sack = { 1001, 7001 });		/* the last three are lost as well */
	drv_out(d, "");
	drv_ack(d, 100, .ack = 7001);
	drv_out(d, "9001:10001");
	eq(tcp_loss_pipe(d->tcb), 3000);				/* the copy is not counted */
	drv_ack(d, 1, .ack = 7001);
	drv_out(d, "");
	drv_ack(d, 100, .ack = 7001, .sack = { 9001, 10001 });
	drv_out(d, "7001:9001");
	drv_ack(d, 50, .ack = 8001, .sack = { 9001, 10001 });
	drv_out(d, "");
	eq(state(d), TCP_CAS_RECOVERY);
	drv_ack(d, 50, .ack = 10001);
	eq(state(d), TCP_CAS_OPEN);
	eq(d->tcb->loss.n_rto, 0);
	drv_free(d);
}

/* With RACK a timer finds what is lost: where the same ACK, which names no hole, rescues without it, nothing goes. */
/* req: 8985-9.2-a */
TEST(nothing_goes_on_suspicion_with_rack)
{
	for (int rack = 0; rack < 2; rack++) {
		struct tcp_loss_cfg cfg;
		struct drv *d = first_is_lost(&cfg, rack);
		drv_ack(d, 1, .ack = 4001);
		drv_out(d, rack ? "" : "9001:10001");
		eq(state(d), TCP_CAS_RECOVERY);
		drv_free(d);
	}
}

/* HighACK must be greater than RescueRxt: SND.UNA at the end of the first segment sent again is not enough. */
/* req: 6675-4-d */
TEST(rescue_waits_for_more_than_the_first_segment)
{
	struct tcp_loss_cfg cfg;
	struct drv *d = ten_segments(&cfg, false);
	drv_ack(d, 100, .ack = 1, .sack = { 2001, 9001 });
	drv_out(d, "1:2001");
	drv_ack(d, 100, .ack = 1001, .sack = { 2001, 9001 });
	drv_out(d, "");
	drv_ack(d, 1, .ack = 9001);
	drv_out(d, "9001:10001");
	drv_free(d);
}

/* A cumulative ACK starts the count anew; recovery begins at the third duplicate, or as soon as IsLost says so. */
/* req: 6675-5-b */
TEST(duplicates_are_counted_from_the_last_cumulative_ack)
{
	struct tcp_loss_cfg cfg = tcp_loss_cfg_default();
	cfg.rack = cfg.tlp = false;
	for (int sack = 0; sack < 2; sack++) {
		struct drv *d = drv_new(.rtt_ms = 100, .cfg = &cfg, .no_sack = !sack);
		drv_write(d, 0, 10000);
		d->out[0] = 0;
		drv_ack(d, 100, .ack = 1, .sack = { sack ? 1001 : 0, 2001 });
		drv_ack(d, 1, .ack = 1, .sack = { sack ? 1001 : 0, 3001 });
		drv_ack(d, 1, .ack = 3001);
		drv_ack(d, 1, .ack = 3001, .sack = { sack ? 4001 : 0, 5001 });
		drv_ack(d, 1, .ack = 3001, .sack = { sack ? 4001 : 0, 6001 });
		ok(state(d) < TCP_CAS_RECOVERY);		/* four in all, but two each */
		eq(d->n_again, 0);
		drv_ack(d, 1, .ack = 3001, .sack = { sack ? 4001 : 0, 7001 });
		eq(state(d), TCP_CAS_RECOVERY);
		eq(d->n_again, 1);
		drv_free(d);
	}
	struct drv *d = drv_new(.rtt_ms = 100, .cfg = &cfg);	/* one ACK, three segments: no waiting for two more */
	drv_write(d, 0, 10000);
	drv_ack(d, 100, .ack = 1, .sack = { 1001, 4001 });
	eq(state(d), TCP_CAS_RECOVERY);
	drv_free(d);
}

static struct drv *timed_out(struct tcp_loss_cfg *cfg)
{
	cfg->tlp = false;
	struct drv *d = drv_new(.rtt_ms = 100, .cfg = cfg, .cc = "reno");
	drv_write(d, 0, 6000);
	drv_out(d, "1:6001");
	while (d->tcb->loss.n_rto < 1)
		drv_pass(d, 10 * OL_MS);
	drv_out(d, "1:1001");
	return d;
}

/*
 * RFC 5682 2.1, step 1, when the timer fires again: for the same segment the algorithm begins anew; when an ACK had
 * come between, "recover" is set to what was sent by now and the rest is conventional, no new text.
 */
/* req: 5682-2.1-c */
TEST(timeout_during_frto_goes_back_to_step_one)
{
	struct tcp_loss_cfg cfg = tcp_loss_cfg_default();
	struct drv *d = timed_out(&cfg);
	while (d->tcb->loss.n_rto < 2)
		drv_pass(d, 10 * OL_MS);
	drv_out(d, "1:1001");					/* step 1 */
	d->queued = 20000;
	drv_ack(d, 10, .ack = 1001);
	drv_out(d, "6001:8001");				/* step 2.b: two segments of new text */
	drv_free(d);
	d = timed_out(&cfg);
	d->queued = 20000;
	drv_ack(d, 10, .ack = 1001);
	drv_out(d, "6001:8001");
	while (d->tcb->loss.n_rto < 2)
		drv_pass(d, 10 * OL_MS);
	drv_out(d, "1001:2001");				/* step 1, and not step 2 */
	eq(seq_len(d->base, d->tcb->loss.recovery_point), 8000);
	drv_ack(d, 10, .ack = 2001);
	drv_out(d, "2001:4001");				/* slow start over what is not acknowledged */
	drv_free(d);
}

/* RFC 6298 5.3: an ACK of new data restarts the timer, one RTO from now; a duplicate does not. */
/* req: 6928-9-a, 6298-5-b */
TEST(timer_restarts_with_each_ack_of_new_data)
{
	struct tcp_loss_cfg cfg = tcp_loss_cfg_default();
	cfg.tlp = false;
	struct drv *d = drv_new(.rtt_ms = 100, .cfg = &cfg);
	enum tcp_loss_timer kind;
	drv_write(d, 0, 10000);
	for (uint32_t i = 1; i < 10; i++) {
		drv_ack(d, 100, .ack = 1 + 1000 * i);
		eq(tcp_loss_deadline(d->tcb, &kind), d->now + tcp_rto_now(d->tcb));
		eq(kind, TCP_LOSS_RTO);
		ol_time at = tcp_loss_deadline(d->tcb, &kind);
		drv_ack(d, 10, .ack = 1 + 1000 * i);
		eq(tcp_loss_deadline(d->tcb, &kind), at);
	}
	drv_ack(d, 100, .ack = 10001);
	eq(tcp_loss_deadline(d->tcb, &kind), OL_NEVER);
	drv_free(d);
}

/* Karn: an ACK that covers anything sent twice measures nothing, though it covers segments sent once as well. */
/* req: 6298-3-a */
TEST(no_round_trip_is_measured_on_what_was_sent_twice)
{
	struct tcp_loss_cfg cfg = tcp_loss_cfg_default();
	cfg.tlp = false;
	struct drv *d = drv_new(.rtt_ms = 100, .cfg = &cfg, .no_sack = true);
	drv_write(d, 0, 4000);
	while (d->tcb->loss.n_rto < 1)
		drv_pass(d, 10 * OL_MS);
	drv_ack(d, 50, .ack = 1001);				/* the segment alone */
	eq(d->tcb->srtt_ns, 100 * OL_MS);
	drv_ack(d, 50, .ack = 4001);				/* two sent again by now, and what waited behind them */
	eq(d->tcb->srtt_ns, 100 * OL_MS);
	d->queued += 1000;
	drv_output(d);
	drv_ack(d, 20, .ack = 5001);				/* sent once: this counts */
	ok(d->tcb->srtt_ns < 100 * OL_MS);
	drv_free(d);
	d = drv_new(.rtt_ms = 100, .cfg = &cfg, .no_sack = true);
	drv_write(d, 0, 4000);
	drv_ack(d, 100, .ack = 1);
	drv_ack(d, 0, .ack = 1);
	drv_ack(d, 0, .ack = 1);				/* fast retransmit of the first; three were sent once */
	drv_ack(d, 400, .ack = 4001);
	eq(d->tcb->srtt_ns, 100 * OL_MS);
	drv_free(d);
}

/* req: 6928-12-a, 6928-2-a */
TEST(initial_window_is_no_larger_than_the_document_says)
{
	eq(tcp_config_default().init_cwnd, 10);
	eq(tcp_loss_cfg_default().initial_cwnd, 10);
	static const uint32_t mss[] = { 536, 1220, 1460 };
	for (int i = 0; i < 3; i++) {
		struct drv *d = drv_new(.mss = mss[i]);
		d->queued = 100000;
		drv_output(d);
		eq(d->tcb->loss.sb.out.bytes, 10 * mss[i]);
		drv_free(d);
	}
}

static void rounds(struct drv *d, int n, int rtt_ms)
{
	while (n--) {
		uint32_t end = drv_rel(d, d->tcb->snd_nxt);
		drv_pass(d, rtt_ms * OL_MS);
		for (uint32_t at = drv_rel(d, d->tcb->snd_una); at < end; ) {
			at = MIN(at + 2000, end);
			struct tcp_ack_event ev = {
				.ack = drv_abs(d, at), .prior_una = d->tcb->snd_una, .ts_rtt_ns = rtt_ms * OL_MS,
				.new_ready = true,
			};
			d->tcb->snd_una = ev.ack;
			tcp_loss_ack(d->tcb, &ev, d->now);
			drv_output(d);
		}
	}
}

/*
 * RFC 9406 4.2: a loss or a mark, in slow start or in its conservative phase, ends HyStart++: ssthresh is the window
 * then.
 */
/* req: 9406-4.2-d */
TEST(congestion_in_either_phase_ends_hystart)
{
	for (int k = 0; k < 4; k++) {
		bool css = k & 1, mark = k & 2;
		struct drv *d = drv_new(.rtt_ms = 100);
		d->busy = true;
		d->queued = 1u << 30;
		drv_output(d);
		rounds(d, 3, 100);
		if (css)
			rounds(d, 1, 130);			/* the delay rose: conservative from here */
		eq(d->tcb->loss.ssthresh, TCP_INFINITE_SSTHRESH);
		uint32_t una = drv_rel(d, d->tcb->snd_una), end = drv_rel(d, d->tcb->snd_nxt);
		drv_pass(d, 100 * OL_MS);
		if (mark)
			drv_ack(d, 0, .ack = una + 1000, .ece = true);
		else
			drv_ack(d, 0, .ack = una, .sack = { una + 1000, end });
		ok(d->tcb->loss.ssthresh < TCP_INFINITE_SSTHRESH);
		uint32_t s = d->tcb->loss.ssthresh;
		drv_ack(d, 100, .ack = drv_rel(d, d->tcb->snd_nxt));
		ok(state(d) <= TCP_CAS_DISORDER);
		ok(d->tcb->loss.cwnd >= s / 2 && d->tcb->loss.cwnd <= s + s / 5);
		uint32_t before = d->tcb->loss.cwnd;
		/* congestion avoidance: no doubling, no third of it either */
		rounds(d, 3, 100);
		ok(d->tcb->loss.cwnd < before + before / 4);
		eq(ssthresh(d), s / 1000);
		drv_free(d);
	}
}
