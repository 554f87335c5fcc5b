/*
 * The virtual clock.  It starts at PD_START, goes on by 1 us at each gettimeofday (a clock that stands still would hang the
 * interpreter's busy loops), and jumps where the interpreter sleeps or waits for a packet.  Every timer fires at its own
 * deadline, so packets carry exact times.  Between calls: the stack is drained, and no blocked call is ready.
 */
#include "pd.h"
#include "pd_if.h"
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static __thread ol_time pinned_at;	/* the first clock reading of a woken call: when its condition became true */

void pd_lock(struct pd *pd) { pthread_mutex_lock(&pd->lock); }
void pd_unlock(struct pd *pd) { pthread_mutex_unlock(&pd->lock); }

static uint32_t sum16(uint32_t s, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		s += i & 1 ? p[i] : (uint32_t)p[i] << 8;
		s = (s & 0xffff) + (s >> 16);
	}
	return s;
}

/* The interpreter does not look at outbound TCP checksums, so we do: a plain second opinion, apart from the stack's code. */
static void check_outbound(const struct ol_pkt *p)
{
	const uint8_t *b = p->data;
	size_t hlen = b[0] >> 4 == 4 ? (b[0] & 15) * 4u : 40;
	uint8_t proto = b[0] >> 4 == 4 ? b[9] : b[6];
	if (b[0] >> 4 == 4 && sum16(0, b, hlen) != 0xffff) {
		fprintf(stderr, "outlet-packetdrill: wrong IPv4 header checksum\n");
		abort();
	}
	if (proto != IPPROTO_TCP)
		return;
	size_t len = p->len - hlen;
	uint32_t s = b[0] >> 4 == 4 ? sum16(0, b + 12, 8) : sum16(0, b + 8, 32);
	if (sum16(s + IPPROTO_TCP + (uint32_t)len, b + hlen, len) != 0xffff) {
		fprintf(stderr, "outlet-packetdrill: wrong TCP checksum\n");
		abort();
	}
}

static void drain(struct pd *pd)
{
	for (int ifi; (ifi = ol_stack_pending(pd->stk)); ) {
		struct ol_pkt *p = ol_stack_output(pd->stk, ifi, pd->now);
		if (!p)
			break;
		check_outbound(p);
		struct pd_out *o = malloc(sizeof *o);
		if (!o)
			abort();
		*o = (struct pd_out){ .pkt = p, .at = pd->now };
		*pd->out_tail = o;
		pd->out_tail = &o->next;
	}
}

static void note_events(struct pd *pd)
{
	struct ol_event ev;
	while (ol_event_next(pd->stk, &ev))
		for (int e = 0; e < PD_MAX_FDS; e++)
			for (int i = 0; pd->fds[e].kind == PD_EPOLL && i < PD_MAX_WATCH; i++) {
				struct pd_watch *w = &pd->fds[e].watch[i];
				if (w->fd >= 0 && pd->fds[w->fd].kind == PD_SOCK && pd->fds[w->fd].sock == ev.sock)
					w->edge = true;
			}
}

/* A blocked call whose condition holds is let go, and the clock stands until it has left us. */
void pd_settle(struct pd *pd)
{
	drain(pd);
	note_events(pd);
	struct pd_wait *w = pd->waiting;
	if (!w)
		return;
	bool ready = w->ready(pd, w->arg);
	if (!ready && pd->now < w->deadline)
		return;
	w->woken = true;
	w->at = pd->now;
	pd->waiting = NULL;
	pthread_cond_signal(&pd->wake);
	for (unsigned before = pd->n_gone; pd->n_gone == before; )
		pthread_cond_wait(&pd->left, &pd->lock);
	drain(pd);
}

static ol_time next_deadline(struct pd *pd)
{
	ol_time d = ol_stack_deadline(pd->stk);
	if (pd->waiting && pd->waiting->deadline < d)
		d = pd->waiting->deadline;
	return d;
}

void pd_advance(struct pd *pd, ol_time to)
{
	for (ol_time d; (d = next_deadline(pd)) <= to; ) {
		pd->now = d > pd->now ? d : pd->now;
		ol_stack_expire(pd->stk, pd->now);
		pd_settle(pd);
	}
	if (to > pd->now)
		pd->now = to;
}

