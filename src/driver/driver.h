#ifndef DRIVER_DRIVER_H
#define DRIVER_DRIVER_H
/*
 * What the drivers share and programs do not see: chance, assertions, and the headers of a frame as far as a driver looks
 * into them.  Drivers stand outside the stack and use only its public headers, as a program's own driver would.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <outlet/ol_pkt.h>
#include <outlet/ol_stack.h>

#ifndef MIN
#define MIN(a, b) ({ __typeof__(a) a_ = (a); __typeof__(b) b_ = (b); a_ < b_ ? a_ : b_; })
#define MAX(a, b) ({ __typeof__(a) c_ = (a); __typeof__(b) d_ = (b); c_ > d_ ? c_ : d_; })
#endif

/* SplitMix64 (Steele, Lea, Flood 2014): a state of one number, so each kind of chance can have its own. */
static inline uint64_t chance_u64(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}
/** 0 to n - 1, evenly; n > 0. */
static inline uint64_t chance_below(uint64_t *state, uint64_t n)
{
	return (uint64_t)((unsigned __int128)chance_u64(state) * n >> 64);
}
/** True with this probability.  Draws even when it is 0 or 1: what is drawn later must not depend on it. */
static inline bool chance_ppb(uint64_t *state, uint32_t ppb) { return chance_below(state, 1000000000u) < ppb; }

#define ETH_HLEN_ 14u

/* A TCP segment's headers, found and checked. */
struct driver_tcp {
	uint8_t ver;			/* of IP: 4 or 6 */
	uint16_t ip;			/* from data to the IP header ... */
	uint16_t tcp;			/* ... to the TCP header ... */
	uint16_t text;			/* ... and to the first byte of text */
};
/** False: not TCP, a fragment, or its lengths contradict the packet. */
bool driver_tcp_find(const struct ol_pkt *pkt, struct driver_tcp *h);

/** RFC 1071 over bytes in network order; cksum_fold gives host order, not complemented. */
uint64_t driver_cksum_add(uint64_t sum, const uint8_t *p, size_t len);
uint16_t driver_cksum_fold(uint64_t sum);

static inline uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static inline uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static inline void put16(uint8_t *p, uint16_t v) { p[0] = (uint8_t)(v >> 8); p[1] = (uint8_t)v; }
static inline void put32(uint8_t *p, uint32_t v) { put16(p, (uint16_t)(v >> 16)); put16(p + 2, (uint16_t)v); }

#endif
