/* Trains of segments: gro.h says which segments are one. */
#include "net/gro.h"
#include <stdbool.h>
#include <string.h>
#include "base/be.h"
#include "base/check.h"
#include "base/cksum.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/tcp.h"

enum { PROTO_TCP = 6, ECN_CE = 3, TS_LEN = 12, ECN_FLAGS = TCP_ECE | TCP_CWR };
enum { TCP_HLEN = sizeof(struct wire_tcp), AT_SEQ = 4, AT_ACK = 8, AT_OFF = 12, AT_FLAGS = 13, AT_WND = 14 };
enum { IP4_TOS = 1, IP4_FRAG = 6, IP4_TTL = 8, IP4_PROTO = 9, IP4_ADDRS = 12, IP6_NEXT = 6, IP6_ADDRS = 8 };

/* A datagram seen as far as it must be. */
struct look {
	const uint8_t *ip, *tcp;
	uint16_t ip_len, hdr_len;	/* of both headers together */
	uint32_t text, seq;
	bool plain;			/* may be part of a train */
};

static uint16_t whole_ip4(const uint8_t *p, size_t len)
{
	uint16_t all = be16_at(p + 2);
	return len >= IP4_HLEN && p[0] == 0x45 && p[IP4_PROTO] == PROTO_TCP && !(be16_at(p + IP4_FRAG) & 0x3fff) && all <= len ? all : 0;
}

static uint16_t whole_ip6(const uint8_t *p, size_t len)
{
	size_t all = (size_t)be16_at(p + 4) + IP6_HLEN;
	return len >= IP6_HLEN && p[0] >> 4 == 6 && p[IP6_NEXT] == PROTO_TCP && all <= len && all <= UINT16_MAX ? (uint16_t)all : 0;
}

/* No options, or timestamps as everybody writes them: RFC 7323 appendix A. */
static bool plain_options(const uint8_t *opt, size_t len)
{
	static const uint8_t ts[] = { 1, 1, 8, 10 };
	return len == 0 || (len == TS_LEN && memcmp(opt, ts, sizeof ts) == 0);
}

/* False: not whole, unfragmented TCP right behind an IP header without options. */
static bool look_at(struct look *v, const struct ol_pkt *pkt)
{
	const uint8_t *p = pkt->data;
	if (pkt->len < IP4_HLEN + TCP_HLEN || pkt->gso != OL_GSO_NONE)
		return false;
	bool v6 = p[0] >> 4 == 6;
	uint16_t all = v6 ? whole_ip6(p, pkt->len) : whole_ip4(p, pkt->len);
	v->ip = p;
	v->ip_len = v6 ? IP6_HLEN : IP4_HLEN;
	if (all < v->ip_len + TCP_HLEN)
		return false;
	v->tcp = p + v->ip_len;
	uint16_t tcp_len = (uint16_t)((v->tcp[AT_OFF] >> 4) * 4);
	v->hdr_len = (uint16_t)(v->ip_len + tcp_len);
	if (tcp_len < TCP_HLEN || v->hdr_len > all)
		return false;
	v->text = (uint32_t)(all - v->hdr_len);
	v->seq = be32_at(v->tcp + AT_SEQ);
	uint8_t ecn = (v6 ? p[1] >> 4 : p[IP4_TOS]) & ECN_CE;
	v->plain = v->text > 0 && (v->tcp[AT_FLAGS] & ~(TCP_PSH | ECN_FLAGS)) == TCP_ACK && ecn != ECN_CE &&
		   plain_options(v->tcp + TCP_HLEN, tcp_len - (size_t)TCP_HLEN);
	return true;
}

/* The same addresses and ports? */
static bool same_flow(const struct gro_train *t, const struct look *v)
{
	const uint8_t *a = t->head->data, *b = v->ip;
	if (t->ip_len != v->ip_len || memcmp(a + t->ip_len, v->tcp, 4) != 0)
		return false;
	return t->ip_len == IP4_HLEN ? memcmp(a + IP4_ADDRS, b + IP4_ADDRS, 8) == 0 : memcmp(a + IP6_ADDRS, b + IP6_ADDRS, 32) == 0;
}

