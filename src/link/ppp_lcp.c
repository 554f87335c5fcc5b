/*
 * LCP, RFC 1661 5.7 to 6.6 and RFC 1662 7.1: its options, Protocol-Reject, Echo and Discard, and the search for a line that is
 * looped back.  Left out: authentication (6.2) and quality (6.3), which are refused; see doc/omitted.md.
 * A looped line would exchange Naks as fast as it is long; after LOOPS of them ours count as lost, so that the Restart timer
 * sets the pace and Max-Configure the end.
 */
#include "link/ppp.h"
#include <string.h>
#include "base/be.h"
#include "base/check.h"
#include "wire/ip4.h"

enum { OPT_MRU = 1, OPT_ACCM = 2, OPT_AUTH = 3, OPT_QUALITY = 4, OPT_MAGIC = 5, OPT_PFC = 7, OPT_ACFC = 8 };
enum { LOOPS = 5, MAGIC_LEN = 4 };

/* 6.4: as random as can be, never 0. */
static uint32_t new_magic(struct ppp *p)
{
	uint32_t m;
	do
		m = (uint32_t)rng_u64(&p->rng);
	while (!m || m == p->want.magic);
	return m;
}

static const struct ppp_lcp_opts none = { .mru = PPP_MRU, .accm = PPP_ACCM_DEFAULT };

static void lcp_reset(struct ppp_fsm *f)
{
	struct ppp *p = ppp_of(f);
	const struct ppp_config *c = &p->cfg;
	p->peer = none;
	p->nak_magic = 0;
	p->looped = 0;
	p->no_echo = false;
	f->peer_mru = PPP_MRU;
	p->want = (struct ppp_lcp_opts){ .mru = (uint16_t)(c->mru ? c->mru : PPP_MRU), .accm = c->accm, .pfc = c->pfc, .acfc = c->acfc };
	p->want.magic = c->magic ? new_magic(p) : 0;
}

/* Defaults are not asked for (5.1). */
static size_t lcp_request(struct ppp_fsm *f, uint8_t *out)
{
	struct ppp *p = ppp_of(f);
	const struct ppp_lcp_opts *w = &p->want;
	size_t n = 0;
	be16 mru = be16_from(w->mru);
	be32 accm = be32_from(w->accm), magic = be32_from(w->magic);
	if (w->mru != none.mru)
		n = ppp_opt_put(out, n, OPT_MRU, mru.b, 2);
	if (w->accm != none.accm)
		n = ppp_opt_put(out, n, OPT_ACCM, accm.b, 4);
	if (w->magic)
		n = ppp_opt_put(out, n, OPT_MAGIC, magic.b, MAGIC_LEN);
	if (w->pfc)
		n = ppp_opt_put(out, n, OPT_PFC, NULL, 0);
	if (w->acfc)
		n = ppp_opt_put(out, n, OPT_ACFC, NULL, 0);
	return n;
}

/* 6.4: equal to our own, the line may be looped; zero is never good. */
static enum ppp_verdict judge_magic(struct ppp *p, const struct ppp_opt *o, uint8_t *data, uint8_t *len)
{
	uint32_t theirs = o->len == MAGIC_LEN ? be32_at(o->data) : 0;
	if (!p->cfg.magic && theirs)
		return PPP_ACK;
	if (theirs && theirs != p->want.magic) {
		p->looped = 0;
		return PPP_ACK;
	}
	p->looped += theirs != 0;
	p->nak_magic = new_magic(p);
	be32_put(data, p->nak_magic);
	*len = MAGIC_LEN;
	return PPP_NAK;
}

