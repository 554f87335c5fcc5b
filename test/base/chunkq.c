/* The chunk queue against a plain array: random writing, views, copies and drops must agree, and an empty one owns nothing. */
#include "unit.h"
#include "base/check.h"
#include "base/chunkq.h"
#include "base/cksum.h"
#include "base/rng.h"

enum { MOST = 1 << 20 };
static uint8_t plain[MOST], got[MOST];

TEST(chunkq_agrees_with_an_array)
{
	struct chunk_stock stock = { 0 };
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct rng r;
		struct chunkq q;
		size_t head = 0, tail = 0;
		rng_init(&r, seed);
		chunkq_init(&q, seed & 1 ? &stock : NULL);
		for (int step = 0; step < 400; step++) {
			size_t n = rng_below(&r, rng_chance(&r, 0.2) ? 40000 : 300), len = tail - head;
			if (rng_chance(&r, 0.5) && tail + n <= MOST) {
				for (size_t i = 0; i < n; i++)
					plain[tail + i] = (uint8_t)rng_u64(&r);
				struct iovec v[3];
				int pieces = rng_chance(&r, 0.5) ? chunkq_room(&q, n, v, 3) : -1;
				if (pieces < 0) {
					eq(chunkq_write(&q, plain + tail, n), n);
				} else {
					size_t done = 0;
					for (int i = 0; i < pieces; i++) {
						memcpy(v[i].iov_base, plain + tail + done, v[i].iov_len);
						done += v[i].iov_len;
					}
					n = rng_below(&r, (uint32_t)done + 1);	/* fewer than the room asked for */
					chunkq_commit(&q, n);
				}
				tail += n;
			} else if (rng_chance(&r, 0.5)) {
				n = MIN(n, len);
				chunkq_drop(&q, n);
				head += n;
			} else if (len > 0) {
				size_t off = rng_below(&r, (uint32_t)len);
				uint32_t sum = 0;
				n = MIN(n, len - off);
				chunkq_copy(&q, off, got, n, &sum);
				eq_mem(got, plain + head + off, n);
				eq(cksum_fold(sum), cksum_fold(cksum_add(0, got, n)));
			}
			eq(q.len, tail - head);
		}
		chunkq_drop(&q, q.len);
		ok(!q.ring && q.n == 0);
		chunkq_fini(&q);
	}
	ok(stock.n > 0);
	chunk_stock_fini(&stock);
	ok(stock.n == 0 && !stock.free);
}
