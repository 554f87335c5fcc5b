/* Accurate ECN, RFC 9768 3.1 and 3.2.2.1 to 3.2.2.3: who asks and who agrees, and what the handshake tells. */
#include "accecn.h"

/* ---- negotiation -------------------------------------------------------------------------------------------------- */

/* req: 9768-3.1.1-a */
TEST(accecn_syn_has_three_flags_and_the_answer_says_how_it_came)
{
	static const struct { const char *mark; int code; } all[] = { { "", 2 }, { "[ect1]", 3 }, { "[ect0]", 4 }, { "[ce]", 6 } };
	for (size_t i = 0; i < 4; i++) {
		char s[120];
		struct ladder *l = ladder(.cfg = "tcp_ecn=5");		/* agrees and does not ask */
		app(l, 0, "listen 5");
		snprintf(s, sizeof s, "SEWA 0:0(0) win 30000 <mss 1000> %s", all[i].mark);
		in (l, 0, "%s", s);
		snprintf(s, sizeof s, "S.%d 0:0(0) ack 1 <mss 1460,ECN0 1 0 1,nop> [noecn]", all[i].code);
		out(l, 0, "%s", s);
		in (l, 20, ".2 1:1(0) ack 1 win 30000");
		app(l, 0, "accept");
		ok(acc(l)->on);
		ladder_end(l);
		snprintf(s, sizeof s, "S.%d", all[i].code);
		l = opened(s, "");					/* asks, and knows each of the four answers */
		ok(acc(l)->on);
		ladder_end(l);
	}
}

/* What was agreed is seen by what goes: with the count, with ECE for a mark, or with neither. */
static void is_mode(struct ladder *l, char mode)
{
	app(l, 0, "write 100");
	out(l, 0, mode == 'a' ? "P.5 1:101(100) ack 1 [ect0]" : mode == 'c' ? "P. 1:101(100) ack 1 [ect0]" : "P. 1:101(100) ack 1 [noecn]");
	in (l, 0, mode == 'a' ? "P.5 1:101(100) ack 101 [ce]" : "P. 1:101(100) ack 101 [ce]");
	out(l, 0, mode == 'a' ? ".6 101:101(0) ack 101" : mode == 'c' ? "E. 101:101(0) ack 101" : ". 101:101(0) ack 101");
}

/* req: 9768-3.1.2-a */
TEST(accecn_falls_back_to_what_both_know)
{
	static const struct { const char *synack; char mode; } answers[] = {
		{ "S.2", 'a' }, { "S.1", 'c' }, { "S.", 'n' }, { "S.7", 'n' },	/* the last but echoes what it gets */
	};
	for (size_t i = 0; i < 4; i++) {
		struct ladder *l = opened(answers[i].synack, "");
		out(l, 0, answers[i].mode == 'a' ? ".2 1:1(0) ack 1 [noecn]" : ". 1:1(0) ack 1 [noecn]");
		is_mode(l, answers[i].mode);
		ladder_end(l);
	}
	static const struct { const char *cfg, *syn, *synack; char mode; } asked[] = {
		{ "tcp_ecn=3", "SEWA", "S.2", 'a' }, { "tcp_ecn=3", "SEW", "SE.", 'c' }, { "tcp_ecn=3", "S", "S.", 'n' },
		{ "tcp_ecn=4", "SEWA", "S.2", 'a' }, { "tcp_ecn=5", "SEWA", "S.2", 'a' }, { "tcp_ecn=5", "SEW", "SE.", 'c' },
		{ "tcp_ecn=2", "SEWA", "SE.", 'c' }, { "tcp_ecn=1", "SEWA", "SE.", 'c' }, { "tcp_ecn=0", "SEWA", "S.", 'n' },
	};
	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
		char s[80];
		struct ladder *l = ladder(.cfg = asked[i].cfg);
		app(l, 0, "listen 5");
		snprintf(s, sizeof s, "%s 0:0(0) win 30000 <mss 1000>", asked[i].syn);
		in (l, 0, "%s", s);
		snprintf(s, sizeof s, "%s 0:0(0) ack 1 [noecn]", asked[i].synack);
		out(l, 0, "%s", s);
		in (l, 20, asked[i].mode == 'a' ? ".2 1:1(0) ack 1 win 30000" : ". 1:1(0) ack 1 win 30000");
		app(l, 0, "accept");
		is_mode(l, asked[i].mode);
		ladder_end(l);
	}
	static const struct { const char *cfg, *syn; } asks[] = { { "tcp_ecn=4", "SEW 0:0(0)" }, { "tcp_ecn=5", "S 0:0(0)" } };
	for (int i = 0; i < 2; i++) {
		struct ladder *l = ladder(.cfg = asks[i].cfg);
		app(l, 0, "connect");
		out(l, 0, "%s", asks[i].syn);
		in (l, 20, "S.1 0:0(0) ack 1 win 30000 <mss 1000>");
		out(l, 0, ". 1:1(0) ack 1");
		is_mode(l, i ? 'n' : 'c');
		ladder_end(l);
	}
}

