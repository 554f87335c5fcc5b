/* RARP between two hosts: the address that a station is told becomes its own. */
#include <arpa/inet.h>
#include <errno.h>
#include <outlet/ol_sock.h>
#include "unit.h"

static void carry(struct ol_stack *h[2], ol_time now)
{
	for (int round = 0; round < 20; round++)
		for (int i = 0; i < 2; i++) {
			ol_stack_expire(h[i], now);
			for (struct ol_pkt *p; (p = ol_stack_output(h[i], 1, now)); )
				ol_stack_input(h[!i], 1, p, now);
		}
}

/* req: 903-packet-b */
TEST(rarp_gives_an_interface_its_address)
{
	struct ol_pool *pool = ol_pool_new(0);
	struct ol_config *cfg = ol_config_new();
	ol_time now = OL_SEC;
	struct ol_stack *h[2];
	struct ol_addr a, found;
	unsigned plen;
	for (uint8_t i = 0; i < 2; i++) {
		struct ol_iface_config ic = { .name = "eth0", .link = OL_LINK_ETHER, .mac = { { 2, 0, 0, 0, 0, i } } };
		h[i] = ol_stack_new(cfg, pool, now);
		eq(ol_iface_add(h[i], &ic), 1);
	}
	ol_config_free(cfg);
	struct ol_mac client = { { 2, 0, 0, 0, 0, 1 } };
	ok(ol_addr_parse("192.168.7.9", &a));
	eq(ol_rarp_serve(h[0], 1, &client, &a), -EADDRNOTAVAIL);
	ok(ol_addr_parse("192.168.7.1", &found));
	eq(ol_addr_add(h[0], 1, &found, 24), 0);
	eq(ol_rarp_serve(h[0], 1, &client, &a), 0);
	eq(ol_rarp_ask(h[1], 1), 0);
	carry(h, now);
	eq(ol_rarp_state(h[1], 1, &found), 0);
	ok(ol_addr_eq(&found, &a));
	eq(ol_addr_get(h[1], 1, 0, &found, &plen), 0);
	ok(ol_addr_eq(&found, &a));
	eq(plen, 24);

	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	ol_sock s = ol_socket(h[1], AF_INET, SOCK_DGRAM, 0, now), c = ol_socket(h[0], AF_INET, SOCK_DGRAM, 0, now);
	char text[8];
	eq(ol_bind(h[1], s, (void *)&to, sizeof to, now), 0);
	inet_pton(AF_INET, "192.168.7.9", &to.sin_addr);
	eq(ol_connect(h[0], c, (void *)&to, sizeof to, now), 0);
	eq(ol_send(h[0], c, "hello", 5, 0, now), 5);
	carry(h, now);
	eq(ol_recv(h[1], s, text, sizeof text, 0, now), 5);
	ol_stack_free(h[0]);
	ol_stack_free(h[1]);
	eq(ol_pool_used(pool), 0);
	ol_pool_free(pool);
}
