/* Trains of segments: whatever comes in whatever batches, nobody can tell that they were taken together (twins.h). */
#include "twins.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	twins_run(data, size);
	return 0;
}
