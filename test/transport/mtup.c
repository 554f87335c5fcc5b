/*
 * Path MTU discovery by probing, RFC 4821: what a probe is, what its arrival and its loss mean, how the search ends and
 * begins again, and what becomes of a connection whose path swallows large datagrams without a word.
 */
#include "tcp_ladder.h"
#include <linux/tcp.h>
#include <stdlib.h>
#include "base/be.h"
#include "base/check.h"
#include "transport/tcp/tcp_output.h"

#define SYN "mss 1460,sackOK,nop,nop,nop,wscale 7"
#define PROBING "tcp_mtu_probing=2,tcp_base_mss=600,tcp_init_cwnd=20"
enum { BASE = 600, FIRST = 1030 };	/* the first probe lies in the middle of 640 and 1500, less 40 of headers */

static struct ladder *probing(void) { return ladder_established(.cfg = PROBING, .syn = SYN); }

static struct tcp_info info(struct ladder *l)
{
	struct tcp_info ti = { 0 };
	tcp_info_fill(ladder_tcb(l), &ti, sizeof ti, ladder_now(l));
	return ti;
}

/* The probe and eight segments behind it. */
static void first_flight(struct ladder *l)
{
	app(l, 10, "write 6000");
	out(l, 0, ". 1:1031(1030) ack 1");
	outs(l, 1031, 5831, BASE, "ack 1");
	out(l, 0, "P. 5831:6001(170) ack 1");
	none(l);
}

/* ---- a path ----------------------------------------------------------------------------------------------------- */

/* A way to the peer that drops what is longer than its MTU and says nothing, and a peer that acknowledges the rest. */
/* Striped: every second one goes a way that takes all. */
struct way { uint32_t mtu; bool striped, turn; uint8_t got[1 << 20]; uint32_t next, large, longest; };

static void acknowledge(struct ladder *l, struct way *w, uint32_t from, uint32_t to)
{
	char s[120];
	memset(w->got + from, 1, to - from);
	while (w->got[w->next])
		w->next++;
	uint32_t a = from, b = to;
	while (w->got[a - 1] && a > w->next)
		a--;
	while (w->got[b])
		b++;
	snprintf(s, sizeof s, ". 1:1(0) ack %u win 2000", w->next);
	if (from > w->next)
		snprintf(s + strlen(s), 60, " <sack %u:%u,nop,nop>", a, b);
	in(l, 0, "%s", s);
}

/* One round trip of 20 ms: all that is there goes; returns whether anything did.  w->large counts what was longer than snd_mss. */
static bool round_trip(struct ladder *l, struct way *w)
{
	uint32_t from[400], to[400], n = 0, mss = ladder_tcb(l)->snd_mss, iss = ladder_tcb(l)->iss.v;
	size_t ip = ladder_tcb(l)->node.remote.addr.ver == 6 ? 40 : 20;
	bool any = false;
	for (struct ol_pkt *p; (p = ladder_take(l)); any = true) {
		uint32_t text = p->len - (uint32_t)ip - 20;
		eq(p->gso, OL_GSO_NONE);
		w->large += text > mss;
		w->longest = MAX(w->longest, p->len);
		bool fits = p->len <= w->mtu || (w->striped && (w->turn = !w->turn));
		if (fits && text && n < ARRAY_LEN(from)) {
			from[n] = be32_at(p->data + ip + 4) - iss;
			to[n] = from[n] + text;
			n++;
		}
		ol_pkt_free(p);
	}
	in(l, 20, ". 1:1(0) ack 1 win 2000");			/* time passes; an old ACK changes nothing */
	for (uint32_t i = 0; i < n; i++)
		acknowledge(l, w, from[i], to[i]);
	return any;
}

static void write_all(struct ladder *l, struct way *w, unsigned len)
{
	uint32_t end = seq_len(ladder_tcb(l)->iss, tcp_text_end(ladder_tcb(l))) + len;
	app(l, 0, "write %u", len);
	for (unsigned i = 0; i < 3000 && w->next < end; i++)
		round_trip(l, w);
	eq(w->next, end);
	for (unsigned i = 0; i < 3; i++)
		round_trip(l, w);
	eq(tcp_unacked(ladder_tcb(l)), 0);
}