/* Whose SYN crosses ours is answered as if ours had not gone; flags of a SYN-ACK are no count. */
/* req: 9768-3.1.2-b, 9768-3.2.2-a */
TEST(accecn_simultaneous_open_answers_as_a_responder)
{
	struct ladder *l = ladder(.cfg = "tcp_ecn=3,tcp_timestamps=0");
	app(l, 0, "connect");
	out(l, 0, "SEWA 0:0(0)");
	in (l, 5, "SEWA 0:0(0) win 30000 <mss 1000> [ect0]");
	out(l, 0, "S.4 0:0(0) ack 1 <mss 1460,ECN0 1 0 1,nop> [noecn]");
	in (l, 5, "S.2 0:0(0) ack 1 win 30000 <mss 1000>");
	state_is(l, ESTABLISHED);
	eq(acc(l)->s_cep, 5);
	eq(ce_told(l), 0);
	ladder_flush(l);
	is_mode(l, 'a');
	ladder_end(l);
	l = ladder(.cfg = "tcp_ecn=3,tcp_timestamps=0");
	app(l, 0, "connect");
	out(l, 0, "SEWA 0:0(0)");
	in (l, 5, "SEWA 0:0(0) win 30000 <mss 1000>");
	out(l, 0, "S.2 0:0(0) ack 1");
	in (l, 5, "S.6 0:10(10) ack 1 win 30000 <mss 1000>");
	eq(acc(l)->s_cep, 5);
	ladder_end(l);
	for (int i = 0; i < 2; i++) {
		l = ladder(.cfg = "tcp_ecn=3,tcp_timestamps=0");
		app(l, 0, "connect");
		out(l, 0, "SEWA 0:0(0)");
		in (l, 5, i ? "SEW 0:0(0) win 30000 <mss 1000>" : "S 0:0(0) win 30000 <mss 1000>");
		out(l, 0, i ? "SE. 0:0(0) ack 1" : "S. 0:0(0) ack 1");
		in (l, 5, "S. 0:0(0) ack 1 win 30000 <mss 1000>");
		ladder_flush(l);
		is_mode(l, i ? 'c' : 'n');
		ladder_end(l);
	}
	l = ladder(.cfg = "tcp_ecn=3,tcp_timestamps=0");	/* 3.1.5: and its SYN-ACK must not say the other */
	app(l, 0, "connect");
	out(l, 0, "SEWA 0:0(0)");
	in (l, 5, "SEWA 0:0(0) win 30000 <mss 1000>");
	out(l, 0, "S.2 0:0(0) ack 1");
	in (l, 5, "S.1 0:0(0) ack 1 win 30000 <mss 1000>");
	out(l, 0, "R 1:1(0)");
	state_is(l, CLOSED);
	ladder_end(l);
}

