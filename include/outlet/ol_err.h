#ifndef OUTLET_OL_ERR_H
#define OUTLET_OL_ERR_H
/*
 * What an operation of the stack's floors can fail with.  Above the transport floors these become POSIX errno values, in
 * one table (src/sock/sock_errno.c); the ol_* calls return them negated.
 */
enum ol_err {
	OL_OK = 0,
	OL_ERR_AGAIN,		/* EAGAIN: not now; an event will say when */
	OL_ERR_INVAL,		/* EINVAL */
	OL_ERR_NOMEM,		/* ENOBUFS or ENOMEM: the pool is dry */
	OL_ERR_ADDRINUSE,	/* EADDRINUSE: address and port taken */
	OL_ERR_ADDRNOTAVAIL,	/* EADDRNOTAVAIL: not an address of ours, or no port left */
	OL_ERR_NETUNREACH,	/* ENETUNREACH: no route */
	OL_ERR_HOSTUNREACH,	/* EHOSTUNREACH: ICMP said so, or the neighbour is silent */
	OL_ERR_HOSTDOWN,	/* EHOSTDOWN */
	OL_ERR_CONNREFUSED,	/* ECONNREFUSED: RST to our SYN, or ICMP port unreachable */
	OL_ERR_CONNRESET,	/* ECONNRESET: RST in a synchronized state */
	OL_ERR_CONNABORTED,	/* ECONNABORTED: gone before it was accepted, or a program's own abort */
	OL_ERR_TIMEDOUT,	/* ETIMEDOUT: no answer for too long */
	OL_ERR_PIPE,		/* EPIPE: the sending side is closed */
	OL_ERR_NOTCONN,		/* ENOTCONN */
	OL_ERR_ISCONN,		/* EISCONN */
	OL_ERR_MSGSIZE,		/* EMSGSIZE: the datagram is longer than can be sent */
	OL_ERR_ACCES,		/* EACCES: broadcast without SO_BROADCAST */
	OL_ERR_OPNOTSUPP,	/* EOPNOTSUPP */
	OL_ERR_PROTO,		/* EPROTO: ICMP parameter problem */
	OL_ERR_NOPROTOOPT,	/* ENOPROTOOPT: protocol unreachable, or an option not had */
	OL_ERR_MAX
};
#endif
