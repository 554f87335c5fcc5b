/*
 * A memory wire: an Ethernet segment of any number of ports, or a point-to-point link for bare IP or the bytes of a serial
 * line.  Two ports are a cable; with more it is a learning bridge as IEEE 802.1D 7.8 describes, without spanning tree:
 * addresses learned from senders, in a table of fixed size that forgets the oldest; groups and unknown addresses are flooded.
 * The faults are lane.c's.
 * Nothing here asks a clock or does I/O.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "driver/wire_int.h"

enum { MAC_WAYS = 4, DEFAULT_MACS = 1024, MAX_MACS = 1 << 20, MTU_DEFAULT = 1500, MTU_MAX = 65535 };
#define MAC_AGE (300 * OL_SEC)			/* 802.1D table 7-5: ageing time */
#define DEFAULT_MAX_BYTES ((size_t)64 << 20)

/* ---- making and taking apart -------------------------------------------------------------------------------------- */
static bool macs_init(struct ol_wire *w, unsigned macs)
{
	size_t want = macs ? MIN(macs, (unsigned)MAX_MACS) : DEFAULT_MACS;
	for (w->mac_sets = 1; w->mac_sets * MAC_WAYS < want; )
		w->mac_sets *= 2;
	w->mac = calloc(w->mac_sets * MAC_WAYS, sizeof *w->mac);
	return w->mac != NULL;
}

struct ol_wire *ol_wire_new(const struct ol_wire_config *cfg)
{
	bool ether = cfg->link == OL_LINK_ETHER, serial = ol_link_is_serial(cfg->link);
	if ((!ether && ((cfg->link != OL_LINK_IP && !serial) || cfg->ports > 2)) || cfg->ports > OL_WIRE_MAX_PORTS || cfg->mtu > MTU_MAX)
		return NULL;
	struct ol_wire *w = calloc(1, sizeof *w);
	if (!w)
		return NULL;
	w->link = cfg->link;
	w->strict = cfg->strict || serial;		/* there is nobody on a line who could sum */
	w->mtu = cfg->mtu ? cfg->mtu : MTU_DEFAULT;
	w->max_bytes = cfg->max_bytes ? cfg->max_bytes : DEFAULT_MAX_BYTES;
	w->seed = cfg->seed;
	uint64_t key = cfg->seed;
	w->mac_key = chance_u64(&key);
	w->now = INT64_MIN;
	w->port = calloc(OL_WIRE_MAX_PORTS, sizeof(struct port *));
	bool good = w->port && macs_init(w, cfg->macs);
	for (unsigned i = 0; good && i < cfg->ports; i++)
		good = ol_wire_port_add(w) == (int)i;
	if (good)
		return w;
	ol_wire_free(w);
	return NULL;
}

static struct ready ready_take(struct ol_wire *w)
{
	struct ready r = w->ready.r[w->ready.head];
	w->ready.head = (w->ready.head + 1) & (w->ready.cap - 1);
	w->ready.count--;
	return r;
}

void ol_wire_free(struct ol_wire *w)
{
	if (!w)
		return;
	for (unsigned i = 0; i < w->n_ports; i++) {
		for (int d = 0; d < 2; d++)
			ol_pktq_purge(&w->port[i]->lane[d].queue);
		free(w->port[i]);
	}
	while (w->ready.count)
		ol_pkt_free(ready_take(w).pkt);
	free(w->ready.r);
	events_fini(&w->events);
	free(w->mac);
	free(w->port);
	free(w);
}

uint8_t ol_wire_features(const struct ol_wire *w)
{
	return w->strict ? 0 : OL_IF_CSUM | OL_IF_TSO4 | OL_IF_TSO6;
}

static bool has_port(const struct ol_wire *w, int port)
{
	return port >= 0 && (unsigned)port < w->n_ports && w->port[port]->used;
}

int ol_wire_port_add(struct ol_wire *w)
{
	if (w->link != OL_LINK_ETHER && w->n_used == 2)
		return -EINVAL;
	unsigned i = 0;
	while (i < w->n_ports && w->port[i]->used)
		i++;
	if (i == OL_WIRE_MAX_PORTS)
		return -ENOSPC;
	if (i == w->n_ports) {
		w->port[i] = calloc(1, sizeof *w->port[i]);
		if (!w->port[i])
			return -ENOMEM;
		w->n_ports++;
	}
	w->port[i]->used = true;
	w->n_used++;
	lane_init(w, i, OL_WIRE_IN);
	lane_init(w, i, OL_WIRE_OUT);
	return (int)i;
}

