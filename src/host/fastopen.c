/*
 * TCP Fast Open for guests (RFC 7413): text that leaves with the SYN.
 *
 * sendto(MSG_FASTOPEN)	is caught and comes here as a message; what did not go with the SYN the runner writes into the pair
 *			once we have answered: at once where the call must not block, else when the handshake is over.
 * TCP_FASTOPEN_CONNECT	makes connect() succeed without a word to the peer.  What the guest then writes first is looked at in
 *			the pair, and as much of it is taken off as went.
 */
#include "host/call_text.h"
#include "host/svc.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { MOST = 60 * 1024 };		/* no SYN is larger */

static ssize_t send_fast(struct gsock *gs, void *name, size_t name_len, const void *text, size_t len)
{
	struct iovec iov = { (void *)(uintptr_t)text, len };
	struct msghdr msg = { .msg_name = name, .msg_namelen = (socklen_t)name_len, .msg_iov = &iov, .msg_iovlen = 1 };
	return ol_sendmsg(gs->host->stk, gs->sock, &msg, MSG_FASTOPEN, gs->host->svc->loop.now);
}

/*
 * The answer: bytes that went with the SYN; 0 where the runner is to pass on all of them, connected now; -EINPROGRESS where
 * the call may not block and none went.
 */
void call_send_fast(struct call *c)
{
	struct gsock *gs = c->gs;
	struct sockaddr_storage to;
	if (gs->phase == GS_CONNECTING || c->name.len > sizeof to) {
		call_ret(c, gs->phase == GS_CONNECTING ? -EALREADY : -EINVAL);
		return;
	}
	if (gs->phase == GS_OPEN && !gs->deferred) {
		call_ret(c, stream_outcome(gs));	/* 0 once, as of a second connect(); then -EISCONN */
		return;
	}
	if (c->name.len) {
		struct ol_endpoint e;
		memcpy(&to, c->name.p, c->name.len);
		if (call_endpoint(&c->name, &e))
			closes_hear_listeners(gs->host->svc, e.port);
	}
	ssize_t n = send_fast(gs, c->name.len ? &to : NULL, c->name.len, c->data.p, c->data.len);
	if (n <= 0 && n != -EINPROGRESS) {
		call_ret(c, (int)n);
		return;
	}
	gs->deferred = false;
	gs->phase = GS_CONNECTING;
	if (c->c.flags & IPC_CALL_NONBLOCK) {
		gs->plug_left = IPC_PLUG_LEN;
		call_ret(c, (int)n);
		return;
	}
	c->c.op = IPC_OP_CONNECT;			/* waits as one, and is told the bytes */
	struct wait *w = wait_new(c, (int)n);
	if (w)
		w->done = n > 0 ? (int)n : 0;
}

void stream_begin_deferred(struct gsock *gs)
{
	struct svc *s = gs->host->svc;
	uint8_t last;
	size_t len = MIN(gsock_unread(gs), (size_t)MOST);
	struct iovec iov[2] = { { &last, 1 }, { s->scratch, len } };	/* before what is new lies the byte that stays */
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t got = len ? recvmsg(gs->watch.fd, &msg, MSG_PEEK | MSG_DONTWAIT) : 0;
	if (got <= 1)
		return;
	gs->deferred = false;
	ssize_t n = send_fast(gs, NULL, 0, s->scratch, (size_t)got - 1);
	gsock_touch(gs);
	if (n > 0) {
		stream_skip(gs, (size_t)n);
	} else if (n != -EINPROGRESS) {
		gs->so_error = (int)-n;
		gsock_bury(gs, true);
	}
}
