/*
 * How Accurate ECN is agreed on, RFC 9768 3.1, 3.2.2.1 and 3.2.2.3: both opens, simultaneous ones, SYN cookies (5.1), the SYNs and
 * SYN-ACKs that go again with less on them, what the handshake shows of a path that changes marks, and what is remembered of
 * servers that answer no SYN that asks.
 *
 * Our SYNs and SYN-ACKs are Not-ECT (RFC 3168 6.1.1): one that came with anything else was changed on its way.
 */
#include "transport/tcp/tcp_input.h"
#include "transport/tcp/tcp_loss.h"
#include "transport/tcp/tcp_peer.h"
#include "base/check.h"

enum { ACE_NONE = 0, ACE_CLASSIC_ACK = 1, ACE_CLASSIC = 3, CODE_CE = 6, ACE_ASK = 7 };
enum { SETBACKS_BORNE = 1 };
enum { FIRST_CEP = 5, FIRST_BYTES = 1 };	/* 3.2.1; of both sides, and not 0, so that a field that was zeroed shows */

bool tcp_ecn_asks(const struct tcp_config *cfg) { return cfg->ecn == 1 || cfg->ecn == 4; }
bool tcp_accecn_asks(const struct tcp_config *cfg) { return cfg->ecn == 3; }
bool tcp_accecn_takes(const struct tcp_config *cfg) { return cfg->ecn >= 3; }

static uint8_t ip_ecn(const struct tcp_in *in) { return in->rx->tos & IPECN_MASK; }
static bool asks(uint8_t ace) { return ace != ACE_NONE && ace != ACE_CLASSIC; }	/* 3.1.3: unknown ones, too */
/* 3.2.2.3: Not-ECT became something else.  ECT made Not-ECT cannot be met, as we send none here. */
static bool changed(uint8_t ace) { return ace == tcp_accecn_code(IPECN_ECT1) || ace == tcp_accecn_code(IPECN_ECT0) || ace == CODE_CE; }
/* No text, no SACK blocks: such an ACK has a code and not the count. */
static bool pure(const struct tcp_in *in)
{
	return (in->seg.flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK)) == TCP_ACK && in->payload == 0 && in->opt.n_sack == 0 && !in->syn;
}

/* ---- passive ------------------------------------------------------------------------------------------------------ */

void tcp_accecn_syn(struct tcp_accecn_shake *s, const struct tcp_config *cfg, const struct tcp_in *in)
{
	*s = (struct tcp_accecn_shake){ .able = tcp_accecn_takes(cfg), .first = wire_tcp_ace(&in->seg), .syn_ecn = ip_ecn(in) };
	s->on = s->able && asks(s->first);
}

bool tcp_accecn_syn_again(struct tcp_accecn_shake *s, const struct tcp_in *in)
{
	uint8_t ace = wire_tcp_ace(&in->seg);
	if (!s->able)
		return true;
	if (!s->on)
		return s->first != ACE_CLASSIC || !asks(ace);
	if (ace == ACE_CLASSIC)
		return false;
	s->syn_ecn = ip_ecn(in);
	s->no_ect |= ace == ACE_NONE;
	return true;
}

/*
 * 3.2.3.2.2: the first has the option, the next has not, and when that was in vain too what has no flags at all may get through.
 * A SYN that comes again is answered with a code, whatever its own flags are (3.1.5, SHOULD).
 */
uint8_t tcp_accecn_synack(struct tcp_accecn_shake *s, const struct tcp_config *cfg, bool timeout)
{
	s->synacks += s->synacks < UINT8_MAX;
	if (!timeout || s->synacks < 3 || !cfg->ecn_fallback)
		return tcp_accecn_code(s->syn_ecn);
	s->no_ect = true;
	return ACE_NONE;
}

void tcp_accecn_synack_option(const struct tcp_accecn_shake *s, const struct tcp_config *cfg, struct tcp_opt_out *o)
{
	uint8_t scratch[TCP_OPT_MAX];
	o->accecn.kind = 0;
	if (!s->on || s->synacks != 1 || cfg->ecn_option == 0)
		return;
	uint32_t room = TCP_OPT_MAX - (uint32_t)tcp_opt_build(scratch, o);
	uint8_t n = TCP_ACCECN_FIELDS;
	while (n > 0 && tcp_accecn_opt_len(n) > room)
		n--;
	if (tcp_accecn_opt_len(n) <= room)			/* with none of them it still tests the path */
		o->accecn = (struct tcp_accecn_opt){ .kind = TCP_OPT_ACCECN0, .n = n, .field = { FIRST_BYTES, 0, FIRST_BYTES } };
}

