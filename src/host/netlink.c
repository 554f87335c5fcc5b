/*
 * Netlink for guests, RFC 3549 and rtnetlink(7): enough of NETLINK_ROUTE that programs learn which interfaces,
 * addresses and routes their host has (getifaddrs, if_nametoindex, `ip addr`, `ip route`, Go's net.Interfaces).
 * RTM_GETLINK, RTM_GETADDR and RTM_GETROUTE, whole lists and single ones; everything else is answered EOPNOTSUPP, or
 * EPERM where it would change something.  There are no multicast groups: nothing is ever announced.
 *
 * Each request is answered at once into the socket's pair; what does not fit waits in a bounded queue, and beyond
 * that the guest is told ENOBUFS, as netlink does.
 */
#include "host/netlink.h"
#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>

/* PART: a page, less what programs keep of it */
enum { PART = 3968, MAX_QUEUE = 1 << 20, MAX_REQUESTS = 64, TXQLEN = 1000 };

struct packet { struct list node; size_t len; uint8_t bytes[]; };
struct nl_sock { uint32_t pid, groups; struct list queue; size_t queued; };

/* An answer in the making: messages, cut into datagrams of at most PART bytes. */
struct out {
	struct gsock *gs;
	const struct nlmsghdr *req;
	uint8_t buf[8192];
	size_t len, msg;			/* bytes in buf; where the message being made begins */
};

int nl_check(int type, int protocol)
{
	if (type != SOCK_RAW && type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	return protocol == NETLINK_ROUTE ? 0 : -EPROTONOSUPPORT;
}

int nl_open(struct gsock *gs)
{
	struct nl_sock *nl = calloc(1, sizeof *nl);
	if (!nl)
		return -ENOBUFS;
	list_init(&nl->queue);
	gs->nl = nl;
	return 0;
}

void nl_close(struct gsock *gs)
{
	struct list *n;
	while ((n = list_take(&gs->nl->queue)))
		free(list_of(n, struct packet, node));
	free(gs->nl);
	gs->nl = NULL;
}

/* ---- names and options ------------------------------------------------------------------------------------------- */
int nl_bind(struct gsock *gs, const void *addr, size_t len)
{
	struct sockaddr_nl a;
	if (len < sizeof a)
		return -EINVAL;
	memcpy(&a, addr, sizeof a);
	if (a.nl_family != AF_NETLINK || (gs->nl->pid && a.nl_pid && a.nl_pid != gs->nl->pid))
		return -EINVAL;
	if (!gs->nl->pid)
		gs->nl->pid = a.nl_pid ? a.nl_pid : gs->num;
	gs->nl->groups = a.nl_groups;		/* remembered for getsockname; nothing is announced */
	return 0;
}

int nl_connect(struct gsock *gs, const void *addr, size_t len)
{
	struct sockaddr_nl a;
	if (len < sizeof a)
		return -EINVAL;
	memcpy(&a, addr, sizeof a);
	if (a.nl_family != AF_NETLINK)
		return -EINVAL;
	if (!gs->nl->pid)
		gs->nl->pid = gs->num;
	return a.nl_pid ? -ECONNREFUSED : 0;	/* only the kernel can be spoken to */
}

int nl_name(struct gsock *gs, bool own, struct sockaddr_storage *addr, socklen_t *len)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK };
	if (own) {
		a.nl_pid = gs->nl->pid;
		a.nl_groups = gs->nl->groups;
	}
	memcpy(addr, &a, sizeof a);
	*len = sizeof a;
	return 0;
}

int nl_setsockopt(struct gsock *gs, int level, int name, const void *val, size_t len)
{
	(void)gs, (void)val;
	if (len < sizeof(int))
		return -EINVAL;
	/* buffers are the pair's; timeouts too, and the runner sets them there */
	if (level == SOL_SOCKET)
		return name == SO_RCVBUF || name == SO_SNDBUF || name == SO_RCVBUFFORCE || name == SO_RCVTIMEO ||
				       name == SO_SNDTIMEO
			       ? 0
			       : -ENOPROTOOPT;
	if (level != SOL_NETLINK)
		return -ENOPROTOOPT;
	/*
	 * Errors always carry their request, and headers are always looked at strictly: what these ask for is so
	 * already.
	 */
	return name == NETLINK_EXT_ACK || name == NETLINK_GET_STRICT_CHK ? 0 : -ENOPROTOOPT;
}

