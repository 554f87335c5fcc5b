#ifndef LINK_LINK_H
#define LINK_LINK_H
/*
 * What the internet floor and the stack may ask of the link floor: interfaces with their bounded output queues,
 * Ethernet framing, ARP, address conflicts, the neighbour cache of both families, and the software side of offloads.  One struct link
 * per stack.
 * Internals are in link_int.h.
 *
 *	net_output ------> link_output --> neighbour known? --> header, cutting, checksum --> tx queue --> link_dequeue
 *	                                   `-- no: waits in the neighbour's queue
 *	net_input <-- OL_PASS, a whole IP datagram <-- link_input <-- frame
 *
 * The neighbour cache must ask the internet floor three things that it cannot know (struct link_user): packets and
 * news go up by return value, these are questions.
 */
#include <stdbool.h>
#include <outlet/ol_addr.h>
#include <outlet/ol_fate.h>
#include <outlet/ol_pkt.h>
#include <outlet/ol_stack.h>
#include <outlet/ol_time.h>
#include "link/ppp_config.h"

struct link;
struct timer;
struct txq;
struct wheel;

struct link_config {			/* defaults: link_config_default() */
	uint32_t neigh_max;		/* neighbours kept (gc_thresh3, 1024); the longest unused go first */
	uint32_t neigh_queue;		/* packets that wait for one neighbour (64) */
	uint32_t neigh_queue_total;	/* packets that wait for all of them (1024) */
	ol_time base_reachable_ns;	/* base_reachable_time_ms: RFC 4861 10 REACHABLE_TIME, 30 s */
	ol_time retrans_ns;		/* retrans_time_ms: RETRANS_TIMER, 1 s */
	ol_time delay_probe_ns;		/* delay_first_probe_time: 5 s */
	uint8_t mcast_solicit;		/* MAX_MULTICAST_SOLICIT 3, also of broadcast ARP requests */
	uint8_t ucast_solicit;		/* MAX_UNICAST_SOLICIT 3 */
	struct ppp_config ppp;		/* of OL_LINK_PPP interfaces */
	uint8_t cslip_slots;		/* highest slot number on OL_LINK_CSLIP: 15 */
	bool cslip_cid;			/* leave the slot's number out there, though SLIP tells of no errors (RFC 1144 4.1) */
	ol_time rarp_wait_ns;		/* for an answer to the first RARP request (1 s); doubled each time */
	uint8_t rarp_tries;		/* requests before it is given up (6) */
	uint8_t seed[16];
};
struct link_config link_config_default(void);
struct link *link_new(const struct link_config *cfg, struct ol_pool *pool, struct wheel *wheel, ol_time now);
/** Gives back every packet queued or waiting. */
void link_free(struct link *link);

/* ---- interfaces: as ol_iface_* in <outlet/ol_stack.h>, which document them ----------------------------- */
int link_iface_add(struct link *link, const struct ol_iface_config *cfg);
int link_iface_up(struct link *link, int ifi, bool up, ol_time now);
int link_iface_acd(struct link *link, int ifi, enum ol_acd acd, enum ol_defend defend);
int link_iface_info(const struct link *link, int ifi, struct ol_iface_info *out);
int link_iface_next(const struct link *link, int after);

/** Facts of an interface that the internet floor needs for each packet.  Borrowed; NULL: no such interface. */
struct iface {
	int index;
	char name[16];
	uint8_t link;			/* enum ol_link */
	uint8_t features;		/* OL_IF_* */
	bool up;
	struct ol_mac mac;
	uint32_t mtu;
	uint8_t acd, defend;		/* enum ol_acd, ol_defend */
};
const struct iface *link_iface(const struct link *link, int ifi);
/** Changes whenever an interface comes, goes up or goes down: whoever keeps what link_iface said compares it. */
uint32_t link_generation(const struct link *link);

/** RFC 4861 6.3.2, of IPv6 neighbours on this interface: ReachableTime (below 0: as it is) and RetransTimer; 0: as configured. */
void link_times6(struct link *link, int ifi, ol_time reachable_ns, ol_time retrans_ns);
ol_time link_retrans(const struct link *link);		/* as configured */
ol_time link_base_reachable(const struct link *link);

