/* Frames in words: what a line of a capture says, and that no frame, however short or false, is read past its end. */
#include "unit.h"
#include "tool/dissect.h"
#include <stdlib.h>

static size_t from_hex(const char *hex, uint8_t *out)
{
	size_t n = 0;
	unsigned byte;
	for (; *hex; hex += *hex == ' ' ? 1 : 2)
		if (*hex != ' ' && sscanf(hex, "%2x", &byte) == 1)
			out[n++] = (uint8_t)byte;
	return n;
}

static const char *line(enum ol_link link, const char *hex)
{
	static char buf[256];
	uint8_t frame[256];
	struct dis d;
	size_t n = from_hex(hex, frame);
	dissect(&d, link, frame, n, n);
	return dissect_line(&d, buf, sizeof buf);
}

#define ETH4 "02 00 00 00 00 02 02 00 00 00 00 01 08 00 "
#define SYN "45 00 00 3c 12 34 40 00 40 06 00 00 0a 00 00 01 0a 00 00 02 c0 00 00 50 00 00 00 64 00 00 00 00 a0 02 fa f0 " \
	"00 00 00 00 02 04 05 b4 04 02 08 0a 00 00 00 01 00 00 00 00 01 03 03 07"

TEST(dissect_tcp_says_flags_numbers_and_options)
{
	eq_str(line(OL_LINK_ETHER, ETH4 SYN), "10.0.0.1:49152 > 10.0.0.2:80 TCP SYN seq 100 win 64240 mss 1460 ws 7");
	eq_str(line(OL_LINK_LOOP, SYN), "10.0.0.1:49152 > 10.0.0.2:80 TCP SYN seq 100 win 64240 mss 1460 ws 7");
}

/* RFC 7413: asked for, and used, in the form of today and in the one before. */
TEST(dissect_fast_open)
{
	static const char ip[] = "45 00 00 3b 12 34 40 00 40 06 00 00 0a 00 00 01 0a 00 00 02 c0 00 00 50 00 00 00 64 00 00 00 00 90 02 fa f0 "
				 "00 00 00 00 02 04 05 b4 ", text[] = " 61 62 63";
	static const char *const option[][2] = {
		{ "22 02 01 01 01 01 01 01 01 01 01 01", " cookie?" }, { "22 0a 11 22 33 44 55 66 77 88 01 01", " cookie" },
		{ "fe 0c f9 89 11 22 33 44 55 66 77 88", " cookie" }, { "fe 04 f9 89 01 01 01 01 01 01 01 01", " cookie?" },
		{ "fe 04 f9 88 01 01 01 01 01 01 01 01", "" },
	};
	for (size_t i = 0; i < sizeof option / sizeof *option; i++) {
		char hex[300], want[200];
		snprintf(hex, sizeof hex, "%s%s%s", ip, option[i][0], text);
		snprintf(want, sizeof want, "10.0.0.1:49152 > 10.0.0.2:80 TCP SYN seq 100 win 64240 len 3 mss 1460%s", option[i][1]);
		eq_str(line(OL_LINK_IP, hex), want);
	}
}

/* Ethernet pads to 60 bytes; the datagram's own length counts. */
TEST(dissect_padding_is_not_text)
{
	eq_str(line(OL_LINK_ETHER, ETH4 "45 00 00 28 00 00 40 00 40 06 00 00 0a 00 00 01 0a 00 00 02 c0 00 00 50 00 00 00 64 00 00 00 65 "
		    "50 10 01 00 00 00 00 00 00 00 00 00 00 00"), "10.0.0.1:49152 > 10.0.0.2:80 TCP ACK seq 100 ack 101 win 256");
}

TEST(dissect_udp_icmp_and_arp)
{
	eq_str(line(OL_LINK_IP, "45 00 00 20 00 00 00 00 40 11 00 00 0a 00 00 01 0a 00 00 02 10 00 00 35 00 0c 00 00 61 62 63 64"),
	       "10.0.0.1:4096 > 10.0.0.2:53 UDP len 4");
	eq_str(line(OL_LINK_IP, "45 00 00 1c 00 00 00 00 40 01 00 00 0a 00 00 01 0a 00 00 02 08 00 00 00 00 07 00 02"),
	       "10.0.0.1 > 10.0.0.2 ICMP echo request id 7 seq 2");
	eq_str(line(OL_LINK_IP, "45 00 00 38 00 00 00 00 40 01 00 00 0a 00 00 02 0a 00 00 01 03 03 00 00 00 00 00 00 "
		    "45 00 00 20 00 00 00 00 40 11 00 00 0a 00 00 01 0a 00 00 02 10 00 00 35 00 0c 00 00"),
	       "10.0.0.2 > 10.0.0.1 ICMP port unreachable (for UDP 10.0.0.1 > 10.0.0.2 port 53)");
	eq_str(line(OL_LINK_ETHER, "ff ff ff ff ff ff 02 00 00 00 00 01 08 06 00 01 08 00 06 04 00 01 02 00 00 00 00 01 0a 00 00 01 "
		    "00 00 00 00 00 00 0a 00 00 02"), "ARP who has 10.0.0.2? tell 10.0.0.1");
}

