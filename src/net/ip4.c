/*
 * IPv4 in and out: RFC 791, RFC 1122 3.2.1 in its order (version, checksum, addresses, options, reassembly), RFC 6864.
 * Options are ip4_opt.c's.
 */
#include "net/ip4_opt.h"
#include <string.h>

/* ---- in ------------------------------------------------------------------------------------------------ */

static enum ol_fate source_check(const struct net *net, const struct ip4_hdr *h, const struct iface *in)
{
	int ifi;
	if (in->link == OL_LINK_LOOP)
		return OL_PASS;
	bool limited = h->dst.b[0] == 255 && net_is_broadcast(net, &h->dst);
	if (ol_addr_is_loopback(&h->src) || ol_addr_is_loopback(&h->dst))
		return OL_DROP_IP_SOURCE;		/* req: 1122-3.2.1.3-g */
	if (h->src.b[0] >= 224)
		return OL_DROP_IP_SOURCE;		/* multicast, class E, 255.255.255.255 */
	if (h->src.b[0] == 0 && !(ol_addr_is_any(&h->src) && (limited || ol_addr_is_multicast(&h->dst))))
		return OL_DROP_IP_SOURCE;		/* only a host that learns its address has none */
	return addr_kind(net, &h->src, &ifi) == LOCAL_NO ? OL_PASS : OL_DROP_IP_SOURCE;	/* a broadcast, or ourselves */
}

/* Is it for us?  The kinds of delivery are noted in *rx. */
static bool for_us(const struct net *net, int ifi, const struct iface *in, const struct ip4_hdr *h, bool to_many,
		   struct net_rx *rx)
{
	int owner;
	enum local_kind kind = addr_kind(net, &h->dst, &owner);
	rx->multicast = ol_addr_is_multicast(&h->dst);
	rx->broadcast = kind == LOCAL_BROADCAST;
	if (rx->multicast)
		return group_joined(net, ifi, &h->dst);
	if (kind == LOCAL_BROADCAST)			/* of this wire, or of all; lo brings copies of our own */
		return !owner || owner == ifi || in->link == OL_LINK_LOOP || addr_owned_by(net, ifi, &h->src);
	if (to_many)
		return false;				/* req: 1122-3.3.6-f */
	return kind == LOCAL_UNICAST || (net->cfg.any_local && !ol_addr_is_any(&h->dst));
}

static enum ol_fate reassemble(struct net *net, int ifi, bool to_many, const struct ip4_hdr *h, struct ol_pkt **pkt,
			       ol_time now)
{
	struct reass_frag f = { .src = h->src, .dst = h->dst, .id = h->id, .proto = h->proto, .ifi = ifi,
		.to_many = to_many, .off = h->off, .mf = h->mf, .hlen = h->hlen, .ecn = h->tos & 3 };
	struct ol_pkt *p = *pkt;
	*pkt = NULL;
	if ((uint32_t)h->off + h->len > IP4_MAX || (h->mf && (h->len - h->hlen) % 8) || h->len == h->hlen)
		return net_drop(net, p, OL_DROP_FRAG_BAD);
	return reass_input(net, &f, p, pkt, now);
}

enum ol_fate ip4_input(struct net *net, int ifi, bool to_many, struct ol_pkt **pkt, struct net_rx *rx, ol_time now)
{
	const struct iface *in = link_iface(net->link, ifi);
	struct ol_pkt *p = *pkt;
	struct ip4_hdr h;
	*pkt = NULL;
	enum ol_fate fate = in ? wire_ip4_parse(&h, p->data, p->len) : OL_DROP_LINK_DOWN;
	if (fate != OL_PASS)
		return net_drop(net, p, fate);
	ol_pkt_trim(p, h.len);				/* req: 791-3.1-b: padding is no part of it */
	*rx = (struct net_rx){ .what = NET_UP_DATAGRAM, .ifi = ifi };
	bool ours = for_us(net, ifi, in, &h, to_many, rx);
	if ((fate = source_check(net, &h, in)) != OL_PASS ||
	    (h.hlen > IP4_HLEN && (fate = ip4_opts_check(net, ifi, to_many, &h, p, ours, now)) != OL_PASS))
		return net_drop(net, p, fate);
	if (ours && h.hlen > IP4_HLEN && net->cfg.forward4 && ip4_opts_leads_on(&h)) {
		fate = ip4_opts_lead_on(net, ifi, p, &h, now);
		return fate == OL_PASS ? ip4_forward(net, ifi, &h, p, now) : net_drop(net, p, fate);
	}
	if (!ours) {
		if (to_many || rx->multicast || rx->broadcast || !net->cfg.forward4)
			return net_drop(net, p, OL_DROP_IP_NOT_OURS);
		return ip4_forward(net, ifi, &h, p, now);
	}
	*pkt = p;
	if (ip4_is_fragment(&h)) {
		fate = reassemble(net, ifi, to_many, &h, pkt, now);
		if (fate != OL_PASS)
			return fate;
		p = *pkt;
		if (wire_ip4_parse(&h, p->data, p->len) != OL_PASS) {
			*pkt = NULL;
			return net_drop(net, p, OL_DROP_FRAG_BAD);
		}
	}
	rx->src = h.src;
	rx->dst = h.dst;
	rx->proto = h.proto;
	rx->ttl = h.ttl;
	rx->tos = h.tos;
	rx->ip_len = h.hlen;
	ol_pkt_pull(p, h.hlen);
	if (h.proto != PROTO_ICMP && h.proto != PROTO_IGMP)
		return OL_PASS;
	fate = h.proto == PROTO_ICMP ? icmp4_input(net, p, rx, now) : igmp_input(net, p, rx, now);
	if (fate != OL_PASS)
		*pkt = NULL;
	return fate;
}

