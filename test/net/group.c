/*
 * IGMP and MLD, the side of hosts: RFC 3376, RFC 3810 and their older versions.  One host on one Ethernet; what it says is read
 * from its frames and put into words, and every frame is held against what all of them must be.
 */
#include "world.h"
#include "base/be.h"
#include "base/cksum.h"
#include "base/rng.h"
#include "wire/group.h"
#include <errno.h>
#include <stdlib.h>

static struct world w;
enum { ETH = 2 };

static void start_with(struct net_config cfg, unsigned seed)
{
	cfg.seed[1] = (uint8_t)seed;
	world_new(&w);
	host_new(&w, &cfg);
	iface_new(&w, 0, OL_LINK_ETHER, 1500, 0);
}

static void start(void) { start_with(net_config_default(), 0); }

/* ---- what it says -------------------------------------------------------------------------------------------------- */

static char words[4096];

static void put(const char *text) { snprintf(words + strlen(words), sizeof words - strlen(words), "%s", text); }

static void put_addr(const char *before, int ver, const uint8_t *b)
{
	char buf[OL_ADDR_STRLEN];
	struct ol_addr a = ol_addr_from(ver, b);
	put(before);
	put(ol_addr_str(&a, buf));
}

/* "TO_EX 239.1.2.3 but 10.0.0.9", one after the other */
static void put_records(int ver, const uint8_t *p, size_t len)
{
	static const char *const names[] = { NULL, "IS_IN", "IS_EX", "TO_IN", "TO_EX", "ALLOW", "BLOCK" };
	size_t alen = ver == 4 ? 4 : 16, at = 8;
	unsigned n = be16_at(p + 6);
	ok(n > 0);
	for (unsigned i = 0; i < n; i++) {
		ok(at + 4 + alen <= len);
		unsigned type = p[at], srcs = be16_at(p + at + 2);
		ok(type >= 1 && type <= 6);
		eq(p[at + 1], 0);			/* no auxiliary data */
		put(*words ? "; " : "");
		put(names[type]);
		put_addr(" ", ver, p + at + 4);
		at += 4 + alen;
		for (unsigned k = 0; k < srcs; k++, at += alen) {
			ok(at + alen <= len);
			put_addr(k ? "," : " ", ver, p + at);
		}
	}
	eq(at, len);					/* nor anything behind the last record */
}

/* What every message of ours must be, whatever it says.  RFC 3376 4, RFC 3810 5. */
static void read_igmp(const uint8_t *p, size_t len)
{
	static const uint8_t alert[4] = { 148, 4, 0, 0 };
	struct ip4_hdr h;
	eq(wire_ip4_parse(&h, p, len), OL_PASS);
	eq(h.proto, 2);
	eq(h.ttl, 1);
	eq(h.tos, 0xc0);
	eq(h.hlen, 24);
	eq_mem(h.opt, alert, 4);
	const uint8_t *m = p + 24;
	size_t n = h.len - 24u;
	eq(cksum_finish(cksum_add(0, m, n)), 0);
	struct ol_addr to = m[0] == 0x22 ? ip("224.0.0.22") : m[0] == 0x17 ? ip("224.0.0.2") : ol_addr_from(4, m + 4);
	ok(ol_addr_eq(&h.dst, &to));
	if (m[0] == 0x22) {
		put_records(4, m, n);
		return;
	}
	eq(n, 8);
	eq(m[1], 0);
	put_addr(m[0] == 0x12 ? "v1 " : m[0] == 0x16 ? "v2 " : m[0] == 0x17 ? "leave " : "?", 4, m + 4);
}

static void read_mld(const uint8_t *p, size_t len)
{
	static const uint8_t alert[8] = { 58, 0, 5, 2, 0, 0, 1, 0 };
	struct ip6_hdr h;
	eq(wire_ip6_parse(&h, p, len), OL_PASS);
	eq(h.next, 0);
	eq(h.hop, 1);
	eq_mem(p + 40, alert, 8);
	ok(ol_addr_is_linklocal(&h.src) || ol_addr_is_any(&h.src));
	const uint8_t *m = p + 48;
	size_t n = h.len - 8u;
	eq(cksum_finish(cksum_add(cksum_pseudo(&h.src, &h.dst, 58, (uint32_t)n), m, n)), 0);
	struct ol_addr to = m[0] == 143 ? ip("ff02::16") : m[0] == 132 ? ip("ff02::2") : ol_addr_from(6, m + 8);
	ok(ol_addr_eq(&h.dst, &to));
	if (m[0] == 143) {
		put_records(6, m, n);
		return;
	}
	eq(n, 24);
	put_addr(m[0] == 131 ? "v1 " : m[0] == 132 ? "done " : "?", 6, m + 8);
}

/* The next thing it has said already, or "". */
static const char *said(void)
{
	*words = 0;
	struct ol_pkt *pkt = frame(&w, 0, ETH);
	if (!pkt)
		return words;
	const uint8_t *p = pkt->data;
	eq(p[0], p[12] == 0x08 ? 0x01 : 0x33);		/* to a group of stations */
	if (p[12] == 0x08)
		read_igmp(p + 14, pkt->len - 14);
	else
		read_mld(p + 14, pkt->len - 14);
	ol_pkt_free(pkt);
	return words;
}

/* Lets up to ns pass, until it says something: "" when it does not. */
static const char *says_within(ol_time ns)
{
	ol_time until = w.now + ns;
	for (;;) {
		if (*said())
			return words;
		ol_time next = wheel_deadline(&w.h[0].wheel);
		if (next > until)
			break;
		w.now = next > w.now ? next : w.now;
		for (struct timer *t; (t = wheel_expire(&w.h[0].wheel, w.now)); )
			net_expire(w.h[0].net, t, w.now);
		ok(wheel_deadline(&w.h[0].wheel) > w.now);
	}
	w.now = until;
	return words;
}

static void silent_for(ol_time ns) { eq_str(says_within(ns), ""); }
static void settle(void) { while (*says_within(30 * OL_SEC)) { } }

/* ---- what is done to it -------------------------------------------------------------------------------------------- */

enum { MAX_SOURCES = 8 };
/* "- a b": all but these; "+ a b": these; "": no member */
static struct net_filter filter(const char *text, struct ol_addr *src)
{
	struct net_filter f = { .exclude = *text == '-', .src = src };
	char copy[256];
	snprintf(copy, sizeof copy, "%s", *text ? text + 1 : text);
	for (char *s = strtok(copy, " "); s; s = strtok(NULL, " ")) {
		ok(f.n < MAX_SOURCES);
		src[f.n++] = ip(s);
	}
	return f;
}

static int change(const char *group, const char *was, const char *is)
{
	struct ol_addr g = ip(group), a[MAX_SOURCES], b[MAX_SOURCES];
	struct net_filter old = filter(was, a), new = filter(is, b);
	return net_group_change(w.h[0].net, ETH, &g, &old, &new, w.now);
}

static void joins(const char *group) { eq(change(group, "", "-"), 0); }
static void leaves(const char *group) { eq(change(group, "-", ""), 0); }

