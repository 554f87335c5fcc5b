/*
 * What an outsider must not foretell: initial sequence numbers (RFC 6528: a 4 us clock plus a keyed hash of the
 * connection's name) and the origin of its timestamps (RFC 7323 7.1).  The key is the instance's secret.
 */
#include "transport/tcp/tcp_isn.h"

tcp_seq tcp_isn(const struct tcp *tcp, const struct ol_endpoint *local, const struct ol_endpoint *remote, ol_time now)
{
	return seq_from((uint32_t)(now / (4 * OL_US)) + (uint32_t)addr_hash_pair(tcp->key_isn, local, remote));
}

uint32_t tcp_ts_offset(const struct tcp *tcp, const struct ol_endpoint *local, const struct ol_endpoint *remote)
{
	return (uint32_t)addr_hash_pair(tcp->key_ts, local, remote);
}
