/*
 * What the tests of the runner run as a guest: `probe NAME` does one thing with plain system calls and ends with 0, or
 * says which line was not as on Linux.
 */
#include "fake.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define must(fact) do { if (!(fact)) { \
	fprintf(stderr, "probe.c:%d: %s (errno %d, %s)\n", __LINE__, #fact, errno, strerror(errno)); exit(1); } } while (0)

static struct sockaddr_in address(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}
#define SA(sin) ((struct sockaddr *)&(sin))

static int listener(int port)
{
	struct sockaddr_in sin = address(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(fd >= 0);
	must(bind(fd, SA(sin), sizeof sin) == 0);
	must(listen(fd, 5) == 0);
	return fd;
}

static int connected(int port)
{
	struct sockaddr_in sin = address(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	must(fd >= 0);
	must(connect(fd, SA(sin), sizeof sin) == 0);
	return fd;
}

static double seconds(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void wait_for(pid_t pid)
{
	int status;
	must(waitpid(pid, &status, 0) == pid);
	must(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void read_exactly(int fd, const char *want)
{
	char buf[256];
	size_t got = 0, len = strlen(want);
	while (got < len) {
		ssize_t n = read(fd, buf + got, len - got);
		must(n > 0);
		got += (size_t)n;
	}
	must(!memcmp(buf, want, len));
}

static void echo(void)
{
	int l = listener(80);
	pid_t pid = fork();
	if (pid == 0) {
		struct sockaddr_in from;
		socklen_t len = sizeof from;
		int fd = accept(l, SA(from), &len);
		must(fd >= 0 && len == sizeof from && from.sin_family == AF_INET && ntohs(from.sin_port) >= 40000);
		char buf[64];
		ssize_t n;
		while ((n = read(fd, buf, sizeof buf)) > 0)
			must(write(fd, buf, (size_t)n) == n);
		must(n == 0);
		exit(0);
	}
	int fd = connected(80);
	struct sockaddr_in peer;
	socklen_t len = sizeof peer;
	must(getpeername(fd, SA(peer), &len) == 0 && ntohs(peer.sin_port) == 80);
	must(write(fd, "hello, outlet", 13) == 13);
	read_exactly(fd, "hello, outlet");
	must(shutdown(fd, SHUT_WR) == 0);
	char c;
	must(read(fd, &c, 1) == 0);
	wait_for(pid);
}

static void nonblocking_connect(void)
{
	int l = listener(80), err;
	struct sockaddr_in sin = address(80), dead = address(81), silent = address(FAKE_PORT_SILENT);
	socklen_t len = sizeof err;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	must(fcntl(fd, F_GETFL) & O_NONBLOCK);
	must(connect(fd, SA(sin), sizeof sin) == -1 && errno == EINPROGRESS);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	must(poll(&p, 1, 5000) == 1 && p.revents == POLLOUT);
	must(getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0 && err == 0);
	must(write(fd, "clean", 5) == 5);
	int a = accept(l, NULL, NULL);
	must(a >= 0);
	read_exactly(a, "clean");
	must(connect(fd, SA(sin), sizeof sin) == -1 && errno == EISCONN);
	must(write(fd, "still", 5) == 5);
	read_exactly(a, "still");
	int no = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	must(connect(no, SA(dead), sizeof dead) == -1 && errno == ECONNREFUSED);
	int never = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	must(connect(never, SA(silent), sizeof silent) == -1 && errno == EINPROGRESS);
	p.fd = never;
	must(poll(&p, 1, 50) == 0);
}

static void flags(void)
{
	int l = listener(80), c = connected(80), c2 = connected(80);
	int a = accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), b = accept4(l, NULL, NULL, 0);
	must(a >= 0 && (fcntl(a, F_GETFL) & O_NONBLOCK) && (fcntl(a, F_GETFD) & FD_CLOEXEC));
	must(b >= 0 && !(fcntl(b, F_GETFL) & O_NONBLOCK) && !(fcntl(b, F_GETFD) & FD_CLOEXEC));
	must(fcntl(l, F_GETFD) & FD_CLOEXEC);
	must(fcntl(l, F_SETFL, O_NONBLOCK) == 0);
	must(accept(l, NULL, NULL) == -1 && errno == EAGAIN);
	must(accept4(l, NULL, NULL, 0x80000000) == -1 && errno == EINVAL);
	must(accept(c, NULL, NULL) == -1 && errno == EINVAL);
	must(socket(AF_INET, SOCK_STREAM | 0x100000, 0) == -1 && errno == EINVAL);
	struct pollfd p = { .fd = l, .events = POLLIN };
	must(poll(&p, 1, 0) == 0);
	int c3 = connected(80);
	must(poll(&p, 1, 5000) == 1);
	must(c2 >= 0 && c3 >= 0);
}

/* What poll says of a listener is true at once after an accept: a stale byte would make the next accept block. */
/* The fake's queue is short and refuses when it is full, which on a busy machine it is. */
static void connect_when_there_is_room(int port)
{
	struct sockaddr_in sin = address(port);
	int ret = -1;
	for (int i = 0; i < 5000 && ret; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		must(fd >= 0);
		ret = connect(fd, SA(sin), sizeof sin);
		must(ret == 0 || errno == ECONNREFUSED);
		close(fd);
		if (ret)
			usleep(1000);
	}
	must(ret == 0);
}

static void one_byte_each(void)
{
	int l = listener(80);
	pid_t pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 400; i++)
			connect_when_there_is_room(80);
		exit(0);
	}
	must(fcntl(l, F_SETFL, O_NONBLOCK) == 0);
	for (int got = 0; got < 400; got++) {
		struct pollfd p = { .fd = l, .events = POLLIN };
		must(poll(&p, 1, 5000) == 1);
		int fd = accept(l, NULL, NULL);
		must(fd >= 0);
		close(fd);
	}
	wait_for(pid);
}

static void on_alarm(int sig) { (void)sig; }

/* Again and again: the first may come before the call that it is to interrupt. */
static void alarm_each(int ms, bool restart)
{
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = restart ? SA_RESTART : 0 };
	struct itimerval it = { { .tv_usec = ms * 1000 }, { .tv_usec = ms * 1000 } };
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
}

static void no_alarm(void)
{
	int err = errno;
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	errno = err;
}

static int ask_fake(int fd, int what)
{
	int v = -1;
	socklen_t len = sizeof v;
	must(getsockopt(fd, FAKE_LEVEL, what, &v, &len) == 0);
	return v;
}

static void interrupted(void)
{
	int l = listener(80);
	alarm_each(30, false);
	must(accept(l, NULL, NULL) == -1 && errno == EINTR);
	no_alarm();
	int c = connected(80);
	must(accept(l, NULL, NULL) >= 0);			/* the interrupted one swallowed nothing */
	struct timeval tv = { .tv_usec = 50000 };
	must(setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv) == 0);
	double t = seconds();
	must(accept(l, NULL, NULL) == -1 && errno == EAGAIN);
	must(seconds() - t > 0.04);
	struct sockaddr_in silent = address(FAKE_PORT_SILENT);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	alarm_each(30, false);
	must(connect(fd, SA(silent), sizeof silent) == -1 && errno == EINTR);
	no_alarm();
	for (int i = 0; i < 200 && !ask_fake(c, FAKE_CANCELS); i++)
		usleep(10000);
	must(ask_fake(c, FAKE_CANCELS) == 1);
	/* With a timeout a handler ends the call, whatever its flags say. */
	tv.tv_sec = 10;
	must(setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv) == 0);
	alarm_each(30, true);
	must(accept(l, NULL, NULL) == -1 && errno == EINTR);
	no_alarm();
	/* A call that goes on after a handler with SA_RESTART still gets its connection. */
	tv = (struct timeval){ 0 };
	must(setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		usleep(100000);
		close(connected(80));
		exit(0);
	}
	alarm_each(30, true);
	must(accept(l, NULL, NULL) >= 0);
	no_alarm();
	wait_for(pid);
}

