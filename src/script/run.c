/*
 * Events one after the other.  Segments in, calls and assertions happen at their time; segments out are waited for and their
 * time is compared.  The script's time 0 is when its first event happens.  A relative time counts from now, or, of two segments in
 * a row that go in, from the time the first one was due: what the stack takes in between does not add up.
 */
#include "lex.h"
#include "run.h"
#include <ctype.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_PORT = 40000 };

bool run_fail(struct run *r, const char *fmt, ...)
{
	va_list ap;
	if (*r->said)
		return false;
	va_start(ap, fmt);
	vsnprintf(r->said, sizeof r->said, fmt, ap);
	va_end(ap);
	return false;
}

void run_say(struct run *r, ol_time at, const char *fmt, ...)
{
	char line[RUN_MAX_SAID];
	va_list ap;
	if (!r->report)
		return;
	int n = snprintf(line, sizeof line, "%12.6f  ", (double)at / OL_SEC);
	va_start(ap, fmt);
	vsnprintf(line + n, sizeof line - (size_t)n, fmt, ap);
	va_end(ap);
	r->report(r->report_arg, line);
}

ol_time run_now(struct run *r)
{
	pd_lock(r->pd);
	ol_time now = r->pd->now;
	pd_unlock(r->pd);
	return now - r->start;
}

static void wait_until(struct run *r, ol_time script)
{
	pd_lock(r->pd);
	pd_advance(r->pd, script + r->start);
	pd_unlock(r->pd);
}

/* ---- time --------------------------------------------------------------------------------------------------------------- */
struct due { ol_time at, until; bool any; };

static bool in_time(struct run *r, const char *what, struct due due, ol_time actual, ol_time last)
{
	if (due.any)
		return true;
	ol_time slack = r->s->set.tolerance;
	double share = r->s->set.tolerance_percent / 100 * (double)(due.at - last);
	if (share > (double)slack)
		slack = (ol_time)share;
	if (actual >= due.at - slack && actual <= due.until + slack)
		return true;
	if (due.until > due.at)
		return run_fail(r, "%s was due between %.6f and %.6f and came at %.6f", what, (double)due.at / OL_SEC,
				(double)due.until / OL_SEC, (double)actual / OL_SEC);
	return run_fail(r, "%s was due at %.6f and came at %.6f (tolerance %.6f)", what, (double)due.at / OL_SEC, (double)actual / OL_SEC,
			(double)slack / OL_SEC);
}

static bool is_in(const struct event *e) { return e && e->kind == EVENT_SEG && e->seg.in; }

static struct due due_of(struct run *r, const struct event *e, const struct event *last, ol_time last_at)
{
	ol_time off = e->when == WHEN_AT ? 0 : is_in(last) && is_in(e) ? last_at : run_now(r);
	return (struct due){ e->at + off, (e->range ? e->until : e->at) + off, e->when == WHEN_ANY };
}

/* ---- what an event is in words ---------------------------------------------------------------------------------------------- */
/* One line of it: comments out, blanks folded. */
static const char *in_words(const struct event *e, char *buf, size_t size)
{
	size_t n = 0;
	for (size_t i = 0; i < e->text.len && n + 1 < size; i++) {
		char c = e->text.p[i];
		if (c == '/' && i + 1 < e->text.len && e->text.p[i + 1] == '/')
			while (i < e->text.len && e->text.p[i] != '\n')
				i++;
		else if (!isspace((unsigned char)c))
			buf[n++] = c;
		else if (n && buf[n - 1] != ' ')
			buf[n++] = ' ';
	}
	while (n && buf[n - 1] == ' ')
		n--;
	buf[n] = 0;
	return buf;
}

/* ---- calls that block ---------------------------------------------------------------------------------------------------------- */
/*
 * Such a call has a thread of its own, and both never run at once: the main thread goes on when the call waits or is done, and
 * the clock stands while a woken call leaves (pd_time.c).  So a run is the same run every time.
 */
static void *blocked_main(void *arg)
{
	struct blocked *b = arg;
	b->ok = call_run(b->run, &b->ev->call, b->said);
	pd_lock(b->run->pd);
	b->at = pd_woken_at(b->run->pd) - b->run->start;
	b->done = true;
	pthread_cond_broadcast(&b->run->pd->left);
	pd_unlock(b->run->pd);
	return NULL;
}

/* Until the call waits or is done.  Locked. */
static void let_run(struct run *r)
{
	while (!r->blocked.done && !r->pd->waiting)
		pthread_cond_wait(&r->pd->left, &r->pd->lock);
}

static bool call_begin(struct run *r, const struct event *e, struct due due)
{
	struct blocked *b = &r->blocked;
	*b = (struct blocked){ .run = r, .ev = e, .started = due.at, .end = e->call.end + (e->when == WHEN_AT ? 0 : due.at - e->at) };
	if (pthread_create(&b->thread, NULL, blocked_main, b))
		return run_fail(r, "there is no thread for a call that blocks");
	r->is_blocked = true;
	pd_lock(r->pd);
	let_run(r);
	pd_unlock(r->pd);
	return true;
}

/* Takes the result of a blocked call that has come back.  `must`: it has to have. */
static bool call_end(struct run *r, bool must)
{
	char words[256];
	struct blocked *b = &r->blocked;
	if (!r->is_blocked)
		return true;
	pd_lock(r->pd);
	let_run(r);
	bool done = b->done;
	pd_unlock(r->pd);
	if (!done) {
		r->at_fault = b->ev;
		return !must || run_fail(r, "the call has not come back");
	}
	pthread_join(b->thread, NULL);
	r->is_blocked = false;
	r->at_fault = b->ev;
	if (!b->ok)
		return run_fail(r, "%s", b->said);
	run_say(r, b->at, "   back from %s", in_words(b->ev, words, sizeof words));
	return in_time(r, "the return of the call", (struct due){ b->end, b->end, false }, b->at, b->started);
}

