/*
 * The service as a whole: birth, its socket, settling, and the end.  It goes when the last guest has left and nobody
 * pinned it, after a moment's grace; before it goes it takes the lock under which others start services, looks once
 * more whether somebody has come, and only then takes its socket away.
 */
#include "host/events.h"
#include "host/net.h"
#include "host/svc.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_GRACE_S = 30, BACKLOG = 512 };

void svc_log(struct svc *s, const char *fmt, ...)
{
	va_list ap;
	char when[32];
	time_t t = time(NULL);
	struct tm tm;
	strftime(when, sizeof when, "%F %T", localtime_r(&t, &tm));
	fprintf(stderr, "%s %s: ", when, s->net);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int64_t svc_epoch(struct svc *s)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * OL_SEC + ts.tv_nsec - loop_tick(&s->loop);
}

/* All of a list to another, which need not be initialised. */
static void list_move(struct list *to, struct list *from)
{
	list_init(to);
	if (list_empty(from))
		return;
	list_insert(from, to);		/* stands where from stood ... */
	list_del(from);			/* ... which leaves the ring */
}

/* Carries frames and events until nothing moves; true: the bound was reached first. */
static bool settle(void *ctx)
{
	struct svc *s = ctx;
	for (unsigned i = 0; i < SVC_MAX_ROUNDS && !(list_empty(&s->dirty_hosts) && list_empty(&s->dirty_wires)); i++) {
		struct list *n;
		/* Whoever is touched while this round runs has its turn in the next one. */
		struct list hosts, wires;
		list_move(&hosts, &s->dirty_hosts);
		list_move(&wires, &s->dirty_wires);
		while ((n = list_first(&hosts)))
			vhost_turn(list_of(n, struct vhost, dirty));
		while ((n = list_first(&wires)))
			wire_turn(list_of(n, struct wire, dirty));
		loop_tick(&s->loop);
	}
	client_reap(s);
	gsock_reap(s);
	return !list_empty(&s->dirty_hosts) || !list_empty(&s->dirty_wires);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */
static bool wanted(const struct svc *s) { return s->n_guests || s->pinned || s->n_clients; }

static void grace_over(struct alarm *a)
{
	struct svc *s = list_of(a, struct svc, grace);
	if (wanted(s) || s->loop.stop)
		return;
	int lock = open(s->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool unreachable = lock < 0 && errno == ENOENT;		/* somebody removed the directory, our socket with it */
	if (unreachable || (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0)) {
		client_accept(&s->listener, 0);
		if (!wanted(s)) {
			unlink(s->sock_path);
			watch_close(&s->loop, &s->listener);
			s->loop.stop = true;
		}
	} else {
		alarm_set(&s->loop, &s->grace, s->loop.now + SVC_GRACE);	/* somebody is coming */
	}
	if (lock >= 0)
		close(lock);
}

void svc_idle(struct svc *s)
{
	if (!wanted(s) && !timer_armed(&s->grace.timer))
		alarm_set(&s->loop, &s->grace, s->loop.now + SVC_GRACE);
}

/* ---- birth ------------------------------------------------------------------------------------------------------- */
/* Each socket of a guest is a descriptor here, and while it is on its way to the guest, two. */
static void raise_limits(struct svc *s)
{
	struct rlimit r;
	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		r.rlim_cur = 1024;
	else if (r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &r) < 0)
			getrlimit(RLIMIT_NOFILE, &r);
	}
	s->max_fds = (unsigned)MIN(r.rlim_cur, (rlim_t)1000000);
}

/*
 * The plug of a connecting socket must fill its sender's queue to a quarter at least; Linux's default is right for
 * it.
 */
static bool default_sndbuf_is_usual(void)
{
	int sv[2], size = 0;
	socklen_t len = sizeof size;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		return false;
	getsockopt(sv[0], SOL_SOCKET, SO_SNDBUF, &size, &len);
	close(sv[0]);
	close(sv[1]);
	return size == 2 * SVC_PAIR_APPBUF;
}

