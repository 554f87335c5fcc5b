/*
 * Whom a socket hears in a group: RFC 3678's options in all their forms, RFC 3376 3's filters between two hosts.  Host a sends
 * from two addresses of each family, b listens.
 */
#include <errno.h>
#include <stdlib.h>
#include "pair.h"
#include "unit.h"

enum { PORT = 9, MAX = 80 };
enum op { JOIN, LEAVE, BLOCK, UNBLOCK };

/* The three ways to say it: IPv4's own structures, and those of both families. */
static const struct form { bool old, v6; const char *group, *one, *two, *strange, *here; } forms[] = {
	{ true, false, "232.1.2.3", "10.0.0.1", "10.0.0.3", "192.0.2.1", "10.0.0.2" },
	{ false, false, "232.1.2.3", "10.0.0.1", "10.0.0.3", "192.0.2.1", NULL },
	{ false, true, "ff35::1:2", "fd00::1", "fd00::3", "2001:db8::1", NULL },
};
#define EACH_FORM(f) (const struct form *f = forms; f < forms + 3; f++)

static struct pair *start(void)
{
	struct pair *p = pair_new(NULL);
	struct ol_addr a;
	unsigned plen;
	ok(ol_prefix_parse("10.0.0.3/24", &a, &plen));
	eq(ol_addr_add(A(p), p->h[0].eth, &a, plen), 0);
	ok(ol_prefix_parse("fd00::3/64", &a, &plen));
	eq(ol_addr_add(A(p), p->h[0].eth, &a, plen), 0);
	pair_run(p, 5000);
	return p;
}

static struct sockaddr_storage storage(bool v6, const char *addr, uint16_t port)
{
	struct sockaddr_storage ss = { 0 };
	struct sockaddr_in a4;
	struct sockaddr_in6 a6;
	if (v6) {
		a6 = in6(addr, port);
		memcpy(&ss, &a6, sizeof a6);
	} else {
		a4 = in4(addr, port);
		memcpy(&ss, &a4, sizeof a4);
	}
	return ss;
}
static socklen_t size(const struct form *f) { return f->v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in); }
static int level(const struct form *f) { return f->v6 ? IPPROTO_IPV6 : IPPROTO_IP; }