/* A query, or what looks like one.  Zero means what a good one has. */
struct asked {
	const char *group;				/* NULL: all */
	uint16_t code;					/* Max Resp Code */
	int version, len;				/* 0: the newest; of that version */
	uint8_t qrv, qqic, type, ttl, sum;		/* sum: added to the checksum */
	bool no_alert, many;
	const char *src, *dst, *sources[4];
};

static enum ol_fate hears4(const struct asked *q)
{
	uint8_t p[128] = { 0 }, *m = p + 24;
	static const uint8_t alert[4] = { 148, 4, 0, 0 };
	size_t n = 0, hlen = q->no_alert ? 20 : 24;
	struct ol_addr src = ip(q->src ? q->src : "10.0.0.254"), dst = ip(q->dst ? q->dst : "224.0.0.1");
	if (q->no_alert)
		m = p + 20;
	m[0] = q->type ? q->type : IGMP_QUERY;
	m[1] = (uint8_t)q->code;
	if (q->group)
		memcpy(m + 4, ip(q->group).b, 4);
	m[8] = q->qrv;
	m[9] = q->qqic;
	for (; n < 4 && q->sources[n]; n++)
		memcpy(m + 12 + 4 * n, ip(q->sources[n]).b, 4);
	be16_put(m + 10, (uint16_t)n);
	size_t len = q->len ? (size_t)q->len : q->version == 1 || q->version == 2 ? 8 : 12 + 4 * n;
	be16_put(m + 2, (uint16_t)(cksum_finish(cksum_add(0, m, len)) + q->sum));
	wire_ip4_build(p, &(struct ip4_hdr){ .src = src, .dst = dst, .len = (uint16_t)(hlen + len), .hlen = (uint8_t)hlen,
		.ttl = q->ttl ? q->ttl : 1, .proto = 2, .opt = alert });
	return give(&w, 0, ETH, p, hlen + len, ol_addr_is_multicast(&dst));
}

static enum ol_fate hears6(const struct asked *q)
{
	static const uint8_t alert[8] = { 58, 0, 5, 2, 0, 0, 1, 0 }, none[8] = { 58, 0, 1, 4 };
	uint8_t p[256] = { 0 }, *m = p + 48;
	size_t n = 0;
	struct ol_addr src = ip(q->src ? q->src : "fe80::fe"), dst = ip(q->dst ? q->dst : "ff02::1");
	m[0] = q->type ? q->type : ICMP6_MLD_QUERY;
	be16_put(m + 4, q->code);
	if (q->group)
		memcpy(m + 8, ip(q->group).b, 16);
	m[24] = q->qrv;
	m[25] = q->qqic;
	for (; n < 4 && q->sources[n]; n++)
		memcpy(m + 28 + 16 * n, ip(q->sources[n]).b, 16);
	be16_put(m + 26, (uint16_t)n);
	size_t len = q->len ? (size_t)q->len : q->version == 1 ? 24 : 28 + 16 * n;
	be16_put(m + 2, (uint16_t)(cksum_finish(cksum_add(cksum_pseudo(&src, &dst, 58, (uint32_t)len), m, len)) + q->sum));
	memcpy(p + 40, q->no_alert ? none : alert, 8);
	wire_ip6_build(p, &(struct ip6_hdr){ .src = src, .dst = dst, .len = (uint16_t)(8 + len), .next = 0, .hop = q->ttl ? q->ttl : 1 });
	return give(&w, 0, ETH, p, 48 + len, ol_addr_is_multicast(&dst));
}

static enum ol_fate hears(int ver, struct asked q)
{
	enum ol_fate fate = ver == 4 ? hears4(&q) : hears6(&q);
	forget(&w, 0);
	return fate;
}
#define QUERY(ver, ...) eq(hears(ver, (struct asked){ __VA_ARGS__ }), OL_PASS)

/* The same of both families: a group, three sources, ten seconds as a Max Resp Code. */
static const struct family { int ver; const char *group, *other, *a, *b, *c; uint16_t ten_s, one_s; } families[] = {
	{ 4, "239.1.2.3", "239.9.9.9", "192.0.2.1", "192.0.2.2", "192.0.2.3", 100, 10 },
	{ 6, "ff05::77", "ff08::99", "fd00::a", "fd00::b", "fd00::c", 10000, 1000 },
};
#define EACH_FAMILY(f) (const struct family *f = families; f < families + 2; f++)

static const char *text(const char *form, ...) __attribute__((format(printf, 1, 2)));
static const char *text(const char *form, ...)
{
	static char buf[512];
	va_list ap;
	va_start(ap, form);
	vsnprintf(buf, sizeof buf, form, ap);
	va_end(ap);
	return buf;
}

/* ---- changes ------------------------------------------------------------------------------------------------------- */

/* What all messages must be is in read_igmp() and read_mld(), which see every one in this file.
 * req: 3376-4-a, 3376-4.2.10-a, 3376-4.2.14-a, 2236-2.3-a, 3810-5-a, 3810-5.2.10-a, 3810-5.2.13-a, 2236-9-a */
TEST(group_messages_have_the_form_of_their_protocol)
{
	start();
	joins("239.1.2.3");
	struct ol_pkt *p = frame(&w, 0, ETH);
	static const uint8_t mac[6] = { 1, 0, 0x5e, 0, 0, 22 }, mac6[6] = { 0x33, 0x33, 0, 0, 0, 0x16 }, none[16];
	eq_mem(p->data, mac, 6);
	eq_mem(p->data + 14 + 12, none, 4);		/* no address yet */
	ol_pkt_free(p);
	joins("ff05::77");
	p = frame(&w, 0, ETH);
	eq_mem(p->data, mac6, 6);
	eq_mem(p->data + 14 + 8, none, 16);
	ol_pkt_free(p);
	settle();
	addr(&w, 0, ETH, "10.0.0.1/24");
	addr(&w, 0, ETH, "fd00::1/64");
	settle();
	leaves("239.1.2.3");
	p = frame(&w, 0, ETH);
	eq_mem(p->data + 14 + 12, ip("10.0.0.1").b, 4);
	ol_pkt_free(p);
	leaves("ff05::77");
	p = frame(&w, 0, ETH);
	struct ol_addr src = ol_addr_from(6, p->data + 14 + 8);
	ok(ol_addr_is_linklocal(&src));			/* though the other address would reach farther */
	ol_pkt_free(p);
	world_end(&w);
}

/* req: 3376-5.1-a, 3810-6.1-a, 1112-7.1-a */
TEST(group_changes_are_said_at_once_and_again_within_a_second)
{
	for EACH_FAMILY(f)
		for (unsigned seed = 0; seed < 40; seed++) {
			ol_time first, gap, least = OL_SEC, most = 0;
			start_with(net_config_default(), seed);
			joins(f->group);
			eq_str(said(), text("TO_EX %s", f->group));
			first = w.now;
			eq_str(says_within(OL_SEC), text("TO_EX %s", f->group));
			gap = w.now - first;
			least = gap < least ? gap : least;
			most = gap > most ? gap : most;
			ok(gap > 0);
			silent_for(100 * OL_SEC);
			eq(change(f->group, "", "-"), 0);	/* a second listener is no news */
			leaves(f->group);
			silent_for(100 * OL_SEC);
			leaves(f->group);
			eq_str(said(), text("TO_IN %s", f->group));
			eq_str(says_within(OL_SEC), text("TO_IN %s", f->group));
			silent_for(100 * OL_SEC);
			eq(wheel_deadline(&w.h[0].wheel), OL_NEVER);
			world_end(&w);
		}
}

