/*
 * What a network card does, in software: completing a checksum that was left for the wire, and cutting a super-segment into
 * segments of the wire's size (TSO).  Each piece carries the super-segment's headers with its own length, sequence number
 * and IPv4 identification; FIN and PSH go on the last, CWR on the first (RFC 3168 6.1.2 as offloading cards do it).
 * IPv6 extension headers are not followed: such segments are no super-segments.
 */
#include <outlet/ol_wire.h>
#include <string.h>
#include "driver/driver.h"

enum { IP4_HLEN = 20, IP6_HLEN = 40, TCP_HLEN = 20, PROTO_TCP = 6 };
enum { TCP_FIN = 0x01, TCP_PSH = 0x08, TCP_CWR = 0x80 };
#define TCP_CKSUM_AT 16u

uint64_t driver_cksum_add(uint64_t sum, const uint8_t *p, size_t len)
{
	uint64_t words = 0;			/* in this machine's order; one's complement sums do not mind (RFC 1071 2(B)) */
	size_t n = len & ~(size_t)3;
	for (size_t i = 0; i < n; i += 4) {
		uint32_t v;
		memcpy(&v, p + i, sizeof v);
		words += v;
	}
	uint8_t rest[4] = { 0 };
	memcpy(rest, p + n, len - n);
	uint32_t last;
	memcpy(&last, rest, sizeof last);
	words += last;
	while (words >> 16)
		words = (words & 0xffff) + (words >> 16);
	uint16_t native = (uint16_t)words;
	uint8_t bytes[2];
	memcpy(bytes, &native, sizeof bytes);
	return sum + get16(bytes);
}

uint16_t driver_cksum_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

bool ol_pkt_finish_csum(struct ol_pkt *pkt)
{
	if (pkt->csum != OL_CSUM_PARTIAL)
		return true;
	size_t field = (size_t)pkt->csum_start + pkt->csum_offset;
	if (pkt->csum_start >= pkt->len || field + 2 > pkt->len)
		return false;
	uint64_t sum = driver_cksum_add(0, pkt->data + pkt->csum_start, pkt->len - pkt->csum_start);
	uint16_t v = (uint16_t)~driver_cksum_fold(sum);
	bool udp = pkt->csum_offset == 6;	/* RFC 768: 0 would say that there is none */
	put16(pkt->data + field, v == 0 && udp ? 0xffff : v);
	pkt->csum = OL_CSUM_OK;
	return true;
}

/* To the IP header of an Ethernet frame or bare datagram; 0xffff: no IP. */
static uint16_t ip_at(const struct ol_pkt *pkt)
{
	if (pkt->link != OL_LINK_ETHER)
		return 0;
	if (pkt->len < ETH_HLEN_)
		return 0xffff;
	uint16_t type = get16(pkt->data + 12);
	return type == 0x0800 || type == 0x86dd ? ETH_HLEN_ : 0xffff;
}

bool driver_tcp_find(const struct ol_pkt *pkt, struct driver_tcp *h)
{
	uint16_t ip = ip_at(pkt);
	if (ip == 0xffff || pkt->len < ip + IP4_HLEN)
		return false;
	const uint8_t *p = pkt->data + ip;
	size_t len = pkt->len - ip, hlen;
	if (p[0] >> 4 == 4) {
		hlen = (p[0] & 15u) * 4u;
		if (hlen < IP4_HLEN || get16(p + 2) > len || p[9] != PROTO_TCP || get16(p + 6) & 0x3fff)
			return false;
		len = get16(p + 2);
	} else {
		hlen = IP6_HLEN;
		if (p[0] >> 4 != 6 || len < IP6_HLEN || p[6] != PROTO_TCP || (size_t)get16(p + 4) + IP6_HLEN > len)
			return false;
		len = (size_t)get16(p + 4) + IP6_HLEN;
	}
	if (len < hlen + TCP_HLEN)
		return false;
	size_t thlen = (p[hlen + 12] >> 4) * 4u;
	if (thlen < TCP_HLEN || hlen + thlen > len)
		return false;
	*h = (struct driver_tcp){ .ver = p[0] >> 4, .ip = ip, .tcp = (uint16_t)(ip + hlen), .text = (uint16_t)(ip + hlen + thlen) };
	return true;
}

/* The pseudo-header's sum goes into the field, the rest is owed. */
static void owe_checksum(struct ol_pkt *p, const struct driver_tcp *h)
{
	const uint8_t *ip = p->data + h->ip;
	uint64_t sum = h->ver == 4 ? driver_cksum_add(0, ip + 12, 8) : driver_cksum_add(0, ip + 8, 32);
	sum += PROTO_TCP + (p->len - h->tcp);
	put16(p->data + h->tcp + TCP_CKSUM_AT, driver_cksum_fold(sum));
	p->csum = OL_CSUM_PARTIAL;
	p->csum_start = h->tcp;
	p->csum_offset = TCP_CKSUM_AT;
}

/* Piece number i, whose text begins `at` bytes into the whole. */
static void write_headers(struct ol_pkt *p, const struct driver_tcp *h, unsigned i, size_t at, bool last)
{
	uint8_t *ip = p->data + h->ip, *tcp = p->data + h->tcp;
	if (h->ver == 4) {
		put16(ip + 2, (uint16_t)(p->len - h->ip));
		put16(ip + 4, (uint16_t)(get16(ip + 4) + i));
		put16(ip + 10, 0);
		put16(ip + 10, (uint16_t)~driver_cksum_fold(driver_cksum_add(0, ip, (size_t)(h->tcp - h->ip))));
	} else {
		put16(ip + 4, (uint16_t)(p->len - h->ip - IP6_HLEN));
	}
	put32(tcp + 4, get32(tcp + 4) + (uint32_t)at);
	if (!last)
		tcp[13] &= (uint8_t)~(TCP_FIN | TCP_PSH);
	if (i > 0)
		tcp[13] &= (uint8_t)~TCP_CWR;
	owe_checksum(p, h);
}

unsigned ol_pkt_segment(struct ol_pkt *pkt, struct ol_pktq *out)
{
	struct driver_tcp h;
	struct ol_pktq pieces;
	ol_pktq_init(&pieces);
	if (pkt->gso == OL_GSO_NONE) {
		ol_pktq_put(out, pkt);
		return 1;
	}
	if (!pkt->gso_size || !driver_tcp_find(pkt, &h)) {
		ol_pkt_free(pkt);
		return 0;
	}
	unsigned n = 0;
	size_t text = pkt->len - h.text, at = 0;
	do {
		size_t len = MIN((size_t)pkt->gso_size, text - at);
		struct ol_pkt *p = ol_pkt_new(pkt->pool, h.text + len);
		if (!p)
			break;
		memcpy(ol_pkt_put(p, h.text), pkt->data, h.text);
		memcpy(ol_pkt_put(p, len), pkt->data + h.text + at, len);
		p->link = pkt->link;
		p->note = pkt->note;
		p->time = pkt->time;
		write_headers(p, &h, n++, at, at + len == text);
		ol_pktq_put(&pieces, p);
		at += len;
	} while (at < text);
	bool whole = at == text && n > 0;
	ol_pkt_free(pkt);
	if (!whole) {
		ol_pktq_purge(&pieces);
		return 0;
	}
	for (struct ol_pkt *p; (p = ol_pktq_get(&pieces)); )
		ol_pktq_put(out, p);
	return n;
}
