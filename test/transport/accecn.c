/* Accurate ECN, RFC 9768 3.2: the counters and their two ways back, and what the sender makes of them. */
#include "accecn.h"
#include "base/check.h"
#include "transport/tcp/tcp_segment.h"

/* n segments of 1000 bytes at once, which the peer has not acknowledged yet. */
static void send_many(struct ladder *l, unsigned n)
{
	char s[30];
	snprintf(s, sizeof s, "write %u", 1000 * n);
	app(l, 0, "%s", s);
	eq(ladder_flush(l), n);
}

/* ---- the count ---------------------------------------------------------------------------------------------------- */

/* req: 9768-3.2.1-a */
TEST(accecn_counters_begin_at_5_1_0_1)
{
	struct ladder *l = agreed(NULL);
	eq(acc(l)->s_cep, 5);
	eq(acc(l)->s_bytes[IPECN_CE], 0);
	eq(acc(l)->s_bytes[IPECN_ECT0], 1);
	eq(acc(l)->s_bytes[IPECN_ECT1], 1);
	app(l, 0, "write 100");
	out(l, 0, "P.5 1:101(100) ack 1 <>");
	in (l, 20, "P.5 1:101(100) ack 101 win 257 [ect1]");
	out(l, 0, ".5 101:101(0) ack 101 <ECN1 101,nop,nop,nop>");
	in (l, 20, "P.5 101:201(100) ack 101 win 257 [ce]");
	out(l, 0, ".6 101:101(0) ack 201 <ECN1 101 100>");
	in (l, 20, "P.5 201:301(100) ack 101 win 257 [ect0]");
	out(l, 0, ".6 101:101(0) ack 301 <ECN0 101 100 101,nop>");
	ladder_end(l);
	l = opened("S.2", ",ECN0 1 0 1");
	out(l, 0, ".2 1:1(0) ack 1 <ECN0 1 0 1,nop>");
	app(l, 0, "write 100");
	out(l, 0, "P.5 1:101(100) ack 1 <ECN0 1 0 1,nop>");
	eq(acc(l)->s_cep, 5);
	eq(acc(l)->s_bytes[IPECN_ECT0], 1);
	ladder_end(l);
}

/* The low three bits, on all that has no SYN, and round again. */
/* req: 9768-3.2.2-a, 8311-4.2-a */
TEST(accecn_every_segment_has_the_count)
{
	struct ladder *l = agreed("tcp_ecn_option=0");
	char s[80];
	for (int i = 0; i < 10; i++) {
		snprintf(s, sizeof s, "P.5 %d:%d(100) ack 1 win 257 [ce]", 1 + 100 * i, 101 + 100 * i);
		in (l, 5, "%s", s);
		snprintf(s, sizeof s, ".%d 1:1(0) ack %d <> [noecn]", (6 + i) & 7, 101 + 100 * i);
		out(l, 0, "%s", s);
	}
	app(l, 0, "write 50");					/* 15 */
	out(l, 0, "P.7 1:51(50) ack 1001 [ect0]");
	in (l, 0, ".5 1001:1001(0) ack 51 win 257 [ce]");	/* marks on what has no text count, too */
	none(l);
	in (l, 0, "R.5 5000:5000(0) ack 51 win 257");
	out(l, 0, ".0 51:51(0) ack 1001");			/* a challenge */
	in (l, 600, ".5 500:500(0) ack 51 win 257 [ce]");	/* but not on what is not acceptable */
	out(l, 0, ".0 51:51(0) ack 1001");
	app(l, 0, "shutdown wr");
	out(l, 0, "F.0 51:51(0) ack 1001 [noecn]");
	in (l, 20, "F.5 1001:1001(0) ack 52 win 257 [ce]");
	out(l, 0, ".1 52:52(0) ack 1002");
	state_is(l, TIME_WAIT);
	in (l, 20, "F.5 1001:1001(0) ack 52 win 257");
	out(l, 0, ".1 52:52(0) ack 1002");
	ladder_end(l);
	l = agreed("tcp_ecn_option=0");
	in (l, 5, "P.5 1:101(100) ack 1 win 257 [ce]");
	out(l, 0, ".6 1:1(0) ack 101");
	app(l, 0, "abort");
	out(l, 0, "R.6 1:1(0) ack 101");
	ladder_end(l);
}

/* ---- when an ACK goes --------------------------------------------------------------------------------------------- */

