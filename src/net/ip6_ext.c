/*
 * Extension headers, RFC 8200 4: in their order, each within its bounds, at most IP6_EXT_MAX of them.
 * Hop-by-hop and destination options are obeyed as far as we know any (Pad1, PadN; router alert is mld.c's concern);
 * what the two high bits of an unknown one ask is done.  No routing type is known: such headers are stepped over when
 * they are used up and refused otherwise (type 0 too, RFC 5095).  The walk stops in front of a fragment header: its
 * owner is ip6.c.
 */
#include "net/net_int.h"

bool ip6_chain_is_whole(uint8_t next, const uint8_t *p, size_t len)
{
	size_t at = ip6_skip_ext(&next, p, len);
	size_t need = next == PROTO_TCP ? 20 : next == PROTO_UDP || next == PROTO_ICMP6 ? 8 : next == IP6_NONE ? 0 : 1;
	return at != SIZE_MAX && len - at >= need;
}

/* 8200 4.2: what to do about an option nobody knows is in its own high bits. */
static enum ol_fate options_walk(struct net *net, int ifi, bool to_many, const struct ol_pkt *pkt, size_t at,
				 size_t end, ol_time now)
{
	const uint8_t *p = pkt->data;
	bool multicast = p[24] == 0xff;
	for (at += 2; at < end; ) {
		if (p[at] == IP6_OPT_PAD1) {
			at++;
			continue;
		}
		if (end - at < 2 || p[at + 1] + 2u > end - at)
			return OL_DROP_IP6_EXT;
		if (p[at] != IP6_OPT_PADN && p[at] != IP6_OPT_ROUTER_ALERT && p[at] >> 6) {
			unsigned act = p[at] >> 6;
			if (act == 2 || (act == 3 && !multicast && !to_many))
				icmp6_error(net, p, pkt->len, ifi, act == 2 ? false : to_many, ICMP6_PARAM,
					    ICMP6_PARAM_OPTION, (uint32_t)at, now);
			return OL_DROP_IP6_EXT;
		}
		at += p[at + 1] + 2u;
	}
	return OL_PASS;
}

static enum ol_fate problem(struct net *net, int ifi, bool to_many, const struct ol_pkt *pkt, uint8_t code,
			    size_t where, ol_time now)
{
	icmp6_error(net, pkt->data, pkt->len, ifi, to_many, ICMP6_PARAM, code, (uint32_t)where, now);
	return OL_DROP_IP6_EXT;
}

/* A router looks at hop-by-hop options and no further. */
enum ol_fate ip6_ext_walk(struct net *net, int ifi, bool to_many, const struct ol_pkt *pkt, struct ip6_walk *w,
			  bool router, ol_time now)
{
	const uint8_t *p = pkt->data;
	*w = (struct ip6_walk){ .next = p[6], .at = IP6_HLEN, .next_at = 6 };
	for (int i = 0; i < IP6_EXT_MAX; i++) {
		if (w->next == IP6_HOPOPT && w->at != IP6_HLEN)
			/* req: 8200-4-b, 8200-4-d */
			return problem(net, ifi, to_many, pkt, ICMP6_PARAM_NEXT, w->next_at, now);
		if ((w->next != IP6_HOPOPT && w->next != IP6_ROUTING && w->next != IP6_DSTOPT) ||
		    (router && w->next != IP6_HOPOPT))
			return OL_PASS;
		size_t n = ip6_ext_len(w->next, p + w->at, pkt->len - w->at);
		if (!n)
			return OL_DROP_IP6_EXT;
		if (w->next == IP6_ROUTING && p[w->at + 3])		/* req: 8200-4.4-b */
			return problem(net, ifi, to_many, pkt, ICMP6_PARAM_FIELD, w->at + 2, now);
		enum ol_fate fate = w->next == IP6_ROUTING ? OL_PASS
			: options_walk(net, ifi, to_many, pkt, w->at, w->at + n, now);
		if (fate != OL_PASS)
			return fate;
		w->next_at = w->at;
		w->next = p[w->at];
		w->at += n;
	}
	return OL_DROP_IP6_EXT;
}
