/*
 * SYN cookies, RFC 4987 3.6: a listener that keeps nothing of its SYNs, told a story of SYNs, of ACKs that answer its cookies exactly,
 * late, or nearly, and of time.  It must open a connection for each exact answer in time (two periods of 64 s at most, one at
 * least), with the options of the SYN as far as timestamps carry them and an MSS not above the peer's; and for no other:
 * not for a number nearby, from another port, or too late (but for luck).
 */
#include <linux/tcp.h>
#include "base/check.h"
#include "lone.h"
#include "story.h"

enum { PEERS = 8, STEPS = 200, FIRST_PORT = 5000, INDEXES = 8, PERIOD_S = 64 };

struct peer {				/* what it asked for, and was answered last */
	bool asked, ts, sack, ws, taken;
	uint8_t wscale;
	uint16_t mss;
	uint32_t seq, cookie, tsval;
	ol_time at;
};
struct world { struct lone host; struct peer peer[PEERS]; int guessed; };

/* SYN-ACKs are noted; the rest (resets) is not our subject. */
static void drain(struct world *w)
{
	for (struct ol_pkt *p; (p = lone_synack(&w->host)); ol_pkt_free(p)) {
		const uint8_t *t = p->data + 20, *ts = lone_option(t, 8);
		unsigned i = be16_at(t + 2) - (unsigned)FIRST_PORT;
		must(i < PEERS && be32_at(t + 8) == w->peer[i].seq + 1);
		w->peer[i].cookie = be32_at(t + 4);
		if (ts)
			w->peer[i].tsval = be32_at(ts + 2);
	}
}

static void syn(struct world *w, struct story *s, unsigned i)
{
	uint8_t how = byte(s), opt[24], n = 0;
	struct peer *p = &w->peer[i];
	if (p->taken)
		return;				/* a SYN within a connection is another story */
	*p = (struct peer){ .asked = true, .ts = how & 1, .sack = how & 2, .ws = how & 4, .wscale = byte(s) % 15, .mss = 536,
		.seq = (uint32_t)byte(s) << 24 | byte(s), .at = w->host.now };
	if (how & 8) {
		p->mss = (uint16_t)(byte(s) << 8 | byte(s));
		p->mss += p->mss == 0;
		memcpy(opt, (uint8_t[]){ 2, 4, (uint8_t)(p->mss >> 8), (uint8_t)p->mss }, 4);
		n = 4;
	}
	if (p->ts) {
		memcpy(opt + n, (uint8_t[]){ 1, 1, 8, 10, 0, 0, 1, 0, 0, 0, 0, 0 }, 12);
		n = (uint8_t)(n + 12);
	}
	memcpy(opt + n, (uint8_t[]){ 1, p->sack ? 4 : 1, p->sack ? 2 : 1, 1 }, 4);
	n = (uint8_t)(n + 4);
	memcpy(opt + n, (uint8_t[]){ p->ws ? 3 : 1, p->ws ? 3 : 1, p->ws ? p->wscale : 1, 1 }, 4);
	n = (uint8_t)(n + 4);
	lone_give(&w->host, &(struct lone_seg){ .host = 2, .port = (uint16_t)(FIRST_PORT + i), .seq = p->seq, .flags = TCP_SYN, .opt = opt, .n_opt = n });
	drain(w);
	must(p->cookie != 0);
}

static void judge_options(struct world *w, ol_sock c, const struct peer *p)
{
	struct tcp_info ti = { 0 };
	socklen_t len = sizeof ti;
	must(ol_getsockopt(w->host.stk, c, IPPROTO_TCP, TCP_INFO, &ti, &len, w->host.now) == 0);
	uint32_t least = p->mss < 536 ? 48 : 536, mss = ti.tcpi_snd_mss + (p->ts ? 12 : 0);
	must(mss >= least && (mss <= p->mss || mss <= 48));
	must(!!(ti.tcpi_options & TCPI_OPT_TIMESTAMPS) == p->ts);
	must(!!(ti.tcpi_options & TCPI_OPT_SACK) == (p->ts && p->sack));
	must(!!(ti.tcpi_options & TCPI_OPT_WSCALE) == (p->ts && p->ws));
	must(!(p->ts && p->ws) || ti.tcpi_snd_wscale == p->wscale);
}

/* An ACK, off by so much; exact ones in time open, and nothing else does. */
static void ack(struct world *w, unsigned i, uint32_t off, unsigned port)
{
	struct peer *p = &w->peer[i];
	uint8_t opt[12] = { 1, 1, 8, 10, 0, 0, 1, 1 };
	if (!p->asked || p->taken || w->peer[port].taken)
		return;
	be32_put(opt + 8, p->tsval);
	lone_give(&w->host, &(struct lone_seg){ .host = 2, .port = (uint16_t)(FIRST_PORT + port), .seq = p->seq + 1, .ack = p->cookie + 1 + off,
		.flags = TCP_ACK, .opt = opt, .n_opt = p->ts ? sizeof opt : 0 });
	drain(w);
	ol_sock c = ol_accept(w->host.stk, w->host.listener, NULL, NULL, w->host.now);
	bool exact = off == 0 && port == i;
	ol_time age = w->host.now - p->at;
	must(c >= 0 || !exact || age >= PERIOD_S * OL_SEC);
	must(c < 0 || !exact || age <= 2 * PERIOD_S * OL_SEC);
	if (c < 0)
		return;
	if (!exact) {
		/* A cookie has 24 bits: among millions of inputs one is a lucky guess, but not two in one story. */
		must(++w->guessed == 1);
		w->peer[port].taken = true;
		return;
	}
	judge_options(w, c, p);
	p->taken = true;
}

static void pass(struct world *w, ol_time ns)
{
	w->host.now += ns;
	ol_stack_expire(w->host.stk, w->host.now);
	drain(w);
}

static void step(struct world *w, struct story *s)
{
	uint8_t op = byte(s);
	unsigned i = op >> 2 & 7;
	switch (op & 3) {
	case 0: syn(w, s, i); break;
	case 1: ack(w, i, 0, op >> 5 && op >> 5 != i ? op >> 5 : i); break;
	case 2: {
		/* off by less than the number of MSS indexes is another MSS: that is how many right answers there are */
		uint32_t off = (uint32_t)byte(s) << 24 | (uint32_t)byte(s) << 8 | byte(s);
		if ((off & 0xffffff) >= INDEXES && (off & 0xffffff) <= 0xffffff - INDEXES)
			ack(w, i, off, i);
		break;
	}
	default: pass(w, byte(s) * OL_SEC); break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct story s = { data, size };
	struct world w = { 0 };
	lone_open(&w.host, "tcp_syncookies", "2");
	must(ol_listen(w.host.stk, w.host.listener, PEERS, w.host.now) == 0);
	for (int i = 0; s.left && i < STEPS; i++)
		step(&w, &s);
	lone_close(&w.host);
	return 0;
}
