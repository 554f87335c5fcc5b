/*
 * One poll over the streams, a signalfd for SIGINT and SIGTERM and a pidfd for the program.  A program shares our terminal,
 * so that Ctrl-C reaches it too; then its end is waited for, and what it did until then is still shown.
 */
#include "tool/live.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const double TICK = 0.2;		/* seconds */
enum { IMPATIENT = 3 };			/* signals after which even the program is no longer waited for */

static double now_s(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static pid_t start(const struct live *l, const sigset_t *before)
{
	int report[2];
	if (pipe2(report, O_CLOEXEC) < 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		sigprocmask(SIG_SETMASK, before, NULL);
		execvp(l->program[0], l->program);
		int err = errno;
		ssize_t n = write(report[1], &err, sizeof err);
		_exit(n == (ssize_t)sizeof err ? TOOL_NO_PROGRAM : TOOL_FAILED);
	}
	close(report[1]);
	int err = 0;
	if (pid > 0 && read(report[0], &err, sizeof err) == (ssize_t)sizeof err) {
		waitpid(pid, NULL, 0);
		errno = err;
		pid = -1;
	}
	close(report[0]);
	return pid;
}

/* Everything a stream has to say now.  False: it is over, or enough. */
static bool drain(struct live *l, struct live_stream *s, bool *failed)
{
	struct pollfd p = { .fd = s->ask->fd, .events = POLLIN };
	do {
		const uint8_t *piece;
		size_t len;
		int more = ask_next(s->ask, &piece, &len, &s->end);
		*failed = more < 0;
		if (more <= 0) {
			s->over = true;
			return false;
		}
		if (!s->piece(s->ctx, piece, len))
			return false;
	} while (poll(&p, 1, 0) > 0);
	return true;
}

struct watch { struct pollfd fd[LIVE_MAX_STREAMS + 2]; double deadline, tick; pid_t pid; int signals; };

static void reap(struct live *l, struct watch *w)
{
	int status;
	while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
		;
	l->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	close(w->fd[1].fd);
	w->fd[1].fd = -1;
	double end = now_s() + l->settle;
	w->deadline = fmin(w->deadline, end);
}

static bool on_signal(struct live *l, struct watch *w)
{
	struct signalfd_siginfo info;
	ssize_t n = read(w->fd[0].fd, &info, sizeof info);
	(void)n;
	l->interrupted = true;
	return w->fd[1].fd >= 0 && ++w->signals < IMPATIENT;
}

/* One turn; false: the watching is over. */
static bool turn(struct live *l, struct watch *w, bool *failed)
{
	double left = w->deadline - now_s();
	if (left <= 0)
		return false;
	double now = now_s();
	if (l->tick && now >= w->tick) {
		l->tick(l->tick_ctx);
		w->tick = now + TICK;
	}
	if (l->tick)
		left = fmin(left, TICK);
	int n = poll(w->fd, 2 + l->n, left > 1e6 ? -1 : (int)ceil(left * 1000));
	if (n < 0)
		return errno == EINTR;
	for (unsigned i = 0; i < l->n; i++)
		if (w->fd[2 + i].revents && !drain(l, &l->stream[i], failed))
			return false;
	if (w->fd[0].revents && !on_signal(l, w))
		return false;
	if (w->fd[1].revents)
		reap(l, w);
	return true;
}

bool live_run(struct live *l)
{
	sigset_t set, before;
	bool failed = false;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &before);
	struct watch w = { .deadline = l->seconds > 0 ? now_s() + l->seconds : INFINITY };
	w.fd[0] = (struct pollfd){ .fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), .events = POLLIN };
	w.fd[1] = (struct pollfd){ .fd = -1, .events = POLLIN };
	for (unsigned i = 0; i < l->n; i++)
		w.fd[2 + i] = (struct pollfd){ .fd = l->stream[i].ask->fd, .events = POLLIN };
	if (l->program) {
		w.pid = start(l, &before);
		w.fd[1].fd = w.pid > 0 ? pidfd_open(w.pid, 0) : -1;
		if (w.pid < 0)
			tool_fail(l->cmd, "cannot run %s: %s", l->program[0], strerror(errno));
		failed = w.pid < 0;
	}
	while (!failed && turn(l, &w, &failed))
		;
	close(w.fd[0].fd);
	if (w.fd[1].fd >= 0)
		close(w.fd[1].fd);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return !failed;
}