/* req: 9768-3.1.3-a */
TEST(accecn_unknown_flags_count_as_a_request)
{
	static const char *const syns[] = { "SE", "SW", "SA", "SEA", "SWA" };
	for (size_t i = 0; i < sizeof syns / sizeof *syns; i++) {
		char s[80];
		struct ladder *l = ladder(.cfg = "tcp_ecn=3");
		app(l, 0, "listen 5");
		snprintf(s, sizeof s, "%s 0:0(0) win 30000 <mss 1000>", syns[i]);
		in (l, 0, "%s", s);
		out(l, 0, "S.2 0:0(0) ack 1");
		in (l, 20, ".2 1:1(0) ack 1 win 30000");
		app(l, 0, "accept");
		is_mode(l, 'a');
		ladder_end(l);
	}
	struct ladder *l = opened("S.5", "");			/* and an unknown answer as one that found the SYN unchanged */
	out(l, 0, ".2 1:1(0) ack 1");
	is_mode(l, 'a');
	ladder_end(l);
}

/* req: 9768-3.1.4.1-a */
TEST(accecn_third_syn_no_longer_asks)
{
	struct ladder *l = ladder(.cfg = "tcp_ecn=3,tcp_timestamps=0");
	app(l, 0, "connect");
	out(l, 0, "SEWA 0:0(0) [noecn]");
	out(l, 1000, "SEWA 0:0(0) [noecn]");			/* once more, and then without: the same ISN */
	by (l, 3000, "S 0:0(0) [noecn]");
	by (l, 5000, "S 0:0(0) [noecn]");
	in (l, 0, "S.2 0:0(0) ack 1 win 30000 <mss 1000>");	/* the first SYN did arrive: 3.1.5 */
	out(l, 0, ".2 1:1(0) ack 1");
	is_mode(l, 'a');
	ladder_end(l);
	l = ladder(.cfg = "tcp_ecn=3,tcp_ecn_fallback=0");
	app(l, 0, "connect");
	out(l, 0, "SEWA 0:0(0)");
	out(l, 1000, "SEWA 0:0(0)");
	by (l, 3000, "SEWA 0:0(0)");
	ladder_end(l);
}

static void until_the_third_syn(struct ladder *l)
{
	app(l, 0, "connect");
	out(l, 0, "SEWA 0:0(0)");
	by (l, 2000, "SEWA 0:0(0)");
	by (l, 3000, "S 0:0(0)");
}

static void over(struct ladder *l)
{
	app(l, 0, "close");
	ladder_flush(l);
	in (l, 0, "R. 1:1(0) ack 2");
	none(l);
}

/* The SYNs that ask are lost; the server answers the one that no longer does. */
static void open_unheard(struct ladder *l)
{
	until_the_third_syn(l);
	in (l, 20, "S. 0:0(0) ack 1 win 30000 <mss 1000>");
	out(l, 0, ". 1:1(0) ack 1");
	over(l);
}

static void open_answered(struct ladder *l, const char *synack)
{
	app(l, 0, "connect");
	out(l, 0, "SEWA 0:0(0)");
	in (l, 20, "%s 0:0(0) ack 1 win 30000 <mss 1000>", synack);
	eq(ladder_flush(l), 1);
	over(l);
}

/* It is asked for no more; what was not offered is not taken, either. */
static void open_at_rest(struct ladder *l, const char *synack)
{
	app(l, 0, "connect");
	out(l, 0, "S 0:0(0)");
	in (l, 20, "%s 0:0(0) ack 1 win 30000 <mss 1000>", synack);
	out(l, 0, ". 1:1(0) ack 1");
	is_mode(l, 'n');
	app(l, 0, "abort");
	ladder_flush(l);
}

