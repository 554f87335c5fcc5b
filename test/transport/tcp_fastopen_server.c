/* Fast Open, RFC 7413, of the server: cookies, text that comes with a SYN, and how much of it there may be. */
#include <linux/tcp.h>
#include "tcp_ladder.h"

#define CLIENT "tcp_timestamps=0"
#define SERVER "tcp_timestamps=0,tcp_fastopen=3"

static bool syn_data(struct ladder *l)
{
	struct tcp_info ti = { 0 };
	tcp_info_fill(ladder_tcb(l), &ti, sizeof ti, ladder_now(l));
	return ti.tcpi_options & TCPI_OPT_SYN_DATA;
}

/* SYNs to come are of another connection. */
static void next_peer(struct ladder *l)
{
	static uint16_t port = 41000;
	ladder_peer_port(l, ++port);
}

/* A new connection: its SYN has a hundred bytes and the cookie; they are taken, or they are not. */
#define open_with_text(l) do { \
	next_peer(l); \
	in (l, 0, "S 0:100(100) win 20000 <mss 1000,FO cookie,nop,nop>"); \
	out(l, 0, "S. 0:0(0) ack 101 <mss 1460>"); \
} while (0)
#define open_without(l) do { \
	next_peer(l); \
	in (l, 0, "S 0:100(100) win 20000 <mss 1000,FO cookie,nop,nop>"); \
	out(l, 0, "S. 0:0(0) ack 1 <mss 1460>"); \
} while (0)

static void throw_away(struct ladder *l)
{
	app(l, 0, "abort");
	app(l, 0, "close");
	ladder_flush(l);
}

/* A listener that allows qlen pending ones, of which the peer has asked and got a cookie. */
static struct ladder *serving(const char *cfg, int qlen)
{
	struct ladder *l = ladder(.cfg = cfg);
	app(l, 0, "listenfast %d", qlen);
	in (l, 0, "S 0:100(100) win 20000 <mss 1000,FO,nop,nop>");
	out(l, 0, "S. 0:0(0) ack 1 <mss 1460,FO cookie,nop,nop>");
	in (l, 10, "R. 1:1(0) ack 1");
	next_peer(l);
	return l;
}

/* With its cookie the text is the program's at once, and the answer does not wait for the ACK. */
/* req: 7413-4.2.2-a, 7413-4.1.2-a */
TEST(fastopen_server_takes_text_and_answers_before_the_handshake_ends)
{
	struct ladder *l = serving(SERVER, 5);
	open_with_text(l);
	app(l, 0, "accept");
	state_is(l, SYN_RECEIVED);
	ok(syn_data(l));
	eq(tcp_ready(ladder_tcb(l)) & (OL_EV_IN | OL_EV_OUT | OL_EV_ERR), OL_EV_IN | OL_EV_OUT);
	app(l, 0, "read 1000 = 100");
	app(l, 0, "write 30000 = 30000");
	outs(l, 1, 10001, 1000, "ack 101");			/* the initial window, RFC 6928, all of it */
	none(l);
	in (l, 10, ". 101:101(0) ack 1 win 20000");
	state_is(l, ESTABLISHED);
	none(l);
	in (l, 0, ". 101:101(0) ack 5001 win 20000");
	eq(ladder_flush(l), 10);
	in (l, 0, "R. 101:101(0) ack 5001");
	ladder_end(l);
}

/* The window a SYN offers begins behind ours, and the FIN needs one of its numbers: RFC 9293 3.4. */
static void close_before_the_handshake_ends(int text, const char *last, const char *then)
{
	struct ladder *l = serving(SERVER, 5);
	next_peer(l);
	in (l, 0, "S 0:100(100) win 500 <mss 1000,FO cookie,nop,nop>");
	out(l, 0, "S. 0:0(0) ack 101 <mss 1460>");
	app(l, 0, "accept");
	app(l, 0, "write %d = %d", text, text);
	out(l, 0, "P. 1:%d(%d) ack 101", text + 1, text);
	app(l, 0, "shutdown");
	if (last)
		out(l, 0, "%s", last);
	none(l);
	in (l, 10, ". 101:101(0) ack 1 win 500");
	none(l);
	in (l, 10, ". 101:101(0) ack %d win 500", text + 1);
	if (then)
		out(l, 0, "%s", then);
	in (l, 10, ". 101:101(0) ack %d win 500", text + 2);
	state_is(l, FIN_WAIT_2);
	ladder_end(l);
}

