#ifndef FUZZ_STACK_WORLD_H
#define FUZZ_STACK_WORLD_H
/*
 * What the rooms of fuzz_stack.c share: the input as a script that is read byte by byte, and the stack with what is known
 * of it.  A step that takes `in` reads what it needs from there; where the script has ended it reads zeros.
 */
#include <outlet/ol_sock.h>
#include <outlet/ol_stack.h>
#include <string.h>
#include "base/be.h"
#include "base/check.h"
#include "must.h"

enum { SOCKS = 8, CONNS = 4, ETH = 14, MAX_OUT = 20000 };
enum { TCP_FIN = 1, TCP_SYN = 2 };

struct input { const uint8_t *p; size_t left; };
/* A conversation that the stack has on the wire, as its last segment told it. */
struct conn { int ver; uint16_t ours, theirs; uint32_t snd_nxt, rcv_nxt, tsval; bool ts; };
struct world {
	struct ol_pool *pool;
	struct ol_stack *stk;
	int ifi[2];
	ol_time now;
	ol_sock s[SOCKS];
	struct conn conn[CONNS];
	unsigned n_conns;
	uint8_t last[ETH + 128];	/* the beginning of the last frame sent */
	size_t last_len;
	bool raw;			/* a program made packets of its own */
	uint8_t cookie[18];		/* the newest Fast Open option on a SYN-ACK of ours */
};

static const struct ol_mac our_mac[2] = { { { 2, 0, 0, 0, 0, 1 } }, { { 2, 0, 0, 0, 0, 3 } } };
static const struct ol_mac their_mac = { { 2, 0, 0, 0, 0, 2 } };
static const uint8_t our4[4] = { 10, 0, 0, 1 }, their4[4] = { 10, 0, 0, 2 };
static const uint8_t our6[16] = { 0xfd, [15] = 1 }, their6[16] = { 0xfd, [15] = 2 };
/* The groups that the second socket is in. */
static const uint8_t group4[4] = { 239, 1, 1, 1 }, group6[16] = { 0xff, 5, [15] = 1 };

static inline uint8_t byte(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->p++;
}

static inline uint16_t word(struct input *in)
{
	uint8_t high = byte(in);
	return (uint16_t)(high << 8 | byte(in));
}

static inline size_t take(struct input *in, void *to, size_t len)
{
	len = MIN(len, in->left);
	memcpy(to, in->p, len);
	in->p += len;
	in->left -= len;
	return len;
}

/* ---- what the stack sends: stack_look.c ---- */
uint32_t sum(uint32_t s, const uint8_t *p, size_t len);
/** Takes out and looks at all that the stack has to send; every step ends with it. */
void drain(struct world *w);

/* ---- frames of a peer: stack_peer.c ---- */
void put(struct world *w, const uint8_t *frame, size_t len, int nic, uint8_t csum);
size_t ether(uint8_t *f, int nic, uint16_t type);
void put_syn(struct world *w, struct input *in);
void put_tcp(struct world *w, struct input *in);
void put_datagram(struct world *w, struct input *in);
void put_icmp(struct world *w, struct input *in);
void put_raw(struct world *w, struct input *in);

/* ---- frames of neighbours and routers: stack_around.c ---- */
void put_group(struct world *w, struct input *in);
void put_ip4(struct world *w, struct input *in);
void put_router(struct world *w, struct input *in);

/* ---- what programs and an administrator do: stack_call.c ---- */
extern const char controls[3][80];
void block(struct world *w, struct input *in);
void call(struct world *w, struct input *in);

#endif
