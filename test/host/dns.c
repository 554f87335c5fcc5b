/* The name server's answers, byte by byte; and that no bytes upset it. */
#include "unit.h"
#include "base/be.h"
#include "base/rng.h"
#include "host/dns.h"
#include <stdlib.h>

static int addrs(void *ctx, const char *label, struct ol_addr *out, int max)
{
	(void)ctx;
	if (!strcmp(label, "web") && max >= 2) {
		out[0] = ol_addr_ip4(0x0a4d0001);
		ol_addr_parse("fd77::1", &out[1]);
		return 2;
	}
	if (!strncmp(label, "many", 4)) {
		for (int i = 0; i < max; i++)
			ol_addr_parse("fd77::9", &out[i]);
		return max;
	}
	return -1;
}

static bool name(void *ctx, const struct ol_addr *a, char *label)
{
	struct ol_addr web4 = ol_addr_ip4(0x0a4d0001), web6;
	(void)ctx;
	ol_addr_parse("fd77::1", &web6);
	strcpy(label, "web");
	return ol_addr_eq(a, &web4) || ol_addr_eq(a, &web6);
}

static const struct dns_names names = { NULL, addrs, name };
static uint8_t out[DNS_TCP_MAX];

/* A query for "a.b.c"; with an OPT record of this size if it is not 0. */
static size_t query(uint8_t *q, const char *text, uint16_t type, uint16_t edns)
{
	uint8_t *p = q + 12;
	memset(q, 0, 12);
	be16_put(q, 0xbeef);
	be16_put(q + 2, 0x0100);
	be16_put(q + 4, 1);
	while (*text) {
		size_t n = strcspn(text, ".");
		*p++ = (uint8_t)n;
		memcpy(p, text, n);
		p += n;
		text += n + (text[n] == '.');
	}
	*p++ = 0;
	be16_put(p, type);
	be16_put(p + 2, 1);
	p += 4;
	if (edns) {
		be16_put(q + 10, 1);
		memset(p, 0, 11);
		p[2] = 41;
		be16_put(p + 3, edns);
		p += 11;
	}
	return (size_t)(p - q);
}

struct result { int rcode, answers; bool tc; uint16_t type; const uint8_t *data; size_t len; };
static struct result run(const char *text, uint16_t type, uint16_t edns, bool tcp)
{
	uint8_t q[600];
	size_t n = query(q, text, type, edns), len = dns_answer(&names, q, n, tcp, out, sizeof out);
	assert_true(len >= 12);
	eq(be16_at(out), 0xbeef);
	ok(out[2] & 0x80);			/* a response, with authority, and recursion as asked for */
	ok(out[2] & 0x04);
	eq(out[2] & 1, 1);
	struct result r = { out[3] & 15, be16_at(out + 6), out[2] & 2, 0, NULL, len };
	if (r.answers) {
		size_t at = n - (edns ? 11u : 0u);
		eq(be16_at(out + at), 0xc00c);
		r.type = be16_at(out + at + 2);
		r.data = out + at + 12;
	}
	return r;
}

TEST(names_of_hosts_have_their_addresses)
{
	struct result r = run("web", 1, 0, false);
	eq(r.rcode, 0);
	eq(r.answers, 1);
	eq_mem(r.data, "\x0a\x4d\x00\x01", 4);
	r = run("WEB.Outlet", 28, 0, false);
	eq(r.answers, 1);
	eq(r.type, 28);
	eq(r.data[15], 1);
	eq(run("web", 255, 0, false).answers, 2);
}

TEST(a_name_without_such_a_record_is_no_error_and_no_answer)	/* req: RFC 2308 */
{
	struct result r = run("web", 15, 0, false);
	eq(r.rcode, 0);
	eq(r.answers, 0);
}

TEST(unknown_names_do_not_exist)
{
	eq(run("nobody", 1, 0, false).rcode, 3);
	eq(run("web.example.org", 1, 0, false).rcode, 3);
	eq(run("outlet", 1, 0, false).rcode, 3);
	eq(run("a.outlet", 1, 0, false).rcode, 3);
	eq(run("x.web.outlet", 1, 0, false).rcode, 3);
}

