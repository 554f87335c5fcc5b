/*
 * One connection, taken into every state and there given segments.  The first byte chooses the way in (open actively, passively, at
 * once from both sides, by Fast Open or not; then who closes first), the rest are steps: a segment whose numbers are told relative to what the
 * connection has, a call, time.  So nearly every segment is near the edge of something.
 *
 * Beside the connection's own beliefs (tcp_check_all) it must hold, whatever comes:
 *	- states change only along the edges of RFC 9293 figure 5;
 *	- a reset off RCV.NXT, a SYN in a synchronized state, a segment without ACK, an ACK of what was never sent change no
 *	  state and move no number (RFC 5961 3 to 5, RFC 9293 3.10.7.4);
 *	- RCV.NXT, SND.UNA and the right edge of the window offered never go back, RCV.NXT not beyond that edge;
 *	- what is sent has right checksums and acknowledges RCV.NXT.
 */
#include <netinet/in.h>
#include <string.h>
#include "base/check.h"
#include "base/cksum.h"
#include "base/timer_kind.h"
#include "link/link.h"
#include "must.h"
#include "story.h"
#include "transport/tcp/tcp_config.h"
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_listen.h"
#include "transport/tcp/tcp_output.h"
#include "transport/tcp/tcp_tcb.h"

enum { STEPS = 300, OURS = 80, THEIRS = 4000, MAX_TEXT = 3000 };

struct world {
	struct ol_pool *pool;
	struct wheel wheel;
	struct link *link;
	struct net *net;
	struct tcp *tcp;
	struct tcp_listener *listener;
	struct tcp_tcb *tcb;			/* NULL: let go, or not there yet */
	struct ol_endpoint us, peer;
	int ifi;
	ol_time now;
	bool accecn;				/* segments have RFC 9768's flags and options */
	bool fast;				/* RFC 7413: SYNs have text, and no cookie is asked for */
	uint32_t iss, nxt, tsval, ts_last;	/* the peer's; the newest of ours that it saw */
};

/* ---- the edges --------------------------------------------------------------------------------------------------- */
#define TO(s) (1u << OL_TCP_##s)
static unsigned edges(uint8_t from, bool closing)
{
	switch (from) {
	case OL_TCP_SYN_SENT:	  return TO(SYN_RECEIVED) | TO(ESTABLISHED) | TO(CLOSE_WAIT) | TO(CLOSED) |
				  (closing ? TO(FIN_WAIT_1) | TO(CLOSING) : 0);
	case OL_TCP_SYN_RECEIVED: return TO(ESTABLISHED) | TO(CLOSE_WAIT) | TO(CLOSED) |
				  (closing ? TO(FIN_WAIT_1) | TO(FIN_WAIT_2) | TO(CLOSING) | TO(TIME_WAIT) : 0);
	case OL_TCP_ESTABLISHED:  return TO(CLOSE_WAIT) | TO(CLOSED);
	case OL_TCP_FIN_WAIT_1:	  return TO(FIN_WAIT_2) | TO(CLOSING) | TO(TIME_WAIT) | TO(CLOSED);
	case OL_TCP_FIN_WAIT_2:	  return TO(TIME_WAIT) | TO(CLOSED);
	case OL_TCP_CLOSING:	  return TO(TIME_WAIT) | TO(CLOSED);
	case OL_TCP_CLOSE_WAIT: case OL_TCP_LAST_ACK: case OL_TCP_TIME_WAIT: return TO(CLOSED);
	default:		  return 0;
	}
}

/* ---- what is sent ------------------------------------------------------------------------------------------------ */
static void look(struct world *w, const struct ol_pkt *p)
{
	size_t ip = p->data[0] >> 4 == 6 ? 40 : 20;
	must(p->len >= ip);
	if (p->data[ip == 40 ? 6 : 9] != IPPROTO_TCP)
		return;
	struct tcp_seg g;
	must(wire_tcp_parse(&g, p->data + ip, p->len - ip) == OL_PASS);
	uint32_t sum = cksum_pseudo(&w->us.addr, &w->peer.addr, IPPROTO_TCP, (uint32_t)(p->len - ip));
	must(cksum_finish(cksum_add(sum, p->data + ip, p->len - ip)) == 0);
	struct tcp_opt o;
	tcp_opt_parse(&o, g.opt.p, g.opt.len);
	if (o.ts_ok)
		w->ts_last = o.tsval;
	if (g.flags & TCP_SYN)
		w->iss = g.seq.v;
	if (!w->tcb || !w->tcb->in_demux || g.flags & TCP_RST || !tcp_synchronized(w->tcb->state))
		return;
	must(!(g.flags & TCP_ACK) || seq_le(g.ack, w->tcb->rcv_nxt));
	must(seq_le(seq_add(g.seq, (uint32_t)g.text.len), w->tcb->snd_nxt));
}

