#ifndef FUZZ_BOX_H
#define FUZZ_BOX_H
/*
 * A whole service inside a fuzz target.  Its network file is given as text, its clients dial it over an abstract
 * socket, and its loop turns only when it is told to and never waits.  Its clock stands so far ahead of the machine's
 * that only box_turn moves it: the same input is the same run.
 */
#include <stddef.h>
#include "host/svc.h"
#include "must.h"

struct box { struct svc svc; struct sockaddr_storage at; socklen_t at_len; unsigned fds; };

struct input { const uint8_t *p; size_t left; };
uint8_t in_byte(struct input *in);			/* 0 when there are no more */
const uint8_t *in_take(struct input *in, size_t *len);	/* at most *len bytes, in place */

/** text NULL: the default network.  False: refused with a sentence; then, too, box_down. */
bool box_up(struct box *b, const char *text, size_t len);
/** A new connection to the service, past nothing yet; -1: it has ended. */
int box_dial(struct box *b);
/** Moves the time on and runs the loop until it has nothing to do now; where time passed, checks all hosts' beliefs. */
void box_turn(struct box *b, ol_time later);
/** Ends the service, which checks that everything was given back; and that no descriptor is left open. */
void box_down(struct box *b);

#endif
