/* Options: each is set, read back and seen to work, or refused; the tables' bounds are Linux's. */
#include <sys/types.h>
#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include "pair.h"
#include "unit.h"

/* ---- set and read back, row by row ----------------------------------------------------------------------------- */
struct row { int level, name, in, set, out; };	/* set: what setsockopt says; out: what getsockopt then says */
static void rows(struct pair *p, ol_sock s, const struct row *r, size_t n)
{
	for (size_t i = 0; i < n; i++, r++) {
		int err = pair_setopt(p, A(p), s, r->level, r->name, r->in), v = pair_opt(A(p), s, r->level, r->name);
		if (err != r->set || v != r->out)
			fail_msg("level %d option %d: set %d said %d, not %d; get said %d, not %d", r->level, r->name, r->in, err, r->set, v,
				 r->out);
	}
}
#define ROWS(p, s, r) rows(p, s, r, sizeof(r) / sizeof *(r))

/* req: POSIX-sys_socket.h-d, POSIX-sys_socket.h-e, POSIX-sys_socket.h-f, POSIX-sys_socket.h-g, POSIX-sys_socket.h-i,
 * POSIX-netinet_tcp.h-a, POSIX-getsockopt-ENOPROTOOPT, POSIX-setsockopt-ENOPROTOOPT, POSIX-setsockopt-EINVAL */