static struct way *way(uint32_t mtu)
{
	struct way *w = calloc(1, sizeof *w);
	*w = (struct way){ .mtu = mtu, .next = 1 };
	w->got[0] = 1;
	return w;
}

/* ---- one probe -------------------------------------------------------------------------------------------------- */

/* req: 4821-7.1-a, 4821-4-c */
TEST(probe_that_arrives_raises_the_segment_and_not_the_window)
{
	struct ladder *l = probing();
	eq(info(l).tcpi_snd_mss, BASE);
	eq(info(l).tcpi_pmtu, BASE + 40);
	uint32_t cwnd = ladder_tcb(l)->loss.cwnd;
	ladder_tcb(l)->loss.ssthresh = cwnd;			/* no slow start: what grows is the segment */
	first_flight(l);
	in (l, 20, ". 1:1(0) ack 6001 win 2000");
	eq(info(l).tcpi_snd_mss, FIRST);
	eq(info(l).tcpi_pmtu, FIRST + 40);
	ok(ladder_tcb(l)->loss.cwnd >= cwnd && ladder_tcb(l)->loss.cwnd <= cwnd + BASE);
	ok(info(l).tcpi_snd_cwnd <= cwnd / FIRST + 1);
	app(l, 10, "write 4000");				/* too little for another probe and what must follow it */
	out(l, 0, ". 6001:7031(1030) ack 1");
	out(l, 0, ". 7031:8061(1030) ack 1");
	out(l, 0, ". 8061:9091(1030) ack 1");
	out(l, 0, "P. 9091:10001(910) ack 1");
	none(l);
	ladder_end(l);
}

/* The probe is sent again in segments known to pass, at once, and neither window nor threshold moves. */
/* req: 4821-4-a, 4821-4-b, 4821-7.1-a, 8201-5.4-b */
TEST(loss_of_the_probe_alone_is_no_congestion)
{
	struct ladder *l = probing();
	first_flight(l);
	uint32_t cwnd = ladder_tcb(l)->loss.cwnd, ssthresh = ladder_tcb(l)->loss.ssthresh;
	in (l, 20, ". 1:1(0) ack 1 win 2000 <sack 1031:1631,nop,nop>");
	in (l, 0, ". 1:1(0) ack 1 win 2000 <sack 1031:2231,nop,nop>");
	none(l);
	in (l, 0, ". 1:1(0) ack 1 win 2000 <sack 1031:2831,nop,nop>");
	out(l, 0, ". 1:601(600) ack 1");
	out(l, 0, ". 601:1031(430) ack 1");
	none(l);
	in (l, 0, ". 1:1(0) ack 1 win 2000 <sack 1031:6001,nop,nop>");
	eq(info(l).tcpi_ca_state, TCP_CA_Disorder);
	in (l, 20, ". 1:1(0) ack 6001 win 2000");
	eq(info(l).tcpi_ca_state, TCP_CA_Open);
	eq(ladder_tcb(l)->loss.ssthresh, ssthresh);
	ok(ladder_tcb(l)->loss.cwnd >= cwnd);
	eq(ladder_tcb(l)->loss.rate.lost, 0);			/* nor does a model of the path hear of it */
	eq(ladder_tcb(l)->snd_mss, BASE);
	eq(ladder_tcb(l)->mtup.high, FIRST + 40 - 1);
	ladder_end(l);
}

/* The same where the peer knows no SACK, and by the reordering timer alone. */
/* req: 4821-4-b */
TEST(loss_of_the_probe_alone_without_sack)
{
	struct ladder *l = ladder_established(.cfg = PROBING, .syn = "mss 1460,nop,wscale 7");
	first_flight(l);
	uint32_t cwnd = ladder_tcb(l)->loss.cwnd, ssthresh = ladder_tcb(l)->loss.ssthresh;
	in (l, 20, ". 1:1(0) ack 1 win 257");
	in (l, 0, ". 1:1(0) ack 1 win 257");
	none(l);
	in (l, 0, ". 1:1(0) ack 1 win 257");
	out(l, 0, ". 1:601(600) ack 1");
	out(l, 0, ". 601:1031(430) ack 1");
	in (l, 20, ". 1:1(0) ack 6001 win 257");
	eq(ladder_tcb(l)->loss.ssthresh, ssthresh);
	ok(ladder_tcb(l)->loss.cwnd >= cwnd);
	eq(ladder_tcb(l)->mtup.high, FIRST + 40 - 1);
	ladder_end(l);
}

