/*
 * The queues, errors and sending rules that UDP and raw ends share.  A queue charges what a datagram costs in memory, about
 * as Linux's truesize does, and small datagrams in large buffers are copied out of them, so that the bound is a real one.
 * Errors follow ip(7): a connected end hears hard errors, one that set IP_RECVERR hears all, with the ICMP message's facts.
 */
#include "transport/udp/dgram.h"
#include <sys/types.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include <outlet/ol_sock.h>
#include "base/check.h"
#include "wire/ip6.h"

enum { OVERHEAD = 512 };		/* what a queued datagram costs besides its bytes */

struct dgram_opts dgram_opts_default(uint32_t rcvbuf)
{
	return (struct dgram_opts){
		.rcvbuf = rcvbuf, .mc_ttl4 = 1, .mc_ttl6 = 1, .mc_loop4 = true, .mc_loop6 = true,
		.mc_all4 = true, .mc_all6 = true,
		.pmtud4 = PMTUD_WANT, .pmtud6 = PMTUD_WANT, .min_mtu = -1,
	};
}

void dgram_init(struct dgram *d, uint8_t proto, bool v6, uint32_t rcvbuf, struct list *events, void *user)
{
	*d = (struct dgram){ .user = user, .number = -1, .proto = proto, .v6 = v6, .opts = dgram_opts_default(rcvbuf),
			     .events = events };
	ol_pktq_init(&d->rx.q);
	ol_pktq_init(&d->errors.q);
	list_init(&d->groups);
	list_init(&d->event);
}

void dgram_fini(struct dgram *d, struct net *net)
{
	for (struct list *n; (n = list_take(&d->groups)); ) {
		struct dgram_group *g = list_of(n, struct dgram_group, node);
		free((void *)(uintptr_t)g->filter.src);
		free(g);
	}
	dgramq_purge(&d->rx);
	dgramq_purge(&d->errors);
	list_del(&d->event);
}

unsigned dgram_ready(const struct dgram *d)
{
	unsigned ev = OL_EV_OUT;
	if (d->rx.q.head || d->shut_rd)
		ev |= OL_EV_IN;
	if (d->shut_rd)
		ev |= OL_EV_RDHUP;
	if (d->shut_rd && d->shut_wr)
		ev |= OL_EV_HUP;
	if (d->error || d->errors.q.head)
		ev |= OL_EV_ERR;
	return ev;
}

/* ---- who hears what -------------------------------------------------------------------------------------------- */
bool dgram_hears(const struct dgram *d, const struct ol_addr *to, int ifi)
{
	if (d->opts.ifi && ifi && d->opts.ifi != ifi)
		return false;
	if (!ol_addr_is_any(&d->local.addr))
		return ol_addr_eq(&d->local.addr, to);
	if (to->ver == 6)
		return d->v6 && d->local.addr.ver != 4;
	return !d->v6 || d->local.addr.ver == 4 || !d->v6only;
}

bool dgram_in_group(const struct dgram *d, const struct ol_addr *group, const struct ol_addr *src, int ifi)
{
	bool member = false;
	list_for(n, &d->groups) {
		const struct dgram_group *g = list_of(n, struct dgram_group, node);
		if (g->group.ver != group->ver || memcmp(g->group.b, group->b, 16) || (ifi && g->ifi != ifi))
			continue;
		if (net_filter_takes(&g->filter, src))
			return true;
		member = true;
	}
	return !member && (group->ver == 4 ? d->opts.mc_all4 : d->opts.mc_all6);
}

/* ---- queues ---------------------------------------------------------------------------------------------------- */
static struct ol_pkt *fitting(struct ol_pool *pool, struct ol_pkt *pkt)
{
	bool wasteful = pkt->cap > 4 * (pkt->len + OVERHEAD);
	if (!wasteful && ol_pkt_headroom(pkt) >= sizeof(struct dgram_meta))
		return pkt;
	struct ol_pkt *copy = ol_pkt_from(pool, pkt->data, pkt->len);
	if (copy)
		copy->time = pkt->time;
	ol_pkt_free(pkt);
	return copy;
}

