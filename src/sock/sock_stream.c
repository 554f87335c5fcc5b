/*
 * Stream sockets: the calls of POSIX on the user calls of RFC 9293 3.10.  The ladder of a socket:
 *
 *	OPEN --listen--> LISTENING --accept--> (another socket, CONNECTED)
 *	OPEN --connect--> CONNECTING --established, and connect() asked again or data moved--> CONNECTED
 *	any  --connect(AF_UNSPEC)--> OPEN
 *
 * With Fast Open (RFC 7413) connect() and the first send are one call, sendmsg(MSG_FASTOPEN); or, with
 * TCP_FASTOPEN_CONNECT, connect() only says to whom, and the first send does both.
 *
 * Where POSIX leaves the answer open it is Linux's: a connect() that was under way and is asked for again says 0 once it
 * is done, then -EISCONN; one that failed says why and the socket may try again.  One departure: send() on a socket never
 * connected is -ENOTCONN, as POSIX has it, and not Linux's EPIPE.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/iov.h"
#include "sock/sock_int.h"
#include "transport/tcp/tcp_config.h"
#include "transport/tcp/tcp_fastopen.h"

struct tcp_opts *stream_opts(struct sock *s)
{
	return s->tcb ? tcp_opts(s->tcb) : s->listener ? tcp_listener_opts(s->listener) : s->opts;
}

void stream_opts_changed(struct sock *s, ol_time now)
{
	if (s->tcb)
		tcp_opts_changed(s->tcb, now);
}

/* ---- connect() ------------------------------------------------------------------------------------------------- */
static bool is_opening(const struct sock *s)
{
	enum ol_tcp_state state = tcp_state(s->tcb);
	return state == OL_TCP_SYN_SENT || state == OL_TCP_SYN_RECEIVED;
}

/* To the program a connection in TIME-WAIT is over, as on Linux, where a record without a socket does the waiting. */
bool stream_is_over(const struct sock *s)
{
	enum ol_tcp_state state = tcp_state(s->tcb);
	return state == OL_TCP_CLOSED || state == OL_TCP_TIME_WAIT;
}

/* Back to OPEN: connection or listener gone, options and what bind() fixed kept.  -ENOBUFS: nothing changed. */
static int dissolve(struct sock *s, ol_time now)
{
	struct tcp_opts *opts = s->opts;
	if (!opts) {
		opts = malloc(sizeof *opts);
		if (!opts)
			return -ENOBUFS;
		*opts = *stream_opts(s);
	}
	if (s->tcb) {
		s->error = tcp_state(s->tcb) == OL_TCP_SYN_SENT ? OL_ERR_CONNRESET : OL_OK;
		tcp_abort(s->tcb, now);
		tcp_set_user(s->tcb, NULL);
		tcp_release(s->tcb, now);
	}
	if (s->listener) {
		tcp_listener_close(s->listener, now);
		s->claim->b.listening = false;
	}
	s->tcb = NULL;
	s->deferred = false;
	s->listener = NULL;
	s->opts = opts;
	s->stage = SOCK_OPEN;
	if (!s->port_locked) {
		sock_claim_drop(s);
		s->local.port = 0;
	}
	if (!s->addr_locked)
		s->local.addr = (struct ol_addr){ .ver = s->domain == AF_INET ? 4 : 0 };
	sock_raise(s);
	return 0;
}

/* The connection is TCP's to tell about from now on, its options too. */
static void adopt(struct sock *s, struct tcp_tcb *tcb, enum sock_stage stage)
{
	s->tcb = tcb;
	tcp_set_tell(tcb, s->tell);
	s->deferred = false;
	s->stage = stage;
	s->error = OL_OK;
	free(s->opts);
	s->opts = NULL;
}

int stream_rebind(struct sock *s, ol_time now)
{
	if (!s->tcb || !stream_is_over(s) || s->port_locked)
		return -EINVAL;
	enum ol_err err = tcp_error_take(s->tcb);
	int no = dissolve(s, now);
	s->error = err;
	return no;
}

