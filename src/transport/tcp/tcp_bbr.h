#ifndef TRANSPORT_TCP_TCP_BBR_H
#define TRANSPORT_TCP_TCP_BBR_H
/*
 * BBR, what its files share: draft-ietf-ccwg-bbr as of August 2026 (version 3 of the algorithm), with the draft's names less
 * their prefix and its sections.
 *
 *	tcp_cc_bbr.c	5.2 the order of things, 5.6 the control parameters
 *	tcp_bbr_state.c	5.3 the state machine, 5.4 restarting from idle
 *	tcp_bbr_model.c	5.5 the model of the path: bandwidth, round trip, aggregation, what losses teach
 *
 * Rates are bytes a second, volumes bytes, rounds packet-timed round trips.
 */
#include <stdbool.h>
#include <stdint.h>
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_recovery.h"

#define BBR_STARTUP_GAIN 2.77
#define BBR_LOSS_THRESH 0.02
#define BBR_BETA 0.7
#define BBR_HEADROOM 0.15
#define BBR_MIN_RTT_LEN (10 * OL_SEC)
#define BBR_PROBE_RTT_INTERVAL (5 * OL_SEC)
#define BBR_PROBE_RTT_DURATION (200 * OL_MS)
#define BBR_INFINITE UINT64_MAX
enum { BBR_MIN_PIPE = 4, BBR_STARTUP_FULL_LOSSES = 6, BBR_DRAIN_ROUNDS = 3, BBR_RENO_ROUNDS = 63, BBR_EXTRA_ROUNDS = 10 };

enum bbr_state { BBR_STARTUP, BBR_DRAIN, BBR_DOWN, BBR_CRUISE, BBR_REFILL, BBR_UP, BBR_PROBE_RTT, BBR_NO_STATE };
enum bbr_ack_phase { BBR_ACKS_INIT, BBR_ACKS_REFILLING, BBR_ACKS_STARTING, BBR_ACKS_FEEDBACK, BBR_ACKS_STOPPING };

struct bbr_gains { double pacing, cwnd; };
extern const struct bbr_gains bbr_gains[];		/* by state; 5.6.1 */

struct bbr {
	enum bbr_state state;
	enum bbr_ack_phase ack_phase;
	uint32_t random;
	/* 2.9, the model: the filter's two slots are the cycle before and this one */
	uint64_t max_bw_filter[2], bw_shortterm, inflight_shortterm, inflight_longterm;
	/* 2.10 */
	uint64_t bw_latest, inflight_latest;
	uint64_t next_round_delivered, loss_round_delivered, round_count;
	bool round_start, loss_round_start, is_loss_in_round;
	uint32_t loss_ranges;				/* discontiguous ones in this round, 5.3.1.3 */
	tcp_seq last_lost_end;
	/* 2.13, full pipe */
	uint64_t full_bw;
	uint8_t full_bw_count;
	bool full_bw_now, full_bw_reached;
	uint64_t drain_start_round;
	/* 2.14, the cycle */
	ol_time cycle_stamp, bw_probe_wait;
	uint32_t rounds_since_probe_up, bw_probe_up_rounds;
	uint64_t probe_up_acked_per_inc, bw_probe_up_acked;
	bool is_bw_probe_sample, prev_probe_too_high, prev_probe_precautionary;
	/* 2.16, 5.5.7: the round trip without a queue */
	ol_time min_rtt, min_rtt_stamp, probe_rtt_min_delay, probe_rtt_min_stamp, probe_rtt_done_stamp;
	bool probe_rtt_expired, probe_rtt_round_done, idle_restart;
	/* 2.12, ACK aggregation: a windowed maximum by rounds, the best three of it */
	ol_time extra_interval_start;
	uint64_t extra_delivered;
	struct { uint64_t value, round; } extra[3];
	/* 2.15, undo */
	enum bbr_state undo_state;
	uint64_t undo_bw_shortterm, undo_inflight_shortterm, undo_inflight_longterm;
	bool undo_saved;
	/* 5.6.4.4 */
	uint32_t prior_cwnd;
	bool in_episode;				/* something was lost, or ECN said so, and recovery is not over */
};

/** NULL where memory was short: then the window stays what it is. */
static inline struct bbr *bbr_of(struct tcp_tcb *tcb)
{
	struct bbr *b;
	__builtin_memcpy(&b, tcb->loss.cc_state, sizeof b);
	return b;
}

static inline uint64_t bbr_max_bw(const struct bbr *b) { return MAX(b->max_bw_filter[0], b->max_bw_filter[1]); }
static inline uint64_t bbr_bw(const struct bbr *b) { return MIN(bbr_max_bw(b), b->bw_shortterm); }
static inline uint64_t bbr_extra_acked(const struct bbr *b) { return b->extra[0].value; }
static inline bool bbr_in_probe_bw(const struct bbr *b) { return b->state >= BBR_DOWN && b->state <= BBR_UP; }
static inline bool bbr_probing(const struct bbr *b)
{
	return b->state == BBR_STARTUP || b->state == BBR_REFILL || b->state == BBR_UP;
}
static inline uint64_t bbr_min_pipe(const struct tcp_tcb *tcb) { return (uint64_t)BBR_MIN_PIPE * tcb->snd_mss; }

