#ifndef NET_NET_INT_H
#define NET_NET_INT_H
/* What the internet floor's files share. */
#include "base/be.h"
#include "base/check.h"
#include "base/list.h"
#include "base/rng.h"
#include "base/timer.h"
#include "base/timer_kind.h"
#include "link/link.h"
#include "net/net.h"
#include "wire/icmp6.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

enum { PROTO_ICMP = 1, PROTO_IGMP = 2, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_ICMP6 = 58, PROTO_RAW = 255 };
enum { NET_ADDR_MAX = 4096, NET_GROUP_MAX = 1024, PMTU_MAX = 1024, PMTU_BUCKETS = 256, PATH_SLOTS = 32, ID_SLOTS = 256,
	LOCAL_MIN = 16, REDIRECTS_MAX = 256, NET_ERRORS_MAX = 256, GROUP_BUCKETS = 64 };

/* RFC 4862 2, RFC 4429 1: only READY and OPTIMISTIC are assigned; DUPLICATE is kept to tell of.  IPv4: READY, and TENTATIVE
 * while it is probed (RFC 5227). */
enum addr_state { ADDR_READY, ADDR_OPTIMISTIC, ADDR_TENTATIVE, ADDR_DUPLICATE };
struct net_addr {
	struct ol_addr addr; unsigned plen; int ifi;
	enum addr_state state;
	bool autoconf;				/* made here (slaac.c), not given */
	bool onlink;				/* its prefix has a route of its own */
	bool deprecated;
	uint8_t dad_left, conflicts;		/* times it is still to be asked for; identifiers tried before */
	uint8_t nonce[ND_NONCE_LEN];		/* of the last question */
	ol_time dad_at, preferred_until, valid_until;	/* OL_NEVER: nothing is due */
	bool lost;				/* IPv4: somebody else has it; it goes with net_lost_next() */
};

/* What an address means to us, for the first question about each datagram. */
enum local_kind { LOCAL_NO, LOCAL_UNICAST, LOCAL_BROADCAST };
struct local { struct ol_addr addr; int ifi; enum local_kind kind; };	/* kind LOCAL_NO: a free slot */

struct route {
	struct ol_route r;
	struct list all;			/* net->routes, in the order they came */
	struct route *next;			/* of the same prefix, the lower metric first */
	/* 0, or its gateway did not answer: others of the prefix are preferred until then */
	ol_time silent_until;
	int8_t pref;				/* RFC 4191 2.1, among routes of one metric */
	bool learnt;				/* of a router advertisement */
};
struct route_node;				/* route.c */

/* Where a datagram goes: the outcome of routing. */
struct hop {
	int ifi;
	struct ol_addr next;			/* next hop on that link */
	struct ol_addr src;			/* given or chosen; ver 0: none fits */
	uint32_t link_mtu, mtu;			/* mtu: of the path */
	uint8_t features;
	uint8_t hop_limit;			/* IPv6: what routers of that link say, or the default */
	bool local, broadcast, multicast;
};
struct path_slot { uint64_t generation; struct ol_addr dst, src; int ifi; struct hop hop; };

struct pmtu { struct pmtu *hash_next; struct list age; struct ol_addr dst; uint32_t mtu; ol_time until; };

struct group;					/* group.h */
struct ll4;					/* ll4.c */
struct nd_if;					/* nd_if.h */
struct reass_queue;				/* reass.c */
#define REASS_BUCKETS 64

/* A better first hop that a router named (redirect.c), and those of one family. */
struct redirect { struct list node; int ifi; struct ol_addr dst, via, target; ol_time until; };
struct redirects { struct list all; uint32_t n; };

struct net {
	struct net_config cfg;
	struct link *link;
	struct ol_pool *pool;
	struct wheel *wheel;

	struct net_addr *addr;
	int n_addr;
	int n_lost;				/* addresses in use that somebody else has */
	struct local *local;			/* open addressing; at most half full */
	uint32_t n_local_slots;
	struct list group_ifaces;		/* struct group_iface */
	struct group *group_bucket[GROUP_BUCKETS];
	int n_group;
	struct rng group_rng;			/* when reports go */

	struct ll4 *ll4;			/* ll4.c, by interface from 1 */
	int n_ll4;
	struct redirects redirects4, redirects6;
	struct nd_if **nd;			/* by interface, from 1; NULL: speaks no IPv6 */
	int n_nd;
	struct rng nd_rng;
	struct sipkey key_slaac;

