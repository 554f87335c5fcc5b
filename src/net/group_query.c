/*
 * What queries and others' reports mean to a host: when it answers, and in which version.  RFC 3376 5.2, 7.2.1 and RFC 3810 6.2,
 * 8.2.1; RFC 2236 3 to 5 and RFC 2710 4, 5.
 * Left out: the spreading of the answer to one general query over several reports (RFC 3376 5.2 recommends it to members of very
 * many groups), and that reports of the newest version are suppressed by others' older ones (7.2.2, a MAY).
 */
#include "net/group.h"
#include <stdlib.h>

/* RFC 3376 8.12, RFC 3810 9.12; of the first version RFC 2236 8.11 had 400 s. */
static void note_querier(struct net *net, struct group_iface *gi, const struct group_query *q, ol_time now)
{
	if (q->version == group_newest(gi)) {
		gi->robustness = q->qrv ? q->qrv : group_robustness(net, gi->ver);
		gi->query_interval_ns = q->qqi_ns ? q->qqi_ns : GROUP_QUERY_INTERVAL_NS;
	} else if (q->version == 1 || ol_addr_is_any(&q->group)) {
		gi->older_until[q->version] = now + gi->robustness * gi->query_interval_ns + q->max_ns;
	}
	group_settle_version(net, gi, now);
}

/* RFC 2236 3, RFC 2710 4: a timer per group, set anew only where the querier is in more of a hurry than it. */
static void answer_older(struct net *net, struct group *g, const struct group_query *q, ol_time now)
{
	ol_time running = MIN(g->change_at, g->answer_at);
	if (running != OL_NEVER && q->max_ns >= running - now)
		return;
	group_forget_change(g);
	g->answer_at = group_some_time(net, q->max_ns, now);
}

static void ask_for(struct group *g, const struct group_query *q)
{
	struct ol_addr *more = NULL;
	if (g->n_asked + q->n <= GROUP_ASKED_MAX)
		more = realloc(g->asked, (g->n_asked + q->n) * sizeof *more);
	if (!more) {				/* so many, or no memory: all of it is the answer then */
		free(g->asked);
		g->asked = NULL;
		g->n_asked = 0;
		return;
	}
	g->asked = more;
	for (uint32_t i = 0; i < q->n; i++)
		g->asked[g->n_asked++] = ol_addr_from(g->addr.ver, q->src + i * group_addr_len(g->addr.ver));
}

/* RFC 3376 5.2 and RFC 3810 6.2, rules 3 to 5, when a specific query shall be answered at `at`. */
static void ask(struct group *g, const struct group_query *q, ol_time at)
{
	bool pending = g->answer_at != OL_NEVER;
	if (q->n && (!pending || g->asked))
		ask_for(g, q);
	else if (g->asked) {
		free(g->asked);
		g->asked = NULL;
		g->n_asked = 0;
	}
	g->answer_at = MIN(g->answer_at, at);
}

static void query_newest(struct net *net, struct group_iface *gi, struct group *g, const struct group_query *q, ol_time now)
{
	ol_time at = group_some_time(net, q->max_ns, now);
	if (gi->general_at <= at)
		return;				/* rule 1 */
	if (g)
		ask(g, q, at);
	else
		gi->general_at = at;		/* rule 2 */
}

void group_query(struct net *net, int ifi, const struct group_query *q, ol_time now)
{
	const struct iface *f = link_iface(net->link, ifi);
	struct group_iface *gi = f && f->link == OL_LINK_ETHER ? group_iface_get(net, ifi, q->group.ver) : NULL;
	if (!gi || (group_forced_version(net, gi->ver) == group_newest(gi) && q->version < group_newest(gi)))
		return;
	note_querier(net, gi, q, now);
	bool general = ol_addr_is_any(&q->group), any = false;
	list_for(n, &gi->groups) {
		struct group *g = list_of(n, struct group, node);
		if (!group_lives(g) || !group_reported(net, g) || (!general && !ol_addr_eq(&g->addr, &q->group)))
			continue;
		any = true;
		if (!group_is_newest(gi))
			answer_older(net, g, q, now);
		else if (!general)
			query_newest(net, gi, g, q, now);
	}
	if (any && general && group_is_newest(gi))
		query_newest(net, gi, NULL, q, now);
	group_rearm(net, gi);
}

void group_heard(struct net *net, int ifi, const struct ol_addr *group, ol_time now)
{
	struct group *g = group_find(net, ifi, group);
	if (!g)
		return;
	group_settle_version(net, g->gi, now);	/* may have forgotten it */
	g = group_find(net, ifi, group);
	if (!g || group_is_newest(g->gi) || MIN(g->change_at, g->answer_at) == OL_NEVER)
		return;
	struct group_iface *gi = g->gi;
	group_forget_change(g);
	group_answered(g);
	g->reporter = false;
	group_rearm(net, gi);
}
