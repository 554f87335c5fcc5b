/* The story's teller: twins.h.  A step is a byte, the connection in its low two bits, the kind above, then what the kind needs. */
#include "twins.h"
#include <netinet/in.h>
#include <linux/tcp.h>
#include <outlet/ol_sock.h>
#include <outlet/ol_stack.h>
#include <string.h>
#include "base/be.h"
#include "base/check.h"
#include "base/cksum.h"
#include "must.h"
#include "story.h"
#include "wire/tcp.h"

enum { CONNS = 3, STEPS = 1000, PORT = 80, FIRST_PORT = 40000, MAX_TEXT = 1448, TEXTS = 8 };
enum { OTHER = CONNS, KEYS };

struct conn {
	ol_sock s[2];
	struct ol_addr us, peer;
	uint16_t port;
	uint32_t nxt, ack;		/* what the peer sends next, and has of us */
	uint32_t tsval, tsecr;
	uint16_t wnd;
	uint8_t ace;			/* RFC 9768: what the peer's three flags say */
};
/* What is odd about the next segment; all zero: nothing. */
struct odd { uint8_t tos, ttl, bad, opts, tail, flow; bool frag_ok; };
struct twins {
	struct ol_pool *pool;
	struct ol_stack *stk[2];
	int ifi;
	ol_time now;
	bool ts, accecn;
	struct conn c[CONNS];
	struct ol_pktq batch;
	struct odd odd;
	struct twins_sum sum;
};

/* ---- frames ------------------------------------------------------------------------------------------------------ */
static size_t put_options(const struct twins *w, const struct conn *c, uint8_t *o, uint8_t flags, uint8_t kind)
{
	size_t n = 0;
	if (flags & TCP_SYN) {
		static const uint8_t syn[] = { 2, 4, 0x05, 0xb4, 1, 3, 3, 2, 1, 1, 4, 2 };
		memcpy(o, syn, sizeof syn);
		n = sizeof syn;
	}
	if (w->ts && kind != 1) {
		static const uint8_t ts[] = { 1, 1, 8, 10 };
		memcpy(o + n, ts, sizeof ts);
		be32_put(o + n + 4, c->tsval);
		be32_put(o + n + 8, c->tsecr);
		n += 12;
	}
	if (kind == 2) {
		memcpy(o + n, (uint8_t[]){ 1, 1, 1, 0 }, 4);
		n += 4;
	} else if (kind == 3) {
		memcpy(o + n, (uint8_t[]){ 1, 1, 5, 10 }, 4);
		be32_put(o + n + 4, c->ack);
		be32_put(o + n + 8, c->ack + 100);
		n += 12;
	}
	return n;
}

static void put_ip(const struct twins *w, const struct conn *c, struct ol_pkt *p)
{
	const struct odd *odd = &w->odd;
	uint32_t len = p->len;
	uint8_t ttl = odd->ttl ? odd->ttl : 64;
	if (c->us.ver == 6) {
		uint8_t *h = ol_pkt_push(p, 40);
		be32_put(h, UINT32_C(0x60000000) | (uint32_t)odd->tos << 20 | odd->flow);
		be16_put(h + 4, (uint16_t)len);
		h[6] = IPPROTO_TCP;
		h[7] = ttl;
		memcpy(h + 8, c->peer.b, 16);
		memcpy(h + 24, c->us.b, 16);
		return;
	}
	uint8_t *h = ol_pkt_push(p, 20);
	memset(h, 0, 20);
	h[0] = 0x45;
	h[1] = odd->tos;
	be16_put(h + 2, (uint16_t)(len + 20));
	be16_put(h + 4, (uint16_t)w->sum.frames);
	h[6] = odd->frag_ok ? 0 : 0x40;
	h[8] = ttl;
	h[9] = IPPROTO_TCP;
	memcpy(h + 12, c->peer.b, 4);
	memcpy(h + 16, c->us.b, 4);
	be16_put(h + 10, cksum_finish(cksum_add(0, h, 20)));
	if (odd->bad == 2)
		h[10] ^= 1;
}

