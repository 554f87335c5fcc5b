/*
 * ICMP redirects, RFC 1122 3.2.2.2 and 3.3.1.2: a gateway that sent a datagram of ours on over the wire it came from names a
 * better first hop.  It counts for that destination alone, whether it speaks of a host or of a net (nobody says how long that
 * net's mask is), and is believed only from the gateway by way of which we would send at this moment, and only about a station
 * on the same subnet.  What was learnt (redirect.c) is forgotten after five minutes, Linux's gc_timeout.  Hosts only: who forwards learns
 * his ways elsewhere, and sends none here (forward.c).
 */
#include "net/net_int.h"

static const ol_time REDIRECT4_LIFE = 300 * OL_SEC;

/* A station on the subnet of the wire it came by, which is neither us nor all of them. */
static bool on_subnet(const struct net *net, int ifi, const struct ol_addr *gateway)
{
	int owner;
	if (ol_addr_is_any(gateway) || ol_addr_is_multicast(gateway) || addr_kind(net, gateway, &owner) != LOCAL_NO)
		return false;
	for (int i = 0; i < net->n_addr; i++)
		if (net->addr[i].ifi == ifi && net->addr[i].addr.ver == 4 &&
		    ol_addr_in_prefix(gateway, &net->addr[i].addr, net->addr[i].plen))
			return true;
	return false;
}

void redirect4_input(struct net *net, const struct ol_pkt *pkt, const struct net_rx *rx, const struct icmp_hdr *icmp, ol_time now)
{
	struct ip4_hdr q;
	struct ol_addr via;
	if (net->cfg.forward4 || !net->cfg.accept_redirects4)
		return;
	struct ol_addr gateway = ol_addr_ip4(icmp->rest);
	bool ours = wire_ip4_parse_quoted(&q, pkt->data + ICMP_HLEN, pkt->len - ICMP_HLEN) == OL_PASS && net_is_local(net, &q.src, 0);
	if (!ours || rx->broadcast || rx->multicast || icmp->code > ICMP4_REDIRECT_TOS_HOST || !on_subnet(net, rx->ifi, &gateway) ||
	    !redirect_first_hop(net, &q.dst, rx, &via)) {
		net->count[OL_DROP_ICMP_REDIRECT]++;
		return;
	}
	redirect_learn(net, &(struct redirect){ .ifi = rx->ifi, .dst = q.dst, .via = via, .target = gateway, .until = now + REDIRECT4_LIFE });
}
