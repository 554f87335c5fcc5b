#ifndef TEST_NET_LISTENER_H
#define TEST_NET_LISTENER_H
/*
 * One host on one Ethernet that listens to groups.  What it says by IGMP and MLD is read from its frames and put into words, and
 * every frame is held against what all of them must be; queries are made for it, good and bad.
 */
#include "world.h"
#include "wire/group.h"
#include <errno.h>

extern struct world w;
enum { ETH = 2 };				/* its interface */
void start_with(struct net_config cfg, unsigned seed);
void start(void);

/* ---- what it says: "TO_EX 239.1.2.3 10.0.0.9; IS_IN ...", "v2 239.1.2.3", "leave 239.1.2.3" ---- */
extern char words[4096];			/* the last of it */
const char *said(void);				/* the next thing it has said already, or "" */
const char *says_within(ol_time ns);		/* lets up to ns pass, until it says something: "" when it does not */
void silent_for(ol_time ns);
void settle(void);				/* until it says nothing for half a minute */

/* ---- what is done to it ---- */
/* A listener's filter changes: "- a b" is all but these, "+ a b" these, "" no member. */
int change(const char *group, const char *was, const char *is);
void joins(const char *group);
void leaves(const char *group);

/* A query, or what looks like one.  Zero means what a good one has. */
struct asked {
	const char *group;				/* NULL: all */
	uint16_t code;					/* Max Resp Code */
	int version, len;				/* 0: the newest; of that version */
	uint8_t qrv, qqic, type, ttl, sum;		/* sum: added to the checksum */
	bool no_alert;
	const char *src, *dst, *sources[4];
};

enum ol_fate hears4(const struct asked *q);
enum ol_fate hears6(const struct asked *q);
enum ol_fate hears(int ver, struct asked q);	/* and forgets what was handed up */
#define QUERY(ver, ...) eq(hears(ver, (struct asked){ __VA_ARGS__ }), OL_PASS)

/* The same of both families: a group, three sources, ten seconds and one as a Max Resp Code. */
extern const struct family { int ver; const char *group, *other, *a, *b, *c; uint16_t ten_s, one_s; } families[2];
#define EACH_FAMILY(f) (const struct family *f = families; f < families + 2; f++)
const char *text(const char *form, ...) __attribute__((format(printf, 1, 2)));

#endif
