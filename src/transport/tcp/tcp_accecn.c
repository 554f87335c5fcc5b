/*
 * Accurate ECN's feedback, RFC 9768 3.2: the counters of both halves, the ACE field, the option, and what an ACK that may hide a
 * whole turn of three bits is taken to mean.
 *
 * The option goes by the RFC's simple scheme (3.2.3.3): with every ACK since whose forerunner a byte counter grew, and in it a
 * field for each counter that ever did.  tcp_ecn_option=1 has it where the RFC would have it at least, 0 never.  It gives way to
 * two SACK blocks and to no more.
 */
#include "base/check.h"
#include "transport/tcp/tcp_accecn.h"
#include "transport/tcp/tcp_input.h"
#include "transport/tcp/tcp_recovery.h"
#include "transport/tcp/tcp_segment.h"

enum { OPT_NEVER, OPT_SPARINGLY, OPT_ALWAYS };		/* tcp_ecn_option */
enum { DIVOPT = 1 << 24, TELL_AFTER = 1 << 21 };	/* a field's range; every 2^22 bytes a counter is told: half of it, to be sure */
enum { OPT_LOST = 2 };					/* 3.2.3.2.2: "always"; as Linux */
enum { CE_WITH_TEXT = 2, CE_ALONE = 3 };		/* n of 3.2.2.5.1 */
enum { CE_ROUNDS = 4 };					/* 3.2.2.3: "three or four" */
enum { AVG_ONE = 64, THINNED = 4 * AVG_ONE };		/* so many segments an ACK are no sign of lost ACKs; as Linux */

/* ---- receiver ----------------------------------------------------------------------------------------------------- */

static uint32_t packets_of(const struct tcp_in *in)	/* a wire may have put several together */
{
	if (!in->pkt || in->pkt->gso == OL_GSO_NONE || !in->pkt->gso_size)
		return 1;
	return MAX((in->payload + in->pkt->gso_size - 1) / in->pkt->gso_size, 1u);
}

static void count_bytes(struct tcp_accecn *a, uint8_t ecn, uint32_t len)
{
	a->r_bytes[ecn] += len;
	a->ever |= (uint8_t)(1 << ecn);
	if (a->last_field != ecn)
		a->due = 2;				/* the change, and the ACK that makes it plain */
	a->last_field = ecn;
}

/* Does the segment show, by a timestamp that it echoes or by text beyond a window, that one more of ours with an option arrived? */
static void look_for_arrival(struct tcp_tcb *tcb, const struct tcp_in *in)
{
	struct tcp_accecn *a = &tcb->accecn;
	bool ts = tcb->ts_ok && in->opt.ts_ok;
	tcp_seq end = seq_add(in->seg.seq, (uint32_t)in->seg.text.len);
	if (!a->trial.begun || !(ts ? (int32_t)(in->opt.tsecr - a->trial.known_ts) > 0 : seq_gt(end, a->trial.known_edge)))
		return;
	a->trial.known_ts = ts ? in->opt.tsecr : 0;
	a->trial.known_edge = end;
	a->trial.lost = 0;
	a->trial.from = a->trial.to;
}

/* 3.2.3.2.2: a host that sends ACKs alone MAY detect their loss "by detecting whether the acknowledged data always reappears". */
void tcp_accecn_text_again(struct tcp_tcb *tcb, const struct tcp_in *in)
{
	struct tcp_accecn *a = &tcb->accecn;
	if (!a->on)
		return;
	look_for_arrival(tcb, in);
	if (seq_ge(in->seg.seq, a->trial.from) && seq_lt(in->seg.seq, a->trial.to))
		a->opt_off |= ++a->trial.lost == OPT_LOST;
}

