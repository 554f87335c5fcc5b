/*
 * Van Jacobson's compression of TCP/IPv4 headers, RFC 1144 3.2.2 to 3.2.4.  Both ends of a line keep the headers of the last
 * packet of each connection, in slots; what is sent is what changed, in as few bytes as it takes, and the TCP checksum as it
 * was: whatever went wrong between, it will not fit (4.1).  Both ways work in place.
 *
 *	change mask: - C I P S A W U	   then [slot] checksum [urgent] [window] [ack] [seq] [id]
 *
 * What the RFC's compressor need not look at and ours does: the reserved bits beside the flags, which ECN uses since, go
 * uncompressed when they change.  TCP's options are not compressed (RFC 2507 has a way); with timestamps that tick between
 * two segments the second goes uncompressed.
 */
#include <outlet/ol_serial.h>
#include <stdlib.h>
#include <string.h>
#include "base/be.h"
#include "base/check.h"
#include "base/cksum.h"
#include "wire/ip4.h"
#include "wire/tcp.h"

enum {
	NEW_C = 0x40, NEW_I = 0x20, PUSH = 0x10, NEW_S = 8, NEW_A = 4, NEW_W = 2, NEW_U = 1,
	ECHOED = NEW_S | NEW_W | NEW_U,			/* 3.2.2, special case (1): what came was echoed */
	ONE_WAY = NEW_S | NEW_A | NEW_W | NEW_U,	/* special case (2): data goes one way */
	SPECIALS = ONE_WAY,
	HDR_MAX = 120, TCP = 6,
	/* where the fields lie: in the IP header ... */
	IP_TOS = 1, IP_LEN = 2, IP_ID = 4, IP_FRAG = 6, IP_TTL = 8, IP_PROTO = 9, IP_SUM = 10, IP_SRC = 12,
	/* ... and in the TCP header */
	T_SEQ = 4, T_ACK = 8, T_OFF = 12, T_FLAGS = 13, T_WND = 14, T_SUM = 16, T_URP = 18, T_HLEN = 20,
};
#define IP_PARTS 0x3fffu			/* more fragments, and the offset */

struct slot {
	uint8_t hdr[HDR_MAX];		/* IP and TCP header of the last packet */
	uint8_t ip_len, len;		/* of the IP header; of both.  0: none yet */
	uint64_t used;			/* the compressor's: when */
};
struct ol_vj_tx { unsigned slots, last; bool cid; uint64_t clock; struct slot slot[]; };
struct ol_vj_rx { unsigned slots, last; bool toss; struct slot slot[]; };

struct ol_vj_tx *ol_vj_tx_new(unsigned slots, bool cid)
{
	struct ol_vj_tx *tx = slots >= 1 && slots <= OL_VJ_SLOTS_MAX ? calloc(1, sizeof *tx + slots * sizeof *tx->slot) : NULL;
	if (tx) {
		tx->slots = slots;
		tx->last = OL_VJ_SLOTS_MAX;		/* none: the first packet names its slot */
		tx->cid = cid;
	}
	return tx;
}

void ol_vj_tx_free(struct ol_vj_tx *tx) { free(tx); }

struct ol_vj_rx *ol_vj_rx_new(unsigned slots)
{
	struct ol_vj_rx *rx = slots >= 1 && slots <= OL_VJ_SLOTS_MAX ? calloc(1, sizeof *rx + slots * sizeof *rx->slot) : NULL;
	if (rx) {
		rx->slots = slots;
		rx->toss = true;			/* nothing is known yet */
	}
	return rx;
}

void ol_vj_rx_free(struct ol_vj_rx *rx) { free(rx); }
void ol_vj_error(struct ol_vj_rx *rx) { rx->toss = true; }

/* Text in the packet whose headers these are. */
static uint16_t text_len(const struct slot *s) { return (uint16_t)(be16_at(s->hdr + IP_LEN) - s->len); }

