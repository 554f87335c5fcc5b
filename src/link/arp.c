/*
 * ARP, RFC 826, in its "Packet reception" order, with the caution of our days: an entry is made only for someone who
 * asks for us, what comes unasked changes entries but makes none, and nobody moves our own addresses.
 * Conflicts are acd.c's; with an address that is under no watch one is counted (DROP_ARP_CONFLICT) and no more.
 * Whoever is a link-local address says so to all (RFC 3927 2.5).
 * We answer for the addresses of the interface the request came in on, not for those of others as Linux does by
 * default: on a host with two interfaces on one wire that answer names the wrong station.
 */
#include "link/acd.h"
#include <string.h>

static enum ol_fate arp_send(struct link *l, struct link_iface *ifc, const struct arp_pkt *a, const struct ol_mac *to,
			     ol_time now)
{
	struct ol_pkt *pkt = ol_pkt_new(l->pool, ARP_LEN);
	if (!pkt)
		return link_drop(l, NULL, OL_DROP_NO_MEMORY);
	wire_arp_build(ol_pkt_put(pkt, ARP_LEN), a);
	return link_xmit(l, ifc, pkt, to, ETH_ARP, now);
}

enum ol_fate arp_request(struct link *l, int ifi, const struct ol_addr *spa, const struct ol_addr *target,
			 const struct ol_mac *mac, ol_time now)
{
	struct link_iface *ifc = link_iface_int(l, ifi);
	if (!ifc || !ifc->pub.up || ifc->pub.link != OL_LINK_ETHER)
		return link_drop(l, NULL, OL_DROP_LINK_DOWN);
	struct arp_pkt a = { .op = ARP_REQUEST, .sha = ifc->pub.mac, .spa = *spa, .tpa = *target };
	return arp_send(l, ifc, &a, mac && !ol_addr_is_linklocal(spa) ? mac : &mac_broadcast, now);
}

static bool owns(const struct link *l, int ifi, const struct ol_addr *a)
{
	return l->user.owns && l->user.owns(l->user.ctx, ifi, a);
}

static bool sender_possible(const struct arp_pkt *a)
{
	return !mac_is_group(&a->sha) && !mac_is_zero(&a->sha) && !ol_addr_is_multicast(&a->spa) &&
	       !ol_addr_is_loopback(&a->spa) && a->spa.b[0] != 255;
}

enum ol_fate arp_input(struct link *l, struct link_iface *ifc, struct ol_pkt *pkt, ol_time now)
{
	int ifi = ifc->pub.index;
	struct arp_pkt a;
	enum ol_fate fate = wire_arp_parse(&a, pkt->data, pkt->len);
	if (fate == OL_PASS && !sender_possible(&a))
		fate = OL_DROP_ARP_BAD;
	else if (fate == OL_PASS && mac_eq(&a.sha, &ifc->pub.mac))
		fate = OL_DROP_LINK_NOT_OURS;		/* our own, come back */
	else if (fate == OL_PASS && (fate = acd_heard(l, ifc, &a, now)) == OL_PASS && owns(l, ifi, &a.spa))
		fate = OL_DROP_ARP_CONFLICT;		/* RFC 5227 2.4 */
	if (fate != OL_PASS)
		return link_drop(l, pkt, fate);

	bool for_us = owns(l, ifi, &a.tpa);
	bool named = !ol_addr_is_any(&a.spa);		/* RFC 5227 2.1.1: a probe names no sender */
	if (named && a.op == ARP_REPLY)
		neigh_advert(l, ifi, &a.spa, &a.sha, for_us && mac_eq(&a.tha, &ifc->pub.mac), true, now);
	else if (named)
		neigh_learn(l, ifi, &a.spa, &a.sha, for_us && a.op == ARP_REQUEST, now);
	if (for_us && a.op == ARP_REQUEST) {
		struct arp_pkt r = { .op = ARP_REPLY, .sha = ifc->pub.mac, .spa = a.tpa, .tha = a.sha, .tpa = a.spa };
		arp_send(l, ifc, &r, ol_addr_is_linklocal(&a.tpa) ? &mac_broadcast : &a.sha, now);
	}
	return link_drop(l, pkt, OL_DONE);
}