/* ---- tcp_bbr_model.c --------------------------------------------------------------------------------------------- */
/** 5.5.1 StartRound */
void bbr_start_round(struct tcp_tcb *tcb, struct bbr *b);
/** 5.5.10.3: UpdateLatestDeliverySignals and UpdateCongestionSignals; AdvanceLatestDeliverySignals. */
void bbr_update_signals(struct tcp_tcb *tcb, struct bbr *b, const struct tcp_rate_sample *rs);
void bbr_advance_signals(struct bbr *b, const struct tcp_rate_sample *rs);
void bbr_reset_congestion_signals(struct bbr *b);
void bbr_reset_short_term(struct bbr *b);
/** 5.5.9 UpdateACKAggregation */
void bbr_update_aggregation(struct tcp_tcb *tcb, struct bbr *b, const struct tcp_rate_sample *rs, ol_time now);
/** 5.3.4.3 UpdateMinRTT, 5.5.7 */
void bbr_update_min_rtt(struct bbr *b, const struct tcp_rate_sample *rs, ol_time now);
/** 5.5.10.2: IsInflightTooHigh, and HandleLostPacket for record r, just marked. */
bool bbr_inflight_too_high(const struct tcp_tcb *tcb, const struct tcp_rate_sample *rs);
void bbr_note_loss(struct tcp_tcb *tcb, struct bbr *b);
void bbr_lost_packet(struct tcp_tcb *tcb, struct bbr *b, const struct tcp_sb_rec *r, ol_time now);
/** 5.5.11: the state before a loss episode, and the return to it. */
void bbr_save_state(struct tcp_tcb *tcb, struct bbr *b);
void bbr_spurious_loss(struct tcp_tcb *tcb, struct bbr *b);
/** 5.6.4.2: BDPMultiple of a bandwidth; with the budgets, Inflight.  5.3.3.8 TargetInflight; 5.3.3.9 InflightWithHeadroom. */
uint64_t bbr_bdp(const struct tcp_tcb *tcb, const struct bbr *b, uint64_t bw, double gain);
uint64_t bbr_quantization(const struct tcp_tcb *tcb, const struct bbr *b, uint64_t inflight);
uint64_t bbr_inflight(const struct tcp_tcb *tcb, const struct bbr *b, uint64_t bw, double gain);
uint64_t bbr_target_inflight(const struct tcp_tcb *tcb, const struct bbr *b);
uint64_t bbr_with_headroom(const struct tcp_tcb *tcb, const struct bbr *b);

/* ---- tcp_bbr_state.c --------------------------------------------------------------------------------------------- */
/** 5.3.1.2 */
void bbr_reset_full_bw(struct bbr *b);
void bbr_check_full_bw(struct bbr *b, const struct tcp_rate_sample *rs);
/** 5.3.1, 5.3.2: CheckStartupDone, CheckDrainDone. */
void bbr_check_startup(struct tcp_tcb *tcb, struct bbr *b, const struct tcp_rate_sample *rs);
void bbr_check_drain(struct tcp_tcb *tcb, struct bbr *b, ol_time now);
/** 5.3.3.9 UpdateProbeBWCyclePhase, and the two beginnings that losses and their undoing ask for. */
void bbr_update_cycle(struct tcp_tcb *tcb, struct bbr *b, const struct tcp_rate_sample *rs, ol_time now);
void bbr_start_down(struct tcp_tcb *tcb, struct bbr *b, ol_time now);
void bbr_start_refill(struct tcp_tcb *tcb, struct bbr *b);
/** 5.3.4 */
void bbr_check_probe_rtt(struct tcp_tcb *tcb, struct bbr *b, const struct tcp_rate_sample *rs, ol_time now);
/** 5.4 HandleRestartFromIdle, nothing being in flight. */
void bbr_restart_from_idle(struct tcp_tcb *tcb, struct bbr *b, ol_time now);

/* ---- tcp_cc_bbr.c ------------------------------------------------------------------------------------------------ */
/** 5.6.2 SetPacingRateWithGain */
void bbr_set_pacing(struct tcp_tcb *tcb, const struct bbr *b, double gain);
/** 5.6.4.4 SaveCwnd, RestoreCwnd; 5.6.4.5 ProbeRTTCwnd */
void bbr_save_cwnd(struct tcp_tcb *tcb, struct bbr *b);
void bbr_restore_cwnd(struct tcp_tcb *tcb, struct bbr *b);
uint64_t bbr_probe_rtt_cwnd(const struct tcp_tcb *tcb, const struct bbr *b);

#endif
