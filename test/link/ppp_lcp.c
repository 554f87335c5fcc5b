/* LCP by its packets: RFC 1661 3 to 6, RFC 1662 3 and 7. */
#include "ppp_bench.h"
#include "base/be.h"

/* ---- opening, answering ----------------------------------------------------------------------------------------------- */
/* req: 1661-5.1-a, 1661-4.6-a */
TEST(lcp_asks_again_each_restart_time_and_gives_up_after_max_configure)
{
	struct bench b;
	bench_new(&b, plain());
	bench_start(&b);
	for (int i = 0; i < 10; i++) {
		out(&b, "c021 0101000a 0206 00000000");	/* the same request keeps its Identifier */
		pass(&b, 3 * OL_SEC - 1);
		none(&b);
		pass(&b, 1);
	}
	none(&b);
	eq(b.ppp.lcp.state, PPP_STOPPED);
	eq(ppp_deadline(&b.ppp), OL_NEVER);
	bench_end(&b);
}

/* req: 1661-4.6-a */
TEST(lcp_timers_and_counters_are_settings)
{
	struct bench b;
	struct ppp_config c = plain();
	c.timing = (struct ppp_timing){ OL_SEC, 3, 2, 1 };
	bench_new(&b, c);
	bench_start(&b);
	for (int i = 0; i < 2; i++) {
		out(&b, "c021 0101000a 0206 00000000");
		pass(&b, OL_SEC);
	}
	eq(b.ppp.lcp.state, PPP_STOPPED);
	eq(in(&b, "c021 0105 0008 0104 0010"), OL_DONE);		/* the peer wakes us: MRU 16 is too small */
	out(&b, "c021 0102000a 0206 00000000");
	out(&b, "c021 0305 0008 0104 05dc");
	eq(in(&b, "c021 0106 0008 0104 0010"), OL_DONE);		/* Max-Failure is 1: what is not Nak'd is rejected */
	out(&b, "c021 0406 0008 0104 0010");
	ppp_admin(&b.ppp, false, b.now);
	for (int i = 0; i < 3; i++) {				/* Max-Terminate 3 */
		ok(b.n_sent - b.n_read == 1);
		eq(b.sent[b.n_read].b[4], PPP_TERM_REQ);
		b.n_read = b.n_sent = 0;
		pass(&b, OL_SEC);
	}
	none(&b);
	eq(b.ppp.lcp.state, PPP_CLOSED);
	bench_end(&b);
}

/* req: 1661-5.1-a, 1661-5.2-a */
TEST(lcp_identifier_changes_with_the_options_and_after_an_answer)
{
	struct bench b;
	struct ppp_config c = plain();
	c.mru = 1000;
	bench_new(&b, c);
	bench_start(&b);
	out(&b, "c021 0101000e 0104 03e8 0206 00000000");
	eq(in(&b, "c021 0301 0008 0104 02bc"), OL_DONE);		/* Nak: 700 */
	out(&b, "c021 0102000e 0104 02bc 0206 00000000");
	eq(in(&b, "c021 0301 0008 0104 0200"), OL_DROP_PPP_CONTROL);	/* that one has had its answer */
	none(&b);
	bench_end(&b);
}

/* The same options in the same order, known ones all.  req: 1661-5.2-a */
TEST(lcp_acknowledges_what_it_can_take_unchanged)
{
	struct bench b;
	bench_new(&b, plain());
	bench_start(&b);
	out(&b, "c021 0101000a 0206 00000000");
	eq(in(&b, "c021 0177 0018 0802 0506 12345678 0702 0206 000a0000 0104 0600"), OL_DONE);
	out(&b, "c021 0277 0018 0802 0506 12345678 0702 0206 000a0000 0104 0600");
	eq(b.ppp.lcp.state, PPP_ACK_SENT);
	bench_end(&b);
}

