/* Segments in packetdrill's notation: read from it, written in it, held against it (ladder_text.h). */
#include "ladder_text.h"
#include <netinet/in.h>
#include <stdlib.h>
#include "base/be.h"
#include "base/check.h"
#include "base/cksum.h"
#include "transport/tcp/tcp_int.h"
#include "wire/tcp.h"

static void flags_text(uint8_t f, bool ae, char *s)
{
	static const struct { uint8_t bit; char c; } all[] = {
		{ TCP_FIN, 'F' }, { TCP_SYN, 'S' }, { TCP_RST, 'R' }, { TCP_PSH, 'P' }, { TCP_URG, 'U' }, { TCP_ECE, 'E' },
		{ TCP_CWR, 'W' }, { TCP_ACK, '.' },
	};
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (f & all[i].bit)
			*s++ = all[i].c;
	if (ae)
		*s++ = 'A';
	*s = 0;
}

uint8_t ladder_flags(const char *s, bool *ae)
{
	uint8_t f = 0;
	*ae = false;
	for (; *s; s++) {
		if (*s >= '0' && *s <= '7')
			f |= (uint8_t)((*s - '0') << 6);
		*ae |= *s == 'A' || (*s >= '4' && *s <= '7');
		f |= *s == 'F' ? TCP_FIN : *s == 'S' ? TCP_SYN : *s == 'R' ? TCP_RST : *s == 'P' ? TCP_PSH : *s == 'U' ? TCP_URG :
		     *s == 'E' ? TCP_ECE : *s == 'W' ? TCP_CWR : *s == '.' ? TCP_ACK : 0;
	}
	return f;
}

static int cookie_text(struct numbers *num, char *s, const char *comma, const char *name, const uint8_t *p, size_t n)
{
	int len = sprintf(s, "%s%s%s", comma, name, n ? " " : "");
	assert_true(n <= sizeof num->cookie);
	if (n)
		memcpy(num->cookie, p, num->cookie_len = (uint8_t)n);
	for (size_t i = 0; i < n; i++)
		len += sprintf(s + len, "%02x", p[i]);
	return len;
}

/* The options, in order, as packetdrill writes them. */
static void opts_text(struct numbers *num, const uint8_t *p, size_t len, char *s)
{
	char *e = s + LADDER_LINE - 80;
	*s = 0;
	for (size_t i = 0; i < len && s < e; ) {
		const char *comma = i ? "," : "";
		size_t n = p[i] < 2 ? 1 : p[i + 1];
		switch (p[i]) {
		case 0: s += sprintf(s, "%seol", comma); break;
		case 1: s += sprintf(s, "%snop", comma); break;
		case 2: s += sprintf(s, "%smss %u", comma, be16_at(p + i + 2)); break;
		case 3: s += sprintf(s, "%swscale %u", comma, p[i + 2]); break;
		case 4: s += sprintf(s, "%ssackOK", comma); break;
		case 5:
			s += sprintf(s, "%ssack", comma);
			for (size_t k = 2; k + 8 <= n; k += 8)
				s += sprintf(s, " %u:%u", be32_at(p + i + k) - PEER_ISS, be32_at(p + i + k + 4) - PEER_ISS);
			break;
		case 8:
			num->last_ts = be32_at(p + i + 2);
			s += sprintf(s, "%sTS val * ecr %u", comma, be32_at(p + i + 6));
			break;
		case 172: case 174:
			s += sprintf(s, "%sECN%d", comma, p[i] == 174);
			for (size_t k = 2; k + 3 <= n; k += 3)
				s += sprintf(s, " %u", be32_at(p + i + k - 1) & 0xffffff);
			break;
		case 34: s += cookie_text(num, s, comma, "FO", p + i + 2, n - 2); break;
		case 254: s += cookie_text(num, s, comma, "FOEXP", p + i + 4, n - 4); break;
		default: s += sprintf(s, "%sopt %u", comma, p[i]);
		}
		i += n ? n : 1;
	}
}

/*
 * Of every segment that is sent: no bit but AE where bits are reserved, whole options to the end of the header or zeros behind their end
 * (RFC 9293 3.1), and what SYNs agree on stands on SYNs alone, the MSS on each of them (3.7.1).
 */