static enum ppp_verdict lcp_judge(struct ppp_fsm *f, const struct ppp_opt *o, uint8_t *data, uint8_t *len)
{
	struct ppp *p = ppp_of(f);
	switch (o->type) {
	case OPT_MRU:
		if (o->len == 2 && be16_at(o->data) >= IP4_MIN_MTU)
			return PPP_ACK;
		be16_put(data, none.mru);
		*len = 2;
		return PPP_NAK;
	case OPT_ACCM:
		if (o->len == 4)
			return PPP_ACK;
		be32_put(data, none.accm);
		*len = 4;
		return PPP_NAK;
	case OPT_MAGIC:
		return judge_magic(p, o, data, len);
	case OPT_PFC:
	case OPT_ACFC:
		return o->len ? PPP_REJ : PPP_ACK;	/* 5.3: without a value there is nothing to Nak */
	}
	return PPP_REJ;
}

/* 6.4: who asks for a magic number itself MUST NOT reject one. */
static bool lcp_may_reject(struct ppp_fsm *f, uint8_t type) { return type != OPT_MAGIC || !ppp_of(f)->cfg.magic; }

static void lcp_take(struct ppp_fsm *f, const uint8_t *opts, size_t len)
{
	struct ppp *p = ppp_of(f);
	struct ppp_opt o;
	size_t at = 0;
	p->peer = none;
	while (ppp_opt_next(opts, len, &at, &o))
		switch (o.type) {
		case OPT_MRU:	p->peer.mru = be16_at(o.data); break;
		case OPT_ACCM:	p->peer.accm = be32_at(o.data); break;
		case OPT_MAGIC:	p->peer.magic = be32_at(o.data); break;
		case OPT_PFC:	p->peer.pfc = true; break;
		case OPT_ACFC:	p->peer.acfc = true; break;
		}
}

/* An answer to ours.  What the peer wants of us unasked (an authentication) is not ours to give. */
static bool lcp_answer(struct ppp_fsm *f, const struct ppp_opt *o, bool rejected)
{
	struct ppp *p = ppp_of(f);
	struct ppp_lcp_opts *w = &p->want;
	switch (o->type) {
	case OPT_MRU:
		w->mru = rejected || o->len != 2 ? none.mru : CLAMP(be16_at(o->data), (uint16_t)IP4_MIN_MTU, w->mru);
		break;
	case OPT_ACCM:
		w->accm = rejected || o->len != 4 ? none.accm : w->accm | be32_at(o->data);	/* RFC 1662 7.1: the union */
		break;
	case OPT_MAGIC:
		if (rejected) {
			w->magic = 0;			/* 6.4: the line is not looped, and that is all we know */
			break;
		}
		if (o->len == MAGIC_LEN && be32_at(o->data) != p->nak_magic)
			p->looped = 0;			/* not our own Nak: there is somebody */
		if (p->looped >= LOOPS)
			return false;
		w->magic = new_magic(p);
		break;
	case OPT_PFC:
		w->pfc = false;
		break;
	case OPT_ACFC:
		w->acfc = false;
		break;
	}
	return true;
}

/* ---- 5.7 to 5.9 ------------------------------------------------------------------------------------------------------- */
/*
 * 5.8, 6.4: the magic number in an Echo or Discard must be the peer's, or 0 where it has none.  Our own would say that the line was
 * looped back while it was open: nothing is answered then, and with ppp_echo_failure the link begins anew and finds out.
 */
static bool is_peers(const struct ppp *p, const uint8_t *data) { return be32_at(data) == p->peer.magic; }

static enum ppp_event lcp_other(struct ppp_fsm *f, uint8_t code, const uint8_t *data, size_t len, ol_time now)
{
	struct ppp *p = ppp_of(f);
	switch (code) {
	case PPP_PROTO_REJ:
		if (f->state != PPP_OPENED || len < 2)
			return PPP_EVENTS;		/* 5.7: SHOULD be discarded */
		return ppp_protocol_refused(p, be16_at(data), now) ? PPP_RXJ_PLUS : PPP_RXJ_MINUS;
	case PPP_ECHO_REQ:
	case PPP_DISCARD_REQ:
		return f->state == PPP_OPENED && len >= MAGIC_LEN && is_peers(p, data) ? PPP_RXR : PPP_EVENTS;
	case PPP_ECHO_REP:
		if (f->state != PPP_OPENED || len < MAGIC_LEN || !is_peers(p, data))
			return PPP_EVENTS;
		p->echoes = 0;
		return PPP_RXR;
	}
	return PPP_RUC;
}

