#ifndef BASE_CHUNKQ_H
#define BASE_CHUNKQ_H
/*
 * A queue of bytes in chunks of one size, found by position in constant time: a send queue is written at its end, read
 * anywhere (retransmission), and dropped from its front.  Chunks come when bytes do and go with them: an empty queue owns
 * no memory at all.  Several queues may share a stock of chunks, so that busy ones do not go to the heap for each.
 * Chunks may come from a stock that several queues share, so that busy queues do not go to the heap for each.
 *
 *	 ring: | chunk | chunk | chunk |      head_off: bytes of the first chunk already dropped
 *	       ^ first                        len: bytes that count
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define CHUNKQ_CHUNK 8192u

struct chunk_stock { void *free; uint32_t n; };		/* last in, first out */
void chunk_stock_fini(struct chunk_stock *stock);

struct chunkq {
	uint8_t **ring;			/* `few` while they are enough: the queue may not be moved */
	uint8_t *few[2];
	uint32_t cap, first, n, head_off;
	size_t len;
	struct chunk_stock *stock;
};

/** Chunks come from `stock` and go back there; NULL: from the heap. */
void chunkq_init(struct chunkq *q, struct chunk_stock *stock);
void chunkq_fini(struct chunkq *q);
/** Appends up to len bytes; returns how many: fewer when memory is short. */
size_t chunkq_write(struct chunkq *q, const void *src, size_t len);
/** Room behind the last byte as up to n pieces, want bytes together at most; returns pieces.  chunkq_commit counts it in. */
int chunkq_room(struct chunkq *q, size_t want, struct iovec *iov, int n);
void chunkq_commit(struct chunkq *q, size_t len);
/** Copies [off, off + len), which must lie in the queue, and adds its Internet checksum to *sum unless that is NULL. */
void chunkq_copy(const struct chunkq *q, size_t off, void *dst, size_t len, uint32_t *sum);
/** Drops len bytes from the front. */
void chunkq_drop(struct chunkq *q, size_t len);

#endif
