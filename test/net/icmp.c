/* ICMP of both families: what is answered, what is said about whom, what is believed; and which datagrams come in at all. */
#include "world.h"
#include "base/be.h"
#include "base/rng.h"
#include <stdlib.h>

static struct world w;

static void start(const struct net_config *cfg)
{
	world_new(&w);
	host_new(&w, cfg);
	iface_new(&w, 0, OL_LINK_IP, 1500, 0);
	iface_new(&w, 0, OL_LINK_IP, 1500, 0);
	addr(&w, 0, 2, "10.0.0.1/24");
	addr(&w, 0, 2, "fd00::1/64");
	addr(&w, 0, 3, "10.0.9.1/24");
	route(&w, 0, "0.0.0.0/0", NULL, 2);
	route(&w, 0, "::/0", NULL, 2);
}

struct dgram { const char *src, *dst; uint8_t proto; uint16_t off; bool mf, many; uint8_t ttl; };

static size_t build(uint8_t *p, const struct dgram *d, const uint8_t *body, size_t len)
{
	struct ol_addr src = ip(d->src), dst = ip(d->dst);
	if (src.ver == 6) {
		wire_ip6_build(p, &(struct ip6_hdr){ .src = src, .dst = dst, .len = (uint16_t)len, .next = d->proto,
			.hop = d->ttl ? d->ttl : 64 });
		memcpy(p + 40, body, len);
		return 40 + len;
	}
	wire_ip4_build(p, &(struct ip4_hdr){ .src = src, .dst = dst, .len = (uint16_t)(20 + len), .hlen = 20, .off = d->off, .mf = d->mf,
		.ttl = d->ttl ? d->ttl : 64, .proto = d->proto });
	memcpy(p + 20, body, len);
	return 20 + len;
}

static enum ol_fate in(const struct dgram *d, const uint8_t *body, size_t len)
{
	uint8_t p[2048];
	size_t n = build(p, d, body, len);
	return give(&w, 0, 2, p, n, d->many);
}

static const uint8_t text[64] = { 1, 2, 3, 4 };

/* req: 1122-4.1.3.6-a, 1122-3.2.1.3-d, 1122-3.2.1.3-c, 1122-3.2.1.3-f, 1122-3.2.1.3-g, 1122-3.3.6-f, 1122-3.3.6-e, 4291-2.7-a, 4291-2.7-b, 4291-2.5.2-a, 4291-2.5.3-a */
TEST(datagrams_with_impossible_addresses_are_dropped)
{
	static const struct { struct dgram d; enum ol_fate fate; } rows[] = {
		{ { "10.0.0.2", "10.0.0.1", 17 }, OL_PASS },
		{ { "10.0.0.2", "10.0.9.1", 17 }, OL_PASS },			/* the weak host model */
		{ { "10.0.0.2", "10.0.0.255", 17, .many = true }, OL_PASS },
		{ { "10.0.0.2", "10.0.9.255", 17 }, OL_DROP_IP_NOT_OURS },	/* another wire's broadcast */
		{ { "10.0.0.2", "255.255.255.255", 17, .many = true }, OL_PASS },
		{ { "0.0.0.0", "255.255.255.255", 17, .many = true }, OL_PASS },
		{ { "0.0.0.0", "10.0.0.1", 17 }, OL_DROP_IP_SOURCE },
		{ { "0.1.2.3", "255.255.255.255", 17 }, OL_DROP_IP_SOURCE },
		{ { "10.0.0.2", "10.0.0.77", 17 }, OL_DROP_IP_NOT_OURS },
		{ { "10.0.0.2", "10.0.0.1", 17, .many = true }, OL_DROP_IP_NOT_OURS },
		{ { "127.0.0.1", "10.0.0.1", 17 }, OL_DROP_IP_SOURCE },
		{ { "10.0.0.2", "127.0.0.1", 17 }, OL_DROP_IP_SOURCE },
		{ { "224.0.0.1", "10.0.0.1", 17 }, OL_DROP_IP_SOURCE },
		{ { "240.0.0.1", "10.0.0.1", 17 }, OL_DROP_IP_SOURCE },
		{ { "255.255.255.255", "10.0.0.1", 17 }, OL_DROP_IP_SOURCE },
		{ { "10.0.0.255", "10.0.0.1", 17 }, OL_DROP_IP_SOURCE },
		{ { "10.0.0.1", "10.0.0.1", 17 }, OL_DROP_IP_SOURCE },		/* the "land" attack */
		{ { "10.0.0.2", "224.0.0.1", 17, .many = true }, OL_PASS },
		{ { "10.0.0.2", "224.0.0.9", 17, .many = true }, OL_DROP_IP_NOT_OURS },
		{ { "fd00::2", "fd00::1", 17 }, OL_PASS },
		{ { "fd00::2", "fd00::77", 17 }, OL_DROP_IP_NOT_OURS },
		{ { "ff02::1", "fd00::1", 17 }, OL_DROP_IP_SOURCE },
		{ { "fd00::2", "::", 17 }, OL_DROP_IP_SOURCE },
		{ { "::1", "fd00::1", 17 }, OL_DROP_IP_SOURCE },
		{ { "fd00::2", "::1", 17 }, OL_DROP_IP_SOURCE },
		{ { "fd00::1", "fd00::1", 17 }, OL_DROP_IP_SOURCE },
		{ { "fd00::2", "ff00::1", 17 }, OL_DROP_IP_NOT_OURS },
		{ { "fd00::2", "ff01::1", 17 }, OL_DROP_IP_NOT_OURS },
		{ { "fd00::2", "ff02::1", 17, .many = true }, OL_PASS },
	};
	start(NULL);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (in(&rows[i].d, text, sizeof text) != rows[i].fate)
			fail_msg("row %zu", i);
	ok(!frame(&w, 0, 2));				/* silently */
	world_end(&w);
}

