/* Ladders from synthetic captures: which sightings are one flight, what each row says, what became of frames. */
#include "unit.h"
#include "frames.h"
#include <stdlib.h>

static struct lad_view *view_of(struct ladder *l)
{
	struct lad_view *v = ladder_view(l, ladder_flow_best(l));
	ok(v);
	return v;
}

/* "a>b SYN seq 0" with states and note, as one string to compare. */
static const char *row(const struct lad_view *v, size_t i)
{
	static char buf[512];
	const struct lad_row *r = &v->rows[i];
	static const char *const ends[] = { "", " LOST", " DROPPED", " UNDER-WAY", " UNSEEN" };
	ok(i < v->n);
	snprintf(buf, sizeof buf, "%s %s%s [%s|%s] %s", r->from == LAD_LEFT ? ">" : "<", r->text, ends[r->end], r->state[0], r->state[1],
		 r->note);
	return buf;
}

TEST(ladder_handshake_and_goodbye_become_one_row_per_segment)
{
	struct ladder *l = ladder_new();
	ADD_ALL(l, handshake);
	ADD_ALL(l, goodbye);
	struct lad_view *v = view_of(l);
	eq(v->n, 7);
	eq_str(v->name[0], "a");
	eq_str(v->name[1], "b");
	eq(v->end[1].port, 80);
	ok(v->states_inferred);
	eq_str(row(v, 0), "> SYN seq 0 [SYN-SENT|SYN-RECEIVED] ");
	eq_str(row(v, 1), "< SYN ACK seq 0 ack 1 [ESTABLISHED|] ");
	eq_str(row(v, 2), "> ACK ack 1 [|ESTABLISHED] ");
	eq_str(row(v, 3), "> FIN ACK seq 1 ack 1 [FIN-WAIT-1|CLOSE-WAIT] ");
	eq_str(row(v, 4), "< ACK ack 2 [FIN-WAIT-2|] ");
	eq_str(row(v, 5), "< FIN ACK seq 1 ack 2 [TIME-WAIT|LAST-ACK] ");
	eq_str(row(v, 6), "> ACK ack 2 [|CLOSED] ");
	eq(v->rows[1].sent, 10100000);
	eq(v->rows[1].received, 20100000);
	eq_str(v->rows[0].extra, " win 64240 mss 1460 ws 7");
	eq_str(v->rows[2].extra, " win 64000");	/* 500 << 7: windows are scaled once both agreed */
	lad_view_free(v);
	ladder_free(l);
}

/* RFC 9768: what the handshake agreed on, the flags after it are a count. */
TEST(ladder_reads_accurate_ecn_as_a_number_once_agreed)
{
	enum { AE = DIS_AE, CWR = DIS_CWR, ECE = DIS_ECE };
	static const struct seg agreed[] = {
		{ 'a', 0, 10, S | AE | CWR | ECE, .mss = 1460 }, { 'b', 10.1, 10, S | A | CWR, .ack = 1, .mss = 1460 },
		{ 'a', 20.2, 10, A | CWR, .seq = 1, .ack = 1 }, { 'b', 40, 10, A | AE | ECE, .seq = 1, .ack = 1, .len = 10 },
		{ 'a', 60, 10, A | AE | CWR, .seq = 1, .ack = 11 },
	}, refused[] = {
		{ 'a', 0, 10, S | AE | CWR | ECE, .mss = 1460 }, { 'b', 10.1, 10, S | A | ECE, .ack = 1, .mss = 1460 },
		{ 'a', 20.2, 10, A, .seq = 1, .ack = 1 }, { 'b', 40, 10, A | ECE, .seq = 1, .ack = 1, .len = 10 },
	};
	struct ladder *l = ladder_new();
	ADD_ALL(l, agreed);
	struct lad_view *v = view_of(l);
	eq_str(v->rows[0].text, "SYN ECE CWR AE seq 0");
	eq_str(v->rows[1].text, "SYN ACK CWR seq 0 ack 1");
	eq_str(v->rows[3].text, "ACK seq 1 len 10 ack 1");
	ok(strstr(v->rows[2].extra, " ace 2"));
	ok(strstr(v->rows[3].extra, " ace 5"));
	ok(strstr(v->rows[4].extra, " ace 6"));
	lad_view_free(v);
	ladder_free(l);
	l = ladder_new();
	ADD_ALL(l, refused);
	v = view_of(l);
	eq_str(v->rows[3].text, "ACK ECE seq 1 len 10 ack 1");
	lad_view_free(v);
	ladder_free(l);
}

