/*
 * Multicast groups, per interface: what IGMPv3 and MLDv2 have in common, which is all but the form of their messages.
 * RFC 3376 3.2, 5, 7.2.1 and RFC 3810 4.2, 6, 8.2.1; their older versions RFC 2236 3 to 5, RFC 1112 7.2 and RFC 2710 4, 5.
 *
 *	sockets' filters --> counts per source --> the interface's mode and list --> a change is said at once, and again
 *	a query          --> general_at, answer_at, by chance within its time     --> what it asked for is said
 *
 * What always holds: a group is here while a socket (or, for a solicited-node group, an address) wants it, and after that
 * as long as reports are due that say it is gone; a timer is armed while anything is due on an interface, and nothing is
 * due on one that is down or no Ethernet.  Groups are at most NET_GROUP_MAX and one per address, sources of a group at
 * most GROUP_SOURCES_MAX.  net_check() asserts it.
 * Queries are group_query.c's.  Left out: that an interface throws away what none of its listeners wants of a source (each
 * listener does that for itself).
 */
#include "net/group.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* RFC 4862 5.4.2: hosts that start together do not speak together. */
#define FIRST_REPORT_NS OL_SEC

static const struct ol_addr all4 = { .ver = 4, .b = { 224, 0, 0, 1 } };
static const struct ol_addr all6 = { .ver = 6, .b = { 0xff, 0x02, [15] = 1 } };
static const struct ol_addr node6 = { .ver = 6, .b = { 0xff, 0x01, [15] = 1 } };

ol_time group_some_time(struct net *net, ol_time max, ol_time now)
{
	return now + MIN(1 + (ol_time)(rng_unit(&net->group_rng) * (double)max), max);
}

/* ---- the tables ---------------------------------------------------------------------------------------------------- */

static struct group **bucket_of(struct net *net, const struct ol_addr *a)
{
	uint32_t w = be32_at(a->b) ^ be32_at(a->b + 12) ^ be32_at(a->b + 8);
	return &net->group_bucket[(w * UINT32_C(0x9e3779b1) >> 16) % GROUP_BUCKETS];
}

struct group *group_find(const struct net *net, int ifi, const struct ol_addr *a)
{
	struct group *g = *bucket_of((struct net *)net, a);
	while (g && !(g->gi->ifi == ifi && ol_addr_eq(&g->addr, a)))
		g = g->hash_next;
	return g;
}

static struct group_iface *iface_find(const struct net *net, int ifi, uint8_t ver)
{
	list_for(n, &net->group_ifaces) {
		struct group_iface *gi = list_of(n, struct group_iface, node);
		if (gi->ifi == ifi && gi->ver == ver)
			return gi;
	}
	return NULL;
}

uint8_t group_forced_version(const struct net *net, uint8_t ver)
{
	return ver == 4 ? net->cfg.force_igmp_version : net->cfg.force_mld_version;
}

uint8_t group_robustness(const struct net *net, uint8_t ver) { return ver == 4 ? net->cfg.igmp_qrv : net->cfg.mld_qrv; }

/* As if it had come up just now: nobody was heard and nothing is due. */
static void iface_reset(const struct net *net, struct group_iface *gi)
{
	uint8_t forced = group_forced_version(net, gi->ver);
	gi->version = forced ? forced : group_newest(gi);
	gi->robustness = group_robustness(net, gi->ver);
	gi->query_interval_ns = GROUP_QUERY_INTERVAL_NS;
	gi->spoken = false;
	gi->general_at = gi->hello_at = OL_NEVER;
	memset(gi->older_until, 0, sizeof gi->older_until);
}

struct group_iface *group_iface_get(struct net *net, int ifi, uint8_t ver)
{
	struct group_iface *gi = iface_find(net, ifi, ver);
	const struct iface *f = link_iface(net->link, ifi);
	if (gi || !f || !(gi = calloc(1, sizeof *gi)))
		return gi;
	gi->ifi = ifi;
	gi->ver = ver;
	gi->up = f->up;
	list_init(&gi->groups);
	timer_init(&gi->timer, TIMER_NET_GROUP);
	iface_reset(net, gi);
	list_append(&net->group_ifaces, &gi->node);
	return gi;
}

