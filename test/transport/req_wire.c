/*
 * The header as it lies on the wire: RFC 9293 3.1, 3.2 and 3.7.1.  Checksums, reserved bits, options at any place,
 * segment sizes.
 */
#include <netinet/in.h>
#include <outlet/ol_pkt.h>
#include "base/be.h"
#include "base/cksum.h"
#include "tcp_ladder.h"

#define TS "TS val 100 ecr 0"

/*
 * The pseudo-header's sum written out from RFC 9293 3.1, figure 2, and RFC 8200 8.1: nothing of the stack's own
 * arithmetic.
 */
static uint16_t plain_sum(const uint8_t *ip, size_t len)
{
	bool v6 = ip[0] >> 4 == 6;
	size_t hlen = v6 ? 40 : 20, text = len - hlen;
	const uint8_t *addr = ip + (v6 ? 8 : 12);
	uint64_t sum = 6 + text;
	for (size_t i = 0; i < (v6 ? 32u : 8u); i += 2)
		sum += (uint32_t)addr[i] << 8 | addr[i + 1];
	for (size_t i = 0; i < text; i += 2)
		sum += (uint32_t)ip[hlen + i] << 8 | (i + 1 < text ? ip[hlen + i + 1] : 0);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* req: MUST-2, 9293-3.1-b, 9293-3.1-a */
TEST(tcp_sent_segments_carry_the_sum_and_no_reserved_bit)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct ladder *l = ladder_established(.v6 = v6);
		app(l, 0, "nodelay 1");
		for (int odd = 0; odd < 4; odd++) {
			app(l, 0, odd & 1 ? "write 101" : "write 256");
			struct ol_pkt *p = ladder_take(l);
			eq(plain_sum(p->data, p->len), 0xffff);
			eq(p->len, (v6 ? 40 : 20) + 20 + (odd & 1 ? 101 : 256));	/* the zero octet is not sent */
			eq(p->data[(v6 ? 40 : 20) + 12] & 0x0f, 0);
			ol_pkt_free(p);
		}
		ladder_end(l);
	}
}

/* Every length modulo what sums are made in, cut from the queue and sent at once. */
/* req: MUST-2, 9293-3.1-b */
TEST(tcp_sum_of_any_length_is_right)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct ladder *l = ladder_established(.v6 = v6);
		app(l, 0, "nodelay 1");
		for (unsigned len = 1; len < 40; len++) {
			app(l, 0, "write %u", len);
			struct ol_pkt *p = ladder_take(l);
			eq(p->len, (v6 ? 40 : 20) + 20 + len);
			eq(plain_sum(p->data, p->len), 0xffff);
			ol_pkt_free(p);
		}
		ladder_end(l);
	}
}

/* Where the interface makes the sum it finds that of the pseudo-header in the field, and where to begin. */
/* req: MUST-2 */
TEST(tcp_sum_left_to_the_interface_begins_with_the_pseudo_header)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct ladder *l = ladder_established(.v6 = v6, .features = OL_IF_CSUM);
		app(l, 0, "write 101");
		struct ol_pkt *p = ladder_take(l);
		uint8_t *tcp = p->data + (v6 ? 40 : 20);
		size_t len = p->len - (v6 ? 40 : 20);
		eq(p->csum, OL_CSUM_PARTIAL);
		eq(p->csum_start, v6 ? 40 : 20);
		eq(p->csum_offset, 16);
		uint32_t sum = 0;
		for (size_t i = 0; i < len; i += 2)			/* as it does: the field's own value among the rest */
			sum += (uint32_t)tcp[i] << 8 | (i + 1 < len ? tcp[i + 1] : 0);
		while (sum >> 16)
			sum = (sum & 0xffff) + (sum >> 16);
		be16_put(tcp + 16, (uint16_t)~sum);
		eq(plain_sum(p->data, p->len), 0xffff);
		ol_pkt_free(p);
		ladder_end(l);
	}
}

