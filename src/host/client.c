/*
 * Connections of runners and tools.  A client is greeted once; a runner then is on a host, a tool asks.  What a
 * client does not read waits in its outbox, and while something waits there nothing more is read from it; one whose
 * outbox grows past its bound is let go of.  A client is dropped at once and freed when the loop has settled, so that
 * handlers may go on holding it to the end of their turn.
 */
#include "host/events.h"
#include "host/net.h"
#include "host/svc.h"
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_MESSAGES = 64, SNDBUF = 1 << 20 };	/* read from one client before others have their turn */

struct letter { struct list node; size_t len; int fd; uint16_t type; uint64_t id; uint8_t body[]; };

static void on_ready(struct watch *w, uint32_t events);

/* ---- out --------------------------------------------------------------------------------------------------------- */
static void letter_free(struct client *cl, struct letter *m)
{
	list_del(&m->node);
	cl->outbox_bytes -= m->len;
	if (m->fd >= 0)
		close(m->fd);
	free(m);
}

static void keep(struct client *cl, enum ipc_type type, uint64_t id, const void *a, size_t a_len, const void *b,
		 size_t b_len, int fd)
{
	struct letter *m = cl->outbox_bytes < SVC_MAX_OUTBOX ? malloc(sizeof *m + a_len + b_len) : NULL;
	if (!m) {
		if (fd >= 0)
			close(fd);
		client_drop(cl);
		return;
	}
	if (list_empty(&cl->outbox))
		watch_change(&cl->svc->loop, &cl->watch, EPOLLOUT | EPOLLRDHUP);
	m->len = a_len + b_len;
	m->fd = fd;
	m->type = (uint16_t)type;
	m->id = id;
	if (a_len)
		memcpy(m->body, a, a_len);
	if (b_len)
		memcpy(m->body + a_len, b, b_len);
	list_append(&cl->outbox, &m->node);
	cl->outbox_bytes += m->len;
}

void client_send(struct client *cl, enum ipc_type type, uint64_t id, const void *a, size_t a_len, const void *b,
		 size_t b_len, int fd)
{
	if (cl->dead) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if (list_empty(&cl->outbox)) {
		int err = ipc_send(cl->watch.fd, type, id, a, a_len, b, b_len, &fd, fd >= 0);
		if (err != -EAGAIN && err != -ETOOMANYREFS) {
			if (fd >= 0)
				close(fd);
			if (err)
				client_drop(cl);
			return;
		}
	}
	keep(cl, type, id, a, a_len, b, b_len, fd);
}

