/*
 * ICMP: RFC 792 as RFC 1122 3.2.2 has it.  Echo is answered here; errors are checked, understood and handed up to the
 * transport they quote; every message besides is for raw sockets (rx->local_done).  Errors about datagrams are made
 * here, under the prohibitions of 3.2.2 and a token bucket for both families (RFC 1812 4.3.2.8, RFC 4443 2.4 (f)).
 * Redirects are redirect4.c's.  Left out: source quench (RFC 6633: ignored), timestamp (MAY), what RFC 6918 retired.
 */
#include "net/net_int.h"
#include <string.h>

enum { QUOTE_MAX = 576 - IP4_HLEN - ICMP_HLEN, BURST = 50 };

bool icmp_rate_ok(struct net *net, ol_time now)
{
	if (!net->cfg.icmp_rate_per_s)
		return true;
	ol_time cost = OL_SEC / MIN(net->cfg.icmp_rate_per_s, (uint32_t)OL_SEC);
	ol_time most = cost * BURST > OL_SEC ? MAX(cost, OL_SEC) : cost * BURST;
	net->icmp_credit = MIN(most, net->icmp_credit + (now - net->icmp_last));
	net->icmp_last = now;
	if (net->icmp_credit < cost) {
		net->count[OL_DROP_ICMP_RATE]++;
		return false;
	}
	net->icmp_credit -= cost;
	return true;
}

/* ---- errors we make ------------------------------------------------------------------------------------ */

/* RFC 1122 3.2.2: about which datagrams no error may be sent. */
static bool error_allowed(const struct net *net, const struct ip4_hdr *h, const uint8_t *ip, size_t len, int ifi,
			  bool to_many)
{
	const struct iface *in = link_iface(net->link, ifi);
	if (to_many || h->off || ol_addr_is_multicast(&h->dst) || net_is_broadcast(net, &h->dst))
		return false;
	if (h->src.b[0] == 0 || h->src.b[0] >= 224 || net_is_broadcast(net, &h->src))
		return false;
	if (ol_addr_is_loopback(&h->src) && (!in || in->link != OL_LINK_LOOP))
		return false;
	return h->proto != PROTO_ICMP || (len > h->hlen && !icmp4_is_error(ip[h->hlen]));
}

void icmp4_error(struct net *net, const uint8_t *ip, size_t len, int ifi, bool to_many, uint8_t type, uint8_t code,
		 uint32_t rest, ol_time now)
{
	struct ip4_hdr h;
	if (wire_ip4_parse_quoted(&h, ip, len) != OL_PASS || !error_allowed(net, &h, ip, len, ifi, to_many) ||
	    !icmp_rate_ok(net, now))
		return;
	size_t quote = MIN(len, (size_t)QUOTE_MAX);
	struct ol_pkt *pkt = ol_pkt_new(net->pool, ICMP_HLEN + quote);
	if (!pkt) {
		net_drop(net, NULL, OL_DROP_NO_MEMORY);
		return;
	}
	uint8_t *p = ol_pkt_put(pkt, ICMP_HLEN + quote);
	memcpy(p + ICMP_HLEN, ip, quote);
	wire_icmp4_build(p, &(struct icmp_hdr){ type, code, rest }, ICMP_HLEN + quote);
	struct net_tx tx = { .dst = h.src, .proto = PROTO_ICMP };
	if (net_is_local(net, &h.dst, 0))
		tx.src = h.dst;			/* who was spoken to answers; a router, from where the answer leaves */
	ip4_output(net, &tx, pkt, now);
}

/* ---- errors we get ------------------------------------------------------------------------------------- */

/* RFC 1122 4.2.3.9, RFC 9293 3.9.2.2: hard ones end what is being tried.  Errors are Linux's where the RFCs leave
 * them open. */
void icmp4_meaning(struct net_rx *rx)
{
	static const struct { uint8_t err; bool hard; } unreach[] = {
		{ OL_ERR_NETUNREACH, false }, { OL_ERR_HOSTUNREACH, false }, { OL_ERR_NOPROTOOPT, true },
		{ OL_ERR_CONNREFUSED, true }, { OL_ERR_MSGSIZE, false }, { OL_ERR_OPNOTSUPP, false },
		{ OL_ERR_NETUNREACH, true }, { OL_ERR_HOSTDOWN, true }, { OL_ERR_HOSTUNREACH, true },
		{ OL_ERR_NETUNREACH, true }, { OL_ERR_HOSTUNREACH, true }, { OL_ERR_NETUNREACH, false },
		{ OL_ERR_HOSTUNREACH, false }, { OL_ERR_HOSTUNREACH, true }, { OL_ERR_HOSTUNREACH, true },
		{ OL_ERR_HOSTUNREACH, true },
	};
	rx->error.hard = false;
	rx->error.err = OL_ERR_HOSTUNREACH;
	if (rx->error.type == ICMP4_PARAM)
		rx->error.err = OL_ERR_PROTO;
	else if (rx->error.type == ICMP4_UNREACH && rx->error.code < ARRAY_LEN(unreach)) {
		rx->error.err = (enum ol_err)unreach[rx->error.code].err;
		rx->error.hard = unreach[rx->error.code].hard;
	}
}

