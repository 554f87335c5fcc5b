/*
 * Long ladders shortened.  A transfer of a megabyte is a thousand rungs that say the same; what a person looks for is how it
 * began, how it ended, and what went wrong between.  Those stay, with the rung before each; runs of others are folded.
 */
#include "base/check.h"
#include "tool/ladder_int.h"
#include <stdlib.h>
#include <string.h>

enum { MIN_FOLD = 3 };			/* shorter runs are shown: the fold would be no shorter */

static bool tells(const struct lad_row *r)
{
	bool act = false;
	for (int side = 0; side < 2; side++) {
		const char *call = r->call[side];
		act |= *call && strncmp(call, "send", 4) != 0 && strncmp(call, "recv", 4) != 0;
	}
	return act || r->end == LAD_LOST || r->end == LAD_DROPPED || *r->state[0] || *r->state[1] ||
	       r->marks & (LAD_RETRANSMIT | LAD_RESET | LAD_ZERO_WINDOW | LAD_PROBE | LAD_ICMP_ERROR);
}

static void mark(const struct lad_view *v, size_t max_rows, bool *keep)
{
	size_t n = v->n, edge = MAX(max_rows / 4, (size_t)1), left = max_rows - MIN(max_rows, 2 * edge);
	for (size_t i = 0; i < n; i++)
		keep[i] = i < edge || i + edge >= n;
	for (size_t i = edge; i + edge < n && left; i++) {
		if (!tells(&v->rows[i]))
			continue;
		keep[i] = true;
		left--;
		if (left && !keep[i - 1]) {
			keep[i - 1] = true;
			left--;
		}
	}
	for (size_t i = 0; i < n; ) {
		size_t end = i;
		while (end < n && !keep[end])
			end++;
		for (size_t k = i; k < end && end - i < MIN_FOLD; k++)
			keep[k] = true;
		i = end + 1;
	}
}

size_t *lad_fold(const struct lad_view *v, size_t max_rows, size_t *n, size_t **before)
{
	size_t *rows = calloc(v->n + 1, sizeof *rows);
	bool *keep = calloc(v->n + 1, sizeof *keep);
	*before = calloc(v->n + 1, sizeof **before);
	*n = 0;
	if (!rows || !keep || !*before) {
		free(rows);
		free(keep);
		free(*before);
		*before = NULL;
		return NULL;
	}
	if (max_rows && v->n > max_rows)
		mark(v, max_rows, keep);
	else
		memset(keep, true, v->n);
	for (size_t i = 0; i < v->n; i++) {
		if (keep[i])
			rows[(*n)++] = i;
		else
			(*before)[*n]++;
	}
	free(keep);
	return rows;
}
