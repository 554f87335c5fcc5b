/*
 * The server's side of TCP Fast Open, RFC 7413: cookies (4.1.2), which SYN opens a connection at once (4.2.2), and how
 * many such connections a listener has pending (4.2, 5.1).
 *
 * A cookie is SipHash-2-4 of the client's address and ours, eight bytes, as Linux makes it, so that hosts of both kinds
 * may share a key.  There are two keys: cookies are made with the first and good with either; who comes with one of the
 * second gets a new one.  Where nobody set a key it is drawn from the seed and the time, a new one every KEY_LIFE, and
 * the second is the one before it: so cookies expire.
 *
 * Nothing is kept per client.  A cookie is looked at only while fewer are pending than the listener allows.
 */
#include "transport/tcp/tcp_fastopen.h"
#include "transport/tcp/tcp_listen.h"
#include "base/check.h"
#include <endian.h>
#include <stdlib.h>

#define KEY_LIFE (12 * 3600 * OL_SEC)
#define RESET_LIFE (60 * OL_SEC)	/* how long a reset counts, as on Linux */

struct reset { struct list node; ol_time until; };

/* ---- keys and cookies -------------------------------------------------------------------------------------------- */
static struct sipkey key_of(const uint8_t b[16])
{
	struct sipkey k = { 0 };
	for (int i = 0; i < 8; i++) {
		k.k0 |= (uint64_t)b[i] << (8 * i);
		k.k1 |= (uint64_t)b[8 + i] << (8 * i);
	}
	return k;
}

static struct sipkey key_of_time(const struct tcp *tcp, int64_t period)
{
	uint64_t in[2] = { htole64((uint64_t)period), 0 };
	struct sipkey k = { .k0 = siphash(tcp->key_fastopen, in, sizeof in) };
	in[1] = htole64(1);
	k.k1 = siphash(tcp->key_fastopen, in, sizeof in);
	return k;
}

/* The keys in force for a listener; false: there is no i-th. */
static bool key(const struct tcp_listener *l, unsigned i, struct sipkey *k, ol_time now)
{
	const struct tcp_fo_keys *set = l->fo_keys.n ? &l->fo_keys : &l->tcp->cfg.fastopen_key;
	if (!set->n)
		*k = key_of_time(l->tcp, now / KEY_LIFE - (int64_t)i);
	else if (i < set->n)
		*k = key_of(set->key[i]);
	else
		return false;
	return true;
}

static void make(struct tcp_cookie *c, struct sipkey k, const struct ol_addr *client, const struct ol_addr *server)
{
	uint8_t both[32];
	size_t n = client->ver == 6 ? 16 : 4;
	memcpy(both, client->b, n);
	memcpy(both + n, server->b, n);
	uint64_t h = siphash(k, both, 2 * n);
	for (unsigned i = 0; i < TCP_FO_COOKIE_LEN; i++)
		c->b[i] = (uint8_t)(h >> (8 * i));
	c->len = TCP_FO_COOKIE_LEN;
	c->present = true;
}

static bool same(const struct tcp_cookie *a, const struct tcp_cookie *b)
{
	uint8_t differ = a->len ^ b->len;
	for (unsigned i = 0; i < TCP_FO_COOKIE_LEN; i++)		/* all of them, however early one differs */
		differ |= a->b[i] ^ b->b[i];
	return !differ;
}

/* Is it one of the second key? */
static bool of_old_key(const struct tcp_listener *l, const struct tcp_in *in, ol_time now)
{
	struct tcp_cookie old = { 0 };
	struct sipkey k;
	if (!key(l, 1, &k, now))
		return false;
	make(&old, k, &in->rx->src, &in->rx->dst);
	return same(&in->opt.fo, &old);
}

/* ---- how many are pending ---------------------------------------------------------------------------------------- */
void tcp_fastopen_listen(struct tcp_listener *l)
{
	list_init(&l->fo.pending);
	list_init(&l->fo.resets);
	uint32_t mask = l->tcp->cfg.fastopen;
	if (mask & TCP_FO_SERVER && mask & TCP_FO_SERVER_ALWAYS && !l->opts.fastopen)
		l->opts.fastopen = l->backlog;
}

