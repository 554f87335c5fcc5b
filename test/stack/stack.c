/* A whole stack as a value: it does not spin, tells the fate of each packet, survives any bytes, and its like does the same. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include "base/be.h"
#include "base/rng.h"
#include "pair.h"
#include "unit.h"

/* Once expire(now) has run and the output is drained, the deadline lies after now.  pair_run asserts >=; here it is strict. */
TEST(stack_deadline_lies_ahead)
{
	struct pair *p = pair_new(NULL);
	struct stream st = pair_stream(p, 4, 80);
	eq(ol_send(A(p), st.client, "x", 1, 0, p->now), 1);
	for (int i = 0; i < 50; i++) {
		pair_run(p, 7);
		for (int h = 0; h < PAIR_HOSTS; h++)
			ok(ol_stack_deadline(p->h[h].stk) > p->now);
	}
	pair_free(p);
}

/* Time of the caller's that goes back is held where it was; no call is upset */
TEST(stack_time_does_not_go_back)
{
	struct pair *p = pair_new(NULL);
	struct stream st = pair_stream(p, 4, 80);
	eq(ol_send(A(p), st.client, "x", 1, 0, 0), 1);
	ol_stack_expire(A(p), 5);
	pair_run(p, 100);
	eq(ol_readable(B(p), st.server), 1);
	pair_free(p);
}

TEST(stack_tells_the_fate_of_each_packet)
{
	struct pair *p = pair_new(NULL);
	struct ol_verdict v = ol_stack_input(A(p), p->h[0].eth, ol_pkt_from(p->pool, "short", 5), p->now);
	eq(v.fate, OL_DROP_LINK_SHORT);
	eq(v.sock, -1);
	eq(ol_stack_count(A(p), OL_DROP_LINK_SHORT), 1);
	eq(ol_stack_count(B(p), OL_DROP_LINK_SHORT), 0);
	eq(ol_stack_count(A(p), OL_FATE_MAX), 0);
	for (unsigned f = 0; f < OL_FATE_MAX; f++) {
		ok(ol_fate_name(f)[0]);
		ok(ol_fate_text(f)[0]);
	}
	pair_free(p);
}

/* The next IGMPv3 record a host says on its wire: its type and group; 0 when it says nothing. */
static unsigned igmp_record(struct pair *p, struct ol_addr *group)
{
	unsigned type = 0;
	for (struct ol_pkt *pkt; !type && (pkt = ol_stack_output(A(p), p->h[0].eth, p->now)); ol_pkt_free(pkt))
		if (pkt->data[12] == 0x08 && pkt->data[23] == 2) {
			type = pkt->data[14 + 24 + 8];
			*group = ol_addr_from(4, pkt->data + 14 + 24 + 8 + 4);
		}
	return type;
}

/* From a socket's option to the wire: joining, leaving by close(), and an interface that comes back.  RFC 3376 5.1 */
TEST(stack_tells_the_network_of_its_groups)
{
	enum { TO_IN = 3, TO_EX = 4 };
	struct pair *p = pair_new(NULL);
	struct ol_addr got, want = ol_addr_ip4(0xef010203);
	struct ip_mreqn join = { .imr_multiaddr = in4("239.1.2.3", 0).sin_addr, .imr_ifindex = p->h[0].eth };
	pair_run(p, 5000);
	ol_sock s = ol_socket(A(p), AF_INET, SOCK_DGRAM, 0, p->now);
	eq(ol_setsockopt(A(p), s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof join, p->now), 0);
	eq(igmp_record(p, &got), TO_EX);
	ok(ol_addr_eq(&got, &want));
	pair_run(p, 5000);
	eq(ol_iface_up(A(p), p->h[0].eth, false), 0);
	eq(ol_iface_up(A(p), p->h[0].eth, true), 0);
	unsigned type = 0;
	for (ol_time until = p->now + OL_SEC; !type && p->now < until; type = igmp_record(p, &got)) {
		ol_time at = ol_stack_deadline(A(p));
		p->now = at > p->now ? at : p->now + 1;
		ol_stack_expire(A(p), p->now);
	}
	eq(type, TO_EX);
	ok(ol_addr_eq(&got, &want));
	ol_close(A(p), s, p->now);
	eq(igmp_record(p, &got), TO_IN);
	pair_free(p);
}

