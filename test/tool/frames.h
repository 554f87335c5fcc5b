#ifndef TEST_TOOL_FRAMES_H
#define TEST_TOOL_FRAMES_H
/*
 * Synthetic captures: two hosts, a (10.0.0.1:49152, ISN 1000) and b (10.0.0.2:80, ISN 5000), a TCP connection between them,
 * and what each end's capture holds.  Times are milliseconds.
 */
#include <string.h>
#include "base/be.h"
#include "tool/dissect.h"
#include "tool/ladder.h"

struct seg {
	char from;			/* 'a' or 'b' */
	double ms;			/* when it left; < 0: not captured there */
	double flight;			/* ms until it arrived; < 0: it never did */
	uint16_t flags;
	uint32_t seq, ack, len;		/* relative */
	uint16_t wnd;			/* 0: 500; 1: really 0 */
	uint16_t id;			/* IPv4 identification; 0: as an atomic datagram */
	uint32_t sack_from, sack_to;
	uint16_t mss; uint8_t ws;	/* of SYNs; ws is scale + 1 */
	const char *state, *peer_state, *call, *cause, *wire, *fate;
	bool lost;
};

static inline size_t seg_bytes(const struct seg *s, uint8_t *p)
{
	bool a = s->from == 'a';
	size_t opt = (s->mss ? 4u : 0u) + (s->ws ? 4u : 0u) + (s->sack_to ? 12u : 0u), len = 20 + 20 + opt;
	memset(p, 0, len);
	p[0] = 0x45;
	be16_put(p + 2, (uint16_t)(len + s->len));
	be16_put(p + 4, s->id);
	p[8] = 64;
	p[9] = 6;
	be32_put(p + 12, a ? 0x0a000001 : 0x0a000002);
	be32_put(p + 16, a ? 0x0a000002 : 0x0a000001);
	uint8_t *t = p + 20;
	be16_put(t, a ? 49152 : 80);
	be16_put(t + 2, a ? 80 : 49152);
	be32_put(t + 4, (a ? 1000 : 5000) + s->seq);
	be32_put(t + 8, s->flags & DIS_ACK ? (a ? 5000 : 1000) + s->ack : 0);
	t[12] = (uint8_t)((20 + opt) / 4 << 4 | s->flags >> 8);
	t[13] = (uint8_t)s->flags;
	be16_put(t + 14, s->wnd == 1 ? 0 : s->wnd ? s->wnd : 500);
	uint8_t *o = t + 20;
	if (s->mss) {
		o[0] = 2, o[1] = 4;
		be16_put(o + 2, s->mss);
		o += 4;
	}
	if (s->ws) {
		o[0] = 1, o[1] = 3, o[2] = 3, o[3] = (uint8_t)(s->ws - 1);
		o += 4;
	}
	if (s->sack_to) {
		o[0] = 1, o[1] = 1, o[2] = 5, o[3] = 10;
		be32_put(o + 4, (a ? 5000 : 1000) + s->sack_from);
		be32_put(o + 8, (a ? 5000 : 1000) + s->sack_to);
	}
	for (uint32_t i = 0; i < s->len; i++)
		p[len + i] = (uint8_t)(s->seq + i);
	return len + s->len;
}

static inline void add_at(struct ladder *l, const struct seg *s, double ms, const char *host, enum lad_way way, const uint8_t *p, size_t len)
{
	bool left = (s->from == 'a') == (way == LAD_WAY_IN);	/* a router has two interfaces */
	bool out = way == LAD_WAY_OUT && host[0] == s->from;
	bool in = way == LAD_WAY_IN && host[0] != s->from && host[0] != 'r';
	struct lad_frame f = { .time = (ol_time)(ms * OL_MS), .host = host, .iface = host[0] == 'r' && !left ? "eth1" : "eth0", .way = way, .link = OL_LINK_IP, .p = p,
		.cap = len, .len = len, .sock = -1, .state = out ? s->state : in ? s->peer_state : NULL, .call = out ? s->call : NULL,
		.cause = out ? s->cause : NULL, .wire = out ? s->wire : NULL, .lost = out && s->lost, .fate = in ? s->fate : NULL };
	ladder_add(l, &f);
}

/* Captured at both ends, and at router r halfway where via is set. */
static inline void add_seg(struct ladder *l, const struct seg *s, bool via)
{
	static uint8_t p[70000];
	size_t len = seg_bytes(s, p);
	const char *from = s->from == 'a' ? "a" : "b", *to = s->from == 'a' ? "b" : "a";
	if (s->ms >= 0)
		add_at(l, s, s->ms, from, LAD_WAY_OUT, p, len);
	double half = s->flight < 0 ? 1 : s->flight / 2;
	if (via) {
		p[8] = 63;
		add_at(l, s, s->ms + half, "r", LAD_WAY_IN, p, len);
		if (s->flight >= 0)
			add_at(l, s, s->ms + half, "r", LAD_WAY_OUT, p, len);
	}
	if (s->flight >= 0)
		add_at(l, s, s->ms + s->flight, to, LAD_WAY_IN, p, len);
}

#define S DIS_SYN
#define A DIS_ACK
#define P DIS_PSH
#define F DIS_FIN
#define R DIS_RST

static const struct seg handshake[] = {
	{ 'a', 0, 10, S, .seq = 0, .wnd = 64240, .mss = 1460, .ws = 8 },
	{ 'b', 10.1, 10, S | A, .seq = 0, .ack = 1, .wnd = 65160, .mss = 1460, .ws = 8 },
	{ 'a', 20.2, 10, A, .seq = 1, .ack = 1 },
};
static const struct seg goodbye[] = {
	{ 'a', 100, 10, F | A, .seq = 1, .ack = 1 },
	{ 'b', 110.1, 10, A, .seq = 1, .ack = 2 },
	{ 'b', 130, 10, F | A, .seq = 1, .ack = 2 },
	{ 'a', 140.1, 10, A, .seq = 2, .ack = 2 },
};
#define ADD_ALL(l, list) do { for (size_t i_ = 0; i_ < sizeof (list) / sizeof *(list); i_++) add_seg(l, &(list)[i_], false); } while (0)

#endif
