/*
 * Netlink sockets of guests, RFC 3549: birth, names, options, requests in and answers out.  What is asked is answered by
 * nl_route.c and nl_diag.c.  There are no multicast groups: nothing is ever announced.
 *
 * Each request is answered at once into the socket's pair; what does not fit waits in a bounded queue, and beyond
 * that the guest is told ENOBUFS, as netlink does.
 */
#include "host/netlink.h"
#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_QUEUE = 8 << 20, MAX_REQUESTS = 64 };

struct packet { struct list node; size_t len; uint8_t bytes[]; };
struct nl_sock { uint32_t pid, groups; struct list queue; size_t queued; };

int nl_check(int type, int protocol)
{
	if (type != SOCK_RAW && type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	return protocol == NETLINK_ROUTE || protocol == NETLINK_SOCK_DIAG ? 0 : -EPROTONOSUPPORT;
}

int nl_open(struct gsock *gs)
{
	struct nl_sock *nl = calloc(1, sizeof *nl);
	if (!nl)
		return -ENOBUFS;
	list_init(&nl->queue);
	gs->nl = nl;
	return 0;
}

void nl_close(struct gsock *gs)
{
	struct list *n;
	while ((n = list_take(&gs->nl->queue)))
		free(list_of(n, struct packet, node));
	free(gs->nl);
	gs->nl = NULL;
}

/* ---- names and options ------------------------------------------------------------------------------------------- */
int nl_bind(struct gsock *gs, const void *addr, size_t len)
{
	struct sockaddr_nl a;
	if (len < sizeof a)
		return -EINVAL;
	memcpy(&a, addr, sizeof a);
	if (a.nl_family != AF_NETLINK || (gs->nl->pid && a.nl_pid && a.nl_pid != gs->nl->pid))
		return -EINVAL;
	if (!gs->nl->pid)
		gs->nl->pid = a.nl_pid ? a.nl_pid : gs->num;
	gs->nl->groups = a.nl_groups;		/* remembered for getsockname; nothing is announced */
	return 0;
}

int nl_connect(struct gsock *gs, const void *addr, size_t len)
{
	struct sockaddr_nl a;
	if (len < sizeof a)
		return -EINVAL;
	memcpy(&a, addr, sizeof a);
	if (a.nl_family != AF_NETLINK)
		return -EINVAL;
	if (!gs->nl->pid)
		gs->nl->pid = gs->num;
	return a.nl_pid ? -ECONNREFUSED : 0;	/* only the kernel can be spoken to */
}

int nl_name(struct gsock *gs, bool own, struct sockaddr_storage *addr, socklen_t *len)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK };
	if (own) {
		a.nl_pid = gs->nl->pid;
		a.nl_groups = gs->nl->groups;
	}
	memcpy(addr, &a, sizeof a);
	*len = sizeof a;
	return 0;
}

int nl_setsockopt(struct gsock *gs, int level, int name, const void *val, size_t len)
{
	(void)gs, (void)val;
	if (len < sizeof(int))
		return -EINVAL;
	/* buffers are the pair's; timeouts too, and the runner sets them there */
	if (level == SOL_SOCKET)
		return name == SO_RCVBUF || name == SO_SNDBUF || name == SO_RCVBUFFORCE || name == SO_RCVTIMEO ||
				       name == SO_SNDTIMEO
			       ? 0
			       : -ENOPROTOOPT;
	if (level != SOL_NETLINK)
		return -ENOPROTOOPT;
	/*
	 * Errors always carry their request, and headers are always looked at strictly: what these ask for is so
	 * already.
	 */
	return name == NETLINK_EXT_ACK || name == NETLINK_GET_STRICT_CHK ? 0 : -ENOPROTOOPT;
}

