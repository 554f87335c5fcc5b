/* Stream sockets between two hosts in memory: what each call answers in each state, and what the peer sees. */
#include <errno.h>
#include <stdlib.h>
#include "pair.h"
#include "unit.h"

static void echo(struct pair *p, struct stream *st)
{
	char buf[64];
	eq(ol_send(A(p), st->client, "hello", 5, 0, p->now), 5);
	pair_run(p, 100);
	eq(ol_readable(B(p), st->server), 5);
	eq(ol_recv(B(p), st->server, buf, sizeof buf, 0, p->now), 5);
	eq(ol_send(B(p), st->server, buf, 5, 0, p->now), 5);
	pair_run(p, 100);
	eq(ol_recv(A(p), st->client, buf, sizeof buf, 0, p->now), 5);
	eq_mem(buf, "hello", 5);
	eq(ol_recv(A(p), st->client, buf, sizeof buf, 0, p->now), -EAGAIN);
}

/* req: POSIX-socket-b, POSIX-recv-a, POSIX-recv-EAGAIN, POSIX-shutdown-a, POSIX-close-a */
static void whole_life(int family)
{
	struct pair *p = pair_new(NULL);
	struct stream st = pair_stream(p, family, 80);
	char buf[8];
	echo(p, &st);
	eq(ol_shutdown(A(p), st.client, SHUT_WR, p->now), 0);
	pair_run(p, 100);
	eq(ol_recv(B(p), st.server, buf, sizeof buf, 0, p->now), 0);
	eq(ol_send(A(p), st.client, "x", 1, 0, p->now), -EPIPE);		/* req: POSIX-send-EPIPE */
	eq(ol_send(B(p), st.server, "bye", 3, 0, p->now), 3);			/* half closed: the other way goes on */
	eq(ol_close(B(p), st.server, p->now), 0);
	pair_run(p, 100);
	eq(ol_recv(A(p), st.client, buf, sizeof buf, 0, p->now), 3);
	eq(ol_recv(A(p), st.client, buf, sizeof buf, 0, p->now), 0);
	ok(ol_poll(A(p), st.client) & OL_EV_HUP);
	eq(ol_close(A(p), st.client, p->now), 0);
	eq(ol_close(A(p), st.client, p->now), -EBADF);				/* req: POSIX-close-EBADF */
	pair_free(p);
}
TEST(stream_lives_from_connect_to_close_over_ip4) { whole_life(4); }
TEST(stream_lives_from_connect_to_close_over_ip6) { whole_life(6); }

/* RFC 3493 3.7: an AF_INET6 listener on :: also takes IPv4, and sees its peer as a mapped address.  req: 3493-3.7-a */
TEST(stream_dual_stack_listener_sees_a_mapped_peer)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in6 any = in6("::", 99), peer, name;
	struct sockaddr_in to = in4("10.0.0.2", 99);
	socklen_t len = sizeof peer;
	ol_sock l = ol_socket(B(p), AF_INET6, SOCK_STREAM, 0, p->now);
	eq(ol_bind(B(p), l, SA(any), p->now), 0);
	eq(ol_listen(B(p), l, 5, p->now), 0);
	ol_sock c = ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now);
	eq(ol_connect(A(p), c, SA(to), p->now), -EINPROGRESS);
	pair_run(p, 100);
	ol_sock s = ol_accept(B(p), l, (struct sockaddr *)&peer, &len, p->now);
	ok(s >= 0);
	eq(len, sizeof peer);
	eq(peer.sin6_family, AF_INET6);
	ok(IN6_IS_ADDR_V4MAPPED(&peer.sin6_addr));
	eq_mem(&peer.sin6_addr.s6_addr[12], "\x0a\0\0\1", 4);
	len = sizeof name;
	eq(ol_getsockname(B(p), s, (struct sockaddr *)&name, &len), 0);
	ok(IN6_IS_ADDR_V4MAPPED(&name.sin6_addr));
	eq(ntohs(name.sin6_port), 99);
	pair_free(p);
}

