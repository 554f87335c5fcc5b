/*
 * The service as runners and tools may treat it.  The input is a script: clients come, greet, make calls that are well
 * formed or nearly so, send messages that are not, ask JSON, cancel, hang up; guests write into their ends of the
 * pairs, read, shut and close them; time passes; frames are lost and doubled on one of the wires.
 *
 * Every call that was well formed is answered exactly once while its client stays; every reply parses; every answer to
 * a tool is JSON; and at the end all packets, sockets, clients and descriptors are given back.
 */
#include <errno.h>
#include <jansson.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "box.h"

enum { CLIENTS = 4, SOCKS = 12, CALLS = 400, STEPS = 300, RAW_ID = 1 << 20 };

static const char network[] =
	"seed: 1\n"
	"guests: lan\n"
	"wires:\n"
	"  lan: {subnet: [10.1.0.0/24, fd01::/64]}\n"
	"  far: {subnet: 10.2.0.0/24, mode: strict, faults: loss=5% dup=5% delay=3ms}\n"
	"hosts:\n"
	"  web: {wire: lan, address: [10.1.0.5/24, fd01::5/64], gateway: 10.1.0.1}\n"
	"  sea: {wire: far, address: 10.2.0.5/24, gateway: 10.2.0.1}\n"
	"routers:\n"
	"  r: {interfaces: [{wire: lan, address: 10.1.0.1/24}, {wire: far, address: 10.2.0.1/24}]}\n";

struct sk { int fd; uint32_t num; };
struct cl { int fd; bool guest; };
static struct world {
	struct box b;
	struct cl cl[CLIENTS];
	struct sk sk[SOCKS];
	unsigned next_sk, n_calls;
	int8_t asked[CALLS];		/* by id: the client whose answer is due, -1: none */
} w;
static uint8_t buf[IPC_MAX];

/* ---- what comes back --------------------------------------------------------------------------------------------- */
static void keep(int fd, uint32_t num)
{
	struct sk *s = &w.sk[w.next_sk++ % SOCKS];
	if (s->fd >= 0)
		close(s->fd);
	*s = (struct sk){ fd, num };
}

static void look_json(const uint8_t *p, size_t len)
{
	json_t *j = json_loadb((const char *)p, len, 0, NULL);
	must(j != NULL);
	json_decref(j);
}

static void look_reply(int who, uint64_t id, const uint8_t *p, size_t len, int fd)
{
	struct ipc_reply r;
	struct ipc_bytes name, ctl, data;
	must(ipc_reply_parse(p, len, &r, &name, &ctl, &data));
	must(fd < 0 || r.ret > 0);
	if (fd >= 0)
		keep(fd, (uint32_t)r.ret);
	if (id >= RAW_ID)
		return;
	must(id < w.n_calls && w.asked[id] == who);
	w.asked[id] = -1;
}

static void forget(int who)
{
	close(w.cl[who].fd);
	w.cl[who].fd = -1;
	for (unsigned i = 0; i < w.n_calls; i++)
		if (w.asked[i] == who)
			w.asked[i] = -1;
}

static void hear(int who)
{
	struct ipc_head h;
	const uint8_t *body;
	int fds[IPC_MAX_FDS], n_fds, len;
	while (w.cl[who].fd >= 0 && (len = ipc_recv(w.cl[who].fd, buf, &h, &body, fds, &n_fds)) != -EAGAIN) {
		must(len != -EBADMSG && n_fds <= 1 && (!n_fds || h.type == IPC_REPLY));
		if (len < 0)
			forget(who);
		else if (h.type == IPC_REPLY)
			look_reply(who, h.id, body, (size_t)len, n_fds ? fds[0] : -1);
		else if (h.type == IPC_WELCOME || h.type == IPC_ANSWER || h.type == IPC_END)
			look_json(body, (size_t)len);
		else
			must(h.type == IPC_REFUSE || h.type == IPC_DATA);
	}
}

static void turn(ol_time later)
{
	box_turn(&w.b, later);
	for (int i = 0; i < CLIENTS; i++)
		hear(i);
}

/* ---- what goes in ------------------------------------------------------------------------------------------------ */
static void come(int who)
{
	if (w.cl[who].fd >= 0)
		forget(who);
	w.cl[who].fd = box_dial(&w.b);
	turn(0);
}

static void greet(int who, uint32_t role, const char *host, const char *program)
{
	struct ipc_hello h = { .version = IPC_VERSION, .role = role, .pid = 1 };
	strncpy(h.host, host, sizeof h.host - 1);
	strncpy(h.program, program, sizeof h.program - 1);
	w.cl[who].guest = role == IPC_ROLE_GUEST;
	ipc_send(w.cl[who].fd, IPC_HELLO, 0, &h, sizeof h, NULL, 0, NULL, 0);
}