int nl_getsockopt(struct gsock *gs, int level, int name, void *val, socklen_t *len)
{
	int v;
	if (level != SOL_SOCKET)
		return -ENOPROTOOPT;
	switch (name) {
	case SO_TYPE: v = gs->type; break;
	case SO_DOMAIN: v = AF_NETLINK; break;
	case SO_PROTOCOL: v = gs->protocol; break;
	case SO_RCVBUF: case SO_SNDBUF: v = 212992; break;
	default: return -ENOPROTOOPT;
	}
	*len = MIN(*len, (socklen_t)sizeof v);
	memcpy(val, &v, *len);
	return 0;
}

/* ---- making answers ---------------------------------------------------------------------------------------------- */
static bool give(struct gsock *gs, const void *bytes, size_t len)
{
	struct ipc_meta meta;
	memset(&meta, 0, sizeof meta);
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	memcpy(&meta.from, &kernel, sizeof kernel);
	meta.from_len = sizeof kernel;
	return dgram_pass(gs, bytes, len, &meta);
}

static void emit(struct out *o)
{
	struct nl_sock *nl = o->gs->nl;
	if (!o->len)
		return;
	if (list_empty(&nl->queue) && give(o->gs, o->buf, o->len)) {
		o->len = 0;
		return;
	}
	struct packet *p = nl->queued + o->len <= MAX_QUEUE ? malloc(sizeof *p + o->len) : NULL;
	if (p) {
		p->len = o->len;
		memcpy(p->bytes, o->buf, o->len);
		list_append(&nl->queue, &p->node);
		nl->queued += o->len;
	} else {
		o->gs->so_error = ENOBUFS;
	}
	o->len = 0;
}

static void *begin(struct out *o, uint16_t type, uint16_t flags, size_t fixed)
{
	if (o->len > PART / 2)			/* no message of ours is longer than half a part */
		emit(o);
	o->msg = o->len;
	struct nlmsghdr h = {
		.nlmsg_type = type, .nlmsg_flags = flags, .nlmsg_seq = o->req->nlmsg_seq, .nlmsg_pid = o->gs->nl->pid,
	};
	memcpy(o->buf + o->msg, &h, sizeof h);
	memset(o->buf + o->msg + NLMSG_HDRLEN, 0, NLMSG_ALIGN(fixed));
	o->len += NLMSG_HDRLEN + NLMSG_ALIGN(fixed);
	return o->buf + o->msg + NLMSG_HDRLEN;
}

static void end(struct out *o)
{
	uint32_t len = (uint32_t)(o->len - o->msg);
	memcpy(o->buf + o->msg, &len, sizeof len);
}

static void attr(struct out *o, uint16_t type, const void *data, size_t len)
{
	struct rtattr a = { .rta_len = (uint16_t)RTA_LENGTH(len), .rta_type = type };
	CHECK(o->len + RTA_SPACE(len) <= sizeof o->buf);
	memset(o->buf + o->len, 0, RTA_SPACE(len));
	memcpy(o->buf + o->len, &a, sizeof a);
	memcpy(o->buf + o->len + RTA_LENGTH(0), data, len);
	o->len += RTA_SPACE(len);
}

static void attr_u32(struct out *o, uint16_t type, uint32_t v) { attr(o, type, &v, sizeof v); }
static void attr_u8(struct out *o, uint16_t type, uint8_t v) { attr(o, type, &v, sizeof v); }
static void attr_str(struct out *o, uint16_t type, const char *s) { attr(o, type, s, strlen(s) + 1); }
static void attr_addr(struct out *o, uint16_t type, const struct ol_addr *a)
{
	attr(o, type, a->b, a->ver == 4 ? 4 : 16);
}

static void error(struct out *o, int err)
{
	struct nlmsgerr *e = begin(o, NLMSG_ERROR, 0, sizeof *e);
	struct nlmsgerr v = { .error = err, .msg = *o->req };
	memcpy(e, &v, sizeof v);
	end(o);
}

