/* Network namespaces of our own, and the kernel's end of a TAP device in one. */
#include "netns.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		perror(path);
	if (fd >= 0)
		close(fd);
}

const char *netns_enter(void)
{
	char map[64];
	unsigned uid = getuid(), gid = getgid();
	if (unshare(CLONE_NEWNET) == 0)
		return NULL;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return "no network namespace of our own (unprivileged user namespaces are off)";
	put_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof map, "0 %u 1", uid);
	put_file("/proc/self/uid_map", map);
	snprintf(map, sizeof map, "0 %u 1", gid);
	put_file("/proc/self/gid_map", map);
	return NULL;
}

static int set_addr(int fd, struct ifreq *ifr, unsigned long what, const char *addr)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	inet_pton(AF_INET, addr, &in.sin_addr);
	memcpy(&ifr->ifr_addr, &in, sizeof in);
	return ioctl(fd, what, ifr);
}

int netns_configure(const char *tap, const char *addr, int mtu)
{
	struct ifreq ifr;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = -1;
	memset(&ifr, 0, sizeof ifr);
	snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", tap);
	put_file("/proc/sys/net/ipv4/ip_local_port_range", "1024 65535");
	if (fd >= 0 && set_addr(fd, &ifr, SIOCSIFADDR, addr) == 0 && set_addr(fd, &ifr, SIOCSIFNETMASK, "255.255.255.0") == 0) {
		ifr.ifr_mtu = mtu;
		rc = ioctl(fd, SIOCSIFMTU, &ifr);
		ifr.ifr_flags = IFF_UP | IFF_RUNNING;
		rc = rc ? rc : ioctl(fd, SIOCSIFFLAGS, &ifr);
	}
	rc = rc ? -errno : 0;
	if (fd >= 0)
		close(fd);
	return rc;
}
