/*
 * Datagram sockets: what UDP, raw and ping sockets share (where to, which source, one datagram in or out, the error
 * queue), and UDP's own ports.  POSIX leaves open what sendto() with an address does on a connected socket: as on Linux it
 * goes to that address (POSIX-sendto-a).
 */
#include <sys/types.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <string.h>
#include "base/check.h"
#include "base/iov.h"
#include "sock/sock_int.h"

/* ---- sending --------------------------------------------------------------------------------------------------- */
static bool is_unspec(const struct msghdr *msg)
{
	sa_family_t family = AF_UNSPEC;
	memcpy(&family, msg->msg_name, MIN(sizeof family, (size_t)msg->msg_namelen));
	return family == AF_UNSPEC;
}

/* An AF_INET socket takes AF_UNSPEC for AF_INET, an AF_INET6 one for no address at all: Linux's udp_sendmsg. */
static int destination(struct sock *s, const struct msghdr *msg, struct ol_endpoint *dst)
{
	bool named = msg->msg_name && msg->msg_namelen;
	if (named && is_unspec(msg)) {
		struct sockaddr_in in;
		if (s->domain == AF_INET6) {
			named = false;
		} else {
			if (msg->msg_namelen < sizeof in)
				return -EINVAL;
			memcpy(&in, msg->msg_name, sizeof in);
			*dst = (struct ol_endpoint){ ol_addr_from(4, &in.sin_addr), ntohs(in.sin_port) };
			return sock_addr_peer(s, dst);
		}
	}
	if (!named) {
		if (!s->d->connected)
			return -EDESTADDRREQ;	/* req: POSIX-send-EDESTADDRREQ */
		*dst = s->d->remote;
		return 0;
	}
	int err = sock_addr_in(s, msg->msg_name, msg->msg_namelen, ADDR_TAKES_IP4, dst);
	return err ? err : sock_addr_peer(s, dst);
}

int dgram_prepare(struct sock *s, const struct msghdr *msg, int flags, struct dgram_call *call)
{
	*call = (struct dgram_call){ .to = { .ttl = -1, .tos = -1, .dontfrag = -1, .min_mtu = -2, .dontroute = flags & MSG_DONTROUTE },
				     .iov = msg->msg_iov, .n = (int)msg->msg_iovlen };
	if (flags & (MSG_OOB | MSG_MORE | MSG_FASTOPEN))
		return -EOPNOTSUPP;		/* req: POSIX-send-EOPNOTSUPP */
	if (s->d->shut_wr)
		return -EPIPE;
	int err = destination(s, msg, &call->to.dst);
	return err ? err : cmsg_parse(s, msg, &call->to);
}

/* ---- receiving ------------------------------------------------------------------------------------------------- */
size_t dgram_scatter(const struct iovec *iov, size_t n, const uint8_t *p, size_t len)
{
	size_t done = 0;
	for (size_t i = 0; i < n && done < len; i++) {
		size_t piece = MIN(iov[i].iov_len, len - done);
		if (piece)
			memcpy(iov[i].iov_base, p + done, piece);
		done += piece;
	}
	return done;
}

static void put_from(struct sock *s, struct msghdr *msg, const struct ol_endpoint *ep)
{
	if (msg->msg_name)
		sock_addr_out(s, ep, msg->msg_name, &msg->msg_namelen);
	else
		msg->msg_namelen = 0;
}

/* req: POSIX-recv-c, POSIX-recvmsg-a, POSIX-recvfrom-a */
static ssize_t hand_over(struct msghdr *msg, const struct ol_pkt *pkt, const struct cmsg_out *ctl, int flags)
{
	size_t copied = dgram_scatter(msg->msg_iov, msg->msg_iovlen, pkt->data, pkt->len);
	if (copied < pkt->len)
		msg->msg_flags |= MSG_TRUNC;
	cmsg_end(msg, ctl);
	return (ssize_t)(flags & MSG_TRUNC ? pkt->len : copied);
}

