/*
 * Ways that routers offer: the default router list of RFC 4861 5.1, 6.3.4 and 6.3.6, and the more specific routes of
 * RFC 4191 3 (a host of type C).  Each stands in the routing table as a route learnt, which makes next-hop determination
 * (5.2) one thing: longest prefix, metric, preference; a router that the neighbour cache found silent comes after those that it
 * did not, and when all are silent they take turns (route.c).
 * What always holds: at most ND_ROUTERS_MAX default routers and ND_ROUTES_MAX other ways an interface; a way in the table has
 * its route, unless somebody deleted that.
 */
#include "net/nd_if.h"
#include <string.h>

enum { LEARNT_METRIC = 1024 };			/* after what was said by hand, as on Linux */

static struct ol_route route_of(const struct nd_if *nd, const struct nd_route *w)
{
	return (struct ol_route){ .dst = w->dst, .plen = w->plen, .gateway = w->gateway, .ifi = nd->ifi, .metric = LEARNT_METRIC };
}

static struct nd_route *find(struct nd_if *nd, const struct nd_route *o)
{
	for (unsigned i = 0; i < nd->n_routes; i++) {
		struct nd_route *w = &nd->route[i];
		if (w->plen == o->plen && ol_addr_eq(&w->gateway, &o->gateway) && ol_addr_in_prefix(&o->dst, &w->dst, w->plen))
			return w;
	}
	return NULL;
}

static bool room_for(const struct nd_if *nd, const struct nd_route *o)
{
	unsigned same = 0;
	for (unsigned i = 0; i < nd->n_routes; i++)
		same += !nd->route[i].plen == !o->plen;
	return same < (o->plen ? (unsigned)ND_ROUTES_MAX : (unsigned)ND_ROUTERS_MAX);
}

/* RFC 4861 6.3.5: the destinations that went by it are routed anew, since the route table's generation moves. */
static void drop(struct nd_if *nd, unsigned i)
{
	struct ol_route r = route_of(nd, &nd->route[i]);
	route_unlearn(nd->net, &r);
	memmove(&nd->route[i], &nd->route[i + 1], (--nd->n_routes - i) * sizeof nd->route[0]);
}

void router_offers(struct nd_if *nd, const struct nd_route *offer, ol_time now)
{
	struct nd_route *w = find(nd, offer);
	if (w && offer->until <= now) {
		drop(nd, (unsigned)(w - nd->route));		/* req: 4861-6.3.4-d */
		return;
	}
	if (offer->until <= now || (!w && !room_for(nd, offer)))
		return;
	if (!w)
		w = &nd->route[nd->n_routes++];
	*w = *offer;
	struct ol_route r = route_of(nd, w);
	route_learn(nd->net, &r, w->pref);
}

void router_due(struct nd_if *nd, ol_time now)
{
	for (unsigned i = 0; i < nd->n_routes; )
		if (nd->route[i].until <= now)
			drop(nd, i);
		else
			i++;
}

void router_gone(struct nd_if *nd, const struct ol_addr *gateway)
{
	for (unsigned i = 0; i < nd->n_routes; )
		if (ol_addr_eq(&nd->route[i].gateway, gateway))
			drop(nd, i);
		else
			i++;
}

ol_time router_next(const struct nd_if *nd)
{
	ol_time at = OL_NEVER;
	for (unsigned i = 0; i < nd->n_routes; i++)
		at = MIN(at, nd->route[i].until);
	return at;
}

bool net_router_get(const struct net *net, unsigned i, struct ol_router *out)
{
	for (int k = 0; k < net->n_nd; k++)
		for (unsigned n = 0; net->nd[k] && n < net->nd[k]->n_routes; n++) {
			const struct nd_route *w = &net->nd[k]->route[n];
			if (i--)
				continue;
			*out = (struct ol_router){ .ifi = net->nd[k]->ifi, .gateway = w->gateway, .dst = w->dst, .plen = w->plen,
				.pref = w->pref, .until = w->until };
			return true;
		}
	return false;
}
