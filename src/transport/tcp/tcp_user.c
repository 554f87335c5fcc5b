/*
 * The user calls of RFC 9293 3.10.1 to 3.10.6 on connections, as tcp.h documents them: OPEN (active), SEND, CLOSE, ABORT,
 * and letting go.  RECEIVE is tcp_user_recv.c, passive OPEN tcp_listen.c, STATUS tcp_ask.c.
 */
#include "transport/tcp/tcp_demux.h"
#include "transport/tcp/tcp_isn.h"
#include "transport/tcp/tcp_loss.h"
#include "transport/tcp/tcp_marks.h"
#include "transport/tcp/tcp_output.h"
#include "transport/tcp/tcp_segment.h"
#include "transport/tcp/tcp_sndbuf.h"
#include "transport/tcp/tcp_tcb.h"
#include "transport/tcp/tcp_tell.h"
#include "transport/tcp/tcp_timer.h"
#include "transport/tcp/tcp_timewait.h"
#include "base/check.h"
#include "base/iov.h"

struct tcp_opts tcp_opts_default(const struct tcp *tcp)
{
	return (struct tcp_opts){ .rcvlowat = 1, .pmtudisc = 1, .notsent_lowat = 0, .number = -1 };
}

bool tcp_congestion_known(const struct tcp *tcp, const char *name) { return tcp_cc_find(name); }

/* ---- OPEN ------------------------------------------------------------------------------------------------------- */

/* Whoever has the name now, may it go?  *isn_set: where our ISN must begin then (RFC 6191). */
static bool name_free(struct tcp *tcp, const struct ol_endpoint *local, const struct ol_endpoint *remote, bool *isn_set,
		      tcp_seq *isn, ol_time now)
{
	struct tcp_node *n = tcp_demux_find(&tcp->demux, local, remote);
	if (!n)
		return true;
	struct tcp_tw *tw = (struct tcp_tw *)(void *)n;
	if (n->kind != TCP_NODE_TW || !tcp_tw_reusable(tcp, tw, now))
		return false;
	*isn_set = true;
	*isn = seq_add(tw->snd_nxt, 65535 + 2);
	tcp_tw_free(tcp, tw);
	return true;
}

bool tcp_pair_busy(const struct tcp *tcp, const struct ol_endpoint *local, const struct ol_endpoint *remote,
		ol_time now)
{
	const struct tcp_node *n = tcp_demux_find(&tcp->demux, local, remote);
	if (!n)
		return false;
	return n->kind != TCP_NODE_TW || !tcp_tw_reusable(tcp, (const struct tcp_tw *)(const void *)n, now);
}

/* Does a bind to `local` cover this node's address? */
static bool covers(const struct ol_endpoint *local, int domain_v6, bool v6only, const struct tcp_node *n)
{
	if (n->local.port != local->port)
		return false;
	if (!ol_addr_is_any(&local->addr))
		return ol_addr_eq(&local->addr, &n->local.addr);
	if (n->local.addr.ver == 4)
		return local->addr.ver == 4 || !domain_v6 || !v6only;
	return domain_v6 || local->addr.ver == 6;
}

bool tcp_local_busy(const struct tcp *tcp, const struct ol_endpoint *local, int domain_v6, bool v6only)
{
	for (uint32_t i = 0; i <= tcp->demux.mask; i++)
		for (const struct tcp_node *n = tcp->demux.bucket[i]; n; n = n->next)
			if (covers(local, domain_v6, v6only, n))
				return true;
	return false;
}

/* The connection, in SYN-SENT; its SYN has yet to go. */
static enum ol_err make(struct tcp *tcp, struct tcp_tcb **out, const struct tcp_opts *opts, const struct ol_endpoint *local,
			const struct ol_endpoint *remote, void *user, ol_time now)
{
	struct net_path path;
	struct ol_endpoint l = *local;
	bool isn_set = false;
	tcp_seq isn;
	if (l.port == 0 || remote->port == 0)
		return OL_ERR_INVAL;
	if (ol_addr_is_multicast(&remote->addr) || net_is_broadcast(tcp->net, &remote->addr))
		return OL_ERR_NETUNREACH;				/* as Linux: no connection to many */
	enum ol_err err = net_route(tcp->net, &remote->addr, ol_addr_is_any(&l.addr) ? NULL : &l.addr, opts->ifi, &path);
	if (err != OL_OK)
		return err;
	if (ol_addr_is_any(&l.addr))
		l.addr = path.src;					/* MUST-44 */
	if (!name_free(tcp, &l, remote, &isn_set, &isn, now))
		return OL_ERR_ADDRNOTAVAIL;
	if (!isn_set)
		isn = tcp_isn(tcp, &l, remote, now);
	struct tcp_tcb *tcb = tcp_tcb_new(tcp, opts, &l, remote, isn, now);
	if (!tcb)
		return OL_ERR_NOMEM;
	tcb->held = true;
	tcb->user = user;
	tcb->rcv_wnd = MIN(tcb->rcvbuf / 2, 65535u);
	tcb->state = OL_TCP_SYN_SENT;
	tcb->cause = OL_CAUSE_CONNECT;
	tcb->stuck_at = now;
	tcp_start_loss(tcb, now);
	*out = tcb;
	return OL_OK;
}

