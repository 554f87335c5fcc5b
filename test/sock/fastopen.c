/* Fast Open through the calls: sendto(MSG_FASTOPEN), TCP_FASTOPEN_CONNECT and the listener's options, as Linux answers them. */
#include <errno.h>
#include <netinet/tcp.h>
#include "pair.h"
#include "unit.h"

static ssize_t send_to(struct pair *p, ol_sock s, size_t len, int flags, const void *addr, socklen_t addr_len)
{
	static char text[4000];
	struct iovec v = { text, len };
	struct msghdr m = { .msg_name = (void *)addr, .msg_namelen = addr_len, .msg_iov = &v, .msg_iovlen = 1 };
	return ol_sendmsg(A(p), s, &m, flags, p->now);
}

static ol_sock stream(struct ol_stack *stk, struct pair *p) { return ol_socket(stk, AF_INET, SOCK_STREAM, 0, p->now); }

static ol_sock serve(struct pair *p, uint16_t port)
{
	struct sockaddr_in any = in4("0.0.0.0", port);
	ol_sock l = stream(B(p), p);
	eq(pair_setopt(p, B(p), l, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	eq(ol_bind(B(p), l, SA(any), p->now), 0);
	eq(pair_setopt(p, B(p), l, IPPROTO_TCP, TCP_FASTOPEN, 10), 0);
	eq(ol_listen(B(p), l, 5, p->now), 0);
	return l;
}

static size_t take(struct pair *p, ol_sock l, ol_sock *child)
{
	*child = ol_accept(B(p), l, NULL, NULL, p->now);
	return *child < 0 ? 0 : ol_readable(B(p), *child);
}

static uint8_t state(struct ol_stack *stk, struct pair *p, ol_sock s)
{
	uint8_t v = 0;
	socklen_t len = 1;
	eq(ol_getsockopt(stk, s, IPPROTO_TCP, TCP_INFO, &v, &len, p->now), 0);
	return v;
}

/* A cookie of b's port 80 in a's hands. */
static ol_sock warm(struct pair *p)
{
	struct sockaddr_in to = in4("10.0.0.2", 80);
	ol_sock l = serve(p, 80), c = stream(A(p), p), s;
	eq(send_to(p, c, 10, MSG_FASTOPEN, SA(to)), -EINPROGRESS);		/* nothing went: all is to be sent once connected */
	eq(send_to(p, c, 10, MSG_FASTOPEN, SA(to)), -EALREADY);
	eq(send_to(p, c, 10, 0, NULL, 0), -EAGAIN);
	pair_run(p, 100);
	eq(send_to(p, c, 10, MSG_FASTOPEN, SA(to)), 10);			/* as a connect() asked again: it is done */
	eq(send_to(p, c, 10, MSG_FASTOPEN, SA(to)), -EISCONN);
	pair_run(p, 100);
	eq(take(p, l, &s), 10);
	eq(ol_close(A(p), c, p->now), 0);
	eq(ol_close(B(p), s, p->now), 0);
	pair_run(p, 100);
	return l;
}

TEST(fastopen_sendto_connects_and_sends)
{
	struct pair *p = pair_new("tcp_fastopen=3");
	ol_sock l = warm(p), c = stream(A(p), p), s;
	struct sockaddr_in to = in4("10.0.0.2", 80);
	eq(send_to(p, c, 4000, MSG_FASTOPEN, SA(to)), 1420);
	eq(ol_poll(A(p), c) & OL_EV_OUT, 0);
	pair_run(p, 1);								/* the SYN is there; its answer is not */
	eq(take(p, l, &s), 1420);
	eq(state(B(p), p, s), OL_TCP_SYN_RECEIVED);
	eq(ol_send(B(p), s, "quick", 5, 0, p->now), 5);
	pair_run(p, 100);
	eq(state(A(p), p, c), OL_TCP_ESTABLISHED);
	eq(ol_readable(A(p), c), 5);
	ol_sock none = stream(A(p), p);						/* with nothing to send it is a connect() */
	eq(send_to(p, none, 0, MSG_FASTOPEN, SA(to)), -EINPROGRESS);
	pair_run(p, 100);
	eq(state(A(p), p, none), OL_TCP_ESTABLISHED);
	pair_free(p);
}

TEST(fastopen_sendto_says_no)
{
	struct pair *p = pair_new("tcp_fastopen=2");
	struct sockaddr_in to = in4("10.0.0.2", 80);
	ol_sock c = stream(A(p), p);
	eq(send_to(p, c, 10, MSG_FASTOPEN, SA(to)), -EOPNOTSUPP);		/* clients are switched off; req: POSIX-send-EOPNOTSUPP */
	eq(pair_setopt(p, A(p), c, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1), -EOPNOTSUPP);
	pair_free(p);
	p = pair_new(NULL);
	struct sockaddr_in nobody = { .sin_family = AF_UNSPEC }, nowhere = in4("192.168.77.1", 80);
	c = stream(A(p), p);
	eq(send_to(p, c, 10, MSG_FASTOPEN, SA(nobody)), -EOPNOTSUPP);
	eq(send_to(p, c, 10, MSG_FASTOPEN, NULL, 0), -EINVAL);
	eq(send_to(p, c, 10, MSG_FASTOPEN, SA(nowhere)), -ENETUNREACH);
	eq(send_to(p, c, 10, MSG_FASTOPEN, SA(to)), -EINPROGRESS);		/* and after all that it still works */
	pair_run(p, 100);
	eq(send_to(p, c, 10, 0, NULL, 0), -ECONNREFUSED);
	pair_free(p);
}

TEST(fastopen_connect_waits_for_the_first_write)
{
	struct pair *p = pair_new("tcp_fastopen=3");
	ol_sock l = warm(p), c = stream(A(p), p), s;
	struct sockaddr_in to = in4("10.0.0.2", 80), name;
	socklen_t len = sizeof name;
	char buf[8];
	uint64_t before = p->frames;
	eq(pair_setopt(p, A(p), c, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1), 0);
	eq(ol_connect(A(p), c, SA(to), p->now), 0);
	pair_run(p, 100);
	eq(p->frames, before);							/* not a word yet */
	eq(ol_poll(A(p), c), OL_EV_OUT);
	eq(ol_connect(A(p), c, SA(to), p->now), -EISCONN);
	eq(ol_recv(A(p), c, buf, sizeof buf, 0, p->now), -EAGAIN);
	eq(ol_getpeername(A(p), c, (struct sockaddr *)&name, &len), -ENOTCONN);
	eq(ol_getsockname(A(p), c, (struct sockaddr *)&name, &len), 0);
	ok(name.sin_port != 0);
	eq(pair_setopt(p, A(p), c, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1), -EINVAL);
	eq(ol_bind(A(p), c, SA(name), p->now), -EINVAL);
	eq(ol_listen(A(p), c, 1, p->now), -EINVAL);
	eq(ol_send(A(p), c, "hello", 5, 0, p->now), 5);
	pair_run(p, 1);
	eq(take(p, l, &s), 5);
	pair_run(p, 100);
	eq(state(A(p), p, c), OL_TCP_ESTABLISHED);
	eq(ol_send(A(p), c, "hello", 5, 0, p->now), 5);
	ol_sock other = stream(A(p), p);					/* one that is never written to goes without a trace */
	eq(pair_setopt(p, A(p), other, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1), 0);
	eq(ol_connect(A(p), other, SA(to), p->now), 0);
	eq(ol_close(A(p), other, p->now), 0);
	other = stream(A(p), p);						/* shut, it may connect anew */
	eq(pair_setopt(p, A(p), other, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1), 0);
	eq(ol_connect(A(p), other, SA(to), p->now), 0);
	eq(ol_shutdown(A(p), other, SHUT_WR, p->now), 0);
	eq(ol_send(A(p), other, "x", 1, 0, p->now), -ENOTCONN);
	eq(ol_connect(A(p), other, SA(to), p->now), 0);
	eq(send_to(p, other, 0, 0, NULL, 0), -EINPROGRESS);			/* nothing to send: the handshake goes all the same */
	pair_run(p, 100);
	eq(state(A(p), p, other), OL_TCP_ESTABLISHED);
	struct sockaddr_in elsewhere = in4("10.0.0.2", 99);			/* no cookie for it: an open that asks for one */
	other = stream(A(p), p);
	eq(pair_setopt(p, A(p), other, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1), 0);
	eq(ol_connect(A(p), other, SA(elsewhere), p->now), -EINPROGRESS);
	pair_run(p, 100);
	eq(ol_connect(A(p), other, SA(elsewhere), p->now), -ECONNREFUSED);
	pair_free(p);
}

TEST(fastopen_keys_of_a_listener)
{
	struct pair *p = pair_new("tcp_fastopen=3,tcp_fastopen_key=1-2-3-4");
	uint8_t got[40];
	socklen_t len = sizeof got;
	static const uint8_t two[32] = "0123456789abcdefFEDCBA9876543210";
	ol_sock l = stream(B(p), p);
	eq(ol_getsockopt(B(p), l, IPPROTO_TCP, TCP_FASTOPEN_KEY, got, &len, p->now), 0);
	eq(len, 16);								/* the configured */
	eq(got[4], 2);
	eq(ol_setsockopt(B(p), l, IPPROTO_TCP, TCP_FASTOPEN_KEY, two, 15, p->now), -EINVAL);
	eq(ol_setsockopt(B(p), l, IPPROTO_TCP, TCP_FASTOPEN_KEY, two, 32, p->now), 0);
	for (int listening = 0; listening < 2; listening++) {
		len = sizeof got;
		eq(ol_getsockopt(B(p), l, IPPROTO_TCP, TCP_FASTOPEN_KEY, got, &len, p->now), 0);
		eq(len, 32);
		eq_mem(got, two, 32);
		if (!listening) {
			struct sockaddr_in any = in4("0.0.0.0", 80);
			eq(ol_bind(B(p), l, SA(any), p->now), 0);
			eq(ol_listen(B(p), l, 5, p->now), 0);
		}
	}
	eq(ol_setsockopt(B(p), l, IPPROTO_TCP, TCP_FASTOPEN_KEY, two, 16, p->now), 0);
	len = sizeof got;
	eq(ol_getsockopt(B(p), l, IPPROTO_TCP, TCP_FASTOPEN_KEY, got, &len, p->now), 0);
	eq(len, 16);
	pair_free(p);
}

TEST(fastopen_options_have_their_time)
{
	struct pair *p = pair_new("tcp_fastopen=3");
	struct stream st = pair_stream(p, 4, 80);
	eq(pair_setopt(p, A(p), st.client, IPPROTO_TCP, TCP_FASTOPEN, 5), -EINVAL);
	eq(pair_setopt(p, A(p), st.client, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1), -EINVAL);
	eq(pair_setopt(p, A(p), st.client, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1), -EINVAL);
	eq(pair_setopt(p, B(p), st.listener, IPPROTO_TCP, TCP_FASTOPEN, 5), 0);
	eq(pair_opt(B(p), st.listener, IPPROTO_TCP, TCP_FASTOPEN), 5);
	eq(pair_opt(B(p), st.server, IPPROTO_TCP, TCP_FASTOPEN), 0);
	eq(pair_setopt(p, B(p), st.listener, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1), 0);
	ol_sock c = stream(A(p), p);						/* neither side asks for a cookie then */
	struct sockaddr_in to = in4("10.0.0.2", 80);
	eq(pair_setopt(p, A(p), c, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1), 0);
	eq(send_to(p, c, 100, MSG_FASTOPEN, SA(to)), 100);
	pair_run(p, 1);
	ol_sock s;
	eq(take(p, st.listener, &s), 100);
	pair_free(p);
}

/* A listener that closed is no listener any more, though what it accepted holds the port on: SO_REUSEADDR lets another come. */
TEST(stream_listener_may_be_started_again_while_its_children_live)
{
	struct pair *p = pair_new(NULL);
	ol_sock l = serve(p, 80), c = stream(A(p), p), s;
	struct sockaddr_in to = in4("10.0.0.2", 80);
	eq(ol_connect(A(p), c, SA(to), p->now), -EINPROGRESS);
	pair_run(p, 100);
	take(p, l, &s);
	ok(s >= 0);
	eq(ol_close(B(p), l, p->now), 0);
	serve(p, 80);
	pair_free(p);
}
