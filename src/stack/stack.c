/*
 * One instance of the stack, and the walk of packets up its floors:
 *
 *	frame --> link_input --> net_input --.--> raw and ping sockets (copies)
 *	                                     |--> tcp_input, udp_input
 *	                                     `--> an ICMP error: tcp_icmp, udp_icmp, raw sockets, whoever it is about
 *
 * Each input function strips its header and says by its fate whether there is more to do.  Time walks the same way: the one
 * wheel gives out what is due, and each timer's kind names the floor it belongs to.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/timer_kind.h"
#include "net/gro.h"
#include "stack/stack_int.h"

/* ---- birth and death ------------------------------------------------------------------------------------------- */
static int iface_index(void *ctx, const char *name)
{
	struct ol_stack *stk = ctx;
	for (int i = 0; (i = link_iface_next(stk->link, i)); )
		if (!strcmp(link_iface(stk->link, i)->name, name))
			return i;
	return 0;
}

static bool iface_name(void *ctx, int ifi, char name[16])
{
	struct ol_stack *stk = ctx;
	const struct iface *iface = link_iface(stk->link, ifi);
	if (iface)
		memcpy(name, iface->name, sizeof iface->name);
	return iface != NULL;
}

static bool build(struct ol_stack *stk)
{
	struct ol_config *cfg = &stk->cfg;
	const struct sock_ifaces ifaces = { stk, iface_index, iface_name };
	cfg->sock.tcp = &cfg->tcp;
	cfg->sock.ttl = cfg->net.ttl;
	cfg->sock.hop_limit = cfg->net.hop_limit;
	stk->link = link_new(&cfg->link, stk->pool, &stk->wheel, stk->now);
	if (stk->link)
		stk->net = net_new(&cfg->net, stk->link, stk->pool, &stk->wheel, stk->now);
	if (stk->net)
		stk->tcp = tcp_new(&cfg->tcp, stk->net, stk->pool, &stk->wheel, stk->now);
	if (stk->tcp)
		stk->udp = udp_new(stk->net, stk->pool, cfg->seed);
	if (stk->udp)
		stk->socks = socks_new(&cfg->sock, &ifaces, stk->net, stk->tcp, stk->udp, stk->pool);
	return stk->socks != NULL;
}

struct ol_stack *ol_stack_new(const struct ol_config *cfg, struct ol_pool *pool, ol_time now)
{
	struct ol_stack *stk = calloc(1, sizeof *stk);
	if (!stk)
		return NULL;
	stk->cfg = *cfg;
	stk->pool = pool;
	stk->now = now;
	wheel_init(&stk->wheel, now);
	if (build(stk))
		return stk;
	ol_stack_free(stk);
	return NULL;
}

void ol_stack_free(struct ol_stack *stk)
{
	if (!stk)
		return;
	if (stk->socks)
		socks_free(stk->socks, stk->now);
	if (stk->udp)
		udp_free(stk->udp);
	if (stk->tcp)
		tcp_free(stk->tcp);
	if (stk->net)
		net_free(stk->net);
	if (stk->link)
		link_free(stk->link);
	free(stk);
}

/* ---- up -------------------------------------------------------------------------------------------------------- */
static enum ol_fate finish(struct ol_stack *stk, struct ol_pkt *pkt, enum ol_fate fate)
{
	ol_pkt_free(pkt);
	stk->count[fate]++;
	return fate;
}

static enum ol_fate up_udp(struct ol_stack *stk, struct ol_pkt *pkt, const struct net_rx *rx, void **user)
{
	enum ol_fate fate = udp_input(stk->udp, pkt, rx, user, stk->now);
	stk->count[fate]++;
	return fate;
}

