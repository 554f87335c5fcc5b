/*
 * The scoreboard against a model that keeps a few words for each byte and does everything the slow way.  Random
 * sending, ACKs, SACKs (aligned or not, beyond what was sent, upside down), DSACKs, losses, resending, renegotiation.
 */
#include "loss_driver.h"

enum { WINDOW = 12000, MSS = 100 };

struct byte { uint8_t flags; bool starts; ol_time sent_at; };
struct model { struct byte b[WINDOW]; uint32_t una, nxt; };	/* offsets from the first byte; b[0] is una's */

static void model_sack(struct model *m, uint32_t left, uint32_t right)
{
	/* Whole segments inside the block, no others. */
	for (uint32_t i = m->una; i < m->nxt;) {
		uint32_t end = i + 1;
		while (end < m->nxt && !m->b[end - m->una].starts)
			end++;
		if (i >= left && end <= right)
			for (uint32_t k = i; k < end; k++)
				if (!(m->b[k - m->una].flags & SB_SACKED))
					m->b[k - m->una].flags = (m->b[k - m->una].flags & SB_EVER) | SB_SACKED;
		i = end;
	}
}

static void model_ack(struct model *m, uint32_t una)
{
	memmove(m->b, m->b + (una - m->una), (m->nxt - una) * sizeof *m->b);
	m->una = una;
	if (una < m->nxt)
		m->b[0].starts = true;
}

static void compare(const struct drv *d, const struct model *m)
{
	const struct tcp_sb *sb = &d->tcb->loss.sb;
	uint32_t sacked = 0, lost = 0, retrans = 0, wanted = UINT32_MAX;
	sb_check(sb, d->tcb->snd_una, d->tcb->snd_nxt);
	uint32_t at = m->una;
	for (uint32_t i = sb->first; i != SB_NONE; i = sb->rec[i].next)
		for (uint32_t k = 0; k < sb->rec[i].len; k++, at++) {
			const struct byte *b = &m->b[at - m->una];
			uint8_t got = sb->rec[i].flags & (SB_SACKED | SB_LOST | SB_RETRANS);
			if (got != (b->flags & (SB_SACKED | SB_LOST | SB_RETRANS)))
				fail_msg("byte %u: flags %u, the model says %u", at, got, b->flags);
			if (!(got & SB_SACKED))
				ok(sb->rec[i].sent_at == b->sent_at &&
				   !(sb->rec[i].flags & SB_EVER) == !(b->flags & SB_EVER));
		}
	eq(at, m->nxt);
	for (uint32_t i = 0; i < m->nxt - m->una; i++) {
		sacked += (m->b[i].flags & SB_SACKED) != 0;
		lost += (m->b[i].flags & SB_LOST) != 0;
		retrans += (m->b[i].flags & SB_RETRANS) != 0;
		if ((m->b[i].flags & 7) == SB_LOST && wanted == UINT32_MAX)
			wanted = m->una + i;
	}
	eq(sb->sacked.bytes, sacked);
	eq(sb->lost.bytes, lost);
	eq(sb->retrans.bytes, retrans);
	eq(sb->out.bytes, m->nxt - m->una);
	uint32_t w = sb_wanted(sb);
	eq(w == SB_NONE ? UINT32_MAX : seq_len(d->base, sb->rec[w].seq), wanted);
}

static void send_some(struct drv *d, struct model *m, struct rng *r)
{
	uint32_t len = rng_chance(r, 0.3) ? 1 + rng_below(r, MSS) : MSS * (1 + rng_below(r, 20));
	if (m->nxt - m->una + len > WINDOW)
		return;
	ok(tcp_loss_room(d->tcb));
	tcp_loss_sent(d->tcb, d->tcb->snd_nxt, len, d->now);
	d->tcb->snd_nxt = seq_add(d->tcb->snd_nxt, len);
	for (uint32_t i = 0; i < len; i++)
		m->b[m->nxt - m->una + i] = (struct byte){ .starts = i % MSS == 0, .sent_at = d->now };
	m->nxt += len;
}

