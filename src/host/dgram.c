/*
 * Datagram and raw sockets.  A message of the pair is one datagram, both ways.
 *
 * To a connected socket a datagram goes as it is.  To any other, and to one that asked for control messages (PKTINFO
 * and the like), its metadata rides beside it as a descriptor (see struct ipc_meta): a plain read sees the payload
 * alone. What the pair has no room for waits here, one datagram; the rest waits in the stack's receive queue and is
 * lost there when that is full, as datagrams are.
 *
 * What a guest writes plainly goes to its peer.  An error of such a send, and one that comes by ICMP, is raised at the
 * guest's end: its next call fails (see dpair.c).
 */
#include "host/svc.h"
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { MAX_AT_ONCE = 256 };		/* datagrams taken from one guest before others have their turn */

struct parcel { size_t len; bool has_meta; struct ipc_meta meta; uint8_t bytes[]; };

void dgram_drop_held(struct gsock *gs)
{
	free(gs->held);
	gs->held = NULL;
}

/* ---- errors ------------------------------------------------------------------------------------------------------ */
void dgram_fault(struct gsock *gs, int err)
{
	gs->so_error = err;
	gs->raised = false;
	gs->raise = gs->kind == IPC_KIND_DGRAM;
}

/* What waits at the stack's socket, whether or not the pair has room. */
static void fetch_error(struct gsock *gs)
{
	int err = 0;
	socklen_t len = sizeof err;
	if (!(ol_poll(gs->host->stk, gs->sock) & OL_EV_ERR))
		return;
	ol_getsockopt(gs->host->stk, gs->sock, SOL_SOCKET, SO_ERROR, &err, &len, gs->host->svc->loop.now);
	if (err)
		dgram_fault(gs, err);
}

/* ---- out: from the guest ----------------------------------------------------------------------------------------- */
static void send_one(struct gsock *gs, size_t len)
{
	struct svc *s = gs->host->svc;
	ssize_t n = ol_send(gs->host->stk, gs->sock, s->scratch, len, 0, s->loop.now);
	/* An error that waited (an earlier datagram was refused) is told instead of sending, and only once. */
	if (n == -ECONNREFUSED || n == -EHOSTUNREACH || n == -ENETUNREACH) {
		dgram_fault(gs, (int)-n);
		n = ol_send(gs->host->stk, gs->sock, s->scratch, len, 0, s->loop.now);
	}
	if (n < 0 && n != -EAGAIN)
		dgram_fault(gs, (int)-n);
	vhost_touch(gs->host);
}

/*
 * recv said 0: an empty datagram, or the end?  A DGRAM pair has no end to read.  In a SEQPACKET pair it shows as RDHUP,
 * and then only what is counted is still to come (empty ones at the very end are lost).  A call may bring us here
 * before epoll told of it, so we look ourselves.
 */
static bool at_end(struct gsock *gs)
{
	struct pollfd p = { .fd = gs->watch.fd, .events = POLLRDHUP };
	int unread = 0;
	if (gs->wd)
		return false;
	if (!gs->rdhup && poll(&p, 1, 0) == 1 && (p.revents & (POLLRDHUP | POLLHUP)))
		gs->rdhup = true;
	return gs->rdhup && (ioctl(gs->watch.fd, FIONREAD, &unread) < 0 || !unread);
}

