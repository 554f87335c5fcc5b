/* Two hosts with two routers between them, both families: what arrives, what is said of what does not. */
#include "world.h"
#include "base/be.h"
#include "base/cksum.h"

static void chain(struct world *w, uint32_t middle_mtu, enum ol_link kind, unsigned features)
{
	chain_new(w, NULL, middle_mtu, kind, features);
}

static void check_reply(struct world *w, const char *from, size_t len)
{
	struct up *u = up(w, A, w->h[A].n_up - 1);
	struct ol_addr want = ip(from);
	eq(u->rx.what, NET_UP_DATAGRAM);
	ok(ol_addr_eq(&u->rx.src, &want));
	ok(u->rx.local_done);
	eq(u->pkt->len, ICMP_HLEN + len);
	eq(u->pkt->data[0], want.ver == 4 ? ICMP4_ECHO_REPLY : ICMP6_ECHO_REPLY);
	for (size_t i = 4; i < len + ICMP_HLEN; i++)
		if (i >= 8)
			eq(u->pkt->data[i], (uint8_t)(i * 7 + i / 256));
}

/* req: 1122-3.3.4.2-a, 1122-3.2.2.6-a, 1122-3.2.2.6-e, 1122-3.2.2.6-f, 1122-3.2.2.6-g, 792-echo-a, 826-generation-a, 1122-2.3.2.2-a */
/* req: 4443-4.1-a, 4443-4.2-a, 4443-4.2-c, 4443-4.2-d, 4861-7.2.2-a */
TEST(echo_crosses_two_routers_in_both_families)
{
	static const enum ol_link kinds[] = { OL_LINK_ETHER, OL_LINK_IP };
	for (int k = 0; k < 2; k++) {
		static struct world w;
		chain(&w, 1500, kinds[k], 0);
		eq(ping(&w, A, "10.0.3.2", 100, 0, false), OL_DONE);
		pass(&w, OL_SEC);
		check_reply(&w, "10.0.3.2", 100);
		eq(up(&w, A, 0)->rx.ttl, 62);
		eq(ping(&w, A, "fd00:3::2", 100, 0, false), OL_DONE);
		pass(&w, OL_SEC);
		check_reply(&w, "fd00:3::2", 100);
		eq(up(&w, A, 1)->rx.ttl, 62);
		eq(net_count(w.h[R].net, OL_FORWARDED), 4);
		eq(net_count(w.h[S].net, OL_FORWARDED), 4);
		world_end(&w);
	}
}

/* req: 1122-3.2.1.7-b, 8200-3-c, 1122-3.2.2.4-a, 4443-3.3-a */
TEST(each_hop_limit_names_its_router)
{
	static const char *const hops[2][2] = { { "10.0.1.1", "10.0.2.2" }, { "fd00:1::1", "fd00:2::2" } };
	static struct world w;
	chain(&w, 1500, OL_LINK_ETHER, 0);
	for (uint8_t ttl = 1; ttl <= 2; ttl++)
		for (int v6 = 0; v6 < 2; v6++) {
			struct ol_addr want = ip(hops[v6][ttl - 1]), dst = ip(v6 ? "fd00:3::2" : "10.0.3.2");
			send_to(&w, A, NULL, v6 ? "fd00:3::2" : "10.0.3.2", 17, 40, ttl, false);
			pass(&w, OL_SEC);
			struct up *u = up(&w, A, 0);
			eq(u->rx.what, NET_UP_ERROR);
			ok(ol_addr_eq(&u->rx.error.from, &want));
			ok(ol_addr_eq(&u->rx.dst, &dst));
			eq(u->rx.proto, 17);
			eq(u->rx.error.type, v6 ? ICMP6_TIME_EXCEEDED : ICMP4_TIME_EXCEEDED);
			eq(u->rx.error.err, OL_ERR_HOSTUNREACH);
			ok(!u->rx.error.hard);
			eq(u->pkt->len, 40);			/* the quoted transport header and what came with it */
			eq(u->pkt->data[5], 35);
			eq(u->rx.error.quote_len, v6 ? 40 : 20);
			eq(u->pkt->data[-(int)u->rx.error.quote_len - 8], u->rx.error.type);
			forget(&w, A);
		}
	/* ttl 3 arrives: a datagram with hop limit 1 is delivered to its destination */
	send_to(&w, A, NULL, "10.0.3.2", 17, 40, 3, false);
	pass(&w, OL_SEC);
	eq(up(&w, B, 0)->rx.ttl, 1);
	world_end(&w);
}

