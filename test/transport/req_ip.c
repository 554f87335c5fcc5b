/*
 * TCP and the floors around it, through the public calls and bare IP datagrams: RFC 9293 3.9.1.9 and 3.9.2 (Diffserv,
 * TTL, IP options, ICMP, addresses), RFC 6056 3.3 and 5 (ports of connections), RFC 4821 9, RFC 6528 4.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <outlet/ol_sock.h>
#include <outlet/ol_stack.h>
#include "base/be.h"
#include "base/cksum.h"
#include "unit.h"

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16, OURS = 0x0a000001, PEER = 0x0a000002 };

struct host { struct ol_pool *pool; struct ol_stack *stk; int ifi; ol_time now; };

static struct host *host(struct host *h, const char *settings, const char *seed)
{
	struct ol_config *cfg = ol_config_new();
	struct ol_iface_config ic = { .name = "tun0", .link = OL_LINK_IP };
	struct ol_addr a = ol_addr_ip4(OURS);
	eq(ol_config_set_list(cfg, settings ? settings : "tcp_sack=1", NULL), 0);
	ol_config_seed(cfg, (const uint8_t *)seed);
	h->pool = ol_pool_new(0);
	h->now = 1000 * OL_SEC;
	h->stk = ol_stack_new(cfg, h->pool, h->now);
	ol_config_free(cfg);
	h->ifi = ol_iface_add(h->stk, &ic);
	eq(ol_addr_add(h->stk, h->ifi, &a, 24), 0);
	ol_addr_parse("fd00::1", &a);
	eq(ol_addr_add(h->stk, h->ifi, &a, 64), 0);
	/* what is said when an interface comes up is not our subject */
	for (int i = 0; i < 5; i++) {
		h->now += OL_SEC;
		ol_stack_expire(h->stk, h->now);
		for (struct ol_pkt *p; (p = ol_stack_output(h->stk, h->ifi, h->now)); )
			ol_pkt_free(p);
	}
	return h;
}

static const char seed_a[] = "sixteen bytes, a", seed_b[] = "sixteen bytes, b";

static void gone(struct host *h)
{
	ol_stack_free(h->stk);
	ol_pool_free(h->pool);
}

/* A datagram of IPv4 with options (whole words) around bytes of a protocol. */
static enum ol_fate give(struct host *h, uint8_t proto, uint32_t src, uint32_t dst, const uint8_t *opt, size_t opt_len,
			 const uint8_t *body, size_t len)
{
	uint8_t b[200] = { 0 };
	size_t ihl = 20 + opt_len;
	b[0] = (uint8_t)(0x40 | ihl / 4);
	be16_put(b + 2, (uint16_t)(ihl + len));
	b[6] = 0x40;
	b[8] = 64;
	b[9] = proto;
	be32_put(b + 12, src);
	be32_put(b + 16, dst);
	if (opt_len)
		memcpy(b + 20, opt, opt_len);
	be16_put(b + 10, cksum_finish(cksum_add(0, b, ihl)));
	memcpy(b + ihl, body, len);
	return ol_stack_input(h->stk, h->ifi, ol_pkt_from(h->pool, b, ihl + len), h->now).fate;
}

struct seg {
	uint32_t src, dst;
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags;
	const uint8_t *opt;
	size_t opt_len;
};

static enum ol_fate tcp(struct host *h, struct seg s)
{
	uint8_t t[20] = { 0 };
	struct ol_addr src = ol_addr_ip4(s.src ? s.src : PEER), dst = ol_addr_ip4(s.dst ? s.dst : OURS);
	be16_put(t, s.sport);
	be16_put(t + 2, s.dport);
	be32_put(t + 4, s.seq);
	be32_put(t + 8, s.ack);
	t[12] = 0x50;
	t[13] = s.flags;
	be16_put(t + 14, 30000);
	be16_put(t + 16, cksum_finish(cksum_add(cksum_pseudo(&src, &dst, IPPROTO_TCP, 20), t, 20)));
	return give(h, IPPROTO_TCP, s.src ? s.src : PEER, s.dst ? s.dst : OURS, s.opt, s.opt_len, t, 20);
}
#define TCP(h, ...) tcp(h, (struct seg){ __VA_ARGS__ })

