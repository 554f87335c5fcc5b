/*
 * IPPROTO_IP: ip(7); and the filters of raw(7).  A stream takes those that its segments show; the rest belong to datagrams.
 * Not had: IP_TRANSPARENT; IP options of streams.
 */
#include <limits.h>
#include <string.h>
#include "base/check.h"
#include "sock/sock_int.h"

enum { ECN_MASK = 3, DEFAULT_TTL = 64 };

/* The stack's own default where nobody said otherwise: what a fresh packet would carry. */
static int default_ttl(const struct sock *s) { return s->ss->cfg.ttl ? s->ss->cfg.ttl : DEFAULT_TTL; }

/* ---- on what is sent ------------------------------------------------------------------------------------------- */
static int set_tos(struct sock *s, int v, ol_time now)
{
	if (s->d) {
		s->d->opts.tos4 = (uint8_t)v;
		return 0;
	}
	struct tcp_opts *o = stream_opts(s);
	o->tos = (uint8_t)((v & ~ECN_MASK) | (o->tos & ECN_MASK));	/* ECN is TCP's own affair */
	stream_opts_changed(s, now);
	return 0;
}
static int get_tos(struct sock *s, int *v, ol_time now)
{
	*v = s->d ? s->d->opts.tos4 : stream_opts(s)->tos;
	return 0;
}

static int set_ttl(struct sock *s, int v, ol_time now)
{
	if (!v)
		return -EINVAL;
	if (s->d) {
		s->d->opts.ttl4 = v < 0 ? 0 : (uint8_t)v;
		return 0;
	}
	stream_opts(s)->ttl = v < 0 ? 0 : (uint8_t)v;
	stream_opts_changed(s, now);
	return 0;
}
static int get_ttl(struct sock *s, int *v, ol_time now)
{
	int ttl = s->d ? s->d->opts.ttl4 : stream_opts(s)->ttl;
	*v = ttl ? ttl : default_ttl(s);
	return 0;
}

static int set_min_ttl(struct sock *s, int v, ol_time now)	/* RFC 5082 */
{
	stream_opts(s)->min_ttl = (uint8_t)v;
	stream_opts_changed(s, now);
	return 0;
}
static int get_min_ttl(struct sock *s, int *v, ol_time now) { *v = stream_opts(s)->min_ttl; return 0; }

static int set_pmtudisc(struct sock *s, int v, ol_time now)
{
	if (s->d) {
		s->d->opts.pmtud4 = (uint8_t)v;
		return 0;
	}
	stream_opts(s)->pmtudisc = (uint8_t)v;
	stream_opts_changed(s, now);
	return 0;
}
static int get_pmtudisc(struct sock *s, int *v, ol_time now)
{
	*v = s->d ? s->d->opts.pmtud4 : stream_opts(s)->pmtudisc;
	return 0;
}

/* ---- flags ----------------------------------------------------------------------------------------------------- */
OPT_FLAG(freebind, s->freebind)
OPT_FLAG(no_port, s->no_port)
OPT_FLAG(hdrincl, s->d->opts.hdrincl)
OPT_FLAG(mc_loop, s->d->opts.mc_loop4)
OPT_FLAG(mc_all, s->d->opts.mc_all4)

OPT_WANT(pktinfo, RECV_PKTINFO4)
OPT_WANT(recvttl, RECV_TTL4)
OPT_WANT(recvtos, RECV_TOS4)
OPT_WANT(recvorigdst, RECV_ORIGDST4)

OPT_WANT(recvopts, RECV_OPTS4)
OPT_WANT(retopts, RECV_RETOPTS4)

OPT_RECVERR(recverr4)

/* ---- options of the header: RFC 1122 3.2.1.8, 4.1.3.2 ----------------------------------------------------------- */
static int set_options(struct sock *s, const void *val, socklen_t len, ol_time now)
{
	return net_ip4_opts_read(&s->d->opts.ip4, val, len);
}
static int get_options(struct sock *s, void *val, socklen_t *len, ol_time now)
{
	return opt_put(val, len, s->d->opts.ip4.b, s->d->opts.ip4.len);
}

/* ---- multicast ------------------------------------------------------------------------------------------------- */
static int set_mc_ttl(struct sock *s, int v, ol_time now) { s->d->opts.mc_ttl4 = v < 0 ? 1 : (uint8_t)v; return 0; }
static int get_mc_ttl(struct sock *s, int *v, ol_time now) { *v = s->d->opts.mc_ttl4; return 0; }

/* IP_MULTICAST_IF: an address of ours (in_addr, ip_mreq) or an interface (ip_mreqn). */
static int set_mc_if(struct sock *s, const void *val, socklen_t len, ol_time now)
{
	struct ip_mreqn m = { 0 };
	if (len >= (socklen_t)sizeof m)
		memcpy(&m, val, sizeof m);
	else if (len >= (socklen_t)sizeof(struct ip_mreq))
		memcpy(&m, val, sizeof(struct ip_mreq));
	else if (len >= (socklen_t)sizeof m.imr_address)
		memcpy(&m.imr_address, val, sizeof m.imr_address);
	else
		return -EINVAL;
	if (m.imr_ifindex && (m.imr_ifindex < 0 || !sock_iface_known(s->ss, m.imr_ifindex)))
		return -EADDRNOTAVAIL;
	struct ol_addr src = ol_addr_from(4, &m.imr_address);
	bool any = ol_addr_is_any(&src);
	if (!any && !net_is_local(s->ss->net, &src, m.imr_ifindex))
		return -EADDRNOTAVAIL;
	s->d->opts.mc_if4 = m.imr_ifindex;
	s->d->opts.mc_src = any ? (struct ol_addr){ 0 } : src;
	return 0;
}
static int get_mc_if(struct sock *s, void *val, socklen_t *len, ol_time now)
{
	return opt_put(val, len, s->d->opts.mc_src.b, 4);
}

