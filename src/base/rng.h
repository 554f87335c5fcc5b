#ifndef BASE_RNG_H
#define BASE_RNG_H
/*
 * Chance and keyed hashing, all from a configured seed.  rng is xoshiro256** (Blackman, Vigna 2018): fast, not secret.
 * siphash is SipHash-2-4 (Aumasson, Bernstein 2012): for what an outsider must not foretell (ISNs, ports, cookies, tables).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rng { uint64_t s[4]; };
void rng_init(struct rng *r, uint64_t seed);
uint64_t rng_u64(struct rng *r);
uint32_t rng_below(struct rng *r, uint32_t n);		/* 0 to n - 1, evenly; n > 0 */
double rng_unit(struct rng *r);				/* [0, 1) */
bool rng_chance(struct rng *r, double p);		/* true with probability p */

struct sipkey { uint64_t k0, k1; };
uint64_t siphash(struct sipkey key, const void *p, size_t len);
/** A key of its own for each purpose, from one seed. */
struct sipkey sipkey_derive(const uint8_t seed[16], const char *purpose);

#endif