/* req: 1661-5.2-b */
TEST(lcp_answers_count_only_for_the_last_request)
{
	struct bench b;
	bench_new(&b, plain());
	bench_start(&b);
	out(&b, "c021 0101000a 0206 00000000");
	eq(in(&b, "c021 0202000a 0206 00000000"), OL_DROP_PPP_CONTROL);	/* Identifier */
	eq(in(&b, "c021 0201000a 0206 00000001"), OL_DROP_PPP_CONTROL);	/* not what was asked */
	eq(in(&b, "c021 02010004"), OL_DROP_PPP_CONTROL);
	eq(in(&b, "c021 0302000a 0206 ffffffff"), OL_DROP_PPP_CONTROL);
	eq(in(&b, "c021 0402000a 0206 00000000"), OL_DROP_PPP_CONTROL);
	eq(in(&b, "c021 04010006 0702"), OL_DROP_PPP_CONTROL);		/* rejected what was never asked for */
	eq(in(&b, "c021 0401000a 0206 00000001"), OL_DROP_PPP_CONTROL);
	none(&b);
	eq(b.ppp.lcp.state, PPP_REQ_SENT);
	eq(in(&b, "c021 0201000a 0206 00000000"), OL_DONE);
	eq(b.ppp.lcp.state, PPP_ACK_RCVD);
	eq(in(&b, "c021 0201000a 0206 00000000"), OL_DROP_PPP_CONTROL);	/* once */
	eq(b.ppp.lcp.state, PPP_ACK_RCVD);
	bench_end(&b);
}

/* Only what is not acceptable, with what would be; no other order.  req: 1661-5.3-a */
TEST(lcp_naks_bad_values_with_good_ones)
{
	struct bench b;
	struct ppp_config c = plain();
	c.magic = true;
	bench_new(&b, c);
	bench_start(&b);
	b.n_read = b.n_sent = 0;
	eq(in(&b, "c021 0109 0014 0104 0020 0702 0206 00000000 0104 0000"), OL_DONE);
	out(&b, "c021 0309 000c 0104 05dc 0104 05dc");
	eq(in(&b, "c021 010a 0007 0103 05"), OL_DONE);		/* a wrong length too */
	out(&b, "c021 030a 0008 0104 05dc");
	eq(b.ppp.lcp.state, PPP_REQ_SENT);
	bench_end(&b);
}

/* Unknown ones and those that are not to be had, as they came.  req: 1661-5.4-a */
TEST(lcp_rejects_unknown_options_unmodified)
{
	struct bench b;
	bench_new(&b, plain());
	bench_start(&b);
	out(&b, "c021 0101000a 0206 00000000");
	eq(in(&b, "c021 0111 0021 0305 c22305 0104 0010 6303 55 0408 c025 00000001 0703 00 0506 01020304"), OL_DONE);
	out(&b, "c021 0411 0017 0305 c22305 6303 55 0408 c025 00000001 0703 00");
	eq(in(&b, "c021 0112 0008 0104 0010"), OL_DONE);		/* and then the rest */
	out(&b, "c021 0312 0008 0104 05dc");
	bench_end(&b);
}

/* req: 1661-5.4-b */
TEST(lcp_does_not_ask_again_for_what_was_rejected)
{
	struct bench b;
	struct ppp_config c = plain();
	c.mru = 1000;
	c.magic = c.pfc = c.acfc = true;
	bench_new(&b, c);
	bench_start(&b);
	eq(b.sent[0].len, 6 + 4 + 6 + 6 + 2 + 2 + 2);
	uint8_t reject[64];
	memcpy(reject, b.sent[0].b, b.sent[0].len);
	reject[4] = PPP_CONF_REJ;
	b.n_sent = b.n_read = 0;
	eq(in_bytes(&b, reject, 28), OL_DONE);
	out(&b, "c021 0102 0004");
	pass(&b, 3 * OL_SEC);
	out(&b, "c021 0102 0004");
	bench_end(&b);
}

