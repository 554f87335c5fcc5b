/*
 * Frames of a peer that talks with the stack of fuzz_stack.c: SYNs, segments near the numbers of a conversation, UDP, ICMP
 * and what it says of the last packet; each in a well-formed header of either family, whole or in pieces.  And frames of
 * any bytes.
 */
#include "stack_world.h"
#include <netinet/in.h>

void put(struct world *w, const uint8_t *frame, size_t len, int nic, uint8_t csum)
{
	struct ol_pkt *p = ol_pkt_from(w->pool, frame, len);
	if (p) {
		p->csum = csum;
		ol_stack_input(w->stk, w->ifi[nic], p, w->now);
	}
	drain(w);
}

size_t ether(uint8_t *f, int nic, uint16_t type)
{
	memcpy(f, our_mac[nic].b, 6);
	memcpy(f + 6, their_mac.b, 6);
	be16_put(f + 12, type);
	return ETH;
}

/* The datagram in two fragments, in either order, that meet, overlap or leave a gap. */
static void put_pieces(struct world *w, struct input *in, const uint8_t *f, size_t hlen, size_t len)
{
	uint8_t piece[2200], how = byte(in);
	size_t n = len - hlen, cut = MIN(byte(in) * 8u, n & ~(size_t)7), back = MIN((how & 6) * 4u, cut);
	for (unsigned i = 0; i < 2; i++) {
		bool last = i != (how & 1);
		size_t from = last ? how & 8 ? cut - back : cut : 0, end = last ? n : cut, head = hlen;
		uint8_t *h = piece + ETH;
		memcpy(piece, f, ETH + hlen);
		if (hlen == 20) {
			be16_put(h + 6, (uint16_t)(from / 8 | (last ? 0 : 0x2000)));
			be16_put(h + 2, (uint16_t)(20 + end - from));
			be16_put(h + 10, 0);
			be16_put(h + 10, (uint16_t)~sum(0, h, 20));
		} else {
			memcpy(h + 40, (uint8_t[]){ h[6], 0, 0, 0, 0, 0, 0, how }, 8);
			be16_put(h + 42, (uint16_t)(from | !last));
			h[6] = 44;
			head = 48;
			be16_put(h + 4, (uint16_t)(8 + end - from));
		}
		memcpy(h + head, f + ETH + hlen + from, end - from);
		put(w, piece, ETH + head + end - from, 0, OL_CSUM_OK);
	}
}

/* A well-formed header before `head` and bytes of the script; `twist` makes it a fragment, for others, at its end. */
static void put_ip(struct world *w, struct input *in, int ver, uint8_t proto, const uint8_t *head, size_t head_len)
{
	uint8_t f[2048], twist = byte(in), *h = f + ether(f, 0, ver == 4 ? 0x0800 : 0x86dd);
	size_t hlen = ver == 4 ? 20 : 40, room = byte(in) * (twist & 0x80 ? 5u : 1u);
	memset(h, 0, hlen + 8);			/* of an IPv6 header that follows, too, where the script ends */
	if (ver == 4) {
		memcpy(h, (uint8_t[]){ 0x45, (uint8_t)(twist >> 5 & 3), 0, 0, 0, byte(in), 0, 0, 64, proto }, 10);
		memcpy(h + 12, their4, 4);
		memcpy(h + 16, our4, 4);
		if (twist & 1)
			be16_put(h + 6, word(in) & 0x3fff);
		if (twist & 2)
			h[18] = byte(in) & 1, h[19] = byte(in);
		if (twist & 4)
			h[8] = 1;
		if (twist & 8)
			take(in, h + 12, 8);
	} else {
		memcpy(h, (uint8_t[]){ 0x60, (uint8_t)((twist >> 5 & 3) << 4), 0, 0, 0, 0, proto, 255 }, 8);
		memcpy(h + 8, their6, 16);
		memcpy(h + 24, our6, 16);
		if (twist & 1) {			/* a fragment header, or options */
			h[6] = byte(in) & 1 ? 44 : byte(in) & 1 ? 0 : 60;
			h[40] = proto;
			take(in, h + 41, 7);
			h[41] &= 1;
			hlen += 8;
		}
		if (twist & 2)
			h[25] = byte(in), h[39] = byte(in);
		if (twist & 4)
			h[7] = 1;
		if (twist & 8)
			take(in, h + 8, 32);
		if (twist & 16)				/* multicast: ff02::1, of all; or ff02::1:ff00:1, solicited */
			memcpy(h + 24, byte(in) & 1 ? "\xff\2\0\0\0\0\0\0\0\0\0\0\0\0\0\1" :
			       "\xff\2\0\0\0\0\0\0\0\0\0\1\xff\0\0\1", 16);
	}
	memcpy(h + hlen, head, head_len);
	size_t len = hlen + head_len;
	len += take(in, h + len, room);
	if (ver == 4) {
		be16_put(h + 2, (uint16_t)len);
		be16_put(h + 10, (uint16_t)~sum(0, h, 20));
	} else {
		be16_put(h + 4, (uint16_t)(len - 40));
	}
	if (twist & 0x20 && (ver == 4 || hlen == 40))
		put_pieces(w, in, f, ver == 4 ? 20 : 40, len);
	else
		put(w, f, ETH + len, 0, OL_CSUM_OK);
}