/* Frames come in any order: captures of several interfaces are read one after the other. */
TEST(ladder_order_of_reading_does_not_matter)
{
	struct ladder *l = ladder_new(), *back = ladder_new();
	ADD_ALL(l, handshake);
	for (size_t i = sizeof handshake / sizeof *handshake; i-- > 0; )
		add_seg(back, &handshake[i], false);
	struct lad_view *v = view_of(l), *w = view_of(back);
	eq(v->n, w->n);
	for (size_t i = 0; i < v->n; i++) {
		char one[512];
		snprintf(one, sizeof one, "%s", row(v, v->n - 1 - i));
		/* Read backwards, the last flow member seen first is a's: left and right stay. */
		eq_str(row(w, w->n - 1 - i), one);
	}
	lad_view_free(v);
	lad_view_free(w);
	ladder_free(l);
	ladder_free(back);
}

TEST(ladder_frames_seen_at_routers_are_the_same_flight)
{
	struct ladder *l = ladder_new();
	for (size_t i = 0; i < 3; i++)
		add_seg(l, &handshake[i], true);
	struct seg lost = { 'a', 30, -1, P | A, .seq = 1, .ack = 1, .len = 10 };
	struct seg after = { 'b', 90, 10, A, .seq = 1, .ack = 1 };
	add_seg(l, &lost, true);
	add_seg(l, &after, true);
	struct lad_view *v = view_of(l);
	eq(v->n, 5);
	eq_str(v->name[0], "a");
	eq_str(v->name[1], "b");
	eq_str(row(v, 3), "> PSH ACK seq 1 len 10 ack 1 LOST [|] lost after r");
	eq(v->lost, 1);
	lad_view_free(v);
	ladder_free(l);
}

/* RFC 5681 3.2: three duplicate ACKs, then the segment again. */
TEST(ladder_loss_shows_its_reason_and_the_retransmission_its_own)
{
	static const struct seg x[] = {
		{ 'a', 30, -1, P | A, .seq = 1, .ack = 1, .len = 100, .wire = "lost (loss)", .lost = true },
		{ 'a', 30.1, 10, P | A, .seq = 101, .ack = 1, .len = 100 },
		{ 'a', 30.2, 10, P | A, .seq = 201, .ack = 1, .len = 100 },
		{ 'a', 30.3, 10, P | A, .seq = 301, .ack = 1, .len = 100 },
		{ 'b', 40.2, 10, A, .seq = 1, .ack = 1, .sack_from = 101, .sack_to = 201 },
		{ 'b', 40.3, 10, A, .seq = 1, .ack = 1, .sack_from = 101, .sack_to = 301 },
		{ 'b', 40.4, 10, A, .seq = 1, .ack = 1, .sack_from = 101, .sack_to = 401 },
		{ 'a', 50.5, 10, P | A, .seq = 1, .ack = 1, .len = 100 },
		{ 'b', 60.6, 10, A, .seq = 1, .ack = 401 },
	};
	struct ladder *l = ladder_new();
	ADD_ALL(l, handshake);
	/* b answers the handshake's ACK with nothing, so its first ACK is no duplicate: give it one to repeat. */
	add_seg(l, &(struct seg){ 'b', 25, 4, A, .seq = 1, .ack = 1 }, false);
	ADD_ALL(l, x);
	struct lad_view *v = view_of(l);
	eq_str(row(v, 4), "> PSH ACK seq 1 len 100 ack 1 LOST [|] lost (loss)");
	eq_str(row(v, 5), "> PSH ACK seq 101 len 100 ack 1 [|] arrives before what comes first");
	ok(v->rows[5].marks & LAD_OUT_OF_ORDER);
	eq_str(row(v, 8), "< ACK ack 1 sack 101-201 [|] duplicate ACK 1");
	eq_str(row(v, 10), "< ACK ack 1 sack 101-401 [|] duplicate ACK 3");
	eq_str(row(v, 11), "> PSH ACK seq 1 len 100 ack 1 [|] fast retransmit: 3 duplicate ACKs");
	ok(v->rows[11].marks & LAD_RETRANSMIT);
	eq_str(row(v, 12), "< ACK ack 401 [|] ");
	eq(v->lost, 1);
	eq(v->retransmitted, 1);
	eq(v->bytes[0], 400);		/* each byte once */
	lad_view_free(v);
	ladder_free(l);
}