static void settle(struct world *w)
{
	for (struct ol_pkt *p; (p = link_dequeue(w->link, w->ifi)); ol_pkt_free(p))
		look(w, p);
	tcp_drained(w->tcp, w->ifi, w->now);
	for (struct tcp_event ev; tcp_event_next(w->tcp, &ev); )
		;
	tcp_check_all(w->tcp);
	if (!w->tcb && w->listener)
		w->tcb = tcp_accept(w->listener, w, w->now);
}

static void pass(struct world *w, ol_time ns)
{
	ol_time until = w->now + ns;
	for (int i = 0; i < 200; i++) {
		w->now = MAX(w->now, MIN(wheel_deadline(&w->wheel), until));
		for (struct timer *t; (t = wheel_expire(&w->wheel, w->now)); ) {
			if (t->kind == TIMER_LINK)
				link_expire(w->link, t, w->now);
			else if (t->kind == TIMER_NET || t->kind == TIMER_NET_FRAG || t->kind == TIMER_NET_GROUP)
				net_expire(w->net, t, w->now);
			else
				tcp_expire(w->tcp, t, w->now);
		}
		settle(w);
		if (w->now >= until)
			return;
	}
	w->now = until;
}

/* ---- segments ---------------------------------------------------------------------------------------------------- */
struct seg { uint32_t seq, ack, text; uint8_t flags, opts, tos; bool ae; uint16_t wnd, urp; };

static size_t put_options(struct world *w, const struct seg *g, uint8_t *o)
{
	size_t n = 0;
	if (g->flags & TCP_SYN) {
		memcpy(o, (uint8_t[]){ 2, 4, 2, 0, 1, 3, 3, 4, 1, 1, 4, 2 }, 12);
		n = 12;
	}
	if (g->opts & 1) {
		memcpy(o + n, (uint8_t[]){ 1, 1, 8, 10 }, 4);
		be32_put(o + n + 4, g->opts & 2 ? w->tsval - 10 : w->tsval);
		be32_put(o + n + 8, g->flags & TCP_ACK ? w->ts_last : 0);
		n += 12;
	}
	if (g->opts & 4) {
		memcpy(o + n, (uint8_t[]){ 1, 1, 5, 10 }, 4);
		be32_put(o + n + 4, g->ack + 1);
		be32_put(o + n + 8, g->ack + 1 + (g->opts >> 3) * 20u);
		n += 12;
	}
	if (w->accecn && g->opts & 8 && !(g->flags & TCP_SYN)) {		/* any fields, of any number */
		o[n] = g->opts & 16 ? TCP_OPT_ACCECN1 : TCP_OPT_ACCECN0;
		o[n + 1] = 2 + (g->opts >> 5) % 4 * 3;
		memset(o + n + 2, g->opts ^ g->tos, 10);
		be32_put(o + n + 3, g->ack);
		memset(o + n + o[n + 1], 1, 12u - o[n + 1]);
		n += 12;
	}
	return n;
}

static void give(struct world *w, const struct seg *g)
{
	uint8_t opt[40];
	size_t n = put_options(w, g, opt);
	struct ol_pkt *p = ol_pkt_new(w->pool, 20 + n + g->text);
	must(p);
	struct tcp_seg h = { .src = w->peer.port, .dst = w->us.port, .seq = seq_from(g->seq), .ack = seq_from(g->ack),
		.flags = g->flags, .ae = g->ae, .wnd = g->wnd, .urp = g->urp };
	uint8_t *at = ol_pkt_put(p, 20 + n + g->text);
	wire_tcp_build(at, &h, n);
	memcpy(at + 20, opt, n);
	memset(at + 20 + n, 'x', g->text);
	p->csum = OL_CSUM_OK;
	struct net_rx rx = { .what = NET_UP_DATAGRAM, .src = w->peer.addr, .dst = w->us.addr, .proto = IPPROTO_TCP, .ttl = 64,
		.ifi = w->ifi, .ip_len = w->us.addr.ver == 6 ? 40 : 20, .tos = g->tos };
	void *user;
	tcp_input(w->tcp, p, &rx, NULL, &user, w->now);
}

static tcp_seq edge(const struct tcp_tcb *t) { return seq_add(t->rcv_wup, t->rcv_wnd); }

