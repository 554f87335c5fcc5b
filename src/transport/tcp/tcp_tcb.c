/*
 * The life of a connection: how it comes to be, its states (RFC 9293 3.3.2), how it ends and who frees it.
 *
 * A connection is in the table from its first SYN to CLOSED or TIME-WAIT; TIME-WAIT lives on as a small record
 * (tcp_timewait.c).  Nothing here frees what the user holds or a listener keeps for it: tcp_reap does, when nobody
 * does.
 */
#include "transport/tcp/tcp_demux.h"
#include "transport/tcp/tcp_isn.h"
#include "transport/tcp/tcp_loss.h"
#include "transport/tcp/tcp_marks.h"
#include "transport/tcp/tcp_mtup.h"
#include "transport/tcp/tcp_output.h"
#include "transport/tcp/tcp_rcvq.h"
#include "transport/tcp/tcp_segment.h"
#include "transport/tcp/tcp_sndbuf.h"
#include "transport/tcp/tcp_tcb.h"
#include "transport/tcp/tcp_tell.h"
#include "transport/tcp/tcp_timer.h"
#include "transport/tcp/tcp_timewait.h"
#include "base/check.h"
#include "base/timer_kind.h"
#include <stdlib.h>

static size_t ip_hdr_len(const struct ol_addr *a) { return a->ver == 6 ? 40 : 20; }

uint8_t tcp_choose_wscale(const struct tcp *tcp, const struct tcp_opts *opts)
{
	if (!tcp->cfg.window_scaling)
		return 0;
	uint32_t space = opts->rcvbuf ? opts->rcvbuf / 2 : tcp->cfg.rmem[2];
	if (opts->window_clamp)
		space = MIN(space, opts->window_clamp);
	uint8_t s = 0;
	while (s < TCP_MAX_WSCALE && (space >> s) > 65535)
		s++;
	return s;
}

/* RFC 6691: the MTU less the fixed headers; options are not counted here. */
uint16_t tcp_adv_mss(const struct tcp_opts *opts, const struct ol_addr *remote, uint32_t mtu)
{
	size_t hdrs = ip_hdr_len(remote) + TCP_HDR_LEN;
	uint32_t mss = mtu > hdrs + TCP_MIN_MSS ? mtu - (uint32_t)hdrs : TCP_MIN_MSS;
	if (opts->maxseg)
		mss = MIN(mss, opts->maxseg);
	return (uint16_t)MIN(mss, 65535u);
}

/*
 * RFC 9293 3.7.1: Eff.snd.MSS = min(SendMSS + 20, MMS_S) - TCP header - IP options.  snd_mss has the timestamp
 * option taken off, which every segment carries; SACK blocks are taken off where a segment has some.
 */
void tcp_sync_mss(struct tcp_tcb *tcb, ol_time now)
{
	struct net_path path;
	tcb->path_generation = net_generation(tcb->tcp->net);
	if (net_route(tcb->tcp->net, &tcb->node.remote.addr, &tcb->node.local.addr, tcb->opts.ifi, &path) == OL_OK)
		tcb->path = path;
	uint32_t mss = tcp_adv_mss(&tcb->opts, &tcb->node.remote.addr, tcp_mtup_limit(tcb));
	if (tcb->peer_mss)
		mss = MIN(mss, tcb->peer_mss);
	uint32_t opts = tcb->ts_ok ? TCP_OPT_TS_LEN : 0;
	mss = mss > tcb->tcp->cfg.min_snd_mss ? mss : tcb->tcp->cfg.min_snd_mss;
	tcb->snd_mss = mss > opts + 8 ? mss - opts : 8;
}

