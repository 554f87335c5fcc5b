/*
 * A host: one stack, its interfaces and where they are plugged in, and its turns.  A host is touched whenever
 * something was done to its stack; touched hosts have their turn before the loop sleeps again: due timers, frames
 * out, events to the sockets' holders, and the alarm for the stack's next deadline.
 *
 * A host that was made for a run goes when no runner is on it and its stack has nothing to finish.
 */
#include "host/events.h"
#include "host/resolver.h"
#include "host/svc.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REAP_AFTER_MS = 50, REAP_AGAIN_MS = 250 };

static void deadline_rang(struct alarm *a) { vhost_touch(list_of(a, struct vhost, alarm)); }

/*
 * Orphans that still have something to send keep their host; TIME-WAIT does not: who should the late segment come
 * from?
 */
static bool has_business(struct vhost *h)
{
	uint64_t cursor = 0;
	struct ol_sock_info info;
	while (ol_sock_next(h->stk, &cursor, &info, h->svc->loop.now)) {
		if (info.tag && !((struct holder *)info.tag)->guest)
			continue;		/* the resolver's, ping's */
		if (info.type == SOCK_STREAM && (info.state == OL_TCP_TIME_WAIT || info.state == OL_TCP_CLOSED))
			continue;
		return true;
	}
	return false;
}

static void reap_rang(struct alarm *a)
{
	struct vhost *h = list_of(a, struct vhost, reap);
	if (h->of_file || h->n_clients)
		return;
	if (has_business(h))
		alarm_set(&h->svc->loop, &h->reap, h->svc->loop.now + REAP_AGAIN_MS * OL_MS);
	else
		vhost_free(h);
}

void vhost_left(struct vhost *h)
{
	if (!h->of_file && !h->n_clients && h->stk && !timer_armed(&h->reap.timer))
		alarm_set(&h->svc->loop, &h->reap, h->svc->loop.now + REAP_AFTER_MS * OL_MS);
}

struct vhost *vhost_find(struct svc *s, const char *name)
{
	list_for(n, &s->hosts) {
		struct vhost *h = list_of(n, struct vhost, node);
		if (!strcmp(h->name, name))
			return h;
	}
	return NULL;
}

bool vhost_sock_next(struct vhost *h, uint64_t *cursor, struct ol_sock_info *i, struct gsock **gs)
{
	while (ol_sock_next(h->stk, cursor, i, h->svc->loop.now)) {
		struct holder *holder = i->tag;
		*gs = holder && holder->guest ? list_of(holder, struct gsock, holder) : NULL;
		if (*gs || !holder)			/* not the service's own */
			return true;
	}
	return false;
}

struct vhost *vhost_by_addr(struct svc *s, const struct ol_addr *a, int *ifi)
{
	list_for(n, &s->hosts) {
		struct vhost *h = list_of(n, struct vhost, node);
		for (int i = ol_iface_next(h->stk, 0); i; i = ol_iface_next(h->stk, i)) {
			struct ol_addr have;
			unsigned plen;
			for (unsigned k = 0; h->nic[i].wire && !ol_addr_get(h->stk, i, k, &have, &plen); k++) {
				have.scope = a->scope;
				if (!ol_addr_eq(&have, a))
					continue;
				*ifi = i;
				return h;
			}
		}
	}
	return NULL;
}

struct vhost *vhost_new(struct svc *s, const char *name, const struct ol_config *cfg)
{
	struct vhost *h = calloc(1, sizeof *h);
	if (!h)
		return NULL;
	h->svc = s;
	snprintf(h->name, sizeof h->name, "%s", name);
	list_init(&h->node);
	list_init(&h->dirty);
	list_init(&h->gsocks);
	alarm_init(&h->alarm, deadline_rang);
	alarm_init(&h->reap, reap_rang);
	h->stk = ol_stack_new(cfg, s->pool, s->loop.now);
	if (!h->stk || ol_iface_loopback(h->stk) < 0 || !(h->resolver = resolver_new(h))) {
		ol_stack_free(h->stk);
		free(h);
		return NULL;
	}
	list_append(&s->hosts, &h->node);
	s->n_hosts++;
	vhost_touch(h);
	return h;
}

void vhost_free(struct vhost *h)
{
	struct svc *s = h->svc;
	list_for_safe(n, &s->streams) {
		struct stream *st = list_of(n, struct stream, node);
		if (st->host_gone)
			st->host_gone(st, h);
	}
	struct list *n;
	while ((n = list_first(&h->gsocks)))
		gsock_free(list_of(n, struct gsock, node));
	resolver_free(h->resolver);
	for (unsigned i = 0; i < ARRAY_LEN(h->nic); i++)
		if (h->nic[i].wire)
			wire_unplug(h->nic[i].wire, h->nic[i].port);
	alarm_stop(&s->loop, &h->alarm);
	alarm_stop(&s->loop, &h->reap);
	list_del(&h->dirty);
	list_del(&h->node);
	s->n_hosts--;
	ol_stack_free(h->stk);
	free(h);
}

