/* IPCP, RFC 1332, and IPV6CP, RFC 5072: addresses asked for, given and refused; compression agreed. */
#include "ppp_bench.h"
#include "base/be.h"

/* req: 1332-3.3-a */
TEST(ipcp_without_an_address_asks_for_one_and_takes_what_it_is_given)
{
	struct bench b;
	bench_new(&b, plain());
	lcp_open(&b);
	out(&b, "8021 0101000a 0306 00000000");
	eq(in(&b, "8021 0301000a 0306 0a090005"), OL_DONE);
	out(&b, "8021 0102000a 0306 0a090005");
	eq(in(&b, "8021 0202000a 0306 0a090005"), OL_DONE);
	eq(in(&b, "8021 0160000a 0306 0a090002"), OL_DONE);
	out(&b, "8021 0260000a 0306 0a090002");
	eq(b.net4, 1);
	eq(b.ppp.local4, 0x0a090005);
	eq(b.ppp.peer4, PEER4);
	bench_end(&b);
}

/* req: 1332-3.3-a */
TEST(ipcp_gives_a_peer_that_asks_the_address_set_for_it)
{
	struct bench b;
	bench_new(&b, plain());
	b.ppp.cfg_local4 = LOCAL4;
	b.ppp.cfg_peer4 = PEER4;
	lcp_open(&b);
	out(&b, "8021 0101000a 0306 0a090001");
	eq(in(&b, "8021 0160000a 0306 00000000"), OL_DONE);
	out(&b, "8021 0360000a 0306 0a090002");
	eq(in(&b, "8021 0161000a 0306 0a090077"), OL_DONE);	/* another than its own */
	out(&b, "8021 0361000a 0306 0a090002");
	eq(in(&b, "8021 01620004"), OL_DONE);			/* none at all: told to ask */
	out(&b, "8021 0362000a 0306 0a090002");
	eq(in(&b, "8021 0163000a 0306 0a090002"), OL_DONE);
	out(&b, "8021 0263000a 0306 0a090002");
	bench_end(&b);
}

TEST(ipcp_keeps_its_own_address_and_refuses_a_peer_the_same_or_one_that_asks_in_vain)
{
	struct bench b;
	bench_new(&b, plain());
	b.ppp.cfg_local4 = LOCAL4;
	lcp_open(&b);
	out(&b, "8021 0101000a 0306 0a090001");
	eq(in(&b, "8021 0301000a 0306 0a090009"), OL_DONE);
	out(&b, "8021 0102000a 0306 0a090001");
	eq(in(&b, "8021 0160000a 0306 0a090001"), OL_DONE);
	out(&b, "8021 0460000a 0306 0a090001");
	eq(in(&b, "8021 0161000a 0306 00000000"), OL_DONE);
	out(&b, "8021 0461000a 0306 00000000");
	eq(in(&b, "8021 01620004"), OL_DONE);			/* without is good */
	out(&b, "8021 02620004");
	bench_end(&b);
}

/* req: 1332-2-b */
TEST(ipcp_knows_codes_one_to_seven)
{
	struct bench b;
	bench_new(&b, plain());
	ip_open(&b);
	eq(in(&b, "8021 0901 0008 00000000"), OL_DONE);		/* an Echo-Request is LCP's */
	out(&b, "8021 0701 000c 0901 0008 00000000");
	eq(in(&b, "8021 0802 0006 0021"), OL_DONE);
	out(&b, "8021 0702 000a 0802 0006 0021");
	eq(b.ppp.ipcp.state, PPP_OPENED);
	eq(in(&b, "8021 0503 0004"), OL_DONE);
	out(&b, "8021 0603 0004");
	eq(b.net4, 0);
	eq(b.ppp.lcp.state, PPP_OPENED);			/* one network less is no reason to end the link (3.7) */
	pass(&b, 3 * OL_SEC);
	bench_end(&b);
}

