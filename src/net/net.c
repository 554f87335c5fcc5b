/* The internet floor as a whole: its birth and end, the two ways through it, and what a drop means to a sender. */
#include "net/net_int.h"
#include <stdlib.h>
#include <string.h>

struct net_config net_config_default(void)
{
	return (struct net_config){ .ttl = 64, .hop_limit = 64, .frag_max_bytes = 4u << 20, .frag_max_count = 1024,
		.frag_timeout_ns = 30 * OL_SEC, .icmp_rate_per_s = 1000, .echo_ignore_broadcasts = true, .accept_redirects4 = true,
		.igmp_qrv = 2, .mld_qrv = 2, .gro = true,
		.ip6 = { .dad_transmits = 1, .optimistic_dad = true, .accept_ra = 1, .autoconf = true, .accept_redirects = true,
			.router_solicitations = 3, .addr_gen_mode = OL_GEN_EUI64 } };
}

static bool user_owns(void *ctx, int ifi, const struct ol_addr *addr) { return addr_owned_by(ctx, ifi, addr); }

static void user_solicit(void *ctx, int ifi, const struct ol_addr *target, const struct ol_mac *known,
			 const struct ol_pkt *waiting, ol_time now)
{
	nd_solicit(ctx, ifi, target, known, waiting, now);
}

static bool is_ours(const struct net *net, const struct ol_addr *src)
{
	return ol_addr_is_any(src) || net_is_local(net, src, 0);
}

/* RFC 1122 2.4, RFC 4861 7.2.2: only now, after all solicitations, is the destination unreachable.  Ours are told by
 * net_error_next(), others by ICMP. */
static void user_failed(void *ctx, int ifi, struct ol_pkt *pkt, ol_time now)
{
	struct net *net = ctx;
	struct ip4_hdr h4;
	struct ip6_hdr h6;
	bool v4 = wire_ip4_parse(&h4, pkt->data, pkt->len) == OL_PASS;
	if (!v4 && wire_ip6_parse(&h6, pkt->data, pkt->len) != OL_PASS) {
		ol_pkt_free(pkt);
		return;
	}
	if (!v4)
		addr_set_scope(net, ifi, &h6.src);
	if (is_ours(net, v4 ? &h4.src : &h6.src) && net->errors.count < NET_ERRORS_MAX) {
		ol_pktq_put(&net->errors, pkt);
		return;
	}
	if (v4)
		icmp4_error(net, pkt->data, pkt->len, 0, false, ICMP4_UNREACH, ICMP4_HOST, 0, now);
	else
		icmp6_error(net, pkt->data, pkt->len, 0, false, ICMP6_UNREACH, ICMP6_ADDR, 0, now);
	ol_pkt_free(pkt);
}

static void user_silent(void *ctx, int ifi, const struct ol_addr *addr, ol_time now)
{
	redirect_forget(ctx, addr->ver, ifi, addr);
	route_silent(ctx, ifi, addr, now);
}

static void user_acd(void *ctx, int ifi, const struct ol_addr *addr, enum acd_news news, ol_time now)
{
	addr_news(ctx, ifi, addr, news, now);
}

struct net *net_new(const struct net_config *cfg, struct link *link, struct ol_pool *pool, struct wheel *wheel,
		    ol_time now)
{
	struct net *net = calloc(1, sizeof *net);
	if (!net)
		return NULL;
	net->cfg = *cfg;
	net->link = link;
	net->pool = pool;
	net->wheel = wheel;
	net->generation = 1;
	net->revive_at = OL_NEVER;
	redirect_init(net);
	list_init(&net->routes);
	list_init(&net->pmtu_age);
	list_init(&net->reass_age);
	ol_pktq_init(&net->errors);
	timer_init(&net->timer, TIMER_NET);
	net->key_id = sipkey_derive(cfg->seed, "ip identification");
	net->key_reass = sipkey_derive(cfg->seed, "reassembly");
	net->key_path = sipkey_derive(cfg->seed, "path mtu");
	net->key_slaac = sipkey_derive(cfg->seed, "interface identifiers");
	rng_init(&net->nd_rng, sipkey_derive(cfg->seed, "neighbour discovery").k0);
	struct rng r;
	rng_init(&r, net->key_id.k1);
	for (int i = 0; i < ID_SLOTS; i++)
		net->id[i] = (uint32_t)rng_u64(&r);
	group_init(net);
	net->icmp_credit = OL_SEC;
	net->icmp_last = now;
	addr_init(net);
	if (!net->local) {
		free(net);
		return NULL;
	}
	struct link_user user = { net, user_owns, user_solicit, user_failed, user_silent, user_acd };
	link_set_user(link, &user);
	return net;
}

