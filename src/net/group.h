#ifndef NET_GROUP_H
#define NET_GROUP_H
/*
 * What group.c (the state), group_report.c (what is said of it), igmp.c and mld.c (how) share.  RFC 3376 3.2, 5; RFC 3810 4.2, 6.
 */
#include "net/net_int.h"
#include "wire/group.h"

enum { GROUP_SOURCES_MAX = 1024 };		/* of one group on one interface, over all sockets */
enum { GROUP_ASKED_MAX = 64 };			/* sources noted for an answer; asked for more, all is answered */

struct group_source {
	struct ol_addr addr;
	uint32_t in, ex;			/* sockets that name it, by their filter mode */
	uint8_t left;				/* state change reports that have still to name it */
	bool was;				/* in the interface's list before the change under way */
};

/* One group on one interface; without sockets it is gone as soon as nothing about it has to be said any more. */
struct group {
	struct group *hash_next;
	struct list node;			/* group_iface.groups */
	struct group_iface *gi;
	struct ol_addr addr;			/* scope 0 */
	uint32_t n_ex;				/* sockets in EXCLUDE mode; any of them makes the interface's mode EXCLUDE */
	struct group_source *src;
	uint32_t n_src, n_src_max;
	uint8_t mode_left;			/* reports still due that say the filter mode; of older versions: any */
	bool reporter;				/* older versions: nobody else reported it after us */
	ol_time change_at, answer_at;		/* OL_NEVER: nothing due */
	struct ol_addr *asked;			/* the answer is about these alone; NULL: about all */
	uint32_t n_asked;
};

/* One family on one interface. */
struct group_iface {
	struct list node;			/* net.group_ifaces */
	int ifi;
	uint8_t ver;				/* 4: IGMP, 6: MLD */
	bool up, spoken;			/* spoken: something was said since it came up */
	uint8_t version;			/* of the protocol, in force; see version_now() */
	uint8_t robustness;
	ol_time query_interval_ns;		/* as the last querier said */
	ol_time older_until[3];			/* by version: RFC 3376 7.2.1's Older Version Querier Present timers */
	struct list groups;
	struct timer timer;			/* the first of what follows and of its groups' */
	ol_time general_at, hello_at;		/* OL_NEVER: nothing due */
};

static inline uint8_t group_newest(const struct group_iface *gi) { return gi->ver == 4 ? 3 : 2; }
static inline bool group_is_newest(const struct group_iface *gi) { return gi->version == group_newest(gi); }
static inline bool group_excludes(const struct group *g) { return g->n_ex > 0; }
/** RFC 3376 3.2: is the source in the interface's list? */
static inline bool group_lists(const struct group *g, const struct group_source *s)
{
	return group_excludes(g) ? s->ex == g->n_ex && !s->in : s->in > 0;
}
/** Has the interface reception state for it, or is it only a memory of what must be said? */
bool group_lives(const struct group *g);
/** May its interface speak of it now? */
bool group_reported(const struct net *net, const struct group *g);
const struct group_source *group_source_find(const struct group *g, const struct ol_addr *src);
/** A random instant after now, at most `max` later. */
ol_time group_some_time(struct net *net, ol_time max, ol_time now);

/* group.c, for group_query.c */
#define GROUP_QUERY_INTERVAL_NS (125 * OL_SEC)	/* RFC 3376 8.2, RFC 3810 9.2: until a querier names its own */
struct group *group_find(const struct net *net, int ifi, const struct ol_addr *a);
struct group_iface *group_iface_get(struct net *net, int ifi, uint8_t ver);	/* made if need be; NULL: none such, no memory */
uint8_t group_forced_version(const struct net *net, uint8_t ver);		/* 0: none */
uint8_t group_robustness(const struct net *net, uint8_t ver);			/* as configured */
/** RFC 3376 7.2.1: a change of version cancels all that was due, and may end groups.  True: there was one. */
bool group_settle_version(struct net *net, struct group_iface *gi, ol_time now);
void group_rearm(struct net *net, struct group_iface *gi);
void group_answered(struct group *g);			/* nothing is due to a query */
void group_forget_change(struct group *g);		/* nor to a change */

/* group_query.c, for what came in */
void group_query(struct net *net, int ifi, const struct group_query *q, ol_time now);
void group_heard(struct net *net, int ifi, const struct ol_addr *group, ol_time now);	/* another's report, of an older version */

/* group_report.c: records gather in one report until it is full; group_report_end() sends what is left. */
struct group_reports {
	struct net *net; struct group_iface *gi;
	ol_time now, again;			/* again: when a change is said once more */
	struct ol_pkt *pkt;			/* n records so far, of at most `limit` bytes; or NULL */
	uint32_t limit;
	uint16_t n;
};
void group_report_begin(struct group_reports *r, struct net *net, struct group_iface *gi, ol_time now);
void group_report_end(struct group_reports *r);
void group_say_change(struct group_reports *r, struct group *g);	/* and when it is said again */
void group_say_state(struct group_reports *r, struct group *g);		/* all of it */
void group_say_answer(struct group_reports *r, struct group *g);	/* what was asked */

/* igmp.c, mld.c: to the link.  Take pkt, which holds GROUP_REPORT_HLEN bytes of room and then n records. */
void igmp_send_report(struct net *net, int ifi, struct ol_pkt *pkt, uint16_t n, ol_time now);
void mld_send_report(struct net *net, int ifi, struct ol_pkt *pkt, uint16_t n, ol_time now);
/** The messages of older versions: a report, or that the last member leaves. */
void igmp_send_older(struct net *net, int ifi, uint8_t version, const struct ol_addr *group, bool leaves, ol_time now);
void mld_send_older(struct net *net, int ifi, const struct ol_addr *group, bool leaves, ol_time now);
enum { IGMP_IP_LEN = 24, MLD_IP_LEN = 48 };	/* of their IP headers, router alert and all */

#endif
