/*
 * Sockets from birth to close, and the calls that only find the socket and hand over to what its type does.  What POSIX
 * and Linux ask of each call is checked where the call is: names in sock_bind.c, streams in sock_stream.c, datagrams in
 * sock_dgram.c, raw packets in sock_raw.c, options in sock_opt*.c.
 */
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include "base/check.h"
#include "sock/sock_int.h"
#include "transport/tcp/tcp_config.h"

struct sock_config sock_config_default(void)
{
	return (struct sock_config){
		.rmem_default = 212992, .rmem_max = 212992, .wmem_default = 212992, .wmem_max = 212992,
		.port_lo = 32768, .port_hi = 60999,
		.igmp_max_memberships = 20, .igmp_max_msf = 64, .mld_max_msf = 64,
	};
}

/* Does a connection without a user keep this endpoint?  Asked for whoever did not say SO_REUSEADDR. */
static bool tcp_lingers(void *ctx, const struct port_bind *b)
{
	const struct socks *ss = ctx;
	return tcp_local_busy(ss->tcp, &b->local, b->v6, b->v6only);
}

bool sock_iface_known(const struct socks *ss, int ifi)
{
	char name[16];
	return ss->ifaces.name(ss->ifaces.ctx, ifi, name);
}

struct socks *socks_new(const struct sock_config *cfg, const struct sock_ifaces *ifaces, struct net *net, struct tcp *tcp,
			struct udp *udp, struct ol_pool *pool)
{
	struct socks *ss = calloc(1, sizeof *ss);
	if (!ss)
		return NULL;
	*ss = (struct socks){ .cfg = *cfg, .ifaces = *ifaces, .net = net, .tcp = tcp, .udp = udp, .pool = pool };
	list_init(&ss->ready);
	list_init(&ss->dgram_events);
	list_init(&ss->raw);
	ports_init(&ss->tcp_ports, cfg->seed, cfg->port_lo, cfg->port_hi);
	ports_init(&ss->udp_ports, cfg->seed, cfg->port_lo, cfg->port_hi);
	ss->tcp_ports.lingers = tcp_lingers;
	ss->tcp_ports.ctx = ss;
	return ss;
}

void socks_free(struct socks *ss, ol_time now)
{
	for (uint32_t i = 0; i < ss->table.n; i++) {
		struct sock *s = ss->table.slot[i].sock;
		if (!s)
			continue;
		if (s->tcb)
			tcp_abort(s->tcb, now);
		s->ops->close(s, now);
		sock_destroy(s);
	}
	sock_table_fini(&ss->table);
	free(ss->ping_ports);
	free(ss);
}

bool sock_is_stream(const struct sock *s) { return s->type == SOCK_STREAM; }

struct sock *sock_new(struct socks *ss, int domain, int type, int protocol)
{
	struct sock *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	*s = (struct sock){ .ss = ss, .domain = (uint8_t)domain, .type = (uint8_t)type, .protocol = protocol };
	list_init(&s->event);
	s->local.addr.ver = domain == AF_INET ? 4 : 0;
	s->rcvbuf = type == SOCK_STREAM ? ss->cfg.tcp->rmem[1] : ss->cfg.rmem_default;
	s->sndbuf = type == SOCK_STREAM ? ss->cfg.tcp->wmem[1] : ss->cfg.wmem_default;
	if (sock_table_add(&ss->table, s))
		return s;
	free(s);
	return NULL;
}

/* The number is gone, the port is let go; what the type holds was given back by its close. */
void sock_destroy(struct sock *s)
{
	sock_claim_drop(s);
	list_del(&s->event);
	sock_table_del(&s->ss->table, s);
	free(s->opts);
	free(s->fo_keys);
	stream_tell_free(s);
	free(s);
}

