#ifndef BASE_BE_H
#define BASE_BE_H
/* Network order exists only as these structs of bytes: no alignment, no packing, no forgotten swap. */
#include <stdint.h>
#include <string.h>

typedef struct { uint8_t b[2]; } be16;
typedef struct { uint8_t b[4]; } be32;

/* A whole word at a time: written byte by byte and read back as a word, it would wait in the store buffer. */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define BE_SWAP16(v) (v)
#define BE_SWAP32(v) (v)
#else
#define BE_SWAP16(v) __builtin_bswap16(v)
#define BE_SWAP32(v) __builtin_bswap32(v)
#endif
static inline uint16_t be16_get(be16 v) { uint16_t x; memcpy(&x, v.b, sizeof x); return BE_SWAP16(x); }
static inline uint32_t be32_get(be32 v) { uint32_t x; memcpy(&x, v.b, sizeof x); return BE_SWAP32(x); }
static inline be16 be16_from(uint16_t v) { be16 x; v = BE_SWAP16(v); memcpy(x.b, &v, sizeof x); return x; }
static inline be32 be32_from(uint32_t v) { be32 x; v = BE_SWAP32(v); memcpy(x.b, &v, sizeof x); return x; }
static inline uint16_t be16_at(const void *p) { be16 v; memcpy(&v, p, sizeof v); return be16_get(v); }
static inline uint32_t be32_at(const void *p) { be32 v; memcpy(&v, p, sizeof v); return be32_get(v); }
static inline void be16_put(void *p, uint16_t v) { be16 x = be16_from(v); memcpy(p, &x, sizeof x); }
static inline void be32_put(void *p, uint32_t v) { be32 x = be32_from(v); memcpy(p, &x, sizeof x); }

#endif