/* From where, with a port of our own: what must be known before a SYN can go. */
static int choose_local(struct sock *s, struct ol_endpoint *remote, struct ol_endpoint *local, ol_time now)
{
	struct net_path path;
	if (ol_addr_is_multicast(&remote->addr))
		return -ENETUNREACH;
	if (remote->addr.ver == 6 && ol_addr_is_linklocal(&remote->addr) && !remote->addr.scope)
		return -EINVAL;			/* a link-local address says nothing without its link */
	static const struct ol_addr any;
	const struct ol_addr *src = ol_addr_is_any(&s->local.addr) ? &any : &s->local.addr;
	int ifi = remote->addr.scope ? (int)remote->addr.scope : s->ifi;
	enum ol_err err = net_route(s->ss->net, &remote->addr, src, ifi, &path);
	if (err)
		return sock_errno(err);
	if (path.broadcast || path.multicast)
		return -ENETUNREACH;
	if (!s->claim) {
		int no = sock_claim_for(s, &path.src, remote, now);	/* req: POSIX-connect-a */
		if (no)
			return no;
	}
	*local = (struct ol_endpoint){ path.src, s->local.port };
	return 0;
}

/* What Fast Open may send with the SYN, and how much of it went. */
struct fast { const struct iovec *iov; int n; unsigned flags; size_t done; };

/* fast: NULL for an ordinary open. */
static int open_to(struct sock *s, struct ol_endpoint *remote, struct fast *fast, ol_time now)
{
	struct ol_endpoint local;
	int no = choose_local(s, remote, &local, now);
	if (no)
		return no;
	struct tcp_tcb *tcb;
	enum ol_err err = fast ? tcp_open_fast(s->ss->tcp, &tcb, s->opts, &local, remote, fast->iov, fast->n, fast->flags, &fast->done, s, now)
			       : tcp_open(s->ss->tcp, &tcb, s->opts, &local, remote, s, now);
	if (!err) {
		adopt(s, tcb, SOCK_CONNECTING);
		return -EINPROGRESS;		/* req: POSIX-connect-EINPROGRESS */
	}
	if (!s->port_locked && s->claim->b.chosen)
		sock_claim_drop(s);
	return sock_errno(err);
}

/* TCP_FASTOPEN_CONNECT: where the SYN could carry text it waits for some; else it asks for a cookie. */
static int open_when_written(struct sock *s, struct ol_endpoint *remote, ol_time now)
{
	struct ol_endpoint local;
	struct fast nothing = { 0 };
	int no = choose_local(s, remote, &local, now);
	if (no)
		return no;
	if (!tcp_fastopen_ready(s->ss->tcp, s->opts, &local.addr, remote, now))
		return open_to(s, remote, &nothing, now);
	s->remote = *remote;
	s->stage = SOCK_CONNECTING;
	s->deferred = true;
	return 0;
}

static int again(struct sock *s, ol_time now)
{
	if (s->deferred)
		return -EISCONN;		/* to the program it is, as on Linux */
	if (is_opening(s))
		return -EALREADY;		/* req: POSIX-connect-EALREADY */
	if (!stream_is_over(s)) {
		s->stage = SOCK_CONNECTED;
		return 0;
	}
	enum ol_err err = tcp_error_take(s->tcb);
	dissolve(s, now);
	return err ? sock_errno(err) : -ECONNABORTED;
}

static int peer_of(struct sock *s, const struct sockaddr *addr, socklen_t len, struct ol_endpoint *remote)
{
	int err = sock_addr_in(s, addr, len, 0, remote);
	if (!err)
		err = sock_addr_partner(s, remote);
	if (!err && s->addr_locked && s->local.addr.ver && s->local.addr.ver != remote->addr.ver)
		err = s->local.addr.ver == 4 ? -ENETUNREACH : -EINVAL;
	return err;
}

