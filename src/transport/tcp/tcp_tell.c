/*
 * tcp_tell.h.  MSG_ZEROCOPY as Linux's Documentation/networking/msg_zerocopy has it, where the kernel could not avoid the copy:
 * the text was copied into the send queue, and the notification says so.  It comes when the queue has let go of the
 * text: acknowledged, or thrown away with the connection.  Writes have numbers, from 0 on; notifications of neighbours that
 * nobody has taken yet are one, so the queue holds a single one however long nobody looks.
 *
 * Stamps as Documentation/networking/timestamping has them for bytestreams: of the last byte of each write, when it was
 * handed to the interface (SCHED), when it left that one's queue (SND), when it was acknowledged (ACK); the first two again for
 * each retransmission.  Where Linux forgets a write that is put into one buffer with the next, none is forgotten here.  A
 * packet that waits for its neighbour's address counts as gone.  A stamp for which there is no memory is not told.
 */
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_output.h"
#include "transport/tcp/tcp_tcb.h"
#include "transport/tcp/tcp_tell.h"
#include "base/check.h"
#include "base/txq.h"
#include <stdlib.h>

enum { MOST_NOTES = 4096 };		/* Linux bounds the same by optmem_max, and says ENOBUFS, too */
enum { STAMP_COST = 512 };		/* of a stamp beside its text */

/* Of a write that is to be told of as COPIED it becomes its own report: that can always be told. */
struct tcp_note {
	struct tcp_report r;
	struct list node;		/* of tcp_tell.notes */
	struct list leaving;		/* of tcp.leaving: the byte lies in an interface's queue */
	struct tcp_tcb *tcb;
	unsigned flags;			/* TCP_SEND_TOLD */
	tcp_seq begin, end;		/* of what was written */
	int ifi;
	uint32_t mark;			/* the queue's count when it went in: base/txq.h */
};

static struct tcp_note *last_note(const struct tcp_tell *t)
{
	return list_empty(&t->notes) ? NULL : list_of(t->notes.prev, struct tcp_note, node);
}

static void forget(struct tcp_tell *t, struct tcp_note *n)
{
	list_del(&n->node);
	list_del(&n->leaving);
	t->n_notes--;
}

void tcp_tell_init(struct tcp_tell *t)
{
	*t = (struct tcp_tell){ 0 };
	list_init(&t->notes);
	list_init(&t->reports);
}

static void drop_notes(struct tcp_tell *t)
{
	while (!list_empty(&t->notes)) {
		struct tcp_note *n = last_note(t);
		forget(t, n);
		free(n);
	}
}

void tcp_tell_fini(struct tcp_tell *t)
{
	drop_notes(t);
	for (struct tcp_report *r; (r = tcp_tell_take(t)); )
		free(r);
	free(t->spare);
	t->spare = NULL;
}

bool tcp_tell_reserve(struct tcp_tell *t)
{
	if (!t->spare && t->n_notes < MOST_NOTES)
		t->spare = malloc(sizeof *t->spare);
	return t->spare;
}

_Static_assert(offsetof(struct tcp_note, r) == 0, "free() of a report frees the note it was");

struct tcp_report *tcp_tell_take(struct tcp_tell *t)
{
	struct list *n = list_take(&t->reports);
	struct tcp_report *r = n ? list_of(n, struct tcp_report, node) : NULL;
	if (r && r->what != TCP_TOLD_COPIED)
		t->charged -= STAMP_COST + r->len;
	return r;
}

void tcp_set_tell(struct tcp_tcb *tcb, struct tcp_tell *tell)
{
	tcb->tell = tell;
	if (tell)
		tell->base = seq_add(tcb->iss, 1).v;
}

void tcp_tell_count(struct tcp_tcb *tcb, bool from_next)
{
	tcb->tell->base = from_next ? tcp_text_end(tcb).v : tcb->snd_una.v;
}

/* ---- telling ------------------------------------------------------------------------------------------------------ */
/* What was noted is so: Linux's skb_zerocopy_notify_extend. */
static void copied(struct tcp_tcb *tcb, struct tcp_note *n)
{
	struct tcp_tell *t = tcb->tell;
	struct tcp_report *last = list_empty(&t->reports) ? NULL : list_of(t->reports.prev, struct tcp_report, node);
	if (last && last->what == n->r.what && last->last + 1 == n->r.first && n->r.last != last->first) {
		last->last = n->r.last;
		free(n);
	} else {
		list_append(&t->reports, &n->r.node);
	}
	tcp_event(tcb);
}

/* The byte is still queued. */
static void stamp(struct tcp_tcb *tcb, const struct tcp_note *n, enum tcp_told what, ol_time at)
{
	struct tcp_tell *t = tcb->tell;
	tcp_seq from = seq_max(seq_max(n->begin, tcb->sndq_seq), seq_sub(n->end, tcb->snd_mss));
	uint32_t len = t->loop ? seq_len(from, n->end) : 0;
	if (t->charged + STAMP_COST + len > tcb->rcvbuf)
		return;
	struct tcp_report *r = malloc(sizeof *r + len);
	if (!r)
		return;
	uint32_t byte = n->end.v - 1 - t->base;
	*r = (struct tcp_report){ .what = (uint8_t)what, .first = byte, .last = byte, .at = at, .len = len, .text = (uint8_t *)(r + 1) };
	if (len)
		chunkq_copy(&tcb->sndq, seq_len(tcb->sndq_seq, from), r->text, len, NULL);
	t->charged += STAMP_COST + len;
	list_append(&t->reports, &r->node);
	tcp_event(tcb);
}