int vhost_attach(struct vhost *h, struct wire *w, const char *ifname, const struct ol_mac *mac, uint32_t mtu)
{
	uint32_t n = ++h->svc->next_mac;
	struct ol_iface_config cfg = {
		.name = ifname, .link = w->link, .features = ol_wire_features(w->w), .mtu = mtu ? mtu : w->mtu,
		.ip6_later = true,		/* nic_ip6_begin() */
		/* Locally administered, and the same in every run: captures of a seeded network can be compared. */
		.mac = { { 0x02, 0x4f, 0x4c, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n } },
	};
	if (w->link != OL_LINK_ETHER)
		cfg.mac = (struct ol_mac){ { 0 } };
	else if (mac)
		cfg.mac = *mac;
	int ifi = ol_iface_add(h->stk, &cfg);
	if (ifi < 0)
		return ifi;
	if ((unsigned)ifi >= ARRAY_LEN(h->nic))
		return -ENOSPC;
	int port = wire_plug(w, h, ifi, NULL);
	if (port < 0)
		return port;
	h->nic[ifi] = (struct nic){ .wire = w, .port = (unsigned)port };
	vhost_touch(h);
	return ifi;
}

/* ---- turns ------------------------------------------------------------------------------------------------------- */
void vhost_touch(struct vhost *h)
{
	if (list_empty(&h->dirty))
		list_append(&h->svc->dirty_hosts, &h->dirty);
}

void vhost_input(struct vhost *h, int ifi, struct ol_pkt *pkt)
{
	struct svc *s = h->svc;
	bool serial = ol_link_is_serial(pkt->link);
	struct ol_pkt *seen = s->n_watchers || serial ? ol_pkt_copy(s->pool, pkt) : NULL;
	struct ol_verdict v = ol_stack_input(h->stk, ifi, pkt, s->loop.now);
	vhost_touch(h);
	if (seen) {
		struct sighting what = { .host = h, .ifi = ifi, .pkt = seen, .verdict = &v };
		if (serial)
			wire_watched(h->nic[ifi].wire, h->nic[ifi].port, &what);
		else
			events_frame(s, &what);
		ol_pkt_free(seen);
	}
}

/* Whoever watches is told what became of each frame, so each then goes alone. */
void vhost_input_batch(struct vhost *h, int ifi, struct ol_pktq *frames)
{
	if (!frames->count)
		return;
	if (h->svc->n_watchers || ol_link_is_serial(frames->head->link)) {
		for (struct ol_pkt *pkt; (pkt = ol_pktq_get(frames)); )
			vhost_input(h, ifi, pkt);
		return;
	}
	ol_stack_input_batch(h->stk, ifi, frames, h->svc->loop.now);
	vhost_touch(h);
}

static void put_out(struct vhost *h, int ifi, struct ol_pkt *pkt)
{
	struct svc *s = h->svc;
	struct nic *nic = &h->nic[ifi];
	if (nic->wire) {
		wire_send(nic->wire, nic->port, pkt);	/* whose observer tells the watchers */
		return;
	}
	if (s->n_watchers) {
		struct sighting what = { .host = h, .ifi = ifi, .out = true, .pkt = pkt };
		events_frame(s, &what);
	}
	vhost_input(h, ifi, pkt);			/* loopback: back to where it came from */
}

/* Frames out until there are none; true: the bound was reached. */
static bool drain_output(struct vhost *h)
{
	for (unsigned n = 0; n < SVC_MAX_FRAMES; n++) {
		int ifi = ol_stack_pending(h->stk);
		struct ol_pkt *pkt = ifi ? ol_stack_output(h->stk, ifi, h->svc->loop.now) : NULL;
		if (!pkt)
			return false;
		put_out(h, ifi, pkt);
	}
	return true;
}

bool vhost_turn(struct vhost *h)
{
	struct svc *s = h->svc;
	list_del(&h->dirty);
	if (ol_stack_deadline(h->stk) <= s->loop.now)
		ol_stack_expire(h->stk, s->loop.now);
	bool more = drain_output(h);
	struct ol_event ev;
	for (unsigned n = 0; n < SVC_MAX_FRAMES && ol_event_next(h->stk, &ev); n++) {
		struct holder *holder = ev.tag;
		if (holder) {
			holder->event(holder, ev.ready);
			more = true;
		}
	}
	if (more)
		vhost_touch(h);
	alarm_set(&s->loop, &h->alarm, ol_stack_deadline(h->stk));
	return more;
}
