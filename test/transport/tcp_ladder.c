/* The ladder: reading and showing segments in packetdrill's notation, and the little world around one TCP. */
#include "tcp_ladder.h"
#include <ctype.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include "base/be.h"
#include "base/check.h"
#include "base/cksum.h"
#include "base/timer_kind.h"
#include "link/link.h"

enum { LINE = 256, TEXT = LINE + 100, MAX_LOG = 200, MAX_CHILD = 64, LOCAL_PORT = 8080, PEER_PORT = 40000,
		OPEN_PORT = 30000 };
#define PEER_ISS 1000000u

struct ladder {
	struct ol_pool *pool;
	struct wheel wheel;
	struct link *link;
	struct net *net;
	struct tcp *tcp;
	struct tcp_tcb *tcb;
	struct tcp_listener *listener;
	struct ol_endpoint local, peer;
	ol_time start, now;
	int ifi;
	bool iss_known;
	uint32_t iss, last_ts;
	uint8_t cookie[16], cookie_len;			/* the last we sent */
	uint16_t opens;
	struct ol_verdict verdict;
	struct { unsigned at; uint8_t mask; bool summed; } bend;	/* of the next segment in; mask 0: none */
	char log[MAX_LOG][LINE];
	unsigned n_log;
};

static void note(struct ladder *l, const char *fmt, const char *text)
{
	char *s = l->log[l->n_log++ % MAX_LOG];
	int n = snprintf(s, LINE, "%9.3f ", (double)(l->now - l->start) / 1e6);
	snprintf(s + n, LINE - (size_t)n, fmt, text);
}

static void bad(struct ladder *l, int line, const char *why, const char *want, const char *got)
{
	unsigned from = l->n_log > 30 ? l->n_log - 30 : 0;
	for (unsigned i = from; i < l->n_log; i++)
		fprintf(stderr, "%s\n", l->log[i % MAX_LOG]);
	fail_msg("line %d at %.3f ms: %s\n  want %s\n  got  %s", line, (double)(l->now - l->start) / 1e6, why, want, got);
}

#define FORMATTED(text, fmt) \
	char text[LINE]; \
	va_list args; \
	va_start(args, fmt); \
	vsnprintf(text, sizeof text, fmt, args); \
	va_end(args)

/* ---- the world -------------------------------------------------------------------------------------------------- */

static void expire(struct ladder *l)
{
	for (struct timer *t; (t = wheel_expire(&l->wheel, l->now)); ) {
		switch (t->kind) {
		case TIMER_LINK:
			link_expire(l->link, t, l->now);
			break;
		case TIMER_NET: case TIMER_NET_FRAG: case TIMER_NET_GROUP:
			net_expire(l->net, t, l->now);
			break;
		default:
			tcp_expire(l->tcp, t, l->now);
		}
	}
	tcp_check_all(l->tcp);
	assert_true(wheel_deadline(&l->wheel) > l->now);
}

struct ladder *ladder_new(struct ladder_how how)
{
	struct ladder *l = calloc(1, sizeof *l);
	struct link_config lc = link_config_default();
	struct net_config nc = net_config_default();
	struct tcp_config tc = tcp_config_default();
	char cfg[LINE];
	snprintf(cfg, sizeof cfg, "%s", how.cfg ? how.cfg : "");
	for (char *save = NULL, *s = strtok_r(cfg, ",", &save); s; s = strtok_r(NULL, ",", &save)) {
		char *eq = strchr(s, '=');
		assert_non_null(eq);
		*eq = 0;
		assert_int_equal(tcp_config_set(&tc, s, eq + 1), 0);
	}
	memcpy(tc.seed, "a ladder's seed!", 16);
	l->start = l->now = 1000 * OL_SEC;
	l->pool = ol_pool_new(0);
	wheel_init(&l->wheel, l->now);
	l->link = link_new(&lc, l->pool, &l->wheel, l->now);
	l->net = net_new(&nc, l->link, l->pool, &l->wheel, l->now);
	l->tcp = tcp_new(&tc, l->net, l->pool, &l->wheel, l->now);
	struct ol_iface_config ic = {
		.name = "tun0", .link = OL_LINK_IP, .features = (uint8_t)how.features,
			.mtu = how.mtu ? how.mtu : how.v6 ? 1520 : 1500,
	};
	l->ifi = link_iface_add(l->link, &ic);
	assert_true(l->ifi > 0);
	ol_addr_parse(how.v6 ? "fd00::1" : "10.0.0.1", &l->local.addr);
	ol_addr_parse(how.v6 ? "fd00::2" : "10.0.0.2", &l->peer.addr);
	assert_int_equal(net_addr_add(l->net, l->ifi, &l->local.addr, how.v6 ? 64 : 24, l->now), 0);
	l->local.port = LOCAL_PORT;
	l->peer.port = PEER_PORT;
	for (int i = 0; i < 5; i++) {		/* what the floors below say when an interface comes up is not our subject */
		l->now += OL_SEC;
		expire(l);
		ladder_flush(l);
	}
	l->start = l->now;
	return l;
}

