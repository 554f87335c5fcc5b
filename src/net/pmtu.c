/*
 * Path MTUs learnt from ICMP or by probing: RFC 1191 3 and 6.3, RFC 8201 4 and 5.3.  One entry per destination (not
 * per route:
 * RFC 1122 3.3.1.3 allows it).  An entry is forgotten after 10 minutes, so that a better path is found again.
 * What always holds: entries are at most PMTU_MAX (the oldest goes); all live equally long, so the list by age is in
 * the order of expiry, and the timer (net_rearm) stands at its first or before; a value never rises while it lives,
 * and is never under 68 or 1280.
 */
#include "net/net_int.h"
#include <stdlib.h>
#include <string.h>

static const ol_time PMTU_LIFE = 600 * OL_SEC;

static struct pmtu **bucket_of(const struct net *net, const struct ol_addr *dst)
{
	return (struct pmtu **)&net->pmtu[siphash(net->key_path, dst->b, sizeof dst->b) % PMTU_BUCKETS];
}

static struct pmtu *find(const struct net *net, const struct ol_addr *dst)
{
	for (struct pmtu *e = *bucket_of(net, dst); e; e = e->hash_next)
		if (ol_addr_eq(&e->dst, dst))
			return e;
	return NULL;
}

uint32_t pmtu_get(const struct net *net, const struct ol_addr *dst)
{
	const struct pmtu *e = net->n_pmtu ? find(net, dst) : NULL;
	return e ? e->mtu : 0;
}

static void forget(struct net *net, struct pmtu *e)
{
	struct pmtu **at = bucket_of(net, &e->dst);
	while (*at != e)
		at = &(*at)->hash_next;
	*at = e->hash_next;
	list_del(&e->age);
	free(e);
	net->n_pmtu--;
	net->generation++;
}

void net_pmtu_update(struct net *net, const struct ol_addr *dst, uint32_t mtu, ol_time now)
{
	uint32_t least = dst->ver == 4 ? IP4_MIN_MTU : IP6_MIN_MTU;
	if (dst->ver == 6 && mtu < least)
		return;					/* RFC 8201 4: such a message is discarded */
	mtu = MAX(mtu, least);				/* req: 1191-3-c */
	struct pmtu *e = find(net, dst);
	if (e && mtu >= e->mtu)
		return;					/* req: 1191-3-d, 8201-4-f */
	if (!e) {
		if (net->n_pmtu == PMTU_MAX)
			forget(net, list_of(net->pmtu_age.next, struct pmtu, age));
		e = calloc(1, sizeof *e);
		if (!e)
			return;
		struct pmtu **at = bucket_of(net, dst);
		e->dst = *dst;
		e->hash_next = *at;
		*at = e;
		list_init(&e->age);
		net->n_pmtu++;
	}
	e->mtu = mtu;
	e->until = now + PMTU_LIFE;
	list_del(&e->age);
	list_append(&net->pmtu_age, &e->age);
	net->generation++;
	net_rearm(net);
}

void pmtu_expire(struct net *net, ol_time now)
{
	for (struct list *p; (p = list_first(&net->pmtu_age)) && list_of(p, struct pmtu, age)->until <= now; )
		forget(net, list_of(p, struct pmtu, age));
}

void pmtu_fini(struct net *net)
{
	for (struct list *p; (p = list_first(&net->pmtu_age)); )
		forget(net, list_of(p, struct pmtu, age));
	timer_stop(net->wheel, &net->timer);
}
