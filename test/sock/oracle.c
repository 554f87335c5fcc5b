/*
 * The host kernel as the oracle: the same calls on real loopback sockets and on ours must give the same errno.  First
 * sequences of bind() and listen() drawn from seeds, over both families, both types, SO_REUSEADDR, SO_REUSEPORT and
 * IPV6_V6ONLY; then what each call says in each state of a socket.  A failure names its seed and prints the sequence;
 * where sockets are not permitted the tests are skipped.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "base/rng.h"
#include "pair.h"
#include "unit.h"

enum { SLOTS = 5, PORTS = 2 };

/* ---- one world that is the kernel and us at once --------------------------------------------------------------- */
struct world {
	struct pair *p;			/* only host a is used, by its loopback */
	bool has_ip6;
	uint16_t port[PORTS];		/* free ones of the kernel, used on both sides */
	int fd[SLOTS];
	ol_sock s[SLOTS];
	char log[4096];
	size_t log_len;
};

static uint16_t free_port(void)
{
	struct sockaddr_in at = in4("0.0.0.0", 0);
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM, 0), u = socket(AF_INET, SOCK_DGRAM, 0);
	ok(fd >= 0 && u >= 0);
	for (int tries = 0; tries < 100; tries++) {
		at.sin_port = 0;
		ok(!bind(fd, (struct sockaddr *)&at, sizeof at));
		ok(!getsockname(fd, (struct sockaddr *)&at, &len));
		if (!bind(u, (struct sockaddr *)&at, sizeof at))
			break;
		close(fd);
		fd = socket(AF_INET, SOCK_STREAM, 0);
	}
	close(fd);
	close(u);
	return ntohs(at.sin_port);
}

static bool permitted(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in at = in4("127.0.0.1", 0);
	bool yes = fd >= 0 && !bind(fd, (struct sockaddr *)&at, sizeof at);
	if (fd >= 0)
		close(fd);
	return yes;
}

static bool kernel_has_ip6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	struct sockaddr_in6 at = in6("::1", 0);
	bool yes = fd >= 0 && !bind(fd, (struct sockaddr *)&at, sizeof at);
	if (fd >= 0)
		close(fd);
	return yes;
}

static struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof *w);
	w->p = pair_new(NULL);
	w->has_ip6 = kernel_has_ip6();
	for (int i = 0; i < PORTS; i++)
		w->port[i] = free_port();
	for (int i = 0; i < SLOTS; i++)
		w->fd[i] = w->s[i] = -1;
	return w;
}

static void world_free(struct world *w)
{
	for (int i = 0; i < SLOTS; i++)
		if (w->fd[i] >= 0)
			close(w->fd[i]);
	pair_free(w->p);
	free(w);
}

#define SAY(w, ...) ((w)->log_len += (size_t)snprintf((w)->log + (w)->log_len, sizeof (w)->log - (w)->log_len, __VA_ARGS__))

static int kernel(int ret) { return ret < 0 ? -errno : ret; }

static void same(struct world *w, uint64_t seed, int theirs, int ours)
{
	SAY(w, "\t%d %s\n", theirs, strerror(theirs < 0 ? -theirs : 0));
	if (theirs != ours)
		fail_msg("seed %llu: the kernel says %d (%s), we say %d (%s); the calls:\n%s", (unsigned long long)seed, theirs,
			 strerror(-theirs), ours, strerror(-ours), w->log);
}

static int both_socket(struct world *w, int i, int domain, int type)
{
	w->fd[i] = socket(domain, type | SOCK_NONBLOCK, 0);
	w->s[i] = ol_socket(A(w->p), domain, type, 0, w->p->now);
	ok(w->fd[i] >= 0 && w->s[i] >= 0);
	return 0;
}

static void both_opt(struct world *w, int i, int level, int name, int v)
{
	int theirs = kernel(setsockopt(w->fd[i], level, name, &v, sizeof v));
	eq(pair_setopt(w->p, A(w->p), w->s[i], level, name, v), theirs);
}

static void both_close(struct world *w, int i)
{
	close(w->fd[i]);
	eq(ol_close(A(w->p), w->s[i], w->p->now), 0);
	w->fd[i] = w->s[i] = -1;
	pair_run(w->p, 20);
}