	struct list routes;
	struct route_node *root[2];		/* IPv4, IPv6 */
	uint64_t generation;			/* moves with every change of addresses, routes, path MTUs */
	struct path_slot path[PATH_SLOTS];
	struct pmtu *pmtu[PMTU_BUCKETS];
	struct list pmtu_age;			/* the next to expire first: all live equally long */
	uint32_t n_pmtu;
	struct timer timer;			/* TIMER_NET: the first path MTU to forget or gateway to try again */
	ol_time revive_at;			/* OL_NEVER: no gateway is silent */

	struct reass_queue *reass[REASS_BUCKETS];
	struct list reass_age;			/* the oldest first */
	uint32_t reass_count, reass_bytes;

	ol_time icmp_credit, icmp_last;		/* token bucket, in nanoseconds of waiting */
	uint32_t id[ID_SLOTS];			/* identification counters, RFC 6864, RFC 7739 */
	struct sipkey key_id, key_reass, key_path;
	struct ol_pktq errors;			/* our own datagrams that met an error here: net_error_next() */
	uint64_t count[OL_FATE_MAX];
};

/** Frees pkt (may be NULL), counts its fate and returns it. */
enum ol_fate net_drop(struct net *net, struct ol_pkt *pkt, enum ol_fate fate);

/* addr.c */
void addr_init(struct net *net);
void addr_fini(struct net *net);
/** What is this address to us?  ifi: the interface it belongs to.  Link-local ones must carry their scope. */
enum local_kind addr_kind(const struct net *net, const struct ol_addr *addr, int *ifi);
bool addr_owned_by(const struct net *net, int ifi, const struct ol_addr *addr);
/** The interface's address, whatever its state; NULL. */
struct net_addr *addr_find(const struct net *net, int ifi, const struct ol_addr *addr);
static inline bool addr_assigned(const struct net_addr *a) { return a->state == ADDR_READY || a->state == ADDR_OPTIMISTIC; }
/** One more, with its groups and the route of its prefix, and its search for duplicates begun. */
int addr_put(struct net *net, const struct net_addr *a, ol_time now);
/** States have changed: what is ours is found out anew. */
void addr_changed(struct net *net);
/** Fills in the scope of a link-local address met on ifi (on lo: of the address of ours that it is). */
void addr_set_scope(const struct net *net, int ifi, struct ol_addr *addr);
/** The interface that loops back, or 0. */
int addr_loop(const struct net *net);
/** What the watch over an IPv4 address says (RFC 5227). */
void addr_news(struct net *net, int ifi, const struct ol_addr *addr, enum acd_news news, ol_time now);
/** RFC 6724 5, and the like for IPv4: the source for dst by way of ifi; ver 0 when none fits. */
struct ol_addr addr_choose_source(const struct net *net, const struct ol_addr *dst, const struct ol_addr *next,
				  int ifi);

/** Takes an IPv4 address, by probing it first whatever the interface's setting says. */
int addr_claim(struct net *net, int ifi, const struct ol_addr *addr, unsigned plen, ol_time now);

/* ll4.c */
enum { LL4_PLEN = 16 };
static inline bool is_linklocal4(const struct ol_addr *a) { return a->ver == 4 && ol_addr_is_linklocal(a); }
/** Has the interface no IPv4 address any more, it may want a link-local one. */
void ll4_consider(struct net *net, int ifi, ol_time now);

/* group.c, igmp.c, mld.c */
void group_init(struct net *net);
void group_fini(struct net *net);
/** Does what is sent to the group on this interface concern us? */
bool group_joined(const struct net *net, int ifi, const struct ol_addr *group);
/** The solicited-node group of an address that comes or goes (RFC 4291 2.8); its first report may wait a moment. */
int group_join_solicited(struct net *net, int ifi, const struct ol_addr *addr, ol_time now);
void group_leave_solicited(struct net *net, int ifi, const struct ol_addr *addr, ol_time now);
/** The interface has a link-local address now: what was said before from :: is said again (RFC 3590 4). */
void group_renew6(struct net *net, int ifi, ol_time now);
void group_expire(struct net *net, struct timer *t, ol_time now);
/** The message at pkt->data; ip_len bytes of IP header stand in front of it.  OL_PASS: it is there for raw sockets. */
enum ol_fate igmp_input(struct net *net, struct ol_pkt *pkt, struct net_rx *rx, ol_time now);
/** An ICMPv6 message of MLD's, its checksum right.  Only borrows pkt. */
enum ol_fate mld_input(struct net *net, const struct ol_pkt *pkt, const struct net_rx *rx, uint8_t type, ol_time now);

