/* Fast Open of guests: what leaves with the SYN, whether a program says sendto(MSG_FASTOPEN) or TCP_FASTOPEN_CONNECT. */
#include "fake.h"
#include <netinet/tcp.h>

struct two { struct net *n; struct guest a, b; struct sk lis; };

static int send_fast(struct sk s, const char *addr, uint16_t port, const char *text, bool nonblock)
{
	struct sockaddr_in to = sin_of(addr, port);
	struct ipc_call c = { .op = IPC_OP_SENDTO, .sock = s.num, .flags = nonblock ? IPC_CALL_NONBLOCK : 0, .arg = { MSG_FASTOPEN } };
	int ret = call(s.g, c, &to, sizeof to, text, strlen(text)).ret;
	if (nonblock && (ret > 0 || ret == -EINPROGRESS)) {
		static const uint8_t plug[IPC_PLUG_LEN];
		eq(send(s.fd, plug, sizeof plug, MSG_DONTWAIT), sizeof plug);
	}
	return ret;
}

static bool syn_data(struct sk s)
{
	struct ipc_call c = { .op = IPC_OP_GETSOCKOPT, .sock = s.num, .arg = { IPPROTO_TCP, TCP_INFO, sizeof(struct tcp_info) } };
	struct reply r = call(s.g, c, "", 0, "", 0);
	struct tcp_info ti;
	ok(r.ret == 0 && r.data_len >= 8);
	memcpy(&ti, r.data, 8);
	return ti.tcpi_options & TCPI_OPT_SYN_DATA;
}

/* What the server gets is `text`, and no more of it. */
static void arrives(struct two *t, struct sk *s, const char *text, bool with_syn)
{
	struct sk peer = sk_accept(t->lis);
	char buf[64];
	ok(read_all(t->n, peer.fd, buf, strlen(text)));
	eq_mem(buf, text, strlen(text));
	eq(syn_data(*s), with_syn);
	eq(syn_data(peer), with_syn);
	close(s->fd);
	eq(read_once(t->n, peer.fd, buf, sizeof buf), 0);
	close(peer.fd);
	s->fd = -1;
}

static void set_opt(struct sk s, int name, int v)
{
	struct ipc_call c = { .op = IPC_OP_SETSOCKOPT, .sock = s.num, .arg = { IPPROTO_TCP, name } };
	eq(call(s.g, c, "", 0, &v, sizeof v).ret, 0);
}

/* A client that knows the server's cookie. */
static struct two *warm(void)
{
	static struct two t;
	t.n = net_up("wires: { lan: { subnet: 10.1.0.0/24 } }\n"
		     "hosts: { web: { wire: lan, settings: { tcp_fastopen: 3 } }, client: { wire: lan } }\n");
	t.a = guest_come(t.n, "curl", "client");
	t.b = guest_come(t.n, "server", "web");
	t.lis = sk_listen(&t.b, 80);
	set_opt(t.lis, TCP_FASTOPEN, 5);
	struct sk c = sk_new(&t.a, AF_INET, SOCK_STREAM);
	eq(send_fast(c, t.b.addr, 80, "hello", false), 0);	/* connected, and all is yet to be written */
	ok(write_all(t.n, c.fd, "hello", 5));
	arrives(&t, &c, "hello", false);
	return &t;
}

static void done(struct two *t)
{
	close(t->lis.fd);
	guest_leave(&t->a);
	guest_leave(&t->b);
	until(t->n, t->n->svc.n_gsocks == 0);
	net_down(t->n);
}

TEST(a_blocking_fast_open_answers_when_it_is_connected_with_what_went_with_the_syn)
{
	struct two *t = warm();
	struct sk c = sk_new(&t->a, AF_INET, SOCK_STREAM);
	eq(send_fast(c, t->b.addr, 80, "in the SYN", false), 10);
	eq(events_of(c.fd), POLLOUT);
	eq(send_fast(c, t->b.addr, 80, "again", false), -EISCONN);
	ok(write_all(t->n, c.fd, " and after", 10));
	arrives(t, &c, "in the SYN and after", true);
	c = sk_new(&t->a, AF_INET, SOCK_STREAM);
	eq(send_fast(c, t->b.addr, 81, "nobody", false), -ECONNREFUSED);
	eq(sk_connect(c, t->b.addr, 80), 0);			/* and may try again */
	arrives(t, &c, "", false);
	done(t);
}

TEST(a_non_blocking_fast_open_is_writable_when_it_is_connected)
{
	struct two *t = warm();
	struct sk c = sk_new(&t->a, AF_INET, SOCK_STREAM);
	eq(send_fast(c, t->b.addr, 80, "in the SYN", true), 10);
	eq(events_of(c.fd), 0);
	until(t->n, events_of(c.fd) == POLLOUT);
	ok(write_all(t->n, c.fd, " and after", 10));
	arrives(t, &c, "in the SYN and after", true);
	c = sk_new(&t->a, AF_INET, SOCK_STREAM);
	eq(send_fast(c, t->b.addr, 81, "nobody", true), -EINPROGRESS);
	until(t->n, events_of(c.fd) & POLLERR);
	eq(sk_opt(c, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
	sk_close(&c);
	done(t);
}

TEST(a_deferred_connect_takes_the_first_write_along)
{
	struct two *t = warm();
	struct sk c = sk_new(&t->a, AF_INET, SOCK_STREAM), idle = sk_new(&t->a, AF_INET, SOCK_STREAM);
	set_opt(c, TCP_FASTOPEN_CONNECT, 1);
	eq(sk_connect(c, t->b.addr, 80), 0);
	eq(sk_connect(c, t->b.addr, 80), -EISCONN);
	ok(write_all(t->n, c.fd, "in the SYN", 10));
	struct ipc_call name = { .op = IPC_OP_GETPEERNAME, .sock = c.num };
	(void)call(&t->a, name, "", 0, "", 0);			/* the service has seen it by now */
	ok(write_all(t->n, c.fd, " and after", 10));
	arrives(t, &c, "in the SYN and after", true);
	set_opt(idle, TCP_FASTOPEN_CONNECT, 1);			/* never written to: nobody hears of it */
	eq(sk_connect(idle, t->b.addr, 80), 0);
	close(idle.fd);
	c = sk_new(&t->a, AF_INET, SOCK_STREAM);
	set_opt(c, TCP_FASTOPEN_CONNECT, 1);
	eq(sk_connect(c, t->b.addr, 80), 0);
	eq(send_fast(c, t->b.addr, 80, "both", false), 4);
	arrives(t, &c, "both", true);
	c = sk_new(&t->a, AF_INET, SOCK_STREAM);		/* no way there: told at the first write */
	set_opt(c, TCP_FASTOPEN_CONNECT, 1);
	eq(sk_connect(c, "10.99.0.1", 80), -ENETUNREACH);
	sk_close(&c);
	done(t);
}
