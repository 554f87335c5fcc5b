/* The loop in virtual time, its wires, and its captures. */
#include "sim.h"
#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "model.h"
#include "stack/stack_int.h"

enum { HOSTS_MAX = 1024, WIRES_MAX = 1024, IFACES_MAX = 4096, ROUNDS_MAX = 1000000 };
#define SIM_EPOCH (INT64_C(1700000000) * OL_SEC)		/* any fixed day: captures must not differ */

struct nic { int host, wire, ifi, capture; unsigned port; };
struct host {
	char name[32];
	struct ol_stack *stk;
	int lo_capture;
	bool busy;			/* something came or went since the last rest */
	bool together;			/* sim_together */
};
struct wire { struct sim *sim; struct ol_wire *w; struct ol_wire_config cfg; unsigned plugged; uint64_t received; };

struct sim {
	ol_time now;
	struct rng rng;
	uint64_t seed;
	unsigned check_every, since_check;
	struct ol_pool *pool;
	struct host host[HOSTS_MAX];
	int n_hosts;
	struct wire wire[WIRES_MAX];
	int n_wires, damaging;		/* the wire that damages packets, or -1 */
	struct nic iface[IFACES_MAX];
	int n_ifaces;
	struct sim_app *apps;
	struct ol_capture *capture;
	struct model *model;
	bool introduced;		/* nothing waits for a neighbour's address, so what is sent leaves at once */
	uint64_t events;
};

_Noreturn void sim_fail(struct sim *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fprintf(stderr, "sim: at %.9f s: ", (double)s->now / 1e9);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	fflush(NULL);		/* a capture must hold what led here */
	va_end(ap);
	abort();
}

struct sim *sim_new(const struct sim_config *cfg)
{
	struct sim *s = calloc(1, sizeof *s);
	if (!s)
		abort();
	s->seed = cfg->seed;
	s->damaging = -1;
	s->check_every = cfg->check_every ? cfg->check_every : 1;
	rng_init(&s->rng, cfg->seed);
	s->pool = ol_pool_new(0);
	s->model = model_new();
	if (cfg->capture)
		s->capture = ol_capture_new(&(struct ol_capture_config){ .sink = cfg->capture, .ctx = cfg->capture_ctx, .epoch_ns = SIM_EPOCH });
	return s;
}

/*
 * A cable neither makes nor swallows a frame without saying so: what went in, and what was doubled, less what was lost, has come out
 * or is still under way.
 */
static void check_balance(struct sim *s, const struct wire *w)
{
	uint64_t due = 0;
	for (unsigned port = 0; port < w->plugged; port++)
		for (int dir = OL_WIRE_IN; dir <= OL_WIRE_OUT; dir++) {
			struct ol_wire_stats st;
			SIM_CHECK(s, ol_wire_get_stats(w->w, port, (enum ol_wire_dir)dir, &st) == 0);
			if (st.held_bytes)
				return;
			due += dir == OL_WIRE_IN ? st.frames : 0;
			for (unsigned i = 0; i < OL_WIRE_FAULTS; i++)
				due += 1u << i == OL_WIRE_DUP ? st.befell[i] : OL_WIRE_LOST >> i & 1 ? -st.befell[i] : 0;
		}
	SIM_CHECK(s, due == w->received);
}

void sim_free(struct sim *s)
{
	for (int i = 0; i < s->n_wires; i++)
		if (s->wire[i].plugged == 2)
			check_balance(s, &s->wire[i]);
	for (int i = 0; i < s->n_hosts; i++)
		ol_stack_free(s->host[i].stk);
	for (int i = 0; i < s->n_wires; i++)
		ol_wire_free(s->wire[i].w);
	ol_capture_free(s->capture);
	model_free(s->model);
	SIM_CHECK(s, ol_pool_used(s->pool) == 0);
	ol_pool_free(s->pool);
	free(s);
}

ol_time sim_now(const struct sim *s) { return s->now; }
struct rng *sim_rng(struct sim *s) { return &s->rng; }
struct ol_stack *sim_stack(struct sim *s, int host) { return s->host[host].stk; }
struct ol_wire *sim_wire_get(struct sim *s, int wire) { return s->wire[wire].w; }

