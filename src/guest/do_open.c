/*
 * open and openat of /proc/net/...: the file is the host's, and not the machine's.
 *
 * To catch an open costs 10 to 25 us, so only those are caught that ask for reading and for nothing else: by these the
 * programs come that show such tables (netstat, route, arp, ifconfig, ss, busybox, cat, a shell's <).  Loaders, Python,
 * Go, Node and web servers open with O_CLOEXEC or O_NONBLOCK, and are left in peace; what they open in /proc/net is the
 * machine's.  The path is read once; if it is none of these, the kernel reads it again for itself.
 */
#include "guest/runner.h"
#include "base/check.h"
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

enum { PATH_ROOM = 64, PAGE = 4096 };

/* The name behind /proc/net/, /proc/self/net/, /proc/thread-self/net/ or /proc/PID/net/; NULL: another path. */
static const char *name_in(const char *path)
{
	if (strncmp(path, "/proc/", 6))
		return NULL;
	const char *p = path + 6;
	if (!strncmp(p, "self/", 5))
		p += 5;
	else if (!strncmp(p, "thread-self/", 12))
		p += 12;
	else if (isdigit((unsigned char)*p)) {
		while (isdigit((unsigned char)*p))
			p++;
		if (*p++ != '/')
			return NULL;
	}
	return strncmp(p, "net/", 4) || !p[4] ? NULL : p + 4;
}

/* As much of the text as there is room for and can be read; it may end just before memory that cannot. */
static void read_path(const struct call *c, uint64_t addr, char path[PATH_ROOM])
{
	size_t first = MIN((size_t)PATH_ROOM - 1, PAGE - addr % PAGE);
	memset(path, 0, PATH_ROOM);
	if (!call_read(c, path, addr, first) && !memchr(path, 0, first) && first < PATH_ROOM - 1)
		call_read(c, path + first, addr + first, PATH_ROOM - 1 - first);
}

static void open_replied(struct runner *r, struct call *c, struct reply *reply)
{
	if (reply->head.ret == -EXDEV) {
		call_continue(r, c);
	} else if (reply->head.ret < 0 || reply->fd < 0) {
		call_answer(r, c, reply->head.ret < 0 ? reply->head.ret : -ENFILE);
	} else {
		int err = call_give(r, c, reply->fd, false);
		if (err)
			call_answer(r, c, err);
		else
			reply->fd = -1;
	}
}

void do_open(struct runner *r, struct call *c)
{
	char path[PATH_ROOM];
	read_path(c, c->arg[c->nr == SYS_openat ? 1 : 0], path);
	const char *name = name_in(path);
	if (!name) {
		call_continue(r, c);
		return;
	}
	struct ipc_call m = { .op = IPC_OP_PROCNET };
	call_ask(r, c, &m, name, strlen(name), open_replied);
}
