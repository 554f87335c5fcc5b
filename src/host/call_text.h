#ifndef HOST_CALL_TEXT_H
#define HOST_CALL_TEXT_H
/* Calls of guests in words. */
#include <stdbool.h>
#include <stddef.h>
struct call;
struct gsock;
struct vhost;
struct ol_endpoint;
struct ol_note;
struct ipc_bytes;

#define CALL_TEXT_LEN 80

/** What stands between the parentheses: "web:80". */
void call_args(const struct call *c, char *buf, size_t len);
/**
 * The call that made a frame: "send(1460)".  gs: whose, or NULL.  False: no call did, and nothing is written.
 */
bool call_behind(struct vhost *h, const struct gsock *gs, const struct ol_note *note, char *buf, size_t len);
/** The address of a call; false: of another family. */
bool call_endpoint(const struct ipc_bytes *name, struct ol_endpoint *e);

#endif
