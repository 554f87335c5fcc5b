/* Routes against a plain list; addresses, sources, groups, and what is ours. */
#include "world.h"
#include "base/rng.h"
#include <errno.h>

static struct world w;

static void start(void)
{
	world_new(&w);
	host_new(&w, NULL);
	for (int i = 0; i < 3; i++)
		iface_new(&w, 0, OL_LINK_IP, 1500, 0);
}

static const struct ol_route *model_lookup(const struct ol_route *all, int n, const struct ol_addr *dst)
{
	const struct ol_route *best = NULL;
	for (int i = 0; i < n; i++)
		if (all[i].ifi && ol_addr_in_prefix(dst, &all[i].dst, all[i].plen) &&
		    (!best || all[i].plen > best->plen || (all[i].plen == best->plen && all[i].metric < best->metric)))
			best = &all[i];
	return best;
}

static struct ol_addr some_addr(struct rng *r, bool v6)
{
	uint8_t b[16] = { v6 ? 0x20 : 10 };
	for (int i = 1; i < (v6 ? 16 : 4); i++)
		b[i] = (uint8_t)(rng_below(r, 3) * 0x81);	/* crowded, so that prefixes nest */
	return ol_addr_from(v6 ? 6 : 4, b);
}

/* req: 1122-3.3.1.1-a, 1122-3.3.1.2-d, 1122-3.3.1.2-e */
TEST(trie_agrees_with_a_list)
{
	enum { N = 500 };
	static struct ol_route all[N];
	struct rng r;
	rng_init(&r, 3);
	for (int v6 = 0; v6 < 2; v6++) {
		start();
		memset(all, 0, sizeof all);
		addr(&w, 0, 2, v6 ? "fd00::1/64" : "192.0.2.1/24");
		for (int step = 0; step < 6000; step++) {
			int i = (int)rng_below(&r, N);
			if (all[i].ifi) {
				eq(net_route_del(w.h[0].net, &all[i]), 0);
				all[i].ifi = 0;
			} else if (rng_chance(&r, 0.6)) {
				struct ol_route c = { .dst = some_addr(&r, v6), .plen = rng_below(&r, v6 ? 129 : 33),
					.ifi = 2 + (int)rng_below(&r, 3), .metric = (uint32_t)(1 + i) };
				eq(net_route_add(w.h[0].net, &c), 0);
				all[i] = c;
			}
			for (int k = 0; k < 4; k++) {
				struct ol_addr dst = some_addr(&r, v6);
				struct net_path path;
				const struct ol_route *want = model_lookup(all, N, &dst);
				enum ol_err err = net_route(w.h[0].net, &dst, NULL, 0, &path);
				eq(err == OL_OK, want != NULL);
				if (want)
					eq(path.ifi, want->ifi);
			}
		}
		for (int i = 0; i < N; i++)
			if (all[i].ifi)
				eq(net_route_del(w.h[0].net, &all[i]), 0);
		world_end(&w);
	}
}

TEST(ten_thousand_routes_are_no_burden)
{
	start();
	addr(&w, 0, 2, "192.0.2.1/24");
	for (uint32_t i = 0; i < 10000; i++) {
		struct ol_route r = { .dst = ol_addr_ip4(0x0a000000 + i * 256), .plen = 24, .gateway = ip("192.0.2.9") };
		eq(net_route_add(w.h[0].net, &r), 0);
	}
	struct net_path path;
	for (uint32_t i = 0; i < 100000; i++) {
		struct ol_addr dst = ol_addr_ip4(0x0a000000 + (i * 7919 % 12000) * 256 + 5);
		eq(net_route(w.h[0].net, &dst, NULL, 0, &path), i * 7919 % 12000 < 10000 ? OL_OK : OL_ERR_NETUNREACH);
	}
	world_end(&w);
}

