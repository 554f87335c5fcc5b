/*
 * Listeners.  For each connection that waits in the stack's accept queue a token byte lies in the listener's pair (up
 * to a bound; what matters is that there is one while there are connections), so that poll, select and epoll, also by
 * many workers, see it readable.  Whoever accepts takes one token off.  Blocked accepts are served in the order they
 * came.
 */
#include "host/svc.h"
#include <errno.h>
#include <unistd.h>

static void top_up(struct gsock *gs)
{
	unsigned want = MIN(ol_backlog(gs->host->stk, gs->sock), SVC_MAX_TOKENS);
	while (gs->tokens < want && send(gs->watch.fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1)
		gs->tokens++;
}

/* The connection's own socket and pair; on failure it is reset, as its peer must not be left waiting. */
static int adopt(struct gsock *listener, ol_sock sock, struct client *cl, int32_t pid, struct gsock **out, int *app)
{
	int err = gsock_new(out, app, listener->host, cl, pid, listener->domain, listener->type, listener->protocol,
			    sock);
	if (err)
		return err;
	(*out)->phase = GS_OPEN;
	(*out)->oobinline = listener->oobinline;
	int on = listener->oobinline;
	if (on)
		setsockopt(*app, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on);
	return 0;
}

int call_accept(struct gsock *gs, struct client *cl, uint64_t id, int32_t pid)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof peer;
	struct vhost *h = gs->host;
	ol_sock sock = ol_accept(h->stk, gs->sock, (struct sockaddr *)&peer, &len, h->svc->loop.now);
	vhost_touch(h);
	if (sock == -EAGAIN)
		return -EAGAIN;
	if (sock < 0) {
		call_reply(cl, id, sock, NULL);
		return sock;
	}
	/* accepted before it was announced: the caller takes one all the same */
	if (!gs->tokens)
		gs->tokens += send(gs->watch.fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
	if (gs->tokens)
		gs->tokens--;
	struct gsock *child;
	int app, err = adopt(gs, sock, cl, pid, &child, &app);
	if (err) {
		call_reply(cl, id, err, NULL);
		return err;
	}
	top_up(gs);
	struct answer with = { .name = &peer, .name_len = len, .extra = ol_backlog(h->stk, gs->sock), .fd = app };
	call_reply(cl, id, (int)child->num, &with);
	gsock_pump(child);
	return 0;
}

void listen_pump(struct gsock *gs)
{
	struct list *n;
	while (ol_backlog(gs->host->stk, gs->sock) && (n = list_first(&gs->waits))) {
		struct wait *w = list_of(n, struct wait, of_sock);
		if (w->op != IPC_OP_ACCEPT)
			break;
		struct client *cl = w->cl;
		uint64_t id = w->id;
		int32_t pid = w->pid;
		struct call seen;
		const struct call *outer = wait_shown(w, &seen);
		int r = call_accept(gs, cl, id, pid);
		cl->svc->current = outer;
		if (r == -EAGAIN)
			break;
		wait_free(w);
	}
	top_up(gs);
}
