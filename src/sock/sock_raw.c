/*
 * Raw sockets, raw(7) and RFC 3542 3: every datagram of a protocol is copied to each raw socket of that protocol before its
 * transport sees it; over IPv4 with its IP header, over IPv6 without.  What is sent goes behind a header of ours, or brings
 * its own (IP_HDRINCL, IPv4).  An IPv6 socket hears IPv6 alone.  The walk, for ping sockets too, is at the end.
 *
 * Left out: IPV6_HDRINCL; and a filter in the network's own memory (SO_ATTACH_FILTER).
 */
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include "base/be.h"
#include "base/check.h"
#include "base/cksum.h"
#include "base/iov.h"
#include "sock/sock_int.h"

int raw_open(struct sock *s)
{
	bool ping = s->type == SOCK_DGRAM;
	s->ops = ping ? &ping_ops : &raw_ops;
	if (!ping && s->domain == AF_INET6 && s->protocol == IPPROTO_RAW)
		return -EPROTONOSUPPORT;
	if (ping && !s->ss->ping_ports) {
		s->ss->ping_ports = malloc(sizeof *s->ss->ping_ports);
		if (!s->ss->ping_ports)
			return -ENOBUFS;
		ports_init(s->ss->ping_ports, s->ss->cfg.seed, 1, 0xffff);
	}
	struct raw_end *r = calloc(1, sizeof *r);
	if (!r)
		return -ENOBUFS;
	s->raw = r;
	s->d = &r->d;
	dgram_init(s->d, (uint8_t)s->protocol, s->domain == AF_INET6, s->rcvbuf, &s->ss->dgram_events, s);
	s->d->number = s->number;
	s->d->local = s->local;
	s->d->v6only = true;
	s->d->opts.hdrincl = s->protocol == IPPROTO_RAW;
	r->sock = s;
	r->ping = ping;
	r->cksum_offset = !ping && s->protocol == IPPROTO_ICMPV6 ? (int)offsetof(struct icmp6_hdr, icmp6_cksum) : -1;
	list_append(&s->ss->raw, &r->node);
	return 0;
}

static void raw_close(struct sock *s, ol_time now)
{
	group_leave_all(s, now);
	list_del(&s->raw->node);
	dgram_fini(s->d, s->ss->net);
	free(s->raw);
	s->raw = NULL;
	s->d = NULL;
}

static void raw_rebound(struct sock *s)
{
	s->d->local = s->local;
	s->d->opts.ifi = s->ifi;
	s->d->opts.broadcast = s->broadcast;
	s->d->opts.rcvbuf = s->rcvbuf;
}

static int raw_connect(struct sock *s, const struct sockaddr *addr, socklen_t len, ol_time now)
{
	struct ol_endpoint peer;
	sa_family_t family;
	if (!addr || len < (socklen_t)sizeof family)
		return -EINVAL;
	memcpy(&family, addr, sizeof family);
	if (family == AF_UNSPEC) {
		dgram_disconnect(s);
		return 0;
	}
	int err = sock_addr_in(s, addr, len, 0, &peer);
	if (!err)
		err = sock_addr_partner(s, &peer);
	peer.port = 0;
	return err ? err : dgram_connect(s, &peer);
}

/* RFC 3542 3.1.  req: 3542-3.1-a */
static int put_checksum(const struct raw_end *r, const struct net_tx *tx, struct ol_pkt *pkt)
{
	if (r->cksum_offset < 0 || tx->dst.ver != 6)
		return 0;
	if ((uint32_t)r->cksum_offset + 2 > pkt->len)
		return -EINVAL;
	uint8_t *field = pkt->data + r->cksum_offset;
	be16_put(field, 0);
	uint16_t sum = cksum_finish(cksum_add(cksum_pseudo(&tx->src, &tx->dst, tx->proto, pkt->len), pkt->data, pkt->len));
	be16_put(field, sum);
	return 0;
}

static ssize_t raw_sendmsg(struct sock *s, const struct msghdr *msg, int flags, ol_time now)
{
	struct dgram_call call;
	struct net_tx tx;
	struct net_path path;
	int err = dgram_prepare(s, msg, flags, &call);
	if (err)
		return err;
	if (call.to.dst.addr.ver != (s->domain == AF_INET ? 4 : 6))
		return -ENETUNREACH;
	size_t len = iov_sum(call.iov, call.n), ip_len = s->d->opts.hdrincl || s->domain != AF_INET ? 0 : dgram_ip_len(s->d, &call.to);
	if (len + ip_len > 0xffff)
		return -EMSGSIZE;
	if (s->d->opts.hdrincl && (len < 20 || dgram_ip_len(s->d, &call.to) > 20))
		return -EINVAL;			/* Linux: a header of the program's own has its own options */
	err = (int)dgram_error_take(s);
	if (!err)
		err = (int)dgram_route(s->d, s->ss->net, &call.to, s->d->opts.hdrincl ? len - 20 : len, &tx, &path);
	if (err)
		return sock_errno((enum ol_err)err);
	struct ol_pkt *pkt = ol_pkt_new(s->ss->pool, len);
	if (!pkt)
		return -ENOBUFS;
	dgram_gather(pkt, call.iov, call.n);
	err = put_checksum(s->raw, &tx, pkt);
	if (err) {
		ol_pkt_free(pkt);
		return err;
	}
	tx.hdrincl = s->d->opts.hdrincl;
	pkt->note = (struct ol_note){ .sock = s->number, .cause = OL_CAUSE_SEND };
	enum ol_err e = dgram_sent(s->d, net_output(s->ss->net, &tx, pkt, now));
	return e ? sock_errno(e) : (ssize_t)len;
}