/* Every segment of a connection over IPv6 has its label, the same one, and not that of another connection. */
/* req: 6437-3-a */
TEST(tcp_segments_carry_the_label_of_their_flow)
{
	uint32_t label[2];
	for (int c = 0; c < 2; c++) {
		struct ladder *l = ladder(.v6 = true);
		ladder_peer_port(l, (uint16_t)(40000 + c));
		app(l, 0, "listen 1");
		in (l, 0, "S 0:0(0) win 5000 <mss 1000>");
		out(l, 0, "S. 0:0(0) ack 1 <mss 1460>");
		in (l, 0, ". 1:1(0) ack 1 win 5000");
		app(l, 0, "accept");
		app(l, 0, "nodelay 1");
		for (int i = 0; i < 3; i++) {
			app(l, 0, "write 10");
			struct ol_pkt *p = ladder_take(l);
			ok(!i || (be32_at(p->data) & 0xfffff) == label[c]);
			label[c] = be32_at(p->data) & 0xfffff;
			ol_pkt_free(p);
		}
		ladder_end(l);
	}
	ok(label[0] && label[0] != label[1]);
}

/* One bit turned over anywhere in a segment of odd length, and it is not there; untouched it is. */
/* req: MUST-3, 9293-3.1-b */
TEST(tcp_segments_damaged_anywhere_are_dropped)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct ladder *l = ladder_established(.v6 = v6);
		for (unsigned at = 4; at < 20 + 11; at++) {
			uint64_t before = ladder_fate(l, OL_DROP_TCP_CHECKSUM);
			if (at == 12)
				continue;		/* the offset is looked at before the sum can be made */
			ladder_bend(l, at, (uint8_t)(1 << at % 8), false);
			in (l, 0, "P. 1:12(11) ack 1 win 257");
			none(l);
			eq(ladder_fate(l, OL_DROP_TCP_CHECKSUM), before + 1);
		}
		app(l, 0, "read 100 = again");
		in (l, 0, "P. 1:12(11) ack 1 win 257");
		out(l, 0, ". 1:1(0) ack 12");
		unsigned at = 12;
		for (unsigned len = 1; len < 14; at += len++) {		/* of any length */
			in (l, 0, "P. %u:%u(%u) ack 1 win 257", at, at + len, len);
			out(l, 0, ". 1:1(0) ack %u", at + len);
		}
		ladder_bend(l, 8, 1, false);				/* one without text as well, and a SYN */
		in (l, 0, "R %u:%u(0) win 257", at, at);
		state_is(l, ESTABLISHED);
		ladder_peer_port(l, 9);
		ladder_bend(l, 8, 1, false);
		in (l, 0, "S 0:0(0) win 257 <mss 1000>");
		none(l);
		ladder_end(l);
	}
}

/* req: 9293-3.1-a */
TEST(tcp_reserved_bits_are_ignored_on_receipt)
{
	struct ladder *l = ladder_established();
	static const uint8_t bits[] = { 0x01, 0x02, 0x04, 0x08, 0x0f };
	for (size_t i = 0; i < sizeof bits; i++) {
		ladder_bend(l, 12, bits[i], true);
		in (l, 0, "P. %zu:%zu(10) ack 1 win 257", 1 + 10 * i, 11 + 10 * i);
		out(l, 0, ". 1:1(0) ack %zu", 11 + 10 * i);
	}
	app(l, 0, "read 100 = 50");
	ladder_end(l);
}

/* req: 9293-3.1-c */
TEST(tcp_impossible_data_offsets_are_dropped)
{
	struct ladder *l = ladder_established();
	for (unsigned off = 0; off < 16; off++) {
		ladder_bend(l, 12, (uint8_t)((off ^ 5) << 4), true);
		in (l, 0, ". 1:1(0) ack 1 win 257");		/* 20 bytes: 5 words, and no other number fits */
		none(l);
		eq(ladder_fate(l, OL_DROP_TCP_OFFSET), off < 5 ? off + 1 : off);
	}
	in (l, 0, "P. 1:11(10) ack 1 win 257");
	out(l, 0, ". 1:1(0) ack 11");
	ladder_end(l);
}

/*
 * Options stand where they like: behind one, two or three NOPs, behind unknown ones of odd length, and an EOL ends
 * them.
 */
