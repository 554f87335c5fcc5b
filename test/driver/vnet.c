/* The virtio-net header both ways, and what a lying one gets. */
#include "unit.h"
#include <stdlib.h>
#include "driver/driver.h"
#include "driver/vnet.h"

/* Ethernet, IPv4, TCP with 12 bytes of options, text. */
static struct ol_pkt *segment(struct ol_pool *pool, size_t text)
{
	struct ol_pkt *p = ol_pkt_new(pool, 66 + text);
	uint8_t *b = ol_pkt_put(p, 66 + text);
	memset(b, 0, 66 + text);
	put16(b + 12, 0x0800);
	b[14] = 0x45; b[23] = 6;
	put16(b + 16, (uint16_t)(52 + text));
	b[46] = 8 << 4;
	p->link = OL_LINK_ETHER;
	return p;
}

TEST(vnet_carries_a_super_segment_both_ways)
{
	struct ol_pool *pool = ol_pool_new(0);
	struct ol_pkt *p = segment(pool, 5000), *q = segment(pool, 5000);
	p->csum = OL_CSUM_PARTIAL;
	p->csum_start = 34;
	p->csum_offset = 16;
	p->gso = OL_GSO_TCP4;
	p->gso_size = 1448;
	struct virtio_net_hdr h = vnet_from_pkt(p);
	eq(h.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	eq(h.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	eq(h.gso_size, 1448);
	eq(h.hdr_len, 66);
	eq(h.csum_start, 34);
	eq(h.csum_offset, 16);
	ok(vnet_to_pkt(&h, q));
	ok(q->csum == OL_CSUM_PARTIAL && q->csum_start == 34 && q->csum_offset == 16);
	ok(q->gso == OL_GSO_TCP4 && q->gso_size == 1448 && q->hdr_len == 66);
	p->data[47] = 0x80;
	eq(vnet_from_pkt(p).gso_type, VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN);
	ol_pkt_free(p);
	ol_pkt_free(q);
	ol_pool_free(pool);
}

TEST(vnet_says_who_verified)
{
	struct ol_pool *pool = ol_pool_new(0);
	struct ol_pkt *p = segment(pool, 10);
	struct virtio_net_hdr h = { 0 };
	ok(vnet_to_pkt(&h, p) && p->csum == OL_CSUM_NONE);
	h.flags = VIRTIO_NET_HDR_F_DATA_VALID;
	ok(vnet_to_pkt(&h, p) && p->csum == OL_CSUM_OK);
	eq(vnet_from_pkt(p).flags, VIRTIO_NET_HDR_F_DATA_VALID);
	h.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
	h.gso_size = 1448;			/* it is no longer than one piece: no super-segment */
	ok(vnet_to_pkt(&h, p) && p->gso == OL_GSO_NONE);
	ol_pkt_free(p);
	ol_pool_free(pool);
}

TEST(vnet_header_that_lies_is_found_out)
{
	struct ol_pool *pool = ol_pool_new(0);
	struct ol_pkt *p = segment(pool, 3000);
	const struct virtio_net_hdr bad[] = {
		{ .flags = 1, .csum_start = 3066 }, { .flags = 1, .csum_start = 65535, .csum_offset = 65535 },
		{ .flags = 1, .csum_start = 3050, .csum_offset = 15 },
		{ .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 0 }, { .gso_type = VIRTIO_NET_HDR_GSO_TCPV6, .gso_size = 1000 },
		{ .gso_type = VIRTIO_NET_HDR_GSO_UDP, .gso_size = 1000 }, { .gso_type = 77, .gso_size = 1000 },
		{ .flags = 1, .csum_start = 14, .csum_offset = 10, .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 1000 },
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(!vnet_to_pkt(&bad[i], p));
	srand(3);
	for (int i = 0; i < 100000; i++) {	/* whatever is taken lies inside */
		union { struct virtio_net_hdr h; uint8_t b[sizeof(struct virtio_net_hdr)]; } u;
		for (size_t k = 0; k < sizeof u.b; k++)
			u.b[k] = (uint8_t)(rand() % 3 ? rand() % 16 : rand());
		if (i % 4 == 0)
			p->data[14 + rand() % 40] = (uint8_t)rand();
		if (!vnet_to_pkt(&u.h, p))
			continue;
		if (p->csum == OL_CSUM_PARTIAL)
			ok((size_t)p->csum_start + p->csum_offset + 2 <= p->len);
		if (p->gso)
			ok(p->gso_size && p->hdr_len < p->len);
	}
	ol_pkt_free(p);
	ol_pool_free(pool);
}