TEST(lcp_naks_of_what_it_asked_are_heeded)
{
	struct bench b;
	struct ppp_config c = plain();
	c.mru = 1000;
	bench_new(&b, c);
	bench_start(&b);
	out(&b, "c021 0101000e 0104 03e8 0206 00000000");
	/* more than we can take, two characters to be escaped, and an option of another length than ours */
	eq(in(&b, "c021 0301 0013 0104 ffff 0206 000a0000 0305 c22305"), OL_DONE);
	out(&b, "c021 0102000e 0104 03e8 0206 000a0000");
	bench_end(&b);
}

/* ---- malformed -------------------------------------------------------------------------------------------------------- */
/* req: 1661-5-a */
TEST(lcp_packets_of_wrong_length_are_dropped_and_padding_is_not_looked_at)
{
	struct bench b;
	bench_new(&b, plain());
	bench_start(&b);
	out(&b, "c021 0101000a 0206 00000000");
	eq(in(&b, "c021 01"), OL_DROP_PPP_CONTROL);
	eq(in(&b, "c021 0109 0003"), OL_DROP_PPP_CONTROL);
	eq(in(&b, "c021 0109 000b 0206 00000000"), OL_DROP_PPP_CONTROL);	/* Length says more */
	eq(in(&b, "c021 0109 000a 0207 00000000"), OL_DROP_PPP_CONTROL);	/* an option that ends beyond */
	eq(in(&b, "c021 0109 0006 0201"), OL_DROP_PPP_CONTROL);
	eq(in(&b, "c021 0109 0005 02"), OL_DROP_PPP_CONTROL);
	none(&b);
	eq(in(&b, "c021 0109 000a 0206 00000000 7777 77"), OL_DONE);
	out(&b, "c021 0209 000a 0206 00000000");
	bench_end(&b);
}

/* ---- phases ----------------------------------------------------------------------------------------------------------- */
static const char datagram[] = "0021 4500001c 00010000 40110000 0a090002 0a090001 00010002 00080000";

/* req: 1661-3.4-a, 1332-2-a */
TEST(nothing_but_lcp_is_heard_before_the_link_is_open)
{
	struct bench b;
	bench_new(&b, plain());
	bench_start(&b);
	out(&b, "c021 0101000a 0206 00000000");
	eq(in(&b, datagram), OL_DROP_PPP_PHASE);
	eq(in(&b, "8021 0160000a 0306 0a090002"), OL_DROP_PPP_PHASE);
	eq(in(&b, "c223 01010004"), OL_DROP_PPP_PHASE);
	none(&b);
	bench_end(&b);
}

/* req: 1661-3.6-a, 1332-2.1-a, 1661-5.7-a */
TEST(datagrams_pass_when_ipcp_is_open_and_unknown_protocols_are_rejected)
{
	struct bench b;
	uint32_t accm;
	bench_new(&b, plain());
	b.ppp.cfg_local4 = LOCAL4;
	lcp_open(&b);
	out(&b, "8021 0101000a 0306 0a090001");
	eq(in(&b, datagram), OL_DROP_PPP_PHASE);			/* silently */
	struct ol_pkt *p = ol_pkt_from(b.pool, "E", 1);
	eq(ppp_output(&b.ppp, p, &accm), OL_DROP_PPP_PHASE);
	ol_pkt_free(p);
	none(&b);
	eq(in(&b, "802b 01010004"), OL_DROP_PPP_PROTOCOL);
	out(&b, "c021 0801 000a 802b 01010004");
	eq(in(&b, "802b 01020004"), OL_DROP_PPP_PROTOCOL);
	out(&b, "c021 0802 000a 802b 01020004");			/* a new Identifier each time */
	eq(in(&b, "8021 0160000a 0306 0a090002"), OL_DONE);
	out(&b, "8021 0260000a 0306 0a090002");
	eq(in(&b, "8021 0201000a 0306 0a090001"), OL_DONE);
	eq(b.net4, 1);
	eq(in(&b, datagram), OL_PASS);
	eq(in(&b, "0057 60000000"), OL_DROP_PPP_PROTOCOL);		/* IPv6 is off */
	b.n_read = b.n_sent = 0;
	bench_end(&b);
}

