/* What a stream tells beside its data: control messages of recvmsg(). */
#include <errno.h>
#include <netinet/tcp.h>
#include <time.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
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

/* ---- the error queue: SO_TIMESTAMPING ---------------------------------------------------------------------------- */
enum { SCHED = SOF_TIMESTAMPING_TX_SCHED, SND = SOF_TIMESTAMPING_TX_SOFTWARE, ACK = SOF_TIMESTAMPING_TX_ACK,
	SOFTWARE = SOF_TIMESTAMPING_SOFTWARE, OPT_ID = SOF_TIMESTAMPING_OPT_ID, OPT_ID_TCP = 1 << 16,
	TSONLY = SOF_TIMESTAMPING_OPT_TSONLY };

struct stamp { uint32_t kind, byte; ol_time at; ssize_t len; int flags; char text[2000]; };

static ol_time time_of(const struct cmsghdr *h)
{
	struct scm_timestamping ts;
	eq(h->cmsg_level, SOL_SOCKET);
	eq(h->cmsg_type, SCM_TIMESTAMPING);
	eq(h->cmsg_len, CMSG_LEN(sizeof ts));
	memcpy(&ts, CMSG_DATA(h), sizeof ts);
	eq(ts.ts[1].tv_sec | ts.ts[1].tv_nsec | ts.ts[2].tv_sec | ts.ts[2].tv_nsec, 0);
	return ts.ts[0].tv_sec * OL_SEC + ts.ts[0].tv_nsec;
}

/* The next stamp, with room for that much of its text; false: none. */
static bool stamp_of(struct pair *p, ol_sock s, size_t room, struct stamp *out)
{
	union { char buf[256]; struct cmsghdr h; } ctl;
	struct iovec iov = { out->text, room };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &ctl, .msg_controllen = sizeof ctl };
	struct sock_extended_err ee;
	bool pending = ol_poll(A(p), s) & OL_EV_ERR;
	out->len = ol_recvmsg(A(p), s, &msg, MSG_ERRQUEUE, p->now);
	eq(pending, out->len != -EAGAIN);
	if (!pending)
		return false;
	out->at = time_of(&ctl.h);
	struct cmsghdr *h = CMSG_NXTHDR(&msg, &ctl.h);
	ok(h && h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_RECVERR);
	memcpy(&ee, CMSG_DATA(h), sizeof ee);
	eq(ee.ee_errno, ENOMSG);
	eq(ee.ee_origin, SO_EE_ORIGIN_TIMESTAMPING);
	eq(ee.ee_type | ee.ee_code, 0);
	out->kind = ee.ee_info;
	out->byte = ee.ee_data;
	out->flags = msg.msg_flags;
	return true;
}

static void stamped(struct pair *p, ol_sock s, uint32_t kind, uint32_t byte, ol_time at)
{
	struct stamp st;
	ok(stamp_of(p, s, 0, &st));
	eq(st.kind, kind);
	eq(st.byte, byte);
	eq(st.at, at);
}

static void no_stamp(struct pair *p, ol_sock s)
{
	struct stamp st;
	ok(!stamp_of(p, s, 0, &st));
}

static struct stream stamping(struct pair *p, int flags)
{
	struct stream st = pair_stream(p, 4, 80);
	eq(ol_send(A(p), st.client, "neighbours are known", 20, 0, p->now), 20);
	pair_run(p, 100);
	eq(pair_setopt(p, A(p), st.client, SOL_SOCKET, SO_TIMESTAMPING, flags), 0);
	return st;
}

/* Handed over, gone from the queue, acknowledged: three moments; of the last byte of each write, by its number. */
TEST(told_when_bytes_were_sent_and_acknowledged)
{
	struct pair *p = pair_new(NULL);
	struct stream st = stamping(p, SCHED | SND | ACK | SOFTWARE | OPT_ID | TSONLY);
	char text[5000] = "";
	ol_time t0 = p->now;
	eq(pair_setopt(p, A(p), st.client, IPPROTO_TCP, TCP_NODELAY, 1), 0);
	eq(ol_send(A(p), st.client, text, 2000, 0, p->now), 2000);
	stamped(p, st.client, SCM_TSTAMP_SCHED, 1999, t0);
	no_stamp(p, st.client);
	p->now += 5 * OL_MS;
	pair_run(p, 1);
	stamped(p, st.client, SCM_TSTAMP_SND, 1999, t0 + 5 * OL_MS);
	no_stamp(p, st.client);
	pair_run(p, 100);
	stamped(p, st.client, SCM_TSTAMP_ACK, 1999, t0 + 7 * OL_MS);
	no_stamp(p, st.client);
	t0 = p->now;
	for (int i = 0; i < 2; i++)
		eq(ol_send(A(p), st.client, text, 3000, 0, p->now), 3000);
	stamped(p, st.client, SCM_TSTAMP_SCHED, 4999, t0);
	stamped(p, st.client, SCM_TSTAMP_SCHED, 7999, t0);
	pair_run(p, 1);
	stamped(p, st.client, SCM_TSTAMP_SND, 4999, t0);
	stamped(p, st.client, SCM_TSTAMP_SND, 7999, t0);
	pair_run(p, 100);
	stamped(p, st.client, SCM_TSTAMP_ACK, 4999, t0 + 2 * OL_MS);
	stamped(p, st.client, SCM_TSTAMP_ACK, 7999, t0 + 2 * OL_MS);
	no_stamp(p, st.client);
	pair_free(p);
}

