/*
 * Faults as text: "loss=1% delay=20ms", read and written for network files and `outlet wire`.  Numbers are decimals with an
 * exact scale, so a text reads to the same faults on every machine and in every locale, and what is printed reads back
 * to the same.  The text may come from anyone: each word is checked whole, and nothing changes unless all are right.
 */
#include <outlet/ol_wire.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "driver/driver.h"

enum { WORD_MAX = 64, WORDS_MAX = 64 };
#define TIME_MAX_NS (3600 * OL_SEC)
#define RATE_MAX_BPS UINT64_C(1000000000000)
#define RATE_MIN_BPS 8u				/* a slower wire would carry a frame in centuries */
#define QUEUE_MAX_PACKETS 1000000u
#define QUEUE_MAX_BYTES (UINT64_C(1) << 30)

struct unit { const char *name; uint64_t scale; };
static const struct unit time_units[] = { { "ns", 1 }, { "us", OL_US }, { "ms", OL_MS }, { "s", OL_SEC }, { NULL, 0 } };
static const struct unit rate_units[] = {
	{ "bit", 1 }, { "kbit", 1000 }, { "mbit", 1000000 }, { "gbit", 1000000000 }, { NULL, 0 } };
static const struct unit size_units[] = {
	{ "b", 1 }, { "kb", 1000 }, { "mb", 1000000 }, { "kib", 1024 }, { "mib", 1048576 }, { NULL, 0 } };
static const struct unit percent_units[] = { { "%", OL_ALWAYS_PPB / 100 }, { NULL, 0 } };

/* One word being read; the first complaint wins. */
struct word { char text[WORD_MAX + 1]; const char *at; const char *bad; };

static void bad(struct word *w, const char *sentence)
{
	if (!w->bad)
		w->bad = sentence;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }
static bool at_end(const struct word *w) { return *w->at == '\0'; }

static bool eat(struct word *w, char c)
{
	if (*w->at != c)
		return false;
	w->at++;
	return true;
}

/* The unit that stands at w->at up to a slash or the end; NULL when it is none of them. */
static const struct unit *eat_unit(struct word *w, const struct unit *units)
{
	size_t n = strcspn(w->at, "/");
	for (const struct unit *u = units; u->name; u++) {
		if (strlen(u->name) != n)
			continue;
		size_t i = 0;
		while (i < n && lower(w->at[i]) == u->name[i])
			i++;
		if (i == n) {
			w->at += n;
			return u;
		}
	}
	return NULL;
}

/*
 * A decimal and its unit: "1.5ms" is 1500000.  Digits beyond the scale's precision do not count.  A bare number stands for
 * `bare` of them, if the caller allows it; a bare 0 always does.  Returns 0 where it complains.
 */
static uint64_t eat_number(struct word *w, const struct unit *units, uint64_t bare, uint64_t max, const char *form)
{
	unsigned __int128 num = 0, den = 1;
	if (!is_digit(*w->at)) {
		bad(w, form);
		return 0;
	}
	for (; is_digit(*w->at); w->at++) {
		num = num * 10 + (unsigned)(*w->at - '0');
		if (num > max) {
			bad(w, "the number is too large");
			return 0;
		}
	}
	if (eat(w, '.')) {
		if (!is_digit(*w->at))
			bad(w, form);
		for (; is_digit(*w->at); w->at++)
			if (den < 1000000000000u) {
				num = num * 10 + (unsigned)(*w->at - '0');
				den *= 10;
			}
	}
	uint64_t scale = num == 0 ? 1 : bare;
	if (!at_end(w) && *w->at != '/') {
		const struct unit *u = eat_unit(w, units);
		scale = u ? u->scale : 0;
	}
	if (!scale) {
		bad(w, form);
		return 0;
	}
	unsigned __int128 v = num * scale / den;
	if (v > max) {
		bad(w, "the number is too large");
		return 0;
	}
	return (uint64_t)v;
}

static uint32_t eat_chance(struct word *w)
{
	return (uint32_t)eat_number(w, percent_units, 0, OL_ALWAYS_PPB, "a probability is written like 0.5%, from 0% to 100%");
}

static ol_time eat_time(struct word *w)
{
	return (ol_time)eat_number(w, time_units, 0, TIME_MAX_NS, "a time is written like 20ms, with ns, us, ms or s, at most 3600s");
}

