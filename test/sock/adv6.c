/* RFC 3542, the advanced interface to IPv6, between two hosts in memory: the path's MTU, the outgoing interface, raw sockets. */
#include <errno.h>
#include <netinet/icmp6.h>
#include <outlet/ol_pkt.h>
#include <stdlib.h>
#include "pair.h"
#include "unit.h"

static struct sockaddr_in6 at_b;
static char block[4000], got[4000];

static ol_sock udp6(struct pair *p, struct ol_stack *stk, const char *addr, uint16_t port)
{
	struct sockaddr_in6 at = in6(addr, port);
	ol_sock s = ol_socket(stk, AF_INET6, SOCK_DGRAM, 0, p->now);
	eq(ol_bind(stk, s, SA(at), p->now), 0);
	return s;
}

/* With a control message of the IPv6 level, or (type 0) none. */
static ssize_t send_with(struct pair *p, ol_sock s, const struct sockaddr_in6 *to, size_t n, int type, const void *data, size_t len)
{
	union { struct cmsghdr h; char room[CMSG_SPACE(sizeof(struct in6_pktinfo))]; } ctl;
	struct iovec iov = { block, n };
	struct msghdr msg = { .msg_name = (void *)(uintptr_t)to, .msg_namelen = sizeof *to, .msg_iov = &iov, .msg_iovlen = 1 };
	memset(&ctl, 0, sizeof ctl);
	if (type) {
		ctl.h = (struct cmsghdr){ .cmsg_level = IPPROTO_IPV6, .cmsg_type = type, .cmsg_len = CMSG_LEN(len) };
		memcpy(CMSG_DATA(&ctl.h), data, len);
		msg.msg_control = &ctl;
		msg.msg_controllen = CMSG_SPACE(len);
	}
	return ol_sendmsg(A(p), s, &msg, 0, p->now);
}

static ssize_t send_min(struct pair *p, ol_sock s, size_t n, int v) { return send_with(p, s, &at_b, n, OL_IPV6_USE_MIN_MTU, &v, sizeof v); }

/* Frames on the wire for one datagram of n bytes. */
static uint64_t frames_of(struct pair *p, ssize_t sent, size_t n)
{
	uint64_t before = p->frames;
	eq(sent, n);
	pair_run(p, 100);
	return p->frames - before;
}

/* The next indication's MTU and destination; 0: what comes is no indication. */
static uint32_t told(struct pair *p, struct ol_stack *stk, ol_sock s, struct sockaddr_in6 *dst)
{
	union { struct cmsghdr h; char room[256]; } ctl;
	struct iovec iov = { got, sizeof got };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &ctl, .msg_controllen = sizeof ctl };
	struct ip6_mtuinfo info = { 0 };
	if (ol_recvmsg(stk, s, &msg, 0, p->now) != 0)
		return 0;
	struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
	ok(h && h->cmsg_level == IPPROTO_IPV6 && h->cmsg_type == IPV6_PATHMTU && h->cmsg_len == CMSG_LEN(sizeof info));
	memcpy(&info, CMSG_DATA(h), sizeof info);
	*dst = info.ip6m_addr;
	return info.ip6m_mtu;
}

