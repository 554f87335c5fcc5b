/*
 * Control messages beside datagrams: those a program sends with one (ip(7), ipv6(7), RFC 3542 6) and those it asked to
 * receive; of streams times and TCP_CM_INQ.  Both buffers are the program's: what is read is checked, what is written fits or says MSG_CTRUNC.
 */
#include <sys/types.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include "base/check.h"
#include "sock/sock_int.h"

/* ---- sending --------------------------------------------------------------------------------------------------- */
static bool take(const struct cmsghdr *c, void *to, size_t size)
{
	if (c->cmsg_len < CMSG_LEN(size))
		return false;
	memcpy(to, CMSG_DATA(c), size);
	return true;
}

static int in_range(const struct cmsghdr *c, int lo, int hi, int *out)
{
	int v;
	if (!take(c, &v, sizeof v) || v < lo || v > hi)
		return -EINVAL;
	*out = v;
	return 0;
}

static int cmsg_ip(struct sock *s, const struct cmsghdr *c, struct dgram_to *to)
{
	struct in_pktinfo info;
	switch (c->cmsg_type) {
	case IP_PKTINFO:
		if (!take(c, &info, sizeof info) || info.ipi_ifindex < 0)
			return -EINVAL;
		to->ifi = info.ipi_ifindex;
		to->src = ol_addr_from(4, &info.ipi_spec_dst);
		return 0;
	case IP_TTL:
		return in_range(c, 1, 255, &to->ttl);
	case IP_TOS:
		if (c->cmsg_len == CMSG_LEN(1)) {
			to->tos = *(const uint8_t *)CMSG_DATA(c);
			return 0;
		}
		return in_range(c, 0, 255, &to->tos);
	case IP_RETOPTS:
		to->has_ip4 = true;
		return net_ip4_opts_read(&to->ip4, CMSG_DATA(c), MIN(c->cmsg_len - CMSG_LEN(0), sizeof to->ip4.b));
	default:
		return -EINVAL;
	}
}

static int cmsg_ip6(struct sock *s, const struct cmsghdr *c, struct dgram_to *to)
{
	struct in6_pktinfo info;
	switch (c->cmsg_type) {
	case IPV6_PKTINFO:
		if (!take(c, &info, sizeof info) || info.ipi6_ifindex > INT32_MAX)
			return -EINVAL;
		to->ifi = (int)info.ipi6_ifindex;
		if (IN6_IS_ADDR_V4MAPPED(&info.ipi6_addr))
			to->src = ol_addr_from(4, &info.ipi6_addr.s6_addr[12]);
		else
			to->src = ol_addr_from(6, &info.ipi6_addr);
		if (ol_addr_is_linklocal(&to->src) && to->src.ver == 6)
			to->src.scope = info.ipi6_ifindex;
		return 0;
	case IPV6_HOPLIMIT:			/* req: 3542-6.3-a */
		return in_range(c, -1, 255, &to->ttl);
	case IPV6_TCLASS:			/* req: 3542-6.5-a */
		return in_range(c, -1, 255, &to->tos);
	case IPV6_DONTFRAG:
		return in_range(c, 0, 1, &to->dontfrag);
	case OL_IPV6_USE_MIN_MTU:
		return in_range(c, -1, 1, &to->min_mtu);
	default:
		return -EINVAL;
	}
}

/* req: 3542-6.2-a a source a program names must be ours */
static int check_source(const struct sock *s, struct dgram_to *to)
{
	if (to->ifi && !sock_iface_known(s->ss, to->ifi))
		return -ENODEV;
	if (!to->src.ver || ol_addr_is_any(&to->src)) {
		to->src = (struct ol_addr){ 0 };
		return 0;
	}
	if (s->freebind || s->ss->cfg.nonlocal_bind || net_is_local(s->ss->net, &to->src, (int)to->src.scope))
		return 0;
	return -EINVAL;
}

int cmsg_parse(struct sock *s, const struct msghdr *msg, struct dgram_to *to)
{
	const uint8_t *p = msg->msg_control;
	size_t left = p ? msg->msg_controllen : 0;
	union { struct cmsghdr h; uint8_t bytes[CMSG_SPACE(64)]; } c;	/* an aligned copy; none we know is longer */
	while (left >= sizeof c.h) {
		memcpy(&c.h, p, sizeof c.h);
		size_t len = c.h.cmsg_len;
		if (len < sizeof c.h || len > left)
			return -EINVAL;
		memcpy(&c, p, MIN(len, sizeof c));
		int err = 0;
		if (c.h.cmsg_level == IPPROTO_IP || (c.h.cmsg_level == IPPROTO_IPV6 && s->domain == AF_INET6)) {
			if (len > sizeof c)
				return -EINVAL;
			err = c.h.cmsg_level == IPPROTO_IP ? cmsg_ip(s, &c.h, to) : cmsg_ip6(s, &c.h, to);
		} else if (c.h.cmsg_level == SOL_SOCKET) {
			err = -EINVAL;		/* nothing of that level is had here */
		}
		if (err)
			return err;
		size_t step = MIN(CMSG_ALIGN(len), left);
		p += step;
		left -= step;
	}
	return check_source(s, to);
}

