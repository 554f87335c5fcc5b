#ifndef TRANSPORT_TCP_TCP_RECOVERY_H
#define TRANSPORT_TCP_TCP_RECOVERY_H
/* What the files of the loss half share behind their seam: what one ACK said, and what each offers the others. */
#include <stdbool.h>
#include <stdint.h>
#include "transport/tcp/tcp_loss.h"

struct tcp_acked {
	const struct tcp_ack_event *ev;
	bool ece;			/* it tells of marks: RFC 3168's flag, RFC 9768's count */
	bool una_advanced;
	bool dup;			/* RFC 5681 2: a duplicate ACK */
	bool data_acked;		/* something not SACKed before was acknowledged cumulatively */
	bool data_sacked;		/* ... selectively */
	/* of what was outstanding when the episode began, something never sent again arrived */
	bool orig_acked;
	bool retrans_acked;		/* something sent again was acknowledged cumulatively */
	bool dsack;			/* the ACK carried a valid DSACK */
	bool dsack_tlp;			/* and it was the tail loss probe's */
	bool lost_retrans;		/* a retransmission was found lost */
	bool reordered;			/* something never sent again arrived below what had been SACKed: from here */
	tcp_seq reordered_at;
	tcp_seq prior_high;		/* highest SACKed before */
	bool prior_high_ok;
	uint32_t acked;			/* bytes SND.UNA advanced */
	uint32_t acked_segs;
	uint32_t delivered, delivered_segs;	/* newly, by ACK or SACK */
	uint32_t sacked_bytes;		/* of them by SACK */
	uint32_t prior_pipe;
	uint64_t prior_lost;		/* C.lost */
	/* when those newly delivered that were sent but once had been sent; OL_NEVER: none */
	ol_time first_acked, last_acked, first_sacked, last_sacked;
	struct tcp_rate_sample rs;
};

/** Reads an ACK onto the scoreboard: DSACK, SACK blocks, the cumulative ACK; and what follows for RACK and rates. */
void tcp_acked_read(struct tcp_tcb *tcb, struct tcp_acked *a, ol_time now);
/** The degree of reordering is at least what this low sequence number, arrived late, shows. */
void tcp_reordering_seen(struct tcp_tcb *tcb, tcp_seq low, tcp_seq high);

/** Text bytes of a full segment; never 0. */
uint32_t tcp_full_segment(const struct tcp_tcb *tcb);
/** RFC 6928 2; RFC 5681 3.1 where a path's segments are large. */
uint32_t tcp_initial_window(const struct tcp_tcb *tcb);
/** As tcp_loss_sent; mss: of each segment in it. */
void tcp_loss_note(struct tcp_tcb *tcb, tcp_seq seq, uint32_t len, uint32_t mss, ol_time now);
/** No sign of congestion: the window stays; the state is one in which what is lost goes out again. */
void tcp_resend_only(struct tcp_tcb *tcb, ol_time now);

/** tcp_loss_timer.c: the RTO runs from now (RFC 6298 5); a tail loss probe is due, if one may go (RFC 8985 7.2). */
void tcp_rto_start(struct tcp_tcb *tcb, ol_time now);
void tcp_tlp_arm(struct tcp_tcb *tcb, ol_time now);

/** tcp_pacing.c: the rate anew; so many bytes went; may none go now? */
void tcp_pacing_update(struct tcp_tcb *tcb);
void tcp_pacing_spend(struct tcp_tcb *tcb, uint32_t len, ol_time now);
bool tcp_pacing_holds(struct tcp_tcb *tcb, ol_time now);

/** RFC 6298: the estimate after a measurement; RTO with its back-off. */
void tcp_rtt_sample(struct tcp_tcb *tcb, ol_time rtt);
void tcp_rtt_ack(struct tcp_tcb *tcb, struct tcp_acked *a, ol_time now);
ol_time tcp_rto_now(const struct tcp_tcb *tcb);

/** What an ACK means for recovery. */
void tcp_recovery_ack(struct tcp_tcb *tcb, struct tcp_acked *a, ol_time now);
/** RFC 8985 7.4: what an ACK means for a probe that is out. */
void tcp_recovery_tlp_ack(struct tcp_tcb *tcb, const struct tcp_acked *a, ol_time now);
/** The reordering timer found something lost. */
void tcp_recovery_reo(struct tcp_tcb *tcb, ol_time now);
/** Record i is thought lost, whether it was in flight for the first time or again: C.lost counts it. */
void tcp_lost(struct tcp_tcb *tcb, uint32_t i, ol_time now);
void tcp_lost_count(struct tcp_tcb *tcb, const struct tcp_sb_rec *r, ol_time now);
/** tcp_sack.c, RFC 6675 without RACK: marks what is lost; a recovery begins; something up to `end` went again (true: the rescue). */
void sack_detect_loss(struct tcp_tcb *tcb, ol_time now);
void sack_recovery_begins(struct tcp_tcb *tcb);
bool sack_resent(struct tcp_tcb *tcb, tcp_seq end);
/**
 * tcp_dupack.c, RFC 6582 without SACK: an ACK is a duplicate; a partial one took the hole and some of what duplicates stood for;
 * marks what is lost.
 */
void dupack_count(struct tcp_tcb *tcb, struct tcp_acked *a);
void dupack_take(struct tcp_tcb *tcb, struct tcp_acked *a);
void dupack_detect_loss(struct tcp_tcb *tcb, const struct tcp_acked *a, ol_time now);
/** tcp_undo.c: an episode begins; its original arrived: Eifel says so, or nothing was sent again in it (pacing held it back). */
void undo_begin(struct tcp_tcb *tcb);
bool undo_was_late(const struct tcp_loss *l, const struct tcp_acked *a);
/** Was the episode a mistake?  Then the window as it was before; unmark: what is marked lost is not. */
bool undo_may(const struct tcp_loss *l, const struct tcp_acked *a);
void undo_reduction(struct tcp_tcb *tcb, bool unmark, ol_time now);
/** The last segment of a record. */
struct tcp_loss_range tcp_last_segment(const struct tcp_tcb *tcb, const struct tcp_sb_rec *r, enum tcp_resend why);
/** A retransmission timeout. */
void tcp_recovery_rto(struct tcp_tcb *tcb, ol_time now);
/** A probe of the path's MTU that is out shall prove nothing: other losses, or a timeout, came between. */
static inline void tcp_recovery_probe_unsure(struct tcp_loss *l, enum tcp_probe_state how)
{
	if (l->probe == TCP_PROBE_OUT || l->probe == TCP_PROBE_MISSED)
		l->probe = (uint8_t)how;
}
/** tcp_loss_mtu.c: is something lost that tells of congestion?  lost_retrans: some of it had been sent again. */
bool tcp_loss_congests(struct tcp_tcb *tcb, bool lost_retrans);
/** Whether SND.UNA has told the probe's end. */
void tcp_recovery_probe_ack(struct tcp_tcb *tcb);
/** PRR, RFC 9937 5: the window for what this ACK delivered. */
void tcp_prr(struct tcp_tcb *tcb, uint32_t delivered, bool safe);
/** ssthresh as it stands, or as a reduction under way will leave it. */
uint32_t tcp_current_ssthresh(const struct tcp_tcb *tcb);
static inline bool tcp_in_reduction(const struct tcp_loss *l)
{
	return l->ca_state == TCP_CAS_CWR || l->ca_state == TCP_CAS_RECOVERY;
}
static inline bool tcp_in_slow_start(const struct tcp_loss *l) { return l->cwnd < l->ssthresh; }

#define TCP_INFINITE_SSTHRESH 0x7fffffffu

#endif
