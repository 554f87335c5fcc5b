/*
 * Events and states, RFC 9293 3.5, 3.9 and 3.10: which segment is acceptable, who earns a reset and of what shape, what
 * an OPEN may and may not do.
 */
#include "base/be.h"
#include "net/net.h"
#include "tcp_ladder.h"
#include "transport/tcp/tcp_rcvq.h"

/* ---- resets, 3.5.2 and 3.5.3 ------------------------------------------------------------------------------------ */

/* req: 9293-3.5.2-a, 9293-3.5.2-b, 9293-3.5.2-e, 9293-3.10.7.1-a */
TEST(tcp_shape_of_a_reset_where_nobody_is)
{
	struct ladder *l = ladder();
	static const struct { const char *in, *out; } t[] = {
		{ "S 7:7(0) win 9", "R. 0:0(0) ack 8 win 0" }, { "SF 7:17(10) win 9", "R. 0:0(0) ack 19 win 0" },
		{ "P 7:17(10) win 9", "R. 0:0(0) ack 17 win 0" }, { ". 7:7(0) ack 44 win 9", "R 44:44(0) win 0" },
		{ "S. 7:7(0) ack 44 win 9", "R 44:44(0) win 0" }, { "F. 7:17(10) ack 44 win 9", "R 44:44(0) win 0" },
	};
	in (l, 0, "S 0:0(0) win 9");			/* the first answer fixes what 0 is */
	ladder_flush(l);
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		in (l, 0, "%s", t[i].in);
		if (t[i].out[1] == '.') {		/* SEQ=0 is zero itself, not a number relative to anything */
			struct ol_pkt *p = ladder_take(l);
			static const uint8_t zero[4];
			eq_mem(p->data + 24, zero, 4);
			eq(p->data[33], 0x14);
			ol_pkt_free(p);
			in (l, 0, "%s", t[i].in);
		}
		out(l, 0, "%s", t[i].out);
		none(l);
	}
	in (l, 0, "R 7:7(0) win 0");
	in (l, 0, "R. 7:7(0) ack 44 win 0");
	none(l);
	ladder_end(l);
}

/* An ACK of what was never sent, before the connection is synchronized: a reset made of it, and the attempt goes on. */
/* req: 9293-3.5.2-c, 9293-3.10.7.3-b, 9293-3.10.7.3-a */
TEST(tcp_acks_of_nothing_sent_are_reset_while_opening)
{
	struct ladder *l = ladder_syn_sent(.cfg = "tcp_timestamps=0");
	static const uint32_t wrong[] = { 0, 2, 1000, 0x80000000u };
	for (size_t i = 0; i < 4; i++) {
		in (l, 1, ". 9:9(0) ack %u win 100", wrong[i]);
		out(l, 0, "R %u:%u(0) win 0", wrong[i], wrong[i]);
		state_is(l, SYN_SENT);
	}
	in (l, 1, "S. 0:0(0) ack 1 win 100 <mss 1000>");		/* SND.UNA < SEG.ACK =< SND.NXT */
	out(l, 0, ". 1:1(0) ack 1");
	state_is(l, ESTABLISHED);
	ladder_end(l);
	l = ladder_half_open();					/* SYN-RECEIVED */
	in (l, 0, ". 1:1(0) ack 0 win 1000");
	out(l, 0, "R 0:0(0) win 0");
	in (l, 0, ". 1:1(0) ack 2 win 1000");
	out(l, 0, "R 2:2(0) win 0");
	eq(ladder_tcp(l)->n_syn, 1);
	in (l, 0, ". 1:1(0) ack 1 win 1000");
	none(l);
	app(l, 0, "accept");
	ladder_end(l);
	l = ladder_crossed();					/* and reached from SYN-SENT */
	for (unsigned ack = 0; ack <= 2; ack += 2) {
		in (l, 0, ". 1:1(0) ack %u win 1000", ack);
		out(l, 0, "R %u:%u(0) win 0", ack, ack);
		state_is(l, SYN_RECEIVED);
	}
	ladder_end(l);
}