/* The copies are alike to the last bit; time tells which one arrived. */
TEST(ladder_the_retransmission_arrives_not_the_lost_original)
{
	static const struct seg x[] = {
		{ 'a', 30, -1, P | A, .seq = 1, .ack = 1, .len = 100 },
		{ 'a', 250, 10, P | A, .seq = 1, .ack = 1, .len = 100 },
		{ 'b', 260.1, 10, A, .seq = 1, .ack = 101 },
	};
	struct ladder *l = ladder_new();
	ADD_ALL(l, handshake);
	ADD_ALL(l, x);
	struct lad_view *v = view_of(l);
	eq_str(row(v, 3), "> PSH ACK seq 1 len 100 ack 1 LOST [|] lost");
	eq_str(row(v, 4), "> PSH ACK seq 1 len 100 ack 1 [|] retransmission: no ACK for 220 ms");
	lad_view_free(v);
	ladder_free(l);
}

TEST(ladder_causes_told_by_the_capture_win_over_guesses)
{
	static const struct seg x[] = {
		{ 'a', 30, 10, P | A, .seq = 1, .ack = 1, .len = 100, .call = "send(100)" },
		{ 'a', 50, 10, P | A, .seq = 1, .ack = 1, .len = 100, .cause = "tail loss probe" },
		{ 'a', 250, 10, P | A, .seq = 1, .ack = 1, .len = 100, .cause = "retransmission timeout" },
		{ 'b', 260.1, 10, A, .seq = 1, .ack = 101 },
	};
	struct ladder *l = ladder_new();
	ADD_ALL(l, handshake);
	ADD_ALL(l, x);
	struct lad_view *v = view_of(l);
	eq_str(v->rows[3].call[LAD_LEFT], "send(100)");
	ok(v->has_calls);
	eq_str(row(v, 4), "> PSH ACK seq 1 len 100 ack 1 [|] retransmission: tail loss probe; the receiver had it already");
	eq_str(row(v, 5), "> PSH ACK seq 1 len 100 ack 1 [|] retransmission: the timer ran out; the receiver had it already");
	lad_view_free(v);
	ladder_free(l);
}

TEST(ladder_wire_copies_are_told_from_retransmissions)
{
	static uint8_t p[256];
	struct seg s = { 'a', 30, 10, P | A, .seq = 1, .ack = 1, .len = 10, .id = 7 };
	struct ladder *l = ladder_new();
	ADD_ALL(l, handshake);
	add_seg(l, &s, false);
	size_t len = seg_bytes(&s, p);
	add_at(l, &s, 42, "b", LAD_WAY_IN, p, len);
	struct lad_view *v = view_of(l);
	eq(v->n, 5);
	eq_str(row(v, 4), "> PSH ACK seq 1 len 10 ack 1 [|] a second copy, made by the wire");
	eq(v->retransmitted, 0);
	eq(v->bytes[0], 10);
	lad_view_free(v);
	ladder_free(l);
}

TEST(ladder_dropped_by_the_receiver_says_why)
{
	struct seg s = { 'a', 30, 10, P | A, .seq = 1, .ack = 1, .len = 10, .fate = "the TCP checksum is wrong" };
	struct ladder *l = ladder_new();
	ADD_ALL(l, handshake);
	add_seg(l, &s, false);
	struct lad_view *v = view_of(l);
	eq_str(row(v, 3), "> PSH ACK seq 1 len 10 ack 1 DROPPED [|] dropped: the TCP checksum is wrong");
	lad_view_free(v);
	ladder_free(l);
}

TEST(ladder_windows_closing_probed_and_opening)
{
	static const struct seg x[] = {
		{ 'a', 30, 10, P | A, .seq = 1, .ack = 1, .len = 100 },
		{ 'b', 40.1, 10, A, .seq = 1, .ack = 101, .wnd = 1 },
		{ 'a', 250, 10, A, .seq = 100, .ack = 1 },
		{ 'b', 260.1, 10, A, .seq = 1, .ack = 101, .wnd = 1 },
		{ 'b', 300, 10, A, .seq = 1, .ack = 101, .wnd = 400 },
	};
	struct ladder *l = ladder_new();
	ADD_ALL(l, handshake);
	ADD_ALL(l, x);
	struct lad_view *v = view_of(l);
	eq_str(row(v, 4), "< ACK ack 101 [|] the window is full: the program does not read");
	eq_str(row(v, 5), "> ACK ack 1 [|] zero-window probe");
	ok(v->rows[6].marks & LAD_ZERO_WINDOW);
	eq_str(row(v, 7), "< ACK ack 101 [|] the window opens again");
	lad_view_free(v);
	ladder_free(l);
}

