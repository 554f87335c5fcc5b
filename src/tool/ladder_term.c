/*
 * A ladder in a terminal: one line per segment, time and calls and states outside the rails, the segment's words on its
 * arrow, notes under it.  A line is a row of cells, each one glyph and one colour, so that columns hold whatever the
 * encoding.  Where the terminal is narrow, windows and options go first, then words are cut.
 *
 *	  0.000  connect()  SYN-SENT     ├─ SYN seq 0 win 64240 ─────────▶│ SYN-RECEIVED
 *	  0.104             ESTABLISHED  │◀────── SYN ACK seq 0 ack 1 ────┤
 */
#include "base/check.h"
#include "tool/ladder_int.h"
#include <stdlib.h>
#include <string.h>

enum { MIN_WIDTH = 60, MAX_WIDTH = 250, DEFAULT_WIDTH = 100, TIME_COLS = 9, MIN_ARROW = 24, GOOD_ARROW = 48, MAX_ARROW = 80 };
enum colour { PLAIN, DIM, RED, YELLOW, GREEN, CYAN, BOLD };
static const char *const escapes[] = { "\033[0m", "\033[2m", "\033[31m", "\033[33m", "\033[32m", "\033[36m", "\033[1m" };

struct glyphs { const char *h, *dash, *left, *right, *rail, *out_l, *out_r, *cross, *dots, *why; };
static const struct glyphs utf8 = { "─", "┄", "◀", "▶", "│", "├", "┤", "✗", "⋮", "↳" };
static const struct glyphs ascii = { "-", ".", "<", ">", "|", "|", "|", "X", ":", "^" };

struct cell { const char *glyph; char one[2]; enum colour colour; };
struct page {
	const struct lad_view *v;
	const struct lad_style *style;
	const struct glyphs *g;
	FILE *out;
	unsigned width, call[2], state[2], arrow;	/* columns */
	unsigned at_call[2], at_state[2], at_rail[2], at_time[2];
	bool right_time;
	bool joined;			/* calls and states share a column: the terminal is narrow */
	struct cell cells[MAX_WIDTH + 1];
};

static unsigned within(unsigned x, unsigned lo, unsigned hi)
{
	return x < lo ? lo : x > hi ? hi : x;
}

static void clear(struct page *p)
{
	for (unsigned i = 0; i <= MAX_WIDTH; i++)
		p->cells[i] = (struct cell){ .glyph = " " };
}

static void glyph(struct page *p, unsigned at, const char *g, enum colour c)
{
	if (at < p->width) {
		p->cells[at].glyph = g;
		p->cells[at].colour = c;
	}
}

/* ASCII text; at most room columns. */
static void text(struct page *p, unsigned at, const char *s, unsigned room, enum colour c)
{
	for (unsigned i = 0; s[i] && i < room && at + i < p->width; i++) {
		struct cell *cell = &p->cells[at + i];
		cell->one[0] = s[i];
		cell->glyph = cell->one;
		cell->colour = c;
	}
}

static void flush(struct page *p)
{
	unsigned end = p->width;
	enum colour now = PLAIN;
	while (end && strcmp(p->cells[end - 1].glyph, " ") == 0)
		end--;
	for (unsigned i = 0; i < end; i++) {
		enum colour want = p->cells[i].colour;
		if (p->style->colour && want != now) {
			fputs(escapes[PLAIN], p->out);
			if (want != PLAIN)
				fputs(escapes[want], p->out);
			now = want;
		}
		fputs(p->cells[i].glyph, p->out);
	}
	if (now != PLAIN)
		fputs(escapes[PLAIN], p->out);
	fputc('\n', p->out);
	clear(p);
}

static void rails(struct page *p)
{
	glyph(p, p->at_rail[0], p->g->rail, DIM);
	glyph(p, p->at_rail[1], p->g->rail, DIM);
}

