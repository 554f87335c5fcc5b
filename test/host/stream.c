/* Streams of guests: what programs would see on Linux, through pairs, the service, two stacks and a wire. */
#include "fake.h"
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <netinet/tcp.h>

struct two { struct net *n; struct guest a, b; struct sk lis, c, s; };

/* Guest a connects to a listener of guest b. */
static struct two *connected(void)
{
	static struct two t;
	t.n = net_up(NULL);
	t.a = guest_come(t.n, "curl", "");
	t.b = guest_come(t.n, "server", "web");
	t.lis = sk_listen(&t.b, 80);
	t.c = sk_new(&t.a, AF_INET, SOCK_STREAM);
	eq(sk_connect(t.c, t.b.addr, 80), 0);
	until(t.n, events_of(t.lis.fd) & POLLIN);
	t.s = sk_accept(t.lis);
	return &t;
}

static void done(struct two *t)
{
	int fds[] = { t->lis.fd, t->c.fd, t->s.fd };
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	guest_leave(&t->a);
	guest_leave(&t->b);
	until(t->n, t->n->svc.n_gsocks == 0);
	net_down(t->n);
}

TEST(hosts_are_named_after_programs_and_their_twins_numbered)
{
	struct net *n = net_up(NULL);
	struct guest a = guest_come(n, "/usr/bin/curl", ""), b = guest_come(n, "curl", ""),
		     c = guest_come(n, "x", "web"), d = guest_come(n, "Python3.11", "");
	eq_str(a.host, "curl");
	eq_str(b.host, "curl-2");
	eq_str(c.host, "web");
	eq_str(d.host, "python3-11");
	eq_str(a.addr, "10.77.0.1");
	eq_str(d.addr, "10.77.0.4");
	guest_leave(&a);
	guest_leave(&b);
	guest_leave(&c);
	until(n, n->svc.n_hosts == 1);		/* a host made for a run goes with it */
	guest_leave(&d);
	net_down(n);
}

/* A program closes and connects while the service is at its messages: it has the call before it is told of the close. */
struct meanwhile { struct watch watch; struct sk lis, c; struct sockaddr_in to; uint64_t id; };

static void close_and_connect(struct watch *w, uint32_t events)
{
	struct meanwhile *m = (struct meanwhile *)(void *)w;
	uint64_t one;
	(void)events;
	eq(read(w->fd, &one, sizeof one), sizeof one);
	close(m->lis.fd);
	m->id = ask(m->c.g, (struct ipc_call){ .op = IPC_OP_CONNECT, .sock = m->c.num }, &m->to, sizeof m->to, "", 0);
}

TEST(connect_to_a_listener_whose_close_is_not_heard_of_yet)
{
	struct net *n = net_up(NULL);
	struct guest a = guest_come(n, "curl", ""), b = guest_come(n, "server", "web");
	for (int near = 0; near < 2; near++) {
		struct meanwhile m = { .lis = sk_listen(near ? &a : &b, 80), .c = sk_new(&a, AF_INET, SOCK_STREAM),
			.to = sin_of(near ? a.addr : b.addr, 80) };
		for (int i = 0; i < 5; i++)			/* all is done, so what is ready first comes first */
			loop_turn(&n->svc.loop, 0);
		eq(watch_add(&n->svc.loop, &m.watch, eventfd(1, EFD_CLOEXEC), EPOLLIN, close_and_connect), 0);
		uint64_t first = ask(&a, (struct ipc_call){ .op = IPC_OP_GETSOCKNAME, .sock = m.c.num }, "", 0, "", 0);
		eq(wait_reply(&a, first).ret, 0);
		ok(m.id);
		eq(wait_reply(&a, m.id).ret, -ECONNREFUSED);
		watch_close(&n->svc.loop, &m.watch);
		close(m.c.fd);
	}
	guest_leave(&a);
	guest_leave(&b);
	until(n, n->svc.n_gsocks == 0);
	net_down(n);
}

