/* Socket calls with POSIX signatures on ol_* sockets; what would block waits in virtual time (pd_time.c). */
#include "pd.h"
#include "pd_if.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct want { struct pd_fd *f; unsigned ready; };

static bool is_ready(struct pd *pd, void *arg)
{
	struct want *w = arg;
	return ol_poll(pd->stk, w->f->sock) & w->ready;
}

static ol_time timeout_of(struct pd *pd, struct pd_fd *f, int option)
{
	struct timeval tv = { 0 };
	socklen_t len = sizeof tv;
	if (ol_getsockopt(pd->stk, f->sock, SOL_SOCKET, option, &tv, &len, pd->now) || (!tv.tv_sec && !tv.tv_usec))
		return OL_NEVER;
	return pd->now + tv.tv_sec * OL_SEC + tv.tv_usec * OL_US;
}

/*
 * Waits for readiness unless the call must not block.  False: it must not, or the time is up.  An error that is there while a
 * call has to wait lies in the error queue, and ends no wait.
 */
static bool wait_for(struct pd *pd, struct pd_fd *f, unsigned ready, bool dontwait, ol_time deadline)
{
	struct want w = { f, ready | OL_EV_HUP | (~ol_poll(pd->stk, f->sock) & OL_EV_ERR) };
	return !dontwait && !f->nonblock && pd_block(pd, is_ready, &w, deadline);
}

static struct pd_fd *enter(struct pd *pd, int fd)
{
	pd_lock(pd);
	struct pd_fd *f = pd_entry(pd, fd);
	if (f && f->kind == PD_SOCK)
		return f;
	errno = f ? ENOTSOCK : EBADF;
	pd_unlock(pd);
	return NULL;
}

static ssize_t leave(struct pd *pd, ssize_t r)
{
	pd_settle(pd);
	if (!pthread_equal(pthread_self(), pd->main)) {
		pd->call_near = false;
		pthread_cond_signal(&pd->left);
	}
	pd_unlock(pd);
	return pd_ret(r);
}

static int pd_socket(void *u, int domain, int type, int protocol)
{
	struct pd *pd = u;
	pd_lock(pd);
	ol_sock s = ol_socket(pd->stk, domain, type, protocol, pd->now);
	int fd = s < 0 ? (int)pd_ret(s) : pd_fd_new(pd, PD_SOCK);
	if (fd >= 0) {
		pd->fds[fd].sock = s;
		pd->fds[fd].nonblock = type & SOCK_NONBLOCK;
	}
	pd_unlock(pd);
	return fd;
}

static int pd_bind(void *u, int fd, const struct sockaddr *a, socklen_t len)
{
	struct pd *pd = u;
	struct pd_fd *f = enter(pd, fd);
	return f ? (int)leave(pd, ol_bind(pd->stk, f->sock, a, len, pd->now)) : -1;
}

static int pd_listen(void *u, int fd, int backlog)
{
	struct pd *pd = u;
	struct pd_fd *f = enter(pd, fd);
	return f ? (int)leave(pd, ol_listen(pd->stk, f->sock, backlog, pd->now)) : -1;
}

static int pd_accept(void *u, int fd, struct sockaddr *a, socklen_t *len)
{
	struct pd *pd = u;
	struct pd_fd *f = enter(pd, fd);
	if (!f)
		return -1;
	ol_time deadline = timeout_of(pd, f, SO_RCVTIMEO);
	ol_sock s;
	while ((s = ol_accept(pd->stk, f->sock, a, len, pd->now)) == -EAGAIN && wait_for(pd, f, OL_EV_IN, false, deadline))
		;
	if (s < 0)
		return (int)leave(pd, s);
	int child = pd_fd_new(pd, PD_SOCK);
	if (child >= 0)
		pd->fds[child].sock = s;
	leave(pd, 0);
	return child;
}

static bool is_opening(struct pd *pd, const struct pd_fd *f)
{
	uint8_t state = 0;				/* the first byte of struct tcp_info */
	socklen_t len = sizeof state;
	return !ol_getsockopt(pd->stk, f->sock, IPPROTO_TCP, TCP_INFO, &state, &len, pd->now) && state == OL_TCP_SYN_SENT;
}

