/* The model's bytes and the story's teller: boards.h. */
#include "boards.h"
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "must.h"
#include "story.h"
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_recovery.h"

enum { MSS = 20, WINDOW = 40 * MSS, STEPS = 1000 };	/* small: the model looks at each byte after each step */

struct board { struct tcp_tcb *tcb; struct tcp_loss_cfg cfg; ol_time now; tcp_seq base; };	/* base: number of byte 0 */

static uint32_t below(struct story *s, uint32_t n)
{
	uint32_t v = byte(s);
	return (n > 256 ? v << 8 | byte(s) : v) % n;
}
static bool chance(struct story *s, double p) { return byte(s) < p * 256; }

struct byte { uint8_t flags; bool starts; ol_time sent_at; };
struct model {
	struct byte b[WINDOW];
	uint32_t una, nxt;			/* offsets from the first byte; b[0] is una's */
	uint32_t high_rxt, rescue_rxt, point;	/* RFC 6675 2; the ends of what they name */
};

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

static void compare(const struct board *d, const struct model *m)
{
	const struct tcp_sb *sb = &d->tcb->loss.sb;
	uint32_t sacked = 0, lost = 0, retrans = 0, wanted = UINT32_MAX;
	sb_check(sb, d->tcb->snd_una, d->tcb->snd_nxt);
	uint32_t at = m->una;
	for (uint32_t i = sb->first; i != SB_NONE; i = sb->rec[i].next)
		for (uint32_t k = 0; k < sb->rec[i].len; k++, at++) {
			const struct byte *b = &m->b[at - m->una];
			uint8_t got = sb->rec[i].flags & (SB_SACKED | SB_LOST | SB_RETRANS);
			must(got == (b->flags & (SB_SACKED | SB_LOST | SB_RETRANS)));
			if (!(got & SB_SACKED))
				must(sb->rec[i].sent_at == b->sent_at &&
				   !(sb->rec[i].flags & SB_EVER) == !(b->flags & SB_EVER));
		}
	must(at == m->nxt);
	for (uint32_t i = 0; i < m->nxt - m->una; i++) {
		sacked += (m->b[i].flags & SB_SACKED) != 0;
		lost += (m->b[i].flags & SB_LOST) != 0;
		retrans += (m->b[i].flags & SB_RETRANS) != 0;
		if ((m->b[i].flags & 7) == SB_LOST && wanted == UINT32_MAX)
			wanted = m->una + i;
	}
	must(sb->sacked.bytes == sacked);
	must(sb->lost.bytes == lost);
	must(sb->retrans.bytes == retrans);
	must(sb->out.bytes == m->nxt - m->una);
	uint32_t w = sb_wanted(sb);
	must((w == SB_NONE ? UINT32_MAX : seq_len(d->base, sb->rec[w].seq)) == wanted);
	must(sb_pipe(sb) == m->nxt - m->una - sacked - lost + retrans);	/* RFC 6675 4, SetPipe() */
}

static void send_some(struct board *d, struct model *m, struct story *r)
{
	uint32_t len = chance(r, 0.3) ? 1 + below(r, MSS) : MSS * (1 + below(r, 20));
	if (m->nxt - m->una + len > WINDOW)
		return;
	must(tcp_loss_room(d->tcb));
	tcp_loss_sent(d->tcb, d->tcb->snd_nxt, len, d->now);
	d->tcb->snd_nxt = seq_add(d->tcb->snd_nxt, len);
	for (uint32_t i = 0; i < len; i++)
		m->b[m->nxt - m->una + i] = (struct byte){ .starts = i % MSS == 0, .sent_at = d->now };
	m->nxt += len;
}

