/*
 * SYN cookies, RFC 4987 3.6: a listener that keeps nothing of its SYNs, told a story of SYNs, of ACKs that answer its cookies exactly,
 * late, or nearly, and of time.  It must open a connection for each exact answer in time (two periods of 64 s at most, one at
 * least), with the options of the SYN as far as timestamps carry them and an MSS not above the peer's; and for no other:
 * not for a number nearby, from another port, or too late.
 */
#include <arpa/inet.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <outlet/ol_sock.h>
#include <outlet/ol_stack.h>
#include <string.h>
#include "base/be.h"
#include "base/check.h"
#include "must.h"
#include "story.h"
#include "wire/tcp.h"

enum { PEERS = 8, STEPS = 200, PORT = 80, FIRST_PORT = 5000, INDEXES = 8, PERIOD_S = 64 };

struct peer {				/* what it asked for, and was answered last */
	bool asked, ts, sack, ws, taken;
	uint8_t wscale;
	uint16_t mss;
	uint32_t seq, cookie, tsval;
	ol_time at;
};
struct world { struct ol_pool *pool; struct ol_stack *stk; int ifi; ol_time now; ol_sock listener; struct peer peer[PEERS]; };

static void give(struct world *w, unsigned port, uint32_t seq, uint32_t ack, uint8_t flags, const uint8_t *opt, size_t n)
{
	struct ol_pkt *p = ol_pkt_new(w->pool, 40 + n);
	must(p);
	uint8_t *h = ol_pkt_put(p, 40 + n);
	struct tcp_seg g = { .src = (uint16_t)port, .dst = PORT, .seq = seq_from(seq), .ack = seq_from(ack), .flags = flags, .wnd = 1000 };
	memset(h, 0, 20);
	h[0] = 0x45;
	be16_put(h + 2, (uint16_t)(40 + n));
	h[6] = 0x40;
	h[8] = 64;
	h[9] = IPPROTO_TCP;
	memcpy(h + 12, (uint8_t[]){ 10, 0, 0, 2, 10, 0, 0, 1 }, 8);
	uint32_t sum = 0;
	for (int i = 0; i < 20; i += 2)
		sum += be16_at(h + i);
	be16_put(h + 10, (uint16_t)~(sum + (sum >> 16)));
	wire_tcp_build(h + 20, &g, n);
	memcpy(h + 40, opt, n);
	p->csum = OL_CSUM_OK;
	ol_stack_input(w->stk, w->ifi, p, w->now);
}

/* SYN-ACKs are noted; the rest (resets) is not our subject. */
static void drain(struct world *w)
{
	for (struct ol_pkt *p; (p = ol_stack_output(w->stk, w->ifi, w->now)); ol_pkt_free(p)) {
		const uint8_t *t = p->data + 20;
		if (p->data[0] != 0x45 || p->data[9] != IPPROTO_TCP || (t[13] & (TCP_SYN | TCP_ACK)) != (TCP_SYN | TCP_ACK))
			continue;
		unsigned i = be16_at(t + 2) - (unsigned)FIRST_PORT;
		must(i < PEERS && be32_at(t + 8) == w->peer[i].seq + 1);
		w->peer[i].cookie = be32_at(t + 4);
		for (size_t k = 20; k + 10 <= (t[12] >> 4) * 4u && t[k]; k += t[k] == 1 ? 1 : t[k + 1])
			if (t[k] == 8)
				w->peer[i].tsval = be32_at(t + k + 2);
	}
	ol_stack_check(w->stk);
}

static void syn(struct world *w, struct story *s, unsigned i)
{
	uint8_t how = byte(s), opt[24], n = 0;
	struct peer *p = &w->peer[i];
	if (p->taken)
		return;				/* a SYN within a connection is another story */
	*p = (struct peer){ .asked = true, .ts = how & 1, .sack = how & 2, .ws = how & 4, .wscale = byte(s) % 15, .mss = 536,
		.seq = (uint32_t)byte(s) << 24 | byte(s), .at = w->now };
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
	give(w, FIRST_PORT + i, p->seq, 0, TCP_SYN, opt, n);
	drain(w);
	must(p->cookie != 0);
}

static void judge_options(struct world *w, ol_sock c, const struct peer *p)
{
	struct tcp_info ti = { 0 };
	socklen_t len = sizeof ti;
	must(ol_getsockopt(w->stk, c, IPPROTO_TCP, TCP_INFO, &ti, &len, w->now) == 0);
	uint32_t least = p->mss < 536 ? 48 : 536, mss = ti.tcpi_snd_mss + (p->ts ? 12 : 0);
	must(mss >= least && (mss <= MAX(p->mss, 536u) || mss <= 48));
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
	give(w, FIRST_PORT + port, p->seq + 1, p->cookie + 1 + off, TCP_ACK, opt, p->ts ? sizeof opt : 0);
	drain(w);
	ol_sock c = ol_accept(w->stk, w->listener, NULL, NULL, w->now);
	bool exact = off == 0 && port == i;
	ol_time age = w->now - p->at;
	must(c >= 0 || !exact || age >= PERIOD_S * OL_SEC);
	must(c < 0 || (exact && age <= 2 * PERIOD_S * OL_SEC));
	if (c < 0)
		return;
	judge_options(w, c, p);
	p->taken = true;
}

static void pass(struct world *w, ol_time ns)
{
	w->now += ns;
	ol_stack_expire(w->stk, w->now);
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
	static const uint8_t seed[17] = "cookies of a kind";
	struct story s = { data, size };
	struct world w = { .now = 1000 * OL_SEC, .pool = ol_pool_new(0) };
	struct ol_config *cfg = ol_config_new();
	ol_config_seed(cfg, seed);
	ol_config_set(cfg, "tcp_syncookies", "2");
	w.stk = ol_stack_new(cfg, w.pool, w.now);
	ol_config_free(cfg);
	must(w.stk);
	struct ol_iface_config ic = { .name = "tun0", .link = OL_LINK_IP };
	struct ol_addr a;
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	w.ifi = ol_iface_add(w.stk, &ic);
	ol_addr_parse("10.0.0.1", &a);
	must(ol_addr_add(w.stk, w.ifi, &a, 24) == 0);
	w.listener = ol_socket(w.stk, AF_INET, SOCK_STREAM, 0, w.now);
	must(ol_bind(w.stk, w.listener, (struct sockaddr *)&any, sizeof any, w.now) == 0);
	must(ol_listen(w.stk, w.listener, PEERS, w.now) == 0);
	for (int i = 0; s.left && i < STEPS; i++)
		step(&w, &s);
	ol_stack_free(w.stk);
	ol_pool_free(w.pool);
	return 0;
}
