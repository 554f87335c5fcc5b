/*
 * Wires between the hosts of the network: names, ports and who is behind each, and the carrying of what has arrived.
 * What a wire does to frames is the driver's affair (ol_wire.h).
 */
#include "host/events.h"
#include "host/line.h"
#include "host/svc.h"
#include "host/tap.h"
#include <errno.h>
#include <outlet/ol_serial.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void deadline_rang(struct alarm *a) { wire_touch(list_of(a, struct wire, alarm)); }

/* What lay in the bytes of a serial wire is told in place of them. */
static void tell_frame(void *ctx, const struct ol_pkt *frame)
{
	struct sighting *what = ctx;
	what->pkt = frame;
	if (what->wire->svc->n_watchers)
		events_frame(what->wire->svc, what);
}

void wire_watched(struct wire *w, unsigned port, struct sighting *what)
{
	what->wire = w;
	line_hear(w->ports[port].to, what->pkt, tell_frame, what);
}

static void observe(void *ctx, const struct ol_wire_seen *seen)
{
	struct wire *w = ctx;
	for (unsigned i = 0; i < OL_WIRE_FAULTS; i++)
		w->befell[i] += seen->befell >> i & 1;
	bool serial = ol_link_is_serial(w->link);
	if (!w->svc->n_watchers && !serial)
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
	if (!serial)
		events_frame(w->svc, &what);
	else if (what.host)				/* what enters, in its order; and that is all that a capture shows */
		line_hear(w->ports[seen->port].from, seen->pkt, tell_frame, &what);
	else if (seen->befell && w->svc->n_watchers)
		events_frame(w->svc, &what);
}

static uint32_t mtu_of(uint8_t link) { return link == OL_LINK_SLIP || link == OL_LINK_CSLIP ? OL_SLIP_MTU : 1500; }

struct wire *wire_new(struct svc *s, const char *name, uint8_t link, bool strict, uint32_t mtu, uint64_t seed)
{
	struct wire *w = calloc(1, sizeof *w);
	struct ol_wire_config cfg = { .link = link, .strict = strict, .mtu = mtu ? mtu : mtu_of(link), .seed = seed };
	if (w)
		w->w = ol_wire_new(&cfg);
	if (!w || !w->w) {
		free(w);
		return NULL;
	}
	w->svc = s;
	w->link = link;
	w->strict = strict || ol_link_is_serial(link);
	w->mtu = mtu ? mtu : mtu_of(link);
	snprintf(w->name, sizeof w->name, "%s", name);
	list_init(&w->dirty);
	alarm_init(&w->alarm, deadline_rang);
	ol_wire_observe(w->w, observe, w);
	list_append(&s->wires, &w->node);
	return w;
}

static void port_fini(struct wire_port *p)
{
	line_free(p->from);
	line_free(p->to);
	*p = (struct wire_port){ 0 };
}

void wire_free(struct wire *w)
{
	alarm_stop(&w->svc->loop, &w->alarm);
	list_del(&w->dirty);
	list_del(&w->node);
	for (unsigned i = 0; i < w->n_ports; i++) {
		if (w->ports[i].tap)
			tap_close(w->ports[i].tap);
		port_fini(&w->ports[i]);
	}
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
	if (ol_link_is_serial(w->link)) {
		struct wire_port *p = &w->ports[port];
		p->from = line_new(w->link);
		p->to = line_new(w->link);
		if (!p->from || !p->to) {
			wire_unplug(w, (unsigned)port);
			return -ENOMEM;
		}
	}
	return port;
}

void wire_unplug(struct wire *w, unsigned port)
{
	ol_wire_port_del(w->w, port);
	port_fini(&w->ports[port]);
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
