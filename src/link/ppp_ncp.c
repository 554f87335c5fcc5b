/*
 * The network control protocols: IPCP, RFC 1332, and IPV6CP, RFC 5072.  Codes 1 to 7, options of their own, otherwise as LCP.
 * Left out: IP-Addresses (RFC 1332 3.1, deprecated), compression other than Van Jacobson's, name servers (RFC 1877): rejected.
 */
#include "link/ppp.h"
#include <string.h>
#include "base/be.h"
#include "base/check.h"

/* ---- IPCP, RFC 1332 3 ------------------------------------------------------------------------------------------------- */
enum { OPT_COMPRESSION = 2, OPT_ADDRESS = 3 };
enum { VJ_LEN = 4, ADDR_LEN = 4 };

static void ipcp_reset(struct ppp_fsm *f)
{
	struct ppp *p = ppp_of(f);
	p->refused_addr = false;
	p->local4 = p->cfg_local4;
	p->peer4 = 0;
	p->peer_vj = (struct ppp_vj_opt){ .on = false };
	/* 4.1: HDLC's FCS tells the decompressor of errors, so the slot's number may be left out. */
	p->want_vj = (struct ppp_vj_opt){ .on = p->cfg.vj, .max_slot = p->cfg.vj_slots, .cid = true };
}

static uint8_t put_vj(uint8_t *data, const struct ppp_vj_opt *v)
{
	be16_put(data, PPP_VJ_COMPRESSED);
	data[2] = v->max_slot;
	data[3] = v->cid;
	return VJ_LEN;
}

static size_t ipcp_request(struct ppp_fsm *f, uint8_t *out)
{
	struct ppp *p = ppp_of(f);
	size_t n = 0;
	uint8_t vj[VJ_LEN];
	be32 addr = be32_from(p->local4);
	if (p->want_vj.on)
		n = ppp_opt_put(out, n, OPT_COMPRESSION, vj, put_vj(vj, &p->want_vj));
	if (!p->refused_addr)
		n = ppp_opt_put(out, n, OPT_ADDRESS, addr.b, ADDR_LEN);	/* 3.3: 0.0.0.0 asks */
	return n;
}

static bool is_vj(const struct ppp_opt *o) { return o->len == VJ_LEN && be16_at(o->data) == PPP_VJ_COMPRESSED && o->data[3] <= 1; }

/* 3.3: the peer's own wish, unless another was set for it or it is ours. */
static enum ppp_verdict judge_address(struct ppp *p, const struct ppp_opt *o, uint8_t *data, uint8_t *len)
{
	uint32_t theirs = o->len == ADDR_LEN ? be32_at(o->data) : 0;
	bool good = theirs && theirs != p->local4 && (!p->cfg_peer4 || theirs == p->cfg_peer4);
	if (good)
		return PPP_ACK;
	if (!p->cfg_peer4)
		return PPP_REJ;				/* we have none to give */
	be32_put(data, p->cfg_peer4);
	*len = ADDR_LEN;
	return PPP_NAK;
}

static enum ppp_verdict ipcp_judge(struct ppp_fsm *f, const struct ppp_opt *o, uint8_t *data, uint8_t *len)
{
	struct ppp *p = ppp_of(f);
	switch (o->type) {
	case OPT_ADDRESS:
		return judge_address(p, o, data, len);
	case OPT_COMPRESSION:
		if (!p->cfg.vj)
			return PPP_REJ;
		if (is_vj(o))
			return PPP_ACK;
		*len = put_vj(data, &(struct ppp_vj_opt){ true, p->cfg.vj_slots, true });
		return PPP_NAK;
	}
	return PPP_REJ;
}

/* 3.3: the peer said no address, and we have one for it. */
static size_t ipcp_missing(struct ppp_fsm *f, const uint8_t *opts, size_t len, uint8_t *nak, size_t at)
{
	struct ppp *p = ppp_of(f);
	struct ppp_opt o;
	size_t k = 0;
	be32 addr = be32_from(p->cfg_peer4);
	while (ppp_opt_next(opts, len, &k, &o))
		if (o.type == OPT_ADDRESS)
			return at;
	return p->cfg_peer4 ? ppp_opt_put(nak, at, OPT_ADDRESS, addr.b, ADDR_LEN) : at;
}

static void ipcp_take(struct ppp_fsm *f, const uint8_t *opts, size_t len)
{
	struct ppp *p = ppp_of(f);
	struct ppp_opt o;
	size_t at = 0;
	p->peer4 = 0;
	p->peer_vj = (struct ppp_vj_opt){ .on = false };
	while (ppp_opt_next(opts, len, &at, &o))
		if (o.type == OPT_ADDRESS)
			p->peer4 = be32_at(o.data);
		else if (o.type == OPT_COMPRESSION)
			p->peer_vj = (struct ppp_vj_opt){ true, o.data[2], o.data[3] };
}

static bool ipcp_answer(struct ppp_fsm *f, const struct ppp_opt *o, bool rejected)
{
	struct ppp *p = ppp_of(f);
	if (o->type == OPT_ADDRESS && rejected)
		p->refused_addr = true;
	else if (o->type == OPT_ADDRESS && o->len == ADDR_LEN && !p->cfg_local4)
		p->local4 = be32_at(o->data);		/* what we asked for */
	else if (o->type == OPT_COMPRESSION && (rejected || !is_vj(o)))
		p->want_vj.on = false;
	else if (o->type == OPT_COMPRESSION && p->want_vj.on)
		p->want_vj = (struct ppp_vj_opt){ true, MIN(o->data[2], p->cfg.vj_slots), o->data[3] };
	return true;
}

