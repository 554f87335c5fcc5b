/* The wheel against a plain list: random arming, stopping and waiting must give the same timers in the same order. */
#include "unit.h"
#include "base/check.h"
#include "base/rng.h"
#include "base/timer.h"

enum { N = 200 };

static struct timer *first_due(struct timer *t, ol_time now)
{
	struct timer *best = NULL;
	for (int i = 0; i < N; i++)
		if (timer_armed(&t[i]) && t[i].at <= now && (!best || t[i].at < best->at))
			best = &t[i];
	return best;
}

static ol_time some_delay(struct rng *r)	/* from nanoseconds to years */
{
	return (ol_time)(rng_u64(r) >> (4 + rng_below(r, 58)));
}

TEST(timer_wheel_agrees_with_a_list)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		static struct timer t[N];
		static struct wheel w;
		struct rng r;
		rng_init(&r, seed);
		ol_time now = some_delay(&r);
		wheel_init(&w, now);
		for (int i = 0; i < N; i++)
			timer_init(&t[i], 0);
		for (int step = 0; step < 5000; step++) {
			struct timer *x = &t[rng_below(&r, N)];
			switch (rng_below(&r, 4)) {
			case 0: case 1:
				timer_arm(&w, x, now + some_delay(&r));
				break;
			case 2:
				timer_stop(&w, x);
				break;
			case 3:
				now = rng_chance(&r, 0.5) && wheel_deadline(&w) != OL_NEVER
					? MAX(now, wheel_deadline(&w)) : now + some_delay(&r) / 64;
				for (;;) {
					struct timer *want = first_due(t, now);
					ol_time at = want ? want->at : 0;
					struct timer *got = wheel_expire(&w, now);
					ok(!want == !got);
					if (!got)
						break;
					if (got != want)	/* equal deadlines may come in any order */
						ok(timer_armed(want) && want->at == at && !timer_armed(got));
				}
				ok(wheel_deadline(&w) > now);
			}
		}
	}
}

TEST(timer_in_the_past_is_due_at_once)
{
	static struct wheel w;
	struct timer t;
	wheel_init(&w, 1000);
	timer_init(&t, 0);
	timer_arm(&w, &t, 5);
	eq(wheel_deadline(&w), 5);
	ok(wheel_expire(&w, 1000) == &t);
	ok(wheel_deadline(&w) == OL_NEVER);
}

/* A far timer must not hold the wheel's time back: what is armed next would then be asked after at once, and for nothing. */
TEST(timer_armed_after_expiry_is_not_asked_after_before_its_time)
{
	static struct wheel w;
	struct timer far, next;
	ol_time now = 161 * OL_SEC;
	wheel_init(&w, 0);
	timer_init(&far, 0);
	timer_init(&next, 0);
	timer_arm(&w, &far, 300 * OL_SEC);
	ok(!wheel_expire(&w, now));
	timer_arm(&w, &next, now + OL_MS);
	ok(wheel_deadline(&w) > now);
	for (ol_time t; (t = wheel_deadline(&w)) < now + OL_MS; )
		ok(!wheel_expire(&w, t));
	ok(wheel_expire(&w, now + OL_MS) == &next);
	ok(wheel_expire(&w, 300 * OL_SEC) == &far);
}
