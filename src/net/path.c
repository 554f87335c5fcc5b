/*
 * Routing one datagram: RFC 1122 3.3.1 (local or by a gateway), 3.3.4 (which interface, which source), RFC 4861 5.2.
 *
 *	ours? --> lo      group or broadcast? --> the interface asked for, or the default route's      else -->
 *	longest prefix
 *
 * Outcomes are kept in a small direct-mapped cache that any change of addresses, routes, interfaces or path MTUs
 * empties.
 */
#include "net/nd_if.h"
#include <assert.h>
#include <string.h>

static int first_wire(const struct net *net)
{
	for (int i = 0; (i = link_iface_next(net->link, i)); ) {
		const struct iface *f = link_iface(net->link, i);
		if (f->up && f->link != OL_LINK_LOOP)
			return i;
	}
	return 0;
}

static int iface_of_source(const struct net *net, const struct ol_addr *src)
{
	int ifi;
	return src->ver && addr_kind(net, src, &ifi) == LOCAL_UNICAST ? ifi : 0;
}

/* For what no prefix describes: the interface asked for, the source's, the default route's, the first there is. */
static int iface_for_many(const struct net *net, const struct ol_addr *dst, const struct ol_addr *src, int ifi)
{
	if (!ifi && dst->scope)
		ifi = (int)dst->scope;
	if (!ifi)
		ifi = iface_of_source(net, src);
	if (!ifi) {
		const struct route *r = route_lookup(net, dst, 0);
		ifi = r ? r->r.ifi : 0;
	}
	return ifi ? ifi : first_wire(net);
}

static enum ol_err find_unicast(const struct net *net, const struct ol_addr *dst, int ifi, struct hop *hop,
				struct ol_addr *prefsrc)
{
	if (dst->ver == 6 && dst->scope)
		ifi = (int)dst->scope;
	const struct route *r = route_lookup(net, dst, ifi);
	hop->next = *dst;
	if (r) {
		hop->ifi = r->r.ifi;
		if (r->r.gateway.ver)
			hop->next = r->r.gateway;
		if (r->r.gateway.ver)
			redirect_apply(net, dst, hop);
		*prefsrc = r->r.prefsrc;
		return OL_OK;
	}
	if (ifi && dst->ver == 4)
		/* bound to an interface without a route: taken to be on its wire, as Linux does */
		hop->ifi = ifi;
	else if (net->cfg.any_local)
		hop->ifi = ifi ? ifi : first_wire(net);
	return hop->ifi ? OL_OK : OL_ERR_NETUNREACH;
}

static enum ol_err find(struct net *net, const struct ol_addr *dst, const struct ol_addr *src, int ifi, struct hop *hop)
{
	struct ol_addr prefsrc = { 0 };
	int owner;
	*hop = (struct hop){ .next = *dst };
	enum local_kind kind = addr_kind(net, dst, &owner);
	if (ol_addr_is_any(dst))
		return OL_ERR_NETUNREACH;		/* RFC 1122 3.2.1.3 (a), RFC 4291 2.5.2: never a destination */
	if (kind == LOCAL_UNICAST) {
		hop->local = true;
		hop->ifi = addr_loop(net);
		prefsrc = ol_addr_is_loopback(dst) ? (struct ol_addr){ 0 } : *dst;
	} else if (ol_addr_is_multicast(dst) || kind == LOCAL_BROADCAST) {
		hop->multicast = ol_addr_is_multicast(dst);
		hop->broadcast = !hop->multicast;
		hop->ifi = owner && !ifi ? owner : iface_for_many(net, dst, src, ifi);
	} else if (ol_addr_is_loopback(dst)) {
		return OL_ERR_NETUNREACH;		/* 127/8 or ::1 without lo */
	} else {
		if (!ifi && is_linklocal4(src))
			ifi = iface_of_source(net, src);
		enum ol_err err = find_unicast(net, dst, ifi, hop, &prefsrc);
		if (err)
			return err;
		if (is_linklocal4(dst))			/* RFC 3927 2.6.2: on the link, whatever the routes say */
			hop->next = *dst;
	}
	const struct iface *out = link_iface(net->link, hop->ifi);
	if (!out || !out->up)
		return OL_ERR_NETUNREACH;
	hop->link_mtu = out->mtu;
	if (dst->ver == 6) {
		const struct nd_if *nd = nd_if_find(net, hop->ifi);
		if (nd && nd->disabled)
			return OL_ERR_NETUNREACH;
		if (nd && nd->mtu)
			hop->link_mtu = MIN(hop->link_mtu, nd->mtu);	/* req: 4861-6.3.4-f */
		hop->hop_limit = nd && nd->hop_limit ? nd->hop_limit : net->cfg.hop_limit;
	}
	hop->mtu = hop->link_mtu;
	hop->features = out->features;
	uint32_t learnt = hop->local ? 0 : pmtu_get(net, dst);
	if (learnt)
		hop->mtu = MIN(hop->mtu, learnt);
	hop->src = src->ver && !ol_addr_is_any(src) ? *src : prefsrc.ver && net_is_local(net, &prefsrc, 0) ? prefsrc
		: addr_choose_source(net, dst, &hop->next, hop->ifi);
	if (is_linklocal4(&hop->src) && !hop->local && !hop->broadcast && !hop->multicast)
		hop->next = *dst;			/* RFC 3927 2.6.2, 2.7: no router sends it on */
	return OL_OK;
}

