/*
 * The files of /proc/net as a guest reads them, proc(5): netstat, route, arp, ifconfig and `ss -s` have no other source.
 * Each is written when it is opened, out of the host's own sockets, routes, neighbours and interfaces, in the kernel's own
 * columns, into a sealed memfd.  What the kernel has a column for and we have no number, is 0 as in a kernel that has
 * nothing to tell.  Files about other things than networks of IP are the machine's; those that are and are not here
 * (snmp, netstat, fib_trie, ...) do not exist.
 */
#include "host/svc.h"
#include "host/procnet.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/route.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct kind { int domain, type, protocol; };		/* protocol 0: any */

/* ---- addresses as the kernel prints them: words in the machine's own order ----------------------------------------- */
static void hex(char *out, const struct ol_addr *a, int domain)
{
	uint32_t w[4] = { 0 };
	bool mapped = domain == AF_INET6 && a->ver == 4;
	if (mapped)
		w[2] = htonl(0xffff);
	if (a->ver)
		memcpy(w + (mapped ? 3 : 0), a->b, a->ver == 4 ? 4 : 16);
	if (domain == AF_INET)
		snprintf(out, 33, "%08X", w[0]);
	else
		snprintf(out, 33, "%08X%08X%08X%08X", w[0], w[1], w[2], w[3]);
}

static void plain_hex(char *out, const struct ol_addr *a)
{
	for (int i = 0; i < 16; i++)
		snprintf(out + 2 * i, 3, "%02x", a->ver == 6 ? a->b[i] : 0);
}

static const char *iface_name(struct vhost *h, int ifi, struct ol_iface_info *info)
{
	return ol_iface_info(h->stk, ifi, info) ? "*" : info->name;
}

/* ---- sockets ----------------------------------------------------------------------------------------------------- */
static bool is(const struct ol_sock_info *i, const struct kind *k)
{
	return i->domain == k->domain && i->type == k->type && (!k->protocol || i->protocol == k->protocol);
}

static unsigned state_of(const struct ol_sock_info *i)
{
	return i->type == SOCK_STREAM ? i->state : i->remote.addr.ver ? OL_TCP_ESTABLISHED : OL_TCP_CLOSED;
}

static void socket_line(FILE *f, const struct vhost *h, const struct ol_sock_info *i, struct gsock *gs, unsigned n)
{
	static const uint8_t timers[] = { 0, 1, 2, 3, 4, 0, 1, 1, 0 };
	char local[33], remote[33];
	bool stream = i->type == SOCK_STREAM, listens = stream && i->state == OL_TCP_LISTEN;
	unsigned timer = i->timer < ARRAY_LEN(timers) ? timers[i->timer] : 0;
	ol_time left = timer && i->timer_at != OL_NEVER ? MAX(i->timer_at - h->svc->loop.now, 0) : 0;
	size_t send_q = listens ? 0 : i->send_q + (gs ? gsock_unread(gs) : 0);
	hex(local, &i->local.addr, i->domain);
	hex(remote, &i->remote.addr, i->domain);
	fprintf(f, stream ? "%4u: " : "%5u: ", n);
	fprintf(f, "%s:%04X %s:%04X %02X %08zX:%08zX %02X:%08llX %08X %5u %8d %u %d %016x", local,
		i->type == SOCK_RAW ? (unsigned)i->protocol : i->local.port, remote, i->remote.port, state_of(i), send_q, i->recv_q,
		timer, (unsigned long long)(left / (10 * OL_MS)), 0, getuid(), 0, gs ? gs->inode : 0, 1, gs ? gs->num : 0);
	if (stream && i->state != OL_TCP_TIME_WAIT)
		fprintf(f, " %lld 4 0 %u %d", (long long)(i->rto_ns / (10 * OL_MS)), i->mss ? i->cwnd / i->mss : 0,
			listens || i->ssthresh > INT32_MAX ? -1 : (int)(i->mss ? i->ssthresh / i->mss : 0));
	else if (!stream)
		fputs(" 0", f);
	fputc('\n', f);
}

static void sockets(FILE *f, struct vhost *h, const struct kind *k)
{
	bool six = k->domain == AF_INET6, stream = k->type == SOCK_STREAM;
	fprintf(f, "%s  sl  local_address %s st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode%s\n",
		stream || six ? "" : " ", six ? "                        remote_address                       " : "rem_address  ",
		stream ? "" : " ref pointer drops");
	struct ol_sock_info i;
	struct gsock *gs;
	unsigned n = 0;
	for (uint64_t cursor = 0; vhost_sock_next(h, &cursor, &i, &gs);)
		if (is(&i, k))
			socket_line(f, h, &i, gs, n++);
}