/* req: 791-3.1-c, 1122-3.3.2-a, 1122-3.3.2-b, 1122-3.3.2-c, 1122-3.3.2-d, 1122-3.2.1.4-a, 1122-3.3.3-b, 8200-4.5-c, 8200-5-c, 8200-5-b */
TEST(datagrams_of_64k_cross_in_fragments)
{
	static struct world w;
	chain(&w, 1500, OL_LINK_ETHER, 0);
	for (size_t len = 1400; len < 65000; len = len * 2 + 13)
		for (int v6 = 0; v6 < 2; v6++) {
			send_to(&w, A, NULL, v6 ? "fd00:3::2" : "10.0.3.2", 17, len, 0, false);
			pass(&w, OL_SEC);
			struct up *u = up(&w, B, 0);
			eq(w.h[B].n_up, 1);
			eq(u->pkt->len, len);
			for (size_t i = 0; i < len; i++)
				if (u->pkt->data[i] != (uint8_t)(i * 7 + i / 256))
					fail();
			eq(u->rx.ip_len, v6 ? 40 : 20);
			forget(&w, B);
		}
	send_to(&w, A, NULL, "10.0.3.2", 17, 65515, 0, false);
	pass(&w, OL_SEC);
	eq(up(&w, B, 0)->pkt->len, 65515);
	eq(send_to(&w, A, NULL, "10.0.3.2", 17, 65516, 0, false), OL_DROP_IP_TOO_BIG);
	world_end(&w);
}

/* A router fragments IPv4 further; fragments of fragments come together. */
TEST(ip4_fragments_are_cut_again_by_a_router)
{
	static struct world w;
	chain(&w, 576, OL_LINK_ETHER, 0);
	send_to(&w, A, NULL, "10.0.3.2", 17, 9000, 0, false);
	pass(&w, OL_SEC);
	eq(up(&w, B, 0)->pkt->len, 9000);
	ok(w.w[1].frames > 9000 / 556);
	world_end(&w);
}

/* req: 1191-3-e, 1191-3-f, 791-3.2-a, 1122-3.3.5-d, 1191-3-a, 1191-6.3-a, 1191-3-d, 1191-3-c, 4443-3.2-a, 8201-4-d, 8201-4-c, 8201-4-b, 8201-4-f, 8201-5.3-a, 8200-5-e */
TEST(too_big_is_reported_learnt_and_forgotten)
{
	static struct world w;
	chain(&w, 1300, OL_LINK_ETHER, 0);
	for (int v6 = 0; v6 < 2; v6++) {
		const char *to = v6 ? "fd00:3::2" : "10.0.3.2";
		struct ol_addr dst = ip(to);
		struct net_path path;
		send_to(&w, A, NULL, to, 17, 1400, 0, true);
		pass(&w, OL_SEC);
		struct up *u = up(&w, A, 0);
		eq(u->rx.what, NET_UP_ERROR);
		eq(u->rx.error.info, 1300);
		eq(u->rx.error.err, OL_ERR_MSGSIZE);
		ok(!u->rx.error.hard);
		net_pmtu_update(w.h[A].net, &u->rx.dst, u->rx.error.info, w.now);
		eq(net_route(w.h[A].net, &dst, NULL, 0, &path), OL_OK);
		eq(path.mtu, 1300);
		eq(path.link_mtu, 1500);
		net_pmtu_update(w.h[A].net, &dst, 1400, w.now);		/* never up */
		eq(net_route(w.h[A].net, &dst, NULL, 0, &path), OL_OK);
		eq(path.mtu, 1300);
		eq(send_to(&w, A, NULL, to, 17, 1400, 0, true), OL_DROP_IP_TOO_BIG);
		eq(send_to(&w, A, NULL, to, 17, 1400, 0, false), OL_DONE);	/* in fragments of the path's size */
		pass(&w, OL_SEC);
		eq(up(&w, B, 0)->pkt->len, 1400);
		net_pmtu_update(w.h[A].net, &dst, 20, w.now);
		eq(net_route(w.h[A].net, &dst, NULL, 0, &path), OL_OK);
		eq(path.mtu, v6 ? 1300 : 68);
		pass(&w, 599 * OL_SEC);
		eq(net_route(w.h[A].net, &dst, NULL, 0, &path), OL_OK);
		ok(path.mtu < 1500 || v6);
		pass(&w, 2 * OL_SEC);
		eq(net_route(w.h[A].net, &dst, NULL, 0, &path), OL_OK);
		eq(path.mtu, 1500);
		forget(&w, A);
		forget(&w, B);
	}
	world_end(&w);
}

