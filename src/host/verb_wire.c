/* wire: the wires and what they did to frames; and new faults while frames are under way. */
#include "host/tap.h"
#include "host/verb.h"
#include <string.h>

static json_t *direction(struct wire *w, unsigned port, enum ol_wire_dir dir)
{
	struct ol_faults f;
	struct ol_wire_stats st;
	char text[OL_FAULTS_STRLEN];
	json_t *j = json_object(), *befell = json_object();
	if (!ol_wire_get_faults(w->w, (int)port, dir, &f))
		json_object_set_new(j, "faults", json_string(ol_faults_str(&f, text)));
	if (!ol_wire_get_stats(w->w, port, dir, &st)) {
		json_object_set_new(j, "frames", json_integer((json_int_t)st.frames));
		json_object_set_new(j, "bytes", json_integer((json_int_t)st.bytes));
		json_object_set_new(j, "held_bytes", json_integer((json_int_t)st.held_bytes));
		json_object_set_new(j, "queued", json_integer(st.queued));
		for (unsigned i = 0; i < OL_WIRE_FAULTS; i++)
			if (st.befell[i])
				json_object_set_new(befell, ol_wire_fault_name(i),
						    json_integer((json_int_t)st.befell[i]));
	}
	json_object_set_new(j, "befell", befell);
	return j;
}

static json_t *port_json(struct wire *w, unsigned port)
{
	const struct wire_port *p = &w->ports[port];
	struct ol_iface_info info = { .name = "" };
	if (p->host)
		ol_iface_info(p->host->stk, p->ifi, &info);
	json_t *j = json_pack("{si}", "port", (int)port);
	json_object_set_new(j, "host", p->host ? json_string(p->host->name) : json_null());
	json_object_set_new(j, "interface", json_string(p->host ? info.name : tap_name(p->tap)));
	if (p->tap)
		json_object_set_new(j, "tap", json_true());
	json_object_set_new(j, "in", direction(w, port, OL_WIRE_IN));
	json_object_set_new(j, "out", direction(w, port, OL_WIRE_OUT));
	return j;
}

static void list_wires(const struct ask *a)
{
	json_t *wires = json_array();
	list_for(n, &a->svc->wires) {
		struct wire *w = list_of(n, struct wire, node);
		json_t *ports = json_array();
		for (unsigned p = 0; p < w->n_ports; p++)
			if (w->ports[p].host || w->ports[p].tap)
				json_array_append_new(ports, port_json(w, p));
		json_array_append_new(wires,
				      json_pack("{ss ss si so}", "name", w->name, "mode", w->strict ? "strict" : "fast",
						"mtu", (int)w->mtu, "ports", ports));
	}
	verb_answer(a, json_pack("{so}", "wires", wires));
}

/* The port of a host on the wire; interface NULL: its only one, or first. */
static int find_port(struct wire *w, struct vhost *h, const char *interface)
{
	for (unsigned p = 0; p < w->n_ports; p++) {
		struct ol_iface_info info;
		if (w->ports[p].host != h || ol_iface_info(h->stk, w->ports[p].ifi, &info))
			continue;
		if (!interface || !strcmp(info.name, interface))
			return (int)p;
	}
	return -1;
}

static void set_faults(const struct ask *a, struct wire *w, int port, enum ol_wire_dir dir, const char *text)
{
	struct ol_faults f;
	char why[256], now[OL_FAULTS_STRLEN];
	ol_wire_get_faults(w->w, port, dir, &f);
	if (ol_faults_parse(&f, text, why, sizeof why)) {
		verb_error(a, "%s", why);
		return;
	}
	ol_wire_set_faults(w->w, port, dir, &f, a->svc->loop.now);
	wire_touch(w);
	verb_answer(a, json_pack("{ss ss}", "wire", w->name, "faults", ol_faults_str(&f, now)));
}

void verb_wire(const struct ask *a)
{
	const char *name = verb_text(a, "wire"), *faults = verb_text(a, "faults"), *dir = verb_text(a, "dir");
	struct vhost *h;
	if (!name && !faults) {
		list_wires(a);
		return;
	}
	if (!verb_host(a, &h))
		return;
	struct wire *w = name ? wire_find(a->svc, name) : NULL;
	if (!w && name) {
		verb_error(a, "the network %s has no wire %s; see its wires with: outlet wire", a->svc->net, name);
		return;
	}
	if (!w) {				/* the wire a host is on, or the only one there is */
		for (unsigned i = 0; h && !w && i < ARRAY_LEN(h->nic); i++)
			w = h->nic[i].wire;
		if (!h && a->svc->wires.next != &a->svc->wires && a->svc->wires.next == a->svc->wires.prev)
			w = list_of(a->svc->wires.next, struct wire, node);
	}
	int port = w && h ? find_port(w, h, verb_text(a, "interface")) : OL_WIRE_ALL_PORTS;
	if (!w || !faults || (h && port < 0))
		verb_error(a, !w	? "say which wire"
			      : !faults ? "say which faults, as in loss=1%%"
					: "the host is not on this wire");
	else if (dir && strcmp(dir, "in") && strcmp(dir, "out"))
		verb_error(a, "a direction is \"in\" (from the host into the wire) or \"out\"");
	else
		set_faults(a, w, port, dir && !strcmp(dir, "out") ? OL_WIRE_OUT : OL_WIRE_IN, faults);
}