/* req: 1332-3.2-a, 1332-4.1-a, 1144-5.1-b */
TEST(ipcp_agrees_on_compression_with_slots_and_says_whether_they_may_be_left_out)
{
	struct bench b;
	struct ppp_config c = plain();
	c.vj = true;
	bench_new(&b, c);
	b.ppp.cfg_local4 = LOCAL4;
	lcp_open(&b);
	out(&b, "8021 01010010 0206 002d 0f 01 0306 0a090001");
	ok(!b.ppp.vj_tx && !b.ppp.vj_rx);			/* none until negotiated */
	eq(in(&b, "8021 01600010 0206 002d 03 00 0306 0a090002"), OL_DONE);
	out(&b, "8021 02600010 0206 002d 03 00 0306 0a090002");
	eq(in(&b, "8021 0301000a 0206 002d 07 00"), OL_DONE);	/* fewer slots, each named */
	out(&b, "8021 01020010 0206 002d 07 00 0306 0a090001");
	eq(in(&b, "8021 02020010 0206 002d 07 00 0306 0a090001"), OL_DONE);
	ok(b.ppp.vj_tx && b.ppp.vj_rx);
	/* What is sent has its slot, twice in a row, and none above 3. */
	for (int i = 0; i < 3; i++) {
		static const uint8_t segment[40] = { 0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 9, 0, 1, 10, 9, 0, 2,
						     0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x10, 1, 0 };
		uint32_t accm;
		struct ol_pkt *p = ol_pkt_from(b.pool, segment, sizeof segment);
		p->data[27] = (uint8_t)i;
		p->data[5] = (uint8_t)i;
		eq(ppp_output(&b.ppp, p, &accm), OL_PASS);
		eq_mem(p->data, i ? "\xff\x03\x00\x2d" : "\xff\x03\x00\x2f", 4);
		if (i)
			eq_mem(p->data + 4, ((uint8_t[]){ 0x48, 0, 0, 0, 1 }), 5);
		eq(in_bytes(&b, p->data, p->len), OL_PASS);	/* and as it would come: ours are the same rules */
		ol_pkt_free(p);
	}
	bench_end(&b);
}

/* req: 1332-3.2-a, 1144-5.1-b */
TEST(ipcp_refuses_what_is_no_van_jacobson_and_gives_up_what_is_refused)
{
	struct bench b;
	struct ppp_config c = plain();
	c.vj = true;
	bench_new(&b, c);
	b.ppp.cfg_local4 = LOCAL4;
	lcp_open(&b);
	out(&b, "8021 01010010 0206 002d 0f 01 0306 0a090001");
	eq(in(&b, "8021 01600008 0204 0061"), OL_DONE);		/* another protocol: ours is offered */
	out(&b, "8021 0360000a 0206 002d 0f 01");
	eq(in(&b, "8021 0401000a 0206 002d 0f 01"), OL_DONE);
	out(&b, "8021 0102000a 0306 0a090001");
	eq(in(&b, "8021 0161000a 0306 0a090002"), OL_DONE);
	out(&b, "8021 0261000a 0306 0a090002");
	eq(in(&b, "8021 0202000a 0306 0a090001"), OL_DONE);
	ok(!b.ppp.vj_tx && !b.ppp.vj_rx);
	eq(in(&b, "002d 40000000"), OL_DROP_PPP_PROTOCOL);	/* never agreed to */
	out(&b, "c021 0801 000a 002d 40000000");
	bench_end(&b);
	c.vj = false;						/* and switched off it is not had at all */
	bench_new(&b, c);
	lcp_open(&b);
	out(&b, "8021 0101000a 0306 00000000");
	eq(in(&b, "8021 0160000a 0206 002d 0f 01"), OL_DONE);
	out(&b, "8021 0460000a 0206 002d 0f 01");
	bench_end(&b);
}

/* A damaged frame may have been a packet that named its slot.  req: 1144-3.2.4-a */
TEST(an_error_of_the_line_reaches_the_decompressor)
{
	struct bench b;
	struct ppp_config c = plain();
	c.vj = true;
	bench_new(&b, c);
	b.ppp.cfg_local4 = LOCAL4;
	lcp_open(&b);
	b.n_read = b.n_sent = 0;
	eq(in(&b, "8021 01600010 0206 002d 03 01 0306 0a090002"), OL_DONE);
	eq(in(&b, "8021 02010010 0206 002d 0f 01 0306 0a090001"), OL_DONE);
	b.n_read = b.n_sent = 0;
	eq(in(&b, "002f 45000028 00014000 40000000 0a090002 0a090001 00010002 00000000 00000000 50100100 00000000"), OL_PASS);
	eq(in(&b, "002d 08 0000 01"), OL_PASS);
	ppp_line_error(&b.ppp);
	eq(in(&b, "002d 08 0000 01"), OL_DROP_VJ_TOSSED);
	eq(in(&b, "002d 48 00 0000 01"), OL_PASS);
	bench_end(&b);
}

