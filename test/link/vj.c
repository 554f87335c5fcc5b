/* Van Jacobson's compression, RFC 1144: what a packet becomes, and that what goes in comes out. */
#include "unit.h"
#include <outlet/ol_serial.h>
#include "base/be.h"
#include "base/cksum.h"
#include "base/rng.h"
#include "wire/ip4.h"
#include "wire/tcp.h"

/* A segment, as far as the compressor cares; zero fields take the values of say(). */
struct seg {
	uint8_t flags, tos, ttl, proto, opt_len, ip_opt; uint16_t port, id, wnd, urp, frag; uint32_t seq, ack; size_t text; uint8_t odd, opt;
};
struct bench { struct ol_pool *pool; struct ol_vj_tx *tx; struct ol_vj_rx *rx; uint8_t was[2000]; size_t was_len; };

static struct bench up(unsigned slots, bool cid)
{
	struct bench b = { .pool = ol_pool_new(0), .tx = ol_vj_tx_new(slots, cid), .rx = ol_vj_rx_new(slots) };
	ok(b.tx && b.rx);
	return b;
}

static void down(struct bench *b)
{
	ol_vj_tx_free(b->tx);
	ol_vj_rx_free(b->rx);
	eq(ol_pool_used(b->pool), 0);
	ol_pool_free(b->pool);
}

static struct ol_pkt *make(struct bench *b, const struct seg *s)
{
	size_t ihl = 20u + s->ip_opt, hlen = ihl + 20 + s->opt_len, n = hlen + s->text;
	struct ol_pkt *p = ol_pkt_new(b->pool, n);
	uint8_t *ip = ol_pkt_put(p, n), *tcp = ip + ihl;
	memset(ip, 0, n);
	memset(ip + 20, 1, s->ip_opt);
	ip[0] = (uint8_t)(0x40 | ihl / 4);
	ip[1] = s->tos;
	be16_put(ip + 2, (uint16_t)n);
	be16_put(ip + 4, s->id);
	be16_put(ip + 6, s->frag ? s->frag : 0x4000);
	ip[8] = s->ttl ? s->ttl : 64;
	ip[9] = s->proto ? s->proto : 6;
	memcpy(ip + 12, (uint8_t[]){ 10, 0, 0, 1, 10, 0, 0, 2 }, 8);
	be16_put(ip + 10, cksum_finish(cksum_add(0, ip, ihl)));
	be16_put(tcp, (uint16_t)(1000 + s->port));
	be16_put(tcp + 2, 80);
	be32_put(tcp + 4, s->seq);
	be32_put(tcp + 8, s->ack);
	tcp[12] = (uint8_t)((20u + s->opt_len) / 4 << 4 | s->odd);
	tcp[13] = s->flags ? s->flags : TCP_ACK;
	be16_put(tcp + 14, s->wnd ? s->wnd : 1000);
	be16_put(tcp + 18, s->urp);
	memset(tcp + 20, s->opt ? s->opt : 1, s->opt_len);
	memset(tcp + 20 + s->opt_len, 'x', s->text);
	struct ol_addr src = ol_addr_ip4(0x0a000001), dst = ol_addr_ip4(0x0a000002);
	be16_put(tcp + 16, cksum_finish(cksum_add(cksum_pseudo(&src, &dst, 6, (uint32_t)(n - ihl)), tcp, n - ihl)));
	memcpy(b->was, ip, n);
	b->was_len = n;
	return p;
}

/* Sends it; the type, and the bytes in *p, which is the caller's. */
static enum ol_vj send(struct bench *b, struct ol_pkt **p, struct seg s)
{
	*p = make(b, &s);
	return ol_vj_compress(b->tx, *p);
}

/* Sends it and takes it at the other end, where it must be what it was; the type. */
static enum ol_vj pass(struct bench *b, struct seg s)
{
	struct ol_pkt *p;
	enum ol_vj type = send(b, &p, s);
	ok(ol_vj_restore(b->rx, type, p));
	eq(p->len, b->was_len);
	eq_mem(p->data, b->was, b->was_len);
	ol_pkt_free(p);
	return type;
}