/* Only what is asked for; a write that waits for the window or Nagle is stamped when it goes. */
TEST(told_of_sending_only_what_was_asked)
{
	struct pair *p = pair_new(NULL);
	struct stream st = stamping(p, ACK | SOFTWARE | OPT_ID);
	ol_time t0 = p->now;
	eq(ol_send(A(p), st.client, "x", 1, 0, p->now), 1);
	pair_run(p, 100);
	stamped(p, st.client, SCM_TSTAMP_ACK, 0, t0 + 2 * OL_MS);
	no_stamp(p, st.client);
	eq(pair_setopt(p, A(p), st.client, SOL_SOCKET, SO_TIMESTAMPING, SCHED | SOFTWARE | OPT_ID), 0);
	t0 = p->now;
	eq(ol_send(A(p), st.client, "xx", 2, 0, p->now), 2);
	eq(ol_send(A(p), st.client, "xxx", 3, 0, p->now), 3);		/* Nagle */
	stamped(p, st.client, SCM_TSTAMP_SCHED, 2, t0);
	no_stamp(p, st.client);
	pair_run(p, 100);
	stamped(p, st.client, SCM_TSTAMP_SCHED, 5, t0 + 2 * OL_MS);
	no_stamp(p, st.client);
	eq(pair_setopt(p, A(p), st.client, SOL_SOCKET, SO_TIMESTAMPING, SCHED | SOFTWARE), 0);
	eq(ol_send(A(p), st.client, "x", 1, 0, p->now), 1);
	stamped(p, st.client, SCM_TSTAMP_SCHED, 0, p->now);		/* without OPT_ID: no number */
	eq(pair_setopt(p, A(p), st.client, SOL_SOCKET, SO_TIMESTAMPING, 0), 0);
	eq(ol_send(A(p), st.client, "x", 1, 0, p->now), 1);
	pair_run(p, 100);
	no_stamp(p, st.client);
	pair_free(p);
}

/* Byte 0: the first not acknowledged, or with OPT_ID_TCP the next to be written. */
TEST(told_of_sending_by_numbers_from_where_it_was_asked)
{
	struct pair *p = pair_new(NULL);
	struct stream st = stamping(p, SOFTWARE);
	for (int tcp = 0; tcp < 2; tcp++) {
		eq(ol_send(A(p), st.client, "0123456789", 10, 0, p->now), 10);
		eq(pair_setopt(p, A(p), st.client, SOL_SOCKET, SO_TIMESTAMPING, ACK | SOFTWARE | OPT_ID | (tcp ? OPT_ID_TCP : 0)), 0);
		eq(ol_send(A(p), st.client, "ab", 2, 0, p->now), 2);
		ol_time t0 = p->now;
		pair_run(p, 100);
		stamped(p, st.client, SCM_TSTAMP_ACK, tcp ? 1 : 11, t0 + 4 * OL_MS);
		eq(pair_setopt(p, A(p), st.client, SOL_SOCKET, SO_TIMESTAMPING, 0), 0);
	}
	pair_free(p);
}

/* The same segment again is sent again. */
TEST(told_of_sending_again)
{
	struct pair *p = pair_new(NULL);
	struct stream st = stamping(p, SCHED | SND | ACK | SOFTWARE | OPT_ID | TSONLY);
	struct stamp s;
	p->cut = true;
	eq(ol_send(A(p), st.client, "x", 1, 0, p->now), 1);
	pair_run(p, 1000);
	unsigned sched = 0, snd = 0;
	ol_time last = 0;
	while (stamp_of(p, st.client, 0, &s)) {
		eq(s.byte, 0);
		ok(s.kind == SCM_TSTAMP_SCHED || s.kind == SCM_TSTAMP_SND);
		ok(s.at >= last);
		last = s.at;
		sched += s.kind == SCM_TSTAMP_SCHED;
		snd += s.kind == SCM_TSTAMP_SND;
	}
	ok(sched >= 3);			/* with the tail loss probe and a timeout */
	eq(snd, sched);
	p->cut = false;
	pair_run(p, 10000);
	while (stamp_of(p, st.client, 0, &s))
		last = s.kind;
	eq(last, SCM_TSTAMP_ACK);
	pair_free(p);
}

