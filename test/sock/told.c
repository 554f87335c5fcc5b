/* What a stream tells beside its data: control messages of recvmsg(). */
#include <errno.h>
#include <netinet/tcp.h>
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