/* ---- columns ------------------------------------------------------------------------------------------------------ */
static void measure(struct page *p)
{
	bool watched = false;
	for (size_t i = 0; i < p->v->n; i++) {
		const struct lad_row *r = &p->v->rows[i];
		for (int side = 0; side < 2; side++) {
			p->call[side] = (unsigned)MAX(p->call[side], strlen(r->call[side]));
			p->state[side] = (unsigned)MAX(p->state[side], strlen(r->state[side]));
		}
		watched |= r->has_sent && r->has_received && !r->is_call;
	}
	unsigned fixed = TIME_COLS + 2 + 2 + 2;
	for (int side = 0; side < 2; side++) {
		p->call[side] = MIN(p->call[side], 24u);
		fixed += p->call[side] + !!p->call[side] + p->state[side] + !!p->state[side];
	}
	/* The arrow needs room for words: calls lose their arguments first. */
	while (fixed + GOOD_ARROW > p->width && (p->call[0] > 9 || p->call[1] > 9)) {
		unsigned side = p->call[1] > p->call[0];
		p->call[side]--;
		fixed--;
	}
	p->joined = fixed + GOOD_ARROW > p->width && (p->call[0] || p->call[1]);
	for (int side = 0; side < 2 && p->joined; side++) {
		fixed -= p->call[side] + !!p->call[side] + p->state[side] + !!p->state[side];
		p->state[side] = MAX(p->state[side], p->call[side]);
		p->call[side] = 0;
		fixed += p->state[side] + !!p->state[side];
	}
	p->right_time = watched && fixed + GOOD_ARROW + TIME_COLS + 1 <= p->width;
	if (p->right_time)
		fixed += TIME_COLS + 1;
	p->arrow = within(p->width > fixed ? p->width - fixed : 0, MIN_ARROW, MAX_ARROW);
}

static void place(struct page *p)
{
	unsigned at = TIME_COLS + 2;
	p->at_time[0] = 0;
	p->at_call[0] = at;
	at += p->call[0] + !!p->call[0];
	p->at_state[0] = at;
	at += p->state[0] + !!p->state[0];
	p->at_rail[0] = at;
	p->at_rail[1] = at + p->arrow + 1;
	at = p->at_rail[1] + 2;
	p->at_state[1] = at;
	at += p->state[1] + !!p->state[1];
	p->at_call[1] = at;
	at += p->call[1] + !!p->call[1];
	p->at_time[1] = at;
	p->width = MIN((unsigned)MAX_WIDTH, at + (p->right_time ? TIME_COLS : 0u));
}

static void put_time(struct page *p, unsigned at, ol_time t)
{
	char buf[32];
	snprintf(buf, sizeof buf, "%9.3f", (double)t / OL_MS);
	text(p, at, buf, TIME_COLS + 1, DIM);
}

/* ---- rows --------------------------------------------------------------------------------------------------------- */
static enum colour row_colour(const struct lad_row *r)
{
	if (r->end == LAD_LOST || r->end == LAD_DROPPED || r->marks & (LAD_RESET | LAD_ICMP_ERROR))
		return RED;
	if (r->marks & (LAD_RETRANSMIT | LAD_ZERO_WINDOW | LAD_PROBE))
		return YELLOW;
	if (r->marks & (LAD_DUP_ACK | LAD_WIRE_DUP | LAD_OUT_OF_ORDER))
		return CYAN;
	return PLAIN;
}

/* The shaft from rail to rail; `reach` columns of it from the sender's side. */
static void shaft(struct page *p, const struct lad_row *r, enum colour c)
{
	bool leftwards = r->from == LAD_RIGHT, arrives = r->end == LAD_ARRIVED || r->end == LAD_UNSEEN || r->end == LAD_DROPPED;
	unsigned reach = r->end == LAD_LOST ? p->arrow * 3 / 4 : r->end == LAD_UNDER_WAY ? p->arrow / 2 : p->arrow;
	for (unsigned i = 0; i < reach; i++)
		glyph(p, leftwards ? p->at_rail[1] - 1 - i : p->at_rail[0] + 1 + i, p->g->h, c);
	unsigned tip = leftwards ? p->at_rail[1] - reach : p->at_rail[0] + reach;
	if (r->end == LAD_LOST || r->end == LAD_DROPPED)
		glyph(p, tip, p->g->cross, RED);
	else
		glyph(p, tip, arrives ? (leftwards ? p->g->left : p->g->right) : p->g->dash, c);
	glyph(p, p->at_rail[r->from], leftwards ? p->g->out_r : p->g->out_l, c);
}

