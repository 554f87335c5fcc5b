/*
 * Socket calls: arguments from the script, the call by packetdrill's table, and what must come back.  Buffers are zeros in and
 * out; a script counts bytes and does not name them.  Descriptors are numbered by the script and mapped to the adapter's.
 */
#include "lex.h"
#include "run.h"
#include "wire/tcp.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/sockios.h>

enum { MAX_COUNT = 1 << 24, MAX_POLL = 16, MAX_IOV = 16 };

struct made { struct run *r; const struct script_call *c; char *said; void *u; };

static bool say(struct made *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool say(struct made *m, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(m->said, SCRIPT_ERROR_LEN, fmt, ap);
	va_end(ap);
	return false;
}

/* ---- arguments ------------------------------------------------------------------------------------------------------ */
static bool num_of(struct made *m, const struct expr *e, const char *what, int64_t *v)
{
	if (e && e->kind == EXPR_LIST && e->child && !e->child->next)	/* [4] */
		e = e->child;
	if (!e || e->kind != EXPR_NUM)
		return say(m, "%s of %.*s() is no number", what, (int)m->c->name.len, m->c->name.p);
	*v = e->num;
	return true;
}

static bool num(struct made *m, int i, const char *what, int64_t *v) { return num_of(m, m->c->arg[i], what, v); }

static bool int_arg(struct made *m, int i, const char *what, int *v)
{
	int64_t x = 0;
	if (!num(m, i, what, &x))
		return false;
	*v = (int)x;
	return true;
}

static bool count_arg(struct made *m, int i, size_t *n)
{
	int64_t x = 0;
	if (!num(m, i, "the count", &x))
		return false;
	if (x < 0 || x > MAX_COUNT)
		return say(m, "a count of %lld is not within 0 to %d", (long long)x, MAX_COUNT);
	*n = (size_t)x;
	return true;
}

static bool live_fd(struct made *m, int64_t script, int *fd)
{
	for (int i = 0; i < m->r->n_fds; i++)
		if (m->r->fds[i].script == script) {
			*fd = m->r->fds[i].live;
			return true;
		}
	return say(m, "descriptor %lld is not open", (long long)script);
}

static bool fd_arg(struct made *m, int i, int *fd)
{
	int64_t x;
	return num(m, i, "the descriptor", &x) && live_fd(m, x, fd);
}

static const struct expr *field(const struct expr *e, const char *name, int at)
{
	if (!e || e->kind != EXPR_FIELDS)
		return NULL;
	for (const struct expr *f = e->child; f; f = f->next, at--)
		if (f->name.len ? text_is(f->name, name) : at == 0)
			return f;
	return NULL;
}

static bool field_num(struct made *m, const struct expr *e, const char *name, int64_t *v)
{
	const struct expr *f = field(e, name, -1);
	return f ? num_of(m, f, name, v) : say(m, "{%s=...} is missing", name);
}

/* A buffer of n zeros, or a place for n bytes; nobody looks at what is read. */
static void *buffer(size_t n)
{
	void *p = calloc(1, n ? n : 1);
	if (!p)
		abort();
	return p;
}

/* ---- what comes back -------------------------------------------------------------------------------------------------- */
static bool back(struct made *m, ssize_t got)
{
	int err = got < 0 ? errno : 0;
	char a[16], b[16];
	if (m->c->result->kind == EXPR_NUM && got != m->c->result->num) {
		if (got < 0)
			return say(m, "the call returned -1 with %s, not %lld", errno_name(err, a), (long long)m->c->result->num);
		return say(m, "the call returned %zd, not %lld", got, (long long)m->c->result->num);
	}
	if (m->c->err && err != m->c->err)
		return say(m, "the error is %s, not %s", err ? errno_name(err, a) : "none", errno_name(m->c->err, b));
	return true;
}

/* A call that makes a descriptor: its number is the script's to give. */
static bool back_fd(struct made *m, int got)
{
	const struct expr *e = m->c->result;
	if (got < 0 || e->kind != EXPR_NUM || e->num < 0)
		return back(m, got);
	for (int i = 0; i < m->r->n_fds; i++)
		if (m->r->fds[i].script == e->num)
			return say(m, "descriptor %lld is open already", (long long)e->num);
	if (m->r->n_fds == RUN_MAX_FDS)
		return say(m, "a script may have %d descriptors at most", RUN_MAX_FDS);
	m->r->fds[m->r->n_fds].script = (int)e->num;
	m->r->fds[m->r->n_fds++].live = got;
	return true;
}

/* ---- descriptors that come and go --------------------------------------------------------------------------------------- */
static struct flow *flow_of_fd(struct run *r, int fd)
{
	for (struct flow *f = r->flows; f; f = f->next)
		if (f->fd == fd)
			return f;
	return NULL;
}

static bool do_socket(struct made *m)
{
	int domain = m->r->s->ip == SCRIPT_IP4 ? AF_INET : AF_INET6, type, protocol;
	if (m->c->arg[0]->kind != EXPR_ANY && !int_arg(m, 0, "the domain", &domain))
		return false;
	if (!int_arg(m, 1, "the type", &type) || !int_arg(m, 2, "the protocol", &protocol))
		return false;
	int fd = m->r->ifc.socket(m->u, domain, type, protocol);
	if (!back_fd(m, fd))
		return false;
	struct flow *f = fd >= 0 ? flow_new(m->r) : NULL;
	if (f)
		f->fd = fd;
	return true;
}

static bool do_bind(struct made *m)
{
	struct sockaddr_storage ss;
	struct ol_endpoint e = { run_address(m->r, true), m->r->s->set.bind_port };
	int fd;
	if (!fd_arg(m, 0, &fd))
		return false;
	socklen_t len = run_sockaddr(m->r, &e, &ss);
	return back(m, m->r->ifc.bind(m->u, fd, (struct sockaddr *)&ss, len));
}

static bool do_listen(struct made *m)
{
	int fd, backlog;
	if (!fd_arg(m, 0, &fd) || !int_arg(m, 1, "the backlog", &backlog) || !back(m, m->r->ifc.listen(m->u, fd, backlog)))
		return false;
	struct flow *f = flow_of_fd(m->r, fd);
	if (f && f->state == FLOW_NEW)
		f->state = FLOW_LISTENING;
	return true;
}

/* The flow whose peer this is gets the descriptor. */
static bool do_accept(struct made *m)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof ss;
	int listener;
	if (!fd_arg(m, 0, &listener))
		return false;
	int fd = m->r->ifc.accept(m->u, listener, (struct sockaddr *)&ss, &len);
	if (!back_fd(m, fd) || fd < 0)
		return fd < 0 && !*m->said;
	uint16_t port = ntohs(ss.ss_family == AF_INET ? ((struct sockaddr_in *)&ss)->sin_port : ((struct sockaddr_in6 *)&ss)->sin6_port);
	for (struct flow *f = m->r->flows; f; f = f->next)
		if (f->state >= FLOW_SYN_RECEIVED && f->remote.port == port)
			f->fd = fd;
	return true;
}