/* req: MUST-4, MUST-64, MUST-68, MUST-6 */
TEST(tcp_options_are_read_at_any_alignment)
{
	static const struct { uint8_t p[40]; size_t len; uint16_t mss; bool ws, sack; uint32_t ts; } t[] = {
		{ { 2, 4, 2, 0xbc }, 4, 700, false },
		{ { 1, 2, 4, 2, 0xbc, 3, 3, 5 }, 8, 700, true },
		{ { 1, 1, 2, 4, 2, 0xbc, 3, 3, 5 }, 9, 700, true },
		{ { 1, 1, 1, 2, 4, 2, 0xbc, 3, 3, 5 }, 10, 700, true },
		{ { 253, 3, 9, 2, 4, 2, 0xbc, 3, 3, 5 }, 10, 700, true },
		/* what looks like an MSS is another's */
		{ { 77, 2, 99, 7, 2, 4, 1, 1, 1, 2, 4, 2, 0xbc, 3, 3, 5 }, 16, 700, true },
		{ { 2, 4, 2, 0xbc, 0, 3, 3, 5 }, 8, 700, false },
		{ { 0, 2, 4, 2, 0xbc }, 5, 0, false },
		{ { 2, 4, 2, 0xbc, 253, 3, 9, 3, 3, 5 }, 10, 700, true },	/* unknown between known */
		/* the last ones of the list, behind any number of NOPs */
		{ { 2, 4, 2, 0xbc, 4, 2 }, 6, 700, false, true },
		{ { 2, 4, 2, 0xbc, 1, 4, 2 }, 7, 700, false, true },
		{ { 2, 4, 2, 0xbc, 1, 1, 4, 2 }, 8, 700, false, true },
		{ { 2, 4, 2, 0xbc, 1, 1, 1, 4, 2 }, 9, 700, false, true },
		{ { 2, 4, 2, 0xbc, 1, 3, 3, 5 }, 8, 700, true },
		{ { 8, 10, 1, 2, 3, 4, 5, 6, 7, 9 }, 10, 0, false, false, 0x01020304 },
		{ { 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 9 }, 11, 0, false, false, 0x01020304 },
		{ { 4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 9 }, 12, 0, false, true, 0x01020304 },
		{ { 8, 10, 1, 2, 3, 4, 5, 6, 7, 9, 3, 3, 5, 2, 4, 2, 0xbc }, 17, 700, true, false, 0x01020304 },	/* in any order */
		{ { 1, 1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 9 }, 13, 0, false, false, 0x01020304 },
	};
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		uint8_t at[48];
		for (size_t align = 0; align < 4; align++) {
			struct tcp_opt o;
			memcpy(at + align, t[i].p, t[i].len);
			tcp_opt_parse(&o, at + align, t[i].len);
			eq(o.mss_ok, t[i].mss != 0);
			if (t[i].mss)
				eq(o.mss, t[i].mss);
			eq(o.ws_ok, t[i].ws);
			eq(o.sack_permitted, t[i].sack);
			eq(o.ts_ok, t[i].ts != 0);
			if (t[i].ts) {
				eq(o.tsval, t[i].ts);
				eq(o.tsecr, 0x05060709);
			}
		}
	}
}

/* Every option there is but EOL and NOP is skipped by its length octet: one that lies about it ends the list. */
/* req: MUST-68, MUST-6 */
TEST(tcp_every_other_option_has_a_length)
{
	for (unsigned kind = 2; kind < 256; kind++) {
		uint8_t p[12] = { (uint8_t)kind, 6, 2, 4, 1, 1, 2, 4, 2, 0xbc };
		struct tcp_opt o;
		tcp_opt_parse(&o, p, 10);
		ok(o.mss_ok);
		eq(o.mss, 700);
		p[1] = 1;
		tcp_opt_parse(&o, p, 10);
		ok(!o.mss_ok);
	}
}