/*
 * As much of "PSH ACK seq 1 len 78 ack 1" as fits: PSH goes first, then whole pairs of name and number from the end; half a
 * number would be a lie.
 */
static size_t fit(const char *s, size_t room)
{
	size_t len = 0;
	while (s[len]) {
		size_t word = (s[len] == ' ') + strcspn(s + len + (s[len] == ' '), " ");
		const char *next = s + len + word;
		if (*next == ' ' && next[1] >= '0' && next[1] <= '9')
			word += 1 + strcspn(next + 1, " ");
		if (len + word > room)
			break;
		len += word;
	}
	return len ? len : MIN(strlen(s), room);
}

/* The words sit at the sender's end of the arrow. */
static void words(struct page *p, const struct lad_row *r, enum colour c)
{
	char whole[2 * LAD_TEXT + 4], buf[2 * LAD_TEXT + 4];
	unsigned reach = r->end == LAD_LOST ? p->arrow * 3 / 4 : p->arrow, room = reach - 6;
	const char *s = r->text;
	if (strlen(s) > room && strncmp(s, "PSH ", 4) == 0)
		s += 4;
	snprintf(whole, sizeof whole, "%s%s", s, strlen(s) <= room ? r->extra : "");
	snprintf(buf, sizeof buf, " %.*s ", (int)fit(whole, room), whole);
	unsigned len = (unsigned)strlen(buf);
	unsigned at = r->from == LAD_LEFT ? p->at_rail[0] + 2 : p->at_rail[1] - 1 - MIN(len, p->arrow - 2);
	text(p, at, buf, p->arrow - 2, c);
}

/* "connect(10.0.0.2:80)", or "connect()" where that is too long. */
static void call_words(struct page *p, int side, const char *call)
{
	char buf[LAD_CALL_TEXT + 2];
	unsigned room = p->joined ? p->state[side] : p->call[side];
	size_t name = strcspn(call, "(");
	struct lad_line l = { buf, sizeof buf, 0 };
	if (strlen(call) > room && call[name] && name + 2 <= room)
		lad_put(&l, "%.*s()", (int)name, call);
	else
		lad_put(&l, "%s", call);
	text(p, p->joined ? p->at_state[side] : p->at_call[side], buf, room, BOLD);
}

static void side_words(struct page *p, const struct lad_row *r)
{
	for (int side = 0; side < 2; side++) {
		if (!p->joined || !*r->state[side])
			call_words(p, side, r->call[side]);
		text(p, p->at_state[side], r->state[side], p->state[side], GREEN);
	}
}

static void note(struct page *p, const char *s, enum colour c)
{
	unsigned room = p->arrow - 5;
	for (bool first = true; *s; first = false) {
		unsigned len = (unsigned)strlen(s);
		if (len > room) {
			for (len = room; len > room / 2 && s[len] != ' '; )
				len--;
			if (s[len] != ' ')
				len = room;
		}
		rails(p);
		if (first)
			glyph(p, p->at_rail[0] + 3, p->g->why, c);
		text(p, p->at_rail[0] + 5, s, len, c == PLAIN ? DIM : c);
		flush(p);
		s += len;
		s += strspn(s, " ");
	}
}