/* ---- the walk of frames and of time -------------------------------------------------------------------- */
/**
 * A frame came in on ifi.  OL_PASS: *pkt is the caller's again and begins with an IPv4 or IPv6 header of the version
 * that the frame said (at least its version nibble is there); *to_many: it came by link-layer broadcast or multicast.
 * Otherwise the packet was taken (an ARP packet: OL_DONE) and the fate says why.
 */
enum ol_fate link_input(struct link *link, int ifi, struct ol_pkt **pkt, bool *to_many, ol_time now);
/** On a serial line one packet of bytes may hold several datagrams: after link_input, until it is no longer OL_PASS. */
enum ol_fate link_more(struct link *link, int ifi, struct ol_pkt **pkt, ol_time now);
/**
 * Sends an IP datagram (pkt begins with its header) to a neighbour on ifi.  Takes pkt.  Multicast next hops are mapped,
 * `broadcast` goes to all stations, others are resolved.  OL_CSUM_PARTIAL and GSO that the interface does not take
 * over are finished here, after resolving.  The pieces of a super-segment are the caller's concern as to their
 * length: those longer than the MTU, and whole packets longer than it, are dropped.
 */
enum ol_fate link_output(struct link *link, int ifi, const struct ol_addr *next_hop, bool broadcast, struct ol_pkt *pkt,
			 ol_time now);
/**
 * The same to the station that sent the frame which link_input() took last, while what that frame brought is looked at:
 * an answer to one whose link address need not be known.  False, pkt still the caller's: no such frame on this interface.
 */
bool link_answer(struct link *link, int ifi, struct ol_pkt *pkt, ol_time now);
/** The next frame for the wire, or NULL.  Gives it. */
struct ol_pkt *link_dequeue(struct link *link, int ifi);
/** Index of an interface with frames to send, or 0. */
int link_pending(const struct link *link);
/** How full an interface's queue is, and who waits for room in it.  NULL: no such interface. */
struct txq *link_txq(const struct link *link, int ifi);
/** A timer of the wheel of kind TIMER_LINK or TIMER_LINK_ACD is due.  May bring errors to be fetched with net_error_next(). */
void link_expire(struct link *link, struct timer *t, ol_time now);
uint64_t link_count(const struct link *link, enum ol_fate fate);

/* ---- serial lines: as ol_ppp_* in <outlet/ol_serial.h> ---------------------------------------------------- */
struct ol_ppp_info;
/** The line is there, or gone; a PPP interface begins to negotiate by the first. */
void link_carrier(struct link *link, int ifi, bool up, ol_time now);
int link_ppp_info(const struct link *link, int ifi, struct ol_ppp_info *out);
int link_ppp_admin(struct link *link, int ifi, bool open, ol_time now);
int link_ppp_peer(struct link *link, int ifi, const struct ol_addr *addr);
/** The interface has been given this address: what a PPP interface without one now asks for. */
void link_ppp_local(struct link *link, int ifi, const struct ol_addr *addr, ol_time now);
/** RARP, as ol_rarp_*; own: the server's address in what it answers. */
int link_rarp_ask(struct link *link, int ifi, ol_time now);
int link_rarp_state(const struct link *link, int ifi, struct ol_addr *found);
int link_rarp_serve(struct link *link, int ifi, const struct ol_mac *mac, const struct ol_addr *addr,
		    const struct ol_addr *own);
/** What PPP agreed on with a peer, or no longer, or RARP was told; fetched by the stack, which gives the addresses to the floor above. */
struct link_event { int ifi; bool up, given; struct ol_addr local, peer; unsigned plen; };	/* given: local is a gift; ver 0: none */
bool link_event_waits(const struct link *link);
bool link_event_next(struct link *link, struct link_event *ev);

/* ---- neighbours ---------------------------------------------------------------------------------------- */
/** As ol_neigh_add: a neighbour that needs no resolving. */
int link_neigh_add(struct link *link, int ifi, const struct ol_addr *addr, const struct ol_mac *mac, ol_time now);

