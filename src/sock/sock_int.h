#ifndef SOCK_SOCK_INT_H
#define SOCK_SOCK_INT_H
/* What the files of the sockets floor share. */
#include <errno.h>
#include <netinet/in.h>
#include "base/list.h"
#include "sock/sock.h"
#include "transport/tcp/tcp_tell.h"
#include "transport/port.h"

/* A claim on a port.  A listener and the connections it accepted hold one together, as Linux's bind bucket does. */
struct claim { struct port_bind b; uint32_t refs; struct ports *ports; };

/* Where a socket is in its life.  Streams use all of these; datagram sockets OPEN and CONNECTED. */
enum sock_stage { SOCK_OPEN, SOCK_CONNECTING, SOCK_CONNECTED, SOCK_LISTENING };

struct sock;
struct sock_ops {			/* what differs by type; NULL: -EOPNOTSUPP */
	int (*connect)(struct sock *s, const struct sockaddr *addr, socklen_t len, ol_time now);
	int (*listen)(struct sock *s, int backlog, ol_time now);
	ol_sock (*accept)(struct sock *s, struct sockaddr *addr, socklen_t *len, ol_time now);
	int (*shutdown)(struct sock *s, int how, ol_time now);
	ssize_t (*sendmsg)(struct sock *s, const struct msghdr *msg, int flags, ol_time now);
	ssize_t (*recvmsg)(struct sock *s, struct msghdr *msg, int flags, ol_time now);
	unsigned (*poll)(const struct sock *s);
	enum ol_err (*error_take)(struct sock *s);
	void (*rebound)(struct sock *s);	/* local, device or owner changed */
	void (*close)(struct sock *s, ol_time now);
};
extern const struct sock_ops stream_ops, udp_ops, raw_ops, ping_ops;

struct sock {
	struct list event;		/* in socks.ready */
	struct socks *ss;
	const struct sock_ops *ops;
	void *tag;
	int32_t number;
	uint32_t owner;
	uint8_t domain, type;		/* AF_*, SOCK_* */
	uint8_t stage;			/* enum sock_stage */
	int protocol;
	bool reuseaddr, reuseport, v6only, freebind, broadcast;
	bool no_port;			/* IP_BIND_ADDRESS_NO_PORT: connect() chooses it */
	bool addr_locked, port_locked;	/* by bind(), not by us: a dissolved association keeps them */
	bool linger;			/* SO_LINGER */
	uint32_t linger_s;
	uint32_t rcvbuf, sndbuf;	/* SO_RCVBUF and SO_SNDBUF as they are read: twice what was asked for */
	int ifi;			/* SO_BINDTODEVICE */
	struct timeval rcvtimeo, sndtimeo;
	struct ol_endpoint local;	/* of bind(), or chosen; connections know theirs better */
	struct claim *claim;		/* NULL: no port */
	uint16_t recv_opts;		/* RECV_*: control messages it asked for */
	/* a stream: */
	struct tcp_opts *opts;		/* until there is a connection or listener to keep them */
	struct tcp_tcb *tcb;
	struct tcp_listener *listener;
	uint8_t error;			/* enum ol_err: of an attempt to connect that was taken back */
	bool fo_connect;		/* TCP_FASTOPEN_CONNECT */
	bool deferred;			/* connect() was called, the SYN goes with the first write: stage is CONNECTING, tcb NULL */
	struct ol_endpoint remote;	/* then: to whom */
	struct tcp_fo_keys *fo_keys;	/* TCP_FASTOPEN_KEY, until there is a listener; NULL: never set */
	bool zerocopy;			/* SO_ZEROCOPY */
	uint32_t stamps;		/* SO_TIMESTAMPING: SOF_TIMESTAMPING_* */
	struct tcp_tell *tell;		/* its error queue: made with the first write that is to be told of; NULL: none yet */
	/* a datagram or raw socket: */
	struct udp_end *udp;
	struct raw_end *raw;
	struct dgram *d;		/* of either */
	bool idle_keepalive, idle_oobinline;	/* SO_KEEPALIVE, SO_OOBINLINE: kept, and nothing more */
	bool corked;			/* UDP_CORK */
	struct udp_cork *pending;	/* the datagram being put together, or NULL */
};