void ladder_end(struct ladder *l)
{
	tcp_check_all(l->tcp);
	tcp_free(l->tcp);
	net_free(l->net);
	link_free(l->link);
	ol_pool_free(l->pool);
	free(l);
}

static void pass(struct ladder *l, ol_time until)
{
	for (int i = 0; i < 100000; i++) {
		ol_time at = wheel_deadline(&l->wheel);
		if (at > until)
			break;
		l->now = MAX(l->now, at);
		expire(l);
	}
	l->now = MAX(l->now, until);
	expire(l);
}

/* ---- segments as text ------------------------------------------------------------------------------------------- */

struct shown {				/* a segment in the notation's numbers */
	char flags[10];
	uint32_t from, to, len, ack, win, urg;
	bool ack_ok, win_ok, urg_ok, opt_ok;
	char opt[LINE];
};

static void flags_text(uint8_t f, bool ae, char *s)
{
	static const struct { uint8_t bit; char c; } all[] = {
		{ TCP_FIN, 'F' }, { TCP_SYN, 'S' }, { TCP_RST, 'R' }, { TCP_PSH, 'P' }, { TCP_URG, 'U' }, { TCP_ECE, 'E' },
		{ TCP_CWR, 'W' }, { TCP_ACK, '.' },
	};
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (f & all[i].bit)
			*s++ = all[i].c;
	if (ae)
		*s++ = 'A';
	*s = 0;
}

static uint8_t flags_of(const char *s, bool *ae)
{
	uint8_t f = 0;
	*ae = false;
	for (; *s; s++) {
		if (*s >= '0' && *s <= '7')
			f |= (uint8_t)((*s - '0') << 6);
		*ae |= *s == 'A' || (*s >= '4' && *s <= '7');
		f |= *s == 'F' ? TCP_FIN : *s == 'S' ? TCP_SYN : *s == 'R' ? TCP_RST : *s == 'P' ? TCP_PSH : *s == 'U' ? TCP_URG :
		     *s == 'E' ? TCP_ECE : *s == 'W' ? TCP_CWR : *s == '.' ? TCP_ACK : 0;
	}
	return f;
}

static int cookie_text(struct ladder *l, char *s, const char *comma, const char *name, const uint8_t *p, size_t n)
{
	int len = sprintf(s, "%s%s%s", comma, name, n ? " " : "");
	assert_true(n <= sizeof l->cookie);
	if (n)
		memcpy(l->cookie, p, l->cookie_len = (uint8_t)n);
	for (size_t i = 0; i < n; i++)
		len += sprintf(s + len, "%02x", p[i]);
	return len;
}

