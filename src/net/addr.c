/*
 * The host's addresses: what is ours, what is a broadcast, and which address to send from.
 * RFC 1122 3.2.1.3, 3.3.4, 3.3.6; RFC 6724 4 and 5.
 *
 * We are a host of the weak kind (RFC 1122 3.3.4.2), as Linux is: an address of any interface is ours on every wire,
 * and what we send leaves by its route whatever its source is.  Exceptions: 127/8 and ::1 never meet a wire, and
 * link-local IPv6 addresses belong to their own link.
 * Source choice leaves out rules 4 and 7 (no home or temporary addresses here) and 5.5 (which router said which prefix
 * is not kept).
 */
#include "base/be.h"
#include "net/nd_if.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct ol_addr ip4_limited = { .ver = 4, .b = { 255, 255, 255, 255 } };

/* ---- the table of what is ours ------------------------------------------------------------------------- */

static uint32_t local_hash(const struct ol_addr *a)
{
	uint64_t w[2];
	memcpy(w, a->b, sizeof w);
	uint64_t x = (w[0] ^ (w[1] + a->ver)) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(x >> 32);
}

static const struct local *local_find(const struct net *net, const struct ol_addr *a, bool any_scope)
{
	uint32_t mask = net->n_local_slots - 1;
	for (uint32_t i = local_hash(a) & mask; net->local[i].kind != LOCAL_NO; i = (i + 1) & mask) {
		const struct local *s = &net->local[i];
		if (s->addr.ver == a->ver && !memcmp(s->addr.b, a->b, 16) && (any_scope || s->addr.scope == a->scope))
			return s;
	}
	return NULL;
}

static void local_put(struct net *net, const struct ol_addr *a, int ifi, enum local_kind kind)
{
	uint32_t mask = net->n_local_slots - 1, i = local_hash(a) & mask;
	const struct local *there = local_find(net, a, false);
	if (there && there->kind <= kind)
		return;				/* the same address on two interfaces: the first has it */
	while (net->local[i].kind != LOCAL_NO)
		i = (i + 1) & mask;
	net->local[i] = (struct local){ *a, ifi, kind };
}

/* RFC 1122 3.3.6: all ones and, from 4.2BSD's days, all zeros.  A /31 or /32 has none. */
static void broadcasts_of(const struct net_addr *a, struct ol_addr *ones, struct ol_addr *zeros)
{
	uint32_t mask = a->plen ? ~UINT32_C(0) << (32 - a->plen) : 0;
	uint32_t ip = be32_at(a->addr.b);
	*ones = ol_addr_ip4(ip | ~mask);
	*zeros = ol_addr_ip4(ip & mask);
}

static bool local_rebuild(struct net *net)
{
	uint32_t want = LOCAL_MIN;
	while (want < (uint32_t)net->n_addr * 6)
		want *= 2;
	if (net->local && want == net->n_local_slots) {
		memset(net->local, 0, want * sizeof *net->local);	/* states alone have changed: it cannot fail */
	} else {
		struct local *fresh = calloc(want, sizeof *fresh);
		if (!fresh)
			return false;
		free(net->local);
		net->local = fresh;
		net->n_local_slots = want;
	}
	for (int i = 0; i < net->n_addr; i++)
		if (addr_assigned(&net->addr[i]))
			local_put(net, &net->addr[i].addr, net->addr[i].ifi, LOCAL_UNICAST);
	for (int i = 0; i < net->n_addr; i++) {
		struct net_addr *a = &net->addr[i];
		struct ol_addr ones, zeros;
		if (a->addr.ver != 4 || a->plen > 30 || a->plen == 0 || ol_addr_is_loopback(&a->addr))
			continue;
		broadcasts_of(a, &ones, &zeros);
		local_put(net, &ones, a->ifi, LOCAL_BROADCAST);
		local_put(net, &zeros, a->ifi, LOCAL_BROADCAST);
	}
	net->generation++;
	return true;
}

void addr_changed(struct net *net) { local_rebuild(net); }