static bool block_main(struct pd *pd, bool (*ready)(struct pd *, void *), void *arg, ol_time deadline)
{
	ol_time end = pd->now + PD_PATIENCE < deadline ? pd->now + PD_PATIENCE : deadline;
	while (!ready(pd, arg)) {
		ol_time d = next_deadline(pd);
		pd_advance(pd, d < end ? d : end);
		if (pd->now >= end)
			return ready(pd, arg);
	}
	return true;
}

bool pd_block(struct pd *pd, bool (*ready)(struct pd *, void *), void *arg, ol_time deadline)
{
	if (ready(pd, arg))
		return true;
	if (deadline <= pd->now)
		return false;
	if (pthread_equal(pthread_self(), pd->main))
		return block_main(pd, ready, arg, deadline);
	struct pd_wait w = { .ready = ready, .arg = arg, .deadline = deadline };
	pd->waiting = &w;
	pd->call_near = false;
	pthread_cond_signal(&pd->left);
	while (!w.woken)
		pthread_cond_wait(&pd->wake, &pd->lock);
	pinned_at = w.at;
	bool is_ready = ready(pd, arg);
	pd->n_gone++;
	pthread_cond_signal(&pd->left);
	return is_ready;
}

ol_time pd_woken_at(struct pd *pd)
{
	ol_time t = pinned_at;
	pinned_at = 0;
	return t ? t : pd->now;
}

void pd_give_up(struct pd *pd)
{
	pd->waiting->deadline = pd->now;
	pd_settle(pd);
}

int pd_gettimeofday(void *u, struct timeval *tv, struct timezone *tz)
{
	struct pd *pd = u;
	(void)tz;
	pd_lock(pd);
	ol_time t = pinned_at;
	pinned_at = 0;
	if (!t) {
		pd->call_near |= !pthread_equal(pthread_self(), pd->main);
		pd_advance(pd, pd->now + OL_US);
		t = pd->now;
	}
	tv->tv_sec = t / OL_SEC;
	tv->tv_usec = t % OL_SEC / OL_US;
	pd_unlock(pd);
	return 0;
}

int pd_usleep(void *u, useconds_t usec)
{
	struct pd *pd = u;
	pd_lock(pd);
	pd_advance(pd, pd->now + (ol_time)usec * OL_US);
	pd_unlock(pd);
	return 0;
}

int pd_netdev_send(void *u, const void *buf, size_t count)
{
	struct pd *pd = u;
	pd_lock(pd);
	struct ol_pkt *p = ol_pkt_from(pd->pool, buf, count);
	if (p) {
		p->link = OL_LINK_IP;
		ol_stack_input(pd->stk, pd->ifi[count && p->data[0] >> 4 == 6], p, pd->now);
		pd_settle(pd);
	}
	pd_unlock(pd);
	errno = ENOBUFS;
	return p ? 0 : -1;
}

/*
 * The interpreter takes the second thread for blocked as soon as it sleeps, be it for a lock on its way to its call.  Before
 * time jumps, the call gets a moment of real time to arrive; one that never comes costs that moment and nothing else.
 */
static void await_call(struct pd *pd)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += 200 * OL_MS;
	until.tv_sec += until.tv_nsec / OL_SEC;
	until.tv_nsec %= OL_SEC;
	while (pd->call_near && !pd->out)
		if (pthread_cond_timedwait(&pd->left, &pd->lock, &until))
			pd->call_near = false;
}

int pd_netdev_receive(void *u, void *buf, size_t *count, long long *time_usecs)
{
	struct pd *pd = u;
	pd_lock(pd);
	pd_settle(pd);
	await_call(pd);
	ol_time end = pd->now + PD_PATIENCE;
	while (!pd->out) {
		ol_time d = next_deadline(pd);
		if (d > end)
			break;
		pd_advance(pd, d);
	}
	struct pd_out *o = pd->out;
	size_t n = 0;
	if (o) {
		pd->out = o->next;
		if (!pd->out)
			pd->out_tail = &pd->out;
		n = o->pkt->len < *count ? o->pkt->len : *count;
		memcpy(buf, o->pkt->data, n);
		*time_usecs = o->at / OL_US;
		ol_pkt_free(o->pkt);
		free(o);
	}
	*count = n;		/* 0: nothing will ever come */
	pd_unlock(pd);
	return 0;
}
