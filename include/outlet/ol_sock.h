#ifndef OUTLET_OL_SOCK_H
#define OUTLET_OL_SOCK_H
/*
 * Berkeley sockets on a stack.  Names, constants and structures are those of <sys/socket.h>, <netinet/in.h> and
 * <netinet/tcp.h>; semantics are POSIX's and, where it is silent, Linux's.  Every call returns a value >= 0 or a negated
 * errno.  No call blocks: what would is answered -EAGAIN (connect: -EINPROGRESS), and an event says when to come again;
 * SO_RCVTIMEO and SO_SNDTIMEO are kept for whoever does the waiting (the service, or a program's own loop).
 * `now` is the caller's monotonic clock in ns, never earlier than in a call before.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <outlet/ol_stack.h>

typedef int32_t ol_sock;	/* names a socket of one stack; >= 0.  The number of a closed one is not soon used again. */

/** RFC 9293 3.3.2, in Linux's numbers (TCP_INFO's tcpi_state). */
enum ol_tcp_state {
	OL_TCP_NONE, OL_TCP_ESTABLISHED, OL_TCP_SYN_SENT, OL_TCP_SYN_RECEIVED, OL_TCP_FIN_WAIT_1, OL_TCP_FIN_WAIT_2,
	OL_TCP_TIME_WAIT, OL_TCP_CLOSED, OL_TCP_CLOSE_WAIT, OL_TCP_LAST_ACK, OL_TCP_LISTEN, OL_TCP_CLOSING,
	OL_TCP_STATE_MAX
};
/** "ESTABLISHED", "SYN-SENT": the RFC's spelling. */
const char *ol_tcp_state_name(unsigned state);

/* Readiness: what poll() would say, in poll's meaning.  Levels, not edges. */
enum {
	OL_EV_IN = 1,		/* data, end of file, or a connection to accept */
	OL_EV_PRI = 2,		/* urgent data */
	OL_EV_OUT = 4,		/* room to write */
	OL_EV_ERR = 8,		/* SO_ERROR has something, or the error queue */
	OL_EV_HUP = 16,		/* both directions are over */
	OL_EV_RDHUP = 32,	/* the peer sends no more */
};

/** RFC 3542 11.1, which Linux's headers do not have: as an option and as a control message of AF_INET6 datagrams, an int. */
#define OL_IPV6_USE_MIN_MTU 63

/**
 * Makes a socket.  Source: POSIX socket().
 * @param domain  AF_INET, AF_INET6 (dual-stack unless IPV6_V6ONLY)
 * @param type    SOCK_STREAM, SOCK_DGRAM, SOCK_RAW; SOCK_NONBLOCK and SOCK_CLOEXEC are accepted and mean nothing here
 * @return the socket; -EAFNOSUPPORT, -EPROTONOSUPPORT, -ESOCKTNOSUPPORT, -EINVAL, -ENOBUFS
 */
ol_sock ol_socket(struct ol_stack *stk, int domain, int type, int protocol, ol_time now);
/**
 * Who owns the socket: any number the caller keeps its programs apart by (0 at birth).  Rules that ask for "the same user"
 * (SO_REUSEPORT) compare it.
 */
void ol_set_owner(struct ol_stack *stk, ol_sock s, uint32_t owner);
/**
 * Lets go of the socket, as the last close() does: a stream is closed in order (FIN after what is queued), reset where
 * data was left unread (RFC 9293 3.6, RFC 2525 2.17) or SO_LINGER says so.  The number is invalid afterwards.
 * Waiting for SO_LINGER is the caller's affair: ol_lingering().  -EBADF.
 */
int ol_close(struct ol_stack *stk, ol_sock s, ol_time now);
/**
 * How long close() is to wait, as SO_LINGER asks.  A caller that can wait shuts the sending side down first, then waits
 * until this says 0 (all was acknowledged, the FIN too) or the time has passed, and calls ol_close.  Source: POSIX 2.10.16.
 * @return nanoseconds from the shutdown on; 0: SO_LINGER is off, or its time is 0, or there is nothing to wait for
 */
int64_t ol_lingering(struct ol_stack *stk, ol_sock s);

