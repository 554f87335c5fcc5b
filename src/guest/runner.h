#ifndef GUEST_RUNNER_H
#define GUEST_RUNNER_H
/*
 * What the files of the guest side share.  The runner is one thread and one epoll loop.  A caught call is a struct call
 * from the moment it is received until it is answered; at every moment it is in exactly one state:
 *
 *	handled		its handler runs, which ends by putting it into one of the other states
 *	asked		the service was asked (by_id); the reply goes to call->replied
 *	waiting		for our duplicate of its descriptor, or for time (waiting); then call->retry runs
 *	abandoned	the thread no longer waits (a signal, its death) but the service's reply is still to come
 *	answered	gone: answered, or told to continue in the kernel, and freed
 *
 * A thread has at most one call, so a second one from the same thread says that the first was interrupted.
 *
 * Signals.  Where the kernel can (Linux 5.19), a thread whose call we have received is not interrupted any more: a
 * bind that was done and then restarted would fail, a datagram be sent twice.  Calls that take long must be
 * interruptible all the same, so for those the runner looks for signals and then ends them as the kernel would, by
 * ERESTARTSYS.  On older kernels every call can be interrupted, at the price named.
 */
#include "base/list.h"
#include "guest/task.h"
#include "ipc/ipc.h"
#include "outlet/ol_time.h"
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct runner;
struct call;

/* Something in the epoll set: what to do when it is ready. */
struct watch { void (*ready)(struct runner *r, struct watch *w, uint32_t events); };

/*
 * The service's reply, taken apart.  fd: a new socket, or -1; whoever keeps it sets it to -1, the rest is closed.  The
 * call may be abandoned by then: then it must neither ask nor wait again, and answering it frees it.
 */
struct reply { struct ipc_reply head; struct ipc_bytes name, ctl, data; int fd; };
typedef void (*replied_fn)(struct runner *r, struct call *c, struct reply *reply);
typedef void (*retry_fn)(struct runner *r, struct call *c);

struct call {
	struct list by_tid, by_id, waiting;
	uint64_t notif;				/* the kernel's name for the waiting thread's call */
	uint64_t id;				/* ours, towards the service; 0: not asked */
	pid_t tid;
	int nr;
	uint64_t arg[6];
	int fd;					/* our duplicate of the descriptor in arg[0], or -1 */
	struct ipc_sock_name name;		/* whose it is; sock 0: none of ours */
	bool nonblock;
	bool dissolves;				/* a connect() to nobody */
	int taken;				/* the error that call_take_error found at the descriptor */
	bool abandoned;
	bool cancelled;				/* taken back from the service because of a signal; its reply decides */
	bool armed;				/* its duplicate is in the epoll set */
	uint32_t events;			/* that it waits for; 0: only for time */
	ol_time deadline;			/* of the call: SO_RCVTIMEO and the like; OL_NEVER */
	ol_time wake;				/* of the next attempt, deadline or earlier */
	int pidfd;				/* while it may take long: watches for the thread's death; or -1 */
	struct watch on_fd, on_death;
	replied_fn replied;
	retry_fn retry;
	void *state;				/* its handler's, over a wait; from malloc, freed with the call */
};

enum { CALL_HASH = 256 };

struct runner {
	int ep, notify, service;		/* service -1: gone */
	int32_t service_pid;			/* in the names of its descriptors */
	struct watch on_notify, on_service;
	struct task_cache tasks;
	struct list by_tid[CALL_HASH], by_id[CALL_HASH];
	struct list waiting;			/* calls that may take long, oldest first */
	struct list outbox;			/* messages the service did not take yet */
	struct list put_back;			/* accepted connections whose caller was gone */
	uint64_t last_id;
	bool killable;				/* only death takes a thread out of a call that was received */
	ol_time sweep, sweep_step;		/* when to look for interrupted calls; OL_NEVER: none may take long */
	bool told_unreadable, told_service_gone;
	struct seccomp_notif *req;		/* of the kernel's size, which may be larger than ours */
	size_t req_len;
	uint8_t *in;				/* IPC_MAX bytes: the message being read */
	uint8_t *buf;				/* RUNNER_BUF bytes: scratch of the handler that runs */
};
enum { RUNNER_BUF = 96 * 1024 };

