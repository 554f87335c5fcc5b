#ifndef HOST_SVC_H
#define HOST_SVC_H
/*
 * The service: what its files share.  One struct svc holds the hosts and wires of one network, the guests' sockets
 * and the connections of runners and tools.  Everything runs in one thread on one loop; nothing here ever blocks on a
 * guest.
 *
 *	client.c  connections of runners and tools: HELLO, messages in and out
 *	call.c    a guest's calls, one handler per operation; wait.c holds those that must wait
 *	gsock.c   a guest's socket: number, descriptor pair, end; data: stream.c, dgram.c, netlink.c
 *	dpair.c   the pair of a datagram socket: errors raised at the guest's end, its last close
 *	vhost.c   a host: its stack, interfaces, turns        wires.c  the wires between hosts
 *	net.c     a network out of a network file             netfile.c reads one
 *	dns.c     answers a DNS query out of a table          resolver.c lends it to every host
 *	verb*.c   what tools ask
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <outlet/ol_sock.h>
#include <outlet/ol_stack.h>
#include <outlet/ol_wire.h>
#include "base/check.h"
#include "base/list.h"
#include "base/rng.h"
#include "host/loop.h"
#include "ipc/ipc.h"

/* Bounds, each on something that a guest, a tool or a wire could otherwise let grow. */
#define SVC_MAX_CLIENTS		4096u		/* runners and tools at once */
#define SVC_MAX_HOSTS		4000u		/* fewer than a wire has ports */
#define SVC_MAX_TOMBS		1024u		/* sockets that failed and may still be asked why */
#define SVC_MAX_WAITS		4096u		/* calls of one client that wait */
#define SVC_MAX_OUTBOX		(8u << 20)	/* bytes of messages that one client has not read */
#define SVC_MAX_POOL		(1u << 30)	/* bytes of packets of the whole network */
#define SVC_MAX_TOKENS		128u		/* token bytes in a listener's pair */
#define SVC_MAX_ROUNDS		64u		/* of settling in one turn of the loop */
#define SVC_MAX_FRAMES		4096u		/* that one host may put out in one round */
#define SVC_PAIR_SNDBUF		(128 * 1024)	/* of our end: received bytes that may lie in a pair, unread */
/* Of the guest's end: four times what one sendfile puts into a packet, since a byte of the last stays unread.
   IPC_PLUG_LEN must fill a quarter of it. */
#define SVC_PAIR_APPBUF		212992
#define SVC_GRACE		(1 * OL_SEC)	/* that an idle network waits before it goes */
#define SVC_FD_RESERVE		64u		/* descriptors kept for other things than guests' sockets */
#define SVC_NAME_MAX		63u
#define SVC_MAX_NICS		16u

struct svc;
struct vhost;
struct wire;
struct client;
struct gsock;
struct tap;
struct sighting;
struct dpairs;
struct json_t;

/* Whom a socket of a stack belongs to: its tag points at one of these. */
struct holder { void (*event)(struct holder *h, unsigned ready); bool guest; };

/* ---- wires ------------------------------------------------------------------------------------------------------- */
struct line;
struct wire_port { struct vhost *host; int ifi; struct tap *tap; struct line *from, *to; };	/* from, to: of serial wires */
struct wire {
	struct svc *svc;
	struct list node, dirty;
	struct alarm alarm;
	char name[SVC_NAME_MAX + 1];
	struct ol_wire *w;
	uint8_t link;				/* enum ol_link */
	bool strict;
	bool outside;			/* a machine's kernel is on it, too: who knows what is behind */
	uint32_t mtu;
	struct wire_port *ports;		/* by the wire's port number */
	unsigned n_ports;
	/* IPv4, IPv6: for hosts without an address */
	struct { struct ol_addr net; unsigned plen; uint32_t next; } subnet[2];
	uint64_t befell[OL_WIRE_FAULTS];
};
struct wire *wire_new(struct svc *svc, const char *name, uint8_t link, bool strict, uint32_t mtu, uint64_t seed);
void wire_free(struct wire *w);
struct wire *wire_find(struct svc *svc, const char *name);
/** Plugs a host's interface or a TAP in; the port's number or a negated errno. */
int wire_plug(struct wire *w, struct vhost *host, int ifi, struct tap *tap);
void wire_unplug(struct wire *w, unsigned port);
void wire_touch(struct wire *w);		/* something may have to be carried */
void wire_turn(struct wire *w);			/* carries what has arrived */
/** A frame of a serial wire as it came to a host's interface: those who watch are told what lay in its bytes. */
void wire_watched(struct wire *w, unsigned port, struct sighting *what);
void wire_send(struct wire *w, unsigned port, struct ol_pkt *pkt);
/** The next address of the wire's subnet that nobody has; false: none left or no subnet. */
bool wire_next_addr(struct wire *w, int family, struct ol_addr *out, unsigned *plen);

