#ifndef OUTLET_OL_ADDR_H
#define OUTLET_OL_ADDR_H
/*
 * Internet addresses of both families in one value.  `ver` says which: 4, 6, or 0 for "none".  An IPv4 address lies in
 * the first four bytes of `b`, in network order, the rest is zero; so two addresses are equal when all bytes are.
 * IPv4-mapped IPv6 addresses never get this far: the sockets floor turns them into IPv4 (RFC 3493 3.7).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct ol_addr {
	uint8_t ver;				/* 0, 4 or 6 */
	uint8_t pad[3];				/* zero */
	uint32_t scope;				/* interface index of a link-local IPv6 address, else 0 */
	uint8_t b[16];				/* network order */
};

struct ol_endpoint {				/* a process is known by address and port, RFC 9293 2.3 */
	struct ol_addr addr;			/* ver 0: any address of any family */
	uint16_t port;				/* host order; 0: none yet */
};

#define OL_MAC_LEN 6
struct ol_mac { uint8_t b[OL_MAC_LEN]; };

/** An IPv4 address from a number in host order: OL_IP4(0x7f000001) is 127.0.0.1. */
static inline struct ol_addr ol_addr_ip4(uint32_t host_order)
{
	uint32_t h = host_order;
	return (struct ol_addr){ .ver = 4, .b = { (uint8_t)(h >> 24), (uint8_t)(h >> 16), (uint8_t)(h >> 8), (uint8_t)h } };
}
/** An address of 4 or 16 bytes in network order; ver is 4 or 6. */
static inline struct ol_addr ol_addr_from(int ver, const void *bytes)
{
	struct ol_addr a = { .ver = (uint8_t)ver };
	if (ver == 4)
		memcpy(a.b, bytes, 4);
	else
		memcpy(a.b, bytes, 16);
	return a;
}
static inline bool ol_addr_eq(const struct ol_addr *a, const struct ol_addr *b)
{
	return a->ver == b->ver && a->scope == b->scope && !memcmp(a->b, b->b, sizeof a->b);
}
/** 0.0.0.0, :: or no address at all. */
static inline bool ol_addr_is_any(const struct ol_addr *a)
{
	return !memcmp(a->b, (const uint8_t[16]){ 0 }, sizeof a->b);
}
static inline bool ol_addr_is_multicast(const struct ol_addr *a)
{
	return a->ver == 4 ? (a->b[0] & 0xf0) == 0xe0 : a->ver == 6 && a->b[0] == 0xff;
}
static inline bool ol_addr_is_loopback(const struct ol_addr *a)		/* 127/8 or ::1 */
{
	return a->ver == 4 ? a->b[0] == 127 : a->ver == 6 && !memcmp(a->b, (const uint8_t[16]){ [15] = 1 }, sizeof a->b);
}
bool ol_addr_is_linklocal(const struct ol_addr *a);	/* 169.254/16 or fe80::/10 */
/** Do the first plen bits of a and prefix agree (and are they of one family)? */
bool ol_addr_in_prefix(const struct ol_addr *a, const struct ol_addr *prefix, unsigned plen);

#define OL_ADDR_STRLEN 64
/** Text of an address, RFC 5952 for IPv6; "*" for none.  buf has OL_ADDR_STRLEN bytes; returns buf. */
char *ol_addr_str(const struct ol_addr *a, char *buf);
/** Text with port: 10.0.0.1:80, [fd00::1]:80. */
char *ol_endpoint_str(const struct ol_endpoint *e, char *buf);
/** Reads a dotted IPv4 or an RFC 4291 IPv6 text.  Returns false, *a untouched, where it is neither. */
bool ol_addr_parse(const char *s, struct ol_addr *a);
/** "10.0.0.1/24": address and prefix length.  Without "/n" the length is that of a host. */
bool ol_prefix_parse(const char *s, struct ol_addr *a, unsigned *plen);
/** "02:00:00:00:00:01" */
bool ol_mac_parse(const char *s, struct ol_mac *m);
#define OL_MAC_STRLEN 18
char *ol_mac_str(const struct ol_mac *m, char *buf);

#endif
