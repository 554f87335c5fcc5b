/*
 * ping: ICMP echo from one of the hosts, by a ping socket of its stack.  One request is under way at a time; each
 * ends with a reply, an error or its timeout, and is told as one DATA line.  A late reply is told too.
 */
#include "host/verb.h"
#include "base/be.h"
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COUNT = 1000000, MAX_SIZE = 60000, HEADER = 8, KEPT = 64 };

struct ping {
	struct stream stream;
	struct holder holder;
	struct alarm next, late;
	struct vhost *host;
	ol_sock sock;
	struct sockaddr_storage to; socklen_t to_len;
	bool v6;
	uint32_t count, sent, received;
	uint16_t size;
	ol_time interval, timeout, sent_at[KEPT];	/* of the last ones, by number */
	bool answered;				/* the one under way */
	ol_time min, max, sum;
};

static void finish(struct ping *p)
{
	struct client *cl = p->stream.cl;
	uint64_t id = p->stream.id;
	json_t *j = json_pack("{si si}", "sent", (int)p->sent, "received", (int)p->received);
	if (p->received) {
		json_object_set_new(j, "min_us", json_integer(p->min / OL_US));
		json_object_set_new(j, "avg_us", json_integer(p->sum / p->received / OL_US));
		json_object_set_new(j, "max_us", json_integer(p->max / OL_US));
	}
	p->stream.close(&p->stream);
	verb_end(cl, id, j);
}

static void close_ping(struct stream *s)
{
	struct ping *p = list_of(s, struct ping, stream);
	verb_stream_gone(s);
	alarm_stop(&s->svc->loop, &p->next);
	alarm_stop(&s->svc->loop, &p->late);
	if (p->host) {
		ol_set_tag(p->host->stk, p->sock, NULL);
		ol_close(p->host->stk, p->sock, s->svc->loop.now);
		vhost_touch(p->host);
	}
	free(p);
}

static void host_gone(struct stream *s, struct vhost *h)
{
	struct ping *p = list_of(s, struct ping, stream);
	if (p->host != h)
		return;
	ol_set_tag(h->stk, p->sock, NULL);
	ol_close(h->stk, p->sock, s->svc->loop.now);
	p->host = NULL;
	finish(p);
}

/* False: the stream is over. */
static bool tell(struct ping *p, json_t *j)
{
	struct client *cl = p->stream.cl;
	verb_data(cl, p->stream.id, j);
	return !cl->dead;
}

static bool tell_error(struct ping *p, const char *text)
{
	p->answered = true;
	alarm_stop(&p->stream.svc->loop, &p->late);
	return tell(p, json_pack("{si ss}", "seq", (int)p->sent, "error", text));
}

static void send_next(struct alarm *a)
{
	struct ping *p = list_of(a, struct ping, next);
	struct loop *l = &p->stream.svc->loop;
	if (p->sent == p->count) {
		if (p->answered)
			finish(p);
		return;				/* else its reply or its timeout does */
	}
	uint8_t *packet = p->stream.svc->scratch;
	memset(packet, 0, HEADER);
	packet[0] = p->v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
	p->sent++;
	be16_put(packet + 6, (uint16_t)p->sent);
	for (unsigned i = 0; i < p->size; i++)
		packet[HEADER + i] = (uint8_t)i;
	p->sent_at[p->sent % KEPT] = l->now;
	p->answered = false;
	alarm_set(l, &p->late, l->now + p->timeout);
	alarm_set(l, &p->next, l->now + p->interval);
	struct iovec iov = { packet, HEADER + (size_t)p->size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_name = &p->to, .msg_namelen = p->to_len };
	ssize_t n = ol_sendmsg(p->host->stk, p->sock, &msg, 0, l->now);
	vhost_touch(p->host);
	if (n < 0)
		tell_error(p, strerror((int)-n));
}

static void too_late(struct alarm *a)
{
	struct ping *p = list_of(a, struct ping, late);
	if (tell_error(p, "no answer in time") && p->sent == p->count)
		finish(p);
}

