/*
 * ioctl() of guests, on a socket of ours or on any other (number 0: libraries ask about interfaces on AF_UNIX sockets, too):
 * netdevice(7) questions answered out of the host's interfaces, and the queue lengths of tcp(7) and udp(7). Interfaces can be
 * asked about and not changed: that is EPERM, as it is for anyone without CAP_NET_ADMIN.  The argument comes and goes as
 * bytes: a struct ifreq, an int, or for SIOCGIFCONF the array (in: an int with the room for it, or nothing).
 */
#include "host/ifkind.h"
#include "host/svc.h"
#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>

enum { MAX_IFREQS = SVC_MAX_NICS * 4, TXQLEN = 1000 };

static void reply(struct call *c, int err, const void *data, size_t len)
{
	struct answer with = { .data = data, .data_len = err < 0 ? 0 : len, .fd = -1 };
	call_reply(c->cl, c->id, err, &with);
}

/* The i-th IPv4 address of an interface. */
static bool ip4_addr(struct ol_stack *stk, int ifi, unsigned i, struct ol_addr *a, unsigned *plen)
{
	for (unsigned k = 0; !ol_addr_get(stk, ifi, k, a, plen); k++)
		if (a->ver == 4 && i-- == 0)
			return true;
	return false;
}

static void put_addr(struct sockaddr *sa, uint32_t host_order)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(host_order) };
	memcpy(sa, &in, sizeof in);
}

static uint32_t host_order(const struct ol_addr *a)
{
	return (uint32_t)a->b[0] << 24 | (uint32_t)a->b[1] << 16 | (uint32_t)a->b[2] << 8 | a->b[3];
}

static struct ol_stack *stack_of(const struct call *c) { return (c->gs ? c->gs->host : c->cl->host)->stk; }

static void get_conf(struct call *c)
{
	struct ol_stack *stk = stack_of(c);
	struct ifreq list[MAX_IFREQS];
	size_t n = 0, room = sizeof list;
	int asked;
	memset(list, 0, sizeof list);
	if (c->data.len >= sizeof asked) {
		memcpy(&asked, c->data.p, sizeof asked);
		room = asked < 0 ? 0 : MIN((size_t)asked, room);
	}
	for (int i = ol_iface_next(stk, 0); i; i = ol_iface_next(stk, i)) {
		struct ol_iface_info info;
		struct ol_addr a;
		unsigned plen;
		ol_iface_info(stk, i, &info);
		for (unsigned k = 0; ip4_addr(stk, i, k, &a, &plen) && (n + 1) * sizeof *list <= room; k++) {
			memcpy(list[n].ifr_name, info.name, IFNAMSIZ);
			put_addr(&list[n].ifr_addr, host_order(&a));
			n++;
		}
	}
	reply(c, 0, list, n * sizeof *list);
}

static int find(struct ol_stack *stk, const char *name, struct ol_iface_info *info)
{
	for (int i = ol_iface_next(stk, 0); i; i = ol_iface_next(stk, i))
		if (!ol_iface_info(stk, i, info) && !strncmp(info->name, name, IFNAMSIZ))
			return 0;
	return -ENODEV;
}

/* Facts that are an IPv4 address. */
static int address(struct ol_stack *stk, unsigned long cmd, const struct ol_iface_info *info, struct ifreq *r)
{
	struct ol_addr a;
	unsigned plen;
	if (!ip4_addr(stk, info->index, 0, &a, &plen))
		return -EADDRNOTAVAIL;
	uint32_t mask = plen ? ~UINT32_C(0) << (32 - plen) : 0, v = host_order(&a);
	switch (cmd) {
	case SIOCGIFNETMASK: v = mask; break;
	case SIOCGIFBRDADDR: v = info->link == OL_LINK_ETHER ? v | ~mask : 0; break;
	default: break;
	}
	put_addr(&r->ifr_addr, v);
	return 0;
}