static ol_sock udp_at(struct pair *p, struct ol_stack *stk, const struct form *f, const char *addr, uint16_t port)
{
	struct sockaddr_storage at = storage(f->v6, addr, port);
	ol_sock s = ol_socket(stk, f->v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0, p->now);
	ok(s >= 0);
	eq(pair_setopt(p, stk, s, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	eq(ol_bind(stk, s, (struct sockaddr *)&at, size(f), p->now), 0);
	return s;
}

static ol_sock listener(struct pair *p, const struct form *f) { return udp_at(p, B(p), f, f->v6 ? "::" : "0.0.0.0", PORT); }

static int any_source(struct pair *p, ol_sock s, const struct form *f, bool join)
{
	struct group_req r = { .gr_interface = (uint32_t)p->h[1].eth, .gr_group = storage(f->v6, f->group, 0) };
	struct ip_mreq m = { .imr_multiaddr = in4(f->v6 ? "0.0.0.0" : f->group, 0).sin_addr, .imr_interface = in4("10.0.0.2", 0).sin_addr };
	if (f->old)
		return ol_setsockopt(B(p), s, IPPROTO_IP, join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &m, sizeof m, p->now);
	return ol_setsockopt(B(p), s, level(f), join ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP, &r, sizeof r, p->now);
}

static int source(struct pair *p, ol_sock s, const struct form *f, enum op op, const char *src)
{
	static const int old[] = { IP_ADD_SOURCE_MEMBERSHIP, IP_DROP_SOURCE_MEMBERSHIP, IP_BLOCK_SOURCE, IP_UNBLOCK_SOURCE },
		new[] = { MCAST_JOIN_SOURCE_GROUP, MCAST_LEAVE_SOURCE_GROUP, MCAST_BLOCK_SOURCE, MCAST_UNBLOCK_SOURCE };
	if (f->old) {
		struct ip_mreq_source m = { .imr_multiaddr = in4(f->group, 0).sin_addr, .imr_interface = in4(f->here, 0).sin_addr,
			.imr_sourceaddr = in4(src, 0).sin_addr };
		return ol_setsockopt(B(p), s, IPPROTO_IP, old[op], &m, sizeof m, p->now);
	}
	struct group_source_req r = { .gsr_interface = (uint32_t)p->h[1].eth, .gsr_group = storage(f->v6, f->group, 0),
		.gsr_source = storage(f->v6, src, 0) };
	return ol_setsockopt(B(p), s, level(f), new[op], &r, sizeof r, p->now);
}

/* The whole filter; the value lies in one block that is exactly as long as it says. */
static int set_filter(struct pair *p, ol_sock s, const struct form *f, uint32_t mode, uint32_t n, const char *const *src)
{
	size_t len = f->old ? IP_MSFILTER_SIZE(n) : GROUP_FILTER_SIZE(n);
	uint8_t *v = calloc(1, len);
	if (f->old) {
		struct ip_msfilter m = { .imsf_multiaddr = in4(f->group, 0).sin_addr, .imsf_interface = in4(f->here, 0).sin_addr,
			.imsf_fmode = mode, .imsf_numsrc = n };
		memcpy(v, &m, IP_MSFILTER_SIZE(0));
		for (uint32_t i = 0; i < n; i++) {
			struct in_addr a = in4(src[i], 0).sin_addr;
			memcpy(v + IP_MSFILTER_SIZE(i), &a, sizeof a);
		}
	} else {
		struct group_filter m = { .gf_interface = (uint32_t)p->h[1].eth, .gf_group = storage(f->v6, f->group, 0),
			.gf_fmode = mode, .gf_numsrc = n };
		memcpy(v, &m, GROUP_FILTER_SIZE(0));
		for (uint32_t i = 0; i < n; i++) {
			struct sockaddr_storage a = storage(f->v6, src[i], 0);
			memcpy(v + GROUP_FILTER_SIZE(i), &a, sizeof a);
		}
	}
	int err = ol_setsockopt(B(p), s, level(f), f->old ? IP_MSFILTER : MCAST_MSFILTER, v, (socklen_t)len, p->now);
	free(v);
	return err;
}

/* Reads it back with room for `room` sources: their number in all, or a negated errno. */
struct read { uint32_t mode, n; char src[MAX][OL_ADDR_STRLEN]; size_t len; };
static int get_filter(struct pair *p, ol_sock s, const struct form *f, uint32_t room, struct read *r)
{
	socklen_t len = (socklen_t)(f->old ? IP_MSFILTER_SIZE(room) : GROUP_FILTER_SIZE(room));
	uint8_t *v = calloc(1, len);
	struct ip_msfilter m4 = { .imsf_multiaddr = in4(f->v6 ? "0.0.0.0" : f->group, 0).sin_addr, .imsf_numsrc = room };
	struct group_filter m = { .gf_interface = (uint32_t)p->h[1].eth, .gf_group = storage(f->v6, f->group, 0), .gf_numsrc = room };
	memcpy(v, f->old ? (void *)&m4 : (void *)&m, f->old ? IP_MSFILTER_SIZE(0) : GROUP_FILTER_SIZE(0));
	int err = ol_getsockopt(B(p), s, level(f), f->old ? IP_MSFILTER : MCAST_MSFILTER, v, &len, p->now);
	if (!err) {
		memcpy(f->old ? (void *)&m4 : (void *)&m, v, f->old ? IP_MSFILTER_SIZE(0) : GROUP_FILTER_SIZE(0));
		*r = (struct read){ .mode = f->old ? m4.imsf_fmode : m.gf_fmode, .n = f->old ? m4.imsf_numsrc : m.gf_numsrc, .len = len };
		for (uint32_t i = 0; i < r->n && i < room; i++) {
			struct sockaddr_in6 a6;
			struct sockaddr_in a4;
			struct ol_addr a;
			if (f->old)
				a = ol_addr_from(4, v + IP_MSFILTER_SIZE(i));
			else if (f->v6) {
				memcpy(&a6, v + GROUP_FILTER_SIZE(i), sizeof a6);
				a = ol_addr_from(6, &a6.sin6_addr);
			} else {
				memcpy(&a4, v + GROUP_FILTER_SIZE(i), sizeof a4);
				a = ol_addr_from(4, &a4.sin_addr);
			}
			ol_addr_str(&a, r->src[i]);
		}
	}
	free(v);
	return err;
}

/* Which of the two sources' datagrams does s get?  1: the first, 2: the second, 3: both. */
static void send_both(struct pair *p, const struct form *f)
{
	struct sockaddr_storage to = storage(f->v6, f->group, PORT);
	for (int i = 0; i < 2; i++) {
		ol_sock c = udp_at(p, A(p), f, i ? f->two : f->one, 0);
		struct ip_mreqn by = { .imr_ifindex = p->h[0].eth };
		struct iovec iov = { (void *)(uintptr_t)(i ? "two" : "1"), i ? 3 : 1 };
		struct msghdr msg = { .msg_name = &to, .msg_namelen = size(f), .msg_iov = &iov, .msg_iovlen = 1 };
		if (f->v6)
			eq(pair_setopt(p, A(p), c, IPPROTO_IPV6, IPV6_MULTICAST_IF, p->h[0].eth), 0);
		else
			eq(ol_setsockopt(A(p), c, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof by, p->now), 0);
		eq(ol_sendmsg(A(p), c, &msg, 0, p->now), iov.iov_len);
		ol_close(A(p), c, p->now);
	}
	pair_run(p, 100);
}

static unsigned heard(struct pair *p, ol_sock s)
{
	unsigned who = 0;
	char buf[16];
	for (ssize_t n; (n = ol_recv(B(p), s, buf, sizeof buf, 0, p->now)) > 0; )
		who |= n == 1 ? 1 : 2;
	return who;
}

static unsigned hears(struct pair *p, ol_sock s, const struct form *f)
{
	send_both(p, f);
	return heard(p, s);
}

/* req: 3376-2-a */
TEST(source_options_choose_who_is_heard)
{
	for EACH_FORM(f) {
		struct pair *p = start();
		ol_sock s = listener(p, f);
		eq(hears(p, s, f), 0);
		eq(source(p, s, f, JOIN, f->one), 0);
		eq(hears(p, s, f), 1);
		eq(source(p, s, f, JOIN, f->two), 0);
		eq(hears(p, s, f), 3);
		eq(source(p, s, f, LEAVE, f->one), 0);
		eq(hears(p, s, f), 2);
		eq(source(p, s, f, LEAVE, f->two), 0);		/* the last of them: no member any more */
		eq(hears(p, s, f), 0);
		eq(any_source(p, s, f, true), 0);
		eq(hears(p, s, f), 3);
		eq(source(p, s, f, BLOCK, f->two), 0);
		eq(hears(p, s, f), 1);
		eq(source(p, s, f, BLOCK, f->one), 0);
		eq(hears(p, s, f), 0);
		eq(source(p, s, f, UNBLOCK, f->two), 0);
		eq(hears(p, s, f), 2);
		eq(any_source(p, s, f, false), 0);
		eq(hears(p, s, f), 0);
		eq(source(p, s, f, JOIN, f->one), 0);
		eq(any_source(p, s, f, false), 0);		/* RFC 3678 4.1.2: drops all of its sources */
		eq(hears(p, s, f), 0);
		pair_free(p);
	}
}

/* RFC 3678 4.1.3.  -EINVAL: not legal on this group; -EADDRNOTAVAIL: legal, but not with this address. */
TEST(source_options_refuse_what_does_not_fit)
{
	for EACH_FORM(f) {
		struct pair *p = start();
		ol_sock s = listener(p, f);
		struct form bad = *f;
		eq(source(p, s, f, BLOCK, f->one), -EINVAL);
		eq(source(p, s, f, UNBLOCK, f->one), -EINVAL);
		eq(source(p, s, f, LEAVE, f->one), -EADDRNOTAVAIL);
		eq(source(p, s, f, JOIN, f->one), 0);
		eq(source(p, s, f, JOIN, f->one), -EADDRNOTAVAIL);
		eq(source(p, s, f, LEAVE, f->two), -EADDRNOTAVAIL);
		eq(source(p, s, f, BLOCK, f->one), -EINVAL);
		eq(any_source(p, s, f, true), -EADDRINUSE);
		eq(any_source(p, s, f, false), 0);
		eq(any_source(p, s, f, false), -EADDRNOTAVAIL);
		eq(any_source(p, s, f, true), 0);
		eq(source(p, s, f, JOIN, f->one), -EINVAL);
		eq(source(p, s, f, LEAVE, f->one), -EINVAL);
		eq(source(p, s, f, UNBLOCK, f->one), -EADDRNOTAVAIL);
		eq(source(p, s, f, BLOCK, f->one), 0);
		eq(source(p, s, f, BLOCK, f->one), -EADDRNOTAVAIL);
		eq(source(p, s, f, BLOCK, f->group), -EADDRNOTAVAIL);
		eq(source(p, s, f, BLOCK, f->v6 ? "::" : "0.0.0.0"), -EADDRNOTAVAIL);
		bad.group = f->one;				/* no group */
		eq(source(p, s, &bad, JOIN, f->two), -EINVAL);
		eq(set_filter(p, s, &bad, MCAST_EXCLUDE, 0, NULL), -EINVAL);
		eq(set_filter(p, s, f, 7, 0, NULL), -EINVAL);
		if (f->old) {
			bad = *f;
			bad.here = "10.0.0.99";			/* nobody's interface */
			eq(source(p, s, &bad, JOIN, f->two), -ENODEV);
		}
		char v[8] = { 0 };
		socklen_t len = sizeof v;
		eq(ol_setsockopt(B(p), s, level(f), f->old ? IP_BLOCK_SOURCE : MCAST_BLOCK_SOURCE, v, len, p->now), -EINVAL);
		eq(ol_setsockopt(B(p), s, level(f), f->old ? IP_MSFILTER : MCAST_MSFILTER, v, len, p->now), -EINVAL);
		eq(ol_getsockopt(B(p), s, level(f), f->old ? IP_MSFILTER : MCAST_MSFILTER, v, &len, p->now), -EINVAL);
		eq(ol_getsockopt(B(p), s, level(f), f->old ? IP_BLOCK_SOURCE : MCAST_BLOCK_SOURCE, v, &len, p->now), -ENOPROTOOPT);
		ol_sock t = ol_socket(B(p), f->v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0, p->now);
		eq(source(p, t, f, JOIN, f->one), -ENOPROTOOPT);
		pair_free(p);
	}
}

/* req: 3376-2-a, 3376-2-b */
TEST(source_filters_are_set_and_read_as_a_whole)
{
	for EACH_FORM(f) {
		struct pair *p = start();
		ol_sock s = listener(p, f);
		static char many[MAX][OL_ADDR_STRLEN];
		const char *src[MAX] = { f->two, f->strange, f->two };
		static struct read r;
		eq(get_filter(p, s, f, 4, &r), -EADDRNOTAVAIL);
		eq(set_filter(p, s, f, MCAST_INCLUDE, 0, NULL), 0);		/* RFC 3376 3.1: nothing to be deleted */
		eq(get_filter(p, s, f, 4, &r), -EADDRNOTAVAIL);
		eq(set_filter(p, s, f, MCAST_INCLUDE, 3, src), 0);		/* and to be created */
		eq(get_filter(p, s, f, 4, &r), 0);
		eq(r.mode, MCAST_INCLUDE);
		eq(r.n, 2);							/* what is said twice counts once */
		eq_str(r.src[0], f->two);
		eq_str(r.src[1], f->strange);
		eq(r.len, f->old ? IP_MSFILTER_SIZE(2) : GROUP_FILTER_SIZE(2));
		eq(hears(p, s, f), 2);
		eq(get_filter(p, s, f, 0, &r), 0);
		eq(r.n, 2);
		eq(r.len, f->old ? IP_MSFILTER_SIZE(0) : GROUP_FILTER_SIZE(0));
		eq(get_filter(p, s, f, 1, &r), 0);
		eq(r.n, 2);
		eq_str(r.src[0], f->two);
		eq(set_filter(p, s, f, MCAST_EXCLUDE, 1, src), 0);
		eq(hears(p, s, f), 1);
		eq(source(p, s, f, UNBLOCK, f->two), 0);
		eq(hears(p, s, f), 3);
		eq(get_filter(p, s, f, 4, &r), 0);
		eq(r.mode, MCAST_EXCLUDE);
		eq(r.n, 0);
		eq(set_filter(p, s, f, MCAST_INCLUDE, 0, NULL), 0);
		eq(hears(p, s, f), 0);
		eq(get_filter(p, s, f, 4, &r), -EADDRNOTAVAIL);
		for (int i = 0; i < MAX; i++) {
			snprintf(many[i], sizeof many[i], f->v6 ? "2001:db8::%x" : "192.0.2.%u", i + 1);
			src[i] = many[i];
		}
		eq(set_filter(p, s, f, MCAST_INCLUDE, 64, src), 0);
		eq(get_filter(p, s, f, MAX, &r), 0);
		eq(r.n, 64);
		for (int i = 0; i < 64; i++)
			eq_str(r.src[i], many[i]);
		eq(source(p, s, f, JOIN, many[64]), -ENOBUFS);
		eq(set_filter(p, s, f, MCAST_INCLUDE, 65, src), -ENOBUFS);
		eq(get_filter(p, s, f, MAX, &r), 0);				/* and nothing was changed */
		eq(r.n, 64);
		pair_free(p);
	}
}

/* RFC 3376 3.2: each socket hears by its own filter, though the interface hears for all.  req: 3376-3.2-a, 3376-2-a */
TEST(source_filters_of_sockets_do_not_mix)
{
	for EACH_FORM(f) {
		struct pair *p = start();
		ol_sock one = listener(p, f), two = listener(p, f), all = listener(p, f), none = listener(p, f);
		eq(source(p, one, f, JOIN, f->one), 0);
		eq(source(p, two, f, JOIN, f->two), 0);
		eq(any_source(p, all, f, true), 0);
		send_both(p, f);
		eq(heard(p, one), 1);
		eq(heard(p, two), 2);
		eq(heard(p, all), 3);
		eq(heard(p, none), 3);					/* no member, and content with others' memberships */
		eq(pair_setopt(p, B(p), none, level(f), f->v6 ? IPV6_MULTICAST_ALL : IP_MULTICAST_ALL, 0), 0);
		ol_close(B(p), all, p->now);
		send_both(p, f);
		eq(heard(p, one), 1);
		eq(heard(p, two), 2);
		eq(heard(p, none), 0);
		pair_free(p);
	}
}

/* A raw socket, and what the host sends to itself. */
TEST(source_filters_hold_for_raw_sockets_and_at_home)
{
	struct pair *p = start();
	const struct form *f = &forms[1];
	ol_sock raw = ol_socket(B(p), AF_INET, SOCK_RAW, IPPROTO_UDP, p->now), s = listener(p, f);
	eq(source(p, raw, f, JOIN, f->two), 0);
	eq(any_source(p, s, f, true), 0);
	send_both(p, f);
	char buf[64];
	eq(ol_recv(B(p), raw, buf, sizeof buf, 0, p->now), 20 + 8 + 3);
	eq(ol_recv(B(p), raw, buf, sizeof buf, 0, p->now), -EAGAIN);
	eq(heard(p, s), 3);
	for (int blocked = 0; blocked < 2; blocked++) {
		struct sockaddr_storage to = storage(false, f->group, PORT);
		struct iovec iov = { (void *)(uintptr_t)"1", 1 };
		struct msghdr msg = { .msg_name = &to, .msg_namelen = size(f), .msg_iov = &iov, .msg_iovlen = 1 };
		ol_sock c = udp_at(p, B(p), f, "10.0.0.2", 0);
		struct ip_mreqn by = { .imr_ifindex = p->h[1].eth };
		eq(ol_setsockopt(B(p), c, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof by, p->now), 0);
		if (blocked)
			eq(source(p, s, f, BLOCK, "10.0.0.2"), 0);
		eq(ol_sendmsg(B(p), c, &msg, 0, p->now), 1);
		pair_run(p, 100);
		eq(heard(p, s), blocked ? 0 : 1);
		ol_close(B(p), c, p->now);
	}
	pair_free(p);
}

/* What the options do is what the network is told: the records of RFC 3376 5.1, merged over sockets.  req: 3376-2-a, 3376-3.2-a */
TEST(source_filters_are_told_to_the_network)
{
	enum { TO_EX = 4, ALLOW = 5, BLOCK_OLD = 6 };
	const struct form *f = &forms[1];
	struct pair *p = start();
	ol_sock s = listener(p, f), t = listener(p, f);
	static const struct { enum { S_JOIN_ONE, T_JOIN_ONE, T_JOIN_TWO, T_CLOSE, S_ALL_BUT_TWO } what; unsigned type; const char *src; } rows[] = {
		{ S_JOIN_ONE, ALLOW, "10.0.0.1" }, { T_JOIN_ONE, 0, NULL }, { T_JOIN_TWO, ALLOW, "10.0.0.3" },
		{ T_CLOSE, BLOCK_OLD, "10.0.0.3" }, { S_ALL_BUT_TWO, TO_EX, "10.0.0.3" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		pair_run(p, 5000);
		switch (rows[i].what) {
		case S_JOIN_ONE: eq(source(p, s, f, JOIN, f->one), 0); break;
		case T_JOIN_ONE: eq(source(p, t, f, JOIN, f->one), 0); break;
		case T_JOIN_TWO: eq(source(p, t, f, JOIN, f->two), 0); break;
		case T_CLOSE: ol_close(B(p), t, p->now); break;
		case S_ALL_BUT_TWO: eq(set_filter(p, s, f, MCAST_EXCLUDE, 1, &f->two), 0); break;
		}
		struct ol_pkt *pkt = ol_stack_output(B(p), p->h[1].eth, p->now);
		eq(pkt != NULL, rows[i].type != 0);
		if (pkt) {
			const uint8_t *record = pkt->data + 14 + 24 + 8;
			struct in_addr want = in4(rows[i].src, 0).sin_addr;
			eq(record[0], rows[i].type);
			eq(record[3], 1);
			eq_mem(record + 8, &want, 4);
			ol_pkt_free(pkt);
		}
	}
	pair_free(p);
}
