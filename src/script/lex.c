/*
 * Tokens.  A word is letters, digits and underscores with a letter among them ("8a" is one: cookies are written so); a number
 * may begin with its sign or its point; `//` and C comments are blanks; "...", `...` and %{ ... }% are one token each.
 */
#include "lex.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena { struct arena *next; size_t used, size; max_align_t mem[]; };
enum { ARENA_BLOCK = 64 * 1024 };

void *arena_alloc(struct parser *ps, size_t size)
{
	struct arena *a = ps->s->arena;
	size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	if (!a || a->size - a->used < size) {
		size_t room = size > ARENA_BLOCK ? size : ARENA_BLOCK;
		a = calloc(1, sizeof *a + room);
		if (!a) {
			parse_fail(ps, ps->line, "out of memory");
			return NULL;
		}
		a->size = room;
		a->next = ps->s->arena;
		ps->s->arena = a;
	}
	void *p = (char *)a->mem + a->used;
	a->used += size;
	return p;
}

void script_free(struct script *s)
{
	while (s->arena) {
		struct arena *next = s->arena->next;
		free(s->arena);
		s->arena = next;
	}
	s->first = NULL;
}

bool parse_fail(struct parser *ps, int line, const char *fmt, ...)
{
	if (ps->failed)
		return false;
	ps->failed = true;
	ps->t.kind = TOKEN_END;
	int n = snprintf(ps->s->error, sizeof ps->s->error, "%s:%d: ", ps->s->path, line);
	va_list ap;
	va_start(ap, fmt);
	if (n > 0 && (size_t)n < sizeof ps->s->error)
		vsnprintf(ps->s->error + n, sizeof ps->s->error - (size_t)n, fmt, ap);
	va_end(ap);
	return false;
}

bool parse_expected(struct parser *ps, const char *what)
{
	if (ps->t.kind == TOKEN_END)
		return parse_fail(ps, ps->line, "%s is expected, and the script ends", what);
	int len = ps->t.text.len < 40 ? (int)ps->t.text.len : 40;
	return parse_fail(ps, ps->t.line, "%s is expected, not `%.*s`", what, len, ps->t.text.p);
}

static bool starts(const struct parser *ps, const char *w)
{
	size_t n = strlen(w);
	return (size_t)(ps->end - ps->p) >= n && !memcmp(ps->p, w, n);
}

/* Up to and over `close`, counting lines; what lies between in *t.  False: it never ends. */
static bool skip_to(struct parser *ps, const char *close, struct script_text *t)
{
	const char *from = ps->p;
	for (; ps->p < ps->end; ps->p++) {
		if (starts(ps, close)) {
			*t = (struct script_text){ from, (size_t)(ps->p - from) };
			ps->p += strlen(close);
			return true;
		}
		ps->line += *ps->p == '\n';
	}
	return false;
}

static bool skip_blanks(struct parser *ps)
{
	struct script_text t;
	while (ps->p < ps->end) {
		int line = ps->line;
		if (isspace((unsigned char)*ps->p))
			ps->line += *ps->p++ == '\n';
		else if (starts(ps, "//"))
			while (ps->p < ps->end && *ps->p != '\n')
				ps->p++;
		else if (starts(ps, "/*")) {
			ps->p += 2;
			if (!skip_to(ps, "*/", &t))
				return parse_fail(ps, line, "this comment is never closed");
		} else
			break;
	}
	return true;
}

static bool is_word_char(char c) { return isalnum((unsigned char)c) || c == '_'; }

static bool between(struct parser *ps, const char *open, const char *close, enum token_kind kind)
{
	int line = ps->line;
	ps->p += strlen(open);
	ps->t.kind = kind;
	if (!skip_to(ps, close, &ps->t.text))
		return parse_fail(ps, line, "%s is never closed with %s", open, close);
	return true;
}

enum { MANY_SECONDS = 100000000 };		/* more digits say no more: the parser refuses far less */

/* Seconds with a fraction; nine digits of it count. */
static ol_time seconds(const char *p, const char *end)
{
	ol_time whole = 0, part = 0, unit = OL_SEC;
	for (; p < end && *p != '.'; p++)
		whole = whole < MANY_SECONDS ? whole * 10 + (*p - '0') : whole;
	if (p < end)
		for (p++; p < end && (unit /= 10); p++)
			part += (*p - '0') * unit;
	return whole * OL_SEC + part;
}

