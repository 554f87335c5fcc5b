/*
 * RARP, RFC 903: a station that knows only its hardware address asks all others for its IPv4 address, and again with twice the
 * wait until somebody answers or its tries are used up.  The server's part answers from a table; whom it does not know it
 * does not answer, since others may.  The mask is the class's, as the RFC's time had it and Linux still does for RARP.
 * Left out: asking for others' addresses, and opcodes 1 and 2 in such frames (RFC 903: "may be passed on").
 */
#include <errno.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/timer_kind.h"
#include "link/link_int.h"
#include "wire/arp.h"

enum { RARP_REQUEST = 3, RARP_REPLY = 4, TABLE_MAX = 4096 };

struct rarp_row { struct ol_mac mac; struct ol_addr addr, own; };
struct rarp {
	struct link_iface *ifc;
	struct timer timer;			/* runs while asking */
	unsigned tries;				/* requests sent */
	ol_time wait;
	bool news;				/* an answer that the stack has not fetched yet */
	struct ol_addr found;			/* ver 0: none yet */
	struct rarp_row *row; unsigned n_rows;
};

static struct rarp *rarp_of(struct link_iface *ifc)
{
	if (!ifc->rarp && (ifc->rarp = calloc(1, sizeof *ifc->rarp))) {
		ifc->rarp->ifc = ifc;
		timer_init(&ifc->rarp->timer, TIMER_LINK_RARP);
	}
	return ifc->rarp;
}

void rarp_free(struct link *l, struct link_iface *ifc)
{
	struct rarp *r = ifc->rarp;
	if (!r)
		return;
	timer_stop(l->wheel, &r->timer);
	l->events -= r->news;
	free(r->row);
	free(r);
	ifc->rarp = NULL;
}

static void rarp_send(struct link *l, struct link_iface *ifc, const struct arp_pkt *a, const struct ol_mac *to, ol_time now)
{
	struct ol_pkt *pkt = ol_pkt_new(l->pool, ARP_LEN);
	if (!pkt) {
		link_drop(l, NULL, OL_DROP_NO_MEMORY);
		return;
	}
	wire_arp_build(ol_pkt_put(pkt, ARP_LEN), a);
	link_xmit(l, ifc, pkt, to, ETH_RARP, now);
}

/* ---- the client ------------------------------------------------------------------------------------------------------ */
static void ask(struct link *l, struct rarp *r, ol_time now)
{
	const struct ol_mac *mac = &r->ifc->pub.mac;
	struct arp_pkt a = { .op = RARP_REQUEST, .sha = *mac, .tha = *mac, .spa = { .ver = 4 }, .tpa = { .ver = 4 } };
	r->tries++;
	timer_arm(l->wheel, &r->timer, now + r->wait);
	r->wait *= 2;
	if (r->ifc->pub.up)
		rarp_send(l, r->ifc, &a, &mac_broadcast, now);
}

static struct link_iface *ethernet(const struct link *l, int ifi, int *err)
{
	struct link_iface *ifc = link_iface_int(l, ifi);
	*err = !ifc ? -ENODEV : ifc->pub.link == OL_LINK_ETHER ? 0 : -EINVAL;
	return *err ? NULL : ifc;
}

int link_rarp_ask(struct link *l, int ifi, ol_time now)
{
	int err;
	struct link_iface *ifc = ethernet(l, ifi, &err);
	struct rarp *r = ifc ? rarp_of(ifc) : NULL;
	if (!r)
		return ifc ? -ENOMEM : err;
	r->tries = 0;
	r->wait = l->cfg.rarp_wait_ns;
	r->found.ver = 0;
	ask(l, r, now);
	return 0;
}

void rarp_expire(struct link *l, struct timer *t, ol_time now)
{
	struct rarp *r = list_of(t, struct rarp, timer);
	if (r->tries < l->cfg.rarp_tries)
		ask(l, r, now);
}

