/*
 * Addresses that a link brings.  PPP interfaces: the calls of <outlet/ol_serial.h>, and what becomes of the addresses that a link
 * agrees on.  While it is open the interface has the address the peer gave it, where it had none, and a route to the peer's (to
 * everywhere, if it is set so); IPv6 has a link-local address.  What was given goes when the link does.
 * RARP: an address found is the interface's from then on.
 */
#include <errno.h>
#include <outlet/ol_serial.h>
#include "stack/stack_int.h"

static struct ol_route to_peer(const struct link_event *ev)
{
	return (struct ol_route){ .dst = ev->peer, .plen = 32, .ifi = ev->ifi, .prefsrc = ev->local };
}

static void network(struct ol_stack *stk, const struct link_event *ev)
{
	bool everywhere = ev->peer.ver && stk->cfg.link.ppp.defaultroute;
	struct ol_route r = to_peer(ev), all = { .dst = { .ver = 4 }, .ifi = ev->ifi, .prefsrc = ev->local };
	if (ev->up) {
		if (ev->given && ev->local.ver)
			net_addr_add(stk->net, ev->ifi, &ev->local, ev->plen, stk->now);
		if (ev->peer.ver)
			net_route_add(stk->net, &r);
		if (everywhere)
			net_route_add(stk->net, &all);
		return;
	}
	if (everywhere)
		net_route_del(stk->net, &all);
	if (ev->peer.ver)
		net_route_del(stk->net, &r);
	if (ev->given && ev->local.ver)
		net_addr_del(stk->net, ev->ifi, &ev->local, stk->now);
}

void stack_link_events(struct ol_stack *stk)
{
	struct link_event ev;
	while (link_event_next(stk->link, &ev))
		network(stk, &ev);
}

int ol_ppp_info(const struct ol_stack *stk, int ifi, struct ol_ppp_info *out) { return link_ppp_info(stk->link, ifi, out); }

static int admin(struct ol_stack *stk, int ifi, bool open)
{
	int err = link_ppp_admin(stk->link, ifi, open, stk->now);
	stack_settle(stk);
	return err;
}

int ol_ppp_open(struct ol_stack *stk, int ifi) { return admin(stk, ifi, true); }
int ol_ppp_close(struct ol_stack *stk, int ifi) { return admin(stk, ifi, false); }
int ol_ppp_peer(struct ol_stack *stk, int ifi, const struct ol_addr *addr) { return link_ppp_peer(stk->link, ifi, addr); }

/* ---- RARP, RFC 903 ------------------------------------------------------------------------------------------------ */
int ol_rarp_ask(struct ol_stack *stk, int ifi) { return link_rarp_ask(stk->link, ifi, stk->now); }
int ol_rarp_state(const struct ol_stack *stk, int ifi, struct ol_addr *found) { return link_rarp_state(stk->link, ifi, found); }

int ol_rarp_serve(struct ol_stack *stk, int ifi, const struct ol_mac *mac, const struct ol_addr *addr)
{
	struct ol_addr own;
	unsigned plen, i = 0;
	do
		if (ol_addr_get(stk, ifi, i++, &own, &plen))
			return -EADDRNOTAVAIL;
	while (own.ver != 4);
	return link_rarp_serve(stk->link, ifi, mac, addr, &own);
}
