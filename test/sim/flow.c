/*
 * Connections that check themselves.  "Every byte arrives, in order, or the program is told": an end that was not broken by
 * either side must see all bytes and the end of file; where a side breaks, the other must see a prefix and then an end or an
 * error, never a wrong byte, never silence.
 */
#include "flow.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"

enum { FLOWS_MAX = 65536, LISTENERS_MAX = 16, CHUNK = 16384, HELLO = 8 };

struct end {
	struct sim_app app;		/* first: the app is the end */
	struct flow *flow;
	int host;
	bool client, open, connected, shut, eof, breaks;
	ol_sock s;
	uint64_t to_send, sent, to_recv, got;
	uint64_t break_at;		/* bytes got after which it breaks */
	int err;
	enum flow_end_by by;
};

struct flow { struct flows *all; struct flow_spec spec; struct end client, server; bool accepted, over; };
struct listener { struct sim_app app; struct flows *all; int host; ol_sock s; };
/* An accepted connection that has not yet said which flow it is. */
struct guest { struct sim_app app; struct flows *all; int host; ol_sock s; uint8_t hello[HELLO]; size_t got; struct guest *next; };

struct flows {
	struct sim *sim;
	struct flow **flow;
	uint32_t n, over;
	struct listener listener[LISTENERS_MAX];
	int n_listeners;
	struct guest *guests;
	bool done;
};

/* ---- the bytes ---------------------------------------------------------------------------------------------------- */
static uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static void stream(uint64_t key, uint64_t at, uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; ) {
		uint64_t w = mix(key + ((at + i) >> 3) * UINT64_C(0x9e3779b97f4a7c15));
		unsigned skip = (at + i) & 7;
		for (unsigned k = skip; k < 8 && i < len; k++)
			p[i++] = (uint8_t)(w >> (8 * k));
	}
}

static uint64_t key_of(const struct end *e, bool sending) { return e->flow->spec.key * 2 + (e->client == sending); }

/* What the end sends: the client's first 8 bytes are the flow's number. */
static void fill(const struct end *e, uint64_t at, uint8_t *p, size_t len)
{
	stream(key_of(e, true), at, p, len);
}

/* ---- one end ------------------------------------------------------------------------------------------------------ */
static struct ol_stack *stack(const struct end *e) { return sim_stack(e->app.sim, e->host); }

static void maybe_over(struct flow *f)
{
	if (f->over || f->client.open || f->server.open || f->client.app.wake != OL_NEVER)
		return;
	if (!f->accepted && !f->client.err && !f->client.breaks)
		return;				/* the server has yet to meet it */
	f->over = true;
	f->all->over++;
	f->all->done = f->all->over == f->all->n;
}

static void close_end(struct end *e, ol_time now)
{
	ol_set_tag(stack(e), e->s, NULL);
	int rc = ol_close(stack(e), e->s, now);
	SIM_CHECK(e->app.sim, rc == 0);
	e->open = false;
	e->app.wake = OL_NEVER;
	sim_app_del(e->app.sim, &e->app);
	maybe_over(e->flow);
}

static void fail_end(struct end *e, int err, ol_time now)
{
	e->err = err;
	close_end(e, now);
}

/* Gone in the middle, on purpose. */
static void break_end(struct end *e, ol_time now)
{
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };
	e->breaks = true;
	if (e->by == FLOW_ABORT)
		SIM_CHECK(e->app.sim, ol_setsockopt(stack(e), e->s, SOL_SOCKET, SO_LINGER, &hard, sizeof hard, now) == 0);
	close_end(e, now);
}

static bool breaking(const struct end *e)
{
	return (e->by == FLOW_ABORT || e->by == FLOW_WALK_OFF) && e->got >= e->break_at;
}

/* False: the end is gone. */
static bool write_some(struct end *e, ol_time now)
{
	uint8_t buf[CHUNK];
	struct rng *r = sim_rng(e->app.sim);
	while (e->sent < e->to_send) {
		size_t want = 1 + rng_below(r, e->flow->spec.slow_writer ? 300 : CHUNK);
		want = MIN(want, (size_t)MIN((uint64_t)CHUNK, e->to_send - e->sent));
		fill(e, e->sent, buf, want);
		ssize_t n = ol_send(stack(e), e->s, buf, want, 0, now);
		if (n == -EAGAIN)
			return true;
		if (n < 0) {
			fail_end(e, (int)-n, now);
			return false;
		}
		SIM_CHECK(e->app.sim, n > 0 && (size_t)n <= want);
		e->sent += (uint64_t)n;
		if (e->flow->spec.slow_writer && rng_chance(r, 0.3)) {
			e->app.wake = MIN(e->app.wake, now + 1 + (ol_time)rng_below(r, 30 * OL_MS));
			return true;
		}
	}
	return true;
}

