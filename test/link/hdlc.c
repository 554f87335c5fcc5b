/* The HDLC-like framing of PPP as bytes: FCS, escapes, aborts, maps of control characters. */
#include "unit.h"
#include <outlet/ol_serial.h>
#include "base/rng.h"

struct heard { int kinds[5]; uint8_t last[64]; size_t last_len; };

static struct heard hear(uint32_t accm, const uint8_t *line, size_t n, size_t step)
{
	struct heard h = { 0 };
	uint8_t buf[40];
	struct ol_line_rx rx;
	ol_line_rx_init(&rx, buf, sizeof buf, accm);
	for (size_t at = 0, took; at < n; at += took) {
		enum ol_line what;
		took = ol_hdlc_decode(&rx, line + at, n - at < step ? n - at : step, &what);
		ok(took > 0);
		h.kinds[what]++;
		if (what == OL_LINE_FRAME) {
			memcpy(h.last, rx.buf, rx.len);
			h.last_len = rx.len;
		}
	}
	return h;
}

/* The check value of this CRC (CRC-16/X-25) over "123456789" is 0x906e.  req: 1662-C-a */
TEST(hdlc_fcs_begins_with_ones_and_ends_in_the_good_value)
{
	uint16_t fcs = (uint16_t)~ol_hdlc_fcs(0xffff, (const uint8_t *)"123456789", 9);
	eq(fcs, 0x906e);
	uint8_t whole[11];
	memcpy(whole, "123456789", 9);
	whole[9] = (uint8_t)fcs;
	whole[10] = (uint8_t)(fcs >> 8);
	eq(ol_hdlc_fcs(0xffff, whole, 11), 0xf0b8);
	static const uint8_t line[] = "\x7e" "123456789" "\x6e\x90\x7e";		/* and so it stands on the line */
	uint8_t out[OL_HDLC_ENCODED_MAX(9)];
	eq(ol_hdlc_encode(out, (const uint8_t *)"123456789", 9, 0), 13);
	eq_mem(out, line, 13);
	struct heard h = hear(0, line, 13, 4);
	eq(h.kinds[OL_LINE_FRAME], 1);
	eq(h.last_len, 9);
}

/* RFC 1662 4.2's examples.  req: 1662-4.2-a, 1662-7.1-a */
TEST(hdlc_flag_escape_and_mapped_octets_are_escaped)
{
	static const uint8_t frame[] = { 0xff, 0x03, 0x7e, 0x7d, 0x11, 0x13 };
	static const uint8_t all[] = { 0x7e, 0xff, 0x7d, 0x23, 0x7d, 0x5e, 0x7d, 0x5d, 0x7d, 0x31, 0x7d, 0x33 };
	static const uint8_t none[] = { 0x7e, 0xff, 0x03, 0x7d, 0x5e, 0x7d, 0x5d, 0x11, 0x13 };
	static const uint8_t dc3[] = { 0x7e, 0xff, 0x03, 0x7d, 0x5e, 0x7d, 0x5d, 0x11, 0x7d, 0x33 };
	uint8_t out[OL_HDLC_ENCODED_MAX(sizeof frame)];
	size_t n = ol_hdlc_encode(out, frame, sizeof frame, 0xffffffff);
	eq_mem(out, all, sizeof all);
	eq(out[n - 1], 0x7e);
	ol_hdlc_encode(out, frame, sizeof frame, 0);
	eq_mem(out, none, sizeof none);
	ol_hdlc_encode(out, frame, sizeof frame, UINT32_C(1) << 19);
	eq_mem(out, dc3, sizeof dc3);
}

/* req: 1662-4.2-a, 1662-7.1-a */
TEST(hdlc_control_characters_of_the_line_are_removed_where_the_map_says_so)
{
	static const uint8_t frame[] = { 0xff, 0x03, 0xc0, 0x21, 0x7e, 0x11 };
	uint8_t clean[64], line[128];
	size_t n = ol_hdlc_encode(clean, frame, sizeof frame, 0xffffffff), m = 0;
	for (size_t i = 0; i < n; i++) {		/* XON after every byte, also between an escape and what follows it */
		line[m++] = clean[i];
		line[m++] = 0x11;
	}
	struct heard h = hear(0xffffffff, line, m, 5);
	eq(h.kinds[OL_LINE_FRAME], 1);
	eq(h.last_len, sizeof frame);
	eq_mem(h.last, frame, sizeof frame);
	h = hear(0, line, m, 5);			/* not mapped: they belong to the frame */
	eq(h.kinds[OL_LINE_FRAME], 0);
	eq(h.kinds[OL_LINE_FCS], 1);
}

