/*
 * The receive queue: packets as they came, in two lists.  Readable ones are contiguous up to RCV.NXT; held ones lie
 * above a gap, sorted, without overlap.  Where bytes come twice, those that came first stay.
 *
 * Memory is what packets cost, not what they carry: a packet is copied into the one before it, or into a small buffer,
 * where it would fill less than half of its own.  So the memory stays below about twice the bytes, whatever the peer's
 * segments look like.  The held packets' ranges, most recently changed first, are the SACK blocks (RFC 2018 4); what
 * came twice is noted once for a DSACK (RFC 2883 4).
 *
 * A queued packet's data are its text alone; what the queue must know of it lies at the start of its buffer, where the
 * headers were: the way back in the list, and the number of its first byte (of held ones).
 */
#include "transport/tcp/tcp_rcvq.h"
#include "base/check.h"
#include <string.h>

struct held { struct ol_pkt *prev; tcp_seq seq; };
enum { SMALL_CAP = 2048, SMALL_TEXT = 1500 };

static struct held *held_of(const struct ol_pkt *p) { return (struct held *)(void *)p->buf; }
static tcp_seq seq_of(const struct ol_pkt *p) { return held_of(p)->seq; }
static tcp_seq end_of(const struct ol_pkt *p) { return seq_add(seq_of(p), p->len); }

void tcp_rcvq_init(struct tcp_rcvq *q) { *q = (struct tcp_rcvq){ 0 }; }

static void free_chain(struct ol_pkt *p)
{
	while (p) {
		struct ol_pkt *next = p->next;
		ol_pkt_free(p);
		p = next;
	}
}

void tcp_rcvq_purge(struct tcp_rcvq *q)
{
	free_chain(q->head);
	free_chain(q->ooo);
	tcp_rcvq_init(q);
}

/* A few bytes in a buffer for many move to a smaller one.  Takes p, returns what to keep. */
static struct ol_pkt *compact(struct ol_pkt *p)
{
	if (p->cap <= SMALL_CAP || p->len > SMALL_TEXT)
		return p;
	struct ol_pkt *small = ol_pkt_from(p->pool, p->data, p->len);
	if (!small)
		return p;
	small->time = p->time;
	ol_pkt_free(p);
	return small;
}

/* Would p rather live in the room behind t? */
static bool fits_behind(const struct ol_pkt *t, const struct ol_pkt *p)
{
	if (p->len > ol_pkt_tailroom(t))
		return false;
	return p->len * 2 < p->cap || (t->cap > SMALL_CAP && t->len * 2 < t->cap);
}

static void move_behind(struct ol_pkt *t, struct ol_pkt *p)
{
	memcpy(ol_pkt_put(t, p->len), p->data, p->len);
	t->time = p->time;				/* of the newest, as Linux where it puts buffers together */
	ol_pkt_free(p);
}

void tcp_rcvq_append(struct tcp_rcvq *q, struct ol_pkt *p)
{
	q->readable += p->len;
	if (q->tail && fits_behind(q->tail, p)) {
		move_behind(q->tail, p);
		return;
	}
	p = compact(p);
	p->next = NULL;
	q->truesize += p->cap;
	if (q->tail)
		q->tail->next = p;
	else
		q->head = p;
	q->tail = p;
}

/* ---- SACK blocks ------------------------------------------------------------------------------------------------ */

static bool touch(const struct tcp_sack_block *a, const struct tcp_sack_block *b)
{
	return seq_le(a->left, b->right) && seq_le(b->left, a->right);
}

/* The block that holds b goes to the front and takes in those it touches. */
static void recent_add(struct tcp_rcvq *q, struct tcp_sack_block b)
{
	int n = 0;
	struct tcp_sack_block keep[TCP_MAX_SACK];
	for (int i = 0; i < q->n_recent; i++) {
		if (touch(&q->recent[i], &b)) {
			b.left = seq_min(b.left, q->recent[i].left);
			b.right = seq_max(b.right, q->recent[i].right);
		} else {
			keep[n++] = q->recent[i];
		}
	}
	n = MIN(n, TCP_MAX_SACK - 1);
	q->recent[0] = b;
	memcpy(q->recent + 1, keep, (size_t)n * sizeof *keep);
	q->n_recent = n + 1;
}

