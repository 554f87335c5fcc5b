/* The scoreboard, against a model that keeps each byte (boards.h). */
#include "boards.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	boards_run(data, size);
	return 0;
}
