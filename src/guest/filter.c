/*
 * The filter: which system calls of a guest stop and wait for the runner's answer.
 *
 * Everything is allowed but what is listed here.  Data moves natively: read, write, poll, epoll, close, dup, fcntl, send and
 * recv without an address never stop.  What stops are the control calls of sockets, and among those that also carry data only
 * the ones with an address, control messages or MSG_MORE; and opens for reading alone, because of /proc/net.  Conditions look
 * at the low 32 bits where the kernel takes an int: the upper half of a register is the program's litter, and must not be a
 * way around us.
 *
 * No call reaches the kernel's own network: families we serve are asked of the service, AF_UNIX and AF_ALG stay on this
 * machine and are left alone, every other family does not exist.  io_uring could do all of this behind our back, so it
 * does not exist either; programs fall back.  A program that makes itself unreadable (PR_SET_DUMPABLE 0) would stop its
 * own calls from being served: it is told yes and stays readable.  Calls by another entry (32 bit, x32) get ENOSYS.
 */
#include "guest/filter.h"
#include "base/check.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef AF_MCTP
#define AF_MCTP 45
#endif
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
enum {
	FAMILIES = AF_MCTP + 1,		/* beyond, the kernel says EAFNOSUPPORT by itself */
	SOCK_IOCTLS = 0x8900,		/* SIOCGIF*, SIOCETHTOOL and the like: 0x8900 to 0x89ff */
	WIRELESS_IOCTLS = 0x8b00,
	PROTO_IOCTLS = 0x89e0,
	MAX_INSNS = 4096,
};
#define LOW32 0xffffffffull
#ifdef __aarch64__			/* the kernel's; the C library's is 0 where files are large anyway */
#define O_LARGEFILE_KERNEL 0400000
#else
#define O_LARGEFILE_KERNEL 0100000
#endif

static int families(scmp_filter_ctx ctx)
{
	int err = 0;
	for (int af = 0; af < FAMILIES && !err; af++) {
		uint32_t action = SCMP_ACT_ERRNO(EAFNOSUPPORT);
		if (af == AF_UNIX || af == AF_ALG)
			continue;
		if (af == AF_INET || af == AF_INET6 || af == AF_NETLINK || af == AF_PACKET)
			action = SCMP_ACT_NOTIFY;
		err = seccomp_rule_add(ctx, action, SCMP_SYS(socket), 1,
				       SCMP_A0(SCMP_CMP_MASKED_EQ, LOW32, (uint64_t)af));
	}
	return err;
}

static int control_calls(scmp_filter_ctx ctx)
{
	static const int always[] = {
		SCMP_SYS(bind), SCMP_SYS(connect), SCMP_SYS(listen), SCMP_SYS(accept), SCMP_SYS(accept4),
		SCMP_SYS(shutdown), SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(setsockopt), SCMP_SYS(getsockopt),
		SCMP_SYS(sendmsg), SCMP_SYS(recvmsg), SCMP_SYS(sendmmsg), SCMP_SYS(recvmmsg),
	};
	int err = 0;
	for (size_t i = 0; i < ARRAY_LEN(always) && !err; i++)
		err = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, always[i], 0);
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(sendto), 1, SCMP_A4(SCMP_CMP_NE, 0));
	if (!err)	/* a flag that a pair does not carry */
		err = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(sendto), 1, SCMP_A3(SCMP_CMP_MASKED_EQ, MSG_MORE, MSG_MORE));
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(recvfrom), 1, SCMP_A4(SCMP_CMP_NE, 0));
	if (!err)	/* our pairs have no error queue: they would give data instead */
		err = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(recvfrom), 1,
				       SCMP_A3(SCMP_CMP_MASKED_EQ, MSG_ERRQUEUE, MSG_ERRQUEUE));
	return err;
}

/* Of opens only the plainest: see do_open.c. */
static int opens(scmp_filter_ctx ctx)
{
	static const uint64_t large_file = O_LARGEFILE_KERNEL;
	int err = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(openat), 1,
				   SCMP_A2(SCMP_CMP_MASKED_EQ, LOW32 & ~large_file, O_RDONLY));
#ifdef SYS_open
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(open), 1,
				       SCMP_A1(SCMP_CMP_MASKED_EQ, LOW32 & ~large_file, O_RDONLY));
#endif
	return err;
}

static int ioctls(scmp_filter_ctx ctx)
{
	int err = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(ioctl), 1,
				   SCMP_A1(SCMP_CMP_MASKED_EQ, LOW32 & ~0xffull, SOCK_IOCTLS));
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(ioctl), 1,
				       SCMP_A1(SCMP_CMP_MASKED_EQ, LOW32, SIOCOUTQ));
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EOPNOTSUPP), SCMP_SYS(ioctl), 1,
				       SCMP_A1(SCMP_CMP_MASKED_EQ, LOW32 & ~0xffull, WIRELESS_IOCTLS));
	return err;
}

static int refusals(scmp_filter_ctx ctx)
{
	static const int uring[] = { SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register) };
	int err = 0;
	for (size_t i = 0; i < ARRAY_LEN(uring) && !err; i++)
		err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), uring[i], 0);
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(0), SCMP_SYS(prctl), 2,
				       SCMP_A0(SCMP_CMP_MASKED_EQ, LOW32, PR_SET_DUMPABLE), SCMP_A1(SCMP_CMP_EQ, 0));
	return err;
}

/* libseccomp writes the instructions to a file only; a memfd is one. */
static int export(scmp_filter_ctx ctx, struct sock_fprog *prog)
{
	int fd = memfd_create("filter", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	int err = seccomp_export_bpf(ctx, fd);
	struct stat st = { 0 };
	if (!err && fstat(fd, &st) < 0)
		err = -errno;
	size_t len = (size_t)st.st_size;
	if (!err && (!len || len % sizeof(struct sock_filter) || len / sizeof(struct sock_filter) > MAX_INSNS))
		err = -EINVAL;
	struct sock_filter *insns = err ? NULL : malloc(len);
	if (!err && !insns)
		err = -ENOMEM;
	if (!err && pread(fd, insns, len, 0) != (ssize_t)len)
		err = -EIO;
	close(fd);
	if (err) {
		free(insns);
		return err;
	}
	*prog = (struct sock_fprog){ .len = (unsigned short)(len / sizeof *insns), .filter = insns };
	return 0;
}

int filter_build(struct sock_fprog *prog)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	if (!ctx)
		return -ENOMEM;
	int err = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
	if (!err)		/* a tree over the call numbers, not a list */
		err = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!err)
		err = families(ctx);
	if (!err)
		err = control_calls(ctx);
	if (!err)
		err = opens(ctx);
	if (!err)
		err = ioctls(ctx);
	if (!err)
		err = refusals(ctx);
	if (!err)
		err = export(ctx, prog);
	seccomp_release(ctx);
	return err;
}

int filter_install(const struct sock_fprog *prog, bool *killable)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
	long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, prog);
	*killable = fd >= 0;
	if (fd < 0 && errno == EINVAL)
		fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, prog);
	return fd < 0 ? -errno : (int)fd;
}

int filter_supported(void)
{
	uint32_t action = SECCOMP_RET_USER_NOTIF;
	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0)
		return -errno;
	return 0;
}