void net_free(struct net *net)
{
	if (!net)
		return;
	link_set_user(net->link, &(struct link_user){ 0 });
	reass_fini(net);
	pmtu_fini(net);
	free(net->ll4);
	redirect_fini(net);
	route_fini(net);
	group_fini(net);
	addr_fini(net);
	nd_if_fini(net);
	ol_pktq_purge(&net->errors);
	free(net);
}

enum ol_fate net_drop(struct net *net, struct ol_pkt *pkt, enum ol_fate fate)
{
	ol_pkt_free(pkt);
	net->count[fate]++;
	return fate;
}

uint64_t net_count(const struct net *net, enum ol_fate fate)
{
	return (unsigned)fate < OL_FATE_MAX ? net->count[fate] : 0;
}

enum ol_fate net_input(struct net *net, int ifi, bool to_many, struct ol_pkt **pkt, struct net_rx *rx, ol_time now)
{
	if (!(*pkt)->len) {
		struct ol_pkt *p = *pkt;
		*pkt = NULL;
		return net_drop(net, p, OL_DROP_IP_SHORT);
	}
	if ((*pkt)->data[0] >> 4 == 6)
		return ip6_input(net, ifi, to_many, pkt, rx, now);
	return ip4_input(net, ifi, to_many, pkt, rx, now);
}

enum ol_fate net_output(struct net *net, const struct net_tx *tx, struct ol_pkt *pkt, ol_time now)
{
	if (tx->dst.ver == 4)
		return ip4_output(net, tx, pkt, now);
	if (tx->dst.ver == 6)
		return ip6_output(net, tx, pkt, now);
	return net_drop(net, pkt, OL_DROP_IP_NO_ROUTE);
}

enum ol_err net_err(enum ol_fate fate)
{
	switch (fate) {
	case OL_PASS: case OL_DONE: case OL_FORWARDED:
	case OL_DROP_LINK_QUEUE_FULL:		/* lost on the way out is lost on the way: datagrams promise no more */
	case OL_DROP_NEIGH_QUEUE_FULL:
		return OL_OK;
	case OL_DROP_IP_NO_ROUTE:
		return OL_ERR_NETUNREACH;
	case OL_DROP_IP_NO_SOURCE: case OL_DROP_IP_SOURCE:
		return OL_ERR_ADDRNOTAVAIL;
	case OL_DROP_IP_TOO_BIG: case OL_DROP_LINK_TOO_LONG:
		return OL_ERR_MSGSIZE;
	case OL_DROP_IP_BROADCAST:
		return OL_ERR_ACCES;
	case OL_DROP_LINK_DOWN:
		return OL_ERR_NETUNREACH;
	case OL_DROP_NEIGH_FAILED: case OL_DROP_IP_BLACKHOLE:
		return OL_ERR_HOSTUNREACH;
	case OL_DROP_NO_MEMORY:
		return OL_ERR_NOMEM;
	default:
		return OL_ERR_INVAL;
	}
}

bool net_error_waits(const struct net *net) { return net->errors.head; }

