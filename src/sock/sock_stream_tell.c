/*
 * The error queue of a stream: nothing in it is an error, it is how Linux tells a program of what it sent.  SO_ZEROCOPY:
 * Documentation/networking/msg_zerocopy.  What is queued is TCP's to decide (transport/tcp/tcp_tell.h); here it is asked
 * for, and taken, one message each, as recvmsg(MSG_ERRQUEUE) has it in ip(7).
 */
#include <sys/types.h>
#include <linux/errqueue.h>
#include <stdlib.h>
#include "sock/sock_int.h"

unsigned stream_tell_flags(const struct sock *s, int flags)
{
	return s->zerocopy && flags & MSG_ZEROCOPY ? TCP_SEND_COPIED : 0;
}

bool stream_tell_ready(struct sock *s, unsigned flags)
{
	if (!(flags & TCP_SEND_TOLD))
		return true;
	if (!s->tell) {
		s->tell = malloc(sizeof *s->tell);
		if (!s->tell)
			return false;
		tcp_tell_init(s->tell);
		if (s->tcb)
			tcp_set_tell(s->tcb, s->tell);
	}
	return tcp_tell_reserve(s->tell);
}

void stream_tell_free(struct sock *s)
{
	if (s->tell)
		tcp_tell_fini(s->tell);
	free(s->tell);
}

ssize_t stream_recv_error(struct sock *s, struct msghdr *msg, int flags)
{
	static const struct ol_addr nobody;
	struct tcp_report *r = s->tell ? tcp_tell_take(s->tell) : NULL;
	if (!r)
		return -EAGAIN;
	struct cmsg_out ctl = cmsg_begin(msg);
	struct sock_extended_err ee = { .ee_origin = SO_EE_ORIGIN_ZEROCOPY, .ee_code = SO_EE_CODE_ZEROCOPY_COPIED,
					.ee_info = r->first, .ee_data = r->last };
	cmsg_put_extended(s, &ctl, &ee, &nobody);
	cmsg_end(msg, &ctl);
	msg->msg_flags |= MSG_ERRQUEUE;
	free(r);
	return 0;
}