/* 3.2.2.5.1: at once when marks begin, then every second, though the ACK would wait; every third of what has no text. */
TEST(accecn_marks_are_told_in_time)
{
	struct ladder *l = agreed("tcp_ecn_option=0");
	in (l, 0, "P.5 1:11(10) ack 1 win 257");
	ladder_flush(l);
	app(l, 0, "write 10");					/* from now on ACKs wait for company */
	out(l, 0, "P.5 1:11(10) ack 11");
	in (l, 5, "P.5 11:21(10) ack 11 win 257");
	none(l);
	in (l, 1, "P.5 21:31(10) ack 11 win 257 [ce]");
	out(l, 0, ".6 11:11(0) ack 31");			/* they begin */
	in (l, 1, "P.5 31:41(10) ack 11 win 257 [ce]");
	none(l);
	in (l, 1, "P.5 41:51(10) ack 11 win 257 [ce]");
	out(l, 0, ".0 11:11(0) ack 51");			/* two more */
	in (l, 1, ".5 51:51(0) ack 11 win 257");
	in (l, 1, "P.5 51:61(10) ack 11 win 257 [ce]");
	out(l, 0, ".1 11:11(0) ack 61");			/* again they begin */
	wait(l, 100);
	for (int i = 0; i < 7; i++) {				/* an ACK of ACKs */
		in (l, 1, ".5 61:61(0) ack 11 win 257 [ce]");
		if (i % 3 == 2)
			out(l, 0, i == 2 ? ".4 11:11(0) ack 61" : ".7 11:11(0) ack 61");
		none(l);
	}
	ladder_end(l);
	l = agreed(NULL);
	in (l, 5, "P.5 101:201(100) ack 1 win 257");		/* which never has SACK blocks */
	out(l, 0, ".5 1:1(0) ack 1 <nop,nop,sack 101:201>");
	for (int i = 0; i < 3; i++)
		in (l, 1, ".5 1:1(0) ack 1 win 257 [ce]");
	out(l, 0, ".0 1:1(0) ack 1 <>");
	ladder_end(l);
}

/* ---- the sender --------------------------------------------------------------------------------------------------- */

/* Once for a round trip; no CWR says so, and TCP_INFO tells how many were marked. */
TEST(accecn_marks_halve_the_window_once_a_round_trip)
{
	struct ladder *l = agreed("tcp_congestion_control=reno");
	app(l, 0, "write 40000");
	eq(ladder_flush(l), 10);
	in (l, 20, ".6 1:1(0) ack 1001 win 257");
	eq(ladder_tcb(l)->loss.ssthresh, 4500);
	eq(ladder_tcb(l)->loss.ca_state, TCP_CAS_CWR);
	uint32_t ssthresh = ladder_tcb(l)->loss.ssthresh;
	for (int i = 2; i <= 10; i++) {
		char s[80];
		snprintf(s, sizeof s, ".%d 1:1(0) ack %d win 257", (5 + i) & 7, 1 + 1000 * i);
		in (l, 1, "%s", s);
		eq(ladder_tcb(l)->loss.ssthresh, ssthresh);
		for (struct ol_pkt *p; (p = ladder_take(l)); ol_pkt_free(p)) {
			eq(p->data[33] & 0xc0, 0x40);		/* r.cep is 5: AE and ECE, and no CWR beside it */
			eq(p->data[1] & 3, 2);
		}
	}
	eq(ce_told(l), 10);
	uint32_t nxt = ladder_tcb(l)->snd_nxt.v - ladder_tcb(l)->iss.v;
	char s[80];
	snprintf(s, sizeof s, ".7 1:1(0) ack %u win 257", nxt);
	in (l, 20, "%s", s);						/* no more marks in a round trip */
	eq(ladder_tcb(l)->loss.ca_state, TCP_CAS_OPEN);
	ladder_flush(l);
	snprintf(s, sizeof s, ".0 1:1(0) ack %u win 257", nxt + 1000);
	in (l, 20, "%s", s);
	eq(ladder_tcb(l)->loss.ca_state, TCP_CAS_CWR);
	ok(ladder_tcb(l)->loss.ssthresh < ssthresh);
	eq(ce_told(l), 11);
	ladder_end(l);
}

/* With a window of two segments and less: each mark counts once, and what was sent before the reduction is of the same event. */
TEST(accecn_marks_reduce_to_one_segment)
{
	struct ladder *l = agreed("tcp_congestion_control=reno,tcp_init_cwnd=2");
	app(l, 0, "write 20000");
	eq(ladder_flush(l), 2);
	in (l, 20, ".6 1:1(0) ack 1001 win 257");
	none(l);
	in (l, 1, ".7 1:1(0) ack 2001 win 257");
	eq(ladder_tcb(l)->loss.cwnd, 1000);
	out(l, 0, ".5 2001:3001(1000) ack 1 [ect0]");
	in (l, 20, ".0 1:1(0) ack 3001 win 257");		/* marked again, at one segment: the timer's turn */
	int rto = (int)(ladder_tcb(l)->rto_ns / OL_MS);
	wait(l, rto - 1);
	by (l, 2, ".5 3001:4001(1000) ack 1");
	in (l, 20, ".0 1:1(0) ack 4001 win 257");
	out(l, 0, ".5 4001:5001(1000) ack 1");			/* no mark: on at once */
	ladder_end(l);
}

