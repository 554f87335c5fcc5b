#ifndef OUTLET_OL_STACK_H
#define OUTLET_OL_STACK_H
/*
 * One instance of the TCP/IP stack: a host.  A stack is a value without clock, I/O, threads or globals.  Frames and the
 * time go in, frames and the next deadline come out:
 *
 *	    frames --> ol_stack_input ---.                          .--> ol_stack_output --> frames
 *	                                  >-- struct ol_stack -----<
 *	    time ----> ol_stack_expire --'   (sockets: ol_sock.h)   '--> ol_stack_deadline --> when to come back
 *
 * A loop that drives one:
 *	for (;;) {
 *		while ((pkt = ol_stack_output(stk, ifi, now)))  send pkt on the wire;
 *		sleep until ol_stack_deadline(stk), or a frame comes, or the program wants something;
 *		for each frame: ol_stack_input(stk, ifi, pkt, now);
 *		ol_stack_expire(stk, now);
 *	}
 * Once expire(now) has run and the output is drained, the deadline lies after `now`.  Calls on one stack must not
 * overlap; different stacks share nothing and may run in different threads (a pool belongs to one thread).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <outlet/ol_addr.h>
#include <outlet/ol_fate.h>
#include <outlet/ol_pkt.h>
#include <outlet/ol_time.h>

struct ol_stack;

/** Settings are named by the leaf names of Linux's sysctls ("tcp_sack", "ip_default_ttl", "tcp_rmem"); ol_config_set. */
struct ol_config;
/** A configuration with every default; NULL when memory is short.  The caller frees it; a stack copies what it needs. */
struct ol_config *ol_config_new(void);
void ol_config_free(struct ol_config *cfg);
/**
 * Sets one setting from text: numbers, or triples with colons or blanks ("4096:540000:15728640").
 * @return 0; -ENOENT no such setting; -EINVAL the value is not one it takes
 */
int ol_config_set(struct ol_config *cfg, const char *key, const char *value);
/** The same as "a=1,b=2"; stops at the first that fails, and *bad (may be NULL) then points at it in `list`. */
int ol_config_set_list(struct ol_config *cfg, const char *list, const char **bad);
/** Everything drawn by chance comes from these 16 bytes: initial sequence numbers, ports, hash keys, jitter of timers. */
void ol_config_seed(struct ol_config *cfg, const uint8_t seed[16]);
/** Walks the settings by number from 0 on: their names, their meaning in a sentence; NULL past the last. */
const char *ol_config_name(unsigned i);
const char *ol_config_help(unsigned i);
/** The value as text, into buf; returns its length or -ENOENT. */
int ol_config_get(const struct ol_config *cfg, const char *key, char *buf, size_t len);

/**
 * A new host.  The pool is borrowed and must outlive it.  It has no interface yet; ol_iface_loopback() adds lo.
 * @param now  the caller's clock at birth
 */
struct ol_stack *ol_stack_new(const struct ol_config *cfg, struct ol_pool *pool, ol_time now);
/** Ends every connection without a word and gives all memory back. */
void ol_stack_free(struct ol_stack *stk);