/* Without OPT_TSONLY the end of the write's text comes along, to recognise it by; at most a segment. */
TEST(told_of_sending_with_its_text)
{
	struct pair *p = pair_new(NULL);
	struct stream st = stamping(p, SCHED | SND | ACK | SOFTWARE | OPT_ID);
	struct stamp s;
	char text[4000];
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)('a' + i % 23);
	eq(ol_send(A(p), st.client, "hello", 5, 0, p->now), 5);
	eq(ol_send(A(p), st.client, text, sizeof text, 0, p->now), sizeof text);
	pair_run(p, 100);
	for (int i = 0, hello = 0; i < 6; i++) {
		ok(stamp_of(p, st.client, sizeof s.text, &s));
		eq(s.flags, MSG_ERRQUEUE);
		if (s.byte == 4) {
			hello++;
			eq(s.len, 5);
			eq_mem(s.text, "hello", 5);
		} else {
			eq(s.byte, 4004);
			ok(s.len > 0 && s.len <= 1460);
			eq_mem(s.text, text + sizeof text - s.len, (size_t)s.len);
		}
		ok(i < 5 || hello == 3);
	}
	eq(ol_send(A(p), st.client, "a", 1, 0, p->now), 1);
	pair_run(p, 0);
	for (int i = 0; i < 2; i++)
		ok(stamp_of(p, st.client, 1, &s));
	eq(ol_send(A(p), st.client, "bc", 2, 0, p->now), 2);		/* Nagle: one segment, two writes */
	eq(ol_send(A(p), st.client, "def", 3, 0, p->now), 3);
	pair_run(p, 100);
	for (int i = 0; i < 7; i++) {
		ok(stamp_of(p, st.client, sizeof s.text, &s));
		if (s.byte > 4005)
			eq_mem(s.text, s.byte == 4007 ? "bc" : "def", (size_t)(s.byte == 4007 ? 2 : 3));
		eq(s.len, s.byte == 4005 ? 1 : s.byte == 4007 ? 2 : 3);
	}
	no_stamp(p, st.client);
	eq(ol_send(A(p), st.client, "hello", 5, 0, p->now), 5);
	ok(stamp_of(p, st.client, 2, &s));
	eq(s.len, 2);
	eq(s.flags, MSG_ERRQUEUE | MSG_TRUNC);
	pair_free(p);
}

/* Nobody takes them: what they cost is bounded, and sending goes on; so does what MSG_ZEROCOPY promised. */
TEST(told_of_sending_within_bounds)
{
	struct pair *p = pair_new(NULL);
	struct stream st = stamping(p, SCHED | SND | ACK | SOFTWARE | OPT_ID);
	eq(pair_setopt(p, A(p), st.client, SOL_SOCKET, SO_RCVBUF, 10000), 0);
	eq(pair_setopt(p, A(p), st.client, SOL_SOCKET, SO_ZEROCOPY, 1), 0);
	for (int i = 0; i < 1000; i++) {
		eq(ol_send(A(p), st.client, "x", 1, i == 999 ? MSG_ZEROCOPY : 0, p->now), 1);
		pair_run(p, 10);
	}
	pair_run(p, 100);				/* the last one's ACK may be delayed */
	unsigned n = 0;
	struct sock_extended_err ee;
	for (;; n++) {
		union { char buf[256]; struct cmsghdr h; } ctl;
		struct msghdr msg = { .msg_control = &ctl, .msg_controllen = sizeof ctl };
		if (ol_recvmsg(A(p), st.client, &msg, MSG_ERRQUEUE, p->now) < 0)
			break;
		memcpy(&ee, CMSG_DATA(&ctl.h), sizeof ee);	/* of the last: a copy has no time in front */
	}
	ok(n > 10 && n <= 20000 / 512 + 1);
	eq(ee.ee_origin, SO_EE_ORIGIN_ZEROCOPY);
	ol_time t0 = p->now;
	eq(ol_send(A(p), st.client, "x", 1, 0, p->now), 1);
	stamped(p, st.client, SCM_TSTAMP_SCHED, 1000, t0);
	pair_free(p);
}