/* An ACK that another overtook has an old count, which would look like seven marks. */
TEST(accecn_superseded_acks_are_not_read)
{
	for (int ts = 0; ts < 2; ts++) {
		const char *t[] = { "", "<nop,nop,TS val 20 ecr last>", "<nop,nop,TS val 30 ecr last>" };
		char s[100];
		struct ladder *l = ladder(.cfg = "tcp_ecn=3");
		app(l, 0, "listen 5");
		in (l, 0, ts ? "SEWA 0:0(0) win 32792 <mss 1012,sackOK,TS val 10 ecr 0>" : "SEWA 0:0(0) win 32792 <mss 1000>");
		out(l, 0, "S.2 0:0(0) ack 1");
		snprintf(s, sizeof s, ".2 1:1(0) ack 1 win 30000 %s", ts ? "<nop,nop,TS val 15 ecr last>" : "");
		in (l, 20, "%s", s);
		app(l, 0, "accept");
		send_many(l, 4);
		snprintf(s, sizeof s, ".6 1:1(0) ack 2001 win 30000 %s", t[2 * ts]);
		in (l, 20, "%s", s);
		eq(ce_told(l), 1);
		snprintf(s, sizeof s, ".5 1:1(0) ack 2001 win 30000 %s", t[ts]);
		in (l, 0, "%s", s);
		snprintf(s, sizeof s, ".5 1:1(0) ack 1001 win 30000 %s", t[ts]);
		in (l, 0, "%s", s);
		eq(ce_told(l), 1);
		snprintf(s, sizeof s, ".7 1:1(0) ack 2001 win 30000 %s", ts ? "<nop,nop,TS val 31 ecr last>" : "");
		in (l, 0, "%s", s);					/* a timestamp tells that it is news */
		eq(ce_told(l), ts ? 2 : 1);
		ladder_end(l);
	}
}

/* Ten segments in one ACK: two marks may have been ten.  Unless the option has the bytes, or this is how the peer always is. */
/* req: 9768-3.2.2.5.2-a */
TEST(accecn_a_whole_turn_is_assumed_where_it_was_possible)
{
	static const struct { int segs, ace; const char *opt; uint32_t marks; } all[] = {
		{ 9, 7, "", 2 }, { 10, 7, "", 10 }, { 10, 5, "", 8 }, { 7, 5, "", 0 }, { 1, 0, "", 3 },
		{ 10, 7, "<ECN0 8001 2000>", 2 }, { 10, 7, "<ECN0 1 10000>", 10 }, { 10, 5, "<ECN0 10001>", 0 },
		{ 10, 7, "<ECN0 8001 6000>", 10 },		/* more than two segments hold */
	};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		char s[120];
		struct ladder *l = agreed("tcp_init_cwnd=40");
		for (int k = 0; k < 4; k++) {
			send_many(l, 1);
			snprintf(s, sizeof s, ".5 1:1(0) ack %d win 1000", 1001 + 1000 * k);
			in (l, 20, "%s", s);
		}
		send_many(l, (unsigned)all[i].segs);
		snprintf(s, sizeof s, ".%d 1:1(0) ack %d win 1000 %s", all[i].ace, 4001 + 1000 * all[i].segs, all[i].opt);
		in (l, 20, "%s", s);
		eq(ce_told(l), all[i].marks);
		eq(acc(l)->s_cep, 5 + all[i].marks);
		eq(ladder_tcb(l)->loss.ca_state == TCP_CAS_CWR, all[i].marks > 0);
		ladder_end(l);
	}
	struct ladder *l = agreed("tcp_init_cwnd=40");
	for (int k = 0; k < 3; k++) {
		char s[80];
		send_many(l, 10);
		snprintf(s, sizeof s, ".5 1:1(0) ack %d win 1000", 10001 + 10000 * k);
		in (l, 20, "%s", s);
		eq(ce_told(l), 0);
	}
	ladder_end(l);
}

/* 3.2.3.2.5: a peer that acknowledges ten at a time hides a whole turn, and its next option tells of it. */
TEST(accecn_bytes_tell_of_a_turn_that_was_missed)
{
	struct ladder *l = agreed("tcp_init_cwnd=40");
	char s[80];
	for (int k = 0; k < 3; k++) {
		send_many(l, 10);
		snprintf(s, sizeof s, ".5 1:1(0) ack %d win 1000", 10001 + 10000 * k);
		in (l, 20, "%s", s);
	}
	eq(ce_told(l), 0);
	send_many(l, 1);
	in (l, 20, ".6 1:1(0) ack 31001 win 1000 <ECN0 23001 8500>");	/* eight and one */
	eq(ce_told(l), 9);
	ok(!acc(l)->no_ect);
	send_many(l, 1);
	in (l, 20, ".6 1:1(0) ack 32001 win 1000 <ECN0 24001 8500>");
	eq(ce_told(l), 9);
	send_many(l, 1);
	in (l, 20, ".6 1:1(0) ack 33001 win 1000 <ECN0 24001 9500>");	/* of this there can be no doubt */
	ok(acc(l)->no_ect);
	ladder_end(l);
}