/* ---- 3.2.3: compressor processing --------------------------------------------------------------------------------- */
/* The lengths of both headers, where the packet is one that may be compressed at all. */
static bool compressible(const struct ol_pkt *pkt, unsigned *ip_len, unsigned *len)
{
	const uint8_t *ip = pkt->data;
	if (pkt->len < IP4_HLEN + T_HLEN || ip[0] >> 4 != 4 || ip[IP_PROTO] != TCP || be16_at(ip + IP_FRAG) & IP_PARTS)
		return false;
	unsigned ihl = (ip[0] & 15) * 4u;
	if (ihl < IP4_HLEN || be16_at(ip + IP_LEN) != pkt->len || pkt->len < ihl + T_HLEN)
		return false;
	const uint8_t *tcp = ip + ihl;
	unsigned thl = (tcp[T_OFF] >> 4) * 4u;
	if ((tcp[T_FLAGS] & (TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK)) != TCP_ACK || thl < T_HLEN || pkt->len < ihl + thl)
		return false;
	*ip_len = ihl;
	*len = ihl + thl;
	return true;
}

/* The connection's slot, or the one longest unused (*found false). */
static struct slot *tx_slot(struct ol_vj_tx *tx, const uint8_t *ip, unsigned ip_len, bool *found)
{
	struct slot *oldest = &tx->slot[0];
	for (struct slot *s = tx->slot; s < tx->slot + tx->slots; s++) {
		if (s->len && !memcmp(s->hdr + IP_SRC, ip + IP_SRC, 8) && !memcmp(s->hdr + s->ip_len, ip + ip_len, 4)) {
			*found = true;
			return s;
		}
		if (s->used < oldest->used)
			oldest = s;
	}
	*found = false;
	return oldest;
}

/* All that may not change between two compressed packets, but for the urgent pointer. */
static bool same_rest(const struct slot *s, const uint8_t *ip, unsigned ip_len, unsigned len)
{
	const uint8_t *was = s->hdr, *wt = s->hdr + s->ip_len, *tcp = ip + ip_len;
	const uint8_t may = TCP_PSH | TCP_URG;
	return s->ip_len == ip_len && s->len == len && was[0] == ip[0] && was[IP_TOS] == ip[IP_TOS] &&
	       be16_at(was + IP_FRAG) == be16_at(ip + IP_FRAG) && was[IP_TTL] == ip[IP_TTL] && wt[T_OFF] == tcp[T_OFF] &&
	       (wt[T_FLAGS] | may) == (tcp[T_FLAGS] | may) &&
	       !memcmp(was + IP4_HLEN, ip + IP4_HLEN, ip_len - IP4_HLEN) &&
	       !memcmp(wt + T_HLEN, tcp + T_HLEN, len - ip_len - T_HLEN);
}

/* 3.2.2: one byte, or a zero and two.  Zero itself takes the long form. */
static uint8_t *encode(uint8_t *o, uint16_t v)
{
	if (v == 0 || v > 255) {
		*o++ = 0;
		*o++ = (uint8_t)(v >> 8);
	}
	*o++ = (uint8_t)v;
	return o;
}