TEST(ladder_a_refused_connection)
{
	static const struct seg x[] = {
		{ 'a', 0, 10, S, .wnd = 100, .mss = 1460 },
		{ 'b', 10.1, 10, R | A, .seq = 0, .ack = 1 },
	};
	struct ladder *l = ladder_new();
	ADD_ALL(l, x);
	struct lad_view *v = view_of(l);
	eq_str(row(v, 0), "> SYN seq 0 [SYN-SENT|] ");
	eq(v->rows[1].marks, LAD_RESET);
	eq_str(row(v, 1), "< RST ACK seq 5000 ack 1 [CLOSED|CLOSED] reset: no socket here wants this segment");
	lad_view_free(v);
	ladder_free(l);
}

/* A wire in strict mode cuts what the sender handed over whole. */
static struct lad_view *cut_in_three(bool lose_the_second)
{
	static uint8_t p[8192];
	struct seg whole = { 'a', 30, -1, P | A, .seq = 1, .ack = 1, .len = 3000, .id = 1, .call = "send()" };
	struct ladder *l = ladder_new();
	ADD_ALL(l, handshake);
	add_seg(l, &whole, false);
	for (int i = 0; i < 3; i++) {
		struct seg piece = { 'a', 30, 0, A | (i == 2 ? P : 0), .seq = 1 + 1000u * (unsigned)i, .ack = 1, .len = 1000, .id = (uint16_t)(1 + i) };
		size_t len = seg_bytes(&piece, p);
		struct lad_frame f = { .time = (ol_time)((31 + i) * OL_MS), .host = "r", .iface = "eth1", .way = LAD_WAY_OUT, .link = OL_LINK_IP,
				       .p = p, .cap = len, .len = len, .sock = -1 };
		bool lost = lose_the_second && i == 1;
		f.lost = lost;
		f.wire = lost ? "lost (loss)" : NULL;
		ladder_add(l, &f);
		if (!lost)
			add_at(l, &piece, 40 + i, "b", LAD_WAY_IN, p, len);
	}
	add_seg(l, &(struct seg){ 'b', 90, 10, A, .seq = 1, .ack = 3001 }, false);
	struct lad_view *v = view_of(l);
	ladder_free(l);
	return v;
}

TEST(ladder_super_segments_that_arrive_in_pieces_are_shown_whole)
{
	struct lad_view *v = cut_in_three(false);
	eq(v->n, 5);
	eq_str(row(v, 3), "> PSH ACK seq 1 len 3000 ack 1 [|] cut into 3 segments on the way");
	eq_str(v->rows[3].call[0], "send()");
	eq(v->rows[3].received, 42 * OL_MS);
	lad_view_free(v);
}

TEST(ladder_super_segments_of_which_a_piece_is_lost_are_shown_in_pieces)
{
	struct lad_view *v = cut_in_three(true);
	eq(v->n, 7);
	eq_str(row(v, 3), "> ACK seq 1 len 1000 ack 1 [|] ");
	eq_str(v->rows[3].call[0], "send()");
	eq_str(row(v, 4), "> ACK seq 1001 len 1000 ack 1 LOST [|] lost (loss)");
	eq_str(v->rows[4].call[0], "");
	eq_str(row(v, 5), "> PSH ACK seq 2001 len 1000 ack 1 [|] arrives before what comes first");
	eq(v->rows[5].sent, 30 * OL_MS);
	eq(v->retransmitted, 0);
	eq(v->lost, 1);
	eq(v->bytes[0], 3000);
	lad_view_free(v);
}