/* Even, or odd in its first octet: no Protocol can be so.  req: 1661-2-a */
TEST(protocol_fields_that_cannot_be_are_unrecognized)
{
	struct bench b;
	bench_new(&b, plain());
	ip_open(&b);
	eq(in(&b, "0020 4500"), OL_DROP_PPP_PROTOCOL);
	out(&b, "c021 0801 0008 0020 4500");
	eq(in(&b, "2121 4500"), OL_DROP_PPP_PROTOCOL);
	out(&b, "c021 0802 0008 2121 4500");
	bench_end(&b);
}

/* req: 1661-5.7-a */
TEST(a_protocol_the_peer_rejects_falls_silent)
{
	struct bench b;
	bench_new(&b, plain());
	ip_open(&b);
	eq(in(&b, "c021 0801 0006 8021"), OL_DONE);
	eq(b.ppp.ipcp.state, PPP_STARTING);
	eq(b.net4, 0);
	pass(&b, 100 * OL_SEC);
	none(&b);
	eq(b.ppp.lcp.state, PPP_OPENED);
	eq(in(&b, "c021 0801 0006 c021"), OL_DONE);			/* LCP itself: catastrophic */
	eq(b.ppp.lcp.state, PPP_STOPPING);
	out(&b, "c021 0502 0004");
	bench_end(&b);
	bench_new(&b, plain());						/* and before Opened it is not heard */
	bench_start(&b);
	out(&b, "c021 0101000a 0206 00000000");
	eq(in(&b, "c021 0801 0006 c021"), OL_DROP_PPP_CONTROL);
	eq(b.ppp.lcp.state, PPP_REQ_SENT);
	bench_end(&b);
}

/* ---- open, and no longer ---------------------------------------------------------------------------------------------- */
/* req: 1661-4.3-a */
TEST(a_new_request_on_an_open_link_negotiates_anew_at_once)
{
	struct bench b;
	bench_new(&b, plain());
	ip_open(&b);
	eq(b.accm, 0);
	eq(in(&b, "c021 0151000e 0206 00000000 0104 0200"), OL_DONE);
	eq(b.net4, 0);
	eq(b.accm, PPP_ACCM_DEFAULT);
	eq(b.ppp.lcp.state, PPP_ACK_SENT);
	eq(b.ppp.ipcp.state, PPP_STARTING);
	out(&b, "c021 0102000a 0206 00000000");
	out(&b, "c021 0251000e 0206 00000000 0104 0200");
	eq(in(&b, "c021 0202000a 0206 00000000"), OL_DONE);
	eq(b.ppp.lcp.state, PPP_OPENED);
	eq(b.ppp.peer.mru, 512);
	out(&b, "8021 0102000a 0306 0a090001");
	bench_end(&b);
}

/* req: 1661-5.5-a, 1661-3.7-a */
TEST(a_terminate_request_is_acknowledged_and_the_end_waits_a_restart_time)
{
	struct bench b;
	bench_new(&b, plain());
	ip_open(&b);
	eq(in(&b, "c021 0533 0006 6279"), OL_DONE);
	out(&b, "c021 0633 0004");
	eq(b.net4, 0);
	eq(b.ppp.lcp.state, PPP_STOPPING);
	pass(&b, 3 * OL_SEC - 1);
	eq(b.ppp.lcp.state, PPP_STOPPING);
	eq(in(&b, "c021 0534 0004"), OL_DONE);				/* our Ack was lost: it hears it again */
	out(&b, "c021 0634 0004");
	pass(&b, 1);
	eq(b.ppp.lcp.state, PPP_STOPPED);
	none(&b);
	eq(in(&b, "c021 0152000a 0206 00000000"), OL_DONE);		/* and a new request opens it without anybody's word */
	out(&b, "c021 0102000a 0206 00000000");
	out(&b, "c021 0252000a 0206 00000000");
	bench_end(&b);
}

