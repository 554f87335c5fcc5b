/*
 * The table of everything that has two endpoints: connections, SYN-RECEIVED records, TIME-WAIT records.  Chained,
 * grown by doubling, hashed with a secret key so that an outsider cannot crowd one bucket (SipHash).
 */
#include "transport/tcp/tcp_demux.h"
#include "base/addr.h"
#include "base/check.h"
#include <stdlib.h>

enum { FIRST_BUCKETS = 64 };

bool tcp_demux_init(struct tcp_demux *d, struct sipkey key)
{
	*d = (struct tcp_demux){ .key = key, .mask = FIRST_BUCKETS - 1, .bucket = calloc(FIRST_BUCKETS, sizeof *d->bucket) };
	return d->bucket;
}

void tcp_demux_fini(struct tcp_demux *d)
{
	CHECK(d->count == 0);
	free(d->bucket);
}

/* Growing may fail for want of memory: then the chains are longer. */
static void grow(struct tcp_demux *d)
{
	uint32_t n = (d->mask + 1) * 2;
	struct tcp_node **b = calloc(n, sizeof *b);
	if (!b)
		return;
	for (uint32_t i = 0; i <= d->mask; i++)
		for (struct tcp_node *x = d->bucket[i], *next; x; x = next) {
			next = x->next;
			x->next = b[x->hash & (n - 1)];
			b[x->hash & (n - 1)] = x;
		}
	free(d->bucket);
	d->bucket = b;
	d->mask = n - 1;
}

void tcp_demux_add(struct tcp_demux *d, struct tcp_node *n)
{
	n->hash = (uint32_t)addr_hash_pair(d->key, &n->local, &n->remote);
	if (d->count > d->mask)
		grow(d);
	struct tcp_node **b = &d->bucket[n->hash & d->mask];
	n->next = *b;
	*b = n;
	d->count++;
}

void tcp_demux_del(struct tcp_demux *d, struct tcp_node *n)
{
	struct tcp_node **p = &d->bucket[n->hash & d->mask];
	while (*p && *p != n)
		p = &(*p)->next;
	CHECK(*p == n);
	if (d->last == n)
		d->last = NULL;
	*p = n->next;
	d->count--;
}

static bool same(const struct ol_endpoint *a, const struct ol_endpoint *b)
{
	return a->port == b->port && ol_addr_eq(&a->addr, &b->addr);
}

/* Segments come in trains: whose the last one was is asked first (Jain, Routhier 1986). */
struct tcp_node *tcp_demux_find(const struct tcp_demux *d, const struct ol_endpoint *local,
		const struct ol_endpoint *remote)
{
	if (d->last && same(&d->last->remote, remote) && same(&d->last->local, local))
		return d->last;
	uint32_t h = (uint32_t)addr_hash_pair(d->key, local, remote);
	for (struct tcp_node *n = d->bucket[h & d->mask]; n; n = n->next)
		if (n->hash == h && same(&n->local, local) && same(&n->remote, remote))
			return n;
	return NULL;
}
