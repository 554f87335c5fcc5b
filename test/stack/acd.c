/* A host that loses its address to another one (RFC 5227 2.4): what its programs and its peers hear of it. */
#include "pair.h"
#include "unit.h"
#include <errno.h>
#include <netinet/tcp.h>

/* Another station says in ARP that the address is its own. */
static enum ol_fate claimed_by_another(struct pair *p, const char *addr)
{
	uint8_t f[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 9, 9, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 9, 9 };
	struct ol_addr a;
	ok(ol_addr_parse(addr, &a));
	memcpy(f + 28, a.b, 4);
	memcpy(f + 38, a.b, 4);
	struct ol_verdict v = ol_stack_input(A(p), p->h[0].eth, ol_pkt_from(p->pool, f, sizeof f), p->now);
	return v.fate;
}

/* req: 5227-2.4-c */
TEST(connections_of_a_lost_address_are_reset)
{
	struct pair *p = pair_new(NULL);
	struct ol_acd_info info;
	struct ol_addr a = ol_addr_ip4(0x0a000001);
	char c;
	eq(ol_iface_acd(A(p), p->h[0].eth, OL_ACD_ANNOUNCE, OL_DEFEND_ONCE), 0);
	eq(ol_addr_del(A(p), p->h[0].eth, &a), 0);
	eq(ol_acd_get(A(p), 0, &info), -ENOENT);
	eq(ol_addr_add(A(p), p->h[0].eth, &a, 24), 0);
	struct stream st = pair_stream(p, 4, 80), st6 = pair_stream(p, 6, 81);
	eq(claimed_by_another(p, "10.0.0.1"), OL_DROP_ARP_DEFENDED);
	pair_run(p, 100);
	eq(ol_send(A(p), st.client, "x", 1, 0, p->now), 1);	/* as before */
	pair_run(p, 100);
	eq(ol_recv(B(p), st.server, &c, 1, 0, p->now), 1);
	eq(claimed_by_another(p, "10.0.0.1"), OL_DROP_ARP_LOST);
	pair_run(p, 100);
	eq(ol_send(A(p), st.client, "x", 1, 0, p->now), -ECONNABORTED);
	eq(ol_recv(B(p), st.server, &c, 1, 0, p->now), -ECONNRESET);
	eq(ol_send(A(p), st6.client, "x", 1, 0, p->now), 1);	/* the other family's lives */
	eq(ol_acd_get(A(p), 0, &info), 0);
	eq(info.state, OL_ACD_LOST);
	eq(info.rival.b[5], 9);
	ol_sock s = ol_socket(A(p), AF_INET, SOCK_DGRAM, 0, p->now);
	struct sockaddr_in to = in4("10.0.0.2", 80), us = in4("10.0.0.1", 0);
	eq(ol_bind(A(p), s, SA(us), p->now), -EADDRNOTAVAIL);
	eq(ol_connect(A(p), s, SA(to), p->now), -ENETUNREACH);
	eq(ol_addr_add(A(p), p->h[0].eth, &a, 24), 0);		/* the operator insists */
	eq(ol_connect(A(p), s, SA(to), p->now), 0);
	pair_free(p);
}

TEST(a_probed_address_serves_after_seven_seconds)
{
	struct pair *p = pair_new(NULL);
	struct ol_addr a = ol_addr_ip4(0x0a000003);
	struct sockaddr_in us = in4("10.0.0.3", 80);
	struct ol_acd_info info;
	eq(ol_iface_acd(A(p), p->h[0].eth, OL_ACD_PROBE, OL_DEFEND_ONCE), 0);
	eq(ol_addr_add(A(p), p->h[0].eth, &a, 24), 0);
	ol_sock s = ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now);
	eq(ol_bind(A(p), s, SA(us), p->now), -EADDRNOTAVAIL);
	for (int i = 0; i < 71; i++)
		pair_run(p, 100);
	eq(ol_acd_get(A(p), 0, &info), 0);
	ok(info.state == OL_ACD_ANNOUNCED || info.state == OL_ACD_HELD);
	eq(ol_bind(A(p), s, SA(us), p->now), 0);
	pair_free(p);
}
