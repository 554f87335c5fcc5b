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

/* ---- addresses, routes, neighbours ------------------------------------------------------------------------------ */
/**
 * Gives the interface an address and the route to its prefix.  With OL_ACD_PROBE the address is used only when ol_acd_get says
 * ANNOUNCED.  -EEXIST, -ENODEV, -EINVAL, -ENOMEM
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
struct ol_route {
	struct ol_addr dst; unsigned plen;	/* ::/0 and 0.0.0.0/0: the default; dst.ver names the family */
	struct ol_addr gateway;			/* ver 0: on the link */
	int ifi;				/* 0: the interface that reaches the gateway */
	uint32_t metric;			/* the lower wins among equal prefixes */
	struct ol_addr prefsrc;			/* ver 0: chosen by RFC 6724 */
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
struct ol_neigh { int ifi; struct ol_addr addr; struct ol_mac mac; enum ol_neigh_state state; };	/* mac: not of INCOMPLETE */
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