/* The chance is the seed's: other hosts, other moments.  req: 3376-5.1-a, 3810-6.1-a */
TEST(group_repetitions_are_spread)
{
	for EACH_FAMILY(f) {
		ol_time least = OL_SEC, most = 0;
		for (unsigned seed = 0; seed < 50; seed++) {
			start_with(net_config_default(), seed);
			joins(f->group);
			said();
			ol_time first = w.now;
			says_within(OL_SEC);
			least = w.now - first < least ? w.now - first : least;
			most = w.now - first > most ? w.now - first : most;
			world_end(&w);
		}
		ok(least < 200 * OL_MS && most > 800 * OL_MS);
	}
}

/* RFC 3376 8.1: as often as the Robustness Variable, ours or the querier's; one that says 0 says nothing. */
TEST(group_robustness_is_how_often_a_change_is_said)
{
	for EACH_FAMILY(f) {
		struct net_config cfg = net_config_default();
		cfg.igmp_qrv = cfg.mld_qrv = 3;
		start_with(cfg, 0);
		static const struct { int qrv, times; } rows[] = { { -1, 3 }, { 5, 5 }, { 0, 3 }, { 1, 1 } };
		for (size_t i = 0; i < 4; i++) {
			if (rows[i].qrv >= 0)
				QUERY(f->ver, .code = f->one_s, .qrv = (uint8_t)rows[i].qrv);
			joins(f->group);
			int n = 0;
			while (*says_within(OL_SEC)) {
				eq_str(words, text("TO_EX %s", f->group));
				n++;
			}
			eq(n, rows[i].times);
			leaves(f->group);
			settle();
		}
		world_end(&w);
	}
}

/* req: 3376-5-a, 3810-6-a */
TEST(group_of_all_hosts_and_of_one_host_are_never_reported)
{
	static const char *const quiet[] = { "224.0.0.1", "ff02::1", "ff01::1", "ff01::99", "ff00::99", "ff11::99" };
	start();
	for (size_t i = 0; i < 6; i++) {
		joins(quiet[i]);
		silent_for(10 * OL_SEC);
	}
	QUERY(4, .code = 100);
	QUERY(6, .code = 10000);
	QUERY(4, .code = 100, .group = "224.0.0.1");
	silent_for(60 * OL_SEC);
	QUERY(4, .version = 1);
	QUERY(6, .version = 1, .code = 10000);
	silent_for(60 * OL_SEC);
	for (size_t i = 0; i < 6; i++)
		leaves(quiet[i]);
	silent_for(60 * OL_SEC);
	joins("224.0.0.2");				/* its neighbour is */
	eq_str(said(), "v1 224.0.0.2");
	joins("ff02::2");
	eq_str(said(), "v1 ff02::2");
	world_end(&w);
}

/* RFC 3810 6, RFC 2710 4: solicited-node groups are groups; RFC 4862 5.4.2: the first word waits, and takes all along.  req: 4861-7.2.1-a */
TEST(group_of_solicited_node_is_reported_after_a_moment)
{
	ol_time least = OL_SEC, most = 0;
	for (unsigned seed = 0; seed < 50; seed++) {
		start_with(net_config_default(), seed);
		addr(&w, 0, ETH, "fd00::101/64");
		eq_str(said(), "");
		ol_time t = w.now;
		static const char both[] = "TO_EX ff02::1:ff00:101; TO_EX ff02::1:ff00:1";	/* and the link-local one's */
		eq_str(says_within(OL_SEC), both);
		least = w.now - t < least ? w.now - t : least;
		most = w.now - t > most ? w.now - t : most;
		eq_str(says_within(OL_SEC), both);
		silent_for(100 * OL_SEC);
		addr(&w, 0, ETH, "fd00::2/64");
		eq_str(said(), "TO_EX ff02::1:ff00:2");	/* it is long up: at once */
		settle();
		struct ol_addr a = ip("fd00::2");
		eq(net_addr_del(w.h[0].net, ETH, &a, w.now), 0);
		eq_str(said(), "TO_IN ff02::1:ff00:2");
		world_end(&w);
	}
	ok(least < 200 * OL_MS && most > 800 * OL_MS);
}

/* RFC 3590 4, RFC 3810 5.2.13: what was said from :: is said again once there is an address to say it from. */
TEST(group_is_said_again_from_a_link_local_address)
{
	start();
	joins("ff05::77");
	settle();
	addr(&w, 0, ETH, "fd00::1/64");
	bool again = false;
	while (*says_within(3 * OL_SEC))
		again = again || strstr(words, "TO_EX ff05::77");
	ok(again);
	world_end(&w);
}

TEST(group_reports_only_go_to_an_ethernet_that_is_up)
{
	static const char *const group[] = { "239.1.2.3", "ff05::77" };
	for (int i = 0; i < 2; i++) {
		start();
		int tun = iface_new(&w, 0, OL_LINK_IP, 1500, 0);
		struct ol_addr g = ip(group[i]);
		for (int ifi = 1; ifi <= tun; ifi += tun - 1) {		/* lo and the tunnel */
			eq(net_group_join(w.h[0].net, ifi, &g, w.now), 0);
			eq(wheel_deadline(&w.h[0].wheel), OL_NEVER);
			ok(!frame(&w, 0, ifi));
			eq(net_group_leave(w.h[0].net, ifi, &g, w.now), 0);
			eq(wheel_deadline(&w.h[0].wheel), OL_NEVER);
		}
		joins(group[i]);
		eq_str(said(), text("TO_EX %s", group[i]));
		link_iface_up(w.h[0].link, ETH, false);
		net_iface_up(w.h[0].net, ETH, false, w.now);
		eq(wheel_deadline(&w.h[0].wheel), OL_NEVER);		/* the second half of that is forgotten */
		silent_for(10 * OL_SEC);
		leaves(group[i]);
		joins(group[i]);
		eq(change(group[i], "", i ? "+ fd00::a" : "+ 192.0.2.1"), 0);
		eq(change(group[i], "-", ""), 0);
		silent_for(10 * OL_SEC);
		link_iface_up(w.h[0].link, ETH, true);
		net_iface_up(w.h[0].net, ETH, true, w.now);
		net_iface_up(w.h[0].net, ETH, true, w.now);		/* twice is once */
		eq_str(said(), "");
		for (int n = 0; n < 2; n++)
			eq_str(says_within(OL_SEC), text("ALLOW %s %s", group[i], i ? "fd00::a" : "192.0.2.1"));
		silent_for(10 * OL_SEC);
		world_end(&w);
	}
}

/* ---- queries ------------------------------------------------------------------------------------------------------- */

