/* connect(), listen(), accept(). */
#include "posix.h"
#include <fcntl.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>

/* ---- connect ---- */

/* req: POSIX-connect-EBADF, POSIX-connect-ENOTSOCK, POSIX-connect-EAFNOSUPPORT, POSIX-connect-ECONNREFUSED, POSIX-connect-EISCONN */
TEST(connect_says_what_is_wrong)
{
	struct sockaddr_in at, none;
	struct sockaddr_in6 six = in6("::1", 9);
	int l = listener(&at), file = not_a_socket(), fd = tcp();
	says(connect(-1, SA(at)), EBADF);
	says(connect(file, SA(at)), ENOTSOCK);
	says(connect(fd, SA(six)), EAFNOSUPPORT);
	says(connect(fd, (struct sockaddr *)&at, 3), EINVAL);
	says(connect(fd, NULL, sizeof at), EFAULT);
	works(connect(fd, SA(at)));
	says(connect(fd, SA(at)), EISCONN);
	says(connect(l, SA(at)), EISCONN);			/* listening */
	int other = listener(&none);
	close(other);
	fd = tcp();
	says(connect(fd, SA(none)), ECONNREFUSED);
	gives(opt(fd, SOL_SOCKET, SO_ERROR), 0);		/* it was told */
	works(connect(fd, SA(at)));				/* another attempt, to somebody who is there */
	int u = udp();
	works(connect(u, SA(none)));				/* nobody is asked */
	says(connect(u, SA(six)), EAFNOSUPPORT);
}

TEST(connect_to_a_link_local_address_without_its_interface)
{
	struct sockaddr_in6 at = in6("fe80::9", 9);
	int u = socket(AF_INET6, SOCK_DGRAM, 0), s = nonblocking(socket(AF_INET6, SOCK_STREAM, 0));
	says(connect(u, SA(at)), EINVAL);
	says(connect(s, SA(at)), EINVAL);
	need_far();
	at.sin6_scope_id = if_nametoindex("eth0");
	works(connect(u, SA(at)));
	says(connect(s, SA(at)), EINPROGRESS);
}

