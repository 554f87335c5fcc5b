/*
 * YAML of a network file as values: libyaml's document, and readers of what may stand in it, each of which names the line
 * and says what to do.  Files come from fuzzers too, so everything that is counted has a bound, and aliases are refused
 * (they make small files huge).
 *
 * A map is read by a table of its keys: each has a reader, and a key that is in no table is a mistake.
 */
#include "host/netfile_int.h"
#include "base/check.h"
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NODES = 200000 };

bool nf_wrong(struct nf_parser *p, int line, const char *fmt, ...)
{
	int n = snprintf(p->why, p->why_len, "line %d: ", line);
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(p->why + n, p->why_len - (size_t)n, fmt, ap);
	va_end(ap);
	return false;
}

int nf_line_of(const nf_node *v) { return (int)v->start_mark.line + 1; }
nf_node *nf_at(struct nf_parser *p, int i) { return yaml_document_get_node(p->doc, i); }

/* ---- scalars ----------------------------------------------------------------------------------------------------- */
/* The text of a scalar without NUL bytes, or NULL and a sentence. */
const char *nf_text(struct nf_parser *p, const nf_node *v, const char *what)
{
	if (v->type == YAML_SCALAR_NODE && strlen((const char *)v->data.scalar.value) == v->data.scalar.length &&
	    v->data.scalar.length)
		return (const char *)v->data.scalar.value;
	nf_wrong(p, nf_line_of(v), "%s must be a single value", what);
	return NULL;
}

bool nf_number(struct nf_parser *p, const nf_node *v, const char *what, uint64_t lo, uint64_t hi, uint64_t *out)
{
	const char *s = nf_text(p, v, what);
	if (!s)
		return false;
	char *end;
	errno = 0;
	unsigned long long n = strtoull(s, &end, 0);
	if (!isdigit((unsigned char)*s) || *end || errno || n < lo || n > hi)
		return nf_wrong(p, nf_line_of(v), "%s is a number from %llu to %llu, not %s", what, (unsigned long long)lo,
			     (unsigned long long)hi, s);
	*out = n;
	return true;
}

bool nf_mtu(struct nf_parser *p, const nf_node *v, uint32_t *out)
{
	uint64_t n = 0;
	if (!nf_number(p, v, "mtu", 68, 65535, &n))
		return false;
	*out = (uint32_t)n;
	return true;
}

bool nf_boolean(struct nf_parser *p, const nf_node *v, const char *what, bool *out)
{
	const char *s = nf_text(p, v, what);
	if (!s)
		return false;
	*out = !strcmp(s, "true") || !strcmp(s, "yes") || !strcmp(s, "on");
	if (!*out && strcmp(s, "false") && strcmp(s, "no") && strcmp(s, "off"))
		return nf_wrong(p, nf_line_of(v), "%s is yes or no, not %s", what, s);
	return true;
}