/* Who asked gets an answer: port unreachable about d.  Returns it, or NULL. */
static struct ol_pkt *complaint(const struct dgram *d, const uint8_t *body, size_t len)
{
	uint8_t p[2048];
	struct ol_addr src = ip(d->src), dst = ip(d->dst);
	size_t n = build(p, d, body, len), hlen = src.ver == 6 ? 40 : 20;
	struct ol_pkt *pkt = ol_pkt_from(w.pool, p, n);
	struct net_rx rx = { .src = src, .dst = dst, .proto = d->proto, .broadcast = d->many, .ifi = 2, .ip_len = (uint16_t)hlen };
	ol_pkt_pull(pkt, hlen);
	net_port_unreachable(w.h[0].net, pkt, &rx, w.now);
	ol_pkt_free(pkt);
	return frame(&w, 0, 2);
}

/* req: 1122-3.2.2-f, 1122-3.2.2-g, 1122-3.2.2-h, 1122-3.2.2-i, 1122-3.2.2-j, 1122-3.3.8-a, 1112-7.2-b, 4443-2.4-e, 4443-2.4-f, 4443-2.4-g, 4443-2.4-h, 4443-2.4-i */
TEST(no_error_is_sent_about_what_must_not_have_one)
{
	static const uint8_t echo[16] = { ICMP4_ECHO }, unreach[16] = { ICMP4_UNREACH }, redirect[16] = { ICMP4_REDIRECT },
		echo6[16] = { ICMP6_ECHO }, big6[16] = { ICMP6_TOO_BIG }, unknown6[16] = { 100 }, redirect6[16] = { ICMP6_REDIRECT };
	static const struct { struct dgram d; const uint8_t *body; bool want; } rows[] = {
		{ { "10.0.0.2", "10.0.0.1", 17 }, text, true },
		{ { "10.0.0.2", "10.0.0.1", 1 }, echo, true },
		{ { "10.0.0.2", "10.0.0.1", 1 }, unreach, false },
		{ { "10.0.0.2", "10.0.0.1", 1 }, redirect, false },
		{ { "10.0.0.2", "10.0.0.1", 17, .off = 8 }, text, false },
		{ { "10.0.0.2", "10.0.0.1", 17, .mf = true }, text, true },
		{ { "10.0.0.2", "10.0.0.1", 17, .many = true }, text, false },
		{ { "10.0.0.2", "10.0.0.255", 17 }, text, false },
		{ { "10.0.0.2", "255.255.255.255", 17 }, text, false },
		{ { "10.0.0.2", "224.0.0.1", 17 }, text, false },
		{ { "0.0.0.0", "10.0.0.1", 17 }, text, false },
		{ { "127.0.0.1", "10.0.0.1", 17 }, text, false },
		{ { "10.0.0.255", "10.0.0.1", 17 }, text, false },
		{ { "224.0.0.1", "10.0.0.1", 17 }, text, false },
		{ { "250.0.0.1", "10.0.0.1", 17 }, text, false },
		{ { "fd00::2", "fd00::1", 17 }, text, true },
		{ { "fd00::2", "fd00::1", 58 }, echo6, true },
		{ { "fd00::2", "fd00::1", 58 }, big6, false },
		{ { "fd00::2", "fd00::1", 58 }, unknown6, false },
		{ { "fd00::2", "fd00::1", 58 }, redirect6, false },
		{ { "::", "fd00::1", 17 }, text, false },
		{ { "ff02::2", "fd00::1", 17 }, text, false },
		{ { "fd00::2", "ff02::1", 17 }, text, false },
		{ { "fd00::2", "fd00::1", 17, .many = true }, text, false },
	};
	start(NULL);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct ol_pkt *p = complaint(&rows[i].d, rows[i].body, 16);
		if (!p != !rows[i].want)
			fail_msg("row %zu", i);
		ol_pkt_free(p);
	}
	world_end(&w);
}