/* req: 3376-5.2-a, 3376-5.2-b, 3810-6.2-a, 3810-6.3-a */
TEST(group_general_query_is_answered_after_a_random_delay)
{
	for EACH_FAMILY(f) {
		ol_time least = 10 * OL_SEC, most = 0;
		for (unsigned seed = 0; seed < 50; seed++) {
			start_with(net_config_default(), seed);
			QUERY(f->ver, .code = f->ten_s);
			silent_for(20 * OL_SEC);		/* nothing to say */
			joins(f->group);
			joins(f->other);
			settle();
			QUERY(f->ver, .code = f->ten_s);
			eq_str(said(), "");
			ol_time t = w.now;
			eq_str(says_within(10 * OL_SEC), text("IS_EX %s; IS_EX %s", f->group, f->other));
			least = w.now - t < least ? w.now - t : least;
			most = w.now - t > most ? w.now - t : most;
			ok(w.now > t);
			silent_for(100 * OL_SEC);
			world_end(&w);
		}
		ok(least < 2 * OL_SEC && most > 8 * OL_SEC);
	}
}

/* A Max Resp Code of 0 is no licence to answer at once.  req: 3376-5.2-b, 3810-6.3-a */
TEST(group_query_without_time_is_not_answered_at_once)
{
	for EACH_FAMILY(f) {
		start();
		joins(f->group);
		settle();
		QUERY(f->ver, .code = 0);
		eq_str(said(), "");
		eq_str(says_within(OL_SEC), text("IS_EX %s", f->group));
		world_end(&w);
	}
}

/* RFC 3376 4.1.1, RFC 3810 5.1.3: large times are floats. */
TEST(group_query_times_may_be_floats)
{
	static const struct { uint16_t code4, code6; ol_time max; } rows[] = {
		{ 127, 12700, 12700 * OL_MS }, { 0x80, 0x8000, 0 }, { 0xff, 0xffff, 0 },
	};
	struct group_query q;
	uint8_t p[28] = { 0 };
	p[1] = 0x80;
	ok(wire_igmp_query_parse(&q, p, 12));
	eq(q.max_ns, 128 * 100 * OL_MS);
	p[1] = 0xff;
	ok(wire_igmp_query_parse(&q, p, 12));
	eq(q.max_ns, (31 << 10) * 100 * OL_MS);
	ok(wire_igmp_query_parse(&q, p, 8));
	eq(q.version, 2);
	eq(q.max_ns, 255 * 100 * OL_MS);		/* an older querier's are not */
	p[1] = 0;
	be16_put(p + 4, 0x8000);
	ok(wire_mld_query_parse(&q, p, 28));
	eq(q.max_ns, 32768 * OL_MS);
	be16_put(p + 4, 0xffff);
	ok(wire_mld_query_parse(&q, p, 28));
	eq(q.max_ns, (ol_time)(0x1fff << 10) * OL_MS);
	ok(wire_mld_query_parse(&q, p, 24));
	eq(q.max_ns, 65535 * OL_MS);
	p[25] = 0x9f;					/* QQIC */
	ok(wire_mld_query_parse(&q, p, 28));
	eq(q.qqi_ns, (31 << 4) * OL_SEC);
	be16_put(p + 4, rows[0].code6);
	ok(wire_mld_query_parse(&q, p, 28));
	eq(q.max_ns, rows[0].max);
}

/* RFC 3376 5.2's rules 1 to 5, RFC 3810 6.2's.  req: 3376-5.2-a, 3810-6.2-a */
TEST(group_pending_answers_are_merged)
{
	int sooner = 0;
	for EACH_FAMILY(f)
		for (unsigned seed = 0; seed < 20; seed++) {
			start_with(net_config_default(), seed);
			joins(f->group);
			joins(f->other);
			settle();
			/* rule 2: the second general query replaces the first; rule 1: or is answered by it */
			QUERY(f->ver, .code = f->ten_s);
			QUERY(f->ver, .code = f->ten_s);
			QUERY(f->ver, .code = f->ten_s);
			eq_str(says_within(10 * OL_SEC), text("IS_EX %s; IS_EX %s", f->group, f->other));
			silent_for(20 * OL_SEC);
			/* rule 3, 4: one answer to two specific queries, about this group alone */
			QUERY(f->ver, .code = f->ten_s, .group = f->group);
			QUERY(f->ver, .code = f->one_s, .group = f->group);
			eq_str(says_within(OL_SEC), text("IS_EX %s", f->group));
			silent_for(20 * OL_SEC);
			/* rule 1: a general answer that comes sooner is answer enough, to a general question too */
			QUERY(f->ver, .code = f->ver == 4 ? 1 : 100);
			QUERY(f->ver, .code = f->ten_s);
			QUERY(f->ver, .code = f->ten_s, .group = f->group);
			while (strcmp(says_within(100 * OL_MS), text("IS_EX %s; IS_EX %s", f->group, f->other))) {
				eq_str(words, text("IS_EX %s", f->group));	/* unless chance had that one sooner still */
				ok(++sooner < 3);
			}
			silent_for(20 * OL_SEC);
			QUERY(f->ver, .code = f->one_s, .group = f->ver == 4 ? "239.7.7.7" : "ff05::7777");
			silent_for(20 * OL_SEC);				/* not ours */
			world_end(&w);
		}
}

/* The table of RFC 3376 5.2, third case, and of RFC 3810 6.3.  req: 3376-5.2-a, 3810-6.2-a */
TEST(group_and_source_query_is_answered_for_its_sources)
{
	for EACH_FAMILY(f) {
		char in_ab[100], ex_ab[100];
		snprintf(in_ab, sizeof in_ab, "+ %s %s", f->a, f->b);
		snprintf(ex_ab, sizeof ex_ab, "- %s %s", f->a, f->b);
		start();
		eq(change(f->group, "", in_ab), 0);
		settle();
		QUERY(f->ver, .code = f->one_s, .group = f->group, .sources = { f->b, f->c });
		eq_str(says_within(OL_SEC), text("IS_IN %s %s", f->group, f->b));
		QUERY(f->ver, .code = f->one_s, .group = f->group, .sources = { f->c });
		silent_for(20 * OL_SEC);				/* INCLUDE (A), and A*B is empty */
		eq(change(f->group, in_ab, ex_ab), 0);
		settle();
		QUERY(f->ver, .code = f->one_s, .group = f->group, .sources = { f->b, f->c });
		eq_str(says_within(OL_SEC), text("IS_IN %s %s", f->group, f->c));
		/* rule 5: the lists add up; rule 4: a query without one wants all */
		QUERY(f->ver, .code = f->one_s, .group = f->group, .sources = { f->c });
		QUERY(f->ver, .code = f->one_s, .group = f->group, .sources = { f->ver == 4 ? "192.0.2.9" : "fd00::9" });
		eq_str(says_within(OL_SEC), text("IS_IN %s %s,%s", f->group, f->c, f->ver == 4 ? "192.0.2.9" : "fd00::9"));
		silent_for(20 * OL_SEC);
		QUERY(f->ver, .code = f->one_s, .group = f->group, .sources = { f->c });
		QUERY(f->ver, .code = f->one_s, .group = f->group);
		QUERY(f->ver, .code = f->one_s, .group = f->group, .sources = { f->a });
		eq_str(says_within(OL_SEC), text("IS_EX %s %s,%s", f->group, f->a, f->b));
		silent_for(20 * OL_SEC);
		world_end(&w);
	}
}