/* Protocol unreachable for what nobody speaks: RFC 1122 3.2.2.1 */
TEST(stack_unknown_protocol_is_answered)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in to = in4("10.0.0.2", 0);
	ol_sock r = ol_socket(A(p), AF_INET, SOCK_RAW, 253, p->now);
	struct iovec iov = { (void *)(uintptr_t)"x", 1 };
	struct msghdr msg = { .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &iov, .msg_iovlen = 1 };
	eq(ol_connect(A(p), r, SA(to), p->now), 0);
	eq(ol_sendmsg(A(p), r, &msg, 0, p->now), 1);
	pair_run(p, 100);
	eq(ol_stack_count(B(p), OL_DROP_IP_PROTOCOL), 1);
	eq(pair_opt(A(p), r, SOL_SOCKET, SO_ERROR), ENOPROTOOPT);
	pair_free(p);
}

/* What A sends goes nowhere: how many segments, until it asks for its neighbour's address; 0: it does not for 30 s. */
static unsigned sent_before_asking(struct pair *p)
{
	enum { ETH_TYPE = 12, IP_TYPE = 0x0800, ARP_TYPE = 0x0806 };
	unsigned sent = 0;
	bool asked = false;
	for (ol_time end = p->now + 30 * OL_SEC; p->now < end; ) {
		for (struct ol_pkt *f; (f = ol_stack_output(A(p), p->h[0].eth, p->now)); ol_pkt_free(f)) {
			uint16_t type = be16_at(f->data + ETH_TYPE);
			asked |= type == ARP_TYPE;
			sent += type == IP_TYPE && !asked;
		}
		ol_time at = ol_stack_deadline(A(p));
		p->now = at < end ? at : end;
		ol_stack_expire(A(p), p->now);
	}
	return asked ? sent : 0;
}

/*
 * A peer that falls silent: after three timeouts TCP doubts the way, and the neighbour, reachable a moment ago, is asked whether
 * it still is.  On its own it would count as reachable for 15 s at least.
 */
/* req: MUST-20, SHLD-10 */
TEST(stack_neighbour_is_asked_when_tcp_hears_nothing)
{
	struct pair *p = pair_new("tcp_early_retrans=0");
	struct stream st = pair_stream(p, 4, 80);
	eq(ol_send(A(p), st.client, "x", 1, 0, p->now), 1);
	pair_run(p, 1000);
	eq(ol_send(A(p), st.client, "x", 1, 0, p->now), 1);
	/* The text, three retransmissions and the fourth timeout's: R1.  RFC 4861 7.3.3 then waits 5 s for another sign of life. */
	eq(sent_before_asking(p), 6);
	pair_free(p);
}

/* A SYN as well, and its neighbour was there a moment ago. */
/* req: MUST-22 */
TEST(stack_neighbour_is_asked_when_a_syn_hears_nothing)
{
	struct pair *p = pair_new("tcp_early_retrans=0");
	struct stream st = pair_stream(p, 4, 80);
	struct sockaddr_in to = in4("10.0.0.2", 81);
	ol_sock c = ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now);
	eq(ol_send(A(p), st.client, "x", 1, 0, p->now), 1);
	pair_run(p, 1000);
	eq(ol_connect(A(p), c, SA(to), p->now), -EINPROGRESS);
	eq(sent_before_asking(p), 5);			/* at 0, 1, 3, 7 and 15 s */
	pair_free(p);
}

/* Silence of a neighbour is an error that arose here; it reaches the socket as the ICMP error would.  To a stream it is a soft
 * one (RFC 9293 3.9.2.2, MUST-56): the attempt goes on, SO_ERROR tells of it once (SHLD-25), and so does the end. */
TEST(stack_silent_neighbour_is_told)
{
	struct pair *p = pair_new("tcp_syn_retries=2");
	struct sockaddr_in to = in4("10.0.0.77", 80);
	ol_sock c = ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now), u = ol_socket(A(p), AF_INET, SOCK_DGRAM, 0, p->now);
	eq(pair_setopt(p, A(p), u, IPPROTO_IP, IP_RECVERR, 1), 0);
	eq(ol_connect(A(p), u, SA(to), p->now), 0);
	eq(ol_send(A(p), u, "x", 1, 0, p->now), 1);
	eq(ol_connect(A(p), c, SA(to), p->now), -EINPROGRESS);
	pair_run(p, 5000);
	eq(pair_opt(A(p), u, SOL_SOCKET, SO_ERROR), EHOSTUNREACH);
	eq(pair_opt(A(p), c, SOL_SOCKET, SO_ERROR), EHOSTUNREACH);
	eq(pair_opt(A(p), c, SOL_SOCKET, SO_ERROR), 0);
	pair_run(p, 60000);
	eq(pair_opt(A(p), c, SOL_SOCKET, SO_ERROR), EHOSTUNREACH);
	pair_free(p);
}