int link_rarp_state(const struct link *l, int ifi, struct ol_addr *found)
{
	int err;
	const struct link_iface *ifc = ethernet(l, ifi, &err);
	const struct rarp *r = ifc ? ifc->rarp : NULL;
	if (!r || (!r->tries && !r->found.ver))
		return ifc ? -ENOENT : err;
	*found = r->found;
	return r->found.ver ? 0 : timer_armed(&r->timer) ? -EINPROGRESS : -ETIMEDOUT;
}

/* RFC 791 3.2: what an address of classes A to C says of its network's length; 0: it can be nobody's. */
static unsigned class_plen(const struct ol_addr *a)
{
	uint8_t b = a->b[0];
	return !b || b == 127 || b >= 224 ? 0 : b < 128 ? 8 : b < 192 ? 16 : 24;
}

/* A reply is taken while we ask, if it is about our hardware address. */
static enum ol_fate reply_came(struct link *l, struct rarp *r, const struct arp_pkt *a)
{
	if (!r || !timer_armed(&r->timer) || !mac_eq(&a->tha, &r->ifc->pub.mac))
		return OL_DROP_LINK_NOT_OURS;
	if (!class_plen(&a->tpa))
		return OL_DROP_ARP_BAD;
	timer_stop(l->wheel, &r->timer);
	r->found = a->tpa;
	l->events += !r->news;
	r->news = true;
	return OL_DONE;
}

bool rarp_event(struct link *l, struct link_iface *ifc, struct link_event *ev)
{
	struct rarp *r = ifc->rarp;
	if (!r || !r->news)
		return false;
	r->news = false;
	l->events--;
	*ev = (struct link_event){ .ifi = ifc->pub.index, .up = true, .given = true, .local = r->found, .plen = class_plen(&r->found) };
	return true;
}

/* ---- the server ------------------------------------------------------------------------------------------------------- */
int link_rarp_serve(struct link *l, int ifi, const struct ol_mac *mac, const struct ol_addr *addr, const struct ol_addr *own)
{
	int err;
	struct link_iface *ifc = ethernet(l, ifi, &err);
	if (!ifc || addr->ver != 4 || own->ver != 4 || mac_is_group(mac))
		return ifc ? -EINVAL : err;
	struct rarp *r = rarp_of(ifc);
	struct rarp_row *grown = r && r->n_rows < TABLE_MAX ? realloc(r->row, (r->n_rows + 1) * sizeof *grown) : NULL;
	if (!grown)
		return -ENOMEM;
	r->row = grown;
	for (unsigned i = 0; i < r->n_rows; i++)
		if (mac_eq(&r->row[i].mac, mac)) {
			r->row[i] = (struct rarp_row){ *mac, *addr, *own };
			return 0;
		}
	r->row[r->n_rows++] = (struct rarp_row){ *mac, *addr, *own };
	return 0;
}

static enum ol_fate request_came(struct link *l, struct rarp *r, const struct arp_pkt *a, ol_time now)
{
	for (unsigned i = 0; r && i < r->n_rows; i++) {
		const struct rarp_row *row = &r->row[i];
		if (!mac_eq(&row->mac, &a->tha))
			continue;
		struct arp_pkt reply = { .op = RARP_REPLY, .sha = r->ifc->pub.mac, .spa = row->own, .tha = a->tha, .tpa = row->addr };
		rarp_send(l, r->ifc, &reply, &a->sha, now);
		return OL_DONE;
	}
	return OL_DROP_LINK_NOT_OURS;			/* "no 'not found' packets": another server may know */
}

enum ol_fate rarp_input(struct link *l, struct link_iface *ifc, struct ol_pkt *pkt, ol_time now)
{
	struct arp_pkt a;
	enum ol_fate fate = wire_arp_parse(&a, pkt->data, pkt->len);
	if (fate == OL_PASS && (mac_is_group(&a.sha) || mac_is_zero(&a.sha)))
		fate = OL_DROP_ARP_BAD;
	if (fate == OL_PASS && a.op == RARP_REQUEST)
		fate = request_came(l, ifc->rarp, &a, now);
	else if (fate == OL_PASS && a.op == RARP_REPLY)
		fate = reply_came(l, ifc->rarp, &a);
	else if (fate == OL_PASS)
		fate = OL_DROP_ARP_BAD;
	return link_drop(l, pkt, fate);
}
