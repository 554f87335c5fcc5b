/*
 * What RFC 9293 3.10 says of several states at once, asked in each of them: a connection is brought into every state from SYN-RECEIVED
 * on, and the same thing happens to it.
 */
#include "tcp_ladder.h"

/* Our FIN, which the peer has yet to acknowledge. */
static void closes(struct ladder *l, unsigned ack)
{
	app(l, 0, "shutdown wr");
	out(l, 0, "F. 1:1(0) ack %u", ack);
}

static void peer_closes(struct ladder *l, unsigned ack, unsigned seq)
{
	in (l, 1, "F. 1:1(0) ack %u win 257", ack);
	out(l, 0, ". %u:%u(0) ack 2", seq, seq);
}

/* nxt, rcv: SND.NXT and RCV.NXT there, counted from each side's SYN. */
static const struct place { enum ol_tcp_state state; bool active; unsigned nxt, rcv; } places[] = {
	{ OL_TCP_SYN_RECEIVED, false, 1, 1 }, { OL_TCP_SYN_RECEIVED, true, 1, 1 }, { OL_TCP_ESTABLISHED, false, 1, 1 },
	{ OL_TCP_FIN_WAIT_1, false, 2, 1 }, { OL_TCP_FIN_WAIT_2, false, 2, 1 }, { OL_TCP_CLOSE_WAIT, false, 1, 2 },
	{ OL_TCP_CLOSING, false, 2, 2 }, { OL_TCP_LAST_ACK, false, 2, 2 }, { OL_TCP_TIME_WAIT, false, 2, 2 },
};
#define FOR_PLACES(p, first) for (const struct place *p = places + (first); p < places + sizeof places / sizeof *places; p++)
enum { FROM_SYN_RECEIVED, FROM_CROSSED, FROM_ESTABLISHED };

/* Nothing but what a test is about bounds the answers. */
#define UNBOUNDED "tcp_invalid_ratelimit=0,tcp_challenge_ack_limit=2147483647,tcp_early_retrans=0"

static struct ladder *at(const struct place *p)
{
	if (p->state == OL_TCP_SYN_RECEIVED)
		return p->active ? ladder_crossed(.cfg = UNBOUNDED) : ladder_half_open(.cfg = UNBOUNDED);
	struct ladder *l = ladder_established(.cfg = UNBOUNDED);
	switch (p->state) {
	case OL_TCP_FIN_WAIT_1:
		closes(l, 1);
		break;
	case OL_TCP_FIN_WAIT_2: case OL_TCP_TIME_WAIT:
		closes(l, 1);
		in(l, 1, ". 1:1(0) ack 2 win 257");
		if (p->state == OL_TCP_TIME_WAIT)
			peer_closes(l, 2, 2);
		break;
	case OL_TCP_CLOSE_WAIT:
		peer_closes(l, 1, 1);
		break;
	case OL_TCP_CLOSING:
		closes(l, 1);
		peer_closes(l, 1, 2);
		break;
	case OL_TCP_LAST_ACK:
		peer_closes(l, 1, 1);
		closes(l, 2);
		break;
	default:
		break;
	}
	return l;
}

/* Is it where it was?  A half-open connection of a listener is a record that nobody holds; so is TIME-WAIT, behind what the user holds. */
static void still(struct ladder *l, const struct place *p)
{
	if (p->state == OL_TCP_SYN_RECEIVED && !p->active) {
		eq(ladder_tcp(l)->n_syn, 1);
		return;
	}
	eq(tcp_state(ladder_tcb(l)), p->state);
	eq(ladder_tcp(l)->n_tw, p->state == OL_TCP_TIME_WAIT);
	eq(ladder_tcb(l)->rcv_nxt.v - ladder_tcb(l)->irs.v, p->rcv);
	eq(ladder_tcb(l)->snd_nxt.v - ladder_tcb(l)->iss.v, p->nxt);
}

