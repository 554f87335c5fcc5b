#ifndef HOST_NET_H
#define HOST_NET_H
/* A network made out of a network file, or the default one; and hosts that are made for runs. */
#include "host/svc.h"

int net_build(struct svc *s, char *why, size_t why_len);
void net_close(struct svc *s);			/* captures that the file asked for */
/** A host on the wire for guests, with the next free addresses; NULL and a sentence. */
struct vhost *net_guest_host(struct svc *s, const char *name, char *why, size_t why_len);

struct nf_nic;
struct nf_adv;
/** IPv6 begins on an interface just attached, as the file has it (f NULL: a run's host), if there is any on its wire. */
int nic_ip6_begin(struct vhost *h, int ifi, const struct wire *w, const struct nf_nic *f);
/** And it advertises itself there, once its addresses are known. */
int nic_ip6_advertise(struct vhost *h, int ifi, const struct nf_adv *adv);

#endif
