/*
 * Redirects: RFC 4861 8.  A router that sent a datagram of ours on over the wire it came from says who is the better first
 * hop, or that the destination itself is there.  What is believed (8.1): only the router by way of which we would send at this
 * moment.  An entry is of one destination and counts only while the routes still lead to the router it corrects, so
 * whatever changes them (a router removed, 6.3.5) undoes it; also when its target does not answer, or says that it does not
 * route.  At most REDIRECTS_MAX, the oldest goes.
 * Hosts only: who forwards learns his ways elsewhere (8.3), and sends none here either (route.c).
 */
#include "net/nd_if.h"
#include <stdlib.h>

struct redirect { struct list node; int ifi; struct ol_addr dst, via, target; };

static struct redirect *find(const struct net *net, const struct ol_addr *dst)
{
	list_for(p, &net->redirects) {
		struct redirect *r = list_of(p, struct redirect, node);
		if (ol_addr_eq(&r->dst, dst))
			return r;
	}
	return NULL;
}

static void forget(struct net *net, struct redirect *r)
{
	list_del(&r->node);
	free(r);
	net->n_redirects--;
	net->generation++;
}

void redirect_apply(const struct net *net, const struct ol_addr *dst, struct hop *hop)
{
	const struct redirect *r = find(net, dst);
	if (r && r->ifi == hop->ifi && ol_addr_eq(&r->via, &hop->next))
		hop->next = r->target;
}

void redirect_forget(struct net *net, int ifi, const struct ol_addr *target)
{
	list_for_safe(p, &net->redirects) {
		struct redirect *r = list_of(p, struct redirect, node);
		if (r->ifi == ifi && (!target || ol_addr_eq(&r->target, target)))
			forget(net, r);
	}
}

/* The next hop now, and the router that the routes name: the same, unless redirected before. */
static bool first_hop(struct net *net, const struct ol_addr *dst, int ifi, struct ol_addr *now_by, struct ol_addr *via)
{
	struct hop hop;
	const struct route *r = route_lookup(net, dst, 0);
	if (!r || !r->r.gateway.ver || r->r.ifi != ifi || path_find(net, dst, NULL, 0, &hop) != OL_OK || hop.ifi != ifi)
		return false;
	*now_by = hop.next;
	*via = r->r.gateway;
	return true;
}

static bool learn(struct net *net, int ifi, const struct nd_redirect *m, const struct ol_addr *via)
{
	struct redirect *r = find(net, &m->dst);
	if (!r) {
		if (net->n_redirects == REDIRECTS_MAX)
			forget(net, list_of(net->redirects.next, struct redirect, node));
		r = calloc(1, sizeof *r);
		if (!r)
			return false;
		list_init(&r->node);
		net->n_redirects++;
	}
	r->ifi = ifi;
	r->dst = m->dst;
	r->via = *via;
	r->target = m->target;
	list_del(&r->node);
	list_append(&net->redirects, &r->node);
	net->generation++;
	return true;
}

enum ol_fate redirect_input(struct net *net, const struct ol_pkt *pkt, const struct net_rx *rx, ol_time now)
{
	struct nd_redirect m;
	struct ol_addr now_by, via;
	const struct nd_if *nd = nd_if_find(net, rx->ifi);
	if (!ol_addr_is_linklocal(&rx->src) || !wire_redirect_parse(&m, pkt->data, pkt->len) || ol_addr_is_multicast(&m.dst))
		return OL_DROP_ND_BAD;
	addr_set_scope(net, rx->ifi, &m.target);
	addr_set_scope(net, rx->ifi, &m.dst);
	bool onlink = ol_addr_eq(&m.target, &m.dst);
	if (!onlink && (!ol_addr_is_linklocal(&m.target) || ol_addr_is_multicast(&m.target)))
		return OL_DROP_ND_BAD;
	if (!nd || !nd->on || !nd->conf.accept_redirects || net->cfg.forward6)
		return OL_PASS;
	if (!first_hop(net, &m.dst, rx->ifi, &now_by, &via) || !ol_addr_eq(&now_by, &rx->src) || net_is_local(net, &m.target, 0))
		return OL_DROP_ND_REDIRECT;	/* req: 4861-8.1-a */
	if (!learn(net, rx->ifi, &m, &via))
		return net->count[OL_DROP_NO_MEMORY]++, OL_PASS;
	if (m.has_mac)
		neigh_learn(net->link, rx->ifi, &m.target, &m.mac, true, now);
	if (!onlink)
		neigh_set_router(net->link, rx->ifi, &m.target, true);
	return OL_PASS;
}

void redirect_fini(struct net *net)
{
	for (struct list *p; (p = list_first(&net->redirects)); )
		forget(net, list_of(p, struct redirect, node));
}
