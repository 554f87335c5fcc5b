/* Datagrams: boundaries, lengths, control messages, refusals, many at once. */
#include "posix.h"
#include <limits.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

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