TEST(loss_of_the_probe_that_the_reordering_timer_finds)
{
	struct ladder *l = probing();
	first_flight(l);
	uint32_t ssthresh = ladder_tcb(l)->loss.ssthresh;
	in (l, 20, ". 1:1(0) ack 1 win 2000 <sack 1031:2231,nop,nop>");
	none(l);
	by (l, 10, ". 1:601(600) ack 1");			/* a quarter of the round trip later */
	eq(info(l).tcpi_ca_state, TCP_CA_Disorder);
	eq(ladder_tcb(l)->loss.ssthresh, ssthresh);
	ladder_end(l);
}

/* req: 4821-4-b */
TEST(probe_lost_together_with_another_is_congestion_and_proves_nothing)
{
	struct ladder *l = probing();
	first_flight(l);
	uint32_t cwnd = ladder_tcb(l)->loss.cwnd;
	in (l, 20, ". 1:1(0) ack 1 win 2000 <sack 1631:2231,nop,nop>");
	in (l, 0, ". 1:1(0) ack 1 win 2000 <sack 1631:3431,nop,nop>");
	in (l, 0, ". 1:1(0) ack 1 win 2000 <sack 1631:6001,nop,nop>");
	ladder_flush(l);
	eq(info(l).tcpi_ca_state, TCP_CA_Recovery);
	ok(ladder_tcb(l)->loss.ssthresh < cwnd);
	in (l, 20, ". 1:1(0) ack 6001 win 2000");
	eq(ladder_tcb(l)->mtup.high, 1500);			/* RFC 4821 7.6.4: nothing is known, the same again */
	ladder_tcb(l)->loss.cwnd = 20 * BASE;
	app(l, 10, "write 6000");
	out(l, 0, ". 6001:7031(1030) ack 1");
	ladder_end(l);
}

/* First the probe alone seems lost, then something else is: that was congestion after all. */
/* req: 4821-4-b */
TEST(loss_found_after_the_probes_is_congestion)
{
	struct ladder *l = probing();
	first_flight(l);
	uint32_t cwnd = ladder_tcb(l)->loss.cwnd;
	in (l, 20, ". 1:1(0) ack 1 win 2000 <sack 1031:2831,nop,nop>");
	eq(info(l).tcpi_ca_state, TCP_CA_Disorder);
	ladder_flush(l);
	in (l, 0, ". 1:1(0) ack 1 win 2000 <sack 3431:6001,sack 1031:2831>");
	ladder_flush(l);
	wait(l, 6);
	in (l, 20, ". 1:1(0) ack 2831 win 2000 <sack 3431:6001,nop,nop>");
	out(l, 0, ". 2831:3431(600) ack 1");
	eq(info(l).tcpi_ca_state, TCP_CA_Recovery);
	ok(ladder_tcb(l)->loss.ssthresh < cwnd);
	in (l, 20, ". 1:1(0) ack 6001 win 2000");
	eq(ladder_tcb(l)->mtup.high, 1500);
	ladder_end(l);
}

/* What the probe carried is lost once more, in a segment of ordinary size: that is congestion. */
/* req: 4821-4-b */
TEST(loss_of_the_probes_text_sent_again_is_congestion)
{
	struct ladder *l = probing();
	first_flight(l);
	in (l, 20, ". 1:1(0) ack 1 win 2000 <sack 1031:2831,nop,nop>");
	out(l, 0, ". 1:601(600) ack 1");
	out(l, 0, ". 601:1031(430) ack 1");
	in (l, 0, ". 1:1(0) ack 1 win 2000 <sack 1031:6001,nop,nop>");
	eq(info(l).tcpi_ca_state, TCP_CA_Disorder);
	app(l, 0, "write 1200");
	ladder_flush(l);
	in (l, 40, ". 1:1(0) ack 1 win 2000 <sack 601:7201,nop,nop>");
	out(l, 0, ". 1:601(600) ack 1");
	eq(info(l).tcpi_ca_state, TCP_CA_Recovery);
	ladder_end(l);
}

