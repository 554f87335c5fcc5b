#ifndef TRANSPORT_TCP_TCP_H
#define TRANSPORT_TCP_TCP_H
/*
 * TCP as other floors may use it: the user calls of RFC 9293 3.10 on connections (struct tcp_tcb) and listeners
 * (struct tcp_listener), and the walk of segments and timers.  One struct tcp per stack, standing on struct net.
 *
 * Ownership: a connection made by tcp_open or tcp_accept is the user's until tcp_release; after that TCP ends it alone
 * (orphan) and frees it.  While the user holds it, it is never freed: it enters CLOSED and stays readable.
 * Events: a connection or listener whose readiness may have changed is queued once; tcp_event_next gives it out.
 */
#include <stdbool.h>
#include <sys/uio.h>
#include <outlet/ol_addr.h>
#include <outlet/ol_err.h>
#include <outlet/ol_fate.h>
#include <outlet/ol_pkt.h>
#include <outlet/ol_sock.h>
#include <outlet/ol_time.h>
#include "net/net.h"

struct tcp;
struct tcp_tcb;
struct tcp_listener;
struct timer;
struct wheel;
struct tcp_config;			/* tcp_config.h: the settings, by Linux's names */

struct tcp *tcp_new(const struct tcp_config *cfg, struct net *net, struct ol_pool *pool, struct wheel *wheel, ol_time now);
void tcp_free(struct tcp *tcp);

/* ---- options of a connection; a listener hands its own down to its children ---------------------------------------- */
struct tcp_opts {
	bool nodelay;			/* TCP_NODELAY: RFC 9293 3.7.4 MUST-17 */
	bool cork;			/* TCP_CORK: hold partial segments, at most 200 ms */
	bool quickack;			/* TCP_QUICKACK: acknowledge at once for now */
	bool keepalive;			/* SO_KEEPALIVE, RFC 9293 3.8.4 */
	ol_time keepidle, keepintvl;	/* ns; 0: the configured */
	uint8_t keepcnt;		/* 0: the configured */
	bool oobinline;			/* SO_OOBINLINE */
	uint16_t maxseg;		/* TCP_MAXSEG: 0 unset */
	ol_time user_timeout;		/* TCP_USER_TIMEOUT, ns; 0: none */
	ol_time linger2;		/* TCP_LINGER2: FIN-WAIT-2 of an orphan, ns; 0 the configured, -1 none */
	uint8_t syncnt;			/* TCP_SYNCNT; 0: the configured */
	ol_time defer_accept;		/* TCP_DEFER_ACCEPT, ns; 0: off */
	uint32_t notsent_lowat;		/* TCP_NOTSENT_LOWAT */
	uint32_t window_clamp;		/* TCP_WINDOW_CLAMP; 0: none */
	uint32_t sndbuf, rcvbuf;	/* bytes; 0: tuned by TCP between the configured bounds */
	uint32_t rcvlowat;		/* SO_RCVLOWAT; 1 at birth */
	uint64_t max_pacing;		/* SO_MAX_PACING_RATE, bytes a second; 0: none */
	uint8_t tos, ttl;		/* IP_TOS / IPV6_TCLASS, IP_TTL / hops; ttl 0: default */
	uint8_t min_ttl;		/* IP_MINTTL, RFC 5082 */
	uint8_t pmtudisc;		/* IP_MTU_DISCOVER's value */
	int ifi;			/* SO_BINDTODEVICE */
	bool v6only;			/* IPV6_V6ONLY, of a listener on :: */
	uint32_t fastopen;		/* TCP_FASTOPEN of a listener: most connections pending; 0: off (RFC 7413 4.2) */
	bool fastopen_no_cookie;	/* TCP_FASTOPEN_NO_COOKIE: none is asked for, from either side */
	char congestion[16];		/* TCP_CONGESTION; "" the configured */
	int32_t number;			/* the user's, for notes on packets (ol_note.sock); -1: none */
};
struct tcp_opts tcp_opts_default(const struct tcp *tcp);
bool tcp_congestion_known(const struct tcp *tcp, const char *name);