static bool read_some(struct end *e, ol_time now)
{
	uint8_t buf[CHUNK], want[CHUNK];
	struct rng *r = sim_rng(e->app.sim);
	while (!e->eof) {
		size_t room = e->flow->spec.slow_reader ? 1 + rng_below(r, 3000) : CHUNK;
		ssize_t n = ol_recv(stack(e), e->s, buf, room, 0, now);
		if (n == -EAGAIN)
			return true;
		if (n < 0) {
			fail_end(e, (int)-n, now);
			return false;
		}
		e->eof = n == 0;
		stream(key_of(e, false), e->got, want, (size_t)n);
		if (e->got + (uint64_t)n > e->to_recv || memcmp(buf, want, (size_t)n) != 0)
			sim_fail(e->app.sim, "flow %llx: %s got wrong bytes at %llu", (unsigned long long)e->flow->spec.key,
				 e->client ? "client" : "server", (unsigned long long)e->got);
		e->got += (uint64_t)n;
		if (breaking(e)) {
			break_end(e, now);
			return false;
		}
		if (e->flow->spec.slow_reader && !e->eof) {
			e->app.wake = now + 1 + (ol_time)rng_below(r, 20 * OL_MS);
			return true;
		}
	}
	return true;
}

static void run_end(struct sim_app *app, ol_time now)
{
	struct end *e = (struct end *)(void *)app;
	if (!e->open)
		return;
	if (!e->connected) {
		unsigned ready = ol_poll(stack(e), e->s);
		int err = 0;
		socklen_t len = sizeof err;
		if (!(ready & (OL_EV_OUT | OL_EV_ERR | OL_EV_HUP)))
			return;
		SIM_CHECK(app->sim, ol_getsockopt(stack(e), e->s, SOL_SOCKET, SO_ERROR, &err, &len, now) == 0);
		if (err) {
			fail_end(e, err, now);
			return;
		}
		e->connected = true;
	}
	if (breaking(e)) {
		break_end(e, now);
		return;
	}
	if (!read_some(e, now) || !write_some(e, now))
		return;
	bool sent = e->sent == e->to_send;
	if (sent && !e->shut && e->by == FLOW_SHUTDOWN) {
		int rc = ol_shutdown(stack(e), e->s, SHUT_WR, now);
		if (rc < 0) {
			fail_end(e, -rc, now);
			return;
		}
		e->shut = true;
	}
	if (sent && (e->eof || (e->by == FLOW_CLOSE && e->got == e->to_recv)))
		close_end(e, now);
}

/*
 * A reset can get lost, an orphan can give up: then only probes tell the other side (RFC 9293 3.8.4).  Elsewhere there are none,
 * or they would hide a connection that stands still.
 */
static void set_keepalive(struct end *e, ol_time now)
{
	static const struct { int level, name, value; } opt[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 }, { IPPROTO_TCP, TCP_KEEPIDLE, 20 }, { IPPROTO_TCP, TCP_KEEPINTVL, 5 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 6 },
	};
	for (size_t i = 0; i < ARRAY_LEN(opt); i++)
		SIM_CHECK(e->app.sim, ol_setsockopt(stack(e), e->s, opt[i].level, opt[i].name, &opt[i].value, sizeof(int), now) == 0);
}

static void open_end(struct end *e, ol_sock s, ol_time now)
{
	e->s = s;
	if (e->flow->spec.client_by >= FLOW_ABORT || e->flow->spec.server_by >= FLOW_ABORT || e->flow->spec.may_fail)
		set_keepalive(e, now);
	e->open = true;
	sim_app_add(e->app.sim, &e->app, now);
	ol_set_tag(stack(e), s, &e->app);
}

static struct end make_end(struct flow *f, bool client)
{
	const struct flow_spec *p = &f->spec;
	struct end e = { .app = { .run = run_end, .sim = f->all->sim, .wake = OL_NEVER }, .flow = f, .client = client,
		.host = client ? p->client : p->server, .by = client ? p->client_by : p->server_by,
		.to_send = client ? p->up : p->down, .to_recv = client ? p->down : p->up };
	e.break_at = e.to_recv ? mix(p->key ^ client) % e.to_recv : 0;
	return e;
}

/* ---- connecting --------------------------------------------------------------------------------------------------- */
static socklen_t sockaddr(struct sockaddr_storage *ss, const char *addr, uint16_t port)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	memset(ss, 0, sizeof *ss);
	if (inet_pton(AF_INET, addr, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		return sizeof *in;
	}
	CHECK(inet_pton(AF_INET6, addr, &in6->sin6_addr) == 1);
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	return sizeof *in6;
}