static struct group *make(struct net *net, int ifi, const struct ol_addr *a)
{
	struct group_iface *gi = group_iface_get(net, ifi, a->ver);
	struct group *g = gi ? calloc(1, sizeof *g) : NULL;
	if (!g)
		return NULL;
	*g = (struct group){ .gi = gi, .addr = *a, .change_at = OL_NEVER, .answer_at = OL_NEVER };
	struct group **b = bucket_of(net, a);
	g->hash_next = *b;
	*b = g;
	list_append(&gi->groups, &g->node);
	net->n_group++;
	return g;
}

static void destroy(struct net *net, struct group *g)
{
	struct group **b = bucket_of(net, &g->addr);
	while (*b != g)
		b = &(*b)->hash_next;
	*b = g->hash_next;
	list_del(&g->node);
	net->n_group--;
	free(g->src);
	free(g->asked);
	free(g);
}

void group_init(struct net *net)
{
	list_init(&net->group_ifaces);
	rng_init(&net->group_rng, sipkey_derive(net->cfg.seed, "multicast reports").k0);
}

void group_fini(struct net *net)
{
	for (struct list *n; (n = list_first(&net->group_ifaces)); ) {
		struct group_iface *gi = list_of(n, struct group_iface, node);
		for (struct list *m; (m = list_first(&gi->groups)); )
			destroy(net, list_of(m, struct group, node));
		timer_stop(net->wheel, &gi->timer);
		list_del(&gi->node);
		free(gi);
	}
}

const struct group_source *group_source_find(const struct group *g, const struct ol_addr *src)
{
	for (uint32_t i = 0; i < g->n_src; i++)
		if (!memcmp(g->src[i].addr.b, src->b, sizeof src->b))
			return &g->src[i];
	return NULL;
}

bool group_lives(const struct group *g)
{
	if (g->n_ex)
		return true;
	for (uint32_t i = 0; i < g->n_src; i++)
		if (g->src[i].in)
			return true;
	return false;
}

/* RFC 3376 5, RFC 3810 6: nothing is said of all-hosts and all-nodes, nor of what does not leave the host. */
static bool reportable(const struct ol_addr *a)
{
	return a->ver == 4 ? !ol_addr_eq(a, &all4) : !ol_addr_eq(a, &all6) && (a->b[1] & 15) > 1;
}

bool group_reported(const struct net *net, const struct group *g)
{
	const struct iface *f = link_iface(net->link, g->gi->ifi);
	return f->up && f->link == OL_LINK_ETHER && (g->gi->ver == 4 || f->mtu >= IP6_MIN_MTU) && reportable(&g->addr);
}

/* RFC 1112 7.2, RFC 4291 2.8: all-hosts and all-nodes always, the rest by joining; lo brings copies of our own. */
bool group_joined(const struct net *net, int ifi, const struct ol_addr *addr)
{
	struct ol_addr a = *addr;
	a.scope = 0;
	if (ol_addr_eq(&a, &all4) || ol_addr_eq(&a, &all6) || ol_addr_eq(&a, &node6))
		return true;
	const struct iface *f = link_iface(net->link, ifi);
	bool loop = f && f->link == OL_LINK_LOOP;
	for (const struct group *g = *bucket_of((struct net *)net, &a); g; g = g->hash_next)
		if ((loop || g->gi->ifi == ifi) && ol_addr_eq(&g->addr, &a) && group_lives(g))
			return true;
	return false;
}

/* ---- what is due --------------------------------------------------------------------------------------------------- */

void group_rearm(struct net *net, struct group_iface *gi)
{
	ol_time at = gi->general_at;
	list_for(n, &gi->groups) {
		const struct group *g = list_of(n, const struct group, node);
		at = MIN(at, MIN(g->change_at, g->answer_at));
	}
	if (at == OL_NEVER)
		timer_stop(net->wheel, &gi->timer);
	else
		timer_arm(net->wheel, &gi->timer, at);
}

void group_answered(struct group *g)
{
	free(g->asked);
	g->asked = NULL;
	g->n_asked = 0;
	g->answer_at = OL_NEVER;
}

void group_forget_change(struct group *g)
{
	g->change_at = OL_NEVER;
	g->mode_left = 0;
	for (uint32_t i = 0; i < g->n_src; i++)
		g->src[i].left = 0;
}