static int stream_connect(struct sock *s, const struct sockaddr *addr, socklen_t len, ol_time now)
{
	sa_family_t family;
	if (!addr || len < (socklen_t)sizeof family)
		return -EINVAL;
	memcpy(&family, addr, sizeof family);
	if (family == AF_UNSPEC)
		return dissolve(s, now);
	if (s->stage == SOCK_CONNECTED || s->stage == SOCK_LISTENING)
		return -EISCONN;		/* req: POSIX-connect-EISCONN */
	if (s->stage == SOCK_CONNECTING)
		return again(s, now);
	struct ol_endpoint remote;
	int err = peer_of(s, addr, len, &remote);
	if (err)
		return err;
	return s->fo_connect ? open_when_written(s, &remote, now) : open_to(s, &remote, NULL, now);
}

/* ---- listen(), accept() ---------------------------------------------------------------------------------------- */
static int start_listening(struct sock *s, int backlog, ol_time now)
{
	struct tcp_opts *opts = s->opts;
	struct tcp_listener *l;
	opts->v6only = s->v6only;
	enum ol_err err = tcp_listen(s->ss->tcp, &l, opts, &s->local, backlog, s->reuseport, s, now);
	if (err)
		return sock_errno(err);
	s->listener = l;
	if (s->fo_keys)
		tcp_listener_set_keys(l, s->fo_keys);
	s->stage = SOCK_LISTENING;
	s->error = OL_OK;
	free(opts);
	s->opts = NULL;
	return 0;
}

/* req-not: POSIX-listen-a a negative backlog is the longest there may be, as on Linux: programs pass -1 and mean that. */
static int stream_listen(struct sock *s, int backlog, ol_time now)
{
	backlog = (unsigned)backlog > s->ss->cfg.tcp->somaxconn ? (int)s->ss->cfg.tcp->somaxconn : backlog;
	if (s->stage == SOCK_LISTENING) {
		tcp_listener_set_backlog(s->listener, backlog);
		return 0;
	}
	if (s->stage != SOCK_OPEN)
		return -EINVAL;			/* req: POSIX-listen-EINVAL */
	if (!s->claim) {
		int err = sock_claim(s, &s->local);
		if (err)
			return err;
	}
	s->claim->b.listening = true;
	enum ol_err err = port_listen(s->claim->ports, &s->claim->b);
	if (err)
		return sock_errno(err);
	int no = start_listening(s, backlog, now);
	if (no)
		s->claim->b.listening = false;
	return no;
}

/* The child inherits what its listener was told, as on Linux; the TCP options came with the connection. */
static void inherit(struct sock *child, struct sock *listener)
{
	child->ops = &stream_ops;
	child->owner = listener->owner;
	child->reuseaddr = listener->reuseaddr;
	child->reuseport = listener->reuseport;
	child->v6only = listener->v6only;
	child->freebind = listener->freebind;
	child->linger = listener->linger;
	child->linger_s = listener->linger_s;
	child->rcvbuf = listener->rcvbuf;
	child->sndbuf = listener->sndbuf;
	child->ifi = listener->ifi;
	child->rcvtimeo = listener->rcvtimeo;
	child->sndtimeo = listener->sndtimeo;
	child->recv_opts = listener->recv_opts;
	child->zerocopy = listener->zerocopy;
	child->stamps = listener->stamps;
	sock_claim_share(child, listener);
}

static ol_sock stream_accept(struct sock *s, struct sockaddr *addr, socklen_t *len, ol_time now)
{
	if (s->stage != SOCK_LISTENING)
		return -EINVAL;			/* req: POSIX-accept-EINVAL */
	if (!tcp_listener_waiting(s->listener))
		return -EAGAIN;			/* req: POSIX-accept-EAGAIN */
	struct sock *child = sock_new(s->ss, s->domain, SOCK_STREAM, s->protocol);
	if (!child)
		return -ENOBUFS;		/* the connection goes on waiting */
	inherit(child, s);
	struct tcp_tcb *tcb = tcp_accept(s->listener, child, now);
	CHECK(tcb);
	adopt(child, tcb, SOCK_CONNECTED);
	tcp_opts(tcb)->number = child->number;
	child->local = *tcp_local(tcb);
	if (addr)
		sock_addr_out(child, tcp_remote(tcb), addr, len);
	if (tcp_ready(tcb) & ~(unsigned)OL_EV_OUT)	/* what came before it had an owner */
		sock_raise(child);
	return child->number;
}