static void done(struct out *o)
{
	int zero = 0;
	memcpy(begin(o, NLMSG_DONE, NLM_F_MULTI, sizeof zero), &zero, sizeof zero);
	end(o);
}

/* ---- links ------------------------------------------------------------------------------------------------------- */
static void link_stats(struct out *o, const struct ol_iface_info *info)
{
	struct rtnl_link_stats64 s = {
		.rx_packets = info->rx_packets, .rx_bytes = info->rx_bytes, .rx_dropped = info->rx_dropped,
		.tx_packets = info->tx_packets, .tx_bytes = info->tx_bytes, .tx_dropped = info->tx_dropped,
	};
	attr(o, IFLA_STATS64, &s, sizeof s);
}

static void put_link(struct out *o, const struct ol_iface_info *info, uint16_t flags)
{
	bool loop = info->link == OL_LINK_LOOP;
	static const uint8_t all[OL_MAC_LEN] = { 255, 255, 255, 255, 255, 255 }, none[OL_MAC_LEN];
	struct ifinfomsg i = {
		.ifi_type = loop			  ? ARPHRD_LOOPBACK
			    : info->link == OL_LINK_ETHER ? ARPHRD_ETHER
							  : ARPHRD_NONE,
		.ifi_index = info->index,
		.ifi_flags = (info->up ? (unsigned)(IFF_UP | IFF_RUNNING) | 0x10000 /* IFF_LOWER_UP */ : 0) |
			     (unsigned)(loop ? IFF_LOOPBACK : IFF_BROADCAST | IFF_MULTICAST),
	};
	memcpy(begin(o, RTM_NEWLINK, flags, sizeof i), &i, sizeof i);
	attr_str(o, IFLA_IFNAME, info->name);
	attr_u32(o, IFLA_TXQLEN, TXQLEN);
	attr_u8(o, IFLA_OPERSTATE, loop ? 0 /* unknown */ : info->up ? 6 /* up */ : 2 /* down */);
	attr_u8(o, IFLA_LINKMODE, 0);
	attr_u32(o, IFLA_MTU, info->mtu);
	attr_u32(o, IFLA_GROUP, 0);
	attr_u32(o, IFLA_PROMISCUITY, 0);
	attr_u32(o, IFLA_NUM_TX_QUEUES, 1);
	attr_u32(o, IFLA_NUM_RX_QUEUES, 1);
	attr_str(o, IFLA_QDISC, "noqueue");
	attr(o, IFLA_ADDRESS, loop ? none : info->mac.b, OL_MAC_LEN);
	attr(o, IFLA_BROADCAST, loop ? none : all, OL_MAC_LEN);
	link_stats(o, info);
	end(o);
}

/* The attribute of this type behind a fixed part, or NULL; *len its bytes. */
static const void *find_attr(const struct nlmsghdr *req, size_t fixed, uint16_t type, size_t *len)
{
	const uint8_t *p = (const uint8_t *)req + NLMSG_HDRLEN + NLMSG_ALIGN(fixed),
		      *e = (const uint8_t *)req + req->nlmsg_len;
	struct rtattr a;
	for (int i = 0; i < 64 && p < e && (size_t)(e - p) >= sizeof a; i++) {
		memcpy(&a, p, sizeof a);
		if (a.rta_len < sizeof a || a.rta_len > (size_t)(e - p))
			return NULL;
		if ((a.rta_type & NLA_TYPE_MASK) == type) {
			*len = a.rta_len - RTA_LENGTH(0);
			return p + RTA_LENGTH(0);
		}
		if (RTA_ALIGN(a.rta_len) > (size_t)(e - p))
			return NULL;
		p += RTA_ALIGN(a.rta_len);
	}
	return NULL;
}

static void get_link(struct out *o, bool dump)
{
	struct ol_stack *stk = o->gs->host->stk;
	struct ifinfomsg want = { 0 };
	struct ol_iface_info info;
	if (o->req->nlmsg_len >= NLMSG_LENGTH(sizeof want))
		memcpy(&want, NLMSG_DATA(o->req), sizeof want);
	size_t len = 0;
	const char *name = find_attr(o->req, sizeof want, IFLA_IFNAME, &len);
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
		done(o);
	else
		error(o, -ENODEV);
}