/* what lies in [left, right) is no block any more */
static void recent_cut(struct tcp_rcvq *q, tcp_seq left, tcp_seq right)
{
	int n = 0;
	for (int i = 0; i < q->n_recent; i++) {
		struct tcp_sack_block b = q->recent[i];
		if (seq_ge(b.left, left) && seq_le(b.right, right))
			continue;
		if (seq_lt(b.left, right) && seq_gt(b.right, right) && seq_ge(b.left, left))
			b.left = right;
		else if (seq_gt(b.right, left) && seq_lt(b.left, left))
			b.right = left;
		q->recent[n++] = b;
	}
	q->n_recent = n;
}

void tcp_rcvq_dsack(struct tcp_rcvq *q, tcp_seq left, tcp_seq right)
{
	if (!q->dsack_set) {
		q->dsack = (struct tcp_sack_block){ left, right };
		q->dsack_set = true;
	} else if (seq_le(left, q->dsack.right) && seq_le(q->dsack.left, right)) {
		q->dsack.left = seq_min(q->dsack.left, left);
		q->dsack.right = seq_max(q->dsack.right, right);
	}							/* one block per ACK: the first found is told */
}

void tcp_rcvq_thrown(struct tcp_rcvq *q, tcp_seq left, tcp_seq right)
{
	q->dsack = (struct tcp_sack_block){ left, right };
	q->dsack_set = q->thrown = true;
}

/* ---- held packets ----------------------------------------------------------------------------------------------- */

static void unlink_held(struct tcp_rcvq *q, struct ol_pkt *p)
{
	struct ol_pkt *prev = held_of(p)->prev;
	if (prev)
		prev->next = p->next;
	else
		q->ooo = p->next;
	if (p->next)
		held_of(p->next)->prev = prev;
	else
		q->ooo_tail = prev;
	q->truesize -= p->cap;
	q->ooo_bytes -= p->len;
	q->ooo_count--;
	p->next = NULL;
}

static void link_held(struct tcp_rcvq *q, struct ol_pkt *prev, struct ol_pkt *p, tcp_seq seq)
{
	*held_of(p) = (struct held){ .prev = prev, .seq = seq };
	p->next = prev ? prev->next : q->ooo;
	if (p->next)
		held_of(p->next)->prev = p;
	else
		q->ooo_tail = p;
	if (prev)
		prev->next = p;
	else
		q->ooo = p;
	q->truesize += p->cap;
	q->ooo_bytes += p->len;
	q->ooo_count++;
}

/* The stretch of held bytes around p, which is shorter to find from the blocks when they still know it. */
static struct tcp_sack_block stretch(const struct ol_pkt *p, tcp_seq left, tcp_seq right)
{
	struct tcp_sack_block b = { left, right };
	enum { ENOUGH = 64 };
	int i = 0;
	for (const struct ol_pkt *x = held_of(p)->prev; x && i < ENOUGH && seq_eq(end_of(x),
		b.left); x = held_of(x)->prev, i++)
		b.left = seq_of(x);
	for (const struct ol_pkt *x = p->next; x && i < ENOUGH && seq_eq(seq_of(x), b.right); x = x->next, i++)
		b.right = end_of(x);
	return b;
}

bool tcp_rcvq_hold(struct tcp_rcvq *q, struct ol_pkt *p, tcp_seq seq)
{
	struct ol_pkt *prev = q->ooo_tail;
	while (prev && seq_gt(seq_of(prev), seq))
		prev = held_of(prev)->prev;
	if (prev && seq_gt(end_of(prev), seq)) {
		uint32_t twice = MIN(seq_len(seq, end_of(prev)), p->len);
		tcp_rcvq_dsack(q, seq, seq_add(seq, twice));
		if (twice == p->len) {
			recent_add(q, stretch(prev, seq_of(prev), end_of(prev)));
			ol_pkt_free(p);
			return false;
		}
		ol_pkt_pull(p, twice);
		seq = seq_add(seq, twice);
	}
	struct ol_pkt *next = prev ? prev->next : q->ooo;
	while (next && seq_lt(seq_of(next), seq_add(seq, p->len))) {
		tcp_seq end = seq_add(seq, p->len);
		tcp_rcvq_dsack(q, seq_of(next), seq_min(end, end_of(next)));
		if (seq_gt(end_of(next), end)) {
			ol_pkt_trim(p, seq_len(seq, seq_of(next)));
			break;
		}
		struct ol_pkt *after = next->next;
		unlink_held(q, next);
		ol_pkt_free(next);
		next = after;
	}
	tcp_seq end = seq_add(seq, p->len);
	if (prev && seq_eq(end_of(prev), seq) && fits_behind(prev, p)) {
		q->ooo_bytes += p->len;
		move_behind(prev, p);
		recent_add(q, stretch(prev, seq_of(prev), end));
		return true;
	}
	p = compact(p);
	link_held(q, prev, p, seq);
	recent_add(q, stretch(p, seq, end));
	return true;
}

