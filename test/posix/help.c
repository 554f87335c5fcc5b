/* What cases are made of. */
#include "posix.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>

enum { PATIENCE_MS = 10000, TICK_US = 60000 };

void need_far(void)
{
	if (!getenv("POSIX_FAR"))
		case_skip("there is no other host");
}

struct sockaddr_in in4(const char *ip, int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	inet_pton(AF_INET, ip, &sin.sin_addr);
	return sin;
}

struct sockaddr_in6 in6(const char *ip, int port)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	inet_pton(AF_INET6, ip, &sin6.sin6_addr);
	return sin6;
}

int tcp(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	need(fd >= 0);
	return fd;
}

int udp(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	need(fd >= 0);
	return fd;
}

static void bind_somewhere(int fd, struct sockaddr_in *at)
{
	socklen_t len = sizeof *at;
	*at = in4("127.0.0.1", 0);
	need(bind(fd, SA(*at)) == 0);
	need(getsockname(fd, (struct sockaddr *)at, &len) == 0);
}

int listener(struct sockaddr_in *at)
{
	int fd = tcp();
	bind_somewhere(fd, at);
	need(listen(fd, 16) == 0);
	return fd;
}

void tcp_pair(int fd[2])
{
	struct sockaddr_in at;
	int l = listener(&at);
	fd[0] = tcp();
	need(connect(fd[0], SA(at)) == 0);
	fd[1] = accept(l, NULL, NULL);
	need(fd[1] >= 0);
	close(l);
}

int bound_udp(struct sockaddr_in *at)
{
	int fd = udp();
	bind_somewhere(fd, at);
	return fd;
}

void udp_pair(int fd[2])
{
	struct sockaddr_in a, b;
	fd[0] = bound_udp(&a);
	fd[1] = bound_udp(&b);
	need(connect(fd[0], SA(b)) == 0);
	need(connect(fd[1], SA(a)) == 0);
}

int far_tcp(int port)
{
	struct sockaddr_in at = in4(FAR4, port);
	need_far();
	int fd = tcp();
	need(connect(fd, SA(at)) == 0);
	return fd;
}

int far_hold(void)
{
	char c;
	int fd = far_tcp(FAR_HOLD);
	need(read(fd, &c, 1) == 1);
	return fd;
}

int on(int fd, int level, int name, int v)
{
	return setsockopt(fd, level, name, &v, sizeof v);
}

int opt(int fd, int level, int name)
{
	int v = -1;
	socklen_t len = sizeof v;
	return getsockopt(fd, level, name, &v, &len) == 0 ? v : -1;
}

int nonblocking(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	return fd;
}

int ready(int fd, int events)
{
	struct pollfd p = { .fd = fd, .events = (short)events };
	int n = poll(&p, 1, PATIENCE_MS);
	return n < 0 ? n : p.revents;
}

/*
 * The end of a guest's pair tells of a refused connection a moment before the end's send queue is given back, and poll says so: ERR and
 * HUP, then OUT as well.  The kernel's TCP says all three at once, but nothing asks that of it.
 */
int ready_for(int fd, int events)
{
	int said = 0;
	for (int tries = 0; tries < PATIENCE_MS; tries++) {
		said = ready(fd, events);
		if (said <= 0 || (said & events) == events)
			break;
		poll(NULL, 0, 1);
	}
	return said;
}

int look(int fd, int events)
{
	struct pollfd p = { .fd = fd, .events = (short)events };
	int n = poll(&p, 1, 0);
	return n < 0 ? n : p.revents;
}

void reset(int fd)
{
	struct linger now = { .l_onoff = 1 };
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(fd);
}

/* Where somebody empties the queue a little later, it is filled again. */
size_t fill(int fd)
{
	static char block[16384];
	size_t n = 0;
	nonblocking(fd);
	for (struct pollfd p = { .fd = fd, .events = POLLOUT }; poll(&p, 1, 300) == 1;) {
		ssize_t w = write(fd, block, sizeof block);
		if (w < 0 && errno != EAGAIN)
			break;
		n += w > 0 ? (size_t)w : 0;
	}
	while (write(fd, block, 1) == 1)
		n++;
	return n;
}

/* The other host may find some room long after. */
bool stays_full(int fd)
{
	for (int tries = 0; look(fd, POLLOUT) && tries < 100; tries++)
		fill(fd);
	return look(fd, POLLOUT) == 0;
}

ssize_t send_iov(int fd, struct iovec *iov, size_t n, int flags)
{
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = n };
	return sendmsg(fd, &m, flags);
}

ssize_t sendmsg_one(int fd, const void *p, size_t len, int flags)
{
	struct iovec iov = { (void *)(uintptr_t)p, len };
	return send_iov(fd, &iov, 1, flags);
}

ssize_t recvmsg_one(int fd, void *p, size_t len, int flags)
{
	struct iovec iov = { p, len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	return recvmsg(fd, &m, flags);
}

ssize_t recvfrom_one(int fd, void *p, size_t len, int flags)
{
	struct sockaddr_storage from;
	socklen_t l = sizeof from;
	return recvfrom(fd, p, len, flags, (struct sockaddr *)&from, &l);
}

int not_a_socket(void)
{
	int fd = open("/dev/null", O_RDWR);
	need(fd >= 0);
	return fd;
}

int shell(const char *variable)
{
	const char *command = getenv(variable);
	return command ? system(command) : -1;
}

pid_t child(void (*run)(void *), void *arg)
{
	pid_t pid = fork();
	need(pid >= 0);
	if (pid == 0) {
		run(arg);
		_exit(0);
	}
	return pid;
}

int ended(pid_t pid)
{
	int status = -1;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* ---- ticks ---- */
volatile int ticks;
static void (*on_tick)(int tick);

static void tick(int sig)
{
	int err = errno;
	(void)sig;
	ticks++;
	if (on_tick)
		on_tick(ticks);
	errno = err;
}

void ticks_begin(int flags, void (*also)(int n))
{
	struct sigaction sa = { .sa_handler = tick, .sa_flags = flags };
	struct itimerval it = { .it_value.tv_usec = TICK_US, .it_interval.tv_usec = TICK_US };
	ticks = 0;
	on_tick = also;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
}

void ticks_end(void)
{
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
}
