/*
 * Captures of a running network as pcapng: to a tool that asked, or into a file that the network file names.  A
 * host's interfaces show what its stack gave and got, loopback too; a wire shows each frame once, as it entered, with
 * what the wire was going to do to it.  Each frame's comment says whose it was: host, socket, state, the call or the
 * cause, fate, wire.
 *
 * A tool that does not keep up loses frames, not the network its time: they are left out, and the log says how many.
 */
#include "host/verb_capture.h"
#include "host/call_text.h"
#include "host/events.h"
#include "host/verb.h"
#include <errno.h>
#include <limits.h>
#include <outlet/ol_capture.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BUF = 60 * 1024, MAX_BEHIND = 4 << 20, FLUSH_MS = 20, FILE_FLUSH_MS = 500 };

/* An interface of the capture: of a host, or a wire. */
struct seen_iface { struct vhost *host; int ifi; struct wire *wire; unsigned number; };
struct tap_in {
	struct stream stream;
	struct ol_capture *cap;
	struct ol_capture_file *file;		/* NULL: to a tool */
	struct vhost *host;			/* NULL: all */
	struct wire *wire;			/* NULL: hosts' interfaces */
	char interface[16];			/* "": all */
	struct seen_iface *iface; unsigned n_ifaces;
	struct alarm flush;
	uint64_t missed;
	size_t len;
	uint8_t buf[BUF];
};

/* ---- out --------------------------------------------------------------------------------------------------------- */
static void send_buf(struct tap_in *t)
{
	size_t n = t->len;
	t->len = 0;
	if (n)
		/* which may end the stream */
		client_send(t->stream.cl, IPC_DATA, t->stream.id, t->buf, n, NULL, 0, -1);
}

static void flush_rang(struct alarm *a)
{
	struct tap_in *t = list_of(a, struct tap_in, flush);
	if (t->file)
		ol_capture_file_flush(t->file);
	else
		send_buf(t);
}

static void flush_soon(struct tap_in *t)
{
	struct loop *l = &t->stream.svc->loop;
	if (!timer_armed(&t->flush.timer))
		alarm_set(l, &t->flush, l->now + (t->file ? FILE_FLUSH_MS : FLUSH_MS) * OL_MS);
}

/* Blocks of a frame are handed over whole; the longest is a super-segment, longer than the buffer. */
static int sink(void *ctx, const void *bytes, size_t len)
{
	struct tap_in *t = ctx;
	const uint8_t *p = bytes;
	while (len) {
		size_t n = MIN(len, sizeof t->buf - t->len);
		memcpy(t->buf + t->len, p, n);
		t->len += n;
		p += n;
		len -= n;
		if (t->len == sizeof t->buf) {
			struct client *cl = t->stream.cl;
			send_buf(t);
			if (cl->dead)
				return -EPIPE;
		}
	}
	return 0;
}

/* ---- frames ------------------------------------------------------------------------------------------------------ */
static int iface_number(struct tap_in *t, const struct sighting *s, bool of_wire)
{
	struct vhost *h = of_wire ? NULL : s->host;
	struct wire *w = of_wire ? s->wire : NULL;
	int ifi = of_wire ? 0 : s->ifi;
	for (unsigned i = 0; i < t->n_ifaces; i++)
		if (t->iface[i].host == h && t->iface[i].ifi == ifi && t->iface[i].wire == w)
			return (int)t->iface[i].number;
	char name[SVC_NAME_MAX + 24], text[2 * SVC_NAME_MAX + 64];
	struct ol_iface_info info = { .name = "" };
	if (h) {
		ol_iface_info(h->stk, ifi, &info);
		snprintf(name, sizeof name, "%s:%s", h->name, info.name);
		snprintf(text, sizeof text, "interface %s of host %s", info.name, h->name);
	} else {
		snprintf(name, sizeof name, "%s", w->name);
		snprintf(text, sizeof text, "wire %s", w->name);
	}
	struct seen_iface *grown = realloc(t->iface, (t->n_ifaces + 1) * sizeof *grown);
	if (!grown)
		return -ENOMEM;
	t->iface = grown;
	int number = ol_capture_iface(t->cap, name, text, s->pkt->link);
	if (number >= 0)
		t->iface[t->n_ifaces++] = (struct seen_iface){
			.host = h, .ifi = ifi, .wire = w, .number = (unsigned)number
		};
	return number;
}

