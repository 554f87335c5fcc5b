/*
 * Sightings become flights: which frame captured here is the one captured there.  What a router leaves alone is compared
 * (identification, sequence numbers, flags, window, timestamps, length, the first bytes of text); the link header, the hop
 * limit and checksums are not.  Copies that cannot be told apart, as a retransmission with the same identification, are
 * told by time: no flight is much shorter than the shortest seen.  A super-segment that a wire cuts becomes a flight per piece;
 * where all pieces fare alike the whole stands for them.  The search looks back over the last LAD_SEARCH flights only.
 */
#include "base/check.h"
#include "base/seq.h"
#include "tool/ladder_int.h"
#include <stdlib.h>
#include <string.h>

struct match {
	const struct ladder *l;
	const struct flow *flow;
	struct flights *fl;
	size_t room;
	ol_time shortest[2];		/* flight so far, by sender */
	ol_time longest;
};

static int by_time(const void *pa, const void *pb)
{
	const struct sighting *a = *(const struct sighting *const *)pa, *b = *(const struct sighting *const *)pb;
	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

static const struct sighting **sorted(const struct ladder *l, size_t flow, size_t *n)
{
	const struct sighting **v = calloc(l->flows[flow].sightings + 1, sizeof *v);
	*n = 0;
	for (size_t i = 0; v && i < l->n_seen; i++)
		if (l->seen[i].flow == flow)
			v[(*n)++] = &l->seen[i];
	if (v)
		qsort(v, *n, sizeof *v, by_time);
	return v;
}

/* A host is an end when frames of that side leave it before they are seen anywhere else, or when they end there. */
static void find_ends(struct flights *fl, const struct sighting *const *v, size_t n)
{
	fl->host[0] = fl->host[1] = "";
	for (int side = 0; side < 2; side++)
		for (size_t i = 0; i < n && !*fl->host[side]; i++)
			if (v[i]->from == side && v[i]->way == LAD_WAY_OUT)
				fl->host[side] = v[i]->host;
	for (int side = 0; side < 2; side++) {
		for (size_t i = n; i-- > 0 && !*fl->host[side]; ) {
			bool forwards = false;
			if (v[i]->from == side || v[i]->way != LAD_WAY_IN)
				continue;
			for (size_t j = 0; j < n && !forwards; j++)
				forwards = v[j]->host == v[i]->host && v[j]->way == LAD_WAY_OUT && v[j]->from != side;
			if (!forwards)
				fl->host[side] = v[i]->host;
		}
	}
	for (int side = 0; side < 2; side++)
		for (size_t i = 0; i < n && !fl->watched[side]; i++)
			fl->watched[side] = v[i]->from != side && v[i]->way == LAD_WAY_IN && v[i]->host == fl->host[side];
}

static bool same_text(const struct sighting *a, const struct sighting *b)
{
	size_t n = MIN(a->n_sample, b->n_sample);
	return a->dis.text_len == b->dis.text_len && memcmp(a->sample, b->sample, n) == 0;
}

static bool same_tcp_head(const struct dis_tcp *a, const struct dis_tcp *b)
{
	return a->ack == b->ack && a->wnd == b->wnd && a->has_ts == b->has_ts && a->tsval == b->tsval && a->tsecr == b->tsecr &&
	       a->n_sack == b->n_sack && memcmp(a->sack, b->sack, a->n_sack * sizeof *a->sack) == 0;
}

/* Are these two sightings of one datagram? */
static bool same_datagram(const struct sighting *a, const struct sighting *b)
{
	const struct dis *x = &a->dis, *y = &b->dis;
	if (x->net != y->net || x->proto != y->proto || x->id != y->id || x->frag_off != y->frag_off || !same_text(a, b))
		return false;
	if (x->net == DIS_ARP)
		return x->arp_op == y->arp_op;
	if (x->frag_off)
		return true;
	if (x->proto == DIS_TCP)
		return x->tcp.seq == y->tcp.seq && x->tcp.flags == y->tcp.flags && same_tcp_head(&x->tcp, &y->tcp);
	if (x->proto == DIS_ICMP || x->proto == DIS_ICMP6)
		return x->icmp_type == y->icmp_type && x->icmp_code == y->icmp_code && x->icmp_value == y->icmp_value;
	return true;
}

/* Is b a piece that was cut out of super-segment a? */
static bool piece_of(const struct sighting *a, const struct sighting *b)
{
	const struct dis *x = &a->dis, *y = &b->dis;
	if (x->proto != DIS_TCP || y->proto != DIS_TCP || x->net != y->net || y->text_len == 0 || x->text_len <= y->text_len)
		return false;
	uint32_t at = y->tcp.seq - x->tcp.seq;
	return at < x->text_len && y->text_len <= x->text_len - at && same_tcp_head(&x->tcp, &y->tcp);
}

static bool was_at(const struct flight *f, const struct sighting *s)
{
	for (unsigned i = 0; i < f->n_places; i++)
		if (f->places[i]->host == s->host && f->places[i]->iface == s->iface && f->places[i]->way == s->way)
			return true;
	return false;
}

static bool is_sender(const struct match *m, const struct sighting *s)
{
	return s->way == LAD_WAY_OUT && s->host == m->fl->host[s->from];
}

static bool is_receiver(const struct match *m, const struct sighting *s)
{
	return s->way == LAD_WAY_IN && s->host == m->fl->host[!s->from];
}

/*
 * The flight that s is another sighting of.  Among several that look alike the youngest that can have come so far: half
 * of the shortest flight is a bound that jitter does not break in practice.
 */
static struct flight *find_flight(struct match *m, const struct sighting *s)
{
	struct flight *oldest = NULL;
	size_t stop = m->fl->n > LAD_SEARCH ? m->fl->n - LAD_SEARCH : 0;
	ol_time least = m->shortest[s->from] == OL_NEVER ? 0 : m->shortest[s->from] / 2;
	for (size_t i = m->fl->n; i-- > stop; ) {
		struct flight *f = &m->fl->v[i];
		if (f->from != s->from || f->first->time > s->time || !same_datagram(f->first, s) || was_at(f, s) || f->has_received)
			continue;
		if (f->why && f->why->lost)
			continue;
		oldest = f;
		if (!f->has_sent || s->time - f->sent >= least)
			return f;
	}
	return oldest;
}

/* The super-segment that s was cut from and that still lacks pieces; NO_PARENT: none. */
static size_t find_parent(const struct match *m, const struct sighting *s)
{
	size_t stop = m->fl->n > LAD_SEARCH ? m->fl->n - LAD_SEARCH : 0;
	for (size_t i = m->fl->n; i-- > stop; ) {
		const struct flight *f = &m->fl->v[i];
		if (f->from == s->from && f->first->time <= s->time && f->covered < f->first->dis.text_len && piece_of(f->first, s))
			return i;
	}
	return NO_PARENT;
}

/* A copy of something that was already seen in this very place: made by a wire, or sent again and captured only here. */
static const struct flight *find_original(const struct match *m, const struct sighting *s)
{
	size_t stop = m->fl->n > LAD_SEARCH ? m->fl->n - LAD_SEARCH : 0;
	for (size_t i = m->fl->n; i-- > stop; ) {
		const struct flight *f = &m->fl->v[i];
		if (f->from == s->from && f->has_sent && was_at(f, s) && same_datagram(f->first, s))
			return f;
	}
	return NULL;
}

static void arrive(struct match *m, struct flight *f, const struct sighting *s)
{
	f->has_received = true;
	f->received = s->time;
	if (f->has_sent && !f->wire_dup) {
		ol_time took = s->time - f->sent;
		m->shortest[f->from] = MIN(m->shortest[f->from], took);
		m->longest = MAX(m->longest, took);
	}
}

static void sighted(struct match *m, struct flight *f, const struct sighting *s)
{
	f->last = s;
	if (f->n_places < LAD_MAX_PLACES)
		f->places[f->n_places++] = s;
	if (s->lost || (*s->fate && (!f->why || is_receiver(m, s))) || (*s->wire && !f->why))
		f->why = s;
	if (is_receiver(m, s))
		arrive(m, f, s);
}

/* sent: when it left, where that was seen; of a wire's copy (dup) when the original left. */
static bool new_flight(struct match *m, const struct sighting *s, const ol_time *sent, bool dup)
{
	if (!lad_grow(&m->fl->v, &m->room, m->fl->n, sizeof *m->fl->v))
		return false;
	struct flight *f = &m->fl->v[m->fl->n++];
	*f = (struct flight){ .from = s->from, .first = s, .last = s, .parent = NO_PARENT,
			      .origin = is_sender(m, s) ? s : NULL };
	if (sent) {
		f->has_sent = true;
		f->sent = *sent;
		f->wire_dup = dup;
	}
	sighted(m, f, s);
	return true;
}

static bool new_piece(struct match *m, size_t parent, const struct sighting *s)
{
	const struct flight whole = m->fl->v[parent];
	if (!new_flight(m, s, whole.has_sent ? &whole.sent : NULL, false))
		return false;
	struct flight *piece = &m->fl->v[m->fl->n - 1];
	piece->parent = parent;
	/* One call made them all; it is shown once, at the first. */
	piece->origin = s->dis.tcp.seq == whole.first->dis.tcp.seq ? whole.origin : NULL;
	m->fl->v[parent].pieces++;
	m->fl->v[parent].covered += s->dis.text_len;
	return true;
}

static bool take(struct match *m, const struct sighting *s)
{
	/* A host that captures on several interfaces of its own (lo among them) sees its frame leave once. */
	if (is_sender(m, s))
		return new_flight(m, s, &s->time, false);
	struct flight *f = find_flight(m, s);
	if (f) {
		sighted(m, f, s);
		return true;
	}
	size_t parent = find_parent(m, s);
	if (parent != NO_PARENT)
		return new_piece(m, parent, s);
	const struct flight *original = find_original(m, s);
	ol_time sent = original ? original->sent : 0;
	return new_flight(m, s, original ? &sent : NULL, original);
}

/* What became of it.  Without a capture at the receiver nothing is claimed, unless somebody on the way told. */
static void judge(const struct match *m, struct flight *f)
{
	bool told_lost = f->why && (f->why->lost || (*f->why->fate && f->why->way == LAD_WAY_IN));
	if (f->has_received)
		f->end = *f->last->fate ? LAD_DROPPED : LAD_ARRIVED;
	else if (told_lost)
		f->end = LAD_LOST;
	else if (!m->fl->watched[!f->from])
		f->end = LAD_UNSEEN;
	else if (m->fl->stop - f->first->time <= 2 * m->longest)
		f->end = LAD_UNDER_WAY;
	else
		f->end = LAD_LOST;
}

/* Whole super-segments whose pieces all arrived, and nothing happened to them, are shown whole; otherwise piece by piece. */
static void join_pieces(struct flights *fl)
{
	for (size_t i = 0; i < fl->n; i++) {
		struct flight *f = &fl->v[i], *whole = f->parent == NO_PARENT ? NULL : &fl->v[f->parent];
		if (whole && (f->end != LAD_ARRIVED || (f->why && *f->why->wire)))
			whole->hidden = true;
	}
	for (size_t i = 0; i < fl->n; i++) {
		struct flight *f = &fl->v[i], *whole = f->parent == NO_PARENT ? NULL : &fl->v[f->parent];
		if (f->pieces && f->covered < f->first->dis.text_len)
			f->hidden = true;
		if (!whole || whole->hidden || whole->covered < whole->first->dis.text_len)
			continue;
		f->hidden = true;
		if (!whole->has_received || f->received >= whole->received) {
			whole->received = f->received;
			whole->last = f->last;
		}
		whole->has_received = true;
		whole->end = LAD_ARRIVED;
	}
	size_t kept = 0;
	for (size_t i = 0; i < fl->n; i++)
		if (!fl->v[i].hidden)
			fl->v[kept++] = fl->v[i];
	fl->n = kept;
}

static int by_sent(const void *pa, const void *pb)
{
	const struct flight *a = pa, *b = pb;
	ol_time x = a->has_sent ? a->sent : a->first->time, y = b->has_sent ? b->sent : b->first->time;
	if (x != y)
		return x < y ? -1 : 1;
	if (a->first->time != b->first->time)
		return a->first->time < b->first->time ? -1 : 1;
	return a->first->order < b->first->order ? -1 : a->first->order > b->first->order;
}

bool lad_match(const struct ladder *l, size_t flow, struct flights *fl)
{
	size_t n;
	const struct sighting **v = sorted(l, flow, &n);
	if (!v)
		return false;
	*fl = (struct flights){ .start = n ? v[0]->time : 0, .stop = n ? v[n - 1]->time : 0 };
	struct match m = { .l = l, .flow = &l->flows[flow], .fl = fl, .shortest = { OL_NEVER, OL_NEVER } };
	find_ends(fl, v, n);
	bool all = true;
	for (size_t i = 0; i < n && all; i++)
		all = take(&m, v[i]);
	free(v);
	if (!all) {
		free(fl->v);
		return false;
	}
	for (size_t i = 0; i < fl->n; i++)
		judge(&m, &fl->v[i]);
	join_pieces(fl);
	qsort(fl->v, fl->n, sizeof *fl->v, by_sent);
	return true;
}
