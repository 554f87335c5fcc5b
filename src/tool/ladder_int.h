#ifndef TOOL_LADDER_INT_H
#define TOOL_LADDER_INT_H
/* Between the ladder's own files. */
#include "tool/dissect.h"
#include "tool/ladder.h"

enum { LAD_SAMPLE = 32, LAD_MAX_PLACES = 16, LAD_SEARCH = 1024 };

/* A frame as it was seen at one place. */
struct sighting {
	ol_time time;
	size_t order;			/* of coming in, for frames of equal time */
	const char *host, *iface, *state, *call, *cause, *fate, *wire;	/* never NULL; hosts and interfaces are interned */
	bool lost;
	int64_t sock;
	enum lad_way way;
	uint32_t flow;
	enum lad_side from;
	struct dis dis;			/* its pointers are gone */
	uint8_t n_sample, sample[LAD_SAMPLE];	/* the first bytes of text */
};

struct kept_call { ol_time time; const char *host, *text; int64_t sock; };

struct flow {
	enum dis_net net; uint8_t proto;
	struct ol_endpoint end[2];
	bool has_isn, over;		/* TCP: a SYN was seen; FIN or RST was */
	uint32_t isn;
	ol_time first, last;
	size_t sightings;
	uint64_t bytes[2];
};

struct ladder {
	struct sighting *seen; size_t n_seen, room_seen;
	struct kept_call *calls; size_t n_calls, room_calls;
	struct flow *flows; size_t n_flows, room_flows;
	struct chunk *texts;		/* strings */
	const char **names; size_t n_names, room_names;	/* interned ones */
	size_t dropped;
};

#define NO_PARENT SIZE_MAX

/* One frame's way from end to end. */
struct flight {
	enum lad_side from;
	bool has_sent, has_received, wire_dup;
	ol_time sent, received;
	const struct sighting *first, *last;	/* where it was seen first, and last; `last` is the receiver's if has_received */
	const struct sighting *why;		/* the sighting that tells of its loss, or NULL */
	uint8_t n_places;
	const struct sighting *places[LAD_MAX_PLACES];
	const struct sighting *origin;		/* as its sender saw it: call, cause, state; NULL: unknown */
	size_t parent;				/* of a piece: the super-segment it was cut from; NO_PARENT */
	unsigned pieces;			/* of a super-segment: how many it was cut into ... */
	uint32_t covered;			/* ... and how many bytes of its text they hold */
	bool hidden;				/* a piece that its parent stands for, or a parent whose pieces differ in fate */
	enum lad_end end;
};
struct flights {
	struct flight *v; size_t n;
	const char *host[2];		/* the ends' names; "" unknown */
	bool watched[2];		/* frames coming in at that end were captured */
	ol_time start, stop;
};

/* A growing text of bounded length. */
struct lad_line { char *buf; size_t len, at; };
void lad_put(struct lad_line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** The same, after "; " where something is there already: notes. */
void lad_note(struct lad_line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** Finds the flights of a flow; false: no memory.  The caller frees fl->v. */
bool lad_match(const struct ladder *l, size_t flow, struct flights *fl);
/**
 * Which rows to show where there are more than max_rows (0: no limit): the first, the last, and between them those that tell
 * something.  before[k] is how many were left out before the k-th row shown, before[*n] after the last.
 * @return row numbers, *n of them, to be freed with *before; NULL: no memory
 */
size_t *lad_fold(const struct lad_view *v, size_t max_rows, size_t *n, size_t **before);
/** Makes room for one more element; false: no memory. */
bool lad_grow(void *array, size_t *room, size_t n, size_t size);
const char *lad_proto_name(enum dis_net net, uint8_t proto);

#endif
