/*
 * An interface as IPv6 knows it: when it begins to speak, what of it is due when, and its end.  RFC 4861 6.3.2 and 6.3.3,
 * RFC 4862 5.1 and 5.3.
 * IPv6 begins on an Ethernet interface when it comes up (net_ip6_start), or with its first address.  When the link goes
 * down all that routers said is forgotten; addresses given by hand stay, and are looked for anew when it is up again.
 * What always holds: the timer is armed for the first thing due while the interface speaks, and not at all else.
 */
#include "net/nd_if.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const ol_time REACHABLE_AGAIN = 2 * 3600 * OL_SEC;

struct nd_if *nd_if_find(const struct net *net, int ifi) { return ifi >= 1 && ifi <= net->n_nd ? net->nd[ifi - 1] : NULL; }

static struct nd_if *nd_if_get(struct net *net, int ifi)
{
	const struct iface *f = link_iface(net->link, ifi);
	if (!f || f->link != OL_LINK_ETHER || f->mtu < IP6_MIN_MTU)
		return NULL;			/* req: 8200-5-a: a link that carries less carries no IPv6 */
	if (ifi > net->n_nd) {
		struct nd_if **grown = realloc(net->nd, (size_t)ifi * sizeof *grown);
		if (!grown)
			return NULL;
		memset(grown + net->n_nd, 0, (size_t)(ifi - net->n_nd) * sizeof *grown);
		net->nd = grown;
		net->n_nd = ifi;
	}
	struct nd_if *nd = net->nd[ifi - 1];
	if (nd || !(nd = calloc(1, sizeof *nd)))
		return nd;
	*nd = (struct nd_if){ .net = net, .ifi = ifi, .conf = net->cfg.ip6, .rs_at = OL_NEVER, .rearm_reachable = OL_NEVER };
	timer_init(&nd->timer, TIMER_NET_ND);
	net->nd[ifi - 1] = nd;
	return nd;
}

void nd_if_fini(struct net *net)
{
	for (int i = 0; i < net->n_nd; i++)
		if (net->nd[i]) {
			timer_stop(net->wheel, &net->nd[i]->timer);
			free(net->nd[i]->adv);
			free(net->nd[i]);
		}
	free(net->nd);
}

bool nd_is_disabled(const struct net *net, int ifi)
{
	const struct nd_if *nd = nd_if_find(net, ifi);
	return nd && nd->disabled;
}

ol_time nd_retrans(const struct nd_if *nd) { return nd->retrans_ns ? nd->retrans_ns : link_retrans(nd->net->link); }

/* RFC 4861 6.2.8: what a router hears of others is not for it; Linux's accept_ra has the same three values. */
bool nd_listens(const struct nd_if *nd)
{
	return nd->on && (nd->conf.accept_ra == 2 || (nd->conf.accept_ra == 1 && !nd->net->cfg.forward6));
}

/* ---- what is due --------------------------------------------------------------------------------------------------- */

static ol_time addr_next(const struct net_addr *a)
{
	ol_time at = MIN(a->dad_at, a->valid_until);
	return a->deprecated ? at : MIN(at, a->preferred_until);
}

static ol_time next_due(const struct nd_if *nd)
{
	const struct net *net = nd->net;
	ol_time at = MIN(adv_next(nd), MIN(nd->rs_at, nd->rearm_reachable));
	at = MIN(at, MIN(router_next(nd), MIN(prefix_next(nd), dns_next(nd))));
	for (int i = 0; i < net->n_addr; i++)
		if (net->addr[i].ifi == nd->ifi)
			at = MIN(at, addr_next(&net->addr[i]));
	return at;
}

void nd_rearm(struct nd_if *nd)
{
	struct net *net = nd->net;
	ol_time at = next_due(nd);
	if (at == OL_NEVER || !nd->on)
		timer_stop(net->wheel, &nd->timer);
	else
		timer_arm(net->wheel, &nd->timer, at);
}

/* RFC 4862 5.5.4.  False: the address is gone. */
static bool lifetimes(struct net *net, struct net_addr *a, ol_time now)
{
	if (a->valid_until <= now) {
		struct ol_addr addr = a->addr;
		net_addr_del(net, a->ifi, &addr, now);
		return false;
	}
	if (!a->deprecated && a->preferred_until <= now) {
		a->deprecated = true;
		net->generation++;
	}
	return true;
}

static void addresses_due(struct nd_if *nd, ol_time now)
{
	struct net *net = nd->net;
	for (int i = 0; i < net->n_addr; ) {
		struct net_addr *a = &net->addr[i];
		bool due = a->ifi == nd->ifi && addr_next(a) <= now;
		if (due && (!lifetimes(net, a, now) || !dad_due(net, a, now)))
			i = 0;			/* the list is another now; each turn does what was due and clears it */
		else
			i++;
	}
}

void nd_expire(struct net *net, struct timer *t, ol_time now)
{
	struct nd_if *nd = list_of(t, struct nd_if, timer);
	(void)net;
	addresses_due(nd, now);
	ra_due(nd, now);
	adv_due(nd, now);
	router_due(nd, now);
	prefix_due(nd, now);
	dns_due(nd, now);
	if (nd->rearm_reachable <= now)
		nd_times(nd, nd->base_reachable_ns, nd->retrans_ns, now);
	nd_rearm(nd);
}

/* RFC 4861 6.3.2: ReachableTime is drawn anew when its base changes, and every few hours. */
void nd_times(struct nd_if *nd, ol_time base, ol_time retrans, ol_time now)
{
	if (base != nd->base_reachable_ns || nd->rearm_reachable <= now) {
		nd->base_reachable_ns = base;
		nd->rearm_reachable = base ? now + REACHABLE_AGAIN : OL_NEVER;
		double factor = 0.5 + rng_unit(&nd->net->nd_rng);
		link_times6(nd->net->link, nd->ifi, (ol_time)((double)base * factor), retrans);
	} else if (retrans != nd->retrans_ns) {
		link_times6(nd->net->link, nd->ifi, -1, retrans);
	}
	nd->retrans_ns = retrans;
}

