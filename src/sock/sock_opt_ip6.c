/*
 * IPPROTO_IPV6: RFC 3493 5, RFC 3542, ipv6(7).  Only AF_INET6 sockets have this level.  Not had: extension headers up and
 * down (RECVHOPOPTS, RECVDSTOPTS, RECVRTHDR and their senders), IPV6_NEXTHOP, flow labels of one's own.
 */
#include <limits.h>
#include <netinet/icmp6.h>
#include <string.h>
#include "base/check.h"
#include "sock/sock_int.h"

enum { ECN_MASK = 3, DEFAULT_HOPS = 64, MIN_MTU = 1280 };

/* req: 3493-5.3-a before bind() alone, since it decides what is claimed */
static int set_v6only(struct sock *s, int v, ol_time now)
{
	if (s->claim || s->stage != SOCK_OPEN)
		return -EINVAL;
	s->v6only = v != 0;
	s->local.addr.ver = s->v6only ? 6 : 0;
	if (sock_is_stream(s))
		stream_opts(s)->v6only = s->v6only;
	if (s->udp)
		s->d->v6only = s->v6only;
	return 0;
}
static int get_v6only(struct sock *s, int *v, ol_time now) { *v = s->v6only || (s->raw != NULL); return 0; }

/* ---- on what is sent: -1 is the default, RFC 3493 5.1, RFC 3542 6.5 -------------------------------------------- */
static int set_hops(struct sock *s, int v, ol_time now)
{
	if (!v)
		return -EINVAL;
	if (s->d) {
		s->d->opts.ttl6 = v < 0 ? 0 : (uint8_t)v;
		return 0;
	}
	stream_opts(s)->ttl = v < 0 ? 0 : (uint8_t)v;
	stream_opts_changed(s, now);
	return 0;
}
static int get_hops(struct sock *s, int *v, ol_time now)
{
	int hops = s->d ? s->d->opts.ttl6 : stream_opts(s)->ttl;
	*v = hops ? hops : s->ss->cfg.hop_limit ? s->ss->cfg.hop_limit : DEFAULT_HOPS;
	return 0;
}

static int set_tclass(struct sock *s, int v, ol_time now)
{
	uint8_t tos = v < 0 ? 0 : (uint8_t)v;
	if (s->d) {
		s->d->opts.tos6 = tos;
		return 0;
	}
	struct tcp_opts *o = stream_opts(s);
	o->tos = (uint8_t)((tos & ~ECN_MASK) | (o->tos & ECN_MASK));
	stream_opts_changed(s, now);
	return 0;
}
static int get_tclass(struct sock *s, int *v, ol_time now)
{
	*v = s->d ? s->d->opts.tos6 : stream_opts(s)->tos;
	return 0;
}

static int set_pmtudisc(struct sock *s, int v, ol_time now)
{
	if (s->d) {
		s->d->opts.pmtud6 = (uint8_t)v;
		return 0;
	}
	stream_opts(s)->pmtudisc = (uint8_t)v;
	stream_opts_changed(s, now);
	return 0;
}
static int get_pmtudisc(struct sock *s, int *v, ol_time now)
{
	*v = s->d ? s->d->opts.pmtud6 : stream_opts(s)->pmtudisc;
	return 0;
}

static int set_min_hops(struct sock *s, int v, ol_time now)
{
	stream_opts(s)->min_ttl = (uint8_t)v;
	stream_opts_changed(s, now);
	return 0;
}
static int get_min_hops(struct sock *s, int *v, ol_time now) { *v = stream_opts(s)->min_ttl; return 0; }

/* ipv6(7): no fragment of ours is longer; 0 takes it back. */
static int set_mtu(struct sock *s, int v, ol_time now)
{
	if (v && v < MIN_MTU)
		return -EINVAL;
	s->d->opts.mtu6 = (uint32_t)v;
	return 0;
}

/* ---- flags ----------------------------------------------------------------------------------------------------- */
OPT_FLAG(freebind, s->freebind)
OPT_FLAG(mc_loop, s->d->opts.mc_loop6)
OPT_FLAG(mc_all, s->d->opts.mc_all6)
OPT_FLAG(dontfrag, s->d->opts.dontfrag6)
OPT_FLAG(recvpath, s->d->opts.recv_path)

OPT_WANT(recvpktinfo, RECV_PKTINFO6)
OPT_WANT(recvhops, RECV_HOPS6)
OPT_WANT(recvtclass, RECV_TCLASS6)
OPT_WANT(recvorigdst, RECV_ORIGDST6)

OPT_RECVERR(recverr6)

/* ---- the path, RFC 3542 11 ------------------------------------------------------------------------------------- */
static int set_min_mtu(struct sock *s, int v, ol_time now) { s->d->opts.min_mtu = v; return 0; }
static int get_min_mtu(struct sock *s, int *v, ol_time now) { *v = s->d->opts.min_mtu; return 0; }