enum {					/* control messages with what is received */
	RECV_PKTINFO4 = 1, RECV_TTL4 = 2, RECV_TOS4 = 4, RECV_ORIGDST4 = 8,
	RECV_PKTINFO6 = 16, RECV_HOPS6 = 32, RECV_TCLASS6 = 64, RECV_ORIGDST6 = 128,
	RECV_TIME = 256, RECV_TIME_NS = 512,	/* SO_TIMESTAMP, SO_TIMESTAMPNS: one or none */
	RECV_INQ = 1024,			/* TCP_INQ, of a stream */
	RECV_OPTS4 = 2048, RECV_RETOPTS4 = 4096,	/* IP_RECVOPTS, IP_RETOPTS */
};

enum { SLOT_BITS = 21, SLOT_MAX = 1 << SLOT_BITS, GEN_MASK = (1 << (31 - SLOT_BITS)) - 1 };
struct slot { struct sock *sock; uint32_t gen; uint32_t next_free; };
struct sock_table { struct slot *slot; uint32_t n, first_free, last_free, used; };

struct socks {
	struct sock_config cfg;
	struct sock_ifaces ifaces;
	struct net *net;
	struct tcp *tcp;
	struct udp *udp;
	struct ol_pool *pool;
	struct sock_table table;
	struct list ready;		/* struct sock.event: they have something to tell */
	struct list dgram_events;	/* struct dgram.event: from the transports */
	struct list raw;		/* struct raw_end.node */
	struct ports tcp_ports, udp_ports, *ping_ports;	/* ping_ports: made when first needed */
	uint64_t raw_dropped;
};

/* sock_table.c: numbers are a slot and a generation, so that the number of a closed socket stays invalid for long */
bool sock_table_add(struct sock_table *t, struct sock *s);	/* sets s->number; false: no memory or no number left */
void sock_table_del(struct sock_table *t, struct sock *s);
struct sock *sock_table_get(const struct sock_table *t, ol_sock number);
void sock_table_fini(struct sock_table *t);

/* sock_errno.c */
int sock_errno(enum ol_err err);				/* negated errno; 0 for OL_OK */

bool sock_iface_known(const struct socks *ss, int ifi);

/* sock_addr.c */
enum { ADDR_TAKES_IP4 = 1 };	/* an AF_INET6 socket also takes a sockaddr_in, as Linux's datagram sockets do */
int sock_addr_in(const struct sock *s, const struct sockaddr *addr, socklen_t len, unsigned flags, struct ol_endpoint *ep);
void sock_addr_out(const struct sock *s, const struct ol_endpoint *ep, struct sockaddr *addr, socklen_t *len);
int sock_addr_peer(const struct sock *s, struct ol_endpoint *ep);	/* "any" as a destination, mapped under V6ONLY */
int sock_addr_partner(const struct sock *s, struct ol_endpoint *ep);	/* that, of connect(): -EINVAL where its interface is missing */
void sock_addr_to_in6(const struct ol_addr *a, struct in6_addr *out);	/* mapped where it is IPv4 */

/* sock_bind.c */
int sock_claim(struct sock *s, const struct ol_endpoint *local);		/* binds; sets s->claim and s->local */
/* A stream's connect() without bind(): a port that the pair of endpoints has free. */
int sock_claim_for(struct sock *s, const struct ol_addr *local, const struct ol_endpoint *remote, ol_time now);
void sock_claim_share(struct sock *s, const struct sock *listener);
void sock_claim_drop(struct sock *s);
void sock_claim_changed(struct sock *s);	/* reuse flags, device or owner were set anew */

/* sock_event.c */
void sock_raise(struct sock *s);

/* sock.c */
struct sock *sock_new(struct socks *ss, int domain, int type, int protocol);
void sock_destroy(struct sock *s);
bool sock_is_stream(const struct sock *s);

/* sock_stream.c */
struct tcp_opts *stream_opts(struct sock *s);		/* wherever they are kept now */
void stream_opts_changed(struct sock *s, ol_time now);
bool stream_is_over(const struct sock *s);		/* its connection is; there is one */
/* bind() after a connection that is over, whose port we had chosen: the socket begins anew.  -EINVAL: it does not. */
int stream_rebind(struct sock *s, ol_time now);

/* sock_stream_tell.c: what a stream is told of what it sent */
unsigned stream_tell_flags(const struct sock *s, int flags);	/* TCP_SEND_* of what it wants to know of this write */
bool stream_tell_ready(struct sock *s, unsigned flags);		/* before such a write; false: memory is short */
int stream_set_stamps(struct sock *s, uint32_t flags);			/* SO_TIMESTAMPING */
ssize_t stream_recv_error(struct sock *s, struct msghdr *msg);
void stream_tell_free(struct sock *s);

