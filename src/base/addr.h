#ifndef BASE_ADDR_H
#define BASE_ADDR_H
/* Addresses as the floors use them: what <outlet/ol_addr.h> says, and a hash. */
#include <endian.h>
#include <outlet/ol_addr.h>
#include "base/rng.h"

/**
 * A keyed hash over two endpoints: for tables an outsider must not be able to crowd, and for numbers that he must not foretell.
 * Numbers are hashed in one byte order, so that one seed is one run on every machine.
 */
static inline uint64_t addr_hash_pair(struct sipkey key, const struct ol_endpoint *a, const struct ol_endpoint *b)
{
	if (a->addr.ver == 4 && b->addr.ver == 4) {	/* another length, so no pair of IPv6 hashes the same bytes */
		uint8_t four[12];
		__builtin_memcpy(four, a->addr.b, 4);
		__builtin_memcpy(four + 4, b->addr.b, 4);
		uint16_t ports[2] = { htole16(a->port), htole16(b->port) };
		__builtin_memcpy(four + 8, ports, sizeof ports);
		return siphash(key, four, sizeof four);
	}
	struct { uint8_t a[16], b[16]; uint16_t pa, pb; uint32_t sa, sb; } k;
	__builtin_memset(&k, 0, sizeof k);
	__builtin_memcpy(k.a, a->addr.b, 16);
	__builtin_memcpy(k.b, b->addr.b, 16);
	k.pa = htole16(a->port);
	k.pb = htole16(b->port);
	k.sa = htole32(a->addr.scope);
	k.sb = htole32(b->addr.scope);
	return siphash(key, &k, sizeof k);
}

#endif
