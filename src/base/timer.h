#ifndef BASE_TIMER_H
#define BASE_TIMER_H
/*
 * A hierarchical timer wheel (Varghese, Lauck 1987): arming and disarming cost the same however many timers there are,
 * and idle ones cost nothing.  A node belongs to what it times; there is one per connection.  The wheel hands out due
 * nodes in the order of their deadlines, each exactly at its deadline: ticks only sort, they do not round.
 */
#include <stdbool.h>
#include <outlet/ol_time.h>
#include "base/list.h"

#define TIMER_LEVELS 8
#define TIMER_SLOTS 64
#define TIMER_TICK_SHIFT 16			/* 2^16 ns, about 66 us, a tick of the lowest level */

struct timer { struct list node; ol_time at; uint32_t kind; };	/* kind: the owner's, to tell whose it is */
struct wheel {
	ol_time now;				/* nothing before this instant is waiting */
	uint64_t busy[TIMER_LEVELS];		/* a bit per slot that holds timers */
	struct list slot[TIMER_LEVELS][TIMER_SLOTS];
	struct list due;			/* at or before now, sorted */
	uint64_t count;
};

void wheel_init(struct wheel *w, ol_time now);
void timer_init(struct timer *t, uint32_t kind);
static inline bool timer_armed(const struct timer *t) { return !list_empty(&t->node); }
/** (Re)arms; a deadline in the past is due at once. */
void timer_arm(struct wheel *w, struct timer *t, ol_time at);
void timer_stop(struct wheel *w, struct timer *t);
/** When to call wheel_expire next: never after the earliest deadline, after the last expire's now; OL_NEVER when empty. */
ol_time wheel_deadline(const struct wheel *w);
/** The next timer due at `now`, disarmed, or NULL.  Call until NULL. */
struct timer *wheel_expire(struct wheel *w, ol_time now);

#endif
