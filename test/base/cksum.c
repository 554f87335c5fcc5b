/* The Internet checksum against a plain model: 16-bit words added one by one, as RFC 1071 1 says. */
#include "unit.h"
#include "base/cksum.h"
#include "base/rng.h"

static uint16_t model(const uint8_t *p, size_t len)
{
	uint32_t s = 0;
	for (size_t i = 0; i < len; i++) {
		s += i & 1 ? p[i] : (uint32_t)p[i] << 8;
		s = (s & 0xffff) + (s >> 16);
	}
	return (uint16_t)s;
}

/* RFC 1071 3: the worked example. */
/* req: 1071-1-a */
TEST(cksum_of_rfc_1071_example)
{
	static const uint8_t p[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
	eq(cksum_fold(cksum_add(0, p, sizeof p)), 0xddf2);
}

/* req: 9293-3.1-b, 1071-1-a */
TEST(cksum_agrees_with_the_model_at_every_length_and_alignment)
{
	static uint8_t buf[70000], dst[70000];
	struct rng r;
	rng_init(&r, 1);
	for (size_t i = 0; i < sizeof buf; i++)
		buf[i] = (uint8_t)rng_u64(&r);
	for (size_t len = 0; len < 300; len++)
		for (size_t at = 0; at < 8; at++) {
			eq(cksum_fold(cksum_add(0, buf + at, len)), model(buf + at, len));
			eq(cksum_fold(cksum_copy(0, dst + 3, buf + at, len)), model(buf + at, len));
			eq_mem(dst + 3, buf + at, len);
		}
	eq(cksum_fold(cksum_add(0, buf + 1, 65535)), model(buf + 1, 65535));
	memset(buf, 0xff, sizeof buf);
	eq(cksum_fold(cksum_add(0, buf, 65535)), model(buf, 65535));
}

TEST(cksum_pieces_at_odd_offsets_add_up)
{
	uint8_t buf[101];
	for (size_t i = 0; i < sizeof buf; i++)
		buf[i] = (uint8_t)(i * 7 + 3);
	for (size_t cut = 0; cut <= sizeof buf; cut++) {
		uint32_t a = cksum_add(0, buf, cut), b = cksum_add(0, buf + cut, sizeof buf - cut);
		eq(cksum_fold(cut & 1 ? cksum_add_odd(a, b) : cksum_fold(a) + cksum_fold(b)), model(buf, sizeof buf));
	}
}

/* req: 1624-2-a */
TEST(cksum_update_matches_summing_again)
{
	struct rng r;
	rng_init(&r, 2);
	for (int i = 0; i < 10000; i++) {
		uint8_t p[20];
		for (size_t k = 0; k < sizeof p; k++)
			p[k] = (uint8_t)rng_u64(&r);
		uint16_t field = cksum_finish(cksum_add(0, p, sizeof p));
		uint16_t was = (uint16_t)(p[4] << 8 | p[5]), is = (uint16_t)rng_u64(&r);
		p[4] = (uint8_t)(is >> 8);
		p[5] = (uint8_t)is;
		eq(cksum_update(field, was, is), cksum_finish(cksum_add(0, p, sizeof p)));
	}
}
