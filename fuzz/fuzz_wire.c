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
	uint8_t built[ND_LEN + 2 * ND_OPT_LEN] = { 0 };
	if (!wire_nd_parse(&m, type, p, len))
		return;
	built[4] = m.flags;
	size_t n = wire_nd_build(built, type, &m);
	CHECK(wire_nd_parse(&again, type, built, n) && ol_addr_eq(&again.target, &m.target) &&
	      again.has_mac == m.has_mac && again.has_nonce == m.has_nonce);
}

static void routers(const uint8_t *p, size_t len)
{
	struct nd_ra ra, again;
	struct nd_redirect re;
	struct nd_opt opt;
	struct nd_prefix_info pi, same;
	struct nd_route_info ri;
	struct nd_rdnss dns;
	uint32_t mtu;
	uint8_t built[PREFIX_OPT_LEN] = { 0 };
	char name[256];
	if (wire_redirect_parse(&re, p, len))
		CHECK(len >= REDIRECT_LEN && re.target.ver == 6);
	if (!wire_ra_parse(&ra, p, len))
		return;
	wire_ra_build(built, &ra);
	CHECK(wire_ra_parse(&again, built, RA_LEN) && again.pref == ra.pref && again.retrans_ms == ra.retrans_ms &&
	      again.lifetime_s == ra.lifetime_s && again.hop_limit == ra.hop_limit);
	while (wire_nd_opt_next(&ra.opts, &opt)) {
		CHECK(opt.p >= p && opt.p + opt.len <= p + len);
		if (wire_nd_prefix_parse(&pi, &opt)) {
			wire_nd_prefix_build(built, &pi);
			CHECK(wire_nd_prefix_parse(&same, &(struct nd_opt){ ND_OPT_PREFIX, built, sizeof built }) &&
			      !memcmp(&same.prefix, &pi.prefix, sizeof same.prefix) && same.valid_s == pi.valid_s);
		}
		if (wire_nd_rdnss_parse(&dns, &opt))
			CHECK(dns.addr + 16 * dns.n == opt.p + opt.len);
		if (wire_nd_route_parse(&ri, &opt))
			CHECK(ri.plen <= 128 && ri.pref >= -1 && ri.pref <= 1);
		wire_nd_mtu_parse(&mtu, &opt);
		for (size_t at = 0; wire_nd_dnssl_next(&opt, &at, name); )
			CHECK(at <= opt.len && strlen(name) > 0);
	}
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
		routers(p, len);
		break;
	}
	return 0;
}
