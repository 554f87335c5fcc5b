/* Netlink of guests: rtnetlink's lists, and the sockets that `ss` asks for. */
#include "fake.h"
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include "base/rng.h"

/* Asks; the number of messages that come, DONE or an error included. */
static int question(struct sk s, uint16_t type, uint16_t flags, const void *body, size_t body_len, uint8_t *buf, size_t cap,
		    size_t *len)
{
	struct { struct nlmsghdr h; uint8_t body[512]; } req = {
		.h = { .nlmsg_len = NLMSG_LENGTH(body_len), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags, .nlmsg_seq = 7 },
	};
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	memcpy(req.body, body, body_len);
	eq(call(s.g, (struct ipc_call){ .op = IPC_OP_SENDTO, .sock = s.num }, &kernel, sizeof kernel, &req, req.h.nlmsg_len).ret,
	   req.h.nlmsg_len);
	int n = 0;
	*len = 0;
	for (bool over = false; !over; ) {
		ssize_t got = read_once(s.g->n, s.fd, buf + *len, cap - *len);
		assert_true(got > 0);
		struct nlmsghdr *h = (struct nlmsghdr *)(void *)(buf + *len);
		*len += (size_t)got;
		for (int left = (int)got; NLMSG_OK(h, (unsigned)left); h = NLMSG_NEXT(h, left)) {
			eq(h->nlmsg_seq, 7);
			n++;
			over |= h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR || !flags;
		}
	}
	return n;
}

static int dump(struct sk s, uint16_t type, uint8_t *buf, size_t cap, size_t *len)
{
	struct rtgenmsg all = { 0 };
	return question(s, type, NLM_F_DUMP, &all, sizeof all, buf, cap, len);
}

static int error_in(const uint8_t *buf)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)buf;
	struct nlmsgerr e;
	eq(h->nlmsg_type, NLMSG_ERROR);
	memcpy(&e, NLMSG_DATA(h), sizeof e);
	return e.error;
}

TEST(netlink_lists_interfaces_addresses_and_routes)
{
	struct net *n = net_up(NULL);
	struct guest a = guest_come(n, "ip", "");
	struct sk s = sk_new(&a, AF_NETLINK, SOCK_RAW);
	static _Alignas(8) uint8_t buf[32768];
	size_t len;
	eq(dump(s, RTM_GETLINK, buf, sizeof buf, &len), 3);		/* lo, eth0, the end */
	struct nlmsghdr *h = (struct nlmsghdr *)(void *)buf;
	eq(h->nlmsg_type, RTM_NEWLINK);
	ok(memmem(buf, len, "eth0", 5) != NULL);
	ok(dump(s, RTM_GETADDR, buf, sizeof buf, &len) >= 5);		/* two families each, the end */
	struct in_addr own;
	inet_pton(AF_INET, a.addr, &own);
	ok(memmem(buf, len, &own, 4) != NULL);
	ok(dump(s, RTM_GETROUTE, buf, sizeof buf, &len) >= 3);
	eq(dump(s, RTM_GETRULE, buf, sizeof buf, &len), 5);		/* local and main of two families, the end */
	eq(dump(s, RTM_GETQDISC, buf, sizeof buf, &len), 1);
	eq(error_in(buf), -EOPNOTSUPP);
	sk_close(&s);
	guest_leave(&a);
	net_down(n);
}

