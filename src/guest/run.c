/*
 * guest_run: a program's life under the runner.  Signals sent to the runner are passed on to the program (those of the
 * terminal reach it by themselves), its exit status is returned, and the runner stays until nobody of the tree is left,
 * since their socket calls need it.
 */
#include "guest/guest.h"
#include "guest/filter.h"
#include "guest/runner.h"
#include "guest/tree.h"
#include "base/check.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct life {
	struct runner r;
	struct tree t;
	struct watch on_guardian, on_signal, on_start;
	const struct guest_options *opt;
	sigset_t mask;			/* as we found it */
	int signals;
	int status;			/* of the program, as from waitpid */
	bool ended, over;		/* the program, the tree is gone */
	int exec_err;
};

/* ---- what the kernel and the surroundings offer ---- */

static bool has_filter(void)
{
	return prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER;
}

bool guest_is_nested(void)
{
	if (!has_filter())
		return false;
	/* Some filter is on us; whether it has a supervisor shows only by trying, and trying cannot be undone. */
	pid_t pid = fork();
	if (pid == 0) {
		struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
		struct sock_fprog prog = { .len = 1, .filter = &allow };
		bool killable;
		_exit(filter_install(&prog, &killable) == -EBUSY);
	}
	int status = 0;
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

int guest_supported(char *sentence, size_t len)
{
	int err = filter_supported();
	if (err)
		snprintf(sentence, len, "this kernel does not let a program's calls be answered by another one (seccomp "
			 "user notification: Linux 5.14 or later, and no policy of a container against it): %s",
			 strerror(-err));
	return err;
}

int guest_find_program(const char *name)
{
	if (!*name)
		return GUEST_NO_PROGRAM;
	if (strchr(name, '/') && access(name, X_OK) == 0)
		return 0;
	if (strchr(name, '/'))
		return errno == ENOENT || errno == ENOTDIR ? GUEST_NO_PROGRAM : GUEST_NO_EXEC;
	const char *dirs = getenv("PATH");
	int found = GUEST_NO_PROGRAM;
	for (dirs = dirs ? dirs : "/bin:/usr/bin"; ; dirs++) {
		int part = (int)strcspn(dirs, ":");
		char path[4096];
		struct stat st;
		int n = snprintf(path, sizeof path, "%.*s%s%s", part, dirs, part ? "/" : "", name);
		if (n > 0 && (size_t)n < sizeof path && stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
			if (access(path, X_OK) == 0)
				return 0;
			found = GUEST_NO_EXEC;
		}
		dirs += part;
		if (!*dirs)
			return found;
	}
}

/* ---- events ---- */

static void on_guardian(struct runner *r, struct watch *w, uint32_t events)
{
	(void)r, (void)events;
	struct life *l = list_of(w, struct life, on_guardian);
	int status;
	bool left;
	switch (tree_read(&l->t, &status, &left)) {
	case TREE_NEWS_NONE:
		break;
	case TREE_PROGRAM_ENDED:
		l->status = status;
		l->ended = true;
		r->sweep = MIN(r->sweep, runner_now());		/* it may have been killed in a call */
		if (l->opt->end_with_program)
			tree_end(&l->t);
		else if (left && (l->opt->verbose || isatty(STDERR_FILENO)))
			fprintf(stderr, "outlet run: %s has ended and left processes behind; waiting for them (Ctrl-C "
				"ends them)\n", l->opt->argv[0]);
		break;
	case TREE_EMPTY:
		l->over = true;
		break;
	case TREE_GUARDIAN_DIED:
		fputs("outlet run: the guardian of the program's processes was killed; ending them all\n", stderr);
		epoll_ctl(r->ep, EPOLL_CTL_DEL, l->t.guardian_fd, NULL);
		tree_kill_descendants();
		l->t.guardian = -1;
		l->over = true;
		if (!l->ended)
			l->status = W_EXITCODE(GUEST_FAILED, 0);
		l->ended = true;
		break;
	}
}

static void on_start(struct runner *r, struct watch *w, uint32_t events)
{
	(void)events;
	struct life *l = list_of(w, struct life, on_start);
	int err = 0;
	if (read(l->t.start_fd, &err, sizeof err) == (ssize_t)sizeof err)
		l->exec_err = err;
	epoll_ctl(r->ep, EPOLL_CTL_DEL, l->t.start_fd, NULL);
}

/* As the shell would be told: stop as if nobody had caught it, and go on from here at SIGCONT. */
static void stop_self(void)
{
	sigset_t tstp;
	sigemptyset(&tstp);
	sigaddset(&tstp, SIGTSTP);
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &tstp, NULL);
	sigprocmask(SIG_BLOCK, &tstp, NULL);
}

