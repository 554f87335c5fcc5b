#ifndef WIRE_ICMP6_H
#define WIRE_ICMP6_H
/* ICMPv6 messages, RFC 4443, and neighbour discovery's, RFC 4861 4. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <outlet/ol_addr.h>
#include <outlet/ol_fate.h>
#include "wire/icmp4.h"

enum icmp6_type {
	ICMP6_UNREACH = 1, ICMP6_TOO_BIG = 2, ICMP6_TIME_EXCEEDED = 3, ICMP6_PARAM = 4, ICMP6_ECHO = 128,
	ICMP6_ECHO_REPLY = 129, ICMP6_MLD_QUERY = 130, ICMP6_MLD_REPORT = 131, ICMP6_MLD_DONE = 132, ICMP6_RS = 133, ICMP6_RA = 134,
	ICMP6_NS = 135, ICMP6_NA = 136, ICMP6_REDIRECT = 137, ICMP6_MLD2_REPORT = 143,
};
enum { ICMP6_NO_ROUTE = 0, ICMP6_PROHIBITED = 1, ICMP6_SCOPE = 2, ICMP6_ADDR = 3, ICMP6_PORT = 4 };
enum { ICMP6_PARAM_FIELD = 0, ICMP6_PARAM_NEXT = 1, ICMP6_PARAM_OPTION = 2, ICMP6_PARAM_FIRST_FRAG = 3 };

static inline bool icmp6_is_error(uint8_t type) { return type < 128; }
enum ol_fate wire_icmp6_parse(struct icmp_hdr *h, const uint8_t *p, size_t len, const struct ol_addr *src,
			      const struct ol_addr *dst, bool sum_ok);
void wire_icmp6_build(uint8_t *p, const struct icmp_hdr *h, size_t len, const struct ol_addr *src,
		      const struct ol_addr *dst);

/* RFC 4861 4.3, 4.4: neighbour solicitation and advertisement. */
enum { ND_LEN = 24, ND_OPT_SLLA = 1, ND_OPT_TLLA = 2, ND_OPT_LEN = 8 };
enum { ND_ROUTER = 0x80, ND_SOLICITED = 0x40, ND_OVERRIDE = 0x20 };
struct nd_msg {
	uint8_t flags;				/* of an advertisement */
	struct ol_addr target;
	bool has_mac;				/* its source (NS) or target (NA) link-layer address option */
	struct ol_mac mac;
};
/** p: at the ICMP header, already parsed.  Unknown options are stepped over (RFC 4861 9); false: malformed. */
bool wire_nd_parse(struct nd_msg *m, uint8_t type, const uint8_t *p, size_t len);
/** Writes what follows the first eight bytes: target and option.  Returns the message's whole length. */
size_t wire_nd_build(uint8_t *p, uint8_t type, const struct nd_msg *m);

#endif