/* req: 3542-11.1-a, 3542-12-a */
TEST(adv6_the_minimum_mtu_is_for_multicasts_for_none_or_for_all)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in6 group = in6("ff05::77", 9);
	ol_sock s = udp6(p, A(p), "::", 0);
	at_b = in6("fd00::2", 9);
	udp6(p, B(p), "::", 9);
	send_with(p, s, &at_b, 10, 0, NULL, 0);			/* so that neighbours know each other */
	pair_run(p, 100);
	eq(pair_opt(A(p), s, IPPROTO_IPV6, OL_IPV6_USE_MIN_MTU), -1);
	eq(frames_of(p, send_with(p, s, &at_b, 1400, 0, NULL, 0), 1400), 1);
	eq(frames_of(p, send_with(p, s, &group, 1400, 0, NULL, 0), 1400), 2);
	eq(frames_of(p, send_min(p, s, 1400, 1), 1400), 2);		/* this one alone */
	eq(pair_setopt(p, A(p), s, IPPROTO_IPV6, OL_IPV6_USE_MIN_MTU, 1), 0);
	eq(pair_opt(A(p), s, IPPROTO_IPV6, OL_IPV6_USE_MIN_MTU), 1);
	eq(frames_of(p, send_with(p, s, &at_b, 1400, 0, NULL, 0), 1400), 2);
	eq(frames_of(p, send_with(p, s, &at_b, 1200, 0, NULL, 0), 1200), 1);
	eq(frames_of(p, send_min(p, s, 1400, 0), 1400), 1);
	eq(frames_of(p, send_min(p, s, 1400, -1), 1400), 1);
	eq(pair_setopt(p, A(p), s, IPPROTO_IPV6, OL_IPV6_USE_MIN_MTU, 0), 0);
	eq(frames_of(p, send_with(p, s, &group, 1400, 0, NULL, 0), 1400), 1);
	eq(pair_setopt(p, A(p), s, IPPROTO_IPV6, OL_IPV6_USE_MIN_MTU, 2), -EINVAL);
	eq(send_min(p, s, 10, -2), -EINVAL);
	pair_free(p);
}

/* req: 3542-11.3-a, 3542-11.2-a */
TEST(adv6_the_path_is_told_behind_what_came_before)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in6 dst, me = in6("fd00::1", 7);
	struct ip6_mtuinfo info;
	socklen_t len = sizeof info;
	ol_sock s = udp6(p, A(p), "::", 7), b = udp6(p, B(p), "::", 9);
	at_b = in6("fd00::2", 9);
	eq(ol_getsockopt(A(p), s, IPPROTO_IPV6, IPV6_PATHMTU, &info, &len, p->now), -ENOTCONN);
	eq(pair_setopt(p, A(p), s, IPPROTO_IPV6, IPV6_DONTFRAG, 1), 0);
	eq(send_with(p, s, &at_b, 1600, 0, NULL, 0), -EMSGSIZE);
	eq(told(p, A(p), s, &dst), 0);				/* nobody asked */
	eq(pair_setopt(p, A(p), s, IPPROTO_IPV6, IPV6_RECVPATHMTU, 1), 0);
	eq(pair_opt(A(p), s, IPPROTO_IPV6, IPV6_RECVPATHMTU), 1);
	struct iovec iov = { block, 5 };
	struct msghdr first = { .msg_name = &me, .msg_namelen = sizeof me, .msg_iov = &iov, .msg_iovlen = 1 };
	eq(ol_sendmsg(B(p), b, &first, 0, p->now), 5);
	pair_run(p, 100);
	eq(send_with(p, s, &at_b, 1600, 0, NULL, 0), -EMSGSIZE);
	ok(ol_poll(A(p), s) & OL_EV_IN);
	eq(ol_recv(A(p), s, got, sizeof got, 0, p->now), 5);	/* the datagram first */
	eq(told(p, A(p), s, &dst), 1500);
	eq_mem(&dst.sin6_addr, &at_b.sin6_addr, 16);
	eq(ol_recv(A(p), s, got, sizeof got, 0, p->now), -EAGAIN);
	eq(ol_connect(A(p), s, SA(at_b), p->now), 0);
	eq(ol_getsockopt(A(p), s, IPPROTO_IPV6, IPV6_PATHMTU, &info, &len, p->now), 0);
	eq(info.ip6m_mtu, 1500);
	eq(len, sizeof info);
	pair_free(p);
}

