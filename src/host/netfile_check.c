/*
 * What must hold between the parts of a network file that are each good by themselves: interfaces and their wires, addresses
 * and subnets, gateways and the hosts that use them.  The sentence names the line of the later of two that quarrel.
 */
#include "host/netfile_int.h"
#include "base/check.h"
#include <outlet/ol_serial.h>
#include <stdio.h>
#include <string.h>

int nf_find_wire(const struct netfile *nf, const char *s)
{
	for (unsigned i = 0; i < nf->n_wires; i++)
		if (!strcmp(nf->wire[i].name, s))
			return (int)i;
	return -1;
}

int nf_find_host(const struct netfile *nf, const char *s)
{
	for (unsigned i = 0; i < nf->n_hosts; i++)
		if (!strcmp(nf->host[i].name, s))
			return (int)i;
	return -1;
}

bool nf_check_subnet(struct nf_parser *p, int line, const struct nf_wire *of, const struct nf_prefix *x)
{
	for (unsigned i = 0; i < p->nf->n_wires; i++) {
		const struct nf_wire *w = &p->nf->wire[i];
		const struct nf_prefix *o = &w->subnet[x->addr.ver == 6];
		char s[OL_ADDR_STRLEN];
		if (w != of && o->addr.ver && ol_addr_in_prefix(&x->addr, &o->addr, MIN(x->plen, o->plen)))
			return nf_wrong(p, line, "the subnet %s/%u overlaps with that of the wire %s (line %d)",
					ol_addr_str(&x->addr, s), x->plen, w->name, w->line);
	}
	return true;
}

static uint32_t wire_mtu(const struct nf_wire *w)
{
	return w->mtu ? w->mtu : w->link == OL_LINK_SLIP || w->link == OL_LINK_CSLIP ? OL_SLIP_MTU : 1500;
}

bool nf_check_wire(struct nf_parser *p, const struct nf_wire *w)
{
	bool serial = ol_link_is_serial(w->link);
	if (serial && w->fast)
		return nf_wrong(p, w->line, "a serial line is strict: there is nobody on it who would sum or cut; leave `mode:` out");
	if (serial && w->tap[0])
		return nf_wrong(p, w->line, "a tap carries Ethernet; the wire %s is a serial line", w->name);
	if (serial && w->mtu > 16384)
		return nf_wrong(p, w->line, "a serial line carries 16384 bytes at most");
	return !w->subnet[1].addr.ver || wire_mtu(w) >= 1280 ||
	       nf_wrong(p, w->line, "IPv6 needs an mtu of 1280 at least (RFC 8200); the wire %s has %u", w->name, wire_mtu(w));
}

bool nf_check_ends(struct nf_parser *p)
{
	for (unsigned i = 0; i < p->nf->n_wires; i++) {
		const struct nf_wire *w = &p->nf->wire[i];
		unsigned ends = 0;
		for (unsigned h = 0; h < p->nf->n_hosts; h++)
			for (unsigned n = 0; n < p->nf->host[h].n_nics; n++)
				ends += p->nf->host[h].nic[n].wire == i;
		if (ol_link_is_serial(w->link) && ends > 2)
			return nf_wrong(p, w->line, "a serial line has two ends; %u interfaces are on the wire %s", ends, w->name);
		if (ol_link_is_serial(w->link) && p->nf->guests == (int)i)
			return nf_wrong(p, w->line, "hosts made for a run need a switch; the wire %s is a serial line", w->name);
	}
	return true;
}

/* Who asks by RARP has no address and speaks Ethernet; who answers has one. */
static bool check_rarp(struct nf_parser *p, const struct nf_host *h, const struct nf_nic *nic, const struct nf_wire *w)
{
	if ((nic->rarp || nic->n_table) && w->link != OL_LINK_ETHER)
		return nf_wrong(p, nic->line, "RARP is for Ethernet; the wire %s is none", w->name);
	if (nic->rarp && nic->n_addrs)
		return nf_wrong(p, nic->line, "%s has an address here and asks for one by RARP; take one of the two away", h->name);
	return true;
}

/* What an interface on a serial line has, and has not. */
static bool check_serial(struct nf_parser *p, const struct nf_host *h, struct nf_nic *nic, const struct nf_wire *w)
{
	if (nic->peer.ver && w->link != OL_LINK_PPP)
		return nf_wrong(p, nic->line, "only on a ppp wire is an address given to the other end; %s is none", w->name);
	if (!ol_link_is_serial(w->link))
		return true;
	if (nic->has_mac)
		return nf_wrong(p, nic->line, "an interface on a serial line has no mac");
	if (!nic->named)
		snprintf(nic->name, sizeof nic->name, "%s%u", w->link == OL_LINK_PPP ? "ppp" : "sl", (unsigned)(nic - h->nic));
	return true;
}

