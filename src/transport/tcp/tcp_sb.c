/*
 * The scoreboard (tcp_sb.h): RFC 6675 2 asks for a structure that knows which bytes were SACKed, which are lost and
 * what was sent again; RFC 8985 adds when each was sent last.  Decisions are made elsewhere; here is only what is
 * known.
 *
 * Always: the records tile [first, last) in sequence order; the four sums are those of the records; a record is on the
 * transmission list if and only if it is in flight; SACKed neighbours are one record, so walking a SACK block costs as
 * much as there is news in it.
 */
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "transport/tcp/tcp_sb.h"

#define R(i) (&sb->rec[i])

static bool waits(const struct tcp_sb_rec *r)
{
	return (r->flags & (SB_SACKED | SB_LOST | SB_RETRANS)) == SB_LOST;
}

static bool in_flight(const struct tcp_sb_rec *r)
{
	return !(r->flags & SB_SACKED) && !waits(r);
}

static uint32_t segments(uint32_t len, uint16_t mss)
{
	return (len + mss - 1) / mss;
}

/* ---- sums -------------------------------------------------------------------------------------------------------- */
static void sum_one(struct tcp_sb_sum *sum, const struct tcp_sb_rec *r, bool add)
{
	sum->bytes += add ? r->len : -r->len;
	sum->segs += add ? r->segs : -r->segs;
}

static void sum(struct tcp_sb *sb, const struct tcp_sb_rec *r, bool add)
{
	sum_one(&sb->out, r, add);
	if (r->flags & SB_SACKED)
		sum_one(&sb->sacked, r, add);
	if (r->flags & SB_LOST)
		sum_one(&sb->lost, r, add);
	if (r->flags & SB_RETRANS)
		sum_one(&sb->retrans, r, add);
}

enum { FEW = 8, STOCK_MAX = 64 };

/* ---- the array --------------------------------------------------------------------------------------------------- */
void sb_init(struct tcp_sb *sb)
{
	*sb = (struct tcp_sb){ .free = SB_NONE, .first = SB_NONE, .last = SB_NONE, .oldest = SB_NONE, .newest = SB_NONE,
			       .root = SB_NONE };
}

static struct tcp_sb_rec *few_records(struct sb_stock *stock)
{
	void *rec = stock ? stock->free : NULL;
	if (!rec)
		return malloc(FEW * sizeof(struct tcp_sb_rec));
	memcpy(&stock->free, rec, sizeof stock->free);
	stock->n--;
	return rec;
}

void sb_stock_fini(struct sb_stock *stock)
{
	while (stock->n)
		free(few_records(stock));
}

void sb_fini(struct tcp_sb *sb)
{
	struct sb_stock *stock = sb->stock;
	if (sb->rec && sb->cap == FEW && stock && stock->n < STOCK_MAX) {
		memcpy(sb->rec, &stock->free, sizeof stock->free);
		stock->free = sb->rec;
		stock->n++;
	} else {
		free(sb->rec);
	}
	sb_init(sb);
	sb->stock = stock;
}

void sb_trim(struct tcp_sb *sb)
{
	if (sb->n || !sb->rec)
		return;
	uint32_t order = sb->order;
	sb_fini(sb);
	sb->order = order;
}

bool sb_reserve(struct tcp_sb *sb, uint32_t k)
{
	if (sb->n + k <= sb->cap)
		return true;
	if (sb->n + k > SB_MAX_RECORDS)
		return false;
	uint32_t cap = sb->cap ? sb->cap : FEW;
	while (cap < sb->n + k)
		cap *= 2;
	struct tcp_sb_rec *rec = cap == FEW ? few_records(sb->stock) : realloc(sb->rec, cap * sizeof *rec);
	if (!rec)
		return false;
	sb->rec = rec;
	sb->cap = cap;
	return true;
}

/* Spreads indices, which are dense, over priorities: the finaliser of SplitMix (Steele, Lea, Flood 2014), 32 bits. */
static uint32_t priority(uint32_t i)
{
	uint32_t x = i + 0x9e3779b9u;
	x = (x ^ (x >> 16)) * 0x85ebca6bu;
	x = (x ^ (x >> 13)) * 0xc2b2ae35u;
	return x ^ (x >> 16);
}

static uint32_t rec_new(struct tcp_sb *sb)
{
	uint32_t i = sb->free;
	if (i != SB_NONE) {
		sb->free = R(i)->next;
	} else {
		CHECK(sb->used < sb->cap);
		i = sb->used++;
	}
	sb->n++;
	memset(R(i), 0, sizeof *R(i));
	R(i)->left = R(i)->right = R(i)->older = R(i)->newer = SB_NONE;
	R(i)->prio = priority(i);
	return i;
}