static void ack_some(struct board *d, struct model *m, struct story *r)
{
	struct tcp_sack_block b[4];
	struct tcp_acked a = { 0 };
	struct tcp_ack_event ev = { .sack = b, .ts_rtt_ns = -1, .prior_una = d->tcb->snd_una };
	uint32_t out = m->nxt - m->una, una = m->una;
	if (chance(r, 0.4))
		una += chance(r, 0.7) ? MIN(below(r, 8) * MSS, out) : below(r, out + 1);
	ev.ack = seq_add(d->base, una);
	ev.n_sack = below(r, 5);
	for (unsigned i = 0; i < ev.n_sack; i++) {
		uint32_t from = m->una + below(r, out + 3 * MSS), len = below(r, 15 * MSS);
		if (chance(r, 0.6)) {
			from = from / MSS * MSS;
			len = (len / MSS + 1) * MSS;
		}
		if (i == 0 && chance(r, 0.2))	/* DSACK: below the ACK */
			from = m->una - MIN(m->una, below(r, 20 * MSS));
		b[i] = (struct tcp_sack_block){ seq_add(d->base, from), seq_add(d->base, from + len) };
		if (chance(r, 0.03)) {
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
	must(a.delivered == after - before);		/* each byte is delivered once */
}

static void lose_some(struct board *d, struct model *m, struct story *r)
{
	struct tcp_sb *sb = &d->tcb->loss.sb;
	if (m->nxt == m->una)
		return;
	uint32_t i = sb_find(sb, seq_add(d->tcb->snd_una, below(r, m->nxt - m->una)));
	must(i != SB_NONE);
	if (sb->rec[i].flags & SB_SACKED)
		return;
	sb_mark_lost(sb, i);
	for (uint32_t k = 0; k < sb->rec[i].len; k++) {
		struct byte *b = &m->b[seq_len(d->tcb->snd_una, sb->rec[i].seq) + k];
		b->flags = (b->flags | SB_LOST) & (uint8_t)~SB_RETRANS;
	}
}

/* RFC 6675 4, NextSeg(), rules (3) and (4), where nothing waits: the lowest byte that may go on suspicion; the highest to rescue. */
static uint32_t suspect(const struct model *m)
{
	uint32_t high_sacked = 0;
	for (uint32_t i = m->una; i < m->nxt; i++)
		high_sacked = m->b[i - m->una].flags & SB_SACKED ? i : high_sacked;
	for (uint32_t i = MAX(m->una, m->high_rxt); i < high_sacked; i++)
		if (!(m->b[i - m->una].flags & SB_SACKED))
			return i;
	return UINT32_MAX;
}

static uint32_t rescued(const struct model *m)
{
	for (uint32_t i = m->nxt; m->una > m->rescue_rxt && i > m->una; i--)
		if (!(m->b[i - 1 - m->una].flags & SB_SACKED))
			return i - 1;
	return UINT32_MAX;
}

static void resent(struct board *d, struct model *m, const struct tcp_loss_range *out, bool rescue)
{
	uint32_t at = seq_len(d->tcb->snd_una, out->seq);
	for (uint32_t k = 0; k < out->len; k++) {
		m->b[at + k].flags |= rescue ? SB_EVER : SB_RETRANS | SB_EVER;
		m->b[at + k].sent_at = d->now;
	}
	if (!rescue)
		m->high_rxt = MAX(m->high_rxt, m->una + at + out->len);
	else
		m->rescue_rxt = m->point;
	tcp_loss_resent(d->tcb, out->seq, out->len, 0, d->now);
	/* Short ones may have been put together: segments are now as the records have them. */
	const struct tcp_sb *sb = &d->tcb->loss.sb;
	for (uint32_t i = sb->first; i != SB_NONE; i = sb->rec[i].next)
		for (uint32_t k = 0; !(sb->rec[i].flags & SB_SACKED) && k < sb->rec[i].len; k++)
			m->b[seq_len(d->tcb->snd_una, sb->rec[i].seq) + k].starts = k % sb->rec[i].mss == 0;
}

static void resend_some(struct board *d, struct model *m, struct story *r)
{
	struct tcp_loss_range out;
	d->tcb->loss.cwnd = tcp_loss_pipe(d->tcb) + MSS * (1 + below(r, 10));
	if (tcp_loss_next(d->tcb, &out, d->now)) {
		must(!tcp_loss_last_resort(d->tcb, &(struct tcp_loss_range){ 0 }, d->now));
		if (out.len > MSS && chance(r, 0.5))
			out.len = MSS * (1 + below(r, out.len / MSS));
		for (uint32_t k = 0; k < out.len; k++)
			must((m->b[seq_len(d->tcb->snd_una, out.seq) + k].flags & 7) == SB_LOST);
		resent(d, m, &out, false);
		return;
	}
	uint32_t low = suspect(m), high = rescued(m);
	must(tcp_loss_last_resort(d->tcb, &out, d->now) == (low != UINT32_MAX || high != UINT32_MAX));
	if (low == UINT32_MAX && high == UINT32_MAX)
		return;
	uint32_t from = seq_len(d->base, out.seq);
	must(out.len <= MSS && (low != UINT32_MAX ? from == low : from <= high && from + out.len == high + 1));
	resent(d, m, &out, low == UINT32_MAX);
}

/* A recovery begins: SND.UNA's segment goes first, RFC 6675 5 step 4.3. */
static void begin(struct board *d, struct model *m)
{
	if (m->una == m->nxt || m->b[0].flags & SB_SACKED)
		return;
	uint32_t end = m->una + 1;
	while (end < m->nxt && !m->b[end - m->una].starts)
		end++;
	d->tcb->loss.recovery_point = d->tcb->snd_nxt;
	sack_recovery_begins(d->tcb);
	m->high_rxt = m->una;
	m->rescue_rxt = MIN(end, m->una + MSS);
	m->point = m->nxt;
}

static void renege(struct board *d, struct model *m)
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

/* ---- the story ---------------------------------------------------------------------------------------------------- */
static struct board *board_new(void)
{
	struct board *d = calloc(1, sizeof *d);
	must(d && (d->tcb = calloc(1, sizeof *d->tcb)));
	d->cfg = tcp_loss_cfg_default();
	d->now = 1000 * OL_SEC;
	d->base = seq_from(UINT32_MAX - 2 * WINDOW);	/* the circle closes early */
	d->tcb->snd_mss = MSS;
	d->tcb->sack_ok = true;
	d->tcb->snd_una = d->tcb->snd_nxt = d->base;
	d->tcb->snd_wnd = 1u << 30;
	d->cfg.rack = false;
	tcp_loss_init(d->tcb, &d->cfg, NULL, d->now);
	tcp_loss_established(d->tcb, d->now);
	d->tcb->loss.ca_state = TCP_CAS_RECOVERY;
	d->tcb->loss.high_rxt = d->tcb->loss.rescue_rxt = d->base;
	return d;
}

static void step(struct board *d, struct model *m, struct story *r)
{
	uint32_t what = below(r, 100);
	d->now += what % 3 * OL_MS;
	if (what < 25)
		send_some(d, m, r);
	else if (what < 60)
		ack_some(d, m, r);
	else if (what < 80)
		lose_some(d, m, r);
	else if (what < 97)
		resend_some(d, m, r);
	else if (what < 98)
		chance(r, 0.5) ? renege(d, m) : begin(d, m);
	else {
		sb_unmark_lost(&d->tcb->loss.sb);
		for (uint32_t i = 0; i < m->nxt - m->una; i++)
			m->b[i].flags &= (uint8_t)~SB_LOST;
	}
	compare(d, m);
}

void boards_run(const uint8_t *p, size_t len)
{
	struct story s = { p, len };
	struct model *m = calloc(1, sizeof *m);
	struct board *d = board_new();
	must(m);
	for (int i = 0; s.left && i < STEPS; i++)
		step(d, m, &s);
	/* Everything acknowledged: nothing is left, not even memory. */
	d->tcb->snd_una = d->tcb->snd_nxt;
	struct tcp_ack_event ev = { .ack = d->tcb->snd_una, .prior_una = seq_add(d->base, m->una), .ts_rtt_ns = -1 };
	struct tcp_acked a = { .ev = &ev };
	tcp_acked_read(d->tcb, &a, d->now);
	must(d->tcb->loss.sb.n == 0);
	must(!d->tcb->loss.sb.rec);
	tcp_loss_fini(d->tcb);
	free(d->tcb);
	free(d);
	free(m);
}