/* What was to be told is gone with the socket, and with the connection, wherever the segment is by then. */
TEST(told_nothing_of_what_is_over)
{
	struct pair *p = pair_new(NULL);
	struct stream st = stamping(p, SND | ACK | SOFTWARE | OPT_ID);
	struct sockaddr_in to = in4("10.0.0.2", 80);
	static const struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	eq(ol_send(A(p), st.client, "xyz", 3, 0, p->now), 3);
	eq(ol_connect(A(p), st.client, &unspec, sizeof unspec, p->now), 0);
	pair_run(p, 100);
	no_stamp(p, st.client);
	eq(ol_connect(A(p), st.client, SA(to), p->now), -EINPROGRESS);
	pair_run(p, 100);
	eq(ol_connect(A(p), st.client, SA(to), p->now), 0);
	ol_time t0 = p->now;
	eq(ol_send(A(p), st.client, "xyz", 3, 0, p->now), 3);
	pair_run(p, 1);
	stamped(p, st.client, SCM_TSTAMP_SND, 2, t0);			/* counted from the beginning of this one */
	eq(ol_send(A(p), st.client, "xyz", 3, 0, p->now), 3);
	eq(ol_close(A(p), st.client, p->now), 0);
	pair_run(p, 100);
	pair_free(p);
}

/* ---- when text came ---------------------------------------------------------------------------------------------- */
static ol_time came(struct pair *p, ol_sock s, size_t len, int flags, ssize_t want, int type)
{
	union { char buf[256]; struct cmsghdr h; } ctl;
	size_t used = sizeof ctl;
	int mf;
	eq(take(p, s, len, flags, &ctl, &used, &mf), want);
	if (!used)
		return -1;
	eq(ctl.h.cmsg_level, SOL_SOCKET);
	eq(ctl.h.cmsg_type, type);
	if (type == SO_TIMESTAMPING)
		return time_of(&ctl.h);
	if (type == SO_TIMESTAMPNS) {
		struct timespec ts;
		memcpy(&ts, CMSG_DATA(&ctl.h), sizeof ts);
		return ts.tv_sec * OL_SEC + ts.tv_nsec;
	}
	struct timeval tv;
	memcpy(&tv, CMSG_DATA(&ctl.h), sizeof tv);
	return tv.tv_sec * OL_SEC + tv.tv_usec * OL_US;
}

/* The last byte that the read took, when it came. */
TEST(told_when_text_came)
{
	struct pair *p = pair_new(NULL);
	struct stream st = pair_stream(p, 4, 80);
	static char text[1400];
	ol_time at[3];
	eq(ol_send(A(p), st.client, text, 1, 0, p->now), 1);		/* so that the neighbour is known */
	pair_run(p, 100);
	eq(came(p, st.server, 100, 0, 1, 0), -1);
	eq(pair_setopt(p, B(p), st.server, SOL_SOCKET, SO_TIMESTAMPNS, 1), 0);
	for (int i = 0; i < 3; i++) {
		at[i] = p->now + OL_MS;
		eq(ol_send(A(p), st.client, text, 1400, 0, p->now), 1400);
		pair_run(p, 500);
	}
	eq(came(p, st.server, 1400, MSG_PEEK, 1400, SO_TIMESTAMPNS), at[0]);
	eq(came(p, st.server, 1401, MSG_PEEK, 1401, SO_TIMESTAMPNS), at[1]);
	eq(came(p, st.server, 2800, 0, 2800, SO_TIMESTAMPNS), at[1]);
	eq(pair_setopt(p, B(p), st.server, SOL_SOCKET, SO_TIMESTAMP, 1), 0);
	ol_time us = came(p, st.server, 700, 0, 700, SO_TIMESTAMP);
	ok(us <= at[2] && us > at[2] - OL_US);
	eq(pair_setopt(p, B(p), st.server, SOL_SOCKET, SO_TIMESTAMP, 0), 0);
	eq(pair_setopt(p, B(p), st.server, SOL_SOCKET, SO_TIMESTAMPING, SOF_TIMESTAMPING_RX_SOFTWARE), 0);
	eq(came(p, st.server, 1, 0, 1, SO_TIMESTAMPING), -1);
	eq(pair_setopt(p, B(p), st.server, SOL_SOCKET, SO_TIMESTAMPING, SOF_TIMESTAMPING_RX_SOFTWARE | SOFTWARE), 0);
	eq(came(p, st.server, 1400, 0, 699, SO_TIMESTAMPING), at[2]);
	eq(came(p, st.server, 1400, 0, -EAGAIN, 0), -1);
	eq(pair_setopt(p, B(p), st.server, SOL_SOCKET, SO_TIMESTAMPNS, 1), 0);
	eq(ol_send(A(p), st.client, "aU", 2, MSG_OOB, p->now), 2);
	at[0] = p->now + OL_MS;
	pair_run(p, 500);
	eq(came(p, st.server, 1, MSG_OOB, 1, 0), -1);
	eq(came(p, st.server, 10, 0, 1, SO_TIMESTAMPNS), at[0]);
	pair_free(p);
}