/* The next datagram out: its bytes stay until the next call. */
static const uint8_t *next(struct host *h)
{
	static uint8_t b[2000];
	struct ol_pkt *p = ol_stack_output(h->stk, h->ifi, h->now);
	if (!p)
		return NULL;
	memcpy(b, p->data, p->len);
	ol_pkt_free(p);
	return b;
}
#define NONE(h) ok(!next(h))

static struct sockaddr_in name(uint32_t addr, uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(addr) };
}
#define SA(x) ((struct sockaddr *)&(x)), sizeof(x)

static ol_sock listener(struct host *h, uint16_t port)
{
	struct sockaddr_in a = name(0, port);
	ol_sock s = ol_socket(h->stk, AF_INET, SOCK_STREAM, 0, h->now);
	eq(ol_bind(h->stk, s, SA(a), h->now), 0);
	eq(ol_listen(h->stk, s, 10, h->now), 0);
	return s;
}

static int set(struct host *h, ol_sock s, int level, int opt, int v)
{
	return ol_setsockopt(h->stk, s, level, opt, &v, sizeof v, h->now);
}

/* A stream to the peer's port, established; *seq is its next number. */
static ol_sock stream(struct host *h, uint16_t port, uint32_t *seq, uint16_t *from)
{
	struct sockaddr_in to = name(PEER, port);
	ol_sock s = ol_socket(h->stk, AF_INET, SOCK_STREAM, 0, h->now);
	eq(ol_connect(h->stk, s, SA(to), h->now), -EINPROGRESS);
	const uint8_t *b = next(h);
	*seq = be32_at(b + 24) + 1;
	*from = be16_at(b + 20);
	eq(TCP(h, .sport = port, .dport = *from, .seq = 99, .ack = *seq, .flags = SYN | ACK), OL_DONE);
	next(h);
	return s;
}

/* req: MUST-48, MUST-49, SHLD-21, SHLD-22 */
TEST(program_sets_diffserv_and_ttl_of_its_segments)
{
	struct host h;
	struct sockaddr_in to = name(PEER, 80);
	host(&h, NULL, seed_a);
	ol_sock s = ol_socket(h.stk, AF_INET, SOCK_STREAM, 0, h.now);
	eq(set(&h, s, IPPROTO_IP, IP_TOS, 0x28), 0);
	eq(set(&h, s, IPPROTO_IP, IP_TTL, 7), 0);
	eq(ol_connect(h.stk, s, SA(to), h.now), -EINPROGRESS);
	const uint8_t *b = next(&h);
	eq(b[1], 0x28);
	eq(b[8], 7);
	uint32_t seq = be32_at(b + 24) + 1;
	TCP(&h, .sport = 80, .dport = be16_at(b + 20), .seq = 99, .ack = seq, .flags = SYN | ACK);
	b = next(&h);
	eq(b[1], 0x28);
	eq(b[8], 7);
	eq(set(&h, s, IPPROTO_IP, IP_TOS, 0x48), 0);		/* and may change while the connection lives */
	eq(ol_send(h.stk, s, "x", 1, 0, h.now), 1);
	b = next(&h);
	eq(b[1], 0x48);
	gone(&h);
	host(&h, "ip_default_ttl=33", seed_a);
	s = ol_socket(h.stk, AF_INET6, SOCK_STREAM, 0, h.now);
	struct sockaddr_in6 to6 = {
		.sin6_family = AF_INET6, .sin6_port = htons(80), .sin6_addr.s6_addr = { 0xfd, [15] = 2 },
	};
	eq(set(&h, s, IPPROTO_IPV6, IPV6_TCLASS, 0x28), 0);
	eq(set(&h, s, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9), 0);
	eq(ol_connect(h.stk, s, SA(to6), h.now), -EINPROGRESS);
	b = next(&h);
	eq((be32_at(b) >> 20) & 0xff, 0x28);
	eq(b[7], 9);
	s = ol_socket(h.stk, AF_INET, SOCK_STREAM, 0, h.now);
	eq(ol_connect(h.stk, s, SA(to), h.now), -EINPROGRESS);
	eq(next(&h)[8], 33);					/* what nobody set for a socket is set for the host */
	gone(&h);
}

