#ifndef WIRE_TCP_H
#define WIRE_TCP_H
/* The TCP header as bytes, RFC 9293 3.1, with RFC 9768's AE.  Options are transport/tcp/tcp_option.c's affair. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <outlet/ol_fate.h>
#include "base/be.h"
#include "base/seq.h"

enum {
	TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16, TCP_URG = 32, TCP_ECE = 64, TCP_CWR = 128,
};

struct wire_tcp {			/* as it lies in the packet */
	be16 src, dst;
	be32 seq, ack;
	uint8_t off, flags;		/* off: header length in words, in the high four bits; AE in the lowest */
	be16 wnd, cksum, urp;
};

struct wire_bytes { const uint8_t *p; size_t len; };
struct tcp_seg {			/* the same in host order */
	uint16_t src, dst;
	tcp_seq seq, ack;
	uint8_t flags;
	bool ae;			/* RFC 9768: the flag left of CWR and ECE */
	uint16_t wnd, urp;
	struct wire_bytes opt, text;
};

/** Reads nothing outside [p, p + len).  On OL_PASS *seg borrows from p; otherwise *seg is as it was. */
enum ol_fate wire_tcp_parse(struct tcp_seg *seg, const uint8_t *p, size_t len);
/**
 * Writes the 20 bytes of seg's header; opt_len is a multiple of 4, at most 40.  The checksum field is zero.  Returns their
 * partial checksum (base/cksum.h), made of the values: what was just written is slow to read again.
 */
uint32_t wire_tcp_build(uint8_t *p, const struct tcp_seg *seg, size_t opt_len);
enum { WIRE_TCP_CKSUM = 16 };		/* where the checksum field lies */

/* RFC 9768 3.2.2: AE, CWR and ECE as a number of three bits, ECE the lowest. */
static inline uint8_t wire_tcp_ace(const struct tcp_seg *s) { return (uint8_t)(s->ae << 2 | s->flags >> 6); }
static inline void wire_tcp_set_ace(struct tcp_seg *s, uint8_t ace)
{
	s->ae = ace & 4;
	s->flags = (uint8_t)((s->flags & ~(TCP_CWR | TCP_ECE)) | (ace & 3) << 6);
}

#endif