/* RFC 7413: connecting and the first write are one. */
static int start_fast(struct end *e, struct sockaddr_storage *ss, socklen_t len, ol_time now)
{
	uint8_t buf[CHUNK];
	struct iovec v = { buf, (size_t)MIN((uint64_t)(1 + rng_below(sim_rng(e->app.sim), CHUNK)), e->to_send) };
	struct msghdr m = { .msg_name = ss, .msg_namelen = len, .msg_iov = &v, .msg_iovlen = 1 };
	fill(e, 0, buf, v.iov_len);
	ssize_t n = ol_sendmsg(stack(e), e->s, &m, MSG_FASTOPEN, now);
	if (n > 0)
		e->sent = (uint64_t)n;
	return n < 0 ? (int)n : 0;
}

static void run_start(struct sim_app *app, ol_time now)
{
	struct end *e = (struct end *)(void *)app;
	struct sockaddr_storage ss;
	socklen_t len = sockaddr(&ss, e->flow->spec.addr, e->flow->spec.port);
	sim_app_del(app->sim, app);
	app->run = run_end;
	ol_sock s = ol_socket(stack(e), ss.ss_family, SOCK_STREAM, 0, now);
	if (s < 0)
		sim_fail(app->sim, "no socket: %s", strerror(-s));
	open_end(e, s, now);
	int rc = e->flow->spec.fast ? start_fast(e, &ss, len, now) : ol_connect(stack(e), s, (struct sockaddr *)&ss, len, now);
	if (rc < 0 && rc != -EINPROGRESS)
		sim_fail(app->sim, "connect to %s: %s", e->flow->spec.addr, strerror(-rc));
}

/* ---- accepting ---------------------------------------------------------------------------------------------------- */
static void drop_guest(struct guest *g)
{
	struct guest **at = &g->all->guests;
	while (*at != g)
		at = &(*at)->next;
	*at = g->next;
	sim_app_del(g->all->sim, &g->app);
	free(g);
}

/* The first 8 bytes of the client's stream tell whose it is: streams differ by then. */
static struct flow *whose(struct flows *all, const uint8_t *hello)
{
	uint8_t want[HELLO];
	for (uint32_t i = 0; i < all->n; i++) {
		fill(&all->flow[i]->client, 0, want, HELLO);
		if (memcmp(want, hello, HELLO) == 0)
			return all->flow[i];
	}
	return NULL;
}

static void run_guest(struct sim_app *app, ol_time now)
{
	struct guest *g = (struct guest *)(void *)app;
	struct ol_stack *stk = sim_stack(g->all->sim, g->host);
	ssize_t n = ol_recv(stk, g->s, g->hello + g->got, HELLO - g->got, 0, now);
	if (n == -EAGAIN)
		return;
	if (n > 0 && (g->got += (size_t)n) < HELLO) {
		app->wake = now;
		return;
	}
	struct flow *f = n > 0 ? whose(g->all, g->hello) : NULL;
	struct sim *sim = g->all->sim;
	/* RFC 7413 6.1: text of a SYN that comes twice may be delivered twice. */
	if (n > 0 && (!f || (f->accepted && !f->spec.may_fail && !f->spec.fast)))
		sim_fail(sim, f ? "a second connection with a first one's bytes" : "a connection whose first bytes nobody sent");
	ol_sock s = g->s;
	ol_set_tag(stk, s, NULL);
	drop_guest(g);
	/* The client broke off before it said who it is; or a late segment with a cookie raised a connection that was over. */
	if (!f || f->accepted) {
		ol_close(stk, s, now);
		return;
	}
	if (f->over) {				/* the client had broken off, but what it said came through */
		f->over = false;
		f->all->over--;
		f->all->done = false;
	}
	f->accepted = true;
	f->server.connected = true;
	f->server.got = HELLO;
	open_end(&f->server, s, now);
}

static void run_listener(struct sim_app *app, ol_time now)
{
	struct listener *l = (struct listener *)(void *)app;
	struct ol_stack *stk = sim_stack(l->all->sim, l->host);
	for (;;) {
		ol_sock s = ol_accept(stk, l->s, NULL, NULL, now);
		if (s == -EAGAIN)
			return;
		if (s < 0)
			sim_fail(app->sim, "accept: %s", strerror(-s));
		struct guest *g = calloc(1, sizeof *g);
		*g = (struct guest){ .app.run = run_guest, .all = l->all, .host = l->host, .s = s, .next = l->all->guests };
		l->all->guests = g;
		ol_set_tag(stk, s, &g->app);
		sim_app_add(l->all->sim, &g->app, now);
	}
}

/* ---- all of them -------------------------------------------------------------------------------------------------- */
struct flows *flows_new(struct sim *s)
{
	struct flows *f = calloc(1, sizeof *f);
	f->sim = s;
	f->flow = calloc(FLOWS_MAX, sizeof(struct flow *));
	return f;
}