void addr_init(struct net *net)
{
	if (!local_rebuild(net))
		net->n_local_slots = 0;
}

void addr_fini(struct net *net)
{
	free(net->addr);
	free(net->local);
}

enum local_kind addr_kind(const struct net *net, const struct ol_addr *a, int *ifi)
{
	const struct local *s = local_find(net, a, false);
	if (s) {
		*ifi = s->ifi;
		return s->kind;
	}
	*ifi = 0;
	if (a->ver == 4 && ol_addr_is_loopback(a) && (*ifi = addr_loop(net)))
		return LOCAL_UNICAST;		/* all of 127/8: RFC 1122 3.2.1.3 (g) */
	return ol_addr_eq(a, &ip4_limited) ? LOCAL_BROADCAST : LOCAL_NO;
}

struct net_addr *addr_find(const struct net *net, int ifi, const struct ol_addr *addr)
{
	for (int i = 0; i < net->n_addr; i++)
		if (net->addr[i].ifi == ifi && net->addr[i].addr.ver == addr->ver &&
		    !memcmp(net->addr[i].addr.b, addr->b, 16))
			return &net->addr[i];
	return NULL;
}

bool addr_owned_by(const struct net *net, int ifi, const struct ol_addr *addr)
{
	const struct net_addr *a = addr_find(net, ifi, addr);
	return a && addr_assigned(a);
}

int addr_loop(const struct net *net)
{
	for (int i = 0; (i = link_iface_next(net->link, i)); ) {
		const struct iface *f = link_iface(net->link, i);
		if (f->link == OL_LINK_LOOP && f->up)
			return i;
	}
	return 0;
}

bool net_loops(const struct net *net, int ifi)
{
	const struct iface *f = link_iface(net->link, ifi);
	return f && f->link == OL_LINK_LOOP;
}

void addr_set_scope(const struct net *net, int ifi, struct ol_addr *a)
{
	if (a->ver != 6 || !ol_addr_is_linklocal(a))
		return;
	const struct iface *f = link_iface(net->link, ifi);
	const struct local *s = f && f->link == OL_LINK_LOOP ? local_find(net, a, true) : NULL;
	a->scope = s ? s->addr.scope : (uint32_t)ifi;
}

bool net_is_local(const struct net *net, const struct ol_addr *addr, int ifi)
{
	int owner;
	if (addr_kind(net, addr, &owner) == LOCAL_UNICAST)
		return !ifi || owner == ifi || addr_owned_by(net, ifi, addr);
	if (!net->cfg.any_local || ol_addr_is_multicast(addr) || ol_addr_is_any(addr))
		return false;
	return !net_is_broadcast(net, addr);
}

bool net_is_broadcast(const struct net *net, const struct ol_addr *addr)
{
	int ifi;
	return addr->ver == 4 && addr_kind(net, addr, &ifi) == LOCAL_BROADCAST;
}

/* ---- adding and taking away ---------------------------------------------------------------------------- */

static struct ol_addr prefix_of(const struct ol_addr *a, unsigned plen)
{
	struct ol_addr p = *a;
	for (unsigned i = 0; i < 16; i++)
		p.b[i] &= (uint8_t)(plen >= 8 * (i + 1) ? 0xff : plen <= 8 * i ? 0 : 0xff00 >> (plen - 8 * i));
	p.scope = 0;
	return p;
}

/* Of an interface the link-local address comes last, as Linux lists them. */
static int place_for(const struct net *net, const struct net_addr *a)
{
	int i = 0;
	while (i < net->n_addr && !(net->addr[i].ifi == a->ifi && net->addr[i].addr.ver == 6 && net->addr[i].autoconf &&
				    ol_addr_is_linklocal(&net->addr[i].addr)))
		i++;
	return i;
}

static void take_out(struct net *net, int i)
{
	memmove(net->addr + i, net->addr + i + 1, (size_t)(net->n_addr - i - 1) * sizeof *net->addr);
	net->n_addr--;
}

