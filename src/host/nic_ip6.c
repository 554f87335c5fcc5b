/*
 * IPv6 on the interfaces of a network's hosts: what of it begins by itself, and what routers advertise.  A wire without an IPv6
 * subnet is left alone, unless an interface asks for autoconfiguration or has an IPv6 address.
 */
#include "host/net.h"
#include "host/netfile.h"
#include <errno.h>

static bool has_ip6(const struct wire *w, const struct nf_nic *f)
{
	bool any = w->subnet[1].net.ver && (!f || !f->n_addrs);
	for (unsigned i = 0; f && i < f->n_addrs; i++)
		any |= f->addr[i].addr.ver == 6;
	return any || (f && (f->autoconf == NF_YES || f->adv.on));
}

int nic_ip6_begin(struct vhost *h, int ifi, const struct wire *w, const struct nf_nic *f)
{
	struct ol_ip6_config c;
	if (!has_ip6(w, f))
		return 0;
	int err = ol_iface_ip6_get(h->stk, ifi, &c);
	if (err)
		return err;
	if (f && f->dad != NF_UNSAID)
		c.dad_transmits = f->dad == NF_YES ? c.dad_transmits ? c.dad_transmits : 1 : 0;
	if (f && f->autoconf == NF_NO)
		c.accept_ra = c.autoconf = 0;
	if (f && f->autoconf == NF_YES) {
		c.accept_ra = 2;			/* it was asked for, whether it forwards or not */
		c.autoconf = true;
	}
	if (!w->outside && !(f && f->autoconf == NF_YES))
		c.router_solicitations = 0;		/* the file would say so if somebody were there to answer */
	err = ol_iface_ip6_set(h->stk, ifi, &c);
	return err == -EOPNOTSUPP ? 0 : err;		/* too small an MTU: its addresses work as they ever did */
}

static bool listed(const struct ol_ra_config *ra, const struct ol_addr *a, unsigned plen)
{
	for (unsigned i = 0; i < ra->n_prefixes; i++)
		if (ra->prefix[i].plen == plen && ol_addr_in_prefix(a, &ra->prefix[i].prefix, plen))
			return true;
	return false;
}

/* Without a list: the prefixes of the interface's own addresses. */
static void own_prefixes(struct vhost *h, int ifi, struct ol_ra_config *ra)
{
	struct ol_addr_info i;
	for (unsigned k = 0; !ol_addr_info(h->stk, ifi, k, &i) && ra->n_prefixes < OL_RA_PREFIXES_MAX; k++) {
		if (i.addr.ver != 6 || ol_addr_is_linklocal(&i.addr) || i.plen == 128 || listed(ra, &i.addr, i.plen))
			continue;
		struct ol_ra_prefix *x = &ra->prefix[ra->n_prefixes++];
		*x = (struct ol_ra_prefix){ .prefix = i.addr, .plen = i.plen, .onlink = true, .autonomous = true };
		for (unsigned bit = i.plen; bit < 128; bit++)
			x->prefix.b[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
	}
}

int nic_ip6_advertise(struct vhost *h, int ifi, const struct nf_adv *adv)
{
	struct ol_ra_config ra = adv->ra;
	if (!adv->on)
		return 0;
	if (!ra.n_prefixes)
		own_prefixes(h, ifi, &ra);
	for (unsigned i = 0; i < ra.n_prefixes; i++) {
		ra.prefix[i].valid_s = adv->valid_s;
		ra.prefix[i].preferred_s = adv->preferred_s;
	}
	return ol_iface_advertise(h->stk, ifi, &ra);
}