/* req: 3493-5.3-a */
TEST(stream_v6only_listener_refuses_ip4)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in6 any = in6("::", 99);
	struct sockaddr_in to = in4("10.0.0.2", 99);
	ol_sock l = ol_socket(B(p), AF_INET6, SOCK_STREAM, 0, p->now);
	eq(pair_opt(B(p), l, IPPROTO_IPV6, IPV6_V6ONLY), 0);
	eq(pair_setopt(p, B(p), l, IPPROTO_IPV6, IPV6_V6ONLY, 1), 0);
	eq(ol_bind(B(p), l, SA(any), p->now), 0);
	eq(pair_setopt(p, B(p), l, IPPROTO_IPV6, IPV6_V6ONLY, 0), -EINVAL);
	eq(ol_listen(B(p), l, 5, p->now), 0);
	ol_sock c = ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now);
	eq(ol_connect(A(p), c, SA(to), p->now), -EINPROGRESS);
	pair_run(p, 100);
	eq(pair_opt(A(p), c, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
	pair_free(p);
}

/* req: POSIX-connect-EINPROGRESS, POSIX-connect-EALREADY, POSIX-connect-EISCONN, POSIX-connect-e, POSIX-connect-f, POSIX-connect-a */
TEST(stream_connect_answers_by_state)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in to = in4("10.0.0.2", 80), name;
	socklen_t len = sizeof name;
	ol_sock l = ol_socket(B(p), AF_INET, SOCK_STREAM, 0, p->now), c = ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now);
	eq(ol_bind(B(p), l, SA(to), p->now), 0);
	eq(ol_listen(B(p), l, 1, p->now), 0);
	eq(ol_connect(A(p), c, SA(to), p->now), -EINPROGRESS);
	eq(ol_connect(A(p), c, SA(to), p->now), -EALREADY);
	ok(!(ol_poll(A(p), c) & OL_EV_OUT));
	eq(ol_getpeername(A(p), c, (struct sockaddr *)&name, &len), -ENOTCONN);
	pair_run(p, 100);
	ok(ol_poll(A(p), c) & OL_EV_OUT);
	eq(ol_connect(A(p), c, SA(to), p->now), 0);		/* Linux: the attempt is over, once */
	eq(ol_connect(A(p), c, SA(to), p->now), -EISCONN);
	eq(ol_listen(A(p), c, 1, p->now), -EINVAL);		/* req: POSIX-listen-EINVAL */
	eq(ol_bind(A(p), c, SA(to), p->now), -EADDRNOTAVAIL);
	len = sizeof name;
	eq(ol_getsockname(A(p), c, (struct sockaddr *)&name, &len), 0);
	ok(ntohs(name.sin_port) >= 32768 && ntohs(name.sin_port) <= 60999);
	eq(ntohl(name.sin_addr.s_addr), 0x0a000001);
	pair_free(p);
}

/* req: POSIX-connect-ECONNREFUSED, POSIX-sys_socket.h-b, POSIX-general-a */
TEST(stream_refused_connect_tells_once_and_may_try_again)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in to = in4("10.0.0.2", 81);
	ol_sock c = ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now);
	eq(ol_connect(A(p), c, SA(to), p->now), -EINPROGRESS);
	pair_run(p, 100);
	ok(ol_poll(A(p), c) & OL_EV_ERR);
	ok(ol_poll(A(p), c) & OL_EV_OUT);
	eq(pair_opt(A(p), c, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
	eq(pair_opt(A(p), c, SOL_SOCKET, SO_ERROR), 0);
	eq(ol_connect(A(p), c, SA(to), p->now), -ECONNABORTED);	/* Linux: the error was told already */
	eq(ol_connect(A(p), c, SA(to), p->now), -EINPROGRESS);
	pair_run(p, 100);
	eq(ol_connect(A(p), c, SA(to), p->now), -ECONNREFUSED);
	pair_free(p);
}

/* req: POSIX-connect-ETIMEDOUT */
TEST(stream_connect_to_nobody_times_out)
{
	struct pair *p = pair_new("tcp_syn_retries=2");
	struct sockaddr_in to = in4("10.0.0.2", 80);
	ol_sock c = ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now), u = ol_socket(A(p), AF_INET, SOCK_DGRAM, 0, p->now);
	struct iovec iov = { (void *)(uintptr_t)"x", 1 };
	struct msghdr msg = { .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &iov, .msg_iovlen = 1 };
	eq(ol_sendmsg(A(p), u, &msg, 0, p->now), 1);		/* so that the neighbour is known */
	pair_run(p, 1000);
	p->cut = true;
	eq(ol_connect(A(p), c, SA(to), p->now), -EINPROGRESS);
	pair_run(p, 60000);
	int err = pair_opt(A(p), c, SOL_SOCKET, SO_ERROR);
	ok(err == ETIMEDOUT || err == EHOSTUNREACH);		/* the neighbour falls silent as well */
	pair_free(p);
}

