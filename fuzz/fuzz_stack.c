/*
 * A whole stack.  The input is a script: each step puts in a frame, moves time on, or makes a socket call.  The stack
 * has two Ethernet interfaces and the loopback, a listener, connections, UDP and raw sockets, and it forwards.  Frames
 * are arbitrary, or well formed up to the header the step is about: segments carry numbers near those the stack sent
 * last, ICMP errors quote its last packet, for both families.  Checksums are taken as good, or the fuzzer would only
 * test them.
 *
 * After each step the stack's own beliefs are checked (ol_stack_check), no timer may be left due, and what it sends
 * must be well formed; at the end every packet buffer must have come back.
 */
#include <outlet/ol_sock.h>
#include <outlet/ol_stack.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/be.h"
#include "base/check.h"
#include "must.h"

enum { SOCKS = 8, CONNS = 4, STEPS = 400, ETH = 14, MAX_OUT = 20000 };
enum { TCP_FIN = 1, TCP_SYN = 2 };

struct input { const uint8_t *p; size_t left; };
/* A conversation that the stack has on the wire, as its last segment told it. */
struct conn { int ver; uint16_t ours, theirs; uint32_t snd_nxt, rcv_nxt, tsval; bool ts; };
struct world {
	struct ol_pool *pool;
	struct ol_stack *stk;
	int ifi[2];
	ol_time now;
	ol_sock s[SOCKS];
	struct conn conn[CONNS];
	unsigned n_conns;
	uint8_t last[ETH + 128];	/* the beginning of the last frame sent */
	size_t last_len;
	bool raw;			/* a program made packets of its own */
	uint8_t cookie[18];		/* the newest Fast Open option on a SYN-ACK of ours */
};

static const struct ol_mac our_mac[2] = { { { 2, 0, 0, 0, 0, 1 } }, { { 2, 0, 0, 0, 0, 3 } } };
static const struct ol_mac their_mac = { { 2, 0, 0, 0, 0, 2 } };
static const uint8_t our4[4] = { 10, 0, 0, 1 }, their4[4] = { 10, 0, 0, 2 };
static const uint8_t our6[16] = { 0xfd, [15] = 1 }, their6[16] = { 0xfd, [15] = 2 };

static uint8_t byte(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->p++;
}

static uint16_t word(struct input *in)
{
	uint8_t high = byte(in);
	return (uint16_t)(high << 8 | byte(in));
}

static size_t take(struct input *in, void *to, size_t len)
{
	len = MIN(len, in->left);
	memcpy(to, in->p, len);
	in->p += len;
	in->left -= len;
	return len;
}