static void check_header(const uint8_t *h, const struct tcp_seg *g)
{
	enum { END, NOP, MSS, WSCALE, SACK_OK };
	bool mss = false;
	const uint8_t *o = g->opt.p, *end = o + g->opt.len;
	assert_int_equal(h[12] & 0x0e, 0);
	while (o < end && *o != END) {
		if (*o == NOP) {
			o++;
			continue;
		}
		assert_true(end - o >= 2 && o[1] >= 2 && o[1] <= end - o);
		assert_true((g->flags & TCP_SYN) || (*o != MSS && *o != WSCALE && *o != SACK_OK));
		mss |= *o == MSS;
		o += o[1];
	}
	for (; o < end; o++)
		assert_int_equal(*o, 0);
	assert_true(mss || !(g->flags & TCP_SYN));
}

void ladder_show(struct numbers *num, const struct ol_pkt *p, const struct ol_addr *src, const struct ol_addr *dst, struct shown *x, char *text)
{
	size_t ip = p->data[0] >> 4 == 4 ? (p->data[0] & 15) * 4u : 40;
	struct tcp_seg g;
	assert_int_equal(wire_tcp_parse(&g, p->data + ip, p->len - ip), OL_PASS);
	check_header(p->data + ip, &g);
	if (p->csum != OL_CSUM_PARTIAL) {
		uint32_t sum = cksum_pseudo(src, dst, IPPROTO_TCP, (uint32_t)(p->len - ip));
		assert_int_equal(cksum_finish(cksum_add(sum, p->data + ip, p->len - ip)), 0);
	}
	if ((g.flags & TCP_SYN) && !num->iss_known) {
		num->iss = g.seq.v;
		num->iss_known = true;
	}
	*x = (struct shown){ .len = (uint32_t)g.text.len, .win = g.wnd, .urg = g.urp, .win_ok = true };
	flags_text(g.flags, g.ae, x->flags);
	x->from = g.seq.v - num->iss;
	x->to = x->from + x->len;
	x->ack_ok = g.flags & TCP_ACK;
	x->ack = g.ack.v - PEER_ISS;
	x->urg_ok = g.flags & TCP_URG;
	opts_text(num, g.opt.p, g.opt.len, x->opt);
	snprintf(text, SHOWN_LEN, "%s %u:%u(%u) ack %u win %u urg %u <%s>", x->flags, x->from, x->to, x->len, x->ack,
		x->win, x->urg,
		 x->opt);
}

static const char *after(const char *text, const char *word)
{
	const char *p = strstr(text, word);
	return p ? p + strlen(word) : NULL;
}

void ladder_read(const char *text, struct shown *x)
{
	char head[LADDER_LINE], *lt;
	*x = (struct shown){ 0 };
	snprintf(head, sizeof head, "%s", text);
	if ((lt = strchr(head, '<'))) {
		x->opt_ok = true;
		snprintf(x->opt, sizeof x->opt, "%s", lt + 1);
		x->opt[strcspn(x->opt, ">")] = 0;
		*lt = 0;
	}
	if (sscanf(head, "%9s %u:%u(%u)", x->flags, &x->from, &x->to, &x->len) != 4)
		fail_msg("no segment: %s", text);
	const char *p;
	if ((p = after(head, " ack ")))
		x->ack_ok = sscanf(p, "%u", &x->ack) == 1;
	if ((p = after(head, " win ")))
		x->win_ok = sscanf(p, "%u", &x->win) == 1;
	if ((p = after(head, " urg ")))
		x->urg_ok = sscanf(p, "%u", &x->urg) == 1;
	bool ae;
	uint8_t f = ladder_flags(x->flags, &ae);
	flags_text(f, ae, x->flags);
}

/* ---- options that are put ---------------------------------------------------------------------------------------- */
/* The bytes of a cookie in hex, "cookie" for the last one we sent, with its first byte turned over after "not ". */
static size_t put_cookie(struct numbers *num, uint8_t *o, const char *s)
{
	size_t n = 0;
	unsigned b;
	s += strspn(s, " ");
	bool wrong = !strncmp(s, "not ", 4);
	if (!strcmp(s + 4 * wrong, "cookie")) {
		memcpy(o, num->cookie, n = num->cookie_len);
		o[0] ^= wrong ? 0xff : 0;
		return n;
	}
	for (; sscanf(s, "%2x", &b) == 1; s += 2)
		o[n++] = (uint8_t)b;
	return n;
}