static bool number(struct parser *ps)
{
	const char *from = ps->p, *p = from + (*from == '-'), *digits = p;
	struct token *t = &ps->t;
	t->kind = TOKEN_INT;
	t->negative = *from == '-';
	if (ps->end - p > 2 && p[0] == '0' && p[1] == 'x') {
		for (p += 2; p < ps->end && isxdigit((unsigned char)*p) && t->num >> 58 == 0; p++)
			t->num = t->num * 16 + (isdigit((unsigned char)*p) ? *p - '0' : (*p | 32) - 'a' + 10);
	} else {
		for (; p < ps->end && isdigit((unsigned char)*p); p++)
			t->num = t->num < INT64_MAX / 16 ? t->num * 10 + (*p - '0') : t->num;
		if (p + 1 < ps->end && *p == '.' && isdigit((unsigned char)p[1])) {
			t->kind = TOKEN_FLOAT;
			for (p++; p < ps->end && isdigit((unsigned char)*p); p++)
				;
		}
		t->time = seconds(digits, p);
	}
	if (t->negative)
		t->num = -t->num;
	ps->p = p;
	t->text = (struct script_text){ from, (size_t)(p - from) };
	return true;
}

static bool word(struct parser *ps)
{
	const char *from = ps->p;
	while (ps->p < ps->end && is_word_char(*ps->p))
		ps->p++;
	ps->t.kind = TOKEN_WORD;
	ps->t.text = (struct script_text){ from, (size_t)(ps->p - from) };
	return true;
}

static bool looks_like_number(const struct parser *ps)
{
	const char *p = ps->p + (*ps->p == '-');
	if (p < ps->end && *p == '.')
		p++;
	return p < ps->end && isdigit((unsigned char)*p);
}

/* Digits with letters behind them are a word, 0x apart. */
static bool looks_like_word(const struct parser *ps)
{
	const char *p = ps->p;
	if (!is_word_char(*p))
		return false;
	if (ps->end - p > 2 && p[0] == '0' && p[1] == 'x')
		return false;
	while (p < ps->end && isdigit((unsigned char)*p))
		p++;
	return p < ps->end && is_word_char(*p);
}

void lex_next(struct parser *ps)
{
	ps->last_end = ps->p;
	ps->t = (struct token){ .kind = TOKEN_END, .line = ps->line, .text = { ps->p, 0 } };
	if (ps->failed || !skip_blanks(ps) || ps->p == ps->end)
		return;
	ps->t.line = ps->line;
	if (starts(ps, "..."))
		ps->t = (struct token){ TOKEN_ELLIPSIS, ps->line, { ps->p, 3 } }, ps->p += 3;
	else if (starts(ps, "%{"))
		between(ps, "%{", "}%", TOKEN_CODE);
	else if (*ps->p == '"')
		between(ps, "\"", "\"", TOKEN_STRING);
	else if (*ps->p == '`')
		between(ps, "`", "`", TOKEN_COMMAND);
	else if (looks_like_word(ps))
		word(ps);
	else if (looks_like_number(ps))
		number(ps);
	else {
		ps->t.kind = TOKEN_MARK;
		ps->t.mark = *ps->p;
		ps->t.text = (struct script_text){ ps->p++, 1 };
	}
}

void lex_start(struct parser *ps, struct script *s, const char *text, size_t len)
{
	*ps = (struct parser){ .s = s, .p = text, .end = text + len, .line = 1 };
}

bool text_is(struct script_text t, const char *s) { return t.len == strlen(s) && !memcmp(t.p, s, t.len); }
bool is_mark(const struct parser *ps, char c) { return ps->t.kind == TOKEN_MARK && ps->t.mark == c; }
bool is_word(const struct parser *ps, const char *w) { return ps->t.kind == TOKEN_WORD && text_is(ps->t.text, w); }

bool take_mark(struct parser *ps, char c)
{
	if (!is_mark(ps, c))
		return false;
	lex_next(ps);
	return true;
}

bool take_word(struct parser *ps, const char *w)
{
	if (!is_word(ps, w))
		return false;
	lex_next(ps);
	return true;
}

bool need_mark(struct parser *ps, char c)
{
	char what[4] = { '`', c, '`', 0 };
	return take_mark(ps, c) || parse_expected(ps, what);
}

bool need_int(struct parser *ps, const char *what, int64_t lo, int64_t hi, int64_t *v)
{
	if (ps->t.kind != TOKEN_INT)
		return parse_expected(ps, what);
	if (ps->t.num < lo || ps->t.num > hi)
		return parse_fail(ps, ps->t.line, "%s is %lld, which is not within %lld to %lld", what, (long long)ps->t.num,
				  (long long)lo, (long long)hi);
	*v = ps->t.num;
	lex_next(ps);
	return true;
}
