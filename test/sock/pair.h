#ifndef TEST_PAIR_H
#define TEST_PAIR_H
/*
 * Two hosts on one wire, in memory and in virtual time: a is 10.0.0.1 and fd00::1, b is 10.0.0.2 and fd00::2, both have lo.
 * Frames take a millisecond.  pair_run lets time pass until nothing is under way or the given milliseconds are over.
 */
#include <netinet/in.h>
#include <outlet/ol_sock.h>
#include <outlet/ol_stack.h>

enum { PAIR_HOSTS = 2, PAIR_IN_FLIGHT = 4096 };
struct pair_host { struct ol_stack *stk; int lo, eth; };
struct pair_frame { struct ol_pkt *pkt; ol_time at; int host, ifi; };
struct pair {
	struct ol_pool *pool;
	struct pair_host h[PAIR_HOSTS];
	struct pair_frame frame[PAIR_IN_FLIGHT];
	unsigned first, n;
	ol_time now;
	uint64_t frames;		/* that crossed the wire */
	bool cut;			/* the wire swallows everything */
	uint8_t last_flags;		/* TCP flags of the last segment on the wire */
};
struct pair *pair_new(const char *settings);	/* "tcp_sack=0,..." or NULL */
void pair_free(struct pair *p);
/** Moves frames and time until all is quiet or ms milliseconds are over; checks both stacks at each step. */
void pair_run(struct pair *p, int ms);

/* Addresses as programs write them; a and b by their IPv4 or IPv6 address, or any. */
struct sockaddr_in in4(const char *addr, uint16_t port);
struct sockaddr_in6 in6(const char *addr, uint16_t port);
#define SA(x) ((struct sockaddr *)&(x)), sizeof(x)

/* An established stream from a to b's listener, family 4 or 6; the listener stays open. */
struct stream { ol_sock listener, client, server; };
struct stream pair_stream(struct pair *p, int family, uint16_t port);

/* Calls with the time filled in. */
#define A(p) ((p)->h[0].stk)
#define B(p) ((p)->h[1].stk)
int pair_opt(struct ol_stack *stk, ol_sock s, int level, int name);			/* an int option's value, or a negated errno */
int pair_setopt(struct pair *p, struct ol_stack *stk, ol_sock s, int level, int name, int v);

#endif