/* What is under way on this port's lanes is gone; the rest keeps its order, since events keep their numbers' order. */
static void forget_events(struct ol_wire *w, unsigned port)
{
	struct events old = w->events;
	w->events = (struct events){ .cap = 0 };
	while (old.count) {
		struct event ev = events_take(&old);
		if (ev.port == port || !events_put(&w->events, ev))
			ol_pkt_free(ev.pkt);
	}
	events_fini(&old);
}

void ol_wire_port_del(struct ol_wire *w, unsigned port)
{
	if (!has_port(w, (int)port))
		return;
	forget_events(w, port);
	for (size_t n = w->ready.count; n > 0; n--) {
		struct ready r = ready_take(w);
		if (r.port == port)
			ol_pkt_free(r.pkt);
		else
			w->ready.r[(w->ready.head + w->ready.count++) & (w->ready.cap - 1)] = r;
	}
	for (int d = 0; d < 2; d++)
		ol_pktq_purge(&w->port[port]->lane[d].queue);
	for (size_t i = 0; i < w->mac_sets * MAC_WAYS; i++)
		if (w->mac[i].port == port)
			w->mac[i].used = false;
	w->port[port]->used = false;
	w->n_used--;
}

/* ---- the switch --------------------------------------------------------------------------------------------------- */
static struct mac_entry *mac_set(struct ol_wire *w, const uint8_t *mac)
{
	uint64_t h = w->mac_key ^ ((uint64_t)get32(mac) << 16 | get16(mac + 4));
	return &w->mac[(chance_u64(&h) & (w->mac_sets - 1)) * MAC_WAYS];
}

static void learn(struct ol_wire *w, const uint8_t *mac, unsigned port, ol_time at)
{
	struct mac_entry *set = mac_set(w, mac), *best = set;
	for (unsigned i = 0; i < MAC_WAYS; i++) {
		struct mac_entry *e = &set[i];
		if (e->used && memcmp(e->mac, mac, sizeof e->mac) == 0) {
			best = e;
			break;
		}
		if (best->used && (!e->used || e->seen < best->seen))
			best = e;
	}
	*best = (struct mac_entry){ .port = (uint16_t)port, .seen = at, .used = true };
	memcpy(best->mac, mac, sizeof best->mac);
}

static int lookup(struct ol_wire *w, const uint8_t *mac, ol_time at)
{
	struct mac_entry *set = mac_set(w, mac);
	for (unsigned i = 0; i < MAC_WAYS; i++)
		if (set[i].used && at - set[i].seen < MAC_AGE && memcmp(set[i].mac, mac, sizeof set[i].mac) == 0)
			return set[i].port;
	return -1;
}

/* A copy for each port but the one it came from; the last gets the frame itself. */
static void flood(struct ol_wire *w, unsigned from, struct ol_pkt *pkt, ol_time at)
{
	int waiting = -1;
	for (unsigned i = 0; i < w->n_ports; i++) {
		if (i == from || !w->port[i]->used)
			continue;
		if (waiting >= 0) {
			struct ol_pkt *copy = ol_pkt_copy(pkt->pool, pkt);
			if (copy)
				lane_enter(w, (unsigned)waiting, OL_WIRE_OUT, copy, at);
			else
				wire_lane(w, (unsigned)waiting, OL_WIRE_OUT)->stats.befell[__builtin_ctz(OL_WIRE_MEMORY)]++;
		}
		waiting = (int)i;
	}
	if (waiting >= 0)
		lane_enter(w, (unsigned)waiting, OL_WIRE_OUT, pkt, at);
	else
		ol_pkt_free(pkt);		/* nobody is plugged in */
}

static void forward(struct ol_wire *w, unsigned from, struct ol_pkt *pkt, ol_time at)
{
	if (w->link != OL_LINK_ETHER || w->n_used <= 2) {
		flood(w, from, pkt, at);	/* a cable: the other end */
		return;
	}
	const uint8_t *dst = pkt->data, *src = pkt->data + 6;
	learn(w, src, from, at);
	int to = dst[0] & 1 ? -1 : lookup(w, dst, at);
	if (to < 0 || !has_port(w, to))
		flood(w, from, pkt, at);
	else if ((unsigned)to == from)
		ol_pkt_free(pkt);		/* 802.1D 7.7.1: never back to where it came from */
	else
		lane_enter(w, (unsigned)to, OL_WIRE_OUT, pkt, at);
}

/* ---- arriving ----------------------------------------------------------------------------------------------------- */
static bool ready_room(struct ol_wire *w)
{
	if (w->ready.count < w->ready.cap)
		return true;
	size_t cap = w->ready.cap ? 2 * w->ready.cap : 64;
	struct ready *r = malloc(cap * sizeof *r);
	if (!r)
		return false;
	for (size_t i = 0; i < w->ready.count; i++)
		r[i] = w->ready.r[(w->ready.head + i) & (w->ready.cap - 1)];
	free(w->ready.r);
	w->ready.r = r;
	w->ready.cap = cap;
	w->ready.head = 0;
	return true;
}

