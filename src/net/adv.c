/*
 * A router that advertises itself: RFC 4861 6.2, for networks whose hosts are to find their addresses and their way by themselves.
 *
 *	   three in 16 s at most, then each at random between a third of the interval and all of it
 *	---|----|----|-----------|--------------|-----        a solicitation brings the next one forward,
 *	                                                      but 3 s lie between two of them
 * Advertisements go to all hosts, also when one asked (6.2.6 leaves it open). One that says "no longer" is sent when
 * it ends (6.2.5).  Only who forwards may advertise (6.2.2), and from a link-local address that is settled, so that its
 * hardware address can be told with it.
 * Left out: comparing with what other routers say (6.2.7), lifetimes that run down, intervals of neighbours' reachability learnt.
 */
#include "net/nd_if.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { INITIAL = 3, INITIAL_S = 16, BETWEEN_S = 3, ANSWER_MS = 500 };	/* RFC 4861 10 */
static const struct ol_addr all_nodes = { .ver = 6, .b = { 0xff, 0x02, [15] = 1 } };
static const struct ol_addr all_routers = { .ver = 6, .b = { 0xff, 0x02, [15] = 2 } };

struct adv { struct ol_ra_config conf; unsigned initial; ol_time at, last; };

static ol_time next_interval(struct adv *a, struct rng *r)
{
	double max = a->conf.interval_s, min = max >= 9 ? max / 3 : max * 0.75;
	double s = min + rng_unit(r) * (max - min);
	if (a->initial) {
		a->initial--;
		s = MIN(s, (double)INITIAL_S);
	}
	return (ol_time)(s * OL_SEC);
}

static void put_prefix(struct ol_pkt *pkt, const struct ol_ra_prefix *x, bool ends)
{
	struct nd_prefix_info pi = { .plen = (uint8_t)x->plen, .valid_s = x->valid_s, .preferred_s = ends ? 0 : x->preferred_s,
		.prefix = x->prefix, .flags = (uint8_t)((x->onlink ? PREFIX_ONLINK : 0) | (x->autonomous ? PREFIX_AUTO : 0)) };
	wire_nd_prefix_build(ol_pkt_put(pkt, PREFIX_OPT_LEN), &pi);
}

static void put_servers(struct ol_pkt *pkt, const struct ol_ra_config *c, bool ends)
{
	uint8_t *o = ol_pkt_put(pkt, 8);
	memcpy(o, (uint8_t[]){ ND_OPT_RDNSS, (uint8_t)(1 + 2 * c->n_servers), 0, 0 }, 4);
	be32_put(o + 4, ends ? 0 : 3u * c->interval_s);
	for (unsigned i = 0; i < c->n_servers; i++)
		memcpy(ol_pkt_put(pkt, 16), c->server[i].b, 16);
}

static void advertise(struct nd_if *nd, const struct adv *a, const struct ol_addr *src, bool ends, ol_time now)
{
	struct net *net = nd->net;
	const struct ol_ra_config *c = &a->conf;
	struct ol_pkt *pkt = ol_pkt_new(net->pool, RA_LEN + ND_OPT_LEN + MTU_OPT_LEN + OL_RA_PREFIXES_MAX * PREFIX_OPT_LEN +
					8 + OL_RA_SERVERS_MAX * 16);
	if (!pkt) {
		net_drop(net, NULL, OL_DROP_NO_MEMORY);
		return;
	}
	struct nd_ra ra = { .hop_limit = c->hop_limit, .pref = c->pref, .lifetime_s = ends ? 0 : c->lifetime_s,
		.flags = (uint8_t)((c->managed ? RA_MANAGED : 0) | (c->other ? RA_OTHER : 0)),
		.reachable_ms = c->reachable_ms, .retrans_ms = c->retrans_ms };
	wire_ra_build(ol_pkt_put(pkt, RA_LEN), &ra);
	uint32_t rest = be32_at(pkt->data + 4);
	uint8_t *slla = ol_pkt_put(pkt, ND_OPT_LEN);
	memcpy(slla, (uint8_t[]){ ND_OPT_SLLA, 1 }, 2);
	memcpy(slla + 2, link_iface(net->link, nd->ifi)->mac.b, OL_MAC_LEN);
	if (c->mtu)
		wire_nd_mtu_build(ol_pkt_put(pkt, MTU_OPT_LEN), c->mtu);
	for (unsigned i = 0; i < c->n_prefixes; i++)
		put_prefix(pkt, &c->prefix[i], ends);
	if (c->n_servers)
		put_servers(pkt, c, ends);
	nd_transmit(net, nd->ifi, pkt, ICMP6_RA, rest, src, &all_nodes, now);
}

/* A link-local address that is ours beyond doubt; ver 0: not yet. */
static struct ol_addr speaker(const struct nd_if *nd)
{
	struct ol_addr src = nd_speaker(nd->net, nd->ifi);
	const struct net_addr *a = src.ver ? addr_find(nd->net, nd->ifi, &src) : NULL;
	return a && a->state == ADDR_READY ? src : (struct ol_addr){ 0 };
}

