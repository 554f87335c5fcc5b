/* What IPv4 owes to programs that send datagrams: whose address they send from, what they may not hear, how long they may be. */
#include <errno.h>
#include <string.h>
#include "base/be.h"
#include "base/cksum.h"
#include "pair.h"
#include "unit.h"

static ol_sock bound(struct pair *p, struct ol_stack *stk, const char *addr, uint16_t port)
{
	struct sockaddr_in at = in4(addr, port);
	ol_sock s = ol_socket(stk, AF_INET, SOCK_DGRAM, 0, p->now);
	eq(ol_bind(stk, s, SA(at), p->now), 0);
	return s;
}

static ssize_t send_from(struct pair *p, ol_sock s, const char *to, const char *src, size_t len)
{
	static char text[70000];
	struct sockaddr_in at = in4(to, 6000);
	struct in_pktinfo info = { 0 };
	union { struct cmsghdr h; uint8_t b[CMSG_SPACE(sizeof info)]; } ctl = { .h = { .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO,
		.cmsg_len = CMSG_LEN(sizeof info) } };
	struct iovec iov = { text, len };
	struct msghdr m = { .msg_name = &at, .msg_namelen = sizeof at, .msg_iov = &iov, .msg_iovlen = 1 };
	if (src) {
		info.ipi_spec_dst = in4(src, 0).sin_addr;
		memcpy(CMSG_DATA(&ctl.h), &info, sizeof info);
		m.msg_control = &ctl;
		m.msg_controllen = sizeof ctl;
	}
	return ol_sendmsg(A(p), s, &m, 0, p->now);
}

/* Who did B's socket hear from? */
static uint32_t heard_from(struct pair *p, ol_sock s)
{
	char text[100];
	struct sockaddr_in from = { 0 };
	struct iovec iov = { text, sizeof text };
	struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &iov, .msg_iovlen = 1 };
	pair_run(p, 100);
	return ol_recvmsg(B(p), s, &m, 0, p->now) < 0 ? 0 : ntohl(from.sin_addr.s_addr);
}

/* req: 1122-3.2.1.3-b, 1122-3.3.4.2-b, 1122-4.1.3.5-b, 1122-4.1.3.6-b */
TEST(a_program_sends_from_an_address_of_its_host)
{
	struct pair *p = pair_new(NULL);
	struct ol_addr second = ol_addr_ip4(0x0a000007);
	eq(ol_addr_add(A(p), p->h[0].eth, &second, 24), 0);
	ol_sock b = bound(p, B(p), "0.0.0.0", 6000), any = bound(p, A(p), "0.0.0.0", 1), one = bound(p, A(p), "10.0.0.1", 2),
		two = bound(p, A(p), "10.0.0.7", 3), many = bound(p, A(p), "10.0.0.255", 4);
	eq(send_from(p, any, "10.0.0.2", NULL, 1), 1);
	eq(heard_from(p, b), 0x0a000001);			/* the stack chooses */
	eq(send_from(p, one, "10.0.0.2", NULL, 1), 1);
	eq(heard_from(p, b), 0x0a000001);
	eq(send_from(p, two, "10.0.0.2", NULL, 1), 1);
	eq(heard_from(p, b), 0x0a000007);			/* the program does */
	eq(send_from(p, any, "10.0.0.2", "10.0.0.7", 1), 1);
	eq(heard_from(p, b), 0x0a000007);
	eq(send_from(p, many, "10.0.0.2", NULL, 1), 1);		/* bound to a broadcast it hears, and never sends from it */
	eq(heard_from(p, b), 0x0a000001);
	eq(send_from(p, any, "10.0.0.2", "10.0.0.2", 1), -EINVAL);
	eq(send_from(p, any, "10.0.0.2", "10.0.0.255", 1), -EINVAL);
	struct sockaddr_in theirs = in4("10.0.0.2", 5);
	ol_sock s = ol_socket(A(p), AF_INET, SOCK_DGRAM, 0, p->now);
	eq(ol_bind(A(p), s, SA(theirs), p->now), -EADDRNOTAVAIL);
	pair_free(p);
}

/* A datagram from B to A's port 5000 as a frame. */
static size_t frame(struct pair *p, uint8_t *f, uint32_t src, uint16_t sum_off)
{
	struct ol_iface_info i;
	struct ol_addr s = ol_addr_ip4(src), d = ol_addr_ip4(0x0a000001);
	ol_iface_info(A(p), p->h[0].eth, &i);
	memset(f, 0, 60);
	memcpy(f, i.mac.b, 6);
	f[6] = 2;
	f[12] = 8;
	memcpy(f + 14, (uint8_t[]){ 0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17 }, 10);
	memcpy(f + 26, s.b, 4);
	memcpy(f + 30, d.b, 4);
	be16_put(f + 24, cksum_finish(cksum_add(0, f + 14, 20)));
	memcpy(f + 34, (uint8_t[]){ 0x17, 0x70, 0x13, 0x88, 0, 12, 0, 0, 'h', 'i', 0, 0 }, 12);
	be16_put(f + 40, (uint16_t)(cksum_finish(cksum_add(cksum_pseudo(&s, &d, 17, 12), f + 34, 12)) + sum_off));
	return 60;
}

