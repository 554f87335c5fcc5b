/*
 * The last step out: what fits goes to the link, what does not is cut into fragments where that is allowed (RFC 791
 * 3.2, RFC 8200 4.5).  Fragments are multiples of 8 bytes, never overlap, and of a super-segment its pieces are cut,
 * not the whole.
 *
 *	[IP][data...........................]            [IP MF][data 0..n) [IP' MF][data n..2n) [IP'][rest]
 *
 * The first fragment keeps all options, later ones those with the copied flag (RFC 791 3.1).
 */
#include "link/offload.h"
#include "net/net_int.h"
#include <endian.h>
#include <string.h>

enum { OPT_COPIED = 0x80 };

uint32_t ip_next_id(struct net *net, const struct ol_addr *src, const struct ol_addr *dst, uint8_t proto)
{
	struct { uint8_t src[16], dst[16]; uint32_t proto; } k = { .proto = htole32(proto) };
	memcpy(k.src, src->b, 16);
	memcpy(k.dst, dst->b, 16);
	return net->id[siphash(net->key_id, &k, sizeof k) % ID_SLOTS]++;
}

uint32_t ip_wire_len(const struct ol_pkt *pkt)
{
	return pkt->gso == OL_GSO_NONE ? pkt->len : MIN(pkt->len, (uint32_t)pkt->hdr_len + pkt->gso_size);
}

/* A fragment with room for `room` bytes, and the marks of the datagram it is of. */
static struct ol_pkt *piece_new(struct net *net, const struct ol_pkt *of, size_t room)
{
	struct ol_pkt *q = ol_pkt_new(net->pool, room);
	if (q) {
		q->note = of->note;
		q->time = of->time;
		q->csum = of->csum;
	}
	return q;
}

/* RFC 791 3.1: of a later fragment, the copied options alone, padded to whole words. */
static uint8_t copied_options(const struct ip4_hdr *h, uint8_t *out)
{
	struct ip4_opt o;
	size_t n = 0;
	for (size_t at = 0; ip4_opt_next(h, &at, &o) && o.len; )
		if (o.type & OPT_COPIED) {
			memcpy(out + n, o.p, o.len);
			n += o.len;
		}
	while (n % 4)
		out[n++] = IP4_OPT_END;
	return (uint8_t)n;
}

static enum ol_fate give(struct ol_pkt *pkt, struct ol_pktq *made, struct ol_pktq *out, enum ol_fate fate)
{
	ol_pkt_free(pkt);
	for (struct ol_pkt *q; (q = ol_pktq_get(made)); )
		if (fate == OL_PASS)
			ol_pktq_put(out, q);
		else
			ol_pkt_free(q);
	return fate;
}

enum ol_fate ip4_fragment(struct net *net, struct ol_pkt *pkt, uint32_t mtu, struct ol_pktq *out)
{
	struct ol_pktq made;
	struct ip4_hdr h, later;
	uint8_t opts[IP4_HLEN_MAX];
	ol_pktq_init(&made);
	if (wire_ip4_parse(&h, pkt->data, pkt->len) != OL_PASS || mtu < h.hlen + 8u)
		return give(pkt, &made, out, OL_DROP_IP_TOO_BIG);
	if (pkt->csum == OL_CSUM_PARTIAL && csum_complete(pkt) != OL_PASS)
		return give(pkt, &made, out, OL_DROP_GSO_BAD);
	later = h;
	later.opt = opts;
	later.hlen = (uint8_t)(IP4_HLEN + copied_options(&h, opts));
	size_t data = (size_t)h.len - h.hlen;
	for (size_t at = 0; at < data; ) {
		struct ip4_hdr f = at ? later : h;
		size_t room = (mtu - f.hlen) & ~(size_t)7, n = MIN(room, data - at);
		struct ol_pkt *q = piece_new(net, pkt, f.hlen + n);
		if (!q)
			return give(pkt, &made, out, OL_DROP_NO_MEMORY);
		f.len = (uint16_t)(f.hlen + n);
		f.off = (uint16_t)(h.off + at);
		f.mf = h.mf || at + n < data;
		uint8_t *head = ol_pkt_put(q, f.hlen);
		wire_ip4_build(head, &f);
		memcpy(ol_pkt_put(q, n), pkt->data + h.hlen + at, n);
		ol_pktq_put(&made, q);
		at += n;
	}
	return give(pkt, &made, out, OL_PASS);
}