/* 3.2.2.5.1.  It comes before the text is looked at: what is not acknowledged is what waited, and this. */
void tcp_accecn_received(struct tcp_tcb *tcb, const struct tcp_in *in)
{
	struct tcp_accecn *a = &tcb->accecn;
	uint8_t ecn = in->rx->tos & IPECN_MASK, before = a->last_ecn;
	a->last_ecn = ecn;
	look_for_arrival(tcb, in);
	if (ecn == IPECN_NOT_ECT)
		return;
	if (in->payload > 0)
		count_bytes(a, ecn, in->payload);
	if (ecn != IPECN_CE)
		return;
	a->r_cep += packets_of(in);
	if (in->payload > 0 && before != IPECN_CE)
		tcb->ack_now = true;
	bool waits = tcb->ack_pending || in->payload > 0;
	if (a->r_cep - a->told_cep < (waits ? CE_WITH_TEXT : CE_ALONE))
		return;
	a->bare_ack = !waits && !tcb->ack_now;
	tcb->ack_now = true;
}

/* ---- what goes ---------------------------------------------------------------------------------------------------- */

uint8_t tcp_accecn_ace(const struct tcp_tcb *tcb, bool pure)
{
	const struct tcp_accecn *a = &tcb->accecn;
	return pure && a->code_ack ? tcp_accecn_code(a->synack_ecn) : a->r_cep & 7;
}

static uint8_t untold(const struct tcp_accecn *a)	/* set of counters that grew since the last option */
{
	uint8_t set = 0;
	for (int i = IPECN_ECT1; i <= IPECN_CE; i++)
		set |= (uint8_t)((a->r_bytes[i] != a->told[i]) << i);
	return set;
}

static bool overdue(const struct tcp_accecn *a)
{
	for (int i = IPECN_ECT1; i <= IPECN_CE; i++)
		if (a->r_bytes[i] - a->told[i] >= TELL_AFTER)
			return true;
	return false;
}

/* Fields needed for all of `set` in this order. */
static unsigned fields(uint8_t kind, uint8_t set)
{
	unsigned n = TCP_ACCECN_FIELDS;
	while (n > 0 && !(set & 1 << tcp_accecn_field(kind, n - 1)))
		n--;
	return n;
}

/* The shorter of the two orders; kind 0: no room. */
static struct tcp_accecn_opt make(const struct tcp_accecn *a, uint8_t set, uint32_t room)
{
	unsigned n0 = fields(TCP_OPT_ACCECN0, set), n1 = fields(TCP_OPT_ACCECN1, set);
	struct tcp_accecn_opt o = { .kind = n1 < n0 ? TCP_OPT_ACCECN1 : TCP_OPT_ACCECN0, .n = (uint8_t)MIN(n0, n1) };
	if (tcp_accecn_opt_len(o.n) > room)
		return (struct tcp_accecn_opt){ 0 };
	for (unsigned i = 0; i < o.n; i++)
		o.field[i] = a->r_bytes[tcp_accecn_field(o.kind, i)];
	return o;
}

struct tcp_accecn_opt tcp_accecn_option(const struct tcp_tcb *tcb, uint32_t room, bool text)
{
	const struct tcp_accecn *a = &tcb->accecn;
	const uint8_t all = 1 << IPECN_ECT1 | 1 << IPECN_ECT0 | 1 << IPECN_CE;
	uint8_t mode = tcb->tcp->cfg.ecn_option, must = untold(a);
	bool test = text ? a->opt_text : a->opt_ack;
	if (a->opt_off || mode == OPT_NEVER || (!test && !must))
		return (struct tcp_accecn_opt){ 0 };
	if (!test && mode == OPT_SPARINGLY && !(must & 1 << IPECN_CE) && !a->due && !overdue(a))
		return (struct tcp_accecn_opt){ 0 };
	struct tcp_accecn_opt o = make(a, test ? all : must | a->ever, room);
	return o.kind ? o : make(a, must, room);		/* never without one that changed */
}

static void note_sent(struct tcp_tcb *tcb, bool bare, ol_time now)
{
	struct tcp_accecn *a = &tcb->accecn;
	if (bare || !a->trial.begun) {
		a->trial.known_ts = tcp_ts_clock(tcb, now) - !bare;
		a->trial.known_edge = seq_add(tcb->rcv_wup, tcb->rcv_wnd);
		a->trial.from = bare ? tcb->rcv_wup : seq_add(tcb->irs, 1);
	}
	a->trial.to = tcb->rcv_wup;
	a->trial.begun = true;
}