/* req: 3376-4.1.2-a, 3376-7.1-a, 3376-4-c, 3376-4.1.12-a, 2236-2.3-a */
TEST(group_igmp_queries_are_not_believed_blindly)
{
	static const struct { struct asked q; bool good; } rows[] = {
		{ { .code = 10 }, true },
		{ { .code = 10, .sum = 1 }, false },
		{ { .code = 10, .len = 9 }, false }, { { .code = 10, .len = 10 }, false }, { { .code = 10, .len = 11 }, false },
		{ { .code = 10, .len = 7 }, false },
		{ { .code = 10, .len = 20 }, true },				/* RFC 3376 4.1.10: what follows counts for the sum alone */
		{ { .code = 10, .group = "239.1.2.3", .sources = { "1.2.3.4", "1.2.3.5" }, .len = 16 }, false },
		{ { .code = 10, .group = "10.0.0.1" }, false },
		{ { .code = 10, .sources = { "1.2.3.4" } }, false },		/* sources of no group */
		{ { .code = 10, .ttl = 2 }, false },
		{ { .code = 10, .no_alert = true }, false },			/* RFC 3376 9.1 */
		{ { .code = 10, .no_alert = true, .version = 2 }, false },
		{ { .code = 10, .dst = "239.1.2.3" }, false },			/* general, but not to all */
		{ { .code = 10, .dst = "239.1.2.3", .group = "239.1.2.3" }, true },
		{ { .code = 10, .dst = "239.1.2.3", .group = "239.1.2.3", .src = "0.0.0.0" }, true },
		{ { .code = 10, .dst = "10.0.0.1" }, true },			/* any address of the interface */
		{ { .code = 10, .dst = "10.0.0.1", .group = "239.1.2.3" }, true },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		start();
		addr(&w, 0, ETH, "10.0.0.1/24");
		joins("239.1.2.3");
		settle();
		uint64_t bad = net_count(w.h[0].net, OL_DROP_IGMP_BAD);
		enum ol_fate fate = hears(4, rows[i].q);
		eq(fate, rows[i].good ? OL_PASS : OL_DROP_IGMP_BAD);
		eq(net_count(w.h[0].net, OL_DROP_IGMP_BAD), bad + !rows[i].good);
		if (strcmp(says_within(20 * OL_SEC), rows[i].good ? "IS_EX 239.1.2.3" : ""))
			fail_msg("row %zu: %s", i, words);
		world_end(&w);
	}
	start();						/* a type nobody knows: no word of it, to its sender neither */
	addr(&w, 0, ETH, "10.0.0.1/24");
	static const uint8_t types[] = { 0x13, 0x14, 0x17, 0x1e, 0x1f, 0x22, 0x30, 0xff };
	for (size_t i = 0; i < sizeof types; i++) {
		struct asked q = { .type = types[i], .dst = "10.0.0.1" };
		eq(hears4(&q), OL_PASS);
		ok(up(&w, 0, 0)->rx.local_done);
		forget(&w, 0);
		silent_for(OL_SEC);
	}
	world_end(&w);
}

/* req: 3810-5.1.2-a, 3810-5.1.14-a, 3810-5.1.15-a, 3810-8.1-a, 3810-5-b */
TEST(group_mld_queries_are_not_believed_blindly)
{
	static const struct { struct asked q; enum ol_fate fate; } rows[] = {
		{ { .code = 1000 }, OL_PASS },
		{ { .code = 1000, .sum = 1 }, OL_DROP_ICMP_CHECKSUM },
		{ { .code = 1000, .src = "::" }, OL_DROP_MLD_BAD },
		{ { .code = 1000, .src = "fd00::9" }, OL_DROP_MLD_BAD },
		{ { .code = 1000, .ttl = 2 }, OL_DROP_MLD_BAD },
		{ { .code = 1000, .ttl = 255 }, OL_DROP_MLD_BAD },
		{ { .code = 1000, .no_alert = true }, OL_DROP_MLD_BAD },
		{ { .code = 1000, .len = 20 }, OL_DROP_MLD_BAD },
		{ { .code = 1000, .len = 25 }, OL_DROP_MLD_BAD },
		{ { .code = 1000, .len = 26 }, OL_DROP_MLD_BAD },
		{ { .code = 1000, .len = 27 }, OL_DROP_MLD_BAD },
		{ { .code = 1000, .len = 40 }, OL_PASS },
		{ { .code = 1000, .group = "ff05::77", .sources = { "fd00::a", "fd00::b" }, .len = 44 }, OL_DROP_MLD_BAD },
		{ { .code = 1000, .group = "fd00::1" }, OL_DROP_MLD_BAD },
		{ { .code = 1000, .dst = "ff05::77", .group = "ff05::77" }, OL_PASS },
		{ { .code = 1000, .dst = "fe80::ff:fe00:1", .group = "ff05::77" }, OL_PASS },
		{ { .code = 1000, .dst = "ff02::1:ff00:101", .group = "ff05::77" }, OL_PASS },
		{ { .code = 1000, .dst = "fd00::101", .group = "ff05::77" }, OL_PASS },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		start();
		addr(&w, 0, ETH, "fd00::101/64");
		joins("ff05::77");
		settle();
		eq(hears(6, rows[i].q), rows[i].fate);
		says_within(20 * OL_SEC);
		if (!strstr(words, "IS_EX ff05::77") != (rows[i].fate != OL_PASS))
			fail_msg("row %zu: %s", i, words);
		world_end(&w);
	}
	start();						/* what is for routers, and what nobody knows */
	addr(&w, 0, ETH, "fd00::101/64");
	settle();
	static const uint8_t types[] = { 132, 143, 151, 200 };
	for (size_t i = 0; i < sizeof types; i++) {
		struct asked q = { .type = types[i], .dst = "ff02::1:ff00:101" };
		eq(hears6(&q), OL_PASS);
		ok(up(&w, 0, 0)->rx.local_done);
		forget(&w, 0);
		silent_for(OL_SEC);
	}
	world_end(&w);
}

/* ---- filters ------------------------------------------------------------------------------------------------------- */

/* What is reported of the interface now. */
static const char *state(const struct family *f)
{
	settle();
	QUERY(f->ver, .code = f->one_s);
	return says_within(OL_SEC);
}