static void greet_any(struct input *in, int who)
{
	static const char *const hosts[] = { "", "web", "sea", "r", "new", "New!",
		"nobody-with-a-name-that-is-much-too-long-to-fit-in-there-" };
	struct ipc_hello h = { .version = IPC_VERSION };
	uint8_t how = in_byte(in), host = in_byte(in) % 7;
	come(who);
	if (how & 0x80) {			/* anything: as it comes, cut, or with a file's name behind */
		size_t len = sizeof h;
		const uint8_t *p = in_take(in, &len);
		memcpy(&h, p, len);
		ipc_send(w.cl[who].fd, IPC_HELLO, 0, &h, how & 1 ? len : sizeof h, p, how & 2 ? len : 0, NULL, 0);
	} else {
		greet(who, how & 1 ? IPC_ROLE_TOOL : IPC_ROLE_GUEST, hosts[host], how & 2 ? "/a/Prog.x" : "");
	}
}

/* An address that leads somewhere, with a byte or two changed at times. */
static size_t address(struct input *in, uint8_t *to)
{
	static const uint32_t where[] = {
		0x0a010005, 0x0a020005, 0x7f000001, 0, 0x0a010001, 0xe0000001, 0x0a0100ff, 0x0a010063,
	};
	uint8_t kind = in_byte(in), port = in_byte(in);
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(port & 7 ? 80 + (port & 7) : port & 8 ? 53 : 0) };
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = a6.sin6_port };
	a4.sin_addr.s_addr = htonl(where[kind >> 2 & 7]);
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK };
	size_t len = 0;
	switch (kind & 3) {
	case 0: case 1:
		memcpy(to, &a4, len = sizeof a4);
		break;
	case 2:
		if (kind & 4)
			memcpy(&a6.sin6_addr, "\xfd\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\5", 16);
		else if (kind & 8)
			memcpy((uint8_t *)&a6.sin6_addr + 10, (uint8_t[]){ 255, 255, 10, 1, 0, 5 }, 6);
		memcpy(to, &a6, len = sizeof a6);
		break;
	case 3:
		memcpy(to, &nl, len = sizeof nl);
		break;
	}
	if (kind & 0x20)
		to[in_byte(in) % len] = in_byte(in);
	if (kind & 0x40)
		len = in_byte(in) % (len + 1);
	if (kind & 0x80)
		len = 0;
	return len;
}

static int32_t pick(struct input *in, const int32_t *of, size_t n)
{
	uint8_t b = in_byte(in);
	return b < 0xf0 ? of[b % n] : b & 1 ? -(int32_t)in_byte(in) : (int32_t)in_byte(in) << 16;
}
#define PICK(in, ...) pick(in, (const int32_t[]){ __VA_ARGS__ }, ARRAY_LEN(((const int32_t[]){ __VA_ARGS__ })))

static void args(struct input *in, struct ipc_call *c)
{
	switch (c->op) {
	case IPC_OP_SOCKET:
		c->arg[0] = PICK(in, AF_INET, AF_INET, AF_INET6, AF_NETLINK, AF_UNIX);
		c->arg[1] = PICK(in, SOCK_STREAM, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET);
		c->arg[2] = PICK(in, 0, 0, 0, IPPROTO_ICMP, IPPROTO_UDP, IPPROTO_TCP, IPPROTO_ICMPV6, IPPROTO_RAW);
		break;
	case IPC_OP_SETSOCKOPT: case IPC_OP_GETSOCKOPT:
		c->arg[0] = PICK(in, SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_UDP, SOL_NETLINK,
				 IPPROTO_ICMPV6);
		c->arg[1] = in_byte(in) % 80;
		c->arg[2] = PICK(in, 4, 1, 0, 256, 8, 16, 5000);
		break;
	case IPC_OP_IOCTL:
		c->arg[0] = PICK(in, FIONREAD, TIOCOUTQ, SIOCATMARK, SIOCGIFNAME, SIOCGIFCONF, SIOCGIFFLAGS,
				 SIOCSIFFLAGS, SIOCGIFADDR, SIOCSIFADDR, SIOCGIFBRDADDR, SIOCGIFNETMASK, SIOCGIFMTU,
				 SIOCGIFHWADDR, SIOCGIFINDEX, SIOCGIFTXQLEN);
		break;
	case IPC_OP_SENDTO:
		c->arg[0] = PICK(in, 0, 0, MSG_OOB, MSG_MORE, MSG_DONTWAIT | MSG_NOSIGNAL, MSG_EOR, MSG_CONFIRM);
		break;
	default:
		c->arg[0] = (int8_t)in_byte(in);
	}
}

