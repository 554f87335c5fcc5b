/* Fast Open, RFC 7413, of the client: what its SYNs carry, and what it makes of a server or a path that does not want it. */
#include <errno.h>
#include <linux/tcp.h>
#include "tcp_ladder.h"

#define SYN_OPTS "mss 1460,nop,nop,sackOK,nop,wscale 8"
#define CLIENT "tcp_timestamps=0"

/* The open sent its SYN: the peer answers with `options`, and both sides end it; it taught what it taught. */
static void answered(struct ladder *l, unsigned text, const char *options)
{
	in (l, 10, "S. 0:0(0) ack %u win 20000 <%s>", 1 + text, options);
	out(l, 0, ". %u:%u(0) ack 1", 1 + text, 1 + text);
	state_is(l, ESTABLISHED);
	app(l, 0, "close");
	ladder_flush(l);
	in (l, 0, "R. 1:1(0) ack %u", 2 + text);
	none(l);
}

/* Opens: for the first time; with the cookie of warm(); while Fast Open has a rest for this server. */
#define open_asking(l) do { \
	app(l, 0, "fastopen 500 = 0"); \
	out(l, 0, "S 0:0(0) <" SYN_OPTS ",FO,nop,nop>"); \
} while (0)
#define open_with_text(l) do { \
	app(l, 0, "fastopen 500"); \
	out(l, 0, "S 0:500(500) <" SYN_OPTS ",FO abcd1234,nop,nop>"); \
} while (0)
#define open_at_rest(l) do { \
	app(l, 0, "fastopen 500 = 0"); \
	out(l, 0, "S 0:0(0) <" SYN_OPTS ">"); \
	app(l, 0, "close"); \
} while (0)

/* A client that has the cookie abcd1234 of a server whose MSS is 1000. */
static struct ladder *warm(const char *cfg)
{
	struct ladder *l = ladder(.cfg = cfg);
	open_asking(l);
	answered(l, 0, "mss 1000,FO abcd1234,nop,nop");
	return l;
}

static bool syn_data(struct ladder *l)
{
	struct tcp_info ti = { 0 };
	tcp_info_fill(ladder_tcb(l), &ti, sizeof ti, ladder_now(l));
	return ti.tcpi_options & TCPI_OPT_SYN_DATA;
}

static unsigned client_fail(struct ladder *l)
{
	struct tcp_info ti = { 0 };
	tcp_info_fill(ladder_tcb(l), &ti, sizeof ti, ladder_now(l));
	return ti.tcpi_fastopen_client_fail;
}

/* First a cookie is asked for; with it, the text goes on the SYN: the server's MSS, less room for options. */
/* req: 7413-4.2.1-a, 7413-4.1.3-a */
TEST(fastopen_client_asks_and_then_sends_text_with_its_syn)
{
	struct ladder *l = warm(CLIENT);
	app(l, 10, "fastopen 2000 = 960");			/* 1000 less 40 */
	out(l, 0, "S 0:960(960) <" SYN_OPTS ",FO abcd1234,nop,nop>");
	none(l);
	app(l, 0, "write 10 = again");
	in (l, 10, "S. 0:0(0) ack 961 win 20000 <mss 1000,FO 1234567890ab>");
	out(l, 0, ". 961:961(0) ack 1");
	ok(syn_data(l));
	eq(client_fail(l), 0);
	app(l, 0, "write 1040");
	out(l, 0, ". 961:1961(1000) ack 1");
	in (l, 10, ". 1:1(0) ack 1961 win 20000");		/* one byte more than that is small, and one small one may be out */
	out(l, 0, "P. 1961:2001(40) ack 1");
	in (l, 10, "R. 1:1(0) ack 2001");
	app(l, 10, "fastopen 20");				/* the newest cookie counts */
	out(l, 0, "S 0:20(20) <" SYN_OPTS ",FO 1234567890ab>");
	answered(l, 20, "mss 1000");
	ladder_end(l);
}

/* Without the program's word nothing of it: an ordinary open has no option and no text, whatever is known. */
/* req: 7413-2-a, 7413-6.1-a */
TEST(fastopen_is_only_for_who_asks)
{
	struct ladder *l = warm(CLIENT);
	ladder_peer_port(l, 40000);
	app(l, 10, "connect");
	out(l, 0, "S 0:0(0) <" SYN_OPTS ">");
	app(l, 0, "close");
	none(l);
	ladder_end(l);
}