/* The examples of RFC 3376 3.2 and RFC 3810 4.2.  req: 3376-3.2-a, 3376-3.2-b, 3810-4.2-a */
TEST(group_filters_of_listeners_are_merged)
{
	struct step { const char *was, *is, *then; };
	static const struct step ex[] = {
		{ "", "- 192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4", "IS_EX 239.1.2.3 192.0.2.1,192.0.2.2,192.0.2.3,192.0.2.4" },
		{ "", "- 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5", "IS_EX 239.1.2.3 192.0.2.2,192.0.2.3,192.0.2.4" },
		{ "", "+ 192.0.2.4 192.0.2.5 192.0.2.6", "IS_EX 239.1.2.3 192.0.2.2,192.0.2.3" },
		{ "", "-", "IS_EX 239.1.2.3" },
		{ "-", "", "IS_EX 239.1.2.3 192.0.2.2,192.0.2.3" },
		{ "- 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5", "", "IS_EX 239.1.2.3 192.0.2.1,192.0.2.2,192.0.2.3" },
		{ "- 192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4", "", "IS_IN 239.1.2.3 192.0.2.4,192.0.2.5,192.0.2.6" },
		{ "+ 192.0.2.4 192.0.2.5 192.0.2.6", "", "" },
	}, in[] = {
		{ "", "+ fd00::a fd00::b fd00::c", "IS_IN ff05::77 fd00::a,fd00::b,fd00::c" },
		{ "", "+ fd00::b fd00::c fd00::d", "IS_IN ff05::77 fd00::a,fd00::b,fd00::c,fd00::d" },
		{ "", "+ fd00::e fd00::f", "IS_IN ff05::77 fd00::a,fd00::b,fd00::c,fd00::d,fd00::e,fd00::f" },
		{ "+ fd00::a fd00::b fd00::c", "+ fd00::a", "IS_IN ff05::77 fd00::a,fd00::b,fd00::c,fd00::d,fd00::e,fd00::f" },
		{ "+ fd00::b fd00::c fd00::d", "", "IS_IN ff05::77 fd00::a,fd00::e,fd00::f" },
		{ "+ fd00::e fd00::f", "- fd00::a", "IS_EX ff05::77" },
		{ "+ fd00::a", "", "IS_EX ff05::77 fd00::a" },
		{ "- fd00::a", "", "" },
	};
	for EACH_FAMILY(f) {
		start();
		for (size_t i = 0; i < 8; i++) {
			const struct step *s = f->ver == 4 ? &ex[i] : &in[i];
			eq(change(f->group, s->was, s->is), 0);
			eq_str(state(f), s->then);
		}
		settle();
		eq(wheel_deadline(&w.h[0].wheel), OL_NEVER);
		world_end(&w);
	}
}

/* The table of RFC 3376 5.1 and RFC 3810 6.1, row by row.  req: 3376-5.1-a, 3810-6.1-a */
TEST(group_filter_changes_are_said_as_the_table_has_them)
{
	static const struct { const char *was, *is, *says; } rows[] = {
		{ "", "+ 192.0.2.1", "ALLOW 239.1.2.3 192.0.2.1" },
		{ "+ 192.0.2.1", "+ 192.0.2.1 192.0.2.2", "ALLOW 239.1.2.3 192.0.2.2" },
		{ "+ 192.0.2.1 192.0.2.2", "+ 192.0.2.2 192.0.2.3", "ALLOW 239.1.2.3 192.0.2.3; BLOCK 239.1.2.3 192.0.2.1" },
		{ "+ 192.0.2.2 192.0.2.3", "- 192.0.2.4", "TO_EX 239.1.2.3 192.0.2.4" },
		{ "- 192.0.2.4", "- 192.0.2.4 192.0.2.5", "BLOCK 239.1.2.3 192.0.2.5" },
		{ "- 192.0.2.4 192.0.2.5", "- 192.0.2.5 192.0.2.6", "ALLOW 239.1.2.3 192.0.2.4; BLOCK 239.1.2.3 192.0.2.6" },
		{ "- 192.0.2.5 192.0.2.6", "+ 192.0.2.6", "TO_IN 239.1.2.3 192.0.2.6" },
		{ "+ 192.0.2.6", "", "BLOCK 239.1.2.3 192.0.2.6" },
		{ "", "-", "TO_EX 239.1.2.3" },
		{ "-", "", "TO_IN 239.1.2.3" },
	};
	start();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		eq(change("239.1.2.3", rows[i].was, rows[i].is), 0);
		eq_str(said(), rows[i].says);
		eq_str(says_within(OL_SEC), rows[i].says);
		silent_for(20 * OL_SEC);
	}
	world_end(&w);
}

/* A change while another is still being repeated is said at once, together with what of that is left.  req: 3376-5.1-a, 3810-6.1-a */
TEST(group_changes_in_a_row_are_merged)
{
	start();
	eq(change("ff05::77", "", "+ fd00::a"), 0);
	eq_str(said(), "ALLOW ff05::77 fd00::a");
	eq(change("ff05::77", "+ fd00::a", "+ fd00::a fd00::b"), 0);
	eq_str(said(), "ALLOW ff05::77 fd00::a,fd00::b");	/* a's second time, b's first */
	eq(change("ff05::77", "+ fd00::a fd00::b", "+ fd00::a"), 0);
	eq_str(said(), "BLOCK ff05::77 fd00::b");
	eq_str(says_within(OL_SEC), "BLOCK ff05::77 fd00::b");
	silent_for(20 * OL_SEC);
	/* a change of mode goes on to be said, with what the list has become */
	eq(change("ff05::77", "+ fd00::a", "-"), 0);
	eq_str(said(), "TO_EX ff05::77");
	eq(change("ff05::77", "-", "- fd00::c"), 0);
	eq_str(said(), "TO_EX ff05::77 fd00::c");
	eq_str(says_within(OL_SEC), "BLOCK ff05::77 fd00::c");	/* the mode was said twice, c once */
	silent_for(20 * OL_SEC);
	eq(change("ff05::77", "- fd00::c", ""), 0);
	eq_str(said(), "TO_IN ff05::77");
	eq(change("ff05::77", "", "-"), 0);
	eq_str(said(), "TO_EX ff05::77");
	eq_str(says_within(OL_SEC), "TO_EX ff05::77");
	silent_for(20 * OL_SEC);
	world_end(&w);
}

/* RFC 3376 4.2.16: as many reports as it takes, none longer than the MTU; but one list of exclusions is cut. */
TEST(group_reports_fit_the_wire)
{
	enum { N = 500 };
	static struct ol_addr src[N];
	for EACH_FAMILY(f) {
		start();
		struct ol_addr g = ip(f->group);
		for (int i = 0; i < N; i++) {
			src[i] = ip(f->a);
			src[i].b[f->ver == 4 ? 2 : 14] = (uint8_t)(i >> 8);
			src[i].b[f->ver == 4 ? 3 : 15] = (uint8_t)i;
		}
		struct net_filter in = { .n = N, .src = src }, ex = { .exclude = true, .n = N, .src = src };
		eq(net_group_change(w.h[0].net, ETH, &g, NULL, &in, w.now), 0);
		size_t alen = f->ver == 4 ? 4 : 16, ip_len = f->ver == 4 ? 24 : 48, total = 0, frames = 0;
		for (struct ol_pkt *p; (p = frame(&w, 0, ETH)); frames++) {
			ok(p->len <= 14 + 1500);
			total += be16_at(p->data + 14 + ip_len + 8 + 2);
			ol_pkt_free(p);
		}
		eq(total, N);
		eq(frames, (N * alen + 1500 - ip_len - 8 - 4 - alen - 1) / (1500 - ip_len - 8 - 4 - alen));
		eq(net_group_change(w.h[0].net, ETH, &g, &in, &ex, w.now), 0);
		struct ol_pkt *p = frame(&w, 0, ETH);
		eq(be16_at(p->data + 14 + ip_len + 8 + 2), (1500 - ip_len - 8 - 4 - alen) / alen);
		ol_pkt_free(p);
		ok(!frame(&w, 0, ETH));
		eq(net_group_change(w.h[0].net, ETH, &g, &ex, NULL, w.now), 0);
		world_end(&w);
	}
}

