/*
 * SYN cookies (tcp_syncookie.h), RFC 4987 3.6.
 *
 * ISN = H1(pair) + SEG.SEQ + (count << 24) + ((H2(pair, count, SEG.SEQ) + index of the MSS) mod 2^24), count the time in
 * periods of 64 s.  With timestamps the low six bits of TSval carry the window scale, SACK and RFC 3168's ECN; that of RFC 9768 is
 * known by the flags of the ACK, which are its own (RFC 9768 5.1).  H2 knows SEG.SEQ so that a
 * segment a few bytes further on, which overtook the handshake's last, is not taken for it with another MSS.
 */
#include "transport/tcp/tcp_syncookie.h"
#include "transport/tcp/tcp_tcb.h"
#include "base/check.h"

enum { COOKIE_PERIOD_S = 64, COOKIE_AGE = 2 };
/* The least is below what tcp_min_snd_mss lets a peer ask for, so that none is given a larger one than its own (RFC 9293 3.7.1). */
static const uint16_t cookie_mss[] = { 48, 128, 256, 536, 1220, 1440, 1460, 4312, 8960, 16344, 65495 };

static uint32_t cookie_hash(const struct tcp *tcp, const struct tcp_node *n, uint64_t salt)
{
	struct sipkey k = tcp->key_cookie;
	k.k0 += salt;
	return (uint32_t)addr_hash_pair(k, &n->local, &n->remote);
}

static uint32_t cookie_hash2(const struct tcp *tcp, const struct tcp_synrec *s, uint32_t count)
{
	return cookie_hash(tcp, &s->node, ((uint64_t)count + 1) << 32 | s->irs.v);
}

static uint32_t cookie_count(ol_time now) { return (uint32_t)(now / (COOKIE_PERIOD_S * OL_SEC)); }

uint32_t tcp_syncookie_make(struct tcp_synrec *s, uint32_t ts, ol_time now)
{
	const struct tcp *tcp = s->listener->tcp;
	uint32_t count = cookie_count(now), i = ARRAY_LEN(cookie_mss) - 1;
	while (i > 0 && cookie_mss[i] > s->peer_mss)
		i--;
	uint32_t low = (cookie_hash2(tcp, s, count) + i) & 0xffffff;
	s->iss = seq_from(cookie_hash(tcp, &s->node, 0) + s->irs.v + (count << 24) + low);
	if (s->ts_ok) {
		uint32_t bits = (s->ws_ok ? s->snd_wscale : 15u) | (s->sack_ok ? 16u : 0) | (s->ecn_ok ? 32u : 0);
		uint32_t v = ((ts - s->ts_offset) & ~63u) | bits;
		ts = (v > ts - s->ts_offset ? v - 64 : v) + s->ts_offset;
	} else {
		s->ws_ok = s->sack_ok = s->ecn_ok = false;
		s->rcv_wscale = 0;
	}
	return ts;
}

bool tcp_syncookie_lives(ol_time sent_at, ol_time now)
{
	return sent_at && now - sent_at <= COOKIE_AGE * COOKIE_PERIOD_S * OL_SEC;
}

bool tcp_syncookie_open(struct tcp_synrec *s, const struct tcp_in *in, ol_time now)
{
	const struct tcp_listener *l = s->listener;
	s->irs = seq_sub(in->seg.seq, 1);
	s->iss = seq_sub(in->seg.ack, 1);
	uint32_t count = cookie_count(now), v = s->iss.v - cookie_hash(l->tcp, &s->node, 0) - s->irs.v;
	uint32_t age = (count - (v >> 24)) & 0xff;
	if (age >= COOKIE_AGE)
		return false;
	uint32_t i = ((v & 0xffffff) - cookie_hash2(l->tcp, s, count - age)) & 0xffffff;
	if (i >= ARRAY_LEN(cookie_mss))
		return false;
	s->peer_mss = cookie_mss[i];
	s->ts_ok = l->tcp->cfg.timestamps && in->opt.ts_ok;
	uint32_t bits = s->ts_ok ? (in->opt.tsecr - s->ts_offset) & 63 : 15;
	s->ws_ok = (bits & 15) <= TCP_MAX_WSCALE;
	s->snd_wscale = s->ws_ok ? bits & 15 : 0;
	s->rcv_wscale = s->ws_ok ? tcp_choose_wscale(l->tcp, &l->opts) : 0;
	s->sack_ok = bits & 16;
	s->ecn_ok = bits & 32;
	if (s->ecn_ok || !tcp_accecn_cookie(&s->accecn, &l->tcp->cfg, in))
		s->accecn.on = false;
	s->snd_wnd = (uint32_t)in->seg.wnd << s->snd_wscale;
	s->retries = 1;						/* no round trip was measured */
	return true;
}