static const struct kind tcp4 = { AF_INET, SOCK_STREAM, 0 }, tcp_6 = { AF_INET6, SOCK_STREAM, 0 },
			 udp4 = { AF_INET, SOCK_DGRAM, IPPROTO_UDP }, udp_6 = { AF_INET6, SOCK_DGRAM, IPPROTO_UDP },
			 raw4 = { AF_INET, SOCK_RAW, 0 }, raw_6 = { AF_INET6, SOCK_RAW, 0 };
static void tcp(FILE *f, struct vhost *h) { sockets(f, h, &tcp4); }
static void tcp6(FILE *f, struct vhost *h) { sockets(f, h, &tcp_6); }
static void udp(FILE *f, struct vhost *h) { sockets(f, h, &udp4); }
static void udp6(FILE *f, struct vhost *h) { sockets(f, h, &udp_6); }
static void raw(FILE *f, struct vhost *h) { sockets(f, h, &raw4); }
static void raw6(FILE *f, struct vhost *h) { sockets(f, h, &raw_6); }

struct count { unsigned all, in_use, orphans, time_wait; };
static struct count count(struct vhost *h, const struct kind *k)
{
	struct count n = { 0 };
	struct ol_sock_info i;
	struct gsock *gs;
	for (uint64_t cursor = 0; vhost_sock_next(h, &cursor, &i, &gs);) {
		bool waits = i.type == SOCK_STREAM && i.state == OL_TCP_TIME_WAIT, counts = !k || is(&i, k);
		/* One that nobody holds and that is not closing has not been accepted yet. */
		bool orphan = i.type == SOCK_STREAM && !gs && i.state != OL_TCP_ESTABLISHED && i.state != OL_TCP_CLOSE_WAIT &&
			      i.state != OL_TCP_SYN_RECEIVED && !waits;
		n.all += counts;
		n.time_wait += counts && waits;
		n.orphans += counts && orphan;
		n.in_use += counts && !waits && !orphan;
	}
	return n;
}

static void sockstat(FILE *f, struct vhost *h)
{
	struct count t = count(h, &tcp4);
	fprintf(f, "sockets: used %u\nTCP: inuse %u orphan %u tw %u alloc %u mem 0\nUDP: inuse %u mem 0\nUDPLITE: inuse 0\n"
		"RAW: inuse %u\nFRAG: inuse 0 memory 0\n", count(h, NULL).in_use, t.in_use, t.orphans, t.time_wait,
		t.all - t.time_wait, count(h, &udp4).in_use, count(h, &raw4).in_use);
}

static void sockstat6(FILE *f, struct vhost *h)
{
	fprintf(f, "TCP6: inuse %u\nUDP6: inuse %u\nUDPLITE6: inuse 0\nRAW6: inuse %u\nFRAG6: inuse 0 memory 0\n",
		count(h, &tcp_6).in_use, count(h, &udp_6).in_use, count(h, &raw_6).in_use);
}

/* ---- interfaces, addresses, neighbours, routes ------------------------------------------------------------------- */
static void dev(FILE *f, struct vhost *h)
{
	fputs("Inter-|   Receive                                                |  Transmit\n"
	      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier "
	      "compressed\n", f);
	for (int k = ol_iface_next(h->stk, 0); k; k = ol_iface_next(h->stk, k)) {
		struct ol_iface_info i;
		ol_iface_info(h->stk, k, &i);
		fprintf(f, "%6s: %7llu %7llu %4u %4llu %4u %5u %10u %9u %8llu %7llu %4u %4llu %4u %5u %7u %10u\n", i.name,
			(unsigned long long)i.rx_bytes, (unsigned long long)i.rx_packets, 0, (unsigned long long)i.rx_dropped, 0, 0, 0,
			0, (unsigned long long)i.tx_bytes, (unsigned long long)i.tx_packets, 0, (unsigned long long)i.tx_dropped, 0, 0,
			0, 0);
	}
}

static void if_inet6(FILE *f, struct vhost *h)
{
	for (int k = ol_iface_next(h->stk, 0); k; k = ol_iface_next(h->stk, k)) {
		struct ol_iface_info info;
		struct ol_addr a;
		unsigned plen;
		char text[33];
		ol_iface_info(h->stk, k, &info);
		for (unsigned n = 0; !ol_addr_get(h->stk, k, n, &a, &plen); n++) {
			if (a.ver != 6)
				continue;
			plain_hex(text, &a);
			fprintf(f, "%s %02x %02x %02x %02x %8s\n", text, (unsigned)k, plen,
				ol_addr_is_loopback(&a) ? 0x10u : ol_addr_is_linklocal(&a) ? 0x20u : 0u, 0x80u, info.name);
		}
	}
}

