/* What is said and left when a connection ends: shutdown, resets, connections given up, close. */
#include "posix.h"
#include <fcntl.h>
#include <netinet/tcp.h>
#include <time.h>

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
