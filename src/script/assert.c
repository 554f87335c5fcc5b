/*
 * %{ assert ... }% over struct tcp_info: statements "assert EXPR" or "assert EXPR, MESSAGE", parted by new lines or semicolons.
 * EXPR has or, and, not (also ||, &&, !), comparisons that may be chained (0 <= x < 5), + - * / % and brackets, over whole
 * numbers, tcpi_... fields and names with a value.  The message is for people and is passed over.
 */
#include "lex.h"
#include "run.h"
#include <ctype.h>
#include <linux/tcp.h>
#include <stdio.h>
#include <string.h>

#define F(x) { #x, offsetof(struct tcp_info, x), sizeof ((struct tcp_info *)0)->x }
static const struct { const char *name; size_t at, size; } fields[] = {
	F(tcpi_state), F(tcpi_ca_state), F(tcpi_retransmits), F(tcpi_probes), F(tcpi_backoff), F(tcpi_options), F(tcpi_rto), F(tcpi_ato),
	F(tcpi_snd_mss), F(tcpi_rcv_mss), F(tcpi_unacked), F(tcpi_sacked), F(tcpi_lost), F(tcpi_retrans), F(tcpi_fackets),
	F(tcpi_last_data_sent), F(tcpi_last_ack_sent), F(tcpi_last_data_recv), F(tcpi_last_ack_recv), F(tcpi_pmtu), F(tcpi_rcv_ssthresh),
	F(tcpi_rtt), F(tcpi_rttvar), F(tcpi_snd_ssthresh), F(tcpi_snd_cwnd), F(tcpi_advmss), F(tcpi_reordering), F(tcpi_rcv_rtt),
	F(tcpi_rcv_space), F(tcpi_total_retrans), F(tcpi_pacing_rate), F(tcpi_max_pacing_rate), F(tcpi_bytes_acked),
	F(tcpi_bytes_received), F(tcpi_segs_out), F(tcpi_segs_in), F(tcpi_notsent_bytes), F(tcpi_min_rtt), F(tcpi_data_segs_in),
	F(tcpi_data_segs_out), F(tcpi_delivery_rate), F(tcpi_busy_time), F(tcpi_rwnd_limited), F(tcpi_sndbuf_limited),
	F(tcpi_delivered), F(tcpi_delivered_ce), F(tcpi_bytes_sent), F(tcpi_bytes_retrans), F(tcpi_dsack_dups), F(tcpi_reord_seen),
	F(tcpi_rcv_ooopack), F(tcpi_snd_wnd),
};

struct eval { const char *p, *end; const void *ti; size_t len; char *said; int depth; bool failed; };

static int64_t wrong(struct eval *v, const char *what)
{
	if (!v->failed) {
		while (v->p < v->end && isspace((unsigned char)*v->p))
			v->p++;
		int n = (int)(v->end - v->p < 30 ? v->end - v->p : 30);
		snprintf(v->said, SCRIPT_ERROR_LEN, n ? "%s at `%.*s`" : "%s", what, n, v->p);
		v->failed = true;
	}
	v->p = v->end;
	return 0;
}

/* Blanks within a statement; a new line ends it, except in brackets or behind a backslash. */
static void blanks(struct eval *v)
{
	for (; v->p < v->end; v->p++) {
		if (*v->p == '\\' && v->p + 1 < v->end && v->p[1] == '\n')
			v->p++;
		else if (*v->p == '#')
			while (v->p + 1 < v->end && v->p[1] != '\n')
				v->p++;
		else if (!isspace((unsigned char)*v->p) || (*v->p == '\n' && !v->depth))
			return;
	}
}

static bool take(struct eval *v, const char *s)
{
	size_t n = strlen(s);
	blanks(v);
	if ((size_t)(v->end - v->p) < n || memcmp(v->p, s, n))
		return false;
	if (isalpha((unsigned char)*s) && v->p + n < v->end && (isalnum((unsigned char)v->p[n]) || v->p[n] == '_'))
		return false;
	v->p += n;
	return true;
}

static int64_t any(struct eval *v);

static int64_t field_value(struct eval *v, size_t i)
{
	if (fields[i].at + fields[i].size > v->len)
		return wrong(v, "this field is not given by the stack");
	const char *p = (const char *)v->ti + fields[i].at;
	uint8_t b;
	uint32_t w;
	uint64_t d;
	switch (fields[i].size) {
	case 1: memcpy(&b, p, 1); return b;
	case 4: memcpy(&w, p, 4); return w;
	default: memcpy(&d, p, 8); return (int64_t)d;
	}
}

static int64_t name(struct eval *v)
{
	struct script_text t = { v->p, 0 };
	int64_t x;
	while (v->p < v->end && (isalnum((unsigned char)*v->p) || *v->p == '_'))
		v->p++;
	t.len = (size_t)(v->p - t.p);
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (text_is(t, fields[i].name))
			return field_value(v, i);
	if (name_value(t, &x))
		return x;
	v->p = t.p;
	return wrong(v, "there is no such name");
}

static int64_t one(struct eval *v)
{
	blanks(v);
	if (take(v, "(")) {
		if (++v->depth > SCRIPT_MAX_DEPTH)
			return wrong(v, "this is nested too deep");
		int64_t x = any(v);
		if (!take(v, ")"))
			return wrong(v, "`)` is expected");
		v->depth--;
		return x;
	}
	bool minus = take(v, "-");
	blanks(v);
	if (v->p < v->end && isdigit((unsigned char)*v->p)) {
		int64_t x = 0;
		for (; v->p < v->end && isdigit((unsigned char)*v->p); v->p++)
			x = x < INT64_MAX / 16 ? x * 10 + (*v->p - '0') : x;
		return minus ? -x : x;
	}
	if (v->p < v->end && (isalpha((unsigned char)*v->p) || *v->p == '_'))
		return minus ? (int64_t)-(uint64_t)name(v) : name(v);
	return wrong(v, "a number or a name is expected");
}