/* ---- captures ----------------------------------------------------------------------------------------------------- */
static int capture_iface(struct sim *s, int host, const char *name, uint8_t link)
{
	char full[64];
	snprintf(full, sizeof full, "%s/%s", s->host[host].name, name);
	return s->capture ? ol_capture_iface(s->capture, full, NULL, link) : -1;
}

static void capture(struct sim *s, int host, int iface, const struct ol_pkt *pkt, ol_time at, enum ol_capture_dir dir,
		    struct ol_capture_note *n)
{
	char comment[OL_CAPTURE_COMMENT_MAX];
	snprintf(n->host, sizeof n->host, "%s", s->host[host].name);
	ol_capture_note_print(n, comment);
	ol_capture_frame(s->capture, (unsigned)iface, pkt, at, dir, comment);
}

static void capture_sent(struct sim *s, int host, int iface, const struct ol_pkt *pkt, ol_time at, unsigned befell)
{
	struct ol_capture_note n = { .sock = pkt->note.sock };
	if (pkt->note.state)
		snprintf(n.state, sizeof n.state, "%s", ol_tcp_state_name(pkt->note.state));
	snprintf(n.cause, sizeof n.cause, "%s", ol_cause_text(pkt->note.cause));
	ol_wire_befell_str(befell, n.wire);
	capture(s, host, iface, pkt, at, OL_CAPTURE_OUTBOUND, &n);
}

static void capture_got(struct sim *s, int host, int iface, const struct ol_pkt *pkt, ol_time at, const struct ol_verdict *v)
{
	struct ol_capture_note n = { .sock = v->sock };
	if (v->state_before && v->state_after && v->state_before != v->state_after)
		snprintf(n.state, sizeof n.state, "%s -> %s", ol_tcp_state_name(v->state_before), ol_tcp_state_name(v->state_after));
	else if (v->state_after)
		snprintf(n.state, sizeof n.state, "%s", ol_tcp_state_name(v->state_after));
	if (v->fate != OL_PASS && v->fate != OL_DONE) {
		snprintf(n.fate, sizeof n.fate, "%s", ol_fate_name(v->fate));
		snprintf(n.fate_text, sizeof n.fate_text, "%s", ol_fate_text(v->fate));
	}
	capture(s, host, iface, pkt, at, OL_CAPTURE_INBOUND, &n);
}

/* The wire says what befalls each packet it carries, cut to its size: the sender's capture. */
static void watch_wire(void *ctx, const struct ol_wire_seen *seen)
{
	struct wire *w = ctx;
	struct sim *s = w->sim;
	if (seen->dir != OL_WIRE_IN || seen->late)
		return;
	for (int i = 0; i < s->n_ifaces; i++)
		if (&s->wire[s->iface[i].wire] == w && s->iface[i].port == seen->port)
			capture_sent(s, s->iface[i].host, s->iface[i].capture, seen->pkt, seen->time, seen->befell);
}

/* ---- the network -------------------------------------------------------------------------------------------------- */
int sim_host(struct sim *s, const char *name, const char *config)
{
	const char *bad = NULL;
	uint8_t seed[16];
	SIM_CHECK(s, s->n_hosts < HOSTS_MAX);
	struct host *h = &s->host[s->n_hosts];
	struct ol_config *cfg = ol_config_new();
	for (int i = 0; i < 2; i++) {
		uint64_t r = htole64(rng_u64(&s->rng));
		memcpy(seed + 8 * i, &r, 8);
	}
	ol_config_seed(cfg, seed);
	if (config && ol_config_set_list(cfg, config, &bad))
		sim_fail(s, "the stack does not take the setting %s", bad);
	snprintf(h->name, sizeof h->name, "%s", name);
	h->stk = ol_stack_new(cfg, s->pool, s->now);
	ol_config_free(cfg);
	SIM_CHECK(s, h->stk != NULL);
	SIM_CHECK(s, ol_iface_loopback(h->stk) == 1);
	h->lo_capture = capture_iface(s, s->n_hosts, "lo", OL_LINK_LOOP);
	return s->n_hosts++;
}