static void forget_reset(struct tcp_listener *l)
{
	struct list *n = list_take(&l->fo.resets);
	l->fo.n_resets--;
	free(list_of(n, struct reset, node));
}

void tcp_fastopen_unlisten(struct tcp_listener *l)
{
	for (struct list *n; (n = list_take(&l->fo.pending)); )
		list_of(n, struct tcp_tcb, fo_node)->fo_listener = NULL;
	while (l->fo.n_resets)
		forget_reset(l);
}

static bool has_room(struct tcp_listener *l, ol_time now)
{
	while (l->fo.n_resets && list_of(list_first(&l->fo.resets), struct reset, node)->until <= now)
		forget_reset(l);
	uint32_t most = MIN(l->opts.fastopen, l->tcp->cfg.somaxconn);
	return l->fo.n_pending + l->fo.n_resets < most;		/* req: 7413-4.2-b */
}

void tcp_fastopen_pend(struct tcp_listener *l, struct tcp_tcb *tcb)
{
	tcb->fo_listener = l;
	list_append(&l->fo.pending, &tcb->fo_node);
	l->fo.n_pending++;
}

void tcp_fastopen_settled(struct tcp_tcb *tcb)
{
	if (!tcb->fo_listener)
		return;
	list_del(&tcb->fo_node);
	tcb->fo_listener->fo.n_pending--;
	tcb->fo_listener = NULL;
}

void tcp_fastopen_reset(struct tcp_tcb *tcb, ol_time now)
{
	struct tcp_listener *l = tcb->fo_listener;
	struct reset *r = l ? malloc(sizeof *r) : NULL;
	tcp_fastopen_settled(tcb);
	if (!r)
		return;
	r->until = now + RESET_LIFE;
	list_append(&l->fo.resets, &r->node);
	l->fo.n_resets++;
}

/* ---- a SYN came -------------------------------------------------------------------------------------------------- */
bool tcp_fastopen_accepts(struct tcp_listener *l, const struct tcp_in *in, struct tcp_cookie *give, ol_time now)
{
	const struct tcp_cookie *c = &in->opt.fo;
	uint32_t mask = l->tcp->cfg.fastopen;
	struct sipkey k;
	*give = (struct tcp_cookie){ 0 };
	if (!(mask & TCP_FO_SERVER) || (!c->present && in->seg.text.len == 0) || !has_room(l, now))
		return false;					/* req: 7413-4.2-a */
	if (mask & TCP_FO_SERVER_NO_COOKIE || l->opts.fastopen_no_cookie)
		return true;
	if (!c->present)
		return false;
	(void)key(l, 0, &k, now);
	make(give, k, &in->rx->src, &in->rx->dst);
	give->exp = c->exp;
	if (c->len == 0)
		return false;
	if (same(c, give)) {
		give->present = false;
		return true;
	}
	return of_old_key(l, in, now);
}

/* ---- what a SYN carries ------------------------------------------------------------------------------------------ */
/* Only the first of each: one sent again may have been lost for its option (4.2.1, 4.2.2). */
void tcp_fastopen_option(const struct tcp_tcb *tcb, struct tcp_cookie *out, ol_time now)
{
	*out = (struct tcp_cookie){ 0 };
	if (!seq_eq(tcb->snd_nxt, tcb->iss))
		return;
	if (tcb->state == OL_TCP_SYN_SENT && tcb->fo_asked)
		tcp_fastopen_cookie(tcb, out);
	if (!tcb->fo_listener || !tcb->fo_renew)
		return;
	struct sipkey k;
	(void)key(tcb->fo_listener, 0, &k, now);
	make(out, k, &tcb->node.remote.addr, &tcb->node.local.addr);
	out->exp = tcb->fo_exp;
}