/* One message off the socket; false: there is none. */
static bool reply(struct ping *p, bool *over)
{
	struct svc *s = p->stream.svc;
	struct sockaddr_storage from;
	union { char buf[256]; struct cmsghdr align; } ctl;
	struct iovec iov = { s->scratch, SCRATCH_LEN };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_name = &from, .msg_namelen = sizeof from,
		.msg_control = ctl.buf, .msg_controllen = sizeof ctl.buf,
	};
	ssize_t n = ol_recvmsg(p->host->stk, p->sock, &msg, 0, s->loop.now);
	if (n == -EAGAIN)
		return false;
	if (n < 0) {
		*over = !tell_error(p, strerror((int)-n));
		return !*over;
	}
	if (n < HEADER || s->scratch[0] != (p->v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY))
		return true;
	uint16_t seq = be16_at(s->scratch + 6);
	uint16_t age = (uint16_t)((uint16_t)p->sent - seq);
	if (age >= KEPT)
		return true;
	ol_time rtt = s->loop.now - p->sent_at[(p->sent - age) % KEPT];
	int ttl = -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
		    (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT))
			memcpy(&ttl, CMSG_DATA(c), sizeof ttl);
	struct ol_addr a = p->v6 ? ol_addr_from(6, &((struct sockaddr_in6 *)&from)->sin6_addr)
				 : ol_addr_from(4, &((struct sockaddr_in *)&from)->sin_addr);
	char text[OL_ADDR_STRLEN];
	p->min = p->received ? MIN(p->min, rtt) : rtt;
	p->max = MAX(p->max, rtt);
	p->sum += rtt;
	p->received++;
	if (!age) {
		p->answered = true;
		alarm_stop(&s->loop, &p->late);
	}
	*over = !tell(p, json_pack("{si ss si sI}", "seq", (int)(p->sent - age), "from", ol_addr_str(&a, text), "ttl",
				   ttl, "rtt_us", (json_int_t)(rtt / OL_US)));
	return !*over;
}

static void on_event(struct holder *holder, unsigned ready)
{
	struct ping *p = list_of(holder, struct ping, holder);
	bool over = false;
	(void)ready;
	for (int i = 0; i < KEPT && !over && reply(p, &over); i++)
		;
	if (!over && p->answered && p->sent == p->count)
		finish(p);
}

/* An address, or the name of a host of the network. */
static bool find_target(struct svc *s, const char *to, struct ol_addr *a)
{
	struct vhost *h = vhost_find(s, to);
	unsigned plen;
	if (!h)
		return ol_addr_parse(to, a);
	for (int ver = 4; ver <= 6; ver += 2)
		for (int i = ol_iface_next(h->stk, 0); i; i = ol_iface_next(h->stk, i))
			for (unsigned k = 0; h->nic[i].wire && !ol_addr_get(h->stk, i, k, a, &plen); k++)
				if (a->ver == ver && !ol_addr_is_linklocal(a))
					return true;
	return false;
}

static void set_target(struct ping *p, const struct ol_addr *a)
{
	p->v6 = a->ver == 6;
	if (p->v6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&p->to;
		in6->sin6_family = AF_INET6;
		memcpy(&in6->sin6_addr, a->b, 16);
		p->to_len = sizeof *in6;
	} else {
		struct sockaddr_in *in = (struct sockaddr_in *)&p->to;
		in->sin_family = AF_INET;
		memcpy(&in->sin_addr, a->b, 4);
		p->to_len = sizeof *in;
	}
}

void verb_ping(const struct ask *a)
{
	struct svc *s = a->svc;
	struct vhost *h;
	struct ol_addr target;
	const char *to = verb_text(a, "to");
	if (!verb_host(a, &h))
		return;
	if (!h || !to || !find_target(s, to, &target)) {
		verb_error(a,
			   !h	 ? "say from which host"
			   : !to ? "say to which address or host"
				 : "%s is no address and no host of the "
				   "network",
			   to);
		return;
	}
	struct ping *p = calloc(1, sizeof *p);
	if (!p) {
		verb_error(a, "not enough memory");
		return;
	}
	set_target(p, &target);
	int on = 1;
	p->sock = ol_socket(h->stk, p->v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, p->v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
			    s->loop.now);
	if (p->sock < 0 || !verb_stream(a, &p->stream)) {
		if (p->sock >= 0)
			ol_close(h->stk, p->sock, s->loop.now);
		else
			verb_error(a, "no socket for the ping: %s", strerror(-p->sock));
		free(p);
		return;
	}
	ol_setsockopt(h->stk, p->sock, p->v6 ? IPPROTO_IPV6 : IPPROTO_IP, p->v6 ? IPV6_RECVHOPLIMIT : IP_RECVTTL, &on,
		      sizeof on, s->loop.now);
	p->host = h;
	p->holder.event = on_event;
	ol_set_tag(h->stk, p->sock, &p->holder);
	p->stream.svc = s;
	p->stream.close = close_ping;
	p->stream.host_gone = host_gone;
	p->count = (uint32_t)verb_number(a, "count", 4, 1, MAX_COUNT);
	p->size = (uint16_t)verb_number(a, "size", 56, 0, MAX_SIZE);
	p->interval = verb_number(a, "interval_ms", 1000, 1, 3600000) * OL_MS;
	p->timeout = verb_number(a, "timeout_ms", 1000, 1, 3600000) * OL_MS;
	alarm_init(&p->next, send_next);
	alarm_init(&p->late, too_late);
	alarm_set(&s->loop, &p->next, s->loop.now);
}
