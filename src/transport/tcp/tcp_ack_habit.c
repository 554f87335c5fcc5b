/*
 * TLP.max_ack_delay, RFC 8985 7.2: how much longer a probe waits where one segment alone is outstanding, since its ACK may be
 * delayed.  The RFC leaves the value open, and that anything is added.  Linux adds 200 ms, which is twenty round trips on a path of
 * ten milliseconds.  Here no peer is waited for until it has shown that it holds ACKs back: a lost request is sent again after two
 * round trips, a peer that does delay costs one small packet too many, once, and says so.
 *
 * - A receiver that delays ACKs answers every second segment at the latest (RFC 5681 4.2) and a single one late.  One that has
 *   answered each of the last WORD segments by itself and at once is not delaying.
 * - One that was seen to hold back the ACK of a single segment is waited for as long as tcp_tlp_max_ack_delay_us says, 200 ms as
 *   with Linux; once HELD_WORD were seen, no longer than the longest of them, and a half.
 * - The last segment of a flight, of whose others the ACKs have come, is probed for without waiting all the same: where it is lost
 *   the whole tail waits.
 * - Nobody waits for a FIN that went alone, and a peer that has closed may be slow to answer it: always the setting.
 *
 * No delay above the setting is allowed for, whatever was seen: with 0 every probe goes after two round trips.
 *
 * Any of it may change (Linux acknowledges at once in the beginning, and later not): a probe that proves to have been too early
 * ends what was believed, flights are no exception any more, and the word that has to be earned again is four times as long.  That
 * a server was probed in vain is remembered for the next connection to it (tcp_peer.c), which waits from its first segment on.
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
	tcb->loss.habit.held = p && p->holds_acks;
}

void tcp_ack_habit_keep(struct tcp_tcb *tcb)
{
	const struct tcp_ack_habit *h = &tcb->loss.habit;
	if (tcb->passive || (!h->prompt && !h->wrong))
		return;
	struct tcp_peer *p = h->prompt ? tcp_peer_of(tcb) : tcp_peer_remember(tcb);
	if (p)
		p->holds_acks = !h->prompt;
}

static bool word_kept(const struct tcp_ack_habit *h) { return h->at_once >= WORD << 2 * h->wrong; }

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
		h->prompt |= word_kept(h);
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

static bool fin_alone(const struct tcp_tcb *tcb)
{
	return tcb->fin_sent && tcb->loss.sb.out.bytes == 1;
}

ol_time tcp_ack_habit_delay(const struct tcp_tcb *tcb)
{
	const struct tcp_ack_habit *h = &tcb->loss.habit;
	ol_time most = tcb->loss.cfg->max_ack_delay;
	if (word_kept(h))
		return MIN(LEAST_DELAY, most);
	if (h->held >= HELD_WORD)
		return MIN(h->longest + h->longest / 2, most);
	if (h->wrong)
		return most;
	return ends_a_flight(&tcb->loss.sb) || (!h->held && !fin_alone(tcb)) ? MIN(LEAST_DELAY, most) : most;
}
