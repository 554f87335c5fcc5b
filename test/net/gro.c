/*
 * Trains of segments: which segments are one, and what sends a train up.  A batch is written as words: a letter names the
 * connection, then the number of the segment (each of 100 bytes), then what is odd about it.  What comes out is written as trains.
 *
 *	"a1 a2 b1 a3"  -->  "a123 b1"
 */
#include "unit.h"
#include <netinet/in.h>
#include <stdlib.h>
#include "base/be.h"
#include "base/check.h"
#include "base/cksum.h"
#include "net/gro.h"
#include "wire/tcp.h"

enum { TEXT = 100 };

/* What follows a segment's number: */
static const char odd[] =
	"P"	/* PSH */	"F"	/* FIN */	"S"	/* SYN */	"R"	/* RST */	"U"	/* URG */	"E"	/* ECE */	"C"	/* CWR */
	"w"	/* another window */	"k"	/* another ACK */	"t"	/* another timestamp */	"n"	/* no timestamps */
	"o"	/* an option more */	"l"	/* another TTL */	"d"	/* no DF */	"q"	/* another TOS */	"e"	/* ECT(0) */
	"c"	/* CE */	"f"	/* another flow label */	"x"	/* bad TCP checksum */	"y"	/* bad IP checksum */
	"s"	/* half the text */	"L"	/* twice the text */	"z"	/* no text */	"p"	/* padding behind */	"i"	/* a fragment */
	"g"	/* a super-segment already */	"A";	/* AE, RFC 9768 */

static bool is(const char *w, char c) { return strchr(w, c) != NULL; }

static size_t put_ip(uint8_t *ip, bool v6, char flow, unsigned number, uint32_t len, const char *w)
{
	uint8_t tos = (uint8_t)((is(w, 'q') ? 8 : 0) | (is(w, 'e') ? 2 : is(w, 'c') ? 3 : 0)), ttl = is(w, 'l') ? 63 : 64;
	if (v6) {
		be32_put(ip, UINT32_C(0x60000000) | (uint32_t)tos << 20 | (is(w, 'f') ? 7 : 5));
		be16_put(ip + 4, (uint16_t)len);
		ip[6] = is(w, 'i') ? 44 : IPPROTO_TCP;
		ip[7] = ttl;
		memset(ip + 8, 0xfd, 32);
		ip[23] = (uint8_t)flow;
		return 40;
	}
	memset(ip, 0, 20);
	ip[0] = 0x45;
	ip[1] = tos;
	be16_put(ip + 2, (uint16_t)(len + 20));
	be16_put(ip + 4, (uint16_t)(number * 13));		/* any: DF is set */
	ip[6] = (uint8_t)((is(w, 'd') ? 0 : 0x40) | (is(w, 'i') ? 0x20 : 0));
	ip[8] = ttl;
	ip[9] = IPPROTO_TCP;
	memcpy(ip + 12, (uint8_t[]){ 10, 0, 0, (uint8_t)flow, 10, 0, 0, 1 }, 8);
	be16_put(ip + 10, (uint16_t)(cksum_finish(cksum_add(0, ip, 20)) ^ (is(w, 'y') ? 1 : 0)));
	return 20;
}

static struct ol_pkt *segment(struct ol_pool *pool, bool v6, const char *word)
{
	const char *w = word + 2;
	unsigned number = (unsigned)(word[1] - '0');
	uint32_t text = is(w, 'z') ? 0 : is(w, 's') ? TEXT / 2 : is(w, 'L') ? 2 * TEXT : TEXT;
	uint8_t b[500], opt[16] = { 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 3, 3, 3, 0 };
	size_t n_opt = is(w, 'n') ? 0 : is(w, 'o') ? 16 : 12, at = v6 ? 40 : 20, len = 20 + n_opt + text;
	opt[7] = is(w, 't') ? 9 : 1;
	struct tcp_seg g = { .src = 1000, .dst = 80, .seq = seq_from(UINT32_MAX - 150 + number * TEXT), .ack = seq_from(is(w, 'k') ? 8 : 7),
		.ae = is(w, 'A'), .wnd = is(w, 'w') ? 501 : 500, .urp = is(w, 'U') ? 1 : 0,
		.flags = (uint8_t)(TCP_ACK | (is(w, 'P') ? TCP_PSH : 0) | (is(w, 'F') ? TCP_FIN : 0) | (is(w, 'S') ? TCP_SYN : 0) |
			(is(w, 'R') ? TCP_RST : 0) | (is(w, 'U') ? TCP_URG : 0) | (is(w, 'E') ? TCP_ECE : 0) | (is(w, 'C') ? TCP_CWR : 0)) };
	put_ip(b, v6, word[0], number, (uint32_t)len, w);
	wire_tcp_build(b + at, &g, n_opt);
	memcpy(b + at + 20, opt, n_opt);
	memset(b + at + 20 + n_opt, word[1], text);
	uint32_t sum = cksum_add(IPPROTO_TCP + (uint32_t)len, b + (v6 ? 8 : 12), v6 ? 32 : 8);
	be16_put(b + at + WIRE_TCP_CKSUM, (uint16_t)(cksum_finish(cksum_add(sum, b + at, len)) ^ (is(w, 'x') ? 1 : 0)));
	struct ol_pkt *p = ol_pkt_from(pool, b, at + len);
	if (is(w, 'p'))
		memset(ol_pkt_put(p, 9), 0, 9);
	if (is(w, 'g'))
		p->gso = v6 ? OL_GSO_TCP6 : OL_GSO_TCP4;
	return p;
}

