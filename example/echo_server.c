/*
 * The server: a listener, and per connection nothing but what the stack keeps.  It moves bytes from the receive queue straight
 * into the send queue of the same socket (views into both), and stops reading where the other side does not take them.
 */
#include "echo.h"
#include <errno.h>
#include <string.h>

ol_sock echo_server_start(struct ol_stack *stk, uint16_t port, ol_time now)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };	/* ::, which takes IPv4 too */
	int on = 1;
	ol_sock s = ol_socket(stk, AF_INET6, SOCK_STREAM, 0, now);
	if (s < 0)
		return s;
	ol_setsockopt(stk, s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on, now);
	int err = ol_bind(stk, s, (struct sockaddr *)&any, sizeof any, now);
	if (!err)
		err = ol_listen(stk, s, 64, now);
	if (!err)
		return s;
	ol_close(stk, s, now);
	return err;
}

/* One piece from queue to queue.  > 0: go on; 0: the peer is done; -EAGAIN: an event will come; else it is broken. */
static int move_piece(struct ol_stack *stk, ol_sock s, ol_time now)
{
	struct iovec from, to;
	int n = ol_recv_view(stk, s, &from, 1, now);
	if (n <= 0)
		return n;
	n = ol_send_view(stk, s, from.iov_len, &to, 1, now);
	if (n <= 0)
		return n ? n : -EAGAIN;
	size_t len = from.iov_len < to.iov_len ? from.iov_len : to.iov_len;
	memcpy(to.iov_base, from.iov_base, len);
	int err = ol_send_done(stk, s, len, 0, now);
	if (!err)
		err = ol_recv_done(stk, s, len, now);
	return err ? err : 1;
}

static void serve(struct ol_stack *stk, ol_sock s, ol_time now)
{
	int n;
	while ((n = move_piece(stk, s, now)) > 0)
		;
	if (n != -EAGAIN)
		ol_close(stk, s, now);		/* the peer's FIN: ours follows what is queued; or an error */
}

void echo_server_event(struct ol_stack *stk, ol_sock listener, const struct ol_event *ev, ol_time now)
{
	if (ev->sock != listener) {
		serve(stk, ev->sock, now);
		return;
	}
	for (ol_sock s; (s = ol_accept(stk, listener, NULL, NULL, now)) >= 0; )
		serve(stk, s, now);
}
