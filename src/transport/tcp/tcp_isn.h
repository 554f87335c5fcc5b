#ifndef TRANSPORT_TCP_ISN_H
#define TRANSPORT_TCP_ISN_H
/* Numbers that an outsider must not foretell: RFC 6528, RFC 7323 7.1.  They hang on the connection's name and the instance's secret. */
#include "transport/tcp/tcp_int.h"

/** Where a connection of this name begins now. */
tcp_seq tcp_isn(const struct tcp *tcp, const struct ol_endpoint *local, const struct ol_endpoint *remote, ol_time now);
/** The origin of its timestamps. */
uint32_t tcp_ts_offset(const struct tcp *tcp, const struct ol_endpoint *local, const struct ol_endpoint *remote);

#endif