static struct ol_pkt *segment(struct twins *w, const struct conn *c, uint32_t seq, uint32_t text, uint8_t flags, uint16_t urp)
{
	uint8_t opt[40];
	size_t n = put_options(w, c, opt, flags, w->odd.opts);
	struct ol_pkt *p = ol_pkt_new(w->pool, n + 20 + text + 64);
	must(p);
	struct tcp_seg g = { .src = c->port, .dst = PORT, .seq = seq_from(seq), .ack = seq_from(flags & TCP_ACK ? c->ack : 0),
		.flags = flags, .wnd = c->wnd, .urp = urp };
	if (w->accecn)
		wire_tcp_set_ace(&g, flags & TCP_SYN ? 7 : c->ace);
	uint8_t *at = ol_pkt_put(p, 20 + n + text);
	wire_tcp_build(at, &g, n);
	memcpy(at + 20, opt, n);
	for (uint32_t i = 0; i < text; i++)
		at[20 + n + i] = (uint8_t)((seq + i) * 7 >> 3);
	uint32_t sum = cksum_pseudo(&c->peer, &c->us, IPPROTO_TCP, p->len);
	be16_put(at + WIRE_TCP_CKSUM, cksum_finish(cksum_add(sum, at, p->len)));
	if (w->odd.bad == 1)
		at[WIRE_TCP_CKSUM] ^= 1;
	put_ip(w, c, p);
	if (w->odd.tail)
		memset(ol_pkt_put(p, w->odd.tail), 0xaa, w->odd.tail);
	w->odd = (struct odd){ 0 };
	w->sum.frames++;
	return p;
}

static void put(struct twins *w, const struct conn *c, uint32_t seq, uint32_t text, uint8_t flags, uint16_t urp)
{
	ol_pktq_put(&w->batch, segment(w, c, seq, text, flags, urp));
}

/* ---- what comes out ---------------------------------------------------------------------------------------------- */
static unsigned key_of(struct twins *w, const struct ol_pkt *p)
{
	size_t ip = p->data[0] >> 4 == 6 ? 40 : 20;
	must(p->len >= ip);
	if (p->data[ip == 40 ? 6 : 9] != IPPROTO_TCP || p->len < ip + 20)
		return OTHER;
	unsigned i = be16_at(p->data + ip + 2) - (unsigned)FIRST_PORT;
	if (i >= CONNS)
		return OTHER;
	const uint8_t *t = p->data + ip;
	uint32_t text = p->len - (uint32_t)ip - (t[12] >> 4) * 4u;
	struct conn *c = &w->c[i];
	uint32_t end = be32_at(t + 4) + text + !!(t[13] & TCP_SYN) + !!(t[13] & TCP_FIN);
	if ((int32_t)(end - c->ack) > 0 || t[13] & TCP_SYN)
		c->ack = end;
	for (size_t k = 20; k + 10 <= (t[12] >> 4) * 4u && t[k] && (t[k] == 1 || t[k + 1] >= 2); k += t[k] == 1 ? 1 : t[k + 1])
		if (t[k] == 8)
			c->tsecr = be32_at(t + k + 2);
	return i;
}

static void must_be_equal(const struct ol_pkt *a, const struct ol_pkt *b)
{
	if (a->len == b->len && memcmp(a->data, b->data, a->len) == 0)
		return;
	for (const struct ol_pkt *p = a; p; p = p == a ? b : NULL) {
		for (uint32_t i = 0; i < MIN(p->len, 100u); i++)
			fprintf(stderr, "%02x%s", p->data[i], i % 4 == 3 ? " " : "");
		fprintf(stderr, " (%u bytes)\n", p->len);
	}
	must(!"the twins send different frames");
}

static void same_frames(struct twins *w)
{
	struct ol_pktq q[2][KEYS];
	for (int t = 0; t < 2; t++) {
		for (int k = 0; k < KEYS; k++)
			ol_pktq_init(&q[t][k]);
		for (struct ol_pkt *p; (p = ol_stack_output(w->stk[t], w->ifi, w->now)); )
			ol_pktq_put(&q[t][key_of(w, p)], p);
	}
	for (int k = 0; k < KEYS; k++) {
		must(q[0][k].count == q[1][k].count);
		for (struct ol_pkt *a, *b; (a = ol_pktq_get(&q[0][k])); ol_pkt_free(a), ol_pkt_free(b)) {
			b = ol_pktq_get(&q[1][k]);
			must_be_equal(a, b);
		}
	}
}

static void same_state(struct twins *w)
{
	for (int i = 0; i < CONNS; i++) {
		uint8_t info[2][280] = { { 0 } };
		for (int t = 0; t < 2; t++) {
			socklen_t n = sizeof info[t];
			must(ol_getsockopt(w->stk[t], w->c[i].s[t], IPPROTO_TCP, TCP_INFO, info[t], &n, w->now) == 0);
		}
		must(memcmp(info[0], info[1], sizeof info[0]) == 0);
	}
	for (int f = 0; f < OL_FATE_MAX; f++)
		must(ol_stack_count(w->stk[0], (enum ol_fate)f) == ol_stack_count(w->stk[1], (enum ol_fate)f));
	must(ol_stack_deadline(w->stk[0]) == ol_stack_deadline(w->stk[1]));
	for (int t = 0; t < 2; t++)
		ol_stack_check(w->stk[t]);
}