/* ---- hosts ------------------------------------------------------------------------------------------------------- */
struct nic { struct wire *wire; unsigned port; };
struct vhost {
	struct svc *svc;
	struct list node, dirty, gsocks;
	struct alarm alarm, reap;
	char name[SVC_NAME_MAX + 1];
	struct ol_stack *stk;
	bool of_file;				/* stays; made for a run, it goes with its last guest and connection */
	bool forwarding;
	unsigned n_clients;			/* runners on it */
	struct nic nic[SVC_MAX_NICS + 2];	/* by interface index */
	struct resolver *resolver;
};
struct vhost *vhost_new(struct svc *svc, const char *name, const struct ol_config *cfg);
void vhost_free(struct vhost *h);
struct vhost *vhost_find(struct svc *svc, const char *name);
/** Adds an interface and plugs it into the wire; its index or a negated errno.  mac NULL: one of its own. */
int vhost_attach(struct vhost *h, struct wire *w, const char *ifname, const struct ol_mac *mac, uint32_t mtu);
void vhost_touch(struct vhost *h);		/* after every call into its stack */
bool vhost_turn(struct vhost *h);		/* timers, frames out, events; true: not done */
void vhost_input(struct vhost *h, int ifi, struct ol_pkt *pkt);
void vhost_input_batch(struct vhost *h, int ifi, struct ol_pktq *frames);	/* takes all of them */
void vhost_left(struct vhost *h);		/* a guest or connection went: is it time to go? */
/** The next socket of the host's programs, and of connections that outlive them (*gs NULL); cursor as ol_sock_next's. */
bool vhost_sock_next(struct vhost *h, uint64_t *cursor, struct ol_sock_info *i, struct gsock **gs);
/** Does any host of the network have this address? */
struct vhost *vhost_by_addr(struct svc *svc, const struct ol_addr *a, int *ifi);