TEST(opt_of_streams_by_the_table)
{
	struct pair *p = pair_new("rmem_max=400000,wmem_max=400000");
	static const struct row r[] = {
		{ SOL_SOCKET, SO_TYPE, 1, -ENOPROTOOPT, SOCK_STREAM },
		{ SOL_SOCKET, SO_DOMAIN, 1, -ENOPROTOOPT, AF_INET },		/* req: POSIX-2024-e */
		{ SOL_SOCKET, SO_PROTOCOL, 1, -ENOPROTOOPT, IPPROTO_TCP },
		{ SOL_SOCKET, SO_ACCEPTCONN, 1, -ENOPROTOOPT, 0 },
		{ SOL_SOCKET, SO_ERROR, 1, -ENOPROTOOPT, 0 },
		{ SOL_SOCKET, SO_REUSEADDR, 7, 0, 1 },
		{ SOL_SOCKET, SO_REUSEADDR, 0, 0, 0 },
		{ SOL_SOCKET, SO_REUSEPORT, 1, 0, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1, 0, 1 },
		{ SOL_SOCKET, SO_OOBINLINE, 1, 0, 1 },
		{ SOL_SOCKET, SO_BROADCAST, 1, 0, 1 },
		{ SOL_SOCKET, SO_RCVBUF, 100000, 0, 200000 },			/* doubled */
		{ SOL_SOCKET, SO_RCVBUF, 1, 0, 2304 },
		{ SOL_SOCKET, SO_RCVBUF, 1 << 30, 0, 800000 },
		{ SOL_SOCKET, SO_SNDBUF, 100000, 0, 200000 },
		{ SOL_SOCKET, SO_SNDBUF, 1, 0, 4608 },
		{ SOL_SOCKET, SO_RCVBUFFORCE, 1, -EPERM, -ENOPROTOOPT },
		{ SOL_SOCKET, SO_SNDBUFFORCE, 1, -EPERM, -ENOPROTOOPT },
		{ SOL_SOCKET, SO_RCVLOWAT, 10, 0, 10 },
		{ SOL_SOCKET, SO_RCVLOWAT, 0, 0, 1 },
		{ SOL_SOCKET, SO_RCVLOWAT, -1, 0, INT_MAX },
		{ SOL_SOCKET, SO_SNDLOWAT, 5, -ENOPROTOOPT, 1 },
		{ SOL_SOCKET, SO_MARK, 5, -ENOPROTOOPT, -ENOPROTOOPT },
		{ SOL_SOCKET, SO_TIMESTAMP, 1, 0, 1 },
		{ SOL_SOCKET, SO_TIMESTAMPNS, 1, 0, 1 },
		{ SOL_SOCKET, SO_TIMESTAMPING, 1 << 8 | 1 << 4, 0, 1 << 8 | 1 << 4 },
		{ SOL_SOCKET, SO_TIMESTAMPING, 1 << 12, -EINVAL, 1 << 8 | 1 << 4 },	/* OPT_STATS */
		{ SOL_SOCKET, SO_TIMESTAMPING, 1 << 16, -EINVAL, 1 << 8 | 1 << 4 },	/* OPT_ID_TCP needs OPT_ID ... */
		{ SOL_SOCKET, SO_TIMESTAMPING, 1 << 7, -EINVAL, 1 << 8 | 1 << 4 },	/* ... and that a connection */
		{ SOL_SOCKET, SO_ZEROCOPY, 1, 0, 1 },
		{ SOL_SOCKET, SO_ZEROCOPY, 2, -EINVAL, 1 },
		{ IPPROTO_TCP, TCP_NODELAY, 1, 0, 1 },
		{ IPPROTO_TCP, TCP_CORK, 1, 0, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 0, -EINVAL, 7200 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 60, 0, 60 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 32768, -EINVAL, 60 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 5, 0, 5 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 3, 0, 3 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 128, -EINVAL, 3 },
		{ IPPROTO_TCP, TCP_SYNCNT, 2, 0, 2 },
		{ IPPROTO_TCP, TCP_SYNCNT, 0, -EINVAL, 2 },
		{ IPPROTO_TCP, TCP_LINGER2, 10, 0, 10 },
		{ IPPROTO_TCP, TCP_LINGER2, -7, 0, -1 },
		{ IPPROTO_TCP, TCP_LINGER2, 1000, 0, 120 },
		{ IPPROTO_TCP, TCP_DEFER_ACCEPT, 3, 0, 3 },
		{ IPPROTO_TCP, TCP_WINDOW_CLAMP, 30000, 0, 30000 },
		{ IPPROTO_TCP, TCP_WINDOW_CLAMP, 1, 0, 1152 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, 5000, 0, 5000 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, -1, -EINVAL, 5000 },
		{ IPPROTO_TCP, TCP_NOTSENT_LOWAT, 16384, 0, 16384 },
		{ IPPROTO_TCP, TCP_INQ, 1, 0, 1 },
		{ IPPROTO_TCP, TCP_INQ, 2, -EINVAL, 1 },
		{ IPPROTO_TCP, TCP_MAXSEG, 1000, 0, 1000 },
		{ IPPROTO_TCP, TCP_MAXSEG, 87, -EINVAL, 1000 },
		{ IPPROTO_TCP, TCP_MAXSEG, 32768, -EINVAL, 1000 },
		{ IPPROTO_TCP, TCP_FASTOPEN, 5, 0, 5 },
		{ IPPROTO_TCP, TCP_FASTOPEN, 5000, 0, 4096 },			/* somaxconn */
		{ IPPROTO_TCP, TCP_FASTOPEN, -1, -EINVAL, 4096 },
		{ IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1, 0, 1 },
		{ IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 2, -EINVAL, 1 },
		{ IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1, 0, 1 },
		{ IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 2, -EINVAL, 1 },
		{ IPPROTO_TCP, TCP_ULP, 5, -ENOPROTOOPT, -ENOPROTOOPT },
		{ IPPROTO_TCP, TCP_REPAIR, 1, -ENOPROTOOPT, -ENOPROTOOPT },
		{ IPPROTO_TCP, 9999, 1, -ENOPROTOOPT, -ENOPROTOOPT },
		{ IPPROTO_IP, IP_TOS, 0x2a, 0, 0x28 },				/* ECN's bits are TCP's */
		{ IPPROTO_IP, IP_TTL, 9, 0, 9 },
		{ IPPROTO_IP, IP_TTL, 0, -EINVAL, 9 },
		{ IPPROTO_IP, IP_TTL, 256, -EINVAL, 9 },
		{ IPPROTO_IP, IP_TTL, -1, 0, 64 },
		{ IPPROTO_IP, IP_MINTTL, 255, 0, 255 },
		{ IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO, 0, IP_PMTUDISC_DO },
		{ IPPROTO_IP, IP_MTU_DISCOVER, 6, -EINVAL, IP_PMTUDISC_DO },
		{ IPPROTO_IP, IP_MTU, 1, -ENOPROTOOPT, -ENOTCONN },
		{ IPPROTO_IP, IP_FREEBIND, 1, 0, 1 },
		{ IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1, 0, 1 },
		{ IPPROTO_IP, IP_HDRINCL, 1, -ENOPROTOOPT, -ENOPROTOOPT },
		{ IPPROTO_IP, IP_TRANSPARENT, 1, -ENOPROTOOPT, -ENOPROTOOPT },
		{ IPPROTO_IPV6, IPV6_V6ONLY, 1, -ENOPROTOOPT, -EOPNOTSUPP },	/* no AF_INET6 socket */
		{ 12345, 1, 1, -ENOPROTOOPT, -EOPNOTSUPP },
	};
	ol_sock s = ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now);
	ROWS(p, s, r);
	pair_free(p);
}

