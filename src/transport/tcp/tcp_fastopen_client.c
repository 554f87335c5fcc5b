/*
 * The client's side of TCP Fast Open, RFC 7413: what is remembered of servers (4.1.3), the first SYN (4.2.1, 4.2.2), and
 * what its answer, or none, teaches.
 *
 * An entry stands for a pair of addresses and the server's port: the cookie is good for every port, but whether the way
 * there bears Fast Open is not (4.1.3.1).  There are at most MAX_ENTRIES, the one used longest ago gives way.  A
 * negative answer stops Fast Open for that entry for a minute, each further one in a row for twice as long.  Where only
 * a request for a cookie stayed unanswered it takes two: a lost SYN is more often congestion.
 */
#include "transport/tcp/tcp_int.h"
#include "base/check.h"
#include <stdlib.h>

enum { MAX_ENTRIES = 1024, BUCKETS = 256, MAX_BACKOFF = 11, MOST_OPTIONS = 40 };
#define PAUSE (60 * OL_SEC)

struct entry {
	struct list lru, chain;
	struct ol_addr local;
	struct ol_endpoint remote;
	struct tcp_cookie cookie;	/* not present: none yet */
	uint16_t mss;			/* the server's, 0: not known */
	uint8_t try_exp;		/* 1: ask in the experimental form next time, it knew not the other; 2: it knew neither */
	uint8_t failures;		/* in a row */
	ol_time until;			/* no Fast Open before */
};

/* ---- the cache --------------------------------------------------------------------------------------------------- */
void tcp_fastopen_cache_init(struct tcp_fo_cache *c)
{
	*c = (struct tcp_fo_cache){ 0 };
	list_init(&c->lru);
}

static void drop(struct tcp_fo_cache *c, struct entry *e)
{
	list_del(&e->lru);
	list_del(&e->chain);
	c->n--;
	free(e);
}

void tcp_fastopen_cache_fini(struct tcp_fo_cache *c)
{
	for (struct list *n; (n = list_first(&c->lru)); )
		drop(c, list_of(n, struct entry, lru));
	free(c->bucket);
}

static struct list *bucket_of(const struct tcp *tcp, const struct ol_addr *local, const struct ol_endpoint *remote)
{
	struct ol_endpoint l = { .addr = *local };
	return &tcp->fo_cache.bucket[addr_hash_pair(tcp->key_fastopen, &l, remote) % BUCKETS];
}

static struct entry *find(const struct tcp *tcp, const struct ol_addr *local, const struct ol_endpoint *remote)
{
	if (!tcp->fo_cache.bucket)
		return NULL;
	list_for(n, bucket_of(tcp, local, remote)) {
		struct entry *e = list_of(n, struct entry, chain);
		if (e->remote.port == remote->port && ol_addr_eq(&e->remote.addr, &remote->addr) && ol_addr_eq(&e->local, local))
			return e;
	}
	return NULL;
}

static struct entry *entry_of(const struct tcp_tcb *tcb)
{
	return find(tcb->tcp, &tcb->node.local.addr, &tcb->node.remote);
}

/* NULL: no memory; then nothing is learnt, and the next connection asks again. */
static struct entry *remember(struct tcp_tcb *tcb)
{
	struct tcp_fo_cache *c = &tcb->tcp->fo_cache;
	struct entry *e = entry_of(tcb);
	if (e) {
		list_del(&e->lru);
		list_append(&c->lru, &e->lru);
		return e;
	}
	if (!c->bucket) {
		c->bucket = calloc(BUCKETS, sizeof *c->bucket);
		for (unsigned i = 0; c->bucket && i < BUCKETS; i++)
			list_init(&c->bucket[i]);
	}
	e = c->bucket ? calloc(1, sizeof *e) : NULL;
	if (!e)
		return NULL;
	if (c->n == MAX_ENTRIES)
		drop(c, list_of(list_first(&c->lru), struct entry, lru));
	e->local = tcb->node.local.addr;
	e->remote = tcb->node.remote;
	list_append(&c->lru, &e->lru);
	list_append(bucket_of(tcb->tcp, &e->local, &e->remote), &e->chain);
	c->n++;
	return e;
}

static bool paused(const struct entry *e, ol_time now) { return e && now < e->until; }

/* Cookie-less mode is for servers known to do without: the administrator's word, or the program's. */
static bool no_cookie(const struct tcp *tcp, const struct tcp_opts *opts)
{
	return tcp->cfg.fastopen & TCP_FO_CLIENT_NO_COOKIE || opts->fastopen_no_cookie;
}

