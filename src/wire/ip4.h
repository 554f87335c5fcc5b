#ifndef WIRE_IP4_H
#define WIRE_IP4_H
/* IPv4 headers, RFC 791 3.1. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <outlet/ol_addr.h>
#include <outlet/ol_fate.h>

enum { IP4_HLEN = 20, IP4_HLEN_MAX = 60, IP4_OPT_MAX = IP4_HLEN_MAX - IP4_HLEN, IP4_MIN_MTU = 68, IP4_MAX = 65535 };

struct ip4_hdr {
	struct ol_addr src, dst;
	uint16_t len, id;			/* len: of the whole datagram */
	uint16_t off;				/* fragment offset in bytes */
	uint8_t hlen, tos, ttl, proto;
	bool df, mf;
	const uint8_t *opt;			/* hlen - 20 bytes */
};
static inline bool ip4_is_fragment(const struct ip4_hdr *h) { return h->mf || h->off; }

/** The header in [p, p + len), its checksum and its lengths.  *h is written only on OL_PASS and borrows from p. */
enum ol_fate wire_ip4_parse(struct ip4_hdr *h, const uint8_t *p, size_t len);
/** The same of a header quoted in an ICMP error: it may be cut after its own end, and its checksum is not looked at. */
enum ol_fate wire_ip4_parse_quoted(struct ip4_hdr *h, const uint8_t *p, size_t len);
/** Writes h->hlen bytes with the checksum; options are copied from h->opt unless they stand there already. */
void wire_ip4_build(uint8_t *p, const struct ip4_hdr *h);
/** Takes one off the TTL, mending the checksum (RFC 1624). */
void wire_ip4_ttl_down(uint8_t *p);
/** Sets the length, identification and fragment fields, and the checksum anew. */
void wire_ip4_set_len(uint8_t *p, uint16_t len);
void wire_ip4_set_frag(uint8_t *p, uint16_t id, uint16_t off, bool mf);
void wire_ip4_set_tos(uint8_t *p, uint8_t tos);

/* Options, RFC 791 3.1, by their type byte. */
enum { IP4_OPT_END = 0, IP4_OPT_NOP = 1, IP4_OPT_RR = 7, IP4_OPT_TS = 68, IP4_OPT_LSRR = 131, IP4_OPT_SSRR = 137,
	IP4_OPT_RA = 148 };
struct ip4_opt { uint8_t type, len; const uint8_t *p; };	/* p: at the type byte; len: all of it */
/**
 * Walks the options: *at starts at 0; false past the last, NOPs left out.  A malformed option: true with len 0, and
 * *at is then its offset.
 */
bool ip4_opt_next(const struct ip4_hdr *h, size_t *at, struct ip4_opt *o);

#endif