struct tcp_tcb *tcp_tcb_new(struct tcp *tcp, const struct tcp_opts *opts, const struct ol_endpoint *local,
			    const struct ol_endpoint *remote, tcp_seq iss, ol_time now)
{
	struct tcp_tcb *tcb = calloc(1, sizeof *tcb);
	if (!tcb)
		return NULL;
	tcb->node = (struct tcp_node){ .kind = TCP_NODE_TCB, .local = *local, .remote = *remote };
	tcb->tcp = tcp;
	tcb->opts = *opts;
	tcb->state = OL_TCP_CLOSED;
	tcb->was_cork = opts->cork;
	timer_init(&tcb->timer, TIMER_TCP_TCB);
	list_init(&tcb->all);
	list_init(&tcb->event);
	list_init(&tcb->accept);
	list_init(&tcb->fo_node);
	list_init(&tcb->ack_later);
	list_init(&tcb->local.wait);
	chunkq_init(&tcb->sndq, &tcp->chunks);
	tcp_rcvq_init(&tcb->rcvq);
	tcb->iss = tcb->snd_una = tcb->snd_nxt = tcb->snd_up = tcb->snd_sml = iss;
	tcb->sndq_seq = seq_add(iss, 1);
	tcb->sndbuf = opts->sndbuf ? opts->sndbuf : tcp->cfg.wmem[1];
	tcb->rcvbuf = opts->rcvbuf ? opts->rcvbuf : tcp->cfg.rmem[1];
	tcb->rcv_wscale = tcp_choose_wscale(tcp, opts);
	tcb->ts_offset = tcp_ts_offset(tcp, local, remote);
	tcb->delack_at = tcb->persist_at = tcb->keepalive_at = tcb->finwait2_at = tcb->stuck_at = OL_NEVER;
	tcb->rto_ns = tcp->cfg.rto_initial_ns;
	tcb->rcv_mss = TCP_DEFAULT_MSS4;
	tcb->quick = TCP_QUICK_ACKS;
	tcb->born = tcb->last_rcv_at = tcb->last_snd_at = tcb->last_ack_at = now;
	tcb->confirmed_at = now - OL_SEC;
	tcb->path.mtu = 1500;
	tcp_sync_mss(tcb, now);
	tcb->adv_mss = tcp_adv_mss(opts, &remote->addr, tcb->path.link_mtu ? tcb->path.link_mtu : tcb->path.mtu);
	list_append(&tcp->all, &tcb->all);
	tcp->n_tcb++;
	tcp_demux_add(&tcp->demux, &tcb->node);
	tcb->in_demux = true;
	return tcb;
}

void tcp_start_loss(struct tcp_tcb *tcb, ol_time now)
{
	const char *cc = tcb->opts.congestion[0] ? tcb->opts.congestion : tcb->tcp->cfg.congestion;
	tcp_loss_init(tcb, &tcb->tcp->loss_cfg, cc, now);
	if (tcb->opts.max_pacing)
		tcp_loss_set_max_pacing(tcb, tcb->opts.max_pacing);
}

void tcp_leave_demux(struct tcp_tcb *tcb)
{
	tcp_fastopen_settled(tcb);
	list_del(&tcb->ack_later);
	if (!tcb->in_demux)
		return;
	tcp_demux_del(&tcb->tcp->demux, &tcb->node);
	tcb->in_demux = false;
}

void tcp_tcb_free(struct tcp_tcb *tcb)
{
	struct tcp *tcp = tcb->tcp;
	tcp_leave_demux(tcb);
	timer_stop(tcp->wheel, &tcb->timer);
	chunkq_fini(&tcb->sndq);
	tcp_marks_fini(&tcb->push);
	tcp_marks_fini(&tcb->records);
	tcp_rcvq_purge(&tcb->rcvq);
	if (tcb->syn_text)
		ol_pkt_free(tcb->syn_text);
	tcp_loss_fini(tcb);
	list_del(&tcb->all);
	list_del(&tcb->event);
	list_del(&tcb->accept);
	list_del(&tcb->local.wait);
	if (tcb->orphan)
		tcp->n_orphans--;
	tcp->n_tcb--;
	free(tcb);
}