static bool do_connect(struct made *m)
{
	struct sockaddr_storage ss;
	struct ol_endpoint e = { run_address(m->r, false), m->r->s->set.connect_port };
	int fd;
	if (!fd_arg(m, 0, &fd))
		return false;
	socklen_t len = run_sockaddr(m->r, &e, &ss);
	const struct expr *family = field(m->c->arg[1], "sa_family", -1);
	if (family && family->num == AF_UNSPEC)
		ss.ss_family = AF_UNSPEC;
	struct flow *f = flow_of_fd(m->r, fd);
	if (f && f->state == FLOW_NEW && ss.ss_family != AF_UNSPEC) {	/* before the call: it may block */
		f->state = FLOW_CONNECTING;
		f->remote = e;
	}
	return back(m, m->r->ifc.connect(m->u, fd, (struct sockaddr *)&ss, len));
}

static bool do_close(struct made *m)
{
	int fd;
	if (!fd_arg(m, 0, &fd) || !back(m, m->r->ifc.close(m->u, fd)))
		return false;
	for (int i = 0; i < m->r->n_fds; i++)
		if (m->r->fds[i].live == fd)
			m->r->fds[i--] = m->r->fds[--m->r->n_fds];
	struct flow *f = flow_of_fd(m->r, fd);
	if (f)
		f->fd = -1;
	return true;
}

