/*
 * An end that is the Linux kernel: a network namespace, a TAP device into it, and a child process with ordinary blocking sockets.
 * What the sender's kernel counted is read from /proc/net/netstat of that namespace, which no one else uses.
 */
#include "ends.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <linux/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <outlet/ol_tap.h>
#include "base/check.h"
#include "netns.h"

struct linux_end { struct end end; struct ol_tap *tap; pid_t child; int pipe; ol_time now; };

static ol_time clock_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * OL_SEC + t.tv_nsec;
}

static struct sockaddr_in at(const char *addr)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(PATH_PORT) };
	inet_pton(AF_INET, addr, &in.sin_addr);
	return in;
}

static _Noreturn void child_fail(const char *what)
{
	fprintf(stderr, "path: the kernel's end: %s: %s\n", what, strerror(errno));
	_exit(1);
}

/* ---- the child: what it counts ------------------------------------------------------------------------------------- */
/* Names in one line, values in the next, both after the same word. */
static uint32_t netstat(const char *name)
{
	static char names[16384], values[16384];
	FILE *f = fopen("/proc/net/netstat", "r");
	uint32_t found = 0;
	while (f && fgets(names, sizeof names, f) && fgets(values, sizeof values, f)) {
		char *a, *b, *n = strtok_r(names, " \n", &a), *v = strtok_r(values, " \n", &b);
		for (; n && v; n = strtok_r(NULL, " \n", &a), v = strtok_r(NULL, " \n", &b))
			if (strcmp(n, name) == 0)
				found = (uint32_t)strtoul(v, NULL, 10);
	}
	if (f)
		fclose(f);
	return found;
}

static void count(struct report *r, int s)
{
	struct tcp_info ti;
	socklen_t len = sizeof ti;
	if (getsockopt(s, IPPROTO_TCP, TCP_INFO, &ti, &len) == 0)
		r->resent += ti.tcpi_total_retrans;
	r->rto = netstat("TCPTimeouts");
	r->tlp = netstat("TCPLossProbes");
	r->undone = netstat("TCPFullUndo") + netstat("TCPPartialUndo") + netstat("TCPDSACKUndo") + netstat("TCPLossUndo");
	r->dsacked = netstat("TCPDSACKRecv");
}

/* ---- the child: sending -------------------------------------------------------------------------------------------- */
static int connected(const struct plan *p)
{
	struct sockaddr_in to = at(RECEIVER_ADDR);
	struct timeval tv = { .tv_usec = 100000 };
	for (int tries = 0; tries < 100; tries++) {
		int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, p->cc, (socklen_t)strlen(p->cc)))
			child_fail(p->cc);
		if (connect(s, (struct sockaddr *)&to, sizeof to) == 0) {
			setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
			return s;
		}
		close(s);
		poll(NULL, 0, 20);
	}
	child_fail("connect");
}

static void send_bursts(const struct plan *p, int s, ol_time until)
{
	char *text = calloc(1, p->burst);
	for (ol_time next = clock_ns(); next < until; next += p->pause) {
		if (send(s, text, p->burst, MSG_NOSIGNAL) < 0 && errno != EAGAIN)
			child_fail("send");
		ol_time rest = next + p->pause - clock_ns();
		if (rest > 0)
			clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ rest / OL_SEC, rest % OL_SEC }, NULL);
	}
	free(text);
}

static void child_send(const struct plan *p, struct report *r)
{
	static const char text[65536];
	int s = connected(p);
	ol_time until = clock_ns() + p->length;
	if (p->burst)
		send_bursts(p, s, until);
	while (clock_ns() < until)
		if (send(s, text, sizeof text, MSG_NOSIGNAL) < 0 && errno != EAGAIN)
			child_fail("send");
	count(r, s);
}