/* What is sent for it, but for the two bytes of checksum; and it comes out whole. */
static void sends(struct bench *b, struct seg s, const uint8_t *mask_and_deltas, size_t n, bool cid)
{
	struct ol_pkt *p;
	eq(send(b, &p, s), OL_VJ_COMPRESSED);
	size_t at = cid ? 2 : 1;
	eq(p->len, n + 2 + s.text);
	eq_mem(p->data, mask_and_deltas, at);
	eq_mem(p->data + at, b->was + 36, 2);		/* req: 1144-3.2.4-b */
	eq_mem(p->data + at + 2, mask_and_deltas + at, n - at);
	ok(ol_vj_restore(b->rx, OL_VJ_COMPRESSED, p));
	eq(p->len, b->was_len);
	eq_mem(p->data, b->was, b->was_len);
	ol_pkt_free(p);
}
#define SENDS(b, cid, s, ...) \
	sends(b, s, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }), cid)
#define SEG(...) ((struct seg){ __VA_ARGS__ })

/* req: 1144-3.2.3-a, 1144-3.2.2-a */
TEST(vj_what_is_no_plain_segment_goes_as_ip)
{
	struct bench b = up(16, true);
	eq(pass(&b, SEG(.proto = 17, .text = 9)), OL_VJ_IP);
	eq(pass(&b, SEG(.frag = 0x2000, .text = 8)), OL_VJ_IP);
	eq(pass(&b, SEG(.frag = 0x0005, .text = 8)), OL_VJ_IP);
	eq(pass(&b, SEG(.flags = TCP_SYN)), OL_VJ_IP);
	eq(pass(&b, SEG(.flags = TCP_SYN | TCP_ACK)), OL_VJ_IP);
	eq(pass(&b, SEG(.flags = TCP_FIN | TCP_ACK)), OL_VJ_IP);
	eq(pass(&b, SEG(.flags = TCP_RST | TCP_ACK)), OL_VJ_IP);
	eq(pass(&b, SEG(.flags = TCP_PSH)), OL_VJ_IP);
	down(&b);
}

/* A packet whose lengths contradict each other is nobody's to compress. */
TEST(vj_a_packet_with_false_lengths_goes_as_ip)
{
	struct bench b = up(16, true);
	for (int i = 0; i < 5; i++) {
		struct ol_pkt *p = make(&b, &SEG(.text = 30));
		switch (i) {
		case 0: p->data[32] = 0x40; break;		/* data offset below 5 */
		case 1: p->data[32] = 0xf0; ol_pkt_trim(p, 60); be16_put(p->data + 2, 60); break;
		case 2: p->data[0] = 0x44; break;
		case 3: be16_put(p->data + 2, 69); break;
		case 4: ol_pkt_trim(p, 39); be16_put(p->data + 2, 39); break;
		}
		eq(ol_vj_compress(b.tx, p), OL_VJ_IP);
		ol_pkt_free(p);
	}
	down(&b);
}

/* The protocol field carries the slot.  req: 1144-3.2.2-a */
TEST(vj_a_new_connection_goes_uncompressed_with_its_slot_as_protocol)
{
	struct bench b = up(4, true);
	struct ol_pkt *p;
	for (unsigned i = 0; i < 4; i++) {
		eq(send(&b, &p, SEG(.port = (uint16_t)i, .text = 1)), OL_VJ_UNCOMPRESSED);
		eq(p->data[9], i);
		b.was[9] = (uint8_t)i;
		eq_mem(p->data, b.was, b.was_len);
		ol_pkt_free(p);
	}
	down(&b);
}

/* RFC 1144 3.2.2's own examples of masks: 0b for echoed typing, 0f for data one way, 04 for its ACKs.  req: 1144-3.2.3-c */
TEST(vj_the_special_cases_are_three_bytes)
{
	struct bench b = up(16, true);
	eq(pass(&b, SEG(.id = 1, .seq = 100, .ack = 50, .text = 10)), OL_VJ_UNCOMPRESSED);
	SENDS(&b, false, SEG(.id = 2, .seq = 110, .ack = 50, .text = 300), 0x0f);
	SENDS(&b, false, SEG(.id = 3, .seq = 410, .ack = 50, .text = 1), 0x0f);
	SENDS(&b, false, SEG(.id = 4, .seq = 411, .ack = 51, .text = 1), 0x0b);
	SENDS(&b, false, SEG(.id = 5, .seq = 412, .ack = 52, .text = 0), 0x0b);
	SENDS(&b, false, SEG(.id = 6, .seq = 412, .ack = 60), 0x04, 8);
	down(&b);
}