/* A router says that a packet was too big: who sent it is told, and what the path has. req: 3542-11.3-a */
TEST(adv6_the_path_is_told_when_a_router_says_so)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in6 dst, me = in6("fd00::1", 0);
	unsigned char m[8 + 40 + 8 + 8] = { ICMP6_PACKET_TOO_BIG, [6] = 1400 >> 8, 1400 & 0xff };
	ol_sock s = udp6(p, A(p), "::", 7), router = ol_socket(B(p), AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, p->now);
	at_b = in6("fd00::2", 9);
	eq(pair_setopt(p, A(p), s, IPPROTO_IPV6, IPV6_RECVPATHMTU, 1), 0);
	eq(send_with(p, s, &at_b, 8, 0, NULL, 0), 8);
	pair_run(p, 100);
	ol_recv(A(p), s, got, sizeof got, 0, p->now);		/* that port is unreachable */
	m[8] = 0x60;						/* what it quotes: IPv6, UDP from 7 to 9 */
	m[8 + 5] = 16;
	m[8 + 6] = IPPROTO_UDP;
	m[8 + 7] = 64;
	memcpy(m + 8 + 8, &me.sin6_addr, 16);
	memcpy(m + 8 + 24, &at_b.sin6_addr, 16);
	m[48 + 1] = 7;
	m[48 + 3] = 9;
	m[48 + 5] = 16;
	struct iovec iov = { m, sizeof m };
	struct msghdr msg = { .msg_name = &me, .msg_namelen = sizeof me, .msg_iov = &iov, .msg_iovlen = 1 };
	eq(ol_sendmsg(B(p), router, &msg, 0, p->now), sizeof m);
	pair_run(p, 100);
	eq(told(p, A(p), s, &dst), 1400);
	eq_mem(&dst.sin6_addr, &at_b.sin6_addr, 16);
	pair_free(p);
}

/* req: 3542-6.7-a: the control message, IPV6_MULTICAST_IF, IPV6_PKTINFO as an option */
TEST(adv6_the_outgoing_interface_is_asked_for_in_order)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in6 group = in6("ff02::77", 9), here = in6("ff02::77", 9);
	struct in6_pktinfo lo = { .ipi6_ifindex = (unsigned)p->h[0].lo }, eth = { .ipi6_ifindex = (unsigned)p->h[0].eth }, none = { 0 };
	ol_sock s = udp6(p, A(p), "::", 0);
	pair_run(p, 100);
	(void)here;
	eq(ol_setsockopt(A(p), s, IPPROTO_IPV6, IPV6_PKTINFO, &eth, sizeof eth, p->now), 0);
	eq(frames_of(p, send_with(p, s, &group, 10, 0, NULL, 0), 10), 1);
	eq(ol_setsockopt(A(p), s, IPPROTO_IPV6, IPV6_PKTINFO, &lo, sizeof lo, p->now), 0);
	eq(frames_of(p, send_with(p, s, &group, 10, 0, NULL, 0), 10), 0);	/* not by the wire */
	eq(pair_setopt(p, A(p), s, IPPROTO_IPV6, IPV6_MULTICAST_IF, p->h[0].eth), 0);
	eq(frames_of(p, send_with(p, s, &group, 10, 0, NULL, 0), 10), 1);	/* goes before it */
	eq(frames_of(p, send_with(p, s, &group, 10, IPV6_PKTINFO, &lo, sizeof lo), 10), 0);	/* and this before both */
	eq(ol_setsockopt(A(p), s, IPPROTO_IPV6, IPV6_PKTINFO, &none, sizeof none, p->now), 0);
	struct in6_pktinfo read = lo;
	socklen_t len = sizeof read;
	eq(ol_getsockopt(A(p), s, IPPROTO_IPV6, IPV6_PKTINFO, &read, &len, p->now), 0);
	eq_mem(&read, &none, sizeof none);
	pair_free(p);
}

