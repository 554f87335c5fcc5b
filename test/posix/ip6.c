/* RFC 3542, the advanced interface to IPv6: raw sockets, control messages and sticky options. */
#include "posix.h"
#include <net/if.h>
#include <netinet/icmp6.h>
#include <stdlib.h>

static int raw6(int protocol)
{
	int fd = socket(AF_INET6, SOCK_RAW, protocol);
	if (fd < 0 && errno == EPERM)
		case_skip("raw sockets are not allowed here");
	need(fd >= 0);
	return fd;
}

static int udp6(struct sockaddr_in6 *at)
{
	socklen_t len = sizeof *at;
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	*at = in6("::1", 0);
	need(fd >= 0 && bind(fd, SA(*at)) == 0 && getsockname(fd, (struct sockaddr *)at, &len) == 0);
	return fd;
}

/* A datagram with one control message of the IPv6 level. */
static ssize_t send_with(int fd, const struct sockaddr_in6 *to, int type, const void *data, size_t len)
{
	union { char bytes[CMSG_SPACE(64)]; struct cmsghdr h; } ctl;
	struct iovec iov = { (char[]){ "x" }, 1 };
	struct msghdr m = { .msg_name = (void *)(uintptr_t)to, .msg_namelen = sizeof *to, .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = &ctl, .msg_controllen = CMSG_SPACE(len) };
	memset(&ctl, 0, sizeof ctl);
	ctl.h = (struct cmsghdr){ .cmsg_len = CMSG_LEN(len), .cmsg_level = IPPROTO_IPV6, .cmsg_type = type };
	memcpy(CMSG_DATA(&ctl.h), data, len);
	return sendmsg(fd, &m, 0);
}

static ssize_t send_int(int fd, const struct sockaddr_in6 *to, int type, int v) { return send_with(fd, to, type, &v, sizeof v); }

/* The control message of that type with the next datagram, its length; -1: there is none. */
static int receive_with(int fd, int type, void *data, size_t room)
{
	union { char bytes[512]; struct cmsghdr h; } ctl;
	char c[128];
	struct iovec iov = { c, sizeof c };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &ctl, .msg_controllen = sizeof ctl };
	if (recvmsg(fd, &m, type == IPV6_PATHMTU ? MSG_DONTWAIT : 0) < 0)	/* poll does not tell of that one */
		return -2;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h))
		if (h->cmsg_level == IPPROTO_IPV6 && h->cmsg_type == type) {
			size_t len = h->cmsg_len - CMSG_LEN(0);
			memcpy(data, CMSG_DATA(h), len < room ? len : room);
			return (int)len;
		}
	return -1;
}

static int receive_int(int fd, int type)
{
	int v = -1;
	return receive_with(fd, type, &v, sizeof v) == sizeof v ? v : -1;
}

/* req: 3542-4-a, 3542-6.3-a, 3542-6.5-a, 3542-12-a */
TEST(ip6_hop_limit_and_traffic_class_beside_a_datagram)
{
	struct sockaddr_in6 to, from;
	int r = udp6(&to), s = udp6(&from);
	works(on(r, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1));
	works(on(r, IPPROTO_IPV6, IPV6_RECVTCLASS, 1));
	gives(opt(r, IPPROTO_IPV6, IPV6_RECVHOPLIMIT), 1);
	works(on(s, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 30));
	works(on(s, IPPROTO_IPV6, IPV6_TCLASS, 8));
	gives(sendto(s, "x", 1, 0, SA(to)), 1);
	gives(receive_int(r, IPV6_HOPLIMIT), 30);
	gives(send_int(s, &to, IPV6_HOPLIMIT, 7), 1);			/* this one's, over the sticky one */
	gives(receive_int(r, IPV6_HOPLIMIT), 7);
	gives(send_int(s, &to, IPV6_HOPLIMIT, -1), 1);
	fact(receive_int(r, IPV6_HOPLIMIT) > 0);
	gives(send_int(s, &to, IPV6_TCLASS, 0x20), 1);
	gives(receive_int(r, IPV6_TCLASS), 0x20);
	gives(sendto(s, "x", 1, 0, SA(to)), 1);
	gives(receive_int(r, IPV6_TCLASS), 8);
	says(send_int(s, &to, IPV6_HOPLIMIT, 256), EINVAL);
	says(send_int(s, &to, IPV6_HOPLIMIT, -2), EINVAL);
	says(send_int(s, &to, IPV6_TCLASS, 256), EINVAL);
	says(send_with(s, &to, IPV6_HOPLIMIT, "x", 1), EINVAL);
	says(on(s, IPPROTO_IPV6, IPV6_TCLASS, 256), EINVAL);
	works(on(s, IPPROTO_IPV6, IPV6_TCLASS, -1));
	gives(opt(s, IPPROTO_IPV6, IPV6_TCLASS), 0);
}

