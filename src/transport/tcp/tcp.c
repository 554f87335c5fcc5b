/*
 * One TCP: its birth and end, and the walk of segments, timers and events to and from what they concern.
 * RFC 9293 3.10.7 begins here: the header is checked, the connection found, and CLOSED answered (3.10.7.1).
 */
#include "transport/tcp/tcp_demux.h"
#include "transport/tcp/tcp_listen.h"
#include "transport/tcp/tcp_loss.h"
#include "transport/tcp/tcp_peer.h"
#include "transport/tcp/tcp_segment.h"
#include "transport/tcp/tcp_tcb.h"
#include "transport/tcp/tcp_timer.h"
#include "transport/tcp/tcp_timewait.h"
#include "base/check.h"
#include "base/cksum.h"
#include "base/timer_kind.h"
#include <netinet/in.h>
#include <stdlib.h>

static struct tcp_loss_cfg loss_cfg(const struct tcp_config *c)
{
	struct tcp_loss_cfg l = tcp_loss_cfg_default();
	l.rto_min = c->rto_min_ns;
	l.rto_max = c->rto_max_ns;
	l.rto_initial = c->rto_initial_ns;
	l.initial_cwnd = c->init_cwnd;
	l.reordering = c->reordering;
	l.max_reordering = c->max_reordering;
	l.slow_start_after_idle = c->slow_start_after_idle;
	l.rack = c->recovery & 1;
	l.tlp = c->early_retrans >= 3;
	l.max_ack_delay = c->tlp_max_ack_delay_ns;
	l.frto = c->frto != 0;
	l.moderate_cwnd_on_undo = c->moderate_cwnd;
	l.hystart = c->hystart;
	l.cwv = c->cwv;
	l.pace_all = c->pacing;
	return l;
}

struct tcp *tcp_new(const struct tcp_config *cfg, struct net *net, struct ol_pool *pool, struct wheel *wheel,
		ol_time now)
{
	struct tcp *tcp = calloc(1, sizeof *tcp);
	if (!tcp)
		return NULL;
	tcp->cfg = *cfg;
	tcp->loss_cfg = loss_cfg(cfg);
	tcp->net = net;
	tcp->pool = pool;
	tcp->wheel = wheel;
	tcp->key_isn = sipkey_derive(cfg->seed, "tcp isn");
	tcp->key_ts = sipkey_derive(cfg->seed, "tcp timestamps");
	tcp->key_cookie = sipkey_derive(cfg->seed, "tcp cookies");
	tcp->key_reuseport = sipkey_derive(cfg->seed, "tcp reuseport");
	tcp->key_fastopen = sipkey_derive(cfg->seed, "tcp fast open");
	tcp->key_peers = sipkey_derive(cfg->seed, "tcp peers");
	tcp_peers_init(&tcp->peers);
	rng_init(&tcp->rng, sipkey_derive(cfg->seed, "tcp chance").k0);
	for (int i = 0; i < TCP_LISTEN_BUCKETS; i++)
		list_init(&tcp->listen[i]);
	list_init(&tcp->all);
	list_init(&tcp->tcb_events);
	list_init(&tcp->listener_events);
	list_init(&tcp->ack_later);
	list_init(&tcp->leaving);
	list_init(&tcp->tw);
	timer_init(&tcp->tw_timer, TIMER_TCP_TW);
	if (!tcp_demux_init(&tcp->demux, sipkey_derive(cfg->seed, "tcp table"))) {
		free(tcp);
		return NULL;
	}
	return tcp;
}

/* Without a word to anyone; pointers the users still hold are void. */
void tcp_free(struct tcp *tcp)
{
	if (!tcp)
		return;
	for (struct list *n; (n = list_first(&tcp->all)); )
		tcp_tcb_free(list_of(n, struct tcp_tcb, all));
	for (int i = 0; i < TCP_LISTEN_BUCKETS; i++)
		for (struct list *n; (n = list_first(&tcp->listen[i])); )
			tcp_listener_free(list_of(n, struct tcp_listener, node));
	for (struct list *n; (n = list_first(&tcp->tw)); )
		tcp_tw_free(tcp, list_of(n, struct tcp_tw, fifo));
	timer_stop(tcp->wheel, &tcp->tw_timer);
	tcp_peers_fini(&tcp->peers);
	tcp_demux_fini(&tcp->demux);
	chunk_stock_fini(&tcp->chunks);
	sb_stock_fini(&tcp->records);
	free(tcp);
}

/* ---- segments --------------------------------------------------------------------------------------------------- */

