/*
 * Multicast groups of a socket: RFC 3493 5.2, RFC 3678 4 (any-source).  The internet floor is told so that it takes the
 * group's packets; which socket hears them is decided by the groups it joined itself.
 */
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "sock/sock_int.h"

/* The group's interface where none was named: the one a packet to it would leave by. */
static int interface_of(struct sock *s, const struct ol_addr *group, int ifi, int *out)
{
	struct net_path path;
	static const struct ol_addr any;
	if (ifi) {
		*out = ifi;
		return sock_iface_known(s->ss, ifi) ? 0 : -ENODEV;
	}
	if (net_route(s->ss->net, group, &any, s->ifi, &path))
		return -ENODEV;
	*out = path.ifi;
	return 0;
}

static struct dgram_group *find(struct sock *s, const struct ol_addr *group, int ifi)
{
	list_for(n, &s->d->groups) {
		struct dgram_group *g = list_of(n, struct dgram_group, node);
		if (g->group.ver == group->ver && !memcmp(g->group.b, group->b, sizeof group->b) && (!ifi || g->ifi == ifi))
			return g;
	}
	return NULL;
}

static unsigned count(const struct sock *s)
{
	unsigned n = 0;
	list_for(node, &s->d->groups)
		n++;
	return n;
}

int group_join(struct sock *s, const struct ol_addr *group, int ifi, ol_time now)
{
	if (!ol_addr_is_multicast(group))
		return -EINVAL;
	int err = interface_of(s, group, ifi, &ifi);
	if (err)
		return err;
	if (find(s, group, ifi))
		return -EADDRINUSE;
	if (count(s) >= s->ss->cfg.igmp_max_memberships)
		return -ENOBUFS;
	struct dgram_group *g = malloc(sizeof *g);
	if (!g)
		return -ENOBUFS;
	*g = (struct dgram_group){ .group = *group, .ifi = ifi };
	g->group.scope = 0;
	err = net_group_join(s->ss->net, ifi, &g->group, now);
	if (err) {
		free(g);
		return err;
	}
	list_append(&s->d->groups, &g->node);
	return 0;
}

static void let_go(struct sock *s, struct dgram_group *g, ol_time now)
{
	net_group_leave(s->ss->net, g->ifi, &g->group, now);
	list_del(&g->node);
	free(g);
}

int group_leave(struct sock *s, const struct ol_addr *group, int ifi, ol_time now)
{
	if (!ol_addr_is_multicast(group))
		return -EINVAL;
	struct dgram_group *g = find(s, group, ifi);
	if (!g)
		return -EADDRNOTAVAIL;
	let_go(s, g, now);
	return 0;
}

void group_leave_all(struct sock *s, ol_time now)
{
	for (struct list *n; (n = list_first(&s->d->groups)); )
		let_go(s, list_of(n, struct dgram_group, node), now);
}

/* IP_ADD_MEMBERSHIP: the interface by index (ip_mreqn), or by one of its addresses (ip_mreq), or left to us. */
int group_ip_mreq(struct sock *s, const void *v, socklen_t len, struct ol_addr *group, int *ifi)
{
	struct ip_mreqn m = { 0 };
	if (len < (socklen_t)sizeof(struct ip_mreq))
		return -EINVAL;
	memcpy(&m, v, MIN((size_t)len, sizeof m));
	*group = ol_addr_from(4, &m.imr_multiaddr);
	*ifi = len >= (socklen_t)sizeof m ? m.imr_ifindex : 0;
	struct ol_addr at = ol_addr_from(4, &m.imr_address);
	if (*ifi || ol_addr_is_any(&at))
		return *ifi < 0 ? -EINVAL : 0;
	for (int i = 1; i <= INT16_MAX; i++) {
		if (!sock_iface_known(s->ss, i))
			break;
		if (net_is_local(s->ss->net, &at, i)) {
			*ifi = i;
			return 0;
		}
	}
	return -ENODEV;
}

int group_req(struct sock *s, const void *v, socklen_t len, struct ol_addr *group, int *ifi)
{
	struct group_req r;
	struct ol_endpoint ep;
	if (len < (socklen_t)sizeof r)
		return -EINVAL;
	memcpy(&r, v, sizeof r);
	int err = sock_addr_in(s, (const struct sockaddr *)&r.gr_group, sizeof r.gr_group, ADDR_TAKES_IP4, &ep);
	*group = ep.addr;
	*ifi = (int)r.gr_interface;
	return err ? -EINVAL : 0;
}
