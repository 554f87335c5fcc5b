#ifndef TEST_TRANSPORT_ACCECN_H
#define TEST_TRANSPORT_ACCECN_H
/* Connections that agreed on Accurate ECN, for the tests of RFC 9768. */
#include "tcp_ladder.h"
#include <linux/tcp.h>

static inline const struct tcp_accecn *acc(struct ladder *l) { return &ladder_tcb(l)->accecn; }
static inline uint32_t ce_told(struct ladder *l)
{
	struct tcp_info ti;
	tcp_info_fill(ladder_tcb(l), &ti, sizeof ti, ladder_now(l));
	return ti.tcpi_delivered_ce;
}

#define SYN_OPTS "<mss 1000,sackOK,nop,nop,nop,wscale 7>"
/* A passive open that agreed; `more` settings, NULL: none. */
static inline struct ladder *agreed(const char *more)
{
	char cfg[120];
	snprintf(cfg, sizeof cfg, "tcp_ecn=3%s%s", more ? "," : "", more ? more : "");
	struct ladder *l = ladder(.cfg = cfg);
	app(l, 0, "listen 5");
	in (l, 0, "SEWA 0:0(0) win 32792 " SYN_OPTS);
	out(l, 0, "S.2 0:0(0) ack 1 [noecn]");
	in (l, 20, ".2 1:1(0) ack 1 win 257 <ECN0 1 0 1>");
	app(l, 0, "accept");
	ok(acc(l)->on && !ladder_tcb(l)->ecn_ok);
	return l;
}

/* An active one; the SYN-ACK has these flags and options. */
static inline struct ladder *opened(const char *synack, const char *opts)
{
	struct ladder *l = ladder(.cfg = "tcp_ecn=3,tcp_timestamps=0");
	app(l, 0, "connect");
	out(l, 0, "SEWA 0:0(0) [noecn]");
	in (l, 20, "%s 0:0(0) ack 1 win 30000 <mss 1000%s>", synack, opts);
	return l;
}

#endif
