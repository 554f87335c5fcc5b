#ifndef TRANSPORT_TCP_TCP_SEGMENT_H
#define TRANSPORT_TCP_TCP_SEGMENT_H
/* How segments are made: of a connection, and those that belong to none.  Which, and when: tcp_output.h. */
#include "transport/tcp/tcp_input.h"
#include "transport/tcp/tcp_option.h"

struct tcp_out {				/* a segment to be made */
	tcp_seq seq;
	uint32_t text;
	uint8_t flags;
	uint8_t ace;			/* of a SYN: RFC 9768's three flags, if not 0 */
	bool fresh;			/* never sent before: RFC 3168 6.1.5 marks only such */
	bool whole;			/* a probe of the path's MTU: larger than the others, and not to be cut */
};
/** False: no memory, nothing went. */
bool tcp_transmit(struct tcp_tcb *tcb, const struct tcp_out *o, ol_time now);

void tcp_send_syn(struct tcp_tcb *tcb, ol_time now);	/* SYN, or SYN-ACK in SYN-RECEIVED; noted as sent or sent again */
/* an answer to a SYN, beside what the retransmission timer does */
void tcp_send_synack(struct tcp_tcb *tcb, ol_time now);
void tcp_send_ack(struct tcp_tcb *tcb, ol_time now);
void tcp_send_rst(struct tcp_tcb *tcb, ol_time now);	/* <SEQ=SND.NXT><CTL=RST,ACK> */
void tcp_send_probe(struct tcp_tcb *tcb, ol_time now);	/* <SEQ=SND.UNA-1>, no text: keepalive and window probes */
/** RFC 9293 3.10.7.1: the reset that answers a segment nobody here wants. */
enum ol_fate tcp_reply_rst(struct tcp *tcp, const struct tcp_in *in, ol_time now);
/** A segment without text that no connection sends. */
struct tcp_bare {
	struct ol_endpoint local, remote;
	tcp_seq seq, ack; uint8_t flags, ace; uint16_t wnd; uint8_t tos, ttl; int ifi;
	uint8_t state, cause;
	struct tcp_opt_out opt;
};
void tcp_send_bare(struct tcp *tcp, const struct tcp_bare *b, ol_time now);

/** RFC 9293 3.8.6.2.2: what the window would be if an ACK went now. */
uint32_t tcp_window(const struct tcp_tcb *tcb);
uint32_t tcp_ts_clock(const struct tcp_tcb *tcb, ol_time now);	/* TSval: a millisecond a tick */
uint32_t tcp_extra_options(const struct tcp_tcb *tcb);	/* bytes beside timestamps that the next text goes with */

#endif