static bool do_shutdown(struct made *m)
{
	int fd, how;
	return fd_arg(m, 0, &fd) && int_arg(m, 1, "the way", &how) && back(m, m->r->ifc.shutdown(m->u, fd, how));
}

/* ---- text -------------------------------------------------------------------------------------------------------------- */
static bool transfer(struct made *m, bool out, int flags_at, bool with_address)
{
	int fd, flags = 0;
	size_t n = 0;
	if (!fd_arg(m, 0, &fd) || !count_arg(m, 2, &n) || (flags_at && !int_arg(m, flags_at, "the flags", &flags)))
		return false;
	const struct packetdrill_interface *i = &m->r->ifc;
	struct ol_endpoint e = { run_address(m->r, false), m->r->s->set.connect_port };
	struct sockaddr_storage ss;
	bool named = with_address && m->c->arg[4]->kind != EXPR_NUM;
	socklen_t len = named ? run_sockaddr(m->r, &e, &ss) : 0;
	struct flow *f = flow_of_fd(m->r, fd);
	if (named && out && f && f->state == FLOW_NEW) {		/* sendto() that opens: RFC 7413 */
		f->state = FLOW_CONNECTING;
		f->remote = e;
	}
	void *buf = buffer(n);
	ssize_t got;
	if (with_address && out)
		got = i->sendto(m->u, fd, buf, n, flags, named ? (struct sockaddr *)&ss : NULL, len);
	else if (with_address)
		got = i->recvfrom(m->u, fd, buf, n, flags, NULL, NULL);
	else if (flags_at)
		got = out ? i->send(m->u, fd, buf, n, flags) : i->recv(m->u, fd, buf, n, flags);
	else
		got = out ? i->write(m->u, fd, buf, n) : i->read(m->u, fd, buf, n);
	int err = errno;
	free(buf);
	errno = err;
	return back(m, got);
}

static bool do_read(struct made *m) { return transfer(m, false, 0, false); }
static bool do_write(struct made *m) { return transfer(m, true, 0, false); }
static bool do_recv(struct made *m) { return transfer(m, false, 3, false); }
static bool do_send(struct made *m) { return transfer(m, true, 3, false); }
static bool do_recvfrom(struct made *m) { return transfer(m, false, 3, true); }
static bool do_sendto(struct made *m) { return transfer(m, true, 3, true); }

/* [{..., 100}, {..., 200}] */
static bool iovecs(struct made *m, const struct expr *list, struct iovec iov[MAX_IOV], int *n)
{
	*n = 0;
	if (!list || list->kind != EXPR_LIST)
		return say(m, "the buffers are no list like [{..., 100}]");
	for (const struct expr *e = list->child; e; e = e->next) {
		int64_t len;
		if (*n == MAX_IOV)
			return say(m, "a script may have %d buffers in a call at most", MAX_IOV);
		if (!num_of(m, field(e, "", 1), "the length", &len))
			return false;
		if (len < 0 || len > MAX_COUNT)
			return say(m, "a buffer of %lld bytes is not within 0 to %d", (long long)len, MAX_COUNT);
		iov[(*n)++].iov_len = (size_t)len;
	}
	for (int i = 0; i < *n; i++)
		iov[i].iov_base = buffer(iov[i].iov_len);
	return true;
}

