/*
 * TLP.max_ack_delay, RFC 8985 7.2: how much longer a probe waits where one segment alone is outstanding, since its ACK may be
 * delayed.  The RFC leaves the value open; 200 ms for all peers would be twenty round trips on a path of ten
 * milliseconds.  So it is 200 ms until the peer has shown what it does:
 *
 * - A receiver that delays ACKs answers every second segment at the latest (RFC 5681 4.2) and a single one late.  One that has
 *   answered each of the last WORD segments by itself and at once is not delaying.
 * - One that was seen to hold back the ACK of a single segment WORD times is taken to hold back the next one no longer than the
 *   longest of them, and a half.
 *
 * Either may change (Linux acknowledges at once in the beginning, and later not): a probe that proves to have been too early
 * ends what was believed, and the word has to be earned again.
 */
#include "base/check.h"
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_recovery.h"

#define WC_DELACK (200 * OL_MS)		/* the worst case: no receiver in use holds an ACK longer */
#define PROMPT_SLACK (2 * OL_MS)	/* what a scheduler or a clock of milliseconds may add */
#define LEAST_DELAY (5 * OL_MS)		/* for a peer that never delayed: what it does next may take it a moment longer */
enum { WORD = 8 };

void tcp_ack_habit_note(struct tcp_tcb *tcb, const struct tcp_acked *a, ol_time now)
{
	struct tcp_ack_habit *h = &tcb->loss.habit;
	ol_time least = tcb->loss.rack.min_rtt;
	if (!a->una_advanced)
		return;
	if (a->acked_segs != 1 || a->retrans_acked || a->last_acked == OL_NEVER || least <= 0) {
		h->at_once = 0;
		return;
	}
	ol_time held = now - a->last_acked - least;
	if (held <= MAX(least / 4, PROMPT_SLACK)) {
		h->at_once += h->at_once < UINT8_MAX;
		return;
	}
	h->at_once = 0;
	h->held += h->held < UINT8_MAX;
	h->longest = MAX(h->longest, held);
}

void tcp_ack_habit_forget(struct tcp_tcb *tcb)
{
	tcb->loss.habit = (struct tcp_ack_habit){ 0 };
}

ol_time tcp_ack_habit_delay(const struct tcp_tcb *tcb)
{
	const struct tcp_ack_habit *h = &tcb->loss.habit;
	if (h->at_once >= WORD)
		return LEAST_DELAY;
	return h->held >= WORD ? MIN(h->longest + h->longest / 2, WC_DELACK) : WC_DELACK;
}