/* req: 1122-3.4-d, 1122-3.2.2-b, 1122-3.2.2-c, 1122-3.2.2-e, 1122-3.2.2.1-a, 792-error-a, 4443-2.4-c, 4443-2.2-a, 4443-3.1-c */
TEST(errors_quote_the_datagram_as_it_came)
{
	uint8_t body[1400], whole[1500];
	start(NULL);
	for (size_t i = 0; i < sizeof body; i++)
		body[i] = (uint8_t)(i * 13);
	for (int v6 = 0; v6 < 2; v6++) {
		struct dgram d = { v6 ? "fd00::2" : "10.0.0.2", v6 ? "fd00::1" : "10.0.0.1", 17 };
		size_t hlen = v6 ? 40 : 20, n = build(whole, &d, body, sizeof body);
		struct ol_pkt *p = complaint(&d, body, sizeof body);
		assert_non_null(p);
		eq(p->len, v6 ? 1280 : 576);
		eq_mem(p->data + hlen + 8, whole, p->len - hlen - 8);
		ok(n > p->len - hlen - 8);
		eq(p->data[hlen], v6 ? ICMP6_UNREACH : ICMP4_UNREACH);
		eq(p->data[hlen + 1], v6 ? ICMP6_PORT : ICMP4_PORT);
		if (!v6)
			eq(p->data[1], 0);		/* type of service */
		struct ol_addr from = ol_addr_from(v6 ? 6 : 4, p->data + (v6 ? 8 : 12)), want = ip(d.dst);
		ok(ol_addr_eq(&from, &want));
		ol_pkt_free(p);
	}
	world_end(&w);
}

/* req: 8200-4-c, 1122-3.2.2.1-a */
TEST(unknown_protocols_are_refused_with_the_right_pointer)
{
	static const uint8_t body[24] = { 200, 0, 1, 4 };	/* destination options, then protocol 200 */
	start(NULL);
	eq(in(&(struct dgram){ "fd00::2", "fd00::1", IP6_DSTOPT }, body, sizeof body), OL_PASS);
	struct up *u = up(&w, 0, 0);
	eq(u->rx.proto, 200);
	eq(u->rx.ip_len, 48);
	net_proto_unreachable(w.h[0].net, u->pkt, &u->rx, w.now);
	struct ol_pkt *p = frame(&w, 0, 2);
	assert_non_null(p);
	ok(p->data[40] == ICMP6_PARAM && p->data[41] == ICMP6_PARAM_NEXT && be32_at(p->data + 44) == 40);
	ol_pkt_free(p);
	eq(in(&(struct dgram){ "10.0.0.2", "10.0.0.1", 200 }, body, sizeof body), OL_PASS);
	u = up(&w, 0, 1);
	net_proto_unreachable(w.h[0].net, u->pkt, &u->rx, w.now);
	p = frame(&w, 0, 2);
	assert_non_null(p);
	ok(p->data[20] == ICMP4_UNREACH && p->data[21] == ICMP4_PROTO);
	ol_pkt_free(p);
	world_end(&w);
}

