/* The kernel's side of the TAP tests.  Plain blocking and polled sockets: what is tested is not here. */
#include "peer.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "sha256.h"

enum { PATTERN = 1000003, TIMEOUT_MS = 120000 };

const uint8_t *pattern(uint64_t at, uint64_t *run)
{
	static uint8_t *bytes;
	if (!bytes) {
		uint64_t x = 88172645463325252u;
		bytes = malloc(PATTERN);
		for (size_t i = 0; i < PATTERN; i++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			bytes[i] = (uint8_t)(x >> 24);
		}
	}
	*run = PATTERN - at % PATTERN;
	return bytes + at % PATTERN;
}

/* ---- sockets ------------------------------------------------------------------------------------------------------ */
static struct sockaddr_in at(const char *addr, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	inet_pton(AF_INET, addr, &in.sin_addr);
	return in;
}

static int listener(uint16_t port)
{
	struct sockaddr_in in = at(KERNEL_ADDR, port);
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (s < 0 || bind(s, (struct sockaddr *)&in, sizeof in) < 0 || listen(s, 1024) < 0)
		return -errno;
	return s;
}

static int connected(uint16_t port)
{
	struct sockaddr_in in = at(OUR_ADDR, port);
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s < 0 || connect(s, (struct sockaddr *)&in, sizeof in) < 0)
		return -errno;
	return s;
}

static int stream_both_ways(int s, uint64_t bytes, struct sums *r)
{
	static uint8_t buf[262144];
	struct sha256 out, in;
	bool eof = false, shut = false;
	sha256_init(&out);
	sha256_init(&in);
	fcntl(s, F_SETFL, O_NONBLOCK);
	while (!eof || !shut) {
		struct pollfd p = { s, (short)((eof ? 0 : POLLIN) | (shut ? 0 : POLLOUT)), 0 };
		if (poll(&p, 1, TIMEOUT_MS) <= 0)
			return -ETIMEDOUT;
		if (p.revents & (POLLIN | POLLHUP | POLLERR)) {
			ssize_t n = recv(s, buf, sizeof buf, 0);
			if (n < 0 && errno != EAGAIN)
				return -errno;
			eof = eof || n == 0;
			sha256_add(&in, buf, n > 0 ? (size_t)n : 0);
			r->n_got += n > 0 ? (uint64_t)n : 0;
		}
		if (p.revents & POLLOUT && r->n_sent < bytes) {
			uint64_t run;
			const uint8_t *b = pattern(r->n_sent, &run);
			run = run < bytes - r->n_sent ? run : bytes - r->n_sent;
			ssize_t n = send(s, b, run < 65536 ? run : 65536, MSG_NOSIGNAL);
			if (n < 0 && errno != EAGAIN)
				return -errno;
			sha256_add(&out, b, n > 0 ? (size_t)n : 0);
			r->n_sent += n > 0 ? (uint64_t)n : 0;
		}
		if (r->n_sent == bytes && !shut) {
			shutdown(s, SHUT_WR);
			shut = true;
		}
	}
	sha256_end(&out, r->sent);
	sha256_end(&in, r->got);
	close(s);
	return 0;
}

/* One byte there and back.  The active side closes first, the passive one when it sees the end. */
static int one_conn(int s, bool active)
{
	char c = 'o';
	int rc = 0;
	if (active && (send(s, &c, 1, MSG_NOSIGNAL) != 1 || recv(s, &c, 1, 0) != 1))
		rc = -errno;
	if (!active && (recv(s, &c, 1, 0) != 1 || send(s, &c, 1, MSG_NOSIGNAL) != 1 || recv(s, &c, 1, 0) != 0))
		rc = errno ? -errno : -EPROTO;
	close(s);
	return rc;
}

/* `at_once` processes share the work: plain blocking code. */
static int conns(bool active, int l, uint16_t port, unsigned n, unsigned at_once, struct sums *r)
{
	int status, err = 0;
	for (unsigned k = 0; k < at_once; k++) {
		unsigned mine = n / at_once + (k < n % at_once);
		if (fork() != 0)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (unsigned i = 0; i < mine; i++) {
			int s = active ? connected(port) : accept(l, NULL, NULL);
			int rc = s < 0 ? (active ? s : -errno) : one_conn(s, active);
			if (rc) {
				fprintf(stderr, "kernel side: connection %u: %s\n", i, strerror(-rc));
				_exit(1);
			}
		}
		_exit(0);
	}
	while (wait(&status) > 0)
		if (status)
			err = -EPROTO;
	r->conns = n;
	return err;
}

/* ---- the child ---------------------------------------------------------------------------------------------------- */
enum job { STREAM, CONNS };

static int work(enum job job, bool active, int l, uint16_t port, uint64_t n, unsigned at_once, struct sums *r)
{
	if (!active && l < 0)
		return l;
	if (job == CONNS)
		return conns(active, l, port, (unsigned)n, at_once, r);
	int s = active ? connected(port) : accept(l, NULL, NULL);
	return s < 0 ? s : stream_both_ways(s, n, r);
}

static struct peer start(enum job job, bool active, uint16_t port, uint64_t n, unsigned at_once)
{
	int p[2];
	struct peer peer = { -1, -1 };
	if (pipe2(p, O_CLOEXEC) < 0)
		return peer;
	int l = active ? -1 : listener(port);	/* before our side connects, whoever runs first */
	fflush(NULL);
	peer.pid = fork();
	if (peer.pid == 0) {
		struct sums r = { 0 };
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		r.err = work(job, active, l, port, n, at_once, &r);
		_exit(write(p[1], &r, sizeof r) == sizeof r ? 0 : 1);
	}
	close(p[1]);
	if (l >= 0)
		close(l);
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	peer.result = p[0];
	return peer;
}

struct peer peer_stream(bool active, uint16_t port, uint64_t bytes) { return start(STREAM, active, port, bytes, 1); }

struct peer peer_conns(bool active, uint16_t port, unsigned n, unsigned at_once) { return start(CONNS, active, port, n, at_once); }

bool peer_done(struct peer *p, struct sums *s)
{
	ssize_t n = read(p->result, s, sizeof *s);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n != sizeof *s)
		*s = (struct sums){ .err = -EPIPE };
	waitpid(p->pid, NULL, 0);
	close(p->result);
	p->pid = -1;
	return true;
}

void peer_kill(struct peer *p)
{
	if (p->pid <= 0)
		return;
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	close(p->result);
}