/**
 * Gives the socket a name.  Source: POSIX bind(); ip(7), ipv6(7).  Port 0: an ephemeral one.  Every port may be had.
 * @return 0; -EINVAL (has a name already, bad length), -EAFNOSUPPORT, -EADDRNOTAVAIL (not ours), -EADDRINUSE, -ENOBUFS
 */
int ol_bind(struct ol_stack *stk, ol_sock s, const struct sockaddr *addr, socklen_t len, ol_time now);
/**
 * Source: POSIX connect(); RFC 9293 3.10.1.  AF_UNSPEC dissolves an association, and takes a stream back to its beginning.
 * @return 0        a datagram socket has its peer; a stream that was on its way is established now; with TCP_FASTOPEN_CONNECT:
 *                  its SYN goes with the first send, and carries the beginning of it (RFC 7413)
 *         -EINPROGRESS  OL_EV_OUT (done) or OL_EV_ERR follows; then ask SO_ERROR, or call again: 0, or why it failed
 *         -EALREADY     still on its way        -EISCONN      connected, or listening
 *         -ENETUNREACH  no route                -EADDRNOTAVAIL  no ephemeral port left, or the pair is in use
 *         -EINVAL, -EAFNOSUPPORT, -EACCES (broadcast), -ENOBUFS
 */
int ol_connect(struct ol_stack *stk, ol_sock s, const struct sockaddr *addr, socklen_t len, ol_time now);
/**
 * Starts to accept connections; on a listener: sets its backlog.  Source: POSIX listen(); a socket without a name gets a port.
 * @param backlog  connections that may wait to be accepted; negative or above somaxconn: somaxconn, as on Linux
 * @return 0; -EADDRINUSE (another listens there), -EINVAL (connected), -EOPNOTSUPP (no stream), -ENOBUFS
 */
int ol_listen(struct ol_stack *stk, ol_sock s, int backlog, ol_time now);
/**
 * The next established connection, which is the caller's.  addr/len as in accept(); both may be NULL.
 * @return its number; -EAGAIN none waits, -EINVAL does not listen, -EOPNOTSUPP no stream, -ENOBUFS
 */
ol_sock ol_accept(struct ol_stack *stk, ol_sock s, struct sockaddr *addr, socklen_t *len, ol_time now);
/**
 * Ends one direction or both: SHUT_WR sends a FIN after what is queued.  Source: POSIX shutdown(); RFC 9293 3.10.4.
 * @return 0; -ENOTCONN, -EINVAL
 */
int ol_shutdown(struct ol_stack *stk, ol_sock s, int how, ol_time now);
/** The socket's name, and its peer's.  *len: room in, the name's length out.  0; -ENOTCONN (no peer), -EINVAL, -EFAULT */
int ol_getsockname(struct ol_stack *stk, ol_sock s, struct sockaddr *addr, socklen_t *len);
int ol_getpeername(struct ol_stack *stk, ol_sock s, struct sockaddr *addr, socklen_t *len);
/**
 * Options: socket(7), tcp(7), udp(7), ip(7), ipv6(7), raw(7), with Linux's numbers, bounds and units.  One that is here does
 * what it says.  @return 0; -ENOPROTOOPT (not had), -EINVAL, -EDOM, -ENODEV, -ENOENT, -EPERM (*FORCE), -EFAULT
 */
int ol_setsockopt(struct ol_stack *stk, ol_sock s, int level, int name, const void *val, socklen_t len, ol_time now);
int ol_getsockopt(struct ol_stack *stk, ol_sock s, int level, int name, void *val, socklen_t *len, ol_time now);