/* The options, in order, as packetdrill writes them. */
static void opts_text(struct ladder *l, const uint8_t *p, size_t len, char *s)
{
	char *e = s + LINE - 80;
	*s = 0;
	for (size_t i = 0; i < len && s < e; ) {
		const char *comma = i ? "," : "";
		size_t n = p[i] < 2 ? 1 : p[i + 1];
		switch (p[i]) {
		case 0: s += sprintf(s, "%seol", comma); break;
		case 1: s += sprintf(s, "%snop", comma); break;
		case 2: s += sprintf(s, "%smss %u", comma, be16_at(p + i + 2)); break;
		case 3: s += sprintf(s, "%swscale %u", comma, p[i + 2]); break;
		case 4: s += sprintf(s, "%ssackOK", comma); break;
		case 5:
			s += sprintf(s, "%ssack", comma);
			for (size_t k = 2; k + 8 <= n; k += 8)
				s += sprintf(s, " %u:%u", be32_at(p + i + k) - PEER_ISS, be32_at(p + i + k + 4) - PEER_ISS);
			break;
		case 8:
			l->last_ts = be32_at(p + i + 2);
			s += sprintf(s, "%sTS val * ecr %u", comma, be32_at(p + i + 6));
			break;
		case 172: case 174:
			s += sprintf(s, "%sECN%d", comma, p[i] == 174);
			for (size_t k = 2; k + 3 <= n; k += 3)
				s += sprintf(s, " %u", be32_at(p + i + k - 1) & 0xffffff);
			break;
		case 34: s += cookie_text(l, s, comma, "FO", p + i + 2, n - 2); break;
		case 254: s += cookie_text(l, s, comma, "FOEXP", p + i + 4, n - 4); break;
		default: s += sprintf(s, "%sopt %u", comma, p[i]);
		}
		i += n ? n : 1;
	}
}

/*
 * Of every segment that is sent: no bit but AE where bits are reserved, whole options to the end of the header or zeros behind their end
 * (RFC 9293 3.1), and what SYNs agree on stands on SYNs alone, the MSS on each of them (3.7.1).
 */
static void check_header(const uint8_t *h, const struct tcp_seg *g)
{
	enum { END, NOP, MSS, WSCALE, SACK_OK };
	bool mss = false;
	const uint8_t *o = g->opt.p, *end = o + g->opt.len;
	assert_int_equal(h[12] & 0x0e, 0);
	while (o < end && *o != END) {
		if (*o == NOP) {
			o++;
			continue;
		}
		assert_true(end - o >= 2 && o[1] >= 2 && o[1] <= end - o);
		assert_true((g->flags & TCP_SYN) || (*o != MSS && *o != WSCALE && *o != SACK_OK));
		mss |= *o == MSS;
		o += o[1];
	}
	for (; o < end; o++)
		assert_int_equal(*o, 0);
	assert_true(mss || !(g->flags & TCP_SYN));
}

static void show(struct ladder *l, const struct ol_pkt *p, struct shown *x, char *text)
{
	size_t ip = p->data[0] >> 4 == 4 ? (p->data[0] & 15) * 4u : 40;
	struct tcp_seg g;
	assert_int_equal(wire_tcp_parse(&g, p->data + ip, p->len - ip), OL_PASS);
	check_header(p->data + ip, &g);
	if (p->csum != OL_CSUM_PARTIAL) {
		uint32_t sum = cksum_pseudo(&l->local.addr, &l->peer.addr, IPPROTO_TCP, (uint32_t)(p->len - ip));
		assert_int_equal(cksum_finish(cksum_add(sum, p->data + ip, p->len - ip)), 0);
	}
	if ((g.flags & TCP_SYN) && !l->iss_known) {
		l->iss = g.seq.v;
		l->iss_known = true;
	}
	*x = (struct shown){ .len = (uint32_t)g.text.len, .win = g.wnd, .urg = g.urp, .win_ok = true };
	flags_text(g.flags, g.ae, x->flags);
	x->from = g.seq.v - l->iss;
	x->to = x->from + x->len;
	x->ack_ok = g.flags & TCP_ACK;
	x->ack = g.ack.v - PEER_ISS;
	x->urg_ok = g.flags & TCP_URG;
	opts_text(l, g.opt.p, g.opt.len, x->opt);
	snprintf(text, TEXT, "%s %u:%u(%u) ack %u win %u urg %u <%s>", x->flags, x->from, x->to, x->len, x->ack,
		x->win, x->urg,
		 x->opt);
}

static const char *after(const char *text, const char *word)
{
	const char *p = strstr(text, word);
	return p ? p + strlen(word) : NULL;
}