/* RFC 8200 4.5: hop-by-hop, destination options before a routing header, and that header stay in front of the cut. */
static size_t unfragmentable(const struct ol_pkt *pkt, uint8_t first, size_t *next_at)
{
	size_t at = IP6_HLEN, last = IP6_HLEN, named = 6;
	uint8_t next = first;
	*next_at = 6;
	for (int i = 0; i < IP6_EXT_MAX && (next == IP6_HOPOPT || next == IP6_ROUTING || next == IP6_DSTOPT); i++) {
		size_t n = ip6_ext_len(next, pkt->data + at, pkt->len - at);
		if (!n)
			break;
		bool stays = next != IP6_DSTOPT;
		named = at;
		next = pkt->data[at];
		at += n;
		if (stays) {
			last = at;
			*next_at = named;
		}
	}
	return last;
}

enum ol_fate ip6_fragment(struct net *net, struct ol_pkt *pkt, uint32_t mtu, struct ol_pktq *out)
{
	struct ol_pktq made;
	struct ip6_hdr h;
	ol_pktq_init(&made);
	if (wire_ip6_parse(&h, pkt->data, pkt->len) != OL_PASS)
		return give(pkt, &made, out, OL_DROP_IP_TOO_BIG);
	size_t next_at, front = unfragmentable(pkt, h.next, &next_at);
	size_t room = mtu > front + IP6_FRAG_HLEN ? (mtu - front - IP6_FRAG_HLEN) & ~(size_t)7 : 0;
	if (!room || !ip6_chain_is_whole(pkt->data[next_at], pkt->data + front, MIN(room, pkt->len - front)))
		return give(pkt, &made, out, OL_DROP_IP_TOO_BIG);	/* RFC 7112 5: a program's headers may be longer than that */
	if (pkt->csum == OL_CSUM_PARTIAL && csum_complete(pkt) != OL_PASS)
		return give(pkt, &made, out, OL_DROP_GSO_BAD);
	struct ip6_frag f = { .id = ip_next_id(net, &h.src, &h.dst, IP6_FRAGMENT), .next = pkt->data[next_at] };
	size_t data = pkt->len - front;
	for (size_t at = 0; at < data; ) {
		size_t n = MIN(room, data - at);
		struct ol_pkt *q = piece_new(net, pkt, front + IP6_FRAG_HLEN + n);
		if (!q)
			return give(pkt, &made, out, OL_DROP_NO_MEMORY);
		uint8_t *head = ol_pkt_put(q, front + IP6_FRAG_HLEN);
		memcpy(head, pkt->data, front);
		head[next_at] = IP6_FRAGMENT;
		wire_ip6_set_len(head, (uint16_t)(front - IP6_HLEN + IP6_FRAG_HLEN + n));
		f.off = (uint16_t)at;
		f.mf = at + n < data;
		wire_ip6_frag_build(head + front, &f);
		memcpy(ol_pkt_put(q, n), pkt->data + front + at, n);
		ol_pktq_put(&made, q);
		at += n;
	}
	return give(pkt, &made, out, OL_PASS);
}

static enum ol_fate send_all(struct net *net, const struct hop *hop, struct ol_pktq *q, ol_time now)
{
	enum ol_fate fate = OL_DONE;
	for (struct ol_pkt *p; (p = ol_pktq_get(q)); ) {
		enum ol_fate f = link_output(net->link, hop->ifi, &hop->next, hop->broadcast, p, now);
		fate = fate == OL_DONE ? f : fate;
	}
	return fate;
}

enum ol_fate ip_send(struct net *net, const struct hop *hop, struct ol_pkt *pkt, bool may_fragment, ol_time now)
{
	if (ip_wire_len(pkt) <= hop->mtu)
		return link_output(net->link, hop->ifi, &hop->next, hop->broadcast, pkt, now);
	if (!may_fragment)
		return net_drop(net, pkt, OL_DROP_IP_TOO_BIG);
	struct ol_pktq whole, cut;
	ol_pktq_init(&whole);
	ol_pktq_init(&cut);
	if (pkt->gso != OL_GSO_NONE) {
		enum ol_fate fate = gso_segment(net->pool, pkt, false, &whole);
		if (fate != OL_PASS)
			return net_drop(net, pkt, fate);
		ol_pkt_free(pkt);
	} else {
		ol_pktq_put(&whole, pkt);
	}
	enum ol_fate fate = OL_PASS;
	for (struct ol_pkt *p; (p = ol_pktq_get(&whole)); ) {
		bool v4 = p->data[0] >> 4 == 4;
		enum ol_fate f = (v4 ? ip4_fragment : ip6_fragment)(net, p, hop->mtu, &cut);
		fate = f == OL_PASS ? fate : f;
	}
	if (fate != OL_PASS) {
		ol_pktq_purge(&cut);
		return net_drop(net, NULL, fate);
	}
	return send_all(net, hop, &cut, now);
}
