/*
 * Two hosts in one program, joined in memory and in virtual time: a megabyte goes from the client to the echo server and back.
 * Nothing here waits or asks a clock; a second of the network's life takes as long as its work does.
 *
 *	cc echo_pair.c echo_client.c echo_server.c $(pkg-config --cflags --libs outlet)
 */
#include "echo.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { HOSTS = 2, QUEUE = 1024, TOTAL = 1 << 20 };
static const ol_time WIRE_DELAY = 5 * OL_MS;

struct wire { struct { struct ol_pkt *pkt; ol_time at; int to; } q[QUEUE]; unsigned first, n; };

/* A host with one address on an Ethernet; index 0 and 1 are 10.0.0.1 and 10.0.0.2. */
static struct ol_stack *host(int i, struct ol_pool *pool, ol_time now)
{
	struct ol_config *cfg = ol_config_new();
	uint8_t seed[16] = { (uint8_t)(i + 1) };		/* a real program takes these from getrandom() */
	ol_config_seed(cfg, seed);
	struct ol_stack *stk = ol_stack_new(cfg, pool, now);
	ol_config_free(cfg);
	const struct ol_iface_config eth = { .name = "eth0", .link = OL_LINK_ETHER, .mac = { { 2, 0, 0, 0, 0, (uint8_t)(i + 1) } } };
	const struct ol_addr addr = ol_addr_ip4(0x0a000001 + (uint32_t)i);
	int ifi = ol_iface_add(stk, &eth);
	ol_iface_up(stk, ifi, true);
	ol_addr_add(stk, ifi, &addr, 24);
	return stk;
}

static void put_on_wire(struct wire *w, struct ol_stack *stk, int to, ol_time now)
{
	for (int ifi; (ifi = ol_stack_pending(stk)); )
		for (struct ol_pkt *pkt; (pkt = ol_stack_output(stk, ifi, now)); ) {
			if (w->n == QUEUE) {
				ol_pkt_free(pkt);
				continue;
			}
			unsigned i = (w->first + w->n++) % QUEUE;
			w->q[i].pkt = pkt;
			w->q[i].at = now + WIRE_DELAY;
			w->q[i].to = to;
		}
}

int main(void)
{
	struct ol_pool *pool = ol_pool_new(0);
	struct ol_stack *stk[HOSTS];
	struct wire wire = { 0 };
	struct echo_client client;
	struct ol_event ev;
	ol_time now = 0;
	for (int i = 0; i < HOSTS; i++)
		stk[i] = host(i, pool, now);
	ol_sock listener = echo_server_start(stk[1], 7, now);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(7), .sin_addr.s_addr = htonl(0x0a000002) };
	int err = listener < 0 ? listener : echo_client_start(&client, stk[0], (struct sockaddr *)&to, sizeof to, TOTAL, now);
	if (err) {
		fprintf(stderr, "echo: %s\n", strerror(-err));
		return 1;
	}
	while (!client.done && now < 60 * OL_SEC) {
		for (int i = 0; i < HOSTS; i++) {
			ol_stack_expire(stk[i], now);
			put_on_wire(&wire, stk[i], !i, now);
		}
		ol_time next = wire.n ? wire.q[wire.first].at : OL_NEVER;
		for (int i = 0; i < HOSTS; i++)
			if (ol_stack_deadline(stk[i]) < next)
				next = ol_stack_deadline(stk[i]);
		if (next == OL_NEVER)
			break;
		now = next;
		while (wire.n && wire.q[wire.first].at <= now) {
			ol_stack_input(stk[wire.q[wire.first].to], 1, wire.q[wire.first].pkt, now);
			wire.first = (wire.first + 1) % QUEUE;
			wire.n--;
		}
		while (ol_event_next(stk[1], &ev))
			echo_server_event(stk[1], listener, &ev, now);
		while (ol_event_next(stk[0], &ev))
			echo_client_event(&client, stk[0], now);
	}
	printf("%zu bytes there and back in %.3f virtual seconds: %s\n", client.got, (double)now / 1e9,
	       client.done && !client.failed ? "all as sent" : "FAILED");
	for (int i = 0; i < HOSTS; i++)
		ol_stack_free(stk[i]);
	for (; wire.n; wire.n--, wire.first = (wire.first + 1) % QUEUE)
		ol_pkt_free(wire.q[wire.first].pkt);
	ol_pool_free(pool);
	return !client.done || client.failed;
}
