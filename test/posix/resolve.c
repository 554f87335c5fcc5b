/*
 * Names and services: getaddrinfo(), getnameinfo(), the interfaces' names.  A process of the case's own is the name server: libc asks it
 * over the host's loopback, so what is tested is libc's way over our sockets, and the same answers come in every place.
 */
#include "posix.h"
#include <arpa/nameser.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <pthread.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

/* ---- a name server ---- */

enum { NOERROR_ = 0, FORMERR_ = 1, SERVFAIL_ = 2, NXDOMAIN_ = 3, SILENT_ = 99 };
static const struct { const char *name; int rcode; const char *alias, *a[3], *aaaa[3], *ptr; } zone[] = {
	{ "four.test", .a = { "192.0.2.4" } },
	{ "six.test", .aaaa = { "2001:db8::6" } },
	{ "both.test", .a = { "192.0.2.4" }, .aaaa = { "2001:db8::6" } },
	{ "alias.test", .alias = "both.test", .a = { "192.0.2.4" }, .aaaa = { "2001:db8::6" } },
	{ "near.test", .a = { FAR4, "127.0.0.1" }, .aaaa = { "fd99::9", FAR6, "::1" } },
	{ "scopes.test", .aaaa = { "fe80::9", "fd80::7", "::1" } },	/* a link-local one without its interface: no source */
	{ "empty.test" },
	{ "formerr.test", FORMERR_ },
	{ "servfail.test", SERVFAIL_ },
	{ "silent.test", SILENT_ },
	{ "4.2.0.192.in-addr.arpa", .ptr = "four.test" },
	{ "6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", .ptr = "six.test" },
	{ "9.2.0.192.in-addr.arpa", FORMERR_ },
	{ "8.2.0.192.in-addr.arpa", SERVFAIL_ },
};

static size_t put_name(unsigned char *p, const char *name)
{
	size_t n = 0;
	while (*name) {
		size_t part = strcspn(name, ".");
		p[n++] = (unsigned char)part;
		memcpy(p + n, name, part);
		n += part;
		name += part + (name[part] == '.');
	}
	p[n++] = 0;
	return n;
}

static size_t put_record(unsigned char *p, int type, const void *data, size_t len)
{
	const unsigned char head[] = { 0xc0, 12, 0, (unsigned char)type, 0, 1, 0, 0, 0, 5, 0, (unsigned char)len };
	memcpy(p, head, sizeof head);
	memcpy(p + sizeof head, data, len);
	return sizeof head + len;
}

static size_t put_addresses(unsigned char *p, int type, const char *const *text, unsigned *n)
{
	size_t len = 0;
	for (int i = 0; i < 3 && text[i]; i++, ++*n) {
		unsigned char a[16];
		inet_pton(type == ns_t_a ? AF_INET : AF_INET6, text[i], a);
		len += put_record(p + len, type, a, type == ns_t_a ? 4 : 16);
	}
	return len;
}

/* The answer to q of len bytes, in place; its length, 0: none. */
static size_t answer(unsigned char *q, size_t len)
{
	char name[256] = "";
	unsigned char data[256];
	size_t at = 12, i;
	while (at < len && q[at]) {
		strncat(name, (char *)q + at + 1, q[at]);
		at += 1u + q[at];
		strcat(name, q[at] ? "." : "");
	}
	int type = q[at + 2];
	at += 5;
	for (i = 0; i < sizeof zone / sizeof *zone && strcasecmp(zone[i].name, name); i++)
		;
	bool known = i < sizeof zone / sizeof *zone;
	int rcode = known ? zone[i].rcode : NXDOMAIN_;
	unsigned n = 0;
	if (rcode == SILENT_)
		return 0;
	if (known && zone[i].alias) {
		at += put_record(q + at, ns_t_cname, data, put_name(data, zone[i].alias));
		n = 1;
	}
	if (known && zone[i].ptr && type == ns_t_ptr) {
		at += put_record(q + at, ns_t_ptr, data, put_name(data, zone[i].ptr));
		n = 1;
	}
	size_t owner = at;
	if (known && (type == ns_t_a || type == ns_t_aaaa))
		at += put_addresses(q + at, type, type == ns_t_a ? zone[i].a : zone[i].aaaa, &n);
	if (n && known && zone[i].alias)		/* its addresses are the other name's */
		for (size_t k = owner; k < at; k += 12u + q[k + 11])
			q[k + 1] = (unsigned char)(owner - put_name(data, zone[i].alias));
	q[2] = 0x81;
	q[3] = (unsigned char)(0x80 | rcode);
	q[7] = (unsigned char)n;
	memset(q + 8, 0, 4);
	return at;
}

