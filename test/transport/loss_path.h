#ifndef TEST_TRANSPORT_LOSS_PATH_H
#define TEST_TRANSPORT_LOSS_PATH_H
/*
 * The loss half over a path that has a rate, a queue and a delay, and that loses, reorders and repeats, against a
 * receiver that ACKs as RFC 9293, 2018 and 2883 say.  All from one seed.
 */
#include "loss_driver.h"

enum { MSS = 1000, MAX_EVENTS = 1 << 16, DELACK_MS = 40 };

struct world;
struct path {
	ol_time delay;			/* each way */
	double rate;			/* bytes a second, forward */
	uint32_t queue;			/* bytes */
	double loss, reorder, repeat, ack_loss;
	ol_time reorder_by;		/* at most */
	uint32_t ssthresh;		/* segments; 0: none to begin with */
	uint32_t drop_from, drop_to;	/* segments whose first transmission is dropped */
	ol_time ack_slot;		/* ACKs come in bunches, at multiples of this */
	uint32_t app_rate;		/* segments a second that the program writes; 0: all at once */
	/* Looks after each event; may change the path, and write by w->d->queued; true: that is enough. */
	bool (*watch)(struct world *w);
	void *ctx;
};

struct ev { ol_time at; uint64_t order; bool is_ack; uint32_t seg; struct drv_ack ack; uint32_t tsval; };
struct world {
	struct drv *d;
	struct path p;
	struct rng r;
	struct ev *heap;
	uint32_t n_ev;
	uint64_t order;
	/* the bottleneck */
	ol_time free_at;
	/* the receiver */
	uint8_t *got;
	uint32_t segs, next;		/* first segment missing */
	uint32_t recent[3];		/* segments whose arrival changed a block last */
	uint32_t dsack;			/* segment + 1 */
	bool owes;
	ol_time ack_at;
	uint32_t ts_recent;
	/* what there is to say */
	uint64_t carried, dropped, needless;
	ol_time start, done, write_at;
};