static void rec_free(struct tcp_sb *sb, uint32_t i)
{
	R(i)->next = sb->free;
	sb->free = i;
	sb->n--;
	sb_trim(sb);
}

/* ---- the treap over sequence order ------------------------------------------------------------------------------- */
static bool tree_wanted(const struct tcp_sb *sb, uint32_t t)
{
	return t != SB_NONE && R(t)->wanted;
}

static void tree_pull(struct tcp_sb *sb, uint32_t t)
{
	R(t)->wanted = waits(R(t)) || tree_wanted(sb, R(t)->left) || tree_wanted(sb, R(t)->right);
}

static void tree_split(struct tcp_sb *sb, uint32_t t, tcp_seq at, uint32_t *l, uint32_t *r)
{
	if (t == SB_NONE) {
		*l = *r = SB_NONE;
		return;
	}
	if (seq_lt(R(t)->seq, at)) {
		tree_split(sb, R(t)->right, at, &R(t)->right, r);
		*l = t;
	} else {
		tree_split(sb, R(t)->left, at, l, &R(t)->left);
		*r = t;
	}
	tree_pull(sb, t);
}

static uint32_t tree_merge(struct tcp_sb *sb, uint32_t l, uint32_t r)
{
	if (l == SB_NONE || r == SB_NONE)
		return l == SB_NONE ? r : l;
	if (R(l)->prio > R(r)->prio) {
		R(l)->right = tree_merge(sb, R(l)->right, r);
		tree_pull(sb, l);
		return l;
	}
	R(r)->left = tree_merge(sb, l, R(r)->left);
	tree_pull(sb, r);
	return r;
}

static uint32_t tree_insert(struct tcp_sb *sb, uint32_t t, uint32_t i)
{
	if (t == SB_NONE || R(i)->prio > R(t)->prio) {
		tree_split(sb, t, R(i)->seq, &R(i)->left, &R(i)->right);
		tree_pull(sb, i);
		return i;
	}
	if (seq_lt(R(i)->seq, R(t)->seq))
		R(t)->left = tree_insert(sb, R(t)->left, i);
	else
		R(t)->right = tree_insert(sb, R(t)->right, i);
	tree_pull(sb, t);
	return t;
}

static uint32_t tree_remove(struct tcp_sb *sb, uint32_t t, uint32_t i)
{
	CHECK(t != SB_NONE);
	if (t == i)
		return tree_merge(sb, R(t)->left, R(t)->right);
	if (seq_lt(R(i)->seq, R(t)->seq))
		R(t)->left = tree_remove(sb, R(t)->left, i);
	else
		R(t)->right = tree_remove(sb, R(t)->right, i);
	tree_pull(sb, t);
	return t;
}

/* Record i began or ceased to wait: tell the nodes above it. */
static void tree_touch(struct tcp_sb *sb, uint32_t t, uint32_t i)
{
	CHECK(t != SB_NONE);
	if (t != i)
		tree_touch(sb, seq_lt(R(i)->seq, R(t)->seq) ? R(t)->left : R(t)->right, i);
	tree_pull(sb, t);
}

uint32_t sb_find(const struct tcp_sb *sb, tcp_seq seq)
{
	uint32_t best = SB_NONE;
	for (uint32_t t = sb->root; t != SB_NONE;)
		if (seq_le(R(t)->seq, seq)) {
			best = t;
			t = R(t)->right;
		} else {
			t = R(t)->left;
		}
	return best != SB_NONE && seq_lt(seq, sb_end(R(best))) ? best : SB_NONE;
}

uint32_t sb_wanted(const struct tcp_sb *sb)
{
	uint32_t t = sb->root;
	if (!tree_wanted(sb, t))
		return SB_NONE;
	for (;;) {
		if (tree_wanted(sb, R(t)->left))
			t = R(t)->left;
		else if (waits(R(t)))
			return t;
		else
			t = R(t)->right;
	}
}

/* ---- transmission order ------------------------------------------------------------------------------------------ */
static void flight_unlink(struct tcp_sb *sb, uint32_t i)
{
	uint32_t older = R(i)->older, newer = R(i)->newer;
	if (older != SB_NONE)
		R(older)->newer = newer;
	else
		sb->oldest = newer;
	if (newer != SB_NONE)
		R(newer)->older = older;
	else
		sb->newest = older;
	R(i)->older = R(i)->newer = SB_NONE;
}

