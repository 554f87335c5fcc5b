/* Names: bind(), getsockname(), getpeername(). */
#include "posix.h"
#include <netdb.h>
#include <stdlib.h>

/* req: POSIX-bind-EBADF, POSIX-bind-ENOTSOCK, POSIX-bind-EAFNOSUPPORT, POSIX-bind-EADDRNOTAVAIL, POSIX-bind-EINVAL, POSIX-bind-EADDRINUSE */
TEST(bind_says_what_is_wrong)
{
	struct sockaddr_in at = in4("127.0.0.1", 0), foreign = in4("198.51.100.1", 0), other;
	struct sockaddr_in6 six = in6("::1", 0);
	int fd = tcp(), file = not_a_socket();
	says(bind(-1, SA(at)), EBADF);
	says(bind(99, SA(at)), EBADF);
	says(bind(file, SA(at)), ENOTSOCK);
	says(bind(0x7fffffff, SA(at)), EBADF);
	says(bind(fd, SA(six)), EAFNOSUPPORT);
	says(bind(fd, SA(foreign)), EADDRNOTAVAIL);
	says(bind(fd, (struct sockaddr *)&at, 3), EINVAL);
	says(bind(fd, (struct sockaddr *)&at, 1000), EINVAL);
	says(bind(fd, NULL, sizeof at), EFAULT);
	works(bind(fd, SA(at)));
	says(bind(fd, SA(at)), EINVAL);
	socklen_t len = sizeof other;
	need(getsockname(fd, (struct sockaddr *)&other, &len) == 0);
	says(bind(tcp(), SA(other)), EADDRINUSE);
	works(bind(udp(), SA(other)));				/* another protocol's port */
	int u6 = socket(AF_INET6, SOCK_DGRAM, 0);
	says(bind(u6, SA(at)), EINVAL);				/* too short for the family */
	six.sin6_family = AF_UNIX;
	says(bind(u6, SA(six)), EAFNOSUPPORT);
}

/* req: POSIX-bind-a, POSIX-getsockname-a */
TEST(bind_gives_a_name)
{
	struct sockaddr_in any = in4("0.0.0.0", 0), name;
	socklen_t len = sizeof name;
	int types[] = { SOCK_STREAM, SOCK_DGRAM };
	for (int i = 0; i < 2; i++) {
		int fd = socket(AF_INET, types[i], 0);
		gives(getsockname(fd, (struct sockaddr *)&name, &len), 0);
		fact(name.sin_family == AF_INET && name.sin_port == 0 && name.sin_addr.s_addr == 0);
		works(bind(fd, SA(any)));
		gives(getsockname(fd, (struct sockaddr *)&name, &len), 0);
		fact(len == sizeof name && name.sin_port != 0 && name.sin_addr.s_addr == 0);
		fact(!memcmp(name.sin_zero, "\0\0\0\0\0\0\0\0", 8));
	}
}

/* req: POSIX-getsockname-EBADF, POSIX-getsockname-ENOTSOCK, POSIX-getpeername-EBADF, POSIX-getpeername-ENOTSOCK */
TEST(names_of_what_is_no_socket)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof ss;
	int file = not_a_socket();
	says(getsockname(-1, (struct sockaddr *)&ss, &len), EBADF);
	says(getsockname(file, (struct sockaddr *)&ss, &len), ENOTSOCK);
	says(getpeername(-1, (struct sockaddr *)&ss, &len), EBADF);
	says(getpeername(file, (struct sockaddr *)&ss, &len), ENOTSOCK);
	says(getpeername(tcp(), (struct sockaddr *)&ss, &len), ENOTCONN);
	says(getpeername(udp(), (struct sockaddr *)&ss, &len), ENOTCONN);
	says(getsockname(tcp(), (struct sockaddr *)&ss, NULL), EFAULT);
	says(getsockname(tcp(), NULL, &len), EFAULT);
	len = (socklen_t)-1;
	says(getsockname(tcp(), (struct sockaddr *)&ss, &len), EINVAL);
	int l = tcp();
	need(listen(l, 1) == 0);
	len = sizeof ss;
	says(getpeername(l, (struct sockaddr *)&ss, &len), ENOTCONN);
}

/* req: POSIX-getsockname-a, POSIX-getpeername-a */
TEST(names_are_cut_to_the_room_and_say_their_length)
{
	struct sockaddr_in a, b;
	socklen_t len;
	int fd[2];
	tcp_pair(fd);
	len = sizeof a;
	gives(getsockname(fd[0], (struct sockaddr *)&a, &len), 0);
	gives(getpeername(fd[1], (struct sockaddr *)&b, &len), 0);
	fact(!memcmp(&a, &b, sizeof a));
	for (socklen_t room = 0; room <= 8; room += 2) {
		unsigned char part[sizeof a];
		memset(part, 0xee, sizeof part);
		len = room;
		gives(getpeername(fd[1], (struct sockaddr *)(void *)part, &len), 0);
		gives(len, sizeof a);
		fact(!memcmp(part, &a, room) && part[room] == 0xee);
		memset(part, 0xee, sizeof part);
		len = room;
		gives(getsockname(fd[0], (struct sockaddr *)(void *)part, &len), 0);
		fact(len == sizeof a && !memcmp(part, &a, room) && part[room] == 0xee);
	}
	struct sockaddr_storage big;
	len = sizeof big;
	gives(getpeername(fd[0], (struct sockaddr *)&big, &len), 0);
	gives(len, sizeof a);
}