/* A storm of signals: no call fails for it, and none is made twice. */
static void storm(void)
{
	struct sockaddr_in sin = address(53), from;
	int s = socket(AF_INET, SOCK_DGRAM, 0), c = socket(AF_INET, SOCK_DGRAM, 0);
	must(bind(s, SA(sin), sizeof sin) == 0);
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	struct itimerval it = { .it_value.tv_usec = 300, .it_interval.tv_usec = 300 };
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	for (int i = 0; i < 1000; i++) {
		socklen_t len = sizeof from;
		int got;
		must(sendto(c, &i, sizeof i, 0, SA(sin), sizeof sin) == sizeof i);
		must(recvfrom(s, &got, sizeof got, 0, SA(from), &len) == sizeof got && got == i);
		must(recvfrom(s, &got, sizeof got, MSG_DONTWAIT, SA(from), &len) == -1 && errno == EAGAIN);
		struct sockaddr_in other = address(1000 + i);
		int l = socket(AF_INET, SOCK_STREAM, 0);
		must(l >= 0);
		must(bind(l, SA(other), sizeof other) == 0);
		close(l);
	}
	no_alarm();
}

static void killed_in_accept(void)
{
	int ready[2];
	must(pipe(ready) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		int l = listener(80);
		must(write(ready[1], "x", 1) == 1);
		accept(l, NULL, NULL);
		exit(1);
	}
	struct sockaddr_in sin = address(80);
	int fd = socket(AF_INET, SOCK_STREAM, 0), err;
	read_exactly(ready[0], "x");
	usleep(100000);					/* it is in accept by now */
	must(bind(fd, SA(sin), sizeof sin) == -1 && errno == EADDRINUSE);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	double until = seconds() + 1;
	while ((err = bind(fd, SA(sin), sizeof sin)) < 0 && seconds() < until)
		usleep(5000);
	must(err == 0);
}

