/* What a stream tells beside its data: control messages of recvmsg(). */
#include <errno.h>
#include <netinet/tcp.h>
#include <linux/errqueue.h>
#include "pair.h"
#include "unit.h"

/* As recvmsg() of len bytes with room for control messages; *ctl_len: room in, used out. */
static ssize_t take(struct pair *p, ol_sock s, size_t len, int flags, void *ctl, size_t *ctl_len, int *msg_flags)
{
	static char buf[70000];
	struct iovec iov = { buf, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = *ctl_len };
	ssize_t n = ol_recvmsg(B(p), s, &msg, flags, p->now);
	*ctl_len = msg.msg_controllen;
	*msg_flags = msg.msg_flags;
	return n;
}

/* The TCP_CM_INQ of a receiving call; -1: there was none. */
static int inq(struct pair *p, ol_sock s, size_t len, int flags, ssize_t want)
{
	union { char buf[64]; struct cmsghdr h; } ctl;
	size_t used = sizeof ctl;
	int v, mf;
	eq(take(p, s, len, flags, &ctl, &used, &mf), want);
	eq(mf & MSG_CTRUNC, 0);
	if (!used)
		return -1;
	eq(used, CMSG_SPACE(sizeof v));
	eq(ctl.h.cmsg_level, IPPROTO_TCP);
	eq(ctl.h.cmsg_type, TCP_CM_INQ);
	eq(ctl.h.cmsg_len, CMSG_LEN(sizeof v));
	memcpy(&v, CMSG_DATA(&ctl.h), sizeof v);
	return v;
}

/* tcp(7), Linux's tcp_inq_hint: what is left after this call, and one more for the FIN, also once that was read. */
TEST(told_tcp_inq_says_what_is_left)
{
	struct pair *p = pair_new(NULL);
	struct stream st = pair_stream(p, 4, 80);
	char text[1000] = "";
	eq(ol_send(A(p), st.client, text, 1000, 0, p->now), 1000);
	pair_run(p, 100);
	eq(inq(p, st.server, 100, 0, 100), -1);
	eq(pair_setopt(p, B(p), st.server, IPPROTO_TCP, TCP_INQ, 1), 0);
	eq(inq(p, st.server, 400, MSG_PEEK, 400), 900);
	eq(inq(p, st.server, 400, 0, 400), 500);
	eq(inq(p, st.server, 500, 0, 500), 0);
	eq(inq(p, st.server, 500, 0, -EAGAIN), -1);
	eq(ol_send(A(p), st.client, text, 10, 0, p->now), 10);
	eq(ol_shutdown(A(p), st.client, SHUT_WR, p->now), 0);
	pair_run(p, 100);
	eq(inq(p, st.server, 4, 0, 4), 7);
	eq(inq(p, st.server, 6, 0, 6), 1);
	eq(inq(p, st.server, 6, 0, 0), 1);
	eq(pair_setopt(p, B(p), st.server, IPPROTO_TCP, TCP_INQ, 0), 0);
	eq(inq(p, st.server, 6, 0, 0), -1);
	pair_free(p);
}

/* The urgent byte is in the queue, but no read gets it. */
TEST(told_tcp_inq_counts_the_urgent_byte)
{
	struct pair *p = pair_new(NULL);
	struct stream st = pair_stream(p, 6, 80);
	eq(pair_setopt(p, B(p), st.server, IPPROTO_TCP, TCP_INQ, 1), 0);
	eq(ol_send(A(p), st.client, "abcU", 4, MSG_OOB, p->now), 4);
	pair_run(p, 100);
	eq(ol_readable(B(p), st.server), 3);
	eq(inq(p, st.server, 1, 0, 1), 3);
	eq(inq(p, st.server, 1, MSG_OOB, 1), 3);
	pair_free(p);
}

