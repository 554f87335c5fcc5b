#ifndef FUZZ_BOARDS_H
#define FUZZ_BOARDS_H
/*
 * The scoreboard against a model that keeps a few words for each byte and does everything the slow way: sending, ACKs, SACKs
 * (aligned or not, beyond what was sent, upside down), DSACKs, losses, resending, reneging, as a story of bytes tells, a
 * fuzzer's or a random test's.  After each step every byte must be known for what it is.  A difference aborts.
 */
#include <stddef.h>
#include <stdint.h>

void boards_run(const uint8_t *story, size_t len);

#endif
