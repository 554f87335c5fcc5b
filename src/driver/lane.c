/*
 * One direction of a port: what can happen to a frame between a host and the wire.  In the order of a real line:
 *
 *	cut? -> chances drawn -> queue (drop-tail, CoDel) -> transmitter (rate) -> lost? damaged? -> delay, jitter, late -> twice?
 *
 * So a frame that is going to be lost still takes its time of the line, and its fate is known when it enters (all but CoDel's),
 * which lets a capture of the sender say what became of the frame.
 * Always: each frame inside is counted in `held`, and is in the queue or in exactly one event.
 */
#include <string.h>
#include "driver/wire_int.h"

enum { DEFAULT_QUEUE_PACKETS = 1000 };
#define CODEL_TARGET (5 * OL_MS)
#define CODEL_INTERVAL (100 * OL_MS)

void lane_init(struct ol_wire *w, unsigned port, enum ol_wire_dir dir)
{
	struct lane *l = wire_lane(w, port, dir);
	*l = (struct lane){ .f = w->all[dir] };
	uint64_t seed = w->seed ^ ((uint64_t)port << 8 | (uint64_t)dir) * UINT64_C(0xd1342543de82ef95);
	for (unsigned i = 0; i < CHANCES; i++)
		l->chance[i] = chance_u64(&seed);
	ol_pktq_init(&l->queue);
	lane_set_faults(w, port, dir, &w->all[dir], w->now);
}

/* ---- leaving ------------------------------------------------------------------------------------------------------ */
static void leave(struct ol_wire *w, unsigned port, enum ol_wire_dir dir, struct ol_pkt *pkt, ol_time at)
{
	struct lane *l = wire_lane(w, port, dir);
	l->held -= pkt->cap;
	if (l->f.cut)
		lane_lose(w, port, dir, pkt, OL_WIRE_CUT, true, at);
	else
		wire_leave(w, port, dir, pkt, at);
}

void lane_lose(struct ol_wire *w, unsigned port, enum ol_wire_dir dir, struct ol_pkt *pkt, unsigned why, bool late, ol_time now)
{
	struct lane *l = wire_lane(w, port, dir);
	for (unsigned i = 0; i < OL_WIRE_FAULTS; i++)
		l->stats.befell[i] += why >> i & 1;
	wire_show(w, &(struct ol_wire_seen){ .port = port, .dir = dir, .late = late, .befell = why, .time = now, .pkt = pkt });
	ol_pkt_free(pkt);
}