/* Takes out sources that nobody names any more, and the group itself when that was all. */
static void tidy(struct net *net, struct group *g)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < g->n_src; i++)
		if (g->src[i].in || g->src[i].ex || g->src[i].left)
			g->src[n++] = g->src[i];
	g->n_src = n;
	if (group_lives(g))
		return;
	group_answered(g);
	if (g->change_at == OL_NEVER)
		destroy(net, g);
}

static void forget_all(struct net *net, struct group_iface *gi)
{
	gi->general_at = gi->hello_at = OL_NEVER;
	list_for_safe(n, &gi->groups) {
		struct group *g = list_of(n, struct group, node);
		group_answered(g);
		group_forget_change(g);
		tidy(net, g);
	}
	group_rearm(net, gi);
}

/* RFC 3376 7.2.1, RFC 3810 8.2.1: by whether an older querier was heard, not by the last one heard. */
static uint8_t version_now(const struct net *net, const struct group_iface *gi, ol_time now)
{
	uint8_t forced = group_forced_version(net, gi->ver), most = forced ? forced : group_newest(gi);
	for (uint8_t v = 1; v < most; v++)
		if (now < gi->older_until[v])
			return v;
	return most;
}

/* A change of version cancels all that was due.  True: there was one. */
bool group_settle_version(struct net *net, struct group_iface *gi, ol_time now)
{
	uint8_t is = version_now(net, gi, now);
	if (is == gi->version)
		return false;
	gi->version = is;
	forget_all(net, gi);
	return true;
}

void group_expire(struct net *net, struct timer *t, ol_time now)
{
	struct group_iface *gi = list_of(t, struct group_iface, timer);
	struct group_reports r;
	if (group_settle_version(net, gi, now))
		return;
	group_report_begin(&r, net, gi, now);
	bool general = gi->general_at <= now;
	list_for_safe(n, &gi->groups) {
		struct group *g = list_of(n, struct group, node);
		bool lives = group_lives(g) && group_reported(net, g);
		if (general && lives)
			group_say_state(&r, g);
		if (g->answer_at <= now) {
			if (lives)
				group_say_answer(&r, g);
			group_answered(g);
		}
		if (g->change_at <= now)
			group_say_change(&r, g);
		tidy(net, g);
	}
	group_report_end(&r);
	if (general)
		gi->general_at = OL_NEVER;
	if (gi->hello_at <= now)
		gi->hello_at = OL_NEVER;
	group_rearm(net, gi);
}

/* ---- changes ------------------------------------------------------------------------------------------------------- */

/* Room for the sources of a filter, so that nothing can fail once something was changed. */
static int make_room(struct group *g, const struct net_filter *is)
{
	uint32_t need = g->n_src;
	for (uint32_t i = 0; i < is->n; i++)
		need += !group_source_find(g, &is->src[i]);
	if (need > GROUP_SOURCES_MAX)
		return -ENOBUFS;
	if (need <= g->n_src_max)
		return 0;
	struct group_source *grown = realloc(g->src, need * sizeof *grown);
	if (!grown)
		return -ENOMEM;
	g->src = grown;
	g->n_src_max = need;
	return 0;
}

static void count_in(struct group *g, const struct net_filter *f)
{
	g->n_ex += f->exclude;
	for (uint32_t i = 0; i < f->n; i++) {
		struct group_source *s = (struct group_source *)group_source_find(g, &f->src[i]);
		if (!s) {
			s = &g->src[g->n_src++];
			*s = (struct group_source){ .addr = f->src[i] };
			s->addr.scope = 0;
		}
		*(f->exclude ? &s->ex : &s->in) += 1;
	}
}

static void count_out(struct group *g, const struct net_filter *f)
{
	CHECK(g->n_ex >= f->exclude);
	g->n_ex -= f->exclude;
	for (uint32_t i = 0; i < f->n; i++) {
		struct group_source *s = (struct group_source *)group_source_find(g, &f->src[i]);
		CHECK(s && (f->exclude ? s->ex : s->in));
		*(f->exclude ? &s->ex : &s->in) -= 1;
	}
}