/* ---- interfaces ------------------------------------------------------------------------------------------------- */
enum ol_link {
	OL_LINK_ETHER,			/* frames with an Ethernet header; neighbours are resolved by ARP and ND */
	OL_LINK_IP,			/* bare IP datagrams: TUN, point-to-point */
	OL_LINK_LOOP,			/* bare IP datagrams that the driver hands back to the same interface */
	/* Serial lines (ol_serial.h).  Packets are bytes of the line: those that go out are a whole frame each, those that
	   come in are any piece of the stream, in order. */
	OL_LINK_SLIP,			/* RFC 1055 */
	OL_LINK_CSLIP,			/* the same with headers compressed by RFC 1144 */
	OL_LINK_PPP,			/* RFC 1661 in the framing of RFC 1662; begins to negotiate at once */
};
/** Is it one whose packets are bytes? */
static inline bool ol_link_is_serial(uint8_t link) { return link >= OL_LINK_SLIP && link <= OL_LINK_PPP; }
enum {					/* what the wire takes over, as virtio-net's features */
	OL_IF_CSUM = 1,			/* OL_CSUM_PARTIAL packets may be sent */
	OL_IF_TSO4 = 2, OL_IF_TSO6 = 4,	/* super-segments may be sent; need OL_IF_CSUM */
};
struct ol_iface_config {
	const char *name;		/* "eth0"; at most 15 bytes, as IFNAMSIZ */
	uint8_t link;			/* enum ol_link */
	uint8_t features;		/* OL_IF_*; a serial line takes over nothing: 0 */
	struct ol_mac mac;		/* OL_LINK_ETHER */
	uint32_t mtu;			/* bytes of IP datagram, 68 (IPv4) or 1280 (IPv6) at least, on a serial line at most
					   16384; 0: 1500, lo 65536, SLIP 1006 */
	uint32_t txqlen;		/* frames that may wait for the driver; 0: 1000 */
	bool ip6_later;			/* IPv6 begins with its first IPv6 address or ol_iface_ip6_set(), not at once */
};
/** @return the interface's index, 1 and up; -EINVAL, -EEXIST (the name is taken), -ENOMEM */
int ol_iface_add(struct ol_stack *stk, const struct ol_iface_config *cfg);
/** Adds "lo" with 127.0.0.1/8 and ::1/128, index 1 if it is the first. */
int ol_iface_loopback(struct ol_stack *stk);
/** Brings a link up or down (a cut cable); a downed interface loses its queue and takes and gives nothing. */
int ol_iface_up(struct ol_stack *stk, int ifi, bool up);
struct ol_iface_info {
	int index; char name[16]; uint8_t link, features; bool up; struct ol_mac mac; uint32_t mtu;
	uint64_t rx_packets, rx_bytes, rx_dropped, tx_packets, tx_bytes, tx_dropped;
};
/** Facts of the interface with this index; -ENODEV. */
int ol_iface_info(const struct ol_stack *stk, int ifi, struct ol_iface_info *out);
/** Index of the next interface after `after` (0 to start), or 0. */
int ol_iface_next(const struct ol_stack *stk, int after);

enum ol_acd {				/* RFC 5227, IPv4 addresses on Ethernet: what is done that nobody else has them */
	OL_ACD_OFF,			/* nothing, as on Linux: used at once; a conflict is counted */
	OL_ACD_ANNOUNCE,		/* used at once and announced; later conflicts as enum ol_defend says */
	OL_ACD_PROBE,			/* not used before three probes went unanswered, 4 to 7 s; then as ANNOUNCE */
};
enum ol_defend {			/* RFC 5227 2.4: when another station claims an address that is in use */
	OL_DEFEND_ONCE,			/* announced once more; given up if that happens again within 10 s */
	OL_DEFEND_NEVER,		/* given up */
	OL_DEFEND_ALWAYS,		/* never given up: routers and servers; announced once in 10 s at most */
};
/** Of the addresses the interface is given from now on; OL_ACD_OFF until said.  -ENODEV, -EINVAL */
int ol_iface_acd(struct ol_stack *stk, int ifi, enum ol_acd acd, enum ol_defend defend);
/**
 * RFC 3927: an Ethernet interface without another IPv4 address takes one of 169.254/16, probed first; off until said.  Turned
 * off it keeps what it has.  -ENODEV, -EINVAL (no Ethernet), -ENOMEM
 */
int ol_iface_linklocal4(struct ol_stack *stk, int ifi, bool on);

/* ---- IPv6 by itself --------------------------------------------------------------------------------------------- */
/*
 * An Ethernet interface speaks IPv6 as soon as it is up (ip6_later: later): it makes itself a link-local address (RFC
 * 4862 5.3), looks whether others have its addresses (5.4), asks for routers (RFC 4861 6.3.7), and takes from what they
 * advertise its default routers, on-link prefixes and addresses (RFC 4861 6.3.4, RFC 4862 5.5).  Settings of the same names
 * are what interfaces begin with.
 */
