#ifndef TRANSPORT_TCP_OPTION_H
#define TRANSPORT_TCP_OPTION_H
/* TCP options: as parsed, as they are to go, and what both may be.  RFC 9293 3.1 and 3.2; RFC 2018, 7323, 7413 and 9768. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "transport/tcp/tcp_accecn.h"
#include "transport/tcp/tcp_fastopen.h"
#include "transport/tcp/tcp_sack_block.h"

enum { TCP_HDR_LEN = 20, TCP_OPT_MAX = 40, TCP_OPT_TS_LEN = 12, TCP_MAX_WSCALE = 14 };

struct tcp_opt {				/* what a segment carried */
	bool mss_ok, ws_ok, sack_permitted, ts_ok;
	uint8_t ws;
	uint16_t mss;
	uint32_t tsval, tsecr;
	int n_sack;
	struct tcp_sack_block sack[TCP_MAX_SACK];
	struct tcp_cookie fo;			/* RFC 7413; of a SYN alone */
	const uint8_t *accecn;			/* RFC 9768: the option, from its kind on, which borrows; NULL: none */
};
/** Never fails: a malformed option ends the list, what came before it counts (RFC 9293 3.1 MUST-5 to MUST-7). */
void tcp_opt_parse(struct tcp_opt *opt, const uint8_t *p, size_t len);

struct tcp_opt_out {				/* what a segment is to carry */
	uint16_t mss;				/* SYN: 0 none */
	bool ws_ok, sack_permitted, ts_ok;
	uint8_t ws;
	uint32_t tsval, tsecr;
	int n_sack;
	struct tcp_sack_block sack[TCP_MAX_SACK];
	struct tcp_cookie fo;			/* SYN alone */
	struct tcp_accecn_opt accecn;		/* not on a SYN */
};
/** Writes at most TCP_OPT_MAX bytes, padded to words; returns their number. */
size_t tcp_opt_build(uint8_t *p, const struct tcp_opt_out *opt);
/** The same where timestamps are the only option: TCP_OPT_TS_LEN bytes; returns their partial checksum. */
uint32_t tcp_opt_put_ts(uint8_t *p, uint32_t tsval, uint32_t tsecr);

#endif
