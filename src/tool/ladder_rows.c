/*
 * Flights become rows: the segment in words with sequence numbers relative to the ISNs (RFC 9293 3.4), both ends' states,
 * and what is remarkable about it.  Both ends are followed as the frames tell: sent what, received what, in the order in
 * which it happened there.  States come from the captures where they carry them; otherwise they are inferred by the
 * diagram of RFC 9293 3.3.2, and the view says so.
 */
#include "base/check.h"
#include "base/seq.h"
#include "tool/ladder_int.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { DUP_ACKS = 3, RTO_FLOOR_MS = 150 };	/* RFC 5681 3.2; what waits longer than this was resent by a timer */

/* One end of a TCP connection, as its frames show it. */
struct end {
	bool has_isn; uint32_t isn;		/* of what it sends */
	bool sent_any; uint32_t snd_max;	/* highest sequence number sent, and one */
	bool rcvd_any; uint32_t rcv_nxt;	/* in order, received */
	bool acked_any; uint32_t last_ack, last_wnd;	/* last sent */
	bool probing;				/* its peer's window was 0 when last heard of */
	int8_t ws; bool ws_known;		/* its own window scale */
	unsigned dup_acks;			/* received in a row */
	uint32_t dup_sack_edge;			/* highest SACKed number it heard of; 0: none */
	const char *state;			/* inferred */
	bool answers_syn;			/* it sends a SYN-ACK sooner or later: it listens */
	bool fin_sent, fin_acked, fin_rcvd;
	uint32_t fin_seq;
	char shown[LAD_STATE];			/* as the last row showed it */
};
struct follow {
	const struct ladder *l;
	const struct flights *fl;
	struct lad_view *view;
	struct end end[2];
	struct lad_row *row_of;			/* by flight */
	bool *arrived;				/* by flight: its arrival was followed */
	bool tcp;
	bool ae_asked, ae_agreed;		/* Accurate ECN, RFC 9768: by the SYN, by its answer */
};
/* What happens at an end, in order of time. */
struct event { ol_time time; size_t flight; bool receive; };

