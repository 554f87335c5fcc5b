#ifndef TRANSPORT_TCP_STEPS_H
#define TRANSPORT_TCP_STEPS_H
/*
 * What the files that process a segment share: RFC 9293 3.10.7.3 and 3.10.7.4 as steps.
 *
 * A step returns OL_PASS when the next is to look at the segment, else what became of it.  Text that is kept takes the
 * packet with it (in->pkt is NULL then).  CLOSED is entered in a step; whoever called reaps.
 */
#include "base/check.h"
#include "transport/tcp/tcp_input.h"

typedef enum ol_fate tcp_step(struct tcp_tcb *, struct tcp_in *, ol_time);
enum ol_fate tcp_run_steps(tcp_step *const *steps, size_t n, struct tcp_tcb *tcb, struct tcp_in *in, ol_time now);
enum ol_fate tcp_syn_sent(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now);

/* tcp_input.c */
bool tcp_answer_allowed(struct tcp_tcb *tcb, ol_time now);
enum ol_fate tcp_bad_handshake_ack(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now);
bool tcp_ts_recent_void(const struct tcp_tcb *tcb, ol_time now);	/* RFC 7323 5.5: idle too long */
enum ol_fate tcp_paws(const struct tcp_tcb *tcb, const struct tcp_in *in, ol_time now);
uint32_t tcp_seg_len(const struct tcp_in *in);		/* SEG.LEN: text, SYN and FIN */
uint32_t tcp_receive_window(const struct tcp_tcb *tcb);
void tcp_trim(struct tcp_tcb *tcb, struct tcp_in *in);
/** What a reset means to the user in this state. */
enum ol_err tcp_reset_error(const struct tcp_tcb *tcb);

/* tcp_input_ack.c */
tcp_step tcp_step_ack;
void tcp_update_ts_recent(struct tcp_tcb *tcb, const struct tcp_in *in, ol_time now);
/** SND.WND, SND.WL1 and SND.WL2, if the segment is news.  True: the window is another. */
bool tcp_update_window(struct tcp_tcb *tcb, const struct tcp_in *in);
/** The round trip the segment's timestamp tells of, or -1. */
ol_time tcp_ts_rtt(const struct tcp_tcb *tcb, const struct tcp_in *in, ol_time now);
/** The peer lives: keepalive and window probes begin anew. */
void tcp_ack_came(struct tcp_tcb *tcb, ol_time now);
/** All of an acceptable SEG.ACK but what it means for the state. */
void tcp_process_ack(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now);

/* tcp_input_text.c */
tcp_step tcp_step_urg, tcp_step_text, tcp_step_fin;
bool tcp_receives(uint8_t state);
void tcp_measure(struct tcp_tcb *tcb, const struct tcp_in *in, ol_time now);
struct ol_pkt *tcp_take_text(struct tcp_in *in);
void tcp_take_in_order(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now);
/** Text and FIN of the SYN that crossed ours, kept until now; the segment at hand may say some of it again. */
void tcp_take_crossing_text(struct tcp_tcb *tcb, struct tcp_in *in, ol_time now);

#endif