#define ACTIVE "tcp_ecn=3,tcp_timestamps=0,tcp_ecn_option=0"
/* Twice in a row, and it gets a rest: a minute, then two; and when that is over it is tried. */
TEST(accecn_rests_where_syns_that_ask_get_lost)
{
	struct ladder *l = ladder(.cfg = ACTIVE);
	open_unheard(l);
	open_unheard(l);
	open_at_rest(l, "S.2");
	open_at_rest(l, "S.1");
	app(l, 0, "connect");
	out(l, 0, "S 0:0(0)");
	in (l, 20, "SEWA 0:0(0) win 30000 <mss 1000>");		/* nor is what was not asked for given */
	out(l, 0, "S. 0:0(0) ack 1");
	app(l, 0, "abort");
	ladder_flush(l);
	wait(l, 59000);
	open_at_rest(l, "S.");
	wait(l, 1000);
	open_unheard(l);
	wait(l, 119000);
	open_at_rest(l, "S.");
	ladder_peer_port(l, 81);
	open_answered(l, "S.2");					/* another server is another matter */
	ladder_peer_port(l, 40000);
	wait(l, 1000);
	open_answered(l, "S.2");
	open_unheard(l);						/* all is forgiven */
	open_unheard(l);
	open_at_rest(l, "S.");
	ladder_end(l);
	l = ladder(.cfg = ACTIVE ",tcp_ecn_fallback=0");		/* nothing is learnt where all SYNs ask */
	for (int i = 0; i < 3; i++) {
		app(l, 0, "connect");
		out(l, 0, "SEWA 0:0(0)");
		by (l, 2000, "SEWA 0:0(0)");
		by (l, 3000, "SEWA 0:0(0)");
		in (l, 20, "S. 0:0(0) ack 1 win 30000 <mss 1000>");
		eq(ladder_flush(l), 1);
		over(l);
	}
	eq(ladder_tcp(l)->peers.n, 0);
	ladder_end(l);
}

/* Who hears the flags and does not know them, or answers the first SYN late, is no reason; nor is who is not there. */
TEST(accecn_rests_only_for_what_it_is_to_blame_for)
{
	struct ladder *l = ladder(.cfg = ACTIVE);
	for (int i = 0; i < 3; i++) {
		open_answered(l, i == 0 ? "S." : i == 1 ? "S.1" : "S.2");
		eq(ladder_tcp(l)->peers.n, 0);				/* and leaves no trace */
	}
	for (int i = 0; i < 3; i++) {
		until_the_third_syn(l);
		in (l, 20, "S.2 0:0(0) ack 1 win 30000 <mss 1000>");
		eq(ladder_flush(l), 1);
		over(l);
	}
	for (int i = 0; i < 3; i++) {					/* never twice in a row */
		open_unheard(l);
		open_answered(l, "S.");
	}
	open_unheard(l);
	wait(l, 86401000);						/* nor is this */
	open_unheard(l);
	open_answered(l, "S.2");
	ladder_end(l);
	l = ladder(.cfg = ACTIVE ",tcp_syn_retries=2");
	for (int i = 0; i < 3; i++) {					/* a host that is not there is no proof */
		until_the_third_syn(l);
		wait(l, 10000);
		state_is(l, CLOSED);
		app(l, 0, "close");
	}
	eq(ladder_tcp(l)->peers.n, 0);
	ladder_end(l);
}

/* Opened together they fail together: that is once. */
TEST(accecn_failures_at_once_are_one)
{
	struct ladder *l = ladder(.cfg = ACTIVE);
	app(l, 0, "connect");
	struct tcp_tcb *first = ladder_tcb(l);
	out(l, 0, "SEWA 0:0(0)");
	by (l, 2000, "SEWA 0:0(0)");
	app(l, 0, "connect 1");
	out(l, 0, "SEWA 0:0(0)");
	in (l, 4000, "S. 0:0(0) ack 1 win 30000 <mss 1000>");		/* to the third SYN of either */
	over(l);
	ladder_turn_to(l, first);
	in (l, 0, "S. 0:0(0) ack 1 win 30000 <mss 1000>");
	over(l);
	open_unheard(l);						/* one more makes two */
	open_at_rest(l, "S.");
	ladder_end(l);
}

