/* Options by their level: getsockopt() and setsockopt(). */
#include "posix.h"
#include <net/if.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/time.h>

/* req: POSIX-getsockopt-EBADF, POSIX-getsockopt-ENOTSOCK, POSIX-setsockopt-EBADF, POSIX-setsockopt-ENOTSOCK, POSIX-getsockopt-ENOPROTOOPT,
   POSIX-setsockopt-ENOPROTOOPT, POSIX-setsockopt-EINVAL, POSIX-getsockopt-EINVAL */
TEST(options_that_are_refused)
{
	int fd = tcp(), u = udp(), file = not_a_socket(), v = 1;
	socklen_t len = sizeof v, neg = (socklen_t)-1;
	says(getsockopt(99, SOL_SOCKET, SO_TYPE, &v, &len), EBADF);
	says(getsockopt(file, SOL_SOCKET, SO_TYPE, &v, &len), ENOTSOCK);
	says(setsockopt(99, SOL_SOCKET, SO_REUSEADDR, &v, len), EBADF);
	says(setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &v, len), ENOTSOCK);
	says(getsockopt(fd, SOL_SOCKET, 12345, &v, &len), ENOPROTOOPT);
	says(setsockopt(fd, SOL_SOCKET, 12345, &v, len), ENOPROTOOPT);
	says(getsockopt(fd, IPPROTO_TCP, 12345, &v, &len), ENOPROTOOPT);
	says(setsockopt(fd, IPPROTO_TCP, 12345, &v, len), ENOPROTOOPT);
	says(getsockopt(fd, IPPROTO_IP, 12345, &v, &len), ENOPROTOOPT);
	says(setsockopt(fd, IPPROTO_IP, 12345, &v, len), ENOPROTOOPT);
	says(setsockopt(fd, 12345, 1, &v, len), ENOPROTOOPT);
	says(getsockopt(fd, 12345, 1, &v, &len), EOPNOTSUPP);
	says(setsockopt(u, IPPROTO_TCP, TCP_NODELAY, &v, len), ENOPROTOOPT);
	says(getsockopt(fd, SOL_SOCKET, SO_TYPE, &v, &neg), EINVAL);
	says(getsockopt(fd, SOL_SOCKET, SO_TYPE, &v, NULL), EFAULT);
	says(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, NULL, &len), EFAULT);
	says(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, NULL, len), EFAULT);
	says(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &v, 1), EINVAL);
	says(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &v, neg), EINVAL);
	says(setsockopt(fd, SOL_SOCKET, SO_TYPE, &v, len), ENOPROTOOPT);
	says(setsockopt(fd, SOL_SOCKET, SO_ERROR, &v, len), ENOPROTOOPT);
	says(setsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &v, len), ENOPROTOOPT);
}

/* req: POSIX-getsockopt-a */
TEST(options_are_cut_to_the_room)
{
	unsigned char b[8];
	int fd = tcp();
	socklen_t len = 1;
	memset(b, 0xee, sizeof b);
	gives(getsockopt(fd, SOL_SOCKET, SO_TYPE, b, &len), 0);
	fact(len == 1 && b[0] == SOCK_STREAM && b[1] == 0xee);
	len = sizeof b;
	gives(getsockopt(fd, SOL_SOCKET, SO_TYPE, b, &len), 0);
	gives(len, sizeof(int));
	len = 0;
	gives(getsockopt(fd, SOL_SOCKET, SO_TYPE, b, &len), 0);
	gives(len, 0);
	len = 4;
	gives(getsockopt(fd, SOL_SOCKET, SO_LINGER, b, &len), 0);
	gives(len, 4);
	len = sizeof b;
	gives(getsockopt(fd, SOL_SOCKET, SO_LINGER, b, &len), 0);
	gives(len, sizeof(struct linger));
}

/* The flags of socket(7), as they are found, set and found again. req: POSIX-sys_socket.h-d, POSIX-sys_socket.h-e, POSIX-sys_socket.h-k */
TEST(options_of_the_socket_level)
{
	static const int flags[] = { SO_REUSEADDR, SO_REUSEPORT, SO_KEEPALIVE, SO_BROADCAST, SO_OOBINLINE };
	/* of those SO_OOBINLINE and SO_KEEPALIVE mean nothing to datagrams, SO_BROADCAST nothing to a stream; Linux keeps them all the same */
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM };
	for (int t = 0; t < 2; t++)
		for (int i = 0; i < 5; i++) {
			int fd = socket(AF_INET, types[t], 0);
			fact(opt(fd, SOL_SOCKET, flags[i]) == 0);
			works(on(fd, SOL_SOCKET, flags[i], 7));
			fact(opt(fd, SOL_SOCKET, flags[i]) == 1);
			works(on(fd, SOL_SOCKET, flags[i], 0));
			fact(opt(fd, SOL_SOCKET, flags[i]) == 0);
			close(fd);
		}
}

