/* Datagrams of guests, names and ioctl: what programs ask besides streams and netlink. */
#include "fake.h"
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <linux/sockios.h>

static int bind_to(struct sk s, const char *addr, uint16_t port)
{
	struct sockaddr_in a = sin_of(addr, port);
	return call(s.g, (struct ipc_call){ .op = IPC_OP_BIND, .sock = s.num }, &a, sizeof a, "", 0).ret;
}

static int send_to(struct sk s, const char *addr, uint16_t port, const char *text)
{
	struct sockaddr_in a = sin_of(addr, port);
	return call(s.g, (struct ipc_call){ .op = IPC_OP_SENDTO, .sock = s.num }, &a, sizeof a, text, strlen(text)).ret;
}

/* As the runner's recvmsg: the payload, and who sent it from the descriptor beside it. */
static ssize_t receive(struct sk s, void *buf, size_t len, struct ipc_meta *m)
{
	struct iovec iov = { buf, len };
	union { char buf[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } ctl;
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl.buf, .msg_controllen = sizeof ctl.buf
	};
	ssize_t n = -1;
	until(s.g->n, (n = recvmsg(s.fd, &msg, MSG_DONTWAIT)) >= 0 || errno != EAGAIN);
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	memset(m, 0, sizeof *m);
	if (c && c->cmsg_type == SCM_RIGHTS) {
		int fd;
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
		eq(pread(fd, m, sizeof *m, 0), sizeof *m);
		eq(ftruncate(fd, 0), -1);			/* sealed: nobody changes what others read */
		close(fd);
	}
	return n;
}

TEST(unconnected_datagrams_bring_their_sender_beside_them_and_the_answer_finds_back)
{
	struct net *n = net_up(NULL);
	struct guest a = guest_come(n, "a", ""), b = guest_come(n, "b", "");
	struct sk sa = sk_new(&a, AF_INET, SOCK_DGRAM), sb = sk_new(&b, AF_INET, SOCK_DGRAM);
	eq(bind_to(sb, "0.0.0.0", 5000), 0);
	eq(send_to(sa, b.addr, 5000, "question"), 8);
	char buf[64], text[32];
	struct ipc_meta m;
	eq(receive(sb, buf, sizeof buf, &m), 8);
	eq_mem(buf, "question", 8);
	struct sockaddr_in from;
	memcpy(&from, &m.from, sizeof from);
	eq_str(inet_ntop(AF_INET, &from.sin_addr, text, sizeof text), a.addr);
	eq(send_to(sb, text, ntohs(from.sin_port), "answer"), 6);
	eq(read_once(n, sa.fd, buf, sizeof buf), 6);		/* a plain read gets the payload and nothing else */
	eq_mem(buf, "answer", 6);
	sk_close(&sa);
	sk_close(&sb);
	guest_leave(&a);
	guest_leave(&b);
	until(n, n->svc.n_gsocks == 0);
	net_down(n);
}

TEST(connected_datagrams_go_by_plain_write_and_keep_their_borders)
{
	struct net *n = net_up(NULL);
	struct guest a = guest_come(n, "a", ""), b = guest_come(n, "b", "");
	struct sk sa = sk_new(&a, AF_INET, SOCK_DGRAM), sb = sk_new(&b, AF_INET, SOCK_DGRAM);
	eq(bind_to(sb, "0.0.0.0", 5000), 0);
	eq(sk_connect(sa, b.addr, 5000), 0);
	eq(send(sa.fd, "one", 3, 0), 3);
	eq(send(sa.fd, "", 0, 0), 0);				/* empty ones too */
	eq(send(sa.fd, "three", 5, 0), 5);
	char buf[64];
	eq(read_once(n, sb.fd, buf, sizeof buf), 3);
	eq(read_once(n, sb.fd, buf, sizeof buf), 0);
	eq(read_once(n, sb.fd, buf, 2), 2);			/* the rest of a datagram is lost */
	eq(events_of(sb.fd) & POLLIN, 0);
	sk_close(&sa);
	sk_close(&sb);
	guest_leave(&a);
	guest_leave(&b);
	net_down(n);
}

