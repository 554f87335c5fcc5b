/* What happens on a wire and when: a binary heap by time; what is put in for one instant comes out in the order it went in. */
#include <stdlib.h>
#include "driver/wire_int.h"

static bool before(const struct event *a, const struct event *b)
{
	return a->at != b->at ? a->at < b->at : a->n < b->n;
}

bool events_put(struct events *q, struct event ev)
{
	if (q->count == q->cap) {
		size_t cap = q->cap ? 2 * q->cap : 64;
		struct event *e = realloc(q->e, cap * sizeof *e);
		if (!e)
			return false;
		q->e = e;
		q->cap = cap;
	}
	ev.n = q->next_n++;
	size_t i = q->count++;
	for (; i > 0 && before(&ev, &q->e[(i - 1) / 2]); i = (i - 1) / 2)
		q->e[i] = q->e[(i - 1) / 2];
	q->e[i] = ev;
	return true;
}

struct event events_take(struct events *q)
{
	struct event first = q->e[0], last = q->e[--q->count];
	size_t i = 0;
	for (size_t child; (child = 2 * i + 1) < q->count; i = child) {
		if (child + 1 < q->count && before(&q->e[child + 1], &q->e[child]))
			child++;
		if (!before(&q->e[child], &last))
			break;
		q->e[i] = q->e[child];
	}
	if (q->count)
		q->e[i] = last;
	return first;
}

void events_fini(struct events *q)
{
	for (size_t i = 0; i < q->count; i++)
		ol_pkt_free(q->e[i].pkt);
	free(q->e);
	*q = (struct events){ 0 };
}
