/*
 * The scoreboard's reference model (model.h).  Everything is done the slow way on an array of ranges; no code of the scoreboard is
 * used.  What the model cannot know it leaves open: when a range is thought lost is a decision, and a range whose SACK the
 * stack took back (RFC 2018 8) is no longer compared.
 *
 *	una         nxt
 *	 | 1x | 2x | 1x, SACKed |		ranges tile [una, nxt); each was sent so and so often, last at such a time
 */
#include "model.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "driver/driver.h"
#include "stack/stack_int.h"
#include "transport/tcp/tcp_int.h"
#include "transport/tcp/tcp_option.h"
#include "wire/tcp.h"

enum { BUCKETS = 256, HEADER = 20 };

struct range {
	tcp_seq seq, end;
	uint32_t times;			/* it was sent */
	uint64_t order;			/* of its last transmission among all of the connection's */
	ol_time sent_at;
	bool told;			/* the peer SACKed it */
	bool taken;			/* the scoreboard has it as SACKed, or had */
	bool whole;			/* it is just what its last transmission carried */
	bool named, due;		/* a block of the ACK at hand covers all of it; one that was taken did */
	tcp_seq named_from;		/* where that block begins */
};

struct conn {
	struct conn *next;
	int host;
	struct ol_endpoint local, remote;
	const struct tcp_tcb *tcb;	/* whose it is, and when that was born */
	ol_time born;
	bool blind;			/* a second life of the same numbers: seen from its first rest on */
	tcp_seq iss, una, nxt;
	tcp_seq may_ack, must_ack;	/* highest ACK that came; highest that came in a segment the stack took */
	uint64_t order;
	struct range *r;
	size_t n, cap;
};

struct heard { struct conn *c; tcp_seq ack; struct tcp_opt opt; };

struct model {
	struct conn *bucket[BUCKETS];
	struct heard heard;
	uint64_t compared;
	char why[256];
};

struct model *model_new(void)
{
	struct model *m = calloc(1, sizeof *m);
	CHECK(m);
	return m;
}

void model_free(struct model *m)
{
	for (int i = 0; i < BUCKETS; i++)
		for (struct conn *c = m->bucket[i], *next; c; c = next) {
			next = c->next;
			free(c->r);
			free(c);
		}
	free(m);
}

uint64_t model_compared(const struct model *m) { return m->compared; }

/* ---- segments ----------------------------------------------------------------------------------------------------- */
struct seen { struct ol_endpoint src, dst; tcp_seq seq, ack; uint8_t flags; uint32_t len; struct tcp_opt opt; };

static struct ol_endpoint endpoint(const uint8_t *addr, uint8_t ver, const uint8_t *port)
{
	struct ol_endpoint e = { .port = get16(port) };
	e.addr.ver = ver;
	memcpy(e.addr.b, addr, ver == 6 ? 16 : 4);
	return e;
}

static bool read_segment(struct seen *s, const struct ol_pkt *pkt)
{
	struct driver_tcp h;
	if (!driver_tcp_find(pkt, &h))
		return false;
	const uint8_t *ip = pkt->data + h.ip, *t = pkt->data + h.tcp;
	unsigned at = h.ver == 6 ? 8 : 12, alen = h.ver == 6 ? 16 : 4;
	uint32_t end = h.ip + (h.ver == 6 ? 40u + get16(ip + 4) : get16(ip + 2));
	if (pkt->gso != OL_GSO_NONE)
		end = pkt->len;
	s->src = endpoint(ip + at, h.ver, t);
	s->dst = endpoint(ip + at + alen, h.ver, t + 2);
	s->seq = seq_from(get32(t + 4));
	s->ack = seq_from(get32(t + 8));
	s->flags = t[13];
	s->len = end - h.text + !!(s->flags & TCP_SYN) + !!(s->flags & TCP_FIN);
	tcp_opt_parse(&s->opt, t + HEADER, h.text - h.tcp - HEADER);
	return true;
}