/* In no state, whatever the reset says. */
/* req: 9293-3.5.2-e */
TEST(tcp_reset_is_never_answered_with_a_reset)
{
	static const char *const resets[] = { "R 7:7(0) win 0", "R. 7:7(0) ack 44 win 0", "SR 7:7(0) win 0", "FR. 7:17(10) ack 44 win 0" };
	for (size_t i = 0; i < sizeof resets / sizeof *resets; i++) {
		struct ladder *l = ladder_syn_sent();
		in (l, 1, "%s", resets[i]);
		none(l);
		state_is(l, SYN_SENT);
		ladder_end(l);
		l = ladder_listening();
		in (l, 1, "%s", resets[i]);
		none(l);
		eq(ladder_tcp(l)->n_syn, 0);
		ladder_end(l);
		l = ladder();
		in (l, 1, "%s", resets[i]);
		none(l);
		ladder_end(l);
	}
}

/* req: 9293-3.5.2-d, 9293-3.5.2-e */
TEST(tcp_unacceptable_segments_earn_an_empty_ack_in_every_synchronized_state)
{
	struct ladder *l = ladder_established();
	app(l, 0, "write 100");
	out(l, 0, "P. 1:101(100) ack 1");
	in (l, 1, "P. 900001:900011(10) ack 101 win 257");
	out(l, 0, ". 101:101(0) ack 1");
	state_is(l, ESTABLISHED);
	eq(ladder_tcb(l)->snd_una.v - ladder_tcb(l)->iss.v, 1);	/* nothing of it was believed */
	in (l, 1, ". 1:1(0) ack 101 win 257");
	app(l, 0, "shutdown wr");
	out(l, 0, "F. 101:101(0) ack 1");
	in (l, 1, "P. 900001:900011(10) ack 102 win 257");
	out(l, 0, ". 102:102(0) ack 1");
	state_is(l, FIN_WAIT_1);
	in (l, 1, ". 1:1(0) ack 102 win 257");
	in (l, 1, "P. 900001:900011(10) ack 102 win 257");
	out(l, 0, ". 102:102(0) ack 1");
	state_is(l, FIN_WAIT_2);
	in (l, 1, "F. 1:1(0) ack 102 win 257");
	out(l, 0, ". 102:102(0) ack 2");
	in (l, 1, "P. 900001:900011(10) ack 102 win 257");
	out(l, 0, ". 102:102(0) ack 2");
	state_is(l, TIME_WAIT);
	in (l, 600, "R 900001:900001(0) win 0");
	none(l);
	ladder_end(l);
}

/* req: 9293-3.5.3-a */
TEST(tcp_reset_in_syn_sent_must_acknowledge_the_syn)
{
	struct ladder *l = ladder_syn_sent();
	in (l, 1, "R 0:0(0) win 0");
	in (l, 1, "R. 0:0(0) ack 0 win 0");
	in (l, 1, "R. 0:0(0) ack 2 win 0");
	none(l);
	state_is(l, SYN_SENT);
	in (l, 1, "R. 77:77(0) ack 1 win 0");		/* its own number is free */
	state_is(l, CLOSED);
	app(l, 0, "error = refused");
	ladder_end(l);
}

/*
 * From a passive open back to LISTEN, nobody told and the listener alive; from an active one to CLOSED, and the user is
 * told.
 */
/* req: 9293-3.5.3-b, MUST-11 */
TEST(tcp_reset_in_syn_received_depends_on_who_opened)
{
	struct ladder *l = ladder_half_open();
	in (l, 0, "R 1:1(0) win 0");
	none(l);
	eq(ladder_tcp(l)->n_syn, 0);
	app(l, 0, "accept = again");
	ladder_peer_port(l, 5);
	in (l, 0, "S 0:0(0) win 1000 <mss 1000>");
	out(l, 0, "S. 0:0(0) ack 1");
	in (l, 0, ". 1:1(0) ack 1 win 1000");
	app(l, 0, "accept");
	ladder_end(l);
	l = ladder_crossed();
	in (l, 1, "R 1:1(0) win 0");
	state_is(l, CLOSED);
	none(l);
	app(l, 0, "error = refused");
	ladder_end(l);
}

/* ---- acceptability, 3.4 table 6 --------------------------------------------------------------------------------- */