/* req: POSIX-connect-ENETUNREACH, POSIX-connect-EAFNOSUPPORT, POSIX-connect-may */
TEST(stream_connect_refuses_bad_addresses)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in far = in4("192.0.2.1", 80), group = in4("224.0.0.1", 80), wide = in4("10.0.0.255", 80);
	struct sockaddr_in6 six = in6("fd00::2", 80);
	ol_sock c = ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now), c6 = ol_socket(A(p), AF_INET6, SOCK_STREAM, 0, p->now);
	eq(ol_connect(A(p), c, SA(far), p->now), -ENETUNREACH);
	eq(ol_connect(A(p), c, SA(group), p->now), -ENETUNREACH);
	eq(ol_connect(A(p), c, SA(wide), p->now), -ENETUNREACH);
	eq(ol_connect(A(p), c, SA(six), p->now), -EAFNOSUPPORT);
	eq(ol_connect(A(p), c, (struct sockaddr *)&far, 8, p->now), -EINVAL);
	eq(ol_connect(A(p), c6, (struct sockaddr *)&six, 20, p->now), -EINVAL);
	eq(pair_setopt(p, A(p), c6, IPPROTO_IPV6, IPV6_V6ONLY, 1), 0);
	struct sockaddr_in6 mapped = in6("::ffff:10.0.0.2", 80);
	eq(ol_connect(A(p), c6, SA(mapped), p->now), -ENETUNREACH);
	pair_free(p);
}

/* req: POSIX-send-ENOTCONN, POSIX-recv-ENOTCONN, POSIX-shutdown-ENOTCONN, POSIX-getpeername-ENOTCONN, POSIX-accept-EINVAL,
 * POSIX-accept-EAGAIN, POSIX-accept-EOPNOTSUPP, POSIX-listen-EOPNOTSUPP, POSIX-shutdown-EINVAL */
TEST(stream_calls_in_the_wrong_state_say_which)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in any = in4("0.0.0.0", 0), name;
	socklen_t len = sizeof name;
	char c;
	ol_sock s = ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now), u = ol_socket(A(p), AF_INET, SOCK_DGRAM, 0, p->now);
	eq(ol_send(A(p), s, "x", 1, 0, p->now), -ENOTCONN);
	eq(ol_recv(A(p), s, &c, 1, 0, p->now), -ENOTCONN);
	eq(ol_shutdown(A(p), s, SHUT_WR, p->now), -ENOTCONN);
	eq(ol_shutdown(A(p), s, 7, p->now), -EINVAL);
	eq(ol_getpeername(A(p), s, (struct sockaddr *)&name, &len), -ENOTCONN);
	eq(ol_accept(A(p), s, NULL, NULL, p->now), -EINVAL);
	eq(ol_accept(A(p), u, NULL, NULL, p->now), -EOPNOTSUPP);
	eq(ol_listen(A(p), u, 1, p->now), -EOPNOTSUPP);
	eq(ol_bind(A(p), s, SA(any), p->now), 0);
	eq(ol_bind(A(p), s, SA(any), p->now), -EINVAL);		/* req: POSIX-bind-EINVAL */
	eq(ol_listen(A(p), s, 1, p->now), 0);
	eq(ol_accept(A(p), s, NULL, NULL, p->now), -EAGAIN);
	eq(ol_send(A(p), s, "x", 1, 0, p->now), -ENOTCONN);
	eq(ol_recv(A(p), s, &c, 1, 0, p->now), -ENOTCONN);
	eq(pair_opt(A(p), s, SOL_SOCKET, SO_ACCEPTCONN), 1);	/* req: POSIX-sys_socket.h-a */
	eq(ol_shutdown(A(p), s, SHUT_RD, p->now), 0);		/* Linux: ends listening */
	eq(ol_accept(A(p), s, NULL, NULL, p->now), -EINVAL);
	pair_free(p);
}