bool tcp_fastopen_ready(const struct tcp *tcp, const struct tcp_opts *opts, const struct ol_addr *local,
			const struct ol_endpoint *remote, ol_time now)
{
	const struct entry *e = find(tcp, local, remote);
	return !paused(e, now) && (no_cookie(tcp, opts) || (e && e->cookie.present));
}

/* ---- the SYN ----------------------------------------------------------------------------------------------------- */
/*
 * How much text fits: the MSS the server named last, the path's and the user's, less all the room that options may take,
 * since middleboxes add some.  Without a cookie no MSS need be known; the RFC does not speak of that case, and Linux
 * takes the path's.
 */
size_t tcp_fastopen_begin(struct tcp_tcb *tcb, ol_time now)
{
	const struct entry *e = entry_of(tcb);
	if (paused(e, now))
		return 0;
	if (!no_cookie(tcb->tcp, &tcb->opts)) {
		tcb->fo_asked = true;				/* req: 7413-4.2.1-a */
		tcb->fo_exp = e && (e->cookie.present ? e->cookie.exp : e->try_exp == 1);
		tcb->fo_fail = TCP_FO_COOKIE_UNAVAILABLE;
		if (!e || !e->cookie.present)
			return 0;
	}
	tcb->fo_fail = 0;
	tcb->peer_mss = e ? e->mss : 0;
	tcp_sync_mss(tcb, now);
	return tcb->snd_mss > MOST_OPTIONS ? tcb->snd_mss - MOST_OPTIONS : 0;
}

void tcp_fastopen_cookie(const struct tcp_tcb *tcb, struct tcp_cookie *out)
{
	const struct entry *e = entry_of(tcb);
	if (e)
		*out = e->cookie;
	out->present = true;
	out->exp = tcb->fo_exp;
}

/* ---- the answer -------------------------------------------------------------------------------------------------- */
static void negative(struct entry *e, bool text, ol_time now)
{
	e->failures += e->failures < UINT8_MAX;
	unsigned n = e->failures - (text ? 1u : 2u);
	if (text || e->failures > 1)
		e->until = now + (PAUSE << MIN(n, (unsigned)MAX_BACKOFF));
}

/* `left`: of the text something was not taken; `none`: all of it. */
static void learn(struct tcp_tcb *tcb, const struct tcp_cookie *got, bool none, ol_time now)
{
	struct entry *e = remember(tcb);
	bool again = tcb->loss.syn_retrans > 0;
	if (!e)
		return;
	e->mss = tcb->peer_mss;
	if (tcb->fo_asked && got->present && got->len > 0) {	/* one not asked for is ignored, as on Linux */
		e->cookie = *got;
		e->failures = 0;
		return;
	}
	if (none || (again && !tcb->fo_data))
		negative(e, tcb->fo_data, now);			/* req: 7413-4.1.3-a */
	else
		e->failures = 0;
	if (tcb->fo_asked && !again && !tcb->fo_data && !e->cookie.present)
		e->try_exp = MAX(e->try_exp, tcb->fo_exp ? 2 : 1);
}

void tcp_fastopen_opened(struct tcp_tcb *tcb, const struct tcp_in *in, ol_time now)
{
	if (!tcb->fo_asked && !tcb->fo_data)
		return;
	bool left = tcb->fo_data && seq_lt(tcb->snd_una, tcb->snd_nxt);
	bool none = left && seq_eq(tcb->snd_una, seq_add(tcb->iss, 1));
	learn(tcb, &in->opt.fo, none, now);
	if (left) {
		tcb->fo_fail = tcb->loss.syn_retrans ? TCP_FO_SYN_RETRANSMITTED : TCP_FO_DATA_NOT_ACKED;
		tcp_loss_syn_text(tcb, now);			/* req: 7413-4.2.2-e */
	} else if (tcb->fo_data) {
		tcb->fo_acked = true;
		tcb->loss.segs_delivered--;			/* SYN and text were one segment */
	}
}

void tcp_fastopen_failed(struct tcp_tcb *tcb, ol_time now)
{
	if (tcb->state != OL_TCP_SYN_SENT || (!tcb->fo_asked && !tcb->fo_data))
		return;
	struct entry *e = remember(tcb);
	if (e)
		negative(e, tcb->fo_data, now);
}
