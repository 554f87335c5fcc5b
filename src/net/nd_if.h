#ifndef NET_ND_IF_H
#define NET_ND_IF_H
/*
 * What neighbour discovery and autoconfiguration keep of an interface: RFC 4861 5.1 and 6.3.2, RFC 4862 5.1.  Shared by
 * nd_if.c (its life and its timer), dad.c, slaac.c, ra.c, router.c, and redirect6.c.
 *
 *	comes up --> link-local address --> dad.c --> ready           a router advertisement --> ra.c --.--> router.c
 *	         `--> solicitations for routers (ra.c)                                                  |--> prefix.c
 *	                                                                                                `--> slaac.c
 * adv.c is the other side: a router that sends them.
 * All that has a time is due at one timer, armed for the first of it (nd_rearm).  All tables are bounded: whoever sits
 * on the wire can fill them, and no more than them.
 */
#include "net/net_int.h"

enum {
	ND_ROUTERS_MAX = 8,		/* default routers; RFC 4861 6.3.4 asks for two */
	ND_ROUTES_MAX = 16,		/* of route information options (RFC 4191) */
	ND_PREFIXES_MAX = 16,		/* on-link prefixes */
	ND_AUTO_MAX = 16,		/* addresses made from prefixes, as Linux's max_addresses */
	ND_DNS_MAX = 8,			/* servers, and as many search domains (RFC 8106 5.3.1) */
	ND_RETRIES = 3,			/* RFC 7217 6 IDGEN_RETRIES: identifiers that may meet duplicates */
};

#define ND_MS (OL_SEC / 1000)

/* A way that a router offers: by itself to all the world (plen 0), or to a prefix of which it said so. */
struct nd_route { struct ol_addr dst; uint8_t plen; int8_t pref; struct ol_addr gateway; ol_time until; };
struct nd_prefix { struct ol_addr prefix; uint8_t plen; ol_time until; };
enum nd_dns_kind { ND_SERVER, ND_DOMAIN, ND_DNS_KINDS };
struct nd_dns { struct ol_addr addr; char name[256]; ol_time until; };	/* one of the two is empty */

struct nd_if {
	struct net *net;
	int ifi;
	struct timer timer;			/* TIMER_NET_ND */
	struct ol_ip6_config conf;
	bool on;				/* it speaks IPv6: up, and asked to */
	ol_time begun;				/* since when */
	bool disabled;				/* RFC 4862 5.4.5: another station has our hardware address */
	uint8_t hop_limit;			/* CurHopLimit; 0: never said */
	uint32_t mtu;				/* LinkMTU; 0: never said */
	ol_time base_reachable_ns, retrans_ns;	/* 0: never said */
	uint8_t rs_left;
	ol_time rs_at;				/* the next solicitation for routers, or OL_NEVER */
	ol_time rearm_reachable;		/* RFC 4861 6.3.4: a fresh ReachableTime every few hours */
	struct nd_route route[ND_ROUTERS_MAX + ND_ROUTES_MAX];
	unsigned n_routes;
	struct nd_prefix prefix[ND_PREFIXES_MAX];
	unsigned n_prefixes;
	struct adv *adv;			/* it advertises itself as a router: adv.c; NULL: not */
	struct nd_dns dns[ND_DNS_KINDS][ND_DNS_MAX];
	unsigned n_dns[ND_DNS_KINDS];
};

/** The interface's state; NULL: it was never asked to speak IPv6, or cannot. */
struct nd_if *nd_if_find(const struct net *net, int ifi);
/** The same, made and started where it can be; NULL: no Ethernet, too small an MTU, memory. */
struct nd_if *nd_if_start(struct net *net, int ifi, ol_time now);
void nd_rearm(struct nd_if *nd);
/** BaseReachableTime and RetransTimer of its neighbours; 0: as configured. */
void nd_times(struct nd_if *nd, ol_time base, ol_time retrans, ol_time now);
/** RFC 4861 6.3.2: how long between two solicitations of its neighbours. */
ol_time nd_retrans(const struct nd_if *nd);
/** Does it believe routers and their advertisements? */
bool nd_listens(const struct nd_if *nd);
/** A lifetime of a message as an instant. */
static inline ol_time nd_until(uint32_t s, ol_time now) { return s == UINT32_MAX ? OL_NEVER : now + s * OL_SEC; }

