/*
 * Options of IPv4 headers: what is believed of those that come, what is written into them on the way, what goes back.
 * Hosts and wires are those of chain_new(): A and B with the routers R and S between.
 */
#include "world.h"
#include "base/be.h"
#include "base/cksum.h"
#include <errno.h>

static struct world w;
static uint8_t seen[2048];			/* the last IPv4 datagram with options, or fragment, over the wire that is tapped */
static size_t seen_len;
static int n_seen;
static uint8_t first_seen[64];

static bool look(struct ol_pkt *pkt)
{
	struct ip4_hdr h;
	if (wire_ip4_parse(&h, pkt->data, pkt->len) == OL_PASS && (h.hlen > 20 || ip4_is_fragment(&h))) {
		if (!n_seen++)
			memcpy(first_seen, pkt->data, h.hlen);
		seen_len = pkt->len;
		memcpy(seen, pkt->data, pkt->len < sizeof seen ? pkt->len : sizeof seen);
	}
	return true;
}

static void start(const struct net_config *all, int tapped)
{
	chain_new(&w, all, 1500, OL_LINK_IP, 0);
	n_seen = 0;
	w.w[tapped].tap = look;
}

static struct net_config routed(void)
{
	struct net_config c = net_config_default();
	c.accept_source_route = true;
	return c;
}

/* Sends from A to B with options as a program says them. */
static enum ol_fate send_with(const uint8_t *opt, size_t n, uint8_t proto, size_t len, const char *to)
{
	static uint8_t body[4000];
	struct net_ip4_opts o;
	eq(net_ip4_opts_read(&o, opt, n), 0);
	struct net_tx tx = { .dst = ip(to), .proto = proto, .opts = &o };
	body[0] = 8;				/* an echo request, when it is ICMP */
	be16_put(body + 2, 0);
	be16_put(body + 2, cksum_finish(cksum_add(0, body, len)));
	return net_output(w.h[A].net, &tx, ol_pkt_from(w.pool, body, len), w.now);
}

static bool is_at(const uint8_t *p, const char *addr)
{
	struct ol_addr a = ip(addr);
	return !memcmp(p, a.b, 4);
}

/* req: 1122-3.2.1.8-a, 1122-3.2.1.8d-a, 1122-3.3.5-f */
TEST(a_route_is_recorded_by_sender_and_routers_and_shown_to_the_receiver)
{
	static const uint8_t rr[] = { 7, 23, 4, [24] = 0 };
	struct net_ip4_opts got;
	start(NULL, 2);
	eq(send_with(rr, 24, 17, 100, "10.0.3.2"), OL_DONE);
	pass(&w, OL_SEC);
	eq(w.h[B].n_up, 1);
	eq(n_seen, 1);
	eq(seen[22], 16);
	ok(is_at(seen + 23, "10.0.1.2") && is_at(seen + 27, "10.0.2.1") && is_at(seen + 31, "10.0.3.1"));
	struct up *u = up(&w, B, 0);
	eq(u->rx.ip_len, 44);
	net_ip4_opts_of(w.h[B].net, u->pkt->data - 44, &u->rx, &got, w.now);
	eq(got.len, 24);
	eq(got.b[2], 20);
	ok(is_at(got.b + 15, "10.0.3.2"));
	ok(is_at(u->pkt->data - 44 + 31, "10.0.3.1") && u->pkt->data[-44 + 22] == 16);	/* as it came: an error would quote it */
	world_end(&w);
}

/* req: 1122-3.2.1.8e-a, 1122-3.2.1.8e-b, 1122-3.2.1.8e-c */
TEST(times_are_recorded_by_sender_routers_and_receiver)
{
	static const uint8_t only[] = { 68, 20, 5, 0, [20] = 0 }, pairs[] = { 68, 36, 5, 1, [36] = 0 },
		named[] = { 68, 28, 5, 3, 10, 0, 1, 2, 0, 0, 0, 0, 10, 0, 3, 2, 0, 0, 0, 0, 10, 0, 2, 2, 0, 0, 0, 0 };
	struct net_ip4_opts got;
	for (int i = 0; i < 3; i++) {
		start(NULL, 2);
		w.now += 5 * OL_SEC;
		eq(send_with(i == 0 ? only : i == 1 ? pairs : named, i == 0 ? 20 : i == 1 ? 36 : 28, 17, 100, "10.0.3.2"), OL_DONE);
		pump(&w);
		struct up *u = up(&w, B, 0);
		net_ip4_opts_of(w.h[B].net, u->pkt->data - u->rx.ip_len, &u->rx, &got, w.now);
		uint32_t when = 0x80000000u | (uint32_t)(w.now / OL_MS);	/* not of midnight: the highest bit */
		eq(be32_at(got.b + (i == 0 ? 4 : 8)), when);			/* A's, as it sent */
		if (i == 0) {
			for (int k = 1; k < 4; k++)
				eq(be32_at(got.b + 4 + 4 * k), when);
			eq(got.b[2], 21);
		} else if (i == 1) {
			ok(is_at(got.b + 4, "10.0.1.2") && is_at(got.b + 12, "10.0.2.1") && is_at(got.b + 20, "10.0.3.1") &&
			   is_at(got.b + 28, "10.0.3.2"));
			eq(got.b[2], 37);
		} else {		/* R is not named; S is, but after B, and each only at its turn */
			eq(be32_at(got.b + 16), when);
			eq(be32_at(got.b + 24), 0);
			eq(got.b[2], 21);
		}
		world_end(&w);
	}
}