static bool same(const struct ol_endpoint *a, const struct ol_endpoint *b)
{
	return a->port == b->port && ol_addr_eq(&a->addr, &b->addr);
}

static struct conn **slot(struct model *m, int host, const struct ol_endpoint *local, const struct ol_endpoint *remote)
{
	struct conn **at = &m->bucket[(local->port * 31u + remote->port + (unsigned)host) % BUCKETS];
	while (*at && !((*at)->host == host && same(&(*at)->local, local) && same(&(*at)->remote, remote)))
		at = &(*at)->next;
	return at;
}

static struct conn *conn_new(struct conn **at, int host, const struct ol_endpoint *local, const struct ol_endpoint *remote)
{
	struct conn *c = calloc(1, sizeof *c);
	CHECK(c);
	c->host = host;
	c->local = *local;
	c->remote = *remote;
	return *at = c;
}

static void restart(struct conn *c, tcp_seq at)
{
	c->una = c->nxt = c->may_ack = c->must_ack = at;
	c->n = 0;
	c->blind = false;
}

static void begin(struct conn *c, tcp_seq iss)
{
	c->iss = iss;
	restart(c, iss);
	c->tcb = NULL;
}

/* ---- the list ----------------------------------------------------------------------------------------------------- */
static struct range *insert(struct conn *c, size_t at)
{
	if (c->n == c->cap) {
		c->cap = c->cap ? 2 * c->cap : 32;
		c->r = realloc(c->r, c->cap * sizeof *c->r);
		CHECK(c->r);
	}
	memmove(&c->r[at + 1], &c->r[at], (c->n - at) * sizeof *c->r);
	c->n++;
	return &c->r[at];
}

/* No range reaches across seq any more; the first at or behind it. */
static size_t cut(struct conn *c, tcp_seq seq)
{
	size_t i = 0;
	while (i < c->n && seq_le(c->r[i].end, seq))
		i++;
	if (i == c->n || seq_ge(c->r[i].seq, seq))
		return i;
	struct range *r = insert(c, i + 1);
	*r = c->r[i];
	c->r[i].end = r->seq = seq;
	c->r[i].whole = r->whole = false;
	return i + 1;
}

static void forget_below(struct conn *c, tcp_seq una)
{
	size_t n = cut(c, una);
	memmove(c->r, c->r + n, (c->n - n) * sizeof *c->r);
	c->n -= n;
	c->una = una;
}

void model_sent(struct model *m, int host, const struct ol_pkt *pkt, ol_time now)
{
	struct seen s;
	if (!read_segment(&s, pkt) || s.flags & TCP_RST || !s.len)
		return;
	struct conn **at = slot(m, host, &s.src, &s.dst), *c = *at;
	if (!c && !(s.flags & TCP_SYN))
		return;
	if (!c)
		c = conn_new(at, host, &s.src, &s.dst);
	if (s.flags & TCP_SYN && (!c->order || !seq_eq(s.seq, c->iss)))
		begin(c, s.seq);
	tcp_seq end = seq_add(s.seq, s.len);
	c->order++;
	if (seq_lt(s.seq, c->nxt)) {
		size_t i = cut(c, s.seq), to = cut(c, seq_min(end, c->nxt));
		for (; i < to; i++) {
			c->r[i].times++;
			c->r[i].whole = seq_eq(c->r[i].seq, s.seq) && seq_eq(c->r[i].end, end);
			c->r[i].due &= c->r[i].whole;	/* it may have been put together with others before the ACK came */
			c->r[i].sent_at = now;
			c->r[i].order = c->order;
		}
	}
	if (seq_gt(end, c->nxt)) {
		*insert(c, c->n) = (struct range){ .seq = seq_max(s.seq, c->nxt), .end = end, .times = 1, .sent_at = now,
			.order = c->order, .whole = true };
		c->nxt = end;
	}
}

