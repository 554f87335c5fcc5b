/*
 * Multicast groups of a socket: RFC 3493 5.2, RFC 3678 3 to 5, RFC 3376 3.1.  Each membership is a filter: all sources but
 * some, or some alone.  The internet floor is told so that it takes the group's packets; which socket hears them is decided
 * by its own filter.  Where RFC 3678 and Linux differ (a source-specific option on a group joined for all sources; a whole
 * filter for a group not joined yet) this is as in the RFC.
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

static bool is_member(const struct net_filter *f) { return f->exclude || f->n; }

static void destroy(struct dgram_group *g)
{
	list_del(&g->node);
	free((void *)(uintptr_t)g->filter.src);
	free(g);
}

/* The membership's filter becomes this one, which is copied; one that wants nothing ends it.  A failure changes nothing. */
static int refilter(struct sock *s, struct dgram_group *g, struct net_filter is, ol_time now)
{
	struct ol_addr *src = NULL;
	if (is.n && !(src = malloc(is.n * sizeof *src)))
		return -ENOBUFS;
	for (uint32_t i = 0; i < is.n; i++)
		src[i] = is.src[i];
	is.src = src;
	int err = net_group_change(s->ss->net, g->ifi, &g->group, &g->filter, &is, now);
	if (err) {
		free(src);
		return err;
	}
	free((void *)(uintptr_t)g->filter.src);
	g->filter = is;
	if (!is_member(&is))
		destroy(g);
	return 0;
}

static int enter(struct sock *s, const struct ol_addr *group, int ifi, const struct net_filter *is, ol_time now)
{
	if (count(s) >= s->ss->cfg.igmp_max_memberships)
		return -ENOBUFS;
	struct dgram_group *g = malloc(sizeof *g);
	if (!g)
		return -ENOBUFS;
	*g = (struct dgram_group){ .group = *group, .ifi = ifi };
	g->group.scope = 0;
	list_append(&s->d->groups, &g->node);
	int err = refilter(s, g, *is, now);
	if (err)
		destroy(g);
	return err;
}

int group_join(struct sock *s, const struct ol_addr *group, int ifi, ol_time now)
{
	static const struct net_filter all = { .exclude = true };
	if (!ol_addr_is_multicast(group))
		return -EINVAL;
	int err = interface_of(s, group, ifi, &ifi);
	if (err)
		return err;
	return find(s, group, ifi) ? -EADDRINUSE : enter(s, group, ifi, &all, now);
}

int group_leave(struct sock *s, const struct ol_addr *group, int ifi, ol_time now)
{
	if (!ol_addr_is_multicast(group))
		return -EINVAL;
	struct dgram_group *g = find(s, group, ifi);
	return g ? refilter(s, g, (struct net_filter){ 0 }, now) : -EADDRNOTAVAIL;
}

void group_leave_all(struct sock *s, ol_time now)
{
	for (struct list *n; (n = list_first(&s->d->groups)); )
		refilter(s, list_of(n, struct dgram_group, node), (struct net_filter){ 0 }, now);
}

/* ---- sources ---------------------------------------------------------------------------------------------------- */

static uint32_t most_sources(const struct sock *s, const struct ol_addr *group)
{
	return group->ver == 4 ? s->ss->cfg.igmp_max_msf : s->ss->cfg.mld_max_msf;
}

static bool can_be_source(const struct ol_addr *src, const struct ol_addr *group)
{
	return src->ver == group->ver && !ol_addr_is_multicast(src) && !ol_addr_is_any(src);
}

/* A list with one source more or less, in room for as many as there are and one. */
static struct net_filter edited(const struct net_filter *f, uint32_t at, const struct ol_addr *src, struct ol_addr *room)
{
	struct net_filter is = { .exclude = f->exclude, .n = f->n, .src = room };
	for (uint32_t i = 0; i < f->n; i++)
		room[i] = f->src[i];
	if (at == f->n)
		room[is.n++] = *src;
	else
		room[at] = room[--is.n];
	return is;
}

/* RFC 3678 4.1.3: -EINVAL where the option does not fit how the group was joined, -EADDRNOTAVAIL where the source does not. */
int group_source(struct sock *s, const struct ol_addr *group, int ifi, const struct ol_addr *src, enum source_op op, ol_time now)
{
	bool exclude = op == SOURCE_BLOCK || op == SOURCE_UNBLOCK, adds = op == SOURCE_BLOCK || op == SOURCE_JOIN;
	struct net_filter one = { .n = 1, .src = src };
	if (!ol_addr_is_multicast(group))
		return -EINVAL;
	int err = interface_of(s, group, ifi, &ifi);
	if (err)
		return err;
	if (!can_be_source(src, group))
		return -EADDRNOTAVAIL;
	struct dgram_group *g = find(s, group, ifi);
	if (!g)
		return op == SOURCE_JOIN ? enter(s, group, ifi, &one, now) : exclude ? -EINVAL : -EADDRNOTAVAIL;
	if (g->filter.exclude != exclude)
		return -EINVAL;
	uint32_t at = net_filter_find(&g->filter, src);
	if (adds == (at < g->filter.n))
		return -EADDRNOTAVAIL;
	if (adds && g->filter.n >= most_sources(s, group))
		return -ENOBUFS;
	struct ol_addr *room = malloc((g->filter.n + 1) * sizeof *room);
	if (!room)
		return -ENOBUFS;
	err = refilter(s, g, edited(&g->filter, at, src, room), now);
	free(room);
	return err;
}

/* What is named twice counts once. */
static uint32_t unique(struct ol_addr *src, uint32_t n)
{
	struct net_filter f = { .src = src };
	for (uint32_t i = 0; i < n; i++)
		if (net_filter_find(&f, &src[i]) == f.n)
			src[f.n++] = src[i];
	return f.n;
}

int group_filter_set(struct sock *s, const struct ol_addr *group, int ifi, bool exclude, struct ol_addr *src, uint32_t n,
		     ol_time now)
{
	if (!ol_addr_is_multicast(group))
		return -EINVAL;
	int err = interface_of(s, group, ifi, &ifi);
	if (err)
		return err;
	if (n > most_sources(s, group))
		return -ENOBUFS;
	for (uint32_t i = 0; i < n; i++)
		if (!can_be_source(&src[i], group))
			return -EADDRNOTAVAIL;
	struct net_filter is = { .exclude = exclude, .n = unique(src, n), .src = src };
	struct dgram_group *g = find(s, group, ifi);
	if (g)
		return refilter(s, g, is, now);
	return is_member(&is) ? enter(s, group, ifi, &is, now) : 0;
}

const struct net_filter *group_filter_get(struct sock *s, const struct ol_addr *group, int ifi)
{
	const struct dgram_group *g = find(s, group, ifi);
	return g ? &g->filter : NULL;
}

/* ---- as programs name them ---------------------------------------------------------------------------------------- */

int group_iface_at(struct sock *s, const struct ol_addr *at, int *ifi)
{
	*ifi = 0;
	for (int i = 1; !ol_addr_is_any(at) && i <= INT16_MAX && sock_iface_known(s->ss, i); i++)
		if (net_is_local(s->ss->net, at, i)) {
			*ifi = i;
			return 0;
		}
	return ol_addr_is_any(at) ? 0 : -ENODEV;
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
	if (*ifi)
		return *ifi < 0 ? -EINVAL : 0;
	return group_iface_at(s, &at, ifi);
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
