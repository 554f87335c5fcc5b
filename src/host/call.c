/*
 * The calls of guests.  One handler per operation; each answers exactly once, at once or by a wait.  Data and control
 * come by two ways, so before any call on a socket its pair is read as far as it goes: what the program wrote before
 * it called is in the send queue before the call takes effect.
 *
 * The numbers in a call are a guest's to choose: a socket is looked up, and a wrong number is -EBADF.
 */
#include "host/call_text.h"
#include "host/resolver.h"
#include "host/svc.h"
#include "host/events.h"
#include "host/netlink.h"
#include "host/procnet.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOT_FOR_US (MSG_DONTWAIT | MSG_NOSIGNAL)

void call_reply(struct client *cl, uint64_t id, int ret, const struct answer *with)
{
	static const struct answer nothing = { .fd = -1 };
	if (!with)
		with = &nothing;
	struct ipc_reply r = {
		.ret = ret,
		.name_len = (uint32_t)with->name_len,
		.ctl_len = (uint32_t)with->ctl_len,
		.extra = with->extra,
	};
	uint8_t *p = cl->svc->reply;
	size_t len = with->name_len + with->ctl_len + with->data_len;
	CHECK(len + sizeof r + sizeof(struct ipc_head) <= IPC_MAX);
	if (with->name_len)
		memcpy(p, with->name, with->name_len);
	if (with->ctl_len)
		memcpy(p + with->name_len, with->ctl, with->ctl_len);
	if (with->data_len)
		memcpy(p + with->name_len + with->ctl_len, with->data, with->data_len);
	if (cl->svc->n_streams && cl->svc->current && cl->svc->current->id == id)
		events_call(cl->svc, cl->svc->current, ret);
	client_send(cl, IPC_REPLY, id, &r, sizeof r, p, len, with->fd);
}

static void reply_name(const struct call *c, int err, const struct sockaddr_storage *addr, socklen_t len)
{
	struct answer with = { .name = addr, .name_len = err ? 0 : MIN(len, sizeof *addr), .fd = -1 };
	call_reply(c->cl, c->id, err, &with);
}

static void reply_data(const struct call *c, int ret, const void *data, size_t len)
{
	struct answer with = { .data = data, .data_len = len, .fd = -1 };
	call_reply(c->cl, c->id, ret, &with);
}

static ol_time now(const struct call *c) { return c->cl->svc->loop.now; }
static struct ol_stack *stack(const struct call *c) { return c->gs->host->stk; }
static const struct sockaddr *addr(const struct call *c) { return (const struct sockaddr *)(const void *)c->name.p; }

/* ---- birth ------------------------------------------------------------------------------------------------------- */
static void do_socket(struct call *c)
{
	struct vhost *h = c->cl->host;
	int domain = c->c.arg[0], type = c->c.arg[1] & 0xf, protocol = c->c.arg[2];
	ol_sock sock = -1;
	if (domain == AF_NETLINK) {
		int err = nl_check(type, protocol);
		if (err) {
			call_ret(c, err);
			return;
		}
	} else {
		sock = ol_socket(h->stk, domain, type, protocol, now(c));
		if (sock < 0) {
			call_ret(c, sock);
			return;
		}
	}
	struct gsock *gs;
	struct answer with = { .fd = -1 };
	int err = gsock_new(&gs, &with.fd, h, c->cl, c->c.pid, domain, type, protocol, sock);
	if (!err && domain == AF_NETLINK && (err = nl_open(gs)) != 0)
		gsock_free(gs);
	if (err) {
		if (with.fd >= 0)
			close(with.fd);
		call_ret(c, err);
		return;
	}
	c->gs = gs;
	call_reply(c->cl, c->id, (int)gs->num, &with);
}

static void do_procnet(struct call *c)
{
	char name[32] = "";
	if (c->data.len < sizeof name)
		memcpy(name, c->data.p, c->data.len);
	struct answer with = { .fd = procnet_open(c->cl->host, name) };
	call_reply(c->cl, c->id, MIN(with.fd, 0), &with);
}

static void do_bind(struct call *c)
{
	struct gsock *gs = c->gs;
	if (gs->nl) {
		call_ret(c, nl_bind(gs, c->name.p, c->name.len));
		return;
	}
	if (gs->phase == GS_TOMB) {
		call_ret(c, -EINVAL);
		return;
	}
	/* A guest's own name server takes the place of ours. */
	bool dns = resolver_yield(gs->host, c->name.p, c->name.len);
	int err = ol_bind(stack(c), gs->sock, addr(c), (socklen_t)c->name.len, now(c));
	if (err == -EADDRINUSE) {
		closes_hear(gs->host);
		err = ol_bind(stack(c), gs->sock, addr(c), (socklen_t)c->name.len, now(c));
	}
	if (dns && err)
		resolver_resume(gs->host);
	call_ret(c, err);
}

