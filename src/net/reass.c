/*
 * Reassembly of both families: RFC 791 3.2, RFC 1122 3.3.2, RFC 8200 4.5, RFC 5722 (also for IPv4, as Linux: an
 * overlap is an attack, never an accident; an exact copy is a duplicate and is ignored).
 *
 *	queue:   [0 .. 1480) [1480 .. 2960)      [4440 .. 5000 last)        sorted by offset, no two overlap
 *
 * What always holds: fragments kept cost at most frag_max_bytes by their buffers' size and belong to at most
 * frag_max_count datagrams (the oldest goes to make room); a datagram waits frag_timeout_ns (IPv4) or 60 s (IPv6)
 * from its first fragment and not longer; a datagram that overlapped is remembered, without data, until then, so that
 * its later fragments die too.
 */
#include "base/be.h"
#include "net/net_int.h"
#include <stdlib.h>
#include <string.h>

enum { FRAGMENTS_MAX = 2048 };			/* of one datagram; 64 KiB in pieces of 32 bytes and more */
static const ol_time IP6_FRAG_TIMEOUT = 60 * OL_SEC;

/* pkt begins with the fragment's data, its headers in front */
struct piece { struct ol_pkt *pkt; uint16_t off, len; };

struct reass_queue {
	struct reass_queue *hash_next;
	struct list age;
	struct timer timer;
	struct ol_addr src, dst;
	uint32_t id;
	uint8_t proto;
	int ifi;
	bool to_many, dead;			/* dead: it overlapped */
	uint16_t hlen, next_at;			/* of the first fragment */
	uint8_t next;
	uint8_t ecn;				/* a bit per codepoint seen */
	uint32_t end;				/* bytes of data; 0: the last fragment has not come */
	uint32_t have, cost;
	uint32_t n, cap;
	struct piece *piece;
};

static struct reass_queue **bucket_of(struct net *net, const struct reass_frag *f)
{
	struct { uint8_t src[16], dst[16]; uint32_t id, proto; } k = { .id = f->id, .proto = f->proto };
	memcpy(k.src, f->src.b, 16);
	memcpy(k.dst, f->dst.b, 16);
	return &net->reass[siphash(net->key_reass, &k, sizeof k) % REASS_BUCKETS];
}

static void pieces_free(struct net *net, struct reass_queue *q)
{
	for (uint32_t i = 0; i < q->n; i++)
		ol_pkt_free(q->piece[i].pkt);
	net->reass_bytes -= q->cost;
	q->cost = q->n = 0;
}

static void queue_free(struct net *net, struct reass_queue *q)
{
	struct reass_frag key = { .src = q->src, .dst = q->dst, .id = q->id, .proto = q->proto };
	struct reass_queue **at = bucket_of(net, &key);
	while (*at != q)
		at = &(*at)->hash_next;
	*at = q->hash_next;
	pieces_free(net, q);
	timer_stop(net->wheel, &q->timer);
	list_del(&q->age);
	net->reass_count--;
	free(q->piece);
	free(q);
}

static void evict_oldest(struct net *net)
{
	struct reass_queue *q = list_of(net->reass_age.next, struct reass_queue, age);
	net->count[OL_DROP_FRAG_LIMIT] += q->n;
	queue_free(net, q);
}

static struct reass_queue *queue_for(struct net *net, const struct reass_frag *f, ol_time now)
{
	struct reass_queue **b = bucket_of(net, f);
	for (struct reass_queue *q = *b; q; q = q->hash_next)
		if (q->id == f->id && q->proto == f->proto && ol_addr_eq(&q->src, &f->src) &&
		    ol_addr_eq(&q->dst, &f->dst))
			return q;
	if (net->reass_count && net->reass_count >= net->cfg.frag_max_count)
		evict_oldest(net);
	struct reass_queue *q = calloc(1, sizeof *q);
	if (!q)
		return NULL;
	q->src = f->src;
	q->dst = f->dst;
	q->id = f->id;
	q->proto = f->proto;
	q->ifi = f->ifi;
	q->hash_next = *b;
	*b = q;
	list_init(&q->age);
	list_append(&net->reass_age, &q->age);
	net->reass_count++;
	timer_init(&q->timer, TIMER_NET_FRAG);
	timer_arm(net->wheel, &q->timer, now + (f->src.ver == 4 ? net->cfg.frag_timeout_ns : IP6_FRAG_TIMEOUT));
	return q;
}