TEST(refused_datagrams_are_told_through_so_error)
{
	struct net *n = net_up(NULL);
	struct guest a = guest_come(n, "a", ""), b = guest_come(n, "b", "");
	struct sk sa = sk_new(&a, AF_INET, SOCK_DGRAM);
	eq(sk_connect(sa, b.addr, 5001), 0);
	eq(send(sa.fd, "x", 1, 0), 1);
	int err = 0;
	until(n, (err = sk_opt(sa, SOL_SOCKET, SO_ERROR)) != 0);
	eq(err, ECONNREFUSED);
	sk_close(&sa);
	guest_leave(&a);
	guest_leave(&b);
	net_down(n);
}

static struct sk refused(struct guest *a, const char *addr)
{
	struct sk s = sk_new(a, AF_INET, SOCK_DGRAM);
	eq(sk_connect(s, addr, 5001), 0);
	eq(send(s.fd, "x", 1, 0), 1);
	until(a->n, events_of(s.fd) & POLLERR);
	return s;
}

static int so_error_of(struct sk s, unsigned flags)
{
	struct reply r = call(s.g, (struct ipc_call){ .op = IPC_OP_GETSOCKOPT, .sock = s.num, .flags = (uint16_t)flags,
						      .arg = { SOL_SOCKET, SO_ERROR, 4 } }, "", 0, "", 0);
	int v = -1;
	memcpy(&v, r.data, sizeof v);
	eq(r.ret, 0);
	return v;
}

/* RFC 1122 4.1.3.3: ICMP errors are passed up.  Here natively, by the kernel, in the guest's own recv and send. */
TEST(refused_datagrams_make_the_next_plain_call_fail_once_and_poll_say_so)
{
	struct net *n = net_up(NULL);
	struct guest a = guest_come(n, "a", ""), b = guest_come(n, "b", "");
	char buf[8];
	struct sk s = refused(&a, b.addr);
	eq(events_of(s.fd) & (POLLERR | POLLIN | POLLHUP), POLLERR);
	eq(recv(s.fd, buf, sizeof buf, MSG_DONTWAIT), -1);
	eq(errno, ECONNRESET);
	eq(recv(s.fd, buf, sizeof buf, MSG_DONTWAIT), -1);
	eq(errno, EAGAIN);
	eq(events_of(s.fd) & POLLERR, 0);
	eq(so_error_of(s, IPC_CALL_TOLD), 0);			/* it was told */
	eq(so_error_of(s, 0), 0);
	sk_close(&s);
	s = refused(&a, b.addr);
	eq(send(s.fd, "x", 1, MSG_DONTWAIT), -1);
	eq(errno, ECONNRESET);
	struct sk sb = sk_new(&b, AF_INET, SOCK_DGRAM);		/* the socket lives on, in both directions */
	eq(bind_to(sb, "0.0.0.0", 5001), 0);
	eq(send(s.fd, "hello", 5, 0), 5);
	struct ipc_meta m;
	eq(receive(sb, buf, sizeof buf, &m), 5);
	struct sockaddr_in from;
	memcpy(&from, &m.from, sizeof from);
	eq(send_to(sb, a.addr, ntohs(from.sin_port), "answer"), 6);
	eq(read_once(n, s.fd, buf, sizeof buf), 6);
	sk_close(&s);
	sk_close(&sb);
	until(n, n->svc.n_gsocks == 0);
	guest_leave(&a);
	guest_leave(&b);
	net_down(n);
}

TEST(refused_datagrams_are_told_by_their_name_where_the_runner_asks)
{
	struct net *n = net_up(NULL);
	struct guest a = guest_come(n, "a", ""), b = guest_come(n, "b", "");
	struct sk s = refused(&a, b.addr);
	eq(so_error_of(s, 0), ECONNREFUSED);
	eq(so_error_of(s, 0), 0);
	sk_close(&s);
	s = refused(&a, b.addr);
	eq(send_to(s, b.addr, 5001, "x"), -ECONNREFUSED);	/* told instead of sending */
	eq(send_to(s, b.addr, 5001, "x"), 1);
	sk_close(&s);
	guest_leave(&a);
	guest_leave(&b);
	net_down(n);
}

