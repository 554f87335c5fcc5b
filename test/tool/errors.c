/* The table of errors: complete, consistent with <errno.h>, found by every name it has. */
#include "unit.h"
#include "tool/errors.h"
#include <ctype.h>
#include <errno.h>
#include <netdb.h>

/* Every error that POSIX and Linux let a socket call return has an entry, and its number is <errno.h>'s. */
TEST(errors_know_every_errno_of_sockets)
{
	static const struct { int code; const char *name; } must[] = {
#define N(n) { n, #n }
		N(EPERM), N(EINTR), N(EIO), N(EBADF), N(EAGAIN), N(ENOMEM), N(EACCES), N(EFAULT), N(EINVAL), N(ENFILE), N(EMFILE),
		N(EPIPE), N(ENODEV), N(ENOENT), N(ENOSYS), N(EPROTO), N(ENOTSOCK), N(EDESTADDRREQ), N(EMSGSIZE), N(EPROTOTYPE),
		N(ENOPROTOOPT), N(EPROTONOSUPPORT), N(ESOCKTNOSUPPORT), N(EOPNOTSUPP), N(EPFNOSUPPORT), N(EAFNOSUPPORT),
		N(EADDRINUSE), N(EADDRNOTAVAIL), N(ENETDOWN), N(ENETUNREACH), N(ENETRESET), N(ECONNABORTED), N(ECONNRESET),
		N(ENOBUFS), N(EISCONN), N(ENOTCONN), N(ESHUTDOWN), N(ETOOMANYREFS), N(ETIMEDOUT), N(ECONNREFUSED), N(ELOOP),
		N(ENAMETOOLONG), N(EHOSTDOWN), N(EHOSTUNREACH), N(EALREADY), N(EINPROGRESS), N(ENONET), N(ENXIO), N(EEXIST),
#undef N
	};
	for (size_t i = 0; i < sizeof must / sizeof *must; i++) {
		const struct error_entry *e = error_by_errno(must[i].code);
		ok(e);
		eq_str(e->name, must[i].name);
		ok(error_by_errno(-must[i].code) == e);
	}
	eq_str(error_by_errno(EWOULDBLOCK)->name, "EAGAIN");
	ok(!error_by_errno(0));
	ok(!error_by_errno(9999));
}

/* Winsock 2.2's whole list, 10004 to 11004. */
TEST(errors_know_every_winsock_code)
{
	static const struct { int code; const char *name; } must[] = {
		{ 10004, "WSAEINTR" }, { 10009, "WSAEBADF" }, { 10013, "WSAEACCES" }, { 10014, "WSAEFAULT" }, { 10022, "WSAEINVAL" },
		{ 10024, "WSAEMFILE" }, { 10035, "WSAEWOULDBLOCK" }, { 10036, "WSAEINPROGRESS" }, { 10037, "WSAEALREADY" },
		{ 10038, "WSAENOTSOCK" }, { 10039, "WSAEDESTADDRREQ" }, { 10040, "WSAEMSGSIZE" }, { 10041, "WSAEPROTOTYPE" },
		{ 10042, "WSAENOPROTOOPT" }, { 10043, "WSAEPROTONOSUPPORT" }, { 10044, "WSAESOCKTNOSUPPORT" },
		{ 10045, "WSAEOPNOTSUPP" }, { 10046, "WSAEPFNOSUPPORT" }, { 10047, "WSAEAFNOSUPPORT" }, { 10048, "WSAEADDRINUSE" },
		{ 10049, "WSAEADDRNOTAVAIL" }, { 10050, "WSAENETDOWN" }, { 10051, "WSAENETUNREACH" }, { 10052, "WSAENETRESET" },
		{ 10053, "WSAECONNABORTED" }, { 10054, "WSAECONNRESET" }, { 10055, "WSAENOBUFS" }, { 10056, "WSAEISCONN" },
		{ 10057, "WSAENOTCONN" }, { 10058, "WSAESHUTDOWN" }, { 10059, "WSAETOOMANYREFS" }, { 10060, "WSAETIMEDOUT" },
		{ 10061, "WSAECONNREFUSED" }, { 10062, "WSAELOOP" }, { 10063, "WSAENAMETOOLONG" }, { 10064, "WSAEHOSTDOWN" },
		{ 10065, "WSAEHOSTUNREACH" }, { 10066, "WSAENOTEMPTY" }, { 10067, "WSAEPROCLIM" }, { 10068, "WSAEUSERS" },
		{ 10069, "WSAEDQUOT" }, { 10070, "WSAESTALE" }, { 10071, "WSAEREMOTE" }, { 10091, "WSASYSNOTREADY" },
		{ 10092, "WSAVERNOTSUPPORTED" }, { 10093, "WSANOTINITIALISED" }, { 10101, "WSAEDISCON" }, { 10102, "WSAENOMORE" },
		{ 10103, "WSAECANCELLED" }, { 10104, "WSAEINVALIDPROCTABLE" }, { 10105, "WSAEINVALIDPROVIDER" },
		{ 10106, "WSAEPROVIDERFAILEDINIT" }, { 10107, "WSASYSCALLFAILURE" }, { 10108, "WSASERVICE_NOT_FOUND" },
		{ 10109, "WSATYPE_NOT_FOUND" }, { 10110, "WSA_E_NO_MORE" }, { 10111, "WSA_E_CANCELLED" }, { 10112, "WSAEREFUSED" },
		{ 11001, "WSAHOST_NOT_FOUND" }, { 11002, "WSATRY_AGAIN" }, { 11003, "WSANO_RECOVERY" }, { 11004, "WSANO_DATA" },
	};
	for (size_t i = 0; i < sizeof must / sizeof *must; i++) {
		const struct error_entry *e = error_by_wsa(must[i].code);
		ok(e);
		eq_str(e->wsa_name, must[i].name);
		eq(error_find(must[i].name)->wsa, must[i].code);
	}
}