TEST(fastopen_server_closes_within_the_window_of_the_syn)
{
	close_before_the_handshake_ends(498, "F. 499:499(0) ack 101", NULL);
	close_before_the_handshake_ends(499, "F. 500:500(0) ack 101", NULL);
	close_before_the_handshake_ends(500, NULL, "F. 501:501(0) ack 101");
}

/* A wrong cookie opens in the old way, and brings the right one. */
/* req: 7413-4.2.2-b */
TEST(fastopen_server_takes_no_text_for_a_wrong_cookie)
{
	static const char *const bad[] = {
		"FO not cookie,nop,nop", "FO 00112233,nop,nop", "FO 00112233445566778899aabbccddeeff,nop,nop",
	};
	struct ladder *l = serving(SERVER, 5);
	for (int i = 0; i < 3; i++) {
		next_peer(l);
		in (l, 0, "S 0:100(100) win 20000 <mss 1000,%s>", bad[i]);
		out(l, 0, "S. 0:0(0) ack 1 <mss 1460,FO cookie,nop,nop>");
		app(l, 0, "accept = again");
		in (l, 10, ". 1:101(100) ack 1 win 20000");
		app(l, 0, "accept");
		ok(!syn_data(l));
		app(l, 0, "read 1000 = 100");
		throw_away(l);
	}
	next_peer(l);
	in (l, 0, "S 0:100(100) win 20000 <mss 1000,FOEXP cookie>");	/* the old form is as good, and gets its own back */
	out(l, 0, "S. 0:0(0) ack 101 <mss 1460>");
	next_peer(l);
	in (l, 0, "S 0:100(100) win 20000 <mss 1000,FOEXP>");
	out(l, 0, "S. 0:0(0) ack 1 <mss 1460,FOEXP cookie>");
	ladder_end(l);
}

/* A cookie with bad length is no cookie: no text, and none in return. */
/* req: 7413-4.1.1-a */
TEST(fastopen_server_ignores_what_is_no_cookie)
{
	static const char *const bad[] = { "FO aabb", "FO 0011223344,nop", "FO 00112233445566778899aabbccddeeff0011", "FOEXP aabb,nop,nop" };
	struct ladder *l = serving(SERVER, 5);
	for (int i = 0; i < 4; i++) {
		next_peer(l);
		in (l, 0, "S 0:100(100) win 20000 <mss 1000,%s>", bad[i]);
		out(l, 0, "S. 0:0(0) ack 1 <mss 1460>");
	}
	ladder_end(l);
}

/* Off for the listener, or for the host: the option is as good as not there. */
/* req: 7413-4.2-a, 7413-2-a, 7413-6.1-a */
TEST(fastopen_server_is_off_unless_asked_for)
{
	struct ladder *l = serving(SERVER, 5);
	app(l, 0, "closelisten");
	app(l, 0, "listen 10");
	for (int i = 0; i < 2; i++) {
		next_peer(l);
		in (l, 0, i ? "S 0:0(0) win 20000 <mss 1000,FO,nop,nop>" : "S 0:100(100) win 20000 <mss 1000,FO cookie,nop,nop>");
		out(l, 0, "S. 0:0(0) ack 1 <mss 1460>");
	}
	ladder_end(l);
	l = ladder(.cfg = CLIENT);				/* the default: clients alone */
	app(l, 0, "listenfast 5");
	in (l, 0, "S 0:100(100) win 20000 <mss 1000,FO,nop,nop>");
	out(l, 0, "S. 0:0(0) ack 1 <mss 1460>");
	ladder_end(l);
	l = ladder_listening(.cfg = "tcp_timestamps=0,tcp_fastopen=0x402");	/* every listener */
	in (l, 0, "S 0:100(100) win 20000 <mss 1000,FO,nop,nop>");
	out(l, 0, "S. 0:0(0) ack 1 <mss 1460,FO cookie,nop,nop>");
	ladder_end(l);
}