TEST(localhost_is_this_host)
{
	eq_mem(run("localhost", 1, 0, false).data, "\x7f\0\0\1", 4);
}

TEST(addresses_have_names)
{
	struct result r = run("1.0.77.10.in-addr.arpa", 12, 0, false);
	eq(r.answers, 1);
	eq_mem(r.data, "\3web", 5);
	r = run("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.7.7.d.f.ip6.arpa", 12, 0, false);
	eq(r.answers, 1);
	eq_mem(r.data, "\3web", 5);
	eq(run("2.0.77.10.in-addr.arpa", 12, 0, false).rcode, 3);
	eq(run("300.0.77.10.in-addr.arpa", 12, 0, false).rcode, 3);
}

TEST(answer_that_does_not_fit_is_cut_and_comes_whole_where_there_is_room)
{
	struct result r = run("many", 28, 512, false);
	eq(r.answers, 16);			/* 16 * 28 + 33 bytes: just fits */
	static const char longest[] = "many-------------------------------------------------------many.outlet";
	eq(strcspn(longest, "."), 63);
	r = run(longest, 28, 0, false);
	ok(r.tc);
	eq(r.answers, 0);
	eq(run(longest, 28, 0, true).answers, 16);
	r = run("many", 28, 4096, false);
	eq(r.answers, 16);
	ok(!r.tc);
	eq(run("many", 28, 0, true).answers, 16);
}

TEST(edns_is_answered_with_edns_and_other_versions_refused)	/* req: RFC 6891 */
{
	struct result r = run("web", 1, 1232, false);
	eq(be16_at(out + 10), 1);
	eq(out[r.len - 9], 41);
	uint8_t q[600];
	size_t n = query(q, "web", 1, 1232);
	q[n - 5] = 1;				/* version 1 */
	size_t len = dns_answer(&names, q, n, false, out, sizeof out);
	eq(out[3] & 15, 0);
	eq(out[len - 6], 1);			/* BADVERS is 16: its upper bits stand in the OPT record */
}

TEST(what_is_no_query_gets_no_answer_and_what_is_wrong_a_format_error)
{
	uint8_t q[600];
	size_t n = query(q, "web", 1, 0);
	eq(dns_answer(&names, q, 11, false, out, sizeof out), 0);
	q[2] |= 0x80;
	/* responses are not answered: two servers would never end */
	eq(dns_answer(&names, q, n, false, out, sizeof out), 0);
	n = query(q, "web", 1, 0);
	q[12] = 0xc0;				/* a pointer in the question */
	ok(dns_answer(&names, q, n, false, out, sizeof out) >= 12);
	eq(out[3] & 15, 1);
	n = query(q, "web", 1, 0);
	q[5] = 2;				/* two questions */
	ok(dns_answer(&names, q, n, false, out, sizeof out) >= 12);
	eq(out[3] & 15, 1);
	q[5] = 1;
	q[2] = 0x28;				/* an update, RFC 2136 */
	ok(dns_answer(&names, q, n, false, out, sizeof out) >= 12);
	eq(out[3] & 15, 4);
}

TEST(any_bytes_are_survived)
{
	struct rng r;
	rng_init(&r, 0xd45);
	for (int i = 0; i < 100000; i++) {
		uint8_t q[128];
		size_t n = query(q, i & 1 ? "web.outlet" : "1.0.77.10.in-addr.arpa", i & 2 ? 1 : 255, i & 4 ? 512 : 0);
		for (unsigned k = rng_below(&r, 6); k; k--)
			q[2 + rng_below(&r, (uint32_t)n - 2)] = (uint8_t)rng_u64(&r);
		uint8_t *copy = malloc(n);	/* so that a sanitizer sees a byte too far */
		size_t len = rng_below(&r, (uint32_t)n + 1);
		memcpy(copy, q, len);
		size_t got = dns_answer(&names, copy, len, i & 8, out, DNS_UDP_MAX);
		ok(got == 0 || (got >= 12 && got <= DNS_UDP_MAX));
		free(copy);
	}
}
