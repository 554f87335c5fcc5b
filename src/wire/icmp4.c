/* RFC 792: the eight bytes that all messages used here begin with, and the checksum over the whole message. */
#include "wire/icmp4.h"
#include "base/be.h"
#include "base/cksum.h"

enum ol_fate wire_icmp4_parse(struct icmp_hdr *h, const uint8_t *p, size_t len, bool sum_ok)
{
	if (len < ICMP_HLEN)
		return OL_DROP_ICMP_SHORT;
	if (!sum_ok && cksum_finish(cksum_add(0, p, len)) != 0)
		return OL_DROP_ICMP_CHECKSUM;
	*h = (struct icmp_hdr){ .type = p[0], .code = p[1], .rest = be32_at(p + 4) };
	return OL_PASS;
}

void wire_icmp4_build(uint8_t *p, const struct icmp_hdr *h, size_t len)
{
	p[0] = h->type;
	p[1] = h->code;
	be16_put(p + 2, 0);
	be32_put(p + 4, h->rest);
	be16_put(p + 2, cksum_finish(cksum_add(0, p, len)));
}

bool icmp4_is_error(uint8_t type)
{
	return type == ICMP4_UNREACH || type == ICMP4_QUENCH || type == ICMP4_REDIRECT || type == ICMP4_TIME_EXCEEDED ||
	       type == ICMP4_PARAM;
}
