/*
 * Interfaces on serial lines: SLIP, SLIP with compressed headers (RFC 1055, RFC 1144), PPP (ppp.h).  Packets towards the
 * driver are bytes of the line, a whole frame each; what comes from it is a stream in any pieces, and one piece may end several
 * frames.  Errors that the framing sees reach the decompressor at once (RFC 1144 4.1).
 * SLIP sees next to none, so its compressor names the slot in every packet; the setting cslip_cid takes the risk.
 */
#include <assert.h>
#include <errno.h>
#include <outlet/ol_serial.h>
#include <stdlib.h>
#include <string.h>
#include "base/be.h"
#include "base/check.h"
#include "base/timer_kind.h"
#include "link/link_int.h"
#include "link/ppp.h"

enum { FRAME_ROOM = 8 };		/* address, control, protocol, FCS, and to spare */

struct serial {
	struct link *link;
	struct link_iface *ifc;
	uint32_t mtu;			/* the interface's own; a PPP peer may take less */
	struct ol_line_rx rx;
	struct ol_pktq bytes;		/* what came and was not looked at yet, */
	size_t at;			/* its first packet up to here */
	struct ol_vj_tx *vj_tx;		/* CSLIP */
	struct ol_vj_rx *vj_rx;
	struct ppp ppp;
	struct timer timer;		/* PPP's */
	bool closed;			/* by the administrator */
	struct link_event last[2];
	bool told[2], changed[2], is[2];	/* IPv4, IPv6: what the stack knows of the network, news, what is */
	uint8_t buf[];
};

static bool is_ppp(const struct link_iface *ifc) { return ifc->pub.link == OL_LINK_PPP; }

/* ---- what PPP wants --------------------------------------------------------------------------------------------------- */
static void put_frame(void *ctx, const uint8_t *p, size_t len, uint32_t accm, ol_time now)
{
	struct serial *s = ctx;
	if (!s->ifc->pub.up)
		return;
	struct ol_pkt *pkt = ol_pkt_new(s->link->pool, OL_HDLC_ENCODED_MAX(len));
	if (!pkt) {
		link_drop(s->link, NULL, OL_DROP_NO_MEMORY);
		return;
	}
	pkt->len = (uint32_t)ol_hdlc_encode(pkt->data, p, len, accm);
	link_queue(s->link, s->ifc, pkt, now);
}

static void set_mtu(struct serial *s, uint32_t mtu)
{
	if (s->ifc->pub.mtu == mtu)
		return;
	s->ifc->pub.mtu = mtu;
	s->link->generation++;
}

static void agreed(void *ctx, uint32_t accm, uint32_t peer_mru)
{
	struct serial *s = ctx;
	s->rx.accm = accm;
	set_mtu(s, MIN(s->mtu, peer_mru));
}

static void network(void *ctx, uint8_t ver, bool up, ol_time now)
{
	struct serial *s = ctx;
	unsigned v = ver == 6;
	s->link->events += !s->changed[v];
	s->changed[v] = true;
	s->is[v] = up;
}

static void rearm(struct serial *s)
{
	ol_time at = ppp_deadline(&s->ppp);
	if (at == OL_NEVER)
		timer_stop(s->link->wheel, &s->timer);
	else
		timer_arm(s->link->wheel, &s->timer, at);
}

void serial_expire(struct link *l, struct timer *t, ol_time now)
{
	struct serial *s = list_of(t, struct serial, timer);
	ppp_expire(&s->ppp, now);
	rearm(s);
}

/* ---- making and taking apart ------------------------------------------------------------------------------------------- */
static bool make_vj(struct serial *s)
{
	ol_vj_tx_free(s->vj_tx);
	ol_vj_rx_free(s->vj_rx);
	s->vj_tx = ol_vj_tx_new(s->link->cfg.cslip_slots + 1u, s->link->cfg.cslip_cid);
	s->vj_rx = ol_vj_rx_new(s->link->cfg.cslip_slots + 1u);
	return s->vj_tx && s->vj_rx;
}

static void make_ppp(struct serial *s)
{
	struct ppp_config c = s->link->cfg.ppp;
	struct ppp_user user = { s, put_frame, agreed, network };
	struct sipkey key = sipkey_derive(s->link->cfg.seed, "ppp");
	be32 number = be32_from((uint32_t)s->link->n_iface);	/* the same on every processor */
	c.mru = MIN(c.mru ? c.mru : s->mtu, (uint32_t)SERIAL_MTU_MAX);
	c.ipv6 = c.ipv6 && s->mtu >= 1280;
	ppp_init(&s->ppp, &c, &user, siphash(key, number.b, sizeof number));
}

