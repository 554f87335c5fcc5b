/*
 * Routes: longest prefix first, then the lowest metric (RFC 1122 3.3.1, RFC 1812 5.2.4.3).  A path-compressed binary
 * trie per family; a lookup takes as many steps as there are nested prefixes, whatever the number of routes.
 *
 *	              0.0.0.0/0                  a node's prefix is a prefix of all below it; the bit after it says
 *	              which side;
 *	              /       \                  a node without routes has two children (else it is taken out)
 *	       10.0.0.0/8   192.168.0.0/16
 *	        /      \
 *	  10.1.0.0/16  10.128.0.0/9
 *
 * Routes by an interface that is down are passed over, and those by a gateway that does not answer come after the
 * others of their prefix for a minute.  Of one metric the higher preference of RFC 4191 comes first.  Redirects are
 * redirect.c's.  Left out: type of service, several equal paths.
 */
#include "net/net_int.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const ol_time SILENT_REST = 60 * OL_SEC;

struct route_node {
	struct route_node *child[2];
	struct route *routes;
	struct ol_addr prefix;
	unsigned plen;
};

static unsigned bit_at(const struct ol_addr *a, unsigned i) { return a->b[i / 8] >> (7 - i % 8) & 1; }

static unsigned common(const struct ol_addr *a, const struct ol_addr *b, unsigned max)
{
	unsigned n = 0;
	while (n + 8 <= max && a->b[n / 8] == b->b[n / 8])
		n += 8;
	while (n < max && bit_at(a, n) == bit_at(b, n))
		n++;
	return n;
}

static struct ol_addr masked(const struct ol_addr *a, unsigned plen)
{
	struct ol_addr p = { .ver = a->ver };
	memcpy(p.b, a->b, plen / 8);
	if (plen % 8)
		p.b[plen / 8] = a->b[plen / 8] & (uint8_t)(0xff00 >> plen % 8);
	return p;
}

static bool usable(const struct net *net, const struct route *r, int ifi)
{
	const struct iface *f = link_iface(net->link, r->r.ifi);
	return f && f->up && (!ifi || ifi == r->r.ifi);
}

const struct route *route_lookup(const struct net *net, const struct ol_addr *dst, int ifi)
{
	const struct route *best = NULL;
	const struct route_node *n = net->root[dst->ver == 6];
	unsigned max = dst->ver == 6 ? 128 : 32;
	while (n && ol_addr_in_prefix(dst, &n->prefix, n->plen)) {
		const struct route *here = NULL;
		for (const struct route *r = n->routes; r && (!here || here->silent_until); r = r->next)
			if (usable(net, r, ifi) && (!here || r->silent_until < here->silent_until))
				here = r;	/* all silent: the one that has rested longest (RFC 4861 6.3.6) */
		best = here ? here : best;
		n = n->plen < max ? n->child[bit_at(dst, n->plen)] : NULL;
	}
	return best;
}

/* RFC 1122 3.3.1.4, 3.3.1.5: the neighbour cache found a gateway silent while traffic was sent to it; nobody is
 * pinged. */
void route_silent(struct net *net, int ifi, const struct ol_addr *gateway, ol_time now)
{
	list_for(p, &net->routes) {
		struct route *r = list_of(p, struct route, all);
		if (r->r.ifi != ifi || !r->r.gateway.ver || !ol_addr_eq(&r->r.gateway, gateway))
			continue;
		r->silent_until = now + SILENT_REST;
		net->revive_at = MIN(net->revive_at, r->silent_until);
		net->generation++;
	}
	net_rearm(net);
}

void route_revive(struct net *net, ol_time now)
{
	if (now < net->revive_at)
		return;
	net->revive_at = OL_NEVER;
	net->generation++;
	list_for(p, &net->routes) {
		struct route *r = list_of(p, struct route, all);
		if (r->silent_until && r->silent_until <= now)
			r->silent_until = 0;
		else if (r->silent_until)
			net->revive_at = MIN(net->revive_at, r->silent_until);
	}
}

static struct route_node *node_new(const struct ol_addr *dst, unsigned plen)
{
	struct route_node *n = calloc(1, sizeof *n);
	if (n) {
		n->prefix = masked(dst, plen);
		n->plen = plen;
	}
	return n;
}

/* The node of exactly this prefix, made where it is missing; NULL when memory is short. */
static struct route_node *node_for(struct route_node **at, const struct ol_addr *dst, unsigned plen)
{
	for (;;) {
		struct route_node *n = *at;
		if (!n)
			return *at = node_new(dst, plen);
		unsigned same = common(&n->prefix, dst, MIN(n->plen, plen));
		if (same == n->plen && same == plen)
			return n;
		if (same == n->plen) {
			at = &n->child[bit_at(dst, n->plen)];
			continue;
		}
		/* n branches off below: a node for what both share, or for the new prefix when it is that */
		struct route_node *fork = node_new(dst, same);
		if (!fork)
			return NULL;
		fork->child[bit_at(&n->prefix, same)] = n;
		*at = fork;
		if (same == plen)
			return fork;
		at = &fork->child[bit_at(dst, same)];
	}
}

/* Nodes that hold no route and do not fork go, from the bottom up. */
static void prune(struct route_node **at, const struct ol_addr *dst, unsigned plen)
{
	struct route_node *n = *at;
	if (!n || !ol_addr_in_prefix(dst, &n->prefix, MIN(n->plen, plen)))
		return;
	if (n->plen < plen)
		prune(&n->child[bit_at(dst, n->plen)], dst, plen);
	if (n->routes || (n->child[0] && n->child[1]))
		return;
	*at = n->child[0] ? n->child[0] : n->child[1];
	free(n);
}

