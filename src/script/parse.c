/* Option lines and events: time stamps, and what happens then. */
#include "lex.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const script_ip_name[SCRIPT_N_IP] = { "ipv4", "ipv6", "ipv4-mapped-ipv6" };

enum { TOLERANCE_US = 4000 };
#define TOLERANCE_PERCENT 12.5

/* ---- option lines ------------------------------------------------------------------------------------------------- */
static bool opt_number(struct parser *ps, const char *name, const char *value, int64_t hi, int64_t *v)
{
	char *end;
	*v = strtoll(value, &end, 10);
	if (!*value || *end || *v < 0 || *v > hi)
		return parse_fail(ps, ps->line, "--%s takes a number from 0 to %lld, not `%s`", name, (long long)hi, value);
	return true;
}

static bool opt_ip(struct parser *ps, struct script_settings *set, const char *value)
{
	for (int i = 0; i < SCRIPT_N_IP; i++)
		if (!strcmp(value, script_ip_name[i])) {
			set->ip = (enum script_ip)i;
			set->has_ip = true;
			return true;
		}
	return parse_fail(ps, ps->line, "--ip_version is ipv4, ipv6 or ipv4-mapped-ipv6, not `%s`", value);
}

/* Addresses are the runner's own, and there is no wire that a gateway or netmask could matter on: read over, doc/SCRIPTS.md says so. */
static bool is_wireless(const char *name)
{
	static const char *const ignored[] = { "local_ip", "remote_ip", "gateway_ip", "netmask_ip", "mss", "timeout_secs" };
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		if (!strcmp(name, ignored[i]))
			return true;
	return false;
}

static bool set_option(struct parser *ps, const char *name, const char *value)
{
	struct script_settings *set = &ps->s->set;
	int64_t v = 0;
	if (!strcmp(name, "ip_version"))
		return opt_ip(ps, set, value);
	if (!strcmp(name, "so_flags"))
		return snprintf(set->flags, sizeof set->flags, "%s", value) < (int)sizeof set->flags ||
		       parse_fail(ps, ps->line, "--so_flags is too long");
	if (!strcmp(name, "tolerance_usecs"))
		return opt_number(ps, name, value, 3600 * 1000000LL, &v) && (set->tolerance = v * OL_US, true);
	if (!strcmp(name, "tolerance_percent")) {
		char *end;
		set->tolerance_percent = strtod(value, &end);
		return (*value && !*end && set->tolerance_percent >= 0 && set->tolerance_percent <= 1000) ||
		       parse_fail(ps, ps->line, "--tolerance_percent takes a number from 0 to 1000, not `%s`", value);
	}
	if (!strcmp(name, "tcp_ts_tick_usecs"))
		return opt_number(ps, name, value, 1000000, &v) && (set->ts_tick = v * OL_US, true);
	if (!strcmp(name, "mtu"))
		return opt_number(ps, name, value, 65535, &v) && (set->mtu = (uint32_t)v, true);
	if (!strcmp(name, "bind_port"))
		return opt_number(ps, name, value, 65535, &v) && (set->bind_port = (uint16_t)v, true);
	if (!strcmp(name, "connect_port"))
		return opt_number(ps, name, value, 65535, &v) && (set->connect_port = (uint16_t)v, true);
	if (!strcmp(name, "tcp_ts_ecr_scaled"))
		return set->ts_ecr_scaled = true;
	if (!strcmp(name, "strict_segments"))
		return set->strict_segments = true;
	return is_wireless(name) || parse_fail(ps, ps->line, "there is no option --%s here", name);
}

/* "--name=value" or "--name="value"", up to the end of the word. */
static bool parse_option_line(struct parser *ps)
{
	char name[40], value[600] = "";
	size_t n = 0;
	const char *p = ps->p + 2;
	while (p < ps->end && (isalnum((unsigned char)*p) || *p == '_') && n < sizeof name - 1)
		name[n++] = *p++;
	name[n] = 0;
	if (p < ps->end && *p == '=') {
		bool quoted = ++p < ps->end && *p == '"';
		size_t v = 0;
		for (p += quoted; p < ps->end && (quoted ? *p != '"' && *p != '\n' : !isspace((unsigned char)*p)); p++) {
			if (v == sizeof value - 1)
				return parse_fail(ps, ps->line, "the value of --%s is too long", name);
			value[v++] = *p;
		}
		value[v] = 0;
		if (quoted && (p == ps->end || *p++ != '"'))
			return parse_fail(ps, ps->line, "the value of --%s has no closing quotation mark", name);
	}
	ps->p = p;
	return set_option(ps, name, value);
}

/* Options stand before all events.  The lexer stops at the first `-` of each, which is no event's beginning. */
static bool parse_options(struct parser *ps)
{
	for (;;) {
		lex_next(ps);
		if (!is_mark(ps, '-') || ps->p == ps->end || *ps->p != '-')
			return !ps->failed;
		ps->p--;
		if (!parse_option_line(ps))
			return false;
	}
}

static void begin(struct script *s, const char *path, enum script_ip ip)
{
	*s = (struct script){
		.path = path, .ip = ip,
		.set = { .tolerance = TOLERANCE_US * OL_US, .tolerance_percent = TOLERANCE_PERCENT, .bind_port = 8080, .connect_port = 8080 },
	};
}

static bool size_is_right(struct parser *ps, size_t len)
{
	return len <= SCRIPT_MAX_TEXT || parse_fail(ps, 1, "a script may have %d bytes at most", SCRIPT_MAX_TEXT);
}