/* Asked of the listener, those it accepts tell; and where the room is too small that is said. */
TEST(told_tcp_inq_is_inherited_and_may_be_cut)
{
	struct pair *p = pair_new(NULL);
	struct stream st = pair_stream(p, 4, 80);
	struct sockaddr_in to = in4("10.0.0.2", 80);
	char ctl[64];
	size_t used = sizeof(struct cmsghdr) - 1;
	int mf;
	eq(pair_setopt(p, B(p), st.listener, IPPROTO_TCP, TCP_INQ, 1), 0);
	ol_sock c = ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now);
	eq(ol_connect(A(p), c, SA(to), p->now), -EINPROGRESS);
	pair_run(p, 100);
	ol_sock s = ol_accept(B(p), st.listener, NULL, NULL, p->now);
	ok(s >= 0);
	eq(ol_send(A(p), c, "hello", 5, 0, p->now), 5);
	pair_run(p, 100);
	eq(inq(p, s, 2, 0, 2), 3);
	eq(take(p, s, 2, 0, ctl, &used, &mf), 2);
	eq(used, 0);
	ok(mf & MSG_CTRUNC);
	pair_free(p);
}

/* ---- the error queue: MSG_ZEROCOPY ------------------------------------------------------------------------------- */

/* The next message of a socket's error queue; false: there is none. */
static bool error_of(struct pair *p, struct ol_stack *stk, ol_sock s, struct sock_extended_err *ee)
{
	union { char buf[256]; struct cmsghdr h; } ctl;
	struct msghdr msg = { .msg_control = &ctl, .msg_controllen = sizeof ctl };
	ssize_t n = ol_recvmsg(stk, s, &msg, MSG_ERRQUEUE, p->now);
	if (n == -EAGAIN)
		return false;
	eq(n, 0);
	eq(msg.msg_flags, MSG_ERRQUEUE);
	ok(msg.msg_controllen >= CMSG_LEN(sizeof *ee));
	ok(ctl.h.cmsg_level == IPPROTO_IP ? ctl.h.cmsg_type == IP_RECVERR : ctl.h.cmsg_type == IPV6_RECVERR);
	memcpy(ee, CMSG_DATA(&ctl.h), sizeof *ee);
	return true;
}

/* The next says that writes `first` to `last` are through. */
static void copied(struct pair *p, struct ol_stack *stk, ol_sock s, uint32_t first, uint32_t last)
{
	struct sock_extended_err ee;
	ok(ol_poll(stk, s) & OL_EV_ERR);
	ok(error_of(p, stk, s, &ee));
	eq(ee.ee_errno, 0);
	eq(ee.ee_origin, SO_EE_ORIGIN_ZEROCOPY);
	eq(ee.ee_code, SO_EE_CODE_ZEROCOPY_COPIED);
	eq(ee.ee_type, 0);
	eq(ee.ee_info, first);
	eq(ee.ee_data, last);
}

static void nothing_told(struct pair *p, struct ol_stack *stk, ol_sock s)
{
	struct sock_extended_err ee;
	ok(!error_of(p, stk, s, &ee));
	eq(ol_poll(stk, s) & OL_EV_ERR, 0);
}

static struct stream zerocopy(struct pair *p, int family)
{
	struct stream st = pair_stream(p, family, 80);
	eq(pair_setopt(p, A(p), st.client, SOL_SOCKET, SO_ZEROCOPY, 1), 0);
	return st;
}

/* msg_zerocopy: one number for each write that queued something, told when it is acknowledged, neighbours as one. */
static void told_of_copies(int family)
{
	struct pair *p = pair_new(NULL);
	struct stream st = zerocopy(p, family);
	char text[9000] = "";
	eq(ol_send(A(p), st.client, text, 9000, MSG_ZEROCOPY, p->now), 9000);
	nothing_told(p, A(p), st.client);
	pair_run(p, 1);
	nothing_told(p, A(p), st.client);			/* sent, but not acknowledged */
	pair_run(p, 100);
	copied(p, A(p), st.client, 0, 0);
	nothing_told(p, A(p), st.client);
	eq(ol_send(A(p), st.client, text, 10, 0, p->now), 10);
	eq(ol_send(A(p), st.client, text, 0, MSG_ZEROCOPY, p->now), 0);
	pair_run(p, 100);
	nothing_told(p, A(p), st.client);
	for (int i = 0; i < 5; i++) {
		eq(ol_send(A(p), st.client, text, 10, MSG_ZEROCOPY, p->now), 10);
		pair_run(p, i % 2 ? 100 : 0);
	}
	pair_run(p, 100);
	copied(p, A(p), st.client, 1, 5);
	nothing_told(p, A(p), st.client);
	pair_free(p);
}
TEST(told_of_zero_copy_writes_over_ip4) { told_of_copies(4); }
TEST(told_of_zero_copy_writes_over_ip6) { told_of_copies(6); }

