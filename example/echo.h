#ifndef EXAMPLE_ECHO_H
#define EXAMPLE_ECHO_H
/* An echo server and an echo client as a program that embeds a stack would write them: told by events, never waiting. */
#include <netinet/in.h>
#include <outlet/ol_sock.h>

/** Listens on the port, both families.  Returns the listener or a negated errno. */
ol_sock echo_server_start(struct ol_stack *stk, uint16_t port, ol_time now);
/** Something changed on one of the server's sockets: the listener's, or a connection's.  Closes what is over. */
void echo_server_event(struct ol_stack *stk, ol_sock listener, const struct ol_event *ev, ol_time now);

struct echo_client { ol_sock sock; size_t sent, got, total; bool failed, done; };
/** Connects; will send `total` bytes, expect them back, and close.  Returns 0 or a negated errno. */
int echo_client_start(struct echo_client *c, struct ol_stack *stk, const struct sockaddr *to, socklen_t len, size_t total, ol_time now);
void echo_client_event(struct echo_client *c, struct ol_stack *stk, ol_time now);

#endif
