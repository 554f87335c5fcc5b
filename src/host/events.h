#ifndef HOST_EVENTS_H
#define HOST_EVENTS_H
/* What happens, told to the tools that watch: calls of guests, guests that come and go, frames. */
#include "host/svc.h"

void events_call(struct svc *s, const struct call *c, int ret);
void events_guest(struct svc *s, struct vhost *h, struct client *cl, bool came);
void events_frame(struct svc *s, const struct sighting *seen);
/** "connect", "setsockopt"; "?" for an unknown number. */
const char *events_op_name(unsigned op);
/** What a process calls itself now, or the run's program; buf has 64 bytes. */
const char *events_program(const struct gsock *gs, char *buf, size_t len);
/** The arguments of a call for people: "10.0.0.2:80". */

#endif
