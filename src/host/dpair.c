/*
 * The pair of a datagram socket, and what a pair does not do by itself: it must tell us of the last close, and it must
 * be able to make the guest's next call fail without ending, as an ICMP error does with a UDP socket.
 *
 * Of the two kinds of AF_UNIX datagrams SEQPACKET tells of the last close and cannot fail without ending.  DGRAM can:
 * when one end of a connected pair turns to somebody else while messages lie unread in its queue, the kernel reports
 * the loss at the other end, once: POLLERR, and an error from whatever is called next, recv and send alike.  So the
 * pairs are DGRAM, and to raise an error we let go of the guest's end, put one message into our own queue, take the
 * guest's end up again, and let go of it once more (nothing that the guest wrote is there then: it was read before):
 *
 *	ours -> nobody; helper: one byte into our queue; ours -> guest; ours -> nobody (the byte is lost: the error)
 *	ours -> guest
 *
 * The kernel has one errno for it, ECONNRESET.  The calls that the runner answers and SO_ERROR give the true one;
 * a plain recv() or send() fails with ECONNRESET where Linux's UDP says ECONNREFUSED.  What the kernel holds is the
 * truth about whether an error is still to be told; gs->so_error is its name.
 *
 * The last close: inotify reports IN_CLOSE of an open file when nobody holds it any more, in no process and in no
 * message on its way; of sockets as well.  Where no watch is to be had, the pair is SEQPACKET as before, and errors are
 * told by SO_ERROR and the runner's calls alone.
 */
#include "host/svc.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/un.h>
#include <unistd.h>

enum { BUCKETS = 256, EVENTS = 16 * 1024 };

struct dpairs {
	struct svc *svc;
	struct watch watch;			/* inotify */
	int helper;				/* a socket without name and peer, which may write to any without a peer */
	struct list by_wd[BUCKETS];
};

static struct list *chain(struct dpairs *d, int wd) { return &d->by_wd[(unsigned)wd % BUCKETS]; }

static struct gsock *find(struct dpairs *d, int wd)
{
	list_for(n, chain(d, wd)) {
		struct gsock *gs = list_of(n, struct gsock, by_wd);
		if (gs->wd == wd)
			return gs;
	}
	return NULL;
}

static void let_go(struct gsock *gs)
{
	dgram_pair_ready(gs, EPOLLHUP);
}

static int turn_to(int fd, const struct sockaddr_un *un, socklen_t len)
{
	return connect(fd, (const struct sockaddr *)un, len) < 0 ? -errno : 0;
}

static socklen_t app_name(const struct gsock *gs, struct sockaddr_un *un)
{
	struct ipc_sock_name name = { .service = getpid(), .kind = gs->kind, .sock = gs->num };
	return ipc_sock_name_put(un, &name);
}

/* Events were lost.  An end that is closed has lost its name; turning to the peer that one has changes nothing. */
static void look_at_all(struct dpairs *d)
{
	for (int i = 0; i < BUCKETS; i++)
		list_for_safe(n, &d->by_wd[i]) {
			struct gsock *gs = list_of(n, struct gsock, by_wd);
			struct sockaddr_un un;
			socklen_t len = app_name(gs, &un);
			if (turn_to(gs->watch.fd, &un, len) == -ECONNREFUSED)
				let_go(gs);
		}
}

static void on_close(struct watch *w, uint32_t events)
{
	struct dpairs *d = list_of(w, struct dpairs, watch);
	union { char buf[EVENTS]; struct inotify_event align; } in;
	(void)events;
	ssize_t got = read(w->fd, in.buf, sizeof in.buf);
	for (ssize_t at = 0; at + (ssize_t)sizeof in.align <= got;) {
		const struct inotify_event *e = (const struct inotify_event *)(const void *)(in.buf + at);
		struct gsock *gs = e->mask & IN_CLOSE ? find(d, e->wd) : NULL;
		if (gs)
			let_go(gs);
		else if (e->mask & IN_Q_OVERFLOW)
			look_at_all(d);
		at += (ssize_t)(sizeof *e + e->len);
	}
}

void dpairs_hear(struct svc *s)
{
	if (s->dpairs->watch.fd >= 0)
		on_close(&s->dpairs->watch, EPOLLIN);
}

struct dpairs *dpairs_new(struct svc *s)
{
	struct dpairs *d = calloc(1, sizeof *d);
	if (!d)
		return NULL;
	d->svc = s;
	for (int i = 0; i < BUCKETS; i++)
		list_init(&d->by_wd[i]);
	d->helper = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (d->helper < 0 || fd < 0 || watch_add(&s->loop, &d->watch, fd, EPOLLIN, on_close)) {
		if (fd >= 0)
			close(fd);
		d->watch.fd = -1;		/* then all pairs are SEQPACKET */
	}
	return d;
}

void dpairs_free(struct dpairs *d)
{
	if (!d)
		return;
	watch_close(&d->svc->loop, &d->watch);
	if (d->helper >= 0)
		close(d->helper);
	free(d);
}

int dpair_new(struct svc *s, struct gsock *gs, int sv[2])
{
	struct dpairs *d = s->dpairs;
	list_init(&gs->by_wd);
	if (d->watch.fd >= 0 && socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sv) == 0) {
		char path[32];
		snprintf(path, sizeof path, "/proc/self/fd/%d", sv[1]);
		int wd = inotify_add_watch(d->watch.fd, path, IN_CLOSE);
		if (wd > 0) {
			gs->wd = wd;
			list_append(chain(d, wd), &gs->by_wd);
			return 0;
		}
		close(sv[0]);
		close(sv[1]);
	}
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0 ? -errno : 0;
}

void dpair_end(struct svc *s, struct gsock *gs)
{
	if (!gs->wd)
		return;
	inotify_rm_watch(s->dpairs->watch.fd, gs->wd);
	list_del(&gs->by_wd);
	gs->wd = 0;
}

bool dpair_raise(struct gsock *gs)
{
	static const struct sockaddr_un nobody = { .sun_family = AF_UNSPEC };
	struct dpairs *d = gs->host->svc->dpairs;
	struct sockaddr_un ours = { .sun_family = AF_UNIX }, app;
	socklen_t ours_len = sizeof ours, app_len = app_name(gs, &app);
	int fd = gs->watch.fd;
	if (!gs->wd)
		return false;
	if (getsockname(fd, (struct sockaddr *)&ours, &ours_len) < 0)
		return false;
	if (ours_len == sizeof ours.sun_family) {	/* no name yet; the kernel chooses one */
		bind(fd, (struct sockaddr *)&ours, sizeof ours.sun_family);
		ours_len = sizeof ours;
		getsockname(fd, (struct sockaddr *)&ours, &ours_len);
	}
	turn_to(fd, &nobody, sizeof nobody.sun_family);
	bool put = sendto(d->helper, "", 1, MSG_DONTWAIT, (struct sockaddr *)&ours, ours_len) == 1;
	turn_to(fd, &app, app_len);
	if (put) {
		turn_to(fd, &nobody, sizeof nobody.sun_family);
		turn_to(fd, &app, app_len);	/* where nobody holds it any more, its end is being told */
	}
	return put;
}