TEST(bytes_pass_both_ways_and_end_of_file_follows_them)
{
	struct two *t = connected();
	char buf[16];
	ok(write_all(t->n, t->c.fd, "hello", 5));
	ok(read_all(t->n, t->s.fd, buf, 5));
	eq_mem(buf, "hello", 5);
	ok(write_all(t->n, t->s.fd, "world!", 6));
	ok(read_all(t->n, t->c.fd, buf, 6));
	eq_mem(buf, "world!", 6);
	ok(write_all(t->n, t->c.fd, "end", 3));
	shutdown(t->c.fd, SHUT_WR);
	ok(read_all(t->n, t->s.fd, buf, 3));
	eq(read_once(t->n, t->s.fd, buf, 1), 0);
	eq(events_of(t->s.fd), POLLIN | POLLOUT | POLLRDHUP);
	ok(write_all(t->n, t->s.fd, "still", 5));	/* half closed: the other way goes on */
	ok(read_all(t->n, t->c.fd, buf, 5));
	done(t);
}

/* More than all buffers together may grow to: 15 MiB here, 4 MiB there, and the two pairs. */
TEST(megabytes_arrive_as_they_were_sent_and_back_pressure_holds_the_writer)
{
	struct two *t = connected();
	size_t len = 24u << 20, sent = 0;
	uint8_t *out = malloc(len), *in = malloc(len);
	struct rng r;
	rng_init(&r, 7);
	for (size_t i = 0; i < len; i += 8)
		memcpy(out + i, &(uint64_t){ rng_u64(&r) }, 8);
	/* Nobody reads: the writer is stopped before everything is taken. */
	for (int quiet = 0; quiet < 20; quiet++) {
		ssize_t n = send(t->c.fd, out + sent, len - sent, MSG_DONTWAIT);
		if (n > 0) {
			sent += (size_t)n;
			quiet = 0;
		}
		turn(t->n);
	}
	ok(sent > 100000);
	ok(sent < len);
	size_t got = 0;
	while (got < len) {
		ssize_t n = sent < len ? send(t->c.fd, out + sent, len - sent, MSG_DONTWAIT) : 0;
		sent += n > 0 ? (size_t)n : 0;
		n = recv(t->s.fd, in + got, len - got, MSG_DONTWAIT);
		got += n > 0 ? (size_t)n : 0;
		if (n <= 0)
			turn(t->n);
	}
	eq_mem(in, out, len);
	free(in);
	free(out);
	done(t);
}

TEST(close_with_unread_data_resets_the_peer)
{
	struct two *t = connected();
	char buf[8];
	ok(write_all(t->n, t->s.fd, "unread", 6));
	until(t->n, events_of(t->c.fd) & POLLIN);
	ok(write_all(t->n, t->s.fd, "x", 1));
	sk_close(&t->c);
	until(t->n, events_of(t->s.fd) & POLLHUP);
	eq(events_of(t->s.fd), POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP);
	eq(sk_opt(t->s, SOL_SOCKET, SO_ERROR), ECONNRESET);
	eq(sk_opt(t->s, SOL_SOCKET, SO_ERROR), 0);
	eq(read_once(t->n, t->s.fd, buf, 1), -ECONNRESET);
	eq(read_once(t->n, t->s.fd, buf, 1), 0);
	done(t);
}

TEST(data_before_a_reset_is_read_first)
{
	struct two *t = connected();
	char buf[8];
	struct linger now = { 1, 0 };
	ok(write_all(t->n, t->c.fd, "last", 4));
	until(t->n, events_of(t->s.fd) & POLLIN);
	eq(call(&t->a, (struct ipc_call){ .op = IPC_OP_SETSOCKOPT, .sock = t->c.num, .arg = { SOL_SOCKET, SO_LINGER } },
		"", 0, &now, sizeof now)
		   .ret,
	   0);
	sk_close(&t->c);
	until(t->n, events_of(t->s.fd) & POLLERR);
	eq(read_once(t->n, t->s.fd, buf, 8), 4);
	eq(read_once(t->n, t->s.fd, buf, 8), -ECONNRESET);
	done(t);
}