static void offer(struct ladder *l, uint32_t from, uint32_t to, uint32_t len, bool good)
{
	uint64_t before = ladder_fate(l, OL_DROP_TCP_SEQ);
	in (l, 600, ". %u:%u(%u) ack 1 win 32000", from, to, len);
	eq(ladder_fate(l, OL_DROP_TCP_SEQ) == before, good);
	ladder_flush(l);
	ladder_tcb(l)->challenge_at = 0;
}

/* Length and window, each zero or not; the window is 20000 bytes from 1 on.  Nothing here moves RCV.NXT. */
/* req: 9293-3.10.7.4-a */
TEST(tcp_acceptability_with_an_open_window)
{
	struct ladder *l = ladder_established(.cfg = "tcp_rmem=4096:40000:40000,tcp_window_scaling=0", .syn = "mss 1000,sackOK,nop,nop");
	eq(ladder_tcb(l)->rcv_wnd, 20000);
	offer(l, 0, 0, 0, false);			/* no length: RCV.NXT =< SEG.SEQ < RCV.NXT + RCV.WND */
	offer(l, 1, 1, 0, true);
	offer(l, 20000, 20000, 0, true);
	offer(l, 20002, 20002, 0, false);
	offer(l, 4294967290, 0, 6, false);		/* length: its first or its last lies inside */
	offer(l, 20001, 20011, 10, false);
	offer(l, 20000, 20010, 10, true);
	offer(l, 500, 510, 10, true);
	offer(l, 0, 1, 1, false);
	app(l, 0, "read 10 = again");
	offer(l, 0, 6, 6, true);			/* first before, last inside: the new part is taken */
	app(l, 0, "read 10 = 5");
	ladder_end(l);
}

/* req: 9293-3.10.7.4-a */
TEST(tcp_acceptability_with_a_closed_window)
{
	struct ladder *l = ladder_established(.cfg = "tcp_rmem=4096:8000:8000,tcp_window_scaling=0", .syn = "mss 1000");
	ins(l, 1, 1, 4001, 1000, "ack 1 win 32000");
	ladder_flush(l);
	struct tcp_tcb *t = ladder_tcb(l);
	uint32_t nxt = t->rcv_nxt.v - t->irs.v;
	eq(t->rcv_wup.v + t->rcv_wnd, t->rcv_nxt.v);		/* closed it is */
	offer(l, nxt, nxt, 0, true);				/* no length: SEG.SEQ = RCV.NXT */
	offer(l, nxt + 1, nxt + 1, 0, false);
	offer(l, nxt - 1, nxt - 1, 0, false);
	offer(l, nxt + 1, nxt + 11, 10, false);			/* length: none */
	in (l, 1, ". %u:%u(10) ack 1 win 32000", nxt, nxt + 10);	/* its ACK may count (MUST-66), its text does not */
	eq(t->rcv_nxt.v - t->irs.v, nxt);
	eq(tcp_readable(t), nxt - 1);
	ladder_end(l);
}

/* ---- SYN, FIN, text in odd places ------------------------------------------------------------ */

/* req: 9293-3.10.7.4-g */
TEST(tcp_syn_in_syn_received_goes_back_to_listen)
{
	struct ladder *l = ladder_half_open();
	eq(ladder_tcp(l)->n_syn, 1);
	in (l, 0, "S 500:500(0) win 1000 <mss 1000>");		/* in the window, another number: the peer began anew */
	eq(ladder_tcp(l)->n_syn, 0);
	ladder_flush(l);
	wait(l, 10000);					/* what was half open sends nothing any more */
	app(l, 0, "accept = again");
	ladder_end(l);
}

/* req: 9293-3.10.7.2-d, 9293-3.10.7.3-h */
TEST(tcp_text_on_a_syn_is_not_lost)
{
	struct ladder *l = ladder_listening();
	in (l, 0, "S 0:10(10) win 1000 <mss 1000>");
	out(l, 0, "S. 0:0(0) ack 1");				/* not kept, so not acknowledged: it will come again */
	in (l, 500, "P. 1:11(10) ack 1 win 1000");
	out(l, 0, ". 1:1(0) ack 11");
	app(l, 0, "accept");
	app(l, 0, "read 100 = 10");
	ladder_end(l);
	l = ladder_syn_sent(.cfg = "tcp_timestamps=0");
	in (l, 5, "SF. 0:10(10) ack 1 win 1000 <mss 1000>");	/* and one that answers ours is taken whole */
	out(l, 0, ". 1:1(0) ack 12");
	state_is(l, CLOSE_WAIT);
	app(l, 0, "read 100 = 10");
	app(l, 0, "read 100 = eof");
	ladder_end(l);
}

