/*
 * Path MTU discovery by probing, RFC 4821, for paths whose routers say nothing when they drop what is too big: a segment
 * of text larger than the others goes out, and whether it is acknowledged tells.  What the loss half does when it is lost
 * stands in tcp_loss_mtu.c; here is the search.
 *
 *	                  low = eff_pmtu            probe                high
 *	---------------------|-------------------------|-------------------|-----	bytes of an IP datagram
 *	     a black hole halves      acknowledged: low = probe;  lost, and nothing else: high = probe - 1
 *	     (to 68, 1280 in IPv6)
 *
 * tcp_mtu_probing 0: never.  1: the connection believes its path (interface, ICMP) until text that is larger than
 * tcp_base_mss has been sent R1 times in vain (7.7); then it falls to that size, or lower, and searches upwards.  2: it begins there, in
 * IPv6 too, which promises 1280 but whose tunnels do not always.
 * The default is 1, where Linux has 0.  RFC 4821 7.2 calls this the conservative way: nothing changes on a path that works,
 * and the price of a fall that was an outage and no black hole is one probe, since the first after a fall asks for the
 * size from before it.
 *
 * A raise is on trial first (7.8): where a connection's segments go by several paths the probe may have taken the widest.
 *
 * What always holds while `on`: low =< high =< the path's MTU as IP knows it; a probe's size is in (low, high]; at most one is
 * out, and none while a raise is on trial; a probe goes only when nothing is lost, SACKed or being retransmitted (7.4).
 * Left out: sharing what was found between connections (RFC 4821 5.2).
 */
#include "transport/tcp/tcp_loss.h"
#include "transport/tcp/tcp_mtup.h"
#include "transport/tcp/tcp_output.h"
#include "transport/tcp/tcp_segment.h"
#include "transport/tcp/tcp_tcb.h"
#include "base/check.h"

enum { IP4_LEAST = 68, IP4_EVERY_HOST = 576, IP6_LEAST = 1280 };
enum { LEAST_CWND = 11 };		/* segments: Linux's, so that a lost probe finds ACKs enough behind it */
enum { MAX_PROBES = 3 };		/* of one size, with no clear result: RFC 8899 5.1.2 */
enum { TRIAL_BAD = 3, TRIAL_LEAST = 8, TRIAL_LOSS = 100 };	/* intervals, segments in each, of a thousand bytes lost */

static uint32_t headers(const struct tcp_tcb *tcb)
{
	return (tcb->node.remote.addr.ver == 6 ? 40u : 20u) + TCP_HDR_LEN;
}

/* What a full segment has beside its text. */
static uint32_t overhead(const struct tcp_tcb *tcb) { return headers(tcb) + (tcb->ts_ok ? TCP_OPT_TS_LEN : 0); }

static uint32_t least_mtu(const struct tcp_tcb *tcb)
{
	const struct tcp_config *cfg = &tcb->tcp->cfg;
	uint32_t mss = MAX(cfg->mtu_probe_floor, cfg->min_snd_mss);
	return MAX(mss + headers(tcb), tcb->node.remote.addr.ver == 6 ? (uint32_t)IP6_LEAST : (uint32_t)IP4_LEAST);
}

static uint32_t base_mtu(const struct tcp_tcb *tcb) { return tcb->tcp->cfg.base_mss + headers(tcb); }

/* The largest that may be worth a probe: RFC 4821 7.2. */
static uint32_t highest(const struct tcp_tcb *tcb)
{
	uint32_t mss = tcb->opts.maxseg ? MIN((uint32_t)tcb->peer_mss, (uint32_t)tcb->opts.maxseg) : tcb->peer_mss;
	return MIN(tcb->path.mtu, mss + headers(tcb));
}

uint32_t tcp_mtup_limit(struct tcp_tcb *tcb)
{
	struct tcp_mtup *m = &tcb->mtup;
	if (!m->on)
		return tcb->path.mtu;
	if (m->high > tcb->path.mtu) {		/* ICMP named it: the next probe asks for just that */
		m->high = tcb->path.mtu;
		m->jump = true;
	}
	if (m->low > m->high) {
		m->low = m->high;
		m->saved = 0;			/* what was on trial is gone */
	}
	return m->low;
}

