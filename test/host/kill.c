/*
 * Guests and their runners killed at any moment, a thousand times: nothing of them stays in the service, no socket, no
 * descriptor, no packet, no memory; and who was there before goes on.
 */
#include "fake.h"
#include <dirent.h>
#include <linux/netlink.h>
#include <malloc.h>
#include <signal.h>
#include <sys/wait.h>

enum { KILLS = 1000, WARM = 200 };

/* ---- the child: a runner that never reads twice what it does ----------------------------------------------------- */
static int child_fd;
static uint64_t child_id;
static uint8_t child_buf[IPC_MAX];

static int child_call(struct ipc_call c, const void *name, size_t name_len, const void *data, size_t data_len, int *fd)
{
	uint8_t more[1024];
	c.name_len = (uint32_t)name_len;
	memcpy(more, name, name_len);
	memcpy(more + name_len, data, data_len);
	ipc_send(child_fd, IPC_CALL, ++child_id, &c, sizeof c, more, name_len + data_len, NULL, 0);
	struct ipc_head head;
	const uint8_t *body;
	int fds[IPC_MAX_FDS], n_fds = 0;
	int len = ipc_recv(child_fd, child_buf, &head, &body, fds, &n_fds);
	struct ipc_reply r;
	struct ipc_bytes a, b, d;
	if (len < 0 || !ipc_reply_parse(body, (size_t)len, &r, &a, &b, &d))
		_exit(1);
	if (fd)
		*fd = n_fds ? fds[0] : -1;
	return r.ret;
}

static void child_stream(struct rng *r, uint32_t num, int fd, const struct sockaddr_in *web)
{
	static const uint8_t plug[IPC_PLUG_LEN];
	char buf[4096] = "";
	bool nonblock = rng_below(r, 2);
	struct sockaddr_in to = *web;
	if (!rng_below(r, 4))
		to.sin_port = htons(81);		/* refused */
	int ret = child_call((struct ipc_call){ .op = IPC_OP_CONNECT, .sock = num, .flags = nonblock }, &to, sizeof to,
			     "", 0, NULL);
	if (nonblock && ret == -EINPROGRESS)
		send(fd, plug, sizeof plug, MSG_DONTWAIT | MSG_NOSIGNAL);
	send(fd, buf, 1 + rng_below(r, sizeof buf), MSG_DONTWAIT | MSG_NOSIGNAL);
	if (rng_below(r, 2))
		shutdown(fd, SHUT_WR);
	if (rng_below(r, 2))
		recv(fd, buf, 1, MSG_DONTWAIT);
	if (!rng_below(r, 3))
		close(fd);
}

static void child_listen(struct rng *r, uint32_t num)
{
	struct sockaddr_in any = sin_of("0.0.0.0", (uint16_t)(1000 + rng_below(r, 4)));
	child_call((struct ipc_call){ .op = IPC_OP_BIND, .sock = num }, &any, sizeof any, "", 0, NULL);
	child_call((struct ipc_call){ .op = IPC_OP_LISTEN, .sock = num, .arg = { 5 } }, "", 0, "", 0, NULL);
	/* Waits for ever, in most runs. */
	if (!rng_below(r, 4))
		child_call((struct ipc_call){ .op = IPC_OP_ACCEPT, .sock = num }, "", 0, "", 0, NULL);
}

static _Noreturn void child(const char *sock_path, uint64_t seed, struct sockaddr_in web)
{
	struct rng r;
	rng_init(&r, seed);
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	snprintf(un.sun_path, sizeof un.sun_path, "%.100s", sock_path);
	close_range(3, ~0u, 0);
	child_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct ipc_hello hello = {
		.version = IPC_VERSION, .role = IPC_ROLE_GUEST, .pid = getpid(), .program = "victim"
	};
	struct ipc_head head;
	const uint8_t *body;
	if (connect(child_fd, (struct sockaddr *)&un, sizeof un) < 0 ||
	    ipc_send(child_fd, IPC_HELLO, 0, &hello, sizeof hello, NULL, 0, NULL, 0) ||
	    ipc_recv(child_fd, child_buf, &head, &body, NULL, NULL) < 0)
		_exit(1);
	for (int i = 0; i < 50; i++) {
		int fd, kind = (int)rng_below(&r, 6);
		int domain = kind == 5 ? AF_NETLINK : AF_INET, type = kind < 3	 ? SOCK_STREAM
								      : kind < 5 ? SOCK_DGRAM
										 : SOCK_RAW;
		int num = child_call((struct ipc_call){ .op = IPC_OP_SOCKET, .arg = { domain, type, 0 } }, "", 0, "", 0,
				     &fd);
		if (num <= 0)
			continue;
		if (kind < 2)
			child_stream(&r, (uint32_t)num, fd, &web);
		else if (kind == 2)
			child_listen(&r, (uint32_t)num);
		else if (kind < 5)
			child_call((struct ipc_call){ .op = IPC_OP_SENDTO, .sock = (uint32_t)num }, &web, sizeof web,
				   "datagram", 8, NULL);
		else
			child_call((struct ipc_call){ .op = IPC_OP_SENDTO, .sock = (uint32_t)num }, "", 0, &(struct {
					   struct nlmsghdr h;
					   char g[4];
				   }){ { 20, 18, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 }, { 0 } },
				   20, NULL);
		if (rng_below(&r, 4) == 0)
			close(fd);
	}
	_exit(0);
}