/* The receiver undoes every escape, of octets too that need none.  req: 1662-4.2-a */
TEST(hdlc_needless_escapes_are_undone)
{
	static const uint8_t frame[] = { 0xff, 0x03, 'a', 'b' };
	uint16_t fcs = (uint16_t)~ol_hdlc_fcs(0xffff, frame, sizeof frame);
	uint8_t whole[6] = { 0xff, 0x03, 'a', 'b', (uint8_t)fcs, (uint8_t)(fcs >> 8) }, line[16];
	size_t n = 0;
	for (int i = 0; i < 6; i++) {
		line[n++] = 0x7d;
		line[n++] = whole[i] ^ 0x20;
	}
	line[n++] = 0x7e;
	struct heard h = hear(0xffffffff, line, n, 1);
	eq(h.kinds[OL_LINE_FRAME], 1);
	eq_mem(h.last, frame, sizeof frame);
}

/* req: 1662-4.3-a */
TEST(hdlc_short_aborted_and_damaged_frames_are_dropped)
{
	static const uint8_t frame[] = { 0xff, 0x03, 0xc0, 0x21, 9, 9 };
	uint8_t good[64];
	size_t n = ol_hdlc_encode(good, frame, sizeof frame, 0);
	struct { uint8_t line[80]; size_t n; enum ol_line what; } cases[] = {
		{ { 0x7e, 1, 2, 3, 0x7e }, 5, OL_LINE_ABORT },			/* under 4 octets */
		{ { 0x7e, 1, 2, 3, 4, 5, 6, 0x7d, 0x7e }, 9, OL_LINE_ABORT },	/* escape and flag */
		{ { 0x7e, 0x7d, 0x7e }, 3, OL_LINE_ABORT },
		{ { 0x7e, 1, 2, 3, 4, 5, 6, 0x7e }, 8, OL_LINE_FCS },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		memcpy(cases[i].line + cases[i].n, good, n);		/* and what follows is whole */
		for (size_t step = 1; step < 20; step += 6) {
			struct heard h = hear(0, cases[i].line, cases[i].n + n, step);
			eq(h.kinds[cases[i].what], 1);
			eq(h.kinds[OL_LINE_FRAME], 1);
			eq_mem(h.last, frame, sizeof frame);
		}
	}
	for (size_t bit = 8; bit < 8 * (n - 1); bit++) {		/* any bit of it */
		uint8_t bent[64];
		memcpy(bent, good, n);
		bent[bit / 8] ^= (uint8_t)(1 << bit % 8);
		eq(hear(0, bent, n, 64).kinds[OL_LINE_FRAME], 0);
	}
}

/* Flags between frames are nothing; one between two frames is enough.  RFC 1662 3.1, 4.4.2 */
TEST(hdlc_flags_between_frames_are_no_frames)
{
	static const uint8_t frame[] = { 0xff, 0x03, 0xc0, 0x21 };
	uint8_t line[128] = { 0x7e, 0x7e, 0x7e };
	size_t n = 3 + ol_hdlc_encode(line + 3, frame, sizeof frame, 0);
	n += ol_hdlc_encode(line + n, frame, sizeof frame, 0);
	struct heard h = hear(0, line, n, 7);
	eq(h.kinds[OL_LINE_FRAME], 2);
	eq(h.kinds[OL_LINE_FCS] + h.kinds[OL_LINE_ABORT] + h.kinds[OL_LINE_LONG], 0);
	size_t one = ol_hdlc_encode(line, frame, sizeof frame, 0);
	size_t two = ol_hdlc_encode(line + one - 1, frame, sizeof frame, 0);	/* the second's flag is the first's */
	eq(hear(0, line, one - 1 + two, 64).kinds[OL_LINE_FRAME], 2);
}

TEST(hdlc_a_frame_too_long_is_lost_and_the_next_is_not)
{
	uint8_t big[60] = { 0 }, line[256];
	size_t n = ol_hdlc_encode(line, big, sizeof big, 0);
	n += ol_hdlc_encode(line + n, (const uint8_t *)"abcdef", 6, 0);
	struct heard h = hear(0, line, n, 9);
	eq(h.kinds[OL_LINE_LONG], 1);
	eq(h.kinds[OL_LINE_FRAME], 1);
	eq_mem(h.last, "abcdef", 6);
}

TEST(hdlc_random_frames_come_back)
{
	struct rng r;
	rng_init(&r, 1662);
	for (int i = 0; i < 2000; i++) {
		uint8_t in[38], line[OL_HDLC_ENCODED_MAX(38)];
		size_t len = 2 + rng_below(&r, 37);
		uint32_t accm = (uint32_t)rng_u64(&r);
		for (size_t k = 0; k < len; k++)
			in[k] = (uint8_t)(rng_below(&r, 2) ? rng_below(&r, 32) : 0x70 + rng_below(&r, 16));
		size_t n = ol_hdlc_encode(line, in, len, accm);
		ok(n <= OL_HDLC_ENCODED_MAX(len));
		struct heard h = hear(accm, line, n, 1 + rng_below(&r, 9));
		eq(h.kinds[OL_LINE_FRAME], 1);
		eq(h.last_len, len);
		eq_mem(h.last, in, len);
	}
}