TEST(ladder_states_of_the_capture_are_taken_as_they_are)
{
	static const struct seg x[] = {
		{ 'a', 0, 10, S, .mss = 1460, .state = "SYN-SENT", .peer_state = "LISTEN -> SYN-RECEIVED" },
		{ 'b', 10.1, 10, S | A, .ack = 1, .mss = 1460, .state = "SYN-RECEIVED", .peer_state = "SYN-SENT -> ESTABLISHED" },
	};
	struct ladder *l = ladder_new();
	ADD_ALL(l, x);
	struct lad_view *v = view_of(l);
	ok(!v->states_inferred);
	eq_str(row(v, 0), "> SYN seq 0 [SYN-SENT|SYN-RECEIVED] ");
	eq_str(row(v, 1), "< SYN ACK seq 0 ack 1 [ESTABLISHED|] ");
	lad_view_free(v);
	ladder_free(l);
}

/* An ACK that was made before the FIN came and left after it still carries ESTABLISHED. */
TEST(ladder_states_do_not_go_back)
{
	static const struct seg x[] = {
		{ 'a', 0, 10, P | A, .seq = 1, .ack = 1, .len = 10, .state = "ESTABLISHED", .peer_state = "ESTABLISHED" },
		{ 'a', 0, 10, F | A, .seq = 11, .ack = 1, .state = "FIN-WAIT-1", .peer_state = "ESTABLISHED -> CLOSE-WAIT" },
		{ 'b', 10, 10, A, .seq = 1, .ack = 11, .state = "ESTABLISHED", .peer_state = "FIN-WAIT-1" },
		{ 'b', 10, 10, A, .seq = 1, .ack = 12, .state = "CLOSE-WAIT", .peer_state = "FIN-WAIT-1 -> FIN-WAIT-2" },
	};
	struct ladder *l = ladder_new();
	ADD_ALL(l, x);
	struct lad_view *v = view_of(l);
	eq_str(row(v, 0), "> PSH ACK seq 1 len 10 ack 1 [ESTABLISHED|ESTABLISHED] ");
	eq_str(row(v, 1), "> FIN ACK seq 11 ack 1 [FIN-WAIT-1|CLOSE-WAIT] ");	/* and it came in order, though at the same time */
	eq_str(row(v, 2), "< ACK ack 11 [|] ");
	eq_str(row(v, 3), "< ACK ack 12 [FIN-WAIT-2|] ");
	lad_view_free(v);
	ladder_free(l);
}

TEST(ladder_calls_that_made_no_frame_get_a_row_of_their_own)
{
	static uint8_t p[256];
	struct ladder *l = ladder_new();
	ADD_ALL(l, handshake);
	struct seg s = { 'b', 40, 10, P | A, .seq = 1, .ack = 1, .len = 5, .call = "send()" };
	size_t len = seg_bytes(&s, p);
	struct lad_frame f = { .time = 40 * OL_MS, .host = "b", .iface = "eth0", .way = LAD_WAY_OUT, .link = OL_LINK_IP, .p = p, .cap = len,
			       .len = len, .sock = 9, .call = "send()" };
	ladder_add(l, &f);
	ladder_add_call(l, &(struct lad_call){ .time = 35 * OL_MS, .host = "b", .sock = 9, .text = "accept() = 9" });
	ladder_add_call(l, &(struct lad_call){ .time = 35 * OL_MS, .host = "b", .sock = 8, .text = "of another socket" });
	ladder_add_call(l, &(struct lad_call){ .time = 40 * OL_MS, .host = "b", .sock = 9, .text = "send(5) = 5" });
	struct lad_view *v = view_of(l);
	eq(v->n, 5);
	ok(v->rows[3].is_call);
	eq_str(v->rows[3].call[LAD_RIGHT], "accept() = 9");
	eq_str(v->rows[4].call[LAD_RIGHT], "send(5) = 5");
	lad_view_free(v);
	ladder_free(l);
}