static void *accept_one(void *arg)
{
	int fd = accept(*(int *)arg, NULL, NULL);
	must(fd >= 0);
	must(write(fd, "x", 1) == 1);
	close(fd);
	return NULL;
}

/* Ctrl-Z of a program with a thread in accept: it stops as a whole, and goes on where it was. */
static void stopped(void)
{
	int l = listener(80), status, ready[2];
	must(pipe(ready) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		pthread_t thread;
		/* A group of its own, whose parent is in another: SIGTSTP stops no orphaned group, as one without a shell is. */
		must(setpgid(0, 0) == 0);
		must(pthread_create(&thread, NULL, accept_one, &l) == 0);
		must(write(ready[1], "x", 1) == 1);
		pthread_join(thread, NULL);
		exit(0);
	}
	read_exactly(ready[0], "x");
	usleep(50000);
	kill(pid, SIGTSTP);
	double until = seconds() + 5;
	pid_t got = 0;
	while (!got && seconds() < until) {
		got = waitpid(pid, &status, WUNTRACED | WNOHANG);
		usleep(5000);
	}
	if (got != pid)
		kill(pid, SIGKILL);
	must(got == pid && WIFSTOPPED(status));
	kill(pid, SIGCONT);
	int c = connected(80);
	read_exactly(c, "x");
	wait_for(pid);
}

static void many_acceptors(void)
{
	enum { N = 8 };
	int l = listener(80);
	pthread_t thread[N];
	for (int i = 0; i < N; i++)
		must(pthread_create(&thread[i], NULL, accept_one, &l) == 0);
	for (int i = 0; i < N; i++) {
		int fd = connected(80);
		read_exactly(fd, "x");
		close(fd);
	}
	for (int i = 0; i < N; i++)
		pthread_join(thread[i], NULL);
}

static void descriptors_full(void)
{
	int l = listener(80), c = connected(80), last = -1, fd;
	while ((fd = open("/dev/null", O_RDONLY)) >= 0)
		last = fd;
	must(errno == EMFILE);
	must(accept(l, NULL, NULL) == -1 && errno == EMFILE);
	close(last);
	int a = accept(l, NULL, NULL);
	must(a >= 0);					/* the connection waited */
	must(write(c, "here", 4) == 4);
	read_exactly(a, "here");
	close_range(3, ~0u, 0);				/* leaves room for what a sanitizer does at the end */
}