static struct ol_pkt *of_word(struct ol_pool *pool, bool v6, const char *word)
{
	if (word[0] != '?')
		return segment(pool, v6, word);
	struct ol_pkt *p = segment(pool, v6, "a1");		/* no TCP at all */
	p->data[v6 ? 6 : 9] = IPPROTO_UDP;
	return p;
}

static char *tell(char *s, const struct gro_train *t)
{
	size_t ip = t->head->data[0] >> 4 == 6 ? 40 : 20;
	if (t->head->data[ip == 40 ? 6 : 9] == IPPROTO_UDP) {
		ol_pkt_free(t->head);
		return s + sprintf(s, "? ");
	}
	*s++ = (char)t->head->data[ip == 40 ? 23 : 15];
	*s++ = (char)('0' + (be32_at(t->head->data + ip + 4) - (UINT32_MAX - 150)) / TEXT);
	for (struct ol_pkt *p = t->rest, *next; p; p = next) {
		next = p->next;
		*s++ = (char)('0' + (be32_at(p->data + 4) - (UINT32_MAX - 150)) / TEXT);
		size_t hlen = (p->data[12] >> 4) * 4u;
		eq(t->ip_len, ip);
		ok(p->len - hlen == TEXT || p->len - hlen == TEXT / 2);	/* padding is off */
		for (size_t i = hlen; i < p->len; i++)
			eq(p->data[i], s[-1]);
		eq(p->csum, OL_CSUM_OK);
		ol_pkt_push(p, t->ip_len);			/* its own IP header is still there */
		eq(p->data[0], t->head->data[0]);
		ol_pkt_free(p);
	}
	ol_pkt_free(t->head);
	*s++ = ' ';
	return s;
}

static void batch(int line, bool v6, const char *in, const char *want)
{
	struct ol_pool *pool = ol_pool_new(0);
	struct gro g;
	struct gro_train out[GRO_TRAINS + 1];
	char got[1000] = "", words[1000], *s = got, *save = NULL;
	gro_init(&g);
	snprintf(words, sizeof words, "%s", in);
	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		for (const char *c = w + 1; *c; c++)
			ok((*c >= '0' && *c <= '9') || strchr(odd, *c));
		unsigned n = gro_add(&g, of_word(pool, v6, w), out);
		ok(n <= GRO_TRAINS + 1);
		for (unsigned i = 0; i < n; i++)
			s = tell(s, &out[i]);
	}
	for (unsigned i = 0, n = gro_flush(&g, out); i < n; i++)
		s = tell(s, &out[i]);
	if (s > got)
		s[-1] = 0;
	if (strcmp(got, want))
		fail_msg("line %d, IPv%d: %s\n  want %s\n  got  %s", line, v6 ? 6 : 4, in, want, got);
	ol_pool_free(pool);
}

#define both(in, want) (batch(__LINE__, false, in, want), batch(__LINE__, true, in, want))

TEST(segments_in_a_row_are_one_train)
{
	both("a1 a2 a3 a4", "a1234");
	both("a1", "a1");
	both("", "");
	both("a1p a2p a3p", "a123");			/* Ethernet pads short frames */
	both("a1n a2n a3n", "a123");
	both("a1e a2e", "a12");
	both("a1d a2d", "a12");
}

