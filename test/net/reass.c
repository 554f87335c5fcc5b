/* Reassembly of both families: every order, overlaps, limits, time. */
#include "world.h"
#include "base/be.h"
#include "base/rng.h"

static struct world w;
enum { PIECES = 6, SIZE = 64, LAST = 40, TOTAL = (PIECES - 1) * SIZE + LAST };

static void start(const struct net_config *cfg)
{
	world_new(&w);
	host_new(&w, cfg);
	iface_new(&w, 0, OL_LINK_IP, 1500, 0);
	addr(&w, 0, 2, "10.0.0.1/24");
	addr(&w, 0, 2, "fd00::1/64");
}

/* A fragment of `len` bytes at `off` of a datagram whose byte i is i * 3. */
static enum ol_fate frag(bool v6, uint32_t id, size_t off, size_t len, bool mf, uint8_t ecn)
{
	uint8_t p[2048];
	size_t hlen = v6 ? 48 : 20;
	if (v6) {
		wire_ip6_build(p, &(struct ip6_hdr){ .src = ip("fd00::2"), .dst = ip("fd00::1"), .len = (uint16_t)(8 + len),
			.next = IP6_FRAGMENT, .hop = 64, .tclass = ecn });
		wire_ip6_frag_build(p + 40, &(struct ip6_frag){ .id = id, .off = (uint16_t)off, .mf = mf, .next = 17 });
	} else {
		wire_ip4_build(p, &(struct ip4_hdr){ .src = ip("10.0.0.2"), .dst = ip("10.0.0.1"), .len = (uint16_t)(20 + len),
			.hlen = 20, .ttl = 64, .proto = 17, .id = (uint16_t)id, .off = (uint16_t)off, .mf = mf, .tos = ecn });
	}
	for (size_t i = 0; i < len; i++)
		p[hlen + i] = (uint8_t)((off + i) * 3);
	return give(&w, 0, 2, p, hlen + len, false);
}

static enum ol_fate piece(bool v6, uint32_t id, int i)
{
	bool last = i == PIECES - 1;
	return frag(v6, id, (size_t)i * SIZE, last ? LAST : SIZE, !last, 0);
}

static void whole(bool v6)
{
	struct up *u = up(&w, 0, 0);
	eq(w.h[0].n_up, 1);
	eq(u->pkt->len, TOTAL);
	eq(u->rx.proto, 17);
	eq(u->rx.ip_len, v6 ? 40 : 20);
	for (size_t i = 0; i < TOTAL; i++)
		eq(u->pkt->data[i], (uint8_t)(i * 3));
	const uint8_t *h = u->pkt->data - u->rx.ip_len;
	struct ip4_hdr h4;
	struct ip6_hdr h6;
	if (v6) {
		eq(wire_ip6_parse(&h6, h, TOTAL + 40), OL_PASS);
		ok(h6.len == TOTAL && h6.next == 17);
	} else {
		eq(wire_ip4_parse(&h4, h, TOTAL + 20), OL_PASS);
		ok(h4.len == TOTAL + 20 && !ip4_is_fragment(&h4));
	}
	forget(&w, 0);
}

static void permute(int *order, int n, bool v6, uint32_t *id)
{
	if (n == PIECES) {
		for (int i = 0; i < PIECES; i++)
			eq(piece(v6, *id, order[i]), i < PIECES - 1 ? OL_HELD_FRAGMENT : OL_PASS);
		whole(v6);
		++*id;
		return;
	}
	for (int i = n; i < PIECES; i++) {
		int t = order[n];
		order[n] = order[i];
		order[i] = t;
		permute(order, n + 1, v6, id);
		order[i] = order[n];
		order[n] = t;
	}
}

/* req: 791-3.1-c, 1122-3.3.2-a, 8200-4.5-f */
TEST(all_720_orders_come_together)
{
	start(NULL);
	for (int v6 = 0; v6 < 2; v6++) {
		int order[PIECES] = { 0, 1, 2, 3, 4, 5 };
		uint32_t id = 1;
		permute(order, 0, v6, &id);
		eq(id, 721);
	}
	ok(wheel_deadline(&w.h[0].wheel) == OL_NEVER);
	world_end(&w);
}

TEST(exact_copies_change_nothing)
{
	start(NULL);
	for (int v6 = 0; v6 < 2; v6++) {
		for (int i = 0; i < PIECES - 1; i++) {
			eq(piece(v6, 7, i), OL_HELD_FRAGMENT);
			eq(piece(v6, 7, i), OL_DROP_FRAG_BAD);
		}
		eq(piece(v6, 7, PIECES - 1), OL_PASS);
		whole(v6);
	}
	world_end(&w);
}

