/*
 * Time: one timer node per connection stands for all its deadlines.  It is armed for the earliest and left alone
 * when that moves back, so that an ACK costs no work in the wheel; a node that comes too early is armed anew.
 *
 *	loss half	RTO, TLP, reordering, pacing (RFC 6298, RFC 8985)	persist		RFC 9293 3.8.6.1
 *	delack		RFC 9293 3.8.6.3					keepalive	RFC 9293 3.8.4
 *	finwait2	an orphan's patience with the peer's FIN		stuck_at	R2, user timeout: RFC 9293 3.8.3
 */
#include "transport/tcp/tcp_local.h"
#include "transport/tcp/tcp_loss.h"
#include "transport/tcp/tcp_mtup.h"
#include "transport/tcp/tcp_output.h"
#include "transport/tcp/tcp_segment.h"
#include "transport/tcp/tcp_tcb.h"
#include "transport/tcp/tcp_timer.h"
#include "base/check.h"

enum { ORPHAN_RETRIES = 8 };

static ol_time keepidle(const struct tcp_tcb *tcb)
{
	return tcb->opts.keepidle ? tcb->opts.keepidle : tcb->tcp->cfg.keepalive_time_ns;
}

static ol_time keepintvl(const struct tcp_tcb *tcb)
{
	return tcb->opts.keepintvl ? tcb->opts.keepintvl : tcb->tcp->cfg.keepalive_intvl_ns;
}

static ol_time user_deadline(const struct tcp_tcb *tcb)
{
	return tcb->opts.user_timeout && tcb->stuck_at != OL_NEVER ? tcb->stuck_at + tcb->opts.user_timeout : OL_NEVER;
}

static ol_time earliest(const struct tcp_tcb *tcb)
{
	enum tcp_loss_timer kind;
	ol_time at = tcb->in_demux ? tcp_loss_deadline(tcb, &kind) : OL_NEVER;
	at = MIN(at, tcb->delack_at);
	at = MIN(at, tcb->persist_at);
	at = MIN(at, tcb->keepalive_at);
	at = MIN(at, tcb->finwait2_at);
	return MIN(at, user_deadline(tcb));
}

void tcp_timer_update(struct tcp_tcb *tcb, ol_time now)
{
	ol_time at = earliest(tcb);
	if (at == OL_NEVER || (timer_armed(&tcb->timer) && tcb->timer.at <= at))
		return;
	timer_arm(tcb->tcp->wheel, &tcb->timer, at);
}

void tcp_timer_progress(struct tcp_tcb *tcb, ol_time now)
{
	tcb->stuck_at = tcp_outstanding(tcb) > 0 ? now : OL_NEVER;
	tcb->probes = 0;
}

/* RFC 9293 3.8.3: the soft error that explains the silence is the better news (RFC 1122 4.2.3.9). */
static void give_up(struct tcp_tcb *tcb, ol_time now)
{
	tcp_fastopen_failed(tcb, now);
	tcp_enter_closed(tcb, tcb->soft_error ? tcb->soft_error : OL_ERR_TIMEDOUT, now);
}

static unsigned most_retries(const struct tcp_tcb *tcb)
{
	const struct tcp_config *cfg = &tcb->tcp->cfg;
	bool opening = tcb->state == OL_TCP_SYN_SENT || tcb->state == OL_TCP_SYN_RECEIVED;
	if (opening && tcb->opts.syncnt)
		return tcb->opts.syncnt;
	if (opening && !tcb->passive)				/* MUST-23, whether the peer's SYN crossed ours or not */
		return cfg->syn_retries;
	if (tcb->state == OL_TCP_SYN_RECEIVED)			/* its program may have it already: one more, as Linux */
		return cfg->synack_retries + tcb->fo_child;
	if (tcb->orphan)
		return cfg->orphan_retries ? cfg->orphan_retries : ORPHAN_RETRIES;
	return cfg->retries2;
}

/* MUST-21: a user that has said how long text may wait is taken at its word, where it is longer as well; a SYN's bound stays. */
static bool own_r2(const struct tcp_tcb *tcb) { return tcb->opts.user_timeout && tcp_synchronized(tcb->state); }