TEST(connect_to_a_closed_port_is_refused_and_may_be_tried_again)
{
	struct two *t = connected();
	struct sk s = sk_new(&t->a, AF_INET, SOCK_STREAM);
	eq(sk_connect(s, t->b.addr, 81), -ECONNREFUSED);
	eq(sk_connect(s, t->b.addr, 80), 0);
	struct sk peer = sk_accept(t->lis);
	char c;
	ok(write_all(t->n, s.fd, "y", 1));
	ok(read_all(t->n, peer.fd, &c, 1));
	sk_close(&s);
	sk_close(&peer);
	done(t);
}

static int start_connect(struct sk s, const char *addr, uint16_t port)
{
	struct sockaddr_in a = sin_of(addr, port);
	struct reply r = call(s.g, (struct ipc_call){ .op = IPC_OP_CONNECT, .sock = s.num, .flags = IPC_CALL_NONBLOCK },
			      &a, sizeof a, "", 0);
	if (r.ret == -EINPROGRESS) {
		static const uint8_t plug[IPC_PLUG_LEN];
		eq(send(s.fd, plug, sizeof plug, MSG_DONTWAIT), sizeof plug);
	}
	return r.ret;
}

TEST(non_blocking_connect_is_writable_only_when_it_is_through)
{
	struct two *t = connected();
	struct sk s = sk_new(&t->a, AF_INET, SOCK_STREAM);
	eq(start_connect(s, t->b.addr, 80), -EINPROGRESS);
	eq(events_of(s.fd), 0);
	until(t->n, events_of(s.fd) == POLLOUT);
	eq(sk_opt(s, SOL_SOCKET, SO_ERROR), 0);
	eq(start_connect(s, t->b.addr, 80), 0);		/* as Linux: told once ... */
	eq(start_connect(s, t->b.addr, 80), -EISCONN);	/* ... and then it is connected */
	struct sk peer = sk_accept(t->lis);
	char buf[8];
	ok(write_all(t->n, s.fd, "after", 5));		/* and none of the plug comes before it */
	ok(read_all(t->n, peer.fd, buf, 5));
	eq_mem(buf, "after", 5);
	sk_close(&s);
	sk_close(&peer);
	done(t);
}