static void datagrams(void)
{
	struct sockaddr_in sin = address(53), from;
	socklen_t len = sizeof from;
	char buf[64];
	int on = 1, s = socket(AF_INET, SOCK_DGRAM, 0), c = socket(AF_INET, SOCK_DGRAM, 0);
	must(bind(s, SA(sin), sizeof sin) == 0);
	must(sendto(c, "question", 8, 0, SA(sin), sizeof sin) == 8);
	must(recvfrom(s, buf, 3, MSG_PEEK | MSG_TRUNC, SA(from), &len) == 8 && !memcmp(buf, "que", 3));
	must(recvfrom(s, buf, sizeof buf, 0, SA(from), &len) == 8 && ntohs(from.sin_port) >= 40000);
	must(sendto(s, "answer", 6, 0, SA(from), len) == 6);
	must(recv(c, buf, sizeof buf, 0) == 6 && !memcmp(buf, "answer", 6));
	must(recvfrom(s, buf, sizeof buf, MSG_DONTWAIT, SA(from), &len) == -1 && errno == EAGAIN);
	struct timeval tv = { .tv_usec = 30000 };
	must(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv) == 0);
	must(recvfrom(s, buf, sizeof buf, 0, SA(from), &len) == -1 && errno == EAGAIN);
	must(setsockopt(s, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) == 0);
	must(sendto(c, "with info", 9, 0, SA(sin), sizeof sin) == 9);
	struct iovec iov[2] = { { buf, 4 }, { buf + 10, 3 } };
	union { char buf[CMSG_SPACE(sizeof(struct in_pktinfo))]; struct cmsghdr align; } ctl;
	struct msghdr h = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = iov, .msg_iovlen = 2,
			    .msg_control = &ctl, .msg_controllen = sizeof ctl };
	must(recvmsg(s, &h, 0) == 7 && h.msg_flags == MSG_TRUNC && h.msg_namelen == sizeof from);
	must(!memcmp(buf, "with", 4) && !memcmp(buf + 10, " in", 3));
	struct cmsghdr *k = CMSG_FIRSTHDR(&h);
	must(k && k->cmsg_level == IPPROTO_IP && k->cmsg_type == IP_PKTINFO);
	must(((struct in_pktinfo *)(void *)CMSG_DATA(k))->ipi_ifindex == 1);
	/* Connected: plain calls, and the peer's address where one asks. */
	must(connect(c, SA(sin), sizeof sin) == 0);
	must(write(c, "plain", 5) == 5);
	tv.tv_usec = 0;
	must(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv) == 0);
	must(recvfrom(s, buf, sizeof buf, 0, SA(from), &len) == 5 && ntohs(from.sin_port) >= 40000);
	must(sendto(s, "back", 4, 0, SA(from), sizeof from) == 4);
	memset(&from, 0, sizeof from);
	must(recvfrom(c, buf, sizeof buf, 0, SA(from), &len) == 4 && ntohs(from.sin_port) == 53);
}

static void many_datagrams(void)
{
	struct sockaddr_in sin = address(53), from[3];
	char buf[3][16];
	struct mmsghdr out[3], in[3];
	struct iovec o[3], v[3];
	int s = socket(AF_INET, SOCK_DGRAM, 0), c = socket(AF_INET, SOCK_DGRAM, 0);
	must(bind(s, SA(sin), sizeof sin) == 0);
	char words[3][4] = { "a", "bb", "ccc" };
	for (int i = 0; i < 3; i++) {
		o[i] = (struct iovec){ words[i], (size_t)i + 1 };
		v[i] = (struct iovec){ buf[i], sizeof buf[i] };
		out[i] = (struct mmsghdr){ .msg_hdr = { .msg_name = &sin, .msg_namelen = sizeof sin, .msg_iov = &o[i],
							.msg_iovlen = 1 } };
		in[i] = (struct mmsghdr){ .msg_hdr = { .msg_name = &from[i], .msg_namelen = sizeof from[i], .msg_iov = &v[i],
						       .msg_iovlen = 1 } };
	}
	must(sendmmsg(c, out, 3, 0) == 3 && out[2].msg_len == 3);
	must(recvmmsg(s, in, 2, MSG_WAITFORONE, NULL) == 2 && in[0].msg_len == 1 && in[1].msg_len == 2);
	must(recvmmsg(s, in, 3, MSG_WAITFORONE, NULL) == 1 && in[0].msg_len == 3 && ntohs(from[0].sin_port) >= 40000);
	must(recvmmsg(s, in, 3, MSG_DONTWAIT, NULL) == -1 && errno == EAGAIN);
	must(sendmmsg(-1, NULL, 0, 0) == -1 && errno == EBADF);
}