static enum ol_err launch(struct tcp_tcb *tcb, ol_time now)
{
	tcp_send_syn(tcb, now);
	if (tcp_outstanding(tcb) == 0) {
		tcp_tcb_free(tcb);
		return OL_ERR_NOMEM;
	}
	tcp_timer_update(tcb, now);
	return OL_OK;
}

enum ol_err tcp_open(struct tcp *tcp, struct tcp_tcb **out, const struct tcp_opts *opts, const struct ol_endpoint *local,
		     const struct ol_endpoint *remote, void *user, ol_time now)
{
	enum ol_err err = make(tcp, out, opts, local, remote, user, now);
	return err == OL_OK ? launch(*out, now) : err;
}

/* ---- options ---------------------------------------------------------------------------------------------------- */

struct tcp_opts *tcp_opts(struct tcp_tcb *tcb) { return &tcb->opts; }

void tcp_opts_changed(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_opts *o = &tcb->opts;
	bool uncorked = tcb->was_cork && !o->cork;
	tcb->was_cork = o->cork;
	if (o->sndbuf)
		tcb->sndbuf = o->sndbuf;
	if (o->rcvbuf)
		tcb->rcvbuf = o->rcvbuf;
	if (!tcb->in_demux)
		return;
	if (o->congestion[0])
		(void)tcp_loss_set_cc(tcb, o->congestion, now);
	tcp_loss_set_max_pacing(tcb, o->max_pacing);
	if (o->keepalive)					/* its times may be new; not now: this instant may have been served */
		tcb->keepalive_at = MIN(tcb->keepalive_at, now + 1);
	tcb->cause = OL_CAUSE_SETSOCKOPT;
	if (o->quickack && tcb->ack_pending)
		tcb->ack_now = true;
	tcb->push_now = o->nodelay || uncorked;			/* TCP_NODELAY set, again or anew, lets go of what is held */
	tcp_output(tcb, now);
	tcb->push_now = false;
	tcp_event(tcb);
}

/* ---- SEND ------------------------------------------------------------------------------------------------------- */

enum ol_err tcp_error_take(struct tcp_tcb *tcb)
{
	enum ol_err e = tcb->error;
	tcb->error = OL_OK;
	return e;
}

enum ol_err tcp_soft_error_take(struct tcp_tcb *tcb)
{
	enum ol_err e = tcb->soft_new ? tcb->soft_error : OL_OK;
	tcb->soft_new = false;
	return e;
}

static enum ol_err may_send(struct tcp_tcb *tcb, unsigned flags)
{
	if (tcb->error != OL_OK)
		return tcp_error_take(tcb);
	if (tcb->fin_queued)
		return OL_ERR_PIPE;
	if (flags & TCP_SEND_EOR && !tcp_marks_reserve(&tcb->records))
		return OL_ERR_NOMEM;				/* an end of a record is a promise, not a hint as PSH is */
	switch (tcb->state) {
	case OL_TCP_ESTABLISHED: case OL_TCP_CLOSE_WAIT:
		return OL_OK;
	/* req: 9293-3.10.2-a what is to be queued stays with the caller, who waits and sends it then, as on Linux */
	case OL_TCP_SYN_SENT: case OL_TCP_SYN_RECEIVED:
		return tcp_carries(tcb) ? OL_OK : OL_ERR_AGAIN;
	default:
		return OL_ERR_PIPE;
	}
}

/*
 * Notes where a write ended.  When there are too many to keep, the last gives way: its PSH then comes a little
 * later.
 */
static void mark_push(struct tcp_tcb *tcb)
{
	enum { MOST = 4096 };
	struct tcp_marks *m = &tcb->push;
	tcp_seq end = tcp_text_end(tcb);
	if (m->n < MOST && tcp_marks_reserve(m))
		tcp_marks_put(m, end);
	else if (m->n > 0)
		*tcp_marks_last(m) = end;
}