/* req: POSIX-sys_socket.h-k */
TEST(datagrams_around_the_routes)
{
	struct sockaddr_in near = in4(FAR4, FAR_ECHO), beyond = in4(SILENT4, 9);
	need_far();
	int fd = udp();
	works(on(fd, SOL_SOCKET, SO_DONTROUTE, 1));
	gives(opt(fd, SOL_SOCKET, SO_DONTROUTE), 1);
	gives(sendto(fd, "x", 1, 0, SA(near)), 1);
	says(sendto(fd, "x", 1, 0, SA(beyond)), ENETUNREACH);
}

TEST(streams_around_the_routes)
{
	struct sockaddr_in near = in4(FAR4, FAR_ECHO), beyond = in4(SILENT4, 9);
	need_far();
	int fd = tcp();
	works(on(fd, SOL_SOCKET, SO_DONTROUTE, 1));
	says(connect(nonblocking(fd), SA(beyond)), ENETUNREACH);
	fd = tcp();
	works(on(fd, SOL_SOCKET, SO_DONTROUTE, 1));
	works(connect(fd, SA(near)));
}

/* req: POSIX-sys_socket.h-g, POSIX-sys_socket.h-i */
TEST(options_of_buffers_and_marks)
{
	int fd = tcp(), u = udp();
	works(on(fd, SOL_SOCKET, SO_RCVBUF, 20000));
	gives(opt(fd, SOL_SOCKET, SO_RCVBUF), 40000);		/* twice, as socket(7) says */
	works(on(fd, SOL_SOCKET, SO_SNDBUF, 20000));
	gives(opt(fd, SOL_SOCKET, SO_SNDBUF), 40000);
	works(on(u, SOL_SOCKET, SO_RCVBUF, 10000));
	gives(opt(u, SOL_SOCKET, SO_RCVBUF), 20000);
	works(on(fd, SOL_SOCKET, SO_RCVBUF, 0));
	gives(opt(fd, SOL_SOCKET, SO_RCVBUF), 2304);
	gives(opt(fd, SOL_SOCKET, SO_RCVLOWAT), 1);
	works(on(fd, SOL_SOCKET, SO_RCVLOWAT, 5));
	gives(opt(fd, SOL_SOCKET, SO_RCVLOWAT), 5);
	gives(opt(fd, SOL_SOCKET, SO_SNDLOWAT), 1);
	says(on(fd, SOL_SOCKET, SO_SNDLOWAT, 5), ENOPROTOOPT);
}

/* req: POSIX-sys_socket.h-i, POSIX-poll-f */
TEST(readable_from_the_low_water_mark_on)
{
	char buf[8];
	int fd[2];
	tcp_pair(fd);
	works(on(fd[1], SOL_SOCKET, SO_RCVLOWAT, 4));
	gives(write(fd[0], "abc", 3), 3);
	while (recv(fd[1], buf, 3, MSG_PEEK | MSG_DONTWAIT) != 3)
		poll(NULL, 0, 1);
	gives(look(fd[1], POLLIN), 0);
	gives(write(fd[0], "d", 1), 1);
	gives(ready(fd[1], POLLIN), POLLIN);
	gives(recv(fd[1], buf, 8, 0), 4);
}

/* req: POSIX-setsockopt-EDOM, POSIX-sys_socket.h-h */
TEST(options_of_time)
{
	struct timeval tv = { 0 }, bad = { .tv_usec = 1000000 }, neg = { .tv_sec = -1 }, set = { 5, 250000 };
	int fd = tcp();
	socklen_t len = sizeof tv;
	gives(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, &len), 0);
	fact(tv.tv_sec == 0 && tv.tv_usec == 0 && len == sizeof tv);
	says(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bad, len), EDOM);
	works(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &neg, len));
	says(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &set, 3), EINVAL);
	works(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &set, len));
	gives(getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, &len), 0);
	fact(tv.tv_sec == 5 && tv.tv_usec == 252000);	/* in Linux's own ticks */
}

/* req: POSIX-sys_socket.h-j */
TEST(options_of_lingering)
{
	struct linger l = { -1, -1 }, set = { .l_onoff = 1, .l_linger = 7 };
	socklen_t len = sizeof l;
	int fd = tcp();
	gives(getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &len), 0);
	fact(l.l_onoff == 0 && l.l_linger == 0);
	works(setsockopt(fd, SOL_SOCKET, SO_LINGER, &set, len));
	gives(getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &len), 0);
	fact(l.l_onoff == 1 && l.l_linger == 7);
	says(setsockopt(fd, SOL_SOCKET, SO_LINGER, &set, 4), EINVAL);
}

