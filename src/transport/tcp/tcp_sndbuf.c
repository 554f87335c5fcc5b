/*
 * The send buffer: what the queue costs, what a write may add, when the buffer grows, and when a writer is told of room.
 * The RFCs leave all of that open; the measures are Linux's, which programs are tuned to.
 *
 * SO_SNDBUF bounds memory, not bytes: a queued burst costs PIECE_COST beside its bytes.  A burst (the grain) is half of
 * the largest window the peer ever offered, whole segments, at most 64 KiB.  One may be begun while the cost is below the
 * buffer, and one begun is filled up: so a write ends where a burst does, and a small buffer still holds one.  The end of a
 * record (MSG_EOR) ends a burst, too, and costs one: it will be a segment of its own and a line in the scoreboard.
 */
#include "transport/tcp/tcp_loss.h"
#include "transport/tcp/tcp_marks.h"
#include "transport/tcp/tcp_output.h"
#include "transport/tcp/tcp_sndbuf.h"
#include "transport/tcp/tcp_tcb.h"
#include "base/check.h"

enum { PIECE_COST = 1280, MAX_GRAIN = 65215, MIN_HALVED = 536 };
enum { SEG_HEADERS = 640, SEG_COST = 256 };		/* beside the text of one segment, where the buffer is sized */

uint32_t tcp_notsent_lowat(const struct tcp_tcb *tcb)
{
	return tcb->opts.notsent_lowat ? tcb->opts.notsent_lowat : tcb->tcp->cfg.notsent_lowat;
}

uint32_t tcp_grain(const struct tcp_tcb *tcb)
{
	uint32_t half = tcb->max_wnd > MIN_HALVED ? tcb->max_wnd / 2 : tcb->max_wnd;
	return MAX(MIN(half, (uint32_t)MAX_GRAIN) / tcb->snd_mss, 1u) * tcb->snd_mss;
}

/* of what is queued and `more` bytes behind it */
static size_t cost(const struct tcp_tcb *tcb, size_t more, uint32_t grain)
{
	size_t len = tcb->sndq.len + more;
	return len + ((len + grain - 1) / grain + tcb->records.n) * PIECE_COST;
}

static bool record_ended(const struct tcp_tcb *tcb)
{
	return tcb->records.n && seq_eq(*tcp_marks_last(&tcb->records), tcp_text_end(tcb));
}

size_t tcp_writable(const struct tcp_tcb *tcb)
{
	uint32_t grain = tcp_grain(tcb), begun = tcp_unsent_bytes(tcb) % grain;
	size_t rest = begun && !record_ended(tcb) ? grain - begun : 0, used = cost(tcb, rest, grain);
	if (used >= tcb->sndbuf)
		return rest;
	size_t more = (tcb->sndbuf - used + grain + PIECE_COST - 1) / (grain + PIECE_COST);
	return rest + more * grain;
}

bool tcp_has_space(const struct tcp_tcb *tcb)
{
	size_t used = cost(tcb, 0, tcp_grain(tcb));
	return used < tcb->sndbuf && tcb->sndbuf - used >= used / 2 && tcp_unsent_bytes(tcb) < tcp_notsent_lowat(tcb);
}

static uint32_t round_up_pow2(uint32_t v)
{
	uint32_t p = 1;
	while (p < v)
		p <<= 1;
	return p;
}

void tcp_sndbuf_tune(struct tcp_tcb *tcb)
{
	if (tcb->opts.sndbuf)
		return;
	uint32_t segs = MAX(tcb->loss.cwnd / tcb->snd_mss, tcb->tcp->cfg.init_cwnd);
	uint64_t seg = round_up_pow2(MAX((uint32_t)tcb->peer_mss, tcb->snd_mss) + SEG_HEADERS) + SEG_COST;
	uint64_t want = MIN(2 * seg * segs, (uint64_t)tcb->tcp->cfg.wmem[2]);
	tcb->sndbuf = MAX(tcb->sndbuf, (uint32_t)want);
}

/* Is the ACK of the oldest segment in the network due, or late? */
static bool ack_due(const struct tcp_tcb *tcb, ol_time now)
{
	const struct tcp_sb *sb = &tcb->loss.sb;
	return sb->oldest == SB_NONE || now >= sb->rec[sb->oldest].sent_at + tcb->srtt_ns - MIN(tcb->srtt_ns / 2, OL_MS);
}

/*
 * While the congestion window is full the network is what limits, and a longer queue would only wait longer; so the
 * buffer grows when the window is not, or when less than a burst waits unsent and the ACK that lets it go is due: then
 * the writer is about to be what limits.
 */
static bool may_grow(const struct tcp_tcb *tcb, ol_time now)
{
	return tcp_loss_pipe(tcb) + tcb->snd_mss <= tcb->loss.cwnd ||
	       (tcp_unsent_bytes(tcb) < tcp_grain(tcb) && ack_due(tcb, now));
}

void tcp_sndbuf_check(struct tcp_tcb *tcb, ol_time now)
{
	if (!tcb->nospace || !tcp_synchronized(tcb->state))
		return;
	if (may_grow(tcb, now))
		tcp_sndbuf_tune(tcb);
	bool half = 2 * (uint64_t)tcp_unsent_bytes(tcb) < tcp_notsent_lowat(tcb);	/* to be called is worth more than a little */
	if (half && (tcp_ready(tcb) & OL_EV_OUT)) {
		tcb->nospace = false;
		tcp_event(tcb);
	}
}
