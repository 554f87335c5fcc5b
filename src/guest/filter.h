#ifndef GUEST_FILTER_H
#define GUEST_FILTER_H
/* The seccomp filter that catches a program's control calls; see filter.c for what it catches and why. */
#include <linux/filter.h>
#include <stdbool.h>

/** Builds the program.  @return 0, or a negated errno; *prog's instructions are from malloc and the caller's. */
int filter_build(struct sock_fprog *prog);
/**
 * Puts the filter on the calling thread and what it will become; sets NO_NEW_PRIVS.
 * @param killable  set where, once the runner has received a call, only death takes the thread away (Linux 5.19)
 * @return the notification descriptor (CLOEXEC); -EBUSY: this tree has a supervisor already; or another negated errno
 */
int filter_install(const struct sock_fprog *prog, bool *killable);
/** 0 where the kernel has what the filter needs, or a negated errno. */
int filter_supported(void);

#endif
