#ifndef TRANSPORT_TCP_TCP_SB_H
#define TRANSPORT_TCP_TCP_SB_H
/*
 * The scoreboard: records of what is outstanding, in two orders at once.  In sequence order they tile
 * [SND.UNA, SND.NXT) without gap or overlap:
 *
 *	SND.UNA                                                                SND.NXT
 *	   |  lost  |lost, sent again|      SACKed      |  in flight   | in flight |
 *
 * In order of transmission hang those that are in flight (neither SACKed nor waiting to be sent again), the oldest
 * first, which is what RACK walks.  A treap over the sequence order finds the record that holds a byte, and the lowest
 * one that waits to be sent again, in O(log n); everything else follows links.
 *
 * A record may stand for many segments (a super-segment, or SACKed neighbours run together).  It is split where a SACK
 * or a retransmission takes part of it, always at a boundary of segments.  Names of records are indices: the array
 * grows.  A scoreboard that has become empty owns no memory.
 */
#include <stdbool.h>
#include <stdint.h>
#include <outlet/ol_time.h>
#include "base/seq.h"

#define SB_NONE UINT32_MAX
#define SB_MAX_RECORDS 65536u		/* a connection's bound; sending waits when it is reached */

enum {
	SB_SACKED = 1,			/* the peer said it has it */
	SB_LOST = 2,			/* thought lost; stays until it is delivered, also when it was sent again */
	SB_RETRANS = 4,			/* the last transmission was a repetition, and is thought to be in flight */
	SB_EVER = 8,			/* was sent more than once: Karn */
};

/* What a delivery-rate sample needs to know of the moment a record was sent, draft-ietf-ccwg-bbr 4.1.1.2.1. */
struct tcp_tx {
	ol_time delivered_at, first_sent_at;
	uint64_t delivered, lost;
	uint32_t in_flight;
	bool app_limited;
};

struct tcp_sb_rec {
	tcp_seq seq;
	uint32_t len;
	uint32_t segs;			/* segments it stands for */
	uint16_t mss;			/* size of each but the last */
	uint8_t flags;
	bool wanted;			/* somewhere in this node's subtree a record waits to be sent again */
	ol_time sent_at;		/* last transmission */
	uint32_t order;			/* its place among all transmissions: two may share an instant */
	struct tcp_tx tx;		/* at the last transmission */
	uint32_t prev, next;		/* sequence order */
	uint32_t older, newer;		/* transmission order; SB_NONE on both sides and not oldest: not in flight */
	uint32_t left, right, prio;	/* treap */
};

struct tcp_sb_sum { uint32_t bytes, segs; };

/* Arrays of the smallest size that wait for their next scoreboard: one that falls empty and fills again needs no heap. */
struct sb_stock { void *free; uint32_t n; };
void sb_stock_fini(struct sb_stock *stock);

struct tcp_sb {
	struct sb_stock *stock;		/* or NULL */
	struct tcp_sb_rec *rec;
	uint32_t cap, used, free;	/* of the array: size, never used from here, list of returned ones by `next` */
	uint32_t first, last;		/* sequence order */
	uint32_t oldest, newest;	/* transmission order */
	uint32_t root, n;
	uint32_t order;			/* of the last transmission; stays when all else goes */
	struct tcp_sb_sum out, sacked, lost, retrans;	/* all, and those with the flag */
	tcp_seq high_sacked;		/* end of the highest SACKed byte, while sacked.bytes */
};

void sb_init(struct tcp_sb *sb);
void sb_fini(struct tcp_sb *sb);
/** Makes sure that k more records can be had without failing; false: memory is short or the bound is reached. */
bool sb_reserve(struct tcp_sb *sb, uint32_t k);
/** Gives memory back where nothing is outstanding: what is idle owns nothing. */
void sb_trim(struct tcp_sb *sb);

/** Was a transmitted before b?  Of what went in one piece, lower numbers did. */
static inline bool sb_sent_before(uint32_t a, tcp_seq a_end, uint32_t b, tcp_seq b_end)
{
	return a == b ? seq_lt(a_end, b_end) : (int32_t)(a - b) < 0;
}
static inline tcp_seq sb_end(const struct tcp_sb_rec *r) { return seq_add(r->seq, r->len); }
/** RFC 6675's pipe: what is thought to be in the network. */
static inline uint32_t sb_pipe(const struct tcp_sb *sb)
{
	return sb->out.bytes - sb->sacked.bytes - sb->lost.bytes + sb->retrans.bytes;
}
static inline uint32_t sb_pipe_segs(const struct tcp_sb *sb)
{
	return sb->out.segs - sb->sacked.segs - sb->lost.segs + sb->retrans.segs;
}

/** Notes a first transmission at the end; a record must be reserved. */
void sb_append(struct tcp_sb *sb, tcp_seq seq, uint32_t len, uint16_t mss, const struct tcp_tx *tx, ol_time now);
/** The record that holds seq, or SB_NONE. */
uint32_t sb_find(const struct tcp_sb *sb, tcp_seq seq);
/**
 * Cuts record i before its byte `off` (0 < off < len), and also where the segment of that byte ends, so that what follows keeps
 * its boundaries: two records more at most.  Returns the part at off; SB_NONE and nothing done without memory.
 */
uint32_t sb_split(struct tcp_sb *sb, uint32_t i, uint32_t off);
/** Removes the first record, or its bytes before `una` when it reaches beyond. */
void sb_ack_first(struct tcp_sb *sb, tcp_seq una);
/** The peer has record i.  Runs it together with SACKed neighbours; returns the record that holds it now. */
uint32_t sb_mark_sacked(struct tcp_sb *sb, uint32_t i);
/** Record i, not SACKed, is thought lost and waits to be sent again. */
void sb_mark_lost(struct tcp_sb *sb, uint32_t i);
/** Records i and the next, if both are lost and wait to be sent again, become one.  False: they are not. */
bool sb_join_lost(struct tcp_sb *sb, uint32_t i);
/** Record i was sent again; it becomes the newest. */
void sb_mark_resent(struct tcp_sb *sb, uint32_t i, uint16_t mss, const struct tcp_tx *tx, ol_time now);
/** The first copy of record i, which was sent again before it was thought lost, is lost; the second is in flight. */
void sb_mark_first_lost(struct tcp_sb *sb, uint32_t i);
/** Record i was sent again just now, not being lost, and the pipe shall hold one copy of it only. */
void sb_mark_not_counted(struct tcp_sb *sb, uint32_t i);
/** A loss was none: nothing is thought lost any more. */
void sb_unmark_lost(struct tcp_sb *sb);
/** The peer reneged, RFC 2018 8: what it SACKed counts as lost. */
void sb_renege(struct tcp_sb *sb);
/** The lowest record that waits to be sent again, or SB_NONE. */
uint32_t sb_wanted(const struct tcp_sb *sb);
/** Asserts the invariants; una and nxt as the owner has them. */
void sb_check(const struct tcp_sb *sb, tcp_seq una, tcp_seq nxt);

#endif