int svc_init(struct svc *s, const char *net, const char *file, char *why, size_t why_len)
{
	memset(s, 0, sizeof *s);
	s->listener.fd = -1;
	snprintf(s->net, sizeof s->net, "%s", net);
	if (file && !realpath(file, s->file))
		snprintf(s->file, sizeof s->file, "%s", file);
	struct list *lists[] = { &s->clients, &s->dead_clients, &s->hosts,	 &s->wires,	 &s->tombs,
				 &s->streams, &s->dirty_hosts,	&s->dirty_wires, &s->dead_gsocks, &s->listening };
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		list_init(lists[i]);
	int err = loop_init(&s->loop, settle, s);
	if (err) {
		snprintf(why, why_len, "no event loop: %s", strerror(-err));
		return err;
	}
	alarm_init(&s->grace, grace_over);
	raise_limits(s);
	s->born = s->loop.now;
	s->set_appbuf = !default_sndbuf_is_usual();
	s->msg = malloc(IPC_MAX);
	s->reply = malloc(IPC_MAX);
	s->scratch = malloc(SCRATCH_LEN);
	s->pool = ol_pool_new(SVC_MAX_POOL);
	s->defaults = ol_config_new();
	s->meta = meta_cache_new();
	s->dpairs = dpairs_new(s);
	if (!s->msg || !s->reply || !s->scratch || !s->pool || !s->defaults || !s->meta || !s->dpairs) {
		snprintf(why, why_len, "not enough memory");
		return -ENOMEM;
	}
	if (getrandom(s->seed, sizeof s->seed, 0) != (ssize_t)sizeof s->seed) {
		snprintf(why, why_len, "the machine gives no random numbers: %s", strerror(errno));
		return -EIO;
	}
	return net_build(s, why, why_len);
}

int svc_listen(struct svc *s, char *why, size_t why_len)
{
	int err = ipc_path(s->sock_path, sizeof s->sock_path, s->net, ".sock");
	if (!err)
		err = ipc_path(s->lock_path, sizeof s->lock_path, s->net, ".lock");
	if (!err)
		err = ipc_path(s->log, sizeof s->log, s->net, ".log");
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	if (err || strlen(s->sock_path) >= sizeof un.sun_path) {
		snprintf(why, why_len, "cannot place the network's socket in %s: %s", s->sock_path,
			 strerror(err ? -err : ENAMETOOLONG));
		return err ? err : -ENAMETOOLONG;
	}
	memcpy(un.sun_path, s->sock_path, strlen(s->sock_path) + 1);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* A socket file nobody answers at is what a killed service left behind. */
	if (fd >= 0 && connect(fd, (struct sockaddr *)&un, sizeof un) == 0) {
		close(fd);
		snprintf(why, why_len, "the network %s is already running", s->net);
		return -EADDRINUSE;
	}
	if (fd >= 0)
		close(fd);
	unlink(s->sock_path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&un, sizeof un) < 0 || chmod(s->sock_path, 0600) < 0 ||
	    listen(fd, BACKLOG) < 0 || watch_add(&s->loop, &s->listener, fd, EPOLLIN, client_accept)) {
		err = -errno;
		snprintf(why, why_len, "cannot listen at %s: %s", s->sock_path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return err;
	}
	alarm_set(&s->loop, &s->grace, s->loop.now + FIRST_GRACE_S * OL_SEC);
	return 0;
}

void svc_fini(struct svc *s)
{
	struct list *n;
	while ((n = list_first(&s->clients)))
		client_drop(list_of(n, struct client, node));
	client_reap(s);
	net_close(s);
	while ((n = list_first(&s->hosts)))
		vhost_free(list_of(n, struct vhost, node));
	while ((n = list_first(&s->wires)))
		wire_free(list_of(n, struct wire, node));
	gsock_reap(s);
	watch_close(&s->loop, &s->listener);
	CHECK(s->n_gsocks == 0 && s->n_clients == 0 && s->n_hosts == 0);
	free(s->hash);
	meta_cache_free(s->meta);
	dpairs_free(s->dpairs);
	ol_config_free(s->defaults);
	ol_pool_free(s->pool);			/* asserts that every packet came back */
	free(s->msg);
	free(s->reply);
	free(s->scratch);
	loop_fini(&s->loop);
}