static void read_text(const char *text, struct shown *x)
{
	char head[LINE], *lt;
	*x = (struct shown){ 0 };
	snprintf(head, sizeof head, "%s", text);
	if ((lt = strchr(head, '<'))) {
		x->opt_ok = true;
		snprintf(x->opt, sizeof x->opt, "%s", lt + 1);
		x->opt[strcspn(x->opt, ">")] = 0;
		*lt = 0;
	}
	if (sscanf(head, "%9s %u:%u(%u)", x->flags, &x->from, &x->to, &x->len) != 4)
		fail_msg("no segment: %s", text);
	const char *p;
	if ((p = after(head, " ack ")))
		x->ack_ok = sscanf(p, "%u", &x->ack) == 1;
	if ((p = after(head, " win ")))
		x->win_ok = sscanf(p, "%u", &x->win) == 1;
	if ((p = after(head, " urg ")))
		x->urg_ok = sscanf(p, "%u", &x->urg) == 1;
	bool ae;
	uint8_t f = flags_of(x->flags, &ae);
	flags_text(f, ae, x->flags);
}

/* ---- what the peer sends ---------------------------------------------------------------------------------------- */

/* The bytes of a cookie in hex, "cookie" for the last one we sent, with its first byte turned over after "not ". */
static size_t put_cookie(struct ladder *l, uint8_t *o, const char *s)
{
	size_t n = 0;
	unsigned b;
	s += strspn(s, " ");
	bool wrong = !strncmp(s, "not ", 4);
	if (!strcmp(s + 4 * wrong, "cookie")) {
		memcpy(o, l->cookie, n = l->cookie_len);
		o[0] ^= wrong ? 0xff : 0;
		return n;
	}
	for (; sscanf(s, "%2x", &b) == 1; s += 2)
		o[n++] = (uint8_t)b;
	return n;
}

static size_t put_opt(struct ladder *l, uint8_t *o, const char *s)
{
	unsigned a, b;
	char ecr[20];
	if (!strcmp(s, "nop") || !strcmp(s, "eol")) {
		o[0] = *s == 'n';
		return 1;
	}
	if (sscanf(s, "mss %u", &a) == 1) {
		o[0] = 2, o[1] = 4;
		be16_put(o + 2, (uint16_t)a);
		return 4;
	}
	if (sscanf(s, "wscale %u", &a) == 1) {
		o[0] = 3, o[1] = 3, o[2] = (uint8_t)a;
		return 3;
	}
	if (!strcmp(s, "sackOK")) {
		o[0] = 4, o[1] = 2;
		return 2;
	}
	if (sscanf(s, "TS val %u ecr %19s", &a, ecr) == 2) {
		o[0] = 8, o[1] = 10;
		be32_put(o + 2, a);
		be32_put(o + 6, !strcmp(ecr, "last") ? l->last_ts : (uint32_t)atoi(ecr));
		return 10;
	}
	if (!strncmp(s, "sack ", 5)) {
		size_t n = 2;
		for (const char *p = s + 4; p && sscanf(p, " %u:%u", &a, &b) == 2; p = strchr(p + 1, ' '), n += 8) {
			be32_put(o + n, l->iss + a);
			be32_put(o + n + 4, l->iss + b);
		}
		o[0] = 5, o[1] = (uint8_t)n;
		return n;
	}
	if (!strncmp(s, "FOEXP", 5)) {
		size_t n = 4 + put_cookie(l, o + 4, s + 5);
		o[0] = 254, o[1] = (uint8_t)n;
		be16_put(o + 2, 0xf989);
		return n;
	}
	if (!strncmp(s, "FO", 2)) {
		size_t n = 2 + put_cookie(l, o + 2, s + 2);
		o[0] = 34, o[1] = (uint8_t)n;
		return n;
	}
	if (sscanf(s, "ECN%u", &a) == 1) {
		size_t n = 2;
		for (const char *p = s + 4; sscanf(p, " %u", &b) == 1; p += strcspn(p, " "), n += 3) {
			o[n] = (uint8_t)(b >> 16);
			be16_put(o + n + 1, (uint16_t)b);
			p += strspn(p, " ");
		}
		o[0] = a ? 174 : 172, o[1] = (uint8_t)n;
		return n;
	}
	if (sscanf(s, "raw %2x%2x", &a, &b) == 2) {		/* a kind and a length, with nothing behind */
		o[0] = (uint8_t)a, o[1] = (uint8_t)b;
		return 2;
	}
	fail_msg("no option: %s", s);
	return 0;
}

