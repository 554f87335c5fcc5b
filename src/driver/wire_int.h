#ifndef DRIVER_WIRE_INT_H
#define DRIVER_WIRE_INT_H
/*
 * A wire's insides.  wire.c: ports, the switch, the calls of programs.  lane.c: one direction of a port, its queue and its
 * faults.  codel.c: the queue's discipline.  event.c: what happens when.
 *
 *	send -> lane IN: chances drawn -> queue -> transmitter -> line -> forward -> lane OUT: the same -> ready -> receive
 */
#include <outlet/ol_serial.h>
#include <outlet/ol_wire.h>
#include "driver/driver.h"

/* RFC 8289 5.1: the names are its own. */
struct codel {
	ol_time first_above, drop_next;
	uint32_t count, lastcount;
	bool dropping;
};
struct codel_params { ol_time target, interval; size_t max_packet; };
/** A packet comes off the queue after `sojourn`, `left` bytes stay behind it.  True: drop it and come with the next. */
bool codel_drop(struct codel *c, const struct codel_params *p, ol_time sojourn, size_t left, ol_time now);

/* Each kind of chance has its own generator, and each packet draws once from each: so whether the k-th packet of a direction is
   lost does not depend on which other faults are set. */
enum chance { CHANCE_LOSS, CHANCE_BURST_STATE, CHANCE_BURST_LOSS, CHANCE_CORRUPT, CHANCE_CORRUPT_AT, CHANCE_DUP, CHANCE_REORDER,
	      CHANCE_JITTER, CHANCE_LOSS_AT, CHANCES };

struct lane {
	struct ol_faults f;
	bool plain;			/* no faults at all: frames pass at once */
	bool sending;			/* the transmitter has a frame: an EV_SENT will come */
	bool burst_bad;
	uint64_t chance[CHANCES];
	struct ol_pktq queue;		/* for the transmitter; pkt->time: since when, pkt->mark: what will befall it */
	struct codel codel;
	ol_time last_arrival;		/* of a frame that kept the order */
	size_t held;			/* buffer bytes between entering and leaving */
	struct ol_wire_stats stats;
};

struct port { bool used; struct lane lane[2]; };	/* by enum ol_wire_dir */

enum event_kind { EV_SENT, EV_ARRIVE };	/* the transmitter is through with it; it has come to the lane's end */
struct event { ol_time at; uint64_t n; struct ol_pkt *pkt; uint16_t port; uint8_t dir, kind; };
/* A heap of what will happen, by time and then in the order it was put in. */
struct events { struct event *e; size_t count, cap; uint64_t next_n; };
bool events_put(struct events *q, struct event ev);		/* false: memory is short */
struct event events_take(struct events *q);			/* there is one */
void events_fini(struct events *q);

struct mac_entry { uint8_t mac[6]; uint16_t port; ol_time seen; bool used; };
struct ready { struct ol_pkt *pkt; uint16_t port; };

struct ol_wire {
	uint8_t link;
	bool strict;
	uint32_t mtu;
	size_t max_bytes;
	uint64_t seed;
	struct port **port;		/* by number; NULL: never used */
	unsigned n_ports, n_used;
	struct ol_faults all[2];	/* what new ports begin with */
	struct events events;
	struct { struct ready *r; size_t head, count, cap; } ready;	/* a ring; cap is a power of two */
	struct mac_entry *mac;
	size_t mac_sets;		/* a power of two; MAC_WAYS entries each */
	uint64_t mac_key;
	ol_time now;
	ol_wire_observer *observer;
	void *observer_ctx;
};

/* lane.c */
void lane_init(struct ol_wire *w, unsigned port, enum ol_wire_dir dir);
/** Takes new faults; what waited for a transmitter that is no more goes on. */
void lane_set_faults(struct ol_wire *w, unsigned port, enum ol_wire_dir dir, const struct ol_faults *f, ol_time now);
/** A frame enters; takes pkt.  Super-segments are cut here where they must be.  What will befall it. */
unsigned lane_enter(struct ol_wire *w, unsigned port, enum ol_wire_dir dir, struct ol_pkt *pkt, ol_time now);
/** An event of this lane; takes its packet. */
void lane_event(struct ol_wire *w, const struct event *ev);
/** A frame meets its end; takes pkt, counts and shows it. */
void lane_lose(struct ol_wire *w, unsigned port, enum ol_wire_dir dir, struct ol_pkt *pkt, unsigned why, bool late, ol_time now);

/* wire.c */
/** A frame has come to the end of a lane: IN leads to other ports' OUT, OUT to the host.  Takes pkt. */
void wire_leave(struct ol_wire *w, unsigned port, enum ol_wire_dir dir, struct ol_pkt *pkt, ol_time at);
void wire_show(struct ol_wire *w, const struct ol_wire_seen *seen);

static inline struct lane *wire_lane(struct ol_wire *w, unsigned port, enum ol_wire_dir dir)
{
	return &w->port[port]->lane[dir];
}
static inline uint32_t wire_frame_max(const struct ol_wire *w)
{
	if (ol_link_is_serial(w->link))		/* all of it escaped, behind PPP's header */
		return (uint32_t)OL_HDLC_ENCODED_MAX(w->mtu + 4);
	return w->mtu + (w->link == OL_LINK_ETHER ? ETH_HLEN_ : 0);
}

#endif