static void ack_some(struct drv *d, struct model *m, struct rng *r)
{
	struct tcp_sack_block b[4];
	struct tcp_acked a = { 0 };
	struct tcp_ack_event ev = { .sack = b, .ts_rtt_ns = -1, .prior_una = d->tcb->snd_una };
	uint32_t out = m->nxt - m->una, una = m->una;
	if (rng_chance(r, 0.4))
		una += rng_chance(r, 0.7) ? MIN(rng_below(r, 8) * MSS, out) : rng_below(r, out + 1);
	ev.ack = seq_add(d->base, una);
	ev.n_sack = rng_below(r, 5);
	for (unsigned i = 0; i < ev.n_sack; i++) {
		uint32_t from = m->una + rng_below(r, out + 300), len = rng_below(r, 1500);
		if (rng_chance(r, 0.6)) {
			from = from / MSS * MSS;
			len = (len / MSS + 1) * MSS;
		}
		if (i == 0 && rng_chance(r, 0.2))	/* DSACK: below the ACK */
			from = m->una - MIN(m->una, rng_below(r, 2000));
		b[i] = (struct tcp_sack_block){ seq_add(d->base, from), seq_add(d->base, from + len) };
		if (rng_chance(r, 0.03)) {
			tcp_seq t = b[i].left;
			b[i].left = b[i].right;
			b[i].right = t;
		}
	}
	for (unsigned i = 0; i < ev.n_sack; i++) {
		uint32_t left = seq_len(d->base, b[i].left), right = seq_len(d->base, b[i].right);
		bool dsack = i == 0 && left < right &&
			     (left < una || (ev.n_sack > 1 && seq_le(b[1].left, b[0].left) &&
					     seq_le(b[0].right, b[1].right)));
		if (!dsack && left < right && left > m->una && right <= m->nxt && right > una)
			model_sack(m, left, right);
	}
	d->tcb->snd_una = ev.ack;
	a.ev = &ev;
	uint32_t before = 0, after = 0;
	for (uint32_t i = 0; i < m->nxt - m->una; i++)
		after += i < una - m->una || m->b[i].flags & SB_SACKED;
	before = d->tcb->loss.sb.sacked.bytes;
	tcp_acked_read(d->tcb, &a, d->now);
	model_ack(m, una);
	eq(a.delivered, after - before);		/* each byte is delivered once */
}

static void lose_some(struct drv *d, struct model *m, struct rng *r)
{
	struct tcp_sb *sb = &d->tcb->loss.sb;
	if (m->nxt == m->una)
		return;
	uint32_t i = sb_find(sb, seq_add(d->tcb->snd_una, rng_below(r, m->nxt - m->una)));
	ok(i != SB_NONE);
	if (sb->rec[i].flags & SB_SACKED)
		return;
	sb_mark_lost(sb, i);
	for (uint32_t k = 0; k < sb->rec[i].len; k++) {
		struct byte *b = &m->b[seq_len(d->tcb->snd_una, sb->rec[i].seq) + k];
		b->flags = (b->flags | SB_LOST) & (uint8_t)~SB_RETRANS;
	}
}

static void resend_some(struct drv *d, struct model *m, struct rng *r)
{
	struct tcp_loss_range out;
	d->tcb->loss.cwnd = tcp_loss_pipe(d->tcb) + MSS * (1 + rng_below(r, 10));
	if (!tcp_loss_next(d->tcb, &out, d->now))
		return;
	uint32_t at = seq_len(d->tcb->snd_una, out.seq);
	if (out.len > MSS && rng_chance(r, 0.5))
		out.len = MSS * (1 + rng_below(r, out.len / MSS));
	for (uint32_t k = 0; k < out.len; k++) {
		eq(m->b[at + k].flags & 7, SB_LOST);
		m->b[at + k].flags |= SB_RETRANS | SB_EVER;
		m->b[at + k].sent_at = d->now;
	}
	tcp_loss_resent(d->tcb, out.seq, out.len, 0, d->now);
	/* Short ones may have been put together: segments are now as the records have them. */
	const struct tcp_sb *sb = &d->tcb->loss.sb;
	for (uint32_t i = sb->first; i != SB_NONE; i = sb->rec[i].next)
		for (uint32_t k = 0; !(sb->rec[i].flags & SB_SACKED) && k < sb->rec[i].len; k++)
			m->b[seq_len(d->tcb->snd_una, sb->rec[i].seq) + k].starts = k % sb->rec[i].mss == 0;
}

