/*
 * Finding an error's entry by whatever a person has at hand: a name of either world in any case, an errno, a Winsock
 * code, getaddrinfo's negative result.  A positive number below 10000 is an errno, from there on a Winsock code; a
 * negative one is getaddrinfo's if it has one, else a negated errno as kernel interfaces return it.
 */
#include "tool/errors_table.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const struct error_entry *error_at(size_t i)
{
	return i < error_table_len ? &error_table[i] : NULL;
}

static const struct error_entry *by_code(enum error_kind kind, int code)
{
	for (size_t i = 0; i < error_table_len; i++)
		if (error_table[i].kind == kind && error_table[i].code == code)
			return &error_table[i];
	return NULL;
}

const struct error_entry *error_by_errno(int err)
{
	return by_code(ERROR_ERRNO, err < 0 ? -err : err);
}

const struct error_entry *error_by_eai(int err)
{
	return by_code(ERROR_EAI, err);
}

/* "WSAESHUTDOWN" is the twin of ESHUTDOWN; EPIPE has the same code as its nearest relative only. */
static bool is_twin(const struct error_entry *e)
{
	return e->wsa_name && strncmp(e->wsa_name, "WSA", 3) == 0 &&
	       (strcmp(e->wsa_name + 3, e->name) == 0 || (e->alias && strcmp(e->wsa_name + 3, e->alias) == 0));
}

const struct error_entry *error_by_wsa(int code)
{
	const struct error_entry *relative = NULL;
	for (size_t i = 0; i < error_table_len; i++) {
		if (!error_table[i].wsa || error_table[i].wsa != code)
			continue;
		if (error_table[i].kind == ERROR_WSA || is_twin(&error_table[i]))
			return &error_table[i];
		if (!relative)
			relative = &error_table[i];
	}
	return relative;
}

static const struct error_entry *by_name(const char *text)
{
	for (size_t i = 0; i < error_table_len; i++) {
		const struct error_entry *e = &error_table[i];
		if (strcasecmp(e->name, text) == 0 || (e->alias && strcasecmp(e->alias, text) == 0))
			return e;
	}
	for (size_t i = 0; i < error_table_len; i++) {
		const struct error_entry *e = &error_table[i];
		if (e->wsa_name && (strcasecmp(e->wsa_name, text) == 0 || strcasecmp(e->wsa_name + 3, text) == 0))
			return error_by_wsa(e->wsa);
	}
	return NULL;
}

const struct error_entry *error_find(const char *text)
{
	char *end;
	errno = 0;
	long n = strtol(text, &end, 0);
	if (end == text || *end || errno || n > 100000 || n < -100000)
		return by_name(text);
	if (n >= 10000)
		return error_by_wsa((int)n);
	if (n > 0)
		return error_by_errno((int)n);
	const struct error_entry *e = error_by_eai((int)n);
	return e ? e : error_by_errno((int)n);
}

/* Levenshtein's distance without regard to case, for names of at most 31 bytes. */
static unsigned distance(const char *a, const char *b)
{
	enum { MAX_NAME = 32 };
	unsigned row[MAX_NAME];
	size_t la = strlen(a), lb = strlen(b);
	if (la >= MAX_NAME || lb >= MAX_NAME)
		return MAX_NAME;
	for (size_t j = 0; j <= lb; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned diag = row[0];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned up = row[j];
			unsigned best = diag + (strncasecmp(a + i - 1, b + j - 1, 1) != 0);
			if (up + 1 < best)
				best = up + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			diag = up;
		}
	}
	return row[lb];
}

const struct error_entry *error_nearest(const char *text)
{
	const struct error_entry *best = NULL;
	unsigned best_distance = 4;		/* three wrong letters are a typing mistake, more are another word */
	for (size_t i = 0; i < error_table_len; i++) {
		const struct error_entry *e = &error_table[i];
		unsigned d = distance(text, e->name);
		if (e->wsa_name && distance(text, e->wsa_name) < d)
			d = distance(text, e->wsa_name);
		if (d < best_distance) {
			best_distance = d;
			best = e;
		}
	}
	return best;
}

char *error_hint(int err, char *buf, size_t len)
{
	const struct error_entry *e = error_by_errno(err);
	if (e)
		snprintf(buf, len, "%s: %s", e->name, e->means);
	else
		snprintf(buf, len, "errno %d: %s", err < 0 ? -err : err, strerror(err < 0 ? -err : err));
	return buf;
}
