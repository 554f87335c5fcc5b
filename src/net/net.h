#ifndef NET_NET_H
#define NET_NET_H
/*
 * What the transports and the stack may ask of the internet floor.  One struct net per stack; it stands on one struct
 * link (interfaces, neighbours).  Internals are in net_int.h.
 */
#include <stdbool.h>
#include <outlet/ol_addr.h>
#include <outlet/ol_err.h>
#include <outlet/ol_fate.h>
#include <outlet/ol_pkt.h>
#include <outlet/ol_stack.h>
#include <outlet/ol_time.h>

struct net;
struct link;
struct txq;
struct wheel;

struct net_config {			/* defaults: net_config_default() */
	uint8_t ttl, hop_limit;		/* ip_default_ttl 64; hop_limit 64 */
	bool forward4, forward6;	/* ip_forward, forwarding */
	bool any_local;			/* ip_any_local: every unicast destination is ours (tests without addresses) */
	bool accept_source_route;
	bool accept_redirects4;		/* ip_accept_redirects: gateways may name a better one; never where we forward */
	uint32_t frag_max_bytes, frag_max_count; ol_time frag_timeout_ns;	/* ipfrag_high_thresh, ipfrag_time */
	uint32_t icmp_rate_per_s;	/* icmp_ratelimit: errors a second */
	bool echo_ignore_broadcasts;
	uint8_t igmp_qrv, mld_qrv;	/* Robustness Variable, unless a querier names its own */
	uint8_t force_igmp_version;	/* 0: what queriers speak, 3 without; 1 and 2: none newer; 3: no other */
	uint8_t force_mld_version;	/* the same with 2 for the newest */
	struct ol_ip6_config ip6;	/* of each interface, until it is given its own */
	bool gro;			/* gro: ol_stack_input_batch takes trains of segments as one */
	uint8_t seed[16];
};
struct net_config net_config_default(void);
struct net *net_new(const struct net_config *cfg, struct link *link, struct ol_pool *pool, struct wheel *wheel,
		    ol_time now);
void net_free(struct net *net);

/* ---- options of IPv4 headers, RFC 791 3.1 --------------------------------------------------------------- */
/* As a program says them (ip(7), IP_OPTIONS): whole words; a source route lists the hops before the destination. */
struct net_ip4_opts { uint8_t len, b[40]; };
/** Those a program wants to send, from len bytes; what is short of a word is filled up.  -EINVAL: malformed, or not to be had */
int net_ip4_opts_read(struct net_ip4_opts *out, const void *p, size_t len);
/** The first hop of their source route; false: they have none. */
bool net_ip4_opts_via(const struct net_ip4_opts *o, struct ol_addr *via);
/** Those of a datagram that came (its header at ip, of more than 20 bytes), with our address and time where they list them. */
struct net_rx;
void net_ip4_opts_of(const struct net *net, const uint8_t *ip, const struct net_rx *rx, struct net_ip4_opts *out, ol_time now);
/** Those to answer with, RFC 1122 3.2.1.8: the source route reversed, Record Route and Timestamp. */
void net_ip4_opts_echo(const struct net_ip4_opts *in, const struct ol_addr *source, struct net_ip4_opts *out);

/* ---- down: what a transport sends ---------------------------------------------------------------------- */
struct net_tx {
	struct ol_addr src, dst;	/* src.ver 0: chosen by the route (RFC 6724) */
	uint8_t proto;			/* IPPROTO_* */
	uint8_t ttl;			/* 0: the configured default (multicast: 1) */
	uint8_t tos;			/* traffic class: DSCP and ECN */
	bool df;			/* IPv4: may not be fragmented (here or on the way) */
	bool broadcast;			/* may go to a broadcast address (SO_BROADCAST) */
	bool probe;			/* as long as the link takes, whatever is believed of the path (RFC 4821 9) */
	bool hdrincl;			/* the packet begins with its own IPv4 header (IP_HDRINCL) */
	int ifi;			/* bound to this interface; 0: any */
	uint32_t flow;			/* IPv6 flow label */
	bool noloop;			/* no copy to our own members of the group (IP_MULTICAST_LOOP 0) */
	uint32_t mtu;			/* IPv6: pieces no longer than this, though the path takes more (IPV6_MTU); 0: the path's */
	const struct net_ip4_opts *opts;	/* IPv4: options of the header; NULL: none */
};
/**
 * Sends one transport packet: adds the IP header, finds route and neighbour, fragments if it must and may, queues it
 * on an interface.  Takes pkt, whose data begins with the transport header.  OL_CSUM_PARTIAL and GSO metadata must
 * fit what net_route() said of the path; what an interface does not take over is done here in software.
 * @return OL_DONE, or why it was dropped
 */
