/*
 * recvfrom, recvmsg and recvmmsg where an address, control messages or the error queue may be asked for.
 *
 * The datagram is taken from our duplicate of the descriptor, beside it the metadata that the service sent along, and
 * both are written where the program wants them.  A connected socket gets datagrams without metadata; where the
 * program asks for the sender all the same, the service is asked who the peer is.  Of streams only an error is
 * looked at.
 */
#include "guest/msg.h"
#include "base/check.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

struct recv_state {
	unsigned i, n;
	int flags;
	ol_time until;				/* recvmmsg's timeout, looked at after each datagram as on Linux */
	ssize_t len;				/* of the datagram in hand, as it was sent */
	bool has_meta;
	struct ipc_meta meta;
	struct guest_msg m;
	uint8_t *held;				/* the datagram, while the service is asked */
	retry_fn next;				/* how the next one is got */
};

/* ---- control messages ---- */

struct ctl { size_t len; bool cut; char bytes[256]; };

static void ctl_add(struct ctl *ctl, size_t room, int level, int type, const void *data, size_t len)
{
	room = MIN(room, sizeof ctl->bytes);
	if (ctl->len + CMSG_LEN(len) > room) {
		ctl->cut = true;
		return;
	}
	struct cmsghdr h = { .cmsg_len = CMSG_LEN(len), .cmsg_level = level, .cmsg_type = type };
	memcpy(ctl->bytes + ctl->len, &h, sizeof h);
	memcpy(ctl->bytes + ctl->len + CMSG_LEN(0), data, len);
	ctl->len = MIN(ctl->len + CMSG_SPACE(len), room);
}

static void ctl_build(struct ctl *ctl, size_t room, const struct ipc_meta *meta)
{
	const struct sockaddr_in *to4 = (const struct sockaddr_in *)&meta->to;
	const struct sockaddr_in6 *to6 = (const struct sockaddr_in6 *)&meta->to;
	bool six = meta->from.ss_family == AF_INET6;
	int ttl = meta->ttl, tos = meta->tos;
	struct timeval tv = { meta->time_ns / OL_SEC, meta->time_ns % OL_SEC / OL_US };
	struct timespec ts = { meta->time_ns / OL_SEC, meta->time_ns % OL_SEC };
	if (meta->want & IPC_WANT_TIME)
		ctl_add(ctl, room, SOL_SOCKET, SCM_TIMESTAMP, &tv, sizeof tv);
	if (meta->want & IPC_WANT_TIME_NS)
		ctl_add(ctl, room, SOL_SOCKET, SCM_TIMESTAMPNS, &ts, sizeof ts);
	if (meta->want & IPC_WANT_PKTINFO && !six) {
		struct in_pktinfo pi = {
			.ipi_ifindex = meta->ifi, .ipi_spec_dst = to4->sin_addr, .ipi_addr = to4->sin_addr,
		};
		ctl_add(ctl, room, IPPROTO_IP, IP_PKTINFO, &pi, sizeof pi);
	}
	if (meta->want & IPC_WANT_PKTINFO6 && six) {
		struct in6_pktinfo pi = { .ipi6_addr = to6->sin6_addr, .ipi6_ifindex = (unsigned)meta->ifi };
		ctl_add(ctl, room, IPPROTO_IPV6, IPV6_PKTINFO, &pi, sizeof pi);
	}
	if (meta->want & IPC_WANT_PATHMTU && six) {
		struct ip6_mtuinfo path = { .ip6m_mtu = meta->mtu };
		memcpy(&path.ip6m_addr, &meta->from, sizeof path.ip6m_addr);
		ctl_add(ctl, room, IPPROTO_IPV6, IPV6_PATHMTU, &path, sizeof path);
	}
	if (meta->want & IPC_WANT_TTL)
		ctl_add(ctl, room, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_HOPLIMIT : IP_TTL, &ttl, sizeof ttl);
	if (meta->want & IPC_WANT_TOS && six)
		ctl_add(ctl, room, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof tos);
	else if (meta->want & IPC_WANT_TOS)
		ctl_add(ctl, room, IPPROTO_IP, IP_TOS, &meta->tos, sizeof meta->tos);
	if (meta->want & IPC_WANT_OPTS)
		ctl_add(ctl, room, IPPROTO_IP, IP_RECVOPTS, meta->opts, MIN(meta->opts_len, sizeof meta->opts));
	if (meta->want & IPC_WANT_RETOPTS)
		ctl_add(ctl, room, IPPROTO_IP, IP_RETOPTS, meta->back, MIN(meta->back_len, sizeof meta->back));
}

/* ---- writing a datagram to the program ---- */