static void flight_after(struct tcp_sb *sb, uint32_t at, uint32_t i)	/* at SB_NONE: as the oldest */
{
	uint32_t newer = at == SB_NONE ? sb->oldest : R(at)->newer;
	R(i)->older = at;
	R(i)->newer = newer;
	if (at != SB_NONE)
		R(at)->newer = i;
	else
		sb->oldest = i;
	if (newer != SB_NONE)
		R(newer)->older = i;
	else
		sb->newest = i;
}

/* Everything hangs on the flags: sums, the transmission list, and who waits. */
static void set_flags(struct tcp_sb *sb, uint32_t i, uint8_t flags)
{
	struct tcp_sb_rec *r = R(i);
	bool flew = in_flight(r), waited = waits(r);
	sum(sb, r, false);
	r->flags = flags;
	sum(sb, r, true);
	if (flew && !in_flight(r))
		flight_unlink(sb, i);
	if (waited != waits(r))
		tree_touch(sb, sb->root, i);
}

/* ---- what happens ------------------------------------------------------------------------------------------------ */
static bool same_tx(const struct tcp_sb_rec *r, const struct tcp_tx *tx, ol_time now)
{
	return r->sent_at == now && r->tx.delivered == tx->delivered && r->tx.delivered_at == tx->delivered_at &&
	       r->tx.lost == tx->lost && r->tx.app_limited == tx->app_limited;
}

void sb_append(struct tcp_sb *sb, tcp_seq seq, uint32_t len, uint16_t mss, const struct tcp_tx *tx, ol_time now)
{
	CHECK(len > 0 && mss > 0);
	CHECK(sb->last == SB_NONE || seq_eq(sb_end(R(sb->last)), seq));
	uint32_t i = sb->last;
	/* Full segments sent in one go, one after the other, are one record. */
	if (i != SB_NONE && i == sb->newest && R(i)->flags == 0 && R(i)->mss == mss && R(i)->len % mss == 0 &&
	    R(i)->len < (1u << 20) && same_tx(R(i), tx, now)) {
		sum(sb, R(i), false);
		R(i)->len += len;
		R(i)->segs += segments(len, mss);
		R(i)->tx.in_flight = tx->in_flight;	/* with all that went at this instant, as of one packet of many segments */
		sum(sb, R(i), true);
		return;
	}
	i = rec_new(sb);
	struct tcp_sb_rec *r = R(i);
	r->seq = seq;
	r->len = len;
	r->mss = mss;
	r->segs = segments(len, mss);
	r->sent_at = now;
	r->order = ++sb->order;
	r->tx = *tx;
	r->prev = sb->last;
	r->next = SB_NONE;
	if (sb->last != SB_NONE)
		R(sb->last)->next = i;
	else
		sb->first = i;
	sb->last = i;
	flight_after(sb, sb->newest, i);
	sum(sb, r, true);
	sb->root = tree_insert(sb, sb->root, i);
}

static uint32_t split(struct tcp_sb *sb, uint32_t i, uint32_t off)
{
	CHECK(off > 0 && off < R(i)->len);
	if (!sb_reserve(sb, 1))
		return SB_NONE;
	uint32_t k = rec_new(sb);
	struct tcp_sb_rec *l = R(i), *r = R(k);
	sum(sb, l, false);
	uint32_t left = r->left, right = r->right, prio = r->prio, segs = l->segs;
	*r = *l;
	r->left = left;
	r->right = right;
	r->prio = prio;
	r->older = r->newer = SB_NONE;
	r->seq = seq_add(l->seq, off);
	r->len = l->len - off;
	l->len = off;
	l->segs = MIN(segments(off, l->mss), segs);
	r->segs = segs > l->segs ? segs - l->segs : 1;
	r->prev = i;
	l->next = k;
	if (r->next != SB_NONE)
		R(r->next)->prev = k;
	else
		sb->last = k;
	if (in_flight(r))
		flight_after(sb, i, k);
	sum(sb, l, true);
	sum(sb, r, true);
	sb->root = tree_insert(sb, sb->root, k);
	return k;
}

/* A cut inside a segment: the rest of that segment becomes a record too, so that those behind it keep their boundaries. */
uint32_t sb_split(struct tcp_sb *sb, uint32_t i, uint32_t off)
{
	uint32_t whole = (off / R(i)->mss + 1) * R(i)->mss;
	if (off % R(i)->mss && whole < R(i)->len && !(R(i)->flags & SB_SACKED)) {
		if (!sb_reserve(sb, 2))
			return SB_NONE;
		split(sb, i, whole);
	}
	return split(sb, i, off);
}