/* req: 3542-11.3-a; the address means nothing there, since the socket is connected */
static int get_path(struct sock *s, void *val, socklen_t *len, ol_time now)
{
	struct ip6_mtuinfo info = { .ip6m_addr.sin6_family = AF_INET6 };
	int mtu = 0, err = opt_get_mtu(s, &mtu, now);
	info.ip6m_mtu = (uint32_t)mtu;
	return err ? err : opt_put(val, len, &info, sizeof info);
}

/* ---- IPV6_PKTINFO as an option, RFC 3542 6 --------------------------------------------------------------------- */
static int read_info(struct sock *s, const void *val, socklen_t len, struct in6_pktinfo *info)
{
	if (len < (socklen_t)sizeof *info)
		return -EINVAL;
	memcpy(info, val, sizeof *info);
	if (info->ipi6_ifindex > INT_MAX)
		return -EINVAL;
	return info->ipi6_ifindex && !sock_iface_known(s->ss, (int)info->ipi6_ifindex) ? -ENODEV : 0;
}

/* A link-local source is one only together with its interface. */
static int set_info(struct sock *s, const void *val, socklen_t len, ol_time now)
{
	struct in6_pktinfo info;
	int err = read_info(s, val, len, &info);
	if (err)
		return err;
	struct ol_addr src = ol_addr_from(6, &info.ipi6_addr);
	if (ol_addr_is_linklocal(&src))
		src.scope = info.ipi6_ifindex;
	bool any = ol_addr_is_any(&src);
	if (!any && !s->freebind && !net_is_local(s->ss->net, &src, (int)src.scope))
		return -EINVAL;
	s->d->opts.info_if6 = (int)info.ipi6_ifindex;
	s->d->opts.info_src6 = any ? (struct ol_addr){ 0 } : src;
	return 0;
}

static int get_info(struct sock *s, void *val, socklen_t *len, ol_time now)
{
	struct in6_pktinfo info = { .ipi6_ifindex = (unsigned)s->d->opts.info_if6 };
	memcpy(&info.ipi6_addr, s->d->opts.info_src6.b, sizeof info.ipi6_addr);
	return opt_put(val, len, &info, sizeof info);
}

/*
 * req: 3542-6.2-b: a stream's source is bind()'s to choose, and its interface SO_BINDTODEVICE's; what is left to say is "none", which
 * is so anyway.
 */
static int set_no_info(struct sock *s, const void *val, socklen_t len, ol_time now)
{
	struct in6_pktinfo info;
	int err = read_info(s, val, len, &info);
	if (err)
		return err;
	return IN6_IS_ADDR_UNSPECIFIED(&info.ipi6_addr) && !info.ipi6_ifindex ? 0 : -EINVAL;
}

/* ---- multicast: RFC 3493 5.2 ----------------------------------------------------------------------------------- */
static int set_mc_hops(struct sock *s, int v, ol_time now) { s->d->opts.mc_ttl6 = v < 0 ? 1 : (uint8_t)v; return 0; }
static int get_mc_hops(struct sock *s, int *v, ol_time now) { *v = s->d->opts.mc_ttl6; return 0; }

static int set_mc_if(struct sock *s, int v, ol_time now)
{
	if (v && !sock_iface_known(s->ss, v))
		return -ENODEV;
	s->d->opts.mc_if6 = v;
	return 0;
}
static int get_mc_if(struct sock *s, int *v, ol_time now) { *v = s->d->opts.mc_if6; return 0; }

static int read_mreq(struct sock *s, const void *val, socklen_t len, struct ol_addr *group, int *ifi)
{
	struct ipv6_mreq m;
	if (len < (socklen_t)sizeof m)
		return -EINVAL;
	memcpy(&m, val, sizeof m);
	*group = ol_addr_from(6, &m.ipv6mr_multiaddr);
	*ifi = (int)m.ipv6mr_interface;
	return 0;
}

static int join(struct sock *s, const void *val, socklen_t len, ol_time now)
{
	return opt_group(s, val, len, read_mreq, group_join, now);
}
static int leave(struct sock *s, const void *val, socklen_t len, ol_time now)
{
	return opt_group(s, val, len, read_mreq, group_leave, now);
}

/* ---- raw sockets: RFC 3542 3.1, 3.2 ---------------------------------------------------------------------------- */
static int set_checksum(struct sock *s, int v, ol_time now)
{
	if (s->raw->ping || s->protocol == IPPROTO_ICMPV6)	/* always has one, where it is */
		return -EINVAL;
	if (v > 0 && v & 1)
		return -EINVAL;
	s->raw->cksum_offset = v < 0 ? -1 : v;
	return 0;
}
static int get_checksum(struct sock *s, int *v, ol_time now) { *v = s->raw->cksum_offset; return 0; }