/* A segment to a connection that is there: what it must not have done. */
static void give_and_judge(struct world *w, const struct seg *g)
{
	struct tcp_tcb *t = w->tcb;
	uint8_t was = t->state;
	tcp_seq nxt = t->rcv_nxt, una = t->snd_una, right = edge(t), sent = t->snd_nxt;
	bool sync = tcp_synchronized(was) && was != OL_TCP_TIME_WAIT, closing = t->fin_queued;
	give(w, g);
	uint8_t is = t->state;			/* it is ours until we let go: still there in CLOSED */
	must(is == was || edges(was, closing) & 1u << is);
	if (!sync)
		return;
	bool refused = (g->flags & TCP_RST && g->seq != nxt.v) || (!(g->flags & TCP_RST) && g->flags & TCP_SYN) ||
		       (!(g->flags & TCP_RST) && (!(g->flags & TCP_ACK) || seq_gt(seq_from(g->ack), sent)));
	if (refused)
		must(is == was && seq_eq(t->rcv_nxt, nxt) && seq_eq(t->snd_una, una));
	if (is == OL_TCP_CLOSED || is == OL_TCP_TIME_WAIT)
		return;
	must(seq_ge(t->rcv_nxt, nxt) && seq_ge(t->snd_una, una) && seq_le(t->snd_una, t->snd_nxt));
	must(seq_ge(edge(t), right));
	uint32_t got = seq_len(nxt, t->rcv_nxt);
	must(got <= seq_len(nxt, seq_max(right, nxt)) + MAX_TEXT + 1);	/* one segment more than was offered may be taken */
}

/* Near what: RCV.NXT, the right edge, the start; and how far from it. */
static uint32_t near(struct story *s, uint32_t a, uint32_t b, uint32_t c)
{
	uint8_t how = byte(s);
	uint32_t from = (how & 3) == 1 ? b : (how & 3) == 2 ? c : a;
	int32_t off = (int8_t)how >> 2;
	return (how & 3) == 3 ? a + (uint32_t)off * 300u : from + (uint32_t)off;
}

static void segment(struct world *w, struct story *s)
{
	const struct tcp_tcb *t = w->tcb;
	struct seg g = { .flags = byte(s), .opts = byte(s), .wnd = 1000 };
	uint8_t more = byte(s);
	uint32_t rcv = t ? t->rcv_nxt.v : w->nxt, right = t ? edge(t).v : w->nxt + 1, una = t ? t->snd_una.v : w->iss;
	uint32_t snd = t ? t->snd_nxt.v : w->iss + 1;
	g.seq = near(s, rcv, right, w->nxt);
	g.ack = near(s, snd, una, w->iss);
	g.text = (more & 7) == 7 ? byte(s) * 10u : (more & 7) == 6 ? 1000 : more & 3;
	g.wnd = more & 8 ? (uint16_t)(byte(s) * 8) : 1000;
	g.urp = more & 16 ? byte(s) : 0;
	g.tos = more >> 5 & 3;
	g.ae = more & 128;
	if (t)
		give_and_judge(w, &g);
	else
		give(w, &g);
}

/* What an orderly peer would say: so that the deep states are reached. */
static void orderly(struct world *w, uint8_t flags, uint32_t text)
{
	const struct tcp_tcb *t = w->tcb;
	bool ts = t ? t->ts_ok || t->state == OL_TCP_SYN_SENT : true;
	struct seg g = { .seq = t && t->state != OL_TCP_SYN_SENT ? t->rcv_nxt.v : w->nxt, .ack = t ? t->snd_nxt.v : w->iss + 1,
		.flags = flags, .text = text, .wnd = 1000, .opts = ts };
	if (w->accecn) {				/* RFC 9768: 111 asks, 010 agrees, 101 is a count */
		g.ae = !(flags & TCP_SYN) || !(flags & TCP_ACK);
		g.flags |= (flags & TCP_SYN ? TCP_CWR : TCP_ECE) | ((flags & (TCP_SYN | TCP_ACK)) == TCP_SYN ? TCP_ECE : 0);
	}
	w->tsval++;
	if (t)
		give_and_judge(w, &g);
	else
		give(w, &g);
	settle(w);
}

