/* The client: connects, sends bytes it can foretell, compares what comes back, and closes. */
#include "echo.h"
#include <errno.h>

static uint8_t byte_at(size_t i) { return (uint8_t)(i * 2654435761u >> 24); }

int echo_client_start(struct echo_client *c, struct ol_stack *stk, const struct sockaddr *to, socklen_t len, size_t total, ol_time now)
{
	*c = (struct echo_client){ .total = total };
	c->sock = ol_socket(stk, to->sa_family, SOCK_STREAM, 0, now);
	if (c->sock < 0)
		return c->sock;
	int err = ol_connect(stk, c->sock, to, len, now);
	return err == -EINPROGRESS ? 0 : err;
}

static void send_some(struct echo_client *c, struct ol_stack *stk, ol_time now)
{
	uint8_t buf[4096];
	while (c->sent < c->total) {
		size_t n = c->total - c->sent < sizeof buf ? c->total - c->sent : sizeof buf;
		for (size_t i = 0; i < n; i++)
			buf[i] = byte_at(c->sent + i);
		ssize_t done = ol_send(stk, c->sock, buf, n, 0, now);
		if (done < 0) {
			c->failed = done != -EAGAIN;
			return;
		}
		c->sent += (size_t)done;
		if (c->sent == c->total)
			ol_shutdown(stk, c->sock, SHUT_WR, now);
	}
}

static void take_some(struct echo_client *c, struct ol_stack *stk, ol_time now)
{
	uint8_t buf[4096];
	ssize_t n;
	while ((n = ol_recv(stk, c->sock, buf, sizeof buf, 0, now)) > 0)
		for (ssize_t i = 0; i < n; i++)
			c->failed |= buf[i] != byte_at(c->got++);
	if (n == 0)
		c->failed |= c->got != c->total;
	else if (n != -EAGAIN)
		c->failed = true;
	c->done = n == 0 || c->failed;
}

void echo_client_event(struct echo_client *c, struct ol_stack *stk, ol_time now)
{
	if (c->done)
		return;
	send_some(c, stk, now);
	if (!c->failed)
		take_some(c, stk, now);
	c->done |= c->failed;
	if (c->done)
		ol_close(stk, c->sock, now);
}
