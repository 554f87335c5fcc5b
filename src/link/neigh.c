/*
 * The neighbour cache of both families: RFC 4861 5.1, 7.2, 7.3 for IPv6, and the same machine for ARP, which meets
 * RFC 1122 2.3.2.1 (entries are polled by unicast and thrown away when silent; at most one request a second) and
 * 2.3.2.2.
 *
 *	 output                answer                 time           output          5 s          3 unanswered
 *	--------> INCOMPLETE ----------> REACHABLE ----------> STALE -------> DELAY ------> PROBE ------> gone
 *	             |  ^                     ^                                 | answer, or a transport's word
 *	             '--' 3 times, 1 s apart  '---------------------------------'--------- from PROBE too
 *
 * What always holds: a timer is armed in INCOMPLETE, DELAY and PROBE and in no other state; only INCOMPLETE has packets
 * waiting; dynamic entries are at most neigh_max (the longest unused goes), waiting packets at most neigh_queue and
 * neigh_queue_total (the oldest goes, RFC 4861 7.2.2).  Static entries are the administrator's: never moved, never
 * counted.
 */
#include "link/link_int.h"
#include "base/check.h"
#include "base/timer_kind.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BUCKETS = 16 };

bool neigh_init(struct link *l)
{
	struct rng r;
	l->key = sipkey_derive(l->cfg.seed, "neighbours");
	rng_init(&r, l->key.k0);
	l->reachable_ns = (ol_time)((double)l->cfg.base_reachable_ns * (0.5 + rng_unit(&r)));
	list_init(&l->lru);
	list_init(&l->statics);
	l->n_bucket = FIRST_BUCKETS;
	l->bucket = calloc(l->n_bucket, sizeof *l->bucket);
	return l->bucket;
}

static uint32_t hash_of(const struct link *l, int ifi, const struct ol_addr *a)
{
	struct { uint8_t b[16]; int32_t ifi; uint32_t ver; } k = { .ifi = ifi, .ver = a->ver };
	memcpy(k.b, a->b, sizeof k.b);
	return (uint32_t)siphash(l->key, &k, sizeof k);
}

static bool same(const struct neigh *n, int ifi, const struct ol_addr *a)
{
	return n->ifi == ifi && n->addr.ver == a->ver && !memcmp(n->addr.b, a->b, sizeof a->b);
}

static struct neigh *find(const struct link *l, int ifi, const struct ol_addr *a)
{
	struct neigh *n = l->bucket[hash_of(l, ifi, a) & (l->n_bucket - 1)];
	while (n && !same(n, ifi, a))
		n = n->hash_next;
	return n;
}

static void hash_put(struct link *l, struct neigh *n)
{
	struct neigh **b = &l->bucket[hash_of(l, n->ifi, &n->addr) & (l->n_bucket - 1)];
	n->hash_next = *b;
	*b = n;
}

/* Doubling needs memory; without it the chains grow longer and nothing else happens. */
static void grow(struct link *l)
{
	uint32_t was = l->n_bucket;
	struct neigh **old = l->bucket, **now = calloc(was * 2, sizeof *now);
	if (!now)
		return;
	l->bucket = now;
	l->n_bucket = was * 2;
	for (uint32_t i = 0; i < was; i++)
		for (struct neigh *n = old[i], *next; n; n = next) {
			next = n->hash_next;
			hash_put(l, n);
		}
	free(old);
}

static void purge_queue(struct link *l, struct neigh *n)
{
	l->waiting -= n->q.count;
	ol_pktq_purge(&n->q);
}

static void destroy(struct link *l, struct neigh *n)
{
	struct neigh **b = &l->bucket[hash_of(l, n->ifi, &n->addr) & (l->n_bucket - 1)];
	while (*b != n)
		b = &(*b)->hash_next;
	*b = n->hash_next;
	if (link_iface_int(l, n->ifi)->last == n)
		link_iface_int(l, n->ifi)->last = NULL;
	purge_queue(l, n);
	timer_stop(l->wheel, &n->timer);
	list_del(&n->lru);
	*(n->state == NEIGH_STATIC ? &l->n_static : &l->n_neigh) -= 1;
	free(n);
}