static void serve_names(void *arg)
{
	for (int fd = *(int *)arg;;) {
		unsigned char q[512];
		struct sockaddr_in from;
		socklen_t len = sizeof from;
		ssize_t n = recvfrom(fd, q, 300, 0, (struct sockaddr *)&from, &len);
		size_t out = n > 17 ? answer(q, (size_t)n) : 0;
		if (out)
			sendto(fd, q, out, 0, (struct sockaddr *)&from, len);
	}
}

static void begin(void)
{
	struct sockaddr_in at;
	int fd = bound_udp(&at);
	child(serve_names, &fd);
	close(fd);
	need(res_init() == 0);
	_res.nscount = 1;
	_res.nsaddr_list[0] = at;
	_res.retrans = 10;
	_res.retry = 1;
	_res.options &= ~(unsigned long)(RES_DNSRCH | RES_DEFNAMES);
	_res.dnsrch[0] = NULL;
}

/* ---- getaddrinfo ---- */

static struct addrinfo *got;
static int ask(const char *node, const char *service, int family, int type, int flags)
{
	struct addrinfo hints = { .ai_family = family, .ai_socktype = type, .ai_flags = flags };
	if (got)
		freeaddrinfo(got);
	got = NULL;
	return getaddrinfo(node, service, &hints, &got);
}

/* The addresses as text, in their order. */
static bool is(const char *want)
{
	char text[512] = "";
	for (struct addrinfo *a = got; a; a = a->ai_next) {
		char one[64];
		if (getnameinfo(a->ai_addr, a->ai_addrlen, one, sizeof one, NULL, 0, NI_NUMERICHOST))
			return false;
		strcat(strcat(text, *text ? " " : ""), one);
	}
	if (strcmp(text, want))
		fprintf(stderr, "%s, not %s\n", text, want);
	return !strcmp(text, want);
}

/* req: POSIX-getaddrinfo-EAI_BADFLAGS, POSIX-getaddrinfo-EAI_FAMILY, POSIX-getaddrinfo-EAI_NONAME, POSIX-getaddrinfo-EAI_SERVICE,
   POSIX-getaddrinfo-EAI_SOCKTYPE, POSIX-getaddrinfo-EAI_AGAIN, 3493-6.1-a */
/* req-not: POSIX-getaddrinfo-EAI_FAIL glibc calls a server that finds the question wrong a name that does not exist */
TEST(getaddrinfo_says_what_is_wrong)
{
	begin();
	gives(ask("127.0.0.1", NULL, AF_INET, SOCK_STREAM, 0x8000), EAI_BADFLAGS);
	gives(ask("127.0.0.1", NULL, 12345, SOCK_STREAM, 0), EAI_FAMILY);
	gives(ask(NULL, NULL, AF_INET, SOCK_STREAM, 0), EAI_NONAME);
	gives(ask("no-such-name.test", NULL, AF_INET, SOCK_STREAM, 0), EAI_NONAME);
	gives(ask("127.0.0.1", "no-such-service", AF_INET, SOCK_STREAM, 0), EAI_SERVICE);
	gives(ask("127.0.0.1", "80", AF_INET, 77, 0), EAI_SOCKTYPE);
	gives(ask("servfail.test", NULL, AF_INET, SOCK_STREAM, 0), EAI_AGAIN);
	_res.retrans = 1;
	gives(ask("silent.test", NULL, AF_INET, SOCK_STREAM, 0), EAI_AGAIN);
	_res.retrans = 10;
	gives(ask("formerr.test", NULL, AF_INET, SOCK_STREAM, 0), EAI_NONAME);
	gives(ask("empty.test", NULL, AF_UNSPEC, SOCK_STREAM, 0), EAI_NODATA);
	gives(ask("127.0.0.1", "80", AF_INET6, SOCK_STREAM, 0), EAI_ADDRFAMILY);
}

static bool heap_is_empty(void)
{
	struct rlimit none = { 0, 0 };
	setrlimit(RLIMIT_AS, &none);
	setrlimit(RLIMIT_DATA, &none);
	for (size_t size = 1 << 20; size >= 16; size /= 2)
		while (malloc(size))
			;
	return true;
}

/* req: POSIX-getaddrinfo-EAI_MEMORY */
TEST(getaddrinfo_without_memory)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM }, *a;
	need(getaddrinfo("127.0.0.1", "80", &hints, &a) == 0);
	need(heap_is_empty());
	gives(getaddrinfo("127.0.0.1", "80", &hints, &a), EAI_MEMORY);
}

