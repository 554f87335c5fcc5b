/*
 * Socket numbers: a slot and a generation.  Free slots wait in a queue, first in, first out, and a slot's generation counts
 * its uses, so the number of a closed socket names nobody for as long as possible.
 */
#include <stdlib.h>
#include "base/check.h"
#include "sock/sock_int.h"

enum { NO_SLOT = SLOT_MAX, FIRST_SLOTS = 16 };

static int32_t number_of(const struct sock_table *t, uint32_t i)
{
	return (int32_t)(t->slot[i].gen << SLOT_BITS | i);
}

static void free_slot(struct sock_table *t, uint32_t i)
{
	t->slot[i].next_free = NO_SLOT;
	if (t->used == t->n)
		t->first_free = i;
	else
		t->slot[t->last_free].next_free = i;
	t->last_free = i;
}

static bool grow(struct sock_table *t)
{
	uint32_t n = t->n ? 2 * t->n : FIRST_SLOTS;
	if (n > SLOT_MAX)
		return false;
	struct slot *slot = realloc(t->slot, n * sizeof *slot);
	if (!slot)
		return false;
	t->slot = slot;
	uint32_t was = t->n;
	for (uint32_t i = was; i < n; i++)
		slot[i] = (struct slot){ .next_free = i + 1 < n ? i + 1 : NO_SLOT };
	t->first_free = was;
	t->last_free = n - 1;
	t->n = n;
	return true;
}

bool sock_table_add(struct sock_table *t, struct sock *s)
{
	if (t->used == t->n && !grow(t))
		return false;
	uint32_t i = t->first_free;
	CHECK(i < t->n && !t->slot[i].sock);
	t->first_free = t->slot[i].next_free;
	t->slot[i].sock = s;
	t->used++;
	s->number = number_of(t, i);
	return true;
}

void sock_table_del(struct sock_table *t, struct sock *s)
{
	uint32_t i = (uint32_t)s->number & (SLOT_MAX - 1);
	CHECK(t->slot[i].sock == s);
	t->slot[i].sock = NULL;
	t->slot[i].gen = (t->slot[i].gen + 1) & GEN_MASK;
	free_slot(t, i);
	t->used--;
}

struct sock *sock_table_get(const struct sock_table *t, ol_sock number)
{
	uint32_t i = (uint32_t)number & (SLOT_MAX - 1);
	if (number < 0 || i >= t->n || !t->slot[i].sock || number_of(t, i) != number)
		return NULL;
	return t->slot[i].sock;
}

void sock_table_fini(struct sock_table *t)
{
	free(t->slot);
	*t = (struct sock_table){ 0 };
}