/* req: POSIX-setsockopt-a, POSIX-netinet_tcp.h-a */
TEST(options_by_the_number_of_their_level)
{
	int fd = tcp(), u = udp();
	static const struct { int name, found, set; } t[] = {
		{ TCP_NODELAY, 0, 1 }, { TCP_KEEPIDLE, 7200, 10 }, { TCP_KEEPINTVL, 75, 5 }, { TCP_KEEPCNT, 9, 3 }, { TCP_USER_TIMEOUT, 0, 500 },
		{ TCP_CORK, 0, 1 }, { TCP_DEFER_ACCEPT, 0, 1 }, { TCP_WINDOW_CLAMP, 0, 4096 },
	};
	for (unsigned i = 0; i < sizeof t / sizeof *t; i++) {
		gives(opt(fd, IPPROTO_TCP, t[i].name), t[i].found);
		works(on(fd, IPPROTO_TCP, t[i].name, t[i].set));
		gives(opt(fd, IPPROTO_TCP, t[i].name), t[i].set);
	}
	says(on(fd, IPPROTO_TCP, TCP_KEEPIDLE, 0), EINVAL);
	says(on(fd, IPPROTO_TCP, TCP_KEEPCNT, 1000), EINVAL);
	says(on(fd, IPPROTO_TCP, TCP_MAXSEG, 10), EINVAL);
	says(on(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, -1), EINVAL);
	gives(opt(u, IPPROTO_IP, IP_TTL), 64);
	works(on(u, IPPROTO_IP, IP_TTL, 3));
	gives(opt(u, IPPROTO_IP, IP_TTL), 3);
	says(on(u, IPPROTO_IP, IP_TTL, 256), EINVAL);
	says(on(u, IPPROTO_IP, IP_TTL, 0), EINVAL);
	works(on(u, IPPROTO_IP, IP_TTL, -1));
	gives(opt(u, IPPROTO_IP, IP_TTL), 64);
	works(on(u, IPPROTO_IP, IP_TOS, 0x10));
	gives(opt(u, IPPROTO_IP, IP_TOS), 0x10);
	gives(opt(u, IPPROTO_IP, IP_MULTICAST_TTL), 1);
	gives(opt(u, IPPROTO_IP, IP_MULTICAST_LOOP), 1);
	gives(opt(u, IPPROTO_IP, IP_PKTINFO), 0);
	gives(opt(u, IPPROTO_IP, IP_RECVTTL), 0);
	works(on(u, IPPROTO_UDP, UDP_CORK, 1));
	gives(opt(u, IPPROTO_UDP, UDP_CORK), 1);
	says(opt(u, IPPROTO_IP, IP_MTU), ENOTCONN);
}

/* req: POSIX-netinet_in.h-a, 3493-5.1-a, 3493-5.2-a, 3493-5.3-a */
TEST(options_of_the_ip6_level)
{
	int fd = socket(AF_INET6, SOCK_DGRAM, 0), s = socket(AF_INET6, SOCK_STREAM, 0);
	struct ipv6_mreq mreq = { 0 };
	inet_pton(AF_INET6, "ff12::77", &mreq.ipv6mr_multiaddr);
	gives(opt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 64);
	works(on(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9));
	gives(opt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 9);
	works(on(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, -1));
	gives(opt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 64);
	says(on(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 256), EINVAL);
	says(on(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, -2), EINVAL);
	gives(opt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS), 1);
	works(on(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 5));
	gives(opt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS), 5);
	says(on(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 256), EINVAL);
	gives(opt(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP), 1);
	works(on(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0));
	gives(opt(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP), 0);
	gives(opt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF), 0);
	works(on(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, 1));
	gives(opt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF), 1);
	says(on(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, 999), ENODEV);
	mreq.ipv6mr_interface = if_nametoindex("lo");
	works(setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &mreq, sizeof mreq));
	says(setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &mreq, sizeof mreq), EADDRINUSE);
	works(setsockopt(fd, IPPROTO_IPV6, IPV6_LEAVE_GROUP, &mreq, sizeof mreq));
	says(setsockopt(fd, IPPROTO_IPV6, IPV6_LEAVE_GROUP, &mreq, sizeof mreq), EADDRNOTAVAIL);
	mreq.ipv6mr_interface = 999;
	says(setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &mreq, sizeof mreq), ENODEV);
	gives(opt(s, IPPROTO_IPV6, IPV6_V6ONLY), 0);
	works(on(s, IPPROTO_IPV6, IPV6_V6ONLY, 1));
	gives(opt(s, IPPROTO_IPV6, IPV6_V6ONLY), 1);
	struct sockaddr_in6 any = in6("::", 0);
	need(bind(s, SA(any)) == 0);
	says(on(s, IPPROTO_IPV6, IPV6_V6ONLY, 0), EINVAL);
	says(on(tcp(), IPPROTO_IPV6, IPV6_V6ONLY, 1), ENOPROTOOPT);
	says(opt(udp(), IPPROTO_IPV6, IPV6_UNICAST_HOPS), EOPNOTSUPP);
}

