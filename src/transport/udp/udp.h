#ifndef TRANSPORT_UDP_UDP_H
#define TRANSPORT_UDP_UDP_H
/*
 * UDP as other floors may use it.  One struct udp per stack, standing on struct net.  Ends (struct udp_end) are found by
 * whom they hear: connected ones by both endpoints, others by their own.  Claims on ports are the caller's (port.h).
 */
#include "transport/udp/dgram.h"

struct udp;
struct udp_end { struct dgram d; struct list by_port, by_key; bool reuseport; };

struct udp *udp_new(struct net *net, struct ol_pool *pool, const uint8_t seed[16]);
void udp_free(struct udp *udp);			/* every end is gone already */

/** An end that hears nothing yet; the caller initialises its struct dgram.  NULL: no memory. */
struct udp_end *udp_end_new(struct udp *udp);
void udp_end_free(struct udp *udp, struct udp_end *e);
/** e->d.local, remote or connected changed: find it where it belongs now.  Local port 0: nowhere. */
void udp_rehash(struct udp *udp, struct udp_end *e);

/**
 * Sends one datagram from e to `to`.  Source: RFC 768; RFC 1122 4.1.4.
 * OL_ERR_MSGSIZE, what dgram_route says, or an error that came for what was sent before, once.
 */
enum ol_err udp_send(struct udp *udp, struct udp_end *e, const struct dgram_to *to, const struct iovec *iov, int n,
		     ol_time now);

/** A datagram, its IP header stripped.  Takes pkt.  *user: the end it reached, the last one where there are many. */
enum ol_fate udp_input(struct udp *udp, struct ol_pkt *pkt, const struct net_rx *rx, void **user, ol_time now);
/** An ICMP error that quotes a datagram of ours; only borrows pkt. */
void udp_icmp(struct udp *udp, const struct ol_pkt *pkt, const struct net_rx *rx, ol_time now);
/** Asserts what must hold of every end. */
void udp_check(const struct udp *udp);

#endif
