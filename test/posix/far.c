/*
 * The other host: by port it echoes, holds a connection without reading, says "bye" and closes, or resets it once something came;
 * datagrams are echoed.  A process per connection; it runs until it is killed.
 */
#include "posix.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

static int dual(int type, int port)
{
	struct sockaddr_in6 at = in6("::", port);
	int fd = socket(AF_INET6, type, 0), off = 0, yes = 1;
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (fd < 0 || bind(fd, SA(at)) || (type == SOCK_STREAM && listen(fd, 64))) {
		perror("posix --far");
		exit(1);
	}
	return fd;
}

static void serve(int fd, int port)
{
	char buf[4096];
	ssize_t n;
	switch (port) {
	case FAR_ECHO:
		while ((n = read(fd, buf, sizeof buf)) > 0)
			if (write(fd, buf, (size_t)n) != n)
				break;
		break;
	case FAR_HOLD:
		n = write(fd, "h", 1);
		poll(&(struct pollfd){ .fd = fd, .events = POLLRDHUP }, 1, -1);	/* until it is reset or both ends are shut */
		break;
	case FAR_BYE:
		n = write(fd, "bye", 3);
		break;
	case FAR_RESET:
		n = read(fd, buf, 1);
		reset(fd);
		break;
	}
	_exit(0);
}

static void echo_datagram(int fd)
{
	char buf[4096];
	struct sockaddr_storage from;
	socklen_t len = sizeof from;
	ssize_t n = recvfrom(fd, buf, sizeof buf, 0, (struct sockaddr *)&from, &len);
	if (n >= 0)
		sendto(fd, buf, (size_t)n, 0, (struct sockaddr *)&from, len);
}

int far_serve(void)
{
	struct pollfd p[FAR_CLOSED - FAR_ECHO + 1];
	enum { STREAMS = FAR_CLOSED - FAR_ECHO };
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < STREAMS; i++)
		p[i] = (struct pollfd){ .fd = dual(SOCK_STREAM, FAR_ECHO + i), .events = POLLIN };
	p[STREAMS] = (struct pollfd){ .fd = dual(SOCK_DGRAM, FAR_ECHO), .events = POLLIN };
	puts("ready");
	fflush(stdout);
	for (;;) {
		if (poll(p, STREAMS + 1, -1) < 0)
			continue;
		if (p[STREAMS].revents)
			echo_datagram(p[STREAMS].fd);
		for (int i = 0; i < STREAMS; i++) {
			int fd = p[i].revents ? accept(p[i].fd, NULL, NULL) : -1;
			if (fd >= 0 && fork() == 0)
				serve(fd, FAR_ECHO + i);
			if (fd >= 0)
				close(fd);
		}
	}
}
