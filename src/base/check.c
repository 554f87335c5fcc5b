/* The one way out when a belief of ours turns out wrong.  stderr is the only thing of the world this floor touches. */
#include "base/check.h"
#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *fact, const char *file, int line)
{
	fprintf(stderr, "outlet: a belief was wrong at %s:%d: %s\n", file, line, fact);
	abort();
}
