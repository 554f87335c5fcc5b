#ifndef WIRE_UDP_H
#define WIRE_UDP_H
/* The header of RFC 768 as bytes. */
#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <outlet/ol_addr.h>
#include <outlet/ol_fate.h>
#include "base/be.h"

struct wire_udp {			/* as it lies in the packet */
	be16 src, dst, len, cksum;
};
static_assert(sizeof(struct wire_udp) == 8 && alignof(struct wire_udp) == 1, "as on the wire");

struct udp_dgram { uint16_t src, dst, len, cksum; };	/* host order; len counts the header, RFC 768 */

/**
 * Reads nothing outside [p, p + len).  On OL_PASS *d is the header and d->len =< len: what lies behind it is padding.
 * OL_DROP_UDP_SHORT, OL_DROP_UDP_LENGTH.
 */
enum ol_fate wire_udp_parse(struct udp_dgram *d, const uint8_t *p, size_t len);
/**
 * Is the checksum right?  RFC 768: none (0) is right over IPv4; RFC 8200 8.1: never over IPv6.
 */
bool wire_udp_cksum_ok(const struct udp_dgram *d, const uint8_t *p, const struct ol_addr *src, const struct ol_addr *dst);
/** Writes the header; cksum goes in as it is. */
void wire_udp_put(uint8_t *p, const struct udp_dgram *d);

#endif