/* ---- guests' sockets --------------------------------------------------------------------------------------------- */
enum gsock_phase {
	GS_FRESH,				/* not connected, not listening; datagram sockets stay here */
	GS_CONNECTING, GS_OPEN, GS_LISTEN,
	GS_TOMB,				/* our end is closed; answers why and who it was */
};
struct gsock {
	struct holder holder;			/* first: a stack's tag points here */
	struct watch watch;			/* our end of the pair */
	struct list node;			/* of its host */
	struct list tomb;			/* of all tombs, oldest first */
	struct list listening; uint16_t listen_port;	/* closes.c */
	struct gsock *next;			/* of its hash chain */
	struct vhost *host;			/* NULL: the host is gone (tombs) */
	struct client *client;			/* whose run made it; NULL when that is over */
	struct list of_client;
	struct list waits;			/* calls that wait for it, oldest first */
	uint32_t num;
	ol_sock sock;				/* -1: closed */
	int32_t pid;
	uint32_t inode;				/* of the guest's end, as its /proc shows it */
	int domain, type, protocol;
	char kind;
	uint8_t phase;				/* enum gsock_phase */
	bool can_in, can_out;			/* our end may be read, written: since the last edge */
	bool rdhup, gone;			/* the guest sends no more; nobody holds its end */
	bool aborted;				/* it closed with bytes unread */
	bool peer_eof;				/* the peer's FIN was passed on */
	bool deaf;				/* the guest shut its reading down: received bytes are thrown away */
	bool told_shut;				/* a call shut its writing down: HUP need not be the last close */
	bool eof_sent;				/* the guest's end of file was passed on */
	/* For captures: where it connects to, how it was shut down, its last setsockopt. */
	struct ol_endpoint to;
	uint8_t shut_how;
	struct { int level, name, value; bool is_int; } opt;
	bool oobinline;				/* SO_OOBINLINE: the guest's end does it, the stack's socket never */
	/* the stack reported an error; ends once what was received is delivered */
	bool failed;
	bool plain;				/* datagrams go without metadata: it is connected and asked for none */
	bool deferred;				/* TCP_FASTOPEN_CONNECT: OPEN to the guest, but no SYN has gone */
	uint32_t plug_left;			/* bytes of plug still to be thrown away */
	uint32_t tokens;			/* token bytes that lie in a listener's pair */
	int so_error;				/* kept after the stack's socket is gone, or got by the way */
	struct parcel *held;			/* a datagram that did not fit */
	struct list by_wd; int wd;		/* dpair.c: 0: a SEQPACKET pair */
	bool raise;				/* so_error is to be raised at the guest's end */
	bool raised;				/* it was; the kernel knows whether it was told */
	struct nl_sock *nl;			/* netlink */
	struct sockaddr_storage local, remote;	/* tombs */
	socklen_t local_len, remote_len;
};
/**
 * A guest's socket over `sock` (-1: netlink) and its pair; *app is the guest's end, for the reply, to be closed then.
 * On failure (a negated errno) the stack's socket is closed.
 */
int gsock_new(struct gsock **out, int *app, struct vhost *h, struct client *cl, int32_t pid, int domain, int type,
	      int protocol, ol_sock sock);
struct gsock *gsock_find(struct svc *svc, uint32_t num);
/** Our end is read or written as far as it goes.  Called before every control call on it. */
void gsock_pump(struct gsock *gs);
/** Closes both ends and keeps a tomb: `rst` leaves a byte unread, so that the guest sees ECONNRESET. */
void gsock_bury(struct gsock *gs, bool rst);
/** As bury, and nothing remains; but the struct stays until gsock_reap, so that handlers may go on holding it. */
void gsock_free(struct gsock *gs);
void gsock_reap(struct svc *svc);
void gsock_touch(struct gsock *gs);
/** Bytes of its own the guest has written and we have not read. */
size_t gsock_unread(struct gsock *gs);

/* stream.c */
void stream_event(struct holder *h, unsigned ready);
void stream_pair_ready(struct gsock *gs, uint32_t events);
void stream_pump(struct gsock *gs);
/** Asks the stack again how connect() went: 0 once it is told, why it failed, or -EISCONN when it was told before. */
int stream_outcome(struct gsock *gs);
/** Throws away up to n bytes of what the guest wrote; returns how many.  The last stays, as ever. */
size_t stream_skip(struct gsock *gs, size_t n);
/** fastopen.c: the guest wrote to a connection whose SYN was to wait for that.  May end the socket. */
void stream_begin_deferred(struct gsock *gs);
/** fastopen.c: sendto(MSG_FASTOPEN) of a stream. */
struct call;
void call_send_fast(struct call *c);
/* listener: tokens and waiting accepts */
void listen_pump(struct gsock *gs);
/* dgram.c */
void dgram_event(struct holder *h, unsigned ready);
void dgram_pair_ready(struct gsock *gs, uint32_t events);
void dgram_pump(struct gsock *gs);
void dgram_drop_held(struct gsock *gs);
/**
 * One message into the pair, meta (may be NULL) beside it; false: the pair is full.  What else may go wrong loses it.
 */
