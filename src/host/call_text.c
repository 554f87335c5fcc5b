/*
 * Calls in words, for captures and events: "connect(web:80)", "send(1460)", "setsockopt(TCP_NODELAY, 1)".  Addresses of
 * hosts of the network are told by the host's name; everything is bounded by the buffer it goes to.
 */
#include "host/call_text.h"
#include "host/svc.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>

struct word { int value; const char *text; };
struct option { int level, name; const char *text; };

static const char *find(const struct word *w, size_t n, int value, char number[16])
{
	for (size_t i = 0; i < n; i++)
		if (w[i].value == value)
			return w[i].text;
	snprintf(number, 16, "%d", value);
	return number;
}

static const char *family(int v, char number[16])
{
	static const struct word w[] = {
		{ AF_INET, "AF_INET" }, { AF_INET6, "AF_INET6" }, { AF_NETLINK, "AF_NETLINK" }, { AF_PACKET, "AF_PACKET" },
	};
	return find(w, ARRAY_LEN(w), v, number);
}

static const char *type(int v, char number[16])
{
	static const struct word w[] = {
		{ SOCK_STREAM, "SOCK_STREAM" }, { SOCK_DGRAM, "SOCK_DGRAM" }, { SOCK_RAW, "SOCK_RAW" },
	};
	return find(w, ARRAY_LEN(w), v, number);
}

static const char *direction(int v, char number[16])
{
	static const struct word w[] = { { SHUT_RD, "SHUT_RD" }, { SHUT_WR, "SHUT_WR" }, { SHUT_RDWR, "SHUT_RDWR" } };
	return find(w, ARRAY_LEN(w), v, number);
}