/**
 * Queues bytes on a stream, or sends one datagram or raw packet.  Source: POSIX send(); RFC 9293 3.10.2.
 * @param flags  MSG_OOB of streams; MSG_MORE of streams and of UDP (pieces of one datagram, as under UDP_CORK);
 *               MSG_DONTWAIT and MSG_NOSIGNAL mean nothing here, MSG_EOR nothing of datagrams.  MSG_FASTOPEN of a stream,
 *               with an address (ol_sendmsg): a connect() and the send in one, Fast Open, RFC 7413, as Linux's tcp(7) and
 *               tcp_fastopen have it.  MSG_EOR of a stream: the last of these bytes ends a record.  No segment has bytes of both
 *               sides of that place, when first sent, sent again or used to probe the path's MTU; the peer's program sees no
 *               trace of it.  A call that could queue only a part has ended nothing: the one with the rest may.
 *               MSG_ZEROCOPY of a stream with SO_ZEROCOPY: the bytes are copied like any, and a notification follows that says
 *               so (ol_recvmsg); else it means nothing
 * @return       bytes queued, fewer than asked when a stream's queue fills; or
 *               -EAGAIN      queue full; OL_EV_OUT follows
 *               -ENOTCONN    never connected        -EPIPE       writing was shut down
 *               -ECONNRESET  reset by the peer; reported once, -EPIPE after
 *               -EMSGSIZE    datagram too long      -EDESTADDRREQ  no peer
 *               of a Fast Open: bytes that went with the SYN, while connecting; or what ol_connect says, -EINPROGRESS: none
 *               went; -EOPNOTSUPP: the setting tcp_fastopen has clients switched off
 *               -EOPNOTSUPP  MSG_OOB of a datagram                  -ENOBUFS  the pool is dry; MSG_ZEROCOPY: too many such
 *               writes are under way
 */
ssize_t ol_send(struct ol_stack *stk, ol_sock s, const void *buf, size_t len, int flags, ol_time now);
/**
 * Takes bytes of a stream, or one datagram.  Source: POSIX recv(); RFC 9293 3.10.3.
 * @param flags  MSG_PEEK, MSG_TRUNC, MSG_OOB, MSG_ERRQUEUE; MSG_DONTWAIT and MSG_WAITALL mean nothing here
 * @return       bytes taken, 0 at end of file; or -EAGAIN, -ENOTCONN, -ECONNRESET, ...
 */
ssize_t ol_recv(struct ol_stack *stk, ol_sock s, void *buf, size_t len, int flags, ol_time now);
/**
 * As ol_send and ol_recv with addresses and control messages (struct msghdr as in sendmsg(), recvmsg()).  Times are on
 * the caller's clock: of SO_TIMESTAMP and SO_TIMESTAMPNS, and of a stream's SO_TIMESTAMPING with RX_SOFTWARE and SOFTWARE, when the
 * datagram came, or the last byte that this call takes, or something put together with it that came later.  TCP_INQ of a
 * stream: each receiving call brings TCP_CM_INQ, an int, the bytes still in the queue after it and one more once the peer has
 * sent its FIN, so that 0 says "nothing to read".
 *
 * MSG_ERRQUEUE takes the oldest message of the socket's error queue; ol_poll says OL_EV_ERR while there is one; -EAGAIN: none.
 * Of a datagram socket these are errors (IP_RECVERR).  Of a stream, as struct sock_extended_err in IP_RECVERR or IPV6_RECVERR:
 *   SO_ZEROCOPY    ee_origin SO_EE_ORIGIN_ZEROCOPY, ee_code SO_EE_CODE_ZEROCOPY_COPIED: the writes with MSG_ZEROCOPY from number
 *                  ee_info to number ee_data (counted from 0 by each socket, over all its connections) are acknowledged and no
 *                  longer in memory, or were thrown away with their connection.  No payload.  Source: Linux's msg_zerocopy
 *   SO_TIMESTAMPING  ee_errno ENOMSG, ee_origin SO_EE_ORIGIN_TIMESTAMPING, ee_info SCM_TSTAMP_*; with SOFTWARE, SCM_TIMESTAMPING in
 *                  front of it.  Of the last byte of each write: TX_SCHED, when its segment was handed to the interface; TX_SOFTWARE,
 *                  when ol_stack_output gave it away; both again for each retransmission; TX_ACK, when all up to it was acknowledged.
 *                  With OPT_ID ee_data is the byte's number; byte 0 is the first one not acknowledged when OPT_ID was set, with
 *                  OPT_ID_TCP the next to be written, in a later connection its first.  The payload is the end of that write's
 *                  text, at most a segment of it, without headers; none with OPT_TSONLY.  OPT_CMSG has nothing to add, as streams
 *                  have no IP_PKTINFO.  All other flags, hardware's among them, are -EINVAL.  What waits costs memory up to
 *                  SO_RCVBUF; a stamp beyond that is not told.  Source: Linux's timestamping
 */
