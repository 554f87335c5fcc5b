/*
 * NETLINK_ROUTE for guests, rtnetlink(7): which interfaces, addresses and routes their host has (getifaddrs, if_nametoindex,
 * `ip addr`, `ip route`, `ip neigh`, `ip rule`, Go's net.Interfaces).  RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE and
 * RTM_GETNEIGH, whole lists and single ones, RTM_GETRULE as a list; everything else is answered EOPNOTSUPP, or EPERM where it
 * would change something.
 */
#include "host/ifkind.h"
#include "host/netlink.h"
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>

enum { TXQLEN = 1000 };

/* ---- links ------------------------------------------------------------------------------------------------------- */
static void link_stats(struct nl_out *o, const struct ol_iface_info *info)
{
	struct rtnl_link_stats64 s = {
		.rx_packets = info->rx_packets, .rx_bytes = info->rx_bytes, .rx_dropped = info->rx_dropped,
		.tx_packets = info->tx_packets, .tx_bytes = info->tx_bytes, .tx_dropped = info->tx_dropped,
	};
	nl_attr(o, IFLA_STATS64, &s, sizeof s);
}

static void put_link(struct nl_out *o, const struct ol_iface_info *info, uint16_t flags)
{
	bool loop = info->link == OL_LINK_LOOP;
	static const uint8_t all[OL_MAC_LEN] = { 255, 255, 255, 255, 255, 255 }, none[OL_MAC_LEN];
	struct ifinfomsg i = {
		.ifi_type = if_arphrd(info->link),
		.ifi_index = info->index,
		.ifi_flags = (info->up ? (unsigned)(IFF_UP | IFF_RUNNING) | 0x10000 /* IFF_LOWER_UP */ : 0) |
			     if_kind_flags(info->link),
	};
	memcpy(nl_begin(o, RTM_NEWLINK, flags, sizeof i), &i, sizeof i);
	nl_attr_str(o, IFLA_IFNAME, info->name);
	nl_attr_u32(o, IFLA_TXQLEN, TXQLEN);
	nl_attr_u8(o, IFLA_OPERSTATE, loop ? 0 /* unknown */ : info->up ? 6 /* up */ : 2 /* down */);
	nl_attr_u8(o, IFLA_LINKMODE, 0);
	nl_attr_u32(o, IFLA_MTU, info->mtu);
	nl_attr_u32(o, IFLA_GROUP, 0);
	nl_attr_u32(o, IFLA_PROMISCUITY, 0);
	nl_attr_u32(o, IFLA_NUM_TX_QUEUES, 1);
	nl_attr_u32(o, IFLA_NUM_RX_QUEUES, 1);
	nl_attr_str(o, IFLA_QDISC, "noqueue");
	if (!ol_link_is_serial(info->link)) {		/* a line has two ends and no addresses */
		nl_attr(o, IFLA_ADDRESS, loop ? none : info->mac.b, OL_MAC_LEN);
		nl_attr(o, IFLA_BROADCAST, loop ? none : all, OL_MAC_LEN);
	}
	link_stats(o, info);
	nl_end(o);
}

static void get_link(struct nl_out *o, bool dump)
{
	struct ol_stack *stk = o->gs->host->stk;
	struct ifinfomsg want = { 0 };
	struct ol_iface_info info;
	if (o->req->nlmsg_len >= NLMSG_LENGTH(sizeof want))
		memcpy(&want, NLMSG_DATA(o->req), sizeof want);
	size_t len = 0;
	const char *name = nl_find_attr(o->req, sizeof want, IFLA_IFNAME, &len);
	for (int i = ol_iface_next(stk, 0); i; i = ol_iface_next(stk, i)) {
		ol_iface_info(stk, i, &info);
		if (!dump && want.ifi_index && want.ifi_index != i)
			continue;
		if (!dump && !want.ifi_index &&
		    !(name && strlen(info.name) == strnlen(name, len) && !memcmp(name, info.name, strlen(info.name))))
			continue;
		put_link(o, &info, dump ? NLM_F_MULTI : 0);
		if (!dump)
			return;
	}
	if (dump)
		nl_done(o);
	else
		nl_error(o, -ENODEV);
}