static bool same_route(const struct ol_route *a, const struct ol_route *b)
{
	return a->metric == b->metric && a->ifi == b->ifi && ol_addr_eq(&a->gateway, &b->gateway);
}

/* The interface of a gateway is the one whose net it is on. */
static int complete(const struct net *net, struct ol_route *r)
{
	if ((r->dst.ver != 4 && r->dst.ver != 6) || r->plen > (r->dst.ver == 4 ? 32 : 128) ||
	    (r->gateway.ver &&
	     (r->gateway.ver != r->dst.ver || ol_addr_is_any(&r->gateway) || ol_addr_is_multicast(&r->gateway))) ||
	    (r->prefsrc.ver && r->prefsrc.ver != r->dst.ver))
		return -EINVAL;
	r->dst = masked(&r->dst, r->plen);
	if (!r->ifi && r->gateway.ver == 6 && r->gateway.scope)
		r->ifi = (int)r->gateway.scope;
	if (!r->ifi) {
		const struct route *to = r->gateway.ver ? route_lookup(net, &r->gateway, 0) : NULL;
		if (!to || to->r.gateway.ver)
			return r->gateway.ver ? -ENETUNREACH : -ENODEV;
		r->ifi = to->r.ifi;
	}
	if (r->gateway.ver == 6 && ol_addr_is_linklocal(&r->gateway))
		r->gateway.scope = (uint32_t)r->ifi;
	return link_iface(net->link, r->ifi) ? 0 : -ENODEV;
}

static int add(struct net *net, const struct ol_route *given, int8_t pref, bool learnt)
{
	struct ol_route want = *given;
	int err = complete(net, &want);
	if (err)
		return err;
	struct route *r = calloc(1, sizeof *r);
	struct route_node *n = r ? node_for(&net->root[want.dst.ver == 6], &want.dst, want.plen) : NULL;
	if (!n) {
		free(r);
		return -ENOMEM;
	}
	for (const struct route *o = n->routes; o; o = o->next)
		if (same_route(&o->r, &want)) {
			free(r);
			return -EEXIST;
		}
	r->r = want;
	struct route **at = &n->routes;
	r->pref = pref;
	r->learnt = learnt;
	r->r.learnt = false;
	while (*at && ((*at)->r.metric < want.metric || ((*at)->r.metric == want.metric && (*at)->pref >= pref)))
		at = &(*at)->next;
	r->next = *at;
	*at = r;
	list_append(&net->routes, &r->all);
	net->generation++;
	return 0;
}

int net_route_add(struct net *net, const struct ol_route *given) { return add(net, given, 0, false); }

static void route_remove(struct net *net, struct route *r)
{
	struct ol_addr dst = r->r.dst;
	unsigned plen = r->r.plen;
	struct route_node *n = net->root[dst.ver == 6];
	while (n->plen != plen)
		n = n->child[bit_at(&dst, n->plen)];
	struct route **at = &n->routes;
	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	list_del(&r->all);
	free(r);
	prune(&net->root[dst.ver == 6], &dst, plen);
	net->generation++;
}

/* Fields left 0 in *d match any: as `ip route del` does. */
int net_route_del(struct net *net, const struct ol_route *d)
{
	list_for(p, &net->routes) {
		struct route *r = list_of(p, struct route, all);
		if (r->r.plen != d->plen || r->r.dst.ver != d->dst.ver ||
		    !ol_addr_in_prefix(&d->dst, &r->r.dst, d->plen))
			continue;
		if ((d->ifi && d->ifi != r->r.ifi) || (d->metric && d->metric != r->r.metric))
			continue;
		if (d->gateway.ver && memcmp(d->gateway.b, r->r.gateway.b, 16))
			continue;
		route_remove(net, r);
		return 0;
	}
	return -ESRCH;
}

int net_route_get(const struct net *net, unsigned i, struct ol_route *out)
{
	for (const struct list *p = net->routes.next; p != &net->routes; p = p->next)
		if (!i--) {
			const struct route *r = list_of(p, const struct route, all);
			*out = r->r;
			out->learnt = r->learnt;
			return 0;
		}
	return -ENOENT;
}

/* The routes that came with an address, or name it as their source, go with it. */
void route_purge(struct net *net, int ifi, const struct ol_addr *src)
{
	list_for_safe(p, &net->routes) {
		struct route *r = list_of(p, struct route, all);
		if (r->r.ifi == ifi && r->r.prefsrc.ver == src->ver && !memcmp(r->r.prefsrc.b, src->b, 16))
			route_remove(net, r);
	}
}

static struct route *learnt(const struct net *net, const struct ol_route *r)
{
	list_for(p, &net->routes) {
		struct route *o = list_of(p, struct route, all);
		if (o->learnt && o->r.plen == r->plen && same_route(&o->r, r) && ol_addr_in_prefix(&r->dst, &o->r.dst, r->plen))
			return o;
	}
	return NULL;
}

/* A router that speaks is probably reachable: it rests no more. */
void route_learn(struct net *net, const struct ol_route *r, int8_t pref)
{
	struct route *o = learnt(net, r);
	if (o && o->pref == pref) {
		net->generation += o->silent_until != 0;
		o->silent_until = 0;
		return;
	}
	if (o)
		route_remove(net, o);
	add(net, r, pref, true);
}

void route_unlearn(struct net *net, const struct ol_route *r)
{
	struct route *o = learnt(net, r);
	if (o)
		route_remove(net, o);
}

void route_fini(struct net *net)
{
	for (struct list *p; (p = list_first(&net->routes)); )
		route_remove(net, list_of(p, struct route, all));
}