/* Where does [off, off + len) go?  Looked for from the end, since fragments mostly come in order. */
enum fit { FITS, DUPLICATE, OVERLAPS };
static enum fit find_place(const struct reass_queue *q, const struct reass_frag *f, uint32_t len, uint32_t *place)
{
	uint32_t lo = 0, hi = q->n;
	if (q->n && f->off >= q->piece[q->n - 1].off)
		lo = q->n - 1;
	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;
		if (q->piece[mid].off < f->off)
			lo = mid + 1;
		else
			hi = mid;
	}
	*place = lo;					/* the first piece that begins at or after off */
	uint32_t end = f->off + len;
	bool past_end = q->end && (end > q->end || (!f->mf && end != q->end));
	bool too_short = !f->mf && q->n && end < (uint32_t)q->piece[q->n - 1].off + q->piece[q->n - 1].len;
	if (lo < q->n && q->piece[lo].off == f->off && q->piece[lo].len == len && !past_end && !too_short)
		return DUPLICATE;
	if (past_end || too_short || (lo < q->n && q->piece[lo].off < end) ||
	    (lo > 0 && (uint32_t)q->piece[lo - 1].off + q->piece[lo - 1].len > f->off))
		return OVERLAPS;
	return FITS;
}

static bool room_for_one(struct reass_queue *q)
{
	if (q->n < q->cap)
		return true;
	uint32_t cap = q->cap ? q->cap * 2 : 4;
	struct piece *grown = cap <= FRAGMENTS_MAX ? realloc(q->piece, cap * sizeof *grown) : NULL;
	if (!grown)
		return false;
	q->piece = grown;
	q->cap = cap;
	return true;
}

/* RFC 3168 5.3: one CE marks the whole; CE beside not-ECT can only be a forgery. */
static bool ecn_of(uint8_t seen, uint8_t *ecn)
{
	enum { NOT_ECT = 0, ECT1 = 1, ECT0 = 2, CE = 3 };
	if (seen & 1 << CE) {
		*ecn = CE;
		return !(seen & 1 << NOT_ECT);
	}
	*ecn = seen & 1 << NOT_ECT ? NOT_ECT : seen & 1 << ECT0 ? ECT0 : ECT1;
	return true;
}

static void mend_header(struct ol_pkt *pkt, const struct reass_queue *q, uint8_t ecn)
{
	uint8_t *p = pkt->data;
	if (q->src.ver == 4) {
		wire_ip4_set_frag(p, be16_at(p + 4), 0, false);
		wire_ip4_set_len(p, (uint16_t)pkt->len);
		wire_ip4_set_tos(p, (uint8_t)((p[1] & ~3) | ecn));
	} else {
		uint8_t tclass = (uint8_t)((be32_at(p) >> 20 & 0xff & ~3u) | ecn);
		p[q->next_at] = q->next;
		wire_ip6_set_len(p, (uint16_t)(pkt->len - IP6_HLEN));
		wire_ip6_set_tclass(p, tclass);
	}
}

/* The header of the first fragment (IPv6: without the fragment header), then all data. */
static enum ol_fate complete(struct net *net, struct reass_queue *q, struct ol_pkt **out)
{
	const struct ol_pkt *first = q->piece[0].pkt;
	size_t hlen = q->src.ver == 4 ? q->hlen : q->hlen - (size_t)IP6_FRAG_HLEN;
	size_t most = q->src.ver == 4 ? IP4_MAX : IP4_MAX + IP6_HLEN;
	uint8_t ecn;
	struct ol_pkt *pkt = NULL;
	enum ol_fate fate = OL_PASS;
	if (hlen + q->end > most || !ecn_of(q->ecn, &ecn))
		fate = OL_DROP_FRAG_BAD;
	else if (!(pkt = ol_pkt_new(net->pool, hlen + q->end)))
		fate = OL_DROP_NO_MEMORY;
	if (fate != OL_PASS) {
		queue_free(net, q);
		return net_drop(net, NULL, fate);
	}
	memcpy(ol_pkt_put(pkt, hlen), first->data - q->hlen, hlen);
	pkt->csum = OL_CSUM_OK;
	pkt->link = first->link;
	pkt->note = first->note;
	pkt->time = first->time;
	for (uint32_t i = 0; i < q->n; i++) {
		if (q->piece[i].pkt->csum == OL_CSUM_NONE)
			pkt->csum = OL_CSUM_NONE;
		memcpy(ol_pkt_put(pkt, q->piece[i].len), q->piece[i].pkt->data, q->piece[i].len);
	}
	mend_header(pkt, q, ecn);
	queue_free(net, q);
	*out = pkt;
	return OL_PASS;
}