/* req: 5722-4-b, 8200-4.5-l */
TEST(any_overlap_kills_the_datagram_and_what_follows_of_it)
{
	static const struct { size_t off, len; bool mf; } bad[] = {
		{ 0, 72, true }, { 56, 64, true }, { 64, 56, true }, { 64, 72, true }, { 120, 16, true }, { 0, 400, true },
		{ 72, 8, true },
		{ 64, 32, false },		/* a last fragment that ends before what came */
	};
	start(NULL);
	for (int v6 = 0; v6 < 2; v6++)
		for (uint32_t k = 0; k < sizeof bad / sizeof *bad; k++) {
			eq(piece(v6, 100 + k, 1), OL_HELD_FRAGMENT);
			size_t used = ol_pool_used(w.pool);
			eq(frag(v6, 100 + k, bad[k].off, bad[k].len, bad[k].mf, 0), OL_DROP_FRAG_BAD);
			ok(ol_pool_used(w.pool) < used);
			for (int i = 0; i < PIECES; i++)
				eq(piece(v6, 100 + k, i), OL_DROP_FRAG_BAD);
			eq(w.h[0].n_up, 0);
		}
	pass(&w, 61 * OL_SEC);			/* afterwards the identification may be used again */
	for (int i = 0; i < PIECES; i++)
		piece(false, 100, i);
	whole(false);
	world_end(&w);
}

TEST(two_ends_that_differ_kill_the_datagram)
{
	start(NULL);
	for (int v6 = 0; v6 < 2; v6++) {
		eq(frag(v6, 5, 64, 40, false, 0), OL_HELD_FRAGMENT);
		eq(frag(v6, 5, 128, 40, false, 0), OL_DROP_FRAG_BAD);
		eq(frag(v6, 5, 0, 64, true, 0), OL_DROP_FRAG_BAD);
		eq(frag(v6, 6, 64, 40, false, 0), OL_HELD_FRAGMENT);
		eq(frag(v6, 6, 104, 40, true, 0), OL_DROP_FRAG_BAD);
	}
	world_end(&w);
}

static struct ol_pkt *answer(void) { return frame(&w, 0, 2); }

/* req: 1122-3.3.2-f, 1122-3.3.2-g, 8200-4.5-g, 8200-4.5-h */
TEST(time_runs_out_and_the_sender_is_told)
{
	for (int v6 = 0; v6 < 2; v6++) {
		start(NULL);
		struct wire *x = join(&w, 0, 2, 0, 0);
		x->cut = true;
		ol_time life = v6 ? 60 * OL_SEC : 30 * OL_SEC;
		piece(v6, 1, 0);
		piece(v6, 1, 2);
		piece(v6, 2, 1);			/* without the first fragment: no word */
		pass(&w, life - 1);
		eq(x->frames, 0);
		eq(net_count(w.h[0].net, OL_DROP_FRAG_TIMEOUT), 0);
		piece(v6, 1, 3);			/* a late one does not prolong it */
		pass(&w, 1);
		eq(net_count(w.h[0].net, OL_DROP_FRAG_TIMEOUT), 4);
		eq(x->frames, 1);
		world_end(&w);
	}
}

TEST(the_answer_to_a_timeout_quotes_the_first_fragment)
{
	for (int v6 = 0; v6 < 2; v6++) {
		start(NULL);
		piece(v6, 1, 2);
		piece(v6, 1, 0);
		struct host *h = &w.h[0];
		w.now += 61 * OL_SEC;
		for (struct timer *t; (t = wheel_expire(&h->wheel, w.now)); )
			net_expire(h->net, t, w.now);
		struct ol_pkt *p = frame(&w, 0, 2);
		assert_non_null(p);
		size_t at = v6 ? 40 : 20;
		eq(p->data[at], v6 ? ICMP6_TIME_EXCEEDED : ICMP4_TIME_EXCEEDED);
		eq(p->data[at + 1], 1);
		eq(p->len, at + 8 + (v6 ? 48 : 20) + SIZE);
		ol_pkt_free(p);
		world_end(&w);
	}
}

TEST(bytes_and_datagrams_held_are_bounded)
{
	struct net_config c = silent_config();
	c.frag_max_count = 10;
	c.frag_max_bytes = 40 * 2048;
	start(&c);
	for (uint32_t id = 0; id < 1000; id++)
		for (int i = 0; i < 3; i++) {
			piece(id & 1, id, i);
			ok(ol_pool_used(w.pool) <= c.frag_max_bytes + 2048);
		}
	ok(net_count(w.h[0].net, OL_DROP_FRAG_LIMIT) > 2900);
	for (int i = 3; i < PIECES; i++)		/* the newest survived */
		piece(true, 999, i);
	whole(true);
	world_end(&w);
}

