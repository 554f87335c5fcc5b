#ifndef TOOL_LADDER_H
#define TOOL_LADDER_H
/*
 * Ladders: a conversation of two ends as rungs between two rails, from frames captured at one end, at both, or anywhere
 * between.  A frame seen at several places is one flight; a flight becomes a row with the segment in words, both ends'
 * states, the calls that caused it, and what became of it.  Pure: frames go in, rows come out, text is the renderers'.
 *
 *	sightings --flows--> one conversation --flights--> rows --> terminal, SVG
 *	(ladder_add)         (ladder_flow.c)  (ladder_match.c)  (ladder_rows.c)
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <outlet/ol_addr.h>
#include <outlet/ol_stack.h>
#include <outlet/ol_time.h>

enum { LADDER_MAX_SIGHTINGS = 400000, LADDER_MAX_FLOWS = 4096 };	/* what is beyond is counted, not kept */

enum lad_side { LAD_LEFT, LAD_RIGHT };			/* left: who spoke first */
enum lad_way { LAD_WAY_UNKNOWN, LAD_WAY_OUT, LAD_WAY_IN };

/* One frame at one place.  Strings are copied; NULL and "" both mean: not known. */
struct lad_frame {
	ol_time time;
	const char *host, *iface;	/* where it was captured */
	enum lad_way way;		/* leaving that interface or coming in */
	enum ol_link link;
	const uint8_t *p; size_t cap, len;	/* bytes captured, and of the frame */
	const char *state;		/* of the connection at that host after it: "ESTABLISHED", "SYN-SENT -> ESTABLISHED" */
	const char *call;		/* the socket call that made it, or that it ended */
	const char *cause;		/* else what made it, as ol_cause_text says */
	const char *fate;		/* why the host dropped it */
	const char *wire;		/* what befell it on the wire */
	bool lost;			/* `wire` means that it never arrives */
	int64_t sock;			/* the socket it belongs to at that host, or -1 */
};
/* A socket call as such, for those that make no frame of their own (accept, recv) or several. */
struct lad_call { ol_time time; const char *host; int64_t sock; const char *text; };

struct ladder;
struct ladder *ladder_new(void);
void ladder_free(struct ladder *l);
/** Takes a copy of what matters; false: no memory.  Frames may come in any order. */
bool ladder_add(struct ladder *l, const struct lad_frame *f);
bool ladder_add_call(struct ladder *l, const struct lad_call *c);
/** Frames that did not fit any more. */
size_t ladder_dropped(const struct ladder *l);

struct lad_flow_info {
	const char *proto;		/* "TCP", "UDP", "ICMP", "ARP" ... */
	struct ol_endpoint end[2];	/* by lad_side */
	ol_time first, last;
	size_t sightings;
	uint64_t bytes[2];		/* of text sent by each end, as captured; repeats count again */
};
size_t ladder_flows(const struct ladder *l);
bool ladder_flow_info(const struct ladder *l, size_t flow, struct lad_flow_info *out);
/** The flow that most likely is meant: the first TCP connection with data, else without, else UDP or ICMP, else 0. */
size_t ladder_flow_best(const struct ladder *l);

enum lad_end { LAD_ARRIVED, LAD_LOST, LAD_DROPPED, LAD_UNDER_WAY, LAD_UNSEEN };	/* unseen: nobody looked at that end */
enum {					/* marks of a row */
	LAD_RETRANSMIT = 1, LAD_DUP_ACK = 2, LAD_ZERO_WINDOW = 4, LAD_RESET = 8, LAD_WIRE_DUP = 16, LAD_OUT_OF_ORDER = 32,
	LAD_PROBE = 64, LAD_CORRUPT = 128, LAD_ICMP_ERROR = 256,
};
enum { LAD_TEXT = 192, LAD_STATE = 16, LAD_CALL_TEXT = 64 };

struct lad_row {
	bool is_call;			/* only call[from] and sent count */
	enum lad_side from;
	bool has_sent, has_received;
	ol_time sent, received;		/* since the first of the flow */
	enum lad_end end;
	unsigned marks;
	uint32_t text_len;
	char text[LAD_TEXT];		/* "PSH ACK seq 1 len 78 ack 1" */
	char extra[LAD_TEXT];		/* " win 64240 mss 1460": may be left out where room is short */
	char note[LAD_TEXT];		/* why it is as it is; "" most of the time */
	char state[2][LAD_STATE];	/* by side, after this row; "" where it did not change or is not known */
	char call[2][LAD_CALL_TEXT];
};
struct lad_view {
	const char *proto;
	struct ol_endpoint end[2];
	char name[2][64];		/* host names; "" unknown */
	struct lad_row *rows; size_t n;
	ol_time span;			/* from the first to the last */
	bool states_inferred;		/* the frames carried no states: they were followed by the RFC's diagram */
	bool has_calls;
	size_t lost, retransmitted;
	uint64_t bytes[2];		/* of text delivered or at least sent, each once, by sender */
};
/** The rows of one flow; NULL: no memory or no such flow.  At most max_rows (0: all); the rest is left out at the end. */
struct lad_view *ladder_view(const struct ladder *l, size_t flow);
void lad_view_free(struct lad_view *v);

struct lad_style {
	unsigned width;			/* columns; 0: 100 */
	bool colour;			/* escape sequences */
	bool ascii;			/* no box drawing */
	size_t max_rows;		/* longer ladders are shortened in the middle, and say so; 0: no limit */
};
/** Draws in text.  Returns false where writing failed. */
bool ladder_print(const struct lad_view *v, const struct lad_style *style, FILE *out);
/*
 * Row by row, while the conversation goes on: each call draws the rows that are settled by `now` (since the flow's first
 * frame) and not drawn yet, and at the end all the rest and the sum.  Columns are fixed by the first call.
 */
struct lad_live;
struct lad_live *ladder_live_new(const struct lad_style *style, FILE *out);
void ladder_live_free(struct lad_live *live);
/** False: max_rows are drawn; whoever shows more shortens it, which can be done only at the end. */
bool ladder_live_rows(struct lad_live *live, const struct lad_view *v, ol_time now, bool end);
size_t ladder_live_shown(const struct lad_live *live);
/** Draws as one self-contained SVG, for light and dark backgrounds. */
bool ladder_svg(const struct lad_view *v, const struct lad_style *style, FILE *out);

#endif
