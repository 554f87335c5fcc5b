#ifndef WIRE_ARP_H
#define WIRE_ARP_H
/* ARP packets for IPv4 on Ethernet, RFC 826. */
#include <stddef.h>
#include <stdint.h>
#include <outlet/ol_addr.h>
#include <outlet/ol_fate.h>

enum { ARP_LEN = 28 };
enum { ARP_REQUEST = 1, ARP_REPLY = 2 };

struct arp_pkt {
	uint16_t op;
	struct ol_mac sha, tha;			/* sender's and target's hardware address */
	struct ol_addr spa, tpa;		/* sender's and target's protocol address */
};
enum ol_fate wire_arp_parse(struct arp_pkt *a, const uint8_t *p, size_t len);
/** Writes ARP_LEN bytes. */
void wire_arp_build(uint8_t *p, const struct arp_pkt *a);

#endif