void flow_listen(struct flows *f, int host, const char *addr, uint16_t port, int backlog)
{
	struct listener *l = &f->listener[f->n_listeners++];
	struct ol_stack *stk = sim_stack(f->sim, host);
	struct sockaddr_storage ss;
	socklen_t len = sockaddr(&ss, addr, port);
	ol_time now = sim_now(f->sim);
	CHECK(f->n_listeners <= LISTENERS_MAX);
	*l = (struct listener){ .app.run = run_listener, .all = f, .host = host };
	l->s = ol_socket(stk, ss.ss_family, SOCK_STREAM, 0, now);
	SIM_CHECK(f->sim, l->s >= 0 && ol_bind(stk, l->s, (struct sockaddr *)&ss, len, now) == 0);
	SIM_CHECK(f->sim, ol_listen(stk, l->s, backlog, now) == 0);
	ol_set_tag(stk, l->s, &l->app);
	sim_app_add(f->sim, &l->app, OL_NEVER);
}

void flow_add(struct flows *f, const struct flow_spec *spec)
{
	struct flow *fl = calloc(1, sizeof *fl);
	CHECK(f->n < FLOWS_MAX && spec->up >= HELLO);
	f->flow[f->n++] = fl;
	f->done = false;
	fl->all = f;
	fl->spec = *spec;
	fl->client = make_end(fl, true);
	fl->server = make_end(fl, false);
	fl->client.app.run = run_start;
	sim_app_add(f->sim, &fl->client.app, spec->start);
}

const bool *flows_done(struct flows *f) { return &f->done; }

static void judge(struct flow *f)
{
	struct sim *s = f->all->sim;
	bool broken = f->client.breaks || f->server.breaks;
	struct end *ends[] = { &f->client, &f->server };
	/* A client that has sent all and closed is told nothing any more: its connection may fail unseen before it was accepted. */
	bool unseen = f->spec.may_fail && !f->accepted && !f->client.open;
	if (unseen)
		f->client.err = ETIMEDOUT;
	if (!f->over && !unseen)
		sim_fail(s, "flow %llx hangs: client sent %llu got %llu of %llu, server sent %llu got %llu of %llu",
			 (unsigned long long)f->spec.key, (unsigned long long)f->client.sent, (unsigned long long)f->client.got,
			 (unsigned long long)f->spec.down, (unsigned long long)f->server.sent, (unsigned long long)f->server.got,
			 (unsigned long long)f->spec.up);
	for (int i = 0; i < 2 && !broken; i++) {
		struct end *e = ends[i];
		if (e->err && f->spec.may_fail)
			continue;
		if (e->err)
			sim_fail(s, "flow %llx: the %s was told: %s, after %llu of %llu bytes", (unsigned long long)f->spec.key,
				 e->client ? "client" : "server", strerror(e->err), (unsigned long long)e->got, (unsigned long long)e->to_recv);
		if (!f->client.err && !f->server.err)
			SIM_CHECK(s, e->got == e->to_recv && e->sent == e->to_send);
	}
	for (int i = 0; i < 2 && broken; i++)		/* the one that stayed: told, or it had all it wanted */
		if (!ends[i]->breaks && ends[i]->err)
			SIM_CHECK(s, ends[i]->err == ECONNRESET || ends[i]->err == EPIPE || ends[i]->err == ETIMEDOUT ||
				  ends[i]->err == ENOTCONN ||	/* what shutdown() says of a connection that was reset: POSIX */
				  (f->spec.fast && ends[i]->err == ECONNREFUSED));	/* reset before its handshake was over */
}

void flows_finish(struct flows *f)
{
	for (int i = 0; i < f->n_listeners; i++) {
		struct listener *l = &f->listener[i];
		SIM_CHECK(f->sim, ol_close(sim_stack(f->sim, l->host), l->s, sim_now(f->sim)) == 0);
		sim_app_del(f->sim, &l->app);
	}
	f->n_listeners = 0;
	for (uint32_t i = 0; i < f->n; i++)
		judge(f->flow[i]);
	while (f->guests) {
		ol_close(sim_stack(f->sim, f->guests->host), f->guests->s, sim_now(f->sim));
		drop_guest(f->guests);
	}
}

struct flows_sum flows_sum(const struct flows *f)
{
	struct flows_sum sum = { .flows = f->n };
	for (uint32_t i = 0; i < f->n; i++) {
		const struct flow *fl = f->flow[i];
		bool broken = fl->client.breaks || fl->server.breaks, failed = fl->client.err || fl->server.err;
		sum.broken += broken;
		sum.failed += failed && !broken;
		sum.complete += !broken && !failed;
		sum.bytes += fl->client.got + fl->server.got;
	}
	return sum;
}

void flows_free(struct flows *f)
{
	for (uint32_t i = 0; i < f->n; i++)
		free(f->flow[i]);
	free(f->flow);
	free(f);
}