bool nf_check_nic(struct nf_parser *p, struct nf_host *h, struct nf_nic *nic)
{
	if (!nic->line)				/* and then there may be no wire at all */
		return nf_wrong(p, h->line, "an interface of %s is on no wire; give it one with `wire: NAME`", h->name);
	struct nf_wire *w = &p->nf->wire[nic->wire];
	if (!check_serial(p, h, nic, w) || !check_rarp(p, h, nic, w))
		return false;
	if (!nic->n_addrs && !w->subnet[0].addr.ver && !w->subnet[1].addr.ver && w->link != OL_LINK_PPP &&
	    !nic->rarp && !nic->linklocal && nic->autoconf != NF_YES)
		return nf_wrong(p, nic->line, "%s needs an address here, or the wire %s a subnet to take one from",
			     h->name, w->name);
	if (nic->mtu > wire_mtu(w))
		return nf_wrong(p, nic->line,
			     "the wire %s carries %u bytes and no more; an interface on it cannot have an mtu of %u",
			     w->name, wire_mtu(w), nic->mtu);
	for (unsigned i = 0; i < h->n_nics; i++)
		if (&h->nic[i] != nic && !strcmp(h->nic[i].name, nic->name))
			return nf_wrong(p, nic->line, "%s has two interfaces %s", h->name, nic->name);
	for (unsigned i = 0; i < nic->n_addrs; i++) {
		struct nf_prefix *x = &nic->addr[i], *s = &w->subnet[x->addr.ver == 6];
		char a[OL_ADDR_STRLEN], b[OL_ADDR_STRLEN];
		if (s->addr.ver && !ol_addr_is_linklocal(&x->addr) && !ol_addr_in_prefix(&x->addr, &s->addr, s->plen))
			return nf_wrong(p, nic->line, "the address %s of %s is not in the subnet %s/%u of the wire %s",
				     ol_addr_str(&x->addr, a), h->name, ol_addr_str(&s->addr, b), s->plen, w->name);
	}
	return nf_check_ip6(p, h, nic);
}

/* Two interfaces of the network that cannot both be: `a` comes after `b` in the file. */
static bool check_pair(struct nf_parser *p, const struct nf_host *ha, const struct nf_nic *a, const struct nf_host *hb,
		       const struct nf_nic *b)
{
	char s[OL_ADDR_STRLEN];
	for (unsigned i = 0; i < a->n_addrs; i++)
		for (unsigned k = 0; k < b->n_addrs; k++) {
			const struct ol_addr *addr = &a->addr[i].addr;
			if (ol_addr_eq(addr, &b->addr[k].addr) && !ol_addr_is_linklocal(addr))
				return nf_wrong(p, a->line, "%s has the address %s, which is that of %s already (line %d)",
					     ha->name, ol_addr_str(addr, s), hb->name, b->line);
		}
	if (a->has_mac && b->has_mac && a->wire == b->wire && !memcmp(&a->mac, &b->mac, sizeof a->mac))
		return nf_wrong(p, a->line, "%s and %s have the same mac on one wire", ha->name, hb->name);
	return true;
}

/* No address twice in the network: names would lead to the wrong host, and ARP to both. */
bool nf_check_addresses(struct nf_parser *p)
{
	struct nf_host *host = p->nf->host;
	for (unsigned h = 0; h < p->nf->n_hosts; h++)
		for (unsigned n = 0; n < host[h].n_nics; n++)
			for (unsigned g = 0; g <= h; g++)
				for (unsigned m = 0; m < host[g].n_nics && !(g == h && m == n); m++)
					if (!check_pair(p, &host[h], &host[h].nic[n], &host[g], &host[g].nic[m]))
						return false;
	return true;
}

/* A gateway must be a neighbour where the host's own addresses are known. */
bool nf_check_routes(struct nf_parser *p, const struct nf_host *h)
{
	for (unsigned i = 0; i < h->n_routes; i++) {
		const struct nf_route *r = &h->route[i];
		bool near = false;
		char s[OL_ADDR_STRLEN];
		for (unsigned n = 0; n < h->n_nics; n++) {
			const struct nf_prefix *sub = &p->nf->wire[h->nic[n].wire].subnet[r->via.ver == 6];
			near |= sub->addr.ver && !h->nic[n].n_addrs &&
				ol_addr_in_prefix(&r->via, &sub->addr, sub->plen);
			for (unsigned k = 0; k < h->nic[n].n_addrs; k++)
				near |= ol_addr_in_prefix(&r->via, &h->nic[n].addr[k].addr, h->nic[n].addr[k].plen);
		}
		if (!near)
			return nf_wrong(p, r->line, "the gateway %s is on none of the wires of %s",
				     ol_addr_str(&r->via, s), h->name);
	}
	return true;
}