void tcp_accecn_sent(struct tcp_tcb *tcb, const struct tcp_accecn_opt *opt, bool text, ol_time now)
{
	struct tcp_accecn *a = &tcb->accecn;
	a->told_cep = a->r_cep;
	a->bare_ack = false;
	a->code_ack &= text;
	note_sent(tcb, !opt || !opt->kind, now);
	if (!opt || !opt->kind)
		return;
	for (unsigned i = 0; i < opt->n; i++)
		a->told[tcp_accecn_field(opt->kind, i)] = opt->field[i];
	a->due -= a->due > 0;
	if (text) {
		a->opt_risked |= a->opt_text;
		a->opt_text = false;
	} else {
		a->opt_ack = false;
	}
}

/* 3.2.3.2.2: the first text had the option and seems to be lost; the option may be why. */
void tcp_accecn_resending(struct tcp_tcb *tcb, tcp_seq seq)
{
	struct tcp_accecn *a = &tcb->accecn;
	if (a->opt_risked && seq_le(seq, seq_add(tcb->iss, 1)))
		a->opt_off = true;
}

/* ---- sender ------------------------------------------------------------------------------------------------------- */

/*
 * The ACK of the SYN-ACK has a code and no count.  The record before the connection has read it; one that comes twice is known
 * by what it does not say: nothing of ours was acknowledged, nothing was sent (3.2.2.2 lets us look, MAY).
 */
static bool is_third(struct tcp_tcb *tcb, const struct tcp_in *in)
{
	if (tcb->accecn.shake.third_here) {
		tcb->accecn.shake.third_here = false;
		return true;
	}
	return tcb->passive && in->payload == 0 && in->opt.n_sack == 0 && seq_eq(in->seg.seq, seq_add(tcb->irs, 1)) &&
	       seq_eq(in->seg.ack, seq_add(tcb->iss, 1));
}

static bool is_newer(struct tcp_accecn *a, const struct tcp_tcb *tcb, const struct tcp_in *in)
{
	bool later = seq_gt(in->seg.seq, a->newest_seq), ts = tcb->ts_ok && in->opt.ts_ok;
	a->newest_seq = seq_max(a->newest_seq, in->seg.seq);
	if (!ts)
		return later;
	later = (int32_t)(in->opt.tsval - a->newest_ts) > 0;
	if (later)
		a->newest_ts = in->opt.tsval;
	return later;
}

void tcp_accecn_received_next(struct tcp_tcb *tcb, struct tcp_in *in)
{
	in->payload = (uint32_t)in->seg.text.len;
	(void)is_newer(&tcb->accecn, tcb, in);
	tcp_accecn_received(tcb, in);
}

bool tcp_accecn_read(struct tcp_tcb *tcb, const struct tcp_in *in, struct tcp_accecn_echo *echo)
{
	struct tcp_accecn *a = &tcb->accecn;
	*echo = (struct tcp_accecn_echo){ .ace = wire_tcp_ace(&in->seg), .newer = is_newer(a, tcb, in) };
	if (in->syn)
		return false;				/* 3.2.2: no count there */
	if (in->opt.accecn) {
		tcp_accecn_first_option(a, in->opt.accecn);
		echo->opt = a->opt_bad ? NULL : in->opt.accecn;
	}
	if (tcb->state == OL_TCP_SYN_RECEIVED && in->payload == 0 && in->opt.n_sack == 0) {
		tcp_accecn_read_third(tcb, in);
		return false;
	}
	if (is_third(tcb, in))
		return false;
	if (!a->heard && echo->ace == 0)
		a->no_ect = a->deaf = true;		/* 3.2.2.4: it cannot have begun with that */
	a->heard = true;
	return echo->ace != (a->s_cep & 7) || echo->opt || tcp_outstanding(tcb) > 0;
}

/* 3.2.3.1: adds what each field gained; returns what the bytes that came marked did. */
static uint32_t read_option(struct tcp_accecn *a, const uint8_t *opt)
{
	uint32_t ceb = a->s_bytes[IPECN_CE];
	unsigned n = tcp_accecn_fields_of(opt);
	for (unsigned i = 0; i < n; i++) {
		uint32_t *s = &a->s_bytes[tcp_accecn_field(opt[0], i)];
		*s += (be32_at(opt + 1 + 3 * i) - *s) & (DIVOPT - 1);
	}
	return a->s_bytes[IPECN_CE] - ceb;
}

