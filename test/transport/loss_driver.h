#ifndef TEST_TRANSPORT_LOSS_DRIVER_H
#define TEST_TRANSPORT_LOSS_DRIVER_H
/*
 * A sender without a stack: the loss half under a bare connection, driven as TCP's core drives it.  Time is in virtual
 * milliseconds since the step before; sequence numbers count from 1, the first byte of text.  What goes out is noted as
 * ranges, neighbours run together: "1:4001" or "1:1001 4001:5001".
 */
#include <stdlib.h>
#include "unit.h"
#include "base/check.h"
#include "base/rng.h"
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_recovery.h"

struct drv {
	struct tcp_tcb *tcb;
	struct tcp_loss_cfg cfg;
	ol_time now;
	tcp_seq base;			/* sequence number of byte 1 */
	uint32_t queued;		/* bytes the application has written */
	char out[4096];			/* what went since drv_out looked */
	bool last_rexmit;
	tcp_seq last_end;
	bool busy;			/* a long run: nothing is noted, beliefs are not checked at each step */
	uint64_t n_new, n_again;	/* segments */
};

struct drv_opt { uint32_t mss; bool no_sack, ts; const char *cc; ol_time rtt_ms; const struct tcp_loss_cfg *cfg; };

static inline struct drv *drv_new_(struct drv_opt o)
{
	struct drv *d = calloc(1, sizeof *d);
	d->tcb = calloc(1, sizeof *d->tcb);
	d->cfg = o.cfg ? *o.cfg : tcp_loss_cfg_default();
	d->now = 1000 * OL_SEC;
	d->base = seq_from(0xffffe000u);	/* the circle closes early in each scenario */
	d->tcb->snd_mss = o.mss ? o.mss : 1000;
	d->tcb->sack_ok = !o.no_sack;
	d->tcb->ts_ok = o.ts;
	d->tcb->snd_una = d->tcb->snd_nxt = d->base;
	d->tcb->snd_wnd = 1u << 30;
	tcp_loss_init(d->tcb, &d->cfg, o.cc, d->now);
	if (o.rtt_ms)
		tcp_loss_rtt(d->tcb, o.rtt_ms * OL_MS, d->now);
	tcp_loss_established(d->tcb, d->now);
	return d;
}
#define drv_new(...) drv_new_((struct drv_opt){ __VA_ARGS__ })

static inline void drv_free(struct drv *d)
{
	tcp_loss_fini(d->tcb);
	free(d->tcb);
	free(d);
}

static inline uint32_t drv_rel(const struct drv *d, tcp_seq s) { return seq_len(d->base, s) + 1; }
static inline tcp_seq drv_abs(const struct drv *d, uint32_t rel) { return seq_add(d->base, rel - 1); }
static inline uint32_t drv_tsval(const struct drv *d) { return (uint32_t)(d->now / OL_MS); }

static inline void drv_check(const struct drv *d)
{
	if (!d->busy)
		tcp_loss_check(d->tcb);
}

static inline void drv_note(struct drv *d, tcp_seq seq, uint32_t len, bool again)
{
	uint32_t segs = (len + d->tcb->snd_mss - 1) / d->tcb->snd_mss;
	*(again ? &d->n_again : &d->n_new) += segs;
	if (d->busy)
		return;
	size_t n = strlen(d->out);
	if (n && seq_eq(d->last_end, seq)) {
		while (d->out[n - 1] != ':')
			n--;
		snprintf(d->out + n, sizeof d->out - n, "%u", drv_rel(d, seq) + len);
	} else {
		snprintf(d->out + n, sizeof d->out - n, "%s%u:%u", n ? " " : "", drv_rel(d, seq),
			 drv_rel(d, seq) + len);
	}
	d->last_end = seq_add(seq, len);
}

static inline uint32_t drv_unsent(const struct drv *d)
{
	return d->queued - seq_len(d->base, d->tcb->snd_nxt);
}

static inline void drv_resend(struct drv *d, bool (*next)(struct tcp_tcb *, struct tcp_loss_range *, ol_time))
{
	for (struct tcp_loss_range r; next(d->tcb, &r, d->now); drv_check(d)) {
		tcp_loss_resent(d->tcb, r.seq, r.len, drv_tsval(d), d->now);
		drv_note(d, r.seq, r.len, true);
	}
}

