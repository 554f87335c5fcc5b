/* What goes over a socket: send and receive in all their forms, read, write, shutdown, close. */
#include "posix.h"
#include <fcntl.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <time.h>

static ssize_t send_iov(int fd, struct iovec *iov, size_t n, int flags)
{
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = n };
	return sendmsg(fd, &m, flags);
}

static ssize_t sendmsg_one(int fd, const void *p, size_t len, int flags)
{
	struct iovec iov = { (void *)(uintptr_t)p, len };
	return send_iov(fd, &iov, 1, flags);
}

static ssize_t recvmsg_one(int fd, void *p, size_t len, int flags)
{
	struct iovec iov = { p, len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	return recvmsg(fd, &m, flags);
}

static ssize_t recvfrom_one(int fd, void *p, size_t len, int flags)
{
	struct sockaddr_storage from;
	socklen_t l = sizeof from;
	return recvfrom(fd, p, len, flags, (struct sockaddr *)&from, &l);
}

/* ---- what is no socket ---- */

/* req: POSIX-send-EBADF, POSIX-send-ENOTSOCK, POSIX-sendto-EBADF, POSIX-sendto-ENOTSOCK, POSIX-sendmsg-EBADF, POSIX-sendmsg-ENOTSOCK,
   POSIX-recv-EBADF, POSIX-recv-ENOTSOCK, POSIX-recvfrom-EBADF, POSIX-recvfrom-ENOTSOCK, POSIX-recvmsg-EBADF, POSIX-recvmsg-ENOTSOCK,
   POSIX-read-EBADF, POSIX-write-EBADF, POSIX-shutdown-EBADF, POSIX-shutdown-ENOTSOCK, POSIX-close-EBADF, POSIX-sockatmark-EBADF,
   POSIX-sockatmark-ENOTTY */
TEST(messages_need_a_socket)
{
	struct sockaddr_in at = in4("127.0.0.1", 9);
	char c;
	for (int i = 0; i < 2; i++) {
		int fd = i ? not_a_socket() : 99, err = i ? ENOTSOCK : EBADF;
		says(send(fd, "x", 1, 0), err);
		says(sendto(fd, "x", 1, 0, SA(at)), err);
		says(sendmsg_one(fd, "x", 1, 0), err);
		says(recv(fd, &c, 1, 0), err);
		says(recvfrom_one(fd, &c, 1, 0), err);
		says(recvmsg_one(fd, &c, 1, 0), err);
		says(sendmmsg(fd, NULL, 0, 0), err);
		says(recvmmsg(fd, NULL, 0, 0, NULL), err);
		says(shutdown(fd, SHUT_RD), err);
	}
	says(read(99, &c, 1), EBADF);
	says(write(99, &c, 1), EBADF);
	says(close(99), EBADF);
	says(sockatmark(99), EBADF);
	says(sockatmark(not_a_socket()), ENOTTY);
}

/* ---- without a connection ---- */

/* req: POSIX-send-ENOTCONN, POSIX-sendto-ENOTCONN, POSIX-sendmsg-ENOTCONN, POSIX-recv-ENOTCONN, POSIX-recvfrom-ENOTCONN, POSIX-recvmsg-ENOTCONN,
   POSIX-read-ENOTCONN, POSIX-write-EPIPE, POSIX-shutdown-ENOTCONN */
/* req-not: POSIX-write-ECONNRESET Linux says EPIPE of a write to what is not connected, and raises SIGPIPE */
TEST(messages_need_a_connection)
{
	struct sockaddr_in at = in4("127.0.0.1", 9);
	char c;
	int fd = tcp();
	signal(SIGPIPE, SIG_IGN);
	says(sendto(fd, "x", 1, 0, SA(at)), EPIPE);		/* Linux's word for it */
	says(sendmsg_one(fd, "x", 1, 0), EPIPE);
	says(recvfrom_one(fd, &c, 1, MSG_DONTWAIT), ENOTCONN);
	says(recvmsg_one(fd, &c, 1, MSG_DONTWAIT), ENOTCONN);
	says(shutdown(fd, SHUT_WR), ENOTCONN);
}

/* req: POSIX-send-ENOTCONN, POSIX-recv-ENOTCONN, POSIX-read-ENOTCONN, POSIX-write-EPIPE */
TEST(plain_messages_need_a_connection)
{
	char c;
	int fd = nonblocking(tcp());
	signal(SIGPIPE, SIG_IGN);
	says(send(fd, "x", 1, 0), EPIPE);
	says(write(fd, "x", 1), EPIPE);
	says(recv(fd, &c, 1, 0), ENOTCONN);
	says(read(fd, &c, 1), ENOTCONN);
	gives(look(fd, POLLIN | POLLOUT), POLLOUT | POLLHUP);
}

/* req: POSIX-send-EDESTADDRREQ */
TEST(datagrams_need_a_destination)
{
	struct sockaddr_in6 six = in6("::1", 9);
	char c;
	int fd = udp();
	says(sendmsg_one(fd, "x", 1, 0), EDESTADDRREQ);
	says(sendto(fd, "x", 1, 0, SA(six)), EAFNOSUPPORT);
	says(recv(fd, &c, 1, MSG_DONTWAIT), EAGAIN);
	gives(look(fd, POLLIN | POLLOUT), POLLOUT);
}

/* req: POSIX-send-EDESTADDRREQ */
TEST(plain_datagrams_need_a_destination)
{
	int fd = udp();
	says(send(fd, "x", 1, 0), EDESTADDRREQ);
	says(write(fd, "x", 1), EDESTADDRREQ);
}

/* req: POSIX-sendto-EAFNOSUPPORT, POSIX-sendmsg-EAFNOSUPPORT */
TEST(datagrams_to_another_family)
{
	struct sockaddr_in6 six = in6("::1", 9);
	struct sockaddr_in at, zero;
	struct iovec iov = { (char[]){ "x" }, 1 };
	struct msghdr m = { .msg_name = &six, .msg_namelen = sizeof six, .msg_iov = &iov, .msg_iovlen = 1 };
	int to = bound_udp(&at), fd = udp();
	says(sendto(fd, "x", 1, 0, SA(six)), EAFNOSUPPORT);
	says(sendmsg(fd, &m, 0), EAFNOSUPPORT);
	says(sendto(fd, "x", 1, 0, (struct sockaddr *)&at, 3), EINVAL);
	says(sendto(fd, "x", 1, 0, (struct sockaddr *)&at, 1000), EINVAL);
	says(sendto(fd, "x", 1, 0, (struct sockaddr *)8, sizeof at), EFAULT);
	at.sin_family = AF_UNSPEC;				/* Linux takes it for AF_INET, as programs of old have it */
	gives(sendto(fd, "x", 1, 0, SA(at)), 1);
	zero = in4("127.0.0.1", 0);
	says(sendto(fd, "x", 1, 0, SA(zero)), EINVAL);
	(void)to;
}

/* ---- nothing there, nowhere to go ---- */

/* req: POSIX-recv-EAGAIN, POSIX-recvfrom-EAGAIN, POSIX-recvmsg-EAGAIN, POSIX-read-EAGAIN, POSIX-recv-EINVAL, POSIX-recvfrom-EINVAL, POSIX-recvmsg-EINVAL */
TEST(receiving_nothing_without_waiting)
{
	int pairs[2][2];
	char c;
	tcp_pair(pairs[0]);
	udp_pair(pairs[1]);
	for (int i = 0; i < 2; i++) {
		int fd = pairs[i][0];
		says(recv(fd, &c, 1, MSG_DONTWAIT), EAGAIN);
		says(recvfrom_one(fd, &c, 1, MSG_DONTWAIT), EAGAIN);
		says(recvmsg_one(fd, &c, 1, MSG_DONTWAIT), EAGAIN);
		says(recv(fd, &c, 1, MSG_DONTWAIT | MSG_PEEK), EAGAIN);
		nonblocking(fd);
		says(recv(fd, &c, 1, 0), EAGAIN);
		says(recvfrom_one(fd, &c, 1, 0), EAGAIN);
		says(recvmsg_one(fd, &c, 1, 0), EAGAIN);
		says(read(fd, &c, 1), EAGAIN);
		says(recv(fd, &c, 1, MSG_WAITALL), EAGAIN);
	}
	int fd = pairs[0][0];
	says(recv(fd, &c, 1, MSG_OOB), EINVAL);
	says(recvfrom_one(fd, &c, 1, MSG_OOB), EINVAL);
	says(recvmsg_one(fd, &c, 1, MSG_OOB), EINVAL);
}

/* req: POSIX-sys_socket.h-h */
TEST(receiving_nothing_until_the_timeout)
{
	int pairs[2][2];
	char c;
	tcp_pair(pairs[0]);
	udp_pair(pairs[1]);
	struct timeval tv = { .tv_usec = 40000 };
	for (int i = 0; i < 2; i++) {
		int fd = pairs[i][0];
		works(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
		says(recv(fd, &c, 1, 0), EAGAIN);
		says(recvfrom_one(fd, &c, 1, 0), EAGAIN);
		says(recvmsg_one(fd, &c, 1, 0), EAGAIN);
		says(read(fd, &c, 1), EAGAIN);
	}
	char two[2];
	gives(write(pairs[0][1], "a", 1), 1);
	gives(ready(pairs[0][0], POLLIN), POLLIN);
	gives(recv(pairs[0][0], two, 2, MSG_WAITALL), 1);	/* what came until then */
}

/* Again and again, as the other host may still find some room late; what the first call says that finds none. */
static ssize_t press(int fd, int how, int flags)
{
	static char block[16384];
	struct sockaddr_in at = in4(FAR4, FAR_HOLD);
	ssize_t n;
	do {
		switch (how) {
		case 0: n = send(fd, block, sizeof block, flags); break;
		case 1: n = sendto(fd, block, sizeof block, flags, SA(at)); break;
		case 2: n = sendmsg_one(fd, block, sizeof block, flags); break;
		default: n = write(fd, block, sizeof block);
		}
	} while (n > 0);
	return n;
}

/* req: POSIX-send-EAGAIN, POSIX-sendto-EAGAIN, POSIX-sendmsg-EAGAIN, POSIX-write-EAGAIN, POSIX-send-b */
TEST(sending_without_room)
{
	int fd = far_hold();
	fact(fill(fd) > 4096);
	for (int how = 0; how < 4; how++)
		says(press(fd, how, 0), EAGAIN);
	fact(stays_full(fd));
	gives(look(fd, POLLIN), 0);
	struct timeval tv = { .tv_usec = 40000 };
	works(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv));
	fcntl(fd, F_SETFL, O_RDWR);
	says(press(fd, 0, 0), EAGAIN);				/* the time is over */
	says(press(fd, 0, MSG_DONTWAIT), EAGAIN);
}

/* A long write to somebody who reads late goes as far as it can, and then all of it. req: POSIX-send-b, POSIX-send-c */
static void read_late(void *arg)
{
	int *both = arg, fd = both[1];
	char buf[65536];
	size_t n = 0;
	close(both[0]);
	poll(NULL, 0, 100);
	for (ssize_t got; (got = read(fd, buf, sizeof buf)) > 0;)
		n += (size_t)got;
	_exit(n == 3000000 ? 0 : 1);
}

TEST(sending_waits_for_room)
{
	int fd[2];
	static char block[3000000];
	tcp_pair(fd);
	pid_t pid = child(read_late, fd);
	close(fd[1]);
	gives(write(fd[0], block, sizeof block), sizeof block);
	close(fd[0]);
	gives(ended(pid), 0);
	tcp_pair(fd);
	nonblocking(fd[0]);
	ssize_t n = write(fd[0], block, sizeof block);
	fact(n > 0 && n <= (ssize_t)sizeof block);		/* part of it; nothing is said of the rest */
}

/* ---- what is over ---- */

static volatile int pipes;
static void on_pipe(int sig) { pipes++; }

/* req: POSIX-send-EPIPE, POSIX-sendto-EPIPE, POSIX-sendmsg-EPIPE, POSIX-write-EPIPE, POSIX-send-d */
TEST(sending_after_shutdown_breaks_the_pipe)
{
	struct sockaddr_in at = in4("127.0.0.1", 9);
	int fd[2];
	tcp_pair(fd);
	signal(SIGPIPE, on_pipe);
	works(shutdown(fd[0], SHUT_WR));
	says(send(fd[0], "x", 1, 0), EPIPE);
	gives(pipes, 1);
	says(sendto(fd[0], "x", 1, 0, SA(at)), EPIPE);
	gives(pipes, 2);
	says(sendmsg_one(fd[0], "x", 1, 0), EPIPE);
	gives(pipes, 3);
	says(write(fd[0], "x", 1), EPIPE);
	gives(pipes, 4);
	says(send(fd[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	says(sendto(fd[0], "x", 1, MSG_NOSIGNAL, SA(at)), EPIPE);
	says(sendmsg_one(fd[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	gives(pipes, 4);
}

/* req: POSIX-recv-ECONNRESET, POSIX-recvfrom-ECONNRESET, POSIX-recvmsg-ECONNRESET, POSIX-read-ECONNRESET, POSIX-general-a */
TEST(receiving_after_a_reset)
{
	char c;
	for (int how = 0; how < 4; how++) {
		int fd[2];
		tcp_pair(fd);
		reset(fd[1]);
		gives(ready_for(fd[0], POLLIN | POLLERR | POLLHUP), POLLIN | POLLERR | POLLHUP);
		switch (how) {
		case 0: says(recv(fd[0], &c, 1, 0), ECONNRESET); break;
		case 1: says(recvfrom_one(fd[0], &c, 1, 0), ECONNRESET); break;
		case 2: says(recvmsg_one(fd[0], &c, 1, 0), ECONNRESET); break;
		case 3: says(read(fd[0], &c, 1), ECONNRESET); break;
		}
		gives(read(fd[0], &c, 1), 0);
		gives(opt(fd[0], SOL_SOCKET, SO_ERROR), 0);	/* it was told */
		says(send(fd[0], "x", 1, MSG_NOSIGNAL), EPIPE);
		gives(look(fd[0], POLLIN | POLLOUT), POLLIN | POLLOUT | POLLHUP);
	}
}

/* req: POSIX-sendto-ECONNRESET, POSIX-sendmsg-ECONNRESET, POSIX-write-EPIPE */
TEST(sending_after_a_reset)
{
	struct sockaddr_in at = in4("127.0.0.1", 9);
	signal(SIGPIPE, SIG_IGN);
	for (int how = 0; how < 2; how++) {
		int fd[2];
		tcp_pair(fd);
		reset(fd[1]);
		ready(fd[0], POLLIN);
		switch (how) {
		case 0: says(sendto(fd[0], "x", 1, 0, SA(at)), ECONNRESET); break;
		case 1: says(sendmsg_one(fd[0], "x", 1, 0), ECONNRESET); break;
		}
		says(write(fd[0], "x", 1), EPIPE);
	}
}

/* req: POSIX-send-ECONNRESET */
TEST(plain_sending_after_a_reset)
{
	signal(SIGPIPE, SIG_IGN);
	for (int how = 0; how < 2; how++) {
		int fd[2];
		tcp_pair(fd);
		reset(fd[1]);
		ready(fd[0], POLLIN);
		says(how ? write(fd[0], "x", 1) : send(fd[0], "x", 1, 0), ECONNRESET);
	}
}

TEST(an_error_is_told_once_by_so_error)
{
	int fd[2];
	char c;
	tcp_pair(fd);
	reset(fd[1]);
	ready(fd[0], POLLIN);
	gives(opt(fd[0], SOL_SOCKET, SO_ERROR), ECONNRESET);
	gives(opt(fd[0], SOL_SOCKET, SO_ERROR), 0);
	gives(read(fd[0], &c, 1), 0);
}

/* A reset by the other host, after something was sent to it. */
TEST(a_reset_from_another_host)
{
	char c;
	int fd = far_tcp(FAR_RESET);
	gives(write(fd, "x", 1), 1);
	gives(ready_for(fd, POLLIN | POLLERR | POLLHUP), POLLIN | POLLERR | POLLHUP);
	says(read(fd, &c, 1), ECONNRESET);
	says(send(fd, "x", 1, MSG_NOSIGNAL), EPIPE);
}

/* req: POSIX-recv-ETIMEDOUT, POSIX-recvfrom-ETIMEDOUT, POSIX-recvmsg-ETIMEDOUT, POSIX-read-ETIMEDOUT */
static int lost_connection(void)
{
	int fd = far_tcp(FAR_ECHO);
	if (shell("POSIX_CUT"))
		case_skip("the cable cannot be cut");
	on(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 500);
	ssize_t n = write(fd, "x", 1);
	ready(fd, POLLIN);
	shell("POSIX_MEND");
	need(n == 1);
	return fd;
}

TEST(recv_of_a_connection_that_was_given_up) { char c; says(recv(lost_connection(), &c, 1, 0), ETIMEDOUT); }
TEST(recvfrom_of_a_connection_that_was_given_up) { char c; says(recvfrom_one(lost_connection(), &c, 1, 0), ETIMEDOUT); }
TEST(recvmsg_of_a_connection_that_was_given_up) { char c; says(recvmsg_one(lost_connection(), &c, 1, 0), ETIMEDOUT); }
TEST(read_of_a_connection_that_was_given_up) { char c; says(read(lost_connection(), &c, 1), ETIMEDOUT); }
TEST(so_error_of_a_connection_that_was_given_up) { gives(opt(lost_connection(), SOL_SOCKET, SO_ERROR), ETIMEDOUT); }

/* req: POSIX-recv-a, POSIX-shutdown-a */
TEST(the_end_comes_after_the_data)
{
	char buf[8];
	int fd = far_tcp(FAR_BYE);
	gives(recv(fd, buf, sizeof buf, MSG_WAITALL), 3);
	gives(recv(fd, buf, sizeof buf, 0), 0);
	gives(recv(fd, buf, sizeof buf, 0), 0);
	gives(look(fd, POLLIN | POLLOUT | POLLRDHUP), POLLIN | POLLOUT | POLLRDHUP);
	gives(write(fd, "still", 5), 5);			/* the other way is open as far as we know */
}

/* req: POSIX-shutdown-a, POSIX-shutdown-EINVAL */
TEST(shutdown_ends_directions)
{
	char buf[8];
	int fd[2];
	tcp_pair(fd);
	says(shutdown(fd[0], 3), EINVAL);
	says(shutdown(fd[0], -1), EINVAL);
	works(shutdown(fd[0], SHUT_WR));
	gives(ready_for(fd[1], POLLIN | POLLRDHUP), POLLIN | POLLRDHUP);
	gives(read(fd[1], buf, sizeof buf), 0);
	gives(write(fd[1], "back", 4), 4);
	ready(fd[0], POLLIN);
	gives(read(fd[0], buf, sizeof buf), 4);
	works(shutdown(fd[0], SHUT_WR));			/* again: no harm */
	works(shutdown(fd[1], SHUT_WR));
	gives(ready_for(fd[0], POLLIN | POLLHUP), POLLIN | POLLHUP);
	gives(read(fd[0], buf, sizeof buf), 0);
	tcp_pair(fd);
	works(shutdown(fd[0], SHUT_RD));
	gives(look(fd[0], POLLIN | POLLRDHUP), POLLIN | POLLRDHUP);
	gives(read(fd[0], buf, sizeof buf), 0);
	gives(write(fd[0], "out", 3), 3);
	ready(fd[1], POLLIN);
	gives(read(fd[1], buf, sizeof buf), 3);
	gives(write(fd[1], "in", 2), 2);			/* nobody told the other side */
	works(shutdown(fd[0], SHUT_RDWR));
	says(send(fd[0], "x", 1, MSG_NOSIGNAL), EPIPE);
}

TEST(shutdown_of_datagram_sockets)
{
	char c;
	int fd[2], u = udp();
	says(shutdown(u, SHUT_RD), ENOTCONN);
	udp_pair(fd);
	works(shutdown(fd[0], SHUT_WR));
	says(send(fd[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	works(shutdown(fd[0], SHUT_RD));
	gives(read(fd[0], &c, 1), 0);
}

/* ---- streams ---- */

/* req: POSIX-recv-b, POSIX-recv-d, POSIX-recv-e, POSIX-sendmsg-a, POSIX-recvmsg-c */
TEST(streams_gather_scatter_peek_and_wait_for_all)
{
	char a[4] = "", b[8] = "", all[11] = "";
	struct iovec out[3] = { { (char[]){ "one" }, 3 }, { (char[]){ "" }, 0 }, { (char[]){ "twothree" }, 8 } };
	struct iovec in[2] = { { a, 4 }, { b, 7 } };
	struct msghdr m = { .msg_iov = in, .msg_iovlen = 2, .msg_flags = -1 };
	int fd[2];
	tcp_pair(fd);
	gives(send_iov(fd[0], out, 3, 0), 11);
	gives(ready(fd[1], POLLIN), POLLIN);
	gives(recv(fd[1], all, 2, MSG_PEEK), 2);
	gives(recv(fd[1], all, 11, MSG_PEEK | MSG_WAITALL), 11);
	fact(!memcmp(all, "onetwothree", 11));
	gives(recvmsg(fd[1], &m, 0), 11);
	gives(m.msg_flags, 0);
	fact(!memcmp(a, "onet", 4) && !memcmp(b, "wothree", 7));
	gives(write(fd[0], "ab", 2), 2);
	ready(fd[1], POLLIN);
	gives(recv(fd[1], all, 11, 0), 2);			/* what there is, at once */
	gives(writev(fd[0], out, 3), 11);
	ready(fd[1], POLLIN);
	gives(readv(fd[1], in, 2), 11);
	says(recv(fd[1], all, 0, MSG_DONTWAIT), EAGAIN);
}

static void send_in_two(void *arg)
{
	int fd = *(int *)arg;
	ssize_t n = write(fd, "abc", 3);
	poll(NULL, 0, 50);
	n += write(fd, "def", 3);
	_exit(n == 6 ? 0 : 1);
}

/* req: POSIX-recv-e */
TEST(waitall_waits_for_all_of_it_or_the_end)
{
	char buf[10];
	int fd[2];
	tcp_pair(fd);
	pid_t pid = child(send_in_two, &fd[0]);
	gives(recv(fd[1], buf, 6, MSG_WAITALL), 6);
	fact(!memcmp(buf, "abcdef", 6));
	gives(ended(pid), 0);
	pid = child(send_in_two, &fd[0]);
	close(fd[0]);
	gives(recv(fd[1], buf, 10, MSG_WAITALL), 6);		/* the end */
	gives(ended(pid), 0);
}

/* req: POSIX-recvmsg-b */
TEST(names_of_connected_streams_are_ignored)
{
	struct sockaddr_in at = in4("127.0.0.1", 9), from;
	char buf[4];
	struct iovec iov = { buf, sizeof buf };
	struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &iov, .msg_iovlen = 1 };
	int fd[2];
	tcp_pair(fd);
	gives(sendto(fd[0], "x", 1, 0, SA(at)), 1);
	ready(fd[1], POLLIN);
	memset(&from, 0xee, sizeof from);
	gives(recvmsg(fd[1], &m, 0), 1);
	gives(m.msg_namelen, 0);
	gives(sendto(fd[0], "x", 1, 0, SA(at)), 1);
	ready(fd[1], POLLIN);
	socklen_t len = sizeof from;
	gives(recvfrom(fd[1], buf, 1, 0, (struct sockaddr *)&from, &len), 1);
	gives(len, 0);
	fact(from.sin_port == 0xeeee);
}

/* req: POSIX-send-e, POSIX-sockatmark-a, POSIX-recvmsg-a, POSIX-sys_socket.h-f */
TEST(urgent_data)
{
	char buf[8];
	struct iovec iov = { buf, sizeof buf };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fd[2];
	tcp_pair(fd);
	gives(send(fd[0], "abc", 3, 0), 3);
	gives(send(fd[0], "X", 1, MSG_OOB), 1);
	gives(send(fd[0], "de", 2, 0), 2);
	gives(ready(fd[1], POLLPRI), POLLPRI);
	while (recv(fd[1], buf, 8, MSG_PEEK | MSG_DONTWAIT) < 3)
		poll(NULL, 0, 1);
	gives(sockatmark(fd[1]), 0);
	gives(recv(fd[1], buf, sizeof buf, 0), 3);		/* up to the mark */
	gives(sockatmark(fd[1]), 1);
	gives(recvmsg(fd[1], &m, MSG_OOB), 1);
	gives(m.msg_flags & MSG_OOB, MSG_OOB);
	gives(buf[0], 'X');
	gives(look(fd[1], POLLPRI), 0);
	says(recv(fd[1], buf, 1, MSG_OOB), EINVAL);		/* it was read */
	ready(fd[1], POLLIN);
	gives(recv(fd[1], buf, 2, MSG_WAITALL), 2);
	gives(sockatmark(fd[1]), 0);
	works(on(fd[1], SOL_SOCKET, SO_OOBINLINE, 1));
	gives(send(fd[0], "Y", 1, MSG_OOB), 1);
	gives(ready(fd[1], POLLPRI | POLLIN) & POLLPRI, POLLPRI);
	ready(fd[1], POLLIN);
	gives(sockatmark(fd[1]), 1);
	gives(recv(fd[1], buf, sizeof buf, 0), 1);
	says(recv(fd[1], buf, 1, MSG_OOB), EINVAL);		/* it is in line */
}

/* req: POSIX-recv-EOPNOTSUPP, POSIX-send-EOPNOTSUPP, POSIX-sendto-EOPNOTSUPP, POSIX-sendmsg-EOPNOTSUPP, POSIX-recvfrom-EOPNOTSUPP, POSIX-recvmsg-EOPNOTSUPP */
TEST(urgent_data_is_not_for_datagrams)
{
	struct sockaddr_in at;
	struct iovec iov = { (char[]){ "x" }, 1 };
	int fd[2], to = bound_udp(&at);
	struct msghdr m = { .msg_name = &at, .msg_namelen = sizeof at, .msg_iov = &iov, .msg_iovlen = 1 };
	char c;
	udp_pair(fd);
	says(send(fd[0], "x", 1, MSG_OOB), EOPNOTSUPP);
	says(sendto(fd[0], "x", 1, MSG_OOB, SA(at)), EOPNOTSUPP);
	says(sendmsg(fd[0], &m, MSG_OOB), EOPNOTSUPP);
	says(recvfrom_one(fd[0], &c, 1, MSG_OOB | MSG_DONTWAIT), EAGAIN);	/* Linux takes no notice when receiving */
	says(recvmsg_one(fd[0], &c, 1, MSG_OOB | MSG_DONTWAIT), EAGAIN);
	(void)to;
}

TEST(plain_recv_of_urgent_data_from_datagrams)
{
	char c;
	int fd[2];
	udp_pair(fd);
	says(recv(fd[0], &c, 1, MSG_OOB | MSG_DONTWAIT), EAGAIN);
}

/* ---- datagrams ---- */

/* req: POSIX-send-EMSGSIZE, POSIX-sendto-EMSGSIZE, POSIX-sendmsg-EMSGSIZE, POSIX-send-a */
TEST(datagrams_that_are_too_long)
{
	static char block[70000];
	struct sockaddr_in at;
	int fd = udp(), to = bound_udp(&at), none = udp();
	struct iovec iov = { block, sizeof block };
	struct msghdr m = { .msg_name = &at, .msg_namelen = sizeof at, .msg_iov = &iov, .msg_iovlen = 1 };
	says(sendto(none, block, sizeof block, 0, SA(at)), EMSGSIZE);
	says(sendto(none, block, 65508, 0, SA(at)), EMSGSIZE);
	says(sendmsg(none, &m, 0), EMSGSIZE);
	works(connect(fd, SA(at)));
	says(sendmsg_one(fd, block, sizeof block, 0), EMSGSIZE);
	says(recvfrom_one(to, block, 1, MSG_DONTWAIT), EAGAIN);	/* nothing went */
	gives(sendto(none, block, 65507, 0, SA(at)), 65507);
	gives(ready(to, POLLIN), POLLIN);
	gives(recv(to, block, sizeof block, 0), 65507);
}

/* req: POSIX-send-EMSGSIZE */
TEST(plain_datagrams_that_are_too_long)
{
	static char block[70000];
	int fd[2];
	udp_pair(fd);
	says(send(fd[0], block, sizeof block, 0), EMSGSIZE);
	says(write(fd[0], block, sizeof block), EMSGSIZE);
}

/* req: POSIX-sendmsg-EMSGSIZE, POSIX-recvmsg-EMSGSIZE, POSIX-sendmsg-EINVAL, POSIX-recvmsg-EINVAL */
TEST(pieces_that_are_too_many_or_too_long)
{
	static struct iovec many[2000];
	static char block[16];
	int pairs[2][2];
	for (int i = 0; i < 2000; i++)
		many[i] = (struct iovec){ block, 1 };
	struct iovec two[2] = { { block, SSIZE_MAX }, { block, SSIZE_MAX } };
	struct msghdr m = { .msg_iov = two, .msg_iovlen = 2 }, n = { .msg_iov = many, .msg_iovlen = 2000 };
	tcp_pair(pairs[0]);
	udp_pair(pairs[1]);
	for (int i = 0; i < 2; i++) {
		int fd = pairs[i][0];
		says(sendmsg(fd, &n, 0), EMSGSIZE);
		says(recvmsg(fd, &n, MSG_DONTWAIT), EMSGSIZE);
		two[0].iov_len = (size_t)-1;			/* more than an ssize_t */
		says(sendmsg(fd, &m, 0), EINVAL);
		says(recvmsg(fd, &m, MSG_DONTWAIT), EINVAL);
		says(writev(fd, many, 2000), EINVAL);
		says(readv(fd, many, 2000), EINVAL);
	}
	n.msg_iovlen = 1024;
	gives(sendmsg(pairs[1][0], &n, 0), 1024);
	ready(pairs[1][1], POLLIN);
	gives(recvmsg(pairs[1][1], &n, 0), 1024);
}

/* req: POSIX-recv-c, POSIX-recvfrom-a, POSIX-recvmsg-a, POSIX-recvmsg-b, POSIX-socket-b */
TEST(datagrams_keep_their_boundaries)
{
	struct sockaddr_in at, mine, from;
	socklen_t len = sizeof mine;
	char buf[8];
	struct iovec iov = { buf, 2 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_flags = -1 };
	int to = bound_udp(&at), fd = bound_udp(&mine);
	gives(sendto(fd, "first", 5, 0, SA(at)), 5);
	gives(sendto(fd, "", 0, 0, SA(at)), 0);
	gives(sendto(fd, "third", 5, 0, SA(at)), 5);
	gives(sendto(fd, "fourth", 6, 0, SA(at)), 6);
	gives(ready(to, POLLIN), POLLIN);
	gives(recvfrom(to, buf, 2, MSG_PEEK, (struct sockaddr *)&from, &len), 2);
	fact(from.sin_port == mine.sin_port && len == sizeof from);
	len = 4;
	memset(&from, 0xee, sizeof from);
	gives(recvfrom(to, buf, 3, MSG_TRUNC, (struct sockaddr *)&from, &len), 5);
	fact(len == sizeof from && from.sin_port == mine.sin_port && from.sin_addr.s_addr == 0xeeeeeeee);
	gives(recv(to, buf, sizeof buf, 0), 0);			/* the empty one */
	gives(recvmsg(to, &m, 0), 2);
	gives(m.msg_flags, MSG_TRUNC);
	gives(recv(to, buf, sizeof buf, 0), 6);			/* the rest of the third is gone */
	(void)fd;
}

/* req: POSIX-recvmsg-a */
TEST(control_messages_that_do_not_fit_say_so)
{
	struct sockaddr_in at;
	char buf[8], ctl[4];
	struct iovec iov = { buf, 8 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof ctl };
	int to = bound_udp(&at), fd = udp();
	works(on(to, IPPROTO_IP, IP_PKTINFO, 1));
	gives(sendto(fd, "x", 1, 0, SA(at)), 1);
	ready(to, POLLIN);
	gives(recvmsg(to, &m, 0), 1);
	gives(m.msg_flags, MSG_CTRUNC);
	gives(m.msg_controllen, 0);
}

/* req: POSIX-sendto-a */
TEST(datagrams_of_a_connected_socket_to_another)
{
	struct sockaddr_in a, b;
	char c;
	int fa = bound_udp(&a), fb = bound_udp(&b), fd = udp();
	works(connect(fd, SA(a)));
	gives(sendto(fd, "b", 1, 0, SA(b)), 1);			/* it goes there: what Linux chose of the two */
	gives(ready(fb, POLLIN), POLLIN);
	gives(recv(fb, &c, 1, 0), 1);
	gives(send(fd, "a", 1, 0), 1);
	gives(ready(fa, POLLIN), POLLIN);
}

/* What nobody wants comes back as an error, told once. req: POSIX-general-a */
static int refused(void)
{
	struct sockaddr_in at;
	int to = bound_udp(&at), fd = udp();
	close(to);
	need(connect(fd, SA(at)) == 0);
	need(send(fd, "x", 1, 0) == 1);
	gives(ready(fd, POLLIN), POLLERR);
	return fd;
}

TEST(refused_datagrams_by_so_error) { int fd = refused(); gives(opt(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED); gives(look(fd, POLLIN), 0); }
TEST(refused_datagrams_by_recvfrom) { char c; int fd = refused(); says(recvfrom_one(fd, &c, 1, 0), ECONNREFUSED); gives(look(fd, POLLIN), 0); }
TEST(refused_datagrams_by_recvmsg) { char c; int fd = refused(); says(recvmsg_one(fd, &c, 1, 0), ECONNREFUSED); gives(look(fd, POLLIN), 0); }
TEST(refused_datagrams_by_recv) { char c; int fd = refused(); says(recv(fd, &c, 1, 0), ECONNREFUSED); gives(look(fd, POLLIN), 0); }
TEST(refused_datagrams_by_read) { char c; int fd = refused(); says(read(fd, &c, 1), ECONNREFUSED); gives(look(fd, POLLIN), 0); }
TEST(refused_datagrams_by_send) { int fd = refused(); says(send(fd, "x", 1, 0), ECONNREFUSED); }
TEST(refused_datagrams_by_write) { int fd = refused(); says(write(fd, "x", 1), ECONNREFUSED); }
TEST(refused_datagrams_by_sendmsg) { int fd = refused(); says(sendmsg_one(fd, "x", 1, 0), ECONNREFUSED); }
TEST(refused_datagrams_by_sendto)
{
	struct sockaddr_in at;
	int to = bound_udp(&at), fd = refused();
	says(sendto(fd, "x", 1, 0, SA(at)), ECONNREFUSED);
	gives(sendto(fd, "x", 1, 0, SA(at)), 1);
	(void)to;
}

/* sendmmsg(2), recvmmsg(2) */
TEST(many_datagrams_at_once)
{
	struct sockaddr_in at, from[3];
	char in[3][8];
	struct iovec o[3] = { { (char[]){ "a" }, 1 }, { (char[]){ "bb" }, 2 }, { (char[]){ "ccc" }, 3 } }, v[3];
	struct mmsghdr out[3], got[3];
	int to = bound_udp(&at), fd = udp();
	memset(out, 0, sizeof out);
	memset(got, 0, sizeof got);
	for (int i = 0; i < 3; i++) {
		v[i] = (struct iovec){ in[i], sizeof in[i] };
		out[i].msg_hdr = (struct msghdr){ .msg_name = &at, .msg_namelen = sizeof at, .msg_iov = &o[i], .msg_iovlen = 1 };
		got[i].msg_hdr = (struct msghdr){ .msg_name = &from[i], .msg_namelen = sizeof from[i], .msg_iov = &v[i], .msg_iovlen = 1 };
	}
	gives(sendmmsg(fd, out, 3, 0), 3);
	gives(out[2].msg_len, 3);
	gives(sendmmsg(fd, out, 0, 0), 0);
	ready(to, POLLIN);
	gives(recvmmsg(to, got, 2, 0, NULL), 2);
	fact(got[0].msg_len == 1 && got[1].msg_len == 2 && from[1].sin_family == AF_INET);
	gives(recvmmsg(to, got, 3, MSG_WAITFORONE, NULL), 1);
	says(recvmmsg(to, got, 3, MSG_DONTWAIT, NULL), EAGAIN);
	struct timespec bad = { .tv_nsec = 1000000000 };
	says(recvmmsg(to, got, 3, MSG_DONTWAIT, &bad), EINVAL);
	out[1].msg_hdr.msg_namelen = 3;
	gives(sendmmsg(fd, out, 3, 0), 1);			/* as far as it went */
}

/* MSG_MORE: one datagram, one segment's worth; what is read is whole.  udp(7), tcp(7) */
TEST(more_to_come)
{
	char buf[16];
	int fd[2];
	udp_pair(fd);
	gives(send(fd[0], "ab", 2, MSG_MORE), 2);
	says(recv(fd[1], buf, sizeof buf, MSG_DONTWAIT), EAGAIN);
	gives(send(fd[0], "cd", 2, 0), 2);
	gives(ready(fd[1], POLLIN), POLLIN);
	gives(recv(fd[1], buf, sizeof buf, 0), 4);
}

TEST(more_to_come_of_a_stream)
{
	char buf[16];
	int fd[2];
	tcp_pair(fd);
	gives(send(fd[0], "ab", 2, MSG_MORE), 2);
	gives(send(fd[0], "cd", 2, 0), 2);
	gives(recv(fd[1], buf, 4, MSG_WAITALL), 4);
}

/* ioctl FIONREAD and SIOCOUTQ; tcp(7), udp(7) */
TEST(how_much_lies_there)
{
	int fd[2], n = -1;
	tcp_pair(fd);
	gives(write(fd[0], "abcde", 5), 5);
	ready(fd[1], POLLIN);
	gives(ioctl(fd[1], FIONREAD, &n), 0);
	gives(n, 5);
	udp_pair(fd);
	gives(write(fd[0], "abc", 3), 3);
	gives(write(fd[0], "defgh", 5), 5);
	ready(fd[1], POLLIN);
	gives(ioctl(fd[1], FIONREAD, &n), 0);
	gives(n, 3);						/* the first one's */
}

/* ---- close ---- */

/* req: POSIX-close-a */
TEST(close_ends_it_with_the_last_descriptor)
{
	char c;
	int fd[2];
	tcp_pair(fd);
	int d = dup(fd[0]);
	works(close(fd[0]));
	gives(look(fd[1], POLLIN), 0);
	gives(write(d, "x", 1), 1);
	works(close(d));
	ready(fd[1], POLLIN);
	gives(read(fd[1], &c, 1), 1);
	gives(read(fd[1], &c, 1), 0);
	says(close(d), EBADF);
}

/* req: POSIX-sys_socket.h-j */
TEST(close_with_unread_data_resets)
{
	char c;
	int fd[2];
	tcp_pair(fd);
	gives(write(fd[0], "x", 1), 1);
	ready(fd[1], POLLIN);
	close(fd[1]);
	gives(ready_for(fd[0], POLLIN | POLLERR | POLLHUP), POLLIN | POLLERR | POLLHUP);
	says(read(fd[0], &c, 1), ECONNRESET);
}

/* req: POSIX-close-b */
TEST(close_lingers_while_data_is_unsent)
{
	struct linger on = { .l_onoff = 1, .l_linger = 1 };
	struct timespec a, b;
	int fd = far_hold();
	works(setsockopt(fd, SOL_SOCKET, SO_LINGER, &on, sizeof on));
	fill(fd);
	fcntl(fd, F_SETFL, O_RDWR);
	clock_gettime(CLOCK_MONOTONIC, &a);
	works(close(fd));
	clock_gettime(CLOCK_MONOTONIC, &b);
	fact(b.tv_sec - a.tv_sec + (b.tv_nsec - a.tv_nsec) / 1e9 > 0.9);	/* its time */
}