void neigh_fini(struct link *l)
{
	for (struct list *n; (n = list_first(&l->lru)); )
		destroy(l, list_of(n, struct neigh, lru));
	for (struct list *n; (n = list_first(&l->statics)); )
		destroy(l, list_of(n, struct neigh, lru));
	free(l->bucket);
}

void neigh_flush(struct link *l, int ifi)
{
	list_for_safe(p, &l->lru) {
		struct neigh *n = list_of(p, struct neigh, lru);
		if (n->ifi == ifi) {
			l->count[OL_DROP_LINK_DOWN] += n->q.count;
			destroy(l, n);
		}
	}
}

static void reclaim(struct link *l)
{
	struct neigh *n = list_of(l->lru.prev, struct neigh, lru);
	l->count[OL_DROP_NEIGH_QUEUE_FULL] += n->q.count;
	destroy(l, n);
}

static struct neigh *make(struct link *l, int ifi, const struct ol_addr *a, enum neigh_state state)
{
	bool dynamic = state != NEIGH_STATIC;
	if (dynamic && l->n_neigh && l->n_neigh >= l->cfg.neigh_max)
		reclaim(l);
	struct neigh *n = calloc(1, sizeof *n);
	if (!n)
		return NULL;
	n->ifi = ifi;
	n->addr = *a;
	n->state = state;
	timer_init(&n->timer, TIMER_LINK);
	ol_pktq_init(&n->q);
	list_init(&n->lru);
	list_push(dynamic ? &l->lru : &l->statics, &n->lru);
	*(dynamic ? &l->n_neigh : &l->n_static) += 1;
	if (l->n_neigh + l->n_static > l->n_bucket)
		grow(l);
	hash_put(l, n);
	return n;
}

static void touch(struct link *l, struct neigh *n)
{
	if (n->state == NEIGH_STATIC || l->lru.next == &n->lru)
		return;
	list_del(&n->lru);
	list_push(&l->lru, &n->lru);
}

static enum neigh_state state_now(const struct link *l, const struct neigh *n, ol_time now)
{
	if (n->state != NEIGH_REACHABLE)
		return n->state;
	ol_time said = n->addr.ver == 6 ? link_iface_int(l, n->ifi)->reachable6_ns : 0;
	return now >= n->confirmed + (said ? said : l->reachable_ns) ? NEIGH_STALE : NEIGH_REACHABLE;
}

/* ---- sending ------------------------------------------------------------------------------------------- */

static void solicit(struct link *l, struct neigh *n, ol_time now)
{
	n->probes++;
	ol_time said = n->addr.ver == 6 ? link_iface_int(l, n->ifi)->retrans6_ns : 0;
	timer_arm(l->wheel, &n->timer, now + (said ? said : l->cfg.retrans_ns));
	if (l->user.solicit) {
		struct ol_addr target = n->addr;
		struct ol_mac mac = n->mac;
		l->user.solicit(l->user.ctx, n->ifi, &target, n->state == NEIGH_PROBE ? &mac : NULL, n->q.head, now);
	}
}

/* The newest is worth more than the oldest: RFC 1122 2.3.2.2, RFC 4861 7.2.2. */
static void let_wait(struct link *l, struct neigh *n, struct ol_pkt *pkt)
{
	if (n->q.count && (n->q.count >= l->cfg.neigh_queue || l->waiting >= l->cfg.neigh_queue_total)) {
		link_drop(l, ol_pktq_get(&n->q), OL_DROP_NEIGH_QUEUE_FULL);
		l->waiting--;
	}
	ol_pktq_put(&n->q, pkt);
	l->waiting++;
}

