#ifndef HOST_NETLINK_H
#define HOST_NETLINK_H
/* Netlink sockets of guests, and what their answers are made with. */
#include <linux/netlink.h>
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

/* An answer in the making: messages, cut into datagrams of at most NL_PART bytes: a page, less what programs keep of it. */
enum { NL_PART = 3968 };
struct nl_out {
	struct gsock *gs;
	const struct nlmsghdr *req;
	uint32_t pid;
	uint8_t buf[8192];
	size_t len, msg;			/* bytes in buf; where the message being made begins */
};
/** Hands over what is there.  netlink.c */
void nl_emit(struct nl_out *o);
/** Begins a message with a fixed part of zeroes, and returns that part.  nl_out.c */
void *nl_begin(struct nl_out *o, uint16_t type, uint16_t flags, size_t fixed);
void nl_end(struct nl_out *o);
void nl_attr(struct nl_out *o, uint16_t type, const void *data, size_t len);
void nl_attr_u32(struct nl_out *o, uint16_t type, uint32_t v);
void nl_attr_u8(struct nl_out *o, uint16_t type, uint8_t v);
void nl_attr_str(struct nl_out *o, uint16_t type, const char *s);
void nl_attr_addr(struct nl_out *o, uint16_t type, const struct ol_addr *a);
void nl_error(struct nl_out *o, int err);
void nl_done(struct nl_out *o);
/** The attribute of this type behind a request's fixed part, or NULL; *len its bytes. */
const void *nl_find_attr(const struct nlmsghdr *req, size_t fixed, uint16_t type, size_t *len);

/* The requests: each answers one, o->req. */
void nl_route_request(struct nl_out *o);	/* nl_route.c */
void nl_diag_request(struct nl_out *o);		/* nl_diag.c */

#endif
