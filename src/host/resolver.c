/*
 * The name server in every host.  Programs look for one at the addresses in the machine's /etc/resolv.conf, which are
 * not of this network; so each host has them, with 127.0.0.1 and 127.0.0.53, on its loopback, and sockets of ours at
 * port 53 answer there with the names of the network's hosts (dns.c).  A guest that wants such an address and port
 * gets it: ours is closed before the guest's bind, and comes back when the guest's socket is gone.
 *
 * An address that some host of the network really has is left to that host.
 */
#include "host/resolver.h"
#include "base/be.h"
#include "host/dns.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PORT = 53, MAX_CONNS = 16, MAX_SERVED = 64, IDLE_S = 10, BACK_AFTER_MS = 20 };

/* One socket of ours: a server's, UDP or TCP, or a connection to it. */
struct dns_sock { struct holder holder; struct resolver *r; ol_sock sock; unsigned addr; };
struct dns_conn {
	struct dns_sock s;			/* first */
	struct list node;
	struct alarm idle;
	size_t n, out_len, out_at;		/* bytes read; of the answer, and sent of it */
	uint8_t in[2 + 512];			/* longest query we read */
	uint8_t out[2 + DNS_UDP_MAX];
};
struct resolver {
	struct vhost *host;
	struct dns_sock udp[8], tcp[8];		/* by number in svc->dns; sock -1: not open */
	struct list conns;
	unsigned n_conns;
	bool yielded;
	struct alarm back;
};

/* ---- the table --------------------------------------------------------------------------------------------------- */
static int addrs_of(void *ctx, const char *label, struct ol_addr *out, int max)
{
	struct vhost *h = vhost_find(ctx, label);
	int n = 0;
	if (!h)
		return -1;
	for (int i = ol_iface_next(h->stk, 0); i; i = ol_iface_next(h->stk, i)) {
		struct ol_addr a;
		unsigned plen;
		for (unsigned k = 0; h->nic[i].wire && n < max && !ol_addr_get(h->stk, i, k, &a, &plen); k++)
			if (!ol_addr_is_linklocal(&a))
				out[n++] = a;
	}
	return n;
}

static bool name_of(void *ctx, const struct ol_addr *a, char *label)
{
	int ifi;
	struct vhost *h = vhost_by_addr(ctx, a, &ifi);
	if (h)
		snprintf(label, 64, "%s", h->name);
	else if (ol_addr_is_loopback(a))
		snprintf(label, 64, "localhost");
	return h || ol_addr_is_loopback(a);
}

static size_t answer(struct resolver *r, const uint8_t *query, size_t len, bool tcp, uint8_t *out)
{
	struct dns_names names = { .ctx = r->host->svc, .addrs = addrs_of, .name = name_of };
	return dns_answer(&names, query, len, tcp, out, DNS_UDP_MAX);
}

/* ---- UDP --------------------------------------------------------------------------------------------------------- */
static void udp_event(struct holder *holder, unsigned ready)
{
	struct dns_sock *d = list_of(holder, struct dns_sock, holder);
	struct vhost *h = d->r->host;
	uint8_t query[1024], out[DNS_UDP_MAX];
	(void)ready;
	for (int i = 0; i < MAX_SERVED; i++) {
		struct sockaddr_storage from;
		struct iovec iov = { query, sizeof query };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_name = &from, .msg_namelen = sizeof from };
		ssize_t n = ol_recvmsg(h->stk, d->sock, &msg, 0, h->svc->loop.now);
		if (n == -EAGAIN)
			return;
		if (n < 0 || (msg.msg_flags & MSG_TRUNC))
			continue;
		iov = (struct iovec){ out, answer(d->r, query, (size_t)n, false, out) };
		msg.msg_control = NULL;
		msg.msg_controllen = 0;
		if (iov.iov_len)
			ol_sendmsg(h->stk, d->sock, &msg, 0, h->svc->loop.now);
	}
	vhost_touch(h);
	/* The bound was reached with datagrams left, and no event will tell of them again. */
	if (ol_poll(h->stk, d->sock) & OL_EV_IN)
		alarm_set(&h->svc->loop, &d->r->back, h->svc->loop.now);
}

/* ---- TCP: RFC 1035 4.2.2, RFC 7766: length, query; one after the other ------------------------------------------- */
static void conn_free(struct dns_conn *c)
{
	struct vhost *h = c->s.r->host;
	alarm_stop(&h->svc->loop, &c->idle);
	ol_set_tag(h->stk, c->s.sock, NULL);
	ol_close(h->stk, c->s.sock, h->svc->loop.now);
	vhost_touch(h);
	list_del(&c->node);
	c->s.r->n_conns--;
	free(c);
}

static void conn_idle(struct alarm *a) { conn_free(list_of(a, struct dns_conn, idle)); }

