/*
 * Neighbour discovery, RFC 4861 7: solicitations and advertisements checked, answered and sent; and the question that
 * the neighbour cache asks (nd_solicit), which for IPv4 becomes an ARP request.  The cache and its states are
 * link/neigh.c.
 * Left out for now: routers and prefixes (6), redirects (8), duplicate address detection (RFC 4862 5.4), anycast,
 * proxies.
 */
#include "net/net_int.h"
#include <string.h>

enum { ND_HOPS = 255 };				/* from off the link it cannot come: RFC 4861 7.1 */
static const struct ol_addr all_nodes = { .ver = 6, .b = { 0xff, 0x02, [15] = 1 } };

struct ol_addr nd_solicited_node(const struct ol_addr *a)
{
	struct ol_addr g = { .ver = 6, .b = { 0xff, 0x02, [11] = 1, [12] = 0xff, a->b[13], a->b[14], a->b[15] } };
	return g;
}

static bool is_solicited_node(const struct ol_addr *a)
{
	static const uint8_t front[13] = { 0xff, 0x02, [11] = 1, [12] = 0xff };
	return !memcmp(a->b, front, sizeof front);
}

/* Straight to the link: the neighbour is on it by definition, whatever the routes say. */
static void nd_send(struct net *net, int ifi, uint8_t type, const struct nd_msg *m, const struct ol_addr *src,
		    const struct ol_addr *dst, ol_time now)
{
	struct ol_pkt *pkt = ol_pkt_new(net->pool, ND_LEN + ND_OPT_LEN);
	if (!pkt) {
		net_drop(net, NULL, OL_DROP_NO_MEMORY);
		return;
	}
	uint8_t *p = ol_pkt_put(pkt, ND_LEN + (m->has_mac ? ND_OPT_LEN : 0));
	wire_nd_build(p, type, m);
	wire_icmp6_build(p, &(struct icmp_hdr){ type, 0, (uint32_t)m->flags << 24 }, pkt->len, src, dst);
	struct ip6_hdr h = { .src = *src, .dst = *dst, .len = (uint16_t)pkt->len, .next = PROTO_ICMP6, .hop = ND_HOPS };
	wire_ip6_build(ol_pkt_push(pkt, IP6_HLEN), &h);
	link_output(net->link, ifi, dst, false, pkt, now);
}

/* ---- asking -------------------------------------------------------------------------------------------- */

/* RFC 4861 7.2.2: the source of the packet that waits, when it is the interface's own; else any of it. */
static struct ol_addr ask_from(const struct net *net, int ifi, const struct ol_addr *target,
			       const struct ol_pkt *waiting)
{
	size_t n = target->ver == 4 ? 4 : 16, at = target->ver == 4 ? 12 : 8;
	if (waiting && waiting->len >= at + n) {
		struct ol_addr a = ol_addr_from(target->ver, waiting->data + at);
		addr_set_scope(net, ifi, &a);
		if (addr_owned_by(net, ifi, &a))
			return a;
	}
	return addr_choose_source(net, target, target, ifi);
}

void nd_solicit(struct net *net, int ifi, const struct ol_addr *target, const struct ol_mac *known,
		const struct ol_pkt *waiting, ol_time now)
{
	const struct iface *f = link_iface(net->link, ifi);
	struct ol_addr src = ask_from(net, ifi, target, waiting);
	if (!f)
		return;
	if (target->ver == 4) {
		src.ver = 4;
		arp_request(net->link, ifi, &src, target, known, now);
		return;
	}
	struct ol_addr group = nd_solicited_node(target);
	struct nd_msg m = { .target = *target, .has_mac = src.ver, .mac = f->mac };	/* req: 4861-4.3-a */
	src.ver = 6;
	nd_send(net, ifi, ICMP6_NS, &m, &src, known ? target : &group, now);
}

/* ---- answering and learning ---------------------------------------------------------------------------- */

static enum ol_fate solicitation(struct net *net, const struct net_rx *rx, struct nd_msg *m, ol_time now)
{
	bool nameless = ol_addr_is_any(&rx->src);
	if (nameless && (!is_solicited_node(&rx->dst) || m->has_mac))
		return OL_DROP_ND_BAD;			/* req: 4861-7.1.1-a */
	const struct iface *f = link_iface(net->link, rx->ifi);
	if (f->link != OL_LINK_ETHER || !addr_owned_by(net, rx->ifi, &m->target))
		return OL_PASS;
	if (!nameless && m->has_mac)
		neigh_learn(net->link, rx->ifi, &rx->src, &m->mac, true, now);
	struct nd_msg answer = { .target = m->target, .has_mac = true, .mac = f->mac,
		.flags = (uint8_t)(ND_OVERRIDE | (nameless ? 0 : ND_SOLICITED) | (net->cfg.forward6 ? ND_ROUTER : 0)) };
	nd_send(net, rx->ifi, ICMP6_NA, &answer, &m->target, nameless ? &all_nodes : &rx->src, now);
	return OL_PASS;
}

static enum ol_fate advertisement(struct net *net, const struct net_rx *rx, struct nd_msg *m, ol_time now)
{
	if (ol_addr_is_multicast(&rx->dst) && m->flags & ND_SOLICITED)
		return OL_DROP_ND_BAD;			/* req: 4861-7.1.2-a */
	if (addr_owned_by(net, rx->ifi, &m->target))
		return OL_DROP_ARP_CONFLICT;
	neigh_advert(net->link, rx->ifi, &m->target, m->has_mac ? &m->mac : NULL, m->flags & ND_SOLICITED,
		     m->flags & ND_OVERRIDE, now);
	return OL_PASS;
}

enum ol_fate nd_input(struct net *net, const struct ol_pkt *pkt, const struct net_rx *rx, uint8_t type, ol_time now)
{
	struct nd_msg m;
	if (rx->ttl != ND_HOPS || pkt->data[1] != 0 || !wire_nd_parse(&m, type, pkt->data, pkt->len) ||
	    ol_addr_is_multicast(&m.target))
		return OL_DROP_ND_BAD;
	addr_set_scope(net, rx->ifi, &m.target);
	return type == ICMP6_NS ? solicitation(net, rx, &m, now) : advertisement(net, rx, &m, now);
}