bool net_error_next(struct net *net, struct ol_pkt **pkt, struct net_rx *rx, ol_time now)
{
	struct ip4_hdr h4;
	struct ip6_hdr h6;
	for (struct ol_pkt *p; (p = ol_pktq_get(&net->errors)); ol_pkt_free(p)) {
		*rx = (struct net_rx){ .what = NET_UP_ERROR };
		size_t hlen;
		if (p->data[0] >> 4 == 4 && wire_ip4_parse(&h4, p->data, p->len) == OL_PASS && !h4.off) {
			hlen = h4.hlen;
			rx->src = h4.src;
			rx->dst = h4.dst;
			rx->proto = h4.proto;
			rx->error.type = ICMP4_UNREACH;
			rx->error.code = ICMP4_HOST;
		} else if (p->data[0] >> 4 == 6 && wire_ip6_parse(&h6, p->data, p->len) == OL_PASS) {
			uint8_t next = h6.next;
			size_t ext = ip6_skip_ext(&next, p->data + IP6_HLEN, h6.len);
			if (ext == SIZE_MAX)
				continue;
			hlen = IP6_HLEN + ext;
			rx->src = h6.src;
			rx->dst = h6.dst;
			rx->proto = next;
			rx->error.type = ICMP6_UNREACH;
			rx->error.code = ICMP6_ADDR;
			addr_set_scope(net, 0, &rx->src);
		} else {
			continue;
		}
		rx->error.from = rx->src;
		rx->error.quote_len = (uint16_t)hlen;
		if (rx->dst.ver == 4)
			icmp4_meaning(rx);
		else
			icmp6_meaning(rx);
		ol_pkt_pull(p, hlen);
		*pkt = p;
		return true;
	}
	return false;
}

void net_port_unreachable(struct net *net, const struct ol_pkt *pkt, const struct net_rx *rx, ol_time now)
{
	const uint8_t *ip = pkt->data - rx->ip_len;
	size_t len = pkt->len + (size_t)rx->ip_len;
	bool many = rx->broadcast || rx->multicast;
	if (rx->dst.ver == 4)
		icmp4_error(net, ip, len, rx->ifi, many, ICMP4_UNREACH, ICMP4_PORT, 0, now);
	else
		icmp6_error(net, ip, len, rx->ifi, many, ICMP6_UNREACH, ICMP6_PORT, 0, now);
}

/* RFC 8200 4: the pointer names the byte that named the protocol; behind extension headers it has to be looked for. */
static uint32_t next_header_at(const uint8_t *ip, size_t len)
{
	size_t at = IP6_HLEN;
	uint32_t named = 6;
	for (int i = 0; i < IP6_EXT_MAX && ip6_is_ext(ip[named]); i++) {
		size_t n = ip6_ext_len(ip[named], ip + at, len - at);
		if (!n)
			break;
		named = (uint32_t)at;
		at += n;
	}
	return named;
}

void net_proto_unreachable(struct net *net, const struct ol_pkt *pkt, const struct net_rx *rx, ol_time now)
{
	const uint8_t *ip = pkt->data - rx->ip_len;
	size_t len = pkt->len + (size_t)rx->ip_len;
	bool many = rx->broadcast || rx->multicast;
	net->count[OL_DROP_IP_PROTOCOL]++;
	if (rx->dst.ver == 4)
		icmp4_error(net, ip, len, rx->ifi, many, ICMP4_UNREACH, ICMP4_PROTO, 0, now);
	else
		icmp6_error(net, ip, len, rx->ifi, many, ICMP6_PARAM, ICMP6_PARAM_NEXT, next_header_at(ip, len), now);
}

void net_rearm(struct net *net)
{
	struct list *p = list_first(&net->pmtu_age);
	ol_time at = MIN(redirect_due(net), p ? MIN(list_of(p, struct pmtu, age)->until, net->revive_at) : net->revive_at);
	if (at == OL_NEVER)
		timer_stop(net->wheel, &net->timer);
	else
		timer_arm(net->wheel, &net->timer, at);
}

void net_expire(struct net *net, struct timer *t, ol_time now)
{
	if (t->kind == TIMER_NET_FRAG) {
		reass_expire(net, t, now);
		return;
	}
	if (t->kind == TIMER_NET_GROUP) {
		group_expire(net, t, now);
		return;
	}
	if (t->kind == TIMER_NET_ND) {
		nd_expire(net, t, now);
		return;
	}
	pmtu_expire(net, now);
	route_revive(net, now);
	redirect_expire(net, now);
	net_rearm(net);
}
