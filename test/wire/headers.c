/*
 * Headers as bytes: what is built is read back the same, every truncation is refused or read within its bounds (each lies at
 * the end of a block of its own, so that a sanitizer sees one byte too many), and random bytes harm nobody.
 */
#include "unit.h"
#include "base/be.h"
#include "base/cksum.h"
#include "base/rng.h"
#include "wire/arp.h"
#include "wire/eth.h"
#include "wire/icmp6.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include <stdlib.h>

static struct ol_addr ip(const char *s)
{
	struct ol_addr a;
	ok(ol_addr_parse(s, &a));
	return a;
}

/* The first n bytes of p, in a block that ends with them. */
static uint8_t *exactly(const uint8_t *p, size_t n)
{
	uint8_t *b = malloc(n ? n : 1);
	assert_non_null(b);
	memcpy(b, p, n);
	return b;
}

/* req: 1122-2.3.3-a, 894-frame-a, 2464-2-a */
TEST(eth_round_trip_and_truncation)
{
	uint8_t p[60] = { 0 };
	struct ol_mac d = { { 2, 1, 2, 3, 4, 5 } }, s = { { 2, 9, 8, 7, 6, 5 } };
	struct eth_hdr h;
	wire_eth_build(p, &d, &s, ETH_IP6);
	for (size_t n = 0; n < sizeof p; n++) {
		uint8_t *b = exactly(p, n);
		eq(wire_eth_parse(&h, b, n), n < ETH_HLEN ? OL_DROP_LINK_SHORT : OL_PASS);
		free(b);
	}
	eq(wire_eth_parse(&h, p, sizeof p), OL_PASS);
	ok(mac_eq(&h.dst, &d) && mac_eq(&h.src, &s) && h.type == ETH_IP6 && h.hlen == 14);
}

/* req: 1122-2.3.3-b, 1042-format-a */
TEST(eth_802_3_with_snap_is_understood)
{
	uint8_t p[64] = { 0 };
	struct ol_mac m = { { 2, 1, 2, 3, 4, 5 } };
	struct eth_hdr h;
	static const uint8_t snap[8] = { 0xaa, 0xaa, 3, 0, 0, 0, 8, 0 };
	wire_eth_build(p, &m, &m, 50);
	memcpy(p + 14, snap, 8);
	eq(wire_eth_parse(&h, p, 64), OL_PASS);
	eq(h.type, ETH_IP4);
	eq(h.hlen, 22);
	eq(wire_eth_parse(&h, p, 63), OL_DROP_LINK_SHORT);	/* shorter than its length field */
	p[14] = 0x42;						/* spanning tree */
	eq(wire_eth_parse(&h, p, 64), OL_DROP_LINK_TYPE);
}

/* req: 826-format-a, 826-reception-a */
TEST(arp_round_trip_and_refusals)
{
	uint8_t p[ARP_LEN];
	struct arp_pkt a = { .op = ARP_REQUEST, .sha = { { 2, 0, 0, 0, 0, 1 } }, .spa = ip("10.0.0.1"), .tpa = ip("10.0.0.2") }, r;
	wire_arp_build(p, &a);
	static const uint8_t want[8] = { 0, 1, 8, 0, 6, 4, 0, 1 };
	eq_mem(p, want, 8);
	eq(wire_arp_parse(&r, p, sizeof p), OL_PASS);
	ok(ol_addr_eq(&r.spa, &a.spa) && ol_addr_eq(&r.tpa, &a.tpa) && mac_eq(&r.sha, &a.sha) && r.op == 1);
	for (size_t n = 0; n < sizeof p; n++) {
		uint8_t *b = exactly(p, n);
		eq(wire_arp_parse(&r, b, n), OL_DROP_ARP_BAD);
		free(b);
	}
	static const int fields[] = { 1, 3, 4, 5 };
	for (int i = 0; i < 4; i++) {
		p[fields[i]] ^= 1;
		eq(wire_arp_parse(&r, p, sizeof p), OL_DROP_ARP_BAD);
		p[fields[i]] ^= 1;
	}
}