bool tcp_reap(struct tcp_tcb *tcb)
{
	if (tcb->held || tcb->listener || (tcb->state != OL_TCP_CLOSED && tcb->state != OL_TCP_TIME_WAIT))
		return false;
	tcp_tcb_free(tcb);
	return true;
}

void tcp_event(struct tcp_tcb *tcb)
{
	if (tcb->held && list_empty(&tcb->event))
		list_append(&tcb->tcp->tcb_events, &tcb->event);
}

void tcp_enter(struct tcp_tcb *tcb, enum ol_tcp_state state, ol_time now)
{
	tcb->state = (uint8_t)state;
	tcp_event(tcb);
}

/* What both kinds of end have in common: nothing more is sent, and no timer runs. */
static void stop(struct tcp_tcb *tcb)
{
	tcp_ack_habit_keep(tcb);
	tcp_leave_demux(tcb);
	list_del(&tcb->local.wait);
	timer_stop(tcb->tcp->wheel, &tcb->timer);
	tcb->delack_at = tcb->persist_at = tcb->keepalive_at = tcb->finwait2_at = tcb->stuck_at = OL_NEVER;
	tcb->ack_now = tcb->ack_pending = false;
	chunkq_fini(&tcb->sndq);
	tcp_tell_dropped(tcb);
	tcp_marks_fini(&tcb->push);
	tcp_marks_fini(&tcb->records);
}

/* What was received in order stays readable: progress outranks failure. */
void tcp_enter_closed(struct tcp_tcb *tcb, enum ol_err err, ol_time now)
{
	if (tcb->state == OL_TCP_CLOSED && !tcb->in_demux)
		return;
	stop(tcb);
	if (err != OL_OK && tcb->error == OL_OK)
		tcb->error = err;
	tcp_rcvq_prune(&tcb->rcvq, 0);
	tcp_enter(tcb, OL_TCP_CLOSED, now);
}

void tcp_start_receiving(struct tcp_tcb *tcb, ol_time now)
{
	tcb->last_rcv_at = now;
	tcb->rcv_tune.seq = tcb->copied = tcb->rcv_nxt;
	tcb->rcv_tune.at = now;
	tcb->rcv_tune.space = MIN(tcb->rcvbuf / 2, 10u * tcb->adv_mss);
	tcb->rcv_rtt.seq = seq_add(tcb->rcv_nxt, tcb->rcv_wnd);
	tcb->rcv_rtt.at = now;
}

/* With Fast Open text has come and gone before; both halves work already then. */
void tcp_enter_established(struct tcp_tcb *tcb, ol_time now)
{
	tcp_mtup_established(tcb, now);
	if (!tcb->loss.established)
		tcp_loss_established(tcb, now);
	tcp_sndbuf_tune(tcb);
	tcp_fastopen_settled(tcb);
	if (tcb->accecn.on)
		tcp_accecn_opened(tcb);
	if (!tcb->fo_child)
		tcp_start_receiving(tcb, now);
	if (tcb->opts.keepalive)
		tcb->keepalive_at = now + 1;		/* next: the timer finds out how long it really is */
	tcp_enter(tcb, OL_TCP_ESTABLISHED, now);
	if (tcb->fin_queued)				/* closed while the handshake was under way */
		tcp_enter(tcb, OL_TCP_FIN_WAIT_1, now);
}

/* The record answers from here on.  A user that still holds the connection sees TIME-WAIT pass. */
void tcp_enter_time_wait(struct tcp_tcb *tcb, ol_time now)
{
	bool recorded = !tcb->dying && tcp_tw_add(tcb, now);
	stop(tcb);
	if (!recorded) {
		tcp_enter(tcb, OL_TCP_CLOSED, now);
		return;
	}
	tcp_enter(tcb, OL_TCP_TIME_WAIT, now);
	if (tcb->held) {
		tcb->finwait2_at = now + tcb->tcp->cfg.tw_ns;
		tcp_timer_update(tcb, now);
	}
}

