/* The hosts and wires of world.h. */
#include "world.h"
#include <stdlib.h>

void world_new(struct world *w)
{
	memset(w, 0, sizeof *w);
	w->pool = ol_pool_new(0);
	w->now = OL_SEC;
	assert_non_null(w->pool);
}

void forget(struct world *w, int host)
{
	struct host *h = &w->h[host];
	for (int i = 0; i < h->n_up; i++)
		ol_pkt_free(h->up[i].pkt);
	h->n_up = 0;
}

void world_end(struct world *w)
{
	for (int i = 0; i < w->n_host; i++) {
		forget(w, i);
		net_free(w->h[i].net);
		link_free(w->h[i].link);
	}
	eq(ol_pool_used(w->pool), 0);
	ol_pool_free(w->pool);
}

struct net_config silent_config(void)
{
	struct net_config nc = net_config_default();
	nc.ip6.dad_transmits = nc.ip6.router_solicitations = 0;
	return nc;
}

int host_new(struct world *w, const struct net_config *cfg)
{
	struct net_config nc = cfg ? *cfg : silent_config();
	struct link_config lc = link_config_default();
	struct host *h = &w->h[w->n_host];
	assert_true(w->n_host < MAX_HOSTS);
	wheel_init(&h->wheel, w->now);
	nc.seed[0] = lc.seed[0] = (uint8_t)w->n_host;
	h->link = link_new(&lc, w->pool, &h->wheel, w->now);
	h->net = net_new(&nc, h->link, w->pool, &h->wheel, w->now);
	assert_non_null(h->net);
	int n = w->n_host++;
	struct ol_iface_config lo = { .name = "lo", .link = OL_LINK_LOOP, .features = OL_IF_CSUM | OL_IF_TSO4 | OL_IF_TSO6 };
	eq(link_iface_add(h->link, &lo), 1);
	addr(w, n, 1, "127.0.0.1/8");
	addr(w, n, 1, "::1/128");
	return n;
}

int iface_new(struct world *w, int host, enum ol_link kind, uint32_t mtu, unsigned features)
{
	char name[16];
	int before = 0;
	for (int i = 0; (i = link_iface_next(w->h[host].link, i)); )
		before = i;
	snprintf(name, sizeof name, "eth%d", before - 1);
	struct ol_iface_config c = { .name = name, .link = (uint8_t)kind, .mtu = mtu, .features = (uint8_t)features,
		.mac = { { 2, 0, 0, 0, (uint8_t)host, (uint8_t)before } } };
	int ifi = link_iface_add(w->h[host].link, &c);
	assert_true(ifi > 0);
	return ifi;
}

struct wire *join(struct world *w, int a, int ai, int b, int bi)
{
	assert_true(w->n_wire < MAX_WIRES);
	w->w[w->n_wire] = (struct wire){ a, ai, b, bi, 0, false, NULL };
	return &w->w[w->n_wire++];
}

struct ol_addr ip(const char *text)
{
	struct ol_addr a;
	assert_true(ol_addr_parse(text, &a));
	return a;
}

void addr(struct world *w, int host, int ifi, const char *prefix)
{
	struct ol_addr a;
	unsigned plen;
	assert_true(ol_prefix_parse(prefix, &a, &plen));
	eq(net_addr_add(w->h[host].net, ifi, &a, plen, w->now), 0);
}

void route(struct world *w, int host, const char *prefix, const char *gateway, int ifi)
{
	struct ol_route r = { .ifi = ifi };
	assert_true(ol_prefix_parse(prefix, &r.dst, &r.plen));
	if (gateway)
		r.gateway = ip(gateway);
	eq(net_route_add(w->h[host].net, &r), 0);
}

