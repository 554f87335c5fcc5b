#ifndef TAP_PEER_H
#define TAP_PEER_H
/* The kernel's side: a child process with ordinary sockets, in the same network namespace. */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "netns.h"

#define KERNEL_ADDR "10.9.0.1"
#define OUR_ADDR "10.9.0.2"

struct sums { uint8_t sent[32], got[32]; uint64_t n_sent, n_got; uint32_t conns; int32_t err; };
struct peer { pid_t pid; int result; };
/** A stream of `bytes` both ways on one connection: made (to us) or taken by the kernel. */
struct peer peer_stream(bool active, uint16_t port, uint64_t bytes);
/** So many connections one after the other, `at_once` under way; on each a byte there and back.  The active side closes first. */
struct peer peer_conns(bool active, uint16_t port, unsigned n, unsigned at_once);
/** Has it reported?  True: *s is filled and the child is gone. */
bool peer_done(struct peer *p, struct sums *s);
void peer_kill(struct peer *p);

/** What both sides send: the bytes at a place of a stream. */
const uint8_t *pattern(uint64_t at, uint64_t *run);
#endif