/* req: 1661-5.5-a */
TEST(closing_asks_and_waits_for_the_acknowledgement)
{
	struct bench b;
	bench_new(&b, plain());
	ip_open(&b);
	ppp_admin(&b.ppp, false, b.now);
	out(&b, "c021 0502 0004");
	eq(b.ppp.lcp.state, PPP_CLOSING);
	eq(in(&b, datagram), OL_DROP_PPP_PHASE);
	eq(in(&b, "c021 0153000a 0206 00000000"), OL_DONE);		/* not configured any more, and not answered */
	none(&b);
	eq(in(&b, "c021 0602 0004"), OL_DONE);
	eq(b.ppp.lcp.state, PPP_CLOSED);
	eq(in(&b, "c021 0154000a 0206 00000000"), OL_DONE);
	out(&b, "c021 0654 0004");
	ppp_admin(&b.ppp, true, b.now);
	out(&b, "c021 0103000a 0206 00000000");
	bench_end(&b);
}

/* req: 1661-5.6-a */
TEST(unknown_codes_are_rejected_within_the_peers_mru)
{
	struct bench b;
	bench_new(&b, plain());
	bench_start(&b);
	out(&b, "c021 0101000a 0206 00000000");
	eq(in(&b, "c021 6309 0006 abcd"), OL_DONE);
	out(&b, "c021 0701 000a 6309 0006 abcd");
	eq(in(&b, "c021 0150000e 0206 00000000 0104 0044"), OL_DONE);	/* MRU 68 */
	out(&b, "c021 0250000e 0206 00000000 0104 0044");
	eq(in(&b, "c021 0201000a 0206 00000000"), OL_DONE);
	b.n_read = b.n_sent = 0;
	uint8_t big[306] = { 0xff, 0x03, 0xc0, 0x21, 99, 5, 1, 0x2e };
	eq(in_bytes(&b, big, sizeof big), OL_DONE);
	eq(b.sent[0].len, 4 + 68);
	eq_mem(b.sent[0].b, ((uint8_t[]){ 0xff, 0x03, 0xc0, 0x21, 7, 2, 0, 68, 99, 5, 1, 0x2e }), 12);
	big[2] = 0x80; big[3] = 0x2b;					/* and so are unknown protocols */
	eq(in_bytes(&b, big, sizeof big), OL_DROP_PPP_PROTOCOL);
	eq(b.sent[1].len, 4 + 68);
	b.n_read = b.n_sent = 0;
	bench_end(&b);
}

/* RFC 1661 4.3, RXJ: an extended code is given up, a fundamental one ends the link. */
TEST(code_rejects_end_what_they_must)
{
	struct bench b;
	struct ppp_config c = plain();
	c.echo_ns = 10 * OL_SEC;
	bench_new(&b, c);
	ip_open(&b);
	pass(&b, 10 * OL_SEC);
	out(&b, "c021 0901 0008 00000000");
	eq(in(&b, "c021 0701 000c 0901 0008 00000000"), OL_DONE);
	eq(b.ppp.lcp.state, PPP_OPENED);
	pass(&b, 100 * OL_SEC);
	none(&b);
	eq(in(&b, "c021 0702 0008 0101 0004"), OL_DONE);
	eq(b.ppp.lcp.state, PPP_STOPPING);
	out(&b, "c021 0502 0004");
	bench_end(&b);
}

