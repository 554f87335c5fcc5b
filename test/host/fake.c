/* See fake.h. */
#include "fake.h"
#include <dirent.h>
#include <jansson.h>

static struct net the_net;

struct net *net_up(const char *file_text)
{
	struct net *n = &the_net;
	char why[1024] = "", path[128];
	snprintf(n->dir, sizeof n->dir, "/tmp/host-test-XXXXXX");
	ok(mkdtemp(n->dir));
	setenv("XDG_RUNTIME_DIR", n->dir, 1);
	snprintf(path, sizeof path, "%s/net.yaml", n->dir);
	if (file_text) {
		FILE *f = fopen(path, "w");
		fputs(file_text, f);
		fclose(f);
	}
	int err = svc_init(&n->svc, "test", file_text ? path : NULL, why, sizeof why);
	if (!err)
		err = svc_listen(&n->svc, why, sizeof why);
	if (err)
		print_error("%s\n", why);
	eq(err, 0);
	return n;
}

void net_down(struct net *n)
{
	char path[128];
	unlink(n->svc.sock_path);
	svc_fini(&n->svc);
	static const char *const left[] = { "net.yaml", "outlet/test.lock", "outlet", "" };
	for (size_t i = 0; i < ARRAY_LEN(left); i++) {
		snprintf(path, sizeof path, "%s/%s", n->dir, left[i]);
		remove(path);
	}
}

void turn(struct net *n) { loop_turn(&n->svc.loop, 20 * OL_MS); }

int dial(struct net *n)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	snprintf(un.sun_path, sizeof un.sun_path, "%.100s", n->svc.sock_path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	eq(connect(fd, (struct sockaddr *)&un, sizeof un), 0);
	return fd;
}

struct guest guest_come(struct net *n, const char *program, const char *host)
{
	struct guest g = { .n = n, .fd = dial(n), .buf = malloc(IPC_MAX) };
	struct ipc_hello hello = { .version = IPC_VERSION, .role = IPC_ROLE_GUEST, .pid = getpid() };
	snprintf(hello.program, sizeof hello.program, "%s", program);
	snprintf(hello.host, sizeof hello.host, "%s", host);
	eq(ipc_send(g.fd, IPC_HELLO, 0, &hello, sizeof hello, NULL, 0, NULL, 0), 0);
	struct ipc_head head;
	const uint8_t *body;
	int len = -EAGAIN;
	until(n, (len = ipc_recv(g.fd, g.buf, &head, &body, NULL, NULL)) != -EAGAIN);
	ok(len > 0);
	if (head.type != IPC_WELCOME)
		print_error("%.*s\n", len, (const char *)body);
	eq(head.type, IPC_WELCOME);
	json_t *j = json_loadb((const char *)body, (size_t)len, 0, NULL);
	snprintf(g.host, sizeof g.host, "%s", json_string_value(json_object_get(j, "host")));
	snprintf(g.addr, sizeof g.addr, "%s", json_string_value(json_array_get(json_object_get(j, "addresses"), 0)));
	g.addr[strcspn(g.addr, "/")] = 0;
	json_decref(j);
	return g;
}

void guest_leave(struct guest *g)
{
	close(g->fd);
	free(g->buf);
	unsigned before = g->n->svc.n_clients;
	until(g->n, g->n->svc.n_clients < before);
}

uint64_t ask(struct guest *g, struct ipc_call c, const void *name, size_t name_len, const void *data, size_t data_len)
{
	uint8_t more[8192];
	c.pid = getpid();
	c.name_len = (uint32_t)name_len;
	memcpy(more, name, name_len);
	memcpy(more + name_len, data, data_len);
	eq(ipc_send(g->fd, IPC_CALL, ++g->id, &c, sizeof c, more, name_len + data_len, NULL, 0), 0);
	return g->id;
}

bool heard(struct guest *g, struct reply *r, uint64_t *id)
{
	struct ipc_head head;
	const uint8_t *body;
	int fds[IPC_MAX_FDS], n_fds;
	int len = ipc_recv(g->fd, g->buf, &head, &body, fds, &n_fds);
	if (len == -EAGAIN)
		return false;
	ok(len >= 0);
	eq(head.type, IPC_REPLY);
	struct ipc_reply rep;
	struct ipc_bytes name, ctl, data;
	ok(ipc_reply_parse(body, (size_t)len, &rep, &name, &ctl, &data));
	*r = (struct reply){ .ret = rep.ret, .extra = rep.extra, .fd = n_fds ? fds[0] : -1 };
	r->name_len = name.len;
	r->data_len = data.len;
	ok(name.len <= sizeof r->name && data.len <= sizeof r->data);
	memcpy(r->name, name.p, name.len);
	memcpy(r->data, data.p, data.len);
	*id = head.id;
	return true;
}

