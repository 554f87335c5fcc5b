#ifndef TRANSPORT_TCP_TIMEWAIT_H
#define TRANSPORT_TCP_TIMEWAIT_H
/* TIME-WAIT: the small record that is left of a connection for 2 MSL. */
#include "transport/tcp/tcp_input.h"

struct tcp_tw {
	struct tcp_node node;			/* aux[0]: ts_ok; aux[1]: rcv_wscale, above it RFC 9768's ACE; aux[2]: TOS */
	struct list fifo;			/* of tcp->tw, by deadline: all live equally long */
	ol_time at;
	tcp_seq snd_nxt, rcv_nxt;
	uint32_t rcv_wnd, ts_recent, ts_offset;
	uint32_t ts_recent_ms;			/* when ts_recent was set; low bits of the clock in ms */
	ol_time answered_at;			/* last answer to something unacceptable */
};
_Static_assert(sizeof(struct tcp_tw) <= 128, "a TIME-WAIT costs next to nothing");

/** *again: the record made way for a new connection, the SYN is to be looked at anew. */
enum ol_fate tcp_tw_input(struct tcp *tcp, struct tcp_tw *tw, struct tcp_in *in, bool *again, ol_time now);
/** May an open of our own take its place (tcp_tw_reuse)? */
bool tcp_tw_reusable(const struct tcp *tcp, const struct tcp_tw *tw, ol_time now);
bool tcp_tw_add(struct tcp_tcb *tcb, ol_time now);
void tcp_tw_expire(struct tcp *tcp, ol_time now);
void tcp_tw_free(struct tcp *tcp, struct tcp_tw *tw);

#endif
