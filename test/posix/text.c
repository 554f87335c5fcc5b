/* Addresses as text and as structures, byte order, and the macros around control messages: no socket is asked. */
#include "posix.h"
#include <netinet/icmp6.h>
#include <stdalign.h>

static bool is4(const char *text, int ret, const char *want)
{
	struct in_addr a, w;
	return inet_pton(AF_INET, text, &a) == ret && (ret != 1 || (inet_aton(want, &w) && a.s_addr == w.s_addr));
}

/* req: 3493-6.3-a, POSIX-inet_pton-a, POSIX-inet_pton-EAFNOSUPPORT */
TEST(inet_pton_reads_addresses)
{
	unsigned char a[16];
	static const unsigned char mapped[16] = { [10] = 0xff, 0xff, 192, 0, 2, 4 };
	fact(is4("192.0.2.4", 1, "192.0.2.4"));
	fact(is4("255.255.255.255", 1, "255.255.255.255"));
	fact(is4("192.0.2", 0, "") && is4("192.0.2.256", 0, "") && is4("192.0.2.4.5", 0, "") && is4("0x7f.1", 0, "") && is4("", 0, ""));
	fact(is4(" 192.0.2.4", 0, "") && is4("192.0.2.4 ", 0, "") && is4("192.0.2.-4", 0, ""));
	gives(inet_pton(AF_INET6, "::ffff:192.0.2.4", a), 1);
	fact(!memcmp(a, mapped, 16));
	gives(inet_pton(AF_INET6, "2001:DB8::8:800:200C:417A", a), 1);
	gives(inet_pton(AF_INET6, "::", a), 1);
	gives(inet_pton(AF_INET6, "1::2::3", a), 0);
	gives(inet_pton(AF_INET6, "1:2:3:4:5:6:7", a), 0);
	gives(inet_pton(AF_INET6, "1:2:3:4:5:6:7:8:9", a), 0);
	gives(inet_pton(AF_INET6, "12345::", a), 0);
	gives(inet_pton(AF_INET6, "fe80::1%lo", a), 0);
	gives(inet_pton(AF_INET6, "192.0.2.4", a), 0);
	says(inet_pton(AF_UNIX, "1", a), EAFNOSUPPORT);
}

/* req: 3493-6.3-b, POSIX-inet_ntop-EAFNOSUPPORT, POSIX-inet_ntop-ENOSPC */
TEST(inet_ntop_writes_addresses)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr a;
	struct in_addr b = { htonl(0xc0000204) };
	fact(inet_ntop(AF_INET, &b, text, sizeof text) == text && !strcmp(text, "192.0.2.4"));
	inet_pton(AF_INET6, "2001:0db8:0:0:8:0800:200C:417A", &a);
	fact(inet_ntop(AF_INET6, &a, text, sizeof text) == text && !strcmp(text, "2001:db8::8:800:200c:417a"));
	inet_pton(AF_INET6, "::ffff:192.0.2.4", &a);
	fact(inet_ntop(AF_INET6, &a, text, sizeof text) && !strcmp(text, "::ffff:192.0.2.4"));
	errno = 0;
	fact(!inet_ntop(AF_INET, &b, text, 9) && errno == ENOSPC);
	fact(inet_ntop(AF_INET, &b, text, 10) != NULL);
	errno = 0;
	fact(!inet_ntop(AF_INET6, &a, text, 5) && errno == ENOSPC);
	errno = 0;
	fact(!inet_ntop(AF_UNIX, &a, text, sizeof text) && errno == EAFNOSUPPORT);
}

/* req: POSIX-general-d */
TEST(byte_order)
{
	const unsigned char four[] = { 1, 2, 3, 4 }, two[] = { 1, 2 };
	uint32_t l;
	uint16_t s;
	memcpy(&l, four, 4);
	memcpy(&s, two, 2);
	fact(ntohl(l) == 0x01020304 && htonl(0x01020304) == l);
	fact(ntohs(s) == 0x0102 && htons(0x0102) == s);
}

