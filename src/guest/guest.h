#ifndef GUEST_GUEST_H
#define GUEST_GUEST_H
/*
 * Running an unmodified program as a guest of a host.  guest_run() starts it, answers its socket calls with the help of
 * the service, and returns when the program and all it started are gone.
 */
#include <stdbool.h>
#include <stddef.h>

struct guest_options {
	char *const *argv;	/* the program and its arguments, ended by NULL */
	int service;		/* a connection to the service, past HELLO; guest_run closes it */
	bool end_with_program;	/* when the program ends, end what it left behind instead of waiting for it */
	bool verbose;
};

enum {	/* how guest_run fails, beside the program's own exit status; as env(1), timeout(1) and the shell do */
	GUEST_FAILED = 125,	/* Outlet itself failed; a sentence went to stderr */
	GUEST_NO_EXEC = 126,	/* the program is there and cannot be executed */
	GUEST_NO_PROGRAM = 127,	/* there is no such program */
};

/** @return the program's exit status, 128 + n where signal n ended it, or one of the above */
int guest_run(const struct guest_options *opt);
/** True inside a guest: a thread can have one supervisor only, so a runner in a runner just becomes its program. */
bool guest_is_nested(void);
/** 0, or a negated errno and a sentence that says what is missing: this kernel cannot run guests. */
int guest_supported(char *sentence, size_t len);
/** Whether the program can be found, as execvp would: 0, GUEST_NO_EXEC or GUEST_NO_PROGRAM. */
int guest_find_program(const char *name);

#endif
