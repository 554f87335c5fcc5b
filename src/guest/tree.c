/*
 * Starting the program, and keeping its processes together.
 *
 * The program installs the filter itself, tells the number of its notification descriptor over a pipe (a write is not
 * caught), and waits there until the runner has fetched it.  It dies with the guardian, by the kernel's hand; and the
 * guardian, which sees the runner's death as the end of their socket, kills all descendants until none is left: it is
 * their subreaper, so none can slip away by forking or by losing its parent.
 *
 * The guardian takes no signals: those of the terminal are for the program, and the runner passes on the others.
 */
#include "guest/tree.h"
#include "guest/filter.h"
#include "base/check.h"
#include "outlet/ol_time.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TERM_GRACE_MS = 2000 };
struct news { int32_t event, status, left; };	/* left: others of the tree live on */
struct begun { int32_t pid, notify, killable; };	/* notify < 0: a negated errno */

/* ---- the program, until its exec ---- */

static void write_all(int fd, const void *buf, size_t len)
{
	while (write(fd, buf, len) < 0 && errno == EINTR)
		;
}

_Noreturn static void become_program(char *const *argv, const struct sock_fprog *filter, const sigset_t *mask,
				     pid_t parent, int start, int go)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	bool killable;
	struct begun b = { .pid = getpid(), .notify = filter_install(filter, &killable) };
	b.killable = killable;
	write_all(start, &b, sizeof b);
	char byte;
	ssize_t n;
	do
		n = read(go, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(1);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	int err = errno;
	write_all(start, &err, sizeof err);
	_exit(err == ENOENT ? 127 : 126);
}

/* ---- descendants, as /proc tells ---- */

struct process { pid_t pid, parent; bool mine; };

static bool read_parent(pid_t pid, pid_t *parent)
{
	char path[64], buf[512];
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, buf, sizeof buf - 1);
	close(fd);
	if (n <= 0)
		return false;
	buf[n] = 0;
	const char *p = strrchr(buf, ')');	/* the name before it may hold anything */
	char state;
	int ppid;
	if (!p || sscanf(p + 1, " %c %d", &state, &ppid) != 2)
		return false;
	*parent = ppid;
	return true;
}

static size_t list_processes(struct process **out)
{
	size_t n = 0, room = 0;
	*out = NULL;
	DIR *d = opendir("/proc");
	for (struct dirent *e; d && (e = readdir(d));) {
		struct process p = { .pid = (pid_t)strtol(e->d_name, NULL, 10) };
		if (p.pid <= 0 || !read_parent(p.pid, &p.parent))
			continue;
		if (n == room) {
			struct process *more = realloc(*out, (room = room ? room * 2 : 256) * sizeof *more);
			if (!more)
				break;
			*out = more;
		}
		(*out)[n++] = p;
	}
	if (d)
		closedir(d);
	return n;
}

static bool is_mine(const struct process *all, size_t n, pid_t pid, pid_t root)
{
	if (pid == root)
		return true;
	for (size_t i = 0; i < n; i++)
		if (all[i].pid == pid)
			return all[i].mine;
	return false;
}

void tree_each_descendant(void (*fn)(void *ctx, pid_t pid), void *ctx)
{
	struct process *all;
	size_t n = list_processes(&all);
	pid_t root = getpid();
	for (bool more = true; more;) {		/* a child may be listed before its parent */
		more = false;
		for (size_t i = 0; i < n; i++) {
			if (all[i].mine || !is_mine(all, n, all[i].parent, root))
				continue;
			all[i].mine = more = true;
			fn(ctx, all[i].pid);
		}
	}
	free(all);
}

static void send_signal(void *sig, pid_t pid)
{
	kill(pid, *(const int *)sig);
}

static void signal_descendants(int sig)
{
	tree_each_descendant(send_signal, &sig);
}

void tree_kill_descendants(void)
{
	/* Who was killed leaves its children to us, so at some round there is nobody left. */
	for (;;) {
		signal_descendants(SIGKILL);
		pid_t pid;
		do
			pid = waitpid(-1, NULL, WNOHANG);
		while (pid > 0);
		if (pid < 0 && errno == ECHILD)
			return;
		nanosleep(&(struct timespec){ .tv_nsec = OL_MS }, NULL);
	}
}

/* What was handed down is the program's; a copy kept here would hide its closing from whoever waits for that. */
static void close_inherited(void)
{
	DIR *d = opendir("/proc/self/fd");
	for (struct dirent *e; d && (e = readdir(d));) {
		int fd = (int)strtol(e->d_name, NULL, 10);
		if (fd > STDERR_FILENO && !(fcntl(fd, F_GETFD) & FD_CLOEXEC))
			close(fd);
	}
	if (d)
		closedir(d);
}

/* ---- the guardian ---- */

static void tell(int fd, enum tree_event event, int status, bool left)
{
	struct news n = { .event = (int32_t)event, .status = status, .left = left };
	send(fd, &n, sizeof n, MSG_NOSIGNAL);
}

/* Reaps who has ended.  False: nobody is left. */
static bool reap(int fd, pid_t program)
{
	int status, of_program = 0;
	bool ended = false;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == program) {
			of_program = status;
			ended = true;
		}
	if (ended)
		tell(fd, TREE_PROGRAM_ENDED, of_program, pid == 0);
	return pid == 0;
}