/* RFC 3376 5.1, RFC 3810 6.1: what is news, and so must be said as often as robustness asks.  False: nothing. */
static bool note_change(struct group *g, bool excluded)
{
	bool news = false;
	uint8_t times = g->gi->robustness;
	if (group_excludes(g) != excluded) {
		group_forget_change(g);
		g->mode_left = times;
		return true;
	}
	for (uint32_t i = 0; i < g->n_src; i++)
		if (group_lists(g, &g->src[i]) != g->src[i].was) {
			g->src[i].left = times;
			news = true;
		}
	return news;
}

/* The first report of an interface that just came up waits a moment, so that hosts which start together do not speak
 * together and all its groups go into one. */
static ol_time hello_time(struct net *net, struct group_iface *gi, ol_time now)
{
	if (gi->hello_at == OL_NEVER)
		gi->hello_at = group_some_time(net, FIRST_REPORT_NS, now);
	return gi->hello_at;
}

static void say_now(struct net *net, struct group *g, ol_time now)
{
	struct group_reports r;
	group_report_begin(&r, net, g->gi, now);
	group_say_change(&r, g);
	group_report_end(&r);
}

/* The older versions know members alone: RFC 2236 3, RFC 2710 4; of version 1 no host says that it leaves. */
static void change_older(struct net *net, struct group *g, bool lived, bool patient, ol_time now)
{
	struct group_iface *gi = g->gi;
	bool lives = group_lives(g);
	if (lives == lived)
		return;
	if (lives) {
		g->mode_left = gi->robustness;
		if (patient)
			g->change_at = hello_time(net, gi, now);
		else
			say_now(net, g, now);
		return;
	}
	group_forget_change(g);
	if (gi->ver == 6 && g->reporter)
		mld_send_older(net, gi->ifi, &g->addr, true, now);
	else if (gi->ver == 4 && gi->version == 2 && g->reporter)
		igmp_send_older(net, gi->ifi, gi->version, &g->addr, true, now);
}

static void changed(struct net *net, struct group *g, bool lived, bool excluded, bool patient, ol_time now)
{
	struct group_iface *gi = g->gi;
	patient = patient && !gi->spoken;
	if (!group_reported(net, g))
		return;
	if (!group_is_newest(gi))
		change_older(net, g, lived, patient, now);
	else if (!note_change(g, excluded))
		return;
	else if (patient)
		g->change_at = hello_time(net, gi, now);
	else
		say_now(net, g, now);
}

/* A group that is only remembered makes room for one that is wanted. */
static void reclaim(struct net *net)
{
	list_for(n, &net->group_ifaces) {
		struct group_iface *gi = list_of(n, struct group_iface, node);
		list_for(m, &gi->groups) {
			struct group *g = list_of(m, struct group, node);
			if (!group_lives(g)) {
				destroy(net, g);
				return;
			}
		}
	}
}

static int change(struct net *net, int ifi, const struct ol_addr *group, const struct net_filter *was,
		  const struct net_filter *is, bool patient, ol_time now)
{
	static const struct net_filter none;
	struct ol_addr a = *group;
	a.scope = 0;
	was = was ? was : &none;
	is = is ? is : &none;
	if (!ol_addr_is_multicast(&a) || !link_iface(net->link, ifi))
		return -EINVAL;
	struct group_iface *gi = iface_find(net, ifi, a.ver);
	if (gi)
		group_settle_version(net, gi, now);
	struct group *g = group_find(net, ifi, &a);
	if ((was->exclude || was->n) && (!g || g->n_ex < was->exclude))
		return -EADDRNOTAVAIL;
	if (!g && !is->exclude && !is->n)
		return 0;
	if (!g && net->n_group >= NET_GROUP_MAX + net->n_addr)
		reclaim(net);
	if (!g && net->n_group >= NET_GROUP_MAX + net->n_addr)
		return -ENOBUFS;
	if (!g && !(g = make(net, ifi, &a)))
		return -ENOMEM;
	int err = make_room(g, is);
	if (err) {
		tidy(net, g);
		return err;
	}
	bool lived = group_lives(g), excluded = group_excludes(g);
	for (uint32_t i = 0; i < g->n_src; i++)
		g->src[i].was = group_lists(g, &g->src[i]);
	count_out(g, was);
	count_in(g, is);
	gi = g->gi;
	changed(net, g, lived, excluded, patient, now);
	tidy(net, g);
	group_rearm(net, gi);
	return 0;
}