void adv_due(struct nd_if *nd, ol_time now)
{
	struct adv *a = nd->adv;
	if (!a || a->at > now)
		return;
	struct ol_addr src = speaker(nd);
	if (!src.ver) {
		a->at = now + nd_retrans(nd);
		return;
	}
	a->last = now;
	a->at = now + next_interval(a, &nd->net->nd_rng);
	advertise(nd, a, &src, false, now);
}

ol_time adv_next(const struct nd_if *nd) { return nd->adv ? nd->adv->at : OL_NEVER; }

void adv_start(struct nd_if *nd, ol_time now)
{
	if (!nd->adv || !nd->on)
		return;
	nd->adv->initial = INITIAL;
	nd->adv->last = now - BETWEEN_S * OL_SEC;
	nd->adv->at = now + (ol_time)(rng_unit(&nd->net->nd_rng) * ANSWER_MS * ND_MS);
}

void adv_stop(struct nd_if *nd)
{
	if (nd->adv)
		nd->adv->at = OL_NEVER;
}

/* RFC 4861 6.1.1 and 6.2.6. */
enum ol_fate adv_solicited(struct net *net, const struct ol_pkt *pkt, const struct net_rx *rx, ol_time now)
{
	struct nd_if *nd = nd_if_find(net, rx->ifi);
	struct nd_opts o;
	struct nd_opt opt;
	struct ol_mac mac;
	bool nameless = ol_addr_is_any(&rx->src), told = false;
	if (pkt->len < RS_LEN || !wire_nd_opts(&o, pkt->data + RS_LEN, pkt->len - RS_LEN))
		return OL_DROP_ND_BAD;
	while (wire_nd_opt_next(&o, &opt))
		told |= opt.type == ND_OPT_SLLA && wire_nd_opt_mac(&opt, &mac);
	if (told && nameless)
		return OL_DROP_ND_BAD;
	if (!nd || !nd->on || !nd->adv)
		return OL_PASS;			/* req: 4861-6.1.1-a: hosts leave it to routers */
	if (told)
		neigh_learn(net->link, rx->ifi, &rx->src, &mac, true, now);
	neigh_set_router(net->link, rx->ifi, &rx->src, false);
	ol_time answer = MAX(now, nd->adv->last + BETWEEN_S * OL_SEC) + (ol_time)(rng_unit(&net->nd_rng) * ANSWER_MS * ND_MS);
	nd->adv->at = MIN(nd->adv->at, answer);
	nd_rearm(nd);
	return OL_PASS;
}

static bool sensible(const struct ol_ra_config *c)
{
	bool good = c->interval_s >= 4 && c->interval_s <= 1800 && (!c->lifetime_s || (c->lifetime_s >= c->interval_s &&
		    c->lifetime_s <= 9000)) && c->pref >= -1 && c->pref <= 1 && c->reachable_ms <= 3600000 &&
		    c->n_prefixes <= OL_RA_PREFIXES_MAX && c->n_servers <= OL_RA_SERVERS_MAX && (!c->mtu || c->mtu >= IP6_MIN_MTU);
	for (unsigned i = 0; good && i < c->n_prefixes; i++)
		good = c->prefix[i].prefix.ver == 6 && c->prefix[i].plen <= 128 && !ol_addr_is_linklocal(&c->prefix[i].prefix) &&
		       c->prefix[i].preferred_s <= c->prefix[i].valid_s;
	for (unsigned i = 0; good && i < c->n_servers; i++)
		good = c->server[i].ver == 6;
	return good;
}

static void end(struct nd_if *nd, ol_time now)
{
	struct ol_addr src = nd->on ? speaker(nd) : (struct ol_addr){ 0 };
	if (src.ver)
		advertise(nd, nd->adv, &src, true, now);
	net_group_leave(nd->net, nd->ifi, &all_routers, now);
	free(nd->adv);
	nd->adv = NULL;
	nd_rearm(nd);
}

int net_advertise(struct net *net, int ifi, const struct ol_ra_config *conf, ol_time now)
{
	if (!link_iface(net->link, ifi))
		return -ENODEV;
	struct nd_if *nd = nd_if_start(net, ifi, now);
	if (!nd)
		return -EOPNOTSUPP;
	if (!conf) {
		if (nd->adv)
			end(nd, now);
		return 0;
	}
	if (!net->cfg.forward6)
		return -EPERM;			/* req: 4861-6.2.4-a */
	if (!sensible(conf))
		return -EINVAL;
	if (!nd->adv) {
		if (!(nd->adv = calloc(1, sizeof *nd->adv)))
			return -ENOMEM;
		int err = net_group_join(net, ifi, &all_routers, now);
		if (err) {
			free(nd->adv);
			nd->adv = NULL;
			return err;
		}
	}
	nd->adv->conf = *conf;
	nd->adv->at = OL_NEVER;
	adv_start(nd, now);
	nd_rearm(nd);
	return 0;
}
