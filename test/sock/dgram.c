/* Datagram sockets between two hosts in memory: who hears what, what is told beside the data, and how errors come back. */
#include <sys/types.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include "pair.h"
#include "unit.h"

static ol_sock udp(struct pair *p, struct ol_stack *stk, int domain) { return ol_socket(stk, domain, SOCK_DGRAM, 0, p->now); }

static ol_sock udp_at(struct pair *p, struct ol_stack *stk, const char *addr, uint16_t port)
{
	struct sockaddr_in at = in4(addr, port);
	ol_sock s = udp(p, stk, AF_INET);
	eq(ol_bind(stk, s, SA(at), p->now), 0);
	return s;
}

static ssize_t send_to(struct pair *p, struct ol_stack *stk, ol_sock s, const void *text, size_t len, const void *to, socklen_t tolen)
{
	struct iovec iov = { (void *)(uintptr_t)text, len };
	struct msghdr msg = { .msg_name = (void *)(uintptr_t)to, .msg_namelen = tolen, .msg_iov = &iov, .msg_iovlen = 1 };
	return ol_sendmsg(stk, s, &msg, 0, p->now);
}
#define SEND(stk, s, text, to) send_to(p, stk, s, text, strlen(text), &(to), sizeof(to))

static char got[2048];
static ssize_t take(struct pair *p, struct ol_stack *stk, ol_sock s)
{
	memset(got, 0, sizeof got);
	return ol_recv(stk, s, got, sizeof got - 1, 0, p->now);
}

/* req: POSIX-socket-b, POSIX-recvfrom-a, POSIX-connect-a, 768-format-a, 768-format-b, 1122-4.1.3.5-c, 1122-4.1.3.4-d */
TEST(dgram_goes_there_and_back)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in to = in4("10.0.0.2", 53), from;
	ol_sock s = udp_at(p, B(p), "0.0.0.0", 53), c = udp(p, A(p), AF_INET);
	eq(SEND(A(p), c, "question", to), 8);
	eq(SEND(A(p), c, "", to), 0);				/* an empty datagram is one too */
	pair_run(p, 100);
	struct iovec iov = { got, sizeof got };
	struct msghdr msg = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &iov, .msg_iovlen = 1 };
	eq(ol_recvmsg(B(p), s, &msg, 0, p->now), 8);
	eq(msg.msg_namelen, sizeof from);
	eq(ntohl(from.sin_addr.s_addr), 0x0a000001);
	eq(take(p, B(p), s), 0);
	eq(take(p, B(p), s), -EAGAIN);
	eq(SEND(B(p), s, "answer", from), 6);
	pair_run(p, 100);
	eq(take(p, A(p), c), 6);
	eq_str(got, "answer");
	pair_free(p);
}

/* req: 3493-3.7-a; both families through one AF_INET6 socket */
TEST(dgram_dual_stack_socket_speaks_both)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in6 any = in6("::", 53), from, to6 = in6("fd00::2", 53);
	struct sockaddr_in to4 = in4("10.0.0.2", 53);
	ol_sock s = udp(p, B(p), AF_INET6), c6 = udp(p, A(p), AF_INET6), c4 = udp(p, A(p), AF_INET);
	eq(ol_bind(B(p), s, SA(any), p->now), 0);
	eq(SEND(A(p), c6, "six", to6), 3);
	eq(SEND(A(p), c4, "four", to4), 4);
	eq(SEND(A(p), c6, "mapped", to4), 6);			/* Linux: an AF_INET6 socket takes a sockaddr_in */
	pair_run(p, 100);
	const char *const want[] = { "six", "four", "mapped" };
	for (int i = 0; i < 3; i++) {
		struct iovec iov = { got, sizeof got };
		struct msghdr msg = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &iov, .msg_iovlen = 1 };
		memset(got, 0, sizeof got);
		ok(ol_recvmsg(B(p), s, &msg, 0, p->now) > 0);
		eq_str(got, want[i]);
		eq(IN6_IS_ADDR_V4MAPPED(&from.sin6_addr) != 0, i > 0);
		eq(SEND(B(p), s, got, from), (ssize_t)strlen(got));
	}
	pair_run(p, 100);
	eq(take(p, A(p), c4), 4);
	eq(take(p, A(p), c6), 3);
	eq(take(p, A(p), c6), 6);
	pair_free(p);
}