int sim_wire(struct sim *s, const struct ol_wire_config *cfg)
{
	SIM_CHECK(s, s->n_wires < WIRES_MAX);
	struct ol_wire_config c = *cfg;
	struct wire *w = &s->wire[s->n_wires];
	c.seed = rng_u64(&s->rng);
	*w = (struct wire){ .sim = s, .w = ol_wire_new(&c), .cfg = c };
	SIM_CHECK(s, w->w != NULL);
	if (s->capture)
		ol_wire_observe(w->w, watch_wire, w);
	return s->n_wires++;
}

void sim_together(struct sim *s, int host) { s->host[host].together = true; }

int sim_plug(struct sim *s, int host, int wire, const char *prefix, uint32_t mtu)
{
	SIM_CHECK(s, s->n_ifaces < IFACES_MAX);
	struct nic *i = &s->iface[s->n_ifaces];
	struct wire *w = &s->wire[wire];
	int port = w->plugged < w->cfg.ports ? (int)w->plugged : ol_wire_port_add(w->w), n = 0;
	char name[16];
	w->plugged++;
	SIM_CHECK(s, port >= 0);
	for (int k = 0; k < s->n_ifaces; k++)
		n += s->iface[k].host == host;
	snprintf(name, sizeof name, "eth%d", n);
	struct ol_iface_config cfg = { .name = name, .link = w->cfg.link, .features = ol_wire_features(w->w),
		.mtu = mtu ? mtu : w->cfg.mtu, .mac = { { 2, 0, 0, (uint8_t)n, (uint8_t)(host >> 8), (uint8_t)(host + 1) } } };
	*i = (struct nic){ .host = host, .wire = wire, .port = (unsigned)port };
	i->ifi = ol_iface_add(s->host[host].stk, &cfg);
	SIM_CHECK(s, i->ifi > 0);
	i->capture = capture_iface(s, host, name, w->cfg.link);
	s->n_ifaces++;
	if (prefix)
		sim_addr(s, host, i->ifi, prefix);
	return i->ifi;
}

void sim_addr(struct sim *s, int host, int ifi, const char *prefix)
{
	struct ol_addr a;
	unsigned plen;
	SIM_CHECK(s, ol_prefix_parse(prefix, &a, &plen));
	int rc = ol_addr_add(s->host[host].stk, ifi, &a, plen);
	if (rc)
		sim_fail(s, "host %s does not take the address %s: %d", s->host[host].name, prefix, rc);
}

void sim_route(struct sim *s, int host, const char *prefix, const char *gateway)
{
	struct ol_route r = { .metric = 0 };
	SIM_CHECK(s, ol_prefix_parse(prefix, &r.dst, &r.plen) && ol_addr_parse(gateway, &r.gateway));
	int rc = ol_route_add(s->host[host].stk, &r);
	if (rc)
		sim_fail(s, "host %s does not take the route %s via %s: %d", s->host[host].name, prefix, gateway, rc);
}

/* Every address of `of` is known to `to`, on the wire they share. */
static void introduce(struct sim *s, const struct nic *to, const struct nic *of)
{
	struct ol_iface_info info;
	struct ol_addr a;
	unsigned plen;
	SIM_CHECK(s, ol_iface_info(s->host[of->host].stk, of->ifi, &info) == 0);
	for (unsigned i = 0; ol_addr_get(s->host[of->host].stk, of->ifi, i, &a, &plen) == 0; i++)
		SIM_CHECK(s, ol_neigh_add(s->host[to->host].stk, to->ifi, &a, &info.mac) == 0);
}

void sim_introduce_all(struct sim *s)
{
	s->introduced = true;
	for (int i = 0; i < s->n_ifaces; i++)
		for (int k = 0; k < s->n_ifaces; k++)
			if (i != k && s->iface[i].wire == s->iface[k].wire)
				introduce(s, &s->iface[i], &s->iface[k]);
}