/* req: 4443-2.4-j, 4443-2.4-k */
TEST(errors_are_limited_by_a_bucket)
{
	struct net_config c = silent_config();
	struct dgram d = { "10.0.0.2", "10.0.0.1", 17 }, d6 = { "fd00::2", "fd00::1", 17 };
	c.icmp_rate_per_s = 100;
	start(&c);
	int sent = 0;
	for (int i = 0; i < 1000; i++) {
		struct ol_pkt *p = complaint(i & 1 ? &d6 : &d, text, 16);
		sent += p != NULL;
		ol_pkt_free(p);
	}
	eq(sent, 50);					/* the burst */
	eq(net_count(w.h[0].net, OL_DROP_ICMP_RATE), 950);
	for (int i = 0; i < 1000; i++) {		/* a second, a millisecond at a time */
		w.now += OL_MS;
		struct ol_pkt *p = complaint(&d, text, 16);
		sent += p != NULL;
		ol_pkt_free(p);
	}
	eq(sent, 150);
	world_end(&w);
}

static size_t quote(uint8_t *p, bool v6, uint8_t type, uint8_t code, uint32_t rest, const char *from, const char *of, const char *to,
		    uint8_t proto, size_t body)
{
	static const uint8_t tcp[40] = { 0x12, 0x34, 0, 80, 1, 2, 3, 4 };
	size_t q = build(p + 8, &(struct dgram){ of, to, proto }, tcp, body);
	struct icmp_hdr h = { type, code, rest };
	struct ol_addr src = ip(from), dst = ip(of);
	if (v6)
		wire_icmp6_build(p, &h, 8 + q, &src, &dst);
	else
		wire_icmp4_build(p, &h, 8 + q);
	return 8 + q;
}

/* req: 1122-3.4-e, 1122-3.4-f, 1122-3.2.2-d, 1122-3.2.2.1-b, 1122-3.2.2.1-d, 1122-3.2.2.5-b, 4443-3.1-e, 4443-3.4-b, 4443-2.4-a, 4443-2.4-d, 1191-3-b */
TEST(errors_about_us_are_understood)
{
	static const struct { bool v6; uint8_t type, code; uint32_t rest; enum ol_err err; bool hard; uint32_t info; } rows[] = {
		{ false, 3, 0, 0, OL_ERR_NETUNREACH, false, 0 },	{ false, 3, 1, 0, OL_ERR_HOSTUNREACH, false, 0 },
		{ false, 3, 2, 0, OL_ERR_NOPROTOOPT, true, 0 },		{ false, 3, 3, 0, OL_ERR_CONNREFUSED, true, 0 },
		{ false, 3, 4, 1400, OL_ERR_MSGSIZE, false, 1400 },	{ false, 3, 4, 0, OL_ERR_MSGSIZE, false, 68 },
		{ false, 3, 5, 0, OL_ERR_OPNOTSUPP, false, 0 },		{ false, 3, 13, 0, OL_ERR_HOSTUNREACH, true, 0 },
		{ false, 3, 99, 0, OL_ERR_HOSTUNREACH, false, 0 },	{ false, 11, 0, 0, OL_ERR_HOSTUNREACH, false, 0 },
		{ false, 12, 0, 9u << 24, OL_ERR_PROTO, false, 9 },
		{ true, 1, 0, 0, OL_ERR_NETUNREACH, false, 0 },		{ true, 1, 1, 0, OL_ERR_ACCES, true, 0 },
		{ true, 1, 3, 0, OL_ERR_HOSTUNREACH, false, 0 },	{ true, 1, 4, 0, OL_ERR_CONNREFUSED, true, 0 },
		{ true, 2, 0, 1300, OL_ERR_MSGSIZE, false, 1300 },	{ true, 3, 0, 0, OL_ERR_HOSTUNREACH, false, 0 },
		{ true, 4, 1, 40, OL_ERR_PROTO, false, 40 },		{ true, 77, 0, 0, OL_ERR_HOSTUNREACH, false, 0 },
	};
	start(NULL);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t p[256];
		bool v6 = rows[i].v6;
		const char *us = v6 ? "fd00::1" : "10.0.0.1", *to = v6 ? "fd00:5::5" : "10.5.5.5", *from = v6 ? "fd00::9" : "10.0.0.9";
		size_t n = quote(p, v6, rows[i].type, rows[i].code, rows[i].rest, from, us, to, 6, 20);
		eq(in(&(struct dgram){ from, us, v6 ? 58 : 1 }, p, n), OL_PASS);
		struct up *u = up(&w, 0, 0);
		struct ol_addr want = ip(to), who = ip(from);
		if (u->rx.error.err != rows[i].err || u->rx.error.hard != rows[i].hard || u->rx.error.info != rows[i].info)
			fail_msg("row %zu", i);
		eq(u->rx.what, NET_UP_ERROR);
		ok(ol_addr_eq(&u->rx.dst, &want) && ol_addr_eq(&u->rx.error.from, &who));
		eq(u->rx.proto, 6);
		eq(be16_at(u->pkt->data), 0x1234);
		ok(u->pkt->len >= 8);				/* and before it the header of what we had sent */
		eq(u->rx.error.quote_len, v6 ? 40 : 20);
		struct ol_addr ours = ip(us), was = ol_addr_from(v6 ? 6 : 4, u->pkt->data - (v6 ? 32 : 8));
		ok(ol_addr_eq(&ours, &was));
		forget(&w, 0);
	}
	world_end(&w);
}

