/* The language of scripts: what is no script earns one sentence with its line, and a script that fails says what came in its place. */
#include "unit.h"
#include "script/script.h"

enum { LINES = 64 };
struct told { char line[LINES][400]; int n; };

static void keep(void *arg, const char *line)
{
	struct told *t = arg;
	if (t->n < LINES)
		snprintf(t->line[t->n++], sizeof t->line[0], "%s", line);
}

/* The sentence that refuses this script; "" where it is one. */
static const char *refusal(const char *text)
{
	static struct script s;
	script_parse(&s, "x.pkt", text, strlen(text), SCRIPT_IP4);
	script_free(&s);
	return s.error;
}

TEST(mistakes_in_scripts_are_told_with_their_line)
{
	static const struct { const char *text, *sentence; } cases[] = {
		{ "", "x.pkt:1: there is nothing in this script" },
		{ "--no_such=1\n0 close(3) = 0", "x.pkt:1: there is no option --no_such here" },
		{ "--ip_version=ipv5\n", "x.pkt:1: --ip_version is ipv4, ipv6 or ipv4-mapped-ipv6, not `ipv5`" },
		{ "--so_flags=\"a=1\n", "x.pkt:1: the value of --so_flags has no closing quotation mark" },
		{ "0 `rm -rf /`", "x.pkt:1: shell commands are not run here: settings travel in --so_flags=\"key=value\"" },
		{ "1 close(3) = 0", "x.pkt:1: the first event is at time 0" },
		{ "0 close(3) = 0\n99999999999999999999.9 close(3) = 0", "x.pkt:2: this is more than a million seconds" },
		{ "0 close(3) = 0\n+0 close(3)", "x.pkt:2: `=` is expected, and the script ends" },
		{ "0 close(3) = 0\n\n+0 close(NO_SUCH) = 0", "x.pkt:3: `NO_SUCH` is no name with a value here" },
		{ "0 close(3) = -1 EAGAIN (never closed", "x.pkt:1: `)` is expected, and the script ends" },
		{ "0 /* never closed", "x.pkt:1: this comment is never closed" },
		{ "0 %{ assert 1", "x.pkt:1: %{ is never closed with }%" },
		{ "0 < S 0:0(0) <mss 1460>", "x.pkt:1: `win` (a segment that goes in says its window) is expected, not `<`" },
		{ "0 < Q 0:0(0) win 1", "x.pkt:1: `Q` is no TCP flag: F, S, R, P, U, E, W, A and . for ACK are" },
		{ "0 < S 0:10(0) win 1", "x.pkt:1: 0:10 are 10 bytes, and (0) is written" },
		{ "0 < S 0:0(0) win 70000", "x.pkt:1: win is 70000, which is not within 0 to 65535" },
		{ "0 < S 0:0(0) win 1 <mss 70000>", "x.pkt:1: mss is 70000, which is not within 0 to 65535" },
		{ "0 < S 0:0(0) win 1 <nop>", "x.pkt:1: the options are 1 bytes, and a header is whole words of four: add nop or eol" },
		{ "0 < S 0:0(0) win 1 <...>", "x.pkt:1: <...> is for segments that come out; say which options go in" },
		{ "0 < . 0:65535(65535) win 1", "x.pkt:1: this segment does not fit into a datagram" },
		{ "0 < . 0:0(0) win 1 <sack 1:2 3:4 5:6 7:8 9:10,nop,nop>", "x.pkt:1: a SACK option has four blocks at most" },
		{ "0 < icmp packet_too_big mtu 1", "x.pkt:1: an ICMP type is expected, not `packet_too_big`" },
		{ "0 < [ect01] . 0:0(0) win 1", "x.pkt:1: ect01 is a question about a segment that comes out; say ect0 or ect1" },
		{ "0 close(3) = 0\n+.3~+.1 > . 0:0(0)", "x.pkt:2: this range of time ends before it begins" },
		{ "0 close(3) = 0\n+.1~+.3 < . 0:0(0) win 1", "x.pkt:2: only for segments that come out may the time be open" },
		{ "0 close([[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]) = 0", "x.pkt:1: this is nested more than 16 deep" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		eq_str(refusal(cases[i].text), cases[i].sentence);
}

/* How a script ends that is one; the ladder goes to *t. */
static struct script_result outcome(const char *text, struct told *t)
{
	struct script s;
	*t = (struct told){ .n = 0 };
	ok(script_parse(&s, "x.pkt", text, strlen(text), SCRIPT_IP4));
	struct script_result r = script_run(&s, "", keep, t);
	script_free(&s);
	return r;
}

#define LISTENS "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n+0 < S 0:0(0) win 5000 <mss 1000>\n"
#define OPEN LISTENS "+0 > S. 0:0(0) ack 1 <...>\n+.1 < . 1:1(0) ack 1 win 5000\n+0 accept(3, ..., ...) = 4\n"

TEST(failing_scripts_say_what_was_expected_and_what_came)
{
	struct told t;
	struct script_result r = outcome(LISTENS "+0 > S. 0:0(0) ack 2 <...>", &t);
	ok(!r.passed);
	eq_str(r.sentence, "x.pkt:5: the acknowledgement is 1, not 2");
	eq(t.n, 6);
	eq_str(t.line[3], "    0.000000  < S 0:0(0) win 5000 <mss 1000>");
	eq_str(t.line[4], "    expected  > S. 0:0(0) ack 2 <...>");
	eq_str(t.line[5], "    actual    > S. 0:0(0) ack 1 <mss 1460>");
}

TEST(each_kind_of_difference_is_noticed)
{
	static const struct { const char *text, *sentence; } cases[] = {
		{ LISTENS "+0 > S 0:0(0)", "ACK is set" },
		{ LISTENS "+0 > S. 7:7(0) ack 1 <mss 1400>", "option 2 has another value" },
		{ LISTENS "+0 > S. 0:0(0) ack 1", "the options are others: 4 bytes of them, not 0" },
		{ LISTENS "+0 > S. 0:0(0) ack 1 <nop,nop,sackOK>", "the options are others, or in another order" },
		{ LISTENS "+0 > S. 0:0(0) ack 1 win 1 <...>", "the window is 65535, not 1" },
		{ LISTENS "+0 > [ect0] S. 0:0(0) ack 1 <...>", "the ECN field is 0, not 2" },
		{ LISTENS "+0 > (ttl 3) S. 0:0(0) ack 1 <...>", "the time to live is 64, not 3" },
		{ LISTENS "+.1 > S. 0:0(0) ack 1 <...>", "the segment was due at 0.100000 and came at 0.000000 (tolerance 0.012500)" },
		{ OPEN "+0 > . 1:1(0) ack 1", "no segment comes any more" },
		{ OPEN "+0 write(4, ..., 100) = 100\n+0 > P. 1:102(101) ack 1", "after 100 bytes of 101 the next piece is 1, not 101" },
		{ OPEN "+0 write(4, ..., 100) = 100\n+0 > P. 2:102(100) ack 1", "the sequence number is 1, not 2" },
		{ OPEN "+0 write(4, ..., 100) = 99", "the call returned 100, not 99" },
		{ OPEN "+0 fcntl(4, F_SETFL, O_NONBLOCK) = 0\n+0 read(4, ..., 100) = -1 EPIPE", "the error is EAGAIN, not EPIPE" },
		{ OPEN "+0 read(9, ..., 100) = 1", "descriptor 9 is not open" },
		{ OPEN "+0 frobnicate(4) = 0", "frobnicate() is no call that scripts can make here" },
		{ OPEN "+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [7], [4]) = 0", "the value is 0, not 7" },
		{ OPEN "+0...0.1 read(4, ..., 100) = 100", "the call has not come back" },
		{ OPEN "+0...0.1 read(4, ..., 100) = 100\n+.5 < P. 1:101(100) ack 1 win 5000",
		  "the return of the call was due at 0.200000 and came at 0.600000 (tolerance 0.012500)" },
		{ OPEN "+0 %{ assert tcpi_state == TCP_LISTEN or tcpi_snd_mss < 1000 }%",
		  "assert tcpi_state == TCP_LISTEN or tcpi_snd_mss < 1000 does not hold: tcpi_state is 1 tcpi_snd_mss is 1000" },
		{ OPEN "+0 %{ assert 1 / 0 }%", "division by 0" },
		{ OPEN "+0 %{ import os }%", "only `assert` is understood here, not what stands at `import os `" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct told t;
		struct script_result r = outcome(cases[i].text, &t);
		ok(!r.passed);
		const char *sentence = strstr(r.sentence, ": ");
		ok(sentence);
		eq_str(sentence + 2, cases[i].sentence);
	}
}

TEST(assertions_compute_as_they_read)
{
	static const char *const hold[] = {
		"1 < 2 < 3", "not 1 < 3 < 2", "2 + 3 * 4 == 14", "(2 + 3) * 4 == 20", "7 / 2 == 3 and 7 % 2 == 1", "0 or 1 and 1", "!0 && 1 || 0",
		"-3 < -2", "tcpi_snd_cwnd == 10", "EPIPE == 32", "1 == 1, 'why; not'\nassert 2 != 3", "(1 ==\n1)", "1 # a comment",
	};
	for (size_t i = 0; i < sizeof hold / sizeof *hold; i++) {
		char text[1024];
		struct told t;
		snprintf(text, sizeof text, OPEN "+0 %%{ assert %s }%%", hold[i]);
		if (strchr(hold[i], '#'))
			snprintf(text, sizeof text, OPEN "+0 %%{ assert %s\n}%%", hold[i]);
		struct script_result r = outcome(text, &t);
		eq_str(r.sentence, "");
	}
}