/* Takes record i out of every order but the sums. */
static void rec_remove(struct tcp_sb *sb, uint32_t i)
{
	struct tcp_sb_rec *r = R(i);
	if (in_flight(r))
		flight_unlink(sb, i);
	sb->root = tree_remove(sb, sb->root, i);
	if (r->prev != SB_NONE)
		R(r->prev)->next = r->next;
	else
		sb->first = r->next;
	if (r->next != SB_NONE)
		R(r->next)->prev = r->prev;
	else
		sb->last = r->prev;
	rec_free(sb, i);
}

void sb_ack_first(struct tcp_sb *sb, tcp_seq una)
{
	uint32_t i = sb->first;
	struct tcp_sb_rec *r = R(i);
	CHECK(seq_lt(r->seq, una));
	/* An ACK inside a segment: what is left of it becomes a record, so that the others keep their boundaries. */
	if (!(r->flags & SB_SACKED) && seq_lt(una, sb_end(r)) && seq_len(r->seq, una) % r->mss) {
		uint32_t whole = (seq_len(r->seq, una) / r->mss + 1) * r->mss;
		if (whole < r->len && sb_split(sb, i, whole) != SB_NONE)
			r = R(i);
	}
	sum(sb, r, false);
	if (seq_le(sb_end(r), una)) {
		rec_remove(sb, i);
		return;
	}
	uint32_t gone = seq_len(r->seq, una), segs = gone / r->mss;
	r->seq = una;			/* still the first: the tree's order holds */
	r->len -= gone;
	r->segs = r->segs > segs ? r->segs - segs : 1;
	r->segs = r->flags & SB_SACKED ? r->segs : MIN(r->segs, segments(r->len, r->mss));
	sum(sb, r, true);
}

/* Record b, after a in sequence, becomes part of a; neither is in flight, and both are SACKed or neither is. */
static void join(struct tcp_sb *sb, uint32_t a, uint32_t b)
{
	struct tcp_sb_rec *l = R(a), *r = R(b);
	sum(sb, l, false);
	sum(sb, r, false);
	l->len += r->len;
	l->segs += r->segs;
	l->flags |= r->flags & SB_EVER;
	if ((int32_t)(l->order - r->order) < 0) {
		l->order = r->order;
		l->sent_at = r->sent_at;
	}
	sum(sb, l, true);
	rec_remove(sb, b);
}

uint32_t sb_mark_sacked(struct tcp_sb *sb, uint32_t i)
{
	CHECK(!(R(i)->flags & SB_SACKED));
	if (!sb->sacked.bytes || seq_lt(sb->high_sacked, sb_end(R(i))))
		sb->high_sacked = sb_end(R(i));
	set_flags(sb, i, (R(i)->flags & SB_EVER) | SB_SACKED);
	uint32_t prev = R(i)->prev, next = R(i)->next;
	if (next != SB_NONE && R(next)->flags & SB_SACKED)
		join(sb, i, next);
	if (prev != SB_NONE && R(prev)->flags & SB_SACKED) {
		join(sb, prev, i);
		return prev;
	}
	return i;
}

bool sb_join_lost(struct tcp_sb *sb, uint32_t i)
{
	uint32_t next = R(i)->next;
	if (next == SB_NONE || !waits(R(i)) || !waits(R(next)))
		return false;
	join(sb, i, next);
	return true;
}

void sb_mark_lost(struct tcp_sb *sb, uint32_t i)
{
	CHECK(!(R(i)->flags & SB_SACKED));
	set_flags(sb, i, (R(i)->flags | SB_LOST) & (uint8_t)~SB_RETRANS);
}

void sb_mark_first_lost(struct tcp_sb *sb, uint32_t i)
{
	CHECK((R(i)->flags & (SB_SACKED | SB_RETRANS)) == SB_RETRANS);
	set_flags(sb, i, R(i)->flags | SB_LOST);
}

void sb_mark_not_counted(struct tcp_sb *sb, uint32_t i)
{
	CHECK((R(i)->flags & (SB_LOST | SB_RETRANS)) == SB_RETRANS);
	set_flags(sb, i, R(i)->flags & (uint8_t)~SB_RETRANS);
}

void sb_mark_resent(struct tcp_sb *sb, uint32_t i, uint16_t mss, const struct tcp_tx *tx, ol_time now)
{
	struct tcp_sb_rec *r = R(i);
	CHECK(!(r->flags & SB_SACKED));
	if (in_flight(r))
		flight_unlink(sb, i);
	sum(sb, r, false);
	r->mss = mss;
	r->segs = segments(r->len, mss);
	r->sent_at = now;
	r->order = ++sb->order;
	r->tx = *tx;
	r->flags |= SB_RETRANS | SB_EVER;
	sum(sb, r, true);
	flight_after(sb, sb->newest, i);
	tree_touch(sb, sb->root, i);
}