uint32_t tcp_rcvq_absorb(struct tcp_rcvq *q, tcp_seq rcv_nxt)
{
	uint32_t got = 0;
	tcp_seq nxt = rcv_nxt;
	while (q->ooo && seq_le(seq_of(q->ooo), nxt)) {
		struct ol_pkt *p = q->ooo;
		tcp_seq seq = seq_of(p), end = end_of(p);
		unlink_held(q, p);
		if (seq_lt(seq, nxt))
			tcp_rcvq_dsack(q, seq, seq_min(nxt, end));
		if (seq_le(end, nxt)) {
			ol_pkt_free(p);
			continue;
		}
		ol_pkt_pull(p, seq_len(seq, nxt));
		got += p->len;
		nxt = end;
		tcp_rcvq_append(q, p);
	}
	if (q->n_recent > 0)
		recent_cut(q, seq_sub(nxt, UINT32_C(1) << 30), nxt);
	return got;
}

void tcp_rcvq_prune(struct tcp_rcvq *q, size_t limit)
{
	while (q->ooo_tail && q->truesize > limit) {
		struct ol_pkt *p = q->ooo_tail;
		recent_cut(q, seq_of(p), end_of(p));
		unlink_held(q, p);
		ol_pkt_free(p);
	}
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

ol_time tcp_rcvq_time(const struct tcp_rcvq *q, size_t off)
{
	const struct ol_pkt *p = q->head;
	for (; p && off >= p->len; p = p->next)
		off -= p->len;
	return p ? p->time : OL_NEVER;
}

size_t tcp_rcvq_copy(const struct tcp_rcvq *q, size_t off, const struct iovec *iov, int n, size_t len)
{
	const struct ol_pkt *p = q->head;
	while (p && off >= p->len) {
		off -= p->len;
		p = p->next;
	}
	size_t done = 0, at = 0;
	int i = 0;
	while (p && i < n && done < len) {
		size_t piece = MIN(MIN(p->len - off, iov[i].iov_len - at), len - done);
		if (piece > 0)
			memcpy((char *)iov[i].iov_base + at, p->data + off, piece);
		done += piece;
		at += piece;
		off += piece;
		if (at == iov[i].iov_len) {
			i++;
			at = 0;
		}
		if (off == p->len) {
			p = p->next;
			off = 0;
		}
	}
	return done;
}

void tcp_rcvq_drop(struct tcp_rcvq *q, size_t len)
{
	CHECK(len <= q->readable);
	q->readable -= len;
	while (len > 0) {
		struct ol_pkt *p = q->head;
		if (len < p->len) {
			ol_pkt_pull(p, len);
			return;
		}
		len -= p->len;
		q->head = p->next;
		if (!q->head)
			q->tail = NULL;
		q->truesize -= p->cap;
		ol_pkt_free(p);
	}
}

int tcp_rcvq_view(const struct tcp_rcvq *q, struct iovec *iov, int n, size_t len)
{
	int i = 0;
	for (const struct ol_pkt *p = q->head; p && i < n && len > 0; p = p->next, i++) {
		iov[i] = (struct iovec){ p->data, MIN((size_t)p->len, len) };
		len -= iov[i].iov_len;
	}
	return i;
}

void tcp_rcvq_check(const struct tcp_rcvq *q, tcp_seq rcv_nxt)
{
	size_t readable = 0, held = 0, mem = 0;
	uint32_t count = 0;
	for (const struct ol_pkt *p = q->head; p; p = p->next) {
		CHECK(p->len > 0);
		readable += p->len;
		mem += p->cap;
	}
	tcp_seq last = rcv_nxt;
	for (const struct ol_pkt *p = q->ooo; p; p = p->next) {
		CHECK(p->len > 0);
		CHECK(count == 0 ? seq_gt(seq_of(p), last) : seq_ge(seq_of(p), last));
		last = end_of(p);
		held += p->len;
		mem += p->cap;
		count++;
	}
	CHECK(readable == q->readable);
	CHECK(held == q->ooo_bytes);
	CHECK(count == q->ooo_count);
	CHECK(mem == q->truesize);
	CHECK((count == 0) == (q->n_recent == 0) || q->n_recent == 0);
}