static void renege(struct drv *d, struct model *m)
{
	sb_renege(&d->tcb->loss.sb);
	const struct tcp_sb *sb = &d->tcb->loss.sb;
	for (uint32_t i = 0; i < m->nxt - m->una; i++)
		if (m->b[i].flags & SB_SACKED)
			m->b[i].flags = (m->b[i].flags & SB_EVER) | SB_LOST;
	/* What was SACKed had been run together: its segments, ever-sent marks and times are those of the record. */
	for (uint32_t i = sb->first; i != SB_NONE; i = sb->rec[i].next)
		for (uint32_t k = 0; k < sb->rec[i].len; k++) {
			struct byte *b = &m->b[seq_len(d->tcb->snd_una, sb->rec[i].seq) + k];
			*b = (struct byte){ (b->flags & 7) | (sb->rec[i].flags & SB_EVER), k % sb->rec[i].mss == 0,
					    sb->rec[i].sent_at };
		}
}

static void run_model(uint64_t seed)
{
	struct rng r;
	struct model *m = calloc(1, sizeof *m);
	struct drv *d = drv_new(.mss = MSS);
	rng_init(&r, seed);
	for (int step = 0; step < 1000; step++) {
		d->now += rng_below(&r, 3) * OL_MS;
		uint32_t what = rng_below(&r, 100);
		if (what < 25)
			send_some(d, m, &r);
		else if (what < 60)
			ack_some(d, m, &r);
		else if (what < 80)
			lose_some(d, m, &r);
		else if (what < 97)
			resend_some(d, m, &r);
		else if (what < 98)
			renege(d, m);
		else {
			sb_unmark_lost(&d->tcb->loss.sb);
			for (uint32_t i = 0; i < m->nxt - m->una; i++)
				m->b[i].flags &= (uint8_t)~SB_LOST;
		}
		compare(d, m);
	}
	/* Everything acknowledged: nothing is left, not even memory. */
	d->tcb->snd_una = d->tcb->snd_nxt;
	struct tcp_ack_event ev = { .ack = d->tcb->snd_una, .prior_una = seq_add(d->base, m->una), .ts_rtt_ns = -1 };
	struct tcp_acked a = { .ev = &ev };
	tcp_acked_read(d->tcb, &a, d->now);
	eq(d->tcb->loss.sb.n, 0);
	ok(!d->tcb->loss.sb.rec);
	drv_free(d);
	free(m);
}

/* RFC 6675 2, RFC 2018 5 and 8, RFC 2883 4: after any history every byte is known for what it is. */
/* req: 2018-5-a, 6675-4-a, 6675-4-c, 6675-5-a */
TEST(scoreboard_agrees_with_a_model_of_bytes)
{
	for (uint64_t seed = 1; seed <= 20; seed++)
		run_model(seed);
}

/* A super-segment is one record until a SACK takes part of it; parts of segments are taken by none. */
TEST(super_segment_splits_at_segment_boundaries_only)
{
	struct drv *d = drv_new(.mss = 1000);
	struct tcp_sb *sb = &d->tcb->loss.sb;
	drv_write(d, 0, 8000);
	eq(sb->n, 1);
	eq(sb->out.segs, 8);
	drv_ack(d, 10, .ack = 1, .sack = { 2500, 5500 });
	eq(sb->sacked.bytes, 2000);			/* 3001:5001 */
	eq(sb->sacked.segs, 2);
	eq(sb->n, 3);
	drv_ack(d, 10, .ack = 1, .sack = { 7500, 8001 });
	eq(sb->sacked.bytes, 2000);			/* half of the last segment is none of it */
	drv_free(d);
}

