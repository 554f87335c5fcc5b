#ifndef BASE_CKSUM_H
#define BASE_CKSUM_H
/*
 * The Internet checksum, RFC 1071: one's complement sum of 16-bit words.  A partial sum is a plain uint32_t that may be
 * added to others (fold before it can overflow: cksum_add does).  Sums are over bytes in network order, on any machine.
 */
#include <stddef.h>
#include <stdint.h>
#include <outlet/ol_addr.h>

/** Sum of len bytes added to `sum`.  An odd length counts as if a zero byte followed. */
uint32_t cksum_add(uint32_t sum, const void *p, size_t len);
/** The same while copying, in one pass over the memory. */
uint32_t cksum_copy(uint32_t sum, void *dst, const void *src, size_t len);
/** Adds a sum over a piece that begins at an odd offset of the whole (RFC 1071 2(B)). */
uint32_t cksum_add_odd(uint32_t sum, uint32_t piece);
/** The pseudo-header of RFC 9293 3.1, RFC 8200 8.1; len is of the transport header and what follows. */
uint32_t cksum_pseudo(const struct ol_addr *src, const struct ol_addr *dst, uint8_t proto, uint32_t len);
/** The sum folded to 16 bits and not yet complemented: what OL_CSUM_PARTIAL leaves in the field (host order). */
uint16_t cksum_fold(uint32_t sum);
/** What goes into the field (host order).  A sum that includes a right field finishes to 0. */
static inline uint16_t cksum_finish(uint32_t sum) { return (uint16_t)~cksum_fold(sum); }
/** RFC 1624: the field after one 16-bit word of the data changed. */
uint16_t cksum_update(uint16_t field, uint16_t was, uint16_t is);

#endif