/* req: POSIX-connect-b, POSIX-send-EDESTADDRREQ, POSIX-sendto-a */
TEST(dgram_connected_socket_hears_its_peer_alone)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in at = in4("10.0.0.2", 7), name;
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	socklen_t len = sizeof name;
	ol_sock s = udp_at(p, B(p), "10.0.0.2", 7), other = udp_at(p, B(p), "10.0.0.2", 8), c = udp(p, A(p), AF_INET);
	eq(ol_send(A(p), c, "x", 1, 0, p->now), -EDESTADDRREQ);
	eq(ol_connect(A(p), c, SA(at), p->now), 0);
	eq(ol_getsockname(A(p), c, (struct sockaddr *)&name, &len), 0);
	eq(ntohl(name.sin_addr.s_addr), 0x0a000001);
	eq(ol_send(A(p), c, "x", 1, 0, p->now), 1);
	eq(SEND(B(p), other, "stranger", name), 8);
	eq(SEND(B(p), s, "friend", name), 6);
	pair_run(p, 100);
	eq(take(p, A(p), c), 6);
	eq_str(got, "friend");
	eq(take(p, A(p), c), -EAGAIN);
	eq(take(p, B(p), s), 1);
	eq(ol_connect(A(p), c, &none, sizeof none, p->now), 0);
	eq(ol_getpeername(A(p), c, (struct sockaddr *)&name, &len), -ENOTCONN);
	eq(ol_send(A(p), c, "x", 1, 0, p->now), -EDESTADDRREQ);
	pair_free(p);
}

/* The best match: this pair before this address before any.  RFC 1122 4.1.3.5 */
TEST(dgram_best_match_gets_it)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in to = in4("10.0.0.2", 9), from = in4("10.0.0.1", 1000);
	int on = 1;
	ol_sock c = udp_at(p, A(p), "10.0.0.1", 1000), s[3];
	const char *const at[] = { "0.0.0.0", "10.0.0.2", "10.0.0.2" };
	for (int i = 0; i < 3; i++) {
		struct sockaddr_in name = in4(at[i], 9);
		s[i] = udp(p, B(p), AF_INET);
		eq(ol_setsockopt(B(p), s[i], SOL_SOCKET, SO_REUSEADDR, &on, sizeof on, p->now), 0);
		eq(ol_bind(B(p), s[i], SA(name), p->now), 0);
	}
	eq(ol_connect(B(p), s[2], SA(from), p->now), 0);
	for (int i = 2; i >= 0; i--) {
		eq(SEND(A(p), c, "x", to), 1);
		pair_run(p, 50);
		for (int k = 0; k < 3; k++)
			if (k <= i)
				eq(take(p, B(p), s[k]), k == i ? 1 : -EAGAIN);
		eq(ol_close(B(p), s[i], p->now), 0);
	}
	pair_free(p);
}

/* SO_REUSEPORT: each pair of endpoints keeps to one of them, and all of them get some */
TEST(dgram_reuseport_spreads_by_pair)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in to = in4("10.0.0.2", 9);
	enum { N = 4, CLIENTS = 64 };
	ol_sock s[N];
	int count[N] = { 0 }, on = 1;
	for (int i = 0; i < N; i++) {
		s[i] = udp(p, B(p), AF_INET);
		eq(ol_setsockopt(B(p), s[i], SOL_SOCKET, SO_REUSEPORT, &on, sizeof on, p->now), 0);
		eq(ol_bind(B(p), s[i], SA(to), p->now), 0);
	}
	for (int i = 0; i < CLIENTS; i++) {
		ol_sock c = udp(p, A(p), AF_INET);
		int first = -1;
		for (int twice = 0; twice < 2; twice++) {
			eq(SEND(A(p), c, "x", to), 1);
			pair_run(p, 10);
			int who = -1;
			for (int k = 0; k < N; k++)
				if (take(p, B(p), s[k]) == 1)
					who = k;
			ok(who >= 0);
			ok(first < 0 || first == who);
			first = who;
		}
		count[first]++;
	}
	for (int i = 0; i < N; i++)
		ok(count[i] > CLIENTS / N / 4);
	pair_free(p);
}

/* req: POSIX-sys_socket.h-c; every socket of the port gets a copy */
TEST(dgram_broadcast_needs_leave_and_reaches_all)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in to = in4("10.0.0.255", 9), all = in4("255.255.255.255", 9), any = in4("0.0.0.0", 9);
	int on = 1;
	ol_sock s[2], c = udp_at(p, A(p), "10.0.0.1", 1000);
	for (int i = 0; i < 2; i++) {
		s[i] = udp(p, B(p), AF_INET);
		eq(ol_setsockopt(B(p), s[i], SOL_SOCKET, SO_REUSEADDR, &on, sizeof on, p->now), 0);
		eq(ol_bind(B(p), s[i], SA(any), p->now), 0);
	}
	eq(SEND(A(p), c, "all", to), -EACCES);
	eq(ol_setsockopt(A(p), c, SOL_SOCKET, SO_BROADCAST, &on, sizeof on, p->now), 0);
	eq(SEND(A(p), c, "all", to), 3);
	pair_run(p, 100);
	eq(take(p, B(p), s[0]), 3);
	eq(take(p, B(p), s[1]), 3);
	eq(ol_setsockopt(A(p), c, SOL_SOCKET, SO_BINDTODEVICE, "eth0", 5, p->now), 0);
	eq(SEND(A(p), c, "ALL", all), 3);
	pair_run(p, 100);
	eq(take(p, B(p), s[0]), 3);
	eq_str(got, "ALL");
	pair_free(p);
}

