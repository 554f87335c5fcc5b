/*
 * PPP's frames, RFC 1661 2 and RFC 1662 3: what comes is sorted by its Protocol field and by the phase of the link (3.4 to 3.7);
 * what goes gets its header, compressed where the peer asked for it (6.5, 6.6) and never that of LCP.
 */
#include "link/ppp.h"
#include <string.h>
#include "base/be.h"
#include "base/check.h"

struct ppp_config ppp_config_default(void)
{
	return (struct ppp_config){ .timing = { 3 * OL_SEC, 2, 10, 5 }, .magic = true, .pfc = true, .acfc = true,
		.vj = true, .vj_slots = OL_VJ_SLOTS - 1, .ipv6 = true };
}

/* A control packet as a frame.  5: codes 1 to 7 go as if nothing had been negotiated, and all of LCP is kept so. */
static void send_control(void *ctx, uint16_t protocol, const uint8_t *packet, size_t len, ol_time now)
{
	struct ppp *p = ctx;
	uint8_t frame[PPP_OVERHEAD + PPP_PACKET_MAX];
	bool lcp = protocol == PPP_LCP, bare = !lcp && p->peer.acfc;
	size_t n = 0;
	if (!bare) {
		frame[n++] = PPP_ADDRESS;
		frame[n++] = PPP_CONTROL;
	}
	be16_put(frame + n, protocol);
	memcpy(frame + n + 2, packet, len);
	p->user.frame(p->user.ctx, frame, n + 2 + len, lcp ? PPP_ACCM_DEFAULT : p->peer.accm, now);
}

void ppp_init(struct ppp *p, const struct ppp_config *cfg, const struct ppp_user *user, uint64_t seed)
{
	*p = (struct ppp){ .cfg = *cfg, .user = *user, .echo_at = OL_NEVER };
	rng_init(&p->rng, seed);
	ppp_fsm_init(&p->lcp, &ppp_lcp, p, &p->cfg.timing);
	ppp_fsm_init(&p->ipcp, &ppp_ipcp, p, &p->cfg.timing);
	ppp_fsm_init(&p->ipv6cp, &ppp_ipv6cp, p, &p->cfg.timing);
	p->lcp.send = p->ipcp.send = p->ipv6cp.send = send_control;
}

void ppp_fini(struct ppp *p)
{
	ol_vj_tx_free(p->vj_tx);
	ol_vj_rx_free(p->vj_rx);
	p->vj_tx = NULL;
	p->vj_rx = NULL;
}

void ppp_carrier(struct ppp *p, bool up, ol_time now) { ppp_fsm_event(&p->lcp, up ? PPP_UP : PPP_DOWN, now); }

void ppp_admin(struct ppp *p, bool open, ol_time now)
{
	enum ppp_event event = open ? PPP_OPEN : PPP_CLOSE;
	if (open) {					/* the networks wait for the link */
		ppp_fsm_event(&p->ipcp, event, now);
		if (p->cfg.ipv6)
			ppp_fsm_event(&p->ipv6cp, event, now);
	}
	ppp_fsm_event(&p->lcp, event, now);
}

/* ---- in --------------------------------------------------------------------------------------------------------------- */
/* RFC 1662 3.1, 3.2: Address and Control, where they were not left out; then the Protocol.  0: none that can be. */
static uint32_t pull_header(struct ppp *p, struct ol_pkt *pkt)
{
	if (pkt->len >= 2 && pkt->data[0] == PPP_ADDRESS && pkt->data[1] == PPP_CONTROL)
		ol_pkt_pull(pkt, 2);
	bool short_one = p->lcp.state == PPP_OPENED && p->want.pfc && pkt->len >= 1 && pkt->data[0] & 1;
	if (pkt->len < 2 && !short_one)
		return 0;
	uint32_t protocol = short_one ? pkt->data[0] : be16_at(pkt->data);
	ol_pkt_pull(pkt, short_one ? 1 : 2);
	return protocol;
}

static enum ol_fate control(struct ppp_fsm *f, const struct ol_pkt *pkt, ol_time now)
{
	return ppp_fsm_input(f, pkt->data, pkt->len, now) ? OL_DONE : OL_DROP_PPP_CONTROL;
}

/* RFC 1661 3.6: a datagram, if its control protocol is Opened. */
static enum ol_fate datagram(const struct ppp_fsm *ncp, const struct ol_pkt *pkt, unsigned ver)
{
	if (ncp->state != PPP_OPENED)
		return OL_DROP_PPP_PHASE;
	return pkt->len && pkt->data[0] >> 4 == ver ? OL_PASS : OL_DROP_IP_VERSION;
}