static void surroundings(void)
{
	int sv[2], v = 1;
	socklen_t len = sizeof v;
	must(socket(AF_BLUETOOTH, SOCK_RAW, 0) == -1 && errno == EAFNOSUPPORT);
	must(socket(AF_VSOCK, SOCK_STREAM, 0) == -1 && errno == EAFNOSUPPORT);
	must(socket(AF_INET6, SOCK_STREAM, 0) == -1 && errno == EAFNOSUPPORT);	/* the fake has none: no way around it */
	must(syscall(SYS_io_uring_setup, 1, NULL) == -1 && errno == ENOSYS);
	must(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
	must(setsockopt(sv[0], SOL_SOCKET, SO_PASSCRED, &v, sizeof v) == 0);
	must(getsockopt(sv[0], SOL_SOCKET, SO_TYPE, &v, &len) == 0 && v == SOCK_STREAM);
	int s = socket(AF_INET, SOCK_DGRAM, 0), i;
	must(getsockopt(s, SOL_SOCKET, SO_TYPE, &v, &len) == 0 && v == SOCK_DGRAM);
	must(getsockopt(s, SOL_SOCKET, SO_SNDBUF, &v, &len) == 0 && v == 16384);
	must(getsockopt(s, IPPROTO_TCP, 12345, &v, &len) == -1 && errno == ENOPROTOOPT);
	must(getsockopt(s, SOL_SOCKET, SO_TYPE, (void *)8, &len) == -1 && errno == EFAULT);
	struct ip_msfilter mf = { .imsf_multiaddr.s_addr = htonl(0xe8010203), .imsf_fmode = 6, .imsf_numsrc = 9 };	/* a question in the value */
	socklen_t mflen = sizeof mf;
	must(getsockopt(s, IPPROTO_IP, IP_MSFILTER, &mf, &mflen) == 0 && mflen == sizeof mf);
	must(ntohl(mf.imsf_multiaddr.s_addr) == 0xe8010203 && mf.imsf_fmode == 7 && mf.imsf_numsrc == 9);
	must(getsockopt(s, IPPROTO_IP, IP_MSFILTER, (void *)8, &mflen) == -1 && errno == EFAULT);
	must(bind(s, (void *)8, 16) == -1 && errno == EFAULT);
	must(bind(s, (void *)8, 1000) == -1 && errno == EINVAL);
	must(bind(0x7fff, (void *)8, 16) == -1 && errno == EBADF);
	struct sockaddr_un names = { AF_UNIX, "/run/systemd/resolve/io.systemd.Resolve" }, none = { AF_UNIX, "/no/such/socket" };
	int n = socket(AF_UNIX, SOCK_STREAM, 0);
	must(connect(n, SA(names), sizeof names) == -1 && errno == ECONNREFUSED);	/* it would tell the machine's names */
	must(connect(n, SA(none), sizeof none) == -1 && errno == ENOENT);
	must(if_nametoindex("fake0") == 42 && if_nametoindex("lo") == 0);
	struct ifreq ifr[4];
	struct ifconf conf = { .ifc_len = sizeof ifr, .ifc_req = ifr };
	must(ioctl(s, SIOCGIFCONF, &conf) == 0 && conf.ifc_len == sizeof *ifr && !strcmp(ifr[0].ifr_name, "fake0"));
	must(ioctl(s, FIONREAD, &i) == 0);
}

static bool begins(const char *path, int flags, const char *want)
{
	char buf[64] = "";
	int fd = open(path, flags);
	must(fd >= 0);
	must(read(fd, buf, sizeof buf - 1) > 0);
	close(fd);
	return !strncmp(buf, want, strlen(want));
}

static void proc_net(void)
{
	char path[64];
	must(begins("/proc/net/tcp", O_RDONLY, "fake tcp"));
	must(begins("/proc/self/net/tcp", O_RDONLY, "fake tcp"));
	must(begins("/proc/thread-self/net/tcp", O_RDONLY, "fake tcp"));
	snprintf(path, sizeof path, "/proc/%d/net/tcp", (int)getpid());
	must(begins(path, O_RDONLY, "fake tcp"));
	must(!begins("/proc/net/unix", O_RDONLY, "fake"));			/* the machine's is the right one */
	must(!begins("/proc/self/status", O_RDONLY, "fake"));
	must(open("/proc/net/fib_trie", O_RDONLY) == -1 && errno == ENOENT);
	must(open("/proc/net/tcp", O_RDWR) == -1 || errno != ENOENT);		/* not caught, nor refused by us */
	must(open((void *)8, O_RDONLY) == -1 && errno == EFAULT);
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(page != MAP_FAILED && munmap(page + 4096, 4096) == 0);
	must(begins(strcpy(page + 4096 - sizeof "/proc/net/tcp", "/proc/net/tcp"), O_RDONLY, "fake tcp"));
	must(open(memset(page + 4088, 'x', 8), O_RDONLY) == -1 && errno == EFAULT);	/* a path without an end */
}

static void passing(void)
{
	int sv[2], l = listener(80), d = dup(l);
	must(close(l) == 0 && d >= 0);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		union { char buf[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } ctl;
		char c;
		struct iovec iov = { &c, 1 };
		struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &ctl, .msg_controllen = sizeof ctl };
		close(d);
		must(recvmsg(sv[1], &h, 0) == 1);
		int fd;
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof fd);
		int a = accept(fd, NULL, NULL);
		must(a >= 0 && write(a, "passed", 6) == 6);
		exit(0);
	}
	union { char buf[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } ctl = { .align = {
		.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	memcpy(CMSG_DATA(&ctl.align), &d, sizeof d);
	struct iovec iov = { (void *)(uintptr_t)"x", 1 };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &ctl, .msg_controllen = sizeof ctl };
	must(sendmsg(sv[0], &h, 0) == 1);
	close(d);
	int c = connected(80);
	read_exactly(c, "passed");
	wait_for(pid);
}

static void stream_with_address(void)
{
	int l = listener(80), c = connected(80), a = accept(l, NULL, NULL);
	struct sockaddr_in sin = address(9);
	static char big[300000], back[sizeof big];
	for (size_t i = 0; i < sizeof big; i++)
		big[i] = (char)(i * 7 >> 3);
	must(sendto(c, "word", 4, 0, SA(sin), sizeof sin) == 4);
	read_exactly(a, "word");
	pid_t pid = fork();
	if (pid == 0) {
		size_t got = 0;
		ssize_t n;
		while (got < sizeof back && (n = read(a, back + got, sizeof back - got)) > 0)
			got += (size_t)n;
		must(got == sizeof back && !memcmp(big, back, sizeof back));
		exit(0);
	}
	must(sendto(c, big, sizeof big, 0, SA(sin), sizeof sin) == sizeof big);
	wait_for(pid);
	int fresh = socket(AF_INET, SOCK_STREAM, 0);
	must(sendto(fresh, "x", 1, MSG_NOSIGNAL, SA(sin), sizeof sin) == -1 && errno == EPIPE);
}

/* The fake service sends half of the text along; what the program sees is whole. */
static void fast_open(void)
{
	int l = listener(80);
	struct sockaddr_in sin = address(80), closed = address(9);
	for (int how = 0; how < 3; how++) {
		int c = socket(AF_INET, SOCK_STREAM | (how == 1 ? SOCK_NONBLOCK : 0), 0);
		struct iovec v[2] = { { (void *)(uintptr_t)"fast ", 5 }, { (void *)(uintptr_t)"open", 4 } };
		struct msghdr h = { .msg_name = &sin, .msg_namelen = sizeof sin, .msg_iov = v, .msg_iovlen = 2 };
		ssize_t n = how == 2 ? sendmsg(c, &h, MSG_FASTOPEN) : sendto(c, "fast open", 9, MSG_FASTOPEN, SA(sin), sizeof sin);
		must(n == (how == 1 ? 4 : 9));
		struct pollfd p = { c, POLLOUT, 0 };
		if (how == 1) {
			must(poll(&p, 1, 2000) == 1 && p.revents == POLLOUT);
			must(write(c, " open", 5) == 5);
		}
		int a = accept(l, NULL, NULL);
		read_exactly(a, "fast open");
		must(sendto(c, "x", 1, MSG_FASTOPEN, SA(sin), sizeof sin) == -1 && errno == EISCONN);
		close(c);
		close(a);
	}
	int c = socket(AF_INET, SOCK_STREAM, 0);
	must(sendto(c, "x", 1, MSG_FASTOPEN, SA(closed), sizeof closed) == -1 && errno == ECONNREFUSED);
	must(sendto(c, NULL, 100, MSG_FASTOPEN, SA(sin), sizeof sin) == -1 && errno == EFAULT);
}

/*
 * Every caught call with arguments that make no sense, a few that nearly do, and pointers into nowhere, from several
 * threads that are interrupted all the while.  Whatever comes back is right; what counts is that a plain exchange works
 * after it.
 */
static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	return *x ^= *x << 17;
}