TEST(dissect_ppp_with_and_without_its_fields)
{
	eq_str(line(OL_LINK_PPP, "ff 03 c0 21 01 05 00 0a 02 06 00 00 00 00"), "PPP LCP Configure-Request, 14 bytes");
	eq_str(line(OL_LINK_PPP, "80 21 03 05 00 0a 03 06 0a 00 00 01"), "PPP IPCP Configure-Nak, 12 bytes");
	eq_str(line(OL_LINK_PPP, "ff 03 80 2b 63 05 00 04"), "PPP protocol 0x802b code 99, 8 bytes");
	eq_str(line(OL_LINK_PPP, "2d 0f 12 34"), "PPP VJ compressed, 4 bytes");
	eq_str(line(OL_LINK_PPP, "21 45 00 00 20 00 00 00 00 40 11 00 00 0a 00 00 01 0a 00 00 02 10 00 00 35 00 0c 00 00 61 62 63 64"),
	       "10.0.0.1:4096 > 10.0.0.2:53 UDP len 4");
	ok(strstr(line(OL_LINK_PPP, "ff 03 c0"), "ends before its PPP header"));
}

#define IGMP(len) "46 c0 00 " len " 00 00 40 00 01 02 00 00 0a 00 00 01 e0 00 00 16 94 04 00 00 "
#define MLD(len) "60 00 00 00 00 " len " 00 01 fe 80 00 00 00 00 00 00 00 00 00 00 00 00 00 01 ff 02 00 00 00 00 00 00 00 00 00 00 " \
	"00 00 00 16 3a 00 05 02 00 00 01 00 "
#define IGMP_ "10.0.0.1 > 224.0.0.22 IGMP "
#define MLD_ "fe80::1 > ff02::16 ICMPv6 multicast listener "
#define G6 "ff 05 00 00 00 00 00 00 00 00 00 00 00 00 00 77 "
#define S6(x) "fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 " x " "