/* A SYN that was lost may have been lost for what it carried: it goes again bare, and its text right after the handshake. */
/* req: 7413-4.2.2-c, 7413-4.2.2-e, 7413-4.1.3-a */
TEST(fastopen_syn_goes_again_bare_and_the_path_gets_a_rest)
{
	struct ladder *l = warm(CLIENT);
	for (int i = 0; i < 3; i++) {
		app(l, 10, "fastopen 500");
		out(l, 0, "S 0:500(500) <" SYN_OPTS ",FO abcd1234,nop,nop>");
		out(l, 1000, "S 0:0(0) <" SYN_OPTS ">");
		in (l, 10, "S. 0:0(0) ack 1 win 20000 <mss 1000>");
		out(l, 0, "P. 1:501(500) ack 1");
		none(l);
		ok(!syn_data(l));
		eq(client_fail(l), TCP_FO_SYN_RETRANSMITTED);
		in (l, 10, "R. 1:1(0) ack 501");
		open_at_rest(l);			/* a minute, two, four */
		wait(l, (60000 << i) - 1000);
		open_at_rest(l);
		wait(l, 1000);
	}
	open_with_text(l);				/* and one that works ends it */
	answered(l, 500, "mss 1000");
	open_with_text(l);
	in (l, 10, "R. 0:0(0) ack 501");			/* refused: says nothing of the path */
	app(l, 0, "error = refused");
	open_with_text(l);
	app(l, 0, "close");
	ladder_end(l);
}

/* What the server did not take goes in the first ACK; where it took nothing and gave no new cookie it is left in peace. */
/* req: 7413-4.2.2-e, 7413-4.1.3-a, 9293-3.10.7.3-b */
TEST(fastopen_client_resends_what_was_not_taken)
{
	struct ladder *l = warm(CLIENT);
	open_with_text(l);
	in (l, 10, "S. 0:0(0) ack 101 win 20000 <mss 300>");
	out(l, 0, ". 101:401(300) ack 1");			/* in pieces that fit now */
	out(l, 0, "P. 401:501(100) ack 1");
	none(l);
	ok(!syn_data(l));
	eq(client_fail(l), TCP_FO_DATA_NOT_ACKED);
	in (l, 10, ". 1:1(0) ack 501 win 20000");
	eq(tcp_unacked(ladder_tcb(l)), 0);
	in (l, 10, "R. 1:1(0) ack 501");
	app(l, 0, "fastopen 500 = 260");			/* some was taken: it works */
	out(l, 0, "S 0:260(260) <" SYN_OPTS ",FO abcd1234,nop,nop>");
	in (l, 10, "S. 0:0(0) ack 1 win 20000 <mss 1000,FO 99887766,nop,nop>");
	out(l, 0, "P. 1:261(260) ack 1");
	in (l, 10, "R. 1:1(0) ack 261");
	app(l, 0, "fastopen 500");				/* a wrong cookie was mended */
	out(l, 0, "S 0:500(500) <" SYN_OPTS ",FO 99887766,nop,nop>");
	in (l, 10, "S. 0:0(0) ack 1 win 20000 <mss 1000>");
	out(l, 0, "P. 1:501(500) ack 1");
	in (l, 10, "R. 1:1(0) ack 501");
	open_at_rest(l);				/* not wanted */
	ladder_end(l);
}

/* No answer at all, or an ICMP error: negative answers too. */
/* req: 7413-4.1.3-a */
TEST(fastopen_client_remembers_silence_and_icmp)
{
	struct ladder *l = warm(CLIENT ",tcp_syn_retries=1");
	open_with_text(l);
	out(l, 1000, "S 0:0(0) <" SYN_OPTS ">");
	wait(l, 3000);
	app(l, 0, "error = timedout");
	open_at_rest(l);
	wait(l, 60000);
	open_with_text(l);
	ladder_icmp(l, OL_ERR_CONNREFUSED, true, 0, 0);
	app(l, 0, "error = refused");
	wait(l, 119000);
	open_at_rest(l);
	ladder_end(l);
}

