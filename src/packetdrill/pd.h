#ifndef PACKETDRILL_PD_H
#define PACKETDRILL_PD_H
/*
 * liboutlet-packetdrill.so: one stack as packetdrill's shared-object mode wants it (packetdrill --so_filename=...), in
 * virtual time.  Shared by its files:
 *	pd.c        entry, settings, the table of calls
 *	pd_time.c   the virtual clock, frames in and out, blocking calls
 *	pd_sock.c   socket calls
 *	pd_poll.c   poll, epoll, pipe, splice
 *	pd_preload.c  the same object in LD_PRELOAD: libc's getsockopt and sendfile on our descriptors
 *
 * Threads: packetdrill runs calls that a script marks as blocking on a second thread.  One mutex covers everything here; a
 * blocked call sleeps on a condition variable, and whoever makes its condition true stops the clock until it has left.
 */
#include <pthread.h>
#include <stdbool.h>
#include <sys/time.h>
#include <sys/types.h>
#include <outlet/ol_sock.h>
#include <outlet/ol_stack.h>

enum { PD_MAX_FDS = 1024, PD_MAX_WATCH = 64, PD_MAX_PKT = 65536 };
#define PD_START (INT64_C(1700000000) * OL_SEC)	/* where the virtual clock starts */
#define PD_PATIENCE (3600 * OL_SEC)		/* a call or a wait for a packet gives up after this */

enum pd_kind { PD_NONE, PD_SOCK, PD_EPOLL };
struct pd_watch {
	int fd;
	uint32_t events;
	uint64_t data;
	bool edge;				/* a change since it was last reported */
	bool spent;				/* EPOLLONESHOT: it was reported */
};
struct pd_fd {
	enum pd_kind kind;
	bool nonblock;
	ol_sock sock;
	struct pd_watch *watch;			/* PD_EPOLL: PD_MAX_WATCH places, fd -1 where free */
};

struct pd_out { struct ol_pkt *pkt; ol_time at; struct pd_out *next; };

struct pd {
	pthread_mutex_t lock;
	pthread_cond_t wake, left;		/* to the blocked call; from it */
	pthread_t main;
	struct ol_pool *pool;
	struct ol_stack *stk;
	int ifi[2];				/* tun4, tun6 */
	ol_time now;
	struct pd_out *out, **out_tail;		/* packets that left the stack */
	struct pd_fd fds[PD_MAX_FDS];
	struct pd_wait *waiting;		/* the second thread's blocked call, or NULL */
	unsigned n_gone;			/* woken calls that went on: the same one may block again at once */
	bool call_near;				/* the second thread read the clock and has not made its call yet */
};
extern struct pd *pd_current;			/* for the preload half: packetdrill has one at a time */

/* A blocked call: `ready` is asked again after each thing that happens. */
struct pd_wait {
	bool (*ready)(struct pd *pd, void *arg);
	void *arg;
	ol_time deadline;			/* OL_NEVER: none */
	bool woken;
	ol_time at;				/* when the condition became true */
};

void pd_lock(struct pd *pd);
void pd_unlock(struct pd *pd);
/** Lets virtual time pass up to `to`: each timer fires at its own deadline.  Locked. */
void pd_advance(struct pd *pd, ol_time to);
/** After anything that may have made packets, events or a blocked call ready.  Locked. */
void pd_settle(struct pd *pd);
/** Waits until ready() or the deadline; on the main thread time is moved on here.  False: the deadline passed.  Locked. */
bool pd_block(struct pd *pd, bool (*ready)(struct pd *, void *), void *arg, ol_time deadline);
/** When the condition of this thread's last call that blocked became true, once; else now.  Locked. */
ol_time pd_woken_at(struct pd *pd);
/** The blocked call, there is one, comes back as if its time were up.  Locked. */
void pd_give_up(struct pd *pd);
int pd_gettimeofday(void *u, struct timeval *tv, struct timezone *tz);
int pd_usleep(void *u, useconds_t usec);
int pd_netdev_send(void *u, const void *buf, size_t count);
int pd_netdev_receive(void *u, void *buf, size_t *count, long long *time_usecs);

/** The entry of this descriptor, or NULL (errno EBADF). */
struct pd_fd *pd_entry(struct pd *pd, int fd);
/** A real descriptor as placeholder, with a fresh entry; -1 and errno. */
int pd_fd_new(struct pd *pd, enum pd_kind kind);
/** Turns a negated errno into -1 and errno. */
ssize_t pd_ret(ssize_t r);

struct packetdrill_interface;
/** packetdrill_interface_init for who can be told: NULL, or why there is no stack; *ifc is untouched then. */
const char *pd_init(const char *flags, struct packetdrill_interface *ifc);
void pd_sock_calls(struct packetdrill_interface *ifc);
void pd_poll_calls(struct packetdrill_interface *ifc);
ssize_t pd_sock_recv(struct pd *pd, int fd, struct msghdr *msg, int flags);	/* locked; as recvmsg() */
ssize_t pd_sock_send(struct pd *pd, int fd, const struct msghdr *msg, int flags);
ssize_t pd_sendfile(struct pd *pd, int fd, int in, off_t *offset, size_t count);	/* as sendfile() of a file to one of ours */

#endif