/* req: 1122-3.4-d, 1122-3.2.2.1-c, 1122-4.1.3.1-a, 1122-4.1.3.3-a, POSIX-general-a: nobody there, and a connected socket hears of it once */
TEST(dgram_port_unreachable_comes_back)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in to = in4("10.0.0.2", 4444);
	ol_sock c = udp(p, A(p), AF_INET), u = udp(p, A(p), AF_INET);
	eq(ol_connect(A(p), c, SA(to), p->now), 0);
	eq(ol_send(A(p), c, "x", 1, 0, p->now), 1);
	eq(SEND(A(p), u, "x", to), 1);				/* not connected: hears nothing, ip(7) */
	pair_run(p, 100);
	ok(ol_poll(A(p), c) & OL_EV_ERR);
	ok(!(ol_poll(A(p), u) & OL_EV_ERR));
	eq(take(p, A(p), c), -ECONNREFUSED);
	eq(take(p, A(p), c), -EAGAIN);
	eq(take(p, A(p), u), -EAGAIN);
	eq(ol_send(A(p), c, "x", 1, 0, p->now), 1);
	pair_run(p, 100);
	eq(ol_send(A(p), c, "x", 1, 0, p->now), -ECONNREFUSED);
	eq(ol_send(A(p), c, "x", 1, 0, p->now), 1);
	eq(ol_stack_count(B(p), OL_DROP_UDP_NO_PORT), 3);
	pair_run(p, 100);
	pair_free(p);
}

/* ip(7) IP_RECVERR: the error queue says who said what about which datagram */
/* req: 1122-3.4-e */
TEST(dgram_recverr_tells_the_whole_story)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in to = in4("10.0.0.2", 4444), was;
	ol_sock c = udp(p, A(p), AF_INET);
	eq(pair_setopt(p, A(p), c, IPPROTO_IP, IP_RECVERR, 1), 0);
	eq(SEND(A(p), c, "hello", to), 5);
	pair_run(p, 100);
	ok(ol_poll(A(p), c) & OL_EV_ERR);
	union { struct cmsghdr h; char room[256]; } ctl;
	struct iovec iov = { got, sizeof got };
	struct msghdr msg = { .msg_name = &was, .msg_namelen = sizeof was, .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = &ctl, .msg_controllen = sizeof ctl };
	eq(ol_recvmsg(A(p), c, &msg, MSG_ERRQUEUE, p->now), 5);
	eq_mem(got, "hello", 5);
	ok(msg.msg_flags & MSG_ERRQUEUE);
	eq(ntohs(was.sin_port), 4444);
	struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
	ok(h && h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_RECVERR);
	struct sock_extended_err ee;
	memcpy(&ee, CMSG_DATA(h), sizeof ee);
	eq(ee.ee_errno, ECONNREFUSED);
	eq(ee.ee_origin, SO_EE_ORIGIN_ICMP);
	eq(ee.ee_type, ICMP_DEST_UNREACH);
	eq(ee.ee_code, ICMP_PORT_UNREACH);
	struct sockaddr_in who;
	memcpy(&who, CMSG_DATA(h) + sizeof ee, sizeof who);
	eq(ntohl(who.sin_addr.s_addr), 0x0a000002);
	eq(ol_recvmsg(A(p), c, &msg, MSG_ERRQUEUE, p->now), -EAGAIN);
	ok(!(ol_poll(A(p), c) & OL_EV_ERR));
	pair_free(p);
}

/* req: POSIX-send-EMSGSIZE, POSIX-send-a, 3542-11.2-a */
TEST(dgram_too_long_says_so)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in to = in4("10.0.0.2", 9);
	struct sockaddr_in6 to6 = in6("fd00::2", 9);
	static char big[65536];
	ol_sock s = udp_at(p, B(p), "0.0.0.0", 9), c = udp(p, A(p), AF_INET), c6 = udp(p, A(p), AF_INET6);
	eq(send_to(p, A(p), c, big, 65508, &to, sizeof to), -EMSGSIZE);
	eq(send_to(p, A(p), c, big, 65507, &to, sizeof to), 65507);	/* in fragments */
	pair_run(p, 500);
	eq(ol_readable(B(p), s), 65507);
	eq(ol_recv(B(p), s, big, sizeof big, 0, p->now), 65507);
	eq(pair_setopt(p, A(p), c, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO), 0);
	eq(send_to(p, A(p), c, big, 1473, &to, sizeof to), -EMSGSIZE);
	eq(send_to(p, A(p), c, big, 1472, &to, sizeof to), 1472);
	eq(pair_setopt(p, A(p), c6, IPPROTO_IPV6, IPV6_DONTFRAG, 1), 0);
	eq(send_to(p, A(p), c6, big, 1453, &to6, sizeof to6), -EMSGSIZE);
	pair_free(p);
}