static bool back_iov(struct made *m, ssize_t got, struct iovec *iov, int n)
{
	int err = errno;
	for (int i = 0; i < n; i++)
		free(iov[i].iov_base);
	errno = err;
	return back(m, got);
}

static bool vector(struct made *m, bool out)
{
	struct iovec iov[MAX_IOV];
	int fd, n;
	if (!fd_arg(m, 0, &fd) || !iovecs(m, m->c->arg[1], iov, &n))
		return false;
	return back_iov(m, out ? m->r->ifc.writev(m->u, fd, iov, n) : m->r->ifc.readv(m->u, fd, iov, n), iov, n);
}

static bool do_readv(struct made *m) { return vector(m, false); }
static bool do_writev(struct made *m) { return vector(m, true); }

static bool message(struct made *m, bool out)
{
	struct iovec iov[MAX_IOV];
	int fd, n, flags;
	int64_t flags_after = 0;
	const struct expr *e = m->c->arg[1], *after = field(e, "msg_flags", -1);
	if (!fd_arg(m, 0, &fd) || !int_arg(m, 2, "the flags", &flags) || (after && !num_of(m, after, "msg_flags", &flags_after)))
		return false;
	if (field(e, "msg_control", -1))
		return say(m, "ancillary data is not compared here");
	if (!iovecs(m, field(e, "msg_iov", -1), iov, &n))
		return false;
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = (size_t)n };
	ssize_t got = out ? m->r->ifc.sendmsg(m->u, fd, &msg, flags) : m->r->ifc.recvmsg(m->u, fd, &msg, flags);
	if (!back_iov(m, got, iov, n))
		return false;
	return out || msg.msg_flags == (int)flags_after || say(m, "msg_flags is 0x%x, not 0x%llx", msg.msg_flags, (long long)flags_after);
}

static bool do_recvmsg(struct made *m) { return message(m, false); }
static bool do_sendmsg(struct made *m) { return message(m, true); }

/* ---- options -------------------------------------------------------------------------------------------------------------- */
union value { int i; struct linger linger; struct timeval tv; char bytes[256]; };

/* [1], 1, {onoff=1, linger=0}, "cubic".  Returns the length, or -1 with a sentence. */
static ssize_t value_of(struct made *m, const struct expr *e, union value *v)
{
	int64_t a, b;
	memset(v, 0, sizeof *v);
	if (e->kind == EXPR_STR) {
		size_t n = e->str.len < sizeof v->bytes ? e->str.len : sizeof v->bytes;
		memcpy(v->bytes, e->str.p, n);
		return (ssize_t)n;
	}
	if (e->kind == EXPR_FIELDS && field(e, "onoff", -1)) {
		if (!field_num(m, e, "onoff", &a) || !field_num(m, e, "linger", &b))
			return -1;
		v->linger = (struct linger){ (int)a, (int)b };
		return sizeof v->linger;
	}
	if (e->kind == EXPR_FIELDS && field(e, "tv_sec", -1)) {
		if (!field_num(m, e, "tv_sec", &a) || !field_num(m, e, "tv_usec", &b))
			return -1;
		v->tv = (struct timeval){ a, b };
		return sizeof v->tv;
	}
	if (!num_of(m, e, "the value", &a))
		return -1;
	v->i = (int)a;
	return sizeof v->i;
}

static bool do_setsockopt(struct made *m)
{
	int fd, level, name, len;
	union value v;
	if (!fd_arg(m, 0, &fd) || !int_arg(m, 1, "the level", &level) || !int_arg(m, 2, "the option", &name) ||
	    !int_arg(m, 4, "the length", &len) || value_of(m, m->c->arg[3], &v) < 0)
		return false;
	if (len < 0 || len > (int)sizeof v)
		return say(m, "a length of %d is not within 0 to %zu", len, sizeof v);
	return back(m, m->r->ifc.setsockopt(m->u, fd, level, name, &v, (socklen_t)len));
}

