/* A segment as a script writes it: "< [ce] S. 0:0(0) ack 1 win 65535 urg 1 <mss 1460,nop,wscale 7>", or an ICMP message. */
#include "lex.h"
#include "base/be.h"
#include "wire/tcp.h"
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_EOL, OPT_NOP, OPT_MSS, OPT_WSCALE, OPT_SACK_OK, OPT_SACK, OPT_TS = 8, OPT_MD5 = 19, OPT_FAST_OPEN = 34, OPT_EXP = 254 };
enum { MAX_TEXT = 65535, FAST_OPEN_MAGIC = 0xF989 };

/* ---- what the IP header says: [ect0], (tos 0x10, ttl 64) ---------------------------------------------------------- */
static bool parse_ip(struct parser *ps, struct script_seg *g)
{
	static const struct { const char *name; enum seg_tos kind; uint8_t tos; } ecn[] = {
		{ "noecn", TOS_ECN, 0 }, { "ect1", TOS_ECN, 1 }, { "ect0", TOS_ECN, 2 }, { "ce", TOS_ECN, 3 }, { "ect01", TOS_ECT01, 0 },
	};
	char close = is_mark(ps, '[') ? ']' : is_mark(ps, '(') ? ')' : 0;
	int64_t v;
	if (!close)
		return true;
	lex_next(ps);
	do {
		size_t i = 0;
		while (i < 5 && !is_word(ps, ecn[i].name))
			i++;
		if (i < 5) {
			g->tos_kind = ecn[i].kind;
			g->tos = ecn[i].tos;
			lex_next(ps);
		} else if (take_word(ps, "tos")) {
			if (!need_int(ps, "tos", 0, 255, &v))
				return false;
			g->tos_kind = TOS_BYTE;
			g->tos = (uint8_t)v;
		} else if (take_word(ps, "ttl")) {
			if (!need_int(ps, "ttl", 1, 255, &v))
				return false;
			g->ttl = (uint8_t)v;
		} else
			return parse_expected(ps, "noecn, ect0, ect1, ect01, ce, tos or ttl");
	} while (take_mark(ps, ','));
	if (g->in && g->tos_kind == TOS_ECT01)
		return parse_fail(ps, ps->t.line, "ect01 is a question about a segment that comes out; say ect0 or ect1");
	return need_mark(ps, close);
}

/* ---- flags -------------------------------------------------------------------------------------------------------- */
static bool flag_letters(struct parser *ps, struct script_text w, struct script_seg *g)
{
	static const char letters[] = "FSRP.UEWA";
	for (size_t i = 0; i < w.len; i++) {
		const char *at = memchr(letters, w.p[i], sizeof letters - 1);
		if (!at)
			return parse_fail(ps, ps->t.line, "`%c` is no TCP flag: F, S, R, P, U, E, W, A and . for ACK are", w.p[i]);
		if (*at == 'A')
			g->ace = 4;
		else
			g->flags |= (uint8_t)(1 << (at - letters));
	}
	if (g->ace == 4) {				/* AE, CWR and ECE are one number then */
		g->ace = (int8_t)(4 | g->flags >> 6);
		g->flags &= (uint8_t)~(TCP_CWR | TCP_ECE);
	}
	return true;
}

/* RFC 9768's counter rides on the ACK: ".5" reads as a number. */
static bool parse_ack_flag(struct parser *ps, struct script_seg *g)
{
	if (ps->t.kind == TOKEN_FLOAT && ps->t.text.p[0] == '.') {
		if (ps->t.text.len != 2 || ps->t.text.p[1] > '7')
			return parse_fail(ps, ps->t.line, "an ACE counter has one digit, 0 to 7");
		g->ace = (int8_t)(ps->t.text.p[1] - '0');
		g->flags |= TCP_ACK;
		lex_next(ps);
	} else if (take_mark(ps, '.'))
		g->flags |= TCP_ACK;
	return true;
}

static bool parse_flags(struct parser *ps, struct script_seg *g)
{
	g->ace = -1;
	if (take_mark(ps, '-'))
		return true;
	bool word = ps->t.kind == TOKEN_WORD;
	if (word) {
		if (!flag_letters(ps, ps->t.text, g))
			return false;
		lex_next(ps);
	} else if (!is_mark(ps, '.') && ps->t.kind != TOKEN_FLOAT)
		return parse_expected(ps, "TCP flags");
	return parse_ack_flag(ps, g);
}

