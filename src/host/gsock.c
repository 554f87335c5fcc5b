/*
 * A guest's socket.  It has a number of its own in the whole service, an AF_UNIX pair and, but for netlink, a socket
 * of its host's stack.  The guest holds one end of the pair, named after the number; we hold the other.
 *
 * What always holds: while our end of a stream is open, exactly one byte lies unread in its receive queue (planted at
 * birth, then always the last byte of what the guest wrote, which we only look at).  So closing our end gives the guest
 * ECONNRESET, and where it shall not, the byte is taken off first.
 *
 * A socket whose connection failed loses both its ends and becomes a tomb, which still answers SO_ERROR and names by
 * its number.  We cannot see when a guest lets go of a tomb, so there is a bounded number of them and they go with
 * their run.
 */
#include "host/resolver.h"
#include "host/svc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- by number --------------------------------------------------------------------------------------------------- */
static struct gsock **bucket(struct svc *s, uint32_t num) { return &s->hash[num & (s->hash_size - 1)]; }

struct gsock *gsock_find(struct svc *s, uint32_t num)
{
	if (!s->hash_size)
		return NULL;
	struct gsock *gs = *bucket(s, num);
	while (gs && gs->num != num)
		gs = gs->next;
	return gs;
}

static int hash_grow(struct svc *s)
{
	if (s->n_gsocks < s->hash_size)
		return 0;
	size_t size = s->hash_size ? s->hash_size * 2 : 64;
	struct gsock **old = s->hash, **hash = calloc(size, sizeof(struct gsock *));
	if (!hash)
		return -ENOBUFS;
	size_t old_size = s->hash_size;
	s->hash = hash;
	s->hash_size = size;
	for (size_t i = 0; i < old_size; i++)
		for (struct gsock *gs = old[i], *next; gs; gs = next) {
			next = gs->next;
			struct gsock **b = bucket(s, gs->num);
			gs->next = *b;
			*b = gs;
		}
	free(old);
	return 0;
}

static void hash_remove(struct svc *s, struct gsock *gs)
{
	struct gsock **p = bucket(s, gs->num);
	while (*p != gs)
		p = &(*p)->next;
	*p = gs->next;
}

/* ---- the pair ---------------------------------------------------------------------------------------------------- */
/* Numbers are handed out in order; a name that somebody else took is skipped. */
static int name_end(struct svc *s, int fd, char kind, uint32_t *num)
{
	for (int tries = 0; tries < 64; tries++) {
		struct ipc_sock_name name = { .service = getpid(), .kind = kind, .sock = ++s->next_num };
		if (!name.sock || gsock_find(s, name.sock))
			continue;
		struct sockaddr_un un;
		socklen_t len = ipc_sock_name_put(&un, &name);
		if (bind(fd, (struct sockaddr *)&un, len) == 0) {
			*num = name.sock;
			return 0;
		}
		if (errno != EADDRINUSE)
			return -errno;
	}
	return -ENOBUFS;
}

