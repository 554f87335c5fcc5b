/* What is remembered of servers: the table, and how long a failure is borne in mind. */
#include "base/check.h"
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_peer.h"
#include <stdlib.h>

enum { MAX_PEERS = 1024, BUCKETS = 256, MAX_BACKOFF = 11 };
#define PAUSE (60 * OL_SEC)
#define FORGET (86400 * OL_SEC)

void tcp_setback_note(struct tcp_setback *s, unsigned borne, ol_time now)
{
	if (now - s->until > FORGET)
		s->n = 0;
	s->n += s->n < UINT8_MAX;
	s->until = now;
	if (s->n > borne)
		s->until += PAUSE << MIN(s->n - borne - 1, (unsigned)MAX_BACKOFF);
}

void tcp_peers_init(struct tcp_peers *ps)
{
	*ps = (struct tcp_peers){ 0 };
	list_init(&ps->lru);
}

static void drop(struct tcp_peers *ps, struct tcp_peer *p)
{
	list_del(&p->lru);
	list_del(&p->chain);
	ps->n--;
	free(p);
}

void tcp_peers_fini(struct tcp_peers *ps)
{
	for (struct list *n; (n = list_first(&ps->lru)); )
		drop(ps, list_of(n, struct tcp_peer, lru));
	free(ps->bucket);
}

static struct list *bucket_of(const struct tcp *tcp, const struct ol_addr *local, const struct ol_endpoint *remote)
{
	struct ol_endpoint l = { .addr = *local };
	return &tcp->peers.bucket[addr_hash_pair(tcp->key_peers, &l, remote) % BUCKETS];
}

struct tcp_peer *tcp_peer_find(const struct tcp *tcp, const struct ol_addr *local, const struct ol_endpoint *remote)
{
	if (!tcp->peers.bucket)
		return NULL;
	list_for(n, bucket_of(tcp, local, remote)) {
		struct tcp_peer *p = list_of(n, struct tcp_peer, chain);
		if (p->remote.port == remote->port && ol_addr_eq(&p->remote.addr, &remote->addr) && ol_addr_eq(&p->local, local))
			return p;
	}
	return NULL;
}

struct tcp_peer *tcp_peer_of(const struct tcp_tcb *tcb)
{
	return tcp_peer_find(tcb->tcp, &tcb->node.local.addr, &tcb->node.remote);
}

struct tcp_peer *tcp_peer_remember(struct tcp_tcb *tcb)
{
	struct tcp_peers *ps = &tcb->tcp->peers;
	struct tcp_peer *p = tcp_peer_of(tcb);
	if (p) {
		list_del(&p->lru);
		list_append(&ps->lru, &p->lru);
		return p;
	}
	if (!ps->bucket) {
		ps->bucket = calloc(BUCKETS, sizeof *ps->bucket);
		for (unsigned i = 0; ps->bucket && i < BUCKETS; i++)
			list_init(&ps->bucket[i]);
	}
	p = ps->bucket ? calloc(1, sizeof *p) : NULL;
	if (!p)
		return NULL;
	if (ps->n == MAX_PEERS)
		drop(ps, list_of(list_first(&ps->lru), struct tcp_peer, lru));
	p->local = tcb->node.local.addr;
	p->remote = tcb->node.remote;
	list_append(&ps->lru, &p->lru);
	list_append(bucket_of(tcb->tcp, &p->local, &p->remote), &p->chain);
	ps->n++;
	return p;
}
