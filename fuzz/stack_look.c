/*
 * What the stack of fuzz_stack.c sends: frames must be whole and no longer than the MTU, its own segments with a good
 * checksum; and what they tell of a conversation is kept, for the peer's next segments.
 */
#include "stack_world.h"
#include <netinet/in.h>

uint32_t sum(uint32_t s, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		s += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static void note_conn(struct world *w, int ver, const uint8_t *h, size_t len)
{
	size_t hlen = (h[12] >> 4) * 4u;
	must(len >= 20 && hlen >= 20 && hlen <= len);
	struct conn c = { .ver = ver, .ours = be16_at(h), .theirs = be16_at(h + 2), .rcv_nxt = be32_at(h + 8) };
	c.snd_nxt = be32_at(h + 4) + (uint32_t)(len - hlen) + (h[13] & TCP_SYN ? 1 : 0) + (h[13] & TCP_FIN ? 1 : 0);
	for (size_t at = 20; at + 10 <= hlen && h[at]; at += h[at] == 1 ? 1 : h[at + 1]) {
		must(h[at] == 1 || h[at + 1] >= 2);
		if (h[at] == 8) {
			c.ts = true;
			c.tsval = be32_at(h + at + 2);
		}
		if (h[at] == 34 && h[at + 1] > 2 && h[at + 1] <= sizeof w->cookie && at + h[at + 1] <= hlen)
			memcpy(w->cookie, h + at, h[at + 1]);
	}
	unsigned i = 0, n = MIN(w->n_conns, (unsigned)CONNS);
	for (struct conn *o = w->conn; i < n && (o->ver != ver || o->ours != c.ours || o->theirs != c.theirs); o++)
		i++;
	if (i == n)
		i = w->n_conns++ % CONNS;
	w->conn[i] = c;
}

/* Whole, of its own length, not above the MTU; its own segments with a good checksum. */
static void look(struct world *w, const struct ol_pkt *p)
{
	const uint8_t *ip = p->data + ETH, *src, *up;
	must(p->len >= ETH && p->len <= ETH + 1500 && p->csum != OL_CSUM_PARTIAL);
	size_t len = p->len - ETH, head;
	uint8_t proto;
	uint32_t s;
	if (w->raw)
		return;
	if (be16_at(p->data + 12) == 0x0800) {
		head = (ip[0] & 15) * 4u;
		must(len >= 20 && ip[0] >> 4 == 4);
		must(be16_at(ip + 2) == len || (be16_at(ip + 2) < len && p->len == 60));
		len = be16_at(ip + 2);		/* without Ethernet's padding */
		must(head >= 20 && head <= len && sum(0, ip, head) == 0xffff);
		src = ip + 12;
		proto = be16_at(ip + 6) & 0x3fff ? 0 : ip[9];
		s = sum(0, ip + 12, 8);
	} else if (be16_at(p->data + 12) == 0x86dd) {
		head = 40;
		must(len >= 40 && ip[0] >> 4 == 6 && be16_at(ip + 4) == len - 40);
		src = ip + 8;
		proto = ip[6];
		s = sum(0, ip + 8, 32);
	} else {
		return;
	}
	up = ip + head;
	len -= head;
	if (memcmp(src, head == 40 ? our6 : our4, head == 40 ? 16 : 4) != 0 || proto != IPPROTO_TCP)
		return;				/* forwarded, or no segment */
	must(sum(s + proto + (uint32_t)len, up, len) == 0xffff);
	note_conn(w, ip[0] >> 4, up, len);
}

void drain(struct world *w)
{
	int n = 0;
	for (int ifi; (ifi = ol_stack_pending(w->stk)); n++) {
		struct ol_pkt *p = ol_stack_output(w->stk, ifi, w->now);
		must(n < MAX_OUT);		/* it must come to an end by itself */
		if (!p)
			continue;
		if (p->link == OL_LINK_LOOP) {
			ol_stack_input(w->stk, ifi, p, w->now);
			continue;
		}
		look(w, p);
		w->last_len = MIN(p->len, sizeof w->last);
		memcpy(w->last, p->data, w->last_len);
		ol_pkt_free(p);
	}
}