enum ol_fate neigh_output(struct link *l, struct link_iface *ifc, const struct ol_addr *addr, struct ol_pkt *pkt,
			  ol_time now)
{
	struct neigh *n = ifc->last && same(ifc->last, ifc->pub.index, addr) ? ifc->last : find(l, ifc->pub.index, addr);
	bool fresh = !n;
	if (fresh) {
		if (l->waiting >= l->cfg.neigh_queue_total)
			return link_drop(l, pkt, OL_DROP_NEIGH_QUEUE_FULL);
		n = make(l, ifc->pub.index, addr, NEIGH_INCOMPLETE);
		if (!n)
			return link_drop(l, pkt, OL_DROP_NO_MEMORY);
	}
	ifc->last = n;
	touch(l, n);
	switch (state_now(l, n, now)) {
	case NEIGH_INCOMPLETE:
		let_wait(l, n, pkt);
		if (fresh)
			solicit(l, n, now);
		return OL_DONE;
	case NEIGH_STALE:			/* RFC 4861 7.3.3: the first packet sent starts the clock */
		n->state = NEIGH_DELAY;
		timer_arm(l->wheel, &n->timer, now + l->cfg.delay_probe_ns);
		break;
	default:
		break;
	}
	return link_xmit(l, ifc, pkt, &n->mac, link_type_of(pkt), now);
}

/* ---- news ---------------------------------------------------------------------------------------------- */

/* What waited goes out by the ordinary way, which also starts DELAY where the news was no confirmation. */
static void enter(struct link *l, struct neigh *n, enum neigh_state state, ol_time now)
{
	struct link_iface *ifc = link_iface_int(l, n->ifi);
	struct ol_pktq q;
	ol_pktq_init(&q);
	for (struct ol_pkt *pkt; (pkt = ol_pktq_get(&n->q)); l->waiting--)
		ol_pktq_put(&q, pkt);
	n->state = state;
	n->probes = 0;
	if (q.count)
		n->found = now;
	if (state == NEIGH_REACHABLE)
		n->confirmed = now;
	timer_stop(l->wheel, &n->timer);
	struct ol_addr addr = n->addr;
	for (struct ol_pkt *pkt; (pkt = ol_pktq_get(&q)); )
		neigh_output(l, ifc, &addr, pkt, now);
}

static bool mac_possible(const struct ol_mac *mac) { return !mac_is_group(mac) && !mac_is_zero(mac); }

void neigh_learn(struct link *l, int ifi, const struct ol_addr *addr, const struct ol_mac *mac, bool create,
		 ol_time now)
{
	struct neigh *n = find(l, ifi, addr);
	if (!mac_possible(mac) || !link_iface_int(l, ifi) || (n && n->state == NEIGH_STATIC))
		return;
	if (!n) {
		n = create ? make(l, ifi, addr, NEIGH_STALE) : NULL;
		if (n)
			n->mac = *mac;
	} else if (n->state == NEIGH_INCOMPLETE || !mac_eq(&n->mac, mac)) {
		n->mac = *mac;
		enter(l, n, NEIGH_STALE, now);
	}
}

/* RFC 4861 7.2.5, case by case. */
bool neigh_advert(struct link *l, int ifi, const struct ol_addr *addr, const struct ol_mac *mac, bool solicited,
		  bool override, ol_time now)
{
	struct neigh *n = find(l, ifi, addr);
	if (!n || n->state == NEIGH_STATIC || (mac && !mac_possible(mac)))
		return false;
	if (n->state == NEIGH_INCOMPLETE) {
		if (!mac)
			return false;
		n->mac = *mac;
		enter(l, n, solicited ? NEIGH_REACHABLE : NEIGH_STALE, now);
		return true;
	}
	bool differs = mac && !mac_eq(&n->mac, mac);
	if (differs && !override) {
		if (state_now(l, n, now) == NEIGH_REACHABLE)
			enter(l, n, NEIGH_STALE, now);
		return false;
	}
	if (differs)
		n->mac = *mac;
	if (solicited)
		enter(l, n, NEIGH_REACHABLE, now);
	else if (differs)
		enter(l, n, NEIGH_STALE, now);
	return true;
}

bool neigh_set_router(struct link *l, int ifi, const struct ol_addr *addr, bool router)
{
	struct neigh *n = find(l, ifi, addr);
	bool was = n && n->router;
	if (n)
		n->router = router;
	return was && !router;
}

void neigh_doubt(struct link *l, int ifi, const struct ol_addr *addr, ol_time now)
{
	struct neigh *n = find(l, ifi, addr);
	if (n && state_now(l, n, now) == NEIGH_REACHABLE)
		n->state = NEIGH_STALE;
}

