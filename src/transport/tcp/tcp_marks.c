#include <stdlib.h>
#include "base/check.h"
#include "transport/tcp/tcp_marks.h"

enum { FIRST_CAP = 8 };			/* the capacity is a power of two */

void tcp_marks_fini(struct tcp_marks *m)
{
	free(m->ring);
	*m = (struct tcp_marks){ 0 };
}

static tcp_seq *at(const struct tcp_marks *m, uint32_t i) { return &m->ring[(m->first + i) & (m->cap - 1)]; }

bool tcp_marks_reserve(struct tcp_marks *m)
{
	if (m->n < m->cap)
		return true;
	uint32_t cap = m->cap ? m->cap * 2 : FIRST_CAP;
	tcp_seq *ring = malloc(cap * sizeof *ring);
	if (!ring)
		return false;
	for (uint32_t i = 0; i < m->n; i++)
		ring[i] = *at(m, i);
	free(m->ring);
	*m = (struct tcp_marks){ .ring = ring, .cap = cap, .n = m->n };
	return true;
}

void tcp_marks_put(struct tcp_marks *m, tcp_seq end)
{
	CHECK(m->n < m->cap);
	*at(m, m->n++) = end;
}

bool tcp_marks_next(const struct tcp_marks *m, tcp_seq seq, tcp_seq *end)
{
	uint32_t lo = 0, hi = m->n;		/* what is below lo is not behind seq, what is from hi on is */
	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;
		if (seq_gt(*at(m, mid), seq))
			hi = mid;
		else
			lo = mid + 1;
	}
	if (lo == m->n)
		return false;
	*end = *at(m, lo);
	return true;
}

void tcp_marks_drop(struct tcp_marks *m, tcp_seq una)
{
	while (m->n > 0 && seq_le(*at(m, 0), una)) {
		m->first = (m->first + 1) & (m->cap - 1);
		m->n--;
	}
}
