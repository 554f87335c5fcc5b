/*
 * The virtio-net header, VIRTIO 1.2 5.1.6.2 and 5.1.6.4, and a packet's own offload metadata: the same facts in two forms.
 * Left out: UDP segmentation, which is never negotiated.
 */
#include <string.h>
#include "driver/driver.h"
#include "driver/vnet.h"

struct virtio_net_hdr vnet_from_pkt(const struct ol_pkt *pkt)
{
	struct virtio_net_hdr h;
	memset(&h, 0, sizeof h);
	if (pkt->csum == OL_CSUM_PARTIAL) {
		h.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		h.csum_start = pkt->csum_start;
		h.csum_offset = pkt->csum_offset;
	} else if (pkt->csum == OL_CSUM_OK) {
		h.flags = VIRTIO_NET_HDR_F_DATA_VALID;
	}
	struct driver_tcp t;
	if (pkt->gso != OL_GSO_NONE && driver_tcp_find(pkt, &t)) {
		h.gso_type = t.ver == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
		if (pkt->data[t.tcp + 13] & 0x80)		/* CWR: only the first piece may carry it */
			h.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
		h.gso_size = pkt->gso_size;
		h.hdr_len = t.text;
	}
	return h;
}

bool vnet_to_pkt(const struct virtio_net_hdr *h, struct ol_pkt *pkt)
{
	pkt->csum = OL_CSUM_NONE;
	pkt->gso = OL_GSO_NONE;
	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		if (h->csum_start >= pkt->len || (size_t)h->csum_start + h->csum_offset + 2 > pkt->len)
			return false;
		pkt->csum = OL_CSUM_PARTIAL;
		pkt->csum_start = h->csum_start;
		pkt->csum_offset = h->csum_offset;
	} else if (h->flags & VIRTIO_NET_HDR_F_DATA_VALID) {
		pkt->csum = OL_CSUM_OK;
	}
	unsigned type = h->gso_type & ~(unsigned)VIRTIO_NET_HDR_GSO_ECN;
	if (type == VIRTIO_NET_HDR_GSO_NONE)
		return true;
	struct driver_tcp t;
	if (!driver_tcp_find(pkt, &t) || !h->gso_size)
		return false;
	if (type != (t.ver == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6))
		return false;
	if (pkt->csum == OL_CSUM_PARTIAL && (pkt->csum_start != t.tcp || pkt->csum_offset != 16))
		return false;
	if (pkt->len - t.text <= h->gso_size)
		return true;			/* it fits in one: nothing to cut */
	pkt->gso = t.ver == 4 ? OL_GSO_TCP4 : OL_GSO_TCP6;
	pkt->gso_size = h->gso_size;
	pkt->hdr_len = t.text;			/* theirs is a hint, and may lie */
	return true;
}
