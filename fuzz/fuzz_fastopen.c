/*
 * The server's side of TCP Fast Open, RFC 7413: a listener is told a story of SYNs of several clients (that ask for a cookie, have theirs,
 * one of yesterday, another's, or nearly theirs; with text and without), of the ACKs and resets that follow, of keys changed, and
 * of time.  Beside it a model that knows who was given which cookie under which key, and how many connections are pending:
 *	- a SYN opens a connection if its cookie is right and there is room, and no other does (4.2.2); its text is there to be read
 *	  at once, and the SYN-ACK acknowledges it; otherwise the SYN alone is acknowledged, and no text is ever read;
 *	- whoever asked, or came with a cookie that is wrong or old, is given the one that is right (4.1.2);
 *	- never more are pending than TCP_FASTOPEN allows, and a reset counts on for a minute (4.2, 5.1).
 */
#include <linux/tcp.h>
#include "base/check.h"
#include "lone.h"
#include "story.h"

enum { CLIENTS = 4, SLOTS = 16, STEPS = 150, QUEUE = 4, FIRST_PORT = 2000, COOKIE = 8 };
#define KEY_LIFE (12 * 3600 * OL_SEC)		/* where no key was set */
#define RESET_LIFE (60 * OL_SEC)
#define SURE (30 * OL_SEC)			/* so long a SYN-ACK is certainly still sent again ... */
#define OVER (400 * OL_SEC)			/* ... and after this certainly not */

struct client { bool has; uint8_t b[COOKIE]; int64_t key; };
enum fate { GONE, PENDING, MAYBE, RESET };	/* MAYBE: closed by its user, the handshake may go on */
struct opened { enum fate fate; ol_time at; };
struct slot { bool used, done; struct opened *opened; unsigned client; uint16_t port; uint32_t seq, isn; size_t text; ol_time at; ol_sock s; };
struct world {
	struct lone host;
	struct client client[CLIENTS];
	struct slot slot[SLOTS];
	struct opened opened[STEPS];
	int n_opened;
	uint16_t ports;
	bool keyed;				/* keys are set; else they come with time */
	int64_t key[2];				/* their numbers, of bytes alike; 0: none */
};

static int64_t key_now(const struct world *w) { return w->keyed ? w->key[0] : w->host.now / KEY_LIFE; }
static int64_t key_before(const struct world *w) { return w->keyed ? w->key[1] : w->host.now / KEY_LIFE - 1; }

static unsigned pending(const struct world *w, bool surely)
{
	unsigned n = 0;
	for (int i = 0; i < w->n_opened; i++) {
		const struct opened *o = &w->opened[i];
		ol_time age = w->host.now - o->at;
		switch (o->fate) {
		case PENDING: n += age < (surely ? SURE : OVER); break;
		case MAYBE:   n += !surely; break;		/* an orphan tries longer */
		case RESET:   n += age < RESET_LIFE; break;
		case GONE:    break;
		}
	}
	return n;
}

static bool readable(struct world *w, ol_sock s, size_t *n)
{
	char text[2048];
	ssize_t got = ol_recv(w->host.stk, s, text, sizeof text, MSG_DONTWAIT, w->host.now);
	*n = got > 0 ? (size_t)got : 0;
	return got >= 0;
}

/* What the SYN-ACKs say: none acknowledges text that opened nothing; cookies are learnt. */
static void drain(struct world *w)
{
	for (struct ol_pkt *p; (p = lone_synack(&w->host)); ol_pkt_free(p)) {
		const uint8_t *t = p->data + 20, *o = lone_option(t, 34);
		for (int i = 0; i < SLOTS; i++) {
			struct slot *s = &w->slot[i];
			if (!s->used || s->port != be16_at(t + 2))
				continue;
			s->isn = be32_at(t + 4);
			must(be32_at(t + 8) == s->seq + 1 + (s->opened ? (uint32_t)s->text : 0));
			if (!o && (o = lone_option(t, 254)))
				o += 2;
			if (!o)
				continue;
			struct client *c = &w->client[s->client];
			must(!c->has || c->key != key_now(w) || memcmp(c->b, o + 2, COOKIE) == 0);
			memcpy(c->b, o + 2, COOKIE);
			c->has = true;
			c->key = key_now(w);
		}
	}
}

static void give(struct world *w, const struct slot *s, uint8_t flags, uint32_t seq, const uint8_t *opt, size_t n_opt, size_t text)
{
	lone_give(&w->host, &(struct lone_seg){ .host = (uint8_t)(2 + s->client), .port = s->port, .seq = seq, .ack = flags & TCP_ACK ? s->isn + 1 : 0,
		.flags = flags, .opt = opt, .n_opt = n_opt, .n_text = text });
}

enum how { NONE, ASKS, EXACT, NEAR, ANOTHERS, SHORT, HOWS };

/* The option; true if it should open a connection. */
static bool put_cookie(const struct world *w, unsigned who, uint8_t how, uint8_t twist, uint8_t opt[16], size_t *n)
{
	const struct client *c = &w->client[how % HOWS == ANOTHERS ? (who + 1) % CLIENTS : who];
	bool exp = how & 0x80, right = false;
	uint8_t len = 0;
	*n = 0;
	if (how % HOWS == NONE)
		return false;
	if (how % HOWS >= EXACT && c->has) {
		len = how % HOWS == SHORT ? 4 : COOKIE;
		right = how % HOWS == EXACT && (c->key == key_now(w) || c->key == key_before(w));
	}
	uint8_t head = exp ? 4 : 2;
	memset(opt, 1, 16);
	opt[0] = exp ? 254 : 34;
	opt[1] = head + len;
	if (exp)
		be16_put(opt + 2, 0xf989);
	memcpy(opt + head, c->b, len);
	if (how % HOWS == NEAR && len)
		opt[head + twist % COOKIE] ^= (uint8_t)(1u << (twist >> 5));
	*n = (head + len + 3u) / 4 * 4;
	return right;
}

