#ifndef GUEST_TASK_H
#define GUEST_TASK_H
/* Reaching into a guest's thread that stands still in a caught call: its memory, its descriptors, its process. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

enum { TASK_SLOTS = 256 };
struct task_slot { pid_t tid, tgid; int pidfd; };	/* tid 0: empty */
struct task_cache { struct task_slot slot[TASK_SLOTS]; bool thread_pidfds; };

void task_cache_init(struct task_cache *tc);
void task_cache_fini(struct task_cache *tc);
/** A duplicate (CLOEXEC) of descriptor fd of thread tid.  @return it, or -EBADF, -EPERM, -ESRCH, -EMFILE. */
int task_getfd(struct task_cache *tc, pid_t tid, int fd);
/** A descriptor that becomes readable when the thread is gone; the caller's.  Or a negated errno. */
int task_watch(struct task_cache *tc, pid_t tid);
/** The process of a thread; the thread's own number where that cannot be learnt. */
pid_t task_tgid(struct task_cache *tc, pid_t tid);
/** Does a signal wait that this thread is to handle?  False also where that cannot be told for sure. */
bool task_has_signal(pid_t tid);
int task_signal(struct task_cache *tc, pid_t tid, int sig);

/** Copies exactly len bytes.  @return 0 or -EFAULT */
int task_read(pid_t tid, void *buf, uint64_t addr, size_t len);
int task_write(pid_t tid, uint64_t addr, const void *buf, size_t len);
/** Gathers from, or scatters to, the guest's ranges, leaving out the first `skip` bytes.  @return bytes, or -EFAULT */
ssize_t task_gather(pid_t tid, void *buf, size_t len, const struct iovec *iov, size_t n_iov, size_t skip);
ssize_t task_scatter(pid_t tid, const struct iovec *iov, size_t n_iov, const void *buf, size_t len);

#endif