/* ---- echo, discard, magic ----------------------------------------------------------------------------------------------- */
/* req: 1661-5.8-a, 1661-5.9-a */
TEST(echoes_are_answered_on_an_open_link_only_and_discards_never)
{
	struct bench b;
	bench_new(&b, plain());
	bench_start(&b);
	out(&b, "c021 0101000a 0206 00000000");
	eq(in(&b, "c021 0942 000a 00000000 6869"), OL_DROP_PPP_CONTROL);
	none(&b);
	eq(in(&b, "c021 0150000a 0206 00000000"), OL_DONE);
	out(&b, "c021 0250000a 0206 00000000");
	eq(in(&b, "c021 0201000a 0206 00000000"), OL_DONE);
	b.n_read = b.n_sent = 0;					/* IPCP's */
	eq(in(&b, "c021 0942 000a 00000000 6869"), OL_DONE);
	out(&b, "c021 0a42 000a 00000000 6869");			/* no magic number was negotiated: 0 */
	eq(in(&b, "c021 0a42 0008 00000000"), OL_DONE);
	eq(in(&b, "c021 0b43 000a 00000000 6869"), OL_DONE);
	eq(in(&b, "c021 0943 0006 0000"), OL_DROP_PPP_CONTROL);		/* too short for its magic number */
	none(&b);
	bench_end(&b);
}

/* req: 1661-6.4-a, 1661-5.8-a */
TEST(magic_numbers_are_asked_for_and_carried_in_echoes)
{
	struct bench b;
	struct ppp_config c = plain();
	c.magic = true;
	bench_new(&b, c);
	bench_start(&b);
	uint32_t ours = be32_at(b.sent[0].b + 16);
	ok(ours != 0);
	eq(b.sent[0].b[14], 5);
	uint8_t ack[20];
	memcpy(ack, b.sent[0].b, 20);
	ack[4] = PPP_CONF_ACK;
	b.n_read = b.n_sent = 0;
	eq(in_bytes(&b, ack, 20), OL_DONE);
	eq(in(&b, "c021 0150000a 0506 11223344"), OL_DONE);
	b.n_read = b.n_sent = 0;
	eq(in(&b, "c021 0942 0008 11223344"), OL_DONE);
	eq(b.sent[0].b[4], PPP_ECHO_REP);
	eq(be32_at(b.sent[0].b + 8), ours);
	b.n_read = b.n_sent = 0;
	eq(in(&b, "c021 0942 0008 99999999"), OL_DROP_PPP_CONTROL);	/* somebody else's */
	eq(in(&b, "c021 0942 0008 00000000"), OL_DROP_PPP_CONTROL);	/* nobody's, and the peer has one */
	uint8_t own[12] = { 0xff, 0x03, 0xc0, 0x21, 9, 1, 0, 8 };
	be32_put(own + 8, ours);
	eq(in_bytes(&b, own, 12), OL_DROP_PPP_CONTROL);			/* our own come back */
	none(&b);
	bench_end(&b);
}

/* req: 1661-6.4-a */
TEST(our_own_magic_number_and_zero_are_nakd_with_another)
{
	struct bench b;
	struct ppp_config c = plain();
	c.magic = true;
	bench_new(&b, c);
	bench_start(&b);
	uint8_t mine[20];
	memcpy(mine, b.sent[0].b, 20);
	uint32_t ours = be32_at(mine + 16);
	b.n_read = b.n_sent = 0;
	eq(in_bytes(&b, mine, 20), OL_DONE);				/* looped back? */
	eq(b.n_sent, 1);						/* and no new request until it would come anyway */
	eq(b.sent[0].b[4], PPP_CONF_NAK);
	eq(b.sent[0].len, 4 + 10);
	eq(b.sent[0].b[8], 5);
	ok(be32_at(b.sent[0].b + 10) != ours && be32_at(b.sent[0].b + 10) != 0);
	b.n_read = b.n_sent = 0;
	for (int i = 0; i < 8; i++) {					/* Max-Failure makes no Reject of it */
		eq(in(&b, "c021 0150000a 0506 00000000"), OL_DONE);
		eq(b.sent[0].b[4], PPP_CONF_NAK);
		ok(be32_at(b.sent[0].b + 10) != 0);
		b.n_read = b.n_sent = 0;
	}
	eq(in(&b, "c021 0301000a 0506 12345678"), OL_DONE);		/* a Nak: a new number */
	eq(b.sent[0].b[4], PPP_CONF_REQ);
	ok(be32_at(b.sent[0].b + 16) != ours);
	b.n_read = b.n_sent = 0;
	bench_end(&b);
}

