/*
 * IPPROTO_UDP: udp(7).  UDP_CORK, and MSG_MORE of a send: pieces that become one datagram.  The first says where it goes;
 * the last, without MSG_MORE while the cork is off, or taking the cork off, sends it.  A piece that makes it too long is
 * EMSGSIZE, and what was collected goes with it, as on Linux.  Not had: UDP_SEGMENT, UDP_GRO, UDP_ENCAP.
 */
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "sock/sock_int.h"

enum { MAX_TEXT = 65535 - 8 };

struct udp_cork { struct dgram_to to; size_t len; uint8_t bytes[MAX_TEXT]; };

void udp_cork_drop(struct sock *s)
{
	free(s->pending);
	s->pending = NULL;
}

static int append(struct udp_cork *c, const struct iovec *iov, int n)
{
	for (int i = 0; i < n; i++) {
		if (iov[i].iov_len > sizeof c->bytes - c->len)
			return -EMSGSIZE;
		if (iov[i].iov_len)
			memcpy(c->bytes + c->len, iov[i].iov_base, iov[i].iov_len);
		c->len += iov[i].iov_len;
	}
	return 0;
}

int udp_cork_add(struct sock *s, const struct dgram_call *call)
{
	if (!s->pending) {
		s->pending = malloc(sizeof *s->pending);
		if (!s->pending)
			return -ENOBUFS;
		s->pending->to = call->to;
		s->pending->len = 0;
	}
	int err = append(s->pending, call->iov, call->n);
	if (err)
		udp_cork_drop(s);
	return err;
}

enum ol_err udp_cork_push(struct sock *s, ol_time now)
{
	if (!s->pending)
		return OL_OK;
	struct iovec iov = { s->pending->bytes, s->pending->len };
	enum ol_err err = udp_send(s->ss->udp, s->udp, &s->pending->to, &iov, 1, now);
	udp_cork_drop(s);
	return err;
}

static int get_cork(struct sock *s, int *v, ol_time now) { *v = s->corked; return 0; }
static int set_cork(struct sock *s, int v, ol_time now)
{
	s->corked = v != 0;
	if (!v)
		(void)udp_cork_push(s, now);	/* whoever pulls the cork is not told, as on Linux */
	return 0;
}

static const struct opt opts[] = {
	{ UDP_CORK, ON_UDP, 0, -1, set_cork, get_cork },
};
const struct opt_level opt_level_udp = { IPPROTO_UDP, opts, ARRAY_LEN(opts) };