/* ---- address conflicts of IPv4, RFC 5227 --------------------------------------------------------------- */
enum acd_news {
	ACD_OURS,			/* probed and announced: it may be used */
	ACD_DOUBTED,			/* the link came up again: it is probed, and not used until ACD_OURS */
	ACD_GONE,			/* somebody else has it */
};
/**
 * Takes an address under watch, as the interface's setting says; `probe`: whatever it says, by probing.
 * @return 0 it may be used at once, 1 after ACD_OURS; -ENOMEM
 */
int acd_start(struct link *link, int ifi, const struct ol_addr *addr, bool probe, ol_time now);
/** It is not ours any more.  Also forgets that it was lost. */
void acd_stop(struct link *link, int ifi, const struct ol_addr *addr);
/** The i-th address under watch or lost, from 0; false past the last. */
enum acd_state { ACD_PROBING, ACD_ANNOUNCED, ACD_HELD, ACD_LOST };
struct acd_row {
	int ifi; struct ol_addr addr; enum acd_state state;
	bool probe;			/* it is probed when the link comes up */
	struct ol_mac rival;		/* of the last conflict; zero: none yet */
	ol_time conflict_at;		/* when it was lost, or defended last */
};
bool acd_get(const struct link *link, unsigned i, struct acd_row *row);

/** What the cache and the watch over addresses ask of the floor above it; net_new() sets it. */
struct link_user {
	void *ctx;
	/** Is it one of this interface's addresses? */
	bool (*owns)(void *ctx, int ifi, const struct ol_addr *addr);
	/** Solicit the target: ARP request or NS; to `known` when there is an address to probe, else to many.
	 *  `waiting`: the first packet that waits, or NULL; its source is the natural one to ask from. */
	void (*solicit)(void *ctx, int ifi, const struct ol_addr *target, const struct ol_mac *known,
			const struct ol_pkt *waiting, ol_time now);
	/** A packet whose neighbour did not answer.  Takes it. */
	void (*failed)(void *ctx, int ifi, struct ol_pkt *pkt, ol_time now);
	/** A neighbour stopped answering, or never did; before `failed` of what waited for it. */
	void (*silent)(void *ctx, int ifi, const struct ol_addr *addr, ol_time now);
	/** What became of an address under watch. */
	void (*acd)(void *ctx, int ifi, const struct ol_addr *addr, enum acd_news news, ol_time now);
};
void link_set_user(struct link *link, const struct link_user *user);

/** Sends an ARP request for target from spa: to mac when it is known (RFC 1122 2.3.2.1), else to all. */
enum ol_fate arp_request(struct link *link, int ifi, const struct ol_addr *spa, const struct ol_addr *target,
			 const struct ol_mac *mac, ol_time now);
/** Someone said of himself that addr is at mac (NS, ARP request): STALE.  An entry is made only if `create`. */
void neigh_learn(struct link *link, int ifi, const struct ol_addr *addr, const struct ol_mac *mac, bool create,
		 ol_time now);
/** An advertisement or ARP reply, RFC 4861 7.2.5; mac NULL: it carried none.  True: it was taken, not ignored. */
bool neigh_advert(struct link *link, int ifi, const struct ol_addr *addr, const struct ol_mac *mac, bool solicited,
		  bool override, ol_time now);
/** IsRouter of RFC 4861 5.1 becomes `router`; true: the neighbour was a router and is none any more. */
bool neigh_set_router(struct link *link, int ifi, const struct ol_addr *addr, bool router);
/** A transport heard from it: RFC 4861 7.3.1. */
void neigh_confirm(struct link *link, int ifi, const struct ol_addr *addr, ol_time now);
/** A transport hears nothing from it any more: what was REACHABLE is asked again when the next packet goes. */
void neigh_doubt(struct link *link, int ifi, const struct ol_addr *addr, ol_time now);
/** When packets that had waited for its link address went out at last; 0: none had to. */
ol_time neigh_found(const struct link *link, int ifi, const struct ol_addr *addr);
/** The i-th neighbour, from 0; false past the last.  For tables. */
enum neigh_state { NEIGH_INCOMPLETE, NEIGH_REACHABLE, NEIGH_STALE, NEIGH_DELAY, NEIGH_PROBE, NEIGH_STATIC };
struct neigh_row { int ifi; struct ol_addr addr; struct ol_mac mac; enum neigh_state state; bool router; };
bool neigh_get(const struct link *link, unsigned i, struct neigh_row *row, ol_time now);

#endif