static bool do_getsockopt(struct made *m)
{
	int fd, level, name, want_len;
	union value want, got = { 0 };
	if (!fd_arg(m, 0, &fd) || !int_arg(m, 1, "the level", &level) || !int_arg(m, 2, "the option", &name) ||
	    !int_arg(m, 4, "the length", &want_len))
		return false;
	if (want_len < 0 || want_len > (int)sizeof got)
		return say(m, "a length of %d is not within 0 to %zu", want_len, sizeof got);
	socklen_t len = (socklen_t)want_len;
	if (!back(m, m->r->ifc.getsockopt(m->u, fd, level, name, &got, &len)))
		return false;
	if (m->c->arg[3]->kind == EXPR_ANY || m->c->result->num)
		return true;
	ssize_t n = value_of(m, m->c->arg[3], &want);
	if (n < 0)
		return false;
	if (n != want_len)
		return say(m, "a value like this has %zd bytes, not %d", n, want_len);
	if ((socklen_t)want_len != len)
		return say(m, "the value has %u bytes, not %d", len, want_len);
	if (memcmp(&want, &got, (size_t)n < len ? (size_t)n : len)) {
		if (n == sizeof want.i)
			return say(m, "the value is %d, not %d", got.i, want.i);
		return say(m, "the value is another");
	}
	return true;
}

static bool do_fcntl(struct made *m)
{
	int fd, cmd, arg = 0;
	if (!fd_arg(m, 0, &fd) || !int_arg(m, 1, "the command", &cmd) || (m->c->n_args > 2 && !int_arg(m, 2, "the argument", &arg)))
		return false;
	return back(m, m->r->ifc.fcntl(m->u, fd, cmd, arg));
}

static bool do_ioctl(struct made *m)
{
	int fd, request, want = 0, got;
	if (!fd_arg(m, 0, &fd) || !int_arg(m, 1, "the request", &request) || (m->c->n_args > 2 && !int_arg(m, 2, "the argument", &want)))
		return false;
	got = request == FIONBIO ? want : 0;
	if (!back(m, m->r->ifc.ioctl(m->u, fd, (unsigned long)request, &got)))
		return false;
	return m->c->n_args < 3 || got == want || say(m, "the value is %d, not %d", got, want);
}

/* ---- readiness -------------------------------------------------------------------------------------------------------------- */
static bool do_poll(struct made *m)
{
	struct pollfd p[MAX_POLL] = { 0 };
	int64_t want[MAX_POLL] = { 0 }, v, count;
	int n = 0, timeout;
	const struct expr *list = m->c->arg[0];
	if (list->kind != EXPR_LIST || !num(m, 1, "the count", &count) || !int_arg(m, 2, "the time", &timeout))
		return say(m, "poll() takes a list, a count and a time");
	for (const struct expr *e = list->child; e; e = e->next, n++) {
		if (n == MAX_POLL)
			return say(m, "a script may poll %d descriptors at most", MAX_POLL);
		if (!field_num(m, e, "fd", &v) || !live_fd(m, v, &p[n].fd) || !field_num(m, e, "events", &v))
			return false;
		p[n].events = (short)v;
		if (field(e, "revents", -1) && !field_num(m, e, "revents", &want[n]))
			return false;
	}
	if (count != n)
		return say(m, "the list has %d descriptors, and %lld are said", n, (long long)count);
	if (!back(m, m->r->ifc.poll(m->u, p, (nfds_t)n, timeout)))
		return false;
	for (int i = 0; i < n; i++)
		if (p[i].revents != want[i])
			return say(m, "revents is 0x%x, not 0x%llx", p[i].revents, (long long)want[i]);
	return true;
}

