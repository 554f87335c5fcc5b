#ifndef TRANSPORT_TCP_TCP_HYSTART_H
#define TRANSPORT_TCP_TCP_HYSTART_H
/* Slow start with an early end, HyStart++, RFC 9406; shared by the window-based congestion controls. */
#include <stdbool.h>
#include <stdint.h>
#include <outlet/ol_time.h>
#include "base/seq.h"

struct tcp_tcb;

struct tcp_hystart {
	ol_time last_min, current_min;	/* lastRoundMinRTT, currentRoundMinRTT; OL_NEVER is the RFC's infinity */
	ol_time css_baseline;		/* cssBaselineMinRtt */
	tcp_seq window_end;
	uint8_t samples, css_rounds;	/* rttSampleCount; rounds in conservative slow start */
	bool in_round, css;
};

void hystart_init(struct tcp_hystart *h);
void hystart_rtt(struct tcp_hystart *h, ol_time rtt);
/** Grows cwnd for `acked` bytes, not past ssthresh.  Returns the bytes left over for congestion avoidance. */
uint32_t hystart_slow_start(struct tcp_tcb *tcb, struct tcp_hystart *h, uint32_t acked);

#endif
