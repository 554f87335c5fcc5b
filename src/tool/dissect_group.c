/*
 * IGMP and MLD for the eye: RFC 3376 4, RFC 2236 2, RFC 3810 5, RFC 2710 3.  A report's records are told as what they mean to
 * one group: who is joined, left, heard, blocked.  Only what was captured is read.
 */
#include "tool/dissect.h"
#include "base/be.h"
#include "base/check.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MAX_RECORDS = 3, MAX_SOURCES = 2 };	/* told of; the rest is counted */

static void add(char *buf, size_t len, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void add(char *buf, size_t len, const char *fmt, ...)
{
	size_t at = strlen(buf);
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(buf + at, len - at, fmt, ap);
	va_end(ap);
}

struct message { int ver; size_t alen; const uint8_t *p; size_t cap, len; char *buf; size_t room; };

static const char *addr_at(const struct message *m, size_t at, char *text)
{
	if (at + m->alen > m->cap)
		return "?";
	struct ol_addr a = ol_addr_from(m->ver, m->p + at);
	return ol_addr_str(&a, text);
}

static void put_sources(const struct message *m, const char *before, size_t at, unsigned n)
{
	char text[OL_ADDR_STRLEN];
	for (unsigned i = 0; i < MIN(n, (unsigned)MAX_SOURCES); i++)
		add(m->buf, m->room, "%s%s", i ? ", " : before, addr_at(m, at + i * m->alen, text));
	if (n > MAX_SOURCES)
		add(m->buf, m->room, " and %u more", n - MAX_SOURCES);
}

static void put_record(const struct message *m, unsigned type, size_t at, unsigned n)
{
	static const struct { const char *before, *sources; } words[] = {
		{ "? ", " " }, { "in ", " from " }, { "in ", " but for " }, { "leaves ", " but for " },
		{ "joins ", " but for " }, { "", " also from " }, { "", " no longer from " },
	};
	char text[OL_ADDR_STRLEN];
	unsigned t = type < ARRAY_LEN(words) ? type : 0;
	add(m->buf, m->room, "%s%s", words[t].before, addr_at(m, at + 4, text));
	put_sources(m, words[t].sources, at + 4 + m->alen, n);
}

static void put_records(const struct message *m)
{
	unsigned records = m->cap >= 8 ? be16_at(m->p + 6) : 0;
	size_t at = 8;
	for (unsigned i = 0; i < records; i++) {
		if (i == MAX_RECORDS || at + 4 + m->alen > m->cap) {
			add(m->buf, m->room, "; %u more", records - i);
			return;
		}
		unsigned n = be16_at(m->p + at + 2);
		add(m->buf, m->room, i ? "; " : ": ");
		put_record(m, m->p[at], at, n);
		at += 4 + (1 + (size_t)n) * m->alen + m->p[at + 1] * 4u;
	}
}

static void put_query(const struct message *m)
{
	size_t group = m->ver == 4 ? 4 : 8, tail = group + m->alen;
	static const uint8_t none[16];
	char text[OL_ADDR_STRLEN];
	if (tail > m->cap)
		return;
	if (!memcmp(m->p + group, none, m->alen))
		add(m->buf, m->room, " for all groups");
	else
		add(m->buf, m->room, " for %s", addr_at(m, group, text));
	if (m->len >= tail + 4 && m->cap >= tail + 4)
		put_sources(m, " from ", tail + 4, be16_at(m->p + tail + 2));
}

static unsigned query_version(const struct message *m)
{
	if (m->ver == 6)
		return m->len > 24 ? 2 : 1;
	return m->len > 8 ? 3 : m->p[1] ? 2 : 1;
}

char *dissect_group(const struct dis *d, char *buf, size_t len)
{
	struct message m = { d->net == DIS_IP4 ? 4 : 6, d->net == DIS_IP4 ? 4 : 16, d->group, d->group_cap, d->group_len, buf, len };
	char text[OL_ADDR_STRLEN];
	*buf = 0;
	switch (m.p[0]) {
	case 0x11: case 130:
		add(buf, len, "v%u query", query_version(&m));
		put_query(&m);
		break;
	case 0x12: case 0x16: case 131:
		add(buf, len, "v%u report: in %s", m.p[0] == 0x16 ? 2 : 1, addr_at(&m, m.ver == 4 ? 4 : 8, text));
		break;
	case 0x17: case 132:
		add(buf, len, "leaves %s", addr_at(&m, m.ver == 4 ? 4 : 8, text));
		break;
	case 0x22: case 143:
		add(buf, len, "v%u report", m.ver == 4 ? 3 : 2);
		put_records(&m);
		break;
	default:
		add(buf, len, "type 0x%02x", m.p[0]);
	}
	return buf;
}