TEST(a_full_timestamp_option_counts_those_who_found_no_room)
{
	static const uint8_t full[] = { 68, 8, 5, 0, [8] = 0 };
	start(NULL, 2);
	eq(send_with(full, 8, 17, 100, "10.0.3.2"), OL_DONE);
	pump(&w);
	eq(seen[22], 9);
	eq(seen[23] >> 4, 2);				/* two routers */
	world_end(&w);
}

/* req: 791-3.2-b */
TEST(fragments_carry_the_options_that_say_so)
{
	static const uint8_t both[] = { 7, 7, 4, 0, 0, 0, 0, 148, 4, 0, 0, 0 };
	start(NULL, 0);
	eq(send_with(both, 12, 17, 3000, "10.0.3.2"), OL_DONE);
	pass(&w, OL_SEC);
	eq(n_seen, 3);
	eq(first_seen[0], 0x48);			/* the first: both */
	eq(first_seen[20], 7);
	eq(seen[0], 0x46);				/* the last: router alert alone */
	eq(seen[20], 148);
	eq(w.h[B].n_up, 1);
	eq(up(&w, B, 0)->pkt->len, 3000);
	world_end(&w);
}

/* req: 1122-3.2.1.8c-a, 1122-3.2.1.8c-b, 1122-3.3.5-a, 1122-3.3.5-b, 1122-3.3.5-e, 1122-3.3.5-c, 1122-3.3.5-f, 1122-3.3.5-g with accept_source_route at all four */
TEST(a_source_route_is_followed_where_it_is_accepted)
{
	static const uint8_t types[] = { 131, 137 };	/* loose, strict */
	struct net_config c = routed();
	for (int i = 0; i < 2; i++) {
		uint8_t route[12] = { types[i], 11, 4, 10, 0, 1, 1, 10, 0, 2, 2, 0 };
		start(&c, 0);
		eq(send_with(route, 12, 17, 100, "10.0.3.2"), OL_DONE);
		pump(&w);
		ok(is_at(seen + 16, "10.0.1.1"));			/* to the first hop; the rest follows, then the destination */
		eq(seen[21], 11);
		eq(seen[22], 4);
		ok(is_at(seen + 23, "10.0.2.2") && is_at(seen + 27, "10.0.3.2"));
		eq(seen[8], 64);
		struct up *u = up(&w, B, 0);
		const uint8_t *h = u->pkt->data - u->rx.ip_len;
		ok(is_at(h + 16, "10.0.3.2") && h[22] == 12);
		ok(is_at(h + 23, "10.0.2.1") && is_at(h + 27, "10.0.3.1"));	/* where each left from */
		eq(u->rx.ttl, 62);
		struct net_ip4_opts got, back;
		net_ip4_opts_of(w.h[B].net, h, &u->rx, &got, w.now);
		eq_mem(got.b, h + 20, 12);
		net_ip4_opts_echo(&got, &u->rx.src, &back);
		eq(back.len, 12);
		eq_mem(back.b, ((uint8_t[12]){ types[i], 11, 4, 10, 0, 3, 1, 10, 0, 2, 1 }), 12);
		world_end(&w);
	}
}