/* On any segment: a bare ACK, one with text or a FIN, the last of a handshake, what comes in TIME-WAIT, SYNs. */
/* req: MUST-5 */
TEST(tcp_options_are_read_on_every_segment)
{
	struct ladder *l = ladder_half_open(.syn = "mss 1000,sackOK," TS ",nop,wscale 7");
	in (l, 1, ". 1:1(0) ack 1 win 257 <nop,nop,TS val 101 ecr last>");
	app(l, 0, "accept");
	const struct tcp_tcb *t = ladder_tcb(l);
	eq(t->ts_recent, 101);
	in (l, 1, ". 1:1(0) ack 1 win 257 <nop,nop,TS val 102 ecr last>");
	eq(t->ts_recent, 102);
	in (l, 1, "P. 1:11(10) ack 1 win 257 <nop,nop,TS val 103 ecr last>");
	out(l, 0, ". 1:1(0) ack 11 <nop,nop,TS val * ecr 103>");
	in (l, 1, "U. 11:11(0) ack 1 win 257 urg 9 <nop,nop,TS val 104 ecr last>");
	eq(t->ts_recent, 104);
	app(l, 0, "write 3000");
	ladder_flush(l);
	in (l, 1, ". 11:11(0) ack 1 win 257 <nop,nop,TS val 105 ecr last,nop,nop,sack 989:1977>");
	eq(t->loss.sb.sacked.bytes, 988);
	in (l, 1, ". 11:11(0) ack 3001 win 257 <nop,nop,TS val 106 ecr last>");
	app(l, 0, "shutdown wr");
	ladder_flush(l);
	in (l, 1, "F. 11:11(0) ack 3002 win 257 <nop,nop,TS val 107 ecr last>");
	out(l, 0, ". 3002:3002(0) ack 12 <nop,nop,TS val * ecr 107>");
	state_is(l, TIME_WAIT);
	in (l, 1, "F. 11:11(0) ack 3002 win 257 <nop,nop,TS val 50 ecr last>");	/* old: not what starts 2 MSL anew */
	out(l, 0, ". 3002:3002(0) ack 12 <nop,nop,TS val * ecr 107>");
	in (l, 1000, "S 12:12(0) win 257 <mss 700,nop,nop,TS val 108 ecr 0>");
	out(l, 0, "S. 68539:68539(0) ack 13 <mss 1460,nop,nop,TS val * ecr 108>");
	ladder_end(l);
}

/* Every list of options that is written fills the header in whole words, and no byte of it is left to chance. */
/* req: MUST-69, MUST-68, MUST-4 */
TEST(tcp_options_written_leave_nothing_behind_their_end)
{
	static const uint8_t cookies[] = { 0, 4, 6, 8, 10, 12, 14, 16 };
	for (unsigned set = 0; set < 32; set++)
		for (size_t c = 0; c <= sizeof cookies; c++)
			for (int n_sack = 0; n_sack < 3; n_sack++)
				for (int accecn = 0; accecn < 4; accecn++) {
					uint8_t p[TCP_OPT_MAX + 1], again[TCP_OPT_MAX + 1];
					struct tcp_opt_out o = {
						.mss = set & 1 ? 1460 : 0, .ws_ok = set & 2, .ws = 8, .sack_permitted = set & 4, .ts_ok = set & 8,
						.tsval = 0x01020304, .tsecr = 0x05060708, .n_sack = n_sack,
						.sack = { { { 1 }, { 2 } }, { { 3 }, { 4 } } },
					};
					int room = TCP_OPT_MAX - (set & 1 ? 4 : 0) - (set & 2 ? 4 : 0) - (set & 4 ? 4 : 0) - (set & 8 ? 12 : 0) -
						   (n_sack ? 4 + 8 * n_sack : 0);
					if (c > 0) {
						o.fo = (struct tcp_cookie){ .present = true, .exp = set & 16, .len = cookies[c - 1] };
						memset(o.fo.b, 0xee, sizeof o.fo.b);
					}
					if (accecn)
						o.accecn = (struct tcp_accecn_opt){ .kind = 172, .n = (uint8_t)accecn, .field = { 1, 2, 3 } };
					int need = (c > 0 ? 4 + (set & 16 ? 2 : 0) + cookies[c - 1] : 0) + (accecn ? 12 : 0);
					if (need > room)
						continue;		/* nobody asks for more than there is room for */
					memset(p, 0xaa, sizeof p);
					memset(again, 0x55, sizeof again);
					size_t len = tcp_opt_build(p, &o), at = 0;
					eq(len, tcp_opt_build(again, &o));
					eq_mem(p, again, len);			/* each byte was written */
					eq(len % 4, 0);
					while (at < len && p[at] != 0) {
						size_t one = p[at] == 1 ? 1 : p[at + 1];
						ok(p[at] == 1 || (one >= 2 && at + 1 < len));
						at += one;
					}
					for (; at < len; at++)
						eq(p[at], 0);
					eq(at, len);
				}
}