/* ---- opening (3.10.1) ------------------------------------------------------------------------------------------------ */
/**
 * Active OPEN.  local.addr may be any (chosen by the route), local.port must be set (ports are src/transport/port.h's affair).
 * `user` comes back with events.  On OL_OK *out is in SYN-SENT and the SYN is on its way.
 * OL_ERR_ADDRNOTAVAIL: this pair of endpoints has a connection already (TIME-WAIT that may be reused does not count).
 */
enum ol_err tcp_open(struct tcp *tcp, struct tcp_tcb **out, const struct tcp_opts *opts, const struct ol_endpoint *local,
		     const struct ol_endpoint *remote, void *user, ol_time now);
/**
 * Active OPEN with Fast Open, RFC 7413: the SYN carries the beginning of the text, *done bytes of it, where a cookie for
 * this server is known (or none is needed), and asks for one where not.  *done 0: none went, all is yet to be sent.
 * Of the flags TCP_SEND_EOR counts.
 */
enum ol_err tcp_open_fast(struct tcp *tcp, struct tcp_tcb **out, const struct tcp_opts *opts, const struct ol_endpoint *local,
			  const struct ol_endpoint *remote, const struct iovec *iov, int n, unsigned flags, size_t *done, void *user,
			  ol_time now);
/** Would tcp_open_fast send text with its SYN? */
bool tcp_fastopen_ready(const struct tcp *tcp, const struct tcp_opts *opts, const struct ol_addr *local,
			const struct ol_endpoint *remote, ol_time now);
/** Is there a connection (or TIME-WAIT not reusable yet) between these two?  For choosing an ephemeral port, RFC 6056. */
bool tcp_pair_busy(const struct tcp *tcp, const struct ol_endpoint *local, const struct ol_endpoint *remote, ol_time now);
/** Any connection or TIME-WAIT record on this local endpoint?  For bind() without SO_REUSEADDR. */
bool tcp_local_busy(const struct tcp *tcp, const struct ol_endpoint *local, int domain_v6, bool v6only);

/** Passive OPEN.  local.addr.ver 0: both families (or IPv6 alone when opts->v6only), any address. */
enum ol_err tcp_listen(struct tcp *tcp, struct tcp_listener **out, const struct tcp_opts *opts, const struct ol_endpoint *local,
		       int backlog, bool reuseport, void *user, ol_time now);
void tcp_listener_set_backlog(struct tcp_listener *l, int backlog);
struct tcp_opts *tcp_listener_opts(struct tcp_listener *l);
/** TCP_FASTOPEN_KEY: keys of its own, the one to make cookies with first; n 0: the configured. */
struct tcp_fo_keys;
void tcp_listener_set_keys(struct tcp_listener *l, const struct tcp_fo_keys *keys);
const struct tcp_fo_keys *tcp_listener_keys(const struct tcp_listener *l);
/** The oldest established connection, which becomes the caller's, or NULL. */
struct tcp_tcb *tcp_accept(struct tcp_listener *l, void *user, ol_time now);
unsigned tcp_listener_waiting(const struct tcp_listener *l);	/* how many tcp_accept could give */
int tcp_listener_backlog(const struct tcp_listener *l);
/** Closes the listener: connections not yet accepted are reset.  Frees it. */
void tcp_listener_close(struct tcp_listener *l, ol_time now);

