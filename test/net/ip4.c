/* IPv4 as a host owes it: subnets, time to live, type of service, identifications, sizes, and questions nobody answers. */
#include "world.h"
#include "base/be.h"
#include <stdlib.h>

static struct world w;

/* A host with two point-to-point wires: 2 is 10.0.0.1/26, everything else goes by 3. */
static void start(const struct net_config *cfg)
{
	world_new(&w);
	host_new(&w, cfg);
	iface_new(&w, 0, OL_LINK_IP, 1500, 0);
	iface_new(&w, 0, OL_LINK_IP, 700, 0);
	addr(&w, 0, 2, "10.0.0.1/26");
	addr(&w, 0, 3, "10.9.0.1/24");
	route(&w, 0, "0.0.0.0/0", "10.9.0.9", 0);
}

static struct net_path way(const char *to)
{
	struct net_path path;
	struct ol_addr dst = ip(to);
	eq(net_route(w.h[0].net, &dst, NULL, 0, &path), OL_OK);
	return path;
}

/* req: 1122-3.2.1.3-a, 1122-3.3.1.6-a, 1122-3.2.2.9-b, 1122-3.3.1.2-c */
TEST(addresses_masks_and_gateways_are_given_by_hand)
{
	start(NULL);
	eq(way("10.0.0.62").ifi, 2);
	eq(way("10.0.0.65").ifi, 3);			/* of the old class A, but not of the subnet: by the gateway */
	eq(way("10.0.1.1").ifi, 3);
	struct ol_addr all = ip("10.0.0.63"), none = ip("10.0.0.127");
	ok(net_is_broadcast(w.h[0].net, &all));
	ok(!net_is_broadcast(w.h[0].net, &none));
	struct ol_route r;
	unsigned n = 0;
	while (net_route_get(w.h[0].net, n, &r) == 0)
		n++;
	eq(n, 5);					/* lo's two, two subnets, the gateway */
	world_end(&w);
}

static void sent(struct ip4_hdr *h, const struct net_tx *tx, size_t len)
{
	static const uint8_t body[2000];
	static uint8_t copy[2048];
	eq(net_output(w.h[0].net, tx, ol_pkt_from(w.pool, body, len), w.now), OL_DONE);
	struct ol_pkt *p = frame(&w, 0, 2);
	assert_non_null(p);
	memcpy(copy, p->data, p->len);
	eq(wire_ip4_parse(h, copy, p->len), OL_PASS);
	ol_pkt_free(p);
}

/* req: 1122-3.2.1.6-a, 1122-3.2.1.7-c, 1122-3.2.1.7-d */
TEST(service_and_lifetime_are_the_transports_choice)
{
	struct net_config c = net_config_default();
	struct ip4_hdr h;
	c.ttl = 33;
	start(&c);
	sent(&h, &(struct net_tx){ .dst = ip("10.0.0.2"), .proto = 17 }, 10);
	eq(h.ttl, 33);
	eq(h.tos, 0);
	sent(&h, &(struct net_tx){ .dst = ip("10.0.0.2"), .proto = 17, .ttl = 7, .tos = 0xb8 }, 10);
	eq(h.ttl, 7);
	eq(h.tos, 0xb8);
	world_end(&w);
}

/* req: 1122-3.2.1.7-a, 1122-3.2.1.7-b also where a program writes the header itself */
TEST(no_datagram_leaves_with_no_time_to_live)
{
	uint8_t p[40] = { 0 };
	struct net_config c = net_config_default();
	c.forward4 = true;
	start(&c);
	wire_ip4_build(p, &(struct ip4_hdr){ .src = ip("10.0.0.1"), .dst = ip("10.0.0.2"), .len = 40, .hlen = 20, .ttl = 0, .proto = 200 });
	struct net_tx tx = { .dst = ip("10.0.0.2"), .hdrincl = true };
	eq(net_output(w.h[0].net, &tx, ol_pkt_from(w.pool, p, 40), w.now), OL_DONE);
	struct ol_pkt *f = frame(&w, 0, 2);
	eq(f->data[8], 64);
	ol_pkt_free(f);
	for (uint8_t ttl = 0; ttl < 3; ttl++) {
		wire_ip4_build(p, &(struct ip4_hdr){ .src = ip("10.9.0.7"), .dst = ip("10.0.0.2"), .len = 40, .hlen = 20, .ttl = ttl, .proto = 17 });
		eq(give(&w, 0, 3, p, 40, false), ttl < 2 ? OL_DROP_IP_TTL : OL_FORWARDED);
		f = frame(&w, 0, 2);
		eq(f ? f->data[8] : 0, ttl < 2 ? 0 : 1);
		ol_pkt_free(f);
		ol_pkt_free(frame(&w, 0, 3));		/* time exceeded */
		wire_ip4_build(p, &(struct ip4_hdr){ .src = ip("10.9.0.7"), .dst = ip("10.9.0.1"), .len = 40, .hlen = 20, .ttl = ttl, .proto = 17 });
		eq(give(&w, 0, 3, p, 40, false), OL_PASS);	/* for us it is long enough */
	}
	world_end(&w);
}