/* The rest of the peer's window, or nearly: what fits and what does not is where sums are wrong. */
static void fill_window(struct world *w, unsigned less, void *buf, size_t len)
{
	size_t done, room = tcp_usable_window(w->tcb) + 2u;
	struct iovec v = { buf, MIN(len, room - MIN(less, room)) };
	if (v.iov_len)
		(void)tcp_send(w->tcb, &v, 1, 0, &done, w->now);
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */
static void call(struct world *w, struct story *s)
{
	static uint8_t buf[4096];
	uint8_t what = byte(s);
	size_t done;
	struct iovec v = { buf, 1 + (what >> 3) * 100u };
	if (!w->tcb)
		return;
	switch (what & 7) {
	case 0: case 1: (void)tcp_send(w->tcb, &v, 1, 0, &done, w->now); break;
	case 2: (void)tcp_send(w->tcb, &v, 1, what & 8 ? TCP_SEND_URG : TCP_SEND_MORE, &done, w->now); break;
	case 3: case 4: (void)tcp_recv(w->tcb, &v, 1, what & 64 ? TCP_RECV_URG : 0, &done, w->now); break;
	case 5: (void)tcp_shutdown_send(w->tcb, w->now); break;
	case 6:
		if (what & 8)
			(void)tcp_shutdown_recv(w->tcb, w->now);
		else
			fill_window(w, what >> 4 & 3, buf, sizeof buf);
		break;
	default:
		if (!(what & 24)) {
			tcp_release(w->tcb, w->now);
			w->tcb = NULL;
		} else if ((what & 24) == 8) {
			tcp_abort(w->tcb, w->now);
		}
	}
}

static void step(struct world *w, struct story *s)
{
	uint8_t op = byte(s);
	switch (op & 7) {
	case 0: case 1: case 2: segment(w, s); break;
	case 3: orderly(w, TCP_ACK, 0); break;
	case 4: orderly(w, TCP_ACK | (op & 8 ? TCP_PSH : 0) | (op & 16 ? TCP_FIN : 0), (op >> 5) * 100u); break;
	case 5: call(w, s); break;
	case 6: pass(w, (ol_time)byte(s) * 20 * OL_MS); break;
	default: pass(w, (ol_time)byte(s) * OL_SEC); break;
	}
	settle(w);
}

/* Into a state: open, then close from our side, from theirs, or both, answered or not. */
static void way_in(struct world *w, uint8_t how)
{
	struct tcp_opts o = tcp_opts_default(w->tcp);
	if (how & 1) {
		must(tcp_listen(w->tcp, &w->listener, &o, &w->us, 4, false, w, w->now) == OL_OK);
		orderly(w, TCP_SYN, w->fast ? 100 : 0);
		w->nxt++;
		if (how & 2)
			orderly(w, TCP_ACK, 0);
	} else {
		size_t done;
		struct iovec v = { (char[]){ "the text of a SYN" }, 17 };
		if (w->fast)
			must(tcp_open_fast(w->tcp, &w->tcb, &o, &w->us, &w->peer, &v, 1, 0, &done, w, w->now) == OL_OK);
		else
			must(tcp_open(w->tcp, &w->tcb, &o, &w->us, &w->peer, w, w->now) == OL_OK);
		settle(w);
		if (how & 2)
			orderly(w, how & 4 ? TCP_SYN : TCP_SYN | TCP_ACK, 0);
		if ((how & 6) == 6)
			orderly(w, TCP_ACK, 0);
	}
	if (how & 8 && w->tcb) {
		(void)tcp_shutdown_send(w->tcb, w->now);
		settle(w);
	}
	if (how & 16)
		orderly(w, TCP_ACK, 0);
	if (how & 32)
		orderly(w, TCP_FIN | TCP_ACK, how & 64 ? 100 : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct story s = { data, size };
	struct world *w = calloc(1, sizeof *w);
	must(w);
	struct link_config lc = link_config_default();
	struct net_config nc = net_config_default();
	struct tcp_config tc = tcp_config_default();
	struct ol_iface_config ic = { .name = "tun0", .link = OL_LINK_IP };
	uint8_t how = byte(&s), set = byte(&s);
	bool v6 = how & 128;
	tc.timestamps = !(set & 1);
	tc.sack = !(set & 2);
	tc.syncookies = set & 4 ? 2 : 1;
	tc.ecn = set & 64 ? 3 : set & 8 ? 1 : 2;
	w->accecn = set & 64;
	w->fast = set & 128;
	if (w->fast)
		tc.fastopen = 0x607;
	tc.mtu_probing = set & 16 ? 2 : 1;
	if (set & 32)
		tc.rmem[1] = 4096;
	memcpy(tc.seed, "every state once", 16);
	w->now = 1000 * OL_SEC;
	w->pool = ol_pool_new(0);
	wheel_init(&w->wheel, w->now);
	w->link = link_new(&lc, w->pool, &w->wheel, w->now);
	w->net = net_new(&nc, w->link, w->pool, &w->wheel, w->now);
	w->tcp = tcp_new(&tc, w->net, w->pool, &w->wheel, w->now);
	w->ifi = link_iface_add(w->link, &ic);
	ol_addr_parse(v6 ? "fd00::1" : "10.0.0.1", &w->us.addr);
	ol_addr_parse(v6 ? "fd00::2" : "10.0.0.2", &w->peer.addr);
	must(w->ifi > 0 && net_addr_add(w->net, w->ifi, &w->us.addr, v6 ? 64 : 24, w->now) == 0);
	w->us.port = OURS;
	w->peer.port = THEIRS;
	w->nxt = UINT32_MAX - 3000;			/* the circle closes early */
	w->tsval = 1000;
	pass(w, 5 * OL_SEC);
	way_in(w, how);
	for (int i = 0; s.left && i < STEPS; i++)
		step(w, &s);
	tcp_free(w->tcp);
	net_free(w->net);
	link_free(w->link);
	ol_pool_free(w->pool);
	free(w);
	return 0;
}