static void forget_vj(struct ppp *p)
{
	ol_vj_tx_free(p->vj_tx);
	ol_vj_rx_free(p->vj_rx);
	p->vj_tx = NULL;
	p->vj_rx = NULL;
}

/* 4: each end compresses only what the other said it can restore.  Without memory it goes uncompressed. */
static void ipcp_up(struct ppp_fsm *f, ol_time now)
{
	struct ppp *p = ppp_of(f);
	forget_vj(p);
	if (p->want_vj.on)
		p->vj_rx = ol_vj_rx_new(p->want_vj.max_slot + 1u);
	if (p->peer_vj.on)
		p->vj_tx = ol_vj_tx_new(p->peer_vj.max_slot + 1u, p->peer_vj.cid);
	if (p->user.network)
		p->user.network(p->user.ctx, 4, true, now);
}

static void ipcp_down(struct ppp_fsm *f, ol_time now)
{
	struct ppp *p = ppp_of(f);
	forget_vj(p);
	if (p->user.network)
		p->user.network(p->user.ctx, 4, false, now);
}

const struct ppp_proto ppp_ipcp = {
	.number = PPP_IPCP, .request = ipcp_request, .judge = ipcp_judge, .missing = ipcp_missing, .take = ipcp_take,
	.answer = ipcp_answer, .reset = ipcp_reset, .up = ipcp_up, .down = ipcp_down,
};

/* ---- IPV6CP, RFC 5072 4 ----------------------------------------------------------------------------------------------- */
enum { OPT_IID = 1, IID_LEN = 8 };

static uint64_t iid_at(const uint8_t *b) { return (uint64_t)be32_at(b) << 32 | be32_at(b + 4); }

static void iid_put(uint8_t *b, uint64_t iid)
{
	be32_put(b, (uint32_t)(iid >> 32));
	be32_put(b + 4, (uint32_t)iid);
}

/* 4.1: chance, with the bit "universal" off; never 0. */
static uint64_t new_iid(struct ppp *p)
{
	uint64_t iid;
	do
		iid = rng_u64(&p->rng) & ~(UINT64_C(2) << 56);
	while (!iid || iid == p->iid);
	return iid;
}

static void ipv6cp_reset(struct ppp_fsm *f)
{
	struct ppp *p = ppp_of(f);
	p->refused_iid = false;
	p->peer_iid = p->nak_iid = 0;
	if (!p->iid)
		p->iid = new_iid(p);			/* kept for the interface's life */
}

static size_t ipv6cp_request(struct ppp_fsm *f, uint8_t *out)
{
	struct ppp *p = ppp_of(f);
	uint8_t b[IID_LEN];
	iid_put(b, p->iid);
	return p->refused_iid ? 0 : ppp_opt_put(out, 0, OPT_IID, b, IID_LEN);
}

/* 4.1: zero asks for one; equal to ours it cannot stay. */
static enum ppp_verdict ipv6cp_judge(struct ppp_fsm *f, const struct ppp_opt *o, uint8_t *data, uint8_t *len)
{
	struct ppp *p = ppp_of(f);
	if (o->type != OPT_IID)
		return PPP_REJ;
	uint64_t theirs = o->len == IID_LEN ? iid_at(o->data) : 0;
	if (theirs && theirs != p->iid)
		return PPP_ACK;
	p->nak_iid = new_iid(p);
	iid_put(data, p->nak_iid);
	*len = IID_LEN;
	return PPP_NAK;
}

static void ipv6cp_take(struct ppp_fsm *f, const uint8_t *opts, size_t len)
{
	struct ppp_opt o;
	size_t at = 0;
	ppp_of(f)->peer_iid = 0;
	while (ppp_opt_next(opts, len, &at, &o))
		ppp_of(f)->peer_iid = iid_at(o.data);
}

static bool ipv6cp_answer(struct ppp_fsm *f, const struct ppp_opt *o, bool rejected)
{
	struct ppp *p = ppp_of(f);
	if (o->type != OPT_IID)
		return true;
	uint64_t theirs = o->len == IID_LEN ? iid_at(o->data) : 0;
	if (rejected)
		p->refused_iid = true;
	else					/* the same as in our own Nak: perhaps it is that one, come back */
		p->iid = theirs && theirs != p->nak_iid ? theirs : new_iid(p);
	return true;
}

static void ipv6cp_up(struct ppp_fsm *f, ol_time now)
{
	struct ppp *p = ppp_of(f);
	if (p->user.network)
		p->user.network(p->user.ctx, 6, true, now);
}

static void ipv6cp_down(struct ppp_fsm *f, ol_time now)
{
	struct ppp *p = ppp_of(f);
	if (p->user.network)
		p->user.network(p->user.ctx, 6, false, now);
}

const struct ppp_proto ppp_ipv6cp = {
	.number = PPP_IPV6CP, .request = ipv6cp_request, .judge = ipv6cp_judge, .take = ipv6cp_take, .answer = ipv6cp_answer,
	.reset = ipv6cp_reset, .up = ipv6cp_up, .down = ipv6cp_down,
};