/* req: 3493-5.1-a, 3493-5.2-a, 3542-6.5-a */
TEST(opt_of_datagrams_by_the_table)
{
	struct pair *p = pair_new(NULL);
	static const struct row r[] = {
		{ SOL_SOCKET, SO_TYPE, 1, -ENOPROTOOPT, SOCK_DGRAM },
		{ SOL_SOCKET, SO_DOMAIN, 1, -ENOPROTOOPT, AF_INET6 },
		{ SOL_SOCKET, SO_PROTOCOL, 1, -ENOPROTOOPT, IPPROTO_UDP },
		{ SOL_SOCKET, SO_RCVBUF, 1 << 30, 0, 2 * 212992 },
		{ SOL_SOCKET, SO_RCVLOWAT, 1, -ENOPROTOOPT, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1, 0, 1 },				/* kept, as Linux does */
		{ SOL_SOCKET, SO_NO_CHECK, 1, 0, 1 },
		{ IPPROTO_TCP, TCP_NODELAY, 1, -ENOPROTOOPT, -ENOPROTOOPT },
		{ IPPROTO_UDP, 1 /* UDP_CORK */, 1, 0, 1 },
		{ IPPROTO_UDP, 103 /* UDP_SEGMENT */, 1, -ENOPROTOOPT, -ENOPROTOOPT },
		{ IPPROTO_IP, IP_TOS, 0x2a, 0, 0x2a },
		{ IPPROTO_IP, IP_RECVERR, 1, 0, 1 },
		{ IPPROTO_IP, IP_PKTINFO, 1, 0, 1 },
		{ IPPROTO_IP, IP_RECVTTL, 1, 0, 1 },
		{ IPPROTO_IP, IP_RECVTOS, 1, 0, 1 },
		{ IPPROTO_IP, IP_MULTICAST_TTL, -1, 0, 1 },
		{ IPPROTO_IP, IP_MULTICAST_TTL, 200, 0, 200 },
		{ IPPROTO_IP, IP_MULTICAST_LOOP, 0, 0, 0 },
		{ IPPROTO_IP, IP_MULTICAST_ALL, 2, -EINVAL, 1 },
		{ IPPROTO_IP, IP_HDRINCL, 1, -ENOPROTOOPT, -ENOPROTOOPT },
		{ IPPROTO_IPV6, IPV6_V6ONLY, 1, 0, 1 },
		{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, 256, -EINVAL, 64 },
		{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, 7, 0, 7 },
		{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, -1, 0, 64 },
		{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, -2, -EINVAL, 64 },
		{ IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 7, 0, 7 },
		{ IPPROTO_IPV6, IPV6_MULTICAST_HOPS, -1, 0, 1 },
		{ IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0, 0, 0 },
		{ IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 2, -EINVAL, 0 },
		{ IPPROTO_IPV6, IPV6_MULTICAST_IF, 77, -ENODEV, 0 },
		{ IPPROTO_IPV6, IPV6_TCLASS, 0x28, 0, 0x28 },
		{ IPPROTO_IPV6, IPV6_TCLASS, -1, 0, 0 },
		{ IPPROTO_IPV6, IPV6_TCLASS, 256, -EINVAL, 0 },
		{ IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, 0, 1 },
		{ IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1, 0, 1 },
		{ IPPROTO_IPV6, IPV6_RECVTCLASS, 1, 0, 1 },
		{ IPPROTO_IPV6, IPV6_RECVERR, 1, 0, 1 },
		{ IPPROTO_IPV6, IPV6_DONTFRAG, 1, 0, 1 },
		{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, 5, 0, 5 },
		{ IPPROTO_IPV6, IPV6_MTU, 1279, -EINVAL, -ENOTCONN },
		{ IPPROTO_IPV6, IPV6_MTU, 1280, 0, -ENOTCONN },
		{ SOL_SOCKET, SO_DONTROUTE, 1, 0, 1 },
		{ IPPROTO_IPV6, IPV6_CHECKSUM, 2, -ENOPROTOOPT, -ENOPROTOOPT },
		{ IPPROTO_IPV6, IPV6_RECVHOPOPTS, 1, -ENOPROTOOPT, -ENOPROTOOPT },
	};
	ol_sock s = ol_socket(A(p), AF_INET6, SOCK_DGRAM, 0, p->now);
	ROWS(p, s, r);
	pair_free(p);
}