/* req: 8200-4.5-i, 8200-4.5-j */
TEST(impossible_lengths_earn_a_parameter_problem)
{
	start(NULL);
	eq(frag(true, 1, 0, 63, true, 0), OL_DROP_FRAG_BAD);
	struct ol_pkt *p = answer();
	assert_non_null(p);
	ok(p->data[40] == ICMP6_PARAM && p->data[41] == 0 && be32_at(p->data + 44) == 4);
	ol_pkt_free(p);
	eq(frag(true, 1, 65528, 16, false, 0), OL_DROP_FRAG_BAD);
	p = answer();
	assert_non_null(p);
	ok(p->data[40] == ICMP6_PARAM && p->data[41] == 0 && be32_at(p->data + 44) == 42);
	ol_pkt_free(p);
	eq(frag(false, 1, 0, 63, true, 0), OL_DROP_FRAG_BAD);
	eq(frag(false, 1, 65528, 16, false, 0), OL_DROP_FRAG_BAD);
	ok(!answer());
	world_end(&w);
}

/* req: 6946-4-a, 6946-4-b, 8200-4.5-m */
TEST(atomic_fragments_stand_alone)
{
	start(NULL);
	eq(piece(true, 9, 0), OL_HELD_FRAGMENT);
	eq(frag(true, 9, 0, 100, false, 0), OL_PASS);	/* the same key, and yet another packet */
	struct up *u = up(&w, 0, 0);
	eq(u->pkt->len, 100);
	eq(u->rx.ip_len, 40);
	eq(u->rx.proto, 17);
	eq(u->pkt->data[99], (uint8_t)(99 * 3));
	forget(&w, 0);
	for (int i = 1; i < PIECES; i++)
		piece(true, 9, i);
	whole(true);
	world_end(&w);
}

/* req: 7112-5-b, 8200-4.5-k */
TEST(a_first_fragment_without_the_upper_header_is_refused)
{
	start(NULL);
	eq(frag(true, 1, 0, 0, true, 0), OL_DROP_FRAG_BAD);
	struct ol_pkt *p = answer();
	assert_non_null(p);
	ok(p->data[40] == ICMP6_PARAM && p->data[41] == 3 && be32_at(p->data + 44) == 0);
	ol_pkt_free(p);
	world_end(&w);
}

/* req: 3168-5.3-a */
TEST(congestion_marks_are_kept)
{
	start(NULL);
	for (int v6 = 0; v6 < 2; v6++) {
		frag(v6, 1, 0, 64, true, 2);
		eq(frag(v6, 1, 64, 8, false, 3), OL_PASS);
		eq(up(&w, 0, 0)->rx.tos, 3);
		forget(&w, 0);
		frag(v6, 2, 0, 64, true, 0);
		eq(frag(v6, 2, 64, 8, false, 3), OL_DROP_FRAG_BAD);
	}
	world_end(&w);
}

/* req: 3168-5.3-b */
TEST(congestion_codepoint_that_all_fragments_share_stays)
{
	start(NULL);
	for (int v6 = 0; v6 < 2; v6++)
		for (uint8_t ecn = 0; ecn < 4; ecn++) {
			frag(v6, 10 + ecn, 0, 64, true, ecn);
			eq(frag(v6, 10 + ecn, 64, 8, false, ecn), OL_PASS);
			eq(up(&w, 0, 0)->rx.tos & 3, ecn);
			forget(&w, 0);
		}
	world_end(&w);
}

/* Random cutting, order, duplication: either the right bytes come up, once, or nothing. */
TEST(random_fragments_give_right_bytes_or_none)
{
	struct rng r;
	rng_init(&r, 21);
	start(NULL);
	for (uint32_t id = 1; id < 400; id++) {
		bool v6 = rng_below(&r, 2);
		struct { uint16_t off, len; bool mf; } f[64];
		size_t total = 16 + rng_below(&r, 8000), n = 0, at = 0;
		while (at < total) {
			size_t len = 8 * (1 + rng_below(&r, 120));
			len = at + len >= total || n == 31 ? total - at : len;
			if (len > 1900)
				len = 1896;
			f[n].off = (uint16_t)at;
			f[n].len = (uint16_t)len;
			f[n++].mf = at + len < total;
			at += len;
		}
		for (size_t i = n; i-- > 1; ) {
			size_t k = rng_below(&r, (uint32_t)i + 1);
			__typeof__(f[0]) t = f[i];
			f[i] = f[k];
			f[k] = t;
		}
		for (size_t i = 0; i < n; i++) {
			frag(v6, id, f[i].off, f[i].len, f[i].mf, 0);
			if (i + 1 < n && rng_chance(&r, 0.2))
				frag(v6, id, f[i].off, f[i].len, f[i].mf, 0);
		}
		eq(w.h[0].n_up, 1);
		eq(up(&w, 0, 0)->pkt->len, total);
		for (size_t i = 0; i < total; i++)
			if (up(&w, 0, 0)->pkt->data[i] != (uint8_t)(i * 3))
				fail();
		forget(&w, 0);
	}
	world_end(&w);
}
