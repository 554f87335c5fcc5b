#ifndef WIRE_ETH_H
#define WIRE_ETH_H
/* Ethernet II (RFC 894) headers, and IEEE 802.3 with LLC/SNAP (RFC 1042) on receiving. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <outlet/ol_addr.h>
#include <outlet/ol_fate.h>

enum { ETH_HLEN = 14, ETH_MIN = 60 };		/* the shortest frame without its check sequence */
enum { ETH_IP4 = 0x0800, ETH_ARP = 0x0806, ETH_RARP = 0x8035, ETH_IP6 = 0x86dd };

struct eth_hdr {
	struct ol_mac dst, src;
	uint16_t type;
	uint8_t hlen;				/* ETH_HLEN, or 22 with LLC/SNAP */
	uint16_t len802;			/* length field of an 802.3 frame; 0: none */
};
/** Reads nothing outside [p, p + len).  *h is written only on OL_PASS. */
enum ol_fate wire_eth_parse(struct eth_hdr *h, const uint8_t *p, size_t len);
/** Writes ETH_HLEN bytes. */
void wire_eth_build(uint8_t *p, const struct ol_mac *dst, const struct ol_mac *src, uint16_t type);

static inline bool mac_is_group(const struct ol_mac *m) { return m->b[0] & 1; }	/* multicast or broadcast */
bool mac_is_broadcast(const struct ol_mac *m);
bool mac_is_zero(const struct ol_mac *m);
bool mac_eq(const struct ol_mac *a, const struct ol_mac *b);
extern const struct ol_mac mac_broadcast;
/** The station group of an IP multicast address: RFC 1112 6.4, RFC 2464 7. */
struct ol_mac mac_of_multicast(const struct ol_addr *group);

#endif