static int64_t now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

_Noreturn static void guard(int fd, int children, pid_t program)
{
	int64_t kill_at = INT64_MAX;
	struct pollfd p[] = { { .fd = fd, .events = POLLIN }, { .fd = children, .events = POLLIN } };
	while (reap(fd, program)) {
		int64_t left = kill_at == INT64_MAX ? -1 : MAX(kill_at - now_ms(), (int64_t)0);
		poll(p, 2, (int)left);
		struct signalfd_siginfo si;
		if (p[1].revents)
			while (read(children, &si, sizeof si) == (ssize_t)sizeof si)
				;
		char order;
		if (p[0].revents) {
			if (recv(fd, &order, 1, MSG_DONTWAIT) != 1) {		/* the runner is gone */
				tree_kill_descendants();
				_exit(1);
			}
			signal_descendants(SIGTERM);
			signal_descendants(SIGCONT);
			kill_at = now_ms() + TERM_GRACE_MS;
		}
		if (now_ms() >= kill_at)
			tree_kill_descendants();
	}
	tell(fd, TREE_EMPTY, 0, false);
	_exit(0);
}

/* Among what goes is the way to the service, which must end with the runner. */
static void close_all_but(int low, int high)
{
	if (low > STDERR_FILENO + 1)
		close_range(STDERR_FILENO + 1, (unsigned)low - 1, 0);
	if (high > low + 1)
		close_range((unsigned)low + 1, (unsigned)high - 1, 0);
	close_range((unsigned)high + 1, ~0u, 0);
}

_Noreturn static void become_guardian(char *const *argv, const struct sock_fprog *filter, const sigset_t *mask, int fd,
				      int start, int go)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	prctl(PR_SET_NAME, "outlet-guardian");
	sigset_t all, chld;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	int children = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	pid_t self = getpid(), program = children < 0 ? -1 : fork();
	if (program == 0)
		become_program(argv, filter, mask, self, start, go);
	if (program < 0) {
		struct begun b = { .pid = -1, .notify = -errno };
		write_all(start, &b, sizeof b);
		_exit(1);
	}
	close_all_but(MIN(fd, children), MAX(fd, children));
	guard(fd, children, program);
}

/* ---- the runner's side ---- */

static int fetch(struct tree *t, const struct begun *b, const char **step)
{
	*step = "start the program";
	if (b->pid < 0)
		return b->notify;
	*step = "put the program under its filter";
	if (b->notify < 0)
		return b->notify;
	*step = "take over the program's calls (pidfd_getfd, Linux 5.6)";
	t->program = b->pid;
	t->killable = b->killable;
	t->pidfd = (int)syscall(SYS_pidfd_open, b->pid, 0);
	t->notify = t->pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, t->pidfd, b->notify, 0);
	return t->notify < 0 ? -errno : 0;
}

int tree_start(struct tree *t, char *const *argv, const struct sock_fprog *filter, const sigset_t *mask,
	       const char **step)
{
	int pair[2], start[2], go[2];
	*t = (struct tree){ .guardian_fd = -1, .start_fd = -1, .go_fd = -1, .pidfd = -1, .notify = -1 };
	*step = "make a pipe";
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 || pipe2(start, O_CLOEXEC) < 0 ||
	    pipe2(go, O_CLOEXEC) < 0)
		return -errno;
	*step = "start a process";
	prctl(PR_SET_CHILD_SUBREAPER, 1);		/* for what a killed guardian would leave */
	t->guardian = fork();
	if (t->guardian == 0) {
		close(pair[0]);
		close(start[0]);
		close(go[1]);
		become_guardian(argv, filter, mask, pair[1], start[1], go[0]);
	}
	int err = t->guardian < 0 ? -errno : 0;
	close_inherited();
	close(pair[1]);
	close(start[1]);
	close(go[0]);
	t->guardian_fd = pair[0];
	t->start_fd = start[0];
	t->go_fd = go[1];
	struct begun b;
	ssize_t n = 0;
	if (!err) {
		do
			n = read(t->start_fd, &b, sizeof b);
		while (n < 0 && errno == EINTR);
		err = n == (ssize_t)sizeof b ? fetch(t, &b, step) : -ECHILD;
	}
	return err;
}

void tree_go(struct tree *t)
{
	write_all(t->go_fd, "", 1);
	close(t->go_fd);
	t->go_fd = -1;
}

enum tree_event tree_read(struct tree *t, int *status, bool *left)
{
	struct news n;
	ssize_t got = recv(t->guardian_fd, &n, sizeof n, MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return TREE_NEWS_NONE;
	if (got != (ssize_t)sizeof n)
		return TREE_GUARDIAN_DIED;
	*status = n.status;
	*left = n.left;
	return (enum tree_event)n.event;
}

void tree_end(struct tree *t)
{
	send(t->guardian_fd, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void tree_close(struct tree *t)
{
	int *fds[] = { &t->guardian_fd, &t->start_fd, &t->go_fd, &t->pidfd };
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
	if (t->guardian > 0)
		while (waitpid(t->guardian, NULL, 0) < 0 && errno == EINTR)
			;
}
