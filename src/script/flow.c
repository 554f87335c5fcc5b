/*
 * Segments between a script and the stack.  A script counts from its own numbers: what goes in gets the live ones, what comes
 * out is turned back before it is compared.  Segments of one write may come out in several pieces of equal size where the script
 * has one (a stack may cut where it likes); flags and options are then those of the whole, PSH and FIN the last's.
 */
#include "run.h"
#include "base/be.h"
#include "base/cksum.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/tcp.h"
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_PORT = 40000, OPT_TS = 8, OPT_SACK = 5, QUOTED = 8 };

struct ol_addr run_address(const struct run *r, bool local)
{
	static const char *const text[2][2] = { { "192.0.2.1", "192.168.0.1" }, { "fd3d:fa7b:d17d::1", "fd3d:a0b:17d6::1" } };
	struct ol_addr a = { 0 };
	ol_addr_parse(text[r->s->ip == SCRIPT_IP6][local], &a);
	return a;
}

socklen_t run_sockaddr(const struct run *r, const struct ol_endpoint *e, struct sockaddr_storage *ss)
{
	memset(ss, 0, sizeof *ss);
	if (r->s->ip == SCRIPT_IP4) {
		struct sockaddr_in *in = (struct sockaddr_in *)ss;
		in->sin_family = AF_INET;
		in->sin_port = htons(e->port);
		memcpy(&in->sin_addr, e->addr.b, 4);
		return sizeof *in;
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(e->port);
	if (e->addr.ver == 6)
		memcpy(&in6->sin6_addr, e->addr.b, 16);
	else {
		in6->sin6_addr.s6_addr[10] = in6->sin6_addr.s6_addr[11] = 0xff;
		memcpy(in6->sin6_addr.s6_addr + 12, e->addr.b, 4);
	}
	return sizeof *in6;
}

struct flow *flow_new(struct run *r)
{
	struct flow *f = calloc(1, sizeof *f);
	if (!f) {
		run_fail(r, "out of memory");
		return NULL;
	}
	f->script_fd = f->fd = -1;
	f->next = r->flows;
	r->flows = r->flow = f;
	return f;
}

void flow_free_all(struct run *r)
{
	while (r->flows) {
		struct flow *next = r->flows->next;
		free(r->flows->ts);
		free(r->flows);
		r->flows = next;
	}
}

/* A listener and a segment in: a new peer.  Otherwise everything is about the flow at hand. */
struct flow *flow_of(struct run *r, const struct script_seg *g)
{
	struct flow *f = r->flow;
	if (!g->icmp && g->in && (!f || f->state == FLOW_LISTENING)) {
		if (!(f = flow_new(r)))
			return NULL;
		f->state = FLOW_SYN_RECEIVED;
		f->local = (struct ol_endpoint){ run_address(r, true), r->s->set.bind_port };
		f->remote = (struct ol_endpoint){ run_address(r, false), r->next_port++ };
		f->remote_iss = g->seq;
	} else if (f && !g->in && (g->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && f->state == FLOW_CONNECTING) {
		f->state = FLOW_SYN_SENT;
		f->script_local_iss = g->seq;
	}
	if (!f)
		run_fail(r, "this segment belongs to no connection: nothing listens, connects or came in yet");
	return f;
}

/* ---- in ------------------------------------------------------------------------------------------------------------ */
static const uint8_t *find_option(const uint8_t *p, size_t len, uint8_t kind)
{
	for (size_t i = 0; i < len && p[i]; ) {
		size_t n = p[i] == 1 ? 1 : i + 1 < len ? p[i + 1] : 0;
		if (!n || (n < 2 && p[i] != 1) || i + n > len)
			return NULL;
		if (p[i] == kind)
			return p + i;
		i += n;
	}
	return NULL;
}

static void add_to_blocks(uint8_t *sack, uint32_t n)
{
	for (uint8_t i = 2; sack && i + 4 <= sack[1]; i += 4)
		be32_put(sack + i, be32_at(sack + i) + n);
}

/* The live value that the script's ecr stands for: one that came out, or one as far from the first as the script's. */
static bool live_ecr(struct run *r, const struct flow *f, uint32_t script, uint32_t *live)
{
	for (size_t i = f->n_ts; i-- > 0; )
		if (f->ts[i].script == script) {
			*live = f->ts[i].live;
			return true;
		}
	if (r->s->set.ts_ecr_scaled && f->has_ts) {
		*live = script - f->ts_script + f->ts_live;
		return true;
	}
	return run_fail(r, "no segment with TS val %u has come out that this one could echo", script);
}

static bool map_options(struct run *r, struct flow *f, const struct script_seg *g, uint8_t *opt, uint32_t ack_off)
{
	uint8_t *ts = (uint8_t *)find_option(opt, g->opt_len, OPT_TS);
	add_to_blocks((uint8_t *)find_option(opt, g->opt_len, OPT_SACK), ack_off);
	if (!ts || !(g->flags & TCP_ACK))
		return true;
	uint32_t ecr = 0;
	if (!live_ecr(r, f, be32_at(ts + 6), &ecr))
		return false;
	be32_put(ts + 6, ecr);
	return true;
}

/* The IP header of a datagram between src and dst; returns its length. */
static size_t put_ip(uint8_t *p, const struct ol_addr *src, const struct ol_addr *dst, uint8_t proto, size_t len, const struct script_seg *g)
{
	uint8_t ttl = g && g->ttl ? g->ttl : 255, tos = g && g->tos_kind ? g->tos : 0;
	if (src->ver == 6) {
		wire_ip6_build(p, &(struct ip6_hdr){ .src = *src, .dst = *dst, .len = (uint16_t)len, .tclass = tos, .next = proto, .hop = ttl });
		return IP6_HLEN;
	}
	wire_ip4_build(p, &(struct ip4_hdr){ .src = *src, .dst = *dst, .len = (uint16_t)(IP4_HLEN + len), .hlen = IP4_HLEN, .tos = tos,
					     .ttl = ttl, .proto = proto });
	return IP4_HLEN;
}

static bool inject(struct run *r, const uint8_t *p, size_t len)
{
	return !r->ifc.netdev_send(r->ifc.userdata, p, len) || run_fail(r, "the stack took no packet: %s", strerror(errno));
}

static void set_ace(struct wire_tcp *h, int8_t ace)
{
	h->off = (uint8_t)(h->off | (ace & 4 ? 1 : 0));
	h->flags = (uint8_t)(h->flags | (ace & 2 ? TCP_CWR : 0) | (ace & 1 ? TCP_ECE : 0));
}

static bool tcp_in(struct run *r, struct flow *f, const struct script_seg *g)
{
	static uint8_t p[65536];
	bool syn = g->flags & TCP_SYN;
	uint32_t ack_off = f->local_iss - (syn ? f->script_local_iss : 0);
	size_t len = sizeof(struct wire_tcp) + g->opt_len + g->len;
	size_t at = put_ip(p, &f->remote.addr, &f->local.addr, IPPROTO_TCP, len, g);
	struct tcp_seg seg = {
		.src = g->sport ? g->sport : f->remote.port, .dst = g->dport ? g->dport : f->local.port,
		.seq = seq_from(g->seq + (syn ? 0 : f->remote_iss)), .ack = seq_from(g->flags & TCP_ACK ? g->ack + ack_off : 0),
		.flags = g->flags, .wnd = (uint16_t)g->wnd, .urp = g->urp,
	};
	struct wire_tcp *h = (struct wire_tcp *)(p + at);
	uint8_t *opt = p + at + sizeof *h;
	wire_tcp_build(p + at, &seg, g->opt_len);
	set_ace(h, g->ace > 0 ? g->ace : 0);
	memcpy(opt, g->opt, g->opt_len);
	if (!map_options(r, f, g, opt, ack_off))
		return false;
	memset(opt + g->opt_len, 0, g->len);
	uint32_t sum = cksum_pseudo(&f->remote.addr, &f->local.addr, IPPROTO_TCP, (uint32_t)len);
	be16_put(p + at + WIRE_TCP_CKSUM, cksum_finish(cksum_add(sum, p + at, len)));
	return inject(r, p, at + len);
}

/* An error quotes the datagram it is about: its header and the ports and sequence number behind it (RFC 792, RFC 4443 2.4). */
static bool icmp_in(struct run *r, struct flow *f, const struct script_seg *g)
{
	uint8_t p[2 * IP6_HLEN + 8 + QUOTED] = { 0 };
	bool v6 = f->local.addr.ver == 6;
	size_t quoted = (v6 ? IP6_HLEN : IP4_HLEN) + QUOTED, len = 8 + quoted;
	size_t at = put_ip(p, &f->remote.addr, &f->local.addr, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, len, g);
	uint8_t *icmp = p + at, *in = icmp + 8;
	icmp[0] = g->icmp_type;
	icmp[1] = g->icmp_code;
	be32_put(icmp + 4, g->icmp_mtu);
	in += put_ip(in, &f->local.addr, &f->remote.addr, IPPROTO_TCP, sizeof(struct wire_tcp) + g->len, NULL);
	be16_put(in, f->local.port);
	be16_put(in + 2, f->remote.port);
	be32_put(in + 4, g->seq + f->local_iss);
	uint32_t sum = v6 ? cksum_pseudo(&f->remote.addr, &f->local.addr, IPPROTO_ICMPV6, (uint32_t)len) : 0;
	be16_put(icmp + 2, cksum_finish(cksum_add(sum, icmp, len)));
	return inject(r, p, at + len);
}

bool flow_in(struct run *r, struct flow *f, const struct script_seg *g)
{
	if (g->icmp)
		return icmp_in(r, f, g);
	if (f->state == FLOW_SYN_SENT && (g->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK)) {
		f->state = FLOW_OPEN;
		f->remote_iss = g->seq;
	} else if (f->state == FLOW_SYN_ACK_SENT && (g->flags & TCP_ACK))
		f->state = FLOW_OPEN;
	return tcp_in(r, f, g);
}

/* ---- out ----------------------------------------------------------------------------------------------------------- */
struct live {					/* a segment of the stack's */
	uint8_t buf[PD_MAX_PKT];
	struct ol_addr src, dst;
	uint8_t tos, ttl, off;			/* off: the header's fourth byte, with RFC 9768's AE */
	struct tcp_seg seg;
	ol_time at;
};

/* Reads it; false where it is no TCP segment. */
static bool read_live(struct live *l, size_t len)
{
	size_t at;
	if (l->buf[0] >> 4 == 6) {
		struct ip6_hdr h;
		if (wire_ip6_parse(&h, l->buf, len) != OL_PASS || h.next != IPPROTO_TCP)
			return false;
		l->src = h.src, l->dst = h.dst, l->tos = h.tclass, l->ttl = h.hop;
		at = IP6_HLEN;
	} else {
		struct ip4_hdr h;
		if (wire_ip4_parse(&h, l->buf, len) != OL_PASS || h.proto != IPPROTO_TCP)
			return false;
		l->src = h.src, l->dst = h.dst, l->tos = h.tos, l->ttl = h.ttl;
		at = h.hlen;
		len = h.len;
	}
	l->off = l->buf[at + 12];
	return wire_tcp_parse(&l->seg, l->buf + at, len - at) == OL_PASS;
}

static bool is_of(const struct live *l, const struct flow *f)
{
	return ol_addr_eq(&l->dst, &f->remote.addr) && l->seg.dst == f->remote.port &&
	       ol_addr_eq(&l->src, &f->local.addr) && l->seg.src == f->local.port;
}

/* The next segment of this flow; others are passed over.  A SYN of a connect() tells where the flow begins. */
static bool next_live(struct run *r, struct flow *f, struct live *l)
{
	for (;;) {
		size_t len = sizeof l->buf;
		long long us = 0;
		if (r->ifc.netdev_receive(r->ifc.userdata, l->buf, &len, &us) || !len)
			return run_fail(r, "no segment comes any more");
		if (!read_live(l, len))
			continue;
		l->at = us * OL_US - r->start;
		bool syn = (l->seg.flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
		if (f->state == FLOW_SYN_SENT && syn && ol_addr_eq(&l->dst, &f->remote.addr) && l->seg.dst == f->remote.port) {
			f->local = (struct ol_endpoint){ l->src, l->seg.src };
			f->local_iss = l->seg.seq.v;
		}
		if (is_of(l, f))
			return true;
	}
}

static uint32_t script_seq(const struct flow *f, const struct live *l)
{
	return l->seg.seq.v - f->local_iss + (l->seg.flags & TCP_SYN ? f->script_local_iss : 0);
}

static uint32_t script_ack(const struct flow *f, const struct live *l)
{
	if (!(l->seg.flags & TCP_ACK))
		return 0;
	return l->seg.ack.v - (l->seg.flags & TCP_SYN ? 0 : f->remote_iss);
}

/* The same segment with the script's numbers. */
static struct script_seg to_script(const struct flow *f, const struct live *l)
{
	struct script_seg g = {
		.flags = l->seg.flags, .seq = script_seq(f, l), .ack = script_ack(f, l), .len = (uint32_t)l->seg.text.len, .wnd = l->seg.wnd,
		.urp = l->seg.urp, .tos_kind = l->tos & 3 ? TOS_ECN : TOS_ANY, .tos = l->tos & 3, .ace = -1,
		.opt_len = (uint8_t)l->seg.opt.len,
	};
	memcpy(g.opt, l->seg.opt.p, l->seg.opt.len);
	if (!(l->seg.flags & TCP_SYN))
		add_to_blocks((uint8_t *)find_option(g.opt, g.opt_len, OPT_SACK), -f->remote_iss);
	return g;
}

static bool note_ts(struct run *r, struct flow *f, uint32_t script, uint32_t live)
{
	if (!(f->n_ts & (f->n_ts - 1))) {		/* full at each power of two */
		struct ts_pair *more = realloc(f->ts, (f->n_ts ? 2 * f->n_ts : 1) * sizeof *more);
		if (!more)
			return run_fail(r, "out of memory");
		f->ts = more;
	}
	f->ts[f->n_ts++] = (struct ts_pair){ script, live };
	if (!f->has_ts) {
		f->has_ts = true;
		f->ts_script = script;
		f->ts_live = live;
	}
	return true;
}

static bool same_ts(struct run *r, struct flow *f, const uint8_t *want, const uint8_t *got)
{
	uint32_t val = be32_at(want + 2), live = be32_at(got + 2);
	if (!note_ts(r, f, val, live))
		return false;
	const struct script_settings *set = &r->s->set;
	uint32_t as_script = f->ts_script + (live - f->ts_live);
	double slack = (double)run_now(r) * set->tolerance_percent / 100;
	slack = slack > (double)set->tolerance ? slack : (double)set->tolerance;
	double off = (double)(int32_t)(as_script - val) * (double)set->ts_tick;
	if (off > slack || -off > slack)
		return run_fail(r, "TS val is %u, not %u", as_script, val);
	uint32_t ecr = be32_at(want + 6), live_ecr = be32_at(got + 6);
	return ecr == live_ecr || run_fail(r, "TS ecr is %u, not %u", live_ecr, ecr);
}

static bool same_options(struct run *r, struct flow *f, const struct script_seg *want, const struct script_seg *got)
{
	if (want->any_opt)
		return true;
	if (want->opt_len != got->opt_len)
		return run_fail(r, "the options are others: %u bytes of them, not %u", got->opt_len, want->opt_len);
	for (size_t i = 0; i < want->opt_len; ) {
		const uint8_t *a = want->opt + i, *b = got->opt + i;
		size_t n = *a < 2 ? 1 : a[1] < 2 || i + a[1] > want->opt_len ? 0 : a[1];
		if (!n || *a != *b || (n > 1 && a[1] != b[1]))
			return run_fail(r, "the options are others, or in another order");
		if (*a == OPT_TS && n == 10) {
			if (!same_ts(r, f, a, b))
				return false;
		} else if (memcmp(a, b, n))
			return run_fail(r, "option %u has another value", *a);
		i += n;
	}
	return true;
}

static bool same_tos(struct run *r, const struct script_seg *want, const struct live *l)
{
	uint8_t ecn = l->tos & 3;
	switch (want->tos_kind) {
	case TOS_ECN:
		return ecn == want->tos || run_fail(r, "the ECN field is %u, not %u", ecn, want->tos);
	case TOS_ECT01:
		return ecn == 1 || ecn == 2 || run_fail(r, "the ECN field is %u, not ECT(0) or ECT(1)", ecn);
	case TOS_BYTE:
		return l->tos == want->tos || run_fail(r, "the type of service is 0x%02x, not 0x%02x", l->tos, want->tos);
	default:
		return true;
	}
}

static bool same_flags(struct run *r, const struct script_seg *want, const struct script_seg *got, uint8_t off)
{
	static const char *const names[] = { "FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR" };
	uint8_t mask = want->ace >= 0 ? (uint8_t)~(TCP_ECE | TCP_CWR) : 0xff;
	for (int i = 0; i < 8; i++)
		if ((got->flags ^ want->flags) & mask & (1 << i))
			return run_fail(r, "%s is %s", names[i], got->flags & (1 << i) ? "set" : "not set");
	int ace = (off & 1 ? 4 : 0) | (got->flags & TCP_CWR ? 2 : 0) | (got->flags & TCP_ECE ? 1 : 0);
	if (want->ace >= 0 ? ace != want->ace : off & 1)
		return run_fail(r, "the ACE counter is %d", ace);
	return !(off & 0x0e) || run_fail(r, "a reserved bit is set");
}

static bool same(struct run *r, struct flow *f, const struct script_seg *want, const struct script_seg *got, const struct live *l)
{
	if (!same_flags(r, want, got, l->off))
		return false;
	if (got->len != want->len)
		return run_fail(r, "the segment carries %u bytes, not %u", got->len, want->len);
	if (got->seq != want->seq)
		return run_fail(r, "the sequence number is %u, not %u", got->seq, want->seq);
	if (got->ack != want->ack)
		return run_fail(r, "the acknowledgement is %u, not %u", got->ack, want->ack);
	if (want->wnd >= 0 && got->wnd != want->wnd)
		return run_fail(r, "the window is %d, not %d", got->wnd, want->wnd);
	if (got->urp != want->urp)
		return run_fail(r, "the urgent pointer is %u, not %u", got->urp, want->urp);
	if (want->ttl && l->ttl != want->ttl)
		return run_fail(r, "the time to live is %u, not %u", l->ttl, want->ttl);
	return same_tos(r, want, l) && same_options(r, f, want, got);
}

static bool all_zero(struct wire_bytes b)
{
	for (size_t i = 0; i < b.len; i++)
		if (b.p[i])
			return false;
	return true;
}

/* Adds the next piece to the whole. */
static bool join(struct run *r, struct script_seg *whole, uint32_t piece, const struct script_seg *g, uint32_t want)
{
	uint8_t last = TCP_PSH | TCP_FIN, either = last | TCP_CWR;
	if (g->seq != whole->seq + whole->len)
		return run_fail(r, "after %u bytes of %u the next piece is %u, not %u", whole->len, want, g->seq, whole->seq + whole->len);
	if ((g->flags ^ whole->flags) & ~either || g->ack != whole->ack || g->wnd != whole->wnd || g->opt_len != whole->opt_len)
		return run_fail(r, "after %u bytes of %u the next piece has other flags, ACK, window or options", whole->len, want);
	if (g->len != piece && whole->len + g->len < want)
		return run_fail(r, "after %u bytes of %u a piece has %u bytes, not %u", whole->len, want, g->len, piece);
	whole->flags = (uint8_t)((whole->flags & ~last) | (g->flags & last));
	whole->len += g->len;
	return true;
}

/* What came, in the script's words; its TS val too, once the distance is known. */
static void note_actual(struct run *r, const struct flow *f, struct script_seg g, bool any_wnd)
{
	uint8_t *ts = (uint8_t *)find_option(g.opt, g.opt_len, OPT_TS);
	if (ts && f->has_ts)
		be32_put(ts + 2, f->ts_script + (be32_at(ts + 2) - f->ts_live));
	seg_text(r->actual, sizeof r->actual, &g, any_wnd);
}

bool flow_out(struct run *r, struct flow *f, const struct script_seg *want, ol_time *at)
{
	struct live *l = malloc(sizeof *l);
	struct script_seg whole = { 0 };
	uint32_t piece = 0;
	bool ok = l || run_fail(r, "out of memory"), syn_ack = (want->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
	if (f->state == FLOW_SYN_RECEIVED && syn_ack)
		f->script_local_iss = want->seq;
	for (bool first = true; ok && (first || (whole.len < want->len && !r->s->set.strict_segments)); first = false) {
		if (!(ok = next_live(r, f, l)))
			break;
		if (f->state == FLOW_SYN_RECEIVED && syn_ack) {
			f->state = FLOW_SYN_ACK_SENT;
			f->local_iss = l->seg.seq.v;
		}
		struct script_seg g = to_script(f, l);
		if (first) {
			whole = g;
			piece = g.len;
		} else
			ok = join(r, &whole, piece, &g, want->len);
		if (ok && !all_zero(l->seg.text))
			ok = run_fail(r, "the text is not what was written");
		note_actual(r, f, whole, want->wnd < 0);
		*at = l->at;
	}
	ok = ok && same(r, f, want, &whole, l);
	if (ok)
		note_actual(r, f, whole, want->wnd < 0);
	free(l);
	return ok;
}