/* An empty ACK that says where we are; what the segment brought is not looked at, its ACK neither. */
/* req: 9293-3.5.2-d, 9293-3.10.7.4-b, 9293-3.10.7.4-a, 9293-3.5.2-e */
TEST(tcp_unacceptable_segment_is_answered_in_every_state)
{
	FOR_PLACES(p, FROM_SYN_RECEIVED) {
		static const char *const seg[] = { "P. 900001:900011(10) ack 1 win 257", "F. 900001:900011(10) ack 2 win 257" };
		struct ladder *l = at(p);
		for (int i = 0; i < 2; i++) {
			in (l, 1, "%s", seg[i]);
			out(l, 0, ". %u:%u(0) ack %u", p->nxt, p->nxt, p->rcv);
			none(l);
			still(l, p);
		}
		in (l, 1, "R 900001:900001(0) win 0");
		in (l, 0, "R. 900001:900001(0) ack 1 win 0");
		none(l);
		still(l, p);
		ladder_end(l);
	}
}

/* On RCV.NXT it ends the connection, elsewhere in the window it is challenged, outside it is nothing. */
/* req: 9293-3.10.7.4-e, 5961-3.2-a, 5961-3.2-b, 5961-3.2-c */
TEST(tcp_reset_is_judged_alike_in_every_state)
{
	FOR_PLACES(p, FROM_SYN_RECEIVED) {
		struct ladder *l = at(p);
		in (l, 1, "R %u:%u(0) win 0", p->rcv + 7, p->rcv + 7);
		out(l, 0, ". %u:%u(0) ack %u", p->nxt, p->nxt, p->rcv);
		none(l);
		still(l, p);
		in (l, 1, "R %u:%u(0) win 0", p->rcv - 1, p->rcv - 1);
		none(l);
		still(l, p);
		in (l, 1, "R %u:%u(0) win 0", p->rcv, p->rcv);
		none(l);
		eq(ladder_tcp(l)->n_tw + ladder_tcp(l)->n_syn, 0);
		if (p->state != OL_TCP_TIME_WAIT && (p->active || p->state != OL_TCP_SYN_RECEIVED))
			state_is(l, CLOSED);
		ladder_end(l);
	}
}

/* What it says beside, text or other flags, makes it no less of a reset. */
/* req: SHLD-2 */
TEST(tcp_reset_with_text_is_a_reset_in_every_state)
{
	FOR_PLACES(p, FROM_SYN_RECEIVED) {
		struct ladder *l = at(p);
		in (l, 1, "RP. %u:%u(20) ack 1 win 0", p->rcv, p->rcv + 20);
		none(l);
		eq(ladder_tcp(l)->n_tw + ladder_tcp(l)->n_syn, 0);
		if (p->state != OL_TCP_TIME_WAIT && (p->active || p->state != OL_TCP_SYN_RECEIVED))
			state_is(l, CLOSED);
		ladder_end(l);
	}
	struct ladder *l = ladder_syn_sent();
	in (l, 1, "RP. 0:20(20) ack 1 win 0");
	state_is(l, CLOSED);
	app(l, 0, "error = refused");
	ladder_end(l);
}

/* TIME-WAIT too, where the SYN is not younger than the connection was; MAY-2 is about one that is. */
/* req: 9293-3.10.7.4-f, 5961-4.2-a */
TEST(tcp_syn_is_challenged_in_every_synchronized_state)
{
	FOR_PLACES(p, FROM_ESTABLISHED) {
		static const unsigned seqs[] = { 0, 1, 100, 900001 };
		struct ladder *l = at(p);
		for (size_t i = 0; i < sizeof seqs / sizeof *seqs; i++) {
			if (p->state == OL_TCP_TIME_WAIT && seqs[i] > p->rcv)
				break;
			in (l, 1, "S %u:%u(0) win 1000 <mss 1000>", seqs[i], seqs[i]);
			out(l, 0, ". %u:%u(0) ack %u", p->nxt, p->nxt, p->rcv);
			none(l);
			still(l, p);
		}
		ladder_end(l);
	}
}

/* req: 9293-3.10.7.4-h */
TEST(tcp_segment_without_ack_is_nothing_in_every_state)
{
	FOR_PLACES(p, FROM_SYN_RECEIVED) {
		struct ladder *l = at(p);
		in (l, 1, "P %u:%u(10) win 257", p->rcv, p->rcv + 10);
		in (l, 1, "F %u:%u(0) win 257", p->rcv, p->rcv);
		none(l);
		still(l, p);
		ladder_end(l);
	}
}

