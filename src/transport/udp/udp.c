/*
 * UDP: RFC 768, RFC 1122 4.1, RFC 8085.  Who hears a datagram:
 *
 *	unicast			1. an end connected to this very pair of endpoints
 *				2. the best of those bound to this address and port
 *				3. the best of those bound to the port and any address
 *	multicast, broadcast	every end of the port that hears the address (RFC 1122 4.1.3.6 speaks of IP's part)
 *
 * "Best" is Linux's: bound to the device before not, one family before both; among equals that said SO_REUSEPORT a keyed
 * hash of the pair chooses, else the one bound last.  Each of the three is one look into a hash table.
 *
 * Left out: UDP-Lite, checksum-less IPv6 tunnels (RFC 6935), UDP_SEGMENT.
 */
#include "transport/udp/udp.h"
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include "base/addr.h"
#include "base/check.h"
#include "base/cksum.h"
#include "base/iov.h"
#include "wire/udp.h"

enum { BUCKETS = 512 };

struct udp {
	struct net *net;
	struct ol_pool *pool;
	struct sipkey key;
	struct list port[BUCKETS];	/* every end with a port, by it */
	struct list find[BUCKETS];	/* the same, by pair when connected, else by local endpoint */
};

struct udp *udp_new(struct net *net, struct ol_pool *pool, const uint8_t seed[16])
{
	struct udp *udp = malloc(sizeof *udp);
	if (!udp)
		return NULL;
	udp->net = net;
	udp->pool = pool;
	udp->key = sipkey_derive(seed, "udp demultiplexing");
	for (int i = 0; i < BUCKETS; i++) {
		list_init(&udp->port[i]);
		list_init(&udp->find[i]);
	}
	return udp;
}

void udp_free(struct udp *udp)
{
	free(udp);
}

struct udp_end *udp_end_new(struct udp *udp)
{
	struct udp_end *e = calloc(1, sizeof *e);
	if (e) {
		list_init(&e->by_port);
		list_init(&e->by_key);
	}
	return e;
}

void udp_end_free(struct udp *udp, struct udp_end *e)
{
	list_del(&e->by_port);
	list_del(&e->by_key);
	dgram_fini(&e->d, udp->net);
	free(e);
}

/* ---- the tables ------------------------------------------------------------------------------------------------ */
static struct list *port_bucket(struct udp *udp, uint16_t port) { return &udp->port[port % BUCKETS]; }

/* Any address of either family is one key: whether an end hears the family is asked of each. */
static struct list *key_bucket(struct udp *udp, const struct ol_endpoint *local, const struct ol_endpoint *remote)
{
	static const struct ol_endpoint nobody;
	return &udp->find[addr_hash_pair(udp->key, local, remote ? remote : &nobody) % BUCKETS];
}

void udp_rehash(struct udp *udp, struct udp_end *e)
{
	list_del(&e->by_port);
	list_del(&e->by_key);
	if (!e->d.local.port)
		return;
	list_push(port_bucket(udp, e->d.local.port), &e->by_port);
	list_push(key_bucket(udp, &e->d.local, e->d.connected ? &e->d.remote : NULL), &e->by_key);
}

static bool endpoint_eq(const struct ol_endpoint *a, const struct ol_endpoint *b)
{
	return a->port == b->port && ol_addr_eq(&a->addr, &b->addr);
}

static int score(const struct udp_end *e)
{
	return (e->d.opts.ifi ? 2 : 0) + (!e->d.v6 || !ol_addr_is_any(&e->d.local.addr) ? 1 : 0);
}

struct flow { struct ol_endpoint local, remote; int ifi; };

static bool matches(const struct udp_end *e, const struct flow *f, bool connected)
{
	if (e->d.connected != connected || e->d.local.port != f->local.port || !dgram_hears(&e->d, &f->local.addr, f->ifi))
		return false;
	return !connected || endpoint_eq(&e->d.remote, &f->remote);
}

struct found { struct udp_end *e; uint32_t n; };	/* the best, and how many are as good */

static struct found best_of(struct list *bucket, const struct flow *f, bool connected, bool any)
{
	struct found best = { NULL, 0 };
	list_for(node, bucket) {
		struct udp_end *e = list_of(node, struct udp_end, by_key);
		if (!matches(e, f, connected) || ol_addr_is_any(&e->d.local.addr) != any)
			continue;
		if (!best.e || score(e) > score(best.e))
			best = (struct found){ e, 1 };
		else if (score(e) == score(best.e) && e->reuseport && best.e->reuseport)
			best.n++;
	}
	return best;
}