/* req-not: POSIX-getpeername-EINVAL Linux goes on naming the peer of what was shut down, and says ENOTCONN of what is over */
TEST(names_of_what_was_shut_down)
{
	struct sockaddr_in a;
	socklen_t len = sizeof a;
	int fd[2];
	char c;
	tcp_pair(fd);
	works(shutdown(fd[0], SHUT_RDWR));
	gives(getpeername(fd[0], (struct sockaddr *)&a, &len), 0);
	fact(a.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
	gives(read(fd[1], &c, 1), 0);
	gives(getpeername(fd[1], (struct sockaddr *)&a, &len), 0);
	reset(fd[1]);
	ready(fd[0], 0);
	gives(getsockname(fd[0], (struct sockaddr *)&a, &len), 0);
	fact(a.sin_port != 0);
}

TEST(names_after_a_reset)
{
	struct sockaddr_in a;
	socklen_t len = sizeof a;
	int fd[2];
	tcp_pair(fd);
	reset(fd[1]);
	gives(ready_for(fd[0], POLLIN | POLLERR | POLLHUP), POLLIN | POLLERR | POLLHUP);
	says(getpeername(fd[0], (struct sockaddr *)&a, &len), ENOTCONN);
	gives(getsockname(fd[0], (struct sockaddr *)&a, &len), 0);
	fact(a.sin_port != 0);
}

/* req: POSIX-connect-b */
TEST(names_of_a_datagram_socket_follow_its_peer)
{
	struct sockaddr_in at, name, none = { .sin_family = AF_UNSPEC };
	socklen_t len = sizeof name;
	int to = bound_udp(&at), fd = udp();
	works(connect(fd, SA(at)));
	gives(getpeername(fd, (struct sockaddr *)&name, &len), 0);
	fact(name.sin_port == at.sin_port);
	gives(getsockname(fd, (struct sockaddr *)&name, &len), 0);
	fact(name.sin_port != 0 && name.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
	works(connect(fd, SA(none)));
	says(getpeername(fd, (struct sockaddr *)&name, &len), ENOTCONN);
	gives(getsockname(fd, (struct sockaddr *)&name, &len), 0);
	fact(name.sin_addr.s_addr == 0 && name.sin_port == 0);
	(void)to;
}

/* req: 3542-14.1-a */
TEST(reserved_ports)
{
	struct sockaddr_in6 name;
	socklen_t len = sizeof name;
	int port = 600, fd = rresvport_af(&port, AF_INET6);
	if (fd < 0 && errno == EACCES)
		case_skip("reserved ports are not allowed here");
	fact(fd >= 0 && port >= 512 && port < 1024);
	gives(getsockname(fd, (struct sockaddr *)&name, &len), 0);
	fact(name.sin6_family == AF_INET6 && ntohs(name.sin6_port) == port);
	port = 600;
	fd = rresvport_af(&port, AF_INET);
	gives(opt(fd, SOL_SOCKET, SO_DOMAIN), AF_INET);
	fact(port >= 512 && port < 1024);
	port = 600;
	fd = rresvport(&port);
	gives(opt(fd, SOL_SOCKET, SO_DOMAIN), AF_INET);
	says(rresvport_af(&port, AF_UNIX), EAFNOSUPPORT);
}

/* req: 3493-3.3-a, 3493-3.7-a, 3493-3.8-a, 3493-3.9-a */
TEST(names_of_ip6_sockets)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT }, name;
	struct sockaddr_in four = in4("127.0.0.1", 0), peer;
	socklen_t len = sizeof name;
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	memset(&name, 0xee, sizeof name);
	works(bind(fd, SA(any)));
	gives(getsockname(fd, (struct sockaddr *)&name, &len), 0);
	gives(len, sizeof name);
	fact(IN6_IS_ADDR_UNSPECIFIED(&name.sin6_addr) && name.sin6_port && !name.sin6_flowinfo && !name.sin6_scope_id);
	works(listen(fd, 1));
	int c = tcp();
	four.sin_port = name.sin6_port;
	works(connect(c, SA(four)));
	gives(accept(fd, (struct sockaddr *)&name, &len) >= 0, 1);
	socklen_t plen = sizeof peer;
	getsockname(c, (struct sockaddr *)&peer, &plen);
	fact(IN6_IS_ADDR_V4MAPPED(&name.sin6_addr) && name.sin6_port == peer.sin_port && !name.sin6_scope_id && !name.sin6_flowinfo);
	struct sockaddr_in6 loop = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	fd = socket(AF_INET6, SOCK_DGRAM, 0);
	works(bind(fd, SA(loop)));
	gives(getsockname(fd, (struct sockaddr *)&name, &len), 0);
	fact(!memcmp(&name.sin6_addr, &in6addr_loopback, 16) && IN6_IS_ADDR_LOOPBACK(&name.sin6_addr));
}