/* RFC 6298 measures the path: while the neighbour is asked for its address, the SYN waits here and is not on the way. */
static void round_trip_without_resolving(const char *to, int family)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_storage name;
	socklen_t len = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	if (family == AF_INET)
		*(struct sockaddr_in *)&name = in4(to, 80);
	else
		*(struct sockaddr_in6 *)&name = in6(to, 80);
	ol_sock l = ol_socket(B(p), family, SOCK_STREAM, 0, p->now), c = ol_socket(A(p), family, SOCK_STREAM, 0, p->now);
	eq(ol_bind(B(p), l, (struct sockaddr *)&name, len, p->now), 0);
	eq(ol_listen(B(p), l, 1, p->now), 0);
	eq(ol_connect(A(p), c, (struct sockaddr *)&name, len, p->now), -EINPROGRESS);
	p->now += 80 * OL_MS;				/* so long the question lies here */
	pair_run(p, 10);
	struct tcp_info ti;
	socklen_t n = sizeof ti;
	eq(ol_getsockopt(A(p), c, IPPROTO_TCP, TCP_INFO, &ti, &n, p->now), 0);
	eq(ti.tcpi_state, TCP_ESTABLISHED);
	ok(ti.tcpi_rtt < 10000);
	pair_free(p);
}

/* req: 6298-2-b */
TEST(stack_round_trip_does_not_hold_the_wait_for_a_neighbour)
{
	round_trip_without_resolving("10.0.0.2", AF_INET);
	round_trip_without_resolving("fd00::2", AF_INET6);
}

/* One byte, all of whose copies are lost: when the second goes. */
static ol_time again_after(struct pair *p, ol_sock c)
{
	ol_time from = p->now;
	eq(ol_send(A(p), c, "x", 1, 0, p->now), 1);
	for (unsigned frames = 0; p->now < from + OL_SEC; ) {
		for (struct ol_pkt *f; (f = ol_stack_output(A(p), p->h[0].eth, p->now)); ol_pkt_free(f))
			frames++;
		if (frames > 1)
			break;
		p->now = ol_stack_deadline(A(p));
		ol_stack_expire(A(p), p->now);
	}
	return p->now - from;
}

static ol_sock connected(struct pair *p)
{
	struct sockaddr_in to = in4("10.0.0.2", 80);
	ol_sock c = ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now);
	eq(ol_connect(A(p), c, SA(to), p->now), -EINPROGRESS);
	pair_run(p, 10);
	return c;
}

/* So many segments, each sent when the one before is acknowledged; then both ends close. */
static void singles_then_close(struct pair *p, struct stream st, int n)
{
	for (int i = 0; i < n; i++) {
		eq(ol_send(A(p), st.client, "x", 1, 0, p->now), 1);
		pair_run(p, 100);
	}
	eq(ol_close(A(p), st.client, p->now), 0);
	eq(ol_close(B(p), st.server, p->now), 0);
	pair_run(p, 100);
}

/*
 * A server that was probed in vain holds ACKs back, and is known to on the next connection: RFC 8985 7.2's max_ack_delay.  One that
 * answers at once from then on is known to do that.
 */
/* req: 8985-7.2-a */
TEST(stack_knows_a_server_by_the_connection_before)
{
	struct pair *p = pair_new(NULL);
	struct stream st = pair_stream(p, 4, 80);
	ok(again_after(p, st.client) < 20 * OL_MS);	/* a stranger's */
	pair_run(p, 1000);
	singles_then_close(p, st, 60);			/* until it holds an ACK back for longer than a probe waits */
	st.client = connected(p);
	st.server = ol_accept(B(p), st.listener, NULL, NULL, p->now);
	ok(again_after(p, st.client) >= 150 * OL_MS);
	pair_run(p, 1000);
	singles_then_close(p, st, 3);
	ok(again_after(p, connected(p)) < 20 * OL_MS);
	pair_free(p);
}

/* The same seed, the same frames at the same instants: nothing else goes into a stack */
static uint64_t fingerprint(void)
{
	struct pair *p = pair_new(NULL);
	struct stream st = pair_stream(p, 4, 80);
	uint64_t h = 0;
	struct sipkey key = { 1, 2 };
	for (int i = 0; i < 20; i++) {
		char text[100];
		struct sockaddr_in name;
		socklen_t len = sizeof name;
		ol_sock s = ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now);
		struct sockaddr_in to = in4("10.0.0.2", 80);
		eq(ol_connect(A(p), s, SA(to), p->now), -EINPROGRESS);
		eq(ol_getsockname(A(p), s, (struct sockaddr *)&name, &len), 0);
		memset(text, i, sizeof text);
		ok(ol_send(A(p), st.client, text, sizeof text, 0, p->now) > 0);
		pair_run(p, 3);
		uint64_t facts[3] = { h, p->frames, name.sin_port };
		h = siphash(key, facts, sizeof facts);
	}
	pair_free(p);
	return h;
}
TEST(stack_same_seed_same_life) { ok(fingerprint() == fingerprint()); }