/* SO_REUSEPORT: the same pair of endpoints always meets the same one of them. */
static struct udp_end *pick(struct udp *udp, struct list *bucket, const struct flow *f, bool connected, bool any)
{
	struct found best = best_of(bucket, f, connected, any);
	if (best.n < 2)
		return best.e;
	uint32_t nth = (uint32_t)(addr_hash_pair(udp->key, &f->remote, &f->local) % best.n);
	list_for(node, bucket) {
		struct udp_end *e = list_of(node, struct udp_end, by_key);
		if (!matches(e, f, connected) || ol_addr_is_any(&e->d.local.addr) != any)
			continue;
		if (score(e) != score(best.e) || !e->reuseport)
			continue;
		if (nth-- == 0)
			return e;
	}
	return best.e;
}

static struct udp_end *find(struct udp *udp, const struct flow *f)
{
	struct ol_endpoint any = { .port = f->local.port };
	struct udp_end *e = pick(udp, key_bucket(udp, &f->local, &f->remote), f, true, false);
	if (!e)
		e = pick(udp, key_bucket(udp, &f->local, NULL), f, false, false);
	if (!e)
		e = pick(udp, key_bucket(udp, &any, NULL), f, false, true);
	return e;
}

/* ---- input ----------------------------------------------------------------------------------------------------- */
static enum ol_fate deliver(struct udp *udp, struct udp_end *e, struct ol_pkt *pkt, const struct dgram_meta *meta)
{
	if (e->d.shut_rd) {
		ol_pkt_free(pkt);
		return OL_DONE;
	}
	return dgram_receive(&e->d, udp->pool, pkt, meta) ? OL_DONE : OL_DROP_UDP_QUEUE_FULL;
}

static bool hears_many(const struct udp *udp, const struct udp_end *e, const struct flow *f, bool multicast)
{
	if (!matches(e, f, e->d.connected))
		return false;
	return !multicast || dgram_in_group(&e->d, &f->local.addr, &f->remote.addr, net_loops(udp->net, f->ifi) ? 0 : f->ifi);
}

/* Broadcast and multicast: each gets a copy, the last the packet itself. */
static enum ol_fate deliver_many(struct udp *udp, const struct flow *f, bool multicast, struct ol_pkt *pkt,
				 const struct dgram_meta *meta, void **user)
{
	struct udp_end *last = NULL;
	list_for(node, port_bucket(udp, f->local.port)) {
		struct udp_end *e = list_of(node, struct udp_end, by_port);
		if (!hears_many(udp, e, f, multicast))
			continue;
		struct ol_pkt *copy = last ? ol_pkt_copy(udp->pool, pkt) : NULL;
		if (copy)
			deliver(udp, last, copy, meta);
		last = e;
	}
	if (last) {
		*user = last->d.user;
		return deliver(udp, last, pkt, meta);
	}
	ol_pkt_free(pkt);
	return OL_DROP_UDP_NO_PORT;	/* RFC 1122 3.2.2: no ICMP error about these */
}

static enum ol_fate drop(struct ol_pkt *pkt, enum ol_fate why)
{
	ol_pkt_free(pkt);
	return why;
}

enum ol_fate udp_input(struct udp *udp, struct ol_pkt *pkt, const struct net_rx *rx, void **user, ol_time now)
{
	struct udp_dgram h;
	enum ol_fate fate = wire_udp_parse(&h, pkt->data, pkt->len);
	if (fate)
		return drop(pkt, fate);
	if (pkt->csum == OL_CSUM_NONE && !wire_udp_cksum_ok(&h, pkt->data, &rx->src, &rx->dst))
		return drop(pkt, OL_DROP_UDP_CHECKSUM);		/* req: 1122-4.1.3.4-b */

	struct flow f = { { rx->dst, h.dst }, { rx->src, h.src }, rx->ifi };
	struct dgram_meta meta = {
		.from = f.remote, .to = f.local, .ifi = rx->ifi, .flow = rx->flow, .ttl = rx->ttl, .tos = rx->tos,
		.time = now,
	};
	if (rx->dst.ver == 4 && rx->ip_len > 20)
		net_ip4_opts_of(udp->net, pkt->data - rx->ip_len, rx, &meta.opts, now);
	bool many = rx->broadcast || rx->multicast;
	struct udp_end *e = many ? NULL : find(udp, &f);
	if (!many && !e) {
		net_port_unreachable(udp->net, pkt, rx, now);	/* req: 1122-4.1.3.1-a */
		return drop(pkt, OL_DROP_UDP_NO_PORT);
	}
	ol_pkt_trim(pkt, h.len);
	ol_pkt_pull(pkt, sizeof(struct wire_udp));
	if (many)
		return deliver_many(udp, &f, ol_addr_is_multicast(&rx->dst), pkt, &meta, user);
	*user = e->d.user;
	return deliver(udp, e, pkt, &meta);
}

