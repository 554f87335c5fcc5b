/*
 * Reaching into a guest's thread.  A pidfd is kept per thread, since opening one per call costs as much as the call: a
 * thread's pidfd (Linux 6.9) never comes to mean another thread, so a kept one is either right or says ESRCH and is
 * opened again.  Before 6.9 a pidfd is of a process and a thread's number may be handed on to another process, so it
 * is not kept.  Descriptors are never remembered by number: a program may close and reopen one between two calls.
 */
#include "guest/task.h"
#include "base/check.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PIDFD_THREAD_FLAG O_EXCL
/* PIDFD_GET_INFO, Linux 6.13: the first version of its argument. */
struct pidfd_info_v0 {
	uint64_t mask, cgroupid;
	uint32_t pid, tgid, ppid, ids[8], exit_code;
};
#define PIDFD_GET_INFO_V0 _IOWR(0xff, 11, struct pidfd_info_v0)
static_assert(sizeof(struct pidfd_info_v0) == 64, "as the kernel's");

static int pidfd_open_(pid_t pid, unsigned flags) { return (int)syscall(SYS_pidfd_open, pid, flags); }

void task_cache_init(struct task_cache *tc)
{
	*tc = (struct task_cache){ 0 };
	int fd = pidfd_open_(getpid(), PIDFD_THREAD_FLAG);
	tc->thread_pidfds = fd >= 0;
	if (fd >= 0)
		close(fd);
}

static void slot_clear(struct task_slot *s)
{
	if (s->tid)
		close(s->pidfd);
	*s = (struct task_slot){ 0 };
}

void task_cache_fini(struct task_cache *tc)
{
	for (size_t i = 0; i < TASK_SLOTS; i++)
		slot_clear(&tc->slot[i]);
}

static bool read_status(pid_t tid, char *buf, size_t len)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/status", (int)tid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, buf, len - 1);
	close(fd);
	buf[MAX(n, (ssize_t)0)] = 0;
	return n > 0;
}

/* A field's number; name as "\nTgid:". */
static uint64_t status_field(const char *status, const char *name, int base)
{
	const char *p = strstr(status, name);
	return p ? strtoull(p + strlen(name), NULL, base) : 0;
}

static pid_t tgid_from_proc(pid_t tid)
{
	char status[4096];
	pid_t tgid = read_status(tid, status, sizeof status) ? (pid_t)status_field(status, "\nTgid:", 10) : 0;
	return tgid > 0 ? tgid : -ESRCH;
}

/* A stop of the whole process (Ctrl-Z) is complete only when this thread has stopped, too. */
static bool others_stopped(pid_t leader)
{
	char status[4096];
	return read_status(leader, status, sizeof status) && strstr(status, "\nState:\tT");
}

/*
 * Its own signals are its to handle.  Those of the process go to the leader when it does not block them (the kernel
 * looks there first); which of the other threads else is not to be seen, so nothing is claimed for them.
 */
bool task_has_signal(pid_t tid)
{
	char status[4096];
	if (!read_status(tid, status, sizeof status))
		return false;
	uint64_t pending = status_field(status, "\nSigPnd:", 16);
	pid_t leader = (pid_t)status_field(status, "\nTgid:", 10);
	if (leader == tid)
		pending |= status_field(status, "\nShdPnd:", 16);
	else if (leader > 0 && others_stopped(leader))
		return true;
	return pending & ~status_field(status, "\nSigBlk:", 16);
}

static int open_for(const struct task_cache *tc, pid_t tid)
{
	if (tc->thread_pidfds) {
		int fd = pidfd_open_(tid, PIDFD_THREAD_FLAG);
		return fd < 0 ? -errno : fd;
	}
	pid_t tgid = tgid_from_proc(tid);
	if (tgid < 0)
		return tgid;
	int fd = pidfd_open_(tgid, 0);
	return fd < 0 ? -errno : fd;
}

static int slot_for(struct task_cache *tc, pid_t tid, struct task_slot **out)
{
	struct task_slot *s = &tc->slot[(unsigned)tid % TASK_SLOTS];
	if (s->tid != tid || !tc->thread_pidfds) {
		int fd = open_for(tc, tid);
		if (fd < 0)
			return fd;
		slot_clear(s);
		*s = (struct task_slot){ .tid = tid, .pidfd = fd };
	}
	*out = s;
	return 0;
}

