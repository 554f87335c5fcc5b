/*
 * Netlink requests of a guest on a host with several interfaces, addresses and routes: arbitrary bytes, or a well-
 * formed head before them.  Whatever comes back is whole netlink messages.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
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
	}
	struct input in = { data, size };
	struct gsock *gs;
	int app;
	must(!nl_check(SOCK_RAW, NETLINK_ROUTE));
	must(!gsock_new(&gs, &app, host, &asker, 1, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, -1) && !nl_open(gs));
	while (in.left) {
		uint8_t msg[2048] = { 0 }, how = in_byte(&in);
		size_t head = how & 1 ? sizeof(struct nlmsghdr) : 0, len = in_byte(&in) * (how & 4 ? 4u : 1u);
		const uint8_t *p = in_take(&in, &len);
		memcpy(msg + head, p, len);
		struct nlmsghdr h = {
			.nlmsg_len = (uint32_t)(head + len), .nlmsg_type = (uint16_t)(RTM_BASE + in_byte(&in) % 96),
			.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | in_byte(&in) << 4), .nlmsg_seq = 1,
		};
		memcpy(msg, &h, head);
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