/* Ten thousand records, SACKed every other one and then the rest: the time per ACK does not grow with them. */
TEST(many_holes_cost_no_more_than_logarithmic_time)
{
	struct drv *d = drv_new(.mss = 100);
	struct tcp_sb *sb = &d->tcb->loss.sb;
	d->tcb->loss.cwnd = 1u << 30;
	d->busy = true;
	d->cfg.rack = false;
	d->tcb->loss.reordering = 1u << 24;		/* no losses: the board alone */
	drv_write(d, 0, 2000000);
	for (uint32_t i = 1; i < 20000; i += 2)
		drv_ack(d, 0, .ack = 1, .sack = { 1 + i * 100, 1 + i * 100 + 100 });
	eq(sb->n, 20000);
	eq(sb->sacked.segs, 10000);
	for (uint32_t i = 2; i < 20000; i += 2)
		drv_ack(d, 0, .ack = 1, .sack = { 1 + i * 100, 1 + i * 100 + 100 });
	eq(sb->n, 2);					/* the hole at the front, and all the rest */
	drv_ack(d, 0, .ack = 2000001);
	eq(sb->n, 0);
	drv_free(d);
}

/* Blocks outside what is outstanding, upside down, or of another age change nothing. */
TEST(nonsense_sack_blocks_are_ignored)
{
	struct drv *d = drv_new(.mss = 1000);
	struct tcp_sb *sb = &d->tcb->loss.sb;
	drv_write(d, 0, 5000);
	drv_ack(d, 10, .ack = 1001);
	drv_ack(d, 1, .ack = 1001, .sack = { 4001, 3001 });
	drv_ack(d, 1, .ack = 1001, .sack = { 5001, 9001 });
	drv_ack(d, 1, .ack = 1001, .sack = { 3001, 1u << 30 });
	drv_ack(d, 1, .ack = 1001, .sack = { 0x80001001u, 0x80002001u });
	drv_ack(d, 1, .ack = 1001, .sack = { 1001, 2001 });	/* at the ACK itself: it contradicts it */
	eq(sb->sacked.bytes, 0);
	eq(d->tcb->loss.ca_state, TCP_CAS_OPEN);
	drv_free(d);
}

/* Where SACK blocks of our own make a retransmission shorter than the segment was, those behind it stay what the peer will name. */
TEST(cut_inside_a_segment_keeps_the_boundaries_behind_it)
{
	struct drv *d = drv_new(.mss = 1000);
	struct tcp_sb *sb = &d->tcb->loss.sb;
	drv_write(d, 0, 5000);
	sb_mark_lost(sb, sb->first);
	d->tcb->snd_cut = 988;
	tcp_loss_resent(d->tcb, drv_abs(d, 1), 988, 0, d->now);
	d->busy = true;
	drv_ack(d, 10, .ack = 1, .sack = { 1001, 5001 });
	eq(sb->sacked.bytes, 4000);
	drv_free(d);
}

/* A super-segment that goes again is cut anew, and the peer names segments as they were cut last. */
TEST(what_goes_again_is_known_as_it_was_cut_then)
{
	struct drv *d = drv_new(.mss = 1000);
	struct tcp_sb *sb = &d->tcb->loss.sb;
	drv_write(d, 0, 1000);
	drv_write(d, 1, 5000);
	for (uint32_t i = sb->first; i != SB_NONE; i = sb->rec[i].next)
		sb_mark_lost(sb, i);
	d->tcb->snd_cut = 988;
	tcp_loss_resent(d->tcb, drv_abs(d, 1), 6000, 0, d->now);
	d->busy = true;
	drv_ack(d, 10, .ack = 1, .sack = { 989, 1977 });
	eq(sb->sacked.bytes, 988);
	d->tcb->snd_cut = 500;				/* new text, in pieces of its own size */
	d->tcb->loss.cwnd = 1u << 20;
	drv_write(d, 0, 1000);
	drv_ack(d, 10, .ack = 1, .sack = { 6501, 7001 });
	eq(sb->sacked.bytes, 988 + 500);
	drv_free(d);
}