enum ol_fate reass_input(struct net *net, const struct reass_frag *f, struct ol_pkt *pkt, struct ol_pkt **out,
			 ol_time now)
{
	uint32_t len = pkt->len - f->hlen, place;
	if (f->off + len > IP4_MAX || pkt->gso != OL_GSO_NONE)
		return net_drop(net, pkt, OL_DROP_FRAG_BAD);
	while (net->reass_count && net->reass_bytes + pkt->cap > net->cfg.frag_max_bytes)
		evict_oldest(net);
	if (pkt->cap > net->cfg.frag_max_bytes)
		return net_drop(net, pkt, OL_DROP_FRAG_LIMIT);
	struct reass_queue *q = queue_for(net, f, now);
	if (!q)
		return net_drop(net, pkt, OL_DROP_NO_MEMORY);
	if (q->dead)
		return net_drop(net, pkt, OL_DROP_FRAG_BAD);
	enum fit fit = find_place(q, f, len, &place);
	if (fit == DUPLICATE)
		return net_drop(net, pkt, OL_DROP_FRAG_BAD);
	if (fit == OVERLAPS) {
		q->dead = true;				/* req: 5722-4-b */
		pieces_free(net, q);
		return net_drop(net, pkt, OL_DROP_FRAG_BAD);
	}
	if (!room_for_one(q))
		return net_drop(net, pkt, OL_DROP_FRAG_LIMIT);
	ol_pkt_pull(pkt, f->hlen);
	memmove(q->piece + place + 1, q->piece + place, (q->n - place) * sizeof *q->piece);
	q->piece[place] = (struct piece){ pkt, f->off, (uint16_t)len };
	q->n++;
	q->have += len;
	q->cost += pkt->cap;
	net->reass_bytes += pkt->cap;
	q->ecn |= (uint8_t)(1 << f->ecn);
	q->to_many |= f->to_many;
	if (!f->off) {
		q->hlen = f->hlen;
		q->next_at = f->next_at;
		q->next = f->next;
	}
	if (!f->mf)
		q->end = f->off + len;
	if (q->end && q->have == q->end)
		return complete(net, q, out);
	net->count[OL_HELD_FRAGMENT]++;
	return OL_HELD_FRAGMENT;
}

/* RFC 1122 3.3.2, RFC 8200 4.5: the sender is told, if the first fragment (which says who it is about) had come. */
void reass_expire(struct net *net, struct timer *t, ol_time now)
{
	struct reass_queue *q = list_of(t, struct reass_queue, timer);
	net->count[OL_DROP_FRAG_TIMEOUT] += q->n;
	if (q->n && !q->piece[0].off) {
		const struct ol_pkt *p = q->piece[0].pkt;
		const uint8_t *ip = p->data - q->hlen;
		if (q->src.ver == 4)
			icmp4_error(net, ip, p->len + (size_t)q->hlen, q->ifi, q->to_many, ICMP4_TIME_EXCEEDED,
				    ICMP4_REASSEMBLY, 0, now);
		else
			icmp6_error(net, ip, p->len + (size_t)q->hlen, q->ifi, q->to_many, ICMP6_TIME_EXCEEDED, 1, 0,
				    now);
	}
	queue_free(net, q);
}

void reass_fini(struct net *net)
{
	for (struct list *p; (p = list_first(&net->reass_age)); )
		queue_free(net, list_of(p, struct reass_queue, age));
}