/* True: the whole answer is queued. */
static bool conn_flush(struct dns_conn *c)
{
	struct vhost *h = c->s.r->host;
	while (c->out_at < c->out_len) {
		ssize_t n = ol_send(h->stk, c->s.sock, c->out + c->out_at, c->out_len - c->out_at, 0, h->svc->loop.now);
		if (n <= 0)
			return false;
		c->out_at += (size_t)n;
	}
	c->out_at = c->out_len = 0;
	return true;
}

static void conn_event(struct holder *holder, unsigned ready)
{
	struct dns_conn *c = list_of(holder, struct dns_conn, s.holder);
	struct vhost *h = c->s.r->host;
	for (int i = 0; i < MAX_SERVED && conn_flush(c); i++) {
		size_t want = c->n < 2 ? 2 : 2u + be16_at(c->in);
		if (want > sizeof c->in) {
			conn_free(c);
			return;
		}
		ssize_t n = c->n < want ? ol_recv(h->stk, c->s.sock, c->in + c->n, want - c->n, 0, h->svc->loop.now)
					: 0;
		if (n == -EAGAIN)
			break;
		if (c->n < want && n <= 0) {
			conn_free(c);
			return;
		}
		c->n += (size_t)n;
		want = c->n < 2 ? 2 : 2u + be16_at(c->in);
		if (c->n < 2 || c->n < want)
			continue;
		size_t len = answer(c->s.r, c->in + 2, c->n - 2, true, c->out + 2);
		be16_put(c->out, (uint16_t)len);
		c->out_len = len ? len + 2 : 0;
		c->n = 0;
		alarm_set(&h->svc->loop, &c->idle, h->svc->loop.now + IDLE_S * OL_SEC);
	}
	vhost_touch(h);
	if (ready & (OL_EV_ERR | OL_EV_HUP))
		conn_free(c);
}

static void tcp_event(struct holder *holder, unsigned ready)
{
	struct dns_sock *d = list_of(holder, struct dns_sock, holder);
	struct resolver *r = d->r;
	struct vhost *h = r->host;
	(void)ready;
	for (;;) {
		ol_sock sock = ol_accept(h->stk, d->sock, NULL, NULL, h->svc->loop.now);
		if (sock < 0)
			return;
		vhost_touch(h);
		struct dns_conn *c = r->n_conns < MAX_CONNS ? calloc(1, sizeof *c) : NULL;
		if (!c) {
			ol_close(h->stk, sock, h->svc->loop.now);
			continue;
		}
		c->s = (struct dns_sock){ .holder.event = conn_event, .r = r, .sock = sock };
		list_append(&r->conns, &c->node);
		r->n_conns++;
		alarm_init(&c->idle, conn_idle);
		alarm_set(&h->svc->loop, &c->idle, h->svc->loop.now + IDLE_S * OL_SEC);
		ol_set_tag(h->stk, sock, &c->s.holder);
		conn_event(&c->s.holder, 0);
	}
}

