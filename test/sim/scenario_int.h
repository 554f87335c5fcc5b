#ifndef SIM_SCENARIO_INT_H
#define SIM_SCENARIO_INT_H
/* What the files of scenarios share. */
#include "flow.h"

enum { SCENARIO_PORT = 61234 };		/* no protocol is known by it, so tshark dissects TCP and no more */
/** Runs until all flows are over, judges them, and waits until everything has come to rest.  Frees f. */
void scenario_finish(struct sim *s, struct flows *f, int hosts);
/** random.c: everything drawn. */
void scenario_random(struct sim *s);

#endif