/* req: 1122-3.2.2.1-b, 4443-3.1-a, 4443-3.1-e, 1122-3.2.2.1-d */
TEST(no_route_is_reported_by_the_router)
{
	static struct world w;
	chain(&w, 1500, OL_LINK_ETHER, 0);
	send_to(&w, A, NULL, "10.9.9.9", 17, 40, 0, false);
	send_to(&w, A, NULL, "fd00:9::9", 17, 40, 0, false);
	pass(&w, OL_SEC);
	for (int i = 0; i < 2; i++) {
		struct up *u = up(&w, A, i);
		eq(u->rx.what, NET_UP_ERROR);
		eq(u->rx.error.err, OL_ERR_NETUNREACH);
		ok(!u->rx.error.hard);
		eq(u->rx.error.code, 0);
	}
	eq(net_count(w.h[R].net, OL_DROP_IP_NO_ROUTE), 2);
	world_end(&w);
}

/* req: 1122-2.4-c, 4861-7.2.2-c, 4443-3.1-a */
TEST(silent_neighbour_behind_a_router_is_host_unreachable)
{
	static struct world w;
	chain(&w, 1500, OL_LINK_ETHER, 0);
	send_to(&w, A, NULL, "10.0.3.77", 17, 40, 0, false);
	send_to(&w, A, NULL, "fd00:3::77", 17, 40, 0, false);
	pass(&w, 2900 * OL_MS);
	eq(w.h[A].n_up, 0);				/* not before the third question went unanswered */
	pass(&w, 200 * OL_MS);
	eq(w.h[A].n_up, 2);
	for (int i = 0; i < 2; i++) {
		struct up *u = up(&w, A, i);
		bool v6 = u->rx.dst.ver == 6;
		eq(u->rx.what, NET_UP_ERROR);
		eq(u->rx.error.err, OL_ERR_HOSTUNREACH);
		eq(u->rx.error.code, v6 ? ICMP6_ADDR : ICMP4_HOST);
		ok(u->rx.ip_len > 0);
	}
	world_end(&w);
}

TEST(silent_neighbour_of_our_own_is_told_without_a_wire)
{
	static struct world w;
	chain(&w, 1500, OL_LINK_ETHER, 0);
	send_to(&w, A, NULL, "10.0.1.77", 17, 40, 0, false);
	send_to(&w, A, NULL, "fd00:1::77", 58, 40, 0, false);
	pass(&w, 3100 * OL_MS);
	eq(w.h[A].n_up, 2);
	for (int i = 0; i < 2; i++) {
		struct up *u = up(&w, A, i);
		eq(u->rx.what, NET_UP_ERROR);
		eq(u->rx.error.err, OL_ERR_HOSTUNREACH);
		eq(u->rx.ip_len, 0);
		eq(u->pkt->len, 40);
		eq(u->pkt->data[1], 7);
	}
	eq(link_count(w.h[A].link, OL_DROP_NEIGH_FAILED), 2);
	world_end(&w);
}