/* req: POSIX-getsockopt-a, POSIX-setsockopt-EDOM, POSIX-sys_socket.h-h, POSIX-setsockopt-EBADF, POSIX-getsockopt-EBADF */
TEST(opt_lengths_and_structures)
{
	struct pair *p = pair_new(NULL);
	ol_sock s = ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now);
	struct linger l = { 1, 5 }, back;
	struct timeval tv = { 2, 500000 }, wrong = { 1, 1000000 };
	uint8_t byte = 0x48, small = 0;
	socklen_t len;
	int one = 1;
	eq(ol_setsockopt(A(p), s, SOL_SOCKET, SO_REUSEADDR, &one, 3, p->now), -EINVAL);
	eq(ol_setsockopt(A(p), s, SOL_SOCKET, SO_LINGER, &l, sizeof l - 1, p->now), -EINVAL);
	eq(ol_setsockopt(A(p), s, SOL_SOCKET, SO_LINGER, &l, sizeof l, p->now), 0);
	len = sizeof back;
	eq(ol_getsockopt(A(p), s, SOL_SOCKET, SO_LINGER, &back, &len, p->now), 0);
	eq_mem(&back, &l, sizeof l);
	eq(ol_setsockopt(A(p), s, SOL_SOCKET, SO_RCVTIMEO, &wrong, sizeof wrong, p->now), -EDOM);
	eq(ol_setsockopt(A(p), s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv, p->now), 0);
	struct timeval was = { 0, 0 };
	len = sizeof was;
	eq(ol_getsockopt(A(p), s, SOL_SOCKET, SO_RCVTIMEO, &was, &len, p->now), 0);
	eq_mem(&was, &tv, sizeof tv);
	eq(ol_setsockopt(A(p), s, IPPROTO_IP, IP_TOS, &byte, 1, p->now), 0);	/* ip(7): one byte will do */
	len = 1;
	eq(ol_getsockopt(A(p), s, IPPROTO_IP, IP_TOS, &small, &len, p->now), 0);
	eq(small, 0x48);
	eq(len, 1);
	uint8_t two[2];
	len = sizeof two;
	eq(ol_getsockopt(A(p), s, SOL_SOCKET, SO_TYPE, two, &len, p->now), 0);	/* cut short without a word */
	eq(len, 2);
	len = 64;
	int big[16];
	eq(ol_getsockopt(A(p), s, SOL_SOCKET, SO_TYPE, big, &len, p->now), 0);
	eq(len, sizeof(int));
	eq(ol_setsockopt(A(p), 4711, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one, p->now), -EBADF);
	eq(ol_getsockopt(A(p), -1, SOL_SOCKET, SO_TYPE, big, &len, p->now), -EBADF);
	eq(ol_setsockopt(A(p), s, SOL_SOCKET, SO_REUSEADDR, NULL, 4, p->now), -EFAULT);
	pair_free(p);
}