void sim_faults(struct sim *s, int wire, int port, const char *text)
{
	struct ol_faults f = { 0 };
	char why[256];
	if (ol_faults_parse(&f, text, why, sizeof why))
		sim_fail(s, "%s", why);
	if (f.corrupt_ppb && s->damaging < 0)
		s->damaging = wire;
	if (s->damaging != wire)
		f.corrupt_ppb = 0;
	SIM_CHECK(s, ol_wire_set_faults(s->wire[wire].w, port, OL_WIRE_IN, &f, s->now) == 0);
}

uint64_t sim_count(struct sim *s, enum ol_fate fate)
{
	uint64_t n = 0;
	for (int i = 0; i < s->n_hosts; i++)
		n += ol_stack_count(s->host[i].stk, fate);
	return n;
}

/* ---- programs ----------------------------------------------------------------------------------------------------- */
void sim_app_add(struct sim *s, struct sim_app *app, ol_time wake)
{
	app->sim = s;
	app->wake = wake;
	app->next = NULL;
	struct sim_app **at = &s->apps;
	while (*at)
		at = &(*at)->next;
	*at = app;
}

void sim_app_del(struct sim *s, struct sim_app *app)
{
	struct sim_app **at = &s->apps;
	while (*at && *at != app)
		at = &(*at)->next;
	if (*at)
		*at = app->next;
}

static void run_app(struct sim *s, struct sim_app *app)
{
	app->wake = OL_NEVER;
	app->run(app, s->now);
}

/* Programs may remove themselves, so the walk begins again after each. */
static bool wake_apps(struct sim *s)
{
	bool any = false;
	for (struct sim_app *a = s->apps; a; ) {
		if (a->wake > s->now) {
			a = a->next;
			continue;
		}
		run_app(s, a);
		any = true;
		a = s->apps;
	}
	return any;
}

static bool run_events(struct sim *s, struct host *h)
{
	struct ol_event ev;
	bool any = false;
	for (unsigned n = 0; ol_event_next(h->stk, &ev); n++) {
		SIM_CHECK(s, n < ROUNDS_MAX);
		if (ev.tag)
			run_app(s, ev.tag);
		any = true;
	}
	return any;
}

/* ---- the loop ----------------------------------------------------------------------------------------------------- */
static void check_all(struct sim *s)
{
	s->events++;
	if (++s->since_check < s->check_every)
		return;
	s->since_check = 0;
	for (int i = 0; i < s->n_hosts; i++)
		ol_stack_check(s->host[i].stk);
}

static void input(struct sim *s, int host, int ifi, int capture_to, struct ol_pkt *pkt)
{
	struct ol_pkt *copy = s->capture ? ol_pkt_copy(s->pool, pkt) : NULL;
	model_arrives(s->model, host, pkt);
	s->host[host].busy = true;
	struct ol_verdict v = ol_stack_input(s->host[host].stk, ifi, pkt, s->now);
	model_judge(s->model, s->host[host].stk, v.fate);
	if (copy)
		capture_got(s, host, capture_to, copy, s->now, &v);
	ol_pkt_free(copy);
	check_all(s);
}

static void output(struct sim *s, int host, int ifi, struct ol_pkt *pkt)
{
	struct host *h = &s->host[host];
	if (pkt->link == OL_LINK_LOOP) {
		if (s->capture)
			capture_sent(s, host, h->lo_capture, pkt, s->now, 0);
		input(s, host, ifi, h->lo_capture, pkt);
		return;
	}
	for (int i = 0; i < s->n_ifaces; i++)
		if (s->iface[i].host == host && s->iface[i].ifi == ifi) {
			ol_wire_send(s->wire[s->iface[i].wire].w, s->iface[i].port, pkt, s->now);
			return;
		}
	sim_fail(s, "host %s sends on interface %d, which it does not have", h->name, ifi);
}