TEST(netlink_lists_neighbours_once_they_are_spoken_to)
{
	struct net *n = net_up(NULL);
	struct guest a = guest_come(n, "a", ""), b = guest_come(n, "b", "");
	struct sk s = sk_new(&a, AF_NETLINK, SOCK_RAW), l = sk_listen(&b, 80), c = sk_new(&a, AF_INET, SOCK_STREAM);
	static _Alignas(8) uint8_t buf[8192];
	size_t len;
	eq(dump(s, RTM_GETNEIGH, buf, sizeof buf, &len), 1);
	eq(sk_connect(c, b.addr, 80), 0);
	eq(dump(s, RTM_GETNEIGH, buf, sizeof buf, &len), 2);
	const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)buf;
	struct ndmsg m;
	memcpy(&m, NLMSG_DATA(h), sizeof m);
	eq(h->nlmsg_type, RTM_NEWNEIGH);
	eq(m.ndm_family, AF_INET);
	eq(m.ndm_state, NUD_REACHABLE);
	struct in_addr addr;
	inet_pton(AF_INET, b.addr, &addr);
	ok(memmem(buf, len, &addr, 4) != NULL);
	struct { struct ndmsg m; struct rtattr a; struct in_addr dst; } one = {
		.m = { .ndm_family = AF_INET }, .a = { .rta_len = RTA_LENGTH(4), .rta_type = NDA_DST }, .dst = addr,
	};
	eq(question(s, RTM_GETNEIGH, 0, &one, sizeof one, buf, sizeof buf, &len), 1);
	eq(((const struct nlmsghdr *)(const void *)buf)->nlmsg_type, RTM_NEWNEIGH);
	one.dst.s_addr ^= htonl(1 << 8);
	question(s, RTM_GETNEIGH, 0, &one, sizeof one, buf, sizeof buf, &len);
	eq(error_in(buf), -ENOENT);
	sk_close(&s);
	sk_close(&c);
	sk_close(&l);
	guest_leave(&a);
	guest_leave(&b);
	net_down(n);
}

/* ---- sock_diag --------------------------------------------------------------------------------------------------- */
static struct inet_diag_req_v2 want(uint8_t family, uint8_t protocol, uint8_t ext)
{
	return (struct inet_diag_req_v2){ .sdiag_family = family, .sdiag_protocol = protocol, .idiag_ext = ext,
					  .idiag_states = ~0u };
}

/* The i-th socket of an answer; *attrs, *attrs_len: what follows it. */
static struct inet_diag_msg row(const uint8_t *buf, size_t len, int i, const uint8_t **attrs, size_t *attrs_len)
{
	struct inet_diag_msg m = { 0 };
	const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)buf;
	for (int left = (int)len; NLMSG_OK(h, (unsigned)left); h = NLMSG_NEXT(h, left), i--) {
		if (i)
			continue;
		eq(h->nlmsg_type, SOCK_DIAG_BY_FAMILY);
		memcpy(&m, NLMSG_DATA(h), sizeof m);
		if (attrs) {
			*attrs = (const uint8_t *)NLMSG_DATA(h) + sizeof m;
			*attrs_len = h->nlmsg_len - NLMSG_LENGTH(sizeof m);
		}
	}
	return m;
}

static const void *attribute(const uint8_t *attrs, size_t len, uint16_t type, size_t *n)
{
	const struct rtattr *a = (const struct rtattr *)(const void *)attrs;
	for (int left = (int)len; RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == type) {
			*n = RTA_PAYLOAD(a);
			return RTA_DATA(a);
		}
	return NULL;
}

