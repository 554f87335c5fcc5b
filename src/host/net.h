#ifndef HOST_NET_H
#define HOST_NET_H
/* A network made out of a network file, or the default one; and hosts that are made for runs. */
#include "host/svc.h"

int net_build(struct svc *s, char *why, size_t why_len);
void net_close(struct svc *s);			/* captures that the file asked for */
/** A host on the wire for guests, with the next free addresses; NULL and a sentence. */
struct vhost *net_guest_host(struct svc *s, const char *name, char *why, size_t why_len);

#endif
