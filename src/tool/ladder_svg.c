/*
 * A ladder as SVG: time runs down, each rail is a bar coloured by its end's state, arrows slant from when a segment left to
 * when it arrived.  Vertical distances grow with the logarithm of time, so that microseconds and seconds fit on one page;
 * they are pushed apart where words would meet.  One file without scripts, fonts or links; colours for light and dark
 * backgrounds are chosen by the viewer's preference.
 */
#include "base/check.h"
#include "tool/ladder_int.h"
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { TOP = 92, SPAN_X = 600, CHAR_W = 7, LINE_H = 16, TIME_W = 76, TAG_W = 104, BAR_W = 8, GAP_MAX = 90, MAX_NOTE = 76 };

struct mark_y { double y; unsigned h; };		/* words already on the page, and their height */
struct place { double sent, received; };		/* y of a row's ends */
struct event { ol_time time; size_t row; bool receive; };
struct page {
	const struct lad_view *v;
	FILE *out;
	size_t *row, n, *before;			/* rows shown, and how many are left out before each */
	double *fold_y;					/* where that is said */
	struct place *place;
	double height, rail[2], width;
	double last_side[2];				/* lowest words beside each rail */
	double below[2][2];				/* by sender, and sent or received: where the next parallel arrow may end */
	ol_time flight[2];				/* the shortest seen, by sender */
	struct mark_y *marks; size_t n_marks;
	ol_time unit;
};

static const char style_sheet[] =
	"text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#1f2328}\n"
	".page{fill:#fff}.h{font-size:15px;font-weight:600}.dim{fill:#656d76}.t{font-size:10px;fill:#656d76}\n"
	".call{font-weight:600;fill:#0550ae}.n{font-size:11px;fill:#656d76}.halo{paint-order:stroke;stroke:#fff;stroke-width:4px;"
	"stroke-linejoin:round}\n"
	"line,path{fill:none;stroke:#57606a;stroke-width:1.4}.head{fill:#57606a;stroke:none}\n"
	".data line{stroke:#0969da}.data .head{fill:#0969da}.warn line{stroke:#bf8700}.warn .head{fill:#bf8700}"
	".warn .n{fill:#9a6700}\n"
	".bad line,.bad .x{stroke:#cf222e}.bad .head{fill:#cf222e}.bad .n{fill:#cf222e}.info line{stroke:#8250df}"
	".info .head{fill:#8250df}.info .n{fill:#8250df}\n"
	".x{stroke-width:2.4}.rail{fill:#d0d7de}.s-open{fill:#bf8700}.s-est{fill:#1a7f37}.s-fin{fill:#8250df}.s-tw{fill:#57606a}"
	".s-none{fill:#d0d7de}.s-listen{fill:#54aeff}\n"
	"text.s-open,text.s-est,text.s-fin,text.s-tw,text.s-none,text.s-listen{font-size:11px}text.s-none{fill:#656d76}"
	".gap{stroke-dasharray:2 5;stroke:#afb8c1}\n"
	"@media (prefers-color-scheme:dark){text{fill:#e6edf3}.page{fill:#0d1117}.dim,.t,.n{fill:#8d96a0}.call{fill:#79c0ff}"
	".halo{stroke:#0d1117}line,path{stroke:#8b949e}.head{fill:#8b949e}.data line{stroke:#4493f8}.data .head{fill:#4493f8}"
	".warn line{stroke:#d29922}.warn .head{fill:#d29922}.warn .n{fill:#d29922}.bad line,.bad .x{stroke:#f85149}"
	".bad .head{fill:#f85149}.bad .n{fill:#f85149}.info line{stroke:#ab7df8}.info .head{fill:#ab7df8}.info .n{fill:#ab7df8}"
	".rail,.s-none{fill:#30363d}.s-open{fill:#d29922}.s-est{fill:#3fb950}.s-fin{fill:#ab7df8}.s-tw{fill:#8b949e}"
	".s-listen{fill:#388bfd}text.s-none{fill:#8d96a0}.gap{stroke:#484f58}}\n";

static void escaped(FILE *out, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '<': fputs("&lt;", out); break;
		case '>': fputs("&gt;", out); break;
		case '&': fputs("&amp;", out); break;
		case '"': fputs("&quot;", out); break;
		default: fputc(*s, out);
		}
	}
}