/* req: POSIX-getaddrinfo-EAI_SYSTEM */
TEST(getaddrinfo_without_descriptors)
{
	begin();
	need(ask("four.test", NULL, AF_INET, SOCK_STREAM, 0) == 0);
	for (int fd = 0; fd >= 0;)
		fd = dup(0);
	int ret = ask("four.test", NULL, AF_INET, SOCK_STREAM, 0), err = errno;
	gives(ret, EAI_SYSTEM);
	gives(err, EMFILE);
}

/* req: POSIX-getaddrinfo-a, POSIX-getaddrinfo-g, POSIX-getaddrinfo-h */
TEST(getaddrinfo_of_numbers)
{
	struct addrinfo *all;
	gives(ask("192.0.2.1", "80", AF_UNSPEC, SOCK_STREAM, 0), 0);
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)got->ai_addr;
	fact(got->ai_family == AF_INET && got->ai_socktype == SOCK_STREAM && got->ai_protocol == IPPROTO_TCP && !got->ai_next);
	fact(in->sin_family == AF_INET && in->sin_port == htons(80) && got->ai_addrlen == sizeof *in && !got->ai_canonname);
	fact(!memcmp(in->sin_zero, "\0\0\0\0\0\0\0\0", 8));
	gives(ask("2001:db8::1", "53", AF_UNSPEC, SOCK_DGRAM, 0), 0);
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)got->ai_addr;
	fact(got->ai_family == AF_INET6 && got->ai_protocol == IPPROTO_UDP && in6->sin6_port == htons(53));
	fact(!in6->sin6_flowinfo && !in6->sin6_scope_id);
	gives(ask("192.0.2", "80", AF_INET, SOCK_STREAM, 0), 0);		/* inet_aton()'s forms */
	fact(is("192.0.0.2"));
	gives(ask("0x7f000001", NULL, AF_INET, SOCK_STREAM, 0), 0);
	fact(is("127.0.0.1"));
	gives(ask("fe80::1%lo", NULL, AF_INET6, SOCK_STREAM, 0), 0);
	fact(((struct sockaddr_in6 *)(void *)got->ai_addr)->sin6_scope_id == if_nametoindex("lo"));
	gives(ask("fe80::1%no-such", NULL, AF_INET6, SOCK_STREAM, 0), EAI_NONAME);
	gives(getaddrinfo("192.0.2.1", "80", NULL, &all), 0);			/* no hints: every type */
	int n = 0;
	for (struct addrinfo *a = all; a; a = a->ai_next)
		n++;
	gives(n, 3);
	int fd = socket(all->ai_family, all->ai_socktype, all->ai_protocol);
	fact(fd >= 0);
	freeaddrinfo(all);
}

