/*
 * Passive opens: listeners, half-open connections as small records.  RFC 9293 3.10.7.2 (LISTEN), 3.10.7.4 for
 * SYN-RECEIVED, RFC 4987, RFC 5961 3 and 4, RFC 6191's hint for the ISN.
 *
 * The backlog means what Linux means: so many established connections may wait for accept, one more than asked for;
 * while that queue is full SYNs are dropped and so is the ACK that ends a handshake, which the peer then repeats.
 * As many handshakes may be under way; beyond, a SYN is answered with a cookie (tcp_syncookie.c), which needs no memory at
 * all.  Only where the listener allows Fast Open (RFC 7413) does a SYN make a connection at once.
 */
#include "transport/tcp/tcp_demux.h"
#include "transport/tcp/tcp_isn.h"
#include "transport/tcp/tcp_listen.h"
#include "transport/tcp/tcp_loss.h"
#include "transport/tcp/tcp_segment.h"
#include "transport/tcp/tcp_sndbuf.h"
#include "transport/tcp/tcp_syncookie.h"
#include "transport/tcp/tcp_tcb.h"
#include "transport/tcp/tcp_timer.h"
#include "base/check.h"
#include "base/timer_kind.h"
#include <stdlib.h>

enum { SYN_WINDOW = 65535 };

static struct list *bucket(struct tcp *tcp, uint16_t port) { return &tcp->listen[port % TCP_LISTEN_BUCKETS]; }

/* ---- which listener --------------------------------------------------------------------------------------------- */

/* How well it fits: the more exact its address and interface, the better; 0 not at all. */
static int fit(const struct tcp_listener *l, const struct ol_endpoint *local, int ifi)
{
	if (l->local.port != local->port || (l->opts.ifi && l->opts.ifi != ifi))
		return 0;
	int score = l->opts.ifi ? 8 : 0;
	const struct ol_addr *a = &l->local.addr;
	if (!ol_addr_is_any(a))
		return ol_addr_eq(a, &local->addr) ? score + 4 : 0;
	if (a->ver == local->addr.ver)
		return score + 2;
	if (a->ver == 4 || (l->opts.v6only && local->addr.ver == 4))
		return 0;
	return score + 1;					/* both families */
}

struct tcp_listener *tcp_listener_find(struct tcp *tcp, const struct ol_endpoint *local,
				       const struct ol_endpoint *remote, int ifi)
{
	struct tcp_listener *best = NULL;
	int score = 0;
	uint32_t group = 0;
	list_for(n, bucket(tcp, local->port)) {
		struct tcp_listener *l = list_of(n, struct tcp_listener, node);
		int s = fit(l, local, ifi);
		if (s > score) {
			best = l;
			score = s;
			group = 1;
		} else if (s > 0 && s == score && l->reuseport) {
			group++;
		}
	}
	if (!best || group < 2 || !best->reuseport)
		return best;
	uint32_t pick = (uint32_t)(addr_hash_pair(tcp->key_reuseport, local, remote) % group);
	list_for(n, bucket(tcp, local->port)) {
		struct tcp_listener *l = list_of(n, struct tcp_listener, node);
		if (fit(l, local, ifi) == score && pick-- == 0)
			return l;
	}
	return best;
}

enum ol_err tcp_listen(struct tcp *tcp, struct tcp_listener **out, const struct tcp_opts *opts,
		       const struct ol_endpoint *local, int backlog, bool reuseport, void *user, ol_time now)
{
	if (local->port == 0)
		return OL_ERR_INVAL;
	list_for(n, bucket(tcp, local->port)) {
		struct tcp_listener *o = list_of(n, struct tcp_listener, node);
		if (o->local.port == local->port && ol_addr_eq(&o->local.addr, &local->addr) && o->opts.ifi == opts->ifi &&
		    !(reuseport && o->reuseport))
			return OL_ERR_ADDRINUSE;
	}
	struct tcp_listener *l = calloc(1, sizeof *l);
	if (!l)
		return OL_ERR_NOMEM;
	l->tcp = tcp;
	l->user = user;
	l->local = *local;
	l->opts = *opts;
	l->reuseport = reuseport;
	tcp_listener_set_backlog(l, backlog);
	list_init(&l->accepted);
	list_init(&l->syns);
	list_init(&l->event);
	tcp_fastopen_listen(l);
	list_append(bucket(tcp, local->port), &l->node);
	*out = l;
	return OL_OK;
}