TEST(a_push_or_a_short_one_ends_a_train)
{
	both("a1 a2P a3 a4", "a12 a34");
	both("a1P a2", "a1 a2");
	both("a1 a2s a3", "a12 a3");
	both("a1s a2 a3", "a1 a23");
	both("a1 a2L a4 a5", "a1 a24 a5");
}

TEST(interleaved_connections_have_a_train_each)
{
	both("a1 b1 a2 b2 c1 a3", "a123 b12 c1");
	both("a1 b1 b2 a3 a2", "a1 a3 b12 a2");
	both("a1 b1 c1 d1 e1 f1 g1 h1 i1 a2 b2", "a1 b1 c1 d1 e1 f1 g1 h1 i1 a2 b2");	/* the ninth and tenth push the oldest out */
}

TEST(order_lost_or_segments_repeated_break_a_train_and_keep_their_order)
{
	both("a1 a3 a2 a4", "a1 a3 a2 a4");
	both("a1 a2 a2 a3", "a12 a23");
	both("a1 a2 a1 a2 a3", "a12 a123");
	both("a2 a1", "a2 a1");
}

TEST(what_is_not_plain_sends_the_train_up_before_it)
{
	both("a1 a2F a3", "a1 a2 a3");
	both("a1 a2S a3", "a1 a2 a3");
	both("a1 a2R a3", "a1 a2 a3");
	both("a1 a2U a3", "a1 a2 a3");
	both("a1 a2o a3o a4", "a1 a2 a3 a4");
	both("a1 a2z a2", "a1 a2 a2");
	both("a1 a2g a3", "a1 a2 a3");
	both("a1 a2c a3", "a1 a2 a3");			/* CE is told of the segment that has it, and of no other */
	both("a1c a2c", "a1 a2");
	both("a1 b1 ? a2 b2", "a1 b1 ? a2 b2");		/* an ICMP message may be about either */
	both("a1 b1 a2i a3", "a1 b1 a2 a3");
}

/* The flags of ECN, whatever they mean to the connection, are those of all the train or break it. */
TEST(ecn_flags_are_equal_in_a_train)
{
	both("a1 a2E a3", "a1 a2 a3");
	both("a1 a2C a3", "a1 a2 a3");
	both("a1 a2A a3", "a1 a2 a3");
	both("a1E a2E a3E", "a123");
	both("a1AE a2AE a3AEP", "a123");		/* RFC 9768 3.3.4: the same count */
	both("a1AE a2AC a3AC", "a1 a23");
	both("a1A a2AE a3E a4C", "a1 a2 a3 a4");
	both("a1EC a2EC a3E", "a12 a3");
}

/* It joins none.  That it begins one does no harm: the floors above refuse it, and the rest finds its own way. */
/* req: MUST-3 */
TEST(damaged_segment_joins_no_train)
{
	both("a1 b1 a2x b2 a3", "a1 b12 a23");
	both("a1 a2 a3x", "a12 a3");
	batch(__LINE__, false, "a1 a2y a3", "a1 a23");
}

TEST(what_differs_begins_a_train_of_its_own)
{
	both("a1 a2w a3w a4", "a1 a23 a4");
	both("a1 a2k a3k a4", "a1 a23 a4");
	both("a1 a2t a3t a4", "a1 a23 a4");
	both("a1 a2n a3n a4", "a1 a23 a4");
	both("a1 a2l a3l a4", "a1 a23 a4");
	both("a1 a2q a3q a4", "a1 a23 a4");
	both("a1 a2e a3e a4", "a1 a23 a4");
	batch(__LINE__, false, "a1 a2d a3d a4", "a1 a23 a4");
	batch(__LINE__, true, "a1 a2f a3f a4", "a1 a23 a4");
}

/* Bytes of any kind and length, cut anywhere: nothing is read beyond them, and all that went in comes out. */
TEST(datagrams_cut_short_are_passed_on)
{
	struct ol_pool *pool = ol_pool_new(0);
	struct gro g;
	struct gro_train out[GRO_TRAINS + 1];
	gro_init(&g);
	for (int v6 = 0; v6 < 2; v6++)
		for (size_t cut = 0; cut < 100; cut++) {
			struct ol_pkt *p = segment(pool, v6, "a1"), *part = ol_pkt_from(pool, p->data, cut);
			eq(gro_add(&g, part, out), 1);
			ok(out[0].head == part && !out[0].rest);
			ol_pkt_free(part);
			ol_pkt_free(p);
		}
	eq(gro_flush(&g, out), 0);
	ol_pool_free(pool);
}
