/*
 * IPv6 in and out: RFC 8200 3 and 4.5, RFC 4291 2.5 and 2.7 for the addresses that cannot be, RFC 6946 for atomic
 * fragments, RFC 7112 for the first one.  Extension headers are ip6_ext.c's.  We send none but the fragment header;
 * no jumbograms.
 */
#include "net/net_int.h"
#include <string.h>

static bool is_zero(const struct ol_addr *a) { return ol_addr_is_any(a); }

static enum ol_fate address_check(const struct net *net, const struct ip6_hdr *h, const struct iface *in)
{
	int ifi;
	if (ol_addr_is_multicast(&h->src) || is_zero(&h->dst))
		return OL_DROP_IP_SOURCE;		/* req: 4291-2.7-a, 4291-2.5.2-a */
	if (ol_addr_is_multicast(&h->dst) && (h->dst.b[1] & 15) == 0)
		return OL_DROP_IP_NOT_OURS;		/* req: 4291-2.7-b */
	if (in->link == OL_LINK_LOOP)
		return OL_PASS;
	if (ol_addr_is_loopback(&h->src) || ol_addr_is_loopback(&h->dst))
		return OL_DROP_IP_SOURCE;		/* req: 4291-2.5.3-a */
	if (ol_addr_is_multicast(&h->dst) && (h->dst.b[1] & 15) == 1)
		return OL_DROP_IP_NOT_OURS;		/* interface-local scope does not cross a wire */
	if (addr_kind(net, &h->src, &ifi) == LOCAL_NO)
		return OL_PASS;
	/* our own words from a wire are no news; but whether an optimistic address is ours, its owner may have to say */
	const struct net_addr *a = addr_find(net, in->index, &h->src);
	return a && a->state == ADDR_OPTIMISTIC ? OL_PASS : OL_DROP_IP_SOURCE;
}

static bool for_us(const struct net *net, int ifi, const struct ip6_hdr *h, bool to_many, struct net_rx *rx)
{
	int owner;
	rx->multicast = ol_addr_is_multicast(&h->dst);
	if (rx->multicast)
		return group_joined(net, ifi, &h->dst);
	if (addr_kind(net, &h->dst, &owner) == LOCAL_UNICAST || net->cfg.any_local) {
		rx->broadcast = to_many;		/* a unicast address in a frame to many: transports must know */
		return true;
	}
	return false;
}

static enum ol_fate refuse(struct net *net, int ifi, bool to_many, struct ol_pkt *pkt, uint8_t code, uint32_t where,
			   ol_time now)
{
	icmp6_error(net, pkt->data, pkt->len, ifi, to_many, ICMP6_PARAM, code, where, now);
	return net_drop(net, pkt, OL_DROP_FRAG_BAD);
}

/* An atomic fragment is a whole packet with a needless header: it is taken out.  RFC 6946 4. */
static void atomic_mend(struct ol_pkt *pkt, const struct ip6_walk *w, uint8_t next)
{
	uint16_t payload = (uint16_t)(pkt->len - IP6_HLEN - IP6_FRAG_HLEN);
	pkt->data[w->next_at] = next;
	memmove(pkt->data + IP6_FRAG_HLEN, pkt->data, w->at);
	ol_pkt_pull(pkt, IP6_FRAG_HLEN);
	wire_ip6_set_len(pkt->data, payload);
}

static enum ol_fate fragment_input(struct net *net, int ifi, bool to_many, const struct ip6_hdr *h,
				   const struct ip6_walk *w, struct ol_pkt **pkt, ol_time now)
{
	struct ol_pkt *p = *pkt;
	struct ip6_frag f;
	*pkt = NULL;
	if (!wire_ip6_frag_parse(&f, p->data + w->at, p->len - w->at))
		return net_drop(net, p, OL_DROP_FRAG_BAD);
	size_t hlen = w->at + IP6_FRAG_HLEN, data = p->len - hlen;
	if (f.off == 0 && !ip6_chain_is_whole(f.next, p->data + hlen, data))
		return refuse(net, ifi, to_many, p, ICMP6_PARAM_FIRST_FRAG, 0, now);
	if (f.off == 0 && !f.mf) {
		atomic_mend(p, w, f.next);
		*pkt = p;
		return OL_PASS;
	}
	if (f.mf && data % 8)
		return refuse(net, ifi, to_many, p, ICMP6_PARAM_FIELD, 4, now);
	if (w->at - IP6_HLEN + f.off + data > 65535)
		return refuse(net, ifi, to_many, p, ICMP6_PARAM_FIELD, (uint32_t)w->at + 2, now);
	if (!data)
		return net_drop(net, p, OL_DROP_FRAG_BAD);
	struct reass_frag r = { .src = h->src, .dst = h->dst, .id = f.id, .ifi = ifi, .to_many = to_many,
		.off = f.off, .mf = f.mf,
		.hlen = (uint16_t)hlen, .next_at = (uint16_t)w->next_at, .next = f.next, .ecn = h->tclass & 3 };
	return reass_input(net, &r, p, pkt, now);
}

