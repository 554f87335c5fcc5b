#ifndef SIM_FLOW_H
#define SIM_FLOW_H
/*
 * Traffic: connections whose every byte is known beforehand from a key and its place in the stream, so that whoever receives one
 * can tell at once whether it is the right one.  Both ends are programs of a simulation.
 */
#include "sim.h"

/* How an end goes. */
enum flow_end_by {
	FLOW_SHUTDOWN,			/* sends all, shutdown(SHUT_WR), reads to the end of file, close() */
	FLOW_CLOSE,			/* reads all that is to come, sends all, close() */
	FLOW_ABORT,			/* close() with SO_LINGER 0 in the middle: a reset */
	FLOW_WALK_OFF,			/* close() in the middle, with data unread and unsent */
};

struct flow_spec {
	int client, server;		/* hosts */
	const char *addr;		/* the server's */
	uint16_t port;			/* its listener: flow_listen */
	uint64_t up, down;		/* bytes to the server and to the client */
	uint64_t key;
	enum flow_end_by client_by, server_by;
	bool slow_reader;		/* both read little and late: windows close */
	bool slow_writer;		/* both write in small pieces with pauses */
	bool fast;			/* the client opens by MSG_FASTOPEN: its first bytes may leave with the SYN */
	ol_time start;
	bool may_fail;			/* timing out is no failure (the wire was cut) */
};

struct flows;
/** Everything of one simulation; *done says that all flows are over. */
struct flows *flows_new(struct sim *s);
void flows_free(struct flows *f);
/** A listener; the flows to it say who they are in their first 8 bytes. */
void flow_listen(struct flows *f, int host, const char *addr, uint16_t port, int backlog);
void flow_add(struct flows *f, const struct flow_spec *spec);
const bool *flows_done(struct flows *f);
/** Closes the listeners.  Asserts that each flow ended as it must: all bytes, or an error where an end broke it. */
void flows_finish(struct flows *f);

struct flows_sum { uint64_t flows, complete, broken, failed, bytes; };
struct flows_sum flows_sum(const struct flows *f);

#endif
