/* What happens, for those who watch it; see events.h and doc/SERVICE.md. */
#include "host/events.h"
#include "host/call_text.h"
#include "host/verb.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_BEHIND = 4 << 20 };		/* bytes a tool may be behind before events are left out, and counted */

struct watcher { struct stream stream; struct vhost *only; uint64_t missed; };

const char *events_op_name(unsigned op)
{
	static const char *const names[IPC_OP_MAX] = {
		[IPC_OP_SOCKET] = "socket",
		[IPC_OP_BIND] = "bind",
		[IPC_OP_CONNECT] = "connect",
		[IPC_OP_LISTEN] = "listen",
		[IPC_OP_ACCEPT] = "accept",
		[IPC_OP_SHUTDOWN] = "shutdown",
		[IPC_OP_GETSOCKNAME] = "getsockname",
		[IPC_OP_GETPEERNAME] = "getpeername",
		[IPC_OP_SETSOCKOPT] = "setsockopt",
		[IPC_OP_GETSOCKOPT] = "getsockopt",
		[IPC_OP_SENDTO] = "sendto",
		[IPC_OP_RECVERR] = "recverr",
		[IPC_OP_IOCTL] = "ioctl",
		[IPC_OP_PROCNET] = "open",
	};
	return op < IPC_OP_MAX && names[op] ? names[op] : "?";
}

const char *events_program(const struct gsock *gs, char *buf, size_t len)
{
	char path[32];
	snprintf(path, sizeof path, "/proc/%d/comm", gs->pid);
	int fd = gs->pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n = fd >= 0 ? read(fd, buf, len - 1) : -1;
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		snprintf(buf, len, "%s", gs->client ? gs->client->program : "");
	else
		buf[n] = 0;
	buf[strcspn(buf, "\n")] = 0;
	return buf;
}

/* ---- telling ----------------------------------------------------------------------------------------------------- */
static json_t *event(struct svc *s, struct vhost *h, const char *what)
{
	json_t *j = json_pack("{sI ss}", "time_us", (json_int_t)((s->loop.now - s->born) / OL_US), "event", what);
	if (h)
		json_object_set_new(j, "host", json_string(h->name));
	return j;
}

static void tell(struct svc *s, struct vhost *h, json_t *j)
{
	list_for_safe(n, &s->streams) {
		struct stream *st = list_of(n, struct stream, node);
		if (!st->is_events)
			continue;
		struct watcher *w = list_of(st, struct watcher, stream);
		if (w->only && w->only != h)
			continue;
		if (st->cl->outbox_bytes > MAX_BEHIND)
			w->missed++;
		else
			verb_data(st->cl, st->id, json_incref(j));
	}
	json_decref(j);
}

void events_call(struct svc *s, const struct call *c, int ret)
{
	char text[CALL_TEXT_LEN], program[64];
	struct vhost *h = c->gs ? c->gs->host : c->cl->host;
	call_args(c, text, sizeof text);
	json_t *j = event(s, h, "call");
	json_object_set_new(j, "pid", json_integer(c->c.pid));
	if (c->gs)
		json_object_set_new(j, "program", json_string(events_program(c->gs, program, sizeof program)));
	json_object_set_new(j, "sock", json_integer(c->gs ? (json_int_t)c->gs->num : (json_int_t)c->c.sock));
	json_object_set_new(j, "call", json_string(events_op_name(c->c.op)));
	json_object_set_new(j, "args", json_string(text));
	json_object_set_new(j, "result",
			    ret < 0 ? json_string(strerrorname_np(-ret) ? strerrorname_np(-ret) : "?")
				    : json_integer(ret));
	tell(s, h, j);
}

void events_guest(struct svc *s, struct vhost *h, struct client *cl, bool came)
{
	if (!s->n_streams)
		return;
	json_t *j = event(s, h, "guest");
	json_object_set_new(j, "pid", json_integer(cl->pid));
	json_object_set_new(j, "program", json_string(cl->program));
	json_object_set_new(j, "what", json_string(came ? "came" : "left"));
	tell(s, h, j);
}

void events_frame(struct svc *s, const struct sighting *seen)
{
	list_for_safe(n, &s->streams) {
		struct stream *st = list_of(n, struct stream, node);
		if (st->frame)
			st->frame(st, seen);
	}
}

/* ---- frames as events: states that changed, and what a wire did -------------------------------------------------- */
static int32_t number_of(struct vhost *h, int32_t sock)
{
	struct holder *holder = sock >= 0 ? ol_get_tag(h->stk, sock) : NULL;
	return holder && holder->guest ? (int32_t)list_of(holder, struct gsock, holder)->num : -1;
}

static void on_frame(struct stream *st, const struct sighting *seen)
{
	struct watcher *w = list_of(st, struct watcher, stream);
	struct svc *s = st->svc;
	if (w->only && seen->host != w->only)
		return;
	json_t *j = NULL;
	if (seen->verdict && seen->verdict->state_before != seen->verdict->state_after) {
		j = event(s, seen->host, "state");
		json_object_set_new(j, "sock", json_integer(number_of(seen->host, seen->verdict->sock)));
		json_object_set_new(j, "from", json_string(ol_tcp_state_name(seen->verdict->state_before)));
		json_object_set_new(j, "to", json_string(ol_tcp_state_name(seen->verdict->state_after)));
		json_object_set_new(j, "cause", json_string("segment"));
	} else if (seen->on_wire && seen->on_wire->befell) {
		char text[OL_WIRE_BEFELL_STRLEN];
		j = event(s, NULL, "wire");
		json_object_set_new(j, "wire", json_string(seen->wire->name));
		json_object_set_new(j, "port", json_integer(seen->on_wire->port));
		json_object_set_new(j, "befell", json_string(ol_wire_befell_str(seen->on_wire->befell, text)));
	}
	if (!j)
		return;
	if (st->cl->outbox_bytes > MAX_BEHIND) {
		w->missed++;
		json_decref(j);
	} else {
		verb_data(st->cl, st->id, j);		/* which may end the stream */
	}
}

static void close_watcher(struct stream *st)
{
	verb_stream_gone(st);
	free(list_of(st, struct watcher, stream));
}

static void caught_up(struct stream *st)
{
	struct watcher *w = list_of(st, struct watcher, stream);
	if (!w->missed)
		return;
	json_t *j = event(st->svc, NULL, "missed");
	json_object_set_new(j, "events", json_integer((json_int_t)w->missed));
	w->missed = 0;
	verb_data(st->cl, st->id, j);
}

static void host_gone(struct stream *st, struct vhost *h)
{
	struct watcher *w = list_of(st, struct watcher, stream);
	if (w->only != h)
		return;
	struct client *cl = st->cl;
	uint64_t id = st->id;
	close_watcher(st);
	verb_end(cl, id, json_pack("{ss}", "why", "the host is gone"));
}

void verb_events(const struct ask *a)
{
	struct vhost *only;
	if (!verb_host(a, &only))
		return;
	struct watcher *w = calloc(1, sizeof *w);
	if (!w) {
		verb_error(a, "not enough memory");
		return;
	}
	w->only = only;
	w->stream = (struct stream){ .svc = a->svc,
				     .close = close_watcher,
				     .room = caught_up,
				     .host_gone = host_gone,
				     .frame = on_frame,
				     .is_events = true };
	if (!verb_stream(a, &w->stream))
		free(w);
}
