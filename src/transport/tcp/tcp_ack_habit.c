/*
 * TLP.max_ack_delay, RFC 8985 7.2: how much longer a probe waits where one segment alone is outstanding, since its ACK may be
 * delayed.  The RFC leaves the value open, and that anything is added; 200 ms for all peers would be twenty round trips on a path of
 * ten milliseconds.  So it depends on what the peer has shown, and on which segment it is:
 *
 * - A receiver that delays ACKs answers every second segment at the latest (RFC 5681 4.2) and a single one late.  One that has
 *   answered each of the last WORD segments by itself and at once is not delaying.
 * - One that was seen to hold back the ACK of a single segment HELD_WORD times is taken to hold back the next one no longer than the
 *   longest of them, and a half.
 * - The last segment of a flight, of whose others the ACKs have come, is probed for without waiting: where it is lost the whole
 *   tail waits, and where it is not one small packet was too many, once.
 * - A segment sent alone to a peer of which nothing is known waits for tcp_tlp_max_ack_delay_us, 200 ms as with Linux: programs
 *   that ask and wait for an answer send nothing else, and the answer carries the ACK.  No delay above it is allowed for, whatever
 *   was seen: with 0 every probe goes after two round trips.
 *
 * What a server has shown is remembered for the next connection to it (tcp_peer.c): its word counts from the beginning then.
 *
 * Any of it may change (Linux acknowledges at once in the beginning, and later not): a probe that proves to have been too early
 * ends what was believed, flights are no exception any more, and the word that has to be earned again is four times as long.
 */
#include "base/check.h"
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_recovery.h"

#define PROMPT_SLACK (2 * OL_MS)	/* what a scheduler or a clock of milliseconds may add */
#define LEAST_DELAY (5 * OL_MS)		/* where no delay is expected: what the peer does next may take it a moment longer */
enum { WORD = 2, HELD_WORD = 8, MAX_WRONG = 3 };

void tcp_ack_habit_begin(struct tcp_tcb *tcb)
{
	const struct tcp_peer *p = tcp_peer_of(tcb);
	if (p && p->prompt)
		tcb->loss.habit = (struct tcp_ack_habit){ .at_once = WORD, .prompt = true };
}

void tcp_ack_habit_keep(struct tcp_tcb *tcb)
{
	const struct tcp_ack_habit *h = &tcb->loss.habit;
	if (tcb->passive || (!h->prompt && !h->wrong))
		return;
	struct tcp_peer *p = h->wrong ? tcp_peer_of(tcb) : tcp_peer_remember(tcb);
	if (p)
		p->prompt = !h->wrong;
}

void tcp_ack_habit_note(struct tcp_tcb *tcb, const struct tcp_acked *a, ol_time now)
{
	struct tcp_ack_habit *h = &tcb->loss.habit;
	ol_time least = tcb->loss.rack.min_rtt;
	if (!a->una_advanced)
		return;
	if (a->acked_segs != 1 || a->retrans_acked || a->last_acked == OL_NEVER || least == OL_NEVER) {	/* of a SYN: never delayed */
		h->at_once = 0;
		return;
	}
	ol_time held = now - a->last_acked - least;
	if (held <= MAX(least / 4, PROMPT_SLACK)) {
		h->at_once += h->at_once < UINT8_MAX;
		h->prompt |= h->at_once == WORD;
		return;
	}
	h->at_once = 0;
	h->held += h->held < UINT8_MAX;
	h->longest = MAX(h->longest, held);
}

void tcp_ack_habit_forget(struct tcp_tcb *tcb)
{
	uint8_t wrong = tcb->loss.habit.wrong;
	tcb->loss.habit = (struct tcp_ack_habit){ .wrong = MIN(wrong + 1, MAX_WRONG) };
}

/* The last segment outstanding was sent while others were: the end of a flight, and not a segment by itself. */
static bool ends_a_flight(const struct tcp_sb *sb)
{
	const struct tcp_sb_rec *r = &sb->rec[sb->first];
	return r->tx.in_flight > r->len;
}

ol_time tcp_ack_habit_delay(const struct tcp_tcb *tcb)
{
	const struct tcp_ack_habit *h = &tcb->loss.habit;
	ol_time most = tcb->loss.cfg->max_ack_delay;
	if (h->at_once >= WORD << 2 * h->wrong)
		return MIN(LEAST_DELAY, most);
	if (h->held >= HELD_WORD)
		return MIN(h->longest + h->longest / 2, most);
	return !h->wrong && ends_a_flight(&tcb->loss.sb) ? MIN(LEAST_DELAY, most) : most;
}