static void flush(struct client *cl)
{
	struct list *n;
	while ((n = list_first(&cl->outbox))) {
		struct letter *m = list_of(n, struct letter, node);
		int err = ipc_send(cl->watch.fd, (enum ipc_type)m->type, m->id, m->body, m->len, NULL, 0, &m->fd,
				   m->fd >= 0);
		if (err == -EAGAIN || err == -ETOOMANYREFS)
			return;
		if (err) {
			client_drop(cl);
			return;
		}
		letter_free(cl, m);
	}
	watch_change(&cl->svc->loop, &cl->watch, EPOLLIN | EPOLLRDHUP);
	if (cl->stream && cl->stream->room)
		cl->stream->room(cl->stream);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */
/*
 * What its guests held closes by itself, as the kernel closes their descriptors; only what cannot be seen is ended
 * here.
 */
void client_drop(struct client *cl)
{
	struct svc *s = cl->svc;
	if (cl->dead)
		return;
	cl->dead = true;
	watch_close(&s->loop, &cl->watch);
	struct list *n;
	while ((n = list_first(&cl->outbox)))
		letter_free(cl, list_of(n, struct letter, node));
	while ((n = list_first(&cl->gsocks))) {
		struct gsock *gs = list_of(n, struct gsock, of_client);
		list_del(n);
		gs->client = NULL;
		if (gs->phase == GS_TOMB)
			gsock_free(gs);
	}
	if (cl->stream)
		cl->stream->close(cl->stream);
	cl->stream = NULL;
	list_del(&cl->node);
	list_append(&s->dead_clients, &cl->node);
	s->n_clients--;
	if (cl->greeted && cl->role == IPC_ROLE_GUEST) {
		s->n_guests--;
		cl->host->n_clients--;
		events_guest(s, cl->host, cl, false);
		vhost_left(cl->host);
	}
	svc_idle(s);
}

void client_reap(struct svc *s)
{
	struct list *n;
	while ((n = list_take(&s->dead_clients))) {
		struct client *cl = list_of(n, struct client, node);
		/* only now: whoever walks the waits of a socket may drop a client */
		while ((n = list_first(&cl->waits)))
			wait_free(list_of(n, struct wait, of_client));
		free(cl);
	}
}

/* ---- greeting ---------------------------------------------------------------------------------------------------- */
static void refuse(struct client *cl, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void refuse(struct client *cl, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	client_send(cl, IPC_REFUSE, 0, text, strlen(text), NULL, 0, -1);
	client_drop(cl);
}

static void list_names(struct svc *s, char *buf, size_t len)
{
	size_t at = 0;
	buf[0] = 0;
	list_for(n, &s->hosts) {
		struct vhost *h = list_of(n, struct vhost, node);
		int k = snprintf(buf + at, len - at, "%s%s", at ? ", " : "", h->name);
		if (k < 0 || (size_t)k >= len - at)
			return;
		at += (size_t)k;
	}
}

/* "/usr/bin/Python3.11" -> "python3-11": a name that works as a label of a host name. */
static void label_of(const char *program, char *out, size_t len)
{
	const char *slash = strrchr(program, '/');
	const char *p = slash ? slash + 1 : program;
	size_t n = 0;
	for (; *p && n + 1 < len; p++) {
		char c = (char)tolower((unsigned char)*p);
		if (isalnum((unsigned char)c))
			out[n++] = c;
		else if (n && out[n - 1] != '-')
			out[n++] = '-';
	}
	while (n && out[n - 1] == '-')
		n--;
	if (!n)
		n = (size_t)snprintf(out, len, "host");
	out[n] = 0;
}

bool client_host_name_ok(const char *name)
{
	size_t n = strlen(name);
	return n >= 1 && n <= SVC_NAME_MAX && name[0] != '-' && name[n - 1] != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

/* The host a runner is to be on: the one it names, or one of its own, named after the program. */
static struct vhost *find_host(struct client *cl, const struct ipc_hello *hello)
{
	struct svc *s = cl->svc;
	char name[SVC_NAME_MAX + 1], names[512], why[256];
	if (hello->host[0]) {
		struct vhost *h = vhost_find(s, hello->host);
		if (h)
			return h;
		if (!client_host_name_ok(hello->host)) {
			refuse(cl, "%s is no name for a host: use 1 to %u lower-case letters, digits and '-'",
			       hello->host, SVC_NAME_MAX);
			return NULL;
		}
		if (!s->guest_wire) {
			list_names(s, names, sizeof names);
			refuse(cl, "the network %s has no host %s; it has: %s", s->net, hello->host, names);
			return NULL;
		}
		snprintf(name, sizeof name, "%s", hello->host);
	} else {
		if (!s->guest_wire) {
			list_names(s, names, sizeof names);
			refuse(cl, "say on which host to run, with --host; the network %s has: %s", s->net, names);
			return NULL;
		}
		char base[SVC_NAME_MAX - 8];
		label_of(hello->program, base, sizeof base);
		snprintf(name, sizeof name, "%s", base);
		for (unsigned i = 2; vhost_find(s, name); i++)
			snprintf(name, sizeof name, "%s-%u", base, i);
	}
	struct vhost *h = net_guest_host(s, name, why, sizeof why);
	if (!h)
		refuse(cl, "%s", why);
	return h;
}

static void welcome(struct client *cl)
{
	struct svc *s = cl->svc;
	json_t *j = json_object(), *addrs = json_array();
	json_object_set_new(j, "net", json_string(s->net));
	json_object_set_new(j, "file", s->file[0] ? json_string(s->file) : json_null());
	json_object_set_new(j, "pid", json_integer(getpid()));
	if (cl->host) {
		json_object_set_new(j, "host", json_string(cl->host->name));
		for (int i = ol_iface_next(cl->host->stk, 0); i; i = ol_iface_next(cl->host->stk, i)) {
			struct ol_addr a;
			unsigned plen;
			char text[OL_ADDR_STRLEN];
			for (unsigned k = 0; cl->host->nic[i].wire && !ol_addr_get(cl->host->stk, i, k, &a, &plen); k++)
				json_array_append_new(addrs, json_sprintf("%s/%u", ol_addr_str(&a, text), plen));
		}
	}
	json_object_set_new(j, "addresses", addrs);
	char *text = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	if (text)
		client_send(cl, IPC_WELCOME, 0, text, strlen(text), NULL, 0, -1);
	else
		client_drop(cl);
	free(text);
}

static void greet(struct client *cl, const uint8_t *body, size_t len)
{
	struct svc *s = cl->svc;
	struct ipc_hello hello;
	struct ipc_bytes file;
	uint32_t version = 0;
	memcpy(&version, body, MIN(len, sizeof version));
	if (version != IPC_VERSION) {
		refuse(cl, "this network is run by another version of outletd; end it with: outlet down");
		return;
	}
	if (!ipc_hello_parse(body, len, &hello, &file)) {
		client_drop(cl);
		return;
	}
	if (file.len && (file.len != strlen(s->file) || memcmp(file.p, s->file, file.len) != 0)) {
		refuse(cl, "another network %s runs already; end it with `outlet down --now --net %s`, or give your file another name; "
		       "it was made from %s", s->net, s->net, s->file[0] ? s->file : "no file");
		return;
	}
	cl->role = hello.role;
	cl->pid = hello.pid;
	memcpy(cl->program, hello.program, sizeof cl->program);
	if (hello.role == IPC_ROLE_GUEST) {
		struct vhost *h = find_host(cl, &hello);
		if (!h)
			return;
		cl->host = h;
		h->n_clients++;
		s->n_guests++;
		alarm_stop(&s->loop, &h->reap);
		alarm_stop(&s->loop, &s->grace);
	}
	cl->greeted = true;
	welcome(cl);
	if (cl->host && !cl->dead)
		events_guest(s, cl->host, cl, true);
}

/* ---- in ---------------------------------------------------------------------------------------------------------- */
static void message(struct client *cl, const struct ipc_head *head, const uint8_t *body, size_t len)
{
	bool guest = cl->greeted && cl->role == IPC_ROLE_GUEST, tool = cl->greeted && cl->role == IPC_ROLE_TOOL;
	if (!cl->greeted && head->type == IPC_HELLO)
		greet(cl, body, len);
	else if (guest && head->type == IPC_CALL)
		call_in(cl, head->id, body, len);
	else if (guest && head->type == IPC_CANCEL)
		wait_cancel(cl, head->id);
	else if (tool && head->type == IPC_ASK)
		verb_in(cl, head->id, body, len);
	else
		client_drop(cl);
}

static void on_ready(struct watch *w, uint32_t events)
{
	struct client *cl = list_of(w, struct client, watch);
	if (events & EPOLLOUT)
		flush(cl);
	for (int i = 0; i < MAX_MESSAGES && !cl->dead && list_empty(&cl->outbox); i++) {
		struct ipc_head head;
		const uint8_t *body;
		int len = ipc_recv(cl->watch.fd, cl->svc->msg, &head, &body, NULL, NULL);
		if (len == -EAGAIN)
			return;
		if (len < 0)
			client_drop(cl);
		else
			message(cl, &head, body, (size_t)len);
	}
	if (!cl->dead && (events & (EPOLLHUP | EPOLLERR)) && !list_empty(&cl->outbox))
		client_drop(cl);
}

void client_accept(struct watch *w, uint32_t events)
{
	struct svc *s = list_of(w, struct svc, listener);
	(void)events;
	for (int i = 0; i < MAX_MESSAGES; i++) {
		int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return;
		struct client *cl = s->n_clients < SVC_MAX_CLIENTS ? calloc(1, sizeof *cl) : NULL;
		if (!cl || watch_add(&s->loop, &cl->watch, fd, EPOLLIN | EPOLLRDHUP, on_ready)) {
			free(cl);
			close(fd);
			continue;
		}
		int size = SNDBUF;
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
		cl->svc = s;
		list_init(&cl->waits);
		list_init(&cl->gsocks);
		list_init(&cl->outbox);
		list_append(&s->clients, &cl->node);
		s->n_clients++;
	}
}