/* Whatever bytes come in: no crash, nothing lost.  Half of them are frames that were right before they were bent. */
TEST(stack_survives_any_bytes)
{
	struct pair *p = pair_new(NULL);
	struct stream st = pair_stream(p, 4, 80);
	struct rng r;
	static uint8_t kept[64][256];
	uint32_t len[64] = { 0 };
	rng_init(&r, 0x5eed);
	for (int i = 0; i < 64; i++) {
		ol_send(A(p), st.client, "some text to be bent", 20, 0, p->now);
		struct ol_pkt *pkt = ol_stack_output(A(p), p->h[0].eth, p->now);
		if (pkt) {
			len[i] = pkt->len < 256 ? pkt->len : 256;
			memcpy(kept[i], pkt->data, len[i]);
			ol_pkt_free(pkt);
		}
	}
	for (int i = 0; i < 20000; i++) {
		uint8_t b[256];
		uint32_t k = rng_below(&r, 64), n = len[k] ? len[k] : rng_below(&r, 256);
		for (uint32_t at = 0; at < sizeof b; at++)
			b[at] = (uint8_t)rng_u64(&r);
		if (len[k])
			memcpy(b, kept[k], n);
		for (uint32_t bent = rng_below(&r, 4); bent && n; bent--)
			b[rng_below(&r, n)] = (uint8_t)rng_u64(&r);
		if (rng_chance(&r, 0.1))
			n = rng_below(&r, n + 1);
		struct ol_pkt *pkt = ol_pkt_from(p->pool, b, n);
		pkt->csum = rng_chance(&r, 0.5) ? OL_CSUM_OK : OL_CSUM_NONE;
		ol_stack_input(B(p), p->h[1].eth, pkt, p->now);
		if (i % 1000 == 0)
			pair_run(p, 10);
	}
	pair_run(p, 1000);
	pair_free(p);
}

/* Ten segments of one write cross the wire together: how many frames they are answered with. */
static unsigned answers(const char *settings)
{
	static const uint8_t text[10 * 1448];
	struct pair *p = pair_new(settings);
	struct stream s = pair_stream(p, 4, 80);
	struct ol_pktq together;
	unsigned n = 0;
	ol_pktq_init(&together);
	eq(ol_send(A(p), s.client, text, sizeof text, 0, p->now), (ssize_t)sizeof text);
	for (struct ol_pkt *pkt; (pkt = ol_stack_output(A(p), p->h[0].eth, p->now)); )
		ol_pktq_put(&together, pkt);
	eq(together.count, 10);
	ol_stack_input_batch(B(p), p->h[1].eth, &together, p->now);
	for (struct ol_pkt *pkt; (pkt = ol_stack_output(B(p), p->h[1].eth, p->now)); n++)
		ol_pkt_free(pkt);
	pair_free(p);
	return n;
}

/* req: MUST-58, MUST-59 */
TEST(stack_acknowledges_frames_that_came_together_once)
{
	eq(answers("gro=1"), 1);
	eq(answers("gro=0"), 1);
}

/* A dry pool is a fate like any other: calls say -ENOBUFS or -EAGAIN, and all works again when there is memory */
TEST(stack_lives_through_a_dry_pool)
{
	struct ol_config *cfg = ol_config_new();
	struct ol_pool *pool = ol_pool_new(8192);
	struct ol_stack *stk = ol_stack_new(cfg, pool, 0);
	struct sockaddr_in to = in4("127.0.0.1", 9);
	ok(ol_iface_loopback(stk) > 0);
	ol_sock s = ol_socket(stk, AF_INET, SOCK_DGRAM, 0, 0);
	eq(ol_connect(stk, s, SA(to), 0), 0);
	int sent = 0;
	ssize_t n;
	while ((n = ol_send(stk, s, "x", 1, 0, 0)) == 1)
		ok(++sent < 100);
	eq(n, -ENOBUFS);
	for (struct ol_pkt *pkt; (pkt = ol_stack_output(stk, 1, 0)); )
		ol_pkt_free(pkt);
	eq(ol_send(stk, s, "x", 1, 0, 0), 1);
	ol_stack_free(stk);
	ol_pool_free(pool);
	ol_config_free(cfg);
}