/* ---- the parent -------------------------------------------------------------------------------------------------- */
/* Descriptors but those that say who sent a datagram, of which a bounded number is kept on purpose. */
static int fds_held(void)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	int n = 0;
	while ((e = readdir(d))) {
		char path[300], to[128];
		snprintf(path, sizeof path, "/proc/self/fd/%s", e->d_name);
		ssize_t len = readlink(path, to, sizeof to - 1);
		to[len > 0 ? len : 0] = 0;
		n += strstr(to, "outlet-from") == NULL;
	}
	closedir(d);
	return n;
}

/* The server that stays: takes what comes, reads some of it, lets go. */
static void serve(struct sk lis, struct rng *r)
{
	struct ipc_call accept = { .op = IPC_OP_ACCEPT, .sock = lis.num, .flags = IPC_CALL_NONBLOCK };
	for (int i = 0; i < 500; i++) {
		struct reply got = call(lis.g, accept, "", 0, "", 0);
		char buf[512];
		if (got.ret <= 0)
			return;
		recv(lis.fd, buf, 1, MSG_DONTWAIT);
		if (rng_below(r, 2))
			recv(got.fd, buf, sizeof buf, MSG_DONTWAIT);
		send(got.fd, "answer", 6, MSG_DONTWAIT | MSG_NOSIGNAL);
		close(got.fd);
	}
}

TEST(killed_guests_leave_nothing_behind)
{
	struct net *n = net_up(NULL);
	struct guest web = guest_come(n, "server", "web");
	struct sk lis = sk_listen(&web, 80);
	struct sockaddr_in to = sin_of(web.addr, 80);
	uint64_t seed = 0x5eed;
	struct rng r;
	rng_init(&r, seed);
	int fds = 0;
	size_t used = 0;
	for (int i = 0; i < KILLS; i++) {
		pid_t pid = fork();
		if (pid == 0)
			child(n->svc.sock_path, seed + (uint64_t)i, to);
		for (unsigned turns = rng_below(&r, 60); turns; turns--)
			loop_turn(&n->svc.loop, OL_MS / 4);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		if (i % 8 == 0)
			serve(lis, &r);
		if (i == WARM || i == KILLS - 1) {
			until(n, n->svc.n_clients == 1);
			serve(lis, &r);
			until(n, n->svc.n_gsocks == 1 && n->svc.n_tombs == 0);
			until(n, n->svc.n_hosts == 1);
			if (i == WARM) {
				fds = fds_held();
				ol_pool_trim(n->svc.pool);
				used = mallinfo2().uordblks;
			}
		}
	}
	eq(fds_held(), fds);
	eq(ol_pool_used(n->svc.pool), 0);
	/* TIME-WAIT grows with the crowd and stays its time; each killed guest had a host of 60 KiB and more. */
	ol_pool_trim(n->svc.pool);
	ok(mallinfo2().uordblks <= used + (2u << 20));
	/* And the service still serves. */
	struct guest late = guest_come(n, "late", "");
	struct sk s = sk_new(&late, AF_INET, SOCK_STREAM);
	eq(sk_connect(s, web.addr, 80), 0);
	struct sk peer = sk_accept(lis);
	char buf[8];
	ok(write_all(n, s.fd, "alive", 5));
	ok(read_all(n, peer.fd, buf, 5));
	sk_close(&s);
	sk_close(&peer);
	sk_close(&lis);
	guest_leave(&late);
	guest_leave(&web);
	net_down(n);
}
