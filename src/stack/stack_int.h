#ifndef STACK_STACK_INT_H
#define STACK_STACK_INT_H
/* What the files of the stack share: the configuration of all floors, and the instance that holds one of each. */
#include <outlet/ol_stack.h>
#include "base/timer.h"
#include "link/link.h"
#include "net/net.h"
#include "sock/sock.h"
#include "transport/tcp/tcp_config.h"

struct ol_config {
	uint8_t seed[16];
	struct link_config link;
	struct net_config net;
	struct tcp_config tcp;
	struct sock_config sock;
};

struct ol_stack {
	struct ol_config cfg;		/* its own copy: floors point into it */
	struct ol_pool *pool;
	struct wheel wheel;		/* every timer of every floor */
	struct link *link;
	struct net *net;
	struct tcp *tcp;
	struct udp *udp;
	struct socks *socks;
	ol_time now;			/* the latest the caller said */
	uint64_t count[OL_FATE_MAX];	/* fates decided here or by a floor that does not count */
};

/** The caller's clock, which never goes back. */
static inline ol_time stack_now(struct ol_stack *stk, ol_time now)
{
	if (now > stk->now)
		stk->now = now;
	return stk->now;
}
/** Errors that arose while sending go to whom they concern (RFC 1122 2.4); what hangs on a lost address ends (RFC 5227 2.4). */
void stack_settle_some(struct ol_stack *stk);
/** What links agreed on with their peers becomes addresses and routes. */
void stack_link_events(struct ol_stack *stk);
static inline void stack_settle(struct ol_stack *stk)
{
	if (link_event_waits(stk->link))
		stack_link_events(stk);
	if (net_error_waits(stk->net) || net_lost_waits(stk->net))
		stack_settle_some(stk);
}

#endif
