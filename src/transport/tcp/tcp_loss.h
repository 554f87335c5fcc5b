#ifndef TRANSPORT_TCP_TCP_LOSS_H
#define TRANSPORT_TCP_TCP_LOSS_H
/*
 * The seam between TCP's core (states, queues, timers' node) and loss detection, recovery and congestion control.
 *
 * Who does what.  The core decides what a segment looks like and whether the peer's window takes it; this side decides
 * when sequence space may go out, or go out again.  It keeps a scoreboard of all that is outstanding, the RTT estimate
 * and RTO (RFC 6298), the congestion window, and the deadlines of RTO, TLP, the reordering timer and pacing.
 *
 * How the core drives it:
 *	open      tcp_loss_init; then tcp_loss_room before, tcp_loss_sent after each SYN; tcp_loss_established.
 *	output    while tcp_loss_next gives a range: send it or its beginning, tcp_loss_resent.  Then new data, at most
 *	          tcp_loss_quota bytes at a time, each piece told by tcp_loss_sent.  Where that ended for want of text or of
 *	          the peer's window, tcp_loss_last_resort like tcp_loss_next.  tcp_loss_stopped says why it ended.
 *	ACK       set SND.UNA and SND.WND, then tcp_loss_ack, then output.
 *	timer     tcp_loss_deadline is one of the deadlines the core's node waits for; when due, tcp_loss_expire, then
 *	          output.  Giving up (R2, user timeout, SYN retries) is the core's: it looks at loss.backoff first.
 * Lengths count sequence space: SYN and FIN take one each and lie in the scoreboard like text.
 *
 * Fields of struct tcp_tcb used here: snd_una, snd_nxt, snd_wnd, snd_mss (text bytes of a full segment now), srtt_ns,
 * rttvar_ns, rto_ns, sack_ok, ts_ok, loss, and snd_cut (text bytes of each segment but the last of what is being told;
 * 0: snd_mss).  This side writes srtt_ns, rttvar_ns, rto_ns and loss, and no other.
 * tcb->snd_nxt is advanced by the core before or after tcp_loss_sent, as it likes.
 */
#include <stdbool.h>
#include <stdint.h>
#include <outlet/ol_time.h>
#include "base/seq.h"
#include "transport/tcp/tcp_ack_habit.h"
#include "transport/tcp/tcp_cc.h"
#include "transport/tcp/tcp_cwv.h"
#include "transport/tcp/tcp_rack.h"
#include "transport/tcp/tcp_rate.h"
#include "transport/tcp/tcp_sack_block.h"
#include "transport/tcp/tcp_sb.h"

struct tcp_tcb;
struct tcp_info;
struct tcp_accecn_echo;

/* Settings, by Linux's names; the core fills one per stack from its configuration and it outlives the connections. */
struct tcp_loss_cfg {
	ol_time rto_min, rto_max, rto_initial;	/* 200 ms, 120 s, 1 s */
	ol_time max_ack_delay;			/* tcp_tlp_max_ack_delay_us: of a peer that holds ACKs back, RFC 8985 7.2; 200 ms */
	uint32_t initial_cwnd;			/* segments, RFC 6928; 10 */
	uint32_t reordering, max_reordering;	/* tcp_reordering 3, tcp_max_reordering 300 */
	uint32_t limit_cwnd;			/* bytes no window exceeds (tcp_loss_cfg_default: 1 GiB) */
	bool slow_start_after_idle;		/* tcp_slow_start_after_idle; RFC 5681 4.1 */
	bool rack;				/* tcp_recovery bit 0: RFC 8985; off: RFC 6675's IsLost */
	bool tlp;				/* tcp_early_retrans: RFC 8985 7 */
	bool frto;				/* tcp_frto: RFC 5682 */
	bool moderate_cwnd_on_undo;		/* an undone window is held to what is in flight and a little */
	bool cwv;				/* tcp_cwv: RFC 7661 in place of RFC 2861 */
	bool hystart;				/* RFC 9406 in place of CUBIC's and Reno's plain slow start */
	bool pace_all;				/* pace every congestion control, not only those that ask for it */
	uint16_t pace_ss, pace_ca;		/* percent of cwnd a round trip, in slow start and after: 200, 120 */
};
struct tcp_loss_cfg tcp_loss_cfg_default(void);

/* Linux's names and numbers, for TCP_INFO. */
enum tcp_cas { TCP_CAS_OPEN, TCP_CAS_DISORDER, TCP_CAS_CWR, TCP_CAS_RECOVERY, TCP_CAS_LOSS };