static enum ol_fate header_of(struct net *net, int ifi, struct ip6_hdr *h, const struct ol_pkt *p)
{
	enum ol_fate fate = wire_ip6_parse(h, p->data, p->len);
	if (fate == OL_PASS) {
		addr_set_scope(net, ifi, &h->src);
		addr_set_scope(net, ifi, &h->dst);
	}
	return fate;
}

enum ol_fate ip6_input(struct net *net, int ifi, bool to_many, struct ol_pkt **pkt, struct net_rx *rx, ol_time now)
{
	const struct iface *in = link_iface(net->link, ifi);
	struct ol_pkt *p = *pkt;
	struct ip6_hdr h;
	struct ip6_walk w;
	bool fragmented = false;
	*pkt = NULL;
	enum ol_fate fate = in ? header_of(net, ifi, &h, p) : OL_DROP_LINK_DOWN;
	if (fate == OL_PASS && nd_is_disabled(net, ifi))
		fate = OL_DROP_ND_DISABLED;
	if (fate == OL_PASS) {
		ol_pkt_trim(p, (size_t)IP6_HLEN + h.len);
		fate = address_check(net, &h, in);
	}
	if (fate != OL_PASS)
		return net_drop(net, p, fate);
	*rx = (struct net_rx){ .what = NET_UP_DATAGRAM, .ifi = ifi };
	bool ours = for_us(net, ifi, &h, to_many, rx);
	if (!ours && (rx->multicast || to_many || !net->cfg.forward6))
		return net_drop(net, p, OL_DROP_IP_NOT_OURS);
	fate = ip6_ext_walk(net, ifi, to_many, p, &w, !ours, now);
	if (fate != OL_PASS)
		return net_drop(net, p, fate);
	if (!ours)
		return ip6_forward(net, ifi, &h, p, now);
	while (w.next == IP6_FRAGMENT) {		/* each turn takes a fragment header out */
		*pkt = p;
		fragmented = true;
		fate = fragment_input(net, ifi, to_many, &h, &w, pkt, now);
		if (fate != OL_PASS)
			return fate;
		p = *pkt;
		*pkt = NULL;
		fate = header_of(net, ifi, &h, p);
		if (fate != OL_PASS || (fate = ip6_ext_walk(net, ifi, to_many, p, &w, false, now)) != OL_PASS)
			return net_drop(net, p, fate);
	}
	rx->src = h.src;
	rx->dst = h.dst;
	rx->proto = w.next;
	rx->ttl = h.hop;
	rx->tos = h.tclass;
	rx->flow = h.flow;
	rx->ip_len = (uint16_t)w.at;
	if (w.next == IP6_NONE)
		return net_drop(net, p, OL_DONE);	/* req: 8200-4.7-a */
	ol_pkt_pull(p, w.at);
	*pkt = p;
	if (w.next != PROTO_ICMP6)
		return OL_PASS;
	fate = icmp6_input(net, p, rx, fragmented, now);
	if (fate != OL_PASS)
		*pkt = NULL;
	return fate;
}

/* ---- out ----------------------------------------------------------------------------------------------- */

static void loop_copy(struct net *net, const struct hop *hop, const struct ol_addr *dst, const struct ol_pkt *pkt,
		      ol_time now)
{
	int lo = addr_loop(net);
	const struct iface *out = link_iface(net->link, hop->ifi);
	if (!lo || !out || out->link == OL_LINK_LOOP || !group_joined(net, hop->ifi, dst))
		return;
	struct ol_pkt *copy = ol_pkt_copy(net->pool, pkt);
	struct hop back = { .ifi = lo, .next = *dst, .mtu = UINT32_MAX };
	if (copy)
		ip_send(net, &back, copy, true, now);
}

enum ol_fate ip6_output(struct net *net, const struct net_tx *tx, struct ol_pkt *pkt, ol_time now)
{
	struct hop hop;
	if (path_find(net, &tx->dst, &tx->src, tx->ifi, &hop) != OL_OK)
		return net_drop(net, pkt, OL_DROP_IP_NO_ROUTE);
	if (!hop.src.ver)
		return net_drop(net, pkt, OL_DROP_IP_NO_SOURCE);
	if (pkt->len > 65535 || ol_pkt_headroom(pkt) < IP6_HLEN)
		return net_drop(net, pkt, OL_DROP_IP_TOO_BIG);
	struct ip6_hdr h = { .src = hop.src, .dst = tx->dst, .flow = tx->flow, .len = (uint16_t)pkt->len,
		.tclass = tx->tos,
		.next = tx->proto, .hop = tx->ttl ? tx->ttl : hop.multicast ? 1 : hop.hop_limit };
	wire_ip6_build(ol_pkt_push(pkt, IP6_HLEN), &h);
	if (hop.multicast && !tx->noloop)
		loop_copy(net, &hop, &tx->dst, pkt, now);
	if (tx->probe)
		hop.mtu = hop.link_mtu;
	if (tx->mtu && tx->mtu < hop.mtu)
		hop.mtu = tx->mtu;
	return ip_send(net, &hop, pkt, !tx->df, now);
}