void tcp_listener_set_backlog(struct tcp_listener *l, int backlog)
{
	uint32_t n = backlog < 0 ? UINT32_MAX : (uint32_t)backlog;	/* Linux: negative is as much as may be */
	l->backlog = MIN(n, l->tcp->cfg.somaxconn);
}

struct tcp_opts *tcp_listener_opts(struct tcp_listener *l) { return &l->opts; }
void tcp_listener_set_keys(struct tcp_listener *l, const struct tcp_fo_keys *keys) { l->fo_keys = *keys; }
const struct tcp_fo_keys *tcp_listener_keys(const struct tcp_listener *l)
{
	return l->fo_keys.n ? &l->fo_keys : &l->tcp->cfg.fastopen_key;
}
unsigned tcp_listener_waiting(const struct tcp_listener *l) { return l->n_accepted; }
int tcp_listener_backlog(const struct tcp_listener *l) { return (int)l->backlog; }
unsigned tcp_listener_ready(const struct tcp_listener *l) { return l->n_accepted ? OL_EV_IN : 0; }
void *tcp_listener_user(const struct tcp_listener *l) { return l->user; }

struct tcp_tcb *tcp_accept(struct tcp_listener *l, void *user, ol_time now)
{
	struct list *n = list_take(&l->accepted);
	if (!n)
		return NULL;
	struct tcp_tcb *tcb = list_of(n, struct tcp_tcb, accept);
	l->n_accepted--;
	tcb->listener = NULL;
	tcb->held = true;
	tcb->user = user;
	if (tcp_ready(tcb) & ~OL_EV_OUT)
		tcp_event(tcb);
	return tcb;
}

void tcp_listener_free(struct tcp_listener *l)
{
	for (struct list *n; (n = list_first(&l->syns)); )
		tcp_synrec_free(list_of(n, struct tcp_synrec, of_listener));
	tcp_fastopen_unlisten(l);
	list_del(&l->node);
	list_del(&l->event);
	free(l);
}

void tcp_listener_close(struct tcp_listener *l, ol_time now)
{
	for (struct list *n; (n = list_take(&l->accepted)); ) {
		struct tcp_tcb *tcb = list_of(n, struct tcp_tcb, accept);
		tcb->listener = NULL;
		tcb->cause = OL_CAUSE_CLOSE;
		tcp_abort(tcb, now);
		tcp_reap(tcb);
	}
	tcp_listener_free(l);
}

static bool accept_full(const struct tcp_listener *l) { return l->n_accepted > l->backlog; }

/* ---- half-open connections -------------------------------------------------------------------------------------- */

void tcp_synrec_free(struct tcp_synrec *s)
{
	struct tcp *tcp = s->listener->tcp;
	tcp_demux_del(&tcp->demux, &s->node);
	timer_stop(tcp->wheel, &s->timer);
	list_del(&s->of_listener);
	s->listener->n_syns--;
	tcp->n_syn--;
	free(s);
}

static uint32_t ts_clock(const struct tcp_synrec *s, ol_time now) { return (uint32_t)(now / OL_MS) + s->ts_offset; }

static void bare_of(const struct tcp_synrec *s, struct tcp_bare *b, ol_time now)
{
	*b = (struct tcp_bare){
		.local = s->node.local, .remote = s->node.remote, .ack = seq_add(s->irs, 1), .tos = s->tos,
		.ttl = s->listener->opts.ttl, .ifi = s->ifi, .state = OL_TCP_SYN_RECEIVED, .cause = OL_CAUSE_SEGMENT,
		.opt = { .ts_ok = s->ts_ok, .tsval = ts_clock(s, now), .tsecr = s->ts_recent },
	};
}