/* ---- connecting -------------------------------------------------------------------------------------------------- */
static bool dissolves(const struct call *c)			/* connect() to nobody: AF_UNSPEC */
{
	sa_family_t family = AF_UNSPEC;
	memcpy(&family, c->name.p, MIN(c->name.len, sizeof family));
	return family == AF_UNSPEC;
}

static void connect_stream(struct call *c)
{
	struct gsock *gs = c->gs;
	bool nonblock = c->c.flags & IPC_CALL_NONBLOCK;
	if (gs->phase == GS_CONNECTING) {
		if (nonblock)
			call_ret(c, -EALREADY);
		else
			wait_new(c, -EALREADY);		/* a restarted connect joins the one under way */
		return;
	}
	closes_hear_listeners(c->cl->svc, gs->to.port);
	int err = ol_connect(stack(c), gs->sock, addr(c), (socklen_t)c->name.len, now(c));
	if (err == -EINPROGRESS) {
		gs->phase = GS_CONNECTING;
		if (!nonblock) {
			wait_new(c, -EINPROGRESS);
			return;
		}
		gs->plug_left = IPC_PLUG_LEN;
	} else if (!err && gs->phase == GS_FRESH) {
		gs->phase = GS_OPEN;
		gs->deferred = !dissolves(c);		/* TCP_FASTOPEN_CONNECT: nothing else is done so soon */
	}
	call_ret(c, err);
}

static void do_connect(struct call *c)
{
	struct gsock *gs = c->gs;
	if (gs->phase == GS_TOMB) {
		int err = gs->so_error ? gs->so_error : ECONNABORTED;
		gs->so_error = 0;
		call_ret(c, -err);
		return;
	}
	if (gs->nl) {
		call_ret(c, nl_connect(gs, c->name.p, c->name.len));
		return;
	}
	if (gs->phase == GS_FRESH)
		call_endpoint(&c->name, &gs->to);
	if (gs->kind == IPC_KIND_STREAM) {
		connect_stream(c);
		return;
	}
	int err = ol_connect(stack(c), gs->sock, addr(c), (socklen_t)c->name.len, now(c));
	if (!err)
		gs->plain = !dissolves(c);
	call_ret(c, err);
}

static void do_listen(struct call *c)
{
	struct gsock *gs = c->gs;
	if (gs->phase == GS_TOMB || gs->nl) {
		call_ret(c, gs->nl ? -EOPNOTSUPP : -EINVAL);
		return;
	}
	int err = ol_listen(stack(c), gs->sock, c->c.arg[0], now(c));
	if (err == -EADDRINUSE) {
		closes_hear(gs->host);
		err = ol_listen(stack(c), gs->sock, c->c.arg[0], now(c));
	}
	if (!err) {
		gs->phase = GS_LISTEN;
		closes_listening(gs);
	}
	call_ret(c, err);
}

static void do_accept(struct call *c)
{
	struct gsock *gs = c->gs;
	if (gs->kind != IPC_KIND_STREAM || gs->phase != GS_LISTEN) {
		call_ret(c, gs->kind != IPC_KIND_STREAM ? -EOPNOTSUPP : -EINVAL);
		return;
	}
	if (call_accept(gs, c->cl, c->id, c->c.pid) != -EAGAIN)
		return;
	if (!(c->c.flags & IPC_CALL_NONBLOCK)) {
		wait_new(c, -EAGAIN);
		return;
	}
	/* Tokens of connections that are gone: nobody will take them off otherwise. */
	struct answer with = { .extra = gs->tokens, .fd = -1 };
	gs->tokens = 0;
	call_reply(c->cl, c->id, -EAGAIN, &with);
}

