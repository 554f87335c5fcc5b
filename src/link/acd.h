#ifndef LINK_ACD_H
#define LINK_ACD_H
/* IPv4 address conflict detection, RFC 5227: what the rest of the link floor asks of it.  For other floors: link.h. */
#include "link/link_int.h"
#include "wire/arp.h"

void acd_init(struct link *link);
void acd_fini(struct link *link);
/** The interface went up or down: what was claimed on it is claimed anew, or rests. */
void acd_iface_up(struct link *link, struct link_iface *ifc, bool up, ol_time now);
/** An ARP packet of another station.  OL_PASS: it is no conflict with an address under watch; else the conflict's fate. */
enum ol_fate acd_heard(struct link *link, struct link_iface *ifc, const struct arp_pkt *a, ol_time now);
void acd_expire(struct link *link, struct timer *t, ol_time now);

#endif
