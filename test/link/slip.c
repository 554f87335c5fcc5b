/* SLIP as bytes: what is sent, what is taken, in any pieces. */
#include "unit.h"
#include <outlet/ol_serial.h>
#include "base/rng.h"

enum { END = 192, ESC = 219 };

/* Everything in `line`, in pieces of `step` bytes; the frames one after the other in `out`, each with its length before it. */
static size_t hear(struct ol_line_rx *rx, const uint8_t *line, size_t n, size_t step, uint8_t *out, int *bad)
{
	size_t o = 0;
	for (size_t at = 0; at < n; ) {
		size_t piece = n - at < step ? n - at : step, took;
		for (size_t end = at + piece; at < end; at += took) {
			enum ol_line what;
			took = ol_slip_decode(rx, line + at, end - at, &what);
			ok(took > 0);
			if (what == OL_LINE_FRAME) {
				out[o++] = (uint8_t)rx->len;
				memcpy(out + o, rx->buf, rx->len);
				o += rx->len;
			}
			*bad += what == OL_LINE_LONG;
		}
	}
	return o;
}

/* req: 1055-frame-a, 1055-frame-b */
TEST(slip_end_and_esc_are_replaced_and_the_frame_stands_between_ends)
{
	static const uint8_t datagram[] = { 0x45, END, 1, ESC, 220, 221 };
	static const uint8_t line[] = { END, 0x45, ESC, 220, 1, ESC, 221, 220, 221, END };
	uint8_t out[OL_SLIP_ENCODED_MAX(sizeof datagram)];
	eq(ol_slip_encode(out, datagram, sizeof datagram), sizeof line);
	eq_mem(out, line, sizeof line);
}

/* req: 1055-frame-a, 1055-frame-b */
TEST(slip_frames_come_out_of_any_pieces_and_empty_ones_do_not)
{
	static const uint8_t line[] = { 7, 8, END, END, END, 1, ESC, 220, END, ESC, 221, 2, END, 3, ESC, END, END, ESC, 9, END };
	static const uint8_t want[] = { 2, 7, 8, 2, 1, END, 2, ESC, 2, 1, 3, 1, 9 };
	for (size_t step = 1; step <= sizeof line; step++) {
		uint8_t buf[16], out[64];
		struct ol_line_rx rx;
		int bad = 0;
		ol_line_rx_init(&rx, buf, sizeof buf, 0);
		eq(hear(&rx, line, sizeof line, step, out, &bad), sizeof want);
		eq_mem(out, want, sizeof want);
		eq(bad, 0);
	}
}

TEST(slip_a_frame_too_long_is_lost_and_the_next_is_not)
{
	static const uint8_t line[] = { 1, 2, 3, 4, 5, END, 6, 7, 8, 9, END, 1, END };
	uint8_t buf[4], out[64];
	struct ol_line_rx rx;
	int bad = 0;
	ol_line_rx_init(&rx, buf, sizeof buf, 0);
	eq(hear(&rx, line, sizeof line, 3, out, &bad), 7);
	eq_mem(out, ((uint8_t[]){ 4, 6, 7, 8, 9, 1, 1 }), 7);
	eq(bad, 1);
}

TEST(slip_random_frames_come_back)
{
	struct rng r;
	rng_init(&r, 1055);
	for (int i = 0; i < 2000; i++) {
		uint8_t in[200], line[402], buf[200];
		size_t len = 1 + rng_below(&r, sizeof in), n;
		for (size_t k = 0; k < len; k++)
			in[k] = (uint8_t)(rng_below(&r, 3) ? 190 + rng_below(&r, 40) : rng_below(&r, 256));
		n = ol_slip_encode(line, in, len);
		ok(n <= OL_SLIP_ENCODED_MAX(len));
		struct ol_line_rx rx;
		enum ol_line what;
		ol_line_rx_init(&rx, buf, sizeof buf, 0);
		eq(ol_slip_decode(&rx, line, n, &what), n);
		eq(what, OL_LINE_FRAME);
		eq(rx.len, len);
		eq_mem(rx.buf, in, len);
	}
}