static int pair_new(struct svc *s, struct gsock *gs, char kind, int *ours, int *app)
{
	int sv[2];
	if (s->n_gsocks + SVC_FD_RESERVE >= s->max_fds)
		return -ENFILE;
	int err = 0;
	if (kind == IPC_KIND_DGRAM)
		err = dpair_new(s, gs, sv);
	else if (socketpair(AF_UNIX, (kind == IPC_KIND_STREAM ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_CLOEXEC, 0, sv) < 0)
		err = -errno;
	if (err)
		return err == -EMFILE ? -ENFILE : err;
	err = name_end(s, sv[1], kind, &gs->num);
	if (!err && kind == IPC_KIND_STREAM) {
		int size = SVC_PAIR_SNDBUF, app_size = SVC_PAIR_APPBUF, on = 1;
		setsockopt(sv[0], SOL_SOCKET, SO_OOBINLINE, &on, sizeof on);	/* stream.c finds the urgent byte by the mark */
		setsockopt(sv[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
		if (s->set_appbuf)
			setsockopt(sv[1], SOL_SOCKET, SO_SNDBUF, &app_size, sizeof app_size);
		if (send(sv[1], "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) != 1)
			err = -ENOBUFS;
	}
	if (err) {
		dpair_end(s, gs);
		close(sv[0]);
		close(sv[1]);
		return err;
	}
	*ours = sv[0];
	*app = sv[1];
	return 0;
}

static void on_ready(struct watch *w, uint32_t events)
{
	struct gsock *gs = list_of(w, struct gsock, watch);
	switch (gs->kind) {
	case IPC_KIND_STREAM: stream_pair_ready(gs, events); break;
	case IPC_KIND_NETLINK: nl_pair_ready(gs, events); break;
	default: dgram_pair_ready(gs, events);
	}
}

static char kind_of(int domain, int type)
{
	if (domain == AF_NETLINK)
		return IPC_KIND_NETLINK;
	return type == SOCK_STREAM ? IPC_KIND_STREAM : type == SOCK_RAW ? IPC_KIND_RAW : IPC_KIND_DGRAM;
}

int gsock_new(struct gsock **out, int *app, struct vhost *h, struct client *cl, int32_t pid, int domain, int type,
	      int protocol, ol_sock sock)
{
	struct svc *s = h->svc;
	struct gsock *gs = calloc(1, sizeof *gs);
	int ours = -1, err = gs ? hash_grow(s) : -ENOBUFS;
	*app = -1;
	if (!err)
		err = pair_new(s, gs, kind_of(domain, type), &ours, app);
	if (!err) {
		err = watch_add(&s->loop, &gs->watch, ours, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, on_ready);
		if (err)
			close(ours);
	}
	if (err) {
		if (*app >= 0)
			close(*app);
		*app = -1;
		if (gs)
			dpair_end(s, gs);
		free(gs);
		if (sock >= 0) {
			ol_close(h->stk, sock, s->loop.now);
			vhost_touch(h);
		}
		return err;
	}
	struct stat st;
	gs->inode = fstat(*app, &st) < 0 ? 0 : (uint32_t)st.st_ino;
	gs->host = h;
	gs->sock = sock;
	gs->pid = pid;
	gs->domain = domain;
	gs->type = type;
	gs->protocol = protocol;
	gs->kind = kind_of(domain, type);
	gs->can_out = true;
	gs->holder = (struct holder){ .event = gs->kind == IPC_KIND_STREAM ? stream_event : dgram_event,
				      .guest = true };
	list_init(&gs->waits);
	list_init(&gs->tomb);
	list_init(&gs->listening);
	list_append(&h->gsocks, &gs->node);
	gs->client = cl;
	list_append(&cl->gsocks, &gs->of_client);
	struct gsock **b = bucket(s, gs->num);
	gs->next = *b;
	*b = gs;
	s->n_gsocks++;
	if (sock >= 0) {
		ol_set_tag(h->stk, sock, &gs->holder);
		ol_set_owner(h->stk, sock, 1);
	}
	*out = gs;
	return 0;
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */
size_t gsock_unread(struct gsock *gs)
{
	int n = 0;
	if (gs->watch.fd < 0 || ioctl(gs->watch.fd, FIONREAD, &n) < 0)
		return 0;
	if (gs->kind == IPC_KIND_STREAM)
		n--;
	return n > 0 ? (size_t)n : 0;
}

void gsock_touch(struct gsock *gs)
{
	if (gs->host)
		vhost_touch(gs->host);
}

void gsock_pump(struct gsock *gs)
{
	if (gs->phase == GS_TOMB)
		return;
	gs->can_in = true;
	switch (gs->kind) {
	case IPC_KIND_STREAM: stream_pump(gs); break;
	case IPC_KIND_NETLINK: nl_pump(gs); break;
	default: dgram_pump(gs);
	}
}

/* Closes both ends; names and the error stay readable. */
static void shut_down(struct gsock *gs, bool rst)
{
	struct svc *s = gs->host->svc;
	list_del(&gs->listening);
	if (gs->sock >= 0) {
		struct ol_stack *stk = gs->host->stk;
		gs->local_len = sizeof gs->local;
		if (ol_getsockname(stk, gs->sock, (struct sockaddr *)&gs->local, &gs->local_len))
			gs->local_len = 0;
		gs->remote_len = sizeof gs->remote;
		if (ol_getpeername(stk, gs->sock, (struct sockaddr *)&gs->remote, &gs->remote_len))
			gs->remote_len = 0;
		ol_set_tag(stk, gs->sock, NULL);
		ol_close(stk, gs->sock, s->loop.now);
		gs->sock = -1;
		vhost_touch(gs->host);
		resolver_socket_gone(gs->host);
	}
	if (gs->watch.fd >= 0 && gs->kind == IPC_KIND_STREAM && !rst) {
		uint8_t rest[256];
		while (recv(gs->watch.fd, rest, sizeof rest, MSG_DONTWAIT) == (ssize_t)sizeof rest)
			;
	}
	dpair_end(s, gs);
	watch_close(&s->loop, &gs->watch);
	dgram_drop_held(gs);
	if (gs->nl)
		nl_close(gs);
}

static void tomb_remove(struct svc *s, struct gsock *gs)
{
	if (gs->phase == GS_TOMB)
		s->n_tombs--;
	list_del(&gs->tomb);
}

void gsock_free(struct gsock *gs)
{
	struct vhost *h = gs->host;
	struct svc *s = h->svc;
	wait_end_all(gs, 0, -EBADF);
	shut_down(gs, false);
	tomb_remove(s, gs);
	/* for handlers that still hold it; memory goes when the loop has settled */
	gs->phase = GS_TOMB;
	list_del(&gs->node);
	list_del(&gs->of_client);
	hash_remove(s, gs);
	s->n_gsocks--;
	list_append(&s->dead_gsocks, &gs->node);
	vhost_left(h);
}

void gsock_reap(struct svc *s)
{
	struct list *n;
	while ((n = list_take(&s->dead_gsocks)))
		free(list_of(n, struct gsock, node));
}

void gsock_bury(struct gsock *gs, bool rst)
{
	struct svc *s = gs->host->svc;
	if (gs->phase == GS_TOMB)
		return;
	shut_down(gs, rst);
	gs->raised = rst && gs->kind == IPC_KIND_STREAM;
	/* Its run is over, so nobody will ask; a datagram socket that ends has been let go of. */
	if (!gs->client || gs->kind != IPC_KIND_STREAM) {
		gsock_free(gs);
		return;
	}
	gs->phase = GS_TOMB;
	list_append(&s->tombs, &gs->tomb);
	if (++s->n_tombs > SVC_MAX_TOMBS)
		gsock_free(list_of(list_first(&s->tombs), struct gsock, tomb));
	vhost_left(gs->host);
	/* Last: an answer that cannot be sent drops its client, and with it this tomb. */
	wait_end_all(gs, 0, gs->so_error ? -gs->so_error : -EBADF);
}