/* ---- options ------------------------------------------------------------------------------------------------------ */
static bool opt_put(struct parser *ps, struct script_seg *g, const void *p, size_t n)
{
	if (g->opt_len + n > sizeof g->opt)
		return parse_fail(ps, ps->t.line, "the options are longer than the 40 bytes that a TCP header has for them");
	memcpy(g->opt + g->opt_len, p, n);
	g->opt_len = (uint8_t)(g->opt_len + n);
	return true;
}

static bool parse_sack(struct parser *ps, struct script_seg *g)
{
	uint8_t b[2 + 8 * 4] = { OPT_SACK, 2 };
	while (ps->t.kind == TOKEN_INT) {
		int64_t from, to;
		if (b[1] + 8u > sizeof b)
			return parse_fail(ps, ps->t.line, "a SACK option has four blocks at most");
		if (!need_int(ps, "the left edge", 0, UINT32_MAX, &from) || !need_mark(ps, ':') ||
		    !need_int(ps, "the right edge", 0, UINT32_MAX, &to))
			return false;
		be32_put(b + b[1], (uint32_t)from);
		be32_put(b + b[1] + 4, (uint32_t)to);
		b[1] = (uint8_t)(b[1] + 8);
	}
	return b[1] > 2 ? opt_put(ps, g, b, b[1]) : parse_expected(ps, "a SACK block");
}

static bool parse_ts(struct parser *ps, struct script_seg *g)
{
	uint8_t b[10] = { OPT_TS, 10 };
	int64_t val, ecr;
	if (!take_word(ps, "val"))
		return parse_expected(ps, "`val`");
	if (!need_int(ps, "TS val", 0, UINT32_MAX, &val))
		return false;
	if (!take_word(ps, "ecr"))
		return parse_expected(ps, "`ecr`");
	if (!need_int(ps, "TS ecr", 0, UINT32_MAX, &ecr))
		return false;
	be32_put(b + 2, (uint32_t)val);
	be32_put(b + 6, (uint32_t)ecr);
	return opt_put(ps, g, b, sizeof b);
}

/* A cookie or digest in hexadecimal, or none: "FO", "FO 8a1b2c3d4e5f6071". */
static bool parse_blob(struct parser *ps, struct script_seg *g, uint8_t kind, uint16_t magic)
{
	uint8_t b[40] = { kind, 2 };
	if (magic) {
		be16_put(b + 2, magic);
		b[1] = 4;
	}
	if (ps->t.kind == TOKEN_WORD || ps->t.kind == TOKEN_INT) {
		struct script_text t = ps->t.text;
		if (t.len % 2 || t.len / 2 > sizeof b - b[1])
			return parse_fail(ps, ps->t.line, "this is no whole number of bytes in hexadecimal that fits an option");
		for (size_t i = 0; i < t.len; i += 2) {
			if (!isxdigit((unsigned char)t.p[i]) || !isxdigit((unsigned char)t.p[i + 1]))
				return parse_fail(ps, ps->t.line, "`%.*s` is not hexadecimal", (int)t.len, t.p);
			char two[3] = { t.p[i], t.p[i + 1] };
			b[b[1]++] = (uint8_t)strtoul(two, NULL, 16);
		}
		lex_next(ps);
	}
	return opt_put(ps, g, b, b[1]);
}

static bool parse_option(struct parser *ps, struct script_seg *g)
{
	int64_t v;
	uint8_t b[4];
	if (is_word(ps, "nop") || is_word(ps, "eol")) {
		b[0] = is_word(ps, "nop") ? OPT_NOP : OPT_EOL;
		lex_next(ps);
		return opt_put(ps, g, b, 1);
	}
	if (take_word(ps, "sackOK")) {
		b[0] = OPT_SACK_OK;
		b[1] = 2;
		return opt_put(ps, g, b, 2);
	}
	if (take_word(ps, "mss")) {
		if (!need_int(ps, "mss", 0, UINT16_MAX, &v))
			return false;
		b[0] = OPT_MSS;
		b[1] = 4;
		be16_put(b + 2, (uint16_t)v);
		return opt_put(ps, g, b, 4);
	}
	if (take_word(ps, "wscale")) {
		if (!need_int(ps, "wscale", 0, UINT8_MAX, &v))
			return false;
		b[0] = OPT_WSCALE;
		b[1] = 3;
		b[2] = (uint8_t)v;
		return opt_put(ps, g, b, 3);
	}
	if (take_word(ps, "sack"))
		return parse_sack(ps, g);
	if (take_word(ps, "TS"))
		return parse_ts(ps, g);
	if (take_word(ps, "FO"))
		return parse_blob(ps, g, OPT_FAST_OPEN, 0);
	if (take_word(ps, "FOEXP"))
		return parse_blob(ps, g, OPT_EXP, FAST_OPEN_MAGIC);
	if (take_word(ps, "md5"))
		return parse_blob(ps, g, OPT_MD5, 0);
	return parse_expected(ps, "a TCP option (mss, wscale, sackOK, sack, TS, nop, eol, FO, FOEXP, md5)");
}