TEST(errors_about_what_we_cannot_have_sent_are_dropped)
{
	uint8_t p[256];
	start(NULL);
	size_t n = quote(p, false, 3, 3, 0, "10.0.0.9", "10.0.0.99", "10.5.5.5", 6, 20);
	eq(in(&(struct dgram){ "10.0.0.9", "10.0.0.1", 1 }, p, n), OL_DROP_ICMP_QUOTE);
	n = quote(p, false, 3, 3, 0, "10.0.0.9", "10.0.0.1", "10.5.5.5", 6, 20);
	p[8 + 7] = 1;					/* a later fragment */
	wire_icmp4_build(p, &(struct icmp_hdr){ 3, 3, 0 }, n);
	eq(in(&(struct dgram){ "10.0.0.9", "10.0.0.1", 1 }, p, n), OL_DROP_ICMP_QUOTE);
	p[n - 1] ^= 1;
	eq(in(&(struct dgram){ "10.0.0.9", "10.0.0.1", 1 }, p, n), OL_DROP_ICMP_CHECKSUM);
	world_end(&w);
}

/* req: 1122-3.2.2-a, 4443-2.4-b, 1122-3.2.2.6-c, 1122-3.2.2.6-d, 4443-4.2-b, 4443-2.2-b */
TEST(echo_to_many_and_unknown_types)
{
	uint8_t e[32] = { 0 };
	struct ol_addr src = ip("fd00::2"), all = ip("ff02::1");
	start(NULL);
	wire_icmp4_build(e, &(struct icmp_hdr){ ICMP4_ECHO, 0, 1 }, sizeof e);
	eq(in(&(struct dgram){ "10.0.0.2", "10.0.0.255", 1, .many = true }, e, sizeof e), OL_PASS);
	ok(!frame(&w, 0, 2));
	wire_icmp6_build(e, &(struct icmp_hdr){ ICMP6_ECHO, 0, 1 }, sizeof e, &src, &all);
	eq(in(&(struct dgram){ "fd00::2", "ff02::1", 58, .many = true }, e, sizeof e), OL_PASS);
	struct ol_pkt *p = frame(&w, 0, 2);
	assert_non_null(p);
	struct ol_addr from = ol_addr_from(6, p->data + 8), us = ip("fd00::1");
	ok(ol_addr_eq(&from, &us));
	ol_pkt_free(p);
	wire_icmp4_build(e, &(struct icmp_hdr){ 37, 0, 1 }, sizeof e);
	eq(in(&(struct dgram){ "10.0.0.2", "10.0.0.1", 1 }, e, sizeof e), OL_PASS);
	ok(up(&w, 0, 2)->rx.local_done);		/* for raw sockets, and nobody else */
	eq(net_count(w.h[0].net, OL_DROP_ICMP_TYPE), 1);
	ok(!frame(&w, 0, 2));
	world_end(&w);
}