/* route.c */
/** The best usable route: longest prefix, then lowest metric; ifi 0: by any interface. */
const struct route *route_lookup(const struct net *net, const struct ol_addr *dst, int ifi);
void route_fini(struct net *net);
/** RFC 1122 3.3.1.4: a neighbour is silent; routes by way of it rest for a while. */
void route_silent(struct net *net, int ifi, const struct ol_addr *gateway, ol_time now);
void route_revive(struct net *net, ol_time now);
void net_rearm(struct net *net);
/** A route that a router told of comes, or changes its preference; what is there already by hand stays. */
void route_learn(struct net *net, const struct ol_route *r, int8_t pref);
void route_unlearn(struct net *net, const struct ol_route *r);

/** Takes away the routes by ifi whose preferred source is src. */
void route_purge(struct net *net, int ifi, const struct ol_addr *src);

/* path.c */
enum ol_err path_find(struct net *net, const struct ol_addr *dst, const struct ol_addr *src, int ifi, struct hop *hop);
/* redirect.c */
void redirect_init(struct net *net);
void redirect_fini(struct net *net);
/** Another next hop for this destination than hop->next, if the router there said so. */
void redirect_apply(const struct net *net, const struct ol_addr *dst, struct hop *hop);
/** What was redirected to target on this interface is so no more; NULL: to any of the family. */
void redirect_forget(struct net *net, int ver, int ifi, const struct ol_addr *target);
/** Would we send to dst by the sender of rx, on its interface, at this moment?  *via: the router that the routes name. */
bool redirect_first_hop(struct net *net, const struct ol_addr *dst, const struct net_rx *rx, struct ol_addr *via);
/** Of a family all live equally long.  False: there is no memory, which was counted. */
bool redirect_learn(struct net *net, const struct redirect *what);
ol_time redirect_due(const struct net *net);		/* when the first is to be forgotten; OL_NEVER */
void redirect_expire(struct net *net, ol_time now);
/* redirect4.c, redirect6.c */
/** An ICMP redirect, its checksum right; only borrows pkt. */
void redirect4_input(struct net *net, const struct ol_pkt *pkt, const struct net_rx *rx, const struct icmp_hdr *icmp, ol_time now);
enum ol_fate redirect6_input(struct net *net, const struct ol_pkt *pkt, const struct net_rx *rx, ol_time now);
/* pmtu.c */
uint32_t pmtu_get(const struct net *net, const struct ol_addr *dst);	/* 0: nothing known */
void pmtu_expire(struct net *net, ol_time now);
void pmtu_fini(struct net *net);

/* ip4.c, ip6.c, forward.c, frag.c */
enum ol_fate ip4_input(struct net *net, int ifi, bool to_many, struct ol_pkt **pkt, struct net_rx *rx, ol_time now);
enum ol_fate ip6_input(struct net *net, int ifi, bool to_many, struct ol_pkt **pkt, struct net_rx *rx, ol_time now);
enum ol_fate ip4_output(struct net *net, const struct net_tx *tx, struct ol_pkt *pkt, ol_time now);
enum ol_fate ip6_output(struct net *net, const struct net_tx *tx, struct ol_pkt *pkt, ol_time now);
enum ol_fate ip4_forward(struct net *net, int ifi, const struct ip4_hdr *h, struct ol_pkt *pkt, ol_time now);
enum ol_fate ip6_forward(struct net *net, int ifi, const struct ip6_hdr *h, struct ol_pkt *pkt, ol_time now);
/** Out by way of hop, cut to its MTU where that is allowed.  Takes pkt, which begins with its finished header. */
enum ol_fate ip_send(struct net *net, const struct hop *hop, struct ol_pkt *pkt, bool may_fragment, ol_time now);
/** Cuts a datagram into fragments of at most mtu bytes and appends them to out.  Takes pkt. */
enum ol_fate ip4_fragment(struct net *net, struct ol_pkt *pkt, uint32_t mtu, struct ol_pktq *out);
enum ol_fate ip6_fragment(struct net *net, struct ol_pkt *pkt, uint32_t mtu, struct ol_pktq *out);
/** The next identification between two addresses for a protocol. */
uint32_t ip_next_id(struct net *net, const struct ol_addr *src, const struct ol_addr *dst, uint8_t proto);
/** Largest IP datagram that the packet will be on a wire: of a super-segment, one of its pieces. */
uint32_t ip_wire_len(const struct ol_pkt *pkt);