enum ol_fate net_output(struct net *net, const struct net_tx *tx, struct ol_pkt *pkt, ol_time now);
/** The errno floor's word for a drop on sending. */
enum ol_err net_err(enum ol_fate fate);

struct net_path {
	int ifi;
	struct ol_addr src;		/* the source address to use */
	uint32_t mtu;			/* path MTU: the interface's, or less where ICMP or probing said so */
	uint32_t link_mtu;
	uint8_t features;		/* OL_IF_*: what the interface takes over */
	bool local;			/* to an address of our own: by way of lo */
	bool broadcast, multicast;
};
/** Where would it go?  src may have ver 0, ifi may be 0.  OL_OK, or OL_ERR_NETUNREACH, OL_ERR_ADDRNOTAVAIL ... */
enum ol_err net_route(struct net *net, const struct ol_addr *dst, const struct ol_addr *src, int ifi,
		      struct net_path *path);
/** Moves with every change that may make net_route answer differently: what was asked before may be kept until then. */
uint64_t net_generation(const struct net *net);
/** The queue of an interface, base/txq.h: so that who sends much can stop before it is full.  NULL: no such interface. */
struct txq *net_txq(const struct net *net, int ifi);
/** Is it an address that an interface of ours has (or 127/8, or any when any_local)?  ifi 0: of any interface. */
bool net_is_local(const struct net *net, const struct ol_addr *addr, int ifi);
/** Is what comes in there a copy of what we sent ourselves, elsewhere too? */
bool net_loops(const struct net *net, int ifi);
/** 255.255.255.255 or the broadcast address of one of our prefixes. */
bool net_is_broadcast(const struct net *net, const struct ol_addr *addr);
/** RFC 1191, 8201: the transport believes (after its own checks) that the path takes no more than mtu. */
void net_pmtu_update(struct net *net, const struct ol_addr *dst, uint32_t mtu, ol_time now);
/** The transport heard from the peer: the neighbour is reachable (RFC 4861 7.3.1). */
void net_confirm(struct net *net, const struct ol_addr *dst, ol_time now);
/** When packets towards dst that had waited for the neighbour's link address left at last; 0: none had to wait. */
ol_time net_found(struct net *net, const struct ol_addr *dst);
/** The transport hears nothing from the peer any more: negative advice, RFC 1122 3.3.1.4 and RFC 9293 3.8.3 (MUST-20). */
void net_doubt(struct net *net, const struct ol_addr *dst, ol_time now);
/** A transport found nobody at the port: ICMP port unreachable about this datagram, whose net_rx says what it was. */
struct net_rx;
void net_port_unreachable(struct net *net, const struct ol_pkt *pkt, const struct net_rx *rx, ol_time now);

/* ---- up: what an input returns ------------------------------------------------------------------------- */
enum net_up { NET_UP_DATAGRAM, NET_UP_ERROR };
struct net_rx {
	enum net_up what;
	struct ol_addr src, dst;	/* of the datagram; of an error: of the datagram it quotes, as we sent it */
	uint8_t proto;			/* transport protocol of either */
	uint8_t ttl, tos;
	bool broadcast, multicast;	/* the datagram came to more than us, by its IP or its link address */
	int ifi;
	uint32_t flow;
	uint16_t ip_len;		/* bytes of the IP header and options that were in front of pkt->data */
	bool local_done;		/* ICMP: already answered here; what is left is for raw sockets */
	struct {			/* NET_UP_ERROR; the packet then begins with the quoted transport header */
		struct ol_addr from;	/* who sent the ICMP message */
		uint8_t type, code;	/* of ICMP or ICMPv6, as dst.ver says */
		uint32_t info;		/* next-hop MTU of "too big" */
		enum ol_err err;	/* RFC 1122 4.2.3.9, 3.2.2: what it means to a connection */
		bool hard;		/* RFC 1122: hard errors end connection attempts, soft ones are noted */
		uint16_t quote_len;	/* bytes of the quoted IP header before pkt->data; before it 8 of ICMP, then
					   ip_len of the outer header: what raw sockets get.  ip_len 0: no message
					   came, see net_error_next() */
	} error;
};
/**
 * A packet from link_input: a whole IP datagram.  OL_PASS: pkt is the caller's again, begins with the transport
 * header and *rx says what it is; a held fragment set completes into *pkt.  Otherwise the packet was taken (answered,
 * forwarded, held, dropped) and the fate says why.  The IP header still stands in front of (*pkt)->data, rx->ip_len
 * bytes.
 */
enum ol_fate net_input(struct net *net, int ifi, bool to_many, struct ol_pkt **pkt, struct net_rx *rx, ol_time now);