/* 3.2.3.2.2: first without the option, then without flags; who sent that marks nothing any more, and counts on. */
TEST(accecn_synacks_sent_again_have_less)
{
	for (int again = 0; again < 3; again++) {
		struct ladder *l = ladder(.cfg = "tcp_ecn=3");
		app(l, 0, "listen 5");
		in (l, 0, "SEWA 0:0(0) win 30000 <mss 1000>");
		out(l, 0, "S.2 0:0(0) ack 1 <mss 1460,ECN0 1 0 1,nop>");
		if (again > 0)
			out(l, 1000, "S.2 0:0(0) ack 1 <mss 1460>");
		if (again > 1)
			by (l, 3000, "S. 0:0(0) ack 1 <mss 1460>");
		in (l, 20, ".2 1:1(0) ack 1 win 30000");
		app(l, 0, "accept");
		app(l, 0, "write 100");
		out(l, 0, again > 1 ? "P.5 1:101(100) ack 1 [noecn]" : "P.5 1:101(100) ack 1 [ect0]");
		in (l, 0, "P.5 1:101(100) ack 101 [ce]");
		out(l, 0, again ? ".6 101:101(0) ack 101 <>" : ".6 101:101(0) ack 101 <ECN0 1 100>");
		ladder_end(l);
	}
}

/* 3.1.5: a SYN that comes again tells its own marking, may cost ECT, and may not want the other kind. */
TEST(accecn_syn_that_comes_again)
{
	struct ladder *l = ladder(.cfg = "tcp_ecn=3");
	app(l, 0, "listen 5");
	in (l, 0, "SEWA 0:0(0) win 30000 <mss 1000>");
	out(l, 0, "S.2 0:0(0) ack 1 <mss 1460,ECN0 1 0 1,nop>");
	in (l, 100, "SEWA 0:0(0) win 30000 <mss 1000> [ce]");
	out(l, 0, "S.6 0:0(0) ack 1 <mss 1460>");
	in (l, 600, "S 0:0(0) win 30000 <mss 1000>");
	out(l, 0, "S.2 0:0(0) ack 1 <mss 1460>");
	in (l, 20, ".2 1:1(0) ack 1 win 30000");
	app(l, 0, "accept");
	ladder_flush(l);
	app(l, 0, "write 100");
	out(l, 0, "P.5 1:101(100) ack 1 [noecn]");
	ladder_end(l);
	static const char *const both[2][2] = { { "SEWA", "SEW" }, { "SEW", "SEWA" } };
	for (int i = 0; i < 2; i++) {
		char s[80];
		l = ladder(.cfg = "tcp_ecn=3");
		app(l, 0, "listen 5");
		snprintf(s, sizeof s, "%s 0:0(0) win 30000 <mss 1000>", both[i][0]);
		in (l, 0, "%s", s);
		eq(ladder_flush(l), 1);
		snprintf(s, sizeof s, "%s 0:0(0) win 30000 <mss 1000>", both[i][1]);
		in (l, 600, "%s", s);
		struct ol_pkt *p = ladder_take(l);
		ok(p && p->data[33] == (TCP_RST | TCP_ACK));
		ol_pkt_free(p);
		wait(l, 5000);
		ladder_end(l);
	}
}

