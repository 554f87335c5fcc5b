/* A segment in the notation that scripts are written in, for ladders and for what is said of a failure. */
#include "run.h"
#include "base/be.h"
#include "wire/tcp.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct out { char *p; size_t left; };

static void put(struct out *o, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(o->p, o->left, fmt, ap);
	va_end(ap);
	size_t k = n < 0 ? 0 : (size_t)n < o->left ? (size_t)n : o->left - 1;
	o->p += k;
	o->left -= k;
}

static void put_option(struct out *o, const uint8_t *p, size_t n)
{
	switch (*p) {
	case 0: put(o, "eol"); return;
	case 1: put(o, "nop"); return;
	case 2: put(o, "mss %u", be16_at(p + 2)); return;
	case 3: put(o, "wscale %u", p[2]); return;
	case 4: put(o, "sackOK"); return;
	case 5:
		put(o, "sack");
		for (size_t i = 2; i + 8 <= n; i += 8)
			put(o, " %u:%u", be32_at(p + i), be32_at(p + i + 4));
		return;
	case 8: put(o, "TS val %u ecr %u", be32_at(p + 2), be32_at(p + 6)); return;
	case 34:
		put(o, "FO%s", n > 2 ? " " : "");
		for (size_t i = 2; i < n; i++)
			put(o, "%02x", p[i]);
		return;
	default: put(o, "option %u of %zu bytes", *p, n);
	}
}

static void put_options(struct out *o, const struct script_seg *g)
{
	static const uint8_t least[] = { 1, 1, 4, 3, 2, 2, 2, 2, 10 };
	if (g->any_opt)
		put(o, " <...>");
	for (size_t i = 0, n; i < g->opt_len; i += n) {
		const uint8_t *p = g->opt + i;
		n = *p < 2 ? 1 : i + 1 < g->opt_len ? p[1] : 0;
		if (!n || i + n > g->opt_len || (*p < sizeof least && n < least[*p])) {
			put(o, "%cbroken options", i ? ',' : '<');
			break;
		}
		put(o, "%s", i ? "," : " <");
		put_option(o, p, n);
	}
	if (g->opt_len)
		put(o, ">");
}

void seg_text(char *buf, size_t size, const struct script_seg *g, bool any_wnd)
{
	static const char letters[] = "FSRP.UEW";
	static const char *const ecn[] = { "noecn", "ect1", "ect0", "ce" };
	struct out o = { buf, size };
	char flags[9] = "", *f = flags;
	for (int i = 0; i < 8; i++)
		if (g->flags & (1 << i) && 1 << i != TCP_ACK)
			*f++ = letters[i];
	if (g->flags & TCP_ACK)
		*f++ = '.';
	if (g->tos_kind == TOS_ECN)
		put(&o, "[%s] ", ecn[g->tos & 3]);
	put(&o, "%s %u:%u(%u)", *flags ? flags : "-", g->seq, g->seq + g->len, g->len);
	if (g->flags & TCP_ACK)
		put(&o, " ack %u", g->ack);
	if (!any_wnd)
		put(&o, " win %d", g->wnd);
	if (g->urp)
		put(&o, " urg %u", g->urp);
	put_options(&o, g);
}
