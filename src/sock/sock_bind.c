/*
 * Names of sockets: bind(), the ports that connect(), listen() and the first sendto() choose, and who holds a port how
 * long.  The order of the checks is Linux's (__inet_bind, inet6_bind), since it decides which errno a program sees.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "sock/sock_int.h"

/* ---- claims ---------------------------------------------------------------------------------------------------- */
static struct ports *ports_of(struct sock *s)
{
	if (sock_is_stream(s))
		return &s->ss->tcp_ports;
	return s->udp ? &s->ss->udp_ports : s->ss->ping_ports;
}

static struct claim *claim_new(struct sock *s, const struct ol_endpoint *local)
{
	struct claim *c = malloc(sizeof *c);
	if (c)
		*c = (struct claim){
			.b = { .local = *local, .v6 = s->domain == AF_INET6, .v6only = s->v6only, .reuseaddr = s->reuseaddr,
			       .reuseport = s->reuseport, .ifi = s->ifi, .owner = s->owner },
			.refs = 1, .ports = ports_of(s),
		};
	return c;
}

/* Linux's any of an AF_INET6 socket covers both families unless IPV6_V6ONLY: ver 0 below. */
static struct ol_endpoint as_bound(const struct sock *s, const struct ol_endpoint *local)
{
	struct ol_endpoint ep = *local;
	if (s->domain == AF_INET6 && ep.addr.ver != 4 && ol_addr_is_any(&ep.addr))
		ep.addr = (struct ol_addr){ .ver = s->v6only ? 6 : 0 };
	else if (!ep.addr.ver)
		ep.addr.ver = 4;
	return ep;
}

static int keep(struct sock *s, struct claim *c, enum ol_err err)
{
	if (err) {
		free(c);
		return sock_errno(err);
	}
	s->claim = c;
	s->local = c->b.local;
	if (s->ops->rebound)
		s->ops->rebound(s);
	return 0;
}

int sock_claim(struct sock *s, const struct ol_endpoint *local)
{
	struct ol_endpoint ep = as_bound(s, local);
	struct claim *c = claim_new(s, &ep);
	if (!c)
		return -ENOBUFS;
	return keep(s, c, port_bind(c->ports, &c->b));
}

struct pair { struct tcp *tcp; const struct ol_endpoint *remote; ol_time now; };
static bool pair_busy(void *ctx, const struct ol_endpoint *local)
{
	struct pair *p = ctx;
	return tcp_pair_busy(p->tcp, local, p->remote, p->now);
}

int sock_claim_for(struct sock *s, const struct ol_addr *local, const struct ol_endpoint *remote, ol_time now)
{
	struct ol_endpoint ep = { .addr = *local };
	struct claim *c = claim_new(s, &ep);
	if (!c)
		return -ENOBUFS;
	struct pair p = { s->ss->tcp, remote, now };
	return keep(s, c, port_choose(c->ports, &c->b, remote, pair_busy, &p));
}

void sock_claim_share(struct sock *s, const struct sock *listener)
{
	s->claim = listener->claim;
	s->claim->refs++;
}

void sock_claim_drop(struct sock *s)
{
	struct claim *c = s->claim;
	s->claim = NULL;
	if (!c || --c->refs)
		return;
	port_release(c->ports, &c->b);
	free(c);
}

void sock_claim_changed(struct sock *s)
{
	if (!s->claim || (s->claim->refs > 1 && s->stage != SOCK_LISTENING))	/* a connection shares its listener's */
		return;
	s->claim->b.reuseaddr = s->reuseaddr;
	s->claim->b.reuseport = s->reuseport;
	s->claim->b.ifi = s->ifi;
	s->claim->b.owner = s->owner;
}

void sock_retell(struct sock *s)
{
	sock_claim_changed(s);
	if (s->ops->rebound)
		s->ops->rebound(s);
}

/* ---- bind() ---------------------------------------------------------------------------------------------------- */
static bool family_is(const struct sockaddr *addr, sa_family_t family)
{
	sa_family_t f;
	memcpy(&f, addr, sizeof f);
	return f == family;
}

static bool bindable(const struct sock *s, const struct ol_addr *a)
{
	const struct socks *ss = s->ss;
	if (ol_addr_is_any(a) || ss->cfg.nonlocal_bind || s->freebind)
		return true;
	if (ol_addr_is_multicast(a) || (a->ver == 4 && net_is_broadcast(ss->net, a)))
		return true;
	return net_is_local(ss->net, a, a->scope ? (int)a->scope : s->ifi);
}

static int bind_addr6(struct sock *s, struct ol_endpoint *ep)
{
	if (ep->addr.ver == 4)
		return s->v6only ? -EINVAL : 0;
	if (sock_is_stream(s) && ol_addr_is_multicast(&ep->addr))
		return -EINVAL;
	if (!ol_addr_is_linklocal(&ep->addr))
		return 0;
	if (!ep->addr.scope)
		ep->addr.scope = (uint32_t)s->ifi;
	if (!ep->addr.scope)
		return -EINVAL;
	if (s->ifi && (uint32_t)s->ifi != ep->addr.scope)
		return -EINVAL;
	return 0;
}

/* Raw sockets have an address but no port, and may be given another. */
static int bind_raw(struct sock *s, const struct ol_endpoint *ep)
{
	if (s->stage != SOCK_OPEN)
		return -EINVAL;
	s->local = as_bound(s, ep);
	s->local.port = 0;
	s->ops->rebound(s);
	return 0;
}

int sock_bind(struct socks *ss, ol_sock number, const struct sockaddr *addr, socklen_t len, ol_time now)
{
	struct sock *s = sock_table_get(&ss->table, number);
	struct ol_endpoint ep = { 0 };
	if (!s)
		return -EBADF;
	int err = sock_addr_in(s, addr, len, 0, &ep);
	if (err == -EAFNOSUPPORT && s->domain == AF_INET && family_is(addr, AF_UNSPEC)) {	/* old programs */
		struct sockaddr_in in;
		memcpy(&in, addr, sizeof in);
		err = in.sin_addr.s_addr ? -EAFNOSUPPORT : 0;
		ep = (struct ol_endpoint){ ol_addr_ip4(0), ntohs(in.sin_port) };
	}
	if (!err && s->domain == AF_INET6)
		err = bind_addr6(s, &ep);
	if (!err && !bindable(s, &ep.addr))
		err = -EADDRNOTAVAIL;
	if (err)
		return err;
	if (s->raw && !s->raw->ping)
		return bind_raw(s, &ep);
	if ((s->claim || s->stage != SOCK_OPEN) && (!sock_is_stream(s) || stream_rebind(s, now)))
		return -EINVAL;			/* req: POSIX-bind-EINVAL */
	if (s->no_port && !ep.port && sock_is_stream(s)) {
		s->local = as_bound(s, &ep);
		s->addr_locked = !ol_addr_is_any(&ep.addr);
		return 0;
	}
	err = sock_claim(s, &ep);
	if (err)
		return err;
	s->addr_locked = !ol_addr_is_any(&ep.addr);
	s->port_locked = ep.port != 0;
	return 0;
}
