#ifndef SCRIPT_LEX_H
#define SCRIPT_LEX_H
/* The tokens of a script, and what its parsers share: errors and memory. */
#include "script.h"

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_INT, TOKEN_FLOAT, TOKEN_STRING, TOKEN_COMMAND, TOKEN_CODE, TOKEN_ELLIPSIS, TOKEN_MARK };
struct token {
	enum token_kind kind;
	int line;
	struct script_text text;		/* strings, commands and code without their marks */
	int64_t num;				/* TOKEN_INT */
	ol_time time;				/* TOKEN_INT and TOKEN_FLOAT, seconds in ns */
	bool negative;
	char mark;				/* TOKEN_MARK: the character */
};

struct parser {
	struct script *s;
	const char *p, *end;
	const char *last_end;			/* where the token before the one looked at ended */
	int line;
	struct token t;				/* the one looked at */
	bool failed;
};

void lex_start(struct parser *ps, struct script *s, const char *text, size_t len);
/** Goes on to the next token; at an error, and for good then, it is TOKEN_END. */
void lex_next(struct parser *ps);
/** Notes the first error, at this line.  Returns false. */
bool parse_fail(struct parser *ps, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/** Fails with "WHAT is expected, not TOKEN". */
bool parse_expected(struct parser *ps, const char *what);
/** Is the token this mark, this word?  take_*: and if so, step over it. */
bool is_mark(const struct parser *ps, char c);
bool is_word(const struct parser *ps, const char *w);
bool take_mark(struct parser *ps, char c);
bool take_word(struct parser *ps, const char *w);
bool need_mark(struct parser *ps, char c);
/** A whole number in [lo, hi] called `what`. */
bool need_int(struct parser *ps, const char *what, int64_t lo, int64_t hi, int64_t *v);
bool text_is(struct script_text t, const char *s);

/** Memory of the script's, zeroed; NULL with an error noted when there is none. */
void *arena_alloc(struct parser *ps, size_t size);

/** expr.c: an expression; NULL and an error noted where it is none. */
struct expr *parse_expr(struct parser *ps, int depth);
/** parse_seg.c: after its time: "< S 0:0(0) win 65535 <mss 1460>" or "< icmp unreachable ...". */
bool parse_seg(struct parser *ps, struct script_seg *g);
/** names.c: the value of a word like SOL_SOCKET. */
bool name_value(struct script_text t, int64_t *v);
/** names.c: an errno as text; of numbers without a name the number, in buf. */
const char *errno_name(int err, char buf[16]);

#endif