TEST(opt_device_by_name_and_number)
{
	struct pair *p = pair_new(NULL);
	ol_sock s = ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now), c = ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now);
	struct sockaddr_in to = in4("10.0.0.2", 80);
	char name[16];
	socklen_t len = sizeof name;
	eq(ol_setsockopt(A(p), s, SOL_SOCKET, SO_BINDTODEVICE, "eth7", 5, p->now), -ENODEV);
	eq(ol_setsockopt(A(p), s, SOL_SOCKET, SO_BINDTODEVICE, "eth0", 4, p->now), 0);
	eq(ol_getsockopt(A(p), s, SOL_SOCKET, SO_BINDTODEVICE, name, &len, p->now), 0);
	eq_str(name, "eth0");
	eq(len, 5);
	eq(pair_opt(A(p), s, SOL_SOCKET, SO_BINDTOIFINDEX), p->h[0].eth);
	eq(ol_setsockopt(A(p), s, SOL_SOCKET, SO_BINDTODEVICE, "", 0, p->now), 0);
	eq(pair_opt(A(p), s, SOL_SOCKET, SO_BINDTOIFINDEX), 0);
	eq(ol_setsockopt(A(p), c, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3, p->now), 0);
	eq(ol_connect(A(p), c, SA(to), p->now), -EINPROGRESS);
	eq(ol_stack_pending(A(p)), p->h[0].lo);				/* by lo, though the route is another */
	pair_free(p);
}

TEST(opt_congestion_by_name)
{
	struct pair *p = pair_new(NULL);
	ol_sock s = ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now);
	char name[16] = "";
	socklen_t len = sizeof name;
	eq(ol_getsockopt(A(p), s, IPPROTO_TCP, TCP_CONGESTION, name, &len, p->now), 0);
	eq_str(name, "cubic");
	eq(ol_setsockopt(A(p), s, IPPROTO_TCP, TCP_CONGESTION, "nosuch", 6, p->now), -ENOENT);
	eq(ol_setsockopt(A(p), s, IPPROTO_TCP, TCP_CONGESTION, "reno", 4, p->now), 0);
	len = sizeof name;
	eq(ol_getsockopt(A(p), s, IPPROTO_TCP, TCP_CONGESTION, name, &len, p->now), 0);
	eq_str(name, "reno");
	pair_free(p);
}

/* ---- seen to work ---------------------------------------------------------------------------------------------- */
static struct tcp_info info_of(struct pair *p, struct ol_stack *stk, ol_sock s)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof info;
	eq(ol_getsockopt(stk, s, IPPROTO_TCP, TCP_INFO, &info, &len, p->now), 0);
	return info;
}

TEST(opt_info_tells_real_numbers)
{
	struct pair *p = pair_new(NULL);
	struct stream st = pair_stream(p, 4, 80);
	struct tcp_info i = info_of(p, A(p), st.client), fresh;
	eq(i.tcpi_state, OL_TCP_ESTABLISHED);
	ok(i.tcpi_rtt >= 1900 && i.tcpi_rtt <= 4500);			/* two milliseconds there and back, in microseconds */
	eq(i.tcpi_snd_mss, 1448);
	eq(i.tcpi_snd_cwnd, 10);
	ok(i.tcpi_rto >= 200000);
	ok(i.tcpi_options & TCPI_OPT_TIMESTAMPS && i.tcpi_options & TCPI_OPT_SACK && i.tcpi_options & TCPI_OPT_WSCALE);
	eq(info_of(p, B(p), st.listener).tcpi_state, OL_TCP_LISTEN);
	fresh = info_of(p, A(p), ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now));
	eq(fresh.tcpi_state, OL_TCP_CLOSED);
	eq(pair_opt(A(p), st.client, IPPROTO_IP, IP_MTU), 1500);
	eq(pair_opt(A(p), st.client, IPPROTO_TCP, TCP_MAXSEG), 1448);
	pair_free(p);
}

/* TCP_MAXSEG before connect() goes into the SYN: the peer sends no longer segments */
TEST(opt_maxseg_bounds_the_peer)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in to = in4("10.0.0.2", 80);
	ol_sock l = ol_socket(B(p), AF_INET, SOCK_STREAM, 0, p->now), c = ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now);
	eq(ol_bind(B(p), l, SA(to), p->now), 0);
	eq(ol_listen(B(p), l, 1, p->now), 0);
	eq(pair_setopt(p, A(p), c, IPPROTO_TCP, TCP_MAXSEG, 600), 0);
	eq(ol_connect(A(p), c, SA(to), p->now), -EINPROGRESS);
	pair_run(p, 100);
	ol_sock s = ol_accept(B(p), l, NULL, NULL, p->now);
	eq(info_of(p, B(p), s).tcpi_snd_mss, 600 - 12);
	pair_free(p);
}

