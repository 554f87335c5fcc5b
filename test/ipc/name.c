/* Names of descriptors survive the trip through the kernel; names that are not ours are not taken for ours. */
#include "unit.h"
#include "ipc/ipc.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

TEST(descriptor_name_is_read_back_through_getsockname)
{
	struct ipc_sock_name in = { .service = getpid(), .kind = IPC_KIND_DGRAM, .sock = 4000000000u }, out;
	struct sockaddr_un un;
	socklen_t len = ipc_sock_name_put(&un, &in);
	int sv[2];
	eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	eq(bind(sv[1], (struct sockaddr *)&un, len), 0);
	len = sizeof un;
	eq(getsockname(sv[1], (struct sockaddr *)&un, &len), 0);
	ok(ipc_sock_name_get(&un, len, &out));
	eq(out.service, in.service);
	eq(out.kind, in.kind);
	eq(out.sock, in.sock);
	close(sv[0]);
	close(sv[1]);
}

static bool reads(const char *path, size_t n)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct ipc_sock_name out;
	memcpy(un.sun_path, path, n);
	return ipc_sock_name_get(&un, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n), &out);
}
#define READS(s) reads(s, sizeof(s) - 1)

TEST(foreign_names_are_not_ours)
{
	ok(READS("\0outlet/1/s/2"));
	ok(!READS("outlet/1/s/2"));
	ok(!READS("\0outlet/1/s/2x"));
	ok(!READS("\0outlet/1/s/"));
	ok(!READS("\0outlet/1/s"));
	ok(!READS("\0outlet//s/1"));
	ok(!READS("\0outlet/1/x/1"));
	ok(!READS("\0outlet/1/\0/1"));
	ok(!READS("\0outlet/1/s/4294967296"));
	ok(!READS("\0outlet/99999999999/s/1"));
	ok(!READS("\0outle"));
	ok(!READS("\0"));
	ok(!READS(""));
}

TEST(directory_is_made_private_and_refused_when_it_is_not)
{
	char top[] = "/tmp/ipc-test-XXXXXX", dir[128], path[256];
	ok(mkdtemp(top));
	setenv("XDG_RUNTIME_DIR", top, 1);
	eq(ipc_dir(dir, sizeof dir), 0);
	struct stat st;
	eq(lstat(dir, &st), 0);
	eq(st.st_mode & 0777, 0700);
	eq(ipc_path(path, sizeof path, "lab", ".sock"), 0);
	ok(strstr(path, "/outlet/lab.sock"));
	eq(ipc_path(path, sizeof path, "../lab", ".sock"), -EINVAL);
	eq(ipc_path(path, sizeof path, "", ".sock"), -EINVAL);
	eq(chmod(dir, 0755), 0);
	eq(ipc_dir(dir, sizeof dir), -EPERM);
	eq(rmdir(dir), 0);
	eq(symlink("/tmp", dir), 0);
	eq(ipc_dir(dir, sizeof dir), -ENOTDIR);
	unlink(dir);
	rmdir(top);
}
