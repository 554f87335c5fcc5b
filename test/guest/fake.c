#include "fake.h"
#include "ipc/ipc.h"
#include "base/check.h"
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/un.h>
#include <unistd.h>

enum { SOCKS = 256, QUEUE = 64 };
struct sock {
	int fd;			/* our end; -1: unused */
	int app;		/* the guest's end, until it was handed over */
	char kind;
	int type;
	uint16_t port, peer_port;
	bool listening, eof, pktinfo;
	uint32_t plug_left;
	struct sock *peer;
	struct sock *queue[QUEUE];
	unsigned queued;
	int sndbuf;
};
static struct sock socks[SOCKS];
static int service, cancels;
static pid_t self;
static uint16_t next_port = 40000;
static uint64_t silent;			/* the connect that is never answered */

static uint32_t number(const struct sock *s) { return (uint32_t)(s - socks) + 1; }

static struct sock *sock_new(char kind, int type)
{
	for (size_t i = 0; i < SOCKS; i++) {
		struct sock *s = &socks[i];
		int sv[2];
		if (s->fd >= 0)
			continue;
		int unix_type = kind == IPC_KIND_STREAM ? SOCK_STREAM : type == FAKE_LASTING ? SOCK_DGRAM : SOCK_SEQPACKET;
		if (socketpair(AF_UNIX, unix_type | SOCK_CLOEXEC, 0, sv) < 0)
			return NULL;
		*s = (struct sock){ .fd = sv[0], .app = sv[1], .kind = kind, .type = type, .sndbuf = 16384 };
		struct sockaddr_un un;
		socklen_t len = ipc_sock_name_put(&un, &(struct ipc_sock_name){ .service = self, .kind = kind, .sock = number(s) });
		if (bind(sv[1], (struct sockaddr *)&un, len) < 0)
			return NULL;
		return s;
	}
	return NULL;
}

static void sock_free(struct sock *s)
{
	close(s->fd);
	if (s->app >= 0)
		close(s->app);
	if (s->peer)
		s->peer->peer = NULL;
	if (s->peer && !s->eof)
		shutdown(s->peer->fd, SHUT_WR);
	s->fd = -1;
}

static void reply(uint64_t id, int ret, const void *b, size_t name_len, size_t data_len, uint32_t extra, struct sock *with)
{
	struct ipc_reply r = { .ret = ret, .name_len = (uint32_t)name_len, .extra = extra };
	ipc_send(service, IPC_REPLY, id, &r, sizeof r, b, name_len + data_len, with ? &with->app : NULL, with ? 1 : 0);
	if (with) {
		close(with->app);
		with->app = -1;
	}
}