static bool drain_host(struct sim *s, int host)
{
	bool any = run_events(s, &s->host[host]);
	for (int ifi, n = 0; (ifi = ol_stack_pending(s->host[host].stk)); n++) {
		struct ol_pkt *pkt = ol_stack_output(s->host[host].stk, ifi, s->now);
		SIM_CHECK(s, n < ROUNDS_MAX);
		SIM_CHECK(s, pkt != NULL);		/* pending said so */
		model_sent(s->model, host, pkt, s->now);
		s->host[host].busy = true;
		output(s, host, ifi, pkt);
		check_all(s);
		any = true;
	}
	return any;
}

/* What ol_stack_input_batch does around frames; here each frame's verdict is wanted, too. */
static void begin_together(struct sim *s)
{
	for (int i = 0; i < s->n_hosts; i++)
		if (s->host[i].together)
			tcp_batch_begin(s->host[i].stk->tcp);
}

static void end_together(struct sim *s)
{
	for (int i = 0; i < s->n_hosts; i++)
		if (s->host[i].together)
			tcp_batch_end(s->host[i].stk->tcp, s->now);
}

static bool drain_wire(struct sim *s, int wire)
{
	struct ol_pkt *pkt;
	unsigned port;
	bool any = false;
	begin_together(s);
	while ((pkt = ol_wire_receive(s->wire[wire].w, s->now, &port))) {
		int i = 0;
		while (i < s->n_ifaces && !(s->iface[i].wire == wire && s->iface[i].port == port))
			i++;
		any = true;
		s->wire[wire].received++;
		if (i == s->n_ifaces)
			ol_pkt_free(pkt);		/* a port with nobody in it */
		else
			input(s, s->iface[i].host, s->iface[i].ifi, s->iface[i].capture, pkt);
	}
	end_together(s);
	return any;
}

/* The loop of <outlet/ol_stack.h>: timers run once more before the deadline is asked.  True: that gave work. */
static bool expire(struct sim *s, int host)
{
	struct ol_stack *stk = s->host[host].stk;
	if (ol_stack_deadline(stk) > s->now)
		return false;
	ol_stack_expire(stk, s->now);
	check_all(s);
	return drain_host(s, host);
}

/* All hosts have come to rest: what they believe to be under way is what left them. */
static void compare(struct sim *s)
{
	for (int i = 0; i < s->n_hosts && s->introduced; i++) {
		const char *no = s->host[i].busy ? model_compare(s->model, i, s->host[i].stk) : NULL;
		if (no)
			sim_fail(s, "host %s: %s", s->host[i].name, no);
		s->host[i].busy = false;
	}
}

/* All that can happen without time passing. */
static void settle(struct sim *s)
{
	bool any = true;
	for (unsigned n = 0; any; n++) {
		SIM_CHECK(s, n < ROUNDS_MAX);
		any = wake_apps(s);
		for (int i = 0; i < s->n_hosts; i++) {
			any |= expire(s, i);
			any |= drain_host(s, i);
		}
		for (int i = 0; i < s->n_wires; i++)
			any |= drain_wire(s, i);
	}
	compare(s);
}

static ol_time next_deadline(struct sim *s)
{
	ol_time t = OL_NEVER;
	for (int i = 0; i < s->n_hosts; i++) {
		ol_time d = ol_stack_deadline(s->host[i].stk);
		if (d <= s->now)
			sim_fail(s, "host %s is drained and its deadline does not lie ahead (%lld ns)", s->host[i].name, (long long)(d - s->now));
		t = MIN(t, d);
	}
	for (int i = 0; i < s->n_wires; i++)
		t = MIN(t, ol_wire_deadline(s->wire[i].w));
	for (struct sim_app *a = s->apps; a; a = a->next)
		t = MIN(t, a->wake);
	return t;
}

static void pass_time(struct sim *s, ol_time to)
{
	SIM_CHECK(s, to > s->now);
	s->now = to;
}

uint64_t sim_run(struct sim *s, const bool *done, ol_time until)
{
	uint64_t before = s->events;
	for (;;) {
		settle(s);
		ol_time t = next_deadline(s);
		if ((done && *done) || t > until)
			break;
		pass_time(s, t);
	}
	if (!(done && *done) && until != OL_NEVER && until > s->now)
		s->now = until;
	return s->events - before;
}