/* fo: the cookie it brings, or NULL; one sent again brings none.  req: 7413-4.2.2-d */
static void send_synack(struct tcp_synrec *s, const struct tcp_cookie *fo, uint32_t tsval, enum ol_cause cause, ol_time now)
{
	struct tcp_bare b;
	bare_of(s, &b, now);
	b.seq = s->iss;
	b.flags = TCP_SYN | TCP_ACK | (s->ecn_ok ? TCP_ECE : 0);
	b.wnd = (uint16_t)s->rcv_wnd;
	b.cause = (uint8_t)cause;
	b.opt.mss = s->adv_mss;
	b.opt.ws_ok = s->ws_ok;
	b.opt.ws = s->rcv_wscale;
	b.opt.sack_permitted = s->sack_ok;
	b.opt.tsval = tsval;
	if (fo)
		b.opt.fo = *fo;
	if (s->accecn.on)
		b.ace = tcp_accecn_synack(&s->accecn, &s->listener->tcp->cfg, cause == OL_CAUSE_RTO);
	tcp_accecn_synack_option(&s->accecn, &s->listener->tcp->cfg, &b.opt);
	tcp_send_bare(s->listener->tcp, &b, now);
}

static void send_ack(struct tcp_synrec *s, ol_time now)
{
	if (!tcp_challenge_allowed(s->listener->tcp, &s->challenge_at, now))
		return;
	struct tcp_bare b;
	bare_of(s, &b, now);
	b.seq = seq_add(s->iss, 1);
	b.flags = TCP_ACK;
	b.ace = tcp_accecn_first_ace(&s->accecn);
	b.wnd = (uint16_t)(s->rcv_wnd >> s->rcv_wscale);
	tcp_send_bare(s->listener->tcp, &b, now);
}

/* What the SYN asks for and what we agree to. */
static void agree(struct tcp_synrec *s, struct tcp_listener *l, const struct tcp_in *in)
{
	const struct tcp_config *cfg = &l->tcp->cfg;
	const struct tcp_opt *o = &in->opt;
	struct net_path path = { .mtu = 1500, .link_mtu = 1500 };
	s->node = (struct tcp_node){
		.kind = TCP_NODE_SYN, .local = { in->rx->dst, in->seg.dst }, .remote = { in->rx->src, in->seg.src },
	};
	(void)net_route(l->tcp->net, &in->rx->src, &in->rx->dst, l->opts.ifi, &path);
	s->listener = l;
	s->irs = in->seg.seq;
	s->snd_wnd = in->seg.wnd;
	s->peer_mss = o->mss_ok && o->mss ? o->mss : in->rx->src.ver == 6 ? TCP_DEFAULT_MSS6 : TCP_DEFAULT_MSS4;
	s->adv_mss = tcp_adv_mss(&l->opts, &in->rx->src, path.link_mtu ? path.link_mtu : path.mtu);
	s->ws_ok = o->ws_ok && cfg->window_scaling;
	s->snd_wscale = s->ws_ok ? o->ws : 0;
	s->rcv_wscale = s->ws_ok ? tcp_choose_wscale(l->tcp, &l->opts) : 0;
	s->sack_ok = o->sack_permitted && cfg->sack;
	s->ts_ok = o->ts_ok && cfg->timestamps;
	s->ts_recent = o->tsval;
	s->ts_offset = tcp_ts_offset(l->tcp, &s->node.local, &s->node.remote);
	tcp_accecn_syn(&s->accecn, cfg, in);
	s->ecn_ok = cfg->ecn != 0 && !s->accecn.on && (in->seg.flags & (TCP_ECE | TCP_CWR)) == (TCP_ECE | TCP_CWR);
	s->rcv_wnd = MIN((l->opts.rcvbuf ? l->opts.rcvbuf : cfg->rmem[1]) / 2, (uint32_t)SYN_WINDOW);
	s->tos = l->opts.tos & 0xfc;
	s->ifi = l->opts.ifi ? l->opts.ifi : in->rx->src.scope ? in->rx->ifi : 0;
}

/* RFC 6298 5.5: twice as long each time. */
static ol_time synack_rto(const struct tcp_synrec *s)
{
	const struct tcp_config *cfg = &s->listener->tcp->cfg;
	return MIN(cfg->rto_initial_ns << MIN(s->retries, (uint8_t)16), cfg->rto_max_ns);
}

/*
 * TCP_DEFER_ACCEPT: a handshake whose last ACK is bare is held back until text comes or the time given is over.  The time is
 * counted in retransmissions, as Linux does: how many fit into it.  The last SYN-ACK asks once more, and a bare ACK is enough
 * then; it goes late rather than early by DEFER_GRACE, so that the time is over at the peer too.
 */
#define DEFER_GRACE (64 * OL_MS)