/* req: 1144-3.2.3-c */
TEST(vj_changes_are_coded_in_one_byte_or_three)
{
	struct bench b = up(16, true);
	eq(pass(&b, SEG(.id = 1, .seq = 0xffffff00, .ack = 0xfffffff0, .wnd = 1000)), OL_VJ_UNCOMPRESSED);
	SENDS(&b, false, SEG(.id = 2, .seq = 0xffffff00, .ack = 15, .wnd = 1000), 0x04, 31);
	SENDS(&b, false, SEG(.id = 3, .seq = 0xffffff00, .ack = 270, .wnd = 1000), 0x04, 255);
	SENDS(&b, false, SEG(.id = 4, .seq = 0xffffff00, .ack = 270 + 65534, .wnd = 1000), 0x04, 0, 0xff, 0xfe);
	SENDS(&b, false, SEG(.id = 5, .seq = 0xffffff00, .ack = 270 + 65534, .wnd = 999), 0x02, 0, 0xff, 0xff);	/* one less */
	SENDS(&b, false, SEG(.id = 6, .seq = 0xffffff00, .ack = 65806, .wnd = 1000, .flags = TCP_ACK | TCP_PSH), 0x16, 1, 2);
	SENDS(&b, false, SEG(.id = 7, .seq = 100, .ack = 65806, .wnd = 1000), 0x08, 0, 1, 100);	/* a hole: not what came before */
	SENDS(&b, false, SEG(.id = 9, .seq = 101, .ack = 65807), 0x2c, 1, 1, 2);			/* two steps of identification */
	SENDS(&b, false, SEG(.id = 9, .seq = 102, .ack = 65807), 0x28, 1, 0, 0, 0);
	SENDS(&b, false, SEG(.id = 8, .seq = 103, .ack = 65807), 0x28, 1, 0, 0xff, 0xff);
	SENDS(&b, false, SEG(.id = 9, .seq = 103, .ack = 65807, .urp = 7, .flags = TCP_ACK | TCP_URG), 0x01, 7);
	SENDS(&b, false, SEG(.id = 10, .seq = 103, .ack = 65808, .urp = 0, .flags = TCP_ACK | TCP_URG), 0x05, 0, 0, 0, 1);
	down(&b);
}

/* req: 1144-3.2.3-b, 1144-3.2.3-c */
TEST(vj_other_changes_go_uncompressed)
{
	struct seg base = { .id = 1, .seq = 1000, .ack = 1000, .text = 5 };
	const struct seg other[] = {
		SEG(.tos = 8, .seq = 1005, .ack = 1000), SEG(.ttl = 63, .seq = 1005, .ack = 1000),
		SEG(.opt_len = 4, .seq = 1005, .ack = 1000), SEG(.ip_opt = 4, .seq = 1005, .ack = 1000),
		SEG(.frag = 0x8000, .seq = 1005, .ack = 1000),			/* DF gone, the reserved bit there */
		SEG(.urp = 3, .seq = 1005, .ack = 1000),			/* urgent pointer without URG */
		SEG(.flags = TCP_ACK | TCP_ECE, .seq = 1005, .ack = 1000), SEG(.odd = 1, .seq = 1005, .ack = 1000),
		SEG(.seq = 999, .ack = 1000), SEG(.seq = 1005, .ack = 999),	/* back */
		SEG(.seq = 1000 + 65536, .ack = 1000), SEG(.seq = 1005, .ack = 1000 + 65536),
		SEG(.seq = 1005, .ack = 1000, .wnd = 7, .urp = 1, .flags = TCP_ACK | TCP_URG),	/* S W U is a special case's mask */
		SEG(.seq = 1005, .ack = 1001, .wnd = 7, .urp = 1, .flags = TCP_ACK | TCP_URG),	/* and so is S A W U */
	};
	for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
		struct bench b = up(16, true);
		eq(pass(&b, base), OL_VJ_UNCOMPRESSED);
		eq(pass(&b, other[i]), OL_VJ_UNCOMPRESSED);
		down(&b);
	}
}