/* req: 3542-4-a, 3542-6.2-a, 3542-12-a */
TEST(ip6_packet_info)
{
	struct sockaddr_in6 to, from;
	struct in6_pktinfo info = { .ipi6_ifindex = 1 }, got;
	socklen_t len = sizeof got;
	int r = udp6(&to), s = udp6(&from);
	works(on(r, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1));
	gives(sendto(s, "x", 1, 0, SA(to)), 1);
	gives(receive_with(r, IPV6_PKTINFO, &got, sizeof got), sizeof got);
	fact(IN6_IS_ADDR_LOOPBACK(&got.ipi6_addr) && got.ipi6_ifindex == 1);
	info.ipi6_addr = in6addr_loopback;
	gives(send_with(s, &to, IPV6_PKTINFO, &info, sizeof info), 1);
	inet_pton(AF_INET6, "2001:db8::99", &info.ipi6_addr);		/* none of ours */
	says(send_with(s, &to, IPV6_PKTINFO, &info, sizeof info), EINVAL);
	info = (struct in6_pktinfo){ .ipi6_ifindex = 9999 };
	says(send_with(s, &to, IPV6_PKTINFO, &info, sizeof info), ENODEV);
	info = (struct in6_pktinfo){ .ipi6_addr = in6addr_loopback, .ipi6_ifindex = 1 };
	works(setsockopt(s, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info));	/* the sticky one */
	says(setsockopt(s, IPPROTO_IPV6, IPV6_PKTINFO, &info, 4), EINVAL);
	gives(sendto(s, "x", 1, 0, SA(to)), 1);
	(void)len;
}

/* req: 3542-6.2-b */
TEST(ip6_packet_info_of_streams)
{
	struct in6_pktinfo info = { .ipi6_addr = IN6ADDR_ANY_INIT };
	int s = socket(AF_INET6, SOCK_STREAM, 0);
	works(setsockopt(s, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info));
}

TEST(ip6_streams_take_the_options_of_datagrams)
{
	int s = socket(AF_INET6, SOCK_STREAM, 0);
	works(on(s, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1));
	works(on(s, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1));
}

/* req-not: 3542-6.4-a no IPV6_NEXTHOP, as on Linux: it goes around the routes, and wants a privilege that nobody has here */
TEST(ip6_next_hop_is_not_to_be_had)
{
	struct sockaddr_in6 hop = in6(FAR6, 0);
	int s = socket(AF_INET6, SOCK_DGRAM, 0);
	says(setsockopt(s, IPPROTO_IPV6, IPV6_NEXTHOP, &hop, sizeof hop), ENOPROTOOPT);
}

/* req: 3542-3.1-a, 3542-3-a */
TEST(ip6_checksums_of_raw_sockets)
{
	struct sockaddr_in6 to = in6("::1", 0);
	unsigned char p[8] = { 1, 2, 0, 0, 5, 6, 7, 8 }, q[16];
	int s = raw6(253), r = raw6(253), icmp = raw6(IPPROTO_ICMPV6);
	says(on(s, IPPROTO_IPV6, IPV6_CHECKSUM, 3), EINVAL);
	says(on(icmp, IPPROTO_IPV6, IPV6_CHECKSUM, 2), EINVAL);
	gives(opt(s, IPPROTO_IPV6, IPV6_CHECKSUM), -1);
	works(on(s, IPPROTO_IPV6, IPV6_CHECKSUM, 2));
	gives(opt(s, IPPROTO_IPV6, IPV6_CHECKSUM), 2);
	gives(sendto(s, p, sizeof p, 0, SA(to)), sizeof p);
	gives(ready(r, POLLIN), POLLIN);
	gives(recv(r, q, sizeof q, 0), sizeof p);		/* no header of IPv6 */
	uint32_t sum = 0;					/* RFC 8200 8.1: the pseudo-header, then the text */
	for (int i = 0; i < 8; i += 2)
		sum += (uint32_t)(q[i] << 8 | q[i + 1]);
	sum += 1 + 1 + 8 + 253;
	sum = (sum & 0xffff) + (sum >> 16);
	gives(sum, 0xffff);
	works(on(r, IPPROTO_IPV6, IPV6_CHECKSUM, 2));
	gives(recv(s, q, sizeof q, MSG_DONTWAIT), sizeof p);	/* its own */
	works(on(s, IPPROTO_IPV6, IPV6_CHECKSUM, -1));
	gives(sendto(s, p, sizeof p, 0, SA(to)), sizeof p);	/* a wrong one now */
	p[2] = q[2], p[3] = q[3];
	gives(sendto(s, p, sizeof p, 0, SA(to)), sizeof p);
	gives(ready(r, POLLIN), POLLIN);
	gives(recv(r, q, sizeof q, 0), sizeof p);
	fact(q[2] == p[2] && q[3] == p[3]);			/* the right one alone came */
	says(recv(r, q, sizeof q, MSG_DONTWAIT), EAGAIN);
	works(on(s, IPPROTO_IPV6, IPV6_CHECKSUM, 8));
	says(sendto(s, p, sizeof p, 0, SA(to)), EINVAL);	/* beyond the end */
}