/* Wraps as unsigned numbers do: nobody's script is undefined behaviour. */
static int64_t product(struct eval *v)
{
	int64_t x = one(v);
	for (;;) {
		blanks(v);
		char op = v->p < v->end ? *v->p : 0;
		if (op != '*' && op != '/' && op != '%')
			return x;
		v->p += 1 + (op == '/' && v->p + 1 < v->end && v->p[1] == '/');
		int64_t y = one(v);
		if (op == '*')
			x = (int64_t)((uint64_t)x * (uint64_t)y);
		else if (y == 0 || y == -1)
			return y ? wrong(v, "division by -1") : wrong(v, "division by 0");
		else
			x = op == '/' ? x / y : x % y;
	}
}

static int64_t sum(struct eval *v)
{
	int64_t x = product(v);
	for (;;) {
		if (take(v, "+"))
			x = (int64_t)((uint64_t)x + (uint64_t)product(v));
		else if (take(v, "-"))
			x = (int64_t)((uint64_t)x - (uint64_t)product(v));
		else
			return x;
	}
}

static int64_t comparison(struct eval *v)
{
	static const char *const ops[] = { "<=", ">=", "==", "!=", "<", ">" };
	int64_t x = sum(v);
	bool compared = false, holds = true;
	for (;;) {
		int op = 0;
		while (op < 6 && !take(v, ops[op]))
			op++;
		if (op == 6)
			return compared ? holds : x;
		int64_t y = sum(v);
		holds &= op == 0 ? x <= y : op == 1 ? x >= y : op == 2 ? x == y : op == 3 ? x != y : op == 4 ? x < y : x > y;
		compared = true;
		x = y;
	}
}

static int64_t negation(struct eval *v)
{
	bool not = false;
	for (;;) {
		blanks(v);
		bool bang = v->p + 1 < v->end && *v->p == '!' && v->p[1] != '=';
		if (bang)
			v->p++;
		else if (!take(v, "not"))
			break;
		not = !not;
	}
	int64_t x = comparison(v);
	return not ? !x : x;
}

static int64_t all(struct eval *v)
{
	int64_t x = negation(v);
	while (take(v, "and") || take(v, "&&")) {
		int64_t y = negation(v);
		x = x && y;
	}
	return x;
}

static int64_t any(struct eval *v)
{
	int64_t x = all(v);
	while (take(v, "or") || take(v, "||")) {
		int64_t y = all(v);
		x = x || y;
	}
	return x;
}

/* To the end of the statement: new lines and semicolons in quotation marks are none. */
static void skip_message(struct eval *v)
{
	char quote = 0;
	for (; v->p < v->end && (quote || (*v->p != '\n' && *v->p != ';')); v->p++) {
		if (*v->p == '\\' && v->p + 1 < v->end)
			v->p++;
		else if (quote ? *v->p == quote : *v->p == '"' || *v->p == '\'')
			quote = quote ? 0 : *v->p;
	}
}

static void tell(struct eval *v, const char *from, const char *to)
{
	while (to > from && isspace((unsigned char)to[-1]))
		to--;
	int n = snprintf(v->said, SCRIPT_ERROR_LEN, "assert %.*s does not hold:", (int)(to - from < 200 ? to - from : 200), from);
	for (const char *p = from; p < to && n > 0 && n < SCRIPT_ERROR_LEN; p++) {	/* the fields it names, as they are */
		size_t i = 0;
		while (i < sizeof fields / sizeof *fields && ((size_t)(to - p) < strlen(fields[i].name) ||
			memcmp(p, fields[i].name, strlen(fields[i].name)) || isalnum((unsigned char)p[strlen(fields[i].name)]) ||
			p[strlen(fields[i].name)] == '_'))
			i++;
		if (i < sizeof fields / sizeof *fields) {
			n += snprintf(v->said + n, SCRIPT_ERROR_LEN - (size_t)n, " %s is %lld", fields[i].name, (long long)field_value(v, i));
			p += strlen(fields[i].name) - 1;
		}
	}
}

bool assert_run(struct script_text code, const void *ti, size_t len, char *said)
{
	struct eval v = { .p = code.p, .end = code.p + code.len, .ti = ti, .len = len, .said = said };
	for (;;) {
		while (v.p < v.end && (isspace((unsigned char)*v.p) || *v.p == ';'))
			v.p++;
		blanks(&v);
		if (v.p == v.end)
			return true;
		if (*v.p == '\n' || *v.p == ';')
			continue;
		if (!take(&v, "assert"))
			return wrong(&v, "only `assert` is understood here, not what stands");
		blanks(&v);
		const char *from = v.p;
		int64_t holds = any(&v);
		const char *to = v.p;
		blanks(&v);
		if (v.p < v.end && *v.p == ',')
			skip_message(&v);
		else if (v.p < v.end && *v.p != '\n' && *v.p != ';')
			wrong(&v, "the statement does not end");
		if (v.failed)
			return false;
		if (!holds) {
			tell(&v, from, to);
			return false;
		}
	}
}