/* req: 3493-3.10-a, 3493-3.3-a, 3493-3.8-a, 3493-3.9-a */
TEST(structures_hold_what_they_should)
{
	struct sockaddr_in6 any = { .sin6_addr = IN6ADDR_ANY_INIT }, loop = { .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_storage ss = { 0 };
	fact(sizeof ss >= sizeof any && sizeof ss >= 110 && alignof(struct sockaddr_storage) >= alignof(struct sockaddr_in6));
	((struct sockaddr_in6 *)(void *)&ss)->sin6_family = AF_INET6;
	fact(ss.ss_family == AF_INET6);
	fact(!memcmp(&any.sin6_addr, &in6addr_any, 16) && !memcmp(&loop.sin6_addr, &in6addr_loopback, 16));
	fact(in6addr_loopback.s6_addr[15] == 1 && in6addr_loopback.s6_addr[0] == 0);
	any.sin6_flowinfo = any.sin6_scope_id = any.sin6_port = 0;
	fact(sizeof any.sin6_scope_id == 4 && sizeof any.sin6_flowinfo == 4);
}

static bool six(const char *text, int which)
{
	struct in6_addr a;
	inet_pton(AF_INET6, text, &a);
	switch (which) {
	case 0: return IN6_IS_ADDR_UNSPECIFIED(&a);
	case 1: return IN6_IS_ADDR_LOOPBACK(&a);
	case 2: return IN6_IS_ADDR_MULTICAST(&a);
	case 3: return IN6_IS_ADDR_LINKLOCAL(&a);
	case 4: return IN6_IS_ADDR_V4MAPPED(&a);
	case 5: return IN6_IS_ADDR_MC_NODELOCAL(&a);
	case 6: return IN6_IS_ADDR_MC_LINKLOCAL(&a);
	case 7: return IN6_IS_ADDR_MC_SITELOCAL(&a);
	case 8: return IN6_IS_ADDR_MC_ORGLOCAL(&a);
	case 9: return IN6_IS_ADDR_MC_GLOBAL(&a);
	case 10: return IN6_IS_ADDR_SITELOCAL(&a);
	default: return IN6_IS_ADDR_V4COMPAT(&a);
	}
}

/* req: 3493-6.4-a */
TEST(kinds_of_ip6_addresses)
{
	static const struct { const char *text; unsigned kinds; } t[] = {
		{ "::", 1 << 0 }, { "::1", 1 << 1 }, { "ff01::1", 1 << 2 | 1 << 5 }, { "ff02::1", 1 << 2 | 1 << 6 }, { "ff05::1", 1 << 2 | 1 << 7 },
		{ "ff08::1", 1 << 2 | 1 << 8 }, { "ff0e::1", 1 << 2 | 1 << 9 }, { "fe80::1", 1 << 3 }, { "febf::1", 1 << 3 },
		{ "fec0::1", 1 << 10 }, { "::ffff:1.2.3.4", 1 << 4 }, { "::1.2.3.4", 1 << 11 }, { "2001:db8::1", 0 }, { "fd00::1", 0 },
	};
	for (unsigned i = 0; i < sizeof t / sizeof *t; i++)
		for (int k = 0; k < 12; k++)
			fact(six(t[i].text, k) == (t[i].kinds >> k & 1));
}

/* req: 3542-5.1-a */
TEST(control_messages_are_walked_by_their_macros)
{
	union { char bytes[256]; struct cmsghdr align; } ctl;
	struct msghdr m = { .msg_control = &ctl, .msg_controllen = CMSG_SPACE(1) + CMSG_SPACE(4) + CMSG_LEN(3) };
	memset(&ctl, 0, sizeof ctl);
	fact(CMSG_LEN(0) <= CMSG_LEN(1) && CMSG_SPACE(1) >= CMSG_LEN(1) && CMSG_SPACE(1) % alignof(struct cmsghdr) == 0);
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	fact((void *)c == (void *)&ctl);
	fact((char *)CMSG_DATA(c) - (char *)c == (ptrdiff_t)CMSG_LEN(0) && (uintptr_t)CMSG_DATA(c) % alignof(struct cmsghdr) == 0);
	c->cmsg_len = CMSG_LEN(1);
	struct cmsghdr *d = CMSG_NXTHDR(&m, c);
	fact((char *)d - (char *)c == (ptrdiff_t)CMSG_SPACE(1));
	d->cmsg_len = CMSG_LEN(4);
	struct cmsghdr *e = CMSG_NXTHDR(&m, d);
	fact((char *)e - (char *)d == (ptrdiff_t)CMSG_SPACE(4));
	e->cmsg_len = CMSG_LEN(3);
	fact(CMSG_NXTHDR(&m, e) == NULL);
	m.msg_controllen = sizeof(struct cmsghdr) - 1;
	fact(CMSG_FIRSTHDR(&m) == NULL);
}

/* req: 3542-3.2-a */
TEST(icmp6_filters_by_their_macros)
{
	struct icmp6_filter f;
	ICMP6_FILTER_SETBLOCKALL(&f);
	fact(ICMP6_FILTER_WILLBLOCK(ICMP6_ECHO_REPLY, &f) && !ICMP6_FILTER_WILLPASS(255, &f));
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &f);
	fact(ICMP6_FILTER_WILLPASS(ICMP6_ECHO_REPLY, &f) && ICMP6_FILTER_WILLBLOCK(ICMP6_ECHO_REQUEST, &f));
	ICMP6_FILTER_SETPASSALL(&f);
	ICMP6_FILTER_SETBLOCK(1, &f);
	fact(ICMP6_FILTER_WILLBLOCK(1, &f) && ICMP6_FILTER_WILLPASS(2, &f));
}
