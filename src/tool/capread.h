#ifndef TOOL_CAPREAD_H
#define TOOL_CAPREAD_H
/* Captures as the tools read them: each frame with where it was seen and what its comment says.  Bytes come in pieces. */
#include <outlet/ol_capture.h>
#include "tool/ladder.h"

struct capread {
	struct ol_capture_reader *reader;
	uint64_t frames;
};
struct capread_frame {
	struct ol_capture_frame f;		/* borrows from the reader until the next call */
	struct ol_capture_note note;
	char host[64], iface[32];		/* "" unknown */
	enum ol_link link;
	bool readable;				/* its link type is one we know */
};
bool capread_open(struct capread *c);
void capread_close(struct capread *c);
/** 1 and *out; 0: feed more; -1: *why says what is wrong (a sentence's part). */
int capread_next(struct capread *c, struct capread_frame *out, const char **why);
/** The same as a ladder takes it; borrows from *f. */
struct lad_frame capread_lad(const struct capread_frame *f, char call[static 112]);

#endif
