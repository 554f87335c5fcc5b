/*
 * Addresses as programs write them: sockaddr_in, sockaddr_in6 with IPv4-mapped addresses (RFC 3493 3.7), and what Linux
 * checks of them.  Below this file an address is an ol_addr and mapped ones are IPv4.
 */
#include <netinet/in.h>
#include <string.h>
#include "base/check.h"
#include "sock/sock_int.h"

enum { SIN6_LEN_RFC2133 = 24 };	/* without sin6_scope_id: old programs */

static int from_in(const struct sockaddr *addr, socklen_t len, struct ol_endpoint *ep)
{
	struct sockaddr_in in;
	if (len < (socklen_t)sizeof in)
		return -EINVAL;
	memcpy(&in, addr, sizeof in);
	*ep = (struct ol_endpoint){ ol_addr_from(4, &in.sin_addr), ntohs(in.sin_port) };
	return 0;
}

static int from_in6(const struct sockaddr *addr, socklen_t len, struct ol_endpoint *ep)
{
	struct sockaddr_in6 in6 = { 0 };
	if (len < SIN6_LEN_RFC2133)
		return -EINVAL;
	memcpy(&in6, addr, MIN((size_t)len, sizeof in6));
	if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr))
		*ep = (struct ol_endpoint){ ol_addr_from(4, &in6.sin6_addr.s6_addr[12]), ntohs(in6.sin6_port) };
	else
		*ep = (struct ol_endpoint){ ol_addr_from(6, &in6.sin6_addr), ntohs(in6.sin6_port) };
	if (IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr) || IN6_IS_ADDR_MC_LINKLOCAL(&in6.sin6_addr))
		ep->addr.scope = in6.sin6_scope_id;
	return 0;
}

int sock_addr_in(const struct sock *s, const struct sockaddr *addr, socklen_t len, unsigned flags, struct ol_endpoint *ep)
{
	sa_family_t family;
	if (!addr || len < (socklen_t)sizeof family)
		return -EINVAL;
	memcpy(&family, addr, sizeof family);
	if (s->domain == AF_INET) {
		if (len < (socklen_t)sizeof(struct sockaddr_in))
			return -EINVAL;
		return family == AF_INET ? from_in(addr, len, ep) : -EAFNOSUPPORT;
	}
	if (family == AF_INET && flags & ADDR_TAKES_IP4)
		return s->v6only ? -EAFNOSUPPORT : from_in(addr, len, ep);
	if (len < SIN6_LEN_RFC2133)
		return -EINVAL;
	return family == AF_INET6 ? from_in6(addr, len, ep) : -EAFNOSUPPORT;
}

/* A destination of "any" is this very host: BSD's rule, which Linux keeps. */
int sock_addr_peer(const struct sock *s, struct ol_endpoint *ep)
{
	if (ep->addr.ver == 4 && s->domain == AF_INET6 && s->v6only)
		return -ENETUNREACH;
	if (ep->addr.ver == 6 && ol_addr_is_linklocal(&ep->addr) && !ep->addr.scope)
		ep->addr.scope = (uint32_t)s->ifi;
	if (!ol_addr_is_any(&ep->addr))
		return 0;
	static const uint8_t one[16] = { [15] = 1 };
	ep->addr = ep->addr.ver == 4 || s->local.addr.ver == 4 ? ol_addr_ip4(0x7f000001) : ol_addr_from(6, one);
	return 0;
}

/* ipv6(7): a link-local address means nothing without its interface. */
int sock_addr_partner(const struct sock *s, struct ol_endpoint *ep)
{
	int err = sock_addr_peer(s, ep);
	return !err && ep->addr.ver == 6 && ol_addr_is_linklocal(&ep->addr) && !ep->addr.scope ? -EINVAL : err;
}

void sock_addr_to_in6(const struct ol_addr *a, struct in6_addr *out)
{
	memset(out, 0, sizeof *out);
	if (a->ver == 6) {
		memcpy(out, a->b, 16);
	} else if (a->ver == 4) {
		out->s6_addr[10] = out->s6_addr[11] = 0xff;
		memcpy(&out->s6_addr[12], a->b, 4);
	}
}

/* RFC 3493 3.7; POSIX: a short buffer gets what fits, the length is the real one. */
void sock_addr_out(const struct sock *s, const struct ol_endpoint *ep, struct sockaddr *addr, socklen_t *len)
{
	union { struct sockaddr_in in; struct sockaddr_in6 in6; } u;
	memset(&u, 0, sizeof u);
	socklen_t size = s->domain == AF_INET ? sizeof u.in : sizeof u.in6;
	if (s->domain == AF_INET) {
		u.in.sin_family = AF_INET;
		u.in.sin_port = htons(ep->port);
		memcpy(&u.in.sin_addr, ep->addr.b, 4);
	} else {
		u.in6.sin6_family = AF_INET6;
		u.in6.sin6_port = htons(ep->port);
		sock_addr_to_in6(&ep->addr, &u.in6.sin6_addr);
		u.in6.sin6_scope_id = ep->addr.scope;
	}
	if (addr)
		memcpy(addr, &u, MIN(*len, size));
	*len = size;
}
