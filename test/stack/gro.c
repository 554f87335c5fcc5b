/*
 * Trains of segments, from the stack's doors: random stories, the same to a stack that takes frames one by one and to one that takes
 * them in batches (fuzz/twins.h).  GRO_SEED and GRO_RUNS choose others; a failing one says its seed.
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/rng.h"
#include "twins.h"
#include "unit.h"

enum { STORY = 600 };

static char rerun[100];
static void say_rerun(int sig)
{
	ssize_t ignored = write(STDERR_FILENO, rerun, strlen(rerun));
	(void)ignored;
	signal(sig, SIG_DFL);
	raise(sig);
}

static uint64_t number(const char *name, uint64_t otherwise)
{
	const char *s = getenv(name);
	return s ? strtoull(s, NULL, 0) : otherwise;
}

/* Random bytes, three in four of them steps that send text, so that there are trains to be taken and torn. */
static struct twins_sum story(uint64_t seed)
{
	uint8_t b[STORY];
	struct rng r;
	rng_init(&r, seed);
	snprintf(rerun, sizeof rerun, "rerun: GRO_RUNS=1 GRO_SEED=0x%llx test_stack_gro\n", (unsigned long long)seed);
	for (size_t i = 0; i < sizeof b; i++)
		b[i] = (uint8_t)(rng_below(&r, 4) ? rng_below(&r, 2) << 6 | rng_below(&r, 8) << 2 | rng_below(&r, 4) : rng_below(&r, 256));
	return twins_run(b, sizeof b);
}

TEST(random_stories_end_alike_with_trains_and_without)
{
	signal(SIGABRT, say_rerun);
	uint64_t first = number("GRO_SEED", 1), runs = number("GRO_RUNS", 150), frames = 0;
	for (uint64_t i = 0; i < runs; i++)
		frames += story(first + i).frames;
	ok(frames > runs * STORY / 2);
}

/* Steps of a story: fuzz/twins.c.  All of the first connection, in segments of 1448 bytes. */
enum { ONE = 4 << 2, TRAIN = 0, AGAIN = 6 << 2, ODD = 11 << 2, END = 12 << 2, TELL = 15 << 2 };
enum { TRAIN_OF_FOUR = 3, THE_LAST = 1, OLDER_TS = 9 | 5 << 4, WINDOW = 10 | 3 << 4, CE = 3 << 4, ECT0 = 2 << 4, COUNT = 11 };

/*
 * The first of a train may be refused, and the rest be just what is expected next: then nothing that the first said counts, and
 * its ACK, window and timestamps are the second's to say.
 */
TEST(rest_of_a_train_does_not_believe_a_refused_head)
{
	static const uint8_t old_timestamps[] = { 0, ONE, END, ODD, OLDER_TS, AGAIN, THE_LAST, TRAIN, TRAIN_OF_FOUR, END };
	static const uint8_t new_window[] = { 0, ONE, END, ODD, WINDOW, AGAIN, THE_LAST, TRAIN, TRAIN_OF_FOUR, END, TELL, 200, END };
	eq(twins_run(old_timestamps, sizeof old_timestamps).frames, 3 * 2 + 6);
	eq(twins_run(new_window, sizeof new_window).frames, 3 * 2 + 6);
}

TEST(marked_trains_are_told_as_often_as_they_were_marked)
{
	static const uint8_t marked[] = { 16, TRAIN, 15, TRAIN, 15, END, ODD, CE, TRAIN, TRAIN_OF_FOUR, END };	/* quick ACKs are spent */
	eq(twins_run(marked, sizeof marked).frames, 3 * 2 + 36);
}

/* RFC 9768: marks are counted, the bytes of each marking too, and a count that changes within a batch is read where it does. */
TEST(counted_trains_count_alike)
{
	static const uint8_t counted[] = {
		32, TRAIN, 15, TRAIN, 15, END, TELL, 200, ODD, ECT0, TRAIN, 15, ODD, COUNT | 7 << 4, TRAIN, 15, END,
		ODD, CE, TRAIN, TRAIN_OF_FOUR, ODD, COUNT | 0 << 4, TRAIN, 15, ODD, COUNT | 5 << 4, TRAIN, 15, END, TELL, 100, END,
	};
	eq(twins_run(counted, sizeof counted).frames, 3 * 2 + 6 * 16 + 4);
}