static bool parse_options(struct parser *ps, struct script_seg *g)
{
	if (!is_mark(ps, '<'))
		return true;
	lex_next(ps);
	if (ps->t.kind == TOKEN_ELLIPSIS) {
		lex_next(ps);
		g->any_opt = true;
		if (g->in)
			return parse_fail(ps, ps->t.line, "<...> is for segments that come out; say which options go in");
		return need_mark(ps, '>');
	}
	do {
		if (!parse_option(ps, g))
			return false;
	} while (take_mark(ps, ','));
	if (g->opt_len % 4)
		return parse_fail(ps, ps->t.line, "the options are %u bytes, and a header is whole words of four: add nop or eol", g->opt_len);
	return need_mark(ps, '>');
}

/* ---- TCP ----------------------------------------------------------------------------------------------------------- */
static bool parse_range(struct parser *ps, uint32_t *seq, uint32_t *len)
{
	int64_t from, to, n;
	if (!need_int(ps, "the first sequence number", 0, UINT32_MAX, &from) || !need_mark(ps, ':') ||
	    !need_int(ps, "the last sequence number", 0, UINT32_MAX, &to) || !need_mark(ps, '(') ||
	    !need_int(ps, "the length", 0, MAX_TEXT, &n) || !need_mark(ps, ')'))
		return false;
	if ((uint32_t)(from + n) != (uint32_t)to)
		return parse_fail(ps, ps->t.line, "%lld:%lld are %u bytes, and (%lld) is written", (long long)from, (long long)to,
				  (uint32_t)to - (uint32_t)from, (long long)n);
	*seq = (uint32_t)from;
	*len = (uint32_t)n;
	return true;
}

static bool parse_tcp(struct parser *ps, struct script_seg *g)
{
	int64_t v;
	if (ps->t.kind == TOKEN_INT) {				/* ports of its own */
		if (!need_int(ps, "the source port", 1, UINT16_MAX, &v))
			return false;
		g->sport = (uint16_t)v;
		if (!need_mark(ps, '>') || !need_int(ps, "the destination port", 1, UINT16_MAX, &v))
			return false;
		g->dport = (uint16_t)v;
	}
	if (!parse_flags(ps, g) || !parse_range(ps, &g->seq, &g->len))
		return false;
	if (take_word(ps, "ack")) {
		if (!need_int(ps, "ack", 0, UINT32_MAX, &v))
			return false;
		g->ack = (uint32_t)v;
	}
	g->wnd = -1;
	if (take_word(ps, "win")) {
		if (!need_int(ps, "win", 0, UINT16_MAX, &v))
			return false;
		g->wnd = (int32_t)v;
	} else if (g->in)
		return parse_expected(ps, "`win` (a segment that goes in says its window)");
	if (take_word(ps, "urg")) {
		if (!need_int(ps, "urg", 0, UINT16_MAX, &v))
			return false;
		g->urp = (uint16_t)v;
	}
	if (!parse_options(ps, g))
		return false;
	if (g->len + 20u + g->opt_len + 40u > MAX_TEXT)
		return parse_fail(ps, ps->t.line, "this segment does not fit into a datagram");
	return true;
}