/* ---- socket() -------------------------------------------------------------------------------------------------- */
/* req: POSIX-socket-a, POSIX-socket-EPROTONOSUPPORT.  *protocol 0 becomes the type's own; Linux's inet_create. */
static int protocol_of(int domain, int type, int *protocol)
{
	int icmp = domain == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	if (*protocol < 0 || *protocol >= IPPROTO_MAX)
		return -EINVAL;
	switch (type) {
	case SOCK_STREAM:
		if (*protocol && *protocol != IPPROTO_TCP)
			return -EPROTONOSUPPORT;
		*protocol = IPPROTO_TCP;
		return 0;
	case SOCK_DGRAM:
		if (*protocol && *protocol != IPPROTO_UDP && *protocol != icmp)
			return -EPROTONOSUPPORT;
		if (!*protocol)
			*protocol = IPPROTO_UDP;
		return 0;
	case SOCK_RAW:
		return *protocol && *protocol <= 255 ? 0 : -EPROTONOSUPPORT;
	default:
		return type > 0 && type <= SOCK_PACKET ? -ESOCKTNOSUPPORT : -EINVAL;
	}
}

static int open_stream(struct sock *s)
{
	s->ops = &stream_ops;
	s->opts = malloc(sizeof *s->opts);
	if (!s->opts)
		return -ENOBUFS;
	*s->opts = tcp_opts_default(s->ss->tcp);
	s->opts->number = s->number;
	return 0;
}

static int open_udp(struct sock *s)
{
	s->ops = &udp_ops;
	s->udp = udp_end_new(s->ss->udp);
	if (!s->udp)
		return -ENOBUFS;
	s->d = &s->udp->d;
	dgram_init(s->d, IPPROTO_UDP, s->domain == AF_INET6, s->rcvbuf, &s->ss->dgram_events, s);
	s->d->number = s->number;
	return 0;
}

ol_sock sock_socket(struct socks *ss, int domain, int type, int protocol, ol_time now)
{
	if (type & ~(0xf | SOCK_NONBLOCK | SOCK_CLOEXEC))
		return -EINVAL;
	type &= 0xf;
	if (domain != AF_INET && domain != AF_INET6)
		return -EAFNOSUPPORT;
	int err = protocol_of(domain, type, &protocol);
	if (err)
		return err;
	struct sock *s = sock_new(ss, domain, type, protocol);
	if (!s)
		return -ENOBUFS;
	if (type == SOCK_STREAM)
		err = open_stream(s);
	else
		err = type == SOCK_DGRAM && protocol == IPPROTO_UDP ? open_udp(s) : raw_open(s);
	if (!err)
		return s->number;
	sock_destroy(s);
	return err;
}

void sock_set_owner(struct socks *ss, ol_sock number, uint32_t owner)
{
	struct sock *s = sock_table_get(&ss->table, number);
	if (!s)
		return;
	s->owner = owner;
	sock_claim_changed(s);
}

int sock_close(struct socks *ss, ol_sock number, ol_time now)
{
	struct sock *s = sock_table_get(&ss->table, number);
	if (!s)
		return -EBADF;
	s->ops->close(s, now);
	sock_destroy(s);
	return 0;
}

/* ---- calls that go to the type --------------------------------------------------------------------------------- */
#define FIND(s) \
	struct sock *s = sock_table_get(&ss->table, number); \
	if (!s) \
		return -EBADF

int sock_connect(struct socks *ss, ol_sock number, const struct sockaddr *addr, socklen_t len, ol_time now)
{
	FIND(s);
	return s->ops->connect(s, addr, len, now);
}

int sock_listen(struct socks *ss, ol_sock number, int backlog, ol_time now)
{
	FIND(s);
	return s->ops->listen ? s->ops->listen(s, backlog, now) : -EOPNOTSUPP;
}

ol_sock sock_accept(struct socks *ss, ol_sock number, struct sockaddr *addr, socklen_t *len, ol_time now)
{
	FIND(s);
	if (addr && (!len || *len > INT_MAX))
		return -EINVAL;
	return s->ops->accept ? s->ops->accept(s, addr, len, now) : -EOPNOTSUPP;
}

int sock_shutdown(struct socks *ss, ol_sock number, int how, ol_time now)
{
	FIND(s);
	if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
		return -EINVAL;
	return s->ops->shutdown(s, how, now);
}

