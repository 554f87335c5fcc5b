#ifndef SOCK_SOCK_H
#define SOCK_SOCK_H
/*
 * The sockets floor as the stack uses it.  One struct socks per stack; the calls are those of <outlet/ol_sock.h>, which
 * documents them, on it instead of on the stack.
 */
#include <outlet/ol_sock.h>
#include "net/net.h"
#include "transport/tcp/tcp.h"
#include "transport/udp/udp.h"

struct socks;
struct sock_config {				/* defaults: sock_config_default() */
	uint32_t rmem_default, rmem_max;	/* net.core: SO_RCVBUF of datagram sockets at birth, and the highest */
	uint32_t wmem_default, wmem_max;
	const struct tcp_config *tcp;		/* what options that nobody set are; outlives the sockets */
	uint16_t port_lo, port_hi;		/* ip_local_port_range */
	uint8_t ttl, hop_limit;			/* what IP_TTL and IPV6_UNICAST_HOPS say where nobody set them */
	bool nonlocal_bind;			/* ip_nonlocal_bind: bind() to addresses we do not have */
	uint32_t igmp_max_memberships;		/* groups a socket may join */
	uint32_t igmp_max_msf, mld_max_msf;	/* sources in one of its filters; 64 at least (RFC 3376 2) */
	uint8_t seed[16];
};
struct sock_config sock_config_default(void);

/* What this floor asks about interfaces, which are two floors down: the stack lends it the answers. */
struct sock_ifaces {
	void *ctx;
	int (*index)(void *ctx, const char *name);		/* 0: none of that name */
	bool (*name)(void *ctx, int ifi, char name[16]);	/* false: no such interface */
};
struct socks *socks_new(const struct sock_config *cfg, const struct sock_ifaces *ifaces, struct net *net, struct tcp *tcp,
			struct udp *udp, struct ol_pool *pool);
/** Ends every socket without a word. */
void socks_free(struct socks *ss, ol_time now);

/* ---- the calls ------------------------------------------------------------------------------------------------- */
ol_sock sock_socket(struct socks *ss, int domain, int type, int protocol, ol_time now);
void sock_set_owner(struct socks *ss, ol_sock s, uint32_t owner);
int sock_close(struct socks *ss, ol_sock s, ol_time now);
int64_t sock_lingering(struct socks *ss, ol_sock s);
int sock_bind(struct socks *ss, ol_sock s, const struct sockaddr *addr, socklen_t len, ol_time now);
int sock_connect(struct socks *ss, ol_sock s, const struct sockaddr *addr, socklen_t len, ol_time now);
int sock_listen(struct socks *ss, ol_sock s, int backlog, ol_time now);
ol_sock sock_accept(struct socks *ss, ol_sock s, struct sockaddr *addr, socklen_t *len, ol_time now);
int sock_shutdown(struct socks *ss, ol_sock s, int how, ol_time now);
int sock_getsockname(struct socks *ss, ol_sock s, struct sockaddr *addr, socklen_t *len);
int sock_getpeername(struct socks *ss, ol_sock s, struct sockaddr *addr, socklen_t *len);
int sock_setsockopt(struct socks *ss, ol_sock s, int level, int name, const void *val, socklen_t len, ol_time now);
int sock_getsockopt(struct socks *ss, ol_sock s, int level, int name, void *val, socklen_t *len, ol_time now);
ssize_t sock_sendmsg(struct socks *ss, ol_sock s, const struct msghdr *msg, int flags, ol_time now);
ssize_t sock_recvmsg(struct socks *ss, ol_sock s, struct msghdr *msg, int flags, ol_time now);
int sock_recv_view(struct socks *ss, ol_sock s, struct iovec *iov, int n, ol_time now);
int sock_recv_done(struct socks *ss, ol_sock s, size_t len, ol_time now);
int sock_send_view(struct socks *ss, ol_sock s, size_t want, struct iovec *iov, int n, ol_time now);
int sock_send_done(struct socks *ss, ol_sock s, size_t len, int flags, ol_time now);
unsigned sock_poll(struct socks *ss, ol_sock s);
bool sock_event_next(struct socks *ss, struct ol_event *ev);
void sock_set_tag(struct socks *ss, ol_sock s, void *tag);
void *sock_get_tag(struct socks *ss, ol_sock s);
size_t sock_readable(struct socks *ss, ol_sock s);
size_t sock_unsent(struct socks *ss, ol_sock s);
size_t sock_writable(struct socks *ss, ol_sock s);
int sock_at_mark(struct socks *ss, ol_sock s);
unsigned sock_backlog(struct socks *ss, ol_sock s);
bool sock_row_next(struct socks *ss, uint64_t *cursor, struct ol_sock_info *info, ol_time now);

/* ---- the walk -------------------------------------------------------------------------------------------------- */
/**
 * A datagram of any protocol, before its transport gets it: copies go to the raw and ping sockets that hear it.  Only
 * borrows pkt, in front of whose data the IP header still stands.  True: somebody heard it.
 */
bool socks_raw_input(struct socks *ss, const struct ol_pkt *pkt, const struct net_rx *rx, void **user, ol_time now);
/** An ICMP error about something a raw or ping socket sent.  Only borrows pkt. */
void socks_raw_icmp(struct socks *ss, const struct ol_pkt *pkt, const struct net_rx *rx, ol_time now);
/** The number of the socket that is `user` of a connection or an end; -1 for NULL. */
int32_t sock_number(const void *user);
/** How many packets raw sockets could not take. */
uint64_t socks_count(const struct socks *ss, enum ol_fate fate);
/** Asserts what must hold of every socket. */
void socks_check(const struct socks *ss);

#endif
