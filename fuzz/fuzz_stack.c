/*
 * A whole stack.  The input is a script: each step puts in a frame, moves time on, or makes a socket call.  The stack
 * has two Ethernet interfaces and the loopback, a listener, connections, UDP and raw sockets, and it forwards.  Frames
 * are arbitrary, or well formed up to the header the step is about: segments carry numbers near those the stack sent
 * last, ICMP errors quote its last packet, for both families.  Checksums are taken as good, or the fuzzer would only
 * test them.
 *
 * After each step the stack's own beliefs are checked (ol_stack_check), no timer may be left due, and what it sends
 * must be well formed; at the end every packet buffer must have come back.
 */
#include "stack_world.h"
#include <netinet/in.h>
#include <stdio.h>

enum { STEPS = 400 };

/* One setting or two as the script wants them: a number, or a word that some setting takes. */
static void configure(struct ol_config *cfg, struct input *in, unsigned n)
{
	unsigned n_names = 0;
	while (ol_config_name(n_names))
		n_names++;
	while (n--) {
		char text[16];
		uint8_t which = byte(in), v = byte(in);
		snprintf(text, sizeof text, "%u", v & 1 ? 1u << (v >> 3) : v >> 1);
		ol_config_set(cfg, ol_config_name(which % n_names), v >= 0xf0 ? controls[v % 3] : text);
	}
}

static int ether_add(struct world *w, int nic, const char *name, const char *ip4, const char *ip6)
{
	struct ol_iface_config ic = { .name = name, .link = OL_LINK_ETHER, .mac = our_mac[nic] };
	struct ol_addr a;
	int ifi = ol_iface_add(w->stk, &ic);
	must(ifi > 0 && ol_addr_parse(ip4, &a) && !ol_addr_add(w->stk, ifi, &a, 24));
	must(ol_addr_parse(ip6, &a) && !ol_addr_add(w->stk, ifi, &a, 64));
	return ifi;
}

static void setup(struct world *w, struct input *in, uint8_t how)
{
	static const uint8_t seed[16] = "fuzz the stack";
	struct ol_config *cfg = ol_config_new();
	must(cfg != NULL);
	ol_config_seed(cfg, seed);
	ol_config_set(cfg, "ip_forward", (how >> 2 & 3) == 2 ? "0" : "1");
	ol_config_set(cfg, "forwarding", (how >> 2 & 3) == 3 ? "0" : "1");
	ol_config_set(cfg, "accept_ra", "2");
	if (how & 0x40)
		ol_config_set(cfg, "tcp_fastopen", how & 0x80 ? "0x607" : "0x403");
	configure(cfg, in, how >> 2 & 3);
	*w = (struct world){ .now = OL_SEC };
	w->pool = ol_pool_new(how & 2 ? 24u << 10 : 16u << 20);	/* it may run dry */
	w->stk = ol_stack_new(cfg, w->pool, w->now);
	ol_config_free(cfg);
	must(w->stk != NULL && ol_iface_loopback(w->stk) > 0);
	w->ifi[0] = ether_add(w, 0, "eth0", "10.0.0.1", "fd00::1");
	w->ifi[1] = ether_add(w, 1, "eth1", "10.0.1.1", "fd00:0:0:1::1");
	struct ol_addr b;
	if (!(how & 0x10)) {
		must(ol_addr_parse("10.0.0.2", &b) && !ol_neigh_add(w->stk, w->ifi[0], &b, &their_mac));
		must(ol_addr_parse("fd00::2", &b) && !ol_neigh_add(w->stk, w->ifi[0], &b, &their_mac));
	}
	for (int i = 0; i < SOCKS; i++)
		w->s[i] = -1;
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(80) };
	w->s[0] = ol_socket(w->stk, AF_INET6, SOCK_STREAM, 0, w->now);
	w->s[1] = ol_socket(w->stk, AF_INET6, SOCK_DGRAM, 0, w->now);
	must(w->s[0] >= 0 && w->s[1] >= 0);
	must(!ol_bind(w->stk, w->s[0], (void *)&any, sizeof any, w->now) && !ol_listen(w->stk, w->s[0], 5, w->now));
	must(!ol_bind(w->stk, w->s[1], (void *)&any, sizeof any, w->now));
	struct ip_mreqn m4 = { .imr_ifindex = w->ifi[0] };
	struct ipv6_mreq m6 = { .ipv6mr_interface = (unsigned)w->ifi[0] };
	memcpy(&m4.imr_multiaddr, group4, 4);
	memcpy(&m6.ipv6mr_multiaddr, group6, 16);
	ol_setsockopt(w->stk, w->s[1], IPPROTO_IP, IP_ADD_MEMBERSHIP, &m4, sizeof m4, w->now);	/* the pool may be dry */
	ol_setsockopt(w->stk, w->s[1], IPPROTO_IPV6, IPV6_JOIN_GROUP, &m6, sizeof m6, w->now);
}

/* MSS, SACK, timestamps or not, window scale: as most peers say it. */
static void handshake(struct world *w, bool full)
{
	static const uint8_t bare[] = { 0, 0, 1, 0, 0, 0, 0 };
	static const uint8_t usual[] = {
		0, 0, 1, 5 << 3, 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 1, 0, 0, 0, 0, 0, 1, 3, 3, 7, 0, 0, 0,
	};
	struct input syn = { full ? usual : bare, full ? sizeof usual : sizeof bare };
	put_syn(w, &syn);
	struct input ack = { (const uint8_t[]){ 0, 0x10, 0, 0, 0, 0 }, 6 };
	put_tcp(w, &ack);
	w->s[2] = ol_accept(w->stk, w->s[0], NULL, NULL, w->now);
}

static void later(struct world *w, struct input *in)
{
	uint8_t how = byte(in);
	w->now += (ol_time)(how >> 2) * (how & 1 ? how & 2 ? 10 * OL_SEC : 100 * OL_MS : how & 2 ? OL_MS : 50 * OL_US);
	ol_stack_expire(w->stk, w->now);
	drain(w);
	must(ol_stack_deadline(w->stk) > w->now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w;
	struct input in = { data, size };
	uint8_t how = byte(&in);
	setup(&w, &in, how);
	if (how & 1)
		handshake(&w, how & 0x20);
	for (int step = 0; in.left && step < STEPS; step++) {
		uint8_t what = byte(&in);
		switch (what >= 252 ? 12 : what >= 248 ? 13 : what % 12) {
		case 0: put_raw(&w, &in); break;
		case 1: put_syn(&w, &in); break;
		case 2: case 3: case 4: put_tcp(&w, &in); break;
		case 5: put_datagram(&w, &in); break;
		case 6: put_icmp(&w, &in); break;
		case 7: later(&w, &in); break;
		case 10: block(&w, &in); break;
		case 11: put_group(&w, &in); break;
		case 12: put_router(&w, &in); break;
		case 13: put_ip4(&w, &in); break;
		default: call(&w, &in); break;
		}
		ol_stack_check(w.stk);
	}
	ol_stack_free(w.stk);
	must(ol_pool_used(w.pool) == 0);
	ol_pool_free(w.pool);
	return 0;
}