__attribute__((format(printf, 6, 7)))
static void words(struct page *p, double x, double y, const char *class, const char *anchor, const char *fmt, ...)
{
	char buf[2 * LAD_TEXT];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(buf, sizeof buf, fmt, ap);
	va_end(ap);
	fprintf(p->out, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\" text-anchor=\"%s\">", x, y, class, anchor);
	escaped(p->out, buf);
	fputs("</text>\n", p->out);
}

/* ---- where things stand ------------------------------------------------------------------------------------------- */
static int by_time(const void *pa, const void *pb)
{
	const struct event *a = pa, *b = pb;
	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	if (a->row != b->row)
		return a->row < b->row ? -1 : 1;
	return a->receive - b->receive;
}

static double gap_of(const struct page *p, ol_time dt)
{
	double gap = 8 + 26 * log10(1 + (dt > 0 ? (double)dt / (double)p->unit : 0));
	return gap < GAP_MAX ? gap : GAP_MAX;
}

static unsigned note_lines(const char *note)
{
	return *note ? (unsigned)(strlen(note) + MAX_NOTE - 1) / MAX_NOTE : 0;
}

/* How far words of height h at y must move down to clear what is on the page. */
static double clash(const struct page *p, double y, unsigned h)
{
	double worst = 0;
	for (size_t i = p->n_marks > 64 ? p->n_marks - 64 : 0; i < p->n_marks; i++) {
		const struct mark_y *m = &p->marks[i];
		if (y - LINE_H < m->y + m->h - LINE_H && y + h > m->y)
			worst = MAX(worst, m->y + m->h - y);
	}
	return worst;
}

static bool has_side_words(const struct lad_row *r, int side)
{
	return *r->call[side] || *r->state[side];
}

static bool is_lost(const struct lad_row *r)
{
	return !r->has_received && (r->end == LAD_LOST || r->end == LAD_UNDER_WAY);
}

/*
 * Pushes y down until words beside the rail and words on the arrow have room.  Parallel arrows keep the height of their words
 * apart at both ends, so in the middle too; crossing ones are moved when the second of them ends.
 */
static double settle(struct page *p, const struct lad_row *r, const struct place *at, double y, bool receive)
{
	int side = receive ? !r->from : r->from;
	unsigned h = LINE_H + 2 + note_lines(r->note) * 18;
	if (!r->is_call) {
		y = MAX(y, p->below[r->from][receive]);
		p->below[r->from][receive] = y + h;
	}
	if (has_side_words(r, side)) {
		y = MAX(y, p->last_side[side] + LINE_H);
		p->last_side[side] = y;
	}
	if (r->is_call || !(receive || (!r->has_received && !is_lost(r))))
		return y;
	for (int i = 0; i < 16; i++) {
		double mid = receive ? (at->sent + y) / 2 : y + 6, push = clash(p, mid, h);
		if (push <= 0)
			break;
		y += receive ? 2 * push : push;
	}
	if (has_side_words(r, side))
		p->last_side[side] = y;
	p->below[r->from][receive] = y + h;
	p->marks[p->n_marks++] = (struct mark_y){ receive ? (at->sent + y) / 2 : y + 6, h };
	return y;
}

/* When it arrived; of a lost one, when it would have: behind whatever left before it, and no sooner than any other. */
static ol_time arrival(const struct page *p, size_t i)
{
	const struct lad_row *r = &p->v->rows[i];
	if (!is_lost(r))
		return r->received;
	ol_time soonest = r->sent + p->flight[r->from];
	for (size_t k = i, tries = 0; k-- > 0 && tries < 64; tries++) {
		const struct lad_row *ahead = &p->v->rows[k];
		if (ahead->from == r->from && !ahead->is_call && ahead->has_received)
			return MAX(soonest, ahead->received);
	}
	return soonest;
}

static void find_flights(struct page *p)
{
	p->flight[0] = p->flight[1] = OL_NEVER;
	for (size_t i = 0; i < p->v->n; i++) {
		const struct lad_row *r = &p->v->rows[i];
		if (r->has_sent && r->has_received && !r->is_call && r->received >= r->sent)
			p->flight[r->from] = MIN(p->flight[r->from], r->received - r->sent);
	}
	for (int k = 0; k < 2; k++)
		if (p->flight[k] == OL_NEVER)
			p->flight[k] = p->flight[!k] == OL_NEVER ? 0 : p->flight[!k];
}

