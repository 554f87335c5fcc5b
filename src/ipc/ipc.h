#ifndef IPC_IPC_H
#define IPC_IPC_H
/*
 * Messages between the service (outletd) and those who talk to it: guests' runners and tools.  One AF_UNIX SEQPACKET
 * connection each; a message is one packet: struct ipc_head, then a body by type; descriptors ride along as SCM_RIGHTS.
 * Both ends are on one machine, so numbers are in its own order.  The reader trusts nothing: ipc_recv checks lengths,
 * and every body is parsed by the functions below, which look at nothing outside it.
 *
 *	guest:  HELLO -> WELCOME | REFUSE     then  CALL -> REPLY (in any order, by id; CANCEL takes a call back)
 *	tool:   HELLO -> WELCOME | REFUSE     then  ASK  -> ANSWER, or DATA ... END
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define IPC_VERSION 4
#define IPC_MAX (128u * 1024)		/* bytes of a whole message: a 64 KiB datagram and to spare */
#define IPC_MAX_FDS 4

enum ipc_type {
	IPC_HELLO = 1,		/* body: struct ipc_hello; behind it the network file that is meant, a whole path, if one is */
	IPC_WELCOME,		/* body: JSON text about the network and the host */
	IPC_REFUSE,		/* body: one sentence that says what is wrong and what to do */
	IPC_CALL,		/* body: struct ipc_call and its bytes */
	IPC_REPLY,		/* body: struct ipc_reply and its bytes; a new socket's descriptor rides along */
	/* no body; the call with this id is given up (its reply still comes: -EINTR or its result) */
	IPC_CANCEL,
	IPC_ASK,		/* body: JSON {"verb": ..., ...} */
	IPC_ANSWER,		/* body: JSON; {"error": "sentence"} where it failed */
	IPC_DATA,		/* body: bytes of a stream (a live capture, events), each message a piece */
	IPC_END,		/* body: JSON; the stream is over */
};

struct ipc_head { uint32_t len; uint16_t type; uint16_t n_fds; uint64_t id; };	/* len: whole message */

enum { IPC_ROLE_GUEST = 1, IPC_ROLE_TOOL = 2 };
struct ipc_hello {
	uint32_t version; uint32_t role;
	int32_t pid;			/* of the program's first process; for people only */
	char program[64];		/* "curl"; for people and for the host's name */
	char host[64];			/* the wanted host, "" for one of its own */
};

/* A socket call of a guest.  `sock` is the number in the descriptor's abstract name (see ipc_sock_name). */
enum ipc_op {
	IPC_OP_SOCKET = 1,	/* args domain, type (without flags), protocol -> fd; ret: the new socket's number */
	IPC_OP_BIND,		/* in: sockaddr */
	IPC_OP_CONNECT,		/* in: sockaddr; flags NONBLOCK: answered at once.  Where the answer is -EINPROGRESS
				   the runner sends IPC_PLUG_LEN bytes (MSG_NOSIGNAL) down the guest's end before it
				   lets the guest go on (never after 0, -EALREADY, -EISCONN or another error), so that
				   poll says nothing until the service takes them off or closes its end.  extra: a call
				   that waited ends and the attempt goes on: the runner sends them, too */
	IPC_OP_LISTEN,		/* args backlog.  After 0 the runner plugs the guest's end and shuts its writing down, so
				   that a listener is not writable */
	IPC_OP_ACCEPT,		/* flags NONBLOCK -> fd, out: sockaddr; ret: the new socket's number;
				   extra: connections still waiting.  The runner then takes one token byte off the
				   listener; with -EAGAIN it takes off as many as extra says (they were of connections
				   that are gone) */
	IPC_OP_SHUTDOWN,	/* args how; extra: it was a listener, whose end is not to be shut down */
	IPC_OP_GETSOCKNAME, IPC_OP_GETPEERNAME,	/* out: sockaddr */
	IPC_OP_SETSOCKOPT,	/* args level, name; in: value */
	IPC_OP_GETSOCKOPT,	/* args level, name, length; in: the value, where it asks for something -> out: value */
	IPC_OP_SENDTO,		/* args MSG_ flags; name_len bytes of sockaddr first, then ctl_len bytes of control
				   messages, then the datagram.  MSG_FASTOPEN of a stream: answered with the bytes that
				   went with the SYN (at once with NONBLOCK, then as a CONNECT that is under way), or 0
				   where the connection is made and the runner is to write them all */
	IPC_OP_RECVERR,		/* one entry of the error queue: out: sockaddr, control messages, data; extra: more errors wait */
	IPC_OP_IOCTL,		/* args command; in/out: its argument (struct ifreq, int, struct ifconf's array) */
	IPC_OP_PROCNET,		/* in: name of a file of /proc/net -> fd for reading; -EXDEV: the machine's is the right one */
	IPC_OP_MAX
};
enum {
	IPC_CALL_NONBLOCK = 1,
	IPC_CALL_TOLD = 2,	/* its descriptor has no error, so one that was raised there was met */
};
struct ipc_call {
	uint16_t op, flags; uint32_t sock;
	int32_t pid;			/* process that called, for state tables */
	int32_t arg[3];
	uint32_t name_len, ctl_len;	/* of the bytes that follow; the rest is data */
	int64_t timeout_ns;		/* of a blocking call: SO_RCVTIMEO / SO_SNDTIMEO; 0: for ever */
};
struct ipc_reply {
	int32_t ret;			/* >= 0, or a negated errno */
	uint32_t name_len, ctl_len;	/* of the bytes that follow; the rest is data */
	uint32_t extra;
};