/* ---- bind() and listen() from seeds ---------------------------------------------------------------------------- */
static const char *const addr4[] = { "0.0.0.0", "127.0.0.1", "127.0.0.2" };
static const char *const addr6[] = { "::", "::1", "::ffff:127.0.0.1", "::ffff:0.0.0.0" };
static int domain_of[SLOTS], type_of[SLOTS];

/* A seed draws either SO_REUSEADDR and IPV6_V6ONLY, or SO_REUSEPORT: where they are mixed on a port, the kernel remembers the
 * last permission it gave (fastreuseport) and then lets in what its own rule forbids. */
static void random_socket(struct world *w, struct rng *r, uint64_t seed, int i)
{
	domain_of[i] = w->has_ip6 && rng_chance(r, 0.5) ? AF_INET6 : AF_INET;
	type_of[i] = rng_chance(r, 0.7) ? SOCK_STREAM : SOCK_DGRAM;
	int addr = seed & 1 && rng_below(r, 2), port = !(seed & 1) && rng_below(r, 2), v6only = domain_of[i] == AF_INET6 && seed & 1 && rng_chance(r, 0.3);
	both_socket(w, i, domain_of[i], type_of[i]);
	both_opt(w, i, SOL_SOCKET, SO_REUSEADDR, addr);
	both_opt(w, i, SOL_SOCKET, SO_REUSEPORT, port);
	if (v6only)
		both_opt(w, i, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	SAY(w, "%d = socket(%s, %s)%s%s%s\n", i, domain_of[i] == AF_INET ? "AF_INET" : "AF_INET6",
	    type_of[i] == SOCK_STREAM ? "STREAM" : "DGRAM", addr ? " REUSEADDR" : "", port ? " REUSEPORT" : "", v6only ? " V6ONLY" : "");
}

static void random_bind(struct world *w, struct rng *r, uint64_t seed, int i)
{
	struct sockaddr_storage at = { 0 };
	const char *text;
	uint16_t port = w->port[rng_below(r, PORTS)];
	socklen_t len;
	if (domain_of[i] == AF_INET) {
		text = addr4[rng_below(r, 3)];
		struct sockaddr_in in = in4(text, port);
		memcpy(&at, &in, len = sizeof in);
	} else {
		text = addr6[rng_below(r, 4)];
		struct sockaddr_in6 in = in6(text, port);
		memcpy(&at, &in, len = sizeof in);
	}
	SAY(w, "bind(%d, %s %u)", i, text, port);
	int theirs = kernel(bind(w->fd[i], (struct sockaddr *)&at, len));
	same(w, seed, theirs, ol_bind(A(w->p), w->s[i], (struct sockaddr *)&at, len, w->p->now));
}

static void random_call(struct world *w, struct rng *r, uint64_t seed)
{
	int i = (int)rng_below(r, SLOTS);
	if (w->fd[i] < 0) {
		random_socket(w, r, seed, i);
		random_bind(w, r, seed, i);
		return;
	}
	switch (rng_below(r, 4)) {
	case 0:
		random_bind(w, r, seed, i);
		break;
	case 1:
	case 2:
		SAY(w, "listen(%d)", i);
		int theirs = kernel(listen(w->fd[i], 5));
		same(w, seed, theirs, ol_listen(A(w->p), w->s[i], 5, w->p->now));
		break;
	default:
		SAY(w, "close(%d)\n", i);
		both_close(w, i);
	}
}

/* req: POSIX-bind-EADDRINUSE, POSIX-bind-EINVAL, POSIX-sys_socket.h-d, POSIX-listen-may */
TEST(oracle_bind_and_listen_agree_with_the_kernel)
{
	if (!permitted())
		skip();
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct world *w = world_new();
		struct rng r;
		rng_init(&r, seed);
		for (int calls = 0; calls < 24; calls++)
			random_call(w, &r, seed);
		world_free(w);
	}
}

/* ---- what each call says in each state ------------------------------------------------------------------------- */
enum state { FRESH, BOUND, LISTENING, REFUSED, ESTABLISHED, PEER_CLOSED, SHUT_W, SHUT_R, BOTH_CLOSED, RESET, UDP_FRESH, UDP_BOUND,
	     UDP_CONNECTED, STATES };
static const char *const state_name[STATES] = { "fresh", "bound", "listening", "refused", "established", "peer closed", "shut for writing",
	"shut for reading", "closed both ways", "reset", "udp fresh", "udp bound", "udp connected" };

