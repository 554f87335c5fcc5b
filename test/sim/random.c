/*
 * Anything goes: what the network looks like, what its wires do, what the stacks are told and what the programs want, all drawn from
 * the seed, one after the other: C leaves open in which order arguments of a call are drawn.  Small transfers, so that a hundred thousand such networks take minutes.
 *
 *	a ---- b	a ---- r ---- b	   a, b, c on a switch; each direction of each wire with faults of its own
 */
#include <stdarg.h>
#include <stdio.h>
#include "base/check.h"
#include "flow.h"
#include "scenario.h"
#include "scenario_int.h"

enum shape { CABLE, ROUTER, SWITCH, SHAPES };
struct drawn { struct sim *s; bool ip6, may_fail; int host[3], hosts; const char *addr[3]; };

static uint32_t draw(struct sim *s, uint32_t below) { return rng_below(sim_rng(s), below); }
static bool chance(struct sim *s, double p) { return rng_chance(sim_rng(s), p); }

/* From lo to hi, as likely in each octave. */
static double spread(struct sim *s, double lo, double hi)
{
	uint32_t octaves = 1;
	for (double x = lo; 2 * x < hi; x *= 2)
		octaves++;
	double x = lo * (double)(1u << draw(s, octaves));
	x *= 1 + rng_unit(sim_rng(s));
	return MIN(x, hi);
}

/* ---- wires -------------------------------------------------------------------------------------------------------- */
struct text { char t[512]; size_t n; };
__attribute__((format(printf, 2, 3))) static void add(struct text *x, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	x->n += (size_t)vsnprintf(x->t + x->n, sizeof x->t - x->n, fmt, ap);
	va_end(ap);
	CHECK(x->n < sizeof x->t);
}

static void draw_loss(struct drawn *d, struct text *x)
{
	struct sim *s = d->s;
	double p = spread(s, 0.01, 10);
	switch (draw(s, 4)) {
	case 0:
		add(x, " loss=%.3f%%", p);
		d->may_fail |= p > 3;
		break;
	case 1:			/* a burst of 2 to 20 packets every now and then, and now and then not all of it is lost */
		add(x, " burst=%.3f%%", spread(s, 0.01, 2));
		add(x, "/%.1f%%", spread(s, 5, 50));
		add(x, "/%u%%", 30 + draw(s, 71));
		add(x, "/%.3f%%", chance(s, 0.5) ? 0 : p / 10);
		d->may_fail = true;
		break;
	default:
		break;
	}
}

/* What a direction does.  `us` is its delay. */
static void draw_faults(struct drawn *d, int wire, int port, double us)
{
	struct sim *s = d->s;
	struct text x = { .n = 0 };
	add(&x, "delay=%.1fus", us);
	draw_loss(d, &x);
	if (chance(s, 0.3)) {
		add(&x, " reorder=%.2f%%", spread(s, 0.1, 40));
		add(&x, "/%.1fus", us * spread(s, 0.02, 2) + 1);
	}
	if (chance(s, 0.2)) {
		add(&x, " jitter=%.1fus", us * rng_unit(sim_rng(s)));
		add(&x, "%s", chance(s, 0.3) ? " unordered" : "");
	}
	if (chance(s, 0.2))
		add(&x, " dup=%.2f%%", spread(s, 0.05, 10));
	if (chance(s, 0.2))
		add(&x, " corrupt=%.2f%%", spread(s, 0.05, 3));
	if (chance(s, 0.5)) {
		add(&x, " rate=%.0fbit", spread(s, 3e5, 1e9));
		if (chance(s, 0.5))
			add(&x, " queue=%.0f", spread(s, 3, 1000));
		else
			add(&x, " queue=%.0fb", spread(s, 5000, 3e6));
		if (chance(s, 0.4)) {
			add(&x, " codel=%.1fms", spread(s, 1, 20));
			add(&x, "/%.0fms", spread(s, 20, 300));
		}
	}
	sim_faults(s, wire, port, x.t);
}

static int draw_wire(struct drawn *d, unsigned ports, double us)
{
	struct sim *s = d->s;
	uint32_t least = d->ip6 ? 1280 : 300, mtu = chance(s, 0.6) ? 1500 : least + draw(s, 9001 - least);
	bool strict = chance(s, 0.6);
	int w = sim_wire(s, &(struct ol_wire_config){ .link = OL_LINK_ETHER, .ports = ports, .strict = strict, .mtu = mtu });
	for (unsigned i = 0; i < ports; i++)
		draw_faults(d, w, (int)i, us);
	return w;
}