/* Seen as the conversation goes on: what is settled, once, in order; what is under way waits for its end. */
TEST(ladder_is_drawn_row_by_row_as_rows_settle)
{
	struct ladder *l = ladder_new();
	struct lad_style style = { .width = 120, .ascii = true };
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	struct lad_live *live = ladder_live_new(&style, f);
	add_seg(l, &(struct seg){ 'a', 0, 10, S, .seq = 0, .mss = 1460, .state = "SYN-SENT" }, false);
	struct lad_view *v = view_of(l);
	ok(ladder_live_rows(live, v, 100 * OL_MS, false));
	eq(ladder_live_shown(live), 0);				/* a call may still be told of before it */
	ok(ladder_live_rows(live, v, 400 * OL_MS, false));
	eq(ladder_live_shown(live), 1);
	ok(strstr(text, "SYN seq 0") && strstr(text, "SYN-SENT"));
	size_t first = len;
	ok(ladder_live_rows(live, v, 500 * OL_MS, false));
	eq(len, first);						/* once */
	lad_view_free(v);
	add_seg(l, &(struct seg){ 'b', 600, 10, S | A, .seq = 0, .ack = 1, .mss = 1460 }, false);
	add_seg(l, &(struct seg){ 'a', 700, 10, A, .seq = 1, .ack = 1 }, false);
	v = view_of(l);
	ok(ladder_live_rows(live, v, 950 * OL_MS, false));
	eq(ladder_live_shown(live), 2);
	ok(strstr(text + first, "SYN ACK") && !strstr(text + first, "SYN seq 0"));
	ok(ladder_live_rows(live, v, 950 * OL_MS, true));
	eq(ladder_live_shown(live), 3);
	ok(strstr(text, "TCP: 0 bytes to the right"));		/* the sum, at the end */
	lad_view_free(v);
	ladder_live_free(live);
	style.max_rows = 1;					/* what does not fit can be shortened only at the end */
	live = ladder_live_new(&style, f);
	v = view_of(l);
	ok(!ladder_live_rows(live, v, 10 * OL_SEC, false));
	eq(ladder_live_shown(live), 1);
	lad_view_free(v);
	ladder_live_free(live);
	fclose(f);
	free(text);
	ladder_free(l);
}

TEST(ladder_calls_with_arguments_are_found_again_by_them)
{
	static uint8_t p[256];
	struct ladder *l = ladder_new();
	struct seg s = { 'a', 0, 10, S, .seq = 0, .mss = 1460 };	/* whose call was made before, and waited for ARP */
	ladder_add_call(l, &(struct lad_call){ .time = -5 * OL_MS, .host = "a", .sock = 3, .text = "connect(b:80)" });
	struct lad_frame f = { .time = 0, .host = "a", .iface = "eth0", .way = LAD_WAY_OUT, .link = OL_LINK_IP, .p = p,
			       .cap = seg_bytes(&s, p), .len = seg_bytes(&s, p), .sock = 3, .call = "connect(b:80)" };
	ladder_add(l, &f);
	ladder_add_call(l, &(struct lad_call){ .time = 20 * OL_MS, .host = "a", .sock = 3, .text = "connect(b:80) = ETIMEDOUT" });
	ladder_add_call(l, &(struct lad_call){ .time = 30 * OL_MS, .host = "a", .sock = 3, .text = "connect(b:81)" });
	struct lad_view *v = view_of(l);
	eq(v->n, 2);
	eq_str(v->rows[0].call[LAD_LEFT], "connect(b:80) = ETIMEDOUT");
	ok(v->rows[1].is_call);
	lad_view_free(v);
	ladder_free(l);
}

TEST(ladder_ports_used_again_are_a_new_flow)
{
	struct ladder *l = ladder_new();
	struct lad_flow_info info;
	ADD_ALL(l, handshake);
	ADD_ALL(l, goodbye);
	eq(ladder_flows(l), 1);
	add_seg(l, &(struct seg){ 'a', 500, 10, S, .seq = 70000, .mss = 1460 }, false);
	eq(ladder_flows(l), 2);
	ok(ladder_flow_info(l, 1, &info));
	eq_str(info.proto, "TCP");
	eq(info.sightings, 2);
	ok(!ladder_flow_info(l, 2, &info));
	ok(!ladder_view(l, 2));
	ladder_free(l);
}

TEST(ladder_without_a_view_of_the_far_end_claims_no_loss)
{
	static uint8_t p[256];
	struct ladder *l = ladder_new();
	for (size_t i = 0; i < 3; i++) {	/* captured at a only */
		const struct seg *s = &handshake[i];
		size_t len = seg_bytes(s, p);
		if (s->from == 'a')
			add_at(l, s, s->ms, "a", LAD_WAY_OUT, p, len);
		else
			add_at(l, s, s->ms + s->flight, "a", LAD_WAY_IN, p, len);
	}
	struct lad_view *v = view_of(l);
	eq(v->n, 3);
	eq(v->lost, 0);
	eq(v->rows[0].end, LAD_UNSEEN);
	eq(v->rows[1].end, LAD_ARRIVED);
	eq_str(row(v, 2), "> ACK ack 1 UNSEEN [|ESTABLISHED] ");
	lad_view_free(v);
	ladder_free(l);
}