static void begin(struct tcp_tcb *tcb)
{
	struct tcp_mtup *m = &tcb->mtup;
	uint32_t high = highest(tcb);
	*m = (struct tcp_mtup){ .on = true, .high = high, .low = MIN(base_mtu(tcb), high) };
}

void tcp_mtup_established(struct tcp_tcb *tcb, ol_time now)
{
	if (tcb->tcp->cfg.mtu_probing < 2 || tcb->opts.pmtudisc == 0)
		return;
	begin(tcb);
	tcp_sync_mss(tcb, now);
}

/*
 * RFC 4821 7.7, the full-stop timeout: down to the base, with each further timeout by half.  Only where the segment that does not
 * get through is larger than what we would fall to.  Where it is smaller than the base the first step changes nothing, and
 * the timeout after it takes the second; what fits into the datagram that every IPv4 host takes (RFC 1122 3.3.3) is not
 * lost for its size.
 */
void tcp_mtup_stuck(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_mtup *m = &tcb->mtup;
	const struct tcp_sb *sb = &tcb->loss.sb;
	if (tcb->tcp->cfg.mtu_probing == 0 || tcb->opts.pmtudisc == 0 || sb->first == SB_NONE)
		return;
	uint32_t stuck = MIN(sb->rec[sb->first].len, tcb->snd_mss) + overhead(tcb);
	uint32_t base = MAX(base_mtu(tcb), least_mtu(tcb)), to = base;
	bool further = m->on ? m->low <= base : tcb->loss.backoff > tcb->tcp->cfg.retries1;
	if (further)
		to = MAX(((m->on ? m->low : base) - headers(tcb)) / 2 + headers(tcb), least_mtu(tcb));
	if (stuck <= to || (!m->on && stuck <= IP4_EVERY_HOST))
		return;
	if (!m->on)
		begin(tcb);
	m->low = MIN(to, m->high);
	m->saved = 0;
	m->jump = true;
	m->tries = 0;
	m->next_at = m->again_at = 0;
	tcp_sync_mss(tcb, now);
}

/* 7.3: the range has become too small to be worth a probe; or, long after that, the path may be another one. */
static bool converged(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_mtup *m = &tcb->mtup;
	const struct tcp_config *cfg = &tcb->tcp->cfg;
	uint32_t worth = MAX(cfg->probe_threshold, 1u);
	if (m->high - m->low >= worth)
		return false;
	if (m->again_at == 0)
		m->again_at = now + cfg->probe_interval_ns;
	if (now < m->again_at)
		return true;
	m->again_at = 0;
	tcp_sync_mss(tcb, now);				/* what ICMP taught may be forgotten by now */
	m->high = MAX(highest(tcb), m->low);
	m->jump = true;
	m->tries = 0;
	return m->high - m->low < worth;
}

uint32_t tcp_mtup_want(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_mtup *m = &tcb->mtup;
	if (!m->on || m->probe || m->saved || now < m->next_at || tcb->loss.ca_state != TCP_CAS_OPEN || converged(tcb, now))
		return 0;
	if (tcb->opts.pmtudisc == 0 || tcb->urg_out || tcp_extra_options(tcb))
		return 0;
	if (tcb->loss.cwnd < (uint64_t)LEAST_CWND * tcb->snd_mss)
		return 0;
	uint32_t size = m->jump ? m->high : (m->low + m->high + 1) / 2;
	uint32_t all = overhead(tcb);
	if (size <= all + tcb->snd_mss)
		return 0;
	uint32_t text = size - all;
	if (tcp_record_left(tcb, tcb->snd_nxt) < text)
		return 0;			/* MSG_EOR: what is behind may not join it */
	/* 7.4: enough behind it for its loss to show in ACKs */
	uint64_t need = text + ((uint64_t)tcb->loss.reordering + 1) * tcb->snd_mss;
	return tcp_unsent_bytes(tcb) >= need && tcp_usable_window(tcb) >= need ? text : 0;
}

void tcp_mtup_sent(struct tcp_tcb *tcb, uint32_t text)
{
	tcb->mtup.probe = text + overhead(tcb);
}