/* nd.c */
/** Straight to the link with Hop Limit 255: an ICMPv6 message without its first eight bytes, which are written here.  Takes pkt. */
void nd_transmit(struct net *net, int ifi, struct ol_pkt *pkt, uint8_t type, uint32_t rest, const struct ol_addr *src,
		 const struct ol_addr *dst, ol_time now);
/** An address of the interface to speak from, link-local, settled rather than optimistic; ver 0: none. */
struct ol_addr nd_speaker(const struct net *net, int ifi);

/* dad.c */
/** An address begins its life: decides its state and when it is looked for. */
void dad_start(struct net *net, struct net_addr *a, ol_time now);
/** What is due of it; false: the list of addresses has changed. */
bool dad_due(struct net *net, struct net_addr *a, ol_time now);
/** Somebody else has it. */
void dad_duplicate(struct net *net, struct net_addr *a, ol_time now);
/** Is this solicitation one of ours, come back? */
bool dad_is_echo(const struct net_addr *a, const struct nd_msg *m);

/* ra.c */
/** Starts asking for routers, where that is wanted. */
void ra_start(struct nd_if *nd, ol_time now);
void ra_due(struct nd_if *nd, ol_time now);
enum ol_fate ra_input(struct net *net, const struct ol_pkt *pkt, const struct net_rx *rx, ol_time now);

/* router.c */
/** A router offers a way, until a time; not after now: no longer.  RFC 4861 6.3.4, RFC 4191 3. */
void router_offers(struct nd_if *nd, const struct nd_route *offer, ol_time now);
void router_due(struct nd_if *nd, ol_time now);
/** This neighbour routes no more (RFC 4861 7.2.5): all that went by way of it. */
void router_gone(struct nd_if *nd, const struct ol_addr *gateway);
ol_time router_next(const struct nd_if *nd);

/* prefix.c */
void prefix_onlink(struct nd_if *nd, const struct nd_prefix_info *pi, ol_time now);
void prefix_due(struct nd_if *nd, ol_time now);
ol_time prefix_next(const struct nd_if *nd);

/* slaac.c */
/** The identifier of 64 bits behind a prefix of 64, in place. */
void slaac_identify(const struct nd_if *nd, struct ol_addr *a, uint8_t conflicts);
/** RFC 4291 2.1, RFC 4862 5.3: an interface that speaks IPv6 has a link-local address. */
void slaac_linklocal(struct nd_if *nd, uint8_t conflicts, ol_time now);
/** RFC 4862 5.5.3: one prefix of an advertisement. */
void slaac_prefix(struct nd_if *nd, const struct nd_prefix_info *pi, ol_time now);
/** RFC 7217 6: another identifier in place of the address that met a duplicate, if there is one left to try. */
void slaac_again(struct nd_if *nd, const struct net_addr *was, ol_time now);

/* adv.c */
void adv_start(struct nd_if *nd, ol_time now);
void adv_stop(struct nd_if *nd);
void adv_due(struct nd_if *nd, ol_time now);
ol_time adv_next(const struct nd_if *nd);
enum ol_fate adv_solicited(struct net *net, const struct ol_pkt *pkt, const struct net_rx *rx, ol_time now);

/* dns.c */
void dns_option(struct nd_if *nd, const struct nd_opt *opt, ol_time now);
void dns_due(struct nd_if *nd, ol_time now);
ol_time dns_next(const struct nd_if *nd);

#endif