int nl_getsockopt(struct gsock *gs, int level, int name, void *val, socklen_t *len)
{
	int v;
	if (level != SOL_SOCKET)
		return -ENOPROTOOPT;
	switch (name) {
	case SO_TYPE: v = gs->type; break;
	case SO_DOMAIN: v = AF_NETLINK; break;
	case SO_PROTOCOL: v = gs->protocol; break;
	case SO_RCVBUF: case SO_SNDBUF: v = 212992; break;
	default: return -ENOPROTOOPT;
	}
	*len = MIN(*len, (socklen_t)sizeof v);
	memcpy(val, &v, *len);
	return 0;
}

/* ---- answers ------------------------------------------------------------------------------------------------------ */
static bool give(struct gsock *gs, const void *bytes, size_t len)
{
	struct ipc_meta meta;
	memset(&meta, 0, sizeof meta);
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	memcpy(&meta.from, &kernel, sizeof kernel);
	meta.from_len = sizeof kernel;
	return dgram_pass(gs, bytes, len, &meta);
}

void nl_emit(struct nl_out *o)
{
	struct nl_sock *nl = o->gs->nl;
	if (!o->len)
		return;
	if (list_empty(&nl->queue) && give(o->gs, o->buf, o->len)) {
		o->len = 0;
		return;
	}
	struct packet *p = nl->queued + o->len <= MAX_QUEUE ? malloc(sizeof *p + o->len) : NULL;
	if (p) {
		p->len = o->len;
		memcpy(p->bytes, o->buf, o->len);
		list_append(&nl->queue, &p->node);
		nl->queued += o->len;
	} else {
		o->gs->so_error = ENOBUFS;
	}
	o->len = 0;
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */
static void request(struct nl_out *o)
{
	if (o->req->nlmsg_type < NLMSG_MIN_TYPE)	/* NOOP, DONE and their like want no answer */
		return;
	if (o->gs->protocol == NETLINK_ROUTE)
		nl_route_request(o);
	else
		nl_diag_request(o);
}

int nl_send(struct gsock *gs, const void *data, size_t len)
{
	if (!gs->nl->pid)
		gs->nl->pid = gs->num;
	/* too large for comfort on the stack; one thread, and nothing re-enters */
	static struct nl_out o;
	union { struct nlmsghdr h; uint8_t bytes[4096]; } req;
	const uint8_t *p = data;
	size_t left = len;
	o = (struct nl_out){ .gs = gs, .pid = gs->nl->pid };
	for (int i = 0; i < MAX_REQUESTS && left >= sizeof req.h; i++) {
		memcpy(&req.h, p, sizeof req.h);
		size_t n = req.h.nlmsg_len;
		if (n < sizeof req.h || n > left || n > sizeof req)
			break;
		memcpy(&req, p, n);
		o.req = &req.h;
		if (req.h.nlmsg_flags & NLM_F_REQUEST)
			request(&o);
		n = MIN(NLMSG_ALIGN(n), left);
		p += n;
		left -= n;
	}
	nl_emit(&o);
	return (int)len;
}

/* ---- the pair ---------------------------------------------------------------------------------------------------- */
void nl_pump(struct gsock *gs)
{
	struct list *n;
	while (gs->can_out && (n = list_first(&gs->nl->queue))) {
		struct packet *p = list_of(n, struct packet, node);
		if (!give(gs, p->bytes, p->len)) {
			gs->can_out = false;
			break;
		}
		gs->nl->queued -= p->len;
		list_del(n);
		free(p);
	}
	while (gs->can_in) {
		ssize_t got = recv(gs->watch.fd, gs->host->svc->scratch, SCRATCH_LEN, MSG_DONTWAIT);
		if (got < 0 && errno == ECONNRESET)
			continue;
		if (got <= 0) {
			gs->can_in = false;
			break;
		}
		nl_send(gs, gs->host->svc->scratch, (size_t)got);
	}
	if (gs->gone)
		gsock_bury(gs, false);
}

void nl_pair_ready(struct gsock *gs, uint32_t events)
{
	if (events & EPOLLOUT)
		gs->can_out = true;
	if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		gs->can_in = true;
	if (events & (EPOLLHUP | EPOLLERR))
		gs->gone = true;
	nl_pump(gs);
}