void tcp_accecn_third(struct tcp_accecn_shake *s, const struct tcp_in *in, bool last)
{
	if (!s->on)
		return;
	if (pure(in) && !s->third_came) {
		s->third_came = true;
		s->third = wire_tcp_ace(&in->seg);
	}
	s->third_here = !last && pure(in);
	if (last && ip_ecn(in) == IPECN_CE)
		s->marks += s->marks < UINT8_MAX;
}

/*
 * 5.1: a peer that did not ask has 0 or 1 there.  A segment with text tells as well, when the ACK before it was lost: its count
 * begins at 5, and who did not agree on anything sets no flag.
 */
bool tcp_accecn_cookie(struct tcp_accecn_shake *s, const struct tcp_config *cfg, const struct tcp_in *in)
{
	*s = (struct tcp_accecn_shake){ .able = tcp_accecn_takes(cfg), .first = ACE_ASK, .synacks = 1 };
	s->on = s->able && wire_tcp_ace(&in->seg) > ACE_CLASSIC_ACK;
	tcp_accecn_third(s, in, false);
	return s->on;
}

static void begin(struct tcp_tcb *tcb, tcp_seq irs)
{
	struct tcp_accecn *a = &tcb->accecn;
	a->on = true;
	a->r_cep = a->told_cep = a->s_cep = a->ceb_cep = FIRST_CEP;
	for (int i = IPECN_ECT1; i <= IPECN_ECT0; i++)
		a->r_bytes[i] = a->told[i] = a->s_bytes[i] = FIRST_BYTES;
	a->newest_seq = irs;
	a->newest_ts = tcb->ts_recent;
}

/* Table 4: what the peer says that our SYN-ACK came with. */
static void take_third(struct tcp_accecn *a, uint8_t ace)
{
	a->no_ect |= ace == ACE_NONE || changed(ace);
	a->deaf |= ace == ACE_NONE;
	if (ace == CODE_CE) {
		a->shake_marked = true;
		a->s_cep = a->ceb_cep = FIRST_CEP + 1;
	}
}

uint8_t tcp_accecn_first_ace(const struct tcp_accecn_shake *s)
{
	return s->on ? (FIRST_CEP + s->marks) & 7 : 0;
}

void tcp_accecn_child(struct tcp_tcb *tcb, const struct tcp_accecn_shake *s)
{
	struct tcp_accecn *a = &tcb->accecn;
	a->shake = *s;
	if (!s->on)
		return;
	begin(tcb, tcb->irs);
	a->r_cep += s->marks;
	if (s->third_came)
		take_third(a, s->third);
}

void tcp_accecn_read_third(struct tcp_tcb *tcb, const struct tcp_in *in)
{
	if (pure(in))
		take_third(&tcb->accecn, wire_tcp_ace(&in->seg));
}

void tcp_accecn_opened(struct tcp_tcb *tcb)
{
	struct tcp_accecn *a = &tcb->accecn;
	a->no_ect |= a->shake.no_ect;
	a->opt_off |= a->shake.synacks > 1;			/* it was sent, and nothing came of it */
	if (!a->shake_marked)
		return;
	tcb->loss.segs_delivered_ce++;
	tcp_loss_handshake_marked(tcb);
}

/* ---- active ------------------------------------------------------------------------------------------------------- */

/* False: it was found that way that SYNs do not get through if they ask. */
static bool may_ask(struct tcp_tcb *tcb, ol_time now)
{
	const struct tcp_peer *p = tcp_peer_of(tcb);
	tcb->accecn.setbacks = p ? p->accecn.n : 0;
	return !p || !tcp_setback_rests(&p->accecn, now);
}

/*
 * 3.1.4.1, SHOULD.  It failed where no SYN that asks was answered, and then one that does not.  Two losses look the same, so once is
 * nothing; and of connections that are opened together one counts, for they suffer together.
 */
static void learn(struct tcp_tcb *tcb, bool answered, ol_time now)
{
	const struct tcp_accecn *a = &tcb->accecn;
	struct tcp_peer *p = answered ? tcp_peer_of(tcb) : tcp_peer_remember(tcb);
	if (p && answered)
		p->accecn = (struct tcp_setback){ 0 };
	else if (p && p->accecn.n == a->setbacks)
		tcp_setback_note(&p->accecn, SETBACKS_BORNE, now);
}

