/*
 * Comments of captured frames: a line per fact, "name: value", in a fixed order; doc/CAPTURE.md.  What is written may come from a
 * guest (a host's name), what is read from anybody's file: both are kept to printable ASCII and to the fields' sizes.
 */
#include <outlet/ol_capture.h>
#include <stdio.h>
#include <string.h>
#include "driver/driver.h"

struct text { char *buf; size_t len; };

static void put(struct text *t, const char *s, size_t n)
{
	for (size_t i = 0; i < n && s[i] && t->len + 1 < OL_CAPTURE_COMMENT_MAX; i++)
		t->buf[t->len++] = s[i] >= 0x20 && s[i] < 0x7f ? s[i] : '?';
	t->buf[t->len] = '\0';
}

static void line(struct text *t, const char *name, const char *value, size_t size)
{
	if (!*value)
		return;
	if (t->len && t->len + 1 < OL_CAPTURE_COMMENT_MAX)
		t->buf[t->len++] = '\n';
	put(t, name, SIZE_MAX);
	put(t, ": ", 2);
	put(t, value, size);
}

size_t ol_capture_note_print(const struct ol_capture_note *n, char *buf)
{
	struct text t = { buf, 0 };
	char number[16] = "";
	if (n->sock >= 0)
		snprintf(number, sizeof number, "%d", n->sock);
	buf[0] = '\0';
	line(&t, "host", n->host, sizeof n->host);
	line(&t, "sock", number, sizeof number);
	line(&t, "state", n->state, sizeof n->state);
	line(&t, "call", n->call, sizeof n->call);
	line(&t, "cause", n->cause, sizeof n->cause);
	line(&t, "fate", n->fate, sizeof n->fate);
	if (*n->fate && *n->fate_text) {
		put(&t, " (", 2);
		put(&t, n->fate_text, sizeof n->fate_text);
		put(&t, ")", 1);
	}
	line(&t, "wire", n->wire, sizeof n->wire);
	return t.len;
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */
struct span { const char *p; size_t len; };

/* The value if the line has this name. */
static bool value_of(struct span l, const char *name, struct span *v)
{
	size_t n = strlen(name);
	if (l.len < n + 2 || memcmp(l.p, name, n) != 0 || l.p[n] != ':' || l.p[n + 1] != ' ')
		return false;
	*v = (struct span){ l.p + n + 2, l.len - n - 2 };
	return true;
}

static void keep(char *to, size_t size, struct span v)
{
	size_t n = MIN(v.len, size - 1);
	for (size_t i = 0; i < n; i++)
		to[i] = v.p[i] >= 0x20 && v.p[i] < 0x7f ? v.p[i] : '?';
	to[n] = '\0';
}

static int32_t number(struct span v)
{
	int64_t n = 0;
	if (!v.len || v.len > 10)
		return -1;
	for (size_t i = 0; i < v.len; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return -1;
		n = n * 10 + (v.p[i] - '0');
	}
	return n <= INT32_MAX ? (int32_t)n : -1;
}

static void keep_fate(struct ol_capture_note *n, struct span v)
{
	const char *open = memchr(v.p, ' ', v.len);
	size_t name = open ? (size_t)(open - v.p) : v.len;
	keep(n->fate, sizeof n->fate, (struct span){ v.p, name });
	if (v.len > name + 3 && v.p[name + 1] == '(' && v.p[v.len - 1] == ')')
		keep(n->fate_text, sizeof n->fate_text, (struct span){ v.p + name + 2, v.len - name - 3 });
}

static void read_line(struct ol_capture_note *n, struct span l)
{
	struct span v;
	if (value_of(l, "host", &v))
		keep(n->host, sizeof n->host, v);
	else if (value_of(l, "sock", &v))
		n->sock = number(v);
	else if (value_of(l, "state", &v))
		keep(n->state, sizeof n->state, v);
	else if (value_of(l, "call", &v))
		keep(n->call, sizeof n->call, v);
	else if (value_of(l, "cause", &v))
		keep(n->cause, sizeof n->cause, v);
	else if (value_of(l, "fate", &v))
		keep_fate(n, v);
	else if (value_of(l, "wire", &v))
		keep(n->wire, sizeof n->wire, v);
}

void ol_capture_note_parse(const char *text, size_t len, struct ol_capture_note *n)
{
	memset(n, 0, sizeof *n);
	n->sock = -1;
	while (len) {
		const char *nl = memchr(text, '\n', len);
		size_t l = nl ? (size_t)(nl - text) : len;
		read_line(n, (struct span){ text, l });
		text += nl ? l + 1 : l;
		len -= nl ? l + 1 : l;
	}
}

const char *ol_cause_text(unsigned cause)
{
	static const char *const text[OL_CAUSE_MAX] = {
		[OL_CAUSE_NONE] = "", [OL_CAUSE_CONNECT] = "connect", [OL_CAUSE_SEND] = "send", [OL_CAUSE_SHUTDOWN] = "shutdown",
		[OL_CAUSE_CLOSE] = "close", [OL_CAUSE_RECV] = "recv opened the window", [OL_CAUSE_SEGMENT] = "answer to a segment",
		[OL_CAUSE_RTO] = "retransmission timeout", [OL_CAUSE_TLP] = "tail loss probe", [OL_CAUSE_DELACK] = "delayed ACK",
		[OL_CAUSE_PERSIST] = "window probe", [OL_CAUSE_KEEPALIVE] = "keepalive probe", [OL_CAUSE_PACING] = "paced",
		[OL_CAUSE_FORWARD] = "forwarded", [OL_CAUSE_SETSOCKOPT] = "setsockopt",
	};
	return cause < OL_CAUSE_MAX && text[cause] ? text[cause] : "";
}