/* ---- shutdown(), close() --------------------------------------------------------------------------------------- */
static int stream_shutdown(struct sock *s, int how, ol_time now)
{
	bool rd = how != SHUT_WR, wr = how != SHUT_RD;
	if (s->stage == SOCK_LISTENING)
		return rd ? dissolve(s, now) : 0;
	if (s->deferred)
		return dissolve(s, now);
	if (!s->tcb || stream_is_over(s))
		return -ENOTCONN;		/* req: POSIX-shutdown-ENOTCONN */
	if (tcp_state(s->tcb) == OL_TCP_SYN_SENT)
		return dissolve(s, now);
	if (!is_opening(s))
		s->stage = SOCK_CONNECTED;	/* asked again, connect() says -EISCONN */
	enum ol_err err = OL_OK;
	if (rd)
		err = tcp_shutdown_recv(s->tcb, now);
	if (wr && !err)
		err = tcp_shutdown_send(s->tcb, now);
	return sock_errno(err);
}

static void stream_close(struct sock *s, ol_time now)
{
	if (s->listener) {
		tcp_listener_close(s->listener, now);
		s->claim->b.listening = false;	/* what it accepted may hold the port on */
	}
	if (!s->tcb)
		return;
	tcp_set_user(s->tcb, NULL);
	if (s->linger && s->linger_s == 0)
		tcp_abort(s->tcb, now);		/* req: POSIX-sys_socket.h-j */
	tcp_release(s->tcb, now);
}

int64_t sock_lingering(struct socks *ss, ol_sock number)
{
	const struct sock *s = sock_table_get(&ss->table, number);
	if (!s || !s->tcb || !s->linger || !s->linger_s)
		return 0;
	switch (tcp_state(s->tcb)) {
	case OL_TCP_FIN_WAIT_1:
	case OL_TCP_CLOSING:
	case OL_TCP_LAST_ACK:		/* Linux waits until our FIN was acknowledged */
		return (int64_t)s->linger_s * OL_SEC;
	default:
		return tcp_unacked(s->tcb) ? (int64_t)s->linger_s * OL_SEC : 0;
	}
}

/* ---- data ------------------------------------------------------------------------------------------------------ */
static unsigned send_flags(const struct sock *s, int flags)
{
	return (flags & MSG_MORE ? TCP_SEND_MORE : 0) | (flags & MSG_OOB ? TCP_SEND_URG : 0) | (flags & MSG_EOR ? TCP_SEND_EOR : 0) |
	       stream_tell_flags(s, flags);
}

static int take_error(struct sock *s)
{
	enum ol_err err = s->error;
	s->error = OL_OK;
	return sock_errno(err);
}

/* Data may move once connected, or while connecting (then it waits); *err says why not. */
static bool may_move(struct sock *s, ssize_t *err)
{
	*err = s->error ? take_error(s) : s->tcb ? 0 : s->deferred ? -EAGAIN : -ENOTCONN;
	return !*err;
}