/* sock_dgram.c: what UDP, raw and ping sockets share */
struct dgram_call { struct dgram_to to; const struct iovec *iov; int n; };
int dgram_prepare(struct sock *s, const struct msghdr *msg, int flags, struct dgram_call *call);
ssize_t dgram_recvmsg(struct sock *s, struct msghdr *msg, int flags, ol_time now);
size_t dgram_scatter(const struct iovec *iov, size_t n, const uint8_t *p, size_t len);	/* copies what fits, says how much */
int dgram_connect(struct sock *s, const struct ol_endpoint *peer);	/* route, source and the rest but the port */
void dgram_disconnect(struct sock *s);
int dgram_shutdown(struct sock *s, int how, ol_time now);
unsigned dgram_poll(const struct sock *s);
enum ol_err dgram_error_take(struct sock *s);

/* sock_opt_udp.c */
int udp_cork_add(struct sock *s, const struct dgram_call *call);	/* 0, -EMSGSIZE, -ENOBUFS */
enum ol_err udp_cork_push(struct sock *s, ol_time now);
void udp_cork_drop(struct sock *s);

/* sock_cmsg.c */
int cmsg_parse(struct sock *s, const struct msghdr *msg, struct dgram_to *to);
struct cmsg_out { uint8_t *p; size_t room, used; bool truncated; };
struct cmsg_out cmsg_begin(const struct msghdr *msg);			/* the program's room for them */
void cmsg_end(struct msghdr *msg, const struct cmsg_out *out);		/* says what was used, and if it was too little */
void cmsg_put(struct cmsg_out *out, int level, int type, const void *data, size_t len);
void cmsg_put_stamp(struct cmsg_out *out, ol_time at);
void cmsg_put_time(struct sock *s, struct cmsg_out *out, ol_time at);	/* as s asked to be told when something came */
void cmsg_put_inq(struct sock *s, struct cmsg_out *out);
void cmsg_put_meta(struct sock *s, struct cmsg_out *out, const struct dgram_meta *m);
struct sock_extended_err;
void cmsg_put_extended(struct sock *s, struct cmsg_out *out, const struct sock_extended_err *ee, const struct ol_addr *offender);
void cmsg_put_error(struct sock *s, struct cmsg_out *out, const struct dgram_meta *m);

/* sock_raw.c, sock_ping.c */
struct raw_end {
	struct dgram d;
	struct list node;
	struct sock *sock;
	bool ping;
	uint32_t icmp_filter;		/* ICMP_FILTER: a bit per type that is not wanted */
	uint32_t icmp6_filter[8];	/* ICMP6_FILTER: a bit per type that is not wanted */
	int cksum_offset;		/* IPV6_CHECKSUM; -1: none */
};
int raw_open(struct sock *s);
bool ping_input(const struct raw_end *r, const struct ol_pkt *pkt, const struct net_rx *rx);	/* is it for this end? */

/* sock_opt.c: one table per level */
enum opt_kind { OPT_INT, OPT_BYTES };
enum { ON_STREAM = 1, ON_UDP = 2, ON_RAW = 4, ON_DGRAM = ON_UDP | ON_RAW, ON_ALL = 7, ON_V6 = 8 };
struct opt {
	int name;
	uint8_t on;			/* which types have it; ON_V6: AF_INET6 alone */
	int min, max;			/* an int outside is -EINVAL */
	int (*set)(struct sock *s, int v, ol_time now);		/* NULL: read only, -ENOPROTOOPT */
	int (*get)(struct sock *s, int *v, ol_time now);	/* NULL: write only */
	int (*set_bytes)(struct sock *s, const void *v, socklen_t len, ol_time now);
	int (*get_bytes)(struct sock *s, void *v, socklen_t *len, ol_time now);
};
struct opt_level { int level; const struct opt *opts; size_t n; };
/* The getter and setter of an option that is one flag of the socket; and of one that asks for a control message (RECV_*). */
#define OPT_FLAG(name, field) \
	static int get_##name(struct sock *s, int *v, ol_time now) { *v = (field); return 0; } \
	static int set_##name(struct sock *s, int v, ol_time now) { (field) = v != 0; return 0; }
#define OPT_WANT(name, bit) \
	static int get_##name(struct sock *s, int *v, ol_time now) { *v = (s->recv_opts & (bit)) != 0; return 0; } \
	static int set_##name(struct sock *s, int v, ol_time now) \
	{ \
		s->recv_opts = (uint16_t)(v ? s->recv_opts | (bit) : s->recv_opts & ~(bit)); \
		return 0; \
	}