/* RFC 4821 7.6.3: go-back-n costs the window what it always costs, and the search rests five times as long. */
TEST(probe_lost_with_all_that_followed_times_out)
{
	struct ladder *l = probing();
	first_flight(l);
	uint32_t cwnd = ladder_tcb(l)->loss.cwnd;
	by (l, 300, "P. 5831:6001(170) ack 1");			/* the tail loss probe */
	by (l, 300, ". 1:601(600) ack 1");
	ok(ladder_tcb(l)->loss.ssthresh < cwnd);
	eq(ladder_tcb(l)->mtup.probe, 0);
	eq(ladder_tcb(l)->mtup.high, 1500);
	ok(ladder_tcb(l)->mtup.next_at > ladder_now(l));
	ladder_end(l);
}

/* Nothing is proved when all of a flight is lost, but a size that fails three times so is not asked for a fourth time. */
TEST(size_without_a_clear_answer_is_given_up_after_three_times)
{
	struct ladder *l = probing();
	struct tcp_tcb *tcb = ladder_tcb(l);
	struct way *w = way(0);
	for (int i = 0; i < 3; i++) {
		eq(tcb->mtup.high, 1500);
		tcb->loss.cwnd = 20 * BASE;
		w->mtu = w->large = 0;
		app(l, 60000, "write 6000");
		for (int k = 0; k < 50 && tcb->loss.n_rto == (uint32_t)i; k++)
			round_trip(l, w);			/* nothing gets through until the timeout */
		eq(w->large, 1);
		w->mtu = 1500;
		for (int k = 0; k < 100 && tcp_unacked(tcb); k++)
			round_trip(l, w);
	}
	eq(tcb->mtup.high, FIRST + 40 - 1);
	eq(tcb->snd_mss, BASE);
	free(w);
	ladder_end(l);
}

/* A super-segment would be cut to the segments that are known to pass, and prove nothing. */
TEST(probe_is_never_cut_by_the_interface)
{
	struct ladder *l = ladder_established(.cfg = PROBING, .features = OL_IF_CSUM | OL_IF_TSO4, .syn = SYN);
	app(l, 10, "write 9000");
	struct ol_pkt *p = ladder_take(l);
	eq(p->len, 20 + 20 + FIRST);
	eq(p->gso, OL_GSO_NONE);
	ol_pkt_free(p);
	p = ladder_take(l);
	eq(p->gso, OL_GSO_TCP4);
	eq(p->gso_size, BASE);
	ol_pkt_free(p);
	ladder_flush(l);
	ladder_end(l);
}

/* It goes before other text, so it waits until the window has room for all of it. */
TEST(probe_that_is_due_waits_for_room)
{
	struct ladder *l = ladder_established(.cfg = "tcp_mtu_probing=2,tcp_base_mss=600,tcp_init_cwnd=11", .syn = SYN);
	app(l, 10, "write 3400");				/* 30 bytes short of what a probe needs */
	eq(ladder_flush(l), 6);
	app(l, 0, "write 9000");
	out(l, 0, ". 3401:4431(1030) ack 1");
	ladder_flush(l);
	ladder_end(l);
	l = ladder_established(.cfg = "tcp_mtu_probing=2,tcp_base_mss=600,tcp_init_cwnd=11", .syn = SYN);
	ladder_tcb(l)->loss.ssthresh = 11 * BASE;
	app(l, 10, "write 3000");
	app(l, 0, "write 3000");
	eq(ladder_flush(l), 10);
	app(l, 0, "write 6000");
	none(l);						/* 600 bytes are free, which another segment could have */
	in (l, 20, ". 1:1(0) ack 601 win 2000");
	out(l, 0, ". 6001:7031(1030) ack 1");
	ladder_end(l);
}