/* req: POSIX-listen-a, POSIX-accept-a, POSIX-accept-b, POSIX-poll-f.  Connections beyond the backlog wait outside. */
TEST(stream_backlog_is_the_number_that_may_wait)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in to = in4("10.0.0.2", 80);
	ol_sock l = ol_socket(B(p), AF_INET, SOCK_STREAM, 0, p->now), c[4];
	eq(ol_bind(B(p), l, SA(to), p->now), 0);
	eq(ol_listen(B(p), l, 1, p->now), 0);
	for (int i = 0; i < 4; i++) {
		c[i] = ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now);
		eq(ol_connect(A(p), c[i], SA(to), p->now), -EINPROGRESS);
		pair_run(p, 20);
	}
	ok(ol_poll(B(p), l) & OL_EV_IN);
	eq(ol_backlog(B(p), l), 2);				/* Linux: one more than asked for */
	struct sockaddr_in peer, name;
	socklen_t len = sizeof peer;
	ol_sock s = ol_accept(B(p), l, (struct sockaddr *)&peer, &len, p->now);
	ok(s >= 0);
	len = sizeof name;
	eq(ol_getsockname(A(p), c[0], (struct sockaddr *)&name, &len), 0);
	eq(peer.sin_port, name.sin_port);			/* the first come */
	eq(peer.sin_addr.s_addr, name.sin_addr.s_addr);
	pair_run(p, 10000);					/* SYNs are sent again, the third gets in */
	eq(ol_backlog(B(p), l), 2);
	pair_free(p);
}

/* req: POSIX-sys_socket.h-j, POSIX-recv-ECONNRESET, POSIX-send-EPIPE */
TEST(stream_linger_zero_resets)
{
	struct pair *p = pair_new(NULL);
	struct stream st = pair_stream(p, 4, 80);
	struct linger now = { 1, 0 };
	char c;
	eq(ol_setsockopt(A(p), st.client, SOL_SOCKET, SO_LINGER, &now, sizeof now, p->now), 0);
	eq(ol_send(A(p), st.client, "unsent", 6, 0, p->now), 6);
	eq(ol_close(A(p), st.client, p->now), 0);
	pair_run(p, 100);
	ok(p->last_flags & 4);
	ok(ol_poll(B(p), st.server) & OL_EV_ERR);
	while (ol_recv(B(p), st.server, &c, 1, 0, p->now) > 0)
		;
	eq(ol_send(B(p), st.server, "x", 1, 0, p->now), -EPIPE);
	pair_free(p);
}

/* RFC 9293 3.6, RFC 2525 2.17: what was sent here is lost, so the peer must hear of it */
TEST(stream_close_with_unread_data_resets)
{
	struct pair *p = pair_new(NULL);
	struct stream st = pair_stream(p, 4, 80);
	char c;
	eq(ol_send(A(p), st.client, "unread", 6, 0, p->now), 6);
	pair_run(p, 100);
	eq(ol_close(B(p), st.server, p->now), 0);
	pair_run(p, 100);
	ok(p->last_flags & 4);
	eq(ol_recv(A(p), st.client, &c, 1, 0, p->now), -ECONNRESET);
	eq(ol_recv(A(p), st.client, &c, 1, 0, p->now), 0);	/* once; then it is over */
	pair_free(p);
}

/* req: POSIX-close-b */
TEST(stream_lingering_ends_with_the_last_acknowledgement)
{
	struct pair *p = pair_new(NULL);
	struct stream st = pair_stream(p, 4, 80);
	struct linger wait = { 1, 9 };
	eq(ol_lingering(A(p), st.client), 0);
	eq(ol_setsockopt(A(p), st.client, SOL_SOCKET, SO_LINGER, &wait, sizeof wait, p->now), 0);
	eq(ol_send(A(p), st.client, "last words", 10, 0, p->now), 10);
	eq(ol_shutdown(A(p), st.client, SHUT_RDWR, p->now), 0);
	eq(ol_lingering(A(p), st.client), 9 * OL_SEC);
	pair_run(p, 200);
	eq(ol_lingering(A(p), st.client), 0);
	pair_free(p);
}

