/*
 * Readiness.  The transports say which of their ends may be ready; here that becomes a list of sockets, each at most once,
 * and what poll() says is asked when the event is taken, so that one event stands for all changes before it.  A change is
 * never swallowed because the level looks the same: the program may have read everything in between.
 */
#include "sock/sock_int.h"

void sock_raise(struct sock *s)
{
	if (list_empty(&s->event))
		list_append(&s->ss->ready, &s->event);
}

static void gather(struct socks *ss)
{
	struct tcp_event te;
	while (tcp_event_next(ss->tcp, &te))
		if (te.user)		/* without a user: not accepted yet, so nobody's */
			sock_raise(te.user);
	for (struct list *n; (n = list_take(&ss->dgram_events)); )
		sock_raise(list_of(n, struct dgram, event)->user);
}

bool sock_event_next(struct socks *ss, struct ol_event *ev)
{
	gather(ss);
	struct list *n = list_take(&ss->ready);
	if (!n)
		return false;
	struct sock *s = list_of(n, struct sock, event);
	*ev = (struct ol_event){ s->number, s->ops->poll(s), s->tag };
	return true;
}

unsigned sock_poll(struct socks *ss, ol_sock number)
{
	const struct sock *s = sock_table_get(&ss->table, number);
	return s ? s->ops->poll(s) : 0;
}

void sock_set_tag(struct socks *ss, ol_sock number, void *tag)
{
	struct sock *s = sock_table_get(&ss->table, number);
	if (s)
		s->tag = tag;
}

void *sock_get_tag(struct socks *ss, ol_sock number)
{
	const struct sock *s = sock_table_get(&ss->table, number);
	return s ? s->tag : NULL;
}