/* ---- what comes --------------------------------------------------------------------------------------------------- */
static bool is_of(const struct tcp_tcb *tcb, const struct conn *c)
{
	return tcb->in_demux && seq_eq(tcb->iss, c->iss) && same(&tcb->node.local, &c->local) && same(&tcb->node.remote, &c->remote);
}

static const struct tcp_tcb *find_tcb(const struct ol_stack *stk, const struct conn *c)
{
	list_for(n, &stk->tcp->all) {
		const struct tcp_tcb *tcb = list_of(n, struct tcp_tcb, all);
		if (is_of(tcb, c))
			return tcb;
	}
	return NULL;
}

/* RFC 2883 4: below the ACK, or inside the second block. */
static bool is_dsack(const struct heard *h, int i)
{
	const struct tcp_sack_block *b = h->opt.sack;
	return i == 0 && (seq_lt(b[0].left, h->ack) ||
			  (h->opt.n_sack > 1 && seq_le(b[1].left, b[0].left) && seq_le(b[0].right, b[1].right)));
}

void model_arrives(struct model *m, int host, const struct ol_pkt *pkt)
{
	struct seen s;
	m->heard.c = NULL;
	if (!read_segment(&s, pkt) || !(s.flags & TCP_ACK) || s.flags & TCP_RST)
		return;
	struct conn *c = *slot(m, host, &s.dst, &s.src);
	if (!c || seq_lt(s.ack, c->iss) || seq_gt(s.ack, c->nxt))
		return;
	m->heard = (struct heard){ .c = c, .ack = s.ack, .opt = s.opt };
	c->may_ack = seq_max(c->may_ack, s.ack);
	for (int i = 0; i < s.opt.n_sack; i++) {
		const struct tcp_sack_block *b = &s.opt.sack[i];
		if (is_dsack(&m->heard, i) || !seq_lt(b->left, b->right) || seq_lt(b->left, c->una) || seq_gt(b->right, c->nxt))
			continue;
		for (size_t k = 0; k < c->n; k++)
			if (c->r[k].whole && seq_le(b->left, c->r[k].seq) && seq_le(c->r[k].end, b->right)) {
				c->r[k].named = true;
				c->r[k].named_from = b->left;
			}
		size_t k = cut(c, b->left), to = cut(c, b->right);
		for (; k < to; k++)
			c->r[k].told = true;
	}
}

void model_judge(struct model *m, const struct ol_stack *stk, enum ol_fate fate)
{
	struct conn *c = m->heard.c;
	if (!c)
		return;
	const struct tcp_tcb *tcb = fate == OL_PASS || fate == OL_DONE || fate == OL_HELD_TCP ? find_tcb(stk, c) : NULL;
	if (tcb)
		c->must_ack = seq_max(c->must_ack, m->heard.ack);
	for (size_t k = 0; k < c->n; k++) {
		/* A block that begins at SND.UNA, in an ACK from before, is of a receiver that thought better of it: RFC 2018 8. */
		c->r[k].due |= c->r[k].named && tcb && tcb->sack_ok && seq_gt(c->r[k].named_from, tcb->snd_una);
		c->r[k].named = false;
	}
}

/* ---- comparing ---------------------------------------------------------------------------------------------------- */
static const char *disagree(struct model *m, const struct tcp_tcb *tcb, const struct conn *c, const char *what)
{
	snprintf(m->why, sizeof m->why, "scoreboard of port %u to %u, SND.UNA %u, SND.NXT %u (the model: %u, %u): %s", tcb->node.local.port,
		 tcb->node.remote.port, seq_len(c->iss, tcb->snd_una), seq_len(c->iss, tcb->snd_nxt), seq_len(c->iss, c->una),
		 seq_len(c->iss, c->nxt), what);
	return m->why;
}