static void segment(struct page *p, const struct lad_row *r)
{
	enum colour c = row_colour(r);
	put_time(p, p->at_time[0], r->sent);
	if (p->right_time && r->has_received && !r->is_call)
		put_time(p, p->at_time[1], r->received);
	for (int side = 0; side < 2 && p->joined; side++) {
		if (*r->call[side] && *r->state[side]) {	/* the call gets a line of its own */
			call_words(p, side, r->call[side]);
			rails(p);
			flush(p);
			put_time(p, p->at_time[0], r->sent);
		}
	}
	side_words(p, r);
	rails(p);
	if (!r->is_call) {
		shaft(p, r, c);
		words(p, r, c);
	}
	flush(p);
	note(p, r->note, c);
}

static void pause_line(struct page *p, ol_time idle)
{
	char buf[48];
	if (idle < 10 * OL_SEC)
		snprintf(buf, sizeof buf, "%.0f ms", (double)idle / OL_MS);
	else
		snprintf(buf, sizeof buf, "%.1f s", (double)idle / OL_SEC);
	glyph(p, p->at_rail[0], p->g->dots, DIM);
	glyph(p, p->at_rail[1], p->g->dots, DIM);
	text(p, p->at_rail[0] + (p->arrow - (unsigned)strlen(buf)) / 2 + 1, buf, p->arrow, DIM);
	flush(p);
}

static void left_out(struct page *p, size_t from, size_t to)
{
	size_t lost = 0, again = 0;
	uint64_t bytes = 0;
	char buf[160];
	for (size_t i = from; i < to; i++) {
		lost += p->v->rows[i].end == LAD_LOST;
		again += !!(p->v->rows[i].marks & LAD_RETRANSMIT);
		bytes += p->v->rows[i].text_len;
	}
	struct lad_line l = { buf, sizeof buf, 0 };
	lad_put(&l, "%zu more with %llu bytes", to - from, (unsigned long long)bytes);
	if (lost)
		lad_put(&l, ", %zu lost", lost);
	if (again)
		lad_put(&l, ", %zu sent again", again);
	glyph(p, p->at_rail[0], p->g->dots, DIM);
	glyph(p, p->at_rail[1], p->g->dots, DIM);
	text(p, p->at_rail[0] + 1 + (p->arrow - MIN((unsigned)l.at, p->arrow)) / 2, buf, p->arrow, DIM);
	flush(p);
}

/* ---- head and foot -------------------------------------------------------------------------------------------------- */
static void head(struct page *p)
{
	const struct lad_view *v = p->v;
	char addr[2][OL_ADDR_STRLEN], name[2][OL_ADDR_STRLEN + 80];
	for (int side = 0; side < 2; side++) {
		bool port = v->end[side].port != 0;
		if (port)
			ol_endpoint_str(&v->end[side], addr[side]);
		else
			ol_addr_str(&v->end[side].addr, addr[side]);
		snprintf(name[side], sizeof name[side], "%s%s%s", v->name[side], *v->name[side] ? "  " : "", addr[side]);
	}
	text(p, TIME_COLS - 2, "ms", 2, DIM);
	unsigned len0 = (unsigned)strlen(name[0]), len1 = (unsigned)strlen(name[1]);
	unsigned at0 = TIME_COLS + 2, fits = p->width > len1 ? p->width - len1 : 0, at1 = MIN(p->at_rail[1] + 2, fits);
	at1 = MAX(at1, at0 + len0 + 3);
	text(p, at0, name[0], p->width, BOLD);
	unsigned keep = p->width;
	p->width = within(at1 + len1, p->width, MAX_WIDTH);
	text(p, at1, name[1], MAX_WIDTH, BOLD);
	flush(p);
	p->width = keep;
}

static void foot(struct page *p)
{
	const struct lad_view *v = p->v;
	char buf[256];
	struct lad_line l = { buf, sizeof buf, 0 };
	lad_put(&l, "%s: %llu bytes to the right, %llu to the left, %.3f ms", v->proto, (unsigned long long)v->bytes[0],
		(unsigned long long)v->bytes[1], (double)v->span / OL_MS);
	if (v->lost)
		lad_put(&l, ", %zu lost", v->lost);
	if (v->retransmitted)
		lad_put(&l, ", %zu sent again", v->retransmitted);
	fprintf(p->out, "%s%s%s\n", p->style->colour ? escapes[DIM] : "", buf, p->style->colour ? escapes[PLAIN] : "");
	if (v->states_inferred)
		fprintf(p->out, "%sThe capture tells no states: they were followed by RFC 9293's diagram.%s\n",
			p->style->colour ? escapes[DIM] : "", p->style->colour ? escapes[PLAIN] : "");
}

