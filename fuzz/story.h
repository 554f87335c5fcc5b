#ifndef FUZZ_STORY_H
#define FUZZ_STORY_H
/* An input read as a story: bytes, one after the other, and zeros when it has ended. */
#include <stddef.h>
#include <stdint.h>

struct story { const uint8_t *p; size_t left; };

static inline uint8_t byte(struct story *s)
{
	if (!s->left)
		return 0;
	s->left--;
	return *s->p++;
}

#endif