/* Options as long as before, with another value: a timestamp that ticks.  req: 1144-3.2.3-b */
TEST(vj_options_that_change_go_uncompressed)
{
	struct bench b = up(16, true);
	eq(pass(&b, SEG(.id = 1, .seq = 10, .opt_len = 12, .opt = 5, .text = 1)), OL_VJ_UNCOMPRESSED);
	eq(pass(&b, SEG(.id = 2, .seq = 11, .opt_len = 12, .opt = 5, .text = 1)), OL_VJ_COMPRESSED);
	eq(pass(&b, SEG(.id = 3, .seq = 12, .opt_len = 12, .opt = 6, .text = 1)), OL_VJ_UNCOMPRESSED);
	down(&b);
}

/* req: 1144-3.2.3-d */
TEST(vj_repeated_acks_probes_and_retransmissions_go_uncompressed)
{
	struct bench b = up(16, true);
	eq(pass(&b, SEG(.id = 1, .seq = 10, .ack = 10)), OL_VJ_UNCOMPRESSED);
	eq(pass(&b, SEG(.id = 2, .seq = 10, .ack = 10)), OL_VJ_UNCOMPRESSED);		/* the same ACK */
	SENDS(&b, false, SEG(.id = 3, .seq = 10, .ack = 10, .text = 4), 0x00);		/* text after it is no repetition */
	eq(pass(&b, SEG(.id = 4, .seq = 10, .ack = 10, .text = 4)), OL_VJ_UNCOMPRESSED);	/* the text again */
	eq(pass(&b, SEG(.id = 5, .seq = 10, .ack = 10)), OL_VJ_UNCOMPRESSED);
	eq(pass(&b, SEG(.id = 6, .seq = 9, .ack = 10)), OL_VJ_UNCOMPRESSED);		/* a keep-alive probe */
	down(&b);
}

/* Appendix A's decompressor leaves URG alone in the special cases, so they may not follow a packet that had it. */
TEST(vj_no_special_case_after_urgent_data)
{
	struct bench b = up(16, true);
	eq(pass(&b, SEG(.id = 1, .seq = 10, .text = 5, .urp = 5, .flags = TCP_ACK | TCP_URG)), OL_VJ_UNCOMPRESSED);
	SENDS(&b, false, SEG(.id = 2, .seq = 15, .urp = 5, .text = 5), 0x08, 5);
	SENDS(&b, false, SEG(.id = 3, .seq = 20, .urp = 5, .text = 5), 0x0f);
	down(&b);
}

/* req: 1144-3.2.3-c, 1332-4.1-a */
TEST(vj_the_slot_is_named_when_it_changes_and_always_where_the_line_tells_no_errors)
{
	struct bench b = up(16, true);
	eq(pass(&b, SEG(.port = 1, .id = 1, .seq = 10)), OL_VJ_UNCOMPRESSED);
	eq(pass(&b, SEG(.port = 2, .id = 1, .seq = 10)), OL_VJ_UNCOMPRESSED);
	SENDS(&b, true, SEG(.port = 1, .id = 2, .seq = 11), 0x48, 0, 1);
	SENDS(&b, false, SEG(.port = 1, .id = 3, .seq = 12), 0x08, 1);
	SENDS(&b, true, SEG(.port = 2, .id = 2, .seq = 11), 0x48, 1, 1);
	down(&b);
	b = up(16, false);
	eq(pass(&b, SEG(.id = 1, .seq = 10)), OL_VJ_UNCOMPRESSED);
	SENDS(&b, true, SEG(.id = 2, .seq = 11), 0x48, 0, 1);
	SENDS(&b, true, SEG(.id = 3, .seq = 12), 0x48, 0, 1);
	down(&b);
}

/* req: 1144-5.1-a */
TEST(vj_slots_stay_below_what_the_other_end_keeps_and_the_longest_unused_goes)
{
	struct bench b = up(3, true);
	struct ol_pkt *p;
	for (uint16_t i = 0; i < 40; i++) {
		eq(send(&b, &p, SEG(.port = i)), OL_VJ_UNCOMPRESSED);
		ok(p->data[9] < 3);
		eq(p->data[9], i % 3);
		ol_pkt_free(p);
	}
	down(&b);
	eq(ol_vj_tx_new(0, true) == NULL, 1);
	eq(ol_vj_tx_new(257, true) == NULL, 1);
	b = up(256, true);
	for (uint16_t i = 0; i < 256; i++)
		eq(pass(&b, SEG(.port = i, .id = 1, .seq = 5)), OL_VJ_UNCOMPRESSED);
	for (uint16_t i = 0; i < 256; i++)
		eq(pass(&b, SEG(.port = i, .id = 2, .seq = 6)), OL_VJ_COMPRESSED);
	down(&b);
}