/* ---- using (3.10.2, 3.10.3, 3.10.6) ---------------------------------------------------------------------------------- */
struct tcp_opts *tcp_opts(struct tcp_tcb *tcb);			/* change, then tell: */
void tcp_opts_changed(struct tcp_tcb *tcb, ol_time now);	/* e.g. uncorked: what was held goes */
enum {
	TCP_SEND_MORE = 1, TCP_SEND_URG = 2,	/* MSG_MORE, MSG_OOB */
	TCP_SEND_EOR = 4,			/* MSG_EOR: where all of it was queued */
	TCP_SEND_COPIED = 8,			/* MSG_ZEROCOPY: a tcp_tell has reserved */
	TCP_SEND_SCHED = 16, TCP_SEND_SND = 32, TCP_SEND_ACKED = 64,	/* a stamp is wanted of the last byte, where it is possible */
	TCP_SEND_TOLD = TCP_SEND_COPIED | TCP_SEND_SCHED | TCP_SEND_SND | TCP_SEND_ACKED,
};
/** Who is told of what is sent from now on; lent until tcp_release. */
struct tcp_tell;
void tcp_set_tell(struct tcp_tcb *tcb, struct tcp_tell *tell);
/** Queues up to len bytes; *done says how many.  OL_ERR_AGAIN when none fit, OL_ERR_PIPE, or the connection's error, once. */
enum ol_err tcp_send(struct tcp_tcb *tcb, const struct iovec *iov, int n, unsigned flags, size_t *done, ol_time now);
/** Free room of the send queue as pieces of memory (at most want bytes), and queueing what was written there. */
enum ol_err tcp_send_view(struct tcp_tcb *tcb, size_t want, struct iovec *iov, int *n, ol_time now);
enum ol_err tcp_send_done(struct tcp_tcb *tcb, size_t len, unsigned flags, ol_time now);
enum { TCP_RECV_PEEK = 1, TCP_RECV_URG = 2, TCP_RECV_TRUNC = 4 };	/* TRUNC: throw away instead of copying */
/** Takes received bytes; *done 0 with OL_OK is end of file.  OL_ERR_AGAIN, or the connection's error, once. */
enum ol_err tcp_recv(struct tcp_tcb *tcb, const struct iovec *iov, int n, unsigned flags, size_t *done, ol_time now);
/** When the last byte came that a read of `want` bytes would take now; OL_NEVER: it would take none. */
ol_time tcp_read_time(const struct tcp_tcb *tcb, size_t want);
enum ol_err tcp_recv_view(struct tcp_tcb *tcb, struct iovec *iov, int *n, ol_time now);
enum ol_err tcp_recv_done(struct tcp_tcb *tcb, size_t len, ol_time now);
bool tcp_at_mark(const struct tcp_tcb *tcb);			/* SIOCATMARK */

/* ---- ending (3.10.4, 3.10.5) ----------------------------------------------------------------------------------------- */
/** CLOSE: no more to send; the FIN follows what is queued.  OL_ERR_NOTCONN when never opened. */
enum ol_err tcp_shutdown_send(struct tcp_tcb *tcb, ol_time now);
/** The user reads no more: what is queued and what comes is thrown away, as Linux does on SHUT_RD. */
enum ol_err tcp_shutdown_recv(struct tcp_tcb *tcb, ol_time now);
/** ABORT: RST where 3.10.5 asks for one; enters CLOSED. */
void tcp_abort(struct tcp_tcb *tcb, ol_time now);
/** An address of ours is to be given up: aborts what is connected from it; users get OL_ERR_CONNABORTED (RFC 5227 2.4). */
void tcp_abandon(struct tcp *tcp, const struct ol_addr *local, ol_time now);
/**
 * The user lets go (last close).  Unread data: RST (RFC 2525 2.17, RFC 9293 3.6); else FIN after what is queued.
 * The pointer is TCP's afterwards.
 */
void tcp_release(struct tcp_tcb *tcb, ol_time now);

