#ifndef TRANSPORT_UDP_DGRAM_H
#define TRANSPORT_UDP_DGRAM_H
/*
 * What every end that sends and receives datagrams has, be it UDP or raw: its addresses, its options, a bounded receive
 * queue, a queue of errors (IP_RECVERR), and the way from options and a destination to what the internet floor wants to
 * know (struct net_tx).
 */
#include <assert.h>
#include <stdbool.h>
#include <sys/uio.h>
#include <outlet/ol_addr.h>
#include <outlet/ol_err.h>
#include <outlet/ol_pkt.h>
#include <outlet/ol_time.h>
#include "base/list.h"
#include "net/net.h"

/* What a queue remembers of a datagram; it lies in the packet's headroom, right in front of the data. */
struct dgram_meta {
	struct ol_endpoint from, to;	/* sender and receiver; of an error: unused, and where ours had gone to */
	int32_t ifi;
	uint32_t flow;			/* IPv6 flow label */
	uint32_t charge;		/* bytes it costs its queue */
	uint8_t ttl, tos;
	ol_time time;			/* when it came */
	bool of_path;			/* no datagram but a word about the path: from is whose, info its MTU; RFC 3542 11.3 */
	union {
		struct net_ip4_opts opts;	/* IPv4: those of its header, as they are handed up */
		struct {			/* of an error: */
			uint8_t origin, type, code;	/* SO_EE_ORIGIN_*, and of the ICMP message */
			uint8_t err;			/* enum ol_err */
			uint32_t info;			/* the next hop's MTU */
			struct ol_addr offender;	/* who sent the ICMP message */
		};
	};
};
static_assert(sizeof(struct dgram_meta) <= OL_PKT_HEADROOM, "fits in front of every packet of ours");

struct dgramq { struct ol_pktq q; size_t charged; };

/* IP_MTU_DISCOVER and IPV6_MTU_DISCOVER share their numbers */
enum dgram_pmtud { PMTUD_DONT, PMTUD_WANT, PMTUD_DO, PMTUD_PROBE, PMTUD_INTERFACE, PMTUD_OMIT };

struct dgram_opts {			/* those of one family are apart from the other's, as a dual-stack socket's are */
	bool broadcast;			/* SO_BROADCAST */
	bool no_check;			/* SO_NO_CHECK: sends no checksum over IPv4 */
	bool hdrincl;			/* IP_HDRINCL */
	bool dontfrag6;			/* IPV6_DONTFRAG */
	bool dontroute;			/* SO_DONTROUTE: to hosts on the link alone */
	uint32_t mtu6;			/* IPV6_MTU; 0: the path's */
	int min_mtu;			/* IPV6_USE_MIN_MTU: -1 for multicasts alone, 0 never, 1 always */
	bool recv_path;			/* IPV6_RECVPATHMTU */
	int info_if6;			/* IPV6_PKTINFO as an option; 0, ver 0: none */
	struct ol_addr info_src6;
	bool recverr4, recverr6;	/* IP_RECVERR, IPV6_RECVERR */
	bool mc_all4, mc_all6;		/* IP_MULTICAST_ALL: also groups that only other sockets joined */
	bool mc_loop4, mc_loop6;
	uint8_t tos4, tos6;		/* IP_TOS, IPV6_TCLASS */
	uint8_t ttl4, ttl6;		/* 0: the configured default */
	uint8_t mc_ttl4, mc_ttl6;
	uint8_t pmtud4, pmtud6;		/* enum dgram_pmtud */
	int mc_if4, mc_if6;		/* interface of multicasts; 0: by route */
	struct ol_addr mc_src;		/* IP_MULTICAST_IF by address; ver 0: none */
	int ifi;			/* SO_BINDTODEVICE */
	uint32_t rcvbuf;		/* bytes the receive queue may cost */
	struct net_ip4_opts ip4;	/* IP_OPTIONS */
};
struct dgram_opts dgram_opts_default(uint32_t rcvbuf);

/* A multicast group this end joined, and whom it wants to hear there; filter.src is its own. */
struct dgram_group { struct list node; struct ol_addr group; int ifi; struct net_filter filter; };

struct dgram {
	void *user;
	int32_t number;			/* the socket's, for notes on packets; -1: none */
	uint8_t proto;			/* IPPROTO_* */
	bool v6, v6only;		/* an AF_INET6 socket */
	bool connected, shut_rd, shut_wr;
	uint8_t error;			/* enum ol_err: SO_ERROR */
	struct ol_endpoint local, remote;
	struct dgram_opts opts;
	struct dgramq rx, errors;
	struct list groups;
	struct list event, *events;	/* listed in *events: its readiness may have changed */
};
void dgram_init(struct dgram *d, uint8_t proto, bool v6, uint32_t rcvbuf, struct list *events, void *user);
/** Gives the queues and groups back. */
void dgram_fini(struct dgram *d, struct net *net);