static void child_receive(const struct plan *p, struct report *r, int out)
{
	static char text[262144];
	struct sockaddr_in any = at("0.0.0.0");
	int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(l, (struct sockaddr *)&any, sizeof any) || listen(l, 16))
		child_fail("listen");
	if (write(out, "", 1) != 1)		/* whoever connects from now on is heard */
		child_fail("report");
	int s = accept(l, NULL, NULL);
	ol_time begin = clock_ns(), now = begin, until = begin + p->length;
	for (; now < until; now = clock_ns()) {
		struct pollfd pf = { s, POLLIN, 0 };
		ol_time rest = until - now;
		ppoll(&pf, 1, &(struct timespec){ rest / OL_SEC, rest % OL_SEC }, NULL);
		ssize_t n = recv(s, text, sizeof text, MSG_DONTWAIT);
		if (n <= 0)
			continue;
		r->bytes[0] += (uint64_t)n;
		r->late[0] += now > begin + p->length / 2 ? (uint64_t)n : 0;
	}
}

static _Noreturn void child(const struct plan *p, bool sender, int out)
{
	struct report r = { .rto = 0 };
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (sender)
		child_send(p, &r);
	else
		child_receive(p, &r, out);
	if (write(out, &r, sizeof r) != sizeof r)
		child_fail("report");
	for (;;)			/* the socket stays open until the other end has counted, too */
		pause();
}

/* ---- the end ------------------------------------------------------------------------------------------------------- */
static void work(struct end *e, ol_time now)
{
	struct linux_end *l = (struct linux_end *)e;
	struct pollfd pf = { l->pipe, POLLIN, 0 };
	l->now = now;
	ol_tap_flush(l->tap);
	if (e->over || poll(&pf, 1, 0) <= 0)
		return;
	if (read(l->pipe, &e->report, sizeof e->report) != sizeof e->report) {
		fprintf(stderr, "path: the kernel's end failed\n");
		exit(1);
	}
	e->over = true;
}

/* What the kernel had no room for is tried again soon. */
static ol_time deadline(const struct end *e)
{
	const struct linux_end *l = (const struct linux_end *)e;
	return ol_tap_pending(l->tap) ? l->now + 200 * OL_US : OL_NEVER;
}
static void input(struct end *e, struct ol_pkt *pkt, ol_time now) { ol_tap_send(((struct linux_end *)e)->tap, pkt); }
static struct ol_pkt *output(struct end *e, ol_time now) { return ol_tap_receive(((struct linux_end *)e)->tap, now); }

static void linux_free(struct end *e)
{
	struct linux_end *l = (struct linux_end *)e;
	kill(l->child, SIGKILL);
	waitpid(l->child, NULL, 0);
	close(l->pipe);
	ol_tap_close(l->tap);
	free(l);
}

struct end *end_linux(const struct plan *p, bool sender, struct ol_pool *pool, const char **why)
{
	static char text[256];
	struct linux_end *l = calloc(1, sizeof *l);
	int ends[2];
	CHECK(l);
	*l = (struct linux_end){ .end = { .free = linux_free, .input = input, .output = output, .work = work, .deadline = deadline } };
	if ((*why = netns_enter()))
		return NULL;
	*why = text;
	if (ol_tap_open(&l->tap, &(struct ol_tap_config){ .name = "path0", .pool = pool, .plain = p->plain }, text, sizeof text))
		return NULL;
	if (netns_configure("path0", sender ? SENDER_ADDR : RECEIVER_ADDR, 1500)) {
		snprintf(text, sizeof text, "the kernel's end of the TAP device does not take its address");
		return NULL;
	}
	l->end.fd = ol_tap_fd(l->tap);
	CHECK(pipe(ends) == 0);
	fflush(NULL);
	l->child = fork();
	if (l->child == 0)
		child(p, sender, ends[1]);
	close(ends[1]);
	l->pipe = ends[0];
	char ready;
	if (!sender && read(l->pipe, &ready, 1) != 1) {
		snprintf(text, sizeof text, "the kernel's end does not listen");
		return NULL;
	}
	return &l->end;
}