/* sendmsg(), recvmsg(): req: POSIX-sendmsg-EMSGSIZE, POSIX-sendmsg-EINVAL, POSIX-recvmsg-EMSGSIZE, POSIX-recvmsg-EINVAL */
static int check_msg(const struct msghdr *msg)
{
	size_t sum = 0;
	if (!msg)
		return -EFAULT;
	if (msg->msg_iovlen > IOV_MAX)
		return -EMSGSIZE;
	if (msg->msg_iovlen && !msg->msg_iov)
		return -EFAULT;
	for (size_t i = 0; i < msg->msg_iovlen; i++) {
		if (msg->msg_iov[i].iov_len > SSIZE_MAX - sum)
			return -EINVAL;
		sum += msg->msg_iov[i].iov_len;
	}
	return 0;
}

ssize_t sock_sendmsg(struct socks *ss, ol_sock number, const struct msghdr *msg, int flags, ol_time now)
{
	FIND(s);
	int err = check_msg(msg);
	return err ? err : s->ops->sendmsg(s, msg, flags, now);
}

ssize_t sock_recvmsg(struct socks *ss, ol_sock number, struct msghdr *msg, int flags, ol_time now)
{
	FIND(s);
	int err = check_msg(msg);
	if (err)
		return err;
	msg->msg_flags = 0;
	return s->ops->recvmsg(s, msg, flags, now);
}

/* ---- names ----------------------------------------------------------------------------------------------------- */
static int put_name(const struct sock *s, const struct ol_endpoint *ep, struct sockaddr *addr, socklen_t *len)
{
	if (!len || !addr)
		return -EFAULT;
	if (*len > INT_MAX)
		return -EINVAL;
	sock_addr_out(s, ep, addr, len);
	return 0;
}

/* An AF_INET6 socket that is bound to nothing says ::, not ::ffff:0.0.0.0. */
int sock_getsockname(struct socks *ss, ol_sock number, struct sockaddr *addr, socklen_t *len)
{
	FIND(s);
	struct ol_endpoint ep = s->tcb ? *tcp_local(s->tcb) : s->d ? s->d->local : s->local;
	if (s->raw && !s->raw->ping)
		ep.port = (uint16_t)s->protocol;	/* as Linux's inet_num of a raw socket */
	return put_name(s, &ep, addr, len);
}

int sock_getpeername(struct socks *ss, ol_sock number, struct sockaddr *addr, socklen_t *len)
{
	FIND(s);
	if (s->d)
		return s->d->connected ? put_name(s, &s->d->remote, addr, len) : -ENOTCONN;
	if (!s->tcb || stream_is_over(s) || tcp_state(s->tcb) == OL_TCP_SYN_SENT)
		return -ENOTCONN;
	return put_name(s, tcp_remote(s->tcb), addr, len);
}

int32_t sock_number(const void *user)
{
	return user ? ((const struct sock *)user)->number : -1;
}

uint64_t socks_count(const struct socks *ss, enum ol_fate fate)
{
	return fate == OL_DROP_RAW_QUEUE_FULL ? ss->raw_dropped : 0;
}

void socks_check(const struct socks *ss)
{
	uint32_t used = 0;
	for (uint32_t i = 0; i < ss->table.n; i++) {
		const struct sock *s = ss->table.slot[i].sock;
		if (!s)
			continue;
		used++;
		CHECK(s->ss == ss && s->ops);
		CHECK(sock_table_get(&ss->table, s->number) == s);
		CHECK(!s->claim || s->claim->refs > 0);
		CHECK((s->stage == SOCK_LISTENING) == (s->listener != NULL));
		CHECK(!s->tcb || tcp_user(s->tcb) == s);
		CHECK(!sock_is_stream(s) || (s->opts != NULL) == (!s->tcb && !s->listener));
		CHECK(!s->d || s->d->user == s);
		CHECK(!s->deferred || (s->stage == SOCK_CONNECTING && !s->tcb));
	}
	CHECK(used == ss->table.used);
}