int serial_new(struct link *l, struct link_iface *ifc)
{
	/* RFC 1661 6.1: 1500 bytes can always be taken, whatever was agreed; RFC 1055: 1006. */
	size_t room = MAX(MAX(ifc->pub.mtu, l->cfg.ppp.mru), (uint32_t)PPP_MRU) + FRAME_ROOM;
	struct serial *s = calloc(1, sizeof *s + room);
	if (!s)
		return -ENOMEM;
	s->link = l;
	s->ifc = ifc;
	s->mtu = ifc->pub.mtu;
	ol_line_rx_init(&s->rx, s->buf, room, PPP_ACCM_DEFAULT);
	ol_pktq_init(&s->bytes);
	timer_init(&s->timer, TIMER_LINK_SERIAL);
	ifc->serial = s;
	if (is_ppp(ifc)) {
		make_ppp(s);
	} else if (ifc->pub.link == OL_LINK_CSLIP && !make_vj(s)) {
		serial_free(l, ifc);
		return -ENOMEM;
	}
	return 0;
}

void serial_free(struct link *l, struct link_iface *ifc)
{
	struct serial *s = ifc->serial;
	if (!s)
		return;
	timer_stop(l->wheel, &s->timer);
	ol_pktq_purge(&s->bytes);
	ol_vj_tx_free(s->vj_tx);
	ol_vj_rx_free(s->vj_rx);
	ppp_fini(&s->ppp);
	l->events -= s->changed[0] + s->changed[1];
	free(s);
	ifc->serial = NULL;
}

/* The line is there, or gone.  Without memory CSLIP's slots stay those of before, and a mismatch shows in TCP's checksum. */
void serial_carrier(struct link *l, struct link_iface *ifc, bool up, ol_time now)
{
	struct serial *s = ifc->serial;
	ol_pktq_purge(&s->bytes);
	s->at = 0;
	ol_line_rx_init(&s->rx, s->buf, s->rx.cap, PPP_ACCM_DEFAULT);
	if (ifc->pub.link == OL_LINK_CSLIP && up)
		make_vj(s);
	if (is_ppp(ifc)) {
		if (up && s->ppp.lcp.state == PPP_INITIAL && !s->closed)
			ppp_admin(&s->ppp, true, now);
		ppp_carrier(&s->ppp, up, now);
		rearm(s);
	}
}

/* ---- out --------------------------------------------------------------------------------------------------------------- */
static void cslip_type(struct serial *s, struct ol_pkt *pkt)
{
	if (pkt->data[0] >> 4 != 4 || !s->vj_tx)
		return;
	enum ol_vj type = ol_vj_compress(s->vj_tx, pkt);
	if (type != OL_VJ_IP)
		pkt->data[0] |= (uint8_t)type;		/* RFC 1144 appendix A: beside the version, or the change mask */
}

enum ol_fate serial_output(struct link *l, struct link_iface *ifc, struct ol_pkt **pkt)
{
	struct serial *s = ifc->serial;
	struct ol_pkt *p = *pkt;
	uint32_t accm = 0;
	bool ppp = is_ppp(ifc);
	struct ol_pkt *line = ol_pkt_new(l->pool, ppp ? OL_HDLC_ENCODED_MAX(p->len + PPP_OVERHEAD) : OL_SLIP_ENCODED_MAX(p->len));
	if (!line)
		return OL_DROP_NO_MEMORY;
	if (ol_pkt_headroom(p) < PPP_OVERHEAD) {		/* a driver gave it without room in front */
		struct ol_pkt *roomy = ol_pkt_copy(l->pool, p);
		if (!roomy) {
			ol_pkt_free(line);
			return OL_DROP_NO_MEMORY;
		}
		ol_pkt_free(p);
		*pkt = p = roomy;
	}
	if (ppp) {
		enum ol_fate fate = ppp_output(&s->ppp, p, &accm);
		if (fate != OL_PASS) {
			ol_pkt_free(line);
			return fate;
		}
		line->len = (uint32_t)ol_hdlc_encode(line->data, p->data, p->len, accm);
	} else {
		if (ifc->pub.link == OL_LINK_CSLIP)
			cslip_type(s, p);
		line->len = (uint32_t)ol_slip_encode(line->data, p->data, p->len);
	}
	line->note = p->note;
	ol_pkt_free(p);
	*pkt = line;
	return OL_PASS;
}