/*
 * 7.6.2: a failure whose loss was no congestion signal must be rarer than congestion is, which in its simplest estimate
 * comes every so many round trips as the window has segments.
 */
static ol_time rest(const struct tcp_tcb *tcb, unsigned times)
{
	ol_time rtt = tcb->srtt_ns ? tcb->srtt_ns : OL_SEC;
	return rtt * times * MAX(tcb->loss.cwnd / tcb->snd_mss, 1u);
}

static void failed(struct tcp_mtup *m)
{
	m->tries = 0;
	if (m->high < m->probe)
		return;				/* ICMP was quicker, and named a size */
	m->high = MAX(m->probe - 1, m->low);
	m->jump = false;
}

/* ---- 7.8: verification ------------------------------------------------------------------------------------------- */
/* An interval is over and the next begins: of a thousand bytes that left in it, how many were lost? */
static uint32_t trial_interval(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_mtup *m = &tcb->mtup;
	const struct tcp_rate *c = &tcb->loss.rate;
	uint64_t lost = c->lost - m->trial_lost, all = lost + c->delivered - m->trial_delivered;
	m->trial_at = now + tcb->rto_ns;
	m->trial_lost = c->lost;
	m->trial_delivered = c->delivered;
	return all ? (uint32_t)(lost * 1000 / all) : 0;
}

/* eff_pmtu rose from `was`.  No other probe goes until it is known whether it stays. */
static void trial_begin(struct tcp_tcb *tcb, uint32_t was, ol_time now)
{
	struct tcp_mtup *m = &tcb->mtup;
	m->saved = was;
	m->loss_before = (uint16_t)trial_interval(tcb, now);
	m->bad = 0;
	m->trial_from = tcb->snd_nxt;
}

/*
 * More than a tenth lost, and twice what was usual, in each of several RTOs, is more than a burst of congestion: it is the size.
 * One interval without it acquits.
 */
static void trial(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_mtup *m = &tcb->mtup;
	const struct tcp_rate *c = &tcb->loss.rate;
	uint32_t least = TRIAL_LEAST * tcb->snd_mss;
	if (m->saved && seq_lt(tcb->snd_una, m->trial_from))
		(void)trial_interval(tcb, now);		/* what was sent before the raise tells nothing of it */
	if (!m->saved || now < m->trial_at || c->lost - m->trial_lost + c->delivered - m->trial_delivered < least)
		return;				/* where there is little to tell by, the interval goes on */
	if (trial_interval(tcb, now) <= MAX((uint32_t)TRIAL_LOSS, 2u * m->loss_before)) {
		m->saved = 0;
		return;
	}
	if (++m->bad < TRIAL_BAD)
		return;
	m->high = m->low - 1;
	m->low = m->saved;
	m->saved = 0;
	m->tries = 0;
	m->jump = false;
	m->next_at = now + rest(tcb, 1);
	tcp_sync_mss(tcb, now);
	tcp_loss_mtu_shrunk(tcb, now);
}

/* ---- what became of a probe -------------------------------------------------------------------------------------- */
void tcp_mtup_result(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_mtup *m = &tcb->mtup;
	trial(tcb, now);
	uint32_t was = m->low;
	enum tcp_probe_state how = m->probe ? tcp_loss_probe_result(tcb) : TCP_PROBE_NONE;
	switch (how) {
	case TCP_PROBE_NONE: case TCP_PROBE_OUT: case TCP_PROBE_MISSED:
		return;
	case TCP_PROBE_ARRIVED:			/* 7.6.1 */
		m->low = MIN(MAX(m->low, m->probe), m->high);
		m->tries = 0;
		m->jump = false;
		if (m->low > was)
			trial_begin(tcb, was, now);
		tcp_sync_mss(tcb, now);
		break;
	case TCP_PROBE_LOST:			/* 7.6.2 */
		failed(m);
		m->next_at = now + rest(tcb, 1);
		break;
	case TCP_PROBE_TIMEOUT: case TCP_PROBE_UNSURE:	/* 7.6.3, 7.6.4: the same again, but not for ever */
		if (how == TCP_PROBE_TIMEOUT)
			m->next_at = now + rest(tcb, 5);
		if (++m->tries == MAX_PROBES)
			failed(m);
		break;
	}
	m->probe = 0;
}