int task_getfd(struct task_cache *tc, pid_t tid, int fd)
{
	for (int tries = 0; tries < 2; tries++) {
		struct task_slot *s;
		int err = slot_for(tc, tid, &s);
		if (err)
			return err;
		int dup = (int)syscall(SYS_pidfd_getfd, s->pidfd, fd, 0);
		if (dup >= 0)
			return dup;
		if (errno != ESRCH)
			return -errno;
		slot_clear(s);		/* it was of a thread that is gone */
	}
	return -ESRCH;
}

int task_watch(struct task_cache *tc, pid_t tid)
{
	struct task_slot *s;
	int err = slot_for(tc, tid, &s);
	if (err)
		return err;
	int fd = fcntl(s->pidfd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

pid_t task_tgid(struct task_cache *tc, pid_t tid)
{
	struct task_slot *s;
	if (slot_for(tc, tid, &s))
		return tid;
	if (!s->tgid) {
		struct pidfd_info_v0 info = { .mask = 1 };
		if (ioctl(s->pidfd, PIDFD_GET_INFO_V0, &info) == 0) {
			s->tgid = (pid_t)info.tgid;
		} else {
			pid_t tgid = errno == ESRCH ? -ESRCH : tgid_from_proc(tid);
			if (tgid < 0) {
				slot_clear(s);
				return tid;
			}
			s->tgid = tgid;
		}
	}
	return s->tgid;
}

int task_signal(struct task_cache *tc, pid_t tid, int sig)
{
	struct task_slot *s;
	int err = slot_for(tc, tid, &s);
	if (err)
		return err;
	return syscall(SYS_pidfd_send_signal, s->pidfd, sig, NULL, 0) < 0 ? -errno : 0;
}

int task_read(pid_t tid, void *buf, uint64_t addr, size_t len)
{
	struct iovec here = { buf, len }, there = { (void *)(uintptr_t)addr, len };
	return process_vm_readv(tid, &here, 1, &there, 1, 0) == (ssize_t)len ? 0 : -EFAULT;
}

int task_write(pid_t tid, uint64_t addr, const void *buf, size_t len)
{
	struct iovec here = { (void *)(uintptr_t)buf, len }, there = { (void *)(uintptr_t)addr, len };
	if (!len)
		return 0;
	return process_vm_writev(tid, &here, 1, &there, 1, 0) == (ssize_t)len ? 0 : -EFAULT;
}

/* The ranges left after skip bytes and up to len; returns their number and sets *total. */
static size_t window(struct iovec *out, const struct iovec *iov, size_t n_iov, size_t skip, size_t len, size_t *total)
{
	size_t n = 0;
	*total = 0;
	for (size_t i = 0; i < n_iov && *total < len; i++) {
		if (skip >= iov[i].iov_len) {
			skip -= iov[i].iov_len;
			continue;
		}
		size_t part = MIN(iov[i].iov_len - skip, len - *total);
		out[n++] = (struct iovec){ (void *)((uintptr_t)iov[i].iov_base + skip), part };
		*total += part;
		skip = 0;
	}
	return n;
}

ssize_t task_gather(pid_t tid, void *buf, size_t len, const struct iovec *iov, size_t n_iov, size_t skip)
{
	struct iovec there[IOV_MAX];
	size_t total, n = window(there, iov, MIN(n_iov, (size_t)IOV_MAX), skip, len, &total);
	if (!total)
		return 0;
	struct iovec here = { buf, total };
	return process_vm_readv(tid, &here, 1, there, n, 0) == (ssize_t)total ? (ssize_t)total : -EFAULT;
}

ssize_t task_scatter(pid_t tid, const struct iovec *iov, size_t n_iov, const void *buf, size_t len)
{
	struct iovec there[IOV_MAX];
	size_t total, n = window(there, iov, MIN(n_iov, (size_t)IOV_MAX), 0, len, &total);
	if (!total)
		return 0;
	struct iovec here = { (void *)(uintptr_t)buf, total };
	return process_vm_writev(tid, &here, 1, there, n, 0) == (ssize_t)total ? (ssize_t)total : -EFAULT;
}
