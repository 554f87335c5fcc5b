#ifndef BASE_IOV_H
#define BASE_IOV_H
/* Text in pieces, as readv and writev have it. */
#include <stddef.h>
#include <sys/uio.h>

/** Bytes of all n pieces. */
static inline size_t iov_sum(const struct iovec *iov, int n)
{
	size_t sum = 0;
	for (int i = 0; i < n; i++)
		sum += iov[i].iov_len;
	return sum;
}

#endif