static int via(const char *dst, const char *src, int ifi)
{
	struct net_path path;
	struct ol_addr d = ip(dst), s = src ? ip(src) : (struct ol_addr){ 0 };
	enum ol_err err = net_route(w.h[0].net, &d, src ? &s : NULL, ifi, &path);
	return err ? -(int)err : path.ifi;
}

/* req: 1122-3.3.1.5-a */
TEST(a_downed_interface_gives_way_to_the_next_metric)
{
	start();
	addr(&w, 0, 2, "10.0.1.1/24");
	addr(&w, 0, 3, "10.0.2.1/24");
	struct ol_route a = { .dst = ip("0.0.0.0"), .gateway = ip("10.0.1.9"), .metric = 1 };
	struct ol_route b = { .dst = ip("0.0.0.0"), .gateway = ip("10.0.2.9"), .metric = 2 };
	eq(net_route_add(w.h[0].net, &b), 0);
	eq(net_route_add(w.h[0].net, &a), 0);
	eq(net_route_add(w.h[0].net, &a), -EEXIST);
	eq(via("8.8.8.8", NULL, 0), 2);
	link_iface_up(w.h[0].link, 2, false, w.now);
	eq(via("8.8.8.8", NULL, 0), 3);
	link_iface_up(w.h[0].link, 2, true, w.now);
	eq(via("8.8.8.8", NULL, 0), 2);
	eq(via("8.8.8.8", NULL, 3), 3);			/* SO_BINDTODEVICE */
	struct ol_route bad = { .dst = ip("1.0.0.0"), .plen = 8, .gateway = ip("8.8.8.8") };
	eq(net_route_add(w.h[0].net, &bad), -ENETUNREACH);	/* a gateway behind a gateway */
	world_end(&w);
}

/* req: 1122-3.3.1.4-a, 1122-3.3.1.4-b, 1122-3.3.1.4-c, 1122-3.3.1.4-d, 1122-3.3.1.4-e, 1122-3.3.1.5-a */
TEST(a_silent_gateway_gives_way_to_another)
{
	world_new(&w);
	for (int i = 0; i < 3; i++) {			/* a host and two gateways on two wires */
		struct net_config c = silent_config();
		c.any_local = i > 0;
		host_new(&w, &c);
	}
	for (int g = 1; g <= 2; g++) {
		iface_new(&w, 0, OL_LINK_ETHER, 1500, 0);
		iface_new(&w, g, OL_LINK_ETHER, 1500, 0);
		addr(&w, 0, 1 + g, g == 1 ? "10.0.1.1/24" : "10.0.2.1/24");
		addr(&w, g, 2, g == 1 ? "10.0.1.9/24" : "10.0.2.9/24");
	}
	struct wire *first = join(&w, 0, 2, 1, 2);
	join(&w, 0, 3, 2, 2);
	for (uint32_t g = 1; g <= 2; g++) {
		struct ol_route r = { .dst = ip("0.0.0.0"), .gateway = ip(g == 1 ? "10.0.1.9" : "10.0.2.9"), .metric = g };
		eq(net_route_add(w.h[0].net, &r), 0);
	}
	send_to(&w, 0, NULL, "8.8.8.8", 17, 40, 0, false);
	pass(&w, OL_SEC);
	eq(w.h[1].n_up, 1);
	first->cut = true;
	uint64_t before = first->frames;
	pass(&w, 600 * OL_SEC);
	eq(first->frames, before);			/* nobody is asked while nobody sends */
	for (int i = 0; i < 10; i++) {
		send_to(&w, 0, NULL, "8.8.8.8", 17, 40, 0, false);
		pass(&w, OL_SEC);
	}
	ok(w.h[2].n_up >= 1);				/* 5 s of trust, 3 s of questions, then the other */
	eq(via("8.8.8.8", NULL, 0), 3);
	eq(via("8.8.8.8", NULL, 2), 2);			/* bound to the first wire there is no other */
	first->cut = false;
	pass(&w, 60 * OL_SEC);
	eq(via("8.8.8.8", NULL, 0), 2);			/* tried again after a minute */
	world_end(&w);
}

