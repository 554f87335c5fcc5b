/*
 * A name server's answer as a function: RFC 1035 4 (messages), RFC 3596 (AAAA, ip6.arpa), RFC 6891 (EDNS: only its
 * size), RFC 2308 (a name that exists without such a record is no error).  It has authority over everything, since
 * the network ends where its hosts end: a name that no host has does not exist, and it says so at once.
 *
 * Left out: zones, recursion, DNSSEC, and names longer than one label but for `.outlet`, `localhost` and the reverse
 * trees. Queries come from anyone: every read is checked against the end, names have no pointers (RFC 9267 tells what
 * they do), one question, and a bound of records looked at.
 */
#include "host/dns.h"
#include "base/be.h"
#include "base/check.h"
#include <string.h>

enum { HEADER = 12, MAX_NAME = 255, MAX_RECORDS = 16, TTL = 5 };
enum { TYPE_A = 1, TYPE_PTR = 12, TYPE_AAAA = 28, TYPE_OPT = 41, TYPE_ANY = 255, CLASS_IN = 1, CLASS_ANY = 255 };
enum { NOERROR = 0, FORMERR = 1, NXDOMAIN = 3, NOTIMP = 4, BADVERS = 16 };
enum { FLAG_QR = 0x8000, FLAG_AA = 0x0400, FLAG_TC = 0x0200, FLAG_RD = 0x0100, FLAG_RA = 0x0080 };

struct query {
	uint16_t id, flags;
	char name[MAX_NAME + 1];		/* "web.outlet": lower case, no dot at the end */
	uint16_t type, class;
	size_t question_len;			/* bytes of the question as it came */
	bool edns;
	uint8_t edns_version;
	uint16_t edns_size;
};
struct reader { const uint8_t *p, *end; };

/* A name without pointers, RFC 1035 3.1; dots inside labels cannot be told apart afterwards, so they are refused. */
static bool read_name(struct reader *r, char *out)
{
	size_t n = 0;
	while (r->p < r->end) {
		unsigned label = *r->p++;
		if (!label) {
			out[n] = 0;
			return true;
		}
		if (label > 63 || label > (size_t)(r->end - r->p) || n + label + 1 > MAX_NAME)
			return false;
		if (n)
			out[n++] = '.';
		for (unsigned i = 0; i < label; i++) {
			uint8_t c = *r->p++;
			if (c == '.' || c == 0)
				return false;
			out[n++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
		}
	}
	return false;
}

/* Steps over a record's name: labels, or a pointer, which need not be followed. */
static bool skip_name(struct reader *r)
{
	while (r->p < r->end) {
		unsigned label = *r->p++;
		if (!label)
			return true;
		if (label >= 0xc0) {
			r->p++;
			return r->p <= r->end;
		}
		if (label > 63 || label > (size_t)(r->end - r->p))
			return false;
		r->p += label;
	}
	return false;
}

/* The records behind the question: only OPT means something to us. */
static bool read_records(struct reader *r, unsigned n, struct query *q)
{
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *name = r->p;
		if (i >= MAX_RECORDS || !skip_name(r) || r->end - r->p < 10)
			return false;
		uint16_t type = be16_at(r->p), size = be16_at(r->p + 2), len = be16_at(r->p + 8);
		uint8_t version = r->p[5];
		r->p += 10;
		if (len > r->end - r->p)
			return false;
		r->p += len;
		if (type != TYPE_OPT)
			continue;
		if (q->edns || *name)		/* RFC 6891 6.1.1: one, and at the root */
			return false;
		q->edns = true;
		q->edns_size = size;
		q->edns_version = version;
	}
	return true;
}

