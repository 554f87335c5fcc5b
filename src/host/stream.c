/*
 * Stream sockets: bytes between a guest's pair and its host's TCP, both ways straight between the kernel's queue and
 * ours.
 *
 *	guest --write--> | o d d d d d | --readv--> send queue		o: the byte that stays; the last d is looked at,
 *	guest <--read--- |   d d d d   | <-sendmsg- receive queue	not taken, and is the next o (see gsock.c)
 *
 * Reading stops while the send queue is full, writing while the pair is; the stack's event and epoll's edge start
 * them again.  Ends of the guest: shutdown(SHUT_WR) shows as RDHUP and becomes our FIN once everything before it was
 * sent; the last close, or both directions shut, shows as HUP; a close with bytes unread as an error, and becomes a
 * reset.  Ends of the peer: its FIN becomes shutdown(SHUT_WR) of our end; a reset closes our end over the unread
 * byte, after what came before.
 *
 * Urgent data, RFC 6093, is the pair's own out-of-band byte, both ways: what the guest sent by MSG_OOB we read in line and
 * see by SIOCATMARK that it is the byte we look at; what came from the network we take off the stack at its mark and
 * send by MSG_OOB.  So MSG_OOB, SIOCATMARK, POLLPRI, SIGURG and SO_OOBINLINE are the kernel's in the guest.  The byte takes
 * its turn behind those before it, so POLLPRI says nothing before they are in the pair.
 *
 * Not had: SO_LINGER's waiting close, since no close is seen before the last one is done, and any errno but ECONNRESET
 * for a read that fails after the connection was made (SO_ERROR tells the true one).
 */
#include "host/svc.h"
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { PIECES = 8 };

size_t stream_skip(struct gsock *gs, size_t n)
{
	static const size_t piece = 64 * 1024;
	size_t done = 0;
	while (done < n) {
		ssize_t got = recv(gs->watch.fd, gs->host->svc->scratch, MIN(n - done, piece), MSG_DONTWAIT);
		if (got <= 0)
			break;
		done += (size_t)got;
	}
	return done;
}

/*
 * Moves k bytes, k > 0 and all there, from the pair into the pieces of the send queue.  Returns bytes moved: fewer
 * where the guest put a descriptor between its bytes, or before an urgent one, as both end a read early.  *urgent: the
 * last byte moved, which is the one that is looked at.
 */
