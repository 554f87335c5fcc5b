/*
 * IPv4 address conflict detection, RFC 5227: an address is probed before it is used (2.1.1), announced (2.3), watched while
 * it is used and defended or given up (2.4), as the interface's setting says (enum ol_acd).
 *
 *	 acd_start   0..1 s          3 probes, 1..2 s apart; 2 s after the last: ours          2nd announcement
 *	----------> PROBING ------------------------------------------------------> ANNOUNCED ------------------> HELD
 *	               |  somebody has it, or probes it too                            |   a conflict: defended, or
 *	               '---------------------------------> LOST <----------------------'---------------'
 *
 * The floor above is told of each arrow that matters by link_user.acd and does the rest: which addresses there are is its
 * affair.  Not on an interface is the default, as on Linux: whoever names the hosts of a network in one file has seen to it
 * that no address stands there twice, and a program should not wait seven seconds for that.  Then a conflict is counted
 * (DROP_ARP_CONFLICT) and no more.
 *
 * What always holds: a timer is armed in PROBING (unless the interface is down) and in ANNOUNCED, and in no other state; an
 * address has one watch at most; of those that were lost LOST_MAX are remembered.
 */
#include "link/acd.h"
#include "base/check.h"
#include "base/timer_kind.h"
#include <errno.h>
#include <stdlib.h>

/* RFC 5227 1.1 */
enum { PROBE_NUM = 3, ANNOUNCE_NUM = 2, MAX_CONFLICTS = 10, LOST_MAX = 16 };
static const ol_time PROBE_WAIT = OL_SEC, PROBE_MIN = OL_SEC, PROBE_MAX = 2 * OL_SEC, ANNOUNCE_WAIT = 2 * OL_SEC,
	ANNOUNCE_INTERVAL = 2 * OL_SEC, RATE_LIMIT_INTERVAL = 60 * OL_SEC, DEFEND_INTERVAL = 10 * OL_SEC;

struct acd {
	struct list node;			/* link->acd */
	struct timer timer;
	struct acd_row row;
	uint8_t sent;				/* probes, then announcements */
	bool defended;				/* at row.conflict_at */
};

void acd_init(struct link *l)
{
	struct sipkey k = sipkey_derive(l->cfg.seed, "address conflicts");
	rng_init(&l->acd_rng, k.k0);
	list_init(&l->acd);
}

static void destroy(struct link *l, struct acd *e)
{
	timer_stop(l->wheel, &e->timer);
	list_del(&e->node);
	free(e);
}

void acd_fini(struct link *l)
{
	for (struct list *n; (n = list_first(&l->acd)); )
		destroy(l, list_of(n, struct acd, node));
}

static struct acd *find(const struct link *l, int ifi, const struct ol_addr *a)
{
	list_for(n, (struct list *)&l->acd) {
		struct acd *e = list_of(n, struct acd, node);
		if (e->row.ifi == ifi && ol_addr_eq(&e->row.addr, a))
			return e;
	}
	return NULL;
}

static ol_time some(struct link *l, ol_time lo, ol_time hi)
{
	return lo + (ol_time)(rng_unit(&l->acd_rng) * (double)(hi - lo));
}

static void tell(struct link *l, const struct acd *e, enum acd_news news, ol_time now)
{
	struct ol_addr addr = e->row.addr;
	if (l->user.acd)
		l->user.acd(l->user.ctx, e->row.ifi, &addr, news, now);
}

/* ---- claiming ------------------------------------------------------------------------------------------ */

static void announce(struct link *l, struct acd *e, ol_time now)
{
	arp_request(l, e->row.ifi, &e->row.addr, &e->row.addr, NULL, now);
}

static void announce_first(struct link *l, struct acd *e, ol_time now)
{
	e->row.state = ACD_ANNOUNCED;
	e->sent = 1;
	announce(l, e, now);
	timer_arm(l->wheel, &e->timer, now + ANNOUNCE_INTERVAL);
}

/* RFC 5227 2.1.1: the first probe waits a random moment. */
static void probe_from(struct link *l, struct acd *e, ol_time now)
{
	e->row.state = ACD_PROBING;
	e->sent = 0;
	timer_arm(l->wheel, &e->timer, now + some(l, 0, PROBE_WAIT));
}

/* RFC 5227 2.1.1: after many conflicts on the interface, no more than one new address a minute. */
static bool must_wait(struct link *l, struct acd *e, ol_time now)
{
	struct link_iface *ifc = link_iface_int(l, e->row.ifi);
	if (ifc->acd_conflicts >= MAX_CONFLICTS && now < ifc->acd_turn) {
		timer_arm(l->wheel, &e->timer, ifc->acd_turn + some(l, 0, PROBE_WAIT));
		return true;
	}
	ifc->acd_turn = now + RATE_LIMIT_INTERVAL;
	return false;
}

int acd_start(struct link *l, int ifi, const struct ol_addr *addr, bool probe, ol_time now)
{
	struct link_iface *ifc = link_iface_int(l, ifi);
	if (!ifc || ifc->pub.link != OL_LINK_ETHER || (ifc->pub.acd == OL_ACD_OFF && !probe))
		return 0;
	acd_stop(l, ifi, addr);
	struct acd *e = calloc(1, sizeof *e);
	if (!e)
		return -ENOMEM;
	e->row = (struct acd_row){ .ifi = ifi, .addr = *addr, .probe = probe || ifc->pub.acd == OL_ACD_PROBE };
	timer_init(&e->timer, TIMER_LINK_ACD);
	list_append(&l->acd, &e->node);
	e->row.state = e->row.probe ? ACD_PROBING : ACD_HELD;
	if (ifc->pub.up && e->row.probe)
		probe_from(l, e, now);
	else if (ifc->pub.up)
		announce_first(l, e, now);
	return e->row.probe;
}