/* Names are labels of host names, so that hosts can be looked up by them. */
bool nf_name(struct nf_parser *p, const nf_node *v, const char *what, char out[NF_NAME_MAX + 1])
{
	const char *s = nf_text(p, v, what);
	if (!s)
		return false;
	size_t n = strlen(s);
	if (n > NF_NAME_MAX || s[0] == '-' || s[n - 1] == '-' ||
	    strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") != n)
		return nf_wrong(p, nf_line_of(v), "%s is no name for %s: use 1 to %d lower-case letters, digits and '-'", s,
			     what, NF_NAME_MAX);
	memcpy(out, s, n + 1);
	return true;
}

bool nf_interface_name(struct nf_parser *p, const nf_node *v, char out[16])
{
	const char *s = nf_text(p, v, "the name of an interface");
	if (!s)
		return false;
	size_t n = strlen(s);
	if (n > 15 || strcspn(s, "/ :\t") != n || !strcmp(s, "lo"))
		return nf_wrong(p, nf_line_of(v),
			     "%s is no name for an interface: 1 to 15 characters, no '/', ':' or blank, and not lo", s);
	memcpy(out, s, n + 1);
	return true;
}

/* need_len: a host address needs the length of its prefix to be of use. */
bool nf_read_prefix(struct nf_parser *p, const nf_node *v, const char *what, bool need_len, struct nf_prefix *out)
{
	const char *s = nf_text(p, v, what);
	if (!s)
		return false;
	if (!ol_prefix_parse(s, &out->addr, &out->plen))
		return nf_wrong(p, nf_line_of(v), "%s is no %s; write it as 10.0.0.1/24 or fd00::1/64", s, what);
	if (need_len && !strchr(s, '/'))
		return nf_wrong(p, nf_line_of(v), "%s needs the length of its prefix: %s/%d", s, s,
			     out->addr.ver == 4 ? 24 : 64);
	return true;
}

/* Bits behind the prefix length. */
bool nf_has_host_bits(const struct nf_prefix *x)
{
	for (unsigned bit = x->plen; bit < (x->addr.ver == 4 ? 32u : 128u); bit++)
		if (x->addr.b[bit / 8] & (0x80 >> bit % 8))
			return true;
	return false;
}

bool nf_faults(struct nf_parser *p, const nf_node *v, struct ol_faults *f)
{
	char why[256];
	const char *s = nf_text(p, v, "faults");
	if (s && ol_faults_parse(f, s, why, sizeof why))
		return nf_wrong(p, nf_line_of(v), "%s", why);
	return s != NULL;
}

/* ---- maps and lists ---------------------------------------------------------------------------------------------- */
bool nf_read_map(struct nf_parser *p, nf_node *v, const char *what, const struct nf_key *keys, size_t n, void *into)
{
	if (v->type != YAML_MAPPING_NODE)
		return nf_wrong(p, nf_line_of(v), "%s must be written as `key: value` lines", what);
	for (yaml_node_pair_t *i = v->data.mapping.pairs.start; i < v->data.mapping.pairs.top; i++) {
		nf_node *k = nf_at(p, i->key), *val = nf_at(p, i->value);
		const char *s = nf_text(p, k, "a key");
		if (!s)
			return false;
		size_t which = 0;
		while (which < n && strcmp(keys[which].name, s))
			which++;
		if (which == n) {
			char known[256] = "";
			for (size_t j = 0; j < n; j++)
				snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", j ? ", " : "",
					 keys[j].name);
			return nf_wrong(p, nf_line_of(k), "%s has no key %s; it may have: %s", what, s, known);
		}
		for (yaml_node_pair_t *j = v->data.mapping.pairs.start; j < i; j++)
			if (!strcmp((const char *)nf_at(p, j->key)->data.scalar.value, s))
				return nf_wrong(p, nf_line_of(k), "the key %s stands twice in %s (first in line %d)", s, what,
					     nf_line_of(nf_at(p, j->key)));
		if (!keys[which].read(p, val, into))
			return false;
	}
	return true;
}
/* A list, or a single value as a list of one. */
bool nf_each(struct nf_parser *p, nf_node *v, bool (*read)(struct nf_parser *, nf_node *, void *), void *into)
{
	if (v->type != YAML_SEQUENCE_NODE)
		return read(p, v, into);
	for (yaml_node_item_t *i = v->data.sequence.items.start; i < v->data.sequence.items.top; i++)
		if (!read(p, nf_at(p, *i), into))
			return false;
	return true;
}

/* One element more at the end of an array; NULL and a sentence when there are too many. */
void *nf_grow(struct nf_parser *p, const nf_node *v, void *array, unsigned *n, size_t size, unsigned max,
		  const char *what)
{
	void **a = array;
	if (*n >= max) {
		nf_wrong(p, nf_line_of(v), "too many %s: no more than %u fit", what, max);
		return NULL;
	}
	uint8_t *grown = realloc(*a, (*n + 1) * size);
	if (!grown) {
		nf_wrong(p, nf_line_of(v), "not enough memory");
		return NULL;
	}
	*a = grown;
	memset(grown + *n * size, 0, size);
	return grown + (*n)++ * size;
}

/* An alias would be the same node reached twice; libyaml has resolved it by then, so we look at the events first. */
bool nf_has_alias(const char *bytes, size_t len, int *line)
{
	yaml_parser_t y;
	yaml_event_t ev;
	bool alias = false, over = false;
	if (!yaml_parser_initialize(&y))
		return false;
	yaml_parser_set_input_string(&y, (const unsigned char *)bytes, len);
	for (int i = 0; i < MAX_NODES && !over && !alias && yaml_parser_parse(&y, &ev); i++) {
		alias = ev.type == YAML_ALIAS_EVENT;
		over = ev.type == YAML_STREAM_END_EVENT;
		*line = (int)ev.start_mark.line + 1;
		yaml_event_delete(&ev);
	}
	yaml_parser_delete(&y);
	return alias;
}
