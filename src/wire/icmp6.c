/* RFC 4443 2.1, 2.3; RFC 4861 4.3, 4.4, 4.6. */
#include "wire/icmp6.h"
#include "base/be.h"
#include "base/cksum.h"
#include <string.h>

enum { PROTO_ICMP6 = 58 };

enum ol_fate wire_icmp6_parse(struct icmp_hdr *h, const uint8_t *p, size_t len, const struct ol_addr *src,
			      const struct ol_addr *dst, bool sum_ok)
{
	/* Informational messages may be four bytes long, but none that is used here is. */
	if (len < ICMP_HLEN)
		return OL_DROP_ICMP_SHORT;
	if (!sum_ok && cksum_finish(cksum_add(cksum_pseudo(src, dst, PROTO_ICMP6, (uint32_t)len), p, len)) != 0)
		return OL_DROP_ICMP_CHECKSUM;
	*h = (struct icmp_hdr){ .type = p[0], .code = p[1], .rest = be32_at(p + 4) };
	return OL_PASS;
}

void wire_icmp6_build(uint8_t *p, const struct icmp_hdr *h, size_t len, const struct ol_addr *src,
		      const struct ol_addr *dst)
{
	p[0] = h->type;
	p[1] = h->code;
	be16_put(p + 2, 0);
	be32_put(p + 4, h->rest);
	be16_put(p + 2, cksum_finish(cksum_add(cksum_pseudo(src, dst, PROTO_ICMP6, (uint32_t)len), p, len)));
}

bool wire_nd_parse(struct nd_msg *m, uint8_t type, const uint8_t *p, size_t len)
{
	if (len < ND_LEN)
		return false;
	struct nd_msg r = { .flags = p[4], .target = ol_addr_from(6, p + 8) };
	uint8_t want = type == ICMP6_NS ? ND_OPT_SLLA : ND_OPT_TLLA;
	size_t at = ND_LEN;
	while (at < len) {
		if (len - at < 2 || !p[at + 1] || p[at + 1] * 8u > len - at)
			return false;		/* RFC 4861 4.6: an option of length zero */
		if (p[at] == want && p[at + 1] == 1) {
			r.has_mac = true;
			memcpy(r.mac.b, p + at + 2, OL_MAC_LEN);
		}
		at += p[at + 1] * 8u;
	}
	*m = r;
	return true;
}

size_t wire_nd_build(uint8_t *p, uint8_t type, const struct nd_msg *m)
{
	memcpy(p + 8, m->target.b, 16);
	if (!m->has_mac)
		return ND_LEN;
	p[ND_LEN] = type == ICMP6_NS ? ND_OPT_SLLA : ND_OPT_TLLA;
	p[ND_LEN + 1] = 1;
	memcpy(p + ND_LEN + 2, m->mac.b, OL_MAC_LEN);
	return ND_LEN + ND_OPT_LEN;
}
