/* A TAP device as a port of a wire; see tap.h. */
#include "host/tap.h"
#include <errno.h>
#include <outlet/ol_tap.h>
#include <stdlib.h>

enum { MAX_FRAMES = 256 };		/* taken from the kernel in one go */

struct tap { struct watch watch; struct wire *wire; unsigned port; struct ol_tap *dev; bool waiting; };

static void watch_for(struct tap *t)
{
	bool waiting = ol_tap_pending(t->dev) > 0;
	if (waiting != t->waiting)
		watch_change(&t->wire->svc->loop, &t->watch, EPOLLIN | (waiting ? EPOLLOUT : 0));
	t->waiting = waiting;
}

static void on_ready(struct watch *w, uint32_t events)
{
	struct tap *t = list_of(w, struct tap, watch);
	if (events & EPOLLOUT)
		ol_tap_flush(t->dev);
	struct ol_pkt *pkt;
	for (int i = 0; i < MAX_FRAMES && (pkt = ol_tap_receive(t->dev, t->wire->svc->loop.now)); i++)
		wire_send(t->wire, t->port, pkt);
	watch_for(t);
}

int tap_attach(struct wire *w, const char *name, char *why, size_t why_len)
{
	struct tap *t = calloc(1, sizeof *t);
	if (!t)
		return -ENOMEM;
	struct ol_tap_config cfg = { .name = name, .link = OL_LINK_ETHER, .plain = w->strict, .pool = w->svc->pool };
	int err = ol_tap_open(&t->dev, &cfg, why, why_len);
	if (err) {
		free(t);
		return err;
	}
	t->wire = w;
	int port = wire_plug(w, NULL, 0, t);
	err = port < 0 ? port : watch_add(&w->svc->loop, &t->watch, ol_tap_fd(t->dev), EPOLLIN, on_ready);
	if (err) {
		if (port >= 0)
			wire_unplug(w, (unsigned)port);
		ol_tap_close(t->dev);
		free(t);
		return err;
	}
	t->port = (unsigned)port;
	return 0;
}

void tap_close(struct tap *t)
{
	/* The device closes its own descriptor. */
	epoll_ctl(t->wire->svc->loop.epfd, EPOLL_CTL_DEL, t->watch.fd, NULL);
	ol_tap_close(t->dev);
	free(t);
}

void tap_put(struct tap *t, struct ol_pkt *pkt)
{
	ol_tap_send(t->dev, pkt);
	watch_for(t);
}

const char *tap_name(const struct tap *t) { return ol_tap_name(t->dev); }