struct reply wait_reply(struct guest *g, uint64_t id)
{
	struct reply r;
	uint64_t got = 0;
	until(g->n, heard(g, &r, &got));
	eq(got, id);
	return r;
}

struct reply call(struct guest *g, struct ipc_call c, const void *name, size_t name_len, const void *data,
		  size_t data_len)
{
	return wait_reply(g, ask(g, c, name, name_len, data, data_len));
}

struct sockaddr_in sin_of(const char *addr, uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	inet_pton(AF_INET, addr, &a.sin_addr);
	return a;
}

struct sk sk_new(struct guest *g, int domain, int type) { return sk_of(g, domain, type, 0); }

struct sk sk_of(struct guest *g, int domain, int type, int protocol)
{
	struct reply r = call(g, (struct ipc_call){ .op = IPC_OP_SOCKET, .arg = { domain, type, protocol } }, "", 0, "", 0);
	ok(r.ret > 0);
	ok(r.fd >= 0);
	return (struct sk){ .g = g, .fd = r.fd, .num = (uint32_t)r.ret };
}

struct sk sk_listen(struct guest *g, uint16_t port)
{
	struct sk s = sk_new(g, AF_INET, SOCK_STREAM);
	struct sockaddr_in a = sin_of("0.0.0.0", port);
	eq(call(g, (struct ipc_call){ .op = IPC_OP_BIND, .sock = s.num }, &a, sizeof a, "", 0).ret, 0);
	eq(call(g, (struct ipc_call){ .op = IPC_OP_LISTEN, .sock = s.num, .arg = { 128 } }, "", 0, "", 0).ret, 0);
	return s;
}

int sk_connect(struct sk s, const char *addr, uint16_t port)
{
	struct sockaddr_in a = sin_of(addr, port);
	return call(s.g, (struct ipc_call){ .op = IPC_OP_CONNECT, .sock = s.num }, &a, sizeof a, "", 0).ret;
}

struct sk sk_accept(struct sk s)
{
	struct reply r = call(s.g, (struct ipc_call){ .op = IPC_OP_ACCEPT, .sock = s.num }, "", 0, "", 0);
	ok(r.ret > 0);
	char token;
	eq(recv(s.fd, &token, 1, MSG_DONTWAIT), 1);
	return (struct sk){ .g = s.g, .fd = r.fd, .num = (uint32_t)r.ret };
}

int sk_opt(struct sk s, int level, int name)
{
	struct reply r = call(s.g,
			      (struct ipc_call){ .op = IPC_OP_GETSOCKOPT, .sock = s.num, .arg = { level, name, 4 } },
			      "", 0, "", 0);
	int v = 0;
	if (r.ret < 0)
		return r.ret;
	memcpy(&v, r.data, 4);
	return v;
}

void sk_close(struct sk *s)
{
	close(s->fd);
	s->fd = -1;
}

ssize_t read_once(struct net *n, int fd, void *buf, size_t len)
{
	ssize_t got = -1;
	until(n, (got = recv(fd, buf, len, MSG_DONTWAIT)) >= 0 || errno != EAGAIN);
	return got < 0 ? -errno : got;
}

bool read_all(struct net *n, int fd, void *buf, size_t len)
{
	uint8_t *p = buf;
	while (len) {
		ssize_t got = read_once(n, fd, p, len);
		if (got <= 0)
			return false;
		p += got;
		len -= (size_t)got;
	}
	return true;
}

bool write_all(struct net *n, int fd, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	while (len) {
		ssize_t put = -1;
		until(n, (put = send(fd, p, len, MSG_DONTWAIT | MSG_NOSIGNAL)) >= 0 || errno != EAGAIN);
		if (put < 0)
			return false;
		p += put;
		len -= (size_t)put;
	}
	return true;
}

short events_of(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP | POLLPRI };
	poll(&p, 1, 0);
	return p.revents;
}

int open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}
