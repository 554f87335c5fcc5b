/*
 * Neighbour discovery, RFC 4861 7: solicitations and advertisements checked, answered and sent; and the question that
 * the neighbour cache asks (nd_solicit), which for IPv4 becomes an ARP request.  The cache and its states are
 * link/neigh.c.
 * An address that is still optimistic (dad.c) changes no neighbour's cache: what goes out from it tells no link address, what
 * answers for it does not override (RFC 4429 3).  So its solicitation may come from one whose link address nobody knows; the answer goes
 * back the way the frame came, or two such hosts would each wait for the other.
 * Routers are ra.c's and adv.c's, redirects redirect6.c's.  Left out: anycast, proxies.
 */
#include "net/nd_if.h"
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

/* The neighbour is on the link by definition, whatever the routes say; and never in fragments (RFC 6980 5). */
static bool finish(struct net *net, int ifi, struct ol_pkt *pkt, uint8_t type, uint32_t rest, const struct ol_addr *src,
		   const struct ol_addr *dst)
{
	if (nd_is_disabled(net, ifi)) {
		net_drop(net, pkt, OL_DROP_ND_DISABLED);
		return false;
	}
	wire_icmp6_build(pkt->data, &(struct icmp_hdr){ type, 0, rest }, pkt->len, src, dst);
	struct ip6_hdr h = { .src = *src, .dst = *dst, .len = (uint16_t)pkt->len, .next = PROTO_ICMP6, .hop = ND_HOPS };
	wire_ip6_build(ol_pkt_push(pkt, IP6_HLEN), &h);
	return true;
}

void nd_transmit(struct net *net, int ifi, struct ol_pkt *pkt, uint8_t type, uint32_t rest, const struct ol_addr *src,
		 const struct ol_addr *dst, ol_time now)
{
	if (finish(net, ifi, pkt, type, rest, src, dst))
		link_output(net->link, ifi, dst, false, pkt, now);
}

static struct ol_pkt *message(struct net *net, uint8_t type, const struct nd_msg *m)
{
	struct ol_pkt *pkt = ol_pkt_new(net->pool, ND_LEN + 2 * ND_OPT_LEN);
	if (!pkt)
		return net_drop(net, NULL, OL_DROP_NO_MEMORY), NULL;
	wire_nd_build(ol_pkt_put(pkt, ND_LEN + (size_t)(m->has_mac + m->has_nonce) * ND_OPT_LEN), type, m);
	return pkt;
}

void nd_send(struct net *net, int ifi, uint8_t type, const struct nd_msg *m, const struct ol_addr *src, const struct ol_addr *dst,
	     ol_time now)
{
	struct ol_pkt *pkt = message(net, type, m);
	if (pkt)
		nd_transmit(net, ifi, pkt, type, (uint32_t)m->flags << 24, src, dst, now);
}

/* To one who told no link address in the frame that is being looked at, and who need not be known. */
static void nd_answer(struct net *net, int ifi, const struct nd_msg *m, const struct ol_addr *dst, ol_time now)
{
	uint32_t rest = (uint32_t)m->flags << 24;
	struct ol_pkt *pkt = message(net, ICMP6_NA, m);
	if (pkt && finish(net, ifi, pkt, ICMP6_NA, rest, &m->target, dst) && !link_answer(net->link, ifi, pkt, now))
		link_output(net->link, ifi, dst, false, pkt, now);
}

struct ol_addr nd_speaker(const struct net *net, int ifi)
{
	const struct net_addr *best = NULL;
	for (int i = 0; i < net->n_addr; i++) {
		const struct net_addr *a = &net->addr[i];
		if (a->ifi == ifi && a->addr.ver == 6 && ol_addr_is_linklocal(&a->addr) && addr_assigned(a) &&
		    (!best || a->state < best->state))
			best = a;
	}
	return best ? best->addr : (struct ol_addr){ 0 };
}

/* ---- asking -------------------------------------------------------------------------------------------- */

/* RFC 4861 7.2.2: the source of the packet that waits, when it is the interface's own; else any of it.  RFC 4429 3.2: rather one
 * that is known to be ours. */
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
	if (!src.ver)
		return;				/* RFC 4861 4.3: from nowhere it would mean that we want the address ourselves */
	struct ol_addr group = nd_solicited_node(target);
	const struct net_addr *a = addr_find(net, ifi, &src);
	if (a && a->state != ADDR_READY) {
		struct ol_addr known_ours = nd_speaker(net, ifi);
		const struct net_addr *b = known_ours.ver ? addr_find(net, ifi, &known_ours) : NULL;
		if (b && b->state == ADDR_READY) {
			a = b;
			src = known_ours;
		}
	}
	bool settled = !a || a->state == ADDR_READY;
	struct nd_msg m = { .target = *target, .has_mac = settled, .mac = f->mac };	/* req: 4861-4.3-a */
	nd_send(net, ifi, ICMP6_NS, &m, &src, known ? target : &group, now);
}

