#ifndef FUZZ_LONE_H
#define FUZZ_LONE_H
/* One host with a listener, 10.0.0.1:80 on a wire of bare IP; who comes is a segment that the target makes up. */
#include <netinet/in.h>
#include <outlet/ol_sock.h>
#include <outlet/ol_stack.h>
#include <string.h>
#include "base/be.h"
#include "must.h"
#include "wire/tcp.h"

enum { LONE_PORT = 80 };
struct lone { struct ol_pool *pool; struct ol_stack *stk; int ifi; ol_time now; ol_sock listener; };

/* setting, value: one beside the default ones */
static inline void lone_open(struct lone *w, const char *setting, const char *value)
{
	static const uint8_t seed[17] = "cookies of a kind";
	*w = (struct lone){ .now = 1000 * OL_SEC, .pool = ol_pool_new(0) };
	struct ol_config *cfg = ol_config_new();
	ol_config_seed(cfg, seed);
	must(ol_config_set(cfg, setting, value) == 0);
	w->stk = ol_stack_new(cfg, w->pool, w->now);
	ol_config_free(cfg);
	must(w->stk);
	struct ol_iface_config ic = { .name = "tun0", .link = OL_LINK_IP };
	struct ol_addr a;
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(LONE_PORT) };
	w->ifi = ol_iface_add(w->stk, &ic);
	ol_addr_parse("10.0.0.1", &a);
	must(ol_addr_add(w->stk, w->ifi, &a, 24) == 0);
	w->listener = ol_socket(w->stk, AF_INET, SOCK_STREAM, 0, w->now);
	must(ol_bind(w->stk, w->listener, (struct sockaddr *)&any, sizeof any, w->now) == 0);
}

static inline void lone_close(struct lone *w)
{
	ol_stack_free(w->stk);
	ol_pool_free(w->pool);
}

/* A segment of 10.0.0.`host`; its text is n_text times 'x'. */
struct lone_seg {
	uint8_t host, flags; uint16_t port; uint32_t seq, ack;
	const uint8_t *opt; size_t n_opt;		/* whole words */
	size_t n_text;
};
static inline void lone_give(struct lone *w, const struct lone_seg *s)
{
	size_t n = 40 + s->n_opt + s->n_text;
	struct ol_pkt *p = ol_pkt_new(w->pool, n);
	must(p);
	uint8_t *h = ol_pkt_put(p, n);
	struct tcp_seg g = { .src = s->port, .dst = LONE_PORT, .seq = seq_from(s->seq), .ack = seq_from(s->ack), .flags = s->flags, .wnd = 1000 };
	memset(h, 0, 20);
	h[0] = 0x45;
	be16_put(h + 2, (uint16_t)n);
	h[6] = 0x40;
	h[8] = 64;
	h[9] = IPPROTO_TCP;
	memcpy(h + 12, (uint8_t[]){ 10, 0, 0, s->host, 10, 0, 0, 1 }, 8);
	uint32_t sum = 0;
	for (int i = 0; i < 20; i += 2)
		sum += be16_at(h + i);
	be16_put(h + 10, (uint16_t)~((sum & 0xffff) + (sum >> 16)));
	wire_tcp_build(h + 20, &g, s->n_opt);
	if (s->n_opt)
		memcpy(h + 40, s->opt, s->n_opt);
	memset(h + 40 + s->n_opt, 'x', s->n_text);
	p->csum = OL_CSUM_OK;
	ol_stack_input(w->stk, w->ifi, p, w->now);
}

/* The next SYN-ACK that it sent, or NULL: nothing more.  Other segments (ACKs, resets) are passed over.  The caller frees it. */
static inline struct ol_pkt *lone_synack(struct lone *w)
{
	for (struct ol_pkt *p; (p = ol_stack_output(w->stk, w->ifi, w->now)); ol_pkt_free(p))
		if (p->data[0] == 0x45 && p->data[9] == IPPROTO_TCP && (p->data[33] & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
			return p;
	ol_stack_check(w->stk);
	return NULL;
}

/* The option of that kind in a segment's header, or NULL. */
static inline const uint8_t *lone_option(const uint8_t *tcp, uint8_t kind)
{
	for (size_t k = 20; k + 2 <= (tcp[12] >> 4) * 4u && tcp[k]; k += tcp[k] == 1 ? 1 : tcp[k + 1])
		if (tcp[k] == kind)
			return tcp + k;
	return NULL;
}

#endif