/* req: 1122-3.3.5-h, 1122-3.2.1.8c-a, 7126-4.3-a: by default nobody follows one, whoever it is for */
TEST(source_routes_are_dropped_by_default)
{
	static const uint8_t route[8] = { 131, 7, 4, 10, 0, 1, 1 };
	start(NULL, 0);
	eq(send_with(route, 8, 17, 100, "10.0.3.2"), OL_DONE);
	pass(&w, OL_SEC);
	eq(w.h[B].n_up, 0);
	eq(net_count(w.h[R].net, OL_DROP_IP_SOURCE_ROUTE), 1);
	eq(w.h[A].n_up, 0);				/* silently */
	world_end(&w);
}

/* req: 1122-3.3.5-j a strict route whose next hop is behind another */
TEST(a_source_route_that_cannot_be_followed_is_reported)
{
	static const uint8_t strict[8] = { 137, 7, 4, 10, 0, 1, 1 };
	struct net_config c = routed();
	start(&c, 0);
	eq(send_with(strict, 8, 17, 100, "10.0.3.2"), OL_DONE);
	pass(&w, OL_SEC);
	eq(w.h[B].n_up, 0);
	struct up *u = up(&w, A, 0);
	eq(u->rx.what, NET_UP_ERROR);
	eq(u->rx.error.type, ICMP4_UNREACH);
	eq(u->rx.error.code, ICMP4_SRC_ROUTE);
	world_end(&w);
}

/* req: 1122-3.2.2.6-h, 1122-3.2.2.6-i with accept_source_route; and Record Route, which always is */
TEST(an_echo_goes_back_the_way_it_came_with_its_options)
{
	static const uint8_t both[20] = { 131, 7, 4, 10, 0, 1, 1, 7, 11, 4 }, rr[] = { 7, 15, 4, [16] = 0 };
	struct net_config c = routed();
	start(&c, 0);
	eq(send_with(both, 20, 1, 64, "10.0.3.2"), OL_DONE);
	pump(&w);
	eq(n_seen, 2);						/* the question and the answer */
	ok(is_at(seen + 12, "10.0.3.2") && is_at(seen + 16, "10.0.1.2"));
	eq(seen[20], 131);
	eq(seen[22], 8);					/* followed to its end, by the router that the question came by */
	ok(is_at(seen + 23, "10.0.1.1"));
	eq(seen[20 + 7], 7);
	world_end(&w);

	start(NULL, 2);
	eq(send_with(rr, 16, 1, 64, "10.0.3.1"), OL_DONE);	/* S itself: not past the tap */
	w.w[2].tap = NULL;
	w.w[0].tap = look;
	pump(&w);
	eq(seen[20], 7);
	ok(is_at(seen + 23, "10.0.1.2") && is_at(seen + 27, "10.0.2.1") && is_at(seen + 31, "10.0.3.1"));
	world_end(&w);
}

/* req: 1122-3.2.1.8c-c */
TEST(a_return_route_does_not_lead_to_the_source_twice)
{
	struct ol_addr s = ip("10.0.1.2");
	static const struct { struct net_ip4_opts in; uint8_t len; uint8_t want[12]; } rows[] = {
		{ { 12, { 131, 11, 12, 10, 0, 1, 1, 10, 0, 2, 2 } }, 12, { 131, 11, 4, 10, 0, 2, 2, 10, 0, 1, 1 } },
		{ { 12, { 131, 11, 12, 10, 0, 1, 2, 10, 0, 2, 2 } }, 8, { 131, 7, 4, 10, 0, 2, 2 } },		/* case B */
		{ { 8, { 131, 7, 8, 10, 0, 1, 2 } }, 0, { 0 } },
		{ { 8, { 137, 7, 8, 10, 0, 9, 9 } }, 8, { 137, 7, 4, 10, 0, 9, 9 } },
		{ { 12, { 131, 11, 8, 10, 0, 1, 1, 10, 0, 2, 2 } }, 8, { 131, 7, 4, 10, 0, 1, 1 } },		/* as far as it came */
		{ { 4, { 131, 3, 4, 0 } }, 0, { 0 } },
		{ { 4, { 136, 4, 0, 1 } }, 0, { 0 } },
		{ { 4, { 131, 9, 4, 0 } }, 0, { 0 } },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct net_ip4_opts out;
		net_ip4_opts_echo(&rows[i].in, &s, &out);
		if (out.len != rows[i].len || memcmp(out.b, rows[i].want, out.len))
			fail_msg("row %zu", i);
	}
}