/* As far from where it should be as the script says: some bytes, or some segments. */
static uint32_t offset(struct input *in)
{
	uint8_t b = byte(in);
	return b & 1 ? (uint32_t)((int8_t)b >> 1) * 536u : (uint32_t)((int8_t)b >> 1);
}

/* What a peer's segment carries: the timestamps of the conversation, and ranges it has got, near SND.NXT. */
static uint8_t usual_options(struct input *in, const struct conn *c, uint8_t *o)
{
	uint8_t len = 0, blocks = byte(in);
	if (c->ts) {
		memcpy(o, (uint8_t[]){ 1, 1, 8, 10, 0, 0, 2, byte(in) }, 8);
		be32_put(o + 8, c->tsval - (blocks >> 4));
		len = 12;
	}
	blocks = blocks & 8 ? 0 : blocks & 3;
	if (!blocks)
		return len;
	memcpy(o + len, (uint8_t[]){ 1, 1, 5, (uint8_t)(2 + 8 * blocks) }, 4);
	len += 4;
	for (; blocks; blocks--, len += 8) {
		uint32_t start = c->snd_nxt + offset(in);
		be32_put(o + len, start);
		be32_put(o + len + 4, start + byte(in) * 268u);
	}
	return len;
}

/* A SYN's: the MSS, and the Fast Open cookie we gave last; one that asks for it; or one of the script. */
static uint8_t syn_options(const struct world *w, struct input *in, uint8_t *o)
{
	uint8_t how = byte(in), len = how & 1 && w->cookie[1] ? w->cookie[1] : how & 2 ? 2 : 6 + (how >> 3 & 7) % 7 * 2;
	memset(o, 1, 24);
	memcpy(o, (uint8_t[]){ 2, 4, how >> 6, 0x64 }, 4);
	memcpy(o + 4, w->cookie, len);
	if (!(how & 1))
		take(in, o + 6, len - 2u);
	o[4] = 34, o[5] = len;
	if (how & 4)
		o[6] ^= byte(in);
	return 24;
}

static void put_segment(struct world *w, struct input *in, const struct conn *c, uint8_t flags)
{
	uint8_t how = byte(in), olen = (how >> 3) % 11 * 4, h[60] = { 0 };
	be16_put(h, c->theirs);
	be16_put(h + 2, c->ours);
	be32_put(h + 4, c->rcv_nxt + (how & 1 ? offset(in) : 0));
	be32_put(h + 8, c->snd_nxt + (how & 2 ? offset(in) : 0));
	if (how >= 11 << 3)
		olen = flags & TCP_SYN ? syn_options(w, in, h + 20) : usual_options(in, c, h + 20);
	h[12] = (uint8_t)((20 + olen) / 4 << 4);
	h[13] = flags;
	be16_put(h + 14, how & 4 ? word(in) : 0xffff);
	if (flags & 0x20)
		be16_put(h + 18, byte(in));
	if (how < 11 << 3)
		take(in, h + 20, olen);
	put_ip(w, in, c->ver, IPPROTO_TCP, h, 20u + olen);
}

