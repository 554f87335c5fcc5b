#ifndef TRANSPORT_TCP_DEMUX_H
#define TRANSPORT_TCP_DEMUX_H
/*
 * The table of what has two endpoints: connections, records of SYN-RECEIVED and of TIME-WAIT.  Each has a struct tcp_node as its
 * first member; the kind tells which it is.
 */
#include <stdbool.h>
#include <stdint.h>
#include <outlet/ol_addr.h>
#include "base/rng.h"

enum tcp_node_kind { TCP_NODE_TCB, TCP_NODE_SYN, TCP_NODE_TW };
struct tcp_node {
	struct tcp_node *next;			/* of one bucket */
	uint32_t hash;
	uint8_t kind;				/* enum tcp_node_kind */
	uint8_t aux[3];				/* the kind's own */
	struct ol_endpoint local, remote;
};
struct tcp_demux {
	struct tcp_node **bucket;
	uint32_t mask, count;
	struct sipkey key;
	struct tcp_node *last;			/* whose segment came last, or NULL */
};
bool tcp_demux_init(struct tcp_demux *d, struct sipkey key);
void tcp_demux_fini(struct tcp_demux *d);
void tcp_demux_add(struct tcp_demux *d, struct tcp_node *n);
void tcp_demux_del(struct tcp_demux *d, struct tcp_node *n);
struct tcp_node *tcp_demux_find(const struct tcp_demux *d, const struct ol_endpoint *local,
		const struct ol_endpoint *remote);

#endif