/* RFC 1191 7.1: the next lower plateau, for routers that do not say their MTU. */
static uint32_t plateau_below(uint32_t len)
{
	static const uint16_t plateau[] = { 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296 };
	for (size_t i = 0; i < ARRAY_LEN(plateau); i++)
		if (plateau[i] < len)
			return plateau[i];
	return IP4_MIN_MTU;
}

static enum ol_fate error_input(struct net *net, struct ol_pkt *pkt, struct net_rx *rx, const struct icmp_hdr *icmp)
{
	struct ip4_hdr q;
	if (wire_ip4_parse_quoted(&q, pkt->data + ICMP_HLEN, pkt->len - ICMP_HLEN) != OL_PASS || q.off)
		return net_drop(net, pkt, OL_DROP_ICMP_QUOTE);
	if (!net_is_local(net, &q.src, 0))		/* it must be about something that we can have sent */
		return net_drop(net, pkt, OL_DROP_ICMP_QUOTE);
	rx->what = NET_UP_ERROR;
	rx->error.from = rx->src;
	rx->error.type = icmp->type;
	rx->error.code = icmp->code;
	rx->error.quote_len = q.hlen;
	if (icmp->type == ICMP4_UNREACH && icmp->code == ICMP4_FRAG_NEEDED) {
		rx->error.info = icmp->rest & 0xffff;
		if (!rx->error.info)
			rx->error.info = plateau_below(q.len);		/* req: 1191-3-b */
	} else if (icmp->type == ICMP4_PARAM) {
		rx->error.info = icmp->rest >> 24;
	}
	icmp4_meaning(rx);
	rx->src = q.src;
	rx->dst = q.dst;
	rx->proto = q.proto;
	ol_pkt_pull(pkt, ICMP_HLEN + (size_t)q.hlen);
	return OL_PASS;
}

/* ---- echo ---------------------------------------------------------------------------------------------- */

static void echo_reply(struct net *net, const struct ol_pkt *pkt, const struct net_rx *rx,
		       const struct icmp_hdr *icmp, ol_time now)
{
	bool many = rx->broadcast || rx->multicast;
	if (many && net->cfg.echo_ignore_broadcasts)
		return;					/* RFC 1122 3.2.2.6: MAY; RFC 2644's amplifiers are why */
	struct ol_pkt *r = ol_pkt_from(net->pool, pkt->data, pkt->len);
	if (!r) {
		net_drop(net, NULL, OL_DROP_NO_MEMORY);
		return;
	}
	wire_icmp4_build(r->data, &(struct icmp_hdr){ ICMP4_ECHO_REPLY, 0, icmp->rest }, r->len);
	struct net_tx tx = { .dst = rx->src, .proto = PROTO_ICMP, .tos = rx->tos };
	struct net_ip4_opts came, opts;
	if (rx->ip_len > IP4_HLEN) {			/* req: 1122-3.2.2.6-i */
		net_ip4_opts_of(net, pkt->data - rx->ip_len, rx, &came, now);
		net_ip4_opts_echo(&came, &rx->src, &opts);
		tx.opts = &opts;
	}
	if (!many)
		tx.src = rx->dst;			/* req: 1122-3.2.2.6-e */
	ip4_output(net, &tx, r, now);
}

enum ol_fate icmp4_input(struct net *net, struct ol_pkt *pkt, struct net_rx *rx, ol_time now)
{
	struct icmp_hdr icmp;
	enum ol_fate fate = wire_icmp4_parse(&icmp, pkt->data, pkt->len, pkt->csum != OL_CSUM_NONE);
	if (fate != OL_PASS)
		return net_drop(net, pkt, fate);
	switch (icmp.type) {
	case ICMP4_UNREACH: case ICMP4_TIME_EXCEEDED: case ICMP4_PARAM:
		return error_input(net, pkt, rx, &icmp);
	case ICMP4_ECHO:
		echo_reply(net, pkt, rx, &icmp, now);
		break;
	case ICMP4_REDIRECT:
		redirect4_input(net, pkt, rx, &icmp, now);
		break;
	case ICMP4_ECHO_REPLY: case ICMP4_TIMESTAMP_REPLY:
		break;
	default:
		net->count[OL_DROP_ICMP_TYPE]++;	/* req: 1122-3.2.2-a; raw sockets see it still */
		break;
	}
	rx->local_done = true;
	return OL_PASS;
}