/* One request for a cookie that was lost is bad luck, two in a row are a path that drops them. */
/* req: 7413-4.1.3-a */
TEST(fastopen_client_stops_asking_who_does_not_answer)
{
	struct ladder *l = ladder(.cfg = CLIENT);
	for (int i = 0; i < 2; i++) {
		open_asking(l);
		eq(client_fail(l), TCP_FO_COOKIE_UNAVAILABLE);
		out(l, 1000, "S 0:0(0) <" SYN_OPTS ">");
		answered(l, 0, "mss 1000");
	}
	open_at_rest(l);
	wait(l, 60000);
	open_asking(l);
	out(l, 1000, "S 0:0(0) <" SYN_OPTS ">");
	answered(l, 0, "mss 1000,FO abcd1234,nop,nop");		/* late, and yet a cookie */
	open_with_text(l);
	app(l, 0, "close");
	ladder_end(l);
}

/* Who knows not the option may know the one that was before it; who knows neither is asked in the new form for ever. */
TEST(fastopen_client_tries_the_experimental_form_once)
{
	struct ladder *l = ladder(.cfg = CLIENT);
	static const char *const asked[] = { "FO,nop,nop", "FOEXP", "FO,nop,nop", "FO,nop,nop" };
	for (int i = 0; i < 4; i++) {
		app(l, 0, "fastopen 500 = 0");
		out(l, 0, "S 0:0(0) <" SYN_OPTS ",%s>", asked[i]);
		answered(l, 0, "mss 1000");
	}
	ladder_peer_port(l, 40001);				/* another service: another memory */
	open_asking(l);
	answered(l, 0, "mss 1000");
	app(l, 0, "fastopen 500 = 0");
	out(l, 0, "S 0:0(0) <" SYN_OPTS ",FOEXP>");
	answered(l, 0, "mss 1000,FOEXP abcd1234");
	app(l, 0, "fastopen 500");
	out(l, 0, "S 0:500(500) <" SYN_OPTS ",FOEXP abcd1234>");
	answered(l, 500, "mss 1000");
	ladder_end(l);
}

/* A cookie is 4 to 16 bytes and even; and only on a SYN. */
/* req: 7413-4.1.1-a */
TEST(fastopen_client_ignores_what_is_no_cookie)
{
	static const char *const bad[] = {
		"FO aa,nop", "FO aabb", "FO aabbcc,nop,nop,nop", "FO 0011223344,nop", "FO 00112233445566778899aabbccddeeff00,nop",
		"FO 00112233445566778899aabbccddeeff0011",
	};
	struct ladder *l = warm(CLIENT);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char s[100];
		app(l, 0, "fastopen 10");
		out(l, 0, "S 0:10(10) <" SYN_OPTS ",FO abcd1234,nop,nop>");
		snprintf(s, sizeof s, "mss 1000,%s", bad[i]);
		answered(l, 10, s);
	}
	app(l, 0, "fastopen 10");
	out(l, 0, "S 0:10(10) <" SYN_OPTS ",FO abcd1234,nop,nop>");
	in (l, 0, "S. 0:0(0) ack 11 win 20000 <mss 1000>");
	out(l, 0, ". 11:11(0) ack 1");
	in (l, 0, "P. 1:11(10) ack 11 win 20000 <FO 99999999,nop,nop>");
	out(l, 0, ". 11:11(0) ack 11 <>");
	in (l, 0, "R. 11:11(0) ack 11");
	app(l, 0, "fastopen 10");
	out(l, 0, "S 0:10(10) <" SYN_OPTS ",FO abcd1234,nop,nop>");
	answered(l, 10, "mss 1000,FO 00112233445566778899aabbccddeeff,nop,nop");	/* sixteen: the longest there is */
	app(l, 0, "fastopen 10");
	out(l, 0, "S 0:10(10) <" SYN_OPTS ",FO 00112233445566778899aabbccddeeff,nop,nop>");
	app(l, 0, "close");
	ladder_end(l);
}

/* Every option at once is just as much as fits. */
TEST(fastopen_longest_syn_fits)
{
	struct ladder *l = ladder();
	app(l, 0, "fastopen 10 = 0");
	out(l, 0, "S 0:0(0) <mss 1460,sackOK,TS val * ecr 0,nop,wscale 8,FO,nop,nop>");
	in (l, 0, "S. 0:0(0) ack 1 win 20000 <mss 1000,FO 00112233445566778899aabbccddeeff>");
	out(l, 0, ". 1:1(0) ack 1");
	in (l, 0, "R. 1:1(0) ack 1");
	app(l, 0, "fastopen 10");
	out(l, 0, "S 0:10(10) <mss 1460,sackOK,TS val * ecr 0,nop,wscale 8,FO 00112233445566778899aabbccddeeff,nop,nop>");
	app(l, 0, "close");
	ladder_end(l);
}