static enum ol_fate up_datagram(struct ol_stack *stk, struct ol_pkt *pkt, const struct net_rx *rx, struct ol_verdict *v)
{
	void *user = NULL;
	enum ol_fate fate;
	bool heard = socks_raw_input(stk->socks, pkt, rx, &user, stk->now);
	if (rx->local_done)
		fate = finish(stk, pkt, OL_DONE);
	else if (rx->proto == IPPROTO_TCP)
		fate = tcp_input(stk->tcp, pkt, rx, v, &user, stk->now);
	else if (rx->proto == IPPROTO_UDP)
		fate = up_udp(stk, pkt, rx, &user);
	else if (heard || rx->proto == IPPROTO_ICMP || rx->proto == IPPROTO_ICMPV6)
		fate = finish(stk, pkt, OL_DONE);
	else {
		net_proto_unreachable(stk->net, pkt, rx, stk->now);	/* and counts it */
		ol_pkt_free(pkt);
		fate = OL_DROP_IP_PROTOCOL;
	}
	v->sock = sock_number(user);
	return fate;
}

/* The ICMP message itself, for raw sockets of that protocol: before the quoted transport header lie the quoted IP header,
 * eight bytes of ICMP, and the header it came with. */
static void show_message(struct ol_stack *stk, struct ol_pkt *pkt, const struct net_rx *rx)
{
	void *user;
	size_t before = 8u + rx->error.quote_len;
	if (!rx->ip_len || ol_pkt_headroom(pkt) < before + rx->ip_len)
		return;
	struct net_rx whole = *rx;
	whole.what = NET_UP_DATAGRAM;
	whole.src = rx->error.from;
	whole.dst = rx->src;
	whole.proto = rx->dst.ver == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	ol_pkt_push(pkt, before);
	socks_raw_input(stk->socks, pkt, &whole, &user, stk->now);
	ol_pkt_pull(pkt, before);
}

static enum ol_fate up_error(struct ol_stack *stk, struct ol_pkt *pkt, const struct net_rx *rx)
{
	show_message(stk, pkt, rx);
	if (rx->proto == IPPROTO_TCP)
		tcp_icmp(stk->tcp, pkt, rx, stk->now);
	else if (rx->proto == IPPROTO_UDP)
		udp_icmp(stk->udp, pkt, rx, stk->now);
	socks_raw_icmp(stk->socks, pkt, rx, stk->now);
	return finish(stk, pkt, OL_DONE);
}

void stack_settle_some(struct ol_stack *stk)
{
	struct ol_pkt *pkt;
	struct net_rx rx;
	struct ol_addr gone;
	int ifi;
	while (net_error_next(stk->net, &pkt, &rx, stk->now))
		up_error(stk, pkt, &rx);
	while (net_lost_next(stk->net, &ifi, &gone)) {
		tcp_abandon(stk->tcp, &gone, stk->now);
		net_addr_del(stk->net, ifi, &gone, stk->now);
	}
}

/* From the internet floor up.  True: it was a datagram, which *rx now describes, and went to its transport. */
static bool up_net(struct ol_stack *stk, int ifi, bool to_many, struct ol_pkt *pkt, struct net_rx *rx, struct ol_verdict *v)
{
	v->fate = net_input(stk->net, ifi, to_many, &pkt, rx, stk->now);
	if (v->fate != OL_PASS)
		return false;
	v->fate = rx->what == NET_UP_ERROR ? up_error(stk, pkt, rx) : up_datagram(stk, pkt, rx, v);
	return rx->what == NET_UP_DATAGRAM;
}

struct ol_verdict ol_stack_input(struct ol_stack *stk, int ifi, struct ol_pkt *pkt, ol_time now)
{
	struct ol_verdict v = { .sock = -1 };
	struct net_rx rx;
	bool to_many;
	now = stack_now(stk, now);
	v.fate = link_input(stk->link, ifi, &pkt, &to_many, now);
	for (enum ol_fate more = v.fate; more == OL_PASS; more = link_more(stk->link, ifi, &pkt, now)) {
		stack_settle(stk);
		up_net(stk, ifi, to_many, pkt, &rx, &v);
	}
	stack_settle(stk);
	return v;
}