static bool lay_out(struct page *p)
{
	struct event *ev = calloc(p->n * 2 + 1, sizeof *ev);
	size_t n = 0;
	if (!ev)
		return false;
	find_flights(p);
	for (size_t i = 0; i < p->n; i++) {
		const struct lad_row *r = &p->v->rows[p->row[i]];
		ev[n++] = (struct event){ r->sent, i, false };
		if ((r->has_received || is_lost(r)) && !r->is_call)
			ev[n++] = (struct event){ arrival(p, p->row[i]), i, true };
	}
	qsort(ev, n, sizeof *ev, by_time);
	double y = TOP;
	p->last_side[0] = p->last_side[1] = 0;
	for (size_t i = 0; i < n; i++) {
		const struct lad_row *r = &p->v->rows[p->row[ev[i].row]];
		struct place *at = &p->place[ev[i].row];
		if (i)
			y += gap_of(p, ev[i].time - ev[i - 1].time);
		if (p->before[ev[i].row] && !ev[i].receive) {
			p->fold_y[ev[i].row] = y + 24;
			y += 50;
		}
		y = settle(p, r, at, y, ev[i].receive);
		if (ev[i].receive)
			at->received = y;
		else
			at->sent = at->received = y;
	}
	free(ev);
	p->height = y + 90;
	return true;
}

static bool choose(struct page *p, size_t max_rows)
{
	p->row = lad_fold(p->v, max_rows, &p->n, &p->before);
	p->place = calloc(p->n + 1, sizeof *p->place);
	p->marks = calloc(p->n + 1, sizeof *p->marks);
	p->fold_y = calloc(p->n + 1, sizeof *p->fold_y);
	return p->row && p->place && p->marks && p->fold_y;
}

/* ---- drawing ------------------------------------------------------------------------------------------------------ */
static const char *state_class(const char *s)
{
	if (strncmp(s, "SYN", 3) == 0)
		return "s-open";
	if (strcmp(s, "ESTABLISHED") == 0)
		return "s-est";
	if (strcmp(s, "LISTEN") == 0)
		return "s-listen";
	if (strcmp(s, "TIME-WAIT") == 0)
		return "s-tw";
	return strcmp(s, "CLOSED") == 0 || !*s ? "s-none" : "s-fin";
}

/* A rail is a bar from state to state. */
struct change { double y; const char *state; };
static int by_y(const void *pa, const void *pb)
{
	const struct change *a = pa, *b = pb;
	return a->y < b->y ? -1 : a->y > b->y;
}

static void draw_rail(struct page *p, int side, double bottom)
{
	struct change *ch = calloc(p->n + 2, sizeof *ch);
	size_t n = 0;
	if (!ch)
		return;
	for (size_t i = 0; i < p->n; i++) {
		const struct lad_row *r = &p->v->rows[p->row[i]];
		if (*r->state[side])
			ch[n++] = (struct change){ side == (int)r->from ? p->place[i].sent : p->place[i].received, r->state[side] };
	}
	qsort(ch, n, sizeof *ch, by_y);
	double y = TOP - 18;
	const char *state = "";
	for (size_t i = 0; i <= n; i++) {
		double to = i < n ? ch[i].y : bottom;
		fprintf(p->out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%.1f\" class=\"%s\"/>\n", p->rail[side] - BAR_W / 2.0, y,
			BAR_W, MAX(to - y, 0.0), *state ? state_class(state) : "rail");
		y = to;
		if (i < n)
			state = ch[i].state;
	}
	free(ch);
}

static const char *row_class(const struct lad_row *r)
{
	if (r->end == LAD_LOST || r->end == LAD_DROPPED || r->marks & (LAD_RESET | LAD_ICMP_ERROR))
		return "bad";
	if (r->marks & (LAD_RETRANSMIT | LAD_ZERO_WINDOW | LAD_PROBE))
		return "warn";
	if (r->marks & (LAD_DUP_ACK | LAD_WIRE_DUP | LAD_OUT_OF_ORDER))
		return "info";
	return r->text_len ? "data" : "seg";
}

static void draw_head(struct page *p, double x, double y, double dx, double dy)
{
	double len = hypot(dx, dy), ux = dx / len, uy = dy / len;
	fprintf(p->out, "<path class=\"head\" d=\"M%.1f %.1fL%.1f %.1fL%.1f %.1fZ\"/>\n", x, y, x - 10 * ux - 4 * uy, y - 10 * uy + 4 * ux,
		x - 10 * ux + 4 * uy, y - 10 * uy - 4 * ux);
}

