/* Checksums completed and super-segments cut in software: every piece is a segment that a stranger would accept. */
#include "unit.h"
#include <stdlib.h>
#include <outlet/ol_stack.h>
#include <outlet/ol_wire.h>
#include "base/cksum.h"
#include "driver/driver.h"

static uint8_t text_byte(size_t i) { return (uint8_t)(i * 7 + (i >> 8)); }

/* A super-segment of `text` bytes: SYN off, FIN PSH CWR ACK on. */
static struct ol_pkt *super(struct ol_pool *pool, int ver, uint8_t link, size_t text, uint16_t mss)
{
	size_t eth = link == OL_LINK_ETHER ? 14 : 0, ip = ver == 4 ? 20 : 40, tcp = 32;
	struct ol_pkt *p = ol_pkt_new(pool, eth + ip + tcp + text);
	uint8_t *b = ol_pkt_put(p, eth + ip + tcp + text);
	memset(b, 0, eth + ip + tcp);
	if (eth)
		put16(b + 12, ver == 4 ? 0x0800 : 0x86dd);
	uint8_t *h = b + eth, *t = h + ip;
	struct ol_addr src, dst;
	if (ver == 4) {
		h[0] = 0x45; h[8] = 64; h[9] = 6;
		put16(h + 2, (uint16_t)(ip + tcp + text));
		put16(h + 4, 0xfffe);
		put32(h + 12, 0x0a000001); put32(h + 16, 0x0a000002);
		src = ol_addr_from(4, h + 12); dst = ol_addr_from(4, h + 16);
	} else {
		h[0] = 0x60; h[6] = 6; h[7] = 64;
		put16(h + 4, (uint16_t)(tcp + text));
		h[8] = 0xfd; h[23] = 1; h[24] = 0xfd; h[39] = 2;
		src = ol_addr_from(6, h + 8); dst = ol_addr_from(6, h + 24);
	}
	put16(t, 1000); put16(t + 2, 80);
	put32(t + 4, 0xfffffff0);
	t[12] = 8 << 4;
	t[13] = 0x99;				/* CWR ACK PSH FIN */
	for (size_t i = 0; i < text; i++)
		t[tcp + i] = text_byte(i);
	put16(t + 16, cksum_fold(cksum_pseudo(&src, &dst, 6, (uint32_t)(tcp + text))));
	p->link = link;
	p->csum = OL_CSUM_PARTIAL;
	p->csum_start = (uint16_t)(eth + ip);
	p->csum_offset = 16;
	p->gso = ver == 4 ? OL_GSO_TCP4 : OL_GSO_TCP6;
	p->gso_size = mss;
	return p;
}

static void verify(const struct ol_pkt *p, int ver, size_t eth)
{
	const uint8_t *h = p->data + eth;
	size_t ip = ver == 4 ? 20 : 40;
	struct ol_addr src = ol_addr_from(ver, ver == 4 ? h + 12 : h + 8), dst = ol_addr_from(ver, ver == 4 ? h + 16 : h + 24);
	if (ver == 4) {
		eq(get16(h + 2), p->len - eth);
		eq(cksum_finish(cksum_add(0, h, 20)), 0);
	} else {
		eq(get16(h + 4), p->len - eth - 40);
	}
	uint32_t len = (uint32_t)(p->len - eth - ip);
	eq(cksum_finish(cksum_add(cksum_pseudo(&src, &dst, 6, len), h + ip, len)), 0);
}

static void cut(int ver, uint8_t link, size_t text, uint16_t mss)
{
	struct ol_pool *pool = ol_pool_new(0);
	struct ol_pktq q;
	ol_pktq_init(&q);
	size_t eth = link == OL_LINK_ETHER ? 14 : 0, ip = ver == 4 ? 20 : 40, at = 0;
	unsigned n = ol_pkt_segment(super(pool, ver, link, text, mss), &q), want = (unsigned)((text + mss - 1) / mss);
	eq(n, want);
	eq(q.count, want);
	for (unsigned i = 0; i < n; i++) {
		struct ol_pkt *p = ol_pktq_get(&q);
		const uint8_t *t = p->data + eth + ip;
		size_t len = p->len - eth - ip - 32;
		eq(len, i + 1 < n ? mss : text - at);
		eq(get32(t + 4), (uint32_t)(0xfffffff0 + at));
		eq(t[13], (i ? 0 : 0x80) | 0x10 | (i + 1 == n ? 0x09 : 0));
		if (ver == 4)
			eq(get16(p->data + eth + 4), (uint16_t)(0xfffe + i));
		for (size_t k = 0; k < len; k++)
			eq(t[32 + k], text_byte(at + k));
		eq(p->csum, OL_CSUM_PARTIAL);
		ok(ol_pkt_finish_csum(p));
		eq(p->csum, OL_CSUM_OK);
		verify(p, ver, eth);
		at += len;
		ol_pkt_free(p);
	}
	eq(at, text);
	ol_pool_free(pool);
}