/* TCP_NODELAY: without it the second small write waits for the first one's ACK; with it, it goes at once (Nagle, RFC 9293 3.7.4) */
TEST(opt_nodelay_and_cork_decide_when_it_goes)
{
	for (int nodelay = 0; nodelay < 2; nodelay++) {
		struct pair *p = pair_new(NULL);
		struct stream st = pair_stream(p, 4, 80);
		eq(pair_setopt(p, A(p), st.client, IPPROTO_TCP, TCP_NODELAY, nodelay), 0);
		eq(ol_send(A(p), st.client, "1", 1, 0, p->now), 1);
		eq(ol_send(A(p), st.client, "2", 1, 0, p->now), 1);
		pair_run(p, 1);
		eq(ol_readable(B(p), st.server), nodelay ? 2 : 1);
		pair_run(p, 100);
		eq(ol_readable(B(p), st.server), 2);
		eq(pair_setopt(p, A(p), st.client, IPPROTO_TCP, TCP_CORK, 1), 0);
		eq(ol_send(A(p), st.client, "3", 1, 0, p->now), 1);
		pair_run(p, 100);
		eq(ol_readable(B(p), st.server), 2);
		eq(pair_setopt(p, A(p), st.client, IPPROTO_TCP, TCP_CORK, 0), 0);
		pair_run(p, 10);
		eq(ol_readable(B(p), st.server), 3);
		pair_free(p);
	}
}

/* SO_KEEPALIVE with its three: a silent peer is given up after idle + count * interval.  req: POSIX-sys_socket.h-e */
TEST(opt_keepalive_finds_a_dead_peer)
{
	struct pair *p = pair_new(NULL);
	struct stream st = pair_stream(p, 4, 80);
	eq(pair_setopt(p, A(p), st.client, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
	eq(pair_setopt(p, A(p), st.client, IPPROTO_TCP, TCP_KEEPIDLE, 10), 0);
	eq(pair_setopt(p, A(p), st.client, IPPROTO_TCP, TCP_KEEPINTVL, 2), 0);
	eq(pair_setopt(p, A(p), st.client, IPPROTO_TCP, TCP_KEEPCNT, 3), 0);
	pair_run(p, 30000);
	eq(info_of(p, A(p), st.client).tcpi_state, OL_TCP_ESTABLISHED);	/* it answers */
	p->cut = true;
	pair_run(p, 30000);
	int err = pair_opt(A(p), st.client, SOL_SOCKET, SO_ERROR);
	ok(err == ETIMEDOUT || err == EHOSTUNREACH);
	eq(info_of(p, A(p), st.client).tcpi_state, OL_TCP_CLOSED);
	eq(info_of(p, B(p), st.server).tcpi_state, OL_TCP_ESTABLISHED);	/* nobody asked this side to look */
	pair_free(p);
}

/* TCP_USER_TIMEOUT: unacknowledged data ends the connection sooner than R2 */
TEST(opt_user_timeout_gives_up_sooner)
{
	struct pair *p = pair_new(NULL);
	struct stream st = pair_stream(p, 4, 80);
	eq(pair_setopt(p, A(p), st.client, IPPROTO_TCP, TCP_USER_TIMEOUT, 3000), 0);
	p->cut = true;
	eq(ol_send(A(p), st.client, "x", 1, 0, p->now), 1);
	pair_run(p, 2000);
	eq(info_of(p, A(p), st.client).tcpi_state, OL_TCP_ESTABLISHED);
	pair_run(p, 8000);
	eq(info_of(p, A(p), st.client).tcpi_state, OL_TCP_CLOSED);
	pair_free(p);
}

/* TCP_DEFER_ACCEPT: a connection is shown when it has something to say */
TEST(opt_defer_accept_waits_for_data)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in to = in4("10.0.0.2", 80);
	ol_sock l = ol_socket(B(p), AF_INET, SOCK_STREAM, 0, p->now), c = ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now);
	eq(ol_bind(B(p), l, SA(to), p->now), 0);
	eq(pair_setopt(p, B(p), l, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5), 0);
	eq(ol_listen(B(p), l, 1, p->now), 0);
	eq(ol_connect(A(p), c, SA(to), p->now), -EINPROGRESS);
	pair_run(p, 500);
	eq(ol_accept(B(p), l, NULL, NULL, p->now), -EAGAIN);
	eq(ol_send(A(p), c, "now", 3, 0, p->now), 3);
	pair_run(p, 100);
	ok(ol_accept(B(p), l, NULL, NULL, p->now) >= 0);
	pair_free(p);
}

