/* What goes over a socket: send and receive in all their forms, read and write, where it must not be and where there is nothing; streams. */
#include "posix.h"
#include <fcntl.h>
#include <sys/uio.h>

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