static int write_header(struct runner *r, const struct call *c, const struct guest_msg *m, const void *name,
			size_t name_len, const struct ctl *ctl, int flags)
{
	size_t ctl_len = ctl->len;
	uint32_t whole = (uint32_t)name_len;
	if (!m->at)				/* recvfrom */
		return name ? call_write_addr(r, c, m->name, m->name_lenp, name, name_len) : 0;
	int err = 0;
	if (m->name && name)
		err = call_write(r, c, m->name, name, MIN(name_len, (size_t)m->name_len));
	if (!err && m->name && name)
		err = call_write(r, c, m->at + offsetof(struct msghdr, msg_namelen), &whole, sizeof whole);
	if (!err && ctl_len)
		err = call_write(r, c, m->ctl, ctl->bytes, ctl_len);
	if (!err)
		err = call_write(r, c, m->at + offsetof(struct msghdr, msg_controllen), &ctl_len, sizeof ctl_len);
	if (!err)
		err = call_write(r, c, m->at + offsetof(struct msghdr, msg_flags), &flags, sizeof flags);
	return err;
}

/* One datagram is at the program, or could not be: on to the next, or the end of the call. */
static void received(struct runner *r, struct call *c, int64_t ret)
{
	struct recv_state *s = c->state;
	if (c->nr != SYS_recvmmsg) {
		call_answer(r, c, ret);
		return;
	}
	uint32_t len = (uint32_t)ret;
	if (ret >= 0 && call_write(r, c, s->m.mmsg + offsetof(struct mmsghdr, msg_len), &len, sizeof len))
		ret = -EFAULT;
	if (ret >= 0)
		s->i++;
	if (ret < 0 || s->i == s->n || runner_now() >= s->until) {
		call_answer(r, c, s->i ? (int64_t)s->i : ret);
		return;
	}
	if (s->flags & MSG_WAITFORONE)
		c->nonblock = true;
	s->next(r, c);
}

static void hand_over(struct runner *r, struct call *c, const uint8_t *payload, const void *name, size_t name_len)
{
	struct recv_state *s = c->state;
	struct guest_msg *m = &s->m;
	struct ctl ctl = { 0 };
	size_t n = MIN((size_t)s->len, m->total);
	if (s->has_meta && m->at)
		ctl_build(&ctl, m->ctl_len, &s->meta);
	int flags = ((size_t)s->len > m->total ? MSG_TRUNC : 0) | (ctl.cut ? MSG_CTRUNC : 0);
	int64_t ret = s->flags & MSG_TRUNC ? s->len : (ssize_t)n;
	if (!call_alive(r, c))
		ret = -EINTR;
	else if (task_scatter(c->tid, m->iov, m->n_iov, payload, n) != (ssize_t)n)
		ret = -EFAULT;
	else if (write_header(r, c, m, name, name_len, &ctl, flags))
		ret = -EFAULT;
	received(r, c, ret);
}

static void peer_replied(struct runner *r, struct call *c, struct reply *reply)
{
	struct recv_state *s = c->state;
	uint8_t *held = s->held;
	s->held = NULL;
	if (c->abandoned)
		call_answer(r, c, -EINTR);
	else
		hand_over(r, c, held, reply->name.p, reply->head.ret < 0 ? 0 : reply->name.len);
	free(held);
}

/* ---- taking one from our duplicate ---- */

static bool meta_from(struct msghdr *h, struct ipc_meta *meta)
{
	bool got = false;
	for (struct cmsghdr *k = CMSG_FIRSTHDR(h); k; k = CMSG_NXTHDR(h, k)) {
		if (k->cmsg_level != SOL_SOCKET || k->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < (k->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(k) + i * sizeof fd, sizeof fd);
			if (!got)
				got = pread(fd, meta, sizeof *meta, 0) == (ssize_t)sizeof *meta &&
				      meta->from_len <= sizeof meta->from && meta->to_len <= sizeof meta->to;
			close(fd);
		}
	}
	return got;
}

static ssize_t take(struct call *c, struct recv_state *s, uint8_t *buf, size_t room)
{
	struct iovec iov = { buf, room };
	union { char buf[CMSG_SPACE(4 * sizeof(int))]; struct cmsghdr align; } ctl;
	struct msghdr h = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl.buf, .msg_controllen = sizeof ctl.buf,
	};
	ssize_t n = recvmsg(c->fd, &h, (s->flags & MSG_PEEK) | MSG_TRUNC | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return -errno;
	s->has_meta = meta_from(&h, &s->meta);
	return MIN(n, (ssize_t)room);
}

static void recv_next(struct runner *r, struct call *c);

/* An error waited at the descriptor; the service knows which. */
static void error_replied(struct runner *r, struct call *c, struct reply *reply)
{
	int err = call_error_of(reply);
	if (c->abandoned || reply->head.ret < 0 || err)
		received(r, c, c->abandoned ? -EINTR : err ? -err : reply->head.ret);
	else
		recv_next(r, c);
}

