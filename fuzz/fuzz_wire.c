/*
 * Every reader of headers on one input: the first byte says which.  The rest is read in place, so that a byte read past
 * the end is a byte past libFuzzer's block.  What a reader accepts must lie inside, and what can be built again is
 * built again.
 */
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "wire/arp.h"
#include "wire/eth.h"
#include "wire/icmp6.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ip4(const uint8_t *p, size_t len, bool quoted)
{
	struct ip4_hdr h, again;
	struct ip4_opt o;
	uint8_t built[IP4_HLEN_MAX];
	if ((quoted ? wire_ip4_parse_quoted : wire_ip4_parse)(&h, p, len) != OL_PASS)
		return;
	CHECK(h.hlen >= IP4_HLEN && h.hlen <= len && (quoted || (h.len >= h.hlen && h.len <= len)));
	size_t at = 0, n = 0;
	while (ip4_opt_next(&h, &at, &o) && o.len) {
		CHECK(o.p >= p + IP4_HLEN && o.p + o.len <= p + h.hlen);
		CHECK(++n <= IP4_HLEN_MAX);
	}
	wire_ip4_build(built, &h);
	if (!quoted)
		h.len = h.hlen;
	wire_ip4_set_len(built, h.hlen);
	CHECK(wire_ip4_parse(&again, built, h.hlen) == OL_PASS);
	CHECK(ol_addr_eq(&again.src, &h.src) && ol_addr_eq(&again.dst, &h.dst) && again.off == h.off &&
	      again.mf == h.mf);
}

static void ip6(const uint8_t *p, size_t len)
{
	struct ip6_hdr h, again;
	struct ip6_frag f;
	uint8_t built[IP6_HLEN];
	if (wire_ip6_parse(&h, p, len) != OL_PASS)
		return;
	uint8_t next = h.next;
	size_t at = ip6_skip_ext(&next, p + IP6_HLEN, h.len);
	CHECK(at == SIZE_MAX || (at <= h.len && !ip6_is_ext(next)));
	wire_ip6_frag_parse(&f, p + IP6_HLEN, h.len);
	wire_ip6_build(built, &h);
	CHECK(!memcmp(built, p, IP6_HLEN));
	CHECK(wire_ip6_parse_quoted(&again, built, sizeof built) == OL_PASS);
}

static void nd(const uint8_t *p, size_t len, uint8_t type)
{
	struct nd_msg m, again;
	uint8_t built[ND_LEN + ND_OPT_LEN] = { 0 };
	if (!wire_nd_parse(&m, type, p, len))
		return;
	built[4] = m.flags;
	size_t n = wire_nd_build(built, type, &m);
	CHECK(wire_nd_parse(&again, type, built, n) && ol_addr_eq(&again.target, &m.target) &&
	      again.has_mac == m.has_mac);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eth_hdr e;
	struct arp_pkt a;
	struct icmp_hdr i;
	struct ol_addr x = { .ver = 6 };
	uint8_t arp[ARP_LEN];
	if (!size)
		return 0;
	const uint8_t *p = data + 1;
	size_t len = size - 1;
	switch (data[0] % 7) {
	case 0:
		if (wire_eth_parse(&e, p, len) == OL_PASS)
			CHECK(e.hlen <= len && e.len802 <= len);
		break;
	case 1:
		if (wire_arp_parse(&a, p, len) == OL_PASS) {
			wire_arp_build(arp, &a);
			CHECK(!memcmp(arp, p, ARP_LEN));
		}
		break;
	case 2: case 3:
		ip4(p, len, data[0] % 7 == 3);
		break;
	case 4:
		ip6(p, len);
		break;
	case 5:
		wire_icmp4_parse(&i, p, len, data[0] & 0x80);
		wire_icmp6_parse(&i, p, len, &x, &x, data[0] & 0x80);
		break;
	case 6:
		nd(p, len, data[0] & 0x80 ? ICMP6_NS : ICMP6_NA);
		break;
	}
	return 0;
}