static bool sum_is_good(const struct ol_pkt *p, const struct net_rx *rx)
{
	if (p->csum == OL_CSUM_OK || p->csum == OL_CSUM_PARTIAL)	/* it never left this machine's memory */
		return true;
	uint32_t sum = cksum_pseudo(&rx->src, &rx->dst, IPPROTO_TCP, p->len);
	return cksum_finish(cksum_add(sum, p->data, p->len)) == 0;
}

/* MUST-57, MUST-63: to or from more than one, or from nowhere: silently dropped. */
static bool cannot_be(const struct net *net, const struct net_rx *rx)
{
	return rx->broadcast || rx->multicast || ol_addr_is_multicast(&rx->dst) || ol_addr_is_multicast(&rx->src) ||
	       ol_addr_is_any(&rx->src) || net_is_broadcast(net, &rx->src);
}

static enum ol_fate read_segment(struct tcp *tcp, struct tcp_in *in, struct ol_pkt *p, const struct net_rx *rx)
{
	in->pkt = p;
	in->rx = rx;
	in->wnd = 0;
	in->ce = in->isn_set = false;
	in->isn = seq_from(0);
	if (cannot_be(tcp->net, rx))
		return OL_DROP_TCP_ADDRESS;
	enum ol_fate fate = wire_tcp_parse(&in->seg, p->data, p->len);
	if (fate != OL_PASS)
		return fate;
	if (!sum_is_good(p, rx))
		return OL_DROP_TCP_CHECKSUM;				/* MUST-2, MUST-3 */
	in->payload = (uint32_t)in->seg.text.len;
	in->syn = in->seg.flags & TCP_SYN;
	tcp_opt_parse(&in->opt, in->seg.opt.p, in->seg.opt.len);
	if (!(in->seg.flags & TCP_SYN))
		in->opt.fo.present = false;			/* req: 7413-4.1.1-a */
	return OL_PASS;
}

static enum ol_fate to_tcb(struct tcp_tcb *tcb, struct tcp_in *in, struct ol_verdict *v, void **user, ol_time now)
{
	v->state_before = v->state_before ? v->state_before : tcb->state;
	*user = tcb->user;
	enum ol_fate fate = tcp_tcb_input(tcb, in, now);
	v->state_after = tcb->state;
	tcp_reap(tcb);
	return fate;
}

static enum ol_fate to_node(struct tcp *tcp, struct tcp_node *n, struct tcp_in *in, struct ol_verdict *v,
		struct tcp_tcb **child,
			    bool *again, ol_time now)
{
	enum ol_fate fate;
	if (n->kind == TCP_NODE_TW) {
		v->state_before = v->state_after = OL_TCP_TIME_WAIT;
		fate = tcp_tw_input(tcp, (struct tcp_tw *)(void *)n, in, again, now);
		if (*again)
			v->state_before = v->state_after = OL_TCP_NONE;
		return fate;
	}
	v->state_before = v->state_after = OL_TCP_SYN_RECEIVED;
	return tcp_synrec_input((struct tcp_synrec *)(void *)n, in, child, now);
}

static enum ol_fate dispatch(struct tcp *tcp, struct tcp_in *in, struct ol_verdict *v, void **user, ol_time now)
{
	struct ol_endpoint local = { in->rx->dst, in->seg.dst }, remote = { in->rx->src, in->seg.src };
	struct tcp_node *n = tcp_demux_find(&tcp->demux, &local, &remote);
	struct tcp_tcb *child = NULL;
	bool again = false;
	tcp->demux.last = n;
	if (n && n->kind == TCP_NODE_TCB)
		return to_tcb((struct tcp_tcb *)(void *)n, in, v, user, now);
	if (n) {
		enum ol_fate fate = to_node(tcp, n, in, v, &child, &again, now);
		if (child)
			return to_tcb(child, in, v, user, now);
		if (!again)
			return fate;
	}
	struct tcp_listener *l = tcp_listener_find(tcp, &local, &remote, in->rx->ifi);
	if (!l)
		return tcp_reply_rst(tcp, in, now);			/* 3.10.7.1: CLOSED */
	v->state_before = v->state_after = OL_TCP_LISTEN;
	*user = l->user;
	enum ol_fate fate = tcp_listener_input(l, in, &child, now);
	return child ? to_tcb(child, in, v, user, now) : fate;
}

enum ol_fate tcp_input(struct tcp *tcp, struct ol_pkt *pkt, const struct net_rx *rx,
		struct ol_verdict *verdict, void **user,
		       ol_time now)
{
	struct ol_verdict v = { .sock = -1 };
	void *who = NULL;
	struct tcp_in in;
	pkt->time = now;
	enum ol_fate fate = read_segment(tcp, &in, pkt, rx);
	if (fate == OL_PASS)
		fate = dispatch(tcp, &in, &v, &who, now);
	if (fate == OL_PASS)
		fate = OL_DONE;
	ol_pkt_free(in.pkt);
	tcp->count[fate]++;
	v.fate = fate;
	if (verdict)
		*verdict = v;
	if (user)
		*user = who;
	return fate;
}

