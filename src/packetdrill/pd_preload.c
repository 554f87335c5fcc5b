/*
 * The same object in LD_PRELOAD: packetdrill's %{ }% blocks ask libc's getsockopt for TCP_INFO, TCP_CC_INFO and SO_MEMINFO
 * of our placeholders, and a script's sendfile() is libc's, too.  Ours are answered from the stack, all others go on to
 * libc.  The plug-in is loaded twice then (once preloaded, once by dlopen, which gives the same object), so pd_current is
 * one.
 */
#include "pd.h"
#include "pd_if.h"
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#ifndef TCP_CC_INFO
#define TCP_CC_INFO 26
#endif
#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif
enum { SK_MEMINFO_RCVBUF = 1, SK_MEMINFO_SNDBUF = 3, SK_MEMINFO_VARS = 9 };	/* Linux's struct of 32-bit words */

static int meminfo(struct pd *pd, ol_sock s, void *val, socklen_t *len)
{
	uint32_t v[SK_MEMINFO_VARS] = { 0 };
	socklen_t n = sizeof v[0];
	ol_getsockopt(pd->stk, s, SOL_SOCKET, SO_RCVBUF, &v[SK_MEMINFO_RCVBUF], &n, pd->now);
	n = sizeof v[0];
	ol_getsockopt(pd->stk, s, SOL_SOCKET, SO_SNDBUF, &v[SK_MEMINFO_SNDBUF], &n, pd->now);
	*len = *len < sizeof v ? *len : (socklen_t)sizeof v;
	memcpy(val, v, *len);
	return 0;
}

static bool is_ours(const struct pd *pd, int fd)
{
	return pd && fd >= 0 && fd < PD_MAX_FDS && pd->fds[fd].kind == PD_SOCK;
}

__attribute__((visibility("default")))
int getsockopt(int fd, int level, int name, void *restrict val, socklen_t *restrict len)
{
	struct pd *pd = pd_current;
	if (!is_ours(pd, fd)) {
		int (*next)(int, int, int, void *, socklen_t *);
		*(void **)&next = dlsym(RTLD_NEXT, "getsockopt");
		return next(fd, level, name, val, len);
	}
	pd_lock(pd);
	int r;
	if (level == IPPROTO_TCP && name == TCP_CC_INFO) {
		*len = 0;
		r = 0;
	} else if (level == SOL_SOCKET && name == SO_MEMINFO)
		r = meminfo(pd, pd->fds[fd].sock, val, len);
	else
		r = ol_getsockopt(pd->stk, pd->fds[fd].sock, level, name, val, len, pd->now);
	pd_unlock(pd);
	return (int)pd_ret(r);
}

/* Two names in libc, by the width of off_t that a program was compiled for: here both are 64 bits wide. */
#ifdef __LP64__
__attribute__((visibility("default"))) ssize_t pd_preload_sendfile(int, int, off_t *, size_t) __asm__("sendfile");
ssize_t pd_preload_sendfile(int fd, int in, off_t *offset, size_t count)
{
	struct pd *pd = pd_current;
	if (!is_ours(pd, fd)) {
		ssize_t (*next)(int, int, off_t *, size_t);
		*(void **)&next = dlsym(RTLD_NEXT, "sendfile");
		return next(fd, in, offset, count);
	}
	return pd_sendfile(pd, fd, in, offset, count);
}

__attribute__((visibility("default"))) ssize_t pd_preload_sendfile64(int, int, off_t *, size_t) __asm__("sendfile64");
ssize_t pd_preload_sendfile64(int fd, int in, off_t *offset, size_t count)
{
	return pd_preload_sendfile(fd, in, offset, count);
}
#endif