/* A thousand groups are told in a few reports; too many are refused, and those only remembered make room.  req: 3376-2-b */
TEST(group_tables_are_bounded)
{
	static struct ol_addr src[1025];
	start();
	struct ol_addr g = ip("239.0.0.0");
	int n = 0, err;
	for (;; n++) {
		g.b[2] = (uint8_t)(n >> 8);
		g.b[3] = (uint8_t)n;
		if ((err = net_group_join(w.h[0].net, ETH, &g, w.now)))
			break;
		if (n == 500)				/* this one is left again, and yet has to be spoken of */
			eq(net_group_leave(w.h[0].net, ETH, &g, w.now), 0);
		ol_pkt_free(frame(&w, 0, ETH));
		ol_pkt_free(frame(&w, 0, ETH));
	}
	eq(err, -ENOBUFS);
	ok(n >= 1024 + 1);
	settle();
	QUERY(4, .code = 10);
	size_t frames = 0;
	ol_time until = w.now + OL_SEC;
	for (; wheel_deadline(&w.h[0].wheel) <= until; )
		for (struct timer *t; (t = wheel_expire(&w.h[0].wheel, w.now = wheel_deadline(&w.h[0].wheel))); )
			net_expire(w.h[0].net, t, w.now);
	for (struct ol_pkt *p; (p = frame(&w, 0, ETH)); frames++)
		ol_pkt_free(p);
	eq(frames, 6);					/* 1024 records of 8 bytes */
	world_end(&w);
	start();
	for (int i = 0; i < 1025; i++)
		src[i] = ol_addr_ip4(0x0a000000u + (uint32_t)i);
	struct net_filter most = { .n = 1024, .src = src }, more = { .n = 1025, .src = src };
	g = ip("232.1.1.1");
	eq(net_group_change(w.h[0].net, ETH, &g, NULL, &more, w.now), -ENOBUFS);
	eq_str(said(), "");
	eq(net_group_change(w.h[0].net, ETH, &g, NULL, &most, w.now), 0);
	world_end(&w);
}

/* ---- older versions ------------------------------------------------------------------------------------------------ */

/* req: 3376-7.2.1-a, 3376-4-b, 2236-3-a, 2236-3-b, 2236-3-c, 2236-9-a */
TEST(group_v2_querier_is_spoken_to_in_v2)
{
	ol_time least = 10 * OL_SEC, most = 0;
	for (unsigned seed = 0; seed < 30; seed++) {
		start_with(net_config_default(), seed);
		joins("239.1.2.3");
		eq_str(said(), "TO_EX 239.1.2.3");
		QUERY(4, .version = 2, .code = 100, .group = "239.5.5.5");	/* specific: who sends it is not the question */
		eq_str(says_within(OL_SEC), "TO_EX 239.1.2.3");
		QUERY(4, .version = 2, .code = 100);
		joins("239.9.9.9");
		eq_str(said(), "v2 239.9.9.9");
		ol_time t = w.now;
		int a = 0, b = 0;
		while (w.now - t < 10 * OL_SEC && *says_within(t + 10 * OL_SEC - w.now)) {
			ok(!strcmp(words, "v2 239.1.2.3") || !strcmp(words, "v2 239.9.9.9"));
			if (words[strlen(words) - 1] == '3') {
				a++;
				least = w.now - t < least ? w.now - t : least;
				most = w.now - t > most ? w.now - t : most;
			} else
				b++;
		}
		eq(a, 1);				/* asked */
		eq(b, 1);				/* the repetition of its joining */
		eq(change("239.1.2.3", "", "+ 192.0.2.1"), 0);	/* sources are nothing that v2 knows */
		silent_for(10 * OL_SEC);
		leaves("239.9.9.9");
		eq_str(said(), "leave 239.9.9.9");
		silent_for(10 * OL_SEC);
		world_end(&w);
	}
	ok(least < 2 * OL_SEC && most > 8 * OL_SEC);
}

/* RFC 3376 8.12: robustness times the query interval, and the response time.  req: 3376-7.2.1-a, 2236-4-a, 3810-8.2.1-a */
TEST(group_old_querier_is_forgotten_after_its_time)
{
	start();
	QUERY(4, .code = 10, .qrv = 3, .qqic = 20);
	QUERY(4, .version = 2, .code = 100);
	ol_time t = w.now;
	w.now = t + 70 * OL_SEC - 1;
	joins("239.1.2.3");
	eq_str(said(), "v2 239.1.2.3");
	w.now = t + 70 * OL_SEC;
	joins("239.9.9.9");
	eq_str(said(), "TO_EX 239.9.9.9");
	eq_str(says_within(OL_SEC), "TO_EX 239.9.9.9");
	eq_str(says_within(OL_SEC), "TO_EX 239.9.9.9");
	silent_for(100 * OL_SEC);			/* the old version's repetition went with it */
	world_end(&w);
	start();
	QUERY(6, .version = 1, .code = 10000);
	t = w.now;
	w.now = t + 260 * OL_SEC - 1;
	joins("ff05::77");
	eq_str(said(), "v1 ff05::77");
	w.now = t + 260 * OL_SEC;
	silent_for(100 * OL_SEC);
	joins("ff08::99");
	eq_str(said(), "TO_EX ff08::99");
	world_end(&w);
	start();					/* v1, then v2, then v3, as each is not heard any more */
	QUERY(4, .version = 1);
	w.now += 200 * OL_SEC;
	QUERY(4, .version = 2, .code = 100);
	joins("239.1.2.3");
	eq_str(said(), "v1 239.1.2.3");
	w.now += 61 * OL_SEC;
	joins("239.9.9.9");
	eq_str(said(), "v2 239.9.9.9");
	w.now += 200 * OL_SEC;
	joins("239.8.8.8");
	eq_str(said(), "TO_EX 239.8.8.8");
	world_end(&w);
}

/* Whatever was under way ends when the version changes.  req: 3376-7.2.1-a, 3810-8.2.1-a */
TEST(group_change_of_version_cancels_what_is_due)
{
	for EACH_FAMILY(f) {
		start();
		joins(f->group);
		said();
		leaves(f->group);
		said();
		joins(f->other);
		said();
		QUERY(f->ver, .version = f->ver == 4 ? 2 : 1, .code = f->ver == 4 ? 10 : 1000);
		eq_str(says_within(OL_SEC), text("%s %s", f->ver == 4 ? "v2" : "v1", f->other));
		silent_for(100 * OL_SEC);
		world_end(&w);
	}
}

/* req: 3376-7.2.1-b, 2236-4-a, 3376-4-b */
TEST(group_v1_querier_has_ten_seconds_and_hears_no_leave)
{
	ol_time most = 0;
	for (unsigned seed = 0; seed < 30; seed++) {
		start_with(net_config_default(), seed);
		joins("239.1.2.3");
		settle();
		QUERY(4, .version = 1);
		ol_time t = w.now;
		eq_str(says_within(10 * OL_SEC), "v1 239.1.2.3");
		most = w.now - t > most ? w.now - t : most;
		QUERY(4, .code = 100);				/* a v3 query that comes between is answered in v1 */
		eq_str(says_within(10 * OL_SEC), "v1 239.1.2.3");
		leaves("239.1.2.3");
		silent_for(100 * OL_SEC);
		world_end(&w);
	}
	ok(most > 8 * OL_SEC);
}