/* req: 3542-6.2-a, 3542-6.2-b, 3542-12-a */
TEST(adv6_the_source_is_one_of_ours_and_a_streams_is_not_chosen_so)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in6 from, to = in6("::1", 9);
	struct in6_pktinfo foreign = { .ipi6_addr = in6("fd00::77", 0).sin6_addr }, own = { .ipi6_addr = in6("fd00::1", 0).sin6_addr };
	struct in6_pktinfo wrong = { .ipi6_ifindex = 99 }, none = { 0 };
	ol_sock s = ol_socket(A(p), AF_INET6, SOCK_DGRAM, 0, p->now), r = udp6(p, A(p), "::", 9), t = ol_socket(A(p), AF_INET6, SOCK_STREAM, 0, p->now);
	eq(ol_setsockopt(A(p), s, IPPROTO_IPV6, IPV6_PKTINFO, &foreign, sizeof foreign, p->now), -EINVAL);
	eq(ol_setsockopt(A(p), s, IPPROTO_IPV6, IPV6_PKTINFO, &wrong, sizeof wrong, p->now), -ENODEV);
	eq(ol_setsockopt(A(p), s, IPPROTO_IPV6, IPV6_PKTINFO, &own, 4, p->now), -EINVAL);
	eq(ol_setsockopt(A(p), s, IPPROTO_IPV6, IPV6_PKTINFO, &own, sizeof own, p->now), 0);
	eq(send_with(p, s, &to, 3, 0, NULL, 0), 3);
	pair_run(p, 100);
	struct iovec iov = { got, sizeof got };
	struct msghdr msg = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &iov, .msg_iovlen = 1 };
	eq(ol_recvmsg(A(p), r, &msg, 0, p->now), 3);
	eq_mem(&from.sin6_addr, &own.ipi6_addr, 16);
	struct in6_pktinfo loop = { .ipi6_addr = IN6ADDR_LOOPBACK_INIT };
	eq(send_with(p, s, &to, 3, IPV6_PKTINFO, &loop, sizeof loop), 3);	/* this one's own */
	pair_run(p, 100);
	msg.msg_namelen = sizeof from;
	eq(ol_recvmsg(A(p), r, &msg, 0, p->now), 3);
	eq_mem(&from.sin6_addr, &in6addr_loopback, 16);
	eq(ol_setsockopt(A(p), t, IPPROTO_IPV6, IPV6_PKTINFO, &own, sizeof own, p->now), -EINVAL);
	eq(ol_setsockopt(A(p), t, IPPROTO_IPV6, IPV6_PKTINFO, &none, sizeof none, p->now), 0);
	pair_free(p);
}

/* req: 3542-3.1-a */
TEST(adv6_raw_sockets_sum_what_they_send_and_check_what_comes)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in6 to = in6("fd00::2", 0);
	ol_sock s = ol_socket(A(p), AF_INET6, SOCK_RAW, 253, p->now), r = ol_socket(B(p), AF_INET6, SOCK_RAW, 253, p->now);
	memset(block, 0, sizeof block);
	memcpy(block, "\1\2\0\0\5\6\7", 7);			/* an odd length */
	eq(pair_setopt(p, A(p), s, IPPROTO_IPV6, IPV6_CHECKSUM, 3), -EINVAL);
	eq(pair_setopt(p, A(p), s, IPPROTO_IPV6, IPV6_CHECKSUM, 2), 0);
	eq(pair_setopt(p, B(p), r, IPPROTO_IPV6, IPV6_CHECKSUM, 2), 0);
	eq(send_with(p, s, &to, 7, 0, NULL, 0), 7);
	pair_run(p, 100);
	eq(ol_recv(B(p), r, got, sizeof got, 0, p->now), 7);
	ok(got[2] || got[3]);
	eq(pair_setopt(p, A(p), s, IPPROTO_IPV6, IPV6_CHECKSUM, -1), 0);
	eq(send_with(p, s, &to, 7, 0, NULL, 0), 7);		/* without one: wrong */
	pair_run(p, 100);
	eq(ol_recv(B(p), r, got, sizeof got, 0, p->now), -EAGAIN);
	eq(pair_setopt(p, B(p), r, IPPROTO_IPV6, IPV6_CHECKSUM, -1), 0);
	eq(send_with(p, s, &to, 7, 0, NULL, 0), 7);
	pair_run(p, 100);
	eq(ol_recv(B(p), r, got, sizeof got, 0, p->now), 7);
	eq(pair_setopt(p, A(p), s, IPPROTO_IPV6, IPV6_CHECKSUM, 6), 0);
	eq(send_with(p, s, &to, 7, 0, NULL, 0), -EINVAL);	/* there is no room for it */
	pair_free(p);
}