bool script_options(struct script *s, const char *path, const char *text, size_t len)
{
	struct parser ps;
	begin(s, path, SCRIPT_IP4);
	lex_start(&ps, s, text, len);
	return size_is_right(&ps, len) && parse_options(&ps);
}

/* ---- events --------------------------------------------------------------------------------------------------------- */
static bool parse_time(struct parser *ps, ol_time *t)
{
	if ((ps->t.kind != TOKEN_INT && ps->t.kind != TOKEN_FLOAT) || ps->t.negative)
		return parse_expected(ps, "a time in seconds");
	if (ps->t.time > 1000000 * OL_SEC)
		return parse_fail(ps, ps->t.line, "this is more than a million seconds");
	*t = ps->t.time;
	lex_next(ps);
	return true;
}

/* "+.1", "0.5", "+.1~+.3", "0.1~0.3", "*" */
static bool parse_when(struct parser *ps, struct event *e)
{
	if (take_mark(ps, '*')) {
		e->when = WHEN_ANY;
		return true;
	}
	bool plus = take_mark(ps, '+');
	e->when = plus ? WHEN_AFTER : WHEN_AT;
	if (!parse_time(ps, &e->at))
		return false;
	if (!take_mark(ps, '~'))
		return true;
	e->range = true;
	if (plus && !need_mark(ps, '+'))
		return false;
	if (!parse_time(ps, &e->until))
		return false;
	return e->until >= e->at || parse_fail(ps, e->line, "this range of time ends before it begins");
}

/* "(Connection reset by peer)": words for people. */
static bool skip_note(struct parser *ps)
{
	if (!take_mark(ps, '('))
		return true;
	while (!is_mark(ps, ')')) {
		if (ps->t.kind == TOKEN_END)
			return parse_expected(ps, "`)`");
		lex_next(ps);
	}
	lex_next(ps);
	return true;
}

static bool parse_result(struct parser *ps, struct script_call *c)
{
	if (!need_mark(ps, '=') || !(c->result = parse_expr(ps, 0)))
		return false;
	if (c->result->kind != EXPR_NUM && c->result->kind != EXPR_ANY)
		return parse_fail(ps, ps->t.line, "a call returns a number");
	if (ps->t.kind == TOKEN_WORD) {
		int64_t err;
		if (!name_value(ps->t.text, &err) || ps->t.text.p[0] != 'E')
			return parse_expected(ps, "the name of an errno");
		c->err = (int)err;
		lex_next(ps);
	}
	return skip_note(ps);
}

static bool parse_call(struct parser *ps, struct event *e)
{
	struct script_call *c = &e->call;
	c->name = ps->t.text;
	lex_next(ps);
	if (!need_mark(ps, '('))
		return false;
	if (!take_mark(ps, ')')) {
		do {
			if (c->n_args == SCRIPT_MAX_ARGS)
				return parse_fail(ps, ps->t.line, "no call has more than %d arguments", SCRIPT_MAX_ARGS);
			if (!(c->arg[c->n_args++] = parse_expr(ps, 0)))
				return false;
		} while (take_mark(ps, ','));
		if (!need_mark(ps, ')'))
			return false;
	}
	return parse_result(ps, c);
}

static bool parse_action(struct parser *ps, struct event *e)
{
	if (is_mark(ps, '<') || is_mark(ps, '>')) {
		e->kind = EVENT_SEG;
		return parse_seg(ps, &e->seg);
	}
	if (ps->t.kind == TOKEN_CODE) {
		e->kind = EVENT_ASSERT;
		e->code = ps->t.text;
		lex_next(ps);
		return true;
	}
	if (ps->t.kind == TOKEN_COMMAND)
		return parse_fail(ps, ps->t.line, "shell commands are not run here: settings travel in --so_flags=\"key=value\"");
	e->kind = EVENT_CALL;
	if (ps->t.kind == TOKEN_ELLIPSIS) {
		lex_next(ps);
		e->call.blocks = true;
		if (!parse_time(ps, &e->call.end))
			return false;
		if (e->call.end < (e->when == WHEN_AT ? e->at : 0))
			return parse_fail(ps, e->line, "this call returns before it begins");
	}
	return ps->t.kind == TOKEN_WORD ? parse_call(ps, e) : parse_expected(ps, "a segment, a call or %{ assert }%");
}

static bool parse_event(struct parser *ps, struct event *e)
{
	e->line = ps->t.line;
	if (!parse_when(ps, e))
		return false;
	const char *from = ps->t.kind == TOKEN_CODE ? ps->t.text.p - 2 : ps->t.text.p;
	if (!parse_action(ps, e))
		return false;
	e->text = (struct script_text){ from, (size_t)(ps->last_end - from) };
	if (ps->s->n_events == 0 && (e->at || e->when == WHEN_ANY))
		return parse_fail(ps, e->line, "the first event is at time 0");
	bool out = e->kind == EVENT_SEG && !e->seg.in;
	if (!out && (e->when == WHEN_ANY || e->range))
		return parse_fail(ps, e->line, "only for segments that come out may the time be open");
	return true;
}

bool script_parse(struct script *s, const char *path, const char *text, size_t len, enum script_ip ip)
{
	struct parser ps;
	begin(s, path, ip);
	lex_start(&ps, s, text, len);
	if (!size_is_right(&ps, len) || !parse_options(&ps))
		return false;
	struct event **tail = &s->first;
	while (ps.t.kind != TOKEN_END) {
		struct event *e = arena_alloc(&ps, sizeof *e);
		if (!e || !parse_event(&ps, e))
			return false;
		*tail = e;
		tail = &e->next;
		s->n_events++;
	}
	if (!ps.failed && !s->first)
		parse_fail(&ps, 1, "there is nothing in this script");
	return !ps.failed;
}