/* What both ends send for an MSS: no more than the largest datagram that fits, less both fixed headers, on each kind of SYN. */
/* req: MUST-67, MUST-14, SHLD-5, MAY-3 */
TEST(tcp_announced_segment_size_fits_the_interface)
{
	static const struct { bool v6; uint32_t mtu; uint16_t mss; } t[] = {
		{ false, 1500, 1460 }, { false, 576, 536 }, { false, 1400, 1360 }, { false, 9000, 8960 },
		{ true, 1500, 1440 }, { true, 1280, 1220 }, { true, 9000, 8940 },
	};
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		char syn_ack[80];
		snprintf(syn_ack, sizeof syn_ack, "S. 0:0(0) ack 1 <mss %u>", t[i].mss);
		struct ladder *l = ladder_listening(.v6 = t[i].v6, .mtu = t[i].mtu);
		in (l, 0, "S 0:0(0) win 1000");
		out(l, 0, "%s", syn_ack);
		out(l, 1000, "%s", syn_ack);			/* and when it is sent again */
		ladder_end(l);
		l = ladder(.v6 = t[i].v6, .mtu = t[i].mtu, .cfg = "tcp_timestamps=0,tcp_sack=0,tcp_window_scaling=0");
		app(l, 0, "connect");
		out(l, 0, "S 0:0(0) <mss %u>", t[i].mss);
		out(l, 1000, "S 0:0(0) <mss %u>", t[i].mss);
		in (l, 5, "S 0:0(0) win 1000 <mss 1000>");
		out(l, 0, "%s", syn_ack);
		ladder_end(l);
	}
}

/* TCP_MAXSEG may make it smaller, and what is sent as well; never larger than what fits. */
/* req: MUST-67, MUST-16 */
TEST(tcp_segment_size_set_by_the_user_only_lowers_it)
{
	static const struct { uint16_t set; unsigned mss; } t[] = { { 700, 700 }, { 2000, 1460 } };
	for (int i = 0; i < 2; i++) {
		struct ladder *l = ladder_listening();
		tcp_listener_opts(ladder_listener(l))->maxseg = t[i].set;
		in (l, 0, "S 0:0(0) win 30000 <mss 9000>");
		out(l, 0, "S. 0:0(0) ack 1 <mss %u>", t[i].mss);
		in (l, 1, ". 1:1(0) ack 1 win 30000");
		app(l, 0, "accept");
		app(l, 0, "write 3000");
		out(l, 0, ". 1:%u(%u) ack 1", 1 + t[i].mss, t[i].mss);
		ladder_flush(l);
		ladder_end(l);
	}
}

static void no_syn_options(struct ladder *l)
{
	for (struct ol_pkt *p; (p = ladder_take(l)); ol_pkt_free(p)) {
		const uint8_t *tcp = p->data + 20;
		struct tcp_opt o;
		ok(!(tcp[13] & 0x02));
		tcp_opt_parse(&o, tcp + 20, (tcp[12] >> 4) * 4u - 20);
		ok(!o.mss_ok && !o.sack_permitted && !o.ws_ok);
	}
}

/* req: MUST-65, 2018-2-a */
TEST(tcp_options_of_syns_stand_on_syns_alone)
{
	struct ladder *l = ladder_established(.syn = "mss 1000,sackOK," TS ",nop,wscale 7");
	app(l, 0, "write 3500");
	in (l, 10, ". 1001:2001(1000) ack 1 win 257 <nop,nop,TS val 101 ecr last>");
	no_syn_options(l);
	in (l, 300, "R 5:5(0) win 0");
	app(l, 0, "shutdown wr");
	in (l, 10, ". 1:1(0) ack 3502 win 257 <nop,nop,TS val 102 ecr last>");
	app(l, 0, "abort");
	no_syn_options(l);
	ladder_end(l);
}

/* And where a peer puts them elsewhere they change nothing. */
/* req: MUST-65, 7323-2.2-c, 2018-2-a */
TEST(tcp_options_of_syns_mean_nothing_elsewhere)
{
	struct ladder *l = ladder_established(.syn = "mss 1000,nop,wscale 7");
	in (l, 0, "P. 1:11(10) ack 1 win 257 <mss 200,nop,wscale 2,sackOK,nop,nop>");
	out(l, 0, ". 1:1(0) ack 11");
	const struct tcp_tcb *t = ladder_tcb(l);
	eq(t->snd_mss, 1000);
	eq(t->snd_wscale, 7);
	eq(t->snd_wnd, 257 << 7);
	ok(!t->sack_ok);
	in (l, 0, ". 101:111(10) ack 1 win 257 <sackOK,nop,nop>");
	out(l, 0, ". 1:1(0) ack 11 <>");
	app(l, 0, "write 2000");
	out(l, 0, ". 1:1001(1000) ack 11");
	out(l, 0, "P. 1001:2001(1000) ack 11");
	ladder_end(l);
}