/* Options of IP that TCP knows nothing of: NOP, router alert, timestamp, an unassigned one. */
/* req: MUST-50 */
TEST(ip_options_do_not_disturb_tcp)
{
	static const uint8_t opts[][8] = {
		{ 1, 1, 1, 0 }, { 148, 4, 0, 0 }, { 68, 8, 5, 0, 0, 0, 0, 0 }, { 94, 4, 1, 2 },
	};
	struct host h;
	host(&h, NULL, seed_a);
	ol_sock l = listener(&h, 80);
	for (uint16_t i = 0; i < 4; i++) {
		eq(TCP(&h, .sport = 1000 + i, .dport = 80, .seq = 9, .flags = SYN, .opt = opts[i], .opt_len = 8),
		   OL_DONE);
		const uint8_t *b = next(&h);
		ok(b && b[33] == (SYN | ACK));
		eq(b[0], 0x45);					/* and none is sent back */
		TCP(&h, .sport = 1000 + i, .dport = 80, .seq = 10, .ack = be32_at(b + 24) + 1, .flags = ACK,
		    .opt = opts[i], .opt_len = 8);
		eq(ol_backlog(h.stk, l), i + 1u);
	}
	gone(&h);
}

/* Source routes are refused whole, RFC 7126 4.3 and 4.4: neither taken from a program nor from a datagram. */
/* req-not: MUST-51, MUST-52, MUST-53 source routing is refused: RFC 7126 says to drop such datagrams, and routers do */
TEST(source_routes_are_refused)
{
	static const uint8_t route[8] = { 131, 7, 4, 10, 0, 0, 9, 0 };
	struct host h;
	host(&h, NULL, seed_a);
	listener(&h, 80);
	ok(TCP(&h, .sport = 1000, .dport = 80, .seq = 9, .flags = SYN, .opt = route, .opt_len = 8) != OL_DONE);
	NONE(&h);
	ol_sock s = ol_socket(h.stk, AF_INET, SOCK_STREAM, 0, h.now);
	ok(ol_setsockopt(h.stk, s, IPPROTO_IP, IP_OPTIONS, route, sizeof route, h.now) < 0);
	gone(&h);
}

/* What is said of a listener holds for the connections it makes, from the SYN-ACK on. */
/* req: MUST-48, MUST-49, SHLD-22 */
TEST(program_sets_diffserv_and_ttl_of_its_listeners_segments)
{
	struct host h;
	host(&h, NULL, seed_a);
	ol_sock l = listener(&h, 80);
	eq(set(&h, l, IPPROTO_IP, IP_TOS, 0x28), 0);
	eq(set(&h, l, IPPROTO_IP, IP_TTL, 7), 0);
	TCP(&h, .sport = 1000, .dport = 80, .seq = 9, .flags = SYN);
	const uint8_t *b = next(&h);
	ok(b && b[33] == (SYN | ACK));
	eq(b[1], 0x28);
	eq(b[8], 7);
	TCP(&h, .sport = 1000, .dport = 80, .seq = 10, .ack = be32_at(b + 24) + 1, .flags = ACK);
	ol_sock s = ol_accept(h.stk, l, NULL, NULL, h.now);
	ok(s >= 0);
	eq(ol_send(h.stk, s, "x", 1, 0, h.now), 1);
	b = next(&h);
	eq(b[1], 0x28);
	eq(b[8], 7);
	gone(&h);
}

