/* The event loop; see loop.h. */
#include "host/loop.h"
#include "base/check.h"
#include <errno.h>
#include <time.h>
#include <unistd.h>

enum { MAX_RINGS = 100000 };		/* alarms that may ring in one turn: a bound, not a budget */

static ol_time clock_now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ol_time)ts.tv_sec * OL_SEC + ts.tv_nsec;
}

ol_time loop_tick(struct loop *l)
{
	l->now = MAX(l->now, clock_now());
	return l->now;
}

int loop_init(struct loop *l, bool (*settle)(void *), void *ctx)
{
	*l = (struct loop){ .settle = settle, .ctx = ctx };
	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epfd < 0)
		return -errno;
	wheel_init(&l->wheel, loop_tick(l));
	return 0;
}

void loop_fini(struct loop *l) { close(l->epfd); }

/* Nanoseconds where the kernel has epoll_pwait2 (Linux 5.11), else the next whole millisecond. */
static int wait_for(struct loop *l, ol_time ns)
{
	if (!l->no_pwait2) {
		struct timespec ts = { ns / OL_SEC, ns % OL_SEC };
		int n = epoll_pwait2(l->epfd, l->batch, LOOP_BATCH, ns == OL_NEVER ? NULL : &ts, NULL);
		if (n >= 0 || errno != ENOSYS)
			return n;
		l->no_pwait2 = true;
	}
	int ms = ns == OL_NEVER ? -1 : (int)MIN((ns + OL_MS - 1) / OL_MS, (ol_time)INT32_MAX);
	return epoll_wait(l->epfd, l->batch, LOOP_BATCH, ms);
}

void loop_turn(struct loop *l, ol_time max_wait)
{
	ol_time at = wheel_deadline(&l->wheel);
	ol_time ns = l->busy ? 0 : at == OL_NEVER ? OL_NEVER : MAX(at - loop_tick(l), 0);
	int n = wait_for(l, MIN(ns, max_wait));
	loop_tick(l);
	l->n_batch = MAX(n, 0);
	for (int i = 0; i < l->n_batch; i++) {
		struct watch *w = l->batch[i].data.ptr;
		if (w)
			w->ready(w, l->batch[i].events);
	}
	l->n_batch = 0;
	struct timer *t;
	for (int i = 0; i < MAX_RINGS && (t = wheel_expire(&l->wheel, l->now)); i++) {
		struct alarm *a = list_of(t, struct alarm, timer);
		a->ring(a);
	}
	l->busy = l->settle && l->settle(l->ctx);
}

int watch_add(struct loop *l, struct watch *w, int fd, uint32_t events, void (*ready)(struct watch *, uint32_t))
{
	struct epoll_event ev = { .events = events, .data.ptr = w };
	*w = (struct watch){ .fd = fd, .ready = ready };
	return epoll_ctl(l->epfd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

int watch_change(struct loop *l, struct watch *w, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };
	return epoll_ctl(l->epfd, EPOLL_CTL_MOD, w->fd, &ev) < 0 ? -errno : 0;
}

void watch_close(struct loop *l, struct watch *w)
{
	if (w->fd < 0)
		return;
	/*
	 * Not left to close(): a duplicate of the descriptor elsewhere would keep its epoll entry alive, and w is
	 * going.
	 */
	epoll_ctl(l->epfd, EPOLL_CTL_DEL, w->fd, NULL);
	close(w->fd);
	w->fd = -1;
	for (int i = 0; i < l->n_batch; i++)
		if (l->batch[i].data.ptr == w)
			l->batch[i].data.ptr = NULL;
}

void alarm_init(struct alarm *a, void (*ring)(struct alarm *))
{
	timer_init(&a->timer, 0);
	a->ring = ring;
}

void alarm_set(struct loop *l, struct alarm *a, ol_time at)
{
	if (at == OL_NEVER)
		timer_stop(&l->wheel, &a->timer);
	else if (!timer_armed(&a->timer) || a->timer.at != at)
		timer_arm(&l->wheel, &a->timer, at);
}

void alarm_stop(struct loop *l, struct alarm *a) { alarm_set(l, a, OL_NEVER); }
