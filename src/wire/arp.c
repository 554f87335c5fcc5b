/* RFC 826, "Packet format": Ethernet and IPv4 only; anything else is malformed for us. */
#include "wire/arp.h"
#include "base/be.h"
#include <assert.h>
#include <string.h>

struct wire_arp { be16 hrd, pro; uint8_t hln, pln; be16 op; uint8_t sha[6], spa[4], tha[6], tpa[4]; };
static_assert(sizeof(struct wire_arp) == ARP_LEN && _Alignof(struct wire_arp) == 1, "as on the wire");
enum { HRD_ETHERNET = 1, PRO_IP4 = 0x0800 };

enum ol_fate wire_arp_parse(struct arp_pkt *a, const uint8_t *p, size_t len)
{
	const struct wire_arp *w = (const struct wire_arp *)p;
	if (len < sizeof *w || be16_get(w->hrd) != HRD_ETHERNET || be16_get(w->pro) != PRO_IP4)
		return OL_DROP_ARP_BAD;
	if (w->hln != OL_MAC_LEN || w->pln != 4)
		return OL_DROP_ARP_BAD;
	*a = (struct arp_pkt){ .op = be16_get(w->op), .spa = ol_addr_from(4, w->spa), .tpa = ol_addr_from(4, w->tpa) };
	memcpy(a->sha.b, w->sha, OL_MAC_LEN);
	memcpy(a->tha.b, w->tha, OL_MAC_LEN);
	return OL_PASS;
}

void wire_arp_build(uint8_t *p, const struct arp_pkt *a)
{
	struct wire_arp *w = (struct wire_arp *)p;
	*w = (struct wire_arp){ .hrd = be16_from(HRD_ETHERNET), .pro = be16_from(PRO_IP4), .hln = OL_MAC_LEN, .pln = 4,
		.op = be16_from(a->op) };
	memcpy(w->sha, a->sha.b, OL_MAC_LEN);
	memcpy(w->tha, a->tha.b, OL_MAC_LEN);
	memcpy(w->spa, a->spa.b, 4);
	memcpy(w->tpa, a->tpa.b, 4);
}
