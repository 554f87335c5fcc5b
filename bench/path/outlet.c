/* An end on our own stack. */
#include "ends.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <linux/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <outlet/ol_sock.h>
#include <outlet/ol_stack.h>
#include "base/check.h"
#include "stack/stack_int.h"
#include "transport/tcp/tcp_int.h"

struct flow { ol_sock s; ol_time begin, until, next; uint64_t sent, due; };
struct outlet {
	struct end end;			/* first */
	struct plan plan;
	bool sender;
	struct ol_stack *stk;
	int ifi;
	struct ol_pktq arrived;		/* frames that came at this instant: as a driver that reads its ring empties it */
	ol_sock listener;
	struct flow flow[FLOWS_MAX];
	unsigned n;
	ol_time began, now;
};

static struct sockaddr_in there(const char *addr)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(PATH_PORT) };
	inet_pton(AF_INET, addr, &in.sin_addr);
	return in;
}

/* ---- what is measured --------------------------------------------------------------------------------------------- */
static void count(struct outlet *o)
{
	struct report *r = &o->end.report;
	list_for(n, &o->stk->tcp->all) {
		const struct tcp_loss *l = &list_of(n, struct tcp_tcb, all)->loss;
		r->resent += (uint32_t)l->segs_retrans;
		r->rto += l->n_rto;
		r->tlp += l->n_tlp;
		r->undone += l->n_undo;
		r->dsacked += l->n_dsack;
	}
}

/* ---- sending ------------------------------------------------------------------------------------------------------ */
static void open_flow(struct outlet *o, ol_time now)
{
	struct sockaddr_in to = there(RECEIVER_ADDR);
	struct flow *f = &o->flow[o->n++];
	*f = (struct flow){ .s = ol_socket(o->stk, AF_INET, SOCK_STREAM, 0, now), .until = OL_NEVER, .next = OL_NEVER };
	CHECK(f->s >= 0);
	int rc = ol_setsockopt(o->stk, f->s, IPPROTO_TCP, TCP_CONGESTION, o->plan.cc, (socklen_t)strlen(o->plan.cc), now);
	if (rc)
		fprintf(stderr, "path: no congestion control %s here\n", o->plan.cc);
	CHECK(rc == 0);
	rc = ol_connect(o->stk, f->s, (struct sockaddr *)&to, sizeof to, now);
	CHECK(rc == 0 || rc == -EINPROGRESS);
}

static void send_flow(struct outlet *o, struct flow *f, ol_time now)
{
	static const uint8_t text[65536];
	bool writable = ol_poll(o->stk, f->s) & OL_EV_OUT;
	if (writable && f->until == OL_NEVER) {
		f->begin = f->next = now;
		f->until = now + o->plan.length;
	}
	for (; o->plan.burst && now >= f->next; f->next += o->plan.pause)
		f->due += o->plan.burst;
	if (!writable || now >= f->until)
		return;
	for (uint64_t want; (want = o->plan.burst ? f->due - f->sent : sizeof text) > 0; ) {
		ssize_t n = ol_send(o->stk, f->s, text, MIN(want, sizeof text), 0, now);
		if (n <= 0)
			break;
		f->sent += (uint64_t)n;
	}
}

static void work_sender(struct outlet *o, ol_time now)
{
	while (o->n < o->plan.flows && now >= o->began + o->n * o->plan.stagger)
		open_flow(o, now);
	bool over = o->n == o->plan.flows;
	for (unsigned i = 0; i < o->n; i++) {
		send_flow(o, &o->flow[i], now);
		over &= now >= o->flow[i].until;
	}
	if (over && !o->end.over) {
		count(o);
		o->end.over = true;
	}
}

/* ---- receiving ---------------------------------------------------------------------------------------------------- */
static void work_receiver(struct outlet *o, ol_time now)
{
	static uint8_t text[65536];
	for (ol_sock s; o->n < FLOWS_MAX && (s = ol_accept(o->stk, o->listener, NULL, NULL, now)) >= 0; o->n++)
		o->flow[o->n] = (struct flow){ .s = s, .begin = now, .until = now + o->plan.length };
	bool over = o->n == o->plan.flows;
	for (unsigned i = 0; i < o->n; i++) {
		struct flow *f = &o->flow[i];
		for (ssize_t n; (n = ol_recv(o->stk, f->s, text, sizeof text, 0, now)) > 0; ) {
			o->end.report.bytes[i] += now <= f->until ? (uint64_t)n : 0;
			o->end.report.late[i] += now <= f->until && now > f->until - o->plan.length / 2 ? (uint64_t)n : 0;
		}
		over &= now >= f->until;
	}
	o->end.over = over;
}