static void *senseless(void *arg)
{
	static const int calls[] = {
		SYS_socket, SYS_bind, SYS_connect, SYS_listen, SYS_accept, SYS_accept4, SYS_shutdown, SYS_getsockname,
		SYS_getpeername, SYS_setsockopt, SYS_getsockopt, SYS_sendto, SYS_sendmsg, SYS_sendmmsg, SYS_recvfrom,
		SYS_recvmsg, SYS_recvmmsg, SYS_ioctl,
	};
	static char memory[8192];
	uint64_t x = (uint64_t)(uintptr_t)arg;
	for (int i = 0; i < 1500; i++) {
		long a[6];
		for (int k = 0; k < 6; k++) {
			const long choice[] = { 0, 1, 2, -1, 16, 128, 0x8912, 0x8913, 0x40, INT32_MAX, INT64_MIN, (long)memory,
						(long)memory + 8190, 8, (long)next_random(&x) };
			a[k] = choice[next_random(&x) % (sizeof choice / sizeof *choice)];
		}
		for (size_t k = 0; k < sizeof memory; k += 8 + next_random(&x) % 64)
			memory[k] = (char)next_random(&x);
		a[0] = 3 + (long)(next_random(&x) % 10);		/* the descriptors of the scene */
		int nr = calls[next_random(&x) % (sizeof calls / sizeof *calls)];
		if (nr == SYS_socket)
			a[0] = next_random(&x) & 1 ? AF_INET : (long)next_random(&x) % 50;
		alarm_each(3, next_random(&x) & 1);
		long fd = syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
		if ((nr == SYS_socket || nr == SYS_accept || nr == SYS_accept4) && fd > 20)
			close((int)fd);
	}
	return NULL;
}