/* Of something never sent: no text of it is taken, and an ACK says where we are.  Of something long acknowledged: nothing is undone. */
/* req: 9293-3.10.7.4-j */
TEST(tcp_ack_ahead_is_answered_in_every_synchronized_state)
{
	FOR_PLACES(p, FROM_ESTABLISHED) {
		struct ladder *l = at(p);
		if (p->state != OL_TCP_TIME_WAIT) {		/* where nothing is sent any more */
			in (l, 1, "P. %u:%u(10) ack %u win 257", p->rcv, p->rcv + 10, p->nxt + 1);
			out(l, 0, ". %u:%u(0) ack %u", p->nxt, p->nxt, p->rcv);
			none(l);
			still(l, p);
		}
		ladder_end(l);
	}
	struct ladder *l = ladder_established();
	app(l, 0, "write 2000");
	ladder_flush(l);
	in (l, 1, ". 1:1(0) ack 2001 win 257");
	in (l, 1, ". 1:1(0) ack 1001 win 257");
	eq(ladder_tcb(l)->snd_una.v - ladder_tcb(l)->iss.v, 2001);
	ladder_end(l);
}

/* The peer has said that nothing follows its FIN; what follows all the same is not taken, and nobody is told of urgent text. */
/* req: 9293-3.10.7.4-p */
TEST(tcp_text_and_urgent_pointers_behind_the_peers_fin_are_ignored)
{
	FOR_PLACES(p, FROM_ESTABLISHED) {
		if (p->rcv != 2)
			continue;
		struct ladder *l = at(p);
		in (l, 1, "PU. 2:12(10) ack 1 win 257 urg 5");
		in (l, 1, "U. 2:2(0) ack 1 win 257 urg 5");
		ladder_flush(l);
		still(l, p);
		ok(!ladder_tcb(l)->urg_in && !(tcp_ready(ladder_tcb(l)) & OL_EV_PRI));
		app(l, 0, "read 100 = eof");
		ladder_end(l);
	}
}

/* req: 9293-3.6-a */
TEST(tcp_text_is_taken_after_we_have_closed)
{
	FOR_PLACES(p, FROM_ESTABLISHED) {
		if (p->state != OL_TCP_FIN_WAIT_1 && p->state != OL_TCP_FIN_WAIT_2)
			continue;
		struct ladder *l = at(p);
		app(l, 0, "read 100 = again");
		in (l, 1, "P. 1:11(10) ack 1 win 257");
		out(l, 0, ". 2:2(0) ack 11");
		app(l, 0, "read 100 = 10");
		app(l, 0, "read 100 = again");
		ladder_end(l);
	}
}

/* req: 9293-3.10.2-b */
TEST(tcp_send_after_close_fails_in_every_state)
{
	FOR_PLACES(p, FROM_ESTABLISHED) {
		if (p->nxt != 2)
			continue;
		struct ladder *l = at(p);
		app(l, 0, "write 1 = pipe");
		none(l);
		ladder_end(l);
	}
}

/* req: 9293-3.10.5-a, 9293-3.10.5-b */
TEST(tcp_abort_resets_where_the_peer_may_wait_for_more)
{
	FOR_PLACES(p, FROM_CROSSED) {
		struct ladder *l = at(p);
		bool told = p->state != OL_TCP_CLOSING && p->state != OL_TCP_LAST_ACK && p->state != OL_TCP_TIME_WAIT;
		app(l, 0, "abort");
		if (told)
			out(l, 0, "R. %u:%u(0) ack %u", p->nxt, p->nxt, p->rcv);
		none(l);
		state_is(l, CLOSED);
		wait(l, 10000);					/* and nothing of its queues */
		ladder_end(l);
	}
}

/*
 * Where the FIN leads, with and without an ACK of ours.  It takes a number, is acknowledged, ends what was to be read, and whoever
 * waits is told; repeated it changes nothing more.
 */