static void draw_cross(struct page *p, double x, double y)
{
	fprintf(p->out, "<path class=\"x\" d=\"M%.1f %.1fl12 12m0 -12l-12 12\"/>\n", x - 6, y - 6);
}

static void draw_note(struct page *p, const char *note, double x, double y)
{
	for (int line = 1; *note; line++) {
		size_t len = strlen(note);
		if (len > MAX_NOTE) {
			for (len = MAX_NOTE; len > MAX_NOTE / 2 && note[len] != ' '; )
				len--;
		}
		words(p, x, y + 13 * line, "n halo", "middle", "%.*s", (int)len, note);
		note += len;
		note += strspn(note, " ");
	}
}

static void draw_label(struct page *p, const struct lad_row *r, double x, double y, double angle)
{
	char buf[2 * LAD_TEXT];
	size_t room = (SPAN_X - 40) / CHAR_W;
	bool whole = strlen(r->text) + strlen(r->extra) <= room;
	snprintf(buf, sizeof buf, "%s%s", r->text, whole ? r->extra : "");
	if (strlen(buf) > room)
		buf[room] = 0;
	fprintf(p->out, "<g transform=\"translate(%.1f %.1f) rotate(%.2f)\">", x, y, angle);
	words(p, 0, -5, "halo", "middle", "%s", buf);
	draw_note(p, r->note, 0, 1);
	fputs("</g>\n", p->out);
}

static void draw_segment(struct page *p, size_t i)
{
	const struct lad_row *r = &p->v->rows[p->row[i]];
	const struct place *at = &p->place[i];
	int dir = r->from == LAD_LEFT ? 1 : -1;
	double x0 = p->rail[r->from] + dir * BAR_W / 2.0, x1 = p->rail[!r->from] - dir * BAR_W / 2.0;
	double y0 = at->sent, y1 = r->has_received || is_lost(r) ? at->received : at->sent + 12;
	double part = r->end == LAD_LOST ? 0.8 : r->end == LAD_UNDER_WAY ? 0.5 : 1;
	double xe = x0 + (x1 - x0) * part, ye = y0 + (y1 - y0) * part, angle = atan2(y1 - y0, fabs(x1 - x0)) * 180 / M_PI * dir;
	fprintf(p->out, "<g class=\"%s\"><line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"%s/>\n", row_class(r), x0, y0, xe, ye,
		r->end == LAD_UNDER_WAY ? " stroke-dasharray=\"5 4\"" : "");
	if (r->end == LAD_LOST)
		draw_cross(p, xe, ye);
	else
		draw_head(p, xe, ye, xe - x0, ye - y0);
	if (r->end == LAD_DROPPED)
		draw_cross(p, xe - dir * 16, ye);
	draw_label(p, r, (x0 + x1) / 2, (y0 + y1) / 2, angle);
	fputs("</g>\n", p->out);
}

static void draw_side(struct page *p, const struct lad_row *r, int side, double y, ol_time t, double *last_time)
{
	int out = side == LAD_LEFT ? -1 : 1;
	const char *anchor = side == LAD_LEFT ? "end" : "start";
	double x = p->rail[side] + out * 12;
	if (*r->state[side]) {
		char class[32];
		snprintf(class, sizeof class, "%s", state_class(r->state[side]));
		words(p, x, y + 4, class, anchor, "%s", r->state[side]);
	}
	if (*r->call[side])
		words(p, x + (*r->state[side] ? out * TAG_W : 0), y + 4, "call", anchor, "%s", r->call[side]);
	if (y - *last_time >= 11) {
		words(p, side == LAD_LEFT ? TIME_W - 10 : p->width - TIME_W + 10, y + 3, "t", anchor, "%.3f", (double)t / OL_MS);
		*last_time = y;
	}
}

struct tick { double y; size_t i; bool receive; };
static int by_tick(const void *pa, const void *pb)
{
	const struct tick *a = pa, *b = pb;
	return a->y < b->y ? -1 : a->y > b->y;
}