static void hostile(void)
{
	int sv[2], l = listener(90), c = connected(90), a = accept(l, NULL, NULL);
	struct sockaddr_in sin = address(54);
	int d = socket(AF_INET, SOCK_DGRAM, 0);
	must(bind(d, SA(sin), sizeof sin) == 0);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
	must(c >= 0 && a >= 0);
	for (int fd = 3; fd < 13; fd++)		/* most blocking calls end by themselves */
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ .tv_usec = 2000 }, sizeof(struct timeval));
	signal(SIGPIPE, SIG_IGN);
	pid_t pid = fork();
	if (pid == 0) {
		setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 40, 40 });
		pthread_t thread[3];
		for (int i = 0; i < 3; i++)
			pthread_create(&thread[i], NULL, senseless, (void *)(uintptr_t)(0x5eed + i));
		double until = seconds() + 4;		/* some do not */
		for (int i = 0; i < 3; i++)
			while (pthread_tryjoin_np(thread[i], NULL) && seconds() < until)
				usleep(10000);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	close_range(3, ~0u, 0);
	echo();
}

/* Leaves a process behind that holds a socket, and tells where it is. */
static void leave_behind(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		setsid();
		int l = listener(80);
		accept(l, NULL, NULL);
		exit(1);
	}
	printf("%d\n", (int)pid);
	fflush(stdout);
}

