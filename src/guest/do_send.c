/*
 * sendto, sendmsg and sendmmsg with an address, control messages or MSG_MORE.
 *
 * Datagrams that name their destination go through the service, one by one, as they bring nothing that a pair could
 * carry. Those that do not, and all stream data, are the kernel's affair.  An address on a connected stream means
 * nothing to TCP, but would be an error on the pair: then the bytes are passed on from here, from our duplicate,
 * without it.  What there is more of to come goes through the service, since the flag would be lost on a pair.  With
 * MSG_FASTOPEN the service gets address and text, and what did not leave with the SYN is passed on.
 */
#include "guest/msg.h"
#include "base/check.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

enum { SYN_TEXT_MAX = 60 * 1024 };		/* no SYN carries more; and what one message to the service carries of a stream */

/* ---- datagrams ---- */

struct send_state { unsigned i, n; size_t done; struct guest_msg m; };

static void send_next(struct runner *r, struct call *c);

/* All sent, or one failed: as many as went, or the error of the first. */
static void sent(struct runner *r, struct call *c, int err)
{
	struct send_state *s = c->state;
	call_answer(r, c, c->nr == SYS_sendmmsg && s->i ? (int64_t)s->i : err);
}

static void sendto_replied(struct runner *r, struct call *c, struct reply *reply)
{
	struct send_state *s = c->state;
	if (reply->head.ret < 0 || c->nr != SYS_sendmmsg || c->abandoned) {
		sent(r, c, reply->head.ret);
		return;
	}
	uint32_t len = (uint32_t)reply->head.ret;
	if (call_write(r, c, s->m.mmsg + offsetof(struct mmsghdr, msg_len), &len, sizeof len)) {
		sent(r, c, -EFAULT);
		return;
	}
	if (++s->i == s->n)
		sent(r, c, 0);
	else
		send_next(r, c);
}

static void send_next(struct runner *r, struct call *c)
{
	struct send_state *s = c->state;
	struct guest_msg *m = &s->m;
	uint8_t *p = r->buf;
	int err = msg_load(c, s->i, m);
	if (!err && (m->total > MSG_DATAGRAM_MAX || m->ctl_len > MSG_CTL_MAX))
		err = m->ctl_len > MSG_CTL_MAX ? -ENOBUFS : -EMSGSIZE;
	if (!err && m->name_len && call_read(c, p, m->name, m->name_len))
		err = -EFAULT;
	if (!err && m->ctl_len && call_read(c, p + m->name_len, m->ctl, m->ctl_len))
		err = -EFAULT;
	size_t head = m->name_len + (err ? 0 : m->ctl_len);
	if (!err && task_gather(c->tid, p + head, m->total, m->iov, m->n_iov, 0) != (ssize_t)m->total)
		err = -EFAULT;
	if (err) {
		sent(r, c, err);
		return;
	}
	struct ipc_call call = {
		.op = IPC_OP_SENDTO, .flags = (uint16_t)((c->nonblock ? IPC_CALL_NONBLOCK : 0u) | call_take_error(c)),
		.arg = { msg_flags(c) },
		.name_len = m->name_len, .ctl_len = (uint32_t)m->ctl_len,
	};
	if (c->deadline != OL_NEVER)
		call.timeout_ns = MAX(c->deadline - runner_now(), (ol_time)1);
	if (!c->nonblock)
		call_may_block(r, c);
	call_ask(r, c, &call, p, head + m->total, sendto_replied);
}

/* Plain ones keep their order with those that a write() put into the pair, so they go that way, too. */
static bool all_plain(const struct call *c, struct guest_msg *m, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (msg_load(c, i, m) || m->name_len || m->ctl_len)
			return false;
	return !(msg_flags(c) & MSG_MORE);
}

/* ---- streams with an address ---- */

static void stream_pass(struct runner *r, struct call *c)
{
	struct send_state *s = c->state;
	struct guest_msg *m = &s->m;
	int flags = (msg_flags(c) & (MSG_OOB | MSG_MORE)) | MSG_DONTWAIT | MSG_NOSIGNAL;
	while (s->done < m->total) {
		ssize_t n = task_gather(c->tid, r->buf, RUNNER_BUF, m->iov, m->n_iov, s->done);
		if (n > 0) {
			n = send(c->fd, r->buf, (size_t)n, flags);
			n = n < 0 ? -errno : n;
		}
		if (n == -EAGAIN && call_may_wait(c)) {
			call_wait(r, c, EPOLLOUT, c->deadline, stream_pass);
			return;
		}
		if (n == -EAGAIN)
			n = call_no_wait(c);
		if (n < 0 && !s->done) {
			if (n == -EPIPE && !(msg_flags(c) & MSG_NOSIGNAL))
				task_signal(&r->tasks, c->tid, SIGPIPE);
			call_answer(r, c, n);
			return;
		}
		if (n <= 0)
			break;
		s->done += (size_t)n;
	}
	call_answer(r, c, (int64_t)s->done);
}

static void stream_peer_replied(struct runner *r, struct call *c, struct reply *reply)
{
	if (reply->head.ret >= 0 && !c->abandoned) {
		stream_pass(r, c);
		return;
	}
	if (!c->abandoned && !(msg_flags(c) & MSG_NOSIGNAL))
		task_signal(&r->tasks, c->tid, SIGPIPE);
	call_answer(r, c, -EPIPE);
}