/* May end the socket. */
static void dgram_in(struct gsock *gs)
{
	for (int i = 0; gs->can_in; i++) {
		if (!ol_writable(gs->host->stk, gs->sock))
			return;				/* the stack's OL_EV_OUT comes */
		if (i == MAX_AT_ONCE) {			/* others first; changing the watch makes epoll tell again */
			watch_change(&gs->host->svc->loop, &gs->watch, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
			return;
		}
		ssize_t n = recv(gs->watch.fd, gs->host->svc->scratch, SCRATCH_LEN, MSG_DONTWAIT);
		/* it closed with datagrams unread; those it sent are still there */
		if (n < 0 && errno == ECONNRESET)
			continue;
		if (n < 0 || (n == 0 && at_end(gs))) {
			gs->can_in = false;
			break;
		}
		send_one(gs, (size_t)n);
	}
	if (gs->gone && !gs->can_in)
		gsock_bury(gs, false);
}

/* ---- in: to the guest -------------------------------------------------------------------------------------------- */
/* The stack's clock is ours; a program wants the machine's. */
static void take_time(struct svc *s, struct ipc_meta *m, bool ns, const void *data)
{
	struct timespec ts = { 0 };
	struct timeval tv = { 0 };
	if (ns)
		memcpy(&ts, data, sizeof ts);
	else
		memcpy(&tv, data, sizeof tv);
	int64_t at = ns ? ts.tv_sec * OL_SEC + ts.tv_nsec : tv.tv_sec * OL_SEC + tv.tv_usec * OL_US;
	m->time_ns = svc_epoch(s) + at;
	m->want |= ns ? IPC_WANT_TIME_NS : IPC_WANT_TIME;
}

static void meta_from_control(struct svc *s, struct ipc_meta *m, struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		const void *data = CMSG_DATA(c);
		int number = 0;
		size_t len = c->cmsg_len - CMSG_LEN(0);
		memcpy(&number, data, MIN(len, sizeof number));
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO && len >= sizeof(struct in_pktinfo)) {
			struct in_pktinfo pi;
			memcpy(&pi, data, sizeof pi);
			struct sockaddr_in *to = (struct sockaddr_in *)&m->to;
			to->sin_family = AF_INET;
			to->sin_addr = pi.ipi_addr;
			m->to_len = sizeof *to;
			m->ifi = pi.ipi_ifindex;
			m->want |= IPC_WANT_PKTINFO;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO &&
			   len >= sizeof(struct in6_pktinfo)) {
			struct in6_pktinfo pi;
			memcpy(&pi, data, sizeof pi);
			struct sockaddr_in6 *to = (struct sockaddr_in6 *)&m->to;
			to->sin6_family = AF_INET6;
			to->sin6_addr = pi.ipi6_addr;
			m->to_len = sizeof *to;
			m->ifi = (int32_t)pi.ipi6_ifindex;
			m->want |= IPC_WANT_PKTINFO6;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PATHMTU && len >= sizeof(struct ip6_mtuinfo)) {
			struct ip6_mtuinfo path;
			memcpy(&path, data, sizeof path);
			m->mtu = path.ip6m_mtu;
			m->want |= IPC_WANT_PATHMTU;
		} else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
			   (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT)) {
			m->ttl = (uint8_t)number;
			m->want |= IPC_WANT_TTL;
		} else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) ||
			   (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS)) {
			m->tos = *(const uint8_t *)data;
			m->want |= IPC_WANT_TOS;
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVOPTS && len <= sizeof m->opts) {
			memcpy(m->opts, data, m->opts_len = (uint8_t)len);
			m->want |= IPC_WANT_OPTS;
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RETOPTS && len <= sizeof m->back) {
			memcpy(m->back, data, m->back_len = (uint8_t)len);
			m->want |= IPC_WANT_RETOPTS;
		} else if (c->cmsg_level == SOL_SOCKET && (c->cmsg_type == SCM_TIMESTAMP || c->cmsg_type == SCM_TIMESTAMPNS) &&
			   len >= sizeof(struct timespec)) {
			take_time(s, m, c->cmsg_type == SCM_TIMESTAMPNS, data);
		}
	}
}