/* req: 9293-3.10.7.4-r */
TEST(tcp_fin_means_nothing_before_there_is_a_connection)
{
	struct ladder *l = ladder();
	in (l, 0, "F 0:0(0) win 1000");				/* CLOSED: a reset, no state */
	eq(ladder_flush(l), 1);
	app(l, 0, "listen 2");
	in (l, 0, "F 0:0(0) win 1000");				/* LISTEN: nothing */
	none(l);
	eq(ladder_tcp(l)->n_syn, 0);
	app(l, 0, "closelisten");
	ladder_peer_port(l, 77);
	app(l, 0, "connect");
	out(l, 0, "S 0:0(0)");
	in (l, 1, "F 0:0(0) win 1000");				/* SYN-SENT: nothing */
	in (l, 1, "F. 0:0(0) ack 1 win 1000");
	none(l);
	state_is(l, SYN_SENT);
	ladder_end(l);
}

/* ---- OPEN, 3.9.1.1 and 3.10.1 ------------------------------------------------------------ */

/* req: MUST-41, MUST-42, 9293-3.10.1-a */
TEST(tcp_passive_open_disturbs_nobody)
{
	struct ladder *l = ladder(.cfg = "tcp_timestamps=0");
	struct tcp_opts o = tcp_opts_default(ladder_tcp(l));
	struct tcp_listener *x, *y;
	app(l, 0, "connect");
	out(l, 0, "S 0:0(0)");
	struct ol_endpoint here = *tcp_local(ladder_tcb(l));
	o.ttl = 9;
	o.nodelay = true;
	eq(tcp_listen(ladder_tcp(l), &x, &o, &here, 5, false, NULL, ladder_now(l)), OL_OK);	/* beside SYN-SENT */
	state_is(l, SYN_SENT);
	ok(tcp_opts(ladder_tcb(l))->ttl == 0 && !tcp_opts(ladder_tcb(l))->nodelay);
	in (l, 1, "S 0:0(0) win 1000 <mss 1000>");
	out(l, 0, "S. 0:0(0) ack 1");
	state_is(l, SYN_RECEIVED);
	tcp_listener_close(x, ladder_now(l));
	none(l);
	/* beside SYN-RECEIVED */
	eq(tcp_listen(ladder_tcp(l), &x, &o, &here, 5, false, NULL, ladder_now(l)), OL_OK);
	in (l, 1, ". 1:1(0) ack 1 win 1000");
	state_is(l, ESTABLISHED);
	eq(tcp_listener_waiting(x), 0);				/* the connection was not the listener's */
	in (l, 0, "P. 1:11(10) ack 1 win 1000");
	out(l, 0, ". 1:1(0) ack 11");
	app(l, 0, "read 100 = 10");
	eq(tcp_listen(ladder_tcp(l), &y, &o, &here, 5, false, NULL, ladder_now(l)), OL_ERR_ADDRINUSE);
	ladder_peer_port(l, 9);					/* and it does its own work */
	in (l, 0, "S 0:0(0) win 1000 <mss 1000>");
	out(l, 0, "S. 0:0(0) ack 1");
	tcp_listener_close(x, ladder_now(l));
	ladder_end(l);
}

/* req: 9293-3.10.1-a */
TEST(tcp_open_of_a_connection_that_exists_fails)
{
	struct ladder *l = ladder();
	struct tcp_opts o = tcp_opts_default(ladder_tcp(l));
	struct tcp_tcb *t = NULL;
	app(l, 0, "connect");
	struct ol_endpoint here = *tcp_local(ladder_tcb(l)), there = *tcp_remote(ladder_tcb(l));
	eq(tcp_open(ladder_tcp(l), &t, &o, &here, &there, NULL, ladder_now(l)), OL_ERR_ADDRNOTAVAIL);
	ok(!t);
	there.port++;
	eq(tcp_open(ladder_tcp(l), &t, &o, &here, &there, NULL, ladder_now(l)), OL_OK);
	tcp_release(t, ladder_now(l));
	ladder_end(l);
}