/* {events=EPOLLIN, fd=4} or ptr=, u32=, u64=: what is kept is the script's own number. */
static bool epoll_of(struct made *m, const struct expr *e, struct epoll_event *ev)
{
	static const char *const names[] = { "fd", "ptr", "u32", "u64" };
	int64_t v;
	if (!field_num(m, e, "events", &v))
		return false;
	*ev = (struct epoll_event){ .events = (uint32_t)v };
	for (int i = 0; i < 4; i++)
		if (field(e, names[i], -1)) {
			if (!field_num(m, e, names[i], &v))
				return false;
			ev->data.u64 = (uint64_t)v;
		}
	return true;
}

static bool do_epoll_create(struct made *m)
{
	int size;
	return int_arg(m, 0, "the size", &size) && back_fd(m, m->r->ifc.epoll_create(m->u, size));
}

static bool do_epoll_ctl(struct made *m)
{
	int ep, op, fd;
	struct epoll_event ev = { 0 };
	if (!fd_arg(m, 0, &ep) || !int_arg(m, 1, "the command", &op) || !fd_arg(m, 2, &fd) || !epoll_of(m, m->c->arg[3], &ev))
		return false;
	return back(m, m->r->ifc.epoll_ctl(m->u, ep, op, fd, &ev));
}

static bool do_epoll_wait(struct made *m)
{
	int ep, max, timeout;
	struct epoll_event want = { 0 }, got[MAX_POLL] = { 0 };
	if (!fd_arg(m, 0, &ep) || !epoll_of(m, m->c->arg[1], &want) || !int_arg(m, 2, "the most", &max) || !int_arg(m, 3, "the time", &timeout))
		return false;
	if (max > MAX_POLL)
		return say(m, "a script may wait for %d events at once at most", MAX_POLL);
	if (!back(m, m->r->ifc.epoll_wait(m->u, ep, got, max, timeout)))
		return false;
	if (got->events != want.events)
		return say(m, "the events are 0x%x, not 0x%x", got->events, want.events);
	return got->data.u64 == want.data.u64 || say(m, "the event is of %lld, not of %lld", (long long)got->data.u64, (long long)want.data.u64);
}

/* ---- which is which ------------------------------------------------------------------------------------------------------------ */
static const struct { const char *name; bool (*make)(struct made *); int least, most; } calls[] = {
	{ "socket", do_socket, 3, 3 }, { "bind", do_bind, 3, 3 }, { "listen", do_listen, 2, 2 }, { "accept", do_accept, 3, 3 },
	{ "connect", do_connect, 3, 3 }, { "close", do_close, 1, 1 }, { "shutdown", do_shutdown, 2, 2 },
	{ "read", do_read, 3, 3 }, { "write", do_write, 3, 3 }, { "recv", do_recv, 4, 4 }, { "send", do_send, 4, 4 },
	{ "recvfrom", do_recvfrom, 6, 6 }, { "sendto", do_sendto, 6, 6 }, { "readv", do_readv, 3, 3 }, { "writev", do_writev, 3, 3 },
	{ "recvmsg", do_recvmsg, 3, 3 }, { "sendmsg", do_sendmsg, 3, 3 },
	{ "setsockopt", do_setsockopt, 5, 5 }, { "getsockopt", do_getsockopt, 5, 5 }, { "fcntl", do_fcntl, 2, 3 }, { "ioctl", do_ioctl, 2, 3 },
	{ "poll", do_poll, 3, 3 }, { "epoll_create", do_epoll_create, 1, 1 }, { "epoll_ctl", do_epoll_ctl, 4, 4 },
	{ "epoll_wait", do_epoll_wait, 4, 4 },
};

bool call_run(struct run *r, const struct script_call *c, char *said)
{
	struct made m = { r, c, said, r->ifc.userdata };
	*said = 0;
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		if (text_is(c->name, calls[i].name)) {
			if (c->n_args < calls[i].least || c->n_args > calls[i].most)
				return say(&m, "%s() does not take %d arguments", calls[i].name, c->n_args);
			return calls[i].make(&m);
		}
	return say(&m, "%.*s() is no call that scripts can make here", c->name.len < 40 ? (int)c->name.len : 40, c->name.p);
}
