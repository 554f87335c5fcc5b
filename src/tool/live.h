#ifndef TOOL_LIVE_H
#define TOOL_LIVE_H
/*
 * Watching a network until enough was seen: streams of the service, a program started meanwhile, the user's Ctrl-C, a time.
 * Used by capture, ladder and ping.
 */
#include <stdbool.h>
#include <sys/types.h>
#include "tool/ask.h"

enum { LIVE_MAX_STREAMS = 2 };

/* A piece of a stream.  False ends the watching. */
typedef bool live_piece(void *ctx, const uint8_t *p, size_t len);
struct live_stream { struct ask *ask; live_piece *piece; void *ctx; json_t *end; bool over; };
struct live {
	const char *cmd;
	struct live_stream stream[LIVE_MAX_STREAMS]; unsigned n;
	double seconds;			/* 0: no limit */
	double settle;			/* seconds that the streams go on after the program's end */
	void (*tick)(void *ctx);	/* about every fifth of a second; may be NULL */
	void *tick_ctx;
	char **program;			/* NULL-terminated argv, or NULL */
	int status;			/* of the program, as a shell counts: 128 and the signal; 0 without one */
	bool interrupted;		/* by SIGINT or SIGTERM */
};
/**
 * Runs until a stream ends or wants no more, the time is over, the program has ended or a signal came.  The streams' questions
 * have been put.  False: something failed and was told.
 */
bool live_run(struct live *l);

#endif
