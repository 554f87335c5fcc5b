/*
 * The same object in LD_PRELOAD: packetdrill's %{ }% blocks ask libc's getsockopt for TCP_INFO, TCP_CC_INFO and SO_MEMINFO
 * of our placeholders.  Ours are answered from the stack, all others go on to libc.  The plug-in is loaded twice then (once
 * preloaded, once by dlopen, which gives the same object), so pd_current is one.
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

__attribute__((visibility("default")))
int getsockopt(int fd, int level, int name, void *restrict val, socklen_t *restrict len)
{
	struct pd *pd = pd_current;
	if (!pd || fd < 0 || fd >= PD_MAX_FDS || pd->fds[fd].kind != PD_SOCK) {
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
