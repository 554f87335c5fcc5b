/* <outlet/ol_sock.h>, which documents them: each call notes the time and goes to the sockets floor. */
#include "stack/stack_int.h"

#define NOW stack_now(stk, now)

ol_sock ol_socket(struct ol_stack *stk, int domain, int type, int protocol, ol_time now)
{
	return sock_socket(stk->socks, domain, type, protocol, NOW);
}

void ol_set_owner(struct ol_stack *stk, ol_sock s, uint32_t owner) { sock_set_owner(stk->socks, s, owner); }
int ol_close(struct ol_stack *stk, ol_sock s, ol_time now) { return sock_close(stk->socks, s, NOW); }
int64_t ol_lingering(struct ol_stack *stk, ol_sock s) { return sock_lingering(stk->socks, s); }

int ol_bind(struct ol_stack *stk, ol_sock s, const struct sockaddr *addr, socklen_t len, ol_time now)
{
	return sock_bind(stk->socks, s, addr, len, NOW);
}

int ol_connect(struct ol_stack *stk, ol_sock s, const struct sockaddr *addr, socklen_t len, ol_time now)
{
	return sock_connect(stk->socks, s, addr, len, NOW);
}

int ol_listen(struct ol_stack *stk, ol_sock s, int backlog, ol_time now)
{
	return sock_listen(stk->socks, s, backlog, NOW);
}

ol_sock ol_accept(struct ol_stack *stk, ol_sock s, struct sockaddr *addr, socklen_t *len, ol_time now)
{
	return sock_accept(stk->socks, s, addr, len, NOW);
}

int ol_shutdown(struct ol_stack *stk, ol_sock s, int how, ol_time now) { return sock_shutdown(stk->socks, s, how, NOW); }

int ol_getsockname(struct ol_stack *stk, ol_sock s, struct sockaddr *addr, socklen_t *len)
{
	return sock_getsockname(stk->socks, s, addr, len);
}

int ol_getpeername(struct ol_stack *stk, ol_sock s, struct sockaddr *addr, socklen_t *len)
{
	return sock_getpeername(stk->socks, s, addr, len);
}

int ol_setsockopt(struct ol_stack *stk, ol_sock s, int level, int name, const void *val, socklen_t len, ol_time now)
{
	return sock_setsockopt(stk->socks, s, level, name, val, len, NOW);
}

int ol_getsockopt(struct ol_stack *stk, ol_sock s, int level, int name, void *val, socklen_t *len, ol_time now)
{
	return sock_getsockopt(stk->socks, s, level, name, val, len, NOW);
}

ssize_t ol_sendmsg(struct ol_stack *stk, ol_sock s, const struct msghdr *msg, int flags, ol_time now)
{
	ssize_t n = sock_sendmsg(stk->socks, s, msg, flags, NOW);
	stack_settle(stk);
	return n;
}

ssize_t ol_recvmsg(struct ol_stack *stk, ol_sock s, struct msghdr *msg, int flags, ol_time now)
{
	return sock_recvmsg(stk->socks, s, msg, flags, NOW);
}

ssize_t ol_send(struct ol_stack *stk, ol_sock s, const void *buf, size_t len, int flags, ol_time now)
{
	struct iovec iov = { (void *)(uintptr_t)buf, len };
	const struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	return ol_sendmsg(stk, s, &msg, flags, now);
}

ssize_t ol_recv(struct ol_stack *stk, ol_sock s, void *buf, size_t len, int flags, ol_time now)
{
	struct iovec iov = { buf, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	return ol_recvmsg(stk, s, &msg, flags, now);
}

int ol_recv_view(struct ol_stack *stk, ol_sock s, struct iovec *iov, int n, ol_time now)
{
	return sock_recv_view(stk->socks, s, iov, n, NOW);
}

int ol_recv_done(struct ol_stack *stk, ol_sock s, size_t len, ol_time now)
{
	return sock_recv_done(stk->socks, s, len, NOW);
}

int ol_send_view(struct ol_stack *stk, ol_sock s, size_t want, struct iovec *iov, int n, ol_time now)
{
	return sock_send_view(stk->socks, s, want, iov, n, NOW);
}

int ol_send_done(struct ol_stack *stk, ol_sock s, size_t len, int flags, ol_time now)
{
	return sock_send_done(stk->socks, s, len, flags, NOW);
}

unsigned ol_poll(struct ol_stack *stk, ol_sock s) { return sock_poll(stk->socks, s); }

bool ol_event_next(struct ol_stack *stk, struct ol_event *ev)
{
	stack_settle(stk);
	return sock_event_next(stk->socks, ev);
}

void ol_set_tag(struct ol_stack *stk, ol_sock s, void *tag) { sock_set_tag(stk->socks, s, tag); }
void *ol_get_tag(struct ol_stack *stk, ol_sock s) { return sock_get_tag(stk->socks, s); }
size_t ol_readable(struct ol_stack *stk, ol_sock s) { return sock_readable(stk->socks, s); }
size_t ol_unsent(struct ol_stack *stk, ol_sock s) { return sock_unsent(stk->socks, s); }
size_t ol_writable(struct ol_stack *stk, ol_sock s) { return sock_writable(stk->socks, s); }
int ol_at_mark(struct ol_stack *stk, ol_sock s) { return sock_at_mark(stk->socks, s); }
unsigned ol_backlog(struct ol_stack *stk, ol_sock s) { return sock_backlog(stk->socks, s); }

bool ol_sock_next(struct ol_stack *stk, uint64_t *cursor, struct ol_sock_info *info, ol_time now)
{
	return sock_row_next(stk->socks, cursor, info, NOW);
}

const char *ol_tcp_state_name(unsigned state)
{
	static const char *const names[OL_TCP_STATE_MAX] = {
		"NONE", "ESTABLISHED", "SYN-SENT", "SYN-RECEIVED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSED",
		"CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING",
	};
	return state < OL_TCP_STATE_MAX ? names[state] : "?";
}