/* So many may be pending; then SYNs are ordinary ones, cookies are neither looked at nor given, until one is through. */
/* req: 7413-4.2-b */
TEST(fastopen_pending_requests_are_bounded)
{
	struct ladder *l = serving(SERVER, 2);
	for (int i = 0; i < 3; i++) {
		next_peer(l);
		in (l, 0, "S 0:100(100) win 20000 <mss 1000,FO cookie,nop,nop>");
		out(l, 0, i < 2 ? "S. 0:0(0) ack 101 <mss 1460>" : "S. 0:0(0) ack 1 <mss 1460>");
		none(l);
	}
	app(l, 0, "accept");					/* taking it changes nothing: its handshake counts */
	next_peer(l);
	in (l, 0, "S 0:100(100) win 20000 <mss 1000,FO,nop,nop>");
	out(l, 0, "S. 0:0(0) ack 1 <mss 1460>");
	throw_away(l);
	open_with_text(l);
	in (l, 0, ". 101:101(0) ack 1 win 20000");
	open_with_text(l);
	ladder_end(l);
}

/* 5.1: one that a reset ended counts for a minute more, or resets would help whoever floods. */
/* req: 7413-4.2-b */
TEST(fastopen_reset_requests_go_on_counting)
{
	struct ladder *l = serving(SERVER, 1);
	open_with_text(l);
	in (l, 0, "R 101:101(0)");
	open_without(l);
	in (l, 0, "R. 1:1(0) ack 1");
	wait(l, 59000);
	open_without(l);
	in (l, 0, "R. 1:1(0) ack 1");
	wait(l, 1000);
	open_with_text(l);
	in (l, 0, "R 101:101(0)");
	app(l, 0, "closelisten");				/* with one still counting */
	ladder_end(l);
}

/* Reset before it was accepted: what came can still be read, then the reset. */
TEST(fastopen_reset_leaves_the_text)
{
	struct ladder *l = serving(SERVER, 5);
	open_with_text(l);
	in (l, 0, "R 101:101(0)");
	app(l, 0, "accept");
	app(l, 0, "read 1000 = 100");
	app(l, 0, "read 1000 = reset");
	app(l, 0, "write 10 = pipe");
	app(l, 0, "close");
	none(l);
	ladder_end(l);
}

/* Neither a cookie nor text is sent twice: the SYN-ACK goes again alone, so does the one that gave a cookie. */
/* req: 7413-4.2.2-d */
TEST(fastopen_syn_ack_goes_again_bare)
{
	struct ladder *l = serving(SERVER, 5);
	in (l, 0, "S 0:100(100) win 20000 <mss 1000,FO,nop,nop>");
	out(l, 0, "S. 0:0(0) ack 1 <mss 1460,FO cookie,nop,nop>");
	out(l, 1000, "S. 0:0(0) ack 1 <mss 1460>");
	in (l, 0, "S 0:100(100) win 20000 <mss 1000,FO,nop,nop>");
	out(l, 0, "S. 0:0(0) ack 1 <mss 1460>");
	in (l, 0, "R. 1:1(0) ack 1");
	open_with_text(l);
	app(l, 0, "accept");
	app(l, 0, "write 500");
	out(l, 0, "P. 1:501(500) ack 101");
	out(l, 1000, "S. 0:0(0) ack 101 <mss 1460>");
	none(l);
	in (l, 0, "S 0:0(0) win 20000 <mss 1000>");		/* the client's, bare, again */
	out(l, 0, "S. 0:0(0) ack 101 <mss 1460>");
	out(l, 2000, "S. 0:0(0) ack 101 <mss 1460>");
	in (l, 10, ". 101:101(0) ack 1 win 20000");
	state_is(l, ESTABLISHED);
	by(l, 4000, "P. 1:501(500) ack 101");			/* it came while the client could not take it */
	in (l, 10, ". 101:101(0) ack 501 win 20000");
	in (l, 0, "R. 101:101(0) ack 501");
	ladder_end(l);
}

