#ifndef LINK_LINK_INT_H
#define LINK_LINK_INT_H
/* What the link floor's files share. */
#include "base/list.h"
#include "base/rng.h"
#include "base/timer.h"
#include "base/txq.h"
#include "link/link.h"
#include "wire/eth.h"

enum { IFACE_MAX = 4096 };			/* interfaces of one host */
enum { SERIAL_MTU_MAX = 16384 };		/* twice that, all escaped, is a packet still */

struct neigh;
struct rarp;
struct serial;
struct link_iface {
	struct iface pub;
	struct ol_pktq q;			/* frames for the driver */
	struct neigh *last;			/* the neighbour last sent to, or NULL */
	struct txq txq;				/* how full q is, and who waits for room */
	struct list pending;			/* on link->pending while q is not empty */
	unsigned acd_conflicts;			/* since it came up */
	ol_time acd_turn;			/* when the next address may be probed, after many of them */
	ol_time reachable6_ns, retrans6_ns;	/* what routers say of this link; 0: nothing */
	struct ol_mac rx_from;			/* who sent the last frame */
	struct rarp *rarp;			/* who asked, or serves, by RARP; else NULL */
	struct serial *serial;			/* OL_LINK_SLIP and the like; else NULL */
	uint64_t rx_packets, rx_bytes, rx_dropped, tx_packets, tx_bytes, tx_dropped;
};

struct neigh {
	struct neigh *hash_next;
	struct list lru;			/* link->lru, last used first; static ones on link->statics */
	struct timer timer;			/* INCOMPLETE, DELAY, PROBE: the next step */
	int ifi;
	struct ol_addr addr;
	struct ol_mac mac;			/* not in INCOMPLETE */
	bool router;				/* IsRouter */
	enum neigh_state state;			/* REACHABLE may have run out: neigh_state_now() */
	uint8_t probes;				/* solicitations sent in INCOMPLETE or PROBE */
	ol_time confirmed;			/* REACHABLE since */
	ol_time found;				/* when it became known, and what waited for that went out; 0: nothing did */
	struct ol_pktq q;			/* INCOMPLETE: what waits */
};

struct link {
	struct link_config cfg;
	struct ol_pool *pool;
	struct wheel *wheel;
	struct link_user user;
	struct link_iface **iface;		/* index 1 is at 0 */
	int n_iface;
	struct list pending;
	uint32_t generation;
	int rx_last;				/* the interface that a frame came in on last */
	unsigned events;			/* serial interfaces with something for link_event_next */

	struct neigh **bucket;
	uint32_t n_bucket;			/* a power of two */
	uint32_t n_neigh;			/* without static ones */
	uint32_t n_static;
	uint32_t waiting;			/* packets in all neighbours' queues */
	struct list lru, statics;
	struct list acd;			/* acd.c: addresses under watch; those that were lost, the oldest first */
	struct rng acd_rng;
	struct sipkey key;
	ol_time reachable_ns;			/* RFC 4861 6.3.2: base_reachable_ns times 0.5 to 1.5 */

	uint64_t count[OL_FATE_MAX];
};

struct link_iface *link_iface_int(const struct link *link, int ifi);
/** Frees pkt, counts its fate and returns it. */
enum ol_fate link_drop(struct link *link, struct ol_pkt *pkt, enum ol_fate fate);
/** To the wire: finishes offloads, adds the Ethernet header for dst (NULL on other links), queues.  Takes pkt. */
enum ol_fate link_xmit(struct link *link, struct link_iface *ifc, struct ol_pkt *pkt, const struct ol_mac *dst,
		       uint16_t type, ol_time now);
/** Puts a finished frame into the interface's queue, if there is room.  Takes pkt. */
enum ol_fate link_queue(struct link *link, struct link_iface *ifc, struct ol_pkt *pkt, ol_time now);
uint16_t link_type_of(const struct ol_pkt *pkt);	/* by the version nibble of its IP header */

bool neigh_init(struct link *link);
void neigh_fini(struct link *link);
void neigh_flush(struct link *link, int ifi);
/** Sends pkt to a unicast neighbour, or lets it wait.  Takes pkt. */
enum ol_fate neigh_output(struct link *link, struct link_iface *ifc, const struct ol_addr *addr, struct ol_pkt *pkt,
			  ol_time now);

/** A timer of the cache is due. */
void neigh_expire(struct link *link, struct timer *t, ol_time now);
/* RARP: rarp.c. */
void rarp_free(struct link *link, struct link_iface *ifc);
/** A RARP packet, its Ethernet header stripped.  Takes pkt. */
enum ol_fate rarp_input(struct link *link, struct link_iface *ifc, struct ol_pkt *pkt, ol_time now);
void rarp_expire(struct link *link, struct timer *t, ol_time now);
/** An answer that has come and was not told yet. */
bool rarp_event(struct link *link, struct link_iface *ifc, struct link_event *ev);

/* Serial lines: serial.c. */
int serial_new(struct link *link, struct link_iface *ifc);	/* 0, -ENOMEM */
void serial_free(struct link *link, struct link_iface *ifc);
/** What leaves: turns an IP datagram into bytes of the line.  On OL_PASS *pkt is another; else it is still the caller's. */
enum ol_fate serial_output(struct link *link, struct link_iface *ifc, struct ol_pkt **pkt);
/** Bytes of the line, or NULL: go on with those that are left.  Takes bytes.  OL_PASS: *pkt is a datagram;
 *  else all were looked at, and the fate is that of the last frame. */
enum ol_fate serial_input(struct link *link, struct link_iface *ifc, struct ol_pkt *bytes, struct ol_pkt **pkt, ol_time now);
void serial_carrier(struct link *link, struct link_iface *ifc, bool up, ol_time now);
void serial_expire(struct link *link, struct timer *t, ol_time now);

/** An ARP packet, its Ethernet header stripped.  Takes pkt. */
enum ol_fate arp_input(struct link *link, struct link_iface *ifc, struct ol_pkt *pkt, ol_time now);

#endif
