/* The host of listener.h. */
#include "listener.h"
#include "base/be.h"
#include "base/cksum.h"

struct world w;
const struct family families[2] = {
	{ 4, "239.1.2.3", "239.9.9.9", "192.0.2.1", "192.0.2.2", "192.0.2.3", 100, 10 },
	{ 6, "ff05::77", "ff08::99", "fd00::a", "fd00::b", "fd00::c", 10000, 1000 },
};

void start_with(struct net_config cfg, unsigned seed)
{
	cfg.seed[1] = (uint8_t)seed;
	world_new(&w);
	host_new(&w, &cfg);
	iface_new(&w, 0, OL_LINK_ETHER, 1500, 0);
}

void start(void) { start_with(silent_config(), 0); }

/* ---- what it says -------------------------------------------------------------------------------------------------- */

char words[4096];

static void put(const char *text) { snprintf(words + strlen(words), sizeof words - strlen(words), "%s", text); }

static void put_addr(const char *before, int ver, const uint8_t *b)
{
	char buf[OL_ADDR_STRLEN];
	struct ol_addr a = ol_addr_from(ver, b);
	put(before);
	put(ol_addr_str(&a, buf));
}

/* "TO_EX 239.1.2.3 10.0.0.9", one after the other */
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
const char *said(void)
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
const char *says_within(ol_time ns)
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
		net_check(w.h[0].net);
	}
	w.now = until;
	return words;
}

void silent_for(ol_time ns) { eq_str(says_within(ns), ""); }
void settle(void) { while (*says_within(30 * OL_SEC)) { } }

/* ---- what is done to it -------------------------------------------------------------------------------------------- */

enum { MAX_SOURCES = 8 };
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

int change(const char *group, const char *was, const char *is)
{
	struct ol_addr g = ip(group), a[MAX_SOURCES], b[MAX_SOURCES];
	struct net_filter old = filter(was, a), new = filter(is, b);
	int err = net_group_change(w.h[0].net, ETH, &g, &old, &new, w.now);
	net_check(w.h[0].net);
	return err;
}

void joins(const char *group) { eq(change(group, "", "-"), 0); }
void leaves(const char *group) { eq(change(group, "-", ""), 0); }

enum ol_fate hears4(const struct asked *q)
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

enum ol_fate hears6(const struct asked *q)
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

enum ol_fate hears(int ver, struct asked q)
{
	enum ol_fate fate = ver == 4 ? hears4(&q) : hears6(&q);
	forget(&w, 0);
	net_check(w.h[0].net);
	return fate;
}

const char *text(const char *form, ...)
{
	static char buf[512];
	va_list ap;
	va_start(ap, form);
	vsnprintf(buf, sizeof buf, form, ap);
	va_end(ap);
	return buf;
}
