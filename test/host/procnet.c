/* /proc/net of guests, read with the patterns that netstat, route and arp read it with. */
#include "fake.h"
#include <stdio.h>

/* The whole text; the errno where there is none. */
static int text_of(struct guest *g, const char *name, char *buf, size_t room)
{
	struct reply r = call(g, (struct ipc_call){ .op = IPC_OP_PROCNET }, "", 0, name, strlen(name));
	if (r.ret < 0)
		return r.ret;
	ok(r.fd >= 0);
	ssize_t n = read(r.fd, buf, room - 1);
	ok(n > 0);
	buf[n] = 0;
	eq(write(r.fd, "x", 1), -1);
	close(r.fd);
	return 0;
}

/* The i-th line, from 0. */
static const char *line(const char *text, int i)
{
	while (i-- && text)
		text = (text = strchr(text, '\n')) ? text + 1 : NULL;
	return text && *text ? text : NULL;
}

TEST(proc_net_tcp_has_the_hosts_connections_in_the_kernels_columns)
{
	struct net *n = net_up(NULL);
	struct guest a = guest_come(n, "a", ""), b = guest_come(n, "b", "");
	struct sk l = sk_listen(&b, 8080), c = sk_new(&a, AF_INET, SOCK_STREAM);
	eq(sk_connect(c, b.addr, 8080), 0);
	char text[4096];
	unsigned local, lport, remote, rport, state;
	struct in_addr want;
	eq(text_of(&a, "tcp", text, sizeof text), 0);
	eq(sscanf(line(text, 1), "%*d: %8X:%4X %8X:%4X %2X", &local, &lport, &remote, &rport, &state), 5);
	inet_pton(AF_INET, a.addr, &want);
	eq(local, want.s_addr);
	inet_pton(AF_INET, b.addr, &want);
	eq(remote, want.s_addr);
	eq(rport, 8080);
	eq(state, OL_TCP_ESTABLISHED);
	unsigned uid, inode, tx, rx;
	eq(sscanf(line(text, 1), "%*d: %*s %*s %*X %X:%X %*X:%*X %*X %u %*d %u", &tx, &rx, &uid, &inode), 4);
	eq(uid, getuid());
	ok(inode != 0);
	ok(!line(text, 2));					/* the listener is on the other host */
	eq(text_of(&b, "tcp", text, sizeof text), 0);
	ok(strstr(text, "00000000:1F90 00000000:0000 0A ") != NULL);
	eq(text_of(&b, "tcp6", text, sizeof text), 0);
	ok(!line(text, 1));
	struct sk six = sk_new(&b, AF_INET6, SOCK_DGRAM);
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(53), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	eq(call(&b, (struct ipc_call){ .op = IPC_OP_BIND, .sock = six.num }, &any, sizeof any, "", 0).ret, 0);
	eq(text_of(&b, "udp6", text, sizeof text), 0);
	ok(strstr(text, "00000000000000000000000001000000:0035 00000000000000000000000000000000:0000 07 ") != NULL);
	eq(text_of(&b, "sockstat6", text, sizeof text), 0);
	ok(strstr(text, "UDP6: inuse 1\n") != NULL);
	/* the listener, and the connection that nobody accepted yet */
	eq(text_of(&b, "sockstat", text, sizeof text), 0);
	ok(strstr(text, "TCP: inuse 2 orphan 0 tw 0 ") != NULL);
	sk_close(&six);
	sk_close(&c);
	sk_close(&l);
	guest_leave(&a);
	guest_leave(&b);
	net_down(n);
}

TEST(proc_net_tells_of_interfaces_routes_and_neighbours)
{
	struct net *n = net_up(NULL);
	struct guest a = guest_come(n, "a", ""), b = guest_come(n, "b", "");
	struct sk l = sk_listen(&b, 80), c = sk_new(&a, AF_INET, SOCK_STREAM);
	char text[4096], name[16], ip[32], mac[32], mask[8], dev[16];
	unsigned dst, gw, flags, metric, bits, type;
	eq(sk_connect(c, b.addr, 80), 0);
	eq(text_of(&a, "route", text, sizeof text), 0);
	eq(sscanf(line(text, 1), "%15s %X %X %X %*d %*d %u %X", name, &dst, &gw, &flags, &metric, &bits), 6);
	eq_str(name, "eth0");
	eq(dst, htonl(0x0a4d0000));
	eq(flags, 1);
	eq(bits, htonl(0xffff0000));
	eq(text_of(&a, "arp", text, sizeof text), 0);
	eq(sscanf(line(text, 1), "%31s 0x%x 0x%x %31s %7s %15s", ip, &type, &flags, mac, mask, dev), 6);
	eq_str(ip, b.addr);
	eq(type, 1);
	eq(flags, 2);
	eq(strlen(mac), 17);
	eq_str(dev, "eth0");
	eq(text_of(&a, "dev", text, sizeof text), 0);
	unsigned long long rx, packets;
	eq(sscanf(strstr(text, "eth0:"), "eth0: %llu %llu", &rx, &packets), 2);
	ok(rx > 0 && packets > 0);
	eq(text_of(&a, "if_inet6", text, sizeof text), 0);
	ok(strstr(text, "00000000000000000000000000000001 01 80 10 80       lo\n") != NULL);
	eq(text_of(&a, "ipv6_route", text, sizeof text), 0);
	ok(strstr(text, "fe800000000000000000000000000000 40 ") != NULL);
	eq(text_of(&a, "unix", text, sizeof text), -EXDEV);	/* the machine's: AF_UNIX is */
	eq(text_of(&a, "snmp", text, sizeof text), -ENOENT);
	eq(text_of(&a, "../self/mem", text, sizeof text), -ENOENT);
	eq(text_of(&a, "a name that is longer than any of them is", text, sizeof text), -ENOENT);
	sk_close(&c);
	sk_close(&l);
	guest_leave(&a);
	guest_leave(&b);
	net_down(n);
}