/* ---- answering and learning ---------------------------------------------------------------------------- */

static enum ol_fate solicitation(struct net *net, const struct net_rx *rx, struct nd_msg *m, ol_time now)
{
	bool nameless = ol_addr_is_any(&rx->src);
	if (nameless && (!is_solicited_node(&rx->dst) || m->has_mac))
		return OL_DROP_ND_BAD;			/* req: 4861-7.1.1-a */
	const struct iface *f = link_iface(net->link, rx->ifi);
	struct net_addr *a = f->link == OL_LINK_ETHER ? addr_find(net, rx->ifi, &m->target) : NULL;
	if (!a || a->state == ADDR_DUPLICATE)
		return OL_PASS;
	if (nameless && a->state != ADDR_READY) {	/* RFC 4862 5.4.3: he is about to take it, too */
		if (dad_is_echo(a, m))
			return OL_PASS;			/* RFC 7527 4.2: our own question */
		dad_duplicate(net, a, now);
		return OL_DROP_ND_DUPLICATE;
	}
	if (a->state == ADDR_TENTATIVE)
		return OL_PASS;				/* req: 4862-5.4.3-a */
	if (!nameless && m->has_mac)
		neigh_learn(net->link, rx->ifi, &rx->src, &m->mac, true, now);
	struct nd_msg answer = { .target = m->target, .has_mac = true, .mac = f->mac,
		.flags = (uint8_t)((a->state == ADDR_READY ? ND_OVERRIDE : 0) | (nameless ? 0 : ND_SOLICITED) |
				   (net->cfg.forward6 ? ND_ROUTER : 0)) };
	if (!nameless && !m->has_mac && rx->multicast)
		nd_answer(net, rx->ifi, &answer, &rx->src, now);
	else
		nd_send(net, rx->ifi, ICMP6_NA, &answer, &m->target, nameless ? &all_nodes : &rx->src, now);
	return OL_PASS;
}

/* req: 4861-7.2.5-e */
static void no_router(struct net *net, int ifi, const struct ol_addr *addr)
{
	struct nd_if *nd = nd_if_find(net, ifi);
	if (!nd)
		return;
	router_gone(nd, addr);
	redirect_forget(net, 6, ifi, addr);
	nd_rearm(nd);
}

static enum ol_fate advertisement(struct net *net, const struct net_rx *rx, struct nd_msg *m, ol_time now)
{
	if (ol_addr_is_multicast(&rx->dst) && m->flags & ND_SOLICITED)
		return OL_DROP_ND_BAD;			/* req: 4861-7.1.2-a */
	struct net_addr *a = addr_find(net, rx->ifi, &m->target);
	if (a && a->state == ADDR_READY)
		return OL_DROP_ARP_CONFLICT;
	if (a) {				/* req: 4862-5.4.4-a */
		if (a->state != ADDR_DUPLICATE)
			dad_duplicate(net, a, now);
		return OL_DROP_ND_DUPLICATE;
	}
	if (neigh_advert(net->link, rx->ifi, &m->target, m->has_mac ? &m->mac : NULL, m->flags & ND_SOLICITED,
			 m->flags & ND_OVERRIDE, now) &&
	    neigh_set_router(net->link, rx->ifi, &m->target, m->flags & ND_ROUTER))
		no_router(net, rx->ifi, &m->target);
	return OL_PASS;
}

enum ol_fate nd_input(struct net *net, const struct ol_pkt *pkt, const struct net_rx *rx, uint8_t type, ol_time now)
{
	struct nd_msg m;
	if (rx->ttl != ND_HOPS || pkt->data[1] != 0)
		return OL_DROP_ND_BAD;
	if (type == ICMP6_RS)
		return adv_solicited(net, pkt, rx, now);
	if (type == ICMP6_RA)
		return ra_input(net, pkt, rx, now);
	if (type == ICMP6_REDIRECT)
		return redirect6_input(net, pkt, rx, now);
	if (!wire_nd_parse(&m, type, pkt->data, pkt->len) ||
	    ol_addr_is_multicast(&m.target))
		return OL_DROP_ND_BAD;
	addr_set_scope(net, rx->ifi, &m.target);
	return type == ICMP6_NS ? solicitation(net, rx, &m, now) : advertisement(net, rx, &m, now);
}