void tcp_orphan_fin_wait_2(struct tcp_tcb *tcb, ol_time now)
{
	ol_time wait = tcb->opts.linger2 > 0 ? tcb->opts.linger2 : tcb->tcp->cfg.fin_timeout_ns;
	if (tcb->opts.linger2 < 0) {
		tcp_send_rst(tcb, now);
		tcp_enter_closed(tcb, OL_OK, now);
		return;
	}
	tcb->finwait2_at = now + wait;
	tcp_timer_update(tcb, now);
}

/* RFC 7323 2.5 and 3.2, RFC 2018 2: an option is in force when both SYNs had it. */
void tcp_agree(struct tcp_tcb *tcb, const struct tcp_opt *opt)
{
	const struct tcp_config *cfg = &tcb->tcp->cfg;
	tcb->peer_mss = opt->mss_ok && opt->mss ? opt->mss :
		tcb->node.remote.addr.ver == 6 ? TCP_DEFAULT_MSS6 : TCP_DEFAULT_MSS4;	/* MUST-15 */
	tcb->ws_ok = opt->ws_ok && cfg->window_scaling;
	tcb->snd_wscale = tcb->ws_ok ? opt->ws : 0;
	if (!tcb->ws_ok)
		tcb->rcv_wscale = 0;
	tcb->sack_ok = opt->sack_permitted && cfg->sack;
	tcb->ts_ok = opt->ts_ok && cfg->timestamps;
	if (tcb->ts_ok)
		tcb->ts_recent = opt->tsval;
}

void tcp_check(const struct tcp_tcb *tcb)
{
	CHECK(seq_le(tcb->snd_una, tcb->snd_nxt));
	CHECK(tcb->in_demux == (tcb->state != OL_TCP_CLOSED && tcb->state != OL_TCP_TIME_WAIT));
	tcp_rcvq_check(&tcb->rcvq, tcb->rcv_nxt);
	if (!tcb->in_demux) {
		CHECK(tcb->sndq.len == 0);
		return;
	}
	tcp_loss_check(tcb);
	CHECK(!tcb->mtup.on || (tcb->mtup.low <= tcb->mtup.high && tcb->mtup.high <= tcb->path.mtu));
	CHECK(timer_armed(&tcb->timer) || tcb->snd_una.v == tcb->snd_nxt.v);	/* what is outstanding has a timer */
	CHECK(seq_ge(tcb->snd_una, tcb->iss));
	if (seq_gt(tcb->snd_una, tcb->iss)) {
		tcp_seq end = tcp_text_end(tcb);
		CHECK(seq_eq(tcb->sndq_seq, seq_min(tcb->snd_una, end)));
		CHECK(seq_le(tcb->snd_nxt, seq_add(end, tcb->fin_sent)));
		CHECK(!tcb->fin_sent || seq_eq(tcb->snd_nxt, seq_add(end, 1)));
	}
	if (tcp_synchronized(tcb->state)) {
		CHECK(seq_le(tcb->copied, tcb->rcv_nxt));
		CHECK(seq_len(tcb->copied, tcb->rcv_nxt) == tcb->rcvq.readable + tcb->fin_received);
	}
	ol_time loss = tcp_loss_deadline(tcb, &(enum tcp_loss_timer){ TCP_LOSS_NONE });
	ol_time at = MIN(MIN(loss, tcb->delack_at), MIN(tcb->persist_at, tcb->keepalive_at));
	CHECK(at == OL_NEVER || (timer_armed(&tcb->timer) && tcb->timer.at <= MAX(at, 0)));
	if (tcb->snd_una.v == tcb->snd_nxt.v && (tcp_unsent_bytes(tcb) > 0) && tcb->state == OL_TCP_ESTABLISHED)
		CHECK(at != OL_NEVER);		/* unsent text never waits for ever */
}