/* Why a range goes out again. */
enum tcp_resend { TCP_RESEND_FAST, TCP_RESEND_RTO, TCP_RESEND_TLP };
struct tcp_loss_range { tcp_seq seq; uint32_t len; enum tcp_resend why; };

/*
 * A probe of the path's MTU (RFC 4821), from sending to its result.  MISSED: it alone is thought lost, which is no sign of
 * congestion; the result stands when all that was out at that moment is acknowledged and nothing else was lost.
 */
enum tcp_probe_state { TCP_PROBE_NONE, TCP_PROBE_OUT, TCP_PROBE_MISSED,
	TCP_PROBE_ARRIVED, TCP_PROBE_LOST, TCP_PROBE_UNSURE, TCP_PROBE_TIMEOUT };
enum tcp_probe_room { TCP_PROBE_NOT_NOW, TCP_PROBE_WAITS, TCP_PROBE_GO };

enum tcp_loss_timer { TCP_LOSS_NONE, TCP_LOSS_RTO, TCP_LOSS_TLP, TCP_LOSS_REO, TCP_LOSS_PACING };

/* What an acceptable ACK said.  Blocks borrow; they are in the order of the option, not checked in any way. */
struct tcp_ack_event {
	tcp_seq ack;			/* SEG.ACK; =< SND.NXT; may be old (before prior_una) */
	tcp_seq prior_una;		/* SND.UNA before this segment */
	const struct tcp_sack_block *sack;
	unsigned n_sack;
	bool ece;			/* ECE set, and ECN was agreed on */
	const struct tcp_accecn_echo *echo;	/* what RFC 9768 has in its place; NULL: nothing */
	bool text;			/* the segment carried text, SYN or FIN: it is no duplicate ACK (RFC 5681 2) */
	bool wnd_update;		/* it changed SND.WND: likewise */
	bool has_ts;			/* timestamps are in use and this one had one */
	uint32_t tsecr;			/* TSecr, in our own ticks */
	ol_time ts_rtt_ns;		/* now less the tick of TSecr; -1 unknown */
	bool new_ready;			/* unsent text waits, and the peer's window takes some of it */
};

struct tcp_loss {
	const struct tcp_loss_cfg *cfg;
	struct tcp_sb sb;
	struct tcp_rack rack;
	struct tcp_ack_habit habit;
	struct tcp_rate rate;
	const struct tcp_cc_ops *cc;
	uint64_t cc_state[TCP_CC_STATE_WORDS];

	/* windows, bytes */
	uint32_t cwnd, ssthresh;
	uint32_t prior_cwnd, prior_ssthresh;	/* before the reduction, for undo; prior_ssthresh 0: nothing to undo */
	uint32_t cwnd_used;			/* most in flight while the application was the limit, RFC 2861 */
	uint32_t max_flight;			/* most outstanding in the window that ends at max_flight_end */
	tcp_seq max_flight_end;
	ol_time cwnd_stamp, last_sent;
	ol_time emptied_at;			/* an ACK left nothing outstanding */
	bool cwnd_limited;
	struct tcp_cwv cwv;

	/* recovery */
	uint8_t ca_state;			/* enum tcp_cas */
	uint8_t backoff;			/* retransmission timeouts since the last progress: for R1, R2 */
	uint8_t rto_shift;			/* RFC 6298 5.5: doublings of RTO, until a round trip is measured */
	uint8_t syn_retrans;			/* times the SYN was sent again; of a passive open the core tells */
	bool established;
	bool frto, frto_new;			/* F-RTO under way; it asked for new text */
	bool reneging;				/* the RTO was brought forward since SND.UNA lies on SACKed text */
	bool cwr_due;				/* RFC 3168 6.1.2 */
	bool ece_floor;				/* the reduction goes to one segment, RFC 9438 4.6 */
	bool ece_hold;				/* and at one: nothing goes before pacing_at */
	uint8_t ece_run;			/* how often in a row that was */
	bool undo_valid;			/* undo_marker is set */
	bool rexmit_ts_ok;
	uint32_t rexmit_ts;			/* our timestamp on the first retransmission of this episode: Eifel */
	tcp_seq recovery_point;			/* RecoveryPoint: SND.NXT when the episode began */
	tcp_seq undo_marker;			/* SND.UNA when it began */
	int64_t undo_retrans;			/* segments sent again in it, not shown needless; -1: none yet */
	uint32_t dupacks;			/* RFC 5681, without SACK: segments that duplicate ACKs stand for */
	uint32_t reordering;			/* segments: the reordering seen, at least the configured */
	uint32_t reord_seen;

