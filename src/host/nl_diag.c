/*
 * NETLINK_SOCK_DIAG for guests, sock_diag(7): the sockets of their host, so that `ss` in a guest shows what is there.
 * SOCK_DIAG_BY_FAMILY for TCP, UDP and raw sockets of both families: lists, with the kernel's filter byte code, and single
 * sockets; extensions INFO, CONG, MEMINFO, SKMEMINFO, TOS, TCLASS, SHUTDOWN.  AF_UNIX sockets are the machine's, and the
 * answer for them ENOENT, after which programs read /proc/net/unix.  Nothing can be destroyed: EPERM.
 *
 * The inode is that of the descriptor in the guest, so that `ss -p` finds the process.
 */
#include "host/netlink.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

enum { FILTER_MAX = 4096 };

/* A socket as the request and its filter see it. */
struct seen {
	struct ol_sock_info i;
	struct gsock *gs;
	struct inet_diag_sockid id;
	uint8_t family, state;
};
struct filter { const uint8_t *code; size_t len; };

/* ---- a socket's identity ----------------------------------------------------------------------------------------- */
static void put_addr(uint32_t out[4], const struct ol_addr *a, uint8_t family)
{
	memset(out, 0, 16);
	if (a->ver == 4 && family == AF_INET6)
		out[2] = htonl(0xffff);
	if (a->ver)
		memcpy(out + (a->ver == 4 && family == AF_INET6 ? 3 : 0), a->b, a->ver == 4 ? 4 : 16);
}

static bool next(struct vhost *h, uint64_t *cursor, struct seen *s)
{
	if (!vhost_sock_next(h, cursor, &s->i, &s->gs))
		return false;
	s->family = (uint8_t)s->i.domain;
	s->state = s->i.type == SOCK_STREAM ? s->i.state : s->i.remote.addr.ver ? OL_TCP_ESTABLISHED : OL_TCP_CLOSED;
	s->id = (struct inet_diag_sockid){ .idiag_sport = htons(s->i.local.port), .idiag_dport = htons(s->i.remote.port) };
	if (s->i.type == SOCK_RAW)
		s->id.idiag_sport = htons((uint16_t)s->i.protocol);
	put_addr(s->id.idiag_src, &s->i.local.addr, s->family);
	put_addr(s->id.idiag_dst, &s->i.remote.addr, s->family);
	s->id.idiag_cookie[0] = s->gs ? s->gs->num : 0;
	return true;
}

static bool wanted(const struct seen *s, const struct inet_diag_req_v2 *req)
{
	if (req->sdiag_family && req->sdiag_family != s->family)
		return false;
	if (!(req->idiag_states >> s->state & 1))
		return false;
	switch (req->sdiag_protocol) {
	case IPPROTO_TCP: return s->i.type == SOCK_STREAM;
	case IPPROTO_UDP: return s->i.type == SOCK_DGRAM && s->i.protocol == IPPROTO_UDP;
	case IPPROTO_RAW: return s->i.type == SOCK_RAW;
	default: return false;
	}
}

/* ---- filters: programs of jumps forward, linux/inet_diag.h -------------------------------------------------------- */
static bool same_bits(const void *a, const void *b, unsigned bits)
{
	const uint8_t *x = a, *y = b;
	unsigned bytes = bits / 8, rest = bits % 8;
	return !memcmp(x, y, bytes) && (!rest || !((x[bytes] ^ y[bytes]) >> (8 - rest)));
}

static size_t operand(uint8_t code)
{
	switch (code) {
	case INET_DIAG_BC_NOP: case INET_DIAG_BC_JMP: return 0;
	case INET_DIAG_BC_S_GE: case INET_DIAG_BC_S_LE: case INET_DIAG_BC_D_GE: case INET_DIAG_BC_D_LE:
	case INET_DIAG_BC_S_EQ: case INET_DIAG_BC_D_EQ: return sizeof(struct inet_diag_bc_op);
	case INET_DIAG_BC_S_COND: case INET_DIAG_BC_D_COND: return sizeof(struct inet_diag_hostcond);
	case INET_DIAG_BC_DEV_COND: return sizeof(uint32_t);
	default: return FILTER_MAX;
	}
}