/* ---- in ---------------------------------------------------------------------------------------------------------------- */
/* RFC 1144 appendix A: the type is in the first byte. */
static enum ol_fate cslip_input(struct serial *s, struct ol_pkt *p)
{
	if (p->data[0] < OL_VJ_UNCOMPRESSED)
		return OL_PASS;
	enum ol_vj type = p->data[0] & OL_VJ_COMPRESSED ? OL_VJ_COMPRESSED : OL_VJ_UNCOMPRESSED;
	p->data[0] &= type == OL_VJ_COMPRESSED ? 0x7f : 0x4f;
	return s->vj_rx && ol_vj_restore(s->vj_rx, type, p) ? OL_PASS : OL_DROP_VJ_TOSSED;
}

static enum ol_fate frame_input(struct serial *s, struct ol_pkt *p, ol_time now)
{
	if (!is_ppp(s->ifc))
		return s->ifc->pub.link == OL_LINK_CSLIP ? cslip_input(s, p) : OL_PASS;
	enum ol_fate fate = ppp_input(&s->ppp, p, now);
	rearm(s);
	return fate;
}

/* The framing saw an error, or bytes were lost: RFC 1144's TYPE_ERROR. */
static void line_error(struct serial *s)
{
	if (s->vj_rx)
		ol_vj_error(s->vj_rx);
	if (is_ppp(s->ifc))
		ppp_line_error(&s->ppp);
}

static void dropped(struct serial *s, struct ol_pkt *p, enum ol_fate fate)
{
	s->ifc->rx_dropped += fate != OL_DONE;
	link_drop(s->link, p, fate);
}

/* Up to the end of the next frame in the bytes that wait.  False: they are used up. */
static bool next_frame(struct serial *s, enum ol_line *what)
{
	for (struct ol_pkt *p; (p = s->bytes.head); ) {
		size_t n = p->len - s->at;
		s->at += is_ppp(s->ifc) ? ol_hdlc_decode(&s->rx, p->data + s->at, n, what)
					: ol_slip_decode(&s->rx, p->data + s->at, n, what);
		if (s->at == p->len) {
			ol_pkt_free(ol_pktq_get(&s->bytes));
			s->at = 0;
		}
		if (*what != OL_LINE_MORE)
			return true;
	}
	return false;
}

enum ol_fate serial_input(struct link *l, struct link_iface *ifc, struct ol_pkt *bytes, struct ol_pkt **pkt, ol_time now)
{
	struct serial *s = ifc->serial;
	enum ol_line what;
	enum ol_fate last = OL_DONE;
	if (bytes)
		ol_pktq_put(&s->bytes, bytes);
	while (next_frame(s, &what)) {
		if (what != OL_LINE_FRAME) {
			line_error(s);
			dropped(s, NULL, last = OL_DROP_SERIAL_FRAME);
			continue;
		}
		struct ol_pkt *p = ol_pkt_from(l->pool, s->rx.buf, s->rx.len);
		if (!p) {
			line_error(s);
			dropped(s, NULL, last = OL_DROP_NO_MEMORY);
			continue;
		}
		p->link = ifc->pub.link;
		p->time = now;
		enum ol_fate fate = frame_input(s, p, now);
		if (fate == OL_PASS) {
			*pkt = p;
			return OL_PASS;
		}
		dropped(s, p, last = fate);
	}
	return last;
}

/* ---- what the floor above is told, and asks ------------------------------------------------------------------------------ */
bool link_event_waits(const struct link *l) { return l->events != 0; }

static void fill(const struct serial *s, unsigned v, struct link_event *ev)
{
	const struct ppp *p = &s->ppp;
	if (v == 0) {
		ev->local = p->local4 ? ol_addr_ip4(p->local4) : ev->local;
		ev->peer = p->peer4 ? ol_addr_ip4(p->peer4) : ev->peer;
		ev->given = !p->cfg_local4;
		ev->plen = 32;
		return;
	}
	uint8_t b[16] = { 0xfe, 0x80 };			/* RFC 5072 5: the link-local address */
	be32_put(b + 8, (uint32_t)(p->iid >> 32));
	be32_put(b + 12, (uint32_t)p->iid);
	ev->local = ol_addr_from(6, b);
	ev->given = true;
	ev->plen = 64;
}