void lad_put(struct lad_line *l, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(l->buf + l->at, l->len - l->at, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->at = MIN(l->at + (size_t)n, l->len - 1);
}

void lad_note(struct lad_line *l, const char *fmt, ...)
{
	if (l->at)
		lad_put(l, "; ");
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(l->buf + l->at, l->len - l->at, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->at = MIN(l->at + (size_t)n, l->len - 1);
}

static struct lad_line note_of(struct lad_row *r)
{
	return (struct lad_line){ r->note, sizeof r->note, strlen(r->note) };
}

/* ---- words ------------------------------------------------------------------------------------------------------ */
static uint32_t relative(const struct end *e, uint32_t seq)
{
	return e->has_isn ? seq - e->isn : seq;
}

static uint32_t scaled(const struct follow *fo, enum lad_side from, const struct dis_tcp *t)
{
	const struct end *e = &fo->end[from], *peer = &fo->end[!from];
	bool both = e->ws_known && peer->ws_known && e->ws >= 0 && peer->ws >= 0;
	return t->flags & DIS_SYN || !both ? t->wnd : (uint32_t)t->wnd << e->ws;
}

static void tcp_words(const struct follow *fo, struct lad_row *r, const struct dis *d)
{
	const struct dis_tcp *t = &d->tcp;
	struct lad_line text = { r->text, sizeof r->text, 0 }, extra = { r->extra, sizeof r->extra, 0 };
	char flags[48];
	bool count = fo->ae_agreed && !(t->flags & (DIS_SYN | DIS_RST));	/* the three flags are a number */
	lad_put(&text, "%s", dissect_flags(t->flags & (count ? ~DIS_ECN : ~0u), flags, sizeof flags));
	if (count)
		lad_put(&extra, " ace %u", (unsigned)(t->flags & DIS_ECN) >> 6);
	if (d->text_len || t->flags & (DIS_SYN | DIS_FIN | DIS_RST) || !(t->flags & DIS_ACK))
		lad_put(&text, " seq %u", relative(&fo->end[r->from], t->seq));
	if (d->text_len)
		lad_put(&text, " len %u", d->text_len);
	if (t->flags & DIS_ACK)
		lad_put(&text, " ack %u", relative(&fo->end[!r->from], t->ack));
	for (unsigned i = 0; i < t->n_sack; i++)
		lad_put(&text, " sack %u-%u", relative(&fo->end[!r->from], t->sack[i].from),
			relative(&fo->end[!r->from], t->sack[i].to));
	if (!(t->flags & DIS_RST))
		lad_put(&extra, " win %u", scaled(fo, r->from, t));
	if (t->mss)
		lad_put(&extra, " mss %u", t->mss);
	if (t->ws >= 0)
		lad_put(&extra, " ws %d", t->ws);
	if (t->sack_ok)
		lad_put(&extra, " sack");
	if (t->has_ts && t->flags & DIS_SYN)
		lad_put(&extra, " ts");
	if (t->cookie >= 0)
		lad_put(&extra, t->cookie ? " cookie" : " cookie?");
}

static void arp_words(struct lad_line *text, const struct dis *d)
{
	char a[OL_ADDR_STRLEN], mac[OL_MAC_STRLEN];
	if (d->arp_op == 1)
		lad_put(text, "ARP who has %s?", ol_addr_str(&d->dst, a));
	else if (d->arp_op == 2)
		lad_put(text, "ARP %s is at %s", ol_addr_str(&d->src, a), ol_mac_str(&d->arp_sender, mac));
	else
		lad_put(text, "ARP operation %u", d->arp_op);
}

static void other_words(struct lad_row *r, const struct dis *d)
{
	struct lad_line text = { r->text, sizeof r->text, 0 };
	char icmp[sizeof r->text];
	if (d->net == DIS_ARP) {
		arp_words(&text, d);
	} else if (d->ppp && d->net == DIS_OTHER) {
		dissect_line(d, r->text, sizeof r->text);
		return;
	} else if (d->frag_off) {
		lad_put(&text, "fragment at %u len %u", d->frag_off, d->text_len);
	} else if (d->proto == DIS_ICMP || d->proto == DIS_ICMP6) {
		lad_put(&text, "%s %s", d->proto == DIS_ICMP ? "ICMP" : "ICMPv6", dissect_icmp(d, icmp, sizeof icmp));
		if (d->proto == DIS_ICMP ? d->icmp_type == 3 || d->icmp_type == 11 || d->icmp_type == 12 : d->icmp_type < 128)
			r->marks |= LAD_ICMP_ERROR;
	} else if (d->group) {
		lad_put(&text, "IGMP %s", dissect_group(d, icmp, sizeof icmp));
	} else if (d->proto == DIS_UDP) {
		lad_put(&text, "UDP len %u", d->text_len);
	} else {
		lad_put(&text, "%s len %u", lad_proto_name(d->net, d->proto), d->text_len);
	}
	if (d->fragment && !d->frag_off)
		lad_put(&text, " (first fragment)");
}

/* ---- states by the diagram ---------------------------------------------------------------------------------------- */
static void infer_sent(struct end *e, const struct dis_tcp *t)
{
	if (t->flags & DIS_RST) {
		e->state = "CLOSED";
	} else if (t->flags & DIS_SYN) {
		e->state = t->flags & DIS_ACK ? "SYN-RECEIVED" : "SYN-SENT";
	} else if (t->flags & DIS_FIN && !e->fin_sent) {
		e->fin_sent = true;
		e->state = e->fin_rcvd ? "LAST-ACK" : "FIN-WAIT-1";
	}
}

static void infer_received(struct end *e, const struct dis_tcp *t, uint32_t text_len)
{
	bool acks_fin = t->flags & DIS_ACK && e->fin_sent && t->ack == e->fin_seq + 1;
	if (t->flags & DIS_RST) {
		e->state = "CLOSED";
		return;
	}
	if (t->flags & DIS_SYN) {
		if (t->flags & DIS_ACK)
			e->state = "ESTABLISHED";
		else if (e->answers_syn)
			e->state = "SYN-RECEIVED";
		return;
	}
	if (t->flags & DIS_ACK && strcmp(e->state, "SYN-RECEIVED") == 0)
		e->state = "ESTABLISHED";
	if (acks_fin && !e->fin_acked) {
		e->fin_acked = true;
		e->state = !e->fin_rcvd ? "FIN-WAIT-2" : strcmp(e->state, "LAST-ACK") == 0 ? "CLOSED" : "TIME-WAIT";
	}
	/* The FIN counts once everything before it is there. */
	if (t->flags & DIS_FIN && !e->fin_rcvd && (!e->rcvd_any || e->rcv_nxt == t->seq + text_len + 1)) {
		e->fin_rcvd = true;
		e->state = !e->fin_sent ? "CLOSE-WAIT" : e->fin_acked ? "TIME-WAIT" : "CLOSING";
	}
}

/* How far a connection has come: states are never gone back to.  0: no such state. */
static int progress(const char *state)
{
	static const char *const order[][3] = { { "LISTEN" }, { "SYN-SENT" }, { "SYN-RECEIVED" }, { "ESTABLISHED" },
		{ "FIN-WAIT-1", "CLOSE-WAIT" }, { "FIN-WAIT-2", "CLOSING", "LAST-ACK" }, { "TIME-WAIT" }, { "CLOSED" } };
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		for (size_t k = 0; k < 3 && order[i][k]; k++)
			if (strcmp(state, order[i][k]) == 0)
				return (int)i + 1;
	return 0;
}

/*
 * A frame carries the state in which it was made; one that waited in a queue meanwhile tells of the past, and is not
 * believed when it would take the connection back.
 */
static void show_state(struct follow *fo, struct lad_row *r, enum lad_side side, const char *carried)
{
	struct end *e = &fo->end[side];
	const char *arrow = strstr(carried, "-> ");
	if (arrow)
		carried = arrow + 3;		/* "SYN-SENT -> ESTABLISHED": what it is now */
	const char *state = *carried ? carried : fo->view->states_inferred ? e->state : "";
	if (!*state || strcmp(state, e->shown) == 0 || (*e->shown && progress(state) < progress(e->shown)))
		return;
	snprintf(e->shown, sizeof e->shown, "%s", state);
	snprintf(r->state[side], sizeof r->state[side], "%s", state);
}

/* ---- what is remarkable ------------------------------------------------------------------------------------------- */
static uint32_t seq_space(const struct dis *d)
{
	return d->text_len + !!(d->tcp.flags & DIS_SYN) + !!(d->tcp.flags & DIS_FIN);
}

/* When a segment that begins there was sent before; -1: never. */
static ol_time sent_before(const struct follow *fo, size_t flight)
{
	const struct flight *now = &fo->fl->v[flight];
	size_t stop = flight > LAD_SEARCH ? flight - LAD_SEARCH : 0;
	for (size_t i = flight; i-- > stop; ) {
		const struct flight *f = &fo->fl->v[i];
		if (f->from != now->from || f->first->dis.proto != DIS_TCP || f->wire_dup)
			continue;
		uint32_t len = seq_space(&f->first->dis);
		if (seq_in(seq_from(now->first->dis.tcp.seq), seq_from(f->first->dis.tcp.seq), len))
			return f->first->time;
	}
	return -1;
}

/* Causes as captures word them (ol_cause_text), where they explain what the segment alone does not. */
static const char *cause_words(const char *cause)
{
	static const struct { const char *cause, *words; } table[] = {
		{ "retransmission timeout", "the timer ran out" }, { "tail loss probe", "tail loss probe" },
		{ "keepalive probe", "keepalive probe" }, { "window probe", "zero-window probe" },
	};
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (strcmp(cause, table[i].cause) == 0)
			return table[i].words;
	return NULL;
}

static void note_retransmit(struct follow *fo, struct lad_row *r, size_t flight)
{
	const struct flight *f = &fo->fl->v[flight];
	const struct end *e = &fo->end[r->from];
	struct lad_line note = note_of(r);
	const char *words = f->origin ? cause_words(f->origin->cause) : NULL;
	ol_time before = sent_before(fo, flight), waited = before < 0 ? 0 : f->first->time - before;
	r->marks |= LAD_RETRANSMIT;
	fo->view->retransmitted++;
	if (words)
		lad_note(&note, "retransmission: %s", words);
	else if (e->dup_acks >= DUP_ACKS)
		lad_note(&note, "fast retransmit: %u duplicate ACKs", e->dup_acks);
	else if (e->dup_sack_edge && e->dup_acks)
		lad_note(&note, "retransmission: SACK shows the hole");
	else if (waited >= RTO_FLOOR_MS * OL_MS)
		lad_note(&note, "retransmission: no ACK for %.0f ms", (double)waited / OL_MS);
	else
		lad_note(&note, "retransmission");
}

static bool is_pure_ack(const struct dis *d)
{
	return d->text_len == 0 && (d->tcp.flags & (DIS_SYN | DIS_FIN | DIS_RST | DIS_ACK)) == DIS_ACK;
}

static void note_ack(struct follow *fo, struct lad_row *r, const struct dis *d)
{
	struct end *e = &fo->end[r->from], *peer = &fo->end[!r->from];
	struct lad_line note = note_of(r);
	uint32_t wnd = scaled(fo, r->from, &d->tcp);
	bool again = e->acked_any && e->last_ack == d->tcp.ack && is_pure_ack(d);
	bool outstanding = peer->sent_any && seq_lt(seq_from(d->tcp.ack), seq_from(peer->snd_max));
	if (again && e->last_wnd == 0 && wnd > 0) {
		lad_note(&note, "the window opens again");
	} else if (again && wnd == e->last_wnd && outstanding) {
		r->marks |= LAD_DUP_ACK;
		lad_note(&note, "duplicate ACK");
	}
	if (wnd == 0 && !(d->tcp.flags & (DIS_SYN | DIS_RST))) {
		r->marks |= LAD_ZERO_WINDOW;
		if (!e->acked_any || e->last_wnd != 0)
			lad_note(&note, "the window is full: the program does not read");
	}
	e->acked_any = true;
	e->last_ack = d->tcp.ack;
	e->last_wnd = wnd;
}

static bool is_keepalive(const struct end *e, const struct end *peer, const struct dis *d)
{
	return e->sent_any && peer->acked_any && d->text_len <= 1 && !(d->tcp.flags & (DIS_SYN | DIS_FIN | DIS_RST)) &&
	       d->tcp.seq == peer->last_ack - 1 && e->snd_max == peer->last_ack;
}

static void learn_isn(struct end *e, const struct dis *d)
{
	if (d->tcp.flags & DIS_SYN) {
		e->isn = d->tcp.seq;
		e->has_isn = true;
		e->ws = d->tcp.ws;
		e->ws_known = true;
	} else if (!e->has_isn && !(d->tcp.flags & DIS_RST)) {
		e->isn = d->tcp.seq - 1;	/* the capture began later: as if its first byte were the stream's */
		e->has_isn = true;
	}
}

/* RFC 9768 3.1: all three flags on the SYN ask, four numbers of the eight agree. */
static void learn_ecn(struct follow *fo, const struct dis *d)
{
	unsigned ace = (unsigned)(d->tcp.flags & DIS_ECN) >> 6;
	if (!(d->tcp.flags & DIS_SYN))
		return;
	if (d->tcp.flags & DIS_ACK)
		fo->ae_agreed |= fo->ae_asked && (ace == 2 || ace == 3 || ace == 4 || ace == 6);
	else
		fo->ae_asked |= ace == 7;
}

static void tcp_sent(struct follow *fo, struct lad_row *r, size_t flight)
{
	const struct flight *f = &fo->fl->v[flight];
	const struct dis *d = &f->first->dis;
	struct end *e = &fo->end[r->from], *peer = &fo->end[!r->from];
	uint32_t len = seq_space(d);
	learn_isn(e, d);
	learn_ecn(fo, d);
	if (!peer->has_isn && d->tcp.flags & DIS_ACK) {
		peer->isn = d->tcp.ack - 1;
		peer->has_isn = true;
	}
	tcp_words(fo, r, d);
	struct lad_line note = note_of(r);
	if (f->wire_dup) {
		r->marks |= LAD_WIRE_DUP;
		lad_note(&note, "a second copy, made by the wire");
		return;
	}
	bool probe = peer->acked_any && peer->last_wnd == 0 && d->text_len <= 1 && len <= 1 && e->sent_any &&
		     !(d->tcp.flags & (DIS_SYN | DIS_FIN | DIS_RST)) && (d->text_len || d->tcp.seq == peer->last_ack - 1);
	if (d->tcp.flags & DIS_RST) {
		r->marks |= LAD_RESET;
		lad_note(&note, "reset: %s", e->sent_any ? "this end gave the connection up" : "no socket here wants this segment");
	} else if (probe) {
		r->marks |= LAD_PROBE;
		lad_note(&note, "zero-window probe");
	} else if (is_keepalive(e, peer, d)) {
		r->marks |= LAD_PROBE;
		lad_note(&note, "keepalive probe");
	} else if (len && e->sent_any && seq_lt(seq_from(d->tcp.seq), seq_from(e->snd_max))) {
		note_retransmit(fo, r, flight);
	}
	if (d->tcp.flags & DIS_FIN && !e->fin_sent)
		e->fin_seq = d->tcp.seq + d->text_len;
	if (len && (!e->sent_any || seq_lt(seq_from(e->snd_max), seq_from(d->tcp.seq + len)))) {
		uint32_t fresh = e->sent_any ? d->tcp.seq + len - e->snd_max : len;
		fo->view->bytes[r->from] += MIN(fresh, d->text_len);
		e->snd_max = d->tcp.seq + len;
	} else if (!e->sent_any) {
		e->snd_max = d->tcp.seq;
	}
	infer_sent(e, &d->tcp);
	e->sent_any = true;
	if (d->tcp.flags & DIS_ACK)
		note_ack(fo, r, d);
}

static void tcp_received(struct follow *fo, struct lad_row *r, const struct flight *f)
{
	const struct dis *d = &f->first->dis;
	struct end *e = &fo->end[!r->from];		/* who receives */
	uint32_t len = seq_space(d);
	struct lad_line note = note_of(r);
	if (r->marks & LAD_DUP_ACK) {
		e->dup_acks++;
		for (unsigned i = 0; i < d->tcp.n_sack; i++)
			e->dup_sack_edge = d->tcp.sack[i].to;
		if (!f->wire_dup)
			lad_put(&note, " %u", e->dup_acks);
	} else if (d->tcp.flags & DIS_ACK && is_pure_ack(d)) {
		e->dup_acks = 0;
		e->dup_sack_edge = 0;
	}
	if (len) {
		tcp_seq from = seq_from(d->tcp.seq), to = seq_from(d->tcp.seq + len);
		if (!e->rcvd_any || seq_le(from, seq_from(e->rcv_nxt))) {
			if (!e->rcvd_any || seq_lt(seq_from(e->rcv_nxt), to))
				e->rcv_nxt = to.v;
			else if (!f->wire_dup && !(r->marks & LAD_PROBE))
				lad_note(&note, "the receiver had it already");
		} else {
			r->marks |= LAD_OUT_OF_ORDER;
			lad_note(&note, "arrives before what comes first");
		}
		e->rcvd_any = true;
	}
	infer_received(e, &d->tcp, d->text_len);
}

/* Out-of-order data fills in when the hole is closed: what was received beyond rcv_nxt is found again among the flights. */
static void fill_in(struct follow *fo, enum lad_side side, size_t upto)
{
	struct end *e = &fo->end[side];
	size_t stop = upto > LAD_SEARCH ? upto - LAD_SEARCH : 0;
	for (bool moved = true; moved; ) {
		moved = false;
		for (size_t i = stop; i < fo->fl->n && i <= upto + LAD_SEARCH; i++) {
			const struct flight *f = &fo->fl->v[i];
			if (f->from == side || !fo->arrived[i] || f->first->dis.proto != DIS_TCP)
				continue;
			uint32_t end = f->first->dis.tcp.seq + seq_space(&f->first->dis);
			if (seq_le(seq_from(f->first->dis.tcp.seq), seq_from(e->rcv_nxt)) &&
			    seq_lt(seq_from(e->rcv_nxt), seq_from(end))) {
				e->rcv_nxt = end;
				moved = true;
			}
		}
	}
}

/* ---- rows --------------------------------------------------------------------------------------------------------- */
static void note_end(struct follow *fo, struct lad_row *r, const struct flight *f)
{
	struct lad_line note = note_of(r);
	const struct sighting *why = f->why;
	const char *wire = why ? why->wire : "", *fate = why ? why->fate : "";
	r->end = f->end;
	if (f->end == LAD_LOST) {
		fo->view->lost++;
		if (*wire)
			lad_note(&note, "%s", wire);
		else if (*fate)
			lad_note(&note, "dropped at %s: %s", why->host, fate);
		else if (f->last != f->first && *f->last->host)
			lad_note(&note, "lost after %s", f->last->host);
		else
			lad_note(&note, "lost");
	} else if (f->end == LAD_DROPPED) {
		lad_note(&note, "dropped: %s", f->last->fate);
	} else if (f->end == LAD_UNDER_WAY) {
		lad_note(&note, "still under way when the capture ended");
	} else if (*wire && !f->wire_dup) {
		lad_note(&note, "%s", wire);
	}
	if (f->end == LAD_ARRIVED && f->pieces > 1)
		lad_note(&note, "cut into %u segments on the way", f->pieces);
}

static void row_sent(struct follow *fo, size_t flight)
{
	const struct flight *f = &fo->fl->v[flight];
	struct lad_row *r = &fo->row_of[flight];
	const struct sighting *s = f->first;
	r->text_len = s->dis.text_len;
	bool quotes = fo->tcp && s->dis.proto != DIS_TCP;
	if (fo->tcp && !quotes)
		tcp_sent(fo, r, flight);
	else
		other_words(r, &s->dis);
	if (!fo->tcp)
		fo->view->bytes[r->from] += f->wire_dup ? 0 : s->dis.text_len;
	const struct sighting *own = f->origin;
	if (own && !f->wire_dup) {
		snprintf(r->call[r->from], sizeof r->call[r->from], "%s", own->call);
		if (fo->tcp && !quotes)
			show_state(fo, r, r->from, own->state);
	}
	if (own && !*own->call && *own->cause && !r->note[0]) {
		struct lad_line note = note_of(r);
		const char *words = cause_words(own->cause);
		if (words)
			lad_note(&note, "%s", words);
	}
	if (s->dis.bad) {
		struct lad_line note = note_of(r);
		lad_note(&note, "%s", s->dis.bad);
	}
	note_end(fo, r, f);
}

static void row_received(struct follow *fo, size_t flight)
{
	const struct flight *f = &fo->fl->v[flight];
	struct lad_row *r = &fo->row_of[flight];
	bool tcp = fo->tcp && f->first->dis.proto == DIS_TCP;
	if (f->end != LAD_ARRIVED) {
		r->received = f->received - fo->fl->start;
		return;
	}
	if (tcp) {
		fo->arrived[flight] = true;
		tcp_received(fo, r, f);
		fill_in(fo, !r->from, flight);
	}
	if (f->last->call && *f->last->call)
		snprintf(r->call[!r->from], sizeof r->call[!r->from], "%s", f->last->call);
	if (tcp)
		show_state(fo, r, !r->from, f->last->state);
}

static int by_event(const void *pa, const void *pb)
{
	const struct event *a = pa, *b = pb;
	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	if (a->flight != b->flight)
		return a->flight < b->flight ? -1 : 1;
	return a->receive - b->receive;
}

static bool walk(struct follow *fo)
{
	struct event *ev = calloc(fo->fl->n * 2 + 1, sizeof *ev);
	size_t n = 0;
	fo->arrived = calloc(fo->fl->n + 1, sizeof *fo->arrived);
	if (!ev || !fo->arrived) {
		free(ev);
		free(fo->arrived);
		return false;
	}
	for (size_t i = 0; i < fo->fl->n; i++) {
		const struct flight *f = &fo->fl->v[i];
		struct lad_row *r = &fo->row_of[i];
		fo->end[f->from].answers_syn |= (f->first->dis.tcp.flags & (DIS_SYN | DIS_ACK)) == (DIS_SYN | DIS_ACK);
		ol_time sent = f->has_sent ? f->sent : f->first->time;
		*r = (struct lad_row){ .from = f->from, .has_sent = f->has_sent, .has_received = f->has_received,
			.sent = sent - fo->fl->start, .received = (f->has_received ? f->received : sent) - fo->fl->start };
		ev[n++] = (struct event){ sent, i, false };
		/* Where nobody watched the other end, it is followed as if everything arrived at once. */
		if (f->has_received || f->end == LAD_UNSEEN)
			ev[n++] = (struct event){ f->has_received ? f->received : sent, i, true };
	}
	qsort(ev, n, sizeof *ev, by_event);
	for (size_t i = 0; i < n; i++) {
		const struct flight *f = &fo->fl->v[ev[i].flight];
		if (!ev[i].receive) {
			row_sent(fo, ev[i].flight);
		} else if (f->end != LAD_UNSEEN) {
			row_received(fo, ev[i].flight);
		} else if (fo->tcp && f->first->dis.proto == DIS_TCP) {
			tcp_received(fo, &fo->row_of[ev[i].flight], f);
			show_state(fo, &fo->row_of[ev[i].flight], !f->from, "");
		}
	}
	free(ev);
	free(fo->arrived);
	return true;
}

/* ---- calls that are known by themselves ----------------------------------------------------------------------------- */
enum { MAX_SOCKS = 16 };			/* of one end of one flow: a listener and its connection, and to spare */
struct socks { int64_t v[MAX_SOCKS]; unsigned n; };

static void collect_socks(const struct follow *fo, size_t flow, struct socks of[2])
{
	memset(of, 0, 2 * sizeof *of);
	for (size_t i = 0; i < fo->l->n_seen; i++) {
		const struct sighting *s = &fo->l->seen[i];
		enum lad_side side = s->way == LAD_WAY_OUT ? s->from : !s->from;
		bool known = s->flow != flow || s->sock < 0 || s->host != fo->fl->host[side] || of[side].n == MAX_SOCKS;
		for (unsigned k = 0; k < of[side].n && !known; k++)
			known = of[side].v[k] == s->sock;
		if (!known)
			of[side].v[of[side].n++] = s->sock;
	}
}

static bool is_sock_of(const struct follow *fo, const struct socks of[2], enum lad_side side, const struct kept_call *c)
{
	if (c->host != fo->fl->host[side])
		return false;
	for (unsigned k = 0; k < of[side].n; k++)
		if (of[side].v[k] == c->sock)
			return true;
	return false;
}

/*
 * The segment that the call made: the last one before the call returned that names it, with the same arguments or, in a
 * capture that has none, without.  A blocking connect returns a round trip after its SYN; one that does not wait may return
 * before it, while the neighbour is asked for.
 */
static struct lad_row *row_of_call(const struct follow *fo, enum lad_side side, const struct kept_call *c, ol_time at)
{
	for (size_t i = fo->fl->n; i-- > 0; ) {
		struct lad_row *r = &fo->row_of[i];
		size_t name = strcspn(r->call[side], "(");
		bool bare = strcmp(r->call[side] + name, "()") == 0;
		size_t same = bare ? name + 1 : strlen(r->call[side]);
		bool in_time = r->sent <= at + OL_MS || strncmp(c->text, "connect(", 8) == 0;
		if (r->from == side && r->has_sent && name && r->call[side][name] && in_time &&
		    strncmp(r->call[side], c->text, same) == 0)
			return r;
	}
	return NULL;
}

static int by_row_time(const void *pa, const void *pb)
{
	const struct lad_row *a = pa, *b = pb;
	return a->sent != b->sent ? (a->sent < b->sent ? -1 : 1) : a->is_call != b->is_call ? (a->is_call ? -1 : 1) : 0;
}

static size_t add_calls(struct follow *fo, size_t flow, size_t n)
{
	size_t before = n;
	struct socks of[2];
	collect_socks(fo, flow, of);
	for (size_t i = 0; i < fo->l->n_calls; i++) {
		const struct kept_call *c = &fo->l->calls[i];
		enum lad_side side = is_sock_of(fo, of, LAD_LEFT, c) ? LAD_LEFT : LAD_RIGHT;
		if (side == LAD_RIGHT && !is_sock_of(fo, of, LAD_RIGHT, c))
			continue;
		ol_time at = c->time - fo->fl->start;
		struct lad_row *r = row_of_call(fo, side, c, at);
		if (r) {
			snprintf(r->call[side], sizeof r->call[side], "%s", c->text);
			continue;
		}
		r = &fo->row_of[n++];
		*r = (struct lad_row){ .is_call = true, .from = side, .has_sent = true, .sent = at, .received = at };
		snprintf(r->call[side], sizeof r->call[side], "%s", c->text);
	}
	/* Rows of equal time keep their order: qsort alone would not promise it. */
	if (n > before)
		qsort(fo->row_of, n, sizeof *fo->row_of, by_row_time);
	return n;
}

static bool carries_states(const struct ladder *l, size_t flow)
{
	for (size_t i = 0; i < l->n_seen; i++)
		if (l->seen[i].flow == flow && *l->seen[i].state)
			return true;
	return false;
}

struct lad_view *ladder_view(const struct ladder *l, size_t flow)
{
	struct flights fl;
	if (flow >= l->n_flows || !lad_match(l, flow, &fl))
		return NULL;
	const struct flow *f = &l->flows[flow];
	struct lad_view *v = calloc(1, sizeof *v);
	struct lad_row *rows = calloc(fl.n + l->n_calls + 1, sizeof *rows);
	if (!v || !rows) {
		free(v);
		free(rows);
		free(fl.v);
		return NULL;
	}
	*v = (struct lad_view){ .proto = lad_proto_name(f->net, f->proto), .end = { f->end[0], f->end[1] },
		.span = fl.stop - fl.start, .states_inferred = f->proto == DIS_TCP && !carries_states(l, flow) };
	for (int side = 0; side < 2; side++)
		snprintf(v->name[side], sizeof v->name[side], "%s", fl.host[side]);
	struct follow fo = { .l = l, .fl = &fl, .view = v, .row_of = rows, .tcp = f->proto == DIS_TCP,
		.end = { { .state = "", .ws = -1 }, { .state = "", .ws = -1 } } };
	bool all = walk(&fo);
	v->rows = rows;
	v->n = all ? add_calls(&fo, flow, fl.n) : 0;
	for (size_t i = 0; i < v->n; i++)
		v->has_calls |= *rows[i].call[0] || *rows[i].call[1];
	free(fl.v);
	if (!all) {
		lad_view_free(v);
		return NULL;
	}
	return v;
}

void lad_view_free(struct lad_view *v)
{
	if (v)
		free(v->rows);
	free(v);
}
