#ifndef OUTLET_OL_PKT_H
#define OUTLET_OL_PKT_H
/*
 * Packets.  A packet is one linear buffer with room in front for headers still to come, and the offload metadata that
 * virtio-net carries (VIRTIO 1.2, 5.1.6): who owes the checksum, and whether this is a super-segment still to be cut.
 *
 * A packet has one owner.  A function that takes it takes it on every path.  `const struct ol_pkt *` is a loan that
 * ends with the call.  Packets come from a pool, a value like the stack; one pool may serve many stacks of one thread.
 * Freed buffers are handed out again last in, first out, so that a busy pool stays in the cache.
 */
#include <stddef.h>
#include <stdint.h>
#include <outlet/ol_time.h>

struct ol_pool;

enum ol_csum {
	OL_CSUM_NONE,		/* nobody looked: the receiver must verify */
	OL_CSUM_OK,		/* known good: verified, or never left this memory */
	OL_CSUM_PARTIAL,	/* the pseudo-header's sum stands in the field; the rest, from csum_start on, is owed */
};

enum ol_gso {
	OL_GSO_NONE,
	OL_GSO_TCP4,		/* a TCP segment longer than the wire takes: cut into gso_size pieces of text */
	OL_GSO_TCP6,
};

/* Why a frame was sent and what its connection looked like: for captures and ladders, never for decisions. */
struct ol_note {
	int32_t sock;		/* socket the frame belongs to, or -1 */
	uint8_t state;		/* enum ol_tcp_state after the frame was made, 0 where it is no TCP */
	uint8_t cause;		/* enum ol_cause */
	uint16_t reserved;
	uint32_t arg;		/* bytes that SEND was given or RECV took; 0: not known */
};

enum ol_cause {			/* what made us send */
	OL_CAUSE_NONE, OL_CAUSE_CONNECT, OL_CAUSE_SEND, OL_CAUSE_SHUTDOWN, OL_CAUSE_CLOSE, OL_CAUSE_RECV,
	OL_CAUSE_SEGMENT,	/* an answer to a segment that came in */
	OL_CAUSE_RTO, OL_CAUSE_TLP, OL_CAUSE_DELACK, OL_CAUSE_PERSIST, OL_CAUSE_KEEPALIVE, OL_CAUSE_PACING,
	OL_CAUSE_FORWARD, OL_CAUSE_SETSOCKOPT, OL_CAUSE_MAX
};

struct ol_pkt {
	struct ol_pkt *next;		/* the owner's list */
	struct ol_pool *pool;		/* where it goes back to */
	uint8_t *data;			/* first byte that counts */
	uint32_t len;			/* bytes that count */
	uint32_t cap;			/* bytes of the whole buffer, its cost to whoever holds it */
	uint8_t csum;			/* enum ol_csum */
	uint8_t gso;			/* enum ol_gso */
	uint16_t gso_size;		/* text bytes in each piece but the last */
	uint16_t csum_start;		/* OL_CSUM_PARTIAL: from data to where summing starts (the transport header) ... */
	uint16_t csum_offset;		/* ... and from there to the field */
	uint16_t hdr_len;		/* GSO: bytes from data to the first byte of text */
	uint8_t link;			/* enum ol_link of the frame: with or without an Ethernet header; floors keep it */
	uint8_t mark;			/* free for the owner */
	struct ol_note note;
	ol_time time;			/* when it came or was made; wires: when it arrives */
	uint8_t *buf;			/* the buffer, cap bytes */
};

#define OL_PKT_HEADROOM	128u		/* room in front of fresh packets: Ethernet, IPv6, TCP with options, and to spare */
#define OL_PKT_MAX	(65536u + 512u)	/* text of the largest packet: an IP datagram and its link header */

/**
 * A pool.  max_bytes bounds what it has given out and keeps (0: no bound).  Returns NULL when memory is short.
 * ol_pool_free asserts that every packet came back.
 */
struct ol_pool *ol_pool_new(size_t max_bytes);
void ol_pool_free(struct ol_pool *pool);
/** Gives the memory of buffers that came back, and are kept for the next, to the system: after a busy time. */
void ol_pool_trim(struct ol_pool *pool);
/** Bytes given out and not yet back. */
size_t ol_pool_used(const struct ol_pool *pool);

/** A packet with len bytes of room after OL_PKT_HEADROOM; len 0 at first.  NULL when the pool is dry. */
struct ol_pkt *ol_pkt_new(struct ol_pool *pool, size_t room);
/** A packet that holds a copy of these bytes. */
struct ol_pkt *ol_pkt_from(struct ol_pool *pool, const void *bytes, size_t len);
/** A copy with all its metadata. */
struct ol_pkt *ol_pkt_copy(struct ol_pool *pool, const struct ol_pkt *pkt);
/** Gives a packet back; NULL is allowed. */
void ol_pkt_free(struct ol_pkt *pkt);

static inline size_t ol_pkt_headroom(const struct ol_pkt *p) { return (size_t)(p->data - p->buf); }
static inline size_t ol_pkt_tailroom(const struct ol_pkt *p) { return p->cap - ol_pkt_headroom(p) - p->len; }
/** Makes n bytes count in front; asserts the room.  csum_start and hdr_len move along.  Returns the new data. */
uint8_t *ol_pkt_push(struct ol_pkt *p, size_t n);
/** Takes n bytes off the front; asserts that they are there.  Returns the new data. */
uint8_t *ol_pkt_pull(struct ol_pkt *p, size_t n);
/** Makes n more bytes count at the end; asserts the room.  Returns the first of them. */
uint8_t *ol_pkt_put(struct ol_pkt *p, size_t n);
/** Cuts to len bytes. */
void ol_pkt_trim(struct ol_pkt *p, size_t len);

/* A queue of packets, first in, first out. */
struct ol_pktq { struct ol_pkt *head, **tail; uint32_t count; size_t bytes; };
void ol_pktq_init(struct ol_pktq *q);
void ol_pktq_put(struct ol_pktq *q, struct ol_pkt *p);		/* takes p */
struct ol_pkt *ol_pktq_get(struct ol_pktq *q);			/* gives, or NULL */
void ol_pktq_purge(struct ol_pktq *q);

#endif
