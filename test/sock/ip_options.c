/* IP_OPTIONS, IP_RECVOPTS and IP_RETOPTS of datagram sockets: ip(7), RFC 1122 4.1.3.2. */
#include <errno.h>
#include <netinet/ip.h>
#include <string.h>
#include "pair.h"
#include "unit.h"

static const uint8_t rr[] = { 7, 15, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };

struct got { ssize_t n; uint8_t opts[64], back[64]; size_t opts_len, back_len; struct sockaddr_in from; char text[2000]; };

static struct got receive(struct pair *p, struct ol_stack *stk, ol_sock s)
{
	struct got g = { 0 };
	uint8_t ctl[256];
	struct iovec iov = { g.text, sizeof g.text };
	struct msghdr m = { .msg_name = &g.from, .msg_namelen = sizeof g.from, .msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl,
			    .msg_controllen = sizeof ctl };
	g.n = ol_recvmsg(stk, s, &m, 0, p->now);
	for (struct cmsghdr *c = g.n < 0 ? NULL : CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		size_t len = c->cmsg_len - CMSG_LEN(0);
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVOPTS)
			memcpy(g.opts, CMSG_DATA(c), g.opts_len = len);
		else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RETOPTS)
			memcpy(g.back, CMSG_DATA(c), g.back_len = len);
	}
	return g;
}

static ol_sock bound(struct pair *p, struct ol_stack *stk, uint16_t port)
{
	struct sockaddr_in any = in4("0.0.0.0", port);
	ol_sock s = ol_socket(stk, AF_INET, SOCK_DGRAM, 0, p->now);
	eq(ol_bind(stk, s, SA(any), p->now), 0);
	return s;
}

static ssize_t send_to(struct pair *p, struct ol_stack *stk, ol_sock s, struct sockaddr_in to, size_t len, const void *retopts, size_t n)
{
	static char text[70000];
	union { struct cmsghdr h; uint8_t b[CMSG_SPACE(64)]; } ctl = { .h = { .cmsg_level = IPPROTO_IP, .cmsg_type = IP_RETOPTS,
									.cmsg_len = CMSG_LEN(n) } };
	struct iovec iov = { text, len };
	struct msghdr m = { .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &iov, .msg_iovlen = 1 };
	if (retopts) {
		memcpy(CMSG_DATA(&ctl.h), retopts, n);
		m.msg_control = &ctl;
		m.msg_controllen = CMSG_LEN(n);
	}
	return ol_sendmsg(stk, s, &m, 0, p->now);
}

/* req: 1122-4.1.3.2-a, 1122-4.1.3.2-b, 1122-4.1.3.2-c, 1122-3.2.1.8-a, 1122-3.2.1.8-b, 1122-3.4-c, 1122-3.4-a */
TEST(options_go_down_and_up_and_come_back_as_an_answer)
{
	struct pair *p = pair_new(NULL);
	ol_sock a = bound(p, A(p), 5000), b = bound(p, B(p), 6000);
	struct sockaddr_in to_b = in4("10.0.0.2", 6000);
	struct got g;
	eq(send_to(p, A(p), a, to_b, 10, NULL, 0), 10);
	pair_setopt(p, B(p), b, IPPROTO_IP, IP_RECVOPTS, 1);
	pair_setopt(p, B(p), b, IPPROTO_IP, IP_RETOPTS, 1);
	pair_setopt(p, A(p), a, IPPROTO_IP, IP_RECVOPTS, 1);
	eq(ol_setsockopt(A(p), a, IPPROTO_IP, IP_OPTIONS, rr, sizeof rr, p->now), 0);
	eq(send_to(p, A(p), a, to_b, 20, NULL, 0), 20);
	pair_run(p, 100);
	g = receive(p, B(p), b);
	eq(g.n, 10);
	eq(g.opts_len + g.back_len, 0);				/* nothing came, nothing is told */
	g = receive(p, B(p), b);
	eq(g.n, 20);
	eq(g.opts_len, 16);
	eq_mem(g.opts, ((uint8_t[16]){ 7, 15, 12, 10, 0, 0, 1, 10, 0, 0, 2 }), 16);
	eq(g.back_len, 16);
	eq_mem(g.back, g.opts, 16);
	eq(send_to(p, B(p), b, g.from, 30, g.back, g.back_len), 30);
	pair_run(p, 100);
	g = receive(p, A(p), a);
	eq(g.n, 30);
	eq_mem(g.opts, ((uint8_t[16]){ 7, 15, 16, 10, 0, 0, 1, 10, 0, 0, 2, 10, 0, 0, 2 }), 16);
	eq(ol_setsockopt(A(p), a, IPPROTO_IP, IP_OPTIONS, NULL, 0, p->now), 0);	/* taken back */
	eq(send_to(p, A(p), a, to_b, 40, NULL, 0), 40);
	pair_run(p, 100);
	eq(receive(p, B(p), b).opts_len, 0);
	pair_free(p);
}

