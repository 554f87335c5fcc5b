/*
 * What an interface says about its groups, in the protocol version in force there: RFC 3376 5.1, 5.2, 4.2.16 and RFC 3810 6.1,
 * 6.3, 5.2.15, whose records are the same; for the older versions, one message per group (RFC 2236 3, RFC 2710 4).
 */
#include "net/group.h"
#include <string.h>

/* Until a state change is said again: RFC 3376 8.11, RFC 3810 9.11; of the older versions RFC 2236 8.10, RFC 2710 7.10. */
#define UNSOLICITED_NS OL_SEC
#define UNSOLICITED_OLDER_NS (10 * OL_SEC)

void group_report_begin(struct group_reports *r, struct net *net, struct group_iface *gi, ol_time now)
{
	const struct iface *f = link_iface(net->link, gi->ifi);
	uint32_t mtu = MIN(f->mtu, (uint32_t)IP4_MAX);
	*r = (struct group_reports){ .net = net, .gi = gi, .now = now, .limit = mtu - (gi->ver == 4 ? IGMP_IP_LEN : MLD_IP_LEN) };
	r->again = group_some_time(net, group_is_newest(gi) ? UNSOLICITED_NS : UNSOLICITED_OLDER_NS, now);
}

void group_report_end(struct group_reports *r)
{
	if (!r->pkt)
		return;
	if (r->gi->ver == 4)
		igmp_send_report(r->net, r->gi->ifi, r->pkt, r->n, r->now);
	else
		mld_send_report(r->net, r->gi->ifi, r->pkt, r->n, r->now);
	r->pkt = NULL;
	r->n = 0;
}

/* ---- records ------------------------------------------------------------------------------------------------------- */

static bool named(const struct group *g, const struct group_source *s, enum group_record type)
{
	bool forward = group_lists(g, s) != group_excludes(g);
	switch (type) {
	case RECORD_ALLOW:	return s->left && forward;
	case RECORD_BLOCK:	return s->left && !forward;
	default:		return group_lists(g, s);
	}
}

/* The sources of a record, one after the other: of those asked for (narrowed to what is to be answered), or of the list. */
static const struct ol_addr *next_source(const struct group *g, enum group_record type, bool asked, uint32_t *at)
{
	if (asked)
		return *at < g->n_asked ? &g->asked[(*at)++] : NULL;
	while (*at < g->n_src) {
		const struct group_source *s = &g->src[(*at)++];
		if (named(g, s, type))
			return &s->addr;
	}
	return NULL;
}

static size_t count_sources(const struct group *g, enum group_record type, bool asked)
{
	size_t n = 0;
	for (uint32_t at = 0; next_source(g, type, asked, &at); )
		n++;
	return n;
}

static void put_record(struct group_reports *r, const struct group *g, enum group_record type, bool asked, size_t n, uint32_t *at)
{
	size_t len = wire_group_record_len(g->addr.ver, n), alen = group_addr_len(g->addr.ver);
	if (r->pkt && r->pkt->len + len > r->limit)
		group_report_end(r);
	if (!r->pkt) {
		r->pkt = ol_pkt_new(r->net->pool, r->limit);
		if (!r->pkt) {
			net_drop(r->net, NULL, OL_DROP_NO_MEMORY);
			return;
		}
		memset(ol_pkt_put(r->pkt, GROUP_REPORT_HLEN), 0, GROUP_REPORT_HLEN);
	}
	uint8_t *p = wire_group_record_build(ol_pkt_put(r->pkt, len), type, &g->addr, (uint16_t)n);
	for (; n; n--, p += alen)
		memcpy(p, next_source(g, type, asked, at)->b, alen);
	r->n++;
}

/* RFC 3376 4.2.16: what is too long for one report is parted, but a list of exclusions is cut, always at the same place. */
static void say(struct group_reports *r, const struct group *g, enum group_record type, bool asked)
{
	size_t room = r->limit - GROUP_REPORT_HLEN - wire_group_record_len(g->addr.ver, 0);
	size_t most = room / group_addr_len(g->addr.ver), n = count_sources(g, type, asked);
	bool whole = type == RECORD_IS_EX || type == RECORD_TO_EX;
	uint32_t at = 0;
	if (whole)
		n = MIN(n, most);
	do {
		size_t some = MIN(n, most);
		put_record(r, g, type, asked, some, &at);
		n -= some;
	} while (n);
}

static void say_older(struct group_reports *r, struct group *g)
{
	if (r->gi->ver == 4)
		igmp_send_older(r->net, r->gi->ifi, r->gi->version, &g->addr, false, r->now);
	else
		mld_send_older(r->net, r->gi->ifi, &g->addr, false, r->now);
	g->reporter = true;
}

/* ---- what is said -------------------------------------------------------------------------------------------------- */

/* RFC 3376 5.1, RFC 3810 6.1: the mode with its whole list as long as a change of it is news; then sources that are. */
static void change_records(struct group_reports *r, struct group *g)
{
	if (g->mode_left) {
		say(r, g, group_excludes(g) ? RECORD_TO_EX : RECORD_TO_IN, false);
		return;
	}
	if (count_sources(g, RECORD_ALLOW, false))
		say(r, g, RECORD_ALLOW, false);
	if (count_sources(g, RECORD_BLOCK, false))
		say(r, g, RECORD_BLOCK, false);
}

void group_say_change(struct group_reports *r, struct group *g)
{
	bool more;
	if (group_is_newest(r->gi))
		change_records(r, g);
	else if (group_lives(g))
		say_older(r, g);
	g->mode_left -= g->mode_left > 0;
	more = g->mode_left;
	for (uint32_t i = 0; i < g->n_src; i++) {
		g->src[i].left -= g->src[i].left > 0;
		more = more || g->src[i].left;
	}
	g->change_at = more ? r->again : OL_NEVER;
	r->gi->spoken = true;
}

void group_say_state(struct group_reports *r, struct group *g)
{
	say(r, g, group_excludes(g) ? RECORD_IS_EX : RECORD_IS_IN, false);
}

/* RFC 3376 5.2: of the sources asked for, those that are wanted; none, no answer. */
static void narrow(struct group *g)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < g->n_asked; i++) {
		const struct group_source *s = group_source_find(g, &g->asked[i]);
		if ((s && group_lists(g, s)) != group_excludes(g))
			g->asked[n++] = g->asked[i];
	}
	g->n_asked = n;
}

void group_say_answer(struct group_reports *r, struct group *g)
{
	if (!group_is_newest(r->gi)) {
		say_older(r, g);
		return;
	}
	if (!g->asked) {
		group_say_state(r, g);
		return;
	}
	narrow(g);
	if (g->n_asked)
		say(r, g, RECORD_IS_IN, true);
}