#define OPTION(level, name) { level, name, #name }
static const struct option options[] = {
	OPTION(SOL_SOCKET, SO_REUSEADDR), OPTION(SOL_SOCKET, SO_REUSEPORT), OPTION(SOL_SOCKET, SO_KEEPALIVE),
	OPTION(SOL_SOCKET, SO_LINGER), OPTION(SOL_SOCKET, SO_RCVBUF), OPTION(SOL_SOCKET, SO_SNDBUF), OPTION(SOL_SOCKET, SO_ERROR),
	OPTION(SOL_SOCKET, SO_TYPE), OPTION(SOL_SOCKET, SO_DOMAIN), OPTION(SOL_SOCKET, SO_PROTOCOL), OPTION(SOL_SOCKET, SO_ACCEPTCONN),
	OPTION(SOL_SOCKET, SO_BROADCAST), OPTION(SOL_SOCKET, SO_BINDTODEVICE), OPTION(SOL_SOCKET, SO_OOBINLINE),
	OPTION(SOL_SOCKET, SO_RCVTIMEO), OPTION(SOL_SOCKET, SO_SNDTIMEO), OPTION(SOL_SOCKET, SO_RCVLOWAT),
	OPTION(IPPROTO_TCP, TCP_NODELAY), OPTION(IPPROTO_TCP, TCP_CORK), OPTION(IPPROTO_TCP, TCP_MAXSEG),
	OPTION(IPPROTO_TCP, TCP_KEEPIDLE), OPTION(IPPROTO_TCP, TCP_KEEPINTVL), OPTION(IPPROTO_TCP, TCP_KEEPCNT),
	OPTION(IPPROTO_TCP, TCP_QUICKACK), OPTION(IPPROTO_TCP, TCP_USER_TIMEOUT), OPTION(IPPROTO_TCP, TCP_DEFER_ACCEPT),
	OPTION(IPPROTO_TCP, TCP_INFO), OPTION(IPPROTO_TCP, TCP_CONGESTION), OPTION(IPPROTO_TCP, TCP_LINGER2),
	OPTION(IPPROTO_TCP, TCP_SYNCNT), OPTION(IPPROTO_TCP, TCP_WINDOW_CLAMP), OPTION(IPPROTO_TCP, TCP_NOTSENT_LOWAT),
	OPTION(IPPROTO_TCP, TCP_FASTOPEN), OPTION(IPPROTO_TCP, TCP_FASTOPEN_CONNECT), OPTION(IPPROTO_UDP, UDP_CORK),
	OPTION(IPPROTO_IP, IP_TOS), OPTION(IPPROTO_IP, IP_TTL), OPTION(IPPROTO_IP, IP_PKTINFO), OPTION(IPPROTO_IP, IP_RECVERR),
	OPTION(IPPROTO_IP, IP_MTU_DISCOVER), OPTION(IPPROTO_IP, IP_MTU), OPTION(IPPROTO_IP, IP_RECVTTL), OPTION(IPPROTO_IP, IP_RECVTOS),
	OPTION(IPPROTO_IP, IP_ADD_MEMBERSHIP), OPTION(IPPROTO_IP, IP_DROP_MEMBERSHIP), OPTION(IPPROTO_IP, IP_MSFILTER),
	OPTION(IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP), OPTION(IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP),
	OPTION(IPPROTO_IP, IP_BLOCK_SOURCE), OPTION(IPPROTO_IP, IP_UNBLOCK_SOURCE), OPTION(IPPROTO_IP, MCAST_JOIN_GROUP),
	OPTION(IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP), OPTION(IPPROTO_IPV6, MCAST_JOIN_GROUP),
	OPTION(IPPROTO_IPV6, MCAST_JOIN_SOURCE_GROUP), OPTION(IPPROTO_IP, IP_MULTICAST_IF), OPTION(IPPROTO_IP, IP_MULTICAST_TTL),
	OPTION(IPPROTO_IP, IP_MULTICAST_LOOP), OPTION(IPPROTO_IP, IP_OPTIONS), OPTION(IPPROTO_IP, IP_FREEBIND),
	OPTION(IPPROTO_IPV6, IPV6_V6ONLY), OPTION(IPPROTO_IPV6, IPV6_RECVPKTINFO), OPTION(IPPROTO_IPV6, IPV6_RECVERR),
	OPTION(IPPROTO_IPV6, IPV6_TCLASS), OPTION(IPPROTO_IPV6, IPV6_UNICAST_HOPS), OPTION(IPPROTO_IPV6, IPV6_MULTICAST_HOPS),
	OPTION(IPPROTO_IPV6, IPV6_JOIN_GROUP), OPTION(IPPROTO_IPV6, IPV6_MTU_DISCOVER),
};

static void option_name(int level, int name, char *buf, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (options[i].level == level && options[i].name == name) {
			snprintf(buf, len, "%s", options[i].text);
			return;
		}
	snprintf(buf, len, "%d, %d", level, name);
}

/* ---- addresses --------------------------------------------------------------------------------------------------- */
static void endpoint_text(struct svc *s, const struct ol_endpoint *e, char *buf, size_t len)
{
	char text[OL_ADDR_STRLEN + 8];
	int ifi;
	const struct vhost *h = ol_addr_is_any(&e->addr) || ol_addr_is_loopback(&e->addr) ? NULL : vhost_by_addr(s, &e->addr, &ifi);
	if (h)
		snprintf(buf, len, "%s:%u", h->name, e->port);
	else
		snprintf(buf, len, "%s", ol_endpoint_str(e, text));
}

bool call_endpoint(const struct ipc_bytes *name, struct ol_endpoint *e)
{
	struct sockaddr_storage ss;
	memset(&ss, 0, sizeof ss);
	memcpy(&ss, name->p, MIN(name->len, sizeof ss));
	const struct sockaddr_in *in = (struct sockaddr_in *)&ss;
	const struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ss;
	*e = (struct ol_endpoint){ .port = ntohs(in->sin_port) };	/* at the same place in both */
	if (ss.ss_family == AF_INET)
		e->addr = ol_addr_from(4, &in->sin_addr);
	else if (ss.ss_family == AF_INET6)
		e->addr = IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) ? ol_addr_from(4, in6->sin6_addr.s6_addr + 12)
								: ol_addr_from(6, &in6->sin6_addr);
	return e->addr.ver;
}