/* tcp_fastopen's 4: the administrator knows that servers do without cookies.  One that is not asked for is ignored. */
TEST(fastopen_client_without_cookies)
{
	struct ladder *l = ladder(.cfg = CLIENT ",tcp_fastopen=5");
	app(l, 0, "fastopen 2000 = 1420");			/* the path's MSS: none of the server's is known */
	out(l, 0, "S 0:1420(1420) <" SYN_OPTS ">");
	answered(l, 1420, "mss 1000,FO abcd1234,nop,nop");
	app(l, 0, "fastopen 2000 = 960");
	out(l, 0, "S 0:960(960) <" SYN_OPTS ">");
	out(l, 1000, "S 0:0(0) <" SYN_OPTS ">");
	in (l, 10, "S. 0:0(0) ack 1 win 20000 <mss 1000>");
	out(l, 0, "P. 1:961(960) ack 1");
	in (l, 10, "R. 1:1(0) ack 961");
	app(l, 0, "fastopen 2000 = 0");
	out(l, 0, "S 0:0(0) <" SYN_OPTS ">");
	app(l, 0, "close");
	ladder_end(l);
}

/* Too big for the path with its text, by its router's word: the SYN goes again at once, without. */
TEST(fastopen_syn_that_is_too_big_goes_again_at_once)
{
	struct ladder *l = warm(CLIENT);
	app(l, 0, "fastopen 2000 = 960");
	out(l, 0, "S 0:960(960) <" SYN_OPTS ",FO abcd1234,nop,nop>");
	ladder_icmp(l, OL_ERR_MSGSIZE, false, 840, 0);
	out(l, 0, "S 0:0(0) <" SYN_OPTS ">");
	none(l);
	in (l, 10, "S. 0:0(0) ack 1 win 20000 <mss 1000>");
	out(l, 0, ". 1:801(800) ack 1");
	out(l, 0, "P. 801:961(160) ack 1");
	in (l, 10, "R. 1:1(0) ack 961");
	ladder_end(l);
}

/* The window of one segment shrinks with the path, below the text that went: no window holds a SYN back. */
TEST(fastopen_syn_goes_again_where_the_window_is_less_than_its_text)
{
	struct ladder *l = warm(CLIENT ",tcp_init_cwnd=1");
	app(l, 0, "fastopen 2000 = 960");
	out(l, 0, "S 0:960(960) <" SYN_OPTS ",FO abcd1234,nop,nop>");
	ladder_icmp(l, OL_ERR_MSGSIZE, false, 600, 0);
	ok(ladder_tcb(l)->loss.cwnd < 960);
	ladder_flush(l);
	eq(ladder_tcb(l)->loss.syn_retrans, 1);
	ladder_end(l);
}

/* Text may come with the SYN-ACK, a FIN too. */
TEST(fastopen_client_reads_what_the_syn_ack_brought)
{
	struct ladder *l = warm(CLIENT);
	open_with_text(l);
	in (l, 10, "SF. 0:700(700) ack 501 win 20000 <mss 1000>");
	state_is(l, CLOSE_WAIT);
	out(l, 0, ". 501:501(0) ack 702");
	app(l, 0, "read 1000 = 700");
	app(l, 0, "read 1000 = eof");
	app(l, 0, "close");
	out(l, 0, "F. 501:501(0) ack 702");
	ladder_end(l);
}

/* Both open at once, both with text: ours is told of by the peer's SYN-ACK, its own waited for that. */
TEST(fastopen_simultaneous_open_with_text)
{
	static const char *const acks[] = { "S. 0:0(0) ack 501 win 20000 <mss 1000>", "S. 0:0(0) ack 1 win 20000 <mss 1000>" };
	for (int taken = 1; taken >= 0; taken--) {
		struct ladder *l = warm(CLIENT);
		open_with_text(l);
		in (l, 10, "S 0:300(300) win 20000 <mss 1000,FO 11223344,nop,nop>");
		state_is(l, SYN_RECEIVED);
		out(l, 0, "S. 0:0(0) ack 1");
		app(l, 0, "read 10 = again");
		app(l, 0, "write 10 = again");
		in (l, 10, "%s", acks[!taken]);
		state_is(l, ESTABLISHED);
		out(l, 0, taken ? ". 501:501(0) ack 301" : "P. 1:501(500) ack 301");
		none(l);
		eq(syn_data(l), taken);
		app(l, 0, "read 1000 = 300");
		in (l, 10, "R. 301:301(0) ack 501");
		ladder_end(l);
	}
}