static size_t put_opts(struct ladder *l, uint8_t *o, const char *text)
{
	char all[LINE];
	size_t n = 0;
	snprintf(all, sizeof all, "%s", text);
	for (char *save = NULL, *s = strtok_r(all, ",", &save); s; s = strtok_r(NULL, ",", &save))
		n += put_opt(l, o + n, s);
	while (n % 4)
		o[n++] = 1;
	assert_true(n <= 40);
	return n;
}

static void give(struct ladder *l, struct ol_pkt *p, struct net_rx *rx)
{
	void *user;
	tcp_input(l->tcp, p, rx, &l->verdict, &user, l->now);
	tcp_check_all(l->tcp);
}

void ladder_in(struct ladder *l, int line, int ms, const char *fmt, ...)
{
	FORMATTED(text, fmt);
	struct shown x;
	uint8_t opt[60];
	pass(l, l->now + ms * OL_MS);
	note(l, "< %s", text);
	read_text(text, &x);
	size_t n = put_opts(l, opt, x.opt);
	bool ae;
	uint8_t flags = flags_of(x.flags, &ae);
	struct tcp_seg g = {
		.src = l->peer.port, .dst = l->local.port, .seq = seq_from(PEER_ISS + x.from), .flags = flags, .ae = ae,
		.ack = seq_from(x.ack_ok ? l->iss + x.ack : 0), .wnd = (uint16_t)(x.win_ok ? x.win : 32767), .urp = (uint16_t)x.urg,
	};
	struct ol_pkt *p = ol_pkt_new(l->pool, 20 + n + x.len);
	uint8_t *at = ol_pkt_put(p, 20 + n + x.len);
	wire_tcp_build(at, &g, n);
	memcpy(at + 20, opt, n);
	for (uint32_t i = 0; i < x.len; i++)
		at[20 + n + i] = (uint8_t)(x.from + i);
	uint32_t sum = cksum_pseudo(&l->peer.addr, &l->local.addr, IPPROTO_TCP, p->len);
	if (l->bend.summed)
		at[l->bend.at] ^= l->bend.mask;
	be16_put(at + WIRE_TCP_CKSUM, cksum_finish(cksum_add(sum, at, p->len)));
	if (!l->bend.summed)
		at[l->bend.at] ^= l->bend.mask;
	l->bend.mask = 0;
	struct net_rx rx = {
		.what = NET_UP_DATAGRAM, .src = l->peer.addr, .dst = l->local.addr, .proto = IPPROTO_TCP, .ttl = 64, .ifi = l->ifi,
		.ip_len = l->peer.addr.ver == 6 ? 40 : 20, .tos = strstr(text, "[ce]") ? 3 : strstr(text, "[ect0]") ? 2 : strstr(text, "[ect1]") ? 1 : 0,
	};
	give(l, p, &rx);
}

void ladder_bend(struct ladder *l, unsigned at, uint8_t mask, bool summed)
{
	l->bend.at = at;
	l->bend.mask = mask;
	l->bend.summed = summed;
}

void ladder_icmp(struct ladder *l, enum ol_err err, bool hard, uint32_t mtu, uint32_t seq)
{
	struct ol_pkt *p = ol_pkt_new(l->pool, 8);
	uint8_t *at = ol_pkt_put(p, 8);
	be16_put(at, l->local.port);
	be16_put(at + 2, l->peer.port);
	be32_put(at + 4, l->iss + seq);
	struct net_rx rx = {
		.what = NET_UP_ERROR, .src = l->local.addr, .dst = l->peer.addr, .proto = IPPROTO_TCP, .ifi = l->ifi,
		.error = { .from = l->peer.addr, .err = err, .hard = hard, .info = mtu },
	};
	tcp_icmp(l->tcp, p, &rx, l->now);
	tcp_check_all(l->tcp);
	ol_pkt_free(p);
}

/* ---- what comes out --------------------------------------------------------------------------------------------- */

static struct ol_pkt *sent(struct ladder *l) { return link_dequeue(l->link, l->ifi); }

struct ol_pkt *ladder_take(struct ladder *l) { return sent(l); }

void ladder_together(struct ladder *l) { tcp_batch_begin(l->tcp); }
void ladder_together_end(struct ladder *l) { tcp_batch_end(l->tcp, l->now); }

