/*
 * TCP options: reading them warily and writing them in the layout Linux has, which keeps words aligned:
 *	SYN	mss, sackOK, TS, nop, wscale		without TS: mss, nop, nop, sackOK, nop, wscale
 *	ACK	nop, nop, TS, nop, nop, sack
 * RFC 9293 3.1 and 3.2, RFC 7323 2.2 and 3.2, RFC 2018, RFC 7413 4.1.1 and RFC 9768 3.2.3 (those two last, filled up with nops).
 */
#include "transport/tcp/tcp_option.h"
#include "base/be.h"
#include "base/check.h"

enum { OPT_EOL, OPT_NOP, OPT_MSS, OPT_WS, OPT_SACK_OK, OPT_SACK, OPT_TS = 8, OPT_FO = 34, OPT_EXP = 254 };
enum { EXP_FO = 0xf989 };			/* RFC 6994's identifier of Fast Open before it had a kind */

static void parse_sack(struct tcp_opt *o, const uint8_t *p, size_t len)
{
	if ((len - 2) % 8)
		return;
	int n = (int)MIN((len - 2) / 8, (size_t)TCP_MAX_SACK);
	for (int i = 0; i < n; i++)
		o->sack[i] = (struct tcp_sack_block){ seq_from(be32_at(p + 2 + 8 * i)), seq_from(be32_at(p + 6 + 8 * i)) };
	o->n_sack = n;
}

/* req: 7413-4.1.1-a a cookie of odd length or another than 0, 4 to 16 counts as none */
static void parse_fo(struct tcp_opt *o, const uint8_t *p, size_t len, bool exp)
{
	if (len % 2 || len > TCP_FO_COOKIE_MAX || (len > 0 && len < TCP_FO_COOKIE_MIN))
		return;
	o->fo = (struct tcp_cookie){ .present = true, .exp = exp, .len = (uint8_t)len };
	memcpy(o->fo.b, p, len);
}

static void parse_one(struct tcp_opt *o, const uint8_t *p, size_t len)
{
	switch (p[0]) {
	case OPT_MSS:
		if (len == 4) {
			o->mss_ok = true;
			o->mss = be16_at(p + 2);
		}
		break;
	case OPT_WS:
		if (len == 3) {
			o->ws_ok = true;
			o->ws = MIN(p[2], (uint8_t)TCP_MAX_WSCALE);	/* RFC 7323 2.3: above 14 counts as 14 */
		}
		break;
	case OPT_SACK_OK:
		o->sack_permitted |= len == 2;
		break;
	case OPT_SACK:
		parse_sack(o, p, len);
		break;
	case OPT_TS:
		if (len == 10) {
			o->ts_ok = true;
			o->tsval = be32_at(p + 2);
			o->tsecr = be32_at(p + 6);
		}
		break;
	case OPT_FO:
		parse_fo(o, p + 2, len - 2, false);
		break;
	case TCP_OPT_ACCECN0:
	case TCP_OPT_ACCECN1:
		o->accecn = p;
		break;
	case OPT_EXP:
		if (len >= 4 && be16_at(p + 2) == EXP_FO)
			parse_fo(o, p + 4, len - 4, true);
		break;
	default:						/* MUST-6: unknown ones are skipped by their length */
		break;
	}
}

void tcp_opt_parse(struct tcp_opt *o, const uint8_t *p, size_t len)
{
	static const uint8_t only_ts[4] = { OPT_NOP, OPT_NOP, OPT_TS, 10 };
	*o = (struct tcp_opt){ 0 };
	if (len == 12 && !memcmp(p, only_ts, sizeof only_ts)) {	/* RFC 7323 appendix A: what nearly every segment carries */
		o->ts_ok = true;
		o->tsval = be32_at(p + 4);
		o->tsecr = be32_at(p + 8);
		return;
	}
	while (len > 0 && *p != OPT_EOL) {
		if (*p == OPT_NOP) {
			p++;
			len--;
			continue;
		}
		if (len < 2 || p[1] < 2 || p[1] > len)		/* MUST-7: an illegal length ends the list */
			return;
		size_t n = p[1];
		parse_one(o, p, n);
		p += n;
		len -= n;
	}
}

