#ifndef FUZZ_TWINS_H
#define FUZZ_TWINS_H
/*
 * Two stacks born alike are told the same story: the same frames at the same time and the same calls.  One takes each frame of a
 * batch by itself (setting "gro" off), the other takes trains of segments together (net/gro.h).  Whatever
 * the story: the bytes read, the frames sent for each connection, what TCP_INFO says, every counter and the next deadline
 * must be the same.  A difference aborts.  The story is read from bytes, a fuzzer's or a random test's.
 */
#include <stddef.h>
#include <stdint.h>

/** Segments that were taken as the rest of a train, so that a test can tell that there were any. */
struct twins_sum { uint64_t frames, batches; };
struct twins_sum twins_run(const uint8_t *story, size_t len);

#endif
