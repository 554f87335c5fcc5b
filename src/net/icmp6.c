/*
 * ICMPv6: RFC 4443.  Echo is answered, errors are checked and handed up, neighbour discovery goes to nd.c; MLD to mld.c; everything
 * is left for raw sockets afterwards (rx->local_done).  Errors are made under the rules of 2.4 (e) and the token
 * bucket of icmp4.c.
 */
#include "net/net_int.h"
#include <string.h>

enum { QUOTE_MAX = IP6_MIN_MTU - IP6_HLEN - ICMP_HLEN };

/* RFC 4443 2.4 (e).  A header chain that cannot be walked is no ICMP message, and so no ICMP error. */
static bool error_allowed(const struct ip6_hdr *h, const uint8_t *ip, size_t len, bool to_many, uint8_t type,
			  uint8_t code)
{
	bool even_to_many = type == ICMP6_TOO_BIG || (type == ICMP6_PARAM && code == ICMP6_PARAM_OPTION);
	if (ol_addr_is_any(&h->src) || ol_addr_is_multicast(&h->src))
		return false;
	if ((to_many || ol_addr_is_multicast(&h->dst)) && !even_to_many)
		return false;
	uint8_t next = h->next;
	size_t at = ip6_skip_ext(&next, ip + IP6_HLEN, len - IP6_HLEN);
	if (at == SIZE_MAX || next != PROTO_ICMP6 || IP6_HLEN + at >= len)
		return true;
	uint8_t about = ip[IP6_HLEN + at];
	return !icmp6_is_error(about) && about != ICMP6_REDIRECT;
}

void icmp6_error(struct net *net, const uint8_t *ip, size_t len, int ifi, bool to_many, uint8_t type, uint8_t code,
		 uint32_t rest, ol_time now)
{
	struct ip6_hdr h;
	struct hop hop;
	if (wire_ip6_parse_quoted(&h, ip, len) != OL_PASS)
		return;
	addr_set_scope(net, ifi, &h.src);
	addr_set_scope(net, ifi, &h.dst);
	if (!error_allowed(&h, ip, len, to_many, type, code) || !icmp_rate_ok(net, now))
		return;
	struct net_tx tx = { .dst = h.src, .proto = PROTO_ICMP6 };
	if (net_is_local(net, &h.dst, 0))
		tx.src = h.dst;				/* req: 4443-2.2-a */
	if (path_find(net, &tx.dst, &tx.src, 0, &hop) != OL_OK || !hop.src.ver)
		return;
	tx.src = hop.src;				/* the checksum needs it now */
	size_t quote = MIN(len, (size_t)QUOTE_MAX);
	struct ol_pkt *pkt = ol_pkt_new(net->pool, ICMP_HLEN + quote);
	if (!pkt) {
		net_drop(net, NULL, OL_DROP_NO_MEMORY);
		return;
	}
	uint8_t *p = ol_pkt_put(pkt, ICMP_HLEN + quote);
	memcpy(p + ICMP_HLEN, ip, quote);
	wire_icmp6_build(p, &(struct icmp_hdr){ type, code, rest }, ICMP_HLEN + quote, &tx.src, &tx.dst);
	ip6_output(net, &tx, pkt, now);
}

void icmp6_meaning(struct net_rx *rx)
{
	static const struct { uint8_t err; bool hard; } unreach[] = {
		{ OL_ERR_NETUNREACH, false }, { OL_ERR_ACCES, true }, { OL_ERR_HOSTUNREACH, false },
		{ OL_ERR_HOSTUNREACH, false }, { OL_ERR_CONNREFUSED, true }, { OL_ERR_ACCES, true },
		{ OL_ERR_ACCES, true },
	};
	rx->error.hard = false;
	rx->error.err = OL_ERR_HOSTUNREACH;
	if (rx->error.type == ICMP6_TOO_BIG)
		rx->error.err = OL_ERR_MSGSIZE;
	else if (rx->error.type == ICMP6_PARAM)
		rx->error.err = OL_ERR_PROTO;
	else if (rx->error.type == ICMP6_UNREACH && rx->error.code < ARRAY_LEN(unreach)) {
		rx->error.err = (enum ol_err)unreach[rx->error.code].err;
		rx->error.hard = unreach[rx->error.code].hard;
	}
}