/* What a record and a range that share bytes must agree in. */
static const char *differ(const struct tcp_sb_rec *r, struct range *g, bool syn)
{
	if (r->flags & SB_SACKED) {
		g->taken = true;
		return g->told ? NULL : "it has something as SACKed that the peer never named";
	}
	if (g->taken || syn)		/* a SYN may wait for its neighbour's address */
		return NULL;
	if (g->due)
		return "a segment that the peer SACKed is not marked so";
	if (!(r->flags & SB_EVER) != (g->times == 1))
		return "it is wrong about what was sent more than once";
	if (r->flags & SB_RETRANS && g->times == 1)
		return "it has something as sent again that was not";
	if (r->sent_at != g->sent_at)
		return "it is wrong about when something was sent last";
	return NULL;
}

/* The list that RACK walks must be in the order of transmission. */
static const char *flight_order(const struct tcp_sb *sb, const struct conn *c)
{
	uint64_t last = 0;
	for (uint32_t i = sb->oldest; i != SB_NONE; i = sb->rec[i].newer) {
		const struct tcp_sb_rec *r = &sb->rec[i];
		size_t k = 0;
		while (k < c->n && seq_le(c->r[k].end, r->seq))
			k++;
		if (k == c->n || c->r[k].taken)
			continue;
		if (c->r[k].order < last)
			return "its order of transmission is not that in which segments left";
		last = c->r[k].order;
	}
	return NULL;
}

/* A cookie may raise a connection that was over, with the numbers of the first.  False: too early to say anything. */
static bool meet(const struct tcp_tcb *tcb, struct conn *c)
{
	c->blind |= c->tcb && (c->tcb != tcb || c->born != tcb->born);
	c->tcb = tcb;
	c->born = tcb->born;
	if (c->blind && seq_eq(tcb->snd_una, tcb->snd_nxt))
		restart(c, tcb->snd_nxt);
	return !c->blind;
}

static const char *compare(struct model *m, const struct tcp_tcb *tcb, struct conn *c)
{
	const struct tcp_sb *sb = &tcb->loss.sb;
	const char *no = NULL;
	if (!meet(tcb, c))
		return NULL;
	if (seq_lt(tcb->snd_una, c->una) || seq_gt(tcb->snd_una, c->may_ack))
		return disagree(m, tcb, c, "SND.UNA is nothing that the peer acknowledged");
	if (seq_lt(tcb->snd_una, c->must_ack))
		return disagree(m, tcb, c, "an acceptable ACK had no effect");
	if (!seq_eq(tcb->snd_nxt, c->nxt))
		return disagree(m, tcb, c, "SND.NXT is not behind the last byte that left");
	forget_below(c, tcb->snd_una);
	if (sb->out.bytes != seq_len(c->una, c->nxt))
		return disagree(m, tcb, c, "its sum is not what is outstanding");
	size_t k = 0;
	for (uint32_t i = sb->first; i != SB_NONE && !no; i = sb->rec[i].next)
		for (const struct tcp_sb_rec *r = &sb->rec[i]; k < c->n && !no && seq_lt(c->r[k].seq, sb_end(r)); k++) {
			no = differ(r, &c->r[k], seq_eq(c->r[k].seq, c->iss));
			if (seq_gt(c->r[k].end, sb_end(r)))
				break;			/* the next record has part in it, too */
		}
	if (!no && k < c->n)
		no = "it ends too early";
	if (!no)
		no = flight_order(sb, c);
	m->compared += c->n > 0;
	return no ? disagree(m, tcb, c, no) : NULL;
}

const char *model_compare(struct model *m, int host, const struct ol_stack *stk)
{
	const char *no = NULL;
	for (struct list *n = stk->tcp->all.next; n != &stk->tcp->all && !no; n = n->next) {
		const struct tcp_tcb *tcb = list_of(n, struct tcp_tcb, all);
		struct conn *c = tcb->in_demux ? *slot(m, host, &tcb->node.local, &tcb->node.remote) : NULL;
		if (c && is_of(tcb, c))
			no = compare(m, tcb, c);
	}
	return no;
}
