#ifndef HOST_RESOLVER_H
#define HOST_RESOLVER_H
/* The name server that every host of a network finds where its programs look for one; see resolver.c. */
#include "host/svc.h"

/** Opens nothing yet: resolver_resume does, when the network's addresses are known. */
struct resolver *resolver_new(struct vhost *h);
void resolver_free(struct resolver *r);
/** A guest is about to bind this address: if it is a name server's, ours gives way.  True: something was closed. */
bool resolver_yield(struct vhost *h, const void *addr, size_t len);
/** Takes the addresses again that no guest has. */
void resolver_resume(struct vhost *h);
/** A guest's socket is gone; if one had taken our place, that place may be free again. */
void resolver_socket_gone(struct vhost *h);
/** Reads the addresses at which this machine's programs look for a name server. */
void resolver_config(struct svc *s, const char *resolv_conf);

#endif