/* ---- what happens to a byte --------------------------------------------------------------------------------------- */
static void handed_over(struct tcp_tcb *tcb, struct tcp_note *n, ol_time now)
{
	struct net *net = tcb->tcp->net;
	if (n->flags & TCP_SEND_SCHED)
		stamp(tcb, n, TCP_TOLD_SCHED, now);
	if (!(n->flags & TCP_SEND_SND))
		return;
	const struct txq *q = net_txq(net, tcb->path.ifi);
	list_del(&n->leaving);
	if (!q || txq_gone(q, q->in)) {
		stamp(tcb, n, TCP_TOLD_SND, now);
		return;
	}
	n->ifi = tcb->path.ifi;
	n->mark = q->in;
	list_append(&tcb->tcp->leaving, &n->leaving);
}

/* The newest first, as what is sent is most often the newest. */
void tcp_tell_sent(struct tcp_tcb *tcb, uint32_t seq, uint32_t len, ol_time now)
{
	tcp_seq from = seq_from(seq), to = seq_add(from, len);
	struct list *first = NULL;
	for (struct list *l = tcb->tell->notes.prev; l != &tcb->tell->notes; l = l->prev) {
		if (seq_le(list_of(l, struct tcp_note, node)->end, from))
			break;
		first = l;
	}
	for (struct list *l = first; l && l != &tcb->tell->notes; l = l->next) {
		struct tcp_note *n = list_of(l, struct tcp_note, node);
		if (seq_gt(n->end, to))
			break;
		handed_over(tcb, n, now);
	}
}

void tcp_tell_left(struct tcp *tcp, int ifi, ol_time now)
{
	const struct txq *q = net_txq(tcp->net, ifi);
	list_for_safe(l, &tcp->leaving) {
		struct tcp_note *n = list_of(l, struct tcp_note, leaving);
		if (n->ifi != ifi)
			continue;
		if (q && !txq_gone(q, n->mark))
			break;				/* of one interface they are in the order of its queue */
		list_del(&n->leaving);
		stamp(n->tcb, n, TCP_TOLD_SND, now);
	}
}

/* Linux's msg_zerocopy_realloc: a write that still waits behind the last one is told of together with it. */
static bool join(struct tcp_tcb *tcb, unsigned flags)
{
	struct tcp_note *last = last_note(tcb->tell);
	if (!last || seq_le(last->end, tcb->snd_nxt) || last->flags != TCP_SEND_COPIED || flags != TCP_SEND_COPIED)
		return false;
	last->end = tcp_text_end(tcb);
	last->r.last++;
	return true;
}

void tcp_tell_written(struct tcp_tcb *tcb, size_t len, unsigned flags, ol_time now)
{
	struct tcp_tell *t = tcb->tell;
	flags &= TCP_SEND_TOLD;
	if (!t || !flags)
		return;
	uint32_t number = flags & TCP_SEND_COPIED ? t->next_copy++ : 0;
	struct tcp_note *n = t->spare;
	CHECK(n || !(flags & TCP_SEND_COPIED));
	if (!n || join(tcb, flags))
		return;
	t->spare = NULL;
	*n = (struct tcp_note){ .r = { .what = TCP_TOLD_COPIED, .first = number, .last = number }, .tcb = tcb, .flags = flags,
				.begin = seq_sub(tcp_text_end(tcb), (uint32_t)len), .end = tcp_text_end(tcb) };
	list_init(&n->leaving);
	list_append(&t->notes, &n->node);
	t->n_notes++;
	if (seq_le(n->end, tcb->snd_nxt))		/* all that found room went before the call ended */
		handed_over(tcb, n, now);
}

void tcp_tell_acked(struct tcp_tcb *tcb, uint32_t ack, ol_time now)
{
	struct tcp_tell *t = tcb->tell;
	for (struct list *l; (l = list_first(&t->notes)); ) {
		struct tcp_note *n = list_of(l, struct tcp_note, node);
		if (seq_gt(n->end, seq_from(ack)))
			break;
		forget(t, n);
		if (n->flags & TCP_SEND_ACKED)
			stamp(tcb, n, TCP_TOLD_ACK, now);
		if (n->flags & TCP_SEND_COPIED)
			copied(tcb, n);
		else
			free(n);
	}
}

void tcp_tell_dropped(struct tcp_tcb *tcb)
{
	struct tcp_tell *t = tcb->tell;
	for (struct list *l; t && (l = list_first(&t->notes)); ) {
		struct tcp_note *n = list_of(l, struct tcp_note, node);
		forget(t, n);
		if (n->flags & TCP_SEND_COPIED)
			copied(tcb, n);
		else
			free(n);
	}
}

void tcp_tell_release(struct tcp_tcb *tcb)
{
	if (tcb->tell)
		drop_notes(tcb->tell);
	tcb->tell = NULL;
}