/* req: 1122-3.2.1.8c-d, 1122-3.2.1.8b-a */
TEST(what_a_program_wants_to_send_is_checked)
{
	static const struct { uint8_t p[44]; size_t len; int err; uint8_t got; } rows[] = {
		{ { 0 }, 0, 0, 0 },
		{ { 1, 1, 1 }, 3, 0, 4 },
		{ { 7, 7, 4 }, 7, 0, 8 },
		{ { 7, 39, 4 }, 40, 0, 40 },
		{ { 7, 39, 4 }, 41, -EINVAL, 0 },
		{ { 148, 4, 0, 0 }, 4, 0, 4 },
		{ { 131, 7, 4, 10, 0, 0, 1 }, 7, 0, 8 },
		{ { 131, 7, 4, 10, 0, 0, 1, 131, 7, 4, 10, 0, 0, 2 }, 14, -EINVAL, 0 },		/* two source routes */
		{ { 131, 7, 4, 10, 0, 0, 1, 137, 7, 4, 10, 0, 0, 2 }, 14, -EINVAL, 0 },
		{ { 131, 7, 8, 10, 0, 0, 1 }, 7, -EINVAL, 0 },					/* begun already */
		{ { 131, 6, 4, 10, 0, 0 }, 6, -EINVAL, 0 },
		{ { 131, 3, 4 }, 3, -EINVAL, 0 },
		{ { 7, 7, 4, 0, 0, 0, 0, 7, 7, 4 }, 14, -EINVAL, 0 },
		{ { 7, 6, 4 }, 6, -EINVAL, 0 },							/* room for half an address */
		{ { 7, 7, 3 }, 7, -EINVAL, 0 },
		{ { 7, 9, 4 }, 7, -EINVAL, 0 },							/* beyond its end */
		{ { 68, 12, 5, 2 }, 12, -EINVAL, 0 },						/* a flag nobody knows */
		{ { 68, 12, 5, 1 }, 12, 0, 12 },
		{ { 136, 4, 0, 1 }, 4, -EINVAL, 0 },						/* stream identifier */
		{ { 130, 4, 0, 1 }, 4, -EINVAL, 0 },
		{ { 0, 9, 9, 9 }, 4, 0, 4 },							/* what is behind the end is not sent */
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct net_ip4_opts o = { 0 };
		int err = net_ip4_opts_read(&o, rows[i].p, rows[i].len);
		if (err != rows[i].err || o.len != rows[i].got)
			fail_msg("row %zu: %d, %d", i, err, o.len);
		if (!err && !rows[i].p[0])
			eq(o.b[1], 0);
	}
}

/* What came with a datagram that is for us; the error's pointer. */
TEST(what_comes_is_checked_before_it_is_read)
{
	static const struct { uint8_t p[20]; size_t len; enum ol_fate fate; int pointer; } rows[] = {
		{ { 7, 7, 8 }, 8, OL_PASS, -1 },			/* full */
		{ { 7, 7, 5 }, 8, OL_DROP_IP_OPTIONS, 20 },		/* some room, and not enough */
		{ { 68, 8, 9, 0xe0 }, 8, OL_PASS, -1 },
		{ { 68, 8, 9, 0xf0 }, 8, OL_DROP_IP_OPTIONS, 20 },	/* the overflow count would overflow */
		{ { 68, 8, 5, 1 }, 8, OL_DROP_IP_OPTIONS, 20 },		/* an address and a time do not fit */
		{ { 68, 12, 5, 1 }, 12, OL_PASS, -1 },
		{ { 131, 7, 8, 1, 2, 3, 4, 131, 7, 8, 1, 2, 3, 4 }, 16, OL_DROP_IP_OPTIONS, 27 },
		{ { 131, 7, 8, 1, 2, 3, 4 }, 8, OL_PASS, -1 },
		{ { 131, 7, 6, 1, 2, 3, 4 }, 8, OL_DROP_IP_OPTIONS, 20 },
		{ { 148, 3, 0 }, 4, OL_DROP_IP_OPTIONS, 20 },
	};
	struct net_config c = routed();
	start(&c, 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t p[128] = { 0 };
		struct ip4_hdr h = { .src = ip("10.0.3.1"), .dst = ip("10.0.3.2"), .len = (uint16_t)(28 + rows[i].len),
			.hlen = (uint8_t)(20 + rows[i].len), .ttl = 9, .proto = 17, .opt = rows[i].p };
		wire_ip4_build(p, &h);
		if (give(&w, B, 2, p, h.len, false) != rows[i].fate)
			fail_msg("row %zu", i);
		struct ol_pkt *e = frame(&w, B, 2);
		eq(e ? e->data[24] : -1, rows[i].pointer);
		ol_pkt_free(e);
	}
	world_end(&w);
}
