/*
 * Tables of text for the tools.  Widths are counted in code points, which is right for everything a host, a program or a
 * call is named with.  What programs call themselves is theirs to choose, so no control character reaches the terminal.
 */
#include "tool/table.h"
#include "base/check.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct row { char *cell[TABLE_MAX_COLS]; unsigned n; char *note; };
struct table {
	unsigned cols;
	char *head[TABLE_MAX_COLS];
	bool right[TABLE_MAX_COLS];
	struct row *rows; size_t n, room;
};

/* Length of the UTF-8 sequence at p, 0 where it is none or a control character. */
static size_t sequence(const unsigned char *p)
{
	if (p[0] < 0x80)
		return p[0] >= ' ' && p[0] != 0x7f;
	size_t n = p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n == 2 && p[0] == 0xc2 && p[1] < 0xa0 ? 0 : n;	/* U+0080 to U+009F are controls too */
}

char *tame(char *to, size_t len, const char *from)
{
	size_t at = 0;
	while (*from && at + 1 < len) {
		size_t n = sequence((const unsigned char *)from);
		if (at + MAX(n, (size_t)1) >= len)
			break;
		if (n)
			memcpy(to + at, from, n);
		else
			to[at] = '?';
		at += MAX(n, (size_t)1);
		from += MAX(n, (size_t)1);
	}
	to[at] = 0;
	return to;
}

static size_t columns(const char *s)
{
	size_t n = 0;
	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

struct table *table_new(const char *heads)
{
	struct table *t = calloc(1, sizeof *t);
	while (t && *heads && t->cols < TABLE_MAX_COLS) {
		size_t len = strcspn(heads, ",");
		t->right[t->cols] = *heads == '>';
		t->head[t->cols] = strndup(heads + (*heads == '>'), len - (*heads == '>'));
		if (!t->head[t->cols++]) {
			table_free(t);
			return NULL;
		}
		heads += len + (heads[len] == ',');
	}
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++) {
		for (unsigned c = 0; c < t->rows[i].n; c++)
			free(t->rows[i].cell[c]);
		free(t->rows[i].note);
	}
	for (unsigned c = 0; c < t->cols; c++)
		free(t->head[c]);
	free(t->rows);
	free(t);
}

bool table_row(struct table *t)
{
	if (t->n == t->room) {
		size_t room = t->room ? t->room * 2 : 32;
		struct row *rows = reallocarray(t->rows, room, sizeof *rows);
		if (!rows)
			return false;
		t->rows = rows;
		t->room = room;
	}
	t->rows[t->n++] = (struct row){ 0 };
	return true;
}

static char *formatted(const char *fmt, va_list ap)
{
	char raw[2 * TABLE_CELL], cell[2 * TABLE_CELL];
	vsnprintf(raw, sizeof raw, fmt, ap);
	return strdup(tame(cell, sizeof cell, raw));
}

bool table_cell(struct table *t, const char *fmt, ...)
{
	struct row *r = &t->rows[t->n - 1];
	CHECK(t->n && r->n < t->cols);
	va_list ap;
	va_start(ap, fmt);
	char *s = formatted(fmt, ap);
	va_end(ap);
	if (!s)
		return false;
	r->cell[r->n++] = s;
	return true;
}

bool table_note(struct table *t, const char *fmt, ...)
{
	CHECK(t->n);
	va_list ap;
	va_start(ap, fmt);
	free(t->rows[t->n - 1].note);
	t->rows[t->n - 1].note = formatted(fmt, ap);
	va_end(ap);
	return t->rows[t->n - 1].note;
}

size_t table_rows(const struct table *t)
{
	return t->n;
}

static const char *cell_of(const struct row *r, unsigned c)
{
	return c < r->n ? r->cell[c] : "";
}

static void print_cell(const char *s, size_t width, bool right, bool last, FILE *out)
{
	size_t pad = width - MIN(columns(s), width);
	if (right)
		fprintf(out, "%*s%s", (int)pad, "", s);
	else
		fprintf(out, "%s%*s", s, last ? 0 : (int)pad, "");
}

void table_print(const struct table *t, bool squeeze, FILE *out)
{
	size_t width[TABLE_MAX_COLS];
	bool shown[TABLE_MAX_COLS];
	unsigned last = 0;
	for (unsigned c = 0; c < t->cols; c++) {
		width[c] = columns(t->head[c]);
		shown[c] = !squeeze;
		for (size_t i = 0; i < t->n; i++) {
			const char *s = cell_of(&t->rows[i], c);
			width[c] = MAX(width[c], columns(s));
			shown[c] |= *s && strcmp(s, "-") != 0;
		}
		if (shown[c])
			last = c;
	}
	for (size_t i = 0; i <= t->n; i++) {
		for (unsigned c = 0; c <= last && t->cols; c++) {
			if (!shown[c])
				continue;
			print_cell(i ? cell_of(&t->rows[i - 1], c) : t->head[c], width[c], t->right[c], c == last, out);
			fputs(c == last ? "" : "  ", out);
		}
		fputc('\n', out);
		if (i && t->rows[i - 1].note)
			fprintf(out, "%s\n", t->rows[i - 1].note);
	}
}

char *human_count(unsigned long long n, char *buf)
{
	static const char units[] = " kMGTPE";
	double x = (double)n;
	unsigned u = 0;
	if (n <= 9999) {
		snprintf(buf, 16, "%llu", n);
		return buf;
	}
	for (; x >= 999.5 && u + 1 < sizeof units - 1; u++)
		x /= 1000;
	snprintf(buf, 16, x < 9.95 ? "%.1f%c" : "%.0f%c", x, units[u]);
	return buf;
}

char *human_us(double us, char *buf)
{
	if (us < 0)
		snprintf(buf, 24, "-");
	else if (us < 10e3)
		snprintf(buf, 24, "%.2f ms", us / 1e3);
	else if (us < 1e6)
		snprintf(buf, 24, "%.0f ms", us / 1e3);
	else
		snprintf(buf, 24, "%.1f s", us / 1e6);
	return buf;
}
