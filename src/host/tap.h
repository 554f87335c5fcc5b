#ifndef HOST_TAP_H
#define HOST_TAP_H
/* A wire's port whose other end is the machine's kernel: a TAP device on the service's loop. */
#include "host/svc.h"

/** Opens the device and plugs it into the wire; 0, or a negated errno and a sentence. */
int tap_attach(struct wire *w, const char *name, char *why, size_t why_len);
void tap_close(struct tap *t);
void tap_put(struct tap *t, struct ol_pkt *pkt);	/* takes pkt */
const char *tap_name(const struct tap *t);

#endif