static size_t control(struct input *in, uint8_t *to)
{
	uint8_t how = in_byte(in);
	if (how & 1)
		return 0;
	struct cmsghdr c = {
		.cmsg_len = CMSG_LEN(how & 4 ? 20 : how & 2 ? 12 : 4),
		.cmsg_level = how & 8 ? IPPROTO_IPV6 : IPPROTO_IP, .cmsg_type = in_byte(in) % 72,
	};
	size_t len = CMSG_SPACE(20), got = 20;
	memset(to, 0, len);
	if (how & 0x80)
		c.cmsg_len = in_byte(in);
	memcpy(to, &c, sizeof c);
	const uint8_t *p = in_take(in, &got);
	memcpy(to + sizeof c, p, MIN(got, len - sizeof c));
	return how & 0x40 ? in_byte(in) % (len + 1) : how & 0x20 ? len : MIN(CMSG_ALIGN(c.cmsg_len), len);
}

static void call(struct input *in, int who, uint16_t op)
{
	static uint8_t more[70000];
	if (w.cl[who].fd < 0 || w.n_calls >= CALLS)
		return;
	uint8_t how = in_byte(in);
	struct ipc_call c = { .op = op, .flags = how & 1, .pid = 1, .timeout_ns = how & 2 ? 50 * OL_MS : 0 };
	if (op != IPC_OP_SOCKET)
		c.sock = how & 0x40 ? in_byte(in) : w.sk[(how >> 2 & 15) % SOCKS].num;
	args(in, &c);
	size_t n = 0, data = 0;
	if (op == IPC_OP_BIND || op == IPC_OP_CONNECT || op == IPC_OP_SENDTO)
		n = c.name_len = (uint32_t)address(in, more);
	if (op == IPC_OP_SENDTO)
		n += c.ctl_len = (uint32_t)control(in, more + n);
	if (op == IPC_OP_SETSOCKOPT || op == IPC_OP_IOCTL || op == IPC_OP_SENDTO) {
		data = in_byte(in) % 64;
		const uint8_t *p = in_take(in, &data);
		memcpy(more + n, p, data);
		if (op == IPC_OP_SENDTO && how & 0x80) {
			size_t big = 65600 / 256 * (size_t)in_byte(in);
			memset(more + n + data, 'x', big);
			data += big;
		}
	}
	unsigned id = w.n_calls++;
	w.asked[id] = (int8_t)who;
	if (ipc_send(w.cl[who].fd, IPC_CALL, id, &c, sizeof c, more, n + data, NULL, 0) < 0 || !w.cl[who].guest)
		w.asked[id] = -1;
}

static void cancel(int who, unsigned id)
{
	if (w.cl[who].fd >= 0)
		ipc_send(w.cl[who].fd, IPC_CANCEL, id, NULL, 0, NULL, 0, NULL, 0);
}