enum ol_addr_gen { OL_GEN_EUI64 = 0, OL_GEN_STABLE = 2 };	/* Linux's numbers; STABLE: RFC 7217, keyed by the seed */
struct ol_ip6_config {
	uint8_t dad_transmits;		/* how often others are asked for an address of ours; 0: never.  RFC 4862 5.1 */
	bool optimistic_dad;		/* it may be used meanwhile (RFC 4429); else it is not assigned until nobody objects */
	uint8_t accept_ra;		/* 0: routers are not listened to; 1: unless we forward; 2: always */
	bool autoconf;			/* addresses are made from the prefixes they advertise */
	bool accept_redirects;		/* RFC 4861 8; never where we forward */
	uint8_t router_solicitations;	/* how often routers are asked for; 3 */
	uint8_t addr_gen_mode;		/* enum ol_addr_gen: the last 64 bits of addresses that are made */
};
/**
 * Changes it for one interface, and begins to speak IPv6 on it if it did not.  What is there stays; what comes follows.
 * @return 0; -ENODEV; -EOPNOTSUPP it is no Ethernet or its MTU is under 1280; -EINVAL
 */
int ol_iface_ip6_set(struct ol_stack *stk, int ifi, const struct ol_ip6_config *conf);
int ol_iface_ip6_get(const struct ol_stack *stk, int ifi, struct ol_ip6_config *conf);
/** What IPv6 on the interface is like now: as configured, or as routers said. */
struct ol_ip6_link {
	bool on, disabled;		/* disabled: another station has its hardware address (RFC 4862 5.4.5) */
	uint8_t hop_limit; uint32_t mtu;
	ol_time base_reachable, retrans;	/* RFC 4861 6.3.2, ns */
};
int ol_iface_ip6_link(const struct ol_stack *stk, int ifi, struct ol_ip6_link *out);
/* A way that a router advertised: the default one (plen 0), or one to a prefix (RFC 4191). */
struct ol_router { int ifi; struct ol_addr gateway, dst; unsigned plen; int pref; ol_time until; };	/* pref: 1, 0, -1 */
/** The i-th of them, from 0; -ENOENT past the last. */
int ol_router_get(const struct ol_stack *stk, unsigned i, struct ol_router *out);
/** The i-th name server, or search domain, that routers on this interface told of (RFC 8106); -ENOENT past the last. */
int ol_iface_dns_server(const struct ol_stack *stk, int ifi, unsigned i, struct ol_addr *out);
int ol_iface_dns_domain(const struct ol_stack *stk, int ifi, unsigned i, char out[256]);

/* What a router says of itself on an interface, RFC 4861 6.2.1 (there Adv..., and MaxRtrAdvInterval). */
enum { OL_RA_PREFIXES_MAX = 8, OL_RA_SERVERS_MAX = 4 };
struct ol_ra_prefix {
	struct ol_addr prefix; unsigned plen;
	bool onlink, autonomous;		/* neighbours have it; hosts may make addresses of it */
	uint32_t valid_s, preferred_s;		/* UINT32_MAX: for ever */
};
struct ol_ra_config {
	uint16_t interval_s;			/* 4 to 1800: at most so long between two */
	uint16_t lifetime_s;			/* 0: no default router; else interval_s to 9000 */
	int8_t pref;				/* 1 high, 0, -1 low: RFC 4191 */
	uint8_t hop_limit;			/* 0: not said */
	bool managed, other;			/* there is DHCPv6 */
	uint32_t mtu, reachable_ms, retrans_ms;	/* 0: not said */
	unsigned n_prefixes; struct ol_ra_prefix prefix[OL_RA_PREFIXES_MAX];
	unsigned n_servers; struct ol_addr server[OL_RA_SERVERS_MAX];	/* RFC 8106 */
};
/**
 * Advertises this host as a router on an interface from now on, or otherwise than before; conf NULL: no longer.
 * @return 0; -EPERM it does not forward (setting "forwarding"); -ENODEV; -EOPNOTSUPP no IPv6 there; -EINVAL; -ENOMEM, -ENOBUFS
 */