static enum ol_fate with_options(const uint8_t *opt, size_t len)
{
	uint8_t p[128] = { 0 };
	struct ip4_hdr h = { .src = ip("10.0.0.2"), .dst = ip("10.0.0.1"), .len = (uint16_t)(20 + len + 8), .hlen = (uint8_t)(20 + len),
		.ttl = 9, .proto = 17, .opt = opt };
	wire_ip4_build(p, &h);
	return give(&w, 0, 2, p, h.len, false);
}

/* req: 1122-3.2.1.8-c, 1122-3.2.1.8b-b, 7126-4.3-a, 1122-3.2.2.5-a */
TEST(options_are_checked)
{
	static const struct { uint8_t opt[12]; size_t len; enum ol_fate fate; int pointer; } rows[] = {
		{ { 1, 1, 1, 0 }, 4, OL_PASS, -1 },
		{ { 136, 4, 0, 1 }, 4, OL_PASS, -1 },				/* stream identifier */
		{ { 222, 3, 9, 0 }, 4, OL_PASS, -1 },				/* nobody knows it */
		{ { 7, 7, 4, 0, 0, 0, 0, 0 }, 8, OL_PASS, -1 },
		{ { 148, 4, 0, 0 }, 4, OL_PASS, -1 },
		{ { 131, 7, 4, 1, 2, 3, 4, 0 }, 8, OL_DROP_IP_SOURCE_ROUTE, -1 },
		{ { 137, 7, 8, 1, 2, 3, 4, 0 }, 8, OL_DROP_IP_SOURCE_ROUTE, -1 },
		{ { 1, 1, 1, 7 }, 4, OL_DROP_IP_OPTIONS, 23 },			/* no length */
		{ { 7, 1, 0, 0 }, 4, OL_DROP_IP_OPTIONS, 20 },
		{ { 7, 9, 4, 0 }, 4, OL_DROP_IP_OPTIONS, 20 },			/* beyond the header */
		{ { 1, 7, 3, 3 }, 4, OL_DROP_IP_OPTIONS, 21 },
		{ { 68, 4, 4, 0 }, 4, OL_DROP_IP_OPTIONS, 20 },
	};
	start(NULL);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (with_options(rows[i].opt, rows[i].len) != rows[i].fate)
			fail_msg("row %zu", i);
		struct ol_pkt *p = frame(&w, 0, 2);
		eq(p ? p->data[24] : -1, rows[i].pointer);
		if (p)
			ok(p->data[20] == ICMP4_PARAM);
		ol_pkt_free(p);
	}
	struct net_config c = silent_config();
	c.accept_source_route = true;
	world_end(&w);
	start(&c);
	eq(with_options(rows[6].opt, 8), OL_PASS);			/* used up: it has arrived */
	eq(with_options(rows[5].opt, 8), OL_DROP_IP_SOURCE_ROUTE);	/* to be sent on: we do not */
	struct ol_pkt *p = frame(&w, 0, 2);
	ok(p && p->data[20] == ICMP4_UNREACH && p->data[21] == ICMP4_SRC_ROUTE);
	ol_pkt_free(p);
	world_end(&w);
}

