/*
 * The name server: any query, by UDP and by TCP.  An answer keeps the query's number, stays within its room, is a
 * response, and each record it counts lies inside it.
 */
#include <stdlib.h>
#include <string.h>
#include "base/be.h"
#include "host/dns.h"
#include "must.h"

static int addrs(void *ctx, const char *label, struct ol_addr *out, int max)
{
	size_t n = strlen(label);
	must(n >= 1 && n <= 63 && max >= 1 && max <= (int)DNS_MAX_ADDRS);
	if (n > 4)
		return -1;
	for (int i = 0; i < max; i++)			/* the longer the name, the fewer, and of both families */
		if (!(i & 1) || n > 2)
			out[i] = ol_addr_ip4(0x0a000000u + (uint32_t)i);
		else
			must(ol_addr_parse("fd00::1", &out[i]));
	return n == 4 ? 0 : max;
}

static bool name(void *ctx, const struct ol_addr *addr, char *label)
{
	memset(label, 'n', 63);
	label[63] = '\0';
	return addr->b[3] & 1;
}

/* Past one name at `at`; every byte of it must lie inside. */
static size_t past_name(const uint8_t *p, size_t len, size_t at)
{
	for (;;) {
		must(at < len);
		if (p[at] >= 0xc0) {
			must(at + 2 <= len && (size_t)(be16_at(p + at) & 0x3fff) < at);
			return at + 2;
		}
		must(p[at] < 64);
		if (!p[at])
			return at + 1;
		at += 1u + p[at];
	}
}

static void look(const uint8_t *query, size_t q_len, const uint8_t *p, size_t len, size_t cap)
{
	must(len >= 12 && len <= cap && q_len >= 2 && !memcmp(p, query, 2) && (p[2] & 0x80));
	size_t at = 12;
	for (unsigned i = 0; i < be16_at(p + 4); i++)
		at = past_name(p, len, at) + 4;
	for (unsigned i = 0, n = be16_at(p + 6) + be16_at(p + 8) + be16_at(p + 10); i < n; i++) {
		at = past_name(p, len, at);
		must(at + 10 <= len);
		at += 10u + be16_at(p + at + 8);
	}
	must(at == len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct dns_names names = { NULL, addrs, name };
	static const size_t cap[2] = { DNS_UDP_MAX, DNS_TCP_MAX };
	for (int tcp = 0; tcp < 2; tcp++) {
		uint8_t *out = malloc(cap[tcp]);		/* of its own, so that a byte too many is seen */
		size_t n = dns_answer(&names, data, size, tcp, out, cap[tcp]);
		if (n)
			look(data, size, out, n, cap[tcp]);
		free(out);
	}
	return 0;
}