/* From a new port, or by chance an old one, to the listener. */
void put_syn(struct world *w, struct input *in)
{
	uint8_t how = byte(in);
	struct conn c = { .ver = how & 1 ? 6 : 4, .ours = 80, .theirs = 1000 + (how >> 1 & 3) };
	c.rcv_nxt = word(in) * 65521u;
	put_segment(w, in, &c, TCP_SYN | (how >> 4 & 4 ? 0xc0 : 0));
}

void put_tcp(struct world *w, struct input *in)
{
	uint8_t which = byte(in), flags = byte(in);
	if (w->n_conns)
		put_segment(w, in, &w->conn[which % MIN(w->n_conns, (unsigned)CONNS)], flags);
}

void put_datagram(struct world *w, struct input *in)
{
	uint8_t how = byte(in), h[8];
	be16_put(h, 1000 + (how >> 1 & 7));
	be16_put(h + 2, how & 0x10 ? 80 : w->n_conns ? w->conn[0].ours : 53);
	be16_put(h + 4, how & 0x20 ? word(in) : (uint16_t)(8 + (in->left > 2 ? in->p[1] : 0)));
	be16_put(h + 6, how & 0x40 ? 0 : 1);
	put_ip(w, in, how & 1 ? 6 : 4, IPPROTO_UDP, h, 8);
}

/* Any message; or an error about what was sent last. */
void put_icmp(struct world *w, struct input *in)
{
	uint8_t how = byte(in), h[8 + 128] = { byte(in), byte(in) };
	int ver = how & 1 ? 6 : 4;
	size_t len = 8;
	static const uint8_t some[2][4] = { { 8, 0, 13, 3 }, { 128, 135, 136, 2 } };
	take(in, h + 4, 4);
	if (how & 8)
		h[0] = some[how & 1][h[0] & 3];
	if (how & 1 && (h[0] == 135 || h[0] == 136)) {	/* neighbour discovery: whose address, and its MAC */
		memcpy(h + 8, h[1] & 1 ? their6 : our6, 16);
		memcpy(h + 24, (uint8_t[]){ h[0] == 135 ? 1 : 2, 1, 2, 0, 0, 0, 0, how >> 4 }, 8);
		h[1] = 0;
		len = how & 4 ? 24 : 32;
	} else if (how & 2 && w->last_len > ETH) {
		static const uint8_t types[2][4] = { { 3, 11, 12, 4 }, { 1, 2, 3, 4 } };
		ver = be16_at(w->last + 12) == 0x86dd ? 6 : 4;
		h[0] = types[ver == 6][how >> 2 & 3];
		h[1] %= 16;
		memcpy(h + 8, w->last + ETH, w->last_len - ETH);
		len += w->last_len - ETH;
		if (how & 0x20)
			h[8 + byte(in) % (w->last_len - ETH)] ^= byte(in);
		if (how & 0x40)
			len = 8 + byte(in) % (w->last_len - ETH);
	}
	put_ip(w, in, ver, ver == 6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, h, len);
}

void put_raw(struct world *w, struct input *in)
{
	static const uint16_t type[] = { 0x0800, 0x0806, 0x86dd, 0x8100 };
	uint8_t f[1600], how = byte(in);
	int nic = how >> 4 & 1;
	size_t n = how & 4 ? 0 : ether(f, nic, type[how & 3]);
	n += take(in, f + n, byte(in) * 6u);
	put(w, f, n, nic, how & 8 ? OL_CSUM_NONE : OL_CSUM_OK);
}