TEST(what_a_guest_sent_before_its_last_close_arrives_and_a_copy_elsewhere_keeps_the_socket)
{
	struct net *n = net_up(NULL);
	struct guest a = guest_come(n, "a", ""), b = guest_come(n, "b", "");
	struct sk s = sk_new(&a, AF_INET, SOCK_DGRAM), sb = sk_new(&b, AF_INET, SOCK_DGRAM);
	char buf[8];
	eq(bind_to(sb, "0.0.0.0", 5001), 0);
	eq(sk_connect(s, b.addr, 5001), 0);
	int copy = dup(s.fd);
	sk_close(&s);
	turn(n);
	eq(send(copy, "last", 4, 0), 4);
	eq(send(copy, "", 0, 0), 0);
	close(copy);
	until(n, n->svc.n_gsocks == 1);
	eq(read_once(n, sb.fd, buf, sizeof buf), 4);
	eq(read_once(n, sb.fd, buf, sizeof buf), 0);
	sk_close(&sb);
	until(n, n->svc.n_gsocks == 0);
	guest_leave(&a);
	guest_leave(&b);
	net_down(n);
}

static size_t dns_query(uint8_t *q, const char *label)
{
	static const uint8_t head[12] = { 0x12, 0x34, 1, 0, 0, 1 };
	size_t n = strlen(label);
	memcpy(q, head, 12);
	q[12] = (uint8_t)n;
	memcpy(q + 13, label, n);
	memcpy(q + 13 + n, "\0\0\1\0\1", 5);
	return 18 + n;
}

/* Asks the name server at 127.0.0.1 of the guest's host; the rcode, and the address in text. */
static int lookup(struct guest *g, const char *label, char *addr)
{
	struct sk s = sk_new(g, AF_INET, SOCK_DGRAM);
	uint8_t q[128], out[512];
	size_t len = dns_query(q, label);
	eq(sk_connect(s, "127.0.0.1", 53), 0);
	eq(send(s.fd, q, len, 0), len);
	ssize_t n = read_once(g->n, s.fd, out, sizeof out);
	ok(n >= 12);
	if (out[7])
		inet_ntop(AF_INET, out + n - 4, addr, 32);
	sk_close(&s);
	return out[3] & 15;
}

TEST(hosts_find_each_other_by_name)
{
	struct net *n = net_up(NULL);
	struct guest a = guest_come(n, "curl", ""), b = guest_come(n, "x", "web");
	char addr[32] = "";
	eq(lookup(&a, "web", addr), 0);
	eq_str(addr, b.addr);
	eq(lookup(&a, "nobody", addr), 3);
	guest_leave(&a);
	guest_leave(&b);
	net_down(n);
}

TEST(guest_that_binds_the_name_servers_port_has_it_and_it_comes_back_after)
{
	struct net *n = net_up(NULL);
	struct guest a = guest_come(n, "dnsmasq", "");
	struct sk s = sk_new(&a, AF_INET, SOCK_DGRAM), c = sk_new(&a, AF_INET, SOCK_DGRAM);
	eq(bind_to(s, "0.0.0.0", 53), 0);
	eq(send_to(c, "127.0.0.1", 53, "for the guest"), 13);
	char buf[64], addr[32];
	eq(read_once(n, s.fd, buf, sizeof buf), 13);
	sk_close(&s);
	sk_close(&c);
	until(n, n->svc.n_gsocks == 0);
	for (int i = 0; i < 5; i++)
		turn(n);
	eq(lookup(&a, "dnsmasq", addr), 0);
	guest_leave(&a);
	net_down(n);
}

static struct ifreq interface(struct sk s, unsigned cmd, const char *name, int *err)
{
	struct ifreq r = { .ifr_ifindex = 0 };
	if (name)
		snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
	struct reply got = call(s.g, (struct ipc_call){ .op = IPC_OP_IOCTL, .sock = s.num, .arg = { (int)cmd } }, "", 0,
				&r, sizeof r);
	*err = got.ret;
	if (!got.ret)
		memcpy(&r, got.data, sizeof r);
	return r;
}

