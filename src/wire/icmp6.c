/* RFC 4443 2.1, 2.3. */
#include "wire/icmp6.h"
#include "base/be.h"
#include "base/cksum.h"

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