static struct ol_addr source_of(struct ladder *l)
{
	struct ol_pkt *p = ladder_take(l);
	struct ol_addr a = ol_addr_ip4(be32_at(p->data + 12));
	ol_pkt_free(p);
	return a;
}

static const struct ol_addr *second(struct ladder *l, struct ol_addr *a)
{
	int ifi;
	struct net *net = ladder_net(l, &ifi);
	*a = ol_addr_ip4(0x0a000063);
	eq(net_addr_add(net, ifi, a, 24, ladder_now(l)), 0);
	return a;
}

/* req: MUST-43, MUST-45 */
TEST(tcp_open_takes_the_local_address_it_is_given)
{
	struct ladder *l = ladder();
	struct tcp_opts o = tcp_opts_default(ladder_tcp(l));
	struct ol_endpoint from = { .port = 3333 }, to = { ol_addr_ip4(0x0a000002), 80 };
	struct tcp_tcb *t;
	second(l, &from.addr);
	eq(tcp_open(ladder_tcp(l), &t, &o, &from, &to, NULL, ladder_now(l)), OL_OK);
	for (int i = 0; i < 3; i++) {				/* the SYN, and each that follows */
		struct ol_addr a = source_of(l);
		ok(ol_addr_eq(&a, &from.addr));
		in (l, 1000 << i, "R 9:9(0) win 0");		/* to nobody: time passes */
	}
	from.addr = ol_addr_ip4(0x0a000064);			/* not ours */
	to.port = 81;
	struct tcp_tcb *none_such = NULL;
	enum ol_err err = tcp_open(ladder_tcp(l), &none_such, &o, &from, &to, NULL, ladder_now(l));
	ok(err != OL_OK && !none_such);
	tcp_release(t, ladder_now(l));
	ladder_end(l);
}

/* req: MUST-44, MUST-45 */
TEST(tcp_open_without_a_local_address_asks_the_internet_floor_once)
{
	struct ladder *l = ladder(.cfg = "tcp_timestamps=0");
	struct tcp_opts o = tcp_opts_default(ladder_tcp(l));
	struct ol_endpoint from = { .port = 3333 }, to = { ol_addr_ip4(0x0a000002), 80 };
	struct ol_addr ours = ol_addr_ip4(0x0a000001), other;
	struct tcp_tcb *t;
	eq(tcp_open(ladder_tcp(l), &t, &o, &from, &to, NULL, ladder_now(l)), OL_OK);
	ok(ol_addr_eq(&tcp_local(t)->addr, &ours));		/* before the SYN went */
	second(l, &other);
	for (int i = 0; i < 3; i++) {
		struct ol_addr a = source_of(l);
		ok(ol_addr_eq(&a, &ours));
		in (l, 1000 << i, "R 9:9(0) win 0");		/* to nobody: time passes */
	}
	ladder_flush(l);
	tcp_release(t, ladder_now(l));
	ladder_end(l);
}

/* req: MUST-46 */
TEST(tcp_open_to_what_is_no_single_host_fails)
{
	static const char *const bad[] = { "224.0.0.1", "239.1.2.3", "255.255.255.255", "10.0.0.255", "10.0.0.0",
		"ff02::1", "ff0e::42" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct ladder *l = ladder(.v6 = strchr(bad[i], ':') != NULL);
		struct tcp_opts o = tcp_opts_default(ladder_tcp(l));
		struct ol_endpoint from = { .port = 3333 }, to = { .port = 80 };
		struct tcp_tcb *t = NULL;
		ol_addr_parse(bad[i], &to.addr);
		ok(tcp_open(ladder_tcp(l), &t, &o, &from, &to, NULL, ladder_now(l)) != OL_OK);
		ok(!t);
		none(l);
		ladder_end(l);
	}
}

/* ---- urgent text, 3.8.5 and the sixth step ------------------------------------------------------------ */