/* req: POSIX-getaddrinfo-b */
TEST(getaddrinfo_without_a_node)
{
	gives(ask(NULL, "80", AF_INET, SOCK_STREAM, AI_PASSIVE), 0);
	fact(is("0.0.0.0"));
	gives(ask(NULL, "80", AF_INET6, SOCK_STREAM, AI_PASSIVE), 0);
	fact(is("::"));
	gives(ask(NULL, "80", AF_INET, SOCK_STREAM, 0), 0);
	fact(is("127.0.0.1"));
	gives(ask(NULL, "80", AF_INET6, SOCK_STREAM, 0), 0);
	fact(is("::1"));
	gives(ask(NULL, "80", AF_UNSPEC, SOCK_STREAM, 0), 0);
	fact(is("::1 127.0.0.1"));
	gives(ask(NULL, "80", AF_UNSPEC, SOCK_STREAM, AI_PASSIVE), 0);
	for (struct addrinfo *a = got; a; a = a->ai_next) {			/* what it gives can be bound */
		int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
		on(fd, SOL_SOCKET, SO_REUSEADDR, 1);
		if (a->ai_family == AF_INET6)
			on(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
		struct sockaddr_storage ss;
		memcpy(&ss, a->ai_addr, a->ai_addrlen);
		((struct sockaddr_in *)(void *)&ss)->sin_port = 0;
		works(bind(fd, (struct sockaddr *)&ss, a->ai_addrlen));
	}
}

/* req: POSIX-getaddrinfo-c */
TEST(getaddrinfo_of_numbers_alone)
{
	begin();
	gives(ask("four.test", NULL, AF_INET, SOCK_STREAM, AI_NUMERICHOST), EAI_NONAME);
	gives(ask("192.0.2.1", "http", AF_INET, SOCK_STREAM, AI_NUMERICSERV), EAI_NONAME);
	gives(ask("192.0.2.1", "80", AF_INET, SOCK_STREAM, AI_NUMERICHOST | AI_NUMERICSERV), 0);
}

/* req: POSIX-getaddrinfo-d, POSIX-getaddrinfo-f */
TEST(getaddrinfo_of_names)
{
	begin();
	gives(ask("four.test", "80", AF_INET, SOCK_STREAM, 0), 0);
	fact(is("192.0.2.4"));
	gives(ask("FOUR.Test", "80", AF_INET, SOCK_STREAM, 0), 0);
	gives(ask("six.test", "80", AF_INET6, SOCK_STREAM, 0), 0);
	fact(is("2001:db8::6"));
	fact(ask("four.test", "80", AF_INET6, SOCK_STREAM, 0) != 0);
	gives(ask("four.test", "80", AF_INET6, SOCK_STREAM, AI_V4MAPPED), 0);
	fact(is("::ffff:192.0.2.4"));
	gives(ask("both.test", "80", AF_INET6, SOCK_STREAM, AI_V4MAPPED), 0);
	fact(is("2001:db8::6"));
	gives(ask("both.test", "80", AF_INET6, SOCK_STREAM, AI_V4MAPPED | AI_ALL), 0);
	fact(got && got->ai_next && !got->ai_next->ai_next);
	gives(ask("both.test", "80", AF_INET, SOCK_STREAM, AI_V4MAPPED), 0);	/* means nothing there */
	fact(is("192.0.2.4"));
	gives(ask("alias.test", "80", AF_UNSPEC, SOCK_STREAM, AI_CANONNAME), 0);
	fact(got->ai_canonname && !strcmp(got->ai_canonname, "both.test"));
	fact(got->ai_next && !got->ai_next->ai_canonname);
	gives(ask("localhost", "80", AF_INET, SOCK_STREAM, 0), 0);
	fact(is("127.0.0.1"));
}

/* req: POSIX-getaddrinfo-e, 3493-6.1-a */
TEST(getaddrinfo_by_what_addresses_there_are)
{
	need_far();
	begin();
	gives(ask("both.test", "80", AF_UNSPEC, SOCK_STREAM, AI_ADDRCONFIG), 0);
	fact(got && got->ai_next && !got->ai_next->ai_next);	/* this host has both */
}

/* RFC 6724 6: what has no source last (rule 1), fitting scopes and labels first (2, 5), higher precedence (6), the smaller scope (8: of
   127.0.0.1 it is link-local), then who shares more of our address (9).
   req: 6724-6-a, 6724-6-b, 6724-6-c, 6724-6-d, 6724-6-e, 6724-6-f, 6724-3.2-a */
TEST(getaddrinfo_sorts_by_how_good_they_are)
{
	need_far();
	begin();
	gives(ask("near.test", "80", AF_UNSPEC, SOCK_STREAM, 0), 0);
	fact(is("::1 fd80::2 fd99::9 127.0.0.1 10.80.0.2"));	/* libc's table still has fc00::/7 among the others */
	gives(ask("scopes.test", "80", AF_INET6, SOCK_STREAM, 0), 0);
	fact(is("::1 fd80::7 fe80::9"));
}

static void *ask_many_times(void *arg)
{
	for (int i = 0; i < 20; i++) {
		struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *a = NULL;
		if (getaddrinfo("127.0.0.1", "80", &hints, &a))
			*(int *)arg += 1;
		else
			freeaddrinfo(a);
	}
	return NULL;
}

/* req: 3493-6.1-b, POSIX-getaddrinfo-i */
TEST(getaddrinfo_in_threads_and_lists_in_parts)
{
	pthread_t t[4];
	int bad[4] = { 0 };
	struct addrinfo *all;
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, ask_many_times, &bad[i]);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	gives(bad[0] + bad[1] + bad[2] + bad[3], 0);
	need(getaddrinfo("192.0.2.1", "80", NULL, &all) == 0);
	struct addrinfo *rest = all->ai_next;
	all->ai_next = NULL;
	freeaddrinfo(all);
	freeaddrinfo(rest);
	fact(true);
}

/* ---- getnameinfo ---- */

static char host[256], service[64];
static int name_of(const void *sa, socklen_t len, int flags)
{
	memset(host, 0, sizeof host);
	memset(service, 0, sizeof service);
	return getnameinfo(sa, len, host, sizeof host, service, sizeof service, flags);
}

/* req: POSIX-getnameinfo-EAI_BADFLAGS, POSIX-getnameinfo-EAI_FAMILY, POSIX-getnameinfo-EAI_NONAME, POSIX-getnameinfo-EAI_OVERFLOW, 3493-6.2-a,
   POSIX-getnameinfo-EAI_AGAIN */
