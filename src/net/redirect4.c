/*
 * ICMP redirects, RFC 1122 3.2.2.2 and 3.3.1.2: a gateway that sent a datagram of ours on over the wire it came from names a
 * better first hop.  It counts for that destination alone, whether it speaks of a host or of a net (nobody says how long that
 * net's mask is), and is believed only from the gateway by way of which we would send at this moment, and only about a station
 * on the same subnet.  What was learnt is forgotten after five minutes (Linux's gc_timeout), when the routes lead elsewhere
 * than to the gateway it corrects, and when the new gateway is silent.
 *
 * What always holds: entries are at most REDIRECT4_MAX (the oldest goes), one for a destination; all live equally long, so the
 * list is in the order of expiry.  Hosts only: who forwards learns his ways elsewhere, and sends none here (forward.c).
 */
#include "net/net_int.h"
#include <stdlib.h>

enum { REDIRECT4_MAX = 256 };
static const ol_time REDIRECT4_LIFE = 300 * OL_SEC;

struct redirect4 { struct list node; int ifi; struct ol_addr dst, via, gateway; ol_time until; };

static struct redirect4 *find(const struct net *net, const struct ol_addr *dst)
{
	list_for(p, (struct list *)&net->redirects4) {
		struct redirect4 *r = list_of(p, struct redirect4, node);
		if (ol_addr_eq(&r->dst, dst))
			return r;
	}
	return NULL;
}

static void forget(struct net *net, struct redirect4 *r)
{
	list_del(&r->node);
	free(r);
	net->n_redirects4--;
	net->generation++;
}

void redirect4_apply(const struct net *net, const struct ol_addr *dst, struct hop *hop)
{
	const struct redirect4 *r = find(net, dst);
	if (r && r->ifi == hop->ifi && ol_addr_eq(&r->via, &hop->next))
		hop->next = r->gateway;
}

void redirect4_silent(struct net *net, int ifi, const struct ol_addr *gateway)
{
	list_for_safe(p, &net->redirects4) {
		struct redirect4 *r = list_of(p, struct redirect4, node);
		if (r->ifi == ifi && ol_addr_eq(&r->gateway, gateway))
			forget(net, r);
	}
}

ol_time redirect4_due(const struct net *net)
{
	struct list *p = list_first((struct list *)&net->redirects4);
	return p ? list_of(p, struct redirect4, node)->until : OL_NEVER;
}

void redirect4_expire(struct net *net, ol_time now)
{
	for (struct list *p; (p = list_first(&net->redirects4)) && list_of(p, struct redirect4, node)->until <= now; )
		forget(net, list_of(p, struct redirect4, node));
}

void redirect4_fini(struct net *net)
{
	redirect4_expire(net, OL_NEVER);
}

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

static void learn(struct net *net, const struct redirect4 *what, ol_time now)
{
	struct redirect4 *r = find(net, &what->dst);
	if (!r) {
		if (net->n_redirects4 == REDIRECT4_MAX)
			forget(net, list_of(net->redirects4.next, struct redirect4, node));
		r = calloc(1, sizeof *r);
		if (!r) {
			net->count[OL_DROP_NO_MEMORY]++;
			return;
		}
		list_init(&r->node);
		net->n_redirects4++;
	}
	list_del(&r->node);
	*r = *what;
	r->until = now + REDIRECT4_LIFE;
	list_append(&net->redirects4, &r->node);
	net->generation++;
	net_rearm(net);
}

/* The destination's gateway by the routes, whatever redirects say. */
static const struct ol_addr *routed_by(const struct net *net, const struct ol_addr *dst, int ifi)
{
	const struct route *r = route_lookup(net, dst, 0);
	return r && r->r.gateway.ver && r->r.ifi == ifi ? &r->r.gateway : NULL;
}

void redirect4_input(struct net *net, const struct ol_pkt *pkt, const struct net_rx *rx, const struct icmp_hdr *icmp, ol_time now)
{
	struct ip4_hdr q;
	struct hop hop;
	if (net->cfg.forward4 || !net->cfg.accept_redirects4)
		return;
	struct ol_addr gateway = ol_addr_ip4(icmp->rest);
	bool ours = wire_ip4_parse_quoted(&q, pkt->data + ICMP_HLEN, pkt->len - ICMP_HLEN) == OL_PASS && net_is_local(net, &q.src, 0);
	const struct ol_addr *via = ours ? routed_by(net, &q.dst, rx->ifi) : NULL;
	if (!via || rx->broadcast || rx->multicast || icmp->code > ICMP4_REDIRECT_TOS_HOST || !on_subnet(net, rx->ifi, &gateway) ||
	    path_find(net, &q.dst, NULL, 0, &hop) != OL_OK || hop.ifi != rx->ifi || !ol_addr_eq(&hop.next, &rx->src)) {
		net->count[OL_DROP_ICMP_REDIRECT]++;
		return;
	}
	learn(net, &(struct redirect4){ .ifi = rx->ifi, .dst = q.dst, .via = *via, .gateway = gateway }, now);
}
