#ifndef HOST_LOOP_H
#define HOST_LOOP_H
/*
 * The service's one event loop: descriptors by epoll, alarms on the same timer wheel as the stack's, and after each
 * batch the owner's `settle`, which carries frames and events until nothing moves.  Watches and alarms live inside
 * what they watch; one may be removed at any time, also by the handler of another that became ready in the same
 * batch.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <outlet/ol_time.h>
#include "base/timer.h"

#define LOOP_BATCH 128

struct watch { int fd; void (*ready)(struct watch *w, uint32_t events); };
struct alarm { struct timer timer; void (*ring)(struct alarm *a); };

struct loop {
	int epfd;
	ol_time now;				/* read once per turn, and by loop_tick */
	struct wheel wheel;
	struct epoll_event batch[LOOP_BATCH];	/* entries of removed watches become NULL */
	int n_batch;
	bool stop, busy, no_pwait2;
	bool (*settle)(void *ctx);		/* true: there is more to do, do not sleep */
	void *ctx;
};

/** 0 or a negated errno. */
int loop_init(struct loop *l, bool (*settle)(void *), void *ctx);
void loop_fini(struct loop *l);
/** Reads the clock again; for settle, whose rounds may take a while. */
ol_time loop_tick(struct loop *l);
/** One turn: waits for the first of readiness, alarm or max_wait, runs handlers, settles. */
void loop_turn(struct loop *l, ol_time max_wait);

/** events: EPOLL* bits.  0 or a negated errno. */
int watch_add(struct loop *l, struct watch *w, int fd, uint32_t events, void (*ready)(struct watch *, uint32_t));
int watch_change(struct loop *l, struct watch *w, uint32_t events);
/** Forgets the descriptor and closes it; a watch without one is left alone. */
void watch_close(struct loop *l, struct watch *w);

void alarm_init(struct alarm *a, void (*ring)(struct alarm *));
/** OL_NEVER stops it. */
void alarm_set(struct loop *l, struct alarm *a, ol_time at);
void alarm_stop(struct loop *l, struct alarm *a);

#endif
