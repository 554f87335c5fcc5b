/* Networks whose hosts find their IPv6 addresses by themselves, and what is told of addresses that are there twice. */
#include "fake.h"
#include <jansson.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

/* The i-th address of eth0 of a host, with its state; false past the last. */
static bool address(struct net *n, const char *host, unsigned i, struct ol_addr_info *info)
{
	return !ol_addr_info(vhost_find(&n->svc, host)->stk, 2, i, info);
}

/* The host's address in a prefix, if it has one. */
static bool has(struct net *n, const char *host, const char *prefix, struct ol_addr_info *info)
{
	struct ol_addr want;
	unsigned plen;
	ok(ol_prefix_parse(prefix, &want, &plen));
	for (unsigned i = 0; address(n, host, i, info); i++)
		if (ol_addr_in_prefix(&info->addr, &want, plen))
			return true;
	return false;
}

/* A host with nothing but a wire hears of a router there; one that is not to listen does not. */
TEST(autoconf_of_a_network_file)
{
	struct net *n = net_up("wires:\n  lan: {}\n"
			       "hosts:\n  a: {wire: lan, autoconf: yes, dad: no}\n"
			       "  b: {wire: lan, address: 'fd09::2/64', autoconf: no}\n"
			       "  c: {wire: lan, address: 10.0.0.2/8}\n"
			       "routers:\n  r: {wire: lan, address: 'fd05::1/64', dad: no, advertise: {preferred: 100, valid: 200}}\n");
	struct ol_addr_info info;
	struct ol_router router;
	struct ol_ip6_link link;
	until(n, has(n, "a", "fd05::/64", &info));
	ok(info.autoconf && info.state == OL_ADDR_READY);
	ok(info.preferred_until < OL_NEVER && info.valid_until - info.preferred_until == 100 * OL_SEC);
	eq(ol_router_get(vhost_find(&n->svc, "a")->stk, 0, &router), 0);
	struct ol_route r;
	struct ol_neigh neigh;
	bool way = false, known = false;
	for (unsigned i = 0; !ol_route_get(vhost_find(&n->svc, "a")->stk, i, &r); i++)
		way |= !r.plen && r.learnt && ol_addr_eq(&r.gateway, &router.gateway);
	for (unsigned i = 0; !ol_neigh_get(vhost_find(&n->svc, "a")->stk, i, &neigh); i++)
		known |= neigh.router && ol_addr_eq(&neigh.addr, &router.gateway);
	ok(way && known);
	ok(!has(n, "b", "fd05::/64", &info));
	eq(ol_router_get(vhost_find(&n->svc, "b")->stk, 0, &router), -ENOENT);
	eq(ol_iface_ip6_link(vhost_find(&n->svc, "c")->stk, 2, &link), 0);
	ok(!link.on);				/* a wire of IPv4 alone is left alone */
	ok(!has(n, "c", "fe80::/10", &info));
	/* its name means the address that it made: RFC 4862 is no obstacle to finding it */
	int ifi;
	ok(has(n, "a", "fd05::/64", &info));
	assert_ptr_equal(vhost_by_addr(&n->svc, &info.addr, &ifi), vhost_find(&n->svc, "a"));
	net_down(n);
}

/* The flags that programs get of an address of a host, by netlink. */
static int flags_of(struct sk s, const struct ol_addr *a)
{
	static _Alignas(8) uint8_t buf[8192];
	struct { struct nlmsghdr h; struct rtgenmsg g; } req = {
		.h = { .nlmsg_len = NLMSG_LENGTH(sizeof req.g), .nlmsg_type = RTM_GETADDR, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
	};
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	eq(call(s.g, (struct ipc_call){ .op = IPC_OP_SENDTO, .sock = s.num }, &kernel, sizeof kernel, &req, req.h.nlmsg_len).ret, req.h.nlmsg_len);
	for (int flags = -1; ; ) {
		ssize_t got = read_once(s.g->n, s.fd, buf, sizeof buf);
		ok(got > 0);
		struct nlmsghdr *h = (struct nlmsghdr *)(void *)buf;
		for (int left = (int)got; NLMSG_OK(h, (unsigned)left); h = NLMSG_NEXT(h, left)) {
			if (h->nlmsg_type == NLMSG_DONE)
				return flags;
			const struct ifaddrmsg *m = NLMSG_DATA(h);
			struct rtattr *r = IFA_RTA(m);
			for (int n = (int)IFA_PAYLOAD(h); RTA_OK(r, n); r = RTA_NEXT(r, n))
				if (r->rta_type == IFA_ADDRESS && m->ifa_family == AF_INET6 && !memcmp(RTA_DATA(r), a->b, 16))
					flags = m->ifa_flags;
		}
	}
}

/* Two hosts of one address, which no file allows but an administrator can do: the later one does not get it, and says so. */
TEST(autoconf_duplicate_is_told)
{
	struct net *n = net_up("wires:\n  lan: {subnet: 'fd05::/64'}\nhosts:\n  a: {wire: lan, address: 'fd05::1/64', dad: no}\n"
			       "  b: {wire: lan, address: 'fd05::2/64'}\n");
	struct ol_addr_info info;
	struct ol_addr one, two;
	ok(ol_addr_parse("fd05::1", &one) && ol_addr_parse("fd05::2", &two));
	struct vhost *b = vhost_find(&n->svc, "b");
	eq(ol_addr_add(b->stk, 2, &one, 64), 0);
	vhost_touch(b);
	until(n, has(n, "b", "fd05::1/128", &info) && info.state == OL_ADDR_DUPLICATE);
	ok(ol_stack_count(b->stk, OL_DROP_ND_DUPLICATE) >= 1);
	ok(has(n, "a", "fd05::1/128", &info) && info.state == OL_ADDR_READY);
	until(n, has(n, "b", "fd05::2/128", &info) && info.state == OL_ADDR_READY);
	struct guest g = guest_come(n, "ip", "b");
	struct sk s = sk_new(&g, AF_NETLINK, SOCK_RAW);
	eq(flags_of(s, &one), IFA_F_PERMANENT | IFA_F_TENTATIVE | IFA_F_DADFAILED);
	eq(flags_of(s, &two), IFA_F_PERMANENT);
	sk_close(&s);
	guest_leave(&g);
	net_down(n);
}