static void syn(struct world *w, struct story *st, struct slot *s)
{
	uint8_t how = byte(st), opt[16];
	size_t n, got;
	if (s->used && s->s >= 0) {
		ol_close(w->host.stk, s->s, w->host.now);
		if (s->opened && s->opened->fate == PENDING)
			s->opened->fate = MAYBE;
	}
	drain(w);
	*s = (struct slot){ .used = true, .client = byte(st) % CLIENTS, .port = (uint16_t)(FIRST_PORT + w->ports++), .seq = byte(st) * 0x01000001u,
		.text = byte(st) * 4u, .at = w->host.now, .s = -1 };
	bool right = put_cookie(w, s->client, how, byte(st), opt, &n);
	unsigned least = pending(w, true), most = pending(w, false);
	give(w, s, TCP_SYN, s->seq, opt, n, s->text);
	s->s = ol_accept(w->host.stk, w->host.listener, NULL, NULL, w->host.now);
	must(s->s < 0 || (right && least < QUEUE));
	must(s->s >= 0 || !right || most >= QUEUE);
	if (s->s >= 0) {
		s->opened = &w->opened[w->n_opened++];
		*s->opened = (struct opened){ PENDING, w->host.now };
		must(readable(w, s->s, &got) == (s->text > 0) && got == s->text);
	}
	drain(w);
	const struct client *c = &w->client[s->client];
	must(s->isn && (how % HOWS == NONE || most >= QUEUE || (c->has && c->key == key_now(w))));
}

/* Its handshake is certainly not over. */
static bool open_still(const struct world *w, const struct slot *s)
{
	return s->used && !s->done && w->host.now - s->at < SURE && (!s->opened || s->opened->fate == PENDING);
}

/* The SYN once more, as a client sends it that heard nothing: it opens nothing. */
static void again(struct world *w, const struct slot *s)
{
	give(w, s, TCP_SYN, s->seq, NULL, 0, 0);
	must(ol_accept(w->host.stk, w->host.listener, NULL, NULL, w->host.now) < 0);
	drain(w);
}

static void ack(struct world *w, struct slot *s)
{
	bool fresh = open_still(w, s);
	size_t got;
	give(w, s, TCP_ACK, s->seq + 1 + (s->opened ? (uint32_t)s->text : 0), NULL, 0, 0);
	if (s->opened && !s->done)
		s->opened->fate = GONE;
	ol_sock c = ol_accept(w->host.stk, w->host.listener, NULL, NULL, w->host.now);
	must(c < 0 || !s->opened);
	must(c >= 0 || s->opened || !fresh);
	if (c >= 0) {
		must(!readable(w, c, &got));			/* the SYN's text was not taken */
		s->s = c;
	}
	s->done = true;
	drain(w);
}

static void reset(struct world *w, struct slot *s)
{
	give(w, s, TCP_RST, s->seq + 1 + (s->opened ? (uint32_t)s->text : 0), NULL, 0, 0);
	if (s->opened && open_still(w, s))
		*s->opened = (struct opened){ RESET, w->host.now };
	else if (s->opened && s->opened->fate != GONE && s->opened->fate != RESET)
		*s->opened = (struct opened){ MAYBE, w->host.now };
	s->done = true;
	drain(w);
}

static void rekey(struct world *w, uint8_t how)
{
	uint8_t k[32];
	if (!w->keyed)
		return;
	memset(k, how | 1, 16);
	memset(k + 16, (int)(w->key[0] & 0xff), 16);
	bool keep = how & 1 && w->key[0];
	must(ol_setsockopt(w->host.stk, w->host.listener, IPPROTO_TCP, TCP_FASTOPEN_KEY, k, keep ? 32 : 16, w->host.now) == 0);
	w->key[1] = keep ? w->key[0] : 0;
	w->key[0] = how | 1;
}

static void pass(struct world *w, ol_time ns)
{
	ol_time until = w->host.now + ns;
	for (int i = 0; i < 1000 && w->host.now < until; i++) {		/* each timer at its own instant */
		w->host.now = MAX(w->host.now, MIN(ol_stack_deadline(w->host.stk), until));
		ol_stack_expire(w->host.stk, w->host.now);
		drain(w);
	}
	w->host.now = until;
}

static void step(struct world *w, struct story *st)
{
	uint8_t op = byte(st);
	struct slot *s = &w->slot[op >> 4];
	switch (op & 7) {
	case 0: case 1: case 2: syn(w, st, s); break;
	case 3: if (s->used) ack(w, s); break;
	case 4: if (open_still(w, s)) again(w, s); break;
	case 5: if (s->used && !s->done) reset(w, s); break;
	case 6: rekey(w, byte(st)); break;
	default: pass(w, byte(st) * (op & 16 ? 600 : 1) * OL_SEC); break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct story st = { data, size };
	struct world *w = calloc(1, sizeof *w);
	must(w);
	lone_open(&w->host, "tcp_fastopen", "2");
	int queue = QUEUE;
	must(ol_setsockopt(w->host.stk, w->host.listener, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof queue, w->host.now) == 0);
	must(ol_listen(w->host.stk, w->host.listener, 1000, w->host.now) == 0);
	w->keyed = byte(&st) & 1;
	rekey(w, 1);
	for (int i = 0; st.left && i < STEPS; i++)
		step(w, &st);
	lone_close(&w->host);
	free(w);
	return 0;
}