/* ---- ICMP ---------------------------------------------------------------------------------------------------------- */
struct icmp_name { const char *name; uint8_t value; };
static const struct icmp_name type4[] = {			/* RFC 792, RFC 950 */
	{ "echo_reply", 0 }, { "unreachable", 3 }, { "source_quench", 4 }, { "redirect", 5 }, { "echo_request", 8 },
	{ "time_exceeded", 11 }, { "parameter_problem", 12 }, { "timestamp_request", 13 }, { "timestamp_reply", 14 },
	{ "information_request", 15 }, { "information_reply", 16 }, { "address_mask_request", 17 }, { "address_mask_reply", 18 }, { 0 },
}, type6[] = {							/* RFC 4443 */
	{ "unreachable", 1 }, { "packet_too_big", 2 }, { "time_exceeded", 3 }, { "parameter_problem", 4 }, { "echo_request", 128 },
	{ "echo_reply", 129 }, { 0 },
}, code4[] = {							/* of "unreachable": RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1 */
	{ "net_unreachable", 0 }, { "host_unreachable", 1 }, { "protocol_unreachable", 2 }, { "port_unreachable", 3 }, { "frag_needed", 4 },
	{ "source_route_failed", 5 }, { "net_unknown", 6 }, { "host_unknown", 7 }, { "source_host_isolated", 8 }, { "net_prohibited", 9 },
	{ "host_prohibited", 10 }, { "net_unreachable_for_tos", 11 }, { "host_unreachable_for_tos", 12 }, { "packet_filtered", 13 },
	{ "precedence_violation", 14 }, { "precedence_cutoff", 15 }, { 0 },
}, code6[] = {							/* of "unreachable" */
	{ "no_route", 0 }, { "net_unreachable", 0 }, { "admin_prohibited", 1 }, { "not_neighbour", 2 }, { "address_unreachable", 3 },
	{ "port_unreachable", 4 }, { 0 },
};

static bool icmp_word(struct parser *ps, const struct icmp_name *table, const char *numbered, const char *what, uint8_t *v)
{
	size_t n = strlen(numbered);
	struct script_text t = ps->t.text;
	if (t.len > n && t.len < n + 4 && !memcmp(t.p, numbered, n)) {	/* "type_9", "code_200" */
		unsigned value = 0;
		for (size_t i = n; i < t.len; i++) {
			if (!isdigit((unsigned char)t.p[i]))
				return parse_expected(ps, what);
			value = value * 10 + (unsigned)(t.p[i] - '0');
		}
		if (value > UINT8_MAX)
			return parse_expected(ps, what);
		*v = (uint8_t)value;
	} else {
		for (; table->name && !text_is(t, table->name); table++)
			;
		if (!table->name)
			return parse_expected(ps, what);
		*v = table->value;
	}
	lex_next(ps);
	return true;
}

static bool parse_icmp(struct parser *ps, struct script_seg *g)
{
	bool v6 = ps->s->ip == SCRIPT_IP6;
	int64_t v;
	g->icmp = true;
	if (!g->in)
		return parse_fail(ps, ps->t.line, "ICMP messages that come out cannot be claimed here");
	if (!icmp_word(ps, v6 ? type6 : type4, "type_", v6 ? "an ICMPv6 type" : "an ICMP type", &g->icmp_type))
		return false;
	if (ps->t.kind == TOKEN_WORD && !is_word(ps, "mtu") &&
	    !icmp_word(ps, v6 ? code6 : code4, "code_", v6 ? "an ICMPv6 code" : "an ICMP code", &g->icmp_code))
		return false;
	if (take_word(ps, "mtu")) {
		if (!need_int(ps, "mtu", 0, v6 ? UINT32_MAX : UINT16_MAX, &v))
			return false;
		g->icmp_mtu = (uint32_t)v;
	}
	if (take_mark(ps, '['))
		return parse_range(ps, &g->seq, &g->len) && need_mark(ps, ']');
	return true;
}

bool parse_seg(struct parser *ps, struct script_seg *g)
{
	g->in = is_mark(ps, '<');
	lex_next(ps);
	if (!parse_ip(ps, g))
		return false;
	if (is_word(ps, "udp") || is_word(ps, "ipv4") || is_word(ps, "ipv6") || is_word(ps, "gre") || is_word(ps, "mpls"))
		return parse_fail(ps, ps->t.line, "`%.*s` is not run here: TCP segments and ICMP about them are", (int)ps->t.text.len, ps->t.text.p);
	return take_word(ps, "icmp") ? parse_icmp(ps, g) : parse_tcp(ps, g);
}