/* The changes U, W, A and S, in this order, and the mask in *mask.  NULL: it must go uncompressed. */
static uint8_t *changes(uint8_t *o, const struct slot *s, const uint8_t *ip, unsigned ip_len, uint8_t *mask)
{
	const uint8_t *tcp = ip + ip_len, *was = s->hdr + ip_len;
	uint8_t *start = o, m = 0;
	if (tcp[T_FLAGS] & TCP_URG) {
		o = encode(o, be16_at(tcp + T_URP));
		m |= NEW_U;
	} else if (be16_at(tcp + T_URP) != be16_at(was + T_URP)) {
		return NULL;
	}
	uint16_t wnd = (uint16_t)(be16_at(tcp + T_WND) - be16_at(was + T_WND));
	if (wnd) {
		o = encode(o, wnd);
		m |= NEW_W;
	}
	uint32_t ack = be32_at(tcp + T_ACK) - be32_at(was + T_ACK), seq = be32_at(tcp + T_SEQ) - be32_at(was + T_SEQ);
	if (ack > 0xffff || seq > 0xffff)		/* back, or too far */
		return NULL;
	if (ack) {
		o = encode(o, (uint16_t)ack);
		m |= NEW_A;
	}
	if (seq) {
		o = encode(o, (uint16_t)seq);
		m |= NEW_S;
	}
	uint16_t before = text_len(s);
	bool special = !(was[T_FLAGS] & TCP_URG);	/* appendix A's decompressor leaves URG as it was in a special case */
	if ((m & ECHOED) == ECHOED)			/* it would be read as a special case */
		return NULL;
	if (special && m == NEW_S && seq == before) {
		m = ONE_WAY;
		o = start;
	} else if (special && m == (NEW_S | NEW_A) && seq == before && ack == before) {
		m = ECHOED;
		o = start;
	} else if (!m && (before || be16_at(ip + IP_LEN) == s->len)) {
		return NULL;				/* an ACK repeated, a window probed, text sent again: 4.1 wants a whole header */
	}
	*mask = m;
	return o;
}

static void remember(struct slot *s, const uint8_t *hdr, unsigned ip_len, unsigned len)
{
	memcpy(s->hdr, hdr, len);
	s->ip_len = (uint8_t)ip_len;
	s->len = (uint8_t)len;
}

enum ol_vj ol_vj_compress(struct ol_vj_tx *tx, struct ol_pkt *pkt)
{
	unsigned ip_len, len;
	bool found;
	uint8_t delta[16], mask = 0, *o = NULL, *ip = pkt->data;
	if (!compressible(pkt, &ip_len, &len))
		return OL_VJ_IP;
	struct slot *s = tx_slot(tx, ip, ip_len, &found);
	unsigned id = (unsigned)(s - tx->slot);
	if (found && same_rest(s, ip, ip_len, len))
		o = changes(delta, s, ip, ip_len, &mask);
	uint16_t step = (uint16_t)(be16_at(ip + IP_ID) - be16_at(s->hdr + IP_ID));
	remember(s, ip, ip_len, len);
	s->used = ++tx->clock;
	bool named = !tx->cid || tx->last != id;
	tx->last = id;
	if (!o) {
		ip[IP_PROTO] = (uint8_t)id;
		return OL_VJ_UNCOMPRESSED;
	}
	if (step != 1) {
		o = encode(o, step);
		mask |= NEW_I;
	}
	if (s->hdr[ip_len + T_FLAGS] & TCP_PSH)
		mask |= PUSH;
	size_t n = (size_t)(o - delta);
	ol_pkt_pull(pkt, len);
	memcpy(ol_pkt_push(pkt, n), delta, n);
	memcpy(ol_pkt_push(pkt, 2), s->hdr + ip_len + T_SUM, 2);
	if (named)
		*ol_pkt_push(pkt, 1) = (uint8_t)id;
	*ol_pkt_push(pkt, 1) = mask | (named ? NEW_C : 0);
	return OL_VJ_COMPRESSED;
}

/* ---- 3.2.4: decompressor processing ------------------------------------------------------------------------------- */
static bool tossed(struct ol_vj_rx *rx)
{
	rx->toss = true;
	return false;
}

static bool restore_uncompressed(struct ol_vj_rx *rx, struct ol_pkt *pkt)
{
	uint8_t *ip = pkt->data;
	if (pkt->len < IP4_HLEN + T_HLEN || ip[0] >> 4 != 4)
		return tossed(rx);
	unsigned id = ip[IP_PROTO], ip_len = (ip[0] & 15) * 4u;
	if (id >= rx->slots || ip_len < IP4_HLEN || pkt->len < ip_len + T_HLEN)
		return tossed(rx);
	unsigned len = ip_len + (ip[ip_len + T_OFF] >> 4) * 4u;
	if (len < ip_len + T_HLEN || pkt->len < len || be16_at(ip + IP_LEN) < len)
		return tossed(rx);
	ip[IP_PROTO] = TCP;
	remember(&rx->slot[id], ip, ip_len, len);
	rx->last = id;
	rx->toss = false;
	return true;
}