/* 4.3, RXJ+: what the peer does not know is no longer sent. */
static void lcp_code_refused(struct ppp_fsm *f, uint8_t code)
{
	if (code != PPP_ECHO_REQ)
		return;
	ppp_of(f)->no_echo = true;
	ppp_of(f)->echo_at = OL_NEVER;
}

/* The same data, our magic number; cut to what the peer takes. */
static void lcp_echo(struct ppp_fsm *f, uint8_t id, const uint8_t *data, size_t len, ol_time now)
{
	uint8_t reply[PPP_PACKET_MAX];
	len = MIN(len, (size_t)MIN(f->peer_mru, (uint16_t)PPP_PACKET_MAX) - PPP_HLEN);
	memcpy(reply, data, len);
	be32_put(reply, ppp_of(f)->want.magic);
	ppp_fsm_send(f, PPP_ECHO_REP, id, reply, len, now);
}

void ppp_lcp_protocol_reject(struct ppp *p, uint16_t protocol, const uint8_t *info, size_t len, ol_time now)
{
	uint8_t data[PPP_PACKET_MAX];
	if (p->lcp.state != PPP_OPENED)
		return;
	len = MIN(len, (size_t)MIN(p->lcp.peer_mru, (uint16_t)PPP_PACKET_MAX) - PPP_HLEN - 2);
	be16_put(data, protocol);
	memcpy(data + 2, info, len);
	ppp_fsm_send(&p->lcp, PPP_PROTO_REJ, ++p->reject_id, data, len + 2, now);
}

void ppp_lcp_echo_expire(struct ppp *p, ol_time now)
{
	if (p->echo_at > now)
		return;
	p->echo_at = now + p->cfg.echo_ns;
	if (p->cfg.echo_failure && p->echoes >= p->cfg.echo_failure) {
		ppp_fsm_event(&p->lcp, PPP_DOWN, now);		/* nobody is there: begin anew */
		ppp_fsm_event(&p->lcp, PPP_UP, now);
		return;
	}
	be32 magic = be32_from(p->want.magic);
	p->echoes++;
	ppp_fsm_send(&p->lcp, PPP_ECHO_REQ, ++p->echo_id, magic.b, MAGIC_LEN, now);
}

/* ---- up and down ------------------------------------------------------------------------------------------------------ */
static void lcp_up(struct ppp_fsm *f, ol_time now)
{
	struct ppp *p = ppp_of(f);
	f->peer_mru = p->ipcp.peer_mru = p->ipv6cp.peer_mru = p->peer.mru;
	p->echoes = 0;
	p->echo_at = p->cfg.echo_ns && !p->no_echo ? now + p->cfg.echo_ns : OL_NEVER;
	if (p->user.agreed)
		p->user.agreed(p->user.ctx, p->want.accm, p->peer.mru);
	ppp_fsm_event(&p->ipcp, PPP_UP, now);
	if (p->cfg.ipv6)
		ppp_fsm_event(&p->ipv6cp, PPP_UP, now);
}

static void lcp_down(struct ppp_fsm *f, ol_time now)
{
	struct ppp *p = ppp_of(f);
	p->echo_at = OL_NEVER;
	f->peer_mru = PPP_MRU;
	if (p->user.agreed)
		p->user.agreed(p->user.ctx, PPP_ACCM_DEFAULT, PPP_MRU);
	ppp_fsm_event(&p->ipcp, PPP_DOWN, now);
	if (p->cfg.ipv6)
		ppp_fsm_event(&p->ipv6cp, PPP_DOWN, now);
}

const struct ppp_proto ppp_lcp = {
	.number = PPP_LCP, .request = lcp_request, .judge = lcp_judge, .may_reject = lcp_may_reject, .take = lcp_take,
	.answer = lcp_answer, .other = lcp_other, .echo = lcp_echo, .code_refused = lcp_code_refused, .reset = lcp_reset,
	.up = lcp_up, .down = lcp_down,
};
