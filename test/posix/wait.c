/* Waiting: poll(), ppoll(), select(), pselect(), and what makes a socket ready. */
#include "posix.h"
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <time.h>

static double now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- poll ---- */

/* req: POSIX-poll-a, POSIX-poll-b, POSIX-poll-e, POSIX-poll-g */
TEST(poll_fills_in_one_by_one)
{
	int fd[2];
	tcp_pair(fd);
	struct pollfd p[4] = { { -1, POLLIN, -1 }, { 99, POLLIN, 0 }, { fd[0], POLLIN | POLLOUT, 0 }, { fd[1], POLLIN, -1 } };
	gives(poll(p, 4, 0), 2);
	gives(p[0].revents, 0);
	gives(p[1].revents, POLLNVAL);
	gives(p[2].revents, POLLOUT);
	gives(p[3].revents, 0);
	fact(p[0].fd == -1 && p[2].fd == fd[0] && p[2].events == (POLLIN | POLLOUT) && p[3].events == POLLIN);
	gives(write(fd[0], "x", 1), 1);
	p[3].events = POLLIN | POLLOUT;
	gives(poll(p + 3, 1, 10000), 1);
	ready(fd[1], POLLIN);
	gives(poll(p + 3, 1, 0), 1);
	gives(p[3].revents, POLLIN | POLLOUT);
	p[3].events = POLLRDNORM | POLLWRNORM;
	gives(poll(p + 3, 1, 0), 1);
	gives(p[3].revents, POLLRDNORM | POLLWRNORM);
	nonblocking(fd[0]);
	double t = now();
	gives(poll(&(struct pollfd){ fd[0], POLLIN, 0 }, 1, 30), 0);	/* O_NONBLOCK does not hurry it */
	fact(now() - t >= 0.029);
}

/* req: POSIX-poll-b */
TEST(poll_tells_errors_and_ends_unasked)
{
	int fd[2];
	tcp_pair(fd);
	reset(fd[1]);
	ready(fd[0], POLLIN);
	gives(look(fd[0], 0), POLLERR | POLLHUP);
	gives(look(fd[0], POLLERR | POLLHUP | POLLNVAL), POLLERR | POLLHUP);
}

/* req: POSIX-poll-d, POSIX-poll-c */
TEST(poll_waits_as_long_as_it_is_told)
{
	int fd[2];
	double t = now();
	tcp_pair(fd);
	gives(poll(NULL, 0, 0), 0);
	t = now();
	gives(poll(NULL, 0, 20), 0);
	fact(now() - t >= 0.02);
	t = now();
	gives(poll(&(struct pollfd){ fd[0], POLLIN, 0 }, 1, 20), 0);
	fact(now() - t >= 0.02);
	gives(write(fd[1], "x", 1), 1);
	gives(poll(&(struct pollfd){ fd[0], POLLIN, 0 }, 1, -1), 1);
}

static int poll_over_ticks(struct pollfd *p, int ms, int flags)
{
	ticks_begin(flags, NULL);
	int n = poll(p, 1, ms), err = errno;
	ticks_end();
	errno = err;
	return n;
}

/* req: POSIX-poll-EINTR, POSIX-poll-EINVAL */
TEST(poll_is_interrupted_and_bounded)
{
	int fd[2];
	static struct pollfd many[100];
	struct rlimit lim = { 50, 50 };
	tcp_pair(fd);
	struct pollfd p = { fd[0], POLLIN, 0 };
	says(poll_over_ticks(&p, -1, 0), EINTR);
	says(poll_over_ticks(&p, -1, SA_RESTART), EINTR);	/* always: signal(7) */
	need(setrlimit(RLIMIT_NOFILE, &lim) == 0);
	says(poll(many, 100, 0), EINVAL);
	struct pollfd *volatile nowhere = (struct pollfd *)8;
	says(poll(nowhere, 1, 0), EFAULT);
}

/* req: POSIX-2024-d */
static volatile int usr1;
static void on_usr1(int sig) { usr1++; }