static unsigned defer_retries(const struct tcp_listener *l)
{
	unsigned n = 0;
	ol_time rto = l->tcp->cfg.rto_initial_ns, sum = 0;
	for (; n < 255 && l->opts.defer_accept > sum; n++, rto = MIN(rto * 2, l->tcp->cfg.rto_max_ns))
		sum += rto;
	return n;
}

void tcp_synrec_expire(struct tcp_synrec *s, ol_time now)
{
	struct tcp_listener *l = s->listener;
	unsigned most = l->opts.syncnt ? l->opts.syncnt : l->tcp->cfg.synack_retries, defer = defer_retries(l);
	if (s->retries >= most && (!s->deferred || s->retries >= defer)) {
		tcp_synrec_free(s);
		return;
	}
	if (!s->deferred || s->retries + 1u >= defer)
		send_synack(s, NULL, ts_clock(s, now), OL_CAUSE_RTO, now);
	s->retries++;
	timer_arm(l->tcp->wheel, &s->timer, now + synack_rto(s) + (s->deferred ? DEFER_GRACE : 0));
}

/* ---- SYN cookies ------------------------------------------------------------------------------------------------- */

static void send_cookie(struct tcp_listener *l, struct tcp_in *in, ol_time now)
{
	struct tcp_synrec s = { 0 };
	agree(&s, l, in);
	uint32_t ts = tcp_syncookie_make(&s, ts_clock(&s, now), now);
	l->cookie_at = now ? now : 1;
	send_synack(&s, NULL, ts, OL_CAUSE_SEGMENT, now);
}

/* Is this ACK the answer to a cookie?  Then *s is what the record would have been. */
static bool open_cookie(struct tcp_listener *l, const struct tcp_in *in, struct tcp_synrec *s, ol_time now)
{
	if (!l->tcp->cfg.syncookies || !tcp_syncookie_lives(l->cookie_at, now))
		return false;
	*s = (struct tcp_synrec){ 0 };
	agree(s, l, in);
	return tcp_syncookie_open(s, in, now);
}

/* ---- from the handshake to a connection ------------------------------------------------------------------------- */

static void announce(struct tcp_listener *l)
{
	if (list_empty(&l->event))
		list_append(&l->tcp->listener_events, &l->event);
}

/* Where tcp_accept finds it. */
static void offer(struct tcp_listener *l, struct tcp_tcb *tcb)
{
	tcb->listener = l;
	list_append(&l->accepted, &tcb->accept);
	l->n_accepted++;
	announce(l);
}

static struct tcp_tcb *new_child(struct tcp_listener *l, const struct tcp_synrec *s, ol_time now)
{
	struct tcp_tcb *tcb = tcp_tcb_new(l->tcp, &l->opts, &s->node.local, &s->node.remote, s->iss, now);
	if (!tcb)
		return NULL;
	struct tcp_opt agreed = {
		.mss_ok = true, .mss = s->peer_mss, .ws_ok = s->ws_ok, .ws = s->snd_wscale, .sack_permitted = s->sack_ok,
		.ts_ok = s->ts_ok, .tsval = s->ts_recent,
	};
	tcp_agree(tcb, &agreed);
	tcb->rcv_wscale = s->rcv_wscale;
	tcb->ecn_ok = s->ecn_ok;
	tcb->passive = true;
	tcb->adv_mss = s->adv_mss;
	tcb->opts.ifi = s->ifi;
	tcb->ts_recent_at = now;
	tcp_sync_mss(tcb, now);
	tcb->snd_una = tcb->snd_nxt = tcb->sndq_seq = tcb->snd_sml = tcb->snd_up = seq_add(s->iss, 1);
	tcb->irs = s->irs;
	tcp_accecn_child(tcb, &s->accecn);
	tcb->rcv_nxt = tcb->rcv_wup = tcb->last_ack_sent = tcb->copied = tcb->rcv_up = seq_add(s->irs, 1);
	tcb->rcv_wnd = s->rcv_wnd;
	tcb->snd_wnd = tcb->max_wnd = s->snd_wnd;
	tcb->snd_wl1 = s->irs;
	tcb->snd_wl2 = s->iss;
	tcp_start_loss(tcb, now);
	tcb->loss.syn_retrans = s->retries;
	tcb->state = OL_TCP_SYN_RECEIVED;
	return tcb;
}