/* RFC 4821 7.6.2: an ICMP message about the probe names the size: the next probe asks for that. */
TEST(too_big_about_the_probe_names_the_next_one)
{
	struct ladder *l = probing();
	first_flight(l);
	ladder_icmp(l, OL_ERR_MSGSIZE, false, 900, 1);
	eq(ladder_tcb(l)->snd_mss, BASE);			/* it raises nothing by itself */
	eq(ladder_tcb(l)->mtup.high, 900);
	in (l, 20, ". 1:1(0) ack 1 win 2000 <sack 1031:6001,nop,nop>");
	ladder_flush(l);
	in (l, 20, ". 1:1(0) ack 6001 win 2000");
	app(l, 2000, "write 6000");				/* the rest after a failure is over */
	out(l, 0, ". 6001:6861(860) ack 1");
	ladder_end(l);
}

/* ---- the search ------------------------------------------------------------------------------------------------- */

/* req: 4821-7.3-a, 4821-7.1-a */
TEST(search_ends_and_begins_again_after_ten_minutes)
{
	struct ladder *l = probing();
	struct way *w = way(1400);
	for (int i = 0; i < 40; i++) {
		write_all(l, w, 9000);
		wait(l, 3000);
	}
	ok(ladder_tcb(l)->mtup.low <= 1400 && ladder_tcb(l)->mtup.low > 1400 - 8);
	ok(ladder_tcb(l)->mtup.high - ladder_tcb(l)->mtup.low < 8);
	w->large = 0;
	w->mtu = 1500;						/* the path gets better, and nobody knows */
	for (int i = 0; i < 9; i++) {
		wait(l, 50000);
		write_all(l, w, 9000);
	}
	eq(w->large, 0);
	wait(l, 100000);
	wait(l, 100000);
	write_all(l, w, 9000);
	ok(w->large >= 1);
	eq(w->longest, 1500);
	eq(ladder_tcb(l)->snd_mss, 1460);
	free(w);
	ladder_end(l);
	struct tcp_config cfg = tcp_config_default();
	eq(cfg.probe_interval_ns, 600 * OL_SEC);
	eq(tcp_config_set(&cfg, "tcp_probe_interval", "299"), -22);
	eq(tcp_config_set(&cfg, "tcp_probe_interval", "300"), 0);
}

/* The window has 20 segments or more, a round trip is 20 ms: no probe for 400 ms after one failed. */
/* req: 4821-7.6.2-a */
TEST(after_a_failure_the_search_rests_as_many_round_trips_as_the_window_has_segments)
{
	struct ladder *l = probing();
	struct way *w = way(1000);
	ladder_tcb(l)->loss.ssthresh = 20 * BASE;
	app(l, 0, "write 40000");
	for (int i = 0; w->large == 0 && i < 10; i++)
		round_trip(l, w);
	eq(w->large, 1);
	for (int i = 0; ladder_tcb(l)->mtup.high == 1500 && i < 10; i++)
		round_trip(l, w);
	ol_time failed = ladder_now(l), rest = ladder_tcb(l)->mtup.next_at - failed;
	ok(rest >= 400 * OL_MS);
	while (ladder_now(l) + 40 * OL_MS < failed + rest) {
		if (tcp_unsent(ladder_tcb(l)) < 20000 && w->next < 900000)
			app(l, 0, "write 40000");
		round_trip(l, w);
		eq(w->large, 1);
	}
	for (int i = 0; i < 10 && w->large == 1; i++) {
		if (tcp_unsent(ladder_tcb(l)) < 20000 && w->next < 900000)
			app(l, 0, "write 40000");
		round_trip(l, w);
	}
	eq(w->large, 2);
	ladder_flush(l);
	free(w);
	ladder_end(l);
}

/* ---- verification, RFC 4821 7.8 ---------------------------------------------------------------------------------- */

/* Round trips with always something to send, until eff_pmtu is no longer `low`; how long that took. */
static ol_time until_low_changes(struct ladder *l, struct way *w, int most)
{
	ol_time began = ladder_now(l);
	uint32_t low = ladder_tcb(l)->mtup.low;
	for (int i = 0; i < most && ladder_tcb(l)->mtup.low == low; i++) {
		if (tcp_unsent(ladder_tcb(l)) < 20000 && w->next < 900000)
			app(l, 0, "write 20000");
		round_trip(l, w);
	}
	return ladder_now(l) - began;
}