unsigned ladder_flush(struct ladder *l)
{
	unsigned n = 0;
	for (struct ol_pkt *p; (p = sent(l)); n++) {
		struct shown x;
		char text[TEXT];
		size_t ip = p->data[0] >> 4 == 4 ? 20 : 40;
		if (p->len >= ip + 20 && (ip == 20 ? p->data[9] : p->data[6]) == IPPROTO_TCP)
			show(l, p, &x, text);
		ol_pkt_free(p);
	}
	return n;
}

/* In a pattern "FO cookie" is any: which it is the test does not foretell. */
static void any_cookie(struct shown *got)
{
	char *at = strstr(got->opt, "FO");
	at = at ? strchr(at, ' ') : NULL;
	if (!at)
		return;
	char *end = at + 1 + strspn(at + 1, "0123456789abcdef");
	char rest[LINE];
	snprintf(rest, sizeof rest, "%s", end);
	snprintf(at, LINE - (size_t)(at - got->opt), " cookie%s", rest);
}

static const char *differ(const struct shown *w, const struct shown *g)
{
	if (strcmp(w->flags, g->flags))
		return "flags differ";
	if (w->from != g->from || w->len != g->len)
		return "sequence numbers differ";
	if (w->ack_ok && (!g->ack_ok || w->ack != g->ack))
		return "acknowledgements differ";
	if (w->win_ok && w->win != g->win)
		return "windows differ";
	if (w->urg_ok && w->urg != g->urg)
		return "urgent pointers differ";
	if (w->opt_ok && strcmp(w->opt, g->opt))
		return "options differ";
	return NULL;
}

void ladder_out(struct ladder *l, int line, int ms, const char *fmt, ...)
{
	FORMATTED(text, fmt);
	struct shown want, got;
	char s[TEXT];
	bool any_time = ms < 0;
	ol_time until = l->now + abs(ms) * OL_MS;
	struct ol_pkt *p = ms == 0 ? sent(l) : NULL;
	while (!p && l->now < until) {				/* timer by timer, so that it is known when it came */
		ol_time at = wheel_deadline(&l->wheel);
		pass(l, MIN(at, until));
		p = sent(l);
	}
	if (!p)
		bad(l, line, "nothing came", text, "-");
	show(l, p, &got, s);
	note(l, "> %s", s);
	bool v6 = p->data[0] >> 4 == 6, df = v6 || (p->data[6] & 0x40);
	unsigned ecn = (v6 ? p->data[1] >> 4 : p->data[1]) & 3;
	ol_pkt_free(p);
	read_text(text, &want);
	if (strstr(want.opt, " cookie"))
		any_cookie(&got);
	const char *why = differ(&want, &got);
	if (why)
		bad(l, line, why, text, s);
	if (until - l->now > OL_MS && !any_time)
		bad(l, line, "too early", text, s);
	if (!df)
		bad(l, line, "may be fragmented", text, s);
	if ((strstr(text, "[ect0]") && ecn != 2) || (strstr(text, "[noecn]") && ecn != 0))
		bad(l, line, "ECN codepoints differ", text, s);
}

void ladder_none(struct ladder *l, int line)
{
	struct shown got;
	char s[TEXT];
	struct ol_pkt *p = sent(l);
	if (!p)
		return;
	show(l, p, &got, s);
	ol_pkt_free(p);
	bad(l, line, "nothing was to come", "-", s);
}

void ladder_wait(struct ladder *l, int line, int ms)
{
	ol_time until = l->now + ms * OL_MS;
	ladder_none(l, line);
	while (l->now < until) {
		pass(l, MIN(wheel_deadline(&l->wheel), until));
		ladder_none(l, line);
	}
}

/* ---- what the program does -------------------------------------------------------------------------------------- */

static const struct { const char *name; enum ol_err err; } errs[] = {
	{ "again", OL_ERR_AGAIN }, { "reset", OL_ERR_CONNRESET }, { "pipe", OL_ERR_PIPE }, { "refused", OL_ERR_CONNREFUSED },
	{ "timedout", OL_ERR_TIMEDOUT }, { "inval", OL_ERR_INVAL }, { "notconn", OL_ERR_NOTCONN }, { "inuse",
		OL_ERR_ADDRINUSE },
	{ "notavail", OL_ERR_ADDRNOTAVAIL }, { "hostunreach", OL_ERR_HOSTUNREACH }, { "netunreach", OL_ERR_NETUNREACH },
	{ "ok", OL_OK }, { "none", OL_OK },
};