/* Everything that must be equal and is not looked at elsewhere. */
static bool same_headers(const struct gro_train *t, const struct look *v)
{
	const uint8_t *a = t->head->data, *b = v->ip, *ta = a + t->ip_len, *tb = v->tcp;
	bool ip = t->ip_len == IP4_HLEN
		? a[IP4_TOS] == b[IP4_TOS] && a[IP4_FRAG] == b[IP4_FRAG] && a[IP4_TTL] == b[IP4_TTL]
		: memcmp(a, b, 4) == 0 && a[IP6_NEXT + 1] == b[IP6_NEXT + 1];
	bool ecn = ta[AT_OFF] == tb[AT_OFF] && !((ta[AT_FLAGS] ^ tb[AT_FLAGS]) & ECN_FLAGS);
	return ip && ecn && t->hdr_len == v->hdr_len && memcmp(ta + AT_ACK, tb + AT_ACK, 4) == 0 &&
	       memcmp(ta + AT_WND, tb + AT_WND, 2) == 0 &&
	       memcmp(ta + TCP_HLEN, tb + TCP_HLEN, (size_t)(t->hdr_len - t->ip_len - TCP_HLEN)) == 0;
}

static bool sums_are_right(const struct ol_pkt *pkt, const struct look *v)
{
	bool v6 = v->ip_len == IP6_HLEN;
	if (!v6 && cksum_finish(cksum_add(0, v->ip, IP4_HLEN)) != 0)
		return false;
	if (pkt->csum != OL_CSUM_NONE)
		return true;
	uint32_t len = v->text + v->hdr_len - v->ip_len, pseudo = PROTO_TCP + len;
	pseudo = v6 ? cksum_add(pseudo, v->ip + IP6_ADDRS, 32) : cksum_add(pseudo, v->ip + IP4_ADDRS, 8);
	return cksum_finish(cksum_add(pseudo, v->tcp, len)) == 0;
}

/* A shorter one, or a PSH, is the last of a write: what follows begins a train of its own. */
static bool ends(const struct gro_train *t, const struct look *v)
{
	return v->text < t->text || v->tcp[AT_FLAGS] & TCP_PSH || t->segments == GRO_SEGMENTS;
}

static bool join(struct gro_train *t, struct ol_pkt *pkt, const struct look *v)
{
	if (!t->open || !v->plain || v->seq != t->seq || v->text > t->text || !same_headers(t, v) || !sums_are_right(pkt, v))
		return false;
	t->seq += v->text;
	t->segments++;
	t->open = !ends(t, v);
	if (pkt->csum == OL_CSUM_NONE)
		pkt->csum = OL_CSUM_OK;
	ol_pkt_trim(pkt, v->hdr_len + v->text);
	ol_pkt_pull(pkt, v->ip_len);
	pkt->next = NULL;
	if (t->rest)
		t->last->next = pkt;
	else
		t->rest = pkt;
	t->last = pkt;
	return true;
}

static struct gro_train alone(struct ol_pkt *pkt, const struct look *v)
{
	struct gro_train t = { .head = pkt };
	if (!v)
		return t;
	t.ip_len = v->ip_len;
	t.hdr_len = v->hdr_len;
	t.seq = v->seq + v->text;
	t.text = v->text;
	t.segments = 1;
	t.open = v->plain && !ends(&t, v);
	return t;
}

static void send_up(struct gro *g, unsigned i, struct gro_train *out)
{
	*out = g->train[i];
	g->n--;
	memmove(&g->train[i], &g->train[i + 1], (g->n - i) * sizeof *out);
}

unsigned gro_flush(struct gro *g, struct gro_train *out)
{
	unsigned n = g->n;
	memcpy(out, g->train, n * sizeof *out);
	g->n = 0;
	return n;
}

unsigned gro_add(struct gro *g, struct ol_pkt *pkt, struct gro_train *out)
{
	struct look v;
	unsigned n = 0, i = 0;
	if (!look_at(&v, pkt)) {
		n = gro_flush(g, out);
		out[n] = alone(pkt, NULL);
		return n + 1;
	}
	while (i < g->n && !same_flow(&g->train[i], &v))
		i++;
	if (i < g->n) {
		if (join(&g->train[i], pkt, &v))
			return 0;
		send_up(g, i, &out[n++]);
	}
	struct gro_train t = alone(pkt, &v);
	if (!t.open) {
		out[n] = t;
		return n + 1;
	}
	if (g->n == GRO_TRAINS)
		send_up(g, 0, &out[n++]);
	g->train[g->n++] = t;
	return n;
}