extern const struct opt_level opt_level_socket, opt_level_tcp, opt_level_udp, opt_level_ip, opt_level_ip6, opt_level_raw, opt_level_icmp6;
int opt_put(void *v, socklen_t *len, const void *from, size_t size);	/* copies what fits, says how much; 0 */

void sock_retell(struct sock *s);	/* device, reuse or the like were set anew: claim and transport hear of it */

/* sock_group.c */
int group_join(struct sock *s, const struct ol_addr *group, int ifi, ol_time now);	/* ifi 0: by the route */
int group_leave(struct sock *s, const struct ol_addr *group, int ifi, ol_time now);
void group_leave_all(struct sock *s, ol_time now);
enum source_op { SOURCE_JOIN, SOURCE_LEAVE, SOURCE_BLOCK, SOURCE_UNBLOCK };
int group_source(struct sock *s, const struct ol_addr *group, int ifi, const struct ol_addr *src, enum source_op op, ol_time now);
/* The whole filter; src, n of them, is read and put in order. */
int group_filter_set(struct sock *s, const struct ol_addr *group, int ifi, bool exclude, struct ol_addr *src, uint32_t n, ol_time now);
const struct net_filter *group_filter_get(struct sock *s, const struct ol_addr *group, int ifi);	/* NULL: no member */
int group_iface_at(struct sock *s, const struct ol_addr *at, int *ifi);	/* by its address; any: 0; -ENODEV */
int group_ip_mreq(struct sock *s, const void *v, socklen_t len, struct ol_addr *group, int *ifi);
int group_req(struct sock *s, const void *v, socklen_t len, struct ol_addr *group, int *ifi);

/* sock_opt_source.c: options of the IPv4 level alone, and of both */
int opt_ip_join_source(struct sock *s, const void *val, socklen_t len, ol_time now);
int opt_ip_leave_source(struct sock *s, const void *val, socklen_t len, ol_time now);
int opt_ip_block_source(struct sock *s, const void *val, socklen_t len, ol_time now);
int opt_ip_unblock_source(struct sock *s, const void *val, socklen_t len, ol_time now);
int opt_ip_msfilter_set(struct sock *s, const void *val, socklen_t len, ol_time now);
int opt_ip_msfilter_get(struct sock *s, void *val, socklen_t *len, ol_time now);
int opt_join_source(struct sock *s, const void *val, socklen_t len, ol_time now);
int opt_leave_source(struct sock *s, const void *val, socklen_t len, ol_time now);
int opt_block_source(struct sock *s, const void *val, socklen_t len, ol_time now);
int opt_unblock_source(struct sock *s, const void *val, socklen_t len, ol_time now);
int opt_msfilter_set(struct sock *s, const void *val, socklen_t len, ol_time now);
int opt_msfilter_get(struct sock *s, void *val, socklen_t *len, ol_time now);
#define OPT_SOURCES(on) \
	{ MCAST_JOIN_SOURCE_GROUP, on, .set_bytes = opt_join_source }, { MCAST_LEAVE_SOURCE_GROUP, on, .set_bytes = opt_leave_source }, \
	{ MCAST_BLOCK_SOURCE, on, .set_bytes = opt_block_source }, { MCAST_UNBLOCK_SOURCE, on, .set_bytes = opt_unblock_source }, \
	{ MCAST_MSFILTER, on, .set_bytes = opt_msfilter_set, .get_bytes = opt_msfilter_get }

/* sock_opt_both.c: what both IP levels have */
int opt_get_mtu(struct sock *s, int *v, ol_time now);
typedef int (*opt_group_read)(struct sock *s, const void *val, socklen_t len, struct ol_addr *group, int *ifi);
/** Reads which group on which interface the value says, then joins or leaves. */
int opt_group(struct sock *s, const void *val, socklen_t len, opt_group_read of,
	      int (*change)(struct sock *s, const struct ol_addr *group, int ifi, ol_time now), ol_time now);
int opt_join_req(struct sock *s, const void *val, socklen_t len, ol_time now);		/* MCAST_JOIN_GROUP */
int opt_leave_req(struct sock *s, const void *val, socklen_t len, ol_time now);
void opt_recverr_off(struct sock *s);							/* what is queued goes */
#define OPT_RECVERR(field) \
	static int get_recverr(struct sock *s, int *v, ol_time now) { *v = s->d->opts.field; return 0; } \
	static int set_recverr(struct sock *s, int v, ol_time now) \
	{ \
		s->d->opts.field = v != 0; \
		if (!v) \
			opt_recverr_off(s); \
		return 0; \
	}

#endif