	/* RFC 6675, where RACK is off; the ends of what its variables name */
	tcp_seq lost_below;			/* IsLost() was answered up to here */
	tcp_seq high_rxt, rescue_rxt;		/* HighRxt, RescueRxt; of a recovery */
	bool rescuing;				/* what goes next is the rescue, rule (4) */

	/* tail loss probe, RFC 8985 7 */
	bool tlp_out, tlp_retrans;		/* TLP.end_seq is set; the probe was a retransmission */
	bool tlp_new, tlp_again;		/* a probe is due: of new text, of old */
	bool tlp_stale;				/* no round trip was measured since the last probe */
	tcp_seq tlp_end;			/* TLP.end_seq */

	/* probe of the path's MTU, RFC 4821 */
	uint8_t probe;				/* enum tcp_probe_state */
	tcp_seq probe_from, probe_to;
	tcp_seq probe_until;			/* MISSED: SND.NXT then */

	/* PRR, RFC 9937; bytes */
	uint32_t recover_fs, prr_delivered, prr_out;

	/* deadlines, OL_NEVER: not running */
	ol_time rto_at, tlp_at, reo_at, pacing_at;
	bool pacing_held;			/* pacing was what held output back */

	/* since birth, for TCP_INFO and the state tables */
	uint64_t segs_sent, segs_retrans, bytes_retrans, segs_delivered, segs_delivered_ce;
	uint32_t n_rto, n_fast, n_tlp, n_undo, n_spurious_rto, n_dsack;
};

/** Starts with nothing outstanding.  Chooses the congestion control by name (NULL, "" or unknown: CUBIC). */
void tcp_loss_init(struct tcp_tcb *tcb, const struct tcp_loss_cfg *cfg, const char *cc, ol_time now);
void tcp_loss_fini(struct tcp_tcb *tcb);
/** TCP_CONGESTION on a living connection; false: no such name. */
bool tcp_loss_set_cc(struct tcp_tcb *tcb, const char *name, ol_time now);

/** Is there room to note one more transmission?  Ask before a SYN or FIN; quota and next have asked for themselves. */
bool tcp_loss_room(struct tcp_tcb *tcb);
/** [seq, seq + len) went out for the first time; seq is where the last such range ended. */
void tcp_loss_sent(struct tcp_tcb *tcb, tcp_seq seq, uint32_t len, ol_time now);
/** May a segment of len bytes, larger than the others, go?  WAITS: when some of what is in flight has been acknowledged. */
enum tcp_probe_room tcp_loss_probe_room(struct tcp_tcb *tcb, uint32_t len, ol_time now);
/** As tcp_loss_sent, of such a segment. */
void tcp_loss_probe_sent(struct tcp_tcb *tcb, tcp_seq seq, uint32_t len, ol_time now);
/** How it went: a state from ARRIVED on is told once. */
enum tcp_probe_state tcp_loss_probe_result(struct tcp_tcb *tcb);
/** [seq, seq + len) went out again, len not above what was given.  tsval: the timestamp it carried, or 0. */
void tcp_loss_resent(struct tcp_tcb *tcb, tcp_seq seq, uint32_t len, uint32_t tsval, ol_time now);
/** The handshake is over: cwnd gets its initial value, RFC 6928, and RFC 6298 5.7 is kept. */
void tcp_loss_established(struct tcp_tcb *tcb, ol_time now);
/** Our SYN or SYN-ACK came marked: as after one that was lost, a window of one segment (RFC 5681 3.1). */
void tcp_loss_handshake_marked(struct tcp_tcb *tcb);
/** A round trip measured outside the scoreboard (a handshake without a tcb). */
void tcp_loss_rtt(struct tcp_tcb *tcb, ol_time rtt_ns, ol_time now);

/** An acceptable ACK (also a duplicate or old one).  Call with tcb's SND.UNA and SND.WND already those after it. */
void tcp_loss_ack(struct tcp_tcb *tcb, const struct tcp_ack_event *ev, ol_time now);

/**
 * The next range to send again now, its beginning not before SND.UNA; false: none, or none allowed yet.  `len` may be
 * many segments; what is sent of it and told by tcp_loss_resent must be whole segments from its start, or all.
 */