static void block(void)
{
	printf("%d\n", (int)getpid());
	fflush(stdout);
	leave_behind();
	accept(listener(81), NULL, NULL);
}

/* The service dies while one call waits in it, one in the runner, and one is in a read. */
static void orphaned(void)
{
	int l = listener(80), c = connected(80), a = accept(l, NULL, NULL), v = 1;
	struct sockaddr_in silent = address(FAKE_PORT_SILENT);
	/* made while there is a service; whether it dies before or during the calls below, they end alike */
	int fd = socket(AF_INET, SOCK_STREAM, 0), dgram = socket(AF_INET, SOCK_DGRAM, FAKE_LASTING);
	must(fd >= 0 && dgram >= 0);
	pid_t pid = fork();
	if (pid == 0) {
		must(connect(fd, SA(silent), sizeof silent) == -1 && errno == ENETDOWN);
		exit(0);
	}
	pid_t second = fork();
	if (second == 0) {
		must(accept(l, NULL, NULL) == -1 && errno == ENETDOWN);
		exit(0);
	}
	pid_t third = fork();
	if (third == 0) {		/* its pair has no end of its own */
		char one;
		must(read(dgram, &one, 1) == 0);
		exit(0);
	}
	usleep(50000);
	puts("ready");
	fflush(stdout);
	char byte;
	must(read(a, &byte, 1) <= 0);
	must(read(c, &byte, 1) <= 0);
	wait_for(pid);
	wait_for(second);
	wait_for(third);
	must(socket(AF_INET, SOCK_STREAM, 0) == -1 && errno == ENETDOWN);
	must(setsockopt(c, SOL_SOCKET, SO_REUSEADDR, &v, sizeof v) == -1 && errno == ENETDOWN);
	/* poll() says that there is something, accept() that there is not: a server that tries again must not burn a processor */
	struct timespec before, after;
	clock_gettime(CLOCK_MONOTONIC, &before);
	for (int i = 0; i < 5; i++) {
		struct pollfd p = { l, POLLIN, 0 };
		must(poll(&p, 1, 1000) == 1 && accept(l, NULL, NULL) == -1 && errno == ENETDOWN);
	}
	clock_gettime(CLOCK_MONOTONIC, &after);
	must((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec >= 5 * 15000000);
}

static void wait_usr1(void)
{
	sigset_t set;
	int sig = 0;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	puts("ready");
	fflush(stdout);
	must(sigwait(&set, &sig) == 0 && sig == SIGUSR1);
	exit(7);
}

static void die_of_term(void) { raise(SIGTERM); }
static void exit_42(void) { exit(42); }

int main(int argc, char **argv)
{
	static const struct { const char *name; void (*run)(void); } all[] = {
		{ "echo", echo }, { "nonblocking_connect", nonblocking_connect }, { "flags", flags },
		{ "interrupted", interrupted }, { "killed_in_accept", killed_in_accept }, { "many_acceptors", many_acceptors },
		{ "descriptors_full", descriptors_full }, { "datagrams", datagrams }, { "many_datagrams", many_datagrams },
		{ "surroundings", surroundings }, { "passing", passing }, { "stream_with_address", stream_with_address },
		{ "fast_open", fast_open },
		{ "leave_behind", leave_behind }, { "block", block }, { "wait_usr1", wait_usr1 }, { "die_of_term", die_of_term },
		{ "exit_42", exit_42 }, { "hostile", hostile }, { "storm", storm }, { "stopped", stopped }, { "orphaned", orphaned },
		{ "one_byte_each", one_byte_each }, { "proc_net", proc_net },
	};
	for (size_t i = 0; argc > 1 && i < sizeof all / sizeof *all; i++)
		if (!strcmp(argv[1], all[i].name)) {
			all[i].run();
			return 0;
		}
	return 2;
}