/* req: POSIX-sys_socket.h-c */
TEST(broadcasts_need_leave)
{
	struct sockaddr_in all = in4("10.80.0.255", 9);
	int fd = udp();
	need_far();
	says(sendto(fd, "x", 1, 0, SA(all)), EACCES);
	says(connect(fd, SA(all)), EACCES);
	works(on(fd, SOL_SOCKET, SO_BROADCAST, 1));
	gives(sendto(fd, "x", 1, 0, SA(all)), 1);
}

/* req: POSIX-sys_socket.h-d */
TEST(reusing_a_name)
{
	struct sockaddr_in at;
	int l = listener(&at), c = tcp(), a;
	need(connect(c, SA(at)) == 0 && (a = accept(l, NULL, NULL)) >= 0);
	close(l);
	says(bind(tcp(), SA(at)), EADDRINUSE);			/* its connection lives */
	int again = tcp();
	works(on(again, SOL_SOCKET, SO_REUSEADDR, 1));
	says(bind(again, SA(at)), EADDRINUSE);			/* it did not allow that */
	at.sin_port = 0;
	l = tcp();
	on(l, SOL_SOCKET, SO_REUSEADDR, 1);
	socklen_t len = sizeof at;
	need(bind(l, SA(at)) == 0 && getsockname(l, (struct sockaddr *)&at, &len) == 0 && listen(l, 1) == 0);
	c = tcp();
	need(connect(c, SA(at)) == 0 && (a = accept(l, NULL, NULL)) >= 0);
	says(bind(again, SA(at)), EADDRINUSE);			/* somebody listens */
	close(l);
	works(bind(again, SA(at)));
	works(listen(again, 1));
}

/* A port is free once its socket was closed, however quick the next one is. */
TEST(a_closed_name_is_free_at_once)
{
	struct sockaddr_in at;
	int l = listener(&at);
	for (int i = 0; i < 200; i++) {
		close(l);
		l = tcp();
		need(bind(l, SA(at)) == 0 && listen(l, 1) == 0);
	}
	fact(l >= 0);
}

TEST(a_closed_datagram_name_is_free_at_once)
{
	struct sockaddr_in u;
	int d = bound_udp(&u);
	for (int i = 0; i < 200; i++) {
		close(d);
		d = udp();
		need(bind(d, SA(u)) == 0);
	}
	fact(d >= 0);
}

/* req: POSIX-sys_socket.h-b */
TEST(so_error_tells_and_clears)
{
	int fd = tcp();
	gives(opt(fd, SOL_SOCKET, SO_ERROR), 0);
	struct sockaddr_in at;
	close(listener(&at));
	nonblocking(fd);
	int r = connect(fd, SA(at));
	fact(r == -1 && (errno == EINPROGRESS || errno == ECONNREFUSED));
	if (errno == EINPROGRESS)
		ready(fd, POLLOUT);
	(void)opt(fd, SOL_SOCKET, SO_ERROR);
	gives(opt(fd, SOL_SOCKET, SO_ERROR), 0);
}

/* Options that a connected socket has no more, or has only then. */
TEST(options_by_the_state_of_a_stream)
{
	int fd[2], qlen = 5;
	struct tcp_info info = { 0 };
	socklen_t len = sizeof info;
	tcp_pair(fd);
	gives(getsockopt(fd[0], IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	gives(info.tcpi_state, TCP_ESTABLISHED);
	fact(opt(fd[0], IPPROTO_IP, IP_MTU) > 0);
	fact(opt(fd[0], IPPROTO_TCP, TCP_MAXSEG) > 0);
	says(setsockopt(fd[0], IPPROTO_TCP, TCP_FASTOPEN, &qlen, sizeof qlen), EINVAL);
	says(on(fd[0], IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1), EINVAL);
	int l = tcp();
	need(listen(l, 3) == 0);
	len = sizeof info;
	gives(getsockopt(l, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	gives(info.tcpi_state, TCP_LISTEN);
}