bool dgram_pass(struct gsock *gs, const void *bytes, size_t len, const struct ipc_meta *meta);
/** An error without a call that could tell it: SO_ERROR's, and raised at the guest's end. */
void dgram_fault(struct gsock *gs, int err);
/* dpair.c */
struct dpairs *dpairs_new(struct svc *s);
void dpairs_free(struct dpairs *d);
/** A pair for datagrams; sv[1] is the guest's, and its last close comes as EPOLLHUP.  0 or a negated errno. */
int dpair_new(struct svc *s, struct gsock *gs, int sv[2]);
void dpair_end(struct svc *s, struct gsock *gs);
/** Hears of the last closes that were not told of yet. */
void dpairs_hear(struct svc *s);
/** Makes the guest's end fail once.  What it wrote must have been read.  False: this pair cannot. */
bool dpair_raise(struct gsock *gs);
/* closes.c */
/** Hears of the closes on a host that were not told of yet. */
void closes_hear(struct vhost *h);
/** Of those of listeners at this port, on any host of the network: what is connected to after a close is refused. */
void closes_hear_listeners(struct svc *s, uint16_t port);
void closes_listening(struct gsock *gs);	/* it listens now */
/* netlink.c */
int nl_open(struct gsock *gs);
void nl_close(struct gsock *gs);
void nl_pair_ready(struct gsock *gs, uint32_t events);
void nl_pump(struct gsock *gs);

/* meta.c: one sealed memfd per distinct struct ipc_meta, the last 256 */
struct meta_cache;
struct meta_cache *meta_cache_new(void);
void meta_cache_free(struct meta_cache *c);
/** A descriptor that holds *m, the cache's own; or -1 when the machine gives none. */
int meta_fd(struct meta_cache *c, const struct ipc_meta *m);

/* ---- clients and calls ------------------------------------------------------------------------------------------- */
struct client {
	struct svc *svc;
	struct watch watch;
	struct list node, waits, gsocks;
	unsigned n_waits;
	bool greeted, dead;
	uint32_t role;
	int32_t pid;
	char program[64];
	struct vhost *host;
	struct list outbox;			/* messages that did not fit, oldest first */
	size_t outbox_bytes;
	struct stream *stream;			/* what it watches: capture, events, ping */
};
bool client_host_name_ok(const char *name);
void client_accept(struct watch *w, uint32_t events);
/** Sends or queues a message; takes fd (-1: none).  A client that does not read is let go of. */
void client_send(struct client *cl, enum ipc_type type, uint64_t id, const void *a, size_t a_len, const void *b,
		 size_t b_len, int fd);
void client_drop(struct client *cl);
void client_reap(struct svc *svc);		/* frees the dropped */

/* One call under way.  The bytes are a loan of the message, until the handler returns. */
struct call {
	struct client *cl;
	uint64_t id;
	struct ipc_call c;
	struct ipc_bytes name, ctl, data;
	struct gsock *gs;
};
/* A call that waits for its socket. */
struct wait {
	struct list of_sock, of_client;
	struct alarm alarm;
	struct client *cl;
	struct gsock *gs;
	uint64_t id;
	uint16_t op, flags;
	int32_t pid;
	uint8_t *body;				/* SENDTO: the call's body, kept */
	size_t body_len;
	int late;				/* the answer when the time is up */
	int done;				/* CONNECT of a Fast Open: the answer when it worked */
};
void call_in(struct client *cl, uint64_t id, const uint8_t *body, size_t len);
/** What a reply carries besides its value. */
struct answer { const void *name; size_t name_len; const void *ctl; size_t ctl_len; const void *data; size_t data_len;
		uint32_t extra; int fd; };	/* fd: taken; -1: none */
void call_reply(struct client *cl, uint64_t id, int ret, const struct answer *with);
static inline void call_ret(const struct call *c, int ret) { call_reply(c->cl, c->id, ret, NULL); }
/**
 * Makes the call wait; the reply comes when somebody calls wait_end.  At its timeout it is answered `late`.  NULL:
 * answered.
 */
