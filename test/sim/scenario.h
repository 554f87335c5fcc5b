#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H
/* The scenarios, by name.  Each builds a network from the seed, runs it, and asserts what must hold. */
#include "sim.h"

struct scenario {
	const char *name, *about;
	void (*run)(struct sim *s);
};
/** By number from 0 on; NULL past the last. */
const struct scenario *scenario_get(unsigned i);
const struct scenario *scenario_find(const char *name);

struct scenario_result { uint64_t bytes, flows, broken; ol_time took; };
/** Runs it from its seed; a capture goes to the sink (NULL: none). */
struct scenario_result scenario_run(const struct scenario *sc, uint64_t seed, ol_capture_sink *capture, void *ctx);

#endif
