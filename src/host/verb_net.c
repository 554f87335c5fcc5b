/* status, hosts, counters, up, down: the network as a whole. */
#include "host/events.h"
#include "host/verb.h"
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* When the service was born, since 1970: what the times of events count from, in the clock of captures. */
static json_t *born_ns(struct svc *s)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return json_integer((json_int_t)(ts.tv_sec * OL_SEC + ts.tv_nsec - loop_tick(&s->loop) + s->born));
}

void verb_status(const struct ask *a)
{
	struct svc *s = a->svc;
	json_t *j = json_pack("{ss si ss}", "net", s->net, "pid", (int)getpid(), "version", OUTLET_VERSION);
	json_object_set_new(j, "file", s->file[0] ? json_string(s->file) : json_null());
	json_object_set_new(j, "log", json_string(s->log));
	json_object_set_new(j, "pinned", json_boolean(s->pinned));
	json_object_set_new(j, "born_ns", born_ns(s));
	json_object_set_new(j, "uptime_ms", json_integer((s->loop.now - s->born) / OL_MS));
	json_object_set_new(j, "hosts", json_integer(s->n_hosts));
	json_object_set_new(j, "guests", json_integer(s->n_guests));
	json_object_set_new(j, "sockets", json_integer(s->n_gsocks - s->n_tombs));
	json_object_set_new(j, "pool_bytes", json_integer((json_int_t)ol_pool_used(s->pool)));
	verb_answer(a, j);
}

static json_t *prefix_text(const struct ol_addr *addr, unsigned plen)
{
	char text[OL_ADDR_STRLEN];
	return json_sprintf("%s/%u", ol_addr_str(addr, text), plen);
}

/* Addresses that it was given and does not have: still looked for, or somebody else's (RFC 5227, RFC 4862 5.4). */
static json_t *unassigned(struct vhost *h, int ifi)
{
	json_t *list = json_array();
	struct ol_acd_info four;
	struct ol_addr_info a;
	char text[OL_ADDR_STRLEN], mac[OL_MAC_STRLEN];
	for (unsigned k = 0; !ol_acd_get(h->stk, k, &four); k++)
		if (four.ifi == ifi && four.state == OL_ACD_PROBING)
			json_array_append_new(list, json_sprintf("%s (probing)", ol_addr_str(&four.addr, text)));
		else if (four.ifi == ifi && four.state == OL_ACD_LOST)
			json_array_append_new(list, json_sprintf("%s (taken by %s)", ol_addr_str(&four.addr, text),
								 ol_mac_str(&four.rival, mac)));
	for (unsigned k = 0; !ol_addr_info(h->stk, ifi, k, &a); k++)
		if (a.addr.ver == 6 && (a.state == OL_ADDR_DUPLICATE || a.state == OL_ADDR_TENTATIVE))
			json_array_append_new(list, json_sprintf("%s/%u (%s)", ol_addr_str(&a.addr, text), a.plen,
								 a.state == OL_ADDR_DUPLICATE ? "duplicate" : "tentative"));
	return list;
}

/* Addresses in use of which nobody has yet had the time to say that they are his (RFC 4429). */
static json_t *optimistic(struct vhost *h, int ifi)
{
	json_t *list = json_array();
	struct ol_addr_info a;
	for (unsigned k = 0; !ol_addr_info(h->stk, ifi, k, &a); k++)
		if (a.state == OL_ADDR_OPTIMISTIC)
			json_array_append_new(list, prefix_text(&a.addr, a.plen));
	return list;
}

