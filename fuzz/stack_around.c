/*
 * Frames of those around the stack of fuzz_stack.c who are no peers of its conversations: what is said of groups, ARP and
 * redirects, options on their way through, and what IPv6 routers advertise.
 */
#include "stack_world.h"
#include <netinet/in.h>

/* A message of IGMP or MLD in a datagram as they come in: a query about all groups, ours or any, or what another host says. */
void put_group(struct world *w, struct input *in)
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

void put_ip4(struct world *w, struct input *in)
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
void put_router(struct world *w, struct input *in)
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
