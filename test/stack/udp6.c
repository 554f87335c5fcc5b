/* UDP over IPv6 as it leaves: RFC 8200 8.1. */
#include <netinet/in.h>
#include <outlet/ol_sock.h>
#include <outlet/ol_stack.h>
#include "base/be.h"
#include "base/cksum.h"
#include "unit.h"

static struct ol_pool *pool;
static struct ol_stack *stk;
static int ifi;

/* The checksum of a datagram with this word for its text, as it went out; what it should be is reckoned here. */
static uint16_t sent(ol_sock s, struct sockaddr_in6 *to, uint16_t word, uint16_t *right)
{
	uint8_t text[2];
	be16_put(text, word);
	struct iovec iov = { text, sizeof text };
	struct msghdr m = { .msg_name = to, .msg_namelen = sizeof *to, .msg_iov = &iov, .msg_iovlen = 1 };
	eq(ol_sendmsg(stk, s, &m, 0, OL_SEC), 2);
	struct ol_pkt *p = ol_stack_output(stk, ifi, OL_SEC);
	assert_non_null(p);
	eq(p->len, 40 + 8 + 2);
	uint16_t sum = be16_at(p->data + 46);
	be16_put(p->data + 46, 0);
	struct ol_addr src = ol_addr_from(6, p->data + 8), dst = ol_addr_from(6, p->data + 24);
	*right = cksum_finish(cksum_add(cksum_pseudo(&src, &dst, 17, 10), p->data + 40, 10));
	ol_pkt_free(p);
	return sum;
}

/* req: 8200-8.1-c, 8200-8.1-a */
TEST(udp6_checksum_is_there_and_never_zero)
{
	struct ol_config *cfg = ol_config_new();
	struct ol_iface_config ic = { .name = "ip0", .link = OL_LINK_IP };
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(53), .sin6_addr.s6_addr = { 0xfd, [15] = 9 } };
	struct ol_addr a;
	uint16_t right;
	pool = ol_pool_new(0);
	stk = ol_stack_new(cfg, pool, OL_SEC);
	ol_config_free(cfg);
	ifi = ol_iface_add(stk, &ic);
	ok(ifi > 0 && ol_addr_parse("fd00::1", &a) && !ol_addr_add(stk, ifi, &a, 8));
	ol_sock s = ol_socket(stk, AF_INET6, SOCK_DGRAM, 0, OL_SEC);
	ok(s >= 0);
	uint16_t sum = sent(s, &to, 0, &right);
	eq(sum, right);
	ok(sum != 0);
	/* the word that makes all of it sum up to nothing */
	eq(sent(s, &to, sum, &right), 0xffff);
	eq(right, 0);
	ol_stack_free(stk);
	ol_pool_free(pool);
}