static void arp(FILE *f, struct vhost *h)
{
	struct ol_neigh n;
	fputs("IP address       HW type     Flags       HW address            Mask     Device\n", f);
	for (unsigned i = 0; !ol_neigh_get(h->stk, i, &n); i++) {
		struct ol_iface_info info;
		char text[OL_ADDR_STRLEN];
		if (n.addr.ver != 4)
			continue;
		if (n.state == OL_NEIGH_INCOMPLETE)
			memset(&n.mac, 0, sizeof n.mac);
		fprintf(f, "%-16s 0x%-10x0x%-10x%02x:%02x:%02x:%02x:%02x:%02x     *        %s\n", ol_addr_str(&n.addr, text), ARPHRD_ETHER,
			n.state == OL_NEIGH_INCOMPLETE ? 0u : n.state == OL_NEIGH_STATIC ? ATF_COM | ATF_PERM : ATF_COM, n.mac.b[0],
			n.mac.b[1], n.mac.b[2], n.mac.b[3], n.mac.b[4], n.mac.b[5], iface_name(h, n.ifi, &info));
	}
}

static uint32_t word(const struct ol_addr *a)
{
	uint32_t w = 0;
	if (a->ver == 4)
		memcpy(&w, a->b, 4);
	return w;
}

static void route(FILE *f, struct vhost *h)
{
	struct ol_route r;
	fprintf(f, "%-127s\n", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT");
	for (unsigned i = 0; !ol_route_get(h->stk, i, &r); i++) {
		struct ol_iface_info info = { .link = OL_LINK_LOOP };
		const char *name = iface_name(h, r.ifi, &info);
		if (r.dst.ver != 4 || info.link == OL_LINK_LOOP)	/* the table "local" is not shown here */
			continue;
		char line[128];
		uint32_t mask = htonl(r.plen ? ~UINT32_C(0) << (32 - r.plen) : 0);
		snprintf(line, sizeof line, "%s\t%08X\t%08X\t%04X\t0\t0\t%u\t%08X\t0\t0\t0", name, word(&r.dst), word(&r.gateway),
			 (unsigned)(RTF_UP | (r.gateway.ver ? RTF_GATEWAY : 0) | (r.plen == 32 ? RTF_HOST : 0)), r.metric, mask);
		fprintf(f, "%-127s\n", line);
	}
}

static void ipv6_route(FILE *f, struct vhost *h)
{
	static const uint32_t rtf_local = 0x80000000u;
	struct ol_route r;
	for (unsigned i = 0; !ol_route_get(h->stk, i, &r); i++) {
		struct ol_iface_info info = { .link = OL_LINK_ETHER };
		char dst[33], gateway[33];
		const char *name = iface_name(h, r.ifi, &info);
		if (r.dst.ver != 6)
			continue;
		plain_hex(dst, &r.dst);
		plain_hex(gateway, &r.gateway);
		fprintf(f, "%s %02x %032x %02x %s %08x %08x %08x %08x %8s\n", dst, r.plen, 0, 0, gateway, r.metric, 1, 0,
			RTF_UP | (r.gateway.ver ? (unsigned)RTF_GATEWAY : 0) | (info.link == OL_LINK_LOOP ? rtf_local : 0), name);
	}
}

/* ---- by name ----------------------------------------------------------------------------------------------------- */
static const struct { const char *name; void (*write)(FILE *f, struct vhost *h); } files[] = {
	{ "tcp", tcp }, { "tcp6", tcp6 }, { "udp", udp }, { "udp6", udp6 }, { "raw", raw }, { "raw6", raw6 },
	{ "sockstat", sockstat }, { "sockstat6", sockstat6 }, { "dev", dev }, { "if_inet6", if_inet6 }, { "arp", arp },
	{ "route", route }, { "ipv6_route", ipv6_route },
};

/* Who gets it may read and nothing else: the one way to such a descriptor is to open it again. */
static int sealed(const char *text, size_t len)
{
	char path[32];
	int fd = memfd_create("outlet-proc", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int ours = write(fd, text, len) == (ssize_t)len && fchmod(fd, 0444) == 0 &&
				   fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0
			   ? open(path, O_RDONLY | O_CLOEXEC)
			   : -1;
	int err = errno;
	close(fd);
	return ours < 0 ? -err : ours;
}

int procnet_open(struct vhost *h, const char *name)
{
	static const char *const of_the_machine[] = { "unix", "protocols", "psched" };
	for (size_t i = 0; i < ARRAY_LEN(of_the_machine); i++)
		if (!strcmp(name, of_the_machine[i]))
			return -EXDEV;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		if (strcmp(name, files[i].name))
			continue;
		char *text = NULL;
		size_t len = 0;
		FILE *f = open_memstream(&text, &len);
		if (!f)
			return -ENOMEM;
		files[i].write(f, h);
		int err = fclose(f) ? -ENOMEM : 0, fd = err ? err : sealed(text, len);
		free(text);
		return fd;
	}
	return -ENOENT;
}