static struct sockaddr_in address(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static uint16_t port_in(struct ipc_bytes name)
{
	struct sockaddr_in sin = { 0 };
	memcpy(&sin, name.p, MIN(name.len, sizeof sin));
	return ntohs(sin.sin_port);
}

static struct sock *at_port(uint16_t port, char kind, bool listening)
{
	for (size_t i = 0; i < SOCKS; i++)
		if (socks[i].fd >= 0 && socks[i].port == port && socks[i].kind == kind && (!listening || socks[i].listening))
			return &socks[i];
	return NULL;
}

/* A connection to who listens there, waiting to be accepted. */
static int join(struct sock *s, uint16_t port, bool nonblock)
{
	struct sock *l = at_port(port, IPC_KIND_STREAM, true);
	s->peer_port = port;
	if (!s->port)
		s->port = next_port++;
	if (!l || l->queued == QUEUE || s->peer)
		return s->peer ? -EISCONN : -ECONNREFUSED;
	struct sock *a = sock_new(IPC_KIND_STREAM, SOCK_STREAM);
	a->port = port;
	a->peer_port = s->port;
	a->peer = s;
	s->peer = a;
	s->plug_left = nonblock ? IPC_PLUG_LEN : 0;
	l->queue[l->queued++] = a;
	send(l->fd, "", 1, MSG_DONTWAIT);
	return 0;
}

static void connect_to(uint64_t id, struct sock *s, uint16_t port, bool nonblock)
{
	s->peer_port = port;
	if (!s->port)
		s->port = next_port++;
	if (s->kind != IPC_KIND_STREAM) {
		reply(id, 0, NULL, 0, 0, 0, NULL);
		return;
	}
	if (port == FAKE_PORT_SILENT) {
		if (nonblock)
			reply(id, -EINPROGRESS, NULL, 0, 0, 0, NULL);
		else
			silent = id;
		return;
	}
	int ret = join(s, port, nonblock);
	reply(id, ret || !nonblock ? ret : -EINPROGRESS, NULL, 0, 0, 0, NULL);
}

/* Fast Open: half of the text goes along, the other half is for the runner to write. */
static void connect_with(uint64_t id, struct sock *s, uint16_t port, struct ipc_bytes data, bool nonblock)
{
	int ret = join(s, port, nonblock);
	if (!ret)
		ret = (int)write(s->peer->fd, data.p, data.len / 2);
	reply(id, ret, NULL, 0, 0, 0, NULL);
}

static void accept_from(uint64_t id, struct sock *s)
{
	if (!s->listening || !s->queued) {
		reply(id, s->listening ? -EAGAIN : -EINVAL, NULL, 0, 0, 0, NULL);
		return;
	}
	struct sock *a = s->queue[0];
	memmove(s->queue, s->queue + 1, --s->queued * sizeof *s->queue);
	struct sockaddr_in from = address(a->peer_port);
	reply(id, (int)number(a), &from, sizeof from, 0, s->queued, a);
}

static void deliver(struct sock *s, uint16_t port, struct ipc_bytes data)
{
	struct sock *d = at_port(port, s->kind, false);
	struct ipc_meta meta = { .from_len = sizeof(struct sockaddr_in), .to_len = sizeof(struct sockaddr_in), .ifi = 1 };
	if (!s->port)
		s->port = next_port++;
	*(struct sockaddr_in *)&meta.from = address(s->port);
	*(struct sockaddr_in *)&meta.to = address(port);
	meta.want = d && d->pktinfo ? IPC_WANT_PKTINFO : 0;
	int fd = memfd_create("meta", MFD_CLOEXEC);
	struct iovec iov = { (void *)(uintptr_t)data.p, data.len };
	union { char buf[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } ctl = { .align = {
		.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	memcpy(CMSG_DATA(&ctl.align), &fd, sizeof fd);
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl.buf, .msg_controllen = sizeof ctl.buf };
	if (d && !d->peer_port && pwrite(fd, &meta, sizeof meta, 0) == (ssize_t)sizeof meta)
		sendmsg(d->fd, &h, MSG_DONTWAIT);
	else if (d)
		send(d->fd, data.p, data.len, MSG_DONTWAIT);
	close(fd);
}

static int count(void)
{
	int n = 0;
	for (size_t i = 0; i < SOCKS; i++)
		n += socks[i].fd >= 0;
	return n;
}

static void getopt_of(uint64_t id, struct sock *s, int level, int name, struct ipc_bytes asked)
{
	if (level == IPPROTO_IP && name == IP_MSFILTER) {	/* its question back, with another mode */
		struct ip_msfilter m = { 0 };
		memcpy(&m, asked.p, MIN(asked.len, sizeof m));
		m.imsf_fmode ^= 1;
		reply(id, 0, &m, 0, sizeof m, 0, NULL);
		return;
	}
	int v = level == FAKE_LEVEL && name == FAKE_CANCELS ? cancels : level == FAKE_LEVEL && name == FAKE_SOCKETS ? count() :
		level == SOL_SOCKET && name == SO_TYPE ? s->type : level == SOL_SOCKET && name == SO_SNDBUF ? s->sndbuf :
		level == SOL_SOCKET && name == SO_ERROR ? 0 : -1;
	reply(id, v < 0 ? -ENOPROTOOPT : 0, &v, 0, v < 0 ? 0 : sizeof v, 0, NULL);
}

static void setopt_of(uint64_t id, struct sock *s, int level, int name, struct ipc_bytes value)
{
	int v = 0, ret = 0;
	memcpy(&v, value.p, MIN(value.len, sizeof v));
	if (level == SOL_SOCKET && name == SO_SNDBUF)
		s->sndbuf = v * 2;
	else if (level == IPPROTO_IP && name == IP_PKTINFO)
		s->pktinfo = v;
	else if (level != SOL_SOCKET || (name != SO_RCVTIMEO && name != SO_SNDTIMEO))
		ret = -ENOPROTOOPT;
	reply(id, ret, NULL, 0, 0, 0, NULL);
}

static void interface(uint64_t id, int cmd, struct ipc_bytes arg)
{
	struct ifreq ifr = { 0 };
	memcpy(&ifr, arg.p, MIN(arg.len, sizeof ifr));
	if (cmd == SIOCGIFCONF)
		strcpy(ifr.ifr_name, "fake0");
	else if (cmd == SIOCGIFINDEX && !strcmp(ifr.ifr_name, "fake0"))
		ifr.ifr_ifindex = 42;
	else {
		reply(id, -ENODEV, NULL, 0, 0, 0, NULL);
		return;
	}
	reply(id, 0, &ifr, 0, sizeof ifr, 0, NULL);
}

static void proc_net(uint64_t id, struct ipc_bytes name)
{
	struct sock file = { .app = -1 };
	if (name.len == 3 && !memcmp(name.p, "tcp", 3)) {
		file.app = memfd_create("fake", MFD_CLOEXEC);
		if (pwrite(file.app, "fake tcp\n", 9, 0) != 9)
			_exit(1);
		reply(id, 0, NULL, 0, 0, 0, &file);
	} else {
		reply(id, name.len == 4 && !memcmp(name.p, "unix", 4) ? -EXDEV : -ENOENT, NULL, 0, 0, 0, NULL);
	}
}

static void call(uint64_t id, const struct ipc_call *c, struct ipc_bytes name, struct ipc_bytes data)
{
	struct sock *s = c->sock && c->sock <= SOCKS && socks[c->sock - 1].fd >= 0 ? &socks[c->sock - 1] : NULL;
	struct sockaddr_in sin;
	uint16_t port = port_in(name);
	if (!s && c->op != IPC_OP_SOCKET && c->op != IPC_OP_IOCTL && c->op != IPC_OP_PROCNET) {
		reply(id, -EBADF, NULL, 0, 0, 0, NULL);
		return;
	}
	switch (c->op) {
	case IPC_OP_SOCKET:
		if (c->arg[0] != AF_INET) {
			reply(id, -EAFNOSUPPORT, NULL, 0, 0, 0, NULL);
			return;
		}
		s = sock_new(c->arg[1] == SOCK_STREAM ? IPC_KIND_STREAM : IPC_KIND_DGRAM,
			     c->arg[2] == FAKE_LASTING ? FAKE_LASTING : c->arg[1]);
		reply(id, s ? (int)number(s) : -ENFILE, NULL, 0, 0, 0, s);
		return;
	case IPC_OP_BIND: {
		struct sock *other = at_port(port, s->kind, false);
		if (!other)
			s->port = port ? port : next_port++;
		reply(id, other ? -EADDRINUSE : 0, NULL, 0, 0, 0, NULL);
		return;
	}
	case IPC_OP_LISTEN: s->listening = true; reply(id, 0, NULL, 0, 0, 0, NULL); return;
	case IPC_OP_CONNECT: connect_to(id, s, port, c->flags & IPC_CALL_NONBLOCK); return;
	case IPC_OP_ACCEPT: accept_from(id, s); return;
	case IPC_OP_SHUTDOWN: reply(id, 0, NULL, 0, 0, 0, NULL); return;
	case IPC_OP_GETSOCKNAME: sin = address(s->port); reply(id, 0, &sin, sizeof sin, 0, 0, NULL); return;
	case IPC_OP_GETPEERNAME:
		sin = address(s->peer_port);
		reply(id, s->peer_port ? 0 : -ENOTCONN, &sin, sizeof sin, 0, 0, NULL);
		return;
	case IPC_OP_SETSOCKOPT: setopt_of(id, s, c->arg[0], c->arg[1], data); return;
	case IPC_OP_GETSOCKOPT: getopt_of(id, s, c->arg[0], c->arg[1], data); return;
	case IPC_OP_SENDTO:
		if (s->kind == IPC_KIND_STREAM) {
			connect_with(id, s, port, data, c->flags & IPC_CALL_NONBLOCK);
			return;
		}
		deliver(s, name.len ? port : s->peer_port, data);
		reply(id, (int)data.len, NULL, 0, 0, 0, NULL);
		return;
	case IPC_OP_IOCTL: interface(id, c->arg[0], data); return;
	case IPC_OP_PROCNET: proc_net(id, data); return;
	default: reply(id, -EAGAIN, NULL, 0, 0, 0, NULL);
	}
}

/* From one end to its peer's; a plug is thrown away first. */
static void move(struct sock *s)
{
	static char buf[65536];
	ssize_t n = read(s->fd, buf, s->plug_left ? MIN(s->plug_left, (uint32_t)sizeof buf) : sizeof buf);
	if (s->plug_left && n > 0) {
		s->plug_left -= (uint32_t)n;
		return;
	}
	if (n <= 0) {
		s->eof = true;
		if (s->peer)
			shutdown(s->peer->fd, SHUT_WR);
	} else if (s->kind != IPC_KIND_STREAM) {
		deliver(s, s->peer_port, (struct ipc_bytes){ (uint8_t *)buf, (size_t)n });
	} else if (s->peer) {
		for (ssize_t at = 0, k; at < n && (k = write(s->peer->fd, buf + at, (size_t)(n - at))) > 0; at += k)
			;
	}
}

static bool has_room(const struct sock *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLOUT };
	return poll(&p, 1, 0) == 1 && p.revents & POLLOUT;
}

static void from_runner(void)
{
	static uint8_t buf[IPC_MAX];
	struct ipc_head head;
	const uint8_t *body;
	struct ipc_call c;
	struct ipc_bytes name, ctl, data;
	int len = ipc_recv(service, buf, &head, &body, NULL, NULL);
	if (len < 0)
		_exit(0);
	if (head.type == IPC_CANCEL) {
		cancels++;
		if (head.id == silent)
			reply(head.id, -EINTR, NULL, 0, 0, 0, NULL);
	}
	if (head.type == IPC_CALL && ipc_call_parse(body, (size_t)len, &c, &name, &ctl, &data))
		call(head.id, &c, name, data);
}

_Noreturn void fake_service(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof cred;
	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len);
	self = cred.pid;
	service = fd;
	for (size_t i = 0; i < SOCKS; i++)
		socks[i].fd = socks[i].app = -1;
	for (;;) {
		struct pollfd p[SOCKS + 1] = { { .fd = service, .events = POLLIN } };
		for (size_t i = 0; i < SOCKS; i++) {
			struct sock *s = &socks[i];
			bool wants = s->fd >= 0 && !s->eof && s->app < 0 && s->peer_port != FAKE_PORT_SILENT &&
				     (!s->peer || s->plug_left || has_room(s->peer));
			p[i + 1] = (struct pollfd){ .fd = s->fd, .events = wants ? POLLIN : 0 };
		}
		poll(p, SOCKS + 1, 20);
		for (size_t i = 0; i < SOCKS; i++) {
			if (p[i + 1].revents & POLLIN)
				move(&socks[i]);
			else if (p[i + 1].revents & (POLLHUP | POLLERR) && socks[i].app < 0)
				sock_free(&socks[i]);
		}
		if (p[0].revents)
			from_runner();
	}
}