/* Which SYN-ACK its ACK is of nobody knows: it times nothing, as Karn has it (RFC 6298 3). */
TEST(fastopen_repeated_syn_ack_times_nothing)
{
	for (int again = 0; again < 2; again++) {
		struct ladder *l = serving(SERVER, 5);
		open_with_text(l);
		app(l, 0, "accept");
		wait(l, 500);
		if (again) {
			in (l, 0, "S 0:0(0) win 20000 <mss 1000>");
			out(l, 0, "S. 0:0(0) ack 101 <mss 1460>");
		}
		in (l, 10, ". 101:101(0) ack 1 win 20000");
		state_is(l, ESTABLISHED);
		eq(ladder_tcb(l)->srtt_ns, again ? 0 : 510 * OL_MS);
		throw_away(l);
		ladder_end(l);
	}
}

/* Six SYN-ACKs, one more than an ordinary handshake gets; then the program hears of it. */
TEST(fastopen_server_gives_up)
{
	struct ladder *l = serving(SERVER ",tcp_synack_retries=1", 5);
	open_with_text(l);
	app(l, 0, "accept");
	out(l, 1000, "S. 0:0(0) ack 101 <mss 1460>");
	out(l, 2000, "S. 0:0(0) ack 101 <mss 1460>");
	wait(l, 4000);
	app(l, 0, "read 1000 = 100");
	app(l, 0, "read 1000 = timedout");
	app(l, 0, "close");
	ladder_end(l);
}

/* Every way out of SYN-RECEIVED: reset by the program, a FIN of either side, a listener that goes. */
TEST(fastopen_endings_before_the_handshake_ends)
{
	struct ladder *l = serving(SERVER, 5);
	open_with_text(l);
	app(l, 0, "accept");
	app(l, 0, "close");					/* text unread */
	out(l, 0, "R. 1:1(0) ack 101");
	open_with_text(l);
	app(l, 0, "accept");
	app(l, 0, "read 100");
	app(l, 0, "write 500");
	out(l, 0, "P. 1:501(500) ack 101");
	app(l, 0, "shutdown wr");
	out(l, 0, "F. 501:501(0) ack 101");
	in (l, 10, ". 101:101(0) ack 502 win 20000");		/* of the SYN-ACK and of all behind it */
	state_is(l, FIN_WAIT_2);
	app(l, 0, "close");
	in (l, 0, "F. 101:101(0) ack 502 win 20000");
	out(l, 0, ". 502:502(0) ack 102");
	open_with_text(l);
	app(l, 0, "accept");
	in (l, 10, "F. 101:101(0) ack 1 win 20000");
	state_is(l, CLOSE_WAIT);
	out(l, 0, ". 1:1(0) ack 102");
	app(l, 0, "read 1000 = 100");
	app(l, 0, "read 1000 = eof");
	app(l, 0, "close");
	out(l, 0, "F. 1:1(0) ack 102");
	in (l, 0, ". 102:102(0) ack 2 win 20000");
	open_with_text(l);
	app(l, 0, "accept");					/* this one stays, though its listener goes */
	struct tcp_tcb *kept = ladder_tcb(l);
	uint16_t port = tcp_remote(kept)->port;
	open_with_text(l);
	app(l, 0, "closelisten");
	out(l, 0, "R. 1:1(0) ack 101");
	ladder_peer_port(l, port);
	app(l, 0, "write 10");
	ladder_flush(l);
	ladder_end(l);
}

/* MUST-56 until it is accepted: a hard error ends it, and the program that accepts it hears why; after that it is noted. */
TEST(fastopen_server_and_icmp)
{
	struct ladder *l = serving(SERVER, 5);
	for (int accepted = 0; accepted < 2; accepted++) {
		open_with_text(l);
		if (accepted)
			app(l, 0, "accept");
		ladder_icmp(l, OL_ERR_CONNREFUSED, true, 0, 0);
		if (!accepted)
			app(l, 0, "accept");
		app(l, 0, "read 1000 = 100");
		app(l, 0, accepted ? "read 1000 = again" : "read 1000 = refused");
		throw_away(l);
	}
	ladder_end(l);
}