static inline bool earlier(const struct ev *a, const struct ev *b)
{
	return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static inline void push(struct world *w, struct ev e)
{
	ok(w->n_ev < MAX_EVENTS);
	e.order = w->order++;
	uint32_t i = w->n_ev++;
	for (; i && earlier(&e, &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
		w->heap[i] = w->heap[(i - 1) / 2];
	w->heap[i] = e;
}

static inline struct ev pop(struct world *w)
{
	struct ev top = w->heap[0], e = w->heap[--w->n_ev];
	uint32_t i = 0;
	for (;;) {
		uint32_t k = 2 * i + 1;
		if (k >= w->n_ev)
			break;
		if (k + 1 < w->n_ev && earlier(&w->heap[k + 1], &w->heap[k]))
			k++;
		if (!earlier(&w->heap[k], &e))
			break;
		w->heap[i] = w->heap[k];
		i = k;
	}
	w->heap[i] = e;
	return top;
}

static inline void transmit(struct world *w, tcp_seq seq, uint32_t len, bool again)
{
	struct drv *d = w->d;
	for (uint32_t at = 0; at < len; at += MSS) {
		uint32_t seg = (drv_rel(d, seq) - 1 + at) / MSS;
		ol_time wire = w->p.rate ? (ol_time)(MSS * 1e9 / w->p.rate) : 0;
		ol_time from = MAX(w->free_at, d->now);
		if (w->p.queue && (double)(from - d->now) / 1e9 * w->p.rate > w->p.queue) {
			w->dropped++;
			continue;
		}
		w->free_at = from + wire;
		if (rng_chance(&w->r, w->p.loss) || (!again && seg >= w->p.drop_from && seg < w->p.drop_to)) {
			w->dropped++;
			continue;
		}
		w->carried++;
		struct ev e = { .at = w->free_at + w->p.delay, .seg = seg, .tsval = drv_tsval(d) };
		if (rng_chance(&w->r, w->p.reorder))
			e.at += (ol_time)(rng_unit(&w->r) * (double)w->p.reorder_by);
		push(w, e);
		if (rng_chance(&w->r, w->p.repeat))
			push(w, e);
	}
}

static inline void output(struct world *w)
{
	struct drv *d = w->d;
	struct tcp_loss_range r;
	while (tcp_loss_next(d->tcb, &r, d->now)) {
		tcp_loss_resent(d->tcb, r.seq, r.len, drv_tsval(d), d->now);
		d->n_again += (r.len + MSS - 1) / MSS;
		transmit(w, r.seq, r.len, true);
	}
	enum tcp_stop why = TCP_STOP_APP;
	while (drv_unsent(d)) {
		uint32_t len = MIN(drv_unsent(d), tcp_loss_quota(d->tcb, d->now));
		if (!len) {
			why = TCP_STOP_CWND;
			break;
		}
		tcp_loss_sent(d->tcb, d->tcb->snd_nxt, len, d->now);
		transmit(w, d->tcb->snd_nxt, len, false);
		d->tcb->snd_nxt = seq_add(d->tcb->snd_nxt, len);
	}
	tcp_loss_stopped(d->tcb, why, d->now);
}

/* ---- the receiver ------------------------------------------------------------------------------------------------ */
static inline void block(const struct world *w, uint32_t seg, uint32_t *left, uint32_t *right)
{
	uint32_t l = seg, r = seg + 1;
	while (l > w->next && w->got[l - 1])
		l--;
	while (r < w->segs && w->got[r])
		r++;
	*left = 1 + l * MSS;
	*right = 1 + r * MSS;
}

static inline void send_ack(struct world *w)
{
	struct drv_ack a = { .ack = 1 + w->next * MSS };
	unsigned n = 0;
	w->owes = false;
	if (w->dsack) {				/* RFC 2883 4 */
		a.sack[0] = 1 + (w->dsack - 1) * MSS;
		a.sack[1] = a.sack[0] + MSS;
		n = 1;
		w->dsack = 0;
	}
	for (int i = 0; i < 3 && n < 3; i++) {	/* RFC 2018 4 */
		uint32_t seg = w->recent[i], left, right;
		if (seg <= w->next || !w->got[seg])
			continue;
		block(w, seg, &left, &right);
		if (n && a.sack[2 * n - 2] == left)
			continue;
		a.sack[2 * n] = left;
		a.sack[2 * n + 1] = right;
		n++;
	}
	ol_time at = w->d->now + w->p.delay;
	if (w->p.ack_slot)
		at = (at + w->p.ack_slot - 1) / w->p.ack_slot * w->p.ack_slot;
	if (!rng_chance(&w->r, w->p.ack_loss))
		push(w, (struct ev){ .at = at, .is_ack = true, .ack = a, .tsval = w->ts_recent });
}

static inline void receive(struct world *w, uint32_t seg, uint32_t tsval)
{
	bool in_order = seg == w->next;
	if (seg <= w->next)
		w->ts_recent = tsval;
	if (seg < w->next || w->got[seg]) {
		w->needless++;
		w->dsack = seg + 1;
		send_ack(w);
		return;
	}
	w->got[seg] = 1;
	if (!in_order)
		for (int i = 0; i < 3; i++)
			if (i == 2 || w->recent[i] == seg - 1 || w->recent[i] == seg + 1) {
				memmove(w->recent + 1, w->recent, (size_t)i * sizeof *w->recent);
				w->recent[0] = seg;
				break;
			}
	bool hole = in_order && w->got[seg + 1];	/* it fills a gap, in whole or in part: RFC 5681 4.2 */
	while (w->next < w->segs && w->got[w->next])
		w->next++;
	for (int i = 0; i < 3; i++)
		hole |= w->recent[i] > w->next;
	if (!in_order || hole || w->owes || w->next == w->segs) {
		send_ack(w);
	} else {
		w->owes = true;
		w->ack_at = w->d->now + DELACK_MS * OL_MS;
	}
}

/* Carries `segs` segments over the path.  Returns the seconds it took; fails when they are not through in an hour. */
static inline double carry(struct world *w, const struct path *p, uint64_t seed, uint32_t segs, struct drv_opt o)
{
	*w = (struct world){ .p = *p, .segs = segs };
	rng_init(&w->r, seed);
	o.mss = MSS;
	w->d = drv_new_(o);
	w->heap = calloc(MAX_EVENTS, sizeof *w->heap);
	w->got = calloc(segs + 2, 1);
	w->d->queued = p->app_rate ? MSS : segs * MSS;
	w->write_at = p->app_rate ? w->d->now : OL_NEVER;
	w->start = w->d->now;
	tcp_loss_rtt(w->d->tcb, 2 * p->delay, w->d->now);
	if (p->ssthresh)
		w->d->tcb->loss.ssthresh = p->ssthresh * MSS;
	output(w);
	uint64_t steps = 0;
	while (seq_len(w->d->base, w->d->tcb->snd_una) < segs * MSS) {
		struct drv *d = w->d;
		ol_time timer = tcp_loss_deadline(d->tcb, NULL);
		ol_time next = MIN(timer, w->n_ev ? w->heap[0].at : OL_NEVER);
		if (w->owes)
			next = MIN(next, w->ack_at);
		next = MIN(next, w->write_at);
		ok(next != OL_NEVER);		/* something outstanding, and nothing will ever happen */
		d->now = MAX(d->now, next);
		ok(d->now - w->start < 3600 * OL_SEC);
		if (steps++ % 64 == 0)
			tcp_loss_check(d->tcb);
		if (w->p.watch && w->p.watch(w))
			return (double)(d->now - w->start) / 1e9;
		if (w->write_at <= d->now) {
			d->queued += MIN(MSS, segs * MSS - d->queued);
			w->write_at = d->queued == segs * MSS ? OL_NEVER : d->now + OL_SEC / w->p.app_rate;
			output(w);
		} else if (w->owes && w->ack_at <= d->now) {
			send_ack(w);
		} else if (w->n_ev && w->heap[0].at <= d->now) {
			struct ev e = pop(w);
			if (!e.is_ack) {
				receive(w, e.seg, e.tsval);
				continue;
			}
			e.ack.echo_ago = (int)(drv_tsval(d) - e.tsval);
			struct tcp_sack_block b[4];
			struct tcp_ack_event ev = { .ack = drv_abs(d, e.ack.ack), .prior_una = d->tcb->snd_una,
						    .sack = b, .ts_rtt_ns = -1, .new_ready = drv_unsent(d) != 0 };
			if (seq_lt(ev.ack, seq_sub(d->tcb->snd_una, 1u << 20)))
				continue;
			for (; d->tcb->sack_ok && ev.n_sack < 4 && e.ack.sack[2 * ev.n_sack]; ev.n_sack++)
				b[ev.n_sack] = (struct tcp_sack_block){ drv_abs(d, e.ack.sack[2 * ev.n_sack]),
									drv_abs(d, e.ack.sack[2 * ev.n_sack + 1]) };
			if (d->tcb->ts_ok) {
				ev.has_ts = true;
				ev.tsecr = e.tsval;
				ev.ts_rtt_ns = e.ack.echo_ago * OL_MS;
			}
			d->tcb->snd_una = seq_max(d->tcb->snd_una, ev.ack);
			tcp_loss_ack(d->tcb, &ev, d->now);
			output(w);
		} else {
			tcp_loss_expire(d->tcb, drv_unsent(d) != 0, d->now);
			output(w);
			ok(tcp_loss_deadline(d->tcb, NULL) > d->now);
		}
	}
	w->done = w->d->now;
	tcp_loss_check(w->d->tcb);
	eq(w->d->tcb->loss.sb.n, 0);
	return (double)(w->done - w->start) / 1e9;
}

static inline void end(struct world *w)
{
	drv_free(w->d);
	free(w->heap);
	free(w->got);
}

#endif
