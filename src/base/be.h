#ifndef BASE_BE_H
#define BASE_BE_H
/* Network order exists only as these structs of bytes: no alignment, no packing, no forgotten swap. */
#include <stdint.h>
#include <string.h>

typedef struct { uint8_t b[2]; } be16;
typedef struct { uint8_t b[4]; } be32;

static inline uint16_t be16_get(be16 v) { return (uint16_t)(v.b[0] << 8 | v.b[1]); }
static inline uint32_t be32_get(be32 v)
{
	return (uint32_t)v.b[0] << 24 | (uint32_t)v.b[1] << 16 | (uint32_t)v.b[2] << 8 | v.b[3];
}
static inline be16 be16_from(uint16_t v) { return (be16){ { (uint8_t)(v >> 8), (uint8_t)v } }; }
static inline be32 be32_from(uint32_t v)
{
	return (be32){ { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v } };
}
static inline uint16_t be16_at(const void *p) { be16 v; memcpy(&v, p, sizeof v); return be16_get(v); }
static inline uint32_t be32_at(const void *p) { be32 v; memcpy(&v, p, sizeof v); return be32_get(v); }
static inline void be16_put(void *p, uint16_t v) { be16 x = be16_from(v); memcpy(p, &x, sizeof x); }
static inline void be32_put(void *p, uint32_t v) { be32 x = be32_from(v); memcpy(p, &x, sizeof x); }

#endif
