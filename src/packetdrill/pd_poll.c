/* poll, epoll (level and edge) on our sockets, and splice between a socket and a real pipe. */
#include "pd.h"
#include "pd_if.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static_assert(OL_EV_IN == POLLIN && OL_EV_OUT == POLLOUT && OL_EV_PRI == POLLPRI && OL_EV_ERR == POLLERR && OL_EV_HUP == POLLHUP,
	      "readiness is in poll()'s bits");

static unsigned to_poll(unsigned ready)
{
	return (ready & 31) | (ready & OL_EV_RDHUP ? POLLRDHUP : 0) | (ready & OL_EV_IN ? POLLRDNORM : 0) |
	       (ready & OL_EV_OUT ? POLLWRNORM : 0);
}

static ol_time until(struct pd *pd, int timeout_ms)
{
	return timeout_ms < 0 ? OL_NEVER : pd->now + timeout_ms * OL_MS;
}

struct poll_arg { struct pollfd *fds; nfds_t n; int count; };

static bool poll_ready(struct pd *pd, void *arg)
{
	struct poll_arg *a = arg;
	a->count = 0;
	for (nfds_t i = 0; i < a->n; i++) {
		struct pd_fd *f = a->fds[i].fd < 0 ? NULL : pd_entry(pd, a->fds[i].fd);
		a->fds[i].revents = 0;
		if (f && f->kind == PD_SOCK)
			a->fds[i].revents = (short)(to_poll(ol_poll(pd->stk, f->sock)) & ((unsigned)a->fds[i].events | POLLERR | POLLHUP));
		else if (a->fds[i].fd >= 0)
			a->fds[i].revents = POLLNVAL;
		a->count += a->fds[i].revents != 0;
	}
	return a->count > 0;
}

static int pd_poll(void *u, struct pollfd *fds, nfds_t n, int timeout)
{
	struct pd *pd = u;
	struct poll_arg a = { fds, n, 0 };
	pd_lock(pd);
	pd_block(pd, poll_ready, &a, until(pd, timeout));
	pd_settle(pd);
	pd_unlock(pd);
	return a.count;
}

static int pd_epoll_create(void *u, int size)
{
	struct pd *pd = u;
	(void)size;
	pd_lock(pd);
	int fd = pd_fd_new(pd, PD_EPOLL);
	if (fd >= 0) {
		struct pd_watch *w = calloc(PD_MAX_WATCH, sizeof *w);
		if (!w)
			abort();
		for (int i = 0; i < PD_MAX_WATCH; i++)
			w[i].fd = -1;
		pd->fds[fd].watch = w;
	}
	pd_unlock(pd);
	return fd;
}

static struct pd_watch *find_watch(struct pd_fd *e, int fd)
{
	for (int i = 0; i < PD_MAX_WATCH; i++)
		if (e->watch[i].fd == fd)
			return &e->watch[i];
	return NULL;
}

static int epoll_change(struct pd_fd *e, int op, int fd, const struct epoll_event *ev)
{
	struct pd_watch *w = find_watch(e, fd);
	if (op == EPOLL_CTL_ADD ? w != NULL : w == NULL)
		return w ? -EEXIST : -ENOENT;
	if (op == EPOLL_CTL_ADD && !(w = find_watch(e, -1)))
		return -ENOSPC;
	*w = (struct pd_watch){ .fd = op == EPOLL_CTL_DEL ? -1 : fd, .events = ev ? ev->events : 0, .data = ev ? ev->data.u64 : 0,
				.edge = true };
	return 0;
}

static int pd_epoll_ctl(void *u, int epfd, int op, int fd, struct epoll_event *ev)
{
	struct pd *pd = u;
	pd_lock(pd);
	struct pd_fd *e = pd_entry(pd, epfd), *f = pd_entry(pd, fd);
	int r = !e || !f ? -EBADF : e->kind != PD_EPOLL || f->kind != PD_SOCK ? -EINVAL : epoll_change(e, op, fd, ev);
	pd_unlock(pd);
	return (int)pd_ret(r);
}

struct epoll_arg { struct pd_fd *e; struct epoll_event *out; int max, n; };

static bool epoll_ready(struct pd *pd, void *arg)
{
	struct epoll_arg *a = arg;
	for (int i = 0; i < PD_MAX_WATCH && a->n < a->max; i++) {
		struct pd_watch *w = &a->e->watch[i];
		struct pd_fd *f = w->fd < 0 ? NULL : pd_entry(pd, w->fd);
		if (!f || w->spent || ((w->events & EPOLLET) && !w->edge))
			continue;
		uint32_t ready = to_poll(ol_poll(pd->stk, f->sock)) & (w->events | EPOLLERR | EPOLLHUP);
		if (!ready)
			continue;
		w->edge = false;
		a->out[a->n].events = ready;
		a->out[a->n++].data.u64 = w->data;
		w->spent = w->events & EPOLLONESHOT;
	}
	return a->n > 0;
}

static int pd_epoll_wait(void *u, int epfd, struct epoll_event *out, int max, int timeout)
{
	struct pd *pd = u;
	pd_lock(pd);
	struct pd_fd *e = pd_entry(pd, epfd);
	int r = -1;
	if (!e || e->kind != PD_EPOLL || max < 1)
		errno = e ? EINVAL : EBADF;
	else {
		struct epoll_arg a = { e, out, max, 0 };
		pd_settle(pd);
		pd_block(pd, epoll_ready, &a, until(pd, timeout));
		r = a.n;
	}
	pd_unlock(pd);
	return r;
}

static int pd_pipe(void *u, int fds[2])
{
	(void)u;
	return pipe(fds);
}

static int pd_splice(void *u, int in, loff_t *off_in, int out, loff_t *off_out, size_t len, unsigned flags)
{
	struct pd *pd = u;
	static char buf[65536];
	(void)flags;
	if ((off_in && *off_in) || (off_out && *off_out)) {	/* a script's NULL comes as the address of a zero */
		errno = ESPIPE;
		return -1;
	}
	pd_lock(pd);
	struct iovec iov = { buf, len < sizeof buf ? len : sizeof buf };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct pd_fd *from = pd_entry(pd, in), *to = pd_entry(pd, out);
	bool urgent = from && ol_at_mark(pd->stk, from->sock) > 0 && !ol_readable(pd->stk, from->sock);	/* never spliced: 0 */
	ssize_t n = urgent ? 0 : from ? pd_ret(pd_sock_recv(pd, in, &m, 0)) : read(in, buf, iov.iov_len);
	if (n > 0) {
		iov.iov_len = (size_t)n;
		n = to ? pd_ret(pd_sock_send(pd, out, &m, 0)) : write(out, buf, (size_t)n);
	}
	pd_settle(pd);
	pd_unlock(pd);
	return (int)n;
}

void pd_poll_calls(struct packetdrill_interface *ifc)
{
	ifc->poll = pd_poll;
	ifc->epoll_create = pd_epoll_create;
	ifc->epoll_ctl = pd_epoll_ctl;
	ifc->epoll_wait = pd_epoll_wait;
	ifc->pipe = pd_pipe;
	ifc->splice = pd_splice;
}
