/*
 * The framing of PPP on asynchronous lines, RFC 1662 3 and 4: flag, frame, FCS-16, flag, with control escapes.  One flag
 * between two frames is enough for the receiver; the sender gives each frame both, so that it stands alone.
 * Left out: the 32-bit FCS (RFC 1570) and bit-stuffing (5), which is a chip's work; of the octet-synchronous line's
 * flags between frames the receiver takes any number.
 */
#include <outlet/ol_serial.h>

enum { FLAG = 0x7e, ESCAPE = 0x7d, BIT5 = 0x20, FCS_LEN = 2, SHORTEST = 4 };

/* One byte of x^16 + x^12 + x^5 + 1, bits reversed (polynomial 0x8408): what eight steps of C.1's loop come to. */
static uint16_t fcs_byte(uint16_t fcs, uint8_t byte)
{
	uint8_t x = (uint8_t)(fcs ^ byte);
	x ^= (uint8_t)(x << 4);
	return (uint16_t)(fcs >> 8 ^ x << 8 ^ x << 3 ^ x >> 4);
}

uint16_t ol_hdlc_fcs(uint16_t fcs, const uint8_t *p, size_t n)
{
	while (n--)
		fcs = fcs_byte(fcs, *p++);
	return fcs;
}

static bool mapped(uint32_t accm, uint8_t byte) { return byte < 32 && accm >> byte & 1; }

static uint8_t *put(uint8_t *o, uint8_t byte, uint32_t accm)
{
	if (byte == FLAG || byte == ESCAPE || mapped(accm, byte)) {
		*o++ = ESCAPE;
		byte ^= BIT5;
	}
	*o++ = byte;
	return o;
}

size_t ol_hdlc_encode(uint8_t *out, const uint8_t *p, size_t len, uint32_t accm)
{
	uint8_t *o = out;
	uint16_t fcs = (uint16_t)~ol_hdlc_fcs(0xffff, p, len);
	*o++ = FLAG;
	for (size_t i = 0; i < len; i++)
		o = put(o, p[i], accm);
	o = put(o, (uint8_t)fcs, accm);			/* 3.1: least significant octet first */
	o = put(o, (uint8_t)(fcs >> 8), accm);
	*o++ = FLAG;
	return (size_t)(o - out);
}

/* 4.3: a flag came.  MORE: there was nothing before it. */
static enum ol_line ended(struct ol_line_rx *rx)
{
	if (!rx->len && !rx->escaped && !rx->lost)
		return OL_LINE_MORE;			/* 3.1: two flags in a row, an empty frame */
	if (rx->escaped || (rx->len < SHORTEST && !rx->lost))
		return OL_LINE_ABORT;
	if (rx->lost)
		return OL_LINE_LONG;
	if (ol_hdlc_fcs(0xffff, rx->buf, rx->len) != OL_HDLC_FCS_GOOD)
		return OL_LINE_FCS;
	rx->len -= FCS_LEN;
	return OL_LINE_FRAME;
}

size_t ol_hdlc_decode(struct ol_line_rx *rx, const uint8_t *p, size_t n, enum ol_line *what)
{
	if (rx->done)
		ol_line_rx_init(rx, rx->buf, rx->cap, rx->accm);
	for (size_t i = 0; i < n; i++) {
		uint8_t byte = p[i];
		if (byte == FLAG) {
			*what = ended(rx);
			rx->done = *what != OL_LINE_MORE;
			if (rx->done)
				return i + 1;
		} else if (mapped(rx->accm, byte)) {
			continue;			/* 4.2: the line put it there */
		} else if (byte == ESCAPE && !rx->escaped) {
			rx->escaped = true;
		} else {
			uint8_t plain = rx->escaped ? byte ^ BIT5 : byte;
			rx->escaped = false;
			if (rx->len < rx->cap)
				rx->buf[rx->len++] = plain;
			else
				rx->lost = true;
		}
	}
	*what = OL_LINE_MORE;
	return n;
}