/*
 * The descriptor a guest gets is one end of an AF_UNIX pair (SOCK_STREAM for streams and listeners, SOCK_DGRAM for UDP,
 * SOCK_SEQPACKET for raw and netlink, and for UDP where the service cannot have it otherwise).  The service binds that end to
 * an abstract name, so that whoever is handed the descriptor by fork, exec, dup or SCM_RIGHTS can tell with getsockname whose
 * it is: "\0outlet/<service pid>/<kind>/<number>".
 */
enum { IPC_KIND_STREAM = 's', IPC_KIND_DGRAM = 'd', IPC_KIND_RAW = 'r', IPC_KIND_NETLINK = 'n' };
struct ipc_sock_name { int32_t service; char kind; uint32_t sock; };
struct sockaddr_un;
socklen_t ipc_sock_name_put(struct sockaddr_un *un, const struct ipc_sock_name *n);
bool ipc_sock_name_get(const struct sockaddr_un *un, socklen_t len, struct ipc_sock_name *n);

/*
 * Metadata of a datagram for an unconnected socket.  The guest must get exactly the payload, even by plain read(); so
 * the sender's address does not ride in front of it but beside it: as an SCM_RIGHTS descriptor of a sealed memfd that
 * holds this struct (the service keeps one per distinct value).  A plain read drops it; the runner's recvmsg reads
 * it.
 */
struct ipc_meta {
	struct sockaddr_storage from; uint32_t from_len;
	struct sockaddr_storage to; uint32_t to_len;	/* where it was sent to: IP_PKTINFO */
	int32_t ifi; uint8_t ttl, tos; uint16_t want;	/* want: IPC_WANT_* control messages the socket asked for */
	int64_t time_ns;				/* since 1970; 0 where no time is wanted */
	uint32_t mtu;					/* IPC_WANT_PATHMTU: of the path to `from`; no datagram came */
	uint8_t opts_len, opts[40], back_len, back[40];	/* of the IPv4 header, and those to answer with */
};
enum { IPC_WANT_PKTINFO = 1, IPC_WANT_TTL = 2, IPC_WANT_TOS = 4, IPC_WANT_PKTINFO6 = 8, IPC_WANT_TIME = 16, IPC_WANT_TIME_NS = 32,
       IPC_WANT_PATHMTU = 64, IPC_WANT_OPTS = 256, IPC_WANT_RETOPTS = 512 };

#define IPC_PLUG_LEN 120000u	/* bytes of plug that a non-blocking connect leaves in the guest's send queue */

/** Where networks of this user live: $XDG_RUNTIME_DIR/outlet or /tmp/outlet-UID (made 0700, checked to be ours). */
int ipc_dir(char *buf, size_t len);
/** The path of a network's file there: suffix ".sock", ".log", ".lock".  -EINVAL: not a network's name. */
int ipc_path(char *buf, size_t len, const char *net, const char *suffix);
#define IPC_NET_DEFAULT "default"
#define IPC_NET_NAME_MAX 48
bool ipc_net_name_ok(const char *net);
/**
 * A blocking connection to the service of a network, past HELLO.  Where none runs and `spawn` is set, one is started.
 * @param text  receives WELCOME's JSON text, or the sentence that says what is wrong and what to do
 * @return a descriptor (CLOEXEC); -ESRCH not running, -ECONNREFUSED refused, or another negated errno
 */
/* file: NULL, or the network file to start with */
struct ipc_where { const char *net; const char *file; bool spawn; };
int ipc_connect(const struct ipc_where *where, const struct ipc_hello *hello, char *text, size_t text_len);
/** Sends one message; -EAGAIN when the other side does not read, or another negated errno. */
int ipc_send(int fd, enum ipc_type type, uint64_t id, const void *a, size_t a_len, const void *b, size_t b_len,
	     const int *fds, int n_fds);
/**
 * Receives one message into buf (IPC_MAX bytes).  @return body length >= 0; -EAGAIN; -ECONNRESET at the end; -EBADMSG
 * when it is malformed.  *body points into buf.  Received descriptors (CLOEXEC) are the caller's.
 */
int ipc_recv(int fd, void *buf, struct ipc_head *head, const uint8_t **body, int *fds, int *n_fds);
/** Checks a CALL's or REPLY's body and points at its parts; false: malformed. */
struct ipc_bytes { const uint8_t *p; size_t len; };
bool ipc_call_parse(const uint8_t *body, size_t len, struct ipc_call *call, struct ipc_bytes *name,
		    struct ipc_bytes *ctl, struct ipc_bytes *data);
bool ipc_reply_parse(const uint8_t *body, size_t len, struct ipc_reply *reply, struct ipc_bytes *name,
		     struct ipc_bytes *ctl, struct ipc_bytes *data);
bool ipc_hello_parse(const uint8_t *body, size_t len, struct ipc_hello *hello, struct ipc_bytes *file);

#endif