bool link_event_next(struct link *l, struct link_event *ev)
{
	for (int i = 0; l->events && i < 2 * l->n_iface; i++) {
		struct serial *s = l->iface[i / 2]->serial;
		unsigned v = i & 1;
		if (rarp_event(l, l->iface[i / 2], ev))
			return true;
		if (!s || !s->changed[v])
			continue;
		*ev = (struct link_event){ .ifi = i / 2 + 1, .up = !s->told[v] && s->is[v] };
		if (ev->up) {
			fill(s, v, ev);
			s->last[v] = *ev;
		} else {
			*ev = s->last[v];		/* what is taken back is what was given */
			ev->ifi = i / 2 + 1;
			ev->up = false;
		}
		s->changed[v] = !ev->up && s->is[v];	/* down and up again: the up is still to be told */
		l->events -= !s->changed[v];
		s->told[v] = ev->up;
		return true;
	}
	return false;
}

static struct serial *ppp_at(const struct link *l, int ifi, int *err)
{
	struct link_iface *ifc = link_iface_int(l, ifi);
	*err = !ifc ? -ENODEV : is_ppp(ifc) ? 0 : -EINVAL;
	return *err ? NULL : ifc->serial;
}

void link_carrier(struct link *l, int ifi, bool up, ol_time now)
{
	struct link_iface *ifc = link_iface_int(l, ifi);
	if (ifc && ifc->serial)
		serial_carrier(l, ifc, up, now);
}

int link_ppp_admin(struct link *l, int ifi, bool open, ol_time now)
{
	int err;
	struct serial *s = ppp_at(l, ifi, &err);
	if (!s)
		return err;
	s->closed = !open;
	ppp_admin(&s->ppp, open, now);
	rearm(s);
	return 0;
}

int link_ppp_peer(struct link *l, int ifi, const struct ol_addr *addr)
{
	int err;
	struct serial *s = ppp_at(l, ifi, &err);
	if (!s || addr->ver != 4)
		return s ? -EINVAL : err;
	s->ppp.cfg_peer4 = be32_at(addr->b);
	return 0;
}

void link_ppp_local(struct link *l, int ifi, const struct ol_addr *addr, ol_time now)
{
	int err;
	struct serial *s = ppp_at(l, ifi, &err);
	if (!s || addr->ver != 4 || s->ppp.cfg_local4)
		return;
	s->ppp.cfg_local4 = be32_at(addr->b);
	if (s->ppp.ipcp.state < PPP_CLOSED) {
		s->ppp.local4 = s->ppp.cfg_local4;
		return;
	}
	ppp_fsm_event(&s->ppp.ipcp, PPP_DOWN, now);		/* under way without one: begin anew */
	ppp_fsm_event(&s->ppp.ipcp, PPP_UP, now);
	rearm(s);
}

int link_ppp_info(const struct link *l, int ifi, struct ol_ppp_info *out)
{
	int err;
	const struct serial *s = ppp_at(l, ifi, &err);
	if (!s)
		return err;
	const struct ppp *p = &s->ppp;
	*out = (struct ol_ppp_info){
		.lcp = (enum ol_ppp_state)p->lcp.state, .ipcp = (enum ol_ppp_state)p->ipcp.state,
		.ipv6cp = (enum ol_ppp_state)p->ipv6cp.state, .mru = p->want.mru, .peer_mru = p->peer.mru,
		.accm = s->rx.accm, .peer_accm = p->peer.accm, .pfc = p->peer.pfc, .acfc = p->peer.acfc,
		.vj_slots = p->vj_rx ? p->want_vj.max_slot + 1u : 0, .peer_vj_slots = p->vj_tx ? p->peer_vj.max_slot + 1u : 0,
	};
	if (p->ipcp.state == PPP_OPENED) {
		out->local = p->local4 ? ol_addr_ip4(p->local4) : out->local;
		out->peer = p->peer4 ? ol_addr_ip4(p->peer4) : out->peer;
	}
	return 0;
}

const char *ol_ppp_state_name(enum ol_ppp_state state)
{
	static_assert((int)OL_PPP_OPENED == (int)PPP_OPENED && (int)OL_PPP_STOPPED == (int)PPP_STOPPED, "the same states");
	return ppp_state_name((enum ppp_state)state);
}
