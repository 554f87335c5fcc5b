#ifndef TEST_LINK_PPP_BENCH_H
#define TEST_LINK_PPP_BENCH_H
/*
 * One end of a PPP link, and a hand that plays the other.  Frames are written in hexadecimal from the Protocol field on, blanks
 * do not count: in() gives one, out() says what was sent next, none() that nothing was.
 */
#include "unit.h"
#include "link/ppp.h"

struct bench {
	struct ol_pool *pool;
	struct ppp ppp;
	ol_time now;
	struct { uint8_t b[1600]; size_t len; uint32_t accm; } sent[32];
	unsigned n_sent, n_read;
	uint32_t accm;			/* receiving */
	int net4, net6;			/* up: 1 */
};

static void bench_frame(void *ctx, const uint8_t *p, size_t len, uint32_t accm, ol_time now)
{
	struct bench *b = ctx;
	ok(b->n_sent < 32);
	ok(len <= sizeof b->sent[0].b);
	memcpy(b->sent[b->n_sent].b, p, len);
	b->sent[b->n_sent].accm = accm;
	b->sent[b->n_sent++].len = len;
}

static void bench_agreed(void *ctx, uint32_t accm, uint32_t peer_mru) { ((struct bench *)ctx)->accm = accm; }

static void bench_network(void *ctx, uint8_t ver, bool up, ol_time now)
{
	struct bench *b = ctx;
	*(ver == 4 ? &b->net4 : &b->net6) = up;
}

/* A link that asks for nothing but an empty map of characters, so that what it sends is known. */
static inline struct ppp_config plain(void)
{
	struct ppp_config c = ppp_config_default();
	c.magic = c.pfc = c.acfc = c.vj = c.ipv6 = false;
	return c;
}

static inline void bench_new(struct bench *b, struct ppp_config c)
{
	*b = (struct bench){ .pool = ol_pool_new(0), .now = OL_SEC, .accm = PPP_ACCM_DEFAULT };
	ppp_init(&b->ppp, &c, &(struct ppp_user){ b, bench_frame, bench_agreed, bench_network }, 7);
}

static inline void bench_start(struct bench *b)
{
	ppp_admin(&b->ppp, true, b->now);
	ppp_carrier(&b->ppp, true, b->now);
}

static inline void bench_end(struct bench *b)
{
	eq(b->n_sent, b->n_read);
	ppp_fini(&b->ppp);
	eq(ol_pool_used(b->pool), 0);
	ol_pool_free(b->pool);
}

static inline size_t unhex(const char *hex, uint8_t *out)
{
	size_t n = 0;
	for (; *hex; hex++) {
		unsigned v;
		if (*hex == ' ')
			continue;
		ok(sscanf(hex++, "%2x", &v) == 1);
		out[n++] = (uint8_t)v;
	}
	return n;
}

static inline enum ol_fate in_bytes(struct bench *b, const uint8_t *p, size_t n)
{
	struct ol_pkt *pkt = ol_pkt_from(b->pool, p, n);
	enum ol_fate fate = ppp_input(&b->ppp, pkt, b->now);
	ol_pkt_free(pkt);
	return fate;
}

/* A frame comes, "ff03" before it. */
static inline enum ol_fate in(struct bench *b, const char *hex)
{
	uint8_t p[1700] = { 0xff, 0x03 };
	return in_bytes(b, p, 2 + unhex(hex, p + 2));
}

/* Exactly these bytes, from the address on. */
static inline void out_frame(struct bench *b, const char *hex)
{
	uint8_t want[1700];
	size_t n = unhex(hex, want);
	ok(b->n_read < b->n_sent);
	eq(b->sent[b->n_read].len, n);
	eq_mem(b->sent[b->n_read].b, want, n);
	if (++b->n_read == b->n_sent)
		b->n_read = b->n_sent = 0;
}

static inline void out(struct bench *b, const char *hex)
{
	char whole[3500];
	snprintf(whole, sizeof whole, "ff03 %s", hex);
	out_frame(b, whole);
}

static inline void none(struct bench *b) { eq(b->n_read, b->n_sent); }

static inline void pass(struct bench *b, ol_time ns)
{
	ol_time until = b->now + ns;
	for (ol_time d; (d = ppp_deadline(&b->ppp)) <= until; ) {
		b->now = d > b->now ? d : b->now;
		ppp_expire(&b->ppp, b->now);
	}
	b->now = until;
}

/* LCP Opened: both have asked for what plain() asks, and both agreed. */
static inline void lcp_open(struct bench *b)
{
	bench_start(b);
	out(b, "c021 0101000a 0206 00000000");
	eq(in(b, "c021 0150000a 0206 00000000"), OL_DONE);
	out(b, "c021 0250000a 0206 00000000");
	eq(in(b, "c021 0201000a 0206 00000000"), OL_DONE);
	eq(b->ppp.lcp.state, PPP_OPENED);
}

#define LOCAL4 0x0a090001u
#define PEER4  0x0a090002u
/* And IPCP: 10.9.0.1 here, 10.9.0.2 there. */
static inline void ip_open(struct bench *b)
{
	b->ppp.cfg_local4 = LOCAL4;
	lcp_open(b);
	out(b, "8021 0101000a 0306 0a090001");
	eq(in(b, "8021 0160000a 0306 0a090002"), OL_DONE);
	out(b, "8021 0260000a 0306 0a090002");
	eq(in(b, "8021 0201000a 0306 0a090001"), OL_DONE);
	eq(b->ppp.ipcp.state, PPP_OPENED);
}

#endif
