/*
 * Checksum and segmentation offload in software, for wires that lack them (VIRTIO 1.2 5.1.6.2 describes the metadata).
 * A super-segment is TCP over IPv4 or IPv6 without extension headers.  Metadata may come from outside (a TAP device's
 * header), so all of it is checked against the packet before use.
 *
 *	pkt    [IP][TCP][text................................]      hdr_len = IP + TCP
 *	pieces [IP][TCP][gso_size] [IP'][TCP'][gso_size] ... [IP'][TCP'][rest]
 *
 * Each piece differs in length, IPv4 identification, sequence number and checksum; FIN and PSH belong to the last,
 * CWR to the first (RFC 3168 6.1.2: once per window).
 */
#include "link/offload.h"
#include "base/be.h"
#include "base/check.h"
#include "base/cksum.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

enum { PROTO_TCP = 6, TCP_HLEN = 20, TCP_SEQ = 4, TCP_OFF = 12, TCP_FLAGS = 13, TCP_CKSUM = 16, UDP_CKSUM = 6 };
enum { TCP_FIN = 0x01, TCP_PSH = 0x08, TCP_CWR = 0x80 };

enum ol_fate csum_complete(struct ol_pkt *pkt)
{
	size_t field = (size_t)pkt->csum_start + pkt->csum_offset;
	if (pkt->csum_start >= pkt->len || field + 2 > pkt->len)
		return OL_DROP_GSO_BAD;
	/* The pseudo-header's sum already stands in the field, so the sum over all is what is asked for. */
	uint16_t sum = cksum_finish(cksum_add(0, pkt->data + pkt->csum_start, pkt->len - pkt->csum_start));
	/* RFC 768: zero would mean "no checksum".  In TCP it is a sum like any other, and 0xffff never is one (RFC 1624 3). */
	be16_put(pkt->data + field, sum || pkt->csum_offset != UDP_CKSUM ? sum : 0xffff);
	pkt->csum = OL_CSUM_OK;
	return OL_PASS;
}

unsigned gso_pieces(const struct ol_pkt *pkt)
{
	if (pkt->gso == OL_GSO_NONE || !pkt->gso_size || pkt->hdr_len >= pkt->len)
		return 1;
	return (pkt->len - pkt->hdr_len + pkt->gso_size - 1) / pkt->gso_size;
}

/* Where the TCP header begins; 0 when the packet is not what its metadata say. */
static size_t gso_tcp_at(const struct ol_pkt *pkt)
{
	const uint8_t *p = pkt->data;
	size_t at;
	if (!pkt->gso_size || pkt->hdr_len >= pkt->len)
		return 0;
	if (pkt->gso == OL_GSO_TCP4) {
		if (pkt->hdr_len < IP4_HLEN + TCP_HLEN || p[0] >> 4 != 4 || p[9] != PROTO_TCP)
			return 0;
		at = (p[0] & 15u) * 4;
		if (at < IP4_HLEN || be16_at(p + 6) & 0x3fff)
			return 0;
	} else {
		if (pkt->gso != OL_GSO_TCP6 || pkt->hdr_len < IP6_HLEN + TCP_HLEN || p[0] >> 4 != 6 ||
		    p[6] != PROTO_TCP)
			return 0;
		at = IP6_HLEN;
	}
	if (at + TCP_HLEN > pkt->hdr_len)
		return 0;
	return at + (p[at + TCP_OFF] >> 4) * 4u == pkt->hdr_len ? at : 0;
}

static uint32_t pseudo_of(const uint8_t *p, bool v6, uint32_t tcp_len)
{
	struct ol_addr src = ol_addr_from(v6 ? 6 : 4, p + (v6 ? 8 : 12));
	struct ol_addr dst = ol_addr_from(v6 ? 6 : 4, p + (v6 ? 24 : 16));
	return cksum_pseudo(&src, &dst, PROTO_TCP, tcp_len);
}

static void piece_headers(struct ol_pkt *q, const struct ol_pkt *pkt, size_t tcp_at, size_t from, bool first, bool last)
{
	bool v6 = pkt->gso == OL_GSO_TCP6;
	uint8_t *p = q->data, *tcp = p + tcp_at;
	if (v6) {
		wire_ip6_set_len(p, (uint16_t)(q->len - IP6_HLEN));
	} else {
		uint16_t n = (uint16_t)(from / pkt->gso_size);
		bool df = p[6] & 0x40;
		be16_put(p + 2, (uint16_t)q->len);
		wire_ip4_set_frag(p, df ? be16_at(p + 4) : (uint16_t)(be16_at(p + 4) + n), 0, false);
	}
	be32_put(tcp + TCP_SEQ, be32_at(tcp + TCP_SEQ) + (uint32_t)from);
	if (!last)
		tcp[TCP_FLAGS] &= (uint8_t)~(TCP_FIN | TCP_PSH);
	if (!first)
		tcp[TCP_FLAGS] &= (uint8_t)~TCP_CWR;
	q->csum = OL_CSUM_PARTIAL;
	q->csum_start = (uint16_t)tcp_at;
	q->csum_offset = TCP_CKSUM;
	be16_put(tcp + TCP_CKSUM, cksum_fold(pseudo_of(p, v6, (uint32_t)(q->len - tcp_at))));
}

enum ol_fate gso_segment(struct ol_pool *pool, const struct ol_pkt *pkt, bool partial, struct ol_pktq *out)
{
	size_t tcp_at = gso_tcp_at(pkt), text = pkt->len - (size_t)pkt->hdr_len;
	if (!tcp_at || pkt->hdr_len + (size_t)MIN(pkt->gso_size, text) > IP4_MAX)
		return OL_DROP_GSO_BAD;
	struct ol_pktq made;
	ol_pktq_init(&made);
	for (size_t from = 0; from < text; from += pkt->gso_size) {
		size_t n = MIN((size_t)pkt->gso_size, text - from);
		struct ol_pkt *q = ol_pkt_new(pool, pkt->hdr_len + n);
		if (!q) {
			ol_pktq_purge(&made);
			return OL_DROP_NO_MEMORY;
		}
		memcpy(ol_pkt_put(q, pkt->hdr_len), pkt->data, pkt->hdr_len);
		memcpy(ol_pkt_put(q, n), pkt->data + pkt->hdr_len + from, n);
		q->link = pkt->link;
		q->mark = pkt->mark;
		q->note = pkt->note;
		q->time = pkt->time;
		piece_headers(q, pkt, tcp_at, from, from == 0, from + n == text);
		if (!partial)
			csum_complete(q);
		ol_pktq_put(&made, q);
	}
	for (struct ol_pkt *q; (q = ol_pktq_get(&made)); )
		ol_pktq_put(out, q);
	return OL_PASS;
}