/* req: POSIX-recv-c, POSIX-recv-d, POSIX-recvmsg-a, POSIX-recvmsg-c, POSIX-recv-EOPNOTSUPP, POSIX-send-EOPNOTSUPP */
TEST(dgram_truncation_and_peeking)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in to = in4("10.0.0.2", 9);
	ol_sock s = udp_at(p, B(p), "0.0.0.0", 9), c = udp(p, A(p), AF_INET);
	char one[3], two[4];
	struct iovec iov[2] = { { one, sizeof one }, { two, sizeof two } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	eq(SEND(A(p), c, "0123456789", to), 10);
	eq(SEND(A(p), c, "ab", to), 2);
	pair_run(p, 100);
	eq(ol_recv(B(p), s, got, 4, MSG_PEEK, p->now), 4);
	eq(ol_recv(B(p), s, got, 4, MSG_PEEK | MSG_TRUNC, p->now), 10);
	eq(ol_recvmsg(B(p), s, &msg, 0, p->now), 7);
	ok(msg.msg_flags & MSG_TRUNC);
	eq_mem(one, "012", 3);
	eq_mem(two, "3456", 4);
	eq(ol_recvmsg(B(p), s, &msg, 0, p->now), 2);		/* the rest of the first is gone */
	ok(!(msg.msg_flags & MSG_TRUNC));
	eq(ol_recv(B(p), s, got, 4, MSG_OOB, p->now), -EOPNOTSUPP);
	struct msghdr urgent = { .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = iov, .msg_iovlen = 1 };
	eq(ol_sendmsg(A(p), c, &urgent, MSG_OOB, p->now), -EOPNOTSUPP);
	pair_free(p);
}

/* req: 1122-3.2.1.6-b, 1122-4.1.3.5-a, 1122-4.1.3.5-d, 1122-4.1.4-a, 1122-4.1.4-b, 1122-4.1.4-c, 1122-3.4-a, 1122-3.4-b, 1122-3.4-g, 3542-4-a: beside the data, what was asked for */
TEST(dgram_control_messages_tell_and_set)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in to = in4("10.0.0.2", 9);
	ol_sock s = udp_at(p, B(p), "0.0.0.0", 9), c = udp(p, A(p), AF_INET);
	eq(pair_setopt(p, B(p), s, IPPROTO_IP, IP_PKTINFO, 1), 0);
	eq(pair_setopt(p, B(p), s, IPPROTO_IP, IP_RECVTTL, 1), 0);
	eq(pair_setopt(p, B(p), s, IPPROTO_IP, IP_RECVTOS, 1), 0);
	eq(pair_setopt(p, A(p), c, IPPROTO_IP, IP_TTL, 9), 0);
	eq(pair_setopt(p, A(p), c, IPPROTO_IP, IP_TOS, 0x28), 0);
	union { struct cmsghdr h; char room[256]; } ctl;
	for (int i = 0; i < 2; i++) {				/* by option, then by control message */
		struct iovec out = { (void *)(uintptr_t)"x", 1 };
		struct msghdr say = { .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &out, .msg_iovlen = 1 };
		int ttl = 33;
		memset(&ctl, 0, sizeof ctl);
		if (i) {
			say.msg_control = &ctl;
			say.msg_controllen = CMSG_SPACE(sizeof ttl);
			ctl.h = (struct cmsghdr){ .cmsg_level = IPPROTO_IP, .cmsg_type = IP_TTL, .cmsg_len = CMSG_LEN(sizeof ttl) };
			memcpy(CMSG_DATA(&ctl.h), &ttl, sizeof ttl);
		}
		eq(ol_sendmsg(A(p), c, &say, 0, p->now), 1);
		pair_run(p, 100);
		struct iovec iov = { got, sizeof got };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &ctl, .msg_controllen = sizeof ctl };
		eq(ol_recvmsg(B(p), s, &msg, 0, p->now), 1);
		int seen = 0;
		for (struct cmsghdr *h = CMSG_FIRSTHDR(&msg); h; h = CMSG_NXTHDR(&msg, h)) {
			struct in_pktinfo info;
			if (h->cmsg_type == IP_PKTINFO) {
				memcpy(&info, CMSG_DATA(h), sizeof info);
				eq(ntohl(info.ipi_addr.s_addr), 0x0a000002);
				eq(ntohl(info.ipi_spec_dst.s_addr), 0x0a000002);
				eq(info.ipi_ifindex, p->h[1].eth);
			} else if (h->cmsg_type == IP_TTL) {
				memcpy(&ttl, CMSG_DATA(h), sizeof ttl);
				eq(ttl, i ? 33 : 9);
			} else if (h->cmsg_type == IP_TOS) {
				eq(*CMSG_DATA(h), 0x28);
			}
			seen++;
		}
		eq(seen, 3);
	}
	struct iovec iov = { got, sizeof got };
	struct msghdr small = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &ctl, .msg_controllen = 8 };
	eq(SEND(A(p), c, "x", to), 1);
	pair_run(p, 100);
	eq(ol_recvmsg(B(p), s, &small, 0, p->now), 1);
	ok(small.msg_flags & MSG_CTRUNC);
	pair_free(p);
}

