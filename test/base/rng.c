/* SipHash against its authors' vectors; the generator against its claims. */
#include "unit.h"
#include "base/rng.h"

/* Appendix A of "SipHash: a fast short-input PRF": key 00..0f, message 00..0e. */
TEST(siphash_gives_the_papers_value)
{
	uint8_t m[15];
	for (uint8_t i = 0; i < 15; i++)
		m[i] = i;
	struct sipkey k = { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) };
	ok(siphash(k, m, 15) == UINT64_C(0xa129ca6149be45e5));
}

TEST(rng_same_seed_same_numbers)
{
	struct rng a, b;
	rng_init(&a, 42);
	rng_init(&b, 42);
	for (int i = 0; i < 1000; i++)
		ok(rng_u64(&a) == rng_u64(&b));
}

TEST(rng_below_is_even)
{
	struct rng r;
	unsigned n[10] = { 0 };
	rng_init(&r, 7);
	for (int i = 0; i < 100000; i++)
		n[rng_below(&r, 10)]++;
	for (int i = 0; i < 10; i++)
		ok(n[i] > 9500 && n[i] < 10500);
}