TEST(ipv6cp_agrees_on_two_identifiers)
{
	struct bench b;
	struct ppp_config c = plain();
	c.ipv6 = true;
	bench_new(&b, c);
	b.ppp.iid = 0x1111222233334444;
	lcp_open(&b);
	out(&b, "8021 0101000a 0306 00000000");
	out(&b, "8057 0101000e 010a 1111222233334444");
	eq(in(&b, "8057 0160000e 010a 0000000000000000"), OL_DONE);	/* asks for one */
	eq(b.sent[0].len, 4 + 14);
	eq(b.sent[0].b[4], PPP_CONF_NAK);
	ok(b.ppp.nak_iid && b.ppp.nak_iid != b.ppp.iid);
	b.n_read = b.n_sent = 0;
	eq(in(&b, "8057 0161000e 010a 1111222233334444"), OL_DONE);	/* ours */
	eq(b.sent[0].b[4], PPP_CONF_NAK);
	b.n_read = b.n_sent = 0;
	eq(in(&b, "8057 01620014 0204 002d 010a 0000000000000009 0304"), OL_DROP_PPP_CONTROL);
	eq(in(&b, "8057 01620012 0204 0061 010a 0000000000000009"), OL_DONE);
	out(&b, "8057 04620008 0204 0061");
	eq(in(&b, "8057 0163000e 010a 0000000000000009"), OL_DONE);
	out(&b, "8057 0263000e 010a 0000000000000009");
	eq(in(&b, "8057 0301000e 010a aaaabbbbccccdddd"), OL_DONE);	/* the peer would like us to be another */
	out(&b, "8057 0102000e 010a aaaabbbbccccdddd");
	eq(in(&b, "0057 6000"), OL_DROP_PPP_PHASE);
	eq(in(&b, "8057 0202000e 010a aaaabbbbccccdddd"), OL_DONE);
	eq(b.net6, 1);
	eq(in(&b, "0057 6000"), OL_PASS);
	eq(in(&b, "0057 4500"), OL_DROP_IP_VERSION);
	eq(b.net4, 0);
	bench_end(&b);
}

/* ---- two of them -------------------------------------------------------------------------------------------------------- */
struct end { struct bench b; uint8_t buf[1508]; struct ol_line_rx rx; };

/* What one has sent reaches the other by way of the line's bytes, of which some are lost or turned. */
static void carry(struct end *from, struct end *to, struct rng *r, bool bad)
{
	for (unsigned i = 0; i < from->b.n_sent; i++) {
		uint8_t line[3100];
		size_t n = ol_hdlc_encode(line, from->b.sent[i].b, from->b.sent[i].len, from->b.sent[i].accm);
		if (bad && !rng_below(r, 4))
			line[rng_below(r, (uint32_t)n)] ^= (uint8_t)(1 << rng_below(r, 8));
		if (bad && !rng_below(r, 8))
			n -= rng_below(r, (uint32_t)n);
		for (size_t at = 0; at < n; ) {
			enum ol_line what;
			to->rx.accm = to->b.accm;
			at += ol_hdlc_decode(&to->rx, line + at, n - at, &what);
			if (what == OL_LINE_FRAME)
				in_bytes(&to->b, to->rx.buf, to->rx.len);
		}
	}
	from->b.n_sent = from->b.n_read = 0;
}

/* Whatever was lost on the way: once the line is good, both agree within the time that RFC 1661 gives them. */
TEST(two_ends_agree_over_a_bad_line_that_gets_better)
{
	for (uint64_t seed = 1; seed <= 60; seed++) {
		static struct end e[2];
		struct rng r;
		rng_init(&r, seed);
		for (int i = 0; i < 2; i++) {
			bench_new(&e[i].b, ppp_config_default());
			rng_init(&e[i].b.ppp.rng, 2 * seed + (uint64_t)i);
			e[i].b.ppp.cfg_local4 = i ? 0 : LOCAL4;
			e[i].b.ppp.cfg_peer4 = i ? 0 : PEER4;
			ol_line_rx_init(&e[i].rx, e[i].buf, sizeof e[i].buf, PPP_ACCM_DEFAULT);
			ppp_admin(&e[i].b.ppp, true, e[i].b.now);
			ppp_carrier(&e[i].b.ppp, true, e[i].b.now);
		}
		for (int step = 0; step < 400; step++) {
			bool bad = step < 80;
			carry(&e[0], &e[1], &r, bad);
			carry(&e[1], &e[0], &r, bad);
			pass(&e[0].b, OL_SEC / 4);
			pass(&e[1].b, OL_SEC / 4);
		}
		for (int i = 0; i < 2; i++) {
			eq(e[i].b.ppp.lcp.state, PPP_OPENED);
			eq(e[i].b.net4, 1);
			eq(e[i].b.net6, 1);
			eq(e[i].b.ppp.local4, i ? PEER4 : LOCAL4);
			eq(e[i].b.ppp.peer4, i ? LOCAL4 : PEER4);
			ok(e[i].b.ppp.iid == e[!i].b.ppp.peer_iid);
			ok(e[i].b.ppp.want.magic == e[!i].b.ppp.peer.magic);
			ok(e[i].b.ppp.vj_tx && e[i].b.ppp.vj_rx);
		}
		for (int i = 0; i < 2; i++)
			bench_end(&e[i].b);
	}
}