static bool enqueue(struct dgramq *q, size_t limit, struct ol_pool *pool, struct ol_pkt *pkt, const struct dgram_meta *meta)
{
	struct dgram_meta m = *meta;
	m.charge = pkt->len + OVERHEAD;
	if (q->charged && q->charged + m.charge > limit) {	/* one datagram fits into any queue, as on Linux */
		ol_pkt_free(pkt);
		return false;
	}
	pkt = fitting(pool, pkt);
	if (!pkt)
		return false;
	memcpy(pkt->data - sizeof m, &m, sizeof m);
	q->charged += m.charge;
	ol_pktq_put(&q->q, pkt);
	return true;
}

struct ol_pkt *dgramq_peek(const struct dgramq *q, struct dgram_meta *meta)
{
	struct ol_pkt *pkt = q->q.head;
	if (pkt)
		memcpy(meta, pkt->data - sizeof *meta, sizeof *meta);
	return pkt;
}

struct ol_pkt *dgramq_get(struct dgramq *q, struct dgram_meta *meta)
{
	if (!dgramq_peek(q, meta))
		return NULL;
	CHECK(q->charged >= meta->charge);
	q->charged -= meta->charge;
	return ol_pktq_get(&q->q);
}

void dgramq_purge(struct dgramq *q)
{
	ol_pktq_purge(&q->q);
	q->charged = 0;
}

bool dgram_receive(struct dgram *d, struct ol_pool *pool, struct ol_pkt *pkt, const struct dgram_meta *meta)
{
	if (!enqueue(&d->rx, d->opts.rcvbuf, pool, pkt, meta))
		return false;
	dgram_raise(d);
	return true;
}

void dgram_path_told(struct dgram *d, struct ol_pool *pool, const struct ol_addr *dst, uint32_t mtu)
{
	struct dgram_meta meta = { .from.addr = *dst, .to.addr = *dst, .of_path = true, .info = mtu };
	struct ol_pkt *pkt = d->opts.recv_path && dst->ver == 6 ? ol_pkt_new(pool, 0) : NULL;
	if (pkt)
		dgram_receive(d, pool, pkt, &meta);
}

/* ---- errors ---------------------------------------------------------------------------------------------------- */
void dgram_error(struct dgram *d, struct ol_pool *pool, const struct dgram_meta *meta, bool hard, const uint8_t *quoted,
		 size_t len)
{
	bool recverr = meta->to.addr.ver == 4 ? d->opts.recverr4 : d->opts.recverr6;
	if (meta->err == OL_ERR_MSGSIZE)
		dgram_path_told(d, pool, &meta->to.addr, meta->info);
	if (recverr) {
		struct ol_pkt *pkt = ol_pkt_from(pool, quoted, len);
		if (pkt)
			enqueue(&d->errors, d->opts.rcvbuf, pool, pkt, meta);
	} else if (!hard || !d->connected) {
		return;
	}
	if (meta->origin != SO_EE_ORIGIN_LOCAL)	/* a local one was the call's own answer */
		d->error = meta->err;
	dgram_raise(d);
}

struct dgram_meta dgram_meta_of_icmp(const struct net_rx *rx)
{
	return (struct dgram_meta){
		.to.addr = rx->dst, .ifi = rx->ifi, .origin = rx->dst.ver == 4 ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6,
		.type = rx->error.type, .code = rx->error.code, .err = (uint8_t)rx->error.err, .info = rx->error.info,
		.offender = rx->error.from,
	};
}

static bool is_too_big(const struct net_rx *rx)
{
	return rx->dst.ver == 4 ? rx->error.type == ICMP_DEST_UNREACH && rx->error.code == ICMP_FRAG_NEEDED
				: rx->error.type == ICMP6_PACKET_TOO_BIG;
}