static int interface(struct call *c, unsigned long cmd, struct ifreq *r)
{
	struct ol_stack *stk = stack_of(c);
	struct ol_iface_info info;
	r->ifr_name[IFNAMSIZ - 1] = 0;
	char *colon = strchr(r->ifr_name, ':');		/* "eth0:1" is eth0 */
	if (colon)
		*colon = 0;
	int err = cmd == SIOCGIFNAME ? ol_iface_info(stk, r->ifr_ifindex, &info) : find(stk, r->ifr_name, &info);
	if (err)
		return -ENODEV;
	switch (cmd) {
	case SIOCGIFNAME: memcpy(r->ifr_name, info.name, IFNAMSIZ); return 0;
	case SIOCGIFINDEX: r->ifr_ifindex = info.index; return 0;
	case SIOCGIFMTU: r->ifr_mtu = (int)info.mtu; return 0;
	case SIOCGIFTXQLEN: r->ifr_qlen = TXQLEN; return 0;
	case SIOCGIFMETRIC: r->ifr_metric = 0; return 0;
	case SIOCGIFMAP: memset(&r->ifr_map, 0, sizeof r->ifr_map); return 0;
	case SIOCGIFFLAGS:
		r->ifr_flags = (short)((info.up ? IFF_UP | IFF_RUNNING : 0) |
				       if_kind_flags(info.link));
		return 0;
	case SIOCGIFHWADDR:
		memset(&r->ifr_hwaddr, 0, sizeof r->ifr_hwaddr);
		r->ifr_hwaddr.sa_family = if_arphrd(info.link);
		memcpy(r->ifr_hwaddr.sa_data, info.mac.b, OL_MAC_LEN);
		return 0;
	default:
		return address(stk, cmd, &info, r);
	}
}

static void queue_length(struct call *c, size_t n)
{
	int v = (int)MIN(n, (size_t)INT32_MAX);
	reply(c, 0, &v, sizeof v);
}

void call_ioctl(struct call *c)
{
	struct gsock *gs = c->gs;
	unsigned long cmd = (uint32_t)c->c.arg[0];
	struct ifreq r;
	memset(&r, 0, sizeof r);
	memcpy(&r, c->data.p, MIN(c->data.len, sizeof r));
	bool live = gs && gs->phase != GS_TOMB && gs->sock >= 0;
	switch (cmd) {
	case SIOCGIFCONF:
		get_conf(c);
		return;
	case SIOCGIFNAME: case SIOCGIFINDEX: case SIOCGIFMTU: case SIOCGIFTXQLEN: case SIOCGIFMETRIC: case SIOCGIFMAP:
	case SIOCGIFFLAGS:
	case SIOCGIFHWADDR:
	case SIOCGIFADDR:
	case SIOCGIFDSTADDR:
	case SIOCGIFNETMASK:
	case SIOCGIFBRDADDR: reply(c, interface(c, cmd, &r), &r, sizeof r); return;
	case SIOCSIFFLAGS:
	case SIOCSIFADDR:
	case SIOCSIFNETMASK:
	case SIOCSIFBRDADDR:
	case SIOCSIFMTU:
	case SIOCSIFHWADDR:
	case SIOCSIFNAME: case SIOCADDRT: case SIOCDELRT: case SIOCSIFTXQLEN: case SIOCSIFMETRIC:
		call_ret(c, -EPERM);
		return;
	case SIOCETHTOOL:
		call_ret(c, -EOPNOTSUPP);
		return;
	case SIOCINQ:					/* also FIONREAD: bytes in the pair and behind it */
		queue_length(c, live ? ol_readable(gs->host->stk, gs->sock) : 0);
		return;
	case SIOCOUTQ: case SIOCOUTQNSD:
		queue_length(c, live ? ol_unsent(gs->host->stk, gs->sock) + gsock_unread(gs) : 0);
		return;
	default:
		call_ret(c, -ENOTTY);
	}
}
