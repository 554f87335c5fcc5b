#ifndef TOOL_ERRORS_H
#define TOOL_ERRORS_H
/*
 * What socket errors mean, in words.  One table for both worlds: errno values with their Winsock twins, the answers of
 * getaddrinfo (EAI_*), and the Winsock codes that have no errno.  Pure: no I/O, no globals that change.
 */
#include <stdbool.h>
#include <stddef.h>

enum error_kind {
	ERROR_ERRNO,			/* <errno.h> */
	ERROR_EAI,			/* getaddrinfo, <netdb.h> */
	ERROR_WSA,			/* Winsock only */
};

struct error_entry {
	enum error_kind kind;
	int code;			/* errno or EAI_* value here; of ERROR_WSA: the Winsock code */
	const char *name;		/* "ECONNRESET" */
	const char *alias;		/* another name of the same number, or NULL: "EWOULDBLOCK" */
	int wsa;			/* Winsock code, 0: has none */
	const char *wsa_name;		/* "WSAECONNRESET", or NULL */
	const char *means;		/* a sentence */
	const char *causes[6];		/* the usual ones, the likeliest first; NULL ends */
	const char *advice;		/* what to do */
	const char *differs;		/* where the two worlds disagree, or NULL */
};

/** The i-th entry from 0 on; NULL past the last. */
const struct error_entry *error_at(size_t i);
/** The entry of an errno value (a negated one is taken as well), or NULL. */
const struct error_entry *error_by_errno(int err);
/** The entry of a getaddrinfo result, or NULL. */
const struct error_entry *error_by_eai(int err);
/** The entry of a Winsock code, or NULL.  Where two errnos share a code, the one that Winsock means. */
const struct error_entry *error_by_wsa(int code);
/** By any name or number as a person types it: "econnreset", "104", "10054", "WSAECONNRESET", "-2", "HOST_NOT_FOUND". */
const struct error_entry *error_find(const char *text);
/**
 * The entry whose name is nearest to a mistyped one; NULL where none is near.
 */
const struct error_entry *error_nearest(const char *text);
/**
 * One line for the end of an error message: "ECONNREFUSED: nobody listens on that address and port".  Of an unknown
 * number: what strerror says.  buf is the caller's; returns buf.
 */
char *error_hint(int err, char *buf, size_t len);

#endif
