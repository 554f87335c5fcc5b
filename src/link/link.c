/*
 * Interfaces and the walk of frames through them: RFC 894, RFC 1122 2.  An interface is a bounded queue towards its
 * driver; what comes in is checked here for its frame only.  What always holds: an interface with frames in its
 * queue, and no other, is on the list of pending ones; a downed one has an empty queue.
 * Left out: VLAN tags, promiscuous mode, traffic classes in the queue (RFC 1122 2.4's TOS has no use on virtual wires).
 */
#include "link/acd.h"
#include "base/check.h"
#include "base/timer_kind.h"
#include "link/offload.h"
#include "wire/ip4.h"
#include <errno.h>
#include <outlet/ol_serial.h>
#include <stdlib.h>
#include <string.h>

struct link_config link_config_default(void)
{
	return (struct link_config){ .neigh_max = 1024, .neigh_queue = 64, .neigh_queue_total = 1024,
		.base_reachable_ns = 30 * OL_SEC, .retrans_ns = OL_SEC, .delay_probe_ns = 5 * OL_SEC,
		.mcast_solicit = 3, .ucast_solicit = 3, .ppp = ppp_config_default(),
		.cslip_slots = OL_VJ_SLOTS - 1, .rarp_wait_ns = OL_SEC, .rarp_tries = 6 };
}

struct link *link_new(const struct link_config *cfg, struct ol_pool *pool, struct wheel *wheel, ol_time now)
{
	struct link *l = calloc(1, sizeof *l);
	if (!l)
		return NULL;
	l->cfg = *cfg;
	l->pool = pool;
	l->wheel = wheel;
	list_init(&l->pending);
	acd_init(l);
	if (!neigh_init(l)) {
		free(l);
		return NULL;
	}
	return l;
}

void link_free(struct link *l)
{
	if (!l)
		return;
	acd_fini(l);
	neigh_fini(l);
	for (int i = 0; i < l->n_iface; i++) {
		serial_free(l, l->iface[i]);
		rarp_free(l, l->iface[i]);
		ol_pktq_purge(&l->iface[i]->q);
		free(l->iface[i]);
	}
	free(l->iface);
	free(l);
}

void link_set_user(struct link *l, const struct link_user *user) { l->user = *user; }
uint32_t link_generation(const struct link *l) { return l->generation; }

uint64_t link_count(const struct link *l, enum ol_fate fate)
{
	return (unsigned)fate < OL_FATE_MAX ? l->count[fate] : 0;
}

enum ol_fate link_drop(struct link *l, struct ol_pkt *pkt, enum ol_fate fate)
{
	ol_pkt_free(pkt);
	l->count[fate]++;
	return fate;
}

/* ---- interfaces ---------------------------------------------------------------------------------------- */

struct link_iface *link_iface_int(const struct link *l, int ifi)
{
	return ifi >= 1 && ifi <= l->n_iface ? l->iface[ifi - 1] : NULL;
}

const struct iface *link_iface(const struct link *l, int ifi)
{
	const struct link_iface *ifc = link_iface_int(l, ifi);
	return ifc ? &ifc->pub : NULL;
}

static bool name_taken(const struct link *l, const char *name)
{
	for (int i = 0; i < l->n_iface; i++)
		if (!strcmp(l->iface[i]->pub.name, name))
			return true;
	return false;
}

static uint32_t default_mtu(uint8_t link)
{
	return link == OL_LINK_LOOP ? 65536 : link == OL_LINK_SLIP || link == OL_LINK_CSLIP ? OL_SLIP_MTU : 1500;
}

int link_iface_add(struct link *l, const struct ol_iface_config *cfg)
{
	bool serial = ol_link_is_serial(cfg->link);
	uint32_t mtu = cfg->mtu ? cfg->mtu : default_mtu(cfg->link);
	if (!cfg->name || !*cfg->name || strlen(cfg->name) > 15 || cfg->link > OL_LINK_PPP)
		return -EINVAL;
	if (mtu < IP4_MIN_MTU || mtu > (serial ? (uint32_t)SERIAL_MTU_MAX : 65536) || (serial && cfg->features))
		return -EINVAL;
	if (cfg->link == OL_LINK_ETHER && (mac_is_group(&cfg->mac) || mac_is_zero(&cfg->mac)))
		return -EINVAL;
	if (cfg->features & (OL_IF_TSO4 | OL_IF_TSO6) && !(cfg->features & OL_IF_CSUM))
		return -EINVAL;
	if (name_taken(l, cfg->name))
		return -EEXIST;
	if (l->n_iface == IFACE_MAX)
		return -ENOMEM;
	struct link_iface **grown = realloc(l->iface, (size_t)(l->n_iface + 1) * sizeof *grown);
	if (!grown)
		return -ENOMEM;
	l->iface = grown;
	struct link_iface *ifc = calloc(1, sizeof *ifc);
	if (!ifc)
		return -ENOMEM;
	ifc->pub = (struct iface){ .index = l->n_iface + 1, .link = cfg->link, .features = cfg->features, .up = true,
		.mac = cfg->mac, .mtu = mtu };
	memcpy(ifc->pub.name, cfg->name, strlen(cfg->name) + 1);
	ifc->txq.max = cfg->txqlen ? cfg->txqlen : 1000;
	list_init(&ifc->txq.waiting);
	ol_pktq_init(&ifc->q);
	list_init(&ifc->pending);
	if (serial && serial_new(l, ifc)) {
		free(ifc);
		return -ENOMEM;
	}
	l->iface[l->n_iface++] = ifc;
	l->generation++;
	return ifc->pub.index;
}

