/* RFC 768: four fields, and a checksum that IPv4 may leave out and IPv6 may not (RFC 8200 8.1). */
#include "wire/udp.h"
#include <netinet/in.h>
#include "base/cksum.h"

enum ol_fate wire_udp_parse(struct udp_dgram *d, const uint8_t *p, size_t len)
{
	const struct wire_udp *h = (const struct wire_udp *)p;
	if (len < sizeof *h)
		return OL_DROP_UDP_SHORT;
	size_t says = be16_get(h->len);
	if (says < sizeof *h || says > len)
		return OL_DROP_UDP_LENGTH;
	*d = (struct udp_dgram){
		.src = be16_get(h->src), .dst = be16_get(h->dst), .len = (uint16_t)says, .cksum = be16_get(h->cksum),
	};
	return OL_PASS;
}

bool wire_udp_cksum_ok(const struct udp_dgram *d, const uint8_t *p, const struct ol_addr *src, const struct ol_addr *dst)
{
	if (!d->cksum)
		return dst->ver == 4;
	return cksum_finish(cksum_add(cksum_pseudo(src, dst, IPPROTO_UDP, d->len), p, d->len)) == 0;
}

void wire_udp_put(uint8_t *p, const struct udp_dgram *d)
{
	struct wire_udp *h = (struct wire_udp *)p;
	*h = (struct wire_udp){ be16_from(d->src), be16_from(d->dst), be16_from(d->len), be16_from(d->cksum) };
}