void neigh_confirm(struct link *l, int ifi, const struct ol_addr *addr, ol_time now)
{
	struct neigh *n = find(l, ifi, addr);
	if (!n || n->state == NEIGH_STATIC || n->state == NEIGH_INCOMPLETE)
		return;
	n->state = NEIGH_REACHABLE;
	n->confirmed = now;
	timer_stop(l->wheel, &n->timer);
}

ol_time neigh_found(const struct link *l, int ifi, const struct ol_addr *addr)
{
	const struct neigh *n = find(l, ifi, addr);
	return n ? n->found : 0;
}

int link_neigh_add(struct link *l, int ifi, const struct ol_addr *addr, const struct ol_mac *mac, ol_time now)
{
	struct link_iface *ifc = link_iface_int(l, ifi);
	if (!ifc)
		return -ENODEV;
	if (ifc->pub.link != OL_LINK_ETHER || !mac_possible(mac) || (addr->ver != 4 && addr->ver != 6) ||
	    ol_addr_is_any(addr) || ol_addr_is_multicast(addr))
		return -EINVAL;
	struct neigh *n = find(l, ifi, addr);
	if (!n)
		n = make(l, ifi, addr, NEIGH_STATIC);
	else if (n->state != NEIGH_STATIC) {
		list_del(&n->lru);
		list_push(&l->statics, &n->lru);
		l->n_neigh--;
		l->n_static++;
	}
	if (!n)
		return -ENOMEM;
	n->mac = *mac;
	enter(l, n, NEIGH_STATIC, now);
	return 0;
}

bool neigh_get(const struct link *l, unsigned i, struct neigh_row *row, ol_time now)
{
	const struct list *heads[] = { &l->statics, &l->lru };
	for (unsigned h = 0; h < ARRAY_LEN(heads); h++)
		for (const struct list *p = heads[h]->next; p != heads[h]; p = p->next)
			if (!i--) {
				const struct neigh *n = list_of(p, const struct neigh, lru);
				*row = (struct neigh_row){ n->ifi, n->addr, n->mac, state_now(l, n, now), n->router };
				return true;
			}
	return false;
}

/* ---- time ---------------------------------------------------------------------------------------------- */

static void tell_silent(struct link *l, int ifi, struct ol_addr addr, ol_time now)
{
	if (l->user.silent)
		l->user.silent(l->user.ctx, ifi, &addr, now);
}

/* The entry goes first: what is told upstairs may send to the same neighbour again. */
static void fail(struct link *l, struct neigh *n, ol_time now)
{
	struct ol_pktq q;
	ol_pktq_init(&q);
	int ifi = n->ifi;
	struct ol_addr addr = n->addr;
	for (struct ol_pkt *pkt; (pkt = ol_pktq_get(&n->q)); l->waiting--)
		ol_pktq_put(&q, pkt);
	destroy(l, n);
	tell_silent(l, ifi, addr, now);
	l->count[OL_DROP_NEIGH_FAILED] += q.count;
	for (struct ol_pkt *pkt; (pkt = ol_pktq_get(&q)); ) {
		if (l->user.failed)
			l->user.failed(l->user.ctx, ifi, pkt, now);
		else
			ol_pkt_free(pkt);
	}
}

void neigh_expire(struct link *l, struct timer *t, ol_time now)
{
	struct neigh *n = list_of(t, struct neigh, timer);
	switch (n->state) {
	case NEIGH_INCOMPLETE:
		if (n->probes >= l->cfg.mcast_solicit)
			fail(l, n, now);
		else
			solicit(l, n, now);
		return;
	case NEIGH_DELAY:
		n->state = NEIGH_PROBE;
		n->probes = 0;
		solicit(l, n, now);
		return;
	case NEIGH_PROBE:
		if (n->probes >= l->cfg.ucast_solicit)
			fail(l, n, now);	/* RFC 4861 7.3.3: the next packet starts anew, by multicast */
		else
			solicit(l, n, now);
		return;
	default:
		CHECK(!"a timer in a state that has none");
	}
}