TEST(super_segments_are_cut_into_right_segments)
{
	cut(4, OL_LINK_ETHER, 65000, 1448);
	cut(6, OL_LINK_ETHER, 65000, 1428);
	cut(4, OL_LINK_IP, 2897, 1448);
	cut(6, OL_LINK_IP, 2856, 1428);
	cut(4, OL_LINK_ETHER, 1, 1448);
	cut(4, OL_LINK_ETHER, 100, 1);
}

TEST(checksum_of_a_whole_super_segment_completes_too)
{
	struct ol_pool *pool = ol_pool_new(0);
	struct ol_pkt *p = super(pool, 6, OL_LINK_ETHER, 60001, 1428);
	ok(ol_pkt_finish_csum(p));
	verify(p, 6, 14);
	ol_pkt_free(p);
	ol_pool_free(pool);
}

/* Metadata that lies is found out; nothing is read outside the packet (the sanitizer looks on). */
TEST(lying_super_segments_are_refused)
{
	struct ol_pool *pool = ol_pool_new(0);
	struct ol_pktq q;
	ol_pktq_init(&q);
	srand(9);
	unsigned refused = 0;
	for (int i = 0; i < 3000; i++) {
		int ver = i & 1 ? 4 : 6;
		struct ol_pkt *p = super(pool, ver, OL_LINK_ETHER, 3000, 1000);
		if (i % 3 == 0)
			ol_pkt_trim(p, (size_t)rand() % p->len);
		else
			for (int k = 0; k < 3; k++)
				p->data[12 + rand() % 60] = (uint8_t)rand();
		if (i % 7 == 0)
			p->gso_size = (uint16_t)(rand() % 3);
		unsigned n = ol_pkt_segment(p, &q);
		eq(q.count, n);
		refused += !n;
		ol_pktq_purge(&q);
	}
	ok(refused > 1000);
	struct ol_pkt *p = ol_pkt_from(pool, "abcd", 4);
	p->csum = OL_CSUM_PARTIAL;
	for (unsigned s = 0; s < 8; s++)
		for (unsigned o = 0; o < 8; o++) {
			p->csum = OL_CSUM_PARTIAL;
			p->csum_start = (uint16_t)s;
			p->csum_offset = (uint16_t)o;
			eq(ol_pkt_finish_csum(p), s < 4 && s + o + 2 <= 4);
		}
	ol_pkt_free(p);
	ol_pool_free(pool);
}

TEST(dry_pool_cuts_nothing_rather_than_half)
{
	struct ol_pool *pool = ol_pool_new(120 * 1024);
	struct ol_pktq q;
	ol_pktq_init(&q);
	eq(ol_pkt_segment(super(pool, 4, OL_LINK_ETHER, 60000, 500), &q), 0);
	eq(q.count, 0);
	eq(ol_pool_used(pool), 0);
	ol_pool_free(pool);
}

/* A strict wire, or one that loses, cuts; a fast one carries the whole. */
TEST(wires_cut_where_packets_count)
{
	for (int kind = 0; kind < 3; kind++) {
		struct ol_pool *pool = ol_pool_new(0);
		struct ol_wire *w = ol_wire_new(&(struct ol_wire_config){ .link = OL_LINK_ETHER, .ports = 2, .strict = kind == 1 });
		struct ol_faults f = { .dup_ppb = kind == 2 ? 1 : 0 };
		unsigned port, n = 0;
		ol_wire_set_faults(w, 0, OL_WIRE_IN, &f, 0);
		eq(ol_wire_features(w), kind == 1 ? 0 : OL_IF_CSUM | OL_IF_TSO4 | OL_IF_TSO6);
		ol_wire_send(w, 0, super(pool, 4, OL_LINK_ETHER, 14480, 1448), 0);
		for (struct ol_pkt *p; (p = ol_wire_receive(w, 0, &port)); ol_pkt_free(p), n++) {
			eq(p->csum, kind == 1 ? OL_CSUM_NONE : OL_CSUM_PARTIAL);
			if (kind == 1)
				verify(p, 4, 14);
			if (kind == 0)
				ok(p->gso == OL_GSO_TCP4 && p->gso_size == 1448);
		}
		eq(n, kind == 0 ? 1 : 10);
		ol_wire_free(w);
		ol_pool_free(pool);
	}
}
