/*
 * What handlers use beside the ways they end: how long a call may wait, and the caller's memory.  The memory belongs
 * to a process that may do what it likes with it: every length is bounded before it is used, nothing is read twice,
 * and nothing is written once the caller does not wait any more.
 */
#include "guest/runner.h"
#include "base/check.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

bool call_may_wait(const struct call *c)
{
	return !c->nonblock && !c->cancelled && !c->abandoned && runner_now() < c->deadline;
}

int call_no_wait(const struct call *c) { return c->cancelled ? -EINTR : -EAGAIN; }

void call_set_deadline(struct call *c, int option)
{
	struct timeval tv = { 0 };
	socklen_t len = sizeof tv;
	c->deadline = OL_NEVER;
	if (getsockopt(c->fd, SOL_SOCKET, option, &tv, &len) == 0 && (tv.tv_sec || tv.tv_usec))
		c->deadline = runner_now() + tv.tv_sec * OL_SEC + tv.tv_usec * OL_US;
}

unsigned call_take_error(struct call *c)
{
	socklen_t len = sizeof c->taken;
	c->taken = 0;
	if (c->name.kind != IPC_KIND_DGRAM && c->name.kind != IPC_KIND_STREAM)
		return 0;
	return getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &c->taken, &len) == 0 && !c->taken ? IPC_CALL_TOLD : 0;
}

void note_connected(int fd, bool yes)
{
	int v = yes;
	setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &v, sizeof v);
}

bool is_connected(const struct call *c)
{
	int v = 1;
	socklen_t len = sizeof v;
	return getsockopt(c->fd, SOL_SOCKET, SO_PRIORITY, &v, &len) < 0 || v;
}

void call_ask_error(struct runner *r, struct call *c, replied_fn replied)
{
	struct ipc_call m = { .op = IPC_OP_GETSOCKOPT, .arg = { SOL_SOCKET, SO_ERROR, sizeof(int) } };
	call_ask(r, c, &m, NULL, 0, replied);
}

int call_error_of(const struct reply *reply)
{
	int err = 0;
	if (reply->head.ret >= 0 && reply->data.len >= sizeof err)
		memcpy(&err, reply->data.p, sizeof err);
	return err;
}

int call_read(const struct call *c, void *buf, uint64_t addr, size_t len)
{
	return task_read(c->tid, buf, addr, len);
}

int call_write(struct runner *r, const struct call *c, uint64_t addr, const void *buf, size_t len)
{
	/* After an interruption the program goes on, and what we write would hit what lies there by then. */
	return call_alive(r, c) ? task_write(c->tid, addr, buf, len) : -EINTR;
}

int call_read_addr(const struct call *c, struct sockaddr_storage *ss, uint64_t addr, uint64_t len)
{
	int n = (int)len;
	if (n < 0 || (size_t)n > sizeof *ss)
		return -EINVAL;
	memset(ss, 0, sizeof *ss);
	if (n && call_read(c, ss, addr, (size_t)n))
		return -EFAULT;
	return n;
}

int call_write_addr(struct runner *r, const struct call *c, uint64_t addr, uint64_t lenp, const void *name, size_t len)
{
	int32_t room, whole = (int32_t)len;
	if (!addr)
		return 0;
	if (call_read(c, &room, lenp, sizeof room))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	int err = call_write(r, c, addr, name, MIN(len, (size_t)room));
	return err ? err : call_write(r, c, lenp, &whole, sizeof whole);
}
