#ifndef WIRE_ICMP6_H
#define WIRE_ICMP6_H
/* ICMPv6 messages, RFC 4443.  What neighbour discovery's say is nd.h's. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <outlet/ol_addr.h>
#include <outlet/ol_fate.h>
#include "wire/icmp4.h"
#include "wire/nd.h"

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

#endif