/* One message into the pair; meta NULL: the payload alone. */
bool dgram_pass(struct gsock *gs, const void *bytes, size_t len, const struct ipc_meta *meta)
{
	struct iovec iov = { (void *)(uintptr_t)bytes, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	union { char buf[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } ctl = { .align = { 0 } };
	int fd = meta ? meta_fd(gs->host->svc->meta, meta) : -1;
	if (fd >= 0) {
		msg.msg_control = ctl.buf;
		msg.msg_controllen = sizeof ctl.buf;
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_len = CMSG_LEN(sizeof fd);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
	}
	/* Anything but a full pair (too many descriptors in flight, nobody there) loses the datagram. */
	return sendmsg(gs->watch.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || errno != EAGAIN;
}

static void hold(struct gsock *gs, const void *bytes, size_t len, const struct ipc_meta *meta)
{
	gs->can_out = false;
	struct parcel *p = malloc(sizeof *p + len);
	if (!p)
		return;
	p->len = len;
	p->has_meta = meta;
	if (meta)
		p->meta = *meta;
	memcpy(p->bytes, bytes, len);
	gs->held = p;
}

static ssize_t receive_one(struct gsock *gs, struct ipc_meta *m)
{
	struct svc *s = gs->host->svc;
	struct iovec iov = { s->scratch, SCRATCH_LEN };
	union { char buf[512]; struct cmsghdr align; } ctl;
	memset(m, 0, sizeof *m);			/* padding too: it is compared and hashed as bytes */
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_name = &m->from, .msg_namelen = sizeof m->from,
		.msg_control = ctl.buf, .msg_controllen = sizeof ctl.buf,
	};
	ssize_t n = ol_recvmsg(gs->host->stk, gs->sock, &msg, 0, s->loop.now);
	if (n < 0)
		return n;
	m->from_len = msg.msg_namelen;
	if (msg.msg_controllen)
		meta_from_control(s, m, &msg);
	return n;
}

static void dgram_out(struct gsock *gs)
{
	if (gs->held && gs->can_out) {
		struct parcel *p = gs->held;
		if (!dgram_pass(gs, p->bytes, p->len, p->has_meta ? &p->meta : NULL)) {
			gs->can_out = false;
			return;
		}
		dgram_drop_held(gs);
	}
	while (gs->can_out && !gs->held) {
		struct ipc_meta m;
		ssize_t n = receive_one(gs, &m);
		/* its end, which it would tell for ever */
		if (n == -EAGAIN || (n == 0 && gs->deaf && !m.from_len))
			return;
		if (n < 0) {
			dgram_fault(gs, (int)-n);
			if (!(ol_poll(gs->host->stk, gs->sock) & OL_EV_IN))
				return;
			continue;
		}
		const struct ipc_meta *meta = gs->plain && !m.want ? NULL : &m;
		if (!dgram_pass(gs, gs->host->svc->scratch, (size_t)n, meta))
			hold(gs, gs->host->svc->scratch, (size_t)n, meta);
	}
}

/* Calls that wait to send go on. */
static void serve_senders(struct gsock *gs)
{
	list_for_safe(n, &gs->waits) {
		struct wait *w = list_of(n, struct wait, of_sock);
		if (w->op == IPC_OP_SENDTO && !call_resend(w))
			return;
	}
}

void dgram_pump(struct gsock *gs)
{
	if (gs->phase == GS_TOMB)
		return;
	fetch_error(gs);
	/* First what it sent: passing something to an end that was just closed would cost us what lies in our queue. */
	dgram_in(gs);
	if (gs->phase == GS_TOMB)
		return;
	dgram_out(gs);
	serve_senders(gs);
	if (gs->raise && !gs->can_in && dpair_raise(gs))
		gs->raised = true;
	gs->raise &= gs->can_in;
}

void dgram_event(struct holder *holder, unsigned ready)
{
	(void)ready;
	dgram_pump(list_of(holder, struct gsock, holder));
}

void dgram_pair_ready(struct gsock *gs, uint32_t events)
{
	if (events & EPOLLIN)
		gs->can_in = true;
	if (events & EPOLLOUT)
		gs->can_out = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		gs->rdhup = gs->can_in = true;
	if (events & (EPOLLHUP | EPOLLERR))
		gs->gone = true;
	dgram_pump(gs);
}