/* 5.1: nothing is remembered, but the flags of the ACK are ours alone. */
TEST(accecn_syn_cookie_is_known_by_the_ack)
{
	static const struct { const char *ack; char mode; } all[] = { { ".2", 'a' }, { ".", 'n' }, { ".1", 'n' }, { ".6", 'm' } };
	for (int ts = 0; ts < 2; ts++)
		for (size_t i = 0; i < 4; i++) {
			char s[120];
			const char *t = ts ? "<nop,nop,TS val 8 ecr last>" : "";
			struct ladder *l = ladder(.cfg = "tcp_ecn=3,tcp_syncookies=2");
			app(l, 0, "listen 5");
			snprintf(s, sizeof s, "SEWA 0:0(0) win 30000 <mss 1000%s>", ts ? ",sackOK,TS val 7 ecr 0,nop,wscale 7" : "");
			in (l, 0, "%s", s);
			out(l, 0, "S.2 0:0(0) ack 1");
			snprintf(s, sizeof s, "%s 1:1(0) ack 1 win 30000 %s", all[i].ack, t);
			in (l, 20, "%s", s);
			app(l, 0, "accept");
			eq(acc(l)->on, all[i].mode != 'n');
			eq(ladder_tcb(l)->ecn_ok, false);
			eq(ce_told(l), all[i].mode == 'm');		/* our SYN-ACK came marked */
			ladder_end(l);
		}
	struct ladder *l = ladder(.cfg = "tcp_ecn=3,tcp_syncookies=2");
	app(l, 0, "listen 5");
	in (l, 0, "SEW 0:0(0) win 30000 <mss 1000,sackOK,TS val 7 ecr 0,nop,wscale 7>");
	out(l, 0, "SE. 0:0(0) ack 1");
	in (l, 20, ". 1:1(0) ack 1 win 30000 <nop,nop,TS val 8 ecr last>");
	app(l, 0, "accept");
	ok(ladder_tcb(l)->ecn_ok && !acc(l)->on);
	ladder_end(l);
}

/* ---- what it tells ------------------------------------------------------------------------------------------------ */

/* req: 9768-3.2.2.1-a */
TEST(accecn_ack_of_the_synack_says_how_that_came)
{
	static const struct { const char *mark; int code, cep; } all[] = {
		{ "", 2, 5 }, { "[ect1]", 3, 5 }, { "[ect0]", 4, 5 }, { "[ce]", 6, 6 },
	};
	for (size_t i = 0; i < 4; i++) {
		char s[80];
		struct ladder *l = ladder(.cfg = "tcp_ecn=3,tcp_timestamps=0,tcp_ecn_option=0,tcp_fastopen=5");
		app(l, 0, "fastopen 100");
		out(l, 0, "SEWA 0:100(100) [noecn]");		/* text that waits does not take the ACK's place */
		snprintf(s, sizeof s, "S.2 0:0(0) ack 1 win 30000 <mss 1000> %s", all[i].mark);
		in (l, 20, "%s", s);
		snprintf(s, sizeof s, ".%d 101:101(0) ack 1 [noecn]", all[i].code);
		out(l, 0, "%s", s);
		snprintf(s, sizeof s, "P.%d 1:101(100) ack 1", all[i].cep);
		out(l, 0, "%s", s);
		for (int k = 0; k < 2; k++) {			/* the ACK was lost: again, and about the SYN-ACK that came last */
			ladder_flush(l);
			in (l, 1000, "S.2 0:0(0) ack 1 win 30000 <mss 1000> [ce]");
			unsigned n = 0;
			for (struct ol_pkt *p; (p = ladder_take(l)); ol_pkt_free(p))
				n += p->len == 40 && (p->data[32] & 1) && (p->data[33] >> 6) == 2;
			eq(n, 1);
			eq(acc(l)->r_cep, 6);			/* 3.2.2.2: counted once */
		}
		ladder_end(l);
	}
}

