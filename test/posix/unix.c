/* AF_UNIX beside it: a guest's own affair, which must stay as it is, and what is passed over it. */
#include "posix.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>

static char dir[64];
static struct sockaddr_un at(const char *name)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	if (!*dir) {
		snprintf(dir, sizeof dir, "%s/posix-XXXXXX", getenv("TMPDIR") && strlen(getenv("TMPDIR")) < 40 ? getenv("TMPDIR") : "/tmp");
		need(mkdtemp(dir) != NULL);
	}
	snprintf(un.sun_path, sizeof un.sun_path, "%.50s/%.50s", dir, name);
	return un;
}

static void clean(void)
{
	static const char *const names[] = { "s", "d", "file", "loop", "sub/x" };
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		unlink(at(names[i]).sun_path);
	rmdir(at("sub").sun_path);
	rmdir(dir);
}

/* req: POSIX-bind-unix, POSIX-connect-unix, POSIX-sendto-unix, POSIX-sendmsg-unix, POSIX-connect-EPROTOTYPE */
TEST(unix_paths_that_are_wrong)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0), d = socket(AF_UNIX, SOCK_DGRAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un sa = at("s"), da = at("d"), none = at("none"), under = at("file/x"), file = at("file"), loop = at("loop");
	struct sockaddr_un missing = at("sub/x"), too = { .sun_family = AF_UNIX };
	struct iovec iov = { (char[]){ "x" }, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_namelen = sizeof sa };
	close(open(file.sun_path, O_CREAT | O_WRONLY, 0600));
	need(symlink(loop.sun_path, loop.sun_path) == 0);
	works(bind(s, SA(sa)));
	works(listen(s, 5));
	works(bind(d, SA(da)));
	int b = socket(AF_UNIX, SOCK_STREAM, 0);
	says(bind(b, SA(sa)), EADDRINUSE);
	says(bind(b, SA(missing)), ENOENT);
	says(bind(b, SA(under)), ENOTDIR);
	says(bind(b, SA(file)), EADDRINUSE);
	struct sockaddr_un through = at("loop/x");
	says(bind(b, SA(through)), ELOOP);
	memset(too.sun_path, 'x', sizeof too.sun_path);
	says(bind(b, SA(too)), 0);				/* 108 without an end is taken, in the directory we are in */
	unlink("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	says(bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&too, sizeof too + 1), EINVAL);
	says(connect(c, SA(none)), ENOENT);
	says(connect(c, SA(under)), ENOTDIR);
	says(connect(c, SA(loop)), ELOOP);
	says(connect(c, SA(file)), ECONNREFUSED);
	says(connect(c, SA(da)), EPROTOTYPE);
	works(connect(c, SA(sa)));
	int e = socket(AF_UNIX, SOCK_DGRAM, 0);
	says(connect(e, SA(sa)), EPROTOTYPE);
	says(sendto(e, "x", 1, 0, SA(none)), ENOENT);
	says(sendto(e, "x", 1, 0, SA(under)), ENOTDIR);
	says(sendto(e, "x", 1, 0, SA(loop)), ELOOP);
	m.msg_name = &none;
	says(sendmsg(e, &m, 0), ENOENT);
	m.msg_name = &under;
	says(sendmsg(e, &m, 0), ENOTDIR);
	m.msg_name = &loop;
	says(sendmsg(e, &m, 0), ELOOP);
	m.msg_name = &da;
	gives(sendmsg(e, &m, 0), 1);
	gives(sendto(e, "xy", 2, 0, SA(da)), 2);
	clean();
}

static int send_fd(int over, int fd)
{
	union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr h; } ctl = {
		.h = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct iovec iov = { (char[]){ "f" }, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &ctl, .msg_controllen = sizeof ctl };
	memcpy(CMSG_DATA(&ctl.h), &fd, sizeof fd);
	return (int)sendmsg(over, &m, 0);
}

static int recv_fd(int over, int flags)
{
	union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr h; } ctl;
	char c;
	int fd = -1;
	struct iovec iov = { &c, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &ctl, .msg_controllen = sizeof ctl };
	if (recvmsg(over, &m, flags) == 1 && CMSG_FIRSTHDR(&m))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
	return fd;
}

/* req: POSIX-2024-c */
/* req-not: POSIX-2024-c MSG_CMSG_CLOFORK is not in Linux; MSG_CMSG_CLOEXEC is had */
TEST(descriptors_are_passed)
{
	int sv[2], t[2];
	char buf[8];
	need(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
	tcp_pair(t);
	gives(send_fd(sv[0], t[0]), 1);
	int fd = recv_fd(sv[1], MSG_CMSG_CLOEXEC);
	gives(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(t[0]);
	gives(write(fd, "passed", 6), 6);			/* a connection in another's hands */
	gives(recv(t[1], buf, 6, MSG_WAITALL), 6);
	gives(opt(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
	gives(send_fd(sv[0], t[1]), 1);
	gives(fcntl(recv_fd(sv[1], 0), F_GETFD), 0);
	says(send_fd(sv[0], 99), EBADF);
}

TEST(unix_sockets_know_each_other)
{
	int sv[2];
	struct ucred who = { 0 };
	socklen_t len = sizeof who;
	need(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv) == 0);
	gives(getsockopt(sv[0], SOL_SOCKET, SO_PEERCRED, &who, &len), 0);
	fact(who.pid == getpid() && who.uid == getuid());
	works(on(sv[1], SOL_SOCKET, SO_PASSCRED, 1));
	gives(opt(sv[1], SOL_SOCKET, SO_PASSCRED), 1);
	gives(opt(sv[1], SOL_SOCKET, SO_DOMAIN), AF_UNIX);
	says(opt(sv[1], IPPROTO_TCP, 1), EOPNOTSUPP);
	gives(send(sv[0], "rec", 3, MSG_EOR), 3);
	gives(send(sv[0], "ord", 3, 0), 3);
	char buf[8];
	gives(recv(sv[1], buf, 8, 0), 3);			/* a record each */
	works(shutdown(sv[0], SHUT_WR));
	gives(recv(sv[1], buf, 8, 0), 3);
	gives(recv(sv[1], buf, 8, 0), 0);
	says(send(sv[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	says(listen(sv[0], 1), EINVAL);
}

TEST(abstract_names)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX }, name;
	socklen_t len = sizeof name;
	int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
	gives(getsockname(s, (struct sockaddr *)&name, &len), 0);
	gives(len, sizeof(sa_family_t));
	works(bind(s, (struct sockaddr *)&un, sizeof(sa_family_t)));	/* the kernel chooses one */
	len = sizeof name;
	gives(getsockname(s, (struct sockaddr *)&name, &len), 0);
	gives(len, sizeof(sa_family_t) + 6);
	says(connect(c, (struct sockaddr *)&name, len), ECONNREFUSED);
	works(listen(s, 1));
	works(connect(c, (struct sockaddr *)&name, len));
	works(accept(s, NULL, NULL));
	says(listen(socket(AF_UNIX, SOCK_STREAM, 0), 1), EINVAL);
	says(listen(socket(AF_UNIX, SOCK_DGRAM, 0), 1), EOPNOTSUPP);
}
