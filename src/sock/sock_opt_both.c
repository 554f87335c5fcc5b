/*
 * What the levels IPPROTO_IP and IPPROTO_IPV6 have in the same form: memberships (RFC 3493 5.2, RFC 3678 5.1), the path's
 * MTU, and whether errors are queued.
 */
#include "sock/sock_int.h"

int opt_get_mtu(struct sock *s, int *v, ol_time now)
{
	struct net_path path;
	const struct ol_endpoint *to = s->tcb ? tcp_remote(s->tcb) : s->d && s->d->connected ? &s->d->remote : NULL;
	static const struct ol_addr any;
	if (!to)
		return -ENOTCONN;
	enum ol_err err = net_route(s->ss->net, &to->addr, &any, s->ifi, &path);
	*v = (int)path.mtu;
	return sock_errno(err);
}

int opt_group(struct sock *s, const void *val, socklen_t len, opt_group_read of,
	      int (*change)(struct sock *s, const struct ol_addr *group, int ifi, ol_time now), ol_time now)
{
	struct ol_addr group;
	int ifi, err = of(s, val, len, &group, &ifi);
	return err ? err : change(s, &group, ifi, now);
}

int opt_join_req(struct sock *s, const void *val, socklen_t len, ol_time now)
{
	return opt_group(s, val, len, group_req, group_join, now);
}

int opt_leave_req(struct sock *s, const void *val, socklen_t len, ol_time now)
{
	return opt_group(s, val, len, group_req, group_leave, now);
}

void opt_recverr_off(struct sock *s) { dgramq_purge(&s->d->errors); }