/* Table 4, and what follows: one more, a window of one segment; text in place of the ACK has a count. */
/* req: 9768-3.2.2.1-a, 9768-3.2.2.2-a */
TEST(accecn_server_reads_the_third_segment_by_its_table)
{
	for (int ace = 0; ace < 8; ace++)
		for (int text = 0; text < 2; text++) {
			char s[80];
			struct ladder *l = ladder(.cfg = "tcp_ecn=3,tcp_early_retrans=0");
			app(l, 0, "listen 5");
			in (l, 0, "SEWA 0:0(0) win 32792 " SYN_OPTS);
			out(l, 0, "S.2 0:0(0) ack 1");
			snprintf(s, sizeof s, text ? "P.%d 1:11(10) ack 1 win 257" : ".%d 1:1(0) ack 1 win 257", ace);
			in (l, 20, "%s", s);
			app(l, 0, "accept");
			ladder_flush(l);
			uint32_t count = 5 + ((ace - 5) & 7), table = ace == 6 ? 6 : 5;
			eq(acc(l)->s_cep, text ? count : table);
			if (!text)
				eq(ladder_tcb(l)->loss.cwnd, ace == 6 ? 1000 : 10000);
			bool odd = text ? ace == 0 : ace == 0 || ace == 3 || ace == 4 || ace == 6;
			eq(acc(l)->no_ect, odd);
			eq(acc(l)->deaf, ace == 0);
			eq(ce_told(l), text ? (ace == 0 ? 0 : count - 5) : table - 5);
			ladder_end(l);
		}
	struct ladder *l = agreed(NULL);			/* it comes twice: still no count */
	in (l, 20, ".2 1:1(0) ack 1 win 257");
	eq(acc(l)->s_cep, 5);
	in (l, 20, ".6 1:1(0) ack 1 win 257");
	eq(acc(l)->s_cep, 5);
	ladder_end(l);
	for (int deferred = 0; deferred < 2; deferred++) {	/* behind text on the SYN, or long before the connection */
		l = ladder(.cfg = "tcp_ecn=3");
		app(l, 0, "listen 5");
		tcp_listener_opts(ladder_listener(l))->defer_accept = deferred * OL_SEC;
		in (l, 0, deferred ? "SEWA 0:0(0) win 32792 <mss 1000>" : "SEWA 0:100(100) win 32792 <mss 1000>");
		out(l, 0, "S.2 0:0(0) ack 1");
		in (l, 20, deferred ? ".6 1:1(0) ack 1 win 257 [ce]" : ".6 101:101(0) ack 1 win 257 [ce]");
		if (deferred)
			in (l, 20, "P.6 1:101(100) ack 1 win 257 [ce]");
		app(l, 0, "accept");
		eq(acc(l)->s_cep, 6);
		eq(acc(l)->r_cep, 6 + deferred);
		ladder_end(l);
	}
}

/* A mark on Not-ECT is no mark of a router's; ECT is no longer said, and all else goes on. */
/* req: 9768-3.2.2.3-a */
TEST(accecn_changed_marks_end_ect_and_nothing_else)
{
	for (int active = 0; active < 2; active++) {
		struct ladder *l;
		if (active) {
			l = opened("S.4", "");
			out(l, 0, ".2 1:1(0) ack 1 [noecn]");
		} else {
			l = ladder(.cfg = "tcp_ecn=3,tcp_timestamps=0");
			app(l, 0, "listen 5");
			in (l, 0, "SEWA 0:0(0) win 30000 <mss 1000>");
			out(l, 0, "S.2 0:0(0) ack 1");
			in (l, 20, ".4 1:1(0) ack 1 win 30000");
			app(l, 0, "accept");
		}
		app(l, 0, "write 4000");
		unsigned n = 0;
		for (struct ol_pkt *p; (p = ladder_take(l)); ol_pkt_free(p), n++)
			eq(p->data[1] & 3, 0);
		ok(n >= 4);
		in (l, 20, ".6 1:1(0) ack 2001 win 30000");	/* our text came marked: that counts */
		eq(ce_told(l), 1);
		eq(ladder_tcb(l)->loss.ca_state, TCP_CAS_CWR);
		in (l, 0, "P.6 1:101(100) ack 2001 win 30000 [ce]");
		eq(acc(l)->r_cep, 6);				/* and so does theirs */
		ladder_end(l);
	}
}

/* A SYN-ACK that has little room has a short option. */
TEST(accecn_option_fits_beside_a_cookie)
{
	struct ladder *l = ladder(.cfg = "tcp_ecn=3,tcp_fastopen=3");
	app(l, 0, "listenfast 5");
	in (l, 0, "SEWA 0:0(0) win 30000 <mss 1000,sackOK,TS val 7 ecr 0,nop,wscale 7,FO,nop,nop>");
	out(l, 0, "S.2 0:0(0) ack 1 <mss 1460,sackOK,TS val * ecr 7,nop,wscale 8,FO cookie,nop,nop,ECN0 1 0>");
	ladder_end(l);
}