/* Every frame comes back.  The exchange of Naks ends by itself, and so does asking. */
TEST(a_looped_line_is_found_out_and_given_up)
{
	struct bench b;
	bench_new(&b, ppp_config_default());
	bench_start(&b);
	unsigned frames = 0;
	for (int i = 0; i < 200; i++) {
		while (b.n_read < b.n_sent) {
			uint8_t back[1600];
			size_t n = b.sent[b.n_read].len;
			memcpy(back, b.sent[b.n_read++].b, n);
			if (b.n_read == b.n_sent)
				b.n_read = b.n_sent = 0;
			in_bytes(&b, back, n);
			ok(++frames < 500);
		}
		pass(&b, OL_SEC);
	}
	eq(b.ppp.lcp.state, PPP_STOPPED);
	eq(b.net4 + b.net6, 0);
	bench_end(&b);
}

TEST(an_echo_that_nobody_answers_begins_the_link_anew)
{
	struct bench b;
	struct ppp_config c = plain();
	c.echo_ns = 10 * OL_SEC;
	c.echo_failure = 2;
	bench_new(&b, c);
	ip_open(&b);
	pass(&b, 10 * OL_SEC);
	out(&b, "c021 0901 0008 00000000");
	eq(in(&b, "c021 0a01 0008 00000000"), OL_DONE);
	pass(&b, 20 * OL_SEC);
	out(&b, "c021 0902 0008 00000000");
	out(&b, "c021 0903 0008 00000000");
	pass(&b, 10 * OL_SEC);
	eq(b.net4, 0);
	out(&b, "c021 0102000a 0206 00000000");
	bench_end(&b);
}

/* ---- the frame ---------------------------------------------------------------------------------------------------------- */
static struct ol_pkt *put_out(struct bench *b, uint32_t *accm)
{
	struct ol_pkt *p = ol_pkt_from(b->pool, "\x45udp", 4);
	eq(ppp_output(&b->ppp, p, accm), OL_PASS);
	return p;
}

/* req: 1661-6.5-a, 1661-6.6-a, 1662-3.1-a */
TEST(header_fields_are_compressed_only_when_asked_for_and_never_lcps)
{
	struct bench b;
	struct ppp_config c = plain();
	uint32_t accm;
	bench_new(&b, c);
	ip_open(&b);
	struct ol_pkt *p = put_out(&b, &accm);
	eq(p->len, 8);
	eq_mem(p->data, "\xff\x03\x00\x21\x45udp", 8);
	ol_pkt_free(p);
	eq(in_bytes(&b, (const uint8_t *)"\x21\x45", 2), OL_DROP_PPP_PROTOCOL);	/* we did not ask for one octet */
	b.n_read = b.n_sent = 0;
	bench_end(&b);

	c.pfc = c.acfc = true;
	bench_new(&b, c);
	b.ppp.cfg_local4 = LOCAL4;
	bench_start(&b);
	out(&b, "c021 0101000e 0206 00000000 0702 0802");
	eq(in(&b, "c021 0150000e 0206 000f0000 0702 0802"), OL_DONE);
	out(&b, "c021 0250000e 0206 000f0000 0702 0802");
	eq(in(&b, "c021 0201000e 0206 00000000 0702 0802"), OL_DONE);
	out_frame(&b, "8021 0101000a 0306 0a090001");			/* no address, two octets: they are 8021 */
	eq(in(&b, "8021 0160000a 0306 0a090002"), OL_DONE);
	out_frame(&b, "8021 0260000a 0306 0a090002");
	eq(in_bytes(&b, (const uint8_t *)"\x80\x21\x02\x01\x00\x0a\x03\x06\x0a\x09\x00\x01", 12), OL_DONE);
	p = put_out(&b, &accm);
	eq(p->len, 5);
	eq_mem(p->data, "\x21\x45udp", 5);
	eq(accm, 0x000f0000);
	ol_pkt_free(p);
	eq(in_bytes(&b, (const uint8_t *)"\x21\x45", 2), OL_PASS);	/* every form of it */
	eq(in_bytes(&b, (const uint8_t *)"\x00\x21\x45", 3), OL_PASS);
	eq(in_bytes(&b, (const uint8_t *)"\xff\x03\x21\x45", 4), OL_PASS);
	eq(in_bytes(&b, (const uint8_t *)"\xff\x03\x00\x21\x45", 5), OL_PASS);
	eq(in(&b, "c021 0942 0008 00000000"), OL_DONE);
	eq(b.sent[0].accm, PPP_ACCM_DEFAULT);
	out(&b, "c021 0a42 0008 00000000");				/* LCP with all its fields */
	bench_end(&b);
}