/* Its length, type, descriptors and body as they come. */
static void raw(struct input *in, int who)
{
	if (w.cl[who].fd < 0)
		return;
	uint8_t how = in_byte(in);
	size_t len = in_byte(in);
	const uint8_t *p = in_take(in, &len);
	if (how & 0x80) {
		send(w.cl[who].fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		return;
	}
	int fds[2] = { w.cl[who].fd, w.cl[who].fd };
	ipc_send(w.cl[who].fd, how & 15, RAW_ID + 1u, p, len, NULL, 0, fds, (how >> 4 & 7) == 7 ? 2 : 0);
}

static void ask(struct input *in, int who)
{
	static const char *const json[] = {
		"{\"verb\":\"status\"}", "{\"verb\":\"hosts\"}", "{\"verb\":\"counters\"}", "{\"verb\":\"wire\"}",
		"{\"verb\":\"ss\"}", "{\"verb\":\"ss\",\"host\":\"web\"}",
		"{\"verb\":\"wire\",\"wire\":\"lan\",\"faults\":\"loss=9%\"}",
		"{\"verb\":\"wire\",\"host\":\"web\",\"faults\":\"none\"}", "{\"verb\":\"up\"}", "{\"verb\":\"down\"}",
		"{\"verb\":\"ping\",\"host\":\"web\",\"to\":\"10.2.0.5\",\"count\":3,\"interval_ms\":10}",
		"{\"verb\":\"capture\"}", "{\"verb\":\"capture\",\"host\":\"web\",\"snaplen\":40}",
		"{\"verb\":\"capture\",\"wire\":\"far\"}", "{\"verb\":\"events\"}",
		"{\"verb\":\"events\",\"host\":\"web\",\"calls\":true}",
	};
	if (w.cl[who].fd < 0)
		return;
	uint8_t which = in_byte(in);
	size_t len = in_byte(in);
	const char *p = json[which % ARRAY_LEN(json)];
	if (which & 0x80)
		p = (const char *)in_take(in, &len);
	else
		len = strlen(p);
	ipc_send(w.cl[who].fd, IPC_ASK, RAW_ID, p, len, NULL, 0, NULL, 0);
}

/* What a program does with its descriptor, without asking anybody. */
static void use(struct input *in)
{
	static uint8_t much[IPC_PLUG_LEN];
	uint8_t how = in_byte(in);
	struct sk *s = &w.sk[(how >> 4) % SOCKS];
	size_t len = in_byte(in);
	if (s->fd < 0)
		return;
	switch (how & 7) {
	case 0:
		send(s->fd, in_take(in, &len), len, MSG_NOSIGNAL | MSG_DONTWAIT);
		break;
	case 1:
		send(s->fd, much, len * 400, MSG_NOSIGNAL | MSG_DONTWAIT);
		break;
	case 2:
		send(s->fd, much, IPC_PLUG_LEN, MSG_NOSIGNAL | MSG_DONTWAIT);
		break;
	case 3: case 4:
		recv(s->fd, buf, len * 400, MSG_DONTWAIT);
		break;
	case 5:
		shutdown(s->fd, (int)(len % 3));
		break;
	case 6:
		close(s->fd);
		s->fd = -1;
		break;
	case 7: {				/* descriptors beside the bytes, which nobody asked for */
		struct iovec iov = { much, len };
		union { char b[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } ctl = { .align = {
			.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
		struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &ctl,
				    .msg_controllen = sizeof ctl };
		memcpy(CMSG_DATA(&ctl.align), &s->fd, sizeof s->fd);
		sendmsg(s->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
		break;
	}
	}
}

/* A listener on web and a connection to it from sea, so that scripts begin where it gets interesting. */
static void connected(void)
{
	static const uint8_t script[][2 + 24] = {
		{ 0, IPC_OP_SOCKET, 0, 0, 0, 0 },
		{ 0, IPC_OP_BIND, 1, 0, 3 << 2, 1 },
		{ 0, IPC_OP_LISTEN, 1, 5 },
		{ 1, IPC_OP_SOCKET, 0, 0, 0, 0 },
		{ 1, IPC_OP_CONNECT, 1 << 2, 0, 0, 1 },
		{ 0, IPC_OP_ACCEPT, 0, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(script); i++) {
		struct input s = { script[i] + 2, sizeof script[i] - 2 };
		call(&s, script[i][0], script[i][1]);
		for (int k = 0; k < 3; k++)
			turn(10 * OL_MS);
	}
}

static void step(struct input *in)
{
	uint8_t what = in_byte(in), who = what >> 4 & 3;
	switch (what & 15) {
	case 0: greet_any(in, who); break;
	case 1: raw(in, who); break;
	case 2: ask(in, who); break;
	case 3:
		cancel(who, w.n_calls ? in_byte(in) % w.n_calls : 0);
		break;
	case 4:
		if (w.cl[who].fd >= 0 && in_byte(in) & 1)
			forget(who);
		break;
	case 5: turn((ol_time)in_byte(in) * OL_MS); return;
	case 6: turn((ol_time)in_byte(in) * OL_SEC); return;
	case 7: case 8: case 9: use(in); break;
	default: call(in, who, 1 + in_byte(in) % (IPC_OP_MAX - 1)); break;
	}
	if (what & 0x80)
		return;				/* the next step comes before the service's turn */
	turn(0);
}

/* Every call still waiting is taken back, and then no answer may be missing. */
static void finish(void)
{
	turn(10 * OL_MS);
	for (unsigned i = 0; i < w.n_calls; i++)
		if (w.asked[i] >= 0)
			cancel(w.asked[i], i);
	for (int i = 0; i < 20; i++)
		turn(0);
	for (unsigned i = 0; i < w.n_calls; i++)
		must(w.asked[i] < 0 || w.b.svc.loop.stop);
	for (int i = 0; i < CLIENTS; i++)
		if (w.cl[i].fd >= 0)
			forget(i);
	for (int i = 0; i < SOCKS; i++)
		if (w.sk[i].fd >= 0)
			close(w.sk[i].fd);
	turn(OL_SEC);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	w.next_sk = w.n_calls = 0;
	for (int i = 0; i < CLIENTS; i++)
		w.cl[i] = (struct cl){ -1, false };
	for (int i = 0; i < SOCKS; i++)
		w.sk[i] = (struct sk){ -1, 0 };
	must(box_up(&w.b, network, sizeof network - 1));
	static const char *const host[] = { "web", "sea", "" };
	for (int i = 0; i < CLIENTS; i++) {
		come(i);
		greet(i, i < 3 ? IPC_ROLE_GUEST : IPC_ROLE_TOOL, i < 3 ? host[i] : "", "prog");
		turn(0);
	}
	if (in_byte(&in) & 1)
		connected();
	for (int i = 0; in.left && i < STEPS && !w.b.svc.loop.stop; i++)
		step(&in);
	finish();
	box_down(&w.b);
	return 0;
}
