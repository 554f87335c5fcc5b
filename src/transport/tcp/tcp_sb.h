#ifndef TRANSPORT_TCP_TCP_SB_H
#define TRANSPORT_TCP_TCP_SB_H
/*
 * The scoreboard: a record for each transmission outstanding, in two orders at once.  In sequence order they tile
 * [SND.UNA, SND.NXT) without gap or overlap; in order of transmission hang those that are neither SACKed nor waiting to
 * be sent again, the oldest first, which is what RACK walks.  A tree over the sequence order finds the record that holds
 * a byte in O(log n); everything else follows links.
 */
#include <stdbool.h>
#include <stdint.h>
#include <outlet/ol_time.h>
#include "base/seq.h"

struct tcp_sack_block { tcp_seq left, right; };		/* [left, right), RFC 2018 3 */

#define SB_NONE UINT32_MAX
#define SB_MAX_RECORDS 65536u		/* a connection's bound; sending waits when it is reached */

enum {
	SB_SACKED = 1,			/* the peer said it has it (or, without SACK, a duplicate ACK stands for it) */
	SB_LOST = 2,			/* thought lost since its last transmission */
	SB_RETRANS = 4,			/* sent again, and that copy is thought to be in flight */
	SB_EVER = 8,			/* was sent more than once: Karn */
	SB_APP_LIMITED = 16,		/* the sender had no more to send when this went */
};

struct tcp_sb_rec {
	tcp_seq seq;
	uint32_t len;
	ol_time sent_at;		/* last transmission */
	/* what the delivery rate needs to know of the moment of the last transmission, draft-ietf-ccwg-bbr 4.1.1 */
	uint64_t delivered, lost;
	ol_time delivered_at, first_sent_at;
	uint32_t tx_in_flight;
	uint32_t prev, next;		/* sequence order */
	uint32_t older, newer;		/* transmission order */
	uint32_t left, right, prio;	/* tree: a treap */
	uint16_t mss;			/* segment size at transmission: it counts as ceil(len / mss) segments */
	uint8_t flags, tries;
};

struct tcp_sb_sum { uint32_t bytes, segs; };

struct tcp_sb {
	struct tcp_sb_rec *rec;		/* an array; records are named by index, since it grows */
	uint32_t cap, free;		/* records allocated; list of free ones */
	uint32_t first, last;		/* sequence order */
	uint32_t oldest, newest;	/* transmission order */
	uint32_t root, n, salt;
	struct tcp_sb_sum out, sacked, lost, retrans;	/* out: all outstanding; the others by flag */
	uint32_t lost_hint;		/* no record before this one is LOST and not RETRANS */
	tcp_seq high_sacked;		/* end of the highest SACKed byte; valid when sacked.bytes */
	tcp_seq lost_hint_seq;
};

#endif
