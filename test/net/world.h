#ifndef TEST_NET_WORLD_H
#define TEST_NET_WORLD_H
/*
 * Hosts of the two lower floors, joined in memory, in virtual time.  Wires are perfect; what comes up from the internet floor
 * is kept for the test to look at.  One pool for all, so that a leak anywhere shows when the world ends.
 */
#include "unit.h"
#include "base/timer.h"
#include "base/timer_kind.h"
#include "link/link.h"
#include "net/net.h"
#include "wire/icmp6.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

enum { MAX_HOSTS = 8, MAX_WIRES = 16, MAX_UP = 256 };

struct up { struct ol_pkt *pkt; struct net_rx rx; };
struct host {
	struct wheel wheel;
	struct link *link;
	struct net *net;
	struct up up[MAX_UP];			/* what was handed to the transports, oldest first */
	int n_up;
	enum ol_fate last;			/* fate of the last frame in */
};
struct wire { int a, ai, b, bi; uint64_t frames; bool cut; bool (*tap)(struct ol_pkt *pkt); };	/* tap: false eats it */
struct world {
	struct ol_pool *pool;
	struct host h[MAX_HOSTS];
	struct wire w[MAX_WIRES];
	int n_host, n_wire;
	ol_time now;
};

void world_new(struct world *w);
void world_end(struct world *w);
/* The defaults, but for what IPv6 would say by itself: nobody is asked for an address of ours, nor for routers. */
struct net_config silent_config(void);
int host_new(struct world *w, const struct net_config *cfg);	/* NULL: silent_config(); with lo as interface 1 */
int iface_new(struct world *w, int host, enum ol_link kind, uint32_t mtu, unsigned features);
struct wire *join(struct world *w, int a, int ai, int b, int bi);
void addr(struct world *w, int host, int ifi, const char *prefix);
void route(struct world *w, int host, const char *prefix, const char *gateway, int ifi);
struct ol_addr ip(const char *text);
/**
 * Two hosts with two routers between them, both families; `all` configures each (NULL: the defaults), the routers forward.
 *
 *	A 10.0.1.2 ---- 10.0.1.1 R 10.0.2.1 ---- 10.0.2.2 S 10.0.3.1 ---- 10.0.3.2 B
 *	  fd00:1::2                fd00:2::1                fd00:3::1
 */
enum { A, R, S, B };
void chain_new(struct world *w, const struct net_config *all, uint32_t middle_mtu, enum ol_link kind, unsigned features);
/** Carries frames until nobody has any. */
void pump(struct world *w);
/** Lets time pass, timer by timer. */
void pass(struct world *w, ol_time ns);
/** Sends len bytes of a pattern from a host; src may be NULL. */
enum ol_fate send_to(struct world *w, int host, const char *src, const char *dst, uint8_t proto, size_t len, uint8_t ttl, bool df);
enum ol_fate ping(struct world *w, int host, const char *dst, size_t len, uint8_t ttl, bool df);
/** Gives a host a raw IP datagram on an interface; returns the fate. */
enum ol_fate give(struct world *w, int host, int ifi, const void *bytes, size_t len, bool to_many);
/** The i-th thing handed up; fails the test when there is none. */
struct up *up(struct world *w, int host, int i);
void forget(struct world *w, int host);
/** The next frame a host would send on ifi, taken from it; NULL: none.  The caller frees it. */
struct ol_pkt *frame(struct world *w, int host, int ifi);

#endif
