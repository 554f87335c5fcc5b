#ifndef BASE_SEQ_H
#define BASE_SEQ_H
/*
 * Sequence numbers, RFC 9293 3.4: arithmetic modulo 2^32.  A struct, so that `<` on it does not compile.
 * a is before b when the way from a up to b is shorter than half the circle.
 */
#include <stdbool.h>
#include <stdint.h>

typedef struct { uint32_t v; } tcp_seq;

static inline tcp_seq seq_from(uint32_t v) { return (tcp_seq){ v }; }
static inline tcp_seq seq_add(tcp_seq a, uint32_t n) { return (tcp_seq){ a.v + n }; }
static inline tcp_seq seq_sub(tcp_seq a, uint32_t n) { return (tcp_seq){ a.v - n }; }
/** Bytes from a up to b; the caller knows that a =< b. */
static inline uint32_t seq_len(tcp_seq a, tcp_seq b) { return b.v - a.v; }
/** Signed way from a to b: negative when b is before a. */
static inline int32_t seq_diff(tcp_seq a, tcp_seq b) { return (int32_t)(b.v - a.v); }
static inline bool seq_eq(tcp_seq a, tcp_seq b) { return a.v == b.v; }
static inline bool seq_lt(tcp_seq a, tcp_seq b) { return (int32_t)(a.v - b.v) < 0; }
static inline bool seq_le(tcp_seq a, tcp_seq b) { return (int32_t)(a.v - b.v) <= 0; }
static inline bool seq_gt(tcp_seq a, tcp_seq b) { return seq_lt(b, a); }
static inline bool seq_ge(tcp_seq a, tcp_seq b) { return seq_le(b, a); }
static inline tcp_seq seq_max(tcp_seq a, tcp_seq b) { return seq_lt(a, b) ? b : a; }
static inline tcp_seq seq_min(tcp_seq a, tcp_seq b) { return seq_lt(a, b) ? a : b; }
/** Is x in [from, from + len)? */
static inline bool seq_in(tcp_seq x, tcp_seq from, uint32_t len) { return x.v - from.v < len; }

#endif