/* ---- asking ------------------------------------------------------------------------------------------------------------ */
enum ol_tcp_state tcp_state(const struct tcp_tcb *tcb);
unsigned tcp_ready(const struct tcp_tcb *tcb);			/* OL_EV_* */
unsigned tcp_listener_ready(const struct tcp_listener *l);
enum ol_err tcp_error_take(struct tcp_tcb *tcb);		/* SO_ERROR: reads and clears */
/** What ICMP said that ends nothing, RFC 9293 3.9.2.2 (SHLD-25): each word is told once. */
enum ol_err tcp_soft_error_take(struct tcp_tcb *tcb);
const struct ol_endpoint *tcp_local(const struct tcp_tcb *tcb);
const struct ol_endpoint *tcp_remote(const struct tcp_tcb *tcb);
size_t tcp_readable(const struct tcp_tcb *tcb);
size_t tcp_inq(const struct tcp_tcb *tcb);			/* TCP_CM_INQ: all that is in the queue, urgent or not, and one for the FIN */
size_t tcp_unacked(const struct tcp_tcb *tcb);			/* queued and not acknowledged: SIOCOUTQ */
size_t tcp_unsent(const struct tcp_tcb *tcb);			/* queued and not sent: SIOCOUTQNSD */
size_t tcp_writable(const struct tcp_tcb *tcb);
uint32_t tcp_sndbuf(const struct tcp_tcb *tcb), tcp_rcvbuf(const struct tcp_tcb *tcb);	/* the buffers as they have grown */
void tcp_set_user(struct tcp_tcb *tcb, void *user);
void *tcp_user(const struct tcp_tcb *tcb);
void *tcp_listener_user(const struct tcp_listener *l);
const char *tcp_congestion(const struct tcp_tcb *tcb);
#define TCP_INFO_LEN 280u		/* of Linux 6.18's struct; older headers know less of it */
/** Fills a struct tcp_info (Linux layout, <linux/tcp.h>) of at most len bytes; returns the bytes filled. */
size_t tcp_info_fill(struct tcp_tcb *tcb, void *info, size_t len, ol_time now);
/** Fills the TCP part of a state table's row. */
void tcp_row(const struct tcp_tcb *tcb, struct ol_sock_info *row, ol_time now);
/** Walks what no user holds: orphans, connections not accepted yet, SYN-RECEIVED and TIME-WAIT records. */
bool tcp_row_next(struct tcp *tcp, uint64_t *cursor, struct ol_sock_info *row, ol_time now);

/* ---- the walk ---------------------------------------------------------------------------------------------------------- */
/** A segment, its IP header stripped.  Takes pkt.  *verdict gets socket-less facts: states before and after, and *user. */
enum ol_fate tcp_input(struct tcp *tcp, struct ol_pkt *pkt, const struct net_rx *rx, struct ol_verdict *verdict, void **user,
		       ol_time now);
/**
 * A segment of a train (net/gro.h), not the first; rx is as of the first.  Takes pkt.  As tcp_input, but cheap where the connection
 * does nothing else than receive.
 */
enum ol_fate tcp_input_next(struct tcp *tcp, struct ol_pkt *pkt, const struct net_rx *rx, ol_time now);
/**
 * Around segments that came together: ACKs of what came in order go once, behind the last of them (RFC 9293 3.10.7.4, MUST-59).
 * Begin and end in turns; nothing but input in between.
 */
void tcp_batch_begin(struct tcp *tcp);
void tcp_batch_end(struct tcp *tcp, ol_time now);
/** An ICMP error that quotes a segment of ours; only borrows pkt.  RFC 5927 checks first. */
void tcp_icmp(struct tcp *tcp, const struct ol_pkt *pkt, const struct net_rx *rx, ol_time now);
/** A timer of the wheel with one of TCP's kinds is due. */
void tcp_expire(struct tcp *tcp, struct timer *t, ol_time now);
/** A packet left the interface's queue, or all of them: connections that waited for room there go on. */
void tcp_drained(struct tcp *tcp, int ifi, ol_time now);
/** Who may be ready now: exactly one of tcb and listener is set.  False: nobody. */
struct tcp_event { struct tcp_tcb *tcb; struct tcp_listener *listener; void *user; };
bool tcp_event_next(struct tcp *tcp, struct tcp_event *ev);
uint64_t tcp_count(const struct tcp *tcp, enum ol_fate fate);
/** Asserts what must hold of every connection. */
void tcp_check_all(const struct tcp *tcp);

#endif
