#ifndef WIRE_IP6_H
#define WIRE_IP6_H
/* IPv6 headers, RFC 8200 3 and 4. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <outlet/ol_addr.h>
#include <outlet/ol_fate.h>

enum { IP6_HLEN = 40, IP6_MIN_MTU = 1280, IP6_FRAG_HLEN = 8 };
enum { IP6_HOPOPT = 0, IP6_ROUTING = 43, IP6_FRAGMENT = 44, IP6_AH = 51, IP6_NONE = 59, IP6_DSTOPT = 60 };

struct ip6_hdr {
	struct ol_addr src, dst;
	uint32_t flow;
	uint16_t len;				/* payload: all that follows these 40 bytes */
	uint8_t tclass, next, hop;
};
enum ol_fate wire_ip6_parse(struct ip6_hdr *h, const uint8_t *p, size_t len);
/** The same of a header quoted in an ICMP error, cut short as it may be. */
enum ol_fate wire_ip6_parse_quoted(struct ip6_hdr *h, const uint8_t *p, size_t len);
void wire_ip6_build(uint8_t *p, const struct ip6_hdr *h);
void wire_ip6_set_len(uint8_t *p, uint16_t payload);
void wire_ip6_set_tclass(uint8_t *p, uint8_t tclass);
static inline void wire_ip6_hop_down(uint8_t *p) { p[7]--; }

/* Options of a hop-by-hop or destination header: RFC 8200 4.2, RFC 2711. */
enum { IP6_OPT_PAD1 = 0, IP6_OPT_PADN = 1, IP6_OPT_ROUTER_ALERT = 5 };
enum { IP6_ALERT_LEN = 8 };			/* of a hop-by-hop header with router alert and nothing else */
/** Stands router alert in the hop-by-hop header of the datagram at p, of whose headers len bytes are there? */
bool ip6_has_router_alert(const uint8_t *p, size_t len);

struct ip6_frag { uint32_t id; uint16_t off; bool mf; uint8_t next; };	/* off in bytes */
bool wire_ip6_frag_parse(struct ip6_frag *f, const uint8_t *p, size_t len);
void wire_ip6_frag_build(uint8_t *p, const struct ip6_frag *f);

/** Is it a header that a walk may step over, with its length in its second byte? */
static inline bool ip6_is_ext(uint8_t next)
{
	return next == IP6_HOPOPT || next == IP6_ROUTING || next == IP6_FRAGMENT || next == IP6_DSTOPT ||
	       next == IP6_AH;
}
/** Bytes of the extension header of type `next` at p, or 0 where it does not lie whole in len bytes. */
size_t ip6_ext_len(uint8_t next, const uint8_t *p, size_t len);
/**
 * Steps over extension headers from p on (after the fixed header) to the upper-layer header, checking lengths only.
 * Returns its offset from p; *next becomes its type.  SIZE_MAX: the chain is cut or too long, or a later fragment came.
 */
#define IP6_EXT_MAX 16
size_t ip6_skip_ext(uint8_t *next, const uint8_t *p, size_t len);

#endif
