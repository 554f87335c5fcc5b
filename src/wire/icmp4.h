#ifndef WIRE_ICMP4_H
#define WIRE_ICMP4_H
/* ICMP messages, RFC 792, RFC 1191 4. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <outlet/ol_fate.h>

enum { ICMP_HLEN = 8 };
enum icmp4_type {
	ICMP4_ECHO_REPLY = 0, ICMP4_UNREACH = 3, ICMP4_QUENCH = 4, ICMP4_REDIRECT = 5, ICMP4_ECHO = 8,
	ICMP4_TIME_EXCEEDED = 11, ICMP4_PARAM = 12, ICMP4_TIMESTAMP = 13, ICMP4_TIMESTAMP_REPLY = 14,
};
enum { ICMP4_NET = 0, ICMP4_HOST = 1, ICMP4_PROTO = 2, ICMP4_PORT = 3, ICMP4_FRAG_NEEDED = 4, ICMP4_SRC_ROUTE = 5 };
enum { ICMP4_REDIRECT_NET, ICMP4_REDIRECT_HOST, ICMP4_REDIRECT_TOS_NET, ICMP4_REDIRECT_TOS_HOST };
enum { ICMP4_TTL = 0, ICMP4_REASSEMBLY = 1 };

/* Both families: the first eight bytes, whose second four mean what the type says. */
struct icmp_hdr { uint8_t type, code; uint32_t rest; };
/** Verifies the sum over all len bytes unless `sum_ok`. */
enum ol_fate wire_icmp4_parse(struct icmp_hdr *h, const uint8_t *p, size_t len, bool sum_ok);
/** Writes ICMP_HLEN bytes in front of a body that already stands there; sums all len bytes. */
void wire_icmp4_build(uint8_t *p, const struct icmp_hdr *h, size_t len);
/** Does it report an error (and so must not be answered with one)? */
bool icmp4_is_error(uint8_t type);

#endif