static enum ol_fate compressed(struct ppp *p, struct ol_pkt *pkt, enum ol_vj type)
{
	if (p->ipcp.state != PPP_OPENED)
		return OL_DROP_PPP_PHASE;
	return ol_vj_restore(p->vj_rx, type, pkt) ? OL_PASS : OL_DROP_VJ_TOSSED;
}

enum ol_fate ppp_input(struct ppp *p, struct ol_pkt *pkt, ol_time now)
{
	uint32_t protocol = pull_header(p, pkt);
	if (protocol == PPP_LCP)
		return control(&p->lcp, pkt, now);
	if (p->lcp.state != PPP_OPENED)			/* 3.4, 3.7 */
		return OL_DROP_PPP_PHASE;
	switch (protocol) {
	case PPP_IPCP:
		return control(&p->ipcp, pkt, now);
	case PPP_IP4:
		return datagram(&p->ipcp, pkt, 4);
	case PPP_VJ_COMPRESSED:
	case PPP_VJ_UNCOMPRESSED:
		if (!p->vj_rx && p->ipcp.state == PPP_OPENED)
			break;				/* never agreed to */
		return compressed(p, pkt, protocol == PPP_VJ_COMPRESSED ? OL_VJ_COMPRESSED : OL_VJ_UNCOMPRESSED);
	case PPP_IPV6CP:
		if (!p->cfg.ipv6)
			break;
		return control(&p->ipv6cp, pkt, now);
	case PPP_IP6:
		if (!p->cfg.ipv6)
			break;
		return datagram(&p->ipv6cp, pkt, 6);
	}
	/* 2: what is no Protocol at all is treated as an unrecognized one. */
	ppp_lcp_protocol_reject(p, (uint16_t)protocol, pkt->data, pkt->len, now);
	return OL_DROP_PPP_PROTOCOL;
}

void ppp_line_error(struct ppp *p)
{
	if (p->vj_rx)
		ol_vj_error(p->vj_rx);
}

bool ppp_protocol_refused(struct ppp *p, uint16_t protocol, ol_time now)
{
	switch (protocol) {
	case PPP_LCP:
		return false;
	case PPP_IPCP:
	case PPP_IP4:
		ppp_fsm_event(&p->ipcp, PPP_DOWN, now);
		break;
	case PPP_IPV6CP:
	case PPP_IP6:
		if (p->cfg.ipv6)
			ppp_fsm_event(&p->ipv6cp, PPP_DOWN, now);
		break;
	case PPP_VJ_COMPRESSED:
	case PPP_VJ_UNCOMPRESSED:
		ol_vj_tx_free(p->vj_tx);
		p->vj_tx = NULL;
		break;
	}
	return true;
}

/* ---- out -------------------------------------------------------------------------------------------------------------- */
enum ol_fate ppp_output(struct ppp *p, struct ol_pkt *pkt, uint32_t *accm)
{
	bool six = pkt->len && pkt->data[0] >> 4 == 6;
	uint16_t protocol = six ? PPP_IP6 : PPP_IP4;
	if (p->lcp.state != PPP_OPENED || (six ? &p->ipv6cp : &p->ipcp)->state != PPP_OPENED)
		return OL_DROP_PPP_PHASE;
	if (pkt->len > p->peer.mru)
		return OL_DROP_LINK_TOO_LONG;
	if (!six && p->vj_tx) {
		enum ol_vj type = ol_vj_compress(p->vj_tx, pkt);
		protocol = type == OL_VJ_IP ? PPP_IP4 : type == OL_VJ_COMPRESSED ? PPP_VJ_COMPRESSED : PPP_VJ_UNCOMPRESSED;
	}
	if (p->peer.pfc)
		*ol_pkt_push(pkt, 1) = (uint8_t)protocol;
	else
		be16_put(ol_pkt_push(pkt, 2), protocol);
	if (!p->peer.acfc)
		memcpy(ol_pkt_push(pkt, 2), (uint8_t[]){ PPP_ADDRESS, PPP_CONTROL }, 2);
	*accm = p->peer.accm;
	return OL_PASS;
}

/* ---- time ------------------------------------------------------------------------------------------------------------- */
ol_time ppp_deadline(const struct ppp *p)
{
	return MIN(MIN(p->lcp.restart, p->ipcp.restart), MIN(p->ipv6cp.restart, p->echo_at));
}

void ppp_expire(struct ppp *p, ol_time now)
{
	ppp_fsm_expire(&p->lcp, now);
	ppp_fsm_expire(&p->ipcp, now);
	ppp_fsm_expire(&p->ipv6cp, now);
	ppp_lcp_echo_expire(p, now);
}