int link_iface_up(struct link *l, int ifi, bool up, ol_time now)
{
	struct link_iface *ifc = link_iface_int(l, ifi);
	if (!ifc)
		return -ENODEV;
	if (ifc->pub.up == up)
		return 0;
	ifc->pub.up = up;
	l->generation++;
	if (!up) {
		l->count[OL_DROP_LINK_DOWN] += ifc->q.count;
		ifc->tx_dropped += ifc->q.count;
		ol_pktq_purge(&ifc->q);
		ifc->txq.out = ifc->txq.in;
		list_del(&ifc->pending);
		neigh_flush(l, ifi);
	}
	acd_iface_up(l, ifc, up, now);
	return 0;
}

int link_iface_acd(struct link *l, int ifi, enum ol_acd acd, enum ol_defend defend)
{
	struct link_iface *ifc = link_iface_int(l, ifi);
	if (!ifc)
		return -ENODEV;
	if ((unsigned)acd > OL_ACD_PROBE || (unsigned)defend > OL_DEFEND_ALWAYS)
		return -EINVAL;
	ifc->pub.acd = (uint8_t)acd;
	ifc->pub.defend = (uint8_t)defend;
	return 0;
}

int link_iface_info(const struct link *l, int ifi, struct ol_iface_info *out)
{
	const struct link_iface *ifc = link_iface_int(l, ifi);
	if (!ifc)
		return -ENODEV;
	*out = (struct ol_iface_info){ .index = ifi, .link = ifc->pub.link, .features = ifc->pub.features,
		.up = ifc->pub.up,
		.mac = ifc->pub.mac, .mtu = ifc->pub.mtu, .rx_packets = ifc->rx_packets, .rx_bytes = ifc->rx_bytes,
		.rx_dropped = ifc->rx_dropped, .tx_packets = ifc->tx_packets, .tx_bytes = ifc->tx_bytes,
		.tx_dropped = ifc->tx_dropped };
	memcpy(out->name, ifc->pub.name, sizeof out->name);
	return 0;
}

void link_expire(struct link *l, struct timer *t, ol_time now)
{
	if (t->kind == TIMER_LINK_ACD)
		acd_expire(l, t, now);
	else if (t->kind == TIMER_LINK_SERIAL)
		serial_expire(l, t, now);
	else if (t->kind == TIMER_LINK_RARP)
		rarp_expire(l, t, now);
	else
		neigh_expire(l, t, now);
}

int link_iface_next(const struct link *l, int after) { return after >= 0 && after < l->n_iface ? after + 1 : 0; }

void link_times6(struct link *l, int ifi, ol_time reachable_ns, ol_time retrans_ns)
{
	struct link_iface *ifc = link_iface_int(l, ifi);
	ifc->reachable6_ns = reachable_ns < 0 ? ifc->reachable6_ns : reachable_ns;
	ifc->retrans6_ns = retrans_ns;
}

ol_time link_retrans(const struct link *l) { return l->cfg.retrans_ns; }
ol_time link_base_reachable(const struct link *l) { return l->cfg.base_reachable_ns; }

/* ---- in ------------------------------------------------------------------------------------------------ */

uint16_t link_type_of(const struct ol_pkt *pkt) { return pkt->len && pkt->data[0] >> 4 == 6 ? ETH_IP6 : ETH_IP4; }

/* RFC 1122 3.2.1.1 and its like for IPv6: the version must be what the frame said, and only here is that known. */
static enum ol_fate check_version(const struct ol_pkt *pkt, uint16_t type)
{
	if (!pkt->len)
		return OL_DROP_IP_SHORT;
	unsigned ver = pkt->data[0] >> 4, want = type == ETH_IP6 ? 6 : type == ETH_IP4 ? 4 : 0;
	return want ? ver == want ? OL_PASS : OL_DROP_IP_VERSION : ver == 4 || ver == 6 ? OL_PASS : OL_DROP_IP_VERSION;
}