/* 0x200: no cookie is needed, only text; without that a SYN is an ordinary one. */
TEST(fastopen_server_without_cookies)
{
	struct ladder *l = ladder(.cfg = "tcp_timestamps=0,tcp_fastopen=0x202");
	app(l, 0, "listenfast 5");
	in (l, 0, "S 0:100(100) win 20000 <mss 1000>");
	out(l, 0, "S. 0:0(0) ack 101 <mss 1460>");
	next_peer(l);
	in (l, 0, "S 0:0(0) win 20000 <mss 1000>");
	out(l, 0, "S. 0:0(0) ack 1 <mss 1460>");
	app(l, 0, "accept");
	app(l, 0, "accept = again");
	app(l, 0, "abort");
	ladder_end(l);
}

/* A SYN without text but with its cookie opens as well: the server may be first to speak.  A FIN on it comes again. */
TEST(fastopen_server_without_text_and_with_fin)
{
	struct ladder *l = serving(SERVER, 5);
	in (l, 0, "S 0:0(0) win 20000 <mss 1000,FO cookie,nop,nop>");
	out(l, 0, "S. 0:0(0) ack 1 <mss 1460>");
	app(l, 0, "accept");
	ok(!syn_data(l));
	app(l, 0, "write 100");
	out(l, 0, "P. 1:101(100) ack 1");
	throw_away(l);
	next_peer(l);
	in (l, 0, "SF 0:100(100) win 20000 <mss 1000,FO cookie,nop,nop>");
	out(l, 0, "S. 0:0(0) ack 101 <mss 1460>");
	in (l, 0, "F. 101:101(0) ack 1 win 20000");
	by(l, 50, ". 1:1(0) ack 102");
	ladder_end(l);
}

/* SYN cookies have no memory for any of it. */
TEST(fastopen_stands_back_behind_syn_cookies)
{
	struct ladder *l = serving(SERVER, 5);
	ladder_tcp(l)->cfg.syncookies = 2;
	open_without(l);
	none(l);
	ladder_end(l);
}

/* The accept queue bounds it too: full, a SYN is dropped whatever it carries. */
TEST(fastopen_and_the_backlog)
{
	struct ladder *l = serving(SERVER, 5);
	tcp_listener_set_backlog(ladder_listener(l), 0);
	open_with_text(l);
	next_peer(l);
	in (l, 0, "S 0:100(100) win 20000 <mss 1000,FO cookie,nop,nop>");
	none(l);
	eq(ladder_fate(l, OL_DROP_TCP_ACCEPT_QUEUE), 1);
	ladder_end(l);
}

/* ---- cookies and keys -------------------------------------------------------------------------------------------- */

/* What a listener says to a SYN of `from` to `to` with this cookie. */
static bool accepts(struct ladder *l, const char *from, const char *to, const struct tcp_cookie *c, struct tcp_cookie *give, ol_time now)
{
	struct net_rx rx = { 0 };
	struct tcp_in in = { .rx = &rx };
	ok(ol_addr_parse(from, &rx.src));
	ok(ol_addr_parse(to, &rx.dst));
	in.seg.text.len = 10;
	in.opt.fo = *c;
	return tcp_fastopen_accepts(ladder_listener(l), &in, give, now);
}

/* Keys and cookies as Linux has them, so that servers of both kinds may stand behind one address: from packetdrill's scripts. */
TEST(fastopen_cookies_are_those_of_linux)
{
	static const struct { const char *cfg, *client, *server; uint8_t cookie[8]; } known[] = {
		{ "tcp_fastopen=2,tcp_fastopen_key=a0bf63f7-ed803d81-cd641d30-cebc4a90", "10.248.0.2", "192.168.0.2",
		  { 0x00, 0xab, 0xaa, 0xab, 0xe8, 0xe9, 0x54, 0xc2 } },
		{ "tcp_fastopen=2,tcp_fastopen_key=a0bf63f7-ed803d81-cd641d30-cebc4a90", "10.248.0.3", "192.168.0.3",
		  { 0x76, 0xd2, 0xc1, 0xc5, 0x30, 0xf5, 0x1f, 0x79 } },
		{ "tcp_fastopen=2,tcp_fastopen_key=a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4", "fd3d:fa7b:d17d::1", "fd3d:a0b:17d6::1",
		  { 0xc1, 0xd1, 0xe9, 0x74, 0x2a, 0x47, 0xa9, 0xbc } },
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		struct ladder *l = ladder(.cfg = known[i].cfg);
		struct tcp_cookie ask = { .present = true }, give;
		app(l, 0, "listenfast 5");
		ok(!accepts(l, known[i].client, known[i].server, &ask, &give, 0));
		ok(give.present && give.len == 8);
		assert_memory_equal(give.b, known[i].cookie, 8);
		ladder_end(l);
	}
}