/* The calls of sockets for it: one port, an attempt under way from it, and a listener on it. */
/* req: MUST-42 */
TEST(port_is_listened_on_beside_an_attempt_from_it)
{
	struct host h;
	struct sockaddr_in from = name(OURS, 7000), to = name(PEER, 80);
	host(&h, NULL, seed_a);
	ol_sock c = ol_socket(h.stk, AF_INET, SOCK_STREAM, 0, h.now), l = ol_socket(h.stk, AF_INET, SOCK_STREAM, 0, h.now);
	eq(set(&h, c, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	eq(set(&h, l, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	eq(ol_bind(h.stk, c, SA(from), h.now), 0);
	eq(ol_connect(h.stk, c, SA(to), h.now), -EINPROGRESS);
	uint32_t seq = be32_at(next(&h) + 24) + 1;
	eq(ol_bind(h.stk, l, SA(from), h.now), 0);
	eq(ol_listen(h.stk, l, 5, h.now), 0);
	TCP(&h, .sport = 80, .dport = 7000, .seq = 99, .ack = seq, .flags = SYN | ACK);
	eq(ol_send(h.stk, c, "x", 1, 0, h.now), 1);		/* the attempt was ours, and went on */
	while (next(&h))
		;
	TCP(&h, .sport = 81, .dport = 7000, .seq = 9, .flags = SYN);
	const uint8_t *b = next(&h);
	ok(b && b[33] == (SYN | ACK));
	gone(&h);
}

static void icmp(struct host *h, uint8_t type, uint8_t code, uint32_t rest, uint16_t sport, uint16_t dport,
		 uint32_t seq)
{
	uint8_t m[36] = { type, code };
	be32_put(m + 4, rest);
	m[8] = 0x45;
	be16_put(m + 10, 40);
	m[14] = 0x40;
	m[16] = 64;
	m[17] = IPPROTO_TCP;
	be32_put(m + 20, OURS);
	be32_put(m + 24, PEER);
	be16_put(m + 18, cksum_finish(cksum_add(0, m + 8, 20)));
	be16_put(m + 28, sport);
	be16_put(m + 30, dport);
	be32_put(m + 32, seq);
	be16_put(m + 2, cksum_finish(cksum_add(0, m, sizeof m)));
	(void)give(h, IPPROTO_ICMP, 0x0a0000fe, OURS, NULL, 0, m, sizeof m);
}

static int error_of(struct host *h, ol_sock s)
{
	int v;
	socklen_t len = sizeof v;
	eq(ol_getsockopt(h->stk, s, SOL_SOCKET, SO_ERROR, &v, &len, h->now), 0);
	return v;
}

/* Two attempts under way; the error quotes one of them, and one only hears of it. */
/* req: MUST-54 */
TEST(icmp_error_reaches_the_socket_it_is_about)
{
	struct host h;
	struct sockaddr_in to = name(PEER, 80);
	uint16_t port[2];
	uint32_t seq[2];
	ol_sock s[2];
	host(&h, NULL, seed_a);
	for (int i = 0; i < 2; i++) {
		s[i] = ol_socket(h.stk, AF_INET, SOCK_STREAM, 0, h.now);
		eq(ol_connect(h.stk, s[i], SA(to), h.now), -EINPROGRESS);
		const uint8_t *b = next(&h);
		port[i] = be16_at(b + 20);
		seq[i] = be32_at(b + 24);
	}
	icmp(&h, 3, 3, 0, port[1], 80, seq[1]);
	eq(error_of(&h, s[0]), 0);
	eq(error_of(&h, s[1]), ECONNREFUSED);
	gone(&h);
}

/* The same of IPv6, which quotes the connection between fd00::1 and fd00::2. */
static void icmp6(struct host *h, uint8_t type, uint8_t code, uint32_t rest, uint16_t sport, uint16_t dport, uint32_t seq)
{
	uint8_t b[40 + 8 + 40 + 20] = { 0x60 }, *m = b + 40, *q = m + 8;
	struct ol_addr us, peer, router;
	ok(ol_addr_parse("fd00::1", &us) && ol_addr_parse("fd00::2", &peer) && ol_addr_parse("fd00::fe", &router));
	b[5] = sizeof b - 40;
	b[6] = IPPROTO_ICMPV6;
	b[7] = 64;
	memcpy(b + 8, router.b, 16);
	memcpy(b + 24, us.b, 16);
	m[0] = type;
	m[1] = code;
	be32_put(m + 4, rest);
	q[0] = 0x60;
	q[5] = 20;
	q[6] = IPPROTO_TCP;
	q[7] = 64;
	memcpy(q + 8, us.b, 16);
	memcpy(q + 24, peer.b, 16);
	be16_put(q + 40, sport);
	be16_put(q + 42, dport);
	be32_put(q + 44, seq);
	be16_put(m + 2, cksum_finish(cksum_add(cksum_pseudo(&router, &us, IPPROTO_ICMPV6, sizeof b - 40), m, sizeof b - 40)));
	(void)ol_stack_input(h->stk, h->ifi, ol_pkt_from(h->pool, b, sizeof b), h->now);
}

static int state_of(struct host *h, ol_sock s)
{
	struct tcp_info ti;
	socklen_t len = sizeof ti;
	eq(ol_getsockopt(h->stk, s, IPPROTO_TCP, TCP_INFO, &ti, &len, h->now), 0);
	return ti.tcpi_state;
}

/*
 * Each of the soft ones by its number on the wire: the attempt goes on, the connection lives, SO_ERROR tells of it once; and what a
 * Parameter Problem points at is no size of the path.
 */
/* req: MUST-56, SHLD-25, MUST-47, MUST-54 */
TEST(soft_icmp_errors_abort_nothing_and_are_told)
{
	static const struct { bool v6; uint8_t type, code; uint32_t rest; int err; } soft[] = {
		{ false, 3, 0, 0, ENETUNREACH }, { false, 3, 1, 0, EHOSTUNREACH }, { false, 3, 5, 0, EOPNOTSUPP },
		{ false, 11, 0, 0, EHOSTUNREACH }, { false, 11, 1, 0, EHOSTUNREACH }, { false, 12, 0, 9u << 24, EPROTO },
		{ true, 1, 0, 0, ENETUNREACH }, { true, 1, 3, 0, EHOSTUNREACH }, { true, 3, 0, 0, EHOSTUNREACH },
		{ true, 3, 1, 0, EHOSTUNREACH }, { true, 4, 0, 40, EPROTO }, { true, 4, 1, 6, EPROTO }, { true, 4, 2, 1300, EPROTO },
	};
	struct sockaddr_in to = name(PEER, 80);
	struct sockaddr_in6 to6 = {
		.sin6_family = AF_INET6, .sin6_port = htons(80), .sin6_addr.s6_addr = { 0xfd, [15] = 2 },
	};
	for (size_t i = 0; i < sizeof soft / sizeof *soft; i++) {
		struct host h;
		bool v6 = soft[i].v6;
		host(&h, "tcp_mtu_probing=0", seed_a);
		ol_sock s = ol_socket(h.stk, v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0, h.now);
		eq(v6 ? ol_connect(h.stk, s, SA(to6), h.now) : ol_connect(h.stk, s, SA(to), h.now), -EINPROGRESS);
		const uint8_t *b = next(&h) + (v6 ? 40 : 20);
		uint16_t from = be16_at(b);
		uint32_t seq = be32_at(b + 4);
		struct tcp_info was, is;
		socklen_t len = sizeof was;
		eq(ol_getsockopt(h.stk, s, IPPROTO_TCP, TCP_INFO, &was, &len, h.now), 0);
		for (int opened = 0; opened < (v6 ? 1 : 2); opened++) {
			if (opened) {
				TCP(&h, .sport = 80, .dport = from, .seq = 99, .ack = seq + 1, .flags = SYN | ACK);
				seq++;
				eq(ol_send(h.stk, s, "x", 1, 0, h.now), 1);
				while (next(&h))
					;
			}
			(v6 ? icmp6 : icmp)(&h, soft[i].type, soft[i].code, soft[i].rest, from, 80, seq);
			eq(state_of(&h, s), opened ? TCP_ESTABLISHED : TCP_SYN_SENT);
			eq(error_of(&h, s), soft[i].err);
			eq(error_of(&h, s), 0);
			len = sizeof is;
			eq(ol_getsockopt(h.stk, s, IPPROTO_TCP, TCP_INFO, &is, &len, h.now), 0);
			eq(is.tcpi_pmtu, was.tcpi_pmtu);
		}
		gone(&h);
	}
}

/* RFC 6633: as if it had not come.  No error, no window cut, nothing sent. */
/* req: MUST-55, 6633-3-a */
TEST(source_quench_changes_nothing)
{
	struct host h;
	uint32_t seq;
	uint16_t from;
	host(&h, "tcp_congestion_control=reno", seed_a);
	ol_sock s = stream(&h, 80, &seq, &from);
	static char text[100000];
	ok(ol_send(h.stk, s, text, sizeof text, 0, h.now) > 0);
	unsigned first = 0, later = 0;
	while (next(&h))
		first++;
	for (uint32_t i = 0; i < 20; i++)
		icmp(&h, 4, 0, 0, from, 80, seq + 536 * (i % first));
	NONE(&h);
	eq(error_of(&h, s), 0);
	h.now += 20 * OL_MS;
	TCP(&h, .sport = 80, .dport = from, .seq = 100, .ack = seq + 536 * first, .flags = ACK);
	while (next(&h))
		later++;
	eq(later, 2 * first);					/* slow start goes on */
	gone(&h);
}

/* To everyone or from nobody: not a word in answer, and no state. */
/* req: MUST-57, MUST-63 */
TEST(syn_to_or_from_more_than_one_is_silently_dropped)
{
	static const struct { uint32_t src, dst; } bad[] = {
		{ PEER, 0xffffffff }, { PEER, 0x0a0000ff }, { PEER, 0xe0000001 }, { PEER, 0xefffffff },
		{ 0xffffffff, OURS }, { 0x0a0000ff, OURS }, { 0xe0000001, OURS }, { 0xe1020304, OURS },
		{ 0x7f000001, OURS },
	};
	struct host h;
	host(&h, NULL, seed_a);
	listener(&h, 80);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		for (uint16_t port = 80; port <= 81; port++)
			ok(TCP(&h, .src = bad[i].src, .dst = bad[i].dst, .sport = 5, .dport = port, .flags = SYN) !=
			   OL_DONE);
		NONE(&h);
	}
	struct ol_addr any = { .ver = 4 };
	ok(ol_addr_is_any(&any));
	eq(TCP(&h, .sport = 5, .dport = 80, .seq = 9, .flags = SYN), OL_DONE);	/* the same from one to one */
	ok(next(&h) != NULL);
	gone(&h);
}

/* And with IPv6. */
/* req: MUST-57, MUST-63 */
TEST(syn_to_or_from_an_ipv6_group_is_silently_dropped)
{
	static const char *const bad[][2] = {
		{ "fd00::2", "ff02::1" }, { "fd00::2", "ff01::1" }, { "ff02::1", "fd00::1" }, { "ff0e::7", "fd00::1" },
		{ "::", "fd00::1" }, { "::1", "fd00::1" },
		{ "fd00::2", "fd00::1" },
	};
	struct host h;
	host(&h, NULL, seed_a);
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(80) };
	ol_sock l = ol_socket(h.stk, AF_INET6, SOCK_STREAM, 0, h.now);
	eq(ol_bind(h.stk, l, SA(any), h.now), 0);
	eq(ol_listen(h.stk, l, 10, h.now), 0);
	for (int i = 0; i < 7; i++) {
		uint8_t b[60] = { 0x60 };
		struct ol_addr src, dst;
		ok(ol_addr_parse(bad[i][0], &src) && ol_addr_parse(bad[i][1], &dst));
		b[5] = 20;
		b[6] = IPPROTO_TCP;
		b[7] = 64;
		memcpy(b + 8, src.b, 16);
		memcpy(b + 24, dst.b, 16);
		be16_put(b + 40, 5);
		be16_put(b + 42, 80);
		b[52] = 0x50;
		b[53] = SYN;
		be16_put(b + 56, cksum_finish(cksum_add(cksum_pseudo(&src, &dst, IPPROTO_TCP, 20), b + 40, 20)));
		enum ol_fate fate = ol_stack_input(h.stk, h.ifi, ol_pkt_from(h.pool, b, 60), h.now).fate;
		eq(fate == OL_DONE, i == 6);			/* the last one is right */
		const uint8_t *p = next(&h);
		eq(p != NULL, i == 6);
	}
	gone(&h);
}

/* ---- ports ------------------------------------------------------------ */

/* One port to choose from: another peer may be reached from it, the same pair not twice. */
/* req: 6056-3.3-b */
TEST(ephemeral_port_makes_a_unique_five_tuple)
{
	struct host h;
	host(&h, "ip_local_port_range=50000:50000", seed_a);
	struct sockaddr_in to = name(PEER, 80), other = name(PEER, 81), third = name(PEER + 1, 80);
	ol_sock s[4];
	for (int i = 0; i < 4; i++)
		s[i] = ol_socket(h.stk, AF_INET, SOCK_STREAM, 0, h.now);
	eq(ol_connect(h.stk, s[0], SA(to), h.now), -EINPROGRESS);
	eq(ol_connect(h.stk, s[1], SA(to), h.now), -EADDRNOTAVAIL);
	eq(ol_connect(h.stk, s[2], SA(other), h.now), -EINPROGRESS);
	eq(ol_connect(h.stk, s[3], SA(third), h.now), -EINPROGRESS);
	for (int i = 0; i < 3; i++)
		eq(be16_at(next(&h) + 20), 50000);
	gone(&h);
	host(&h, "ip_local_port_range=50000:50001", seed_a);
	for (int i = 0; i < 3; i++)
		s[i] = ol_socket(h.stk, AF_INET, SOCK_STREAM, 0, h.now);
	eq(ol_connect(h.stk, s[0], SA(to), h.now), -EINPROGRESS);
	eq(ol_connect(h.stk, s[1], SA(other), h.now), -EINPROGRESS);
	eq(ol_connect(h.stk, s[2], SA(to), h.now), -EINPROGRESS);	/* whose turn it is now has this peer already: the other */
	uint16_t first = be16_at(next(&h) + 20);
	next(&h);
	eq(first + be16_at(next(&h) + 20), 50000 + 50001);
	gone(&h);
}

/*
 * Algorithm 1 draws a fresh random port each time, so that one just left comes again at once now and then, and looks
 * for a free one at random where few are.  Ours counts from a secret place: a port comes again only when all others
 * have been.
 */
/* req: 6056-5-a */
TEST(ephemeral_ports_are_reused_as_late_as_possible)
{
	struct host h;
	enum { N = 200 };
	bool seen[N] = { false };
	host(&h, "ip_local_port_range=50000:50199", seed_a);
	struct sockaddr_in to = name(PEER, 80);
	for (int i = 0; i < N; i++) {
		ol_sock s = ol_socket(h.stk, AF_INET, SOCK_STREAM, 0, h.now);
		eq(ol_connect(h.stk, s, SA(to), h.now), -EINPROGRESS);
		const uint8_t *b = next(&h);
		uint16_t port = be16_at(b + 20);
		/* free again at once */
		TCP(&h, .sport = 80, .dport = port, .ack = be32_at(b + 24) + 1, .flags = RST | ACK);
		ok(port >= 50000 && port < 50000 + N && !seen[port - 50000]);
		seen[port - 50000] = true;
		ol_close(h.stk, s, h.now);
	}
	ol_sock last[N];
	/* and where nearly all are taken, the free one is found */
	for (int i = 0; i < N; i++) {
		last[i] = ol_socket(h.stk, AF_INET, SOCK_STREAM, 0, h.now);
		eq(ol_connect(h.stk, last[i], SA(to), h.now), -EINPROGRESS);
		ok(next(&h) != NULL);
	}
	gone(&h);
}

/* Secrets: everything an outsider must not foretell comes from the seed, and another seed makes all of it another. */
/* req: 6528-4-a, 7323-7.1-a, MUST-9 */
TEST(secrets_come_from_the_seed)
{
	struct host a, b, again;
	struct sockaddr_in to = name(PEER, 80);
	struct host *h[3] = { host(&a, NULL, seed_a), host(&b, NULL, seed_b), host(&again, NULL, seed_a) };
	uint32_t isn[3], ts[3];
	uint16_t port[3];
	for (int i = 0; i < 3; i++) {
		struct sockaddr_in from = name(OURS, 7000);
		ol_sock s = ol_socket(h[i]->stk, AF_INET, SOCK_STREAM, 0, h[i]->now);
		ol_sock e = ol_socket(h[i]->stk, AF_INET, SOCK_STREAM, 0, h[i]->now);
		eq(ol_bind(h[i]->stk, s, SA(from), h[i]->now), 0);
		eq(ol_connect(h[i]->stk, s, SA(to), h[i]->now), -EINPROGRESS);
		const uint8_t *p = next(h[i]);
		isn[i] = be32_at(p + 24);
		ts[i] = be32_at(p + 20 + 20 + 8);		/* mss, sackOK, TS */
		eq(ol_connect(h[i]->stk, e, SA(to), h[i]->now), -EINPROGRESS);
		port[i] = be16_at(next(h[i]) + 20);
	}
	ok(isn[0] != isn[1] && ts[0] != ts[1] && port[0] != port[1]);
	ok(isn[0] == isn[2] && ts[0] == ts[2] && port[0] == port[2]);
	gone(&a);
	gone(&b);
	gone(&again);
}

/* ---- path MTU ------------------------------------------------------------ */

/* IP_PMTUDISC_PROBE: DF, and longer than what is believed of the path, as long as the link takes it. */
/* req: 4821-4-d, 4821-9-a */
TEST(probing_program_may_exceed_the_path_mtu)
{
	struct host h;
	struct sockaddr_in to = name(PEER, 80);
	static char text[1472];
	host(&h, NULL, seed_a);
	uint32_t seq;
	uint16_t from;
	ol_sock c = stream(&h, 80, &seq, &from), u = ol_socket(h.stk, AF_INET, SOCK_DGRAM, 0, h.now);
	eq(ol_send(h.stk, c, "x", 1, 0, h.now), 1);
	ok(next(&h) != NULL);
	icmp(&h, 3, 4, 1000, from, 80, seq);			/* the path takes 1000 bytes */
	while (next(&h))
		;
	eq(ol_connect(h.stk, u, SA(to), h.now), 0);
	eq(set(&h, u, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO), 0);
	eq(ol_send(h.stk, u, text, sizeof text, 0, h.now), -EMSGSIZE);
	eq(set(&h, u, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE), 0);
	eq(ol_send(h.stk, u, text, sizeof text, 0, h.now), sizeof text);
	const uint8_t *b = next(&h);
	ok(b && be16_at(b + 2) == 1500 && (b[6] & 0x40));
	eq(ol_send(h.stk, u, "x", 1, 0, h.now), 1);
	gone(&h);
}
