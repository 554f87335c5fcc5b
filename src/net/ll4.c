/*
 * IPv4 link-local addresses, RFC 3927: an interface that was told to, and has no other IPv4 address, takes one of 169.254/16
 * that nobody else on its wire has.  Candidates come from a keyed hash of its station address and of how many it tried (2.1),
 * so that two hosts try different ones and a run with the same seed the same; probing, announcing and defence are link/acd.c's
 * (2.2 to 2.5), whatever the interface's own setting is.  When another address comes, the link-local one stays for what is
 * under way, and new communication is from the other (1.9; addr_choose_source).  Where such datagrams go is path.c's (2.6.2)
 * and forward.c's (2.7).
 */
#include "net/net_int.h"
#include "base/be.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LL4_FIRST = 0xa9fe0100, LL4_N = 254 * 256 };		/* 169.254.1.0 to 169.254.254.255 */

struct ll4 { bool on; uint32_t tried; };

static struct ol_addr candidate(const struct net *net, const struct iface *f, uint32_t tried)
{
	uint8_t k[OL_MAC_LEN + 4];
	memcpy(k, f->mac.b, OL_MAC_LEN);
	be32_put(k + OL_MAC_LEN, tried);
	struct sipkey key = sipkey_derive(net->cfg.seed, "link-local addresses");
	return ol_addr_ip4(LL4_FIRST + (uint32_t)(siphash(key, k, sizeof k) % LL4_N));
}

void ll4_consider(struct net *net, int ifi, ol_time now)
{
	const struct iface *f = link_iface(net->link, ifi);
	struct ll4 *ll = ifi <= net->n_ll4 ? &net->ll4[ifi - 1] : NULL;
	if (!ll || !ll->on || !f)
		return;
	for (int i = 0; i < net->n_addr; i++)
		if (net->addr[i].ifi == ifi && net->addr[i].addr.ver == 4)
			return;
	struct ol_addr a = candidate(net, f, ll->tried++);
	addr_claim(net, ifi, &a, LL4_PLEN, now);
}

int net_linklocal4(struct net *net, int ifi, bool on, ol_time now)
{
	const struct iface *f = link_iface(net->link, ifi);
	if (!f)
		return -ENODEV;
	if (f->link != OL_LINK_ETHER)
		return -EINVAL;
	if (ifi > net->n_ll4) {
		struct ll4 *grown = realloc(net->ll4, (size_t)ifi * sizeof *grown);
		if (!grown)
			return -ENOMEM;
		memset(grown + net->n_ll4, 0, (size_t)(ifi - net->n_ll4) * sizeof *grown);
		net->ll4 = grown;
		net->n_ll4 = ifi;
	}
	net->ll4[ifi - 1].on = on;
	ll4_consider(net, ifi, now);
	return 0;
}