/* connect(AF_UNSPEC): the peer is reset, the socket begins anew with the port bind() gave it */
TEST(stream_af_unspec_takes_it_back_to_its_beginning)
{
	struct pair *p = pair_new(NULL);
	struct stream st = pair_stream(p, 4, 80);
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct sockaddr_in to = in4("10.0.0.2", 80), name;
	socklen_t len = sizeof name;
	eq(pair_setopt(p, A(p), st.client, IPPROTO_TCP, 1 /* TCP_NODELAY */, 1), 0);
	eq(ol_connect(A(p), st.client, &none, sizeof none, p->now), 0);
	pair_run(p, 100);
	ok(p->last_flags & 4);
	eq(ol_getpeername(A(p), st.client, (struct sockaddr *)&name, &len), -ENOTCONN);
	eq(pair_opt(A(p), st.client, IPPROTO_TCP, 1), 1);	/* options stay */
	eq(ol_connect(A(p), st.client, SA(to), p->now), -EINPROGRESS);
	pair_run(p, 100);
	eq(ol_connect(A(p), st.client, SA(to), p->now), 0);
	pair_free(p);
}

/* Events: one per socket however much happened, none for connections nobody accepted */
TEST(stream_events_name_each_socket_once)
{
	struct pair *p = pair_new(NULL);
	struct stream st = pair_stream(p, 4, 80);
	struct ol_event ev;
	int tag;
	while (ol_event_next(B(p), &ev))
		;
	ol_set_tag(B(p), st.server, &tag);
	for (int i = 0; i < 3; i++) {
		eq(ol_send(A(p), st.client, "x", 1, 0, p->now), 1);
		pair_run(p, 100);
	}
	ok(ol_event_next(B(p), &ev));
	eq(ev.sock, st.server);
	ok(ev.tag == &tag);
	ok(ev.ready & OL_EV_IN);
	ok(!ol_event_next(B(p), &ev));
	struct sockaddr_in to = in4("10.0.0.2", 80);
	ol_sock c = ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now);
	eq(ol_connect(A(p), c, SA(to), p->now), -EINPROGRESS);
	pair_run(p, 100);
	eq(ol_send(A(p), c, "early", 5, 0, p->now), 5);
	pair_run(p, 100);
	ok(ol_event_next(B(p), &ev));
	eq(ev.sock, st.listener);
	ok(!ol_event_next(B(p), &ev));
	ol_sock s = ol_accept(B(p), st.listener, NULL, NULL, p->now);
	ok(ol_event_next(B(p), &ev));				/* what it got before it was accepted */
	eq(ev.sock, s);
	ok(ev.ready & OL_EV_IN);
	pair_free(p);
}

/* req: POSIX-recv-d, POSIX-recv-EINVAL, POSIX-send-e, POSIX-sockatmark-a */
TEST(stream_peek_trunc_and_urgent_data)
{
	struct pair *p = pair_new(NULL);
	struct stream st = pair_stream(p, 4, 80);
	char buf[16];
	eq(ol_recv(B(p), st.server, buf, 1, MSG_OOB, p->now), -EINVAL);
	eq(ol_send(A(p), st.client, "abc", 3, 0, p->now), 3);
	pair_run(p, 100);
	eq(ol_recv(B(p), st.server, buf, sizeof buf, MSG_PEEK, p->now), 3);
	eq(ol_recv(B(p), st.server, buf, 2, MSG_TRUNC, p->now), 2);	/* tcp(7): thrown away unread */
	eq(ol_recv(B(p), st.server, buf, sizeof buf, 0, p->now), 1);
	eq(buf[0], 'c');
	eq(ol_send(A(p), st.client, "d!", 2, MSG_OOB, p->now), 2);
	pair_run(p, 100);
	ok(ol_poll(B(p), st.server) & OL_EV_PRI);
	eq(ol_recv(B(p), st.server, buf, 1, MSG_OOB, p->now), 1);
	eq(buf[0], '!');
	eq(ol_at_mark(B(p), st.server), 0);
	eq(ol_recv(B(p), st.server, buf, sizeof buf, 0, p->now), 1);
	eq(ol_at_mark(B(p), st.server), 1);
	pair_free(p);
}