/* req: 3542-6.3-a, 3542-6.5-a, 3542-6.2-a: what a control message may not say */
TEST(dgram_bad_control_messages_are_refused)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in6 to = in6("fd00::2", 9);
	ol_sock c = udp(p, A(p), AF_INET6);
	union { struct cmsghdr h; char room[64]; } ctl;
	const struct { int type, v, want; } row[] = {
		{ IPV6_HOPLIMIT, -1, 1 }, { IPV6_HOPLIMIT, 255, 1 }, { IPV6_HOPLIMIT, 256, -EINVAL }, { IPV6_HOPLIMIT, -2, -EINVAL },
		{ IPV6_TCLASS, -1, 1 }, { IPV6_TCLASS, 255, 1 }, { IPV6_TCLASS, 256, -EINVAL }, { 250, 0, -EINVAL },
	};
	struct iovec iov = { (void *)(uintptr_t)"x", 1 };
	struct msghdr msg = { .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &ctl,
			      .msg_controllen = CMSG_SPACE(sizeof(int)) };
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		memset(&ctl, 0, sizeof ctl);
		ctl.h = (struct cmsghdr){ .cmsg_level = IPPROTO_IPV6, .cmsg_type = row[i].type, .cmsg_len = CMSG_LEN(sizeof(int)) };
		memcpy(CMSG_DATA(&ctl.h), &row[i].v, sizeof(int));
		eq(ol_sendmsg(A(p), c, &msg, 0, p->now), row[i].want);
	}
	struct in6_pktinfo info = { .ipi6_addr = in6("fd00::77", 0).sin6_addr };	/* not ours */
	memset(&ctl, 0, sizeof ctl);
	ctl.h = (struct cmsghdr){ .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO, .cmsg_len = CMSG_LEN(sizeof info) };
	memcpy(CMSG_DATA(&ctl.h), &info, sizeof info);
	msg.msg_controllen = CMSG_SPACE(sizeof info);
	eq(ol_sendmsg(A(p), c, &msg, 0, p->now), -EINVAL);
	ctl.h.cmsg_len = 9999;
	eq(ol_sendmsg(A(p), c, &msg, 0, p->now), -EINVAL);
	ctl.h.cmsg_len = 3;
	eq(ol_sendmsg(A(p), c, &msg, 0, p->now), -EINVAL);
	pair_free(p);
}

/* The receive queue is bounded by SO_RCVBUF, in what it costs and not in bytes alone */
TEST(dgram_queue_is_bounded)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in to = in4("10.0.0.2", 9);
	ol_sock s = udp_at(p, B(p), "0.0.0.0", 9), c = udp(p, A(p), AF_INET);
	int n = 0;
	eq(SEND(A(p), c, "x", to), 1);				/* the neighbour's queue is shorter than this test's */
	pair_run(p, 100);
	eq(take(p, B(p), s), 1);
	eq(pair_setopt(p, B(p), s, SOL_SOCKET, SO_RCVBUF, 4096), 0);
	for (int i = 0; i < 100; i++)
		eq(SEND(A(p), c, "x", to), 1);
	pair_run(p, 100);
	while (take(p, B(p), s) == 1)
		n++;
	ok(n >= 4 && n <= 8192 / 512);
	eq(ol_stack_count(B(p), OL_DROP_UDP_QUEUE_FULL), 100 - (uint64_t)n);
	pair_free(p);
}

/* Multicast: a group is heard by those who joined it, and by nobody after they left.  req: 3493-5.2-b */
TEST(dgram_group_is_heard_while_joined)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in to = in4("239.1.2.3", 9);
	struct ip_mreqn join = { .imr_multiaddr = to.sin_addr, .imr_ifindex = p->h[1].eth };
	ol_sock s = udp_at(p, B(p), "0.0.0.0", 9), c = udp_at(p, A(p), "10.0.0.1", 1000);
	eq(pair_setopt(p, A(p), c, IPPROTO_IP, IP_MULTICAST_TTL, 4), 0);
	struct ip_mreqn by = { .imr_ifindex = p->h[0].eth };
	eq(ol_setsockopt(A(p), c, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof by, p->now), 0);
	for (int i = 0; i < 3; i++) {
		if (i == 1)
			eq(ol_setsockopt(B(p), s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof join, p->now), 0);
		if (i == 1)
			eq(ol_setsockopt(B(p), s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof join, p->now), -EADDRINUSE);
		if (i == 2)
			eq(ol_setsockopt(B(p), s, IPPROTO_IP, IP_DROP_MEMBERSHIP, &join, sizeof join, p->now), 0);
		eq(SEND(A(p), c, "group", to), 5);
		pair_run(p, 100);
		eq(take(p, B(p), s), i == 1 ? 5 : -EAGAIN);
	}
	eq(ol_setsockopt(B(p), s, IPPROTO_IP, IP_DROP_MEMBERSHIP, &join, sizeof join, p->now), -EADDRNOTAVAIL);
	pair_free(p);
}