TEST(errors_know_getaddrinfo)
{
	static const int must[] = { EAI_BADFLAGS, EAI_NONAME, EAI_AGAIN, EAI_FAIL, EAI_NODATA, EAI_FAMILY, EAI_SOCKTYPE, EAI_SERVICE,
		EAI_MEMORY, EAI_SYSTEM, EAI_OVERFLOW, EAI_ADDRFAMILY };
	for (size_t i = 0; i < sizeof must / sizeof *must; i++) {
		ok(error_by_eai(must[i]));
		eq(error_by_eai(must[i])->code, must[i]);
	}
}

/* Where 4.2BSD's number exists in Winsock it is 10000 more, so twins can be told by their names. */
TEST(errors_twins_share_the_name)
{
	const struct error_entry *e;
	for (size_t i = 0; (e = error_at(i)); i++) {
		if (e->kind != ERROR_ERRNO || !e->wsa_name || strcmp(e->wsa_name, "WSA_E_CANCELLED") == 0 || e->code == EPIPE)
			continue;
		ok(strcmp(e->wsa_name + 3, e->name) == 0 || (e->alias && strcmp(e->wsa_name + 3, e->alias) == 0));
	}
	eq_str(error_by_wsa(10058)->name, "ESHUTDOWN");	/* not EPIPE, its relative */
	eq_str(error_by_wsa(10022)->name, "EINVAL");	/* not EAI_BADFLAGS */
	eq_str(error_by_wsa(10047)->name, "EAFNOSUPPORT");
}

TEST(errors_each_is_found_by_all_it_is_called)
{
	const struct error_entry *e;
	char text[64];
	for (size_t i = 0; (e = error_at(i)); i++) {
		ok(error_find(e->name) == e);
		if (e->alias)
			ok(error_find(e->alias) == e);
		snprintf(text, sizeof text, "%d", e->code);
		ok(error_find(text) == e);
		for (size_t k = 0; e->name[k] && k + 1 < sizeof text; k++)
			text[k] = (char)tolower(e->name[k]), text[k + 1] = 0;
		ok(error_find(text) == e);
	}
	ok(!error_find("ENOSUCHTHING"));
}

/* Each says something in every section, as a sentence of which the surrounding text makes the end. */
TEST(errors_each_says_what_why_and_what_to_do)
{
	const struct error_entry *e, *other;
	for (size_t i = 0; (e = error_at(i)); i++) {
		ok(e->means && e->means[0]);
		ok(e->causes[0] && e->causes[0][0]);
		ok(e->advice && e->advice[0]);
		ok(e->means[strlen(e->means) - 1] != '.');
		ok(!e->wsa == !e->wsa_name);
		for (size_t j = 0; j < i && (other = error_at(j)); j++) {
			ok(strcmp(other->name, e->name) != 0);
			ok(other->kind != e->kind || other->code != e->code);
		}
	}
}

TEST(errors_nonsense_is_not_found_but_typing_mistakes_are_near)
{
	ok(!error_find(""));
	ok(!error_find("10054x"));
	ok(!error_find("99999999999999999999"));
	ok(!error_find("10001"));
	ok(!error_find("0"));
	eq_str(error_nearest("ECONRESET")->name, "ECONNRESET");
	eq_str(error_nearest("ECONNREFUSE")->name, "ECONNREFUSED");
	ok(!error_nearest("HELLOWORLD"));
	ok(!error_nearest("A_NAME_THAT_IS_LONGER_THAN_ANY_ERROR_NAME_COULD_BE"));
}

TEST(errors_hint_is_one_line)
{
	char buf[128];
	eq_str(error_hint(ECONNREFUSED, buf, sizeof buf),
	       "ECONNREFUSED: nobody listens on that address and port: the SYN was answered with RST");
	eq_str(error_hint(-ENOTSOCK, buf, sizeof buf), "ENOTSOCK: the descriptor is open but is no socket");
	ok(strncmp(error_hint(4000, buf, sizeof buf), "errno 4000: ", 12) == 0);
	eq(strlen(error_hint(ECONNREFUSED, buf, 10)), 9);
}