TEST(ppoll_waits_with_another_mask)
{
	sigset_t block, none;
	int fd[2];
	tcp_pair(fd);
	struct pollfd p = { fd[0], POLLIN, 0 };
	struct timespec ts = { 0, 20000000 }, bad = { 0, -1 };
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	signal(SIGUSR1, on_usr1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	raise(SIGUSR1);
	double t = now();
	gives(ppoll(&p, 1, &ts, NULL), 0);			/* it is blocked */
	fact(now() - t >= 0.02);
	gives(usr1, 0);
	says(ppoll(&p, 1, NULL, &none), EINTR);
	gives(usr1, 1);
	says(ppoll(&p, 1, &bad, NULL), EINVAL);
	gives(write(fd[1], "x", 1), 1);
	gives(ppoll(&p, 1, NULL, &none), 1);
}

/* ---- select ---- */

static int select_one(int fd, char which, long usec)
{
	fd_set set;
	struct timeval tv = { usec / 1000000, usec % 1000000 };
	FD_ZERO(&set);
	FD_SET(fd, &set);
	return select(fd + 1, which == 'r' ? &set : NULL, which == 'w' ? &set : NULL, which == 'x' ? &set : NULL, &tv);
}

/* req: POSIX-select-a, POSIX-select-b, POSIX-select-c */
TEST(select_sees_data_ends_errors_and_room)
{
	char c;
	int fd[2];
	struct sockaddr_in at;
	tcp_pair(fd);
	gives(select_one(fd[0], 'r', 0), 0);
	gives(select_one(fd[0], 'w', 0), 1);
	gives(select_one(fd[0], 'x', 0), 0);
	gives(write(fd[1], "x", 1), 1);
	gives(select_one(fd[0], 'r', 10000000), 1);
	gives(read(fd[0], &c, 1), 1);
	gives(send(fd[1], "u", 1, MSG_OOB), 1);
	gives(select_one(fd[0], 'x', 10000000), 1);		/* urgent data */
	gives(recv(fd[0], &c, 1, MSG_OOB), 1);
	gives(select_one(fd[0], 'x', 0), 0);
	works(shutdown(fd[1], SHUT_WR));
	gives(select_one(fd[0], 'r', 10000000), 1);		/* the end */
	gives(recv(fd[0], &c, 1, 0), 0);
	tcp_pair(fd);
	reset(fd[1]);
	gives(select_one(fd[0], 'r', 10000000), 1);		/* an error */
	gives(select_one(fd[0], 'w', 0), 1);
	int l = listener(&at);
	gives(select_one(l, 'r', 0), 0);
	need(connect(tcp(), SA(at)) == 0);
	gives(select_one(l, 'r', 10000000), 1);			/* a connection */
	int hold = far_hold();
	fact(stays_full(hold));
	gives(select_one(hold, 'w', 0), 0);			/* no room */
}

/* req-not: POSIX-select-c a pending error makes Linux's select say readable and writable, not exceptional; urgent data does */
TEST(select_does_not_call_errors_exceptional)
{
	int fd[2];
	tcp_pair(fd);
	reset(fd[1]);
	ready(fd[0], POLLIN);
	gives(select_one(fd[0], 'x', 0), 0);
}

/* req: POSIX-select-EBADF, POSIX-select-EINVAL, POSIX-select-d */
TEST(select_says_what_is_wrong)
{
	fd_set set;
	struct timeval neg = { .tv_sec = -1 }, tv = { 0 };
	int fd[2];
	tcp_pair(fd);
	FD_ZERO(&set);
	int shut = dup(fd[0]), last = dup(fd[0]);
	close(shut);
	FD_SET(shut, &set);
	says(select(last + 1, &set, NULL, NULL, &tv), EBADF);
	fact(FD_ISSET(shut, &set));
	says(select(-1, &set, NULL, NULL, &tv), EINVAL);
	FD_ZERO(&set);
	FD_SET(fd[0], &set);
	says(select(fd[0] + 1, &set, NULL, NULL, &neg), EINVAL);
	fact(FD_ISSET(fd[0], &set));
	struct timespec bad = { 0, 1000000000 };
	says(pselect(fd[0] + 1, &set, NULL, NULL, &bad, NULL), EINVAL);
	gives(select(fd[0] + 1, &set, NULL, NULL, &tv), 0);
	fact(!FD_ISSET(fd[0], &set));				/* nothing was ready */
}

static int select_over_ticks(int fd, fd_set *set)
{
	ticks_begin(SA_RESTART, NULL);
	int n = select(fd + 1, set, NULL, NULL, NULL), err = errno;
	ticks_end();
	errno = err;
	return n;
}

/* req: POSIX-select-EINTR, POSIX-select-d */
TEST(select_is_interrupted)
{
	fd_set set;
	int fd[2];
	tcp_pair(fd);
	FD_ZERO(&set);
	FD_SET(fd[0], &set);
	says(select_over_ticks(fd[0], &set), EINTR);
	fact(FD_ISSET(fd[0], &set));
}

/* req: POSIX-select-e, POSIX-select-g */
TEST(select_waits_as_long_as_it_is_told)
{
	fd_set set;
	int fd[2];
	struct timeval month = { .tv_sec = 31 * 24 * 3600 }, tv = { 0, 20000 };
	double t = now();
	gives(select(0, NULL, NULL, NULL, &tv), 0);
	fact(now() - t >= 0.02);
	tcp_pair(fd);
	gives(write(fd[1], "x", 1), 1);
	FD_ZERO(&set);
	FD_SET(fd[0], &set);
	gives(select(fd[0] + 1, &set, NULL, NULL, &month), 1);
}

/* req: POSIX-select-f */
TEST(pselect_swaps_the_mask_around_the_wait)
{
	sigset_t block, none, after;
	int fd[2];
	fd_set set;
	tcp_pair(fd);
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	signal(SIGUSR1, on_usr1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	raise(SIGUSR1);
	FD_ZERO(&set);
	FD_SET(fd[0], &set);
	says(pselect(fd[0] + 1, &set, NULL, NULL, NULL, &none), EINTR);
	gives(usr1, 1);
	sigprocmask(SIG_SETMASK, NULL, &after);
	gives(sigismember(&after, SIGUSR1), 1);			/* as it was */
}

/* ---- epoll(7), which Linux has beside them ---- */
#include <sys/epoll.h>

TEST(epoll_by_level_and_by_edge)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP }, got;
	char c;
	int fd[2], e = epoll_create1(0);
	tcp_pair(fd);
	works(epoll_ctl(e, EPOLL_CTL_ADD, fd[0], &ev));
	gives(epoll_wait(e, &got, 1, 0), 0);
	gives(write(fd[1], "ab", 2), 2);
	gives(epoll_wait(e, &got, 1, 10000), 1);
	gives(got.events, EPOLLIN);
	gives(read(fd[0], &c, 1), 1);
	gives(epoll_wait(e, &got, 1, 0), 1);			/* more lies there */
	ev.events = EPOLLIN | EPOLLET;
	works(epoll_ctl(e, EPOLL_CTL_MOD, fd[0], &ev));
	gives(epoll_wait(e, &got, 1, 0), 1);
	gives(epoll_wait(e, &got, 1, 0), 0);			/* told once */
	gives(write(fd[1], "c", 1), 1);
	gives(epoll_wait(e, &got, 1, 10000), 1);
	ev.events = EPOLLRDHUP;
	works(epoll_ctl(e, EPOLL_CTL_MOD, fd[0], &ev));
	works(shutdown(fd[1], SHUT_WR));
	gives(epoll_wait(e, &got, 1, 10000), 1);
	gives(got.events, EPOLLRDHUP);
	reset(fd[1]);
	ev.events = 0;
	works(epoll_ctl(e, EPOLL_CTL_MOD, fd[0], &ev));
	gives(epoll_wait(e, &got, 1, 10000), 1);
	gives(got.events, EPOLLERR | EPOLLHUP);
}

/* req: POSIX-poll-f */
TEST(poll_of_listeners_and_datagram_sockets)
{
	struct sockaddr_in at, u;
	char c;
	int l = listener(&at), to = bound_udp(&u), fd = udp();
	gives(look(l, POLLIN | POLLOUT), 0);
	need(connect(tcp(), SA(at)) == 0);
	gives(ready(l, POLLIN | POLLOUT), POLLIN);
	works(accept(l, NULL, NULL));
	gives(look(l, POLLIN), 0);
	gives(look(to, POLLIN | POLLOUT), POLLOUT);
	gives(sendto(fd, "", 0, 0, SA(u)), 0);
	gives(ready(to, POLLIN), POLLIN);
	gives(recv(to, &c, 1, 0), 0);
	gives(look(to, POLLIN), 0);
}