/* It is the client's address that a cookie is good for, and no other. */
/* req: 7413-4.1.2-a */
TEST(fastopen_cookies_are_of_one_address)
{
	struct ladder *l = ladder(.cfg = "tcp_fastopen=2");
	struct tcp_cookie ask = { .present = true }, mine, give;
	app(l, 0, "listenfast 5");
	ok(!accepts(l, "10.0.0.7", "10.0.0.1", &ask, &mine, 0));
	ok(accepts(l, "10.0.0.7", "10.0.0.1", &mine, &give, 0));
	ok(!give.present);
	ok(!accepts(l, "10.0.0.8", "10.0.0.1", &mine, &give, 0));
	ok(give.present && memcmp(give.b, mine.b, 8));
	ok(!accepts(l, "10.0.0.7", "10.0.0.2", &mine, &give, 0));
	ok(!accepts(l, "fd00::7", "fd00::1", &mine, &give, 0));
	for (int i = 0; i < 64; i++) {				/* every bit counts */
		struct tcp_cookie bent = mine;
		bent.b[i / 8] ^= (uint8_t)(1 << i % 8);
		ok(!accepts(l, "10.0.0.7", "10.0.0.1", &bent, &give, 0));
	}
	ladder_end(l);
}

/* A key of the administrator's or the program's stays until it is changed; the one before it is good for a while more. */
/* req: 7413-4.1.2-a, 7413-4.2.2-a */
TEST(fastopen_keys_change_one_after_the_other)
{
	struct ladder *l = ladder(.cfg = "tcp_fastopen=2,tcp_fastopen_key=1-2-3-4");
	struct tcp_cookie ask = { .present = true }, old, give;
	app(l, 0, "listenfast 5");
	ok(!accepts(l, "10.0.0.7", "10.0.0.1", &ask, &old, 0));
	ok(accepts(l, "10.0.0.7", "10.0.0.1", &old, &give, 1000 * 86400 * OL_SEC));
	struct tcp_fo_keys k = { .n = 2, .key = { { 9 }, { 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4 } } };
	tcp_listener_set_keys(ladder_listener(l), &k);
	ok(accepts(l, "10.0.0.7", "10.0.0.1", &old, &give, 0));
	ok(give.present && memcmp(give.b, old.b, 8));		/* and is given the new one */
	ok(accepts(l, "10.0.0.7", "10.0.0.1", &give, &give, 0));
	k.n = 1;
	tcp_listener_set_keys(ladder_listener(l), &k);
	ok(!accepts(l, "10.0.0.7", "10.0.0.1", &old, &give, 0));
	ladder_end(l);
}

/* Nobody set a key: then cookies grow old by themselves. */
/* req: 7413-4.1.2-a */
TEST(fastopen_cookies_expire)
{
	struct ladder *l = serving(SERVER, 5);
	for (int h = 0; h <= 12; h += 12) {
		wait(l, h * 3600 * 1000);
		next_peer(l);
		in (l, 0, "S 0:100(100) win 20000 <mss 1000,FO cookie,nop,nop>");
		out(l, 0, h ? "S. 0:0(0) ack 101 <mss 1460,FO cookie,nop,nop>" : "S. 0:0(0) ack 101 <mss 1460>");
		app(l, 0, "accept");
		throw_away(l);
	}
	wait(l, 24 * 3600 * 1000 - 1);				/* the renewed one is old by now, too */
	wait(l, 1);
	next_peer(l);
	in (l, 0, "S 0:100(100) win 20000 <mss 1000,FO cookie,nop,nop>");
	out(l, 0, "S. 0:0(0) ack 1 <mss 1460,FO cookie,nop,nop>");
	ladder_end(l);
}