static void settle(struct world *w)
{
	struct pollfd none;
	pair_run(w->p, 50);
	poll(&none, 0, 2);		/* the kernel's loopback is done when the call returns; timers aside */
}

/* Slot 0: the socket asked; 1: a listener; 2: its accepted end. */
static void both_listener(struct world *w)
{
	struct sockaddr_in at = in4("127.0.0.1", w->port[0]);
	both_socket(w, 1, AF_INET, SOCK_STREAM);
	both_opt(w, 1, SOL_SOCKET, SO_REUSEADDR, 1);
	eq(kernel(bind(w->fd[1], SA(at))), 0);
	eq(kernel(listen(w->fd[1], 5)), 0);
	eq(ol_bind(A(w->p), w->s[1], SA(at), w->p->now), 0);
	eq(ol_listen(A(w->p), w->s[1], 5, w->p->now), 0);
}

static void both_connect(struct world *w, uint16_t port)
{
	struct sockaddr_in at = in4("127.0.0.1", port);
	eq(kernel(connect(w->fd[0], SA(at))), -EINPROGRESS);
	eq(ol_connect(A(w->p), w->s[0], SA(at), w->p->now), -EINPROGRESS);
	settle(w);
}

static void establish(struct world *w)
{
	both_listener(w);
	both_connect(w, w->port[0]);
	w->fd[2] = accept4(w->fd[1], NULL, NULL, SOCK_NONBLOCK);
	w->s[2] = ol_accept(A(w->p), w->s[1], NULL, NULL, w->p->now);
	ok(w->fd[2] >= 0 && w->s[2] >= 0);
}

static void both_shutdown(struct world *w, int i, int how)
{
	eq(ol_shutdown(A(w->p), w->s[i], how, w->p->now), kernel(shutdown(w->fd[i], how)));
	settle(w);
}

static void reset_by_peer(struct world *w)
{
	struct linger l = { 1, 0 };
	ok(!setsockopt(w->fd[2], SOL_SOCKET, SO_LINGER, &l, sizeof l));
	eq(ol_setsockopt(A(w->p), w->s[2], SOL_SOCKET, SO_LINGER, &l, sizeof l, w->p->now), 0);
	both_close(w, 2);
	settle(w);
}

static void enter(struct world *w, enum state state)
{
	struct sockaddr_in any = in4("127.0.0.1", 0), to = in4("127.0.0.1", w->port[1]);
	both_socket(w, 0, AF_INET, state >= UDP_FRESH ? SOCK_DGRAM : SOCK_STREAM);
	if (state >= ESTABLISHED && state <= RESET)
		establish(w);
	switch (state) {
	case BOUND: case UDP_BOUND: case LISTENING:
		eq(kernel(bind(w->fd[0], SA(any))), 0);
		eq(ol_bind(A(w->p), w->s[0], SA(any), w->p->now), 0);
		if (state == LISTENING) {
			eq(kernel(listen(w->fd[0], 5)), 0);
			eq(ol_listen(A(w->p), w->s[0], 5, w->p->now), 0);
		}
		break;
	case REFUSED:
		both_connect(w, w->port[1]);
		break;
	case PEER_CLOSED:
		both_close(w, 2);
		break;
	case SHUT_W:
		both_shutdown(w, 0, SHUT_WR);
		break;
	case SHUT_R:
		both_shutdown(w, 0, SHUT_RD);
		break;
	case BOTH_CLOSED:
		both_shutdown(w, 0, SHUT_WR);
		both_close(w, 2);
		break;
	case RESET:
		reset_by_peer(w);
		break;
	case UDP_CONNECTED:
		eq(kernel(connect(w->fd[0], SA(to))), 0);
		eq(ol_connect(A(w->p), w->s[0], SA(to), w->p->now), 0);
		break;
	default:
		break;
	}
	settle(w);
}

enum call { BIND, BIND_TAKEN, LISTEN, ACCEPT, CONNECT, CONNECT_TWICE, CONNECT_UNSPEC, SEND, SEND_TWICE, RECV, RECV_TWICE, RECV_OOB, PEEK,
	    SHUTDOWN_R, SHUTDOWN_W, SHUTDOWN_RW, GETPEERNAME, GETSOCKNAME, SO_ERROR_, POLL, SET_V6ONLY, GET_MTU, INQ, CALLS };