/* req: 3542-3.2-a */
TEST(icmp6_filters_choose_types)
{
	struct sockaddr_in6 to = in6("::1", 0);
	struct icmp6_filter f, g;
	struct icmp6_hdr echo = { .icmp6_type = ICMP6_ECHO_REQUEST, .icmp6_id = htons(77) }, got;
	socklen_t len = sizeof g;
	int s = raw6(IPPROTO_ICMPV6), r = raw6(IPPROTO_ICMPV6);
	ICMP6_FILTER_SETBLOCKALL(&f);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &f);
	works(setsockopt(r, IPPROTO_ICMPV6, ICMP6_FILTER, &f, sizeof f));
	gives(getsockopt(r, IPPROTO_ICMPV6, ICMP6_FILTER, &g, &len), 0);
	fact(len == sizeof g && !memcmp(&f, &g, sizeof g));
	len = sizeof g;
	gives(getsockopt(s, IPPROTO_ICMPV6, ICMP6_FILTER, &g, &len), 0);
	fact(ICMP6_FILTER_WILLPASS(ICMP6_ECHO_REQUEST, &g));	/* all pass unless told otherwise */
	gives(sendto(s, &echo, sizeof echo, 0, SA(to)), sizeof echo);
	gives(ready(r, POLLIN), POLLIN);
	gives(recv(r, &got, sizeof got, 0), sizeof got);
	gives(got.icmp6_type, ICMP6_ECHO_REPLY);		/* the request was not told */
	fact(got.icmp6_id == htons(77));
	gives(ready(s, POLLIN), POLLIN);
	gives(recv(s, &got, sizeof got, 0), sizeof got);
	gives(got.icmp6_type, ICMP6_ECHO_REQUEST);
	ICMP6_FILTER_SETBLOCKALL(&f);
	works(setsockopt(r, IPPROTO_ICMPV6, ICMP6_FILTER, &f, 4));	/* a part of it */
}

/* req: 3542-11.1-a, 3542-11.2-a, 3542-11.3-a */
TEST(ip6_options_of_the_path)
{
	struct sockaddr_in6 to, far = in6(FAR6, FAR_ECHO);
	struct ip6_mtuinfo info;
	socklen_t len = sizeof info;
	static char block[2000];
	int s = udp6(&to);
	gives(opt(s, IPPROTO_IPV6, IPV6_RECVPATHMTU), 0);
	works(on(s, IPPROTO_IPV6, IPV6_RECVPATHMTU, 1));
	gives(opt(s, IPPROTO_IPV6, IPV6_RECVPATHMTU), 1);
	says(getsockopt(s, IPPROTO_IPV6, IPV6_PATHMTU, &info, &len), ENOTCONN);
	need_far();
	s = socket(AF_INET6, SOCK_DGRAM, 0);
	works(connect(s, SA(far)));
	len = sizeof info;
	gives(getsockopt(s, IPPROTO_IPV6, IPV6_PATHMTU, &info, &len), 0);
	gives(info.ip6m_mtu, 1500);
	gives(len, sizeof info);
	works(on(s, IPPROTO_IPV6, IPV6_DONTFRAG, 1));
	gives(opt(s, IPPROTO_IPV6, IPV6_DONTFRAG), 1);
	says(sendto(s, block, sizeof block, 0, SA(far)), EMSGSIZE);
	works(on(s, IPPROTO_IPV6, IPV6_RECVPATHMTU, 1));
	says(sendto(s, block, sizeof block, 0, SA(far)), EMSGSIZE);
	memset(&info, 0, sizeof info);
	gives(receive_with(s, IPV6_PATHMTU, &info, sizeof info), sizeof info);
	gives(info.ip6m_mtu, 1500);
	fact(!memcmp(&info.ip6m_addr.sin6_addr, &far.sin6_addr, 16));
}

/* req: 3542-9-a */
TEST(ip6_options_headers)
{
	struct sockaddr_in6 to, from;
	unsigned char opts[8] = { 0, 0, 1, 4, 0, 0, 0, 0 }, got[32];	/* PadN of four */
	int r = udp6(&to), s = udp6(&from);
	works(on(r, IPPROTO_IPV6, IPV6_RECVDSTOPTS, 1));
	gives(opt(r, IPPROTO_IPV6, IPV6_RECVDSTOPTS), 1);
	works(on(r, IPPROTO_IPV6, IPV6_RECVHOPOPTS, 1));
	gives(send_with(s, &to, IPV6_DSTOPTS, opts, sizeof opts), 1);
	gives(receive_with(r, IPV6_DSTOPTS, got, sizeof got), sizeof opts);
	fact(!memcmp(got + 2, opts + 2, 6));
	says(send_with(s, &to, IPV6_DSTOPTS, opts, 4), EINVAL);
	works(setsockopt(s, IPPROTO_IPV6, IPV6_DSTOPTS, opts, sizeof opts));
	gives(sendto(s, "x", 1, 0, SA(to)), 1);
	gives(receive_with(r, IPV6_DSTOPTS, got, sizeof got), sizeof opts);
	works(setsockopt(s, IPPROTO_IPV6, IPV6_DSTOPTS, NULL, 0));
	gives(sendto(s, "x", 1, 0, SA(to)), 1);
	gives(receive_with(r, IPV6_DSTOPTS, got, sizeof got), -1);
}
