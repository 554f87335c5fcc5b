/*
 * Addresses that nobody has to give: RFC 4862 5.3 and 5.5, identifiers after RFC 4291 appendix A or RFC 7217.
 * By default an identifier is the modified EUI-64 of the hardware address.  RFC 8064 would have RFC 7217's, so that an
 * address tells no hardware and cannot be followed from network to network; hardware addresses here are the network's own
 * making and tell nothing, and an address that can be read off a frame makes captures plain.  addr_gen_mode chooses
 * (OL_GEN_STABLE), its key is the host's seed.
 * What always holds: an interface has at most ND_AUTO_MAX addresses made from prefixes, one for each.  Made addresses bring no
 * on-link prefix (RFC 5942 4).
 * Left out: temporary addresses (RFC 8981), see doc/omitted.md.
 */
#include "net/nd_if.h"
#include <errno.h>
#include <string.h>

enum { ID_BITS = 64 };				/* RFC 2464 4 */
static const ol_time TWO_HOURS = 2 * 3600 * OL_SEC;

/* RFC 4291 appendix A: the identifier's universal bit is turned over. */
static void eui64(const struct ol_mac *mac, uint8_t *id)
{
	const uint8_t *m = mac->b;
	memcpy(id, (const uint8_t[8]){ m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5] }, 8);
}

/* RFC 5453: the identifiers of subnet anycast addresses, and all zeros for routers' (RFC 4291 2.6.1). */
static bool reserved(const uint8_t *id)
{
	static const uint8_t zero[8], anycast[7] = { 0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	return !memcmp(id, zero, sizeof zero) || (!memcmp(id, anycast, sizeof anycast) && id[7] >= 0x80);
}

void slaac_identify(const struct nd_if *nd, struct ol_addr *a, uint8_t conflicts)
{
	const struct iface *f = link_iface(nd->net->link, nd->ifi);
	if (nd->conf.addr_gen_mode == OL_GEN_EUI64) {
		eui64(&f->mac, a->b + 8);
		return;
	}
	/* RFC 7217 5: F(prefix, interface, network, counter, key); a virtual wire has no identifier of its own */
	struct { uint8_t prefix[8], mac[OL_MAC_LEN], conflicts, again; } in = { .conflicts = conflicts };
	memcpy(in.prefix, a->b, sizeof in.prefix);
	memcpy(in.mac, f->mac.b, sizeof in.mac);
	do {
		uint64_t h = siphash(nd->net->key_slaac, &in, sizeof in);
		for (int i = 0; i < 8; i++)
			a->b[8 + i] = (uint8_t)(h >> (56 - 8 * i));
		in.again++;
	} while (reserved(a->b + 8) && in.again);
}

static bool has_linklocal(const struct nd_if *nd)
{
	for (int i = 0; i < nd->net->n_addr; i++) {
		const struct net_addr *a = &nd->net->addr[i];
		if (a->ifi == nd->ifi && a->addr.ver == 6 && ol_addr_is_linklocal(&a->addr))
			return true;
	}
	return false;
}

void slaac_linklocal(struct nd_if *nd, uint8_t conflicts, ol_time now)
{
	if (has_linklocal(nd))
		return;
	struct net_addr a = { .addr = { .ver = 6, .scope = (uint32_t)nd->ifi, .b = { 0xfe, 0x80 } }, .plen = 64, .ifi = nd->ifi,
		.autoconf = true, .onlink = true, .conflicts = conflicts, .preferred_until = OL_NEVER, .valid_until = OL_NEVER };
	slaac_identify(nd, &a.addr, conflicts);
	if (addr_put(nd->net, &a, now) == 0)
		group_renew6(nd->net, nd->ifi, now);
}

static struct net_addr *made_from(const struct nd_if *nd, const struct nd_prefix_info *pi, unsigned *n)
{
	struct net_addr *found = NULL;
	*n = 0;
	for (int i = 0; i < nd->net->n_addr; i++) {
		struct net_addr *a = &nd->net->addr[i];
		if (a->ifi != nd->ifi || !a->autoconf || ol_addr_is_linklocal(&a->addr))
			continue;
		++*n;
		if (a->plen == pi->plen && ol_addr_in_prefix(&a->addr, &pi->prefix, pi->plen))
			found = a;
	}
	return found;
}

/* RFC 4862 5.5.3 (e): anybody on the wire could cut lifetimes, so they are cut to two hours at most. */
static void refresh(struct nd_if *nd, struct net_addr *a, const struct nd_prefix_info *pi, ol_time now)
{
	ol_time valid = nd_until(pi->valid_s, now), left = a->valid_until == OL_NEVER ? OL_NEVER : a->valid_until - now;
	a->preferred_until = nd_until(pi->preferred_s, now);
	if (valid == OL_NEVER || valid - now > TWO_HOURS || valid > a->valid_until)
		a->valid_until = valid;				/* 1 */
	else if (left > TWO_HOURS)
		a->valid_until = now + TWO_HOURS;		/* 3; else 2: it stays */
	bool deprecated = a->preferred_until <= now;
	if (deprecated != a->deprecated)
		nd->net->generation++;
	a->deprecated = deprecated;
}

static int form(struct nd_if *nd, const struct ol_addr *prefix, uint8_t conflicts, ol_time preferred, ol_time valid,
		ol_time now)
{
	struct net_addr a = { .plen = ID_BITS, .ifi = nd->ifi, .autoconf = true, .conflicts = conflicts,
		.deprecated = preferred <= now, .preferred_until = preferred, .valid_until = valid, .addr = *prefix };
	slaac_identify(nd, &a.addr, conflicts);
	return addr_owned_by(nd->net, nd->ifi, &a.addr) ? -EEXIST : addr_put(nd->net, &a, now);
}

void slaac_prefix(struct nd_if *nd, const struct nd_prefix_info *pi, ol_time now)
{
	unsigned n;
	if (!nd->conf.autoconf || !(pi->flags & PREFIX_AUTO) || ol_addr_is_linklocal(&pi->prefix) ||
	    ol_addr_is_multicast(&pi->prefix) || pi->preferred_s > pi->valid_s)
		return;						/* a, b, c */
	struct net_addr *a = made_from(nd, pi, &n);
	if (a)
		refresh(nd, a, pi, now);
	else if (pi->valid_s && pi->plen + ID_BITS == 128 && n < ND_AUTO_MAX)
		form(nd, &pi->prefix, 0, nd_until(pi->preferred_s, now), nd_until(pi->valid_s, now), now);	/* d */
}

void slaac_again(struct nd_if *nd, const struct net_addr *was, ol_time now)
{
	uint8_t conflicts = (uint8_t)(was->conflicts + 1);
	if (ol_addr_is_linklocal(&was->addr))
		slaac_linklocal(nd, conflicts, now);
	else
		form(nd, &was->addr, conflicts, was->preferred_until, was->valid_until, now);
}