/* ---- out ----------------------------------------------------------------------------------------------- */

/* Our own hosts hear our broadcasts and the groups they belong to: by a copy through lo. */
static void loop_copy(struct net *net, const struct hop *hop, const struct ol_addr *dst, const struct ol_pkt *pkt,
		      ol_time now)
{
	int lo = addr_loop(net);
	const struct iface *out = link_iface(net->link, hop->ifi);
	if (!lo || !out || out->link == OL_LINK_LOOP || (hop->multicast && !group_joined(net, hop->ifi, dst)))
		return;
	struct ol_pkt *copy = ol_pkt_copy(net->pool, pkt);
	if (!copy)
		return;
	struct hop back = { .ifi = lo, .next = *dst, .mtu = UINT32_MAX };
	ip_send(net, &back, copy, true, now);
}

/* RFC 6864 4.1: an identification matters only where the datagram may come in pieces. */
static uint16_t id_for(struct net *net, const struct ip4_hdr *h)
{
	return h->df ? 0 : (uint16_t)ip_next_id(net, &h->src, &h->dst, h->proto);
}

/* IP_HDRINCL: the raw socket wrote the header; what Linux fills in (raw(7)) is filled in, and a TTL that is none (RFC 1122 3.2.1.7). */
static enum ol_fate output_hdrincl(struct net *net, const struct net_tx *tx, struct ol_pkt *pkt, ol_time now)
{
	struct hop hop;
	struct ip4_hdr h;
	if (pkt->len < IP4_HLEN || pkt->len > IP4_MAX || wire_ip4_parse_quoted(&h, pkt->data, pkt->len) != OL_PASS)
		return net_drop(net, pkt, OL_DROP_IP_SHORT);
	if (path_find(net, &tx->dst, ol_addr_is_any(&h.src) ? &tx->src : &h.src, tx->ifi, &hop) != OL_OK)
		return net_drop(net, pkt, OL_DROP_IP_NO_ROUTE);
	if (hop.broadcast && !tx->broadcast)
		return net_drop(net, pkt, OL_DROP_IP_BROADCAST);
	h.len = (uint16_t)pkt->len;
	if (ol_addr_is_any(&h.src) && hop.src.ver)
		h.src = hop.src;
	if (!h.ttl)
		h.ttl = net->cfg.ttl;
	if (!h.id && !h.df)
		h.id = id_for(net, &h);
	wire_ip4_build(pkt->data, &h);
	return ip_send(net, &hop, pkt, !h.df, now);
}

enum ol_fate ip4_output(struct net *net, const struct net_tx *tx, struct ol_pkt *pkt, ol_time now)
{
	struct hop hop;
	uint8_t opt[IP4_OPT_MAX], hlen = (uint8_t)(IP4_HLEN + (tx->opts ? tx->opts->len : 0));
	struct ol_addr to = tx->dst;			/* of a source route: its first hop */
	if (tx->hdrincl)
		return output_hdrincl(net, tx, pkt, now);
	if (tx->opts)
		net_ip4_opts_via(tx->opts, &to);
	if (path_find(net, &to, &tx->src, tx->ifi, &hop) != OL_OK)
		return net_drop(net, pkt, OL_DROP_IP_NO_ROUTE);
	if (tx->probe)
		hop.mtu = hop.link_mtu;
	if (!hop.src.ver && !(hop.broadcast && tx->broadcast))
		return net_drop(net, pkt, OL_DROP_IP_NO_SOURCE);
	if (hop.broadcast && !tx->broadcast)
		return net_drop(net, pkt, OL_DROP_IP_BROADCAST);
	if (pkt->len + hlen > IP4_MAX || ol_pkt_headroom(pkt) < hlen)
		return net_drop(net, pkt, OL_DROP_IP_TOO_BIG);
	struct ip4_hdr h = { .src = hop.src, .dst = to, .len = (uint16_t)(pkt->len + hlen), .hlen = hlen, .opt = opt,
		.tos = tx->tos, .proto = tx->proto, .df = tx->df,
		.ttl = tx->ttl ? tx->ttl : hop.multicast ? 1 : net->cfg.ttl };
	h.src.ver = 4;					/* none there is: 0.0.0.0, for a host that learns its address */
	h.id = id_for(net, &h);
	if (tx->opts)
		ip4_opts_put(opt, tx->opts, net, &h.src, &tx->dst, now);
	wire_ip4_build(ol_pkt_push(pkt, hlen), &h);
	if (hop.broadcast || (hop.multicast && !tx->noloop))
		loop_copy(net, &hop, &h.dst, pkt, now);
	return ip_send(net, &hop, pkt, !tx->df, now);
}
