/*
 * MLD messages in and out: RFC 3810 5 and 6.2, RFC 2710 3, RFC 3590 4.  What they mean is group.c's; ICMPv6's checksum was
 * looked at before.  Reports of the newest version and "done" are for routers.
 */
#include "net/group.h"
#include <string.h>

static const struct ol_addr all_routers = { .ver = 6, .b = { 0xff, 0x02, [15] = 2 } };
static const struct ol_addr mld_routers = { .ver = 6, .b = { 0xff, 0x02, [15] = 0x16 } };

/* ---- out ----------------------------------------------------------------------------------------------------------- */

/* RFC 3810 5.2.13: the interface's link-local address, or none while it has none. */
static struct ol_addr source_of(const struct net *net, int ifi)
{
	for (int i = 0; i < net->n_addr; i++)
		if (net->addr[i].ifi == ifi && net->addr[i].addr.ver == 6 && ol_addr_is_linklocal(&net->addr[i].addr) &&
		    addr_assigned(&net->addr[i]))
			return net->addr[i].addr;
	return (struct ol_addr){ .ver = 6 };
}

/* Straight to the link, behind a hop-by-hop header with router alert (RFC 2711 2.1: an MLD message) and two bytes of padding. */
static void mld_send(struct net *net, int ifi, struct ol_pkt *pkt, uint8_t type, uint32_t rest, const struct ol_addr *dst,
		     ol_time now)
{
	static const uint8_t hopopts[IP6_ALERT_LEN] = { PROTO_ICMP6, 0, IP6_OPT_ROUTER_ALERT, 2, 0, 0, 1, 0 };
	struct ol_addr src = source_of(net, ifi);
	if (nd_is_disabled(net, ifi)) {
		net_drop(net, pkt, OL_DROP_ND_DISABLED);
		return;
	}
	wire_icmp6_build(pkt->data, &(struct icmp_hdr){ type, 0, rest }, pkt->len, &src, dst);
	memcpy(ol_pkt_push(pkt, sizeof hopopts), hopopts, sizeof hopopts);
	struct ip6_hdr h = { .src = src, .dst = *dst, .len = (uint16_t)pkt->len, .next = IP6_HOPOPT, .hop = 1 };
	wire_ip6_build(ol_pkt_push(pkt, IP6_HLEN), &h);
	link_output(net->link, ifi, dst, false, pkt, now);
}

void mld_send_report(struct net *net, int ifi, struct ol_pkt *pkt, uint16_t n, ol_time now)
{
	mld_send(net, ifi, pkt, ICMP6_MLD2_REPORT, n, &mld_routers, now);
}

void mld_send_older(struct net *net, int ifi, const struct ol_addr *group, bool leaves, ol_time now)
{
	struct ol_pkt *pkt = ol_pkt_new(net->pool, MLD_LEN);
	if (!pkt) {
		net_drop(net, NULL, OL_DROP_NO_MEMORY);
		return;
	}
	memcpy(ol_pkt_put(pkt, MLD_LEN) + ICMP_HLEN, group->b, sizeof group->b);
	mld_send(net, ifi, pkt, leaves ? ICMP6_MLD_DONE : ICMP6_MLD_REPORT, 0, leaves ? &all_routers : group, now);
}

/* ---- in ------------------------------------------------------------------------------------------------------------ */

static bool query_input(struct net *net, const struct ol_pkt *pkt, const struct net_rx *rx, ol_time now)
{
	struct group_query q;
	bool older = net->cfg.force_mld_version == 1;	/* to it a newer query is one of its own with something behind it */
	if (!ip6_has_router_alert(pkt->data - rx->ip_len, rx->ip_len) ||
	    !wire_mld_query_parse(&q, pkt->data, older ? MIN(pkt->len, (uint32_t)MLD_LEN) : pkt->len))
		return false;
	group_query(net, rx->ifi, &q, now);
	return true;
}

enum ol_fate mld_input(struct net *net, const struct ol_pkt *pkt, const struct net_rx *rx, uint8_t type, ol_time now)
{
	if (type != ICMP6_MLD_QUERY && type != ICMP6_MLD_REPORT)
		return OL_PASS;
	if (!ol_addr_is_linklocal(&rx->src) || rx->ttl != 1 || pkt->len < MLD_LEN)
		return OL_DROP_MLD_BAD;
	if (type == ICMP6_MLD_QUERY)
		return query_input(net, pkt, rx, now) ? OL_PASS : OL_DROP_MLD_BAD;
	struct ol_addr group = ol_addr_from(6, pkt->data + ICMP_HLEN);
	group_heard(net, rx->ifi, &group, now);
	return OL_PASS;
}