static void describe(const struct sighting *s, struct ol_capture_note *n)
{
	*n = (struct ol_capture_note)OL_CAPTURE_NOTE_INIT;
	int32_t sock = s->verdict ? s->verdict->sock : s->pkt->note.sock;
	const struct gsock *gs = NULL;
	if (s->host) {
		snprintf(n->host, sizeof n->host, "%s", s->host->name);
		struct holder *holder = sock >= 0 ? ol_get_tag(s->host->stk, sock) : NULL;
		if (holder && holder->guest) {
			gs = list_of(holder, struct gsock, holder);
			n->sock = (int32_t)gs->num;
		}
	}
	if (s->verdict) {
		const struct ol_verdict *v = s->verdict;
		if (v->state_before && v->state_before != v->state_after)
			snprintf(n->state, sizeof n->state, "%s -> %s", ol_tcp_state_name(v->state_before),
				 ol_tcp_state_name(v->state_after));
		else if (v->state_after)
			snprintf(n->state, sizeof n->state, "%s", ol_tcp_state_name(v->state_after));
		if (v->fate != OL_PASS && v->fate != OL_DONE) {
			snprintf(n->fate, sizeof n->fate, "%s", ol_fate_name(v->fate));
			snprintf(n->fate_text, sizeof n->fate_text, "%s", ol_fate_text(v->fate));
		}
	} else {
		if (s->pkt->note.state)
			snprintf(n->state, sizeof n->state, "%s", ol_tcp_state_name(s->pkt->note.state));
		if (!s->host || !call_behind(s->host, gs, &s->pkt->note, n->call, sizeof n->call))
			snprintf(n->cause, sizeof n->cause, "%s", ol_cause_text(s->pkt->note.cause));
	}
	if (s->on_wire && s->on_wire->befell)
		ol_wire_befell_str(s->on_wire->befell, n->wire);
}

static bool wanted(const struct tap_in *t, const struct sighting *s)
{
	if (t->wire)
		return s->wire == t->wire && s->on_wire->dir == OL_WIRE_IN && !s->on_wire->late;
	if (!s->host || (t->host && s->host != t->host))
		return false;
	struct ol_iface_info info;
	return !t->interface[0] || (!ol_iface_info(s->host->stk, s->ifi, &info) && !strcmp(info.name, t->interface));
}

static void on_frame(struct stream *st, const struct sighting *s)
{
	struct tap_in *t = list_of(st, struct tap_in, stream);
	if (!wanted(t, s))
		return;
	if (!t->file && st->cl->outbox_bytes > MAX_BEHIND) {
		t->missed++;
		return;
	}
	struct ol_capture_note note;
	char comment[OL_CAPTURE_COMMENT_MAX];
	int number = iface_number(t, s, t->wire != NULL);
	if (number < 0)
		return;
	describe(s, &note);
	ol_capture_note_print(&note, comment);
	enum ol_capture_dir dir = t->wire ? OL_CAPTURE_UNKNOWN : s->out ? OL_CAPTURE_OUTBOUND : OL_CAPTURE_INBOUND;
	struct client *cl = st->cl;
	ol_capture_frame(t->cap, (unsigned)number, s->pkt, st->svc->loop.now, dir, comment);
	if (!cl || !cl->dead)
		flush_soon(t);
}

