/*
 * Ports.  A claim (struct port_bind) is listed by its port; a new one is held against all others of that port.  Whether
 * two may live together follows Linux: not on overlapping addresses of the same device, unless both said SO_REUSEADDR and
 * neither listens, or both said SO_REUSEPORT and have one owner.
 *
 * Ephemeral ports are RFC 6056 3.3.3 (algorithm 3): a keyed hash of the ends gives the offset, one counter the next; an
 * outsider cannot foretell them, and ports to one peer are reused as late as possible.  Left out: the table of counters of
 * algorithm 4, which only hides from one peer how many connections go to others.
 */
#include "transport/port.h"
#include "base/addr.h"
#include "base/check.h"

void ports_init(struct ports *p, const uint8_t seed[16], uint16_t lo, uint16_t hi)
{
	for (size_t i = 0; i < PORT_BUCKETS; i++)
		list_init(&p->bucket[i]);
	p->lo = lo;
	p->hi = hi < lo ? lo : hi;
	p->key = sipkey_derive(seed, "ephemeral ports");
	p->next = (uint32_t)siphash(p->key, "first", 5);
	p->lingers = NULL;
	p->ctx = NULL;
}

static struct list *bucket_of(struct ports *p, uint16_t port) { return &p->bucket[port % PORT_BUCKETS]; }

/* ---- who is in whose way --------------------------------------------------------------------------------------- */
enum { FAM4 = 1, FAM6 = 2 };

static unsigned families(const struct port_bind *b)
{
	if (b->local.addr.ver == 4)
		return FAM4;
	if (!ol_addr_is_any(&b->local.addr))
		return FAM6;
	if (!b->v6)
		return FAM4;
	return b->v6only ? FAM6 : FAM4 | FAM6;
}

static bool overlap(const struct port_bind *a, const struct port_bind *b)
{
	if (a->local.port != b->local.port || !(families(a) & families(b)))
		return false;
	if (a->ifi && b->ifi && a->ifi != b->ifi)
		return false;
	return ol_addr_is_any(&a->local.addr) || ol_addr_is_any(&b->local.addr) || ol_addr_eq(&a->local.addr, &b->local.addr);
}

static bool get_along(const struct port_bind *b, const struct port_bind *other)
{
	if (b->reuseaddr && other->reuseaddr && !other->listening)
		return true;
	return b->reuseport && other->reuseport && b->owner == other->owner;
}

static bool conflict(struct ports *p, const struct port_bind *b)
{
	list_for(n, bucket_of(p, b->local.port)) {
		const struct port_bind *other = list_of(n, struct port_bind, node);
		if (other != b && overlap(b, other) && !get_along(b, other))
			return true;
	}
	return !b->reuseaddr && !b->listening && p->lingers && p->lingers(p->ctx, b);
}

static void claim(struct ports *p, struct port_bind *b)
{
	list_init(&b->node);
	list_append(bucket_of(p, b->local.port), &b->node);
}

/* ---- ephemeral ports ------------------------------------------------------------------------------------------- */
static uint32_t range(const struct ports *p) { return (uint32_t)p->hi - p->lo + 1; }

/* RFC 6056 3.3.3.  The i-th candidate for a connection of this local address to this remote endpoint. */
static uint16_t candidate(const struct ports *p, uint32_t offset, uint32_t i)
{
	return (uint16_t)(p->lo + (offset + p->next + i) % range(p));
}

static uint32_t offset_of(const struct ports *p, const struct port_bind *b, const struct ol_endpoint *remote)
{
	struct ol_endpoint from = { .addr = b->local.addr };
	return (uint32_t)addr_hash_pair(p->key, &from, remote);
}

/* Ephemeral means unused: SO_REUSEADDR does not make a port free (Linux: ip_autobind_reuse 0). */
static bool overlapped(struct ports *p, const struct port_bind *b)
{
	list_for(n, bucket_of(p, b->local.port))
		if (overlap(b, list_of(n, struct port_bind, node)))
			return true;
	return p->lingers && p->lingers(p->ctx, b);
}

static enum ol_err bind_ephemeral(struct ports *p, struct port_bind *b)
{
	static const struct ol_endpoint nobody;
	uint32_t offset = offset_of(p, b, &nobody);
	for (uint32_t i = 0; i < range(p); i++) {
		b->local.port = candidate(p, offset, i);
		if (overlapped(p, b))
			continue;
		p->next += i + 1;
		claim(p, b);
		return OL_OK;
	}
	b->local.port = 0;
	return OL_ERR_ADDRINUSE;
}

/* Whoever asked for the port by name does not share it with connections that did not. */
static bool taken_by_name(struct ports *p, const struct port_bind *b)
{
	list_for(n, bucket_of(p, b->local.port)) {
		const struct port_bind *other = list_of(n, struct port_bind, node);
		if (!other->chosen && overlap(b, other))
			return true;
	}
	return false;
}

/* ---- the calls ------------------------------------------------------------------------------------------------- */
enum ol_err port_bind(struct ports *p, struct port_bind *b)
{
	b->chosen = false;
	if (!b->local.port)
		return bind_ephemeral(p, b);
	if (conflict(p, b))
		return OL_ERR_ADDRINUSE;
	claim(p, b);
	return OL_OK;
}

enum ol_err port_choose(struct ports *p, struct port_bind *b, const struct ol_endpoint *remote,
			bool (*busy)(void *ctx, const struct ol_endpoint *local), void *ctx)
{
	uint32_t offset = offset_of(p, b, remote);
	for (uint32_t i = 0; i < range(p); i++) {
		b->local.port = candidate(p, offset, i);
		if (taken_by_name(p, b) || busy(ctx, &b->local))
			continue;
		p->next += i + 1;
		b->chosen = true;
		claim(p, b);
		return OL_OK;
	}
	b->local.port = 0;
	return OL_ERR_ADDRNOTAVAIL;
}

enum ol_err port_listen(struct ports *p, struct port_bind *b)
{
	CHECK(b->listening);
	if (!conflict(p, b))
		return OL_OK;
	b->listening = false;
	return OL_ERR_ADDRINUSE;
}

void port_release(struct ports *p, struct port_bind *b)
{
	list_del(&b->node);
}
