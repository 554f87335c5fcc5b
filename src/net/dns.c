/*
 * Name servers and search domains that routers tell of: RFC 8106 5.  Kept until their lifetime ends, the newest word
 * counting; who resolves names reads them with ol_iface_dns_server() and ol_iface_dns_domain().  Beyond ND_DNS_MAX of a kind the
 * one that would end first gives way (5.3.1).
 */
#include "net/nd_if.h"
#include <string.h>

static bool same(const struct nd_dns *a, const struct nd_dns *b) { return ol_addr_eq(&a->addr, &b->addr) && !strcmp(a->name, b->name); }

static void told(struct nd_if *nd, enum nd_dns_kind kind, const struct nd_dns *what, ol_time now)
{
	struct nd_dns *all = nd->dns[kind];
	unsigned i = 0, n = nd->n_dns[kind];
	while (i < n && !same(&all[i], what))
		i++;
	if (i == n && what->until <= now)
		return;
	if (i == ND_DNS_MAX) {
		i = 0;
		for (unsigned k = 1; k < n; k++)
			i = all[k].until < all[i].until ? k : i;
	} else if (i == n) {
		nd->n_dns[kind]++;
	}
	all[i] = *what;				/* one with no time left goes with what is due */
}

static void servers(struct nd_if *nd, const struct nd_opt *opt, ol_time now)
{
	struct nd_rdnss r;
	if (!wire_nd_rdnss_parse(&r, opt))
		return;
	for (unsigned i = 0; i < r.n; i++) {
		struct nd_dns s = { .addr = ol_addr_from(6, r.addr + 16 * i), .until = nd_until(r.lifetime_s, now) };
		addr_set_scope(nd->net, nd->ifi, &s.addr);
		if (!ol_addr_is_multicast(&s.addr) && !ol_addr_is_any(&s.addr) && !ol_addr_is_loopback(&s.addr))
			told(nd, ND_SERVER, &s, now);
	}
}

void dns_option(struct nd_if *nd, const struct nd_opt *opt, ol_time now)
{
	struct nd_dns d = { .addr.ver = 0 };
	size_t at = 0;
	if (opt->type == ND_OPT_RDNSS) {
		servers(nd, opt, now);
	} else {
		d.until = nd_until(wire_nd_dnssl_lifetime(opt), now);
		while (wire_nd_dnssl_next(opt, &at, d.name))
			told(nd, ND_DOMAIN, &d, now);
	}
	dns_due(nd, now);
}

void dns_due(struct nd_if *nd, ol_time now)
{
	for (int kind = 0; kind < ND_DNS_KINDS; kind++)
		for (unsigned i = 0; i < nd->n_dns[kind]; )
			if (nd->dns[kind][i].until <= now) {
				nd->n_dns[kind]--;
				memmove(&nd->dns[kind][i], &nd->dns[kind][i + 1], (nd->n_dns[kind] - i) * sizeof nd->dns[0][0]);
			} else {
				i++;
			}
}

ol_time dns_next(const struct nd_if *nd)
{
	ol_time at = OL_NEVER;
	for (int kind = 0; kind < ND_DNS_KINDS; kind++)
		for (unsigned i = 0; i < nd->n_dns[kind]; i++)
			at = MIN(at, nd->dns[kind][i].until);
	return at;
}

static const struct nd_dns *get(const struct net *net, int ifi, enum nd_dns_kind kind, unsigned i)
{
	const struct nd_if *nd = nd_if_find(net, ifi);
	return nd && i < nd->n_dns[kind] ? &nd->dns[kind][i] : NULL;
}

bool net_server_get(const struct net *net, int ifi, unsigned i, struct ol_addr *out)
{
	const struct nd_dns *s = get(net, ifi, ND_SERVER, i);
	if (s)
		*out = s->addr;
	return s;
}

bool net_domain_get(const struct net *net, int ifi, unsigned i, char out[256])
{
	const struct nd_dns *d = get(net, ifi, ND_DOMAIN, i);
	if (d)
		memcpy(out, d->name, sizeof d->name);
	return d;
}
