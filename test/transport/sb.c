/* The scoreboard: against the model of boards.h, and where records are cut and run together. */
#include "boards.h"
#include "loss_driver.h"

/* RFC 6675 2, RFC 2018 5 and 8, RFC 2883 4: after any history every byte is known for what it is. */
/* req: 2018-5-a, 6675-4-a, 6675-4-c, 6675-5-a */
TEST(scoreboard_agrees_with_a_model_of_bytes)
{
	static uint8_t story[12000];
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct rng r;
		rng_init(&r, seed);
		for (size_t i = 0; i < sizeof story; i++)
			story[i] = (uint8_t)rng_below(&r, 256);
		boards_run(story, sizeof story);
	}
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