/* Without the option the flag means nothing; what is switched off later is still told of what was asked before. */
TEST(told_of_zero_copy_only_where_asked)
{
	struct pair *p = pair_new(NULL);
	struct stream st = pair_stream(p, 4, 80);
	eq(ol_send(A(p), st.client, "x", 1, MSG_ZEROCOPY, p->now), 1);
	pair_run(p, 100);
	nothing_told(p, A(p), st.client);
	eq(pair_setopt(p, A(p), st.client, SOL_SOCKET, SO_ZEROCOPY, 1), 0);
	eq(ol_send(A(p), st.client, "x", 1, MSG_ZEROCOPY, p->now), 1);
	eq(pair_setopt(p, A(p), st.client, SOL_SOCKET, SO_ZEROCOPY, 0), 0);
	eq(ol_send(A(p), st.client, "x", 1, MSG_ZEROCOPY, p->now), 1);
	pair_run(p, 100);
	copied(p, A(p), st.client, 0, 0);
	nothing_told(p, A(p), st.client);
	pair_free(p);
}

/* An event says that there is something to take. */
TEST(told_of_zero_copy_by_an_event)
{
	struct pair *p = pair_new(NULL);
	struct stream st = zerocopy(p, 4);
	struct ol_event ev;
	eq(ol_send(A(p), st.client, "x", 1, MSG_ZEROCOPY, p->now), 1);
	while (ol_event_next(A(p), &ev))
		;
	pair_run(p, 100);
	ok(ol_event_next(A(p), &ev));
	eq(ev.sock, st.client);
	ok(ev.ready & OL_EV_ERR);
	pair_free(p);
}

/* What never arrives is thrown away with its connection, and that is told, too; the numbers go on in the next one. */
TEST(told_of_zero_copy_when_the_connection_is_lost)
{
	struct pair *p = pair_new(NULL);
	struct stream st = zerocopy(p, 4);
	struct sockaddr_in to = in4("10.0.0.2", 80);
	static const struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	p->cut = true;
	for (int i = 0; i < 3; i++)
		eq(ol_send(A(p), st.client, "x", 1, MSG_ZEROCOPY, p->now), 1);
	pair_run(p, 100);
	nothing_told(p, A(p), st.client);
	eq(ol_connect(A(p), st.client, &unspec, sizeof unspec, p->now), 0);
	eq(ol_send(A(p), st.client, "x", 1, MSG_ZEROCOPY, p->now), -ENOTCONN);	/* has no number */
	copied(p, A(p), st.client, 0, 2);
	p->cut = false;
	eq(ol_connect(A(p), st.client, SA(to), p->now), -EINPROGRESS);
	pair_run(p, 100);
	eq(ol_connect(A(p), st.client, SA(to), p->now), 0);
	eq(ol_send(A(p), st.client, "x", 1, MSG_ZEROCOPY, p->now), 1);
	pair_run(p, 100);
	copied(p, A(p), st.client, 3, 3);
	eq(ol_send(A(p), st.client, "x", 1, MSG_ZEROCOPY, p->now), 1);
	eq(ol_close(A(p), st.client, p->now), 0);				/* nobody is left to be told */
	pair_run(p, 100);
	pair_free(p);
}