static void do_shutdown(struct call *c)
{
	struct gsock *gs = c->gs;
	int how = c->c.arg[0];
	if (gs->phase == GS_TOMB || gs->nl) {
		call_ret(c, gs->nl ? -EOPNOTSUPP : -ENOTCONN);
		return;
	}
	if (how < SHUT_RD || how > SHUT_RDWR) {
		call_ret(c, -EINVAL);
		return;
	}
	gs->told_shut |= how != SHUT_RD;
	gs->shut_how = (uint8_t)how;
	bool stream = gs->kind == IPC_KIND_STREAM && gs->phase == GS_OPEN;
	/* Bytes that the send queue had no room for come first; the pair's own end of file follows them. */
	bool later = stream && how != SHUT_RD && gsock_unread(gs);
	int now_how = later ? (how == SHUT_RDWR ? SHUT_RD : -1) : how;
	int err = now_how < 0 ? 0 : ol_shutdown(stack(c), gs->sock, now_how, now(c));
	/* Of a datagram socket that was never connected Linux says ENOTCONN, and shuts it all the same. */
	bool shut = !err || (err == -ENOTCONN && gs->kind != IPC_KIND_STREAM);
	if (shut && how != SHUT_WR && (stream || gs->kind != IPC_KIND_STREAM))
		gs->deaf = true;
	if (!err && stream && how != SHUT_RD && !later)
		gs->eof_sent = true;
	struct answer with = { .extra = gs->phase == GS_LISTEN, .fd = -1 };	/* its pair stays as it is: it may listen again */
	if (!err && gs->phase == GS_LISTEN && how != SHUT_WR) {
		gs->phase = GS_FRESH;
		list_del(&gs->listening);
		wait_end_all(gs, IPC_OP_ACCEPT, -EINVAL);
	}
	call_reply(c->cl, c->id, err, &with);
}

/* ---- names and options ------------------------------------------------------------------------------------------- */
static void do_getname(struct call *c)
{
	struct gsock *gs = c->gs;
	bool own = c->c.op == IPC_OP_GETSOCKNAME;
	struct sockaddr_storage a;
	memset(&a, 0, sizeof a);
	socklen_t len = sizeof a;
	int err;
	if (gs->phase == GS_TOMB) {
		a = own ? gs->local : gs->remote;
		len = own ? gs->local_len : gs->remote_len;
		err = own || len ? 0 : -ENOTCONN;
	} else if (gs->nl) {
		err = nl_name(gs, own, &a, &len);
	} else {
		err = (own ? ol_getsockname : ol_getpeername)(stack(c), gs->sock, (struct sockaddr *)&a, &len);
	}
	reply_name(c, err, &a, len);
}

static bool is_oobinline(const struct call *c)
{
	return c->gs->kind == IPC_KIND_STREAM && c->c.arg[0] == SOL_SOCKET && c->c.arg[1] == SO_OOBINLINE;
}

static int set_oobinline(struct call *c)
{
	int v;
	memcpy(&v, c->data.p, sizeof v);
	c->gs->oobinline = v;
	return 0;
}

/*
 * What is told by control messages with a stream's data: a guest reads it from its end of the pair, without a call that
 * could bring them.
 */
static bool told_with_data(const struct call *c)
{
	int level = c->c.arg[0], name = c->c.arg[1];
	if (c->gs->type != SOCK_STREAM)
		return false;
	if (level != SOL_SOCKET)
		return level == IPPROTO_TCP && name == TCP_INQ;
	return name == SO_ZEROCOPY || name == SO_TIMESTAMP || name == SO_TIMESTAMPNS || name == SO_TIMESTAMPING;
}

static void do_setsockopt(struct call *c)
{
	struct gsock *gs = c->gs;
	gs->opt.level = c->c.arg[0];
	gs->opt.name = c->c.arg[1];
	gs->opt.is_int = c->data.len == sizeof gs->opt.value;
	memcpy(&gs->opt.value, c->data.p, MIN(c->data.len, sizeof gs->opt.value));
	if (gs->phase == GS_TOMB)
		call_ret(c, -EINVAL);
	else if (gs->nl)
		call_ret(c, nl_setsockopt(gs, c->c.arg[0], c->c.arg[1], c->data.p, c->data.len));
	else if (told_with_data(c))
		call_ret(c, -ENOPROTOOPT);
	else if (is_oobinline(c) && c->data.len < sizeof(int))
		call_ret(c, -EINVAL);
	else if (is_oobinline(c))
		call_ret(c, set_oobinline(c));
	else
		call_ret(c, ol_setsockopt(stack(c), gs->sock, c->c.arg[0], c->c.arg[1], c->data.p,
					  (socklen_t)c->data.len, now(c)));
}

