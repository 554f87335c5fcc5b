/* Making sockets: socket(), socketpair(), and what a new one is. */
#include "posix.h"
#include <fcntl.h>
#include <sys/resource.h>

/* req: POSIX-socket-EAFNOSUPPORT, POSIX-socket-EPROTONOSUPPORT */
/* req-not: POSIX-socket-EPROTOTYPE Linux says EPROTONOSUPPORT of a protocol that has another type, ESOCKTNOSUPPORT of a type that no protocol has */
TEST(socket_refuses_what_there_is_not)
{
	says(socket(12345, SOCK_STREAM, 0), EAFNOSUPPORT);
	says(socket(-1, SOCK_STREAM, 0), EAFNOSUPPORT);
	says(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
	says(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP), EPROTONOSUPPORT);
	says(socket(AF_INET6, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
	says(socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
	says(socket(AF_INET, SOCK_RDM, 0), ESOCKTNOSUPPORT);
	says(socket(AF_INET, SOCK_RAW, 0), EPROTONOSUPPORT);
	says(socket(AF_INET, SOCK_STREAM, -1), EINVAL);
	says(socket(AF_INET, SOCK_STREAM, 100000), EINVAL);
	says(socket(AF_INET, 15, 0), EINVAL);
	says(socket(AF_UNIX, SOCK_RDM, 0), ESOCKTNOSUPPORT);
	says(socket(AF_UNIX, SOCK_STREAM, 77), EPROTONOSUPPORT);
}

/* req: POSIX-socket-a */
TEST(socket_takes_the_lowest_descriptor_and_the_default_protocol)
{
	int a = tcp(), b = tcp(), c = tcp();
	close(b);
	gives(socket(AF_INET, SOCK_DGRAM, 0) == b, 1);
	gives(opt(a, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
	gives(opt(b, SOL_SOCKET, SO_PROTOCOL), IPPROTO_UDP);
	gives(opt(a, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
	gives(opt(b, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
	gives(opt(c, SOL_SOCKET, SO_DOMAIN), AF_INET);
	close(a);
	close(b);
	gives(socket(AF_INET6, SOCK_STREAM, 0) == a, 1);
	gives(opt(a, SOL_SOCKET, SO_DOMAIN), AF_INET6);
	gives(opt(a, SOL_SOCKET, SO_ACCEPTCONN), 0);
	gives(fcntl(a, F_GETFD), 0);
	gives(fcntl(a, F_GETFL), O_RDWR);
}

/* req: POSIX-2024-a */
/* req-not: POSIX-2024-a SOCK_CLOFORK is not in Linux; the other two flags are had */
TEST(socket_flags_in_the_type)
{
	int sv[2], fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	gives(fcntl(fd, F_GETFD), FD_CLOEXEC);
	gives(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	gives(opt(fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	gives(fcntl(fd, F_GETFD), FD_CLOEXEC);
	gives(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	works(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv));
	gives(fcntl(sv[1], F_GETFD), FD_CLOEXEC);
	gives(fcntl(sv[1], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	says(socket(AF_INET, SOCK_STREAM | 0x100000, 0), EINVAL);
	says(socketpair(AF_UNIX, SOCK_STREAM | 0x100000, 0, sv), EINVAL);
}

/* Leaves room for n descriptors. */
static void leave_room(int n)
{
	struct rlimit lim = { 40, 40 };
	int fd, last[2] = { -1, -1 };
	need(setrlimit(RLIMIT_NOFILE, &lim) == 0);
	while ((fd = open("/dev/null", O_RDONLY)) >= 0) {
		last[1] = last[0];
		last[0] = fd;
	}
	for (int i = 0; i < n; i++)
		close(last[i]);
}

/* req: POSIX-socket-EMFILE */
TEST(socket_without_a_free_descriptor)
{
	leave_room(1);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	fact(fd >= 0);
	says(socket(AF_INET, SOCK_STREAM, 0), EMFILE);
	says(socket(AF_INET, SOCK_DGRAM, 0), EMFILE);
	says(socket(AF_INET6, SOCK_DGRAM, 0), EMFILE);
	says(socket(AF_UNIX, SOCK_DGRAM, 0), EMFILE);
	close(fd);
	works(socket(AF_INET, SOCK_STREAM, 0));
}

/* req: POSIX-socketpair-EMFILE, POSIX-socketpair-a */
TEST(socketpair_without_two_free_descriptors)
{
	int sv[2] = { 77, 78 };
	leave_room(1);
	says(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), EMFILE);
	fact(sv[0] == 77 && sv[1] == 78);
	works(socket(AF_INET, SOCK_STREAM, 0));		/* the one that was free still is */
}

/* req: POSIX-socketpair-EAFNOSUPPORT, POSIX-socketpair-EOPNOTSUPP, POSIX-socketpair-EPROTONOSUPPORT */
/* req-not: POSIX-socketpair-EPROTOTYPE Linux says ESOCKTNOSUPPORT of a type the family has not */
TEST(socketpair_refuses_what_there_is_not)
{
	int sv[2];
	says(socketpair(12345, SOCK_STREAM, 0, sv), EAFNOSUPPORT);
	says(socketpair(AF_INET, SOCK_STREAM, 0, sv), EOPNOTSUPP);
	says(socketpair(AF_INET6, SOCK_DGRAM, 0, sv), EOPNOTSUPP);
	says(socketpair(AF_UNIX, SOCK_STREAM, 77, sv), EPROTONOSUPPORT);
	says(socketpair(AF_UNIX, SOCK_RDM, 0, sv), ESOCKTNOSUPPORT);
	says(socketpair(AF_UNIX, SOCK_STREAM, 0, NULL), EFAULT);
}

/* req: POSIX-socketpair-a */
TEST(socketpair_is_two_connected_sockets)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	for (int i = 0; i < 3; i++) {
		int sv[2];
		char buf[8];
		need(socketpair(AF_UNIX, types[i], 0, sv) == 0);
		gives(opt(sv[0], SOL_SOCKET, SO_TYPE), types[i]);
		gives(opt(sv[1], SOL_SOCKET, SO_TYPE), types[i]);
		gives(write(sv[0], "to", 2), 2);
		gives(read(sv[1], buf, sizeof buf), 2);
		gives(write(sv[1], "fro", 3), 3);
		gives(read(sv[0], buf, sizeof buf), 3);
		struct sockaddr_storage ss;
		socklen_t len = sizeof ss;
		gives(getpeername(sv[0], (struct sockaddr *)&ss, &len), 0);
		fact(ss.ss_family == AF_UNIX);
	}
}
