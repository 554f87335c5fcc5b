/* RFC 894 framing; RFC 1042 frames are understood (RFC 1122 2.3.3), never sent.  No VLAN tags. */
#include "wire/eth.h"
#include "base/be.h"
#include <assert.h>
#include <string.h>

struct wire_eth { uint8_t dst[6], src[6]; be16 type; };
static_assert(sizeof(struct wire_eth) == ETH_HLEN && _Alignof(struct wire_eth) == 1, "as on the wire");

const struct ol_mac mac_broadcast = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

bool mac_eq(const struct ol_mac *a, const struct ol_mac *b) { return !memcmp(a->b, b->b, OL_MAC_LEN); }
bool mac_is_broadcast(const struct ol_mac *m) { return mac_eq(m, &mac_broadcast); }

bool mac_is_zero(const struct ol_mac *m)
{
	static const struct ol_mac zero;
	return mac_eq(m, &zero);
}

/* A type field below 1536 is a length: then LLC AA-AA-03, SNAP 00-00-00 and the type follow. */
enum ol_fate wire_eth_parse(struct eth_hdr *h, const uint8_t *p, size_t len)
{
	static const uint8_t snap[6] = { 0xaa, 0xaa, 0x03, 0, 0, 0 };
	const struct wire_eth *w = (const struct wire_eth *)p;
	if (len < sizeof *w)
		return OL_DROP_LINK_SHORT;
	struct eth_hdr r = { .type = be16_get(w->type), .hlen = ETH_HLEN };
	memcpy(r.dst.b, w->dst, OL_MAC_LEN);
	memcpy(r.src.b, w->src, OL_MAC_LEN);
	if (r.type < 1536) {
		r.len802 = r.type;
		if (len < ETH_HLEN + 8u || r.len802 < 8 || len < (size_t)ETH_HLEN + r.len802)
			return OL_DROP_LINK_SHORT;
		if (memcmp(p + ETH_HLEN, snap, sizeof snap))
			return OL_DROP_LINK_TYPE;
		r.type = be16_at(p + ETH_HLEN + 6);
		r.hlen = ETH_HLEN + 8;
	}
	*h = r;
	return OL_PASS;
}

void wire_eth_build(uint8_t *p, const struct ol_mac *dst, const struct ol_mac *src, uint16_t type)
{
	struct wire_eth *w = (struct wire_eth *)p;
	memcpy(w->dst, dst->b, OL_MAC_LEN);
	memcpy(w->src, src->b, OL_MAC_LEN);
	w->type = be16_from(type);
}

struct ol_mac mac_of_multicast(const struct ol_addr *g)
{
	if (g->ver == 4)
		return (struct ol_mac){ { 0x01, 0x00, 0x5e, g->b[1] & 0x7f, g->b[2], g->b[3] } };
	return (struct ol_mac){ { 0x33, 0x33, g->b[12], g->b[13], g->b[14], g->b[15] } };
}