static void recv_next(struct runner *r, struct call *c)
{
	struct recv_state *s = c->state;
	int err = msg_load(c, s->i, &s->m);
	if (err) {
		received(r, c, err);
		return;
	}
	s->len = take(c, s, r->buf, RUNNER_BUF);
	if (s->len == -EAGAIN && call_may_wait(c)) {
		call_wait(r, c, EPOLLIN, c->deadline, recv_next);
		return;
	}
	if (s->len == -EAGAIN)
		s->len = call_no_wait(c);
	if (s->len == -ECONNRESET && c->name.kind == IPC_KIND_DGRAM) {
		call_ask_error(r, c, error_replied);
		return;
	}
	if (s->len < 0) {
		received(r, c, s->len);
		return;
	}
	if (c->name.kind == IPC_KIND_NETLINK) {
		struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
		hand_over(r, c, r->buf, &kernel, sizeof kernel);
	} else if (s->has_meta) {
		hand_over(r, c, r->buf, &s->meta.from, s->meta.from_len);
	} else if (s->m.name && (s->held = malloc((size_t)s->len + 1))) {
		memcpy(s->held, r->buf, (size_t)s->len);
		struct ipc_call m = { .op = IPC_OP_GETPEERNAME };
		call_ask(r, c, &m, NULL, 0, peer_replied);
	} else {
		hand_over(r, c, r->buf, NULL, 0);
	}
}

/* ---- the error queue ---- */

static void recverr_replied(struct runner *r, struct call *c, struct reply *reply)
{
	struct recv_state *s = c->state;
	struct guest_msg *m = &s->m;
	if (reply->head.ret < 0 || c->abandoned) {
		received(r, c, reply->head.ret < 0 ? reply->head.ret : -EINTR);
		return;
	}
	if (!reply->head.extra)
		call_take_error(c);		/* its last entry takes the socket's error with it, as on Linux */
	struct ctl ctl = { 0 };
	size_t room = MIN((size_t)m->ctl_len, sizeof ctl.bytes);
	ctl.len = MIN(reply->ctl.len, room);
	ctl.cut = ctl.len < reply->ctl.len;
	memcpy(ctl.bytes, reply->ctl.p, ctl.len);
	size_t n = MIN(reply->data.len, m->total);
	int flags = MSG_ERRQUEUE | (ctl.cut ? MSG_CTRUNC : 0) | (reply->data.len > n ? MSG_TRUNC : 0);
	int64_t ret = (int64_t)n;
	if (!call_alive(r, c) || task_scatter(c->tid, m->iov, m->n_iov, reply->data.p, n) != (ssize_t)n ||
	    write_header(r, c, m, reply->name.p, reply->name.len, &ctl, flags))
		ret = -EFAULT;
	received(r, c, ret);
}

static void recverr_next(struct runner *r, struct call *c)
{
	struct recv_state *s = c->state;
	int err = msg_load(c, s->i, &s->m);
	if (err) {
		received(r, c, err);
		return;
	}
	struct ipc_call m = { .op = IPC_OP_RECVERR, .flags = IPC_CALL_NONBLOCK, .arg = { s->flags } };
	call_ask(r, c, &m, NULL, 0, recverr_replied);
}

/*
 * ---- streams: the kernel does them.  But where a reset lies there and no data, the service is asked for its true name (a connection
 * that was given up timed out); looking takes it off the descriptor. ----
 */

static void stream_error_replied(struct runner *r, struct call *c, struct reply *reply)
{
	int err = call_error_of(reply);
	call_answer(r, c, err ? -err : -ECONNRESET);
}

static void stream_recv(struct runner *r, struct call *c)
{
	char byte;
	if (!is_connected(c)) {
		call_answer(r, c, -ENOTCONN);
		return;
	}
	if (c->nr == SYS_recvmmsg || recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != ECONNRESET) {
		call_continue(r, c);
		return;
	}
	call_ask_error(r, c, stream_error_replied);
}

/* ---- the calls ---- */

static ol_time timeout_of(const struct call *c, int *err)
{
	struct timespec ts;
	if (c->nr != SYS_recvmmsg || !c->arg[4])
		return OL_NEVER;
	if (call_read(c, &ts, c->arg[4], sizeof ts))
		*err = -EFAULT;
	else if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= OL_SEC)
		*err = -EINVAL;
	else if (ts.tv_sec < OL_NEVER / OL_SEC / 2)
		return runner_now() + ts.tv_sec * OL_SEC + ts.tv_nsec;
	return OL_NEVER;
}

void do_recv(struct runner *r, struct call *c)
{
	int flags = msg_flags(c), err = 0;
	bool errors = flags & MSG_ERRQUEUE;
	if (!c->name.sock) {
		call_continue(r, c);
		return;
	}
	if (c->name.kind == IPC_KIND_STREAM && !errors) {
		stream_recv(r, c);
		return;
	}
	struct recv_state *s = calloc(1, sizeof *s);
	if (!s) {
		call_answer(r, c, -ENOBUFS);
		return;
	}
	c->state = s;
	s->n = msg_count(c);
	s->flags = flags;
	s->until = timeout_of(c, &err);
	if (err || !s->n) {
		call_answer(r, c, err);
		return;
	}
	c->nonblock = (flags & MSG_DONTWAIT) || (fcntl(c->fd, F_GETFL) & O_NONBLOCK);
	if (!c->nonblock)
		call_set_deadline(c, SO_RCVTIMEO);
	s->next = errors ? recverr_next : recv_next;
	s->next(r, c);
}