int addr_put(struct net *net, const struct net_addr *a, ol_time now)
{
	struct net_addr *grown = net->n_addr < NET_ADDR_MAX
		? realloc(net->addr, (size_t)(net->n_addr + 1) * sizeof *grown) : NULL;
	if (!grown)
		return -ENOMEM;
	net->addr = grown;
	int at = place_for(net, a);
	memmove(net->addr + at + 1, net->addr + at, (size_t)(net->n_addr - at) * sizeof *net->addr);
	net->addr[at] = *a;
	net->n_addr++;
	dad_start(net, &net->addr[at], now);
	if (!local_rebuild(net)) {
		take_out(net, at);
		return -ENOMEM;
	}
	if (a->addr.ver == 6 && group_join_solicited(net, a->ifi, &a->addr, now)) {
		take_out(net, at);
		local_rebuild(net);
		return -ENOMEM;
	}
	if (nd_if_find(net, a->ifi))
		nd_rearm(nd_if_find(net, a->ifi));
	if (!a->onlink)
		return 0;
	struct ol_route r = { .dst = prefix_of(&a->addr, a->plen), .plen = a->plen, .ifi = a->ifi, .prefsrc = a->addr };
	int err = net_route_add(net, &r);
	return err == -EEXIST ? 0 : err;
}

static int addr_add(struct net *net, int ifi, const struct ol_addr *addr, unsigned plen, bool probe, ol_time now)
{
	const struct iface *f = link_iface(net->link, ifi);
	struct ol_addr a = *addr;
	if (!f)
		return -ENODEV;
	if ((a.ver != 4 && a.ver != 6) || plen > (a.ver == 4 ? 32 : 128) || ol_addr_is_any(&a) ||
	    ol_addr_is_multicast(&a) ||
	    ol_addr_eq(&a, &ip4_limited) || (ol_addr_is_loopback(&a) && f->link != OL_LINK_LOOP))
		return -EINVAL;
	if (is_linklocal4(&a) && plen != LL4_PLEN)
		return -EINVAL;				/* req: 3927-2.8-a */
	a.scope = a.ver == 6 && ol_addr_is_linklocal(&a) ? (uint32_t)ifi : 0;
	if (addr_find(net, ifi, &a))
		return -EEXIST;
	int watch = a.ver == 4 ? acd_start(net->link, ifi, &a, probe, now) : 0;
	if (watch < 0)
		return watch;
	struct net_addr it = { .addr = a, .plen = plen, .ifi = ifi, .state = watch > 0 ? ADDR_TENTATIVE : ADDR_READY, .onlink = true,
		.dad_at = OL_NEVER, .preferred_until = OL_NEVER, .valid_until = OL_NEVER };
	int err = addr_put(net, &it, now);
	if (err)
		acd_stop(net->link, ifi, &a);
	struct nd_if *nd = err || a.ver == 4 ? NULL : nd_if_start(net, ifi, now);
	if (nd && nd->on)
		slaac_linklocal(nd, 0, now);
	return err;
}

int net_addr_add(struct net *net, int ifi, const struct ol_addr *addr, unsigned plen, ol_time now)
{
	return addr_add(net, ifi, addr, plen, false, now);
}

int addr_claim(struct net *net, int ifi, const struct ol_addr *addr, unsigned plen, ol_time now)
{
	return addr_add(net, ifi, addr, plen, true, now);
}

