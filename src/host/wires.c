/*
 * Wires between the hosts of the network: names, ports and who is behind each, and the carrying of what has arrived.
 * What a wire does to frames is the driver's affair (ol_wire.h).
 */
#include "host/events.h"
#include "host/svc.h"
#include "host/tap.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void deadline_rang(struct alarm *a) { wire_touch(list_of(a, struct wire, alarm)); }

static void observe(void *ctx, const struct ol_wire_seen *seen)
{
	struct wire *w = ctx;
	for (unsigned i = 0; i < OL_WIRE_FAULTS; i++)
		w->befell[i] += seen->befell >> i & 1;
	if (!w->svc->n_watchers)
		return;
	struct sighting what = { .wire = w, .on_wire = seen, .pkt = seen->pkt, .out = seen->dir == OL_WIRE_IN };
	/*
	 * A frame that enters is also what its host sends: with the wire's word on it, and in the pieces the wire
	 * cut.
	 */
	if (seen->dir == OL_WIRE_IN && !seen->late && seen->port < w->n_ports) {
		what.host = w->ports[seen->port].host;
		what.ifi = w->ports[seen->port].ifi;
	}
	events_frame(w->svc, &what);
}

struct wire *wire_new(struct svc *s, const char *name, bool strict, uint32_t mtu, uint64_t seed)
{
	struct wire *w = calloc(1, sizeof *w);
	struct ol_wire_config cfg = { .link = OL_LINK_ETHER, .strict = strict, .mtu = mtu, .seed = seed };
	if (w)
		w->w = ol_wire_new(&cfg);
	if (!w || !w->w) {
		free(w);
		return NULL;
	}
	w->svc = s;
	w->strict = strict;
	w->mtu = mtu ? mtu : 1500;
	snprintf(w->name, sizeof w->name, "%s", name);
	list_init(&w->dirty);
	alarm_init(&w->alarm, deadline_rang);
	ol_wire_observe(w->w, observe, w);
	list_append(&s->wires, &w->node);
	return w;
}

void wire_free(struct wire *w)
{
	alarm_stop(&w->svc->loop, &w->alarm);
	list_del(&w->dirty);
	list_del(&w->node);
	for (unsigned i = 0; i < w->n_ports; i++)
		if (w->ports[i].tap)
			tap_close(w->ports[i].tap);
	ol_wire_free(w->w);
	free(w->ports);
	free(w);
}

struct wire *wire_find(struct svc *s, const char *name)
{
	list_for(n, &s->wires) {
		struct wire *w = list_of(n, struct wire, node);
		if (!strcmp(w->name, name))
			return w;
	}
	return NULL;
}

int wire_plug(struct wire *w, struct vhost *host, int ifi, struct tap *tap)
{
	int port = ol_wire_port_add(w->w);
	if (port < 0)
		return port;
	if ((unsigned)port >= w->n_ports) {
		struct wire_port *p = realloc(w->ports, ((size_t)port + 1) * sizeof *p);
		if (!p) {
			ol_wire_port_del(w->w, (unsigned)port);
			return -ENOMEM;
		}
		memset(p + w->n_ports, 0, ((size_t)port + 1 - w->n_ports) * sizeof *p);
		w->ports = p;
		w->n_ports = (unsigned)port + 1;
	}
	w->ports[port] = (struct wire_port){ .host = host, .ifi = ifi, .tap = tap };
	return port;
}

void wire_unplug(struct wire *w, unsigned port)
{
	ol_wire_port_del(w->w, port);
	w->ports[port] = (struct wire_port){ 0 };
}

void wire_touch(struct wire *w)
{
	if (list_empty(&w->dirty))
		list_append(&w->svc->dirty_wires, &w->dirty);
}

void wire_send(struct wire *w, unsigned port, struct ol_pkt *pkt)
{
	ol_wire_send(w->w, port, pkt, w->svc->loop.now);
	wire_touch(w);
}

static void deliver(struct wire *w, unsigned port, struct ol_pktq *frames)
{
	struct wire_port *p = port < w->n_ports ? &w->ports[port] : NULL;
	if (p && p->host) {
		vhost_input_batch(p->host, p->ifi, frames);
		return;
	}
	for (struct ol_pkt *pkt; (pkt = ol_pktq_get(frames)); )
		if (p && p->tap)
			tap_put(p->tap, pkt);
		else
			ol_pkt_free(pkt);
}

/* What arrives at one port without another's between goes there together. */
void wire_turn(struct wire *w)
{
	struct svc *s = w->svc;
	list_del(&w->dirty);
	unsigned port, last = 0;
	struct ol_pkt *pkt = NULL;
	struct ol_pktq frames;
	ol_pktq_init(&frames);
	for (unsigned n = 0; n < SVC_MAX_FRAMES && (pkt = ol_wire_receive(w->w, s->loop.now, &port)); n++) {
		if (port != last)
			deliver(w, last, &frames);
		last = port;
		ol_pktq_put(&frames, pkt);
	}
	deliver(w, last, &frames);
	if (pkt)
		wire_touch(w);
	alarm_set(&s->loop, &w->alarm, ol_wire_deadline(w->w));
}

/* ---- addresses --------------------------------------------------------------------------------------------------- */
/* Host number n of a prefix; false: it has no such host. */
static bool nth(const struct ol_addr *net, unsigned plen, uint32_t n, struct ol_addr *out)
{
	unsigned bits = (net->ver == 4 ? 32 : 128) - plen;
	if (bits < 32 && n >= (UINT32_C(1) << bits) - (net->ver == 4))
		return false;
	*out = *net;
	uint8_t *last = out->b + (net->ver == 4 ? 3 : 15);
	for (int i = 0; i < 4; i++)
		last[-i] |= (uint8_t)(n >> (8 * i));
	return true;
}

bool wire_next_addr(struct wire *w, int family, struct ol_addr *out, unsigned *plen)
{
	unsigned v = family == 6;
	int ifi;
	if (!w->subnet[v].net.ver)
		return false;
	*plen = w->subnet[v].plen;
	/* Numbers go up, so that one just left is not at once somebody else's; then round again over the free ones. */
	for (uint32_t tries = 0; tries < 2 * SVC_MAX_HOSTS; tries++) {
		if (!nth(&w->subnet[v].net, w->subnet[v].plen, ++w->subnet[v].next, out)) {
			w->subnet[v].next = 0;
			continue;
		}
		if (!vhost_by_addr(w->svc, out, &ifi))
			return true;
	}
	return false;
}