static size_t put_opt(struct numbers *num, uint8_t *o, const char *s)
{
	unsigned a, b;
	char ecr[20];
	if (!strcmp(s, "nop") || !strcmp(s, "eol")) {
		o[0] = *s == 'n';
		return 1;
	}
	if (sscanf(s, "mss %u", &a) == 1) {
		o[0] = 2, o[1] = 4;
		be16_put(o + 2, (uint16_t)a);
		return 4;
	}
	if (sscanf(s, "wscale %u", &a) == 1) {
		o[0] = 3, o[1] = 3, o[2] = (uint8_t)a;
		return 3;
	}
	if (!strcmp(s, "sackOK")) {
		o[0] = 4, o[1] = 2;
		return 2;
	}
	if (sscanf(s, "TS val %u ecr %19s", &a, ecr) == 2) {
		o[0] = 8, o[1] = 10;
		be32_put(o + 2, a);
		be32_put(o + 6, !strcmp(ecr, "last") ? num->last_ts : (uint32_t)atoi(ecr));
		return 10;
	}
	if (!strncmp(s, "sack ", 5)) {
		size_t n = 2;
		for (const char *p = s + 4; p && sscanf(p, " %u:%u", &a, &b) == 2; p = strchr(p + 1, ' '), n += 8) {
			be32_put(o + n, num->iss + a);
			be32_put(o + n + 4, num->iss + b);
		}
		o[0] = 5, o[1] = (uint8_t)n;
		return n;
	}
	if (!strncmp(s, "FOEXP", 5)) {
		size_t n = 4 + put_cookie(num, o + 4, s + 5);
		o[0] = 254, o[1] = (uint8_t)n;
		be16_put(o + 2, 0xf989);
		return n;
	}
	if (!strncmp(s, "FO", 2)) {
		size_t n = 2 + put_cookie(num, o + 2, s + 2);
		o[0] = 34, o[1] = (uint8_t)n;
		return n;
	}
	if (sscanf(s, "ECN%u", &a) == 1) {
		size_t n = 2;
		for (const char *p = s + 4; sscanf(p, " %u", &b) == 1; p += strcspn(p, " "), n += 3) {
			o[n] = (uint8_t)(b >> 16);
			be16_put(o + n + 1, (uint16_t)b);
			p += strspn(p, " ");
		}
		o[0] = a ? 174 : 172, o[1] = (uint8_t)n;
		return n;
	}
	if (sscanf(s, "raw %2x%2x", &a, &b) == 2) {		/* a kind and a length, with nothing behind */
		o[0] = (uint8_t)a, o[1] = (uint8_t)b;
		return 2;
	}
	fail_msg("no option: %s", s);
	return 0;
}

size_t ladder_options(struct numbers *num, uint8_t *o, const char *text)
{
	char all[LADDER_LINE];
	size_t n = 0;
	snprintf(all, sizeof all, "%s", text);
	for (char *save = NULL, *s = strtok_r(all, ",", &save); s; s = strtok_r(NULL, ",", &save))
		n += put_opt(num, o + n, s);
	while (n % 4)
		o[n++] = 1;
	assert_true(n <= 40);
	return n;
}

/* ---- held against each other ------------------------------------------------------------------------------------ */
/* In a pattern "FO cookie" is any: which it is the test does not foretell. */
static void any_cookie(struct shown *got)
{
	char *at = strstr(got->opt, "FO");
	at = at ? strchr(at, ' ') : NULL;
	if (!at)
		return;
	char *end = at + 1 + strspn(at + 1, "0123456789abcdef");
	char rest[LADDER_LINE];
	snprintf(rest, sizeof rest, "%s", end);
	snprintf(at, LADDER_LINE - (size_t)(at - got->opt), " cookie%s", rest);
}

const char *ladder_differ(const struct shown *w, struct shown *g)
{
	if (strstr(w->opt, " cookie"))
		any_cookie(g);
	if (strcmp(w->flags, g->flags))
		return "flags differ";
	if (w->from != g->from || w->len != g->len)
		return "sequence numbers differ";
	if (w->ack_ok && (!g->ack_ok || w->ack != g->ack))
		return "acknowledgements differ";
	if (w->win_ok && w->win != g->win)
		return "windows differ";
	if (w->urg_ok && w->urg != g->urg)
		return "urgent pointers differ";
	if (w->opt_ok && strcmp(w->opt, g->opt))
		return "options differ";
	return NULL;
}