int runner_init(struct runner *r, int notify, int service, bool killable);
void runner_fini(struct runner *r);
/** One turn of the loop: waits for one event and handles it. */
void runner_turn(struct runner *r);
int runner_watch(struct runner *r, int fd, uint32_t events, struct watch *w);
ol_time runner_now(void);

/* The ways a handler ends.  Each takes the call. */
void call_continue(struct runner *r, struct call *c);			/* let the kernel do it */
void call_answer(struct runner *r, struct call *c, int64_t ret);	/* ret < 0: a negated errno */
/** Puts fd into the program, as the call's result.  Takes fd and call; on failure (negated errno) neither. */
int call_give(struct runner *r, struct call *c, int fd, bool cloexec);
/** Only puts fd into the program, whose call goes on.  @return its number there, or a negated errno */
int call_install(struct runner *r, struct call *c, int fd, bool cloexec);
/** Asks the service; b is copied.  *m needs op, flags, arg and the lengths; the rest is filled in. */
void call_ask(struct runner *r, struct call *c, struct ipc_call *m, const void *b, size_t len, replied_fn replied);
/** Waits for events on the duplicate (0: none), at most until `wake`, then retries. */
void call_wait(struct runner *r, struct call *c, uint32_t events, ol_time wake, retry_fn retry);

bool call_alive(struct runner *r, const struct call *c);
/** Marks the call as one that may take long, so that its interruption is noticed. */
void call_may_block(struct runner *r, struct call *c);
/** Whether a call that finds nothing may wait for it, and what it answers when it may not. */
bool call_may_wait(const struct call *c);
int call_no_wait(const struct call *c);
/** Sets deadline from SO_RCVTIMEO or SO_SNDTIMEO of the duplicate. */
void call_set_deadline(struct call *c, int option);

/**
 * The error that waits at the descriptor is taken off it, into c->taken.  The flags with which the service is asked for
 * its true name: 0, or IPC_CALL_TOLD where there is none (any more).
 */
unsigned call_take_error(struct call *c);
/** Asks the service for SO_ERROR, the true name of an error that was taken; and what it said: 0 or an errno. */
void call_ask_error(struct runner *r, struct call *c, replied_fn replied);
int call_error_of(const struct reply *reply);

/**
 * Whether the socket was ever connected, or asked to be: what the service knows and each message would have to ask for.  It is noted at
 * the descriptor itself, in its SO_PRIORITY, which the program's own never reaches; so it holds in every process and under every runner.
 */
void note_connected(int fd, bool yes);
bool is_connected(const struct call *c);

/* Memory of the caller, and what is often done with it. */
int call_read(const struct call *c, void *buf, uint64_t addr, size_t len);
int call_write(struct runner *r, const struct call *c, uint64_t addr, const void *buf, size_t len);
/** Reads a socket address.  @return its length, or -EINVAL, -EFAULT */
int call_read_addr(const struct call *c, struct sockaddr_storage *ss, uint64_t addr, uint64_t len);
/** Writes an address as getsockname does: cut to *lenp, and the whole length there.  addr 0: nothing. */
int call_write_addr(struct runner *r, const struct call *c, uint64_t addr, uint64_t lenp, const void *name, size_t len);

/* The handlers, by file. */
void do_socket(struct runner *r, struct call *c);			/* do_sock.c */
void do_bind(struct runner *r, struct call *c);
void do_connect(struct runner *r, struct call *c);
void do_listen(struct runner *r, struct call *c);
void do_shutdown(struct runner *r, struct call *c);
void do_names(struct runner *r, struct call *c);
void do_accept(struct runner *r, struct call *c);			/* do_accept.c */
void put_back_expire(struct runner *r, ol_time now);
void put_back_clear(struct runner *r);
void do_setsockopt(struct runner *r, struct call *c);			/* do_opt.c */
void do_getsockopt(struct runner *r, struct call *c);
void do_ioctl(struct runner *r, struct call *c);
void do_send(struct runner *r, struct call *c);				/* do_send.c */
void do_recv(struct runner *r, struct call *c);				/* do_recv.c */
void do_recverr(struct runner *r, struct call *c);
void do_open(struct runner *r, struct call *c);				/* do_open.c */
/** Shuts down every datagram socket of the tree, as the service is gone. */
void runner_silence(struct runner *r);				/* silence.c */

#endif