/* ---- open, yield, resume ----------------------------------------------------------------------------------------- */
static socklen_t to_sockaddr(const struct ol_addr *a, struct sockaddr_storage *ss)
{
	memset(ss, 0, sizeof *ss);
	if (a->ver == 4) {
		struct sockaddr_in *in = (struct sockaddr_in *)ss;
		in->sin_family = AF_INET;
		in->sin_port = htons(PORT);
		memcpy(&in->sin_addr, a->b, 4);
		return sizeof *in;
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(PORT);
	memcpy(&in6->sin6_addr, a->b, 16);
	return sizeof *in6;
}

static void close_one(struct dns_sock *d)
{
	struct vhost *h = d->r->host;
	if (d->sock < 0)
		return;
	ol_set_tag(h->stk, d->sock, NULL);
	ol_close(h->stk, d->sock, h->svc->loop.now);
	d->sock = -1;
	vhost_touch(h);
}

static void open_one(struct dns_sock *d, int type)
{
	struct vhost *h = d->r->host;
	struct svc *s = h->svc;
	struct sockaddr_storage ss;
	const struct ol_addr *a = &s->dns[d->addr];
	socklen_t len = to_sockaddr(a, &ss);
	int on = 1;
	ol_sock sock = ol_socket(h->stk, ss.ss_family, type, 0, s->loop.now);
	if (sock < 0)
		return;
	ol_setsockopt(h->stk, sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on, s->loop.now);
	int err = ol_bind(h->stk, sock, (struct sockaddr *)&ss, len, s->loop.now);
	if (err == -EADDRNOTAVAIL && !ol_addr_add(h->stk, 1, a, a->ver == 4 ? 32 : 128))
		err = ol_bind(h->stk, sock, (struct sockaddr *)&ss, len, s->loop.now);
	if (!err && type == SOCK_STREAM)
		err = ol_listen(h->stk, sock, MAX_CONNS, s->loop.now);
	if (err) {
		ol_close(h->stk, sock, s->loop.now);
		return;
	}
	d->sock = sock;
	d->holder = (struct holder){ .event = type == SOCK_STREAM ? tcp_event : udp_event };
	ol_set_tag(h->stk, sock, &d->holder);
}

void resolver_resume(struct vhost *h)
{
	struct resolver *r = h->resolver;
	r->yielded = false;
	for (unsigned i = 0; i < h->svc->n_dns; i++) {
		int ifi;
		if (vhost_by_addr(h->svc, &h->svc->dns[i], &ifi))
			continue;
		if (r->udp[i].sock < 0)
			open_one(&r->udp[i], SOCK_DGRAM);
		if (r->tcp[i].sock < 0)
			open_one(&r->tcp[i], SOCK_STREAM);
		r->yielded |= r->udp[i].sock < 0 || r->tcp[i].sock < 0;
	}
	vhost_touch(h);
}

static void back_rang(struct alarm *a)
{
	struct resolver *r = list_of(a, struct resolver, back);
	for (unsigned i = 0; i < r->host->svc->n_dns; i++)
		if (r->udp[i].sock >= 0)
			udp_event(&r->udp[i].holder, 0);
	if (r->yielded)
		resolver_resume(r->host);
}

void resolver_socket_gone(struct vhost *h)
{
	if (h->resolver && h->resolver->yielded && !timer_armed(&h->resolver->back.timer))
		alarm_set(&h->svc->loop, &h->resolver->back, h->svc->loop.now + BACK_AFTER_MS * OL_MS);
}

bool resolver_yield(struct vhost *h, const void *addr, size_t len)
{
	struct resolver *r = h->resolver;
	struct sockaddr_storage ss;
	struct ol_addr a = { 0 };
	memset(&ss, 0, sizeof ss);
	memcpy(&ss, addr, MIN(len, sizeof ss));
	uint16_t port = 0;
	if (ss.ss_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
		port = ntohs(((struct sockaddr_in *)&ss)->sin_port);
		a = ol_addr_from(4, &((struct sockaddr_in *)&ss)->sin_addr);
	} else if (ss.ss_family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
		port = ntohs(((struct sockaddr_in6 *)&ss)->sin6_port);
		a = ol_addr_from(6, &((struct sockaddr_in6 *)&ss)->sin6_addr);
	}
	bool any = false;
	for (unsigned i = 0; port == PORT && i < h->svc->n_dns; i++) {
		if (!ol_addr_is_any(&a) && !ol_addr_eq(&a, &h->svc->dns[i]))
			continue;
		any |= r->udp[i].sock >= 0 || r->tcp[i].sock >= 0;
		close_one(&r->udp[i]);
		close_one(&r->tcp[i]);
	}
	r->yielded |= any;
	return any;
}

struct resolver *resolver_new(struct vhost *h)
{
	struct resolver *r = calloc(1, sizeof *r);
	if (!r)
		return NULL;
	r->host = h;
	list_init(&r->conns);
	alarm_init(&r->back, back_rang);
	for (unsigned i = 0; i < ARRAY_LEN(r->udp); i++) {
		r->udp[i] = (struct dns_sock){ .r = r, .sock = -1, .addr = i };
		r->tcp[i] = r->udp[i];
	}
	return r;
}

void resolver_free(struct resolver *r)
{
	struct list *n;
	while ((n = list_first(&r->conns)))
		conn_free(list_of(n, struct dns_conn, node));
	for (unsigned i = 0; i < ARRAY_LEN(r->udp); i++) {
		close_one(&r->udp[i]);
		close_one(&r->tcp[i]);
	}
	alarm_stop(&r->host->svc->loop, &r->back);
	free(r);
}

/* ---- where programs look ----------------------------------------------------------------------------------------- */
static void add_addr(struct svc *s, const char *text)
{
	struct ol_addr a;
	if (s->n_dns >= ARRAY_LEN(s->dns) || !ol_addr_parse(text, &a) || ol_addr_is_any(&a) || ol_addr_is_linklocal(&a))
		return;
	for (unsigned i = 0; i < s->n_dns; i++)
		if (ol_addr_eq(&s->dns[i], &a))
			return;
	s->dns[s->n_dns++] = a;
}

void resolver_config(struct svc *s, const char *path)
{
	add_addr(s, "127.0.0.1");
	add_addr(s, "127.0.0.53");
	FILE *f = fopen(path, "re");
	char line[256], text[OL_ADDR_STRLEN];
	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, " nameserver %63s", text) == 1)
			add_addr(s, text);
	if (f)
		fclose(f);
}