static void compare(struct twins *w)
{
	same_frames(w);
	same_state(w);
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */
static void end_batch(struct twins *w)
{
	if (!w->batch.count)
		return;
	struct ol_pktq same[2];			/* copies for both: what a buffer costs shows in windows */
	for (int t = 0; t < 2; t++)
		ol_pktq_init(&same[t]);
	for (struct ol_pkt *p; (p = ol_pktq_get(&w->batch)); ol_pkt_free(p))
		for (int t = 0; t < 2; t++)
			ol_pktq_put(&same[t], ol_pkt_copy(w->pool, p));
	for (int t = 0; t < 2; t++) {
		ol_stack_input_batch(w->stk[t], w->ifi, &same[t], w->now);
		must(same[t].count == 0);
	}
	w->sum.batches++;
	compare(w);
}

static void pass(struct twins *w, ol_time ns)
{
	ol_time until = w->now + ns;
	end_batch(w);
	for (int i = 0; i < 1000; i++) {
		ol_time at = MIN(ol_stack_deadline(w->stk[0]), until);
		w->now = MAX(w->now, at);
		for (int t = 0; t < 2; t++)
			ol_stack_expire(w->stk[t], w->now);
		compare(w);
		if (w->now >= until)
			break;
	}
}

static void read_both(struct twins *w, const struct conn *c, size_t len)
{
	static uint8_t buf[2][65536];
	ssize_t n[2];
	end_batch(w);
	for (int t = 0; t < 2; t++)
		n[t] = ol_recv(w->stk[t], c->s[t], buf[t], MIN(len, sizeof buf[t]), 0, w->now);
	must(n[0] == n[1] && (n[0] <= 0 || memcmp(buf[0], buf[1], (size_t)n[0]) == 0));
	compare(w);
}

/* Or shuts down writing. */
static void write_both(struct twins *w, const struct conn *c, uint8_t how)
{
	static const uint8_t text[4096];
	ssize_t got[2];
	end_batch(w);
	for (int t = 0; t < 2; t++)
		got[t] = how >= 248 ? ol_shutdown(w->stk[t], c->s[t], SHUT_WR, w->now)
				    : ol_send(w->stk[t], c->s[t], text, 1 + how * 16u, 0, w->now);
	must(got[0] == got[1]);
	compare(w);
}

static void be_odd(struct twins *w, struct conn *c, uint8_t how)
{
	struct odd *o = &w->odd;
	uint8_t v = how >> 4;
	switch (how & 15) {
	case 0: o->tos = v; break;
	case 1: o->ttl = (uint8_t)(v + 1); break;
	case 2: o->bad = 1; break;
	case 3: o->bad = 2; break;
	case 4: o->opts = v & 3; break;
	case 5: o->tail = v; break;
	case 6: o->flow = v; break;
	case 7: o->frag_ok = true; break;
	case 8: c->tsval += v; break;
	case 9: c->tsval -= v; break;
	case 10: c->wnd = (uint16_t)(v << 8); break;
	case 11: c->ace = v & 7; c->wnd++; break;
	default: c->wnd++; break;
	}
}

static void step(struct twins *w, struct story *s)
{
	static const uint16_t texts[TEXTS] = { MAX_TEXT, MAX_TEXT, MAX_TEXT, 1000, 536, 1, 1447, 100 };
	uint8_t op = byte(s), kind = op >> 2 & 15;
	struct conn *c = &w->c[(op & 3) % CONNS];
	uint32_t len = texts[op >> 6 | (kind & 1) << 2];
	switch (kind) {
	case 0: case 1: case 2: case 3:		/* a train of up to sixteen */
		for (unsigned n = byte(s) & 15, i = 0; i <= n; i++, c->nxt += len) {
			struct odd odd = w->odd;
			put(w, c, c->nxt, len, TCP_ACK | (kind == 3 && i == n ? TCP_PSH : 0), 0);
			w->odd = odd;
		}
		w->odd = (struct odd){ 0 };
		break;
	case 4: case 5:
		put(w, c, c->nxt, len, TCP_ACK, 0);
		c->nxt += len;
		break;
	case 6: {				/* again: the last one, or something older */
		uint8_t back = byte(s);
		put(w, c, c->nxt - (back & 1 ? len : back * 50u), len, TCP_ACK, 0);
		break;
	}
	case 7:					/* ahead of a gap */
		put(w, c, c->nxt + byte(s) * 50u, len, TCP_ACK, 0);
		break;
	case 8:					/* two, the second first */
		put(w, c, c->nxt + len, len, TCP_ACK, 0);
		put(w, c, c->nxt, len, TCP_ACK, 0);
		c->nxt += 2 * len;
		break;
	case 9:
		put(w, c, c->nxt, 0, TCP_ACK, 0);
		break;
	case 10: {
		uint8_t flags = byte(s);
		put(w, c, c->nxt, len & 127, flags, flags);
		if (!(flags & (TCP_SYN | TCP_RST)))
			c->nxt += (len & 127) + (flags & TCP_FIN);
		break;
	}
	case 11: be_odd(w, c, byte(s)); break;
	case 12: end_batch(w); break;
	case 13: pass(w, byte(s) * OL_MS); break;
	case 14: read_both(w, c, byte(s) * 256u); break;
	case 15: write_both(w, c, byte(s)); break;
	}
	if (w->batch.count > 200)
		end_batch(w);
}

/* ---- birth and end ----------------------------------------------------------------------------------------------- */
static void open_conn(struct twins *w, int i, const ol_sock *listener, uint8_t ecn)
{
	struct conn *c = &w->c[i];
	*c = (struct conn){ .port = (uint16_t)(FIRST_PORT + i), .nxt = i == 1 ? UINT32_MAX - 5000 : 1000, .tsval = 1000, .wnd = 8000, .ace = 2 };
	ol_addr_parse(i == 2 ? "fd00::1" : "10.0.0.1", &c->us);
	ol_addr_parse(i == 2 ? "fd00::2" : "10.0.0.2", &c->peer);
	put(w, c, c->nxt++, 0, TCP_SYN | ecn, 0);
	for (struct ol_pkt *p; (p = ol_pktq_get(&w->batch)); ) {
		ol_stack_input(w->stk[0], w->ifi, ol_pkt_copy(w->pool, p), w->now);
		ol_stack_input(w->stk[1], w->ifi, p, w->now);
	}
	same_frames(w);
	struct ol_pkt *p = segment(w, c, c->nxt, 0, TCP_ACK, 0);
	ol_stack_input(w->stk[0], w->ifi, ol_pkt_copy(w->pool, p), w->now);
	ol_stack_input(w->stk[1], w->ifi, p, w->now);
	c->ace = 5;
	for (int t = 0; t < 2; t++) {
		c->s[t] = ol_accept(w->stk[t], listener[t], NULL, NULL, w->now);
		must(c->s[t] >= 0);
	}
}

static struct ol_stack *stack(struct twins *w, uint8_t how, bool trains)
{
	static const uint8_t seed[17] = "twins are alike!";
	struct ol_config *cfg = ol_config_new();
	must(cfg);
	ol_config_seed(cfg, seed);
	ol_config_set(cfg, "gro", trains ? "1" : "0");
	ol_config_set(cfg, "tcp_timestamps", how & 1 ? "0" : "1");
	if (how & 2)
		ol_config_set(cfg, "tcp_rmem", "4096:30000:60000");
	if (how & 4)
		ol_config_set(cfg, "tcp_sack", "0");
	if (how & 32)
		ol_config_set(cfg, "tcp_ecn", "3");
	ol_config_set(cfg, "tcp_congestion_control", how & 8 ? "bbr" : "cubic");
	struct ol_stack *stk = ol_stack_new(cfg, w->pool, w->now);
	ol_config_free(cfg);
	must(stk);
	struct ol_iface_config ic = { .name = "tun0", .link = OL_LINK_IP };
	struct ol_addr a;
	w->ifi = ol_iface_add(stk, &ic);
	ol_addr_parse("10.0.0.1", &a);
	must(ol_addr_add(stk, w->ifi, &a, 24) == 0);
	ol_addr_parse("fd00::1", &a);
	must(ol_addr_add(stk, w->ifi, &a, 64) == 0);
	return stk;
}

struct twins_sum twins_run(const uint8_t *data, size_t len)
{
	struct story s = { data, len };
	struct twins *w = calloc(1, sizeof *w);
	must(w);
	uint8_t how = byte(&s);
	w->pool = ol_pool_new(0);
	w->now = 1000 * OL_SEC;
	w->ts = !(how & 1);
	w->accecn = how & 32;
	ol_pktq_init(&w->batch);
	ol_sock listener[2];
	for (int t = 0; t < 2; t++) {
		struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
		w->stk[t] = stack(w, how, t == 1);
		listener[t] = ol_socket(w->stk[t], AF_INET6, SOCK_STREAM, 0, w->now);
		must(ol_bind(w->stk[t], listener[t], (struct sockaddr *)&any, sizeof any, w->now) == 0);
		must(ol_listen(w->stk[t], listener[t], STEPS, w->now) == 0);	/* places enough: a batch may bring two connections in another order */
	}
	pass(w, 5 * OL_SEC);
	for (int i = 0; i < CONNS; i++)
		open_conn(w, i, listener, how & 16 ? TCP_ECE | TCP_CWR : 0);
	compare(w);
	for (int i = 0; s.left && i < STEPS; i++)
		step(w, &s);
	pass(w, 100 * OL_MS);
	for (int i = 0; i < CONNS; i++)
		read_both(w, &w->c[i], 65536);
	struct twins_sum sum = w->sum;
	for (int t = 0; t < 2; t++)
		ol_stack_free(w->stk[t]);
	ol_pool_free(w->pool);
	free(w);
	return sum;
}