TEST(getnameinfo_says_what_is_wrong)
{
	struct sockaddr_in four = in4("192.0.2.4", 80), unknown = in4("192.0.2.5", 80), again = in4("192.0.2.8", 80), odd = four;
	begin();
	odd.sin_family = 12345;
	gives(name_of(&four, sizeof four, 0x8000), EAI_BADFLAGS);
	gives(name_of(&odd, sizeof odd, 0), EAI_FAMILY);
	gives(name_of(&four, 4, 0), EAI_FAMILY);
	gives(name_of(&unknown, sizeof unknown, NI_NAMEREQD), EAI_NONAME);
	gives(getnameinfo((void *)&four, sizeof four, NULL, 0, NULL, 0, NI_NAMEREQD), EAI_NONAME);
	gives(getnameinfo((void *)&four, sizeof four, host, 3, NULL, 0, NI_NUMERICHOST), EAI_OVERFLOW);
	gives(getnameinfo((void *)&four, sizeof four, host, 3, NULL, 0, NI_NUMERICHOST | NI_NUMERICSERV), EAI_OVERFLOW);
	gives(getnameinfo((void *)&four, sizeof four, NULL, 0, service, 1, NI_NUMERICSERV), EAI_OVERFLOW);
	gives(name_of(&again, sizeof again, NI_NAMEREQD), EAI_AGAIN);
}

/* req: POSIX-getnameinfo-b, POSIX-getnameinfo-c, 3493-6.2-a */
TEST(getnameinfo_of_addresses)
{
	struct sockaddr_in four = in4("192.0.2.4", 80), unknown = in4("192.0.2.5", 54321);
	struct sockaddr_in6 six = in6("2001:db8::6", 80), local = in6("fe80::1", 80);
	begin();
	gives(name_of(&four, sizeof four, 0), 0);
	fact(!strcmp(host, "four.test") && !strcmp(service, "http"));
	gives(name_of(&six, sizeof six, 0), 0);
	fact(!strcmp(host, "six.test"));
	gives(name_of(&four, sizeof four, NI_NUMERICHOST | NI_NUMERICSERV), 0);
	fact(!strcmp(host, "192.0.2.4") && !strcmp(service, "80"));
	gives(name_of(&unknown, sizeof unknown, 0), 0);			/* no name: the number */
	fact(!strcmp(host, "192.0.2.5") && !strcmp(service, "54321"));
	gives(name_of(&four, sizeof four, NI_NOFQDN), 0);
	fact(!strcmp(host, "four.test"));				/* no domain of ours */
	four.sin_port = htons(512);
	gives(name_of(&four, sizeof four, NI_NUMERICHOST), 0);
	fact(!strcmp(service, "exec"));
	gives(name_of(&four, sizeof four, NI_NUMERICHOST | NI_DGRAM), 0);
	fact(!strcmp(service, "biff"));
	local.sin6_scope_id = if_nametoindex("lo");
	gives(name_of(&local, sizeof local, NI_NUMERICHOST), 0);
	fact(!strcmp(host, "fe80::1%lo"));
}

/* req: POSIX-getnameinfo-a */
TEST(getnameinfo_of_mapped_addresses)
{
	struct sockaddr_in6 mapped = in6("::ffff:192.0.2.4", 80), any = in6("::", 80);
	begin();
	gives(name_of(&mapped, sizeof mapped, 0), 0);
	fact(!strcmp(host, "four.test"));
	gives(name_of(&any, sizeof any, 0), 0);
	fact(!strcmp(host, "::"));
}

/* ---- interfaces: req: POSIX-if_nametoindex-a, 3493-4.1-a, 3493-4.2-a, 3493-4.3-a ---- */
TEST(interfaces_by_name_and_number)
{
	char name[IF_NAMESIZE];
	fact(if_nametoindex("lo") == 1);
	gives(if_nametoindex("no-such-interface"), 0);
	fact(if_indextoname(1, name) == name && !strcmp(name, "lo"));
	errno = 0;
	fact(if_indextoname(9999, name) == NULL && errno == ENXIO);
	struct if_nameindex *all = if_nameindex();
	need(all);
	bool lo = false;
	unsigned n = 0;
	for (; all[n].if_index; n++) {
		lo |= !strcmp(all[n].if_name, "lo") && all[n].if_index == 1;
		fact(if_nametoindex(all[n].if_name) == all[n].if_index);
	}
	fact(lo && all[n].if_name == NULL);
	if_freenameindex(all);
}

TEST(interfaces_of_this_host)
{
	need_far();
	fact(if_nametoindex("eth0") > 1);
}