static const char *const call_name[CALLS] = { "bind", "bind to a foreign address", "listen", "accept", "connect", "connect twice",
	"connect AF_UNSPEC", "send", "send twice", "recv", "recv twice", "recv MSG_OOB", "recv MSG_PEEK", "shutdown RD", "shutdown WR",
	"shutdown RDWR", "getpeername", "getsockname", "SO_ERROR", "poll", "IPV6_V6ONLY", "IP_MTU", "SIOCINQ" };

static int kernel_call(struct world *w, enum call call)
{
	struct sockaddr_in at = in4("127.0.0.1", 0), far = in4("192.0.2.7", 0), to = in4("127.0.0.1", w->port[1]), name;
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	socklen_t len = sizeof name;
	struct pollfd pfd = { w->fd[0], POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0 };
	int fd = w->fd[0], v = 0;
	char c[4];
	switch (call) {
	case BIND:		return kernel(bind(fd, SA(at)));
	case BIND_TAKEN:	return kernel(bind(fd, SA(far)));
	case LISTEN:		return kernel(listen(fd, 5));
	case ACCEPT:		return kernel(accept(fd, NULL, NULL));
	case CONNECT:		return kernel(connect(fd, SA(to)));
	case CONNECT_TWICE:	(void)!connect(fd, SA(to)); settle(w); return kernel(connect(fd, SA(to)));
	case CONNECT_UNSPEC:	return kernel(connect(fd, &none, sizeof none));
	case SEND:		return kernel((int)send(fd, "x", 1, MSG_NOSIGNAL));
	case SEND_TWICE:	(void)!send(fd, "x", 1, MSG_NOSIGNAL); settle(w); return kernel((int)send(fd, "x", 1, MSG_NOSIGNAL));
	case RECV:		return kernel((int)recv(fd, c, sizeof c, 0));
	case RECV_TWICE:	(void)!recv(fd, c, sizeof c, 0); return kernel((int)recv(fd, c, sizeof c, 0));
	case RECV_OOB:		return kernel((int)recv(fd, c, sizeof c, MSG_OOB));
	case PEEK:		return kernel((int)recv(fd, c, sizeof c, MSG_PEEK));
	case SHUTDOWN_R:	return kernel(shutdown(fd, SHUT_RD));
	case SHUTDOWN_W:	return kernel(shutdown(fd, SHUT_WR));
	case SHUTDOWN_RW:	return kernel(shutdown(fd, SHUT_RDWR));
	case GETPEERNAME:	return kernel(getpeername(fd, (struct sockaddr *)&name, &len));
	case GETSOCKNAME:	return kernel(getsockname(fd, (struct sockaddr *)&name, &len));
	case SO_ERROR_:		len = sizeof v; return getsockopt(fd, SOL_SOCKET, SO_ERROR, &v, &len) ? -errno : v;
	case POLL:		poll(&pfd, 1, 0); return pfd.revents;
	case SET_V6ONLY:	return kernel(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v, sizeof v));
	case GET_MTU:		len = sizeof v; return getsockopt(fd, IPPROTO_IP, IP_MTU, &v, &len) ? -errno : v > 0;
	case INQ:		return ioctl(fd, FIONREAD, &v) ? 0 : v;
	default:		return 0;
	}
}

static int poll_bits(unsigned ev)
{
	return (ev & OL_EV_IN ? POLLIN : 0) | (ev & OL_EV_PRI ? POLLPRI : 0) | (ev & OL_EV_OUT ? POLLOUT : 0) |
	       (ev & OL_EV_ERR ? POLLERR : 0) | (ev & OL_EV_HUP ? POLLHUP : 0) | (ev & OL_EV_RDHUP ? POLLRDHUP : 0);
}