/* 3.2.2.4, 3.2.3.2.5: a first count of 0, or bytes that came marked in no packet. */
TEST(accecn_feedback_that_cannot_be_ends_ect)
{
	struct ladder *l = agreed(NULL);
	send_many(l, 2);
	in (l, 20, ".0 1:1(0) ack 2001 win 257");
	ok(acc(l)->no_ect && acc(l)->deaf);
	in (l, 0, "P.0 1:101(100) ack 2001 win 257 [ce]");
	out(l, 0, ".6 2001:2001(0) ack 101");			/* theirs is counted all the same */
	send_many(l, 2);
	in (l, 20, ".3 101:101(0) ack 4001 win 257");
	eq(ce_told(l), 0);
	eq(ladder_tcb(l)->loss.ca_state, TCP_CAS_OPEN);
	ladder_end(l);
	l = agreed(NULL);
	send_many(l, 2);
	in (l, 20, ".6 1:1(0) ack 2001 win 257 <ECN0 1001 1000>");
	ok(!acc(l)->no_ect);
	send_many(l, 2);
	in (l, 20, ".6 1:1(0) ack 4001 win 257 <ECN0 2001 2000>");
	ok(acc(l)->no_ect);
	app(l, 0, "write 100");
	out(l, 0, "P.5 4001:4101(100) ack 1 [noecn]");
	ladder_end(l);
}

static uint32_t una(struct ladder *l) { return ladder_tcb(l)->snd_una.v - ladder_tcb(l)->iss.v; }
static uint32_t nxt(struct ladder *l) { return ladder_tcb(l)->snd_nxt.v - ladder_tcb(l)->iss.v; }

/* The next segment is acknowledged; it came marked (or more came than it). */
static void one_acked(struct ladder *l, int ms, unsigned ce)
{
	in (l, ms, ".%u 1:1(0) ack %u win 1000", (acc(l)->s_cep + ce) & 7, una(l) + 1000);
	ladder_flush(l);
}

/* All that is out is acknowledged one by one; all came marked but one: the last, if plain is 1. */
static void round_trip(struct ladder *l, unsigned plain)
{
	for (uint32_t left = (nxt(l) - una(l)) / 1000, n = left; left > 0; left--)
		one_acked(l, left == n ? 20 : 1, left != plain);
}

static struct ladder *marked(const char *cfg, unsigned text)
{
	struct ladder *l = agreed(cfg);
	app(l, 0, "write %u", text);
	ladder_flush(l);
	return l;
}

/* Nothing is out: what goes next? */
static void ect_is(struct ladder *l, bool ect)
{
	eq(una(l), nxt(l));
	app(l, 0, "write 1000");
	by (l, 5000, "P.5 %u:%u(1000) [%s]", una(l), una(l) + 1000, ect ? "ect0" : "noecn");
	one_acked(l, 20, false);
}

#define MARKED "tcp_congestion_control=reno,tcp_init_cwnd=40,tcp_ecn_option=0"
/* 3.2.2.3: four rounds in which everything came marked, and what says so is no router: no ECT, no response.  Theirs is counted on. */
TEST(accecn_marks_on_everything_are_not_believed)
{
	struct ladder *l = marked(MARKED, 200000);
	round_trip(l, 0);
	ok(ladder_tcb(l)->loss.ssthresh < 40000);			/* the first may be congestion */
	round_trip(l, 0);
	round_trip(l, 0);
	for (uint32_t end = nxt(l); una(l) != end; one_acked(l, 5, true))
		ok(!acc(l)->no_ect);
	uint32_t ssthresh = ladder_tcb(l)->loss.ssthresh, told = ce_told(l), r_cep = acc(l)->r_cep;
	while (una(l) != nxt(l))
		one_acked(l, 5, true);
	eq(ladder_tcb(l)->loss.ssthresh, ssthresh);
	eq(ladder_tcb(l)->loss.ca_state, TCP_CAS_OPEN);
	eq(una(l), 200001);
	eq(ce_told(l), told);
	ect_is(l, false);
	in (l, 0, "P.%u 1:101(100) ack %u win 1000 [ce]", acc(l)->s_cep & 7, nxt(l));
	out(l, 0, ".6 201001:201001(0) ack 101");
	eq(acc(l)->r_cep, r_cep + 1);
	ladder_end(l);
}

/* One that came without a mark, in any of the rounds, and they are taken for what they say, for good. */
TEST(accecn_marks_with_one_exception_are_believed)
{
	for (int odd = 1; odd <= 4; odd++) {
		struct ladder *l = marked(MARKED, 200000);
		for (int i = 1; una(l) != nxt(l); i++) {		/* down to one segment, and a wait */
			round_trip(l, i == odd ? 1 + (unsigned)odd % 2 : 0);
			if (i == 1 && odd == 1)				/* what else comes marked makes up for nothing */
				one_acked(l, 1, 2);
		}
		eq(ce_told(l), (una(l) - 1) / 1000 - (odd > 1));
		by (l, 5000, ".5 %u:%u(1000) [ect0]", una(l), una(l) + 1000);
		ladder_end(l);
	}
	for (int all = 0; all < 2; all++) {				/* ten in one ACK are two marks or ten: the option tells */
		struct ladder *l = marked("tcp_congestion_control=reno,tcp_init_cwnd=100", 400000);
		for (uint32_t ce = 0; una(l) < 45000; ladder_flush(l)) {
			if (una(l) == nxt(l))				/* one at a time, after a wait */
				by (l, 5000, ".%u %u:%u(1000)", acc(l)->r_cep & 7, una(l), una(l) + 1000);
			uint32_t n = MIN((nxt(l) - una(l)) / 1000, 10u), end = una(l) + 1000 * n;
			ce += all || n < 2 ? n : 2;
			in (l, 20, ".%u 1:1(0) ack %u win 1000 <ECN0 %u %u>", (5 + ce) & 7, end, end - 1000 * ce, 1000 * ce);
		}
		eq(acc(l)->deaf, all);
		ladder_end(l);
	}
}