enum ol_err dgram_icmp_means(struct dgram *d, struct net *net, const struct net_rx *rx, bool *hard, ol_time now)
{
	*hard = rx->error.hard;
	if (!is_too_big(rx))
		return rx->error.err;
	enum dgram_pmtud pmtud = rx->dst.ver == 4 ? d->opts.pmtud4 : d->opts.pmtud6;
	*hard = pmtud != PMTUD_DONT;
	if (pmtud != PMTUD_INTERFACE && pmtud != PMTUD_OMIT)
		net_pmtu_update(net, &rx->dst, rx->error.info, now);
	return OL_ERR_MSGSIZE;
}

struct ol_pkt *dgram_error_get(struct dgram *d, struct dgram_meta *meta)
{
	struct ol_pkt *pkt = dgramq_get(&d->errors, meta);
	if (pkt) {
		struct dgram_meta next;
		d->error = dgramq_peek(&d->errors, &next) ? next.err : OL_OK;
	}
	return pkt;
}

/* ---- sending --------------------------------------------------------------------------------------------------- */
/* ip(7), IP_MTU_DISCOVER: may the datagram be fragmented, and which MTU may it not exceed? */
static enum ol_err fragment_rule(const struct dgram *d, const struct dgram_to *to, const struct net_path *path, size_t len,
				 struct net_tx *tx)
{
	bool v4 = tx->dst.ver == 4;
	size_t total = len + dgram_ip_len(d, to);
	switch ((enum dgram_pmtud)(v4 ? d->opts.pmtud4 : d->opts.pmtud6)) {
	case PMTUD_DONT:
	case PMTUD_OMIT:
		break;
	case PMTUD_WANT:			/* what fits goes whole, so that we hear when it does not fit farther on */
		tx->df = total <= path->mtu;
		break;
	case PMTUD_DO:
		tx->df = true;
		if (total > path->mtu)
			return OL_ERR_MSGSIZE;
		break;
	case PMTUD_PROBE:
		tx->df = tx->probe = true;
		if (total > path->link_mtu)
			return OL_ERR_MSGSIZE;
		break;
	case PMTUD_INTERFACE:
		tx->probe = true;
		if (total > path->link_mtu)
			return OL_ERR_MSGSIZE;
		break;
	}
	bool dontfrag = to->dontfrag >= 0 ? to->dontfrag : d->opts.dontfrag6;
	if (!v4 && dontfrag && total > path->mtu)	/* RFC 3542 11.2 */
		return OL_ERR_MSGSIZE;
	return OL_OK;
}

/* RFC 3542 6.7: the control message, then IPV6_MULTICAST_IF, then IPV6_PKTINFO as an option. */
static int out_interface(const struct dgram *d, const struct dgram_to *to)
{
	if (to->ifi)
		return to->ifi;
	if (to->dst.addr.scope)
		return (int)to->dst.addr.scope;
	if (d->opts.ifi)
		return d->opts.ifi;
	int many = !ol_addr_is_multicast(&to->dst.addr) ? 0 : to->dst.addr.ver == 4 ? d->opts.mc_if4 : d->opts.mc_if6;
	return many || to->dst.addr.ver == 4 ? many : d->opts.info_if6;
}

/* RFC 1122 3.2.1.3: what is bound to a group or a broadcast hears there, and sends from an address of its host. */
static struct ol_addr source(const struct dgram *d, const struct net *net, const struct dgram_to *to)
{
	if (to->src.ver && !ol_addr_is_any(&to->src))
		return to->src;
	if (!ol_addr_is_any(&d->local.addr) && !ol_addr_is_multicast(&d->local.addr) && !net_is_broadcast(net, &d->local.addr))
		return d->local.addr;			/* bind()'s goes before the option; a control message before both */
	if (to->dst.addr.ver == 6 && d->opts.info_src6.ver)
		return d->opts.info_src6;
	if (to->dst.addr.ver == 4 && ol_addr_is_multicast(&to->dst.addr))
		return d->opts.mc_src;
	return (struct ol_addr){ 0 };
}