void chain_new(struct world *w, const struct net_config *all, uint32_t middle_mtu, enum ol_link kind, unsigned features)
{
	struct net_config host = all ? *all : silent_config(), router = host;
	router.forward4 = router.forward6 = true;
	world_new(w);
	host_new(w, &host);
	host_new(w, &router);
	host_new(w, &router);
	host_new(w, &host);
	static const struct { int host; const char *a4, *a6; } ends[] = {
		{ A, "10.0.1.2/24", "fd00:1::2/64" }, { R, "10.0.1.1/24", "fd00:1::1/64" },
		{ R, "10.0.2.1/24", "fd00:2::1/64" }, { S, "10.0.2.2/24", "fd00:2::2/64" },
		{ S, "10.0.3.1/24", "fd00:3::1/64" }, { B, "10.0.3.2/24", "fd00:3::2/64" },
	};
	int ifi[6];
	for (int i = 0; i < 6; i++) {
		ifi[i] = iface_new(w, ends[i].host, kind, i == 2 || i == 3 ? middle_mtu : 1500, i == 0 ? features : 0);
		addr(w, ends[i].host, ifi[i], ends[i].a4);
		addr(w, ends[i].host, ifi[i], ends[i].a6);
	}
	for (int i = 0; i < 6; i += 2)
		join(w, ends[i].host, ifi[i], ends[i + 1].host, ifi[i + 1]);
	route(w, A, "0.0.0.0/0", "10.0.1.1", 0);
	route(w, A, "::/0", "fd00:1::1", 0);
	route(w, R, "10.0.3.0/24", "10.0.2.2", 0);
	route(w, R, "fd00:3::/64", "fd00:2::2", 0);
	route(w, S, "10.0.1.0/24", "10.0.2.1", 0);
	route(w, S, "fd00:1::/64", "fd00:2::1", 0);
	route(w, B, "0.0.0.0/0", "10.0.3.1", 0);
	route(w, B, "::/0", "fd00:3::1", 0);
}

static void keep(struct host *h, struct ol_pkt *pkt, const struct net_rx *rx)
{
	if (rx->what == NET_UP_DATAGRAM && rx->proto == 58 && (pkt->data[0] == ICMP6_NS || pkt->data[0] == ICMP6_NA)) {
		ol_pkt_free(pkt);		/* handed up for raw sockets; tests here look at the cache instead */
		return;
	}
	assert_true(h->n_up < MAX_UP);
	h->up[h->n_up++] = (struct up){ pkt, *rx };
}

static void errors(struct world *w, struct host *h)
{
	struct ol_pkt *pkt;
	struct net_rx rx;
	struct ol_addr gone;
	int ifi;
	while (net_error_next(h->net, &pkt, &rx, w->now))
		keep(h, pkt, &rx);
	while (net_lost_next(h->net, &ifi, &gone))
		eq(net_addr_del(h->net, ifi, &gone, w->now), 0);
}

static void frame_in(struct world *w, int host, int ifi, struct ol_pkt *pkt)
{
	struct host *h = &w->h[host];
	struct net_rx rx;
	bool many;
	h->last = link_input(h->link, ifi, &pkt, &many, w->now);
	if (h->last == OL_PASS)
		h->last = net_input(h->net, ifi, many, &pkt, &rx, w->now);
	if (h->last == OL_PASS)
		keep(h, pkt, &rx);
	errors(w, h);
}

enum ol_fate give(struct world *w, int host, int ifi, const void *bytes, size_t len, bool to_many)
{
	struct host *h = &w->h[host];
	struct ol_pkt *pkt = ol_pkt_from(w->pool, bytes, len);
	struct net_rx rx;
	enum ol_fate fate = net_input(h->net, ifi, to_many, &pkt, &rx, w->now);
	if (fate == OL_PASS)
		keep(h, pkt, &rx);
	return fate;
}