static size_t take(int fd, struct iovec *room, int n_room, size_t k, bool *urgent)
{
	int at_mark = 0;
	*urgent = false;
	uint8_t old;
	struct iovec iov[PIECES + 1] = { { &old, 1 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 1 };
	for (size_t i = 0, left = k - 1; left; i++) {
		size_t part = MIN(room[i].iov_len, left);
		iov[msg.msg_iovlen++] = (struct iovec){ room[i].iov_base, part };
		left -= part;
	}
	ssize_t got = recvmsg(fd, &msg, MSG_DONTWAIT);
	if (got <= 0)
		return 0;
	size_t at = (size_t)got - 1;			/* where the byte goes that is only looked at */
	int i = 0;
	while (i < n_room && at >= room[i].iov_len)
		at -= room[i++].iov_len;
	CHECK(i < n_room);
	ioctl(fd, SIOCATMARK, &at_mark);
	ssize_t looked = recv(fd, (uint8_t *)room[i].iov_base + at, 1, MSG_DONTWAIT | MSG_PEEK);
	*urgent = looked == 1 && at_mark;
	return looked == 1 ? (size_t)got : (size_t)got - 1;
}

/*
 * HUP: nobody holds the guest's end any more.  Unless it was shut both ways, which looks the same: then somebody may
 * still ask, and a tomb answers.  The runner tells us of every shutdown(), so where none was told it was the last
 * close.
 */
static void let_go(struct gsock *gs)
{
	if (gs->told_shut)
		gsock_bury(gs, false);
	else
		gsock_free(gs);
}

/* The guest will write no more, and all it wrote is queued. */
static void end_of_input(struct gsock *gs)
{
	if (gs->gone) {
		let_go(gs);
		return;
	}
	if (!gs->eof_sent) {
		gs->eof_sent = true;
		ol_shutdown(gs->host->stk, gs->sock, SHUT_WR, gs->host->svc->loop.now);
		gsock_touch(gs);
	}
}

/* Room in the send queue, at most want bytes; 0: none now.  An error means that nobody will ever take the bytes. */
static int room_for(struct gsock *gs, size_t want, struct iovec *iov, int n, size_t *total, bool *nowhere)
{
	int pieces = ol_send_view(gs->host->stk, gs->sock, want, iov, n, gs->host->svc->loop.now);
	*nowhere = pieces < 0 && pieces != -EAGAIN;
	if (*nowhere && !gs->so_error && pieces != -EPIPE)
		gs->so_error = -pieces;
	*total = 0;
	for (int i = 0; i < pieces; i++)
		*total += iov[i].iov_len;
	return pieces;
}

/* From the pair into the send queue.  May end the socket. */
static void stream_in(struct gsock *gs)
{
	while (gs->can_in && gs->phase != GS_TOMB) {
		size_t avail = gsock_unread(gs);
		if (!avail) {
			gs->can_in = false;
			if (gs->rdhup)
				end_of_input(gs);
			return;
		}
		if (gs->plug_left) {
			size_t n = stream_skip(gs, MIN(avail, gs->plug_left));
			gs->plug_left -= (uint32_t)n;
			if (!n)
				gs->can_in = false;
			continue;
		}
		if (gs->deferred) {
			stream_begin_deferred(gs);
			if (gs->deferred)
				gs->can_in = false;
			continue;
		}
		struct iovec iov[PIECES];
		size_t total;
		bool nowhere;
		int pieces = room_for(gs, avail, iov, PIECES, &total, &nowhere);
		if (nowhere && !stream_skip(gs, avail))
			gs->can_in = false;
		if (nowhere)
			continue;
		if (!total)
			return;				/* the stack's OL_EV_OUT comes */
		bool urgent;
		size_t n = take(gs->watch.fd, iov, pieces, MIN(avail, total), &urgent);
		if (!n) {
			gs->can_in = false;
			return;
		}
		ol_send_done(gs->host->stk, gs->sock, n, urgent ? MSG_OOB : 0, gs->host->svc->loop.now);
		gsock_touch(gs);
	}
}

/* The connection is over for a reason. */
static void fail(struct gsock *gs)
{
	gsock_bury(gs, true);
}

/* The stack is at its urgent mark: the byte goes as the pair's own.  False: the pair is full. */
static bool pass_urgent(struct gsock *gs)
{
	struct ol_stack *stk = gs->host->stk;
	ol_time now = gs->host->svc->loop.now;
	uint8_t byte;
	if (ol_at_mark(stk, gs->sock) != 1 || ol_recv(stk, gs->sock, &byte, 1, MSG_OOB | MSG_PEEK, now) != 1)
		return true;
	ssize_t n = gs->deaf ? 1 : send(gs->watch.fd, &byte, 1, MSG_OOB | MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno == EOPNOTSUPP)	/* a kernel without CONFIG_AF_UNIX_OOB: better in line than not at all */
		n = send(gs->watch.fd, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno == EAGAIN) {
		gs->can_out = false;
		return false;
	}
	ol_recv(stk, gs->sock, &byte, 1, MSG_OOB, now);
	return true;
}

/* From the receive queue into the pair.  May end the socket. */
static void stream_out(struct gsock *gs)
{
	struct ol_stack *stk = gs->host->stk;
	ol_time now = gs->host->svc->loop.now;
	while ((gs->can_out || gs->deaf) && !gs->peer_eof) {
		struct iovec iov[PIECES];
		if (!pass_urgent(gs))
			return;
		int n = ol_recv_view(stk, gs->sock, iov, PIECES, now);
		if (n == -EAGAIN)
			break;
		if (n == 0 && gs->failed)		/* no end of file: a guest that is quick would take it for one */
			break;
		if (n == 0) {
			gs->peer_eof = true;
			shutdown(gs->watch.fd, SHUT_WR);
			break;
		}
		if (n < 0) {
			if (!gs->so_error)
				gs->so_error = -n;
			gs->failed = true;
			break;
		}
		size_t total = 0;
		for (int i = 0; i < n; i++)
			total += iov[i].iov_len;
		struct msghdr msg = { .msg_iov = iov, .msg_iovlen = (size_t)n };
		ssize_t sent = gs->deaf ? (ssize_t)total : sendmsg(gs->watch.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno == EAGAIN) {
			gs->can_out = false;
			return;
		}
		/* EPIPE: it shut its reading down, or is gone; either way nobody reads */
		if (sent < 0) {
			gs->deaf = true;
			sent = (ssize_t)total;
		}
		ol_recv_done(stk, gs->sock, (size_t)sent, now);
		gsock_touch(gs);
	}
	if (gs->failed)
		fail(gs);
}

/* ---- connecting -------------------------------------------------------------------------------------------------- */
/* As a program that asks for the outcome by a second connect(): the stack then knows that it was told. */
int stream_outcome(struct gsock *gs)
{
	struct sockaddr_storage any = { .ss_family = (sa_family_t)gs->domain };
	return ol_connect(gs->host->stk, gs->sock, (struct sockaddr *)&any, sizeof any, gs->host->svc->loop.now);
}

static bool is_waited_for(const struct gsock *gs)
{
	list_for(n, &gs->waits)
		if (list_of(n, struct wait, of_sock)->op == IPC_OP_CONNECT)
			return true;
	return false;
}

static void connected(struct gsock *gs)
{
	gs->phase = GS_OPEN;
	if (!gs->plug_left || is_waited_for(gs))
		stream_outcome(gs);
	wait_end_all(gs, IPC_OP_CONNECT, 0);
	gs->can_in = true;
	stream_pump(gs);
}

static int stack_error(struct gsock *gs)
{
	int err = 0;
	socklen_t len = sizeof err;
	ol_getsockopt(gs->host->stk, gs->sock, SOL_SOCKET, SO_ERROR, &err, &len, gs->host->svc->loop.now);
	return err;
}

/*
 * The pair ends, but not before the plug came: sending it would take the error from the guest's end, for which it is
 * meant.
 */
static void end_plugged(struct gsock *gs)
{
	if (gs->failed && gsock_unread(gs) >= gs->plug_left)
		gsock_bury(gs, true);
}

/*
 * A blocking connect is told, and may try again on the same pair.  A non-blocking one sees ERR|HUP by the end of the
 * pair with the plug unread, and then asks SO_ERROR.
 */
static void not_connected(struct gsock *gs)
{
	bool plugged = gs->plug_left;
	int err = plugged ? stack_error(gs) : -stream_outcome(gs);
	if (err <= 0)
		err = ECONNREFUSED;
	if (plugged) {
		gs->so_error = err;
		gs->failed = true;
	} else {
		gs->phase = GS_FRESH;
	}
	wait_end_all(gs, IPC_OP_CONNECT, -err);
	end_plugged(gs);
}

void stream_pump(struct gsock *gs)
{
	switch (gs->phase) {
	case GS_FRESH:
		/* Nobody can write before connecting; TCP would say so, the pair cannot. */
		if (gs->can_in)
			stream_skip(gs, gsock_unread(gs));
		gs->can_in = false;
		break;
	case GS_OPEN:
		stream_in(gs);
		if (gs->phase == GS_OPEN)
			stream_out(gs);
		break;
	case GS_LISTEN:
		listen_pump(gs);
		break;
	case GS_CONNECTING:
		end_plugged(gs);
		break;
	default:
		break;
	}
}

/* Readiness of the stack's socket changed. */
void stream_event(struct holder *holder, unsigned ready)
{
	struct gsock *gs = list_of(holder, struct gsock, holder);
	if (gs->phase == GS_CONNECTING) {
		if (gs->failed)
			return;
		if (ready & (OL_EV_ERR | OL_EV_HUP))
			not_connected(gs);
		else if (ready & (OL_EV_OUT | OL_EV_IN | OL_EV_RDHUP))
			connected(gs);
		return;
	}
	if (gs->phase == GS_OPEN && (ready & OL_EV_ERR)) {
		int err = stack_error(gs);
		if (err) {
			gs->so_error = err;
			gs->failed = true;
		}
	}
	stream_pump(gs);
	/*
	 * All was delivered that could be; what the guest does not read in time the reset would have taken from it as
	 * well.
	 */
	if (gs->phase == GS_OPEN && gs->failed && (ready & OL_EV_ERR) && !ol_readable(gs->host->stk, gs->sock))
		fail(gs);
}

/* It closed with bytes unread: RFC 9293 3.6, RFC 2525 2.17 want a reset. */
static void abort_connection(struct gsock *gs)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };
	if (gs->phase == GS_OPEN || gs->phase == GS_CONNECTING)
		ol_setsockopt(gs->host->stk, gs->sock, SOL_SOCKET, SO_LINGER, &now, sizeof now,
			      gs->host->svc->loop.now);
	gsock_free(gs);				/* only the last close does this */
}

/* Our end of the pair became ready. */
void stream_pair_ready(struct gsock *gs, uint32_t events)
{
	if (events & EPOLLIN)
		gs->can_in = true;
	if (events & EPOLLOUT)
		gs->can_out = true;
	if (events & (EPOLLRDHUP | EPOLLHUP)) {
		gs->rdhup = true;
		gs->can_in = true;
	}
	if (events & EPOLLHUP)
		gs->gone = true;
	if (events & EPOLLERR) {
		int err = 0;
		socklen_t len = sizeof err;
		getsockopt(gs->watch.fd, SOL_SOCKET, SO_ERROR, &err, &len);
		if (err == ECONNRESET && gs->phase != GS_LISTEN) {
			abort_connection(gs);
			return;
		}
	}
	if (gs->gone && gs->phase != GS_OPEN) {
		let_go(gs);
		return;
	}
	stream_pump(gs);
}