/* ---- addresses --------------------------------------------------------------------------------------------------- */
static uint32_t seconds_left(ol_time until, ol_time now)
{
	return until == OL_NEVER ? UINT32_MAX : until <= now ? 0 : (uint32_t)MIN((until - now) / OL_SEC, (ol_time)UINT32_MAX - 1);
}

/* As Linux shows what RFC 4862 says of an address. */
static uint8_t address_flags(const struct ol_addr_info *i)
{
	static const uint8_t of_state[] = {
		[OL_ADDR_OPTIMISTIC] = IFA_F_OPTIMISTIC | IFA_F_TENTATIVE, [OL_ADDR_TENTATIVE] = IFA_F_TENTATIVE,
		[OL_ADDR_DUPLICATE] = IFA_F_DADFAILED | IFA_F_TENTATIVE,
	};
	return (uint8_t)(of_state[i->state] | (i->deprecated ? IFA_F_DEPRECATED : 0) | (i->valid_until == OL_NEVER ? IFA_F_PERMANENT : 0));
}

static void put_address(struct nl_out *o, const struct ol_iface_info *info, const struct ol_addr_info *i)
{
	const struct ol_addr *a = &i->addr;
	unsigned plen = i->plen;
	ol_time now = o->gs->host->svc->loop.now;
	struct ifaddrmsg m = {
		.ifa_family = a->ver == 4 ? AF_INET : AF_INET6,
		.ifa_prefixlen = (uint8_t)plen,
		.ifa_flags = address_flags(i),
		.ifa_scope = ol_addr_is_loopback(a)    ? RT_SCOPE_HOST
			     : ol_addr_is_linklocal(a) ? RT_SCOPE_LINK
						       : RT_SCOPE_UNIVERSE,
		.ifa_index = (unsigned)info->index,
	};
	struct ifa_cacheinfo left = { .ifa_prefered = seconds_left(i->preferred_until, now), .ifa_valid = seconds_left(i->valid_until, now) };
	memcpy(nl_begin(o, RTM_NEWADDR, NLM_F_MULTI, sizeof m), &m, sizeof m);
	nl_attr_addr(o, IFA_ADDRESS, a);
	if (a->ver == 4) {
		nl_attr_addr(o, IFA_LOCAL, a);
		if (info->link == OL_LINK_ETHER && plen < 31) {
			struct ol_addr b = *a;
			for (unsigned bit = plen; bit < 32; bit++)
				b.b[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
			nl_attr_addr(o, IFA_BROADCAST, &b);
		}
		nl_attr_str(o, IFA_LABEL, info->name);
	}
	nl_attr_u32(o, IFA_FLAGS, address_flags(i));
	nl_attr(o, IFA_CACHEINFO, &left, sizeof left);
	nl_end(o);
}

static void get_addresses(struct nl_out *o)
{
	struct ol_stack *stk = o->gs->host->stk;
	struct ifaddrmsg want = { 0 };
	if (o->req->nlmsg_len >= NLMSG_LENGTH(sizeof want))
		memcpy(&want, NLMSG_DATA(o->req), sizeof want);
	else if (o->req->nlmsg_len > NLMSG_HDRLEN)
		want.ifa_family = *(const uint8_t *)NLMSG_DATA(o->req);
	for (int i = ol_iface_next(stk, 0); i; i = ol_iface_next(stk, i)) {
		struct ol_iface_info info;
		struct ol_addr_info a;
		ol_iface_info(stk, i, &info);
		for (unsigned k = 0; !ol_addr_info(stk, i, k, &a); k++) {
			bool of_family = !want.ifa_family || want.ifa_family == (a.addr.ver == 4 ? AF_INET : AF_INET6);
			if (of_family && (!want.ifa_index || want.ifa_index == (unsigned)i))
				put_address(o, &info, &a);
		}
	}
	nl_done(o);
}

/* ---- routes ------------------------------------------------------------------------------------------------------ */
static void put_route(struct nl_out *o, const struct ol_route *r, const struct ol_addr *dst, unsigned plen, uint16_t flags)
{
	struct ol_stack *stk = o->gs->host->stk;
	struct ol_iface_info info = { 0 };
	ol_iface_info(stk, r->ifi, &info);
	bool local = info.link == OL_LINK_LOOP;
	struct rtmsg m = {
		.rtm_family = dst->ver == 4 ? AF_INET : AF_INET6,
		.rtm_dst_len = (uint8_t)plen,
		.rtm_table = local ? RT_TABLE_LOCAL : RT_TABLE_MAIN,
		.rtm_type = local ? RTN_LOCAL : RTN_UNICAST,
		.rtm_protocol = !r->gateway.ver ? RTPROT_KERNEL : r->learnt ? RTPROT_RA : RTPROT_STATIC,
		.rtm_scope = local			       ? RT_SCOPE_HOST
			     : r->gateway.ver || dst->ver == 6 ? RT_SCOPE_UNIVERSE
							       : RT_SCOPE_LINK,
	};
	memcpy(nl_begin(o, RTM_NEWROUTE, flags, sizeof m), &m, sizeof m);
	nl_attr_u32(o, RTA_TABLE, m.rtm_table);
	if (plen)
		nl_attr_addr(o, RTA_DST, dst);
	if (r->gateway.ver)
		nl_attr_addr(o, RTA_GATEWAY, &r->gateway);
	if (r->ifi)
		nl_attr_u32(o, RTA_OIF, (uint32_t)r->ifi);
	if (r->metric)
		nl_attr_u32(o, RTA_PRIORITY, r->metric);
	struct ol_addr src = r->prefsrc;
	unsigned src_plen;
	for (unsigned k = 0; !src.ver && r->ifi && !r->gateway.ver && !ol_addr_get(stk, r->ifi, k, &src, &src_plen);
	     k++)
		if (src.ver != dst->ver || !ol_addr_in_prefix(&src, &r->dst, r->plen))
			src.ver = 0;
	if (src.ver && src.ver == dst->ver)
		nl_attr_addr(o, RTA_PREFSRC, &src);
	nl_end(o);
}

static void get_routes(struct nl_out *o)
{
	uint8_t family = o->req->nlmsg_len > NLMSG_HDRLEN ? *(const uint8_t *)NLMSG_DATA(o->req) : AF_UNSPEC;
	struct ol_route r;
	for (unsigned i = 0; !ol_route_get(o->gs->host->stk, i, &r); i++)
		if (!family || family == (r.dst.ver == 4 ? AF_INET : AF_INET6))
			put_route(o, &r, &r.dst, r.plen, NLM_F_MULTI);
	nl_done(o);
}

/* The route that a datagram to one address would take: longest prefix, then lowest metric. */
static void get_route(struct nl_out *o)
{
	size_t len = 0;
	const void *dst = nl_find_attr(o->req, sizeof(struct rtmsg), RTA_DST, &len);
	if (!dst || (len != 4 && len != 16)) {
		nl_error(o, -EINVAL);
		return;
	}
	struct ol_addr a = ol_addr_from(len == 4 ? 4 : 6, dst);
	struct ol_route r, best = { .dst.ver = 0 };
	for (unsigned i = 0; !ol_route_get(o->gs->host->stk, i, &r); i++)
		if (r.dst.ver == a.ver && ol_addr_in_prefix(&a, &r.dst, r.plen) &&
		    (!best.dst.ver || r.plen > best.plen || (r.plen == best.plen && r.metric < best.metric)))
			best = r;
	if (best.dst.ver)
		put_route(o, &best, &a, len == 4 ? 32 : 128, 0);
	else
		nl_error(o, -ENETUNREACH);
}

/* ---- neighbours -------------------------------------------------------------------------------------------------- */
static uint16_t linux_state(enum ol_neigh_state state)
{
	static const uint16_t as[] = {
		[OL_NEIGH_INCOMPLETE] = NUD_INCOMPLETE, [OL_NEIGH_REACHABLE] = NUD_REACHABLE, [OL_NEIGH_STALE] = NUD_STALE,
		[OL_NEIGH_DELAY] = NUD_DELAY, [OL_NEIGH_PROBE] = NUD_PROBE, [OL_NEIGH_STATIC] = NUD_PERMANENT,
	};
	return as[state];
}

static void put_neighbour(struct nl_out *o, const struct ol_neigh *n, uint16_t flags)
{
	struct ndmsg m = {
		.ndm_family = n->addr.ver == 4 ? AF_INET : AF_INET6, .ndm_ifindex = n->ifi,
		.ndm_state = linux_state(n->state), .ndm_type = RTN_UNICAST, .ndm_flags = n->router ? NTF_ROUTER : 0,
	};
	memcpy(nl_begin(o, RTM_NEWNEIGH, flags, sizeof m), &m, sizeof m);
	nl_attr_addr(o, NDA_DST, &n->addr);
	if (n->state != OL_NEIGH_INCOMPLETE)
		nl_attr(o, NDA_LLADDR, n->mac.b, OL_MAC_LEN);
	nl_end(o);
}

static void get_neighbours(struct nl_out *o, bool dump)
{
	struct ndmsg want = { 0 };
	if (o->req->nlmsg_len >= NLMSG_LENGTH(sizeof want))
		memcpy(&want, NLMSG_DATA(o->req), sizeof want);
	else if (o->req->nlmsg_len > NLMSG_HDRLEN)
		want.ndm_family = *(const uint8_t *)NLMSG_DATA(o->req);
	size_t len = 0, link_len = 0;
	const void *dst = nl_find_attr(o->req, sizeof want, NDA_DST, &len);
	const void *link = nl_find_attr(o->req, sizeof want, NDA_IFINDEX, &link_len);
	if (dump && link && link_len == sizeof want.ndm_ifindex)
		memcpy(&want.ndm_ifindex, link, link_len);
	struct ol_neigh n;
	for (unsigned i = 0; !ol_neigh_get(o->gs->host->stk, i, &n); i++) {
		if ((want.ndm_family && want.ndm_family != (n.addr.ver == 4 ? AF_INET : AF_INET6)) ||
		    (want.ndm_ifindex && want.ndm_ifindex != n.ifi))
			continue;
		if (!dump && !(dst && len == (n.addr.ver == 4 ? 4 : 16) && !memcmp(dst, n.addr.b, len)))
			continue;
		put_neighbour(o, &n, dump ? NLM_F_MULTI : 0);
		if (!dump)
			return;
	}
	if (dump)
		nl_done(o);
	else
		nl_error(o, -ENOENT);
}

/* ---- rules: a host's own addresses before its routes; that is how every host of ours looks routes up --------------- */
static void put_rule(struct nl_out *o, uint8_t family, uint8_t table, uint32_t priority)
{
	struct fib_rule_hdr h = { .family = family, .table = table, .action = FR_ACT_TO_TBL };
	memcpy(nl_begin(o, RTM_NEWRULE, NLM_F_MULTI, sizeof h), &h, sizeof h);
	nl_attr_u32(o, FRA_TABLE, table);
	nl_attr_u32(o, FRA_SUPPRESS_PREFIXLEN, ~0u);
	if (priority)
		nl_attr_u32(o, FRA_PRIORITY, priority);
	nl_end(o);
}

static void get_rules(struct nl_out *o)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	uint8_t want = o->req->nlmsg_len > NLMSG_HDRLEN ? *(const uint8_t *)NLMSG_DATA(o->req) : AF_UNSPEC;
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		if (want && want != families[i])
			continue;
		put_rule(o, families[i], RT_TABLE_LOCAL, 0);
		put_rule(o, families[i], RT_TABLE_MAIN, 32766);
	}
	nl_done(o);
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */
/* RTM_NEWx, DELx, GETx and SETx follow each other from RTM_BASE on, four by four. */
static bool is_get(unsigned type) { return type >= RTM_BASE && (type - RTM_BASE) % 4 == 2; }

void nl_route_request(struct nl_out *o)
{
	unsigned type = o->req->nlmsg_type;
	bool dump = (o->req->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	if (type == RTM_GETLINK)
		get_link(o, dump);
	else if (type == RTM_GETADDR && dump)
		get_addresses(o);
	else if (type == RTM_GETROUTE)
		(dump ? get_routes : get_route)(o);
	else if (type == RTM_GETNEIGH)
		get_neighbours(o, dump);
	else if (type == RTM_GETRULE && dump)
		get_rules(o);
	else
		nl_error(o, is_get(type) ? -EOPNOTSUPP : -EPERM);
}