/* reass.c */
/**
 * A fragment that came.  pkt begins with the IP header (of hlen bytes; IPv6: up to and with the fragment header). 
 * Takes it.
 * OL_PASS: *out is the whole datagram, beginning with its IP header, lengths and fragment fields mended.
 */
struct reass_frag {
	struct ol_addr src, dst; uint32_t id; uint8_t proto;	/* the key; proto 0 for IPv6 (RFC 8200 4.5) */
	int ifi; bool to_many;
	uint16_t off; bool mf;
	uint16_t hlen;			/* header bytes in front of the fragment's data */
	uint16_t next_at; uint8_t next;	/* IPv6: where the fragment header's type stands, and what replaces it */
	uint8_t ecn;
};
enum ol_fate reass_input(struct net *net, const struct reass_frag *f, struct ol_pkt *pkt, struct ol_pkt **out,
			 ol_time now);
void reass_expire(struct net *net, struct timer *t, ol_time now);
void reass_fini(struct net *net);

/* ip6_ext.c */
struct ip6_walk {
	/* what the walk stopped at: an upper-layer protocol, IP6_FRAGMENT or IP6_NONE */
	uint8_t next;
	size_t at;			/* its offset in the packet */
	size_t next_at;			/* offset of the byte that named it */
};
/** RFC 7112 5: do the headers from `next` on, at p, reach into the upper layer within len bytes? */
bool ip6_chain_is_whole(uint8_t next, const uint8_t *p, size_t len);
/** Obeys the extension headers from the fixed header on; on a drop an ICMP error may have been sent. */
enum ol_fate ip6_ext_walk(struct net *net, int ifi, bool to_many, const struct ol_pkt *pkt, struct ip6_walk *w,
			  bool router, ol_time now);

/* icmp4.c, icmp6.c, nd.c */
enum ol_fate icmp4_input(struct net *net, struct ol_pkt *pkt, struct net_rx *rx, ol_time now);
enum ol_fate icmp6_input(struct net *net, struct ol_pkt *pkt, struct net_rx *rx, bool fragmented, ol_time now);
/** Sends an ICMP error about the datagram that lies at ip, unless a rule forbids it. */
void icmp4_error(struct net *net, const uint8_t *ip, size_t len, int ifi, bool to_many, uint8_t type, uint8_t code,
		 uint32_t rest, ol_time now);
void icmp6_error(struct net *net, const uint8_t *ip, size_t len, int ifi, bool to_many, uint8_t type, uint8_t code,
		 uint32_t rest, ol_time now);
bool icmp_rate_ok(struct net *net, ol_time now);
void icmp4_meaning(struct net_rx *rx);		/* error.err and .hard from .type and .code */
void icmp6_meaning(struct net_rx *rx);
enum ol_fate nd_input(struct net *net, const struct ol_pkt *pkt, const struct net_rx *rx, uint8_t type, ol_time now);
/** A solicitation or advertisement, straight to the link. */
void nd_send(struct net *net, int ifi, uint8_t type, const struct nd_msg *m, const struct ol_addr *src, const struct ol_addr *dst,
	     ol_time now);
void nd_solicit(struct net *net, int ifi, const struct ol_addr *target, const struct ol_mac *known,
		const struct ol_pkt *waiting, ol_time now);
struct ol_addr nd_solicited_node(const struct ol_addr *a);

/* nd_if.c */
/** RFC 4862 5.4.5: is IPv6 over on this interface? */
bool nd_is_disabled(const struct net *net, int ifi);
void nd_if_fini(struct net *net);
void nd_if_up(struct net *net, int ifi, bool up, ol_time now);
void nd_expire(struct net *net, struct timer *t, ol_time now);
void nd_check(const struct net *net);

#endif