/* req: 1122-4.1.3.4-b, 1122-4.1.3.6-a */
TEST(what_is_damaged_or_from_nowhere_is_dropped_without_a_word)
{
	static const struct { uint32_t src; uint16_t sum_off; enum ol_fate fate; } rows[] = {
		{ 0x0a000002, 0, OL_DONE },		{ 0x0a000002, 1, OL_DROP_UDP_CHECKSUM },
		{ 0xe0000001, 0, OL_DROP_IP_SOURCE },	{ 0x0a0000ff, 0, OL_DROP_IP_SOURCE },
		{ 0xffffffff, 0, OL_DROP_IP_SOURCE },	{ 0x7f000001, 0, OL_DROP_IP_SOURCE },
	};
	struct pair *p = pair_new(NULL);
	ol_sock s = bound(p, A(p), "0.0.0.0", 5000);
	uint64_t before = p->frames;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t f[60];
		char text[10];
		size_t n = frame(p, f, rows[i].src, rows[i].sum_off);
		struct ol_verdict v = ol_stack_input(A(p), p->h[0].eth, ol_pkt_from(p->pool, f, n), p->now);
		if (v.fate != rows[i].fate)
			fail_msg("row %zu: %s", i, ol_fate_name(v.fate));
		eq(ol_recv(A(p), s, text, sizeof text, 0, p->now), i ? -EAGAIN : 4);
	}
	pair_run(p, 100);
	eq(p->frames, before);
	pair_free(p);
}

/* An ICMP "too big" about a datagram to B from this port of A, as a frame. */
static void too_big(struct pair *p, uint16_t port, uint16_t mtu)
{
	uint8_t f[14 + 20 + 8 + 28] = { 0 }, *m = f + 34;
	struct ol_iface_info i;
	ol_iface_info(A(p), p->h[0].eth, &i);
	memcpy(f, i.mac.b, 6);
	f[6] = 2;
	f[12] = 8;
	memcpy(f + 14, (uint8_t[]){ 0x45, 0, 0, 56, 0, 1, 0, 0, 64, 1, 0, 0, 10, 0, 0, 9, 10, 0, 0, 1 }, 20);
	be16_put(f + 24, cksum_finish(cksum_add(0, f + 14, 20)));
	memcpy(m, (uint8_t[]){ 3, 4 }, 2);
	be16_put(m + 6, mtu);
	memcpy(m + 8, (uint8_t[]){ 0x45, 0, 5, 0xdc, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2 }, 20);
	be16_put(m + 28, port);
	be16_put(m + 30, 6000);
	be16_put(m + 2, cksum_finish(cksum_add(0, m, 36)));
	ol_stack_input(A(p), p->h[0].eth, ol_pkt_from(p->pool, f, sizeof f), p->now);
}

/*
 * RFC 8899 is for who makes packets of a program's data; over UDP that is the program itself.  What it stands on is here.
 * req: 8899-3-a, 8899-3-b, 8899-3-c, 8899-3-d, 8085-3.2-a
 */
TEST(a_program_may_search_the_paths_mtu_itself)
{
	struct pair *p = pair_new(NULL);
	ol_sock s = bound(p, A(p), "0.0.0.0", 5000);
	struct sockaddr_in to = in4("10.0.0.2", 6000);
	eq(ol_connect(A(p), s, SA(to), p->now), 0);
	pair_setopt(p, A(p), s, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
	eq(ol_send(A(p), s, "x", 1, 0, p->now), 1);
	pair_run(p, 100);
	pair_opt(A(p), s, SOL_SOCKET, SO_ERROR);		/* nobody is there; not what this is about */
	too_big(p, 4999, 1000);					/* about a port that sent nothing: not believed */
	eq(pair_opt(A(p), s, IPPROTO_IP, IP_MTU), 1500);
	too_big(p, 5000, 1000);
	eq(pair_opt(A(p), s, SOL_SOCKET, SO_ERROR), EMSGSIZE);
	eq(pair_opt(A(p), s, IPPROTO_IP, IP_MTU), 1000);
	too_big(p, 5000, 1400);					/* never up */
	pair_opt(A(p), s, SOL_SOCKET, SO_ERROR);
	eq(pair_opt(A(p), s, IPPROTO_IP, IP_MTU), 1000);
	eq(send_from(p, s, "10.0.0.2", NULL, 1000 - 28 + 1), -EMSGSIZE);	/* above it nothing is sent ... */
	pair_opt(A(p), s, SOL_SOCKET, SO_ERROR);
	pair_setopt(p, A(p), s, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
	eq(send_from(p, s, "10.0.0.2", NULL, 1500 - 28), 1500 - 28);		/* ... but a probe, whole and uncut */
	struct ol_pkt *f = ol_stack_output(A(p), p->h[0].eth, p->now);
	eq(f->len, 1514);
	eq(f->data[20], 0x40);
	ol_pkt_free(f);
	ok(!ol_stack_output(A(p), p->h[0].eth, p->now));
	eq(send_from(p, s, "10.0.0.2", NULL, 1500 - 28 + 1), -EMSGSIZE);	/* nor is a probe ever cut here */
	pair_free(p);
}
