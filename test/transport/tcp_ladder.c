/* The ladder: the little world around one TCP, and what happens in it line by line.  ladder_text.c has the notation. */
#include "tcp_ladder.h"
#include "ladder_text.h"
#include <ctype.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include "base/be.h"
#include "base/check.h"
#include "base/cksum.h"
#include "base/timer_kind.h"
#include "link/link.h"

enum { MAX_LOG = 200, MAX_CHILD = 64, LOCAL_PORT = 8080, PEER_PORT = 40000,
		OPEN_PORT = 30000 };

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
	struct numbers num;
	uint16_t opens;
	struct ol_verdict verdict;
	struct { unsigned at; uint8_t mask; bool summed; } bend;	/* of the next segment in; mask 0: none */
	char log[MAX_LOG][LADDER_LINE];
	unsigned n_log;
};

static void note(struct ladder *l, const char *fmt, const char *text)
{
	char *s = l->log[l->n_log++ % MAX_LOG];
	int n = snprintf(s, LADDER_LINE, "%9.3f ", (double)(l->now - l->start) / 1e6);
	snprintf(s + n, LADDER_LINE - (size_t)n, fmt, text);
}

static void bad(struct ladder *l, int line, const char *why, const char *want, const char *got)
{
	unsigned from = l->n_log > 30 ? l->n_log - 30 : 0;
	for (unsigned i = from; i < l->n_log; i++)
		fprintf(stderr, "%s\n", l->log[i % MAX_LOG]);
	fail_msg("line %d at %.3f ms: %s\n  want %s\n  got  %s", line, (double)(l->now - l->start) / 1e6, why, want, got);
}

#define FORMATTED(text, fmt) \
	char text[LADDER_LINE]; \
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
	char cfg[LADDER_LINE];
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

/* ---- what the peer sends ---------------------------------------------------------------------------------------- */

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
	ladder_read(text, &x);
	size_t n = ladder_options(&l->num, opt, x.opt);
	bool ae;
	uint8_t flags = ladder_flags(x.flags, &ae);
	struct tcp_seg g = {
		.src = l->peer.port, .dst = l->local.port, .seq = seq_from(PEER_ISS + x.from), .flags = flags, .ae = ae,
		.ack = seq_from(x.ack_ok ? l->num.iss + x.ack : 0), .wnd = (uint16_t)(x.win_ok ? x.win : 32767), .urp = (uint16_t)x.urg,
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
	be32_put(at + 4, l->num.iss + seq);
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
		char text[SHOWN_LEN];
		size_t ip = p->data[0] >> 4 == 4 ? 20 : 40;
		if (p->len >= ip + 20 && (ip == 20 ? p->data[9] : p->data[6]) == IPPROTO_TCP)
			ladder_show(&l->num, p, &l->local.addr, &l->peer.addr, &x, text);
		ol_pkt_free(p);
	}
	return n;
}

void ladder_out(struct ladder *l, int line, int ms, const char *fmt, ...)
{
	FORMATTED(text, fmt);
	struct shown want, got;
	char s[SHOWN_LEN];
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
	ladder_show(&l->num, p, &l->local.addr, &l->peer.addr, &got, s);
	note(l, "> %s", s);
	bool v6 = p->data[0] >> 4 == 6, df = v6 || (p->data[6] & 0x40);
	unsigned ecn = (v6 ? p->data[1] >> 4 : p->data[1]) & 3;
	ol_pkt_free(p);
	ladder_read(text, &want);
	const char *why = ladder_differ(&want, &got);
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
	char s[SHOWN_LEN];
	struct ol_pkt *p = sent(l);
	if (!p)
		return;
	ladder_show(&l->num, p, &l->local.addr, &l->peer.addr, &got, s);
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
		l->num.iss_known = false;
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
		l->num.iss_known = false;
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
	const char *syn = syn_options(how), *val = strstr(syn, "TS val");
	if (val)
		snprintf(ts, sizeof ts, " <nop,nop,TS val %d ecr last>", atoi(val + strlen("TS val")));
	in (l, 20, ". 1:1(0) ack 1 win %d%s", strstr(syn, "wscale") ? 257 : 32792, ts);
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
	l->num.iss_known = false;
}

void ladder_turn_to(struct ladder *l, struct tcp_tcb *tcb)
{
	l->tcb = tcb;
	l->local.port = tcb->node.local.port;
	l->num.iss = tcb->iss.v;
	l->num.iss_known = true;
}

struct tcp_tcb *ladder_tcb(struct ladder *l) { return l->tcb; }
struct tcp_listener *ladder_listener(struct ladder *l) { return l->listener; }
struct tcp *ladder_tcp(struct ladder *l) { return l->tcp; }
struct net *ladder_net(struct ladder *l, int *ifi) { return *ifi = l->ifi, l->net; }
ol_time ladder_now(const struct ladder *l) { return l->now; }
uint64_t ladder_fate(const struct ladder *l, enum ol_fate fate) { return tcp_count(l->tcp, fate); }
struct ol_verdict ladder_verdict(const struct ladder *l) { return l->verdict; }
