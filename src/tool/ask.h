#ifndef TOOL_ASK_H
#define TOOL_ASK_H
/*
 * Asking a network's service, doc/SERVICE.md.  Whatever fails here has been told to the user in one sentence by the time a
 * function returns, so that callers only return TOOL_FAILED.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>
#include "tool/tool.h"

struct ask { const char *cmd; int fd; uint64_t id; uint8_t *buf; struct tool_net net; json_t *welcome; };

/** Connects; net_arg is --net's, or NULL.  spawn: start the service where none runs. */
bool ask_open(struct ask *a, const char *cmd, const char *net_arg, bool spawn);
void ask_close(struct ask *a);
/** Asks and waits.  question is taken (NULL: memory was short); the answer is the caller's.  NULL: it failed. */
json_t *ask_one(struct ask *a, json_t *question);
/** Puts a question whose answer is a stream; question is taken. */
bool ask_begin(struct ask *a, json_t *question);
/**
 * The stream's next piece; a->fd is readable.
 * @return 1 and *p, *len; 0: the stream is over and *end (the caller's) says what END said; -1: it failed
 */
int ask_next(struct ask *a, const uint8_t **p, size_t *len, json_t **end);

/* What an object holds, or a default: nobody's JSON is trusted. */
const char *js_text(const json_t *o, const char *key);		/* "" */
int64_t js_int(const json_t *o, const char *key);		/* 0; a real is rounded */
bool js_bool(const json_t *o, const char *key);			/* false */
/** Prints indented, with a newline at the end.  @return TOOL_OK, or TOOL_FAILED where stdout does not take it */
int js_print(const json_t *o);

#endif
