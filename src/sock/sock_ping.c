/*
 * Ping sockets, socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP) and its IPv6 twin, icmp(7): a program sends echo requests and
 * hears the replies to them, and nothing else.  The identifier of RFC 792 and RFC 4443 4.1 is the socket's port, which
 * bind() may name; sequence number and data are the program's.
 */
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include "base/be.h"
#include "base/cksum.h"
#include "base/iov.h"
#include "sock/sock_int.h"

struct wire_echo { uint8_t type, code; be16 cksum, id, seq; };

bool ping_input(const struct raw_end *r, const struct ol_pkt *pkt, const struct net_rx *rx)
{
	const struct wire_echo *h = (const struct wire_echo *)pkt->data;
	if (pkt->len < sizeof *h || h->type != (rx->dst.ver == 4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY))
		return false;
	return r->d.local.port && be16_get(h->id) == r->d.local.port;
}

static int ping_autobind(struct sock *s)
{
	return s->claim ? 0 : sock_claim(s, &s->local);
}

static int ping_connect(struct sock *s, const struct sockaddr *addr, socklen_t len, ol_time now)
{
	int err = ping_autobind(s);
	return err ? err : raw_ops.connect(s, addr, len, now);
}

static void finish(const struct sock *s, const struct net_tx *tx, struct ol_pkt *pkt)
{
	struct wire_echo *h = (struct wire_echo *)pkt->data;
	uint32_t pseudo = tx->dst.ver == 6 ? cksum_pseudo(&tx->src, &tx->dst, IPPROTO_ICMPV6, pkt->len) : 0;
	h->id = be16_from(s->d->local.port);
	h->cksum = be16_from(0);
	h->cksum = be16_from(cksum_finish(cksum_add(pseudo, pkt->data, pkt->len)));
}

static ssize_t ping_sendmsg(struct sock *s, const struct msghdr *msg, int flags, ol_time now)
{
	struct dgram_call call;
	struct net_tx tx;
	struct net_path path;
	int err = dgram_prepare(s, msg, flags, &call);
	size_t len = iov_sum(call.iov, call.n);
	if (!err && call.to.dst.addr.ver != (s->domain == AF_INET ? 4 : 6))
		err = -ENETUNREACH;
	if (!err && len + dgram_ip_len(s->d, &call.to) > 0xffff)
		err = -EMSGSIZE;
	if (!err && len < sizeof(struct wire_echo))
		err = -EINVAL;
	if (!err)
		err = ping_autobind(s);
	if (!err)
		err = sock_errno(dgram_error_take(s));
	if (!err)
		err = sock_errno(dgram_route(s->d, s->ss->net, &call.to, len, &tx, &path));
	if (err)
		return err;
	struct ol_pkt *pkt = ol_pkt_new(s->ss->pool, len);
	if (!pkt)
		return -ENOBUFS;
	dgram_gather(pkt, call.iov, call.n);
	if (pkt->data[0] != (s->domain == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST) || pkt->data[1]) {
		ol_pkt_free(pkt);
		return -EINVAL;
	}
	finish(s, &tx, pkt);
	pkt->note = (struct ol_note){ .sock = s->number, .cause = OL_CAUSE_SEND };
	enum ol_err e = dgram_sent(s->d, net_output(s->ss->net, &tx, pkt, now));
	return e ? sock_errno(e) : (ssize_t)len;
}

static void ping_rebound(struct sock *s) { raw_ops.rebound(s); }
static void ping_close(struct sock *s, ol_time now) { raw_ops.close(s, now); }

const struct sock_ops ping_ops = {
	.connect = ping_connect, .shutdown = dgram_shutdown, .sendmsg = ping_sendmsg, .recvmsg = dgram_recvmsg,
	.poll = dgram_poll, .error_take = dgram_error_take, .rebound = ping_rebound, .close = ping_close,
};