/* What is said of ACKs of ours is no word about text. */
TEST(accecn_marks_where_there_was_no_text_prove_nothing)
{
	struct ladder *l = agreed("tcp_ecn_option=0");
	for (unsigned i = 0; i < 6; i++)
		in (l, 20, "P.%u %u:%u(10) ack 1 win 1000", (6 + i) & 7, 1 + 10 * i, 11 + 10 * i);
	eq(acc(l)->s_cep, 11);
	ok(!acc(l)->no_ect && !acc(l)->deaf);
	ladder_end(l);
}

/* 3.2.2.3: a handshake that came changed costs ECT and no more, unless everything comes marked from then on. */
TEST(accecn_marks_on_everything_end_the_response_of_who_sends_no_ect)
{
	struct ladder *l = ladder(.cfg = "tcp_ecn=3," MARKED);
	app(l, 0, "listen 5");
	in (l, 0, "SEWA 0:0(0) win 32792 <mss 1000,nop,wscale 7>");
	out(l, 0, "S.2 0:0(0) ack 1");
	in (l, 20, ".4 1:1(0) ack 1 win 1000");
	app(l, 0, "accept");
	app(l, 0, "write 100000");
	ladder_flush(l);
	in (l, 20, ".7 1:1(0) ack 1001 win 1000");			/* two arrived together, and the second was ahead of its ACK */
	in (l, 0, ".7 1:1(0) ack 2001 win 1000");
	for (int i = 0; i < 4; i++) {
		ok(acc(l)->no_ect && !acc(l)->deaf);
		round_trip(l, 0);
	}
	ok(acc(l)->deaf);
	ladder_end(l);
}

/* ---- the option --------------------------------------------------------------------------------------------------- */

/* req: 9768-3.2.3-a */
TEST(accecn_options_of_every_length_are_read)
{
	static const struct { uint8_t b[14]; uint32_t e0, ce, e1; } all[] = {
		{ { 172, 11, 0, 1, 2, 0, 3, 4, 0, 5, 6 }, 0x102, 0x304, 0x506 },
		{ { 174, 11, 0, 1, 2, 0, 3, 4, 0, 5, 6 }, 0x506, 0x304, 0x102 },
		{ { 172, 8, 0, 1, 2, 0, 3, 4 }, 0x102, 0x304, 1 }, { { 174, 8, 0, 1, 2, 0, 3, 4 }, 1, 0x304, 0x102 },
		{ { 172, 5, 0, 1, 2 }, 0x102, 0, 1 }, { { 174, 5, 0, 1, 2 }, 1, 0, 0x102 },
		{ { 172, 2 }, 1, 0, 1 }, { { 174, 2 }, 1, 0, 1 },
		{ { 172, 4, 0, 1 }, 1, 0, 1 }, { { 172, 7, 0, 1, 2, 9, 9 }, 0x102, 0, 1 },	/* fields that are whole */
		{ { 172, 12, 0, 1, 2, 0, 3, 4, 0, 5, 6, 9 }, 0x102, 0x304, 0x506 },
		{ { 172, 14, 0, 1, 2, 0, 3, 4, 0, 5, 6, 9, 9, 9 }, 0x102, 0x304, 0x506 },
	};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		struct ladder *l = agreed(NULL);
		send_many(l, 2);
		char s[120] = ".6 1:1(0) ack 2001 win 257 <", *at = s + strlen(s);
		for (unsigned k = 0; k < all[i].b[1]; k += 2)
			at += sprintf(at, "%sraw %02x%02x", k ? "," : "", all[i].b[k], k + 1u < all[i].b[1] ? all[i].b[k + 1] : 1);
		strcpy(at, ">");
		in (l, 20, "%s", s);
		eq(acc(l)->s_bytes[IPECN_ECT0], all[i].e0);
		eq(acc(l)->s_bytes[IPECN_CE], all[i].ce);
		eq(acc(l)->s_bytes[IPECN_ECT1], all[i].e1);
		ladder_end(l);
	}
	struct ladder *l = agreed(NULL);			/* 24 bits, and round again */
	for (int i = 0; i < 3; i++) {
		char s[80];
		send_many(l, 1);
		snprintf(s, sizeof s, ".5 1:1(0) ack %d win 257 <ECN0 %u>", 1001 + 1000 * i, (i + 1) * 8000000u & 0xffffff);
		in (l, 20, "%s", s);
	}
	eq(acc(l)->s_bytes[IPECN_ECT0], 24000000);
	ladder_end(l);
	l = ladder(.cfg = "tcp_ecn=3");				/* 3.2.3.2.4: zeros are the work of a middlebox */
	app(l, 0, "listen 5");
	in (l, 0, "SEWA 0:0(0) win 30000 <mss 1000,ECN0 9 9 9>");	/* and on a SYN it is none */
	out(l, 0, "S.2 0:0(0) ack 1");
	in (l, 20, ".2 1:1(0) ack 1 win 30000 <ECN0 0 0 0>");
	app(l, 0, "accept");
	send_many(l, 2);
	in (l, 20, ".6 1:1(0) ack 2001 win 30000 <ECN0 5001 1000>");
	eq(acc(l)->s_bytes[IPECN_ECT0], 1);
	eq(ce_told(l), 1);
	ladder_end(l);
}