static void fast_replied(struct runner *r, struct call *c, struct reply *reply)
{
	static const char plug[IPC_PLUG_LEN];
	struct send_state *s = c->state;
	int ret = reply->head.ret;
	bool opening = (c->nonblock && (ret > 0 || ret == -EINPROGRESS)) || reply->head.extra;
	if (ret >= 0 || opening)
		note_connected(c->fd, true);
	if (opening)					/* as after a connect(): not to be written to before it is done */
		send(c->fd, plug, sizeof plug, MSG_DONTWAIT | MSG_NOSIGNAL);
	s->done = ret > 0 ? (size_t)ret : 0;
	if (ret < 0 || opening || s->done == s->m.total || c->abandoned)
		call_answer(r, c, ret);
	else
		stream_pass(r, c);
}

static void send_fast(struct runner *r, struct call *c, struct send_state *s)
{
	struct guest_msg *m = &s->m;
	size_t len = MIN(m->total, (size_t)SYN_TEXT_MAX);
	if ((m->name_len && call_read(c, r->buf, m->name, m->name_len)) ||
	    task_gather(c->tid, r->buf + m->name_len, len, m->iov, m->n_iov, 0) != (ssize_t)len) {
		call_answer(r, c, -EFAULT);
		return;
	}
	struct ipc_call call = { .op = IPC_OP_SENDTO, .arg = { MSG_FASTOPEN }, .name_len = m->name_len };
	if (c->nonblock) {
		call.flags = IPC_CALL_NONBLOCK;
	} else {
		call.timeout_ns = c->deadline == OL_NEVER ? 0 : MAX(c->deadline - runner_now(), (ol_time)1);
		call_may_block(r, c);
	}
	call_ask(r, c, &call, r->buf, m->name_len + len, fast_replied);
}

/* ---- streams with more to come: as much as there is room for goes with the flag, what is left without it ---- */

static void more_replied(struct runner *r, struct call *c, struct reply *reply)
{
	struct send_state *s = c->state;
	int ret = reply->head.ret;
	if (ret < 0 && ret != -EAGAIN) {
		if (ret == -EPIPE && !c->abandoned && !(msg_flags(c) & MSG_NOSIGNAL))
			task_signal(&r->tasks, c->tid, SIGPIPE);
		call_answer(r, c, ret);
		return;
	}
	s->done = ret > 0 ? (size_t)ret : 0;
	if (s->done == s->m.total || c->abandoned)
		call_answer(r, c, (int64_t)s->done);
	else
		stream_pass(r, c);
}

static void send_more(struct runner *r, struct call *c, struct send_state *s)
{
	size_t len = MIN(s->m.total, (size_t)SYN_TEXT_MAX);
	if (task_gather(c->tid, r->buf, len, s->m.iov, s->m.n_iov, 0) != (ssize_t)len) {
		call_answer(r, c, -EFAULT);
		return;
	}
	struct ipc_call call = { .op = IPC_OP_SENDTO, .flags = IPC_CALL_NONBLOCK, .arg = { msg_flags(c) & (MSG_MORE | MSG_OOB) } };
	call_ask(r, c, &call, r->buf, len, more_replied);
}

static void stream_send(struct runner *r, struct call *c, struct send_state *s)
{
	if (c->nr != SYS_sendmmsg && msg_flags(c) & MSG_FASTOPEN) {
		send_fast(r, c, s);
		return;
	}
	if (!is_connected(c)) {
		if (!(msg_flags(c) & MSG_NOSIGNAL))
			task_signal(&r->tasks, c->tid, SIGPIPE);
		call_answer(r, c, -EPIPE);
		return;
	}
	if (c->nr != SYS_sendmmsg && msg_flags(c) & MSG_MORE && s->m.total) {
		send_more(r, c, s);
		return;
	}
	if (c->nr == SYS_sendmmsg || !s->m.name_len) {
		call_continue(r, c);
		return;
	}
	struct ipc_call m = { .op = IPC_OP_GETPEERNAME };
	call_ask(r, c, &m, NULL, 0, stream_peer_replied);
}

static void send_begin(struct runner *r, struct call *c)
{
	struct send_state *s = c->state;
	int err = msg_load(c, 0, &s->m);
	if (!err && c->name.kind == IPC_KIND_DGRAM && s->m.total > MSG_UDP_MAX)
		err = -EMSGSIZE;
	if (err)
		call_answer(r, c, err);
	else if (c->name.kind == IPC_KIND_STREAM)
		stream_send(r, c, s);
	else if (all_plain(c, &s->m, s->n) && is_connected(c))
		call_continue(r, c);
	else
		send_next(r, c);
}

/* An error waited at the descriptor, and is told in place of sending; the service knows which. */
static void send_error_replied(struct runner *r, struct call *c, struct reply *reply)
{
	int err = call_error_of(reply);
	if (!err && c->name.kind == IPC_KIND_STREAM)
		err = c->taken;
	if (err || c->abandoned)
		call_answer(r, c, -err);
	else
		send_begin(r, c);
}

void do_send(struct runner *r, struct call *c)
{
	if (!c->name.sock || !msg_count(c)) {		/* sendmmsg() of nothing does nothing */
		call_continue(r, c);
		return;
	}
	struct send_state *s = malloc(sizeof *s);
	if (!s) {
		call_answer(r, c, -ENOBUFS);
		return;
	}
	c->state = s;
	s->i = 0;
	s->done = 0;
	s->n = msg_count(c);
	c->nonblock = (msg_flags(c) & MSG_DONTWAIT) || (fcntl(c->fd, F_GETFL) & O_NONBLOCK);
	if (!c->nonblock)
		call_set_deadline(c, SO_SNDTIMEO);
	bool error = (c->name.kind == IPC_KIND_STREAM || c->name.kind == IPC_KIND_DGRAM) && !call_take_error(c);
	if (error)
		call_ask_error(r, c, send_error_replied);
	else
		send_begin(r, c);
}