static bool see_cut_segments(struct ol_pkt *pkt)
{
	struct ip4_hdr h;
	const uint8_t *p = pkt->data;
	if (p[12] != 8 || p[13] != 0)
		return true;
	eq(wire_ip4_parse(&h, p + 14, pkt->len - 14), OL_PASS);
	ok(pkt->len <= 1514);
	ok(pkt->gso == OL_GSO_NONE);
	ok(pkt->csum != OL_CSUM_PARTIAL);
	return true;
}

/* A super-segment from a fast wire leaves the router on a plain one as ordinary segments with whole checksums. */
TEST(router_cuts_super_segments_for_a_plain_wire)
{
	static struct world w;
	chain(&w, 1500, OL_LINK_ETHER, OL_IF_CSUM | OL_IF_TSO4 | OL_IF_TSO6);
	enum { TEXT = 20000, MSS = 1448 };
	struct ol_pkt *pkt = ol_pkt_new(w.pool, 20 + TEXT);
	uint8_t *tcp = ol_pkt_put(pkt, 20 + TEXT);
	memset(tcp, 0, 20);
	for (size_t i = 0; i < TEXT; i++)
		tcp[20 + i] = (uint8_t)i;
	tcp[12] = 0x50;
	tcp[13] = 0x18;
	pkt->gso = OL_GSO_TCP4;
	pkt->gso_size = MSS;
	pkt->hdr_len = 20;
	pkt->csum = OL_CSUM_PARTIAL;
	pkt->csum_start = 0;
	pkt->csum_offset = 16;
	struct ol_addr src = ip("10.0.1.2"), dst = ip("10.0.3.2");
	be16_put(tcp + 16, cksum_fold(cksum_pseudo(&src, &dst, 6, 20 + TEXT)));
	pass(&w, 2 * OL_SEC);				/* until everybody has said by MLD what it listens to */
	w.w[0].frames = 0;
	w.w[1].tap = see_cut_segments;
	struct net_tx tx = { .src = src, .dst = dst, .proto = 6, .df = true };
	eq(net_output(w.h[A].net, &tx, pkt, w.now), OL_DONE);
	pass(&w, OL_SEC);
	eq(w.h[B].n_up, (TEXT + MSS - 1) / MSS);
	eq(w.w[0].frames, 1 + 2);			/* ARP both ways, and one frame */
	size_t at = 0;
	for (int i = 0; i < w.h[B].n_up; i++) {
		struct up *u = up(&w, B, i);
		ok(cksum_finish(cksum_add(cksum_pseudo(&src, &dst, 6, u->pkt->len), u->pkt->data, u->pkt->len)) == 0);
		eq(be32_at(u->pkt->data + 4), at);
		eq(u->pkt->data[13], i == w.h[B].n_up - 1 ? 0x18 : 0x10);
		eq(u->pkt->data[20], (uint8_t)at);
		at += u->pkt->len - 20;
	}
	eq(at, TEXT);
	world_end(&w);
}

TEST(router_does_not_forward_what_must_stay)
{
	static struct world w;
	uint8_t p[28] = { 0 };
	chain(&w, 1500, OL_LINK_IP, 0);
	static const char *const stay[] = { "127.0.0.1", "169.254.1.1", "255.255.255.255", "10.0.2.255", "224.0.0.5",
		"0.0.0.0", "240.0.0.1" };
	for (size_t i = 0; i < sizeof stay / sizeof *stay; i++) {
		struct ip4_hdr h = { .src = ip("10.0.1.2"), .dst = ip(stay[i]), .len = 28, .hlen = 20, .ttl = 9, .proto = 17 };
		wire_ip4_build(p, &h);
		enum ol_fate fate = give(&w, R, 2, p, sizeof p, false);
		ok(fate != OL_FORWARDED);
	}
	struct ip4_hdr h = { .src = ip("10.0.1.2"), .dst = ip("10.0.3.2"), .len = 28, .hlen = 20, .ttl = 9, .proto = 17 };
	wire_ip4_build(p, &h);
	eq(give(&w, R, 2, p, sizeof p, true), OL_DROP_IP_NOT_OURS);	/* a unicast datagram in a frame to all */
	eq(give(&w, R, 2, p, sizeof p, false), OL_FORWARDED);
	world_end(&w);
}
