/* Signals: calls that are interrupted, calls that go on, and threads that are cancelled in one. */
#include "posix.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/select.h>

enum how { RECV, RECVFROM, RECVMSG, READ, SEND, SENDTO, SENDMSG, WRITE, HOWS };

static ssize_t move(enum how how, int fd)
{
	static char big[1 << 16];
	char c;
	struct sockaddr_in at = in4("127.0.0.1", 9), from;
	socklen_t len = sizeof from;
	struct iovec in = { &c, 1 }, out = { big, sizeof big };
	struct msghdr mi = { .msg_iov = &in, .msg_iovlen = 1 }, mo = { .msg_iov = &out, .msg_iovlen = 1 };
	switch (how) {
	case RECV: return recv(fd, &c, 1, 0);
	case RECVFROM: return recvfrom(fd, &c, 1, 0, (struct sockaddr *)&from, &len);
	case RECVMSG: return recvmsg(fd, &mi, 0);
	case READ: return read(fd, &c, 1);
	case SEND: return send(fd, big, sizeof big, 0);
	case SENDTO: return sendto(fd, big, sizeof big, 0, SA(at));
	case SENDMSG: return sendmsg(fd, &mo, 0);
	default: return write(fd, big, sizeof big);
	}
}

static ssize_t move_over_ticks(enum how how, int fd, int flags, void (*also)(int))
{
	ticks_begin(flags, also);
	ssize_t n = move(how, fd);
	int err = errno;
	ticks_end();
	errno = err;
	return n;
}

static int full_stream(void)
{
	int fd = far_hold();
	fill(fd);
	fcntl(fd, F_SETFL, O_RDWR);
	return fd;
}

/* req: POSIX-recv-EINTR, POSIX-recvfrom-EINTR, POSIX-recvmsg-EINTR, POSIX-read-EINTR */
TEST(receiving_is_interrupted)
{
	int t[2], u[2];
	tcp_pair(t);
	udp_pair(u);
	for (enum how how = RECV; how <= READ; how++) {
		says(move_over_ticks(how, t[0], 0, NULL), EINTR);
		says(move_over_ticks(how, u[0], 0, NULL), EINTR);
	}
}

/* req: POSIX-send-EINTR, POSIX-sendto-EINTR, POSIX-sendmsg-EINTR, POSIX-write-EINTR */
TEST(sending_is_interrupted)
{
	int fd = full_stream();
	for (enum how how = SEND; how < HOWS; how++) {
		ssize_t n;
		while ((n = move_over_ticks(how, fd, 0, NULL)) > 0)	/* the other host may still have found some room */
			;
		int err = errno;
		gives(n, -1);
		gives(err, EINTR);
	}
}

static int other_end;
static void feed(int tick)
{
	if (tick == 3 && write(other_end, "x", 1) != 1)
		_exit(9);
}

/* req: POSIX-general-c */
TEST(receiving_goes_on_after_a_restarting_signal)
{
	int t[2], u[2];
	tcp_pair(t);
	udp_pair(u);
	for (enum how how = RECV; how <= READ; how++) {
		other_end = t[1];
		gives(move_over_ticks(how, t[0], SA_RESTART, feed), 1);
		fact(ticks >= 3);
		other_end = u[1];
		gives(move_over_ticks(how, u[0], SA_RESTART, feed), 1);
		fact(ticks >= 3);
	}
}

