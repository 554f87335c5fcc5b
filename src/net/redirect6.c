/*
 * Redirects: RFC 4861 8.  A router that sent a datagram of ours on over the wire it came from says who is the better first
 * hop, or that the destination itself is there.  What is believed (8.1): only the router by way of which we would send at this
 * moment.  It holds until a router is removed (6.3.5), the target does not answer, or it says that it does not route: redirect.c.
 * Hosts only: who forwards learns his ways elsewhere (8.3), and sends none here either (route.c).
 */
#include "net/nd_if.h"

enum ol_fate redirect6_input(struct net *net, const struct ol_pkt *pkt, const struct net_rx *rx, ol_time now)
{
	struct nd_redirect m;
	struct ol_addr via;
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
	if (!redirect_first_hop(net, &m.dst, rx, &via) || net_is_local(net, &m.target, 0))
		return OL_DROP_ND_REDIRECT;	/* req: 4861-8.1-a */
	if (!redirect_learn(net, &(struct redirect){ .ifi = rx->ifi, .dst = m.dst, .via = via, .target = m.target, .until = OL_NEVER }))
		return OL_PASS;
	if (m.has_mac)
		neigh_learn(net->link, rx->ifi, &m.target, &m.mac, true, now);
	if (!onlink)
		neigh_set_router(net->link, rx->ifi, &m.target, true);
	return OL_PASS;
}
