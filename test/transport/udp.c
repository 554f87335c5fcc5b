/* The UDP header and its checksum as bytes: RFC 768, RFC 8200 8.1. */
#include "unit.h"
#include <netinet/in.h>
#include "base/be.h"
#include "base/cksum.h"
#include "wire/udp.h"

static const uint8_t good[12] = { 0x03, 0xe8, 0, 53, 0, 12, 0, 0, 'd', 'a', 't', 'a' };

/* req: 768-format-a: shorter than its header, or longer than the datagram, is malformed; what follows is padding */
TEST(udp_length_must_fit)
{
	struct udp_dgram d;
	uint8_t b[16] = { 0 };
	for (size_t n = 0; n < 8; n++)
		eq(wire_udp_parse(&d, good, n), OL_DROP_UDP_SHORT);
	for (size_t n = 8; n < 12; n++)
		eq(wire_udp_parse(&d, good, n), OL_DROP_UDP_LENGTH);
	eq(wire_udp_parse(&d, good, 12), OL_PASS);
	eq(d.src, 1000);
	eq(d.dst, 53);
	eq(d.len, 12);
	memcpy(b, good, 12);
	eq(wire_udp_parse(&d, b, 16), OL_PASS);
	eq(d.len, 12);
	b[5] = 7;
	eq(wire_udp_parse(&d, b, 16), OL_DROP_UDP_LENGTH);
}

/* req: 768-format-b, 1122-4.1.3.4-a, 6935-5-a, 8200-8.1-a, 8200-8.1-d: none is right over IPv4 and wrong over IPv6; any flipped bit shows */
TEST(udp_checksum_is_checked)
{
	struct ol_addr a4 = ol_addr_ip4(0x0a000001), b4 = ol_addr_ip4(0x0a000002);
	struct ol_addr a6 = ol_addr_from(6, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"), b6 = ol_addr_from(6, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2");
	const struct ol_addr *pair[2][2] = { { &a4, &b4 }, { &a6, &b6 } };
	for (int f = 0; f < 2; f++) {
		uint8_t b[12];
		struct udp_dgram d;
		memcpy(b, good, sizeof b);
		wire_udp_parse(&d, b, sizeof b);
		eq(wire_udp_cksum_ok(&d, b, pair[f][0], pair[f][1]), f == 0);
		be16_put(b + 6, cksum_finish(cksum_add(cksum_pseudo(pair[f][0], pair[f][1], IPPROTO_UDP, 12), b, 12)));
		wire_udp_parse(&d, b, sizeof b);
		ok(wire_udp_cksum_ok(&d, b, pair[f][0], pair[f][1]));
		for (int bit = 0; bit < 96; bit++) {
			if (bit >= 32 && bit < 48)
				continue;		/* the length is parsed anew */
			b[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (wire_udp_parse(&d, b, sizeof b) == OL_PASS)
				ok(!wire_udp_cksum_ok(&d, b, pair[f][0], pair[f][1]) || !d.cksum);
			b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

TEST(udp_header_is_written_as_it_is_read)
{
	uint8_t b[8];
	struct udp_dgram d = { 1000, 53, 8, 0xabcd }, back;
	wire_udp_put(b, &d);
	eq(wire_udp_parse(&back, b, sizeof b), OL_PASS);
	eq_mem(&back, &d, sizeof d);
}