static void name_result(enum ol_err err, size_t done, bool counts, char *s)
{
	if (err == OL_OK && counts) {
		snprintf(s, 20, "%zu", done);
		return;
	}
	snprintf(s, 20, "err %d", err);
	for (size_t i = 0; i < ARRAY_LEN(errs); i++)
		if (errs[i].err == err) {
			snprintf(s, 20, "%s", errs[i].name);
			return;
		}
}

static uint8_t buf[1 << 20];

static enum ol_err do_io(struct ladder *l, const char *verb, unsigned n, size_t *done)
{
	struct iovec v = { buf, n };
	if (!strcmp(verb, "write"))
		return tcp_send(l->tcb, &v, 1, 0, done, l->now);
	if (!strcmp(verb, "more"))
		return tcp_send(l->tcb, &v, 1, TCP_SEND_MORE, done, l->now);
	if (!strcmp(verb, "record"))
		return tcp_send(l->tcb, &v, 1, TCP_SEND_EOR, done, l->now);
	if (!strcmp(verb, "urg"))
		return tcp_send(l->tcb, &v, 1, TCP_SEND_URG, done, l->now);
	if (!strcmp(verb, "read"))
		return tcp_recv(l->tcb, &v, 1, 0, done, l->now);
	if (!strcmp(verb, "peek"))
		return tcp_recv(l->tcb, &v, 1, TCP_RECV_PEEK, done, l->now);
	if (!strcmp(verb, "fastopen") || !strcmp(verb, "fastrecord")) {
		struct tcp_opts o = tcp_opts_default(l->tcp);
		l->local.port = (uint16_t)(OPEN_PORT + ++l->opens);
		l->iss_known = false;
		return tcp_open_fast(l->tcp, &l->tcb, &o, &l->local, &l->peer, &v, 1,
				     verb[4] == 'r' ? TCP_SEND_EOR : 0, done, l, l->now);
	}
	v.iov_len = 1;
	return tcp_recv(l->tcb, &v, 1, TCP_RECV_URG, done, l->now);
}

static enum ol_err do_call(struct ladder *l, const char *verb, const char *arg, bool *known)
{
	struct tcp_opts o = tcp_opts_default(l->tcp);
	*known = true;
	if (!strcmp(verb, "connect")) {
		l->local.port = (uint16_t)(OPEN_PORT - atoi(arg));
		l->iss_known = false;
		return tcp_open(l->tcp, &l->tcb, &o, &l->local, &l->peer, l, l->now);
	}
	if (!strcmp(verb, "listen"))
		return tcp_listen(l->tcp, &l->listener, &o, &l->local, *arg ? atoi(arg) : 10, false, l, l->now);
	if (!strcmp(verb, "listenfast")) {
		o.fastopen = (uint32_t)atoi(arg);
		return tcp_listen(l->tcp, &l->listener, &o, &l->local, 10, false, l, l->now);
	}
	if (!strcmp(verb, "accept")) {
		struct tcp_tcb *t = tcp_accept(l->listener, l, l->now);
		l->tcb = t ? t : l->tcb;
		return t ? OL_OK : OL_ERR_AGAIN;
	}
	if (!strcmp(verb, "shutdown"))
		return *arg == 'r' ? tcp_shutdown_recv(l->tcb, l->now) : tcp_shutdown_send(l->tcb, l->now);
	if (!strcmp(verb, "close"))
		return tcp_release(l->tcb, l->now), OL_OK;
	if (!strcmp(verb, "abort"))
		return tcp_abort(l->tcb, l->now), OL_OK;
	if (!strcmp(verb, "closelisten"))
		return tcp_listener_close(l->listener, l->now), OL_OK;
	if (!strcmp(verb, "error"))
		return tcp_error_take(l->tcb);
	if (!strcmp(verb, "nodelay") || !strcmp(verb, "cork")) {
		*(*verb == 'n' ? &tcp_opts(l->tcb)->nodelay : &tcp_opts(l->tcb)->cork) = *arg == '1';
		return tcp_opts_changed(l->tcb, l->now), OL_OK;
	}
	*known = false;
	return OL_OK;
}

