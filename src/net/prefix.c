/*
 * The prefix list: what routers say is on the link.  RFC 4861 5.1 and 6.3.4; RFC 5942: nothing else says so, no address
 * and no missing router.  Each prefix is a route without gateway, after one that was given by hand.
 */
#include "net/nd_if.h"
#include <string.h>

enum { ONLINK_METRIC = 256 };			/* as Linux's */

static struct ol_route route_of(const struct nd_if *nd, const struct nd_prefix *x)
{
	return (struct ol_route){ .dst = x->prefix, .plen = x->plen, .ifi = nd->ifi, .metric = ONLINK_METRIC };
}

static void drop(struct nd_if *nd, unsigned i)
{
	struct ol_route r = route_of(nd, &nd->prefix[i]);
	route_unlearn(nd->net, &r);
	memmove(&nd->prefix[i], &nd->prefix[i + 1], (--nd->n_prefixes - i) * sizeof nd->prefix[0]);
}

/* A prefix without the L flag says nothing: it may be on the link all the same. */
void prefix_onlink(struct nd_if *nd, const struct nd_prefix_info *pi, ol_time now)
{
	unsigned i = 0;
	if (!(pi->flags & PREFIX_ONLINK) || ol_addr_is_linklocal(&pi->prefix) || ol_addr_is_multicast(&pi->prefix))
		return;				/* req: 4861-6.3.4-g */
	while (i < nd->n_prefixes && !(nd->prefix[i].plen == pi->plen &&
				       ol_addr_in_prefix(&pi->prefix, &nd->prefix[i].prefix, pi->plen)))
		i++;
	if (!pi->valid_s) {
		if (i < nd->n_prefixes)
			drop(nd, i);		/* req: 4861-6.3.4-h */
		return;
	}
	if (i == ND_PREFIXES_MAX)
		return;
	nd->n_prefixes += i == nd->n_prefixes;
	nd->prefix[i] = (struct nd_prefix){ pi->prefix, pi->plen, nd_until(pi->valid_s, now) };
	struct ol_route r = route_of(nd, &nd->prefix[i]);
	route_learn(nd->net, &r, 0);
}

void prefix_due(struct nd_if *nd, ol_time now)
{
	for (unsigned i = 0; i < nd->n_prefixes; )
		if (nd->prefix[i].until <= now)
			drop(nd, i);
		else
			i++;
}

ol_time prefix_next(const struct nd_if *nd)
{
	ol_time at = OL_NEVER;
	for (unsigned i = 0; i < nd->n_prefixes; i++)
		at = MIN(at, nd->prefix[i].until);
	return at;
}