/* req: 1122-3.2.1.3-g, 1122-3.3.1.1-b */
TEST(our_own_addresses_are_reached_through_lo)
{
	start();
	struct net_path path;
	addr(&w, 0, 2, "10.0.1.1/24");
	addr(&w, 0, 2, "fd00::1/64");
	static const struct { const char *dst, *src; } rows[] = { { "127.0.0.1", "127.0.0.1" }, { "127.9.9.9", "127.0.0.1" },
		{ "10.0.1.1", "10.0.1.1" }, { "::1", "::1" }, { "fd00::1", "fd00::1" } };
	for (size_t i = 0; i < 5; i++) {
		struct ol_addr dst = ip(rows[i].dst), want = ip(rows[i].src);
		eq(net_route(w.h[0].net, &dst, NULL, 0, &path), OL_OK);
		ok(path.local);
		eq(path.ifi, 1);
		eq(path.mtu, 65536);
		ok(ol_addr_eq(&path.src, &want));
		forget(&w, 0);
		eq(send_to(&w, 0, NULL, rows[i].dst, 17, 1000, 0, false), OL_DONE);
		pump(&w);
		eq(up(&w, 0, 0)->pkt->len, 1000);
		eq(up(&w, 0, 0)->rx.ifi, 1);
	}
	ok(net_is_local(w.h[0].net, &(struct ol_addr){ .ver = 4, .b = { 127, 3, 2, 1 } }, 0));
	struct ol_addr nobody = ip("10.0.1.2");
	ok(!net_is_local(w.h[0].net, &nobody, 0));
	eq(via("10.0.1.9", "10.0.1.2", 0), -OL_ERR_ADDRNOTAVAIL);
	eq(via("0.0.0.0", NULL, 0), -OL_ERR_NETUNREACH);
	eq(via("::", NULL, 0), -OL_ERR_NETUNREACH);
	world_end(&w);
}

static const char *source_for(const char *dst, int ifi)
{
	static char buf[OL_ADDR_STRLEN];
	struct net_path path;
	struct ol_addr d = ip(dst);
	if (ifi)
		d.scope = ol_addr_is_linklocal(&d) ? (uint32_t)ifi : 0;
	return net_route(w.h[0].net, &d, NULL, ifi, &path) ? "none" : ol_addr_str(&path.src, buf);
}

/* req: 6724-5-a, 6724-5-b, 6724-5-e, 6724-5-g, 6724-5-i, 6724-4-a, 6724-4-b, 6724-2.1-b, 6724-3.1-a, 1122-3.3.4.3-a */
TEST(sources_are_chosen_by_rfc_6724)
{
	start();
	addr(&w, 0, 2, "2001:db8:1::1/64");
	addr(&w, 0, 2, "2001:db8:1:2::1/64");
	addr(&w, 0, 2, "fd00:1::1/64");
	addr(&w, 0, 2, "fe80::1/64");
	addr(&w, 0, 3, "2001:db8:2::1/64");
	addr(&w, 0, 3, "fe80::2/64");
	route(&w, 0, "::/0", "2001:db8:1::9", 0);
	eq_str(source_for("2001:db8:1::5", 0), "2001:db8:1::1");		/* rule 8: the longest match */
	eq_str(source_for("2001:db8:1:2::5", 0), "2001:db8:1:2::1");
	eq_str(source_for("fd00:9::5", 0), "fd00:1::1");			/* rule 6: the same label */
	eq_str(source_for("2001:db8:2::5", 0), "2001:db8:2::1");		/* rule 5: the outgoing interface */
	eq_str(source_for("2002:808:808::1", 0), "2001:db8:1::1");		/* rule 2: no link-local off the link */
	eq_str(source_for("fe80::77", 2), "fe80::1%2");				/* rule 2, 4-a */
	eq_str(source_for("fe80::77", 3), "fe80::2%3");
	eq_str(source_for("ff02::5", 3), "fe80::2%3");
	eq_str(source_for("ff0e::5", 3), "2001:db8:2::1");
	addr(&w, 0, 2, "10.0.0.1/8");
	addr(&w, 0, 2, "10.1.0.1/16");
	addr(&w, 0, 3, "192.168.0.1/24");
	route(&w, 0, "0.0.0.0/0", "192.168.0.9", 0);
	eq_str(source_for("10.1.2.3", 0), "10.1.0.1");
	eq_str(source_for("10.2.2.3", 0), "10.0.0.1");
	eq_str(source_for("8.8.8.8", 0), "192.168.0.1");
	struct ol_route r = { .dst = ip("9.0.0.0"), .plen = 8, .gateway = ip("192.168.0.9"), .prefsrc = ip("10.0.0.1") };
	eq(net_route_add(w.h[0].net, &r), 0);
	eq_str(source_for("9.9.9.9", 0), "10.0.0.1");
	world_end(&w);
}