const struct sock_ops raw_ops = {
	.connect = raw_connect, .shutdown = dgram_shutdown, .sendmsg = raw_sendmsg, .recvmsg = dgram_recvmsg,
	.poll = dgram_poll, .error_take = dgram_error_take, .rebound = raw_rebound, .close = raw_close,
};

/* ---- the walk -------------------------------------------------------------------------------------------------- */
static bool same_addr(const struct ol_addr *a, const struct ol_addr *b)	/* whatever their scopes say */
{
	return a->ver == b->ver && !memcmp(a->b, b->b, sizeof a->b);
}

/* ICMP_FILTER, raw(7); ICMP6_FILTER, RFC 3542 3.2 */
static bool filtered(const struct raw_end *r, const struct ol_pkt *pkt)
{
	if (!pkt->len)
		return false;
	uint8_t type = pkt->data[0];
	if (r->d.proto == IPPROTO_ICMP && !r->d.v6)
		return type < 32 && r->icmp_filter >> type & 1;
	return r->d.proto == IPPROTO_ICMPV6 && r->d.v6 && r->icmp6_filter[type / 32] >> (type % 32) & 1;
}

static bool checksum_ok(const struct raw_end *r, const struct ol_pkt *pkt, const struct net_rx *rx)
{
	if (r->cksum_offset < 0 || r->d.proto == IPPROTO_ICMPV6 || pkt->csum != OL_CSUM_NONE)
		return true;
	return cksum_finish(cksum_add(cksum_pseudo(&rx->src, &rx->dst, rx->proto, pkt->len), pkt->data, pkt->len)) == 0;
}

static bool wants(const struct raw_end *r, const struct ol_pkt *pkt, const struct net_rx *rx)
{
	const struct dgram *d = &r->d;
	if (d->proto != rx->proto || d->shut_rd || !dgram_hears(d, &rx->dst, rx->ifi))
		return false;
	if (d->connected && !same_addr(&d->remote.addr, &rx->src))
		return false;
	int ifi = net_loops(r->sock->ss->net, rx->ifi) ? 0 : rx->ifi;
	if (ol_addr_is_multicast(&rx->dst) && !dgram_in_group(d, &rx->dst, &rx->src, ifi))
		return false;
	return r->ping ? ping_input(r, pkt, rx) : !filtered(r, pkt) && checksum_ok(r, pkt, rx);
}

static void deliver(struct raw_end *r, const struct ol_pkt *pkt, const struct net_rx *rx, ol_time now)
{
	struct socks *ss = r->sock->ss;
	size_t hdr = rx->dst.ver == 4 && !r->ping ? rx->ip_len : 0;
	struct dgram_meta meta = {
		.from.addr = rx->src, .to.addr = rx->dst, .ifi = rx->ifi, .flow = rx->flow, .ttl = rx->ttl, .tos = rx->tos,
		.time = now,
	};
	if (rx->dst.ver == 4 && rx->ip_len > 20)
		net_ip4_opts_of(ss->net, pkt->data - rx->ip_len, rx, &meta.opts, now);
	struct ol_pkt *copy = ol_pkt_from(ss->pool, pkt->data - hdr, hdr + pkt->len);
	if (!copy || !dgram_receive(&r->d, ss->pool, copy, &meta))
		ss->raw_dropped++;
}

bool socks_raw_input(struct socks *ss, const struct ol_pkt *pkt, const struct net_rx *rx, void **user, ol_time now)
{
	bool heard = false;
	list_for(n, &ss->raw) {
		struct raw_end *r = list_of(n, struct raw_end, node);
		if (!wants(r, pkt, rx))
			continue;
		deliver(r, pkt, rx, now);
		*user = r->sock;
		heard = true;
	}
	return heard;
}

void socks_raw_icmp(struct socks *ss, const struct ol_pkt *pkt, const struct net_rx *rx, ol_time now)
{
	list_for(n, &ss->raw) {
		struct raw_end *r = list_of(n, struct raw_end, node);
		struct dgram *d = &r->d;
		bool hard;
		if (d->proto != rx->proto || !dgram_hears(d, &rx->src, 0))
			continue;
		if (d->connected && !same_addr(&d->remote.addr, &rx->dst))
			continue;
		if (r->ping && !(pkt->len >= 8 && be16_at(pkt->data + 4) == d->local.port))
			continue;
		struct dgram_meta meta = dgram_meta_of_icmp(rx);
		meta.err = (uint8_t)dgram_icmp_means(d, ss->net, rx, &hard, now);
		dgram_error(d, ss->pool, &meta, hard, pkt->data, pkt->len);
	}
}