TEST(interface_questions_are_answered_from_the_hosts_own)
{
	struct net *n = net_up(NULL);
	struct guest a = guest_come(n, "ifconfig", "");
	struct sk s = sk_new(&a, AF_INET, SOCK_DGRAM);
	int err;
	char text[32];
	struct ifreq r = interface(s, SIOCGIFADDR, "eth0", &err);
	eq(err, 0);
	eq_str(inet_ntop(AF_INET, r.ifr_addr.sa_data + 2, text, sizeof text), a.addr);
	r = interface(s, SIOCGIFNETMASK, "eth0", &err);
	eq_mem(r.ifr_addr.sa_data + 2, "\xff\xff\0\0", 4);
	r = interface(s, SIOCGIFBRDADDR, "eth0", &err);
	eq_mem(r.ifr_addr.sa_data + 2, "\x0a\x4d\xff\xff", 4);
	r = interface(s, SIOCGIFMTU, "eth0", &err);
	eq(r.ifr_mtu, 1500);
	r = interface(s, SIOCGIFFLAGS, "lo", &err);
	eq(r.ifr_flags, IFF_UP | IFF_RUNNING | IFF_LOOPBACK);
	interface(s, SIOCGIFADDR, "eth9", &err);
	eq(err, -ENODEV);
	interface(s, SIOCSIFADDR, "eth0", &err);
	eq(err, -EPERM);
	struct reply conf = call(&a, (struct ipc_call){ .op = IPC_OP_IOCTL, .sock = s.num, .arg = { SIOCGIFCONF } }, "",
				 0, "", 0);
	eq(conf.ret, 0);
	ok(conf.data_len >= 2 * sizeof(struct ifreq));
	sk_close(&s);
	guest_leave(&a);
	net_down(n);
}

/* RFC 3678 5.2.2: the question which group's filter is meant comes with the call. */
TEST(filters_of_groups_are_asked_by_the_value)
{
	struct net *n = net_up(NULL);
	struct guest a = guest_come(n, "a", "");
	struct sk s = sk_new(&a, AF_INET, SOCK_DGRAM);
	struct ip_mreq_source join = { .imr_multiaddr = sin_of("232.1.2.3", 0).sin_addr, .imr_interface = sin_of(a.addr, 0).sin_addr };
	for (int i = 1; i < 3; i++) {
		join.imr_sourceaddr = sin_of(i == 1 ? "192.0.2.1" : "192.0.2.2", 0).sin_addr;
		eq(call(&a, (struct ipc_call){ .op = IPC_OP_SETSOCKOPT, .sock = s.num, .arg = { IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP } },
			"", 0, &join, sizeof join).ret, 0);
	}
	uint8_t v[IP_MSFILTER_SIZE(4)] = { 0 };
	struct ip_msfilter m = { .imsf_multiaddr = join.imr_multiaddr, .imsf_fmode = 9, .imsf_numsrc = 4 };
	memcpy(v, &m, IP_MSFILTER_SIZE(0));
	struct ipc_call c = { .op = IPC_OP_GETSOCKOPT, .sock = s.num, .arg = { IPPROTO_IP, IP_MSFILTER, sizeof v } };
	struct reply r = call(&a, c, "", 0, v, sizeof v);
	eq(r.ret, 0);
	eq(r.data_len, IP_MSFILTER_SIZE(2));
	memcpy(&m, r.data, IP_MSFILTER_SIZE(0));
	eq(m.imsf_fmode, MCAST_INCLUDE);
	eq(m.imsf_numsrc, 2);
	eq_mem(r.data + IP_MSFILTER_SIZE(1), &join.imr_sourceaddr, 4);
	eq(call(&a, c, "", 0, "", 0).ret, -EADDRNOTAVAIL);	/* a question that is not there asks for nobody's group */
	sk_close(&s);
	guest_leave(&a);
	net_down(n);
}