/* ---- addresses --------------------------------------------------------------------------------------------------- */
static void put_address(struct out *o, const struct ol_iface_info *info, const struct ol_addr *a, unsigned plen)
{
	struct ifaddrmsg m = {
		.ifa_family = a->ver == 4 ? AF_INET : AF_INET6,
		.ifa_prefixlen = (uint8_t)plen,
		.ifa_flags = IFA_F_PERMANENT,
		.ifa_scope = ol_addr_is_loopback(a)    ? RT_SCOPE_HOST
			     : ol_addr_is_linklocal(a) ? RT_SCOPE_LINK
						       : RT_SCOPE_UNIVERSE,
		.ifa_index = (unsigned)info->index,
	};
	struct ifa_cacheinfo forever = { .ifa_prefered = ~0u, .ifa_valid = ~0u };
	memcpy(begin(o, RTM_NEWADDR, NLM_F_MULTI, sizeof m), &m, sizeof m);
	attr_addr(o, IFA_ADDRESS, a);
	if (a->ver == 4) {
		attr_addr(o, IFA_LOCAL, a);
		if (info->link == OL_LINK_ETHER && plen < 31) {
			struct ol_addr b = *a;
			for (unsigned bit = plen; bit < 32; bit++)
				b.b[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
			attr_addr(o, IFA_BROADCAST, &b);
		}
		attr_str(o, IFA_LABEL, info->name);
	}
	attr_u32(o, IFA_FLAGS, IFA_F_PERMANENT);
	attr(o, IFA_CACHEINFO, &forever, sizeof forever);
	end(o);
}

static void get_addresses(struct out *o)
{
	struct ol_stack *stk = o->gs->host->stk;
	struct ifaddrmsg want = { 0 };
	if (o->req->nlmsg_len >= NLMSG_LENGTH(sizeof want))
		memcpy(&want, NLMSG_DATA(o->req), sizeof want);
	else if (o->req->nlmsg_len > NLMSG_HDRLEN)
		want.ifa_family = *(const uint8_t *)NLMSG_DATA(o->req);
	for (int i = ol_iface_next(stk, 0); i; i = ol_iface_next(stk, i)) {
		struct ol_iface_info info;
		struct ol_addr a;
		unsigned plen;
		ol_iface_info(stk, i, &info);
		for (unsigned k = 0; !ol_addr_get(stk, i, k, &a, &plen); k++) {
			bool of_family = !want.ifa_family || want.ifa_family == (a.ver == 4 ? AF_INET : AF_INET6);
			if (of_family && (!want.ifa_index || want.ifa_index == (unsigned)i))
				put_address(o, &info, &a, plen);
		}
	}
	done(o);
}

/* ---- routes ------------------------------------------------------------------------------------------------------ */
static void put_route(struct out *o, const struct ol_route *r, const struct ol_addr *dst, unsigned plen, uint16_t flags)
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
		.rtm_protocol = r->gateway.ver ? RTPROT_STATIC : RTPROT_KERNEL,
		.rtm_scope = local			       ? RT_SCOPE_HOST
			     : r->gateway.ver || dst->ver == 6 ? RT_SCOPE_UNIVERSE
							       : RT_SCOPE_LINK,
	};
	memcpy(begin(o, RTM_NEWROUTE, flags, sizeof m), &m, sizeof m);
	attr_u32(o, RTA_TABLE, m.rtm_table);
	if (plen)
		attr_addr(o, RTA_DST, dst);
	if (r->gateway.ver)
		attr_addr(o, RTA_GATEWAY, &r->gateway);
	if (r->ifi)
		attr_u32(o, RTA_OIF, (uint32_t)r->ifi);
	if (r->metric)
		attr_u32(o, RTA_PRIORITY, r->metric);
	struct ol_addr src = r->prefsrc;
	unsigned src_plen;
	for (unsigned k = 0; !src.ver && r->ifi && !r->gateway.ver && !ol_addr_get(stk, r->ifi, k, &src, &src_plen);
	     k++)
		if (src.ver != dst->ver || !ol_addr_in_prefix(&src, &r->dst, r->plen))
			src.ver = 0;
	if (src.ver && src.ver == dst->ver)
		attr_addr(o, RTA_PREFSRC, &src);
	end(o);
}