static void address_text(struct svc *s, const struct ipc_bytes *name, char *buf, size_t len)
{
	struct ol_endpoint e;
	sa_family_t f = AF_UNSPEC;
	char number[16];
	if (call_endpoint(name, &e)) {
		endpoint_text(s, &e, buf, len);
		return;
	}
	memcpy(&f, name->p, MIN(name->len, sizeof f));
	snprintf(buf, len, "%s", family(f, number));
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */
void call_args(const struct call *c, char *buf, size_t len)
{
	char addr[CALL_TEXT_LEN] = "", a[16], b[16];
	int v = 0;
	if (c->name.len)
		address_text(c->cl->svc, &c->name, addr, sizeof addr);
	else if (c->c.op == IPC_OP_CONNECT && c->gs && c->gs->to.addr.ver)	/* it waited; its address is gone */
		endpoint_text(c->cl->svc, &c->gs->to, addr, sizeof addr);
	if (c->data.len)
		memcpy(&v, c->data.p, MIN(c->data.len, sizeof v));
	switch (c->c.op) {
	case IPC_OP_SOCKET:
		snprintf(buf, len, "%s, %s", family(c->c.arg[0], a), type(c->c.arg[1] & 0xf, b));
		break;
	case IPC_OP_BIND: case IPC_OP_CONNECT: snprintf(buf, len, "%s", addr); break;
	case IPC_OP_LISTEN: snprintf(buf, len, "%d", c->c.arg[0]); break;
	case IPC_OP_SHUTDOWN: snprintf(buf, len, "%s", direction(c->c.arg[0], a)); break;
	case IPC_OP_SETSOCKOPT: case IPC_OP_GETSOCKOPT:
		option_name(c->c.arg[0], c->c.arg[1], addr, sizeof addr);
		if (c->c.op == IPC_OP_SETSOCKOPT && c->data.len == sizeof v)
			snprintf(buf, len, "%s, %d", addr, v);
		else
			snprintf(buf, len, "%s", addr);
		break;
	case IPC_OP_SENDTO: snprintf(buf, len, "%zu%s%s", c->data.len, addr[0] ? ", " : "", addr); break;
	case IPC_OP_IOCTL: snprintf(buf, len, "0x%x", (unsigned)c->c.arg[0]); break;
	case IPC_OP_PROCNET: snprintf(buf, len, "/proc/net/%.*s", (int)MIN(c->data.len, (size_t)31), (const char *)c->data.p); break;
	default: buf[0] = 0;
	}
}

bool call_behind(struct vhost *h, const struct gsock *gs, const struct ol_note *note, char *buf, size_t len)
{
	char text[CALL_TEXT_LEN] = "", number[16];
	switch (note->cause) {
	case OL_CAUSE_CONNECT:
		if (gs && gs->to.addr.ver)
			endpoint_text(h->svc, &gs->to, text, sizeof text);
		snprintf(buf, len, "connect(%s)", text);
		return true;
	case OL_CAUSE_SEND: snprintf(buf, len, note->arg ? "send(%u)" : "send()", note->arg); return true;
	case OL_CAUSE_RECV: snprintf(buf, len, note->arg ? "recv(%u)" : "recv()", note->arg); return true;
	case OL_CAUSE_SHUTDOWN:
		snprintf(buf, len, "shutdown(%s)", gs ? direction(gs->shut_how, number) : "");
		return true;
	case OL_CAUSE_SETSOCKOPT:
		if (gs && gs->opt.name)
			option_name(gs->opt.level, gs->opt.name, text, sizeof text);
		if (text[0] && gs->opt.is_int)
			snprintf(buf, len, "setsockopt(%s, %d)", text, gs->opt.value);
		else
			snprintf(buf, len, "setsockopt(%s)", text);
		return true;
	case OL_CAUSE_CLOSE: snprintf(buf, len, "close()"); return true;
	default: return false;
	}
}
