/*
 * The round-trip time and the retransmission timeout, RFC 6298 section 2, with RFC 7323 appendix G: with several
 * samples a round trip the weights shrink, so that the estimate remembers as long as it would with one.
 *
 * RTO = SRTT + max(G, 4 * RTTVAR) with G = tcp_rto_min (200 ms), as Linux has it: not a floor under RTO but under its
 * margin, so that a path of 300 ms without jitter does not time out whenever an ACK is delayed.  RFC 6298 2.4 asks for
 * a floor of one second; what a timeout too early costs is bounded here by F-RTO and Eifel, which take it back.
 */
/* req-not: 6298-2-d a floor of 200 ms in place of one second, as programs know it from Linux */
#include "base/check.h"
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_recovery.h"

enum { K = 4 };				/* RFC 6298 2 */

void tcp_rtt_sample(struct tcp_tcb *tcb, ol_time rtt)
{
	const struct tcp_loss_cfg *cfg = tcb->loss.cfg;
	rtt = CLAMP(rtt, 1, cfg->rto_max);
	if (!tcb->srtt_ns) {			/* 2.2 */
		tcb->srtt_ns = rtt;
		tcb->rttvar_ns = rtt / 2;
	} else {				/* 2.3; the number of samples to come this round trip, RFC 7323 G */
		uint32_t mss = MAX(tcb->snd_mss, 1u);
		int64_t samples = MAX((tcb->loss.sb.out.bytes + 2 * mss - 1) / (2 * mss), 1u);
		ol_time err = rtt - tcb->srtt_ns;
		ol_time dev = err < 0 ? -err : err;
		tcb->rttvar_ns += (dev - tcb->rttvar_ns) / (4 * samples);
		tcb->srtt_ns = MAX(tcb->srtt_ns + err / (8 * samples), 1);
	}
	ol_time rto = tcb->srtt_ns + MAX(cfg->rto_min, K * tcb->rttvar_ns);
	tcb->rto_ns = MIN(rto, cfg->rto_max);	/* 2.5 */
	tcb->loss.tlp_stale = false;
}

ol_time tcp_rto_now(const struct tcp_tcb *tcb)
{
	ol_time max = tcb->loss.cfg->rto_max, rto = tcb->rto_ns;
	for (unsigned i = 0; i < tcb->loss.rto_shift && rto < max; i++)
		rto *= 2;
	return MIN(rto, max);
}

/* Karn (RFC 6298 3): of what was sent twice only a timestamp can tell. */
void tcp_rtt_ack(struct tcp_tcb *tcb, struct tcp_acked *a, ol_time now)
{
	ol_time rtt = -1, newest = -1;
	if (a->first_acked != OL_NEVER && !a->retrans_acked) {
		rtt = now - a->first_acked;
		newest = now - a->last_acked;
	}
	if (a->first_sacked != OL_NEVER) {
		if (rtt < 0)
			rtt = now - a->first_sacked;
		newest = now - a->last_sacked;
	}
	if (rtt < 0 && a->una_advanced && a->ev->has_ts && a->ev->tsecr && a->ev->ts_rtt_ns >= 0)
		rtt = newest = MAX(a->ev->ts_rtt_ns, 1);	/* RFC 7323 4.1: only of ACKs that advance SND.UNA */
	a->rs.rtt = newest;
	if (rtt < 0)
		return;
	rack_min_rtt(&tcb->loss.rack, newest, now);
	tcp_rtt_sample(tcb, rtt);
	tcb->loss.rto_shift = 0;
}
