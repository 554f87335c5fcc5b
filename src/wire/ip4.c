/* RFC 791 3.1.  Checks come in the order of RFC 1812 5.2.2, which is that of RFC 1122 3.2.1 with lengths added. */
#include "wire/ip4.h"
#include "base/be.h"
#include "base/check.h"
#include "base/cksum.h"
#include <assert.h>
#include <string.h>

struct wire_ip4 { uint8_t vihl, tos; be16 len, id, frag; uint8_t ttl, proto; be16 cksum; uint8_t src[4], dst[4]; };
static_assert(sizeof(struct wire_ip4) == IP4_HLEN && _Alignof(struct wire_ip4) == 1, "as on the wire");
enum { FRAG_DF = 0x4000, FRAG_MF = 0x2000, FRAG_OFF = 0x1fff };

static void read_fields(struct ip4_hdr *h, const struct wire_ip4 *w, const uint8_t *p, uint8_t hlen)
{
	uint16_t frag = be16_get(w->frag);
	*h = (struct ip4_hdr){
		.src = ol_addr_from(4, w->src), .dst = ol_addr_from(4,
			w->dst), .len = be16_get(w->len), .id = be16_get(w->id),
		.off = (uint16_t)((frag & FRAG_OFF) * 8), .df = frag & FRAG_DF, .mf = frag & FRAG_MF,
		.hlen = hlen, .tos = w->tos, .ttl = w->ttl, .proto = w->proto, .opt = p + IP4_HLEN,
	};
}

enum ol_fate wire_ip4_parse(struct ip4_hdr *h, const uint8_t *p, size_t len)
{
	const struct wire_ip4 *w = (const struct wire_ip4 *)p;
	if (len < sizeof *w)
		return OL_DROP_IP_SHORT;
	if (w->vihl >> 4 != 4)
		return OL_DROP_IP_VERSION;
	size_t hlen = (w->vihl & 15u) * 4;
	if (hlen < sizeof *w)
		return OL_DROP_IP_LENGTH;
	if (hlen > len)
		return OL_DROP_IP_SHORT;
	if (cksum_finish(cksum_add(0, p, hlen)) != 0)
		return OL_DROP_IP_CHECKSUM;
	if (be16_get(w->len) < hlen || be16_get(w->len) > len)
		return OL_DROP_IP_LENGTH;
	read_fields(h, w, p, (uint8_t)hlen);
	return OL_PASS;
}

enum ol_fate wire_ip4_parse_quoted(struct ip4_hdr *h, const uint8_t *p, size_t len)
{
	const struct wire_ip4 *w = (const struct wire_ip4 *)p;
	if (len < sizeof *w)
		return OL_DROP_IP_SHORT;
	if (w->vihl >> 4 != 4)
		return OL_DROP_IP_VERSION;
	size_t hlen = (w->vihl & 15u) * 4;
	if (hlen < sizeof *w || hlen > len)
		return OL_DROP_IP_LENGTH;
	read_fields(h, w, p, (uint8_t)hlen);
	return OL_PASS;
}

static void sum_anew(uint8_t *p)
{
	struct wire_ip4 *w = (struct wire_ip4 *)p;
	w->cksum = be16_from(0);
	w->cksum = be16_from(cksum_finish(cksum_add(0, p, (w->vihl & 15u) * 4)));
}

void wire_ip4_build(uint8_t *p, const struct ip4_hdr *h)
{
	CHECK(h->hlen >= IP4_HLEN && h->hlen <= IP4_HLEN_MAX && h->hlen % 4 == 0 && h->off % 8 == 0);
	struct wire_ip4 *w = (struct wire_ip4 *)p;
	uint16_t frag = (uint16_t)(h->off / 8 | (h->df ? FRAG_DF : 0) | (h->mf ? FRAG_MF : 0));
	*w = (struct wire_ip4){ .vihl = (uint8_t)(0x40 | h->hlen / 4), .tos = h->tos, .len = be16_from(h->len),
		.id = be16_from(h->id), .frag = be16_from(frag), .ttl = h->ttl, .proto = h->proto };
	memcpy(w->src, h->src.b, 4);
	memcpy(w->dst, h->dst.b, 4);
	if (h->hlen == IP4_HLEN) {		/* of the values: what was just written is slow to read again */
		const uint8_t *s = h->src.b, *d = h->dst.b;
		uint32_t sum = 0x4500u + h->tos + h->len + h->id + frag + ((uint32_t)h->ttl << 8) + h->proto +
			       be16_at(s) + be16_at(s + 2) + be16_at(d) + be16_at(d + 2);
		w->cksum = be16_from(cksum_finish(sum));
		return;
	}
	if (h->hlen > IP4_HLEN && h->opt != p + IP4_HLEN)
		memcpy(p + IP4_HLEN, h->opt, h->hlen - (size_t)IP4_HLEN);
	sum_anew(p);
}

void wire_ip4_ttl_down(uint8_t *p)
{
	struct wire_ip4 *w = (struct wire_ip4 *)p;
	uint16_t was = be16_at(&w->ttl), is = (uint16_t)(was - 0x100);
	w->ttl--;
	w->cksum = be16_from(cksum_update(be16_get(w->cksum), was, is));
}

void wire_ip4_set_len(uint8_t *p, uint16_t len)
{
	((struct wire_ip4 *)p)->len = be16_from(len);
	sum_anew(p);
}

void wire_ip4_set_frag(uint8_t *p, uint16_t id, uint16_t off, bool mf)
{
	struct wire_ip4 *w = (struct wire_ip4 *)p;
	w->id = be16_from(id);
	w->frag = be16_from((uint16_t)((be16_get(w->frag) & FRAG_DF) | (mf ? FRAG_MF : 0) | off / 8));
	sum_anew(p);
}

void wire_ip4_set_tos(uint8_t *p, uint8_t tos)
{
	((struct wire_ip4 *)p)->tos = tos;
	sum_anew(p);
}

bool ip4_opt_next(const struct ip4_hdr *h, size_t *at, struct ip4_opt *o)
{
	size_t n = h->hlen - (size_t)IP4_HLEN;
	while (*at < n && h->opt[*at] == IP4_OPT_NOP)
		++*at;
	if (*at >= n || h->opt[*at] == IP4_OPT_END)
		return false;
	*o = (struct ip4_opt){ .type = h->opt[*at], .p = h->opt + *at };
	size_t left = n - *at;
	if (left < 2 || o->p[1] < 2 || o->p[1] > left)
		return true;
	o->len = o->p[1];
	*at += o->len;
	return true;
}
