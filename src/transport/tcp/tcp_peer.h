#ifndef TRANSPORT_TCP_PEER_H
#define TRANSPORT_TCP_PEER_H
/*
 * What is remembered of servers from one connection to the next: the cookie of Fast Open (RFC 7413 4.1.3), what failed
 * there, and whether it holds ACKs back.
 * Only we can make an entry, by opening a connection; there is a bound, and the entry used longest ago gives way.
 */
#include <stdbool.h>
#include <stdint.h>
#include <outlet/ol_addr.h>
#include <outlet/ol_time.h>
#include "base/list.h"
#include "transport/tcp/tcp_fastopen.h"

/*
 * Something that failed, and so is left alone for a minute, and for twice as long each further time in a row.  In a row is what
 * comes before a day went by in which it might have been tried.
 */
struct tcp_setback {
	uint8_t n;			/* failures in a row */
	ol_time until;			/* not again before */
};
static inline bool tcp_setback_rests(const struct tcp_setback *s, ol_time now) { return now < s->until; }
/** It failed; the first `borne` times in a row have no consequence. */
void tcp_setback_note(struct tcp_setback *s, unsigned borne, ol_time now);

/*
 * A pair of addresses and the server's port: a cookie is good for every port, but whether the way there bears a new option or
 * flag is not (RFC 7413 4.1.3.1).
 */
struct tcp_peer {
	struct list lru, chain;
	struct ol_addr local;
	struct ol_endpoint remote;

	struct tcp_setback fastopen, accecn;
	struct tcp_cookie cookie;	/* not present: none yet */
	uint16_t mss;			/* the server's, 0: not known */
	bool holds_acks;		/* it was probed in vain: tcp_ack_habit.c */
	uint8_t try_exp;		/* 1: ask in the experimental form next time, it knew not the other; 2: it knew neither */
};

struct tcp_peers { struct list lru; uint32_t n; struct list *bucket; };
void tcp_peers_init(struct tcp_peers *ps);
void tcp_peers_fini(struct tcp_peers *ps);

/** NULL: nothing is known. */
struct tcp_peer *tcp_peer_find(const struct tcp *tcp, const struct ol_addr *local, const struct ol_endpoint *remote);
struct tcp_peer *tcp_peer_of(const struct tcp_tcb *tcb);
/** Finds it or makes it, as the one used last.  NULL: no memory; then nothing is learnt, and the next connection asks again. */
struct tcp_peer *tcp_peer_remember(struct tcp_tcb *tcb);

#endif