TEST(options_are_read_back_as_they_were_set)
{
	struct pair *p = pair_new(NULL);
	ol_sock a = bound(p, A(p), 5000), stream = ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now);
	uint8_t back[40];
	static const uint8_t bad[] = { 7, 9, 4 };
	socklen_t n = sizeof back;
	eq(ol_getsockopt(A(p), a, IPPROTO_IP, IP_OPTIONS, back, &n, p->now), 0);
	eq(n, 0);
	eq(ol_setsockopt(A(p), a, IPPROTO_IP, IP_OPTIONS, rr, sizeof rr, p->now), 0);
	n = sizeof back;
	eq(ol_getsockopt(A(p), a, IPPROTO_IP, IP_OPTIONS, back, &n, p->now), 0);
	eq(n, 16);
	eq_mem(back, rr, sizeof rr);
	eq(ol_setsockopt(A(p), a, IPPROTO_IP, IP_OPTIONS, bad, sizeof bad, p->now), -EINVAL);
	n = sizeof back;
	eq(ol_getsockopt(A(p), a, IPPROTO_IP, IP_OPTIONS, back, &n, p->now), 0);
	eq(n, 16);						/* a refusal changes nothing */
	eq(pair_opt(A(p), a, IPPROTO_IP, IP_RECVOPTS), 0);
	pair_setopt(p, A(p), a, IPPROTO_IP, IP_RECVOPTS, 1);
	eq(pair_opt(A(p), a, IPPROTO_IP, IP_RECVOPTS), 1);
	eq(pair_opt(A(p), a, IPPROTO_IP, IP_RETOPTS), 0);
	eq(ol_setsockopt(A(p), stream, IPPROTO_IP, IP_OPTIONS, rr, sizeof rr, p->now), -ENOPROTOOPT);
	struct sockaddr_in to_b = in4("10.0.0.2", 6000);
	eq(send_to(p, A(p), a, to_b, 1, bad, sizeof bad), -EINVAL);
	pair_free(p);
}

/* They count in the length of the datagram: what may be sent, and what goes whole. */
TEST(options_take_their_room)
{
	struct pair *p = pair_new(NULL);
	ol_sock a = bound(p, A(p), 5000), b = bound(p, B(p), 6000);
	struct sockaddr_in to_b = in4("10.0.0.2", 6000);
	eq(ol_setsockopt(A(p), a, IPPROTO_IP, IP_OPTIONS, rr, sizeof rr, p->now), 0);
	eq(send_to(p, A(p), a, to_b, 65535 - 20 - 16 - 8, NULL, 0), 65535 - 20 - 16 - 8);
	eq(send_to(p, A(p), a, to_b, 65535 - 20 - 16 - 7, NULL, 0), -EMSGSIZE);
	pair_run(p, 1000);
	eq(ol_readable(B(p), b), 65535 - 20 - 16 - 8);
	pair_setopt(p, A(p), a, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
	eq(send_to(p, A(p), a, to_b, 1500 - 20 - 16 - 7, NULL, 0), -EMSGSIZE);
	eq(send_to(p, A(p), a, to_b, 1500 - 20 - 16 - 8, NULL, 0), 1500 - 20 - 16 - 8);
	pair_free(p);
}

TEST(raw_sockets_send_and_see_options)
{
	struct pair *p = pair_new(NULL);
	ol_sock a = ol_socket(A(p), AF_INET, SOCK_RAW, 200, p->now), b = ol_socket(B(p), AF_INET, SOCK_RAW, 200, p->now);
	struct sockaddr_in to_b = in4("10.0.0.2", 0);
	pair_setopt(p, B(p), b, IPPROTO_IP, IP_RECVOPTS, 1);
	eq(ol_setsockopt(A(p), a, IPPROTO_IP, IP_OPTIONS, rr, sizeof rr, p->now), 0);
	eq(send_to(p, A(p), a, to_b, 50, NULL, 0), 50);
	pair_run(p, 100);
	struct got g = receive(p, B(p), b);
	eq(g.n, 20 + 16 + 50);					/* the header as it came ... */
	eq((uint8_t)g.text[22], 8);
	eq(g.opts[2], 12);					/* ... and its options, with the receiver's own entry */
	pair_setopt(p, A(p), a, IPPROTO_IP, IP_HDRINCL, 1);
	eq(send_to(p, A(p), a, to_b, 50, NULL, 0), -EINVAL);
	pair_free(p);
}

/* req: 1122-3.2.1.8c-a a program originates a source route: its first hop is routed to, by the name of the last */
TEST(a_source_route_is_sent_to_its_first_hop)
{
	static const uint8_t route[] = { 131, 7, 4, 10, 0, 0, 2 };
	struct pair *p = pair_new("accept_source_route=1,ip_forward=0");
	ol_sock a = bound(p, A(p), 5000);
	struct sockaddr_in far = in4("192.0.2.9", 6000);
	eq(send_to(p, A(p), a, far, 10, NULL, 0), -ENETUNREACH);
	eq(ol_setsockopt(A(p), a, IPPROTO_IP, IP_OPTIONS, route, sizeof route, p->now), 0);
	eq(send_to(p, A(p), a, far, 10, NULL, 0), 10);
	pair_run(p, 100);
	eq(ol_stack_count(B(p), OL_DROP_IP_SOURCE_ROUTE), 1);	/* who got it, and does not forward */
	pair_free(p);
}
