/*
 * Arguments of calls: numbers, words with a value, A|B, strings, [lists], {fields}, `...`, and htons() and inet_addr() around a
 * field's value.  Which shapes a call takes is call.c's affair.
 */
#include "lex.h"
#include <arpa/inet.h>
#include <string.h>

static struct expr *new_expr(struct parser *ps, enum expr_kind kind)
{
	struct expr *e = arena_alloc(ps, sizeof *e);
	if (e)
		e->kind = kind;
	return e;
}

static struct expr *members(struct parser *ps, struct expr *e, char close, int depth);

/* In braces: `name = value`, `name(count) = value` or a value alone. */
static struct expr *parse_member(struct parser *ps, bool fields, int depth)
{
	struct token first = ps->t;
	const char *p = ps->p;
	int line = ps->line;
	if (fields && first.kind == TOKEN_WORD) {
		lex_next(ps);
		if (take_mark(ps, '(')) {			/* msg_iov(3), msg_name(...): the count is in what follows */
			if (!parse_expr(ps, depth + 1) || !need_mark(ps, ')'))
				return NULL;
		}
		if (take_mark(ps, '=')) {
			struct expr *e = parse_expr(ps, depth + 1);
			if (e)
				e->name = first.text;
			return e;
		}
		ps->t = first;
		ps->p = p;
		ps->line = line;
	}
	return parse_expr(ps, depth + 1);
}

static struct expr *members(struct parser *ps, struct expr *e, char close, int depth)
{
	struct expr **tail = &e->child;
	if (take_mark(ps, close))
		return e;
	do {
		struct expr *m = parse_member(ps, e->kind == EXPR_FIELDS, depth);
		if (!m)
			return NULL;
		*tail = m;
		tail = &m->next;
	} while (take_mark(ps, ','));
	return need_mark(ps, close) ? e : NULL;
}

/* htons(8080), inet_addr("192.0.2.1"): their values in host order; a socket address is not compared byte by byte. */
static struct expr *parse_function(struct parser *ps, struct script_text name, int depth)
{
	lex_next(ps);
	struct expr *e = parse_expr(ps, depth + 1);
	if (!e || !need_mark(ps, ')'))
		return NULL;
	if (text_is(name, "htons") ? e->kind == EXPR_NUM : e->kind == EXPR_STR)
		return e;
	parse_fail(ps, ps->t.line, "%.*s() does not take this", (int)name.len, name.p);
	return NULL;
}

static struct expr *parse_word(struct parser *ps, int depth)
{
	struct token t = ps->t;
	lex_next(ps);
	if (is_mark(ps, '(') && (text_is(t.text, "htons") || text_is(t.text, "inet_addr") || text_is(t.text, "inet6_addr")))
		return parse_function(ps, t.text, depth);
	struct expr *e = new_expr(ps, EXPR_NUM);
	if (!e)
		return NULL;
	if (name_value(t.text, &e->num))
		return e;
	parse_fail(ps, t.line, "`%.*s` is no name with a value here", t.text.len < 40 ? (int)t.text.len : 40, t.text.p);
	return NULL;
}

static struct expr *parse_one(struct parser *ps, int depth)
{
	struct expr *e;
	switch (ps->t.kind) {
	case TOKEN_ELLIPSIS:
		e = new_expr(ps, EXPR_ANY);
		break;
	case TOKEN_INT:
		e = new_expr(ps, EXPR_NUM);
		if (e)
			e->num = ps->t.num;
		break;
	case TOKEN_STRING:
		e = new_expr(ps, EXPR_STR);
		if (e)
			e->str = ps->t.text;
		break;
	case TOKEN_WORD:
		return parse_word(ps, depth);
	default:
		if (is_mark(ps, '[') || is_mark(ps, '{')) {
			bool list = is_mark(ps, '[');
			e = new_expr(ps, list ? EXPR_LIST : EXPR_FIELDS);
			lex_next(ps);
			return e ? members(ps, e, list ? ']' : '}', depth) : NULL;
		}
		parse_expected(ps, "a value");
		return NULL;
	}
	lex_next(ps);
	return e;
}

struct expr *parse_expr(struct parser *ps, int depth)
{
	if (depth > SCRIPT_MAX_DEPTH) {
		parse_fail(ps, ps->t.line, "this is nested more than %d deep", SCRIPT_MAX_DEPTH);
		return NULL;
	}
	struct expr *e = parse_one(ps, depth);
	while (e && is_mark(ps, '|')) {
		lex_next(ps);
		struct expr *r = parse_one(ps, depth);
		if (!r)
			return NULL;
		if (e->kind != EXPR_NUM || r->kind != EXPR_NUM) {
			parse_fail(ps, ps->t.line, "`|` joins numbers and names only");
			return NULL;
		}
		e->num |= r->num;
	}
	return e;
}
