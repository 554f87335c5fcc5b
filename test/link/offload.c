/* Cutting and summing in software, checked by summing again; and metadata that lie. */
#include "unit.h"
#include "base/be.h"
#include "base/cksum.h"
#include "base/rng.h"
#include "link/offload.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

enum { SEQ = 0xfffff000u };

static struct ol_pkt *super(struct ol_pool *pool, bool v6, size_t opts, size_t text, uint16_t mss, uint8_t flags)
{
	size_t ip = v6 ? 40 : 20, hdr = ip + 20 + opts;
	struct ol_pkt *p = ol_pkt_new(pool, hdr + text);
	uint8_t *b = ol_pkt_put(p, hdr + text), *tcp = b + ip;
	uint8_t a6[16] = { 0xfd, [15] = 1 }, c6[16] = { 0xfd, [15] = 2 };
	struct ol_addr src = v6 ? ol_addr_from(6, a6) : ol_addr_ip4(0x0a000001), dst = v6 ? ol_addr_from(6, c6) : ol_addr_ip4(0x0a000002);
	if (v6)
		wire_ip6_build(b, &(struct ip6_hdr){ .src = src, .dst = dst, .len = (uint16_t)(20 + opts + text), .next = 6, .hop = 64 });
	else
		wire_ip4_build(b, &(struct ip4_hdr){ .src = src, .dst = dst, .len = (uint16_t)(hdr + text), .hlen = 20, .ttl = 64,
			.proto = 6, .id = 0xfffe });
	memset(tcp, 1, 20 + opts);
	be32_put(tcp + 4, SEQ);
	tcp[12] = (uint8_t)((20 + opts) / 4 << 4);
	tcp[13] = flags;
	for (size_t i = 0; i < text; i++)
		tcp[20 + opts + i] = (uint8_t)(i * 31 >> 3);
	be16_put(tcp + 16, cksum_fold(cksum_pseudo(&src, &dst, 6, (uint32_t)(20 + opts + text))));
	p->gso = v6 ? OL_GSO_TCP6 : OL_GSO_TCP4;
	p->gso_size = mss;
	p->hdr_len = (uint16_t)hdr;
	p->csum = OL_CSUM_PARTIAL;
	p->csum_start = (uint16_t)ip;
	p->csum_offset = 16;
	return p;
}

static void check_piece(const struct ol_pkt *q, bool v6, size_t hdr, size_t at, bool first, bool last, uint8_t flags)
{
	size_t ip = v6 ? 40 : 20;
	const uint8_t *tcp = q->data + ip;
	struct ol_addr src, dst;
	if (v6) {
		struct ip6_hdr h;
		eq(wire_ip6_parse(&h, q->data, q->len), OL_PASS);
		eq(h.len + 40, q->len);
		src = h.src;
		dst = h.dst;
	} else {
		struct ip4_hdr h;
		eq(wire_ip4_parse(&h, q->data, q->len), OL_PASS);	/* with its checksum */
		eq(h.len, q->len);
		src = h.src;
		dst = h.dst;
	}
	eq(cksum_finish(cksum_add(cksum_pseudo(&src, &dst, 6, (uint32_t)(q->len - ip)), tcp, q->len - ip)), 0);
	eq(be32_at(tcp + 4), (uint32_t)(SEQ + at));
	eq(tcp[13], flags & ~(last ? 0 : 0x09) & ~(first ? 0 : 0x80));
	for (size_t i = hdr; i < q->len; i++)
		if (q->data[i] != (uint8_t)((at + i - hdr) * 31 >> 3))
			fail();
}

TEST(super_segments_are_cut_right_at_every_size)
{
	struct ol_pool *pool = ol_pool_new(0);
	struct rng r;
	rng_init(&r, 11);
	for (int i = 0; i < 300; i++) {
		bool v6 = i & 1;
		size_t opts = 4 * rng_below(&r, 11), hdr = (v6 ? 40u : 20u) + 20 + opts;
		size_t text = 1 + rng_below(&r, i % 10 ? 20000 : 65000 - 200);
		uint16_t mss = (uint16_t)(1 + rng_below(&r, i % 7 ? 1460 : 9000) + text / 1000);
		uint8_t flags = (uint8_t)(rng_below(&r, 256) & 0x99);
		struct ol_pkt *p = super(pool, v6, opts, text, mss, flags);
		struct ol_pktq out;
		ol_pktq_init(&out);
		eq(gso_segment(pool, p, false, &out), OL_PASS);
		eq(out.count, gso_pieces(p));
		size_t at = 0;
		for (struct ol_pkt *q; (q = ol_pktq_get(&out)); ol_pkt_free(q)) {
			size_t n = q->len - hdr;
			check_piece(q, v6, hdr, at, at == 0, at + n == text, flags);
			ok(n == mss || at + n == text);
			ok(q->gso == OL_GSO_NONE && q->csum == OL_CSUM_OK);
			at += n;
		}
		eq(at, text);
		ol_pkt_free(p);
	}
	ol_pool_free(pool);
}

