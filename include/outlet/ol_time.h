#ifndef OUTLET_OL_TIME_H
#define OUTLET_OL_TIME_H
/*
 * Time as the stack knows it: signed nanoseconds on the caller's monotonic clock.  The stack never asks a clock;
 * every call that needs the time is handed it as `now`, and `now` never goes back.  We keep deadlines, not countdowns.
 */
#include <stdint.h>

typedef int64_t ol_time;

#define OL_NEVER INT64_MAX			/* a deadline that does not come */
#define OL_US	 INT64_C(1000)
#define OL_MS	 INT64_C(1000000)
#define OL_SEC	 INT64_C(1000000000)

#endif