TEST(an_address_taken_away_takes_its_routes)
{
	start();
	addr(&w, 0, 2, "10.0.0.1/24");
	struct ol_addr a = ip("10.0.0.1"), b = ip("10.0.0.2"), got;
	unsigned plen;
	addr(&w, 0, 2, "10.0.0.2/24");
	eq(net_addr_add(w.h[0].net, 2, &a, 24, w.now), -EEXIST);
	eq(net_addr_del(w.h[0].net, 2, &a, w.now), 0);
	eq(via("10.0.0.77", NULL, 0), 2);		/* the heir keeps the net */
	eq_str(source_for("10.0.0.77", 0), "10.0.0.2");
	ok(!net_is_local(w.h[0].net, &a, 0));
	eq(net_addr_get(w.h[0].net, 2, 0, &got, &plen), 0);
	ok(ol_addr_eq(&got, &b) && plen == 24);
	eq(net_addr_get(w.h[0].net, 2, 1, &got, &plen), -ENOENT);
	eq(net_addr_del(w.h[0].net, 2, &b, w.now), 0);
	eq(via("10.0.0.77", NULL, 0), -OL_ERR_NETUNREACH);
	eq(net_addr_del(w.h[0].net, 2, &b, w.now), -EADDRNOTAVAIL);
	struct ol_addr m = ip("224.0.0.1"), l = ip("127.0.0.2"), z = ip("::");
	eq(net_addr_add(w.h[0].net, 2, &m, 24, w.now), -EINVAL);
	eq(net_addr_add(w.h[0].net, 2, &l, 8, w.now), -EINVAL);
	eq(net_addr_add(w.h[0].net, 2, &z, 64, w.now), -EINVAL);
	eq(net_addr_add(w.h[0].net, 2, &a, 33, w.now), -EINVAL);
	eq(net_addr_add(w.h[0].net, 9, &a, 24, w.now), -ENODEV);
	world_end(&w);
}

/* req: 1122-3.3.6-c, 1122-3.3.6-d, 1122-3.3.6-a, 919-7-a, 1122-3.2.1.3-e */
TEST(broadcasts_need_leave_and_reach_all_and_ourselves)
{
	start();
	addr(&w, 0, 2, "10.0.0.1/24");
	struct ol_addr all = ip("255.255.255.255"), net1 = ip("10.0.0.255"), net0 = ip("10.0.0.0"), no = ip("10.0.1.255");
	ok(net_is_broadcast(w.h[0].net, &all) && net_is_broadcast(w.h[0].net, &net1) && net_is_broadcast(w.h[0].net, &net0));
	ok(!net_is_broadcast(w.h[0].net, &no));
	eq(send_to(&w, 0, NULL, "10.0.0.255", 17, 100, 0, false), OL_DROP_IP_BROADCAST);
	eq(net_err(OL_DROP_IP_BROADCAST), OL_ERR_ACCES);
	struct net_tx tx = { .dst = net1, .proto = 17, .broadcast = true };
	static const uint8_t text[100];
	eq(net_output(w.h[0].net, &tx, ol_pkt_from(w.pool, text, 100), w.now), OL_DONE);
	struct ol_pkt *p = frame(&w, 0, 2);
	assert_non_null(p);
	ol_pkt_free(p);
	pump(&w);
	ok(up(&w, 0, 0)->rx.broadcast);			/* our own copy, by way of lo */
	world_end(&w);
}