/* A thread that still waits when the script is over: a reset of everything wakes it. */
static void call_abandon(struct run *r)
{
	if (!r->is_blocked)
		return;
	pd_lock(r->pd);
	if (r->pd->waiting)
		pd_give_up(r->pd);
	pd_unlock(r->pd);
	pthread_join(r->blocked.thread, NULL);
	r->is_blocked = false;
}

/* ---- events ------------------------------------------------------------------------------------------------------------------------ */
static bool run_assert(struct run *r, const struct event *e)
{
	struct tcp_info ti = { 0 };
	socklen_t len = sizeof ti;
	char said[SCRIPT_ERROR_LEN] = "";
	if (!r->flow || r->flow->fd < 0)
		return run_fail(r, "there is no socket to ask: the connection is not accepted, or closed");
	if (r->ifc.getsockopt(r->ifc.userdata, r->flow->fd, IPPROTO_TCP, TCP_INFO, &ti, &len))
		return run_fail(r, "TCP_INFO is refused for this socket");
	return assert_run(e->code, &ti, len, said) || run_fail(r, "%s", said);
}

static bool run_seg(struct run *r, const struct event *e, struct due due, ol_time last_at)
{
	char words[256];
	struct flow *f = flow_of(r, &e->seg);
	if (!f)
		return false;
	if (e->seg.in) {
		run_say(r, run_now(r), "%s", in_words(e, words, sizeof words));
		return flow_in(r, f, &e->seg);
	}
	ol_time at = 0;
	*r->actual = 0;
	if (!flow_out(r, f, &e->seg, &at))
		return false;
	if (!in_time(r, "the segment", due, at, last_at))
		return false;
	run_say(r, at, "> %s", r->actual);
	return true;
}

static bool run_call(struct run *r, const struct event *e, struct due due)
{
	char words[256], said[SCRIPT_ERROR_LEN];
	if (r->is_blocked)
		return run_fail(r, "the call of line %d has not come back", r->blocked.ev->line);
	if (e->call.blocks) {
		run_say(r, due.at, "%s", in_words(e, words, sizeof words));
		return call_begin(r, e, due);
	}
	if (!call_run(r, &e->call, said))
		return run_fail(r, "%s", said);
	run_say(r, run_now(r), "%s", in_words(e, words, sizeof words));
	return true;
}

static bool run_event(struct run *r, const struct event *e, struct due due, const struct event *last, ol_time last_at)
{
	bool out = e->kind == EVENT_SEG && !e->seg.in;
	if (!out) {
		wait_until(r, due.at);
		if (last && !in_time(r, e->kind == EVENT_CALL ? "the call" : e->kind == EVENT_SEG ? "the segment" : "the assertion", due,
				     run_now(r), last_at))
			return false;
	}
	if (!call_end(r, false))
		return false;
	return e->kind == EVENT_SEG ? run_seg(r, e, due, last_at) : e->kind == EVENT_CALL ? run_call(r, e, due) : run_assert(r, e);
}

static const struct event *run_events(struct run *r)
{
	const struct event *last = NULL, *e = r->s->first;
	ol_time last_at = 0;
	for (; e; last = e, e = e->next) {
		struct due due = due_of(r, e, last, last_at);
		r->at_fault = e;
		if (!run_event(r, e, due, last, last_at))
			return r->at_fault;
		if (!call_end(r, false))
			return r->at_fault;
		last_at = due.at;
	}
	return call_end(r, true) ? NULL : r->at_fault;
}

static void explain(struct run *r, const struct event *e)
{
	char words[256];
	if (!r->report)
		return;
	char line[400];
	snprintf(line, sizeof line, "    expected  %s", in_words(e, words, sizeof words));
	r->report(r->report_arg, line);
	if (e->kind == EVENT_SEG && !e->seg.in && *r->actual) {
		snprintf(line, sizeof line, "    actual    > %s", r->actual);
		r->report(r->report_arg, line);
	}
}

struct script_result script_run(const struct script *s, const char *more_flags, void (*report)(void *, const char *), void *arg)
{
	struct script_result res = { 0 };
	struct run *r = calloc(1, sizeof *r);
	char flags[1200];
	if (!r)
		return (struct script_result){ .sentence = "out of memory" };
	r->s = s;
	r->report = report;
	r->report_arg = arg;
	r->next_port = FIRST_PORT;
	int n = snprintf(flags, sizeof flags, "%s,%s", s->set.flags, more_flags ? more_flags : "");
	if (s->set.mtu && n > 0 && (size_t)n < sizeof flags)
		snprintf(flags + n, sizeof flags - (size_t)n, ",mtu=%u", s->set.mtu);
	const char *why = pd_init(flags, &r->ifc);
	if (why) {
		snprintf(res.sentence, sizeof res.sentence, "%s: %s", s->path, why);
		free(r);
		return res;
	}
	r->pd = r->ifc.userdata;
	r->start = r->pd->now;
	const struct event *failed = run_events(r);
	res.took = run_now(r);
	if (failed) {
		snprintf(res.sentence, sizeof res.sentence, "%s:%d: %.400s", s->path, failed->line, r->said);
		explain(r, failed);
	}
	res.passed = !failed;
	call_abandon(r);
	for (int i = 0; i < r->n_fds; i++)
		r->ifc.close(r->ifc.userdata, r->fds[i].live);
	r->ifc.free(r->ifc.userdata);
	flow_free_all(r);
	free(r);
	return res;
}