void ladder_app(struct ladder *l, int line, int ms, const char *fmt, ...)
{
	FORMATTED(text, fmt);
	char verb[20] = "", arg[20] = "", got[20], want[20] = "";
	const char *eqs = strchr(text, '=');
	size_t done = 0;
	bool known;
	pass(l, l->now + ms * OL_MS);
	note(l, "  %s", text);
	sscanf(text, "%19s %19[^= ]", verb, arg);
	if (eqs)
		sscanf(eqs + 1, " %19s", want);
	enum ol_err err = do_call(l, verb, arg, &known);
	if (!known) {
		err = do_io(l, verb, (unsigned)atoi(arg), &done);
		if (err == OL_OK && done == 0 && !strcmp(want, "eof"))
			snprintf(want, sizeof want, "0");
		else if (!*want)
			snprintf(want, sizeof want, "%s", arg);
	} else if (!*want) {
		snprintf(want, sizeof want, "ok");
	}
	if (!strcmp(want, "none"))
		snprintf(want, sizeof want, "ok");
	name_result(err, done, !known, got);
	if (strcmp(want, got))
		bad(l, line, text, want, got);
	tcp_check_all(l->tcp);
}

/* ---- openings --------------------------------------------------------------------------------------------------- */

static const char *syn_options(struct ladder_how how) { return how.syn ? how.syn : "mss 1000,sackOK,nop,nop,nop,wscale 7"; }

struct ladder *ladder_new_listening(struct ladder_how how)
{
	struct ladder *l = ladder_new(how);
	app(l, 0, "listen %d", how.backlog ? how.backlog : 10);
	return l;
}

struct ladder *ladder_new_half_open(struct ladder_how how)
{
	struct ladder *l = ladder_new_listening(how);
	in (l, 0, "S 0:0(0) win 32792 <%s>", syn_options(how));
	out(l, 0, "S. 0:0(0) ack 1");
	return l;
}

struct ladder *ladder_new_established(struct ladder_how how)
{
	struct ladder *l = ladder_new_half_open(how);
	char ts[40] = "";
	const char *syn = syn_options(how), *val = after(syn, "TS val");
	if (val)
		snprintf(ts, sizeof ts, " <nop,nop,TS val %d ecr last>", atoi(val));
	in (l, 20, ". 1:1(0) ack 1 win %d%s", after(syn, "wscale") ? 257 : 32792, ts);
	none(l);
	app(l, 0, "accept");
	state_is(l, ESTABLISHED);
	return l;
}

struct ladder *ladder_new_syn_sent(struct ladder_how how)
{
	struct ladder *l = ladder_new(how);
	app(l, 0, "connect");
	out(l, 0, "S 0:0(0)");
	state_is(l, SYN_SENT);
	return l;
}

struct ladder *ladder_new_crossed(struct ladder_how how)
{
	struct ladder *l = ladder_new_syn_sent(how);
	in (l, 5, "S 0:0(0) win 1000 <%s>", syn_options(how));
	out(l, 0, "S. 0:0(0) ack 1");
	state_is(l, SYN_RECEIVED);
	return l;
}

void ladder_peer_port(struct ladder *l, uint16_t port)
{
	l->peer.port = port;
	l->iss_known = false;
}

void ladder_turn_to(struct ladder *l, struct tcp_tcb *tcb)
{
	l->tcb = tcb;
	l->local.port = tcb->node.local.port;
	l->iss = tcb->iss.v;
	l->iss_known = true;
}

struct tcp_tcb *ladder_tcb(struct ladder *l) { return l->tcb; }
struct tcp_listener *ladder_listener(struct ladder *l) { return l->listener; }
struct tcp *ladder_tcp(struct ladder *l) { return l->tcp; }
struct net *ladder_net(struct ladder *l, int *ifi) { return *ifi = l->ifi, l->net; }
ol_time ladder_now(const struct ladder *l) { return l->now; }
uint64_t ladder_fate(const struct ladder *l, enum ol_fate fate) { return tcp_count(l->tcp, fate); }
struct ol_verdict ladder_verdict(const struct ladder *l) { return l->verdict; }
