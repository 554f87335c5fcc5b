/*
 * The ring holds pointers to chunks and doubles when it is full, so that byte i of the queue is found by a division.
 * Chunks behind the last byte may exist already: chunkq_room makes them before anything is written there.
 */
#include "base/chunkq.h"
#include "base/check.h"
#include "base/cksum.h"
#include <stdlib.h>
#include <string.h>

enum { STOCK_MAX = 64 };		/* half a megabyte: what a second-level cache holds */

void chunkq_init(struct chunkq *q, struct chunk_stock *stock) { *q = (struct chunkq){ .stock = stock }; }

static void *chunk_get(struct chunk_stock *stock)
{
	void *c = stock ? stock->free : NULL;
	if (!c)
		return malloc(CHUNKQ_CHUNK);
	memcpy(&stock->free, c, sizeof stock->free);
	stock->n--;
	return c;
}

static void chunk_put(struct chunk_stock *stock, void *c)
{
	if (!stock || stock->n == STOCK_MAX) {
		free(c);
		return;
	}
	memcpy(c, &stock->free, sizeof stock->free);
	stock->free = c;
	stock->n++;
}

void chunk_stock_fini(struct chunk_stock *stock)
{
	while (stock->n)
		free(chunk_get(stock));
}

void chunkq_fini(struct chunkq *q)
{
	for (uint32_t i = 0; i < q->n; i++)
		chunk_put(q->stock, q->ring[(q->first + i) & (q->cap - 1)]);
	if (q->ring != q->few)
		free(q->ring);
	chunkq_init(q, q->stock);
}

static uint8_t *chunk_at(const struct chunkq *q, size_t pos)	/* pos: from the first chunk's first byte */
{
	return q->ring[(q->first + pos / CHUNKQ_CHUNK) & (q->cap - 1)] + pos % CHUNKQ_CHUNK;
}

static bool grow_ring(struct chunkq *q)
{
	uint32_t cap = q->cap ? q->cap * 2 : (uint32_t)ARRAY_LEN(q->few);
	uint8_t **ring = q->cap ? malloc(cap * sizeof *ring) : q->few;
	if (!ring)
		return false;
	for (uint32_t i = 0; i < q->n; i++)
		ring[i] = q->ring[(q->first + i) & (q->cap - 1)];
	if (q->ring != q->few)
		free(q->ring);
	q->ring = ring;
	q->cap = cap;
	q->first = 0;
	return true;
}

static bool add_chunk(struct chunkq *q)
{
	if (q->n == q->cap && !grow_ring(q))
		return false;
	uint8_t *c = chunk_get(q->stock);
	if (!c)
		return false;
	q->ring[(q->first + q->n++) & (q->cap - 1)] = c;
	return true;
}

int chunkq_room(struct chunkq *q, size_t want, struct iovec *iov, int n)
{
	size_t pos = q->head_off + q->len;
	int i = 0;
	for (; i < n && want > 0; i++) {
		if (pos / CHUNKQ_CHUNK >= q->n && !add_chunk(q))
			break;
		size_t piece = CHUNKQ_CHUNK - pos % CHUNKQ_CHUNK;
		if (piece > want)
			piece = want;
		iov[i] = (struct iovec){ chunk_at(q, pos), piece };
		pos += piece;
		want -= piece;
	}
	return i;
}

void chunkq_commit(struct chunkq *q, size_t len)
{
	CHECK(q->head_off + q->len + len <= (size_t)q->n * CHUNKQ_CHUNK);
	q->len += len;
}

size_t chunkq_write(struct chunkq *q, const void *src, size_t len)
{
	const uint8_t *s = src;
	size_t done = 0;
	struct iovec v;
	while (done < len && chunkq_room(q, len - done, &v, 1) == 1) {
		memcpy(v.iov_base, s + done, v.iov_len);
		chunkq_commit(q, v.iov_len);
		done += v.iov_len;
	}
	return done;
}

void chunkq_copy(const struct chunkq *q, size_t off, void *dst, size_t len, uint32_t *sum)
{
	CHECK(off + len <= q->len && off + len >= off);
	uint8_t *d = dst;
	for (size_t done = 0; done < len; ) {
		size_t pos = q->head_off + off + done;
		size_t piece = CHUNKQ_CHUNK - pos % CHUNKQ_CHUNK;
		if (piece > len - done)
			piece = len - done;
		if (!sum)
			memcpy(d + done, chunk_at(q, pos), piece);
		else if (done & 1)
			*sum = cksum_add_odd(*sum, cksum_copy(0, d + done, chunk_at(q, pos), piece));
		else
			*sum = cksum_copy(*sum, d + done, chunk_at(q, pos), piece);
		done += piece;
	}
}

void chunkq_drop(struct chunkq *q, size_t len)
{
	CHECK(len <= q->len);
	q->len -= len;
	size_t off = q->head_off + len;
	while (off >= CHUNKQ_CHUNK) {
		chunk_put(q->stock, q->ring[q->first]);
		q->first = (q->first + 1) & (q->cap - 1);
		q->n--;
		off -= CHUNKQ_CHUNK;
	}
	q->head_off = (uint32_t)off;
	if (q->len == 0)
		chunkq_fini(q);
}