static enum ol_fate ether_input(struct link *l, struct link_iface *ifc, struct ol_pkt *pkt, bool *to_many,
				uint16_t *type)
{
	struct eth_hdr h;
	enum ol_fate fate = wire_eth_parse(&h, pkt->data, pkt->len);
	if (fate != OL_PASS)
		return fate;
	*to_many = mac_is_group(&h.dst);
	if (!*to_many && !mac_eq(&h.dst, &ifc->pub.mac))
		return OL_DROP_LINK_NOT_OURS;
	ifc->rx_from = h.src;
	l->rx_last = ifc->pub.index;
	ol_pkt_pull(pkt, h.hlen);
	if (h.len802)
		ol_pkt_trim(pkt, h.len802 - 8u);
	*type = h.type;
	if (h.type == ETH_ARP || (h.type == ETH_RARP && ifc->rarp))
		return OL_PASS;
	return h.type == ETH_IP4 || h.type == ETH_IP6 ? check_version(pkt, h.type) : OL_DROP_LINK_TYPE;
}

static enum ol_fate serial_step(struct link *l, struct link_iface *ifc, struct ol_pkt *bytes, struct ol_pkt **pkt, ol_time now)
{
	enum ol_fate fate;
	for (; (fate = serial_input(l, ifc, bytes, pkt, now)) == OL_PASS; bytes = NULL) {
		enum ol_fate version = check_version(*pkt, 0);
		if (version == OL_PASS)
			return OL_PASS;
		ifc->rx_dropped++;
		link_drop(l, *pkt, version);
	}
	*pkt = NULL;
	return fate;
}

enum ol_fate link_more(struct link *l, int ifi, struct ol_pkt **pkt, ol_time now)
{
	struct link_iface *ifc = link_iface_int(l, ifi);
	*pkt = NULL;
	return ifc && ifc->serial && ifc->pub.up ? serial_step(l, ifc, NULL, pkt, now) : OL_DONE;
}

enum ol_fate link_input(struct link *l, int ifi, struct ol_pkt **pkt, bool *to_many, ol_time now)
{
	struct link_iface *ifc = link_iface_int(l, ifi);
	struct ol_pkt *p = *pkt;
	uint16_t type = 0;
	*to_many = false;
	if (!ifc || !ifc->pub.up) {
		*pkt = NULL;
		return link_drop(l, p, OL_DROP_LINK_DOWN);
	}
	ifc->rx_packets++;
	ifc->rx_bytes += p->len;
	p->time = now;
	if (ifc->serial)
		return serial_step(l, ifc, p, pkt, now);
	enum ol_fate fate = ifc->pub.link == OL_LINK_ETHER ? ether_input(l, ifc, p, to_many, &type)
		: check_version(p, 0);
	if (fate != OL_PASS) {
		*pkt = NULL;
		ifc->rx_dropped++;
		return link_drop(l, p, fate);
	}
	if (type == ETH_ARP) {
		*pkt = NULL;
		return arp_input(l, ifc, p, now);
	}
	if (type == ETH_RARP) {
		*pkt = NULL;
		return rarp_input(l, ifc, p, now);
	}
	return OL_PASS;
}

/* ---- out ----------------------------------------------------------------------------------------------- */

enum ol_fate link_output(struct link *l, int ifi, const struct ol_addr *next_hop, bool broadcast, struct ol_pkt *pkt,
			 ol_time now)
{
	struct link_iface *ifc = link_iface_int(l, ifi);
	if (!ifc || !ifc->pub.up)
		return link_drop(l, pkt, OL_DROP_LINK_DOWN);
	uint32_t longest = pkt->gso == OL_GSO_NONE ? pkt->len : MIN(pkt->len, (uint32_t)pkt->hdr_len + pkt->gso_size);
	if (longest > ifc->pub.mtu)
		return link_drop(l, pkt, OL_DROP_LINK_TOO_LONG);
	if (ifc->pub.link != OL_LINK_ETHER)
		return link_xmit(l, ifc, pkt, NULL, 0, now);
	if (broadcast)
		return link_xmit(l, ifc, pkt, &mac_broadcast, link_type_of(pkt), now);
	if (ol_addr_is_multicast(next_hop)) {
		struct ol_mac group = mac_of_multicast(next_hop);
		return link_xmit(l, ifc, pkt, &group, link_type_of(pkt), now);
	}
	return neigh_output(l, ifc, next_hop, pkt, now);
}