/* What a socket that is no more still knows. */
static int tomb_option(struct gsock *gs, int level, int name, void *val, socklen_t *len)
{
	int number;
	if (level == IPPROTO_TCP && name == TCP_INFO) {
		struct tcp_info info = { .tcpi_state = OL_TCP_CLOSED };
		*len = MIN(*len, sizeof info);
		memcpy(val, &info, *len);
		return 0;
	}
	if (level != SOL_SOCKET)
		return -ENOPROTOOPT;
	switch (name) {
	case SO_TYPE: number = gs->type; break;
	case SO_DOMAIN: number = gs->domain; break;
	case SO_PROTOCOL: number = IPPROTO_TCP; break;
	case SO_ACCEPTCONN: number = 0; break;
	default: return -ENOPROTOOPT;
	}
	*len = MIN(*len, sizeof number);
	memcpy(val, &number, *len);
	return 0;
}

/*
 * The error that waits to be told, and is told hereby.  Where it was raised at the guest's end (of a stream: by its end), the
 * runner says whether the guest has met it there already.
 */
static int waiting_error(struct call *c)
{
	struct gsock *gs = c->gs;
	int err = gs->raised && c->c.flags & IPC_CALL_TOLD ? 0 : gs->so_error;
	gs->so_error = 0;
	gs->raised = gs->raise = false;
	return err;
}

static void do_getsockopt(struct call *c)
{
	struct gsock *gs = c->gs;
	int level = c->c.arg[0], name = c->c.arg[1];
	if (c->c.arg[2] < 0) {
		call_ret(c, -EINVAL);
		return;
	}
	union { uint8_t bytes[16 * 1024]; int number; } val;
	memset(val.bytes, 0, MIN((size_t)c->c.arg[2], sizeof val));
	if (c->data.len)
		memcpy(val.bytes, c->data.p, MIN(c->data.len, sizeof val));
	socklen_t len = (socklen_t)MIN((size_t)c->c.arg[2], sizeof val);
	int err = 0;
	if (level == SOL_SOCKET && name == SO_ERROR && (gs->so_error || gs->phase == GS_TOMB || gs->nl)) {
		val.number = waiting_error(c);
		len = MIN(len, (socklen_t)sizeof val.number);
	} else if (gs->phase == GS_TOMB) {
		err = tomb_option(gs, level, name, &val, &len);
	} else if (is_oobinline(c)) {
		val.number = gs->oobinline;
		len = MIN(len, (socklen_t)sizeof val.number);
	} else if (gs->nl) {
		err = nl_getsockopt(gs, level, name, &val, &len);
	} else {
		err = ol_getsockopt(stack(c), gs->sock, level, name, &val, &len, now(c));
	}
	reply_data(c, err, &val, err ? 0 : MIN(len, (socklen_t)sizeof val));
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */
static ssize_t send_now(struct gsock *gs, const struct ipc_call *c, const struct ipc_bytes *name,
			const struct ipc_bytes *ctl, const struct ipc_bytes *data, ol_time at)
{
	bool stream = gs->kind == IPC_KIND_STREAM;
	if (stream && (gs->phase == GS_FRESH || gs->phase == GS_LISTEN))
		return -EPIPE;
	if (stream && (gs->phase != GS_OPEN || gs->deferred || gsock_unread(gs)))
		return -EAGAIN;				/* what was written before goes first */
	struct iovec iov = { (void *)(uintptr_t)data->p, data->len };
	/* Control messages are aligned in a program's memory; in a message they are not. */
	union { uint8_t bytes[1024]; struct cmsghdr align; } control;
	if (ctl->len > sizeof control)
		return -ENOBUFS;
	if (ctl->len)
		memcpy(&control, ctl->p, ctl->len);
	struct sockaddr_storage to;
	if (name->len > sizeof to)
		return -EINVAL;
	if (name->len)
		memcpy(&to, name->p, name->len);
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_name = name->len ? &to : NULL,
		.msg_namelen = (socklen_t)name->len,
		.msg_control = ctl->len ? &control : NULL,
		.msg_controllen = ctl->len,
	};
	return ol_sendmsg(gs->host->stk, gs->sock, &msg, c->arg[0] & ~NOT_FOR_US, at);
}

static void do_sendto(struct call *c)
{
	struct gsock *gs = c->gs;
	if (gs->phase == GS_TOMB) {
		int err = gs->so_error ? gs->so_error : EPIPE;
		gs->so_error = 0;
		call_ret(c, -err);
		return;
	}
	if (gs->nl) {
		call_ret(c, nl_send(gs, c->data.p, c->data.len));
		return;
	}
	if (gs->kind == IPC_KIND_STREAM && c->c.arg[0] & MSG_FASTOPEN) {
		call_send_fast(c);
		return;
	}
	int err = gs->kind == IPC_KIND_DGRAM ? waiting_error(c) : 0;
	ssize_t n = err ? -err : send_now(gs, &c->c, &c->name, &c->ctl, &c->data, now(c));
	if (n == -EMSGSIZE && gs->kind == IPC_KIND_DGRAM)	/* IPV6_RECVPATHMTU: the word about it is there when the call returns */
		dgram_pump(gs);
	if (n == -EAGAIN && !(c->c.flags & IPC_CALL_NONBLOCK))
		wait_new(c, -EAGAIN);
	else
		call_ret(c, (int)n);
}