/* req: 9293-3.10.7.4-t, 9293-3.10.7.4-s, MUST-12 */
TEST(tcp_fin_leads_on_from_every_state)
{
	static const struct { enum ol_tcp_state from; bool active, acks; enum ol_tcp_state to; } t[] = {
		{ OL_TCP_SYN_RECEIVED, false, true, OL_TCP_CLOSE_WAIT }, { OL_TCP_SYN_RECEIVED, true, true, OL_TCP_CLOSE_WAIT },
		{ OL_TCP_ESTABLISHED, false, true, OL_TCP_CLOSE_WAIT }, { OL_TCP_FIN_WAIT_1, false, false, OL_TCP_CLOSING },
		{ OL_TCP_FIN_WAIT_1, false, true, OL_TCP_TIME_WAIT }, { OL_TCP_FIN_WAIT_2, false, true, OL_TCP_TIME_WAIT },
	};
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		const struct place *p = places;
		while (p->state != t[i].from || p->active != t[i].active)
			p++;
		struct ladder *l = at(p);
		struct tcp_event ev;
		while (tcp_event_next(ladder_tcp(l), &ev))
			;
		in (l, 1, "F. 1:1(0) ack %u win 257", t[i].acks ? p->nxt : 1);
		if (t[i].from == OL_TCP_SYN_RECEIVED && !t[i].active)
			app(l, 0, "accept");
		else
			ok(tcp_event_next(ladder_tcp(l), &ev) && ev.tcb == ladder_tcb(l));
		by (l, 499, ". %u:%u(0) ack 2", p->nxt, p->nxt);
		eq(tcp_state(ladder_tcb(l)), t[i].to);
		ok(tcp_ready(ladder_tcb(l)) & OL_EV_RDHUP);
		app(l, 0, "read 10 = eof");
		in (l, 1, "F. 1:1(0) ack %u win 257", t[i].acks ? p->nxt : 1);
		out(l, 0, ". %u:%u(0) ack 2", p->nxt, p->nxt);
		eq(tcp_state(ladder_tcb(l)), t[i].to);
		ladder_end(l);
	}
}

/* A FIN that comes again where one is known already moves nothing. */
/* req: 9293-3.10.7.4-t, 9293-3.10.7.4-b */
TEST(tcp_fin_again_is_answered_and_leads_nowhere)
{
	FOR_PLACES(p, FROM_ESTABLISHED) {
		if (p->rcv != 2)
			continue;
		struct ladder *l = at(p);
		in (l, 1, "F. 1:1(0) ack 1 win 257");
		out(l, 0, ". %u:%u(0) ack 2", p->nxt, p->nxt);
		none(l);
		still(l, p);
		ladder_end(l);
	}
}

/* The other way to end: whoever reads, writes or asks is told that it was a reset, and not that the peer had closed. */
/* req: MUST-12 */
TEST(tcp_reset_is_told_and_is_no_end_of_file)
{
	static const char *const asks[] = { "read 1 = reset", "write 1 = reset", "error = reset" };
	FOR_PLACES(p, FROM_ESTABLISHED) {
		if (p->state == OL_TCP_TIME_WAIT)
			continue;
		for (size_t i = 0; i < 3; i++) {
			struct ladder *l = at(p);
			if (i == 0 && p->rcv == 2) {		/* nothing was lost of what was to be read */
				ladder_end(l);
				continue;
			}
			in (l, 1, "R %u:%u(0) win 0", p->rcv, p->rcv);
			state_is(l, CLOSED);
			ok(tcp_ready(ladder_tcb(l)) & OL_EV_ERR);
			app(l, 0, "%s", asks[i]);
			ladder_end(l);
		}
	}
}

/* Whichever way the side that closed came there, held by its user or not: 2 MSL, and the name is free. */
/* req: MUST-13, 9293-3.10.7.4-m, 9293-3.10.8-c */
TEST(tcp_time_wait_lasts_two_msl_however_it_was_reached)
{
	static const struct { enum ol_tcp_state from; const char *last; } t[] = {
		{ OL_TCP_FIN_WAIT_2, "F. 1:1(0) ack 2 win 257" }, { OL_TCP_FIN_WAIT_1, "F. 1:1(0) ack 2 win 257" },
		{ OL_TCP_CLOSING, ". 2:2(0) ack 2 win 257" },
	};
	for (size_t i = 0; i < 3; i++)
		for (int held = 0; held < 2; held++) {
			const struct place *p = places;
			while (p->state != t[i].from)
				p++;
			struct ladder *l = at(p);
			if (!held)
				app(l, 0, "close");
			in (l, 1, "%s", t[i].last);
			ladder_flush(l);
			eq(ladder_tcp(l)->n_tw, 1);
			wait(l, 59990);
			eq(ladder_tcp(l)->n_tw, 1);
			if (held)
				state_is(l, TIME_WAIT);
			wait(l, 20);
			eq(ladder_tcp(l)->n_tw, 0);
			if (held)
				state_is(l, CLOSED);
			else
				eq(ladder_tcp(l)->n_tcb, 0);
			ladder_end(l);
		}
}

