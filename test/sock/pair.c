/* Two hosts on a wire of one millisecond, as pair.h says. */
#include "pair.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include "unit.h"

static void host_up(struct pair *p, int i, const struct ol_config *cfg)
{
	struct pair_host *h = &p->h[i];
	struct ol_iface_config eth = { .name = "eth0", .link = OL_LINK_ETHER, .mac = { { 2, 0, 0, 0, 0, (uint8_t)(i + 1) } } };
	struct ol_addr a4, a6;
	char text[32];
	unsigned plen;
	h->stk = ol_stack_new(cfg, p->pool, p->now);
	ok(h->stk);
	h->lo = ol_iface_loopback(h->stk);
	h->eth = ol_iface_add(h->stk, &eth);
	ok(h->lo > 0 && h->eth > 0);
	ol_iface_up(h->stk, h->eth, true);
	snprintf(text, sizeof text, "10.0.0.%d/24", i + 1);
	ok(ol_prefix_parse(text, &a4, &plen));
	eq(ol_addr_add(h->stk, h->eth, &a4, plen), 0);
	snprintf(text, sizeof text, "fd00::%d/64", i + 1);
	ok(ol_prefix_parse(text, &a6, &plen));
	eq(ol_addr_add(h->stk, h->eth, &a6, plen), 0);
}

struct pair *pair_new(const char *settings)
{
	struct pair *p = calloc(1, sizeof *p);
	struct ol_config *cfg = ol_config_new();
	uint8_t seed[16] = { 5, 0xee, 0xd };
	const char *bad = NULL;
	ok(p && cfg);
	eq(ol_config_set_list(cfg, settings ? settings : "", &bad), 0);
	p->pool = ol_pool_new(0);
	p->now = OL_SEC;
	for (int i = 0; i < PAIR_HOSTS; i++) {
		seed[15] = (uint8_t)i;
		ol_config_seed(cfg, seed);
		host_up(p, i, cfg);
	}
	ol_config_free(cfg);
	pair_run(p, 5000);		/* duplicate address detection, where there is some */
	return p;
}

void pair_free(struct pair *p)
{
	for (int i = 0; i < PAIR_HOSTS; i++)
		ol_stack_free(p->h[i].stk);
	while (p->n) {
		ol_pkt_free(p->frame[p->first].pkt);
		p->first = (p->first + 1) % PAIR_IN_FLIGHT;
		p->n--;
	}
	eq(ol_pool_used(p->pool), 0);
	ol_pool_free(p->pool);
	free(p);
}

static void note_flags(struct pair *p, const struct ol_pkt *pkt)
{
	const uint8_t *ip = pkt->data + 14;
	if (pkt->len >= 54 && ip[0] >> 4 == 4 && ip[9] == IPPROTO_TCP)
		p->last_flags = ip[20 + 13];
	if (pkt->len >= 74 && ip[0] >> 4 == 6 && ip[6] == IPPROTO_TCP)
		p->last_flags = ip[40 + 13];
}

static void launch(struct pair *p, int host, int ifi, struct ol_pkt *pkt, ol_time delay)
{
	ok(p->n < PAIR_IN_FLIGHT);
	p->frame[(p->first + p->n++) % PAIR_IN_FLIGHT] = (struct pair_frame){ pkt, p->now + delay, host, ifi };
}

/* Frames all take the same time, so they arrive in the order they left: one queue.  Loopback is not slower. */
static void collect(struct pair *p)
{
	for (int i = 0; i < PAIR_HOSTS; i++) {
		struct pair_host *h = &p->h[i];
		for (int ifi; (ifi = ol_stack_pending(h->stk)); )
			for (struct ol_pkt *pkt; (pkt = ol_stack_output(h->stk, ifi, p->now)); ) {
				if (ifi == h->lo) {
					launch(p, i, ifi, pkt, OL_MS);
					continue;
				}
				note_flags(p, pkt);
				p->frames++;
				if (p->cut)
					ol_pkt_free(pkt);
				else
					launch(p, !i, p->h[!i].eth, pkt, OL_MS);
			}
	}
}

static bool deliver(struct pair *p)
{
	if (!p->n || p->frame[p->first].at > p->now)
		return false;
	struct pair_frame f = p->frame[p->first];
	p->first = (p->first + 1) % PAIR_IN_FLIGHT;
	p->n--;
	ol_stack_input(p->h[f.host].stk, f.ifi, f.pkt, p->now);
	return true;
}

static ol_time next_instant(struct pair *p)
{
	ol_time at = p->n ? p->frame[p->first].at : OL_NEVER;
	for (int i = 0; i < PAIR_HOSTS; i++) {
		ol_time d = ol_stack_deadline(p->h[i].stk);
		at = d < at ? d : at;
	}
	return at;
}

void pair_run(struct pair *p, int ms)
{
	ol_time end = p->now + ms * OL_MS;
	for (int steps = 0; ; steps++) {
		ok(steps < 1000000);
		while (deliver(p))
			;
		for (int i = 0; i < PAIR_HOSTS; i++) {
			ol_stack_expire(p->h[i].stk, p->now);
			ol_stack_check(p->h[i].stk);
		}
		collect(p);
		ol_time at = next_instant(p);
		if (at > end)
			break;
		ok(at >= p->now);
		p->now = at;
	}
	p->now = end;
}

struct sockaddr_in in4(const char *addr, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	eq(inet_pton(AF_INET, addr, &in.sin_addr), 1);
	return in;
}

struct sockaddr_in6 in6(const char *addr, uint16_t port)
{
	struct sockaddr_in6 in = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	eq(inet_pton(AF_INET6, addr, &in.sin6_addr), 1);
	return in;
}

struct stream pair_stream(struct pair *p, int family, uint16_t port)
{
	struct stream st;
	struct sockaddr_in to4 = in4("10.0.0.2", port);
	struct sockaddr_in6 to6 = in6("fd00::2", port);
	int domain = family == 4 ? AF_INET : AF_INET6;
	st.listener = ol_socket(B(p), domain, SOCK_STREAM, 0, p->now);
	ok(st.listener >= 0);
	eq(family == 4 ? ol_bind(B(p), st.listener, SA(to4), p->now) : ol_bind(B(p), st.listener, SA(to6), p->now), 0);
	eq(ol_listen(B(p), st.listener, 16, p->now), 0);
	st.client = ol_socket(A(p), domain, SOCK_STREAM, 0, p->now);
	eq(family == 4 ? ol_connect(A(p), st.client, SA(to4), p->now) : ol_connect(A(p), st.client, SA(to6), p->now), -EINPROGRESS);
	pair_run(p, 100);
	st.server = ol_accept(B(p), st.listener, NULL, NULL, p->now);
	ok(st.server >= 0);
	return st;
}

int pair_opt(struct ol_stack *stk, ol_sock s, int level, int name)
{
	int v = 0;
	socklen_t len = sizeof v;
	int err = ol_getsockopt(stk, s, level, name, &v, &len, 0);
	return err ? err : v;
}

int pair_setopt(struct pair *p, struct ol_stack *stk, ol_sock s, int level, int name, int v)
{
	return ol_setsockopt(stk, s, level, name, &v, sizeof v, p->now);
}