static inline void drv_output(struct drv *d)
{
	struct tcp_tcb *tcb = d->tcb;
	drv_resend(d, tcp_loss_next);
	enum tcp_stop why = TCP_STOP_APP;
	while (drv_unsent(d)) {
		uint32_t quota = tcp_loss_quota(tcb, d->now);
		uint32_t wnd = tcb->snd_wnd - MIN(tcb->snd_wnd, seq_len(tcb->snd_una, tcb->snd_nxt));
		uint32_t len = MIN(MIN(drv_unsent(d), quota), wnd);
		if (!len) {
			why = quota ? TCP_STOP_RWND : TCP_STOP_CWND;
			break;
		}
		tcp_loss_sent(tcb, tcb->snd_nxt, len, d->now);
		drv_note(d, tcb->snd_nxt, len, false);
		tcb->snd_nxt = seq_add(tcb->snd_nxt, len);
	}
	if (why != TCP_STOP_CWND)
		drv_resend(d, tcp_loss_last_resort);
	tcp_loss_stopped(tcb, why, d->now);
	drv_check(d);
}

/* Lets `ns` pass: each timer at its own instant. */
static inline void drv_pass(struct drv *d, ol_time ns)
{
	ol_time until = d->now + ns;
	for (;;) {
		ol_time at = tcp_loss_deadline(d->tcb, NULL);
		if (at > until)
			break;
		d->now = MAX(d->now, at);
		tcp_loss_expire(d->tcb, drv_unsent(d) != 0, d->now);
		drv_output(d);
		ok(tcp_loss_deadline(d->tcb, NULL) > d->now);	/* the proof that it does not spin */
	}
	d->now = until;
}

static inline void drv_write(struct drv *d, int after_ms, uint32_t bytes)
{
	drv_pass(d, after_ms * OL_MS);
	d->queued += bytes;
	drv_output(d);
}

/* An ACK; blocks are pairs of relative numbers, ended by 0.  ts_ms: the clock's milliseconds that TSecr echoes, ago. */
struct drv_ack { uint32_t ack; uint32_t sack[8]; bool ece, text, wnd_update; int echo_ago; };
static inline void drv_ack_(struct drv *d, int after_ms, struct drv_ack a)
{
	struct tcp_sack_block b[4];
	struct tcp_ack_event ev = { .ack = drv_abs(d, a.ack), .prior_una = d->tcb->snd_una, .sack = b, .ece = a.ece,
				    .text = a.text, .wnd_update = a.wnd_update, .ts_rtt_ns = -1 };
	drv_pass(d, after_ms * OL_MS);
	for (; ev.n_sack < 4 && a.sack[2 * ev.n_sack]; ev.n_sack++)
		b[ev.n_sack] = (struct tcp_sack_block){ drv_abs(d, a.sack[2 * ev.n_sack]),
							drv_abs(d, a.sack[2 * ev.n_sack + 1]) };
	ev.prior_una = d->tcb->snd_una;
	if (d->tcb->ts_ok) {
		ev.has_ts = true;
		ev.tsecr = drv_tsval(d) - (uint32_t)a.echo_ago;
		ev.ts_rtt_ns = a.echo_ago * OL_MS;
	}
	ev.new_ready = drv_unsent(d) != 0;
	d->tcb->snd_una = seq_max(d->tcb->snd_una, ev.ack);
	tcp_loss_ack(d->tcb, &ev, d->now);
	drv_check(d);
	drv_output(d);
}
#define drv_ack(d, after_ms, ...) drv_ack_(d, after_ms, (struct drv_ack){ __VA_ARGS__ })

/* What went out since the last look is exactly this. */
#define drv_out(d, text) do { eq_str((d)->out, text); (d)->out[0] = 0; } while (0)
/* `after` milliseconds from now, and not one before, this goes out. */
#define drv_out_at(d, after_ms, text) do { \
	drv_pass(d, (after_ms) * OL_MS - 1); eq_str((d)->out, ""); drv_pass(d, 1); drv_out(d, text); } while (0)

#endif
