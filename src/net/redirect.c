/*
 * Better first hops that routers named, of both families; who is believed is redirect4.c's and redirect6.c's affair.  An entry is of one
 * destination and counts only while the routes still lead to the router it corrects, so whatever changes them undoes it; also
 * when its target does not answer.
 *
 * What always holds, of each family: entries are at most REDIRECTS_MAX (the oldest goes), one for a destination; all live
 * equally long, so the list is in the order of expiry.
 */
#include "net/net_int.h"
#include <stdlib.h>

static struct redirects *of(const struct net *net, int ver)
{
	return (struct redirects *)(ver == 6 ? &net->redirects6 : &net->redirects4);
}

void redirect_init(struct net *net)
{
	list_init(&net->redirects4.all);
	list_init(&net->redirects6.all);
}

static struct redirect *find(const struct net *net, const struct ol_addr *dst)
{
	list_for(p, &of(net, dst->ver)->all) {
		struct redirect *r = list_of(p, struct redirect, node);
		if (ol_addr_eq(&r->dst, dst))
			return r;
	}
	return NULL;
}

static void forget(struct net *net, struct redirect *r)
{
	list_del(&r->node);
	of(net, r->dst.ver)->n--;
	free(r);
	net->generation++;
}

void redirect_apply(const struct net *net, const struct ol_addr *dst, struct hop *hop)
{
	const struct redirect *r = of(net, dst->ver)->n ? find(net, dst) : NULL;
	if (r && r->ifi == hop->ifi && ol_addr_eq(&r->via, &hop->next))
		hop->next = r->target;
}

void redirect_forget(struct net *net, int ver, int ifi, const struct ol_addr *target)
{
	list_for_safe(p, &of(net, ver)->all) {
		struct redirect *r = list_of(p, struct redirect, node);
		if (r->ifi == ifi && (!target || ol_addr_eq(&r->target, target)))
			forget(net, r);
	}
}

/* The next hop now, and the router that the routes name: the same, unless redirected before. */
bool redirect_first_hop(struct net *net, const struct ol_addr *dst, const struct net_rx *rx, struct ol_addr *via)
{
	struct hop hop;
	const struct route *r = route_lookup(net, dst, 0);
	if (!r || !r->r.gateway.ver || r->r.ifi != rx->ifi || path_find(net, dst, NULL, 0, &hop) != OL_OK || hop.ifi != rx->ifi)
		return false;
	*via = r->r.gateway;
	return ol_addr_eq(&hop.next, &rx->src);
}

bool redirect_learn(struct net *net, const struct redirect *what)
{
	struct redirects *all = of(net, what->dst.ver);
	struct redirect *r = find(net, &what->dst);
	if (!r) {
		if (all->n == REDIRECTS_MAX)
			forget(net, list_of(all->all.next, struct redirect, node));
		r = calloc(1, sizeof *r);
		if (!r) {
			net->count[OL_DROP_NO_MEMORY]++;
			return false;
		}
		list_init(&r->node);
		all->n++;
	}
	list_del(&r->node);
	*r = *what;
	list_append(&all->all, &r->node);
	net->generation++;
	net_rearm(net);
	return true;
}

static ol_time first_due(const struct redirects *all)
{
	return list_empty(&all->all) ? OL_NEVER : list_of(all->all.next, struct redirect, node)->until;
}

ol_time redirect_due(const struct net *net) { return MIN(first_due(&net->redirects4), first_due(&net->redirects6)); }

void redirect_expire(struct net *net, ol_time now)
{
	struct redirects *const both[] = { &net->redirects4, &net->redirects6 };
	for (size_t i = 0; i < ARRAY_LEN(both); i++)
		while (!list_empty(&both[i]->all) && first_due(both[i]) <= now)
			forget(net, list_of(both[i]->all.next, struct redirect, node));
}

void redirect_fini(struct net *net) { redirect_expire(net, OL_NEVER); }