/*
 * 3.2.2.5.2 and appendix A.2: `least` marks, or more by whole turns of the field, as far as the segments acknowledged allow.  The
 * option's bytes tell, with the marks that were counted since they grew last; or else it is taken for granted that all that could be
 * marked was, unless the peer acknowledges so many at a time as a rule.
 */
static uint32_t safest(const struct tcp_tcb *tcb, uint32_t least, uint32_t most, const struct tcp_accecn_echo *echo, uint32_t ceb)
{
	const struct tcp_accecn *a = &tcb->accecn;
	uint32_t mss = tcp_full_segment(tcb), before = a->s_cep - a->ceb_cep;
	if (!echo->opt)
		return a->acked_avg > THINNED ? least : most;
	if (ceb > (uint64_t)(before + least) * mss)
		return most;
	return 2ull * ceb < (uint64_t)(before + most) * mss ? least : most;
}

/*
 * 3.2.3.2.5: the bytes that came marked have to fit in the packets that did.  If not, turns that may have been missed were; and if
 * no packet was marked at all, something on the way wrote the one or the other.
 */
static uint32_t reconcile(const struct tcp_tcb *tcb, uint32_t ceb)
{
	const struct tcp_accecn *a = &tcb->accecn;
	uint64_t counted = a->s_cep - a->ceb_cep, need = ((uint64_t)ceb + tcp_full_segment(tcb) - 1) / tcp_full_segment(tcb);
	return counted < need ? 8 * (uint32_t)MIN((need - counted + 7) / 8, (uint64_t)a->turns) : 0;
}

static void note_acked(struct tcp_accecn *a, uint32_t segs)
{
	segs = MIN(segs, 1u << 16);
	if (segs == 0)
		return;
	a->acked_avg = a->acked_avg ? a->acked_avg - a->acked_avg / 64 + segs * AVG_ONE / 64 : segs * AVG_ONE;
}

/*
 * 3.2.2.3: does the feedback for every packet of the first rounds indicate CE?  That is no congestion: something on the way writes it.
 * A round is what is out when its first ACK comes.
 */
static void watch_ce(struct tcp_tcb *tcb, uint32_t segs, uint32_t marks)
{
	struct tcp_accecn *a = &tcb->accecn;
	if (a->ce_unmarked > 0 || a->ce_rounds == CE_ROUNDS || segs == 0)
		return;						/* it is known, or nothing is new */
	if (!a->ce_round_on)
		a->ce_round_end = tcb->snd_nxt;
	a->ce_round_on = true;
	a->ce_unmarked += (int32_t)(segs - marks);
	if (a->ce_unmarked > 0 || seq_lt(tcb->snd_una, a->ce_round_end))
		return;
	a->ce_round_on = false;
	if (++a->ce_rounds == CE_ROUNDS)
		a->no_ect = a->deaf = true;
}

bool tcp_accecn_marks(struct tcp_tcb *tcb, const struct tcp_acked *k, const struct tcp_accecn_echo *echo)
{
	struct tcp_accecn *a = &tcb->accecn;
	if (!k->una_advanced && !k->delivered && !echo->newer)
		return false;				/* superseded, as far as one can tell */
	uint32_t ceb = echo->opt ? read_option(a, echo->opt) : 0;
	note_acked(a, k->delivered_segs);
	uint32_t least = (echo->ace - a->s_cep) & 7, segs = k->delivered_segs, was = a->s_cep;
	uint32_t most = segs > least ? segs - ((segs - least) & 7) : least;
	a->s_cep += safest(tcb, least, most, echo, ceb);
	a->turns += (was + most - a->s_cep) / 8;
	if (ceb > 0) {
		a->s_cep += reconcile(tcb, ceb);
		a->no_ect |= a->s_cep == a->ceb_cep;
		a->ceb_cep = a->s_cep;
	}
	if (echo->opt)
		a->turns = 0;
	uint32_t marks = a->s_cep - was;
	watch_ce(tcb, segs, marks);
	if (a->deaf)
		return false;
	tcb->loss.segs_delivered_ce += marks;
	return marks > 0;
}