static void queued(struct tcp_tcb *tcb, unsigned flags, size_t len, ol_time now)
{
	if (!(flags & TCP_SEND_MORE))
		mark_push(tcb);
	if (flags & TCP_SEND_EOR)
		tcp_marks_put(&tcb->records, tcp_text_end(tcb));
	tcp_tell_written(tcb, len, flags, now);
	if (flags & TCP_SEND_URG) {
		tcb->snd_up = tcp_text_end(tcb);
		tcb->urg_out = true;
	}
	tcb->more = flags & TCP_SEND_MORE;
	tcb->cause = OL_CAUSE_SEND;
	tcb->cause_len = (uint32_t)len;
	tcp_output(tcb, now);
	tcb->more = false;
}

/*
 * TCP_NOTSENT_LOWAT bounds what waits unsent: more is taken while less than that waits, in pieces of what one burst
 * would be, and a piece begun is filled up; that is Linux's grain.
 */
static size_t lowat_room(const struct tcp_tcb *tcb)
{
	uint32_t unsent = tcp_unsent_bytes(tcb), grain = tcp_grain(tcb);
	if (unsent > 0 && unsent < grain)
		return grain - unsent;
	return unsent < tcp_notsent_lowat(tcb) ? grain : 0;
}

/* A long write lets its first burst go at once: what that leaves behind is the begin of the next. */
/* Of urgent text nothing goes before all of it is there: the pointer names its end (MUST-31). */
static size_t fill(struct tcp_tcb *tcb, const void *buf, size_t len, bool urgent, ol_time now)
{
	bool bounded = tcp_notsent_lowat(tcb) != UINT32_MAX;
	size_t done = 0;
	while (done < len) {
		bool first = tcp_unsent_bytes(tcb) == 0 && !urgent;
		size_t n = MIN(len - done, tcp_writable(tcb));
		if (bounded)
			n = MIN(n, lowat_room(tcb));
		else if (first)
			n = MIN(n, tcp_grain(tcb));
		size_t put = n ? chunkq_write(&tcb->sndq, (const char *)buf + done, n) : 0;
		done += put;
		if (put < n || n == 0 || done == len || urgent || !(bounded || first))
			break;
		tcb->more = true;
		tcp_output(tcb, now);
		tcb->more = false;
	}
	return done;
}

enum ol_err tcp_send(struct tcp_tcb *tcb, const struct iovec *iov, int n, unsigned flags, size_t *done, ol_time now)
{
	*done = 0;
	enum ol_err err = may_send(tcb, flags);
	if (err == OL_ERR_AGAIN)
		tcb->nospace = true;
	if (err != OL_OK)
		return err;
	size_t want = iov_sum(iov, n);
	for (int i = 0; i < n; i++) {
		size_t put = fill(tcb, iov[i].iov_base, iov[i].iov_len, flags & TCP_SEND_URG, now);
		*done += put;
		if (put < iov[i].iov_len)
			break;
	}
	if (*done < want) {
		tcb->nospace = true;
		flags &= ~(unsigned)TCP_SEND_EOR;			/* the record goes on: as Linux */
	}
	if (*done == 0)
		return want ? OL_ERR_AGAIN : OL_OK;
	queued(tcb, flags, *done, now);
	return OL_OK;
}

enum ol_err tcp_open_fast(struct tcp *tcp, struct tcp_tcb **out, const struct tcp_opts *opts, const struct ol_endpoint *local,
			  const struct ol_endpoint *remote, const struct iovec *iov, int n, unsigned flags, size_t *done, void *user,
			  ol_time now)
{
	*done = 0;
	enum ol_err err = make(tcp, out, opts, local, remote, user, now);
	if (err != OL_OK)
		return err;
	struct tcp_tcb *tcb = *out;
	size_t room = tcp_fastopen_begin(tcb, now);
	for (int i = 0; i < n && *done < room; i++) {
		size_t want = MIN(iov[i].iov_len, room - *done), put = want ? chunkq_write(&tcb->sndq, iov[i].iov_base, want) : 0;
		*done += put;
		if (put < want)
			break;
	}
	tcb->fo_data = *done > 0;
	if (tcb->fo_data)
		mark_push(tcb);
	if (tcb->fo_data && flags & TCP_SEND_EOR && *done == iov_sum(iov, n) && tcp_marks_reserve(&tcb->records))
		tcp_marks_put(&tcb->records, tcp_text_end(tcb));
	err = launch(tcb, now);
	*done = err == OL_OK ? *done : 0;
	return err;
}

enum ol_err tcp_send_view(struct tcp_tcb *tcb, size_t want, struct iovec *iov, int *n, ol_time now)
{
	enum ol_err err = may_send(tcb, 0);
	size_t room = err == OL_OK ? MIN(want, tcp_writable(tcb)) : 0;
	*n = room ? chunkq_room(&tcb->sndq, room, iov, *n) : 0;
	if (err == OL_OK && *n == 0 && want > 0)
		err = OL_ERR_AGAIN;
	if (err == OL_ERR_AGAIN)
		tcb->nospace = true;
	return err;
}