void udp_icmp(struct udp *udp, const struct ol_pkt *pkt, const struct net_rx *rx, ol_time now)
{
	const struct wire_udp *h = (const struct wire_udp *)pkt->data;
	if (pkt->len < sizeof *h)
		return;
	/* No interface: the error may come by another than ours left by. */
	struct flow f = { { rx->src, be16_get(h->src) }, { rx->dst, be16_get(h->dst) }, 0 };
	struct udp_end *e = find(udp, &f);
	if (!e)
		return;
	bool hard;
	struct dgram_meta meta = dgram_meta_of_icmp(rx);
	meta.err = (uint8_t)dgram_icmp_means(&e->d, udp->net, rx, &hard, now);
	meta.to.port = f.remote.port;
	dgram_error(&e->d, udp->pool, &meta, hard, pkt->data + sizeof *h, pkt->len - sizeof *h);
}

/* ---- output ---------------------------------------------------------------------------------------------------- */
/* RFC 768: a sum of zero goes out as all ones; zero says that there is none. */
static void put_header(struct ol_pkt *pkt, const struct udp_end *e, const struct net_tx *tx, uint16_t dst, bool offload)
{
	struct udp_dgram h = { .src = e->d.local.port, .dst = dst, .len = (uint16_t)pkt->len };
	uint32_t pseudo = cksum_pseudo(&tx->src, &tx->dst, IPPROTO_UDP, pkt->len);
	if (e->d.opts.no_check && tx->dst.ver == 4) {
		wire_udp_put(pkt->data, &h);
		return;
	}
	if (offload) {
		h.cksum = cksum_fold(pseudo);
		pkt->csum = OL_CSUM_PARTIAL;
		pkt->csum_start = 0;
		pkt->csum_offset = offsetof(struct wire_udp, cksum);
		wire_udp_put(pkt->data, &h);
		return;
	}
	wire_udp_put(pkt->data, &h);
	h.cksum = cksum_finish(cksum_add(pseudo, pkt->data, pkt->len));
	if (!h.cksum)
		h.cksum = 0xffff;		/* req: 768-format-b */
	wire_udp_put(pkt->data, &h);
}

enum ol_err udp_send(struct udp *udp, struct udp_end *e, const struct dgram_to *to, const struct iovec *iov, int n,
		     ol_time now)
{
	size_t text = iov_sum(iov, n), len = text + sizeof(struct wire_udp);
	size_t ip_len = dgram_ip_len(&e->d, to);
	if (text > 0xffff || (to->dst.addr.ver == 4 ? len + ip_len > 0xffff : len > 0xffff))
		return OL_ERR_MSGSIZE;
	if (e->d.error) {
		enum ol_err err = e->d.error;
		e->d.error = OL_OK;
		return err;
	}
	struct net_tx tx;
	struct net_path path;
	enum ol_err err = dgram_route(&e->d, udp->net, to, len, &tx, &path);
	if (err)
		return err;
	struct ol_pkt *pkt = ol_pkt_new(udp->pool, len);
	if (!pkt)
		return OL_ERR_NOMEM;
	ol_pkt_put(pkt, sizeof(struct wire_udp));
	dgram_gather(pkt, iov, n);
	put_header(pkt, e, &tx, to->dst.port, path.features & OL_IF_CSUM && len + ip_len <= path.mtu);
	pkt->note = (struct ol_note){ .sock = e->d.number, .cause = OL_CAUSE_SEND, .arg = (uint32_t)(len - sizeof(struct wire_udp)) };
	return dgram_sent(&e->d, net_output(udp->net, &tx, pkt, now));
}

void udp_check(const struct udp *udp)
{
	for (int i = 0; i < BUCKETS; i++)
		list_for(node, &udp->port[i]) {
			const struct udp_end *e = list_of(node, struct udp_end, by_port);
			CHECK(e->d.local.port % BUCKETS == i);
			CHECK(!list_empty(&e->by_key));
			CHECK(!e->d.connected || !ol_addr_is_any(&e->d.local.addr));
			CHECK((e->d.rx.charged == 0) == (e->d.rx.q.count == 0));
		}
}