/* Waits for the end of an open; 0 or why it failed. */
static int opened(struct pd *pd, struct pd_fd *f, ol_time deadline)
{
	int err = 0;
	socklen_t n = sizeof err;
	if (!wait_for(pd, f, OL_EV_OUT, false, deadline))
		return -EINPROGRESS;
	int r = ol_getsockopt(pd->stk, f->sock, SOL_SOCKET, SO_ERROR, &err, &n, pd->now);
	return r ? r : -err;
}

static int pd_connect(void *u, int fd, const struct sockaddr *a, socklen_t len)
{
	struct pd *pd = u;
	struct pd_fd *f = enter(pd, fd);
	if (!f)
		return -1;
	ol_time deadline = timeout_of(pd, f, SO_SNDTIMEO);
	int r = ol_connect(pd->stk, f->sock, a, len, pd->now);
	pd_settle(pd);
	if ((r == -EINPROGRESS || r == -EALREADY) && !f->nonblock)
		r = opened(pd, f, deadline);
	return (int)leave(pd, r);
}

/* The kernel would answer an address it cannot use; here it would end the interpreter.  Scripts use NULL. */
static bool has_null(const struct msghdr *msg)
{
	for (size_t i = 0; i < msg->msg_iovlen; i++)
		if (!msg->msg_iov[i].iov_base && msg->msg_iov[i].iov_len)
			return true;
	return false;
}

ssize_t pd_sock_recv(struct pd *pd, int fd, struct msghdr *msg, int flags)
{
	struct pd_fd *f = &pd->fds[fd];
	ol_time deadline = timeout_of(pd, f, SO_RCVTIMEO);
	const struct msghdr asked = *msg;
	ssize_t r;
	if (has_null(msg))
		return -EFAULT;
	while ((r = ol_recvmsg(pd->stk, f->sock, msg, flags, pd->now)) == -EAGAIN && !(flags & (MSG_OOB | MSG_ERRQUEUE)) &&
	       wait_for(pd, f, OL_EV_IN, flags & MSG_DONTWAIT, deadline))
		*msg = asked;
	if (r < 0)
		*msg = asked;			/* as the kernel: of a call that failed the program's struct is as it was */
	return r;
}

/* A blocking write returns when all is queued; what was queued before a failure counts first. */
ssize_t pd_sock_send(struct pd *pd, int fd, const struct msghdr *msg, int flags)
{
	struct pd_fd *f = &pd->fds[fd];
	ol_time deadline = timeout_of(pd, f, SO_SNDTIMEO);
	size_t sent = 0, total = 0;
	struct iovec iov[64];
	if (msg->msg_iovlen > 64)
		return -EMSGSIZE;
	if (has_null(msg))
		return -EFAULT;
	memcpy(iov, msg->msg_iov, msg->msg_iovlen * sizeof *iov);
	for (size_t i = 0; i < msg->msg_iovlen; i++)
		total += iov[i].iov_len;
	struct msghdr m = *msg;
	m.msg_iov = iov;
	for (;;) {
		ssize_t r = ol_sendmsg(pd->stk, f->sock, &m, flags, pd->now);
		flags &= ~MSG_FASTOPEN;			/* it opened, or it did not */
		if (is_opening(pd, f) && (r > 0 || r == -EINPROGRESS)) {
			pd_settle(pd);
			if (f->nonblock || flags & MSG_DONTWAIT)
				return r;
			int err = opened(pd, f, deadline);
			if (err)
				return err;
			r = r > 0 ? r : 0;
		}
		pd_settle(pd);
		if (r >= 0) {
			sent += (size_t)r;
			if (sent >= total)
				return (ssize_t)sent;
			for (size_t left = (size_t)r; left > 0; ) {
				size_t n = m.msg_iov->iov_len < left ? m.msg_iov->iov_len : left;
				m.msg_iov->iov_base = (char *)m.msg_iov->iov_base + n;
				m.msg_iov->iov_len -= n;
				left -= n;
				if (!m.msg_iov->iov_len) {
					m.msg_iov++;
					m.msg_iovlen--;
				}
			}
		} else if (r != -EAGAIN)
			return sent ? (ssize_t)sent : r;
		if (!wait_for(pd, f, OL_EV_OUT, flags & MSG_DONTWAIT, deadline))
			return sent ? (ssize_t)sent : -EAGAIN;
	}
}