/* An ACK of what was never sent is a mistake like any other; the cookie it brings is not learnt. */
TEST(fastopen_syn_ack_beyond_the_text_is_reset)
{
	struct ladder *l = warm(CLIENT);
	open_with_text(l);
	in (l, 10, "S. 0:0(0) ack 502 win 20000 <mss 1000,FO 11223344,nop,nop>");
	out(l, 0, "R 502:502(0)");
	state_is(l, SYN_SENT);
	app(l, 0, "close");
	open_with_text(l);
	app(l, 0, "close");
	ladder_end(l);
}

/* The memory is bounded: who was not needed for longest is forgotten. */
TEST(fastopen_cache_is_bounded)
{
	enum { ENTRIES = 1024 };
	struct ladder *l = warm(CLIENT);
	for (int i = 1; i < ENTRIES; i++) {
		ladder_peer_port(l, (uint16_t)(40000 + i));
		app(l, 0, "fastopen 1 = 0");
		ladder_flush(l);
		in (l, 0, "S. 0:0(0) ack 1 win 20000 <mss 1000,FO abcd1234,nop,nop>");
		in (l, 0, "R. 1:1(0) ack 1");
		app(l, 0, "close");
		ladder_flush(l);
	}
	eq(ladder_tcp(l)->peers.n, ENTRIES);
	ladder_peer_port(l, 40000);
	app(l, 0, "fastopen 1 = 1");				/* still known, and used */
	ladder_flush(l);
	answered(l, 1, "mss 1000") ;
	ladder_peer_port(l, 50000);
	app(l, 0, "fastopen 1 = 0");				/* one more */
	ladder_flush(l);
	answered(l, 0, "mss 1000,FO abcd1234,nop,nop");
	eq(ladder_tcp(l)->peers.n, ENTRIES);
	ladder_peer_port(l, 40001);
	app(l, 0, "fastopen 1 = 0");
	out(l, 0, "S 0:0(0) <" SYN_OPTS ",FO,nop,nop>");
	app(l, 0, "close");
	ladder_peer_port(l, 40000);
	app(l, 0, "fastopen 1 = 1");
	ladder_flush(l);
	app(l, 0, "close");
	ladder_end(l);
}

/* The settings, by Linux's names. */
TEST(fastopen_settings)
{
	struct tcp_config c = tcp_config_default();
	char s[100];
	eq(c.fastopen, TCP_FO_CLIENT);
	eq(tcp_config_set(&c, "tcp_fastopen", "0x403"), 0);
	eq(c.fastopen, TCP_FO_CLIENT | TCP_FO_SERVER | TCP_FO_SERVER_ALWAYS);
	tcp_config_get(&c, "tcp_fastopen", s, sizeof s);
	assert_string_equal(s, "1027");
	tcp_config_get(&c, "tcp_fastopen_key", s, sizeof s);
	assert_string_equal(s, "00000000-00000000-00000000-00000000");
	eq(tcp_config_set(&c, "tcp_fastopen_key", "a0bf63f7-1-cd641d30-cebc4a90,ffffffff-0-0-1"), 0);
	eq(c.fastopen_key.n, 2);
	eq(c.fastopen_key.key[0][0], 0xf7);
	eq(c.fastopen_key.key[1][12], 1);
	tcp_config_get(&c, "tcp_fastopen_key", s, sizeof s);
	assert_string_equal(s, "a0bf63f7-00000001-cd641d30-cebc4a90,ffffffff-00000000-00000000-00000001");
	eq(tcp_config_set(&c, "tcp_fastopen_key", "1-2-3-4+5-6-7-8"), 0);
	eq(c.fastopen_key.key[1][0], 5);
	static const char *const bad[] = { "", "1-2-3", "1-2-3-4-5", "1-2-3-", "123456789-2-3-4", "1-2-3-4,", "1-2-3-g", "-1-2-3-4", "1-2-3-4,5-6-7-8,9-a-b-c" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		eq(tcp_config_set(&c, "tcp_fastopen_key", bad[i]), -EINVAL);
	eq(tcp_config_set(&c, "tcp_fastopen", "-1"), -EINVAL);
	eq(c.fastopen_key.key[1][0], 5);
}
