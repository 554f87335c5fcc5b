#ifndef NET_GRO_H
#define NET_GRO_H
/*
 * Trains: consecutive segments of one TCP connection that a wire hands over in one batch, taken together so that the floors
 * above walk their path once (what cards and Linux call GRO).  Nothing is copied or rewritten: a train is its segments as they
 * came, so captures, routers and raw sockets have the real frames, and TCP counts each.
 *
 *	batch   a1 a2 b1 a3 icmp a4   -->   [a1 a2 a3] [b1] icmp [a4]
 *
 * A segment joins the train of its connection when it begins where the train ends and differs from the last only in
 * sequence number, checksum, IPv4 identification (which says nothing where DF is set, RFC 6864 4.1, and to TCP never)
 * and the PSH that ends a train.  So: equal TOS with its ECN bits, TTL, flow label, DF; no flags but ACK and those of ECN (ECE,
 * CWR, and RFC 9768's AE), these equal; the same ACK, window and timestamps; no other option; no CE mark; checksums right.
 * Whatever else comes for the connection sends its train up first: the order within a connection is that of arrival.
 * Whatever is not plain TCP sends all of them up.
 *
 * A value of the caller's; GRO_TRAINS at most are under way, a new one sends the oldest up.  It lives as long as the batch.
 */
#include <stdbool.h>
#include <outlet/ol_pkt.h>

enum { GRO_TRAINS = 8, GRO_SEGMENTS = 64 };

struct gro_train {
	struct ol_pkt *head;		/* an IP datagram as it came */
	struct ol_pkt *rest;		/* those behind, by `next`: from the TCP header on, without padding, checksums verified */
	uint16_t ip_len;		/* bytes of their IP headers, which still stand in front */
	/* of gro.c alone */
	struct ol_pkt *last;
	uint32_t seq, text;		/* where the next one begins; text of the first */
	uint16_t segments, hdr_len;
	bool open;
};
struct gro { struct gro_train train[GRO_TRAINS]; unsigned n; };

static inline void gro_init(struct gro *g) { g->n = 0; }
/**
 * Takes an IP datagram.  Trains that are to go up now are written to `out`, GRO_TRAINS + 1 at most, in their order; returns how
 * many.  Their packets are the caller's.
 */
unsigned gro_add(struct gro *g, struct ol_pkt *pkt, struct gro_train *out);
/** The end of the batch: all that are left. */
unsigned gro_flush(struct gro *g, struct gro_train *out);

#endif