uint64_t net_generation(const struct net *net) { return net->generation << 24 ^ link_generation(net->link); }

enum ol_err path_find(struct net *net, const struct ol_addr *dst, const struct ol_addr *src, int ifi, struct hop *hop)
{
	static const struct ol_addr none;
	uint64_t gen = net_generation(net);
	uint32_t h = 0;
	if (dst->ver != 4 && dst->ver != 6)
		return OL_ERR_NETUNREACH;
	if (!src || src->ver != dst->ver)
		src = &none;
	for (int i = 0; i < 16; i += 4) {
		uint32_t w;
		memcpy(&w, dst->b + i, 4);
		h = (h ^ w) * UINT32_C(0x9e3779b1);
	}
	static_assert(PATH_SLOTS == 1 << (32 - 27), "a slot for each value of the top five bits");
	struct path_slot *s = &net->path[h >> 27];
	if (s->generation == gen && s->ifi == ifi && ol_addr_eq(&s->dst, dst) && ol_addr_eq(&s->src, src)) {
		*hop = s->hop;
		return OL_OK;
	}
	enum ol_err err = find(net, dst, src, ifi, hop);
	if (!err)
		*s = (struct path_slot){ gen, *dst, *src, ifi, *hop };
	return err;
}

enum ol_err net_route(struct net *net, const struct ol_addr *dst, const struct ol_addr *src, int ifi,
		      struct net_path *path)
{
	struct hop hop;
	enum ol_err err = path_find(net, dst, src, ifi, &hop);
	if (err)
		return err;
	if (src && src->ver == dst->ver && !ol_addr_is_any(src) && !net_is_local(net, src, 0))
		return OL_ERR_ADDRNOTAVAIL;
	if (!hop.src.ver)
		return OL_ERR_ADDRNOTAVAIL;
	*path = (struct net_path){ .ifi = hop.ifi, .src = hop.src, .mtu = hop.mtu, .link_mtu = hop.link_mtu,
		.features = hop.features, .local = hop.local, .broadcast = hop.broadcast, .multicast = hop.multicast };
	return OL_OK;
}

struct txq *net_txq(const struct net *net, int ifi) { return link_txq(net->link, ifi); }

/* The way to dst goes by a neighbour. */
static bool by_neighbour(struct net *net, const struct ol_addr *dst, struct hop *hop)
{
	return path_find(net, dst, NULL, 0, hop) == OL_OK && !hop->local;
}

void net_confirm(struct net *net, const struct ol_addr *dst, ol_time now)
{
	struct hop hop;
	if (by_neighbour(net, dst, &hop))
		neigh_confirm(net->link, hop.ifi, &hop.next, now);
}

ol_time net_found(struct net *net, const struct ol_addr *dst)
{
	struct hop hop;
	return by_neighbour(net, dst, &hop) ? neigh_found(net->link, hop.ifi, &hop.next) : 0;
}

void net_doubt(struct net *net, const struct ol_addr *dst, ol_time now)
{
	struct hop hop;
	if (by_neighbour(net, dst, &hop))
		neigh_doubt(net->link, hop.ifi, &hop.next, now);
}