TEST(sock_diag_tells_of_the_hosts_connections_what_ss_shows)
{
	struct net *n = net_up(NULL);
	struct guest a = guest_come(n, "a", ""), b = guest_come(n, "b", "");
	struct sk s = sk_of(&a, AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG), l = sk_listen(&b, 80), c = sk_new(&a, AF_INET, SOCK_STREAM);
	static _Alignas(8) uint8_t buf[16384];
	size_t len, attrs_len, k;
	const uint8_t *attrs;
	eq(sk_connect(c, b.addr, 80), 0);
	struct inet_diag_req_v2 tcp = want(AF_INET, IPPROTO_TCP, 1 << (INET_DIAG_INFO - 1) | 1 << (INET_DIAG_CONG - 1));
	eq(question(s, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &tcp, sizeof tcp, buf, sizeof buf, &len), 2);
	struct inet_diag_msg m = row(buf, len, 0, &attrs, &attrs_len);
	struct in_addr mine, theirs;
	inet_pton(AF_INET, a.addr, &mine);
	inet_pton(AF_INET, b.addr, &theirs);
	eq(m.idiag_state, OL_TCP_ESTABLISHED);
	eq(m.id.idiag_src[0], mine.s_addr);
	eq(m.id.idiag_dst[0], theirs.s_addr);
	eq(ntohs(m.id.idiag_dport), 80);
	eq(m.idiag_uid, getuid());
	struct stat st;
	eq(fstat(c.fd, &st), 0);
	eq(m.idiag_inode, st.st_ino);				/* by which ss -p finds the process */
	eq_str(attribute(attrs, attrs_len, INET_DIAG_CONG, &k), "cubic");
	const struct tcp_info *info = attribute(attrs, attrs_len, INET_DIAG_INFO, &k);
	ok(info && k >= sizeof *info);
	eq(info->tcpi_state, OL_TCP_ESTABLISHED);
	ok(info->tcpi_rtt > 0 && info->tcpi_snd_mss > 1000);

	struct inet_diag_req_v2 one = want(AF_INET, IPPROTO_TCP, 0);	/* that one alone, as the kernel finds it */
	one.id = m.id;
	eq(question(s, SOCK_DIAG_BY_FAMILY, 0, &one, sizeof one, buf, sizeof buf, &len), 1);
	eq(row(buf, len, 0, NULL, NULL).idiag_inode, st.st_ino);
	one.id.idiag_cookie[0]++;
	question(s, SOCK_DIAG_BY_FAMILY, 0, &one, sizeof one, buf, sizeof buf, &len);
	eq(error_in(buf), -ESTALE);
	one.id.idiag_sport ^= 1;
	question(s, SOCK_DIAG_BY_FAMILY, 0, &one, sizeof one, buf, sizeof buf, &len);
	eq(error_in(buf), -ENOENT);
	question(s, SOCK_DESTROY, 0, &one, sizeof one, buf, sizeof buf, &len);
	eq(error_in(buf), -EPERM);

	tcp.idiag_states = 1 << OL_TCP_LISTEN;			/* the listener is on the other host */
	eq(question(s, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &tcp, sizeof tcp, buf, sizeof buf, &len), 1);
	struct sk sb = sk_of(&b, AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
	eq(question(sb, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &tcp, sizeof tcp, buf, sizeof buf, &len), 2);
	m = row(buf, len, 0, NULL, NULL);
	eq(m.idiag_rqueue, 1);					/* a connection waits, of 128 that may */
	eq(m.idiag_wqueue, 128);
	struct inet_diag_req_v2 unix_sockets = want(AF_UNIX, 0, 0);	/* the machine's: let the program look there */
	question(s, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &unix_sockets, sizeof unix_sockets, buf, sizeof buf, &len);
	eq(error_in(buf), -ENOENT);
	sk_close(&s);
	sk_close(&sb);
	sk_close(&c);
	sk_close(&l);
	guest_leave(&a);
	guest_leave(&b);
	net_down(n);
}

/* As `ss -u sport = :PORT and src ADDR` sends it. */
static int filtered(struct sk s, uint16_t port, const char *src, uint8_t plen, uint8_t *buf, size_t cap, size_t *len)
{
	struct {
		struct inet_diag_req_v2 r;
		struct rtattr a;
		struct inet_diag_bc_op s_eq, port;
		struct inet_diag_bc_op cond;
		uint8_t family, prefix_len, pad[2];
		int32_t any_port;
		struct in_addr addr;
	} q = {
		.r = want(AF_INET, IPPROTO_UDP, 0),
		.a = { .rta_len = sizeof q - sizeof q.r, .rta_type = INET_DIAG_REQ_BYTECODE },
		.s_eq = { INET_DIAG_BC_S_EQ, 8, 8 + 16 + 4 }, .port = { .no = port },
		.cond = { INET_DIAG_BC_S_COND, 16, 16 + 4 }, .family = AF_INET, .prefix_len = plen, .any_port = -1,
	};
	inet_pton(AF_INET, src, &q.addr);
	return question(s, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &q, sizeof q, buf, cap, len);
}

TEST(sock_diag_runs_the_filter_of_the_request)
{
	struct net *n = net_up(NULL);
	struct guest a = guest_come(n, "a", "");
	struct sk s = sk_of(&a, AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG), u[3];
	static _Alignas(8) uint8_t buf[16384];
	size_t len;
	for (int i = 0; i < 3; i++) {
		struct sockaddr_in at = sin_of(i == 2 ? a.addr : "127.0.0.1", (uint16_t)(5000 + i));
		u[i] = sk_new(&a, AF_INET, SOCK_DGRAM);
		eq(call(&a, (struct ipc_call){ .op = IPC_OP_BIND, .sock = u[i].num }, &at, sizeof at, "", 0).ret, 0);
	}
	eq(filtered(s, 5001, "127.0.0.1", 32, buf, sizeof buf, &len), 2);
	struct inet_diag_msg m = row(buf, len, 0, NULL, NULL);
	eq(ntohs(m.id.idiag_sport), 5001);
	eq(m.idiag_state, OL_TCP_CLOSED);			/* as the kernel says of a UDP socket without a peer */
	eq(filtered(s, 5001, "127.0.0.9", 28, buf, sizeof buf, &len), 2);
	eq(filtered(s, 5001, "127.0.0.9", 29, buf, sizeof buf, &len), 1);
	eq(filtered(s, 5002, "127.0.0.0", 8, buf, sizeof buf, &len), 1);
	eq(filtered(s, 5002, "10.77.0.0", 16, buf, sizeof buf, &len), 2);
	eq(filtered(s, 5002, "0.0.0.0", 33, buf, sizeof buf, &len), 1);
	eq(error_in(buf), -EINVAL);
	for (int i = 0; i < 3; i++)
		sk_close(&u[i]);
	sk_close(&s);
	guest_leave(&a);
	net_down(n);
}

static void survives(int protocol, uint16_t first, uint32_t types, uint64_t seed)
{
	struct net *n = net_up(NULL);
	struct guest a = guest_come(n, "fuzz", "");
	struct sk s = sk_of(&a, AF_NETLINK, SOCK_RAW, protocol), l = sk_listen(&a, 80);
	struct rng r;
	rng_init(&r, seed);
	for (int i = 0; i < 2000; i++) {
		uint8_t req[160];
		size_t len = rng_below(&r, sizeof req + 1);
		for (size_t k = 0; k < sizeof req; k++)
			req[k] = (uint8_t)(rng_below(&r, 4) ? 0 : rng_below(&r, 2) ? 4 * rng_below(&r, 8) : rng_u64(&r));
		struct nlmsghdr h = { .nlmsg_len = rng_below(&r, sizeof req + 20),
				      .nlmsg_type = (uint16_t)(first + rng_below(&r, types)),
				      .nlmsg_flags = NLM_F_REQUEST | (rng_below(&r, 2) ? NLM_F_DUMP : 0) };
		memcpy(req, &h, sizeof h);
		if (protocol == NETLINK_SOCK_DIAG) {
			struct inet_diag_req_v2 q = want(rng_below(&r, 2) ? AF_INET : AF_UNSPEC, IPPROTO_TCP, (uint8_t)rng_u64(&r));
			memcpy(req + sizeof h, &q, sizeof q);
			struct rtattr code = { .rta_len = (uint16_t)rng_below(&r, 80), .rta_type = INET_DIAG_REQ_BYTECODE };
			memcpy(req + sizeof h + sizeof q, &code, sizeof code);
		}
		call(&a, (struct ipc_call){ .op = IPC_OP_SENDTO, .sock = s.num }, "", 0, req, len);
		uint8_t out[8192];
		while (recv(s.fd, out, sizeof out, MSG_DONTWAIT) > 0)
			;
	}
	sk_close(&s);
	sk_close(&l);
	guest_leave(&a);
	net_down(n);
}

TEST(rtnetlink_survives_any_request) { survives(NETLINK_ROUTE, RTM_NEWLINK, 24, 0x4e1); }
TEST(sock_diag_survives_any_request) { survives(NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY - 1, 3, 0x4e2); }
