/* The parts of TCP alone: options, the receive queue against a plain array, settings. */
#include "unit.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/check.h"
#include "base/rng.h"
#include "transport/tcp/tcp_config.h"
#include "transport/tcp/tcp_option.h"
#include "transport/tcp/tcp_rcvq.h"

/* req: MUST-5, MUST-6, MUST-7 */
TEST(tcp_options_of_any_bytes_are_read_in_bounds)
{
	struct rng r;
	rng_init(&r, 7);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *two = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ok(two != MAP_FAILED && !mprotect(two + page, page, PROT_NONE));
	for (int i = 0; i < 200000; i++) {
		size_t n = rng_below(&r, 41);
		uint8_t *p = two + page - n;			/* one byte too far ends the program */
		struct tcp_opt o;
		for (size_t k = 0; k < n; k++)
			p[k] = rng_chance(&r, 0.6) ? (uint8_t)rng_below(&r, 12) : (uint8_t)rng_u64(&r);
		tcp_opt_parse(&o, p, n);
		ok(o.n_sack >= 0 && o.n_sack <= TCP_MAX_SACK && o.ws <= TCP_MAX_WSCALE);
	}
	munmap(two, 2 * page);
}

TEST(tcp_options_written_are_read_back)
{
	uint8_t p[40];
	struct tcp_opt in;
	struct tcp_opt_out out = { .mss = 1460, .ws_ok = true, .ws = 8, .sack_permitted = true, .ts_ok = true,
		.tsval = 5, .tsecr = 6 };
	size_t n = tcp_opt_build(p, &out);
	eq(n, 20);
	tcp_opt_parse(&in, p, n);
	ok(in.mss == 1460 && in.ws == 8 && in.sack_permitted && in.tsval == 5 && in.tsecr == 6);
	out = (struct tcp_opt_out){ .ts_ok = true, .n_sack = 3, .sack = { { { 1 }, { 2 } }, { { 3 }, { 4 } }, { { 5 },
		{ 6 } } } };
	n = tcp_opt_build(p, &out);
	eq(n, 40);
	tcp_opt_parse(&in, p, n);
	eq(in.n_sack, 3);
	eq(in.sack[2].right.v, 6);
	ok(!in.mss_ok && !in.ws_ok && !in.sack_permitted);
}

enum { SPACE = 60000, CAP_BOUND = 1 << 21 };
static uint8_t text[SPACE], have[SPACE], out[SPACE];

static struct ol_pkt *piece(struct ol_pool *pool, uint32_t from, uint32_t len, bool large)
{
	struct ol_pkt *p = ol_pkt_new(pool, large ? 60000 : len + 60);
	ol_pkt_put(p, 60);
	memcpy(ol_pkt_put(p, len), text + from, len);
	ol_pkt_pull(p, 60);					/* where the headers were */
	return p;
}

/* Pieces of a text in any order and overlap: what can be read is the text, and blocks name only what is held. */
TEST(tcp_receive_queue_agrees_with_an_array)
{
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct rng r;
		struct tcp_rcvq q;
		struct ol_pool *pool = ol_pool_new(0);
		uint32_t base = (uint32_t)rng_u64((rng_init(&r, seed), &r)), nxt = 0, read = 0;
		tcp_rcvq_init(&q);
		memset(have, 0, sizeof have);
		for (size_t i = 0; i < SPACE; i++)
			text[i] = (uint8_t)rng_u64(&r);
		while (read < SPACE) {
			uint32_t from = rng_chance(&r, 0.3) ? nxt : nxt + rng_below(&r, 8000), len = 1 + rng_below(&r, 1400);
			if (from >= SPACE)
				from = nxt;
			len = MIN(len, SPACE - from);
			if (from == nxt && len) {
				tcp_rcvq_append(&q, piece(pool, from, len, rng_chance(&r, 0.1)));
				nxt += len;
				nxt += tcp_rcvq_absorb(&q, seq_from(base + nxt));
			} else if (len) {
				tcp_rcvq_hold(&q, piece(pool, from, len, rng_chance(&r, 0.1)), seq_from(base + from));
			}
			memset(have + from, 1, len);
			while (nxt < SPACE && have[nxt] && !q.ooo)
				fail();				/* held bytes were forgotten */
			tcp_rcvq_check(&q, seq_from(base + nxt));
			for (int i = 0; i < q.n_recent; i++)
				for (uint32_t s = q.recent[i].left.v - base; s != q.recent[i].right.v - base; s++)
					ok(s < SPACE && have[s] && s >= nxt);
			if (rng_chance(&r, 0.4)) {
				struct iovec v = { out, 1 + rng_below(&r, 5000) };
				size_t n = tcp_rcvq_copy(&q, 0, &v, 1, v.iov_len);
				eq_mem(out, text + read, n);
				tcp_rcvq_drop(&q, n);
				read += (uint32_t)n;
			}
			eq(q.readable, nxt - read);
		}
		ok(!q.head && q.truesize == 0);
		tcp_rcvq_purge(&q);
		ol_pool_free(pool);
	}
}

TEST(tcp_settings_take_what_they_can_and_tell_it_back)
{
	struct tcp_config c = tcp_config_default();
	char buf[100];
	eq(tcp_config_set(&c, "tcp_rmem", "4096:540000:15728640"), 0);
	eq(tcp_config_set(&c, "tcp_rmem", "4096 540000 15728640"), 0);
	eq(tcp_config_set(&c, "tcp_rmem", "5 4 3"), -EINVAL);
	eq(tcp_config_set(&c, "tcp_rmem", "4096"), -EINVAL);
	eq(tcp_config_set(&c, "tcp_sack", "2"), -EINVAL);
	eq(tcp_config_set(&c, "tcp_sack", "0x"), -EINVAL);
	eq(tcp_config_set(&c, "tcp_nonsense", "1"), -ENOENT);
	eq(tcp_config_set(&c, "tcp_keepalive_time", "60"), 0);
	eq(c.keepalive_time_ns, 60 * OL_SEC);
	for (unsigned i = 0; tcp_config_name(i); i++) {		/* every one takes back its own value */
		ok(tcp_config_get(&c, tcp_config_name(i), buf, sizeof buf) > 0);
		eq(tcp_config_set(&c, tcp_config_name(i), buf), 0);
		ok(strlen(tcp_config_help(i)) > 10);
	}
}