static uint8_t *put_ts(uint8_t *p, const struct tcp_opt_out *o)
{
	*p++ = OPT_TS;
	*p++ = 10;
	be32_put(p, o->tsval);
	be32_put(p + 4, o->tsecr);
	return p + 8;
}

static uint8_t *put_nops(uint8_t *p, int n)
{
	memset(p, OPT_NOP, (size_t)n);
	return p + n;
}

static uint8_t *put_sack(uint8_t *p, const struct tcp_opt_out *o)
{
	p = put_nops(p, 2);
	*p++ = OPT_SACK;
	*p++ = (uint8_t)(2 + 8 * o->n_sack);
	for (int i = 0; i < o->n_sack; i++, p += 8) {
		be32_put(p, o->sack[i].left.v);
		be32_put(p + 4, o->sack[i].right.v);
	}
	return p;
}

static uint8_t *put_fo(uint8_t *p, const struct tcp_cookie *c)
{
	uint8_t *start = p;
	*p++ = c->exp ? OPT_EXP : OPT_FO;
	*p++ = (uint8_t)((c->exp ? 4 : 2) + c->len);
	if (c->exp) {
		be16_put(p, EXP_FO);
		p += 2;
	}
	memcpy(p, c->b, c->len);
	p += c->len;
	return put_nops(p, (p - start) % 4 ? 2 : 0);
}

/* Whole counters in, their low 24 bits out. */
static uint8_t *put_accecn(uint8_t *p, const struct tcp_accecn_opt *o)
{
	uint8_t *start = p;
	*p++ = o->kind;
	*p++ = (uint8_t)(2 + 3 * o->n);
	for (unsigned i = 0; i < o->n; i++, p += 3) {
		p[0] = (uint8_t)(o->field[i] >> 16);
		be16_put(p + 1, (uint16_t)o->field[i]);
	}
	return put_nops(p, (int)(tcp_accecn_opt_len(o->n) - (uint32_t)(p - start)));
}

uint32_t tcp_opt_put_ts(uint8_t *p, uint32_t tsval, uint32_t tsecr)
{
	uint32_t first = (uint32_t)OPT_NOP << 24 | OPT_NOP << 16 | OPT_TS << 8 | 10;
	be32_put(p, first);
	be32_put(p + 4, tsval);
	be32_put(p + 8, tsecr);
	return (first >> 16) + (first & 0xffff) + (tsval >> 16) + (tsval & 0xffff) + (tsecr >> 16) + (tsecr & 0xffff);
}

size_t tcp_opt_build(uint8_t *start, const struct tcp_opt_out *o)
{
	uint8_t *p = start;
	if (o->mss) {
		*p++ = OPT_MSS;
		*p++ = 4;
		be16_put(p, o->mss);
		p += 2;
	}
	if (o->sack_permitted) {
		if (!o->ts_ok)
			p = put_nops(p, 2);
		*p++ = OPT_SACK_OK;
		*p++ = 2;
	} else if (o->ts_ok) {
		p = put_nops(p, 2);
	}
	if (o->ts_ok)
		p = put_ts(p, o);
	if (o->ws_ok) {
		p = put_nops(p, 1);
		*p++ = OPT_WS;
		*p++ = 3;
		*p++ = o->ws;
	}
	if (o->n_sack > 0)
		p = put_sack(p, o);
	if (o->fo.present)
		p = put_fo(p, &o->fo);
	if (o->accecn.kind)
		p = put_accecn(p, &o->accecn);
	CHECK((p - start) % 4 == 0 && p - start <= TCP_OPT_MAX);
	return (size_t)(p - start);
}