/* ---- stacks ------------------------------------------------------------------------------------------------------- */
static void draw_config(struct drawn *d, char *buf, size_t len)
{
	struct sim *s = d->s;
	static const char *const cc[] = { "cubic", "cubic", "reno", "bbr" };
	struct text x = { .n = 0 };
	add(&x, "tcp_fastopen=0x607,tcp_congestion_control=%s", cc[draw(s, 4)]);	/* both ways, no cookie is needed */
	static const struct { const char *name; double off; unsigned value; } odd[] = {
		{ "tcp_sack", 0.15, 0 }, { "tcp_timestamps", 0.2, 0 }, { "tcp_window_scaling", 0.1, 0 }, { "tcp_dsack", 0.1, 0 },
		{ "tcp_recovery", 0.15, 0 }, { "tcp_early_retrans", 0.15, 0 }, { "tcp_frto", 0.15, 0 }, { "tcp_ecn", 0.3, 1 },
		{ "tcp_pacing", 0.2, 1 }, { "tcp_hystart", 0.2, 0 }, { "tcp_slow_start_after_idle", 0.3, 1 }, { "tcp_moderate_cwnd", 0.2, 1 },
		{ "tcp_moderate_rcvbuf", 0.2, 0 }, { "tcp_tw_reuse", 0.3, 1 }, { "tcp_tlp_max_ack_delay_us", 0.2, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(odd); i++)
		if (chance(s, odd[i].off))
			add(&x, ",%s=%u", odd[i].name, odd[i].value);
	if (chance(s, 0.2))
		add(&x, ",tcp_init_cwnd=%u", 1 + draw(s, 40));
	static const char *const memory[] = { "tcp_rmem", "tcp_wmem" };
	for (size_t i = 0; i < ARRAY_LEN(memory); i++)
		if (chance(s, 0.2)) {
			add(&x, ",%s=4096:%u", memory[i], 5000 + draw(s, 100000));
			add(&x, ":%u", 200000 + draw(s, 4000000));
		}
	if (chance(s, 0.1)) {
		add(&x, ",tcp_syncookies=2");
		d->may_fail = true;	/* a cookie knows nothing of a segment that overtook the handshake's last */
	}
	snprintf(buf, len, "%s", x.t);
}

/* ---- networks ----------------------------------------------------------------------------------------------------- */
static void plug(struct drawn *d, int host, int wire, const char *addr)
{
	char prefix[64];
	snprintf(prefix, sizeof prefix, "%s/%d", addr, d->ip6 ? 64 : 24);
	sim_plug(d->s, host, wire, prefix, 0);
}

static void end_host(struct drawn *d, const char *name, int wire, const char *addr)
{
	char config[512];
	draw_config(d, config, sizeof config);
	d->host[d->hosts] = sim_host(d->s, name, config);
	if (chance(d->s, 0.5))
		sim_together(d->s, d->host[d->hosts]);
	d->addr[d->hosts] = addr;
	plug(d, d->host[d->hosts++], wire, addr);
}

static void cable(struct drawn *d, double us)
{
	int w = draw_wire(d, 2, us);
	end_host(d, "a", w, d->ip6 ? "fd00::1" : "10.0.0.1");
	end_host(d, "b", w, d->ip6 ? "fd00::2" : "10.0.0.2");
}

static void router(struct drawn *d, double us)
{
	int wa = draw_wire(d, 2, us), wb = draw_wire(d, 2, us / 3);
	end_host(d, "a", wa, d->ip6 ? "fd01::1" : "10.0.1.1");
	end_host(d, "b", wb, d->ip6 ? "fd02::1" : "10.0.2.1");
	int r = sim_host(d->s, "r", d->ip6 ? "forwarding=1" : "ip_forward=1");
	plug(d, r, wa, d->ip6 ? "fd01::fe" : "10.0.1.254");
	plug(d, r, wb, d->ip6 ? "fd02::fe" : "10.0.2.254");
	sim_route(d->s, d->host[0], d->ip6 ? "::/0" : "0.0.0.0/0", d->ip6 ? "fd01::fe" : "10.0.1.254");
	sim_route(d->s, d->host[1], d->ip6 ? "::/0" : "0.0.0.0/0", d->ip6 ? "fd02::fe" : "10.0.2.254");
}

static void on_switch(struct drawn *d, double us)
{
	int w = draw_wire(d, 3, us);
	end_host(d, "a", w, d->ip6 ? "fd00::1" : "10.0.0.1");
	end_host(d, "b", w, d->ip6 ? "fd00::2" : "10.0.0.2");
	end_host(d, "c", w, d->ip6 ? "fd00::3" : "10.0.0.3");
}

static void draw_flow(struct drawn *d, struct flows *f, bool alone)
{
	struct sim *s = d->s;
	int a = (int)draw(s, (uint32_t)d->hosts);
	int b = (a + 1 + (int)draw(s, (uint32_t)d->hosts - 1)) % d->hosts;
	double most = alone ? 300000 : 40000;
	bool one_way = chance(s, 0.5);
	struct flow_spec spec = { .client = d->host[a], .server = d->host[b], .addr = d->addr[b], .port = SCENARIO_PORT, .may_fail = d->may_fail };
	spec.key = rng_u64(sim_rng(s));
	spec.up = 8 + (uint64_t)spread(s, 1, most);
	spec.down = one_way ? 0 : (uint64_t)spread(s, 1, most);
	spec.slow_reader = chance(s, 0.1);
	spec.slow_writer = chance(s, 0.1);
	spec.start = sim_now(s) + 1 + (alone ? 0 : (ol_time)draw(s, 500) * OL_MS);
	spec.fast = spec.key % 5 == 0;
	bool breaks = chance(s, 0.15);
	spec.client_by = (enum flow_end_by)draw(s, breaks ? 4 : 2);
	spec.server_by = (enum flow_end_by)draw(s, breaks ? 4 : 2);
	flow_add(f, &spec);
}

void scenario_random(struct sim *s)
{
	static void (*const shape[SHAPES])(struct drawn *, double) = { cable, router, on_switch };
	struct drawn d = { .s = s, .ip6 = chance(s, 0.4) };
	shape[draw(s, SHAPES)](&d, spread(s, 20, 120000));
	sim_introduce_all(s);
	struct flows *f = flows_new(s);
	bool crowded = chance(s, 0.2);
	d.may_fail |= crowded;
	for (int i = 0; i < d.hosts; i++)
		flow_listen(f, d.host[i], d.ip6 ? "::" : "0.0.0.0", SCENARIO_PORT, crowded ? 1 : 16);
	unsigned n = chance(s, 0.5) ? 1 : 2 + draw(s, 5);
	for (unsigned i = 0; i < n; i++)
		draw_flow(&d, f, n == 1);
	scenario_finish(s, f, d.hosts);
}