/* "", "=yes" or "=no" after a word that stands for itself. */
static bool eat_flag(struct word *w)
{
	if (at_end(w))
		return true;
	bool yes = strcmp(w->at, "=yes") == 0, no = strcmp(w->at, "=no") == 0;
	if (!yes && !no)
		bad(w, "it stands alone or with =yes or =no");
	w->at += strlen(w->at);
	return yes;
}

static void need(struct word *w, char c, const char *form)
{
	if (!eat(w, c))
		bad(w, form);
}

static void read_loss(struct word *w, struct ol_faults *f) { f->loss_ppb = eat_chance(w); }
static void read_dup(struct word *w, struct ol_faults *f) { f->dup_ppb = eat_chance(w); }
static void read_corrupt(struct word *w, struct ol_faults *f) { f->corrupt_ppb = eat_chance(w); }
static void read_delay(struct word *w, struct ol_faults *f) { f->delay_ns = eat_time(w); }
static void read_jitter(struct word *w, struct ol_faults *f) { f->jitter_ns = eat_time(w); }

static void read_burst(struct word *w, struct ol_faults *f)
{
	static const char form[] = "it is written like burst=1%/30% (start/stop), or burst=1%/30%/90%/0.1% with the loss in bad and good times";
	f->burst.start_ppb = eat_chance(w);
	f->burst.stop_ppb = OL_ALWAYS_PPB;
	f->burst.bad_ppb = OL_ALWAYS_PPB;
	f->burst.good_ppb = 0;
	if (at_end(w) && !f->burst.start_ppb) {		/* burst=0 */
		memset(&f->burst, 0, sizeof f->burst);
		return;
	}
	need(w, '/', form);
	f->burst.stop_ppb = eat_chance(w);
	if (eat(w, '/')) {
		f->burst.bad_ppb = eat_chance(w);
		if (eat(w, '/'))
			f->burst.good_ppb = eat_chance(w);
	}
}

static void read_reorder(struct word *w, struct ol_faults *f)
{
	f->reorder_ppb = eat_chance(w);
	f->reorder_ns = 0;
	if (at_end(w) && !f->reorder_ppb)
		return;
	need(w, '/', "it is written like reorder=2%/10ms: how often and how late");
	f->reorder_ns = eat_time(w);
}

static void read_rate(struct word *w, struct ol_faults *f)
{
	f->rate_bps = eat_number(w, rate_units, 0, RATE_MAX_BPS, "a rate is written like 10mbit, with bit, kbit, mbit or gbit");
	if (f->rate_bps && f->rate_bps < RATE_MIN_BPS)
		bad(w, "a rate is at least 8bit; cut stops everything");
}

static void read_queue(struct word *w, struct ol_faults *f)
{
	static const char form[] = "a queue is written like 100 (packets) or 64kb (bytes: b, kb, mb, kib, mib)";
	if (at_end(w) || w->at[strspn(w->at, "0123456789")])
		f->queue_bytes = eat_number(w, size_units, 0, QUEUE_MAX_BYTES, form);
	else
		f->queue_packets = (uint32_t)eat_number(w, size_units, 1, QUEUE_MAX_PACKETS, form);
}

static void read_codel(struct word *w, struct ol_faults *f)
{
	f->codel_target_ns = f->codel_interval_ns = 0;
	f->codel = true;
	if (w->at[0] != '=' || !is_digit(w->at[1])) {
		f->codel = eat_flag(w);
		return;
	}
	w->at++;
	f->codel_target_ns = eat_time(w);
	need(w, '/', "it is written codel, or codel=5ms/100ms: target and interval");
	f->codel_interval_ns = eat_time(w);
	if (!f->codel_target_ns || !f->codel_interval_ns)
		bad(w, "target and interval are longer than 0");
}

static void read_cut(struct word *w, struct ol_faults *f) { f->cut = eat_flag(w); }
static void read_ordered(struct word *w, struct ol_faults *f) { f->unordered = !eat_flag(w); }
static void read_unordered(struct word *w, struct ol_faults *f) { f->unordered = eat_flag(w); }
static void read_none(struct word *w, struct ol_faults *f) { memset(f, 0, sizeof *f); }

