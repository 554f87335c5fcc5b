/*
 * When memory ends: whichever allocation of a call is the one that fails, the call says so, nothing is lost or half done, and with
 * memory it works.  The linker hands us malloc, calloc and realloc (--wrap), and we let the n-th fail.
 */
#include <errno.h>
#include <stdlib.h>
#include "pair.h"
#include "unit.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

static long left = -1;				/* allocations that still work; -1: all */
static int failed;
static int ends(void)
{
	if (left < 0 || left-- > 0)
		return 0;
	left = 0;				/* and none after it */
	failed++;
	return 1;
}
void *__wrap_malloc(size_t n) { return ends() ? NULL : __real_malloc(n); }
void *__wrap_calloc(size_t n, size_t size) { return ends() ? NULL : __real_calloc(n, size); }
void *__wrap_realloc(void *p, size_t n) { return ends() ? NULL : __real_realloc(p, n); }

/* Calls with 0, 1, 2, ... allocations until no more are wanted; each that fell short must have said ENOBUFS or ENOMEM. */
#define until_it_works(call) do { \
	long got_ = -1; \
	for (long n_ = 0; n_ < 50 && got_ < 0; n_++) { \
		left = n_; \
		got_ = (call); \
		left = -1; \
		if (got_ < 0) \
			ok(got_ == -ENOBUFS || got_ == -ENOMEM); \
	} \
	ok(got_ >= 0); \
} while (0)

/* req: POSIX-bind-ENOBUFS, POSIX-accept-ENOBUFS, POSIX-accept-ENOMEM */
TEST(memory_that_ends_is_told_and_nothing_is_lost)
{
	struct pair *p = pair_new(NULL);
	struct sockaddr_in at = in4("10.0.0.2", 80), peer;
	ol_sock l = -1, u = -1, c = ol_socket(A(p), AF_INET, SOCK_STREAM, 0, p->now), a = -1;
	until_it_works(l = ol_socket(B(p), AF_INET, SOCK_STREAM, 0, p->now));
	failed = 0;
	until_it_works(ol_bind(B(p), l, SA(at), p->now));
	ok(failed);
	until_it_works(ol_listen(B(p), l, 5, p->now));
	until_it_works(u = ol_socket(B(p), AF_INET, SOCK_DGRAM, 0, p->now));
	until_it_works(ol_bind(B(p), u, SA(at), p->now));
	eq(ol_connect(A(p), c, SA(at), p->now), -EINPROGRESS);
	pair_run(p, 100);
	failed = 0;
	socklen_t len = sizeof peer;
	until_it_works(a = ol_accept(B(p), l, (struct sockaddr *)&peer, &len, p->now));
	ok(failed);
	eq(ol_send(A(p), c, "still", 5, 0, p->now), 5);		/* the connection waited for it */
	pair_run(p, 100);
	char got[8];
	eq(ol_recv(B(p), a, got, sizeof got, 0, p->now), 5);
	pair_free(p);
}