static ssize_t recv_error(struct sock *s, struct msghdr *msg, int flags)
{
	struct dgram_meta meta;
	struct ol_pkt *pkt = dgram_error_get(s->d, &meta);
	if (!pkt)
		return -EAGAIN;
	struct cmsg_out ctl = cmsg_begin(msg);
	put_from(s, msg, &meta.to);
	cmsg_put_error(s, &ctl, &meta);
	ssize_t n = hand_over(msg, pkt, &ctl, flags);
	msg->msg_flags |= MSG_ERRQUEUE;
	ol_pkt_free(pkt);
	return n;
}

ssize_t dgram_recvmsg(struct sock *s, struct msghdr *msg, int flags, ol_time now)
{
	struct dgram_meta meta;
	if (flags & MSG_OOB)
		return -EOPNOTSUPP;		/* req: POSIX-recv-EOPNOTSUPP */
	if (flags & MSG_ERRQUEUE)
		return recv_error(s, msg, flags);
	enum ol_err err = dgram_error_take(s);
	if (err)
		return sock_errno(err);		/* req: POSIX-general-a */
	struct ol_pkt *pkt = flags & MSG_PEEK ? dgramq_peek(&s->d->rx, &meta) : dgramq_get(&s->d->rx, &meta);
	if (!pkt) {
		msg->msg_namelen = 0;
		msg->msg_controllen = 0;
		return s->d->shut_rd ? 0 : -EAGAIN;	/* req: POSIX-recv-EAGAIN */
	}
	struct cmsg_out ctl = cmsg_begin(msg);
	put_from(s, msg, &meta.from);
	cmsg_put_meta(s, &ctl, &meta);
	ssize_t n = hand_over(msg, pkt, &ctl, flags);
	if (!(flags & MSG_PEEK))
		ol_pkt_free(pkt);
	return n;
}

/* ---- association ----------------------------------------------------------------------------------------------- */
int dgram_connect(struct sock *s, const struct ol_endpoint *peer)
{
	struct dgram_to to = { .dst = *peer, .ttl = -1, .tos = -1, .dontfrag = -1, .min_mtu = -2 };
	struct net_tx tx;
	struct net_path path;
	enum ol_err err = dgram_route(s->d, s->ss->net, &to, 0, &tx, &path);
	if (err)
		return sock_errno(err);
	if (!s->addr_locked)
		s->local.addr = path.src;
	if (s->claim)
		s->claim->b.local.addr = s->local.addr;
	s->d->remote = *peer;
	s->d->connected = true;
	s->d->error = OL_OK;
	s->stage = SOCK_CONNECTED;
	s->ops->rebound(s);
	return 0;
}

/* connect(AF_UNSPEC): req: POSIX-connect-b.  What bind() fixed stays. */
void dgram_disconnect(struct sock *s)
{
	s->d->connected = false;
	s->d->remote = (struct ol_endpoint){ 0 };
	s->d->error = OL_OK;
	s->stage = SOCK_OPEN;
	if (!s->addr_locked) {
		s->local.addr = (struct ol_addr){ .ver = s->domain == AF_INET ? 4 : s->v6only ? 6 : 0 };
		if (s->claim)
			s->claim->b.local.addr = s->local.addr;
	}
	if (!s->port_locked) {
		sock_claim_drop(s);
		s->local.port = 0;
	}
	s->ops->rebound(s);
}

int dgram_shutdown(struct sock *s, int how, ol_time now)
{
	if (how != SHUT_WR)
		s->d->shut_rd = true;
	if (how != SHUT_RD)
		s->d->shut_wr = true;
	sock_raise(s);
	return s->d->connected ? 0 : -ENOTCONN;	/* Linux: it works all the same, and wakes whoever waits */
}

unsigned dgram_poll(const struct sock *s) { return dgram_ready(s->d); }