/* ---- drawing ------------------------------------------------------------------------------------------------------ */
static char *printed(const struct lad_view *v, const struct lad_style *st, bool svg)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	ok(svg ? ladder_svg(v, st, f) : ladder_print(v, st, f));
	fclose(f);
	return text;
}

TEST(ladder_in_the_terminal)
{
	struct ladder *l = ladder_new();
	ADD_ALL(l, handshake);
	struct lad_view *v = view_of(l);
	char *s = printed(v, &(struct lad_style){ .width = 80, .ascii = true }, false);
	eq_str(s,
	       "       ms  a  10.0.0.1:49152                                     b  10.0.0.2:80\n"
	       "    0.000  SYN-SENT    |- SYN seq 0 win 64240 mss 1460 ws 7 --->| SYN-RECEIVED\n"
	       "   10.100  ESTABLISHED |<------- SYN ACK seq 0 ack 1 win 65160 -|\n"
	       "   20.200              |- ACK ack 1 win 64000 ----------------->| ESTABLISHED\n"
	       "TCP: 0 bytes to the right, 0 to the left, 30.200 ms\n"
	       "The capture tells no states: they were followed by RFC 9293's diagram.\n");
	free(s);
	lad_view_free(v);
	ladder_free(l);
}

/* No line is wider than the terminal, at any width; none has an escape sequence without colour. */
TEST(ladder_lines_fit_the_terminal)
{
	struct ladder *l = ladder_new();
	ADD_ALL(l, handshake);
	add_seg(l, &(struct seg){ 'a', 30, -1, P | A, .seq = 1, .ack = 1, .len = 100, .call = "send(100 bytes, MSG_NOSIGNAL)", .lost = true,
				  .wire = "lost (a reason that is quite long and must be folded somewhere or other)" }, false);
	ADD_ALL(l, goodbye);
	struct lad_view *v = view_of(l);
	for (unsigned width = 72; width <= 200; width += 4) {
		char *s = printed(v, &(struct lad_style){ .width = width }, false);
		ok(!strchr(s, '\033'));
		for (char *line = strtok(s, "\n"); line; line = strtok(NULL, "\n")) {
			size_t columns = 0;
			for (const char *c = line; *c; c++)
				columns += (*c & 0xc0) != 0x80;
			ok(columns <= width || strncmp(line, "TCP:", 4) == 0 || strncmp(line, "The capture", 11) == 0);
		}
		free(s);
	}
	char *s = printed(v, &(struct lad_style){ .width = 100, .colour = true }, false);
	ok(strstr(s, "\033[31m"));
	free(s);
	lad_view_free(v);
	ladder_free(l);
}

/* A hundred segments, of which one is lost: the ends and the loss stay. */
TEST(ladder_long_ones_are_folded_around_what_tells_something)
{
	struct ladder *l = ladder_new();
	ADD_ALL(l, handshake);
	for (unsigned i = 0; i < 100; i++) {
		bool lost = i == 50;
		add_seg(l, &(struct seg){ 'a', 50 + i, lost ? -1 : 10, P | A, .seq = 1 + i * 10, .ack = 1, .len = 10, .lost = lost,
					  .wire = lost ? "lost (loss)" : NULL }, false);
	}
	struct lad_view *v = view_of(l);
	eq(v->n, 103);
	char *s = printed(v, &(struct lad_style){ .width = 100, .max_rows = 20 }, false);
	ok(strstr(s, "47 more with 470 bytes"));	/* rows 5 to 51: the loss is row 53, and the one before it stays */
	ok(strstr(s, "44 more with 440 bytes"));
	ok(strstr(s, "SYN seq 0"));
	ok(strstr(s, "seq 501 len 10"));
	ok(strstr(s, "lost (loss)"));
	ok(strstr(s, "seq 991 len 10"));
	ok(!strstr(s, "seq 301 len 10"));
	free(s);
	s = printed(v, &(struct lad_style){ .max_rows = 20 }, true);
	ok(strstr(s, "47 more"));
	ok(strstr(s, "44 more"));
	free(s);
	s = printed(v, &(struct lad_style){ .width = 100 }, false);
	ok(!strstr(s, "more with"));
	free(s);
	lad_view_free(v);
	ladder_free(l);
}

