/*
 * Packets and their pool.  Two sizes of buffer, kept on free lists last in, first out: small for what fits an Ethernet
 * frame, large for super-segments.  The packet's own struct lies at the end of the buffer's allocation, so that one
 * allocation is one packet.
 */
#include <outlet/ol_pkt.h>
#include "base/check.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL = 2048 - (int)sizeof(struct ol_pkt), LARGE = OL_PKT_HEADROOM + OL_PKT_MAX };
enum { MAX_KEPT_SMALL = 4096, MAX_KEPT_LARGE = 256 };

struct ol_pool {
	struct ol_pkt *free_small, *free_large;
	uint32_t n_small, n_large;
	size_t used, max;
};

struct ol_pool *ol_pool_new(size_t max_bytes)
{
	struct ol_pool *p = calloc(1, sizeof *p);
	if (p)
		p->max = max_bytes;
	return p;
}

static void free_list(struct ol_pkt *p)
{
	while (p) {
		struct ol_pkt *next = p->next;
		free(p->buf);
		p = next;
	}
}

void ol_pool_free(struct ol_pool *pool)
{
	if (!pool)
		return;
	CHECK(pool->used == 0);
	ol_pool_trim(pool);
	free(pool);
}

void ol_pool_trim(struct ol_pool *pool)
{
	free_list(pool->free_small);
	free_list(pool->free_large);
	pool->free_small = pool->free_large = NULL;
	pool->n_small = pool->n_large = 0;
}

size_t ol_pool_used(const struct ol_pool *pool) { return pool->used; }

static struct ol_pkt *take(struct ol_pool *pool, size_t cap)
{
	struct ol_pkt **list = cap == SMALL ? &pool->free_small : &pool->free_large;
	struct ol_pkt *p = *list;
	if (p) {
		*list = p->next;
		*(cap == SMALL ? &pool->n_small : &pool->n_large) -= 1;
		return p;
	}
	size_t at = (cap + 15) & ~(size_t)15;
	uint8_t *buf = malloc(at + sizeof *p);
	if (!buf)
		return NULL;
	p = (struct ol_pkt *)(void *)(buf + at);
	p->buf = buf;
	p->cap = (uint32_t)cap;
	return p;
}

struct ol_pkt *ol_pkt_new(struct ol_pool *pool, size_t room)
{
	size_t cap = room + OL_PKT_HEADROOM <= SMALL ? SMALL : LARGE;
	if (room > OL_PKT_MAX || (pool->max && pool->used + cap > pool->max))
		return NULL;
	struct ol_pkt *p = take(pool, cap);
	if (!p)
		return NULL;
	uint8_t *buf = p->buf;
	*p = (struct ol_pkt){ .pool = pool, .buf = buf, .cap = (uint32_t)cap, .data = buf + OL_PKT_HEADROOM, .note.sock = -1 };
	pool->used += cap;
	return p;
}

struct ol_pkt *ol_pkt_from(struct ol_pool *pool, const void *bytes, size_t len)
{
	struct ol_pkt *p = ol_pkt_new(pool, len);
	if (p)
		memcpy(ol_pkt_put(p, len), bytes, len);
	return p;
}

struct ol_pkt *ol_pkt_copy(struct ol_pool *pool, const struct ol_pkt *o)
{
	struct ol_pkt *p = ol_pkt_from(pool, o->data, o->len);
	if (!p)
		return NULL;
	struct ol_pkt c = *o;
	c.next = NULL;
	c.pool = pool;
	c.data = p->data;
	c.buf = p->buf;
	c.cap = p->cap;
	*p = c;
	return p;
}

void ol_pkt_free(struct ol_pkt *p)
{
	if (!p)
		return;
	struct ol_pool *pool = p->pool;
	CHECK(pool->used >= p->cap);
	pool->used -= p->cap;
	bool small = p->cap == SMALL;
	uint32_t *n = small ? &pool->n_small : &pool->n_large;
	if (*n >= (small ? MAX_KEPT_SMALL : MAX_KEPT_LARGE)) {
		free(p->buf);
		return;
	}
	struct ol_pkt **list = small ? &pool->free_small : &pool->free_large;
	p->next = *list;
	*list = p;
	*n += 1;
}

uint8_t *ol_pkt_push(struct ol_pkt *p, size_t n)
{
	CHECK(ol_pkt_headroom(p) >= n);
	p->data -= n;
	p->len += (uint32_t)n;
	p->csum_start = (uint16_t)(p->csum_start + n);
	p->hdr_len = (uint16_t)(p->hdr_len + n);
	return p->data;
}

uint8_t *ol_pkt_pull(struct ol_pkt *p, size_t n)
{
	CHECK(p->len >= n);
	p->data += n;
	p->len -= (uint32_t)n;
	p->csum_start = (uint16_t)(p->csum_start - n);
	p->hdr_len = (uint16_t)(p->hdr_len - n);
	return p->data;
}

uint8_t *ol_pkt_put(struct ol_pkt *p, size_t n)
{
	CHECK(ol_pkt_tailroom(p) >= n);
	uint8_t *at = p->data + p->len;
	p->len += (uint32_t)n;
	return at;
}

void ol_pkt_trim(struct ol_pkt *p, size_t len)
{
	CHECK(len <= p->len);
	p->len = (uint32_t)len;
}

void ol_pktq_init(struct ol_pktq *q) { *q = (struct ol_pktq){ .tail = &q->head }; }

void ol_pktq_put(struct ol_pktq *q, struct ol_pkt *p)
{
	p->next = NULL;
	*q->tail = p;
	q->tail = &p->next;
	q->count++;
	q->bytes += p->len;
}

struct ol_pkt *ol_pktq_get(struct ol_pktq *q)
{
	struct ol_pkt *p = q->head;
	if (!p)
		return NULL;
	q->head = p->next;
	if (!q->head)
		q->tail = &q->head;
	q->count--;
	q->bytes -= p->len;
	p->next = NULL;
	return p;
}

void ol_pktq_purge(struct ol_pktq *q)
{
	for (struct ol_pkt *p; (p = ol_pktq_get(q)); )
		ol_pkt_free(p);
}