/* ---- what the stack sends ---------------------------------------------------------------------------------------- */
static uint32_t sum(uint32_t s, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		s += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static void note_conn(struct world *w, int ver, const uint8_t *h, size_t len)
{
	size_t hlen = (h[12] >> 4) * 4u;
	must(len >= 20 && hlen >= 20 && hlen <= len);
	struct conn c = { .ver = ver, .ours = be16_at(h), .theirs = be16_at(h + 2), .rcv_nxt = be32_at(h + 8) };
	c.snd_nxt = be32_at(h + 4) + (uint32_t)(len - hlen) + (h[13] & TCP_SYN ? 1 : 0) + (h[13] & TCP_FIN ? 1 : 0);
	for (size_t at = 20; at + 10 <= hlen && h[at]; at += h[at] == 1 ? 1 : h[at + 1]) {
		must(h[at] == 1 || h[at + 1] >= 2);
		if (h[at] == 8) {
			c.ts = true;
			c.tsval = be32_at(h + at + 2);
		}
		if (h[at] == 34 && h[at + 1] > 2 && h[at + 1] <= sizeof w->cookie && at + h[at + 1] <= hlen)
			memcpy(w->cookie, h + at, h[at + 1]);
	}
	unsigned i = 0, n = MIN(w->n_conns, (unsigned)CONNS);
	for (struct conn *o = w->conn; i < n && (o->ver != ver || o->ours != c.ours || o->theirs != c.theirs); o++)
		i++;
	if (i == n)
		i = w->n_conns++ % CONNS;
	w->conn[i] = c;
}

/* Whole, of its own length, not above the MTU; its own segments with a good checksum. */
static void look(struct world *w, const struct ol_pkt *p)
{
	const uint8_t *ip = p->data + ETH, *src, *up;
	must(p->len >= ETH && p->len <= ETH + 1500 && p->csum != OL_CSUM_PARTIAL);
	size_t len = p->len - ETH, head;
	uint8_t proto;
	uint32_t s;
	if (w->raw)
		return;
	if (be16_at(p->data + 12) == 0x0800) {
		head = (ip[0] & 15) * 4u;
		must(len >= 20 && ip[0] >> 4 == 4);
		must(be16_at(ip + 2) == len || (be16_at(ip + 2) < len && p->len == 60));
		len = be16_at(ip + 2);		/* without Ethernet's padding */
		must(head >= 20 && head <= len && sum(0, ip, head) == 0xffff);
		src = ip + 12;
		proto = be16_at(ip + 6) & 0x3fff ? 0 : ip[9];
		s = sum(0, ip + 12, 8);
	} else if (be16_at(p->data + 12) == 0x86dd) {
		head = 40;
		must(len >= 40 && ip[0] >> 4 == 6 && be16_at(ip + 4) == len - 40);
		src = ip + 8;
		proto = ip[6];
		s = sum(0, ip + 8, 32);
	} else {
		return;
	}
	up = ip + head;
	len -= head;
	if (memcmp(src, head == 40 ? our6 : our4, head == 40 ? 16 : 4) != 0 || proto != IPPROTO_TCP)
		return;				/* forwarded, or no segment */
	must(sum(s + proto + (uint32_t)len, up, len) == 0xffff);
	note_conn(w, ip[0] >> 4, up, len);
}

static void drain(struct world *w)
{
	int n = 0;
	for (int ifi; (ifi = ol_stack_pending(w->stk)); n++) {
		struct ol_pkt *p = ol_stack_output(w->stk, ifi, w->now);
		must(n < MAX_OUT);		/* it must come to an end by itself */
		if (!p)
			continue;
		if (p->link == OL_LINK_LOOP) {
			ol_stack_input(w->stk, ifi, p, w->now);
			continue;
		}
		look(w, p);
		w->last_len = MIN(p->len, sizeof w->last);
		memcpy(w->last, p->data, w->last_len);
		ol_pkt_free(p);
	}
}

/* ---- frames ------------------------------------------------------------------------------------------------------ */
static void put(struct world *w, const uint8_t *frame, size_t len, int nic, uint8_t csum)
{
	struct ol_pkt *p = ol_pkt_from(w->pool, frame, len);
	if (p) {
		p->csum = csum;
		ol_stack_input(w->stk, w->ifi[nic], p, w->now);
	}
	drain(w);
}

static size_t ether(uint8_t *f, int nic, uint16_t type)
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
	memset(h, 0, hlen);
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
static void put_syn(struct world *w, struct input *in)
{
	uint8_t how = byte(in);
	struct conn c = { .ver = how & 1 ? 6 : 4, .ours = 80, .theirs = 1000 + (how >> 1 & 3) };
	c.rcv_nxt = word(in) * 65521u;
	put_segment(w, in, &c, TCP_SYN | (how >> 4 & 4 ? 0xc0 : 0));
}

static void put_tcp(struct world *w, struct input *in)
{
	uint8_t which = byte(in), flags = byte(in);
	if (w->n_conns)
		put_segment(w, in, &w->conn[which % MIN(w->n_conns, (unsigned)CONNS)], flags);
}

static void put_datagram(struct world *w, struct input *in)
{
	uint8_t how = byte(in), h[8];
	be16_put(h, 1000 + (how >> 1 & 7));
	be16_put(h + 2, how & 0x10 ? 80 : w->n_conns ? w->conn[0].ours : 53);
	be16_put(h + 4, how & 0x20 ? word(in) : (uint16_t)(8 + (in->left > 2 ? in->p[1] : 0)));
	be16_put(h + 6, how & 0x40 ? 0 : 1);
	put_ip(w, in, how & 1 ? 6 : 4, IPPROTO_UDP, h, 8);
}

/* Any message; or an error about what was sent last. */
static void put_icmp(struct world *w, struct input *in)
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

/* A message of IGMP or MLD in a datagram as they come in: a query about all groups, ours or any, or what another host says. */
static const uint8_t group4[4] = { 239, 1, 1, 1 }, group6[16] = { 0xff, 5, [15] = 1 };

static void put_group(struct world *w, struct input *in)
{
	static const uint8_t types[2][4] = { { 0x11, 0x12, 0x16, 0x22 }, { 130, 131, 132, 143 } };
	uint8_t how = byte(in), f[256] = { 0 }, v6 = how & 1, *h = f + ether(f, 0, v6 ? 0x86dd : 0x0800), *m = h + (v6 ? 48 : 24);
	size_t alen = v6 ? 16 : 4, at = v6 ? 8 : 4, tail = how & 8 ? 4u + byte(in) % 70 : 0, len = at + alen + tail;
	take(in, m, len);
	m[0] = types[v6][how >> 1 & 3];
	if (how & 0x10)
		memcpy(m + at, v6 ? group6 : group4, alen);
	else if (how & 0x20)
		memset(m + at, 0, alen);
	if (tail && how & 0x40)
		be16_put(m + at + alen + 2, (uint16_t)((tail - 4) / alen));
	be16_put(m + 2, 0);
	if (v6) {
		memcpy(h, (uint8_t[]){ 0x60, 0, 0, 0, 0, (uint8_t)(8 + len), 0, 1, 0xfe, 0x80, [23] = 2, 0xff, 2, [39] = 1 }, 40);
		memcpy(h + 40, (uint8_t[]){ IPPROTO_ICMPV6, 0, 5, 2, 0, 0, 1, 0 }, 8);
	} else {
		memcpy(h, (uint8_t[]){ 0x46, 0xc0, 0, (uint8_t)(24 + len), 0, 0, 0, 0, 1, IPPROTO_IGMP, 0, 0, 10, 0, 0, 2, 224, 0, 0, 1, 148, 4 }, 22);
		be16_put(m + 2, (uint16_t)~sum(0, m, len));
		be16_put(h + 10, (uint16_t)~sum(0, h, 24));
	}
	put(w, f, (size_t)(m - f) + len, 0, OL_CSUM_OK);
}

/* A datagram with options: those somebody sends, with a pointer and a length of the script's; or all the script's. */
static void put_options(struct world *w, struct input *in, uint8_t how)
{
	static const uint8_t types[8] = { 7, 68, 131, 137, 148, 136, 1, 0 }, protos[4] = { IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_TCP, 200 };
	uint8_t f[ETH + 60 + 64] = { 0 }, *h = f + ether(f, 0, 0x0800), *o = h + 20, room = (uint8_t)(4 * (1 + byte(in) % 10));
	if (how & 4) {
		take(in, o, room);
	} else {
		for (uint8_t at = 0; at + 3 < room; at = (uint8_t)(at + o[at + 1])) {
			uint8_t say = byte(in);
			memcpy(o + at, (uint8_t[]){ types[say & 7], (uint8_t)(3 + (say >> 3 & 15)), (uint8_t)(4 + byte(in) % 36) }, 3);
			o[at + 1] = MIN(o[at + 1], (uint8_t)(room - at));
			memcpy(o + at + 3, our4, MIN(4, room - at - 3));
			if (say & 0x80)
				take(in, o + at + 3, room - at - 3u);
		}
	}
	size_t hlen = 20u + room, len = hlen + 40;
	memcpy(h, (uint8_t[]){ (uint8_t)(0x40 | hlen / 4), 0, 0, (uint8_t)len, 0, 1, 0, 0, 64, protos[how >> 4 & 3] }, 10);
	memcpy(h + 12, their4, 4);
	memcpy(h + 16, how & 8 ? (uint8_t[4]){ 10, 0, 1, 7 } : our4, 4);
	take(in, h + hlen, 12);
	if (protos[how >> 4 & 3] == IPPROTO_ICMP)
		h[hlen] = 8, h[hlen + 1] = 0;
	be16_put(h + 10, (uint16_t)~sum(0, h, hlen));
	put(w, f, ETH + len, 0, OL_CSUM_OK);
}

/* A redirect about a datagram of ours that left by the gateway 10.0.0.2, as the routes that administer() adds have it. */
static void put_redirect(struct world *w, struct input *in, uint8_t how)
{
	uint8_t f[ETH + 20 + 8 + 28] = { 0 }, *h = f + ether(f, 0, 0x0800), *m = h + 20;
	memcpy(h, (uint8_t[]){ 0x45, 0, 0, 56, 0, 1, 0, 0, 255, IPPROTO_ICMP, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1 }, 20);
	memcpy(m, (uint8_t[]){ 5, how >> 4 & 7, 0, 0, 10, 0, 0, byte(in) }, 8);
	memcpy(m + 8, (uint8_t[]){ 0x45, 0, 0, 60, 0, 0, 0, 0, 64, IPPROTO_UDP, 0, 0, 10, 0, 0, 1, 10, 9, 0, byte(in) }, 20);
	be16_put(h + 10, (uint16_t)~sum(0, h, 20));
	put(w, f, sizeof f, 0, OL_CSUM_OK);
}

/* Another station that asks, answers, probes or announces; and how addresses are watched, with one given up and claimed anew. */
static void put_arp(struct world *w, struct input *in, uint8_t how)
{
	static const uint8_t said[4][4] = { { 10, 0, 0, 1 }, { 0 }, { 10, 0, 0, 2 }, { 10, 0, 0, 3 } };
	uint8_t f[60] = { 0 }, *a = f + ether(f, 0, 0x0806);
	if (how & 4) {
		struct ol_addr mine = ol_addr_from(4, our4);
		must(!ol_iface_acd(w->stk, w->ifi[0], (enum ol_acd)((how >> 3 & 7) % 3), (enum ol_defend)((how >> 6) % 3)));
		ol_addr_del(w->stk, w->ifi[0], &mine);
		ol_addr_add(w->stk, w->ifi[0], &mine, 24);
		drain(w);
		return;
	}
	memcpy(a, (uint8_t[]){ 0, 1, 8, 0, 6, 4, 0, how & 8 ? 2 : 1, 2, 0, 0, 0, 0, byte(in) & 7 }, 14);
	memcpy(a + 14, said[how >> 4 & 3], 4);
	memcpy(a + 24, said[how >> 6 & 3], 4);
	put(w, f, sizeof f, 0, OL_CSUM_OK);
}

static void put_ip4(struct world *w, struct input *in)
{
	uint8_t how = byte(in);
	if ((how & 3) == 2)
		put_arp(w, in, how);
	else if ((how & 3) == 3)
		put_redirect(w, in, how);
	else
		put_options(w, in, how);
}

/* One option of neighbour discovery, of its usual length: what it says is the script's, most of it. */
static size_t router_option(struct input *in, uint8_t *o)
{
	static const struct { uint8_t type, units; } usual[8] = { { 1, 1 }, { 3, 4 }, { 3, 4 }, { 5, 1 }, { 24, 3 }, { 25, 3 }, { 31, 4 }, { 2, 1 } };
	uint8_t how = byte(in), units = usual[how & 7].units;
	memset(o, 0, 32);
	memcpy(o, (uint8_t[]){ usual[how & 7].type, how & 0x40 ? byte(in) & 7 : units }, 2);
	if (o[0] == 3) {			/* a prefix: its length, its flags, its lifetimes of some size */
		memcpy(o + 2, (uint8_t[]){ how & 8 ? byte(in) : 64, byte(in), 0, 0, byte(in), byte(in), 0, 0, byte(in), byte(in) }, 10);
		memcpy(o + 16, (uint8_t[]){ 0x20, 1, 0xd, 0xb8, 0, how & 0x10 ? byte(in) : 1 }, 6);
	} else if (how & 0x20) {
		take(in, o + 2, units * 8u - 2);
	} else {
		memcpy(o + 2, (uint8_t[]){ 64, byte(in), 0, 0, byte(in), byte(in) }, 6);
		memcpy(o + 8, "\x20\1\xd\xb8\0\7\0\0\4test\0", 14);
	}
	return units * 8u;
}

/* What routers say, and who else claims our addresses; or what of it the interface is to believe. */
static void put_router(struct world *w, struct input *in)
{
	uint8_t how = byte(in), f[640] = { 0 }, *h = f + ether(f, 0, 0x86dd), *m = h + 40;
	struct ol_ip6_config c;
	struct ol_ra_config ra = { .interval_s = 4, .lifetime_s = 9, .prefix[0] = { { .ver = 6, .b = { 0xfd } }, 64, true, true, 9, 9 } };
	size_t len = 0;
	memcpy(h, (uint8_t[]){ 0x60, 0, 0, 0, 0, 0, IPPROTO_ICMPV6, 255, 0xfe, 0x80 }, 10);
	h[23] = how >> 3 & 3;			/* one of four routers */
	memcpy(h + 24, "\xff\2\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	switch (how & 7) {
	case 0: case 1: case 2: case 3:
		m[0] = 134, m[4] = byte(in), m[5] = byte(in), m[7] = byte(in);
		m[10] = byte(in) & 7, m[14] = byte(in) & 7;
		len = 16;
		break;
	case 4: case 5:				/* redirect: fe80::0 to fe80::3, or the destination */
		m[0] = 137;
		memcpy(m + 24, "\x20\1\xd\xb8\0\x63\0\0\0\0\0\0\0\0\0\1", 16);
		m[39] = byte(in);
		if (byte(in) & 1)
			memcpy(m + 8, m + 24, 16);
		else
			m[8] = 0xfe, m[9] = 0x80, m[23] = byte(in) & 3;
		len = 40;
		break;
	case 6:					/* another looks for our address, or says that he has it */
		m[0] = how & 8 ? 135 : 136;
		memset(h + 8, 0, how & 8 ? 16 : 0);
		memcpy(m + 8, our6, 16);
		if (how & 0x10)
			memcpy(m + 8, "\xfe\x80\0\0\0\0\0\0\0\0\0\xff\xfe\0\0\1", 16);
		if (how & 8)
			memcpy(h + 24, "\xff\2\0\0\0\0\0\0\0\0\0\1\xff\0\0\1", 16);
		len = 24;
		break;
	case 7:
		ol_iface_ip6_get(w->stk, w->ifi[0], &c);
		c.dad_transmits = byte(in) & 3;
		c.optimistic_dad = how & 8;
		c.accept_ra = how & 0x10 ? 2 : 1;
		c.addr_gen_mode = how & 0x20 ? OL_GEN_STABLE : OL_GEN_EUI64;
		c.autoconf = !(how & 0x40);
		must(!ol_iface_ip6_set(w->stk, w->ifi[0], &c));
		ra.n_prefixes = byte(in) % (OL_RA_PREFIXES_MAX + 2u);
		ol_iface_advertise(w->stk, w->ifi[1], how & 0x80 ? &ra : NULL);
		drain(w);
		return;
	}
	for (int n = how & 7 ? how >> 5 : how >> 4; n > 0; n--)
		len += router_option(in, m + len);
	be16_put(h + 4, (uint16_t)len);
	put(w, f, ETH + 40 + len, 0, OL_CSUM_OK);
}

/* The socket of the groups blocks a source, or takes that back. */
static void block(struct world *w, struct input *in)
{
	uint8_t how = byte(in);
	struct ip_mreq_source m = { .imr_sourceaddr.s_addr = htonl(0x0a000000u | how >> 1) };
	memcpy(&m.imr_multiaddr, group4, 4);
	memcpy(&m.imr_interface, our4, 4);
	ol_setsockopt(w->stk, w->s[1], IPPROTO_IP, how & 1 ? IP_BLOCK_SOURCE : IP_UNBLOCK_SOURCE, &m, sizeof m, w->now);
	drain(w);
}

static void put_raw(struct world *w, struct input *in)
{
	static const uint16_t type[] = { 0x0800, 0x0806, 0x86dd, 0x8100 };
	uint8_t f[1600], how = byte(in);
	int nic = how >> 4 & 1;
	size_t n = how & 4 ? 0 : ether(f, nic, type[how & 3]);
	n += take(in, f + n, byte(in) * 6u);
	put(w, f, n, nic, how & 8 ? OL_CSUM_NONE : OL_CSUM_OK);
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */
static socklen_t address(struct input *in, struct sockaddr_storage *to)
{
	static const uint8_t where4[8][4] = {
		{ 10, 0, 0, 2 }, { 10, 0, 0, 1 }, { 127, 0, 0, 1 }, { 0 }, { 224, 0, 0, 1 }, { 10, 0, 0, 255 },
		{ 10, 0, 1, 7 }, { 10, 9, 0, 1 },
	};
	uint8_t how = byte(in);
	uint16_t port = how & 0x10 ? 80 : how & 0x20 ? (uint16_t)(1000 + (how >> 6)) : how >> 6;
	struct sockaddr_in a4 = { .sin_family = how & 0xcc ? AF_INET : AF_UNSPEC, .sin_port = htons(port) };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	memset(to, 0, sizeof *to);
	if (how & 1) {
		uint8_t *b = (uint8_t *)&a6.sin6_addr;
		memcpy(b, how & 2 ? their6 : how & 4 ? our6 : in6addr_any.s6_addr, 16);
		if (how & 8)			/* mapped */
			memcpy(b, "\0\0\0\0\0\0\0\0\0\0\xff\xff\12\0\0\2", 16);
		memcpy(to, &a6, sizeof a6);
		return sizeof a6;
	}
	memcpy(&a4.sin_addr, where4[how >> 1 & 7], 4);
	memcpy(to, &a4, sizeof a4);
	return sizeof a4;
}

static const char controls[][80] = { "reno", "cubic", "bbr" };
static const int levels[] = {
	SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_UDP, IPPROTO_ICMPV6, IPPROTO_RAW, 300,
};

static void option(struct world *w, struct input *in, ol_sock s)
{
	uint8_t how = byte(in), name = byte(in) % 100, len = how & 0x40 ? byte(in) % 80 : sizeof(int);
	uint8_t *val = calloc(1, len + 1u);
	socklen_t room = len;
	if (how & 0x10 && len >= sizeof(int))
		*(int *)(void *)val = (int)(1u << byte(in) % 32);
	else
		take(in, val, len);
	if (how & 0x20)
		must(ol_getsockopt(w->stk, s, levels[how % 8], name, val, &room, w->now) < 0 || room <= len);
	else if (levels[how % 8] == IPPROTO_TCP && name == TCP_CONGESTION)
		ol_setsockopt(w->stk, s, IPPROTO_TCP, name, controls[*val % 3], len, w->now);
	else
		ol_setsockopt(w->stk, s, levels[how % 8], name, val, len, w->now);
	free(val);
}

static void send_message(struct world *w, struct input *in, ol_sock s)
{
	static char much[70000];
	uint8_t how = byte(in);
	struct sockaddr_storage to;
	union { struct cmsghdr c; uint8_t b[96]; } ctl = { .c = { .cmsg_level = how & 8 ? IPPROTO_IPV6 : IPPROTO_IP } };
	struct iovec iov[2] = { { much, byte(in) }, { much + 300, how & 1 ? byte(in) * 256u : 0 } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	if (how & 2) {
		m.msg_namelen = address(in, &to);
		m.msg_name = &to;
	}
	if (how & 4) {
		m.msg_control = &ctl;
		m.msg_controllen = how & 0x10 ? byte(in) % sizeof ctl : sizeof ctl;
		ctl.c.cmsg_type = byte(in) % 72;
		ctl.c.cmsg_len = how & 0x20 ? byte(in) : CMSG_LEN(how & 0x40 ? 20 : 4);
		take(in, ctl.b + sizeof ctl.c, 20);
	}
	ol_sendmsg(w->stk, s, &m, how & 0x80 ? 1 << byte(in) % 30 : 0, w->now);
}

static void receive_message(struct world *w, struct input *in, ol_sock s)
{
	uint8_t how = byte(in);
	size_t len = byte(in) * 300u, room = how & 1 ? byte(in) : 0;
	uint8_t *to = malloc(len + 1), *ctl = malloc(room + 1);
	struct sockaddr_storage from;
	struct iovec iov = { to, len };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = room, .msg_name = &from,
		.msg_namelen = how & 2 ? sizeof from : 0,
	};
	static const int all[] = { 0, 0, MSG_PEEK, MSG_TRUNC, MSG_OOB, MSG_ERRQUEUE, MSG_WAITALL, MSG_PEEK | MSG_OOB };
	int flags = all[how >> 2 & 7];
	ssize_t n = ol_recvmsg(w->stk, s, &m, flags, w->now);
	must(n <= (ssize_t)len || flags & MSG_TRUNC);
	must(n < 0 || m.msg_controllen <= room);
	free(to);
	free(ctl);
}

static void views(struct world *w, struct input *in, ol_sock s)
{
	struct iovec iov[3];
	uint8_t how = byte(in), part = byte(in);
	int most = 1 + how % 3, n = how & 1 ? ol_recv_view(w->stk, s, iov, most, w->now) :
		ol_send_view(w->stk, s, 1u + part * 64u, iov, most, w->now);
	size_t len = 0;
	must(n <= most);
	for (int i = 0; i < n; i++) {
		if (!(how & 1))
			memset(iov[i].iov_base, 'v', iov[i].iov_len);
		len += iov[i].iov_len;
	}
	if (n > 0 && how & 1)
		must(!ol_recv_done(w->stk, s, len * part / 255, w->now));
	else if (n > 0)
		ol_send_done(w->stk, s, len * part / 255, 0, w->now);
}

static void look_around(struct world *w, ol_sock s)
{
	struct sockaddr_storage a;
	struct ol_sock_info info;
	struct ol_event ev;
	socklen_t len = sizeof a;
	ol_getsockname(w->stk, s, (struct sockaddr *)&a, &len);
	len = sizeof a;
	ol_getpeername(w->stk, s, (struct sockaddr *)&a, &len);
	ol_poll(w->stk, s);
	ol_readable(w->stk, s);
	ol_unsent(w->stk, s);
	ol_writable(w->stk, s);
	ol_at_mark(w->stk, s);
	ol_backlog(w->stk, s);
	ol_lingering(w->stk, s);
	for (uint64_t cursor = 0; ol_sock_next(w->stk, &cursor, &info, w->now); )
		must(info.state < OL_TCP_STATE_MAX);
	for (int n = 0; ol_event_next(w->stk, &ev); n++)
		must(n < MAX_OUT);
}

/* What an administrator may change while packets are under way. */
static void administer(struct world *w, struct input *in)
{
	uint8_t how = byte(in);
	int ifi = w->ifi[how >> 3 & 1];
	struct ol_addr a = how & 0x10 ? ol_addr_from(6, how & 0x20 ? their6 : our6) :
		ol_addr_from(4, how & 0x20 ? their4 : our4);
	struct ol_route r = { .dst = a, .plen = a.ver == 4 ? 24 : 64, .ifi = ifi, .metric = byte(in) & 3 };
	if (how & 0x40)
		r.plen = 0;
	if (how & 0x80)
		r.gateway = ol_addr_from(a.ver, a.ver == 6 ? their6 : their4);
	if (!r.plen)
		r.dst = (struct ol_addr){ .ver = a.ver };
	switch (how & 7) {
	case 0: ol_addr_add(w->stk, ifi, &a, how & 0x40 ? a.ver == 4 ? 32 : 128 : r.plen); break;
	case 1: ol_addr_del(w->stk, ifi, &a); break;
	case 2: case 3: ol_route_add(w->stk, &r); break;
	case 4: ol_route_del(w->stk, &r); break;
	case 5: ol_iface_up(w->stk, ifi, how & 0x80); break;
	case 6: ol_neigh_add(w->stk, ifi, &a, &their_mac); break;
	case 7: for (unsigned i = 0; !ol_route_get(w->stk, i, &r); i++) must(i < MAX_OUT); break;
	}
}

static void make(struct world *w, struct input *in, ol_sock *x)
{
	static const int protocols[] = { 0, 0, 0, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_RAW };
	uint8_t how = byte(in);
	int type = how & 6 ? how & 2 ? SOCK_STREAM : SOCK_DGRAM : SOCK_RAW;
	if (*x >= 0)
		return;
	*x = ol_socket(w->stk, how & 1 ? AF_INET6 : AF_INET, type, protocols[how >> 3 & 7], w->now);
	w->raw |= *x >= 0 && type == SOCK_RAW;
}

static void call(struct world *w, struct input *in)
{
	uint8_t what = byte(in);
	ol_sock *x = &w->s[what >> 4 & 7], c;
	struct sockaddr_storage a;
	socklen_t len;
	switch (what & 15) {
	case 0: make(w, in, x); break;
	case 1: len = address(in, &a); ol_bind(w->stk, *x, (struct sockaddr *)&a, len, w->now); break;
	case 2: case 3: len = address(in, &a); ol_connect(w->stk, *x, (struct sockaddr *)&a, len, w->now); break;
	case 4: ol_listen(w->stk, *x, byte(in) % 4, w->now); break;
	case 5: case 6:
		c = ol_accept(w->stk, *x, NULL, NULL, w->now);
		x = &w->s[byte(in) % SOCKS];
		if (c >= 0 && *x >= 0)
			ol_close(w->stk, *x, w->now);
		*x = c >= 0 ? c : *x;
		break;
	case 7: ol_shutdown(w->stk, *x, byte(in) % 3, w->now); break;
	case 8: ol_close(w->stk, *x, w->now); *x = -1; break;
	case 9: case 10: option(w, in, *x); break;
	case 11: case 12: send_message(w, in, *x); break;
	case 13: receive_message(w, in, *x); break;
	case 14: views(w, in, *x); break;
	case 15: if (byte(in) & 1) administer(w, in); else look_around(w, *x); break;
	}
	drain(w);
}

/* ---- the world --------------------------------------------------------------------------------------------------- */
/* One setting or two as the script wants them: a number, or a word that some setting takes. */
static void configure(struct ol_config *cfg, struct input *in, unsigned n)
{
	unsigned n_names = 0;
	while (ol_config_name(n_names))
		n_names++;
	while (n--) {
		char text[16];
		uint8_t which = byte(in), v = byte(in);
		snprintf(text, sizeof text, "%u", v & 1 ? 1u << (v >> 3) : v >> 1);
		ol_config_set(cfg, ol_config_name(which % n_names), v >= 0xf0 ? controls[v % 3] : text);
	}
}

static int ether_add(struct world *w, int nic, const char *name, const char *ip4, const char *ip6)
{
	struct ol_iface_config ic = { .name = name, .link = OL_LINK_ETHER, .mac = our_mac[nic] };
	struct ol_addr a;
	int ifi = ol_iface_add(w->stk, &ic);
	must(ifi > 0 && ol_addr_parse(ip4, &a) && !ol_addr_add(w->stk, ifi, &a, 24));
	must(ol_addr_parse(ip6, &a) && !ol_addr_add(w->stk, ifi, &a, 64));
	return ifi;
}

static void setup(struct world *w, struct input *in, uint8_t how)
{
	static const uint8_t seed[16] = "fuzz the stack";
	struct ol_config *cfg = ol_config_new();
	must(cfg != NULL);
	ol_config_seed(cfg, seed);
	ol_config_set(cfg, "ip_forward", (how >> 2 & 3) == 2 ? "0" : "1");
	ol_config_set(cfg, "forwarding", (how >> 2 & 3) == 3 ? "0" : "1");
	ol_config_set(cfg, "accept_ra", "2");
	if (how & 0x40)
		ol_config_set(cfg, "tcp_fastopen", how & 0x80 ? "0x607" : "0x403");
	configure(cfg, in, how >> 2 & 3);
	*w = (struct world){ .now = OL_SEC };
	w->pool = ol_pool_new(how & 2 ? 24u << 10 : 16u << 20);	/* it may run dry */
	w->stk = ol_stack_new(cfg, w->pool, w->now);
	ol_config_free(cfg);
	must(w->stk != NULL && ol_iface_loopback(w->stk) > 0);
	w->ifi[0] = ether_add(w, 0, "eth0", "10.0.0.1", "fd00::1");
	w->ifi[1] = ether_add(w, 1, "eth1", "10.0.1.1", "fd00:0:0:1::1");
	struct ol_addr b;
	if (!(how & 0x10)) {
		must(ol_addr_parse("10.0.0.2", &b) && !ol_neigh_add(w->stk, w->ifi[0], &b, &their_mac));
		must(ol_addr_parse("fd00::2", &b) && !ol_neigh_add(w->stk, w->ifi[0], &b, &their_mac));
	}
	for (int i = 0; i < SOCKS; i++)
		w->s[i] = -1;
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(80) };
	w->s[0] = ol_socket(w->stk, AF_INET6, SOCK_STREAM, 0, w->now);
	w->s[1] = ol_socket(w->stk, AF_INET6, SOCK_DGRAM, 0, w->now);
	must(w->s[0] >= 0 && w->s[1] >= 0);
	must(!ol_bind(w->stk, w->s[0], (void *)&any, sizeof any, w->now) && !ol_listen(w->stk, w->s[0], 5, w->now));
	must(!ol_bind(w->stk, w->s[1], (void *)&any, sizeof any, w->now));
	struct ip_mreqn m4 = { .imr_ifindex = w->ifi[0] };
	struct ipv6_mreq m6 = { .ipv6mr_interface = (unsigned)w->ifi[0] };
	memcpy(&m4.imr_multiaddr, group4, 4);
	memcpy(&m6.ipv6mr_multiaddr, group6, 16);
	ol_setsockopt(w->stk, w->s[1], IPPROTO_IP, IP_ADD_MEMBERSHIP, &m4, sizeof m4, w->now);	/* the pool may be dry */
	ol_setsockopt(w->stk, w->s[1], IPPROTO_IPV6, IPV6_JOIN_GROUP, &m6, sizeof m6, w->now);
}

/* MSS, SACK, timestamps or not, window scale: as most peers say it. */
static void handshake(struct world *w, bool full)
{
	static const uint8_t bare[] = { 0, 0, 1, 0, 0, 0, 0 };
	static const uint8_t usual[] = {
		0, 0, 1, 5 << 3, 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 1, 0, 0, 0, 0, 0, 1, 3, 3, 7, 0, 0, 0,
	};
	struct input syn = { full ? usual : bare, full ? sizeof usual : sizeof bare };
	put_syn(w, &syn);
	struct input ack = { (const uint8_t[]){ 0, 0x10, 0, 0, 0, 0 }, 6 };
	put_tcp(w, &ack);
	w->s[2] = ol_accept(w->stk, w->s[0], NULL, NULL, w->now);
}

static void later(struct world *w, struct input *in)
{
	uint8_t how = byte(in);
	w->now += (ol_time)(how >> 2) * (how & 1 ? how & 2 ? 10 * OL_SEC : 100 * OL_MS : how & 2 ? OL_MS : 50 * OL_US);
	ol_stack_expire(w->stk, w->now);
	drain(w);
	must(ol_stack_deadline(w->stk) > w->now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w;
	struct input in = { data, size };
	uint8_t how = byte(&in);
	setup(&w, &in, how);
	if (how & 1)
		handshake(&w, how & 0x20);
	for (int step = 0; in.left && step < STEPS; step++) {
		uint8_t what = byte(&in);
		switch (what >= 252 ? 12 : what >= 248 ? 13 : what % 12) {
		case 0: put_raw(&w, &in); break;
		case 1: put_syn(&w, &in); break;
		case 2: case 3: case 4: put_tcp(&w, &in); break;
		case 5: put_datagram(&w, &in); break;
		case 6: put_icmp(&w, &in); break;
		case 7: later(&w, &in); break;
		case 10: block(&w, &in); break;
		case 11: put_group(&w, &in); break;
		case 12: put_router(&w, &in); break;
		case 13: put_ip4(&w, &in); break;
		default: call(&w, &in); break;
		}
		ol_stack_check(w.stk);
	}
	ol_stack_free(w.stk);
	must(ol_pool_used(w.pool) == 0);
	ol_pool_free(w.pool);
	return 0;
}