/* Deleting an address may leave the timer earlier than what is due now, never later. */
void nd_check(const struct net *net)
{
	for (int k = 0; k < net->n_nd; k++) {
		const struct nd_if *nd = net->nd[k];
		if (!nd)
			continue;
		ol_time first = next_due(nd);
		CHECK(nd->ifi == k + 1 && nd->n_routes <= ARRAY_LEN(nd->route) && nd->n_prefixes <= ND_PREFIXES_MAX);
		CHECK(nd->n_dns[ND_SERVER] <= ND_DNS_MAX && nd->n_dns[ND_DOMAIN] <= ND_DNS_MAX);
		CHECK(nd->on ? first == OL_NEVER || (timer_armed(&nd->timer) && nd->timer.at <= first) : !timer_armed(&nd->timer));
		CHECK(nd->on || (!nd->n_routes && !nd->n_prefixes && nd->rs_at == OL_NEVER));
		unsigned made = 0;
		for (int i = 0; i < net->n_addr; i++)
			made += net->addr[i].ifi == nd->ifi && net->addr[i].autoconf && !ol_addr_is_linklocal(&net->addr[i].addr);
		CHECK(made <= ND_AUTO_MAX);
	}
}

/* ---- life ---------------------------------------------------------------------------------------------------------- */

struct nd_if *nd_if_start(struct net *net, int ifi, ol_time now)
{
	struct nd_if *nd = nd_if_get(net, ifi);
	if (!nd || nd->on || !link_iface(net->link, ifi)->up)
		return nd;
	nd->on = true;
	nd->begun = now;
	nd->disabled = false;
	for (int i = 0; i < net->n_addr; i++)
		if (net->addr[i].ifi == ifi && net->addr[i].addr.ver == 6)
			dad_start(net, &net->addr[i], now);
	addr_changed(net);
	slaac_linklocal(nd, 0, now);
	ra_start(nd, now);
	adv_start(nd, now);
	nd_rearm(nd);
	return nd;
}

static void stop(struct nd_if *nd, ol_time now)
{
	struct net *net = nd->net;
	for (int i = 0; i < net->n_addr; ) {
		struct net_addr *a = &net->addr[i];
		struct ol_addr addr = a->addr;
		if (a->ifi == nd->ifi && a->autoconf && !ol_addr_is_linklocal(&a->addr)) {
			net_addr_del(net, nd->ifi, &addr, now);
			continue;
		}
		if (a->ifi == nd->ifi)
			a->dad_at = OL_NEVER;
		i++;
	}
	for (unsigned i = 0; i < nd->n_routes; i++)
		nd->route[i].until = now;
	for (unsigned i = 0; i < nd->n_prefixes; i++)
		nd->prefix[i].until = now;
	router_due(nd, now);
	prefix_due(nd, now);
	redirect_forget(net, 6, nd->ifi, NULL);
	adv_stop(nd);
	memset(nd->n_dns, 0, sizeof nd->n_dns);
	nd->hop_limit = 0;
	nd->mtu = 0;
	nd->rs_left = 0;
	nd->rs_at = OL_NEVER;
	nd_times(nd, 0, 0, now);
	nd->on = false;
	net->generation++;
	nd_rearm(nd);
}

void nd_if_up(struct net *net, int ifi, bool up, ol_time now)
{
	struct nd_if *nd = nd_if_find(net, ifi);
	if (nd && nd->on && !up)
		stop(nd, now);
	else if (nd && up)
		nd_if_start(net, ifi, now);
}

void net_ip6_start(struct net *net, int ifi, ol_time now) { nd_if_start(net, ifi, now); }

int net_ip6_set(struct net *net, int ifi, const struct ol_ip6_config *conf, ol_time now)
{
	if (!link_iface(net->link, ifi))
		return -ENODEV;
	if (conf->accept_ra > 2 || (conf->addr_gen_mode != OL_GEN_EUI64 && conf->addr_gen_mode != OL_GEN_STABLE))
		return -EINVAL;
	struct nd_if *nd = nd_if_get(net, ifi);
	if (!nd)
		return -EOPNOTSUPP;
	bool listened = nd_listens(nd);
	nd->conf = *conf;
	if (!nd->on)
		nd_if_start(net, ifi, now);
	else if (!listened)
		ra_start(nd, now);
	nd_rearm(nd);
	return 0;
}

int net_ip6_get(const struct net *net, int ifi, struct ol_ip6_config *conf)
{
	const struct nd_if *nd = nd_if_find(net, ifi);
	if (!link_iface(net->link, ifi))
		return -ENODEV;
	*conf = nd ? nd->conf : net->cfg.ip6;
	return 0;
}

int net_ip6_link(const struct net *net, int ifi, struct ol_ip6_link *out)
{
	const struct nd_if *nd = nd_if_find(net, ifi);
	const struct iface *f = link_iface(net->link, ifi);
	if (!f)
		return -ENODEV;
	*out = (struct ol_ip6_link){ .on = nd && nd->on, .disabled = nd && nd->disabled,
		.hop_limit = nd && nd->hop_limit ? nd->hop_limit : net->cfg.hop_limit, .mtu = nd && nd->mtu ? nd->mtu : f->mtu,
		.base_reachable = nd && nd->base_reachable_ns ? nd->base_reachable_ns : link_base_reachable(net->link),
		.retrans = nd && nd->retrans_ns ? nd->retrans_ns : link_retrans(net->link) };
	return 0;
}
