/*
 * RFC 1071.  The sum does not care for the machine's byte order until it is folded (1071 2(B)): words are added as they
 * lie in memory, 32 bits at a time into 64, and swapped once at the end.
 *
 * Long stretches go through vectors of 32 bytes, in the compiler's own notation: it makes of them what the machine has,
 * and where it can, one version for each of several machines, of which the program takes the best when it starts.
 * Copying and summing is one pass: what was loaded is stored and added.
 */
#include "base/cksum.h"
#include "base/be.h"
#include <stdbool.h>
#include <string.h>

/* Several versions need the C library's help (indirect functions), and sanitizers do not bear code that runs so early. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#ifndef __has_attribute
#define __has_attribute(x) 0
#endif
#if defined(__x86_64__) && defined(__GLIBC__) && __has_attribute(target_clones) && !defined(__SANITIZE_ADDRESS__) && \
	!defined(__SANITIZE_THREAD__) && !defined(__clang__)
#define MACHINES __attribute__((target_clones("avx2", "default")))
#else
#define MACHINES
#endif

enum { STRIDE = 128, LONG = 256 };
typedef uint64_t lanes __attribute__((vector_size(32)));
typedef uint64_t anywhere __attribute__((vector_size(32), aligned(1), may_alias));	/* the same, as it lies in memory */

/* To 16 bits: each half added to the other, with the carry going round, stands in the upper one. */
static uint16_t fold64(uint64_t s)
{
	s += s << 32 | s >> 32;
	uint32_t t = (uint32_t)(s >> 32);
	t += t << 16 | t >> 16;
	return (uint16_t)(t >> 16);
}

static uint32_t add_folded(uint32_t sum, uint64_t s)
{
	uint64_t t = (uint64_t)sum + BE_SWAP16(fold64(s));
	return (uint32_t)((t & 0xffffffff) + (t >> 32));
}

/* Adds one vector: its even and odd halves of 32 bits have 64 to grow in, which is enough for 2^32 of them. */
#define ADD(even, odd, v) ((even) += (v) & UINT64_C(0xffffffff), (odd) += (v) >> 32)

/* n is a multiple of STRIDE. */
MACHINES static uint64_t sum_long(const uint8_t *p, size_t n)
{
	lanes even = { 0 }, odd = { 0 }, even2 = { 0 }, odd2 = { 0 };
	for (const uint8_t *end = p + n; p < end; p += STRIDE) {
		const anywhere *from = (const anywhere *)p;
		lanes v0 = from[0], v1 = from[1], v2 = from[2], v3 = from[3];
		ADD(even, odd, v0);
		ADD(even2, odd2, v1);
		ADD(even, odd, v2);
		ADD(even2, odd2, v3);
	}
	even += odd + even2 + odd2;
	return even[0] + even[1] + even[2] + even[3];
}

MACHINES static uint64_t copy_long(uint8_t *d, const uint8_t *p, size_t n)
{
	lanes even = { 0 }, odd = { 0 }, even2 = { 0 }, odd2 = { 0 };
	for (const uint8_t *end = p + n; p < end; p += STRIDE, d += STRIDE) {
		const anywhere *from = (const anywhere *)p;
		anywhere *to = (anywhere *)d;
		lanes v0 = from[0], v1 = from[1], v2 = from[2], v3 = from[3];
		to[0] = v0;
		to[1] = v1;
		to[2] = v2;
		to[3] = v3;
		ADD(even, odd, v0);
		ADD(even2, odd2, v1);
		ADD(even, odd, v2);
		ADD(even2, odd2, v3);
	}
	even += odd + even2 + odd2;
	return even[0] + even[1] + even[2] + even[3];
}

/* Headers and the ends of long stretches: words of 64 bits, whose carries go round, and the last bytes as one more. */
static uint64_t sum_short(const uint8_t *p, size_t n)
{
	uint64_t s = 0, w;
	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&w, p, 8);
		s += w;
		s += s < w;
	}
	if (n >= 4) {
		uint32_t half;
		memcpy(&half, p, 4);
		s += half;
		s += s < half;
		p += 4;
		n -= 4;
	}
	if (n) {
		uint8_t last[4] = { p[0], n > 1 ? p[1] : 0, n > 2 ? p[2] : 0 };
		uint32_t half;
		memcpy(&half, last, 4);
		s += half;
		s += s < half;
	}
	return (s & 0xffffffff) + (s >> 32);
}

uint32_t cksum_add(uint32_t sum, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint64_t s = 0;
	if (len >= LONG) {
		size_t n = len / STRIDE * STRIDE;
		s = fold64(sum_long(p, n));
		p += n;
		len -= n;
	}
	return add_folded(sum, s + sum_short(p, len));
}

uint32_t cksum_copy(uint32_t sum, void *dst, const void *src, size_t len)
{
	uint8_t *d = dst;
	const uint8_t *p = src;
	uint64_t s = 0;
	if (len >= LONG) {
		size_t n = len / STRIDE * STRIDE;
		s = fold64(copy_long(d, p, n));
		d += n;
		p += n;
		len -= n;
	}
	if (len)
		memcpy(d, p, len);
	return add_folded(sum, s + sum_short(p, len));
}

uint32_t cksum_add_odd(uint32_t sum, uint32_t piece)
{
	uint16_t p = cksum_fold(piece);
	uint64_t t = (uint64_t)sum + (uint16_t)(p << 8 | p >> 8);
	return (uint32_t)((t & 0xffffffff) + (t >> 32));
}

uint32_t cksum_pseudo(const struct ol_addr *src, const struct ol_addr *dst, uint8_t proto, uint32_t len)
{
	uint64_t s;
	if (src->ver == 4) {
		uint32_t a, b;
		memcpy(&a, src->b, 4);
		memcpy(&b, dst->b, 4);
		s = (uint64_t)a + b;
	} else {
		s = sum_short(src->b, 16) + sum_short(dst->b, 16);
	}
	return add_folded(0, s) + proto + (len >> 16) + (len & 0xffff);
}

uint16_t cksum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint16_t cksum_update(uint16_t field, uint16_t was, uint16_t is)
{
	return cksum_finish((uint32_t)(uint16_t)~field + (uint16_t)~was + is);
}