static bool taken(struct bench *b, enum ol_vj type, struct ol_pkt *p)
{
	bool t = ol_vj_restore(b->rx, type, p);
	ol_pkt_free(p);
	return t;
}

/* 4.1's two connections: the second's packet is lost, and what follows without a slot is not the first's.  req: 1144-3.2.4-a */
TEST(vj_after_an_error_packets_without_a_slot_are_tossed)
{
	struct bench b = up(16, true);
	struct ol_pkt *p;
	eq(pass(&b, SEG(.port = 1, .id = 1, .seq = 10)), OL_VJ_UNCOMPRESSED);
	eq(pass(&b, SEG(.port = 2, .id = 1, .seq = 10)), OL_VJ_UNCOMPRESSED);
	eq(pass(&b, SEG(.port = 1, .id = 2, .seq = 11)), OL_VJ_COMPRESSED);
	send(&b, &p, SEG(.port = 2, .id = 2, .seq = 11));		/* names its slot, and is lost */
	ol_pkt_free(p);
	ol_vj_error(b.rx);
	eq(send(&b, &p, SEG(.port = 2, .id = 3, .seq = 12)), OL_VJ_COMPRESSED);
	ok(!taken(&b, OL_VJ_COMPRESSED, p));
	eq(pass(&b, SEG(.port = 1, .id = 3, .seq = 12)), OL_VJ_COMPRESSED);	/* named again */
	eq(pass(&b, SEG(.port = 1, .id = 4, .seq = 13)), OL_VJ_COMPRESSED);
	ol_vj_error(b.rx);
	eq(send(&b, &p, SEG(.port = 1, .id = 5, .seq = 14)), OL_VJ_COMPRESSED);
	ok(!taken(&b, OL_VJ_COMPRESSED, p));
	eq(pass(&b, SEG(.port = 1, .id = 6, .seq = 13)), OL_VJ_UNCOMPRESSED);	/* the retransmission mends it */
	eq(pass(&b, SEG(.port = 1, .id = 7, .seq = 14)), OL_VJ_COMPRESSED);
	down(&b);
}

/* 4.1: what is restored after a loss carries the sender's checksum, and that no longer fits.  req: 1144-3.2.4-b */
TEST(vj_the_checksum_shows_a_loss_nobody_told_of)
{
	struct bench b = up(16, true);
	struct ol_pkt *p;
	eq(pass(&b, SEG(.id = 1, .seq = 10, .text = 2)), OL_VJ_UNCOMPRESSED);
	send(&b, &p, SEG(.id = 2, .seq = 12, .text = 3));
	ol_pkt_free(p);
	eq(send(&b, &p, SEG(.id = 3, .seq = 15, .text = 4)), OL_VJ_COMPRESSED);
	ok(ol_vj_restore(b.rx, OL_VJ_COMPRESSED, p));
	eq(be32_at(p->data + 24), 12);				/* believed to be where the lost one was */
	eq_mem(p->data + 36, b.was + 36, 2);
	struct ol_addr src = ol_addr_ip4(0x0a000001), dst = ol_addr_ip4(0x0a000002);
	ok(cksum_finish(cksum_add(cksum_pseudo(&src, &dst, 6, p->len - 20), p->data + 20, p->len - 20)) != 0);
	eq(cksum_finish(cksum_add(0, p->data, 20)), 0);		/* the IP header's is made anew */
	ol_pkt_free(p);
	down(&b);
}