/* ---- the end ------------------------------------------------------------------------------------------------------ */
static void work(struct end *e, ol_time now)
{
	struct outlet *o = (struct outlet *)e;
	struct ol_event ev;
	o->now = now;
	if (o->arrived.count)
		ol_stack_input_batch(o->stk, o->ifi, &o->arrived, now);
	ol_stack_expire(o->stk, now);
	while (ol_event_next(o->stk, &ev))
		;
	(o->sender ? work_sender : work_receiver)(o, now);
	ol_stack_expire(o->stk, now);
}

static ol_time deadline(const struct end *e)
{
	const struct outlet *o = (const struct outlet *)e;
	ol_time t = ol_stack_deadline(o->stk);
	if (o->sender && o->n < o->plan.flows)
		t = MIN(t, o->began + o->n * o->plan.stagger);
	for (unsigned i = 0; i < o->n && !e->over; i++) {
		if (o->flow[i].until <= o->now)
			continue;
		t = MIN(t, o->flow[i].until);
		if (o->sender && o->plan.burst)
			t = MIN(t, o->flow[i].next);
	}
	return t;
}

static void input(struct end *e, struct ol_pkt *pkt, ol_time now)
{
	struct outlet *o = (struct outlet *)e;
	ol_pktq_put(&o->arrived, pkt);
	(void)now;
}

static struct ol_pkt *output(struct end *e, ol_time now)
{
	struct outlet *o = (struct outlet *)e;
	return ol_stack_output(o->stk, o->ifi, now);
}

static void outlet_free(struct end *e)
{
	struct outlet *o = (struct outlet *)e;
	for (struct ol_pkt *p; (p = ol_pktq_get(&o->arrived)); )
		ol_pkt_free(p);
	ol_stack_free(o->stk);
	free(o);
}

struct end *end_outlet(const struct plan *p, bool sender, struct ol_pool *pool, ol_time now)
{
	struct outlet *o = calloc(1, sizeof *o);
	CHECK(o);
	*o = (struct outlet){ .plan = *p, .sender = sender, .listener = -1, .began = now,
		.end = { .free = outlet_free, .input = input, .output = output, .work = work, .deadline = deadline, .fd = -1 } };
	struct ol_config *cfg = ol_config_new();
	uint8_t seed[16] = { (uint8_t)sender };
	memcpy(seed + 8, &p->seed, sizeof p->seed);
	ol_config_seed(cfg, seed);
	const char *bad = NULL;
	if (p->settings && ol_config_set_list(cfg, p->settings, &bad)) {
		fprintf(stderr, "path: no such setting, or not such a value: %s\n", bad);
		exit(2);
	}
	ol_pktq_init(&o->arrived);
	o->stk = ol_stack_new(cfg, pool, now);
	ol_config_free(cfg);
	/* ip6_later: what IPv6 has to say of itself takes no part in what is lost and counted */
	struct ol_iface_config ic = { .name = "eth0", .link = OL_LINK_ETHER, .ip6_later = true, .mac = { { 2, 0, 0, 0, 0, sender ? 1 : 2 } },
		.features = p->plain ? 0 : OL_IF_CSUM | OL_IF_TSO4 | OL_IF_TSO6 };
	o->ifi = ol_iface_add(o->stk, &ic);
	struct ol_addr a;
	ol_addr_parse(sender ? SENDER_ADDR : RECEIVER_ADDR, &a);
	CHECK(o->ifi > 0 && ol_addr_add(o->stk, o->ifi, &a, 24) == 0);
	if (!sender) {
		struct sockaddr_in any = there("0.0.0.0");
		o->listener = ol_socket(o->stk, AF_INET, SOCK_STREAM, 0, now);
		CHECK(o->listener >= 0 && !ol_bind(o->stk, o->listener, (struct sockaddr *)&any, sizeof any, now));
		CHECK(ol_listen(o->stk, o->listener, 16, now) == 0);
	}
	return &o->end;
}