/*
 * Every command lies inside, with what it compares; jumps go forward and to commands, at most one past the end: "no".
 */
static int check(const struct filter *f)
{
	bool starts[FILTER_MAX / 4 + 2] = { false };
	struct inet_diag_bc_op op;
	if (f->len > FILTER_MAX || f->len % 4)
		return -EINVAL;
	for (size_t at = 0; at < f->len; at += op.yes) {
		if (f->len - at < sizeof op)
			return -EINVAL;
		size_t left = f->len - at;
		starts[at / 4] = true;
		memcpy(&op, f->code + at, sizeof op);
		size_t need = sizeof op + operand(op.code);
		if (need > FILTER_MAX)
			return -EOPNOTSUPP;		/* "bound automatically", marks and control groups: not had */
		if (op.yes < 4 || op.yes % 4 || op.no < 4 || op.no % 4 || op.no > left + 4 || op.yes > left || need > left)
			return -EINVAL;
		if (op.code != INET_DIAG_BC_S_COND && op.code != INET_DIAG_BC_D_COND)
			continue;
		struct inet_diag_hostcond cond;
		memcpy(&cond, f->code + at + sizeof op, sizeof cond);
		if (cond.prefix_len > (cond.family == AF_INET ? 32 : 128) || need + (cond.prefix_len + 31) / 32 * 4 > left)
			return -EINVAL;
	}
	starts[f->len / 4] = starts[f->len / 4 + 1] = true;
	for (size_t at = 0; at < f->len; at += op.yes) {
		memcpy(&op, f->code + at, sizeof op);
		if (!starts[(at + op.no) / 4])
			return -EINVAL;
	}
	return 0;
}

static bool host_matches(const struct seen *s, const uint8_t *operands, bool src)
{
	struct inet_diag_hostcond cond;
	memcpy(&cond, operands, sizeof cond);
	const uint32_t *addr = src ? s->id.idiag_src : s->id.idiag_dst;
	if (cond.port != -1 && cond.port != ntohs(src ? s->id.idiag_sport : s->id.idiag_dport))
		return false;
	if (cond.prefix_len && cond.family == AF_INET && s->family == AF_INET6) {
		if (addr[0] || addr[1] || addr[2] != htonl(0xffff))
			return false;
		addr += 3;
	} else if (cond.prefix_len && cond.family && cond.family != s->family) {
		return false;
	}
	return same_bits(addr, operands + sizeof cond, cond.prefix_len);
}