/* Both maps: the peer's for what we send, ours for what comes; LCP's own packets go escaped.  req: 1662-7.1-a */
TEST(control_character_maps_hold_from_opening_on)
{
	struct bench b;
	uint32_t accm;
	struct ppp_config c = plain();
	c.accm = 0x00000800;
	bench_new(&b, c);
	b.ppp.cfg_local4 = LOCAL4;
	bench_start(&b);
	eq(b.accm, PPP_ACCM_DEFAULT);
	eq(b.sent[0].accm, PPP_ACCM_DEFAULT);
	out(&b, "c021 0101000a 0206 00000800");
	eq(in(&b, "c021 0150000a 0206 80000001"), OL_DONE);
	eq(b.accm, PPP_ACCM_DEFAULT);
	out(&b, "c021 0250000a 0206 80000001");
	eq(in(&b, "c021 0201000a 0206 00000800"), OL_DONE);
	eq(b.accm, 0x800);
	eq(b.sent[0].accm, 0x80000001);
	out(&b, "8021 0101000a 0306 0a090001");
	eq(in(&b, "8021 0160000a 0306 0a090002"), OL_DONE);
	out(&b, "8021 0260000a 0306 0a090002");
	eq(in(&b, "8021 0201000a 0306 0a090001"), OL_DONE);
	struct ol_pkt *p = put_out(&b, &accm);
	eq(accm, 0x80000001);
	ol_pkt_free(p);
	eq(in(&b, "c021 0942 0008 00000000"), OL_DONE);
	eq(b.sent[0].accm, PPP_ACCM_DEFAULT);			/* LCP goes as if nothing had been agreed */
	out(&b, "c021 0a42 0008 00000000");
	ppp_carrier(&b.ppp, false, b.now);
	eq(b.accm, PPP_ACCM_DEFAULT);
	bench_end(&b);
}

/* The peer's MRU bounds what is sent. */
TEST(datagrams_longer_than_the_peers_mru_are_not_sent)
{
	struct bench b;
	uint32_t accm;
	bench_new(&b, plain());
	ip_open(&b);
	b.ppp.peer.mru = 100;
	struct ol_pkt *p = ol_pkt_new(b.pool, 101);
	memset(ol_pkt_put(p, 101), 0x45, 101);
	eq(ppp_output(&b.ppp, p, &accm), OL_DROP_LINK_TOO_LONG);
	ol_pkt_trim(p, 100);
	eq(ppp_output(&b.ppp, p, &accm), OL_PASS);
	ol_pkt_free(p);
	bench_end(&b);
}