#define ANY 0, -1
#define V6(types) ((types) | ON_V6)
static const struct opt opts[] = {
	{ IPV6_V6ONLY, V6(ON_ALL), ANY, set_v6only, get_v6only },
	{ IPV6_UNICAST_HOPS, V6(ON_ALL), -1, 255, set_hops, get_hops },
	{ IPV6_TCLASS, V6(ON_ALL), -1, 255, set_tclass, get_tclass },
	{ IPV6_MTU_DISCOVER, V6(ON_ALL), 0, PMTUD_OMIT, set_pmtudisc, get_pmtudisc },
	{ IPV6_MTU, V6(ON_STREAM), ANY, NULL, opt_get_mtu },
	{ IPV6_MTU, V6(ON_DGRAM), 0, 65535, set_mtu, opt_get_mtu },
	{ IPV6_FREEBIND, V6(ON_ALL), ANY, set_freebind, get_freebind },
	{ IPV6_MINHOPCOUNT, V6(ON_STREAM), 0, 255, set_min_hops, get_min_hops },
	{ IPV6_DONTFRAG, V6(ON_DGRAM), ANY, set_dontfrag, get_dontfrag },
	{ OL_IPV6_USE_MIN_MTU, V6(ON_DGRAM), -1, 1, set_min_mtu, get_min_mtu },	/* req: 3542-11.1-a */
	{ IPV6_RECVPATHMTU, V6(ON_DGRAM), ANY, set_recvpath, get_recvpath },
	{ IPV6_PATHMTU, V6(ON_ALL), .get_bytes = get_path },
	{ IPV6_PKTINFO, V6(ON_DGRAM), .set_bytes = set_info, .get_bytes = get_info },
	{ IPV6_PKTINFO, V6(ON_STREAM), .set_bytes = set_no_info },
	{ IPV6_RECVERR, V6(ON_DGRAM), ANY, set_recverr, get_recverr },
	{ IPV6_RECVPKTINFO, V6(ON_DGRAM), ANY, set_recvpktinfo, get_recvpktinfo },
	{ IPV6_RECVHOPLIMIT, V6(ON_DGRAM), ANY, set_recvhops, get_recvhops },
	{ IPV6_RECVTCLASS, V6(ON_DGRAM), ANY, set_recvtclass, get_recvtclass },
	{ IPV6_RECVORIGDSTADDR, V6(ON_DGRAM), ANY, set_recvorigdst, get_recvorigdst },
	{ IPV6_MULTICAST_HOPS, V6(ON_DGRAM), -1, 255, set_mc_hops, get_mc_hops },
	{ IPV6_MULTICAST_LOOP, V6(ON_DGRAM), 0, 1, set_mc_loop, get_mc_loop },
	{ IPV6_MULTICAST_ALL, V6(ON_DGRAM), 0, 1, set_mc_all, get_mc_all },
	{ IPV6_MULTICAST_IF, V6(ON_DGRAM), 0, INT_MAX, set_mc_if, get_mc_if },
	{ IPV6_CHECKSUM, V6(ON_RAW), ANY, set_checksum, get_checksum },
	{ IPV6_JOIN_GROUP, V6(ON_DGRAM), .set_bytes = join },
	{ IPV6_LEAVE_GROUP, V6(ON_DGRAM), .set_bytes = leave },
	{ MCAST_JOIN_GROUP, V6(ON_DGRAM), .set_bytes = opt_join_req },
	{ MCAST_LEAVE_GROUP, V6(ON_DGRAM), .set_bytes = opt_leave_req },
	OPT_SOURCES(V6(ON_DGRAM)),
};
const struct opt_level opt_level_ip6 = { IPPROTO_IPV6, opts, ARRAY_LEN(opts) };

/* ---- IPPROTO_ICMPV6: ICMP6_FILTER.  The option's bits block, as ours do. --------------------------------------- */
static int set_filter(struct sock *s, const void *val, socklen_t len, ol_time now)
{
	if (s->raw->ping || s->protocol != IPPROTO_ICMPV6)
		return -EOPNOTSUPP;
	memcpy(s->raw->icmp6_filter, val, MIN((size_t)len, sizeof s->raw->icmp6_filter));
	return 0;
}
static int get_filter(struct sock *s, void *val, socklen_t *len, ol_time now)
{
	if (s->raw->ping || s->protocol != IPPROTO_ICMPV6)
		return -EOPNOTSUPP;
	return opt_put(val, len, s->raw->icmp6_filter, sizeof s->raw->icmp6_filter);
}

static const struct opt icmp6_opts[] = {
	{ ICMP6_FILTER, V6(ON_RAW), .set_bytes = set_filter, .get_bytes = get_filter },
};
const struct opt_level opt_level_icmp6 = { IPPROTO_ICMPV6, icmp6_opts, ARRAY_LEN(icmp6_opts) };