/* 3.2.3.3: what changed since the last, with what ever did; two SACK blocks are worth more, a third is not. */
/* req: 9768-3.2.3-a */
TEST(accecn_option_goes_with_what_is_new)
{
	struct ladder *l = agreed(NULL);
	in (l, 5, "P.5 1:101(100) ack 1 win 257");
	out(l, 0, ".5 1:1(0) ack 101 <>");			/* Not-ECT: nothing grew */
	in (l, 5, "P.5 101:201(100) ack 1 win 257 [ect0]");
	out(l, 0, ".5 1:1(0) ack 201 <ECN0 101,nop,nop,nop>");
	app(l, 0, "write 100");
	out(l, 0, "P.5 1:101(100) ack 201 <>");
	in (l, 5, "P.5 201:301(100) ack 101 win 257 [ce]");
	out(l, 0, ".6 101:101(0) ack 301 <ECN0 101 100>");
	in (l, 5, "P.5 301:401(100) ack 101 win 257 [ect0]");
	app(l, 0, "write 1992");
	out(l, 0, ".6 101:1093(992) ack 401 <ECN0 201 100>");	/* it takes its room from the text */
	out(l, 0, "P.6 1093:2093(1000) ack 401 <>");
	ladder_end(l);
	for (int ts = 0; ts < 2; ts++) {
		l = ladder(.cfg = "tcp_ecn=3");
		app(l, 0, "listen 5");
		in (l, 0, ts ? "SEWA 0:0(0) win 32792 <mss 1000,sackOK,TS val 7 ecr 0>" : "SEWA 0:0(0) win 32792 <mss 1000,nop,nop,sackOK>");
		out(l, 0, "S.2 0:0(0) ack 1");
		const char *t = ts ? "<nop,nop,TS val 7 ecr last>" : "";
		for (int i = 0; i < 4; i++) {
			static const char *const none[] = {
				"", "<nop,nop,sack 101:201,ECN0 101,nop,nop,nop>", "<nop,nop,sack 301:401 101:201,ECN0 201,nop,nop,nop>",
				"<nop,nop,sack 501:601 301:401 101:201,ECN0 301,nop,nop,nop>",
			};
			static const char *const with[] = {
				"", "<nop,nop,TS val * ecr 7,nop,nop,sack 101:201,ECN0 101,nop,nop,nop>",
				"<nop,nop,TS val * ecr 7,nop,nop,sack 301:401 101:201,ECN0 201,nop,nop,nop>",
				"<nop,nop,TS val * ecr 7,nop,nop,sack 501:601 301:401,ECN0 301,nop,nop,nop>",
			};
			char s[120];
			if (i == 0) {
				snprintf(s, sizeof s, ".2 1:1(0) ack 1 win 30000 %s", t);
				in (l, 20, "%s", s);
				app(l, 0, "accept");
				continue;
			}
			snprintf(s, sizeof s, "P.5 %d:%d(100) ack 1 win 30000 %s [ect0]", 200 * i - 99, 200 * i + 1, t);
			in (l, 5, "%s", s);
			snprintf(s, sizeof s, ".5 1:1(0) ack 1 %s", ts ? with[i] : none[i]);
			out(l, 0, "%s", s);
		}
		if (ts) {					/* three fields are too long beside two blocks: then none */
			in (l, 5, "P.5 701:801(100) ack 1 win 30000 <nop,nop,TS val 7 ecr last> [ect1]");
			out(l, 0, ".5 1:1(0) ack 1 <nop,nop,TS val * ecr 7,nop,nop,sack 701:801 501:601,ECN1 101,nop,nop,nop>");
		}
		ladder_end(l);
	}
}