int net_addr_del(struct net *net, int ifi, const struct ol_addr *addr, ol_time now)
{
	for (int i = 0; i < net->n_addr; i++) {
		struct net_addr a = net->addr[i];
		if (a.ifi != ifi || a.addr.ver != addr->ver || memcmp(a.addr.b, addr->b, 16))
			continue;
		take_out(net, i);
		net->n_lost -= a.lost && addr_assigned(&a);
		if (!a.lost)
			acd_stop(net->link, ifi, &a.addr);
		if (a.addr.ver == 6)
			group_leave_solicited(net, ifi, &a.addr, now);
		struct ol_addr prefix = prefix_of(&a.addr, a.plen);
		const struct net_addr *heir = NULL;
		for (int k = 0; k < net->n_addr && !heir; k++)
			if (net->addr[k].ifi == ifi && net->addr[k].plen == a.plen && net->addr[k].onlink &&
			    ol_addr_in_prefix(&net->addr[k].addr, &prefix, a.plen))
				heir = &net->addr[k];
		route_purge(net, ifi, &a.addr);
		if (heir) {
			struct ol_route r = { .dst = prefix, .plen = a.plen, .ifi = ifi, .prefsrc = heir->addr };
			net_route_add(net, &r);
		}
		int err = local_rebuild(net) ? 0 : -ENOMEM;
		ll4_consider(net, ifi, now);
		return err;
	}
	return -EADDRNOTAVAIL;
}

/* RFC 5227: what became of an address under watch. */
void addr_news(struct net *net, int ifi, const struct ol_addr *addr, enum acd_news news, ol_time now)
{
	struct net_addr *a = addr_find(net, ifi, addr);
	if (!a)
		return;
	if (news != ACD_GONE) {
		a->state = news == ACD_DOUBTED ? ADDR_TENTATIVE : ADDR_READY;
		addr_changed(net);
		return;
	}
	a->lost = true;
	if (!addr_assigned(a))
		net_addr_del(net, ifi, addr, now);
	else
		net->n_lost++;
}

bool net_lost_waits(const struct net *net) { return net->n_lost; }

bool net_lost_next(struct net *net, int *ifi, struct ol_addr *addr)
{
	for (int i = 0; net->n_lost && i < net->n_addr; i++)
		if (net->addr[i].lost) {
			*ifi = net->addr[i].ifi;
			*addr = net->addr[i].addr;
			return true;
		}
	return false;
}

int net_addr_get(const struct net *net, int ifi, unsigned n, struct ol_addr *addr, unsigned *plen)
{
	for (int i = 0; i < net->n_addr; i++)
		if (net->addr[i].ifi == ifi && addr_assigned(&net->addr[i]) && !n--) {
			*addr = net->addr[i].addr;
			*plen = net->addr[i].plen;
			return 0;
		}
	return -ENOENT;
}

int net_addr_info(const struct net *net, int ifi, unsigned n, struct ol_addr_info *out)
{
	static_assert((int)ADDR_DUPLICATE == (int)OL_ADDR_DUPLICATE && (int)ADDR_TENTATIVE == (int)OL_ADDR_TENTATIVE,
		      "the same states");
	for (int i = 0; i < net->n_addr; i++) {
		const struct net_addr *a = &net->addr[i];
		if (a->ifi != ifi || n--)
			continue;
		*out = (struct ol_addr_info){ .addr = a->addr, .plen = a->plen, .state = (enum ol_addr_state)a->state,
			.autoconf = a->autoconf, .deprecated = a->deprecated, .preferred_until = a->preferred_until,
			.valid_until = a->valid_until };
		return 0;
	}
	return -ENOENT;
}

/* ---- choosing a source --------------------------------------------------------------------------------- */

/* RFC 6724 3.1, 3.2, 3.4. */
static unsigned scope_of(const struct ol_addr *a)
{
	enum { LINK = 2, SITE = 5, GLOBAL = 14 };
	if (a->ver == 6 && a->b[0] == 0xff)
		return a->b[1] & 15;
	if (ol_addr_is_linklocal(a) || ol_addr_is_loopback(a))
		return LINK;
	return a->ver == 6 && a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0xc0 ? SITE : GLOBAL;
}

