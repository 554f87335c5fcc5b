/*
 * tcp_tell.h.  MSG_ZEROCOPY as Linux's Documentation/networking/msg_zerocopy has it, where the kernel could not avoid the copy:
 * the text was copied into the send queue, and the notification says so.  It comes when the queue has let go of the
 * text: acknowledged, or thrown away with the connection.  Writes have numbers, from 0 on; notifications of neighbours that
 * nobody has taken yet are one, so the queue holds a single one however long nobody looks.
 */
#include "transport/tcp/tcp_int.h"
#include "base/check.h"
#include <stdlib.h>

enum { MOST_NOTES = 4096 };		/* Linux bounds the same by optmem_max, and says ENOBUFS, too */

/* It becomes its own report: what was noted can always be told. */
struct tcp_note {
	struct tcp_report r;
	struct list node;		/* of tcp_tell.notes */
	tcp_seq end;			/* behind the byte */
};

void tcp_tell_init(struct tcp_tell *t)
{
	*t = (struct tcp_tell){ 0 };
	list_init(&t->notes);
	list_init(&t->reports);
}

void tcp_tell_fini(struct tcp_tell *t)
{
	for (struct list *n; (n = list_take(&t->notes)); )
		free(list_of(n, struct tcp_note, node));
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
	return n ? list_of(n, struct tcp_report, node) : NULL;
}

void tcp_set_tell(struct tcp_tcb *tcb, struct tcp_tell *tell) { tcb->tell = tell; }

/* Linux's msg_zerocopy_realloc: a write that still waits behind the last one is told of together with it. */
static bool join(struct tcp_tcb *tcb, const struct tcp_tell *t)
{
	struct tcp_note *last = list_empty(&t->notes) ? NULL : list_of(t->notes.prev, struct tcp_note, node);
	if (!last || seq_le(last->end, tcb->snd_nxt))
		return false;
	last->end = tcp_text_end(tcb);
	last->r.last++;
	return true;
}

void tcp_tell_written(struct tcp_tcb *tcb, unsigned flags)
{
	struct tcp_tell *t = tcb->tell;
	if (!t || !(flags & TCP_SEND_COPIED))
		return;
	uint32_t number = t->next_copy++;
	if (join(tcb, t))
		return;
	struct tcp_note *n = t->spare;
	CHECK(n);
	t->spare = NULL;
	*n = (struct tcp_note){ .r = { .what = TCP_TOLD_COPIED, .first = number, .last = number }, .end = tcp_text_end(tcb) };
	list_append(&t->notes, &n->node);
	t->n_notes++;
}

/* What was noted is so: Linux's skb_zerocopy_notify_extend. */
static void report(struct tcp_tcb *tcb, struct tcp_note *n)
{
	struct tcp_tell *t = tcb->tell;
	struct tcp_report *last = list_empty(&t->reports) ? NULL : list_of(t->reports.prev, struct tcp_report, node);
	list_del(&n->node);
	t->n_notes--;
	if (last && last->what == n->r.what && last->last + 1 == n->r.first && n->r.last != last->first) {
		last->last = n->r.last;
		free(n);
	} else {
		list_append(&t->reports, &n->r.node);
	}
	tcp_event(tcb);
}

void tcp_tell_acked(struct tcp_tcb *tcb)
{
	for (struct list *l; (l = list_first(&tcb->tell->notes)); ) {
		struct tcp_note *n = list_of(l, struct tcp_note, node);
		if (seq_gt(n->end, tcb->snd_una))
			break;
		report(tcb, n);
	}
}

void tcp_tell_dropped(struct tcp_tcb *tcb)
{
	for (struct list *l; tcb->tell && (l = list_first(&tcb->tell->notes)); )
		report(tcb, list_of(l, struct tcp_note, node));
}
