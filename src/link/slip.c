/*
 * SLIP, RFC 1055: END ends a frame, and begins it too, so that noise of the line before it is a frame of its own; ESC
 * stands before what replaces either.  Frames without bytes are nothing.  What follows an ESC and is neither of the two
 * is taken as it is, as the RFC's own receiver does: whatever it was, the checksums of the datagram will tell.
 */
#include <outlet/ol_serial.h>

enum { END = 192, ESC = 219, ESC_END = 220, ESC_ESC = 221 };

size_t ol_slip_encode(uint8_t *out, const uint8_t *p, size_t len)
{
	uint8_t *o = out;
	*o++ = END;
	for (const uint8_t *end = p + len; p < end; p++) {
		if (*p != END && *p != ESC) {
			*o++ = *p;
			continue;
		}
		*o++ = ESC;
		*o++ = *p == END ? ESC_END : ESC_ESC;
	}
	*o++ = END;
	return (size_t)(o - out);
}

static void keep(struct ol_line_rx *rx, uint8_t byte)
{
	if (rx->len < rx->cap)
		rx->buf[rx->len++] = byte;
	else
		rx->lost = true;
}

size_t ol_slip_decode(struct ol_line_rx *rx, const uint8_t *p, size_t n, enum ol_line *what)
{
	if (rx->done)
		ol_line_rx_init(rx, rx->buf, rx->cap, 0);
	for (size_t i = 0; i < n; i++) {
		uint8_t byte = p[i];
		if (byte == END) {
			rx->done = rx->len || rx->lost;
			rx->escaped = false;
			if (!rx->done)
				continue;
			*what = rx->lost ? OL_LINE_LONG : OL_LINE_FRAME;
			return i + 1;
		}
		if (rx->escaped) {
			rx->escaped = false;
			keep(rx, byte == ESC_END ? END : byte == ESC_ESC ? ESC : byte);
		} else if (byte == ESC) {
			rx->escaped = true;
		} else {
			keep(rx, byte);
		}
	}
	*what = OL_LINE_MORE;
	return n;
}