static void expire_loss(struct tcp_tcb *tcb, ol_time now)
{
	enum tcp_loss_timer kind = TCP_LOSS_NONE;
	if (tcp_loss_deadline(tcb, &kind) > now || kind == TCP_LOSS_NONE)
		return;						/* nothing new may go either: what is held is held */
	if (kind == TCP_LOSS_RTO) {
		/* A window taken back: what is sent again is a probe, and one that was answered counts no more (SHLD-17, MUST-37). */
		if (tcb->snd_wnd == 0 && tcb->last_ack_in_at > tcb->last_snd_at)
			tcb->loss.backoff = 0;
		if (tcb->loss.backoff >= most_retries(tcb) && !own_r2(tcb)) {
			give_up(tcb, now);
			return;
		}
		if (tcb->loss.backoff == tcb->tcp->cfg.retries1) {	/* R1: is the next hop still there, is there another way? */
			net_doubt(tcb->tcp->net, &tcb->node.remote.addr, now);
			tcp_sync_mss(tcb, now);
		}
		if (tcb->loss.backoff >= tcb->tcp->cfg.retries1 && tcp_synchronized(tcb->state))
			tcp_mtup_stuck(tcb, now);		/* or is it too narrow? */
	}
	if (kind == TCP_LOSS_TLP && tcp_local_queued(tcb)) {
		tcp_loss_tlp_later(tcb, now);
		return;
	}
	bool ready = tcp_carries(tcb) && tcp_unsent_bytes(tcb) > 0 &&
		     seq_lt(tcb->snd_nxt, seq_add(tcb->snd_una, tcb->snd_wnd));
	tcb->cause = kind == TCP_LOSS_RTO ? OL_CAUSE_RTO : kind == TCP_LOSS_PACING ? OL_CAUSE_PACING : OL_CAUSE_TLP;
	(void)tcp_loss_expire(tcb, ready, now);
	tcp_mtup_result(tcb, now);
	tcb->push_now = kind == TCP_LOSS_TLP;			/* RFC 8985 7.3: a probe does not wait for Nagle */
	tcp_output(tcb, now);
	tcb->push_now = false;
}

/* Probes go on as long as the peer answers them (MUST-37); each without an answer counts. */
static void expire_persist(struct tcp_tcb *tcb, ol_time now)
{
	if (tcb->persist_at > now)
		return;
	if (tcb->probes >= most_retries(tcb)) {
		give_up(tcb, now);
		return;
	}
	tcb->probes++;
	tcb->persist_backoff += tcb->persist_backoff < 16;
	tcb->persist_at = now + MIN(tcb->rto_ns << tcb->persist_backoff, tcb->tcp->cfg.rto_max_ns);	/* SHLD-30 */
	tcb->cause = OL_CAUSE_PERSIST;
	tcp_send_forced(tcb, now);
}

/* keepalive_at is a time to look: what counts is how long ago the peer was heard. */
static void expire_keepalive(struct tcp_tcb *tcb, ol_time now)
{
	if (tcb->keepalive_at > now)
		return;
	tcb->keepalive_at = OL_NEVER;
	if (!tcb->opts.keepalive || !tcp_synchronized(tcb->state))
		return;
	ol_time heard = MAX(tcb->last_rcv_at, tcb->last_ack_in_at);
	if (now - heard < keepidle(tcb) || tcp_outstanding(tcb) > 0 || tcp_unsent_bytes(tcb) > 0) {
		tcb->keepalive_sent = 0;
		tcb->keepalive_at = MAX(heard, tcp_outstanding(tcb) > 0 || tcp_unsent_bytes(tcb) > 0 ? now : heard) + keepidle(tcb);
		return;
	}
	uint8_t most = tcb->opts.keepcnt ? tcb->opts.keepcnt : tcb->tcp->cfg.keepalive_probes;
	bool late = tcb->opts.user_timeout ? now - heard >= tcb->opts.user_timeout && tcb->keepalive_sent > 0
					   : tcb->keepalive_sent >= most;
	if (late) {
		tcb->cause = OL_CAUSE_KEEPALIVE;
		tcp_send_rst(tcb, now);
		give_up(tcb, now);
		return;
	}
	tcb->keepalive_sent++;
	tcb->keepalive_at = now + keepintvl(tcb);
	tcb->cause = OL_CAUSE_KEEPALIVE;
	tcp_send_probe(tcb, now);
}

static void expire_finwait2(struct tcp_tcb *tcb, ol_time now)
{
	if (tcb->finwait2_at > now)
		return;
	tcb->finwait2_at = OL_NEVER;
	tcp_enter_closed(tcb, OL_OK, now);
}

static void expire_delack(struct tcp_tcb *tcb, ol_time now)
{
	if (tcb->delack_at > now)
		return;
	tcb->delack_at = OL_NEVER;
	if (!tcb->ack_pending)
		return;
	tcb->cause = OL_CAUSE_DELACK;
	tcb->pingpong = 0;				/* no answer came to ride on */
	tcp_send_ack(tcb, now);
}

void tcp_tcb_expire(struct tcp_tcb *tcb, ol_time now)
{
	expire_finwait2(tcb, now);
	if (tcb->in_demux && user_deadline(tcb) <= now && tcb->state != OL_TCP_FIN_WAIT_2)
		give_up(tcb, now);
	if (tcb->in_demux)
		expire_loss(tcb, now);
	if (tcb->in_demux)
		expire_delack(tcb, now);
	if (tcb->in_demux)
		expire_persist(tcb, now);
	if (tcb->in_demux)
		expire_keepalive(tcb, now);
	if (tcb->in_demux || tcb->state == OL_TCP_TIME_WAIT)
		tcp_timer_update(tcb, now);
	tcp_reap(tcb);
}