static void get_routes(struct out *o)
{
	uint8_t family = o->req->nlmsg_len > NLMSG_HDRLEN ? *(const uint8_t *)NLMSG_DATA(o->req) : AF_UNSPEC;
	struct ol_route r;
	for (unsigned i = 0; !ol_route_get(o->gs->host->stk, i, &r); i++)
		if (!family || family == (r.dst.ver == 4 ? AF_INET : AF_INET6))
			put_route(o, &r, &r.dst, r.plen, NLM_F_MULTI);
	done(o);
}

/* The route that a datagram to one address would take: longest prefix, then lowest metric. */
static void get_route(struct out *o)
{
	size_t len = 0;
	const void *dst = find_attr(o->req, sizeof(struct rtmsg), RTA_DST, &len);
	if (!dst || (len != 4 && len != 16)) {
		error(o, -EINVAL);
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
		error(o, -ENETUNREACH);
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */
/* RTM_NEWx, DELx, GETx and SETx follow each other from RTM_BASE on, four by four. */
static bool is_get(unsigned type) { return type >= RTM_BASE && (type - RTM_BASE) % 4 == 2; }

static void request(struct out *o)
{
	unsigned type = o->req->nlmsg_type;
	bool dump = (o->req->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	if (type < NLMSG_MIN_TYPE)		/* NOOP, DONE and their like want no answer */
		return;
	if (type == RTM_GETLINK)
		get_link(o, dump);
	else if (type == RTM_GETADDR && dump)
		get_addresses(o);
	else if (type == RTM_GETROUTE)
		(dump ? get_routes : get_route)(o);
	else
		error(o, is_get(type) ? -EOPNOTSUPP : -EPERM);
}

int nl_send(struct gsock *gs, const void *data, size_t len)
{
	if (!gs->nl->pid)
		gs->nl->pid = gs->num;
	/* too large for comfort on the stack; one thread, and nothing re-enters */
	static struct out o;
	union { struct nlmsghdr h; uint8_t bytes[4096]; } req;
	const uint8_t *p = data;
	size_t left = len;
	o = (struct out){ .gs = gs };
	for (int i = 0; i < MAX_REQUESTS && left >= sizeof req.h; i++) {
		memcpy(&req.h, p, sizeof req.h);
		size_t n = req.h.nlmsg_len;
		if (n < sizeof req.h || n > left || n > sizeof req)
			break;
		memcpy(&req, p, n);
		o.req = &req.h;
		if (req.h.nlmsg_flags & NLM_F_REQUEST)
			request(&o);
		n = MIN(NLMSG_ALIGN(n), left);
		p += n;
		left -= n;
	}
	emit(&o);
	return (int)len;
}

/* ---- the pair ---------------------------------------------------------------------------------------------------- */
void nl_pump(struct gsock *gs)
{
	struct list *n;
	while (gs->can_out && (n = list_first(&gs->nl->queue))) {
		struct packet *p = list_of(n, struct packet, node);
		if (!give(gs, p->bytes, p->len)) {
			gs->can_out = false;
			break;
		}
		gs->nl->queued -= p->len;
		list_del(n);
		free(p);
	}
	while (gs->can_in) {
		ssize_t got = recv(gs->watch.fd, gs->host->svc->scratch, SCRATCH_LEN, MSG_DONTWAIT);
		if (got < 0 && errno == ECONNRESET)
			continue;
		if (got <= 0) {
			gs->can_in = false;
			break;
		}
		nl_send(gs, gs->host->svc->scratch, (size_t)got);
	}
	if (gs->gone)
		gsock_bury(gs, false);
}

void nl_pair_ready(struct gsock *gs, uint32_t events)
{
	if (events & EPOLLOUT)
		gs->can_out = true;
	if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		gs->can_in = true;
	if (events & (EPOLLHUP | EPOLLERR))
		gs->gone = true;
	nl_pump(gs);
}
