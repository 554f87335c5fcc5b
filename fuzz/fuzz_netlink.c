/*
 * Netlink requests of a guest, of rtnetlink and of sock_diag, on a host with several interfaces, addresses, routes and
 * sockets: arbitrary bytes, or a well-formed head before them.  Whatever comes back is whole netlink messages.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/inet_diag.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>
#include "box.h"
#include "host/netlink.h"

static const char network[] =
	"seed: 1\n"
	"wires:\n"
	"  lan: {subnet: [10.1.0.0/24, fd01::/64]}\n"
	"  wan: {subnet: 10.2.0.0/24, mode: strict, mtu: 1400}\n"
	"routers:\n"
	"  r:\n"
	"    interfaces:\n"
	"    - {wire: lan, address: [10.1.0.1/24, fd01::1/64]}\n"
	"    - {wire: wan, address: 10.2.0.1/24}\n"
	"    routes:\n"
	"    - {to: 10.9.0.0/16, via: 10.2.0.9, metric: 7}\n"
	"    - {to: fd09::/64, via: fd01::9}\n";

static void read_answers(int fd)
{
	static uint8_t buf[65536];
	ssize_t n;
	while ((n = recv(fd, buf, sizeof buf, MSG_DONTWAIT)) > 0)
		for (size_t at = 0, len; at < (size_t)n; at += NLMSG_ALIGN(len)) {
			struct nlmsghdr h;
			must(at + sizeof h <= (size_t)n);
			memcpy(&h, buf + at, sizeof h);
			len = h.nlmsg_len;
			must(len >= sizeof h && at + len <= (size_t)n);
		}
}

/* Something to list: a listener, and datagram sockets of both families, one of them a guest's. */
static void make_sockets(struct vhost *h, struct client *asker)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(80) };
	struct sockaddr_in6 at6 = { .sin6_family = AF_INET6, .sin6_port = htons(5353) };
	ol_time now = h->svc->loop.now;
	struct gsock *gs;
	int app;
	ol_sock l = ol_socket(h->stk, AF_INET, SOCK_STREAM, 0, now), u = ol_socket(h->stk, AF_INET6, SOCK_DGRAM, 0, now);
	must(!ol_bind(h->stk, l, (struct sockaddr *)&at, sizeof at, now) && !ol_listen(h->stk, l, 5, now));
	must(!ol_bind(h->stk, u, (struct sockaddr *)&at6, sizeof at6, now));
	must(!gsock_new(&gs, &app, h, asker, 1, AF_INET, SOCK_DGRAM, 0, ol_socket(h->stk, AF_INET, SOCK_DGRAM, 0, now)));
	must(!ol_bind(h->stk, gs->sock, (struct sockaddr *)&at, sizeof at, now));
}

/* A request that sock_diag does not refuse at once, and what its filter may look like behind it. */
static size_t diag_head(uint8_t *p, uint8_t how, size_t rest)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP };
	struct inet_diag_req_v2 r = { .sdiag_family = how & 32 ? AF_INET : 0, .sdiag_protocol = protocols[how >> 6 & 1],
				      .idiag_ext = 0xff, .idiag_states = ~0u };
	struct rtattr a = { .rta_len = (uint16_t)RTA_LENGTH(rest), .rta_type = INET_DIAG_REQ_BYTECODE };
	memcpy(p, &r, sizeof r);
	memcpy(p + sizeof r, &a, sizeof a);
	return sizeof r + sizeof a;
}

/* The network stands from one input to the next: a request leaves nothing behind but its socket. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct box b;
	static struct vhost *host;
	static struct client asker;
	if (!host) {
		must(box_up(&b, network, sizeof network - 1));
		host = vhost_find(&b.svc, "r");
		must(host != NULL);
		asker.svc = &b.svc;
		list_init(&asker.gsocks);
		make_sockets(host, &asker);
	}
	struct input in = { data, size };
	struct gsock *gs;
	int app;
	bool diag = in_byte(&in) & 1;
	int protocol = diag ? NETLINK_SOCK_DIAG : NETLINK_ROUTE;
	must(!nl_check(SOCK_RAW, protocol));
	must(!gsock_new(&gs, &app, host, &asker, 1, AF_NETLINK, SOCK_RAW, protocol, -1) && !nl_open(gs));
	while (in.left) {
		uint8_t msg[2048] = { 0 }, how = in_byte(&in);
		size_t head = how & 1 ? sizeof(struct nlmsghdr) : 0, len = in_byte(&in) * (how & 4 ? 4u : 1u);
		const uint8_t *p = in_take(&in, &len);
		if (diag && head && how & 16)
			head += diag_head(msg + head, how, len);
		memcpy(msg + head, p, len);
		struct nlmsghdr h = {
			.nlmsg_len = (uint32_t)(head + len),
			.nlmsg_type = (uint16_t)(diag ? SOCK_DIAG_BY_FAMILY + in_byte(&in) % 3 : RTM_BASE + in_byte(&in) % 96),
			.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | in_byte(&in) << 4), .nlmsg_seq = 1,
		};
		memcpy(msg, &h, MIN(head, sizeof h));
		if (how & 2)				/* by write(), else by sendto() */
			must(send(app, msg, head + len, MSG_NOSIGNAL) >= 0 || errno == EAGAIN || errno == EPIPE);
		else
			nl_send(gs, msg, head + len);
		if (how & 8)
			read_answers(app);
		gsock_pump(gs);
	}
	read_answers(app);
	close(app);
	gsock_free(gs);
	gsock_reap(&b.svc);
	return 0;
}
