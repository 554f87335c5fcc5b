/*
 * When the service is gone.  Streams have seen their end by then, because the kernel ends a pair whose other end was
 * closed; a datagram pair it leaves as it is, and a program in recv() would wait for ever.  So the datagram sockets of
 * every process of the tree are shut down from here: a read gives 0, poll says HUP, a write fails with EPIPE.
 */
#include "guest/runner.h"
#include "guest/tree.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool is_datagram_of_ours(const struct runner *r, int fd)
{
	struct sockaddr_un un;
	socklen_t len = sizeof un;
	struct ipc_sock_name name;
	return getsockname(fd, (struct sockaddr *)&un, &len) == 0 && ipc_sock_name_get(&un, len, &name) &&
	       name.service == r->service_pid && name.kind == IPC_KIND_DGRAM;
}

static void silence(void *ctx, pid_t pid)
{
	struct runner *r = ctx;
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));) {
		char what[16];
		if (readlinkat(dirfd(d), e->d_name, what, sizeof what) < 7 || memcmp(what, "socket:", 7))
			continue;
		int fd = task_getfd(&r->tasks, pid, (int)strtol(e->d_name, NULL, 10));
		if (fd < 0)
			continue;
		if (is_datagram_of_ours(r, fd))
			shutdown(fd, SHUT_RDWR);
		close(fd);
	}
	if (d)
		closedir(d);
}

void runner_silence(struct runner *r)
{
	tree_each_descendant(silence, r);
}