static json_t *interfaces(struct vhost *h)
{
	json_t *list = json_array();
	for (int i = ol_iface_next(h->stk, 0); i; i = ol_iface_next(h->stk, i)) {
		struct ol_iface_info n;
		struct ol_addr addr;
		unsigned plen;
		char mac[OL_MAC_STRLEN];
		ol_iface_info(h->stk, i, &n);
		json_t *j = json_pack("{ss si ss si sb}", "name", n.name, "index", n.index, "mac",
				      ol_mac_str(&n.mac, mac), "mtu", (int)n.mtu, "up", (int)n.up);
		json_object_set_new(j, "wire", h->nic[i].wire ? json_string(h->nic[i].wire->name) : json_null());
		json_t *addrs = json_array();
		for (unsigned k = 0; !ol_addr_get(h->stk, i, k, &addr, &plen); k++)
			json_array_append_new(addrs, prefix_text(&addr, plen));
		json_object_set_new(j, "addresses", addrs);
		json_object_set_new(j, "optimistic", optimistic(h, i));
		json_object_set_new(j, "unassigned", unassigned(h, i));
		json_object_set_new(j, "rx_packets", json_integer((json_int_t)n.rx_packets));
		json_object_set_new(j, "rx_bytes", json_integer((json_int_t)n.rx_bytes));
		json_object_set_new(j, "rx_dropped", json_integer((json_int_t)n.rx_dropped));
		json_object_set_new(j, "tx_packets", json_integer((json_int_t)n.tx_packets));
		json_object_set_new(j, "tx_bytes", json_integer((json_int_t)n.tx_bytes));
		json_object_set_new(j, "tx_dropped", json_integer((json_int_t)n.tx_dropped));
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *routes(struct vhost *h)
{
	json_t *list = json_array();
	struct ol_route r;
	for (unsigned i = 0; !ol_route_get(h->stk, i, &r); i++) {
		struct ol_iface_info n = { .name = "" };
		char text[OL_ADDR_STRLEN];
		ol_iface_info(h->stk, r.ifi, &n);
		json_t *j = json_object();
		json_object_set_new(j, "dst", prefix_text(&r.dst, r.plen));
		json_object_set_new(j, "gateway",
				    r.gateway.ver ? json_string(ol_addr_str(&r.gateway, text)) : json_null());
		json_object_set_new(j, "interface", json_string(n.name));
		json_object_set_new(j, "metric", json_integer(r.metric));
		json_array_append_new(list, j);
	}
	return list;
}

void verb_hosts(const struct ask *a)
{
	json_t *hosts = json_array();
	list_for(n, &a->svc->hosts) {
		struct vhost *h = list_of(n, struct vhost, node);
		json_t *guests = json_array();
		list_for(c, &a->svc->clients) {
			struct client *cl = list_of(c, struct client, node);
			if (cl->host == h)
				json_array_append_new(guests,
						      json_pack("{si ss%}", "pid", (int)cl->pid, "program", cl->program,
								(int)strnlen(cl->program, sizeof cl->program)));
		}
		json_t *j = json_pack("{ss ss sb so so so}", "name", h->name, "made_by", h->of_file ? "file" : "run",
				      "forwarding", (int)h->forwarding, "guests", guests, "interfaces", interfaces(h),
				      "routes", routes(h));
		json_array_append_new(hosts, j);
	}
	verb_answer(a, json_pack("{so}", "hosts", hosts));
}

void verb_counters(const struct ask *a)
{
	struct vhost *only;
	if (!verb_host(a, &only))
		return;
	json_t *hosts = json_array();
	list_for(n, &a->svc->hosts) {
		struct vhost *h = list_of(n, struct vhost, node);
		if (only && h != only)
			continue;
		json_t *list = json_array();
		for (int f = OL_PASS; f < OL_FATE_MAX; f++) {
			uint64_t count = ol_stack_count(h->stk, (enum ol_fate)f);
			if (count)
				json_array_append_new(list,
						      json_pack("{ss ss sI}", "fate", ol_fate_name((enum ol_fate)f),
								"text", ol_fate_text((enum ol_fate)f), "count",
								(json_int_t)count));
		}
		json_array_append_new(hosts, json_pack("{ss so}", "name", h->name, "counters", list));
	}
	verb_answer(a, json_pack("{so}", "hosts", hosts));
}

void verb_up(const struct ask *a)
{
	a->svc->pinned = true;
	verb_answer(a, json_pack("{sb}", "pinned", 1));
}

void verb_down(const struct ask *a)
{
	struct svc *s = a->svc;
	s->pinned = false;
	verb_answer(a, json_pack("{sb si}", "pinned", 0, "guests", (int)s->n_guests));
	if (json_is_true(json_object_get(a->j, "now"))) {
		svc_log(s, "told to end by a tool");
		unlink(s->sock_path);
		s->loop.stop = true;
	} else {
		svc_idle(s);
	}
}