static struct tcp_tcb *make_child(struct tcp_listener *l, const struct tcp_synrec *s, ol_time now)
{
	struct tcp_tcb *tcb = new_child(l, s, now);
	if (!tcb)
		return NULL;
	if (s->retries == 0)
		tcp_loss_rtt(tcb, now - s->sent_at, now);
	tcp_enter_established(tcb, now);
	tcb->loss.segs_delivered = 1;				/* the SYN-ACK, which no scoreboard held */
	offer(l, tcb);
	return tcb;
}

/*
 * RFC 7413 4.2.2, "Server: Receiving SYN", steps 4 to 6: the text is the program's now, and what it answers may go before
 * the handshake is over.  False: no memory, and nothing happened.
 */
static bool open_fast(struct tcp_listener *l, struct tcp_synrec *s, struct tcp_in *in, const struct tcp_cookie *give, ol_time now)
{
	struct tcp_tcb *tcb = new_child(l, s, now);
	if (!tcb)
		return false;
	if (!tcp_loss_room(tcb)) {
		tcp_tcb_free(tcb);
		return false;
	}
	tcb->snd_una = tcb->snd_nxt = tcb->snd_sml = tcb->snd_up = s->iss;
	tcb->stuck_at = now;
	tcb->cause = OL_CAUSE_SEGMENT;
	tcb->stat.segs_in++;
	tcb->fo_child = true;
	tcb->fo_renew = give->present;
	tcb->fo_exp = give->exp;
	tcp_fastopen_pend(l, tcb);
	tcp_sndbuf_tune(tcb);
	tcp_start_receiving(tcb, now);
	tcp_take_syn_text(tcb, in, now);
	tcp_send_syn(tcb, now);
	tcp_timer_update(tcb, now);
	offer(l, tcb);
	return true;
}

/* ---- LISTEN, 3.10.7.2 ------------------------------------------------------------------------------------------- */

static enum ol_fate listen_ack(struct tcp_listener *l, struct tcp_in *in, struct tcp_tcb **child, ol_time now)
{
	struct tcp_synrec s;
	if (!(in->seg.flags & TCP_SYN) && open_cookie(l, in, &s, now)) {
		if (accept_full(l))
			return OL_DROP_TCP_ACCEPT_QUEUE;
		*child = make_child(l, &s, now);
		return *child ? OL_PASS : OL_DROP_TCP_MEMORY;
	}
	(void)tcp_reply_rst(l->tcp, in, now);
	return OL_DROP_TCP_LISTEN_ACK;
}

static enum ol_fate listen_syn(struct tcp_listener *l, struct tcp_in *in, ol_time now)
{
	struct tcp *tcp = l->tcp;
	if (accept_full(l)) {
		l->overflows++;
		return OL_DROP_TCP_ACCEPT_QUEUE;
	}
	bool full = l->n_syns >= MIN(MAX(l->backlog, 1u), tcp->cfg.max_syn_backlog);
	if (tcp->cfg.syncookies == 2 || (full && tcp->cfg.syncookies == 1)) {
		send_cookie(l, in, now);
		return OL_DONE;
	}
	if (full)
		return OL_DROP_TCP_SYN_QUEUE;
	struct tcp_synrec agreed = { .sent_at = now };
	struct tcp_cookie give;
	agree(&agreed, l, in);
	agreed.iss = in->isn_set ? in->isn : tcp_isn(tcp, &agreed.node.local, &agreed.node.remote, now);
	if (tcp_fastopen_accepts(l, in, &give, now) && open_fast(l, &agreed, in, &give, now))
		return OL_DONE;
	struct tcp_synrec *s = malloc(sizeof *s);
	if (!s)
		return OL_DROP_TCP_MEMORY;
	*s = agreed;
	timer_init(&s->timer, TIMER_TCP_SYN);
	tcp_demux_add(&tcp->demux, &s->node);
	list_append(&l->syns, &s->of_listener);
	l->n_syns++;
	tcp->n_syn++;
	send_synack(s, &give, ts_clock(s, now), OL_CAUSE_SEGMENT, now);
	timer_arm(tcp->wheel, &s->timer, now + synack_rto(s));
	return OL_DONE;
}

