#ifndef TEST_TRANSPORT_LADDER_TEXT_H
#define TEST_TRANSPORT_LADDER_TEXT_H
/* The ladder's notation (tcp_ladder.h).  Numbers count from each side's SYN. */
#include "unit.h"
#include <outlet/ol_pkt.h>
#include <outlet/ol_addr.h>

enum { LADDER_LINE = 256, SHOWN_LEN = LADDER_LINE + 100 };
#define PEER_ISS 1000000u

/* What is learnt from segments that came out, and goes into those of the peer. */
struct numbers {
	bool iss_known;
	uint32_t iss, last_ts;
	uint8_t cookie[16], cookie_len;			/* the last we sent */
};

struct shown {				/* a segment in the notation's numbers */
	char flags[10];
	uint32_t from, to, len, ack, win, urg;
	bool ack_ok, win_ok, urg_ok, opt_ok;
	char opt[LADDER_LINE];
};

/** The flags of a word such as "SEWA"; *ae: RFC 9768's AE. */
uint8_t ladder_flags(const char *s, bool *ae);
/** "P. 1:11(10) ack 1 <nop,nop>"; what is not there is not ok in *x. */
void ladder_read(const char *text, struct shown *x);
/** The options that a text names, with no-operations to whole words: how many bytes, 40 at most. */
size_t ladder_options(struct numbers *num, uint8_t *o, const char *text);
/** A packet of TCP that came out, after its header and checksum were looked at; `text` has SHOWN_LEN bytes. */
void ladder_show(struct numbers *num, const struct ol_pkt *p, const struct ol_addr *src, const struct ol_addr *dst, struct shown *x, char *text);
/** Why a segment that came is not the one wanted; NULL: it is. */
const char *ladder_differ(const struct shown *w, struct shown *g);

#endif
