/*
 * The way to a network's service: its socket in ipc_dir(), and where nobody listens there, a service of our own
 * making. Whoever starts one holds the lock file meanwhile, so two starters make one service; the service takes the
 * same lock before it goes, so nobody is left talking to one that is leaving.  The new process is nobody's child: own
 * session, cwd at /, no descriptor of ours but the log and the pipe by which it says that it is ready (or, in one
 * sentence, why not).
 */
#include "ipc/ipc.h"
#include "base/check.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READY_TIMEOUT_MS = 10000, HELLO_TIMEOUT_MS = 10000, READY_FD = 3, TRIES = 5 };

__attribute__((format(printf, 4, 5)))
static int say(char *text, size_t len, int err, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, len, fmt, ap);
	va_end(ap);
	return err;
}

static int dial(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof un.sun_path)
		return -ENAMETOOLONG;
	memcpy(un.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&un, sizeof un) < 0) {
		int err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* HELLO and its answer.  A file that is no more cannot be compared.  -ECONNRESET: the service was leaving; try again. */
static int greet(int fd, const struct ipc_where *w, const struct ipc_hello *hello, char *text, size_t text_len)
{
	char file[PATH_MAX] = "";
	if (w->file && !realpath(w->file, file))
		*file = 0;
	int err = ipc_send(fd, IPC_HELLO, 0, hello, sizeof *hello, file, strlen(file), NULL, 0);
	if (err)
		return err == -EPIPE ? -ECONNRESET : err;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;
	do
		n = poll(&p, 1, HELLO_TIMEOUT_MS);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return say(text, text_len, -ETIMEDOUT,
			   "the network's service does not answer; its log tells why (outlet status)");
	uint8_t *buf = malloc(IPC_MAX);
	if (!buf)
		return -ENOMEM;
	struct ipc_head head;
	const uint8_t *body;
	int len = ipc_recv(fd, buf, &head, &body, NULL, NULL);
	if (len >= 0) {
		snprintf(text, text_len, "%.*s", len, (const char *)body);
		err = head.type == IPC_WELCOME ? 0 : head.type == IPC_REFUSE ? -ECONNREFUSED : -EBADMSG;
	} else {
		err = len;
	}
	free(buf);
	return err;
}

/* Beside our own program, in a build tree, in libexec, or wherever PATH says. */
static bool find_service(char *path, size_t len)
{
	const char *env = getenv("OUTLETD");
	if (env)
		return (size_t)snprintf(path, len, "%s", env) < len && access(path, X_OK) == 0;
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	if (n > 0) {
		self[n] = 0;
		char *slash = strrchr(self, '/');
		*slash = 0;
		static const char *const places[] = { "outletd", "../host/outletd", "../libexec/outlet/outletd",
						      "../src/host/outletd", "../../src/host/outletd" };
		for (size_t i = 0; i < ARRAY_LEN(places); i++)
			if ((size_t)snprintf(path, len, "%s/%s", self, places[i]) < len && access(path, X_OK) == 0)
				return true;
	}
	const char *dirs = getenv("PATH");
	while (dirs && *dirs) {
		int part = (int)strcspn(dirs, ":");
		if ((size_t)snprintf(path, len, "%.*s/outletd", part, dirs) < len && access(path, X_OK) == 0)
			return true;
		dirs += part + (dirs[part] == ':');
	}
	return false;
}

/* In the grandchild.  Only async-signal-safe calls: the caller may have threads. */
_Noreturn static void become(const char *path, char *const argv[], int log, int ready)
{
	int null = open("/dev/null", O_RDWR);
	/* First out of the way of the numbers they shall have. */
	log = fcntl(log, F_DUPFD, 10);
	ready = fcntl(ready, F_DUPFD, 10);
	if (null < 0 || log < 0 || ready < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0 ||
	    dup2(ready, READY_FD) < 0 || chdir("/") < 0)
		_exit(127);
	close_range(READY_FD + 1, ~0u, 0);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv(path, argv);
	_exit(127);
}

/* Waits for the service's word; it is "ok", or the sentence why not. */
static int await_ready(int fd, const char *log, char *text, size_t text_len)
{
	char word[512];
	size_t got = 0;
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int n = poll(&p, 1, READY_TIMEOUT_MS);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return say(text, text_len, -ETIMEDOUT, "outletd did not get ready within %d s; see %s",
				   READY_TIMEOUT_MS / 1000, log);
		ssize_t r = read(fd, word + got, sizeof word - 1 - got);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0 || (got += (size_t)r) == sizeof word - 1)
			break;
	}
	word[got] = 0;
	word[strcspn(word, "\n")] = 0;
	if (!strcmp(word, "ok"))
		return 0;
	if (!got)
		return say(text, text_len, -ECHILD, "outletd ended before it was ready; see %s", log);
	return say(text, text_len, -EINVAL, "%s", word);
}