/* req: 1144-5.1-a, 1144-3.2.4-a */
TEST(vj_slots_that_are_not_kept_are_refused_and_toss)
{
	struct bench b = up(4, true);
	struct ol_pkt *p;
	eq(pass(&b, SEG(.id = 1, .seq = 10)), OL_VJ_UNCOMPRESSED);
	p = make(&b, &SEG(.id = 1));
	p->data[9] = 4;
	ok(!taken(&b, OL_VJ_UNCOMPRESSED, p));
	eq(send(&b, &p, SEG(.id = 2, .seq = 11)), OL_VJ_COMPRESSED);
	ok(!taken(&b, OL_VJ_COMPRESSED, p));			/* without a slot: tossed */
	for (uint8_t slot = 1; slot < 6; slot++)		/* never filled, or not there */
		ok(!taken(&b, OL_VJ_COMPRESSED, ol_pkt_from(b.pool, (uint8_t[]){ 0x40, slot, 0, 0 }, 4)));
	ok(taken(&b, OL_VJ_COMPRESSED, ol_pkt_from(b.pool, (uint8_t[]){ 0x40, 0, 0, 0 }, 4)));
	ok(!taken(&b, OL_VJ_COMPRESSED, ol_pkt_from(b.pool, (uint8_t[]){ 0x00, 0 }, 2)));	/* ends in the checksum */
	ok(!taken(&b, OL_VJ_COMPRESSED, ol_pkt_from(b.pool, (uint8_t[]){ 0x08, 0, 0, 0, 1 }, 5)));
	ok(!taken(&b, 0x99, ol_pkt_from(b.pool, (uint8_t[]){ 0x40, 0, 0, 0 }, 4)));
	down(&b);
}

/* Random connections, on a line that loses with and without telling: what comes out and whose checksum fits is what went in. */
static void random_streams(uint64_t seed, bool cid)
{
	struct rng r;
	rng_init(&r, seed);
	struct bench b = up(1 + rng_below(&r, 8), cid);
	struct seg conn[6] = { { 0 } };
	bool lossy = rng_chance(&r, 0.5);
	for (uint16_t i = 0; i < 6; i++)
		conn[i] = (struct seg){ .port = i, .seq = (uint32_t)rng_u64(&r), .ack = (uint32_t)rng_u64(&r), .wnd = 5000 };
	unsigned which = 0, passed = 0, small = 0;
	for (int i = 0; i < 400; i++) {
		if (!rng_below(&r, 4))
			which = rng_below(&r, 6);
		struct seg *s = &conn[which];
		s->seq += (uint32_t)s->text;
		s->id += rng_below(&r, 5) ? 1 : (uint16_t)rng_u64(&r);
		s->text = rng_below(&r, 3) ? rng_below(&r, 600) : 0;
		s->ack += rng_below(&r, 3) ? 0 : rng_below(&r, 70000);
		s->seq += rng_below(&r, 20) ? 0 : (uint32_t)(int32_t)(-700 + (int)rng_below(&r, 1400));
		s->wnd = (uint16_t)(rng_below(&r, 6) ? s->wnd : 1 + rng_below(&r, 65535));
		s->flags = TCP_ACK | (rng_below(&r, 3) ? 0 : TCP_PSH) | (rng_below(&r, 15) ? 0 : TCP_URG) | (rng_below(&r, 40) ? 0 : TCP_FIN);
		s->urp = rng_below(&r, 10) ? s->urp : (uint16_t)rng_below(&r, 700);
		s->opt_len = rng_below(&r, 30) ? s->opt_len : 4 * (uint8_t)rng_below(&r, 11);
		struct ol_pkt *p = make(&b, s);
		size_t before = p->len;
		enum ol_vj type = ol_vj_compress(b.tx, p);
		ok(p->len <= before);
		if (lossy && !rng_below(&r, 10)) {
			ol_pkt_free(p);
			ol_vj_error(b.rx);
			continue;
		}
		if (ol_vj_restore(b.rx, type, p)) {
			bool same = p->len == b.was_len && !memcmp(p->data, b.was, p->len);
			struct ol_addr src = ol_addr_ip4(0x0a000001), dst = ol_addr_ip4(0x0a000002);
			size_t ihl = (p->data[0] & 15) * 4u;
			bool fits = !cksum_finish(cksum_add(cksum_pseudo(&src, &dst, 6, (uint32_t)(p->len - ihl)), p->data + ihl, p->len - ihl));
			ok(same || lossy);
			ok(same || !fits || memcmp(p->data + 4, b.was + 4, 2));	/* the identification alone stands outside the sum */
			passed += same;
			small += type == OL_VJ_COMPRESSED;
		} else {
			ok(lossy);
		}
		ol_pkt_free(p);
	}
	ok(passed > 100);
	ok(small > 20);
	down(&b);
}

/* req: 1144-3.2.3-c, 1144-3.2.4-b */
TEST(vj_what_goes_in_comes_out)
{
	for (uint64_t seed = 1; seed <= 200; seed++)
		random_streams(seed, seed & 1);
}