/* RCV.UP only rises; the program hears of the first, hears again when it advances, and not of what it knows. */
/* req: 9293-3.10.7.4-o, MUST-31, MUST-32, MUST-33 */
TEST(tcp_urgent_pointer_is_told_once_and_again_when_it_advances)
{
	struct ladder *l = ladder_established();
	struct tcp_event ev;
	struct tcp_tcb *t = ladder_tcb(l);
	while (tcp_event_next(ladder_tcp(l), &ev))
		;
	in (l, 0, "PU. 1:11(10) ack 1 win 257 urg 20");		/* it points ahead of what has come */
	ok(tcp_event_next(ladder_tcp(l), &ev));
	ok(ev.tcb == t && (tcp_ready(t) & OL_EV_PRI));
	eq(t->rcv_up.v - t->irs.v, 21);
	while (tcp_event_next(ladder_tcp(l), &ev))
		;
	in (l, 0, "U. 11:11(0) ack 1 win 257 urg 5");		/* lower: RCV.UP = max(RCV.UP, SEG.UP), and no news */
	eq(t->rcv_up.v - t->irs.v, 21);
	ok(!tcp_event_next(ladder_tcp(l), &ev));
	in (l, 0, "U. 11:11(0) ack 1 win 257 urg 15");		/* it advances before anything of it was read: told again */
	eq(t->rcv_up.v - t->irs.v, 26);
	ok(tcp_event_next(ladder_tcp(l), &ev) && ev.tcb == t);
	in (l, 0, "P. 11:16(5) ack 1 win 257");
	in (l, 0, "P. 16:26(10) ack 1 win 257");
	ok(!tcp_at_mark(t));					/* there is urgent text left: the mark is ahead */
	app(l, 0, "read 100 = 24");
	ok(tcp_at_mark(t));
	app(l, 0, "readurg = 1");
	ok(!(tcp_ready(t) & OL_EV_PRI));
	in (l, 0, "P. 26:31(5) ack 1 win 257");
	app(l, 0, "read 100 = 5");
	ok(!(tcp_ready(t) & OL_EV_PRI));			/* the run is over */
	while (tcp_event_next(ladder_tcp(l), &ev))
		;
	in (l, 0, "PU. 31:41(10) ack 1 win 257 urg 10");	/* another */
	ok(tcp_event_next(ladder_tcp(l), &ev));
	ok(tcp_ready(t) & OL_EV_PRI);
	ladder_end(l);
}

/* An urgent pointer without text moves RCV.UP all the same, and is told: nothing else would wake the reader. */
/* req: MUST-32 */
TEST(tcp_urgent_pointer_without_text_is_told)
{
	struct ladder *l = ladder_established();
	struct tcp_event ev;
	while (tcp_event_next(ladder_tcp(l), &ev))
		;
	in (l, 0, "U. 1:1(0) ack 1 win 257 urg 30");
	ok(tcp_event_next(ladder_tcp(l), &ev));
	ok(ev.tcb == ladder_tcb(l) && (tcp_ready(ev.tcb) & OL_EV_PRI));
	ladder_end(l);
}

/* ---- what is thrown away, RFC 2018 8 ------------------------------------------------------------ */

/* The first block is the segment that has just come, kept or not; the others name nothing that is not held any more. */
/* req: 2018-8-b, 2018-8-c */
TEST(tcp_sack_blocks_when_memory_is_short)
{
	struct ladder *l = ladder_established();
	struct tcp_tcb *t = ladder_tcb(l);
	in (l, 0, ". 2001:3001(1000) ack 1 win 257");
	in (l, 0, ". 4001:5001(1000) ack 1 win 257");
	in (l, 0, ". 6001:7001(1000) ack 1 win 257");
	ladder_flush(l);
	tcp_rcvq_prune(&t->rcvq, t->rcvq.truesize - 1);		/* the highest goes */
	in (l, 0, ". 8001:8501(500) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 1 <nop,nop,sack 8001:8501 4001:5001 2001:3001>");
	t->opts.rcvbuf = t->rcvbuf = 1000;			/* and now there is no room for more */
	in (l, 0, ". 10001:11001(1000) ack 1 win 257");
	eq(ladder_fate(l, OL_DROP_TCP_RCVBUF), 1);
	out(l, 0, ". 1:1(0) ack 1 <nop,nop,sack 10001:11001 8001:8501 4001:5001 2001:3001>");
	in (l, 0, ". 12001:13001(1000) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 1 <nop,nop,sack 12001:13001 8001:8501 4001:5001 2001:3001>");
	ladder_end(l);
}