int ol_iface_advertise(struct ol_stack *stk, int ifi, const struct ol_ra_config *conf);

/* ---- addresses, routes, neighbours ------------------------------------------------------------------------------ */
/**
 * Gives the interface an address and the route to its prefix.  -EEXIST, -ENODEV, -EINVAL, -ENOMEM.  On an Ethernet an IPv4
 * address with OL_ACD_PROBE is used only when ol_acd_get() says ANNOUNCED; an IPv6 address is looked for on the wire first, or
 * meanwhile (struct ol_ip6_config).  ol_addr_info() tells what came of that.
 */
int ol_addr_add(struct ol_stack *stk, int ifi, const struct ol_addr *addr, unsigned plen);
int ol_addr_del(struct ol_stack *stk, int ifi, const struct ol_addr *addr);
/** The i-th address of the interface that is in use, from 0; -ENOENT past the last.  Of those under probing ol_acd_get tells. */
int ol_addr_get(const struct ol_stack *stk, int ifi, unsigned i, struct ol_addr *addr, unsigned *plen);
/** An IPv4 address under watch for conflicts, or lost by one (RFC 5227); addresses of OL_ACD_OFF are not among them. */
enum ol_acd_state { OL_ACD_PROBING, OL_ACD_ANNOUNCED, OL_ACD_HELD, OL_ACD_LOST };
struct ol_acd_info {
	int ifi; struct ol_addr addr; enum ol_acd_state state;
	struct ol_mac rival;		/* the other station of the last conflict; zero: there was none */
	ol_time conflict_at;		/* when it was lost, or defended last */
};
/** The i-th, from 0; -ENOENT past the last.  The last 16 that were lost are kept until they are added again. */
int ol_acd_get(const struct ol_stack *stk, unsigned i, struct ol_acd_info *out);
/* RFC 4862 2.  OPTIMISTIC: usable, and others are still being asked; TENTATIVE: not yet ours; DUPLICATE: somebody else's. */
enum ol_addr_state { OL_ADDR_READY, OL_ADDR_OPTIMISTIC, OL_ADDR_TENTATIVE, OL_ADDR_DUPLICATE };
struct ol_addr_info {
	struct ol_addr addr; unsigned plen;
	enum ol_addr_state state;
	bool autoconf, deprecated;		/* made here; not for new conversations any more */
	ol_time preferred_until, valid_until;	/* on the caller's clock; OL_NEVER */
};
/** The i-th address of the interface with those that are not (or not yet) ours, which ol_addr_get() leaves out; -ENOENT. */
int ol_addr_info(const struct ol_stack *stk, int ifi, unsigned i, struct ol_addr_info *out);
struct ol_route {
	struct ol_addr dst; unsigned plen;	/* ::/0 and 0.0.0.0/0: the default; dst.ver names the family */
	struct ol_addr gateway;			/* ver 0: on the link */
	int ifi;				/* 0: the interface that reaches the gateway */
	uint32_t metric;			/* the lower wins among equal prefixes */
	struct ol_addr prefsrc;			/* ver 0: chosen by RFC 6724 */
	bool learnt;				/* told by ol_route_get: a router advertised it */
};
int ol_route_add(struct ol_stack *stk, const struct ol_route *r);
int ol_route_del(struct ol_stack *stk, const struct ol_route *r);
/** The i-th route, from 0; -ENOENT past the last. */
int ol_route_get(const struct ol_stack *stk, unsigned i, struct ol_route *r);
/** A neighbour that needs no resolving. */
int ol_neigh_add(struct ol_stack *stk, int ifi, const struct ol_addr *addr, const struct ol_mac *mac);
/* RFC 4861 7.3.2, of ARP's entries as well; STATIC: made by ol_neigh_add. */
enum ol_neigh_state {
	OL_NEIGH_INCOMPLETE, OL_NEIGH_REACHABLE, OL_NEIGH_STALE, OL_NEIGH_DELAY, OL_NEIGH_PROBE, OL_NEIGH_STATIC
};
struct ol_neigh {
	int ifi; struct ol_addr addr;
	struct ol_mac mac;			/* not of INCOMPLETE */
	enum ol_neigh_state state;
	bool router;				/* IPv6: it said that it is one (IsRouter, RFC 4861 5.1) */
};
/** The i-th neighbour, from 0; -ENOENT past the last. */
int ol_neigh_get(const struct ol_stack *stk, unsigned i, struct ol_neigh *out);