/* 3.1.4.1: the second SYN asks once more, the third no longer; and the first not, where that is known to be in vain. */
bool tcp_accecn_syn_out(struct tcp_tcb *tcb, uint8_t *ace, ol_time now)
{
	struct tcp_accecn *a = &tcb->accecn;
	const struct tcp_config *cfg = &tcb->tcp->cfg;
	if (tcb->state == OL_TCP_SYN_RECEIVED) {
		if (a->on)
			*ace = tcp_accecn_synack(&a->shake, cfg, tcb->cause == OL_CAUSE_RTO);
		a->no_ect |= a->shake.no_ect;
		return a->on;
	}
	if (seq_eq(tcb->snd_nxt, tcb->iss))
		a->asked = tcp_accecn_asks(cfg) && may_ask(tcb, now);
	*ace = tcb->loss.syn_retrans > 0 && cfg->ecn_fallback ? ACE_NONE : ACE_ASK;
	a->syn_bare |= *ace == ACE_NONE;
	return a->asked;
}

/* 3.1.2, simultaneous open: as the one who is asked. */
static void crossing_syn(struct tcp_tcb *tcb, const struct tcp_in *in)
{
	struct tcp_accecn *a = &tcb->accecn;
	tcp_accecn_syn(&a->shake, &tcb->tcp->cfg, in);
	if (a->shake.on)
		begin(tcb, in->seg.seq);
	tcb->ecn_ok = !a->shake.on && a->shake.first == ACE_CLASSIC;
}

void tcp_accecn_first_option(struct tcp_accecn *a, const uint8_t *opt)
{
	unsigned n = tcp_accecn_fields_of(opt);
	if (a->opt_seen)
		return;
	a->opt_seen = true;
	for (unsigned i = 0; i < n; i += 2)			/* EE0B and EE1B, in either order; their first value is no 0 */
		a->opt_bad |= (be32_at(opt + 1 + 3 * i) & 0xffffff) == 0;
}

static void take_synack(struct tcp_tcb *tcb, const struct tcp_in *in, uint8_t ace)
{
	struct tcp_accecn *a = &tcb->accecn;
	begin(tcb, in->seg.seq);
	a->synack_ecn = a->last_ecn = ip_ecn(in);
	a->synack_marked = a->synack_ecn == IPECN_CE;
	a->r_cep += a->synack_marked;
	if (in->payload > 0 && a->synack_ecn != IPECN_NOT_ECT) {
		a->r_bytes[a->synack_ecn] += in->payload;
		a->ever |= (uint8_t)(1 << a->synack_ecn);
		a->last_field = a->synack_ecn;
	}
	a->code_ack = a->opt_ack = a->opt_text = true;
	/* 3.2.2.3.  Feedback goes on, both ways; s.cep stays as it is, since r.cep does where a SYN is marked. */
	a->no_ect = changed(ace);
	a->shake_marked = ace == CODE_CE;
	if (in->opt.accecn)
		tcp_accecn_first_option(a, in->opt.accecn);
}

bool tcp_accecn_agree(struct tcp_tcb *tcb, const struct tcp_in *in, ol_time now)
{
	uint8_t ace = wire_tcp_ace(&in->seg);
	if (!tcb->accecn.asked)
		return tcp_accecn_asks(&tcb->tcp->cfg);		/* true: it rests, and nothing is agreed on */
	if (!(in->seg.flags & TCP_ACK)) {
		crossing_syn(tcb, in);
		return true;
	}
	learn(tcb, !tcb->accecn.syn_bare || ace != ACE_NONE, now);
	tcb->ecn_ok = ace == ACE_CLASSIC_ACK;
	if (ace != ACE_NONE && ace != ACE_CLASSIC_ACK && ace != ACE_ASK)	/* 111 is but the echo of what we said */
		take_synack(tcb, in, ace);
	return true;
}

bool tcp_accecn_synack_again(struct tcp_tcb *tcb, const struct tcp_in *in)
{
	struct tcp_accecn *a = &tcb->accecn;
	uint8_t ace = wire_tcp_ace(&in->seg);
	if (!a->on || tcb->passive || (in->seg.flags & (TCP_SYN | TCP_ACK | TCP_RST)) != (TCP_SYN | TCP_ACK) ||
	    !seq_eq(in->seg.seq, tcb->irs) || ace == ACE_NONE || ace == ACE_CLASSIC_ACK || ace == ACE_ASK)
		return false;
	a->code_ack = true;
	a->synack_ecn = ip_ecn(in);
	if (a->synack_ecn == IPECN_CE && !a->synack_marked) {	/* 3.2.2.2: but once */
		a->synack_marked = true;
		a->r_cep++;
	}
	return true;
}