/* Two ways by turns, the probe took the wide one: half of what is as long is lost from then on, RTO after RTO. */
TEST(raise_that_brings_loss_is_taken_back)
{
	struct ladder *l = probing();
	struct way *w = way(1000);
	struct tcp_mtup *m = &ladder_tcb(l)->mtup;
	w->striped = true;
	until_low_changes(l, w, 100);
	eq(m->low, FIRST + 40);
	ol_time took = until_low_changes(l, w, 500);
	ok(took >= 600 * OL_MS && took < 5 * OL_SEC);
	eq(m->low, BASE + 40);					/* as before, and the search goes on below */
	eq(m->high, FIRST + 40 - 1);
	eq(ladder_tcb(l)->snd_mss, BASE);
	uint32_t large = w->large;
	round_trip(l, w);
	eq(w->large, large);					/* no probe in the rest after it */
	for (int i = 0; i < 60; i++) {
		write_all(l, w, 9000);
		wait(l, 2000);
	}
	ok(m->low <= 1000 && m->low > 1000 - 16);
	ladder_flush(l);
	free(w);
	ladder_end(l);
}

/* At the verdict what is out in that size is not waited for: it goes again in segments as before, and that is no congestion. */
TEST(raise_taken_back_sends_what_is_out_again)
{
	struct ladder *l = probing();
	struct tcp_tcb *tcb = ladder_tcb(l);
	first_flight(l);
	in (l, 20, ". 1:1(0) ack 6001 win 2000");
	app(l, 10, "write 3090");
	outs(l, 6001, 8061, FIRST, "ack 1");
	out(l, 0, "P. 8061:9091(1030) ack 1");
	uint32_t ssthresh = tcb->loss.ssthresh, cwnd = tcb->loss.cwnd;
	tcb->loss.rate.lost += 20000;
	tcb->mtup.bad = 2;
	tcb->mtup.trial_at = ladder_now(l);
	in (l, 20, ". 1:1(0) ack 7031 win 2000");
	outs(l, 7031, 8831, BASE, "ack 1");
	out(l, 0, "P. 8831:9091(260) ack 1");
	none(l);
	eq(tcb->loss.ssthresh, MAX(ssthresh, cwnd / 4 * 3));
	ok(tcb->loss.cwnd >= cwnd);
	ladder_end(l);
}

/* The next probe waits for the verdict: an RTO, and eight segments of the new size. */
TEST(raise_is_on_trial_before_the_next_probe)
{
	struct ladder *l = probing();
	struct way *w = way(1500);
	until_low_changes(l, w, 100);
	ol_time began = ladder_now(l), at = began;
	uint32_t large = w->large;
	for (int i = 0; i < 100 && w->large == large; i++) {
		at = ladder_now(l);
		write_all(l, w, 9000);
	}
	ok(at - began >= 200 * OL_MS && at - began < 500 * OL_MS);
	eq(w->large, large + 1);
	free(w);
	ladder_end(l);
}

/* A window lost at once is congestion, and a path that lost as much before does not lose it for the size. */
TEST(raise_is_kept_where_loss_is_not_its_doing)
{
	for (int usual = 0; usual < 2; usual++) {
		struct ladder *l = probing();
		struct way *w = way(usual ? 1000 : 1500);
		struct tcp_mtup *m = &ladder_tcb(l)->mtup;
		w->striped = usual;
		ladder_tcb(l)->loss.rate.lost = usual ? 20000 : 0;
		until_low_changes(l, w, 100);
		eq(m->low, FIRST + 40);
		eq(m->saved, BASE + 40);
		m->next_at = OL_NEVER;				/* no other probe confuses it */
		if (!usual) {
			w->mtu = 0;
			app(l, 0, "write 20000");
			round_trip(l, w);
			w->mtu = 1500;
		}
		until_low_changes(l, w, 100);
		eq(m->low, FIRST + 40);
		eq(m->saved, 0);
		ladder_flush(l);
		free(w);
		ladder_end(l);
	}
}

/* ---- black holes ------------------------------------------------------------------------------------------------ */

/*
 * A path of 1200 that says nothing.  With the settings as they are: R1, then segments of tcp_base_mss; later one probe of
 * the size from before, which fails, and a search that finds 1200.
 */