/**
 * Errors that arose here and not on the wire: a neighbour did not answer (RFC 1122 2.4, 3.3.1.4).  After
 * link_expire() and net_output() the stack asks until false; true: *pkt is the caller's, and both are as of an ICMP
 * error (NET_UP_ERROR) that quotes our own datagram, with ip_len 0.
 */
bool net_error_next(struct net *net, struct ol_pkt **pkt, struct net_rx *rx, ol_time now);
/** Would it give one? */
bool net_error_waits(const struct net *net);
/**
 * An address of ours that another station has, and that is to be given up (RFC 5227 2.4): after link_input() the stack asks
 * until false, ends what hangs on the address, and takes it away by net_addr_del().
 */
bool net_lost_next(struct net *net, int *ifi, struct ol_addr *addr);
/** Would it give one? */
bool net_lost_waits(const struct net *net);
/** Nothing here speaks the datagram's protocol: ICMP protocol unreachable, ICMPv6 parameter problem code 1. */
void net_proto_unreachable(struct net *net, const struct ol_pkt *pkt, const struct net_rx *rx, ol_time now);

/* Addresses and routes: as ol_addr_add and so on in <outlet/ol_stack.h>, which document them. */
int net_addr_add(struct net *net, int ifi, const struct ol_addr *addr, unsigned plen, ol_time now);
int net_addr_del(struct net *net, int ifi, const struct ol_addr *addr, ol_time now);
int net_addr_get(const struct net *net, int ifi, unsigned i, struct ol_addr *addr, unsigned *plen);
int net_route_add(struct net *net, const struct ol_route *r);
int net_route_del(struct net *net, const struct ol_route *r);
int net_route_get(const struct net *net, unsigned i, struct ol_route *r);
/** As ol_iface_linklocal4. */
int net_linklocal4(struct net *net, int ifi, bool on, ol_time now);
/* IPv6 on an interface, what it learnt and what became of its addresses: as ol_iface_ip6_* and so on. */
void net_ip6_start(struct net *net, int ifi, ol_time now);	/* IPv6 begins on it now, if it can carry it */
int net_ip6_set(struct net *net, int ifi, const struct ol_ip6_config *conf, ol_time now);
int net_ip6_get(const struct net *net, int ifi, struct ol_ip6_config *conf);
int net_ip6_link(const struct net *net, int ifi, struct ol_ip6_link *out);
int net_advertise(struct net *net, int ifi, const struct ol_ra_config *conf, ol_time now);
int net_addr_info(const struct net *net, int ifi, unsigned i, struct ol_addr_info *out);
bool net_router_get(const struct net *net, unsigned i, struct ol_router *out);
bool net_server_get(const struct net *net, int ifi, unsigned i, struct ol_addr *out);
bool net_domain_get(const struct net *net, int ifi, unsigned i, char out[256]);
/** An interface that was brought up or down in the link floor: IGMP and MLD begin anew, or are silent. */
void net_iface_up(struct net *net, int ifi, bool up, ol_time now);
/* Which sources one listener wants to hear: all but those listed (exclude), or those alone.  All zero: none, no member. */
struct net_filter { bool exclude; uint32_t n; const struct ol_addr *src; };
/**
 * IPMulticastListen, RFC 3376 2, RFC 3810 3: one listener's filter for a group on an interface becomes `is`; `was` is what it was
 * until now (either may be NULL: no member).  The filters of all listeners are merged and told by IGMP or MLD.
 * @return 0; -EINVAL no group or interface, -EADDRNOTAVAIL it was no member, -ENOBUFS too many groups or sources, -ENOMEM
 */
int net_group_change(struct net *net, int ifi, const struct ol_addr *group, const struct net_filter *was,
		     const struct net_filter *is, ol_time now);
/** Where the source stands in its list; n: it does not. */
uint32_t net_filter_find(const struct net_filter *f, const struct ol_addr *src);
/** Would this listener hear the source? */
static inline bool net_filter_takes(const struct net_filter *f, const struct ol_addr *src)
{
	return (net_filter_find(f, src) < f->n) != f->exclude;
}
/** The same for one who wants all sources, or no longer; left as often as joined. */
int net_group_join(struct net *net, int ifi, const struct ol_addr *group, ol_time now);
int net_group_leave(struct net *net, int ifi, const struct ol_addr *group, ol_time now);
/** A timer of the wheel with one of net's kinds is due. */
struct timer;
void net_expire(struct net *net, struct timer *t, ol_time now);
uint64_t net_count(const struct net *net, enum ol_fate fate);
/** Asserts what must hold of groups, of routers and prefixes learnt, and of what is due about them. */
void net_check(const struct net *net);

#endif