/* ---- receiving ------------------------------------------------------------------------------------------------- */
void cmsg_put(struct cmsg_out *out, int level, int type, const void *data, size_t len)
{
	struct cmsghdr h = { .cmsg_level = level, .cmsg_type = type, .cmsg_len = CMSG_LEN(len) };
	size_t room = out->room - out->used;
	if (room < sizeof h) {
		out->truncated = true;
		return;
	}
	if (h.cmsg_len > room) {		/* what fits of it, as Linux's put_cmsg */
		out->truncated = true;
		h.cmsg_len = room;
	}
	memcpy(out->p + out->used, &h, sizeof h);
	memcpy(out->p + out->used + CMSG_LEN(0), data, h.cmsg_len - CMSG_LEN(0));
	out->used += MIN(CMSG_SPACE(h.cmsg_len - CMSG_LEN(0)), room);
}

struct cmsg_out cmsg_begin(const struct msghdr *msg)
{
	return (struct cmsg_out){ .p = msg->msg_control, .room = msg->msg_control ? msg->msg_controllen : 0 };
}

void cmsg_end(struct msghdr *msg, const struct cmsg_out *out)
{
	if (out->truncated)
		msg->msg_flags |= MSG_CTRUNC;
	msg->msg_controllen = out->used;
}

static void put_int(struct cmsg_out *out, int level, int type, int v)
{
	cmsg_put(out, level, type, &v, sizeof v);
}

/* The address to answer from: where it was sent to, or for what came to many an address of ours. */
static struct ol_addr answer_from(struct sock *s, const struct dgram_meta *m)
{
	struct net_path path;
	static const struct ol_addr none;
	if (net_is_local(s->ss->net, &m->to.addr, 0))
		return m->to.addr;
	return net_route(s->ss->net, &m->from.addr, &none, 0, &path) == OL_OK ? path.src : m->to.addr;
}

static void put_ip(struct sock *s, struct cmsg_out *out, const struct dgram_meta *m)
{
	if (s->recv_opts & RECV_PKTINFO4) {
		struct in_pktinfo info = { .ipi_ifindex = m->ifi };
		struct ol_addr from = answer_from(s, m);
		memcpy(&info.ipi_spec_dst, from.b, 4);
		memcpy(&info.ipi_addr, m->to.addr.b, 4);
		cmsg_put(out, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
	}
	if (s->recv_opts & RECV_TTL4)
		put_int(out, IPPROTO_IP, IP_TTL, m->ttl);
	if (s->recv_opts & RECV_TOS4)
		cmsg_put(out, IPPROTO_IP, IP_TOS, &m->tos, 1);
	if (s->recv_opts & RECV_OPTS4 && m->opts.len)
		cmsg_put(out, IPPROTO_IP, IP_RECVOPTS, m->opts.b, m->opts.len);
	if (s->recv_opts & RECV_RETOPTS4 && m->opts.len) {
		struct net_ip4_opts answer;
		net_ip4_opts_echo(&m->opts, &m->from.addr, &answer);
		cmsg_put(out, IPPROTO_IP, IP_RETOPTS, answer.b, answer.len);
	}
	if (s->recv_opts & RECV_ORIGDST4) {
		struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(m->to.port) };
		memcpy(&in.sin_addr, m->to.addr.b, 4);
		cmsg_put(out, IPPROTO_IP, IP_RECVORIGDSTADDR, &in, sizeof in);
	}
}

static void put_ip6(struct sock *s, struct cmsg_out *out, const struct dgram_meta *m)
{
	if (s->recv_opts & RECV_PKTINFO6) {
		struct in6_pktinfo info = { .ipi6_ifindex = (unsigned)m->ifi };
		sock_addr_to_in6(&m->to.addr, &info.ipi6_addr);
		cmsg_put(out, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
	}
	if (m->to.addr.ver == 6 && s->recv_opts & RECV_HOPS6)
		put_int(out, IPPROTO_IPV6, IPV6_HOPLIMIT, m->ttl);
	if (m->to.addr.ver == 6 && s->recv_opts & RECV_TCLASS6)
		put_int(out, IPPROTO_IPV6, IPV6_TCLASS, m->tos);
	if (m->to.addr.ver == 6 && s->recv_opts & RECV_ORIGDST6) {
		struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(m->to.port),
					    .sin6_scope_id = m->to.addr.scope };
		sock_addr_to_in6(&m->to.addr, &in6.sin6_addr);
		cmsg_put(out, IPPROTO_IPV6, IPV6_ORIGDSTADDR, &in6, sizeof in6);
	}
}