static const struct { const char *name; void (*read)(struct word *, struct ol_faults *); } words[] = {	/* with = : a value follows */
	{ "loss=", read_loss }, { "burst=", read_burst }, { "delay=", read_delay }, { "jitter=", read_jitter },
	{ "reorder=", read_reorder }, { "dup=", read_dup }, { "corrupt=", read_corrupt }, { "rate=", read_rate },
	{ "queue=", read_queue }, { "codel", read_codel }, { "cut", read_cut }, { "ordered", read_ordered },
	{ "unordered", read_unordered }, { "none", read_none },
};

static void read_word(struct word *w, struct ol_faults *f)
{
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		size_t n = strlen(words[i].name);
		if (strncmp(w->text, words[i].name, n) != 0)
			continue;
		if (words[i].name[n - 1] != '=' && w->text[n] != '\0' && w->text[n] != '=')
			continue;
		w->at = w->text + n;
		words[i].read(w, f);
		if (!at_end(w))
			bad(w, "something is left over at its end");
		return;
	}
	bad(w, "there is no such fault; there are loss, burst, delay, jitter, ordered, unordered, reorder, dup, corrupt, rate, queue, "
	       "codel, cut and none");
}

static int refuse(char *why, size_t why_len, const char *word, const char *sentence)
{
	char shown[WORD_MAX + 1];
	size_t n = 0;
	for (; word[n] && n < WORD_MAX; n++)		/* it may go to a terminal */
		shown[n] = word[n] >= 0x20 && word[n] < 0x7f ? word[n] : '?';
	shown[n] = '\0';
	if (why && why_len)
		snprintf(why, why_len, "%s: %s", shown, sentence);
	return -EINVAL;
}

int ol_faults_parse(struct ol_faults *f, const char *text, char *why, size_t why_len)
{
	static const char gap[] = " \t\r\n,";
	struct ol_faults to = *f;
	unsigned count = 0;
	for (text += strspn(text, gap); *text; text += strspn(text, gap)) {
		struct word w = { .bad = NULL };
		size_t n = strcspn(text, gap);
		memcpy(w.text, text, MIN(n, (size_t)WORD_MAX));
		if (n > WORD_MAX)
			return refuse(why, why_len, w.text, "the word is too long to be a fault");
		if (++count > WORDS_MAX)
			return refuse(why, why_len, w.text, "too many words; at most 64 faults in one text");
		read_word(&w, &to);
		if (w.bad)
			return refuse(why, why_len, w.text, w.bad);
		text += n;
	}
	*f = to;
	return 0;
}

void ol_faults_clamp(struct ol_faults *f)
{
	uint32_t *ppb[] = { &f->loss_ppb, &f->burst.start_ppb, &f->burst.stop_ppb, &f->burst.bad_ppb, &f->burst.good_ppb,
			    &f->corrupt_ppb, &f->dup_ppb, &f->reorder_ppb };
	ol_time *ns[] = { &f->delay_ns, &f->jitter_ns, &f->reorder_ns, &f->codel_target_ns, &f->codel_interval_ns };
	for (size_t i = 0; i < sizeof ppb / sizeof *ppb; i++)
		*ppb[i] = MIN(*ppb[i], OL_ALWAYS_PPB);
	for (size_t i = 0; i < sizeof ns / sizeof *ns; i++)
		*ns[i] = MAX(MIN(*ns[i], TIME_MAX_NS), (ol_time)0);
	if (f->rate_bps)
		f->rate_bps = MAX(MIN(f->rate_bps, RATE_MAX_BPS), (uint64_t)RATE_MIN_BPS);
	f->queue_packets = MIN(f->queue_packets, QUEUE_MAX_PACKETS);
	f->queue_bytes = MIN(f->queue_bytes, QUEUE_MAX_BYTES);
}

/* ---- printing ----------------------------------------------------------------------------------------------------- */
struct text { char *buf; size_t len; };

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(t->buf + t->len, OL_FAULTS_STRLEN - t->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len = MIN(t->len + (size_t)n, (size_t)OL_FAULTS_STRLEN - 1);
}

/* v in units of `scale`, exactly: scales are powers of ten. */
static void add_scaled(struct text *t, uint64_t v, uint64_t scale, const char *unit)
{
	add(t, "%llu", (unsigned long long)(v / scale));
	uint64_t rest = v % scale;
	if (rest) {
		add(t, ".");
		for (; rest; rest = rest * 10 % scale)
			add(t, "%llu", (unsigned long long)(rest * 10 / scale));
	}
	add(t, "%s", unit);
}