/* ---- the line: damage and time ------------------------------------------------------------------------------------ */
static void corrupt(struct lane *l, struct ol_pkt *pkt)
{
	uint64_t bit = chance_below(&l->chance[CHANCE_CORRUPT_AT], (uint64_t)pkt->len * 8);
	ol_pkt_finish_csum(pkt);		/* the sender's card is through with it */
	pkt->csum = OL_CSUM_NONE;
	pkt->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

/* On a serial line bytes are lost, not frames: some of this one do not arrive, and its receiver can tell. */
static void lose_bytes(struct lane *l, struct ol_pkt *pkt)
{
	uint64_t *chance = &l->chance[CHANCE_LOSS_AT];
	uint32_t at = (uint32_t)chance_below(chance, pkt->len), n = 1 + (uint32_t)chance_below(chance, pkt->len - at);
	memmove(pkt->data + at, pkt->data + at + n, pkt->len - at - n);
	ol_pkt_trim(pkt, pkt->len - n);
}

static ol_time arrival(struct lane *l, unsigned befell, ol_time now)
{
	ol_time at = now + l->f.delay_ns;
	uint64_t draw = chance_below(&l->chance[CHANCE_JITTER], 2 * (uint64_t)l->f.jitter_ns + 1);
	at = MAX(at + (ol_time)draw - l->f.jitter_ns, now);
	if (befell & OL_WIRE_REORDER)
		return at + l->f.reorder_ns;
	if (!l->f.unordered)
		at = MAX(at, l->last_arrival);
	l->last_arrival = MAX(at, l->last_arrival);
	return at;
}

static void arrive_at(struct ol_wire *w, unsigned port, enum ol_wire_dir dir, struct ol_pkt *pkt, ol_time at, ol_time now)
{
	struct event ev = { .at = at, .pkt = pkt, .port = (uint16_t)port, .dir = (uint8_t)dir, .kind = EV_ARRIVE };
	if (at <= now) {
		leave(w, port, dir, pkt, now);
	} else if (!events_put(&w->events, ev)) {
		wire_lane(w, port, dir)->held -= pkt->cap;
		lane_lose(w, port, dir, pkt, OL_WIRE_MEMORY, true, now);
	}
}

/* The frame's last bit has left the transmitter; pkt->mark says what befalls it from here on. */
static void on_line(struct ol_wire *w, unsigned port, enum ol_wire_dir dir, struct ol_pkt *pkt, ol_time now)
{
	struct lane *l = wire_lane(w, port, dir);
	unsigned befell = pkt->mark;
	if (befell & OL_WIRE_LOST && ol_link_is_serial(w->link))
		lose_bytes(l, pkt);
	if (befell & OL_WIRE_LOST && (!ol_link_is_serial(w->link) || !pkt->len)) {
		l->held -= pkt->cap;
		ol_pkt_free(pkt);		/* counted and shown when it entered */
		return;
	}
	if (befell & OL_WIRE_CORRUPT)
		corrupt(l, pkt);
	ol_time at = arrival(l, befell, now);
	struct ol_pkt *twin = befell & OL_WIRE_DUP ? ol_pkt_copy(pkt->pool, pkt) : NULL;
	if (twin)
		l->held += twin->cap;
	arrive_at(w, port, dir, pkt, at, now);
	if (twin)
		arrive_at(w, port, dir, twin, at, now);
}

/* ---- the transmitter ---------------------------------------------------------------------------------------------- */
/* The next frame that the queue's discipline lets through. */
static struct ol_pkt *dequeue(struct ol_wire *w, unsigned port, enum ol_wire_dir dir, ol_time now)
{
	struct lane *l = wire_lane(w, port, dir);
	bool own = l->f.codel_target_ns && l->f.codel_interval_ns;
	struct codel_params p = { own ? l->f.codel_target_ns : CODEL_TARGET, own ? l->f.codel_interval_ns : CODEL_INTERVAL,
				  wire_frame_max(w) };
	for (struct ol_pkt *pkt; (pkt = ol_pktq_get(&l->queue)); ) {
		if (!l->f.codel || !codel_drop(&l->codel, &p, now - pkt->time, l->queue.bytes, now))
			return pkt;
		l->held -= pkt->cap;
		if (pkt->mark & OL_WIRE_LOST) {	/* chance was first */
			ol_pkt_free(pkt);
			continue;
		}
		for (unsigned i = 0; pkt->mark >> i; i++)	/* it will be neither late nor repeated nor damaged */
			l->stats.befell[i] -= pkt->mark >> i & 1;
		lane_lose(w, port, dir, pkt, OL_WIRE_CODEL, true, now);
	}
	return NULL;
}

static void transmit(struct ol_wire *w, unsigned port, enum ol_wire_dir dir, ol_time now)
{
	struct lane *l = wire_lane(w, port, dir);
	while (!l->sending) {
		struct ol_pkt *pkt = dequeue(w, port, dir, now);
		if (!pkt)
			return;
		if (!l->f.rate_bps) {
			on_line(w, port, dir, pkt, now);
			continue;
		}
		ol_time takes = (ol_time)((uint64_t)pkt->len * 8 * (uint64_t)OL_SEC / l->f.rate_bps);
		struct event ev = { .at = now + takes, .pkt = pkt, .port = (uint16_t)port, .dir = (uint8_t)dir, .kind = EV_SENT };
		l->sending = events_put(&w->events, ev);
		if (!l->sending) {
			l->held -= pkt->cap;
			lane_lose(w, port, dir, pkt, OL_WIRE_MEMORY, true, now);
		}
	}
}

void lane_event(struct ol_wire *w, const struct event *ev)
{
	if (ev->kind == EV_ARRIVE) {
		leave(w, ev->port, ev->dir, ev->pkt, ev->at);
		return;
	}
	wire_lane(w, ev->port, ev->dir)->sending = false;
	on_line(w, ev->port, ev->dir, ev->pkt, ev->at);
	transmit(w, ev->port, ev->dir, ev->at);
}

/* ---- entering ----------------------------------------------------------------------------------------------------- */
/* What chance has in store for the next packet.  A lost one is nothing but lost. */
static unsigned draw(struct lane *l)
{
	const struct ol_faults *f = &l->f;
	uint64_t *c = l->chance;
	bool turn = chance_ppb(&c[CHANCE_BURST_STATE], l->burst_bad ? f->burst.stop_ppb : f->burst.start_ppb);
	if (turn)
		l->burst_bad = !l->burst_bad;
	bool burst = chance_ppb(&c[CHANCE_BURST_LOSS], l->burst_bad ? f->burst.bad_ppb : f->burst.good_ppb);
	bool loss = chance_ppb(&c[CHANCE_LOSS], f->loss_ppb);
	bool damage = chance_ppb(&c[CHANCE_CORRUPT], f->corrupt_ppb);
	bool dup = chance_ppb(&c[CHANCE_DUP], f->dup_ppb);
	bool late = chance_ppb(&c[CHANCE_REORDER], f->reorder_ppb);
	if (loss || burst)
		return loss ? OL_WIRE_LOSS : OL_WIRE_BURST;
	return (damage ? OL_WIRE_CORRUPT : 0u) | (dup ? OL_WIRE_DUP : 0u) | (late ? OL_WIRE_REORDER : 0u);
}

static bool queue_full(const struct lane *l, const struct ol_pkt *pkt)
{
	uint32_t packets = l->f.queue_packets ? l->f.queue_packets : l->f.queue_bytes ? UINT32_MAX : DEFAULT_QUEUE_PACKETS;
	if (!l->sending && !l->queue.count)
		return false;			/* it goes straight to the transmitter */
	return l->queue.count >= packets || (l->f.queue_bytes && l->queue.bytes + pkt->len > l->f.queue_bytes);
}

/* Why the frame does not even get into the queue; 0: it does. */
static unsigned refused(const struct ol_wire *w, const struct lane *l, const struct ol_pkt *pkt)
{
	if (l->f.cut)
		return OL_WIRE_CUT;
	if (pkt->gso == OL_GSO_NONE && pkt->len > wire_frame_max(w))
		return OL_WIRE_TOO_LONG;
	if (l->held + pkt->cap > w->max_bytes)
		return OL_WIRE_MEMORY;
	if (l->f.rate_bps && queue_full(l, pkt))
		return OL_WIRE_QUEUE;
	return 0;
}

static unsigned enter_one(struct ol_wire *w, unsigned port, enum ol_wire_dir dir, struct ol_pkt *pkt, ol_time now)
{
	struct lane *l = wire_lane(w, port, dir);
	l->stats.frames++;
	l->stats.bytes += pkt->len;
	if (w->strict && dir == OL_WIRE_IN) {
		ol_pkt_finish_csum(pkt);
		pkt->csum = OL_CSUM_NONE;
	}
	unsigned chance = l->plain ? 0 : draw(l);
	unsigned no = refused(w, l, pkt);
	if (no) {
		lane_lose(w, port, dir, pkt, no, false, now);
		return no;
	}
	for (unsigned i = 0; chance >> i; i++)
		l->stats.befell[i] += chance >> i & 1;
	if (dir == OL_WIRE_IN || chance & OL_WIRE_LOST)
		wire_show(w, &(struct ol_wire_seen){ .port = port, .dir = dir, .befell = chance, .time = now, .pkt = pkt });
	l->held += pkt->cap;
	pkt->mark = (uint8_t)chance;
	pkt->time = now;
	if (!l->f.rate_bps && !l->sending) {
		on_line(w, port, dir, pkt, now);
	} else {
		ol_pktq_put(&l->queue, pkt);
		transmit(w, port, dir, now);
	}
	return chance;
}

/* Faults that strike single packets need single packets. */
static bool strikes_packets(const struct ol_faults *f)
{
	return f->loss_ppb || f->burst.start_ppb || f->burst.good_ppb || f->corrupt_ppb || f->dup_ppb || f->reorder_ppb ||
	       f->jitter_ns || f->rate_bps;
}

unsigned lane_enter(struct ol_wire *w, unsigned port, enum ol_wire_dir dir, struct ol_pkt *pkt, ol_time now)
{
	struct lane *l = wire_lane(w, port, dir);
	struct driver_tcp h;
	if (pkt->gso == OL_GSO_NONE || !(w->strict || strikes_packets(&l->f)))
		return enter_one(w, port, dir, pkt, now);
	if (!driver_tcp_find(pkt, &h) || !pkt->gso_size) {
		lane_lose(w, port, dir, pkt, OL_WIRE_BAD, false, now);
		return OL_WIRE_BAD;
	}
	struct ol_pktq pieces;
	ol_pktq_init(&pieces);
	if (!ol_pkt_segment(pkt, &pieces)) {		/* gone, so there is nothing to show */
		l->stats.befell[__builtin_ctz(OL_WIRE_MEMORY)]++;
		return OL_WIRE_MEMORY;
	}
	unsigned befell = 0;
	for (struct ol_pkt *p; (p = ol_pktq_get(&pieces)); )
		befell |= enter_one(w, port, dir, p, now);
	return befell;
}

void lane_set_faults(struct ol_wire *w, unsigned port, enum ol_wire_dir dir, const struct ol_faults *f, ol_time now)
{
	struct lane *l = wire_lane(w, port, dir);
	l->f = *f;
	ol_faults_clamp(&l->f);
	l->plain = !l->f.cut && !l->f.delay_ns && !strikes_packets(&l->f);
	if (!l->f.burst.start_ppb)
		l->burst_bad = false;
	if (!l->f.codel)
		l->codel = (struct codel){ 0 };
	transmit(w, port, dir, now);
}
