/* xoshiro256** with splitmix64 for seeding, and SipHash-2-4. */
#include "base/rng.h"
#include "base/check.h"
#include <string.h>

static uint64_t rotl(uint64_t x, int k) { return x << k | x >> (64 - k); }

static uint64_t splitmix(uint64_t *x)
{
	uint64_t z = *x += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void rng_init(struct rng *r, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		r->s[i] = splitmix(&seed);
}

uint64_t rng_u64(struct rng *r)
{
	uint64_t *s = r->s, result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
	CHECK(n > 0);
	return (uint32_t)((rng_u64(r) >> 32) * n >> 32);
}

double rng_unit(struct rng *r) { return (double)(rng_u64(r) >> 11) * 0x1p-53; }

bool rng_chance(struct rng *r, double p) { return p > 0 && rng_unit(r) < p; }

#define SIPROUND do { \
	v0 += v1; v1 = rotl(v1, 13); v1 ^= v0; v0 = rotl(v0, 32); \
	v2 += v3; v3 = rotl(v3, 16); v3 ^= v2; \
	v0 += v3; v3 = rotl(v3, 21); v3 ^= v0; \
	v2 += v1; v1 = rotl(v1, 17); v1 ^= v2; v2 = rotl(v2, 32); } while (0)

static uint64_t le64_whole(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

static uint64_t le64(const uint8_t *p, size_t n)
{
	if (n == 8)
		return le64_whole(p);
	uint64_t v = 0;
	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

uint64_t siphash(struct sipkey key, const void *bytes, size_t len)
{
	const uint8_t *p = bytes, *end = p + (len & ~(size_t)7);
	uint64_t v0 = key.k0 ^ UINT64_C(0x736f6d6570736575), v1 = key.k1 ^ UINT64_C(0x646f72616e646f6d);
	uint64_t v2 = key.k0 ^ UINT64_C(0x6c7967656e657261), v3 = key.k1 ^ UINT64_C(0x7465646279746573);
	for (; p < end; p += 8) {
		uint64_t m = le64_whole(p);
		v3 ^= m;
		SIPROUND; SIPROUND;
		v0 ^= m;
	}
	uint64_t b = le64(p, len & 7) | (uint64_t)len << 56;
	v3 ^= b;
	SIPROUND; SIPROUND;
	v0 ^= b;
	v2 ^= 0xff;
	SIPROUND; SIPROUND; SIPROUND; SIPROUND;
	return v0 ^ v1 ^ v2 ^ v3;
}

struct sipkey sipkey_derive(const uint8_t seed[16], const char *purpose)
{
	struct sipkey k = { le64(seed, 8), le64(seed + 8, 8) };
	uint64_t a = siphash(k, purpose, strlen(purpose));
	k.k0 ^= UINT64_C(0x5851f42d4c957f2d);
	return (struct sipkey){ a, siphash(k, purpose, strlen(purpose)) };
}