/* tcp_ecn_option=1: at changes and the ACK after, with each mark, and before 2^22 bytes; 0 never. */
TEST(accecn_option_goes_sparingly)
{
	struct ladder *l = agreed("tcp_ecn_option=1");
	in (l, 5, "P.5 1:101(100) ack 1 win 257 [ect0]");
	out(l, 0, ".5 1:1(0) ack 101 <ECN0 101,nop,nop,nop>");
	in (l, 5, "P.5 101:201(100) ack 1 win 257 [ect0]");
	out(l, 0, ".5 1:1(0) ack 201 <ECN0 201,nop,nop,nop>");
	for (int i = 2; i < 6; i++) {
		char s[80];
		snprintf(s, sizeof s, "P.5 %d:%d(100) ack 1 win 257 [ect0]", 1 + 100 * i, 101 + 100 * i);
		in (l, 5, "%s", s);
		snprintf(s, sizeof s, ".5 1:1(0) ack %d <>", 101 + 100 * i);
		out(l, 0, "%s", s);
	}
	for (int i = 6; i < 10; i++) {
		char s[80];
		snprintf(s, sizeof s, "P.5 %d:%d(100) ack 1 win 257 [ce]", 1 + 100 * i, 101 + 100 * i);
		in (l, 5, "%s", s);
		snprintf(s, sizeof s, ".%d 1:1(0) ack %d <ECN0 601 %d>", i & 7, 101 + 100 * i, 100 * (i - 5));
		out(l, 0, "%s", s);
	}
	ladder_end(l);
	l = ladder(.cfg = "tcp_ecn=3,tcp_ecn_option=0");
	app(l, 0, "listen 5");
	in (l, 0, "SEWA 0:0(0) win 30000 <mss 1000>");
	out(l, 0, "S.2 0:0(0) ack 1 <mss 1460>");
	ladder_end(l);
}

/* 3.2.3.2.2: the first text, which had it, seems lost: it goes again without, and so does all else. */
TEST(accecn_option_is_given_up_with_the_first_text)
{
	struct ladder *l = opened("S.2", ",ECN0 1 0 1");
	out(l, 0, ".2 1:1(0) ack 1 <ECN0 1 0 1,nop>");
	app(l, 0, "write 100");
	out(l, 0, "P.5 1:101(100) ack 1 <ECN0 1 0 1,nop> [ect0]");
	by (l, 3000, "P.5 1:101(100) ack 1 <> [noecn]");
	in (l, 20, "P.5 1:101(100) ack 101 win 30000 [ce]");
	out(l, 0, ".6 101:101(0) ack 101 <>");
	ladder_end(l);
}

/* A middlebox drops our ACKs with options, so text comes again: twice, and they go without. */
TEST(accecn_option_is_given_up_with_acks_that_get_lost)
{
	for (int part = 0; part < 2; part++) {
		struct ladder *l = agreed(NULL);
		in (l, 5, "P.5 1:101(100) ack 1 win 257 [ect0]");
		out(l, 0, ".5 1:1(0) ack 101 <ECN0 101,nop,nop,nop>");
		in (l, 200, "P.5 1:101(100) ack 1 win 257");
		out(l, 0, ".5 1:1(0) ack 101 <nop,nop,sack 1:101>");	/* this arrives */
		in (l, 5, "P.5 101:201(100) ack 1 win 257 [ect0]");
		out(l, 0, ".5 1:1(0) ack 201 <ECN0 201,nop,nop,nop>");
		if (part)						/* it comes again together with more */
			in (l, 400, "P.5 101:301(200) ack 1 win 257");
		else
			in (l, 400, "P.5 101:201(100) ack 1 win 257");
		eq(ladder_flush(l), 1);
		in (l, 5, "P.5 %d:%d(100) ack 1 win 257 [ect0]", part ? 301 : 201, part ? 401 : 301);
		out(l, 0, ".5 1:1(0) ack %d <>", part ? 401 : 301);
		ladder_end(l);
	}
}

/* Text and its ACK, and 200 ms later it comes again, with options: none, or timestamps. */
static void acked(struct ladder *l, unsigned from, const char *opts, bool option)
{
	in (l, 5, "P.5 %u:%u(100) ack 1 win 257 %s %s", from, from + 100, opts, option ? "[ect0]" : "");
	out(l, 0, ".5 1:1(0) ack %u", from + 100);
}

static void again(struct ladder *l, unsigned from, const char *opts)
{
	in (l, 200, "P.5 %u:%u(100) ack 1 win 257 %s", from, from + 100, opts);
	out(l, 0, ".5 1:1(0)");
}

/* The newest timestamp of ours that the peer saw is what our clock says now. */
static void stamp(struct ladder *l, char *s)
{
	snprintf(s, 60, "<nop,nop,TS val 7 ecr %u>", tcp_ts_clock(ladder_tcb(l), ladder_now(l)));
}

/* A hundred bytes came, and a bare ACK went. */
static struct ladder *timestamped(void)
{
	struct ladder *l = ladder(.cfg = "tcp_ecn=3");
	app(l, 0, "listen 5");
	in (l, 0, "SEWA 0:0(0) win 32792 <mss 1000,sackOK,TS val 7 ecr 0,nop,wscale 7>");
	out(l, 0, "S.2 0:0(0) ack 1");
	in (l, 20, ".2 1:1(0) ack 1 win 257 <nop,nop,TS val 7 ecr last>");
	app(l, 0, "accept");
	in (l, 20, "P.5 1:101(100) ack 1 win 257 <nop,nop,TS val 7 ecr last>");
	eq(ladder_flush(l), 1);
	return l;
}