/* Names come from files of anybody's: neither the terminal nor the SVG takes orders from them. */
TEST(ladder_hostile_names_do_no_harm)
{
	static uint8_t p[256];
	struct ladder *l = ladder_new();
	size_t len = seg_bytes(&handshake[0], p);
	struct lad_frame f = { .time = 1, .host = "\033[2J<script>&", .iface = "x", .way = LAD_WAY_OUT, .link = OL_LINK_IP, .p = p, .cap = len,
			       .len = len, .sock = -1, .call = "\"><b>" };
	ok(ladder_add(l, &f));
	struct lad_view *v = view_of(l);
	char *s = printed(v, &(struct lad_style){ .width = 100 }, false);
	ok(!strchr(s, '\033'));
	free(s);
	s = printed(v, &(struct lad_style){ 0 }, true);
	ok(!strstr(s, "<script>"));
	ok(strstr(s, "&lt;script&gt;&amp;"));
	ok(strstr(s, "&quot;&gt;&lt;b&gt;"));
	free(s);
	lad_view_free(v);
	ladder_free(l);
}

/* Each tag that is opened is closed, and everything lies on the page. */
TEST(ladder_svg_is_well_formed)
{
	struct ladder *l = ladder_new();
	ADD_ALL(l, handshake);
	add_seg(l, &(struct seg){ 'a', 30, -1, P | A, .seq = 1, .ack = 1, .len = 100, .lost = true, .wire = "lost (loss)" }, false);
	ADD_ALL(l, goodbye);
	struct lad_view *v = view_of(l);
	char *s = printed(v, &(struct lad_style){ 0 }, true);
	int depth = 0;
	double width = 0, height = 0, x, y;
	eq(sscanf(s, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%lf\" height=\"%lf\"", &width, &height), 2);
	for (const char *c = strchr(s, '<'); c; c = strchr(c + 1, '<')) {
		const char *end = strchr(c, '>');
		ok(end);
		depth += c[1] == '/' ? -1 : end[-1] == '/' ? 0 : 1;
		ok(depth >= 0);
		if (sscanf(c, "<text x=\"%lf\" y=\"%lf\"", &x, &y) == 2)
			ok(x >= 0 && x <= width && y <= height);
	}
	eq(depth, 0);
	ok(strstr(s, "lost (loss)"));
	ok(strstr(s, "prefers-color-scheme:dark"));
	free(s);
	lad_view_free(v);
	ladder_free(l);
}

/* Random segments between the two, with random fates: nothing crashes, rows are in order, each frame that left is a row. */
TEST(ladder_random_captures_keep_their_books)
{
	for (uint32_t seed = 1; seed <= 60; seed++) {
		struct ladder *l = ladder_new();
		uint32_t x = seed;
		double ms = 0;
		size_t sent = 0;
		for (int i = 0; i < 150; i++) {
			x = x * 1664525u + 1013904223u;
			uint32_t r = x >> 8;
			struct seg s = { r & 1 ? 'a' : 'b', ms, r & 0x70 ? 5 + (double)((r >> 8) % 20) : -1, (uint8_t)(r >> 4 & 0x1f), .seq = (r >> 3) % 3000,
					 .ack = (r >> 5) % 3000, .len = (r >> 2) % 200, .id = (uint16_t)(r >> 7), .wnd = (uint16_t)(r >> 6 & 3) };
			add_seg(l, &s, r & 2);
			ms += (r >> 10) % 4;
			sent++;
		}
		size_t rows = 0;
		for (size_t flow = 0; flow < ladder_flows(l); flow++) {
			struct lad_view *v = ladder_view(l, flow);
			ok(v);
			for (size_t i = 0; i < v->n; i++) {
				ok(v->rows[i].received >= v->rows[i].sent);
				ok(!i || v->rows[i].sent >= v->rows[i - 1].sent);
				rows += v->rows[i].has_sent && !(v->rows[i].marks & LAD_WIRE_DUP);
			}
			free(printed(v, &(struct lad_style){ .width = 90 }, false));
			free(printed(v, &(struct lad_style){ 0 }, true));
			lad_view_free(v);
		}
		eq(rows, sent);
		ladder_free(l);
	}
}
