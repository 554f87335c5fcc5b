/*
 * Duplicate address detection: RFC 4862 5.4, optimistic as RFC 4429 has it, with RFC 7527's nonce against echoes.
 *
 *	             no one objects                                          somebody has it
 *	optimistic ------------------> ready        optimistic, tentative ------------------> duplicate (by hand: kept
 *	tentative  ------------------>                                                        as such; made: see below)
 *
 * Every unicast address of an Ethernet interface is looked for, those given by hand too; dad_transmits says how often it
 * is asked for, 0 switches it off.
 * Programs here start with their host and speak at once, so an address is optimistic unless optimistic_dad is off: it can
 * be used from the beginning, but the neighbours' caches are left in peace until it is known to be ours (no source
 * link-layer address in what is sent from it, no override in what answers for it: nd.c).  RFC 4429 3.1 advises against
 * it for addresses given by hand, since people mistype: whoever mistypes here meets a counter and the word "duplicate"
 * after a second, and meanwhile took nobody's traffic.  RFC 4429 3.2 also forbids to solicit neighbours from such an
 * address and would send by way of a router; most networks here have none, so neighbours are solicited, without the
 * option that would change their caches.
 * Tentative addresses (optimistic_dad off) are not assigned: nothing is sent from them or taken for them.
 * A duplicate is never assigned.  When it is the link-local address that names the hardware, the hardware address is
 * there twice and IPv6 is over on the interface until the link comes up anew (5.4.5).  An identifier that was drawn
 * (RFC 7217) is drawn again, ND_RETRIES times.
 * Left out: anycast addresses, which nobody can have here (5.4 wants none looked for).
 */
#include "net/nd_if.h"
#include <string.h>

static const ol_time FIRST_DELAY = OL_SEC;	/* RFC 4861 10: MAX_RTR_SOLICITATION_DELAY */

void dad_start(struct net *net, struct net_addr *a, ol_time now)
{
	const struct nd_if *nd = nd_if_find(net, a->ifi);
	a->dad_at = OL_NEVER;
	if (a->addr.ver != 6)
		return;				/* link/acd.c looks for those of IPv4 */
	a->state = ADDR_READY;
	if (!nd || !nd->on || !nd->conf.dad_transmits)
		return;
	a->state = nd->conf.optimistic_dad ? ADDR_OPTIMISTIC : ADDR_TENTATIVE;
	a->dad_left = nd->conf.dad_transmits;
	/* RFC 4862 5.4.2: hosts that start together do not ask together; RFC 4429 3.3: later an optimistic one does not wait */
	bool waits = a->state == ADDR_TENTATIVE || nd->begun == now;
	a->dad_at = waits ? now + (ol_time)(rng_unit(&net->nd_rng) * (double)FIRST_DELAY) : now;
}

/* req: 4862-5.4.2-c: from nowhere, to those who could have it; its groups were joined before (addr_put). */
static void ask(struct net *net, struct net_addr *a, ol_time now)
{
	static const struct ol_addr nowhere = { .ver = 6 };
	struct ol_addr group = nd_solicited_node(&a->addr);
	struct nd_msg m = { .target = a->addr, .has_nonce = true };
	uint64_t r = rng_u64(&net->nd_rng);
	for (int i = 0; i < ND_NONCE_LEN; i++)
		a->nonce[i] = (uint8_t)(r >> 8 * i);
	memcpy(m.nonce, a->nonce, sizeof m.nonce);
	nd_send(net, a->ifi, ICMP6_NS, &m, &nowhere, &group, now);
}

bool dad_due(struct net *net, struct net_addr *a, ol_time now)
{
	const struct nd_if *nd = nd_if_find(net, a->ifi);
	if (a->dad_at > now)
		return true;
	if (a->dad_left) {
		a->dad_left--;
		a->dad_at = now + nd_retrans(nd);
		ask(net, a, now);
		return true;
	}
	a->dad_at = OL_NEVER;
	a->state = ADDR_READY;
	addr_changed(net);
	if (ol_addr_is_linklocal(&a->addr))
		group_renew6(net, a->ifi, now);	/* RFC 3590 4: what was reported from nowhere */
	return true;
}

bool dad_is_echo(const struct net_addr *a, const struct nd_msg *m)
{
	return m->has_nonce && !memcmp(m->nonce, a->nonce, sizeof a->nonce);
}

static bool names_hardware(const struct nd_if *nd, const struct net_addr *a)
{
	return a->autoconf && ol_addr_is_linklocal(&a->addr) && nd->conf.addr_gen_mode == OL_GEN_EUI64;
}

void dad_duplicate(struct net *net, struct net_addr *a, ol_time now)
{
	struct nd_if *nd = nd_if_find(net, a->ifi);
	a->state = ADDR_DUPLICATE;
	a->dad_at = OL_NEVER;
	addr_changed(net);
	if (names_hardware(nd, a)) {
		nd->disabled = true;
		nd->rs_at = OL_NEVER;
		adv_stop(nd);
	} else if (a->autoconf && nd->conf.addr_gen_mode == OL_GEN_STABLE && a->conflicts < ND_RETRIES) {
		struct net_addr was = *a;
		net_addr_del(net, was.ifi, &was.addr, now);
		slaac_again(nd, &was, now);
	}
	nd_rearm(nd);
}
