/*
 * The error queue of a stream: nothing in it is an error, it is how Linux tells a program of what it sent.  SO_ZEROCOPY:
 * Documentation/networking/msg_zerocopy; SO_TIMESTAMPING: timestamping, its part about bytestreams.  What is queued is TCP's to
 * decide (transport/tcp/tcp_tell.h); here it is asked for, and taken, one message each, as recvmsg(MSG_ERRQUEUE) has it in
 * ip(7).
 */
#include <sys/types.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <stdlib.h>
#include "base/check.h"
#include "sock/sock_int.h"

enum { OPT_ID_TCP = 1 << 16 };		/* SOF_TIMESTAMPING_OPT_ID_TCP of newer headers */
enum {
	STAMPS = SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_ACK,
	ALL = STAMPS | SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID | OPT_ID_TCP |
	      SOF_TIMESTAMPING_OPT_TSONLY | SOF_TIMESTAMPING_OPT_CMSG,
};

unsigned stream_tell_flags(const struct sock *s, int flags)
{
	unsigned how = s->zerocopy && flags & MSG_ZEROCOPY ? TCP_SEND_COPIED : 0;
	if (!(s->stamps & STAMPS))
		return how;
	return how | (s->stamps & SOF_TIMESTAMPING_TX_SCHED ? TCP_SEND_SCHED : 0) |
	       (s->stamps & SOF_TIMESTAMPING_TX_SOFTWARE ? TCP_SEND_SND : 0) |
	       (s->stamps & SOF_TIMESTAMPING_TX_ACK ? TCP_SEND_ACKED : 0);
}

static bool have_tell(struct sock *s)
{
	if (s->tell)
		return true;
	s->tell = malloc(sizeof *s->tell);
	if (!s->tell)
		return false;
	tcp_tell_init(s->tell);
	if (s->tcb)
		tcp_set_tell(s->tcb, s->tell);
	return true;
}

/* Only MSG_ZEROCOPY is promised an answer. */
bool stream_tell_ready(struct sock *s, unsigned flags)
{
	if (!(flags & TCP_SEND_TOLD))
		return true;
	if (have_tell(s)) {
		s->tell->loop = !(s->stamps & SOF_TIMESTAMPING_OPT_TSONLY);
		if (tcp_tell_reserve(s->tell))
			return true;
	}
	return !(flags & TCP_SEND_COPIED);
}

int stream_set_stamps(struct sock *s, uint32_t flags)
{
	bool counts = flags & SOF_TIMESTAMPING_OPT_ID;
	if (flags & ~(uint32_t)ALL || (flags & OPT_ID_TCP && !counts))
		return -EINVAL;
	if (counts && !(s->stamps & SOF_TIMESTAMPING_OPT_ID)) {
		if (!s->tcb || tcp_state(s->tcb) == OL_TCP_CLOSED)
			return -EINVAL;			/* nothing to count from yet */
		if (!have_tell(s))
			return -ENOBUFS;
		tcp_tell_count(s->tcb, flags & OPT_ID_TCP);
	}
	s->stamps = flags;
	return 0;
}

void stream_tell_free(struct sock *s)
{
	if (s->tell)
		tcp_tell_fini(s->tell);
	free(s->tell);
}

ssize_t stream_recv_error(struct sock *s, struct msghdr *msg)
{
	static const struct ol_addr nobody;
	struct tcp_report *r = s->tell ? tcp_tell_take(s->tell) : NULL;
	if (!r)
		return -EAGAIN;
	struct cmsg_out ctl = cmsg_begin(msg);
	struct sock_extended_err ee = { 0 };
	if (r->what == TCP_TOLD_COPIED) {
		ee.ee_origin = SO_EE_ORIGIN_ZEROCOPY;
		ee.ee_code = SO_EE_CODE_ZEROCOPY_COPIED;
		ee.ee_info = r->first;
		ee.ee_data = r->last;
	} else {
		ee.ee_errno = ENOMSG;
		ee.ee_origin = SO_EE_ORIGIN_TIMESTAMPING;
		ee.ee_info = r->what;
		ee.ee_data = s->stamps & SOF_TIMESTAMPING_OPT_ID ? r->last : 0;
		if (s->stamps & SOF_TIMESTAMPING_SOFTWARE)
			cmsg_put_stamp(&ctl, r->at);
	}
	cmsg_put_extended(s, &ctl, &ee, &nobody);
	cmsg_end(msg, &ctl);
	size_t n = dgram_scatter(msg->msg_iov, msg->msg_iovlen, r->text, r->len);
	msg->msg_flags |= MSG_ERRQUEUE | (n < r->len ? MSG_TRUNC : 0);
	free(r);
	return (ssize_t)n;
}
