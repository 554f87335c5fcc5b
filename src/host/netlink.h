#ifndef HOST_NETLINK_H
#define HOST_NETLINK_H
/* Netlink sockets of guests: NETLINK_ROUTE, as far as programs ask about interfaces, addresses and routes. */
#include "host/svc.h"

/** Is this kind of netlink socket had?  0 or a negated errno. */
int nl_check(int type, int protocol);
int nl_bind(struct gsock *gs, const void *addr, size_t len);
int nl_connect(struct gsock *gs, const void *addr, size_t len);
int nl_name(struct gsock *gs, bool own, struct sockaddr_storage *addr, socklen_t *len);
int nl_setsockopt(struct gsock *gs, int level, int name, const void *val, size_t len);
int nl_getsockopt(struct gsock *gs, int level, int name, void *val, socklen_t *len);
/** A request; returns its length or a negated errno.  Answers go into the pair. */
int nl_send(struct gsock *gs, const void *data, size_t len);

#endif