/* The sender's own host hears its group too, unless IP_MULTICAST_LOOP says no */
/* req: 1112-6.1-b */
TEST(dgram_group_loops_back_unless_told_not_to)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in to = in4("239.1.2.3", 9);
	struct ip_mreqn join = { .imr_multiaddr = to.sin_addr, .imr_ifindex = p->h[0].eth };
	ol_sock s = udp_at(p, A(p), "0.0.0.0", 9);
	eq(ol_setsockopt(A(p), s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof join, p->now), 0);
	struct ip_mreqn by = { .imr_ifindex = p->h[0].eth };
	eq(ol_setsockopt(A(p), s, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof by, p->now), 0);
	eq(SEND(A(p), s, "self", to), 4);
	pair_run(p, 100);
	eq(take(p, A(p), s), 4);
	eq(pair_setopt(p, A(p), s, IPPROTO_IP, IP_MULTICAST_LOOP, 0), 0);
	eq(SEND(A(p), s, "self", to), 4);
	pair_run(p, 100);
	eq(take(p, A(p), s), -EAGAIN);
	pair_free(p);
}

/* IPV6_MTU: pieces are no longer than it, and arrive as one.  SO_DONTROUTE: no gateway.  req: POSIX-sys_socket.h-k */
TEST(dgram_mtu_and_dontroute_shape_what_is_sent)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in6 to6 = in6("fd00::2", 9), any = in6("::", 9);
	struct sockaddr_in far = in4("192.0.2.1", 9), near = in4("10.0.0.2", 9);
	static char big[1400];
	ol_sock s = udp(p, B(p), AF_INET6), c6 = udp(p, A(p), AF_INET6), c = udp(p, A(p), AF_INET);
	eq(ol_bind(B(p), s, SA(any), p->now), 0);
	eq(send_to(p, A(p), c6, big, sizeof big, &to6, sizeof to6), sizeof big);
	pair_run(p, 100);
	eq(take(p, B(p), s), sizeof big);
	uint64_t before = p->frames;
	eq(send_to(p, A(p), c6, big, sizeof big, &to6, sizeof to6), sizeof big);
	pair_run(p, 1);
	eq(p->frames - before, 1);
	eq(pair_setopt(p, A(p), c6, IPPROTO_IPV6, IPV6_MTU, 1280), 0);
	eq(send_to(p, A(p), c6, big, sizeof big, &to6, sizeof to6), sizeof big);
	pair_run(p, 1);
	eq(p->frames - before, 3);
	pair_run(p, 100);
	eq(take(p, B(p), s), sizeof big);
	eq(take(p, B(p), s), sizeof big);
	const struct ol_addr gw = ol_addr_ip4(0x0a000002), none = ol_addr_ip4(0);
	eq(ol_route_add(A(p), &(struct ol_route){ .dst = none, .plen = 0, .gateway = gw }), 0);
	eq(SEND(A(p), c, "x", far), 1);
	eq(pair_setopt(p, A(p), c, SOL_SOCKET, SO_DONTROUTE, 1), 0);
	eq(SEND(A(p), c, "x", far), -ENETUNREACH);
	eq(SEND(A(p), c, "x", near), 1);
	pair_run(p, 100);
	pair_free(p);
}

/* shutdown() of datagrams: Linux ends both directions even where it says -ENOTCONN */
TEST(dgram_shutdown_ends_directions)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in to = in4("10.0.0.2", 9);
	ol_sock c = udp(p, A(p), AF_INET);
	eq(ol_shutdown(A(p), c, SHUT_RD, p->now), -ENOTCONN);
	eq(take(p, A(p), c), 0);
	eq(ol_connect(A(p), c, SA(to), p->now), 0);
	eq(ol_shutdown(A(p), c, SHUT_WR, p->now), 0);
	eq(ol_send(A(p), c, "x", 1, 0, p->now), -EPIPE);	/* req: POSIX-send-EPIPE */
	pair_free(p);
}

/* Ping sockets and raw ones hear the same reply, each in its way.  req: 3542-3-a, 1122-3.2.2.6-b */
TEST(dgram_ping_and_raw_sockets_hear_a_reply)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in to = in4("10.0.0.2", 0), name;
	struct { uint8_t type, code; uint16_t sum, id, seq; char text[4]; } echo = { ICMP_ECHO, 0, 0, 0, htons(7), "ping" };
	socklen_t len = sizeof name;
	ol_sock s = ol_socket(A(p), AF_INET, SOCK_DGRAM, IPPROTO_ICMP, p->now);
	ol_sock r = ol_socket(A(p), AF_INET, SOCK_RAW, IPPROTO_ICMP, p->now);
	ol_sock far = ol_socket(B(p), AF_INET, SOCK_RAW, IPPROTO_ICMP, p->now);
	ok(s >= 0 && r >= 0 && far >= 0);
	eq(send_to(p, A(p), s, &echo, sizeof echo, &to, sizeof to), sizeof echo);
	pair_run(p, 100);
	eq(ol_getsockname(A(p), s, (struct sockaddr *)&name, &len), 0);
	eq(take(p, A(p), s), sizeof echo);
	eq(got[0], ICMP_ECHOREPLY);
	eq_mem(got + 4, &name.sin_port, 2);			/* the identifier is the socket's port */
	eq_mem(got + 8, "ping", 4);
	eq(take(p, A(p), r), 20 + sizeof echo);			/* raw: with the IP header */
	eq(got[20], ICMP_ECHOREPLY);
	eq(take(p, B(p), far), 20 + sizeof echo);		/* the request over there, answered all the same */
	eq(got[20], ICMP_ECHO);
	uint32_t filter = 1u << ICMP_ECHOREPLY;
	eq(ol_setsockopt(A(p), r, 255, 1, &filter, sizeof filter, p->now), 0);
	eq(send_to(p, A(p), s, &echo, sizeof echo, &to, sizeof to), sizeof echo);
	echo.type = ICMP_REDIRECT;
	eq(send_to(p, A(p), s, &echo, sizeof echo, &to, sizeof to), -EINVAL);	/* echo requests and nothing else */
	pair_run(p, 100);
	eq(take(p, A(p), r), -EAGAIN);
	pair_free(p);
}