/** Readiness may have changed. */
static inline void dgram_raise(struct dgram *d)
{
	if (list_empty(&d->event))
		list_append(d->events, &d->event);
}
unsigned dgram_ready(const struct dgram *d);	/* OL_EV_* */
/** Does this end hear datagrams to `to` at all: family, address, device? */
bool dgram_hears(const struct dgram *d, const struct ol_addr *to, int ifi);
/**
 * Does it hear what this source sends to the group: by its own filter (RFC 3376 3.2), or, no member, as one content with others'
 * memberships?  ifi 0: it came from ourselves, and any interface's membership counts.
 */
bool dgram_in_group(const struct dgram *d, const struct ol_addr *group, const struct ol_addr *src, int ifi);

/**
 * Queues a received datagram, whose data begins with what the program shall read.  Takes pkt.  False: the queue is full or
 * the pool dry.
 */
bool dgram_receive(struct dgram *d, struct ol_pool *pool, struct ol_pkt *pkt, const struct dgram_meta *meta);
/** The first of a queue: a loan, and off the queue with _get, which gives it.  NULL: empty. */
struct ol_pkt *dgramq_peek(const struct dgramq *q, struct dgram_meta *meta);
struct ol_pkt *dgramq_get(struct dgramq *q, struct dgram_meta *meta);
void dgramq_purge(struct dgramq *q);

/**
 * An error that came back for something this end sent; pkt, a loan, begins with the quoted payload (or is NULL).  Sets
 * SO_ERROR and fills the error queue as IP_RECVERR and `hard` say; ip(7).
 */
void dgram_error(struct dgram *d, struct ol_pool *pool, const struct dgram_meta *meta, bool hard, const uint8_t *quoted,
		 size_t len);
/** IPV6_RECVPATHMTU: queues the word that the path to `dst` has this MTU; what came before is read before it (RFC 3542 11.3). */
void dgram_path_told(struct dgram *d, struct ol_pool *pool, const struct ol_addr *dst, uint32_t mtu);
/** What an ICMP error says, as an entry of the error queue; to.port stays 0. */
struct dgram_meta dgram_meta_of_icmp(const struct net_rx *rx);
/** What an ICMP error means for this end: notes the path MTU where it is told; *hard: would it end a connection? */
enum ol_err dgram_icmp_means(struct dgram *d, struct net *net, const struct net_rx *rx, bool *hard, ol_time now);
/** The first error off its queue; SO_ERROR becomes the next one's. */
struct ol_pkt *dgram_error_get(struct dgram *d, struct dgram_meta *meta);

/* One sending: where to, and what its control messages override. */
struct dgram_to {
	struct ol_endpoint dst;
	struct ol_addr src;		/* IP_PKTINFO, ver 0: none */
	int ifi;			/* IP_PKTINFO, 0: none */
	int ttl, tos;			/* -1: the option's */
	int dontfrag;			/* IPV6_DONTFRAG, -1: the option's */
	int min_mtu;			/* IPV6_USE_MIN_MTU, -2: the option's */
	bool dontroute;			/* MSG_DONTROUTE */
	bool has_ip4; struct net_ip4_opts ip4;	/* IP_RETOPTS, in place of IP_OPTIONS */
};
/** The IPv4 options it is sent with. */
static inline const struct net_ip4_opts *dgram_ip4_opts(const struct dgram *d, const struct dgram_to *to)
{
	return to->has_ip4 ? &to->ip4 : &d->opts.ip4;
}
/** Bytes of IP header that will be in front of it. */
size_t dgram_ip_len(const struct dgram *d, const struct dgram_to *to);
/**
 * Route, source, hop limit and the fragmenting rule of IP_MTU_DISCOVER for len bytes behind the IP header.  *tx borrows from
 * both d and to.
 * OL_ERR_ACCES (broadcast), OL_ERR_MSGSIZE, OL_ERR_NETUNREACH, OL_ERR_ADDRNOTAVAIL ...
 */
enum ol_err dgram_route(struct dgram *d, struct net *net, const struct dgram_to *to, size_t len, struct net_tx *tx,
			struct net_path *path);
/** Copies the pieces behind the packet's data; the caller made room. */
void dgram_gather(struct ol_pkt *pkt, const struct iovec *iov, int n);
/** What a program is told about the fate of what it sent: a full queue is a loss like any other unless it asked (ip(7)). */
enum ol_err dgram_sent(const struct dgram *d, enum ol_fate fate);

#endif
