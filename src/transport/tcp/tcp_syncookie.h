#ifndef TRANSPORT_TCP_SYNCOOKIE_H
#define TRANSPORT_TCP_SYNCOOKIE_H
/*
 * SYN cookies, RFC 4987 3.6: the record of a half-open connection, kept by the peer: in our ISN and in our timestamp, which
 * the last ACK of the handshake says again.  When one is sent and who may answer with one is the listener's: tcp_listen.c.
 */
#include "transport/tcp/tcp_listen.h"

/**
 * Puts what was agreed on into s->iss and, with timestamps, into the TSval returned, which is a little before ts.  What
 * found no room is agreed on no more.
 */
uint32_t tcp_syncookie_make(struct tcp_synrec *s, uint32_t ts, ol_time now);
/** May one that went at sent_at still be answered?  sent_at 0: none went. */
bool tcp_syncookie_lives(ol_time sent_at, ol_time now);
/** Is this ACK the answer to one?  *s is filled as if it were a SYN; then it is what the record would have been. */
bool tcp_syncookie_open(struct tcp_synrec *s, const struct tcp_in *in, ol_time now);

#endif