/* req: POSIX-connect-a, 3493-3.6-a */
TEST(connect_binds_what_is_not_bound)
{
	struct sockaddr_in at, name;
	socklen_t len = sizeof name;
	int l = listener(&at), fd = tcp();
	works(connect(fd, SA(at)));
	gives(getsockname(fd, (struct sockaddr *)&name, &len), 0);
	fact(name.sin_port && name.sin_port != at.sin_port && name.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
	(void)l;
}

/* A close is over when it returns, for a later connect(), too; bound, so that it cannot meet itself. req: POSIX-connect-ECONNREFUSED */
TEST(connect_to_a_listener_that_was_just_closed)
{
	enum { TIMES = 500 };
	int refused = 0;
	for (int i = 0; i < TIMES; i++) {
		struct sockaddr_in at, own = in4("127.0.0.1", 0);
		int l = listener(&at), fd = tcp();
		need(bind(fd, SA(own)) == 0);
		close(l);
		refused += connect(fd, SA(at)) == -1 && errno == ECONNREFUSED;
		close(fd);
	}
	gives(refused, TIMES);
}

/* req: POSIX-connect-EADDRNOTAVAIL */
TEST(connect_needs_a_pair_of_names_of_its_own)
{
	struct sockaddr_in at, from = in4("127.0.0.1", 0);
	socklen_t len = sizeof from;
	int l = listener(&at), a = tcp(), b = tcp();
	on(a, SOL_SOCKET, SO_REUSEADDR, 1);
	on(b, SOL_SOCKET, SO_REUSEADDR, 1);
	works(bind(a, SA(from)));
	need(getsockname(a, (struct sockaddr *)&from, &len) == 0);
	works(bind(b, SA(from)));
	works(connect(a, SA(at)));
	says(connect(b, SA(at)), EADDRNOTAVAIL);
	(void)l;
}

/* req: POSIX-connect-EINPROGRESS, POSIX-connect-EALREADY, POSIX-connect-e, POSIX-connect-f, POSIX-select-b */
TEST(connect_without_waiting)
{
	struct sockaddr_in echo = in4(FAR4, FAR_ECHO), silent = in4(SILENT4, 9), closed = in4(FAR4, FAR_CLOSED);
	need_far();
	int fd = nonblocking(tcp());
	says(connect(fd, SA(echo)), EINPROGRESS);
	gives(ready(fd, POLLOUT), POLLOUT);
	gives(opt(fd, SOL_SOCKET, SO_ERROR), 0);
	works(connect(fd, SA(echo)));				/* told once that it worked */
	says(connect(fd, SA(echo)), EISCONN);
	fd = nonblocking(tcp());
	says(connect(fd, SA(silent)), EINPROGRESS);
	says(connect(fd, SA(silent)), EALREADY);
	gives(look(fd, POLLOUT | POLLIN), 0);
	says(listen(fd, 1), EINVAL);
	gives(opt(fd, SOL_SOCKET, SO_ERROR), 0);
	fd = nonblocking(tcp());
	says(connect(fd, SA(closed)), EINPROGRESS);
	gives(ready_for(fd, POLLOUT), POLLOUT | POLLERR | POLLHUP);
	gives(opt(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
	gives(opt(fd, SOL_SOCKET, SO_ERROR), 0);
	fd = nonblocking(tcp());
	says(connect(fd, SA(closed)), EINPROGRESS);
	gives(ready_for(fd, POLLOUT), POLLOUT | POLLERR | POLLHUP);
	says(connect(fd, SA(closed)), ECONNREFUSED);		/* or by asking again */
}

/* req: POSIX-connect-f, POSIX-connect-d, POSIX-select-b */
TEST(connect_that_fails_makes_select_say_readable_and_writable)
{
	struct sockaddr_in closed = in4(FAR4, FAR_CLOSED);
	fd_set in, out;
	need_far();
	int fd = nonblocking(tcp());
	says(connect(fd, SA(closed)), EINPROGRESS);
	ready(fd, POLLOUT);
	FD_ZERO(&in);
	FD_SET(fd, &in);
	out = in;
	gives(select(fd + 1, &in, &out, NULL, NULL), 2);
	gives(opt(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
}

TEST(sending_before_it_is_connected)
{
	struct sockaddr_in silent = in4(SILENT4, 9);
	need_far();
	int fd = nonblocking(tcp());
	says(connect(fd, SA(silent)), EINPROGRESS);
	says(send(fd, "x", 1, MSG_NOSIGNAL), EAGAIN);
}

static int interrupted;
static void connect_until_a_signal(int fd, int flags)
{
	struct sockaddr_in silent = in4(SILENT4, 9);
	ticks_begin(flags, NULL);
	interrupted = connect(fd, SA(silent));
	int err = errno;
	ticks_end();
	errno = err;
}

/* req: POSIX-connect-EINTR, POSIX-connect-d */
TEST(connect_is_interrupted_by_a_signal_and_goes_on)
{
	struct sockaddr_in silent = in4(SILENT4, 9);
	need_far();
	int fd = tcp();
	says((connect_until_a_signal(fd, 0), interrupted), EINTR);
	fact(ticks > 0);
	gives(look(fd, POLLOUT), 0);				/* it goes on */
	nonblocking(fd);
	says(connect(fd, SA(silent)), EALREADY);
}

/* req: POSIX-connect-c, POSIX-connect-ETIMEDOUT */
TEST(connect_gives_up_in_the_end)
{
	struct sockaddr_in silent = in4(SILENT4, 9);
	struct timeval tv = { .tv_usec = 100000 };
	need_far();
	int fd = tcp();
	works(on(fd, IPPROTO_TCP, TCP_SYNCNT, 1));
	says(connect(fd, SA(silent)), ETIMEDOUT);
	gives(opt(fd, SOL_SOCKET, SO_ERROR), 0);
	fd = tcp();
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
	says(connect(fd, SA(silent)), EINPROGRESS);		/* the program's own patience; socket(7) */
	says(connect(fd, SA(silent)), EALREADY);
}

/* req: POSIX-connect-b */
TEST(connect_of_datagram_sockets_limits_who_is_heard)
{
	struct sockaddr_in a, b, none = { .sin_family = AF_UNSPEC };
	char buf[8];
	int fa = bound_udp(&a), fb = bound_udp(&b), c = udp();
	struct sockaddr_in name;
	socklen_t len = sizeof name;
	works(connect(c, SA(a)));
	need(getsockname(c, (struct sockaddr *)&name, &len) == 0);
	gives(sendto(fb, "b", 1, 0, SA(name)), 1);
	gives(sendto(fa, "a", 1, 0, SA(name)), 1);
	gives(ready(c, POLLIN), POLLIN);
	gives(recv(c, buf, sizeof buf, 0), 1);
	gives(buf[0], 'a');
	says(recv(c, buf, sizeof buf, MSG_DONTWAIT), EAGAIN);
	works(connect(c, SA(b)));				/* another peer */
	gives(send(c, "c", 1, 0), 1);
	gives(ready(fb, POLLIN), POLLIN);
	works(connect(c, SA(none)));
	gives(sendto(c, "c", 1, 0, SA(a)), 1);
}

TEST(connect_to_nobody_takes_a_stream_back)
{
	struct sockaddr_in at, none = { .sin_family = AF_UNSPEC };
	int l = listener(&at), fd = tcp();
	char c;
	works(connect(fd, SA(at)));
	int a = accept(l, NULL, NULL);
	works(connect(fd, SA(none)));
	gives(ready_for(a, POLLIN | POLLERR | POLLHUP), POLLIN | POLLERR | POLLHUP);
	says(read(a, &c, 1), ECONNRESET);
	says(getpeername(fd, (struct sockaddr *)&none, &(socklen_t){ sizeof none }), ENOTCONN);
}

/* A connection to oneself: both SYNs meet.  RFC 9293 3.5, figure 7. */
TEST(connect_to_oneself)
{
	struct sockaddr_in at = in4("127.0.0.1", 0);
	socklen_t len = sizeof at;
	char c = 0;
	int fd = tcp();
	need(bind(fd, SA(at)) == 0);
	need(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
	works(connect(fd, SA(at)));
	gives(write(fd, "x", 1), 1);
	gives(read(fd, &c, 1), 1);
	gives(c, 'x');
}

/* ---- listen ---- */

/* req: POSIX-listen-EBADF, POSIX-listen-ENOTSOCK, POSIX-listen-EOPNOTSUPP, POSIX-listen-EINVAL */
TEST(listen_says_what_is_wrong)
{
	int fd[2], file = not_a_socket();
	says(listen(-1, 1), EBADF);
	says(listen(file, 1), ENOTSOCK);
	says(listen(udp(), 1), EOPNOTSUPP);
	tcp_pair(fd);
	says(listen(fd[0], 1), EINVAL);
	says(listen(fd[1], 1), EINVAL);
}

/* req: POSIX-listen-a */
TEST(listen_takes_any_backlog)
{
	static const int logs[] = { 0, 1, SOMAXCONN, 1 << 30, -1 };
	for (int i = 0; i < 5; i++) {
		struct sockaddr_in at = in4("127.0.0.1", 0);
		socklen_t len = sizeof at;
		int l = tcp(), c = tcp();
		need(bind(l, SA(at)) == 0);
		works(listen(l, logs[i]));
		need(getsockname(l, (struct sockaddr *)&at, &len) == 0);
		works(connect(c, SA(at)));
		works(accept(l, NULL, NULL));
	}
}

/* req-not: POSIX-listen-EDESTADDRREQ TCP can listen without bind(), at a port of its choosing, as on Linux */
TEST(listen_without_a_name_gets_one)
{
	struct sockaddr_in name;
	socklen_t len = sizeof name;
	int l = tcp();
	works(listen(l, 1));
	gives(getsockname(l, (struct sockaddr *)&name, &len), 0);
	fact(name.sin_port != 0 && name.sin_addr.s_addr == 0);
	gives(opt(l, SOL_SOCKET, SO_ACCEPTCONN), 1);
	works(listen(l, 5));					/* again, with another backlog */
	says(connect(l, SA(name)), EISCONN);
}

TEST(sending_by_a_listener) { struct sockaddr_in at; int l = listener(&at); says(send(l, "x", 1, MSG_NOSIGNAL), EPIPE); }
TEST(receiving_by_a_listener) { struct sockaddr_in at; char c; int l = listener(&at); says(recv(l, &c, 1, MSG_DONTWAIT), ENOTCONN); }

/* ---- accept ---- */

/* req: POSIX-accept-EBADF, POSIX-accept-ENOTSOCK, POSIX-accept-EINVAL, POSIX-accept-EOPNOTSUPP, POSIX-accept-EAGAIN, POSIX-accept-d */
TEST(accept_says_what_is_wrong_and_leaves_the_length)
{
	struct sockaddr_in at, who;
	socklen_t len = 7;
	int l = listener(&at), file = not_a_socket();
	says(accept(-1, (struct sockaddr *)&who, &len), EBADF);
	says(accept(file, (struct sockaddr *)&who, &len), ENOTSOCK);
	says(accept(tcp(), (struct sockaddr *)&who, &len), EINVAL);
	says(accept(udp(), (struct sockaddr *)&who, &len), EOPNOTSUPP);
	nonblocking(l);
	says(accept(l, (struct sockaddr *)&who, &len), EAGAIN);
	gives(len, 7);
	says(accept4(l, (struct sockaddr *)&who, &len, 0x40000000), EINVAL);
}

/* req: POSIX-accept-a, POSIX-accept-b, POSIX-2024-b */
TEST(accept_gives_a_socket_of_the_same_kind)
{
	struct sockaddr_in at, mine, who;
	socklen_t len = sizeof mine;
	int l = nonblocking(listener(&at)), c = tcp(), d = tcp(), e = tcp();
	need(connect(c, SA(at)) == 0 && connect(d, SA(at)) == 0 && connect(e, SA(at)) == 0);
	need(getsockname(c, (struct sockaddr *)&mine, &len) == 0);
	len = 4;
	memset(&who, 0xee, sizeof who);
	gives(ready(l, POLLIN), POLLIN);
	int a = accept(l, (struct sockaddr *)&who, &len);
	fact(a >= 0 && len == sizeof who && who.sin_port == mine.sin_port && who.sin_addr.s_addr == 0xeeeeeeee);
	gives(opt(a, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
	gives(opt(a, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
	gives(opt(a, SOL_SOCKET, SO_DOMAIN), AF_INET);
	gives(opt(a, SOL_SOCKET, SO_ACCEPTCONN), 0);
	gives(fcntl(a, F_GETFL) & O_NONBLOCK, 0);		/* Linux hands nothing down; POSIX leaves it open */
	ready(l, POLLIN);
	int b = accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	gives(fcntl(b, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	gives(fcntl(b, F_GETFD), FD_CLOEXEC);
	ready(l, POLLIN);
	says(accept(l, (struct sockaddr *)8, &len), EFAULT);
	says(accept(l, NULL, NULL), EAGAIN);			/* and that connection is gone with it */
	char x;
	gives(ready(e, POLLIN) & POLLIN, POLLIN);
	fact(read(e, &x, 1) <= 0);
}

static struct sockaddr_in knock_at;
static void knock(int tick)
{
	if (tick == 3)
		connect(socket(AF_INET, SOCK_STREAM, 0), SA(knock_at));
}

/* req: POSIX-accept-c, POSIX-general-c */
TEST(accept_waits_for_a_connection_over_restarting_signals)
{
	int l = listener(&knock_at);
	ticks_begin(SA_RESTART, knock);
	works(accept(l, NULL, NULL));
	ticks_end();
	fact(ticks >= 3);
}

static int interrupted_accept(int l)
{
	ticks_begin(0, NULL);
	int fd = accept(l, NULL, NULL), err = errno;
	ticks_end();
	errno = err;
	return fd;
}

/* req: POSIX-accept-EINTR, POSIX-general-c */
TEST(accept_is_interrupted_by_a_signal)
{
	struct sockaddr_in at;
	struct timeval tv = { .tv_usec = 50000 };
	int l = listener(&at), c = tcp();
	says(interrupted_accept(l), EINTR);
	works(connect(c, SA(at)));
	works(accept(l, NULL, NULL));				/* nothing was swallowed */
	setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	says(accept(l, NULL, NULL), EAGAIN);
}

/* req: POSIX-accept-EMFILE */
TEST(accept_without_a_free_descriptor)
{
	struct sockaddr_in at;
	struct rlimit lim = { 40, 40 };
	int l = listener(&at), c = tcp(), fd, last = -1;
	works(connect(c, SA(at)));
	need(setrlimit(RLIMIT_NOFILE, &lim) == 0);
	while ((fd = open("/dev/null", O_RDONLY)) >= 0)
		last = fd;
	says(accept(l, NULL, NULL), EMFILE);
	close(last);
	works(accept(l, NULL, NULL));				/* it had stayed in the queue */
}

/* req-not: POSIX-accept-ECONNABORTED as on Linux a connection reset meanwhile is still given out, and its first read tells */
TEST(accept_of_a_connection_that_was_reset)
{
	struct sockaddr_in at;
	int l = listener(&at), c = tcp();
	char x;
	works(connect(c, SA(at)));
	reset(c);
	gives(ready(l, POLLIN), POLLIN);
	int a = accept(l, NULL, NULL);
	fact(a >= 0);
	gives(ready_for(a, POLLIN | POLLERR | POLLHUP), POLLIN | POLLERR | POLLHUP);
	says(read(a, &x, 1), ECONNRESET);
	gives(read(a, &x, 1), 0);
}

/* req: POSIX-shutdown-a */
TEST(accept_ends_when_the_listener_is_shut)
{
	struct sockaddr_in at;
	int l = listener(&at);
	works(shutdown(l, SHUT_RD));
	says(accept(l, NULL, NULL), EINVAL);
	says(connect(tcp(), SA(at)), ECONNREFUSED);
	works(listen(l, 1));
	says(connect(tcp(), SA(at)), ECONNREFUSED);		/* the port was not of its asking, so it has another now */
}