static bool draw_sides(struct page *p)
{
	struct tick *t = calloc(p->n * 2 + 1, sizeof *t);
	size_t n = 0;
	double last[2] = { 0, 0 };
	if (!t)
		return false;
	for (size_t i = 0; i < p->n; i++) {
		const struct lad_row *r = &p->v->rows[p->row[i]];
		t[n++] = (struct tick){ p->place[i].sent, i, false };
		if (!r->is_call && (r->has_received || *r->state[!r->from] || *r->call[!r->from]))
			t[n++] = (struct tick){ p->place[i].received, i, true };
	}
	qsort(t, n, sizeof *t, by_tick);
	for (size_t k = 0; k < n; k++) {
		const struct lad_row *r = &p->v->rows[p->row[t[k].i]];
		int side = t[k].receive ? !r->from : r->from;
		draw_side(p, r, side, t[k].y, t[k].receive ? r->received : r->sent, &last[side]);
	}
	free(t);
	return true;
}

static void draw_frame(struct page *p)
{
	const struct lad_view *v = p->v;
	char addr[OL_ADDR_STRLEN];
	fprintf(p->out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" role=\"img\">\n",
		p->width, p->height, p->width, p->height);
	fprintf(p->out, "<title>%s ladder</title>\n<style>%s</style>\n<rect class=\"page\" width=\"100%%\" height=\"100%%\"/>\n", v->proto,
		style_sheet);
	for (int side = 0; side < 2; side++) {
		if (v->end[side].port)
			ol_endpoint_str(&v->end[side], addr);
		else
			ol_addr_str(&v->end[side].addr, addr);
		words(p, p->rail[side], 34, "h", "middle", "%s", *v->name[side] ? v->name[side] : side ? "right" : "left");
		words(p, p->rail[side], 54, "dim", "middle", "%s", addr);
		words(p, side ? p->width - TIME_W + 10 : TIME_W - 10, 54, "t", side ? "start" : "end", "ms");
	}
	words(p, (p->rail[0] + p->rail[1]) / 2, 44, "dim", "middle", "%s", v->proto);
}

static void draw_foot(struct page *p)
{
	const struct lad_view *v = p->v;
	double mid = (p->rail[0] + p->rail[1]) / 2;
	words(p, mid, p->height - 34, "n", "middle", "%llu bytes to the right, %llu to the left, %.3f ms, %zu lost, %zu sent again",
	      (unsigned long long)v->bytes[0], (unsigned long long)v->bytes[1], (double)v->span / OL_MS, v->lost, v->retransmitted);
	words(p, mid, p->height - 18, "n", "middle", "%s%s", "heights grow with the logarithm of time",
	      v->states_inferred ? "; states follow RFC 9293's diagram, the capture tells none" : "");
}

static void draw_folds(struct page *p)
{
	for (size_t i = 0; i < p->n; i++) {
		if (!p->before[i])
			continue;
		fprintf(p->out, "<line class=\"gap\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", p->rail[0], p->fold_y[i], p->rail[1],
			p->fold_y[i]);
		words(p, p->rail[0] + 14, p->fold_y[i] + 4, "n halo", "start", "%zu more", p->before[i]);
	}
}

static void columns(struct page *p)
{
	size_t call[2] = { 0, 0 };
	bool states = false;
	for (size_t i = 0; i < p->v->n; i++) {
		for (int side = 0; side < 2; side++) {
			call[side] = MAX(call[side], strlen(p->v->rows[i].call[side]));
			states |= *p->v->rows[i].state[side];
		}
	}
	double tag = states || call[0] || call[1] ? TAG_W : 30;
	/* The ends' names stand over the rails and need room too. */
	p->rail[0] = TIME_W + MAX(call[0] * (CHAR_W + 1.0) + tag, 90.0) + 16;
	p->rail[1] = p->rail[0] + SPAN_X;
	p->width = p->rail[1] + MAX(call[1] * (CHAR_W + 1.0) + tag, 90.0) + 16 + TIME_W;
}

bool ladder_svg(const struct lad_view *v, const struct lad_style *style, FILE *out)
{
	struct page page = { .v = v, .out = out, .unit = MAX(v->span / 2000, 10 * OL_US) }, *p = &page;
	bool done = choose(p, style->max_rows) && lay_out(p);
	if (done) {
		columns(p);
		draw_frame(p);
		draw_rail(p, LAD_LEFT, p->height - 62);
		draw_rail(p, LAD_RIGHT, p->height - 62);
		for (size_t i = 0; i < p->n; i++)
			if (!v->rows[p->row[i]].is_call)
				draw_segment(p, i);
		draw_folds(p);
		done = draw_sides(p);
		draw_foot(p);
		fputs("</svg>\n", out);
	}
	free(p->row);
	free(p->before);
	free(p->fold_y);
	free(p->place);
	free(p->marks);
	return done && !ferror(out);
}