/* The urgent byte goes where there is room for it; without any it is lost, and the message says so. */
TEST(stream_urgent_byte_needs_room)
{
	struct pair *p = pair_new(NULL);
	struct stream st = pair_stream(p, 4, 80);
	char byte = 0;
	struct iovec iov[2] = { { NULL, 0 }, { &byte, 1 } };
	for (size_t n = 2; n >= 1; n--) {
		struct msghdr m = { .msg_iov = iov, .msg_iovlen = n };
		eq(ol_send(A(p), st.client, "!", 1, MSG_OOB, p->now), 1);
		pair_run(p, 100);
		eq(ol_recvmsg(B(p), st.server, &m, MSG_OOB, p->now), n == 2 ? 1 : 0);
		eq(m.msg_flags, n == 2 ? MSG_OOB : MSG_TRUNC);
		eq(byte, n == 2 ? '!' : 0);
		eq(ol_recv(B(p), st.server, &byte, 1, MSG_OOB, p->now), -EINVAL);
		byte = 0;
	}
	pair_free(p);
}

/* A megabyte through both queues, by copies one way and by views the other. */
TEST(stream_carries_a_megabyte_each_way)
{
	struct pair *p = pair_new(NULL);
	struct stream st = pair_stream(p, 6, 80);
	enum { TOTAL = 1 << 20 };
	static uint8_t out[TOTAL], in[TOTAL];
	size_t sent = 0, got = 0;
	for (size_t i = 0; i < TOTAL; i++)
		out[i] = (uint8_t)(i * 2654435761u >> 24);
	for (int rounds = 0; got < TOTAL; rounds++) {
		ok(rounds < 10000);
		ssize_t n = sent < TOTAL ? ol_send(A(p), st.client, out + sent, TOTAL - sent, 0, p->now) : -EAGAIN;
		ok(n > 0 || n == -EAGAIN);
		sent += n > 0 ? (size_t)n : 0;
		pair_run(p, 3);
		while ((n = ol_recv(B(p), st.server, in + got, TOTAL - got, 0, p->now)) > 0)
			got += (size_t)n;
	}
	ok(!memcmp(in, out, TOTAL));
	memset(in, 0, TOTAL);
	sent = got = 0;
	for (int rounds = 0; got < TOTAL; rounds++) {
		struct iovec iov[4];
		ok(rounds < 10000);
		int n = sent < TOTAL ? ol_send_view(B(p), st.server, TOTAL - sent, iov, 4, p->now) : 0;
		for (int i = 0; i < n; i++) {
			memcpy(iov[i].iov_base, out + sent, iov[i].iov_len);
			sent += iov[i].iov_len;
		}
		if (n > 0) {
			size_t len = 0;
			for (int i = 0; i < n; i++)
				len += iov[i].iov_len;
			eq(ol_send_done(B(p), st.server, len, 0, p->now), 0);
		}
		pair_run(p, 3);
		while ((n = ol_recv_view(A(p), st.client, iov, 4, p->now)) > 0) {
			size_t len = 0;
			for (int i = 0; i < n; i++) {
				memcpy(in + got, iov[i].iov_base, iov[i].iov_len);
				got += iov[i].iov_len;
				len += iov[i].iov_len;
			}
			eq(ol_recv_done(A(p), st.client, len, p->now), 0);
		}
		ok(n == 0 || n == -EAGAIN);
	}
	ok(!memcmp(in, out, TOTAL));
	pair_free(p);
}

/* Rows of the state table: the listener with its queue, both ends of a connection, and what outlives its socket */
TEST(stream_rows_show_every_state)
{
	struct pair *p = pair_new(NULL);
	struct stream st = pair_stream(p, 4, 80);
	struct ol_sock_info row;
	uint64_t cursor = 0;
	int listeners = 0, established = 0;
	ol_set_owner(B(p), st.server, 42);
	while (ol_sock_next(B(p), &cursor, &row, p->now)) {
		listeners += row.state == OL_TCP_LISTEN && row.sock == st.listener && row.send_q == 16;
		if (row.state != OL_TCP_ESTABLISHED)
			continue;
		established++;
		eq(row.sock, st.server);
		eq(row.owner, 42);
		eq(row.local.port, 80);
		ok(row.cwnd && row.mss && row.rto_ns);
	}
	eq(listeners, 1);
	eq(established, 1);
	eq(ol_close(A(p), st.client, p->now), 0);
	pair_run(p, 50);
	eq(ol_close(B(p), st.server, p->now), 0);
	pair_run(p, 50);
	int waits = 0;
	for (cursor = 0; ol_sock_next(A(p), &cursor, &row, p->now); )
		waits += row.state == OL_TCP_TIME_WAIT && row.sock == -1;
	eq(waits, 1);
	pair_free(p);
}