static bool carry(struct world *w, int from, int fi, struct ol_pkt *pkt)
{
	for (int i = 0; i < w->n_wire; i++) {
		struct wire *x = &w->w[i];
		bool ab = x->a == from && x->ai == fi, ba = x->b == from && x->bi == fi;
		if (!ab && !ba)
			continue;
		x->frames++;
		if (x->cut || (x->tap && !x->tap(pkt)))
			ol_pkt_free(pkt);
		else
			frame_in(w, ab ? x->b : x->a, ab ? x->bi : x->ai, pkt);
		return true;
	}
	return false;
}

void pump(struct world *w)
{
	for (int steps = 0, busy = 1; busy; steps++) {
		assert_true(steps < 10000);
		busy = 0;
		for (int i = 0; i < w->n_host; i++)
			for (int ifi; (ifi = link_pending(w->h[i].link)); busy = 1) {
				struct ol_pkt *pkt = link_dequeue(w->h[i].link, ifi);
				assert_non_null(pkt);
				if (link_iface(w->h[i].link, ifi)->link == OL_LINK_LOOP)
					frame_in(w, i, ifi, pkt);
				else if (!carry(w, i, ifi, pkt))
					ol_pkt_free(pkt);
			}
	}
}

static void timers(struct world *w, struct host *h)
{
	for (struct timer *t; (t = wheel_expire(&h->wheel, w->now)); )
		if (t->kind == TIMER_LINK || t->kind == TIMER_LINK_ACD)
			link_expire(h->link, t, w->now);
		else
			net_expire(h->net, t, w->now);
	errors(w, h);
	assert_true(wheel_deadline(&h->wheel) > w->now);
}

void pass(struct world *w, ol_time ns)
{
	ol_time until = w->now + ns;
	for (int steps = 0; ; steps++) {
		assert_true(steps < 10000);
		pump(w);
		ol_time next = OL_NEVER;
		for (int i = 0; i < w->n_host; i++) {
			ol_time d = wheel_deadline(&w->h[i].wheel);
			next = d < next ? d : next;
		}
		if (next > until)
			break;
		w->now = next > w->now ? next : w->now;
		for (int i = 0; i < w->n_host; i++)
			timers(w, &w->h[i]);
	}
	w->now = until;
}

static struct ol_pkt *pattern(struct world *w, size_t len)
{
	struct ol_pkt *pkt = ol_pkt_new(w->pool, len);
	assert_non_null(pkt);
	uint8_t *p = ol_pkt_put(pkt, len);
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 7 + i / 256);
	return pkt;
}

enum ol_fate send_to(struct world *w, int host, const char *src, const char *dst, uint8_t proto, size_t len, uint8_t ttl, bool df)
{
	struct net_tx tx = { .dst = ip(dst), .proto = proto, .ttl = ttl, .df = df };
	if (src)
		tx.src = ip(src);
	return net_output(w->h[host].net, &tx, pattern(w, len), w->now);
}

enum ol_fate ping(struct world *w, int host, const char *dst, size_t len, uint8_t ttl, bool df)
{
	struct net_tx tx = { .dst = ip(dst), .ttl = ttl, .df = df };
	struct ol_pkt *pkt = pattern(w, ICMP_HLEN + len);
	struct net_path path;
	eq(net_route(w->h[host].net, &tx.dst, NULL, 0, &path), OL_OK);
	tx.src = path.src;
	if (tx.dst.ver == 4) {
		tx.proto = 1;
		wire_icmp4_build(pkt->data, &(struct icmp_hdr){ ICMP4_ECHO, 0, 0x12340001 }, pkt->len);
	} else {
		tx.proto = 58;
		wire_icmp6_build(pkt->data, &(struct icmp_hdr){ ICMP6_ECHO, 0, 0x12340001 }, pkt->len, &tx.src, &tx.dst);
	}
	return net_output(w->h[host].net, &tx, pkt, w->now);
}

struct up *up(struct world *w, int host, int i)
{
	assert_true(i < w->h[host].n_up);
	return &w->h[host].up[i];
}

struct ol_pkt *frame(struct world *w, int host, int ifi) { return link_dequeue(w->h[host].link, ifi); }
