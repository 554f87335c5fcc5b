/*
 * The client's side of TCP Fast Open, RFC 7413: the first SYN (4.2.1, 4.2.2), what its answer, or none, teaches (4.1.3), and
 * so what tcp_peer.c remembers.
 *
 * A negative answer stops Fast Open for that server for a minute, each further one in a row for twice as long.  Where only
 * a request for a cookie stayed unanswered it takes two: a lost SYN is more often congestion.
 */
#include "transport/tcp/tcp_input.h"
#include "transport/tcp/tcp_loss.h"
#include "transport/tcp/tcp_peer.h"
#include "transport/tcp/tcp_tcb.h"
#include "base/check.h"

enum { MOST_OPTIONS = 40 };

static bool paused(const struct tcp_peer *p, ol_time now) { return p && tcp_setback_rests(&p->fastopen, now); }

/* Cookie-less mode is for servers known to do without: the administrator's word, or the program's. */
static bool no_cookie(const struct tcp *tcp, const struct tcp_opts *opts)
{
	return tcp->cfg.fastopen & TCP_FO_CLIENT_NO_COOKIE || opts->fastopen_no_cookie;
}

bool tcp_fastopen_ready(const struct tcp *tcp, const struct tcp_opts *opts, const struct ol_addr *local,
			const struct ol_endpoint *remote, ol_time now)
{
	const struct tcp_peer *p = tcp_peer_find(tcp, local, remote);
	return !paused(p, now) && (no_cookie(tcp, opts) || (p && p->cookie.present));
}

/* ---- the SYN ----------------------------------------------------------------------------------------------------- */
/*
 * How much text fits: the MSS the server named last, the path's and the user's, less all the room that options may take,
 * since middleboxes add some.  Without a cookie no MSS need be known; the RFC does not speak of that case, and Linux
 * takes the path's.
 */
size_t tcp_fastopen_begin(struct tcp_tcb *tcb, ol_time now)
{
	const struct tcp_peer *p = tcp_peer_of(tcb);
	if (paused(p, now))
		return 0;
	if (!no_cookie(tcb->tcp, &tcb->opts)) {
		tcb->fo_asked = true;				/* req: 7413-4.2.1-a */
		tcb->fo_exp = p && (p->cookie.present ? p->cookie.exp : p->try_exp == 1);
		tcb->fo_fail = TCP_FO_COOKIE_UNAVAILABLE;
		if (!p || !p->cookie.present)
			return 0;
	}
	tcb->fo_fail = 0;
	tcb->peer_mss = p ? p->mss : 0;
	tcp_sync_mss(tcb, now);
	return tcb->snd_mss > MOST_OPTIONS ? tcb->snd_mss - MOST_OPTIONS : 0;
}

void tcp_fastopen_cookie(const struct tcp_tcb *tcb, struct tcp_cookie *out)
{
	const struct tcp_peer *p = tcp_peer_of(tcb);
	if (p)
		*out = p->cookie;
	out->present = true;
	out->exp = tcb->fo_exp;
}

/* ---- the answer -------------------------------------------------------------------------------------------------- */
static void negative(struct tcp_peer *p, bool text, ol_time now) { tcp_setback_note(&p->fastopen, text ? 0 : 1, now); }

/* `left`: of the text something was not taken; `none`: all of it. */
static void learn(struct tcp_tcb *tcb, const struct tcp_cookie *got, bool none, ol_time now)
{
	struct tcp_peer *p = tcp_peer_remember(tcb);
	bool again = tcb->loss.syn_retrans > 0;
	if (!p)
		return;
	p->mss = tcb->peer_mss;
	if (tcb->fo_asked && got->present && got->len > 0) {	/* one not asked for is ignored, as on Linux */
		p->cookie = *got;
		p->fastopen.n = 0;
		return;
	}
	if (none || (again && !tcb->fo_data))
		negative(p, tcb->fo_data, now);			/* req: 7413-4.1.3-a */
	else
		p->fastopen.n = 0;
	if (tcb->fo_asked && !again && !tcb->fo_data && !p->cookie.present)
		p->try_exp = MAX(p->try_exp, tcb->fo_exp ? 2 : 1);
}

void tcp_fastopen_opened(struct tcp_tcb *tcb, const struct tcp_in *in, ol_time now)
{
	if (!tcb->fo_asked && !tcb->fo_data)
		return;
	bool left = tcb->fo_data && seq_lt(tcb->snd_una, tcb->snd_nxt);
	bool none = left && seq_eq(tcb->snd_una, seq_add(tcb->iss, 1));
	learn(tcb, &in->opt.fo, none, now);
	if (left) {
		tcb->fo_fail = tcb->loss.syn_retrans ? TCP_FO_SYN_RETRANSMITTED : TCP_FO_DATA_NOT_ACKED;
		tcp_loss_syn_text(tcb, now);			/* req: 7413-4.2.2-e */
	} else if (tcb->fo_data) {
		tcb->fo_acked = true;
		tcb->loss.segs_delivered--;			/* SYN and text were one segment */
	}
}

void tcp_fastopen_failed(struct tcp_tcb *tcb, ol_time now)
{
	if (tcb->state != OL_TCP_SYN_SENT || (!tcb->fo_asked && !tcb->fo_data))
		return;
	struct tcp_peer *p = tcp_peer_remember(tcb);
	if (p)
		negative(p, tcb->fo_data, now);
}