/* req: 4443-4.1-b */
TEST(dgram_ping_and_raw_sockets_hear_a_reply_of_ipv6)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in6 to = in6("fd00::2", 0), name;
	struct { uint8_t type, code; uint16_t sum, id, seq; char text[4]; } echo = { ICMP6_ECHO_REQUEST, 0, 0, 0, htons(7), "ping" };
	socklen_t len = sizeof name;
	ol_sock s = ol_socket(A(p), AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6, p->now);
	ol_sock r = ol_socket(A(p), AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, p->now);
	struct icmp6_filter replies;
	ICMP6_FILTER_SETBLOCKALL(&replies);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &replies);
	eq(ol_setsockopt(A(p), r, IPPROTO_ICMPV6, ICMP6_FILTER, &replies, sizeof replies, p->now), 0);
	eq(send_to(p, A(p), s, &echo, sizeof echo, &to, sizeof to), sizeof echo);
	pair_run(p, 100);
	eq(ol_getsockname(A(p), s, (struct sockaddr *)&name, &len), 0);
	eq(take(p, A(p), s), sizeof echo);
	eq((uint8_t)got[0], ICMP6_ECHO_REPLY);
	eq_mem(got + 4, &name.sin6_port, 2);
	eq_mem(got + 6, &echo.seq, 2);
	eq_mem(got + 8, "ping", 4);
	eq(take(p, A(p), r), sizeof echo);			/* raw: from the ICMP header on, RFC 3542 3 */
	eq((uint8_t)got[0], ICMP6_ECHO_REPLY);
	pair_free(p);
}

/* A protocol of one's own, over both families; IP_HDRINCL */
TEST(dgram_raw_sockets_carry_any_protocol)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in to = in4("10.0.0.2", 0);
	struct sockaddr_in6 to6 = in6("fd00::2", 0);
	ol_sock a = ol_socket(A(p), AF_INET, SOCK_RAW, 253, p->now), b = ol_socket(B(p), AF_INET, SOCK_RAW, 253, p->now);
	ol_sock a6 = ol_socket(A(p), AF_INET6, SOCK_RAW, 253, p->now), b6 = ol_socket(B(p), AF_INET6, SOCK_RAW, 253, p->now);
	eq(SEND(A(p), a, "four", to), 4);
	eq(SEND(A(p), a6, "six", to6), 3);
	pair_run(p, 100);
	eq(take(p, B(p), b), 24);
	eq_mem(got + 20, "four", 4);
	eq(take(p, B(p), b6), 3);
	eq_mem(got, "six", 3);
	uint8_t whole[24] = { 0x45, 0, 0, 24, 0, 1, 0, 0, 5, 253, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 'h', 'd', 'r', '!' };
	eq(pair_setopt(p, A(p), a, IPPROTO_IP, IP_HDRINCL, 1), 0);
	eq(send_to(p, A(p), a, whole, sizeof whole, &to, sizeof to), sizeof whole);
	eq(send_to(p, A(p), a, whole, 19, &to, sizeof to), -EINVAL);
	pair_run(p, 100);
	eq(take(p, B(p), b), 24);
	eq(got[8], 5);						/* our TTL */
	eq_mem(got + 20, "hdr!", 4);
	pair_free(p);
}

/* Datagrams to oneself go by lo, and can be seen there */
TEST(dgram_loopback_works)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in to = in4("127.0.0.1", 9), any = in4("0.0.0.0", 9);
	ol_sock s = udp_at(p, A(p), "0.0.0.0", 9), c = udp(p, A(p), AF_INET);
	eq(SEND(A(p), c, "self", to), 4);
	eq(SEND(A(p), c, "none", any), 4);			/* BSD: 0.0.0.0 is this very host */
	eq(ol_stack_pending(A(p)), p->h[0].lo);
	pair_run(p, 100);
	eq(take(p, A(p), s), 4);
	eq(take(p, A(p), s), 4);
	pair_free(p);
}

static int cork(struct pair *p, ol_sock s, int on) { return ol_setsockopt(A(p), s, IPPROTO_UDP, UDP_CORK, &on, sizeof on, p->now); }