/* Each record has its own 2 MSL, and all of them end. */
/* req: MUST-13, 9293-3.10.8-c */
TEST(tcp_time_waits_end_one_by_one)
{
	struct ladder *l = ladder_listening();
	for (uint16_t port = 1; port <= 4; port++) {
		ladder_peer_port(l, port);
		in (l, port == 2 ? 0 : 10000, "S 0:0(0) win 1000 <mss 1000>");
		ladder_flush(l);
		in (l, 0, ". 1:1(0) ack 1 win 1000");
		app(l, 0, "accept");
		app(l, 0, "close");
		ladder_flush(l);
		in (l, 0, "F. 1:1(0) ack 2 win 1000");
		ladder_flush(l);
		eq(ladder_tcp(l)->n_tw, port);
	}
	wait(l, 39990);					/* they began 20, 20, 10 and 0 seconds ago */
	eq(ladder_tcp(l)->n_tw, 4);
	for (unsigned left = 2; left < 4; left--) {
		wait(l, 20);
		eq(ladder_tcp(l)->n_tw, left);
		wait(l, 9980);
	}
	ladder_end(l);
}

/* Patience ends where something is outstanding, whatever the state: text, a SYN or a FIN. */
/* req: 9293-3.10.8-a */
TEST(tcp_user_timeout_holds_in_every_state)
{
	static const enum ol_tcp_state with[] = {
		OL_TCP_ESTABLISHED, OL_TCP_CLOSE_WAIT, OL_TCP_FIN_WAIT_1, OL_TCP_CLOSING, OL_TCP_LAST_ACK, OL_TCP_SYN_SENT,
	};
	for (size_t i = 0; i < sizeof with / sizeof *with; i++) {
		const struct place *p = places;
		while (with[i] != OL_TCP_SYN_SENT && p->state != with[i])
			p++;
		struct ladder *l = with[i] == OL_TCP_SYN_SENT ? ladder_syn_sent() : at(p);
		tcp_opts(ladder_tcb(l))->user_timeout = 3 * OL_SEC;
		tcp_opts_changed(ladder_tcb(l), ladder_now(l));
		if (with[i] == OL_TCP_ESTABLISHED || with[i] == OL_TCP_CLOSE_WAIT)
			app(l, 0, "write 100");
		app(l, 2900, "nodelay 0");
		eq(tcp_state(ladder_tcb(l)), with[i]);
		app(l, 200, "error = timedout");
		state_is(l, CLOSED);
		ladder_flush(l);
		wait(l, 10000);
		ladder_end(l);
	}
}

/* SND.WND, SND.WL1 and SND.WL2 are those of the segment that ends the handshake, though it is no longer a SYN's. */
/* req: 9293-3.10.7.4-i */
TEST(tcp_ack_of_the_syn_sets_the_send_window)
{
	for (int active = 0; active < 2; active++) {
		struct ladder *l = at(places + active);
		in (l, 1, ". 1:1(0) ack 2 win 33");		/* of nothing sent */
		out(l, 0, "R 2:2(0) win 0");
		in (l, 1, ". 1:1(0) ack 1 win 44");
		if (!active)
			app(l, 0, "accept");
		state_is(l, ESTABLISHED);
		const struct tcp_tcb *t = ladder_tcb(l);
		eq(t->snd_wnd, 44 << 7);
		eq(t->snd_wl1.v, t->rcv_nxt.v);
		eq(t->snd_wl2.v, t->snd_una.v);
		ladder_end(l);
	}
}