static int join(struct sock *s, const void *val, socklen_t len, ol_time now)
{
	return opt_group(s, val, len, group_ip_mreq, group_join, now);
}
static int leave(struct sock *s, const void *val, socklen_t len, ol_time now)
{
	return opt_group(s, val, len, group_ip_mreq, group_leave, now);
}

#define ANY 0, -1
static const struct opt opts[] = {
	{ IP_TOS, ON_ALL, 0, 255, set_tos, get_tos },
	{ IP_TTL, ON_ALL, -1, 255, set_ttl, get_ttl },
	{ IP_MINTTL, ON_STREAM, 0, 255, set_min_ttl, get_min_ttl },
	{ IP_MTU_DISCOVER, ON_ALL, 0, PMTUD_OMIT, set_pmtudisc, get_pmtudisc },
	{ IP_MTU, ON_ALL, ANY, NULL, opt_get_mtu },
	{ IP_FREEBIND, ON_ALL, ANY, set_freebind, get_freebind },
	{ IP_BIND_ADDRESS_NO_PORT, ON_STREAM, ANY, set_no_port, get_no_port },
	{ IP_HDRINCL, ON_RAW, ANY, set_hdrincl, get_hdrincl },
	{ IP_OPTIONS, ON_DGRAM, .set_bytes = set_options, .get_bytes = get_options },
	{ IP_RECVOPTS, ON_DGRAM, ANY, set_recvopts, get_recvopts },
	{ IP_RETOPTS, ON_DGRAM, ANY, set_retopts, get_retopts },
	{ IP_RECVERR, ON_DGRAM, ANY, set_recverr, get_recverr },
	{ IP_PKTINFO, ON_DGRAM, ANY, set_pktinfo, get_pktinfo },
	{ IP_RECVTTL, ON_DGRAM, ANY, set_recvttl, get_recvttl },
	{ IP_RECVTOS, ON_DGRAM, ANY, set_recvtos, get_recvtos },
	{ IP_RECVORIGDSTADDR, ON_DGRAM, ANY, set_recvorigdst, get_recvorigdst },
	{ IP_MULTICAST_TTL, ON_DGRAM, -1, 255, set_mc_ttl, get_mc_ttl },
	{ IP_MULTICAST_LOOP, ON_DGRAM, ANY, set_mc_loop, get_mc_loop },
	{ IP_MULTICAST_ALL, ON_DGRAM, 0, 1, set_mc_all, get_mc_all },
	{ IP_MULTICAST_IF, ON_DGRAM, .set_bytes = set_mc_if, .get_bytes = get_mc_if },
	{ IP_ADD_MEMBERSHIP, ON_DGRAM, .set_bytes = join },
	{ IP_DROP_MEMBERSHIP, ON_DGRAM, .set_bytes = leave },
	{ MCAST_JOIN_GROUP, ON_DGRAM, .set_bytes = opt_join_req },
	{ MCAST_LEAVE_GROUP, ON_DGRAM, .set_bytes = opt_leave_req },
	{ IP_ADD_SOURCE_MEMBERSHIP, ON_DGRAM, .set_bytes = opt_ip_join_source },
	{ IP_DROP_SOURCE_MEMBERSHIP, ON_DGRAM, .set_bytes = opt_ip_leave_source },
	{ IP_BLOCK_SOURCE, ON_DGRAM, .set_bytes = opt_ip_block_source },
	{ IP_UNBLOCK_SOURCE, ON_DGRAM, .set_bytes = opt_ip_unblock_source },
	{ IP_MSFILTER, ON_DGRAM, .set_bytes = opt_ip_msfilter_set, .get_bytes = opt_ip_msfilter_get },
	OPT_SOURCES(ON_DGRAM),
};
const struct opt_level opt_level_ip = { IPPROTO_IP, opts, ARRAY_LEN(opts) };

/* ---- SOL_RAW: raw(7) ICMP_FILTER ------------------------------------------------------------------------------- */
enum { SOL_RAW_LEVEL = 255, ICMP_FILTER_OPT = 1 };

static int set_filter(struct sock *s, const void *val, socklen_t len, ol_time now)
{
	if (s->raw->ping || s->protocol != IPPROTO_ICMP)
		return -EOPNOTSUPP;
	memcpy(&s->raw->icmp_filter, val, MIN((size_t)len, sizeof s->raw->icmp_filter));
	return 0;
}
static int get_filter(struct sock *s, void *val, socklen_t *len, ol_time now)
{
	if (s->raw->ping || s->protocol != IPPROTO_ICMP)
		return -EOPNOTSUPP;
	return opt_put(val, len, &s->raw->icmp_filter, sizeof s->raw->icmp_filter);
}

static const struct opt raw_opts[] = {
	{ ICMP_FILTER_OPT, ON_RAW, .set_bytes = set_filter, .get_bytes = get_filter },
};
const struct opt_level opt_level_raw = { SOL_RAW_LEVEL, raw_opts, ARRAY_LEN(raw_opts) };
