/*
 * accept.  The listener's descriptor holds one byte for every connection that waits, so that poll and epoll see them;
 * an accept asks the service for one and takes a byte off.  A blocking accept waits here, for the byte, and asks
 * again: so an accept that was interrupted has nothing outstanding that could swallow a connection.
 *
 * A connection whose caller is gone by the time it arrives, or that has no free descriptor, is not lost: it is put
 * back, its byte stays, and the listener's next accept gets it.
 */
#include "guest/runner.h"
#include "base/check.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

struct put_back {
	struct list node;
	uint32_t listener;
	int fd;
	ol_time until;
	size_t len;
	struct sockaddr_storage name;
};
static const ol_time PUT_BACK_TIME = 30 * OL_SEC;	/* the listener may be closed, and nobody come for it */
static const ol_time RACE_PAUSE = 10 * OL_MS;

static void accept_ask(struct runner *r, struct call *c);

static int accept_flags(const struct call *c) { return c->nr == SYS_accept4 ? (int)c->arg[3] : 0; }

static void take_bytes(int fd, uint32_t n)
{
	char bytes[256];
	while (n) {
		ssize_t got = recv(fd, bytes, MIN(n, (uint32_t)sizeof bytes), MSG_DONTWAIT);
		if (got <= 0)
			return;
		n -= (uint32_t)got;
	}
}

static void put_back(struct runner *r, struct call *c, int fd, const void *name, size_t len)
{
	struct put_back *p = malloc(sizeof *p);
	if (!p) {
		close(fd);
		take_bytes(c->fd, 1);
		return;
	}
	*p = (struct put_back){ .listener = c->name.sock, .fd = fd, .until = runner_now() + PUT_BACK_TIME,
				.len = MIN(len, sizeof p->name) };
	memcpy(&p->name, name, p->len);
	list_append(&r->put_back, &p->node);
	r->sweep = MIN(r->sweep, p->until);
}

void put_back_expire(struct runner *r, ol_time now)
{
	list_for_safe(pos, &r->put_back) {
		struct put_back *p = list_of(pos, struct put_back, node);
		if (now < p->until)
			continue;
		list_del(pos);
		close(p->fd);
		free(p);
	}
}

void put_back_clear(struct runner *r)
{
	put_back_expire(r, OL_NEVER);
}

static struct put_back *put_back_take(struct runner *r, uint32_t listener)
{
	list_for(pos, &r->put_back) {
		struct put_back *p = list_of(pos, struct put_back, node);
		if (p->listener == listener) {
			list_del(pos);
			return p;
		}
	}
	return NULL;
}

/*
 * Hands the connection over; takes fd in every case.  First the descriptor, which may fail, then the byte, then the
 * answer: once the program goes on, a byte still there would tell it of a connection that nobody has.
 */
static void deliver(struct runner *r, struct call *c, int fd, const void *name, size_t len)
{
	int flags = accept_flags(c);
	note_connected(fd, true);
	fcntl(fd, F_SETFL, O_RDWR | (flags & SOCK_NONBLOCK ? O_NONBLOCK : 0));
	int ret = c->abandoned ? -ENOENT : call_write_addr(r, c, c->arg[1], c->arg[2], name, len);
	bool lost = ret == -EFAULT || ret == -EINVAL;		/* as on Linux */
	if (!ret)
		ret = call_install(r, c, fd, flags & SOCK_CLOEXEC);
	if (ret >= 0 || lost) {
		take_bytes(c->fd, 1);
		close(fd);
	} else {
		put_back(r, c, fd, name, len);
	}
	call_answer(r, c, ret);
}

static void accept_replied(struct runner *r, struct call *c, struct reply *reply)
{
	if (reply->head.ret >= 0 && reply->fd >= 0) {
		int fd = reply->fd;
		reply->fd = -1;
		deliver(r, c, fd, reply->name.p, reply->name.len);
		return;
	}
	if (reply->head.ret == -EAGAIN)
		take_bytes(c->fd, reply->head.extra);
	if (reply->head.ret != -EAGAIN || !call_may_wait(c)) {
		int err = reply->head.ret == -EAGAIN ? call_no_wait(c) : reply->head.ret;
		call_answer(r, c, err >= 0 ? -ENFILE : err);
		return;
	}
	/* A byte without a connection is one that another runner's accept is about to take: do not spin on it. */
	char byte;
	bool raced = recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1 && !reply->head.extra;
	if (raced)
		call_wait(r, c, 0, MIN(c->deadline, runner_now() + RACE_PAUSE), accept_ask);
	else
		call_wait(r, c, EPOLLIN, c->deadline, accept_ask);
}

static void accept_ask(struct runner *r, struct call *c)
{
	struct put_back *p = put_back_take(r, c->name.sock);
	if (p) {
		deliver(r, c, p->fd, &p->name, p->len);
		free(p);
		return;
	}
	struct ipc_call m = { .op = IPC_OP_ACCEPT, .flags = IPC_CALL_NONBLOCK };
	call_ask(r, c, &m, NULL, 0, accept_replied);
}

void do_accept(struct runner *r, struct call *c)
{
	if (!c->name.sock) {
		call_continue(r, c);
		return;
	}
	if (accept_flags(c) & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) {
		call_answer(r, c, -EINVAL);
		return;
	}
	c->nonblock = fcntl(c->fd, F_GETFL) & O_NONBLOCK;
	if (!c->nonblock)
		call_set_deadline(c, SO_RCVTIMEO);
	accept_ask(r, c);
}