/* With a timeout of its own no call goes on: signal(7). req: POSIX-general-c */
TEST(receiving_with_a_timeout_does_not_go_on)
{
	struct timeval tv = { .tv_sec = 20 };
	int t[2], u[2];
	tcp_pair(t);
	udp_pair(u);
	setsockopt(t[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	setsockopt(u[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	for (enum how how = RECV; how <= READ; how++) {
		says(move_over_ticks(how, t[0], SA_RESTART, NULL), EINTR);
		says(move_over_ticks(how, u[0], SA_RESTART, NULL), EINTR);
	}
}

/* What a signal finds half done is no error. req: POSIX-recv-e */
TEST(waitall_ends_with_what_came_before_a_signal)
{
	char buf[8];
	int fd[2];
	tcp_pair(fd);
	gives(write(fd[1], "abc", 3), 3);
	ready(fd[0], POLLIN);
	ticks_begin(0, NULL);
	gives(recv(fd[0], buf, sizeof buf, MSG_WAITALL), 3);
	ticks_end();
}

TEST(a_long_send_ends_with_what_went_before_a_signal)
{
	static char block[64 << 20];				/* more than all queues on the way hold */
	int fd = far_hold();
	ticks_begin(0, NULL);
	ssize_t n = send(fd, block, sizeof block, 0);
	ticks_end();
	fact(n > 0 && n < (ssize_t)sizeof block);
}

/* ---- cancellation: req: POSIX-general-b ---- */

struct waiting { int fd, call, begun; };
enum { C_ACCEPT = HOWS, C_CONNECT, C_POLL, C_SELECT, CALLS };

static void *wait_for_ever(void *arg)
{
	struct waiting *w = arg;
	struct sockaddr_in silent = in4(SILENT4, 9);
	fd_set set;
	ssize_t n;
	__atomic_store_n(&w->begun, 1, __ATOMIC_SEQ_CST);
	switch (w->call) {
	case C_ACCEPT: accept(w->fd, NULL, NULL); break;
	case C_CONNECT: connect(w->fd, SA(silent)); break;
	case C_POLL: poll(&(struct pollfd){ w->fd, POLLIN, 0 }, 1, -1); break;
	case C_SELECT:
		FD_ZERO(&set);
		FD_SET(w->fd, &set);
		select(w->fd + 1, &set, NULL, NULL, NULL);
		break;
	default:
		do				/* a call may still find room, and return */
			n = move((enum how)w->call, w->fd);
		while (n > 0);
	}
	return NULL;
}

/* Cancelled while it waits, the second time when the request was there before the call. */
static bool is_cancelled(int call, int fd)
{
	for (int early = 0; early < 2; early++) {
		struct waiting w = { .fd = fd, .call = call };
		pthread_t t;
		void *ret = NULL;
		if (pthread_create(&t, NULL, wait_for_ever, &w))
			return false;
		while (!__atomic_load_n(&w.begun, __ATOMIC_SEQ_CST))
			poll(NULL, 0, 1);
		if (!early)
			poll(NULL, 0, 20);		/* most likely it waits by now; either way it ends */
		pthread_cancel(t);
		pthread_join(t, &ret);
		if (ret != PTHREAD_CANCELED)
			return false;
	}
	return true;
}

TEST(threads_are_cancelled_in_calls_that_wait)
{
	struct sockaddr_in at;
	int t[2], u[2], l = listener(&at), full = full_stream();
	tcp_pair(t);
	udp_pair(u);
	fact(is_cancelled(C_ACCEPT, l));
	fact(is_cancelled(C_CONNECT, tcp()));
	fact(is_cancelled(C_POLL, t[0]));
	fact(is_cancelled(C_SELECT, t[0]));
	fact(is_cancelled(RECV, t[0]));
	fact(is_cancelled(RECVFROM, t[0]));
	fact(is_cancelled(RECVMSG, t[0]));
	fact(is_cancelled(READ, t[0]));
	fact(is_cancelled(RECV, u[0]));
	fact(is_cancelled(RECVFROM, u[0]));
	fact(is_cancelled(RECVMSG, u[0]));
	fact(is_cancelled(SEND, full));
	fact(is_cancelled(SENDTO, full));
	fact(is_cancelled(SENDMSG, full));
	fact(is_cancelled(WRITE, full));
}

/* SIGIO and SIGURG reach the owner: fcntl F_SETOWN, O_ASYNC. */
static volatile int io, urg;
static void on_io(int sig) { io++; }
static void on_urg(int sig) { urg++; }

TEST(signals_of_the_socket_itself)
{
	int fd[2];
	char c;
	tcp_pair(fd);
	signal(SIGIO, on_io);
	signal(SIGURG, on_urg);
	works(fcntl(fd[0], F_SETOWN, getpid()));
	works(fcntl(fd[0], F_SETFL, O_RDWR | O_ASYNC));
	gives(fcntl(fd[0], F_GETOWN) == getpid(), 1);
	gives(write(fd[1], "x", 1), 1);
	for (int i = 0; i < 1000 && !io; i++)
		poll(NULL, 0, 5);
	fact(io > 0);
	gives(read(fd[0], &c, 1), 1);
	gives(send(fd[1], "u", 1, MSG_OOB), 1);
	for (int i = 0; i < 1000 && !urg; i++)
		poll(NULL, 0, 5);
	fact(urg > 0);
}
