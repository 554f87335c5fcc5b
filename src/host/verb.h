#ifndef HOST_VERB_H
#define HOST_VERB_H
/*
 * What tools ask: one handler per verb, listed in verb.c, documented in doc/SERVICE.md.  Each answers once, or
 * streams.
 */
#include <jansson.h>
#include "host/svc.h"

/* The asking: its client, the id of the ASK, and the object.  A loan. */
struct ask { struct svc *svc; struct client *cl; uint64_t id; json_t *j; };

void verb_answer(const struct ask *a, json_t *answer);		/* takes the object */
__attribute__((format(printf, 2, 3))) void verb_error(const struct ask *a, const char *fmt, ...);
void verb_data(struct client *cl, uint64_t id, json_t *line);	/* takes the object; one DATA message, a line */
void verb_end(struct client *cl, uint64_t id, json_t *last);	/* takes the object */
/** A text member, or NULL when it is not there or no text. */
const char *verb_text(const struct ask *a, const char *key);
/** A number within bounds; `otherwise` when it is not there. */
int64_t verb_number(const struct ask *a, const char *key, int64_t otherwise, int64_t lo, int64_t hi);
/**
 * The host that `host` names: false when there is none of that name, and the error was answered.  *h NULL: not said.
 */
bool verb_host(const struct ask *a, struct vhost **h);
/** Makes s the client's stream; a client has one.  False: it has one already, and the error was answered. */
bool verb_stream(const struct ask *a, struct stream *s);
void verb_stream_gone(struct stream *s);			/* unlinks it; the owner frees */

void verb_status(const struct ask *a);
void verb_hosts(const struct ask *a);
void verb_up(const struct ask *a);
void verb_down(const struct ask *a);
void verb_counters(const struct ask *a);
void verb_ss(const struct ask *a);
void verb_wire(const struct ask *a);
void verb_ping(const struct ask *a);
void verb_capture(const struct ask *a);
void verb_events(const struct ask *a);

#endif
