#ifndef TRANSPORT_PORT_H
#define TRANSPORT_PORT_H
/*
 * Ports: who is bound to what, per protocol, and the choice of ephemeral ones (RFC 6056 algorithm 3: an offset keyed by the
 * two ends, and a counter).  A process is known by address, protocol and port; the rules of SO_REUSEADDR, SO_REUSEPORT and
 * IPV6_V6ONLY are Linux's (socket(7), tested against the host kernel).
 */
#include <stdbool.h>
#include <outlet/ol_addr.h>
#include <outlet/ol_err.h>
#include "base/list.h"
#include "base/rng.h"

struct port_bind {			/* one claim on a port; its storage is the caller's while it is bound */
	struct list node;
	struct ol_endpoint local;	/* addr.ver 0: any address of both families */
	bool v6;			/* an AF_INET6 socket: its any (ver 0 or ::) covers IPv4 too unless v6only */
	bool v6only, reuseaddr, reuseport, listening;
	bool chosen;			/* by port_choose: other connections may share it, each with another peer */
	int ifi;
	uint32_t owner;			/* SO_REUSEPORT joins only the same owner */
};
#define PORT_BUCKETS 1024
struct ports {
	struct list bucket[PORT_BUCKETS];
	uint16_t lo, hi;		/* ephemeral ports, both included */
	struct sipkey key;
	uint32_t next;			/* RFC 6056 3.3.3: next_ephemeral */
	/* Does something that has no claim any more (an orphan, TIME-WAIT) keep this endpoint from whoever reuses nothing? */
	bool (*lingers)(void *ctx, const struct port_bind *b);
	void *ctx;
};

void ports_init(struct ports *p, const uint8_t seed[16], uint16_t lo, uint16_t hi);	/* ip_local_port_range */
/** Binds b to its local endpoint; port 0 chooses an ephemeral one.  OL_ERR_ADDRINUSE. */
enum ol_err port_bind(struct ports *p, struct port_bind *b);
/**
 * Chooses a port for an outgoing connection and binds b to it: may share one whose pair (local, remote) is free, which
 * `busy` answers.  OL_ERR_ADDRNOTAVAIL when the range is exhausted.
 */
enum ol_err port_choose(struct ports *p, struct port_bind *b, const struct ol_endpoint *remote,
			bool (*busy)(void *ctx, const struct ol_endpoint *local), void *ctx);
/** May a bound socket start to listen here, now that b->listening was asked for?  OL_ERR_ADDRINUSE, and it is taken back. */
enum ol_err port_listen(struct ports *p, struct port_bind *b);
void port_release(struct ports *p, struct port_bind *b);

#endif
