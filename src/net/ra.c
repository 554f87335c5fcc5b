/*
 * Routers found and heard: solicitations (RFC 4861 6.3.7) and the advertisements that come (6.1.2, 6.3.4).  What they say goes to
 * router.c, prefix.c, slaac.c and dns.c; a value left unsaid changes nothing, and nothing that one router says takes back what
 * another said.
 */
#include "net/nd_if.h"
#include <string.h>

enum { SOLICITATIONS_MS = 4000, DELAY_MS = 1000, REACHABLE_MAX_MS = 3600000 };	/* RFC 4861 10, 6.2.1 */
static const struct ol_addr all_routers = { .ver = 6, .b = { 0xff, 0x02, [15] = 2 } };

/* ---- asking -------------------------------------------------------------------------------------------------------- */

void ra_start(struct nd_if *nd, ol_time now)
{
	if (!nd_listens(nd) || nd->disabled || !nd->conf.router_solicitations)
		return;
	nd->rs_left = nd->conf.router_solicitations;
	nd->rs_at = now + (ol_time)(rng_unit(&nd->net->nd_rng) * DELAY_MS * ND_MS);
}

/* From the link-local address; its owner's hardware address goes with it only once the address is known to be ours. */
static void solicit(struct nd_if *nd, ol_time now)
{
	struct net *net = nd->net;
	struct ol_addr src = nd_speaker(net, nd->ifi);
	const struct net_addr *a = src.ver ? addr_find(net, nd->ifi, &src) : NULL;
	struct ol_pkt *pkt = ol_pkt_new(net->pool, RS_LEN + ND_OPT_LEN);
	if (!pkt) {
		net_drop(net, NULL, OL_DROP_NO_MEMORY);
		return;
	}
	ol_pkt_put(pkt, RS_LEN);
	if (a && a->state == ADDR_READY) {		/* req: 4861-4.1-a */
		uint8_t *opt = ol_pkt_put(pkt, ND_OPT_LEN);
		opt[0] = ND_OPT_SLLA;
		opt[1] = 1;
		memcpy(opt + 2, link_iface(net->link, nd->ifi)->mac.b, OL_MAC_LEN);
	}
	src.ver = 6;
	nd_transmit(net, nd->ifi, pkt, ICMP6_RS, 0, &src, &all_routers, now);
}

void ra_due(struct nd_if *nd, ol_time now)
{
	if (nd->rs_at > now)
		return;
	nd->rs_left--;
	nd->rs_at = nd->rs_left ? now + SOLICITATIONS_MS * ND_MS : OL_NEVER;
	solicit(nd, now);
}

/* ---- hearing ------------------------------------------------------------------------------------------------------- */

static void values(struct nd_if *nd, const struct nd_ra *ra, ol_time now)
{
	ol_time base = nd->base_reachable_ns, retrans = nd->retrans_ns;
	if (ra->hop_limit && ra->hop_limit != nd->hop_limit) {
		nd->hop_limit = ra->hop_limit;
		nd->net->generation++;
	}
	if (ra->reachable_ms && ra->reachable_ms <= REACHABLE_MAX_MS)
		base = ra->reachable_ms * ND_MS;
	if (ra->retrans_ms && ra->retrans_ms <= REACHABLE_MAX_MS)
		retrans = ra->retrans_ms * ND_MS;
	nd_times(nd, base, retrans, now);
}

static void mtu_option(struct nd_if *nd, const struct nd_opt *opt)
{
	uint32_t mtu;
	if (!wire_nd_mtu_parse(&mtu, opt) || mtu < IP6_MIN_MTU || mtu > link_iface(nd->net->link, nd->ifi)->mtu)
		return;
	nd->net->generation += mtu != nd->mtu;
	nd->mtu = mtu;
}

static void prefix_option(struct nd_if *nd, const struct nd_opt *opt, ol_time now)
{
	struct nd_prefix_info pi;
	if (!wire_nd_prefix_parse(&pi, opt))
		return;
	prefix_onlink(nd, &pi, now);
	slaac_prefix(nd, &pi, now);
}

static void route_option(struct nd_if *nd, const struct nd_opt *opt, const struct ol_addr *from, ol_time now)
{
	struct nd_route_info ri;
	if (!wire_nd_route_parse(&ri, opt) || (ri.plen && ol_addr_is_multicast(&ri.prefix)) ||
	    (ri.plen >= 10 && ol_addr_is_linklocal(&ri.prefix)))
		return;
	struct nd_route way = { .dst = ri.prefix, .plen = ri.plen, .pref = ri.pref, .gateway = *from,
		.until = nd_until(ri.lifetime_s, now) };
	router_offers(nd, &way, now);		/* RFC 4191 3.1: one for ::/0 says more of the default than the header */
}

static void options(struct nd_if *nd, const struct nd_ra *ra, const struct ol_addr *from, ol_time now)
{
	struct nd_opts o = ra->opts;
	struct nd_opt opt;
	struct ol_mac mac;
	while (wire_nd_opt_next(&o, &opt))
		switch (opt.type) {
		case ND_OPT_SLLA:		/* req: 4861-6.3.4-e */
			if (wire_nd_opt_mac(&opt, &mac))
				neigh_learn(nd->net->link, nd->ifi, from, &mac, true, now);
			break;
		case ND_OPT_MTU:
			mtu_option(nd, &opt);
			break;
		case ND_OPT_PREFIX:
			prefix_option(nd, &opt, now);
			break;
		case ND_OPT_ROUTE:
			route_option(nd, &opt, from, now);
			break;
		case ND_OPT_RDNSS: case ND_OPT_DNSSL:
			dns_option(nd, &opt, now);
			break;
		default:			/* req: 4861-6.1.2-b */
			break;
		}
}

enum ol_fate ra_input(struct net *net, const struct ol_pkt *pkt, const struct net_rx *rx, ol_time now)
{
	struct nd_ra ra;
	struct nd_if *nd = nd_if_find(net, rx->ifi);
	if (!ol_addr_is_linklocal(&rx->src) || !wire_ra_parse(&ra, pkt->data, pkt->len))
		return OL_DROP_ND_BAD;		/* req: 4861-6.1.2-a */
	if (!nd || !nd_listens(nd) || nd->disabled)
		return OL_PASS;
	struct nd_route way = { .dst.ver = 6, .gateway = rx->src, .pref = ra.pref, .until = now + ra.lifetime_s * OL_SEC };
	router_offers(nd, &way, now);
	values(nd, &ra, now);
	options(nd, &ra, &rx->src, now);
	neigh_set_router(net->link, rx->ifi, &rx->src, true);
	if (ra.lifetime_s) {
		nd->rs_at = OL_NEVER;		/* req: 4861-6.3.7-b */
		nd->rs_left = 0;
	}
	nd_rearm(nd);
	return OL_PASS;
}
