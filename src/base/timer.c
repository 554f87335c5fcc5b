/*
 * The wheel.  Level k holds timers whose tick differs from the wheel's in the bits [6k, 6k+6) and in none above; so the
 * slots before the current one are empty at every level, and the first busy slot of the lowest busy level holds the
 * earliest deadline.  2^48 ticks are 585 years: every ol_time has its place.
 */
#include "base/timer.h"
#include "base/check.h"

static uint64_t tick_of(ol_time t) { return (uint64_t)t >> TIMER_TICK_SHIFT; }

void wheel_init(struct wheel *w, ol_time now)
{
	*w = (struct wheel){ .now = now };
	for (int l = 0; l < TIMER_LEVELS; l++)
		for (int s = 0; s < TIMER_SLOTS; s++)
			list_init(&w->slot[l][s]);
	list_init(&w->due);
}

void timer_init(struct timer *t, uint32_t kind)
{
	list_init(&t->node);
	t->at = OL_NEVER;
	t->kind = kind;
}

static void due_insert(struct wheel *w, struct timer *t)
{
	struct list *at = &w->due;
	while (at->prev != &w->due && list_of(at->prev, struct timer, node)->at > t->at)
		at = at->prev;
	list_insert(at, &t->node);
}

static void place(struct wheel *w, struct timer *t)
{
	uint64_t tick = tick_of(t->at), cur = tick_of(w->now);
	if (t->at <= w->now) {
		due_insert(w, t);
		return;
	}
	int level = tick == cur ? 0 : (63 - __builtin_clzll(tick ^ cur)) / 6;
	CHECK(level < TIMER_LEVELS);
	unsigned s = (unsigned)(tick >> (6 * level)) & (TIMER_SLOTS - 1);
	list_append(&w->slot[level][s], &t->node);
	w->busy[level] |= UINT64_C(1) << s;
}

void timer_arm(struct wheel *w, struct timer *t, ol_time at)
{
	if (timer_armed(t))
		timer_stop(w, t);
	if (at == OL_NEVER)
		return;
	t->at = at < 0 ? 0 : at;
	w->count++;
	place(w, t);
}

/* A slot's busy bit may stay behind when its last timer is stopped; whoever looks there next clears it. */
void timer_stop(struct wheel *w, struct timer *t)
{
	if (!timer_armed(t))
		return;
	list_del(&t->node);
	t->at = OL_NEVER;
	w->count--;
}

/*
 * When a slot must be looked at: at level 0 its earliest timer, exactly; above, where it begins, so that a crowd of far
 * timers is not walked for each question.  It lies after w->now in both cases.
 */
static ol_time slot_time(const struct wheel *w, int level, unsigned s)
{
	if (level > 0) {
		uint64_t span = UINT64_C(1) << (6 * level), tick = tick_of(w->now) & ~(span * TIMER_SLOTS - 1);
		return (ol_time)((tick + s * span) << TIMER_TICK_SHIFT);
	}
	ol_time best = OL_NEVER;
	list_for(n, (struct list *)&w->slot[0][s]) {
		const struct timer *t = list_of(n, struct timer, node);
		best = t->at < best ? t->at : best;
	}
	return best;
}

/* The first slot with timers in it, from the current position on; false when the wheel is empty. */
static bool first_slot(const struct wheel *w, int *level, unsigned *slot)
{
	for (int l = 0; l < TIMER_LEVELS; l++) {
		uint64_t bits = w->busy[l];
		for (; bits; bits &= bits - 1) {
			unsigned s = (unsigned)__builtin_ctzll(bits);
			if (!list_empty(&w->slot[l][s])) {
				*level = l;
				*slot = s;
				return true;
			}
		}
	}
	return false;
}

ol_time wheel_deadline(const struct wheel *w)
{
	int l;
	unsigned s;
	if (!list_empty(&w->due))
		return list_of(w->due.next, struct timer, node)->at;
	return w->count && first_slot(w, &l, &s) ? slot_time(w, l, s) : OL_NEVER;
}

/* Moves the wheel's time on to the next slot that matters, at most to now, and sorts that slot's timers anew. */
static void advance(struct wheel *w, ol_time now)
{
	int l;
	unsigned s;
	while (list_empty(&w->due) && first_slot(w, &l, &s)) {
		ol_time at = slot_time(w, l, s);
		if (at > now)
			break;
		w->now = at;
		struct list moved;
		list_init(&moved);
		for (struct list *n; (n = list_take(&w->slot[l][s])); )
			list_append(&moved, n);
		w->busy[l] &= ~(UINT64_C(1) << s);
		for (struct list *n; (n = list_take(&moved)); )
			place(w, list_of(n, struct timer, node));
	}
	/* Nothing lies between here and now.  A wheel that lagged would place the next timer too high and wake for it too soon. */
	if (list_empty(&w->due) && w->now < now)
		w->now = now;
}

struct timer *wheel_expire(struct wheel *w, ol_time now)
{
	advance(w, now);
	struct list *n = list_first(&w->due);
	if (!n || list_of(n, struct timer, node)->at > now)
		return NULL;
	struct timer *t = list_of(n, struct timer, node);
	list_del(n);
	t->at = OL_NEVER;
	w->count--;
	return t;
}