static int start_service(const struct ipc_where *w, char *text, size_t text_len)
{
	char path[PATH_MAX], log[PATH_MAX], file[PATH_MAX];
	if (!find_service(path, sizeof path))
		return say(text, text_len, -ENOENT,
			   "cannot find the program outletd: put it beside outlet, into PATH, or "
			   "name it in the environment variable OUTLETD");
	if (w->file && !realpath(w->file, file))
		return say(text, text_len, -errno, "cannot read the network file %s: %s", w->file, strerror(errno));
	int err = ipc_path(log, sizeof log, w->net, ".log");
	if (err)
		return say(text, text_len, err, "cannot make %s: %s", log, strerror(-err));
	int log_fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int pipe_fd[2];
	if (log_fd < 0 || pipe2(pipe_fd, O_CLOEXEC) < 0) {
		err = -errno;
		if (log_fd >= 0)
			close(log_fd);
		return say(text, text_len, err, "cannot open %s: %s", log, strerror(-err));
	}
	char name[] = "outletd", opt_net[] = "--net", opt_ready[] = "--ready-fd", ready[] = "3", opt_file[] = "--file";
	char net[IPC_NET_NAME_MAX + 1];
	snprintf(net, sizeof net, "%s", w->net);
	char *argv[] = { name, opt_net, net, opt_ready, ready, w->file ? opt_file : NULL, file, NULL };
	pid_t pid = fork();
	if (pid == 0) {
		setsid();
		pid_t grandchild = fork();
		if (grandchild == 0)
			become(path, argv, log_fd, pipe_fd[1]);
		_exit(grandchild < 0);
	}
	close(pipe_fd[1]);
	close(log_fd);
	int status = 1;
	if (pid > 0)
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	err = status ? say(text, text_len, -EAGAIN, "cannot start another process: too many run already")
		     : await_ready(pipe_fd[0], log, text, text_len);
	close(pipe_fd[0]);
	return err;
}

static int dial_or_start(const struct ipc_where *w, const char *path, char *text, size_t text_len)
{
	int fd = dial(path);
	if (fd >= 0)
		return fd;
	if (fd != -ENOENT && fd != -ECONNREFUSED)
		return say(text, text_len, fd, "cannot connect to %s: %s", path, strerror(-fd));
	if (!w->spawn)
		return say(text, text_len, -ESRCH, "the network %s is not running; start it with: outlet up%s%s",
			   w->net, strcmp(w->net, IPC_NET_DEFAULT) ? " --net " : "",
			   strcmp(w->net, IPC_NET_DEFAULT) ? w->net : "");
	char lock[PATH_MAX];
	int err = ipc_path(lock, sizeof lock, w->net, ".lock");
	int lock_fd = err ? -1 : open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock_fd < 0 || flock(lock_fd, LOCK_EX) < 0) {
		err = err ? err : -errno;
		if (lock_fd >= 0)
			close(lock_fd);
		return say(text, text_len, err, "cannot lock %s: %s", lock, strerror(-err));
	}
	fd = dial(path);		/* somebody may have been quicker */
	if (fd < 0) {
		err = start_service(w, text, text_len);
		fd = err ? err : dial(path);
		if (!err && fd < 0)
			say(text, text_len, fd, "cannot connect to %s: %s", path, strerror(-fd));
	}
	close(lock_fd);
	return fd;
}

int ipc_connect(const struct ipc_where *w, const struct ipc_hello *hello, char *text, size_t text_len)
{
	char path[PATH_MAX];
	text[0] = 0;
	int err = ipc_path(path, sizeof path, w->net, ".sock");
	if (err == -EINVAL)
		return say(text, text_len, err, "a network's name is 1 to %d letters, digits, '-', '_' or '.'",
			   IPC_NET_NAME_MAX);
	if (err == -EPERM)
		return say(text, text_len, err,
			   "the directory for running networks is not yours alone: remove it or correct its "
			   "owner and mode (0700)");
	if (err)
		return say(text, text_len, err, "cannot make the directory for running networks: %s", strerror(-err));
	for (int i = 0; i < TRIES; i++) {
		int fd = dial_or_start(w, path, text, text_len);
		if (fd < 0)
			return fd;
		err = greet(fd, w, hello, text, text_len);
		if (!err)
			return fd;
		close(fd);
		if (err != -ECONNRESET)
			break;
	}
	if (!text[0])
		say(text, text_len, err, "the network's service does not answer as it should: %s", strerror(-err));
	return err;
}