void wire_leave(struct ol_wire *w, unsigned port, enum ol_wire_dir dir, struct ol_pkt *pkt, ol_time at)
{
	struct lane *l = wire_lane(w, port, dir);
	if (dir == OL_WIRE_IN) {
		forward(w, port, pkt, at);
		return;
	}
	if (l->held + pkt->cap > w->max_bytes || !ready_room(w)) {	/* the host does not fetch */
		lane_lose(w, port, dir, pkt, OL_WIRE_MEMORY, false, at);
		return;
	}
	l->held += pkt->cap;
	pkt->time = at;
	pkt->mark = 0;
	w->ready.r[(w->ready.head + w->ready.count++) & (w->ready.cap - 1)] = (struct ready){ pkt, (uint16_t)port };
}

void wire_show(struct ol_wire *w, const struct ol_wire_seen *seen)
{
	if (w->observer)
		w->observer(w->observer_ctx, seen);
}

static void pump(struct ol_wire *w, ol_time now)
{
	w->now = MAX(w->now, now);
	while (w->events.count && w->events.e[0].at <= now) {
		struct event ev = events_take(&w->events);
		lane_event(w, &ev);
	}
}

/* ---- what programs call ------------------------------------------------------------------------------------------- */
unsigned ol_wire_send(struct ol_wire *w, unsigned port, struct ol_pkt *pkt, ol_time now)
{
	pump(w, now);
	if (!has_port(w, (int)port)) {
		ol_pkt_free(pkt);
		return OL_WIRE_BAD;
	}
	pkt->link = w->link;
	bool short_frame = w->link == OL_LINK_ETHER ? pkt->len < ETH_HLEN_ || pkt->data[6] & 1 : pkt->len == 0;
	if (short_frame || (pkt->csum == OL_CSUM_PARTIAL && (size_t)pkt->csum_start + pkt->csum_offset + 2 > pkt->len)) {
		lane_lose(w, port, OL_WIRE_IN, pkt, OL_WIRE_BAD, false, now);
		return OL_WIRE_BAD;
	}
	return lane_enter(w, port, OL_WIRE_IN, pkt, now);
}

ol_time ol_wire_deadline(const struct ol_wire *w)
{
	if (w->ready.count)
		return w->ready.r[w->ready.head].pkt->time;
	return w->events.count ? w->events.e[0].at : OL_NEVER;
}

struct ol_pkt *ol_wire_receive(struct ol_wire *w, ol_time now, unsigned *port)
{
	pump(w, now);
	if (!w->ready.count)
		return NULL;
	struct ready r = ready_take(w);
	wire_lane(w, r.port, OL_WIRE_OUT)->held -= r.pkt->cap;
	wire_show(w, &(struct ol_wire_seen){ .port = r.port, .dir = OL_WIRE_OUT, .time = r.pkt->time, .pkt = r.pkt });
	r.pkt->note = (struct ol_note){ .sock = -1 };
	*port = r.port;
	return r.pkt;
}

int ol_wire_set_faults(struct ol_wire *w, int port, enum ol_wire_dir dir, const struct ol_faults *f, ol_time now)
{
	if (port != OL_WIRE_ALL_PORTS && !has_port(w, port))
		return -EINVAL;
	pump(w, now);
	if (port == OL_WIRE_ALL_PORTS)
		w->all[dir] = *f;
	for (unsigned i = 0; i < w->n_ports; i++)
		if (w->port[i]->used && (port == OL_WIRE_ALL_PORTS || (unsigned)port == i))
			lane_set_faults(w, i, dir, f, now);
	return 0;
}

int ol_wire_get_faults(const struct ol_wire *w, int port, enum ol_wire_dir dir, struct ol_faults *f)
{
	if (port != OL_WIRE_ALL_PORTS && !has_port(w, port))
		return -EINVAL;
	*f = port == OL_WIRE_ALL_PORTS ? w->all[dir] : w->port[port]->lane[dir].f;
	return 0;
}

int ol_wire_get_stats(const struct ol_wire *w, unsigned port, enum ol_wire_dir dir, struct ol_wire_stats *s)
{
	if (!has_port(w, (int)port))
		return -EINVAL;
	const struct lane *l = &w->port[port]->lane[dir];
	*s = l->stats;
	s->held_bytes = l->held;
	s->queued = l->queue.count + l->sending;
	return 0;
}

void ol_wire_observe(struct ol_wire *w, ol_wire_observer *fn, void *ctx)
{
	w->observer = fn;
	w->observer_ctx = ctx;
}