enum ol_err tcp_send_done(struct tcp_tcb *tcb, size_t len, unsigned flags, ol_time now)
{
	enum ol_err err = may_send(tcb, flags);
	if (err != OL_OK)
		return err;
	if (len > tcp_writable(tcb) || tcb->sndq.head_off + tcb->sndq.len + len > (size_t)tcb->sndq.n * CHUNKQ_CHUNK)
		return OL_ERR_INVAL;
	if (len == 0)
		return OL_OK;
	chunkq_commit(&tcb->sndq, len);
	queued(tcb, flags, len, now);
	return OL_OK;
}

/* ---- CLOSE, ABORT, letting go ----------------------------------------------------------------------------------- */

enum ol_err tcp_shutdown_send(struct tcp_tcb *tcb, ol_time now)
{
	if (tcb->fin_queued)
		return OL_OK;
	tcb->cause = tcb->orphan ? OL_CAUSE_CLOSE : OL_CAUSE_SHUTDOWN;
	switch (tcb->state) {
	case OL_TCP_SYN_SENT:
		tcp_enter_closed(tcb, OL_OK, now);
		return OL_OK;
	case OL_TCP_SYN_RECEIVED:
		tcb->fin_queued = true;				/* what is queued waits for the handshake, but for Fast Open */
		break;
	case OL_TCP_ESTABLISHED:
		tcb->fin_queued = true;
		tcp_enter(tcb, OL_TCP_FIN_WAIT_1, now);
		break;
	case OL_TCP_CLOSE_WAIT:
		tcb->fin_queued = true;
		tcp_enter(tcb, OL_TCP_LAST_ACK, now);
		break;
	default:
		return OL_ERR_NOTCONN;
	}
	tcp_output(tcb, now);
	return OL_OK;
}

enum ol_err tcp_shutdown_recv(struct tcp_tcb *tcb, ol_time now)
{
	if (tcb->state == OL_TCP_CLOSED)
		return OL_ERR_NOTCONN;
	tcb->rd_shut = true;
	tcp_event(tcb);
	return OL_OK;
}

static bool wants_rst(uint8_t state)				/* 3.10.5 */
{
	return state == OL_TCP_SYN_RECEIVED || state == OL_TCP_ESTABLISHED || state == OL_TCP_FIN_WAIT_1 ||
	       state == OL_TCP_FIN_WAIT_2 || state == OL_TCP_CLOSE_WAIT;
}

void tcp_abort(struct tcp_tcb *tcb, ol_time now)
{
	if (!tcb->in_demux) {
		tcp_enter_closed(tcb, OL_OK, now);
		return;
	}
	if (wants_rst(tcb->state))
		tcp_send_rst(tcb, now);
	tcp_enter_closed(tcb, OL_OK, now);
}

void tcp_abandon(struct tcp *tcp, const struct ol_addr *local, ol_time now)
{
	list_for_safe(n, &tcp->all) {
		struct tcp_tcb *tcb = list_of(n, struct tcp_tcb, all);
		if (!tcb->in_demux || !ol_addr_eq(&tcb->node.local.addr, local))
			continue;
		if (wants_rst(tcb->state))
			tcp_send_rst(tcb, now);
		tcp_enter_closed(tcb, OL_ERR_CONNABORTED, now);
		tcp_reap(tcb);
	}
}

static void let_go(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp *tcp = tcb->tcp;
	/* RFC 2525 2.17: the peer must know that data was lost */
	if (tcb->rcvq.readable > 0 && tcp_carries(tcb)) {
		tcp_abort(tcb, now);
		return;
	}
	if (tcb->state == OL_TCP_TIME_WAIT)
		return;
	if (tcp->n_orphans >= tcp->cfg.max_orphans) {
		tcp_abort(tcb, now);
		return;
	}
	tcb->orphan = true;
	tcp->n_orphans++;
	if (tcb->state == OL_TCP_FIN_WAIT_2)
		tcp_orphan_fin_wait_2(tcb, now);
	else
		(void)tcp_shutdown_send(tcb, now);
}

void tcp_release(struct tcp_tcb *tcb, ol_time now)
{
	CHECK(tcb->held);
	tcb->held = false;
	tcb->user = NULL;
	tcp_tell_release(tcb);
	list_del(&tcb->event);
	tcb->cause = OL_CAUSE_CLOSE;
	if (tcb->in_demux)
		let_go(tcb, now);
	tcp_reap(tcb);
}