/* udp(7): UDP_CORK and MSG_MORE; send(2). */
TEST(dgram_pieces_under_the_cork_or_with_more_are_one_datagram)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in to = in4("10.0.0.2", 53), elsewhere = in4("10.0.0.2", 54);
	ol_sock s = udp_at(p, B(p), "0.0.0.0", 53), other = udp_at(p, B(p), "0.0.0.0", 54), c = udp(p, A(p), AF_INET);
	int v = 0;
	socklen_t len = sizeof v;
	eq(cork(p, c, 1), 0);
	eq(ol_getsockopt(A(p), c, IPPROTO_UDP, UDP_CORK, &v, &len, p->now), 0);
	eq(v, 1);
	eq(SEND(A(p), c, "one, ", to), 5);
	eq(SEND(A(p), c, "two, ", elsewhere), 5);		/* where to was said by the first */
	eq(ol_send(A(p), c, "three", 5, 0, p->now), 5);
	pair_run(p, 100);
	eq(take(p, B(p), s), -EAGAIN);
	eq(cork(p, c, 0), 0);
	pair_run(p, 100);
	eq(take(p, B(p), s), 15);
	eq_str(got, "one, two, three");
	eq(take(p, B(p), s), -EAGAIN);
	eq(take(p, B(p), other), -EAGAIN);
	struct sockaddr_in peer = to;
	eq(ol_connect(A(p), c, SA(peer), p->now), 0);
	eq(ol_send(A(p), c, "a", 1, MSG_MORE, p->now), 1);
	eq(ol_send(A(p), c, "b", 1, MSG_MORE, p->now), 1);
	pair_run(p, 100);
	eq(take(p, B(p), s), -EAGAIN);
	eq(ol_send(A(p), c, "c", 1, 0, p->now), 1);		/* the one without is the last */
	pair_run(p, 100);
	eq(take(p, B(p), s), 3);
	eq_str(got, "abc");
	static char long_one[60000];
	eq(ol_send(A(p), c, long_one, sizeof long_one, MSG_MORE, p->now), sizeof long_one);
	eq(ol_send(A(p), c, long_one, sizeof long_one, 0, p->now), -EMSGSIZE);
	eq(ol_send(A(p), c, "d", 1, 0, p->now), 1);		/* what was collected is gone with it */
	pair_run(p, 100);
	eq(take(p, B(p), s), 1);
	ol_sock stream = ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now);
	eq(cork(p, stream, 1), -ENOPROTOOPT);
	eq(ol_send(A(p), c, "never sent", 10, MSG_MORE, p->now), 10);	/* and freed with the socket */
	pair_free(p);
}

static ssize_t take_control(struct pair *p, ol_sock s, void *control, size_t *len)
{
	struct iovec iov = { got, sizeof got };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = *len };
	ssize_t n = ol_recvmsg(B(p), s, &msg, 0, p->now);
	*len = msg.msg_controllen;
	return n;
}

/* SO_TIMESTAMP and SO_TIMESTAMPNS: when it came, not when it was read; the one takes the other's place. */
TEST(dgram_timestamps_say_when_it_came)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in to = in4("10.0.0.2", 53);
	ol_sock s = udp_at(p, B(p), "0.0.0.0", 53), c = udp(p, A(p), AF_INET);
	int on = 1, v = -1;
	socklen_t vlen = sizeof v;
	union { char buf[128]; struct cmsghdr h; } ctl;
	eq(SEND(A(p), c, "x", to), 1);				/* so that the neighbour is known */
	pair_run(p, 100);
	size_t len = sizeof ctl;
	eq(take_control(p, s, &ctl, &len), 1);
	eq(len, 0);
	eq(ol_setsockopt(B(p), s, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on, p->now), 0);
	ol_time before = p->now;
	eq(SEND(A(p), c, "x", to), 1);
	pair_run(p, 100);
	ol_time after = p->now;
	pair_run(p, 5000);
	len = sizeof ctl;
	eq(take_control(p, s, &ctl, &len), 1);
	eq(len, CMSG_SPACE(sizeof(struct timespec)));
	eq(ctl.h.cmsg_level, SOL_SOCKET);
	eq(ctl.h.cmsg_type, SCM_TIMESTAMPNS);
	struct timespec ts;
	memcpy(&ts, CMSG_DATA(&ctl.h), sizeof ts);
	ol_time at = ts.tv_sec * OL_SEC + ts.tv_nsec;
	ok(at >= before && at <= after);
	eq(ol_setsockopt(B(p), s, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof on, p->now), 0);
	eq(ol_getsockopt(B(p), s, SOL_SOCKET, SO_TIMESTAMPNS, &v, &vlen, p->now), 0);
	eq(v, 0);
	eq(SEND(A(p), c, "x", to), 1);
	pair_run(p, 100);
	len = sizeof ctl;
	eq(take_control(p, s, &ctl, &len), 1);
	eq(ctl.h.cmsg_type, SCM_TIMESTAMP);
	struct timeval tv;
	memcpy(&tv, CMSG_DATA(&ctl.h), sizeof tv);
	ok(tv.tv_sec * OL_SEC + tv.tv_usec * OL_US > at);
	pair_free(p);
}