/* SO_RCVLOWAT: not readable below it.  SO_OOBINLINE: the urgent byte stays in the stream.  req: POSIX-sys_socket.h-f */
TEST(opt_lowat_and_oobinline)
{
	struct pair *p = pair_new(NULL);
	struct stream st = pair_stream(p, 4, 80);
	char buf[8];
	eq(pair_setopt(p, B(p), st.server, SOL_SOCKET, SO_RCVLOWAT, 4), 0);
	eq(ol_send(A(p), st.client, "ab", 2, 0, p->now), 2);
	pair_run(p, 100);
	ok(!(ol_poll(B(p), st.server) & OL_EV_IN));
	eq(ol_send(A(p), st.client, "cd", 2, 0, p->now), 2);
	pair_run(p, 100);
	ok(ol_poll(B(p), st.server) & OL_EV_IN);
	eq(pair_setopt(p, B(p), st.server, SOL_SOCKET, SO_OOBINLINE, 1), 0);
	eq(ol_send(A(p), st.client, "!", 1, MSG_OOB, p->now), 1);
	pair_run(p, 100);
	size_t n = 0;
	for (ssize_t k; (k = ol_recv(B(p), st.server, buf + n, sizeof buf - n, 0, p->now)) > 0; )
		n += (size_t)k;
	eq(n, 5);
	eq_mem(buf, "abcd!", 5);
	eq(ol_recv(B(p), st.server, buf, 1, MSG_OOB, p->now), -EINVAL);
	pair_free(p);
}

/* SO_RCVBUF bounds what a peer can leave here unread */
TEST(opt_rcvbuf_bounds_what_waits)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in to = in4("10.0.0.2", 80);
	static char zeros[1 << 20];
	ol_sock l = ol_socket(B(p), AF_INET, SOCK_STREAM, 0, p->now), c = ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now);
	eq(ol_bind(B(p), l, SA(to), p->now), 0);
	eq(pair_setopt(p, B(p), l, SOL_SOCKET, SO_RCVBUF, 16384), 0);
	eq(ol_listen(B(p), l, 1, p->now), 0);
	eq(ol_connect(A(p), c, SA(to), p->now), -EINPROGRESS);
	pair_run(p, 100);
	ol_sock s = ol_accept(B(p), l, NULL, NULL, p->now);
	eq(pair_opt(B(p), s, SOL_SOCKET, SO_RCVBUF), 32768);		/* inherited */
	for (int i = 0; i < 50; i++) {
		ol_send(A(p), c, zeros, sizeof zeros, 0, p->now);
		pair_run(p, 100);
	}
	ok(ol_readable(B(p), s) >= 8192 && ol_readable(B(p), s) <= 32768);
	pair_free(p);
}

/* IP_BIND_ADDRESS_NO_PORT: bind() fixes the address, connect() the port */
TEST(opt_bind_address_no_port)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in at = in4("10.0.0.1", 0), to = in4("10.0.0.2", 80), name;
	socklen_t len = sizeof name;
	ol_sock c = ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now);
	eq(pair_setopt(p, A(p), c, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1), 0);
	eq(ol_bind(A(p), c, SA(at), p->now), 0);
	eq(ol_getsockname(A(p), c, (struct sockaddr *)&name, &len), 0);
	eq(name.sin_port, 0);
	eq(ol_connect(A(p), c, SA(to), p->now), -EINPROGRESS);
	eq(ol_getsockname(A(p), c, (struct sockaddr *)&name, &len), 0);
	ok(name.sin_port);
	pair_free(p);
}