/* RFC 6724 2.1: the default policy table, longest prefix first. */
static unsigned label_of(const struct ol_addr *a)
{
	static const struct { struct ol_addr prefix; uint8_t plen, label; } table[] = {
		{ { .ver = 6, .b = { [15] = 1 } }, 128, 0 },
		{ { .ver = 6, .b = { [10] = 0xff, 0xff } }, 96, 4 },
		{ { .ver = 6 }, 96, 3 },
		{ { .ver = 6, .b = { 0x20, 0x01 } }, 32, 5 },
		{ { .ver = 6, .b = { 0x20, 0x02 } }, 16, 2 },
		{ { .ver = 6, .b = { 0x3f, 0xfe } }, 16, 12 },
		{ { .ver = 6, .b = { 0xfe, 0xc0 } }, 10, 11 },
		{ { .ver = 6, .b = { 0xfc } }, 7, 13 },
	};
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (ol_addr_in_prefix(a, &table[i].prefix, table[i].plen))
			return table[i].label;
	return 1;
}

static unsigned common_bits(const struct ol_addr *a, const struct ol_addr *b, unsigned max)
{
	unsigned n = 0;
	while (n < max && !((a->b[n / 8] ^ b->b[n / 8]) & 0x80 >> n % 8))
		n++;
	return n;
}

/* Is a the better source for dst?  RFC 6724 5, rules in order; the first decisive one wins. */
static bool better6(const struct net_addr *a, const struct net_addr *b, const struct ol_addr *dst, int ifi)
{
	if (ol_addr_eq(&a->addr, dst) != ol_addr_eq(&b->addr, dst))		/* rule 1 */
		return ol_addr_eq(&a->addr, dst);
	unsigned sa = scope_of(&a->addr), sb = scope_of(&b->addr), sd = scope_of(dst);
	if (sa != sb)								/* rule 2 */
		return sa < sb ? sa >= sd : sb < sd;
	bool ra = a->deprecated || a->state != ADDR_READY, rb = b->deprecated || b->state != ADDR_READY;
	if (ra != rb)							/* rule 3; RFC 4429 2.1: optimistic ones, too */
		return !ra;
	if ((a->ifi == ifi) != (b->ifi == ifi))					/* rule 5 */
		return a->ifi == ifi;
	unsigned la = label_of(&a->addr), lb = label_of(&b->addr), ld = label_of(dst);
	if ((la == ld) != (lb == ld))						/* rule 6 */
		return la == ld;
	return common_bits(&a->addr, dst, a->plen) > common_bits(&b->addr, dst, b->plen);	/* rule 8 */
}

/* RFC 1122 3.3.4.3: of the outgoing interface, best the one whose net the next hop is on; link-local only towards its
 * like. */
static bool better4(const struct net_addr *a, const struct net_addr *b, const struct ol_addr *next, int ifi)
{
	if ((a->ifi == ifi) != (b->ifi == ifi))
		return a->ifi == ifi;
	bool na = ol_addr_in_prefix(next, &a->addr, a->plen), nb = ol_addr_in_prefix(next, &b->addr, b->plen);
	if (na != nb)
		return na;
	bool ll = ol_addr_is_linklocal(next);
	return ol_addr_is_linklocal(&a->addr) == ll && ol_addr_is_linklocal(&b->addr) != ll;
}

struct ol_addr addr_choose_source(const struct net *net, const struct ol_addr *dst, const struct ol_addr *next, int ifi)
{
	const struct net_addr *best = NULL;
	const struct iface *out = link_iface(net->link, ifi);
	bool wire = out && out->link != OL_LINK_LOOP;
	bool on_link = dst->ver == 6 && (ol_addr_is_multicast(dst) || ol_addr_is_linklocal(dst));	/* RFC 6724 4 */
	for (int i = 0; i < net->n_addr; i++) {
		const struct net_addr *a = &net->addr[i];
		if (a->addr.ver != dst->ver || !addr_assigned(a) ||
		    (a->ifi != ifi && (on_link || (a->addr.ver == 6 && ol_addr_is_linklocal(&a->addr)))))
			continue;
		if (wire && ol_addr_is_loopback(&a->addr))
			continue;
		if (!best || (dst->ver == 6 ? better6(a, best, dst, ifi) : better4(a, best, next, ifi)))
			best = a;
	}
	return best ? best->addr : (struct ol_addr){ 0 };
}