static int read_query(struct query *q, const uint8_t *p, size_t len)
{
	struct reader r = { p + HEADER, p + len };
	if (q->flags >> 11 & 15)
		return NOTIMP;
	if (be16_at(p + 4) != 1 || !read_name(&r, q->name) || r.end - r.p < 4)
		return FORMERR;
	q->type = be16_at(r.p);
	q->class = be16_at(r.p + 2);
	r.p += 4;
	q->question_len = (size_t)(r.p - p) - HEADER;
	unsigned records = (unsigned)be16_at(p + 6) + be16_at(p + 8) + be16_at(p + 10);
	if (!read_records(&r, records, q))
		return FORMERR;
	return q->edns && q->edns_version ? BADVERS : NOERROR;
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */
struct writer { uint8_t *start, *p, *end; unsigned answers; bool full; };

static void put_record(struct writer *w, uint16_t type, const void *data, size_t len)
{
	if ((size_t)(w->end - w->p) < 12 + len) {
		w->full = true;
		return;
	}
	be16_put(w->p, 0xc000 | HEADER);	/* the question's name */
	be16_put(w->p + 2, type);
	be16_put(w->p + 4, CLASS_IN);
	be32_put(w->p + 6, TTL);
	be16_put(w->p + 10, (uint16_t)len);
	memcpy(w->p + 12, data, len);
	w->p += 12 + len;
	w->answers++;
}

static bool ends_with(const char *s, size_t n, const char *tail)
{
	size_t t = strlen(tail);
	return n > t && !strcmp(s + n - t, tail);
}

/* 4.3.2.1.in-addr.arpa, RFC 1035 3.5 */
static bool reverse4(const char *s, size_t n, struct ol_addr *a)
{
	uint8_t b[4];
	if (!ends_with(s, n, ".in-addr.arpa"))
		return false;
	for (int i = 3; i >= 0; i--) {
		unsigned v = 0, digits = 0;
		while (*s >= '0' && *s <= '9' && digits < 3) {
			v = v * 10 + (unsigned)(*s++ - '0');
			digits++;
		}
		if (!digits || v > 255 || *s++ != '.')
			return false;
		b[i] = (uint8_t)v;
	}
	*a = ol_addr_from(4, b);
	return !strcmp(s, "in-addr.arpa");
}

/* 32 nibbles, the last first, RFC 3596 2.5 */
static bool reverse6(const char *s, size_t n, struct ol_addr *a)
{
	uint8_t b[16] = { 0 };
	if (n != 64 + sizeof "ip6.arpa" - 1 || strcmp(s + 64, "ip6.arpa"))
		return false;
	for (int i = 0; i < 32; i++) {
		char c = s[2 * i];
		int v = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
		if (v < 0 || s[2 * i + 1] != '.')
			return false;
		b[15 - i / 2] |= (uint8_t)(v << (i & 1 ? 4 : 0));
	}
	*a = ol_addr_from(6, b);
	return true;
}

static int answer_reverse(const struct dns_names *names, const struct query *q, const struct ol_addr *a,
			  struct writer *w)
{
	char label[64];
	if (!names->name(names->ctx, a, label))
		return NXDOMAIN;
	if (q->type != TYPE_PTR && q->type != TYPE_ANY)
		return NOERROR;
	size_t n = strlen(label);
	CHECK(n >= 1 && n <= 63);
	uint8_t name[66];
	name[0] = (uint8_t)n;
	memcpy(name + 1, label, n);
	name[n + 1] = 0;
	put_record(w, TYPE_PTR, name, n + 2);
	return NOERROR;
}

static int answer_name(const struct dns_names *names, const struct query *q, struct writer *w)
{
	char label[MAX_NAME + 1];
	size_t n = strlen(q->name);
	memcpy(label, q->name, n + 1);
	if (ends_with(label, n, "." DNS_DOMAIN))
		label[n - sizeof DNS_DOMAIN] = 0;
	struct ol_addr addrs[DNS_MAX_ADDRS];
	int count = -1;
	if (!strcmp(label, "localhost")) {
		count = 2;
		addrs[0] = ol_addr_ip4(0x7f000001);
		addrs[1] = ol_addr_from(6, (const uint8_t[16]){ [15] = 1 });
	} else if (label[0] && !strchr(label, '.')) {
		count = names->addrs(names->ctx, label, addrs, DNS_MAX_ADDRS);
	}
	if (count < 0)
		return NXDOMAIN;
	for (int i = 0; i < count; i++) {
		uint16_t type = addrs[i].ver == 4 ? TYPE_A : TYPE_AAAA;
		if (q->type == type || q->type == TYPE_ANY)
			put_record(w, type, addrs[i].b, addrs[i].ver == 4 ? 4 : 16);
	}
	return NOERROR;
}

static int answer(const struct dns_names *names, const struct query *q, struct writer *w)
{
	struct ol_addr a;
	size_t n = strlen(q->name);
	if (q->class != CLASS_IN && q->class != CLASS_ANY)
		return NXDOMAIN;
	if (reverse4(q->name, n, &a) || reverse6(q->name, n, &a))
		return answer_reverse(names, q, &a, w);
	return answer_name(names, q, w);
}

/* RFC 6891 6.1.2: our own size, and the upper bits of the error. */
static void put_opt(struct writer *w, int rcode)
{
	static const uint8_t opt[11] = { 0, 0, TYPE_OPT, DNS_UDP_MAX >> 8, DNS_UDP_MAX & 0xff };
	memcpy(w->p, opt, sizeof opt);
	w->p[5] = (uint8_t)(rcode >> 4);
	w->p += sizeof opt;
}

size_t dns_answer(const struct dns_names *names, const uint8_t *query, size_t len, bool tcp, uint8_t *out, size_t cap)
{
	struct query q = { 0 };
	if (len < HEADER)
		return 0;
	q.id = be16_at(query);
	q.flags = be16_at(query + 2);
	if (q.flags & FLAG_QR)
		return 0;
	CHECK(cap >= DNS_UDP_MAX);
	int rcode = read_query(&q, query, len);
	size_t limit = tcp ? MIN(cap, DNS_TCP_MAX) : CLAMP((size_t)q.edns_size, 512, DNS_UDP_MAX);
	/* The question is at most 260 bytes, so header, question and OPT always fit. */
	struct writer w = { .start = out, .p = out + HEADER + q.question_len, .end = out + limit - (q.edns ? 11 : 0) };
	memcpy(out + HEADER, query + HEADER, q.question_len);
	if (rcode == NOERROR)
		rcode = answer(names, &q, &w);
	/* RFC 2181 9: what does not fit whole is left out, and asked for by TCP */
	if (w.full) {
		w.p = out + HEADER + q.question_len;
		w.answers = 0;
	}
	be16_put(out, q.id);
	be16_put(out + 2, (uint16_t)(FLAG_QR | FLAG_AA | (w.full ? FLAG_TC : 0) | FLAG_RA |
				     (q.flags & (FLAG_RD | 0x7800)) | (rcode & 15)));
	be16_put(out + 4, q.question_len ? 1 : 0);
	be16_put(out + 6, (uint16_t)w.answers);
	be16_put(out + 8, 0);
	be16_put(out + 10, q.edns);
	if (q.edns)
		put_opt(&w, rcode);
	return (size_t)(w.p - out);
}
