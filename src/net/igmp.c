/*
 * IGMP messages in and out: RFC 3376 4 and 9.1, RFC 2236 2.  What they mean is group.c's.  Only what hosts hear is taken:
 * queries, and others' reports of the older versions, which may make ours needless; the rest is for raw sockets.
 */
#include "net/group.h"
#include "base/cksum.h"
#include <string.h>

enum { IGMP_TOS = 0xc0 };			/* Internetwork Control */
static const struct ol_addr all_systems = { .ver = 4, .b = { 224, 0, 0, 1 } };
static const struct ol_addr all_routers = { .ver = 4, .b = { 224, 0, 0, 2 } };
static const struct ol_addr igmp_routers = { .ver = 4, .b = { 224, 0, 0, 22 } };

/* ---- out ----------------------------------------------------------------------------------------------------------- */

/* RFC 3376 4.2.13: an address of the interface, or none while it has none. */
static struct ol_addr source_of(const struct net *net, int ifi)
{
	for (int i = 0; i < net->n_addr; i++)
		if (net->addr[i].ifi == ifi && net->addr[i].addr.ver == 4)
			return net->addr[i].addr;
	return (struct ol_addr){ .ver = 4 };
}

/* Straight to the link, with router alert (RFC 2113 2.1); no copy for our own ears. */
static void igmp_send(struct net *net, int ifi, struct ol_pkt *pkt, const struct ol_addr *dst, ol_time now)
{
	static const uint8_t alert[4] = { IP4_OPT_RA, 4, 0, 0 };
	struct ip4_hdr h = { .src = source_of(net, ifi), .dst = *dst, .len = (uint16_t)(pkt->len + IGMP_IP_LEN),
		.hlen = IGMP_IP_LEN, .tos = IGMP_TOS, .ttl = 1, .proto = PROTO_IGMP, .df = true, .opt = alert };
	wire_ip4_build(ol_pkt_push(pkt, IGMP_IP_LEN), &h);
	link_output(net->link, ifi, dst, false, pkt, now);
}

void igmp_send_report(struct net *net, int ifi, struct ol_pkt *pkt, uint16_t n, ol_time now)
{
	wire_icmp4_build(pkt->data, &(struct icmp_hdr){ IGMP_V3_REPORT, 0, n }, pkt->len);
	igmp_send(net, ifi, pkt, &igmp_routers, now);
}

void igmp_send_older(struct net *net, int ifi, uint8_t version, const struct ol_addr *group, bool leaves, ol_time now)
{
	uint8_t type = leaves ? IGMP_LEAVE : version == 1 ? IGMP_V1_REPORT : IGMP_V2_REPORT;
	struct ol_pkt *pkt = ol_pkt_new(net->pool, IGMP_LEN);
	if (!pkt) {
		net_drop(net, NULL, OL_DROP_NO_MEMORY);
		return;
	}
	wire_icmp4_build(ol_pkt_put(pkt, IGMP_LEN), &(struct icmp_hdr){ type, 0, be32_at(group->b) }, IGMP_LEN);
	igmp_send(net, ifi, pkt, leaves ? &all_routers : group, now);
}

/* ---- in ------------------------------------------------------------------------------------------------------------ */

static bool has_router_alert(const struct ol_pkt *pkt, const struct net_rx *rx)
{
	struct ip4_hdr h;
	struct ip4_opt o;
	if (wire_ip4_parse_quoted(&h, pkt->data - rx->ip_len, rx->ip_len) != OL_PASS)
		return false;
	for (size_t at = 0; ip4_opt_next(&h, &at, &o) && o.len; )
		if (o.type == IP4_OPT_RA)
			return true;
	return false;
}

/* RFC 3376 9.1: what a host had better not believe. */
static bool query_input(struct net *net, const struct ol_pkt *pkt, const struct net_rx *rx, ol_time now)
{
	struct group_query q;
	/* RFC 2236 2.5: to an older version a newer message is one of its own with something behind it */
	bool older = net->cfg.force_igmp_version && net->cfg.force_igmp_version < 3;
	if (!wire_igmp_query_parse(&q, pkt->data, older ? IGMP_LEN : pkt->len))
		return false;
	if (q.version > 1 && !has_router_alert(pkt, rx))
		return false;
	if (ol_addr_is_any(&q.group) && rx->multicast && !ol_addr_eq(&rx->dst, &all_systems))
		return false;
	group_query(net, rx->ifi, &q, now);
	return true;
}

enum ol_fate igmp_input(struct net *net, struct ol_pkt *pkt, struct net_rx *rx, ol_time now)
{
	bool good = pkt->len >= IGMP_LEN && cksum_finish(cksum_add(0, pkt->data, pkt->len)) == 0 && rx->ttl == 1;
	if (good && pkt->data[0] == IGMP_QUERY)
		good = query_input(net, pkt, rx, now);
	else if (good && (pkt->data[0] == IGMP_V1_REPORT || pkt->data[0] == IGMP_V2_REPORT)) {
		struct ol_addr group = ol_addr_from(4, pkt->data + 4);
		group_heard(net, rx->ifi, &group, now);
	}
	if (!good)
		return net_drop(net, pkt, OL_DROP_IGMP_BAD);
	rx->local_done = true;			/* req: 3376-4-c, and no error about what nobody knows */
	return OL_PASS;
}