/* RFC 7413 appendix A is only a proposal; this is tcp_sendmsg_fastopen of Linux.  0 and *done 0: go on as ever. */
static int send_fast(struct sock *s, const struct msghdr *msg, int flags, size_t *done, ol_time now)
{
	struct fast fast = { msg->msg_iov, (int)msg->msg_iovlen, send_flags(s, flags), 0 };
	struct ol_endpoint remote = s->remote;
	sa_family_t family = AF_INET;
	if (msg->msg_name && msg->msg_namelen >= sizeof family)
		memcpy(&family, msg->msg_name, sizeof family);
	if (flags & MSG_FASTOPEN && (!(s->ss->cfg.tcp->fastopen & TCP_FO_CLIENT) || family == AF_UNSPEC))
		return -EOPNOTSUPP;		/* req: POSIX-send-EOPNOTSUPP */
	if (s->stage == SOCK_CONNECTED || s->stage == SOCK_LISTENING)
		return -EISCONN;
	if (s->tcb)
		return again(s, now);
	int err = s->deferred ? 0 : !msg->msg_name ? -EINVAL : peer_of(s, msg->msg_name, msg->msg_namelen, &remote);
	if (err)
		return err;
	if (!stream_tell_ready(s, fast.flags))
		return -ENOBUFS;
	err = open_to(s, &remote, &fast, now);
	if (fast.done)
		tcp_tell_written(s->tcb, fast.done, fast.flags, now);
	if (err != -EINPROGRESS && s->deferred)
		dissolve(s, now);
	*done = fast.done;
	return fast.done ? 0 : err;
}

static ssize_t stream_sendmsg(struct sock *s, const struct msghdr *msg, int flags, ol_time now)
{
	ssize_t no;
	size_t done = 0;
	if (flags & MSG_FASTOPEN || s->deferred) {
		no = send_fast(s, msg, flags, &done, now);
		if (no || done)
			return no ? no : (ssize_t)done;
	}
	if (!may_move(s, &no))
		return no;
	unsigned how = send_flags(s, flags);
	if (!stream_tell_ready(s, how))
		return -ENOBUFS;
	enum ol_err err = tcp_send(s->tcb, msg->msg_iov, (int)msg->msg_iovlen, how, &done, now);
	return done ? (ssize_t)done : sock_errno(err);
}

static unsigned recv_flags(int flags)
{
	return (flags & MSG_PEEK ? TCP_RECV_PEEK : 0) | (flags & MSG_OOB ? TCP_RECV_URG : 0) |
	       (flags & MSG_TRUNC ? TCP_RECV_TRUNC : 0);
}

static ssize_t stream_recvmsg(struct sock *s, struct msghdr *msg, int flags, ol_time now)
{
	ssize_t no;
	size_t done = 0;
	msg->msg_namelen = 0;
	if (flags & MSG_ERRQUEUE)
		return stream_recv_error(s, msg);
	struct cmsg_out ctl = cmsg_begin(msg);
	msg->msg_controllen = 0;
	if (flags & MSG_OOB && !s->tcb && !s->listener)
		return -EINVAL;			/* req: POSIX-recv-EINVAL */
	if (!may_move(s, &no))
		return no;
	bool timed = s->stamps || s->recv_opts & (RECV_TIME | RECV_TIME_NS);
	ol_time at = timed && !(flags & MSG_OOB) ? tcp_read_time(s->tcb, iov_sum(msg->msg_iov, (int)msg->msg_iovlen)) : OL_NEVER;
	enum ol_err err = tcp_recv(s->tcb, msg->msg_iov, (int)msg->msg_iovlen, recv_flags(flags), &done, now);
	if (flags & MSG_OOB && !err)
		msg->msg_flags |= done ? MSG_OOB : MSG_TRUNC;
	if (!err && at != OL_NEVER)
		cmsg_put_time(s, &ctl, at);
	if (!err)
		cmsg_put_inq(s, &ctl);
	cmsg_end(msg, &ctl);
	return done ? (ssize_t)done : sock_errno(err);
}

static struct sock *stream_of(struct socks *ss, ol_sock number, ssize_t *err)
{
	struct sock *s = sock_table_get(&ss->table, number);
	*err = s ? sock_is_stream(s) ? 0 : -EOPNOTSUPP : -EBADF;
	return !*err && may_move(s, err) ? s : NULL;
}