enum ol_err dgram_error_take(struct sock *s)
{
	enum ol_err err = s->d->error;
	s->d->error = OL_OK;
	return err;
}

/* ---- UDP ------------------------------------------------------------------------------------------------------- */
static void udp_rebound(struct sock *s)
{
	s->d->local = s->local;
	s->d->v6only = s->v6only;
	s->d->opts.ifi = s->ifi;
	s->d->opts.broadcast = s->broadcast;
	s->d->opts.rcvbuf = s->rcvbuf;
	s->udp->reuseport = s->reuseport;
	udp_rehash(s->ss->udp, s->udp);
}

static int udp_autobind(struct sock *s)
{
	return s->claim ? 0 : sock_claim(s, &s->local);
}

static int udp_connect(struct sock *s, const struct sockaddr *addr, socklen_t len, ol_time now)
{
	struct ol_endpoint peer;
	sa_family_t family;
	if (!addr || len < (socklen_t)sizeof family)
		return -EINVAL;
	memcpy(&family, addr, sizeof family);
	if (family == AF_UNSPEC) {
		dgram_disconnect(s);
		return 0;
	}
	int err = sock_addr_in(s, addr, len, ADDR_TAKES_IP4, &peer);
	if (!err)
		err = sock_addr_partner(s, &peer);
	if (!err)
		err = udp_autobind(s);		/* req: POSIX-connect-a */
	return err ? err : dgram_connect(s, &peer);
}

/* ip(7): with IP_RECVERR the reason why a datagram was too long says how long it may be; RFC 3542 11.3. */
static void tell_mtu(struct sock *s, const struct dgram_call *call)
{
	struct net_path path;
	static const struct ol_addr any;
	if (net_route(s->ss->net, &call->to.dst.addr, &any, s->ifi, &path))
		return;
	struct dgram_meta meta = { .to = call->to.dst, .origin = SO_EE_ORIGIN_LOCAL, .err = OL_ERR_MSGSIZE,
				   .info = path.mtu };
	if (call->to.dst.addr.ver == 4 ? s->d->opts.recverr4 : s->d->opts.recverr6 || s->d->opts.recv_path)
		dgram_error(s->d, s->ss->pool, &meta, false, (const uint8_t *)"", 0);
}

static ssize_t udp_sendmsg(struct sock *s, const struct msghdr *msg, int flags, ol_time now)
{
	struct dgram_call call;
	struct msghdr rest = { .msg_iov = msg->msg_iov, .msg_iovlen = msg->msg_iovlen };	/* where to is known by then */
	bool more = s->corked || flags & MSG_MORE;
	int err = dgram_prepare(s, s->pending ? &rest : msg, flags & ~MSG_MORE, &call);
	if (err == -EDESTADDRREQ && s->pending)
		err = 0;
	if (!err && !s->pending && !call.to.dst.port && msg->msg_name)
		err = -EINVAL;
	if (!err)
		err = udp_autobind(s);
	bool pieces = more || s->pending;
	if (!err && pieces)
		err = udp_cork_add(s, &call);
	if (err)
		return err;
	enum ol_err e = more ? OL_OK : pieces ? udp_cork_push(s, now) : udp_send(s->ss->udp, s->udp, &call.to, call.iov, call.n, now);
	if (e == OL_ERR_MSGSIZE)
		tell_mtu(s, &call);
	return e ? sock_errno(e) : (ssize_t)iov_sum(call.iov, call.n);
}

static void udp_close(struct sock *s, ol_time now)
{
	group_leave_all(s, now);
	udp_cork_drop(s);
	udp_end_free(s->ss->udp, s->udp);
	s->d = NULL;
	s->udp = NULL;
}

const struct sock_ops udp_ops = {
	.connect = udp_connect, .shutdown = dgram_shutdown, .sendmsg = udp_sendmsg, .recvmsg = dgram_recvmsg,
	.poll = dgram_poll, .error_take = dgram_error_take, .rebound = udp_rebound, .close = udp_close,
};