enum ol_fate tcp_listener_input(struct tcp_listener *l, struct tcp_in *in, struct tcp_tcb **child, ol_time now)
{
	if (l->opts.min_ttl && in->rx->ttl < l->opts.min_ttl)
		return OL_DROP_TCP_MIN_TTL;
	if (in->seg.flags & TCP_RST)				/* first: a reset means nothing here */
		return OL_DROP_TCP_LISTEN_RST;
	if (in->seg.flags & TCP_ACK)				/* second */
		return listen_ack(l, in, child, now);
	if (in->seg.flags & TCP_SYN)				/* third */
		return listen_syn(l, in, now);
	return OL_DROP_TCP_FLAGS;				/* fourth: anything else */
}

/* ---- SYN-RECEIVED, 3.10.7.4 ------------------------------------------------------------------------------------- */

static bool synrec_paws_old(const struct tcp_synrec *s, const struct tcp_in *in)
{
	return s->ts_ok && in->opt.ts_ok && !(in->seg.flags & TCP_RST) && (int32_t)(in->opt.tsval - s->ts_recent) < 0;
}

static enum ol_fate synrec_done(struct tcp_synrec *s, struct tcp_in *in, struct tcp_tcb **child, ol_time now)
{
	struct tcp_listener *l = s->listener;
	bool bare = in->seg.text.len == 0 && !(in->seg.flags & TCP_FIN);
	if (l->opts.defer_accept && bare && s->retries < defer_retries(l)) {
		s->deferred = true;
		tcp_accecn_third(&s->accecn, in, true);
		return OL_DROP_TCP_DEFERRED;
	}
	if (accept_full(l)) {
		l->overflows++;
		s->deferred = false;
		tcp_accecn_third(&s->accecn, in, true);
		if (l->tcp->cfg.abort_on_overflow) {
			(void)tcp_reply_rst(l->tcp, in, now);
			tcp_synrec_free(s);
		}
		return OL_DROP_TCP_ACCEPT_QUEUE;
	}
	tcp_accecn_third(&s->accecn, in, false);
	struct tcp_synrec was = *s;
	tcp_synrec_free(s);
	*child = make_child(l, &was, now);
	return *child ? OL_PASS : OL_DROP_TCP_MEMORY;
}

enum ol_fate tcp_synrec_input(struct tcp_synrec *s, struct tcp_in *in, struct tcp_tcb **child, ol_time now)
{
	const struct tcp_seg *g = &in->seg;
	tcp_seq nxt = seq_add(s->irs, 1);
	uint32_t len = (uint32_t)g->text.len + !!(g->flags & TCP_FIN);
	if ((g->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN && seq_eq(g->seq, s->irs)) {
		if (!tcp_accecn_syn_again(&s->accecn, in)) {
			(void)tcp_reply_rst(s->listener->tcp, in, now);
			tcp_synrec_free(s);
			return OL_DROP_TCP_FLAGS;
		}
		if (tcp_challenge_allowed(s->listener->tcp, &s->challenge_at, now))
			send_synack(s, NULL, ts_clock(s, now), OL_CAUSE_SEGMENT, now);	/* our SYN-ACK was lost */
		return OL_DONE;
	}
	bool in_window = seq_in(g->seq, nxt, s->rcv_wnd) || (len > 0 && seq_in(seq_add(g->seq, len - 1), nxt, s->rcv_wnd));
	if (!in_window || synrec_paws_old(s, in)) {				/* first: sequence number */
		if (g->flags & TCP_RST)
			return OL_DROP_TCP_RST_OUTSIDE;
		send_ack(s, now);
		return in_window ? OL_DROP_TCP_PAWS : OL_DROP_TCP_SEQ;
	}
	if (g->flags & TCP_RST) {						/* second: RST */
		if (!seq_eq(g->seq, nxt)) {
			send_ack(s, now);
			return OL_DROP_TCP_RST_INEXACT;
		}
		tcp_synrec_free(s);
		return OL_DONE;
	}
	if (g->flags & TCP_SYN) {						/* fourth: SYN; back to LISTEN */
		tcp_synrec_free(s);
		return OL_DROP_TCP_SYN_CHALLENGED;
	}
	if (!(g->flags & TCP_ACK))						/* fifth: ACK */
		return OL_DROP_TCP_NO_ACK;
	if (!seq_eq(g->ack, seq_add(s->iss, 1))) {
		(void)tcp_reply_rst(s->listener->tcp, in, now);
		return OL_DROP_TCP_ACK_HANDSHAKE;
	}
	return synrec_done(s, in, child, now);
}