static void add_unit(struct text *t, uint64_t v, const struct unit *units)	/* the largest that fits; units grow */
{
	const struct unit *best = units;
	for (const struct unit *u = units; u->name; u++)
		if (v >= u->scale)
			best = u;
	add_scaled(t, v, best->scale, best->name);
}

static void add_chance(struct text *t, const char *name, uint32_t ppb)
{
	add(t, "%s", name);
	add_scaled(t, ppb, OL_ALWAYS_PPB / 100, "%");
}

static void add_time(struct text *t, const char *name, ol_time ns)
{
	add(t, "%s", name);
	add_unit(t, (uint64_t)ns, time_units);
}

static void add_burst(struct text *t, const struct ol_faults *f)
{
	add_chance(t, " burst=", f->burst.start_ppb);
	add_chance(t, "/", f->burst.stop_ppb);
	if (f->burst.bad_ppb != OL_ALWAYS_PPB || f->burst.good_ppb)
		add_chance(t, "/", f->burst.bad_ppb);
	if (f->burst.good_ppb)
		add_chance(t, "/", f->burst.good_ppb);
}

static void add_queue(struct text *t, const struct ol_faults *f)
{
	if (f->rate_bps) {
		add(t, " rate=");
		add_unit(t, f->rate_bps, rate_units);
	}
	if (f->queue_packets)
		add(t, " queue=%u", f->queue_packets);
	if (f->queue_bytes)
		add(t, " queue=%llub", (unsigned long long)f->queue_bytes);
	if (!f->codel)
		return;
	add(t, " codel");
	if (f->codel_target_ns && f->codel_interval_ns) {
		add_time(t, "=", f->codel_target_ns);
		add_time(t, "/", f->codel_interval_ns);
	}
}

char *ol_faults_str(const struct ol_faults *faults, char *buf)
{
	struct text t = { buf, 0 };
	struct ol_faults f = *faults;
	ol_faults_clamp(&f);
	buf[0] = '\0';
	if (f.cut)
		add(&t, " cut");
	add_queue(&t, &f);
	if (f.loss_ppb)
		add_chance(&t, " loss=", f.loss_ppb);
	if (f.burst.start_ppb || f.burst.good_ppb)
		add_burst(&t, &f);
	if (f.corrupt_ppb)
		add_chance(&t, " corrupt=", f.corrupt_ppb);
	if (f.dup_ppb)
		add_chance(&t, " dup=", f.dup_ppb);
	if (f.delay_ns)
		add_time(&t, " delay=", f.delay_ns);
	if (f.jitter_ns)
		add_time(&t, " jitter=", f.jitter_ns);
	if (f.unordered)
		add(&t, " unordered");
	if (f.reorder_ppb) {
		add_chance(&t, " reorder=", f.reorder_ppb);
		add_time(&t, "/", f.reorder_ns);
	}
	if (!t.len)
		add(&t, " none");
	memmove(buf, buf + 1, t.len);		/* the blank in front, and the 0 at the end comes along */
	return buf;
}

/* ---- what befell a frame ------------------------------------------------------------------------------------------ */
static const struct { const char *name, *shown; } befalls[OL_WIRE_FAULTS] = {
	{ "loss", "lost (loss)" }, { "burst", "lost (burst)" }, { "corrupt", "corrupted" }, { "dup", "duplicated" },
	{ "reorder", "reordered" }, { "cut", "lost (cut)" }, { "queue", "lost (queue)" }, { "codel", "lost (codel)" },
	{ "too long", "lost (too long)" }, { "malformed", "lost (malformed)" }, { "memory", "lost (memory)" },
};

const char *ol_wire_fault_name(unsigned i) { return i < OL_WIRE_FAULTS ? befalls[i].name : NULL; }

/* A lost frame was nothing else; a super-segment's pieces may have met several fates. */
char *ol_wire_befell_str(unsigned befell, char *buf)
{
	size_t n = 0;
	buf[0] = '\0';
	for (unsigned i = 0; i < OL_WIRE_FAULTS; i++) {
		if (!(befell >> i & 1))
			continue;
		int m = snprintf(buf + n, OL_WIRE_BEFELL_STRLEN - n, "%s%s", n ? ", " : "", befalls[i].shown);
		n = MIN(n + (size_t)m, (size_t)OL_WIRE_BEFELL_STRLEN - 1);
	}
	return buf;
}