bool call_resend(struct wait *w)
{
	struct ipc_call c;
	struct ipc_bytes name, ctl, data;
	CHECK(ipc_call_parse(w->body, w->body_len, &c, &name, &ctl, &data));
	ssize_t n = send_now(w->gs, &c, &name, &ctl, &data, w->cl->svc->loop.now);
	if (n == -EAGAIN)
		return false;
	vhost_touch(w->gs->host);
	wait_end(w, (int)n);
	return true;
}

static void do_recverr(struct call *c)
{
	struct gsock *gs = c->gs;
	if (gs->phase == GS_TOMB || gs->nl) {
		call_ret(c, -EAGAIN);
		return;
	}
	struct svc *s = c->cl->svc;
	struct sockaddr_storage from;
	union { uint8_t bytes[1024]; struct cmsghdr align; } control;
	struct iovec iov = { s->scratch, 65536 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_name = &from, .msg_namelen = sizeof from,
		.msg_control = &control, .msg_controllen = sizeof control,
	};
	ssize_t n = ol_recvmsg(stack(c), gs->sock, &msg, MSG_ERRQUEUE, now(c));
	if (n < 0) {
		call_ret(c, (int)n);
		return;
	}
	struct answer with = {
		.name = &from, .name_len = MIN(msg.msg_namelen, sizeof from), .ctl = &control,
		.ctl_len = MIN(msg.msg_controllen, sizeof control), .data = s->scratch, .data_len = (size_t)n, .fd = -1,
		.extra = ol_poll(stack(c), gs->sock) & OL_EV_ERR,
	};
	if (!with.extra)
		gs->so_error = 0;
	else
		gs->raise = gs->kind == IPC_KIND_DGRAM;	/* poll goes on saying so */
	call_reply(c->cl, c->id, (int)n, &with);
}

/* ---- the way in -------------------------------------------------------------------------------------------------- */
static void (*const handlers[IPC_OP_MAX])(struct call *) = {
	[IPC_OP_SOCKET] = do_socket,
	[IPC_OP_BIND] = do_bind,
	[IPC_OP_CONNECT] = do_connect,
	[IPC_OP_LISTEN] = do_listen,
	[IPC_OP_ACCEPT] = do_accept,
	[IPC_OP_SHUTDOWN] = do_shutdown,
	[IPC_OP_GETSOCKNAME] = do_getname,
	[IPC_OP_GETPEERNAME] = do_getname,
	[IPC_OP_SETSOCKOPT] = do_setsockopt,
	[IPC_OP_GETSOCKOPT] = do_getsockopt,
	[IPC_OP_SENDTO] = do_sendto,
	[IPC_OP_RECVERR] = do_recverr,
	[IPC_OP_IOCTL] = call_ioctl,
};

void call_in(struct client *cl, uint64_t id, const uint8_t *body, size_t len)
{
	struct call c = { .cl = cl, .id = id };
	if (!ipc_call_parse(body, len, &c.c, &c.name, &c.ctl, &c.data)) {
		client_drop(cl);
		return;
	}
	struct svc *s = cl->svc;
	s->current = &c;
	if (c.c.op == IPC_OP_SOCKET) {
		do_socket(&c);
		vhost_touch(cl->host);
	} else if (c.c.op == IPC_OP_PROCNET) {
		do_procnet(&c);
	} else if (c.c.op == IPC_OP_IOCTL && !c.c.sock) {
		call_ioctl(&c);
	} else {
		struct gsock *gs = gsock_find(s, c.c.sock);
		if (gs)
			gsock_pump(gs);
		c.gs = gs = gsock_find(s, c.c.sock);	/* pumping may have ended it */
		if (!gs) {
			call_ret(&c, -EBADF);
		} else {
			struct vhost *h = gs->host;
			gs->pid = c.c.pid ? c.c.pid : gs->pid;
			handlers[c.c.op](&c);
			vhost_touch(h);
		}
	}
	s->current = NULL;
}
