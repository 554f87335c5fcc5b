#ifndef FUZZ_MUST_H
#define FUZZ_MUST_H
/* A target's own claims about what it drives: where one does not hold, the run ends there and says which. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define must(fact) \
	((fact) ? (void)0 : (fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #fact), abort()))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
