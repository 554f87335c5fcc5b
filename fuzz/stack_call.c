/*
 * What programs do with the sockets of the stack of fuzz_stack.c, with arguments of the script's, good and bad; and what an
 * administrator changes meanwhile.
 */
#include "stack_world.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>

static socklen_t address(struct input *in, struct sockaddr_storage *to)
{
	static const uint8_t where4[8][4] = {
		{ 10, 0, 0, 2 }, { 10, 0, 0, 1 }, { 127, 0, 0, 1 }, { 0 }, { 224, 0, 0, 1 }, { 10, 0, 0, 255 },
		{ 10, 0, 1, 7 }, { 10, 9, 0, 1 },
	};
	uint8_t how = byte(in);
	uint16_t port = how & 0x10 ? 80 : how & 0x20 ? (uint16_t)(1000 + (how >> 6)) : how >> 6;
	struct sockaddr_in a4 = { .sin_family = how & 0xcc ? AF_INET : AF_UNSPEC, .sin_port = htons(port) };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	memset(to, 0, sizeof *to);
	if (how & 1) {
		uint8_t *b = (uint8_t *)&a6.sin6_addr;
		memcpy(b, how & 2 ? their6 : how & 4 ? our6 : in6addr_any.s6_addr, 16);
		if (how & 8)			/* mapped */
			memcpy(b, "\0\0\0\0\0\0\0\0\0\0\xff\xff\12\0\0\2", 16);
		memcpy(to, &a6, sizeof a6);
		return sizeof a6;
	}
	memcpy(&a4.sin_addr, where4[how >> 1 & 7], 4);
	memcpy(to, &a4, sizeof a4);
	return sizeof a4;
}

const char controls[][80] = { "reno", "cubic", "bbr" };
static const int levels[] = {
	SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_UDP, IPPROTO_ICMPV6, IPPROTO_RAW, 300,
};

static void option(struct world *w, struct input *in, ol_sock s)
{
	uint8_t how = byte(in), name = byte(in) % 100, len = how & 0x40 ? byte(in) % 80 : sizeof(int);
	uint8_t *val = calloc(1, len + 1u);
	socklen_t room = len;
	if (how & 0x10 && len >= sizeof(int))
		*(int *)(void *)val = (int)(1u << byte(in) % 32);
	else
		take(in, val, len);
	if (how & 0x20)
		must(ol_getsockopt(w->stk, s, levels[how % 8], name, val, &room, w->now) < 0 || room <= len);
	else if (levels[how % 8] == IPPROTO_TCP && name == TCP_CONGESTION)
		ol_setsockopt(w->stk, s, IPPROTO_TCP, name, controls[*val % 3], len, w->now);
	else
		ol_setsockopt(w->stk, s, levels[how % 8], name, val, len, w->now);
	free(val);
}

static void send_message(struct world *w, struct input *in, ol_sock s)
{
	static char much[70000];
	uint8_t how = byte(in);
	struct sockaddr_storage to;
	union { uint8_t b[96]; struct cmsghdr c; } ctl = { .b = { 0 } };
	struct iovec iov[2] = { { much, byte(in) }, { much + 300, how & 1 ? byte(in) * 256u : 0 } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	if (how & 2) {
		m.msg_namelen = address(in, &to);
		m.msg_name = &to;
	}
	if (how & 4) {
		ctl.c.cmsg_level = how & 8 ? IPPROTO_IPV6 : IPPROTO_IP;
		m.msg_control = &ctl;
		m.msg_controllen = how & 0x10 ? byte(in) % sizeof ctl : sizeof ctl;
		ctl.c.cmsg_type = byte(in) % 72;
		ctl.c.cmsg_len = how & 0x20 ? byte(in) : CMSG_LEN(how & 0x40 ? 20 : 4);
		take(in, ctl.b + sizeof ctl.c, 20);
	}
	ol_sendmsg(w->stk, s, &m, how & 0x80 ? 1 << byte(in) % 30 : 0, w->now);
}

static void receive_message(struct world *w, struct input *in, ol_sock s)
{
	uint8_t how = byte(in);
	size_t len = byte(in) * 300u, room = how & 1 ? byte(in) : 0;
	uint8_t *to = malloc(len + 1), *ctl = malloc(room + 1);
	struct sockaddr_storage from;
	struct iovec iov = { to, len };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = room, .msg_name = &from,
		.msg_namelen = how & 2 ? sizeof from : 0,
	};
	static const int all[] = { 0, 0, MSG_PEEK, MSG_TRUNC, MSG_OOB, MSG_ERRQUEUE, MSG_WAITALL, MSG_PEEK | MSG_OOB };
	int flags = all[how >> 2 & 7];
	ssize_t n = ol_recvmsg(w->stk, s, &m, flags, w->now);
	must(n <= (ssize_t)len || flags & MSG_TRUNC);
	must(n < 0 || m.msg_controllen <= room);
	free(to);
	free(ctl);
}

static void views(struct world *w, struct input *in, ol_sock s)
{
	struct iovec iov[3];
	uint8_t how = byte(in), part = byte(in);
	int most = 1 + how % 3, n = how & 1 ? ol_recv_view(w->stk, s, iov, most, w->now) :
		ol_send_view(w->stk, s, 1u + part * 64u, iov, most, w->now);
	size_t len = 0;
	must(n <= most);
	for (int i = 0; i < n; i++) {
		if (!(how & 1))
			memset(iov[i].iov_base, 'v', iov[i].iov_len);
		len += iov[i].iov_len;
	}
	if (n > 0 && how & 1)
		must(!ol_recv_done(w->stk, s, len * part / 255, w->now));
	else if (n > 0)
		ol_send_done(w->stk, s, len * part / 255, 0, w->now);
}