/* 2.4 (d): the upper layer is found by walking the quoted headers; where that fails the message ends here. */
static enum ol_fate error_input(struct net *net, struct ol_pkt *pkt, struct net_rx *rx, const struct icmp_hdr *icmp)
{
	struct ip6_hdr q;
	const uint8_t *p = pkt->data + ICMP_HLEN;
	size_t len = pkt->len - ICMP_HLEN;
	if (icmp->type == ICMP6_TOO_BIG && icmp->rest < IP6_MIN_MTU)
		return net_drop(net, pkt, OL_DROP_ICMP_MTU);	/* RFC 8201 4: no link of IPv6 takes so little */
	if (wire_ip6_parse_quoted(&q, p, len) != OL_PASS)
		return net_drop(net, pkt, OL_DROP_ICMP_QUOTE);
	addr_set_scope(net, rx->ifi, &q.src);
	addr_set_scope(net, rx->ifi, &q.dst);
	uint8_t next = q.next;
	size_t ext = ip6_skip_ext(&next, p + IP6_HLEN, len - IP6_HLEN);
	if (ext == SIZE_MAX || !net_is_local(net, &q.src, 0))
		return net_drop(net, pkt, OL_DROP_ICMP_QUOTE);
	rx->what = NET_UP_ERROR;
	rx->error.from = rx->src;
	rx->error.type = icmp->type;
	rx->error.code = icmp->code;
	rx->error.info = icmp->type == ICMP6_TOO_BIG || icmp->type == ICMP6_PARAM ? icmp->rest : 0;
	rx->error.quote_len = (uint16_t)(IP6_HLEN + ext);
	icmp6_meaning(rx);
	rx->src = q.src;
	rx->dst = q.dst;
	rx->proto = next;
	ol_pkt_pull(pkt, ICMP_HLEN + IP6_HLEN + ext);
	return OL_PASS;
}

static void echo_reply(struct net *net, const struct ol_pkt *pkt, const struct net_rx *rx,
		       const struct icmp_hdr *icmp, ol_time now)
{
	struct hop hop;
	struct net_tx tx = { .dst = rx->src, .proto = PROTO_ICMP6, .tos = rx->tos };
	if (ol_addr_is_any(&rx->src))
		return;
	if (!rx->multicast)
		tx.src = rx->dst;			/* req: 4443-4.2-a */
	else
		tx.ifi = rx->ifi;			/* req: 4443-4.2-b: from an address of where it came in */
	if (path_find(net, &tx.dst, &tx.src, tx.ifi, &hop) != OL_OK || !hop.src.ver)
		return;
	tx.src = hop.src;
	struct ol_pkt *r = ol_pkt_from(net->pool, pkt->data, pkt->len);
	if (!r) {
		net_drop(net, NULL, OL_DROP_NO_MEMORY);
		return;
	}
	wire_icmp6_build(r->data, &(struct icmp_hdr){ ICMP6_ECHO_REPLY, 0, icmp->rest }, r->len, &tx.src, &tx.dst);
	ip6_output(net, &tx, r, now);
}

enum ol_fate icmp6_input(struct net *net, struct ol_pkt *pkt, struct net_rx *rx, bool fragmented, ol_time now)
{
	struct icmp_hdr icmp;
	enum ol_fate fate = wire_icmp6_parse(&icmp, pkt->data, pkt->len, &rx->src, &rx->dst, pkt->csum != OL_CSUM_NONE);
	if (fate != OL_PASS)
		return net_drop(net, pkt, fate);
	if (icmp6_is_error(icmp.type))
		return error_input(net, pkt, rx, &icmp);
	switch (icmp.type) {
	case ICMP6_ECHO:
		echo_reply(net, pkt, rx, &icmp, now);
		break;
	case ICMP6_ECHO_REPLY:
		break;
	case ICMP6_MLD_QUERY: case ICMP6_MLD_REPORT: case ICMP6_MLD_DONE: case ICMP6_MLD2_REPORT:
		fate = mld_input(net, pkt, rx, icmp.type, now);
		if (fate != OL_PASS)
			return net_drop(net, pkt, fate);
		break;
	case ICMP6_NS: case ICMP6_NA: case ICMP6_RS: case ICMP6_RA: case ICMP6_REDIRECT:
		fate = fragmented ? OL_DROP_ND_BAD : nd_input(net, pkt, rx, icmp.type, now);	/* req: 6980-5-b */
		if (fate != OL_PASS)
			return net_drop(net, pkt, fate);
		break;
	default:
		net->count[OL_DROP_ICMP_TYPE]++;	/* req: 4443-2.4-b; raw sockets see it still */
		break;
	}
	rx->local_done = true;
	return OL_PASS;
}
