#ifndef TAP_SHA256_H
#define TAP_SHA256_H
/* SHA-256, FIPS 180-4: to compare gigabytes that nobody keeps. */
#include <stddef.h>
#include <stdint.h>
struct sha256 { uint32_t h[8]; uint64_t len; uint8_t block[64]; };
void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *p, size_t len);
void sha256_end(struct sha256 *s, uint8_t out[32]);
#endif
