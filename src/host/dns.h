#ifndef HOST_DNS_H
#define HOST_DNS_H
/* Answers DNS queries out of a table of names.  Bytes in, bytes out; see dns.c. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <outlet/ol_addr.h>

#define DNS_UDP_MAX 4096u		/* of an answer by UDP, whatever the query offers */
#define DNS_TCP_MAX 65535u
#define DNS_MAX_ADDRS 16u
#define DNS_DOMAIN "outlet"		/* web and web.outlet are the same host */

/* Who is called what. */
struct dns_names {
	void *ctx;
	/** Addresses of the host with this one-label, lower-case name, at most max; -1: there is no such host. */
	int (*addrs)(void *ctx, const char *label, struct ol_addr *out, int max);
	/** The one-label name of whoever has this address, into label (64 bytes). */
	bool (*name)(void *ctx, const struct ol_addr *addr, char *label);
};
/**
 * The answer to a query.
 * @param tcp  there is room for a long answer; by UDP one that does not fit is cut and says so (TC)
 * @param out  cap bytes, DNS_UDP_MAX or DNS_TCP_MAX at least
 * @return its length; 0: the query deserves no answer (it is none, or too short to be one)
 */
size_t dns_answer(const struct dns_names *names, const uint8_t *query, size_t len, bool tcp, uint8_t *out, size_t cap);

#endif