static void begin(struct page *p, const struct lad_view *v, const struct lad_style *style, FILE *out)
{
	*p = (struct page){ .v = v, .style = style, .g = style->ascii ? &ascii : &utf8, .out = out };
	p->width = within(style->width ? style->width : DEFAULT_WIDTH, MIN_WIDTH, MAX_WIDTH);
	clear(p);
}

/* A row, and before it how long nothing happened, or what was left out. */
static void rung(struct page *p, size_t i, size_t before)
{
	const struct lad_row *r = &p->v->rows[i];
	ol_time idle = i && !before ? r->sent - MAX(r[-1].sent, r[-1].received) : 0;
	if (before)
		left_out(p, i - before, i);
	if (idle >= 100 * OL_MS)
		pause_line(p, idle);
	segment(p, r);
}

bool ladder_print(const struct lad_view *v, const struct lad_style *style, FILE *out)
{
	struct page *p = calloc(1, sizeof *p);
	if (!p)
		return false;
	begin(p, v, style, out);
	measure(p);
	place(p);
	head(p);
	size_t n, *before, *row = lad_fold(v, style->max_rows, &n, &before);
	if (!row) {
		free(p);
		return false;
	}
	for (size_t k = 0; k < n; k++)
		rung(p, row[k], before[k]);
	free(row);
	free(before);
	foot(p);
	free(p);
	return !ferror(out);
}

/* ---- row by row, while the conversation goes on ---------------------------------------------------------------------- */
enum { LIVE_CALL = 16, LIVE_STATE = 12 };	/* what is still to come is not known: room for the usual */
static const ol_time LAG = 300 * OL_MS, PATIENCE = 3 * OL_SEC;

struct lad_live { struct page page; struct lad_style style; size_t shown; };

struct lad_live *ladder_live_new(const struct lad_style *style, FILE *out)
{
	struct lad_live *live = calloc(1, sizeof *live);
	if (!live)
		return NULL;
	live->style = *style;
	begin(&live->page, NULL, &live->style, out);
	return live;
}

void ladder_live_free(struct lad_live *live) { free(live); }
size_t ladder_live_shown(const struct lad_live *live) { return live->shown; }

/*
 * Nothing will change about it any more: frames and calls come in two streams and a little late, so what is young may still
 * get a row before it; and what is under way, its end.
 */
static bool is_settled(const struct lad_row *r, ol_time now)
{
	bool over = r->is_call || r->has_received || r->end == LAD_LOST || r->end == LAD_DROPPED;
	return r->sent + (over ? LAG : PATIENCE) <= now && (!r->has_received || r->received + LAG <= now);
}

static void fixed_columns(struct page *p)
{
	for (int side = 0; side < 2; side++) {
		p->call[side] = LIVE_CALL;
		p->state[side] = LIVE_STATE;
	}
	measure(p);
	for (int side = 0; side < 2 && !p->joined; side++)
		p->state[side] = MAX(p->state[side], (unsigned)LIVE_STATE);
	place(p);
}

bool ladder_live_rows(struct lad_live *live, const struct lad_view *v, ol_time now, bool end)
{
	struct page *p = &live->page;
	p->v = v;
	for (; live->shown < v->n && (end || is_settled(&v->rows[live->shown], now)); live->shown++) {
		if (!live->shown) {
			fixed_columns(p);
			head(p);
		}
		if (!end && live->style.max_rows && live->shown >= live->style.max_rows)
			return false;
		rung(p, live->shown, 0);
	}
	if (end)
		foot(p);
	fflush(p->out);
	return true;
}