/* SO_DONTROUTE: no gateway, so the destination shares a prefix with the interface it leaves by. */
static bool on_link(struct net *net, const struct ol_addr *dst, const struct net_path *path)
{
	struct ol_addr a;
	unsigned plen;
	if (path->local || path->broadcast || path->multicast || ol_addr_is_linklocal(dst))
		return true;
	for (unsigned i = 0; net_addr_get(net, path->ifi, i, &a, &plen) == 0; i++)
		if (ol_addr_in_prefix(dst, &a, plen))
			return true;
	return false;
}

/* What this socket wants no packet to exceed: IPV6_MTU, and RFC 3542 11.1's minimum; 0: nothing. */
static uint32_t own_mtu(const struct dgram_opts *o, const struct dgram_to *to, bool many)
{
	int use = to->min_mtu >= -1 ? to->min_mtu : o->min_mtu;
	return use > 0 || (use < 0 && many) ? IP6_MIN_MTU : o->mtu6;
}

size_t dgram_ip_len(const struct dgram *d, const struct dgram_to *to)
{
	return to->dst.addr.ver == 4 ? 20u + dgram_ip4_opts(d, to)->len : 40;
}

enum ol_err dgram_route(struct dgram *d, struct net *net, const struct dgram_to *to, size_t len, struct net_tx *tx,
			struct net_path *path)
{
	const struct dgram_opts *o = &d->opts;
	bool v4 = to->dst.addr.ver == 4, many = ol_addr_is_multicast(&to->dst.addr);
	struct ol_addr src = source(d, net, to);
	int ifi = out_interface(d, to);
	if (src.ver && src.ver != to->dst.addr.ver)
		return OL_ERR_NETUNREACH;
	const struct net_ip4_opts *opts = v4 ? dgram_ip4_opts(d, to) : NULL;
	struct ol_addr first = to->dst.addr;	/* the first hop of a source route is what is routed to */
	if (opts)
		net_ip4_opts_via(opts, &first);
	enum ol_err err = net_route(net, &first, &src, ifi, path);
	if (err)
		return err;
	if (path->broadcast && !o->broadcast)
		return OL_ERR_ACCES;		/* req: POSIX-sys_socket.h-c */
	if ((o->dontroute || to->dontroute) && !on_link(net, &first, path))
		return OL_ERR_NETUNREACH;	/* req: POSIX-sys_socket.h-k */
	uint32_t mtu = v4 ? 0 : own_mtu(o, to, many);
	if (mtu && mtu < path->mtu)
		path->mtu = mtu;
	*tx = (struct net_tx){
		.src = path->src, .dst = to->dst.addr, .proto = d->proto, .broadcast = o->broadcast, .ifi = ifi,
		.ttl = v4 ? (many ? o->mc_ttl4 : o->ttl4) : (many ? o->mc_ttl6 : o->ttl6), .tos = v4 ? o->tos4 : o->tos6,
		.noloop = many && !(v4 ? o->mc_loop4 : o->mc_loop6), .mtu = mtu, .opts = opts,
	};
	if (to->ttl >= 0)
		tx->ttl = (uint8_t)to->ttl;
	if (to->tos >= 0)
		tx->tos = (uint8_t)to->tos;
	return fragment_rule(d, to, path, len, tx);
}

void dgram_gather(struct ol_pkt *pkt, const struct iovec *iov, int n)
{
	for (int i = 0; i < n; i++)
		if (iov[i].iov_len)
			memcpy(ol_pkt_put(pkt, iov[i].iov_len), iov[i].iov_base, iov[i].iov_len);
}

enum ol_err dgram_sent(const struct dgram *d, enum ol_fate fate)
{
	if (fate == OL_DONE || fate == OL_PASS)
		return OL_OK;
	enum ol_err err = net_err(fate);
	if ((fate == OL_DROP_LINK_QUEUE_FULL || fate == OL_DROP_NEIGH_QUEUE_FULL) && !d->opts.recverr4 && !d->opts.recverr6)
		return OL_OK;
	return err;
}