/* ---- options of extensions that are not here ------------------------------------------------------------ */

/* User timeout (28), MD5 (19), AO (29), multipath (30): read by no one, answered by no one. */
/* req: 5482-3.1-a, MUST-6 */
TEST(tcp_options_of_extensions_left_out_do_nothing)
{
	static const char *const opts[] = { "raw 1c02", "raw 1302", "raw 1d02", "raw 1e02" };
	for (int i = 0; i < 4; i++) {
		struct ladder *l = ladder_listening(.cfg = "tcp_timestamps=0");
		in (l, 0, "S 0:10(10) win 1000 <mss 1000,%s,nop,nop>", opts[i]);
		out(l, 0, "S. 0:0(0) ack 1 <mss 1460>");	/* the text of the SYN waits for the handshake */
		none(l);
		in (l, 10, ". 1:1(0) ack 1 win 1000");
		app(l, 0, "accept");
		eq(tcp_opts(ladder_tcb(l))->user_timeout, 0);
		in (l, 0, "P. 1:11(10) ack 1 win 1000 <%s,nop,nop>", opts[i]);
		out(l, 0, ". 1:1(0) ack 11 <>");
		eq(tcp_opts(ladder_tcb(l))->user_timeout, 0);
		app(l, 0, "close");				/* unread text: a reset, and all is gone */
		ladder_flush(l);
		ladder_end(l);
	}
}

/* RFC 9293 3.8.6.2.2: crumbs that the program takes open a closed window by nothing; a segment's worth does. */
/* req: MUST-39 */
TEST(tcp_receiver_avoids_the_silly_window)
{
	struct ladder *l = ladder_established(.cfg = "tcp_rmem=4096:16000:16000,tcp_window_scaling=0", .syn = "mss 1000");
	struct tcp_tcb *t = ladder_tcb(l);
	ins(l, 1, 1, 8001, 1000, "ack 1 win 32000");
	ladder_flush(l);
	eq(t->rcv_wup.v + t->rcv_wnd, t->rcv_nxt.v);
	uint32_t edge = t->rcv_nxt.v, moves = 0, crumbs = 0;
	size_t n;
	struct iovec v = { (char[100]){ 0 }, 100 };
	while (tcp_readable(t) > 0) {
		eq(tcp_recv(t, &v, 1, 0, &n, ladder_now(l)), OL_OK);
		uint32_t past = t->rcv_nxt.v - t->irs.v + 1;
		ladder_flush(l);
		in (l, 600, ". %u:%u(0) ack 1 win 32000", past, past);	/* a probe: what does the answer offer? */
		ladder_flush(l);
		uint32_t now_edge = t->rcv_wup.v + t->rcv_wnd;
		ok(now_edge == edge || now_edge - edge >= 1000);
		moves += now_edge != edge;
		crumbs += now_edge == edge;
		edge = now_edge;
	}
	ok(moves >= 2 && crumbs > moves);
	ladder_end(l);
}

/* A reset is looked at first: what else the segment claims to be opens nothing. */
/* req: 9293-3.10.7.2-a */
TEST(tcp_reset_with_syn_opens_nothing)
{
	struct ladder *l = ladder_listening();
	in (l, 0, "SR 0:0(0) win 1000 <mss 1000>");
	in (l, 0, "SR. 0:0(0) ack 1 win 1000 <mss 1000>");
	none(l);
	eq(ladder_tcp(l)->n_syn, 0);
	ladder_end(l);
	l = ladder_half_open(.cfg = "tcp_syncookies=2");	/* nor does one that would else be the answer to a cookie */
	in (l, 0, "R. 1:1(0) ack 1 win 1000");
	none(l);
	app(l, 0, "accept = again");
	ladder_end(l);
}