/**
 * RARP, RFC 903, on an Ethernet interface: asks all stations for this interface's address, again and again ("rarp_wait_ms",
 * "rarp_tries"); the answer becomes its address, with the mask of its class.  -ENODEV, -EINVAL (no Ethernet), -ENOMEM
 */
int ol_rarp_ask(struct ol_stack *stk, int ifi);
/** What came of it: 0 and the address; -EINPROGRESS, -ETIMEDOUT nobody answered, -ENOENT never asked, -ENODEV, -EINVAL */
int ol_rarp_state(const struct ol_stack *stk, int ifi, struct ol_addr *found);
/** The server's part: who asks for this hardware address on ifi is told addr.  -EADDRNOTAVAIL (the interface has no address itself),
 *  -ENODEV, -EINVAL, -ENOMEM (4096 are enough) */
int ol_rarp_serve(struct ol_stack *stk, int ifi, const struct ol_mac *mac, const struct ol_addr *addr);

/* ---- the walk of frames and of time ------------------------------------------------------------------------------ */
/** What became of the last frame put in: for captures, counters and tests. */
struct ol_verdict {
	enum ol_fate fate;
	int32_t sock;				/* the socket it reached, or -1 */
	uint8_t state_before, state_after;	/* enum ol_tcp_state of its connection, 0: none */
};
/** A frame came in on interface ifi.  Takes pkt.  `now` is never earlier than in any call before. */
struct ol_verdict ol_stack_input(struct ol_stack *stk, int ifi, struct ol_pkt *pkt, ol_time now);
/**
 * Frames that came together on ifi, in this order, as by ol_stack_input one after the other; takes all of them.  Segments of one
 * connection that follow each other are taken together, which is cheaper (setting "gro"); each still counts.  One ACK tells of all
 * that came in order (RFC 9293 3.10.7.4); what left a gap is answered by itself.  Between connections the order may change, within
 * one it does not.  A driver that has several frames at once should use this: put in one by one, every second segment is answered.
 */
void ol_stack_input_batch(struct ol_stack *stk, int ifi, struct ol_pktq *frames, ol_time now);
/** The next frame to send on ifi, or NULL.  Gives the packet; pkt->note says why it was made. */
struct ol_pkt *ol_stack_output(struct ol_stack *stk, int ifi, ol_time now);
/** Index of an interface with frames to send, or 0: saves asking each. */
int ol_stack_pending(const struct ol_stack *stk);
/** Runs every timer that is due. */
void ol_stack_expire(struct ol_stack *stk, ol_time now);
/** When ol_stack_expire must be called next; OL_NEVER when nothing is under way.  May be early, never late. */
ol_time ol_stack_deadline(const struct ol_stack *stk);
/** How often packets met this fate on this stack. */
uint64_t ol_stack_count(const struct ol_stack *stk, enum ol_fate fate);
/** Asserts everything that must always hold (every connection's tcb_check among it).  For tests: it is slow. */
void ol_stack_check(const struct ol_stack *stk);

#endif