static void on_signal(struct runner *r, struct watch *w, uint32_t events)
{
	(void)r, (void)events;
	struct life *l = list_of(w, struct life, on_signal);
	struct signalfd_siginfo si;
	while (read(l->signals, &si, sizeof si) == (ssize_t)sizeof si) {
		int sig = (int)si.ssi_signo;
		bool ends = sig == SIGINT || sig == SIGTERM || sig == SIGHUP || sig == SIGQUIT;
		if (sig == SIGCHLD)
			continue;		/* the guardian's end shows at its descriptor */
		/*
		 * The terminal signals the whole foreground group, the program as well; what others send, it gets from
		 * us.
		 */
		if (!l->ended && si.ssi_code != SI_KERNEL)
			syscall(SYS_pidfd_send_signal, l->t.pidfd, sig, NULL, 0);
		if (l->ended && ends)
			tree_end(&l->t);
		if (sig == SIGTSTP)
			stop_self();
	}
}

/* ---- the whole ---- */

static int take_signals(struct life *l)
{
	static const int sigs[] = {
		SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGTSTP, SIGCONT, SIGCHLD, SIGALRM, SIGPIPE,
	};
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(sigs); i++)
		sigaddset(&set, sigs[i]);
	if (sigprocmask(SIG_BLOCK, &set, &l->mask) < 0)
		return -errno;
	l->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return l->signals < 0 ? -errno : 0;
}

/* For duplicates of guests' descriptors; the program keeps the limit it would have had. */
static void raise_fd_limit(void)
{
	struct rlimit lim;
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
}

/* The last feature we need, and the youngest: Linux 5.14 puts a descriptor in and answers in one step. */
static int check_addfd(int notify)
{
	struct seccomp_notif_addfd add = { .flags = SECCOMP_ADDFD_FLAG_SEND, .srcfd = (uint32_t)notify };
	bool known = ioctl(notify, SECCOMP_IOCTL_NOTIF_ADDFD, &add) == 0 || errno == ENOENT || errno == EINPROGRESS;
	return known ? 0 : -errno;
}

static int begin(struct life *l, const char **step)
{
	struct sock_fprog filter;
	*step = "build the filter";
	int err = filter_build(&filter);
	if (err)
		return err;
	*step = "take over signals";
	err = take_signals(l);
	if (!err)
		err = tree_start(&l->t, l->opt->argv, &filter, &l->mask, step);
	free(filter.filter);
	if (err)
		return err;
	raise_fd_limit();
	*step = "answer the program's calls (SECCOMP_ADDFD_FLAG_SEND, Linux 5.14)";
	err = check_addfd(l->t.notify);
	if (!err)
		err = runner_init(&l->r, l->t.notify, l->opt->service, l->t.killable);
	l->on_guardian.ready = on_guardian;
	l->on_signal.ready = on_signal;
	l->on_start.ready = on_start;
	if (!err)
		err = runner_watch(&l->r, l->t.guardian_fd, EPOLLIN, &l->on_guardian);
	if (!err)
		err = runner_watch(&l->r, l->signals, EPOLLIN, &l->on_signal);
	if (!err)
		err = runner_watch(&l->r, l->t.start_fd, EPOLLIN, &l->on_start);
	return err;
}

static int result(const struct life *l)
{
	if (l->exec_err) {
		fprintf(stderr, "outlet run: cannot run %s: %s\n", l->opt->argv[0], strerror(l->exec_err));
		return l->exec_err == ENOENT ? GUEST_NO_PROGRAM : GUEST_NO_EXEC;
	}
	return WIFSIGNALED(l->status) ? 128 + WTERMSIG(l->status) : WEXITSTATUS(l->status);
}

int guest_run(const struct guest_options *opt)
{
	struct life *l = calloc(1, sizeof *l);
	const char *step = "find memory";
	if (!l) {
		fprintf(stderr, "outlet run: cannot %s\n", step);
		return GUEST_FAILED;
	}
	l->opt = opt;
	l->signals = -1;
	int err = begin(l, &step), ret = GUEST_FAILED;
	if (err) {
		fprintf(stderr, "outlet run: cannot %s: %s\n", step, strerror(-err));
	} else {
		tree_go(&l->t);
		while (!l->over)
			runner_turn(&l->r);
		ret = result(l);
	}
	tree_close(&l->t);
	if (l->r.req)
		runner_fini(&l->r);
	if (l->signals >= 0)
		close(l->signals);
	sigprocmask(SIG_SETMASK, &l->mask, NULL);
	free(l);
	return ret;
}
