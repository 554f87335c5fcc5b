/* Interfaces, addresses, routes and neighbours of a stack: the floors' own calls, documented in <outlet/ol_stack.h>. */
#include <errno.h>
#include "stack/stack_int.h"

int ol_iface_add(struct ol_stack *stk, const struct ol_iface_config *cfg)
{
	int ifi = link_iface_add(stk->link, cfg);
	if (ifi > 0)
		link_carrier(stk->link, ifi, true, stk->now);
	if (ifi > 0 && !cfg->ip6_later)
		net_ip6_start(stk->net, ifi, stk->now);
	return ifi;
}

int ol_iface_loopback(struct ol_stack *stk)
{
	static const uint8_t one[16] = { [15] = 1 };
	const struct ol_iface_config cfg = { .name = "lo", .link = OL_LINK_LOOP, .mtu = 65536,
					     .features = OL_IF_CSUM | OL_IF_TSO4 | OL_IF_TSO6 };
	const struct ol_addr ip4 = ol_addr_ip4(0x7f000001), ip6 = ol_addr_from(6, one);
	int ifi = link_iface_add(stk->link, &cfg);
	if (ifi < 0)
		return ifi;
	link_iface_up(stk->link, ifi, true, stk->now);
	int err = net_addr_add(stk->net, ifi, &ip4, 8, stk->now);
	if (!err)
		err = net_addr_add(stk->net, ifi, &ip6, 128, stk->now);
	return err ? err : ifi;
}

int ol_iface_up(struct ol_stack *stk, int ifi, bool up)
{
	bool was = link_iface(stk->link, ifi) && link_iface(stk->link, ifi)->up;
	int err = link_iface_up(stk->link, ifi, up, stk->now);
	if (err)
		return err;
	if (was != up)
		link_carrier(stk->link, ifi, up, stk->now);
	net_iface_up(stk->net, ifi, up, stk->now);
	tcp_drained(stk->tcp, ifi, stk->now);		/* what the queue held is gone */
	stack_settle(stk);
	return 0;
}

int ol_iface_acd(struct ol_stack *stk, int ifi, enum ol_acd acd, enum ol_defend defend)
{
	return link_iface_acd(stk->link, ifi, acd, defend);
}

int ol_iface_linklocal4(struct ol_stack *stk, int ifi, bool on) { return net_linklocal4(stk->net, ifi, on, stk->now); }

int ol_iface_info(const struct ol_stack *stk, int ifi, struct ol_iface_info *out)
{
	return link_iface_info(stk->link, ifi, out);
}

int ol_iface_next(const struct ol_stack *stk, int after) { return link_iface_next(stk->link, after); }

int ol_addr_add(struct ol_stack *stk, int ifi, const struct ol_addr *addr, unsigned plen)
{
	int err = net_addr_add(stk->net, ifi, addr, plen, stk->now);
	if (!err)
		link_ppp_local(stk->link, ifi, addr, stk->now);
	stack_settle(stk);
	return err;
}

int ol_addr_del(struct ol_stack *stk, int ifi, const struct ol_addr *addr)
{
	return net_addr_del(stk->net, ifi, addr, stk->now);
}

int ol_addr_get(const struct ol_stack *stk, int ifi, unsigned i, struct ol_addr *addr, unsigned *plen)
{
	return net_addr_get(stk->net, ifi, i, addr, plen);
}

int ol_acd_get(const struct ol_stack *stk, unsigned i, struct ol_acd_info *out)
{
	static_assert((int)ACD_LOST == (int)OL_ACD_LOST && (int)ACD_HELD == (int)OL_ACD_HELD, "the same states");
	struct acd_row row;
	if (!acd_get(stk->link, i, &row))
		return -ENOENT;
	*out = (struct ol_acd_info){ .ifi = row.ifi, .addr = row.addr, .state = (enum ol_acd_state)row.state, .rival = row.rival,
				     .conflict_at = row.conflict_at };
	return 0;
}

int ol_addr_info(const struct ol_stack *stk, int ifi, unsigned i, struct ol_addr_info *out)
{
	return net_addr_info(stk->net, ifi, i, out);
}

int ol_iface_ip6_set(struct ol_stack *stk, int ifi, const struct ol_ip6_config *conf)
{
	return net_ip6_set(stk->net, ifi, conf, stk->now);
}

int ol_iface_ip6_get(const struct ol_stack *stk, int ifi, struct ol_ip6_config *conf)
{
	return net_ip6_get(stk->net, ifi, conf);
}

int ol_iface_ip6_link(const struct ol_stack *stk, int ifi, struct ol_ip6_link *out)
{
	return net_ip6_link(stk->net, ifi, out);
}

int ol_iface_advertise(struct ol_stack *stk, int ifi, const struct ol_ra_config *conf)
{
	return net_advertise(stk->net, ifi, conf, stk->now);
}

int ol_router_get(const struct ol_stack *stk, unsigned i, struct ol_router *out)
{
	return net_router_get(stk->net, i, out) ? 0 : -ENOENT;
}

int ol_iface_dns_server(const struct ol_stack *stk, int ifi, unsigned i, struct ol_addr *out)
{
	return net_server_get(stk->net, ifi, i, out) ? 0 : -ENOENT;
}

int ol_iface_dns_domain(const struct ol_stack *stk, int ifi, unsigned i, char out[256])
{
	return net_domain_get(stk->net, ifi, i, out) ? 0 : -ENOENT;
}

int ol_route_add(struct ol_stack *stk, const struct ol_route *r) { return net_route_add(stk->net, r); }
int ol_route_del(struct ol_stack *stk, const struct ol_route *r) { return net_route_del(stk->net, r); }
int ol_route_get(const struct ol_stack *stk, unsigned i, struct ol_route *r) { return net_route_get(stk->net, i, r); }

int ol_neigh_add(struct ol_stack *stk, int ifi, const struct ol_addr *addr, const struct ol_mac *mac)
{
	return link_neigh_add(stk->link, ifi, addr, mac, stk->now);
}

int ol_neigh_get(const struct ol_stack *stk, unsigned i, struct ol_neigh *out)
{
	static_assert((int)NEIGH_STATIC == (int)OL_NEIGH_STATIC && (int)NEIGH_STALE == (int)OL_NEIGH_STALE, "the same states");
	struct neigh_row row;
	if (!neigh_get(stk->link, i, &row, stk->now))
		return -ENOENT;
	*out = (struct ol_neigh){ .ifi = row.ifi, .addr = row.addr, .mac = row.mac, .state = (enum ol_neigh_state)row.state,
		.router = row.router };
	return 0;
}