/* req: 1122-3.2.1.1-a, 1122-3.2.1.2-a, 791-3.1-a, 791-3.1-b */
TEST(ip4_round_trip_and_refusals)
{
	static const uint8_t rr[8] = { IP4_OPT_RR, 7, 4, 0, 0, 0, 0, 0 };
	struct ip4_hdr h = { .src = ip("192.0.2.1"), .dst = ip("198.51.100.7"), .len = 128, .id = 0xbeef, .off = 1480, .hlen = 28,
		.tos = 0xb8, .ttl = 17, .proto = 6, .df = true, .mf = true, .opt = rr }, r;
	uint8_t p[128] = { 0 };
	wire_ip4_build(p, &h);
	eq(wire_ip4_parse(&r, p, sizeof p), OL_PASS);
	ok(ol_addr_eq(&r.src, &h.src) && ol_addr_eq(&r.dst, &h.dst));
	ok(r.len == 128 && r.id == 0xbeef && r.off == 1480 && r.hlen == 28 && r.tos == 0xb8 && r.ttl == 17 && r.proto == 6 && r.df && r.mf);
	eq_mem(r.opt, rr, 8);
	for (size_t n = 0; n < sizeof p; n++) {
		uint8_t *b = exactly(p, n);
		eq(wire_ip4_parse(&r, b, n), n < 28 ? OL_DROP_IP_SHORT : OL_DROP_IP_LENGTH);
		free(b);
	}
	for (int bit = 0; bit < 28 * 8; bit++) {		/* any one bit wrong is noticed */
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ok(wire_ip4_parse(&r, p, sizeof p) != OL_PASS);
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	p[0] = 0x44;
	eq(wire_ip4_parse(&r, p, sizeof p), OL_DROP_IP_LENGTH);
	p[0] = 0x65;
	eq(wire_ip4_parse(&r, p, sizeof p), OL_DROP_IP_VERSION);
	wire_ip4_build(p, &h);
	wire_ip4_set_len(p, 27);
	eq(wire_ip4_parse(&r, p, sizeof p), OL_DROP_IP_LENGTH);
	wire_ip4_set_len(p, 129);
	eq(wire_ip4_parse(&r, p, sizeof p), OL_DROP_IP_LENGTH);
}

/* req: 1624-2-a */
TEST(ip4_ttl_goes_down_with_a_right_checksum)
{
	struct rng rnd;
	rng_init(&rnd, 5);
	for (int i = 0; i < 2000; i++) {
		struct ip4_hdr h = { .src = ip("10.0.0.1"), .dst = ol_addr_ip4((uint32_t)rng_u64(&rnd)), .len = 20, .hlen = 20,
			.id = (uint16_t)rng_u64(&rnd), .ttl = (uint8_t)(1 + rng_below(&rnd, 255)), .proto = (uint8_t)i }, r;
		uint8_t p[20];
		wire_ip4_build(p, &h);
		wire_ip4_ttl_down(p);
		eq(wire_ip4_parse(&r, p, 20), OL_PASS);
		eq(r.ttl, h.ttl - 1);
	}
}

TEST(ip4_options_are_walked_within_their_bounds)
{
	struct rng rnd;
	rng_init(&rnd, 6);
	for (int i = 0; i < 20000; i++) {
		uint8_t p[60] = { 0 };
		size_t n = 4 * rng_below(&rnd, 11);
		for (size_t k = 20; k < 60; k++)
			p[k] = (uint8_t)(rng_chance(&rnd, 0.5) ? rng_below(&rnd, 12) : rng_u64(&rnd));
		uint8_t *b = exactly(p, 20 + n);
		struct ip4_hdr h = { .hlen = (uint8_t)(20 + n), .opt = b + 20 };
		struct ip4_opt o;
		size_t at = 0, seen = 0;
		while (ip4_opt_next(&h, &at, &o) && o.len) {
			ok(o.p >= b + 20 && o.p + o.len <= b + 20 + n);
			ok(++seen <= n / 2);
		}
		free(b);
	}
}

/* req: 8200-3-a */
TEST(ip6_round_trip_and_truncation)
{
	struct ip6_hdr h = { .src = ip("2001:db8::1"), .dst = ip("ff02::1"), .flow = 0xfffff, .len = 20, .tclass = 0xb8, .next = 58,
		.hop = 255 }, r;
	uint8_t p[60] = { 0 };
	wire_ip6_build(p, &h);
	for (size_t n = 0; n <= sizeof p; n++) {
		uint8_t *b = exactly(p, n);
		eq(wire_ip6_parse(&r, b, n), n < 40 ? OL_DROP_IP_SHORT : n < 60 ? OL_DROP_IP_LENGTH : OL_PASS);
		free(b);
	}
	ok(ol_addr_eq(&r.src, &h.src) && ol_addr_eq(&r.dst, &h.dst));
	ok(r.flow == 0xfffff && r.len == 20 && r.tclass == 0xb8 && r.next == 58 && r.hop == 255);
	p[0] = 0x4b;
	eq(wire_ip6_parse(&r, p, sizeof p), OL_DROP_IP_VERSION);
}

TEST(ip6_extension_walk_keeps_its_bounds)
{
	struct rng rnd;
	rng_init(&rnd, 7);
	static const uint8_t kinds[] = { 0, 43, 44, 51, 60, 6, 59 };
	for (int i = 0; i < 50000; i++) {
		uint8_t p[200];
		size_t n = rng_below(&rnd, sizeof p);
		for (size_t k = 0; k < sizeof p; k++)
			p[k] = (uint8_t)(k % 8 == 0 ? kinds[rng_below(&rnd, 7)] : rng_below(&rnd, 3));
		uint8_t *b = exactly(p, n), next = kinds[rng_below(&rnd, 5)];
		size_t at = ip6_skip_ext(&next, b, n);
		if (at != SIZE_MAX) {
			ok(at <= n);
			ok(!ip6_is_ext(next));
		}
		free(b);
	}
}

/* req: 792-message-a, 4443-2.3-a */
TEST(icmp_sums_are_made_and_checked)
{
	struct ol_addr s = ip("fd00::1"), d = ip("fd00::2");
	for (size_t len = 0; len < 40; len++) {
		uint8_t p[40];
		memset(p, 0x5a, sizeof p);
		struct icmp_hdr h = { ICMP4_ECHO, 0, 0x01020304 }, r;
		if (len >= ICMP_HLEN)
			wire_icmp4_build(p, &h, len);
		uint8_t *b = exactly(p, len);
		eq(wire_icmp4_parse(&r, b, len, false), len < 8 ? OL_DROP_ICMP_SHORT : OL_PASS);
		if (len >= 8) {
			eq(r.rest, 0x01020304);
			b[len - 1] ^= 1;
			eq(wire_icmp4_parse(&r, b, len, false), OL_DROP_ICMP_CHECKSUM);
			eq(wire_icmp4_parse(&r, b, len, true), OL_PASS);
			wire_icmp6_build(b, &h, len, &s, &d);
			eq(wire_icmp6_parse(&r, b, len, &s, &d, false), OL_PASS);
			ok(wire_icmp6_parse(&r, b, len, &s, &s, false) == OL_DROP_ICMP_CHECKSUM);
		}
		free(b);
	}
}

/* req: 4861-4.6-a, 4861-9-a */
TEST(nd_round_trip_options_and_refusals)
{
	struct nd_msg m = { .target = ip("fe80::1"), .has_mac = true, .mac = { { 2, 1, 2, 3, 4, 5 } } }, r;
	uint8_t p[64] = { 0 };
	size_t len = wire_nd_build(p, ICMP6_NS, &m);
	eq(len, 32);
	for (size_t n = 0; n <= len; n++) {
		uint8_t *b = exactly(p, n);
		eq(wire_nd_parse(&r, ICMP6_NS, b, n), n == 24 || n == 32);
		free(b);
	}
	ok(r.has_mac && mac_eq(&r.mac, &m.mac) && ol_addr_eq(&r.target, &m.target));
	ok(wire_nd_parse(&r, ICMP6_NA, p, len) && !r.has_mac);	/* a source option means nothing in an advertisement */
	p[24] = 200;						/* unknown, stepped over */
	p[32] = 1;
	p[33] = 1;
	ok(wire_nd_parse(&r, ICMP6_NS, p, 40) && r.has_mac);
	p[33] = 0;
	ok(!wire_nd_parse(&r, ICMP6_NS, p, 40));
}

/* req: 1112-6.4-a, 2464-7-a */
TEST(groups_map_to_stations)
{
	struct ol_addr g4 = ip("239.129.2.3"), g6 = ip("ff02::1:ff12:3456");
	static const uint8_t want4[6] = { 1, 0, 0x5e, 1, 2, 3 }, want6[6] = { 0x33, 0x33, 0xff, 0x12, 0x34, 0x56 };
	struct ol_mac m4 = mac_of_multicast(&g4), m6 = mac_of_multicast(&g6);
	eq_mem(m4.b, want4, 6);
	eq_mem(m6.b, want6, 6);
}
