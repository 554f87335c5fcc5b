#ifndef SIM_JOBS_H
#define SIM_JOBS_H
/*
 * Many runs in several processes.  A run that goes wrong takes only its process with it: another goes on with the next seed, and in the
 * end the parent knows how many went wrong.
 */
#include <stdint.h>
#include "scenario.h"

struct jobs {
	uint64_t seed, runs;			/* seeds follow each other */
	unsigned jobs;
	const char *name;			/* for the line that says how far it is */
	/** Runs one seed; does not return when it went wrong. */
	struct scenario_result (*run)(void *ctx, uint64_t seed);
	void *ctx;
};
struct jobs_sum { struct scenario_result sum; uint64_t done, failed; };
/** Every ten seconds a line to stderr says how far it is.  Stops after 20 failures. */
struct jobs_sum jobs_run(const struct jobs *j);

#endif