/* req: 1122-3.3.3-a, 1122-3.3.3-c, 1122-3.3.3-e, 6864-4.3-b */
TEST(each_interface_has_its_mtu_and_what_may_not_be_cut_stays_below_it)
{
	start(NULL);
	eq(way("10.0.0.2").mtu, 1500);
	eq(way("10.9.0.2").mtu, 700);
	eq(send_to(&w, 0, NULL, "10.9.0.2", 17, 680, 0, true), OL_DONE);
	eq(send_to(&w, 0, NULL, "10.9.0.2", 17, 681, 0, true), OL_DROP_IP_TOO_BIG);
	struct ol_pkt *f = frame(&w, 0, 3);
	eq(f->len, 700);
	ol_pkt_free(f);
	ok(!frame(&w, 0, 3));
	eq(send_to(&w, 0, NULL, "10.9.0.2", 17, 681, 0, false), OL_DONE);
	for (int i = 0; i < 2; i++) {
		f = frame(&w, 0, 3);
		ok(f && f->len <= 700);
		ol_pkt_free(f);
	}
	world_end(&w);
}

/* req: 6864-4.3-b a router, too, cuts nothing that says so */
TEST(a_router_does_not_cut_what_may_not_be_cut)
{
	static uint8_t p[1000];
	struct net_config c = net_config_default();
	c.forward4 = true;
	start(&c);
	for (int df = 0; df < 2; df++) {
		wire_ip4_build(p, &(struct ip4_hdr){ .src = ip("10.0.0.2"), .dst = ip("10.9.0.7"), .len = 1000, .hlen = 20, .ttl = 9,
			.proto = 17, .df = df, .id = 7 });
		eq(give(&w, 0, 2, p, sizeof p, false), df ? OL_DROP_IP_TOO_BIG : OL_FORWARDED);
		int n = 0;
		for (struct ol_pkt *f; (f = frame(&w, 0, 3)); ol_pkt_free(f))
			n++;
		eq(n, df ? 0 : 2);
	}
	ol_pkt_free(frame(&w, 0, 2));			/* its complaint */
	world_end(&w);
}

/* req: 6864-4.1-a, 6864-4.1-b */
TEST(whole_datagrams_are_not_told_apart_by_their_identification)
{
	uint8_t p[40] = { 0 };
	start(NULL);
	for (int df = 0; df < 2; df++)
		for (int i = 0; i < 3; i++) {
			wire_ip4_build(p, &(struct ip4_hdr){ .src = ip("10.0.0.2"), .dst = ip("10.0.0.1"), .len = 40, .hlen = 20, .ttl = 9,
				.proto = 17, .df = df, .id = 77 });
			eq(give(&w, 0, 2, p, 40, false), OL_PASS);
		}
	eq(w.h[0].n_up, 6);				/* no duplicate is seen in them */
	world_end(&w);
}

/* req: 6864-4.2-a, 6864-4.3-a all 65536 are used before one comes again */
TEST(identifications_of_what_may_be_cut_do_not_repeat)
{
	static uint8_t used[65536];
	struct ip4_hdr h;
	start(NULL);
	memset(used, 0, sizeof used);
	for (int i = 0; i < 65536; i++) {		/* the same text each time: a copy gets its own */
		sent(&h, &(struct net_tx){ .dst = ip("10.0.0.2"), .proto = 17 }, 10);
		ok(!used[h.id]++);
	}
	world_end(&w);
}

/* What RFC 6918 retired and RFC 6633 silenced: seen by raw sockets, answered by nobody.  req: 1122-3.2.2.9-i, 1122-3.2.2.7-a, 6918-3-a */
TEST(questions_of_old_are_not_answered)
{
	static const uint8_t types[] = { 13, 15, 17, 4, 30, 37 };	/* timestamp, information, mask, quench, traceroute, name */
	start(NULL);
	for (size_t i = 0; i < sizeof types; i++) {
		uint8_t p[48] = { 0 };
		wire_ip4_build(p, &(struct ip4_hdr){ .src = ip("10.0.0.2"), .dst = ip("10.0.0.1"), .len = 48, .hlen = 20, .ttl = 9, .proto = 1 });
		wire_icmp4_build(p + 20, &(struct icmp_hdr){ types[i], 0, 1 }, 28);
		eq(give(&w, 0, 2, p, 48, false), OL_PASS);
		ok(up(&w, 0, (int)i)->rx.local_done);
		ok(!frame(&w, 0, 2));
	}
	world_end(&w);
}