/* req: 8200-4-a, 8200-4-b, 8200-4-d, 8200-4.1-a, 8200-4.2-a, 8200-4.2-b, 8200-4.2-c, 8200-4.4-a, 8200-4.4-b, 8200-4.4-c, 8200-4.7-a, 4443-3.4-a */
TEST(extension_headers_are_obeyed)
{
	static const struct { uint8_t first; uint8_t p[32]; size_t len; const char *dst; enum ol_fate fate; int code; uint32_t where; } rows[] = {
		{ 0, { 17, 0, 1, 4, 0, 0, 0, 0 }, 16, "fd00::1", OL_PASS, -1, 0 },
		{ 0, { 60, 0, 0, 0, 0, 0, 0, 0, 17, 0, 5, 2, 0, 0, 1, 0 }, 24, "fd00::1", OL_PASS, -1, 0 },
		{ 60, { 0, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4 }, 24, "fd00::1", OL_DROP_IP6_EXT, 1, 40 },	/* hop-by-hop not first */
		{ 60, { 17, 0, 0x1e, 4, 0, 0, 0, 0 }, 16, "fd00::1", OL_PASS, -1, 0 },				/* 00: skip */
		{ 60, { 17, 0, 0x5e, 4, 0, 0, 0, 0 }, 16, "fd00::1", OL_DROP_IP6_EXT, -1, 0 },			/* 01: drop */
		{ 60, { 17, 0, 0x9e, 4, 0, 0, 0, 0 }, 16, "fd00::1", OL_DROP_IP6_EXT, 2, 42 },			/* 10: say so */
		{ 60, { 17, 0, 0x9e, 4, 0, 0, 0, 0 }, 16, "ff02::1", OL_DROP_IP6_EXT, 2, 42 },
		{ 60, { 17, 0, 0xde, 4, 0, 0, 0, 0 }, 16, "fd00::1", OL_DROP_IP6_EXT, 2, 42 },			/* 11: not of groups */
		{ 60, { 17, 0, 0xde, 4, 0, 0, 0, 0 }, 16, "ff02::1", OL_DROP_IP6_EXT, -1, 0 },
		{ 60, { 17, 0, 1, 5, 0, 0, 0, 0 }, 16, "fd00::1", OL_DROP_IP6_EXT, -1, 0 },			/* beyond its header */
		{ 60, { 17, 9 }, 16, "fd00::1", OL_DROP_IP6_EXT, -1, 0 },
		{ 60, { 17, 0, 1 }, 7, "fd00::1", OL_DROP_IP6_EXT, -1, 0 },
		{ 43, { 17, 0, 77, 0 }, 16, "fd00::1", OL_PASS, -1, 0 },					/* used up */
		{ 43, { 17, 0, 77, 1 }, 16, "fd00::1", OL_DROP_IP6_EXT, 0, 42 },
		{ 43, { 17, 2, 0, 1 }, 32, "fd00::1", OL_DROP_IP6_EXT, 0, 42 },					/* type 0, RFC 5095 */
		{ 59, { 1, 2, 3 }, 16, "fd00::1", OL_DONE, -1, 0 },
	};
	start(NULL);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (in(&(struct dgram){ "fd00::2", rows[i].dst, rows[i].first }, rows[i].p, rows[i].len) != rows[i].fate)
			fail_msg("row %zu", i);
		struct ol_pkt *p = frame(&w, 0, 2);
		if ((p ? p->data[41] : -1) != rows[i].code || (p && be32_at(p->data + 44) != rows[i].where))
			fail_msg("row %zu: code %d pointer %u", i, p ? p->data[41] : -1, p ? be32_at(p->data + 44) : 0);
		ol_pkt_free(p);
	}
	world_end(&w);
}

/* What finds the way out full is lost, and nobody is told: an error would be one packet more where there are too many. */
/* req: 4443-3.1-b */
TEST(datagrams_lost_to_congestion_are_lost_in_silence)
{
	struct net_config c = silent_config();
	c.forward4 = c.forward6 = true;
	c.icmp_rate_per_s = 0;
	start(&c);
	route(&w, 0, "10.7.0.0/16", NULL, 3);
	route(&w, 0, "fd07::/64", NULL, 3);
	struct dgram v4 = { "10.0.0.2", "10.7.0.9", 17 }, v6 = { "fd00::2", "fd07::9", 17 };
	enum { ROOM = 1000 };			/* frames, where the interface says nothing else */
	for (unsigned i = 0; i < ROOM; i++)
		eq(in(i & 1 ? &v4 : &v6, text, sizeof text), OL_FORWARDED);
	for (int i = 0; i < 10; i++) {
		eq(in(&v4, text, sizeof text), OL_DROP_LINK_QUEUE_FULL);
		eq(in(&v6, text, sizeof text), OL_DROP_LINK_QUEUE_FULL);
	}
	ok(!frame(&w, 0, 2));
	v4.ttl = v6.ttl = 1;			/* whereas of other losses the sender hears */
	eq(in(&v4, text, sizeof text), OL_DROP_IP_TTL);
	eq(in(&v6, text, sizeof text), OL_DROP_IP_TTL);
	for (int i = 0; i < 2; i++) {
		struct ol_pkt *p = frame(&w, 0, 2);
		ok(p);
		ol_pkt_free(p);
	}
	world_end(&w);
}

