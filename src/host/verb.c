/* The table of verbs, and what their handlers share. */
#include "host/verb.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct { const char *name; void (*run)(const struct ask *a); } verbs[] = {
	{ "status", verb_status }, { "hosts", verb_hosts }, { "ss", verb_ss }, { "counters", verb_counters },
	{ "wire", verb_wire }, { "up", verb_up }, { "down", verb_down }, { "ping", verb_ping },
	{ "capture", verb_capture }, { "events", verb_events },
};

/*
 * Takes the object.  One that is longer than a message goes as DATA pieces, and the answer then only says how long it
 * was.
 */
static void send_json(struct client *cl, enum ipc_type type, uint64_t id, json_t *j, const char *tail)
{
	static const size_t piece = IPC_MAX / 2;
	static const char no_memory[] = "{\"error\": \"not enough memory for the answer\"}";
	char *text = j ? json_dumps(j, JSON_COMPACT) : NULL, whole[64];
	const char *what = text ? text : no_memory;
	json_decref(j);
	size_t len = strlen(what);
	if (len > piece) {
		for (size_t at = 0; at < len && !cl->dead; at += piece)
			client_send(cl, IPC_DATA, id, what + at, MIN(piece, len - at), NULL, 0, -1);
		snprintf(whole, sizeof whole, "{\"whole\": %zu}", len);
		what = whole;
	}
	client_send(cl, type, id, what, strlen(what), tail, strlen(tail), -1);
	free(text);
}

void verb_answer(const struct ask *a, json_t *answer) { send_json(a->cl, IPC_ANSWER, a->id, answer, ""); }
void verb_data(struct client *cl, uint64_t id, json_t *line) { send_json(cl, IPC_DATA, id, line, "\n"); }
void verb_end(struct client *cl, uint64_t id, json_t *last) { send_json(cl, IPC_END, id, last, ""); }

void verb_error(const struct ask *a, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	json_t *j = json_object(), *s = json_string(text);
	json_object_set_new(j, "error", s ? s : json_string("the request is not valid UTF-8"));
	verb_answer(a, j);
}

const char *verb_text(const struct ask *a, const char *key) { return json_string_value(json_object_get(a->j, key)); }

int64_t verb_number(const struct ask *a, const char *key, int64_t otherwise, int64_t lo, int64_t hi)
{
	json_t *v = json_object_get(a->j, key);
	return CLAMP(json_is_integer(v) ? (int64_t)json_integer_value(v) : otherwise, lo, hi);
}

bool verb_host(const struct ask *a, struct vhost **h)
{
	const char *name = verb_text(a, "host");
	*h = name ? vhost_find(a->svc, name) : NULL;
	if (name && !*h)
		verb_error(a, "the network %s has no host %s; see its hosts with: outlet hosts", a->svc->net, name);
	return !name || *h;
}

bool verb_stream(const struct ask *a, struct stream *s)
{
	if (a->cl->stream) {
		verb_error(a, "this connection watches something already; open another one");
		return false;
	}
	s->svc = a->svc;
	s->cl = a->cl;
	s->id = a->id;
	a->cl->stream = s;
	list_append(&a->svc->streams, &s->node);
	a->svc->n_streams++;
	a->svc->n_watchers += s->frame != NULL;
	return true;
}

void verb_stream_gone(struct stream *s)
{
	struct svc *svc = s->svc;
	list_del(&s->node);
	svc->n_streams--;
	svc->n_watchers -= s->frame != NULL;
	if (s->cl)
		s->cl->stream = NULL;
}

void verb_in(struct client *cl, uint64_t id, const uint8_t *body, size_t len)
{
	json_error_t err;
	struct ask a = { .svc = cl->svc, .cl = cl, .id = id };
	a.j = json_loadb((const char *)body, len, JSON_REJECT_DUPLICATES, &err);
	const char *verb = a.j ? verb_text(&a, "verb") : NULL;
	size_t i = 0;
	while (verb && i < ARRAY_LEN(verbs) && strcmp(verbs[i].name, verb))
		i++;
	if (!a.j)
		verb_error(&a, "the request is no JSON object: %s", err.text);
	else if (!verb || i == ARRAY_LEN(verbs))
		verb_error(&a, "the service knows no verb %s", verb ? verb : "(none given)");
	else
		verbs[i].run(&a);
	json_decref(a.j);
}