ssize_t ol_sendmsg(struct ol_stack *stk, ol_sock s, const struct msghdr *msg, int flags, ol_time now);
ssize_t ol_recvmsg(struct ol_stack *stk, ol_sock s, struct msghdr *msg, int flags, ol_time now);

/*
 * Zero copy on a stream: views into its queues, valid until the next call on the same stack.
 *   ol_recv_view   fills iov with what is readable, at most n pieces; returns pieces, 0 at end of file, -EAGAIN, ...
 *   ol_recv_done   takes len bytes off, as a read would, and opens the window
 *   ol_send_view   fills iov with free room of the send queue (at most want bytes); returns pieces or -EAGAIN, ...
 *   ol_send_done   queues the first len bytes of that room; flags as ol_send
 */
int ol_recv_view(struct ol_stack *stk, ol_sock s, struct iovec *iov, int n, ol_time now);
int ol_recv_done(struct ol_stack *stk, ol_sock s, size_t len, ol_time now);
int ol_send_view(struct ol_stack *stk, ol_sock s, size_t want, struct iovec *iov, int n, ol_time now);
int ol_send_done(struct ol_stack *stk, ol_sock s, size_t len, int flags, ol_time now);

/** What poll() would say now: OL_EV_* bits. */
unsigned ol_poll(struct ol_stack *stk, ol_sock s);
/** A change of readiness: which socket, its tag, and what poll() says now.  One event stands for all changes since the last. */
struct ol_event { ol_sock sock; unsigned ready; void *tag; };
/** The next event; false when there is none.  Sockets not yet accepted have none. */
bool ol_event_next(struct ol_stack *stk, struct ol_event *ev);
/** A pointer of the caller's that comes back with each event; NULL at birth. */
void ol_set_tag(struct ol_stack *stk, ol_sock s, void *tag);
void *ol_get_tag(struct ol_stack *stk, ol_sock s);

/** Bytes that can be read (SIOCINQ), bytes queued and not yet acknowledged (SIOCOUTQ), and free room for writing. */
size_t ol_readable(struct ol_stack *stk, ol_sock s);
size_t ol_unsent(struct ol_stack *stk, ol_sock s);
size_t ol_writable(struct ol_stack *stk, ol_sock s);
/** Is the next byte to read the urgent one?  1, 0, or -EINVAL.  Source: POSIX sockatmark(), SIOCATMARK. */
int ol_at_mark(struct ol_stack *stk, ol_sock s);
/** Connections that wait in a listener's accept queue. */
unsigned ol_backlog(struct ol_stack *stk, ol_sock s);

/** One row of a state table, for ss and its like.  Also orphans and TIME-WAIT records, whose sock is -1. */
struct ol_sock_info {
	ol_sock sock; uint32_t owner; void *tag;
	int domain, type, protocol;
	struct ol_endpoint local, remote;
	uint8_t state;				/* enum ol_tcp_state */
	uint8_t timer;				/* 0 off, 1 retransmit, 2 keepalive, 3 TIME-WAIT, 4 persist, 5 delayed ACK, 6 TLP, 7 reorder, 8 pacing */
	ol_time timer_at;			/* OL_NEVER: none */
	size_t recv_q, send_q;			/* as ss: bytes; of a listener: waiting and backlog */
	uint32_t cwnd, ssthresh, mss, snd_wnd, rcv_wnd;	/* bytes */
	int64_t srtt_ns, rttvar_ns, rto_ns;
	uint64_t bytes_sent, bytes_acked, bytes_received, retransmits;
	char congestion[16];
};
/** Walks all sockets: *cursor starts at 0; false past the last.  Sockets made or closed between calls may be missed. */
bool ol_sock_next(struct ol_stack *stk, uint64_t *cursor, struct ol_sock_info *info, ol_time now);

#endif
