/*
 * RFC 1071.  The sum does not care for the machine's byte order until it is folded (1071 2(B)): words are added as they
 * lie in memory, 32 bits at a time into 64, which compilers turn into vector code, and swapped once at the end.
 */
#include "base/cksum.h"
#include <string.h>

static uint32_t fold64(uint64_t s)
{
	s = (s & 0xffffffff) + (s >> 32);
	s = (s & 0xffffffff) + (s >> 32);
	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	return (uint32_t)s;
}

static uint32_t to_host(uint32_t s16)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap16((uint16_t)((s16 & 0xffff) + (s16 >> 16)));
#else
	return s16;
#endif
}

/* The tail of fewer than four bytes, as a word in memory order. */
static uint32_t tail(const uint8_t *p, size_t n)
{
	uint32_t w = 0;
	memcpy(&w, p, n);
	return w;
}

static uint32_t add_folded(uint32_t sum, uint64_t s)
{
	uint64_t t = (uint64_t)sum + to_host(fold64(s));
	return (uint32_t)((t & 0xffffffff) + (t >> 32));
}

uint32_t cksum_add(uint32_t sum, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint64_t s = 0;
	size_t n = len / 4;
	for (size_t i = 0; i < n; i++) {
		uint32_t w;
		memcpy(&w, p + 4 * i, 4);
		s += w;
	}
	return add_folded(sum, s + tail(p + 4 * n, len & 3));
}

/* Blocks that stay in the first-level cache: the copy brings them in, the sum finds them there. */
uint32_t cksum_copy(uint32_t sum, void *dst, const void *src, size_t len)
{
	enum { BLOCK = 4096 };
	uint8_t *d = dst;
	const uint8_t *s = src;
	while (len > 0) {
		size_t n = len < BLOCK ? len : BLOCK;
		memcpy(d, s, n);
		sum = cksum_add(sum, d, n);
		d += n;
		s += n;
		len -= n;
	}
	return sum;
}

uint32_t cksum_add_odd(uint32_t sum, uint32_t piece)
{
	uint16_t p = cksum_fold(piece);
	uint64_t t = (uint64_t)sum + (uint16_t)(p << 8 | p >> 8);
	return (uint32_t)((t & 0xffffffff) + (t >> 32));
}

uint32_t cksum_pseudo(const struct ol_addr *src, const struct ol_addr *dst, uint8_t proto, uint32_t len)
{
	size_t n = src->ver == 4 ? 4 : 16;
	uint32_t sum = cksum_add(0, src->b, n);
	sum = cksum_add(sum, dst->b, n);
	return sum + proto + (len >> 16) + (len & 0xffff);
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