void acd_stop(struct link *l, int ifi, const struct ol_addr *addr)
{
	struct acd *e = find(l, ifi, addr);
	if (e)
		destroy(l, e);
}

void acd_expire(struct link *l, struct timer *t, ol_time now)
{
	struct acd *e = list_of(t, struct acd, timer);
	const struct ol_addr none = { .ver = 4 };
	switch (e->row.state) {
	case ACD_PROBING:
		if (e->sent == PROBE_NUM) {
			announce_first(l, e, now);
			tell(l, e, ACD_OURS, now);
			return;
		}
		if (!e->sent && must_wait(l, e, now))
			return;
		e->sent++;
		arp_request(l, e->row.ifi, &none, &e->row.addr, NULL, now);
		timer_arm(l->wheel, &e->timer, now + (e->sent < PROBE_NUM ? some(l, PROBE_MIN, PROBE_MAX) : ANNOUNCE_WAIT));
		return;
	case ACD_ANNOUNCED:
		announce(l, e, now);
		if (++e->sent < ANNOUNCE_NUM)
			timer_arm(l->wheel, &e->timer, now + ANNOUNCE_INTERVAL);
		else
			e->row.state = ACD_HELD;
		return;
	default:
		CHECK(!"a watch's timer in a state that has none");
	}
}

/* RFC 5227 2.1: a link that comes up may be another one than the one that went away. */
void acd_iface_up(struct link *l, struct link_iface *ifc, bool up, ol_time now)
{
	ifc->acd_conflicts = 0;
	list_for(n, &l->acd) {
		struct acd *e = list_of(n, struct acd, node);
		if (e->row.ifi != ifc->pub.index || e->row.state == ACD_LOST)
			continue;
		timer_stop(l->wheel, &e->timer);
		if (!up) {
			e->row.state = e->row.state == ACD_PROBING ? ACD_PROBING : ACD_HELD;
		} else if (e->row.probe) {
			bool used = e->row.state != ACD_PROBING;
			probe_from(l, e, now);
			if (used)
				tell(l, e, ACD_DOUBTED, now);
		} else {
			announce_first(l, e, now);
		}
	}
}

/* ---- conflicts ----------------------------------------------------------------------------------------- */

/* The oldest that was lost gives its place; the new one is told of last, since that may end its watch. */
static void lose(struct link *l, struct acd *e, ol_time now)
{
	struct acd *oldest = NULL;
	unsigned lost = 0;
	timer_stop(l->wheel, &e->timer);
	list_for(n, &l->acd) {
		struct acd *other = list_of(n, struct acd, node);
		if (other->row.state == ACD_LOST && !lost++)
			oldest = other;
	}
	if (lost == LOST_MAX)
		destroy(l, oldest);
	e->row.state = ACD_LOST;
	list_del(&e->node);
	list_append(&l->acd, &e->node);
	tell(l, e, ACD_GONE, now);
}

/* RFC 5227 2.4: (a) cease, (b) defend once, (c) defend always; one defence per DEFEND_INTERVAL in any case. */
static enum ol_fate conflict(struct link *l, const struct link_iface *ifc, struct acd *e, ol_time now)
{
	bool lately = e->defended && now - e->row.conflict_at < DEFEND_INTERVAL;
	bool once = ifc->pub.defend == OL_DEFEND_ONCE || ol_addr_is_linklocal(&e->row.addr);	/* RFC 3927 2.5 has no (c) */
	if (ifc->pub.defend == OL_DEFEND_NEVER || (lately && once)) {
		lose(l, e, now);
		return OL_DROP_ARP_LOST;
	}
	if (lately)
		return OL_DROP_ARP_CONFLICT;
	e->defended = true;
	e->row.conflict_at = now;
	announce(l, e, now);
	return OL_DROP_ARP_DEFENDED;
}

static bool own_mac(const struct link *l, const struct ol_mac *mac)
{
	for (int i = 0; i < l->n_iface; i++)
		if (l->iface[i]->pub.link == OL_LINK_ETHER && mac_eq(&l->iface[i]->pub.mac, mac))
			return true;
	return false;
}

enum ol_fate acd_heard(struct link *l, struct link_iface *ifc, const struct arp_pkt *a, ol_time now)
{
	if (list_empty(&l->acd) || own_mac(l, &a->sha))
		return OL_PASS;				/* a repeater brings back what we said ourselves */
	bool is_probe = ol_addr_is_any(&a->spa) && a->op == ARP_REQUEST;
	struct acd *e = find(l, ifc->pub.index, is_probe ? &a->tpa : &a->spa);
	if (!e || e->row.state == ACD_LOST || (is_probe && e->row.state != ACD_PROBING))
		return OL_PASS;				/* a probe for what we have is answered as any request: 2.5 */
	e->row.rival = a->sha;
	ifc->acd_conflicts++;
	if (e->row.state != ACD_PROBING)
		return conflict(l, ifc, e, now);
	e->row.conflict_at = now;
	lose(l, e, now);
	return OL_DROP_ARP_TAKEN;
}

bool acd_get(const struct link *l, unsigned i, struct acd_row *row)
{
	list_for(n, (struct list *)&l->acd)
		if (!i--) {
			*row = list_of(n, struct acd, node)->row;
			return true;
		}
	return false;
}