/* ---- begin and end ----------------------------------------------------------------------------------------------- */
static void close_capture(struct stream *st)
{
	struct tap_in *t = list_of(st, struct tap_in, stream);
	alarm_stop(&st->svc->loop, &t->flush);
	verb_stream_gone(st);
	if (t->missed)
		svc_log(st->svc, "a capture left out %llu frames: its reader was too slow",
			(unsigned long long)t->missed);
	if (t->file)
		ol_capture_file_close(t->file);
	else
		ol_capture_free(t->cap);
	free(t->iface);
	free(t);
}

static void host_gone(struct stream *st, struct vhost *h)
{
	struct tap_in *t = list_of(st, struct tap_in, stream);
	for (unsigned i = 0; i < t->n_ifaces; i++)
		if (t->iface[i].host == h)
			t->iface[i].host = (struct vhost *)-1;	/* a new host may come to lie at the same address */
	if (t->host != h)
		return;
	struct client *cl = st->cl;
	uint64_t id = st->id;
	if (cl) {
		send_buf(t);
		if (cl->dead)
			return;
	}
	close_capture(st);
	if (cl)
		verb_end(cl, id, json_pack("{ss}", "why", "the host is gone"));
}

static struct tap_in *capture_new(struct svc *s)
{
	struct tap_in *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	t->stream = (struct stream){ .svc = s, .close = close_capture, .host_gone = host_gone, .frame = on_frame };
	alarm_init(&t->flush, flush_rang);
	return t;
}

void verb_capture(const struct ask *a)
{
	const char *wire = verb_text(a, "wire"), *interface = verb_text(a, "interface");
	struct vhost *h;
	if (!verb_host(a, &h))
		return;
	struct wire *w = wire ? wire_find(a->svc, wire) : NULL;
	if (wire && !w) {
		verb_error(a, "the network %s has no wire %s; see its wires with: outlet wire", a->svc->net, wire);
		return;
	}
	struct tap_in *t = capture_new(a->svc);
	if (!t) {
		verb_error(a, "not enough memory");
		return;
	}
	t->host = h;
	t->wire = w;
	snprintf(t->interface, sizeof t->interface, "%s", interface ? interface : "");
	if (!verb_stream(a, &t->stream)) {
		free(t);
		return;
	}
	struct ol_capture_config cfg = { .sink = sink, .ctx = t, .epoch_ns = svc_epoch(a->svc) };
	t->cap = ol_capture_new(&cfg);
	if (t->cap) {
		send_buf(t);			/* so that the tool knows it has begun */
		return;
	}
	close_capture(&t->stream);
	verb_error(a, "not enough memory");
}

int capture_to_file(struct svc *s, const struct nf_capture *f, const struct netfile *nf, char *why, size_t why_len)
{
	struct tap_in *t = capture_new(s);
	char path[PATH_MAX], reason[512];
	const char *slash = strrchr(s->file, '/');
	int dir = f->file[0] == '/' || !slash ? 0 : (int)(slash + 1 - s->file);	/* beside the network file */
	if (!t || (size_t)snprintf(path, sizeof path, "%.*s%s", dir, s->file, f->file) >= sizeof path) {
		snprintf(why, why_len, "line %d: not enough memory for the capture", f->line);
		free(t);
		return -ENOMEM;
	}
	int err = ol_capture_file_open(&t->file, path, svc_epoch(s), reason, sizeof reason);
	if (err) {
		snprintf(why, why_len, "line %d: %s", f->line, reason);
		free(t);
		return err;
	}
	t->cap = ol_capture_file_writer(t->file);
	t->host = f->host >= 0 ? vhost_find(s, nf->host[f->host].name) : NULL;
	t->wire = f->wire >= 0 ? wire_find(s, nf->wire[f->wire].name) : NULL;
	snprintf(t->interface, sizeof t->interface, "%s", f->interface);
	list_append(&s->streams, &t->stream.node);
	s->n_streams++;
	s->n_watchers++;
	return 0;
}

void capture_close_files(struct svc *s)
{
	list_for_safe(n, &s->streams) {
		struct stream *st = list_of(n, struct stream, node);
		if (!st->cl)
			st->close(st);
	}
}
