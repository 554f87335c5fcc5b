/*
 * What is not for us and we are a router: RFC 1812 5.2 and 5.3 as far as RFC 1122 3.3.5 asks, RFC 8200 3, RFC 4443 3.
 * Every reason to refuse comes before the first change, since an ICMP error quotes the datagram as it came.
 * Super-segments and owed checksums travel on as they are; the outgoing interface's floor finishes what it must.
 * Left out: sending redirects (hosts of these networks have their routes), policy, directed broadcasts.
 */
#include "net/ip4_opt.h"

/* The next datagram's whole length may be 64 KiB; what counts for the wire is one piece. */
static bool too_big(const struct ol_pkt *pkt, const struct hop *hop) { return ip_wire_len(pkt) > hop->link_mtu; }

static enum ol_fate away(struct net *net, struct hop *hop, struct ol_pkt *pkt, bool may_fragment, ol_time now)
{
	hop->mtu = hop->link_mtu;		/* a path MTU that we learnt as a host is no business of others */
	pkt->note.cause = OL_CAUSE_FORWARD;
	enum ol_fate fate = ip_send(net, hop, pkt, may_fragment, now);
	if (fate != OL_DONE)
		return fate;
	net->count[OL_FORWARDED]++;
	return OL_FORWARDED;
}

static bool ip4_may_travel(const struct ip4_hdr *h)
{
	return h->dst.b[0] != 0 && h->dst.b[0] < 224 && h->src.b[0] != 0 && !ol_addr_is_loopback(&h->dst) &&
	       !ol_addr_is_linklocal(&h->dst) && !ol_addr_is_linklocal(&h->src);
}

enum ol_fate ip4_forward(struct net *net, int ifi, const struct ip4_hdr *h, struct ol_pkt *pkt, ol_time now)
{
	struct hop hop;
	if (!ip4_may_travel(h))
		return net_drop(net, pkt, OL_DROP_IP_NOT_OURS);
	if (h->ttl <= 1) {
		icmp4_error(net, pkt->data, pkt->len, ifi, false, ICMP4_TIME_EXCEEDED, ICMP4_TTL, 0, now);
		return net_drop(net, pkt, OL_DROP_IP_TTL);
	}
	if (path_find(net, &h->dst, NULL, 0, &hop) != OL_OK) {
		icmp4_error(net, pkt->data, pkt->len, ifi, false, ICMP4_UNREACH, ICMP4_NET, 0, now);
		return net_drop(net, pkt, OL_DROP_IP_NO_ROUTE);
	}
	if (hop.local || hop.broadcast || hop.multicast)
		return net_drop(net, pkt, OL_DROP_IP_NOT_OURS);
	if (too_big(pkt, &hop) && h->df) {
		icmp4_error(net, pkt->data, pkt->len, ifi, false, ICMP4_UNREACH, ICMP4_FRAG_NEEDED,
			    hop.link_mtu & 0xffff, now);
		return net_drop(net, pkt, OL_DROP_IP_TOO_BIG);
	}
	wire_ip4_ttl_down(pkt->data);
	size_t opt_len = h->hlen - (size_t)IP4_HLEN;
	if (opt_len && hop.src.ver && ip4_opts_record(pkt->data + IP4_HLEN, opt_len, net, &hop.src, now))
		wire_ip4_set_len(pkt->data, h->len);
	return away(net, &hop, pkt, !h->df, now);
}

enum ol_fate ip6_forward(struct net *net, int ifi, const struct ip6_hdr *h, struct ol_pkt *pkt, ol_time now)
{
	struct hop hop;
	if (ol_addr_is_any(&h->src) || ol_addr_is_linklocal(&h->dst) || ol_addr_is_loopback(&h->dst))
		return net_drop(net, pkt, OL_DROP_IP_NOT_OURS);
	if (ol_addr_is_linklocal(&h->src)) {		/* RFC 4443 3.1: beyond the scope of the source */
		icmp6_error(net, pkt->data, pkt->len, ifi, false, ICMP6_UNREACH, ICMP6_SCOPE, 0, now);
		return net_drop(net, pkt, OL_DROP_IP_NOT_OURS);
	}
	if (h->hop <= 1) {
		icmp6_error(net, pkt->data, pkt->len, ifi, false, ICMP6_TIME_EXCEEDED, 0, 0, now);
		return net_drop(net, pkt, OL_DROP_IP_TTL);
	}
	if (path_find(net, &h->dst, NULL, 0, &hop) != OL_OK) {
		icmp6_error(net, pkt->data, pkt->len, ifi, false, ICMP6_UNREACH, ICMP6_NO_ROUTE, 0, now);
		return net_drop(net, pkt, OL_DROP_IP_NO_ROUTE);
	}
	if (hop.local || hop.multicast)
		return net_drop(net, pkt, OL_DROP_IP_NOT_OURS);
	if (too_big(pkt, &hop)) {
		icmp6_error(net, pkt->data, pkt->len, ifi, false, ICMP6_TOO_BIG, 0, hop.link_mtu, now);
		return net_drop(net, pkt, OL_DROP_IP_TOO_BIG);
	}
	wire_ip6_hop_down(pkt->data);
	return away(net, &hop, pkt, false, now);	/* req: 8200-4.5-a: only the source fragments */
}
