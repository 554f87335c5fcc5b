#ifndef TRANSPORT_TCP_TCB_H
#define TRANSPORT_TCP_TCB_H
/*
 * The life of a connection, the record of which is in tcp_int.h: how it comes to be and ends, its states, and the sizes that its
 * path and the two ends' options give it.
 */
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_option.h"

enum { TCP_MIN_MSS = 88, TCP_DEFAULT_MSS4 = 536, TCP_DEFAULT_MSS6 = 1220 };

struct tcp_tcb *tcp_tcb_new(struct tcp *tcp, const struct tcp_opts *opts, const struct ol_endpoint *local,
			    const struct ol_endpoint *remote, tcp_seq iss, ol_time now);
/** The window scale to offer, RFC 7323 2.3: what the buffer may grow to must fit. */
uint8_t tcp_choose_wscale(const struct tcp *tcp, const struct tcp_opts *opts);
/** The MSS to announce on this path, RFC 6691. */
uint16_t tcp_adv_mss(const struct tcp_opts *opts, const struct ol_addr *remote, uint32_t mtu);
/** Starts the congestion half: sizes and numbers are known. */
void tcp_start_loss(struct tcp_tcb *tcb, ol_time now);
/** Agreed options of the handshake come into force. */
void tcp_agree(struct tcp_tcb *tcb, const struct tcp_opt *opt);
void tcp_tcb_free(struct tcp_tcb *tcb);
void tcp_enter(struct tcp_tcb *tcb, enum ol_tcp_state state, ol_time now);
/** Ends it: error (or OL_OK) for the user; queues and timers go.  The caller reaps. */
void tcp_enter_closed(struct tcp_tcb *tcb, enum ol_err err, ol_time now);
void tcp_enter_established(struct tcp_tcb *tcb, ol_time now);
/** The receive half starts: RCV.NXT and the window are known. */
void tcp_start_receiving(struct tcp_tcb *tcb, ol_time now);
void tcp_enter_time_wait(struct tcp_tcb *tcb, ol_time now);
void tcp_orphan_fin_wait_2(struct tcp_tcb *tcb, ol_time now);	/* nobody waits for the peer's FIN: not for ever then */
/** Frees a connection that is CLOSED and that no user holds.  True: it is gone. */
bool tcp_reap(struct tcp_tcb *tcb);
void tcp_event(struct tcp_tcb *tcb);
/** Takes it out of the table: another may have its name. */
void tcp_leave_demux(struct tcp_tcb *tcb);
/** Asserts what must hold between calls. */
void tcp_check(const struct tcp_tcb *tcb);
/** Path and sizes anew: after a route changed or ICMP spoke. */
void tcp_sync_mss(struct tcp_tcb *tcb, ol_time now);

#endif