static void look_around(struct world *w, ol_sock s)
{
	struct sockaddr_storage a;
	struct ol_sock_info info;
	struct ol_event ev;
	socklen_t len = sizeof a;
	ol_getsockname(w->stk, s, (struct sockaddr *)&a, &len);
	len = sizeof a;
	ol_getpeername(w->stk, s, (struct sockaddr *)&a, &len);
	ol_poll(w->stk, s);
	ol_readable(w->stk, s);
	ol_unsent(w->stk, s);
	ol_writable(w->stk, s);
	ol_at_mark(w->stk, s);
	ol_backlog(w->stk, s);
	ol_lingering(w->stk, s);
	for (uint64_t cursor = 0; ol_sock_next(w->stk, &cursor, &info, w->now); )
		must(info.state < OL_TCP_STATE_MAX);
	for (int n = 0; ol_event_next(w->stk, &ev); n++)
		must(n < MAX_OUT);
}

/* What an administrator may change while packets are under way. */
static void administer(struct world *w, struct input *in)
{
	uint8_t how = byte(in);
	int ifi = w->ifi[how >> 3 & 1];
	struct ol_addr a = how & 0x10 ? ol_addr_from(6, how & 0x20 ? their6 : our6) :
		ol_addr_from(4, how & 0x20 ? their4 : our4);
	struct ol_route r = { .dst = a, .plen = a.ver == 4 ? 24 : 64, .ifi = ifi, .metric = byte(in) & 3 };
	if (how & 0x40)
		r.plen = 0;
	if (how & 0x80)
		r.gateway = ol_addr_from(a.ver, a.ver == 6 ? their6 : their4);
	if (!r.plen)
		r.dst = (struct ol_addr){ .ver = a.ver };
	switch (how & 7) {
	case 0: ol_addr_add(w->stk, ifi, &a, how & 0x40 ? a.ver == 4 ? 32 : 128 : r.plen); break;
	case 1: ol_addr_del(w->stk, ifi, &a); break;
	case 2: case 3: ol_route_add(w->stk, &r); break;
	case 4: ol_route_del(w->stk, &r); break;
	case 5: ol_iface_up(w->stk, ifi, how & 0x80); break;
	case 6: ol_neigh_add(w->stk, ifi, &a, &their_mac); break;
	case 7: for (unsigned i = 0; !ol_route_get(w->stk, i, &r); i++) must(i < MAX_OUT); break;
	}
}

static void make(struct world *w, struct input *in, ol_sock *x)
{
	static const int protocols[] = { 0, 0, 0, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_RAW };
	uint8_t how = byte(in);
	int type = how & 6 ? how & 2 ? SOCK_STREAM : SOCK_DGRAM : SOCK_RAW;
	if (*x >= 0)
		return;
	*x = ol_socket(w->stk, how & 1 ? AF_INET6 : AF_INET, type, protocols[how >> 3 & 7], w->now);
	w->raw |= *x >= 0 && type == SOCK_RAW;
}

void call(struct world *w, struct input *in)
{
	uint8_t what = byte(in);
	ol_sock *x = &w->s[what >> 4 & 7], c;
	struct sockaddr_storage a;
	socklen_t len;
	switch (what & 15) {
	case 0: make(w, in, x); break;
	case 1: len = address(in, &a); ol_bind(w->stk, *x, (struct sockaddr *)&a, len, w->now); break;
	case 2: case 3: len = address(in, &a); ol_connect(w->stk, *x, (struct sockaddr *)&a, len, w->now); break;
	case 4: ol_listen(w->stk, *x, byte(in) % 4, w->now); break;
	case 5: case 6:
		c = ol_accept(w->stk, *x, NULL, NULL, w->now);
		x = &w->s[byte(in) % SOCKS];
		if (c >= 0 && *x >= 0)
			ol_close(w->stk, *x, w->now);
		*x = c >= 0 ? c : *x;
		break;
	case 7: ol_shutdown(w->stk, *x, byte(in) % 3, w->now); break;
	case 8: ol_close(w->stk, *x, w->now); *x = -1; break;
	case 9: case 10: option(w, in, *x); break;
	case 11: case 12: send_message(w, in, *x); break;
	case 13: receive_message(w, in, *x); break;
	case 14: views(w, in, *x); break;
	case 15: if (byte(in) & 1) administer(w, in); else look_around(w, *x); break;
	}
	drain(w);
}

/* The socket of the groups blocks a source, or takes that back. */
void block(struct world *w, struct input *in)
{
	uint8_t how = byte(in);
	struct ip_mreq_source m = { .imr_sourceaddr.s_addr = htonl(0x0a000000u | how >> 1) };
	memcpy(&m.imr_multiaddr, group4, 4);
	memcpy(&m.imr_interface, our4, 4);
	ol_setsockopt(w->stk, w->s[1], IPPROTO_IP, how & 1 ? IP_BLOCK_SOURCE : IP_UNBLOCK_SOURCE, &m, sizeof m, w->now);
	drain(w);
}