TEST(pieces_for_a_summing_wire_owe_their_checksums)
{
	struct ol_pool *pool = ol_pool_new(0);
	struct ol_pkt *p = super(pool, false, 12, 5000, 1000, 0x10);
	struct ol_pktq out;
	ol_pktq_init(&out);
	eq(gso_segment(pool, p, true, &out), OL_PASS);
	size_t at = 0;
	for (struct ol_pkt *q; (q = ol_pktq_get(&out)); ol_pkt_free(q), at += 1000) {
		eq(q->csum, OL_CSUM_PARTIAL);
		eq(csum_complete(q), OL_PASS);		/* what the wire does */
		check_piece(q, false, 52, at, at == 0, at == 4000, 0x10);
	}
	ol_pkt_free(p);
	ol_pool_free(pool);
}

TEST(lying_metadata_are_refused)
{
	struct ol_pool *pool = ol_pool_new(0);
	struct rng r;
	rng_init(&r, 12);
	for (int i = 0; i < 5000; i++) {
		struct ol_pkt *p = super(pool, i & 1, 0, 1 + rng_below(&r, 3000), 700, 0x10);
		struct ol_pktq out;
		ol_pktq_init(&out);
		switch (rng_below(&r, 7)) {
		case 0: p->gso_size = 0; break;
		case 1: p->hdr_len = (uint16_t)rng_u64(&r); break;
		case 2: p->gso ^= 3; break;
		case 3: p->data[rng_below(&r, 60)] = (uint8_t)rng_u64(&r); break;
		case 4: ol_pkt_trim(p, rng_below(&r, p->len)); break;
		case 5: p->csum_start = (uint16_t)rng_u64(&r); break;
		case 6: p->csum_offset = (uint16_t)rng_u64(&r); break;
		}
		enum ol_fate fate = gso_segment(pool, p, rng_below(&r, 2), &out);
		ok(fate == OL_PASS || (fate == OL_DROP_GSO_BAD && !out.head));
		ol_pktq_purge(&out);
		fate = csum_complete(p);
		ok(fate == OL_PASS || fate == OL_DROP_GSO_BAD);
		ol_pkt_free(p);
	}
	ol_pool_free(pool);
}

TEST(a_dry_pool_leaves_nothing_behind)
{
	struct ol_pool *pool = ol_pool_new(70000 + 5 * 2048);
	struct ol_pkt *p = super(pool, false, 0, 30000, 1000, 0x10);
	struct ol_pktq out;
	ol_pktq_init(&out);
	size_t used = ol_pool_used(pool);
	eq(gso_segment(pool, p, false, &out), OL_DROP_NO_MEMORY);
	eq(ol_pool_used(pool), used);
	ok(!out.head);
	ol_pkt_free(p);
	ol_pool_free(pool);
}

/* RFC 768: a UDP sum of zero goes out as 0xffff, for zero says that there is none.  RFC 1624 3: TCP's stays zero. */
TEST(checksums_of_zero_are_zero_in_tcp_and_all_ones_in_udp)
{
	struct ol_pool *pool = ol_pool_new(0);
	static const struct { uint16_t at, want; } fields[] = { { 16, 0 }, { 6, 0xffff } };
	for (int i = 0; i < 2; i++) {
		struct ol_pkt *p = ol_pkt_new(pool, 24);
		uint8_t *b = ol_pkt_put(p, 24);
		memset(b, 0, 24);
		be16_put(b, 0x1234);
		be16_put(b + fields[i].at, 0xedcb);	/* the pseudo-header's part: all together 0xffff, whose complement is zero */
		p->csum = OL_CSUM_PARTIAL;
		p->csum_start = 0;
		p->csum_offset = fields[i].at;
		eq(csum_complete(p), OL_PASS);
		eq(be16_at(b + fields[i].at), fields[i].want);
		ol_pkt_free(p);
	}
	ol_pool_free(pool);
}