/* Bytes of a compressed header; past the end there are zeros, and `bad` says so. */
struct reader { const uint8_t *p, *end; bool bad; };
static uint8_t next(struct reader *r)
{
	if (r->p < r->end)
		return *r->p++;
	r->bad = true;
	return 0;
}

static uint16_t decode(struct reader *r)
{
	uint8_t v = next(r);
	if (v)
		return v;
	uint8_t high = next(r);
	return (uint16_t)(high << 8 | next(r));
}

static void add16(uint8_t *field, uint16_t v) { be16_put(field, (uint16_t)(be16_at(field) + v)); }
static void add32(uint8_t *field, uint16_t v) { be32_put(field, be32_at(field) + v); }

/* The changes, on a copy of the saved headers: a packet that ends too early leaves them as they were. */
static void apply(struct slot *s, struct reader *r, uint8_t mask)
{
	uint8_t *tcp = s->hdr + s->ip_len;
	uint16_t before = text_len(s);
	tcp[T_SUM] = next(r);
	tcp[T_SUM + 1] = next(r);
	tcp[T_FLAGS] = (uint8_t)((tcp[T_FLAGS] & ~TCP_PSH) | (mask & PUSH ? TCP_PSH : 0));
	switch (mask & SPECIALS) {
	case ONE_WAY:
		add32(tcp + T_SEQ, before);
		break;
	case ECHOED:
		add32(tcp + T_SEQ, before);
		add32(tcp + T_ACK, before);
		break;
	default:
		tcp[T_FLAGS] = (uint8_t)((tcp[T_FLAGS] & ~TCP_URG) | (mask & NEW_U ? TCP_URG : 0));
		if (mask & NEW_U)
			be16_put(tcp + T_URP, decode(r));
		if (mask & NEW_W)
			add16(tcp + T_WND, decode(r));
		if (mask & NEW_A)
			add32(tcp + T_ACK, decode(r));
		if (mask & NEW_S)
			add32(tcp + T_SEQ, decode(r));
	}
	add16(s->hdr + IP_ID, mask & NEW_I ? decode(r) : 1);
}

static bool restore_compressed(struct ol_vj_rx *rx, struct ol_pkt *pkt)
{
	struct reader r = { pkt->data, pkt->data + pkt->len, false };
	uint8_t mask = next(&r);
	if (mask & NEW_C) {
		unsigned id = next(&r);
		if (r.bad || id >= rx->slots || !rx->slot[id].len)
			return tossed(rx);
		rx->last = id;
		rx->toss = false;
	} else if (rx->toss) {
		return false;
	}
	struct slot *s = &rx->slot[rx->last], now = *s;
	apply(&now, &r, mask);
	size_t text = (size_t)(r.end - r.p);
	if (r.bad || text + now.len > IP4_MAX || ol_pkt_headroom(pkt) + (size_t)(r.p - pkt->data) < now.len)
		return tossed(rx);
	be16_put(now.hdr + IP_LEN, (uint16_t)(text + now.len));
	be16_put(now.hdr + IP_SUM, 0);
	be16_put(now.hdr + IP_SUM, cksum_finish(cksum_add(0, now.hdr, now.ip_len)));
	*s = now;
	ol_pkt_pull(pkt, (size_t)(r.p - pkt->data));
	memcpy(ol_pkt_push(pkt, now.len), now.hdr, now.len);
	return true;
}

bool ol_vj_restore(struct ol_vj_rx *rx, enum ol_vj type, struct ol_pkt *pkt)
{
	switch (type) {
	case OL_VJ_IP:
		return true;
	case OL_VJ_UNCOMPRESSED:
		return restore_uncompressed(rx, pkt);
	case OL_VJ_COMPRESSED:
		return restore_compressed(rx, pkt);
	}
	return tossed(rx);
}