/* SCM_TIMESTAMPING has three times; the second is unused, the third is of hardware. */
void cmsg_put_stamp(struct cmsg_out *out, ol_time at)
{
	struct scm_timestamping ts = { .ts = { { at / OL_SEC, at % OL_SEC } } };
	cmsg_put(out, SOL_SOCKET, SCM_TIMESTAMPING, &ts, sizeof ts);
}

/* On the caller's clock: the engine knows of no other. */
void cmsg_put_time(struct sock *s, struct cmsg_out *out, ol_time at)
{
	enum { BOTH = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE };
	if (s->recv_opts & RECV_TIME) {
		struct timeval tv = { at / OL_SEC, at % OL_SEC / OL_US };
		cmsg_put(out, SOL_SOCKET, SCM_TIMESTAMP, &tv, sizeof tv);
	} else if (s->recv_opts & RECV_TIME_NS) {
		struct timespec ts = { at / OL_SEC, at % OL_SEC };
		cmsg_put(out, SOL_SOCKET, SCM_TIMESTAMPNS, &ts, sizeof ts);
	}
	if ((s->stamps & BOTH) == BOTH)
		cmsg_put_stamp(out, at);
}

/* tcp(7), TCP_INQ; Linux's tcp_inq_hint. */
void cmsg_put_inq(struct sock *s, struct cmsg_out *out)
{
	if (s->recv_opts & RECV_INQ)
		put_int(out, IPPROTO_TCP, TCP_CM_INQ, (int)MIN(tcp_inq(s->tcb), (size_t)INT_MAX));
}

static void put_path(struct cmsg_out *out, const struct dgram_meta *m)
{
	struct ip6_mtuinfo info = { .ip6m_addr = { .sin6_family = AF_INET6, .sin6_scope_id = m->from.addr.scope }, .ip6m_mtu = m->info };
	sock_addr_to_in6(&m->from.addr, &info.ip6m_addr.sin6_addr);
	cmsg_put(out, IPPROTO_IPV6, IPV6_PATHMTU, &info, sizeof info);
}

void cmsg_put_meta(struct sock *s, struct cmsg_out *out, const struct dgram_meta *m)
{
	if (m->of_path) {
		put_path(out, m);
		return;
	}
	cmsg_put_time(s, out, m->time);
	if (m->to.addr.ver == 4)
		put_ip(s, out, m);
	if (s->domain == AF_INET6)
		put_ip6(s, out, m);
}

/* recvmsg(MSG_ERRQUEUE), ip(7) IP_RECVERR: what is told, and after it who said so. */
void cmsg_put_extended(struct sock *s, struct cmsg_out *out, const struct sock_extended_err *ee, const struct ol_addr *offender)
{
	struct {
		struct sock_extended_err ee;
		union { struct sockaddr_in in; struct sockaddr_in6 in6; } who;
	} e;
	memset(&e, 0, sizeof e);
	e.ee = *ee;
	bool known = offender->ver != 0;
	if (s->domain == AF_INET) {
		e.who.in.sin_family = known ? AF_INET : AF_UNSPEC;
		memcpy(&e.who.in.sin_addr, offender->b, 4);
		cmsg_put(out, IPPROTO_IP, IP_RECVERR, &e, sizeof e.ee + sizeof e.who.in);
	} else {
		e.who.in6.sin6_family = known ? AF_INET6 : AF_UNSPEC;
		sock_addr_to_in6(offender, &e.who.in6.sin6_addr);
		e.who.in6.sin6_scope_id = offender->scope;
		cmsg_put(out, IPPROTO_IPV6, IPV6_RECVERR, &e, sizeof e.ee + sizeof e.who.in6);
	}
}

void cmsg_put_error(struct sock *s, struct cmsg_out *out, const struct dgram_meta *m)
{
	struct sock_extended_err ee = { .ee_errno = (uint32_t)-sock_errno(m->err), .ee_origin = m->origin, .ee_type = m->type,
					.ee_code = m->code, .ee_info = m->info };
	cmsg_put_extended(s, out, &ee, &m->offender);
}
