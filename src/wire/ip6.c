/* RFC 8200 3 (the header) and 4 (extension headers, as far as their lengths go; what they ask is net/ip6_ext.c). */
#include "wire/ip6.h"
#include "base/be.h"
#include <assert.h>
#include <string.h>

struct wire_ip6 { be32 vtf; be16 len; uint8_t next, hop, src[16], dst[16]; };
static_assert(sizeof(struct wire_ip6) == IP6_HLEN && _Alignof(struct wire_ip6) == 1, "as on the wire");

enum ol_fate wire_ip6_parse_quoted(struct ip6_hdr *h, const uint8_t *p, size_t len)
{
	const struct wire_ip6 *w = (const struct wire_ip6 *)p;
	if (len < sizeof *w)
		return OL_DROP_IP_SHORT;
	uint32_t vtf = be32_get(w->vtf);
	if (vtf >> 28 != 6)
		return OL_DROP_IP_VERSION;
	*h = (struct ip6_hdr){ .src = ol_addr_from(6, w->src), .dst = ol_addr_from(6, w->dst), .flow = vtf & 0xfffff,
		.tclass = (uint8_t)(vtf >> 20), .len = be16_get(w->len), .next = w->next, .hop = w->hop };
	return OL_PASS;
}

enum ol_fate wire_ip6_parse(struct ip6_hdr *h, const uint8_t *p, size_t len)
{
	struct ip6_hdr r;
	enum ol_fate fate = wire_ip6_parse_quoted(&r, p, len);
	if (fate != OL_PASS)
		return fate;
	if (r.len > len - IP6_HLEN)
		return OL_DROP_IP_LENGTH;
	*h = r;
	return OL_PASS;
}

void wire_ip6_build(uint8_t *p, const struct ip6_hdr *h)
{
	struct wire_ip6 *w = (struct wire_ip6 *)p;
	*w = (struct wire_ip6){ .vtf = be32_from(UINT32_C(6) << 28 | (uint32_t)h->tclass << 20 | (h->flow & 0xfffff)),
		.len = be16_from(h->len), .next = h->next, .hop = h->hop };
	memcpy(w->src, h->src.b, 16);
	memcpy(w->dst, h->dst.b, 16);
}

void wire_ip6_set_len(uint8_t *p, uint16_t payload) { ((struct wire_ip6 *)p)->len = be16_from(payload); }

void wire_ip6_set_tclass(uint8_t *p, uint8_t tclass)
{
	be32_put(p, (be32_at(p) & ~(UINT32_C(0xff) << 20)) | (uint32_t)tclass << 20);
}

bool ip6_has_router_alert(const uint8_t *p, size_t len)
{
	if (len < IP6_HLEN + 8 || p[6] != IP6_HOPOPT)
		return false;
	size_t end = IP6_HLEN + ip6_ext_len(IP6_HOPOPT, p + IP6_HLEN, len - IP6_HLEN);
	for (size_t at = IP6_HLEN + 2; at + 2 <= end; ) {
		if (p[at] == IP6_OPT_ROUTER_ALERT)
			return p[at + 1] == 2;
		at += p[at] == IP6_OPT_PAD1 ? 1 : p[at + 1] + 2u;
	}
	return false;
}

bool wire_ip6_frag_parse(struct ip6_frag *f, const uint8_t *p, size_t len)
{
	if (len < IP6_FRAG_HLEN)
		return false;
	uint16_t off = be16_at(p + 2);
	*f = (struct ip6_frag){ .next = p[0], .off = off & 0xfff8, .mf = off & 1, .id = be32_at(p + 4) };
	return true;
}

void wire_ip6_frag_build(uint8_t *p, const struct ip6_frag *f)
{
	p[0] = f->next;
	p[1] = 0;
	be16_put(p + 2, (uint16_t)((f->off & 0xfff8) | (f->mf ? 1 : 0)));
	be32_put(p + 4, f->id);
}

size_t ip6_ext_len(uint8_t next, const uint8_t *p, size_t len)
{
	if (len < 8)
		return 0;
	size_t n = next == IP6_FRAGMENT ? 8 : next == IP6_AH ? (p[1] + 2u) * 4 : (p[1] + 1u) * 8;
	return n <= len ? n : 0;
}

size_t ip6_skip_ext(uint8_t *next, const uint8_t *p, size_t len)
{
	size_t at = 0;
	for (int i = 0; i < IP6_EXT_MAX; i++) {
		if (!ip6_is_ext(*next))
			return at;
		size_t n = ip6_ext_len(*next, p + at, len - at);
		if (!n || (*next == IP6_FRAGMENT && be16_at(p + at + 2) & 0xfff8))
			return SIZE_MAX;
		*next = p[at];
		at += n;
	}
	return SIZE_MAX;
}
