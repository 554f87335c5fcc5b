/*
 * RECEIVE, RFC 9293 3.10.3, as tcp.h documents it: text in order, the urgent byte beside it (RFC 6093), copied or lent; and the window
 * that opens when something was taken.
 */
#include "transport/tcp/tcp_rcvbuf.h"
#include "transport/tcp/tcp_rcvq.h"
#include "transport/tcp/tcp_segment.h"
#include "transport/tcp/tcp_timer.h"
#include "base/check.h"
#include "base/iov.h"
#include <string.h>

/* Bytes up to the urgent one, which is no part of the stream unless SO_OOBINLINE; a read stops before it. */
static size_t before_mark(const struct tcp_tcb *tcb)
{
	if (!tcb->urg_in)
		return SIZE_MAX;
	int32_t d = seq_diff(tcb->copied, seq_sub(tcb->rcv_up, 1));
	return d >= 0 ? (size_t)d : SIZE_MAX;
}

bool tcp_at_mark(const struct tcp_tcb *tcb) { return tcb->urg_in && before_mark(tcb) == 0; }

size_t tcp_readable(const struct tcp_tcb *tcb)
{
	size_t mark = before_mark(tcb), n = tcb->rcvq.readable;
	if (tcb->opts.oobinline || mark >= n)
		return n;
	return mark > 0 ? mark : n - 1;
}

/* RFC 9293 3.8.6.2.2: the window opens in large steps; Linux's measure, twice what is left. */
static void after_read(struct tcp_tcb *tcb, size_t len, ol_time now)
{
	if (!tcb->in_demux || !tcp_carries(tcb))
		return;
	uint32_t gone = seq_len(tcb->rcv_wup, tcb->rcv_nxt), left = tcb->rcv_wnd > gone ? tcb->rcv_wnd - gone : 0;
	uint32_t wnd = tcp_window(tcb);
	bool first = tcb->fo_child && tcb->stat.data_segs_in <= 1;	/* of what came with a SYN: the SYN-ACK's window is whole */
	bool opens = len > 0 && wnd > left && wnd >= 2 * left && !tcb->fin_received && !first;
	bool due = tcb->ack_pending && (gone > tcb->rcv_mss ||
					(len > 0 && tcb->pushed && !tcb->pingpong && tcb->rcvq.readable == 0));
	if (!opens && !due)
		return;
	tcb->cause = OL_CAUSE_RECV;
	tcb->cause_len = (uint32_t)len;
	tcp_send_ack(tcb, now);
	tcp_timer_update(tcb, now);
}

static void take(struct tcp_tcb *tcb, size_t len)
{
	tcp_rcvq_drop(&tcb->rcvq, len);
	tcb->copied = seq_add(tcb->copied, (uint32_t)len);
	if (tcb->urg_in && seq_ge(tcb->copied, tcb->rcv_up)) {
		tcb->urg_in = tcb->urg_valid && !tcb->urg_taken;	/* the byte in hand stays until it is asked for */
	}
}

static enum ol_err recv_urgent(struct tcp_tcb *tcb, const struct iovec *iov, int n, unsigned flags, size_t *done)
{
	if (tcb->opts.oobinline || !tcb->urg_in || tcb->urg_taken)
		return OL_ERR_INVAL;
	if (!tcb->urg_valid)
		return OL_ERR_AGAIN;
	while (n > 0 && iov->iov_len == 0)
		iov++, n--;
	*done = n > 0;						/* without room it is lost: as Linux */
	if (*done && !(flags & TCP_RECV_TRUNC))
		memcpy(iov->iov_base, &tcb->urg_byte, 1);
	if (!(flags & TCP_RECV_PEEK)) {
		tcb->urg_taken = true;
		tcb->urg_valid = false;
		if (seq_ge(tcb->copied, tcb->rcv_up))
			tcb->urg_in = false;
	}
	return OL_OK;
}

/* Nothing to read: why? */
static enum ol_err nothing(struct tcp_tcb *tcb)
{
	if (tcb->fin_received)
		return OL_OK;
	if (tcb->error != OL_OK)
		return tcp_error_take(tcb);
	if (tcb->rd_shut || tcb->state == OL_TCP_CLOSED || tcb->state == OL_TCP_TIME_WAIT)
		return OL_OK;
	return OL_ERR_AGAIN;
}

enum ol_err tcp_recv(struct tcp_tcb *tcb, const struct iovec *iov, int n, unsigned flags, size_t *done, ol_time now)
{
	*done = 0;
	if (flags & TCP_RECV_URG)
		return recv_urgent(tcb, iov, n, flags, done);
	size_t skip = !tcb->opts.oobinline && before_mark(tcb) == 0 && tcb->rcvq.readable > 0;
	size_t want = iov_sum(iov, n), len = MIN(tcp_readable(tcb), want);
	if (len == 0)
		return want == 0 && tcb->rcvq.readable ? OL_OK : nothing(tcb);
	*done = flags & TCP_RECV_TRUNC ? len : tcp_rcvq_copy(&tcb->rcvq, skip, iov, n, len);
	if (flags & TCP_RECV_PEEK)
		return OL_OK;
	take(tcb, skip + *done);
	tcp_rcvbuf_tune(tcb, now);
	after_read(tcb, *done, now);
	return OL_OK;
}

/* The urgent byte that is no part of the stream is passed over: as tcp_recv does. */
ol_time tcp_read_time(const struct tcp_tcb *tcb, size_t want)
{
	size_t skip = !tcb->opts.oobinline && before_mark(tcb) == 0 && tcb->rcvq.readable > 0;
	size_t len = MIN(tcp_readable(tcb), want);
	return len ? tcp_rcvq_time(&tcb->rcvq, skip + len - 1) : OL_NEVER;
}

enum ol_err tcp_recv_view(struct tcp_tcb *tcb, struct iovec *iov, int *n, ol_time now)
{
	if (!tcb->opts.oobinline && before_mark(tcb) == 0 && tcb->rcvq.readable > 0)
		take(tcb, 1);
	size_t len = tcp_readable(tcb);
	*n = len ? tcp_rcvq_view(&tcb->rcvq, iov, *n, len) : 0;
	return *n ? OL_OK : nothing(tcb);
}

enum ol_err tcp_recv_done(struct tcp_tcb *tcb, size_t len, ol_time now)
{
	if (len > tcp_readable(tcb))
		return OL_ERR_INVAL;
	take(tcb, len);
	tcp_rcvbuf_tune(tcb, now);
	after_read(tcb, len, now);
	return OL_OK;
}