static bool passes(const struct seen *s, const struct filter *f)
{
	size_t at = 0;
	while (at < f->len) {
		struct inet_diag_bc_op op, port = { 0 };
		uint32_t ifi = 0;
		const uint8_t *operands = f->code + at + sizeof op;
		uint16_t sport = ntohs(s->id.idiag_sport), dport = ntohs(s->id.idiag_dport);
		bool yes = true;
		memcpy(&op, f->code + at, sizeof op);
		if (operand(op.code) == sizeof port)
			memcpy(&port, operands, sizeof port);
		switch (op.code) {
		case INET_DIAG_BC_JMP: yes = false; break;
		case INET_DIAG_BC_S_GE: yes = sport >= port.no; break;
		case INET_DIAG_BC_S_LE: yes = sport <= port.no; break;
		case INET_DIAG_BC_S_EQ: yes = sport == port.no; break;
		case INET_DIAG_BC_D_GE: yes = dport >= port.no; break;
		case INET_DIAG_BC_D_LE: yes = dport <= port.no; break;
		case INET_DIAG_BC_D_EQ: yes = dport == port.no; break;
		case INET_DIAG_BC_S_COND: yes = host_matches(s, operands, true); break;
		case INET_DIAG_BC_D_COND: yes = host_matches(s, operands, false); break;
		case INET_DIAG_BC_DEV_COND:
			memcpy(&ifi, operands, sizeof ifi);
			yes = ifi == s->id.idiag_if;
			break;
		default: break;
		}
		at += yes ? op.yes : op.no;
	}
	return at == f->len;
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */
static int number(const struct seen *s, int level, int name)
{
	struct vhost *h = s->gs ? s->gs->host : NULL;
	int v = 0;
	socklen_t len = sizeof v;
	if (h && s->gs->sock >= 0)
		ol_getsockopt(h->stk, s->gs->sock, level, name, &v, &len, h->svc->loop.now);
	return v;
}

static uint8_t linux_timer(unsigned timer)
{
	static const uint8_t as[] = { 0, 1, 2, 3, 4, 0, 1, 1, 0 };	/* a delayed ACK and pacing are none of ss's timers */
	return timer < ARRAY_LEN(as) ? as[timer] : 0;
}

static void put_memory(struct nl_out *o, const struct seen *s, uint8_t ext)
{
	uint32_t rmem = (uint32_t)s->i.recv_q, wmem = (uint32_t)s->i.send_q;
	uint32_t sk[SK_MEMINFO_VARS] = {
		[SK_MEMINFO_RMEM_ALLOC] = rmem, [SK_MEMINFO_RCVBUF] = (uint32_t)number(s, SOL_SOCKET, SO_RCVBUF),
		[SK_MEMINFO_WMEM_QUEUED] = wmem, [SK_MEMINFO_SNDBUF] = (uint32_t)number(s, SOL_SOCKET, SO_SNDBUF),
	};
	struct inet_diag_meminfo mem = { .idiag_rmem = rmem, .idiag_wmem = wmem };
	if (ext & 1 << (INET_DIAG_MEMINFO - 1))
		nl_attr(o, INET_DIAG_MEMINFO, &mem, sizeof mem);
	if (ext & 1 << (INET_DIAG_SKMEMINFO - 1))
		nl_attr(o, INET_DIAG_SKMEMINFO, sk, sizeof sk);
}

static void put_tcp(struct nl_out *o, const struct seen *s, uint8_t ext)
{
	union { uint8_t bytes[512]; struct tcp_info info; } v;
	socklen_t len = sizeof v;
	if (s->i.type != SOCK_STREAM || !s->gs || s->gs->sock < 0)
		return;
	struct vhost *h = s->gs->host;
	if (ext & 1 << (INET_DIAG_INFO - 1) &&
	    ol_getsockopt(h->stk, s->gs->sock, IPPROTO_TCP, TCP_INFO, &v, &len, h->svc->loop.now) == 0)
		nl_attr(o, INET_DIAG_INFO, &v, len);
	if (ext & 1 << (INET_DIAG_CONG - 1) && s->state != OL_TCP_LISTEN)
		nl_attr_str(o, INET_DIAG_CONG, s->i.congestion);
}

static uint8_t shut(uint8_t state)
{
	switch (state) {
	case OL_TCP_CLOSE_WAIT: return 1;
	case OL_TCP_FIN_WAIT_1: case OL_TCP_FIN_WAIT_2: return 2;
	case OL_TCP_CLOSING: case OL_TCP_LAST_ACK: case OL_TCP_TIME_WAIT: return 3;
	default: return 0;
	}
}

static void put_socket(struct nl_out *o, const struct seen *s, uint8_t ext, uint16_t flags)
{
	ol_time now = o->gs->host->svc->loop.now;
	bool listens = s->state == OL_TCP_LISTEN;
	struct inet_diag_msg m = {
		.idiag_family = s->family, .idiag_state = s->state, .idiag_timer = linux_timer(s->i.timer), .id = s->id,
		.idiag_rqueue = (uint32_t)s->i.recv_q,
		.idiag_wqueue = (uint32_t)(s->i.send_q + (s->gs && !listens ? gsock_unread(s->gs) : 0)),
		.idiag_uid = getuid(), .idiag_inode = s->gs ? s->gs->inode : 0,
	};
	if (m.idiag_timer && s->i.timer_at != OL_NEVER)
		m.idiag_expires = (uint32_t)(MAX(s->i.timer_at - now, 0) / OL_MS);
	memcpy(nl_begin(o, SOCK_DIAG_BY_FAMILY, flags, sizeof m), &m, sizeof m);
	if (ext & 1 << (INET_DIAG_SHUTDOWN - 1))
		nl_attr_u8(o, INET_DIAG_SHUTDOWN, s->i.type == SOCK_STREAM ? shut(s->state) : 0);
	if (ext & 1 << (INET_DIAG_TOS - 1))
		nl_attr_u8(o, INET_DIAG_TOS, (uint8_t)number(s, IPPROTO_IP, IP_TOS));
	if (s->family == AF_INET6 && ext & 1 << (INET_DIAG_TCLASS - 1))
		nl_attr_u8(o, INET_DIAG_TCLASS, (uint8_t)number(s, IPPROTO_IPV6, IPV6_TCLASS));
	if (s->family == AF_INET6 && (listens || s->state == OL_TCP_CLOSED))
		nl_attr_u8(o, INET_DIAG_SKV6ONLY, (uint8_t)number(s, IPPROTO_IPV6, IPV6_V6ONLY));
	if (s->i.type == SOCK_RAW)
		nl_attr_u8(o, INET_DIAG_PROTOCOL, (uint8_t)s->i.protocol);
	put_memory(o, s, ext);
	put_tcp(o, s, ext);
	nl_end(o);
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */
static void dump(struct nl_out *o, const struct inet_diag_req_v2 *req)
{
	struct filter f = { 0 };
	f.code = nl_find_attr(o->req, sizeof *req, INET_DIAG_REQ_BYTECODE, &f.len);
	int err = f.code ? check(&f) : 0;
	if (err) {
		nl_error(o, err);
		return;
	}
	struct seen s;
	for (uint64_t cursor = 0; next(o->gs->host, &cursor, &s);)
		if (wanted(&s, req) && (!f.code || passes(&s, &f)))
			put_socket(o, &s, req->idiag_ext, NLM_F_MULTI);
	nl_done(o);
}

static void one(struct nl_out *o, struct inet_diag_req_v2 *req)
{
	struct seen s;
	req->idiag_states = ~0u;
	for (uint64_t cursor = 0; next(o->gs->host, &cursor, &s);) {
		if (!wanted(&s, req) || s.id.idiag_sport != req->id.idiag_sport || s.id.idiag_dport != req->id.idiag_dport ||
		    memcmp(s.id.idiag_src, req->id.idiag_src, sizeof s.id.idiag_src) ||
		    memcmp(s.id.idiag_dst, req->id.idiag_dst, sizeof s.id.idiag_dst))
			continue;
		if (req->id.idiag_cookie[0] != INET_DIAG_NOCOOKIE && req->id.idiag_cookie[0] != s.id.idiag_cookie[0]) {
			nl_error(o, -ESTALE);
			return;
		}
		put_socket(o, &s, req->idiag_ext, 0);
		return;
	}
	nl_error(o, -ENOENT);
}

void nl_diag_request(struct nl_out *o)
{
	struct inet_diag_req_v2 req;
	uint8_t family = o->req->nlmsg_len > NLMSG_HDRLEN ? *(const uint8_t *)NLMSG_DATA(o->req) : 0;
	if (o->req->nlmsg_type == SOCK_DESTROY) {
		nl_error(o, -EPERM);
	} else if (o->req->nlmsg_type != SOCK_DIAG_BY_FAMILY || o->req->nlmsg_len < NLMSG_LENGTH(1)) {
		nl_error(o, -EINVAL);
	} else if (family && family != AF_INET && family != AF_INET6) {
		nl_error(o, -ENOENT);
	} else if (o->req->nlmsg_len < NLMSG_LENGTH(sizeof req)) {
		nl_error(o, -EINVAL);
	} else {
		memcpy(&req, NLMSG_DATA(o->req), sizeof req);
		bool list = (o->req->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
		if (req.sdiag_protocol != IPPROTO_TCP && req.sdiag_protocol != IPPROTO_UDP && req.sdiag_protocol != IPPROTO_RAW)
			nl_error(o, -ENOENT);
		else if (list)
			dump(o, &req);
		else
			one(o, &req);
	}
}