static bool sent_before(const struct tcp_sb_rec *a, const struct tcp_sb_rec *b)
{
	return sb_sent_before(a->order, sb_end(a), b->order, sb_end(b));
}

void sb_unmark_lost(struct tcp_sb *sb)
{
	/* From the end backwards, each is put where its transmission belongs; the next one's place is mostly near. */
	uint32_t at = sb->newest;
	for (uint32_t i = sb->last; i != SB_NONE && sb->lost.bytes; i = R(i)->prev) {
		if (!(R(i)->flags & SB_LOST))
			continue;
		bool waited = waits(R(i));
		set_flags(sb, i, R(i)->flags & (uint8_t)~SB_LOST);
		if (!waited)
			continue;
		while (at != SB_NONE && sent_before(R(i), R(at)))
			at = R(at)->older;
		for (uint32_t next = at; next != SB_NONE && sent_before(R(next), R(i)); next = R(next)->newer)
			at = next;
		flight_after(sb, at, i);
		at = i;
	}
}

void sb_renege(struct tcp_sb *sb)
{
	for (uint32_t i = sb->first; i != SB_NONE && sb->sacked.bytes; i = R(i)->next)
		if (R(i)->flags & SB_SACKED) {
			sum(sb, R(i), false);
			R(i)->flags = (R(i)->flags & SB_EVER) | SB_LOST;
			R(i)->segs = segments(R(i)->len, R(i)->mss);
			sum(sb, R(i), true);
			tree_touch(sb, sb->root, i);
		}
}

/* ---- beliefs ----------------------------------------------------------------------------------------------------- */
static uint32_t check_tree(const struct tcp_sb *sb, uint32_t t)
{
	if (t == SB_NONE)
		return 0;
	uint32_t l = R(t)->left, r = R(t)->right;
	CHECK(l == SB_NONE || (seq_lt(R(l)->seq, R(t)->seq) && R(l)->prio <= R(t)->prio));
	CHECK(r == SB_NONE || (seq_lt(R(t)->seq, R(r)->seq) && R(r)->prio <= R(t)->prio));
	CHECK(R(t)->wanted == (waits(R(t)) || tree_wanted(sb, l) || tree_wanted(sb, r)));
	return check_tree(sb, l) + 1 + check_tree(sb, r);
}

static void check_flight(const struct tcp_sb *sb, uint32_t flying)
{
	uint32_t prev = SB_NONE;
	for (uint32_t i = sb->oldest; i != SB_NONE; prev = i, i = R(i)->newer, flying--) {
		CHECK(in_flight(R(i)));
		CHECK(R(i)->older == prev);
		CHECK(prev == SB_NONE || (R(prev)->sent_at <= R(i)->sent_at && !sent_before(R(i), R(prev))));
	}
	CHECK(sb->newest == prev);
	CHECK(flying == 0);
}

void sb_check(const struct tcp_sb *sb, tcp_seq una, tcp_seq nxt)
{
	struct tcp_sb sums = { 0 };
	uint32_t n = 0, flying = 0, prev = SB_NONE;
	tcp_seq at = una;
	for (uint32_t i = sb->first; i != SB_NONE; prev = i, i = R(i)->next) {
		CHECK(seq_eq(R(i)->seq, at));
		CHECK(R(i)->len > 0 && R(i)->segs > 0);
		CHECK(R(i)->prev == prev);
		CHECK(prev == SB_NONE || !(R(i)->flags & R(prev)->flags & SB_SACKED));
		CHECK(!(R(i)->flags & SB_SACKED) || !(R(i)->flags & (SB_LOST | SB_RETRANS)));
		sum(&sums, R(i), true);
		flying += in_flight(R(i));
		at = sb_end(R(i));
		n++;
	}
	CHECK(sb->last == prev);
	CHECK(n == sb->n);
	CHECK(!n || seq_eq(at, nxt));
	CHECK(check_tree(sb, sb->root) == n);
	check_flight(sb, flying);
	CHECK(!memcmp(&sums.out, &sb->out, sizeof sums.out));
	CHECK(!memcmp(&sums.sacked, &sb->sacked, sizeof sums.sacked));
	CHECK(!memcmp(&sums.lost, &sb->lost, sizeof sums.lost));
	CHECK(!memcmp(&sums.retrans, &sb->retrans, sizeof sums.retrans));
}
