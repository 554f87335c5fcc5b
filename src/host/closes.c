/*
 * Closes that were not heard of yet.  A close is the kernel's and shows as an event of the pair, so a call that a program makes after it
 * may come here before.  Where the difference would be seen, the pairs are asked first: before a name is refused as taken, and before a
 * connection is made to a port that nobody may listen on any more.
 */
#include "host/svc.h"
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>

static void hear(struct gsock *gs)
{
	struct pollfd p = { .fd = gs->watch.fd };
	if (gs->phase != GS_TOMB && poll(&p, 1, 0) == 1 && p.revents & POLLHUP)
		stream_pair_ready(gs, EPOLLHUP | (p.revents & POLLERR ? EPOLLERR : 0u));
}

void closes_hear(struct vhost *h)
{
	list_for_safe(n, &h->gsocks) {
		struct gsock *gs = list_of(n, struct gsock, node);
		if (gs->kind == IPC_KIND_STREAM)
			hear(gs);
	}
	dpairs_hear(h->svc);
}

void closes_listening(struct gsock *gs)
{
	struct sockaddr_storage at;
	socklen_t len = sizeof at;
	if (ol_getsockname(gs->host->stk, gs->sock, (struct sockaddr *)&at, &len) == 0)
		gs->listen_port = ntohs(((struct sockaddr_in *)&at)->sin_port);	/* at the same place in IPv6 */
	if (list_empty(&gs->listening))
		list_append(&gs->host->svc->listening, &gs->listening);
}

void closes_hear_listeners(struct svc *s, uint16_t port)
{
	list_for_safe(n, &s->listening) {
		struct gsock *gs = list_of(n, struct gsock, listening);
		if (gs->listen_port == port)
			hear(gs);
	}
}