static bool reached(int host) { bool r = w.h[host].n_up > 0; forget(&w, host); return r; }

/* req: 1112-7.1-a, 1112-7.2-a, 1112-6.1-a, 1122-3.3.7-a, 1122-3.3.7-c, 4861-7.2.1-a, 4291-2.8-a */
TEST(groups_are_heard_by_members_only)
{
	static const struct { const char *group; bool always, by_address; } g[] = { { "224.0.0.1", true }, { "ff02::1", true },
		{ "ff02::1:ff00:2", true, true }, { "239.1.2.3", false }, { "ff05::77", false }, { "ff02::1:ff00:9", false } };
	world_new(&w);
	host_new(&w, NULL);
	host_new(&w, NULL);
	for (int i = 0; i < 2; i++) {
		iface_new(&w, i, OL_LINK_ETHER, 1500, 0);
		addr(&w, i, 2, i ? "10.0.0.2/24" : "10.0.0.1/24");
		addr(&w, i, 2, i ? "fd00::2/64" : "fd00::1/64");
	}
	join(&w, 0, 2, 1, 2);
	for (size_t i = 0; i < sizeof g / sizeof *g; i++) {
		struct ol_addr a = ip(g[i].group);
		eq(send_to(&w, 0, NULL, g[i].group, 17, 50, 0, false), OL_DONE);
		pump(&w);
		if (w.h[1].n_up) {
			ok(up(&w, 1, 0)->rx.multicast);
			eq(up(&w, 1, 0)->rx.ttl, 1);
		}
		eq(reached(1), g[i].always);
		eq(net_group_join(w.h[1].net, 2, &a, w.now), 0);
		eq(net_group_join(w.h[1].net, 2, &a, w.now), 0);
		eq(net_group_leave(w.h[1].net, 2, &a, w.now), 0);
		send_to(&w, 0, NULL, g[i].group, 17, 50, 0, false);
		pump(&w);
		ok(reached(1));
		eq(net_group_leave(w.h[1].net, 2, &a, w.now), 0);
		if (!g[i].by_address)			/* its own address keeps that one joined */
			eq(net_group_leave(w.h[1].net, 2, &a, w.now), -EADDRNOTAVAIL);
		send_to(&w, 0, NULL, g[i].group, 17, 50, 0, false);
		pump(&w);
		eq(reached(1), g[i].always);
		forget(&w, 0);
	}
	world_end(&w);
}

TEST(any_local_takes_what_comes_and_finds_a_way_out)
{
	struct net_config c = silent_config();
	c.any_local = true;
	world_new(&w);
	host_new(&w, &c);
	iface_new(&w, 0, OL_LINK_IP, 1500, 0);
	uint8_t p[28] = { 0 };
	wire_ip4_build(p, &(struct ip4_hdr){ .src = ip("192.0.2.1"), .dst = ip("198.51.100.1"), .len = 28, .hlen = 20, .ttl = 9, .proto = 17 });
	eq(give(&w, 0, 2, p, 28, false), OL_PASS);
	eq(via("192.0.2.1", "198.51.100.1", 0), 2);
	eq(send_to(&w, 0, "198.51.100.1", "192.0.2.1", 17, 100, 0, false), OL_DONE);
	world_end(&w);
}
