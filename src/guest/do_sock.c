/*
 * socket, bind, connect, listen, shutdown and the names.  Each argument is read once, checked as Linux checks it, and
 * asked of the service; calls on descriptors that are not ours go on in the kernel.
 *
 * While a non-blocking connect goes on, the data channel is plugged: a full send queue keeps the descriptor from
 * looking writable before it is connected.
 */
#include "guest/runner.h"
#include "base/check.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

static bool is_nonblocking(int fd) { return fcntl(fd, F_GETFL) & O_NONBLOCK; }

static void plug(const struct call *c)
{
	static const char bytes[IPC_PLUG_LEN];
	send(c->fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* ---- socket ---- */

static void socket_replied(struct runner *r, struct call *c, struct reply *reply)
{
	int flags = (int)c->arg[1];
	if (reply->head.ret < 0) {
		call_answer(r, c, reply->head.ret);
		return;
	}
	if (reply->fd < 0) {
		call_answer(r, c, -ENFILE);
		return;
	}
	if (flags & SOCK_NONBLOCK)
		fcntl(reply->fd, F_SETFL, O_RDWR | O_NONBLOCK);
	int err = call_give(r, c, reply->fd, flags & SOCK_CLOEXEC);
	if (err)
		call_answer(r, c, err);
	else
		reply->fd = -1;
}

void do_socket(struct runner *r, struct call *c)
{
	int type = (int)c->arg[1];
	if (type & ~(0xf | SOCK_NONBLOCK | SOCK_CLOEXEC)) {
		call_answer(r, c, -EINVAL);
		return;
	}
	struct ipc_call m = { .op = IPC_OP_SOCKET, .arg = { (int)c->arg[0], type & 0xf, (int)c->arg[2] } };
	call_ask(r, c, &m, NULL, 0, socket_replied);
}

/* ---- bind, listen ---- */

static void plain_replied(struct runner *r, struct call *c, struct reply *reply)
{
	call_answer(r, c, reply->head.ret);
}

/* A listener is never writable, and who writes all the same breaks a pipe. */
static void listen_replied(struct runner *r, struct call *c, struct reply *reply)
{
	if (reply->head.ret >= 0) {
		plug(c);
		shutdown(c->fd, SHUT_WR);
	}
	call_answer(r, c, reply->head.ret);
}

void do_bind(struct runner *r, struct call *c)
{
	struct sockaddr_storage ss;
	if (!c->name.sock) {
		call_continue(r, c);
		return;
	}
	int len = call_read_addr(c, &ss, c->arg[1], c->arg[2]);
	if (len < 0) {
		call_answer(r, c, len);
		return;
	}
	struct ipc_call m = { .op = IPC_OP_BIND, .name_len = (uint32_t)len };
	call_ask(r, c, &m, &ss, (size_t)len, plain_replied);
}

void do_listen(struct runner *r, struct call *c)
{
	if (!c->name.sock) {
		call_continue(r, c);
		return;
	}
	struct ipc_call m = { .op = IPC_OP_LISTEN, .arg = { (int)c->arg[1] } };
	call_ask(r, c, &m, NULL, 0, listen_replied);
}

/* ---- connect ---- */

/*
 * A program's own AF_UNIX sockets are its own affair, but some daemons of the machine answer questions about names for
 * it, and would answer about the machine's network.  Without them the libraries ask by DNS, which we see.
 */
static bool asks_about_names(const struct sockaddr_storage *ss, int len)
{
	static const char *const paths[] = {
		"/var/run/nscd/socket", "/run/nscd/socket", "/run/systemd/resolve/io.systemd.Resolve",
		"/run/avahi-daemon/socket", "/var/run/avahi-daemon/socket",
	};
	const struct sockaddr_un *un = (const struct sockaddr_un *)ss;
	if (ss->ss_family != AF_UNIX || len <= (int)offsetof(struct sockaddr_un, sun_path))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (!strncmp(un->sun_path, paths[i], sizeof un->sun_path))
			return true;
	return false;
}

/* The service takes these bytes off when it is connected, or closes its end over them when it fails. */
static void connect_replied(struct runner *r, struct call *c, struct reply *reply)
{
	int ret = reply->head.ret;
	if (!ret || ret == -EINPROGRESS || ret == -EINTR)
		note_connected(c->fd, !c->dissolves);
	if ((reply->head.ret == -EINPROGRESS && c->nonblock) || reply->head.extra)
		plug(c);
	call_answer(r, c, reply->head.ret);
}

void do_connect(struct runner *r, struct call *c)
{
	struct sockaddr_storage ss;
	int len = call_read_addr(c, &ss, c->arg[1], c->arg[2]);
	if (!c->name.sock) {
		if (len > 0 && asks_about_names(&ss, len))
			call_answer(r, c, -ECONNREFUSED);
		else
			call_continue(r, c);
		return;
	}
	if (len < 0) {
		call_answer(r, c, len);
		return;
	}
	struct ipc_call m = { .op = IPC_OP_CONNECT, .name_len = (uint32_t)len };
	c->dissolves = ss.ss_family == AF_UNSPEC;
	c->nonblock = is_nonblocking(c->fd);
	if (c->nonblock) {
		m.flags = IPC_CALL_NONBLOCK;
	} else {
		call_set_deadline(c, SO_SNDTIMEO);
		m.timeout_ns = c->deadline == OL_NEVER ? 0 : MAX(c->deadline - runner_now(), (ol_time)1);
		call_may_block(r, c);
	}
	call_ask(r, c, &m, &ss, (size_t)len, connect_replied);
}

/* ---- shutdown: the service hears of it, and the pair is shut down as well ---- */

static void shutdown_replied(struct runner *r, struct call *c, struct reply *reply)
{
	if (reply->head.ret < 0 || reply->head.extra)
		call_answer(r, c, reply->head.ret);
	else
		call_continue(r, c);
}

void do_shutdown(struct runner *r, struct call *c)
{
	if (!c->name.sock) {
		call_continue(r, c);
		return;
	}
	struct ipc_call m = { .op = IPC_OP_SHUTDOWN, .arg = { (int)c->arg[1] } };
	call_ask(r, c, &m, NULL, 0, shutdown_replied);
}

/* ---- getsockname, getpeername ---- */

enum { NOWHERE = 1 };		/* an address that cannot be written, as NULL is none: EFAULT, where there is something to write */

static void names_replied(struct runner *r, struct call *c, struct reply *reply)
{
	int ret = reply->head.ret;
	if (ret >= 0)
		ret = call_write_addr(r, c, c->arg[1] ? c->arg[1] : NOWHERE, c->arg[2], reply->name.p, reply->name.len);
	call_answer(r, c, ret);
}

void do_names(struct runner *r, struct call *c)
{
	if (!c->name.sock) {
		call_continue(r, c);
		return;
	}
	struct ipc_call m = { .op = c->nr == SYS_getsockname ? IPC_OP_GETSOCKNAME : IPC_OP_GETPEERNAME };
	call_ask(r, c, &m, NULL, 0, names_replied);
}