static int our_call(struct world *w, enum call call)
{
	struct sockaddr_in at = in4("127.0.0.1", 0), far = in4("192.0.2.7", 0), to = in4("127.0.0.1", w->port[1]), name;
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct ol_stack *stk = A(w->p);
	socklen_t len = sizeof name;
	ol_time now = w->p->now;
	ol_sock s = w->s[0];
	char c[4];
	switch (call) {
	case BIND:		return ol_bind(stk, s, SA(at), now);
	case BIND_TAKEN:	return ol_bind(stk, s, SA(far), now);
	case LISTEN:		return ol_listen(stk, s, 5, now);
	case ACCEPT:		return ol_accept(stk, s, NULL, NULL, now);
	case CONNECT:		return ol_connect(stk, s, SA(to), now);
	case CONNECT_TWICE:	ol_connect(stk, s, SA(to), now); settle(w); return ol_connect(stk, s, SA(to), w->p->now);
	case CONNECT_UNSPEC:	return ol_connect(stk, s, &none, sizeof none, now);
	case SEND:		return (int)ol_send(stk, s, "x", 1, 0, now);
	case SEND_TWICE:	ol_send(stk, s, "x", 1, 0, now); settle(w); return (int)ol_send(stk, s, "x", 1, 0, w->p->now);
	case RECV:		return (int)ol_recv(stk, s, c, sizeof c, 0, now);
	case RECV_TWICE:	ol_recv(stk, s, c, sizeof c, 0, now); return (int)ol_recv(stk, s, c, sizeof c, 0, now);
	case RECV_OOB:		return (int)ol_recv(stk, s, c, sizeof c, MSG_OOB, now);
	case PEEK:		return (int)ol_recv(stk, s, c, sizeof c, MSG_PEEK, now);
	case SHUTDOWN_R:	return ol_shutdown(stk, s, SHUT_RD, now);
	case SHUTDOWN_W:	return ol_shutdown(stk, s, SHUT_WR, now);
	case SHUTDOWN_RW:	return ol_shutdown(stk, s, SHUT_RDWR, now);
	case GETPEERNAME:	return ol_getpeername(stk, s, (struct sockaddr *)&name, &len);
	case GETSOCKNAME:	return ol_getsockname(stk, s, (struct sockaddr *)&name, &len);
	case SO_ERROR_:		return pair_opt(stk, s, SOL_SOCKET, SO_ERROR);
	case POLL:		return poll_bits(ol_poll(stk, s));
	case SET_V6ONLY:	return pair_setopt(w->p, stk, s, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	case GET_MTU:		{ int v = pair_opt(stk, s, IPPROTO_IP, IP_MTU); return v < 0 ? v : v > 0; }
	case INQ:		return (int)ol_readable(stk, s);
	default:		return 0;
	}
}

/* Where we mean to differ, with the reason. */
static bool meant(enum state state, enum call call, int theirs, int ours)
{
	bool open = state == FRESH || state == BOUND || state == LISTENING;
	/* POSIX: a stream that was never connected is ENOTCONN; Linux says EPIPE */
	if (open && (call == SEND || call == SEND_TWICE) && theirs == -EPIPE && ours == -ENOTCONN)
		return true;
	/* POSIX: flags that are not supported are EOPNOTSUPP; Linux's datagrams do not look at MSG_OOB */
	if (state >= UDP_FRESH && call == RECV_OOB && theirs == -EAGAIN && ours == -EOPNOTSUPP)
		return true;
	/* RFC 9293 3.10.7.4: a reset in CLOSE-WAIT is told as one; Linux says EPIPE at once */
	if (state == PEER_CLOSED && call == SEND_TWICE && theirs == -EPIPE && ours == -ECONNRESET)
		return true;
	return false;
}

/* req: POSIX-bind-EADDRNOTAVAIL, POSIX-accept-EINVAL, POSIX-accept-EOPNOTSUPP, POSIX-connect-EISCONN, POSIX-shutdown-ENOTCONN,
 * POSIX-getpeername-ENOTCONN, POSIX-recv-ENOTCONN, POSIX-recv-EINVAL, POSIX-poll-c, POSIX-poll-f */
TEST(oracle_every_call_in_every_state_agrees_with_the_kernel)
{
	if (!permitted())
		skip();
	int wrong = 0;
	for (enum state state = 0; state < STATES; state++)
		for (enum call call = 0; call < CALLS; call++) {
			struct world *w = world_new();
			enter(w, state);
			int theirs = kernel_call(w, call), ours = our_call(w, call);
			if (theirs != ours && !meant(state, call, theirs, ours)) {
				print_error("%s, %s: the kernel says %d, we say %d\n", state_name[state], call_name[call], theirs, ours);
				wrong++;
			}
			world_free(w);
		}
	eq(wrong, 0);
}