/* RFC 9293 3.7.1: the peer's limit, the path's, and what the options take away; whichever is least. */
/* req: MUST-16, MUST-14, 7323-3.2-a, 8200-8.3-a */
TEST(tcp_effective_segment_size)
{
	static const struct { bool v6; uint32_t mtu; const char *syn; uint32_t text; } t[] = {
		{ false, 1500, "mss 1460", 1460 }, { false, 1500, "mss 9000", 1460 }, { false, 1400, "mss 1460", 1360 },
		{ false, 1500, "mss 500", 500 }, { false, 1500, "mss 1460,nop,nop," TS, 1448 },
		{ false, 1500, "mss 500,nop,nop," TS, 488 }, { false, 576, "mss 1460,nop,nop," TS, 524 },
		{ true, 1500, "mss 9000", 1440 }, { true, 1280, "mss 1440,nop,nop," TS, 1208 },
	};
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct ladder *l = ladder_established(.v6 = t[i].v6, .mtu = t[i].mtu, .syn = t[i].syn);
		app(l, 0, "write 3000");
		out(l, 0, ". 1:%u(%u) ack 1", 1 + t[i].text, t[i].text);
		ladder_flush(l);
		ladder_end(l);
		l = ladder_syn_sent(.v6 = t[i].v6, .mtu = t[i].mtu);	/* and where we opened */
		in (l, 5, "S. 0:0(0) ack 1 win 30000 <%s>", t[i].syn);
		ladder_flush(l);
		app(l, 0, "write 3000");
		out(l, 0, ". 1:%u(%u) ack 1", 1 + t[i].text, t[i].text);
		ladder_flush(l);
		ladder_end(l);
	}
}

/* Options that a segment has beyond the usual come out of its text: the packet never grows past the path. */
/* req: MUST-16 */
TEST(tcp_sack_blocks_are_taken_off_the_text)
{
	struct ladder *l = ladder_established(.syn = "mss 1460,sackOK," TS ",nop,wscale 7");
	in (l, 0, ". 1001:2001(1000) ack 1 win 257 <nop,nop,TS val 101 ecr last>");
	in (l, 0, ". 3001:4001(1000) ack 1 win 257 <nop,nop,TS val 101 ecr last>");
	ladder_flush(l);
	app(l, 0, "nodelay 1");
	app(l, 0, "write 5000");
	for (struct ol_pkt *p; (p = ladder_take(l)); ol_pkt_free(p))
		ok(p->len <= 1500);
	eq(ladder_tcb(l)->snd_nxt.v - ladder_tcb(l)->iss.v, 5001);
	ladder_end(l);
}

/* What is offered is more than 16 bits can say, and is reckoned with as such. */
/* req: REC-1 */
TEST(tcp_windows_offered_are_32_bits)
{
	struct ladder *l = ladder_established(.cfg = "tcp_rmem=4096:1000000:1000000");
	in (l, 0, "P. 1:1001(1000) ack 1 win 257");
	struct ol_pkt *p = ladder_take(l);
	uint32_t wnd = (uint32_t)be16_at(p->data + 34) << ladder_tcb(l)->rcv_wscale;
	ok(wnd > 400000);
	eq(wnd, ladder_tcb(l)->rcv_wnd);
	ol_pkt_free(p);
	in (l, 0, ". 400001:401001(1000) ack 1 win 257");
	eq(ladder_fate(l, OL_DROP_TCP_SEQ), 0);
	eq(ladder_tcb(l)->rcvq.ooo_bytes, 1000);
	ladder_flush(l);
	ladder_end(l);
}

/* A window is a number from 0 to 65535, never less than nothing: bit 15 is no sign. */
/* req: MUST-1 */
TEST(tcp_window_is_unsigned)
{
	struct ladder *l = ladder_established(.cfg = "tcp_init_cwnd=100", .syn = "mss 1000");
	in (l, 0, ". 1:1(0) ack 1 win 65535");
	app(l, 0, "write 80000");
	eq(ladder_flush(l), 65);
	ladder_end(l);
	l = ladder_established(.cfg = "tcp_init_cwnd=100", .syn = "mss 1000");
	in (l, 0, ". 1:1(0) ack 1 win 40000");
	app(l, 0, "write 80000");
	eq(ladder_flush(l), 40);
	ladder_end(l);
}
