#ifndef TRANSPORT_TCP_RCVQ_H
#define TRANSPORT_TCP_RCVQ_H
/*
 * The receive queue: packets with text, readable ones in order, and those held above a gap.  What the user reads leaves it in
 * front; what SACK tells of it is kept here, too.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include <outlet/ol_pkt.h>
#include <outlet/ol_time.h>
#include "transport/tcp/tcp_sack_block.h"

struct tcp_rcvq {
	struct ol_pkt *head, *tail;		/* in order, not yet read; head's first bytes may have been */
	struct ol_pkt *ooo;			/* above a gap, sorted, not overlapping */
	struct ol_pkt *ooo_tail;
	size_t readable;			/* bytes in order */
	size_t ooo_bytes;
	size_t truesize;			/* memory of all packets held */
	uint32_t ooo_count;
	struct tcp_sack_block recent[TCP_MAX_SACK];	/* most recently changed first: RFC 2018 4 */
	int n_recent;
	struct tcp_sack_block dsack;		/* RFC 2883: to be reported once */
	bool dsack_set;
	bool thrown;				/* it is no D-SACK, but what came last and found no room: RFC 2018 8 */
};

void tcp_rcvq_init(struct tcp_rcvq *q);
void tcp_rcvq_purge(struct tcp_rcvq *q);
/** Appends a packet that holds exactly the bytes at RCV.NXT.  Takes pkt. */
void tcp_rcvq_append(struct tcp_rcvq *q, struct ol_pkt *pkt);
/** Keeps a packet that begins above RCV.NXT, at seq.  Takes pkt.  False: all of it was there already. */
bool tcp_rcvq_hold(struct tcp_rcvq *q, struct ol_pkt *pkt, tcp_seq seq);
/** Moves what is contiguous at rcv_nxt from the held to the readable; returns its bytes. */
uint32_t tcp_rcvq_absorb(struct tcp_rcvq *q, tcp_seq rcv_nxt);
/** Forgets held packets, the highest first, until truesize is at most `limit`. */
void tcp_rcvq_prune(struct tcp_rcvq *q, size_t limit);
/** Copies up to len readable bytes from offset off; returns how many. */
size_t tcp_rcvq_copy(const struct tcp_rcvq *q, size_t off, const struct iovec *iov, int n, size_t len);
/** When the readable byte at offset off came, or something put together with it that came later; OL_NEVER: there is none. */
ol_time tcp_rcvq_time(const struct tcp_rcvq *q, size_t off);
void tcp_rcvq_drop(struct tcp_rcvq *q, size_t len);
int tcp_rcvq_view(const struct tcp_rcvq *q, struct iovec *iov, int n, size_t len);
void tcp_rcvq_dsack(struct tcp_rcvq *q, tcp_seq left, tcp_seq right);
void tcp_rcvq_thrown(struct tcp_rcvq *q, tcp_seq left, tcp_seq right);
void tcp_rcvq_check(const struct tcp_rcvq *q, tcp_seq rcv_nxt);

#endif
