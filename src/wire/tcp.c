/*
 * Reading and writing the TCP header, RFC 9293 3.1.  What is returned is in host order and stays so.  The four reserved
 * bits are ignored on receipt and sent as zero (RFC 9293 3.1, "Rsrvd"), save the last of them, which RFC 9768 named AE.
 */
#include "wire/tcp.h"
#include <assert.h>
#include <stdalign.h>

static_assert(sizeof(struct wire_tcp) == 20 && alignof(struct wire_tcp) == 1, "as on the wire");

enum ol_fate wire_tcp_parse(struct tcp_seg *seg, const uint8_t *p, size_t len)
{
	const struct wire_tcp *h = (const struct wire_tcp *)p;
	if (len < sizeof *h)
		return OL_DROP_TCP_SHORT;
	size_t hlen = (h->off >> 4) * 4u;
	if (hlen < sizeof *h || hlen > len)
		return OL_DROP_TCP_OFFSET;
	*seg = (struct tcp_seg){
		.src = be16_get(h->src), .dst = be16_get(h->dst), .flags = h->flags, .ae = h->off & 1, .wnd = be16_get(h->wnd),
		.seq = seq_from(be32_get(h->seq)), .ack = seq_from(be32_get(h->ack)), .urp = be16_get(h->urp),
		.opt = { p + sizeof *h, hlen - sizeof *h }, .text = { p + hlen, len - hlen },
	};
	return OL_PASS;
}

uint32_t wire_tcp_build(uint8_t *p, const struct tcp_seg *seg, size_t opt_len)
{
	struct wire_tcp *h = (struct wire_tcp *)p;
	h->src = be16_from(seg->src);
	h->dst = be16_from(seg->dst);
	h->seq = be32_from(seg->seq.v);
	h->ack = be32_from(seg->ack.v);
	h->off = (uint8_t)((sizeof *h + opt_len) / 4 << 4 | seg->ae);
	h->flags = seg->flags;
	h->wnd = be16_from(seg->wnd);
	h->cksum = be16_from(0);
	h->urp = be16_from(seg->urp);
	return (uint32_t)seg->src + seg->dst + (seg->seq.v >> 16) + (seg->seq.v & 0xffff) + (seg->ack.v >> 16) +
	       (seg->ack.v & 0xffff) + ((uint32_t)h->off << 8) + seg->flags + seg->wnd + seg->urp;
}