struct wait *wait_new(const struct call *c, int late);
/** For those who watch: what is answered from here on is this call's; the caller puts svc->current back to what is returned. */
const struct call *wait_shown(const struct wait *w, struct call *seen);
/** Answers and frees. */
void wait_end(struct wait *w, int ret);
void wait_free(struct wait *w);
/** Answers all calls of kind op (0: any) that wait for gs. */
void wait_end_all(struct gsock *gs, uint16_t op, int ret);
void wait_cancel(struct client *cl, uint64_t id);
/** Accepts one connection for a caller; the reply is sent unless it is -EAGAIN. */
int call_accept(struct gsock *gs, struct client *cl, uint64_t id, int32_t pid);
/** Tries a waiting SENDTO again; true: answered, and the wait is gone. */
bool call_resend(struct wait *w);
/** ioctl.c: answers an ioctl out of the host's interfaces and the socket's queues. */
void call_ioctl(struct call *c);

/* ---- tools ------------------------------------------------------------------------------------------------------- */
void verb_in(struct client *cl, uint64_t id, const uint8_t *body, size_t len);
/* What a tool watches.  Whoever makes one embeds it. */
struct stream {
	struct list node;			/* of svc->streams */
	struct svc *svc;
	struct client *cl;			/* NULL: a capture that the network file asked for */
	uint64_t id;
	bool is_events;
	void (*close)(struct stream *s);	/* the tool hung up; unlinks and frees it */
	void (*room)(struct stream *s);		/* the tool has read what waited; may be NULL */
	void (*host_gone)(struct stream *s, struct vhost *h);	/* may be NULL */
	void (*frame)(struct stream *s, const struct sighting *seen);	/* NULL: not interested */
};

/* A frame as somebody may watch it: at a host's interface or on a wire. */
struct sighting {
	struct vhost *host; int ifi;		/* host NULL: on a wire */
	struct wire *wire; const struct ol_wire_seen *on_wire;
	bool out;				/* the host sends it */
	const struct ol_pkt *pkt;
	const struct ol_verdict *verdict;	/* of a frame that came in, else NULL */
};

/* ---- the service ------------------------------------------------------------------------------------------------- */
struct svc {
	struct loop loop;
	char net[IPC_NET_NAME_MAX + 1];
	char file[4096], log[4096], sock_path[4096], lock_path[4096];
	struct watch listener;
	const struct call *current;		/* the call being handled, for those who watch */
	struct list clients, dead_clients, hosts, wires, tombs, streams;
	struct list dirty_hosts, dirty_wires, dead_gsocks, listening;
	unsigned n_clients, n_guests, n_hosts, n_tombs, n_gsocks;
	unsigned n_streams, n_watchers;		/* tools that watch; those among them that want frames */
	struct alarm grace;
	bool pinned;
	struct ol_pool *pool;
	struct ol_config *defaults;
	uint8_t seed[16];
	bool seeded;				/* by the network file */
	struct rng rng;
	struct wire *guest_wire;		/* where a host made for a run is plugged in; NULL: none */
	struct gsock **hash; size_t hash_size;
	uint32_t next_num;
	uint32_t next_mac;
	unsigned max_fds;
	struct meta_cache *meta;
	struct dpairs *dpairs;
	struct ol_addr dns[8]; unsigned n_dns;	/* where programs look for a name server */
	ol_time born;
	uint8_t *msg, *reply;			/* IPC_MAX bytes each: the message being read, the one being made */
	uint8_t *scratch;			/* SCRATCH_LEN bytes for one datagram or piece of stream */
	bool set_appbuf;			/* this machine's default for SO_SNDBUF is not the one we count on */
};
#define SCRATCH_LEN (256u * 1024)

/** The network out of a file (NULL: the default one).  0, or a negated errno and a sentence. */
int svc_init(struct svc *s, const char *net, const char *file, char *why, size_t why_len);
int svc_listen(struct svc *s, char *why, size_t why_len);
void svc_fini(struct svc *s);
/** What is added to the loop's time to make it one since 1970; ns. */
int64_t svc_epoch(struct svc *s);
void svc_idle(struct svc *s);			/* a guest or tool left: shall the network go? */
__attribute__((format(printf, 2, 3))) void svc_log(struct svc *s, const char *fmt, ...);

#endif
