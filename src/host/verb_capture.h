#ifndef HOST_VERB_CAPTURE_H
#define HOST_VERB_CAPTURE_H
/* Captures that the network file asks for; those of tools are a verb. */
#include "host/netfile.h"
#include "host/svc.h"

int capture_to_file(struct svc *s, const struct nf_capture *f, const struct netfile *nf, char *why, size_t why_len);
/** Flushes and closes them all. */
void capture_close_files(struct svc *s);

#endif