/* ... but not if one of them did arrive, as a timestamp tells that nothing without has, ... */
TEST(accecn_option_stays_where_timestamps_show_that_it_arrives)
{
	enum { LOST, ARRIVES, ONE_ARRIVES, OLD };
	for (int path = LOST; path <= OLD; path++) {
		struct ladder *l = timestamped();
		char bare[60], seen[60];
		stamp(l, bare);
		for (unsigned at = 101; at <= 301; at += 200) {
			acked(l, at, bare, true);
			stamp(l, seen);
			if (path == OLD)				/* no retransmission, but late: PAWS */
				*strchr(bare, '7') = '6';
			again(l, at, path == ARRIVES ? seen : bare);
			stamp(l, bare);
			acked(l, at + 100, bare, path == ONE_ARRIVES);
			stamp(l, path == ONE_ARRIVES ? seen : bare);
			if (path == ONE_ARRIVES)
				in (l, 20, ".5 %u:%u(0) ack 1 win 257 %s", at + 200, at + 200, seen);
		}
		eq(acc(l)->opt_off, path == LOST);
		eq(acc(l)->trial.lost, path == LOST ? 2 : 0);
		ladder_end(l);
	}
}

/* The first arrives, and what the peer sends for a while repeats so; those after it do not. */
TEST(accecn_option_is_given_up_when_acks_begin_to_get_lost)
{
	char first[60], bare[60];
	struct ladder *l = timestamped();
	stamp(l, bare);
	acked(l, 101, bare, true);
	stamp(l, first);
	acked(l, 201, first, true);
	acked(l, 301, first, true);
	again(l, 301, first);
	stamp(l, bare);
	acked(l, 401, bare, true);
	again(l, 401, bare);
	ok(acc(l)->opt_off);
	ladder_end(l);
}

/* ... or as text does beyond the window that it told. */
TEST(accecn_option_stays_where_windows_show_that_it_arrives)
{
	for (int beyond = 0; beyond < 2; beyond++) {
		struct ladder *l = agreed("tcp_rmem=4096 4096 4096");
		acked(l, 1, "", true);
		again(l, 1, "");
		unsigned at = 101, end = beyond ? 4101 : 1101;
		for (; at < end; at += 100) {
			in (l, 50, "P.5 %u:%u(100) ack 1 win 257 [ect0]", at, at + 100);
			app(l, 0, "read 100");
			ladder_flush(l);
		}
		again(l, at - 100, "");
		eq(acc(l)->opt_off, !beyond);
		eq(acc(l)->trial.lost, beyond ? 1 : 2);			/* that one did not */
		ladder_end(l);
	}
}

/* What an ACK without one acknowledged too, or what none has yet, proves nothing, and what proves something does so once. */
TEST(accecn_option_stays_where_it_is_not_to_blame)
{
	struct ladder *l = agreed(NULL);
	for (unsigned at = 1; at <= 401; at += 200) {			/* Not-ECT: there is nothing to tell */
		acked(l, at, "", false);
		acked(l, at + 100, "", true);
		again(l, at, "");
	}
	acked(l, 601, "", true);
	for (int i = 0; i < 3; i++)
		again(l, 601, "");
	eq(acc(l)->trial.lost, 1);
	ladder_end(l);
	l = agreed(NULL);
	in (l, 5, "P.5 1:11(10) ack 1 win 257");
	ladder_flush(l);
	app(l, 0, "write 10");						/* ACKs wait for company */
	ladder_flush(l);
	in (l, 5, "P.5 11:21(10) ack 11 win 257 [ect0]");
	none(l);
	in (l, 5, "P.5 11:21(10) ack 11 win 257");
	out(l, 0, ".5 11:11(0) ack 21 <nop,nop,sack 11:21,ECN0 11,nop,nop,nop>");
	eq(acc(l)->trial.lost, 0);
	ladder_end(l);
}

/* A probe of the path's MTU has one length, options and all: it does not go with the text that has one more. */
TEST(accecn_option_and_a_probe_of_the_path_go_apart)
{
	struct ladder *l = agreed("tcp_mtu_probing=2,tcp_base_mss=600,tcp_init_cwnd=20");
	in (l, 0, "P.5 1:11(10) ack 1 win 257 [ect0]");
	ladder_flush(l);
	app(l, 0, "write 10");
	ladder_flush(l);
	in (l, 5, "P.5 11:21(10) ack 11 win 257 [ect0]");
	none(l);						/* the ACK waits for company, and the option with it */
	app(l, 0, "write 5992");
	out(l, 0, ".5 11:603(592) ack 21 <ECN0 21,nop,nop,nop>");
	for (struct ol_pkt *p; (p = ladder_take(l)); ol_pkt_free(p))
		ok(p->len <= 640);
	in (l, 20, ".5 21:21(0) ack 6003 win 257 <ECN0 6003>");
	app(l, 0, "write 6000");
	out(l, 0, ".5 6003:6803(800) ack 21 <>");
	ladder_end(l);
}