int sock_recv_view(struct socks *ss, ol_sock number, struct iovec *iov, int n, ol_time now)
{
	ssize_t no;
	struct sock *s = stream_of(ss, number, &no);
	if (!s)
		return (int)no;
	enum ol_err err = tcp_recv_view(s->tcb, iov, &n, now);
	return err ? sock_errno(err) : n;
}

int sock_recv_done(struct socks *ss, ol_sock number, size_t len, ol_time now)
{
	ssize_t no;
	struct sock *s = stream_of(ss, number, &no);
	return s ? sock_errno(tcp_recv_done(s->tcb, len, now)) : (int)no;
}

int sock_send_view(struct socks *ss, ol_sock number, size_t want, struct iovec *iov, int n, ol_time now)
{
	ssize_t no;
	struct sock *s = stream_of(ss, number, &no);
	if (!s)
		return (int)no;
	enum ol_err err = tcp_send_view(s->tcb, want, iov, &n, now);
	return err ? sock_errno(err) : n;
}

int sock_send_done(struct socks *ss, ol_sock number, size_t len, int flags, ol_time now)
{
	ssize_t no;
	struct sock *s = stream_of(ss, number, &no);
	unsigned how = s ? send_flags(s, flags) : 0;
	if (!s || !stream_tell_ready(s, how))
		return s ? -ENOBUFS : (int)no;
	return sock_errno(tcp_send_done(s->tcb, len, how, now));
}

/* ---- readiness ------------------------------------------------------------------------------------------------- */
static unsigned stream_poll(const struct sock *s)
{
	unsigned ev = s->error || tcp_tell_waits(s->tell) ? OL_EV_ERR : 0;
	if (s->listener)
		return ev | tcp_listener_ready(s->listener);
	return ev | (s->tcb ? tcp_ready(s->tcb) : s->deferred ? OL_EV_OUT : OL_EV_OUT | OL_EV_HUP);
}

static enum ol_err stream_error_take(struct sock *s)
{
	enum ol_err err = s->error;
	s->error = OL_OK;
	if (!err && s->tcb)
		err = tcp_error_take(s->tcb);
	return err || !s->tcb ? err : tcp_soft_error_take(s->tcb);	/* as Linux: what ends nothing is worth SO_ERROR too */
}

const struct sock_ops stream_ops = {
	.connect = stream_connect, .listen = stream_listen, .accept = stream_accept, .shutdown = stream_shutdown,
	.sendmsg = stream_sendmsg, .recvmsg = stream_recvmsg, .poll = stream_poll, .error_take = stream_error_take,
	.close = stream_close,
};

size_t sock_readable(struct socks *ss, ol_sock number)
{
	const struct sock *s = sock_table_get(&ss->table, number);
	struct dgram_meta m;
	if (!s)
		return 0;
	if (s->tcb)
		return tcp_readable(s->tcb);
	const struct ol_pkt *first = s->d ? dgramq_peek(&s->d->rx, &m) : NULL;
	return first ? first->len : 0;
}

size_t sock_unsent(struct socks *ss, ol_sock number)
{
	const struct sock *s = sock_table_get(&ss->table, number);
	return s && s->tcb ? tcp_unacked(s->tcb) : 0;
}

size_t sock_writable(struct socks *ss, ol_sock number)
{
	const struct sock *s = sock_table_get(&ss->table, number);
	return s && s->tcb ? tcp_writable(s->tcb) : s && s->d ? s->sndbuf : 0;
}

int sock_at_mark(struct socks *ss, ol_sock number)
{
	const struct sock *s = sock_table_get(&ss->table, number);
	return !s ? -EBADF : !s->tcb ? -EINVAL : tcp_at_mark(s->tcb);
}

unsigned sock_backlog(struct socks *ss, ol_sock number)
{
	const struct sock *s = sock_table_get(&ss->table, number);
	return s && s->listener ? tcp_listener_waiting(s->listener) : 0;
}
