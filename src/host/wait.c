/*
 * Calls that wait: a blocking connect, accept or send whose time has not come.  A wait is on two lists, of its socket
 * (which ends it) and of its client (which may take it back, or die), and has an alarm where the guest's SO_RCVTIMEO or
 * SO_SNDTIMEO says how long.  Every wait is answered exactly once, unless nobody is left to hear it.
 */
#include "host/svc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void too_late(struct alarm *a)
{
	struct wait *w = list_of(a, struct wait, alarm);
	wait_end(w, w->late);
}

struct wait *wait_new(const struct call *c, int late)
{
	struct svc *s = c->cl->svc;
	struct wait *w = c->cl->n_waits < SVC_MAX_WAITS ? calloc(1, sizeof *w) : NULL;
	if (w && c->c.op == IPC_OP_SENDTO) {
		w->body_len = sizeof c->c + c->name.len + c->ctl.len + c->data.len;
		w->body = malloc(w->body_len);
		if (w->body)
			memcpy(w->body, c->name.p - sizeof c->c, w->body_len);	/* the parts follow the fixed one */
	}
	if (!w || (c->c.op == IPC_OP_SENDTO && !w->body)) {
		free(w);
		call_ret(c, -ENOBUFS);
		return NULL;
	}
	w->cl = c->cl;
	w->gs = c->gs;
	w->id = c->id;
	w->op = c->c.op;
	w->flags = c->c.flags;
	w->pid = c->c.pid;
	w->late = late;
	list_append(&c->gs->waits, &w->of_sock);
	list_append(&c->cl->waits, &w->of_client);
	c->cl->n_waits++;
	alarm_init(&w->alarm, too_late);
	if (c->c.timeout_ns)
		alarm_set(&s->loop, &w->alarm,
			  c->c.timeout_ns < OL_NEVER - s->loop.now ? s->loop.now + c->c.timeout_ns : OL_NEVER);
	return w;
}

void wait_free(struct wait *w)
{
	alarm_stop(&w->cl->svc->loop, &w->alarm);
	list_del(&w->of_sock);
	list_del(&w->of_client);
	w->cl->n_waits--;
	free(w->body);
	free(w);
}

const struct call *wait_shown(const struct wait *w, struct call *seen)
{
	struct svc *s = w->cl->svc;
	const struct call *outer = s->current;
	*seen = (struct call){ .cl = w->cl, .id = w->id, .c = { .op = w->op, .pid = w->pid, .sock = w->gs->num }, .gs = w->gs };
	s->current = seen;
	return outer;
}

/*
 * The attempt goes on behind a call that waits no longer: from now on its socket must not look writable before it is connected, so the
 * runner is to plug it, as after a connect() that did not wait.
 */
static bool wants_plug(struct wait *w, int ret)
{
	struct gsock *gs = w->gs;
	bool goes_on = w->op == IPC_OP_CONNECT && gs->phase == GS_CONNECTING && !gs->failed && !gs->plug_left;
	if (!goes_on || (ret != -EINTR && ret != -EINPROGRESS && ret != -EALREADY))
		return false;
	gs->plug_left = IPC_PLUG_LEN;
	return true;
}

void wait_end(struct wait *w, int ret)
{
	struct answer with = { .extra = wants_plug(w, ret), .fd = -1 };
	struct client *cl = w->cl;
	uint64_t id = w->id;
	int done = w->done;
	struct call seen;
	const struct call *outer = wait_shown(w, &seen);
	wait_free(w);
	call_reply(cl, id, ret == 0 ? done : ret, &with);
	cl->svc->current = outer;
}

void wait_end_all(struct gsock *gs, uint16_t op, int ret)
{
	list_for_safe(n, &gs->waits) {
		struct wait *w = list_of(n, struct wait, of_sock);
		if (!op || w->op == op)
			wait_end(w, ret);
	}
}

/* The guest's call was interrupted.  What it began goes on: an attempt to connect stays under way. */
void wait_cancel(struct client *cl, uint64_t id)
{
	list_for(n, &cl->waits) {
		struct wait *w = list_of(n, struct wait, of_client);
		if (w->id == id) {
			wait_end(w, -EINTR);
			return;
		}
	}
}