/* The rest of a train goes where its head went; where that was not TCP, each finds its own way. */
static void up_train(struct ol_stack *stk, int ifi, const struct gro_train *t)
{
	struct ol_verdict v = { .sock = -1 };
	struct net_rx rx, again;
	void *user;
	bool tcp = up_net(stk, ifi, false, t->head, &rx, &v) && rx.proto == IPPROTO_TCP && !rx.local_done;
	for (struct ol_pkt *p = t->rest, *next; p; p = next) {
		next = p->next;
		p->next = NULL;
		if (tcp) {
			socks_raw_input(stk->socks, p, &rx, &user, stk->now);
			tcp_input_next(stk->tcp, p, &rx, stk->now);
		} else {
			ol_pkt_push(p, t->ip_len);
			up_net(stk, ifi, false, p, &again, &v);
		}
	}
	stack_settle(stk);
}

void ol_stack_input_batch(struct ol_stack *stk, int ifi, struct ol_pktq *frames, ol_time now)
{
	struct gro gro;
	struct gro_train ready[GRO_TRAINS + 1];
	unsigned n;
	bool plain = !stk->cfg.net.gro || frames->count < 2;
	gro_init(&gro);
	now = stack_now(stk, now);
	tcp_batch_begin(stk->tcp);
	for (struct ol_pkt *pkt; (pkt = ol_pktq_get(frames)); ) {
		bool to_many;
		enum ol_fate fate = link_input(stk->link, ifi, &pkt, &to_many, now);
		for (; fate == OL_PASS; fate = link_more(stk->link, ifi, &pkt, now)) {
			n = to_many || plain ? gro_flush(&gro, ready) : gro_add(&gro, pkt, ready);
			for (unsigned i = 0; i < n; i++)
				up_train(stk, ifi, &ready[i]);
			if (to_many || plain) {
				struct ol_verdict v = { .sock = -1 };
				struct net_rx rx;
				up_net(stk, ifi, to_many, pkt, &rx, &v);
				stack_settle(stk);
			}
		}
	}
	n = gro_flush(&gro, ready);
	for (unsigned i = 0; i < n; i++)
		up_train(stk, ifi, &ready[i]);
	tcp_batch_end(stk->tcp, now);
	stack_settle(stk);
}

/* ---- down ------------------------------------------------------------------------------------------------------ */
struct ol_pkt *ol_stack_output(struct ol_stack *stk, int ifi, ol_time now)
{
	stack_now(stk, now);
	stack_settle(stk);
	struct ol_pkt *pkt = link_dequeue(stk->link, ifi);
	if (pkt)
		tcp_drained(stk->tcp, ifi, stk->now);
	return pkt;
}

int ol_stack_pending(const struct ol_stack *stk) { return link_pending(stk->link); }

/* ---- time ------------------------------------------------------------------------------------------------------ */
void ol_stack_expire(struct ol_stack *stk, ol_time now)
{
	now = stack_now(stk, now);
	for (struct timer *t; (t = wheel_expire(&stk->wheel, now)); ) {
		switch ((enum timer_kind)t->kind) {
		case TIMER_LINK:
		case TIMER_LINK_ACD:
		case TIMER_LINK_SERIAL:
		case TIMER_LINK_RARP:
			link_expire(stk->link, t, now);
			break;
		case TIMER_NET_FRAG:
		case TIMER_NET_GROUP:
		case TIMER_NET_ND:
		case TIMER_NET:
			net_expire(stk->net, t, now);
			break;
		case TIMER_TCP_TCB:
		case TIMER_TCP_SYN:
		case TIMER_TCP_TW:
		case TIMER_TCP:
			tcp_expire(stk->tcp, t, now);
			break;
		case TIMER_SOCK:
			CHECK(!"the sockets floor has no timers");
		}
	}
	stack_settle(stk);
}

ol_time ol_stack_deadline(const struct ol_stack *stk) { return wheel_deadline(&stk->wheel); }

/* ---- counters and checks --------------------------------------------------------------------------------------- */
uint64_t ol_stack_count(const struct ol_stack *stk, enum ol_fate fate)
{
	if ((unsigned)fate >= OL_FATE_MAX)
		return 0;
	return stk->count[fate] + link_count(stk->link, fate) + net_count(stk->net, fate) + tcp_count(stk->tcp, fate) +
	       socks_count(stk->socks, fate);
}

void ol_stack_check(const struct ol_stack *stk)
{
	net_check(stk->net);
	tcp_check_all(stk->tcp);
	udp_check(stk->udp);
	socks_check(stk->socks);
}