/* Hostile input: mutations of good datagrams, every length, checksums mended or not; nothing read outside, nothing leaked. */
TEST(mutated_datagrams_do_no_harm)
{
	struct net_config c = silent_config();
	struct rng r;
	c.forward4 = c.forward6 = true;
	c.icmp_rate_per_s = 0;
	rng_init(&r, 99);
	start(&c);
	for (int i = 0; i < 60000; i++) {
		uint8_t p[600], body[300];
		bool v6 = rng_below(&r, 2);
		static const uint8_t protos[] = { 0, 43, 44, 60, 6, 17, 1, 58, 59, 51 };
		struct dgram d = { v6 ? "fd00::2" : "10.0.0.2", v6 ? (i & 2 ? "fd00::1" : "ff02::1:ff00:1") : i & 2 ? "10.0.0.1" : "224.0.0.1",
			protos[rng_below(&r, 10)], .many = rng_chance(&r, 0.1), .ttl = rng_chance(&r, 0.5) ? 255 : 1 };
		size_t len = rng_below(&r, sizeof body);
		for (size_t k = 0; k < len; k++)
			body[k] = (uint8_t)(rng_chance(&r, 0.7) ? protos[rng_below(&r, 10)] : rng_u64(&r));
		if (rng_chance(&r, 0.5))
			len = quote(body, v6, (uint8_t)rng_below(&r, 14), (uint8_t)rng_below(&r, 6), (uint32_t)rng_u64(&r), d.src,
				    v6 ? "fd00::1" : "10.0.0.1", v6 ? "fd00::9" : "10.9.9.9", protos[rng_below(&r, 10)], rng_below(&r, 40));
		if (v6 && len > 8 && rng_chance(&r, 0.3))
			body[0] = (uint8_t)(133 + rng_below(&r, 5));
		size_t n = build(p, &d, body, len);
		for (uint32_t k = rng_below(&r, 4); k > 0; k--)
			p[rng_below(&r, (uint32_t)n)] ^= (uint8_t)(1 << rng_below(&r, 8));
		if (!v6 && rng_chance(&r, 0.8)) {		/* so that more than the checksum is tried */
			struct ip4_hdr h;
			p[0] = rng_chance(&r, 0.3) ? (uint8_t)(0x45 + rng_below(&r, 11)) : 0x45;
			if (wire_ip4_parse_quoted(&h, p, n) == OL_PASS)
				wire_ip4_build(p, &h);
		}
		size_t cut = rng_chance(&r, 0.3) ? rng_below(&r, (uint32_t)n + 1) : n;
		struct ol_pkt *pkt = ol_pkt_new(w.pool, cut);
		memcpy(ol_pkt_put(pkt, cut), p, cut);
		pkt->csum = rng_chance(&r, 0.5) ? OL_CSUM_OK : OL_CSUM_NONE;
		struct net_rx rx;
		if (net_input(w.h[0].net, 2, d.many, &pkt, &rx, w.now) == OL_PASS) {
			ok(pkt->len <= cut + 4096);
			if (rx.what == NET_UP_DATAGRAM && !rx.local_done)
				(rng_below(&r, 2) ? net_port_unreachable : net_proto_unreachable)(w.h[0].net, pkt, &rx, w.now);
			ol_pkt_free(pkt);
		} else {
			ok(!pkt);
		}
		if (i % 100 == 0) {
			pump(&w);
			pass(&w, OL_SEC);
			forget(&w, 0);
		}
	}
	world_end(&w);
}
