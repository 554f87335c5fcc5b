/*
 * Rows of a state table: first the sockets, then what TCP keeps without one (orphans, connections not accepted yet,
 * SYN-RECEIVED, TIME-WAIT).  The cursor is a slot number, or TCP's own cursor with the top bit set.
 */
#include <string.h>
#include "sock/sock_int.h"

#define PAST_SOCKETS (UINT64_C(1) << 63)

static void fill_stream(const struct sock *s, struct ol_sock_info *row, ol_time now)
{
	if (s->tcb) {
		tcp_row(s->tcb, row, now);
		return;
	}
	row->state = OL_TCP_CLOSED;
	row->local = s->local;
	if (s->listener) {
		row->state = OL_TCP_LISTEN;
		row->recv_q = tcp_listener_waiting(s->listener);
		row->send_q = (size_t)tcp_listener_backlog(s->listener);
	}
}

static void fill_dgram(const struct sock *s, struct ol_sock_info *row)
{
	row->local = s->d->local;
	row->remote = s->d->remote;
	row->state = s->d->connected ? OL_TCP_ESTABLISHED : OL_TCP_CLOSED;	/* as ss: ESTAB and UNCONN */
	row->recv_q = s->d->rx.charged;
}

static void fill(const struct sock *s, struct ol_sock_info *row, ol_time now)
{
	*row = (struct ol_sock_info){ .timer_at = OL_NEVER };
	if (s->d)
		fill_dgram(s, row);
	else
		fill_stream(s, row, now);
	row->sock = s->number;
	row->owner = s->owner;
	row->tag = s->tag;
	row->domain = s->domain;
	row->type = s->type;
	row->protocol = s->protocol;
}

bool sock_row_next(struct socks *ss, uint64_t *cursor, struct ol_sock_info *row, ol_time now)
{
	while (!(*cursor & PAST_SOCKETS)) {
		if (*cursor >= ss->table.n) {
			*cursor = PAST_SOCKETS;
			break;
		}
		const struct sock *s = ss->table.slot[(*cursor)++].sock;
		if (s) {
			fill(s, row, now);
			return true;
		}
	}
	uint64_t inner = *cursor & ~PAST_SOCKETS;
	*row = (struct ol_sock_info){ .sock = -1, .timer_at = OL_NEVER };
	if (!tcp_row_next(ss->tcp, &inner, row, now))
		return false;
	*cursor = inner | PAST_SOCKETS;
	row->sock = -1;
	row->type = SOCK_STREAM;
	row->protocol = IPPROTO_TCP;
	row->domain = row->local.addr.ver == 6 ? AF_INET6 : AF_INET;
	return true;
}
