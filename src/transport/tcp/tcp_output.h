#ifndef TRANSPORT_TCP_OUTPUT_H
#define TRANSPORT_TCP_OUTPUT_H
/*
 * Sending: what may go now, and what is there to go.  How a segment is made: tcp_segment.h; whether the network takes more: tcp_loss.h.
 */
#include "transport/tcp/tcp_int.h"

/** Sends what may be sent now: retransmissions, new text, FIN, the ACK that is due; then re-arms the timer. */
void tcp_output(struct tcp_tcb *tcb, ol_time now);
/** Behind the last byte queued; the FIN's number. */
tcp_seq tcp_text_end(const struct tcp_tcb *tcb);
/** Sends a window's worth although Nagle or SWS avoidance would wait, or else probes: the persist timer is due. */
void tcp_send_forced(struct tcp_tcb *tcb, ol_time now);
/** Bytes from seq to the end of its record (MSG_EOR), which no segment may cross; UINT32_MAX: there is no end but the queue's. */
uint32_t tcp_record_end(const struct tcp_tcb *tcb, tcp_seq seq);
static inline uint32_t tcp_record_left(const struct tcp_tcb *tcb, tcp_seq seq)
{
	return tcb->records.n ? tcp_record_end(tcb, seq) : UINT32_MAX;
}
/** Bytes queued and not yet sent. */
uint32_t tcp_unsent_bytes(const struct tcp_tcb *tcb);
uint32_t tcp_usable_window(const struct tcp_tcb *tcb);	/* bytes the peer would take beyond SND.NXT */

#endif