static ssize_t pd_recvmsg(void *u, int fd, struct msghdr *msg, int flags)
{
	struct pd *pd = u;
	return enter(pd, fd) ? leave(pd, pd_sock_recv(pd, fd, msg, flags)) : -1;
}

static ssize_t pd_sendmsg(void *u, int fd, const struct msghdr *msg, int flags)
{
	struct pd *pd = u;
	return enter(pd, fd) ? leave(pd, pd_sock_send(pd, fd, msg, flags)) : -1;
}

static ssize_t pd_readv(void *u, int fd, const struct iovec *iov, int n)
{
	struct msghdr m = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n };
	return pd_recvmsg(u, fd, &m, 0);
}

static ssize_t pd_writev(void *u, int fd, const struct iovec *iov, int n)
{
	struct msghdr m = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n };
	return pd_sendmsg(u, fd, &m, 0);
}

static ssize_t pd_recvfrom(void *u, int fd, void *buf, size_t len, int flags, struct sockaddr *a, socklen_t *alen)
{
	struct iovec iov = { buf, len };
	struct msghdr m = { .msg_name = a, .msg_namelen = alen ? *alen : 0, .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t r = pd_recvmsg(u, fd, &m, flags);
	if (r >= 0 && alen)
		*alen = m.msg_namelen;
	return r;
}

static ssize_t pd_sendto(void *u, int fd, const void *buf, size_t len, int flags, const struct sockaddr *a, socklen_t alen)
{
	struct iovec iov = { (void *)buf, len };
	struct msghdr m = { .msg_name = (void *)a, .msg_namelen = a ? alen : 0, .msg_iov = &iov, .msg_iovlen = 1 };
	return pd_sendmsg(u, fd, &m, flags);
}

static ssize_t pd_recv(void *u, int fd, void *b, size_t n, int flags) { return pd_recvfrom(u, fd, b, n, flags, NULL, NULL); }
static ssize_t pd_send(void *u, int fd, const void *b, size_t n, int flags) { return pd_sendto(u, fd, b, n, flags, NULL, 0); }
static ssize_t pd_read(void *u, int fd, void *b, size_t n) { return pd_recv(u, fd, b, n, 0); }
static ssize_t pd_write(void *u, int fd, const void *b, size_t n) { return pd_send(u, fd, b, n, 0); }

/* A piece of the file that has another behind it is sent as Linux's splicing does, without a push. */
static ssize_t send_file(struct pd *pd, int fd, int in, off_t off, size_t count)
{
	char buf[65536], next;
	size_t sent = 0;
	while (sent < count) {
		size_t want = count - sent < sizeof buf ? count - sent : sizeof buf;
		ssize_t got = pread(in, buf, want, off + (off_t)sent), n;
		if (got <= 0)
			return got && !sent ? -errno : (ssize_t)sent;
		bool more = sent + (size_t)got < count && pread(in, &next, 1, off + (off_t)sent + got) == 1;
		struct iovec iov = { buf, (size_t)got };
		struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
		n = pd_sock_send(pd, fd, &m, more ? MSG_MORE : 0);
		if (n < 0)
			return sent ? (ssize_t)sent : n;
		sent += (size_t)n;
		if (n < got)
			break;
	}
	return (ssize_t)sent;
}

ssize_t pd_sendfile(struct pd *pd, int fd, int in, off_t *offset, size_t count)
{
	if (!enter(pd, fd))
		return -1;
	off_t off = offset ? *offset : lseek(in, 0, SEEK_CUR);
	bool file = off >= 0 && (in < 0 || in >= PD_MAX_FDS || pd->fds[in].kind == PD_NONE);
	ssize_t n = file ? send_file(pd, fd, in, off, count) : !offset && off < 0 && errno == EBADF ? -EBADF : -EINVAL;
	if (n > 0 && offset)
		*offset = off + n;
	else if (n > 0)
		lseek(in, off + n, SEEK_SET);
	return leave(pd, n);
}

static int pd_fcntl(void *u, int fd, int cmd, ...)
{
	struct pd *pd = u;
	va_list ap;
	va_start(ap, cmd);
	int arg = cmd == F_SETFL ? va_arg(ap, int) : 0;
	va_end(ap);
	pd_lock(pd);
	struct pd_fd *f = pd_entry(pd, fd);
	int r = -1;
	if (f && cmd == F_GETFL)
		r = O_RDWR | (f->nonblock ? O_NONBLOCK : 0);
	else if (f && cmd == F_SETFL) {
		f->nonblock = arg & O_NONBLOCK;
		r = 0;
	} else if (f)
		errno = EINVAL;
	pd_unlock(pd);
	return r;
}

static int pd_ioctl(void *u, int fd, unsigned long request, ...)
{
	struct pd *pd = u;
	va_list ap;
	va_start(ap, request);
	int *out = va_arg(ap, int *);
	va_end(ap);
	struct pd_fd *f = enter(pd, fd);
	if (!f)
		return -1;
	int r = 0;
	switch (request) {
	case SIOCINQ:
		*out = (int)ol_readable(pd->stk, f->sock);
		break;
	case SIOCOUTQ:
		*out = (int)ol_unsent(pd->stk, f->sock);
		break;
	case FIONBIO:
		f->nonblock = *out;
		break;
	default:
		r = -ENOTTY;
	}
	return (int)leave(pd, r);
}

static int pd_close(void *u, int fd)
{
	struct pd *pd = u;
	pd_lock(pd);
	struct pd_fd *f = pd_entry(pd, fd);
	int r = -1;
	if (f) {
		r = f->kind == PD_SOCK ? ol_close(pd->stk, f->sock, pd->now) : 0;
		f->kind = PD_NONE;
		close(fd);
	}
	return f ? (int)leave(pd, r) : (pd_unlock(pd), -1);
}

static int pd_shutdown(void *u, int fd, int how)
{
	struct pd *pd = u;
	struct pd_fd *f = enter(pd, fd);
	return f ? (int)leave(pd, ol_shutdown(pd->stk, f->sock, how, pd->now)) : -1;
}

static int pd_getsockopt(void *u, int fd, int level, int name, void *val, socklen_t *len)
{
	struct pd *pd = u;
	struct pd_fd *f = enter(pd, fd);
	return f ? (int)leave(pd, ol_getsockopt(pd->stk, f->sock, level, name, val, len, pd->now)) : -1;
}

static int pd_setsockopt(void *u, int fd, int level, int name, const void *val, socklen_t len)
{
	struct pd *pd = u;
	struct pd_fd *f = enter(pd, fd);
	return f ? (int)leave(pd, ol_setsockopt(pd->stk, f->sock, level, name, val, len, pd->now)) : -1;
}

void pd_sock_calls(struct packetdrill_interface *ifc)
{
	ifc->socket = pd_socket;
	ifc->bind = pd_bind;
	ifc->listen = pd_listen;
	ifc->accept = pd_accept;
	ifc->connect = pd_connect;
	ifc->read = pd_read;
	ifc->readv = pd_readv;
	ifc->recv = pd_recv;
	ifc->recvfrom = pd_recvfrom;
	ifc->recvmsg = pd_recvmsg;
	ifc->write = pd_write;
	ifc->writev = pd_writev;
	ifc->send = pd_send;
	ifc->sendto = pd_sendto;
	ifc->sendmsg = pd_sendmsg;
	ifc->fcntl = pd_fcntl;
	ifc->ioctl = pd_ioctl;
	ifc->close = pd_close;
	ifc->shutdown = pd_shutdown;
	ifc->getsockopt = pd_getsockopt;
	ifc->setsockopt = pd_setsockopt;
}