TEST(dissect_what_is_said_of_groups)
{
	static const struct { const char *hex, *words; } rows[] = {
		{ IGMP("20") "11 00 00 00 00 00 00 00", IGMP_ "v1 query for all groups" },
		{ IGMP("20") "11 0a 00 00 ef 01 02 03", IGMP_ "v2 query for 239.1.2.3" },
		{ IGMP("24") "11 0a 00 00 00 00 00 00 02 7d 00 00", IGMP_ "v3 query for all groups" },
		{ IGMP("28") "11 0a 00 00 ef 01 02 03 02 7d 00 01 c0 00 02 01", IGMP_ "v3 query for 239.1.2.3 from 192.0.2.1" },
		{ IGMP("20") "12 00 00 00 ef 01 02 03", IGMP_ "v1 report: in 239.1.2.3" },
		{ IGMP("20") "16 00 00 00 ef 01 02 03", IGMP_ "v2 report: in 239.1.2.3" },
		{ IGMP("20") "17 00 00 00 ef 01 02 03", IGMP_ "leaves 239.1.2.3" },
		{ IGMP("20") "99 00 00 00 ef 01 02 03", IGMP_ "type 0x99" },
		{ IGMP("28") "22 00 00 00 00 00 00 01 04 00 00 00 ef 01 02 03", IGMP_ "v3 report: joins 239.1.2.3" },
		{ IGMP("38") "22 00 00 00 00 00 00 02 03 00 00 00 ef 01 02 03 01 00 00 02 e8 01 01 01 c0 00 02 01 c0 00 02 02",
		  IGMP_ "v3 report: leaves 239.1.2.3; in 232.1.1.1 from 192.0.2.1, 192.0.2.2" },
		{ IGMP("34") "22 00 00 00 00 00 00 01 05 00 00 03 e8 01 01 01 c0 00 02 01 c0 00 02 02 c0 00 02 03",
		  IGMP_ "v3 report: 232.1.1.1 also from 192.0.2.1, 192.0.2.2 and 1 more" },
		{ IGMP("40") "22 00 00 00 00 00 00 04 02 00 00 00 ef 00 00 01 02 00 00 00 ef 00 00 02 02 00 00 00 ef 00 00 03 02 00 00 00 ef 00 00 04",
		  IGMP_ "v3 report: in 239.0.0.1; in 239.0.0.2; in 239.0.0.3; 1 more" },
		{ IGMP("1c") "22 00 00 00", IGMP_ "" },
		{ MLD("20") "82 00 00 00 03 e8 00 00 " "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", MLD_ "v1 query for all groups" },
		{ MLD("34") "82 00 00 00 03 e8 00 00 " G6 "02 7d 00 01 " S6("0a"), MLD_ "v2 query for ff05::77 from fd00::a" },
		{ MLD("20") "83 00 00 00 00 00 00 00 " G6, MLD_ "v1 report: in ff05::77" },
		{ MLD("20") "84 00 00 00 00 00 00 00 " G6, MLD_ "leaves ff05::77" },
		{ MLD("34") "8f 00 00 00 00 00 00 01 06 00 00 01 " G6 S6("0a"), MLD_ "v2 report: ff05::77 no longer from fd00::a" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (rows[i].words[strlen(rows[i].words) - 1] == ' ')
			ok(strstr(line(OL_LINK_IP, rows[i].hex), "[the IGMP message is cut short]"));
		else
			eq_str(line(OL_LINK_IP, rows[i].hex), rows[i].words);
	}
}

/* A report cut anywhere, in a buffer of its own size. */
TEST(dissect_reports_cut_anywhere)
{
	uint8_t whole[256];
	char buf[256];
	struct dis d;
	static const char *const hex[] = {
		IGMP("38") "22 00 00 00 00 00 00 02 03 01 00 00 ef 01 02 03 01 00 ff 02 e8 01 01 01 c0 00 02 01 c0 00 02 02",
		IGMP("28") "11 0a 00 00 ef 01 02 03 02 7d ff 01 c0 00 02 01",
		MLD("34") "8f 00 00 00 00 00 ff 01 06 ff 00 01 " G6 S6("0a"), MLD("34") "82 00 00 00 03 e8 00 00 " G6 "02 7d ff 01 " S6("0a"),
	};
	for (size_t i = 0; i < sizeof hex / sizeof *hex; i++) {
		size_t n = from_hex(hex[i], whole);
		for (size_t cut = 0; cut <= n; cut++) {
			uint8_t *p = malloc(cut ? cut : 1);
			memcpy(p, whole, cut);
			dissect(&d, OL_LINK_IP, p, cut, n);
			ok(dissect_line(&d, buf, sizeof buf) == buf && (!d.group || (d.group >= p && d.group + d.group_cap <= p + cut)));
			free(p);
		}
	}
}

TEST(dissect_ip6_steps_over_extension_headers)
{
	eq_str(line(OL_LINK_IP, "60 00 00 00 00 18 00 40 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 fd 00 00 00 00 00 00 00 00 00 00 00 "
		    "00 00 00 02 3a 00 05 02 00 00 01 00 80 00 00 00 00 07 00 01 01 02 03 04 05 06 07 08"),
	       "fd00::1 > fd00::2 ICMPv6 echo request id 7 seq 1");
}

TEST(dissect_fragments)
{
	eq_str(line(OL_LINK_IP, "45 00 00 1c 00 09 20 b9 40 11 00 00 0a 00 00 01 0a 00 00 02 00 00 00 00 00 00 00 00"),
	       "10.0.0.1 > 10.0.0.2 fragment of protocol 17 (id 9, offset 1480)");
}

/* Every prefix of a good frame, each in a buffer of exactly its size, so that a sanitizer sees any byte too many. */
TEST(dissect_frames_cut_anywhere_are_not_read_past_their_end)
{
	uint8_t whole[256];
	char buf[256];
	struct dis d;
	size_t n = from_hex(ETH4 SYN, whole);
	for (size_t cut = 0; cut <= n; cut++) {
		uint8_t *p = malloc(cut ? cut : 1);
		memcpy(p, whole, cut);
		dissect(&d, OL_LINK_ETHER, p, cut, n);
		ok(dissect_line(&d, buf, sizeof buf) == buf);
		if (cut < 54)
			ok(d.bad);		/* some header is not whole */
		free(p);
	}
}

/* Damage at random, from one seed: only that nothing is read outside, and that text lies inside the frame. */
TEST(dissect_damaged_frames_stay_inside)
{
	uint32_t seed = 0x5eed;
	char buf[64];
	for (int round = 0; round < 20000; round++) {
		uint8_t whole[256];
		struct dis d;
		size_t n = from_hex(ETH4 SYN, whole);
		for (int k = 0; k < 4; k++) {
			seed = seed * 1664525u + 1013904223u;
			whole[(seed >> 8) % n] = (uint8_t)(seed >> 24);
		}
		uint8_t *p = malloc(n);
		memcpy(p, whole, n);
		dissect(&d, OL_LINK_ETHER, p, n, n);
		dissect_line(&d, buf, sizeof buf);
		ok(!d.text || (d.text >= p && d.text + d.text_cap <= p + n));
		free(p);
	}
}