TEST(non_blocking_connect_that_fails_polls_as_error_and_tells_why_once)
{
	struct two *t = connected();
	struct sk s = sk_new(&t->a, AF_INET, SOCK_STREAM);
	eq(start_connect(s, t->b.addr, 81), -EINPROGRESS);
	until(t->n, events_of(s.fd) & POLLERR);
	ok(events_of(s.fd) & POLLHUP);
	eq(sk_opt(s, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
	eq(sk_opt(s, SOL_SOCKET, SO_ERROR), 0);
	sk_close(&s);
	done(t);
}

TEST(blocking_accept_waits_and_is_served_in_order)
{
	struct two *t = connected();
	uint64_t first = ask(&t->b, (struct ipc_call){ .op = IPC_OP_ACCEPT, .sock = t->lis.num }, "", 0, "", 0);
	uint64_t second = ask(&t->b, (struct ipc_call){ .op = IPC_OP_ACCEPT, .sock = t->lis.num }, "", 0, "", 0);
	struct sk s = sk_new(&t->a, AF_INET, SOCK_STREAM);
	eq(sk_connect(s, t->b.addr, 80), 0);
	struct reply r = wait_reply(&t->b, first);
	ok(r.ret > 0 && r.fd >= 0);
	struct sockaddr_in peer;
	memcpy(&peer, r.name, sizeof peer);
	char text[32];
	eq_str(inet_ntop(AF_INET, &peer.sin_addr, text, sizeof text), t->a.addr);
	eq(ipc_send(t->b.fd, IPC_CANCEL, second, NULL, 0, NULL, 0, NULL, 0), 0);
	eq(wait_reply(&t->b, second).ret, -EINTR);
	close(r.fd);
	sk_close(&s);
	done(t);
}

TEST(accept_without_connections_would_block_or_times_out)
{
	struct two *t = connected();
	struct ipc_call c = { .op = IPC_OP_ACCEPT, .sock = t->lis.num, .flags = IPC_CALL_NONBLOCK };
	eq(call(&t->b, c, "", 0, "", 0).ret, -EAGAIN);
	c.flags = 0;
	c.timeout_ns = 30 * OL_MS;
	eq(call(&t->b, c, "", 0, "", 0).ret, -EAGAIN);
	done(t);
}

TEST(shutting_a_listener_down_ends_the_accepts_that_wait)
{
	struct two *t = connected();
	uint64_t id = ask(&t->b, (struct ipc_call){ .op = IPC_OP_ACCEPT, .sock = t->lis.num }, "", 0, "", 0);
	uint64_t down = ask(&t->b, (struct ipc_call){ .op = IPC_OP_SHUTDOWN, .sock = t->lis.num, .arg = { SHUT_RDWR } },
			    "", 0, "", 0);
	eq(wait_reply(&t->b, id).ret, -EINVAL);
	eq(wait_reply(&t->b, down).ret, 0);
	done(t);
}

TEST(names_are_those_of_the_hosts)
{
	struct two *t = connected();
	struct reply r = call(&t->a, (struct ipc_call){ .op = IPC_OP_GETPEERNAME, .sock = t->c.num }, "", 0, "", 0);
	struct sockaddr_in a, want = sin_of(t->b.addr, 80);
	eq(r.ret, 0);
	memcpy(&a, r.name, sizeof a);
	eq_mem(&a, &want, sizeof a);
	struct sk s = sk_new(&t->a, AF_INET, SOCK_STREAM);
	eq(call(&t->a, (struct ipc_call){ .op = IPC_OP_GETPEERNAME, .sock = s.num }, "", 0, "", 0).ret, -ENOTCONN);
	sk_close(&s);
	done(t);
}

TEST(what_was_written_before_a_call_is_sent_before_it_takes_effect)
{
	struct two *t = connected();
	char buf[8];
	/* The bytes lie in the pair, unread by the service, when the call comes. */
	eq(send(t->c.fd, "bytes", 5, 0), 5);
	eq(call(&t->a, (struct ipc_call){ .op = IPC_OP_SHUTDOWN, .sock = t->c.num, .arg = { SHUT_WR } }, "", 0, "", 0)
		   .ret,
	   0);
	ok(read_all(t->n, t->s.fd, buf, 5));
	eq(read_once(t->n, t->s.fd, buf, 1), 0);
	done(t);
}

TEST(what_is_told_beside_the_data_is_not_had_by_guests)
{
	struct two *t = connected();
	static const struct { int level, name; } opts[] = { { IPPROTO_TCP, TCP_INQ }, { SOL_SOCKET, SO_ZEROCOPY },
		{ SOL_SOCKET, SO_TIMESTAMP }, { SOL_SOCKET, SO_TIMESTAMPNS }, { SOL_SOCKET, SO_TIMESTAMPING } };
	int on = 1;
	for (size_t i = 0; i < sizeof opts / sizeof *opts; i++) {
		struct ipc_call c = { .op = IPC_OP_SETSOCKOPT, .arg = { opts[i].level, opts[i].name, sizeof on } };
		struct { struct guest *g; int32_t num; } who[] = { { &t->a, t->c.num }, { &t->b, t->lis.num }, { &t->b, t->s.num } };
		for (int k = 0; k < 3; k++) {
			c.sock = who[k].num;
			eq(call(who[k].g, c, "", 0, &on, sizeof on).ret, -ENOPROTOOPT);
		}
		eq(sk_opt(t->c, opts[i].level, opts[i].name), 0);
	}
	done(t);
}

TEST(wrong_numbers_are_no_sockets)
{
	struct two *t = connected();
	eq(call(&t->a, (struct ipc_call){ .op = IPC_OP_LISTEN, .sock = 999999 }, "", 0, "", 0).ret, -EBADF);
	eq(call(&t->a, (struct ipc_call){ .op = IPC_OP_SOCKET, .arg = { 77, SOCK_STREAM, 0 } }, "", 0, "", 0).ret,
	   -EAFNOSUPPORT);
	eq(call(&t->a, (struct ipc_call){ .op = IPC_OP_SOCKET, .arg = { AF_NETLINK, SOCK_RAW, 99 } }, "", 0, "", 0).ret,
	   -EPROTONOSUPPORT);
	done(t);
}

/* ---- urgent data ------------------------------------------------------------------------------------------------- */
static int at_mark(int fd)
{
	int v = -1;
	eq(ioctl(fd, SIOCATMARK, &v), 0);
	return v;
}

static void read_is(struct net *n, int fd, const char *want)
{
	char buf[64];
	eq(read_once(n, fd, buf, sizeof buf), strlen(want));
	eq_mem(buf, want, strlen(want));
}

static void urgent_is(struct net *n, int fd, char want)
{
	char byte = 0;
	until(n, events_of(fd) & POLLPRI);
	eq(recv(fd, &byte, 1, MSG_OOB), 1);
	eq(byte, want);
}

/* RFC 6093 3.2: the octet that the pointer names, told apart from the stream.  req: MUST-62, MUST-32, MUST-33 */
TEST(urgent_bytes_go_from_guest_to_guest_with_their_mark)
{
	struct two *t = connected();
	struct net *n = t->n;
	struct sk c = t->c, s = t->s;
	for (int way = 0; way < 2; way++) {
		int from = way ? s.fd : c.fd, to = way ? c.fd : s.fd;
		eq(send(from, "abU", 3, MSG_OOB), 3);
		urgent_is(n, to, 'U');				/* ahead of what lies before it */
		eq(send(from, "cd", 2, 0), 2);
		read_is(n, to, "ab");
		eq(at_mark(to), 1);
		read_is(n, to, "cd");
		eq(at_mark(to), 0);
		eq(events_of(to) & POLLPRI, 0);
		eq(send(from, "V", 1, MSG_OOB), 1);		/* nothing before it, nothing behind */
		urgent_is(n, to, 'V');
		char byte;
		eq(recv(to, &byte, 1, MSG_DONTWAIT), -1);
		eq(errno, EAGAIN);
	}
	eq(sk_opt(s, SOL_SOCKET, SO_OOBINLINE), 0);
	int on = 1;
	eq(call(s.g, (struct ipc_call){ .op = IPC_OP_SETSOCKOPT, .sock = s.num, .arg = { SOL_SOCKET, SO_OOBINLINE, 4 } }, "", 0,
		&on, sizeof on).ret, 0);
	eq(sk_opt(s, SOL_SOCKET, SO_OOBINLINE), 1);
	setsockopt(s.fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on);	/* as the runner does beside */
	eq(send(c.fd, "abU", 3, MSG_OOB), 3);
	until(n, events_of(s.fd) & POLLPRI);
	read_is(n, s.fd, "ab");
	eq(at_mark(s.fd), 1);
	read_is(n, s.fd, "U");
	done(t);
}

/* Many, at random places: the stream without them is whole, and the last of each burst is told. */
TEST(urgent_bytes_among_much_data_disturb_none_of_it)
{
	struct two *t = connected();
	struct net *n = t->n;
	struct sk c = t->c, s = t->s;
	struct rng r;
	rng_init(&r, 0x6093);
	uint8_t sent = 0, want = 0, buf[9000];
	for (int i = 0; i < 300; i++) {
		size_t len = 1 + rng_below(&r, sizeof buf);
		for (size_t k = 0; k < len; k++)
			buf[k] = sent++;
		ok(write_all(n, c.fd, buf, len));
		eq(send(c.fd, "!", 1, MSG_OOB), 1);
		ok(read_all(n, s.fd, buf, len));
		for (size_t k = 0; k < len; k++)
			eq(buf[k], want++);
		urgent_is(n, s.fd, '!');
	}
	done(t);
}