/* req: 2236-3-a, 2236-5-a, 2236-3-c */
TEST(group_reports_of_others_make_ours_needless)
{
	static const uint8_t types[] = { 0x12, 0x16 };
	for (int i = 0; i < 2; i++) {
		start();
		joins("239.1.2.3");
		joins("239.9.9.9");
		settle();
		QUERY(4, .version = 2, .code = 100);
		QUERY(4, .type = types[i], .group = "239.1.2.3", .dst = "239.1.2.3", .src = "10.0.0.7", .len = 12);
		eq_str(says_within(10 * OL_SEC), "v2 239.9.9.9");
		silent_for(100 * OL_SEC);
		QUERY(4, .version = 2, .code = 100);		/* and only for that once */
		ok(*says_within(10 * OL_SEC) && *says_within(10 * OL_SEC));
		QUERY(4, .version = 2, .code = 100);
		QUERY(4, .type = types[i], .group = "239.1.2.3", .dst = "239.1.2.3", .src = "10.0.0.7");
		settle();
		leaves("239.1.2.3");				/* another is there: it need not be said */
		eq_str(said(), "");
		leaves("239.9.9.9");
		eq_str(said(), "leave 239.9.9.9");
		world_end(&w);
	}
	start();						/* version 3 speaks for itself */
	joins("239.1.2.3");
	settle();
	QUERY(4, .code = 100);
	QUERY(4, .type = 0x16, .group = "239.1.2.3", .dst = "239.1.2.3", .src = "10.0.0.7");
	eq_str(says_within(10 * OL_SEC), "IS_EX 239.1.2.3");
	world_end(&w);
}

/* req: 3810-8.2.1-a */
TEST(group_mld_v1_querier_is_spoken_to_in_v1)
{
	start();
	addr(&w, 0, ETH, "fd00::101/64");
	settle();
	QUERY(6, .version = 1, .code = 10000);
	joins("ff05::77");
	eq_str(said(), "v1 ff05::77");
	int own = 0, again = 0;
	while (*says_within(10 * OL_SEC)) {
		own += !strcmp(words, "v1 ff02::1:ff00:101");
		again += !strcmp(words, "v1 ff05::77");
	}
	eq(own, 1);
	eq(again, 1);
	QUERY(6, .version = 1, .code = 10000, .group = "ff05::77");
	eq(hears(6, (struct asked){ .type = 131, .group = "ff05::77", .dst = "ff05::77", .src = "fd00::7", .len = 24 }), OL_DROP_MLD_BAD);
	eq_str(says_within(10 * OL_SEC), "v1 ff05::77");	/* nobody's report: it was not believed */
	QUERY(6, .version = 1, .code = 10000, .group = "ff05::77");
	QUERY(6, .type = 131, .group = "ff05::77", .dst = "ff05::77", .src = "fe80::7", .len = 24);
	silent_for(20 * OL_SEC);
	leaves("ff05::77");
	eq_str(said(), "");
	joins("ff05::77");
	settle();
	leaves("ff05::77");
	eq_str(said(), "done ff05::77");
	world_end(&w);
}

/* force_igmp_version, force_mld_version.  req: 2236-2.5-a */
TEST(group_version_can_be_forced)
{
	struct net_config cfg = net_config_default();
	cfg.force_igmp_version = 2;
	cfg.force_mld_version = 1;
	start_with(cfg, 0);
	joins("239.1.2.3");
	joins("ff05::77");
	eq_str(said(), "v2 239.1.2.3");
	eq_str(said(), "v1 ff05::77");
	settle();
	for (int len = 8; len < 20; len++) {			/* what follows the eighth octet is nothing to version 2 */
		QUERY(4, .code = 10, .len = len);
		eq_str(says_within(OL_SEC), "v2 239.1.2.3");
	}
	QUERY(6, .code = 1000, .len = 44);
	eq_str(says_within(OL_SEC), "v1 ff05::77");
	QUERY(4, .version = 1);					/* RFC 2236 4 */
	eq_str(says_within(10 * OL_SEC), "v1 239.1.2.3");
	world_end(&w);
	cfg.force_igmp_version = 3;
	cfg.force_mld_version = 2;
	start_with(cfg, 0);
	joins("239.1.2.3");
	joins("ff05::77");
	settle();
	QUERY(4, .version = 1);
	QUERY(4, .version = 2, .code = 10);
	QUERY(6, .version = 1, .code = 1000);
	silent_for(20 * OL_SEC);
	QUERY(4, .code = 10);
	eq_str(says_within(OL_SEC), "IS_EX 239.1.2.3");
	world_end(&w);
}

/* ---- at random ----------------------------------------------------------------------------------------------------- */

/* Joins, leaves, filters and messages good and bad, in any order: what it says keeps its form, its timers lie ahead, and in
 * the end it says no more and holds nothing. */
TEST(group_survives_anything)
{
	static const char *const sources[] = { "192.0.2.1", "192.0.2.2", "192.0.2.3", "fd00::a", "fd00::b", "fd00::c" };
	static const char *const groups[] = { "239.1.2.3", "239.1.2.4", "ff05::77", "ff02::78" };
	struct rng r;
	rng_init(&r, 0x6702);
	for (unsigned round = 0; round < 60; round++) {
		char held[4][4][64] = { { { 0 } } };
		start_with(net_config_default(), round);
		addr(&w, 0, ETH, "10.0.0.1/24");
		for (int step = 0; step < 150; step++) {
			unsigned what = rng_below(&r, 10), g = rng_below(&r, 4), who = rng_below(&r, 4);
			if (what < 4) {
				char is[64] = "";
				if (rng_below(&r, 4)) {
					strcpy(is, rng_below(&r, 2) ? "-" : "+");
					for (unsigned i = 0; i < 3; i++)
						if (rng_below(&r, 2)) {
							strcat(is, " ");
							strcat(is, sources[(g / 2) * 3 + i]);
						}
				}
				if (!strcmp(is, "+"))
					*is = 0;
				eq(change(groups[g], held[g][who], is), 0);
				strcpy(held[g][who], is);
			} else if (what < 8) {
				struct asked q = { .code = (uint16_t)rng_below(&r, 400), .version = (int)rng_below(&r, 4),
					.qrv = (uint8_t)rng_u64(&r), .qqic = (uint8_t)rng_below(&r, 140), .len = (int)rng_below(&r, 5) ? 0 : 8 + (int)rng_below(&r, 40),
					.type = (uint8_t)(rng_below(&r, 4) ? 0 : g < 2 ? 0x16 : 131),
					.group = rng_below(&r, 2) ? groups[g] : NULL };
				if (q.group && rng_below(&r, 2))
					q.sources[0] = sources[(g / 2) * 3];
				hears(g < 2 ? 4 : 6, q);
			} else if (what == 8) {
				bool is_up = rng_below(&r, 4);
				link_iface_up(w.h[0].link, ETH, is_up);
				net_iface_up(w.h[0].net, ETH, is_up, w.now);
			}
			ol_time until = w.now + (ol_time)rng_below(&r, 3000) * OL_MS;
			while (w.now < until)
				says_within(until - w.now);
		}
		for (int g = 0; g < 4; g++)
			for (int who = 0; who < 4; who++)
				eq(change(groups[g], held[g][who], ""), 0);
		while (*says_within(4000 * OL_SEC)) { }		/* longer than any answer may wait */
		eq(wheel_deadline(&w.h[0].wheel), OL_NEVER);
		world_end(&w);
	}
}