/* A write of which a part was queued has its number, one that found no room has none; both ways of writing have them. */
TEST(told_of_zero_copy_of_what_was_queued)
{
	struct pair *p = pair_new("tcp_wmem=4096:16384:16384");
	struct stream st = zerocopy(p, 4);
	static char much[1000000];
	struct iovec iov;
	p->cut = true;
	ok(ol_send(A(p), st.client, much, sizeof much, MSG_ZEROCOPY, p->now) < (ssize_t)sizeof much);
	while (ol_writable(A(p), st.client))
		ok(ol_send(A(p), st.client, much, sizeof much, 0, p->now) > 0);
	eq(ol_send(A(p), st.client, much, sizeof much, MSG_ZEROCOPY, p->now), -EAGAIN);
	p->cut = false;
	for (int i = 0; i < 100; i++) {
		pair_run(p, 1000);
		while (ol_recv(B(p), st.server, much, sizeof much, 0, p->now) > 0)
			;
	}
	copied(p, A(p), st.client, 0, 0);
	eq(ol_send_view(A(p), st.client, 5, &iov, 1, p->now), 1);
	memset(iov.iov_base, 'v', 5);
	eq(ol_send_done(A(p), st.client, 5, MSG_ZEROCOPY, p->now), 0);
	pair_run(p, 100);
	copied(p, A(p), st.client, 1, 1);
	pair_free(p);
}

/* Small writes that are under way each have their note, and not without end. */
TEST(told_of_zero_copy_within_bounds)
{
	struct pair *p = pair_new(NULL);
	struct stream st = zerocopy(p, 4);
	eq(pair_setopt(p, A(p), st.client, IPPROTO_TCP, TCP_NODELAY, 1), 0);
	p->cut = true;
	uint32_t n = 0;
	ssize_t r;
	while ((r = ol_send(A(p), st.client, "x", 1, MSG_ZEROCOPY, p->now)) == 1 && ++n < 100000)
		pair_run(p, 0);						/* the interface's queue is emptied */
	eq(r, -ENOBUFS);
	ok(n > 1000);
	eq(ol_send(A(p), st.client, "x", 1, 0, p->now), 1);
	p->cut = false;
	pair_run(p, 60000);
	copied(p, A(p), st.client, 0, n - 1);
	eq(ol_send(A(p), st.client, "x", 1, MSG_ZEROCOPY, p->now), 1);
	pair_free(p);
}

/* The listener hands it down; a SYN's text counts as a write (Fast Open without a cookie). */
TEST(told_of_zero_copy_with_fast_open)
{
	struct pair *p = pair_new("tcp_fastopen=0x207");		/* no cookie is asked for, from either side */
	struct sockaddr_in to = in4("10.0.0.2", 80);
	ol_sock l = ol_socket(B(p), AF_INET, SOCK_STREAM, 0, p->now), c = ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now);
	eq(ol_bind(B(p), l, SA(to), p->now), 0);
	eq(ol_listen(B(p), l, 1, p->now), 0);
	eq(pair_setopt(p, B(p), l, IPPROTO_TCP, TCP_FASTOPEN, 5), 0);
	eq(pair_setopt(p, B(p), l, SOL_SOCKET, SO_ZEROCOPY, 1), 0);
	eq(pair_setopt(p, A(p), c, SOL_SOCKET, SO_ZEROCOPY, 1), 0);
	struct iovec iov = { (char[]){ "hello" }, 5 };
	struct msghdr msg = { .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &iov, .msg_iovlen = 1 };
	eq(ol_sendmsg(A(p), c, &msg, MSG_FASTOPEN | MSG_ZEROCOPY, p->now), 5);
	nothing_told(p, A(p), c);
	pair_run(p, 100);
	copied(p, A(p), c, 0, 0);
	ol_sock s = ol_accept(B(p), l, NULL, NULL, p->now);
	ok(s >= 0);
	eq(ol_send(B(p), s, "world", 5, MSG_ZEROCOPY, p->now), 5);
	pair_run(p, 100);
	copied(p, B(p), s, 0, 0);
	pair_free(p);
}