enum ol_fate tcp_input_next(struct tcp *tcp, struct ol_pkt *pkt, const struct net_rx *rx, ol_time now)
{
	struct tcp_in in;
	pkt->time = now;
	in.pkt = pkt;
	in.rx = rx;
	if (wire_tcp_parse(&in.seg, pkt->data, pkt->len) == OL_PASS) {
		struct ol_endpoint local = { rx->dst, in.seg.dst }, remote = { rx->src, in.seg.src };
		struct tcp_node *n = tcp_demux_find(&tcp->demux, &local, &remote);
		if (n && n->kind == TCP_NODE_TCB && tcp_tcb_input_next((struct tcp_tcb *)(void *)n, &in, now)) {
			tcp->count[OL_DONE]++;
			return OL_DONE;
		}
	}
	return tcp_input(tcp, pkt, rx, NULL, NULL, now);
}

void tcp_batch_begin(struct tcp *tcp)
{
	CHECK(!tcp->in_batch && list_empty(&tcp->ack_later));
	tcp->in_batch = true;
}

void tcp_batch_end(struct tcp *tcp, ol_time now)
{
	tcp->in_batch = false;
	for (struct list *n; (n = list_take(&tcp->ack_later)); ) {
		struct tcp_tcb *tcb = list_of(n, struct tcp_tcb, ack_later);
		tcb->cause = OL_CAUSE_SEGMENT;
		tcp_send_ack(tcb, now);
		tcp_timer_update(tcb, now);
	}
}

uint64_t tcp_count(const struct tcp *tcp, enum ol_fate fate) { return tcp->count[fate]; }

/* ---- time ------------------------------------------------------------------------------------------------------- */

void tcp_expire(struct tcp *tcp, struct timer *t, ol_time now)
{
	switch (t->kind) {
	case TIMER_TCP_TCB:
		tcp_tcb_expire((struct tcp_tcb *)(void *)((char *)t - offsetof(struct tcp_tcb, timer)), now);
		break;
	case TIMER_TCP_SYN:
		tcp_synrec_expire((struct tcp_synrec *)(void *)((char *)t - offsetof(struct tcp_synrec, timer)), now);
		break;
	case TIMER_TCP_TW:
		tcp_tw_expire(tcp, now);
		break;
	default:
		CHECK(!"a timer of TCP");
	}
}

/* ---- events ----------------------------------------------------------------------------------------------------- */

bool tcp_event_next(struct tcp *tcp, struct tcp_event *ev)
{
	struct list *n = list_take(&tcp->listener_events);
	if (n) {
		struct tcp_listener *l = list_of(n, struct tcp_listener, event);
		*ev = (struct tcp_event){ .listener = l, .user = l->user };
		return true;
	}
	n = list_take(&tcp->tcb_events);
	if (!n)
		return false;
	struct tcp_tcb *tcb = list_of(n, struct tcp_tcb, event);
	*ev = (struct tcp_event){ .tcb = tcb, .user = tcb->user };
	return true;
}

void tcp_check_all(const struct tcp *tcp)
{
	uint32_t tcbs = 0, tws = 0, syns = 0, orphans = 0, named = 0;
	list_for(n, (struct list *)&tcp->all) {
		const struct tcp_tcb *tcb = list_of(n, struct tcp_tcb, all);
		tcp_check(tcb);
		tcbs++;
		orphans += tcb->orphan;
		named += tcb->in_demux;
	}
	list_for(n, (struct list *)&tcp->tw)
		tws++;
	for (int i = 0; i < TCP_LISTEN_BUCKETS; i++)
		list_for(n, (struct list *)&tcp->listen[i]) {
			const struct tcp_listener *l = list_of(n, struct tcp_listener, node);
			CHECK(l->n_accepted <= l->backlog + 1 || l->backlog == UINT32_MAX || l->n_accepted <= TCP_MAX_ACCEPT + 1);
			syns += l->n_syns;
			CHECK(l->fo.n_pending > 0 || list_empty(&l->fo.pending));
			CHECK(l->fo.n_resets > 0 || list_empty(&l->fo.resets));
		}
	CHECK(tcbs == tcp->n_tcb);
	CHECK(tws == tcp->n_tw);
	CHECK(syns == tcp->n_syn);
	CHECK(orphans == tcp->n_orphans);
	CHECK(named + tws + syns == tcp->demux.count);
	CHECK(tws == 0 || timer_armed(&tcp->tw_timer));
}