/* req: 4821-7.7-a */
TEST(black_hole_is_survived)
{
	struct ladder *l = ladder_established(.syn = SYN);
	struct way *w = way(1200);
	write_all(l, w, 50000);
	ok(ladder_tcb(l)->snd_mss >= 1024 && ladder_tcb(l)->snd_mss <= 1160);
	for (int i = 0; i < 40; i++) {
		write_all(l, w, 20000);
		wait(l, 5000);
	}
	ok(ladder_tcb(l)->mtup.low <= 1200 && ladder_tcb(l)->mtup.low > 1200 - 8);
	free(w);
	ladder_end(l);
}

/* The first segment is short, and the path narrower still: the step to tcp_base_mss would not have helped it. */
TEST(black_hole_below_the_base_is_survived_by_short_segments)
{
	struct ladder *l = ladder_established(.syn = SYN);
	struct way *w = way(700);
	app(l, 0, "write 770");
	write_all(l, w, 20000);
	ok(ladder_tcb(l)->snd_mss <= 660);
	free(w);
	ladder_end(l);
}

TEST(black_hole_is_not_survived_without_probing)
{
	struct ladder *l = ladder_established(.cfg = "tcp_mtu_probing=0", .syn = SYN);
	struct way *w = way(1200);
	app(l, 0, "write 50000");
	for (int i = 0; i < 2000; i++)
		round_trip(l, w);
	eq(w->next, 1);
	eq(ladder_tcb(l)->snd_mss, 1460);
	free(w);
	ladder_end(l);
}

/* RFC 4821 7.7: further timeouts halve what is left, but not below what IPv6 promises, or the floor set. */
TEST(black_hole_that_stays_halves_down_to_the_least_mtu)
{
	struct ladder *l = ladder_established(.v6 = true, .syn = SYN);
	app(l, 0, "write 50000");
	ladder_flush(l);
	wait(l, 0);
	for (int i = 0; i < 9; i++) {
		in(l, 30000, ". 1:1(0) ack 1 win 257");
		ladder_flush(l);
	}
	eq(ladder_tcb(l)->snd_mss, 1280 - 60);
	ladder_end(l);
	l = ladder_established(.cfg = "tcp_mtu_probe_floor=300", .syn = SYN);
	app(l, 0, "write 50000");
	ladder_flush(l);
	uint32_t seen[16], n = 0;
	for (int i = 0; i < 400 && n < ARRAY_LEN(seen); i++) {
		uint32_t mss = ladder_tcb(l)->snd_mss;
		if (n == 0 || seen[n - 1] != mss)
			seen[n++] = mss;
		in(l, 500, ". 1:1(0) ack 1 win 257");
		ladder_flush(l);
	}
	eq(n, 4);
	eq(seen[0], 1460);
	eq(seen[1], 1024);
	eq(seen[2], 512);
	eq(seen[3], 300);
	ladder_end(l);
}

/* Segments that are small already are not lost for their size. */
TEST(timeouts_of_small_segments_make_no_black_hole)
{
	struct ladder *l = ladder_established(.syn = SYN);
	app(l, 0, "write 500");
	for (int i = 0; i < 6; i++) {
		in(l, 5000, ". 1:1(0) ack 1 win 257");
		ladder_flush(l);
	}
	ok(ladder_tcb(l)->loss.backoff > 4);
	eq(ladder_tcb(l)->snd_mss, 1460);
	ok(!ladder_tcb(l)->mtup.on);
	ladder_end(l);
}

/* It was no black hole but a cable pulled for a few seconds: the first probe gives all back. */
TEST(outage_costs_one_probe)
{
	struct ladder *l = ladder_established(.syn = SYN);
	struct way *w = way(0);
	app(l, 0, "write 100000");
	for (int i = 0; i < 300; i++)
		round_trip(l, w);
	ok(ladder_tcb(l)->snd_mss <= 1024);
	w->mtu = 1500;
	w->large = 0;
	for (int i = 0; i < 500 && w->next < 100001; i++)
		round_trip(l, w);
	eq(w->next, 100001);
	eq(w->large, 1);
	eq(ladder_tcb(l)->snd_mss, 1460);
	free(w);
	ladder_end(l);
}