bool link_answer(struct link *l, int ifi, struct ol_pkt *pkt, ol_time now)
{
	struct link_iface *ifc = link_iface_int(l, ifi);
	if (!ifc || !ifc->pub.up || l->rx_last != ifi || mac_is_group(&ifc->rx_from) || mac_is_zero(&ifc->rx_from))
		return false;
	link_xmit(l, ifc, pkt, &ifc->rx_from, link_type_of(pkt), now);
	return true;
}

/* RFC 894: frames are padded to the shortest an Ethernet takes; the zeros are no part of the datagram. */
static void ether_pad(struct ol_pkt *pkt)
{
	size_t n = pkt->len < ETH_MIN ? ETH_MIN - pkt->len : 0;
	if (n && ol_pkt_tailroom(pkt) >= n)
		memset(ol_pkt_put(pkt, n), 0, n);
}

static enum ol_fate enqueue(struct link *l, struct link_iface *ifc, struct ol_pkt *pkt, const struct ol_mac *dst,
			    uint16_t type, ol_time now)
{
	if (ifc->q.count >= ifc->txq.max) {
		ifc->tx_dropped++;
		return link_drop(l, pkt, OL_DROP_LINK_QUEUE_FULL);
	}
	if (ifc->pub.link == OL_LINK_ETHER) {
		if (ol_pkt_headroom(pkt) < ETH_HLEN) {	/* a driver gave it without room in front */
			struct ol_pkt *roomy = ol_pkt_copy(l->pool, pkt);
			if (!roomy)
				return link_drop(l, pkt, OL_DROP_NO_MEMORY);
			ol_pkt_free(pkt);
			pkt = roomy;
		}
		wire_eth_build(ol_pkt_push(pkt, ETH_HLEN), dst, &ifc->pub.mac, type);
		ether_pad(pkt);
	}
	if (ifc->serial) {
		enum ol_fate fate = serial_output(l, ifc, &pkt);
		if (fate != OL_PASS)
			return link_drop(l, pkt, fate);
	}
	return link_queue(l, ifc, pkt, now);
}

enum ol_fate link_queue(struct link *l, struct link_iface *ifc, struct ol_pkt *pkt, ol_time now)
{
	if (ifc->q.count >= ifc->txq.max) {
		ifc->tx_dropped++;
		return link_drop(l, pkt, OL_DROP_LINK_QUEUE_FULL);
	}
	pkt->link = ifc->pub.link;
	pkt->time = now;
	ol_pktq_put(&ifc->q, pkt);
	ifc->txq.in++;
	if (ifc->q.count == 1)
		list_append(&l->pending, &ifc->pending);
	return OL_DONE;
}

static bool takes_gso(const struct iface *i, const struct ol_pkt *pkt)
{
	return i->features & (pkt->gso == OL_GSO_TCP4 ? OL_IF_TSO4 : OL_IF_TSO6);
}

enum ol_fate link_xmit(struct link *l, struct link_iface *ifc, struct ol_pkt *pkt, const struct ol_mac *dst,
		       uint16_t type, ol_time now)
{
	bool sums = ifc->pub.features & OL_IF_CSUM;
	if (pkt->gso != OL_GSO_NONE && !takes_gso(&ifc->pub, pkt)) {
		struct ol_pktq pieces;
		ol_pktq_init(&pieces);
		enum ol_fate fate = gso_segment(l->pool, pkt, sums, &pieces);
		if (fate != OL_PASS)
			return link_drop(l, pkt, fate);
		ol_pkt_free(pkt);
		fate = OL_DONE;
		for (struct ol_pkt *q; (q = ol_pktq_get(&pieces)); ) {
			enum ol_fate f = enqueue(l, ifc, q, dst, type, now);
			fate = f == OL_DONE ? fate : f;
		}
		return fate;
	}
	if (pkt->csum == OL_CSUM_PARTIAL && !sums) {
		enum ol_fate fate = csum_complete(pkt);
		if (fate != OL_PASS)
			return link_drop(l, pkt, fate);
	}
	return enqueue(l, ifc, pkt, dst, type, now);
}

struct ol_pkt *link_dequeue(struct link *l, int ifi)
{
	struct link_iface *ifc = link_iface_int(l, ifi);
	struct ol_pkt *pkt = ifc ? ol_pktq_get(&ifc->q) : NULL;
	if (!pkt)
		return NULL;
	ifc->txq.out++;
	ifc->tx_packets++;
	ifc->tx_bytes += pkt->len;
	if (!ifc->q.count)
		list_del(&ifc->pending);
	return pkt;
}

struct txq *link_txq(const struct link *l, int ifi)
{
	struct link_iface *ifc = link_iface_int(l, ifi);
	return ifc ? &ifc->txq : NULL;
}

int link_pending(const struct link *l)
{
	return list_empty(&l->pending) ? 0 : list_of(l->pending.next, struct link_iface, pending)->pub.index;
}