bool tcp_loss_next(struct tcp_tcb *tcb, struct tcp_loss_range *out, ol_time now);
/**
 * RFC 6675 4, NextSeg() rules (3) and (4), where RACK is off: nothing is known to be lost and there is no new text to send, but
 * in a recovery some may go again on suspicion, so that ACKs keep coming.  False: none.
 */
bool tcp_loss_last_resort(struct tcp_tcb *tcb, struct tcp_loss_range *out, ol_time now);
/**
 * Bytes of new text that may go out now; a FIN alone needs no quota.  0 when scoreboard, window, PRR or pacing say no.
 */
uint32_t tcp_loss_quota(struct tcp_tcb *tcb, ol_time now);
/** Bytes that one super-segment should have at most, a multiple of the segment size: little where sending is paced. */
uint32_t tcp_loss_tso_goal(const struct tcp_tcb *tcb);

/* Why output came to its end. */
enum tcp_stop { TCP_STOP_APP, TCP_STOP_CWND, TCP_STOP_RWND, TCP_STOP_OTHER };
/** `more`: text still waits in the send queue. */
void tcp_loss_stopped(struct tcp_tcb *tcb, enum tcp_stop why, ol_time now);

/** The earliest deadline of this side, OL_NEVER for none.  A deadline reached stays until tcp_loss_expire. */
ol_time tcp_loss_deadline(const struct tcp_tcb *tcb, enum tcp_loss_timer *kind);
/**
 * Does what is due.  new_ready: unsent text waits and the peer's window takes some of it (a probe may then be new text,
 * which tcp_loss_quota allows).  Returns what was due, TCP_LOSS_NONE for nothing.
 */
enum tcp_loss_timer tcp_loss_expire(struct tcp_tcb *tcb, bool new_ready, ol_time now);

/**
 * What is outstanding, all handed over at once, left this host at `at` only, since the neighbour's link address was asked for first:
 * RFC 6298 measures the path and not ARP.  Times before it was handed over, and after now, are no news.
 */
void tcp_loss_left(struct tcp_tcb *tcb, ol_time at, ol_time now);

/** A tail loss probe is due, but the last segment has not left this host: no probe then, the RTO runs from now. */
void tcp_loss_tlp_later(struct tcp_tcb *tcb, ol_time now);
/**
 * The path takes smaller segments: RFC 1191 6.5 and RFC 8201 5.4 leave the congestion window as it is, which is "always a
 * multiple of the segment size"; as on Linux it stays as many segments as it was.
 */
void tcp_loss_keep_segments(struct tcp_tcb *tcb, uint32_t was_mss);
/** SND.MSS shrank because of path MTU: what is longer counts as lost, without a congestion response (RFC 1191 6.5). */
void tcp_loss_mtu_shrunk(struct tcp_tcb *tcb, ol_time now);
/** The handshake is over, and the peer took not all of the text that went with the SYN: it goes again now, RFC 7413 4.2.2. */
void tcp_loss_syn_text(struct tcp_tcb *tcb, ol_time now);
/** ICMP unreachable took back a backoff, RFC 6069: the RTO runs from the head's transmission again. */
void tcp_loss_revert_rto(struct tcp_tcb *tcb, ol_time now);

/** CWR must be set on the next segment of new text (RFC 3168 6.1.2); told when it was. */
static inline bool tcp_loss_cwr_due(const struct tcp_loss *l) { return l->cwr_due; }
static inline void tcp_loss_cwr_sent(struct tcp_loss *l) { l->cwr_due = false; }

/** Bytes a second to which sending is paced, 0: not.  The earliest time at which the next segment may go. */
uint64_t tcp_loss_pacing_rate(const struct tcp_tcb *tcb);
ol_time tcp_loss_pacing_next(const struct tcp_tcb *tcb);
/** SO_MAX_PACING_RATE; 0: none. */
void tcp_loss_set_max_pacing(struct tcp_tcb *tcb, uint64_t bytes_a_second);

/** Bytes thought to be in the network: RFC 6675's pipe. */
uint32_t tcp_loss_pipe(const struct tcp_tcb *tcb);
/** Fills this side's fields of a <linux/tcp.h> struct tcp_info. */
void tcp_loss_info(const struct tcp_tcb *tcb, struct tcp_info *info, ol_time now);
/** Asserts what must always hold. */
void tcp_loss_check(const struct tcp_tcb *tcb);

#endif