uint32_t net_filter_find(const struct net_filter *f, const struct ol_addr *src)
{
	uint32_t i = 0;
	while (i < f->n && memcmp(f->src[i].b, src->b, sizeof src->b))
		i++;
	return i;
}

int net_group_change(struct net *net, int ifi, const struct ol_addr *group, const struct net_filter *was,
		     const struct net_filter *is, ol_time now)
{
	return change(net, ifi, group, was, is, false, now);
}

static const struct net_filter everything = { .exclude = true };

int net_group_join(struct net *net, int ifi, const struct ol_addr *group, ol_time now)
{
	return change(net, ifi, group, NULL, &everything, false, now);
}

int net_group_leave(struct net *net, int ifi, const struct ol_addr *group, ol_time now)
{
	return change(net, ifi, group, &everything, NULL, false, now);
}

int group_join_solicited(struct net *net, int ifi, const struct ol_addr *addr, ol_time now)
{
	struct ol_addr g = nd_solicited_node(addr);
	return change(net, ifi, &g, NULL, &everything, true, now);
}

void group_leave_solicited(struct net *net, int ifi, const struct ol_addr *addr, ol_time now)
{
	struct ol_addr g = nd_solicited_node(addr);
	change(net, ifi, &g, &everything, NULL, true, now);
}

/* ---- the interface comes and goes ---------------------------------------------------------------------------------- */

/* All its groups are news again: to a network just joined, and from an address it may believe (RFC 3810 5.2.13). */
static void renew(struct net *net, struct group_iface *gi, ol_time now)
{
	group_settle_version(net, gi, now);
	list_for(n, &gi->groups) {
		struct group *g = list_of(n, struct group, node);
		if (!group_reported(net, g) || !group_lives(g))
			continue;
		group_forget_change(g);
		if (group_excludes(g) || !group_is_newest(gi))
			g->mode_left = gi->robustness;
		else
			for (uint32_t i = 0; i < g->n_src; i++)
				if (g->src[i].in)
					g->src[i].left = gi->robustness;
		g->change_at = hello_time(net, gi, now);
	}
	group_rearm(net, gi);
}

void group_renew6(struct net *net, int ifi, ol_time now)
{
	struct group_iface *gi = iface_find(net, ifi, 6);
	if (gi && gi->spoken)
		renew(net, gi, now);
}

void net_iface_up(struct net *net, int ifi, bool up, ol_time now)
{
	if (!up)
		nd_if_up(net, ifi, false, now);
	list_for(n, &net->group_ifaces) {
		struct group_iface *gi = list_of(n, struct group_iface, node);
		if (gi->ifi != ifi || gi->up == up)
			continue;
		gi->up = up;
		forget_all(net, gi);
		iface_reset(net, gi);
		if (up)
			renew(net, gi, now);
	}
	if (up)
		nd_if_up(net, ifi, true, now);
}

/* ---- what always holds --------------------------------------------------------------------------------------------- */

static void check_one(const struct net *net, const struct group_iface *gi, const struct group *g)
{
	CHECK(g->gi == gi && group_find(net, gi->ifi, &g->addr) == g);
	CHECK(group_lives(g) || g->change_at != OL_NEVER);
	CHECK((g->change_at == OL_NEVER && g->answer_at == OL_NEVER) || group_reported(net, g));
	CHECK(g->n_src <= MIN(g->n_src_max, (uint32_t)GROUP_SOURCES_MAX));
	for (uint32_t i = 0; i < g->n_src; i++) {
		const struct group_source *s = &g->src[i];
		CHECK(s->in || s->ex || s->left);
		CHECK(s->ex <= g->n_ex && (!s->left || g->change_at != OL_NEVER));
	}
}

void net_check(const struct net *net)
{
	int n_group = 0;
	list_for(n, &net->group_ifaces) {
		const struct group_iface *gi = list_of(n, const struct group_iface, node);
		ol_time first = gi->general_at;
		list_for(m, &gi->groups) {
			const struct group *g = list_of(m, const struct group, node);
			check_one(net, gi, g);
			first = MIN(first, MIN(g->change_at, g->answer_at));
			n_group++;
		}
		CHECK(timer_armed(&gi->timer) ? gi->timer.at == first : first == OL_NEVER);
	}
	CHECK(n_group == net->n_group);
	nd_check(net);
}
